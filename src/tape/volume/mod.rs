//! One volume in a drive: what it is, writing it, reading it.

mod encryption;
mod end;
mod group_io;
mod identify;
mod open;
mod payload;
mod reader;
mod settings;
mod trial;
mod writer;

pub use encryption::{DriveKeys, check_encryption};
pub use identify::{ForeignKind, Identified, identify};
pub use open::{LabelPolicy, OpenError, Touched, Trial, VolumeRecord, ends_with};
pub use payload::PayloadReader;
pub use reader::VolumeReader;
pub use settings::{DriveCompression, EarlyWarning, WriterSettings};
pub use writer::{FileStart, Room, VolumeWriter};
