//! What a person is in the middle of.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::answer::Count;
use crate::id::{Barcode, CountId, PlaceCode};

/// What scans are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// Items leave a place.
    Out,
    /// Items come to a place.
    In,
    /// Items go into a case.
    Pack,
    /// What is in a place is counted.
    Count,
}

impl Errand {
    /// The word on the card.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "OUT",
            Self::In => "IN",
            Self::Pack => "PACK",
            Self::Count => "COUNT",
        }
    }

    /// What to scan after the card.
    #[must_use]
    pub fn wants(self) -> &'static str {
        match self {
            Self::Out => "scan the card of the place they leave",
            Self::In => "scan the card of the place they come to",
            Self::Pack => "scan the card of the case",
            Self::Count => "scan the card of the place you count",
        }
    }
}

/// Where a task is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spot {
    /// In a place.
    Place(PlaceCode),
    /// At a case.
    Case(Barcode),
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Place(code) => code.fmt(f),
            Self::Case(case) => write!(f, "case {case}"),
        }
    }
}

/// Whether who counts sees what is expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// Yes.
    #[default]
    Open,
    /// No.
    Blind,
}

/// What a person is in the middle of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What for.
    pub errand: Errand,
    /// Where; nothing until its card was scanned.
    pub spot: Option<Spot>,
    /// What is expected, as it was when the card was scanned.
    pub expected: BTreeSet<Barcode>,
    /// What was accepted, in order.
    pub done: Vec<Barcode>,
    /// How many scans were refused.
    pub wrong: u32,
    /// For counts.
    #[serde(default)]
    pub sight: Sight,
    /// The count this one is the second opinion on.
    #[serde(default)]
    pub second_of: Option<CountId>,
}

impl Task {
    /// A task without a place yet.
    #[must_use]
    pub fn new(errand: Errand) -> Self {
        Self {
            errand,
            spot: None,
            expected: BTreeSet::new(),
            done: Vec::new(),
            wrong: 0,
            sight: Sight::Open,
            second_of: None,
        }
    }

    /// What is expected and was not scanned.
    #[must_use]
    pub fn open(&self) -> Vec<Barcode> {
        let done: BTreeSet<&Barcode> = self.done.iter().collect();
        let open = self.expected.iter().filter(|code| !done.contains(code));
        open.cloned().collect()
    }

    /// How far it is.
    #[must_use]
    pub fn count(&self) -> Count {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let extra = self
            .done
            .iter()
            .filter(|code| !self.expected.contains(code));
        let of = number(self.expected.len() + extra.count());
        Count {
            done: number(self.done.len()),
            of: (self.sight == Sight::Open && !self.expected.is_empty()).then_some(of),
            wrong: self.wrong,
        }
    }

    /// In a few words: `IN SAFE1`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.spot {
            Some(spot) => format!("{} {spot}", self.errand.word()),
            None => self.errand.word().to_owned(),
        }
    }
}
