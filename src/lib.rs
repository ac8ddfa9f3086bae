//! Tapeward: tape libraries, monthly tape jobs, media custody.

/// Members of a set are made by some threads and dropped by others: the C library's allocator spends
/// a tenth of a backup of small files on its locks then.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod app;
pub mod appliance;
pub mod archive;
pub mod buffer;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod copies;
pub mod courier;
pub mod doctor;
pub mod drill;
pub mod error;
pub mod files;
pub mod health;
pub mod id;
pub mod index;
pub mod job;
pub mod journal;
pub mod key;
pub mod kit;
pub mod labels;
pub mod library;
pub mod media;
pub mod month;
pub mod print;
pub mod progress;
pub mod quickstart;
pub mod rebuild;
pub mod report;
pub mod restore;
pub mod retention;
pub mod rotation;
pub mod scan;
pub mod scrub;
pub mod set;
pub mod source;
pub mod tape;
