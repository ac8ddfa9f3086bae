//! The drives a run holds, and the cartridges in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tapeward_drivers::Drive;
use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::ssc::Readiness;

use super::failed_drives::FailedDrive;
use super::fit::BestDrive;
use super::step::RunContext;
use super::volumes;
use crate::catalogue::CatalogueError;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, DriveRequestId, KeyId, VolumeId};
use crate::key::Identities;
use crate::library::fitting;
use crate::library::mount::{Blamed, Culprit, HeldDrive, MoveWitness, Seat, culprit_of};
use crate::library::robot::DriveSite;
use crate::progress::Event;
use crate::tape::BlockSize;
use crate::tape::volume::{DriveKeys, OpenError, VolumeReader};

/// Held drives: empty ones, those with a cartridge that nobody is working with right now, and
/// those that failed.
#[derive(Debug)]
pub struct Drives {
    context: RunContext,
    pub(super) idle: Vec<HeldDrive>,
    pub(super) mounted: Vec<(Seat, Drive)>,
    pub(super) failed: Vec<FailedDrive>,
    /// Others have them for now.
    pub(super) away: Vec<DriveSite>,
    /// Which requests got a drive, and for which of the things they asked for.
    pub(super) answered: BTreeMap<DriveRequestId, u32>,
    /// Who opens keys on tapes; none: those this host keeps.
    identities: Option<Arc<Identities>>,
}

/// A drive set apart for a cartridge, with what is in it now.
#[derive(Debug)]
pub enum Reserved {
    /// The cartridge itself, mounted.
    Ready(Box<(Seat, Drive)>),
    /// Another cartridge, mounted.
    Occupied(Box<(Seat, Drive)>),
    /// Nothing that this process put there.
    Idle(HeldDrive),
}

/// A cartridge that could not be mounted.
#[derive(Debug)]
pub struct NotMounted {
    reserved: Reserved,
    blamed: Blamed,
}

impl Reserved {
    /// Mounts the cartridge. It takes minutes; others can use the other drives meanwhile.
    pub fn mount(
        self,
        context: &RunContext,
        barcode: &Barcode,
    ) -> Result<(Seat, Drive), Box<NotMounted>> {
        let held = match self {
            Self::Ready(mounted) => return Ok(*mounted),
            Self::Idle(held) => held,
            Self::Occupied(mounted) => {
                let (seat, drive) = *mounted;
                context
                    .library
                    .unmount(seat, drive, None, context)
                    .map_err(|failed| {
                        Box::new(NotMounted {
                            reserved: Self::Occupied(Box::new((failed.seat, failed.drive))),
                            blamed: failed.blamed,
                        })
                    })?
            }
        };
        context
            .library
            .mount(held, barcode, context)
            .map_err(|failed| {
                Box::new(NotMounted {
                    reserved: Self::Idle(failed.held),
                    blamed: failed.blamed,
                })
            })
    }
}

impl Drives {
    /// Starts with these drives.
    #[must_use]
    pub fn new(context: RunContext, idle: Vec<HeldDrive>) -> Self {
        Self {
            context,
            idle,
            mounted: Vec::new(),
            failed: Vec::new(),
            away: Vec::new(),
            answered: BTreeMap::new(),
            identities: None,
        }
    }

    pub(super) fn context(&self) -> &RunContext {
        &self.context
    }

    /// Opens keys on tapes with these identities instead of those this host keeps.
    #[must_use]
    pub fn with_identities(mut self, identities: Option<Arc<Identities>>) -> Self {
        self.identities = identities;
        self
    }

    /// Who opens what is encrypted to these keys.
    pub fn identities(&self, keys: &[KeyId]) -> Result<Arc<Identities>> {
        match &self.identities {
            Some(identities) => Ok(Arc::clone(identities)),
            None => Ok(Arc::new(self.context.app.identities(&[], keys)?)),
        }
    }

