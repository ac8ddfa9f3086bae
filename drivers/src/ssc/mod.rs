//! Tape drives (SSC-4).

pub mod access_order;
pub mod block;
pub mod capacity;
pub mod density;
pub mod device_pages;
pub mod drive;
pub mod encryption;
pub mod generation;
pub mod limits;
pub mod modes;
pub mod motion;
pub mod partition;
pub mod position;
pub mod protection;
pub mod readiness;
pub mod statistics;
pub mod tape_alert;
mod tape_alert_table;
pub mod verify;

pub use block::{ReadOutcome, Synchronize, WriteError, WriteOutcome};
pub use capacity::{Capacity, Mebibytes};
pub use density::{Density, MediumTypeDescriptor};
pub use device_pages::{DeviceActivity, DeviceStatistics, DeviceStatus, SequentialAccessCounters};
pub use drive::Drive;
pub use encryption::{EncryptionError, EncryptionKey, EncryptionStatus};
pub use generation::{CartridgeAccess, LtoCartridge, LtoGeneration};
pub use limits::BlockLimits;
pub use modes::{Buffering, DriveModes, Megabytes, ModeShortfall};
pub use motion::{Erase, Space};
pub use partition::{MediumPartitions, PartitionUnit};
pub use position::{BlockAddress, FilemarkCount, Position};
pub use protection::{BlockProtection, ProtectionMethod};
pub use readiness::{Pause, Readiness, WaitError};
pub use statistics::VolumeStatistics;
pub use tape_alert::{TapeAlert, TapeAlertSeverity, TapeAlerts};

pub use verify::{VerifyAgainst, VerifyExtent};

pub use crate::spc::attribute::{Attribute, AttributeFormat, AttributeId};
pub use crate::spc::unit::Removal;
