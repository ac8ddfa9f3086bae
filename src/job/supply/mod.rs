//! Cartridges for the lanes of a stream: chosen, mounted, labelled or checked, and put away.

mod choice;
mod drive_key;

pub(super) use choice::usable;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};
use tapeward_drivers::Drive;

use super::coded_file::Appended;
use super::drives::Drives;
use super::label::{self, Foreign, NewLabel, may_append};
use super::plan::Candidate;
use super::recorder::{Recorder, set_content};
use super::set_aside::SetAside;
use super::settle::WriteIntent;
use super::snapshot::{self, Snapshot};
use super::step::{RunContext, WRITE};
use super::volumes;
use crate::catalogue::{ContentState, DriveRequest, PoolName, Volume};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, SetId, StepId, VolumeId};
use crate::library::mount::{Blamed, Culprit, HeldDrive, Seat};
use crate::progress::Event;
use crate::tape::VolumeError;
use crate::tape::stream::{Blame, FinishReason, Geometry, LaneEnd, LaneState, StreamOptions};
use crate::tape::volume::{DriveCompression, Room, VolumeWriter, WriterSettings};

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
    pub(super) context: RunContext,
    set: SetId,
    pools: HashMap<CopyNumber, PoolName>,
    options: StreamOptions,
    geometry: OnceLock<Geometry>,
    /// Who records what the lanes do; none where whoever writes records it before going on.
    pub(super) recorder: OnceLock<Arc<Recorder>>,
    state: Mutex<State>,
}

/// Never locked while the robot or a drive is at work.
#[derive(Debug)]
pub(super) struct State {
    pub(super) drives: Drives,
    /// What each lane is writing on.
    pub(super) seats: HashMap<CopyNumber, Seated>,
    /// Lanes between two cartridges: for each a drive is kept that it goes on in.
    pub(super) between: HashSet<CopyNumber>,
    /// What lanes that were told to give way give way to.
    pub(super) gives_way_to: HashMap<CopyNumber, DriveRequest>,
    /// In use by a lane, or full.
    pub(super) taken: HashSet<Barcode>,
    set_aside: SetAside,
    /// With room, and with what is not to be mixed with this set.
    passed_over: HashSet<Barcode>,
    /// Why there was no next cartridge.
    pub(super) shortage: Option<Error>,
}

/// A lane's cartridge in its drive.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) seat: Seat,
    pub(super) step: StepId,
    pub(super) volume: VolumeId,
}

