//! The ways in: from the same process, over a socket, over iSCSI, as an operator.

pub mod control;
pub mod inprocess;
pub mod iscsi;
pub mod socket;
