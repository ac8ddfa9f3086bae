//! What arrived: by receipt, by case, by scan; what did not; and the end of a run.

use std::collections::BTreeSet;

use super::build;
use super::desk::{Desk, Done, Line, closing_grade, lines, rank};
use crate::catalogue::{
    Arrival, CourierCase, CourierRun, CourierState, Direction, ExceptionKind, Item, Movement,
    MovementState, Place, Witness,
};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, MovementId, PlaceCode, ThingId};
use crate::media::exception::{self, About};
use crate::media::problem;
use crate::media::stamp::Stamp;
use crate::progress::counted;

/// Seals as they were found on arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seals {
    /// Intact, with the numbers on the list.
    Intact,
    /// Broken, or with these numbers.
    Found(Vec<String>),
}

/// A run that is on its way. What comes back may arrive although nobody recorded that it left.
fn under_way(desk: &Desk<'_>, number: &str) -> Result<CourierRun> {
    let run = desk.run(number)?;
    match (run.state, run.direction) {
        (CourierState::HandedOver, _) | (CourierState::Building, Direction::Back) => Ok(run),
        (CourierState::Building, Direction::Out) => Err(Error::usage(format!(
            "run {number} was not handed over yet"
        ))
        .hint(format!(
            "tapeward courier handover {number} --revision {} --driver NAME",
            run.revision
        ))),
        (CourierState::Closed | CourierState::Cancelled, _) => Err(Error::usage(format!(
            "run {number} is {}",
            if run.state == CourierState::Closed {
                "closed"
            } else {
                "cancelled"
            }
        ))
        .hint(format!(
            "make a new document: tapeward courier correct {number} BARCODE"
        ))),
    }
}

/// Keeps how well it is known that a line arrived; what is good enough closes it and puts the item in
/// its place.
fn graded(
    desk: &Desk<'_>,
    run: &CourierRun,
    line: &Line,
    grade: Witness,
    place: &Place,
) -> Result<bool> {
    if !line.movement.state.is_open() {
        return Ok(false);
    }
    let enough = rank(grade) >= rank(closing_grade(desk.app, run)?);
    let better = line
        .movement
        .grade
        .is_none_or(|before| rank(grade) > rank(before));
    let stamp = Stamp {
        witness: grade,
        ..desk.stamp.clone()
    };
    let graded = Desk {
        stamp: &stamp,
        ..*desk
    };
    if enough {
        if line.movement.in_case.is_none() || !is_in_place(line, place) {
            graded.put(run, &line.item, place)?;
        }
        graded.end(line, MovementState::Received, None)?;
    } else if better {
        graded.tx.change_movement(&Movement {
            grade: Some(grade),
            ..line.movement.clone()
        })?;
    }
    Ok(enough)
}

fn is_in_place(line: &Line, place: &Place) -> bool {
    line.item.place() == place
}

/// A vault has acknowledged a case. With an intact seal its content counts as there.
///
/// # Errors
/// The case is not on the run.
pub fn case_arrived(
    desk: &Desk<'_>,
    number: &str,
    barcode: &Barcode,
    seals: &Seals,
) -> Result<Done> {
    let run = under_way(desk, number)?;
    let mut done = Done::new(&run);
    let (thing, item) = desk.case(barcode)?;
    let Some(case) = desk
        .tx
        .courier_cases(run.id)?
        .into_iter()
        .find(|case| case.thing == thing)
    else {
        return Err(Error::usage(format!(
            "case {barcode} is not on run {number}"
        )));
    };
    let to = destination(desk, &run, None)?;
    let found = match seals {
        Seals::Intact => Vec::new(),
        Seals::Found(numbers) => numbers.clone(),
    };
    let intact = *seals == Seals::Intact || (!found.is_empty() && found == case.seals);
    desk.tx.put_courier_case(
        run.id,
        &CourierCase {
            arrival: Some(Arrival {
                intact,
                found: found.clone(),
                at: desk.stamp.at,
                by: desk.stamp.by.clone(),
            }),
            ..case.clone()
        },
    )?;
    let stamp = Stamp {
        witness: Witness::Case,
        ..desk.stamp.clone()
    };
    Desk {
        stamp: &stamp,
        ..*desk
    }
    .put(&run, &item, &to)?;
    desk.note(
        &run,
        "case_arrived",
        &serde_json::json!({"case": barcode, "intact": intact, "found": found}),
    )?;
    if !intact {
        let listed = case.seals.join(", ");
        let seen = if found.is_empty() {
            "a broken seal".to_owned()
        } else {
            found.join(", ")
        };
        let detail =
            format!("case {barcode} of run {number} left with {listed} and arrived with {seen}");
        let about = About::item(&item).at(&run.vault).on(run.id);
        let number = exception::open(desk.tx, desk.stamp, ExceptionKind::Seal, &about, &detail)?;
        done.open(number, &detail);
        done.say("its lines stay open until each was seen or named in a receipt");
        return Ok(done);
    }
    let mut closed = 0;
    for line in of_case(desk, &run, thing)? {
        // It is in the case, and the case is there.
        let place = line.item.place().clone();
        closed += u32::from(graded(desk, &run, &line, Witness::Case, &place)?);
    }
    done.say(format!(
        "case {barcode} arrived intact: {closed} lines closed"
    ));
    Ok(done)
}

