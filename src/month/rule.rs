//! What a month owes and has: a pure function of the facts and the time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

use super::facts::{CartridgeFacts, CopyFacts, Definition, Expected, Facts, Origin, SetFacts};
use crate::catalogue::{DateChoice, Month, PoolName, SetCopyState, SetState, Waiver};
use crate::id::{Barcode, CopyNumber, SetDefinitionId, SetId};

/// How a full is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is on tape.
    Done,
    /// It need not be.
    Waived,
    /// It is not on tape, and the month is under way.
    Due,
    /// It is not on tape, and the month is over.
    Late,
    /// Its source is not found any more.
    Missing,
    /// It is being written.
    Writing,
    /// It was begun and given up.
    Failed,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Waived => "waived",
            Self::Due => "due",
            Self::Late => "late",
            Self::Missing => "missing",
            Self::Writing => "writing",
            Self::Failed => "failed",
        })
    }
}

/// A month as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Which.
    pub month: Month,
    /// Whether its last day has passed, in UTC.
    pub over: bool,
    /// The fulls, by name.
    pub lines: Vec<Line>,
}

/// A full and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its definition; none: a name that a pattern found the month before.
    pub definition: Option<SetDefinitionId>,
    /// How it stands.
    pub standing: Standing,
    /// The set that counts.
    pub set: Option<SetId>,
    /// When that was begun.
    pub made_at: Option<DateTime<Utc>>,
    /// Whether that was after the month had ended.
    pub made_up: bool,
    /// Who said that it need not be.
    pub waiver: Option<Waiver>,
    /// Its copies.
    pub copies: Vec<CopyLine>,
    /// What keeps the month from being closed.
    pub gaps: Vec<String>,
}

/// A copy and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyLine {
    /// Its number.
    pub copy: CopyNumber,
    /// Its pool.
    pub pool: PoolName,
    /// Its state; none: it was never begun.
    pub state: Option<SetCopyState>,
    /// Where its cartridges belong; none: anywhere that is known.
    pub belongs: Option<String>,
    /// The cartridges.
    pub cartridges: Vec<CartridgeLine>,
}

/// A cartridge and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CartridgeLine {
    /// Its barcode.
    pub barcode: Barcode,
    /// Where it is, in words.
    pub place: String,
    /// When that was last seen.
    pub seen_at: Option<DateTime<Utc>>,
    /// By whom.
    pub seen_by: Option<String>,
    /// Whether it is in its place.
    pub in_place: bool,
}

impl Judgement {
    /// What keeps it from being closed, a line each.
    pub fn gaps(&self) -> impl Iterator<Item = String> {
        self.lines.iter().flat_map(|line| {
            line.gaps
                .iter()
                .map(move |gap| format!("{}: {gap}", line.name))
        })
    }
}

/// The first moment after a month.
fn end_of(month: Month) -> DateTime<Utc> {
    let next = month.last_day().succ_opt().unwrap_or(NaiveDate::MAX);
    next.and_time(NaiveTime::MIN).and_utc()
}

/// Judges a month.
#[must_use]
pub fn judge(facts: &Facts) -> Judgement {
    let mut lines: Vec<Line> = facts
        .definitions
        .iter()
        .filter(|definition| is_expected(facts, definition))
        .map(|definition| line(facts, definition))
        .collect();
    lines.extend(nothing_found(facts, &lines));
    lines.extend(not_followed(facts));
    lines.sort_by(|one, other| one.name.cmp(&other.name));
    for line in &mut lines {
        let waiver = facts.waivers.iter().find(|waiver| waiver.name == line.name);
        if let Some(waiver) = waiver {
            // What is there all the same is shown as what it is.
            if !line.gaps.is_empty() {
                line.standing = Standing::Waived;
            }
            line.gaps.clear();
            line.waiver = Some(waiver.clone());
        }
    }
    Judgement {
        month: facts.month,
        over: facts.now >= end_of(facts.month),
        lines,
    }
}

/// Sets of a month that were not given up: somebody counted on them.
fn had_in(definition: &Definition, month: Month) -> bool {
    let mut sets = definition.sets.iter();
    sets.any(|set| set.month == month && set.state != SetState::Failed)
}

