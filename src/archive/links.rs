//! Names of one inode: which of them carries the data.

use std::collections::HashMap;
use std::io;

use nix::sys::stat::FileStat;

use super::gather::{kind_of, modified};
use super::member::{FileTime, IndexEntry, MemberAddress, MemberKind, MemberState};
use super::spilled_names::{Inode, SpilledNames};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstName {
    pub(super) path: Vec<u8>,
    pub(super) address: MemberAddress,
    pub(super) kind: MemberKind,
    pub(super) size: u64,
    pub(super) modified: FileTime,
    /// Names still to come.
    pub(super) remaining: u64,
}

/// Inodes kept in memory; with more, all of them go to files.
const IN_MEMORY: usize = 100_000;

/// Inodes with several names, from their first name in the stream to their last.
#[derive(Debug)]
pub(super) struct LinkTable {
    names: Names,
    in_memory: usize,
}

#[derive(Debug)]
enum Names {
    Memory(HashMap<Inode, FirstName>),
    Spilled(SpilledNames),
}

impl Default for LinkTable {
    fn default() -> Self {
        Self::with_room(IN_MEMORY)
    }
}

impl Names {
    fn get(&self, inode: Inode) -> io::Result<Option<FirstName>> {
        match self {
            Self::Memory(map) => Ok(map.get(&inode).cloned()),
            Self::Spilled(spilled) => spilled.get(inode),
        }
    }

    fn set_remaining(&mut self, inode: Inode, remaining: u64) -> io::Result<()> {
        match self {
            Self::Memory(map) if remaining == 0 => drop(map.remove(&inode)),
            Self::Memory(map) => {
                if let Some(name) = map.get_mut(&inode) {
                    name.remaining = remaining;
                }
            }
            Self::Spilled(spilled) => return spilled.set_remaining(inode, remaining),
        }
        Ok(())
    }

    fn insert(&mut self, inode: Inode, name: FirstName, in_memory: usize) -> io::Result<()> {
        if let Self::Memory(map) = self {
            if map.len() < in_memory || map.contains_key(&inode) {
                map.insert(inode, name);
                return Ok(());
            }
            let mut spilled = SpilledNames::new()?;
            for (inode, name) in &*map {
                spilled.insert(*inode, name)?;
            }
            *self = Self::Spilled(spilled);
        }
        match self {
            Self::Spilled(spilled) => spilled.insert(inode, &name),
            Self::Memory(_) => Ok(()),
        }
    }
}

/// Without the table a file is written once more under its other names: larger, not wrong.
fn or_warn<T: Default>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        tracing::warn!(%error, "the table of hard links cannot be kept in temporary files");
        T::default()
    })
}

impl LinkTable {
    fn with_room(in_memory: usize) -> Self {
        Self {
            names: Names::Memory(HashMap::new()),
            in_memory,
        }
    }

    /// The name written first, if this is a later one of the same, unchanged inode. An inode that
    /// changed since (or whose number another file has by now) is written whole again.
    pub(super) fn first_name(&mut self, status: &FileStat) -> Option<FirstName> {
        if !has_other_names(status) {
            return None;
        }
        let inode = (status.st_dev, status.st_ino);
        let mut first = or_warn(self.names.get(inode))?;
        let same = Some(first.kind) == kind_of(status)
            && first.size == logical_size(status)
            && first.modified == modified(status);
        first.remaining = if same {
            first.remaining.saturating_sub(1)
        } else {
            0
        };
        or_warn(self.names.set_remaining(inode, first.remaining));
        same.then_some(first)
    }

    /// Keeps a name that carries its inode's data, if the inode has others.
    pub(super) fn written(&mut self, path: &[u8], status: &FileStat, address: MemberAddress) {
        let Some(kind) = kind_of(status).filter(|_| has_other_names(status)) else {
            return;
        };
        let name = FirstName {
            path: path.to_vec(),
            address,
            kind,
            size: logical_size(status),
            modified: modified(status),
            remaining: status.st_nlink - 1,
        };
        let inode = (status.st_dev, status.st_ino);
        or_warn(self.names.insert(inode, name, self.in_memory));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::member::SegmentNumber;
    use nix::sys::stat::stat;

    #[test]
    fn links_are_known_when_there_are_more_inodes_than_fit_into_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: u64, name: &str| folder.path().join(format!("{number}-{name}"));
        for number in 0..20 {
            std::fs::write(path(number, "a"), number.to_string()).unwrap();
            for name in ["b", "c"] {
                std::fs::hard_link(path(number, "a"), path(number, name)).unwrap();
            }
        }
        let mut table = LinkTable::with_room(5);
        let address = |number| MemberAddress {
            segment: SegmentNumber(3),
            offset: number * 1024,
        };
        for number in 0..20 {
            let status = stat(&path(number, "a")).unwrap();
            assert_eq!(table.first_name(&status), None);
            table.written(format!("{number}").as_bytes(), &status, address(number));
        }
        assert!(matches!(table.names, Names::Spilled(_)));
        for number in 0..20 {
            let status = stat(&path(number, "b")).unwrap();
            for _ in ["b", "c"] {
                let first = table.first_name(&status).unwrap();
                assert_eq!(first.path, format!("{number}").as_bytes());
                assert_eq!(first.address, address(number));
            }
            assert_eq!(table.first_name(&status), None, "all names were met");
        }
    }
}
