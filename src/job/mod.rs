//! The monthly job: plan, write, complete, verify, eject; resume after anything.

mod complete;
mod drives;
mod encryption;
pub mod label;
pub mod lease;
pub mod plan;
mod problems;
pub mod recorder;
pub mod report;
pub mod run;
mod set_aside;
mod set_index;
mod settle;
pub mod single;
pub mod snapshot;
pub mod step;
mod supply;
pub mod verify;
pub mod volumes;
mod write;

pub use drives::Drives;
