//! Logical block protection: four bytes behind each block that say whether it is still the same
//! (SSC-4, logical block protection; control data protection mode page 0Ah/F0h). Once it is on,
//! blocks are written and read with it as if it were not there.

use crc_fast::{CrcAlgorithm, checksum};
use serde::{Deserialize, Serialize};

use super::block::{Arrived, ReadOutcome};
use super::drive::Drive;
use crate::error::ScsiError;
use crate::spc::mode::{ModePage, PageCode};

/// Bytes of protection information.
pub const INFORMATION: usize = 4;

/// Offsets in the page as the standard's table counts them.
const METHOD_BYTE: usize = 4;
const LENGTH_BYTE: usize = 5;
const FLAGS_BYTE: usize = 6;
const ON_WRITE: u8 = 0x80;
const ON_READ: u8 = 0x40;

/// LOGICAL BLOCK PROTECTION METHOD
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProtectionMethod {
    /// 00h
    None,
    /// 01h: Reed-Solomon CRC of ECMA-319.
    ReedSolomon,
    /// 02h: CRC32C, low byte first.
    Crc32c,
    /// Any other value.
    Other(u8),
}

impl ProtectionMethod {
    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::None,
            1 => Self::ReedSolomon,
            2 => Self::Crc32c,
            other => Self::Other(other),
        }
    }
}

/// What page 0Ah/F0h says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockProtection {
    /// LOGICAL BLOCK PROTECTION METHOD
    pub method: ProtectionMethod,
    /// LOGICAL BLOCK PROTECTION INFORMATION LENGTH in bytes.
    pub length: u8,
    /// LBP_W: blocks are written with it.
    pub on_write: bool,
    /// LBP_R: blocks are read with it.
    pub on_read: bool,
}

impl BlockProtection {
    /// No protection.
    pub const OFF: Self = Self {
        method: ProtectionMethod::None,
        length: 0,
        on_write: false,
        on_read: false,
    };

    /// CRC32C both ways.
    pub const CRC32C: Self = Self {
        method: ProtectionMethod::Crc32c,
        length: 4,
        on_write: true,
        on_read: true,
    };

    /// From the page; `None` when it is too short.
    #[must_use]
    pub fn from_page(page: &ModePage) -> Option<Self> {
        let flags = page.byte(FLAGS_BYTE)?;
        Some(Self {
            method: ProtectionMethod::from_code(page.byte(METHOD_BYTE)?),
            length: page.byte(LENGTH_BYTE)? & 0x3f,
            on_write: flags & ON_WRITE != 0,
            on_read: flags & ON_READ != 0,
        })
    }
}

/// CRC32C of a block as it stands behind it.
#[must_use]
pub fn information(block: &[u8]) -> [u8; INFORMATION] {
    let [.., a, b, c, d] = checksum(CrcAlgorithm::Crc32Iscsi, block).to_be_bytes();
    [d, c, b, a]
}

/// The block before its protection information, if the two agree.
#[must_use]
pub fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (block, found) = bytes.split_last_chunk()?;
    (information(block) == *found).then_some(block)
}

/// Whether blocks go with protection information now, and room to put them together.
#[derive(Debug, Default)]
pub(crate) struct Guarding {
    pub(super) on: bool,
    room: Vec<u8>,
}

impl Guarding {
    /// The block with its information.
    pub(super) fn guard(&mut self, block: &[u8]) -> &[u8] {
        self.room.clear();
        self.room.extend_from_slice(block);
        self.room.extend(information(block));
        &self.room
    }

    /// Takes the room, long enough for a block of this length with its information.
    pub(super) fn take_room(&mut self, length: usize) -> Vec<u8> {
        let mut room = std::mem::take(&mut self.room);
        room.resize(length + INFORMATION, 0);
        room
    }

    pub(super) fn give_back(&mut self, room: Vec<u8>) {
        self.room = room;
    }
}

impl Drive {
    /// Whether the path to the drive takes blocks of this length with their information.
    pub fn carries_protected(&mut self, block: usize) -> Result<bool, ScsiError> {
        self.carries(block + INFORMATION)
    }

    /// The protection in force; `None` when the drive lacks it.
    pub fn block_protection(&mut self) -> Result<Option<BlockProtection>, ScsiError> {
        let page = self.optional_page(PageCode::CONTROL_DATA_PROTECTION)?;
        Ok(page.as_ref().and_then(BlockProtection::from_page))
    }

    /// Puts CRC32C protection on both ways, or all protection off, and looks at what is in force:
    /// `None` when the drive lacks it. [`Drive::write_block`] and [`Drive::read_block`] follow. Up
    /// to four commands.
    ///
    /// # Errors
    /// When something else is in force than this host can follow; do not write then.
    pub fn protect_blocks(&mut self, on: bool) -> Result<Option<BlockProtection>, ScsiError> {
        let wanted = if on {
            BlockProtection::CRC32C
        } else {
            BlockProtection::OFF
        };
        self.change_page(PageCode::CONTROL_DATA_PROTECTION, |page| {
            let (method, flags) = if on { (2, ON_WRITE | ON_READ) } else { (0, 0) };
            page.set_byte(METHOD_BYTE, method)
                && page.set_byte(LENGTH_BYTE, wanted.length)
                && page.set_byte(FLAGS_BYTE, flags)
        })?;
        let found = self.block_protection()?;
        let carried = found.is_some_and(|found| found.on_write || found.on_read);
        match found {
            Some(found) if found == BlockProtection::CRC32C => self.guarding.on = true,
            _ if !carried => self.guarding.on = false,
            _ => {
                return Err(ScsiError::Malformed {
                    command: "MODE SELECT",
                    path: self.path().to_owned(),
                    what: format!(
                        "blocks are protected by {found:?}, which cannot be turned off; power-cycle the drive"
                    ),
                    bytes: Vec::new(),
                });
            }
        }
        Ok(found)
    }

    /// Reads one block that comes with its information into a buffer for the block alone.
    pub(super) fn read_guarded(&mut self, buffer: &mut [u8]) -> Result<Arrived, ScsiError> {
        let mut room = self.guarding.take_room(buffer.len());
        let arrived = self.read_transfer(&mut room);
        let checked = match arrived {
            Ok(Arrived::Whole(ReadOutcome::Block(length))) => {
                self.accept(&room[..length], buffer).map(Arrived::Whole)
            }
            Ok(Arrived::Whole(ReadOutcome::TooLong { actual })) => {
                let actual = actual.saturating_sub(INFORMATION as u64);
                Ok(Arrived::Whole(ReadOutcome::TooLong { actual }))
            }
            Ok(Arrived::Part { length, came }) => Ok(Arrived::Part {
                length: length.saturating_sub(INFORMATION),
                came,
            }),
            other => other,
        };
        self.guarding.give_back(room);
        checked
    }

    fn accept(&self, bytes: &[u8], buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        let Some(block) = checked(bytes) else {
            return Err(ScsiError::BlockCorrupted {
                path: self.path().to_owned(),
                length: bytes.len().saturating_sub(INFORMATION),
            });
        };
        buffer[..block.len()].copy_from_slice(block);
        Ok(ReadOutcome::Block(block.len()))
    }
}
