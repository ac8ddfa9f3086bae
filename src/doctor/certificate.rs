//! What was examined and what came of it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::id::{Barcode, RunId};

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The library tells the same twice.
    InventoryTwice,
    /// What the library says fits the standard.
    Anomalies,
    /// Every cartridge has a barcode, and no two the same.
    Barcodes,
    /// Which drive is in which element.
    DriveMapping,
    /// To an import/export element and back.
    MailSlot,
    /// What the drive says of itself.
    Identity,
    /// Log pages.
    LogPages,
    /// From its element into the drive until ready.
    Load,
    /// Densities and block lengths.
    Media,
    /// The chip in the cartridge.
    MediumAuxiliaryMemory,
    /// Whether the cartridge is blank.
    Blank,
    /// Random data there and back.
    WriteRead,
    /// READ POSITION.
    Position,
    /// SPACE, told by what is read and by READ POSITION where the drive knows.
    Space,
    /// LOCATE, likewise.
    Locate,
    /// Blocks of odd lengths, read with buffers too long and too short.
    BlockLengths,
    /// Compression by the drive.
    Compression,
    /// Encryption by the drive.
    Encryption,
    /// Logical block protection.
    BlockProtection,
    /// The warning before the end of the tape.
    EarlyWarning,
    /// The cartridge is blank again.
    Erase,
    /// Out of the drive and home.
    Unload,
    /// Everything is where it was.
    PutBack,
}

impl Check {
    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::InventoryTwice => "inventory, twice",
            Self::Anomalies => "anomalies",
            Self::Barcodes => "barcodes",
            Self::DriveMapping => "drive mapping",
            Self::MailSlot => "mail slot and back",
            Self::Identity => "identity",
            Self::LogPages => "log pages",
            Self::Load => "load",
            Self::Media => "densities and block lengths",
            Self::MediumAuxiliaryMemory => "cartridge memory",
            Self::Blank => "blank cartridge",
            Self::WriteRead => "write and read back",
            Self::Position => "read position",
            Self::Space => "spacing",
            Self::Locate => "locating",
            Self::BlockLengths => "odd block lengths",
            Self::Compression => "compression",
            Self::Encryption => "encryption",
            Self::BlockProtection => "logical block protection",
            Self::EarlyWarning => "early warning",
            Self::Erase => "erase",
            Self::Unload => "unload and home",
            Self::PutBack => "everything is where it was",
        }
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// The hardware does not have it.
    Unsupported,
    /// Not tried.
    Skipped,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
        })
    }
}

/// Something measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What, and how it was measured.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
}

/// One check of one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The library, an element, a drive.
    pub subject: String,
    /// What was checked.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
    /// In words: what was seen, what is wrong, why it was not tried.
    pub detail: String,
    /// What was measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
}

/// A device as it identifies itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Element, or "robot".
    pub name: String,
    /// T10 vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Firmware level.
    pub revision: String,
    /// Unit serial number.
    pub serial: String,
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Certificate {
    /// Version of this form.
    pub format: u32,
    /// What examined it.
    pub program: String,
    /// The library's name in the configuration.
    pub library: String,
    /// Robot and drives.
    pub devices: Vec<Device>,
    /// The cartridge that was moved and written on.
    pub scratch: Option<Barcode>,
    /// Whose request it was.
    pub person: String,
    /// On which host.
    pub station: String,
    /// The run in the journal.
    pub run: RunId,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub finished: DateTime<Utc>,
    /// Whether somebody stopped it before its end.
    pub interrupted: bool,
    /// All checks in order.
    pub findings: Vec<Finding>,
}

impl Certificate {
    /// How many checks came out like this.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        let findings = self.findings.iter();
        findings.filter(|one| one.outcome == outcome).count()
    }

    /// As text for people, with a line to sign.
    #[must_use]
    pub fn text(&self) -> String {
        super::text::render(self)
    }
}
