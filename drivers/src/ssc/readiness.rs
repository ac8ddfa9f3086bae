//! TEST UNIT READY interpreted, and waiting with somebody else's clock.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::drive::Drive;
use crate::error::ScsiError;
use crate::sense::{Progress, SenseClass, SenseData};
use crate::spc::unit;

/// What one TEST UNIT READY says.
#[derive(Debug)]
pub enum Readiness {
    /// A cartridge is loaded and ready.
    Ready,
    /// Something happened since the last command. It is told once: ask again for the state.
    UnitAttention(Box<SenseData>),
    /// Loading, rewinding, calibrating: ready by itself later.
    BecomingReady {
        /// How far it is, when the drive says so.
        progress: Option<Progress>,
        /// Whole sense data.
        sense: Option<Box<SenseData>>,
    },
    /// No cartridge, or one that is not loaded.
    NoMedium,
    /// The drive holds a cleaning cartridge or is being cleaned.
    Cleaning(Box<SenseData>),
    /// Somebody has to do something first.
    NeedsAttention(Box<SenseData>),
    /// Anything else.
    Other(ScsiError),
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::UnitAttention(sense) => sense.fmt(f),
            Self::BecomingReady {
                progress: Some(progress),
                ..
            } => {
                write!(f, "becoming ready, {progress} done")
            }
            Self::BecomingReady { progress: None, .. } => f.write_str("becoming ready"),
            Self::NoMedium => f.write_str("no cartridge is loaded"),
            Self::Cleaning(sense) => write!(f, "being cleaned: {sense}"),
            Self::NeedsAttention(sense) => write!(f, "somebody has to look: {sense}"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

/// Lets time pass between two commands, and says how much has passed.
pub trait Pause {
    /// Waits this long.
    fn pause(&mut self, duration: Duration);
    /// Time since an arbitrary fixed moment.
    fn elapsed(&self) -> Duration;
    /// Told how far the drive is, each time it says so.
    fn progress(&mut self, _progress: Progress) {}
}

/// Longest wait for a drive that says how far it is: the first load of an LTO-9 cartridge
/// calibrates it, for up to two hours (IBM and Quantum on LTO-9 media optimization), and may start
/// late.
pub const CALIBRATION_LIMIT: Duration = Duration::from_secs(150 * 60);

/// The drive did not become ready.
#[derive(Debug, Error)]
pub enum WaitError {
    /// It never will by itself.
    #[error("{path}: {state}")]
    NotReady {
        /// Device node or socket.
        path: String,
        /// What it said last.
        state: Readiness,
    },
    /// It still says that it will.
    #[error("{path}: still not ready after {} s", .after.as_secs())]
    TooLong {
        /// Device node or socket.
        path: String,
        /// How long was waited.
        after: Duration,
    },
}

impl Drive {
    /// Sends one TEST UNIT READY and says what its answer means.
    pub fn readiness(&mut self) -> Readiness {
        match unit::test_unit_ready(&mut *self.transport) {
            Ok(()) => Readiness::Ready,
            Err(ScsiError::Check {
                sense,
                command,
                path,
                cdb,
            }) if !sense.deferred => match sense.class() {
                SenseClass::UnitAttention
                | SenseClass::MediumChanged
                | SenseClass::ElementsChanged
                | SenseClass::Reset => Readiness::UnitAttention(sense),
                SenseClass::NotReadyTransient => Readiness::BecomingReady {
                    progress: sense.progress,
                    sense: Some(sense),
                },
                SenseClass::NotReadyNoMedium => Readiness::NoMedium,
                SenseClass::NotReadyCleaning => Readiness::Cleaning(sense),
                SenseClass::NotReadyManual => Readiness::NeedsAttention(sense),
                _ => Readiness::Other(ScsiError::Check {
                    command,
                    path,
                    cdb,
                    sense,
                }),
            },
            Err(error) => Readiness::Other(error),
        }
    }
}
