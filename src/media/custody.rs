//! Check-in and check-out: items that change places by hand, all of an order or nothing.

use chrono::NaiveDate;
use serde::Serialize;

use super::stamp::{Said, Stamp};
use super::{exception, facts, rule};
use crate::app::App;
use crate::catalogue::{
    ExceptionKind, Item, Loan, Movement, MovementState, NewPlace, Place, Tx, Witness,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, CourierRunId, PersonCode, PlaceCode};
use crate::journal::Event;

/// Where items are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A safe, shelf, vault or the like.
    Place(PlaceCode),
    /// In a case.
    Case(Barcode),
    /// With a person who signs for it.
    Person(Borrower),
}

/// A person who signs for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Borrower {
    /// Who.
    pub person: PersonCode,
    /// By when it is to be back.
    pub due: NaiveDate,
    /// How it was signed for.
    pub signed: String,
}

/// Items that are put somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What is printed on them.
    pub barcodes: Vec<Barcode>,
    /// Where to.
    pub destination: Destination,
    /// Why it is to happen although a rule objects.
    pub despite: Option<String>,
    /// Who, when, why.
    pub said: Said,
    /// How it is known.
    pub witness: Witness,
}

/// Whether an order is carried out or only judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Carried out.
    Do,
    /// Judged; nothing changes.
    Judge,
}

/// What happened with one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Put {
    /// What is printed on it.
    pub barcode: Barcode,
    /// Where it was by the record.
    pub from: Place,
    /// Where it is.
    pub to: Place,
    /// Whether it was there already.
    pub was_there: bool,
    /// What was objected and overruled.
    pub overruled: Vec<String>,
    /// The number of the exception that was opened.
    pub exception: Option<u32>,
}

/// Puts items somewhere.
///
/// # Errors
/// Unknown barcodes and objections that are not, or cannot be, overruled: each is named, and nothing
/// is done.
pub fn put(app: &App, order: &Order, mode: Mode) -> Result<Vec<Put>> {
    let mut done = Vec::new();
    let outcome = app.write(|tx, _| {
        let stamp = order.said.stamp(app, tx, order.witness)?;
        let mut refused = Vec::new();
        for barcode in &order.barcodes {
            match put_one(app, tx, order, &stamp, barcode)? {
                Ok(put) => done.push(put),
                Err(error) => refused.push(error),
            }
        }
        if let Some(error) = joined(&refused) {
            return Err(error);
        }
        match mode {
            Mode::Do => Ok(()),
            Mode::Judge => Err(undone()),
        }
    });
    match outcome {
        Err(error) if mode == Mode::Judge && is_undone(&error) => Ok(done),
        other => other.map(|()| done),
    }
}

/// What a judged order ends its transaction with.
const UNDONE: &str = "nothing was changed: it was only to be judged";

/// Ends a transaction that was only to be judged, so that all of it is undone.
#[must_use]
pub fn undone() -> Error {
    Error::failed(UNDONE)
}

/// Whether it ended for that.
#[must_use]
pub fn is_undone(error: &Error) -> bool {
    error.to_string() == UNDONE
}