fn of_case(desk: &Desk<'_>, run: &CourierRun, thing: ThingId) -> Result<Vec<Line>> {
    let mut all = lines(desk.tx, run.id)?;
    all.retain(|line| line.movement.in_case == Some(thing));
    Ok(all)
}

/// Where what is on a run ends up.
fn destination(desk: &Desk<'_>, run: &CourierRun, place: Option<&PlaceCode>) -> Result<Place> {
    match (run.direction, place) {
        (_, Some(code)) => desk.app.config.kept_at(code),
        (Direction::Out, None) => desk.app.config.kept_at(&run.vault),
        (Direction::Back, None) => Ok(Place::Outside),
    }
}

/// A vault's list names what it has received.
///
/// # Errors
/// The run is not on its way.
pub fn receipt(desk: &Desk<'_>, number: &str, named: &[Barcode]) -> Result<Done> {
    let run = under_way(desk, number)?;
    let mut done = Done::new(&run);
    let to = destination(desk, &run, None)?;
    let mut closed = 0;
    for barcode in named {
        match desk.line(&run, barcode)? {
            Some(line) => {
                // What travels in a case stays in it; the case is put there when it arrives.
                let place = if line.movement.in_case.is_some() {
                    line.item.place().clone()
                } else {
                    to.clone()
                };
                closed += u32::from(graded(desk, &run, &line, Witness::Receipt, &place)?);
            }
            None => surplus(desk, &run, barcode, "the vault's list names it", &mut done)?,
        }
    }
    bring_cases(desk, &run, &to)?;
    let open: Vec<Line> = open_lines(desk, &run)?;
    desk.note(&run, "receipt", &serde_json::json!({"named": named}))?;
    done.said.insert(
        0,
        format!("{closed} lines closed by the list, {} open", open.len()),
    );
    Ok(done)
}

/// A case is where something that travelled in it was named, though nobody spoke of the case.
fn bring_cases(desk: &Desk<'_>, run: &CourierRun, to: &Place) -> Result<()> {
    let stamp = Stamp {
        witness: Witness::Receipt,
        ..desk.stamp.clone()
    };
    for case in desk.tx.courier_cases(run.id)? {
        let item = Item::Thing(desk.tx.thing(case.thing)?);
        let named = of_case(desk, run, case.thing)?
            .iter()
            .any(|line| line.movement.state == MovementState::Received);
        if named && *item.place() == Place::InTransit {
            Desk {
                stamp: &stamp,
                ..*desk
            }
            .put(run, &item, to)?;
        }
    }
    Ok(())
}

/// Lines of which something is still to happen.
///
/// # Errors
/// The record cannot be read.
pub fn open_lines(desk: &Desk<'_>, run: &CourierRun) -> Result<Vec<Line>> {
    let mut all = lines(desk.tx, run.id)?;
    all.retain(|line| line.movement.state.is_open());
    Ok(all)
}

