//! What a tar header says about a member, and its bytes.
//!
//! POSIX.1-2017 `pax`, "pax Interchange Format" and "ustar Interchange Format"; GNU `L` and `K`
//! records and base-256 numbers as in the GNU tar manual, "Basic Tar Format".

use super::block::{Block, Magic, TypeFlag, padding};
use super::member::{FileTime, IndexEntry, MemberKind};
use super::pax::{self, push_record};
use super::sparse::SparseMap;

/// Longest name in the header's own `name` and `linkname` fields.
const NAME_FIELD: usize = 100;
/// Longest owner or group name in the header's own fields.
const OWNER_FIELD: usize = 31;
/// Largest number in an 8-byte octal field.
const MAX_OCTAL_7: u64 = 0o7_777_777;
/// Largest number in a 12-byte octal field: sizes up to 8 GiB less one, times up to 2242.
const MAX_OCTAL_11: u64 = 0o77_777_777_777;

/// Major and minor number of a device node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceNumber {
    /// Which driver.
    pub major: u32,
    /// Which device of it.
    pub minor: u32,
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExtendedAttribute {
    /// Whole name with its namespace, such as `user.comment`.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// Everything a tar stream says about one member besides its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberHeader {
    /// As in [`super::member::IndexEntry::path`].
    pub path: Vec<u8>,
    /// Kind of the member.
    pub kind: MemberKind,
    /// Permission bits (07777).
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Owner's name, empty if unknown.
    pub owner: Vec<u8>,
    /// Group's name, empty if unknown.
    pub group: Vec<u8>,
    /// Modification time.
    pub modified: FileTime,
    /// Logical size of a regular file in bytes, 0 for all else.
    pub size: u64,
    /// For device nodes.
    pub device: DeviceNumber,
    /// Target of a symbolic link, or path of a hard link's first name; empty for all else.
    pub link: Vec<u8>,
    /// Where the data of a sparse file lies; `None` if it has no holes.
    pub sparse: Option<SparseMap>,
    /// All extended attributes but the ACLs.
    pub attributes: Vec<ExtendedAttribute>,
    /// `SCHILY.acl.access`: the text as stored, see [`super::acl::Acl::from_text`].
    pub access_acl: Option<Vec<u8>>,
    /// `SCHILY.acl.default`, likewise.
    pub default_acl: Option<Vec<u8>>,
}

impl MemberHeader {
    /// What a row of the index tells of a file.
    #[must_use]
    pub fn of_entry(entry: &IndexEntry) -> Self {
        Self {
            path: entry.path.clone(),
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            owner: Vec::new(),
            group: Vec::new(),
            modified: entry.modified,
            size: entry.size,
            device: DeviceNumber { major: 0, minor: 0 },
            link: Vec::new(),
            sparse: None,
            attributes: Vec::new(),
            access_acl: None,
            default_acl: None,
        }
    }

    /// Bytes of data that follow the headers, without padding.
    #[must_use]
    pub fn stored_size(&self) -> u64 {
        match &self.sparse {
            Some(map) => map.stored(),
            None => self.size,
        }
    }

    /// All bytes before the data: `K`, `L` and pax records where needed, the header, the map of a
    /// sparse file (GNU format 1.0). A multiple of 512.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let map = self.sparse.as_ref().map(|map| map.to_bytes(self.size));
        let stored = self.stored_size() + map.as_ref().map_or(0, |map| map.len() as u64);
        let mut records = Vec::new();
        let mut bytes = Vec::new();
        let mut block = Block::new(self.type_flag(), Magic::Ustar);

