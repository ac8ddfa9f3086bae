//! File indexes: what is in a set, one immutable file for each segment (a *part*) and one for the
//! whole set, in the same format.
//!
//! The format is described in `docs/index-format.md`; later additions never change what is there.

mod block;
#[cfg(test)]
mod block_tests;
mod column;
mod directory;
mod error;
mod format;
mod lookup;
mod merge;
mod origin;
mod part;
mod pattern;
mod reader;
mod rows;
mod search;
mod several;
mod source;
mod writer;

pub use error::{Damage, IndexError};
pub use format::{FrameTable, IndexHeader, IndexSummary, Scope, Totals};
pub use lookup::Lookup;
pub use merge::merge;
pub use origin::{Origin, OriginKey};
pub use part::PartBuilder;
pub use pattern::{Glob, PatternError, Text};
pub use reader::IndexReader;
pub use rows::Entries;
pub use search::{Paths, Query, Search};
pub use several::search_all;
pub use writer::IndexWriter;
