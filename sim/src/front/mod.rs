//! The ways in: from the same process, over a socket, as an operator.

pub mod control;
pub mod inprocess;
pub mod socket;
