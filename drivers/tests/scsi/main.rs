//! The drivers against byte vectors, scripted devices, recorded devices and arbitrary bytes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests and their helpers

mod block;
mod changer;
mod device_pages;
mod encryption;
mod generation;
mod inventory;
mod inventory_odd;
mod mode_and_log;
mod motion;
mod other_devices;
mod other_hosts;
mod partition;
mod position;
mod primary;
mod properties;
mod properties_primary;
mod protection;
mod readiness;
mod recorded;
mod reservation;
mod script;
mod sense;
mod spc;
