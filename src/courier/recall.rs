//! Calling something home before its time.

use chrono::NaiveDate;

use super::build::{self, Manner};
use super::desk::{Desk, Done};
use crate::catalogue::{CourierState, Direction, MoveReason, Movement, Place, PlaceKind};
use crate::error::{Error, Result};
use crate::id::{Barcode, PersonCode, PlaceCode};
use crate::media::{custody, facts, rule};

/// How soon it must be here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Haste {
    /// With a run of the carrier: on this day, or the next on which it comes.
    Regular(Option<NaiveDate>),
    /// Today, whatever the calendar says; somebody whom the vault knows has authorised it.
    Urgent(PersonCode),
}

/// Recalls items: they are lines of a run back.
///
/// # Errors
/// One is in no vault, or they are in several; nobody may authorise an urgent recall.
pub fn recall(desk: &Desk<'_>, barcodes: &[Barcode], haste: &Haste) -> Result<Done> {
    let vault = vault_of(desk, barcodes)?;
    let place = desk.app.config.place(&vault)?;
    let mut authorised_by = None;
    let (day, urgent) = match haste {
        Haste::Regular(on) => (desk.day(&vault, *on)?, false),
        Haste::Urgent(person) => {
            let person = crate::media::person::here(desk.tx, person)?;
            if !place.authorised.contains(&person.code) {
                let may: Vec<&str> = place.authorised.iter().map(PersonCode::as_str).collect();
                return Err(Error::usage(format!(
                    "{} may not authorise an urgent recall from {vault}",
                    person.name
                ))
                .hint(if may.is_empty() {
                    format!(
                        "name who may in place.{vault} of config.toml: authorised = [\"BADGE\"]"
                    )
                } else {
                    format!("these may: {}", may.join(", "))
                }));
            }
            authorised_by = Some(person.code.to_string());
            (desk.stamp.entered_at.date_naive(), true)
        }
    };
    let same = desk.tx.courier_runs()?.into_iter().find(|run| {
        run.state == CourierState::Building
            && run.vault == vault
            && run.direction == Direction::Back
            && run.due == day
    });
    let mut run = match same {
        Some(run) => run,
        None => build::create(desk, Direction::Back, &vault, day, None)?,
    };
    let mut done = Done::new(&run);
    for barcode in barcodes {
        let item = custody::known(desk.tx, barcode)?;
        let manner = Manner {
            urgent,
            ..Manner::default()
        };
        let movement = match desk.tx.open_movement(item.id())? {
            Some(open) if open.line.is_some() => {
                done.say(format!("{barcode} is on its way already"));
                continue;
            }
            Some(open) => open,
            None => build::plan(
                desk,
                &item,
                &Place::Outside,
                MoveReason::Recall,
                day,
                &manner,
            )?,
        };
        let movement = Movement {
            urgent: urgent || movement.urgent,
            reason: MoveReason::Recall,
            authorised_by: authorised_by.clone(),
            ..movement
        };
        build::attach(desk, &mut run, movement)?;
        done.say(format!(
            "{barcode} comes back with run {} on {day}",
            run.number
        ));
    }
    if urgent {
        let call = place
            .emergency_line
            .as_deref()
            .unwrap_or("(no number on record)");
        done.said.insert(
            0,
            format!(
                "call {call} now, customer number {}",
                place
                    .customer_number
                    .as_deref()
                    .unwrap_or("(none on record)")
            ),
        );
    }
    desk.note(
        &run,
        "recalled",
        &serde_json::json!({"barcodes": barcodes, "urgent": urgent, "authorised_by": authorised_by}),
    )?;
    Ok(done)
}

/// The vault all of them are in.
fn vault_of(desk: &Desk<'_>, barcodes: &[Barcode]) -> Result<PlaceCode> {
    let mut vault: Option<PlaceCode> = None;
    for barcode in barcodes {
        let item = custody::known(desk.tx, barcode)?;
        let place = facts::effective(desk.tx, item.place())?;
        let Place::Kept {
            kind: PlaceKind::Vault,
            code,
        } = place
        else {
            return Err(Error::usage(format!(
                "{barcode} is in no vault: it is {}",
                rule::going(item.place())
            )));
        };
        if vault.as_ref().is_some_and(|other| *other != code) {
            return Err(
                Error::usage("they are in several vaults").hint("recall what is in each by itself")
            );
        }
        vault = Some(code);
    }
    vault.ok_or_else(|| Error::usage("nothing is to be recalled"))
}
