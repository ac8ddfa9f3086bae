//! What the segmenter and its lanes tell the caller.

use std::sync::Arc;

use crate::archive::member::{ResumePoint, SegmentNumber};
use crate::id::{CopyNumber, SetId, VolumeId};
use crate::tape::document::PartDocument;
use crate::tape::layout::{SegmentFiles, TapeFile};

use super::flow::Feeding;
use super::supply::FinishReason;

/// Something the catalogue should know. Of one segment, [`StreamEvent::SegmentClosed`] comes
/// before any lane's [`LaneEvent::Committed`].
#[derive(Debug)]
pub enum StreamEvent {
    /// The producer cut the stream.
    SegmentClosed(Box<SegmentClosed>),
    /// A lane did something.
    Lane {
        /// Whose lane.
        copy: CopyNumber,
        /// What.
        event: LaneEvent,
    },
}

/// The facts of a segment: what `part.json` says.
pub type SegmentFacts = PartDocument;

/// A segment is complete and on its way to the tapes. It counts once a lane committed it.
#[derive(Debug)]
pub struct SegmentClosed {
    /// Its facts.
    pub facts: SegmentFacts,
    /// Where the stream goes on after it.
    pub resume: ResumePoint,
    /// The plaintext of its index part: a file of the index format.
    pub index_part: Arc<Vec<u8>>,
}

impl SegmentClosed {
    /// The set.
    #[must_use]
    pub fn set(&self) -> SetId {
        self.facts.set.set
    }
}

/// What a lane did.
#[derive(Debug)]
pub enum LaneEvent {
    /// A new volume was taken to write on.
    VolumeOpened {
        /// The volume.
        volume: VolumeId,
    },
    /// A segment is on tape: its last filemark is written and the drive's buffer is empty.
    Committed {
        /// The segment.
        segment: SegmentNumber,
        /// The volume.
        volume: VolumeId,
        /// Where it is.
        files: Box<SegmentFiles>,
    },
    /// A set index or a directory is on tape.
    Filed {
        /// The volume.
        volume: VolumeId,
        /// What was written.
        file: Box<TapeFile>,
    },
    /// This copy does not have the segment: to be completed later from tape to tape.
    SegmentLost {
        /// The segment.
        segment: SegmentNumber,
        /// The volume it was being written to, if there was one.
        volume: Option<VolumeId>,
        /// Why, for people.
        why: String,
    },
    /// The set index was not written to this copy; its index parts are all there.
    SetIndexSkipped {
        /// Why, for people.
        why: String,
    },
    /// Nothing more is written to a volume in this stream.
    VolumeFinished {
        /// The volume.
        volume: VolumeId,
        /// Why.
        reason: FinishReason,
        /// Whether its last file is a directory of all others.
        has_directory: bool,
    },
    /// The lane kept the others waiting for too long and gets nothing more of this stream; what
    /// it committed stays. It still closes its volume.
    LeftBehind {
        /// Why, for people.
        why: String,
    },
    /// The lane is over: how its drive was fed.
    Fed(Feeding),
    /// The lane ended early; the other lanes go on.
    Dead {
        /// Why, for people.
        why: String,
    },
}
