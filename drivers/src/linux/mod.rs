//! Devices of this machine's kernel.

mod abi;
mod attached;
pub mod ch;
mod kernel_error;
pub mod scan;
pub mod sg;
pub mod st;
