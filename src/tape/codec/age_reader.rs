//! Reading an age file's payload: as a stream by all cores, or from any chunk on.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::age_bounds::{CHUNK, STRIDE, STRIDE_BYTES};
use super::age_header::Opened;
use super::age_payload::{Chunks, ChunksEnd, PayloadKey, open_chunks, trailing, truncated};
use super::crew::{Crew, InOrder};

/// Chunks that one task decrypts: 1 MiB.
const CHUNKS_PER_TASK: usize = 16;

/// Plaintext of chunks, handed out piece by piece.
#[derive(Default)]
struct Served {
    plaintext: Vec<u8>,
    at: usize,
}

impl Served {
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let left = &self.plaintext[self.at..];
        let now = left.len().min(buffer.len());
        buffer[..now].copy_from_slice(&left[..now]);
        self.at += now;
        now
    }

    fn is_used_up(&self) -> bool {
        self.at >= self.plaintext.len()
    }
}

/// Fills a buffer as far as the input goes; with an error, what came before it is in the buffer.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// The whole payload from its first chunk on, decrypted by several threads. Reads ahead.
pub(super) struct PayloadStream<R> {
    input: R,
    key: Arc<PayloadKey>,
    next_chunk: u64,
    tasks: InOrder<Chunks>,
    served: Served,
    /// An error to be told when what came before it was read.
    failed: Option<io::Error>,
    /// An error of the input, to be told when all that was read ahead of it is used up.
    input_failed: Option<io::Error>,
    input_ended: bool,
    complete: bool,
}

impl<R: Read> PayloadStream<R> {
    /// `input` stands behind the header.
    pub(super) fn new(input: R, opened: Opened) -> Self {
        Self {
            input,
            key: Arc::new(opened.key),
            next_chunk: 0,
            tasks: InOrder::new(2 * Crew::shared().threads()),
            served: Served::default(),
            failed: None,
            input_failed: None,
            input_ended: false,
            complete: false,
        }
    }

    /// Keeps every thread busy.
    fn read_ahead(&mut self) {
        while !self.input_ended && self.tasks.len() < self.tasks.most() {
            let mut coded = vec![0; CHUNKS_PER_TASK * STRIDE_BYTES];
            let (mut read, outcome) = fill(&mut self.input, &mut coded);
            self.input_ended = read < coded.len();
            if let Err(error) = outcome {
                self.input_failed = Some(error);
                // A chunk is authentic as a whole or not at all.
                read -= read % STRIDE_BYTES;
            }
            if read == 0 {
                break;
            }
            coded.truncate(read);
            let (key, number) = (Arc::clone(&self.key), self.next_chunk);
            self.next_chunk += CHUNKS_PER_TASK as u64;
            self.tasks
                .push(Crew::shared().begin(move || open_chunks(&key, number, &coded)));
        }
    }

    fn fail(&mut self, error: io::Error) -> io::Error {
        // Asked again, there is still nothing.
        self.failed = Some(io::Error::new(error.kind(), error.to_string()));
        error
    }

    fn load(&mut self) -> io::Result<bool> {
        if let Some(error) = self.failed.take() {
            return Err(self.fail(error));
        }
        self.read_ahead();
        let Some(chunks) = self.tasks.take() else {
            if let Some(error) = self.input_failed.take() {
                return Err(self.fail(error));
            }
            return if self.complete {
                Ok(false)
            } else {
                Err(truncated())
            };
        };
        let Chunks { plaintext, end } = chunks?;
        if self.complete {
            self.failed = Some(trailing());
            return self.load();
        }
        match end {
            ChunksEnd::Open => {}
            ChunksEnd::Complete => self.complete = true,
            ChunksEnd::Damaged(error) => {
                self.failed = Some(error);
                self.tasks = InOrder::new(0);
                self.input_ended = true;
            }
        }
        self.served = Served { plaintext, at: 0 };
        Ok(true)
    }
}

impl<R: Read> Read for PayloadStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.served.is_used_up() {
            if !self.load()? {
                return Ok(0);
            }
        }
        Ok(self.served.read(buffer))
    }
}

/// The payload from any byte on, one chunk at a time: reads no chunk that is not needed.
pub(super) struct PayloadReader<R> {
    input: R,
    key: PayloadKey,
    /// Where the payload begins in the input.
    start: u64,
    next_chunk: u64,
    served: Served,
    /// Plaintext bytes to be left out of the next chunk.
    skip: usize,
    complete: bool,
}

impl<R: Read + Seek> PayloadReader<R> {
    /// `input` stands behind the header, which began at its position 0.
    pub(super) fn new(input: R, opened: Opened) -> Self {
        Self {
            input,
            key: opened.key,
            start: opened.length,
            next_chunk: 0,
            served: Served::default(),
            skip: 0,
            complete: false,
        }
    }

    /// Goes to a byte of the plaintext; what is there shows when it is read.
    pub(super) fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        let number = offset / CHUNK;
        let within = usize::try_from(offset % CHUNK).unwrap_or(usize::MAX);
        let loaded = self.served.plaintext.len();
        if loaded > 0 && number + 1 == self.next_chunk && within <= loaded {
            self.served.at = within;
            return Ok(());
        }
        self.served = Served::default();
        self.complete = false;
        self.input
            .seek(SeekFrom::Start(self.start + number * STRIDE))?;
        self.next_chunk = number;
        self.skip = within;
        Ok(())
    }

    fn load(&mut self) -> io::Result<bool> {
        let mut coded = vec![0; STRIDE_BYTES];
        let (read, outcome) = fill(&mut self.input, &mut coded);
        outcome?;
        if read == 0 {
            return if self.complete {
                Ok(false)
            } else {
                Err(truncated())
            };
        }
        if self.complete {
            return Err(trailing());
        }
        let Chunks { plaintext, end } = open_chunks(&self.key, self.next_chunk, &coded[..read]);
        match end {
            ChunksEnd::Open => {}
            ChunksEnd::Complete => self.complete = true,
            ChunksEnd::Damaged(error) => return Err(error),
        }
        self.next_chunk += 1;
        let at = std::mem::take(&mut self.skip).min(plaintext.len());
        self.served = Served { plaintext, at };
        Ok(true)
    }
}

impl<R: Read + Seek> Read for PayloadReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.served.is_used_up() {
            if !self.load()? {
                return Ok(0);
            }
        }
        Ok(self.served.read(buffer))
    }
}
