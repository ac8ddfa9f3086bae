//! Putting a cartridge into a drive and taking it out again.

use std::time::Duration;

use tapeward_drivers::Drive;
use tapeward_drivers::error::ScsiError;
use tapeward_drivers::sense::{Progress, SenseKey};
use tapeward_drivers::smc::{ElementAddress, ElementKind};
use tapeward_drivers::ssc::{Pause, Readiness, Removal, WaitError};

use super::fitting;
pub use super::holding::HeldDrive;
use super::robot::{DriveSite, Library};
use super::view::View;
use crate::clock::SharedClock;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::health::Usage;
use crate::id::{Barcode, StepId};
use crate::tape::BlockSize;

/// Longest time a cartridge takes to become ready after it was loaded: seconds as a rule, up to two
/// hours when a drive calibrates itself to a new LTO-9 cartridge.
const LOAD_LIMIT: Duration = Duration::from_secs(150 * 60);
/// How often to ask whether it is ready.
const LOAD_PAUSE: Duration = Duration::from_millis(500);

/// A cartridge in a held drive.
#[derive(Debug)]
pub struct Seat {
    /// The drive and its lock.
    pub held: HeldDrive,
    /// What is in it.
    pub barcode: Barcode,
    /// Where it came from and goes back to.
    pub home: Option<ElementAddress>,
}

/// What another try should do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// The drive.
    Drive,
    /// The cartridge, or the robot's grip on it.
    Cartridge,
    /// Neither: the library as a whole, or the request.
    Library,
}

/// An error and what is to blame for it.
#[derive(Debug)]
pub struct Blamed {
    /// What is to blame.
    pub culprit: Culprit,
    /// What happened.
    pub error: Error,
}

impl From<Error> for Blamed {
    fn from(error: Error) -> Self {
        let culprit = Culprit::Library;
        Self { culprit, error }
    }
}

fn blame(culprit: Culprit) -> impl Fn(Error) -> Blamed {
    move |error| Blamed { culprit, error }
}

/// A cartridge could not be mounted; the drive is still held.
#[derive(Debug)]
pub struct MountError {
    /// The drive.
    pub held: HeldDrive,
    /// Why not.
    pub blamed: Blamed,
}

impl From<Box<MountError>> for Error {
    fn from(failed: Box<MountError>) -> Self {
        failed.blamed.error
    }
}

/// A cartridge could not be taken out of its drive, which is still held.
#[derive(Debug)]
pub struct UnmountError {
    /// The cartridge in its drive.
    pub seat: Seat,
    /// The path to the drive.
    pub drive: Drive,
    /// Why not.
    pub blamed: Blamed,
}

impl From<Box<UnmountError>> for Error {
    fn from(failed: Box<UnmountError>) -> Self {
        failed.blamed.error
    }
}

/// Lets a drive wait by our clock, and says how far it is at every tenth of the way.
struct ByClock<'a> {
    clock: &'a SharedClock,
    witness: &'a dyn MoveWitness,
    /// Cartridge and drive.
    what: String,
    tenths: Option<u16>,
}

impl Pause for ByClock<'_> {
    fn pause(&mut self, duration: Duration) {
        self.clock.pause(duration);
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    fn progress(&mut self, progress: Progress) {
        let tenths = Some(progress.0 / 6_554);
        if tenths != self.tenths {
            self.tenths = tenths;
            self.witness
                .waiting(&format!("{} is being prepared, {progress} done", self.what));
        }
    }
}

