//! Rows that match: by path, size and time.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::LazyLock;

use super::block::Block;
use super::error::{Damage, IndexError};
use super::pattern::{Glob, Text};
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
    Containing(Text),
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
            Paths::Containing(text) => text.is_in(path),
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
    pub(super) fn folder(&self) -> Option<&[u8]> {
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
    /// Blocks that are looked through at once.
    batch: usize,
    found: VecDeque<Result<IndexEntry, IndexError>>,
}

/// Most blocks that are looked through at once, by as many threads as there are processors.
const BATCH: usize = 64;

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
            batch: 1,
            found: VecDeque::new(),
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

    /// Whether nothing at or below the query's folder comes any more.
    fn is_behind(&self, path: &[u8]) -> bool {
        self.query.folder().is_some_and(|folder| {
            folder != b"."
                && walk_order(path, folder) == Ordering::Greater
                && !is_below(path, folder)
        })
    }

    fn gather(&self, block: &Block) -> Result<Vec<IndexEntry>, Damage> {
        let mut found = Vec::new();
        // In a folder rows stand together; elsewhere most blocks have none, and paths are read faster.
        let mut any = matches!(self.query.paths, Paths::Any) || self.query.folder().is_some();
        let mut paths = block.paths()?;
        while !any && let Some(path) = paths.next()? {
            any = self.query.is_path(path);
        }
        if !any {
            return Ok(found);
        }
        let mut cursor = block.rows()?;
        while cursor.advance()? {
            if self.is_behind(cursor.path()) {
                break;
            }
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

impl Search<'_> {
    fn block(&self, number: usize) -> Result<Vec<IndexEntry>, IndexError> {
        let block = self.reader.block(number)?;
        self.gather(&block)
            .map_err(|damage| self.reader.block_error(number, damage))
    }

    /// Looks through the next blocks; whether there were any.
    fn load(&mut self) -> bool {
        let first = self.next_block;
        let count = (first..first + self.batch)
            .take_while(|number| self.may_have(*number))
            .count();
        self.next_block += count;
        // Whoever takes the first rows only does not wait for many blocks.
        if self.query.folder().is_none() {
            self.batch = (self.batch * 2).min(BATCH);
        }
        let threads = threads();
        let share = count.div_ceil(threads).max(1);
        let mut blocks: Vec<Result<Vec<IndexEntry>, IndexError>> = Vec::new();
        if count < 2 * threads {
            blocks.extend((first..first + count).map(|number| self.block(number)));
        } else {
            let this = &*self;
            std::thread::scope(|scope| {
                let parts: Vec<_> = (first..first + count)
                    .step_by(share)
                    .map(|start| {
                        let end = (start + share).min(first + count);
                        let part = move || (start..end).map(|number| this.block(number));
                        scope.spawn(move || part().collect::<Vec<_>>())
                    })
                    .collect();
                for part in parts {
                    match part.join() {
                        Ok(part) => blocks.extend(part),
                        Err(panic) => std::panic::resume_unwind(panic),
                    }
                }
            });
        }
        for block in blocks {
            match block {
                Ok(rows) => self.found.extend(rows.into_iter().map(Ok)),
                Err(error) => self.found.push_back(Err(error)),
            }
        }
        count > 0
    }
}

/// Threads that work at the same time. Asked for once: the answer costs as much as a search for a path.
pub(super) fn threads() -> usize {
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *THREADS
}

impl Iterator for Search<'_> {
    type Item = Result<IndexEntry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.found.pop_front() {
                return Some(entry);
            }
            if !self.load() {
                return None;
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
                3 => Paths::Containing(Text::new(&text)),
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
