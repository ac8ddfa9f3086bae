//! A plan: dated lines, each with its reason, and warnings ahead.

use chrono::NaiveDate;

use super::reason::Reason;
use super::snapshot::{BackupSet, CarrierIndex, PlaceIndex, PoolIndex, SetIndex, VolumeIndex};

/// What is to be done from one day to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// By day, and within a day in the order in which it can be done.
    pub lines: Vec<Line>,
    /// What will need a person, by day.
    pub warnings: Vec<Warning>,
    /// Sets that the plan writes; they are counted on from those of the snapshot.
    pub sets: Vec<BackupSet>,
    /// How many cartridges the plan buys; they are counted on from those of the snapshot.
    pub bought: u32,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub date: NaiveDate,
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Write some of a copy.
    Write {
        /// On which cartridge.
        volume: VolumeIndex,
        /// Of which set.
        set: SetIndex,
        /// The copy's pool.
        pool: PoolIndex,
        /// From where on the cartridge.
        start: Start,
        /// How many bytes.
        bytes: u64,
    },
    /// Take it from the library to where it is kept.
    GoOut {
        /// Which cartridge.
        volume: VolumeIndex,
        /// From where.
        from: PlaceIndex,
        /// Where to.
        to: PlaceIndex,
    },
    /// Fetch it.
    ComeHome {
        /// Which cartridge.
        volume: VolumeIndex,
        /// From where.
        from: PlaceIndex,
        /// Where to.
        to: PlaceIndex,
    },
    /// Nothing on it must be kept any more.
    Expire {
        /// Which cartridge.
        volume: VolumeIndex,
    },
    /// It can be written from the beginning.
    Scratch {
        /// Which cartridge.
        volume: VolumeIndex,
    },
    /// Order cartridges.
    Purchase {
        /// The first of them.
        first: VolumeIndex,
        /// How many.
        count: u32,
        /// When they are here.
        here: NaiveDate,
    },
}

/// Where on a cartridge writing starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Start {
    /// At the beginning: it is labelled, and what was on it is gone.
    Labelled,
    /// Behind what is on it.
    Appended,
}

/// Something that will need a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Warning {
    /// The day it is about.
    pub date: NaiveDate,
    /// What.
    pub what: Trouble,
}

/// What will be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// A safe, vault or shelf takes no more.
    PlaceFull {
        /// Which.
        place: PlaceIndex,
    },
    /// Cartridges that should go somewhere find no room.
    NoRoom {
        /// Where.
        place: PlaceIndex,
        /// The first of them.
        volume: VolumeIndex,
    },
    /// A carrier comes and the site is closed.
    NobodyThere {
        /// Who.
        carrier: CarrierIndex,
    },
    /// A carrier comes and the place it should go to or comes from is closed.
    PlaceClosed {
        /// Who.
        carrier: CarrierIndex,
        /// Which.
        place: PlaceIndex,
    },
    /// Something is due and there is no cartridge for it.
    ScratchShort {
        /// The pool.
        pool: PoolIndex,
        /// At least so many are missing.
        missing: u32,
    },
    /// It should leave the building and is not encrypted, without an exception.
    NotEncrypted {
        /// Which.
        volume: VolumeIndex,
    },
    /// Planned by hand to come home, with something on it that must be kept, and nobody recalled it.
    NotRecalled {
        /// Which.
        volume: VolumeIndex,
    },
    /// A movement that would bring all copies of a set together waits.
    WouldBeTogether {
        /// Which cartridge.
        volume: VolumeIndex,
        /// Which set.
        set: SetIndex,
    },
    /// All copies of a set are in one place, for longer than a pick-up takes to come.
    Together {
        /// Which set.
        set: SetIndex,
        /// Where.
        place: PlaceIndex,
    },
    /// A copy was not finished before the next set of its series was due.
    GivenUp {
        /// Which set.
        set: SetIndex,
        /// The copy's pool.
        pool: PoolIndex,
    },
}

impl Trouble {
    /// The code, which never changes its meaning.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::PlaceFull { .. } => "W01",
            Self::NoRoom { .. } => "W02",
            Self::NobodyThere { .. } => "W03",
            Self::PlaceClosed { .. } => "W04",
            Self::ScratchShort { .. } => "W05",
            Self::NotEncrypted { .. } => "W06",
            Self::NotRecalled { .. } => "W07",
            Self::WouldBeTogether { .. } => "W08",
            Self::Together { .. } => "W09",
            Self::GivenUp { .. } => "W10",
        }
    }
}