/// Something came that is not on the list: it is kept apart, never loaded, and somebody explains it.
fn surplus(
    desk: &Desk<'_>,
    run: &CourierRun,
    barcode: &Barcode,
    how: &str,
    done: &mut Done,
) -> Result<()> {
    let known = desk.tx.item_by_barcode(barcode)?;
    let (kind, about, detail) = match &known {
        Some(item) => (
            ExceptionKind::Surplus,
            About::item(item),
            format!(
                "{barcode} is not on run {}, and {how}; by the record it is {}",
                run.number,
                crate::media::rule::going(item.place())
            ),
        ),
        None => (
            ExceptionKind::Foreign,
            About::barcode(barcode),
            format!(
                "{barcode} is not ours, and {how} (run {}): keep it apart, load it nowhere, give it back",
                run.number
            ),
        ),
    };
    let about = about.at(&run.vault).on(run.id);
    let number = exception::open(desk.tx, desk.stamp, kind, &about, &detail)?;
    done.open(number, &detail);
    Ok(())
}

/// Items of a run were seen by one of us.
///
/// # Errors
/// The run is not on its way; the place is not configured.
pub fn receive(
    desk: &Desk<'_>,
    number: &str,
    barcodes: &[Barcode],
    place: Option<&PlaceCode>,
) -> Result<Done> {
    let run = under_way(desk, number)?;
    let mut done = Done::new(&run);
    let to = destination(desk, &run, place)?;
    for barcode in barcodes {
        let Some(line) = desk.line(&run, barcode)? else {
            surplus(desk, &run, barcode, "it came with it", &mut done)?;
            continue;
        };
        if graded(desk, &run, &line, desk.stamp.witness, &to)? {
            done.say(format!("{barcode} is {}", crate::media::rule::going(&to)));
        } else {
            done.say(format!("{barcode} was received before"));
        }
    }
    let left = open_lines(desk, &run)?.len();
    done.say(format!("{left} lines are open"));
    Ok(done)
}

/// A line did not arrive as listed.
///
/// # Errors
/// It is not on the run, or over.
pub fn except(
    desk: &Desk<'_>,
    number: &str,
    barcodes: &[Barcode],
    kind: ExceptionKind,
) -> Result<Done> {
    let run = under_way(desk, number)?;
    let mut done = Done::new(&run);
    let words = desk.stamp.reason.clone().unwrap_or_default();
    for barcode in barcodes {
        let Some(line) = desk.line(&run, barcode)? else {
            return Err(Error::usage(format!("{barcode} is not on run {number}")));
        };
        if !line.movement.state.is_open() {
            return Err(Error::usage(format!(
                "{barcode} of run {number} is {} already",
                line.movement.state
            )));
        }
        let detail = format!(
            "{barcode} of run {number} did not arrive as listed ({kind}){}{words}",
            if words.is_empty() { "" } else { ": " }
        );
        let about = About::item(&line.item).at(&run.vault).on(run.id);
        let exception = exception::open(desk.tx, desk.stamp, kind, &about, &detail)?;
        done.open(exception, &detail);
        if kind == ExceptionKind::Lost {
            let lost = problem::Problem::Lost;
            let again =
                problem::out_of_use(desk.app, desk.tx, desk.stamp, &line.item, lost, &detail)?;
            if !again.tasks.is_empty() {
                let tasks = counted(again.tasks.len() as u64, "copy is", "copies are");
                done.say(format!("{tasks} to be made again: tapeward copy plan"));
            }
            continue;
        }
        desk.end(&line, MovementState::Missing, Some(detail.clone()))?;
        if kind == ExceptionKind::Missing {
            desk.put(&run, &line.item, &Place::Missing)?;
        }
    }
    Ok(done)
}

/// Ends a run. Lines that are open are rolled on to the next run when a reason is given.
///
/// # Errors
/// [`ErrorKind::OperatorNeeded`] while lines are open: each is named.
pub fn close(desk: &Desk<'_>, number: &str, roll: Option<&str>) -> Result<Done> {
    let mut run = under_way(desk, number)?;
    let mut done = Done::new(&run);
    let open = open_lines(desk, &run)?;
    match roll {
        None if !open.is_empty() => {
            let names: Vec<String> = open.iter().map(|line| line.barcode().to_string()).collect();
            return Err(Error::new(
                ErrorKind::OperatorNeeded,
                format!(
                    "run {number} has {} open lines: {}",
                    open.len(),
                    names.join(", ")
                ),
            )
            .hint("receive them, except them, or roll them on with --roll REASON"));
        }
        Some(reason) => roll_on(desk, &run, &open, reason, &mut done)?,
        None => {}
    }
    empty_cases(desk, &run, &mut done)?;
    run.state = CourierState::Closed;
    run.closed_at = Some(desk.stamp.at);
    run.closed_by = Some(desk.stamp.by.clone());
    desk.tx.change_courier_run(&run)?;
    desk.note(&run, "closed", &serde_json::json!({"rolled": open.len()}))?;
    done.exceptions = desk
        .tx
        .exceptions_on(run.id)?
        .into_iter()
        .filter(|exception| exception.closed_at.is_none())
        .map(|exception| exception.number)
        .collect();
    done.said.insert(
        0,
        if done.exceptions.is_empty() {
            format!("run {number} is closed")
        } else {
            format!(
                "run {number} is closed; {} exceptions are open",
                done.exceptions.len()
            )
        },
    );
    Ok(done)
}

