//! LOG SENSE (SPC-5, LOG SENSE and log parameters).

use serde::{Deserialize, Serialize};

use crate::bytes::{slice_at, u8_at, u16_at, unsigned};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of LOG SENSE.
pub const LOG_SENSE: u8 = 0x4d;

/// Page code of the volume statistics page (SSC-4).
pub const VOLUME_STATISTICS: u8 = 0x17;
/// Page code of the TapeAlert page (SSC-4).
pub const TAPE_ALERT: u8 = 0x2e;
/// Page code of the tape capacity page (vendors' references; the same for all LTO vendors).
pub const TAPE_CAPACITY: u8 = 0x31;

/// One log parameter (SPC-5, log parameter format).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogParameter {
    /// PARAMETER CODE.
    pub code: u16,
    /// Parameter control byte.
    pub control: u8,
    /// PARAMETER VALUE.
    pub value: Vec<u8>,
}

impl LogParameter {
    /// The value as an unsigned number of up to 8 bytes.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        unsigned(&self.value)
    }
}

/// One log page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogPage {
    /// PAGE CODE.
    pub page: u8,
    /// SUBPAGE CODE.
    pub subpage: u8,
    /// The parameters that are whole.
    pub parameters: Vec<LogParameter>,
}

impl LogPage {
    /// Parses the reply to LOG SENSE. `None` when the header is cut off; a parameter that is
    /// cut off ends the list.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let length = usize::from(u16_at(raw, 2)?);
        let mut rest = raw.get(4..raw.len().min(4 + length))?;
        let mut parameters = Vec::new();
        while let Some((parameter, length)) = parse_parameter(rest) {
            parameters.push(parameter);
            rest = &rest[length..];
        }
        Some(Self {
            page: raw[0] & 0x3f,
            subpage: if raw[0] & 0x40 == 0 { 0 } else { raw[1] },
            parameters,
        })
    }

    /// The parameter with this code.
    #[must_use]
    pub fn parameter(&self, code: u16) -> Option<&LogParameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.code == code)
    }

    /// The number in the parameter with this code.
    #[must_use]
    pub fn number(&self, code: u16) -> Option<u64> {
        self.parameter(code)?.number()
    }
}

fn parse_parameter(bytes: &[u8]) -> Option<(LogParameter, usize)> {
    let length = usize::from(u8_at(bytes, 3)?);
    let parameter = LogParameter {
        code: u16_at(bytes, 0)?,
        control: u8_at(bytes, 2)?,
        value: slice_at(bytes, 4, length)?.to_vec(),
    };
    Some((parameter, 4 + length))
}

/// Asks for a page's current cumulative values; `None` when the device has no such page.
///
/// Reading the TapeAlert page clears its flags: whoever reads it has to keep them.
pub fn log_sense(
    transport: &mut dyn Transport,
    page: u8,
    subpage: u8,
) -> Result<Option<LogPage>, ScsiError> {
    // One command with room for the longest page anyone has: asking for the length first would
    // read, and clear, a page twice.
    let length: u16 = 0x4000;
    let [high, low] = length.to_be_bytes();
    let command = Command::new(
        "LOG SENSE",
        timeout::SHORT,
        [
            LOG_SENSE,
            0,
            0x40 | page & 0x3f,
            subpage,
            0,
            0,
            0,
            high,
            low,
            0,
        ],
    );
    let raw = match command.read(transport, usize::from(length)) {
        Ok(raw) => raw,
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(error) => return Err(error),
    };
    let log = LogPage::parse(&raw).ok_or_else(|| command.short(transport.path(), 4, &raw))?;
    if log.page != page & 0x3f {
        let what = format!("asked for log page {page:02X}h, {:02X}h came", log.page);
        return Err(command.malformed(transport.path(), what, &raw));
    }
    Ok(Some(log))
}
