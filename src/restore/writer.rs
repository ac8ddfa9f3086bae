//! From stretches of tar stream to whoever keeps the members, each compared with the index.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::pieces::{Begin, Rest, StretchReader};
use super::problems::ProblemList;
use super::request::Wanted;
use super::select::{Found, Range, Targets};
use super::sink::{Done, Member, Sink, Sinks};
use crate::app::App;
use crate::archive::header::MemberHeader;
use crate::archive::member::{FileTime, IndexEntry, MemberKind, MemberState};
use crate::archive::reader::ArchiveReader;
use crate::error::Result;
use crate::progress::Event;

/// How often what is done is made to outlast a power cut.
const CHECKPOINT: Duration = Duration::from_secs(30);
/// Stretches done between two of those at most.
const UNSAVED: usize = 4096;

/// What came of a stretch.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) item: usize,
    /// Every member before this stream offset was dealt with.
    pub(super) upto: u64,
    /// Members among those that are not what was written.
    pub(super) damaged: Vec<Range>,
    /// Whether all of it was handed over.
    pub(super) came: bool,
}

/// Counts of a restore.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) restored: AtomicU64,
    pub(super) kept: AtomicU64,
    /// Bytes of stream dealt with.
    pub(super) bytes: AtomicU64,
}

/// Takes stretches; one for all threads.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) app: &'a App,
    pub(super) wanted: &'a [Wanted],
    pub(super) sinks: &'a dyn Sinks,
    pub(super) problems: &'a ProblemList,
    pub(super) counts: &'a Counts,
    /// Bytes of stream in all.
    pub(super) total: u64,
    pub(super) finished: Mutex<Vec<Finished>>,
}

/// The name of the progress line.
pub(super) const TASK: &str = "restoring";

