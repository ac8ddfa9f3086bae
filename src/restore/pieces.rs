//! Stretches of stream on their way from the thread that reads a tape to one that writes.

use std::io::{self, Read};

use crossbeam_channel::{Receiver, Sender};

use crate::progress::Interrupt;

/// Bytes handed over at a time.
const CHUNK: usize = 1 << 20;
/// Pieces on their way at most.
pub(super) const DEPTH: usize = 16;

/// What is handed over.
#[derive(Debug)]
pub(super) enum Piece {
    /// A stretch begins.
    Begin(Begin),
    /// Its next bytes.
    Bytes(Vec<u8>),
    /// It is complete.
    End,
    /// No more of it can be read.
    Broken,
}

/// The beginning of a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    /// Which item it is.
    pub(super) item: usize,
    /// Which set it is of.
    pub(super) set: usize,
    /// Its stream offset.
    pub(super) start: u64,
    /// Where it ends if nothing goes wrong.
    pub(super) end: u64,
}

/// How copying a stretch ended when nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copied {
    /// All of it was handed over.
    All,
    /// Somebody asked to stop.
    Interrupted,
    /// Nobody listens any more.
    Unheard,
}

/// Hands over what is read up to the stream offset `end`; `at` moves on with it.
pub(super) fn hand_over(
    from: &mut dyn Read,
    at: &mut u64,
    end: u64,
    to: &Sender<Piece>,
    interrupt: &Interrupt,
) -> io::Result<Copied> {
    while *at < end {
        if interrupt.requested() {
            return Ok(Copied::Interrupted);
        }
        let wanted = usize::try_from(end - *at).unwrap_or(usize::MAX).min(CHUNK);
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        let mut failed = None;
        while filled < wanted && failed.is_none() {
            match from.read(&mut bytes[filled..]) {
                Ok(0) => failed = Some(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failed = Some(error),
            }
        }
        *at += filled as u64;
        bytes.truncate(filled);
        // What came before the failure is as good as any.
        if filled > 0 && to.send(Piece::Bytes(bytes)).is_err() {
            return Ok(Copied::Unheard);
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(Copied::All)
}

/// Reads one stretch after the other; the end of one is the end of the input until the next one is
/// begun.
#[derive(Debug)]
pub(super) struct StretchReader {
    pieces: Receiver<Piece>,
    bytes: Vec<u8>,
    used: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Broken,
}

/// What was left of a stretch when it was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing but zeros.
    Zeros,
    /// Something else.
    Bytes,
    /// It did not come whole.
    Broken,
}

impl StretchReader {
    pub(super) fn new(pieces: Receiver<Piece>) -> Self {
        Self {
            pieces,
            bytes: Vec::new(),
            used: 0,
            state: State::Ended,
        }
    }

    /// The next stretch; `None` after the last.
    pub(super) fn next_stretch(&mut self) -> Option<Begin> {
        for piece in &self.pieces {
            if let Piece::Begin(begin) = piece {
                self.state = State::Reading;
                self.bytes.clear();
                self.used = 0;
                return Some(begin);
            }
        }
        None
    }

    /// Skips what is left of a stretch.
    pub(super) fn finish(&mut self) -> Rest {
        let mut zeros = true;
        loop {
            zeros = zeros && self.bytes[self.used..].iter().all(|byte| *byte == 0);
            self.used = self.bytes.len();
            match self.state {
                State::Reading => self.receive(),
                State::Broken => return Rest::Broken,
                State::Ended if zeros => return Rest::Zeros,
                State::Ended => return Rest::Bytes,
            }
        }
    }

    fn receive(&mut self) {
        match self.pieces.recv() {
            Ok(Piece::Bytes(bytes)) => {
                self.bytes = bytes;
                self.used = 0;
            }
            Ok(Piece::End) => self.state = State::Ended,
            Ok(Piece::Broken | Piece::Begin(_)) | Err(_) => self.state = State::Broken,
        }
    }
}

impl Read for StretchReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.bytes.len() {
            match self.state {
                State::Reading => self.receive(),
                State::Ended => return Ok(0),
                State::Broken => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = buffer.len().min(self.bytes.len() - self.used);
        buffer[..count].copy_from_slice(&self.bytes[self.used..self.used + count]);
        self.used += count;
        Ok(count)
    }
}
