//! The ways in: from the same process, over a socket.

pub mod inprocess;
