//! What a reader does with one batch.

use std::collections::HashSet;
use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, fstat};

use super::content::{Reading, fill};
use super::{BATCH_BUFFERS, Entry, Gathered, Item, OpenedFile, PIECE, Prepared, ReadMember, SMALL};
use crate::archive::block::padding;
use crate::archive::gather::{Place, gather, identity, kind_of};
use crate::archive::links::has_other_names;
use crate::archive::member::{MemberKind, MemberStart, SourceIdentity};
use crate::archive::owner::OwnerNames;
use crate::archive::problem::{Access, Problem, ProblemKind};
use crate::archive::scan::open_without_access_time;
use crate::archive::writer::{FileReader, member_start};
use crate::buffer::{Buffer, Buffers, Stretch};

/// Inodes with several names that are remembered at a time.
const INODES: usize = 1 << 16;

/// What walker and readers of one session tell each other.
pub(super) struct Findings {
    /// Inodes of which one name was met: the others are links to it, as far as can be told here.
    seen: Mutex<HashSet<(u64, u64)>>,
    /// About how long files are, in bytes.
    usual_size: AtomicU64,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            usual_size: AtomicU64::new(16 << 10),
        }
    }
}

impl Findings {
    /// Whether a file is likely to be needed: not if another name of it was met.
    pub(super) fn is_wanted(&self, status: &FileStat) -> bool {
        if !has_other_names(status) {
            return true;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == INODES {
            seen.clear();
        }
        seen.insert((status.st_dev, status.st_ino))
    }

    /// About how long files are that were met lately, in bytes.
    pub(super) fn usual_size(&self) -> u64 {
        self.usual_size.load(Ordering::Relaxed)
    }

    fn met(&self, size: u64) {
        let size = size.min(PIECE as u64);
        let usual = self.usual_size();
        // Which of two readers is heard does not matter.
        self.usual_size
            .store(usual - usual / 16 + size / 16, Ordering::Relaxed);
    }
}

/// Opens a regular file and makes its header from what is open, whatever the name led to when the
/// directory was read.
pub(in crate::archive) fn open_file(
    place: Place<'_>,
    names: &mut OwnerNames,
    losses: &mut dyn FnMut(Problem),
) -> Result<Box<OpenedFile>, Problem> {
    let problem = |what| Problem {
        path: place.path.to_vec(),
        what,
    };
    // O_NONBLOCK: the name may lead to a fifo by now.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = open_without_access_time(place.directory, place.name, flags)
        .map_err(|errno| problem(ProblemKind::refused_or_vanished(Access::Open, errno)))?;
    let file = File::from(file);
    let status =
        fstat(&file).map_err(|errno| problem(ProblemKind::refused(Access::Status, errno)))?;
    if kind_of(&status) != Some(MemberKind::File) {
        return Err(problem(ProblemKind::Vanished));
    }
    let header = gather(place, MemberKind::File, &status, Some(&file), names, losses)?;
    Ok(Box::new(OpenedFile {
        file: Arc::new(file),
        status,
        header,
    }))
}

/// What a reader works with.
pub(super) struct Desk<'a> {
    pub(super) files: &'a dyn FileReader,
    pub(super) names: &'a mut OwnerNames,
    pub(super) buffers: &'a Arc<Buffers>,
    pub(super) findings: &'a Findings,
}

/// Prepares what is wanted of a batch, in order.
pub(super) fn prepare(items: &mut [Item], desk: &mut Desk<'_>) {
    let mut batch = BatchBuffers::default();
    let mut read = Vec::new();
    for (number, item) in items.iter_mut().enumerate() {
        let Item::Entry(entry) = item else {
            continue;
        };
        if !matches!(entry.prepared, Prepared::Wanted) {
            continue;
        }
        let is_file = |status: &FileStat| kind_of(status) == Some(MemberKind::File);
        if entry.status.as_ref().is_none_or(is_file) {
            read.extend(prepare_file(entry, number, desk, &mut batch));
        } else {
            entry.prepared = prepare_entry(entry, desk.names);
        }
    }
    let buffers: Vec<Bytes> = batch.0.into_iter().map(Buffer::freeze).collect();
    for member in read {
        hand_over(items, member, &buffers);
    }
}

