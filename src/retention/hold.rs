//! Holds that people place and release.

use chrono::{DateTime, Utc};

use super::review::review;
use crate::app::App;
use crate::catalogue::{HoldChange, HoldEvent, HoldSubject, Tx, View};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, SetId};
use crate::journal::Event;

/// What is held from now on.
#[derive(Debug, Clone)]
pub struct Held {
    /// That.
    pub subject: HoldSubject,
    /// Cartridges with some of it that are being labelled anew: for these it comes too late.
    pub going: Vec<Barcode>,
}

impl Held {
    /// # Errors
    /// [`ErrorKind::Incomplete`] when it comes too late for something.
    pub fn outcome(&self) -> Result<()> {
        if self.going.is_empty() {
            return Ok(());
        }
        let barcodes: Vec<&str> = self.going.iter().map(Barcode::as_str).collect();
        Err(Error::new(
            ErrorKind::Incomplete,
            format!(
                "it may be too late for what is on {}: a label is being written there",
                barcodes.join(", ")
            ),
        )
        .hint("it is held wherever else it is: \"tapeward set show\" says where"))
    }
}

/// Keeps every set of a definition, those to come too, or one set, whatever its retention says.
/// Where it is held already the new reason counts.
///
/// # Errors
/// Nothing is known by that name; no reason.
pub fn hold(app: &App, which: &str, reason: &str) -> Result<Held> {
    let reason = in_words(reason)?;
    app.write(|tx, now| {
        let subject = find(tx, which)?;
        change(app, tx, now, subject, HoldChange::Placed, reason)?;
        let going = going(app, tx, now, subject)?;
        review(app, tx, now)?;
        Ok(Held { subject, going })
    })
}

/// Cartridges with something that is held by this that are being labelled anew.
fn going(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, subject: HoldSubject) -> Result<Vec<Barcode>> {
    let mut going = Vec::new();
    for volume in tx.volumes_being_labelled()? {
        let mut holds = false;
        for copy in tx.set_copies_on(volume.id)? {
            let set = tx.set(copy.set)?;
            let hold = tx.hold_of_set(set.id, set.definition)?;
            holds |= hold.is_some_and(|hold| hold.subject == subject);
        }
        if !holds {
            continue;
        }
        let barcode = tx.cartridge(volume.cartridge)?.barcode;
        app.note(
            tx,
            now,
            &Event::ProblemFound {
                run: None,
                volume: Some(volume.id),
                cartridge: Some(volume.cartridge),
                what: format!("a hold comes too late for {barcode}: it is being labelled anew"),
            },
        )?;
        going.push(barcode);
    }
    Ok(going)
}

/// Ends a hold.
///
/// # Errors
/// Nothing is known by that name; it is not held; no reason.
pub fn release(app: &App, which: &str, reason: &str) -> Result<HoldSubject> {
    let reason = in_words(reason)?;
    app.write(|tx, now| {
        let subject = find(tx, which)?;
        if tx.hold_on(subject)?.is_none() {
            return Err(not_held(tx, subject, which)?);
        }
        change(app, tx, now, subject, HoldChange::Released, reason)?;
        review(app, tx, now)?;
        Ok(subject)
    })
}

/// Places a hold within a transaction, without looking what follows from it.
pub(crate) fn place(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    subject: HoldSubject,
    reason: &str,
) -> Result<()> {
    change(app, tx, now, subject, HoldChange::Placed, in_words(reason)?)
}

fn in_words(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().any(char::is_control) {
        return Err(Error::usage("a hold needs a reason in one line"));
    }
    Ok(reason)
}

fn find(view: &View<'_>, which: &str) -> Result<HoldSubject> {
    if let Ok(id) = which.parse::<SetId>()
        && let Some(set) = view.sets()?.into_iter().find(|set| set.id == id)
    {
        return Ok(HoldSubject::Set(set.id));
    }
    Ok(HoldSubject::Definition(
        crate::set::find_definition(view, which)?.id,
    ))
}

/// A set may be held by its definition, and a definition by none of its own though sets of it are.
fn not_held(view: &View<'_>, subject: HoldSubject, which: &str) -> Result<Error> {
    let error = Error::usage(format!("{which} is not held"));
    let HoldSubject::Set(set) = subject else {
        return Ok(error);
    };
    let definition = view.definition(view.set(set)?.definition)?;
    Ok(
        match view.hold_on(HoldSubject::Definition(definition.id))? {
            Some(_) => error.hint(format!(
                "all sets of {0} are: \"tapeward set release {0}\"",
                definition.name
            )),
            None => error,
        },
    )
}

fn change(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    subject: HoldSubject,
    change: HoldChange,
    reason: &str,
) -> Result<()> {
    tx.add_hold_event(&HoldEvent {
        subject,
        change,
        reason: reason.to_owned(),
        actor: app.actor.clone(),
        at: now,
    })?;
    let (definition, set) = match subject {
        HoldSubject::Definition(definition) => (Some(definition), None),
        HoldSubject::Set(set) => (None, Some(set)),
    };
    let reason = reason.to_owned();
    let event = match change {
        HoldChange::Placed => Event::HoldPlaced {
            definition,
            set,
            reason,
        },
        HoldChange::Released => Event::HoldReleased {
            definition,
            set,
            reason,
        },
    };
    app.note(tx, now, &event)
}
