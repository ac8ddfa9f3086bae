//! Things in custody that are no cartridges.

use super::stamp::Stamp;
use crate::catalogue::{NewThing, ThingKind, Tx};
use crate::error::{Error, Result};
use crate::id::{Barcode, ThingId};
use crate::journal::Event;

/// Registers a thing.
///
/// # Errors
/// A barcode that something has already, named with where that is; a kind that is refused.
pub fn add(
    tx: &Tx<'_>,
    stamp: &Stamp,
    kind: ThingKind,
    barcode: &Barcode,
    description: &str,
    holds: Option<u32>,
) -> Result<ThingId> {
    if let Some(known) = tx.item_by_barcode(barcode)? {
        return Err(Error::usage(format!(
            "{barcode} is a {} already, {}",
            known.words(),
            super::rule::going(known.place())
        )));
    }
    match (kind, holds) {
        (ThingKind::Case, None) => {
            return Err(
                Error::usage("how many cartridges does the case hold?").hint("say --holds N")
            );
        }
        (ThingKind::Case, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(Error::usage("only a case holds cartridges")),
    }
    // I12: memory sticks are refused; one that cannot be avoided is recorded with its reason.
    if kind == ThingKind::UsbStick && stamp.reason.as_deref().is_none_or(str::is_empty) {
        return Err(Error::usage("USB sticks are not taken")
            .hint("one that cannot be avoided is recorded as an exception with --reason"));
    }
    let id = ThingId::generate(stamp.entered_at);
    tx.add_thing(&NewThing {
        id,
        barcode: barcode.clone(),
        kind,
        description: description.to_owned(),
        holds,
        added_at: stamp.entered_at,
    })?;
    stamp.note(
        tx,
        &Event::ThingAdded {
            thing: id,
            barcode: barcode.clone(),
            thing_kind: kind,
            description: description.to_owned(),
        },
    )?;
    Ok(id)
}

/// A thing leaves for good.
///
/// # Errors
/// There is none with this barcode, or it is a case with something in it.
pub fn retire(tx: &Tx<'_>, stamp: &Stamp, barcode: &Barcode, reason: &str) -> Result<()> {
    let thing = tx.thing_by_barcode(barcode)?.ok_or_else(|| {
        Error::usage(format!("no thing has the barcode {barcode}"))
            .hint("\"tapeward thing list\" shows all of them")
    })?;
    let inside = tx.items_at(&crate::catalogue::Place::Case {
        case: barcode.clone(),
    })?;
    if let Some(item) = inside.first() {
        return Err(Error::usage(format!(
            "case {barcode} is not empty: {} is in it",
            item.barcode()
        )));
    }
    tx.retire_thing(thing.id, stamp.at)?;
    stamp.note(
        tx,
        &Event::ThingRetired {
            thing: thing.id,
            reason: reason.to_owned(),
        },
    )
}
