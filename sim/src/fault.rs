//! Faults that are to happen, each once and at a place that is told beforehand.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::store::Durability;

/// Where a fault happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At the nth WRITE or WRITE FILEMARKS of the library since the plan was set or its process
    /// started, from 1.
    Write(u64),
    /// When this record of this cartridge is written.
    WriteRecord {
        /// The cartridge's name.
        cartridge: String,
        /// Record number.
        record: u64,
    },
    /// When this record of this cartridge is read.
    ReadRecord {
        /// The cartridge's name.
        cartridge: String,
        /// Record number.
        record: u64,
    },
    /// At the nth MOVE MEDIUM of the library since the plan was set or its process
    /// started, from 1.
    Move(u64),
    /// At the nth command of any kind that came over the socket or over iSCSI, from 1.
    Command(u64),
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The power fails before the command is carried out.
    PowerCut,
    /// The power fails after the command is carried out and before it is answered.
    PowerCutAfter,
    /// The medium is bad: MEDIUM ERROR, WRITE ERROR or UNRECOVERED READ ERROR.
    MediumError,
    /// The command returns GOOD and the next one learns that the buffer could not be written.
    DeferredWriteError,
    /// The robot drops out: HARDWARE ERROR, MECHANICAL POSITIONING ERROR; nothing has moved.
    MoveFailed,
    /// The robot stops half way with the cartridge in its hand: HARDWARE ERROR, MECHANICAL
    /// POSITIONING ERROR; the medium transport element is full.
    MoveStuck,
    /// One bit of the block turns: on its way to the drive, or between the tape and the host.
    FlippedBit,
    /// The drive asks to be cleaned (TapeAlert 14h); the command is carried out.
    NeedsCleaning,
    /// The drive writes or reads a block again and then succeeds: its error counters tell.
    Retried,
    /// The drive breaks: HARDWARE ERROR, INTERNAL TARGET FAILURE for this command and every later
    /// one but INQUIRY, REPORT LUNS and REQUEST SENSE, until its power is cut.
    DriveBreaks,
    /// The drive does not answer until the plan is replaced; then the command is carried out.
    Stalls,
    /// The process of the simulator dies before the command is carried out.
    Abort,
    /// The process that gave the command gets SIGKILL, and the command is not carried out. Over
    /// iSCSI, where there is no such process here, the session ends.
    KillHost,
}

impl Place {
    /// Whether this fault can happen here.
    fn allows(&self, fault: Fault) -> bool {
        match self {
            Self::Write(_) | Self::WriteRecord { .. } => matches!(
                fault,
                Fault::PowerCut
                    | Fault::PowerCutAfter
                    | Fault::MediumError
                    | Fault::DeferredWriteError
                    | Fault::FlippedBit
                    | Fault::NeedsCleaning
                    | Fault::Retried
                    | Fault::DriveBreaks
                    | Fault::Stalls
                    | Fault::Abort
            ),
            Self::ReadRecord { .. } => {
                matches!(
                    fault,
                    Fault::PowerCut
                        | Fault::MediumError
                        | Fault::FlippedBit
                        | Fault::Retried
                        | Fault::DriveBreaks
                        | Fault::Abort
                )
            }
            Self::Move(_) => matches!(
                fault,
                Fault::PowerCut | Fault::MoveFailed | Fault::MoveStuck | Fault::Abort
            ),
            Self::Command(_) => matches!(fault, Fault::PowerCut | Fault::KillHost | Fault::Abort),
        }
    }
}

/// One fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFault {
    /// Where.
    pub at: Place,
    /// What.
    pub fault: Fault,
}

/// What was counted since the plan was set or the library's process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// WRITE and WRITE FILEMARKS commands.
    pub writes: u64,
    /// MOVE MEDIUM commands.
    pub moves: u64,
    /// Commands of any kind that came over the socket or over iSCSI.
    pub commands: u64,
}

#[derive(Debug, Default)]
struct State {
    planned: Vec<PlannedFault>,
    counts: Counts,
    /// How often the plan was replaced.
    plans: u64,
}