/// Told of every move before and after it, so that the record knows.
pub trait MoveWitness: Sync {
    /// About to move; an error stops it. The step is handed back afterwards.
    fn before(&self, barcode: &Barcode, from: ElementAddress, to: ElementAddress)
    -> Result<StepId>;
    /// What was seen afterwards, whether it worked or not.
    fn after(&self, step: StepId, outcome: Result<&View, &Error>) -> Result<()>;
    /// What a mount showed, told while the cartridge is still in the drive.
    fn used(&self, barcode: &Barcode, site: &DriveSite, usage: &Usage) -> Result<()>;
    /// Size of the blocks of the volume that a cartridge is mounted for, where it is known.
    fn block_size(&self, _barcode: &Barcode) -> Result<Option<BlockSize>> {
        Ok(None)
    }
    /// A drive is used without block protection, and why.
    fn unprotected(&self, _site: &DriveSite, _why: &str) -> Result<()> {
        Ok(())
    }
    /// A drive takes long, in one line: the first load of an LTO-9 cartridge may take two hours.
    fn waiting(&self, _line: &str) {}
}

impl Library {
    /// Brings a cartridge into a held drive and waits until it is ready.
    pub fn mount(
        &self,
        mut held: HeldDrive,
        barcode: &Barcode,
        witness: &dyn MoveWitness,
    ) -> Result<(Seat, Drive), Box<MountError>> {
        match self.mount_in(&mut held, barcode, witness) {
            Ok((drive, home)) => Ok((
                Seat {
                    held,
                    barcode: barcode.clone(),
                    home,
                },
                drive,
            )),
            Err(blamed) => Err(Box::new(MountError { held, blamed })),
        }
    }

    fn mount_in(
        &self,
        held: &mut HeldDrive,
        barcode: &Barcode,
        witness: &dyn MoveWitness,
    ) -> Result<(Drive, Option<ElementAddress>), Blamed> {
        fitting::check(&held.site, barcode).map_err(blame(Culprit::Cartridge))?;
        let volume = witness.block_size(barcode)?;
        if let Some(size) = volume {
            let refusal = held.blocks.refusal(&held.site, size, barcode.as_str());
            refusal
                .map_or(Ok(()), |why| Err(Error::failed(why)))
                .map_err(blame(Culprit::Cartridge))?;
        }
        let of_drive = blame(Culprit::Drive);
        let mut drive = self.open_held(held).map_err(&of_drive)?;
        let site = &held.site;
        allow_removal(&mut drive, site).map_err(&of_drive)?;
        let view = self.view()?;
        let there = view.at(site.element).ok_or_else(|| {
            Error::failed(format!("{} is not in the library any more", site.name))
        })?;
        let home = if there.barcode.as_ref() == Some(barcode) {
            there.source
        } else {
            if there.full {
                let cleared = self.clear_drive(&mut drive, site, &view, witness);
                cleared.map_err(|error| match error.kind() {
                    ErrorKind::OperatorNeeded => error.into(),
                    _ => of_drive(error),
                })?;
            }
            self.bring(site, barcode, witness)?
        };
        drive
            .consume_unit_attentions()
            .context(format!("{} after loading", site.name))
            .map_err(&of_drive)?;
        if let Err(blamed) = self.wait_ready(&mut drive, site, barcode, witness) {
            self.end_use(&mut drive, site, barcode, witness)?;
            return Err(blamed);
        }
        self.begin_use(&mut drive, site);
        self.protect(&mut drive, site, volume, witness)
            .map_err(Blamed::from)?;
        Ok((drive, home))
    }

    /// Puts block protection on where drive and path let it; the first time they do not is told.
    /// For blocks of this size; without one of the largest that a new volume may have.
    pub fn protect(
        &self,
        drive: &mut Drive,
        site: &DriveSite,
        blocks: Option<BlockSize>,
        witness: &dyn MoveWitness,
    ) -> Result<()> {
        let longest = blocks.map_or(self.block_size(), u32::from);
        match fitting::protect(drive, longest) {
            Some(why) if self.remark(format!("{}: {why}", site.name)) => {
                witness.unprotected(site, &why)
            }
            _ => Ok(()),
        }
    }