fn is_expected(facts: &Facts, definition: &Definition) -> bool {
    let end = end_of(facts.month);
    let tried = definition.sets.iter().any(|set| set.month == facts.month);
    let defined = definition.created_at < end;
    match &definition.origin {
        Origin::Pattern(_) => false,
        Origin::Given => {
            tried || defined && definition.retired_at.is_none_or(|retired| retired >= end)
        }
        Origin::Found {
            date: Some(date), ..
        } => facts.month.has(*date),
        Origin::Found { date: None, .. } => {
            let in_use = defined && definition.retired_at.is_none();
            let before = facts.month.before();
            tried || in_use || before.is_some_and(|before| had_in(definition, before))
        }
    }
}

/// Patterns in use of which nothing is there at all.
fn nothing_found(facts: &Facts, lines: &[Line]) -> Vec<Line> {
    let end = end_of(facts.month);
    let of_patterns: BTreeSet<SetDefinitionId> = facts
        .definitions
        .iter()
        .filter(|one| lines.iter().any(|line| line.definition == Some(one.id)))
        .filter_map(|one| match &one.origin {
            Origin::Found { pattern, .. } => Some(*pattern),
            _ => None,
        })
        .collect();
    let in_use = |one: &&Definition| {
        matches!(one.origin, Origin::Pattern(_))
            && one.created_at < end
            && one.retired_at.is_none_or(|retired| retired >= end)
            && !of_patterns.contains(&one.id)
    };
    let patterns = facts.definitions.iter().filter(in_use);
    patterns
        .map(|one| {
            let gap = "its pattern has found nothing".to_owned();
            without_set(facts, &one.name, Some(one.id), Standing::Missing, gap)
        })
        .collect()
}

/// Names with a date that were there in the month before, and not once in this one.
fn not_followed(facts: &Facts) -> Vec<Line> {
    let Some(before) = facts.month.before() else {
        return Vec::new();
    };
    let daily: BTreeMap<SetDefinitionId, bool> = facts
        .definitions
        .iter()
        .filter(|one| one.origin == Origin::Pattern(DateChoice::Month))
        .map(|one| (one.id, one.retired_at.is_none_or(|at| at >= end_of(before))))
        .collect();
    let names_in = |month: Month| -> BTreeSet<&str> {
        let dated = facts
            .definitions
            .iter()
            .filter_map(|one| match &one.origin {
                Origin::Found {
                    pattern,
                    base,
                    date: Some(date),
                } if month.has(*date) && daily.get(pattern).copied().unwrap_or(false) => {
                    let there = one.sets.iter().any(|set| set.state != SetState::Failed);
                    (there || month == facts.month).then_some(base.as_str())
                }
                _ => None,
            });
        dated.collect()
    };
    let here = names_in(facts.month);
    names_in(before)
        .difference(&here)
        .map(|name| {
            let gap = format!("it was there in {before} and is not");
            without_set(facts, name, None, Standing::Missing, gap)
        })
        .collect()
}

fn without_set(
    facts: &Facts,
    name: &str,
    definition: Option<SetDefinitionId>,
    standing: Standing,
    gap: String,
) -> Line {
    // While the month is under way it may still come.
    let due = facts.now < end_of(facts.month) && definition.is_none();
    Line {
        name: name.to_owned(),
        definition,
        standing: if due { Standing::Due } else { standing },
        set: None,
        made_at: None,
        made_up: false,
        waiver: None,
        copies: Vec::new(),
        gaps: vec![gap],
    }
}

/// The set that counts: the newest that is on tape, else one that is being written, else the newest.
fn best<'a>(facts: &Facts, definition: &'a Definition) -> Option<&'a SetFacts> {
    let dated = matches!(&definition.origin, Origin::Found { date: Some(_), .. });
    let sets = definition.sets.iter();
    // A folder that came late is of its own month, whichever run took it.
    sets.filter(|set| dated || set.month == facts.month)
        .max_by_key(|set| {
            let rank = match set.state {
                SetState::Complete | SetState::Sealed => 3,
                SetState::Expired => 2,
                SetState::Open => 1,
                SetState::Failed => 0,
            };
            (rank, set.started_at)
        })
}

