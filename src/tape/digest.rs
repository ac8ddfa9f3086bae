//! XXH3-128 over the bytes of a tape file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::id::IdError;

/// XXH3-128 with seed 0 over the bytes of one tape file, blocks joined; `xxhsum -H2` prints the
/// same 32 hexadecimal digits (canonical, big-endian form).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TapeDigest(u128);

impl TapeDigest {
    /// Of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(bytes))
    }

    /// The 16 bytes, most significant first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// From the 16 bytes, most significant first.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for TapeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TapeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TapeDigest({self})")
    }
}

impl FromStr for TapeDigest {
    type Err = IdError;
    /// 32 hexadecimal digits in either case.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .map(Self)
            .ok_or_else(|| IdError {
                text: text.to_owned(),
                expected: "an XXH3-128 digest (32 hexadecimal digits)",
            })
    }
}

impl TryFrom<String> for TapeDigest {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TapeDigest> for String {
    fn from(digest: TapeDigest) -> Self {
        digest.to_string()
    }
}

/// Computes a [`TapeDigest`] piece by piece.
#[derive(Clone, Default)]
pub struct TapeHasher(Box<XxHash3_128>);

impl TapeHasher {
    /// Nothing hashed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Of everything given so far.
    #[must_use]
    pub fn digest(&self) -> TapeDigest {
        TapeDigest(self.0.finish_128())
    }
}

impl fmt::Debug for TapeHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TapeHasher({})", self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by `printf abc | xxhsum -H2` (xxHash 0.8.1).
    const ABC: &str = "06b05ab6733a618578af5f94892f3950";

    #[test]
    fn is_what_xxhsum_prints() {
        assert_eq!(TapeDigest::of(b"abc").to_string(), ABC);
        let mut hasher = TapeHasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.digest(), ABC.parse().unwrap());
    }

    #[test]
    fn text_that_is_no_digest_is_refused() {
        assert!("06b0".parse::<TapeDigest>().is_err());
        assert!(
            "+6b05ab6733a618578af5f94892f3950"
                .parse::<TapeDigest>()
                .is_err()
        );
    }
}
