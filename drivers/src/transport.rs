//! The only way anything reaches a device: one SCSI command in, one reply out.
//!
//! A [`Transport`] is a path to one logical unit. It moves bytes and reports exactly what came
//! back; it never interprets, retries or drops anything (SAM-5 clause 5: a command is a CDB, at
//! most one data phase here, a status and, with CHECK CONDITION, autosense).

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Longest CDB carried: fixed-length CDBs only, 6, 10, 12 or 16 bytes (SPC-5,
/// fixed length CDB formats).
pub const MAX_CDB_LENGTH: usize = 16;

/// Longest sense data a device may return (SPC-5, sense data: 252 bytes).
pub const MAX_SENSE_LENGTH: usize = 252;

/// A command descriptor block of 6, 10, 12 or 16 bytes (SPC-5, fixed length CDB formats).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cdb {
    bytes: [u8; MAX_CDB_LENGTH],
    length: u8,
}

impl Cdb {
    /// Wraps an array of 6, 10, 12 or 16 bytes; any other length does not compile.
    #[must_use]
    pub const fn new<const N: usize>(bytes: [u8; N]) -> Self {
        const { assert!(N == 6 || N == 10 || N == 12 || N == 16) };
        let mut all = [0; MAX_CDB_LENGTH];
        let mut at = 0;
        while at < N {
            all[at] = bytes[at];
            at += 1;
        }
        #[allow(clippy::cast_possible_truncation)] // N is at most 16
        Self {
            bytes: all,
            length: N as u8,
        }
    }

    /// The same from a slice, for bytes that came over a wire; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            6 => Some(Self::new::<6>(bytes.try_into().ok()?)),
            10 => Some(Self::new::<10>(bytes.try_into().ok()?)),
            12 => Some(Self::new::<12>(bytes.try_into().ok()?)),
            16 => Some(Self::new::<16>(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    /// The bytes as sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Byte 0, the OPERATION CODE.
    #[must_use]
    pub fn opcode(&self) -> u8 {
        self.bytes[0]
    }
}

impl fmt::Debug for Cdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cdb(")?;
        for (at, byte) in self.as_bytes().iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// The data phase of one command. The device may move fewer bytes than the buffer holds.
#[derive(Debug)]
pub enum Data<'a> {
    /// No data is transferred.
    None,
    /// Device to host, at most the buffer's length.
    In(&'a mut [u8]),
    /// Host to device.
    Out(&'a [u8]),
}

/// SCSI status byte (SAM-5, status codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 00h
    Good,
    /// 02h
    CheckCondition,
    /// 04h
    ConditionMet,
    /// 08h
    Busy,
    /// 18h
    ReservationConflict,
    /// 28h
    TaskSetFull,
    /// 30h
    AcaActive,
    /// 40h
    TaskAborted,
    /// Any other value, as received.
    Other(u8),
}

impl From<u8> for Status {
    fn from(value: u8) -> Self {
        match value {
            0x00 => Self::Good,
            0x02 => Self::CheckCondition,
            0x04 => Self::ConditionMet,
            0x08 => Self::Busy,
            0x18 => Self::ReservationConflict,
            0x28 => Self::TaskSetFull,
            0x30 => Self::AcaActive,
            0x40 => Self::TaskAborted,
            other => Self::Other(other),
        }
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::Good => 0x00,
            Status::CheckCondition => 0x02,
            Status::ConditionMet => 0x04,
            Status::Busy => 0x08,
            Status::ReservationConflict => 0x18,
            Status::TaskSetFull => 0x28,
            Status::AcaActive => 0x30,
            Status::TaskAborted => 0x40,
            Status::Other(value) => value,
        }
    }
}

/// What came back from one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status byte.
    pub status: Status,
    /// Autosense exactly as received, at most [`MAX_SENSE_LENGTH`] bytes, empty when none came.
    pub sense: Vec<u8>,
    /// Bytes moved in the data phase: the buffer's length less the residual.
    pub transferred: usize,
}

/// The command did not get a SCSI reply. Whether the device acted on it is unknown.
#[derive(Debug, Error)]
pub enum TransportError {
    /// The path itself failed (device node, socket).
    #[error("{path}: {source}")]
    Io {
        /// Device node or socket.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The host adapter or the kernel's SCSI layer gave up (`host_status`, `driver_status` of
    /// the Linux `sg_io_hdr`).
    #[error("{path}: host adapter status {host:#06x}, driver status {driver:#06x}")]
    Host {
        /// Device node.
        path: String,
        /// `DID_*` code.
        host: u16,
        /// `DRIVER_*` code.
        driver: u16,
    },
    /// No reply within the command's time.
    #[error("{path}: no reply within {} s", .after.as_secs())]
    Timeout {
        /// Device node or socket.
        path: String,
        /// The command's time limit.
        after: Duration,
    },
    /// The other side closed the path, or the device is gone.
    #[error("{path}: the device is gone")]
    Gone {
        /// Device node or socket.
        path: String,
    },
    /// The other side broke the wire protocol.
    #[error("{path}: {what}")]
    Protocol {
        /// Socket.
        path: String,
        /// What was wrong.
        what: String,
    },
}

/// A path to one logical unit.
pub trait Transport: Send {
    /// Sends one command and waits for its reply.
    ///
    /// # Errors
    /// [`TransportError`] when no SCSI reply came; a reply with any status is `Ok`.
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError>;

    /// What to call this path in messages: a device node, or a socket and logical unit.
    fn path(&self) -> &str;
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        (**self).execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        (**self).path()
    }
}
