//! Robots and drives as shared resources.

pub mod attachment;
pub mod blocks;
pub mod connection;
pub mod discovery;
pub mod element;
mod exchange;
pub mod fencing;
pub mod fitting;
mod holding;
pub mod lock;
pub mod matching;
pub mod mount;
pub mod node;
pub mod robot;
mod tenure;
mod unmatched;
mod usage;
pub mod view;

pub use robot::Library;
