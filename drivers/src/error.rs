//! What can go wrong with a command, with everything the device said about it.

use std::fmt;

use thiserror::Error;

use crate::sense::{SenseClass, SenseData, SenseKey};
use crate::transport::{Cdb, Status, TransportError};

/// A command that did not succeed.
#[derive(Debug, Error)]
pub enum ScsiError {
    /// No SCSI reply came; whether the device acted is unknown.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// CHECK CONDITION (SAM-5, status codes).
    #[error("{path}: {command}: {sense}")]
    Check {
        /// The command's name in the standard.
        command: &'static str,
        /// Device node or socket.
        path: String,
        /// The command as sent.
        cdb: Cdb,
        /// Whole sense data.
        sense: Box<SenseData>,
    },
    /// CHECK CONDITION without sense data, or with sense data of an unknown format.
    #[error("{path}: {command}: CHECK CONDITION without readable sense data ({raw:02x?})")]
    NoSenseData {
        /// The command's name in the standard.
        command: &'static str,
        /// Device node or socket.
        path: String,
        /// The command as sent.
        cdb: Cdb,
        /// What came instead.
        raw: Vec<u8>,
    },
    /// A status that carries no sense data: busy, reserved by another host, queue full.
    #[error("{path}: {command}: {}", StatusText(*.status))]
    Status {
        /// The command's name in the standard.
        command: &'static str,
        /// Device node or socket.
        path: String,
        /// The command as sent.
        cdb: Cdb,
        /// What the device answered.
        status: Status,
    },
    /// The reply ends before a field that has to be there.
    #[error("{path}: {command}: the reply has {} bytes, {needed} are needed", .bytes.len())]
    ShortReply {
        /// The command's name in the standard.
        command: &'static str,
        /// Device node or socket.
        path: String,
        /// Bytes the structure has at least.
        needed: usize,
        /// The reply.
        bytes: Vec<u8>,
    },
    /// The reply contradicts itself or the standard.
    #[error("{path}: {command}: {what}")]
    Malformed {
        /// The command's name in the standard.
        command: &'static str,
        /// Device node or socket.
        path: String,
        /// What is wrong.
        what: String,
        /// The reply, or its beginning.
        bytes: Vec<u8>,
    },
    /// A block came, and it is not the one that was written: its protection information says
    /// otherwise.
    #[error(
        "{path}: READ(6): a block of {length} bytes was changed between tape and host; read it again in another drive or over another path"
    )]
    BlockCorrupted {
        /// Device node or socket.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
    /// The kernel's own driver failed (`st`, `ch`); it keeps the sense data to itself.
    #[error("{path}: {operation}: {}", KernelText(*.class, .source))]
    Kernel {
        /// The ioctl or system call.
        operation: &'static str,
        /// Device node.
        path: String,
        /// What kind of trouble it is, where the error number and the driver's state tell.
        class: Option<SenseClass>,
        /// The error number.
        source: std::io::Error,
    },
    /// The tape was read up to the end of data in search of a place that is not there.
    #[error("{path}: the end of data comes before {what}")]
    EndOfData {
        /// Device node or socket.
        path: String,
        /// What was looked for.
        what: String,
    },
    /// The command was not sent: no CDB can say what was asked.
    #[error("{path}: {command} not sent: {what}")]
    NotSent {
        /// The command's name in the standard.
        command: &'static str,
        /// Device node or socket.
        path: String,
        /// What does not fit.
        what: String,
    },
}

impl ScsiError {
    /// The sense data, when the device gave any.
    #[must_use]
    pub fn sense(&self) -> Option<&SenseData> {
        match self {
            Self::Check { sense, .. } => Some(sense),
            _ => None,
        }
    }

    /// What kind of trouble the sense data, or the kernel's driver, reports.
    #[must_use]
    pub fn class(&self) -> Option<SenseClass> {
        match self {
            Self::Check { sense, .. } => Some(sense.class()),
            Self::Kernel { class, .. } => *class,
            Self::EndOfData { .. } => Some(SenseClass::EndOfData),
            _ => None,
        }
    }

