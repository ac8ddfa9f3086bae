//! How much room a cartridge has: log page 31h, else its chip's attributes 0000h and 0001h.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::error::ScsiError;
use crate::spc::attribute::AttributeId;
use crate::spc::log::{self, LogPage};

/// A size in mebibytes (2^20 bytes).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Mebibytes(pub u64);

impl Mebibytes {
    /// The same in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0.saturating_mul(1 << 20)
    }
}

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0)
    }
}

/// Native capacity of partition 0, without compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capacity {
    /// From here to the end. Some drives keep counting from the last load or write.
    pub remaining: Mebibytes,
    /// From the beginning to the end.
    pub maximum: Mebibytes,
}

impl Capacity {
    /// From log page 31h: parameter 0001h is what remains of partition 0, 0003h its maximum,
    /// in units of 1,048,576 bytes (HP Ultrium technical reference C7379-90900, page 69).
    #[must_use]
    pub fn from_log(page: &LogPage) -> Option<Self> {
        let maximum = page.number(0x0003).filter(|maximum| *maximum > 0)?;
        Some(Self {
            remaining: Mebibytes(page.number(0x0001)?),
            maximum: Mebibytes(maximum),
        })
    }
}

impl Drive {
    /// The room on the cartridge; `None` when the drive can't tell. Up to three commands.
    pub fn capacity(&mut self) -> Result<Option<Capacity>, ScsiError> {
        let page = log::log_sense(&mut *self.transport, log::TAPE_CAPACITY, 0)?;
        if let Some(capacity) = page.as_ref().and_then(Capacity::from_log) {
            return Ok(Some(capacity));
        }
        let remaining = self.number_or_none(AttributeId::REMAINING_CAPACITY)?;
        let maximum = self.number_or_none(AttributeId::MAXIMUM_CAPACITY)?;
        Ok(remaining.zip(maximum).map(|(remaining, maximum)| Capacity {
            remaining: Mebibytes(remaining),
            maximum: Mebibytes(maximum),
        }))
    }

    fn number_or_none(&mut self, id: AttributeId) -> Result<Option<u64>, ScsiError> {
        match self.attribute(id) {
            Ok(attribute) => Ok(attribute.and_then(|attribute| attribute.number())),
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
