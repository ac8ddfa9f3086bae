//! What disagrees: opened by whatever finds it, closed by a person who explains it.

use super::custody::thing_id;
use super::stamp::Stamp;
use crate::catalogue::{Exception, ExceptionKind, Item, NewException, Tx};
use crate::error::{Error, Result};
use crate::id::{Barcode, CourierRunId, ItemId, PlaceCode};
use crate::journal::Event;

/// What an exception is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The item, where one is known.
    pub item: Option<ItemId>,
    /// What is printed on it.
    pub barcode: Option<Barcode>,
    /// The place.
    pub place: Option<PlaceCode>,
    /// The courier run.
    pub run: Option<CourierRunId>,
}

impl About {
    /// About an item alone.
    #[must_use]
    pub fn item(item: &Item) -> Self {
        Self {
            item: Some(item.id()),
            barcode: Some(item.barcode().clone()),
            ..Self::default()
        }
    }

    /// About something of which only the barcode is known.
    #[must_use]
    pub fn barcode(barcode: &Barcode) -> Self {
        Self {
            barcode: Some(barcode.clone()),
            ..Self::default()
        }
    }

    /// In a place.
    #[must_use]
    pub fn at(self, place: &PlaceCode) -> Self {
        Self {
            place: Some(place.clone()),
            ..self
        }
    }

    /// On a courier run.
    #[must_use]
    pub fn on(self, run: CourierRunId) -> Self {
        Self {
            run: Some(run),
            ..self
        }
    }
}

/// Opens an exception and returns its number; one that says the same and is open stands for it.
///
/// # Errors
/// The record cannot be written.
pub fn open(
    tx: &Tx<'_>,
    stamp: &Stamp,
    kind: ExceptionKind,
    about: &About,
    detail: &str,
) -> Result<u32> {
    let new = NewException {
        kind,
        item: about.item,
        barcode: about.barcode.clone(),
        place: about.place.clone(),
        run: about.run,
        detail: detail.to_owned(),
        opened_at: stamp.at,
        opened_by: stamp.by.clone(),
    };
    if let Some(same) = tx.same_exception(&new)? {
        return Ok(same.number);
    }
    let number = tx.add_exception(&new)?;
    let item = about.item.map(|item| tx.item(item)).transpose()?;
    stamp.note(
        tx,
        &Event::ExceptionOpened {
            cartridge: item
                .as_ref()
                .and_then(Item::cartridge)
                .map(|cartridge| cartridge.id),
            thing: item.as_ref().and_then(thing_id),
            courier_run: about.run,
            number,
            exception_kind: kind,
            barcode: about.barcode.clone(),
            detail: detail.to_owned(),
        },
    )?;
    Ok(number)
}

/// A person explains an exception.
///
/// # Errors
/// There is none of this number, it is explained already, or nothing is said.
pub fn explain(tx: &Tx<'_>, stamp: &Stamp, number: u32, explanation: &str) -> Result<Exception> {
    let exception = tx.exception(number)?;
    if exception.closed_at.is_some() {
        return Err(Error::usage(format!(
            "exception {number} is explained already"
        )));
    }
    let explanation = explanation.trim();
    if explanation.is_empty() {
        return Err(Error::usage("an explanation has words"));
    }
    tx.close_exception(number, explanation, &stamp.by, stamp.at)?;
    let item = exception.item.map(|item| tx.item(item)).transpose()?;
    stamp.note(
        tx,
        &Event::ExceptionExplained {
            cartridge: item
                .as_ref()
                .and_then(Item::cartridge)
                .map(|cartridge| cartridge.id),
            thing: item.as_ref().and_then(thing_id),
            courier_run: exception.run,
            number,
            explanation: explanation.to_owned(),
        },
    )?;
    Ok(tx.exception(number)?)
}
