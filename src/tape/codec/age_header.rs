//! Headers of age files. The age crate makes and reads them, and keeps the key of the payload to
//! itself; so the file key is overheard on its way to a recipient or from an identity, which is
//! where the crate lets others in, and the payload key is derived from it as the format says
//! (age-encryption.org/v1, "Payload").

use std::cell::OnceCell;
use std::collections::HashSet;
use std::io::{self, Read};

use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use zeroize::Zeroizing;

use super::CodecError;
use super::age_payload::PayloadKey;
use crate::key::{Identities, Recipient};

/// Bytes of the nonce between header and payload.
const NONCE: usize = 16;

/// A header with a new file key for these recipients, the payload's nonce behind it.
pub(super) fn begin(recipients: &[Recipient]) -> Result<(Vec<u8>, PayloadKey), CodecError> {
    let file_key = OnceCell::new();
    let all: Vec<_> = recipients
        .iter()
        .map(|recipient| Overheard {
            to: recipient.as_age() as &dyn age::Recipient,
            file_key: &file_key,
        })
        .collect();
    let all = all.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(all).map_err(CodecError::Encrypt)?;
    let mut header = Vec::new();
    // Only the header and the nonce are written by now.
    drop(encryptor.wrap_output(&mut header)?);
    let key = payload_key(file_key.get(), &header)?;
    Ok((header, key))
}

/// A header that was read.
pub(super) struct Opened {
    pub(super) key: PayloadKey,
    /// Bytes of header and nonce: the payload follows.
    pub(super) length: u64,
}

/// Reads a header and the nonce behind it, and no byte more.
pub(super) fn open(coded: &mut dyn Read, identities: &Identities) -> Result<Opened, CodecError> {
    let mut recorded = Recorded {
        inner: coded,
        bytes: Vec::new(),
    };
    let file_key = OnceCell::new();
    let all: Vec<_> = identities
        .iter()
        .map(|identity| Overheard {
            to: identity,
            file_key: &file_key,
        })
        .collect();
    age::Decryptor::new(&mut recorded)
        .and_then(|decryptor| {
            let all = all.iter().map(|identity| identity as &dyn age::Identity);
            // Checks the header's authentication code with the file key.
            decryptor.decrypt(all).map(drop)
        })
        .map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => CodecError::WrongIdentity { tried: all.len() },
            other => CodecError::Decrypt(other),
        })?;
    if !bodies_end(&recorded.bytes) {
        return Err(CodecError::Decrypt(age::DecryptError::InvalidHeader));
    }
    Ok(Opened {
        key: payload_key(file_key.get(), &recorded.bytes)?,
        length: recorded.bytes.len() as u64,
    })
}

/// Whether every stanza's body ends with a line of less than 64 characters, as the format wants it:
/// the age crate also reads bodies from before that was so.
fn bodies_end(header: &[u8]) -> bool {
    let mut within = false;
    for line in header.split(|byte| *byte == b'\n').skip(1) {
        let begins = line.starts_with(b"-> ");
        if begins || line.starts_with(b"--- ") {
            if within {
                return false;
            }
            if !begins {
                break;
            }
            within = true;
        } else {
            within = line.len() == 64;
        }
    }
    true
}

/// HKDF-SHA-256 of the file key, salted with the nonce that ends `header`.
fn payload_key(file_key: Option<&FileKey>, header: &[u8]) -> io::Result<PayloadKey> {
    let nonce = header.last_chunk::<NONCE>();
    let (Some(file_key), Some(nonce)) = (file_key, nonce) else {
        return Err(io::Error::other("the age header has no file key or nonce"));
    };
    let key = age_core::primitives::hkdf(nonce, b"payload", file_key.expose_secret());
    PayloadKey::new(&Zeroizing::new(key))
}

/// A recipient or an identity, and the file key that went to or came from it.
struct Overheard<'a, T: ?Sized> {
    to: &'a T,
    file_key: &'a OnceCell<FileKey>,
}

impl<T: ?Sized> Overheard<'_, T> {
    fn keep(&self, file_key: &FileKey) {
        self.file_key.get_or_init(|| {
            FileKey::init_with_mut(|copy| copy.copy_from_slice(file_key.expose_secret()))
        });
    }
}

impl age::Recipient for Overheard<'_, dyn age::Recipient + '_> {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        self.keep(file_key);
        self.to.wrap_file_key(file_key)
    }
}

impl age::Identity for Overheard<'_, dyn age::Identity + '_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let unwrapped = self.to.unwrap_stanza(stanza)?;
        Some(unwrapped.inspect(|file_key| self.keep(file_key)))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, age::DecryptError>> {
        let unwrapped = self.to.unwrap_stanzas(stanzas)?;
        Some(unwrapped.inspect(|file_key| self.keep(file_key)))
    }
}

/// Keeps what was read.
struct Recorded<'a> {
    inner: &'a mut dyn Read,
    bytes: Vec<u8>,
}

impl Read for Recorded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}
