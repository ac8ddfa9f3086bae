//! Names in the target: which are safe, and how a complete file takes its place.

use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, readlinkat, renameat, renameat2};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::Existing;
use crate::archive::descent::components;
use crate::archive::gather::Place;
use crate::archive::header::MemberHeader;
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

/// How names of what is not complete begin and end; between them are the process and a number.
const PARTIAL: &str = ".tapeward-";
const PARTIAL_END: &str = ".partial";

/// The names in a directory of what processes that are gone did not complete.
pub(super) fn abandoned(directory: BorrowedFd<'_>) -> Vec<Vec<u8>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(mut entries) = Dir::openat(directory, ".", flags, Mode::empty()) else {
        return Vec::new();
    };
    let is_abandoned = |name: &[u8]| {
        let name = std::str::from_utf8(name).ok();
        let between = name
            .and_then(|name| name.strip_prefix(PARTIAL))
            .and_then(|rest| rest.strip_suffix(PARTIAL_END));
        let process = between.and_then(|between| between.split('-').next());
        let process = process.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        process.is_some_and(|id| !std::path::Path::new(&format!("/proc/{id}")).exists())
    };
    entries
        .iter()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_bytes().to_vec()))
        .filter(|name| is_abandoned(name))
        .collect()
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
            let name = format!("{PARTIAL}{:x}-{number:x}{PARTIAL_END}", std::process::id());
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

/// Whether `place` is another name of what `name` in `directory` is.
pub(super) fn is_same_file(directory: BorrowedFd<'_>, name: &[u8], place: Place<'_>) -> bool {
    let of = |directory, name| fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
    match (of(directory, name), of(place.directory, place.name)) {
        (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
        _ => false,
    }
}

/// Gives something complete its name; false if the name is taken and not to be replaced.
pub(super) fn publish(
    place: Place<'_>,
    mut temporary: Temporary<'_>,
    existing: Existing,
    renamed: &mut u64,
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
        Existing::Refuse | Existing::Keep => rename_if_free(from, place),
        Existing::Rename => match rename_if_free(from, place) {
            Err(Errno::EEXIST) => {
                set_aside(place)?;
                *renamed += 1;
                rename_if_free(from, place)
            }
            other => other,
        },
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

/// Gives something a name in the same directory that nothing else has.
fn rename_if_free(from: &[u8], place: Place<'_>) -> Result<(), Errno> {
    let flags = RenameFlags::RENAME_NOREPLACE;
    match renameat2(place.directory, from, place.directory, place.name, flags) {
        // File systems without it: a link never replaces anything either.
        Err(Errno::EINVAL | Errno::ENOSYS) => link_name(place.directory, from, place)
            .and_then(|()| unlinkat(place.directory, from, UnlinkatFlags::NoRemoveDir)),
        other => other,
    }
}

/// Longest name of a file (`NAME_MAX`).
const NAME_LIMIT: usize = 255;
/// How many names are tried.
const ASIDE_LIMIT: u32 = 10_000;

/// Gives what stands here another name in the same directory, one that is free.
pub(super) fn set_aside(place: Place<'_>) -> Result<(), ProblemKind> {
    let mut last = Errno::EEXIST;
    for number in 1..=ASIDE_LIMIT {
        let suffix = format!(".kept-{number}");
        let kept = place.name.len().min(NAME_LIMIT - suffix.len());
        let name = [&place.name[..kept], suffix.as_bytes()].concat();
        let aside = Place {
            name: &name,
            ..place
        };
        match rename_if_free(place.name, aside) {
            Ok(()) => return Ok(()),
            Err(Errno::EEXIST) => {}
            Err(errno) => {
                last = errno;
                break;
            }
        }
    }
    Err(ProblemKind::refused(Access::SetAside, last))
}

/// Whether what has this name is what a member would make: kind, size, modification time, and the
/// content as far as `digest` (BLAKE3) tells it.
pub(super) fn is_member(
    directory: BorrowedFd<'_>,
    name: &[u8],
    header: &MemberHeader,
    digest: Option<[u8; 32]>,
) -> bool {
    let Ok(status) = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) else {
        return false;
    };
    let format = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
    let kind = match header.kind {
        MemberKind::File => SFlag::S_IFREG,
        MemberKind::Directory => SFlag::S_IFDIR,
        MemberKind::Symlink => SFlag::S_IFLNK,
        MemberKind::CharacterDevice => SFlag::S_IFCHR,
        MemberKind::BlockDevice => SFlag::S_IFBLK,
        MemberKind::Fifo => SFlag::S_IFIFO,
        MemberKind::HardLink => return false,
    };
    if format != kind || !is_of_time(directory, name, header.modified) {
        return false;
    }
    match header.kind {
        MemberKind::File => {
            u64::try_from(status.st_size) == Ok(header.size)
                && digest.is_none_or(|digest| content_is(directory, name, digest))
        }
        MemberKind::Symlink => {
            readlinkat(directory, name).is_ok_and(|target| target.as_bytes() == header.link)
        }
        _ => true,
    }
}

fn content_is(directory: BorrowedFd<'_>, name: &[u8], digest: [u8; 32]) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let Ok(file) = openat(directory, name, flags, Mode::empty()) else {
        return false;
    };
    let mut hasher = blake3::Hasher::new();
    let copied = std::io::copy(&mut std::fs::File::from(file), &mut hasher);
    copied.is_ok() && *hasher.finalize().as_bytes() == digest
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
