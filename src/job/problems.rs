//! Which things of a set could not be read as they were, each counted once.
//!
//! A stream that goes on after a kill meets again what came after its last committed segment.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::archive::problem::Problem;
use crate::error::{Context, Result};

/// First bytes of the BLAKE3 digest of path and problem.
type Key = [u8; 16];

/// The problems of a set, in memory and in a file of keys that outlives this process.
#[derive(Debug)]
pub struct Problems {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    seen: BTreeSet<Key>,
    /// On record, and not in the file: it was lost.
    lost: u64,
}

impl Problems {
    /// Goes on with the file in this folder, which is made if need be; `recorded` is how many the
    /// record knows of.
    pub fn open(folder: &Path, recorded: u64) -> Result<Self> {
        let path = folder.join("problems");
        let what = || format!("cannot open {}", path.display());
        std::fs::create_dir_all(folder).context(what())?;
        let old = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.context(what())?,
        };
        let (keys, torn) = old.as_chunks::<16>();
        let seen: BTreeSet<Key> = keys.iter().copied().collect();
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .context(what())?;
        if !torn.is_empty() {
            file.set_len((old.len() - torn.len()) as u64)
                .context(what())?;
        }
        let lost = recorded.saturating_sub(seen.len() as u64);
        let state = Mutex::new(State { file, seen, lost });
        Ok(Self { path, state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a problem unless it is known.
    pub fn count(&self, problem: &Problem) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&problem.path);
        hasher.update(b"\0");
        hasher.update(problem.what.to_string().as_bytes());
        let mut key = Key::default();
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        let mut state = self.lock();
        if state.seen.insert(key)
            && let Err(error) = state.file.write_all(&key)
        {
            // After a kill it may be counted twice, no more.
            tracing::warn!(%error, path = %self.path.display(), "cannot write");
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        let state = self.lock();
        state.seen.len() as u64 + state.lost
    }

    /// What was counted so far outlives a power cut.
    pub fn synchronise(&self) -> Result<()> {
        let what = format!("cannot synchronise {}", self.path.display());
        self.lock().file.sync_data().context(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::problem::{Access, ProblemKind};

    fn problem(path: &str) -> Problem {
        Problem {
            path: path.as_bytes().to_vec(),
            what: ProblemKind::Refused {
                access: Access::Open,
                source: io::ErrorKind::PermissionDenied.into(),
            },
        }
    }

    #[test]
    fn what_is_met_again_after_a_kill_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let parts = folder.path().join("parts");
        let first = Problems::open(&parts, 0).unwrap();
        first.count(&problem("a"));
        first.count(&problem("b"));
        drop(first);
        // The record knows of one, and the last key is torn.
        let path = parts.join("problems");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"torn");
        std::fs::write(&path, bytes).unwrap();
        let second = Problems::open(&parts, 1).unwrap();
        second.count(&problem("b"));
        second.count(&problem("c"));
        assert_eq!(second.total(), 3);
        drop(second);
        assert_eq!(Problems::open(&parts, 3).unwrap().total(), 3);
    }

    #[test]
    fn what_the_record_knows_is_not_forgotten_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let problems = Problems::open(folder.path(), 7).unwrap();
        problems.count(&problem("a"));
        assert_eq!(problems.total(), 8);
    }
}
