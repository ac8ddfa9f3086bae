//! What every step of a courier run works with.

use chrono::NaiveDate;
use serde::Serialize;

use crate::app::App;
use crate::catalogue::{
    CourierRun, CourierState, Direction, Item, Movement, MovementState, Place, Tx, View, Witness,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, CourierRunId, PlaceCode, ThingId};
use crate::journal::Event;
use crate::media::custody;
use crate::media::stamp::Stamp;

/// The courier desk: one transaction in the name of whoever does it.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The state folder.
    pub app: &'a App,
    /// The transaction.
    pub tx: &'a Tx<'a>,
    /// Who, when, why.
    pub stamp: &'a Stamp,
}

/// What a step did, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Number of the run.
    pub run: String,
    /// What was done, one sentence each.
    pub said: Vec<String>,
    /// Numbers of the exceptions that were opened.
    pub exceptions: Vec<u32>,
}

impl Done {
    pub(super) fn new(run: &CourierRun) -> Self {
        Self {
            run: run.number.clone(),
            said: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.said.push(text.into());
    }

    pub(super) fn open(&mut self, number: u32, text: impl AsRef<str>) {
        self.exceptions.push(number);
        self.say(format!("exception {number}: {}", text.as_ref()));
    }
}

/// A line with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The movement.
    pub movement: Movement,
    /// What moves.
    pub item: Item,
}

impl Line {
    /// Its number on the manifest.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.movement.line.map_or(0, |(_, number)| number)
    }

    /// What is printed on the item.
    #[must_use]
    pub fn barcode(&self) -> &Barcode {
        self.item.barcode()
    }

    /// Whether it still counts: it was not dropped.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.movement.state != MovementState::Cancelled
    }
}

/// The lines of a run that were not dropped, by number.
///
/// # Errors
/// The record cannot be read.
pub fn lines(view: &View<'_>, run: CourierRunId) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for movement in view.courier_lines(run)? {
        let item = view.item(movement.item)?;
        lines.push(Line { movement, item });
    }
    lines.retain(Line::counts);
    Ok(lines)
}

/// What is good enough to believe that a line arrived.
///
/// # Errors
/// The vault is not configured any more.
pub fn closing_grade(app: &App, run: &CourierRun) -> Result<Witness> {
    let vault = app.config.place(&run.vault)?;
    Ok(match run.direction {
        Direction::Out => vault.out_grade.unwrap_or(Witness::Case),
        Direction::Back => vault.back_grade.unwrap_or(Witness::Scanned),
    })
}

/// How well something is known: more is better. What one of us typed twice is as good as a scan.
#[must_use]
pub fn rank(grade: Witness) -> u8 {
    match grade {
        Witness::Scanned | Witness::Keyed => 4,
        Witness::Receipt => 3,
        Witness::Case => 2,
        Witness::Signed => 1,
        Witness::Robot | Witness::Person | Witness::Derived => 0,
    }
}

