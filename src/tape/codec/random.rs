//! Plaintext from any offset on, reading only the coded bytes it takes.

use std::io::{self, Read, Seek, SeekFrom};

use zstd::bulk::Decompressor;

use super::decoder::decrypt;
use super::frames::Frame;
use super::{Codec, CodecError, FrameTable, age_bounds};
use crate::key::Identities;

/// The plaintext of a segment as a seekable stream over its coded bytes.
///
/// With compression, one frame is read and kept for each visit; with encryption, the file's
/// header and whole chunks of 64 KiB. Seeking relative to the end needs the plaintext's length,
/// which the caller gives.
pub struct PlaintextReader<R: Read + Seek> {
    inner: Inner<R>,
    frames: Option<Frames>,
    length: u64,
    position: u64,
}

enum Inner<R: Read + Seek> {
    Plain(R),
    Age(Box<age::stream::StreamReader<R>>),
}

struct Frames {
    table: FrameTable,
    decompressor: Decompressor<'static>,
    current: Option<Frame>,
    plaintext: Vec<u8>,
}

impl<R: Read + Seek> std::fmt::Debug for PlaintextReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlaintextReader")
            .field("length", &self.length)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl<R: Read + Seek> PlaintextReader<R> {
    /// Opens coded bytes that start at the reader's position 0. `frames` is needed with
    /// compression only, `identities` with encryption only.
    pub fn open(
        mut coded: R,
        codec: Codec,
        length: u64,
        frames: Option<FrameTable>,
        identities: &Identities,
    ) -> Result<Self, CodecError> {
        let frames = match (codec.is_compressed(), frames) {
            (false, _) => None,
            (true, None) => {
                return Err(CodecError::FrameTable(format!(
                    "there is none, and the codec is {codec}"
                )));
            }
            (true, Some(table)) => {
                table.check()?;
                Some(Frames {
                    table,
                    decompressor: Decompressor::new()?,
                    current: None,
                    plaintext: Vec::new(),
                })
            }
        };
        coded.seek(SeekFrom::Start(0))?;
        Ok(Self {
            inner: if codec.is_encrypted() {
                Inner::Age(Box::new(decrypt(coded, identities)?))
            } else {
                Inner::Plain(coded)
            },
            frames,
            length,
            position: 0,
        })
    }

    /// Plaintext bytes in all.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl<R: Read + Seek> Inner<R> {
    fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        match self {
            Self::Plain(coded) => coded.seek(SeekFrom::Start(offset)).map(drop),
            Self::Age(reader) => {
                // Seeking to the first byte of a chunk makes the reader look for the file's
                // last chunk: on tape, a long way. The byte before spares it that, unless its
                // chunk cannot be read.
                if offset > 0 && offset.is_multiple_of(age_bounds::CHUNK) {
                    let before = reader
                        .seek(SeekFrom::Start(offset - 1))
                        .and_then(|_| reader.read_exact(&mut [0]));
                    if before.is_ok() {
                        return Ok(());
                    }
                }
                reader.seek(SeekFrom::Start(offset)).map(drop)
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(coded) => coded.read(buffer),
            Self::Age(reader) => reader.read(buffer),
        }
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Plain(coded) => coded.read_exact(buffer),
            Self::Age(reader) => reader.read_exact(buffer),
        }
    }
}

impl Frames {
    /// Makes the frame with this plaintext byte the current one.
    fn load<R: Read + Seek>(&mut self, inner: &mut Inner<R>, position: u64) -> io::Result<()> {
        let Some(frame) = self.table.frame_at(position) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if self.current == Some(frame) {
            return Ok(());
        }
        let follows = self
            .current
            .is_some_and(|current| current.offset + u64::from(current.length) == frame.offset);
        self.current = None;
        if !follows {
            inner.seek_to(frame.offset)?;
        }
        let mut compressed = vec![0; frame.length as usize];
        inner.read_exact(&mut compressed)?;
        self.plaintext = self.decompressor.decompress(&compressed, frame.plaintext)?;
        if self.plaintext.len() != frame.plaintext {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "the zstd frame at {} has {} bytes, the frame table says {}",
                    frame.offset,
                    self.plaintext.len(),
                    frame.plaintext
                ),
            ));
        }
        self.current = Some(frame);
        Ok(())
    }
}

impl<R: Read + Seek> Read for PlaintextReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = match &mut self.frames {
            None => self.inner.read(&mut buffer[..wanted])?,
            Some(frames) => {
                frames.load(&mut self.inner, self.position)?;
                let start = frames.current.map_or(0, |frame| frame.start);
                let from = usize::try_from(self.position - start).unwrap_or(usize::MAX);
                let available = frames.plaintext.get(from..).unwrap_or_default();
                let now = wanted.min(available.len());
                buffer[..now].copy_from_slice(&available[..now]);
                now
            }
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl<R: Read + Seek> Seek for PlaintextReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.length.checked_add_signed(delta),
        };
        let Some(target) = target else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "cannot seek before the start",
            ));
        };
        // Frames are found when they are read.
        if self.frames.is_none() && target != self.position && target < self.length {
            self.inner.seek_to(target)?;
        }
        self.position = target;
        Ok(target)
    }
}
