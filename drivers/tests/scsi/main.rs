//! The drivers against byte vectors, scripted devices, recorded devices and arbitrary bytes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests and their helpers

mod block;
mod inventory;
mod inventory_odd;
mod mode_and_log;
mod motion;
mod other_devices;
mod other_hosts;
mod position;
mod properties;
mod readiness;
mod recorded;
mod script;
mod sense;
mod spc;
