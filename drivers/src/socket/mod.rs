//! The way to a virtual library that runs as a process of its own.
//!
//! The library listens on a Unix socket in its folder. A connection is one initiator's path to
//! one logical unit, or an operator's way to the library as a machine; [`wire`] is what goes over
//! it, [`start`] starts the process when nobody is listening.

mod client;
pub mod start;
pub mod wire;

use std::fmt;

pub use client::{ConnectError, SocketTransport, connect_control, list_units, socket_path};
pub use start::{ServerCommand, connect_or_start};

/// Who sends commands: a device keeps unit attentions, prevention and reservations per initiator
/// (SAM-5, the I_T nexus).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InitiatorId(pub [u8; 16]);

impl fmt::Debug for InitiatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitiatorId(")?;
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// A logical unit of a virtual library: 0 is the medium changer, 1 and up are the drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lun(pub u16);

impl Lun {
    /// The medium changer.
    pub const CHANGER: Self = Self(0);

    /// The drive with this index, counted from 0 in the order of element addresses.
    #[must_use]
    pub fn drive(index: u16) -> Self {
        Self(index.saturating_add(1))
    }
}

impl fmt::Display for Lun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LUN {}", self.0)
    }
}
