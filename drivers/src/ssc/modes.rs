//! The modes all users of a drive share: buffering, block length, compression, programmable
//! early warning (SSC-4, mode parameters).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::error::ScsiError;
use crate::spc::mode::{self, ModeData, ModePage, PageCode, PageControl};

/// Size of the area behind programmable early warning, in megabytes (10^6 bytes, SSC-4, PEWS).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Megabytes(pub u16);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0)
    }
}

/// BUFFERED MODE (SSC-4, mode parameter header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Buffering {
    /// 0h: WRITE returns when the block is on tape.
    Unbuffered,
    /// 1h: WRITE returns when the drive took the block.
    Buffered,
    /// 2h: likewise, and everything another host wrote before is on tape first.
    BufferedAcrossHosts,
    /// 3h to 7h
    Reserved(u8),
}

impl Buffering {
    fn from_bits(device_specific: u8) -> Self {
        match device_specific >> 4 & 0x07 {
            0 => Self::Unbuffered,
            1 => Self::Buffered,
            2 => Self::BufferedAcrossHosts,
            other => Self::Reserved(other),
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::Unbuffered => 0x00,
            Self::Buffered => 0x10,
            Self::BufferedAcrossHosts => 0x20,
            Self::Reserved(value) => value << 4 & 0x70,
        }
    }
}

/// The modes as they are, or as they shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DriveModes {
    /// BUFFERED MODE.
    pub buffering: Buffering,
    /// BLOCK LENGTH in bytes for fixed-length transfers; 0 for variable length.
    pub block_length: u32,
    /// DCE: whether the drive compresses; `None` when it can't be told or set.
    pub compression: Option<bool>,
    /// PEWS; `None` when the drive lacks it.
    pub programmable_early_warning: Option<Megabytes>,
    /// WP: the cartridge or the drive is write-protected. Not set by [`Drive::set_modes`].
    pub write_protected: bool,
}

/// Something asked of [`Drive::set_modes`] that the drive did not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModeShortfall {
    /// Another buffered mode is in force.
    Buffering(Buffering),
    /// Another block length is in force.
    BlockLength(u32),
    /// Compression is another one, or can't be told (`None`).
    Compression(Option<bool>),
    /// Another size of the area is in force, or there is no programmable early warning (`None`).
    ProgrammableEarlyWarning(Option<Megabytes>),
}

impl fmt::Display for ModeShortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buffering(now) => write!(f, "the buffered mode stays {now:?}"),
            Self::BlockLength(now) => write!(f, "the block length stays {now} bytes"),
            Self::Compression(Some(true)) => f.write_str("compression stays on"),
            Self::Compression(Some(false)) => f.write_str("compression stays off"),
            Self::Compression(None) => f.write_str("the drive does not tell of compression"),
            Self::ProgrammableEarlyWarning(Some(now)) => {
                write!(f, "programmable early warning stays at {now}")
            }
            Self::ProgrammableEarlyWarning(None) => {
                f.write_str("the drive has no programmable early warning")
            }
        }
    }
}

/// What [`Drive::set_modes`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModesSet {
    /// The modes in force now, as read back.
    pub modes: DriveModes,
    /// What was asked for and is not so.
    pub shortfalls: Vec<ModeShortfall>,
}

/// Byte 2 of the data compression page: DCE (SSC-4).
const COMPRESSION_BYTE: usize = 2;
/// Bit of DCE.
const COMPRESSION_ENABLED: u8 = 0x80;
/// Byte 14 of the device configuration page: SELECT DATA COMPRESSION ALGORITHM.
const ALGORITHM_BYTE: usize = 14;
/// Bytes 6 and 7 of the device configuration extension page: PEWS (SSC-4).
const EARLY_WARNING_BYTE: usize = 6;

impl Drive {
    /// The modes in force. Up to four commands.
    pub fn modes(&mut self) -> Result<DriveModes, ScsiError> {
        let plain = self.mode_data(PageCode::NONE)?;
        let compression = match self.optional_page(PageCode::DATA_COMPRESSION)? {
            Some(page) => page
                .byte(COMPRESSION_BYTE)
                .map(|byte| byte & COMPRESSION_ENABLED != 0),
            None => self
                .optional_page(PageCode::DEVICE_CONFIGURATION)?
                .and_then(|page| page.byte(ALGORITHM_BYTE))
                .map(|algorithm| algorithm != 0),
        };
        let extension = self.optional_page(PageCode::DEVICE_CONFIGURATION_EXTENSION)?;
        Ok(DriveModes {
            buffering: Buffering::from_bits(plain.device_specific),
            block_length: plain
                .block_descriptor
                .map_or(0, |descriptor| descriptor.block_length),
            compression,
            programmable_early_warning: extension
                .and_then(|page| page.u16(EARLY_WARNING_BYTE))
                .map(Megabytes),
            write_protected: plain.device_specific & 0x80 != 0,
        })
    }

