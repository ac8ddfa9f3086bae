//! SECURITY PROTOCOL IN and OUT (SPC-5; laid out as in Oracle's T10000 Interface Reference Manual,
//! August 2016, table 3-166, and Quantum's LTO-4 manual, 3.31.1).

use crate::bytes::{slice_at, u16_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of SECURITY PROTOCOL IN.
pub const SECURITY_PROTOCOL_IN: u8 = 0xa2;
/// OPERATION CODE of SECURITY PROTOCOL OUT.
pub const SECURITY_PROTOCOL_OUT: u8 = 0xb5;

/// SECURITY PROTOCOL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecurityProtocol(pub u8);

impl SecurityProtocol {
    /// 00h: which protocols there are.
    pub const INFORMATION: Self = Self(0x00);
    /// 20h: tape data encryption (SSC-4).
    pub const TAPE_DATA_ENCRYPTION: Self = Self(0x20);
}

/// Most bytes asked for.
const ALLOCATION: u16 = 0x2000;

fn cdb(operation: u8, protocol: SecurityProtocol, specific: u16, length: u32) -> [u8; 12] {
    let [specific_high, specific_low] = specific.to_be_bytes();
    let [a, b, c, d] = length.to_be_bytes();
    [
        operation,
        protocol.0,
        specific_high,
        specific_low,
        0,
        0,
        a,
        b,
        c,
        d,
        0,
        0,
    ]
}

/// What the device says under one SECURITY PROTOCOL SPECIFIC, as it came.
pub fn security_protocol_in(
    transport: &mut dyn Transport,
    protocol: SecurityProtocol,
    specific: u16,
) -> Result<Vec<u8>, ScsiError> {
    let cdb = cdb(
        SECURITY_PROTOCOL_IN,
        protocol,
        specific,
        u32::from(ALLOCATION),
    );
    Command::new("SECURITY PROTOCOL IN", timeout::SETTING, cdb)
        .read(transport, usize::from(ALLOCATION))
}

/// Sends a parameter list.
pub fn security_protocol_out(
    transport: &mut dyn Transport,
    protocol: SecurityProtocol,
    specific: u16,
    list: &[u8],
) -> Result<(), ScsiError> {
    let name = "SECURITY PROTOCOL OUT";
    let length = u32::try_from(list.len()).map_err(|_| ScsiError::NotSent {
        command: name,
        path: transport.path().to_owned(),
        what: format!("{} bytes do not fit", list.len()),
    })?;
    let cdb = cdb(SECURITY_PROTOCOL_OUT, protocol, specific, length);
    Command::new(name, timeout::SETTING, cdb).write(transport, list)?;
    Ok(())
}

/// Parses the supported security protocol list: length in bytes 6 and 7, one byte each.
#[must_use]
pub fn parse_protocols(raw: &[u8]) -> Option<Vec<SecurityProtocol>> {
    let length = usize::from(u16_at(raw, 6)?);
    let whole = length.min(raw.len() - 8);
    let list = slice_at(raw, 8, whole)?;
    Some(list.iter().copied().map(SecurityProtocol).collect())
}

/// Which security protocols a device has; none when it lacks the command.
pub fn security_protocols(
    transport: &mut dyn Transport,
) -> Result<Vec<SecurityProtocol>, ScsiError> {
    match security_protocol_in(transport, SecurityProtocol::INFORMATION, 0) {
        Ok(raw) => parse_protocols(&raw).ok_or_else(|| ScsiError::ShortReply {
            command: "SECURITY PROTOCOL IN",
            path: transport.path().to_owned(),
            needed: 8,
            bytes: raw,
        }),
        Err(error) if error.is_unsupported() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
