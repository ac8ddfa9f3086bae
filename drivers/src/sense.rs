//! Sense data: what a device says about a command that did not simply succeed (SPC-5, sense data).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::{array_at, u8_at, u16_at, u32_at, u64_at};
pub use crate::sense_table::SenseClass;
use crate::sense_table::{self, classify};

/// SENSE KEY (SPC-5, sense key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SenseKey {
    /// 0h
    NoSense,
    /// 1h
    RecoveredError,
    /// 2h
    NotReady,
    /// 3h
    MediumError,
    /// 4h
    HardwareError,
    /// 5h
    IllegalRequest,
    /// 6h
    UnitAttention,
    /// 7h
    DataProtect,
    /// 8h
    BlankCheck,
    /// 9h
    VendorSpecific,
    /// Ah
    CopyAborted,
    /// Bh
    AbortedCommand,
    /// Ch
    Reserved,
    /// Dh
    VolumeOverflow,
    /// Eh
    Miscompare,
    /// Fh
    Completed,
}

impl SenseKey {
    /// The key in the low four bits; the others are ignored.
    #[must_use]
    pub const fn from_nibble(value: u8) -> Self {
        match value & 0x0f {
            0x0 => Self::NoSense,
            0x1 => Self::RecoveredError,
            0x2 => Self::NotReady,
            0x3 => Self::MediumError,
            0x4 => Self::HardwareError,
            0x5 => Self::IllegalRequest,
            0x6 => Self::UnitAttention,
            0x7 => Self::DataProtect,
            0x8 => Self::BlankCheck,
            0x9 => Self::VendorSpecific,
            0xa => Self::CopyAborted,
            0xb => Self::AbortedCommand,
            0xc => Self::Reserved,
            0xd => Self::VolumeOverflow,
            0xe => Self::Miscompare,
            _ => Self::Completed,
        }
    }

    /// The key as it stands in sense data.
    #[must_use]
    pub const fn as_nibble(self) -> u8 {
        self as u8
    }

    /// Its name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSense => "NO SENSE",
            Self::RecoveredError => "RECOVERED ERROR",
            Self::NotReady => "NOT READY",
            Self::MediumError => "MEDIUM ERROR",
            Self::HardwareError => "HARDWARE ERROR",
            Self::IllegalRequest => "ILLEGAL REQUEST",
            Self::UnitAttention => "UNIT ATTENTION",
            Self::DataProtect => "DATA PROTECT",
            Self::BlankCheck => "BLANK CHECK",
            Self::VendorSpecific => "VENDOR SPECIFIC",
            Self::CopyAborted => "COPY ABORTED",
            Self::AbortedCommand => "ABORTED COMMAND",
            Self::Reserved => "RESERVED",
            Self::VolumeOverflow => "VOLUME OVERFLOW",
            Self::Miscompare => "MISCOMPARE",
            Self::Completed => "COMPLETED",
        }
    }
}

impl fmt::Display for SenseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// ADDITIONAL SENSE CODE and ADDITIONAL SENSE CODE QUALIFIER (SPC-5).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct AdditionalSense {
    /// ASC
    pub code: u8,
    /// ASCQ
    pub qualifier: u8,
}

impl AdditionalSense {
    /// A pair of code and qualifier.
    #[must_use]
    pub const fn new(code: u8, qualifier: u8) -> Self {
        Self { code, qualifier }
    }

    /// The text T10 assigned, if this is one of the codes known here.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        sense_table::text(self)
    }
}

impl fmt::Display for AdditionalSense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}h/{:02X}h", self.code, self.qualifier)?;
        match self.text() {
            Some(text) => write!(f, " {text}"),
            None if self.code >= 0x80 || self.qualifier >= 0x80 => {
                f.write_str(" (vendor specific)")
            }
            None => Ok(()),
        }
    }
}

/// How the sense data was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SenseFormat {
    /// Response codes 70h and 71h (SPC-5, fixed format sense data).
    Fixed,
    /// Response codes 72h and 73h (SPC-5, descriptor format sense data).
    Descriptor,
}

/// Which byte and bit of a request the device refused (SPC-5, field pointer sense key specific
/// data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldPointer {
    /// Where the field is.
    pub place: FieldPlace,
    /// Byte offset of the field.
    pub byte: u16,
    /// Most significant bit of the field, when given.
    pub bit: Option<u8>,
}

