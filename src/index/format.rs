//! What stands around the rows.

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use crate::archive::member::{IndexEntry, MemberKind, MemberState, SegmentNumber};
use crate::id::SetId;

pub(super) const MAGIC: [u8; 8] = *b"\x89TWIX\r\n\x1a";
pub(super) const END_MAGIC: [u8; 8] = *b"XIWT\r\n\x1a\x89";
pub(super) const VERSION: u16 = 1;
pub(super) const PREAMBLE_LENGTH: usize = 16;
pub(super) const SECTION_HEADER_LENGTH: usize = 12;
pub(super) const TRAILER_LENGTH: usize = 88;
pub(super) const TOC_ROW_LENGTH: usize = 52;

/// Tag of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(pub(super) [u8; 4]);

impl Tag {
    pub(super) const HEADER: Self = Self(*b"HEAD");
    pub(super) const BLOCK: Self = Self(*b"BLOK");
    pub(super) const FRAMES: Self = Self(*b"FRAM");
    pub(super) const DIRECTORY: Self = Self(*b"DIRY");
    pub(super) const FOOTER: Self = Self(*b"FOOT");
    pub(super) const CONTENTS: Self = Self(*b"TOCS");

    /// Whether a reader that does not know it must refuse the file.
    pub(super) fn is_critical(self) -> bool {
        !self.0[0].is_ascii_lowercase()
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

/// What an index is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexHeader {
    /// The set.
    pub set: SetId,
    /// How much of it.
    pub scope: Scope,
    /// What it is of, in the index of a whole set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// How much of a set an index tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The members that end in this segment.
    Part(SegmentNumber),
    /// All members of the set.
    Set {
        /// How many segments the set has.
        segments: u32,
    },
}

/// Where the zstd frames of a segment are, so that one file can be read without decompressing
/// what is before it: frame `n` holds plaintext from `n * frame_plaintext` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTable {
    /// The segment.
    pub segment: SegmentNumber,
    /// Plaintext bytes in each frame but the last, which may hold fewer. Not 0.
    pub frame_plaintext: u64,
    /// Compressed bytes of each frame (before encryption).
    pub coded_lengths: Vec<u64>,
}

impl FrameTable {
    /// The frame that holds a plaintext offset, and where it begins among the compressed bytes.
    #[must_use]
    pub fn locate(&self, plaintext_offset: u64) -> Option<(usize, u64)> {
        let frame = usize::try_from(plaintext_offset.checked_div(self.frame_plaintext)?).ok()?;
        self.coded_lengths.get(frame)?;
        let mut before = self.coded_lengths[..frame].iter();
        let offset = before.try_fold(0_u64, |sum, length| sum.checked_add(*length))?;
        Some((frame, offset))
    }
}

/// How much an index tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// Rows of regular files.
    pub files: u64,
    /// Logical bytes of these.
    pub bytes: u64,
    /// Bytes in the tar stream of all rows.
    pub stream_bytes: u64,
    /// Rows that are [`MemberState::Changed`].
    pub changed: u64,
    /// Rows that are [`MemberState::Superseded`].
    pub superseded: u64,
}

impl Totals {
    pub(super) fn count(&mut self, entry: &IndexEntry) {
        self.rows += 1;
        if entry.kind == MemberKind::File {
            self.files += 1;
            self.bytes = self.bytes.saturating_add(entry.size);
        }
        self.stream_bytes = self.stream_bytes.saturating_add(entry.length);
        match entry.state {
            MemberState::Intact => {}
            MemberState::Changed => self.changed += 1,
            MemberState::Superseded => self.superseded += 1,
        }
    }
}

/// What came of writing an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSummary {
    /// What it tells of.
    pub totals: Totals,
    /// Its length in bytes.
    pub length: u64,
    /// BLAKE3 of the whole file, as `b3sum` prints it.
    pub digest: blake3::Hash,
}
