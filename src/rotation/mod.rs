//! Which cartridge is written next, which go out, which come home, and why: pure decisions.

mod calendar;

pub use calendar::{Calendar, Closure, CutOff, Weekdays};
