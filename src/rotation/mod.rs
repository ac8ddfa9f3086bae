//! Which cartridge is written next, which go out, which come home, and why: pure decisions.
//!
//! A [`Snapshot`] says how things are on the morning of a day; [`plan`] follows the tape room from there
//! day by day and returns dated lines, each with its reason, and warnings ahead. It asks neither the
//! record nor the clock, and changes nothing.

mod begin;
mod calendar;
mod check;
mod expiry;
mod plan;
mod reason;
mod runs;
mod scheme;
mod simulate;
mod snapshot;
mod state;
mod writes;

pub use calendar::{Calendar, Closure, CutOff, Weekdays};
pub use check::PlanError;
pub use plan::{Action, Line, Plan, Start, Trouble, Warning};
pub use reason::Reason;
pub use scheme::{Daily, GrandfatherFatherSon, Keep, KeepSets, Monthly, Rank, Scheme, WorkingDay};
pub use simulate::plan;
pub use snapshot::{
    BackupSet, Carrier, CarrierIndex, Content, CopyIndex, LateWrite, Place, PlaceIndex, PlaceKind,
    PlannedMove, Pool, PoolIndex, Protection, Recall, Series, SeriesIndex, SetCopy, SetIndex,
    Snapshot, Stock, Volume, VolumeIndex,
};

/// A safe or vault that is full within so many days is warned of.
const FULL_AHEAD_DAYS: i32 = 30;

/// Pick-ups within so many days are looked at.
const ATTEND_AHEAD_DAYS: i32 = 14;

/// Days after which all copies of a set should not be in one place any more.
const TOGETHER_DAYS: i32 = 14;
