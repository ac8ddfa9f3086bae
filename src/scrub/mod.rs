//! Reading back what lies on tapes, by plan: which volumes, in which order, and why. Pure but for
//! the record it is made from; `job` does the reading.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::Serialize;

use crate::app::App;
use crate::catalogue::{ElementKind, Place, Run, RunKind, View};
use crate::error::Result;
use crate::health::{self, State};
use crate::id::{Barcode, LibraryId, VolumeId};
use crate::media::reconcile::place_words;

/// What is known of a volume.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The volume.
    pub volume: VolumeId,
    /// Its cartridge.
    pub barcode: Barcode,
    /// Whether that is in the library.
    pub here: bool,
    /// Where it is, in words.
    pub place: String,
    /// When the segment that was looked at longest ago was read back or, if never, written.
    pub oldest: DateTime<Utc>,
    /// Segments that were never read back.
    pub never: u64,
    /// How the cartridge is.
    pub health: State,
    /// Segments to be kept.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A volume of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Its cartridge.
    pub barcode: Barcode,
    /// The volume.
    pub volume: VolumeId,
    /// Whether the cartridge is in the library; the others are only named.
    pub here: bool,
    /// Where it is, in words.
    pub place: String,
    /// Whether it should have been read back by now.
    pub due: bool,
    /// When the segment that was looked at longest ago was read back or, if never, written.
    pub oldest: DateTime<Utc>,
    /// How the cartridge is.
    pub health: State,
    /// Segments to be kept.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Why it stands where it stands.
    pub reason: String,
}

/// Puts volumes in order: those in the library first, and among them those that wait longest. A
/// cartridge that is suspect or out of use counts as if it had waited a whole period longer, one
/// to be watched half a period.
#[must_use]
pub fn order(facts: Vec<Facts>, now: DateTime<Utc>, every: TimeDelta) -> Vec<Line> {
    let mut rated: Vec<(TimeDelta, Facts)> = facts
        .into_iter()
        .map(|facts| (now - facts.oldest + longer(facts.health, every), facts))
        .collect();
    rated.sort_by(|(one_waits, one), (other_waits, other)| {
        other
            .here
            .cmp(&one.here)
            .then(other_waits.cmp(one_waits))
            .then(one.health.cmp(&other.health))
            .then(one.barcode.cmp(&other.barcode))
    });
    rated
        .into_iter()
        .map(|(waits, facts)| line(facts, now, waits >= every))
        .collect()
}

fn longer(health: State, every: TimeDelta) -> TimeDelta {
    match health {
        State::Quarantined | State::Suspect => every,
        State::Watch => every / 2,
        State::Unproven | State::Good => TimeDelta::zero(),
    }
}

fn line(facts: Facts, now: DateTime<Utc>, due: bool) -> Line {
    let days = (now - facts.oldest).num_days();
    let day = facts.oldest.format("%Y-%m-%d");
    let mut reason = if facts.never > 0 {
        format!("{} never read back, written {day}", facts.never)
    } else {
        format!("read back {day}, {days} days ago")
    };
    if !matches!(facts.health, State::Good | State::Unproven) {
        reason = format!("{reason}; cartridge {}", facts.health);
    }
    Line {
        barcode: facts.barcode,
        volume: facts.volume,
        here: facts.here,
        place: facts.place,
        due,
        oldest: facts.oldest,
        health: facts.health,
        segments: facts.segments,
        bytes: facts.bytes,
        reason,
    }
}

/// The plan as of now.
pub fn plan(app: &App, library: Option<LibraryId>) -> Result<Vec<Line>> {
    let now = app.clock.now();
    let report = health::record::report(app)?;
    let states: std::collections::BTreeMap<String, State> = report
        .cartridges
        .into_iter()
        .map(|row| (row.name, row.evidence.state))
        .collect();
    let facts = app.catalogue.read(|view| {
        let mut all = Vec::new();
        for volume in view.volumes()? {
            let Some(read) = view.last_read(volume.id)? else {
                continue;
            };
            let cartridge = view.cartridge(volume.cartridge)?;
            let health = states.get(cartridge.barcode.as_str()).copied();
            all.push(Facts {
                volume: volume.id,
                here: is_here(&cartridge.place, library),
                place: place_words(view, &cartridge.place)?,
                barcode: cartridge.barcode,
                oldest: read.oldest,
                never: read.never,
                health: health.unwrap_or(State::Unproven),
                segments: read.segments,
                bytes: read.bytes,
            });
        }
        Ok::<_, crate::error::Error>(all)
    })?;
    Ok(order(facts, now, every(app)))
}