/// What a [`FieldPointer`] points into (C/D bit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FieldPlace {
    /// The CDB.
    Cdb,
    /// The parameter list sent with the command.
    ParameterData,
}

impl fmt::Display for FieldPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            FieldPlace::Cdb => "CDB",
            FieldPlace::ParameterData => "parameter data",
        };
        write!(f, "{place} byte {}", self.byte)?;
        match self.bit {
            Some(bit) => write!(f, " bit {bit}"),
            None => Ok(()),
        }
    }
}

/// How far an operation in progress has come, in 65,536ths (SPC-5, progress indication).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Progress(pub u16);

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", u32::from(self.0) * 100 / 65_536)
    }
}

/// Sense data, parsed, with the bytes it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenseData {
    /// As received.
    pub raw: Vec<u8>,
    /// How it was laid out.
    pub format: SenseFormat,
    /// The error belongs to an earlier command; the current one was not performed
    /// (response codes 71h and 73h, SPC-5, deferred errors).
    pub deferred: bool,
    /// SENSE KEY.
    pub key: SenseKey,
    /// ADDITIONAL SENSE CODE and its qualifier.
    pub asc: AdditionalSense,
    /// FILEMARK: a filemark (or setmark) was read (SSC-4).
    pub filemark: bool,
    /// EOM: end of partition, beginning of partition or early warning, by the code.
    pub end_of_medium: bool,
    /// ILI: the block's length is not the one asked for.
    pub incorrect_length: bool,
    /// INFORMATION when VALID: two's complement, for READ the requested less the actual length,
    /// for WRITE and SPACE what was not done.
    pub information: Option<i64>,
    /// COMMAND-SPECIFIC INFORMATION when present.
    pub command_specific: Option<u64>,
    /// FIELD REPLACEABLE UNIT CODE when not zero.
    pub replaceable_unit: Option<u8>,
    /// The field an ILLEGAL REQUEST is about.
    pub field_pointer: Option<FieldPointer>,
    /// How far the device is, with NOT READY or NO SENSE.
    pub progress: Option<Progress>,
}