/// What a supply hands back when the stream is over.
#[derive(Debug)]
pub struct Supplied {
    /// The drives.
    pub drives: Drives,
    /// Cartridges of this run that would not do.
    pub set_aside: SetAside,
    /// Why a cartridge was missing.
    pub shortage: Option<Error>,
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
        set_aside: SetAside,
    ) -> Self {
        Self {
            context,
            set,
            pools: copies.iter().cloned().collect(),
            options,
            geometry: OnceLock::new(),
            recorder: OnceLock::new(),
            state: Mutex::new(State {
                drives,
                seats: HashMap::new(),
                between: HashSet::new(),
                gives_way_to: HashMap::new(),
                taken: HashSet::new(),
                set_aside,
                passed_over: HashSet::new(),
                shortage: None,
            }),
        }
    }

    /// Leaves these cartridges alone.
    #[must_use]
    pub fn without(self, cartridges: impl IntoIterator<Item = Barcode>) -> Self {
        self.lock().taken.extend(cartridges);
        self
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this recorder has of a volume is waited for before the volume is put away.
    pub fn follow(&self, recorder: &Arc<Recorder>) {
        self.recorder.get_or_init(|| Arc::clone(recorder));
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
        self.lock().between.insert(copy);
        let opened = self.open_best(copy);
        self.lock().between.remove(&copy);
        opened
    }

    fn open_best(&self, copy: CopyNumber) -> Result<VolumeWriter> {
        loop {
            let (candidate, reserved) = {
                let mut state = self.lock();
                let candidate = self.choose(&mut state, copy)?;
                let barcode = &candidate.cartridge.barcode;
                let reserved = state.drives.reserve(barcode);
                if reserved.is_err() {
                    state.taken.remove(barcode);
                }
                state.between.remove(&copy);
                (candidate, reserved?)
            };
            let barcode = candidate.cartridge.barcode.clone();
            let (seat, drive) = match reserved.mount(&self.context, &barcode) {
                Ok(mounted) => mounted,
                Err(failed) => {
                    let blamed = {
                        let mut state = self.lock();
                        state.between.insert(copy);
                        state.drives.give_back(*failed)
                    };
                    self.after_failed_mount(&barcode, blamed)?;
                    continue;
                }
            };
            match self.open(copy, &candidate, &seat.held, drive) {
                Ok((writer, step)) => {
                    let volume = writer.volume();
                    let seated = Seated { seat, step, volume };
                    self.lock().seats.insert(copy, seated);
                    return Ok(writer);
                }
                Err(refused) => {
                    self.lock().between.insert(copy);
                    self.after_refusal(seat, *refused)?;
                }
            }
        }
    }

    /// Whether another cartridge or drive may do.
    fn after_failed_mount(&self, barcode: &Barcode, blamed: Blamed) -> Result<()> {
        let mut state = self.lock();
        match blamed.culprit {
            Culprit::Library => Err(blamed.error),
            Culprit::Drive if state.drives.available() == 0 => Err(blamed.error),
            Culprit::Drive => {
                state.taken.remove(barcode);
                Ok(())
            }
            // A restore reads it: this session does with another one.
            Culprit::Cartridge if blamed.error.kind() == ErrorKind::Locked => Ok(()),
            Culprit::Cartridge => state
                .set_aside
                .useless(&self.context, barcode, blamed.error),
        }
    }

    /// Whether another cartridge may do.
    fn after_refusal(&self, seat: Seat, (drive, error): (Drive, Error)) -> Result<()> {
        let barcode = seat.barcode.clone();
        let blame = volume_error(&error).map(crate::tape::stream::is_about_the_drive);
        if blame == Some(true) {
            let mut state = self.lock();
            state.taken.remove(&barcode);
            state.drives.fail(seat, &error);
            return match state.drives.available() {
                0 => Err(error),
                _ => Ok(()),
            };
        }
        self.put_back(seat, drive)?;
        if !is_about_the_cartridge(&error) {
            return Err(error);
        }
        let set_aside = &mut self.lock().set_aside;
        match volume_error(&error) {
            Some(VolumeError::TooSmall { .. }) => set_aside.useless(&self.context, &barcode, error),
            _ => set_aside.refused(&self.context, &barcode, &error),
        }
    }

    /// Takes a cartridge out of its drive.
    pub(super) fn put_back(&self, seat: Seat, drive: Drive) -> Result<()> {
        let library = &self.context.library;
        let unmounted = library.unmount(seat, drive, None, &self.context);
        let mut state = self.lock();
        match unmounted {
            Ok(held) => state.drives.put_idle(held),
            Err(failed) if failed.blamed.culprit == Culprit::Drive => {
                state.drives.fail(failed.seat, &failed.blamed.error);
            }
            Err(failed) => {
                state.drives.put(failed.seat, failed.drive);
                return Err(failed.blamed.error);
            }
        }
        Ok(())
    }

    fn open(
        &self,
        copy: CopyNumber,
        candidate: &Candidate,
        held: &HeldDrive,
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
            _ => self.label(copy, barcode, held, drive, settings)?,
        };
        // A volume that holds nothing and has no room never will.
        if writer.room() == Room::ReserveOnly && writer.files().len() <= 1 {
            let error = self.too_small(barcode, &writer);
            return Err(Box::new((writer.into_drive(), error)));
        }
        let intent = WriteIntent {
            volume: writer.volume(),
            barcode: barcode.clone(),
            set: self.set,
            copy,
        };
        match self.context.intend(WRITE, &intent) {
            Ok(step) => self.with_drive_key(writer, barcode, step),
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
        let geometry = self
            .geometry()
            .unwrap_or_else(|_| Geometry::new(&self.options, capacity));
        if capacity <= geometry.reserve() {
            let barcode = &candidate.cartridge.barcode;
            return Err(Error::failed(format!("cannot write on {barcode}")).because(
                VolumeError::TooSmall {
                    capacity,
                    reserve: geometry.reserve(),
                },
            ));
        }
        // A cartridge that is too small for anything does not decide.
        let geometry = *self.geometry.get_or_init(|| geometry);
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
        held: &HeldDrive,
        drive: Drive,
        settings: WriterSettings,
    ) -> Result<VolumeWriter, Refused> {
        let Some(pool) = self.pools.get(&copy) else {
            let error = Error::failed(format!("copy {copy} has no pool"));
            return Err(Box::new((drive, error)));
        };
        let catalogue = &self.context.app.catalogue;
        let wanted = match catalogue.read(|view| view.set_copy(self.set, copy)) {
            Ok(row) => NewLabel {
                pool: pool.clone(),
                retain_until: Some(row.retain_until),
                foreign: Foreign::Refuse,
            },
            Err(error) => return Err(Box::new((drive, error.into()))),
        };
        label::label_mounted(&self.context, held, drive, barcode, &wanted, settings)
            .map_err(|failed| Box::new((failed.drive, failed.error)))
    }

    /// The record learns that nothing will be written on a new volume.
    fn too_small(&self, barcode: &Barcode, writer: &VolumeWriter) -> Error {
        let header = writer.header();
        let error =
            Error::failed(format!("cannot write on {barcode}")).because(VolumeError::TooSmall {
                capacity: header.native_capacity,
                reserve: writer.reserve(),
            });
        let full = self.context.app.write(|tx, now| {
            let (state, why) = (ContentState::Full, error.to_string());
            set_content(&self.context, tx, now, header.volume, state, &why)
        });
        full.err().unwrap_or(error)
    }

    /// What is left of the lanes goes back to the drives, each volume that was written on and has
    /// room with a snapshot of the catalogue.
    pub fn take_back(&self, mut ends: Vec<LaneEnd>, record: Record) -> Result<()> {
        let (record, recorded) = match record {
            Record::Complete => match self.append_snapshots(&mut ends) {
                Ok(()) => (record, Ok(())),
                Err(error) => (Record::Behind, Err(error)),
            },
            Record::Behind => (record, Ok(())),
        };
        let mut state = self.lock();
        for end in ends {
            let Some(Seated { seat, step, .. }) = state.seats.remove(&end.copy) else {
                continue;
            };
            let Some(observation) = seen_of(&end.state) else {
                continue;
            };
            self.back_to_drives(&mut state, seat, end.state)?;
            if record == Record::Complete {
                self.context.observe(step, &observation, |_, _| Ok(()))?;
            }
        }
        recorded
    }

    /// Gives back what a lane left of its cartridge and drive.
    pub(super) fn back_to_drives(
        &self,
        state: &mut State,
        seat: Seat,
        left: LaneState,
    ) -> Result<()> {
        match left {
            LaneState::Open(writer) => state.drives.put(seat, writer.into_drive()),
            LaneState::Finished(finished) => state.drives.put(seat, finished.drive),
            LaneState::Dead { drive, blame, why } => {
                // Nothing more is appended to a volume nobody knows the end of.
                self.close_volume(&seat.barcode, &why)?;
                match (drive, blame) {
                    (_, Blame::Drive) => state.drives.fail(seat, &Error::failed(why)),
                    (Some(drive), Blame::Other) => state.drives.put(seat, *drive),
                    (None, Blame::Other) => state.drives.put_reopened(seat),
                }
            }
            LaneState::Away => {}
        }
        Ok(())
    }

    /// A session that wrote is as good without a snapshot: what goes wrong with it is told.
    ///
    /// # Errors
    /// The record does not know what is on a tape.
    fn append_snapshots(&self, ends: &mut [LaneEnd]) -> Result<()> {
        let mut writers: Vec<(CopyNumber, &mut VolumeWriter)> = ends
            .iter_mut()
            .filter_map(|end| match &mut end.state {
                LaneState::Open(writer) if writer.has_new_segments() => {
                    Some((end.copy, &mut **writer))
                }
                _ => None,
            })
            .collect();
        if writers.is_empty() {
            return Ok(());
        }
        let mut snapshot = match Snapshot::take(&self.context, &self.options.recipients) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.no_snapshot("every copy", &error);
                return Ok(());
            }
        };
        for (copy, writer) in &mut writers {
            let subject = format!("copy {copy}");
            match snapshot.append(writer) {
                Ok(Appended::Files(files)) => {
                    snapshot::record(&self.context, writer.volume(), &files)?;
                }
                Ok(Appended::NoRoom) => {
                    tracing::info!(%copy, volume = %writer.volume(), "no room for a snapshot");
                }
                // Behind the last file on record stands something torn, so nothing may be appended.
                Ok(Appended::Failed(error)) | Err(error) => {
                    self.no_snapshot(&subject, &error);
                    let why = error.to_string();
                    self.context.app.write(|tx, now| {
                        let (volume, state) = (writer.volume(), ContentState::Full);
                        set_content(&self.context, tx, now, volume, state, &why)
                    })?;
                }
            }
        }
        Ok(())
    }

    fn no_snapshot(&self, subject: &str, why: &dyn std::error::Error) {
        self.context.app.watcher.event(Event::Problem {
            subject: subject.to_owned(),
            what: format!("no snapshot of the catalogue was written: {why}"),
        });
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

    /// What goes on to whoever comes next, when the stream is over.
    pub fn finish(&self) -> Supplied {
        let mut state = self.lock();
        Supplied {
            drives: state.drives.hand_over(),
            set_aside: std::mem::take(&mut state.set_aside),
            shortage: state.shortage.take(),
        }
    }
}

