//! The order in which lines are printed and numbered, and what they come to.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{Case, ItemKind, Line, Manifest, Urgency};
use crate::error::{Error, Result};

/// The lines of a manifest by case: what is urgent first, then by barcode; cases with something
/// urgent first, loose things last. Numbered from one in that order.
#[derive(Debug, Clone)]
pub struct Ordered<'a> {
    /// One for each case that is not empty, and one for what is loose.
    pub groups: Vec<Group<'a>>,
    /// All together.
    pub totals: Totals,
}

/// The lines of one case.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The case; none: loose.
    pub case: Option<&'a Case>,
    /// What is in it.
    pub lines: Vec<Numbered<'a>>,
}

/// A line with its number on the manifest.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<'a> {
    /// From one.
    pub number: usize,
    /// The line.
    pub line: &'a Line,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Cases with something in them.
    pub cases: usize,
    /// Tape cartridges.
    pub cartridges: usize,
    /// Anything else.
    pub other_items: usize,
    /// Cases with nothing in them.
    pub empty_cases: usize,
}

impl Totals {
    /// Counts one line.
    pub(super) fn count(&mut self, line: &Line) {
        match line.kind {
            ItemKind::Cartridge => self.cartridges += 1,
            ItemKind::Other => self.other_items += 1,
        }
    }
}

impl<'a> Ordered<'a> {
    /// Puts the lines in order.
    ///
    /// # Errors
    /// A barcode or case that is there twice, a line in a case that is not.
    pub fn of(manifest: &'a Manifest) -> Result<Self> {
        let wrong = |what: String| {
            Error::failed(format!("manifest {} is not right: {what}", manifest.number))
        };
        let mut places = HashMap::new();
        for (place, case) in manifest.cases.iter().enumerate() {
            if places.insert(&case.code, place).is_some() {
                return Err(wrong(format!("case {} is there twice", case.code)));
            }
        }
        let loose = manifest.cases.len();
        let mut inside: Vec<Vec<&Line>> = vec![Vec::new(); loose + 1];
        let mut seen = HashSet::with_capacity(manifest.lines.len());
        for line in &manifest.lines {
            if !seen.insert(&line.barcode) {
                return Err(wrong(format!("{} is there twice", line.barcode)));
            }
            let place = match &line.case {
                None => loose,
                Some(code) => *places.get(code).ok_or_else(|| {
                    let barcode = &line.barcode;
                    wrong(format!("{barcode} is in case {code}, which is not on it"))
                })?,
            };
            inside[place].push(line);
        }
        let mut totals = Totals {
            empty_cases: inside[..loose].iter().filter(|one| one.is_empty()).count(),
            ..Totals::default()
        };
        let mut filled: Vec<(usize, Vec<&Line>)> = inside
            .into_iter()
            .enumerate()
            .filter(|(_, lines)| !lines.is_empty())
            .collect();
        for (_, lines) in &mut filled {
            lines.sort_by_key(|line| (line.urgency, &line.barcode));
        }
        filled.sort_by_key(|(place, lines)| {
            let urgent = lines
                .first()
                .is_some_and(|line| line.urgency == Urgency::Urgent);
            (*place == loose, !urgent, *place)
        });
        let mut number = 0;
        let groups = filled
            .into_iter()
            .map(|(place, lines)| {
                let case = manifest.cases.get(place);
                totals.cases += usize::from(case.is_some());
                let lines = lines
                    .into_iter()
                    .map(|line| {
                        number += 1;
                        totals.count(line);
                        Numbered { number, line }
                    })
                    .collect();
                Group { case, lines }
            })
            .collect();
        Ok(Self { groups, totals })
    }

    /// All lines with the case each is in.
    pub fn lines(&self) -> impl Iterator<Item = (Option<&'a Case>, Numbered<'a>)> + '_ {
        self.groups
            .iter()
            .flat_map(|group| group.lines.iter().map(|line| (group.case, *line)))
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.totals.cartridges + self.totals.other_items
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}
