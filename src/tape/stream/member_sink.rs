//! The segmenter takes a stream member by member.

use bytes::Bytes;

use super::segmenter::Segmenter;
use crate::archive::member::{IndexEntry, MemberAddress, MemberSink, MemberStart, SinkError};
use crate::buffer::Stretch;

/// A member up to this long comes without waiting for the source within it.
const SMALL_MEMBER: u64 = 64 << 10;

/// What the producer hands over in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    MoreAtOnce,
    Last,
}

impl Segmenter {
    /// Whether more of the member comes at once.
    fn part(&self) -> Part {
        let partial = self.stream.partial.as_ref();
        partial.map_or(Part::Last, |partial| part_of(partial.start.length))
    }
}

/// Whether more of a member of this length comes at once.
fn part_of(length: u64) -> Part {
    if length > SMALL_MEMBER {
        Part::Last
    } else {
        Part::MoreAtOnce
    }
}

impl MemberSink for Segmenter {
    fn begin(&mut self, start: &MemberStart) -> Result<MemberAddress, SinkError> {
        self.timed(part_of(start.length), |segmenter| {
            segmenter.take_start(start)
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.timed(self.part(), |segmenter| segmenter.take_bytes(bytes))
    }

    fn write_shared(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        self.timed(self.part(), |segmenter| segmenter.take_shared(bytes))
    }

    fn write_stretch(&mut self, stretch: Stretch) -> Result<(), SinkError> {
        self.timed(self.part(), |segmenter| segmenter.take_stretch(stretch))
    }

    fn pause(&mut self) -> Result<(), SinkError> {
        self.timed(Part::Last, Self::pause)
    }

    fn break_faith(&mut self) {
        self.break_faith_of_partial();
    }

    fn end(&mut self, entry: IndexEntry) -> Result<(), SinkError> {
        self.timed(Part::Last, |segmenter| segmenter.take_end(entry))
    }
}
