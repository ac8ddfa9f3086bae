//! Error counter log pages: write 02h, read 03h (SPC-4, error counters).

use serde::{Deserialize, Serialize};

use super::log::{self, LogPage};
use crate::error::ScsiError;
use crate::transport::Transport;

/// Page code of the write error counters.
pub const WRITE_ERRORS: u8 = 0x02;
/// Page code of the read error counters.
pub const READ_ERRORS: u8 = 0x03;

/// Errors of one direction; tape drives begin anew with each cartridge. `None` is what the drive
/// doesn't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorCounters {
    /// 0000h: corrected without substantial delay.
    pub corrected_at_once: Option<u64>,
    /// 0001h: corrected with possible delays.
    pub corrected_with_delay: Option<u64>,
    /// 0002h: rewrites or rereads.
    pub retries: Option<u64>,
    /// 0003h: corrected in all.
    pub corrected: Option<u64>,
    /// 0004h: times the correction algorithm was processed.
    pub corrections: Option<u64>,
    /// 0005h: bytes processed.
    pub bytes: Option<u64>,
    /// 0006h
    pub uncorrected: Option<u64>,
}

impl ErrorCounters {
    /// From log page 02h or 03h.
    #[must_use]
    pub fn from_log(page: &LogPage) -> Self {
        Self {
            corrected_at_once: page.number(0),
            corrected_with_delay: page.number(1),
            retries: page.number(2),
            corrected: page.number(3),
            corrections: page.number(4),
            bytes: page.number(5),
            uncorrected: page.number(6),
        }
    }
}

/// Counters of writing; `None` when the device lacks the page.
pub fn write_errors(transport: &mut dyn Transport) -> Result<Option<ErrorCounters>, ScsiError> {
    let page = log::log_sense(transport, WRITE_ERRORS, 0)?;
    Ok(page.map(|page| ErrorCounters::from_log(&page)))
}

/// Counters of reading; `None` when the device lacks the page.
pub fn read_errors(transport: &mut dyn Transport) -> Result<Option<ErrorCounters>, ScsiError> {
    let page = log::log_sense(transport, READ_ERRORS, 0)?;
    Ok(page.map(|page| ErrorCounters::from_log(&page)))
}
