//! Which manifest.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "cm-1", "CM 1", "CM-2026-0014-AND-MORE"] {
            assert!(text.parse::<ManifestNumber>().is_err(), "{text}");
        }
        assert_eq!(
            "CM-2026-0014".parse::<ManifestNumber>().unwrap().as_str(),
            "CM-2026-0014"
        );
    }
}
