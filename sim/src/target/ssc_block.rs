//! READ BLOCK LIMITS and ERASE.

use super::drive::Drive;
use super::medium::write_failure;
use super::{Exchange, Stop};
use crate::sense::{Sense, SenseKey};

impl Drive {
    /// READ BLOCK LIMITS (SSC-4): GRANULARITY 0, maximum three bytes, minimum two bytes.
    pub(super) fn read_block_limits(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let mut bytes = self.identity.longest_block.to_be_bytes().to_vec();
        bytes[0] = 0;
        bytes.extend(1_u16.to_be_bytes());
        exchange.reply(&bytes, bytes.len());
        Ok(())
    }

    /// ERASE(6) (SSC-4): LONG is bit 0 of byte 1, IMMED bit 1.
    pub(super) fn erase6(&mut self, _: &mut Exchange<'_>) -> Result<(), Stop> {
        self.erase()
    }

    /// ERASE(16) (SSC-4): erases at the address in the CDB, which must be the current one.
    pub(super) fn erase16(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.check_explicit_address(exchange.cdb)?;
        self.erase()
    }

    /// Short and long erase look alike afterwards: the data ends at the current position.
    fn erase(&mut self) -> Result<(), Stop> {
        self.check_append_only()?;
        let mounted = self.writable()?;
        if mounted.is_worm() && !mounted.cartridge.store.is_empty() {
            return Err(Sense::new(SenseKey::DataProtect, (0x30, 0x0c)).into());
        }
        let position = mounted.position;
        let ended = mounted.cartridge.store.truncate(position);
        ended.map_err(|error| write_failure(&mounted.cartridge, &error))?;
        mounted.synchronize()?;
        Ok(())
    }
}
