//! Coded bytes to blocks, and blocks to every lane.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::archive::member::{SegmentNumber, SinkError};
use crate::buffer::{Buffer, Buffers};
use crate::tape::codec::CodedOutput;
use crate::tape::digest::{TapeDigest, TapeHasher};
use crate::tape::layout::BlockSize;
use crate::tape::volume::FileStart;

use super::event::SegmentFacts;
use super::rings::Rings;

/// Blocks kept for use again, beyond those in the rings.
const SPARE_BLOCKS: usize = 32;

/// What goes through a ring.
#[derive(Debug, Clone)]
pub(super) enum LaneItem {
    /// A segment begins.
    SegmentBegin(SegmentNumber, Arc<FileStart>),
    /// A block of the segment or of the set index: the largest of any volume, cut smaller for others.
    Block(Bytes),
    /// The segment ends.
    SegmentEnd(Arc<SegmentEnd>),
    /// A set index of this many bytes at most begins.
    IndexBegin(Arc<FileStart>, u64),
    /// The set index ends.
    IndexEnd(Sent),
    /// Nothing will come for a long time: the drive is not needed until something does.
    Pause,
}

impl LaneItem {
    /// Whether a file ends with it.
    pub(super) fn ends_file(&self) -> bool {
        matches!(self, Self::SegmentEnd(_) | Self::IndexEnd(_))
    }
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
    /// Bytes of a block that is not full yet.
    block: Buffer,
    blocks: Arc<Buffers>,
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
        let blocks = Buffers::new(block_size.bytes(), SPARE_BLOCKS);
        Self {
            rings,
            block_size,
            block: blocks.take(),
            blocks,
            hasher: TapeHasher::new(),
            length: 0,
        }
    }

    /// As [`Rings::send`].
    pub(super) fn send(&mut self, item: &LaneItem) {
        self.rings.send(item);
    }

    /// As [`Rings::let_in`].
    pub(super) fn let_in(&mut self) {
        self.rings.let_in();
    }

    /// As [`Rings::wait_decided`].
    pub(super) fn wait_decided(&mut self) -> Result<(), SinkError> {
        self.rings.wait_decided()
    }

    fn send_block(&mut self, block: Bytes) {
        self.hasher.update(&block);
        self.length += block.len() as u64;
        self.send(&LaneItem::Block(block));
    }

    fn send_filled(&mut self) {
        let block = std::mem::replace(&mut self.block, self.blocks.take());
        self.send_block(block.freeze());
    }

    /// Sends the last, shorter block and starts over.
    pub(super) fn end_of_file(&mut self) -> Sent {
        if !self.block.is_empty() {
            self.send_filled();
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

impl CodedOutput for FanOut {
    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.block.room()));
            self.block.extend(now);
            bytes = later;
            if self.block.room() == 0 {
                self.send_filled();
            }
        }
        Ok(())
    }

    fn put_shared(&mut self, mut bytes: Bytes) -> io::Result<()> {
        let size = self.block_size.bytes();
        if !self.block.is_empty() {
            let now = bytes.split_to(bytes.len().min(self.block.room()));
            self.put(&now)?;
        }
        // Whole blocks go on as they are.
        while bytes.len() >= size {
            let block = bytes.split_to(size);
            self.send_block(block);
        }
        self.put(&bytes)
    }
}