    /// Brings a cartridge into an empty drive; returns where it goes back to.
    fn bring(
        &self,
        site: &DriveSite,
        barcode: &Barcode,
        witness: &dyn MoveWitness,
    ) -> Result<Option<ElementAddress>, Blamed> {
        let _robot = self.robot_for_this_process();
        let view = self.view()?;
        let place = view.find(barcode)?.ok_or_else(|| not_here(self, barcode))?;
        let from = place.address;
        if place.name.kind == ElementKind::DataTransfer {
            self.fetch_from_drive(&view, barcode, from, site.element, witness)
                .map_err(blame(Culprit::Cartridge))?;
            return Ok(place.source);
        }
        self.witnessed_transfer(barcode, from, site.element, witness)
            .map_err(blame(Culprit::Cartridge))?;
        Ok(Some(from))
    }

    /// Takes a cartridge out of another drive, where a process that died left it: only if nobody
    /// holds that drive.
    fn fetch_from_drive(
        &self,
        view: &View,
        barcode: &Barcode,
        from: ElementAddress,
        to: ElementAddress,
        witness: &dyn MoveWitness,
    ) -> Result<()> {
        let other = self
            .drives(view)?
            .into_iter()
            .find(|site| site.element == from);
        let _lock = match &other {
            Some(site) => {
                let lock = self.hold_drive(site)?;
                self.open_unit(&site.unit)
                    .and_then(|mut drive| {
                        allow_removal(&mut drive, site)?;
                        drive.unload().context("cannot unload it")
                    })
                    .map_err(|error| stuck(barcode, site, &error))?;
                Some(lock)
            }
            None => None,
        };
        self.witnessed_transfer(barcode, from, to, witness)
    }

    fn wait_ready(
        &self,
        drive: &mut Drive,
        site: &DriveSite,
        barcode: &Barcode,
        witness: &dyn MoveWitness,
    ) -> Result<(), Blamed> {
        if matches!(drive.readiness(), Readiness::NoMedium) {
            // Some libraries put the cartridge at the drive's mouth and leave loading to us.
            drive.load().map_err(|error| Blamed {
                culprit: culprit_of(&error),
                error: Error::failed(format!("cannot load {barcode} in {}", site.name))
                    .because(error),
            })?;
        }
        let mut pause = ByClock {
            clock: self.clock(),
            witness,
            what: format!("{barcode} in {}", site.name),
            tenths: None,
        };
        drive
            .wait_ready(&mut pause, LOAD_PAUSE, LOAD_LIMIT)
            .map_err(|error| {
                let culprit = match &error {
                    WaitError::NotReady {
                        state: Readiness::Other(error),
                        ..
                    } => culprit_of(error),
                    _ => Culprit::Cartridge,
                };
                let what = format!("{barcode} in {} does not become ready", site.name);
                let error = Error::failed(what).because(error);
                Blamed { culprit, error }
            })
    }

    /// Unloads the cartridge and brings it to `to`, else home, else to the first free storage
    /// element. The drive stays held.
    pub fn unmount(
        &self,
        seat: Seat,
        mut drive: Drive,
        to: Option<ElementAddress>,
        witness: &dyn MoveWitness,
    ) -> Result<HeldDrive, Box<UnmountError>> {
        match self.unmount_from(&seat, &mut drive, to, witness) {
            Ok(()) => Ok(seat.held),
            Err(blamed) => Err(Box::new(UnmountError {
                seat,
                drive,
                blamed,
            })),
        }
    }

    fn unmount_from(
        &self,
        seat: &Seat,
        drive: &mut Drive,
        to: Option<ElementAddress>,
        witness: &dyn MoveWitness,
    ) -> Result<(), Blamed> {
        let (site, barcode) = (&seat.held.site, &seat.barcode);
        let of_drive = blame(Culprit::Drive);
        allow_removal(drive, site).map_err(&of_drive)?;
        self.end_use(drive, site, barcode, witness)?;
        fitting::unprotect(drive);
        drive
            .unload()
            .context(format!("cannot unload {barcode} from {}", site.name))
            .map_err(&of_drive)?;
        let _robot = self.robot_for_this_process();
        let view = self.view()?;
        let target = self.free_target(&view, to.or(seat.home))?;
        Ok(self.witnessed_transfer(barcode, site.element, target, witness)?)
    }

