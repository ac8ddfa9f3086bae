//! What was scanned without the record comes into it, in one transaction; what contradicts the record or
//! another clerk is left out, shown, and stays open as an exception.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::apply::{Applied, Hands, Stop};
use super::effect::Effect;
use super::list::List;
use super::lookup::words;
use super::offline::{self, Scan};
use super::record;
use crate::app::App;
use crate::catalogue::{ExceptionKind, Place, ScanLine, ScanSession, Tx, Witness};
use crate::error::{Error, Result};
use crate::id::{Barcode, PersonCode, ScanSessionId};
use crate::media::exception::{self, About};
use crate::media::person;
use crate::media::stamp::Said;

/// What was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// What it is about.
    pub barcode: Barcode,
    /// Which claims or facts contradict, in words.
    pub what: String,
    /// The exception that stands for it.
    pub exception: u32,
}

/// What came of merging.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Lines that were not in the record.
    pub lines: u32,
    /// Of these, lines that changed something and were carried out.
    pub applied: u32,
    /// Lines that were merged before.
    pub before: u32,
    /// What was left out, by barcode.
    pub conflicts: Vec<Conflict>,
}

/// A file with what was scanned.
struct Clerk {
    list: List,
    scans: Vec<Scan>,
}

/// Merges files.
///
/// # Errors
/// A file is none or damaged, a person on it is not known here, a time is in the future: nothing is merged
/// then.
pub fn merge(app: &App, files: &[PathBuf], by: Option<&PersonCode>) -> Result<Merged> {
    let clerks = files
        .iter()
        .map(|path| load(path))
        .collect::<Result<Vec<_>>>()?;
    let outcome = app.catalogue.write(|tx| {
        let by = match by {
            Some(code) => person::here(tx, code)?.code.to_string(),
            None => app.actor.person.clone(),
        };
        Merge {
            app,
            tx,
            by,
            merged: Merged::default(),
            conflicting: BTreeMap::new(),
            moved: BTreeSet::new(),
        }
        .run(&clerks)
    });
    outcome.map_err(|stop| match stop {
        Stop::Broken(error) => error,
        // Refusals are conflicts, so none comes here.
        Stop::Refused(answer) => Error::failed(answer.to_string()),
    })
}

fn load(path: &Path) -> Result<Clerk> {
    let (list, scans, _) = offline::read(path)?;
    Ok(Clerk { list, scans })
}

struct Merge<'a> {
    app: &'a App,
    tx: &'a Tx<'a>,
    by: String,
    merged: Merged,
    /// What contradicts, by barcode.
    conflicting: BTreeMap<Barcode, String>,
    /// Items for which a line of these files was carried out.
    moved: BTreeSet<Barcode>,
}

/// Where an effect puts an item.
fn claim(effect: &Effect) -> Option<(&Barcode, Claim)> {
    match effect {
        Effect::Taken { barcode } => Some((barcode, Claim::Taken)),
        Effect::Arrived { barcode, place } => Some((barcode, Claim::In(place.to_string()))),
        Effect::Packed { barcode, case } => Some((barcode, Claim::In(format!("case {case}")))),
        _ => None,
    }
}

/// Where somebody says an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    /// Taken from its place.
    Taken,
    /// In a place or case.
    In(String),
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken => f.write_str("took it out"),
            Self::In(place) => write!(f, "put it in {place}"),
        }
    }
}

impl<'a> Merge<'a> {
    fn run(mut self, clerks: &[Clerk]) -> Result<Merged, Stop> {
        self.contradictions(clerks);
        for clerk in clerks {
            self.overtaken(clerk)?;
        }
        let mut lines: Vec<&Scan> = clerks.iter().flat_map(|clerk| &clerk.scans).collect();
        lines.sort_by_key(|scan| (scan.at, scan.number));
        for scan in lines {
            self.line(scan)?;
        }
        self.report()?;
        Ok(self.merged)
    }