        self.put_name(&mut block, &mut bytes, &mut records);
        self.put_link(&mut block, &mut bytes, &mut records);
        self.put_numbers(&mut block, &mut records, stored);
        put_owner(&mut records, "uname", &self.owner, |name| {
            block.set_user_name(name);
        });
        put_owner(&mut records, "gname", &self.group, |name| {
            block.set_group_name(name);
        });
        if self.sparse.is_some() {
            push_record(&mut records, b"GNU.sparse.major", b"1");
            push_record(&mut records, b"GNU.sparse.minor", b"0");
            let size = self.size.to_string();
            push_record(&mut records, b"GNU.sparse.realsize", size.as_bytes());
        }
        if let Some(acl) = &self.access_acl {
            push_record(&mut records, b"SCHILY.acl.access", acl);
        }
        if let Some(acl) = &self.default_acl {
            push_record(&mut records, b"SCHILY.acl.default", acl);
        }
        for attribute in &self.attributes {
            let key = pax::attribute_key(&attribute.name);
            push_record(&mut records, &key, &attribute.value);
        }
        if !records.is_empty() {
            push_special(&mut bytes, TypeFlag::PaxExtended, &records);
        }
        bytes.extend_from_slice(&block.finish());
        bytes.extend_from_slice(map.as_deref().unwrap_or_default());
        bytes
    }

    fn type_flag(&self) -> TypeFlag {
        match self.kind {
            MemberKind::File => TypeFlag::Regular,
            MemberKind::HardLink => TypeFlag::HardLink,
            MemberKind::Symlink => TypeFlag::Symlink,
            MemberKind::CharacterDevice => TypeFlag::CharacterDevice,
            MemberKind::BlockDevice => TypeFlag::BlockDevice,
            MemberKind::Directory => TypeFlag::Directory,
            MemberKind::Fifo => TypeFlag::Fifo,
        }
    }

    fn put_name(&self, block: &mut Block, before: &mut Vec<u8>, records: &mut Vec<u8>) {
        let mut name = self.path.clone();
        if self.kind == MemberKind::Directory {
            name.push(b'/');
        }
        let text = std::str::from_utf8(&name).is_ok();
        if self.sparse.is_some() && text {
            // A reader that does not know sparse files must not take map and data for the file.
            push_record(records, b"GNU.sparse.name", &name);
            let (_, last) = super::descent::split_last(&name);
            let stand_in = [b"GNUSparseFile.0/", last].concat();
            block.set_name(&stand_in[..stand_in.len().min(NAME_FIELD)]);
        } else if name.len() <= NAME_FIELD {
            block.set_name(&name);
        } else if let Some((prefix, rest)) = split_for_prefix(&name) {
            block.set_name(rest);
            block.set_prefix(prefix);
        } else {
            if text {
                push_record(records, b"path", &name);
            } else {
                push_long(before, TypeFlag::GnuLongName, &name);
            }
            block.set_name(&name[..NAME_FIELD]);
        }
    }

    fn put_link(&self, block: &mut Block, before: &mut Vec<u8>, records: &mut Vec<u8>) {
        if self.link.len() <= NAME_FIELD {
            block.set_link_name(&self.link);
            return;
        }
        if std::str::from_utf8(&self.link).is_ok() {
            push_record(records, b"linkpath", &self.link);
        } else {
            push_long(before, TypeFlag::GnuLongLink, &self.link);
        }
        block.set_link_name(&self.link[..NAME_FIELD]);
    }

    fn put_numbers(&self, block: &mut Block, records: &mut Vec<u8>, stored: u64) {
        block.set_mode(self.mode);
        for (key, number) in [("uid", self.uid), ("gid", self.gid)] {
            if u64::from(number) > MAX_OCTAL_7 {
                push_record(records, key.as_bytes(), number.to_string().as_bytes());
            }
        }
        block.set_uid(u64::from(self.uid).min(MAX_OCTAL_7));
        block.set_gid(u64::from(self.gid).min(MAX_OCTAL_7));
        if stored > MAX_OCTAL_11 {
            push_record(records, b"size", stored.to_string().as_bytes());
        }
        block.set_size(stored.min(MAX_OCTAL_11));
        let seconds = u64::try_from(self.modified.seconds).unwrap_or(0);
        let exact = seconds <= MAX_OCTAL_11 && self.modified.seconds >= 0;
        if !exact || self.modified.nanos != 0 {
            push_record(
                records,
                b"mtime",
                pax::format_time(self.modified).as_bytes(),
            );
        }
        block.set_modified(seconds.min(MAX_OCTAL_11));
        if matches!(
            self.kind,
            MemberKind::CharacterDevice | MemberKind::BlockDevice
        ) {
            block.set_device(self.device);
        }
    }
}

/// Splits a long name at a slash so that both parts fit the ustar `prefix` (155) and `name` (100).
fn split_for_prefix(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() > 155 + 1 + NAME_FIELD {
        return None;
    }
    let first = name.len().checked_sub(NAME_FIELD + 1)?;
    // The name part must not be empty: the trailing slash of a directory is no place to split.
    let last = 155.min(name.len() - 2);
    let slash = (first.max(1)..=last).find(|at| name[*at] == b'/')?;
    Some((&name[..slash], &name[slash + 1..]))
}

fn put_owner(records: &mut Vec<u8>, key: &str, name: &[u8], set: impl FnOnce(&[u8])) {
    if name.len() > OWNER_FIELD || !name.is_ascii() {
        if std::str::from_utf8(name).is_ok() {
            push_record(records, key.as_bytes(), name);
            set(b"");
        } else {
            set(&name[..name.len().min(OWNER_FIELD)]);
        }
    } else {
        set(name);
    }
}

/// A GNU long name or link: the name and a NUL as the data of a member of its own.
fn push_long(bytes: &mut Vec<u8>, flag: TypeFlag, name: &[u8]) {
    let mut block = Block::new(flag, Magic::Gnu);
    block.set_name(b"././@LongLink");
    block.set_size(name.len() as u64 + 1);
    bytes.extend_from_slice(&block.finish());
    bytes.extend_from_slice(name);
    bytes.push(0);
    bytes.resize(bytes.len() + padding(name.len() as u64 + 1), 0);
}

fn push_special(bytes: &mut Vec<u8>, flag: TypeFlag, records: &[u8]) {
    let mut block = Block::new(flag, Magic::Ustar);
    block.set_name(b"PaxHeaders/member");
    block.set_mode(0o644);
    block.set_size(records.len() as u64);
    bytes.extend_from_slice(&block.finish());
    bytes.extend_from_slice(records);
    bytes.resize(bytes.len() + padding(records.len() as u64), 0);
}
