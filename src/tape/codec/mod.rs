//! How the bytes of a segment or an index become the bytes on tape.
//!
//! A segment is complete in itself: its tar bytes are cut into zstd frames of a fixed plaintext
//! size (where compression is on), and all frames together are one age file with a file key of
//! its own (where encryption is on). `age -d` and `zstd -d` read it back.

mod age_bounds;
mod decoder;
mod encoder;
mod frames;
mod random;
mod stanzas;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use decoder::decode;
pub use encoder::{Encoded, Encoder};
pub use frames::{FrameSize, FrameTable};
pub use random::PlaintextReader;
pub use stanzas::recipient_stanzas;

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
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 4] = [Self::None, Self::Zstd, Self::Age, Self::ZstdAge];

    /// Whether there are zstd frames.
    #[must_use]
    pub fn is_compressed(self) -> bool {
        matches!(self, Self::Zstd | Self::ZstdAge)
    }

    /// Whether it takes an identity to read it.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Age | Self::ZstdAge)
    }

    /// The same encryption without compression, for indexes, which are compressed already.
    #[must_use]
    pub fn without_compression(self) -> Self {
        if self.is_encrypted() {
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
