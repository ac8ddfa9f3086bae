//! Digests as the catalogue keeps them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::sql::{from_hexadecimal, hexadecimal, text_column};
use crate::id::IdError;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $length:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hexadecimal(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                from_hexadecimal(text).map(Self).ok_or_else(|| IdError {
                    text: text.to_owned(),
                    expected: $what,
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> Self {
                digest.to_string()
            }
        }

        text_column!($name);
    };
}

digest!(
    /// XXH3-128 with seed 0 over the bytes of a tape file, in its canonical (big-endian) form, as
    /// `xxhsum -H128` prints it.
    SegmentDigest,
    16,
    "an XXH3-128 digest (32 hexadecimal digits)"
);
digest!(
    /// BLAKE3 of a file, as `b3sum` prints it.
    ContentDigest,
    32,
    "a BLAKE3 digest (64 hexadecimal digits)"
);

impl SegmentDigest {
    /// From the number the hash function returns.
    #[must_use]
    pub fn from_xxh3(value: u128) -> Self {
        Self(value.to_be_bytes())
    }
}

impl From<blake3::Hash> for ContentDigest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}
