//! Append-only mode and ALLOW OVERWRITE (SSC-4).

use super::drive::Drive;
use super::mode::SelectPlan;
use super::{Exchange, Stop};
use crate::bytes::u64_at;
use crate::sense::{Sense, SenseKey};

/// Device configuration extension mode page; WRITE MODE is bits 7-4 of its byte 5.
const EXTENSION_PAGE: (u8, u8) = (0x10, 0x01);
const WRITE_MODE_BYTE: usize = 5;

/// What may be overwritten once in append-only mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Overwrite {
    #[default]
    Nothing,
    /// From this object of this partition on.
    At { partition: u8, object: u64 },
    /// All, by formatting.
    Format,
}

impl Drive {
    fn is_append_only(&self) -> bool {
        let page = self.pages.current(EXTENSION_PAGE.0, EXTENSION_PAGE.1);
        page.get(WRITE_MODE_BYTE).is_some_and(|byte| byte >> 4 == 1)
    }

    /// Checks WRITE MODE of a MODE SELECT: append-only mode is not left before the demount.
    pub(super) fn check_write_mode(&self, plan: &SelectPlan) -> Result<(), Sense> {
        let Some((at, page)) = plan.page(EXTENSION_PAGE) else {
            return Ok(());
        };
        match page[WRITE_MODE_BYTE] >> 4 {
            1 => Ok(()),
            0 if !self.is_append_only() => Ok(()),
            _ => Err(Sense::invalid_parameter(at + WRITE_MODE_BYTE)),
        }
    }

    /// A volume is mounted in the mode that allows overwriting.
    pub(super) fn leave_append_only(&mut self) {
        self.overwrite = Overwrite::Nothing;
        let page = self.pages.current(EXTENSION_PAGE.0, EXTENSION_PAGE.1);
        let byte = page.get(WRITE_MODE_BYTE).copied().unwrap_or(0) & 0x0f;
        self.pages.set_byte(EXTENSION_PAGE, WRITE_MODE_BYTE, byte);
    }

    /// Whether something may be written or erased here: at the end of data, or where it was
    /// allowed, once.
    pub(super) fn check_append_only(&mut self) -> Result<(), Sense> {
        if !self.is_append_only() {
            return Ok(());
        }
        let mounted = self.ready()?;
        if mounted.position == mounted.cartridge.store.len() {
            return Ok(());
        }
        let here = Overwrite::At {
            partition: mounted.cartridge.partition(),
            object: mounted.position,
        };
        if std::mem::take(&mut self.overwrite) == here {
            return Ok(());
        }
        // WRITE APPEND POSITION ERROR
        Err(Sense::new(SenseKey::DataProtect, (0x50, 0x01)))
    }

    /// Likewise for what formats.
    pub(super) fn check_format_allowed(&mut self) -> Result<(), Sense> {
        let allowed = std::mem::take(&mut self.overwrite) == Overwrite::Format;
        if allowed || !self.is_append_only() {
            return Ok(());
        }
        Err(Sense::new(SenseKey::DataProtect, (0x50, 0x01)))
    }

    /// ALLOW OVERWRITE 82h (SSC-4): ALLOW OVERWRITE is bits 3-0 of byte 2 (0h none, 1h at the
    /// current position, 2h format), PARTITION byte 3, LOGICAL OBJECT IDENTIFIER bytes 4-11.
    pub(super) fn allow_overwrite(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let here = {
            let mounted = self.ready()?;
            (mounted.cartridge.partition(), mounted.position)
        };
        if !self.is_append_only() {
            // ILLEGAL COMMAND WHEN NOT IN APPEND-ONLY MODE
            return Err(Sense::new(SenseKey::IllegalRequest, (0x20, 0x0c)).into());
        }
        self.overwrite = Overwrite::Nothing;
        self.overwrite = match cdb[2] & 0x0f {
            0 => Overwrite::Nothing,
            1 if (cdb[3], u64_at(cdb, 4)) == here => Overwrite::At {
                partition: here.0,
                object: here.1,
            },
            // SEQUENTIAL POSITIONING ERROR
            1 => return Err(Sense::new(SenseKey::IllegalRequest, (0x3b, 0x00)).into()),
            2 => Overwrite::Format,
            _ => return Err(Sense::invalid_cdb_field(2).into()),
        };
        Ok(())
    }
}
