//! Where the next volume comes from.

use tapeward_drivers::Drive;
use thiserror::Error;

use super::lane::LaneEnd;
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

    /// Whether somebody who goes first wants this lane's drive or volume. Asked between segments; a
    /// lane that hears yes gives way.
    fn is_wanted(&self, _copy: CopyNumber) -> bool {
        false
    }

    /// Takes the volume out of its drive, lets others have the drive, waits until it can be had
    /// again, and returns a writer for the volume to go on with; none when the stream needs none
    /// any more. A supply that has nobody to give way to goes on at once.
    ///
    /// # Errors
    /// As [`VolumeSupply::next`].
    fn give_way(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
        _why: Leave,
        _awaited: &dyn Fn() -> Awaited,
    ) -> Result<Option<VolumeWriter>, SupplyError> {
        self.next(copy, finished).map(Some)
    }

    /// A lane is over before its stream is: it was left behind, or died. Takes what is left of it,
    /// so that others can have the drive and the cartridge; what it does not take it returns.
    fn ended(&self, end: LaneEnd) -> LaneEnd {
        end
    }
}

/// Why a lane gives its drive away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// [`VolumeSupply::is_wanted`] said so.
    Wanted,
    /// Nothing comes from the source ([`super::Segmenter::pause`]): until something does.
    Paused,
}

/// Whether a stream needs a lane that gave its drive away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// Something waits to be written on it.
    Now,
    /// Not yet.
    Later,
    /// Never again.
    Never,
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
    /// Its drive is given away, or its lane was left behind; it has room.
    GivenWay,
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