    /// Ends the use of a cartridge that stays in its drive, for whoever has the drive next.
    pub fn leave_mounted(
        &self,
        seat: Seat,
        mut drive: Drive,
        witness: &dyn MoveWitness,
    ) -> Result<HeldDrive, Box<UnmountError>> {
        let site = &seat.held.site;
        match self.end_use(&mut drive, site, &seat.barcode, witness) {
            Ok(()) => {
                fitting::unprotect(&mut drive);
                Ok(seat.held)
            }
            Err(error) => Err(Box::new(UnmountError {
                seat,
                drive,
                blamed: error.into(),
            })),
        }
    }

    /// Brings whatever is in a held drive back to where it came from.
    pub fn clear_drive(
        &self,
        drive: &mut Drive,
        site: &DriveSite,
        view: &View,
        witness: &dyn MoveWitness,
    ) -> Result<()> {
        let Some(place) = view.at(site.element).filter(|place| place.full) else {
            return Ok(());
        };
        let barcode = place.barcode.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::OperatorNeeded,
                format!("{} holds a cartridge without a readable barcode", site.name),
            )
            .hint("move it with \"tapeward library unload\" and check its label")
        })?;
        self.end_use(drive, site, &barcode, witness)?;
        drive
            .unload()
            .context(format!("cannot unload {barcode} from {}", site.name))?;
        let _robot = self.robot_for_this_process();
        let view = self.view()?;
        let target = self.free_target(&view, place.source)?;
        self.witnessed_transfer(&barcode, site.element, target, witness)
    }

    fn free_target(&self, view: &View, wanted: Option<ElementAddress>) -> Result<ElementAddress> {
        wanted
            .filter(|address| view.at(*address).is_some_and(|place| !place.full))
            .or_else(|| {
                view.first_free(ElementKind::Storage)
                    .map(|place| place.address)
            })
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::OperatorNeeded,
                    format!(
                        "library \"{}\" is full: no free storage element",
                        self.name()
                    ),
                )
                .hint("make room with \"tapeward library eject\", then try again")
            })
    }

    /// A move that the record hears about before and after.
    pub fn witnessed_transfer(
        &self,
        barcode: &Barcode,
        from: ElementAddress,
        to: ElementAddress,
        witness: &dyn MoveWitness,
    ) -> Result<()> {
        let step = witness.before(barcode, from, to)?;
        let outcome = self.transfer(from, to);
        witness.after(step, outcome.as_ref().map(|moved| &moved.view))?;
        outcome.map(|_| ())
    }
}

/// A process of ours that died may have left the cartridge locked in (SPC-5, PREVENT ALLOW MEDIUM
/// REMOVAL).
fn allow_removal(drive: &mut Drive, site: &DriveSite) -> Result<()> {
    match drive.prevent_removal(Removal::Allow) {
        Err(error) if error.is_unsupported() => Ok(()),
        other => other.context(format!("cannot unlock the cartridge in {}", site.name)),
    }
}

/// A drive that answers, and not with HARDWARE ERROR, speaks of the cartridge.
#[must_use]
pub fn culprit_of(error: &ScsiError) -> Culprit {
    match error.sense() {
        Some(sense) if sense.key != SenseKey::HardwareError => Culprit::Cartridge,
        _ => Culprit::Drive,
    }
}

/// A cartridge that its drive does not give back: what a person can do.
#[must_use]
pub fn stuck(barcode: &Barcode, site: &DriveSite, why: &Error) -> Error {
    Error::new(
        ErrorKind::OperatorNeeded,
        format!(
            "{barcode} is in {}, which does not give it back: {why}",
            site.name
        ),
    )
    .hint(format!(
        "turn {} (serial {}) off and on, or take the cartridge out by hand and put it into a \
         storage element; then go on",
        site.name, site.serial
    ))
}

fn not_here(library: &Library, barcode: &Barcode) -> Error {
    Error::new(
        ErrorKind::OperatorNeeded,
        format!("{barcode} is not in library \"{}\"", library.name()),
    )
    .hint("bring it and put it into a mail slot, then try again")
}
