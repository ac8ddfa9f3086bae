//! Names in the target: which are safe, and how a complete file takes its place.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, RenameFlags, renameat, renameat2};
use nix::sys::stat::fstatat;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::Existing;
use crate::archive::descent::components;
use crate::archive::gather::Place;
use crate::archive::member::{FileTime, MemberKind};
use crate::archive::problem::{Access, ProblemKind};

/// The path in its plain form; `None` if it would lead out of the target, or names the target
/// itself as anything but a directory.
pub(super) fn safe_path(path: &[u8], kind: MemberKind) -> Option<Vec<u8>> {
    let leads_out = path.is_empty()
        || path.starts_with(b"/")
        || path.contains(&0)
        || components(path).any(|component| component == b"..");
    if leads_out {
        return None;
    }
    let plain = components(path).collect::<Vec<_>>().join(&b'/');
    match (plain.is_empty(), kind) {
        (false, _) => Some(plain),
        (true, MemberKind::Directory) => Some(b".".to_vec()),
        (true, _) => None,
    }
}

/// Something complete but for its name; removed again unless it is published.
#[derive(Debug)]
pub(super) struct Temporary<'d> {
    directory: BorrowedFd<'d>,
    name: Vec<u8>,
    published: bool,
}

impl<'d> Temporary<'d> {
    /// Makes something under a name nobody else uses.
    pub(super) fn make<T>(
        directory: BorrowedFd<'d>,
        mut make: impl FnMut(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<(Self, T), ProblemKind> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!(".tapeward-{:x}-{number:x}.partial", std::process::id());
            match make(directory, name.as_bytes()) {
                Ok(made) => {
                    let temporary = Self {
                        directory,
                        name: name.into_bytes(),
                        published: false,
                    };
                    return Ok((temporary, made));
                }
                // Left behind by a killed process that had this number.
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(ProblemKind::refused(Access::Create, errno)),
            }
        }
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.published {
            // Nothing to be done about a failure: the name says that it is partial.
            let _ = unlinkat(
                self.directory,
                self.name.as_slice(),
                UnlinkatFlags::NoRemoveDir,
            );
        }
    }
}

/// Whether anything has this name; a symbolic link is something, wherever it leads.
pub(super) fn exists(place: Place<'_>) -> Result<bool, ProblemKind> {
    match fstatat(place.directory, place.name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(ProblemKind::refused(Access::Status, errno)),
    }
}

/// Whether what has this name was modified at that time, as far as its file system keeps times.
pub(super) fn is_of_time(directory: BorrowedFd<'_>, name: &[u8], modified: FileTime) -> bool {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok_and(|status| {
        status.st_mtime == modified.seconds
            && (0..=i64::from(modified.nanos)).contains(&status.st_mtime_nsec)
    })
}

/// Gives something complete its name; false if the name is taken and not to be replaced.
pub(super) fn publish(
    place: Place<'_>,
    mut temporary: Temporary<'_>,
    existing: Existing,
) -> Result<bool, ProblemKind> {
    let from = temporary.name.as_slice();
    let rename = || renameat(place.directory, from, place.directory, place.name);
    let renamed = match existing {
        Existing::Replace => match rename() {
            Err(Errno::EISDIR) => {
                remove(place)?;
                rename()
            }
            other => other,
        },
        Existing::Refuse | Existing::Keep => {
            let flags = RenameFlags::RENAME_NOREPLACE;
            match renameat2(place.directory, from, place.directory, place.name, flags) {
                // File systems without it: a link never replaces anything either.
                Err(Errno::EINVAL | Errno::ENOSYS) => link_name(place.directory, from, place)
                    .and_then(|()| unlinkat(place.directory, from, UnlinkatFlags::NoRemoveDir)),
                other => other,
            }
        }
    };
    match renamed {
        Ok(()) => {
            temporary.published = true;
            Ok(true)
        }
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(ProblemKind::refused(Access::Publish, errno)),
    }
}

/// Makes `place` another name of what `name` in `directory` is; symbolic links are not followed.
pub(super) fn link_name(
    directory: BorrowedFd<'_>,
    name: &[u8],
    place: Place<'_>,
) -> Result<(), Errno> {
    linkat(
        directory,
        name,
        place.directory,
        place.name,
        AtFlags::empty(),
    )
}

/// Removes a file, link, node or empty directory.
pub(super) fn remove(place: Place<'_>) -> Result<(), ProblemKind> {
    let removed = match unlinkat(place.directory, place.name, UnlinkatFlags::NoRemoveDir) {
        Err(Errno::EISDIR) => unlinkat(place.directory, place.name, UnlinkatFlags::RemoveDir),
        other => other,
    };
    removed.map_err(|errno| ProblemKind::refused(Access::Remove, errno))
}
