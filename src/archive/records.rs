//! What pax extended headers say about the next member.

use std::collections::BTreeMap;

use super::header::ExtendedAttribute;
use super::member::FileTime;
use super::pax::{attribute_name, parse_time, take_record};
use super::problem::{ArchiveError, Malformation};

/// Values that override the header block.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    path: Option<Vec<u8>>,
    pub(super) linkpath: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) mtime: Option<FileTime>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) uname: Option<Vec<u8>>,
    pub(super) gname: Option<Vec<u8>>,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) access_acl: Option<Vec<u8>>,
    pub(super) default_acl: Option<Vec<u8>>,
    sparse_name: Option<Vec<u8>>,
    sparse_major: Option<u64>,
    sparse_minor: Option<u64>,
    sparse_real_size: Option<u64>,
    /// A record of the sparse formats 0.0 and 0.1, which nothing has written since 2006.
    old_sparse: bool,
}

impl Records {
    /// Adds the records of one extended header; later ones override earlier ones, and an empty
    /// value goes back to the header block.
    pub(super) fn parse(&mut self, mut body: &[u8], offset: u64) -> Result<(), ArchiveError> {
        let bad = || ArchiveError::Malformed {
            offset,
            what: Malformation::PaxRecord,
        };
        while !body.is_empty() {
            let (key, value, rest) = take_record(body).ok_or_else(bad)?;
            self.take(key, value).ok_or_else(bad)?;
            body = rest;
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = text(value),
            b"linkpath" => self.linkpath = text(value),
            b"uname" => self.uname = text(value),
            b"gname" => self.gname = text(value),
            b"size" => self.size = decimal(value)?,
            b"uid" => self.uid = decimal(value)?,
            b"gid" => self.gid = decimal(value)?,
            b"mtime" => {
                self.mtime = match value {
                    b"" => None,
                    value => Some(parse_time(value)?),
                }
            }
            b"SCHILY.acl.access" => self.access_acl = text(value),
            b"SCHILY.acl.default" => self.default_acl = text(value),
            b"GNU.sparse.name" => self.sparse_name = text(value),
            b"GNU.sparse.major" => self.sparse_major = decimal(value)?,
            b"GNU.sparse.minor" => self.sparse_minor = decimal(value)?,
            b"GNU.sparse.realsize" => self.sparse_real_size = decimal(value)?,
            key if key.starts_with(b"GNU.sparse.") => self.old_sparse = true,
            key => {
                if let Some(name) = attribute_name(key) {
                    self.attributes.insert(name, value.to_vec());
                }
            }
        }
        Some(())
    }

    /// The member's name, if a record gives it.
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.sparse_name.as_deref().or(self.path.as_deref())
    }

    /// Extended attributes, sorted by name.
    pub(super) fn take_attributes(&mut self) -> Vec<ExtendedAttribute> {
        std::mem::take(&mut self.attributes)
            .into_iter()
            .map(|(name, value)| ExtendedAttribute { name, value })
            .collect()
    }

    /// Logical size of a sparse file in GNU format 1.0; `None` if the member is not sparse.
    pub(super) fn sparse_size(&self, offset: u64) -> Result<Option<u64>, ArchiveError> {
        match (self.sparse_major, self.sparse_minor, self.sparse_real_size) {
            (None, None, None) if !self.old_sparse => Ok(None),
            (Some(1), Some(0), Some(size)) => Ok(Some(size)),
            _ => Err(ArchiveError::Malformed {
                offset,
                what: Malformation::SparseMap,
            }),
        }
    }
}

fn text(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

/// `Some(None)` for an empty value, `None` for anything that is not a number in range.
#[allow(clippy::option_option)] // absent and malformed differ
fn decimal<N: std::str::FromStr>(value: &[u8]) -> Option<Option<N>> {
    if value.is_empty() {
        return Some(None);
    }
    let text = std::str::from_utf8(value).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().map(Some)
}
