//! What a library consists of: elements that hold, move, import or use a cartridge
//! (SMC-3, media changer elements).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::{array_at, ascii, u16_at};
use crate::sense::AdditionalSense;
pub use crate::spc::designator::Designator as DeviceIdentifier;

/// The address of an element. Unique in its library, whatever the element's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElementAddress(pub u16);

impl fmt::Display for ElementAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// ELEMENT TYPE CODE (SMC-3, READ ELEMENT STATUS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElementKind {
    /// 1h: a picker of the robot.
    MediumTransport,
    /// 2h: a slot.
    Storage,
    /// 3h: a mail slot.
    ImportExport,
    /// 4h: a drive.
    DataTransfer,
}

impl ElementKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 4] = [
        Self::MediumTransport,
        Self::Storage,
        Self::ImportExport,
        Self::DataTransfer,
    ];

    /// The kind with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::MediumTransport),
            2 => Some(Self::Storage),
            3 => Some(Self::ImportExport),
            4 => Some(Self::DataTransfer),
            _ => None,
        }
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::MediumTransport => 1,
            Self::Storage => 2,
            Self::ImportExport => 3,
            Self::DataTransfer => 4,
        }
    }
}

impl fmt::Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MediumTransport => "medium transport element",
            Self::Storage => "storage element",
            Self::ImportExport => "import/export element",
            Self::DataTransfer => "data transfer element",
        })
    }
}

/// What the reader of the library's robot, or a host, says is on a cartridge's label
/// (SMC-3, volume tag information format: 32 bytes of volume identification, volume sequence
/// number).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VolumeTag {
    /// VOLUME IDENTIFICATION FIELD, blanks and NULs around it removed; `?` for what is not
    /// printable ASCII.
    pub identification: String,
    /// VOLUME SEQUENCE NUMBER, 0 when unused.
    pub sequence: u16,
    /// VOLUME IDENTIFICATION FIELD as received.
    pub raw: [u8; 32],
}

impl VolumeTag {
    /// Length of the field in an element descriptor.
    pub const LENGTH: usize = 36;

    /// Parses the 36 bytes of a volume tag; `None` when there are less than the 32 of the
    /// identification, or when that is blank, which is how libraries say that there is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let raw: [u8; 32] = array_at(bytes, 0)?;
        let identification = ascii(&raw);
        // tgt cuts the last element's tag off behind the identification.
        let sequence = u16_at(bytes, 34).unwrap_or(0);
        if identification.is_empty() {
            return None;
        }
        Some(Self {
            identification,
            sequence,
            raw,
        })
    }
}

impl fmt::Display for VolumeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.identification)
    }
}

/// What only import/export elements say (SMC-3, import/export element descriptor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImportExport {
    /// IMPEXP: a person put the cartridge there, not the robot.
    pub placed_by_operator: bool,
    /// INENAB: cartridges can come in here.
    pub import_enabled: bool,
    /// EXENAB: cartridges can go out here.
    pub export_enabled: bool,
    /// OIR: the operator's help is needed to make it accessible.
    pub operator_intervention: bool,
}

/// Where a drive is on the bus of a parallel SCSI library (SMC-2, data transfer element
/// descriptor; obsolete in SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct BusAddress {
    /// SCSI BUS ADDRESS when ID VALID.
    pub target: Option<u8>,
    /// LOGICAL UNIT NUMBER when LU VALID.
    pub logical_unit: Option<u8>,
    /// NOT BUS: not on the changer's own bus.
    pub other_bus: bool,
}

/// MEDIUM TYPE of a descriptor (SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediumType {
    /// 0h
    Unspecified,
    /// 1h
    Data,
    /// 2h
    Cleaning,
    /// 3h
    Diagnostics,
    /// 4h
    Worm,
    /// 5h
    MicrocodeImage,
    /// 6h and 7h
    Reserved,
}

impl From<u8> for MediumType {
    fn from(value: u8) -> Self {
        match value & 0x07 {
            0 => Self::Unspecified,
            1 => Self::Data,
            2 => Self::Cleaning,
            3 => Self::Diagnostics,
            4 => Self::Worm,
            5 => Self::MicrocodeImage,
            _ => Self::Reserved,
        }
    }
}

/// One element as the library described it (SMC-3, element descriptors).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// ELEMENT ADDRESS.
    pub address: ElementAddress,
    /// Kind of the page it was in.
    pub kind: ElementKind,
    /// FULL: it holds a cartridge.
    pub full: bool,
    /// ACCESS: the robot can reach it. Pickers have no such bit; it is `true` for them.
    pub access: bool,
    /// EXCEPT and why: the element is in an abnormal state.
    pub exception: Option<AdditionalSense>,
    /// For import/export elements.
    pub import_export: Option<ImportExport>,
    /// For drives of parallel SCSI libraries.
    pub bus: Option<BusAddress>,
    /// The storage or import/export element the cartridge last came from, when SVALID.
    pub source: Option<ElementAddress>,
    /// INVERT: the cartridge was turned over when it was moved, when SVALID.
    pub inverted: bool,
    /// ED: the element is disabled, its drive taken out for example.
    pub disabled: bool,
    /// What kind of cartridge it holds.
    pub medium_type: MediumType,
    /// Primary volume tag: the bar code.
    pub primary_tag: Option<VolumeTag>,
    /// Alternate volume tag: the other side's.
    pub alternate_tag: Option<VolumeTag>,
    /// The drive's own identifier (DVCID).
    pub device: Option<DeviceIdentifier>,
}
