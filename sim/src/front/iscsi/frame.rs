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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::front::iscsi::request::Command;

    const BOTH: Digests = Digests {
        header: Digest::Crc32c,
        data: Digest::Crc32c,
    };

    /// RFC 7143 appendix A.4, "An iSCSI - SCSI Read (10) Command PDU".
    const READ_10: [u8; 48] = [
        0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0,
        0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn digests_are_those_of_the_standard() {
        // RFC 7143 appendix A.4, CRC examples.
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c(&[&[0x00; 32]]), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!(crc32c(&[&[0xff; 32]]), [0x43, 0xab, 0xa8, 0x62]);
        assert_eq!(crc32c(&[&rising]), [0x4e, 0x79, 0xdd, 0x46]);
        assert_eq!(crc32c(&[&falling]), [0x5c, 0xdb, 0x3f, 0x11]);
        assert_eq!(
            crc32c(&[&READ_10[..9], &READ_10[9..]]),
            [0x56, 0x3a, 0x96, 0xd9]
        );
    }

    #[test]
    fn a_unit_with_its_digest_is_read() {
        let digests = Digests {
            header: Digest::Crc32c,
            data: Digest::None,
        };
        let mut wire = READ_10.to_vec();
        wire.extend([0x56, 0x3a, 0x96, 0xd9]);
        let pdu = read_pdu(&mut &wire[..], digests, 8192).unwrap();
        let command = Command::parse(&pdu).unwrap();
        assert_eq!(
            (command.reads, command.writes, command.expected),
            (true, false, 1024)
        );
        assert_eq!(&command.cdb[..10], [0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0]);
        assert_eq!((pdu.tag(), pdu.command_number()), (0x1400_0000, 20));
        wire[47] ^= 1;
        let error = read_pdu(&mut &wire[..], digests, 8192).unwrap_err();
        assert!(matches!(error, FrameError::HeaderDigest));
    }

    #[test]
    fn corrupt_data_is_told_from_a_corrupt_header() {
        let mut wire = Vec::new();
        write_pdu(&mut wire, BOTH, [0; 48], b"hello").unwrap();
        assert_eq!(wire.len(), 48 + 4 + 8 + 4);
        let pdu = read_pdu(&mut &wire[..], BOTH, 8).unwrap();
        assert_eq!(
            (&pdu.data[..], pdu.integrity),
            (&b"hello"[..], Integrity::Whole)
        );
        wire[52] ^= 1;
        let pdu = read_pdu(&mut &wire[..], BOTH, 8).unwrap();
        assert_eq!(pdu.integrity, Integrity::Corrupt);
    }

    #[test]
    fn a_long_unit_is_refused_before_anything_is_kept_for_it() {
        let mut header = [0; 48];
        header[5..8].copy_from_slice(&[0xff; 3]);
        let error = read_pdu(&mut &header[..], Digests::default(), 8192).unwrap_err();
        assert!(matches!(
            error,
            FrameError::TooLong {
                length: 0xff_ffff,
                limit: 8192
            }
        ));
    }

    fn digests() -> impl Strategy<Value = Digests> {
        let one = || prop_oneof![Just(Digest::None), Just(Digest::Crc32c)];
        (one(), one()).prop_map(|(header, data)| Digests { header, data })
    }

    proptest! {
        #[test]
        fn units_survive_the_wire(
            digests in digests(),
            data in proptest::collection::vec(any::<u8>(), 0..600),
            tag: u32,
        ) {
            let mut header = [0; 48];
            header[16..20].copy_from_slice(&tag.to_be_bytes());
            let mut wire = Vec::new();
            write_pdu(&mut wire, digests, header, &data).unwrap();
            write_pdu(&mut wire, digests, header, &[]).unwrap();
            let mut rest = &wire[..];
            let pdu = read_pdu(&mut rest, digests, 600).unwrap();
            prop_assert_eq!((pdu.tag(), pdu.data), (tag, data));
            let pdu = read_pdu(&mut rest, digests, 0).unwrap();
            prop_assert!(pdu.data.is_empty() && rest.is_empty());
            prop_assert!(matches!(read_pdu(&mut rest, digests, 0), Err(FrameError::Closed)));
        }

        #[test]
        fn any_bytes_are_a_unit_within_bounds_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..4000),
            digests in digests(),
        ) {
            let mut rest = &bytes[..];
            while let Ok(pdu) = read_pdu(&mut rest, digests, 2000) {
                prop_assert!(pdu.data.len() <= 2000 && pdu.additional.len() <= 1020);
                if let Some(command) = Command::parse(&pdu) {
                    prop_assert!(command.cdb.len() <= 16 + 1020);
                }
            }
        }
    }
}
