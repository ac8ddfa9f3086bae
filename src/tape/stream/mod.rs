//! One tar stream to several volumes at once: cut into segments, encoded once, fanned out.
//!
//! The caller's thread produces: [`Segmenter`] is a [`crate::archive::member::MemberSink`]. Each
//! copy has a lane: a thread that owns a drive and writes what comes through a bounded ring.
//! When one lane's volume has only its reserve left, the segment is closed for all of them at
//! the same byte, so that segments are the same in every copy.

mod blame;
mod event;
mod fan_out;
mod flow;
mod geometry;
mod giving_way;
mod index_part;
mod lane;
mod member_sink;
mod ring;
mod rings;
mod segmenter;
mod shared;
mod supply;

pub use blame::{Blame, is_about_the_drive};
pub use event::{LaneEvent, SegmentClosed, SegmentFacts, StreamEvent};
pub use flow::{Feeding, Flow, FlowWatch, Stage};
pub use geometry::{Geometry, StreamOptions};
pub use lane::{LaneEnd, LaneState};
pub use segmenter::{Segmenter, SegmenterStart};
pub use shared::StopFlag;
pub use supply::{Awaited, FinishReason, FinishedVolume, Leave, SupplyError, VolumeSupply};
