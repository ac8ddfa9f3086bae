//! Devices of this machine's kernel.

pub mod scan;
pub mod sg;
