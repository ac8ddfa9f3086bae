//! Tape drives (SSC-4).

pub mod block;
pub mod capacity;
pub mod density;
pub mod drive;
pub mod limits;
pub mod modes;
pub mod motion;
pub mod position;
pub mod readiness;
pub mod statistics;
pub mod tape_alert;

pub use block::{ReadOutcome, Synchronize, WriteError, WriteOutcome};
pub use capacity::{Capacity, Mebibytes};
pub use density::{Density, MediumTypeDescriptor};
pub use drive::Drive;
pub use limits::BlockLimits;
pub use modes::{Buffering, DriveModes, Megabytes, ModeShortfall};
pub use motion::{Erase, Space};
pub use position::{BlockAddress, FilemarkCount, Position};
pub use readiness::{Pause, Readiness, WaitError};
pub use statistics::VolumeStatistics;
pub use tape_alert::{TapeAlert, TapeAlertSeverity, TapeAlerts};

pub use crate::spc::attribute::{Attribute, AttributeFormat, AttributeId};
pub use crate::spc::unit::Removal;
