//! Building a run: which items go, and that they may.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};

use super::desk::{Desk, Done, Line, lines};
use crate::app::App;
use crate::catalogue::{
    CourierRun, CourierState, Direction, Item, MoveReason, Movement, MovementState, Place, Revision,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, CourierRunId, ItemId, MovementId, PlaceCode};
use crate::media::rotation::{self, NamedLine};
use crate::media::{custody, facts, rule};
use crate::progress::counted;

/// The role whose task lines of runs are.
pub const ROLE: &str = "courier-desk";

/// How many days rotation is asked for: the longest between two runs that makes sense.
const PROPOSED_DAYS: u64 = 62;

/// Which run is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which way.
    pub direction: Direction,
    /// The vault; the only one without it.
    pub vault: Option<PlaceCode>,
    /// The day; the next on which the carrier comes without it.
    pub on: Option<NaiveDate>,
}

/// What is said of lines that are added by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether it goes before others.
    pub urgent: bool,
    /// When it is to come back.
    pub return_on: Option<NaiveDate>,
    /// Why it is to go although a rule objects.
    pub despite: Option<String>,
}

/// What rotation says is to go, from today on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposed {
    /// Lines of its plan.
    pub lines: Vec<NamedLine>,
    /// Why there is none.
    pub without: Option<String>,
}

/// Asks rotation; a configuration it cannot plan with is said and leaves what was planned by hand.
#[must_use]
pub fn proposed(app: &App) -> Proposed {
    let from = app.clock.now().date_naive();
    let to = from
        .checked_add_days(Days::new(PROPOSED_DAYS))
        .unwrap_or(from);
    let library = None;
    match rotation::plan(app, &rotation::Request { from, to, library }) {
        Ok(plan) => Proposed {
            lines: plan.lines,
            without: None,
        },
        Err(error) => Proposed {
            lines: Vec::new(),
            without: Some(format!("rotation was not asked: {error}")),
        },
    }
}

/// Makes a run with everything that rotation or somebody has planned for it, or adds to the one that is
/// being built what was planned since.
///
/// # Errors
/// The carrier does not come that day; nothing is to go.
pub fn build(desk: &Desk<'_>, wanted: &Wanted, proposed: &Proposed) -> Result<Done> {
    let vault = desk.vault(wanted.vault.as_ref())?;
    let day = desk.day(&vault, wanted.on)?;
    adopt(desk, &vault, day, &proposed.lines)?;
    let same = desk.tx.courier_runs()?.into_iter().find(|run| {
        run.state == CourierState::Building
            && run.vault == vault
            && run.direction == wanted.direction
            && run.due == day
    });
    let mut run = match same {
        Some(run) => run,
        None => create(desk, wanted.direction, &vault, day, None)?,
    };
    let mut done = Done::new(&run);
    done.said.extend(proposed.without.clone());
    let mut added = 0;
    for movement in desk.tx.open_movements()? {
        if movement.line.is_some() || movement.due > day || !goes_with(desk, &run, &movement)? {
            continue;
        }
        let item = desk.tx.item(movement.item)?;
        match refusal(desk, &run, &item, movement.exempt.is_some())? {
            Some(why) => done.say(format!("{} stays: {why}", item.barcode())),
            None => {
                attach(desk, &mut run, movement)?;
                added += 1;
            }
        }
    }
    let count = lines(desk.tx, run.id)?.len();
    if count == 0 {
        return Err(nothing(desk, &run, &done)?);
    }
    done.said.insert(
        0,
        format!(
            "run {} on {day}: {count} lines, {added} of them new",
            run.number
        ),
    );
    Ok(done)
}

