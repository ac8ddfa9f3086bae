//! Coded bytes to blocks, and blocks to every lane.

use std::io::{self, Write};
use std::sync::Arc;

use crate::archive::member::{SegmentNumber, SinkError};
use crate::tape::digest::{TapeDigest, TapeHasher};
use crate::tape::layout::BlockSize;
use crate::tape::volume::FileStart;

use super::event::SegmentFacts;
use super::rings::Rings;

/// What goes through a ring.
#[derive(Debug, Clone)]
pub(super) enum LaneItem {
    /// A segment begins.
    SegmentBegin(SegmentNumber, Arc<FileStart>),
    /// A block of the segment or of the set index.
    Block(Arc<Vec<u8>>),
    /// The segment ends.
    SegmentEnd(Arc<SegmentEnd>),
    /// A set index of this many bytes at most begins.
    IndexBegin(Arc<FileStart>, u64),
    /// The set index ends.
    IndexEnd(TapeDigest),
}

/// What a lane needs to close a segment.
#[derive(Debug)]
pub(super) struct SegmentEnd {
    pub(super) facts: SegmentFacts,
    /// `part.json`.
    pub(super) part: Vec<u8>,
    pub(super) part_start: FileStart,
    /// The index part as it goes on tape.
    pub(super) index: Vec<u8>,
    pub(super) index_start: FileStart,
}

/// The rings, and the block being filled.
#[derive(Debug)]
pub(super) struct FanOut {
    rings: Rings,
    block_size: BlockSize,
    block: Vec<u8>,
    hasher: TapeHasher,
    length: u64,
}

/// What one file was, as sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) length: u64,
    pub(super) digest: TapeDigest,
}

impl FanOut {
    pub(super) fn new(rings: Rings, block_size: BlockSize) -> Self {
        Self {
            rings,
            block_size,
            block: Vec::with_capacity(block_size.bytes()),
            hasher: TapeHasher::new(),
            length: 0,
        }
    }

    /// As [`Rings::send`].
    pub(super) fn send(&mut self, item: &LaneItem) {
        self.rings.send(item);
    }

    /// As [`Rings::wait_decided`].
    pub(super) fn wait_decided(&mut self) -> Result<(), SinkError> {
        self.rings.wait_decided()
    }

    fn send_block(&mut self) {
        let empty = Vec::with_capacity(self.block_size.bytes());
        let block = std::mem::replace(&mut self.block, empty);
        self.hasher.update(&block);
        self.length += block.len() as u64;
        self.send(&LaneItem::Block(Arc::new(block)));
    }

    /// Sends the last, shorter block and starts over.
    pub(super) fn end_of_file(&mut self) -> Sent {
        if !self.block.is_empty() {
            self.send_block();
        }
        let sent = Sent {
            length: self.length,
            digest: self.hasher.digest(),
        };
        self.hasher = TapeHasher::new();
        self.length = 0;
        sent
    }
}

impl Write for FanOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.block_size.bytes() - self.block.len();
            let (now, later) = rest.split_at(rest.len().min(room));
            self.block.extend_from_slice(now);
            rest = later;
            if self.block.len() == self.block_size.bytes() {
                self.send_block();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
