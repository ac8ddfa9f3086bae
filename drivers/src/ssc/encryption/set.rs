//! The Set Data Encryption page of SECURITY PROTOCOL OUT.

use zeroize::Zeroizing;

use super::capabilities::{AlgorithmIndex, KeyManagementCapabilities};
use super::control::Reservation;
use super::key::EncryptionKey;
use super::{DecryptionMode, EncryptionMode, EncryptionScope, page};

/// RDMC: whether blocks written from now on may be read raw, without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RawDecryption {
    /// 0h: as the algorithm has it.
    #[default]
    AlgorithmDefault,
    /// 2h
    Allowed,
    /// 3h
    Refused,
}

impl RawDecryption {
    fn code(self) -> u8 {
        match self {
            Self::AlgorithmDefault => 0,
            Self::Allowed => 2,
            Self::Refused => 3,
        }
    }
}

/// When the drive forgets the key by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeyClearing {
    /// CKOD: when the volume is demounted.
    pub on_demount: bool,
    /// CKORP: when another host preempts the reservation.
    pub on_preempt: bool,
    /// CKORL: when the reservation is lost.
    pub on_reservation_loss: bool,
}

impl KeyClearing {
    /// All that the drive can do. It refuses what is about a reservation unless there is one.
    #[must_use]
    pub fn all(capabilities: KeyManagementCapabilities, reservation: Reservation) -> Self {
        let reserved = reservation == Reservation::Held;
        Self {
            on_demount: capabilities.clear_on_demount,
            on_preempt: capabilities.clear_on_preempt && reserved,
            on_reservation_loss: capabilities.clear_on_reservation_loss && reserved,
        }
    }
}

/// What shall be in force.
#[derive(Debug)]
pub struct SetDataEncryption<'a> {
    /// SCOPE
    pub scope: EncryptionScope,
    /// RDMC
    pub raw_decryption: RawDecryption,
    /// CKOD, CKORP, CKORL
    pub clear: KeyClearing,
    /// ENCRYPTION MODE
    pub encryption: EncryptionMode,
    /// DECRYPTION MODE
    pub decryption: DecryptionMode,
    /// ALGORITHM INDEX
    pub algorithm: AlgorithmIndex,
    /// KEY, in plain form (KEY FORMAT 00h).
    pub key: Option<&'a EncryptionKey>,
    /// U-KAD: recorded with each block and told to everybody.
    pub unauthenticated: &'a [u8],
    /// A-KAD: likewise, and covered by the block's authentication.
    pub authenticated: &'a [u8],
}

impl<'a> SetDataEncryption<'a> {
    /// Nothing is encrypted, nothing decrypted, no key kept.
    #[must_use]
    pub fn off(scope: EncryptionScope, algorithm: AlgorithmIndex) -> Self {
        Self {
            scope,
            raw_decryption: RawDecryption::AlgorithmDefault,
            clear: KeyClearing::default(),
            encryption: EncryptionMode::Disable,
            decryption: DecryptionMode::Disable,
            algorithm,
            key: None,
            unauthenticated: &[],
            authenticated: &[],
        }
    }

    /// Blocks are encrypted with this key from now on; encrypted ones are decrypted with it, and
    /// those in clear stay readable.
    #[must_use]
    pub fn on(scope: EncryptionScope, algorithm: AlgorithmIndex, key: &'a EncryptionKey) -> Self {
        Self {
            encryption: EncryptionMode::Encrypt,
            decryption: DecryptionMode::Mixed,
            key: Some(key),
            ..Self::off(scope, algorithm)
        }
    }

    /// The parameter list. CEEM is 1h, external encryption not checked, as other programs have it
    /// for the widest compatibility; LOCK and SDK are 0.
    ///
    /// `None` when a field does not hold what it should: lengths are of 16 bits.
    #[must_use]
    pub fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.key.map_or(&[][..], EncryptionKey::bytes);
        let [key_high, key_low] = u16::try_from(key.len()).ok()?.to_be_bytes();
        let associated = [(0x00, self.unauthenticated), (0x01, self.authenticated)];
        // Its full length from the start: a vector that grows leaves pieces of the key behind.
        let length = 20 + key.len() + self.unauthenticated.len() + self.authenticated.len() + 8;
        let mut list = Zeroizing::new(Vec::with_capacity(length));
        list.extend(page::SET_DATA_ENCRYPTION.to_be_bytes());
        list.extend([0, 0, self.scope.code() << 5]);
        list.push(
            0x40 | self.raw_decryption.code() << 4
                | u8::from(self.clear.on_demount) << 2
                | u8::from(self.clear.on_preempt) << 1
                | u8::from(self.clear.on_reservation_loss),
        );
        list.extend([
            self.encryption.code(),
            self.decryption.code(),
            self.algorithm.0,
        ]);
        list.extend([0; 9]);
        list.extend([key_high, key_low]);
        list.extend_from_slice(key);
        for (kind, data) in associated {
            if !data.is_empty() {
                let [high, low] = u16::try_from(data.len()).ok()?.to_be_bytes();
                list.extend([kind, 0, high, low]);
                list.extend_from_slice(data);
            }
        }
        let behind_header = u16::try_from(list.len() - 4).ok()?;
        list[2..4].copy_from_slice(&behind_header.to_be_bytes());
        Some(list)
    }
}
