//! READ BLOCK LIMITS (SSC-4).

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::{u8_at, u16_at, u24_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::spc::luns;
use crate::timeout;

/// OPERATION CODE of READ BLOCK LIMITS.
pub const READ_BLOCK_LIMITS: u8 = 0x05;

/// Lengths a block may have. The path to the drive may allow less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockLimits {
    /// MAXIMUM BLOCK LENGTH LIMIT in bytes; 0 means that there is none.
    pub maximum: u32,
    /// MINIMUM BLOCK LENGTH LIMIT in bytes.
    pub minimum: u16,
    /// GRANULARITY: lengths are multiples of two to this power.
    pub granularity: u8,
}

impl BlockLimits {
    /// Parses the six bytes; `None` when there are fewer.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        Some(Self {
            granularity: u8_at(raw, 0)? & 0x1f,
            maximum: u24_at(raw, 1)?,
            minimum: u16_at(raw, 4)?,
        })
    }
}

impl Drive {
    /// Whether the path to the drive moves this many bytes in one command, whatever the drive
    /// takes.
    pub fn carries(&mut self, length: usize) -> Result<bool, ScsiError> {
        luns::carries(&mut *self.transport, length)
    }

    /// Which lengths blocks may have.
    pub fn read_block_limits(&mut self) -> Result<BlockLimits, ScsiError> {
        let command = Command::new(
            "READ BLOCK LIMITS",
            timeout::SHORT,
            [READ_BLOCK_LIMITS, 0, 0, 0, 0, 0],
        );
        let raw = command.read(&mut *self.transport, 6)?;
        BlockLimits::parse(&raw).ok_or_else(|| command.short(self.transport.path(), 6, &raw))
    }
}
