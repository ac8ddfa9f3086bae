//! Directories that were made for what is in them, before their own member came.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;

use crate::archive::problem::{Access, ProblemKind};

/// Which directories were made so. With [`super::Existing::Keep`] they would else look like somebody
/// else's when their own member comes, and never get their own mode. Extractors that work below
/// the same target share one.
#[derive(Debug, Default)]
pub struct Parents(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    paths: HashSet<Vec<u8>>,
    /// Each path with its length before it (4 bytes, little-endian).
    list: Option<File>,
}

impl Parents {
    /// Those of earlier processes on the list at `path`, which more are added to.
    ///
    /// # Errors
    /// The list cannot be read or made.
    pub fn listed(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut list = options.read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        list.read_to_end(&mut bytes)?;
        let mut paths = HashSet::new();
        let mut rest = bytes.as_slice();
        // An entry that a process did not finish writing is the last.
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let Some((path, after)) = after.split_at_checked(length) else {
                break;
            };
            paths.insert(path.to_vec());
            rest = after;
        }
        list.set_len((bytes.len() - rest.len()) as u64)?;
        Ok(Self(Mutex::new(Known {
            paths,
            list: Some(list),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this directory was made so.
    pub(super) fn made(&self, path: &[u8]) -> bool {
        self.lock().paths.contains(path)
    }

    /// Makes a directory unless it `is_there`. It is known before it is made: nobody can take it for
    /// somebody else's in between.
    pub(super) fn make(
        &self,
        path: &[u8],
        is_there: impl FnOnce() -> bool,
        make: impl FnOnce() -> Result<(), Errno>,
    ) -> Result<(), ProblemKind> {
        let mut known = self.lock();
        if is_there() {
            return Ok(());
        }
        known.add(path).map_err(|source| ProblemKind::Refused {
            access: Access::Create,
            source,
        })?;
        match make() {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(ProblemKind::refused(Access::Create, errno)),
        }
    }

    /// Waits until what is known is on stable storage.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sync(&self) -> io::Result<()> {
        let known = self.lock();
        known.list.as_ref().map_or(Ok(()), File::sync_data)
    }
}

impl Known {
    fn add(&mut self, path: &[u8]) -> io::Result<()> {
        if self.paths.insert(path.to_vec())
            && let Some(list) = &mut self.list
        {
            let length = u32::try_from(path.len()).map_err(io::Error::other)?;
            list.write_all(&[&length.to_le_bytes(), path].concat())?;
        }
        Ok(())
    }
}
