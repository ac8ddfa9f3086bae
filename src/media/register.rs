//! Making cartridges known to the record.

use crate::app::App;
use crate::catalogue::{MediumUse, NewCartridge};
use crate::error::Result;
use crate::id::{Barcode, CartridgeId};
use crate::journal::Event;
use crate::library::view::View;
use crate::media::barcode;

/// Registers cartridges, all or none.
///
/// # Errors
/// A barcode that is known already.
pub fn add(app: &App, barcodes: &[Barcode]) -> Result<()> {
    app.write(|tx, now| {
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
    })
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