    /// Something happened to the device since its last command; this one was not performed.
    #[must_use]
    pub fn is_unit_attention(&self) -> bool {
        self.sense()
            .is_some_and(|sense| sense.key == SenseKey::UnitAttention && !sense.deferred)
    }

    /// The device does not have this command, this page or this field (ILLEGAL REQUEST with
    /// 20h INVALID COMMAND OPERATION CODE, 24h INVALID FIELD IN CDB or 26h INVALID FIELD IN
    /// PARAMETER LIST, SPC-5, ASC and ASCQ assignments).
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.sense().is_some_and(|sense| {
            sense.key == SenseKey::IllegalRequest
                && !sense.deferred
                && matches!(sense.asc.code, 0x20 | 0x24 | 0x26)
        }) || matches!(
            self,
            Self::Kernel {
                class: Some(SenseClass::Unsupported),
                ..
            }
        )
    }

    /// The device does not have this command at all (20h INVALID COMMAND OPERATION CODE).
    #[must_use]
    pub fn is_missing_command(&self) -> bool {
        self.is_unsupported() && self.sense().is_some_and(|sense| sense.asc.code == 0x20)
    }

    /// No data is recorded behind this point (BLANK CHECK).
    #[must_use]
    pub fn is_end_of_data(&self) -> bool {
        self.class() == Some(SenseClass::EndOfData)
            || self
                .sense()
                .is_some_and(|sense| sense.key == SenseKey::BlankCheck)
    }

    /// The tape is at fault: it can't be read here, or ends here (MEDIUM ERROR, BLANK CHECK), or a
    /// block that comes is not the one that was written.
    #[must_use]
    pub fn is_about_medium(&self) -> bool {
        matches!(self, Self::BlockCorrupted { .. })
            || self.is_end_of_data()
            || self.class() == Some(SenseClass::MediumError)
            || self
                .sense()
                .is_some_and(|sense| sense.key == SenseKey::MediumError)
    }

    /// There is no cartridge in the drive.
    #[must_use]
    pub fn is_no_medium(&self) -> bool {
        self.class() == Some(SenseClass::NotReadyNoMedium)
    }

    /// The error belongs to an earlier, buffered command.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        self.sense().is_some_and(|sense| sense.deferred)
    }

    /// Another host holds a reservation.
    #[must_use]
    pub fn is_reservation_conflict(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: Status::ReservationConflict,
                ..
            }
        )
    }

    /// Whether the device acted on the command is unknown: only looking can tell.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Transport(_) | Self::NoSenseData { .. } => true,
            Self::Kernel { class, .. } => class.is_none(),
            _ => false,
        }
    }
}

struct KernelText<'a>(Option<SenseClass>, &'a std::io::Error);

impl fmt::Display for KernelText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            Some(SenseClass::EndOfData) => "the end of data",
            Some(SenseClass::EndOfMedium | SenseClass::VolumeOverflow) => "the end of the tape",
            Some(SenseClass::NotReadyNoMedium) => "no cartridge is loaded",
            Some(SenseClass::NotReadyTransient) => "in use by another program",
            Some(SenseClass::InvalidElement) => "the library has no such element",
            Some(SenseClass::SourceEmpty) => "the source element is empty",
            Some(SenseClass::DestinationFull) => "the destination element is full",
            Some(SenseClass::Unsupported) => "the device does not have this command",
            _ => return self.1.fmt(f),
        };
        write!(f, "{text} ({})", self.1)
    }
}

struct StatusText(Status);

impl fmt::Display for StatusText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Status::Busy => "BUSY: the device is occupied, try again later",
            Status::ReservationConflict => {
                "RESERVATION CONFLICT: another host has reserved the device"
            }
            Status::TaskSetFull => "TASK SET FULL: the device's queue is full, try again later",
            Status::AcaActive => "ACA ACTIVE: the device waits for an error to be cleared",
            Status::TaskAborted => "TASK ABORTED: another host aborted the command",
            Status::Good | Status::CheckCondition | Status::ConditionMet => "unexpected status",
            Status::Other(value) => return write!(f, "unknown status {value:02X}h"),
        })
    }
}
