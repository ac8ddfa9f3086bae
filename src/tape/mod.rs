//! What is on a cartridge: labels, segments, writing, reading, spanning, verifying.
//!
//! The format is published in `docs/tape-format.md`.

pub mod codec;
pub mod content;
pub mod copy;
pub mod digest;
pub mod document;
#[cfg(test)]
mod document_tests;
pub mod drive_key;
pub mod error;
pub mod label;
pub mod layout;
pub mod raw;
pub mod stream;
pub mod verify;
pub mod volume;

pub use codec::{Codec, CodecError};
pub use digest::{TapeDigest, TapeHasher};
pub use error::{FoundTrailer, VolumeError};
pub use layout::{BlockSize, BlockSizes, FileKind, FileSequence, SegmentFiles, TapeFile};
