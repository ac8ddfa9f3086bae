//! How known libraries differ from the standard: one row of data each, found by INQUIRY.
//!
//! A library without a row is read as the standard has it, and around what it then refuses: see
//! [`super::inventory`]. A row saves the attempts, or says what no answer tells.

use serde::{Deserialize, Serialize};

use crate::spc::inquiry::Inquiry;

/// Volume tags and drive identifiers in one READ ELEMENT STATUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagsAndIdentifiers {
    /// Asked for together.
    Together,
    /// Asked for one after the other.
    Separately,
}

/// Whether the counts of the element address assignment page are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElementCounts {
    /// It is: other elements are an anomaly.
    Right,
    /// It isn't: what is described is what is there.
    Wrong,
}

/// Who unloads a drive before its cartridge is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnloadBeforeMove {
    /// The library, if nobody else did.
    ByLibrary,
    /// The host: the library refuses the move otherwise.
    ByHost,
}

/// ACCESS bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessBits {
    /// Believed.
    Told,
    /// Never set, whatever the robot can reach.
    NeverSet,
}

/// What to do differently with one library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quirks {
    /// Volume tags and drive identifiers.
    pub tags_and_identifiers: TagsAndIdentifiers,
    /// Counts of elements.
    pub counts: ElementCounts,
    /// Unloading.
    pub unload: UnloadBeforeMove,
    /// ACCESS.
    pub access: AccessBits,
    /// Most elements asked for at once, when replies are cut off at some length.
    pub elements_at_once: Option<u16>,
    /// Characters of a bar code that a volume tag shows, when it is not all of them.
    pub tag_characters: Option<u8>,
}

impl Quirks {
    /// As in the standard.
    pub const NONE: Self = Self {
        tags_and_identifiers: TagsAndIdentifiers::Together,
        counts: ElementCounts::Right,
        unload: UnloadBeforeMove::ByLibrary,
        access: AccessBits::Told,
        elements_at_once: None,
        tag_characters: None,
    };

    /// Those of the library that says this of itself.
    #[must_use]
    pub fn of(inquiry: &Inquiry) -> Self {
        let row = ROWS.iter().find(|row| row.matches(inquiry));
        row.map_or(Self::NONE, |row| row.quirks)
    }
}

/// One model or family.
struct Row {
    /// T10 VENDOR IDENTIFICATION.
    vendor: &'static str,
    /// How PRODUCT IDENTIFICATION begins.
    product: &'static str,
    quirks: Quirks,
}

impl Row {
    fn matches(&self, inquiry: &Inquiry) -> bool {
        inquiry.vendor == self.vendor && inquiry.product.starts_with(self.product)
    }
}

const UNLOAD_BY_HOST: Quirks = Quirks {
    unload: UnloadBeforeMove::ByHost,
    ..Quirks::NONE
};

/// Each with where it is known from.
const ROWS: &[Row] = &[
    // "The DLT libraries (TL82X and TL81X families) require the host issue a SCSI Unload": Digital's
    // MRD library, description of mrd_unload.
    Row {
        vendor: "DEC",
        product: "TL81",
        quirks: UNLOAD_BY_HOST,
    },
    Row {
        vendor: "DEC",
        product: "TL82",
        quirks: UNLOAD_BY_HOST,
    },
    // A cartridge still in the drive after five seconds is refused with 3Bh/90h: Exabyte "Magnum
    // 1x7 LTO Autoloader SCSI Reference" 1012975, page 11-2; INQUIRY page 6-6.
    Row {
        vendor: "EXABYTE",
        product: "LTO 1x7 2U",
        quirks: UNLOAD_BY_HOST,
    },
    // With one drive it tells of two: "single drive Exabyte 220", changes of mtx 1.2.7.
    Row {
        vendor: "EXABYTE",
        product: "EXB-220",
        quirks: Quirks {
            counts: ElementCounts::Wrong,
            ..Quirks::NONE
        },
    },
    // The virtual library of tgt 1.0.85, recorded in drivers/tests/data/tgt.txt.
    Row {
        vendor: "TGT",
        product: "VCHANGER",
        quirks: Quirks {
            access: AccessBits::NeverSet,
            ..Quirks::NONE
        },
    },
    // The virtual library's models of that kind.
    Row {
        vendor: "TAPEWARD",
        product: "AUTOLOADER-8",
        quirks: Quirks {
            unload: UnloadBeforeMove::ByHost,
            tag_characters: Some(6),
            ..Quirks::NONE
        },
    },
    Row {
        vendor: "TAPEWARD",
        product: "LIBRARY-48",
        quirks: UNLOAD_BY_HOST,
    },
    Row {
        vendor: "TAPEWARD",
        product: "ODDER-20",
        quirks: Quirks {
            tags_and_identifiers: TagsAndIdentifiers::Separately,
            counts: ElementCounts::Wrong,
            access: AccessBits::NeverSet,
            elements_at_once: Some(8),
            ..Quirks::NONE
        },
    },
];
