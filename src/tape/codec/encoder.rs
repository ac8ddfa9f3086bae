//! Plaintext in, coded bytes out, as a stream.

use std::io::Write;

use age::stream::StreamWriter;
use zstd::bulk::Compressor;

use super::{Codec, CodecError, FrameSize, FrameTable, age_bounds};
use crate::key::Recipient;

/// Compression level: the default of the zstd program.
const LEVEL: i32 = 3;

/// Encodes one segment or index. Memory: two frames.
pub struct Encoder<W: Write> {
    frames: Option<FrameWriter>,
    output: Output<W>,
    header_bound: u64,
    plaintext_length: u64,
    /// Bytes given to `output`: compressed, not encrypted.
    inner_length: u64,
}

enum Output<W: Write> {
    Plain(W),
    Age(Box<StreamWriter<W>>),
}

impl<W: Write> Output<W> {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(output) => output.write_all(bytes),
            Self::Age(output) => output.write_all(bytes),
        }
    }
}

struct FrameWriter {
    size: FrameSize,
    compressor: Compressor<'static>,
    pending: Vec<u8>,
    compressed: Vec<u8>,
    lengths: Vec<u32>,
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

impl<W: Write> std::fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("plaintext_length", &self.plaintext_length)
            .field("inner_length", &self.inner_length)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Encoder<W> {
    /// Starts a file: with encryption, a new file key is made and the header is written.
    pub fn new(
        codec: Codec,
        recipients: &[Recipient],
        frame_size: FrameSize,
        output: W,
    ) -> Result<Self, CodecError> {
        let output = if codec.is_age() {
            if recipients.is_empty() {
                return Err(CodecError::NoRecipient(codec));
            }
            let all = recipients
                .iter()
                .map(|recipient| recipient.as_age() as &dyn age::Recipient);
            let encryptor = age::Encryptor::with_recipients(all).map_err(CodecError::Encrypt)?;
            Output::Age(Box::new(encryptor.wrap_output(output)?))
        } else {
            Output::Plain(output)
        };
        Ok(Self {
            frames: codec
                .is_compressed()
                .then(|| FrameWriter::new(frame_size))
                .transpose()?,
            header_bound: if codec.is_age() {
                age_bounds::header_bound(recipients.len())
            } else {
                0
            },
            output,
            plaintext_length: 0,
            inner_length: 0,
        })
    }

    /// Plaintext bytes taken so far.
    #[must_use]
    pub fn plaintext_length(&self) -> u64 {
        self.plaintext_length
    }

    /// The coded file is not longer than this if it is finished after `more` bytes of plaintext.
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

    /// Encodes the next bytes.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), CodecError> {
        self.plaintext_length += bytes.len() as u64;
        let Some(frames) = &mut self.frames else {
            self.inner_length += bytes.len() as u64;
            return Ok(self.output.write_all(bytes)?);
        };
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(frames.room()));
            frames.pending.extend_from_slice(now);
            bytes = later;
            if frames.room() == 0 {
                self.inner_length += frames.flush(&mut self.output)?;
            }
        }
        Ok(())
    }

    /// Writes what is pending and the end of the file.
    pub fn finish(mut self) -> Result<Encoded<W>, CodecError> {
        let plaintext_length = self.plaintext_length;
        let frames = match self.frames.take() {
            None => None,
            Some(mut frames) => {
                if !frames.pending.is_empty() {
                    frames.flush(&mut self.output)?;
                }
                Some(FrameTable {
                    frame_size: frames.size,
                    plaintext_length,
                    lengths: frames.lengths,
                })
            }
        };
        Ok(Encoded {
            output: match self.output {
                Output::Plain(output) => output,
                Output::Age(output) => output.finish()?,
            },
            plaintext_length,
            frames,
        })
    }
}

impl FrameWriter {
    fn new(size: FrameSize) -> Result<Self, CodecError> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        compressor.include_contentsize(true)?;
        Ok(Self {
            size,
            compressor,
            pending: Vec::with_capacity(size.bytes()),
            compressed: Vec::new(),
            lengths: Vec::new(),
        })
    }

    fn room(&self) -> usize {
        self.size.bytes() - self.pending.len()
    }

    /// Compressed bytes for what is pending and `more` bytes, at most.
    fn bound(&self, more: u64) -> u64 {
        let plaintext = self.pending.len() as u64 + more;
        let whole = plaintext.div_ceil(self.size.bytes() as u64).max(1);
        whole
            * zstd_bound(
                self.size
                    .bytes()
                    .min(usize::try_from(plaintext).unwrap_or(usize::MAX)),
            )
    }

    /// Compresses what is pending as one frame; returns its length.
    fn flush<W: Write>(&mut self, output: &mut Output<W>) -> Result<u64, CodecError> {
        self.compressed.clear();
        self.compressed
            .reserve(zstd::zstd_safe::compress_bound(self.pending.len()));
        let length = self
            .compressor
            .compress_to_buffer(&self.pending, &mut self.compressed)?;
        output.write_all(&self.compressed)?;
        self.pending.clear();
        let length = u32::try_from(length)
            .map_err(|_| CodecError::FrameTable("a frame is longer than 4 GiB".to_owned()))?;
        self.lengths.push(length);
        Ok(u64::from(length))
    }
}

fn zstd_bound(plaintext: usize) -> u64 {
    zstd::zstd_safe::compress_bound(plaintext) as u64
}
