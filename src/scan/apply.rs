//! Effects carried out on the record.

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::effect::Effect;
use super::task::{Errand, Sight, Spot, Task};
use crate::app::App;
use crate::catalogue::{
    CourierRun, CourierState, ExceptionKind, Item, Movement, MovementState, Place, StockCount,
    StockCountLine, Tx, Witness,
};
use crate::courier::{self, Desk};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, CountId, PersonCode, PlaceCode, ScanSessionId};
use crate::journal::Event;
use crate::media::custody::{self, Destination, Order};
use crate::media::exception::{self, About};
use crate::media::problem::{self, Problem};
use crate::media::stamp::{Said, Stamp};

/// Why a line changes nothing.
#[derive(Debug)]
pub(super) enum Stop {
    /// The rules of custody say no; this is the answer.
    Refused(Answer),
    /// It cannot be judged at all.
    Broken(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// What the rules say no to is answered; anything else ends the program.
fn refusal(error: Error) -> Stop {
    if error.kind() == ErrorKind::Usage {
        Stop::Refused(Answer::bad("REFUSED", error.to_string()))
    } else {
        Stop::Broken(error)
    }
}

/// How an item was before a scan, and where the scan put it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    place: Place,
    movement: Option<Movement>,
    after: Place,
}

/// What one line changed.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// Which item it was about.
    pub(super) barcode: Option<Barcode>,
    /// How that was before.
    pub(super) before: Option<serde_json::Value>,
    /// Exceptions that stand for what it found.
    exceptions: Vec<u32>,
}

/// Whoever scans, within the transaction of a line.
pub(super) struct Hands<'a> {
    pub(super) app: &'a App,
    pub(super) tx: &'a Tx<'a>,
    pub(super) said: Said,
    pub(super) stamp: Stamp,
}

