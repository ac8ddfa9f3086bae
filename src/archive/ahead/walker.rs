//! The walk, cut into batches.

use std::sync::Arc;
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded};
use nix::sys::stat::{FileStat, SFlag};

use super::prepare::Findings;
use super::readers::{BatchTask, Readers};
use super::{BATCHES, Batches, DIRECTORIES, ENTRIES, Entry, Item, PIECE, Prepared};
use crate::archive::order::walk_order;
use crate::archive::problem::ArchiveError;
use crate::archive::scan::{SourceTree, Step, Walk, file_type};

/// Walks a tree on a thread of its own and has what comes after `last` prepared by the readers.
///
/// # Errors
/// As [`SourceTree::walk`], and when the thread cannot be started.
pub(in crate::archive) fn scan<'scope>(
    scope: &'scope Scope<'scope, '_>,
    source: &'scope SourceTree,
    readers: &Readers,
    last: Option<Vec<u8>>,
) -> Result<Batches, ArchiveError> {
    let walk = source.walk()?;
    let (ordered, batches) = bounded(BATCHES);
    let walker = Walker {
        tasks: readers.batches.clone(),
        ordered,
        last,
        findings: Arc::clone(&readers.findings),
        batch: Batch::default(),
    };
    std::thread::Builder::new()
        .name("scanner".to_owned())
        .spawn_scoped(scope, move || walker.run(walk))
        .map_err(|error| ArchiveError::Root {
            path: source.path().to_owned(),
            source: error,
        })?;
    Ok(Batches(batches))
}

struct Walker {
    tasks: Sender<BatchTask>,
    ordered: Sender<Receiver<Vec<Item>>>,
    /// What comes up to here is in the stream already.
    last: Option<Vec<u8>>,
    findings: Arc<Findings>,
    batch: Batch,
}

#[derive(Default)]
struct Batch {
    items: Vec<Item>,
    bytes: u64,
    directories: usize,
}

impl Walker {
    fn run(mut self, mut walk: Walk<'_>) {
        loop {
            // What was written before is told by what it is now.
            if self.last.is_none() {
                walk.leave_files_to_others();
            }
            let item = match walk.step() {
                None => break,
                Some(Step::Problem(problem)) => Item::Problem(problem),
                Some(Step::Entry(status)) => Item::Entry(Box::new(self.entry(&walk, Some(status)))),
                Some(Step::File) => Item::Entry(Box::new(self.entry(&walk, None))),
            };
            self.batch.items.push(item);
            if self.batch.is_full() && !self.send() {
                return;
            }
        }
        self.send();
    }

    fn entry(&mut self, walk: &Walk<'_>, status: Option<FileStat>) -> Entry {
        let path = walk.path().to_vec();
        let (directory, name) = walk.shared_place();
        let before = self.batch.items.iter().rev().find_map(|item| match item {
            Item::Entry(entry) => Some(&entry.directory),
            Item::Problem(_) => None,
        });
        if !before.is_some_and(|before| Arc::ptr_eq(before, &directory)) {
            self.batch.directories += 1;
        }
        let wanted = status
            .as_ref()
            .is_none_or(|status| self.is_wanted(&path, status));
        if wanted {
            self.batch.bytes += match &status {
                None => self.findings.usual_size(),
                Some(status) if file_type(status) == SFlag::S_IFREG => {
                    u64::try_from(status.st_size).unwrap_or(0)
                }
                Some(_) => 0,
            };
        }
        Entry {
            name: path.len() - name,
            path,
            directory,
            status,
            prepared: if wanted {
                Prepared::Wanted
            } else {
                Prepared::Nothing
            },
        }
    }

    fn is_wanted(&mut self, path: &[u8], status: &FileStat) -> bool {
        if let Some(last) = &self.last {
            if walk_order(path, last).is_le() {
                return false;
            }
            self.last = None;
        }
        self.findings.is_wanted(status)
    }

    /// Hands the batch on; false if nobody wants more.
    fn send(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        if batch.items.is_empty() {
            return true;
        }
        let (done, items) = bounded(1);
        let task = BatchTask {
            items: batch.items,
            done,
        };
        self.tasks.send(task).is_ok() && self.ordered.send(items).is_ok()
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.items.len() >= ENTRIES || self.bytes >= PIECE as u64 || self.directories >= DIRECTORIES
    }
}