/// Why a run would have no lines, and what is planned for later ones.
fn nothing(desk: &Desk<'_>, run: &CourierRun, done: &Done) -> Result<Error> {
    let way = match run.direction {
        Direction::Out => format!("to {}", run.vault),
        Direction::Back => format!("back from {}", run.vault),
    };
    let mut what = format!("nothing is to go {way} on {}", run.due);
    if !done.said.is_empty() {
        what = format!("{what}: {}", done.said.join("; "));
    }
    let mut later = Vec::new();
    for movement in desk.tx.open_movements()? {
        if movement.line.is_none() && goes_with(desk, run, &movement)? {
            later.push(movement.due);
        }
    }
    let error = Error::usage(what);
    Ok(match later.iter().min() {
        Some(first) => error.hint(format!(
            "{} planned for later, the first by {first}: --on DATE builds that run",
            counted(later.len() as u64, "item is", "items are")
        )),
        None => error.hint("plan something: tapeward movement plan BARCODE --to PLACE --due DATE"),
    })
}

/// Makes what rotation says of a vault movements, where none is open.
fn adopt(desk: &Desk<'_>, vault: &PlaceCode, day: NaiveDate, lines: &[NamedLine]) -> Result<()> {
    let is_vault = |name: &Option<String>| name.as_deref() == Some(vault.as_str());
    for line in lines.iter().filter(|line| line.date <= day) {
        let destination = if is_vault(&line.to) {
            desk.app.config.kept_at(vault)?
        } else if is_vault(&line.from) {
            match line.to.as_deref().map(str::parse::<PlaceCode>) {
                Some(Ok(code)) if desk.app.config.place.contains_key(&code) => {
                    desk.app.config.kept_at(&code)?
                }
                _ => Place::Outside,
            }
        } else {
            continue;
        };
        let Some(barcode) = line.cartridge.as_deref().and_then(|text| text.parse().ok()) else {
            continue;
        };
        let Some(item) = desk.tx.item_by_barcode(&barcode)? else {
            continue;
        };
        if desk.tx.open_movement(item.id())?.is_none() {
            let reason = move_reason(line.reason);
            // Its day may be one on which nobody came.
            plan(desk, &item, &destination, reason, day, &Manner::default())?;
        }
    }
    Ok(())
}

/// What the code of a rule of rotation is on a manifest.
fn move_reason(code: &str) -> MoveReason {
    match code {
        "R10" | "R12" => MoveReason::Offsite,
        "R20" => MoveReason::Expired,
        "R21" => MoveReason::Recall,
        _ => MoveReason::Manual,
    }
}

/// Adds an empty run.
pub(super) fn create(
    desk: &Desk<'_>,
    direction: Direction,
    vault: &PlaceCode,
    day: NaiveDate,
    corrects: Option<CourierRunId>,
) -> Result<CourierRun> {
    let config = &desk.app.config;
    let carrier = config.place(vault)?.carrier.clone().ok_or_else(|| {
        Error::usage(format!("no carrier drives to {vault}"))
            .hint(format!("name one in place.{vault} of config.toml"))
    })?;
    let (site, _) = config.site_of(vault)?;
    let run = CourierRun {
        id: CourierRunId::generate(desk.stamp.entered_at),
        number: desk.next_number()?,
        direction,
        carrier,
        site: site.clone(),
        vault: vault.clone(),
        due: day,
        state: CourierState::Building,
        revision: Revision::NONE,
        printed_digest: None,
        handed_over: None,
        corrects,
        built_at: desk.stamp.at,
        built_by: desk.stamp.by.clone(),
        closed_at: None,
        closed_by: None,
    };
    desk.tx.add_courier_run(&run)?;
    desk.note(
        &run,
        "built",
        &serde_json::json!({"direction": run.direction, "vault": vault, "due": day}),
    )?;
    Ok(run)
}

/// Whether a planned movement is for this run.
fn goes_with(desk: &Desk<'_>, run: &CourierRun, movement: &Movement) -> Result<bool> {
    let vault = desk.app.config.kept_at(&run.vault)?;
    let item = desk.tx.item(movement.item)?;
    let here = facts::effective(desk.tx, item.place())?;
    Ok(match run.direction {
        Direction::Out => movement.destination == vault && here != vault,
        Direction::Back => here == vault && movement.destination != vault,
    })
}

/// Makes a movement a line of a run.
pub(super) fn attach(desk: &Desk<'_>, run: &mut CourierRun, movement: Movement) -> Result<()> {
    let last = desk
        .tx
        .courier_lines(run.id)?
        .last()
        .and_then(|line| line.line)
        .map_or(0, |(_, number)| number);
    desk.tx.change_movement(&Movement {
        line: Some((run.id, last + 1)),
        ..movement
    })?;
    desk.list_changed(run)
}