/// What is seen of a lane's step at its end; nothing of one that has no seat any more.
pub(super) fn seen_of(left: &LaneState) -> Option<Value> {
    match left {
        LaneState::Open(_) => Some(json!({ "closed": true })),
        LaneState::Finished(finished) if finished.reason == FinishReason::GivenWay => {
            Some(json!({ "closed": true }))
        }
        LaneState::Finished(_) => Some(json!({ "full": true })),
        LaneState::Dead { why, .. } => Some(json!({ "ended early": why })),
        LaneState::Away => None,
    }
}

fn volume_error(error: &Error) -> Option<&VolumeError> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

/// Another cartridge may do better.
fn is_about_the_cartridge(error: &Error) -> bool {
    volume_error(error).is_some_and(|error| {
        error.is_bad_medium()
            || matches!(
                error,
                VolumeError::TrailerMismatch { .. }
                    | VolumeError::WrongVolume { .. }
                    | VolumeError::WrittenBehindLabel(_)
                    | VolumeError::NotBlank { .. }
                    | VolumeError::WormNotBlank { .. }
                    | VolumeError::WriteProtected
                    | VolumeError::TooSmall { .. }
                    | VolumeError::RetentionRuns { .. }
                    | VolumeError::OtherRetentionRuns { .. }
            )
    })
}
