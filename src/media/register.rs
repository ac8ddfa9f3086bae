//! Making cartridges known to the record.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::reconcile::place_words;
use super::stamp::Stamp;
use super::{barcode, custody};
use crate::app::App;
use crate::catalogue::{Generation, MediumUse, NewCartridge, Tx};
use crate::error::{Error, Result};
use crate::id::{Barcode, CartridgeId, VolumeSerial};
use crate::journal::Event;
use crate::library::view::View;

/// What is odd about barcodes that are to be registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Barcodes whose six-character serial another cartridge has: they clash in VOL1. Each in a
    /// sentence that says where the other one is.
    pub clashes: Vec<String>,
    /// Barcodes whose media identifier is not known. Each in a sentence.
    pub unknown: Vec<String>,
}

/// Looks at barcodes before they are registered.
///
/// # Errors
/// One that something has already, named with where that is; the record cannot be read.
pub fn oddities(app: &App, barcodes: &[Barcode]) -> Result<Oddities> {
    app.catalogue.read(|catalogue| {
        let mut serials: HashMap<VolumeSerial, (Barcode, String)> = HashMap::new();
        for cartridge in catalogue.cartridges()? {
            if let Some(serial) = barcode::read(&cartridge.barcode).serial {
                let place = place_words(catalogue, &cartridge.place)?;
                serials.insert(serial, (cartridge.barcode, place));
            }
        }
        let mut odd = Oddities::default();
        for code in barcodes {
            if let Some(item) = catalogue.item_by_barcode(code)? {
                let place = place_words(catalogue, item.place())?;
                return Err(Error::usage(format!(
                    "{code} is registered already: a {}, {place}",
                    item.words()
                ))
                .hint("if there are two, one of them needs another label"));
            }
            let reading = barcode::read(code);
            if let Some(serial) = reading.serial {
                let new = (code.clone(), "new".to_owned());
                if let Some((other, place)) = serials.insert(serial, new) {
                    odd.clashes.push(format!(
                        "{code} has the serial {serial} of {other} ({place})"
                    ));
                }
            }
            let has_identifier = code.as_str().len() == 8 && reading.medium_use.holds_data();
            if has_identifier && reading.generation == Generation::Unknown {
                odd.unknown.push(format!(
                    "{code}: the media identifier {} is not known, so its generation is not",
                    &code.as_str()[6..]
                ));
            }
        }
        Ok(odd)
    })
}

/// An item gets another barcode. Its history, and what its label on tape says, stay.
///
/// # Errors
/// Nothing has the old one, or something has the new one.
pub fn relabel(tx: &Tx<'_>, stamp: &Stamp, old: &Barcode, new: &Barcode) -> Result<()> {
    let item = custody::known(tx, old)?;
    if let Some(other) = tx.item_by_barcode(new)? {
        let place = place_words(tx, other.place())?;
        return Err(Error::usage(format!(
            "{new} is taken: a {}, {place}",
            other.words()
        )));
    }
    let reason = stamp.reason.clone().unwrap_or_default();
    if reason.trim().is_empty() {
        return Err(Error::usage(
            "why does it get another barcode? Say --reason TEXT",
        ));
    }
    tx.change_barcode(&item, new, &reason, &stamp.by, stamp.at)?;
    stamp.note(
        tx,
        &Event::BarcodeChanged {
            cartridge: item.cartridge().map(|cartridge| cartridge.id),
            thing: custody::thing_id(&item),
            old: old.clone(),
            new: new.clone(),
            reason,
        },
    )
}

/// Registers cartridges, all or none.
///
/// # Errors
/// A barcode that is known already.
pub fn add(app: &App, barcodes: &[Barcode]) -> Result<()> {
    app.write(|tx, now| add_in(app, tx, now, barcodes))
}

/// The same within a transaction.
///
/// # Errors
/// As [`add`].
pub fn add_in(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, barcodes: &[Barcode]) -> Result<()> {
    for code in barcodes {
        let reading = barcode::read(code);
        let id = CartridgeId::generate(now);
        tx.add_cartridge(&NewCartridge {
            id,
            barcode: code.clone(),
            generation: reading.generation,
            medium_use: reading.medium_use,
            medium_serial: None,
            added_at: now,
        })?;
        app.note(
            tx,
            now,
            &Event::CartridgeAdded {
                cartridge: id,
                barcode: code.clone(),
            },
        )?;
    }
    Ok(())
}

/// Data cartridges in the library that the record does not know.
pub fn unknown_in(app: &App, view: &View) -> Result<Vec<Barcode>> {
    app.catalogue.read(|catalogue| {
        let mut unknown = Vec::new();
        for place in &view.places {
            let Some(code) = &place.barcode else { continue };
            let data = matches!(
                barcode::read(code).medium_use,
                MediumUse::Data | MediumUse::Worm
            );
            if data && !place.cleaning && catalogue.cartridge_by_barcode(code)?.is_none() {
                unknown.push(code.clone());
            }
        }
        unknown.sort();
        unknown.dedup();
        Ok(unknown)
    })
}
