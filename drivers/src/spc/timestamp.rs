//! REPORT TIMESTAMP and SET TIMESTAMP: the device's clock (SPC-4, device clocks).

use serde::{Deserialize, Serialize};

use crate::bytes::{slice_at, u8_at, unsigned};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of MAINTENANCE IN.
pub const MAINTENANCE_IN: u8 = 0xa3;
/// OPERATION CODE of MAINTENANCE OUT.
pub const MAINTENANCE_OUT: u8 = 0xa4;
/// SERVICE ACTION of both commands.
const TIMESTAMP: u8 = 0x0f;
/// Length of what both transfer.
const LENGTH: u8 = 12;

/// Milliseconds since 1970 began (UTC), once somebody has set the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Milliseconds(pub u64);

/// TIMESTAMP ORIGIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimestampOrigin {
    /// 000b: it was zero at power on or reset.
    PowerOn,
    /// 010b: SET TIMESTAMP.
    SetByHost,
    /// 011b: some other way.
    SetOtherwise,
    /// Any other value.
    Reserved(u8),
}

impl From<u8> for TimestampOrigin {
    fn from(byte: u8) -> Self {
        match byte & 0x07 {
            0 => Self::PowerOn,
            2 => Self::SetByHost,
            3 => Self::SetOtherwise,
            other => Self::Reserved(other),
        }
    }
}

/// What the device's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Where it comes from.
    pub origin: TimestampOrigin,
    /// Its value.
    pub value: Milliseconds,
}

impl Timestamp {
    /// Parses the reply to REPORT TIMESTAMP; `None` when it is cut off before its end.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        Some(Self {
            origin: TimestampOrigin::from(u8_at(raw, 2)?),
            value: Milliseconds(unsigned(slice_at(raw, 4, 6)?)?),
        })
    }
}

/// What the device's clock shows; `None` when it has none.
pub fn report_timestamp(transport: &mut dyn Transport) -> Result<Option<Timestamp>, ScsiError> {
    let command = Command::new(
        "REPORT TIMESTAMP",
        timeout::SHORT,
        [MAINTENANCE_IN, TIMESTAMP, 0, 0, 0, 0, 0, 0, 0, LENGTH, 0, 0],
    );
    let raw = match command.read(transport, usize::from(LENGTH)) {
        Ok(raw) => raw,
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(error) => return Err(error),
    };
    let timestamp = Timestamp::parse(&raw);
    let timestamp = timestamp.ok_or_else(|| command.short(transport.path(), 10, &raw))?;
    Ok(Some(timestamp))
}

/// Sets the device's clock; others are told by a unit attention. At most F0FFFFFFFFFFh
/// milliseconds: what is above is refused by the device.
pub fn set_timestamp(transport: &mut dyn Transport, value: Milliseconds) -> Result<(), ScsiError> {
    let [0, 0, bytes @ ..] = value.0.to_be_bytes() else {
        return Err(ScsiError::NotSent {
            command: "SET TIMESTAMP",
            path: transport.path().to_owned(),
            what: format!("{} milliseconds do not fit in 48 bits", value.0),
        });
    };
    let mut list = [0; LENGTH as usize];
    list[4..10].copy_from_slice(&bytes);
    Command::new(
        "SET TIMESTAMP",
        timeout::SETTING,
        [
            MAINTENANCE_OUT,
            TIMESTAMP,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            LENGTH,
            0,
            0,
        ],
    )
    .write(transport, &list)?;
    Ok(())
}
