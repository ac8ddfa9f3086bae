//! What the lanes of a stream ask for: the next volume, and whether to give way to a restore.

use serde_json::json;

use super::away::{LOOK_AGAIN, Spare, nobody_asks, part_with, take_again};
use super::supply::Supply;
use crate::error::{Error, Result};
use crate::id::{CopyNumber, StepId, VolumeId};
use crate::library::mount::Seat;
use crate::tape::stream::{
    Awaited, FinishReason, FinishedVolume, Leave, SupplyError, VolumeSupply,
};
use crate::tape::volume::VolumeWriter;

impl Supply {
    /// Ends the step of writing on a lane's volume when all that is on it is on record.
    ///
    /// # Errors
    /// Something could not be recorded: the step stays open, so that the volume is brought back to
    /// what is on record before anything else happens to it.
    fn end_step(&self, step: StepId, volume: VolumeId, how: &serde_json::Value) -> Result<()> {
        if let Some(recorder) = self.recorder.get() {
            recorder.wait_finished(volume)?;
        }
        self.context.observe(step, how, |_, _| Ok(()))
    }

    fn seat_of(&self, copy: CopyNumber) -> Result<(Seat, StepId)> {
        let seat = self.lock().seats.remove(&copy);
        seat.ok_or_else(|| Error::failed(format!("copy {copy} has no cartridge")))
    }

    fn put_away(&self, copy: CopyNumber, finished: FinishedVolume) -> Result<()> {
        let (seat, step) = self.seat_of(copy)?;
        let ended = self.end_step(step, finished.volume, &json!({ "full": true }));
        self.put_back(seat, finished.drive).and(ended)
    }

    /// Gives drives that no lane uses to whoever asks; whether the lane of this copy is to give way
    /// too.
    fn wanted_from(&self, copy: CopyNumber) -> Result<bool> {
        loop {
            let (request, spare) = {
                let mut state = self.lock();
                let mut found = None;
                for request in state.drives.unanswered()? {
                    if let Some(spare) = state.drives.spare_for(&request) {
                        state.drives.answer(&request);
                        found = Some((request, spare));
                        break;
                    }
                    let holder = state
                        .seats
                        .iter()
                        .find(|(_, (seat, _))| request.cartridges.contains(&seat.barcode))
                        .map(|(holder, _)| *holder);
                    let is_met = state.seats.get(&copy).is_some_and(|(seat, _)| {
                        request.is_met_by(&seat.held.site, Some(&seat.barcode))
                    });
                    // The lane that holds what is wanted comes to its own commit point.
                    if is_met && holder.is_none_or(|holder| holder == copy) {
                        state.drives.answer(&request);
                        state.gives_way_to.insert(copy, request);
                        return Ok(true);
                    }
                }
                match found {
                    Some(found) => found,
                    None => return Ok(false),
                }
            };
            match part_with(&self.context, spare, Some(&request)) {
                Ok(site) => self.lock().drives.is_away(site),
                Err(failed) => self.lock().drives.not_parted_with(*failed)?,
            }
        }
    }

    /// Whether somebody asks for a drive and has none yet.
    pub(super) fn is_asked(&self) -> Result<bool> {
        Ok(!self.lock().drives.unanswered()?.is_empty())
    }

    fn give_away(&self, copy: CopyNumber, finished: FinishedVolume) -> Result<()> {
        let (seat, step) = self.seat_of(copy)?;
        if let Err(error) = self.end_step(step, finished.volume, &json!({ "gave way": true })) {
            self.put_back(seat, finished.drive)?;
            return Err(error);
        }
        let request = {
            let mut state = self.lock();
            if finished.reason == FinishReason::GivenWay {
                state.taken.remove(&seat.barcode);
            }
            state.gives_way_to.remove(&copy)
        };
        let spare = Spare::Mounted(Box::new((seat, finished.drive)));
        match part_with(&self.context, spare, request.as_ref()) {
            Ok(site) => {
                self.lock().drives.is_away(site);
                Ok(())
            }
            Err(failed) => self.lock().drives.not_parted_with(*failed),
        }
    }

    /// Waits until nobody asks for drives any more and one can be had, and opens the next volume.
    fn wait_for_drive(
        &self,
        copy: CopyNumber,
        why: Leave,
        awaited: &dyn Fn() -> Awaited,
    ) -> Result<Option<VolumeWriter>> {
        loop {
            let is_time = match (awaited(), why) {
                (Awaited::Never, _) => return Ok(None),
                (Awaited::Later, Leave::Paused) => false,
                _ => nobody_asks(&self.context)?,
            };
            if is_time {
                let away = self.lock().drives.take_away();
                let (held, away) = take_again(&self.context, away)?;
                let waits = {
                    let drives = &mut self.lock().drives;
                    drives.idle.extend(held);
                    drives.away.extend(away);
                    drives.available() == 0 && drives.awaits_drives()
                };
                if !waits {
                    match self.open_next(copy) {
                        Ok(writer) => return Ok(Some(writer)),
                        // Another lane was faster, and this one's drive is still to come.
                        Err(error) => {
                            let drives = &self.lock().drives;
                            if drives.available() > 0 || !drives.awaits_drives() {
                                return Err(error);
                            }
                        }
                    }
                }
            }
            self.context.app.interrupt.check()?;
            self.context.app.clock.pause(LOOK_AGAIN);
        }
    }

    fn short_of(&self, error: Error) -> SupplyError {
        let why = error.to_string();
        self.lock().shortage.get_or_insert(error);
        SupplyError { why }
    }
}

impl VolumeSupply for Supply {
    fn next(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
    ) -> Result<VolumeWriter, SupplyError> {
        self.put_away(copy, finished)
            .and_then(|()| self.open_next(copy))
            .map_err(|error| self.short_of(error))
    }

    fn is_wanted(&self, copy: CopyNumber) -> bool {
        self.wanted_from(copy).unwrap_or_else(|error| {
            tracing::warn!(%error, %copy, "cannot tell whether somebody waits for a drive");
            false
        })
    }

    fn give_way(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
        why: Leave,
        awaited: &dyn Fn() -> Awaited,
    ) -> Result<Option<VolumeWriter>, SupplyError> {
        self.give_away(copy, finished)
            .and_then(|()| self.wait_for_drive(copy, why, awaited))
            .map_err(|error| self.short_of(error))
    }
}
