//! Robots and drives as shared resources.

pub mod lock;
