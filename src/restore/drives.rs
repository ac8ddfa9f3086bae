//! Drives and cartridges for a restore, waited for where a run of this record holds them.
//!
//! A restore goes first: it asks, and a job that holds what it needs gives way at its next commit
//! point or between two segments. A restore that waits for a cartridge keeps none in its own drive,
//! and lets others have one that it does not need now, so that two restores never wait for each
//! other.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::plan::About;
use super::request::Wait;
use crate::app::App;
use crate::catalogue::{DriveNeed, Lease, RunKind};
use crate::error::{ErrorKind, Result};
use crate::id::{Barcode, LibraryId, RunId};
use crate::job::Drives;
use crate::job::requests::{self, Asking};
use crate::library::Library;
use crate::library::mount::HeldDrive;
use crate::library::view::View;

/// How often to try again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How a restore gets drives and cartridges that others hold.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) library: &'a Library,
    pub(super) library_id: LibraryId,
    pub(super) wait: Wait,
    /// What was asked for and came: whoever gave it waits until this restore is done.
    pub(super) served: Mutex<Vec<Asking>>,
}

impl Way<'_> {
    /// Holds drives to read these cartridges with.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when none is free, and nobody who gives way holds one or waiting is not
    /// wanted.
    pub(super) fn hold(
        &self,
        view: &View,
        wanted: usize,
        cartridges: &[Barcode],
    ) -> Result<Vec<HeldDrive>> {
        self.until_free(DriveNeed::Drive, cartridges, || {
            self.library.hold_drives(view, wanted, cartridges)
        })
    }

    /// Mounts a cartridge in one of the drives, where it stays.
    ///
    /// # Errors
    /// As [`Drives::take`]; [`ErrorKind::Locked`] as [`Way::hold`].
    pub(super) fn bring(&self, drives: &mut Drives, barcode: &Barcode) -> Result<()> {
        self.until_free(DriveNeed::Cartridge, std::slice::from_ref(barcode), || {
            let taken = drives.take(barcode);
            if taken
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::Locked)
            {
                drives.unmount_all()?;
            }
            let (seat, drive) = taken?;
            drives.put(seat, drive);
            Ok(())
        })
    }

    /// Takes cartridges home that another restore waits for and this drive has nothing to do with
    /// now; whether there were any.
    pub(super) fn hand_back(&self, drives: &mut Drives) -> Result<bool> {
        let own = std::process::id();
        let mut some = false;
        for request in requests::alive(self.app, self.library_id)? {
            if request.pid == own || request.need != DriveNeed::Cartridge {
                continue;
            }
            for barcode in &request.cartridges {
                if drives.has(barcode) {
                    drives.unmount(barcode, None)?;
                    some = true;
                }
            }
        }
        Ok(some)
    }

    fn until_free<T>(
        &self,
        need: DriveNeed,
        cartridges: &[Barcode],
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut asking = None;
        loop {
            let refused = match attempt() {
                Err(error) if error.kind() == ErrorKind::Locked => error,
                Ok(got) => {
                    if let Some(asking) = asking {
                        Asking::served(&asking)?;
                        let served = self.served.lock();
                        served.unwrap_or_else(PoisonError::into_inner).push(asking);
                    }
                    return Ok(got);
                }
                Err(error) => return Err(error),
            };
            let Some(holder) = self.holder()? else {
                return Err(refused);
            };
            if self.wait == Wait::No {
                return Err(refused.hint("without --no-wait it waits until a job gives way"));
            }
            if asking.is_none() {
                let purpose = self.library.purpose();
                let list = cartridges.to_vec();
                asking = Some(Asking::begin(
                    self.app,
                    self.library_id,
                    purpose,
                    need,
                    list,
                )?);
                let what = match (need, cartridges) {
                    (DriveNeed::Cartridge, [barcode]) => format!("{barcode}: "),
                    _ => String::new(),
                };
                let until = self.until_when(&holder)?;
                self.app.say(format!("{what}{refused}; waiting {until}"));
            }
            self.app.interrupt.check()?;
            self.app.clock.pause(TRY_AGAIN);
        }
    }

    /// A living run of this record on this host that holds drives.
    fn holder(&self) -> Result<Option<Lease>> {
        let own = std::process::id();
        let leases = self.app.catalogue.read(|view| view.leases())?;
        Ok(leases.into_iter().find(|lease| {
            lease.host == self.app.actor.station
                && lease.pid != own
                && lease.run.is_some()
                && lease.resource.starts_with("drive ")
                && Path::new(&format!("/proc/{}", lease.pid)).exists()
        }))
    }

    /// Until when to wait, in words.
    fn until_when(&self, holder: &Lease) -> Result<String> {
        let Some(run) = holder.run else {
            return Ok("until it is free".to_owned());
        };
        let kind = self.app.catalogue.read(|view| view.run(run))?.kind;
        Ok(match kind {
            RunKind::Backup => format!(
                "for the job's next commit point{}",
                self.next_commit(run)?
                    .map_or_else(String::new, |about| format!(", about {about}"))
            ),
            RunKind::Verify => "until it has read the segment it is at".to_owned(),
            _ => "until it is done".to_owned(),
        })
    }

    /// About how long until a job has the next segment on tape, if that can be told: as long as the
    /// last one took.
    fn next_commit(&self, run: RunId) -> Result<Option<About>> {
        let last = self.app.catalogue.read(|view| view.last_commits(run))?;
        let [last, before] = last[..] else {
            return Ok(None);
        };
        let left = last + (last - before) - self.app.clock.now();
        Ok(u64::try_from(left.num_seconds()).ok().map(About))
    }
}