/// The plan of a library, kept in a file so that it outlives an abort.
#[derive(Debug)]
pub struct FaultPlan {
    path: PathBuf,
    state: Mutex<State>,
    replaced: Condvar,
}

impl FaultPlan {
    /// Reads the plan from this file; no file, no faults.
    pub fn open(path: &Path) -> io::Result<Self> {
        let planned = match std::fs::read(path) {
            Ok(text) => {
                let planned: Vec<PlannedFault> =
                    serde_json::from_slice(&text).map_err(io::Error::other)?;
                check(&planned)?;
                planned
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let state = State {
            planned,
            ..State::default()
        };
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
            replaced: Condvar::new(),
        })
    }

    /// Replaces the plan; counting starts again.
    pub fn set(&self, planned: Vec<PlannedFault>) -> io::Result<()> {
        check(&planned)?;
        let mut state = self.lock();
        save(&self.path, &planned)?;
        *state = State {
            planned,
            counts: Counts::default(),
            plans: state.plans + 1,
        };
        self.replaced.notify_all();
        Ok(())
    }

    /// Waits until the plan is replaced.
    pub(crate) fn wait_for_another(&self) {
        let state = self.lock();
        let plan = state.plans;
        let waited = self.replaced.wait_while(state, |state| state.plans == plan);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// What is still to happen.
    pub fn planned(&self) -> Vec<PlannedFault> {
        self.lock().planned.clone()
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Counts a WRITE or WRITE FILEMARKS; what happens at it.
    pub(crate) fn on_write(&self, cartridge: &str, record: u64) -> Option<Fault> {
        let mut state = self.lock();
        state.counts.writes += 1;
        let number = state.counts.writes;
        self.take(&mut state, |place| match place {
            Place::Write(nth) => *nth == number,
            Place::WriteRecord {
                cartridge: name,
                record: at,
            } => name == cartridge && *at == record,
            Place::ReadRecord { .. } | Place::Move(_) | Place::Command(_) => false,
        })
    }

    /// What happens at reading this record.
    pub(crate) fn on_read(&self, cartridge: &str, record: u64) -> Option<Fault> {
        self.take(&mut self.lock(), |place| match place {
            Place::ReadRecord {
                cartridge: name,
                record: at,
            } => name == cartridge && *at == record,
            Place::Write(_) | Place::WriteRecord { .. } | Place::Move(_) | Place::Command(_) => {
                false
            }
        })
    }

    /// Counts a MOVE MEDIUM; what happens at it.
    pub(crate) fn on_move(&self) -> Option<Fault> {
        let mut state = self.lock();
        state.counts.moves += 1;
        let number = state.counts.moves;
        self.take(
            &mut state,
            |place| matches!(place, Place::Move(nth) if *nth == number),
        )
    }

    /// Counts a command of any kind; what happens at it.
    pub(crate) fn on_command(&self) -> Option<Fault> {
        let mut state = self.lock();
        state.counts.commands += 1;
        let number = state.counts.commands;
        self.take(
            &mut state,
            |place| matches!(place, Place::Command(nth) if *nth == number),
        )
    }

    /// Takes the first fault at a matching place out of the plan, in the file too: a fault that
    /// ends the process must not meet the next one.
    fn take(&self, state: &mut State, here: impl Fn(&Place) -> bool) -> Option<Fault> {
        let index = state.planned.iter().position(|planned| here(&planned.at))?;
        let planned = state.planned.remove(index);
        if let Err(error) = save(&self.path, &state.planned) {
            tracing::error!(path = %self.path.display(), %error, "fault plan not saved");
        }
        tracing::info!(?planned, "fault");
        Some(planned.fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault that could never happen is a mistake in the plan.
fn check(planned: &[PlannedFault]) -> io::Result<()> {
    let wrong = |planned: &&PlannedFault| !planned.at.allows(planned.fault);
    match planned.iter().find(wrong) {
        None => Ok(()),
        Some(PlannedFault { at, fault }) => {
            let text = format!("{fault:?} cannot happen at {at:?}");
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
    }
}

fn save(path: &Path, planned: &[PlannedFault]) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(planned).map_err(io::Error::other)?;
    write_atomically(path, &text, Durability::Process)
}
