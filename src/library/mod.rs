//! Robots and drives as shared resources.

pub mod connection;
pub mod element;
pub mod fitting;
pub mod lock;
pub mod mount;
pub mod node;
pub mod robot;
mod usage;
pub mod view;

pub use robot::Library;
