//! A key that a drive encrypts with, and the tape file it is kept in.
//!
//! The file is the key as 64 hexadecimal digits and a newline, which is what `stenc` reads, in one
//! age file to the set's recipients. So writing takes public keys only.

use std::fmt;

use tapeward_drivers::ssc::encryption::EncryptionKey;
use zeroize::Zeroizing;

use super::codec::{Codec, CodecError, Encoder, FrameSize, Window, decode};
use super::error::VolumeError;
use crate::key::{Identities, Recipient};

/// Bytes of a key of AES-256.
const LENGTH: usize = 32;

/// A key in plain form, which nobody gets to see. Overwritten when dropped.
pub struct DriveKey(Zeroizing<Vec<u8>>);

impl DriveKey {
    /// A new one, from the operating system's random numbers.
    pub fn generate() -> Result<Self, VolumeError> {
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        getrandom::fill(&mut bytes).map_err(VolumeError::Random)?;
        Ok(Self(bytes))
    }

    /// For the drive.
    #[must_use]
    pub fn for_drive(&self) -> EncryptionKey {
        EncryptionKey::new(self.0.clone())
    }

    /// The bytes of the tape file: any of these recipients opens it.
    pub fn seal(&self, recipients: &[Recipient]) -> Result<Vec<u8>, CodecError> {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        let mut text = Zeroizing::new(Vec::with_capacity(2 * LENGTH + 1));
        for byte in self.0.iter() {
            text.extend([digit(byte >> 4), digit(byte & 0x0f)]);
        }
        text.push(b'\n');
        let frames = FrameSize::at_most(0);
        let mut encoder =
            Encoder::new(Codec::Age, recipients, frames, Window::DEFAULT, Vec::new())?;
        encoder.write(&text)?;
        Ok(encoder.finish()?.output)
    }

    /// From the bytes of the tape file.
    ///
    /// # Errors
    /// [`CodecError::WrongIdentity`] when none of the identities opens it.
    pub fn open(sealed: &[u8], identities: &Identities) -> Result<Self, CodecError> {
        let mut text = Zeroizing::new([0; 2 * LENGTH + 1]);
        let mut plain = decode(sealed, Codec::Age, identities)?;
        plain.read_exact(&mut *text)?;
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
        let (pairs, rest) = text.as_chunks::<2>();
        for [high, low] in pairs {
            bytes.extend(
                digit(*high)
                    .zip(digit(*low))
                    .map(|(high, low)| high << 4 | low),
            );
        }
        // Reading on finds out whether the file is whole.
        let more = plain.read(&mut [0])?;
        if bytes.len() == LENGTH && rest == b"\n" && more == 0 {
            return Ok(Self(bytes));
        }
        let what = "the file of a key holds something else than 64 hexadecimal digits";
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what).into())
    }
}

impl fmt::Debug for DriveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DriveKey(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::DateTime;

    use super::*;
    use crate::key::create_identity_file;

    fn identity(folder: &std::path::Path, name: &str) -> (PathBuf, Recipient) {
        let path = folder.join(name);
        let recipient = create_identity_file(&path, DateTime::UNIX_EPOCH).unwrap();
        (path, recipient)
    }

    #[test]
    fn a_key_comes_back_with_an_identity_and_not_without() {
        let folder = tempfile::tempdir().unwrap();
        let (site, first) = identity(folder.path(), "site");
        let (escrow, second) = identity(folder.path(), "escrow");
        let (other, _) = identity(folder.path(), "other");
        let key = DriveKey::generate().unwrap();
        assert_ne!(*key.0, *DriveKey::generate().unwrap().0);
        let sealed = key.seal(&[first, second]).unwrap();
        for path in [site, escrow] {
            let back = DriveKey::open(&sealed, &Identities::load(&[path]).unwrap()).unwrap();
            assert_eq!(*back.0, *key.0);
        }
        let wrong = DriveKey::open(&sealed, &Identities::load(&[other]).unwrap());
        assert!(matches!(wrong, Err(CodecError::WrongIdentity { tried: 1 })));
        let shown = format!("{key:?} {:?}", key.for_drive());
        assert_eq!(shown, "DriveKey(not shown) EncryptionKey(32 bytes)");
    }

    #[test]
    fn a_file_with_something_else_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, recipient) = identity(folder.path(), "site");
        let identities = Identities::load(&[path]).unwrap();
        let hex = "0123456789abcdef".repeat(4);
        for text in [
            format!("{hex}0\n"),
            format!("{hex}\n\n"),
            hex.to_uppercase() + "\n",
        ] {
            let mut encoder = Encoder::new(
                Codec::Age,
                std::slice::from_ref(&recipient),
                FrameSize::at_most(0),
                Window::DEFAULT,
                Vec::new(),
            )
            .unwrap();
            encoder.write(text.as_bytes()).unwrap();
            let sealed = encoder.finish().unwrap().output;
            let error = DriveKey::open(&sealed, &identities)
                .unwrap_err()
                .to_string();
            assert!(!error.contains("01234"), "{error}");
        }
    }
}
