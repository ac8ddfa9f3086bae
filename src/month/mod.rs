//! The monthly full as an obligation: what a month owes and has, what is waived, closing it.

pub mod facts;
pub mod rule;
#[cfg(test)]
mod rule_tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::appliance::undated;
use crate::catalogue::{
    BackupSet, ClosedMonth, ContentState, DateChoice, Month, Place, PlaceKind, PoolName,
    SegmentCopyState, SetDefinition, SetState, Source, View, Waiver, Witness,
};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{CartridgeId, CopyNumber, SetDefinitionId};
use crate::journal::{Event, canonical_json};
use crate::media::reconcile::place_words;
use facts::{
    CartridgeFacts, CopyFacts, Definition, Expected, Facts, Origin, SetFacts, Whereabouts,
};
use rule::{Judgement, Line, Standing, judge};

/// A month as it stands, and how it was when it was closed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Shown {
    /// As it stands now.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// What keeps it from being closed.
    pub gaps: Vec<String>,
    /// Its closing.
    pub closed: Option<ClosedMonth>,
}

/// Judges a month by what is on record now.
pub fn show(app: &App, month: Month) -> Result<Shown> {
    let now = app.clock.now();
    app.catalogue.read(|view| {
        let judgement = judge(&gather(app, view, month, now)?);
        Ok(Shown {
            gaps: judgement.gaps().collect(),
            judgement,
            closed: view.closed_month(month)?,
        })
    })
}

/// Records that a full need not be in a month.
///
/// # Errors
/// A usage error for a name of which nothing is expected, for one that was waived before, and for a
/// month that is closed or to come.
pub fn waive(app: &App, month: Month, name: &str, by: &str, reason: &str) -> Result<Waiver> {
    app.write(|tx, now| {
        not_closed(tx, month, now)?;
        let judgement = judge(&gather(app, tx, month, now)?);
        let Some(line) = judgement.lines.iter().find(|line| line.name == name) else {
            return Err(
                Error::usage(format!("no full of \"{name}\" is expected in {month}"))
                    .hint(format!("\"tapeward month {month}\" shows those that are")),
            );
        };
        if let Some(waiver) = &line.waiver {
            return Err(Error::usage(format!(
                "{name} was waived for {month} by {} on {}",
                waiver.waived_by,
                waiver.at.format("%Y-%m-%d")
            )));
        }
        if line.gaps.is_empty() {
            return Err(Error::usage(format!(
                "{name} has its copies of {month} in their places: there is nothing to waive"
            )));
        }
        let waiver = Waiver {
            month,
            name: name.to_owned(),
            waived_by: by.to_owned(),
            reason: reason.to_owned(),
            actor: app.actor.clone(),
            at: now,
        };
        tx.add_waiver(&waiver)?;
        app.note(
            tx,
            now,
            &Event::MonthWaived {
                definition: line.definition,
                month,
                name: waiver.name.clone(),
                waived_by: waiver.waived_by.clone(),
                reason: waiver.reason.clone(),
            },
        )?;
        Ok(waiver)
    })
}

/// What came of closing a month.
#[derive(Debug)]
pub enum Closing {
    /// It is closed.
    Closed(Judgement),
    /// It stays open.
    Refused(Judgement),
}

impl Closing {
    /// The gaps as an error that asks a person to act.
    pub fn outcome(&self) -> Result<()> {
        let Self::Refused(judgement) = self else {
            return Ok(());
        };
        let (month, count) = (judgement.month, judgement.gaps().count() as u64);
        let gaps = crate::progress::counted(count, "gap", "gaps");
        Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("{month} cannot be closed: {gaps}"),
        )
        .hint(format!(
            "close them, or waive a set with \"tapeward month waive SET --month {month} --by NAME --reason TEXT\""
        )))
    }
}