impl Writer<'_> {
    /// Writes one stretch after the other until no more come.
    ///
    /// # Errors
    /// What keeps anything from being written at all.
    pub(super) fn run(&self, mut source: StretchReader) -> Result<()> {
        let mut targets: Vec<Targets<'_>> = self
            .wanted
            .iter()
            .map(|wanted| Targets::new(&wanted.selection, &wanted.index))
            .collect();
        let mut sink: Option<Box<dyn Sink + '_>> = None;
        let mut unsaved = Vec::new();
        let mut saved = self.app.clock.monotonic();
        while let Some(begin) = source.next_stretch() {
            let sink = match &mut sink {
                Some(sink) => sink,
                none => none.insert(self.sinks.open()?),
            };
            sink.begin_stretch()?;
            let targets = &mut targets[begin.set];
            let finished = self.stretch(begin, &mut source, targets, &mut **sink)?;
            sink.end_stretch();
            let mut start = begin.start;
            for damaged in &finished.damaged {
                unsaved.push((
                    begin.set,
                    Range {
                        start,
                        end: damaged.start,
                    },
                ));
                start = damaged.end;
            }
            unsaved.push((
                begin.set,
                Range {
                    start,
                    end: finished.upto,
                },
            ));
            self.finished
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(finished);
            let now = self.app.clock.monotonic();
            if now.saturating_sub(saved) >= CHECKPOINT || unsaved.len() >= UNSAVED {
                sink.save(&unsaved)?;
                unsaved.clear();
                saved = now;
            }
        }
        if let Some(mut sink) = sink {
            sink.save(&unsaved)?;
        }
        Ok(())
    }

    /// Writes the members of one stretch.
    fn stretch(
        &self,
        begin: Begin,
        source: &mut StretchReader,
        targets: &mut Targets<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Finished> {
        let wanted = &self.wanted[begin.set];
        let mut finished = Finished {
            item: begin.item,
            upto: begin.start,
            damaged: Vec::new(),
            came: false,
        };
        // Where a member begins that is not what was written; it ends where the next one begins.
        let mut odd: Option<u64> = None;
        let mut reader = match &wanted.stream {
            None => ArchiveReader::new(&mut *source),
            Some(header) => ArchiveReader::of_one(&mut *source, header.clone()),
        };
        let mut told = begin.start;
        let ended = loop {
            if !skip_rest(&mut reader) {
                break false;
            }
            let at = begin.start + reader.offset();
            self.progress(at - told);
            told = at;
            finished.upto = at;
            finished
                .damaged
                .extend(odd.take().map(|start| Range { start, end: at }));
            let mut header = match reader.next_member() {
                Ok(Some(header)) => header,
                Ok(None) => break true,
                Err(_) => break false,
            };
            let read = Attributes::of(&header);
            let target = match targets.find(&mut header, at)? {
                Found::NotAskedFor => continue,
                Found::Wanted(target) if read.agree(target.entry.as_ref()) => target,
                Found::Wanted(_) | Found::Unknown => {
                    odd = Some(at);
                    continue;
                }
            };
            let entry = target.entry.as_ref();
            let member = Member {
                set: begin.set,
                at,
                path: &target.path,
                header: &header,
                digest: entry.and_then(|entry| entry.digest),
            };
            match sink.member(&member, &mut reader, self.problems)? {
                Done::Restored => {
                    self.counts.restored.fetch_add(1, Ordering::Relaxed);
                    if let Some(flaw) = entry.and_then(|entry| flaw(entry.state)) {
                        self.problems
                            .add(format!("{}: {flaw}", wanted.show(&target.path)));
                    }
                }
                Done::Kept => {
                    self.counts.kept.fetch_add(1, Ordering::Relaxed);
                }
                Done::Later | Done::NotRestored => {}
                Done::Damaged => {
                    odd = Some(at);
                    continue;
                }
                Done::CutShort => break false,
            }
            // Nothing but padding can be lacking of it now.
            finished.upto = at + entry.map_or(0, |entry| entry.length);
        };
        drop(reader);
        // An archive ends with zeros, and nothing else.
        let rest = source.finish();
        finished.came = rest != Rest::Broken;
        if rest == Rest::Zeros && ended {
            finished.upto = begin.end;
        }
        match odd {
            Some(start) if ended => finished.damaged.push(Range {
                start,
                end: finished.upto,
            }),
            Some(start) => finished.upto = start,
            None => {}
        }
        Ok(finished)
    }

    fn progress(&self, more: u64) {
        let bytes = self.counts.bytes.fetch_add(more, Ordering::Relaxed) + more;
        self.app.watcher.event(Event::Progress {
            task: TASK.to_owned(),
            bytes,
            total: Some(self.total),
            files: self.counts.restored.load(Ordering::Relaxed),
        });
    }
}

/// Reads past what is left of a member; false when it ends too early.
fn skip_rest<R: Read>(reader: &mut ArchiveReader<R>) -> bool {
    loop {
        match reader.next_data() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// What a header and its row of the index both say.
struct Attributes {
    kind: MemberKind,
    size: u64,
    modified: FileTime,
    mode: u32,
    owner: (u32, u32),
}

impl Attributes {
    fn of(header: &MemberHeader) -> Self {
        Self {
            kind: header.kind,
            size: header.size,
            modified: header.modified,
            mode: header.mode & 0o7777,
            owner: (header.uid, header.gid),
        }
    }

    fn agree(&self, entry: Option<&IndexEntry>) -> bool {
        entry.is_none_or(|entry| {
            self.kind == entry.kind
                && (self.kind != MemberKind::File || self.size == entry.size)
                && self.modified == entry.modified
                && self.mode == entry.mode
                && self.owner == (entry.uid, entry.gid)
        })
    }
}

/// What is wrong with a member on tape already.
fn flaw(state: MemberState) -> Option<&'static str> {
    match state {
        MemberState::Intact => None,
        MemberState::Changed => Some("it changed while it was backed up; this is what was read"),
        MemberState::Superseded => Some("only its beginning was backed up; the rest is zeros"),
    }
}
