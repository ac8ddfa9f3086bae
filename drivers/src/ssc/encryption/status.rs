//! What is in force, and what the next block is: the Data Encryption Status and Next Block
//! Encryption Status pages.

use serde::{Deserialize, Serialize};

use super::capabilities::{AlgorithmIndex, body};
use super::{DecryptionMode, EncryptionMode, EncryptionScope, page};
use crate::bytes::{slice_at, u8_at, u16_at, u32_at, u64_at};

/// AUTHENTICATED of a key-associated data descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Authentication {
    /// 1h: nobody has tried.
    NotTried,
    /// 2h: it is what it was when it was written.
    Authentic,
    /// 3h: it is not.
    Failed,
    /// Any other value.
    Reserved(u8),
}

impl Authentication {
    fn from_bits(bits: u8) -> Self {
        match bits & 0x07 {
            1 => Self::NotTried,
            2 => Self::Authentic,
            3 => Self::Failed,
            other => Self::Reserved(other),
        }
    }
}

/// One key-associated data descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyAssociatedData {
    /// KEY DESCRIPTOR TYPE: 00h U-KAD, 01h A-KAD, 02h nonce, 03h M-KAD, 04h WK-KAD.
    pub kind: u8,
    /// AUTHENTICATED
    pub authentication: Authentication,
    /// The data.
    pub data: Vec<u8>,
}

/// Parses descriptors as far as they are whole: type, AUTHENTICATED in bits 2-0 of byte 1, length
/// in bytes 2 and 3, data.
#[must_use]
pub fn parse_key_associated_data(mut raw: &[u8]) -> Vec<KeyAssociatedData> {
    let mut all = Vec::new();
    while let (Some(kind), Some(flags), Some(length)) =
        (u8_at(raw, 0), u8_at(raw, 1), u16_at(raw, 2))
    {
        let Some(data) = slice_at(raw, 4, usize::from(length)) else {
            break;
        };
        all.push(KeyAssociatedData {
            kind,
            authentication: Authentication::from_bits(flags),
            data: data.to_vec(),
        });
        raw = &raw[4 + usize::from(length)..];
    }
    all
}

/// Data Encryption Status, page 0020h: what is in force for this host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EncryptionStatus {
    /// I_T NEXUS SCOPE: what this host has set.
    pub own_scope: EncryptionScope,
    /// KEY SCOPE: whose parameters are in force.
    pub key_scope: EncryptionScope,
    /// ENCRYPTION MODE
    pub encryption: EncryptionMode,
    /// DECRYPTION MODE
    pub decryption: DecryptionMode,
    /// ALGORITHM INDEX
    pub algorithm: AlgorithmIndex,
    /// KEY INSTANCE COUNTER: changes with each key that is set.
    pub key_instance: u32,
    /// PARAMETERS CONTROL, three bits: 0h not told, 1h any host, 2h this host only, 3h the
    /// automation device, 4h a key manager.
    pub parameters_control: u8,
    /// VCELB: the volume has encrypted blocks.
    pub volume_has_encrypted_blocks: bool,
    /// RDMD: blocks are written so that they cannot be read raw.
    pub raw_decryption_disabled: bool,
    /// What came with the key.
    pub key_associated: Vec<KeyAssociatedData>,
}

impl EncryptionStatus {
    /// Parses the page; `None` when it is another one or cut off before its descriptors.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let body = body(raw, page::STATUS)?;
        let (scopes, flags) = (u8_at(body, 0)?, u8_at(body, 8)?);
        Some(Self {
            own_scope: EncryptionScope::from_code(scopes >> 5),
            key_scope: EncryptionScope::from_code(scopes),
            encryption: EncryptionMode::from_code(u8_at(body, 1)?),
            decryption: DecryptionMode::from_code(u8_at(body, 2)?),
            algorithm: AlgorithmIndex(u8_at(body, 3)?),
            key_instance: u32_at(body, 4)?,
            parameters_control: flags >> 4 & 0x07,
            volume_has_encrypted_blocks: flags & 0x08 != 0,
            raw_decryption_disabled: flags & 0x01 != 0,
            key_associated: parse_key_associated_data(body.get(20..).unwrap_or_default()),
        })
    }

    /// Neither encryption nor decryption is on.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.encryption == EncryptionMode::Disable && self.decryption == DecryptionMode::Disable
    }

    /// A library or a key manager decides, not the hosts.
    #[must_use]
    pub fn is_managed_elsewhere(&self) -> bool {
        matches!(self.parameters_control, 3 | 4)
    }
}

/// ENCRYPTION STATUS of the next block, four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BlockEncryption {
    /// 0h: the drive can never tell.
    Unknowable,
    /// 1h: the drive can't tell now.
    Unknown,
    /// 2h: what comes next is no block.
    NoBlock,
    /// 3h: it is not encrypted.
    Plain,
    /// 4h: encrypted with an algorithm the drive does not have.
    OtherAlgorithm,
    /// 5h: encrypted, and the drive can decrypt it.
    Readable,
    /// 6h: encrypted, and the key is missing or another one.
    KeyMissing,
    /// Any other value.
    Reserved(u8),
}

impl BlockEncryption {
    fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0 => Self::Unknowable,
            1 => Self::Unknown,
            2 => Self::NoBlock,
            3 => Self::Plain,
            4 => Self::OtherAlgorithm,
            5 => Self::Readable,
            6 => Self::KeyMissing,
            other => Self::Reserved(other),
        }
    }
}

/// Next Block Encryption Status, page 0021h.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NextBlock {
    /// LOGICAL OBJECT NUMBER of the next object in its partition.
    pub address: super::super::position::BlockAddress,
    /// ENCRYPTION STATUS
    pub encryption: BlockEncryption,
    /// ALGORITHM INDEX
    pub algorithm: AlgorithmIndex,
    /// RDMDS: it cannot be read raw.
    pub raw_decryption_disabled: bool,
    /// What is recorded with it about its key.
    pub key_associated: Vec<KeyAssociatedData>,
}

impl NextBlock {
    /// Parses the page; `None` when it is another one or cut off before its descriptors.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let body = body(raw, page::NEXT_BLOCK_STATUS)?;
        Some(Self {
            address: super::super::position::BlockAddress(u64_at(body, 0)?),
            encryption: BlockEncryption::from_bits(u8_at(body, 8)?),
            algorithm: AlgorithmIndex(u8_at(body, 9)?),
            raw_decryption_disabled: u8_at(body, 10)? & 0x01 != 0,
            key_associated: parse_key_associated_data(body.get(12..).unwrap_or_default()),
        })
    }
}
