//! What a set is of, in words: it stands in the set's index, which is encrypted where the set is.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue::{Compression, KeyRole, Month, PoolName};
use crate::id::{CopyNumber, KeyId};

/// What somebody who has only the tapes must know about a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of its definition.
    pub name: String,
    /// The folder it was read from, or the command; a byte that is not UTF-8 stands as `\xNN`, a
    /// backslash as `\\`.
    #[serde(with = "escaped")]
    pub source: PathBuf,
    /// The month it is the full of.
    pub month: Month,
    /// How it is compressed.
    pub compression: Compression,
    /// The pool of each copy.
    pub copies: Vec<(CopyNumber, PoolName)>,
    /// The keys it is encrypted to.
    pub keys: Vec<OriginKey>,
    /// Whose data it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Until when each copy must be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<(CopyNumber, DateTime<Utc>)>,
    /// Why it was held when it was written, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// What could not be read or kept when it was written.
    pub problems: u64,
}

/// A key a set is encrypted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginKey {
    /// Its id, as in `part.json`.
    pub id: KeyId,
    /// Its name.
    pub name: String,
    /// Its public half.
    pub recipient: String,
    /// What it is for.
    pub role: KeyRole,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

mod escaped {
    use super::{Deserialize, Deserializer, Path, PathBuf, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &Path, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&super::escape(path))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(from)?;
        super::unescape(&text).ok_or_else(|| serde::de::Error::custom("a path with a bad escape"))
    }
}

fn escape(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn unescape(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        rest = match after.strip_prefix('\\') {
            Some(after) => {
                bytes.push(b'\\');
                after
            }
            None => {
                let digits = after.strip_prefix('x')?;
                bytes.push(u8::from_str_radix(digits.get(..2)?, 16).ok()?);
                digits.get(2..)?
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_path_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let path = PathBuf::from(OsString::from_vec(bytes));
            prop_assert_eq!(unescape(&escape(&path)), Some(path));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = unescape(&text);
        }
    }
}
