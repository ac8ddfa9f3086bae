//! Sizes of the age format, version 1 (age-encryption.org/v1, "Payload"): the payload is cut into
//! chunks of 64 KiB, each followed by a 16-byte tag; the last may be shorter.

/// Plaintext bytes of a chunk.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// Authentication tag behind each chunk.
pub(super) const TAG_BYTES: usize = 16;
/// A full chunk with its tag.
pub(super) const STRIDE_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Plaintext bytes of a chunk.
pub(super) const CHUNK: u64 = CHUNK_BYTES as u64;
/// A full chunk with its tag.
pub(super) const STRIDE: u64 = STRIDE_BYTES as u64;

/// No header is longer: version line, MAC line, payload nonce and one stanza of random content
/// (the format asks writers to add such) fit in 1 KiB, an X25519 stanza in 128 bytes.
pub(super) fn header_bound(recipients: usize) -> u64 {
    1024 + 128 * recipients as u64
}

/// Payload bytes for this many bytes of plaintext.
pub(super) fn payload_length(plaintext: u64) -> u64 {
    plaintext + TAG_BYTES as u64 * plaintext.div_ceil(CHUNK).max(1)
}
