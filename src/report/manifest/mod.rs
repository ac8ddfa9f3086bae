//! The courier manifest: what goes or comes on one run, as a pure structure; on paper, as CSV and as JSON.
//!
//! Nothing here looks anything up. What outsiders get has no name of a system, owner or content: those are in
//! [`InHouse`] and only printed for [`Audience::InHouse`].

mod csv;
mod digest;
mod form;
mod json;
mod number;
mod order;
mod pages;
pub mod profile;
mod signing;
mod table;

pub use crate::catalogue::Revision;
pub use csv::{csv, csv_by};
pub use digest::ListDigest;
pub use json::json;
pub use number::ManifestNumber;
pub use order::{Group, Numbered, Ordered, Totals};
pub use pages::pdf;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::id::Barcode;
use crate::id::Code;
use crate::journal::Checkpoint;

/// Everything a manifest says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its number, the same in every revision.
    pub number: ManifestNumber,
    /// Which way.
    pub direction: Direction,
    /// Which print.
    pub revision: Revision,
    /// The print that this one makes void.
    pub replaces: Option<Revision>,
    /// When the courier comes.
    pub run: RunWindow,
    /// Who hands over.
    pub from: Party,
    /// Who receives.
    pub to: Party,
    /// Who carries.
    pub carrier: Party,
    /// The cases, empty ones too.
    pub cases: Vec<Case>,
    /// What goes, in any order: [`Ordered`] has the one that is printed.
    pub lines: Vec<Line>,
    /// How to handle what is carried, one sentence each.
    pub handling: Vec<String>,
    /// Who prints, and what the foot of each page says.
    pub imprint: Imprint,
}

/// Which way a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Direction {
    /// Off-site.
    Out,
    /// Home.
    Back,
}

impl Direction {
    /// As on paper.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "OUT",
            Self::Back => "BACK",
        }
    }
}

/// The day of a run, and between which times the courier comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWindow {
    /// The day.
    pub date: NaiveDate,
    /// Not before.
    pub from: Option<NaiveTime>,
    /// Not after.
    pub until: Option<NaiveTime>,
}

impl std::fmt::Display for RunWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.date.format("%Y-%m-%d"))?;
        if let Some(from) = self.from {
            write!(f, ", from {}", from.format("%H:%M"))?;
        }
        if let Some(until) = self.until {
            write!(f, " to {}", until.format("%H:%M"))?;
        }
        Ok(())
    }
}

/// A sender, receiver or carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Name.
    pub name: String,
    /// Lines of the address.
    pub address: Vec<String>,
    /// Our number with them.
    pub customer_number: Option<String>,
    /// Telephone.
    pub telephone: Option<String>,
}

/// A case that is on the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its code; the bar code of it is [`crate::media::card::Card::Case`].
    pub code: Code,
    /// Its seals.
    pub seals: Vec<Seal>,
}

/// A seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// What stands on it.
    pub number: String,
    /// Whose it is.
    pub owner: SealOwner,
}

/// Whose a seal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SealOwner {
    /// The sender's.
    Ours,
    /// The vault's own beside it.
    Vendor,
}

impl std::fmt::Display for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.number)?;
        match self.owner {
            SealOwner::Ours => Ok(()),
            SealOwner::Vendor => f.write_str(" (vendor's)"),
        }
    }
}

/// One thing on the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What its label says.
    pub barcode: Barcode,
    /// What it counts as.
    pub kind: ItemKind,
    /// For example "LTO-8", "envelope".
    pub media_type: String,
    /// The case it is in; none: loose.
    pub case: Option<Code>,
    /// Whether what is on it can be read by who finds it.
    pub protection: Protection,
    /// When it comes home.
    pub returns: Return,
    /// Why it is on the run: the code of a rule of rotation.
    pub reason: String,
    /// Whether it goes first.
    pub urgency: Urgency,
    /// What there is to say.
    pub remark: String,
    /// For the in-house copy.
    pub in_house: Option<InHouse>,
}

/// What a line counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// A tape cartridge.
    Cartridge,
    /// Anything else: an envelope, a portable drive, a key.
    Other,
}

/// Whether what is on a medium can be read by who finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// It is encrypted.
    Encrypted,
    /// It is not, by the recorded exception of this number.
    Exception(String),
    /// There is nothing on it to encrypt: a blank cartridge, a key.
    NotNeeded,
}

/// When a thing comes home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Return {
    /// On this day.
    On(NaiveDate),
    /// When somebody asks for it.
    UntilRecalled,
    /// It is coming home.
    Home,
}

impl std::fmt::Display for Return {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::On(day) => write!(f, "{}", day.format("%Y-%m-%d")),
            Self::UntilRecalled => f.write_str("until recalled"),
            Self::Home => f.write_str("home"),
        }
    }
}

/// Whether a line goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Before all others.
    Urgent,
    /// In its order.
    Routine,
}

/// What outsiders are not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InHouse {
    /// The system whose data it is.
    pub system: String,
    /// Whose system.
    pub owner: String,
    /// Sets on it.
    pub content: String,
}

/// Who printed when, and what stands at the foot of each page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imprint {
    /// When it was printed.
    pub at: DateTime<FixedOffset>,
    /// By whom.
    pub by: String,
    /// The journal up to then.
    pub checkpoint: Checkpoint,
    /// Whom to call when something is lost.
    pub loss_telephone: String,
    /// Who keeps which copy, for example "sender", "carrier", "receiver".
    pub copies: Vec<String>,
}

/// For whom a manifest is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Couriers and vaults: no name of a system, owner or content.
    Outsiders,
    /// Ourselves.
    InHouse,
}
