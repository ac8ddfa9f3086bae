//! What a command wrote, as it was, to a file or standard output.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::problems::ProblemList;
use super::select::Range;
use super::sink::{Done, Member, Members, Sink, Sinks};
use crate::error::{Context, Result};

/// Takes one member without anything around it.
pub(super) struct Raw {
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    /// Bytes handed on: they cannot be taken back, so another copy goes on behind them.
    written: u64,
    hasher: blake3::Hasher,
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}

impl Raw {
    pub(super) fn new(to: Box<dyn Write + Send>) -> Self {
        Self {
            out: Mutex::new(Out {
                to,
                written: 0,
                hasher: blake3::Hasher::new(),
            }),
        }
    }

    /// Nothing stays behind in a buffer.
    pub(super) fn finish(&self) -> Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.to.flush().context("cannot write the stream")
    }
}

impl Sinks for Raw {
    fn open(&self) -> Result<Box<dyn Sink + '_>> {
        Ok(Box::new(self))
    }
}

impl Sink for &Raw {
    fn member(
        &mut self,
        member: &Member<'_>,
        reader: &mut Members<'_>,
        _problems: &ProblemList,
    ) -> Result<Done> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let out = &mut *out;
        loop {
            let chunk = match reader.next_data() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(_) => return Ok(Done::CutShort),
            };
            let known = out.written.saturating_sub(chunk.offset);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            let fresh = chunk.bytes.get(known..).unwrap_or_default();
            out.to.write_all(fresh).context("cannot write the stream")?;
            out.hasher.update(fresh);
            out.written += fresh.len() as u64;
        }
        // Over what was handed on, from whatever copies.
        let is_whole = out.written == member.header.size
            && member
                .digest
                .is_none_or(|digest| digest == *out.hasher.finalize().as_bytes());
        Ok(if is_whole {
            Done::Restored
        } else {
            Done::Damaged
        })
    }

    fn save(&mut self, _done: &[(usize, Range)]) -> Result<()> {
        Ok(())
    }
}
