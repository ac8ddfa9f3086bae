//! Cartridges for the lanes of a stream: chosen, mounted, labelled or checked, and put away.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::json;
use tapeward_drivers::Drive;

use super::drives::Drives;
use super::label::{self, Foreign, may_append};
use super::plan::{self, Candidate};
use super::recorder::set_content;
use super::settle::WriteIntent;
use super::step::{RunContext, WRITE};
use super::volumes;
use crate::catalogue::{ContentState, PoolName, Volume};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, SetId, StepId};
use crate::library::mount::Seat;
use crate::progress::Event;
use crate::tape::VolumeError;
use crate::tape::stream::{FinishedVolume, Geometry, LaneEnd, LaneState, StreamOptions};
use crate::tape::stream::{SupplyError, VolumeSupply};
use crate::tape::volume::{DriveCompression, VolumeWriter, WriterSettings};

/// A drive whose cartridge cannot be written on, and why.
type Refused = Box<(Drive, Error)>;

/// Whether the record knows all that is on the tapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// It does.
    Complete,
    /// It does not: the intents to write stay open, so that the volumes are brought back to what
    /// is on record before anything else happens to them.
    Behind,
}

/// Gives the lanes of one set their volumes.
#[derive(Debug)]
pub struct Supply {
    context: RunContext,
    set: SetId,
    pools: HashMap<CopyNumber, PoolName>,
    options: StreamOptions,
    geometry: OnceLock<Geometry>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    drives: Drives,
    /// What each lane is writing on.
    seats: HashMap<CopyNumber, (Seat, StepId)>,
    /// In use by a lane, full, or refused.
    taken: HashSet<Barcode>,
    /// Why there was no next cartridge.
    shortage: Option<Error>,
    refused: usize,
}

