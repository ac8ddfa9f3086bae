//! Courier runs: built from what is planned, packed into cases that are sealed, printed, handed over,
//! and closed when every line is known to have arrived or is explained.
//!
//! A run is changed only by these steps, each in one transaction in the name of a person. Printing
//! changes nothing about where something is: only a signed hand-over, a receipt or a scan does.

pub mod arrive;
pub mod build;
mod desk;
mod document;
pub mod handover;
pub mod pack;
pub mod print;
pub mod recall;
pub mod status;

pub use desk::{Desk, Done, Line, closing_grade, lines, rank};
