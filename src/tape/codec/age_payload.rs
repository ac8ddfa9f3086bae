//! The chunks of an age file's payload (age-encryption.org/v1, "Payload"): 64 KiB of plaintext
//! each, encrypted with ChaCha20-Poly1305 by themselves, so that any of them can be made or read
//! without the others. The nonce is the chunk's number in 11 bytes and 1 for the last chunk, 0 for
//! the others.

use std::io;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::age_bounds::{CHUNK_BYTES, STRIDE_BYTES, TAG_BYTES};

/// Whether a chunk is the payload's last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Within,
    Last,
}

/// The key of one payload.
pub(super) struct PayloadKey(LessSafeKey);

impl PayloadKey {
    pub(super) fn new(key: &[u8; 32]) -> io::Result<Self> {
        UnboundKey::new(&CHACHA20_POLY1305, key)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| io::Error::other("ChaCha20-Poly1305 does not take its key"))
    }

    /// Encrypts one chunk: `coded` is 16 bytes longer than `plaintext`.
    pub(super) fn seal(
        &self,
        number: u64,
        place: Place,
        plaintext: &[u8],
        coded: &mut [u8],
    ) -> io::Result<()> {
        let (body, tag) = coded.split_at_mut(plaintext.len());
        self.0
            .seal_out_of_place_scatter(
                nonce(number, place),
                Aad::empty(),
                plaintext,
                body,
                &[],
                tag,
            )
            .map_err(|_| io::Error::other(format!("encrypting chunk {number} failed")))
    }

    /// Decrypts one chunk into as many bytes as it has without its tag; false if it is not what
    /// was encrypted.
    pub(super) fn open(
        &self,
        number: u64,
        place: Place,
        coded: &[u8],
        plaintext: &mut [u8],
    ) -> bool {
        let Some(length) = coded.len().checked_sub(TAG_BYTES) else {
            return false;
        };
        let (body, tag) = coded.split_at(length);
        let nonce = nonce(number, place);
        self.0
            .open_separate_gather(nonce, Aad::empty(), body, tag, plaintext)
            .is_ok()
    }
}

fn nonce(number: u64, place: Place) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(place == Place::Last);
    Nonce::assume_unique_for_key(nonce)
}

/// Chunks that follow each other, decrypted.
#[derive(Debug)]
pub(super) struct Chunks {
    /// As far as it is sound.
    pub(super) plaintext: Vec<u8>,
    /// What follows the last sound chunk.
    pub(super) end: ChunksEnd,
}

/// How a run of chunks ends.
#[derive(Debug)]
pub(super) enum ChunksEnd {
    /// More may follow.
    Open,
    /// The payload's last chunk was the last of them.
    Complete,
    /// What follows is not sound.
    Damaged(io::Error),
}

/// Decrypts chunks from `number` on. All of `coded` but its last chunk must be whole chunks.
pub(super) fn open_chunks(key: &PayloadKey, mut number: u64, coded: &[u8]) -> Chunks {
    let mut plaintext = vec![0; coded.len()];
    let mut length = 0;
    let mut end = ChunksEnd::Open;
    for chunk in coded.chunks(STRIDE_BYTES) {
        if matches!(end, ChunksEnd::Complete) {
            end = ChunksEnd::Damaged(trailing());
            break;
        }
        let room = chunk.len().saturating_sub(TAG_BYTES);
        let out = &mut plaintext[length..length + room];
        // Only the next byte would tell whether a full chunk is the last: on tape, a long way.
        let within = chunk.len() == STRIDE_BYTES && key.open(number, Place::Within, chunk, out);
        if !within {
            let last = key.open(number, Place::Last, chunk, out);
            if !last || (room == 0 && number > 0) {
                end = ChunksEnd::Damaged(damaged(number));
                break;
            }
            end = ChunksEnd::Complete;
        }
        length += room;
        number += 1;
    }
    plaintext.truncate(length);
    Chunks { plaintext, end }
}

fn damaged(number: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "the encrypted data is damaged or cut off in its chunk {number} (at {} of the plaintext)",
            number * CHUNK_BYTES as u64
        ),
    )
}

/// Something follows the last chunk.
pub(super) fn trailing() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "there is data behind the last chunk of the encrypted data",
    )
}

/// The input ends and the last chunk was not there.
pub(super) fn truncated() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the encrypted data is cut off at the end of a chunk",
    )
}