/// Looks at an entry as it is now.
pub(in crate::archive) fn prepare_entry(entry: &Entry, names: &mut OwnerNames) -> Prepared {
    let place = entry.place();
    let mut losses = Vec::new();
    let mut report = |problem| losses.push(problem);
    match &entry.status {
        Some(status) => match kind_of(status) {
            None => Prepared::Nothing,
            Some(MemberKind::File) => {
                let found = open_file(place, names, &mut report);
                Prepared::File(Gathered { found, losses })
            }
            Some(kind) => {
                let found = gather(place, kind, status, None, names, &mut report);
                Prepared::Plain(Gathered { found, losses })
            }
        },
        None => {
            let found = open_file(place, names, &mut report);
            Prepared::File(Gathered { found, losses })
        }
    }
}

/// The buffers of one batch.
#[derive(Default)]
struct BatchBuffers(Vec<Buffer>);

impl BatchBuffers {
    /// The buffer for this many bytes more, with its number; none if the batch has had its share.
    fn with_room(&mut self, length: usize, buffers: &Arc<Buffers>) -> Option<(usize, &mut Buffer)> {
        let full = self.0.last().is_none_or(|last| last.room() < length);
        if full {
            if self.0.len() == BATCH_BUFFERS || length > buffers.size() {
                return None;
            }
            self.0.push(buffers.take());
        }
        let number = self.0.len() - 1;
        self.0.last_mut().map(|buffer| (number, buffer))
    }
}

/// A member in one of the batch's buffers.
struct InBuffer {
    item: usize,
    buffer: usize,
    range: Range<usize>,
    headers: usize,
    start: MemberStart,
    digest: [u8; 32],
    reading: Reading,
    after: Result<SourceIdentity, Errno>,
    losses: Vec<Problem>,
}

/// Opens a file and reads it if it is small. One that is not is left to the writer: it is opened
/// again when it is its turn, so that no more are open than are read.
fn prepare_file(
    entry: &mut Entry,
    item: usize,
    desk: &mut Desk<'_>,
    batch: &mut BatchBuffers,
) -> Option<InBuffer> {
    let mut losses = Vec::new();
    let known = entry.status.is_some();
    let opened = match open_file(entry.place(), desk.names, &mut |loss| losses.push(loss)) {
        Ok(opened) => opened,
        Err(problem) => {
            let found = Err(problem);
            entry.prepared = Prepared::File(Gathered { found, losses });
            return None;
        }
    };
    desk.findings.met(opened.header.size);
    entry.status = Some(opened.status);
    // Whatever is not read here the writer decides about, with what is known of it now.
    entry.prepared = Prepared::Nothing;
    if opened.header.sparse.is_some() || (!known && !desk.findings.is_wanted(&opened.status)) {
        return None;
    }
    let start = member_start(opened.header, &opened.status, None);
    if start.length > SMALL {
        return None;
    }
    let length = usize::try_from(start.length).ok()?;
    let (number, buffer) = batch.with_room(length, desk.buffers)?;
    let from = buffer.len();
    buffer.extend(&start.headers);
    let mut hasher = blake3::Hasher::new();
    let wanted = usize::try_from(start.entry.size).ok()?;
    let reading = fill(desk.files, &opened.file, 0, wanted, buffer, |bytes| {
        hasher.update(bytes);
    });
    buffer.grow(padding(start.entry.size)).fill(0);
    Some(InBuffer {
        item,
        buffer: number,
        range: from..buffer.len(),
        headers: start.headers.len(),
        start,
        digest: *hasher.finalize().as_bytes(),
        reading,
        after: fstat(&opened.file).map(|status| identity(&status)),
        losses,
    })
}

fn hand_over(items: &mut [Item], member: InBuffer, buffers: &[Bytes]) {
    let (Item::Entry(entry), whole) = (&mut items[member.item], &buffers[member.buffer]) else {
        return;
    };
    let (from, headers) = (member.range.start, member.headers);
    let mut start = member.start;
    start.headers = whole.slice(from..from + headers);
    entry.prepared = Prepared::Member(Gathered {
        found: Ok(Box::new(ReadMember {
            start,
            stretch: Stretch::new(whole.clone(), member.range),
            digest: member.digest,
            reading: member.reading,
            after: member.after,
        })),
        losses: member.losses,
    });
}
