//! Robots and drives as shared resources.

pub mod attachment;
pub mod connection;
pub mod discovery;
pub mod element;
mod exchange;
pub mod fencing;
pub mod fitting;
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
