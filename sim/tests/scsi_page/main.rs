//! docs/scsi.md against the code: that its rows are what the virtual library has, and that what it
//! says was tried with our own host is tried here.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod host;
mod rows;
mod simulator;
#[path = "../support/mod.rs"]
mod support;
