//! REPORT DENSITY SUPPORT and the densities of LTO.

use super::drive::Drive;
use super::{Exchange, Stop};
use crate::bytes::{text, u16, u16_at, u24, u32};
use crate::cartridge::Generation;
use crate::sense::Sense;

/// A density as drives of that generation report it.
#[derive(Debug, Clone, Copy)]
struct Density {
    generation: Generation,
    /// 0 where it is not known here.
    bits_per_millimetre: usize,
    tracks: u16,
    name: &'static str,
    description: &'static str,
}

const fn row(
    generation: Generation,
    bits_per_millimetre: usize,
    tracks: u16,
    name: &'static str,
    description: &'static str,
) -> Density {
    Density {
        generation,
        bits_per_millimetre,
        tracks,
        name,
        description,
    }
}

const DENSITIES: &[Density] = &[
    row(Generation::Lto6, 15_142, 2176, "U-616", "Ultrium 6/16T"),
    row(Generation::Lto7, 19_107, 3584, "U-732", "Ultrium 7/32T"),
    row(Generation::Lto8, 20_668, 6656, "U-832", "Ultrium 8/32T"),
    row(Generation::Lto9, 0, 8960, "U-932", "Ultrium 9/32T"),
];

impl Density {
    /// Density support data block descriptor (SSC-4): 52 bytes, capacity in megabytes.
    fn descriptor(&self, drive: Generation) -> Vec<u8> {
        let code = self.generation.density();
        let default = self.generation == drive;
        let mut bytes = vec![code, code, 0x80 | u8::from(default) << 5, 0, 0];
        bytes.extend(u24(self.bits_per_millimetre));
        bytes.extend(127_u16.to_be_bytes()); // width, tenths of a millimetre
        bytes.extend(self.tracks.to_be_bytes());
        bytes.extend(u32(self.generation.native_capacity() / 1_000_000));
        bytes.extend(text::<8>("LTO-CVE", b' '));
        bytes.extend(text::<8>(self.name, b' '));
        bytes.extend(text::<20>(self.description, b' '));
        bytes
    }
}

impl Drive {
    /// REPORT DENSITY SUPPORT 44h (SSC-4): MEDIA is bit 0 of byte 1, MEDIUM TYPE bit 1;
    /// allocation length bytes 7-8.
    pub(super) fn report_density_support(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        if cdb[1] & 0x02 != 0 {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        let own = self.identity.generation;
        let mut densities = DENSITIES.to_vec();
        if cdb[1] & 0x01 == 0 {
            densities.retain(|row| own.accepts(row.generation));
        } else {
            let loaded = self.ready()?.generation();
            densities.retain(|row| Some(row.generation) == loaded);
        }
        let body: Vec<u8> = densities
            .iter()
            .flat_map(|row| row.descriptor(own))
            .collect();
        let [high, low] = u16(body.len() + 2);
        let bytes = [&[high, low, 0, 0], &body[..]].concat();
        exchange.reply(&bytes, usize::from(u16_at(cdb, 7)));
        Ok(())
    }
}
