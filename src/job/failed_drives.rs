//! Drives that failed in a run, and the cartridges that may still be in them.
//!
//! A run keeps such a drive, so that nobody else takes it for a good one; but whoever asks for the
//! cartridge in it gets it, to see for himself and be told what to do, for this run waits for him.

use super::drives::Drives;
use crate::catalogue::{DriveNeed, DriveRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::library::mount::{HeldDrive, Seat, stuck};
use crate::library::robot::DriveSite;
use crate::progress::Event;

/// A drive that is not used any more in this run.
#[derive(Debug)]
pub(super) struct FailedDrive {
    site: DriveSite,
    /// None: somebody else may have it.
    held: Option<HeldDrive>,
    /// What it may still hold.
    cartridge: Option<Barcode>,
    why: String,
}

impl FailedDrive {
    fn stuck(&self, barcode: &Barcode) -> Error {
        stuck(barcode, &self.site, &Error::failed(self.why.clone()))
    }
}

impl Drives {
    /// The drive failed with this cartridge in it: it is not used any more in this run.
    pub fn fail(&mut self, seat: Seat, why: &Error) {
        self.put_apart(seat.held, Some(seat.barcode), why);
    }

    pub(super) fn put_apart(&mut self, held: HeldDrive, cartridge: Option<Barcode>, why: &Error) {
        let why = why.to_string();
        self.context().app.watcher.event(Event::Problem {
            subject: held.site.name.to_string(),
            what: format!("not used any more in this run: {why}"),
        });
        self.failed.push(FailedDrive {
            site: held.site.clone(),
            held: Some(held),
            cartridge,
            why,
        });
    }

    /// Whether a cartridge is in a drive that failed.
    #[must_use]
    pub fn is_stuck(&self, barcode: &Barcode) -> bool {
        self.stuck(barcode).is_some()
    }

    /// What to do about a cartridge that is in a drive that failed.
    pub(super) fn stuck(&self, barcode: &Barcode) -> Option<Error> {
        let mut failed = self.failed.iter();
        failed
            .find(|failed| failed.cartridge.as_ref() == Some(barcode))
            .map(|failed| failed.stuck(barcode))
    }

    /// Drives that failed, and why.
    pub fn failures(&self) -> Vec<String> {
        let failed = self.failed.iter();
        failed
            .map(|failed| format!("{} failed: {}", failed.site.name, failed.why))
            .collect()
    }

    pub(super) fn none_free(&self, barcode: &Barcode) -> Error {
        let what = format!("no drive is free to mount {barcode}");
        if self.failed.is_empty() {
            return Error::failed(what);
        }
        let failed: Vec<String> = self
            .failed
            .iter()
            .map(|failed| format!("{} failed ({})", failed.site.name, failed.why))
            .collect();
        Error::new(
            ErrorKind::OperatorNeeded,
            format!("{what}: {}", failed.join(", ")),
        )
        .hint("repair or exchange it, or turn it off and on; then \"tapeward job resume\"")
    }

    /// A drive that failed with a cartridge in it that somebody asks for: to be let go of.
    pub(super) fn failed_with(&mut self, request: &DriveRequest) -> Option<HeldDrive> {
        if request.need != DriveNeed::Cartridge {
            return None;
        }
        let mut failed = self.failed.iter_mut();
        failed
            .find(|failed| {
                let cartridge = failed.cartridge.as_ref();
                failed.held.is_some() && cartridge.is_some_and(|it| request.cartridges.contains(it))
            })
            .and_then(|failed| failed.held.take())
    }

    /// All drives that failed, to be let go of.
    pub(super) fn all_failed(&mut self) -> Vec<HeldDrive> {
        let failed = self.failed.iter_mut();
        failed.filter_map(|failed| failed.held.take()).collect()
    }

    /// Tries once to get the cartridges out of drives that failed.
    ///
    /// # Errors
    /// [`ErrorKind::OperatorNeeded`] naming cartridge and drive for those that stay.
    pub fn take_out_of_failed(&mut self) -> Result<()> {
        let context = self.context().clone();
        let library = &context.library;
        let view = library.view()?;
        let mut outcome = Ok(());
        for failed in &mut self.failed {
            let site = &failed.site;
            let there = view
                .at(site.element)
                .and_then(|place| place.barcode.clone());
            failed.cartridge.clone_from(&there);
            let Some(barcode) = there else { continue };
            let lock = match &failed.held {
                Some(_) => Ok(None),
                None => library.hold_drive(site).map(Some),
            };
            let taken = lock.and_then(|_lock| {
                let mut drive = library.open_unit(&site.unit)?;
                library.clear_drive(&mut drive, site, &view, &context)
            });
            match taken {
                Ok(()) => failed.cartridge = None,
                Err(_) => outcome = outcome.and(Err(failed.stuck(&barcode))),
            }
        }
        outcome
    }
}
