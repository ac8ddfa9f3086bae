//! What a reader does with one batch.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;

use super::content::{Reading, fill};
use super::{Content, Entry, Gathered, Item, OpenedFile, Prepared};
use crate::archive::gather::{Place, gather, identity, kind_of};
use crate::archive::member::{MemberKind, SourceIdentity};
use crate::archive::owner::OwnerNames;
use crate::archive::problem::{Access, Problem, ProblemKind};
use crate::archive::scan::open_without_access_time;
use crate::archive::writer::FileReader;
use crate::buffer::{Buffer, Buffers};

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
        content: None,
    }))
}

/// A small file's data in the batch's buffer.
struct Filled {
    item: usize,
    range: Range<usize>,
    digest: [u8; 32],
    reading: Reading,
    after: Result<SourceIdentity, Errno>,
}

/// Prepares what is wanted of a batch, in order.
pub(super) fn prepare(
    items: &mut [Item],
    files: &dyn FileReader,
    names: &mut OwnerNames,
    buffers: &Arc<Buffers>,
) {
    let mut buffer = None;
    let mut all_filled = Vec::new();
    for (number, item) in items.iter_mut().enumerate() {
        let Item::Entry(entry) = item else {
            continue;
        };
        if !matches!(entry.prepared, Prepared::Wanted) {
            continue;
        }
        entry.prepared = prepare_entry(entry, names);
        if let Prepared::File(gathered) = &entry.prepared
            && let Ok(opened) = &gathered.found
        {
            all_filled.extend(read_small(opened, number, files, buffers, &mut buffer));
        }
    }
    let bytes = buffer.map(Buffer::freeze).unwrap_or_default();
    for filled in all_filled {
        hand_over(&mut items[filled.item], filled, &bytes);
    }
}

/// Looks at an entry as it is now.
pub(in crate::archive) fn prepare_entry(entry: &Entry, names: &mut OwnerNames) -> Prepared {
    let place = entry.place();
    let mut losses = Vec::new();
    let mut report = |problem| losses.push(problem);
    match kind_of(&entry.status) {
        None => Prepared::Nothing,
        Some(MemberKind::File) => {
            let found = open_file(place, names, &mut report);
            Prepared::File(Gathered { found, losses })
        }
        Some(kind) => {
            let found = gather(place, kind, &entry.status, None, names, &mut report);
            Prepared::Plain(Gathered { found, losses })
        }
    }
}

/// Reads a file that fits into what is left of the batch's buffer.
fn read_small(
    opened: &OpenedFile,
    item: usize,
    files: &dyn FileReader,
    buffers: &Arc<Buffers>,
    buffer: &mut Option<Buffer>,
) -> Option<Filled> {
    let wanted = usize::try_from(opened.header.size).ok()?;
    if opened.header.sparse.is_some() || wanted > buffers.size() {
        return None;
    }
    let buffer = buffer.get_or_insert_with(|| buffers.take());
    if wanted > buffer.room() {
        return None;
    }
    let start = buffer.len();
    let mut hasher = blake3::Hasher::new();
    let reading = fill(files, &opened.file, 0, wanted, buffer, |bytes| {
        hasher.update(bytes);
    });
    Some(Filled {
        item,
        range: start..start + wanted,
        digest: *hasher.finalize().as_bytes(),
        reading,
        after: fstat(&opened.file).map(|status| identity(&status)),
    })
}

fn hand_over(item: &mut Item, filled: Filled, bytes: &Bytes) {
    if let Item::Entry(entry) = item
        && let Prepared::File(gathered) = &mut entry.prepared
        && let Ok(opened) = &mut gathered.found
    {
        opened.content = Some(Content {
            bytes: bytes.slice(filled.range),
            digest: filled.digest,
            reading: filled.reading,
            after: filled.after,
        });
    }
}
