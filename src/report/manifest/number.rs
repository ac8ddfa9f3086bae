//! Which manifest, and which print of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The number of a manifest: 1 to 20 capital letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ManifestNumber(String);

impl ManifestNumber {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ManifestNumber {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let known = |one: u8| one.is_ascii_uppercase() || one.is_ascii_digit() || one == b'-';
        if text.is_empty() || text.len() > 20 || !text.bytes().all(known) {
            return Err(
                Error::usage(format!("\"{text}\" is not the number of a manifest"))
                    .hint("1 to 20 capital letters, digits and hyphens"),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ManifestNumber {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ManifestNumber> for String {
    fn from(number: ManifestNumber) -> Self {
        number.0
    }
}

impl fmt::Display for ManifestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which print of a manifest: A, B, ... Z, AA, AB, ... Every change after printing is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(u32);

impl Revision {
    /// A.
    pub const FIRST: Self = Self(0);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = Vec::new();
        // Letters are digits without a zero: after Z comes AA.
        let mut rest = u64::from(self.0) + 1;
        while rest > 0 {
            rest -= 1;
            letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
            rest /= 26;
        }
        f.pad(&letters.iter().rev().collect::<String>())
    }
}

impl FromStr for Revision {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::usage(format!("\"{text}\" is not a revision")).hint("A, B, ... Z, AA, AB, ...")
        };
        // Four letters are 475,254 revisions.
        if text.is_empty() || text.len() > 4 || !text.bytes().all(|one| one.is_ascii_uppercase()) {
            return Err(wrong());
        }
        let value = text
            .bytes()
            .fold(0, |value, one| value * 26 + u32::from(one - b'A') + 1);
        Ok(Self(value - 1))
    }
}

impl TryFrom<String> for Revision {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_count_in_letters() {
        let mut revision = Revision::FIRST;
        let mut texts = Vec::new();
        for _ in 0..800 {
            let text = revision.to_string();
            assert_eq!(text.parse::<Revision>().unwrap(), revision);
            texts.push(text);
            revision = revision.next();
        }
        assert_eq!(texts[0], "A");
        assert_eq!(texts[25..28], ["Z", "AA", "AB"]);
        assert_eq!(texts[701..703], ["ZZ", "AAA"]);
        assert!("Z".parse::<Revision>().unwrap() < "AA".parse().unwrap());
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "a", "1", "A1", "AAAAA"] {
            assert!(text.parse::<Revision>().is_err(), "{text}");
        }
        for text in ["", "cm-1", "CM 1", "CM-2026-0014-AND-MORE"] {
            assert!(text.parse::<ManifestNumber>().is_err(), "{text}");
        }
        assert_eq!(
            "CM-2026-0014".parse::<ManifestNumber>().unwrap().as_str(),
            "CM-2026-0014"
        );
    }
}