    /// Where each clerk says an item ended up, against the others.
    fn contradictions(&mut self, clerks: &[Clerk]) {
        let mut said: BTreeMap<&Barcode, (Claim, &Scan)> = BTreeMap::new();
        for clerk in clerks {
            for (barcode, (claim, scan)) in last_claims(clerk) {
                match said.get(barcode) {
                    Some((other, by)) if *other != claim && by.session != scan.session => {
                        let what = format!("{} {other}, {} {claim}", who(by), who(scan));
                        self.conflicting.insert(barcode.clone(), what);
                    }
                    Some(_) => {}
                    None => {
                        said.insert(barcode, (claim, scan));
                    }
                }
            }
        }
    }

    /// Items that have been moved since the list was written.
    fn overtaken(&mut self, clerk: &Clerk) -> Result<(), Stop> {
        let listed: BTreeMap<&Barcode, &Place> = clerk
            .list
            .items
            .iter()
            .map(|known| (&known.barcode, &known.place))
            .collect();
        for (barcode, (claim, scan)) in last_claims(clerk) {
            if let Some(session) = scan.session
                && self.tx.has_scan_line(session, scan.number)?
            {
                continue;
            }
            let Some(item) = self.tx.item_by_barcode(barcode)? else {
                let what = format!("{} {claim}, and it is not on record any more", who(scan));
                self.conflicting.entry(barcode.clone()).or_insert(what);
                continue;
            };
            let was = listed.get(barcode).copied();
            let merged_in_part = self.merged_in_part(clerk, barcode)?;
            if was != Some(item.place()) && !merged_in_part {
                let what = format!(
                    "{} {claim}, and since the list was written it is {}",
                    who(scan),
                    words(item.place())
                );
                self.conflicting.entry(barcode.clone()).or_insert(what);
            }
        }
        Ok(())
    }

