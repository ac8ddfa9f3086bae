//! Handing over to the carrier, and the carrier that does not come.

use super::desk::{Desk, Done, lines};
use super::pack::blockers;
use crate::catalogue::{
    CourierState, Direction, ExceptionKind, HandOver, Movement, MovementState, Place, Revision,
    Witness,
};
use crate::error::{Error, ErrorKind, Result};
use crate::media::exception::{self, About};

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The print that was signed.
    pub revision: Revision,
    /// The driver's name.
    pub driver: String,
    /// The vehicle's registration, where it was noted.
    pub vehicle: Option<String>,
    /// SHA-256 of the signed page.
    pub page: Option<String>,
}

/// Hands a run over: everything on it is in transit.
///
/// # Errors
/// An older print was signed, or the list has changed since; a driver or vehicle the carrier did not
/// name; something is not packed or sealed.
pub fn handover(desk: &Desk<'_>, number: &str, signed: &Signed) -> Result<Done> {
    let mut run = desk.building(number)?;
    let mut done = Done::new(&run);
    let blocked = blockers(desk, &run)?;
    if !blocked.is_empty() {
        return Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("run {number} cannot leave: {}", blocked.join("; ")),
        ));
    }
    if run.printed_digest.is_none() {
        let what = if run.revision == Revision::NONE {
            format!("run {number} was never printed")
        } else {
            format!(
                "the list of run {number} has changed since revision {}",
                run.revision
            )
        };
        return Err(Error::usage(what).hint(format!(
            "print it again and have that signed: tapeward courier print {number}"
        )));
    }
    if signed.revision != run.revision {
        return Err(Error::usage(format!(
            "revision {} of run {number} is void: {} is the one to be signed",
            signed.revision, run.revision
        )));
    }
    known_to_carrier(desk, &run.carrier, signed)?;
    let in_transit = Place::InTransit;
    let stamp = crate::media::stamp::Stamp {
        witness: Witness::Signed,
        ..desk.stamp.clone()
    };
    let desk = Desk {
        stamp: &stamp,
        ..*desk
    };
    for case in desk.tx.courier_cases(run.id)? {
        let thing = desk.tx.thing(case.thing)?;
        desk.put(&run, &crate::catalogue::Item::Thing(thing), &in_transit)?;
    }
    let all = lines(desk.tx, run.id)?;
    for line in &all {
        desk.tx.change_movement(&Movement {
            state: MovementState::InTransit,
            grade: Some(Witness::Signed),
            ..line.movement.clone()
        })?;
        // What comes back is in cases of the vault that nobody here has seen.
        if line.movement.in_case.is_none() {
            desk.put(&run, &line.item, &in_transit)?;
        }
    }
    run.state = CourierState::HandedOver;
    run.handed_over = Some(HandOver {
        revision: signed.revision,
        driver: signed.driver.clone(),
        vehicle: signed.vehicle.clone(),
        at: stamp.at,
        entered_at: stamp.entered_at,
        by: stamp.by.clone(),
        signed: signed.page.clone(),
    });
    desk.tx.change_courier_run(&run)?;
    desk.note(
        &run,
        "handed_over",
        &serde_json::json!({
            "revision": signed.revision,
            "driver": signed.driver,
            "vehicle": signed.vehicle,
            "signed_page": signed.page,
        }),
    )?;
    let late = if stamp.is_late() {
        ", entered late"
    } else {
        ""
    };
    done.say(format!(
        "run {number} revision {} is with {}{late}: {} lines in transit",
        run.revision,
        signed.driver,
        all.len()
    ));
    Ok(done)
}

/// Refuses a driver or a vehicle the carrier did not name, where it named any.
fn known_to_carrier(
    desk: &Desk<'_>,
    carrier: &crate::id::CarrierCode,
    signed: &Signed,
) -> Result<()> {
    if signed.driver.trim().is_empty() {
        return Err(Error::usage("who takes it? A driver has a name"));
    }
    let config = desk.app.config.carrier(carrier)?;
    if !config.drivers.is_empty() && !config.drivers.contains(&signed.driver) {
        return Err(Error::usage(format!(
            "\"{}\" is no driver that {} has named",
            signed.driver, config.name
        ))
        .hint(format!(
            "do not hand over; call {}; named are {}",
            config.telephone.as_deref().unwrap_or("the carrier"),
            config.drivers.join(", ")
        )));
    }
    if let Some(vehicle) = &signed.vehicle
        && !config.vehicles.is_empty()
        && !config.vehicles.contains(vehicle)
    {
        return Err(Error::usage(format!(
            "\"{vehicle}\" is no vehicle that {} has named",
            config.name
        ))
        .hint(format!("named are {}", config.vehicles.join(", "))));
    }
    Ok(())
}

/// Nobody came: the run goes on the next day on which the carrier comes, and somebody has to explain it.
///
/// # Errors
/// It was handed over.
pub fn no_show(desk: &Desk<'_>, number: &str) -> Result<Done> {
    let mut run = desk.building(number)?;
    let mut done = Done::new(&run);
    if run.due > desk.stamp.day() {
        return Err(Error::usage(format!(
            "run {number} is on {}: nobody is late yet",
            run.due
        )));
    }
    let words = desk.stamp.reason.clone().unwrap_or_default();
    let carrier = desk.app.config.carrier(&run.carrier)?.name.clone();
    let detail = format!(
        "{carrier} did not come on {} for run {number}{}{words}",
        run.due,
        if words.is_empty() { "" } else { ": " }
    );
    let about = About::default().at(&run.vault).on(run.id);
    let exception = exception::open(desk.tx, desk.stamp, ExceptionKind::NoShow, &about, &detail)?;
    done.open(exception, &detail);
    let before = run.due;
    run.due = desk.day(&run.vault, None)?;
    // The day stands on every page.
    desk.list_changed(&mut run)?;
    for line in lines(desk.tx, run.id)? {
        desk.tx.change_movement(&Movement {
            due: run.due.max(line.movement.due),
            ..line.movement
        })?;
    }
    desk.note(
        &run,
        "no_show",
        &serde_json::json!({"due": before, "moved_to": run.due}),
    )?;
    done.say(format!(
        "run {number} is on {} now{}",
        run.due,
        if run.direction == Direction::Out {
            "; print it again"
        } else {
            ""
        }
    ));
    Ok(done)
}
