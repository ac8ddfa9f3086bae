//! What a person is in the middle of.

use std::collections::BTreeSet;
use std::sync::Arc;

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
    #[serde(with = "shared")]
    pub expected: Arc<BTreeSet<Barcode>>,
    /// What was accepted, in order.
    pub done: Vec<Barcode>,
    /// How much of that is not expected.
    #[serde(default)]
    pub extra: u32,
    /// What was in the case before.
    #[serde(default)]
    pub inside: Vec<Barcode>,
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
            expected: Arc::default(),
            done: Vec::new(),
            extra: 0,
            inside: Vec::new(),
            wrong: 0,
            sight: Sight::Open,
            second_of: None,
        }
    }

    /// Something was accepted.
    pub fn accept(&mut self, barcode: &Barcode) {
        self.extra += u32::from(!self.expected.contains(barcode));
        self.done.push(barcode.clone());
    }

    /// The last that was accepted is not, after all.
    pub fn take_back(&mut self) -> Option<Barcode> {
        let barcode = self.done.pop()?;
        self.extra -= u32::from(!self.expected.contains(&barcode));
        Some(barcode)
    }

    /// The same with what was expected and accepted.
    #[must_use]
    pub fn with(self, expected: BTreeSet<Barcode>, done: &[Barcode]) -> Self {
        let mut task = Self {
            expected: Arc::new(expected),
            done: Vec::with_capacity(done.len()),
            extra: 0,
            ..self
        };
        for barcode in done {
            task.accept(barcode);
        }
        task
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
        let of = number(self.expected.len()) + self.extra;
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

/// A task as it is kept: what is expected and the lines are on record beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    errand: Errand,
    spot: Option<Spot>,
    wrong: u32,
    sight: Sight,
    second_of: Option<CountId>,
    inside: Vec<Barcode>,
}

impl Kept {
    pub(super) fn of(task: &Task) -> Self {
        Self {
            errand: task.errand,
            spot: task.spot.clone(),
            wrong: task.wrong,
            sight: task.sight,
            second_of: task.second_of,
            inside: task.inside.clone(),
        }
    }

    /// The task again.
    pub(super) fn whole(self, expected: BTreeSet<Barcode>, lines: Vec<Barcode>) -> Task {
        let mut done = self.inside.clone();
        done.extend(lines);
        Task {
            spot: self.spot,
            inside: self.inside,
            wrong: self.wrong,
            sight: self.sight,
            second_of: self.second_of,
            ..Task::new(self.errand)
        }
        .with(expected, &done)
    }
}

/// A set that many states have in common, as JSON.
mod shared {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::id::Barcode;

    pub(super) fn serialize<S: Serializer>(
        set: &Arc<BTreeSet<Barcode>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        set.as_ref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Arc<BTreeSet<Barcode>>, D::Error> {
        BTreeSet::deserialize(from).map(Arc::new)
    }
}