    /// Sets the modes that differ, page by page, each read, changed and written back, then
    /// reads them all again. `None` in a field leaves it as it is.
    ///
    /// # Errors
    /// What a device refuses as unknown to it is no error but a [`ModeShortfall`].
    pub fn set_modes(&mut self, wanted: &DriveModes) -> Result<ModesSet, ScsiError> {
        let before = self.modes()?;
        if before.buffering != wanted.buffering || before.block_length != wanted.block_length {
            let mut data = self.mode_data(PageCode::NONE)?;
            data.device_specific = wanted.buffering.bits();
            if let Some(descriptor) = &mut data.block_descriptor {
                descriptor.block_length = wanted.block_length;
                descriptor.blocks = 0;
            }
            // Page 00h came as it may, and does not go back.
            data.pages.clear();
            self.select(data)?;
        }
        if let Some(on) = wanted
            .compression
            .filter(|_| before.compression != wanted.compression)
        {
            self.set_compression(on)?;
        }
        if let Some(size) = wanted
            .programmable_early_warning
            .filter(|_| before.programmable_early_warning != wanted.programmable_early_warning)
        {
            self.change_page(PageCode::DEVICE_CONFIGURATION_EXTENSION, |page| {
                let [high, low] = size.0.to_be_bytes();
                page.set_byte(EARLY_WARNING_BYTE, high)
                    && page.set_byte(EARLY_WARNING_BYTE + 1, low)
            })?;
        }
        let modes = self.modes()?;
        Ok(ModesSet {
            modes,
            shortfalls: shortfalls(wanted, &modes),
        })
    }

    fn set_compression(&mut self, on: bool) -> Result<(), ScsiError> {
        let changed = self.change_page(PageCode::DATA_COMPRESSION, |page| {
            let Some(byte) = page.byte(COMPRESSION_BYTE) else {
                return false;
            };
            let enabled = if on { COMPRESSION_ENABLED } else { 0 };
            page.set_byte(COMPRESSION_BYTE, byte & !COMPRESSION_ENABLED | enabled)
        })?;
        if !changed {
            self.change_page(PageCode::DEVICE_CONFIGURATION, |page| {
                page.set_byte(ALGORITHM_BYTE, u8::from(on))
            })?;
        }
        Ok(())
    }

    /// Reads a page, changes it and writes it back; whether the drive has it and took it.
    pub(super) fn change_page(
        &mut self,
        code: PageCode,
        change: impl FnOnce(&mut ModePage) -> bool,
    ) -> Result<bool, ScsiError> {
        let mut data = match self.mode_data(code) {
            Ok(data) => data,
            Err(error) if error.is_unsupported() => return Ok(false),
            Err(error) => return Err(error),
        };
        data.pages.retain(|page| page.code == code);
        let Some(page) = data.pages.first_mut() else {
            return Ok(false);
        };
        if !change(page) {
            return Ok(false);
        }
        // WP is reserved in MODE SELECT.
        data.device_specific &= 0x7f;
        if let Some(descriptor) = &mut data.block_descriptor {
            descriptor.blocks = 0;
        }
        self.select(data)
    }

    /// MODE SELECT; whether the drive took it. A refusal shows when the modes are read again.
    fn select(&mut self, mut data: ModeData) -> Result<bool, ScsiError> {
        // MEDIUM TYPE is reserved in MODE SELECT.
        data.medium_type = 0;
        match mode::mode_select(&mut *self.transport, &data) {
            Ok(()) => Ok(true),
            Err(error) if error.is_unsupported() => {
                tracing::warn!(path = self.path(), %error, "the drive refused a mode");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn mode_data(&mut self, code: PageCode) -> Result<ModeData, ScsiError> {
        mode::mode_sense(&mut *self.transport, code, PageControl::Current)
    }

    pub(super) fn optional_page(&mut self, code: PageCode) -> Result<Option<ModePage>, ScsiError> {
        match self.mode_data(code) {
            Ok(data) => Ok(data.page(code).cloned()),
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn shortfalls(wanted: &DriveModes, now: &DriveModes) -> Vec<ModeShortfall> {
    let mut all = Vec::new();
    if now.buffering != wanted.buffering {
        all.push(ModeShortfall::Buffering(now.buffering));
    }
    if now.block_length != wanted.block_length {
        all.push(ModeShortfall::BlockLength(now.block_length));
    }
    if wanted.compression.is_some() && now.compression != wanted.compression {
        all.push(ModeShortfall::Compression(now.compression));
    }
    if wanted.programmable_early_warning.is_some()
        && now.programmable_early_warning != wanted.programmable_early_warning
    {
        all.push(ModeShortfall::ProgrammableEarlyWarning(
            now.programmable_early_warning,
        ));
    }
    all
}
