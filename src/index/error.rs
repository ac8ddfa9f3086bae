//! What can be wrong with an index.

use thiserror::Error;

use crate::archive::member::MemberAddress;
use crate::id::SetId;

/// An error of writing or reading an index; `name` is the file's, or what the caller calls bytes
/// in memory.
#[derive(Debug, Error)]
pub enum IndexError {
    /// It cannot be read.
    #[error("cannot read the index {name}: {source}")]
    Read {
        /// Of the index.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the index: {0}")]
    Write(#[source] std::io::Error),
    /// It does not begin as an index does.
    #[error("{name} is not an index of this program")]
    NotAnIndex {
        /// Of the file.
        name: String,
    },
    /// It is of a later format.
    #[error("the index {name} has format version {found}, this program knows 1: use a newer one")]
    Version {
        /// Of the index.
        name: String,
        /// Its version.
        found: u16,
    },
    /// It has a section that must be understood and is not.
    #[error(
        "the index {name} has a section \"{tag}\" this program must know and does not: use a newer one"
    )]
    UnknownSection {
        /// Of the index.
        name: String,
        /// The section's tag.
        tag: String,
    },
    /// A section other than a block is damaged: nothing can be read from it.
    #[error("the index {name} is damaged in its {section}: {damage}")]
    Section {
        /// Of the index.
        name: String,
        /// Which.
        section: &'static str,
        /// How.
        damage: Damage,
    },
    /// A block is damaged: its rows cannot be read, others can.
    #[error("the index {name} is damaged in block {block} of {blocks}: {damage}")]
    Block {
        /// Of the index.
        name: String,
        /// Number of the block, from 0.
        block: usize,
        /// How many blocks there are.
        blocks: usize,
        /// How.
        damage: Damage,
    },
    /// A row does not come after the row before it in walk order and address.
    #[error(
        "the index is out of order: \"{}\" (segment {}, offset {}) after \"{}\" (segment {}, offset {})",
        path.escape_ascii(), address.segment.0, address.offset,
        before.escape_ascii(), before_address.segment.0, before_address.offset
    )]
    OutOfOrder {
        /// Of the row before.
        before: Vec<u8>,
        /// Of the row before.
        before_address: MemberAddress,
        /// Of the row.
        path: Vec<u8>,
        /// Of the row.
        address: MemberAddress,
    },
    /// A path that has no place in a block.
    #[error(
        "a path of {length} bytes is too long for an index (at most {})",
        super::block::PATH_LIMIT
    )]
    PathTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// An index that does not belong to the set that is merged.
    #[error("the index {name} is of set {found}, not of set {expected}")]
    WrongSet {
        /// Of the index.
        name: String,
        /// Its set.
        found: SetId,
        /// The set asked for.
        expected: SetId,
    },
}

/// How a part of an index is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// It goes beyond the end of the file.
    #[error("it is cut off")]
    CutOff,
    /// Its digest differs.
    #[error("its digest differs")]
    Digest,
    /// It cannot be decompressed.
    #[error("it cannot be decompressed")]
    Compression,
    /// It holds something the format does not allow.
    #[error("{0}")]
    Content(&'static str),
    /// It is of a later program that says it must be understood.
    #[error("it has a column {0} this program must know and does not")]
    UnknownColumn(u8),
}