fn line(facts: &Facts, definition: &Definition) -> Line {
    let end = end_of(facts.month);
    let over = facts.now >= end;
    let found = best(facts, definition);
    let mut gaps = Vec::new();
    let (standing, gap) = match found.map(|set| set.state) {
        Some(SetState::Complete | SetState::Sealed) => (Standing::Done, None),
        Some(SetState::Expired) => (Standing::Done, Some("its retention has ended")),
        Some(SetState::Open) => (Standing::Writing, Some("it is not on tape as a whole yet")),
        Some(SetState::Failed) => (Standing::Failed, Some("it was begun and given up")),
        None if definition.retired_at.is_some_and(|at| at < end) => (
            Standing::Missing,
            Some("it was there in the month before and is not found any more"),
        ),
        None if over => (
            Standing::Late,
            Some("it is not on tape, and the month is over"),
        ),
        None => (Standing::Due, Some("it is not on tape yet")),
    };
    gaps.extend(gap.map(str::to_owned));
    let mut copies = Vec::new();
    if let Some(set) = found.filter(|_| standing == Standing::Done) {
        for copy in &set.copies {
            gaps.extend(copy_gaps(copy));
            copies.push(copy_line(copy));
        }
        for lacking in not_begun(set, &definition.copies) {
            gaps.push(format!(
                "copy {} (pool {}) was never begun",
                lacking.copy, lacking.pool
            ));
            copies.push(never_begun(lacking));
        }
    }
    Line {
        name: definition.name.clone(),
        definition: Some(definition.id),
        standing,
        set: found.map(|set| set.id),
        made_at: found.map(|set| set.started_at),
        made_up: standing == Standing::Done && found.is_some_and(|set| set.started_at >= end),
        waiver: None,
        copies,
        gaps,
    }
}

/// Copies that a set of today has and this one has not.
fn not_begun<'a>(set: &SetFacts, expected: &'a [Expected]) -> impl Iterator<Item = &'a Expected> {
    let there: BTreeSet<CopyNumber> = set.copies.iter().map(|copy| copy.copy).collect();
    let lacking = expected.iter();
    lacking.filter(move |expected| !there.contains(&expected.copy))
}

fn never_begun(expected: &Expected) -> CopyLine {
    CopyLine {
        copy: expected.copy,
        pool: expected.pool.clone(),
        state: None,
        belongs: None,
        cartridges: Vec::new(),
    }
}

fn copy_line(copy: &CopyFacts) -> CopyLine {
    let belongs = copy.belongs.as_deref();
    let cartridges = copy.cartridges.iter().map(|cartridge| CartridgeLine {
        barcode: cartridge.barcode.clone(),
        place: cartridge.place.clone(),
        seen_at: cartridge.seen.as_ref().map(|(at, _)| *at),
        seen_by: cartridge.seen.as_ref().map(|(_, by)| by.clone()),
        in_place: is_in_place(cartridge, belongs),
    });
    CopyLine {
        copy: copy.copy,
        pool: copy.pool.clone(),
        state: Some(copy.state),
        belongs: copy.belongs.clone(),
        cartridges: cartridges.collect(),
    }
}

/// Somebody has seen it there, rather than that it follows from something else.
fn is_in_place(cartridge: &CartridgeFacts, belongs: Option<&str>) -> bool {
    cartridge.seen.is_some() && cartridge.whereabouts.is(belongs)
}

/// What a copy lacks to be good and where it belongs.
fn copy_gaps(copy: &CopyFacts) -> Vec<String> {
    let of_copy = |what: &str| format!("copy {} (pool {}) {what}", copy.copy, copy.pool);
    match copy.state {
        SetCopyState::Verified => {}
        SetCopyState::Complete => return vec![of_copy("was not read back")],
        SetCopyState::Writing | SetCopyState::Incomplete => {
            return vec![of_copy("is not on tape as a whole")];
        }
        SetCopyState::Lost => return vec![of_copy("is lost")],
        SetCopyState::Expired => {
            return vec![of_copy("need not be kept any more, and may be gone")];
        }
    }
    if copy.cartridges.is_empty() {
        return vec![of_copy("is on no cartridge that is known")];
    }
    let belongs = copy.belongs.as_deref();
    let of_cartridge = |cartridge: &CartridgeFacts| {
        let barcode = &cartridge.barcode;
        if cartridge.quarantined {
            return Some(of_copy(&format!("is on {barcode}, which is out of use")));
        }
        if is_in_place(cartridge, belongs) {
            return None;
        }
        let place = &cartridge.place;
        let seen = match &cartridge.seen {
            Some((at, by)) => format!("last seen {} by {by}", at.format("%Y-%m-%d")),
            None => "not seen there".to_owned(),
        };
        Some(of_copy(&match belongs {
            Some(home) => {
                format!("is on {barcode}, which belongs in {home} and is: {place}, {seen}")
            }
            None => format!("is on {barcode}, which is not where media are kept: {place}, {seen}"),
        }))
    };
    copy.cartridges.iter().filter_map(of_cartridge).collect()
}
