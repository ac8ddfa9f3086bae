//! How large things are, and what must still fit when a volume's end comes near.

use crate::key::Recipient;
use crate::tape::codec::{Codec, FrameSize, Window};
use crate::tape::document::Directory;
use crate::tape::layout::{BlockSizes, MAX_BLOCKS};

/// What a site or a job chooses.
#[derive(Debug, Clone)]
pub struct StreamOptions {
    /// Sizes of the blocks of the volumes that may be written.
    pub blocks: BlockSizes,
    /// Largest segment in bytes on tape.
    pub segment_size: u64,
    /// Bytes between the producer and each drive.
    pub ring_size: u64,
    /// How segments are coded.
    pub codec: Codec,
    /// Who they are encrypted to; needed when the codec encrypts.
    pub recipients: Vec<Recipient>,
}

/// The sizes that follow from the options and the smallest cartridge a stream may meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Sizes of the blocks of the volumes that may be written.
    pub blocks: BlockSizes,
    /// Largest segment in bytes on tape: the configured size, 1/64 of the cartridge or 999,999 of
    /// the smallest blocks, whichever is least.
    pub segment_limit: u64,
    /// Blocks of the largest size between the producer and each drive: the configured size or 1/64 of the cartridge,
    /// at least four.
    pub ring_blocks: usize,
    /// Blocks that must be in a ring before its drive starts, unless the end of the file is.
    pub high_water: usize,
    /// Plaintext bytes per zstd frame: 4 MiB, or a quarter of a segment.
    pub frame_size: FrameSize,
    /// What the encoder may hold: 32 MiB, or 1/64 of the cartridge.
    pub window: Window,
    /// An index part is not longer: a segment with more members is closed early.
    pub index_limit: u64,
    /// A directory is not longer: a volume with more files is full.
    pub directory_limit: u64,
}

impl Geometry {
    /// For cartridges of at least `native_capacity` bytes.
    #[must_use]
    pub fn new(options: &StreamOptions, native_capacity: u64) -> Self {
        let BlockSizes { smallest, largest } = options.blocks;
        let block = largest.as_u64();
        let share = native_capacity / 64;
        let segment_limit = options
            .segment_size
            .min(share)
            .min(MAX_BLOCKS * smallest.as_u64())
            .max(4 * block);
        let ring = options.ring_size.min(share) / block;
        let ring_blocks = usize::try_from(ring).unwrap_or(usize::MAX).max(4);
        let every_number = 10_000 * Directory::ENTRY_BOUND;
        Self {
            blocks: options.blocks,
            segment_limit,
            ring_blocks,
            high_water: ring_blocks / 4 * 3,
            frame_size: FrameSize::at_most((segment_limit / 4).min(4 << 20)),
            window: Window::at_most(share),
            index_limit: share.clamp(64 << 10, 64 << 20),
            directory_limit: share.clamp(64 << 10, every_number),
        }
    }

    /// Bytes a volume must still take when its lane asks for the segment to be closed: the ring,
    /// what the encoder still holds, labels, `part.json`, the index part and the directory.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        let block = self.blocks.largest.as_u64();
        let ring = self.ring_blocks as u64 * block;
        // Frames being compressed and chunks being encrypted; of each kind one being filled and
        // one just cut, with an encryption chunk and a block that is not full.
        let encoder =
            2 * (self.window.bytes() + self.frame_size.bytes() as u64 + (128 << 10) + block);
        // Labels, filemarks and documents are small blocks; a drive spends more on each than its
        // bytes.
        let small = 16 * block;
        ring + encoder + small + self.index_limit + self.directory_limit
    }
}
