//! Completing the member that an earlier session began.

use std::os::fd::AsFd;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use super::{Session, ZEROS, chunk};
use crate::archive::ahead::{OpenedFile, open_file};
use crate::archive::descent::split_last;
use crate::archive::gather::{Place, identity};
use crate::archive::hash_zeros;
use crate::archive::member::{Faith, MemberKind, MemberStart, MemberState, PartialMember};
use crate::archive::problem::{ArchiveError, ProblemKind};

impl Session<'_> {
    /// Completes a member that an earlier session began; true if it is whole. What is not is
    /// marked as superseded, and the walk writes it again.
    pub(super) fn complete(&mut self, partial: &PartialMember) -> Result<bool, ArchiveError> {
        let start = &partial.start;
        if start.length == start.header_length {
            // Headers only: as faithful as they were, whatever happened to the source since.
            self.emit(tail(&start.headers, partial.written))?;
            let digest = (start.kind == MemberKind::File).then(|| {
                let mut hasher = blake3::Hasher::new();
                hash_zeros(&mut hasher, start.entry.size);
                *hasher.finalize().as_bytes()
            });
            self.end_partial(partial, MemberState::Intact, digest)?;
            return Ok(true);
        }
        if partial.faith == Faith::Kept
            && let Some(opened) = self.reopen(start)
        {
            self.already = partial.written;
            self.emit(&start.headers)?;
            let copied = self.copy(&opened.file, opened.header.sparse.as_ref(), start)?;
            if copied.state == MemberState::Intact {
                self.end_partial(partial, MemberState::Intact, Some(copied.digest))?;
                return Ok(true);
            }
            // It moved while its first part was read again: what that part held is unknown.
            self.end_partial(partial, MemberState::Superseded, None)?;
            return Ok(false);
        }
        self.report_kind(&start.path, ProblemKind::Superseded);
        self.emit(tail(&start.headers, partial.written))?;
        let mut left = start.length - partial.written.max(start.header_length);
        while left > 0 {
            let count = chunk(left);
            self.emit(&ZEROS[..count])?;
            left -= count as u64;
        }
        self.end_partial(partial, MemberState::Superseded, None)?;
        Ok(false)
    }

    /// Opens the source of a member that was cut, if it is what it was: same inode, size, times
    /// and the same headers to the byte.
    fn reopen(&mut self, start: &MemberStart) -> Option<OpenedFile> {
        let (directory, name) = split_last(&start.path);
        let directory = self.descent.at(directory).ok()?.try_clone_to_owned().ok()?;
        let place = Place {
            path: &start.path,
            directory: directory.as_fd(),
            name,
        };
        let status = fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
        if identity(&status) != start.source {
            return None;
        }
        let mut losses = Vec::new();
        let opened = open_file(place, &mut self.names, &mut |problem| losses.push(problem));
        for problem in losses {
            self.summary.losses += 1;
            (self.writer.problems)(problem);
        }
        let opened = opened.ok()?;
        let same = identity(&opened.status) == start.source
            && opened.header.to_bytes() == start.headers[..];
        same.then_some(*opened)
    }

    fn end_partial(
        &mut self,
        partial: &PartialMember,
        state: MemberState,
        digest: Option<[u8; 32]>,
    ) -> Result<(), ArchiveError> {
        let mut entry = partial.start.entry.clone();
        entry.address = partial.address;
        entry.state = state;
        self.completed = Some(entry);
        self.end(partial.start.clone(), partial.address, state, digest)
    }
}

fn tail(bytes: &[u8], from: u64) -> &[u8] {
    usize::try_from(from)
        .ok()
        .and_then(|from| bytes.get(from..))
        .unwrap_or_default()
}
