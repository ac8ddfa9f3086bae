//! REPORT DENSITY SUPPORT (SSC-4).

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::{ascii, slice_at, u8_at, u16_at, u24_at, u32_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of REPORT DENSITY SUPPORT.
pub const REPORT_DENSITY_SUPPORT: u8 = 0x44;

/// Length of one descriptor.
const DESCRIPTOR_LENGTH: usize = 52;

/// One density support data block descriptor (SSC-4, REPORT DENSITY SUPPORT).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Density {
    /// PRIMARY DENSITY CODE.
    pub primary_code: u8,
    /// SECONDARY DENSITY CODE.
    pub secondary_code: u8,
    /// WRTOK: the drive can write it (on the cartridge in it, when that was asked).
    pub writable: bool,
    /// DEFLT: what the drive writes unless told otherwise.
    pub default: bool,
    /// BITS PER MM.
    pub bits_per_millimetre: u32,
    /// MEDIA WIDTH in tenths of a millimetre.
    pub width: u16,
    /// TRACKS.
    pub tracks: u16,
    /// CAPACITY in megabytes (10^6 bytes).
    pub capacity: u32,
    /// ASSIGNING ORGANIZATION.
    pub organization: String,
    /// DENSITY NAME, "U-816" for example.
    pub name: String,
    /// DESCRIPTION.
    pub description: String,
}

impl Density {
    /// Parses one descriptor at the start of `bytes`; with it, how many bytes it takes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let flags = u8_at(bytes, 2)?;
        // DLV: the descriptor's length behind these five bytes is given.
        let length = match u16_at(bytes, 3)? {
            stated if flags & 0x01 != 0 => (5 + usize::from(stated)).max(DESCRIPTOR_LENGTH),
            _ => DESCRIPTOR_LENGTH,
        };
        let density = Self {
            primary_code: u8_at(bytes, 0)?,
            secondary_code: u8_at(bytes, 1)?,
            writable: flags & 0x80 != 0,
            default: flags & 0x20 != 0,
            bits_per_millimetre: u24_at(bytes, 5)?,
            width: u16_at(bytes, 8)?,
            tracks: u16_at(bytes, 10)?,
            capacity: u32_at(bytes, 12)?,
            organization: ascii(slice_at(bytes, 16, 8)?),
            name: ascii(slice_at(bytes, 24, 8)?),
            description: ascii(slice_at(bytes, 32, 20)?),
        };
        bytes.get(..length)?;
        Some((density, length))
    }
}

/// The descriptors in a reply, as far as they are whole.
#[must_use]
pub fn parse(raw: &[u8]) -> Vec<Density> {
    let length = u16_at(raw, 0).map_or(0, |length| 2 + usize::from(length));
    let mut rest = raw.get(4..raw.len().min(length)).unwrap_or_default();
    let mut all = Vec::new();
    while let Some((density, length)) = Density::parse(rest) {
        all.push(density);
        rest = &rest[length..];
    }
    all
}

/// Of what the densities are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DensityScope {
    /// Of all cartridges the drive can take.
    Drive,
    /// Of the cartridge in the drive (MEDIA).
    Cartridge,
}

impl Drive {
    /// Which densities the drive, or the cartridge in it, supports.
    pub fn report_density_support(
        &mut self,
        scope: DensityScope,
    ) -> Result<Vec<Density>, ScsiError> {
        let media = u8::from(scope == DensityScope::Cartridge);
        let length: u16 = 0x1000;
        let [high, low] = length.to_be_bytes();
        let command = Command::new(
            "REPORT DENSITY SUPPORT",
            timeout::SHORT,
            [REPORT_DENSITY_SUPPORT, media, 0, 0, 0, 0, 0, high, low, 0],
        );
        let raw = command.read(&mut *self.transport, usize::from(length))?;
        if raw.len() < 4 {
            return Err(command.short(self.transport.path(), 4, &raw));
        }
        Ok(parse(&raw))
    }
}
