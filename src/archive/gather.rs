//! Reading what a member's header needs from the source tree.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::readlinkat;
use nix::sys::stat::{FileStat, SFlag, major, minor};
use xattr::FileExt;

use super::acl::Acl;
use super::header::{DeviceNumber, ExtendedAttribute, MemberHeader};
use super::member::{FileTime, MemberKind, SourceIdentity};
use super::owner::OwnerNames;
use super::problem::{Access, Problem, ProblemKind, Property};
use super::scan::file_type;
use super::sparse::SparseMap;

pub(super) const ACCESS_ACL: &[u8] = b"system.posix_acl_access";
pub(super) const DEFAULT_ACL: &[u8] = b"system.posix_acl_default";

/// Where an entry is: its path below the root, the directory that holds it, its name there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: &'a [u8],
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: &'a [u8],
}

impl Place<'_> {
    /// A path that reaches the entry itself however deep it lies: the calls for extended
    /// attributes take paths only.
    pub(super) fn through_proc(&self) -> PathBuf {
        let directory = format!("/proc/self/fd/{}", self.directory.as_raw_fd());
        PathBuf::from(directory).join(OsStr::from_bytes(self.name))
    }

    fn problem(&self, what: ProblemKind) -> Problem {
        Problem {
            path: self.path.to_vec(),
            what,
        }
    }
}

/// Kind of an entry; `None` for a socket or anything unknown.
pub(super) fn kind_of(status: &FileStat) -> Option<MemberKind> {
    Some(match file_type(status) {
        SFlag::S_IFREG => MemberKind::File,
        SFlag::S_IFDIR => MemberKind::Directory,
        SFlag::S_IFLNK => MemberKind::Symlink,
        SFlag::S_IFCHR => MemberKind::CharacterDevice,
        SFlag::S_IFBLK => MemberKind::BlockDevice,
        SFlag::S_IFIFO => MemberKind::Fifo,
        _ => return None,
    })
}

pub(super) fn modified(status: &FileStat) -> FileTime {
    time(status.st_mtime, status.st_mtime_nsec)
}

pub(super) fn identity(status: &FileStat) -> SourceIdentity {
    SourceIdentity {
        device: status.st_dev,
        inode: status.st_ino,
        size: u64::try_from(status.st_size).unwrap_or(0),
        modified: modified(status),
        changed: time(status.st_ctime, status.st_ctime_nsec),
    }
}

fn time(seconds: i64, nanos: i64) -> FileTime {
    FileTime {
        seconds,
        nanos: u32::try_from(nanos).unwrap_or(0),
    }
}

/// Builds the header of an entry. `file` is the open file of a regular one, `kind` what
/// [`kind_of`] said. Attributes that cannot be read are reported and left out.
///
/// # Errors
/// A symbolic link's target that cannot be read: nothing of the member is left then.
pub(super) fn gather(
    place: Place<'_>,
    kind: MemberKind,
    status: &FileStat,
    file: Option<&File>,
    names: &mut OwnerNames,
    problems: &mut dyn FnMut(Problem),
) -> Result<MemberHeader, Problem> {
    let mut header = MemberHeader {
        path: place.path.to_vec(),
        kind,
        mode: status.st_mode & 0o7777,
        uid: status.st_uid,
        gid: status.st_gid,
        owner: names.user(status.st_uid),
        group: names.group(status.st_gid),
        modified: modified(status),
        size: 0,
        device: DeviceNumber { major: 0, minor: 0 },
        link: Vec::new(),
        sparse: None,
        attributes: Vec::new(),
        access_acl: None,
        default_acl: None,
    };
    match kind {
        MemberKind::File => {
            header.size = identity(status).size;
            // Files without holes need no question: their blocks hold all of their bytes.
            let blocks = u64::try_from(status.st_blocks).unwrap_or(0);
            if blocks.saturating_mul(512) < header.size {
                header.sparse = file.and_then(|file| SparseMap::of(file, header.size));
            }
        }
        MemberKind::Symlink => {
            header.link = readlinkat(place.directory, place.name)
                .map_err(|errno| {
                    place.problem(ProblemKind::refused_or_vanished(Access::ReadLink, errno))
                })?
                .into_vec();
        }
        MemberKind::CharacterDevice | MemberKind::BlockDevice => {
            header.device = DeviceNumber {
                major: u32::try_from(major(status.st_rdev)).unwrap_or(u32::MAX),
                minor: u32::try_from(minor(status.st_rdev)).unwrap_or(u32::MAX),
            };
        }
        MemberKind::Directory | MemberKind::Fifo | MemberKind::HardLink => {}
    }
    if kind == MemberKind::HardLink {
        return Ok(header);
    }
    let mut report = |what| problems(place.problem(what));
    match attributes(place, file) {
        Ok(all) => sort_attributes(all, &mut header, names, &mut report),
        Err(source) => report(ProblemKind::Refused {
            access: Access::Attributes,
            source,
        }),
    }
    Ok(header)
}

fn sort_attributes(
    all: Vec<ExtendedAttribute>,
    header: &mut MemberHeader,
    names: &mut OwnerNames,
    report: &mut dyn FnMut(ProblemKind),
) {
    for attribute in all {
        let (field, which) = match attribute.name.as_slice() {
            ACCESS_ACL => (&mut header.access_acl, Property::AccessAcl),
            DEFAULT_ACL => (&mut header.default_acl, Property::DefaultAcl),
            _ => {
                header.attributes.push(attribute);
                continue;
            }
        };
        match Acl::from_attribute(&attribute.value) {
            Some(acl) => *field = Some(acl.to_text(names)),
            None => report(ProblemKind::MalformedAcl { which }),
        }
    }
}

/// All extended attributes, sorted by name. A file system without any has none.
fn attributes(place: Place<'_>, file: Option<&File>) -> io::Result<Vec<ExtendedAttribute>> {
    let path = match file {
        Some(_) => PathBuf::new(),
        None => place.through_proc(),
    };
    let listed = match file {
        Some(file) => file.list_xattr(),
        None => xattr::list(&path),
    };
    let listed = match listed {
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => {
            return Ok(Vec::new());
        }
        other => other?,
    };
    let mut all = Vec::new();
    for name in listed {
        let value = match file {
            Some(file) => file.get_xattr(&name),
            None => xattr::get(&path, &name),
        }?;
        // One removed in between is simply not there any more.
        if let Some(value) = value {
            all.push(ExtendedAttribute {
                name: name.into_vec(),
                value,
            });
        }
    }
    all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}
