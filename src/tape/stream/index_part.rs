//! The index part of the segment being written.

use std::io;

use super::geometry::Geometry;
use crate::archive::member::{IndexEntry, SegmentNumber};
use crate::id::SetId;
use crate::index::{self, IndexError, PartBuilder};
use crate::key::Recipient;
use crate::tape::codec::{Codec, CodecError, Encoder, FrameTable, Window};
use crate::tape::digest::TapeDigest;
use crate::tape::document::IndexFacts;

/// Bytes encryption may add to an index part at most, and what its end and its table of frames
/// may take: kept free below the limit.
const SLACK: u64 = 16 << 10;

/// Collects the members that end in a segment.
#[derive(Debug)]
pub(super) struct IndexPart {
    segment: SegmentNumber,
    builder: PartBuilder,
    members: u64,
}

/// A finished index part.
pub(super) struct FinishedPart {
    /// The index file.
    pub(super) plaintext: Vec<u8>,
    /// As it goes on tape.
    pub(super) coded: Vec<u8>,
    pub(super) facts: IndexFacts,
    pub(super) members: u64,
}

impl IndexPart {
    pub(super) fn new(set: SetId, segment: SegmentNumber) -> Result<Self, IndexError> {
        Ok(Self {
            segment,
            builder: PartBuilder::new(set, segment)?,
            members: 0,
        })
    }

    pub(super) fn push(&mut self, entry: &IndexEntry) -> Result<(), IndexError> {
        self.builder.push(entry)?;
        self.members += 1;
        Ok(())
    }

    /// Whether another member might make the part longer than the limit.
    pub(super) fn is_full(&self, geometry: &Geometry) -> bool {
        let frames = geometry
            .segment_limit
            .div_ceil(geometry.frame_size.bytes() as u64)
            + 1;
        // A member on the boundary adds its path once more to the directory of blocks.
        self.builder.size_bound(2 * frames) + SLACK > geometry.index_limit
    }

    pub(super) fn finish(
        self,
        frames: Option<&FrameTable>,
        codec: Codec,
        recipients: &[Recipient],
        geometry: &Geometry,
    ) -> Result<FinishedPart, CodecError> {
        let table = frames.map(|frames| index::FrameTable {
            segment: self.segment,
            frame_plaintext: frames.frame_size.bytes() as u64,
            coded_lengths: frames.lengths.iter().copied().map(u64::from).collect(),
        });
        let (_, plaintext) = self
            .builder
            .finish(table.as_ref())
            .map_err(|error| CodecError::Io(io::Error::other(error)))?;
        let codec = codec.for_index();
        let window = Window::at_most(plaintext.len() as u64);
        let mut encoder = Encoder::new(codec, recipients, geometry.frame_size, window, Vec::new())?;
        encoder.write(&plaintext)?;
        let coded = encoder.finish()?.output;
        let facts = IndexFacts {
            codec,
            plaintext_length: plaintext.len() as u64,
            length: coded.len() as u64,
            xxh3_128: TapeDigest::of(&coded),
        };
        Ok(FinishedPart {
            plaintext,
            coded,
            facts,
            members: self.members,
        })
    }
}
