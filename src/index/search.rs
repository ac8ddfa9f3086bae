//! Rows that match: by path, size and time.

use std::cmp::Ordering;

use super::block::Block;
use super::error::{Damage, IndexError};
use super::pattern::Glob;
use super::reader::IndexReader;
use crate::archive::member::{FileTime, IndexEntry};
use crate::archive::order::{is_below, walk_order};

/// Which paths.
#[derive(Debug, Clone)]
pub enum Paths {
    /// All.
    Any,
    /// This one.
    Exactly(Vec<u8>),
    /// This one and everything below it.
    Below(Vec<u8>),
    /// Those that contain this.
    Containing(Vec<u8>),
    /// Those that match, as a whole or with their last name.
    Matching(Glob),
    /// Those whose last name matches.
    Named(Glob),
}

/// Which rows; all conditions hold.
#[derive(Debug, Clone)]
pub struct Query {
    /// Their paths.
    pub paths: Paths,
    /// Bytes, at least.
    pub larger: Option<u64>,
    /// Bytes, at most.
    pub smaller: Option<u64>,
    /// Modified at or after this.
    pub newer: Option<FileTime>,
    /// Modified at or before this.
    pub older: Option<FileTime>,
}

impl Query {
    /// Rows with these paths, of any size and age.
    #[must_use]
    pub fn of(paths: Paths) -> Self {
        Self {
            paths,
            larger: None,
            smaller: None,
            newer: None,
            older: None,
        }
    }

    fn is_path(&self, path: &[u8]) -> bool {
        match &self.paths {
            Paths::Any => true,
            Paths::Exactly(wanted) => path == wanted,
            Paths::Below(folder) => is_below(path, folder),
            Paths::Containing(text) => memchr::memmem::find(path, text).is_some(),
            Paths::Matching(glob) => glob.is_match(path),
            Paths::Named(glob) => {
                let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
                glob.is_match(&path[start..])
            }
        }
    }

    fn is_rest(&self, entry: &IndexEntry) -> bool {
        let time = entry.modified;
        self.larger.is_none_or(|least| entry.size >= least)
            && self.smaller.is_none_or(|most| entry.size <= most)
            && self.newer.is_none_or(|first| time >= first)
            && self.older.is_none_or(|last| time <= last)
    }

    /// The path that all rows are at or below, if there is one.
    fn folder(&self) -> Option<&[u8]> {
        match &self.paths {
            Paths::Exactly(path) | Paths::Below(path) => Some(path),
            _ => None,
        }
    }
}

/// Matching rows in order. After a damaged block it goes on with the next one.
#[derive(Debug)]
pub struct Search<'a> {
    reader: &'a IndexReader,
    query: &'a Query,
    next_block: usize,
    found: std::vec::IntoIter<IndexEntry>,
    failed: Option<IndexError>,
}

impl IndexReader {
    /// Looks for rows. Blocks that cannot hold any are not read where the query names a folder;
    /// else only paths are decoded in a block without a match.
    #[must_use]
    pub fn search<'a>(&'a self, query: &'a Query) -> Search<'a> {
        let first = query.folder().filter(|folder| *folder != b".");
        Search {
            reader: self,
            query,
            next_block: first.map_or(0, |folder| self.block_before(folder)),
            found: Vec::new().into_iter(),
            failed: None,
        }
    }
}

impl Search<'_> {
    /// Whether rows at or below the query's folder may begin in a block.
    fn may_have(&self, number: usize) -> bool {
        let Some(first) = self.reader.first_path(number) else {
            return false;
        };
        self.query.folder().is_none_or(|folder| {
            is_below(first, folder) || walk_order(first, folder) == Ordering::Less
        })
    }

    fn gather(&self, block: &Block) -> Result<Vec<IndexEntry>, Damage> {
        let mut found = Vec::new();
        let mut paths = block.paths()?;
        let mut any = matches!(self.query.paths, Paths::Any);
        while !any && let Some(path) = paths.next()? {
            any = self.query.is_path(path);
        }
        if !any {
            return Ok(found);
        }
        let mut cursor = block.rows()?;
        while cursor.advance()? {
            if self.query.is_path(cursor.path()) {
                let entry = cursor.entry()?;
                if self.query.is_rest(&entry) {
                    found.push(entry);
                }
            }
        }
        Ok(found)
    }
}

impl Iterator for Search<'_> {
    type Item = Result<IndexEntry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.found.next() {
                return Some(Ok(entry));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            if !self.may_have(self.next_block) {
                return None;
            }
            let number = self.next_block;
            self.next_block += 1;
            let gathered = self.reader.block(number).and_then(|block| {
                self.gather(&block)
                    .map_err(|damage| self.reader.block_error(number, damage))
            });
            match gathered {
                Ok(found) => self.found = found.into_iter(),
                Err(error) => self.failed = Some(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::member::{MemberAddress, MemberKind, MemberState, SegmentNumber};
    use crate::index::{IndexHeader, IndexWriter, Scope};
    use proptest::prelude::*;

    fn entry(path: &str, number: u64) -> IndexEntry {
        IndexEntry {
            path: path.as_bytes().to_vec(),
            kind: MemberKind::File,
            size: number % 7,
            modified: FileTime {
                seconds: i64::try_from(number % 11).unwrap(),
                nanos: 0,
            },
            mode: 0o644,
            uid: 0,
            gid: 0,
            address: MemberAddress {
                segment: SegmentNumber(0),
                offset: number * 1024,
            },
            length: 1024,
            digest: None,
            link: None,
            state: MemberState::Intact,
        }
    }

    fn reader(paths: &std::collections::BTreeSet<String>) -> (IndexReader, Vec<IndexEntry>) {
        let header = IndexHeader {
            set: "018bcfe5-6800-7000-8000-000000000001".parse().unwrap(),
            scope: Scope::Set { segments: 1 },
            origin: None,
        };
        let mut rows: Vec<IndexEntry> = paths
            .iter()
            .zip(0..)
            .map(|(path, number)| entry(path, number))
            .collect();
        rows.sort_by(|a, b| walk_order(&a.path, &b.path));
        let mut writer = IndexWriter::new(Vec::new(), &header).unwrap();
        for row in &rows {
            writer.push(row).unwrap();
        }
        let (_, bytes) = writer.finish(&[]).unwrap();
        (IndexReader::from_bytes("test", bytes).unwrap(), rows)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// A search finds what going through all rows finds.
        #[test]
        fn a_search_leaves_nothing_out(
            paths in prop::collection::btree_set("[ab]{1,2}(/[ab]{1,3}){0,3}", 1..1500),
            which in 0..6,
            text in "[ab]{1,2}(/[ab]{1,2}){0,2}",
            larger in prop::option::of(0_u64..7),
            older in prop::option::of(0_i64..11),
        ) {
            let (reader, rows) = reader(&paths);
            let text = text.into_bytes();
            let glob = Glob::new(&[b"*", text.as_slice()].concat()).unwrap();
            let paths = match which {
                0 => Paths::Any,
                1 => Paths::Exactly(text),
                2 => Paths::Below(text),
                3 => Paths::Containing(text),
                4 => Paths::Matching(glob),
                _ => Paths::Named(glob),
            };
            let query = Query {
                larger,
                older: older.map(|seconds| FileTime { seconds, nanos: 0 }),
                ..Query::of(paths)
            };
            let wanted: Vec<_> = rows
                .into_iter()
                .filter(|row| query.is_path(&row.path) && query.is_rest(row))
                .collect();
            let found: Vec<_> = reader.search(&query).map(Result::unwrap).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
