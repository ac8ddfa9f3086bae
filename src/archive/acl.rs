//! POSIX access control lists: the kernel's binary form and the text in tar archives.
//!
//! Binary: `system.posix_acl_access` and `system.posix_acl_default` (Linux
//! `include/uapi/linux/posix_acl_xattr.h`): version 2 and 8-byte entries, little-endian.
//! Text: the short form of POSIX 1003.1e draft 17, 23.3.2, with a fourth field holding the numeric
//! id as star writes it, in `SCHILY.acl.access` and `SCHILY.acl.default`.

use nix::unistd::{Gid, Group, Uid, User};

use super::owner::OwnerNames;

const VERSION: u32 = 2;
const NO_ID: u32 = u32::MAX;

/// Whom an ACL entry is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AclSubject {
    /// The file's owner (`ACL_USER_OBJ`, 01h).
    Owner,
    /// A user (`ACL_USER`, 02h).
    User(u32),
    /// The file's group (`ACL_GROUP_OBJ`, 04h).
    OwningGroup,
    /// A group (`ACL_GROUP`, 08h).
    Group(u32),
    /// Upper bound for users and groups (`ACL_MASK`, 10h).
    Mask,
    /// Everyone else (`ACL_OTHER`, 20h).
    Other,
}

/// One entry of an ACL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AclEntry {
    /// Whom it is about.
    pub subject: AclSubject,
    /// Read 4, write 2, execute 1.
    pub permissions: u8,
}

/// A POSIX access control list, in the kernel's order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Acl {
    /// Its entries.
    pub entries: Vec<AclEntry>,
}

impl Acl {
    /// Decodes the value of a `system.posix_acl_*` attribute; `None` if it is not one.
    #[must_use]
    pub fn from_attribute(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*version) != VERSION || rest.len() % 8 != 0 {
            return None;
        }
        let entries = rest
            .chunks_exact(8)
            .map(|entry| {
                let tag = u16::from_le_bytes([entry[0], entry[1]]);
                let permissions = u16::from_le_bytes([entry[2], entry[3]]);
                let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
                let subject = match tag {
                    0x01 => AclSubject::Owner,
                    0x02 => AclSubject::User(id),
                    0x04 => AclSubject::OwningGroup,
                    0x08 => AclSubject::Group(id),
                    0x10 => AclSubject::Mask,
                    0x20 => AclSubject::Other,
                    _ => return None,
                };
                let permissions = u8::try_from(permissions).ok().filter(|bits| *bits <= 7)?;
                Some(AclEntry {
                    subject,
                    permissions,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self { entries })
    }

    /// The value of a `system.posix_acl_*` attribute. The kernel wants entries by tag, then by id.
    #[must_use]
    pub fn to_attribute(&self) -> Vec<u8> {
        let mut raw: Vec<(u16, u32, u8)> = self
            .entries
            .iter()
            .map(|entry| {
                let (tag, id) = match entry.subject {
                    AclSubject::Owner => (0x01, NO_ID),
                    AclSubject::User(id) => (0x02, id),
                    AclSubject::OwningGroup => (0x04, NO_ID),
                    AclSubject::Group(id) => (0x08, id),
                    AclSubject::Mask => (0x10, NO_ID),
                    AclSubject::Other => (0x20, NO_ID),
                };
                (tag, id, entry.permissions)
            })
            .collect();
        raw.sort_unstable();
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, id, permissions) in raw {
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&u16::from(permissions).to_le_bytes());
            bytes.extend_from_slice(&id.to_le_bytes());
        }
        bytes
    }

    /// The text form: names where this host has them, the number in their place where not, and
    /// always the number as the fourth field.
    #[must_use]
    pub fn to_text(&self, names: &mut OwnerNames) -> Vec<u8> {
        let mut text = Vec::new();
        for entry in &self.entries {
            if !text.is_empty() {
                text.push(b',');
            }
            let (kind, id) = match entry.subject {
                AclSubject::Owner => ("user", None),
                AclSubject::User(id) => ("user", Some((id, names.user(id)))),
                AclSubject::OwningGroup => ("group", None),
                AclSubject::Group(id) => ("group", Some((id, names.group(id)))),
                AclSubject::Mask => ("mask", None),
                AclSubject::Other => ("other", None),
            };
            text.extend_from_slice(kind.as_bytes());
            text.push(b':');
            match &id {
                Some((id, name)) if name.is_empty() || !fits_acl_text(name) => {
                    text.extend_from_slice(id.to_string().as_bytes());
                }
                Some((_, name)) => text.extend_from_slice(name),
                None => {}
            }
            text.push(b':');
            for (bit, letter) in [(4, b'r'), (2, b'w'), (1, b'x')] {
                text.push(if entry.permissions & bit == 0 {
                    b'-'
                } else {
                    letter
                });
            }
            if let Some((id, _)) = id {
                text.push(b':');
                text.extend_from_slice(id.to_string().as_bytes());
            }
        }
        text
    }

    /// Reads the text form; `None` if it is malformed or names someone unknown here without a
    /// number. The number decides, the name only where there is none.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let entries = text
            .split([',', '\n'])
            .map(|entry| entry.split('#').next().unwrap_or_default().trim())
            .filter(|entry| !entry.is_empty())
            .map(entry_from_text)
            .collect::<Option<Vec<_>>>()?;
        Some(Self { entries })
    }
}

fn fits_acl_text(name: &[u8]) -> bool {
    name.iter()
        .all(|byte| byte.is_ascii_graphic() && !b":,#\\".contains(byte))
}

fn entry_from_text(entry: &str) -> Option<AclEntry> {
    let mut fields = entry.split(':');
    let kind = fields.next()?;
    let mut name = fields.next()?;
    // star and others also write "mask:rwx" and "other:rwx", with one colon.
    let letters = match fields.next() {
        Some(letters) => letters,
        None if matches!(kind, "mask" | "m" | "other" | "o") => std::mem::take(&mut name),
        None => return None,
    };
    let number = fields.next();
    let subject = match (kind, name) {
        ("user" | "u", "") => AclSubject::Owner,
        ("user" | "u", name) => AclSubject::User(identity(number, name, |name| {
            let user = User::from_name(name).ok().flatten()?;
            Some(Uid::as_raw(user.uid))
        })?),
        ("group" | "g", "") => AclSubject::OwningGroup,
        ("group" | "g", name) => AclSubject::Group(identity(number, name, |name| {
            let group = Group::from_name(name).ok().flatten()?;
            Some(Gid::as_raw(group.gid))
        })?),
        ("mask" | "m", "") => AclSubject::Mask,
        ("other" | "o", "") => AclSubject::Other,
        _ => return None,
    };
    Some(AclEntry {
        subject,
        permissions: permissions(letters)?,
    })
}

fn identity(
    number: Option<&str>,
    name: &str,
    look_up: impl FnOnce(&str) -> Option<u32>,
) -> Option<u32> {
    match number {
        Some(number) => number.parse().ok(),
        None => name.parse().ok().or_else(|| look_up(name)),
    }
}

fn permissions(letters: &str) -> Option<u8> {
    letters.bytes().try_fold(0, |bits, letter| {
        Some(match letter {
            b'r' => bits | 4,
            b'w' => bits | 2,
            b'x' => bits | 1,
            b'-' => bits,
            _ => return None,
        })
    })
}
