//! SCSI tape drives and medium changers as a Linux host sees them: synchronous, without policy.

pub mod socket;
pub mod transport;
