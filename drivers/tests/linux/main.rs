//! What the drivers make of the kernel's sysfs.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests and their helpers

mod scan;
mod tree;
