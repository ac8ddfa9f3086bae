//! Names of one inode: which of them carries the data.

use std::collections::HashMap;

use nix::sys::stat::FileStat;

use super::gather::{kind_of, modified};
use super::member::{FileTime, IndexEntry, MemberAddress, MemberKind, MemberState};

/// What earlier sessions of the same set wrote, from their committed indexes.
pub trait EarlierMembers {
    /// The newest entry of this path, if it was written.
    fn lookup(&self, path: &[u8]) -> Option<IndexEntry>;
}

/// A set's first session: nothing was written before.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingEarlier;

impl EarlierMembers for NothingEarlier {
    fn lookup(&self, _path: &[u8]) -> Option<IndexEntry> {
        None
    }
}

/// The name of an inode that was written first.
#[derive(Debug, Clone)]
pub(super) struct FirstName {
    pub(super) path: Vec<u8>,
    pub(super) address: MemberAddress,
    kind: MemberKind,
    size: u64,
    modified: FileTime,
    remaining: u64,
}

/// Inodes with several names, from their first name in the stream to their last.
#[derive(Debug, Default)]
pub(super) struct LinkTable {
    first_names: HashMap<(u64, u64), FirstName>,
}

impl LinkTable {
    /// The name written first, if this is a later one of the same, unchanged inode. An inode that
    /// changed since (or whose number another file has by now) is written whole again.
    pub(super) fn first_name(&mut self, status: &FileStat) -> Option<FirstName> {
        if !has_other_names(status) {
            return None;
        }
        let key = (status.st_dev, status.st_ino);
        let first = self.first_names.get_mut(&key)?;
        let same = Some(first.kind) == kind_of(status)
            && first.size == logical_size(status)
            && first.modified == modified(status);
        if !same {
            self.first_names.remove(&key);
            return None;
        }
        first.remaining = first.remaining.saturating_sub(1);
        if first.remaining == 0 {
            return self.first_names.remove(&key);
        }
        Some(first.clone())
    }

    /// Keeps a name that carries its inode's data, if the inode has others.
    pub(super) fn written(&mut self, path: &[u8], status: &FileStat, address: MemberAddress) {
        let Some(kind) = kind_of(status).filter(|_| has_other_names(status)) else {
            return;
        };
        self.first_names.insert(
            (status.st_dev, status.st_ino),
            FirstName {
                path: path.to_vec(),
                address,
                kind,
                size: logical_size(status),
                modified: modified(status),
                remaining: status.st_nlink - 1,
            },
        );
    }

    /// Takes note of a path that an earlier session wrote, while the walk passes it again.
    pub(super) fn passed(&mut self, path: &[u8], status: &FileStat, entry: Option<&IndexEntry>) {
        if self.first_name(status).is_some() {
            return;
        }
        let Some(entry) = entry else {
            return;
        };
        // Only the first name is in the table; a later one passed alone tells nothing new.
        let same = Some(entry.kind) == kind_of(status)
            && entry.size == logical_size(status)
            && entry.modified == modified(status)
            && entry.state != MemberState::Superseded;
        if same {
            self.written(path, status, entry.address);
        }
    }
}

/// Whether an inode may turn up again under another name.
pub(super) fn has_other_names(status: &FileStat) -> bool {
    status.st_nlink > 1 && kind_of(status).is_some_and(|kind| kind != MemberKind::Directory)
}

fn logical_size(status: &FileStat) -> u64 {
    match kind_of(status) {
        Some(MemberKind::File) => u64::try_from(status.st_size).unwrap_or(0),
        _ => 0,
    }
}