/// Several refusals as one: each in a sentence, with the advice of the first.
#[must_use]
pub fn joined(refused: &[Error]) -> Option<Error> {
    let hint = refused.first()?.advice().map(str::to_owned);
    let kind = refused.first()?.kind();
    let texts: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let error = Error::new(kind, texts.join("; "));
    Some(match hint {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// The item with this barcode.
///
/// # Errors
/// Nothing has it; a likely mistake of the scanner is named.
pub fn known(view: &crate::catalogue::View<'_>, barcode: &Barcode) -> Result<Item> {
    if let Some(item) = view.item_by_barcode(barcode)? {
        return Ok(item);
    }
    let error = Error::usage(format!("nothing has the barcode {barcode}"));
    Err(match likely(view, barcode)? {
        Some(other) => error.hint(format!("{other} is known: scan it again")),
        None => error.hint(
            "if it is ours: tapeward media add; if not: tapeward media problem --kind foreign",
        ),
    })
}

/// What is known under nearly the same barcode: without the media identifier, with another one, or
/// in other letters.
///
/// # Errors
/// The record cannot be read.
pub fn likely(view: &crate::catalogue::View<'_>, barcode: &Barcode) -> Result<Option<Barcode>> {
    let capitals = barcode.as_str().to_ascii_uppercase();
    let serial = capitals.get(..6).unwrap_or(&capitals);
    let mut near = view
        .items()?
        .into_iter()
        .map(|item| item.barcode().clone())
        .filter(|known| {
            known.as_str() == capitals
                || (known.as_str().len() == 8 && known.as_str().get(..6) == Some(serial))
        });
    // One that is the same but for its letters before one that shares the serial alone.
    let first = near.next();
    Ok(near.find(|known| known.as_str() == capitals).or(first))
}

/// Puts one item somewhere, within a transaction; what refuses it is the inner error.
///
/// # Errors
/// The record cannot be read or written.
pub fn put_one(
    app: &App,
    tx: &Tx<'_>,
    order: &Order,
    stamp: &Stamp,
    barcode: &Barcode,
) -> Result<Result<Put>> {
    let item = match known(tx, barcode) {
        Ok(item) => item,
        Err(error) => return Ok(Err(error)),
    };
    let target = match &order.destination {
        Destination::Place(code) => facts::target(tx, &app.config, code)?,
        Destination::Case(case) => case_target(tx, case, &item)?,
        Destination::Person(borrower) => rule::Target {
            place: Place::Person {
                person: borrower.person.clone(),
            },
            room: None,
        },
    };
    let facts = facts::of(tx, &item, &target.place)?;
    let objections = rule::objections(&facts, &target);
    let may = |objection: &rule::Objection| {
        order.despite.is_some()
            && objection.may_be_overruled()
            && !matches!(
                objection,
                rule::Objection::ExpectedElsewhere { run: Some(_), .. }
            )
    };
    if let Some(objection) = objections.iter().find(|objection| !may(objection)) {
        let hint = match objection {
            rule::Objection::ExpectedElsewhere { run: Some(run), .. } => format!(
                "take it off first (tapeward courier drop {run} {barcode}), or receive it there \
                 (tapeward courier receive {run} {barcode})"
            ),
            other => other.hint(barcode),
        };
        return Ok(Err(
            Error::usage(format!("{barcode}: {objection}")).hint(hint)
        ));
    }
    let note = order.despite.as_ref().or(stamp.reason.as_ref());
    let exception = overrule(tx, stamp, order, &item, &objections, &target.place)?;
    place(
        tx,
        stamp,
        &item,
        &target.place,
        None,
        note.map(String::as_str),
    )?;
    settle(tx, stamp, &item, &target.place)?;
    lend(tx, order, stamp, &item)?;
    Ok(Ok(Put {
        barcode: barcode.clone(),
        was_there: facts.place == target.place,
        from: facts.place,
        to: target.place,
        overruled: objections.iter().map(ToString::to_string).collect(),
        exception,
    }))
}

/// The place within a case, with the room it has.
///
/// # Errors
/// It is no case; or a case is to go into a case.
fn case_target(tx: &Tx<'_>, case: &Barcode, item: &Item) -> Result<rule::Target> {
    let into = known(tx, case)?;
    let Some(thing) = into.case() else {
        return Err(Error::usage(format!(
            "{case} is a {}, no case",
            into.words()
        )));
    };
    if item.case().is_some() {
        return Err(Error::usage(format!(
            "{} is a case and does not go into case {case}",
            item.barcode()
        )));
    }
    let place = Place::Case { case: case.clone() };
    let taken = u32::try_from(tx.items_at(&place)?.len()).unwrap_or(u32::MAX);
    Ok(rule::Target {
        room: thing.holds.map(|capacity| rule::Room {
            capacity,
            taken,
            instead: None,
        }),
        place,
    })
}

/// Opens what follows from having put it there although something objected.
fn overrule(
    tx: &Tx<'_>,
    stamp: &Stamp,
    order: &Order,
    item: &Item,
    objections: &[rule::Objection],
    place: &Place,
) -> Result<Option<u32>> {
    let mut opened = None;
    for objection in objections {
        stamp.note(
            tx,
            &Event::Overridden {
                volume: None,
                cartridge: item.cartridge().map(|cartridge| cartridge.id),
                rule: objection.to_string(),
                reason: order.despite.clone().unwrap_or_default(),
            },
        )?;
        if matches!(objection, rule::Objection::ExpectedElsewhere { .. }) {
            let detail = format!("{objection} and was found {}", rule::going(place));
            opened = Some(exception::open(
                tx,
                stamp,
                ExceptionKind::Misplaced,
                &exception::About::item(item),
                &detail,
            )?);
        }
    }
    Ok(opened)
}

/// Records where an item is, with its journal entry.
///
/// # Errors
/// The record cannot be written.
pub fn place(
    tx: &Tx<'_>,
    stamp: &Stamp,
    item: &Item,
    place: &Place,
    courier_run: Option<CourierRunId>,
    note: Option<&str>,
) -> Result<()> {
    tx.record_place(&NewPlace {
        item: item.id(),
        place: place.clone(),
        at: stamp.at,
        entered_at: stamp.entered_at,
        witness: stamp.witness,
        run: None,
        note: note.map(str::to_owned),
    })?;
    stamp.note(
        tx,
        &Event::ItemPlaced {
            cartridge: item.cartridge().map(|cartridge| cartridge.id),
            thing: thing_id(item),
            courier_run,
            place: place.clone(),
            witness: stamp.witness,
            happened_at: stamp.happened_at(),
            note: note.map(str::to_owned),
        },
    )
}

/// The id of an item that is no cartridge.
#[must_use]
pub fn thing_id(item: &Item) -> Option<crate::id::ThingId> {
    match item {
        Item::Cartridge(_) => None,
        Item::Thing(thing) => Some(thing.id),
    }
}

/// What was planned for an item is done, or is overtaken by where it was found.
fn settle(tx: &Tx<'_>, stamp: &Stamp, item: &Item, place: &Place) -> Result<()> {
    let Some(movement) = tx.open_movement(item.id())? else {
        return Ok(());
    };
    let (state, note) = if movement.destination == *place {
        (MovementState::Received, None)
    } else {
        let note = format!("found {}", rule::going(place));
        (MovementState::Cancelled, Some(note))
    };
    end_movement(tx, stamp, &movement, state, note)
}

/// Ends a movement.
///
/// # Errors
/// It is over already.
pub fn end_movement(
    tx: &Tx<'_>,
    stamp: &Stamp,
    movement: &Movement,
    state: MovementState,
    note: Option<String>,
) -> Result<()> {
    let item = tx.item(movement.item)?;
    tx.change_movement(&Movement {
        state,
        grade: (state == MovementState::Received).then_some(stamp.witness),
        ended_at: Some(stamp.at),
        ended_note: note.clone(),
        ..movement.clone()
    })?;
    note_movement(tx, stamp, movement, &item, state, note)
}

/// Adds the journal entry of a movement.
///
/// # Errors
/// The record cannot be written.
pub fn note_movement(
    tx: &Tx<'_>,
    stamp: &Stamp,
    movement: &Movement,
    item: &Item,
    state: MovementState,
    note: Option<String>,
) -> Result<()> {
    stamp.note(
        tx,
        &Event::MovementChanged {
            cartridge: item.cartridge().map(|cartridge| cartridge.id),
            thing: thing_id(item),
            courier_run: movement.line.map(|(run, _)| run),
            destination: movement.destination.clone(),
            state,
            reason: movement.reason,
            due: movement.due,
            note,
        },
    )
}

/// Ends the loan an item was on, and begins one for whoever signs for it now.
fn lend(tx: &Tx<'_>, order: &Order, stamp: &Stamp, item: &Item) -> Result<()> {
    let cartridge = item.cartridge().map(|cartridge| cartridge.id);
    let thing = thing_id(item);
    if let Some(loan) = tx.return_loan(item.id(), stamp.at)? {
        let person = loan.person;
        stamp.note(
            tx,
            &Event::LoanReturned {
                cartridge,
                thing,
                person,
            },
        )?;
    }
    let Destination::Person(borrower) = &order.destination else {
        return Ok(());
    };
    let person = tx.person(&borrower.person)?.ok_or_else(|| {
        Error::usage(format!("nobody has the badge {}", borrower.person))
            .hint("\"tapeward person list\" shows all of them")
    })?;
    if person.closed_at.is_some() {
        return Err(Error::usage(format!(
            "{} ({}) has left and signs for nothing",
            person.name, person.code
        )));
    }
    if borrower.due < stamp.day() {
        return Err(Error::usage(format!(
            "{} is over: a loan is due later than it begins",
            borrower.due
        )));
    }
    let reason = stamp.reason.clone().unwrap_or_default();
    tx.add_loan(&Loan {
        item: item.id(),
        person: borrower.person.clone(),
        lent_at: stamp.at,
        lent_by: stamp.by.clone(),
        due: borrower.due,
        reason: reason.clone(),
        signed: borrower.signed.clone(),
        returned_at: None,
    })?;
    stamp.note(
        tx,
        &Event::Lent {
            cartridge,
            thing,
            person: borrower.person.clone(),
            due: borrower.due,
            reason,
            signed: borrower.signed.clone(),
        },
    )
}
