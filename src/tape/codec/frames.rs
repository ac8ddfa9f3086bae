//! Where the zstd frames of a segment are.

use serde::{Deserialize, Serialize};

use super::CodecError;

/// Plaintext bytes in each zstd frame of a segment but the last: a power of two, 4 KiB to 64 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FrameSize(u32);

impl FrameSize {
    /// 4 MiB.
    pub const DEFAULT: Self = Self(4 << 20);

    /// The largest size of at most `bytes`, within the limits.
    #[must_use]
    pub fn at_most(bytes: u64) -> Self {
        let bytes = bytes.clamp(4 << 10, 64 << 20);
        Self(1 << bytes.ilog2())
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u32> for FrameSize {
    type Error = String;
    fn try_from(bytes: u32) -> Result<Self, String> {
        if bytes.is_power_of_two() && (4 << 10..=64 << 20).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(format!(
                "{bytes} is not a frame size (a power of two from 4 KiB to 64 MiB)"
            ))
        }
    }
}

impl From<FrameSize> for u32 {
    fn from(size: FrameSize) -> Self {
        size.0
    }
}

/// The zstd frames of one segment. Frame n holds the plaintext from n times `frame_size` on; its
/// coded bytes start where the coded lengths of those before it add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTable {
    /// Plaintext bytes per frame; the last holds the rest.
    pub frame_size: FrameSize,
    /// Plaintext bytes of all frames together.
    pub plaintext_length: u64,
    /// Compressed length of each frame, before encryption.
    pub lengths: Vec<u32>,
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// First plaintext byte.
    pub(super) start: u64,
    /// Plaintext bytes.
    pub(super) plaintext: usize,
    /// First compressed byte.
    pub(super) offset: u64,
    /// Compressed bytes.
    pub(super) length: u32,
}

impl FrameTable {
    /// Checks that there are as many frames as the plaintext needs, none longer than possible.
    pub fn check(&self) -> Result<(), CodecError> {
        let needed = self.plaintext_length.div_ceil(self.frame_size.0.into());
        if self.lengths.len() as u64 != needed {
            return Err(CodecError::FrameTable(format!(
                "{} frames, {} bytes of plaintext take {needed}",
                self.lengths.len(),
                self.plaintext_length
            )));
        }
        let bound = zstd::zstd_safe::compress_bound(self.frame_size.bytes()) as u64;
        match self
            .lengths
            .iter()
            .find(|length| u64::from(**length) > bound)
        {
            Some(length) => Err(CodecError::FrameTable(format!(
                "a frame of {length} bytes, {bound} is the most for its plaintext"
            ))),
            None => Ok(()),
        }
    }

    /// The frame that holds the plaintext byte `position`; `None` behind the end.
    pub(super) fn frame_at(&self, position: u64) -> Option<Frame> {
        if position >= self.plaintext_length {
            return None;
        }
        let size = u64::from(self.frame_size.0);
        let number = usize::try_from(position / size).ok()?;
        let length = *self.lengths.get(number)?;
        let start = position / size * size;
        let plaintext = (self.plaintext_length - start).min(size);
        Some(Frame {
            start,
            plaintext: usize::try_from(plaintext).ok()?,
            offset: self.lengths[..number]
                .iter()
                .map(|length| u64::from(*length))
                .sum(),
            length,
        })
    }
}

impl TryFrom<(&crate::index::FrameTable, u64)> for FrameTable {
    type Error = CodecError;

    /// The table in an index, and the plaintext length of the segment it is about.
    fn try_from(
        (table, plaintext_length): (&crate::index::FrameTable, u64),
    ) -> Result<Self, CodecError> {
        let frame_size = u32::try_from(table.frame_plaintext)
            .map_err(|error| error.to_string())
            .and_then(FrameSize::try_from)
            .map_err(CodecError::FrameTable)?;
        let lengths = table
            .coded_lengths
            .iter()
            .map(|length| u32::try_from(*length))
            .collect::<Result<_, _>>()
            .map_err(|_| CodecError::FrameTable("a frame is longer than 4 GiB".to_owned()))?;
        let frames = Self {
            frame_size,
            plaintext_length,
            lengths,
        };
        frames.check()?;
        Ok(frames)
    }
}
