//! What extracting comes to.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::unistd::syncfs;

use crate::archive::problem::ArchiveError;
use crate::archive::scan::root_error;

/// What became of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is there, whole. Metadata that could not be kept was reported.
    Restored,
    /// Something with that name was there and stays ([`Existing::Keep`]).
    Kept,
    /// It is not there; the reason was reported.
    NotRestored,
    /// A hard link whose first name is not there to link to, or that the file system cannot make:
    /// extract the member that carries the data under this path instead.
    NeedsData {
        /// Path of the member that carries the data.
        first: Vec<u8>,
    },
}

/// A target whose directories are all finished.
#[derive(Debug)]
pub struct Finished {
    pub(super) target: PathBuf,
    pub(super) root: OwnedFd,
}

impl Finished {
    /// Waits until everything restored is on stable storage (`syncfs(2)`).
    ///
    /// # Errors
    /// [`ArchiveError::Root`] with what the file system said.
    pub fn sync(&self) -> Result<(), ArchiveError> {
        syncfs(&self.root).map_err(|errno| root_error(&self.target, errno))
    }
}
