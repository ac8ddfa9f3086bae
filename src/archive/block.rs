//! One 512-byte ustar header block (POSIX.1-2017 `pax`, "ustar Interchange Format").

use super::header::DeviceNumber;
use super::problem::Malformation;

/// Bytes of a tar block.
pub(super) const BLOCK: usize = 512;

/// Bytes that fill `length` up to whole blocks.
#[allow(clippy::cast_possible_truncation)] // below 512
pub(super) const fn padding(length: u64) -> usize {
    (length.wrapping_neg() % BLOCK as u64) as usize
}

const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const UID: std::ops::Range<usize> = 108..116;
const GID: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const MTIME: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPEFLAG: usize = 156;
const LINKNAME: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
const UNAME: std::ops::Range<usize> = 265..297;
const GNAME: std::ops::Range<usize> = 297..329;
const DEVMAJOR: std::ops::Range<usize> = 329..337;
const DEVMINOR: std::ops::Range<usize> = 337..345;
const PREFIX: std::ops::Range<usize> = 345..500;

/// What kind of member a header block introduces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeFlag {
    Regular,
    HardLink,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
    /// POSIX `x`: records for the next member.
    PaxExtended,
    /// POSIX `g`: records for all members that follow.
    PaxGlobal,
    /// GNU `L`: the next member's name.
    GnuLongName,
    /// GNU `K`: the next member's link name.
    GnuLongLink,
    /// GNU `S`: a sparse file with its map in the header.
    GnuSparse,
    Other(u8),
}

impl TypeFlag {
    fn from_byte(byte: u8) -> Self {
        match byte {
            b'0' | 0 | b'7' => Self::Regular,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'3' => Self::CharacterDevice,
            b'4' => Self::BlockDevice,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            b'x' => Self::PaxExtended,
            b'g' => Self::PaxGlobal,
            b'L' => Self::GnuLongName,
            b'K' => Self::GnuLongLink,
            b'S' => Self::GnuSparse,
            other => Self::Other(other),
        }
    }

    fn to_byte(self) -> u8 {
        match self {
            Self::Regular => b'0',
            Self::HardLink => b'1',
            Self::Symlink => b'2',
            Self::CharacterDevice => b'3',
            Self::BlockDevice => b'4',
            Self::Directory => b'5',
            Self::Fifo => b'6',
            Self::PaxExtended => b'x',
            Self::PaxGlobal => b'g',
            Self::GnuLongName => b'L',
            Self::GnuLongLink => b'K',
            Self::GnuSparse => b'S',
            Self::Other(byte) => byte,
        }
    }
}

/// Whose layout the bytes after `linkname` have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    /// `ustar`, NUL, `00`: POSIX.
    Ustar,
    /// `ustar`, two blanks, NUL: old GNU.
    Gnu,
    /// Neither: V7, name fields only.
    None,
}

/// A header block.
#[derive(Clone)]
pub(super) struct Block([u8; BLOCK]);

impl Block {
    pub(super) fn new(flag: TypeFlag, magic: Magic) -> Self {
        let mut block = Self([0; BLOCK]);
        block.0[TYPEFLAG] = flag.to_byte();
        match magic {
            Magic::Ustar => block.0[MAGIC].copy_from_slice(b"ustar\x0000"),
            Magic::Gnu => block.0[MAGIC].copy_from_slice(b"ustar  \0"),
            Magic::None => {}
        }
        for field in [MODE, UID, GID, SIZE, MTIME, DEVMAJOR, DEVMINOR] {
            put_octal(&mut block.0[field], 0);
        }
        block
    }

    /// The block with its checksum: the sum of all bytes, with the checksum field as blanks.
    pub(super) fn finish(mut self) -> [u8; BLOCK] {
        let sum = self.sum();
        put_octal(&mut self.0[CHECKSUM.start..CHECKSUM.end - 1], sum.into());
        self.0[CHECKSUM.end - 1] = b' ';
        self.0
    }

