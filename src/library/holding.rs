//! Holding drives for this process.

use std::cmp::Reverse;
use std::fs::File;

use tapeward_drivers::Drive;
use tapeward_drivers::ssc::Readiness;

use super::blocks::BlockLimits;
use super::fencing::Fencing;
use super::fitting;
use super::mount::{Culprit, culprit_of};
use super::robot::{DriveSite, Library};
use super::tenure::Tenure;
use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Barcode;

/// A drive held by this process.
#[derive(Debug)]
pub struct HeldDrive {
    /// Where it is.
    pub site: DriveSite,
    /// Which blocks get through to it.
    pub blocks: BlockLimits,
    tenure: Box<Tenure>,
    _node: Option<File>,
}

impl HeldDrive {
    /// How it is kept from other hosts.
    #[must_use]
    pub fn fencing(&self) -> Fencing {
        self.tenure.fencing()
    }

    /// Makes sure of its reservation.
    pub(super) fn claim(&mut self, drive: &mut Drive) -> Result<()> {
        self.tenure.claim(drive)
    }
}

impl Library {
    /// Holds up to `wanted` drives that answer and that nobody else holds, those that hold one of
    /// these cartridges first, then those that can use one; and as many more as it takes until each
    /// of them can be used in one.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when not one is free; the message names who holds the last one. What
    /// the last one said when none answers.
    pub fn hold_drives(
        &self,
        view: &View,
        wanted: usize,
        cartridges: &[Barcode],
    ) -> Result<Vec<HeldDrive>> {
        self.hold_some(view, cartridges, |held, site| {
            let in_vain = |barcode: &&Barcode| {
                held.iter()
                    .all(|held| !fitting::can_read(&held.site, barcode))
            };
            let mut waiting = cartridges.iter().filter(in_vain);
            held.len() < wanted || waiting.any(|barcode| fitting::can_read(site, barcode))
        })
    }

    /// As [`Library::hold_drives`], for cartridges that nobody knows yet: with one of every
    /// generation.
    ///
    /// # Errors
    /// As [`Library::hold_drives`].
    pub fn hold_drives_of_each_kind(&self, view: &View, wanted: usize) -> Result<Vec<HeldDrive>> {
        self.hold_some(view, &[], |held, site| {
            let other =
                |held: &HeldDrive| fitting::generation(&held.site) != fitting::generation(site);
            held.len() < wanted || held.iter().all(other)
        })
    }

    /// Holds those drives that are wanted beside the ones held so far.
    fn hold_some(
        &self,
        view: &View,
        cartridges: &[Barcode],
        is_wanted: impl Fn(&[HeldDrive], &DriveSite) -> bool,
    ) -> Result<Vec<HeldDrive>> {
        let mut sites = self.drives_in_use(view)?;
        let holds_one = |site: &DriveSite| {
            view.at(site.element)
                .and_then(|place| place.barcode.as_ref())
                .is_some_and(|barcode| cartridges.contains(barcode))
        };
        let can_use = |site: &DriveSite| {
            let usable = |barcode: &&Barcode| fitting::can_write(site, barcode);
            let read = cartridges
                .iter()
                .any(|barcode| fitting::can_read(site, barcode));
            (read, cartridges.iter().filter(usable).count())
        };
        // Then empty drives, then those from which something must be unloaded first.
        sites.sort_by_key(|site| {
            let full = view.at(site.element).is_some_and(|place| place.full);
            (!holds_one(site), Reverse(can_use(site)), full, site.element)
        });
        let mut held = Vec::new();
        let mut refused = None;
        for site in sites {
            if !is_wanted(&held, &site) {
                continue;
            }
            match self.hold(site) {
                Ok(held_drive) => held.push(held_drive),
                Err(error) => {
                    if error.kind() != ErrorKind::Locked {
                        tracing::warn!(%error, "a drive cannot be used");
                    }
                    refused = Some(error);
                }
            }
        }
        match (held.is_empty(), refused) {
            (true, Some(error)) => Err(error),
            (true, None) => Err(Error::failed(format!(
                "library \"{}\" has no drive",
                self.name()
            ))),
            (false, _) => Ok(held),
        }
    }

    /// How many drives a job may hold: those in use, but for those that are left to restores; at
    /// least one, which a restore gets at the job's next commit point.
    ///
    /// # Errors
    /// As [`Library::hold_drives`] when no drive works.
    pub fn drives_for_jobs(&self, view: &View) -> Result<usize> {
        let working = self.drives_in_use(view)?.len();
        Ok(working.saturating_sub(self.restore_drives()).max(1))
    }

    /// Drives that are not out of use.
    fn drives_in_use(&self, view: &View) -> Result<Vec<DriveSite>> {
        let (out, mut sites): (Vec<_>, Vec<_>) = self
            .answering_drives(view)?
            .into_iter()
            .partition(|site| self.is_out_of_use(site));
        if let ([], [first, ..]) = (sites.as_slice(), out.as_slice()) {
            return Err(Error::new(
                ErrorKind::OperatorNeeded,
                format!(
                    "every drive of library \"{}\" is out of use for its health, {} (serial {}) for one",
                    self.name(),
                    first.name,
                    first.serial
                ),
            )
            .hint("\"tapeward health\" says why; \"tapeward health release SERIAL\" after repair"));
        }
        sites.sort_by_key(|site| site.element);
        Ok(sites)
    }

    /// Holds one drive, whether it is in use or not.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when somebody else holds it.
    pub fn hold(&self, site: DriveSite) -> Result<HeldDrive> {
        let tenure = Box::new(self.begin_tenure(&site)?);
        let node = super::node::hold(&site.unit)?;
        // A drive that fails this would fail every cartridge.
        let mut drive = self.open_unit(&site.unit)?;
        if let Readiness::Other(error) = drive.readiness()
            && culprit_of(&error) == Culprit::Drive
        {
            let what = format!("{} does not work", site.name);
            return Err(Error::failed(what).because(error));
        }
        let known = self.known_limit(&site.serial);
        Ok(HeldDrive {
            blocks: BlockLimits::probe(&mut drive).with_tried(known),
            site,
            tenure,
            _node: node,
        })
    }
}
