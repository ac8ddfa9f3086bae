//! Writing a tree as a tar stream, from the start or from where an earlier session stopped.

mod copy;
mod resume;

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use nix::sys::stat::FileStat;

use super::ahead::{
    Batches, Entry, Gathered, Item, OpenedFile, Prepared, ReadMember, Readers, Reading, failed,
    prepare_entry, scan,
};
use super::block::{BLOCK, padding};
use super::descent::Descent;
use super::gather::{Place, gather, identity, kind_of};
use super::header::MemberHeader;
use super::links::{EarlierMembers, LinkTable, has_other_names};
use super::member::{
    IndexEntry, MemberAddress, MemberKind, MemberSink, MemberStart, MemberState, ResumePoint,
    SegmentNumber, StreamPhase,
};
use super::order::walk_order;
use super::owner::OwnerNames;
use super::problem::{ArchiveError, Problem, ProblemKind, Severity};
use super::scan::SourceTree;
use crate::clock::SharedClock;

pub use self::copy::{FileReader, PlainFiles};

/// How often to look at the clock while nothing comes from the source.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Zeros handed to the sink at a time.
const CHUNK: usize = 256 * 1024;

/// The archive's length is a multiple of this: 20 blocks, tar's usual record.
const RECORD: u64 = 20 * BLOCK as u64;

static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Path being written.
    pub path: &'a [u8],
    /// Members completed in this session.
    pub members: u64,
    /// Bytes of the tar stream, earlier sessions included.
    pub stream_offset: u64,
}

/// What a session wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Members completed in this session.
    pub members: u64,
    /// Regular files among them, later names of hard links not counted.
    pub files: u64,
    /// Logical bytes of those files.
    pub file_bytes: u64,
    /// Members that changed while they were read.
    pub changed: u64,
    /// Members filled with zeros after a change between sessions or a read error.
    pub superseded: u64,
    /// Problems that mean loss; notes are not counted.
    pub losses: u64,
    /// Bytes of the whole tar stream, earlier sessions and end-of-archive blocks included.
    pub stream_length: u64,
}

/// Writes a tree into a sink. See [`TreeWriter::run`].
///
/// # Errors
/// As [`TreeWriter::run`].
pub fn write_tree(
    source: &SourceTree,
    resume: &ResumePoint,
    earlier: &dyn EarlierMembers,
    sink: &mut dyn MemberSink,
    problems: &mut dyn FnMut(Problem),
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Summary, ArchiveError> {
    TreeWriter {
        source,
        earlier,
        files: &PlainFiles,
        patience: None,
        sink,
        problems,
        progress,
    }
    .run(resume)
}

/// After how long without anything from the source the sink is told ([`MemberSink::pause`]).
#[derive(Debug, Clone)]
pub struct Patience {
    /// Tells how long it takes.
    pub clock: SharedClock,
    /// As long as that.
    pub longest: Duration,
}

/// Everything a session needs.
#[allow(missing_debug_implementations)] // made of trait objects
pub struct TreeWriter<'a> {
    /// What to write.
    pub source: &'a SourceTree,
    /// What earlier sessions of the same set wrote.
    pub earlier: &'a dyn EarlierMembers,
    /// How files are read, by several threads.
    pub files: &'a dyn FileReader,
    /// How long the sink waits for the source; none: as long as it takes.
    pub patience: Option<&'a Patience>,
    /// Where the stream goes.
    pub sink: &'a mut dyn MemberSink,
    /// Told of everything that could not be read; the rest goes on.
    pub problems: &'a mut dyn FnMut(Problem),
    /// Told every MiB and after every member.
    pub progress: &'a mut dyn FnMut(&Progress<'_>),
}

