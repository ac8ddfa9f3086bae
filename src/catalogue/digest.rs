//! Digests as the catalogue keeps them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::sql::{from_hexadecimal, hexadecimal, text_column};
use crate::id::IdError;
use crate::tape::TapeDigest;

/// BLAKE3 of a file, as `b3sum` prints it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest(pub [u8; 32]);

text_column!(ContentDigest, TapeDigest);

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

impl FromStr for ContentDigest {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        from_hexadecimal(text).map(Self).ok_or_else(|| IdError {
            text: text.to_owned(),
            expected: "a BLAKE3 digest (64 hexadecimal digits)",
        })
    }
}

impl TryFrom<String> for ContentDigest {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ContentDigest> for String {
    fn from(digest: ContentDigest) -> Self {
        digest.to_string()
    }
}

impl From<blake3::Hash> for ContentDigest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}
