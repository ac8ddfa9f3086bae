//! File indexes: what is in a set, one immutable file for each segment (a *part*) and one for the
//! whole set, in the same format.
//!
//! # Format, version 1
//! All integers are little-endian; a *varint* is unsigned LEB128. A file is
//!
//! ```text
//! preamble   magic (8 bytes: 89 'T' 'W' 'I' 'X' 0D 0A 1A), version (u16 = 1), 6 zero bytes
//! sections   tag (4 ASCII letters), length of the payload (u64), payload
//! trailer    offset and length of the payload of the last section, `TOCS` (u64, u64),
//!            its BLAKE3 (32 bytes), BLAKE3 of everything before the trailer (32 bytes),
//!            end magic (8 bytes: 'X' 'I' 'W' 'T' 0D 0A 1A 89)
//! ```
//!
//! | tag | payload |
//! |---|---|
//! | `HEAD` | JSON: `set`, and `scope`: `{"part": n}` or `{"set": {"segments": n}}` |
//! | `BLOK` | up to 512 rows, see below; any number of these |
//! | `FRAM` | where the zstd frames of one segment are: segment (u32), plaintext bytes in each frame but the last (u64), number of frames (u64), coded length of each (varints); one for each compressed segment |
//! | `DIRY` | for each block: offset of its payload (u64), its length (u32), rows (u32), BLAKE3 of the payload (32 bytes), length of its first path (u32), the path |
//! | `FOOT` | JSON: [`Totals`] |
//! | `TOCS` | for each section but blocks and itself: tag, offset of the payload (u64), its length (u64), its BLAKE3 (32 bytes) |
//!
//! A section whose tag begins with an upper-case letter must be understood; any other unknown one
//! is skipped. JSON objects may gain members. So additions never change what is there.
//!
//! A block's payload is: rows (u32), bytes of the columns (u32), bytes of them compressed (u32), the
//! columns as one zstd frame, then for each row with a digest its 32 bytes. The columns are, each
//! with its id (u8) and length (u32); ids below 128 must be understood:
//!
//! | id | for each row |
//! |---|---|
//! | 1 | bytes its path shares with the path before it in the block (varint) |
//! | 2 | bytes of its path after these (varint) |
//! | 3 | those bytes |
//! | 4 | kind in bits 0-2 (0 file, 1 directory, 2 symlink, 3 hard link, 4 character device, 5 block device, 6 fifo), state in bits 3-4 (0 intact, 1 changed, 2 superseded), bit 5: has a digest, bit 6: has a link, bit 7: 0 |
//! | 5 | size (varint) |
//! | 6 | seconds of the modification time, less those of the row before (zigzag varint; wrapping) |
//! | 7 | its nanoseconds (u32) |
//! | 8, 9, 10 | mode, owner, group (varints) |
//! | 11 | segment, less that of the row before (zigzag varint) |
//! | 12 | offset in the segment, less the end of the row before if that begins in the same segment (zigzag varint; wrapping) |
//! | 13 | length in the stream, less the size rounded up to 512 (zigzag varint; wrapping) |
//! | 14 | only rows with a link: its segment and offset (varints) |
//!
//! Rows are in walk order ([`walk_order`]); rows of one path by their address. The row before the
//! first of a block is all zeros.

mod block;
#[cfg(test)]
mod block_tests;
mod column;
mod error;
mod format;
mod merge;
mod order;
mod part;
mod reader;
mod rows;
mod source;
mod writer;

pub use error::{Damage, IndexError};
pub use format::{FrameTable, IndexHeader, IndexSummary, Scope, Totals};
pub use merge::merge;
pub use order::{is_below, walk_order};
pub use part::PartBuilder;
pub use reader::IndexReader;
pub use rows::Entries;
pub use writer::IndexWriter;
