//! Labels: blocks of 80 ASCII characters around every file on a tape (ANSI X3.27-1987, ISO 1001,
//! the same as ECMA-13 4th edition).
//!
//! Columns are counted from 1, as in the standards. Where a field there is too small for today's
//! tapes, `docs/tape-format.md` says what stands in it.

mod columns;
mod date;
mod file;
mod group;
mod user;
mod volume;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use date::LabelDate;
pub use file::{BlockLength, FileIdentifier, FileLabel1, FileLabel2, GroupEnd};
pub use group::{HeaderGroup, Trailer, TrailerGroup};
pub use user::{UserLabel1, UserLabel2};
pub use volume::VolumeLabel;

/// Characters in a label.
pub const LABEL_LENGTH: usize = 80;

/// One label as it stands on tape.
pub type LabelBlock = [u8; LABEL_LENGTH];

/// Why a block is not the label that was expected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LabelError {
    /// A label has 80 characters.
    #[error("a label has 80 bytes, this block has {0}")]
    Length(usize),
    /// Another label, or none.
    #[error("expected the label {expected}, found \"{found}\"")]
    Identifier {
        /// Columns 1-4 of the label expected.
        expected: &'static str,
        /// Columns 1-4 found, bytes outside ASCII shown as `?`.
        found: String,
    },
    /// A field that cannot be read.
    #[error("{label} columns {first}-{last}: \"{found}\" is not {expected}")]
    Field {
        /// Columns 1-4 of the label.
        label: String,
        /// First column of the field.
        first: usize,
        /// Last column of the field.
        last: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}