impl TreeWriter<'_> {
    /// Writes the whole tree, or what is left of it after `resume`, and the end of the archive.
    ///
    /// The stream goes on exactly at `resume.stream_offset`. A member that was cut is completed:
    /// from the source if that is unchanged, else with zeros, and then it is written whole again.
    ///
    /// # Errors
    /// [`ArchiveError::Sink`] when the sink gives up, [`ArchiveError::Root`] when the root cannot
    /// be used. Whatever else goes wrong is a [`Problem`] of one path.
    pub fn run(self, resume: &ResumePoint) -> Result<Summary, ArchiveError> {
        let descent = self.source.descent()?;
        std::thread::scope(|scope| {
            let readers = Readers::start(scope, self.files).map_err(|error| self.stopped(error))?;
            let mut session = Session {
                writer: self,
                readers,
                descent,
                names: OwnerNames::default(),
                links: LinkTable::default(),
                offset: resume.stream_offset,
                already: 0,
                completed: None,
                summary: Summary::default(),
            };
            if resume.phase == StreamPhase::Members {
                let done = match &resume.partial {
                    Some(partial) => session.complete(partial)?,
                    None => false,
                };
                let last = match &resume.partial {
                    Some(partial) if done => Some(&partial.start.path),
                    _ => resume.last_path.as_ref(),
                };
                let source = session.writer.source;
                let batches = scan(scope, source, &session.readers, last.cloned())?;
                session.write_members(batches, last.map(Vec::as_slice))?;
            }
            session.end_archive()?;
            session.summary.stream_length = session.offset;
            Ok(session.summary)
        })
    }

    /// A thread of ours cannot go on.
    fn stopped(&self, error: io::Error) -> ArchiveError {
        ArchiveError::Root {
            path: self.source.path().to_owned(),
            source: error,
        }
    }
}

struct Session<'a> {
    writer: TreeWriter<'a>,
    readers: Readers,
    /// For finding the member that was cut; the walk has its own.
    descent: Descent,
    names: OwnerNames,
    links: LinkTable,
    offset: u64,
    /// Bytes of the current member that an earlier session wrote already: made again for the
    /// digest, not written again.
    already: u64,
    /// The member this session completed for an earlier one; no index has it yet.
    completed: Option<IndexEntry>,
    summary: Summary,
}

