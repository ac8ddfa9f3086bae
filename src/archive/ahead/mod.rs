//! Reading ahead of the stream: one thread walks, several open and read what it meets, and the
//! writer gets everything in the order of the walk.
//!
//! Small files are read and hashed in batches, each a member of the stream with headers and padding,
//! one behind the other; large ones in pieces of 1 MiB. What is read depends on the walk alone, never
//! on what the writer does; what it decides not to need is dropped.
//!
//! Memory: at most [`BATCHES`] batches that wait and one in each reader's hands, each [`BATCH_BUFFERS`]
//! pieces at most and one as a rule, and [`PIECES`] pieces of a large file, 1 MiB each.

mod content;
mod digest;
mod prepare;
mod readers;
mod walker;

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crossbeam_channel::Receiver;
use nix::errno::Errno;
use nix::sys::stat::FileStat;

use super::gather::Place;
use super::header::MemberHeader;
use super::member::{MemberStart, SourceIdentity};
use super::problem::Problem;
use crate::buffer::Stretch;

pub(super) use self::content::Reading;
pub(super) use self::digest::{PieceDigests, Subtree};
pub(super) use self::prepare::{open_file, prepare_entry};
pub(super) use self::readers::{Pieces, Readers, failed};
pub(super) use self::walker::scan;

/// Threads that open and read: cold disks want many requests at a time.
const READERS: usize = 16;
/// Batches that may wait for the writer.
const BATCHES: usize = 16;
/// Pieces of one large file that are read at a time.
const PIECES: usize = 8;
/// Bytes of a piece of a large file, and of the small files of one batch.
pub(super) const PIECE: usize = 1 << 20;
/// Buffers of one piece that a batch may fill.
const BATCH_BUFFERS: usize = 4;
/// A member longer than this is read in pieces.
const SMALL: u64 = (PIECE / 2) as u64;
/// Entries of a batch.
const ENTRIES: usize = 128;
/// Directories whose entries may share a batch: each is held open.
const DIRECTORIES: usize = 8;

/// One step of the walk.
pub(super) enum Item {
    Problem(Problem),
    Entry(Box<Entry>),
}

/// An entry of the tree, as far as it was read ahead.
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    /// Where the name begins within the path.
    name: usize,
    directory: Arc<OwnedFd>,
    /// As the walk met it, or whoever looked at it since; none of a file that could not be opened.
    pub(super) status: Option<FileStat>,
    pub(super) prepared: Prepared,
}

impl Entry {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            path: &self.path,
            directory: self.directory.as_fd(),
            name: &self.path[self.name..],
        }
    }
}

/// What was read of an entry.
pub(super) enum Prepared {
    /// Nothing: it may not be needed.
    Nothing,
    /// To be looked at by a reader.
    Wanted,
    /// Anything but a regular file.
    Plain(Gathered<MemberHeader>),
    /// A regular file, open.
    File(Gathered<Box<OpenedFile>>),
    /// A small regular file, all of it.
    Member(Gathered<Box<ReadMember>>),
}

/// What was found, or why nothing; and what could not be read besides.
pub(super) struct Gathered<T> {
    pub(super) found: Result<T, Problem>,
    pub(super) losses: Vec<Problem>,
}

/// A regular file, open.
pub(super) struct OpenedFile {
    pub(super) file: Arc<File>,
    /// As it was when it was opened.
    pub(super) status: FileStat,
    pub(super) header: MemberHeader,
}

/// A small file as a member of the stream.
pub(super) struct ReadMember {
    pub(super) start: MemberStart,
    /// Headers, data and padding.
    pub(super) stretch: Stretch,
    /// Of the data.
    pub(super) digest: [u8; 32],
    pub(super) reading: Reading,
    /// What the file was after its data was read.
    pub(super) after: Result<SourceIdentity, Errno>,
}

/// Batches in the order of the walk, each as soon as a reader is done with it. One is missing only
/// if its reader's thread failed.
pub(super) struct Batches(pub(super) Receiver<Receiver<Vec<Item>>>);
