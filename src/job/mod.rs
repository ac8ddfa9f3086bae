//! The monthly job: plan, write, complete, verify, eject; resume after anything.

mod away;
mod begin;
mod chosen;
mod complete;
mod drives;
mod hooks;
pub mod label;
mod lanes;
pub mod lease;
pub mod plan;
mod problems;
pub mod recorder;
pub mod report;
pub mod requests;
pub mod run;
mod set_aside;
mod set_index;
mod settle;
pub mod single;
pub mod snapshot;
pub mod step;
mod stream;
mod supply;
mod teller;
pub mod verify;
pub mod volumes;
mod write;

pub use drives::Drives;
