//! What the manifest of a raw copy says.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::RawError;
use crate::files;
use crate::id::Barcode;
use crate::tape::TapeDigest;

/// Name of the manifest in the folder.
const MANIFEST: &str = "manifest.json";
/// What the manifest calls itself.
const FORMAT: &str = "tapeward raw copy 1";

/// Blocks of one length behind each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Bytes of each.
    pub length: u32,
    /// How many.
    pub count: u64,
}

/// A place on the tape that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadPlace {
    /// Logical address of the first block that is missing.
    pub address: u64,
    /// How many blocks of the tape file were read before it.
    pub behind_blocks: u64,
    /// How many blocks are missing; none: all up to the next filemark.
    pub blocks: Option<u64>,
    /// The drive's answer.
    pub why: String,
}

/// A tape file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawFile {
    /// Its number on the tape, from 0.
    pub number: u32,
    /// Name of the file beside the manifest.
    pub name: String,
    /// Logical address of its first block.
    pub first_block: u64,
    /// Its blocks that were read.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their lengths, in order.
    pub lengths: Vec<Run>,
    /// Logical address of the filemark that ends it, where there is one.
    pub filemark: Option<u64>,
    /// XXH3-128 of its bytes, when it is whole.
    pub xxh3_128: Option<TapeDigest>,
    /// SHA-256 of its bytes in lower-case hexadecimal, when it is whole.
    pub sha256: Option<String>,
    /// What could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<BadPlace>,
}

/// Where reading ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "at")]
pub enum RawEnd {
    /// Nothing is recorded behind it.
    EndOfData,
    /// At the end of the tape.
    EndOfMedium,
    /// At a place behind which nothing can be read.
    Unreadable {
        /// The drive's answer.
        why: String,
    },
}

/// A raw copy of a tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawManifest {
    /// Which kind of document this is.
    format: String,
    /// The cartridge.
    pub barcode: Barcode,
    /// What wrote it, in a word.
    pub kind: String,
    /// What its beginning says, in words.
    pub found: String,
    /// When reading began.
    pub began: DateTime<Utc>,
    /// When it ended; absent: it goes on at `next_block`.
    pub finished: Option<DateTime<Utc>>,
    /// The tape files, in order.
    pub files: Vec<RawFile>,
    /// Logical address of the next block to read.
    pub next_block: u64,
    /// Where reading ended.
    pub end: Option<RawEnd>,
}

/// Name of the file with a tape file's bytes.
#[must_use]
pub fn file_name(number: u32) -> String {
    format!("{number:06}.raw")
}

impl RawManifest {
    /// A copy about to begin.
    #[must_use]
    pub fn new(barcode: Barcode, kind: &str, found: String, began: DateTime<Utc>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            barcode,
            kind: kind.to_owned(),
            found,
            began,
            finished: None,
            files: Vec::new(),
            next_block: 0,
            end: None,
        }
    }

    /// Reads the manifest of a folder, if it has one.
    ///
    /// # Errors
    /// [`RawError::Manifest`] when it is not one.
    pub fn load(folder: &Path) -> Result<Option<Self>, RawError> {
        let path = folder.join(MANIFEST);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(RawError::file(&path))?,
        };
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| RawError::Manifest {
                what: format!("{} is no manifest of a raw copy: {error}", path.display()),
            })?;
        if manifest.format != FORMAT {
            return Err(RawError::Manifest {
                what: format!(
                    "{} is of another format: {}",
                    path.display(),
                    manifest.format
                ),
            });
        }
        Ok(Some(manifest))
    }

    /// Writes it, whole or not at all.
    pub fn save(&self, folder: &Path) -> Result<(), RawError> {
        let path = folder.join(MANIFEST);
        let wrong = |error: &dyn std::fmt::Display| RawError::Manifest {
            what: format!("cannot write {}: {error}", path.display()),
        };
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| wrong(&error))?;
        bytes.push(b'\n');
        files::write_atomically(&path, &bytes).map_err(|error| wrong(&error))
    }

    /// How many places could not be read.
    #[must_use]
    pub fn bad_places(&self) -> u64 {
        let bad: usize = self.files.iter().map(|file| file.bad.len()).sum();
        let end = matches!(self.end, Some(RawEnd::Unreadable { .. }));
        bad as u64 + u64::from(end)
    }

    /// Bytes read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