/// Plans a movement.
///
/// # Errors
/// Another movement of the item is open.
pub fn plan(
    desk: &Desk<'_>,
    item: &Item,
    destination: &Place,
    reason: MoveReason,
    due: NaiveDate,
    manner: &Manner,
) -> Result<Movement> {
    if let Some(open) = desk.tx.open_movement(item.id())? {
        return Err(Error::usage(format!(
            "{} is to go already: {}, due {}",
            item.barcode(),
            rule::going(&open.destination),
            open.due
        ))
        .hint(format!(
            "take that back first: tapeward movement cancel {}",
            item.barcode()
        )));
    }
    if due < desk.stamp.day() {
        return Err(Error::usage(format!("{due} is over")));
    }
    let movement = Movement {
        id: MovementId::generate(desk.stamp.entered_at),
        item: item.id(),
        origin: item.place().clone(),
        destination: destination.clone(),
        reason,
        note: desk.stamp.reason.clone().unwrap_or_default(),
        role: ROLE.to_owned(),
        due,
        urgent: manner.urgent,
        authorised_by: None,
        state: MovementState::Planned,
        planned_at: desk.stamp.at,
        planned_by: desk.stamp.by.clone(),
        line: None,
        in_case: None,
        return_on: manner.return_on,
        exempt: manner.despite.clone(),
        grade: None,
        ended_at: None,
        ended_note: None,
    };
    desk.tx.add_movement(&movement)?;
    custody::note_movement(
        desk.tx,
        desk.stamp,
        &movement,
        item,
        MovementState::Planned,
        desk.stamp.reason.clone(),
    )?;
    Ok(movement)
}

