//! Encryption by the drive: security protocol 20h, tape data encryption (SSC-4; the layout of its
//! pages also in Oracle's T10000 Interface Reference Manual, August 2016, tables 3-153 to 3-168, and
//! in Quantum's LTO-4 manual, 3.31 and 3.32).

mod capabilities;
mod control;
mod key;
mod set;
mod status;

use serde::{Deserialize, Serialize};

pub use capabilities::{
    Algorithm, AlgorithmIndex, Capability, EncryptionCapabilities, KeyManagementCapabilities,
};
pub use control::{EncryptionError, Reservation};
pub use key::EncryptionKey;
pub use set::{KeyClearing, RawDecryption, SetDataEncryption};
pub use status::{
    Authentication, BlockEncryption, EncryptionStatus, KeyAssociatedData, NextBlock,
    parse_key_associated_data,
};

/// Numbers of the pages (SECURITY PROTOCOL SPECIFIC).
pub mod page {
    /// Tape Data Encryption In Support.
    pub const IN_SUPPORT: u16 = 0x0000;
    /// Tape Data Encryption Out Support.
    pub const OUT_SUPPORT: u16 = 0x0001;
    /// Data Encryption Capabilities.
    pub const CAPABILITIES: u16 = 0x0010;
    /// Set Data Encryption, of SECURITY PROTOCOL OUT.
    pub const SET_DATA_ENCRYPTION: u16 = 0x0010;
    /// Supported Key Formats.
    pub const KEY_FORMATS: u16 = 0x0011;
    /// Data Encryption Management Capabilities.
    pub const MANAGEMENT_CAPABILITIES: u16 = 0x0012;
    /// Data Encryption Status.
    pub const STATUS: u16 = 0x0020;
    /// Next Block Encryption Status.
    pub const NEXT_BLOCK_STATUS: u16 = 0x0021;
}

/// ENCRYPTION MODE
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EncryptionMode {
    /// 0h: blocks are written as they come.
    Disable,
    /// 1h: blocks come encrypted already.
    External,
    /// 2h: blocks are encrypted by the drive.
    Encrypt,
    /// Any other value.
    Reserved(u8),
}

impl EncryptionMode {
    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Disable,
            1 => Self::External,
            2 => Self::Encrypt,
            other => Self::Reserved(other),
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Disable => 0,
            Self::External => 1,
            Self::Encrypt => 2,
            Self::Reserved(other) => other,
        }
    }
}

/// DECRYPTION MODE
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DecryptionMode {
    /// 0h: encrypted blocks are refused.
    Disable,
    /// 1h: encrypted blocks come as they are on tape.
    Raw,
    /// 2h: encrypted blocks are decrypted, others refused.
    Decrypt,
    /// 3h: encrypted blocks are decrypted, others come as they are.
    Mixed,
    /// Any other value.
    Reserved(u8),
}

impl DecryptionMode {
    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Disable,
            1 => Self::Raw,
            2 => Self::Decrypt,
            3 => Self::Mixed,
            other => Self::Reserved(other),
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Disable => 0,
            Self::Raw => 1,
            Self::Decrypt => 2,
            Self::Mixed => 3,
            Self::Reserved(other) => other,
        }
    }
}

/// Whose parameters are meant (SCOPE, I_T NEXUS SCOPE, KEY SCOPE; three bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EncryptionScope {
    /// 0h: nobody's in particular.
    Public,
    /// 1h: those of this path to the drive only.
    Local,
    /// 2h: those of all who have none of their own.
    AllNexuses,
    /// Any other value.
    Reserved(u8),
}

impl EncryptionScope {
    pub(crate) fn from_code(code: u8) -> Self {
        match code & 0x07 {
            0 => Self::Public,
            1 => Self::Local,
            2 => Self::AllNexuses,
            other => Self::Reserved(other),
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Local => 1,
            Self::AllNexuses => 2,
            Self::Reserved(other) => other & 0x07,
        }
    }
}
