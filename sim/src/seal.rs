//! Blocks as a drive encrypts them: AES-256-GCM, a nonce and a tag for each block
//! (SSC-4, security algorithm code 0001 0014h).

use aes_gcm::aead::rand_core::RngCore;
use aes_gcm::aead::{AeadInPlace, OsRng};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use zeroize::Zeroizing;

const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;
/// Nonce of the tag that tells one key from another; data never has it.
const CHECK_NONCE: [u8; NONCE_LENGTH] = [0xff; NONCE_LENGTH];

/// Bytes of a key.
pub(crate) const KEY_LENGTH: usize = 32;
/// Longest unauthenticated key-associated data.
pub(crate) const MAX_UNAUTHENTICATED: usize = 32;
/// Longest authenticated key-associated data.
pub(crate) const MAX_AUTHENTICATED: usize = 60;

/// A data encryption key. Its bytes are shown to nobody and overwritten when it goes.
pub(crate) struct Key(Zeroizing<[u8; KEY_LENGTH]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// `None` unless there are 32 bytes.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }

    /// The same for the same key only: the tag of an empty message.
    fn check(&self) -> [u8; TAG_LENGTH] {
        let nonce = Nonce::from_slice(&CHECK_NONCE);
        let tag = self.cipher().encrypt_in_place_detached(nonce, &[], &mut []);
        tag.map_or([0; TAG_LENGTH], Into::into)
    }
}

/// Key-associated data (SSC-4): what a host wants to know of the key when it finds the block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyAssociated {
    /// KAD FORMAT
    pub(crate) format: u8,
    /// U-KAD
    pub(crate) unauthenticated: Option<Vec<u8>>,
    /// A-KAD
    pub(crate) authenticated: Option<Vec<u8>>,
}

/// Whether the encrypted bytes may be read without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawRead {
    Allowed,
    Refused,
}

/// What is kept of an encrypted block beside its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    nonce: [u8; NONCE_LENGTH],
    tag: [u8; TAG_LENGTH],
    check: [u8; TAG_LENGTH],
    pub(crate) raw_read: RawRead,
    pub(crate) associated: KeyAssociated,
}

/// Why a block was not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealError {
    /// It was encrypted with another key.
    OtherKey,
    /// Its bytes are not those that were encrypted.
    Damaged,
    /// The cipher takes no block of that length.
    Failed,
}

