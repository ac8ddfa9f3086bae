//! What a library looks like: each model is a row of data.

use crate::cartridge::Generation;

/// A run of element addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    /// Lowest address.
    pub first: u16,
    /// How many.
    pub count: u16,
}

const fn range(first: u16, count: u16) -> AddressRange {
    AddressRange { first, count }
}

/// How a library shows a label in the volume tag (SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagShape {
    /// Characters of the label that are shown.
    pub characters: usize,
    /// What fills the 32 characters of the field.
    pub padding: u8,
}

/// How a library identifies the drive in a data transfer element (SMC-3, DVCID).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceIdentification {
    /// Binary NAA designator.
    Naa,
    /// T10 vendor designator in ASCII.
    T10Vendor,
    /// DVCID is refused.
    Refused,
}

/// Whether a descriptor without identifier still has the four bytes that would introduce one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierHeader {
    /// As in SMC-3: always there, length 0.
    Always,
    /// As in SMC-1: only when an identifier was asked for.
    WhenAsked,
}

/// What moving out of a loaded drive does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unloading {
    /// The library unloads the drive itself.
    Implicit,
    /// The move is refused until a host has unloaded the drive.
    ByHost,
}

/// One model of library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personality {
    /// What to ask for.
    pub name: &'static str,
    /// T10 VENDOR IDENTIFICATION of the changer.
    pub vendor: &'static str,
    /// PRODUCT IDENTIFICATION of the changer.
    pub product: &'static str,
    /// PRODUCT REVISION LEVEL of the changer.
    pub revision: &'static str,
    /// T10 VENDOR IDENTIFICATION of the drives.
    pub drive_vendor: &'static str,
    /// Start of the PRODUCT IDENTIFICATION of the drives; the generation's number follows.
    pub drive_product: &'static str,
    /// Medium transport elements.
    pub transports: AddressRange,
    /// Storage elements.
    pub storage: AddressRange,
    /// Import/export elements.
    pub import_export: AddressRange,
    /// Data transfer elements.
    pub drives: AddressRange,
    /// Volume tags.
    pub tag: TagShape,
    /// Drive identification.
    pub identification: DeviceIdentification,
    /// Four bytes at the end of a descriptor.
    pub identifier_header: IdentifierHeader,
    /// Moves out of loaded drives.
    pub unloading: Unloading,
    /// Generation of the drives, if the library's maker does not say otherwise.
    pub drive_generation: Generation,
}

/// All models.
pub const PERSONALITIES: &[Personality] = &[
    Personality {
        name: "generic",
        vendor: "TAPEWARD",
        product: "LIBRARY-24",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM-TD",
        transports: range(0x0001, 1),
        storage: range(0x0401, 24),
        import_export: range(0x0301, 4),
        drives: range(0x0101, 2),
        tag: TagShape {
            characters: 32,
            padding: b' ',
        },
        identification: DeviceIdentification::Naa,
        identifier_header: IdentifierHeader::Always,
        unloading: Unloading::Implicit,
        drive_generation: Generation::Lto8,
    },
    Personality {
        name: "enterprise",
        vendor: "TAPEWARD",
        product: "LIBRARY-10000",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM-TD",
        transports: range(0x0001, 2),
        storage: range(1000, 10_000),
        import_export: range(10, 64),
        drives: range(500, 16),
        tag: TagShape {
            characters: 8,
            padding: b' ',
        },
        identification: DeviceIdentification::T10Vendor,
        identifier_header: IdentifierHeader::Always,
        unloading: Unloading::Implicit,
        drive_generation: Generation::Lto9,
    },
    Personality {
        name: "autoloader",
        vendor: "TAPEWARD",
        product: "AUTOLOADER-8",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM",
        transports: range(0, 1),
        storage: range(1, 8),
        import_export: range(9, 1),
        drives: range(0x01e0, 1),
        tag: TagShape {
            characters: 6,
            padding: 0,
        },
        identification: DeviceIdentification::Refused,
        identifier_header: IdentifierHeader::WhenAsked,
        unloading: Unloading::ByHost,
        drive_generation: Generation::Lto7,
    },
    Personality {
        name: "midrange",
        vendor: "TAPEWARD",
        product: "LIBRARY-48",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM-HH",
        transports: range(0, 1),
        storage: range(0x1000, 44),
        import_export: range(0x0010, 4),
        drives: range(0x0100, 4),
        tag: TagShape {
            characters: 8,
            padding: 0,
        },
        identification: DeviceIdentification::T10Vendor,
        identifier_header: IdentifierHeader::WhenAsked,
        unloading: Unloading::ByHost,
        drive_generation: Generation::Lto6,
    },
];

/// The model with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Personality> {
    PERSONALITIES.iter().find(|row| row.name == name)
}