impl Supply {
    /// A supply for a set that works with these drives.
    #[must_use]
    pub fn new(
        context: RunContext,
        set: SetId,
        copies: &[(CopyNumber, PoolName)],
        options: StreamOptions,
        drives: Drives,
    ) -> Self {
        Self {
            context,
            set,
            pools: copies.iter().cloned().collect(),
            options,
            geometry: OnceLock::new(),
            state: Mutex::new(State {
                drives,
                seats: HashMap::new(),
                taken: HashSet::new(),
                shortage: None,
                refused: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sizes of the stream; the first cartridge decides.
    pub fn geometry(&self) -> Result<Geometry> {
        self.geometry
            .get()
            .copied()
            .ok_or_else(|| Error::failed("no cartridge has been looked at yet"))
    }

    /// The next volume for a copy: opens the best cartridge that does not refuse.
    pub fn open_next(&self, copy: CopyNumber) -> Result<VolumeWriter> {
        let mut state = self.lock();
        loop {
            let candidate = self.choose(&mut state, copy)?;
            let barcode = candidate.cartridge.barcode.clone();
            let (seat, drive) = state.drives.take(&barcode)?;
            match self.open(copy, &candidate, drive) {
                Ok((writer, step)) => {
                    state.seats.insert(copy, (seat, step));
                    return Ok(writer);
                }
                Err(refused) => {
                    let (drive, error) = *refused;
                    state.drives.put(seat, drive);
                    state.drives.unmount(&barcode, None)?;
                    if !is_about_the_cartridge(&error) {
                        return Err(error);
                    }
                    state.refused += 1;
                    self.context.app.watcher.event(Event::Problem {
                        subject: barcode.to_string(),
                        what: error.to_string(),
                    });
                }
            }
        }
    }

    fn choose(&self, state: &mut State, copy: CopyNumber) -> Result<Candidate> {
        let app = &self.context.app;
        let pool = self
            .pools
            .get(&copy)
            .ok_or_else(|| Error::failed(format!("copy {copy} has no pool")))?;
        let candidates = app.catalogue.read(plan::candidates)?;
        let now = app.clock.now();
        let library = self.context.library_id;
        let mounted = candidates.iter().find(|candidate| {
            let barcode = &candidate.cartridge.barcode;
            let usable = candidate
                .volume
                .as_ref()
                .is_some_and(|volume| may_append(volume.content) && volume.pool == *pool);
            usable && !state.taken.contains(barcode) && state.drives.has(barcode)
        });
        let chosen = match mounted {
            Some(candidate) => Some(candidate),
            None => plan::choose(&candidates, library, pool, &state.taken, now)
                .map(|(candidate, _)| candidate),
        };
        let chosen = chosen.cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::OperatorNeeded,
                format!("the library holds no cartridge that copy {copy} (pool {pool}) can be written on"),
            )
            .hint("bring scratch cartridges, \"tapeward media add --from-library\", then \"tapeward job resume\"")
        })?;
        state.taken.insert(chosen.cartridge.barcode.clone());
        Ok(chosen)
    }

    fn open(
        &self,
        copy: CopyNumber,
        candidate: &Candidate,
        mut drive: Drive,
    ) -> Result<(VolumeWriter, StepId), Refused> {
        let settings = match self.settings(candidate, &mut drive) {
            Ok(settings) => settings,
            Err(error) => return Err(Box::new((drive, error))),
        };
        let barcode = &candidate.cartridge.barcode;
        let writer = match &candidate.volume {
            Some(volume) if may_append(volume.content) => {
                self.append(volume, barcode, drive, settings)?
            }
            _ => self.label(copy, barcode, drive, settings)?,
        };
        let intent = WriteIntent {
            volume: writer.volume(),
            barcode: barcode.clone(),
            set: self.set,
            copy,
        };
        match self.context.intend(WRITE, &intent) {
            Ok(step) => Ok((writer, step)),
            Err(error) => Err(Box::new((writer.into_drive(), error))),
        }
    }

    fn settings(&self, candidate: &Candidate, drive: &mut Drive) -> Result<WriterSettings> {
        let capacity = drive
            .capacity()
            .context("cannot ask for the cartridge's capacity")?
            .map_or_else(
                || candidate.cartridge.generation.native_capacity(),
                |capacity| capacity.maximum.bytes(),
            );
        let geometry = *self
            .geometry
            .get_or_init(|| Geometry::new(&self.options, capacity));
        Ok(WriterSettings {
            clock: self.context.app.clock.clone(),
            geometry,
            compression: DriveCompression::Off,
        })
    }

    fn append(
        &self,
        volume: &Volume,
        barcode: &Barcode,
        drive: Drive,
        settings: WriterSettings,
    ) -> Result<VolumeWriter, Refused> {
        let app = &self.context.app;
        let record = match app.catalogue.read(|view| volumes::record(view, volume.id)) {
            Ok(record) => record,
            Err(error) => return Err(Box::new((drive, error))),
        };
        VolumeWriter::open_append(drive, record, settings).map_err(|failed| {
            let suspicious = matches!(
                failed.error,
                VolumeError::TrailerMismatch { .. } | VolumeError::WrongVolume { .. }
            );
            let mut error =
                Error::failed(format!("cannot append to {barcode}")).because(failed.error);
            if suspicious
                && let Err(unrecorded) = app.write(|tx, now| {
                    let why = error.to_string();
                    let state = ContentState::Quarantined;
                    set_content(&self.context, tx, now, volume.id, state, &why)
                })
            {
                error = unrecorded;
            }
            Box::new((failed.drive, error))
        })
    }

    fn label(
        &self,
        copy: CopyNumber,
        barcode: &Barcode,
        drive: Drive,
        settings: WriterSettings,
    ) -> Result<VolumeWriter, Refused> {
        let Some(pool) = self.pools.get(&copy) else {
            let error = Error::failed(format!("copy {copy} has no pool"));
            return Err(Box::new((drive, error)));
        };
        label::label_mounted(
            &self.context,
            drive,
            barcode,
            pool,
            Foreign::Refuse,
            settings,
        )
        .map_err(|failed| Box::new((failed.drive, failed.error)))
    }

    /// What is left of the lanes goes back to the drives.
    pub fn take_back(&self, ends: Vec<LaneEnd>, record: Record) -> Result<()> {
        let mut state = self.lock();
        for end in ends {
            let Some((seat, step)) = state.seats.remove(&end.copy) else {
                continue;
            };
            let (drive, observation) = match end.state {
                LaneState::Open(writer) => (Some(writer.into_drive()), json!({ "closed": true })),
                LaneState::Finished(finished) => (Some(finished.drive), json!({ "full": true })),
                LaneState::Dead { drive, why } => {
                    // Nothing more is appended to a volume nobody knows the end of.
                    let barcode = seat.barcode.clone();
                    self.close_volume(&barcode, &why)?;
                    (drive.map(|drive| *drive), json!({ "ended early": why }))
                }
            };
            if record == Record::Complete {
                self.context.observe(step, &observation, |_, _| Ok(()))?;
            }
            match drive {
                Some(drive) => state.drives.put(seat, drive),
                None => state.drives.put_reopened(seat)?,
            }
        }
        Ok(())
    }

    fn close_volume(&self, barcode: &Barcode, why: &str) -> Result<()> {
        self.context
            .app
            .write(|tx, now| match tx.volume_by_barcode(barcode)? {
                Some(volume) => {
                    set_content(&self.context, tx, now, volume.id, ContentState::Full, why)
                }
                None => Ok(()),
            })
    }

    /// The drives, when the stream is over; why a cartridge was missing; how many refused.
    pub fn finish(&self, context: &RunContext) -> (Drives, Option<Error>, usize) {
        let mut state = self.lock();
        let empty = Drives::new(context.clone(), Vec::new());
        (
            std::mem::replace(&mut state.drives, empty),
            state.shortage.take(),
            state.refused,
        )
    }

    fn put_away(&self, copy: CopyNumber, finished: FinishedVolume) -> Result<()> {
        let mut state = self.lock();
        let (seat, step) = state
            .seats
            .remove(&copy)
            .ok_or_else(|| Error::failed(format!("copy {copy} has no cartridge")))?;
        let barcode = seat.barcode.clone();
        state.drives.put(seat, finished.drive);
        self.context
            .observe(step, &json!({ "full": true }), |_, _| Ok(()))?;
        state.drives.unmount(&barcode, None)
    }
}

impl VolumeSupply for Supply {
    fn next(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
    ) -> Result<VolumeWriter, SupplyError> {
        let next = self
            .put_away(copy, finished)
            .and_then(|()| self.open_next(copy));
        next.map_err(|error| {
            let why = error.to_string();
            self.lock().shortage.get_or_insert(error);
            SupplyError { why }
        })
    }
}

/// Another cartridge may do better.
fn is_about_the_cartridge(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<VolumeError>())
        .is_some_and(|error| {
            super::verify::is_bad_medium(error)
                || matches!(
                    error,
                    VolumeError::TrailerMismatch { .. }
                        | VolumeError::WrongVolume { .. }
                        | VolumeError::NotBlank { .. }
                        | VolumeError::WormNotBlank { .. }
                        | VolumeError::WriteProtected
                        | VolumeError::RetentionRuns { .. }
                        | VolumeError::OtherRetentionRuns { .. }
                )
        })
}