    /// What it takes to read what drives encrypted on a volume.
    pub fn keys_of(&self, volume: VolumeId) -> Result<DriveKeys> {
        let (files, keys) = self.context.app.catalogue.read(|view| {
            let files = volumes::key_files(view, volume)?;
            let mut keys = Vec::new();
            for set in files.iter().filter_map(|file| file.set) {
                // A session that committed nothing may have left the key of a set nobody knows.
                match view.set(set) {
                    Ok(set) => keys.extend(set.recipients),
                    Err(CatalogueError::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok::<_, Error>((files, keys))
        })?;
        if files.is_empty() {
            return Ok(DriveKeys::default());
        }
        let identities = self.identities(&keys)?;
        Ok(DriveKeys { files, identities })
    }

    /// Takes all of it out, to be worked with elsewhere.
    #[must_use]
    pub fn hand_over(&mut self) -> Self {
        let empty = Self {
            identities: self.identities.clone(),
            ..Self::new(self.context.clone(), Vec::new())
        };
        std::mem::replace(self, empty)
    }

    /// How many drives work and nobody is working with.
    #[must_use]
    pub fn available(&self) -> usize {
        self.idle.len() + self.mounted.len()
    }

    /// The cartridges that are mounted and that nobody is working with.
    pub fn mounted(&self) -> impl Iterator<Item = &Barcode> {
        self.mounted.iter().map(|(seat, _)| &seat.barcode)
    }

    /// Whether a cartridge is mounted and nobody is working with it.
    #[must_use]
    pub fn has(&self, barcode: &Barcode) -> bool {
        self.mounted
            .iter()
            .any(|(seat, _)| seat.barcode == *barcode)
    }

    /// Whether one of the drives that nobody is working with may be able to write a cartridge in
    /// blocks of this size; when there is none, that is another matter.
    #[must_use]
    pub fn can_write(&self, barcode: &Barcode, blocks: BlockSize) -> bool {
        let mounted = self.mounted.iter().map(|(seat, _)| &seat.held);
        self.available() == 0
            || self.idle.iter().chain(mounted).any(|held| {
                held.blocks.objection(blocks).is_none() && fitting::can_write(&held.site, barcode)
            })
    }

    /// The cartridge, mounted: as it is, or in an empty drive, or in place of another. A drive
    /// that fails is put apart, and another one tried.
    pub fn take(&mut self, barcode: &Barcode) -> Result<(Seat, Drive)> {
        loop {
            let reserved = self.reserve(barcode)?;
            match reserved.mount(&self.context, barcode) {
                Ok(mounted) => return Ok(mounted),
                Err(failed) => {
                    let blamed = self.give_back(*failed);
                    if blamed.culprit != Culprit::Drive || self.available() == 0 {
                        return Err(blamed.error);
                    }
                }
            }
        }
    }

    /// Sets a drive apart for a cartridge.
    ///
    /// # Errors
    /// The cartridge is in a drive that failed; no drive is free.
    pub fn reserve(&mut self, barcode: &Barcode) -> Result<Reserved> {
        if let Some(stuck) = self.stuck(barcode) {
            return Err(stuck);
        }
        if let Some(index) = self.position(barcode) {
            let mounted = self.mounted.swap_remove(index);
            return Ok(Reserved::Ready(Box::new(mounted)));
        }
        let blocks = self.context.block_size(barcode)?;
        match self.best_drive(barcode, blocks) {
            Some(BestDrive::Idle(fitting)) => Ok(Reserved::Idle(self.idle_for(barcode, fitting)?)),
            Some(BestDrive::Occupied(index)) => {
                let mounted = self.mounted.swap_remove(index);
                Ok(Reserved::Occupied(Box::new(mounted)))
            }
            None => Err(self.none_free(barcode)),
        }
    }

    /// What was reserved and not mounted; a drive that is to blame is put apart.
    pub fn give_back(&mut self, failed: NotMounted) -> Blamed {
        let NotMounted { reserved, blamed } = failed;
        let is_broken = blamed.culprit == Culprit::Drive;
        match reserved {
            Reserved::Idle(held) if is_broken => {
                let view = self.context.library.view().ok();
                let there = view.as_ref().and_then(|view| view.at(held.site.element));
                let cartridge = there.and_then(|place| place.barcode.clone());
                self.put_apart(held, cartridge, &blamed.error);
            }
            Reserved::Idle(held) => self.idle.push(held),
            Reserved::Ready(mounted) | Reserved::Occupied(mounted) => {
                let (seat, drive) = *mounted;
                if is_broken {
                    self.fail(seat, &blamed.error);
                } else {
                    self.put(seat, drive);
                }
            }
        }
        blamed
    }

    pub(super) fn position(&self, barcode: &Barcode) -> Option<usize> {
        self.mounted
            .iter()
            .position(|(seat, _)| seat.barcode == *barcode)
    }

    /// An empty drive: the one that fits, but for one that a process that died may have left the
    /// cartridge in.
    fn idle_for(&mut self, barcode: &Barcode, fitting: usize) -> Result<HeldDrive> {
        let view = self.context.library.view()?;
        let place = view.find(barcode)?.map(|place| place.address);
        let index = self
            .idle
            .iter()
            .position(|held| Some(held.site.element) == place)
            .unwrap_or(fitting);
        Ok(self.idle.swap_remove(index))
    }

    /// Gives a mounted cartridge back; it stays in its drive.
    pub fn put(&mut self, seat: Seat, drive: Drive) {
        self.mounted.push((seat, drive));
    }

    /// Gives a mounted cartridge back after trouble: a drive that does not answer any more is put
    /// apart.
    pub fn put_checked(&mut self, seat: Seat, mut drive: Drive) {
        match drive.readiness() {
            Readiness::Other(error) if culprit_of(&error) == Culprit::Drive => {
                let error = Error::failed("it does not answer as it should").because(error);
                self.fail(seat, &error);
            }
            _ => self.put(seat, drive),
        }
    }

    /// Gives back an empty drive.
    pub fn put_idle(&mut self, held: HeldDrive) {
        self.idle.push(held);
    }

    /// Gives back a cartridge whose drive was lost with its thread.
    pub fn put_reopened(&mut self, mut seat: Seat) {
        match self.context.library.open_held(&mut seat.held) {
            Ok(mut drive) => {
                let (library, site) = (&self.context.library, &seat.held.site);
                let protected = self
                    .context
                    .block_size(&seat.barcode)
                    .and_then(|blocks| library.protect(&mut drive, site, blocks, &self.context));
                match protected {
                    Ok(()) => self.put(seat, drive),
                    Err(error) => self.fail(seat, &error),
                }
            }
            Err(error) => self.fail(seat, &error),
        }
    }

    /// Takes a cartridge out of its drive and brings it home, or to `to`. From a drive that
    /// fails at this nothing is taken; [`Drives::take_out_of_failed`] tries again and says so.
    pub fn unmount(&mut self, barcode: &Barcode, to: Option<ElementAddress>) -> Result<()> {
        let Some(index) = self.position(barcode) else {
            return Ok(());
        };
        let (seat, drive) = self.mounted.swap_remove(index);
        match self.context.library.unmount(seat, drive, to, &self.context) {
            Ok(held) => {
                self.idle.push(held);
                Ok(())
            }
            Err(failed) if failed.blamed.culprit == Culprit::Drive => {
                self.fail(failed.seat, &failed.blamed.error);
                Ok(())
            }
            Err(failed) => {
                self.put(failed.seat, failed.drive);
                Err(failed.blamed.error)
            }
        }
    }

    /// Takes every cartridge out of its drive, whatever happens to the others.
    pub fn unmount_all(&mut self) -> Result<()> {
        let barcodes: Vec<Barcode> = self
            .mounted
            .iter()
            .map(|(seat, _)| seat.barcode.clone())
            .collect();
        let mut outcome = Ok(());
        for barcode in barcodes {
            outcome = outcome.and(self.unmount(&barcode, None));
        }
        outcome
    }

    /// Takes every cartridge out of its drive after work that came to `outcome`. Where both went
    /// wrong both are told.
    ///
    /// # Errors
    /// [`ErrorKind::OperatorNeeded`] for cartridges that stay, unless the work failed for another
    /// reason than that something did not work; else that of the work.
    pub fn put_away<T>(&mut self, outcome: Result<T>) -> Result<T> {
        let stuck = self.unmount_all().and(self.take_out_of_failed());
        let (first, last) = match (outcome, stuck) {
            (Err(error), Err(stuck)) if error.kind() == ErrorKind::Failed => (error, stuck),
            (Err(error), Err(stuck)) => (stuck, error),
            (outcome, stuck) => return stuck.and(outcome),
        };
        self.context.app.watcher.event(Event::Problem {
            subject: "cartridges".to_owned(),
            what: first.to_string(),
        });
        Err(last)
    }

    /// Works with a volume that the record may not know: mounts the cartridge, which was seen to
    /// carry this label, and makes sure that it still does.
    pub fn with_reader_of<T>(
        &mut self,
        barcode: &Barcode,
        header: &crate::tape::document::VolumeHeader,
        work: impl FnOnce(&mut VolumeReader) -> Result<T>,
    ) -> Result<T> {
        self.with_volume(
            barcode,
            |drive| VolumeReader::open(drive, header.volume),
            work,
        )
    }

    /// Works with a volume in a drive.
    pub fn with_reader<T>(
        &mut self,
        volume: VolumeId,
        work: impl FnOnce(&mut VolumeReader) -> Result<T>,
    ) -> Result<T> {
        let app = Arc::clone(&self.context.app);
        let barcode = app.catalogue.read(|view| {
            let volume = view.volume(volume)?;
            Ok::<_, Error>(view.cartridge(volume.cartridge)?.barcode)
        })?;
        let keys = self.keys_of(volume)?;
        let (seat, drive) = self.take_in_turn(&barcode)?;
        self.put(seat, drive);
        let open = |drive| VolumeReader::open(drive, volume).map(|it| it.with_drive_keys(keys));
        self.with_volume(&barcode, open, work)
    }

    /// Works with the volume on a cartridge, opened as `open` does it.
    pub fn with_volume<T>(
        &mut self,
        barcode: &Barcode,
        open: impl FnOnce(Drive) -> Result<VolumeReader, Box<OpenError>>,
        work: impl FnOnce(&mut VolumeReader) -> Result<T>,
    ) -> Result<T> {
        let (seat, drive) = self.take(barcode)?;
        match open(drive) {
            Ok(mut reader) => {
                let outcome = work(&mut reader);
                self.put_checked(seat, reader.into_drive());
                outcome
            }
            Err(failed) => {
                self.put_checked(seat, failed.drive);
                Err(Error::failed(format!("cannot read {barcode}")).because(failed.error))
            }
        }
    }
}