impl Hands<'_> {
    /// Carries out what a line changes in the task of this session.
    pub(super) fn apply(
        &self,
        session: ScanSessionId,
        effect: &Effect,
        applied: &mut Applied,
    ) -> Result<(), Stop> {
        match effect {
            Effect::Taken { barcode } => {
                let item = custody::known(self.tx, barcode)?;
                let before = self.before(&item, Place::Outside)?;
                self.taken(&item)?;
                applied.keep(barcode, Some(&before))
            }
            Effect::Packed { barcode, case } => {
                let item = custody::known(self.tx, barcode)?;
                let before = self.before(&item, Place::Case { case: case.clone() })?;
                self.packed(&before, barcode, case)?;
                applied.keep(barcode, Some(&before))
            }
            Effect::Arrived { barcode, place } => {
                let item = custody::known(self.tx, barcode)?;
                let before = self.before(&item, self.app.config.kept_at(place)?)?;
                self.arrived(&before, barcode, place)?;
                applied.keep(barcode, Some(&before))
            }
            Effect::Counted { barcode } => {
                self.tx.add_stock_count_line(
                    session.into(),
                    &StockCountLine {
                        barcode: barcode.clone(),
                        keyed: self.stamp.witness == Witness::Keyed,
                        at: self.stamp.at,
                    },
                )?;
                applied.keep(barcode, None)
            }
            Effect::Undone { barcode } => self.undo(session, barcode),
            Effect::Disagrees {
                kind,
                barcode,
                place,
                detail,
            } => {
                let item = self.tx.item_by_barcode(barcode)?;
                let about = About {
                    item: item.as_ref().map(Item::id),
                    barcode: Some(barcode.clone()),
                    place: place.clone(),
                    run: None,
                };
                let number = exception::open(self.tx, &self.stamp, *kind, &about, detail)?;
                applied.exceptions.push(number);
                Ok(())
            }
            Effect::CountEnded { expected, found } => {
                self.end_count(session.into(), *expected, *found, applied)
            }
            Effect::Problem { barcode, kind } => self.problem(barcode, *kind),
            // The station keeps the session itself.
            Effect::Opened | Effect::Closed => Ok(()),
        }
    }

    fn before(&self, item: &Item, after: Place) -> Result<Before> {
        Ok(Before {
            place: item.place().clone(),
            movement: self.tx.open_movement(item.id())?,
            after,
        })
    }

    /// An item is in somebody's hands: its movement has begun.
    fn taken(&self, item: &Item) -> Result<()> {
        let movement = self.tx.open_movement(item.id())?;
        let run = movement.as_ref().and_then(|movement| movement.line);
        let run = run.map(|(run, _)| run);
        custody::place(self.tx, &self.stamp, item, &Place::Outside, run, None)?;
        let Some(movement) = movement else {
            return Ok(());
        };
        let state = MovementState::Picked;
        let movement = Movement { state, ..movement };
        self.tx.change_movement(&movement)?;
        custody::note_movement(self.tx, &self.stamp, &movement, item, state, None)
    }

    /// The number of the courier run that an item is a line of.
    fn run_of(&self, before: &Before) -> Result<Option<CourierRun>> {
        let line = before.movement.as_ref().and_then(|movement| movement.line);
        Ok(line.map(|(run, _)| self.tx.courier_run(run)).transpose()?)
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            app: self.app,
            tx: self.tx,
            stamp: &self.stamp,
        }
    }

    fn packed(&self, before: &Before, barcode: &Barcode, case: &Barcode) -> Result<(), Stop> {
        let Some(run) = self.run_of(before)? else {
            let sentence = format!("{barcode} is on no courier run: put it back");
            return Err(Stop::Refused(Answer::bad("NOT ON LIST", sentence)));
        };
        let barcodes = std::slice::from_ref(barcode);
        courier::pack::pack(&self.desk(), &run.number, case, barcodes)
            .map(|_| ())
            .map_err(refusal)
    }

    fn arrived(&self, before: &Before, barcode: &Barcode, place: &PlaceCode) -> Result<(), Stop> {
        if let Some(run) = self.run_of(before)? {
            let barcodes = std::slice::from_ref(barcode);
            return courier::arrive::receive(&self.desk(), &run.number, barcodes, Some(place))
                .map(|_| ())
                .map_err(refusal);
        }
        let order = Order {
            barcodes: vec![barcode.clone()],
            destination: Destination::Place(place.clone()),
            despite: None,
            said: self.said.clone(),
            witness: self.stamp.witness,
        };
        match custody::put_one(self.app, self.tx, &order, &self.stamp, barcode)? {
            Ok(_) => Ok(()),
            Err(error) => Err(refusal(error)),
        }
    }

    fn undo(&self, session: ScanSessionId, barcode: &Barcode) -> Result<(), Stop> {
        let nothing = || Answer::bad("NOTHING", format!("{barcode} was not scanned here"));
        let Some(line) = self.tx.last_scan_of(session, barcode)? else {
            return Err(Stop::Refused(nothing()));
        };
        let Some(before) = line.before else {
            self.tx.undo_scan_line(session, line.number)?;
            self.tx.drop_stock_count_line(session.into(), barcode)?;
            return Ok(());
        };
        let before: Before =
            serde_json::from_value(before).context("what was before cannot be read")?;
        let item = custody::known(self.tx, barcode)?;
        let late = || Answer::bad("TOO LATE", format!("{barcode} has been moved since"));
        if *item.place() != before.after {
            return Err(Stop::Refused(late()));
        }
        if let Some(old) = &before.movement {
            let now = self.tx.movement(old.id)?;
            // Picked or received by the scan itself; whatever is further was somebody else.
            let further = matches!(now.state, MovementState::InTransit | MovementState::Missing);
            if further && now.state != old.state {
                return Err(Stop::Refused(late()));
            }
            if !self.may_change_run(&before)? {
                let gone = Answer::bad("TOO LATE", "its courier run has left or is closed");
                return Err(Stop::Refused(gone));
            }
            self.tx.reopen_movement(old)?;
            let note = Some("taken back".to_owned());
            custody::note_movement(self.tx, &self.stamp, old, &item, old.state, note)?;
        }
        self.tx.undo_scan_line(session, line.number)?;
        let note = Some("taken back");
        custody::place(self.tx, &self.stamp, &item, &before.place, None, note)?;
        Ok(())
    }

    /// Whether the courier run of an item can still be as it was before a scan; what was printed of it
    /// counts no longer then.
    fn may_change_run(&self, before: &Before) -> Result<bool> {
        let (Some(mut run), Some(movement)) = (self.run_of(before)?, &before.movement) else {
            return Ok(true);
        };
        if movement.state == MovementState::InTransit {
            return Ok(run.state == CourierState::HandedOver);
        }
        if run.state != CourierState::Building {
            return Ok(false);
        }
        run.printed_digest = None;
        self.tx.change_courier_run(&run)?;
        Ok(true)
    }

    fn problem(&self, barcode: &Barcode, kind: ExceptionKind) -> Result<(), Stop> {
        let problem = match kind {
            ExceptionKind::Dropped => Problem::Dropped,
            ExceptionKind::Wet => Problem::Wet,
            ExceptionKind::Unreadable => Problem::Unreadable,
            ExceptionKind::Broken => Problem::Broken,
            ExceptionKind::Lost => Problem::Lost,
            _ => Problem::Foreign,
        };
        match problem::report(self.app, self.tx, &self.stamp, barcode, problem, None) {
            Ok(_) => Ok(()),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Begins the count of a task.
    pub(super) fn begin_count(
        &self,
        session: ScanSessionId,
        person: &PersonCode,
        task: &Task,
    ) -> Result<(), Stop> {
        let (Errand::Count, Some(Spot::Place(place))) = (task.errand, &task.spot) else {
            return Ok(());
        };
        self.tx.add_stock_count(&StockCount {
            id: session.into(),
            place: place.clone(),
            blind: task.sight == Sight::Blind,
            counted_by: person.clone(),
            second_of: task.second_of,
            started_at: self.stamp.at,
            finished_at: None,
            expected: None,
            found: None,
        })?;
        Ok(())
    }

    fn end_count(
        &self,
        id: CountId,
        expected: u32,
        found: u32,
        applied: &Applied,
    ) -> Result<(), Stop> {
        self.tx
            .finish_stock_count(id, self.stamp.at, expected, found)?;
        let count = self.tx.stock_count(id)?;
        if let Some(first) = count.second_of {
            self.settle_first(&count, first, &applied.exceptions)?;
        }
        self.stamp.note(
            self.tx,
            &Event::StockCounted {
                count: id,
                place: count.place,
                blind: count.blind,
                second_of: count.second_of,
                expected,
                found,
                exceptions: applied.exceptions.clone(),
            },
        )?;
        Ok(())
    }

    /// What the first count found and the second did not is explained by that.
    fn settle_first(
        &self,
        count: &StockCount,
        first: CountId,
        confirmed: &[u32],
    ) -> Result<(), Stop> {
        let first = self.tx.stock_count(first)?;
        let explanation = format!(
            "the second count, by {}, does not find it",
            count.counted_by
        );
        for exception in self.tx.open_exceptions()? {
            let of_first = exception.place.as_ref() == Some(&count.place)
                && Some(exception.opened_at) == first.finished_at
                && matches!(
                    exception.kind,
                    ExceptionKind::Missing | ExceptionKind::Misplaced | ExceptionKind::Surplus
                );
            if of_first && !confirmed.contains(&exception.number) {
                exception::explain(self.tx, &self.stamp, exception.number, &explanation)?;
            }
        }
        Ok(())
    }
}

impl Applied {
    fn keep(&mut self, barcode: &Barcode, before: Option<&Before>) -> Result<(), Stop> {
        self.barcode = Some(barcode.clone());
        self.before = before
            .map(serde_json::to_value)
            .transpose()
            .context("what was before cannot be kept")?;
        Ok(())
    }
}
