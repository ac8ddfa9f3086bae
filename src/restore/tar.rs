//! Members as a pax stream.

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::later::{Later, links};
use super::problems::ProblemList;
use super::request::Wanted;
use super::select::Range;
use super::sink::{Done, Member, Members, Sink, Sinks};
use super::writer::Counts;
use crate::archive::extract::is_safe;
use crate::archive::hash_zeros;
use crate::archive::header::MemberHeader;
use crate::archive::member::MemberKind;
use crate::archive::problem::ProblemKind;
use crate::error::{Context, Result};

/// Bytes of a tar block.
const BLOCK: u64 = 512;
/// Bytes of a record: what programs write at a time, and fill the end of an archive up to.
const RECORD: u64 = 10_240;

/// A stream that members go to.
pub(super) struct Tar<'a> {
    wanted: &'a [Wanted],
    /// Where hard links wait for the end.
    scratch: &'a Path,
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    bytes: u64,
}

impl std::fmt::Debug for Tar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tar").finish_non_exhaustive()
    }
}

impl Out {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.to
            .write_all(bytes)
            .context("cannot write the tar stream")
    }

    fn zeros(&mut self, mut count: u64) -> Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        while count > 0 {
            let now = count.min(ZEROS.len() as u64);
            self.write(&ZEROS[..usize::try_from(now).unwrap_or(0)])?;
            count -= now;
        }
        Ok(())
    }
}

impl<'a> Tar<'a> {
    pub(super) fn new(wanted: &'a [Wanted], scratch: &'a Path, to: Box<dyn Write + Send>) -> Self {
        Self {
            wanted,
            scratch,
            out: Mutex::new(Out { to, bytes: 0 }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn placed(&self, set: usize, path: &[u8], header: &MemberHeader) -> MemberHeader {
        let mut placed = header.clone();
        placed.path = self.wanted[set].place(path);
        if placed.kind == MemberKind::HardLink {
            placed.link = self.wanted[set].place(&header.link);
        }
        placed
    }

    /// Writes the hard links whose data is there, and the end of the archive.
    pub(super) fn finish(
        &self,
        lost: &[(usize, Range)],
        problems: &ProblemList,
        counts: &Counts,
    ) -> Result<()> {
        let mut out = self.lock();
        for list in links(self.scratch)? {
            for entry in list {
                let entry = entry?;
                let set = entry.set as usize;
                let path = &entry.header.path;
                let data = self.wanted[set]
                    .selection
                    .data_of(&self.wanted[set].index, path)?;
                let is_lost = |data| {
                    let mut lost = lost.iter();
                    lost.any(|(other, range)| {
                        *other == set && (range.start..range.end).contains(&data)
                    })
                };
                if data.is_none_or(is_lost) {
                    let path = self.wanted[set].show(path);
                    problems.add(format!("{path}: its data was not restored"));
                    continue;
                }
                out.write(&self.placed(set, path, &entry.header).to_bytes())?;
                counts
                    .restored
                    .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let end = (out.bytes + 2 * BLOCK).next_multiple_of(RECORD);
        let rest = end - out.bytes;
        out.zeros(rest)?;
        out.to.flush().context("cannot write the tar stream")
    }
}

impl Sinks for Tar<'_> {
    fn open(&self) -> Result<Box<dyn Sink + '_>> {
        Ok(Box::new(TarSink {
            tar: self,
            out: None,
            later: Later::new(self.scratch)?,
        }))
    }
}

struct TarSink<'a> {
    tar: &'a Tar<'a>,
    out: Option<MutexGuard<'a, Out>>,
    later: Later,
}

impl Sink for TarSink<'_> {
    fn begin_stretch(&mut self) -> Result<()> {
        self.out = Some(self.tar.lock());
        Ok(())
    }

    fn member(
        &mut self,
        member: &Member<'_>,
        reader: &mut Members<'_>,
        problems: &ProblemList,
    ) -> Result<Done> {
        let Some(out) = &mut self.out else {
            return Ok(Done::NotRestored);
        };
        let header = member.header;
        let link_is_safe = header.kind != MemberKind::HardLink || is_safe(&header.link);
        if !is_safe(member.path) || !link_is_safe {
            let path = self.tar.wanted[member.set].show(member.path);
            problems.add(format!("{path}: {}", ProblemKind::UnsafeName));
            return Ok(Done::NotRestored);
        }
        if header.kind == MemberKind::HardLink {
            let mut placed = header.clone();
            placed.path = member.path.to_vec();
            self.later.link(member.set, member.at, &placed)?;
            return Ok(Done::Later);
        }
        out.write(&self.tar.placed(member.set, member.path, header).to_bytes())?;
        if header.kind != MemberKind::File {
            return Ok(Done::Restored);
        }
        let (done, written) = copy(member, reader, &mut |bytes| out.write(bytes))?;
        // A header says how much follows it, whatever can be read.
        let stored = header.stored_size();
        out.zeros(stored - written + stored.wrapping_neg() % BLOCK)?;
        Ok(done)
    }

    fn end_stretch(&mut self) {
        self.out = None;
    }

    fn save(&mut self, _done: &[(usize, Range)]) -> Result<()> {
        self.later.save()
    }
}

/// Reads a file's data, hands it on and compares it; how many bytes were handed on.
fn copy(
    member: &Member<'_>,
    reader: &mut Members<'_>,
    to: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<(Done, u64)> {
    let mut hasher = member.digest.map(|_| blake3::Hasher::new());
    let (mut logical, mut written) = (0, 0);
    loop {
        let chunk = match reader.next_data() {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(_) => return Ok((Done::CutShort, written)),
        };
        if let Some(hasher) = &mut hasher {
            hash_zeros(hasher, chunk.offset - logical);
            hasher.update(chunk.bytes);
        }
        logical = chunk.offset + chunk.bytes.len() as u64;
        to(chunk.bytes)?;
        written += chunk.bytes.len() as u64;
    }
    if let Some(mut hasher) = hasher {
        hash_zeros(&mut hasher, member.header.size.saturating_sub(logical));
        if member.digest != Some(*hasher.finalize().as_bytes()) {
            return Ok((Done::Damaged, written));
        }
    }
    Ok((Done::Restored, written))
}

/// Members nowhere: everything is read, and its digests are compared.
#[derive(Debug)]
pub(super) struct Nowhere;

impl Sinks for Nowhere {
    fn open(&self) -> Result<Box<dyn Sink + '_>> {
        Ok(Box::new(Self))
    }
}

impl Sink for Nowhere {
    fn member(
        &mut self,
        member: &Member<'_>,
        reader: &mut Members<'_>,
        _problems: &ProblemList,
    ) -> Result<Done> {
        if member.header.kind != MemberKind::File {
            return Ok(Done::Restored);
        }
        copy(member, reader, &mut |_| Ok(())).map(|(done, _)| done)
    }

    fn save(&mut self, _done: &[(usize, Range)]) -> Result<()> {
        Ok(())
    }
}
