//! INQUIRY, standard data (SPC-5).

use serde::{Deserialize, Serialize};

use crate::bytes::{ascii, slice_at, u8_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of INQUIRY.
pub const INQUIRY: u8 = 0x12;

/// Standard data is asked for up to here: every field of interest, and old devices accept it.
const STANDARD_LENGTH: u8 = 96;

/// PERIPHERAL DEVICE TYPE (SPC-5, standard INQUIRY data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PeripheralType {
    /// 00h
    DirectAccess,
    /// 01h: a tape drive.
    SequentialAccess,
    /// 03h
    Processor,
    /// 08h: a library's robot.
    MediumChanger,
    /// 0Ch
    StorageArrayController,
    /// 1Fh, or a peripheral qualifier other than 0: nothing usable here.
    NotConnected,
    /// Any other value.
    Other(u8),
}

impl From<u8> for PeripheralType {
    /// From byte 0 of standard data: qualifier and type.
    fn from(byte: u8) -> Self {
        match byte {
            0x00 => Self::DirectAccess,
            0x01 => Self::SequentialAccess,
            0x03 => Self::Processor,
            0x08 => Self::MediumChanger,
            0x0c => Self::StorageArrayController,
            0x1f | 0x20.. => Self::NotConnected,
            other => Self::Other(other),
        }
    }
}

/// Standard INQUIRY data (SPC-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// What kind of device this is.
    pub peripheral: PeripheralType,
    /// RMB: the medium can be removed.
    pub removable: bool,
    /// VERSION: 5 is SPC-3, 6 SPC-4, 7 SPC-5.
    pub version: u8,
    /// T10 VENDOR IDENTIFICATION.
    pub vendor: String,
    /// PRODUCT IDENTIFICATION.
    pub product: String,
    /// PRODUCT REVISION LEVEL.
    pub revision: String,
    /// MCHNGR, obsolete since SPC-4: a medium changer is attached to the drive.
    pub medium_changer: bool,
    /// PROTECT and the rest as received.
    pub raw: Vec<u8>,
}

impl Inquiry {
    /// Parses standard data; text fields cut off or missing are empty.
    ///
    /// `None` below 5 bytes, which no device may return.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let additional = usize::from(u8_at(raw, 4)?);
        let given = &raw[..raw.len().min(5 + additional)];
        let text = |at: usize, length: usize| {
            let field = slice_at(given, at, length).or_else(|| given.get(at..));
            ascii(field.unwrap_or_default())
        };
        Some(Self {
            peripheral: PeripheralType::from(raw[0]),
            removable: raw[1] & 0x80 != 0,
            version: raw[2],
            vendor: text(8, 8),
            product: text(16, 16),
            revision: text(32, 4),
            medium_changer: u8_at(given, 6).is_some_and(|byte| byte & 0x08 != 0),
            raw: raw.to_vec(),
        })
    }
}

/// Asks for standard data.
pub fn inquiry(transport: &mut dyn Transport) -> Result<Inquiry, ScsiError> {
    let command = Command::new(
        "INQUIRY",
        timeout::SHORT,
        [INQUIRY, 0, 0, 0, STANDARD_LENGTH, 0],
    );
    let raw = command.read(transport, usize::from(STANDARD_LENGTH))?;
    Inquiry::parse(&raw).ok_or_else(|| command.short(transport.path(), 5, &raw))
}