impl Desk<'_> {
    /// A run by its number.
    ///
    /// # Errors
    /// There is none.
    pub fn run(&self, number: &str) -> Result<CourierRun> {
        self.tx
            .courier_run_by_number(&number.to_ascii_uppercase())
            .map_err(|error| {
                Error::from(error).hint("\"tapeward courier\" shows the runs that are not closed")
            })
    }

    /// A run that can still be changed.
    ///
    /// # Errors
    /// It has been handed over, closed or cancelled.
    pub fn building(&self, number: &str) -> Result<CourierRun> {
        let run = self.run(number)?;
        match run.state {
            CourierState::Building => Ok(run),
            CourierState::HandedOver => Err(Error::usage(format!(
                "run {number} was handed over: its list does not change any more"
            ))
            .hint("what did not arrive as listed: tapeward courier except")),
            CourierState::Closed => Err(Error::usage(format!(
                "run {number} is closed and does not change any more"
            ))
            .hint(format!(
                "make a new document: tapeward courier correct {number} BARCODE"
            ))),
            CourierState::Cancelled => Err(Error::usage(format!("run {number} was cancelled"))),
        }
    }

    /// The line of a run with this barcode that was not dropped.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn line(&self, run: &CourierRun, barcode: &Barcode) -> Result<Option<Line>> {
        let mut lines = lines(self.tx, run.id)?;
        lines.retain(|line| line.barcode() == barcode);
        // One that was rolled on and came again stands last.
        Ok(lines.pop())
    }

    /// A case by its barcode.
    ///
    /// # Errors
    /// Nothing has the barcode, or it is no case.
    pub fn case(&self, barcode: &Barcode) -> Result<(ThingId, Item)> {
        let item = custody::known(self.tx, barcode)?;
        match item.case() {
            Some(case) => Ok((case.id, item.clone())),
            None => Err(Error::usage(format!(
                "{barcode} is a {}, no case",
                item.words()
            ))),
        }
    }

    /// Keeps a run whose list is not any more as it was printed.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn list_changed(&self, run: &mut CourierRun) -> Result<()> {
        run.printed_digest = None;
        self.tx.change_courier_run(run)?;
        Ok(())
    }

    /// A case whose content is not any more as it was sealed; says so.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn unseal(&self, run: &CourierRun, thing: ThingId, done: &mut Done) -> Result<()> {
        let cases = self.tx.courier_cases(run.id)?;
        let Some(case) = cases.into_iter().find(|case| case.thing == thing) else {
            return Ok(());
        };
        if case.sealed_at.is_none() {
            return Ok(());
        }
        let void = case.seals.join(", ");
        self.tx.put_courier_case(
            run.id,
            &crate::catalogue::CourierCase {
                seals: Vec::new(),
                sealed_at: None,
                ..case
            },
        )?;
        let barcode = self.tx.thing(thing)?.barcode;
        done.say(format!(
            "case {barcode} is not sealed any more: seal {void} is void"
        ));
        self.note(
            run,
            "unsealed",
            &serde_json::json!({"case": barcode, "void": void}),
        )
    }

    /// Adds a journal entry about a run.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn note(
        &self,
        run: &CourierRun,
        what: &str,
        detail: &serde_json::Value,
    ) -> Result<()> {
        self.stamp.note(
            self.tx,
            &Event::CourierRunChanged {
                courier_run: run.id,
                number: run.number.clone(),
                what: what.to_owned(),
                happened_at: self.stamp.happened_at(),
                detail: detail.clone(),
            },
        )
    }

    /// Ends a line.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn end(
        &self,
        line: &Line,
        state: MovementState,
        note: Option<String>,
    ) -> Result<()> {
        custody::end_movement(self.tx, self.stamp, &line.movement, state, note)
    }

    /// Records where an item is, as part of a run.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn put(&self, run: &CourierRun, item: &Item, place: &Place) -> Result<()> {
        custody::place(self.tx, self.stamp, item, place, Some(run.id), None)
    }

    /// The next number of a run: the year and a count, never given twice.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(super) fn next_number(&self) -> Result<String> {
        let year = self.stamp.day().format("%Y").to_string();
        let last = self
            .tx
            .courier_runs()?
            .iter()
            .filter_map(|run| {
                run.number
                    .strip_prefix('R')?
                    .strip_prefix(&year)?
                    .strip_prefix('-')?
                    .parse::<u32>()
                    .ok()
            })
            .max()
            .unwrap_or(0);
        Ok(format!("R{year}-{:04}", last + 1))
    }

    /// The vault that is meant, or the only one.
    ///
    /// # Errors
    /// It is not configured, or there is none or several.
    pub fn vault(&self, chosen: Option<&PlaceCode>) -> Result<PlaceCode> {
        if let Some(code) = chosen {
            self.app.config.place(code)?;
            return Ok(code.clone());
        }
        let mut vaults = self
            .app
            .config
            .place
            .iter()
            .filter(|(_, place)| place.kind == crate::catalogue::PlaceKind::Vault);
        match (vaults.next(), vaults.next()) {
            (Some((code, _)), None) => Ok(code.clone()),
            (None, _) => Err(Error::usage("no vault is configured")
                .hint("add one: tapeward place add vault CODE --carrier CARRIER")),
            (Some(_), Some(_)) => {
                Err(Error::usage("several vaults are configured").hint("choose one with --vault"))
            }
        }
    }

    /// The day of a run: the one asked for if the carrier comes then, else the next on which it does.
    ///
    /// # Errors
    /// The carrier does not come that day, or on no day within two years.
    pub fn day(&self, vault: &PlaceCode, on: Option<NaiveDate>) -> Result<NaiveDate> {
        let place = self.app.config.place(vault)?;
        let Some(code) = &place.carrier else {
            return Err(
                Error::usage(format!("no carrier drives to {vault}")).hint(format!(
                    "name one in place.{vault} of config.toml: carrier = \"CODE\""
                )),
            );
        };
        let carrier = self.app.config.carrier(code)?;
        let comes = |day: NaiveDate| carrier.calendar.is_open(day) && place.calendar.is_open(day);
        if let Some(day) = on {
            if comes(day) {
                return Ok(day);
            }
            let why = carrier
                .calendar
                .closure(day)
                .or_else(|| place.calendar.closure(day))
                .map_or_else(String::new, |closure| format!(" ({})", closure.why));
            return Err(Error::usage(format!(
                "nobody drives to {vault} on {day}, a {}{why}",
                day.format("%A")
            )));
        }
        let today = self.stamp.entered_at.naive_local();
        let mut day = carrier.calendar.first_in_time(today);
        while let Some(candidate) = day {
            if place.calendar.is_open(candidate) {
                return Ok(candidate);
            }
            day = carrier.calendar.open_after(candidate);
        }
        Err(Error::usage(format!(
            "carrier {code} and {vault} have no day in common within two years"
        )))
    }
}
