//! Owners, modes, times, extended attributes and ACLs of what was restored.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{
    FchmodatFlags, FileStat, Mode, UtimensatFlags, fchmod, fchmodat, fstat, fstatat, futimens,
    utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Group, Uid, User, fchown, fchownat};
use xattr::FileExt;

use super::{Ownership, PrivilegedModes};
use crate::archive::acl::Acl;
use crate::archive::gather::{ACCESS_ACL, DEFAULT_ACL, Place};
use crate::archive::header::{ExtendedAttribute, MemberHeader};
use crate::archive::member::{FileTime, MemberKind};
use crate::archive::problem::{ProblemKind, Property};

const SET_ID: u32 = 0o6000;
/// File capabilities, `capabilities(7)`.
const CAPABILITIES: &[u8] = b"security.capability";

/// How owners are found, with the names asked for so far.
#[derive(Debug)]
pub(super) struct Metadata {
    ownership: Ownership,
    privileged: PrivilegedModes,
    users: HashMap<Vec<u8>, Option<u32>>,
    groups: HashMap<Vec<u8>, Option<u32>>,
}

impl Metadata {
    pub(super) fn new(ownership: Ownership, privileged: PrivilegedModes) -> Self {
        Self {
            ownership,
            privileged,
            users: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    /// Owner and group a member is to have; `None` to leave them.
    fn owner(&mut self, header: &MemberHeader) -> Option<(u32, u32)> {
        match self.ownership {
            Ownership::Mine => None,
            Ownership::Numbers => Some((header.uid, header.gid)),
            Ownership::Names => {
                let user = by_name(&mut self.users, &header.owner, |name| {
                    let user = User::from_name(name).ok().flatten()?;
                    Some(Uid::as_raw(user.uid))
                });
                let group = by_name(&mut self.groups, &header.group, |name| {
                    let group = Group::from_name(name).ok().flatten()?;
                    Some(Gid::as_raw(group.gid))
                });
                Some((user.unwrap_or(header.uid), group.unwrap_or(header.gid)))
            }
        }
    }
}

fn by_name(
    known: &mut HashMap<Vec<u8>, Option<u32>>,
    name: &[u8],
    look_up: impl FnOnce(&str) -> Option<u32>,
) -> Option<u32> {
    if let Some(id) = known.get(name) {
        return *id;
    }
    let text = std::str::from_utf8(name)
        .ok()
        .filter(|name| !name.is_empty());
    let id = text.and_then(look_up);
    known.insert(name.to_vec(), id);
    id
}

/// What metadata is set on: an open file or directory, or a name that cannot be opened.
#[derive(Clone, Copy)]
enum Subject<'a> {
    File(&'a File),
    Named(Place<'a>),
}

/// Gives an open file or directory its metadata.
pub(super) fn apply_to_file(
    metadata: &mut Metadata,
    file: &File,
    header: &MemberHeader,
    report: &mut dyn FnMut(ProblemKind),
) {
    apply(metadata, Subject::File(file), header, report);
}

/// Gives a symbolic link, device or fifo its metadata; the link itself, not what it leads to.
pub(super) fn apply_to_node(
    metadata: &mut Metadata,
    place: Place<'_>,
    header: &MemberHeader,
    report: &mut dyn FnMut(ProblemKind),
) {
    apply(metadata, Subject::Named(place), header, report);
}

/// Lets the restoring user work in a directory that exists; its own mode comes back at the end.
/// What fails here shows when something is made in it.
pub(super) fn make_passable(directory: BorrowedFd<'_>) {
    let Ok(status) = fstat(directory) else {
        return;
    };
    if status.st_mode & 0o700 != 0o700 {
        let mode = Mode::from_bits_truncate((status.st_mode & 0o7777) | 0o700);
        let _ = fchmodat(directory, ".", mode, FchmodatFlags::FollowSymlink);
    }
}

/// The order matters: a change of owner clears set-ID bits and capabilities, attributes need a
/// writable file, and the ACL's mask has the last word on the mode's group bits (libarchive stores
/// the owning group's there).
fn apply(
    metadata: &mut Metadata,
    subject: Subject<'_>,
    header: &MemberHeader,
    report: &mut dyn FnMut(ProblemKind),
) {
    let leave_out = metadata.privileged == PrivilegedModes::LeaveOut;
    let mut mode = header.mode;
    // On a directory the group bit gives nobody a right: new files get its group.
    if leave_out && mode & SET_ID != 0 && header.kind != MemberKind::Directory {
        mode &= !SET_ID;
        report(ProblemKind::LeftOut {
            property: Property::SetId,
        });
    }
    let capable = |attribute: &ExtendedAttribute| attribute.name == CAPABILITIES;
    if leave_out && header.attributes.iter().any(capable) {
        let property = Property::Attribute(CAPABILITIES.to_vec());
        report(ProblemKind::LeftOut { property });
    }
    let mut not_kept = |property, source| report(ProblemKind::NotKept { property, source });
    if let Some((uid, gid)) = metadata.owner(header)
        && let Err(errno) = subject.set_owner(uid, gid)
    {
        not_kept(Property::Owner { uid, gid }, errno.into());
        if mode & SET_ID != 0 && header.kind != MemberKind::Directory {
            mode &= !SET_ID;
            not_kept(Property::SetId, errno.into());
        }
    }
    for attribute in &header.attributes {
        if leave_out && attribute.name == CAPABILITIES {
            continue;
        }
        if let Err(source) = subject.set_attribute(&attribute.name, &attribute.value) {
            not_kept(Property::Attribute(attribute.name.clone()), source);
        }
    }
    if header.kind != MemberKind::Symlink {
        if let Err(errno) = subject.set_mode(mode) {
            not_kept(Property::Mode(mode), errno.into());
        }
        set_acls(subject, header, report);
    }
    if let Err(errno) = subject.set_modified(header.modified) {
        report(ProblemKind::NotKept {
            property: Property::Modified,
            source: errno.into(),
        });
    }
}

fn set_acls(subject: Subject<'_>, header: &MemberHeader, report: &mut dyn FnMut(ProblemKind)) {
    let access = (&header.access_acl, ACCESS_ACL, Property::AccessAcl);
    let default = (&header.default_acl, DEFAULT_ACL, Property::DefaultAcl);
    for (text, attribute, property) in [access, default] {
        let Some(text) = text else {
            // The target's directory may have passed on an ACL that the file did not have.
            subject.remove_attribute(attribute);
            continue;
        };
        let Some(acl) = Acl::from_text(text) else {
            report(ProblemKind::MalformedAcl { which: property });
            continue;
        };
        if let Err(source) = subject.set_attribute(attribute, &acl.to_attribute()) {
            report(ProblemKind::NotKept { property, source });
        }
    }
}

impl Subject<'_> {
    fn status(self) -> Result<FileStat, Errno> {
        match self {
            Self::File(file) => fstat(file),
            Self::Named(place) => {
                fstatat(place.directory, place.name, AtFlags::AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Sets owner and group where they differ; where the owner may not be given away, at least
    /// the group.
    fn set_owner(self, uid: u32, gid: u32) -> Result<(), Errno> {
        let now = self.status()?;
        if (now.st_uid, now.st_gid) == (uid, gid) {
            return Ok(());
        }
        let group = Some(Gid::from_raw(gid));
        let result = self.change_owner(Some(Uid::from_raw(uid)), group);
        if result.is_err() && now.st_gid != gid {
            // The caller hears of the first failure whether or not this helps.
            let _ = self.change_owner(None, group);
        }
        result
    }

    fn change_owner(self, uid: Option<Uid>, gid: Option<Gid>) -> Result<(), Errno> {
        match self {
            Self::File(file) => fchown(file, uid, gid),
            Self::Named(place) => fchownat(
                place.directory,
                place.name,
                uid,
                gid,
                AtFlags::AT_SYMLINK_NOFOLLOW,
            ),
        }
    }

    fn set_mode(self, mode: u32) -> Result<(), Errno> {
        let mode = Mode::from_bits_truncate(mode);
        match self {
            Self::File(file) => fchmod(file, mode),
            Self::Named(place) => fchmodat(
                place.directory,
                place.name,
                mode,
                FchmodatFlags::NoFollowSymlink,
            ),
        }
    }

    fn set_modified(self, time: FileTime) -> Result<(), Errno> {
        let modified = TimeSpec::new(time.seconds, time.nanos.into());
        match self {
            Self::File(file) => futimens(file, &TimeSpec::UTIME_OMIT, &modified),
            Self::Named(place) => utimensat(
                place.directory,
                place.name,
                &TimeSpec::UTIME_OMIT,
                &modified,
                UtimensatFlags::NoFollowSymlink,
            ),
        }
    }

    fn set_attribute(self, name: &[u8], value: &[u8]) -> io::Result<()> {
        let name = OsStr::from_bytes(name);
        match self {
            Self::File(file) => file.set_xattr(name, value),
            Self::Named(place) => xattr::set(place.through_proc(), name, value),
        }
    }

    /// Removes an attribute that need not be there.
    fn remove_attribute(self, name: &[u8]) {
        let name = OsStr::from_bytes(name);
        let _ = match self {
            Self::File(file) => file.remove_xattr(name),
            Self::Named(place) => xattr::remove(place.through_proc(), name),
        };
    }
}
