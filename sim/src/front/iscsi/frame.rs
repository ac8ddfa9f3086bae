//! Units on a byte stream: lengths, padding, digests (RFC 7143 clause 11.2). Lengths are checked
//! before anything is reserved for them.

use std::io::{self, IoSlice, Read, Write};

use crc_fast::{CrcAlgorithm, Digest as Crc};
use thiserror::Error;

use super::request::{HEADER_LENGTH, Integrity, Pdu};
use crate::bytes::{u24, u24_at};

/// Whether there is a digest behind a part of a unit (RFC 7143 clause 13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Digest {
    #[default]
    None,
    Crc32c,
}

/// What was agreed for both parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Digests {
    pub(crate) header: Digest,
    pub(crate) data: Digest,
}

/// Why there is no unit.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    /// The other side closed between two units.
    #[error("the initiator closed the connection")]
    Closed,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("a header does not match its digest")]
    HeaderDigest,
    #[error("a data segment of {length} bytes, where at most {limit} were agreed")]
    TooLong { length: u32, limit: u32 },
}

/// CRC32C as it stands on the wire: the least significant byte first (RFC 7143 clause 13.1).
pub(crate) fn crc32c(parts: &[&[u8]]) -> [u8; 4] {
    let mut crc = Crc::new(CrcAlgorithm::Crc32Iscsi);
    for part in parts {
        crc.update(part);
    }
    #[allow(clippy::cast_possible_truncation)] // the algorithm has 32 bits
    let value = crc.finalize() as u32;
    value.to_le_bytes()
}

/// Reads one unit with at most `limit` bytes of data.
pub(crate) fn read_pdu(
    from: &mut impl Read,
    digests: Digests,
    limit: u32,
) -> Result<Pdu, FrameError> {
    let mut header = [0; HEADER_LENGTH];
    read_first(from, &mut header)?;
    let mut pdu = Pdu::new(header);
    pdu.additional = vec![0; usize::from(header[4]) * 4];
    from.read_exact(&mut pdu.additional)?;
    if digests.header == Digest::Crc32c {
        let mut digest = [0; 4];
        from.read_exact(&mut digest)?;
        if digest != crc32c(&[&header, &pdu.additional]) {
            return Err(FrameError::HeaderDigest);
        }
    }
    let length = u24_at(&header, 5);
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    let length = length as usize;
    pdu.data = vec![0; length.next_multiple_of(4)];
    from.read_exact(&mut pdu.data)?;
    if digests.data == Digest::Crc32c && length > 0 {
        let mut digest = [0; 4];
        from.read_exact(&mut digest)?;
        if digest != crc32c(&[&pdu.data]) {
            pdu.integrity = Integrity::Corrupt;
        }
    }
    pdu.data.truncate(length);
    Ok(pdu)
}

/// The end of the stream before the first byte is not an error of the stream.
fn read_first(from: &mut impl Read, header: &mut [u8]) -> Result<(), FrameError> {
    let read = loop {
        match from.read(header) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if read == 0 {
        return Err(FrameError::Closed);
    }
    from.read_exact(&mut header[read..])?;
    Ok(())
}

/// Writes one unit; the length of the data goes into the header.
pub(crate) fn write_pdu(
    to: &mut impl Write,
    digests: Digests,
    mut header: [u8; HEADER_LENGTH],
    data: &[u8],
) -> io::Result<()> {
    header[5..8].copy_from_slice(&u24(data.len()));
    let padding = &[0; 3][..data.len().next_multiple_of(4) - data.len()];
    let header_digest = crc32c(&[&header]);
    let data_digest = match digests.data {
        Digest::Crc32c => crc32c(&[data, padding]),
        Digest::None => [0; 4],
    };
    let after = |digest: Digest, length: usize| match digest {
        Digest::Crc32c if length > 0 => 4,
        Digest::Crc32c | Digest::None => 0,
    };
    let mut parts = [
        IoSlice::new(&header),
        IoSlice::new(&header_digest[..after(digests.header, HEADER_LENGTH)]),
        IoSlice::new(data),
        IoSlice::new(padding),
        IoSlice::new(&data_digest[..after(digests.data, data.len())]),
    ];
    write_all(to, &mut parts)
}

fn write_all(to: &mut impl Write, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match to.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut parts, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
