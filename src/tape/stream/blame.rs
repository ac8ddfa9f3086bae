//! What ended a lane: its drive, or something else.

use tapeward_drivers::error::ScsiError;
use tapeward_drivers::sense::SenseKey;
use tapeward_drivers::ssc::encryption::EncryptionError;

use crate::tape::error::VolumeError;

/// What ended a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Its drive, or the path to it.
    Drive,
    /// Something else.
    Other,
}

/// The path or the drive failed, so another volume in it would not help.
#[must_use]
pub fn is_about_the_drive(error: &VolumeError) -> bool {
    // A full tape is no fault of the drive's, however the path to it tells.
    if error.is_overflow() {
        return false;
    }
    if matches!(error, VolumeError::BlockRefused { .. }) {
        return true;
    }
    match error.scsi_error() {
        // It took a key and does not encrypt.
        None => matches!(error, VolumeError::Encryption(why)
            if matches!(**why, EncryptionError::NotInForce { .. })),
        Some(error) if error.is_about_medium() => false,
        Some(ScsiError::Check { sense, .. }) => sense.key == SenseKey::HardwareError,
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeward_drivers::ssc::WriteError;

    fn garbled() -> ScsiError {
        ScsiError::Malformed {
            command: "write",
            path: "/dev/nst0".to_owned(),
            what: "No space left on device".to_owned(),
            bytes: Vec::new(),
        }
    }

    #[test]
    fn a_full_tape_is_not_the_drives_fault() {
        let failed = |source| VolumeError::Write {
            doing: "writing data",
            source: Box::new(source),
        };
        let full = failed(WriteError::NotWritten(garbled()));
        assert!(!is_about_the_drive(&full), "{full}");
        let broken = failed(WriteError::Scsi(garbled()));
        assert!(is_about_the_drive(&broken), "{broken}");
    }
}