/// Closes a month if nothing is lacking, in one transaction with the look at the record.
///
/// # Errors
/// A usage error for a month that is closed or to come, or in which nothing is expected.
pub fn close(app: &App, month: Month) -> Result<Closing> {
    app.write(|tx, now| {
        not_closed(tx, month, now)?;
        let judgement = judge(&gather(app, tx, month, now)?);
        if judgement.lines.is_empty() {
            return Err(Error::usage(format!("no full is expected in {month}"))
                .hint("\"tapeward set list\" shows what is backed up, and since when"));
        }
        if judgement.gaps().next().is_some() {
            return Ok(Closing::Refused(judgement));
        }
        let lines = serde_json::to_value(&judgement.lines).context("cannot record the month")?;
        let text = canonical_json(&lines).context("cannot record the month")?;
        tx.close_month(&ClosedMonth {
            month,
            lines,
            actor: app.actor.clone(),
            at: now,
        })?;
        let count = |which: &dyn Fn(&Line) -> bool| {
            judgement.lines.iter().filter(|line| which(line)).count() as u64
        };
        app.note(
            tx,
            now,
            &Event::MonthClosed {
                month,
                sets: judgement.lines.len() as u64,
                copies: judgement
                    .lines
                    .iter()
                    .map(|line| line.copies.len() as u64)
                    .sum(),
                waived: count(&|line| line.standing == Standing::Waived),
                made_up: count(&|line| line.made_up),
                sha256: hex(&Sha256::digest(text.as_bytes())),
            },
        )?;
        Ok(Closing::Closed(judgement))
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn not_closed(view: &View<'_>, month: Month, now: DateTime<Utc>) -> Result<()> {
    if let Some(closed) = view.closed_month(month)? {
        return Err(Error::usage(format!(
            "{month} was closed by {} on {}",
            closed.actor.person,
            closed.at.format("%Y-%m-%d")
        )));
    }
    if month > Month::of(now) {
        return Err(Error::usage(format!("{month} has not begun yet")));
    }
    Ok(())
}

/// What is on record of a month.
pub fn gather(app: &App, view: &View<'_>, month: Month, now: DateTime<Utc>) -> Result<Facts> {
    let all = view.all_definitions()?;
    let quarantined = view.quarantined_cartridges()?;
    let mut definitions = Vec::new();
    for definition in &all {
        let origin = origin(definition, &all);
        let own = matches!(&origin, Origin::Found { date: Some(date), .. } if month.has(*date));
        let mut sets = Vec::new();
        for set in view.sets_of(definition.id)? {
            let counts = set.month == month || own;
            sets.push(SetFacts {
                copies: if counts && set.state != SetState::Failed {
                    copies(app, view, &set, &quarantined)?
                } else {
                    Vec::new()
                },
                id: set.id,
                month: set.month,
                state: set.state,
                started_at: set.started_at,
                finished_at: set.finished_at,
            });
        }
        definitions.push(Definition {
            id: definition.id,
            name: definition.name.clone(),
            origin,
            created_at: definition.created_at,
            retired_at: definition.retired_at,
            copies: expected(app, definition)?,
            sets,
        });
    }
    Ok(Facts {
        month,
        now,
        definitions,
        waivers: view.waivers(month)?,
    })
}

fn origin(definition: &SetDefinition, all: &[SetDefinition]) -> Origin {
    if let Source::Pattern(source) = &definition.source {
        return Origin::Pattern(source.dates);
    }
    let pattern_of = |parent: SetDefinitionId| {
        all.iter()
            .find(|one| one.id == parent)
            .and_then(|one| match &one.source {
                Source::Pattern(source) => Some((parent, source.dates)),
                _ => None,
            })
    };
    match definition.parent.and_then(pattern_of) {
        None => Origin::Given,
        Some((pattern, dates)) => {
            let (base, date) = match dates {
                DateChoice::Month => undated(&definition.name, dates),
                DateChoice::Newest => (definition.name.as_str(), None),
            };
            Origin::Found {
                pattern,
                base: base.to_owned(),
                date,
            }
        }
    }
}

fn expected(app: &App, definition: &SetDefinition) -> Result<Vec<Expected>> {
    if definition.copies.is_empty() {
        let pools = (1..).map(CopyNumber).zip(&app.config.monthly.copies);
        return pools
            .map(|(copy, pool)| {
                Ok(Expected {
                    copy,
                    pool: pool.parse()?,
                })
            })
            .collect();
    }
    let copies = definition.copies.iter().cloned();
    Ok(copies.map(|(copy, pool)| Expected { copy, pool }).collect())
}

fn copies(
    app: &App,
    view: &View<'_>,
    set: &BackupSet,
    quarantined: &BTreeSet<CartridgeId>,
) -> Result<Vec<CopyFacts>> {
    let segments = view.segment_copies(set.id)?;
    let mut copies = Vec::new();
    for copy in view.set_copies(set.id)? {
        let volumes: BTreeSet<_> = segments
            .iter()
            .filter(|segment| {
                let there = [SegmentCopyState::Committed, SegmentCopyState::Verified];
                segment.copy == copy.copy && there.contains(&segment.state)
            })
            .map(|segment| segment.volume)
            .collect();
        let mut cartridges = Vec::new();
        for volume in volumes {
            let volume = view.volume(volume)?;
            let out_of_use = volume.content == ContentState::Quarantined
                || quarantined.contains(&volume.cartridge);
            cartridges.push(cartridge(app, view, volume.cartridge, out_of_use)?);
        }
        cartridges.sort_by(|one, other| one.barcode.cmp(&other.barcode));
        copies.push(CopyFacts {
            copy: copy.copy,
            belongs: belongs(app, &copy.pool),
            pool: copy.pool,
            state: copy.state,
            cartridges,
        });
    }
    Ok(copies)
}

fn belongs(app: &App, pool: &PoolName) -> Option<String> {
    app.config.pool(pool).place
}

fn cartridge(
    app: &App,
    view: &View<'_>,
    id: CartridgeId,
    quarantined: bool,
) -> Result<CartridgeFacts> {
    let cartridge = view.cartridge(id)?;
    let history = view.place_history(id)?;
    let seen = history
        .iter()
        .rfind(|event| counts(app, &event.place, event.witness))
        .filter(|event| event.place == cartridge.place);
    Ok(CartridgeFacts {
        barcode: cartridge.barcode,
        quarantined,
        whereabouts: whereabouts(view, &cartridge.place)?,
        place: place_words(view, &cartridge.place)?,
        seen: seen.map(|event| (event.at, event.witness.to_string())),
    })
}

/// Whether who says that something is in a place is to be believed: our own eyes and robots always,
/// others as the place's `out-grade` says, a vault's word for the case without that.
fn counts(app: &App, place: &Place, witness: Witness) -> bool {
    let asked = match place {
        Place::Kept { code, .. } => app.config.place.get(code).and_then(|place| place.out_grade),
        _ => None,
    };
    let rank = |witness| match witness {
        Witness::Derived => 0,
        Witness::Signed => 1,
        Witness::Case => 2,
        Witness::Receipt => 3,
        Witness::Robot | Witness::Person | Witness::Scanned | Witness::Keyed => 4,
    };
    rank(witness) >= rank(asked.unwrap_or(Witness::Case))
}

fn whereabouts(view: &View<'_>, place: &Place) -> Result<Whereabouts> {
    Ok(match place {
        Place::Element { .. } => Whereabouts::Library,
        Place::Kept { kind, code } => match kind {
            PlaceKind::Safe
            | PlaceKind::Shelf
            | PlaceKind::Vault
            | PlaceKind::Cloud
            | PlaceKind::Home => Whereabouts::Kept(code.to_string()),
            PlaceKind::Repair | PlaceKind::Foreign => Whereabouts::Elsewhere,
        },
        // It is where its case is, and cases are not in cases.
        Place::Case { case } => match view.thing_by_barcode(case)?.map(|case| case.place) {
            Some(place @ Place::Kept { .. }) => whereabouts(view, &place)?,
            _ => Whereabouts::Elsewhere,
        },
        Place::Outside
        | Place::InTransit
        | Place::Person { .. }
        | Place::Missing
        | Place::Unknown => Whereabouts::Elsewhere,
    })
}
