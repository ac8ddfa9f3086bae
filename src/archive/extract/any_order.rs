//! What restoring in any order and going on later take ([`Extractor::in_any_order`]).

use nix::unistd::syncfs;

use super::place::{self, remove, safe_path};
use super::{Extractor, metadata};
use crate::archive::descent::split_last;
use crate::archive::gather::Place;
use crate::archive::header::MemberHeader;
use crate::archive::member::MemberKind;
use crate::archive::problem::ArchiveError;
use crate::archive::scan::root_error;

impl Extractor {
    /// Lets the restoring user work in a directory that has its own mode already.
    pub fn reopen_directory(&mut self, path: &[u8]) {
        if let Some(path) = safe_path(path, MemberKind::Directory)
            && let Ok(directory) = self.descent.at(&path)
        {
            metadata::make_passable(directory);
        }
    }

    /// Removes what a process that was killed did not complete in a directory; `is_member` tells
    /// what only has such a name.
    pub fn remove_abandoned(&mut self, path: &[u8], is_member: impl Fn(&[u8]) -> bool) {
        let Some(path) = safe_path(path, MemberKind::Directory) else {
            return;
        };
        let Ok(directory) = self.descent.at(&path) else {
            return;
        };
        for name in place::abandoned(directory) {
            let below = match path.as_slice() {
                b"." => name.clone(),
                path => [path, &name].join(&b'/'),
            };
            if !is_member(&below) {
                let place = Place {
                    path: &below,
                    directory,
                    name: &name,
                };
                // Its name says what it is, should it stay.
                let _ = remove(place);
            }
        }
    }

    /// Waits until everything restored so far is on stable storage (`syncfs(2)`).
    ///
    /// # Errors
    /// [`ArchiveError::Root`] with what the file system said.
    pub fn sync(&self) -> Result<(), ArchiveError> {
        syncfs(&self.root).map_err(|errno| root_error(&self.target, errno))
    }

    /// Whether a regular file, symbolic link or other node stands at `path` as this member would
    /// make it: kind, size, time and content, as far as `digest` (BLAKE3) tells the content.
    pub fn is_there(
        &mut self,
        path: &[u8],
        header: &MemberHeader,
        digest: Option<[u8; 32]>,
    ) -> bool {
        let Some(path) = safe_path(path, header.kind) else {
            return false;
        };
        let (directory, name) = split_last(&path);
        let Ok(directory) = self.descent.at(directory) else {
            return false;
        };
        place::is_member(directory, name, header, digest)
    }
}
