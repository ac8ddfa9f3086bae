//! zstd frames, several at a time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use zstd::bulk::Compressor;

use super::crew::{Crew, InOrder};
use super::encoder::Window;
use super::{CodecError, FrameSize, FrameTable};

/// Compression level: the default of the zstd program.
const LEVEL: i32 = 3;
/// The level for what does not compress: it is found out fast and stored as it is.
const FAST_LEVEL: i32 = -50;

/// Bytes of a frame that are tried first.
const SAMPLE: usize = 32 << 10;

/// Collects frames and has them compressed.
pub(super) struct FrameWriter {
    size: FrameSize,
    pending: Vec<u8>,
    /// Plaintext lengths of what is being compressed, in order.
    tasks: InOrder<Result<Vec<u8>, CodecError>>,
    compressors: Arc<Compressors>,
    lengths: Vec<u32>,
}

impl FrameWriter {
    pub(super) fn new(size: FrameSize, window: Window) -> Self {
        let cores = Crew::shared().threads();
        Self {
            size,
            pending: Vec::new(),
            tasks: InOrder::new(window.tasks_of(size.bytes()).clamp(1, 2 * cores)),
            compressors: Arc::default(),
            lengths: Vec::new(),
        }
    }

    pub(super) fn room(&self) -> usize {
        self.size.bytes() - self.pending.len()
    }

    /// Takes no more than there is room for.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.pending.capacity() == 0 {
            self.pending.reserve_exact(self.size.bytes());
        }
        self.pending.extend_from_slice(bytes);
        if self.room() == 0 {
            self.begin();
        }
    }

    fn begin(&mut self) {
        let plaintext = std::mem::take(&mut self.pending);
        let compressors = Arc::clone(&self.compressors);
        self.tasks
            .push(Crew::shared().begin(move || compressors.compress(&plaintext)));
    }

    /// What is pending is the last frame.
    pub(super) fn end(&mut self) {
        if !self.pending.is_empty() {
            self.begin();
        }
    }

    /// Compressed bytes for what was not taken yet and `more` bytes, at most.
    pub(super) fn bound(&self, more: u64) -> u64 {
        let size = self.size.bytes();
        let plaintext = self.pending.len() as u64 + more;
        let whole = plaintext.div_ceil(size as u64).max(1);
        let longest = size.min(usize::try_from(plaintext).unwrap_or(usize::MAX));
        whole * zstd_bound(longest) + self.tasks.len() as u64 * zstd_bound(size)
    }

    /// The next frame if it is done, or if too many are under way.
    pub(super) fn take_due(&mut self) -> Option<Result<Vec<u8>, CodecError>> {
        let frame = self.tasks.take_due()?;
        Some(self.note(frame))
    }

    /// The next frame, waited for; none if none is being compressed.
    pub(super) fn take(&mut self) -> Option<Result<Vec<u8>, CodecError>> {
        let frame = self.tasks.take()?;
        Some(self.note(frame))
    }

    fn note(
        &mut self,
        frame: io::Result<Result<Vec<u8>, CodecError>>,
    ) -> Result<Vec<u8>, CodecError> {
        let frame = frame??;
        let length = u32::try_from(frame.len())
            .map_err(|_| CodecError::FrameTable("a frame is longer than 4 GiB".to_owned()))?;
        self.lengths.push(length);
        Ok(frame)
    }

    pub(super) fn table(self, plaintext_length: u64) -> FrameTable {
        FrameTable {
            frame_size: self.size,
            plaintext_length,
            lengths: self.lengths,
        }
    }
}

fn zstd_bound(plaintext: usize) -> u64 {
    zstd::zstd_safe::compress_bound(plaintext) as u64
}

/// Compressors with their working memory, used again.
#[derive(Default)]
struct Compressors(Mutex<Vec<Compressor<'static>>>);

impl Compressors {
    /// One frame of all of these bytes.
    fn compress(&self, plaintext: &[u8]) -> Result<Vec<u8>, CodecError> {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let used = free().pop();
        let mut compressor = used.map_or_else(|| Compressor::new(LEVEL), Ok)?;
        compressor.include_checksum(true)?;
        compressor.include_contentsize(true)?;
        let level = if shrinks(&mut compressor, plaintext)? {
            LEVEL
        } else {
            FAST_LEVEL
        };
        compressor.set_compression_level(level)?;
        let frame = compressor.compress(plaintext)?;
        free().push(compressor);
        Ok(frame)
    }
}

/// Whether a sample from the middle gets at least a fiftieth shorter. Short frames always do: it
/// does not matter.
fn shrinks(compressor: &mut Compressor<'static>, plaintext: &[u8]) -> io::Result<bool> {
    if plaintext.len() < 8 * SAMPLE {
        return Ok(true);
    }
    compressor.set_compression_level(1)?;
    let mut coded = 0;
    // Three places: one may be a picture in a text, or a text among pictures.
    for part in 1..=3 {
        let from = plaintext.len() / 4 * part;
        coded += compressor.compress(&plaintext[from..from + SAMPLE])?.len();
    }
    Ok(coded < 3 * SAMPLE - 3 * SAMPLE / 50)
}
