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

/// What READ ELEMENT STATUS does when volume tags and drive identifiers are asked for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagsWithIdentifiers {
    /// It returns both.
    Both,
    /// It is refused.
    Refused,
    /// The tags are left out.
    TagsLeftOut,
}

/// What READ ELEMENT STATUS does when all element types are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllTypes {
    /// A page for each.
    AllPages,
    /// Only the first page.
    FirstPage,
    /// It is refused.
    Refused,
}

/// Whether ACCESS is ever set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessBits {
    /// It is, where the robot can reach.
    Set,
    /// It never is.
    NeverSet,
}

/// Whether address 0 stands for the default medium transport element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultTransport {
    /// It does.
    Zero,
    /// Only the element's own address is taken (a changer like that: changes of mtx 1.2.7).
    OwnAddressOnly,
}

/// Whether drives tell the address of their element (VPD page B4h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriveAddress {
    /// They do.
    Told,
    /// They do not have the page.
    Unknown,
}

/// How a model differs from what the standard has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oddities {
    /// VOLTAG and DVCID together.
    pub tags_with_identifiers: TagsWithIdentifiers,
    /// ELEMENT TYPE CODE 0.
    pub all_types: AllTypes,
    /// Most bytes of one READ ELEMENT STATUS reply; what is over is cut off anywhere.
    pub longest_report: Option<usize>,
    /// Drives that the element address assignment page counts and that are not there.
    pub missing_drives: u16,
    /// ACCESS bits.
    pub access_bits: AccessBits,
    /// TRANSPORT ELEMENT ADDRESS 0.
    pub default_transport: DefaultTransport,
    /// The address of a drive's element.
    pub drive_address: DriveAddress,
}

impl Oddities {
    /// As in the standard.
    pub const NONE: Self = Self {
        tags_with_identifiers: TagsWithIdentifiers::Both,
        all_types: AllTypes::AllPages,
        longest_report: None,
        missing_drives: 0,
        access_bits: AccessBits::Set,
        default_transport: DefaultTransport::Zero,
        drive_address: DriveAddress::Told,
    };
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
    /// What is not as in the standard.
    pub oddities: Oddities,
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
        oddities: Oddities::NONE,
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
        oddities: Oddities::NONE,
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
        oddities: Oddities::NONE,
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
        oddities: Oddities::NONE,
        drive_generation: Generation::Lto6,
    },
    // Exabyte Magnum 1x7: picker 56h, a move out of a loaded drive is refused ("Magnum 1x7 LTO
    // Autoloader SCSI Reference", 1012975, pages 6-6, 10-5, 11-2).
    Personality {
        name: "magnum-1x7",
        vendor: "EXABYTE",
        product: "LTO 1x7 2U",
        revision: "0001",
        drive_vendor: "IBM",
        drive_product: "ULTRIUM-TD",
        transports: range(0x0056, 1),
        storage: range(0x0001, 7),
        import_export: range(0, 0),
        drives: range(0x0052, 1),
        tag: TagShape {
            characters: 8,
            padding: 0,
        },
        identification: DeviceIdentification::T10Vendor,
        identifier_header: IdentifierHeader::Always,
        unloading: Unloading::ByHost,
        oddities: Oddities::NONE,
        drive_generation: Generation::Lto6,
    },
    // Exabyte 220 with one drive: tells of two (changes of mtx 1.2.7).
    Personality {
        name: "exb-220",
        vendor: "EXABYTE",
        product: "EXB-220",
        revision: "0001",
        drive_vendor: "EXABYTE",
        drive_product: "ULTRIUM",
        transports: range(0x0056, 1),
        storage: range(0x0001, 20),
        import_export: range(0x0050, 1),
        drives: range(0x0052, 1),
        tag: TagShape {
            characters: 8,
            padding: b' ',
        },
        identification: DeviceIdentification::Refused,
        identifier_header: IdentifierHeader::WhenAsked,
        unloading: Unloading::Implicit,
        oddities: Oddities {
            missing_drives: 1,
            ..Oddities::NONE
        },
        drive_generation: Generation::Lto6,
    },
    // ADIC DAT autochanger: one element status page for each request (changes of mtx 1.2.7).
    Personality {
        name: "dat-autochanger",
        vendor: "ADIC",
        product: "DAT AutoChanger",
        revision: "0001",
        drive_vendor: "ADIC",
        drive_product: "ULTRIUM",
        transports: range(0, 1),
        storage: range(1, 12),
        import_export: range(0, 0),
        drives: range(13, 1),
        tag: TagShape {
            characters: 0,
            padding: 0,
        },
        identification: DeviceIdentification::Refused,
        identifier_header: IdentifierHeader::WhenAsked,
        unloading: Unloading::ByHost,
        oddities: Oddities {
            all_types: AllTypes::FirstPage,
            ..Oddities::NONE
        },
        drive_generation: Generation::Lto6,
    },
    // Everything else that libraries are known to do differently, in two models: one that a host
    // knows nothing of, one that it has a row for.
    Personality {
        name: "odd",
        vendor: "TAPEWARD",
        product: "ODD-200",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM-TD",
        transports: range(0x0001, 1),
        storage: range(0x0401, 200),
        import_export: range(0x0301, 4),
        drives: range(0x0101, 2),
        tag: TagShape {
            characters: 6,
            padding: b' ',
        },
        identification: DeviceIdentification::T10Vendor,
        identifier_header: IdentifierHeader::WhenAsked,
        unloading: Unloading::Implicit,
        oddities: Oddities {
            tags_with_identifiers: TagsWithIdentifiers::Refused,
            all_types: AllTypes::Refused,
            longest_report: Some(4000),
            missing_drives: 0,
            access_bits: AccessBits::NeverSet,
            default_transport: DefaultTransport::OwnAddressOnly,
            drive_address: DriveAddress::Told,
        },
        drive_generation: Generation::Lto8,
    },
    Personality {
        name: "odder",
        vendor: "TAPEWARD",
        product: "ODDER-20",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM-TD",
        transports: range(0x0001, 1),
        storage: range(0x0401, 20),
        import_export: range(0x0301, 4),
        drives: range(0x0101, 2),
        tag: TagShape {
            characters: 8,
            padding: 0,
        },
        identification: DeviceIdentification::Naa,
        identifier_header: IdentifierHeader::Always,
        unloading: Unloading::Implicit,
        oddities: Oddities {
            tags_with_identifiers: TagsWithIdentifiers::TagsLeftOut,
            longest_report: Some(600),
            missing_drives: 2,
            access_bits: AccessBits::NeverSet,
            ..Oddities::NONE
        },
        drive_generation: Generation::Lto8,
    },
    // Neither library nor drives say which drive is where: only a cartridge in it shows.
    Personality {
        name: "nameless",
        vendor: "TAPEWARD",
        product: "NAMELESS-8",
        revision: "0100",
        drive_vendor: "TAPEWARD",
        drive_product: "ULTRIUM-TD",
        transports: range(0x0001, 1),
        storage: range(0x0401, 8),
        import_export: range(0x0301, 1),
        drives: range(0x0101, 2),
        tag: TagShape {
            characters: 8,
            padding: b' ',
        },
        identification: DeviceIdentification::Refused,
        identifier_header: IdentifierHeader::WhenAsked,
        unloading: Unloading::Implicit,
        oddities: Oddities {
            drive_address: DriveAddress::Unknown,
            ..Oddities::NONE
        },
        drive_generation: Generation::Lto8,
    },
];

/// The model with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Personality> {
    PERSONALITIES.iter().find(|row| row.name == name)
}
