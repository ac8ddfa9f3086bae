//! SCSI tape drives and medium changers as a Linux host sees them: synchronous, without policy.
//!
//! A [`transport::Transport`] reaches one logical unit; [`smc::Changer`] and [`ssc::Drive`] say
//! what a robot and a tape drive can do over one. [`device`] says what is needed of them by
//! whichever path, the kernel's own drivers included. Nothing is retried, nothing sleeps, and no
//! sense data is dropped.
//!
//! Standards are cited by the name of the command, page or field: clause numbers change from one
//! revision to the next. SAM-5 and SPC-5 are for every device, SSC-4 for tape drives, SMC-3 for
//! medium changers; field names in capitals are theirs.

pub mod bytes;
mod command;
pub mod counted;
pub mod device;
pub mod error;
pub mod linux;
pub mod sense;
mod sense_table;
pub mod smc;
pub mod socket;
pub mod spc;
pub mod ssc;
pub mod timeout;
pub mod transport;

pub use device::{Changer, Drive, MediumChanger, TapeDrive};
pub use error::ScsiError;
