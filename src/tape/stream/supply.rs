//! Where the next volume comes from.

use tapeward_drivers::Drive;
use thiserror::Error;

use crate::id::{CopyNumber, VolumeId};
use crate::tape::layout::TapeFile;
use crate::tape::volume::VolumeWriter;

/// Gives a lane its next volume. Called on the lane's thread, which waits; lanes call at the same
/// time.
pub trait VolumeSupply: Send + Sync {
    /// Takes the finished volume out of the drive and returns a writer for the next one, in the
    /// same drive or another.
    ///
    /// # Errors
    /// The lane ends; the other lanes go on.
    fn next(&self, copy: CopyNumber, finished: FinishedVolume)
    -> Result<VolumeWriter, SupplyError>;
}

/// There is no next volume.
#[derive(Debug, Error)]
#[error("no volume to go on with: {why}")]
pub struct SupplyError {
    /// For people.
    pub why: String,
}

/// Why nothing more is written to a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// Only its reserve is left, or its file numbers run out.
    Full,
    /// Writing failed; for people.
    Failed(String),
}

/// A volume that takes no more, in its drive.
#[derive(Debug)]
pub struct FinishedVolume {
    /// The volume.
    pub volume: VolumeId,
    /// The drive it is in, its modes restored.
    pub drive: Drive,
    /// Why it takes no more.
    pub reason: FinishReason,
    /// Every committed file, the directory last if there is one.
    pub files: Vec<TapeFile>,
}