impl SenseData {
    /// Parses fixed and descriptor format sense data of any length. What lies behind the end
    /// of truncated data counts as not given.
    ///
    /// `None` when the response code is none of 70h to 73h or the sense key is cut off.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let response_code = u8_at(raw, 0)? & 0x7f;
        let deferred = response_code & 1 == 1;
        match response_code {
            0x70 | 0x71 => Self::parse_fixed(raw, deferred),
            0x72 | 0x73 => Self::parse_descriptors(raw, deferred),
            _ => None,
        }
    }

    /// SPC-5, fixed format sense data.
    fn parse_fixed(raw: &[u8], deferred: bool) -> Option<Self> {
        let flags = u8_at(raw, 2)?;
        // Bytes behind ADDITIONAL SENSE LENGTH are not sense data even when they were moved.
        let stated = u8_at(raw, 7).map_or(8, |length| 8 + usize::from(length));
        let given = &raw[..raw.len().min(stated)];
        let valid = raw[0] & 0x80 != 0;
        let key = SenseKey::from_nibble(flags);
        let mut sense = Self::empty(raw, SenseFormat::Fixed, deferred, key);
        sense.filemark = flags & 0x80 != 0;
        sense.end_of_medium = flags & 0x40 != 0;
        sense.incorrect_length = flags & 0x20 != 0;
        sense.information = array_at(given, 3)
            .filter(|_| valid)
            .map(|bytes| i64::from(i32::from_be_bytes(bytes)));
        sense.command_specific = u32_at(given, 8).filter(|value| *value != 0).map(u64::from);
        sense.asc = AdditionalSense {
            code: u8_at(given, 12).unwrap_or(0),
            qualifier: u8_at(given, 13).unwrap_or(0),
        };
        sense.replaceable_unit = u8_at(given, 14).filter(|code| *code != 0);
        if let Some(specific) = array_at(given, 15) {
            sense.set_key_specific(specific);
        }
        Some(sense)
    }

    /// SPC-5, descriptor format sense data; SSC-4 for the stream commands descriptor.
    fn parse_descriptors(raw: &[u8], deferred: bool) -> Option<Self> {
        let key = SenseKey::from_nibble(u8_at(raw, 1)?);
        let mut sense = Self::empty(raw, SenseFormat::Descriptor, deferred, key);
        sense.asc = AdditionalSense {
            code: u8_at(raw, 2).unwrap_or(0),
            qualifier: u8_at(raw, 3).unwrap_or(0),
        };
        let stated = u8_at(raw, 7).map_or(8, |length| 8 + usize::from(length));
        let mut rest = raw.get(8..raw.len().min(stated)).unwrap_or_default();
        while let [kind, length, ..] = *rest {
            let end = rest.len().min(2 + usize::from(length));
            let (descriptor, after) = rest.split_at(end);
            sense.take_descriptor(kind, descriptor);
            rest = after;
        }
        Some(sense)
    }

    fn take_descriptor(&mut self, kind: u8, descriptor: &[u8]) {
        match kind {
            // Information: VALID in byte 2, value in bytes 4 to 11.
            0x00 if descriptor.get(2).is_some_and(|byte| byte & 0x80 != 0) => {
                self.information = array_at(descriptor, 4).map(i64::from_be_bytes);
            }
            0x01 => self.command_specific = u64_at(descriptor, 4),
            0x02 => {
                if let Some(specific) = array_at(descriptor, 4) {
                    self.set_key_specific(specific);
                }
            }
            0x03 => self.replaceable_unit = u8_at(descriptor, 3).filter(|code| *code != 0),
            // Stream commands: FILEMARK, EOM and ILI in byte 3.
            0x04 => {
                let flags = u8_at(descriptor, 3).unwrap_or(0);
                self.filemark = flags & 0x80 != 0;
                self.end_of_medium = flags & 0x40 != 0;
                self.incorrect_length = flags & 0x20 != 0;
            }
            _ => {}
        }
    }

    /// SENSE KEY SPECIFIC, three bytes; its meaning depends on the key (SPC-5).
    fn set_key_specific(&mut self, specific: [u8; 3]) {
        if specific[0] & 0x80 == 0 {
            return;
        }
        let value = u16_at(&specific, 1).unwrap_or(0);
        match self.key {
            SenseKey::IllegalRequest => {
                self.field_pointer = Some(FieldPointer {
                    place: if specific[0] & 0x40 == 0 {
                        FieldPlace::ParameterData
                    } else {
                        FieldPlace::Cdb
                    },
                    byte: value,
                    bit: (specific[0] & 0x08 != 0).then_some(specific[0] & 0x07),
                });
            }
            SenseKey::NotReady | SenseKey::NoSense => self.progress = Some(Progress(value)),
            _ => {}
        }
    }

    fn empty(raw: &[u8], format: SenseFormat, deferred: bool, key: SenseKey) -> Self {
        Self {
            raw: raw.to_vec(),
            format,
            deferred,
            key,
            asc: AdditionalSense::default(),
            filemark: false,
            end_of_medium: false,
            incorrect_length: false,
            information: None,
            command_specific: None,
            replaceable_unit: None,
            field_pointer: None,
            progress: None,
        }
    }

    /// What kind of trouble this is, for deciding what to do about it.
    #[must_use]
    pub fn class(&self) -> SenseClass {
        classify(self)
    }

    /// Key and code are these.
    #[must_use]
    pub fn is(&self, key: SenseKey, code: u8, qualifier: u8) -> bool {
        self.key == key && self.asc == AdditionalSense::new(code, qualifier)
    }
}

impl fmt::Display for SenseData {
    /// Key, code with text, what else was said, and the sense code again in the short form
    /// operators search for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.deferred {
            f.write_str("deferred ")?;
        }
        write!(f, "{} {}", self.key, self.asc)?;
        let flags = [
            (self.filemark, "FILEMARK"),
            (self.end_of_medium, "EOM"),
            (self.incorrect_length, "ILI"),
        ];
        for (_, name) in flags.iter().filter(|(set, _)| *set) {
            write!(f, ", {name}")?;
        }
        if let Some(information) = self.information {
            write!(f, ", information {information}")?;
        }
        if let Some(pointer) = self.field_pointer {
            write!(f, ", {pointer}")?;
        }
        if let Some(progress) = self.progress {
            write!(f, ", {progress} done")?;
        }
        write!(f, " ({:02x} {:02x})", self.asc.code, self.asc.qualifier)
    }
}
