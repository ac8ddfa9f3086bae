//! Packing and sealing: a case is sealed only while its content equals its list.

use std::collections::BTreeSet;

use super::desk::{Desk, Done, lines};
use crate::catalogue::{
    CourierCase, CourierRun, CourierState, Direction, Movement, MovementState, Place,
};
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::media::custody;

/// Puts items of a run into a case.
///
/// # Errors
/// Something is not on the run, or the case is full or on another run: nothing is packed then.
pub fn pack(desk: &Desk<'_>, number: &str, case: &Barcode, barcodes: &[Barcode]) -> Result<Done> {
    let mut run = desk.building(number)?;
    let mut done = Done::new(&run);
    let (thing, case_item) = desk.case(case)?;
    is_free(desk, &run, case)?;
    let ordinal = match desk
        .tx
        .courier_cases(run.id)?
        .iter()
        .find(|row| row.thing == thing)
    {
        Some(row) => row.ordinal,
        None => {
            let last = desk
                .tx
                .courier_cases(run.id)?
                .last()
                .map_or(0, |row| row.ordinal);
            desk.tx.put_courier_case(
                run.id,
                &CourierCase {
                    thing,
                    ordinal: last + 1,
                    seals: Vec::new(),
                    sealed_at: None,
                    arrival: None,
                },
            )?;
            last + 1
        }
    };
    let inside = Place::Case { case: case.clone() };
    let holds = case_item
        .case()
        .and_then(|case| case.holds)
        .unwrap_or(u32::MAX);
    let mut refused = Vec::new();
    for barcode in barcodes {
        let Some(line) = desk.line(&run, barcode)? else {
            refused.push(
                Error::usage(format!("{barcode} is not on run {number}"))
                    .hint(format!("add it: tapeward courier add {number} {barcode}")),
            );
            continue;
        };
        if line.movement.in_case == Some(thing) && *line.item.place() == inside {
            done.say(format!("{barcode} is in case {case} already"));
            continue;
        }
        if desk.tx.items_at(&inside)?.len() >= holds as usize {
            refused.push(
                Error::usage(format!(
                    "case {case} is full ({holds}): no room for {barcode}"
                ))
                .hint("take another case"),
            );
            continue;
        }
        if let Some(other) = line.movement.in_case {
            desk.unseal(&run, other, &mut done)?;
        }
        desk.unseal(&run, thing, &mut done)?;
        if let Place::Element { kind, .. } = line.item.place()
            && *kind != crate::catalogue::ElementKind::ImportExport
        {
            refused.push(
                Error::usage(format!("{barcode} is in the library by the record")).hint(format!(
                    "move it out first: tapeward library eject {barcode}"
                )),
            );
            continue;
        }
        desk.put(&run, &line.item, &inside)?;
        desk.tx.change_movement(&Movement {
            state: MovementState::Picked,
            in_case: Some(thing),
            ..line.movement.clone()
        })?;
        done.say(format!(
            "{barcode} is in case {case} (case {ordinal} of the run)"
        ));
    }
    if let Some(error) = custody::joined(&refused) {
        return Err(error);
    }
    desk.list_changed(&mut run)?;
    desk.note(
        &run,
        "packed",
        &serde_json::json!({"case": case, "barcodes": barcodes}),
    )?;
    Ok(done)
}

/// A case that is not on another run.
fn is_free(desk: &Desk<'_>, run: &CourierRun, case: &Barcode) -> Result<()> {
    let (thing, _) = desk.case(case)?;
    for other in desk.tx.courier_runs()? {
        let open = matches!(
            other.state,
            CourierState::Building | CourierState::HandedOver
        );
        if other.id != run.id
            && open
            && desk
                .tx
                .courier_cases(other.id)?
                .iter()
                .any(|row| row.thing == thing)
        {
            return Err(Error::usage(format!(
                "case {case} is on run {}",
                other.number
            )));
        }
    }
    Ok(())
}

/// Seals a case.
///
/// # Errors
/// Its content is not its list: each difference is named; a seal was used before.
pub fn seal(desk: &Desk<'_>, number: &str, case: &Barcode, seals: &[String]) -> Result<Done> {
    let mut run = desk.building(number)?;
    let mut done = Done::new(&run);
    let (thing, _) = desk.case(case)?;
    let Some(row) = desk
        .tx
        .courier_cases(run.id)?
        .into_iter()
        .find(|row| row.thing == thing)
    else {
        return Err(
            Error::usage(format!("case {case} is not on run {number}")).hint(format!(
                "pack something into it: tapeward courier pack {number} --case {case} BARCODE"
            )),
        );
    };
    if seals.iter().any(|seal| seal.trim().is_empty()) {
        return Err(Error::usage("a seal has a number"));
    }
    differences(desk, &run, case, thing)?;
    for other in desk.tx.courier_runs()? {
        for used in desk.tx.courier_cases(other.id)? {
            let is_other = other.id != run.id || used.thing != thing;
            if let Some(seal) = seals.iter().find(|seal| used.seals.contains(seal))
                && is_other
            {
                return Err(Error::usage(format!(
                    "seal {seal} was used on run {}: a seal is used once",
                    other.number
                )));
            }
        }
    }
    desk.tx.put_courier_case(
        run.id,
        &CourierCase {
            seals: seals.to_vec(),
            sealed_at: Some(desk.stamp.at),
            ..row
        },
    )?;
    desk.list_changed(&mut run)?;
    desk.note(
        &run,
        "sealed",
        &serde_json::json!({"case": case, "seals": seals}),
    )?;
    done.say(format!("case {case} is sealed with {}", seals.join(", ")));
    Ok(done)
}

fn differences(
    desk: &Desk<'_>,
    run: &CourierRun,
    case: &Barcode,
    thing: crate::id::ThingId,
) -> Result<()> {
    let listed: BTreeSet<Barcode> = lines(desk.tx, run.id)?
        .into_iter()
        .filter(|line| line.movement.in_case == Some(thing))
        .map(|line| line.barcode().clone())
        .collect();
    let inside: BTreeSet<Barcode> = desk
        .tx
        .items_at(&Place::Case { case: case.clone() })?
        .iter()
        .map(|item| item.barcode().clone())
        .collect();
    let mut found: Vec<String> = listed
        .difference(&inside)
        .map(|barcode| format!("{barcode} is listed and not in it"))
        .collect();
    found.extend(
        inside
            .difference(&listed)
            .map(|barcode| format!("{barcode} is in it and not listed")),
    );
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "case {case} cannot be sealed: {}",
        found.join("; ")
    )))
}

/// What keeps a run from leaving: each in a sentence.
///
/// # Errors
/// The record cannot be read.
pub fn blockers(desk: &Desk<'_>, run: &CourierRun) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let all = lines(desk.tx, run.id)?;
    if all.is_empty() {
        found.push("it has no lines".to_owned());
    }
    if run.direction == Direction::Back {
        return Ok(found);
    }
    for line in &all {
        if line.movement.state == MovementState::Planned {
            let place = crate::media::rule::going(line.item.place());
            found.push(format!("{} is not packed: it is {place}", line.barcode()));
        }
    }
    for case in desk.tx.courier_cases(run.id)? {
        if case.sealed_at.is_none() {
            let barcode = desk.tx.thing(case.thing)?.barcode;
            found.push(format!("case {barcode} is not sealed"));
        }
    }
    Ok(found)
}
