//! The library as an iSCSI target (RFC 7143), so that any host's own initiator, kernel drivers and
//! tools can use it: LUN 0 is the changer, the drives follow.
//!
//! One connection per session (MaxConnections=1), error recovery level 0. [`request`], [`response`]
//! and [`frame`] are the layout, [`login`] and [`session`] are machines without sockets, [`server`]
//! has the sockets and a thread for each.

pub mod chap;
mod frame;
#[cfg(any(test, fuzzing))]
#[allow(clippy::print_stdout, clippy::unwrap_used)] // a panic is what the fuzzer looks for
pub mod fuzz;
mod login;
mod negotiate;
mod perform;
mod request;
mod response;
mod server;
mod session;
mod sessions;
mod task;
mod text;

pub use chap::{Secrets, SecretsError};
pub use server::{IscsiOptions, IscsiServer};
#[cfg(test)]
mod session_tests;
