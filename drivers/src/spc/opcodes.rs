//! REPORT SUPPORTED OPERATION CODES (SPC-4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::timestamp::MAINTENANCE_IN;
use crate::bytes::{slice_at, u8_at, u16_at, u32_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// SERVICE ACTION.
const REPORT_SUPPORTED_OPERATION_CODES: u8 = 0x0c;
const NAME: &str = "REPORT SUPPORTED OPERATION CODES";

/// Length of a command timeouts descriptor with its own length field.
const TIMEOUTS_LENGTH: usize = 12;

/// A command: its operation code, and its service action if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandCode {
    /// OPERATION CODE.
    pub operation: u8,
    /// SERVICE ACTION.
    pub action: Option<u16>,
}

/// Command timeouts descriptor: how long a command takes. `None` is what the device doesn't say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CommandTimes {
    /// NOMINAL COMMAND PROCESSING TIMEOUT: without error recovery.
    pub nominal: Option<Duration>,
    /// RECOMMENDED COMMAND TIMEOUT.
    pub recommended: Option<Duration>,
}

impl CommandTimes {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let seconds = |at| {
            let seconds = u32_at(bytes, at)?;
            Some((seconds != 0).then(|| Duration::from_secs(u64::from(seconds))))
        };
        Some(Self {
            nominal: seconds(4)?,
            recommended: seconds(8)?,
        })
    }
}

/// One command descriptor of the list of all commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportedCommand {
    /// Which command.
    pub code: CommandCode,
    /// CDB LENGTH in bytes.
    pub cdb_length: u16,
    /// How long it takes, if asked for and given.
    pub times: Option<CommandTimes>,
}

/// Parses the list of all commands, as far as it is whole.
#[must_use]
pub fn parse_all(raw: &[u8]) -> Vec<SupportedCommand> {
    let stated = u32_at(raw, 0).map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    let list = raw.get(4..).unwrap_or_default();
    let mut rest = &list[..list.len().min(stated)];
    let mut all = Vec::new();
    while let Some((command, length)) = parse_descriptor(rest) {
        all.push(command);
        rest = &rest[length..];
    }
    all
}

fn parse_descriptor(bytes: &[u8]) -> Option<(SupportedCommand, usize)> {
    let flags = u8_at(bytes, 5)?;
    let (has_action, has_times) = (flags & 0x01 != 0, flags & 0x02 != 0);
    let action = u16_at(bytes, 2)?;
    let command = SupportedCommand {
        code: CommandCode {
            operation: u8_at(bytes, 0)?,
            action: has_action.then_some(action),
        },
        cdb_length: u16_at(bytes, 6)?,
        times: if has_times {
            Some(CommandTimes::parse(slice_at(bytes, 8, TIMEOUTS_LENGTH)?)?)
        } else {
            None
        },
    };
    Some((command, if has_times { 8 + TIMEOUTS_LENGTH } else { 8 }))
}

/// SUPPORT of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// 000b: the device can't say now.
    Unknown,
    /// 001b
    No,
    /// 011b
    Standard,
    /// 101b
    VendorSpecific,
    /// Any other value.
    Reserved(u8),
}

impl From<u8> for Support {
    fn from(byte: u8) -> Self {
        match byte & 0x07 {
            0 => Self::Unknown,
            1 => Self::No,
            3 => Self::Standard,
            5 => Self::VendorSpecific,
            other => Self::Reserved(other),
        }
    }
}

/// What the device says of one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSupport {
    /// Whether it has it.
    pub support: Support,
    /// CDB USAGE DATA: ones where it looks at a bit of the CDB; empty when not supported.
    pub usage: Vec<u8>,
    /// How long it takes, if asked for and given.
    pub times: Option<CommandTimes>,
}

impl CommandSupport {
    /// Parses the reply about one command; `None` when it is cut off.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let flags = u8_at(raw, 1)?;
        let support = Support::from(flags);
        if !matches!(support, Support::Standard | Support::VendorSpecific) {
            // All that follows is invalid then.
            return Some(Self {
                support,
                usage: Vec::new(),
                times: None,
            });
        }
        let length = usize::from(u16_at(raw, 2)?);
        let usage = slice_at(raw, 4, length)?.to_vec();
        let times = if flags & 0x80 == 0 {
            None
        } else {
            slice_at(raw, 4 + length, TIMEOUTS_LENGTH).and_then(CommandTimes::parse)
        };
        Some(Self {
            support,
            usage,
            times,
        })
    }

    /// Whether the device looks at this bit of the CDB.
    #[must_use]
    pub fn uses(&self, byte: usize, mask: u8) -> bool {
        u8_at(&self.usage, byte).is_some_and(|used| used & mask == mask)
    }
}

/// All commands with their times; `None` when the device does not tell.
pub fn supported_commands(
    transport: &mut dyn Transport,
) -> Result<Option<Vec<SupportedCommand>>, ScsiError> {
    let length: u16 = 0x4000;
    let [high, low] = length.to_be_bytes();
    let mut cdb = [
        MAINTENANCE_IN,
        REPORT_SUPPORTED_OPERATION_CODES,
        0x80,
        0,
        0,
        0,
        0,
        0,
        high,
        low,
        0,
        0,
    ];
    loop {
        let command = Command::new(NAME, timeout::SHORT, cdb);
        match command.read(transport, usize::from(length)) {
            Ok(raw) => return Ok(Some(parse_all(&raw))),
            // RCTD came with SPC-4: older devices refuse the bit.
            Err(error) if is_invalid_field(&error) && cdb[2] != 0 => cdb[2] = 0,
            Err(error) if error.is_unsupported() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// What the device says of one command; `None` when it does not tell.
pub fn command_support(
    transport: &mut dyn Transport,
    code: CommandCode,
) -> Result<Option<CommandSupport>, ScsiError> {
    let length: u8 = 64;
    let [high, low] = code.action.unwrap_or(0).to_be_bytes();
    // REPORTING OPTIONS: one operation code without or with a service action.
    let mut options = if code.action.is_some() { 0x82 } else { 0x81 };
    loop {
        let command = Command::new(
            NAME,
            timeout::SHORT,
            [
                MAINTENANCE_IN,
                REPORT_SUPPORTED_OPERATION_CODES,
                options,
                code.operation,
                high,
                low,
                0,
                0,
                0,
                length,
                0,
                0,
            ],
        );
        match command.read(transport, usize::from(length)) {
            Ok(raw) => {
                let support = CommandSupport::parse(&raw);
                let support = support.ok_or_else(|| command.short(transport.path(), 4, &raw))?;
                return Ok(Some(support));
            }
            Err(error) if is_invalid_field(&error) && options & 0x80 != 0 => options &= 0x7f,
            Err(error) if error.is_unsupported() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn is_invalid_field(error: &ScsiError) -> bool {
    error.is_unsupported() && error.sense().is_some_and(|sense| sense.asc.code == 0x24)
}
