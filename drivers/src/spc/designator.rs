//! Designators: names of devices and logical units (SPC-5, device identification
//! VPD page), in VPD page 83h and, with
//! the same layout, in READ ELEMENT STATUS (SMC-3).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::{ascii, slice_at, u8_at, unsigned};

/// CODE SET (SPC-5, designation descriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CodeSet {
    /// 1h
    Binary,
    /// 2h
    Ascii,
    /// 3h
    Utf8,
    /// Any other value.
    Other(u8),
}

impl From<u8> for CodeSet {
    fn from(value: u8) -> Self {
        match value & 0x0f {
            1 => Self::Binary,
            2 => Self::Ascii,
            3 => Self::Utf8,
            other => Self::Other(other),
        }
    }
}

/// ASSOCIATION (SPC-5, designation descriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Association {
    /// 0h
    LogicalUnit,
    /// 1h
    TargetPort,
    /// 2h
    TargetDevice,
    /// 3h
    Reserved,
}

impl From<u8> for Association {
    fn from(value: u8) -> Self {
        match value & 0x03 {
            0 => Self::LogicalUnit,
            1 => Self::TargetPort,
            2 => Self::TargetDevice,
            _ => Self::Reserved,
        }
    }
}

/// DESIGNATOR TYPE (SPC-5, designation descriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DesignatorType {
    /// 0h
    VendorSpecific,
    /// 1h: eight bytes of T10 vendor identification, then vendor specific, often product and
    /// serial number.
    T10VendorId,
    /// 2h
    Eui64,
    /// 3h: network address authority.
    Naa,
    /// 4h
    RelativeTargetPort,
    /// 5h
    TargetPortGroup,
    /// 6h
    LogicalUnitGroup,
    /// 7h
    Md5LogicalUnit,
    /// 8h: an iSCSI name, or `naa.`/`eui.` text.
    ScsiName,
    /// 9h
    ProtocolSpecificPort,
    /// Ah
    Uuid,
    /// Any other value.
    Other(u8),
}

impl From<u8> for DesignatorType {
    fn from(value: u8) -> Self {
        match value & 0x0f {
            0x0 => Self::VendorSpecific,
            0x1 => Self::T10VendorId,
            0x2 => Self::Eui64,
            0x3 => Self::Naa,
            0x4 => Self::RelativeTargetPort,
            0x5 => Self::TargetPortGroup,
            0x6 => Self::LogicalUnitGroup,
            0x7 => Self::Md5LogicalUnit,
            0x8 => Self::ScsiName,
            0x9 => Self::ProtocolSpecificPort,
            0xa => Self::Uuid,
            other => Self::Other(other),
        }
    }
}

/// One designation descriptor (SPC-5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Designator {
    /// How the bytes are to be read.
    pub code_set: CodeSet,
    /// What is named.
    pub association: Association,
    /// What kind of name it is.
    pub kind: DesignatorType,
    /// The name as received.
    pub bytes: Vec<u8>,
}

impl Designator {
    /// Parses one descriptor at the start of `bytes`; with it, how many bytes it takes.
    ///
    /// `None` when the header or the name is cut off.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let length = usize::from(u8_at(bytes, 3)?);
        let name = slice_at(bytes, 4, length)?;
        let designator = Self {
            code_set: CodeSet::from(bytes[0]),
            association: Association::from(bytes[1] >> 4),
            kind: DesignatorType::from(bytes[1]),
            bytes: name.to_vec(),
        };
        Some((designator, 4 + length))
    }

    /// The name as text when its code set is a text, blanks and NULs around it removed.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.code_set {
            CodeSet::Ascii => Some(ascii(&self.bytes)),
            CodeSet::Utf8 => {
                let text = String::from_utf8_lossy(&self.bytes);
                Some(text.trim_matches(['\0', ' ']).to_owned())
            }
            CodeSet::Binary | CodeSet::Other(_) => None,
        }
    }

    /// For a T10 vendor id designator: vendor, and what the vendor put behind it.
    #[must_use]
    pub fn vendor_and_rest(&self) -> Option<(String, String)> {
        if self.kind != DesignatorType::T10VendorId {
            return None;
        }
        let (vendor, rest) = self.bytes.split_at_checked(8)?;
        Some((ascii(vendor), ascii(rest)))
    }

    /// Whether a drive with this serial number (VPD page 80h) is meant: the name is the serial
    /// number, or ends with it as the vendors' T10 designators do.
    #[must_use]
    pub fn names_serial(&self, serial: &str) -> bool {
        let serial = serial.trim();
        !serial.is_empty() && self.text().is_some_and(|text| text.ends_with(serial))
    }
}

impl fmt::Display for Designator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.text()) {
            (DesignatorType::Naa, None) => f.write_str("naa.")?,
            (DesignatorType::Eui64, None) => f.write_str("eui.")?,
            (_, Some(text)) => return f.write_str(&text),
            (DesignatorType::RelativeTargetPort | DesignatorType::TargetPortGroup, None) => {
                if let Some(number) = unsigned(&self.bytes) {
                    return write!(f, "{number}");
                }
            }
            (_, None) => {}
        }
        self.bytes
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
