//! What a drive can do: the Data Encryption Capabilities and Data Encryption Management
//! Capabilities pages.

use serde::{Deserialize, Serialize};

use crate::bytes::{slice_at, u8_at, u16_at, u32_at};

/// ALGORITHM INDEX: the number a drive gives one of its algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlgorithmIndex(pub u8);

/// DECRYPT_C and ENCRYPT_C
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Capability {
    /// 0h: it cannot, or does not say.
    No,
    /// 1h: in software, at less than full speed perhaps.
    Software,
    /// 2h: in hardware.
    Hardware,
    /// 3h: it can, but somebody else decides (external control).
    External,
}

impl Capability {
    fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::No,
            1 => Self::Software,
            2 => Self::Hardware,
            _ => Self::External,
        }
    }

    /// Whether a host can make use of it.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Software | Self::Hardware)
    }
}

/// One algorithm of a drive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Algorithm {
    /// ALGORITHM INDEX
    pub index: AlgorithmIndex,
    /// AVFMV: it is valid for the volume in the drive.
    pub valid_for_volume: bool,
    /// DELB_C: encrypted blocks are told from others.
    pub distinguishes_blocks: bool,
    /// DECRYPT_C
    pub decrypts: Capability,
    /// ENCRYPT_C
    pub encrypts: Capability,
    /// VCELB_C: the drive can tell whether the volume has encrypted blocks.
    pub knows_encrypted_volumes: bool,
    /// Most bytes of unauthenticated key-associated data (U-KAD).
    pub maximum_unauthenticated: u16,
    /// Most bytes of authenticated key-associated data (A-KAD).
    pub maximum_authenticated: u16,
    /// KEY SIZE in bytes.
    pub key_length: u16,
    /// UKADF: U-KAD has exactly its greatest length.
    pub fixed_unauthenticated: bool,
    /// AKADF: A-KAD has exactly its greatest length.
    pub fixed_authenticated: bool,
    /// RDMC_C, three bits: 4h and 5h let a host choose whether blocks may be read raw.
    pub raw_decryption: u8,
    /// SECURITY ALGORITHM CODE (SPC-5): 0001_0014h is AES-256-GCM with a tag of 128 bits.
    pub code: u32,
}

impl Algorithm {
    /// SECURITY ALGORITHM CODE of AES-256-GCM with a tag of 128 bits.
    pub const AES_256_GCM: u32 = 0x0001_0014;
    /// Bytes of a descriptor that are looked at.
    const LENGTH: usize = 24;

    fn parse(raw: &[u8]) -> Option<Self> {
        let (first, second) = (u8_at(raw, 4)?, u8_at(raw, 5)?);
        Some(Self {
            index: AlgorithmIndex(u8_at(raw, 0)?),
            valid_for_volume: first & 0x80 != 0,
            distinguishes_blocks: first & 0x10 != 0,
            decrypts: Capability::from_bits(first >> 2),
            encrypts: Capability::from_bits(first),
            knows_encrypted_volumes: second & 0x04 != 0,
            maximum_unauthenticated: u16_at(raw, 6)?,
            maximum_authenticated: u16_at(raw, 8)?,
            key_length: u16_at(raw, 10)?,
            fixed_unauthenticated: second & 0x02 != 0,
            fixed_authenticated: second & 0x01 != 0,
            raw_decryption: u8_at(raw, 12)? >> 1 & 0x07,
            code: u32_at(raw, 20)?,
        })
    }
}

/// Data Encryption Capabilities, page 0010h.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EncryptionCapabilities {
    /// EXTDECC is 2h: a library or key manager may have control of encryption.
    pub external_control: bool,
    /// CFG_P is 2h: this host is kept from setting keys; somebody else manages encryption.
    pub configuration_prevented: bool,
    /// As far as they are whole.
    pub algorithms: Vec<Algorithm>,
}

impl EncryptionCapabilities {
    /// Parses the page; `None` when it is another one or its header is cut off.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let body = body(raw, super::page::CAPABILITIES)?;
        let flags = u8_at(body, 0)?;
        // A drive was seen whose PAGE LENGTH ends inside its last descriptor: what begins before
        // the end and came whole counts.
        let (mut at, end) = (20, 4 + usize::from(u16_at(raw, 2)?));
        let mut algorithms = Vec::new();
        while at < end
            && let Some(rest) = raw.get(at..)
            && let (Some(algorithm), Some(length)) = (Algorithm::parse(rest), u16_at(rest, 2))
        {
            algorithms.push(algorithm);
            at += (4 + usize::from(length)).max(Algorithm::LENGTH);
        }
        Some(Self {
            external_control: flags >> 2 & 0x03 == 2,
            configuration_prevented: flags & 0x03 == 2,
            algorithms,
        })
    }

    /// The algorithm to use: AES-256-GCM that both encrypts and decrypts. A drive may have it
    /// twice, with another format of key-associated data; the first that takes data of any length
    /// is chosen.
    #[must_use]
    pub fn preferred(&self) -> Option<&Algorithm> {
        let usable = |algorithm: &&Algorithm| {
            algorithm.code == Algorithm::AES_256_GCM
                && algorithm.encrypts.is_usable()
                && algorithm.decrypts.is_usable()
        };
        let free = |algorithm: &&Algorithm| {
            !algorithm.fixed_unauthenticated && !algorithm.fixed_authenticated
        };
        let mut all = self.algorithms.iter().filter(usable);
        all.clone().find(free).or_else(|| all.next())
    }
}

/// Data Encryption Management Capabilities, page 0012h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct KeyManagementCapabilities {
    /// LOCK_C
    pub lock: bool,
    /// CKOD_C
    pub clear_on_demount: bool,
    /// CKORP_C
    pub clear_on_preempt: bool,
    /// CKORL_C
    pub clear_on_reservation_loss: bool,
    /// AITN_C
    pub all_nexuses: bool,
    /// LOCAL_C
    pub local: bool,
    /// PUBLIC_C
    pub public: bool,
}

impl KeyManagementCapabilities {
    /// Parses the page; `None` when it is another one or cut off.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let body = body(raw, super::page::MANAGEMENT_CAPABILITIES)?;
        let (lock, clear, scopes) = (u8_at(body, 0)?, u8_at(body, 1)?, u8_at(body, 3)?);
        Some(Self {
            lock: lock & 0x01 != 0,
            clear_on_demount: clear & 0x04 != 0,
            clear_on_preempt: clear & 0x02 != 0,
            clear_on_reservation_loss: clear & 0x01 != 0,
            all_nexuses: scopes & 0x04 != 0,
            local: scopes & 0x02 != 0,
            public: scopes & 0x01 != 0,
        })
    }
}

/// What stands behind the header of a page, PAGE CODE and PAGE LENGTH of two bytes each, as far
/// as it came.
pub(super) fn body(raw: &[u8], page: u16) -> Option<&[u8]> {
    if u16_at(raw, 0)? != page {
        return None;
    }
    let length = usize::from(u16_at(raw, 2)?);
    slice_at(raw, 4, length.min(raw.len() - 4))
}