/// Adds items to a run by hand.
///
/// # Errors
/// One that may not go: each is named, and none is added.
pub fn add(desk: &Desk<'_>, number: &str, barcodes: &[Barcode], manner: &Manner) -> Result<Done> {
    let mut run = desk.building(number)?;
    let mut done = Done::new(&run);
    let mut refused = Vec::new();
    for barcode in barcodes {
        match add_one(desk, &mut run, barcode, manner)? {
            Ok(words) => done.say(words),
            Err(error) => refused.push(error),
        }
    }
    match custody::joined(&refused) {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

fn add_one(
    desk: &Desk<'_>,
    run: &mut CourierRun,
    barcode: &Barcode,
    manner: &Manner,
) -> Result<Result<String>> {
    let item = match custody::known(desk.tx, barcode) {
        Ok(item) => item,
        Err(error) => return Ok(Err(error)),
    };
    if desk.line(run, barcode)?.is_some() {
        return Ok(Ok(format!("{barcode} is on run {} already", run.number)));
    }
    if let Some(why) = refusal(desk, run, &item, manner.despite.is_some())? {
        return Ok(Err(Error::usage(format!("{barcode}: {why}"))));
    }
    let vault = desk.app.config.kept_at(&run.vault)?;
    let movement = match desk.tx.open_movement(item.id())? {
        Some(open) if open.line.is_some() => {
            let other = match open.line {
                Some((id, _)) => desk.tx.courier_run(id)?.number,
                None => String::new(),
            };
            return Ok(Err(Error::usage(format!("{barcode} is on run {other}"))
                .hint(format!(
                    "drop it there first: tapeward courier drop {other} {barcode}"
                ))));
        }
        Some(open) if run.direction == Direction::Out && open.destination != vault => {
            return Ok(Err(Error::usage(format!(
                "{barcode} is to go elsewhere: {}",
                rule::going(&open.destination)
            ))
            .hint(format!(
                "take that back first: tapeward movement cancel {barcode}"
            ))));
        }
        Some(open) => open,
        None => {
            let destination = match run.direction {
                Direction::Out => vault,
                Direction::Back => Place::Outside,
            };
            plan(
                desk,
                &item,
                &destination,
                MoveReason::Manual,
                run.due,
                manner,
            )?
        }
    };
    attach(desk, run, movement)?;
    Ok(Ok(format!("{barcode} is on run {}", run.number)))
}

/// Why an item may not go on a run, if it may not.
pub(super) fn refusal(
    desk: &Desk<'_>,
    run: &CourierRun,
    item: &Item,
    overruled: bool,
) -> Result<Option<String>> {
    let vault = desk.app.config.kept_at(&run.vault)?;
    let here = facts::effective(desk.tx, item.place())?;
    if *item.place() == Place::Missing {
        return Ok(Some(format!("it is {}", rule::going(item.place()))));
    }
    if run.direction == Direction::Back {
        return Ok((here != vault).then(|| {
            format!(
                "it is not in {}: it is {}",
                run.vault,
                rule::going(item.place())
            )
        }));
    }
    if here == vault {
        return Ok(Some(format!("it is in {} already", run.vault)));
    }
    if item.case().is_some() {
        return Ok(Some("a case goes with what is packed into it".to_owned()));
    }
    let target = facts::target(desk.tx, &desk.app.config, &run.vault)?;
    let facts = facts::of(desk.tx, item, &target.place)?;
    // Where it is now, a slot too, is where it is picked from; an open movement is looked at before.
    let objection = rule::objections(&facts, &target)
        .into_iter()
        .find(|objection| {
            let of_later = matches!(
                objection,
                rule::Objection::InLibrary { .. } | rule::Objection::ExpectedElsewhere { .. }
            );
            !(of_later || overruled && objection.may_be_overruled())
        });
    if let Some(objection) = objection {
        return Ok(Some(objection.to_string()));
    }
    let together = if overruled {
        None
    } else {
        together(desk, run, item)?
    };
    Ok(together.map(|set| format!("all copies of {set} would be in one vehicle")))
}

/// Names of sets of which every copy would be on the run or in the vault.
fn together(desk: &Desk<'_>, run: &CourierRun, item: &Item) -> Result<Option<String>> {
    let Some(cartridge) = item.cartridge() else {
        return Ok(None);
    };
    let vault = desk.app.config.kept_at(&run.vault)?;
    let aboard: BTreeSet<ItemId> = lines(desk.tx, run.id)?
        .iter()
        .map(|line| line.item.id())
        .collect();
    let sets = facts::all_copies(desk.tx, cartridge, |id, place| {
        aboard.contains(&id.into()) || *place == vault
    })?;
    Ok((!sets.is_empty()).then(|| sets.join(", ")))
}

/// Takes items off a run. What is planned for them stays planned.
///
/// # Errors
/// One is not on the run; none is taken off then.
pub fn drop(desk: &Desk<'_>, number: &str, barcodes: &[Barcode]) -> Result<Done> {
    let mut run = desk.building(number)?;
    let mut done = Done::new(&run);
    let mut refused = Vec::new();
    for barcode in barcodes {
        match desk.line(&run, barcode)? {
            Some(line) => take_off(desk, &mut run, &line, &mut done)?,
            None => refused.push(Error::usage(format!("{barcode} is not on run {number}"))),
        }
    }
    match custody::joined(&refused) {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

/// Takes one line off a run: its movement goes on as planned, without it.
pub(super) fn take_off(
    desk: &Desk<'_>,
    run: &mut CourierRun,
    line: &Line,
    done: &mut Done,
) -> Result<()> {
    if let Some(case) = line.movement.in_case {
        desk.unseal(run, case, done)?;
        let case = desk.tx.thing(case)?;
        // Taken out of the case: it is where the case stands.
        let place = match facts::effective(desk.tx, &case.place)? {
            Place::Unknown => Place::Outside,
            place => place,
        };
        desk.put(run, &line.item, &place)?;
    }
    desk.tx.change_movement(&Movement {
        state: MovementState::Planned,
        line: None,
        in_case: None,
        ..line.movement.clone()
    })?;
    desk.list_changed(run)?;
    desk.note(
        run,
        "dropped",
        &serde_json::json!({"barcode": line.barcode()}),
    )?;
    done.say(format!("{} is off run {}", line.barcode(), run.number));
    Ok(())
}