    /// Whether earlier lines about an item came into the record by an earlier merge of the file.
    fn merged_in_part(&self, clerk: &Clerk, barcode: &Barcode) -> Result<bool, Stop> {
        for scan in &clerk.scans {
            let about = |effect: &Effect| claim(effect).is_some_and(|(code, _)| code == barcode);
            if let Some(session) = scan.session
                && scan.effects.iter().any(about)
                && self.tx.has_scan_line(session, scan.number)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn line(&mut self, scan: &Scan) -> Result<(), Stop> {
        let (Some(person), Some(session)) = (&scan.person, scan.session) else {
            return self.outside_of_tasks(scan);
        };
        if self.tx.has_scan_line(session, scan.number)? {
            self.merged.before += 1;
            return Ok(());
        }
        self.merged.lines += 1;
        let hands = self.hands(scan, person)?;
        if let Some(task) = &scan.began {
            let begun = ScanSession {
                id: session,
                person: person.clone(),
                station: format!("{} (offline)", self.app.actor.station),
                task: record::kept(task)?,
                opened_at: scan.at,
                last_at: scan.at,
                // It goes on in its file, not here.
                ended_at: Some(scan.at),
            };
            self.tx.add_scan_session(&begun, &task.expected)?;
            hands.begin_count(session, person, task)?;
        }
        let mut applied = Applied::default();
        let mut conflict = false;
        for effect in &scan.effects {
            conflict |= !self.effect(&hands, session, effect, &mut applied)?;
        }
        if !scan.effects.is_empty() && !conflict {
            self.merged.applied += 1;
        }
        self.tx.add_scan_line(
            session,
            &ScanLine {
                number: scan.number,
                at: scan.at,
                entered_at: hands.stamp.entered_at,
                text: scan.text.clone(),
                answer: if conflict { "CONFLICT" } else { &scan.answer }.to_owned(),
                accepted: scan.accepted && !conflict,
                keyed: scan.keyed,
                barcode: applied.barcode,
                before: applied.before,
                undone: false,
            },
        )?;
        Ok(())
    }

    /// Carries out an effect; false when it contradicts something.
    fn effect(
        &mut self,
        hands: &Hands<'_>,
        session: ScanSessionId,
        effect: &Effect,
        applied: &mut Applied,
    ) -> Result<bool, Stop> {
        let about = match effect {
            Effect::Undone { barcode } => Some(barcode),
            other => claim(other).map(|(barcode, _)| barcode),
        };
        if about.is_some_and(|barcode| self.conflicting.contains_key(barcode)) {
            return Ok(false);
        }
        match hands.apply(session, effect, applied) {
            Ok(()) => {
                self.moved.extend(about.cloned());
                Ok(true)
            }
            Err(Stop::Refused(answer)) => {
                if let Some(barcode) = about {
                    let what = format!("{}: {}", hands.stamp.by, answer.sentence);
                    self.conflicting.insert(barcode.clone(), what);
                }
                Ok(false)
            }
            Err(broken) => Err(broken),
        }
    }

    /// A problem that was reported outside of any task; everything else there changes nothing.
    fn outside_of_tasks(&mut self, scan: &Scan) -> Result<(), Stop> {
        let Some(person) = &scan.person else {
            return Ok(());
        };
        for effect in &scan.effects {
            let hands = self.hands(scan, person)?;
            let session = ScanSessionId::generate(scan.at);
            // The same exception is opened once, so merging again changes nothing.
            match hands.apply(session, effect, &mut Applied::default()) {
                Ok(()) => {}
                Err(Stop::Refused(answer)) => {
                    if let Effect::Problem { barcode, .. } = effect {
                        self.conflicting.insert(barcode.clone(), answer.sentence);
                    }
                }
                Err(broken) => return Err(broken),
            }
        }
        Ok(())
    }

    fn hands(&self, scan: &Scan, person: &PersonCode) -> Result<Hands<'a>, Stop> {
        let said = Said {
            person: Some(person.clone()),
            at: Some(scan.at),
            reason: Some(format!("scanned without the record, merged by {}", self.by)),
        };
        let witness = if scan.keyed {
            Witness::Keyed
        } else {
            Witness::Scanned
        };
        let stamp = said.stamp(self.app, self.tx, witness)?;
        Ok(Hands {
            app: self.app,
            tx: self.tx,
            said,
            stamp,
        })
    }

    /// Each conflict stays open until somebody has looked.
    fn report(&mut self) -> Result<(), Stop> {
        let said = Said::default();
        let stamp = said.stamp(self.app, self.tx, Witness::Scanned)?;
        for (barcode, what) in &self.conflicting {
            let item = self.tx.item_by_barcode(barcode)?;
            let about = About {
                item: item.map(|item| item.id()),
                barcode: Some(barcode.clone()),
                ..About::default()
            };
            let kind = ExceptionKind::Misplaced;
            let exception = exception::open(self.tx, &stamp, kind, &about, what)?;
            self.merged.conflicts.push(Conflict {
                barcode: barcode.clone(),
                what: what.clone(),
                exception,
            });
        }
        Ok(())
    }
}

/// The last claim of a clerk about each item that was not taken back.
fn last_claims(clerk: &Clerk) -> BTreeMap<&Barcode, (Claim, &Scan)> {
    let mut claims: BTreeMap<&Barcode, Vec<(Claim, &Scan)>> = BTreeMap::new();
    for scan in &clerk.scans {
        for effect in &scan.effects {
            if let Effect::Undone { barcode } = effect {
                claims.entry(barcode).or_default().pop();
            } else if let Some((barcode, claim)) = claim(effect) {
                claims.entry(barcode).or_default().push((claim, scan));
            }
        }
    }
    claims
        .into_iter()
        .filter_map(|(barcode, mut all)| Some((barcode, all.pop()?)))
        .collect()
}

fn who(scan: &Scan) -> String {
    let person = scan.person.as_ref();
    let person = person.map_or_else(|| "somebody".to_owned(), ToString::to_string);
    format!("{person} at {}", minute(scan.at))
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%MZ").to_string()
}
