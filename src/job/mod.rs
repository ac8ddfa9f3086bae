//! The monthly job: plan, write, complete, verify, eject; resume after anything.

mod away;
mod begin;
pub mod blocks;
mod chosen;
pub mod collocation;
mod complete;
mod drives;
mod earlier;
mod encryption;
mod failed_drives;
pub mod foreign;
mod hooks;
pub mod label;
mod lanes;
pub mod lease;
pub mod plan;
mod problems;
pub mod recopy;
pub mod recorder;
pub mod report;
pub mod requests;
pub mod run;
pub mod scrub;
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
