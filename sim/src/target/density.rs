//! REPORT DENSITY SUPPORT: the densities of LTO and the medium types that carry them.

use super::drive::Drive;
use super::medium::Mounted;
use super::{Exchange, Stop};
use crate::bytes::{text, u16, u16_at, u24, u32};
use crate::cartridge::Generation;

/// MEDIA WIDTH in tenths of a millimetre.
const WIDTH: u16 = 127;

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
        bytes.extend(WIDTH.to_be_bytes());
        bytes.extend(self.tracks.to_be_bytes());
        bytes.extend(u32(self.generation.native_capacity() / 1_000_000));
        bytes.extend(text::<8>("LTO-CVE", b' '));
        bytes.extend(text::<8>(self.name, b' '));
        bytes.extend(text::<20>(self.description, b' '));
        bytes
    }
}

/// MEDIUM TYPE as HP drives have it, here and in the mode parameter header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediumType {
    Data = 0x00,
    Worm = 0x01,
}

impl MediumType {
    /// In ascending order, as they are reported.
    const ALL: [Self; 2] = [Self::Data, Self::Worm];

    pub(super) fn of(mounted: &Mounted) -> Self {
        if mounted.is_worm() {
            Self::Worm
        } else {
            Self::Data
        }
    }

    /// Medium type descriptor (Quantum "DLT-S4 Interface Reference Guide", figure 145, page 287):
    /// 56 bytes, DESCRIPTOR LENGTH less four, one density code of nine, the tape's length in
    /// metres. Texts as HP drives word them.
    fn descriptor(self, generation: Generation) -> Vec<u8> {
        let number = generation.number();
        let [.., high, low] = generation.tape_length().to_be_bytes();
        let word = match self {
            Self::Data => "Data",
            Self::Worm => "WORM",
        };
        let mut bytes = vec![self as u8, 0, 0, 52, 1, generation.density()];
        bytes.extend([0; 8]);
        bytes.extend(WIDTH.to_be_bytes());
        bytes.extend([high, low, 0, 0]);
        bytes.extend(text::<8>("LTO-CVE", b' '));
        bytes.extend(text::<8>(&format!("LTO{number}{word}"), b' '));
        bytes.extend(text::<20>(&format!("Ultrium {number} {word} Tape"), b' '));
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
        let (media, types) = (cdb[1] & 0x01 != 0, cdb[1] & 0x02 != 0);
        let own = self.identity.generation;
        let mut densities = DENSITIES.to_vec();
        let mut kinds = MediumType::ALL.to_vec();
        if media {
            let mounted = self.ready()?;
            let (generation, kind) = (mounted.generation(), MediumType::of(mounted));
            densities.retain(|row| Some(row.generation) == generation);
            kinds.retain(|one| *one == kind);
        } else {
            densities.retain(|row| own.accepts(row.generation));
        }
        let rows = || densities.iter();
        let body: Vec<u8> = if types {
            let of_kind = |kind: MediumType| rows().map(move |row| kind.descriptor(row.generation));
            kinds.into_iter().flat_map(of_kind).flatten().collect()
        } else {
            rows().flat_map(|row| row.descriptor(own)).collect()
        };
        let [high, low] = u16(body.len() + 2);
        let bytes = [&[high, low, 0, 0], &body[..]].concat();
        exchange.reply(&bytes, usize::from(u16_at(cdb, 7)));
        Ok(())
    }
}
