//! Elements as people name them: `slot:3`, `mail:1`, `drive:0`, `robot:0` or `@4096`.
//!
//! Numbers follow the order of addresses within a kind and start where the tools operators know
//! start: storage and import/export elements at 1, drives and robots at 0.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use tapeward_drivers::smc::{ElementAddress, ElementKind};

use crate::error::Error;

/// Place of an element among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ElementName {
    /// Kind of the element.
    pub kind: ElementKind,
    /// Number as shown.
    pub number: u16,
}

impl ElementName {
    /// The name of the element at `index` (from 0) among those of its kind.
    #[must_use]
    pub fn at(kind: ElementKind, index: usize) -> Self {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        Self {
            kind,
            number: index.saturating_add(first_number(kind)),
        }
    }
}

fn first_number(kind: ElementKind) -> u16 {
    match kind {
        ElementKind::Storage | ElementKind::ImportExport => 1,
        ElementKind::DataTransfer | ElementKind::MediumTransport => 0,
    }
}

/// An element in words, for people who stand before the library: `slot 3 (@1027)`; only its address
/// where its number is not known.
#[must_use]
pub fn element_words(kind: ElementKind, number: Option<u16>, address: u16) -> String {
    let word = match kind {
        ElementKind::ImportExport => "mail slot",
        other => word(other),
    };
    match number {
        Some(number) => format!("{word} {number} (@{address})"),
        None => format!("{word} @{address}"),
    }
}

fn word(kind: ElementKind) -> &'static str {
    match kind {
        ElementKind::Storage => "slot",
        ElementKind::ImportExport => "mail",
        ElementKind::DataTransfer => "drive",
        ElementKind::MediumTransport => "robot",
    }
}

impl fmt::Display for ElementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", word(self.kind), self.number))
    }
}

impl Serialize for ElementName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a person gave to say which element or cartridge is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `slot:3`
    Name(ElementName),
    /// `@4096`
    Address(ElementAddress),
    /// Anything else: a barcode.
    Barcode(crate::id::Barcode),
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(address) = text.strip_prefix('@') {
            return address
                .parse()
                .map(|address| Self::Address(ElementAddress(address)))
                .map_err(|_| {
                    Error::usage(format!("\"{text}\" is not an element address"))
                        .hint("an address is @ and a number from 0 to 65535")
                });
        }
        for kind in ElementKind::ALL {
            let Some(number) = text
                .strip_prefix(word(kind))
                .and_then(|rest| rest.strip_prefix(':'))
            else {
                continue;
            };
            return number
                .parse()
                .map(|number| Self::Name(ElementName { kind, number }))
                .map_err(|_| {
                    Error::usage(format!("\"{text}\" is not an element"))
                        .hint("elements are slot:1, mail:1, drive:0, robot:0 or @ADDRESS")
                });
        }
        text.parse()
            .map(Self::Barcode)
            .map_err(|error: crate::id::IdError| Error::usage(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("slot:1", ElementKind::Storage, 0)]
    #[case("mail:2", ElementKind::ImportExport, 1)]
    #[case("drive:0", ElementKind::DataTransfer, 0)]
    #[case("robot:1", ElementKind::MediumTransport, 1)]
    fn names_read_back(#[case] text: &str, #[case] kind: ElementKind, #[case] index: usize) {
        let name = ElementName::at(kind, index);
        assert_eq!(name.to_string(), text);
        assert_eq!(text.parse::<Reference>().unwrap(), Reference::Name(name));
    }

    #[test]
    fn other_words_are_barcodes_and_nonsense_is_refused() {
        assert_eq!(
            "TWV001L8".parse::<Reference>().unwrap(),
            Reference::Barcode("TWV001L8".parse().unwrap())
        );
        assert_eq!(
            "@4096".parse::<Reference>().unwrap(),
            Reference::Address(ElementAddress(4096))
        );
        assert!("@70000".parse::<Reference>().is_err());
        assert!("slot:x".parse::<Reference>().is_err());
        assert!("".parse::<Reference>().is_err());
    }
}
