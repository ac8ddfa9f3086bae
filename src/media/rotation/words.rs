//! A plan with names instead of positions.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Serialize;

use super::Request;
use crate::progress::counted;
use crate::rotation::{
    Action, Line, PlaceIndex, Plan, SetIndex, Snapshot, Start, Trouble, VolumeIndex, Warning,
};

/// A plan for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedPlan {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// What is to be done, by day.
    pub lines: Vec<NamedLine>,
    /// What will need a person.
    pub warnings: Vec<NamedWarning>,
    /// What had to be assumed.
    pub notes: Vec<String>,
}

/// A line; what does not apply is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedLine {
    /// When.
    pub date: NaiveDate,
    /// `write`, `go-out`, `come-home`, `expire`, `scratch`, `purchase`.
    pub action: &'static str,
    /// Which cartridge; what is to be bought has no barcode yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cartridge: Option<String>,
    /// How many are bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// When what is bought is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<NaiveDate>,
    /// What is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The day the set is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_date: Option<NaiveDate>,
    /// The copy's pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether it is written behind what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appended: Option<bool>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why: the code.
    pub reason: &'static str,
    /// Why, in words.
    pub why: &'static str,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedWarning {
    /// The day it is about.
    pub date: NaiveDate,
    /// The code.
    pub code: &'static str,
    /// What, and what to do.
    pub what: String,
}

struct Names<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
}

pub(super) fn name(
    snapshot: &Snapshot,
    plan: &Plan,
    request: &Request,
    mut notes: Vec<String>,
) -> NamedPlan {
    let names = Names { snapshot, plan };
    // A series whose pools have no place of their own may well be meant so; it is said once.
    let stay: BTreeSet<&str> = snapshot
        .pools
        .iter()
        .filter(|pool| pool.keep_at == snapshot.library)
        .map(|pool| pool.name.as_str())
        .collect();
    if !stay.is_empty() {
        let pools: Vec<&str> = stay.into_iter().collect();
        notes.push(format!(
            "what is written stays in the library, for its pool names no other place: {}",
            pools.join(", ")
        ));
    }
    NamedPlan {
        from: request.from,
        to: request.to,
        lines: plan.lines.iter().map(|line| names.line(line)).collect(),
        warnings: plan
            .warnings
            .iter()
            .map(|warning| names.warning(*warning))
            .collect(),
        notes,
    }
}

impl Names<'_> {
    fn volume(&self, volume: VolumeIndex) -> String {
        let known = self.snapshot.volumes.get(volume.at());
        known.map_or_else(
            || format!("new {}", volume.at() - self.snapshot.volumes.len() + 1),
            |volume| volume.barcode.clone(),
        )
    }

    fn place(&self, place: PlaceIndex) -> String {
        self.snapshot.places[place.at()].name.clone()
    }

    fn set(&self, set: SetIndex) -> (String, NaiveDate) {
        let facts = match set.at().checked_sub(self.snapshot.sets.len()) {
            Some(new) => &self.plan.sets[new],
            None => &self.snapshot.sets[set.at()],
        };
        let series = facts
            .series
            .map(|series| &self.snapshot.series[series.at()]);
        let name = series.map_or("a set that is defined no more", |series| {
            series.name.as_str()
        });
        (name.to_owned(), facts.date)
    }

    fn line(&self, line: &Line) -> NamedLine {
        let mut named = NamedLine {
            date: line.date,
            action: "",
            cartridge: None,
            count: None,
            here: None,
            set: None,
            set_date: None,
            pool: None,
            bytes: None,
            appended: None,
            from: None,
            to: None,
            reason: line.reason.code(),
            why: line.reason.words(),
        };
        match line.action {
            Action::Write {
                volume,
                set,
                pool,
                start,
                bytes,
            } => {
                let (set, date) = self.set(set);
                named.action = "write";
                named.cartridge = Some(self.volume(volume));
                (named.set, named.set_date) = (Some(set), Some(date));
                named.pool = Some(self.snapshot.pools[pool.at()].name.clone());
                named.bytes = Some(bytes);
                named.appended = Some(start == Start::Appended);
            }
            Action::GoOut { volume, from, to } => {
                named.action = "go-out";
                named.cartridge = Some(self.volume(volume));
                (named.from, named.to) = (Some(self.place(from)), Some(self.place(to)));
            }
            Action::ComeHome { volume, from, to } => {
                named.action = "come-home";
                named.cartridge = Some(self.volume(volume));
                (named.from, named.to) = (Some(self.place(from)), Some(self.place(to)));
            }
            Action::Expire { volume } => {
                named.action = "expire";
                named.cartridge = Some(self.volume(volume));
            }
            Action::Scratch { volume } => {
                named.action = "scratch";
                named.cartridge = Some(self.volume(volume));
            }
            Action::Purchase { first, count, here } => {
                named.action = "purchase";
                named.cartridge = Some(self.volume(first));
                (named.count, named.here) = (Some(count), Some(here));
            }
        }
        named
    }

    fn warning(&self, warning: Warning) -> NamedWarning {
        let set = |set: SetIndex| {
            let (name, date) = self.set(set);
            format!("{name} of {date}")
        };
        let carrier = |at: usize| self.snapshot.carriers[at].name.clone();
        let pool = |at: usize| self.snapshot.pools[at].name.clone();
        let what = match warning.what {
            Trouble::PlaceFull { place } => format!(
                "{} is full: nothing more goes there until something comes back",
                self.place(place)
            ),
            Trouble::NoRoom { place, volume } => format!(
                "no room in {} for {}: make room, or allow another place",
                self.place(place),
                self.volume(volume)
            ),
            Trouble::NobodyThere { carrier: who } => format!(
                "{} comes and nobody is at the site: have somebody there, or cancel",
                carrier(who.at())
            ),
            Trouble::PlaceClosed {
                carrier: who,
                place,
            } => format!(
                "{} comes and {} is closed: nothing goes there and nothing comes back",
                carrier(who.at()),
                self.place(place)
            ),
            Trouble::ScratchShort { pool: at, missing } => format!(
                "scratch is short: at least {} missing for pool {}",
                counted(u64::from(missing), "cartridge is", "cartridges are"),
                pool(at.at())
            ),
            Trouble::NotEncrypted { volume } => format!(
                "{} should leave and is not encrypted: record an exception, or write it again",
                self.volume(volume)
            ),
            Trouble::NotRecalled { volume } => format!(
                "{} is planned to come home while something on it must be kept: recall it",
                self.volume(volume)
            ),
            Trouble::WouldBeTogether { volume, set: at } => format!(
                "{} waits: all copies of {} would be in one place",
                self.volume(volume),
                set(at)
            ),
            Trouble::Together { set: at, place } => format!(
                "all copies of {} are still in {}",
                set(at),
                self.place(place)
            ),
            Trouble::GivenUp { set: at, pool: of } => format!(
                "the copy of {} in pool {} is not finished when the next one is due",
                set(at),
                pool(of.at())
            ),
        };
        NamedWarning {
            date: warning.date,
            code: warning.what.code(),
            what,
        }
    }
}