impl Session<'_> {
    fn write_members(&mut self, batches: Batches, last: Option<&[u8]>) -> Result<(), ArchiveError> {
        let mut passed = last;
        let Batches(batches) = batches;
        while let Some(batch) = self.wait_for(&batches)? {
            let Some(items) = self.wait_for(&batch)? else {
                return Err(self.writer.stopped(failed()));
            };
            for item in items {
                self.write_item(item, &mut passed)?;
            }
        }
        Ok(())
    }

    /// Writes what the walk met, unless that is in the stream already: up to `passed`.
    fn write_item(&mut self, item: Item, passed: &mut Option<&[u8]>) -> Result<(), ArchiveError> {
        let entry = match item {
            Item::Entry(entry) => *entry,
            Item::Problem(problem) => {
                // What was passed was reported by the session that met it first.
                if passed.is_none_or(|last| walk_order(&problem.path, last).is_gt()) {
                    self.report(problem);
                }
                return Ok(());
            }
        };
        if let Some(last) = *passed {
            let order = walk_order(&entry.path, last);
            let status = entry.status.as_ref();
            if order.is_lt() || (order.is_eq() && !self.became_directory(last, status)) {
                self.pass(&entry.path, status);
                return Ok(());
            }
            *passed = None;
        }
        self.write_entry(entry)
    }

    /// Waits for a reader; none if it is gone. The sink is told once when the source gives nothing
    /// for so long that drives should not wait for it.
    fn wait_for<T>(&mut self, reader: &Receiver<T>) -> Result<Option<T>, ArchiveError> {
        let Some(patience) = self.writer.patience else {
            return Ok(reader.recv().ok());
        };
        let mut since = None;
        let mut told = false;
        loop {
            match reader.recv_timeout(LOOK_AGAIN) {
                Ok(read) => return Ok(Some(read)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = patience.clock.monotonic();
            let waited = now.saturating_sub(*since.get_or_insert(now));
            if waited >= patience.longest && !told {
                self.writer.sink.pause()?;
                told = true;
            }
        }
    }

    /// Goes past what is in the stream already.
    fn pass(&mut self, path: &[u8], status: Option<&FileStat>) {
        let Some(status) = status else {
            return;
        };
        let lookup = || self.earlier_entry(path);
        let entry = has_other_names(status).then(lookup).flatten();
        self.links.passed(path, status, entry.as_ref());
    }

    /// Whether the path the stream stopped after is a directory now and was not: what is in it
    /// follows, so it must be written first.
    fn became_directory(&self, path: &[u8], status: Option<&FileStat>) -> bool {
        status.and_then(kind_of) == Some(MemberKind::Directory)
            && self
                .earlier_entry(path)
                .is_none_or(|entry| entry.kind != MemberKind::Directory)
    }

    fn earlier_entry(&self, path: &[u8]) -> Option<IndexEntry> {
        match &self.completed {
            Some(entry) if entry.path == path => Some(entry.clone()),
            _ => self.writer.earlier.lookup(path),
        }
    }

    fn write_entry(&mut self, mut entry: Entry) -> Result<(), ArchiveError> {
        if let Some(status) = &entry.status {
            if kind_of(status).is_none() {
                self.report_kind(&entry.path, ProblemKind::Socket);
                return Ok(());
            }
            if let Some(first) = self.links.first_name(status) {
                return self.write_hard_link(entry.place(), status, first.path, first.address);
            }
        }
        if matches!(entry.prepared, Prepared::Nothing) {
            entry.prepared = prepare_entry(&entry, &mut self.names);
        }
        match entry.prepared {
            Prepared::Plain(gathered) => {
                if let (Some(header), Some(status)) = (self.found(gathered), &entry.status) {
                    let address = self.write_plain(header, status, None)?;
                    self.links.written(&entry.path, status, address);
                }
            }
            Prepared::Member(gathered) => {
                if let (Some(member), Some(status)) = (self.found(gathered), &entry.status) {
                    let address = self.write_member(*member)?;
                    self.links.written(&entry.path, status, address);
                }
            }
            Prepared::File(gathered) => {
                if let Some(opened) = self.found(gathered) {
                    self.write_file(&entry.path, *opened)?;
                }
            }
            Prepared::Nothing | Prepared::Wanted => {}
        }
        Ok(())
    }

    /// Reports what could not be read.
    fn found<T>(&mut self, gathered: Gathered<T>) -> Option<T> {
        for problem in gathered.losses {
            self.summary.losses += 1;
            (self.writer.problems)(problem);
        }
        gathered.found.map_err(|problem| self.report(problem)).ok()
    }

    fn write_hard_link(
        &mut self,
        place: Place<'_>,
        status: &FileStat,
        first: Vec<u8>,
        address: MemberAddress,
    ) -> Result<(), ArchiveError> {
        // Everything but the name is the first one's; readers take it from there.
        match self.gather(place, MemberKind::HardLink, status) {
            Ok(mut header) => {
                header.link = first;
                self.write_plain(header, status, Some(address))?;
            }
            Err(problem) => self.report(problem),
        }
        Ok(())
    }

    fn write_plain(
        &mut self,
        header: MemberHeader,
        status: &FileStat,
        link: Option<MemberAddress>,
    ) -> Result<MemberAddress, ArchiveError> {
        let start = member_start(header, status, link);
        let address = self.writer.sink.begin(&start)?;
        self.emit(&start.headers)?;
        self.end(start, address, MemberState::Intact, None)?;
        Ok(address)
    }

    /// Writes a file that was read whole.
    fn write_member(&mut self, member: ReadMember) -> Result<MemberAddress, ArchiveError> {
        let ReadMember {
            start,
            stretch,
            digest,
            reading,
            after,
        } = member;
        let address = self.writer.sink.begin(&start)?;
        let length = stretch.len() as u64;
        if matches!(reading, Reading::Failed { .. }) {
            self.writer.sink.break_faith();
        }
        self.writer.sink.write_stretch(stretch)?;
        self.offset += length;
        let state = self.judge(&start, reading, after);
        self.end(start, address, state, Some(digest))?;
        Ok(address)
    }

    fn write_file(&mut self, path: &[u8], opened: OpenedFile) -> Result<(), ArchiveError> {
        let OpenedFile {
            file,
            status,
            header,
        } = opened;
        let sparse = header.sparse.clone();
        let start = member_start(header, &status, None);
        let address = self.writer.sink.begin(&start)?;
        self.emit(&start.headers)?;
        let copied = self.copy(&file, sparse.as_ref(), &start)?;
        self.links.written(path, &status, address);
        self.end(start, address, copied.state, Some(copied.digest))
    }

    fn end(
        &mut self,
        start: MemberStart,
        address: MemberAddress,
        state: MemberState,
        digest: Option<[u8; 32]>,
    ) -> Result<(), ArchiveError> {
        debug_assert_eq!(
            self.already, 0,
            "a member is longer than what was begun of it"
        );
        let mut entry = start.entry;
        entry.address = address;
        entry.state = state;
        entry.digest = digest;
        self.summary.members += 1;
        if entry.kind == MemberKind::File {
            self.summary.files += 1;
            self.summary.file_bytes += entry.size;
        }
        match state {
            MemberState::Intact => {}
            MemberState::Changed => self.summary.changed += 1,
            MemberState::Superseded => self.summary.superseded += 1,
        }
        self.writer.sink.end(entry)?;
        self.show_progress(&start.path);
        Ok(())
    }

    /// Two blocks of zeros, filled up to whole records.
    fn end_archive(&mut self) -> Result<(), ArchiveError> {
        let end = (self.offset + 2 * BLOCK as u64).next_multiple_of(RECORD);
        let count = chunk(end - self.offset);
        self.emit(&ZEROS[..count])
    }

    /// Hands bytes to the sink, less those an earlier session wrote.
    fn emit(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let skip = chunk(self.already).min(bytes.len());
        self.already -= skip as u64;
        let bytes = &bytes[skip..];
        if !bytes.is_empty() {
            self.writer.sink.write(bytes)?;
            self.offset += bytes.len() as u64;
        }
        Ok(())
    }

    /// As [`Self::emit`], for bytes the sink may keep.
    fn emit_shared(&mut self, mut bytes: Bytes) -> Result<(), ArchiveError> {
        let skip = usize::try_from(self.already)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.already -= skip as u64;
        bytes.advance(skip);
        if !bytes.is_empty() {
            let length = bytes.len() as u64;
            self.writer.sink.write_shared(bytes)?;
            self.offset += length;
        }
        Ok(())
    }

    fn gather(
        &mut self,
        place: Place<'_>,
        kind: MemberKind,
        status: &FileStat,
    ) -> Result<MemberHeader, Problem> {
        let losses = &mut self.summary.losses;
        let problems = &mut *self.writer.problems;
        gather(place, kind, status, None, &mut self.names, &mut |problem| {
            *losses += 1;
            problems(problem);
        })
    }

    fn report_kind(&mut self, path: &[u8], what: ProblemKind) {
        self.report(Problem {
            path: path.to_vec(),
            what,
        });
    }

    fn report(&mut self, problem: Problem) {
        if problem.what.severity() == Severity::Loss {
            self.summary.losses += 1;
        }
        (self.writer.problems)(problem);
    }

    fn show_progress(&mut self, path: &[u8]) {
        (self.writer.progress)(&Progress {
            path,
            members: self.summary.members,
            stream_offset: self.offset,
        });
    }
}

pub(super) fn member_start(
    header: MemberHeader,
    status: &FileStat,
    link: Option<MemberAddress>,
) -> MemberStart {
    let headers = header.to_bytes();
    let data = match header.kind {
        MemberKind::File => header.stored_size(),
        _ => 0,
    };
    let header_length = headers.len() as u64;
    let length = header_length + data + padding(data) as u64;
    MemberStart {
        path: header.path.clone(),
        kind: header.kind,
        length,
        header_length,
        headers: headers.into(),
        source: identity(status),
        entry: IndexEntry {
            path: header.path,
            kind: header.kind,
            size: header.size,
            modified: header.modified,
            mode: header.mode,
            uid: header.uid,
            gid: header.gid,
            address: MemberAddress {
                segment: SegmentNumber(0),
                offset: 0,
            },
            length,
            digest: None,
            link,
            state: MemberState::Intact,
        },
    }
}

/// At most one chunk of what is left.
fn chunk(left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK)
}
