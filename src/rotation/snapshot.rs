//! What a plan is made from: cartridges, copies, pools, places, carriers, as they are on one day.

use chrono::NaiveDate;
use serde::Serialize;

use super::calendar::Calendar;
use super::scheme::{Rank, Scheme};
use crate::catalogue::{Generation, MediumUse};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident: $number:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl $name {
            /// As a position in its list.
            #[must_use]
            pub fn at(self) -> usize {
                usize::try_from(self.0).unwrap_or(usize::MAX)
            }

            /// For a position in its list; no record has longer lists than its number can count.
            #[must_use]
            pub fn new(at: usize) -> Self {
                Self($number::try_from(at).unwrap_or($number::MAX))
            }
        }
    };
}

index!(
    /// A cartridge: position in `Snapshot::volumes`, and after those in `Plan::bought`.
    VolumeIndex: u32
);
index!(
    /// A pool: position in `Snapshot::pools`.
    PoolIndex: u16
);
index!(
    /// What is written again and again: position in `Snapshot::series`.
    SeriesIndex: u32
);
index!(
    /// A backup set: position in `Snapshot::sets`, and after those in `Plan::sets`.
    SetIndex: u32
);
index!(
    /// A place: position in `Snapshot::places`.
    PlaceIndex: u16
);
index!(
    /// A carrier: position in `Snapshot::carriers`.
    CarrierIndex: u16
);

/// Everything a plan depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When people are there: to take cartridges out, to hand them over.
    pub site: Calendar,
    /// The library whose drives write.
    pub library: PlaceIndex,
    /// What those drives write.
    pub writable: Vec<Generation>,
    /// Places, in the order in which they are tried where several will do.
    pub places: Vec<Place>,
    /// Who carries.
    pub carriers: Vec<Carrier>,
    /// Pools.
    pub pools: Vec<Pool>,
    /// What is written again and again.
    pub series: Vec<Series>,
    /// Sets of which a copy is on a volume.
    pub sets: Vec<BackupSet>,
    /// Copies of those sets.
    pub copies: Vec<SetCopy>,
    /// Cartridges.
    pub volumes: Vec<Volume>,
    /// What has been due and could not be written yet.
    pub late: Vec<LateWrite>,
    /// How much scratch there must be, and how more is had.
    pub stock: Stock,
    /// Days a cartridge from elsewhere lies before it is loaded.
    pub acclimatisation_days: u16,
}

/// Scratch stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// Scratch cartridges that should be left when a day's writing is done.
    pub minimum: u32,
    /// Days from an order to the delivery.
    pub lead_days: u16,
    /// What is bought.
    pub generation: Generation,
    /// Bytes one of those takes.
    pub capacity: u64,
    /// Ordered already: when they come, and how many.
    pub ordered: Vec<(NaiveDate, u32)>,
}

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// A library of ours.
    Library,
    /// A shelf at our site.
    Shelf,
    /// A safe at our site.
    Safe,
    /// A vault elsewhere.
    Vault,
    /// Somebody's home.
    Home,
}

impl PlaceKind {
    /// Whether it is away from the site.
    #[must_use]
    pub fn is_off_site(self) -> bool {
        matches!(self, Self::Vault | Self::Home)
    }
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PlaceKind,
    /// Cartridges it takes; `None`: as many as there are.
    pub capacity: Option<u32>,
    /// When it takes and gives, if it is off-site.
    pub calendar: Calendar,
    /// Who carries to and from it, if it is off-site.
    pub carrier: Option<CarrierIndex>,
    /// What else than cartridges of this snapshot takes room in it.
    pub others: u32,
}

/// Somebody who carries: one vehicle a day, there and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Its name.
    pub name: String,
    /// The pick-up days and their cut-off.
    pub calendar: Calendar,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// When its volumes are written and how long they are kept.
    pub scheme: Scheme,
    /// Where what leaves the library is kept.
    pub keep_at: PlaceIndex,
    /// Days a copy is kept, instead of what the scheme says; with a scheme that counts sets, at least.
    pub retention_days: Option<u32>,
}

/// What is written again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// The pool of each copy.
    pub copies: Vec<PoolIndex>,
    /// Bytes of one copy.
    pub bytes: u64,
    /// Days it is kept in every pool, instead of what the pool says.
    pub retention_days: Option<u32>,
    /// Sets to come are held.
    pub held: bool,
    /// Whether it may leave the building.
    pub protection: Protection,
}

/// Whether data may leave the building, the safest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protection {
    /// Encrypted.
    Encrypted,
    /// Not encrypted, with a recorded exception.
    Excepted,
    /// Not encrypted: it stays.
    Plain,
}

/// A backup set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSet {
    /// What it is one of; `None`: it is not written any more.
    pub series: Option<SeriesIndex>,
    /// The day it is of.
    pub date: NaiveDate,
    /// Nothing of it may go.
    pub held: bool,
    /// Whether it may leave the building.
    pub protection: Protection,
}

/// One copy of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCopy {
    /// The set.
    pub set: SetIndex,
    /// The pool it is in.
    pub pool: PoolIndex,
    /// What the scheme made of it.
    pub rank: Rank,
    /// The first day on which it may go.
    pub until: NaiveDate,
    /// All of it is on tape.
    pub complete: bool,
    /// All of it was in its place off-site once.
    pub arrived: bool,
    /// The cartridges that it is on.
    pub volumes: Vec<VolumeIndex>,
}

/// What can be done with a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Nothing on it; can be written.
    Scratch,
    /// Copies on it; more can be appended.
    Filling,
    /// Copies on it; nothing is appended.
    Full,
    /// Everything on it may go.
    Expired,
    /// Quarantined, retired: neither written nor moved by rotation.
    OutOfUse,
}

/// A cartridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What is printed on it.
    pub barcode: String,
    /// Generation of the medium.
    pub generation: Generation,
    /// What it is for.
    pub medium_use: MediumUse,
    /// What can be done with it.
    pub content: Content,
    /// The pool it was labelled for.
    pub pool: Option<PoolIndex>,
    /// Bytes it takes when written from the beginning.
    pub capacity: u64,
    /// Bytes that can still be appended.
    pub remaining: u64,
    /// Loads so far.
    pub wear: u32,
    /// Where it is; `None`: missing, in transit or in nobody's hands.
    pub place: Option<PlaceIndex>,
    /// Since when.
    pub since: NaiveDate,
    /// The last day on which something was written on it.
    pub written: Option<NaiveDate>,
    /// Whether whatever is on the tape may leave the building, be it expired or not.
    pub protection: Protection,
    /// A movement planned by hand.
    pub planned: Option<PlannedMove>,
    /// Somebody wants it back before its time.
    pub recall: Option<Recall>,
}

/// A movement planned by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedMove {
    /// Where to.
    pub to: PlaceIndex,
    /// Not before this day.
    pub on: NaiveDate,
}

/// An early return that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recall {
    /// Not before this day.
    pub wanted: NaiveDate,
    /// The day from which it goes back; `None`: it stays until somebody says.
    pub back: Option<NaiveDate>,
}

/// What was due and could not be written, or not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateWrite {
    /// The copy, which may have volumes already.
    pub copy: CopyIndex,
    /// Bytes that are still to be written.
    pub bytes: u64,
}

index!(
    /// A copy: position in `Snapshot::copies`, and after those in the order of writing.
    CopyIndex: u32
);
