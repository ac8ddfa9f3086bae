//! Drives of a run that others have for now: restores go first.
//!
//! Each request is answered once, with one drive. While anybody asks, or works with what was given,
//! nothing is taken again, so that two runs never pull at one drive.

use std::time::Duration;

use super::drives::Drives;
use super::lease;
use super::requests;
use super::step::RunContext;
use crate::catalogue::{DriveNeed, DriveRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::journal::Event as JournalEvent;
use crate::library::fitting;
use crate::library::mount::{Culprit, HeldDrive, Seat, UnmountError};
use crate::library::robot::DriveSite;
use crate::progress::Event;
use tapeward_drivers::Drive;

/// How often to look whether a drive can be had again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A drive that somebody else may have.
#[derive(Debug)]
pub(super) enum Spare {
    /// Nothing is in it that this process put there.
    Idle(HeldDrive),
    /// With a cartridge that nobody is working with.
    Mounted(Box<(Seat, Drive)>),
    /// Of no use to this run any more.
    Failed(HeldDrive),
}

impl DriveRequest {
    fn wants(&self, barcode: &Barcode) -> bool {
        self.cartridges.contains(barcode)
    }

    /// Whether a drive would do, with this cartridge in it.
    pub(super) fn is_met_by(&self, site: &DriveSite, holds: Option<&Barcode>) -> bool {
        match self.need {
            DriveNeed::Nothing => false,
            DriveNeed::Cartridge => holds.is_some_and(|barcode| self.wants(barcode)),
            DriveNeed::Drive => {
                holds.is_some_and(|barcode| self.wants(barcode))
                    || self
                        .cartridges
                        .iter()
                        .any(|barcode| fitting::can_read(site, barcode))
            }
        }
    }
}

impl Drives {
    /// What is asked for and not answered yet.
    pub(super) fn unanswered(&self) -> Result<Vec<DriveRequest>> {
        let context = self.context();
        let mut open = requests::alive(&context.app, context.library_id)?;
        open.retain(|request| {
            request.need != DriveNeed::Nothing
                && self.answered.get(&request.id) != Some(&request.asked)
        });
        Ok(open)
    }

    /// A request is answered from now on.
    pub(super) fn answer(&mut self, request: &DriveRequest) {
        self.answered.insert(request.id, request.asked);
    }

    /// What a request was answered with could not be given: it is to be answered anew.
    pub(super) fn take_answer_back(&mut self, request: &DriveRequest) {
        self.answered.remove(&request.id);
    }

    /// A drive that nobody is working with and that would do: best the one that holds a cartridge
    /// that is wanted, else an empty one. So many that work are kept.
    pub(super) fn spare_for(&mut self, request: &DriveRequest, kept: usize) -> Option<Spare> {
        if let Some(failed) = self.failed_with(request) {
            return Some(Spare::Failed(failed));
        }
        if self.available() <= kept {
            return None;
        }
        let holds_it = |(seat, _): &(Seat, Drive)| request.wants(&seat.barcode);
        let fits =
            |(seat, _): &(Seat, Drive)| request.is_met_by(&seat.held.site, Some(&seat.barcode));
        if let Some(at) = self.mounted.iter().position(holds_it) {
            return Some(Spare::Mounted(Box::new(self.mounted.swap_remove(at))));
        }
        let is_met = |held: &HeldDrive| request.is_met_by(&held.site, None);
        let idle = self.idle.iter().position(is_met);
        if let Some(at) = idle.or_else(|| self.idle_holding(request)) {
            return Some(Spare::Idle(self.idle.swap_remove(at)));
        }
        let at = self.mounted.iter().position(fits)?;
        Some(Spare::Mounted(Box::new(self.mounted.swap_remove(at))))
    }

    /// The drive in which somebody who had it before left the cartridge that is asked for.
    fn idle_holding(&self, request: &DriveRequest) -> Option<usize> {
        if request.need != DriveNeed::Cartridge || self.idle.is_empty() {
            return None;
        }
        let view = self.context().library.view();
        let view = view
            .inspect_err(|error| tracing::warn!(%error, "cannot tell where cartridges are"))
            .ok()?;
        self.idle.iter().position(|held| {
            let place = view.at(held.site.element);
            let barcode = place.and_then(|place| place.barcode.as_ref());
            barcode.is_some_and(|barcode| request.wants(barcode))
        })
    }

    /// A drive was let go of, or could not be.
    ///
    /// # Errors
    /// A cartridge stays in its drive, and the drive is not to blame.
    pub(super) fn parted(
        &mut self,
        parted: Result<Option<DriveSite>, Box<UnmountError>>,
        request: Option<&DriveRequest>,
    ) -> Result<()> {
        let UnmountError {
            seat,
            drive,
            blamed,
        } = match parted {
            Ok(site) => {
                self.away.extend(site);
                return Ok(());
            }
            Err(failed) => *failed,
        };
        // It may get another one, or this one as it is.
        if let Some(request) = request {
            self.take_answer_back(request);
        }
        if blamed.culprit == Culprit::Drive {
            self.fail(seat, &blamed.error);
            return Ok(());
        }
        self.put(seat, drive);
        Err(blamed.error)
    }

    /// Whether a drive is to come back.
    #[must_use]
    pub fn awaits_drives(&self) -> bool {
        !self.away.is_empty()
    }

    /// Where the drives are that are to be taken again.
    pub(super) fn sites_away(&self) -> Vec<DriveSite> {
        self.away.clone()
    }

    /// These were taken again, and those are lost; until now they are still to come for everybody
    /// else.
    pub(super) fn are_back(&mut self, Back { held, lost }: Back) {
        let of_held = held.iter().map(|held| &held.site.serial);
        let gone: Vec<_> = of_held.chain(&lost).cloned().collect();
        self.away.retain(|site| !gone.contains(&site.serial));
        self.idle.extend(held);
    }

    /// Between two pieces of work: whoever asks gets a drive. What was given before is taken again
    /// when nobody asks any more; while none is left, this waits.
    ///
    /// # Errors
    /// A cartridge cannot be taken out of a drive; somebody asked to stop.
    pub fn give_way(&mut self) -> Result<()> {
        let context = self.context().clone();
        let mut told = false;
        loop {
            for request in self.unanswered()? {
                let Some(spare) = self.spare_for(&request, 0) else {
                    continue;
                };
                self.answer(&request);
                let parted = part_with(&context, spare, Some(&request));
                self.parted(parted, Some(&request))?;
            }
            if !self.awaits_drives() {
                return Ok(());
            }
            if nobody_asks(&context)? {
                let back = take_again(&context, self.sites_away())?;
                self.are_back(back);
            }
            if self.available() > 0 || !self.awaits_drives() {
                return Ok(());
            }
            if !told {
                context.app.say("waiting for a drive that a restore has");
                told = true;
            }
            context.app.interrupt.check()?;
            context.app.clock.pause(LOOK_AGAIN);
        }
    }

    /// Waits until nobody asks for anything or works with what was given: cartridges are about to
    /// leave, and no drive is needed any more.
    pub fn wait_for_others(&mut self) -> Result<()> {
        let context = self.context().clone();
        let mut told = false;
        while !nobody_asks(&context)? {
            self.give_way()?;
            if let Some(request) = self.unanswered()?.first() {
                self.let_all_go(request)?;
            }
            if !told {
                context.app.say("waiting until the restore is done");
                told = true;
            }
            context.app.interrupt.check()?;
            context.app.clock.pause(LOOK_AGAIN);
        }
        self.give_way()
    }

    /// Lets go of every drive: none seems to be what is asked for, and who asks sees for himself.
    fn let_all_go(&mut self, request: &DriveRequest) -> Result<()> {
        let context = self.context().clone();
        let idle = std::mem::take(&mut self.idle).into_iter().map(Spare::Idle);
        let failed = self.all_failed().into_iter().map(Spare::Failed);
        for spare in idle.chain(failed) {
            let parted = part_with(&context, spare, Some(request));
            self.parted(parted, Some(request))?;
        }
        Ok(())
    }

    /// As [`Drives::take`]; a cartridge that a restore reads is waited for.
    pub(super) fn take_in_turn(&mut self, barcode: &Barcode) -> Result<(Seat, Drive)> {
        let mut told = false;
        loop {
            let refused = match self.take(barcode) {
                Err(error) if error.kind() == ErrorKind::Locked => error,
                other => return other,
            };
            let context = self.context().clone();
            if nobody_asks(&context)? {
                return Err(refused);
            }
            if !told {
                let app = &context.app;
                app.say(format!("waiting for {barcode}: a restore reads it"));
                told = true;
            }
            self.give_way()?;
            context.app.interrupt.check()?;
            context.app.clock.pause(LOOK_AGAIN);
        }
    }
}

/// Whether no living process asks for a drive or works with one that was given to it.
pub(super) fn nobody_asks(context: &RunContext) -> Result<bool> {
    Ok(requests::alive(&context.app, context.library_id)?.is_empty())
}

/// Lets others have a drive; returns where it is if this run is to have it again. A cartridge that
/// is wanted stays in it, any other goes home.
pub(super) fn part_with(
    context: &RunContext,
    spare: Spare,
    request: Option<&DriveRequest>,
) -> Result<Option<DriveSite>, Box<UnmountError>> {
    let comes_back = !matches!(spare, Spare::Failed(_));
    let (held, cartridge) = match spare {
        Spare::Idle(held) | Spare::Failed(held) => (held, None),
        Spare::Mounted(mounted) => {
            let (seat, drive) = *mounted;
            let barcode = seat.barcode.clone();
            let stays = request.is_some_and(|request| {
                request.need == DriveNeed::Drive && request.wants(&seat.barcode)
            });
            let held = if stays {
                context.library.leave_mounted(seat, drive, context)?
            } else {
                context.library.unmount(seat, drive, None, context)?
            };
            (held, stays.then_some(barcode))
        }
    };
    let site = held.site.clone();
    let to = request.map_or_else(
        || "others may have it until the source goes on".to_owned(),
        |request| format!("process {} ({}) has it now", request.pid, request.purpose),
    );
    let app = &context.app;
    let noted = app.write(|tx, now| {
        lease::release(app, tx, &site.serial)?;
        app.note(
            tx,
            now,
            &JournalEvent::DriveGivenAway {
                run: context.run,
                serial: site.serial.clone(),
                barcode: cartridge.clone(),
                reason: to.clone(),
            },
        )
    });
    if let Err(error) = noted {
        // The drive is free all the same; whoever takes it takes the lease over.
        tracing::warn!(%error, serial = site.serial, "cannot record that a drive was given away");
    }
    drop(held);
    app.say(format!(
        "{} is given away{}: {to}",
        site.name,
        cartridge.map_or_else(String::new, |barcode| format!(" with {barcode} in it"))
    ));
    Ok(comes_back.then_some(site))
}

/// Drives that were given away and are not any more.
#[derive(Debug, Default)]
pub(super) struct Back {
    /// Held again.
    held: Vec<HeldDrive>,
    /// Serial numbers of those that are of no use any more.
    lost: Vec<String>,
}

/// Takes drives again that were given away, but for those that somebody still has.
///
/// # Errors
/// The record cannot be written.
pub(super) fn take_again(context: &RunContext, sites: Vec<DriveSite>) -> Result<Back> {
    let mut back = Back::default();
    for site in sites {
        match context.library.hold(site.clone()) {
            Ok(drive) => {
                taken(context, &drive)?;
                back.held.push(drive);
            }
            Err(error) if error.kind() == ErrorKind::Locked => {}
            Err(error) => {
                lost(context, &site, &error);
                back.lost.push(site.serial);
            }
        }
    }
    Ok(back)
}

fn taken(context: &RunContext, drive: &HeldDrive) -> Result<()> {
    lease::take(context, drive)?;
    let app = &context.app;
    app.write(|tx, now| {
        app.note(
            tx,
            now,
            &JournalEvent::DriveTakenAgain {
                run: context.run,
                serial: drive.site.serial.clone(),
            },
        )
    })?;
    app.say(format!("{} is back", drive.site.name));
    Ok(())
}

fn lost(context: &RunContext, site: &DriveSite, why: &Error) {
    context.app.watcher.event(Event::Problem {
        subject: site.name.to_string(),
        what: format!("not used any more in this run: {why}"),
    });
}
