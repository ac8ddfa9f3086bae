//! Devices of this machine's kernel.

pub mod sg;