    /// Checks a block as read; `None` for a block of zeros.
    pub(super) fn parse(bytes: &[u8; BLOCK]) -> Result<Option<Self>, Malformation> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let block = Self(*bytes);
        let stored = number(&block.0[CHECKSUM]).map_err(|_| Malformation::Checksum)?;
        // Some old programs added the bytes as signed numbers.
        let signed = block.signed_sum();
        if stored != i64::from(block.sum()) && stored != signed {
            return Err(Malformation::Checksum);
        }
        Ok(Some(block))
    }

    fn sum(&self) -> u32 {
        let all: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        let field: u32 = self.0[CHECKSUM].iter().map(|byte| u32::from(*byte)).sum();
        all - field + 8 * u32::from(b' ')
    }

    fn signed_sum(&self) -> i64 {
        let signed =
            |bytes: &[u8]| -> i64 { bytes.iter().map(|byte| i64::from(byte.cast_signed())).sum() };
        signed(&self.0) - signed(&self.0[CHECKSUM]) + 8 * i64::from(b' ')
    }

    pub(super) fn set_name(&mut self, name: &[u8]) {
        put_bytes(&mut self.0[NAME], name);
    }

    pub(super) fn set_prefix(&mut self, prefix: &[u8]) {
        put_bytes(&mut self.0[PREFIX], prefix);
    }

    pub(super) fn set_link_name(&mut self, name: &[u8]) {
        put_bytes(&mut self.0[LINKNAME], name);
    }

    pub(super) fn set_user_name(&mut self, name: &[u8]) {
        put_bytes(&mut self.0[UNAME], name);
    }

    pub(super) fn set_group_name(&mut self, name: &[u8]) {
        put_bytes(&mut self.0[GNAME], name);
    }

    pub(super) fn set_mode(&mut self, mode: u32) {
        put_octal(&mut self.0[MODE], (mode & 0o7777).into());
    }

    pub(super) fn set_uid(&mut self, uid: u64) {
        put_octal(&mut self.0[UID], uid);
    }

    pub(super) fn set_gid(&mut self, gid: u64) {
        put_octal(&mut self.0[GID], gid);
    }

    pub(super) fn set_size(&mut self, size: u64) {
        put_octal(&mut self.0[SIZE], size);
    }

    pub(super) fn set_modified(&mut self, seconds: u64) {
        put_octal(&mut self.0[MTIME], seconds);
    }

    pub(super) fn set_device(&mut self, device: DeviceNumber) {
        put_number(&mut self.0[DEVMAJOR], device.major.into());
        put_number(&mut self.0[DEVMINOR], device.minor.into());
    }

    pub(super) fn type_flag(&self) -> TypeFlag {
        TypeFlag::from_byte(self.0[TYPEFLAG])
    }

    pub(super) fn magic(&self) -> Magic {
        match &self.0[MAGIC] {
            b"ustar  \0" => Magic::Gnu,
            magic if magic.starts_with(b"ustar\0") => Magic::Ustar,
            _ => Magic::None,
        }
    }

    /// The name, with the ustar prefix before it.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.0[NAME]);
        let prefix = until_nul(&self.0[PREFIX]);
        if self.magic() != Magic::Ustar || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(super) fn link_name(&self) -> Vec<u8> {
        until_nul(&self.0[LINKNAME]).to_vec()
    }

    pub(super) fn user_name(&self) -> Vec<u8> {
        self.unless_v7(UNAME)
    }

    pub(super) fn group_name(&self) -> Vec<u8> {
        self.unless_v7(GNAME)
    }

    fn unless_v7(&self, field: std::ops::Range<usize>) -> Vec<u8> {
        match self.magic() {
            Magic::None => Vec::new(),
            Magic::Ustar | Magic::Gnu => until_nul(&self.0[field]).to_vec(),
        }
    }

    pub(super) fn mode(&self) -> Result<u32, Malformation> {
        Ok(unsigned32(&self.0[MODE])? & 0o7777)
    }

    pub(super) fn uid(&self) -> Result<u32, Malformation> {
        unsigned32(&self.0[UID])
    }

    pub(super) fn gid(&self) -> Result<u32, Malformation> {
        unsigned32(&self.0[GID])
    }

    pub(super) fn size(&self) -> Result<u64, Malformation> {
        u64::try_from(number(&self.0[SIZE])?).map_err(|_| Malformation::Number)
    }

    pub(super) fn modified(&self) -> Result<i64, Malformation> {
        number(&self.0[MTIME])
    }

    pub(super) fn device(&self) -> Result<DeviceNumber, Malformation> {
        if self.magic() == Magic::None {
            return Ok(DeviceNumber { major: 0, minor: 0 });
        }
        Ok(DeviceNumber {
            major: unsigned32(&self.0[DEVMAJOR])?,
            minor: unsigned32(&self.0[DEVMINOR])?,
        })
    }

    /// The bytes themselves, for the old GNU sparse map.
    pub(super) fn as_bytes(&self) -> &[u8; BLOCK] {
        &self.0
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    &field[..end.unwrap_or(field.len())]
}

fn put_bytes(field: &mut [u8], value: &[u8]) {
    field.fill(0);
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Octal digits filling the field, and a NUL. The value must fit.
fn put_octal(field: &mut [u8], value: u64) {
    let mut rest = value;
    let digits = field.len() - 1;
    for digit in field[..digits].iter_mut().rev() {
        *digit = b'0' + (rest & 7) as u8;
        rest >>= 3;
    }
    field[digits] = 0;
    debug_assert_eq!(rest, 0, "a number that does not fit goes into a pax record");
}

/// Octal where it fits, else GNU base-256.
fn put_number(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    if value >> (3 * digits) == 0 {
        put_octal(field, value);
        return;
    }
    field.fill(0);
    let bytes = value.to_be_bytes();
    let length = bytes.len().min(field.len());
    let start = field.len() - length;
    field[start..].copy_from_slice(&bytes[bytes.len() - length..]);
    field[0] |= 0x80;
}

/// An octal number with blanks or NULs around it, or GNU base-256 (bit 7 of the first byte set,
/// two's complement from bit 6 on).
pub(super) fn number(field: &[u8]) -> Result<i64, Malformation> {
    let first = *field.first().ok_or(Malformation::Number)?;
    if first & 0x80 != 0 {
        let start = if first & 0x40 == 0 { 0 } else { -1_i64 };
        let top = i64::from(first & 0x3f) | (start << 6);
        return field[1..].iter().try_fold(top, |value, byte| {
            value
                .checked_mul(256)
                .map(|value| value | i64::from(*byte))
                .ok_or(Malformation::Number)
        });
    }
    let digits = field
        .iter()
        .skip_while(|byte| **byte == b' ')
        .take_while(|byte| **byte != b' ' && **byte != 0);
    digits.copied().try_fold(0_i64, |value, digit| {
        if !(b'0'..=b'7').contains(&digit) {
            return Err(Malformation::Number);
        }
        value
            .checked_mul(8)
            .map(|value| value | i64::from(digit - b'0'))
            .ok_or(Malformation::Number)
    })
}

fn unsigned32(field: &[u8]) -> Result<u32, Malformation> {
    u32::try_from(number(field)?).map_err(|_| Malformation::Number)
}