/// What is open is planned again for the next run, and is overdue until then.
fn roll_on(
    desk: &Desk<'_>,
    run: &CourierRun,
    open: &[Line],
    reason: &str,
    done: &mut Done,
) -> Result<()> {
    let due = desk.day(&run.vault, None)?;
    for line in open {
        let detail = format!(
            "{} of run {} has not arrived: {reason}",
            line.barcode(),
            run.number
        );
        let about = About::item(&line.item).at(&run.vault).on(run.id);
        let kind = ExceptionKind::Overdue;
        let number = exception::open(desk.tx, desk.stamp, kind, &about, &detail)?;
        done.open(number, &detail);
        desk.end(line, MovementState::Missing, Some(detail))?;
        let again = Movement {
            id: MovementId::generate(desk.stamp.entered_at),
            origin: line.item.place().clone(),
            state: MovementState::Planned,
            note: format!("rolled on from {}: {reason}", run.number),
            due,
            planned_at: desk.stamp.at,
            planned_by: desk.stamp.by.clone(),
            line: None,
            in_case: None,
            grade: None,
            ..line.movement.clone()
        };
        desk.tx.add_movement(&again)?;
    }
    Ok(())
}

/// Cases that went out are to come back, unless something of ours stays in them.
fn empty_cases(desk: &Desk<'_>, run: &CourierRun, done: &mut Done) -> Result<()> {
    if run.direction == Direction::Back {
        return Ok(());
    }
    for case in desk.tx.courier_cases(run.id)? {
        if case.arrival.is_none() {
            let thing = desk.tx.thing(case.thing)?;
            done.say(format!("nobody has acknowledged case {}", thing.barcode));
        }
    }
    Ok(())
}

/// A document that corrects a closed run: its lines are the items named, which can be received again.
///
/// # Errors
/// The run is not closed, or an item was not on it.
pub fn correct(desk: &Desk<'_>, number: &str, barcodes: &[Barcode]) -> Result<Done> {
    let closed = desk.run(number)?;
    if closed.state != CourierState::Closed {
        return Err(Error::usage(format!(
            "run {number} is not closed: change it itself"
        )));
    }
    if desk.stamp.reason.as_deref().is_none_or(str::is_empty) {
        return Err(Error::usage("why? A correction has a --reason"));
    }
    let were: BTreeSet<Barcode> = lines(desk.tx, closed.id)?
        .iter()
        .map(|line| line.barcode().clone())
        .collect();
    if let Some(other) = barcodes.iter().find(|barcode| !were.contains(barcode)) {
        return Err(Error::usage(format!("{other} was not on run {number}")));
    }
    let mut run = build::create(
        desk,
        closed.direction,
        &closed.vault,
        closed.due,
        Some(closed.id),
    )?;
    for barcode in barcodes {
        let item: Item = crate::media::custody::known(desk.tx, barcode)?;
        let movement = match desk.tx.open_movement(item.id())? {
            Some(open) if open.line.is_none() => open,
            Some(_) => return Err(Error::usage(format!("{barcode} is on another run"))),
            None => {
                let to = destination(desk, &closed, None)?;
                let reason = crate::catalogue::MoveReason::Manual;
                let manner = build::Manner::default();
                build::plan(desk, &item, &to, reason, desk.stamp.day(), &manner)?
            }
        };
        build::attach(desk, &mut run, movement)?;
    }
    run.state = CourierState::HandedOver;
    run.handed_over.clone_from(&closed.handed_over);
    desk.tx.change_courier_run(&run)?;
    desk.note(
        &run,
        "corrects",
        &serde_json::json!({"run": number, "barcodes": barcodes}),
    )?;
    let mut done = Done::new(&run);
    done.say(format!("run {} corrects run {number}", run.number));
    Ok(done)
}
