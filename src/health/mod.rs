//! Health of drives and cartridges: what each mount showed, who is at fault, what to do about it.
//!
//! The judging is pure: [`assess`] takes what was observed and the time, and returns for each
//! drive and cartridge a state, a trend, reasons and an action. Observing is `library`'s;
//! [`record`] keeps and shows it.
//!
//! - [`observation`]: what one mount of a cartridge in a drive showed
//! - [`alert`]: whom a TapeAlert flag is about
//! - [`blame`]: which drive or cartridge explains the bad mounts
//! - [`trend`]: whether the rate of corrected errors rises
//! - [`rule`]: what follows from all that
//! - [`record`]: keeping it, taking out of use, the report

pub mod alert;
pub mod blame;
mod number;
pub mod observation;
pub mod record;
pub mod rule;
#[cfg(test)]
mod rule_tests;
mod tail;
pub mod trend;

pub use observation::{DriveSerial, ErrorCounters, Observation, SenseTally, Usage};
pub use rule::{
    Action, Assessment, CartridgeHealth, Decided, DriveHealth, Evidence, Reason, ReasonCode,
    Snapshot, State, Verdict, assess,
};
pub use trend::Trend;
