//! What the lanes of a stream ask for: the next volume, and whether to give way to a restore.

use serde_json::json;

use super::away::{LOOK_AGAIN, Spare, nobody_asks, part_with, take_again};
use super::supply::{Seated, State, Supply, seen_of};
use crate::catalogue::DriveRequest;
use crate::error::{Error, Result};
use crate::id::{CopyNumber, StepId, VolumeId};
use crate::tape::stream::{
    Awaited, FinishReason, FinishedVolume, LaneEnd, LaneState, Leave, SupplyError, VolumeSupply,
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

    fn seat_of(&self, copy: CopyNumber) -> Result<Seated> {
        let seated = self.lock().seats.remove(&copy);
        seated.ok_or_else(|| Error::failed(format!("copy {copy} has no cartridge")))
    }

    fn put_away(&self, copy: CopyNumber, finished: FinishedVolume) -> Result<()> {
        let Seated { seat, step, .. } = self.seat_of(copy)?;
        let ended = self.end_step(step, finished.volume, &json!({ "full": true }));
        self.put_back(seat, finished.drive).and(ended)
    }

    /// Gives drives that no lane uses to whoever asks; whether this lane is to give way too. None: a
    /// lane that waits for a drive and has nothing to give away itself.
    fn answer(&self, lane: Option<CopyNumber>) -> Result<bool> {
        loop {
            let (request, spare) = {
                let mut state = self.lock();
                let kept = state.between.len();
                let mut found = None;
                for request in state.drives.unanswered()? {
                    if let Some(spare) = state.drives.spare_for(&request, kept) {
                        state.drives.answer(&request);
                        found = Some((request, spare));
                        break;
                    }
                    if let Some(copy) = lane
                        && self.is_met_by(&state, &request, copy)
                    {
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
            let parted = part_with(&self.context, spare, Some(&request));
            self.lock().drives.parted(parted, Some(&request))?;
        }
    }

    /// Whether the lane of this copy is the one to give way to a request.
    fn is_met_by(&self, state: &State, request: &DriveRequest, copy: CopyNumber) -> bool {
        let is_met = state.seats.get(&copy).is_some_and(|seated| {
            request.is_met_by(&seated.seat.held.site, Some(&seated.seat.barcode))
        });
        let holder = state
            .seats
            .iter()
            .find(|(_, seated)| request.cartridges.contains(&seated.seat.barcode))
            .map(|(holder, _)| *holder);
        // The lane that holds what is wanted comes to its own commit point, unless its drive stands
        // still.
        let others = |holder| self.recorder.get().is_some_and(|it| it.left_behind(holder));
        is_met && holder.is_none_or(|holder| holder == copy || others(holder))
    }

    /// Whether somebody asks for a drive and has none yet.
    pub(super) fn is_asked(&self) -> Result<bool> {
        Ok(!self.lock().drives.unanswered()?.is_empty())
    }

    fn give_away(&self, copy: CopyNumber, finished: FinishedVolume) -> Result<()> {
        let Seated { seat, step, .. } = self.seat_of(copy)?;
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
        let parted = part_with(&self.context, spare, request.as_ref());
        self.lock().drives.parted(parted, request.as_ref())
    }

    /// Waits until nobody asks for drives any more and one can be had, and opens the next volume.
    /// Whoever asks meanwhile is answered: he may be who has this lane's drive.
    fn wait_for_drive(
        &self,
        copy: CopyNumber,
        why: Leave,
        awaited: &dyn Fn() -> Awaited,
    ) -> Result<Option<VolumeWriter>> {
        loop {
            if let Err(error) = self.answer(None) {
                tracing::warn!(%error, %copy, "cannot give a drive to who waits for one");
            }
            let is_time = match (awaited(), why) {
                (Awaited::Never, _) => return Ok(None),
                (Awaited::Later, Leave::Paused) => false,
                _ => nobody_asks(&self.context)?,
            };
            if is_time {
                let away = self.lock().drives.sites_away();
                let back = take_again(&self.context, away)?;
                let waits = {
                    let drives = &mut self.lock().drives;
                    drives.are_back(back);
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

    /// What a lane that is over had goes back to the drives.
    fn take_over(&self, copy: CopyNumber, left: LaneState) -> Result<LaneState> {
        let seated = {
            let mut state = self.lock();
            if let Some(request) = state.gives_way_to.remove(&copy) {
                // It came to its end before it gave way.
                state.drives.take_answer_back(&request);
            }
            state.seats.remove(&copy)
        };
        let Some(Seated { seat, step, volume }) = seated else {
            return Ok(left);
        };
        let ended = match seen_of(&left) {
            Some(seen) => self.end_step(step, volume, &seen),
            None => Ok(()),
        };
        let mut state = self.lock();
        self.back_to_drives(&mut state, seat, left).and(ended)?;
        Ok(LaneState::Away)
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
        self.lock().between.insert(copy);
        let next = self
            .put_away(copy, finished)
            .and_then(|()| self.open_next(copy));
        self.lock().between.remove(&copy);
        next.map_err(|error| self.short_of(error))
    }

    fn is_wanted(&self, copy: CopyNumber) -> bool {
        self.answer(Some(copy)).unwrap_or_else(|error| {
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

    fn ended(&self, end: LaneEnd) -> LaneEnd {
        let copy = end.copy;
        let state = self.take_over(copy, end.state).unwrap_or_else(|error| {
            // What is not on record keeps its step open.
            tracing::error!(%error, %copy, "cannot put away what a lane left");
            LaneState::Away
        });
        LaneEnd { copy, state }
    }
}
