//! How the bytes of a segment or an index become the bytes on tape.
//!
//! A segment is complete in itself: its tar bytes are cut into zstd frames of a fixed plaintext
//! size (where compression is on), and all frames together are one age file with a file key of
//! its own (where encryption is on). `age -d` and `zstd -d` read it back.

mod age_bounds;
mod age_header;
mod age_payload;
mod age_reader;
mod age_writer;
mod crew;
mod decoder;
mod encoder;
mod frame_writer;
mod frames;
mod job;
mod random;
mod stanzas;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vector_tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use decoder::decode;
pub use encoder::{CodedOutput, Encoded, Encoder, Window};
pub use frames::{FrameSize, FrameTable};
pub use random::PlaintextReader;
pub use stanzas::recipient_stanzas;

use crate::id::IdError;

/// Compression and encryption of one file on tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// As it is.
    #[serde(rename = "none")]
    None,
    /// zstd frames.
    #[serde(rename = "zstd")]
    Zstd,
    /// One age file.
    #[serde(rename = "age")]
    Age,
    /// zstd frames in one age file.
    #[serde(rename = "zstd+age")]
    ZstdAge,
    /// As it is; the drive encrypts it on its way to the tape.
    #[serde(rename = "drive")]
    Drive,
    /// zstd frames; the drive encrypts them on their way to the tape.
    #[serde(rename = "zstd+drive")]
    ZstdDrive,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Zstd,
        Self::Age,
        Self::ZstdAge,
        Self::Drive,
        Self::ZstdDrive,
    ];

    /// Whether there are zstd frames.
    #[must_use]
    pub fn is_compressed(self) -> bool {
        matches!(self, Self::Zstd | Self::ZstdAge | Self::ZstdDrive)
    }

    /// Whether it is one age file.
    #[must_use]
    pub fn is_age(self) -> bool {
        matches!(self, Self::Age | Self::ZstdAge)
    }

    /// Whether the drive encrypts and decrypts it, so that the host has it in clear.
    #[must_use]
    pub fn is_by_drive(self) -> bool {
        matches!(self, Self::Drive | Self::ZstdDrive)
    }

    /// For indexes, which are compressed already: an age file wherever the segments are encrypted.
    #[must_use]
    pub fn for_index(self) -> Self {
        if self.is_age() || self.is_by_drive() {
            Self::Age
        } else {
            Self::None
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zstd => "zstd",
            Self::Age => "age",
            Self::ZstdAge => "zstd+age",
            Self::Drive => "drive",
            Self::ZstdDrive => "zstd+drive",
        }
    }

    /// Columns 59-60 of UHL1 and UTL1.
    #[must_use]
    pub fn columns(self) -> &'static str {
        match self {
            Self::None => "--",
            Self::Zstd => "Z-",
            Self::Age => "-A",
            Self::ZstdAge => "ZA",
            Self::Drive => "-D",
            Self::ZstdDrive => "ZD",
        }
    }

    /// The codec with these columns.
    #[must_use]
    pub fn from_columns(columns: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.columns() == columns)
    }
}

impl std::str::FromStr for Codec {
    type Err = IdError;
    /// Its name.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let named = Self::ALL.into_iter().find(|codec| codec.name() == text);
        named.ok_or_else(|| IdError {
            text: text.to_owned(),
            expected: "a codec (none, zstd, age, zstd+age, drive, zstd+drive)",
        })
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Why bytes cannot be encoded or decoded.
#[derive(Debug, Error)]
pub enum CodecError {
    /// Encryption is asked for and there is nobody to encrypt to.
    #[error("the codec {0} needs at least one recipient")]
    NoRecipient(Codec),
    /// Encrypting failed.
    #[error("encrypting: {0}")]
    Encrypt(#[source] age::EncryptError),
    /// None of the identities given opens the file, or none was given.
    #[error("none of the {tried} identities given opens this file: it was encrypted to others")]
    WrongIdentity {
        /// How many were tried.
        tried: usize,
    },
    /// Not an age file, or a damaged one.
    #[error("decrypting: {0}")]
    Decrypt(#[source] age::DecryptError),
    /// Reading, writing or (de)compressing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The table does not describe the bytes read.
    #[error("the frame table is wrong: {0}")]
    FrameTable(String),
}
