//! Plaintext in, coded bytes out, as a stream.

use std::io;

use bytes::Bytes;

use super::age_writer::AgeWriter;
use super::frame_writer::FrameWriter;
use super::{Codec, CodecError, FrameSize, FrameTable, age_bounds};
use crate::buffer::Stretch;
use crate::key::Recipient;

/// Takes coded bytes in order.
pub trait CodedOutput {
    /// The next bytes.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The next bytes, to be kept as long as they are needed.
    fn put_shared(&mut self, bytes: Bytes) -> io::Result<()> {
        self.put(&bytes)
    }
}

impl CodedOutput for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// How many bytes an encoder may hold at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(u64);

impl Window {
    /// 32 MiB keep all cores of a large machine busy.
    pub const DEFAULT: Self = Self(32 << 20);

    /// At most this many bytes, and no more than the default.
    #[must_use]
    pub fn at_most(bytes: u64) -> Self {
        Self(bytes.min(Self::DEFAULT.0))
    }

    /// In bytes, the largest frame or task apart.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Plaintext bytes that one task encrypts: whole chunks, an eighth of the window, 2 MiB at
    /// most.
    pub(super) fn task_bytes(self) -> usize {
        let share = usize::try_from(self.0 / 8).unwrap_or(usize::MAX);
        let chunks = (share / age_bounds::CHUNK_BYTES).clamp(1, 32);
        chunks * age_bounds::CHUNK_BYTES
    }

    /// How many tasks of this size may be under way.
    pub(super) fn tasks_of(self, bytes: usize) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX) / bytes
    }
}

/// Encodes one segment or index on all cores. Memory: the window, and twice as much for frames
/// with encryption.
pub struct Encoder<W: CodedOutput> {
    frames: Option<FrameWriter>,
    output: Output<W>,
    header_bound: u64,
    plaintext_length: u64,
    /// Bytes given to `output`, or held in `held`: compressed, not encrypted.
    inner_length: u64,
    /// Bytes that `output` gets together with what lies behind them, if that comes next.
    held: Option<Stretch>,
}

enum Output<W: CodedOutput> {
    Plain(W),
    Age(Box<AgeWriter<W>>),
}

impl<W: CodedOutput> Output<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.put(bytes),
            Self::Age(output) => output.put(bytes),
        }
    }

    fn put_shared(&mut self, bytes: Bytes) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.put_shared(bytes),
            Self::Age(output) => output.put_shared(bytes),
        }
    }
}

/// What [`Encoder::finish`] returns.
#[derive(Debug)]
pub struct Encoded<W> {
    /// The output, complete.
    pub output: W,
    /// Plaintext bytes encoded.
    pub plaintext_length: u64,
    /// Where the frames are, when there are any.
    pub frames: Option<FrameTable>,
}

impl<W: CodedOutput> std::fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("plaintext_length", &self.plaintext_length)
            .field("inner_length", &self.inner_length)
            .finish_non_exhaustive()
    }
}

impl<W: CodedOutput> Encoder<W> {
    /// Starts a file: with encryption, a new file key is made and the header is written.
    pub fn new(
        codec: Codec,
        recipients: &[Recipient],
        frame_size: FrameSize,
        window: Window,
        output: W,
    ) -> Result<Self, CodecError> {
        let output = if codec.is_age() {
            if recipients.is_empty() {
                return Err(CodecError::NoRecipient(codec));
            }
            Output::Age(Box::new(AgeWriter::new(recipients, window, output)?))
        } else {
            Output::Plain(output)
        };
        Ok(Self {
            frames: codec
                .is_compressed()
                .then(|| FrameWriter::new(frame_size, window)),
            header_bound: if codec.is_age() {
                age_bounds::header_bound(recipients.len())
            } else {
                0
            },
            output,
            plaintext_length: 0,
            inner_length: 0,
            held: None,
        })
    }

    /// Plaintext bytes taken so far.
    #[must_use]
    pub fn plaintext_length(&self) -> u64 {
        self.plaintext_length
    }

    /// The coded file is not longer than this if it is finished after `more` bytes of plaintext.
    /// What is being compressed counts as if it did not shrink, until [`Self::settle`].
    #[must_use]
    pub fn coded_bound(&self, more: u64) -> u64 {
        let inner = self.inner_length
            + match &self.frames {
                None => more,
                Some(frames) => frames.bound(more),
            };
        match self.output {
            Output::Plain(_) => inner,
            Output::Age(_) => self.header_bound + age_bounds::payload_length(inner),
        }
    }

    /// Waits for what is being compressed; true if anything was.
    pub fn settle(&mut self) -> Result<bool, CodecError> {
        let before = self.inner_length;
        while let Some(frame) = self.frames.as_mut().and_then(FrameWriter::take) {
            self.take_frame(frame?)?;
        }
        Ok(self.inner_length > before)
    }

    /// Encodes the next bytes.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), CodecError> {
        self.plaintext_length += bytes.len() as u64;
        self.put_held()?;
        let Some(frames) = &mut self.frames else {
            self.inner_length += bytes.len() as u64;
            return Ok(self.output.put(bytes)?);
        };
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(frames.room()));
            frames.push(now);
            bytes = later;
        }
        self.take_due_frames()
    }

    /// Encodes the next bytes, kept as long as they are needed.
    pub fn write_shared(&mut self, bytes: Bytes) -> Result<(), CodecError> {
        if self.frames.is_some() {
            return self.write(&bytes);
        }
        self.put_held()?;
        self.plaintext_length += bytes.len() as u64;
        self.inner_length += bytes.len() as u64;
        Ok(self.output.put_shared(bytes)?)
    }

    /// Encodes the next bytes, kept as long as they are needed. What lies behind each other in
    /// memory goes on as one.
    pub fn write_stretch(&mut self, stretch: Stretch) -> Result<(), CodecError> {
        if self.frames.is_some() {
            return self.write(&stretch.to_bytes());
        }
        self.plaintext_length += stretch.len() as u64;
        self.inner_length += stretch.len() as u64;
        if self.held.as_mut().is_some_and(|held| held.join(&stretch)) {
            return Ok(());
        }
        self.put_held()?;
        self.held = Some(stretch);
        Ok(())
    }

    fn put_held(&mut self) -> Result<(), CodecError> {
        match self.held.take() {
            Some(held) => Ok(self.output.put_shared(held.to_bytes())?),
            None => Ok(()),
        }
    }

    fn take_due_frames(&mut self) -> Result<(), CodecError> {
        while let Some(frame) = self.frames.as_mut().and_then(FrameWriter::take_due) {
            self.take_frame(frame?)?;
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: Vec<u8>) -> Result<(), CodecError> {
        self.inner_length += frame.len() as u64;
        Ok(self.output.put_shared(frame.into())?)
    }

    /// Writes what is pending and the end of the file.
    pub fn finish(mut self) -> Result<Encoded<W>, CodecError> {
        if let Some(frames) = &mut self.frames {
            frames.end();
        }
        self.put_held()?;
        self.settle()?;
        let plaintext_length = self.plaintext_length;
        Ok(Encoded {
            output: match self.output {
                Output::Plain(output) => output,
                Output::Age(output) => output.finish()?,
            },
            plaintext_length,
            frames: self.frames.map(|frames| frames.table(plaintext_length)),
        })
    }
}
