//! REPORT DENSITY SUPPORT (SSC-4).

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::{ascii, slice_at, u8_at, u16_at, u24_at, u32_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of REPORT DENSITY SUPPORT.
pub const REPORT_DENSITY_SUPPORT: u8 = 0x44;

/// Length of one density support data block descriptor.
const DESCRIPTOR_LENGTH: usize = 52;
/// Length of one medium type descriptor.
const MEDIUM_TYPE_LENGTH: usize = 56;

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

/// A kind of cartridge: one medium type descriptor (SSC-4, REPORT DENSITY SUPPORT; Quantum "DLT-S4
/// Interface Reference Guide", figure 145 and table 159, pages 287 and 288).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediumTypeDescriptor {
    /// MEDIUM TYPE, as MODE SENSE reports it. Whose number means what is the vendor's own: WORM is
    /// 01h in HP's drives, 80h in Quantum's LTO-4.
    pub code: u8,
    /// PRIMARY DENSITY CODES, those that are valid, nine at most.
    pub densities: Vec<u8>,
    /// MEDIA WIDTH in tenths of a millimetre.
    pub width: u16,
    /// MEDIUM LENGTH in metres.
    pub length: u16,
    /// ASSIGNING ORGANIZATION.
    pub organization: String,
    /// MEDIUM TYPE NAME, "LTO5WORM" for example.
    pub name: String,
    /// DESCRIPTION.
    pub description: String,
}

impl MediumTypeDescriptor {
    /// Parses one descriptor at the start of `bytes`; with it, how many bytes it takes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        // DESCRIPTOR LENGTH counts what is behind these four bytes.
        let length = (4 + usize::from(u16_at(bytes, 2)?)).max(MEDIUM_TYPE_LENGTH);
        let valid = usize::from(u8_at(bytes, 4)?).min(9);
        let descriptor = Self {
            code: u8_at(bytes, 0)?,
            densities: slice_at(bytes, 5, valid)?.to_vec(),
            width: u16_at(bytes, 14)?,
            length: u16_at(bytes, 16)?,
            organization: ascii(slice_at(bytes, 20, 8)?),
            name: ascii(slice_at(bytes, 28, 8)?),
            description: ascii(slice_at(bytes, 36, 20)?),
        };
        bytes.get(..length)?;
        Some((descriptor, length))
    }
}

/// The density descriptors in a reply, as far as they are whole.
#[must_use]
pub fn parse(raw: &[u8]) -> Vec<Density> {
    descriptors(raw, Density::parse)
}

/// The medium type descriptors in a reply, as far as they are whole.
#[must_use]
pub fn parse_medium_types(raw: &[u8]) -> Vec<MediumTypeDescriptor> {
    descriptors(raw, MediumTypeDescriptor::parse)
}

fn descriptors<T>(raw: &[u8], parse: impl Fn(&[u8]) -> Option<(T, usize)>) -> Vec<T> {
    let length = u16_at(raw, 0).map_or(0, |length| 2 + usize::from(length));
    let mut rest = raw.get(4..raw.len().min(length)).unwrap_or_default();
    let mut all = Vec::new();
    while let Some((descriptor, length)) = parse(rest) {
        all.push(descriptor);
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

/// Which descriptors are asked for (MEDIUM TYPE, bit 1 of byte 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    Densities = 0x00,
    MediumTypes = 0x02,
}

impl Drive {
    /// Which densities the drive, or the cartridge in it, supports.
    pub fn report_density_support(
        &mut self,
        scope: DensityScope,
    ) -> Result<Vec<Density>, ScsiError> {
        let raw = self.density_report(scope, Report::Densities)?;
        Ok(parse(&raw))
    }

    /// Which kinds of cartridge the drive takes, or of which kind the one in it is.
    pub fn report_medium_types(
        &mut self,
        scope: DensityScope,
    ) -> Result<Vec<MediumTypeDescriptor>, ScsiError> {
        let raw = self.density_report(scope, Report::MediumTypes)?;
        Ok(parse_medium_types(&raw))
    }

    fn density_report(
        &mut self,
        scope: DensityScope,
        report: Report,
    ) -> Result<Vec<u8>, ScsiError> {
        let flags = u8::from(scope == DensityScope::Cartridge) | report as u8;
        let length: u16 = 0x1000;
        let [high, low] = length.to_be_bytes();
        let command = Command::new(
            "REPORT DENSITY SUPPORT",
            timeout::SHORT,
            [REPORT_DENSITY_SUPPORT, flags, 0, 0, 0, 0, 0, high, low, 0],
        );
        let raw = command.read(&mut *self.transport, usize::from(length))?;
        if raw.len() < 4 {
            return Err(command.short(self.transport.path(), 4, &raw));
        }
        Ok(raw)
    }
}
