//! What the judging of a month rests on.

use chrono::{DateTime, NaiveDate, Utc};

use crate::catalogue::{DateChoice, Month, PoolName, SetCopyState, SetState, Waiver};
use crate::config::LIBRARY;
use crate::id::{Barcode, CopyNumber, SetDefinitionId, SetId};

/// A month and what is on record of it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Which.
    pub month: Month,
    /// The time.
    pub now: DateTime<Utc>,
    /// All definitions, those out of use too.
    pub definitions: Vec<Definition>,
    /// What was waived in it.
    pub waivers: Vec<Waiver>,
}

/// What is backed up.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its id.
    pub id: SetDefinitionId,
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was first defined.
    pub created_at: DateTime<Utc>,
    /// When it was taken out of use.
    pub retired_at: Option<DateTime<Utc>>,
    /// The copies a set of it has today.
    pub copies: Vec<Expected>,
    /// Its sets: those of the month with their copies, those of the month before without.
    pub sets: Vec<SetFacts>,
}

/// Where a definition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A person named its source.
    Given,
    /// It stands for others that are found.
    Pattern(DateChoice),
    /// A pattern found it; with all folders of a month each is of a date, and what has one name
    /// but for that follows on one another.
    Found {
        /// The definition with the pattern.
        pattern: SetDefinitionId,
        /// Its name without the date.
        base: String,
        /// The date.
        date: Option<NaiveDate>,
    },
}

/// A copy as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its number.
    pub copy: CopyNumber,
    /// Its pool.
    pub pool: PoolName,
}

/// A set.
#[derive(Debug, Clone)]
pub struct SetFacts {
    /// Its id.
    pub id: SetId,
    /// The month it is the full of.
    pub month: Month,
    /// Its state.
    pub state: SetState,
    /// When the run began with it.
    pub started_at: DateTime<Utc>,
    /// When it was complete or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// Its copies.
    pub copies: Vec<CopyFacts>,
}

/// A copy of a set.
#[derive(Debug, Clone)]
pub struct CopyFacts {
    /// Its number.
    pub copy: CopyNumber,
    /// Its pool.
    pub pool: PoolName,
    /// Its state.
    pub state: SetCopyState,
    /// Where the cartridges of its pool belong; none: anywhere that is known.
    pub belongs: Option<String>,
    /// The cartridges it is on.
    pub cartridges: Vec<CartridgeFacts>,
}

/// A cartridge.
#[derive(Debug, Clone)]
pub struct CartridgeFacts {
    /// Its barcode.
    pub barcode: Barcode,
    /// Whether it or the volume on it is out of use.
    pub quarantined: bool,
    /// Where it is.
    pub whereabouts: Whereabouts,
    /// The place in words.
    pub place: String,
    /// When that was last seen, by somebody whose word counts for that place, and how.
    pub seen: Option<(DateTime<Utc>, String)>,
}

/// Where a cartridge is, as far as the month is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// Seen in a library.
    Library,
    /// Seen in a place where media are kept, by its code.
    Kept(String),
    /// On its way, lent, away for repair, missing, or nobody has seen it.
    Elsewhere,
}

impl Whereabouts {
    /// Whether it is where it belongs.
    #[must_use]
    pub fn is(&self, belongs: Option<&str>) -> bool {
        match (self, belongs) {
            (Self::Elsewhere, _) => false,
            (_, None) => true,
            (Self::Library, Some(place)) => place == LIBRARY,
            (Self::Kept(code), Some(place)) => code == place,
        }
    }
}