impl Seal {
    /// Encrypts the bytes in place and adds the seal behind them.
    pub(crate) fn close(
        key: &Key,
        associated: &KeyAssociated,
        raw_read: RawRead,
        bytes: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let mut nonce = [0; NONCE_LENGTH];
        OsRng.fill_bytes(&mut nonce);
        let authenticated = associated.authenticated.as_deref().unwrap_or_default();
        let tag = key
            .cipher()
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), authenticated, bytes)
            .map_err(|_| SealError::Failed)?;
        let seal = Self {
            nonce,
            tag: tag.into(),
            check: key.check(),
            raw_read,
            associated: associated.clone(),
        };
        bytes.extend(seal.encode());
        Ok(())
    }

    /// Bytes a block grows by when it is encrypted.
    pub(crate) fn length(associated: &KeyAssociated) -> usize {
        let optional = |data: &Option<Vec<u8>>| data.as_ref().map_or(0, Vec::len);
        NONCE_LENGTH
            + 2 * TAG_LENGTH
            + 4
            + optional(&associated.unauthenticated)
            + optional(&associated.authenticated)
    }

    /// Nonce, tag, check, flags, KAD FORMAT, lengths of U-KAD and A-KAD (one more than the length,
    /// 0 for none), U-KAD, A-KAD.
    fn encode(&self) -> Vec<u8> {
        let counted = |data: &Option<Vec<u8>>| {
            data.as_ref()
                .map_or(0, |data| u8::try_from(data.len() + 1).unwrap_or(u8::MAX))
        };
        let KeyAssociated {
            format,
            unauthenticated,
            authenticated,
        } = &self.associated;
        let mut bytes = [&self.nonce[..], &self.tag, &self.check].concat();
        bytes.extend([
            u8::from(self.raw_read == RawRead::Refused),
            *format,
            counted(unauthenticated),
            counted(authenticated),
        ]);
        bytes.extend(unauthenticated.iter().flatten());
        bytes.extend(authenticated.iter().flatten());
        bytes
    }

    /// `None` for bytes that are no seal.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (nonce, rest) = bytes.split_first_chunk()?;
        let (tag, rest) = rest.split_first_chunk()?;
        let (check, rest) = rest.split_first_chunk()?;
        let ([flags, format, unauthenticated, authenticated], rest) = rest.split_first_chunk()?;
        let (unauthenticated, rest) = optional(*unauthenticated, rest)?;
        let (authenticated, rest) = optional(*authenticated, rest)?;
        let raw_read = match flags {
            0 => RawRead::Allowed,
            1 => RawRead::Refused,
            _ => return None,
        };
        rest.is_empty().then_some(Self {
            nonce: *nonce,
            tag: *tag,
            check: *check,
            raw_read,
            associated: KeyAssociated {
                format: *format,
                unauthenticated,
                authenticated,
            },
        })
    }

    /// Whether this is the key the block was encrypted with.
    pub(crate) fn fits(&self, key: &Key) -> bool {
        self.check == key.check()
    }

    /// Decrypts the bytes in place.
    pub(crate) fn open(&self, key: &Key, bytes: &mut [u8]) -> Result<(), SealError> {
        if !self.fits(key) {
            return Err(SealError::OtherKey);
        }
        let authenticated = self.associated.authenticated.as_deref().unwrap_or_default();
        let (nonce, tag) = (Nonce::from_slice(&self.nonce), Tag::from_slice(&self.tag));
        key.cipher()
            .decrypt_in_place_detached(nonce, authenticated, bytes, tag)
            .map_err(|_| SealError::Damaged)
    }
}

fn optional(counted: u8, bytes: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    let Some(length) = counted.checked_sub(1) else {
        return Some((None, bytes));
    };
    let (data, rest) = bytes.split_at_checked(usize::from(length))?;
    Some((Some(data.to_vec()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn associated() -> KeyAssociated {
        KeyAssociated {
            format: 2,
            unauthenticated: Some(b"whose key".to_vec()),
            authenticated: Some(vec![7; MAX_AUTHENTICATED]),
        }
    }

    #[test]
    fn a_block_is_opened_by_its_key_only() {
        let (key, other) = (Key::new(&[1; 32]).unwrap(), Key::new(&[2; 32]).unwrap());
        let mut stored = b"some block".to_vec();
        Seal::close(&key, &associated(), RawRead::Refused, &mut stored).unwrap();
        assert_eq!(stored.len(), 10 + Seal::length(&associated()));
        let (block, seal) = stored.split_at_mut(10);
        assert_ne!(block, b"some block");
        let seal = Seal::parse(seal).unwrap();
        assert_eq!(
            (&seal.associated, seal.raw_read),
            (&associated(), RawRead::Refused)
        );
        assert_eq!(seal.open(&other, block), Err(SealError::OtherKey));
        let mut damaged = block.to_vec();
        damaged[3] ^= 1;
        assert_eq!(seal.open(&key, &mut damaged), Err(SealError::Damaged));
        seal.open(&key, block).unwrap();
        assert_eq!(block, b"some block");
        assert!(Key::new(&[1; 31]).is_none());
    }

    #[test]
    fn authenticated_data_is_authenticated() {
        let key = Key::new(&[1; 32]).unwrap();
        let mut stored = vec![9; 100];
        Seal::close(&key, &associated(), RawRead::Allowed, &mut stored).unwrap();
        let last = stored.len() - 1;
        stored[last] ^= 1;
        let (block, seal) = stored.split_at_mut(100);
        let seal = Seal::parse(seal).unwrap();
        assert_eq!(seal.open(&key, block), Err(SealError::Damaged));
        assert_eq!(Seal::parse(&[0; 47]), None);
    }
}