/// In an import/export element somebody may take it out at any moment.
fn is_here(place: &Place, library: Option<LibraryId>) -> bool {
    matches!(place, Place::Element { library: there, kind, .. }
        if *kind != ElementKind::ImportExport && library.is_none_or(|here| here == *there))
}

fn every(app: &App) -> TimeDelta {
    TimeDelta::days(i64::from(app.config.scrub.every_days))
}

/// Hours of this month that are left for it.
pub fn hours_left(app: &App) -> Result<f64> {
    let now = app.clock.now();
    let used = app.catalogue.read(|view: &View<'_>| {
        let runs = view.runs()?;
        Ok::<_, crate::error::Error>(used(&runs, now))
    })?;
    let allowed = TimeDelta::hours(i64::from(app.config.scrub.hours_per_month));
    Ok(hours((allowed - used).max(TimeDelta::zero())))
}

#[allow(clippy::cast_precision_loss)] // a number of seconds in a month
fn hours(time: TimeDelta) -> f64 {
    time.num_seconds() as f64 / 3600.0
}

/// What the runs of this month took.
fn used(runs: &[Run], now: DateTime<Utc>) -> TimeDelta {
    let this_month = |run: &&Run| {
        let start = run.started_at;
        (start.year(), start.month()) == (now.year(), now.month())
    };
    runs.iter()
        .filter(|run| run.kind == RunKind::Verify && run.plan.get("scrub").is_some())
        .filter(this_month)
        .filter_map(|run| Some(run.finished_at? - run.started_at))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn facts(number: u32, here: bool, days: i64, health: State) -> Facts {
        Facts {
            volume: VolumeId::from_uuid(uuid::Uuid::from_u128(number.into())),
            barcode: format!("T{number:05}L8").parse().unwrap(),
            here,
            place: "slot:1".to_owned(),
            oldest: now() - TimeDelta::days(days),
            never: 0,
            health,
            segments: 1,
            bytes: 1,
        }
    }

    fn names(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.barcode.as_str()).collect()
    }

    #[test]
    fn the_longest_unread_comes_first_and_bad_health_counts_for_time() {
        let every = TimeDelta::days(100);
        let lines = order(
            vec![
                facts(1, true, 20, State::Good),
                facts(2, true, 90, State::Good),
                facts(3, true, 60, State::Watch),
                facts(4, true, 1, State::Suspect),
                facts(5, false, 900, State::Suspect),
            ],
            now(),
            every,
        );
        assert_eq!(
            names(&lines),
            ["T00003L8", "T00004L8", "T00002L8", "T00001L8", "T00005L8"]
        );
        let due: Vec<bool> = lines.iter().map(|line| line.due).collect();
        assert_eq!(due, [true, true, false, false, true]);
        assert!(lines[0].reason.contains("watch"), "{}", lines[0].reason);
    }

    fn any_state() -> impl Strategy<Value = State> {
        prop::sample::select(vec![
            State::Quarantined,
            State::Suspect,
            State::Watch,
            State::Unproven,
            State::Good,
        ])
    }

    proptest! {
        #[test]
        fn each_stands_once_and_none_before_one_that_waits_longer_in_worse_health(
            rows in prop::collection::vec((any::<bool>(), 0..1000_i64, any_state()), 0..30),
            every in 1..400_i64,
        ) {
            let all: Vec<Facts> = rows
                .iter()
                .zip(0..)
                .map(|((here, days, health), number)| facts(number, *here, *days, *health))
                .collect();
            let lines = order(all.clone(), now(), TimeDelta::days(every));
            prop_assert_eq!(lines.len(), all.len());
            for pair in lines.windows(2) {
                let (one, other) = (&pair[0], &pair[1]);
                prop_assert!(one.here >= other.here);
                let wrong = one.here == other.here
                    && other.oldest < one.oldest
                    && other.health <= one.health;
                prop_assert!(!wrong, "{one:?} before {other:?}");
            }
            for line in &lines {
                let age = (now() - line.oldest).num_days();
                prop_assert!(line.due || age < every, "{line:?}");
            }
        }
    }
}
