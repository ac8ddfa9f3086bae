//! Tapeward: tape libraries, monthly tape jobs, media custody.

pub mod archive;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod id;
pub mod index;
pub mod job;
pub mod journal;
pub mod key;
pub mod library;
pub mod progress;
pub mod restore;
pub mod tape;
