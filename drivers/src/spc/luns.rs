//! REPORT LUNS (SPC-5).

use serde::{Deserialize, Serialize};

use crate::bytes::{array_at, u32_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::{Transport, TransportError};

/// OPERATION CODE of REPORT LUNS.
pub const REPORT_LUNS: u8 = 0xa0;

/// A logical unit number as it stands in the list (SAM-5, logical unit number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogicalUnit(pub [u8; 8]);

impl LogicalUnit {
    /// The number when it is a single-level one with peripheral or flat addressing (SAM-5,
    /// peripheral device addressing method and flat space addressing method).
    #[must_use]
    pub fn number(self) -> Option<u16> {
        let [high, low, rest @ ..] = self.0;
        match (high >> 6, rest == [0; 6]) {
            (0 | 1, true) => Some(u16::from_be_bytes([high & 0x3f, low])),
            _ => None,
        }
    }
}

/// The units in a reply, as far as they are there.
#[must_use]
pub fn parse(raw: &[u8]) -> Vec<LogicalUnit> {
    let length = u32_at(raw, 0).map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    let list = raw.get(8..).unwrap_or_default();
    list[..list.len().min(length)]
        .chunks_exact(8)
        .filter_map(|unit| array_at(unit, 0).map(LogicalUnit))
        .collect()
}

fn command(allocation: u32) -> Command {
    let [a, b, c, d] = allocation.to_be_bytes();
    let cdb = [REPORT_LUNS, 0, 0, 0, 0, 0, a, b, c, d, 0, 0];
    Command::new("REPORT LUNS", timeout::SHORT, cdb)
}

/// Whether the path to a device takes a command that moves up to so many bytes: host adapters have
/// limits that devices know nothing of. Nothing but the list of units is moved.
///
/// # Errors
/// Any but a refusal by the path.
pub fn carries(transport: &mut dyn Transport, length: usize) -> Result<bool, ScsiError> {
    let allocation = u32::try_from(length).unwrap_or(u32::MAX);
    match command(allocation).read(transport, length) {
        Ok(_) => Ok(true),
        // The device was reached.
        Err(error) if error.sense().is_some() => Ok(true),
        Err(ScsiError::Transport(TransportError::Io { .. } | TransportError::Host { .. })) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// All logical units the device has.
pub fn report_luns(transport: &mut dyn Transport) -> Result<Vec<LogicalUnit>, ScsiError> {
    let mut length: u32 = 8 + 8 * 64;
    loop {
        let command = command(length);
        let raw = command.read(transport, length as usize)?;
        let stated = u32_at(&raw, 0)
            .ok_or_else(|| command.short(transport.path(), 8, &raw))?
            .saturating_add(8);
        // 16,384 units are more than any device has; a longer list is taken as far as it came.
        if stated <= length || stated > 8 + 8 * 16_384 {
            return Ok(parse(&raw));
        }
        length = stated;
    }
}
