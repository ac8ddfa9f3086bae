//! Blocks on their way between host and tape: protection information and encryption.

use std::borrow::Cow;

use crc_fast::{CrcAlgorithm, checksum};
use tapeward_drivers::socket::InitiatorId;

use super::encryption::Encryption;
use super::medium::{Mounted, read_failure};
use super::mode::ModePages;
use crate::sense::{Sense, SenseKey};
use crate::store::{BlockFlags, GUARD_LENGTH, Row};

/// Page and subpage of the control data protection mode page (SSC-4).
pub(super) const PROTECTION_PAGE: (u8, u8) = (0x0a, 0xf0);
/// LOGICAL BLOCK PROTECTION METHOD of CRC32C.
const CRC32C: u8 = 0x02;

/// Which transfers carry protection information: four bytes behind each block (SSC-4, logical
/// block protection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Protection {
    /// LBP_W
    pub(super) write: bool,
    /// LBP_R
    pub(super) read: bool,
    /// There is a method, so VERIFY can check it.
    pub(super) verify: bool,
}

impl Protection {
    /// METHOD is byte 4 of the page; LBP_W bit 7 and LBP_R bit 6 of byte 6.
    pub(super) fn of(pages: &ModePages) -> Self {
        let page = pages.current(PROTECTION_PAGE.0, PROTECTION_PAGE.1);
        let verify = page.get(4) == Some(&CRC32C);
        let flag = |bit: u8| verify && page.get(6).is_some_and(|flags| flags & bit != 0);
        Self {
            write: flag(0x80),
            read: flag(0x40),
            verify,
        }
    }

    /// Whether a host may ask for this page: no method and nothing protected, or CRC32C with its
    /// four bytes. The offset of what is wrong.
    pub(super) fn check_page(page: &[u8]) -> Result<(), usize> {
        match page {
            [_, _, _, _, 0, _, flags, ..] if flags & 0xc0 == 0 => Ok(()),
            [_, _, _, _, CRC32C, 4, ..] => Ok(()),
            [_, _, _, _, CRC32C, ..] => Err(5),
            [_, _, _, _, 0, ..] => Err(6),
            _ => Err(4),
        }
    }

    /// Bytes of protection information with each block that is written.
    pub(super) fn written_length(self) -> usize {
        if self.write { GUARD_LENGTH } else { 0 }
    }
}

/// CRC32C of a block, low byte first.
fn guard(block: &[u8]) -> [u8; GUARD_LENGTH] {
    let [.., a, b, c, d] = checksum(CrcAlgorithm::Crc32Iscsi, block).to_be_bytes();
    [d, c, b, a]
}

/// Whether the last four bytes are the protection information of those before.
fn is_genuine(bytes: &[u8]) -> bool {
    bytes
        .split_last_chunk()
        .is_some_and(|(block, found)| guard(block) == *found)
}

/// LOGICAL BLOCK GUARD CHECK FAILED
pub(super) fn guard_check_failed() -> Sense {
    Sense::new(SenseKey::HardwareError, (0x10, 0x01))
}

/// A block as it goes to tape.
#[derive(Debug)]
pub(super) struct Encoded<'a> {
    pub(super) stored: Cow<'a, [u8]>,
    pub(super) trailer: u16,
    pub(super) flags: BlockFlags,
}

/// Codes blocks for one initiator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coder<'a> {
    pub(super) encryption: &'a Encryption,
    pub(super) initiator: InitiatorId,
    pub(super) protection: Protection,
}

impl Coder<'_> {
    /// Checks what came from the host and encrypts it.
    pub(super) fn encode<'a>(&self, sent: &'a [u8]) -> Result<Encoded<'a>, Sense> {
        let mut flags = BlockFlags::empty();
        let mut length = sent.len();
        if self.protection.write {
            if !is_genuine(sent) {
                return Err(guard_check_failed());
            }
            flags |= BlockFlags::GUARDED;
            length -= GUARD_LENGTH;
        }
        let stored = match self.encryption.seal(self.initiator, sent)? {
            None => Cow::Borrowed(sent),
            Some(sealed) => {
                flags |= BlockFlags::SEALED;
                Cow::Owned(sealed)
            }
        };
        let trailer = u16::try_from(stored.len() - length);
        Ok(Encoded {
            trailer: trailer.map_err(|_| Sense::internal_failure())?,
            stored,
            flags,
        })
    }

    /// Whether the host gets a block's bytes just as they lie on tape.
    pub(super) fn is_as_stored(&self, row: Row) -> Result<bool, Sense> {
        if row.flags.contains(BlockFlags::SEALED) {
            return Ok(false);
        }
        self.encryption.read_plain(self.initiator)?;
        Ok(!self.protection.read)
    }

    /// What the host gets of a block, its protection information included.
    pub(super) fn decode(&self, mounted: &mut Mounted, row: Row) -> Result<Vec<u8>, Sense> {
        let mut bytes = self.decrypted(mounted, row)?;
        let guarded = row.flags.contains(BlockFlags::GUARDED);
        let raw = bytes.len() > row.sealed_length();
        match (self.protection.read, guarded && !raw) {
            (true, true) | (false, false) => {}
            (true, false) => bytes.extend(guard(&bytes)),
            (false, true) => bytes.truncate(row.length as usize),
        }
        Ok(bytes)
    }

    /// How long a block is for the host.
    pub(super) fn length_for_host(&self, row: Row) -> u64 {
        let guard = if self.protection.read {
            GUARD_LENGTH
        } else {
            0
        };
        u64::from(row.length) + guard as u64
    }

    /// Whether a block on tape agrees with the protection information it was written with; a
    /// block written without has none to disagree with.
    pub(super) fn is_intact(&self, mounted: &mut Mounted, row: Row) -> Result<bool, Sense> {
        let bytes = self.decrypted(mounted, row)?;
        let guarded = row.flags.contains(BlockFlags::GUARDED);
        Ok(!guarded || bytes.len() > row.sealed_length() || is_genuine(&bytes))
    }

    /// The block and the protection information it was written with; read raw, all of its bytes.
    fn decrypted(&self, mounted: &mut Mounted, row: Row) -> Result<Vec<u8>, Sense> {
        let stored = mounted.cartridge.store.read_whole(row);
        let stored = stored.map_err(|error| read_failure(&mounted.cartridge, &error))?;
        if row.flags.contains(BlockFlags::SEALED) {
            let length = row.sealed_length();
            return self.encryption.read_sealed(self.initiator, stored, length);
        }
        self.encryption.read_plain(self.initiator)?;
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720 B.4, CRC examples: 32 bytes of zeros are AA 36 91 8A on the wire, 32 bytes of
    /// ones 43 AB A8 62, 00h to 1Fh 4E 79 DD 46; the same CRC and byte order as the protection
    /// information LTFS writes (crc32c_crc.c, low byte first).
    #[test]
    fn protection_information_is_crc32c_low_byte_first() {
        assert_eq!(guard(&[0; 32]), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!(guard(&[0xff; 32]), [0x43, 0xab, 0xa8, 0x62]);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(guard(&rising), [0x4e, 0x79, 0xdd, 0x46]);
        assert!(!is_genuine(&[1, 2, 3]));
    }
}
