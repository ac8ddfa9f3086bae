//! Partitions and capacity: the medium partition mode page, FORMAT MEDIUM, SET CAPACITY.

use super::drive::Drive;
use super::medium::{Medium, Mounted, write_failure};
use super::mode::ModePage;
use super::{Exchange, Stop};
use crate::bytes::u16_at;
use crate::cartridge::{Cartridge, CartridgeKind};
use crate::sense::{Sense, SenseKey};

/// Page code of the medium partition mode page.
pub(super) const PARTITION_PAGE: u8 = 0x11;
/// Partitions beside the first.
const MAXIMUM_ADDITIONAL: u8 = 1;
/// PSUM 11b, bits 4-3 of byte 4: sizes are in powers of ten of bytes.
const POWER_OF_TEN: u8 = 0x18;
/// IDP, bit 5 of byte 4: the host says how large.
const BY_HOST: u8 = 0x20;
/// POFM, bit 2 of byte 4: nothing happens before FORMAT MEDIUM.
const ON_FORMAT: u8 = 0x04;
/// A size that stands for what is left.
const REST: u16 = 0xffff;

/// Medium partition mode page 11h (SSC-4): MAXIMUM ADDITIONAL PARTITIONS byte 2, ADDITIONAL
/// PARTITIONS DEFINED byte 3, FDP SDP IDP PSUM POFM byte 4, MEDIUM FORMAT RECOGNITION byte 5,
/// PARTITION UNITS byte 6, PARTITION SIZE of each from byte 8 on. The host may change byte 3, FDP,
/// SDP, IDP, the unit and the sizes.
pub(super) fn page() -> ModePage {
    let mut changeable = vec![(3, 0x01), (4, 0xe0), (6, 0x0f)];
    changeable.extend((8..12).map(|at| (at, 0xff)));
    ModePage::new(PARTITION_PAGE, &page_body(&Medium::Empty), &changeable)
}

/// The page's values behind its header for what is in the drive.
pub(super) fn page_body(medium: &Medium) -> [u8; 10] {
    let sizes: Vec<u64> = match medium {
        Medium::Loaded(mounted) => match mounted.cartridge.record.kind {
            CartridgeKind::Data { .. } => mounted.cartridge.partition_sizes(),
            CartridgeKind::Cleaning { .. } => vec![0],
        },
        Medium::Empty | Medium::Unloaded(_) => vec![0],
    };
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let exponent = if largest / 1_000_000 < u64::from(REST) {
        6
    } else {
        9
    };
    let in_units = |size: &u64| u16::try_from(size / 10_u64.pow(exponent)).unwrap_or(REST);
    let additional = u8::try_from(sizes.len() - 1).unwrap_or(MAXIMUM_ADDITIONAL);
    let by_host = if additional > 0 { BY_HOST } else { 0 };
    let flags = by_host | POWER_OF_TEN | ON_FORMAT;
    let unit = u8::try_from(exponent).unwrap_or(9);
    let mut body = [
        MAXIMUM_ADDITIONAL,
        additional,
        flags,
        0x03,
        unit,
        0,
        0,
        0,
        0,
        0,
    ];
    for (place, size) in body[6..].chunks_exact_mut(2).zip(&sizes) {
        place.copy_from_slice(&in_units(size).to_be_bytes());
    }
    body
}

/// Bytes of each partition as the page asks for them. A size below the smallest becomes that; the
/// drive's own choice is a small second partition.
fn sizes_of(page: &[u8], capacity: u64) -> Result<Vec<u64>, Sense> {
    if page.get(3) != Some(&1) {
        return Ok(vec![capacity]);
    }
    let smallest = smallest_partition(capacity);
    if page[4] & BY_HOST == 0 {
        return Ok(vec![capacity - smallest, smallest]);
    }
    let unit = 10_u64.pow(u32::from(page[6] & 0x0f));
    let asked = |at: usize| match u16_at(page, at) {
        REST => None,
        size => Some(u64::from(size).saturating_mul(unit).max(smallest)),
    };
    let (first, second) = match (asked(8), asked(10)) {
        (Some(first), Some(second)) => (first, second),
        (None, Some(second)) => (capacity.saturating_sub(second), second),
        (Some(first), None) => (first, capacity.saturating_sub(first)),
        (None, None) => (0, 0),
    };
    let fits = first.checked_add(second).is_some_and(|sum| sum <= capacity);
    if !fits || first < smallest || second < smallest {
        // PARAMETER VALUE INVALID
        return Err(Sense::new(SenseKey::IllegalRequest, (0x26, 0x02)));
    }
    Ok(vec![first, second])
}

fn smallest_partition(capacity: u64) -> u64 {
    (capacity / 40).max(1)
}

impl Drive {
    /// The medium partition page is about the cartridge.
    pub(super) fn show_partitions(&mut self) {
        let page = page_body(&self.medium);
        self.pages.show(PARTITION_PAGE, &page);
    }

    /// FORMAT MEDIUM 04h (SSC-4): VERIFY is bit 1 and IMMED bit 0 of byte 1, FORMAT bits 3-0 of
    /// byte 2 (0h one partition, 1h as the page says, 2h the one and then the other), TRANSFER
    /// LENGTH bytes 3-4.
    pub(super) fn format_medium(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let partitions = match cdb[2] & 0x0f {
            0 => false,
            1 | 2 => true,
            _ => return Err(Sense::invalid_cdb_field(2).into()),
        };
        if cdb[1] & 0x02 != 0 {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        if u16_at(cdb, 3) != 0 {
            return Err(Sense::invalid_cdb_field(3).into());
        }
        let page = self.pages.current(PARTITION_PAGE, 0).to_vec();
        let mounted = self.reformattable()?;
        let capacity = mounted.cartridge.record.capacity;
        let sizes = if partitions {
            sizes_of(&page, capacity)?
        } else {
            vec![capacity]
        };
        self.reformat(|cartridge| cartridge.format(&sizes))
    }

    /// SET CAPACITY 0Bh (SSC-4): IMMED is bit 0 of byte 1; MEDIUM FOR USE PROPORTION VALUE bytes
    /// 3-4, in 65,535ths of all there is.
    pub(super) fn set_capacity(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let proportion = u64::from(u16_at(exchange.cdb, 3));
        let record = &mut self.reformattable()?.cartridge.record;
        let full = record.full_capacity.unwrap_or(record.capacity);
        let wanted = u128::from(full) * u128::from(proportion) / 65_535;
        let capacity = u64::try_from(wanted)
            .unwrap_or(full)
            .max(smallest_partition(full));
        record.full_capacity = Some(full);
        record.early_warning = record.early_warning.min(capacity / 4);
        record.capacity = capacity;
        self.reformat(|cartridge| cartridge.format(&[capacity]))
    }

    /// The medium, if all of it may go: writable, not WORM, at the beginning of partition 0.
    fn reformattable(&mut self) -> Result<&mut Mounted, Sense> {
        self.check_format_allowed()?;
        let mounted = self.writable()?;
        if mounted.is_worm() {
            return Err(Sense::new(SenseKey::DataProtect, (0x30, 0x0c)));
        }
        if (mounted.cartridge.partition(), mounted.position) != (0, 0) {
            // POSITION PAST BEGINNING OF MEDIUM
            return Err(Sense::new(SenseKey::IllegalRequest, (0x3b, 0x0c)));
        }
        Ok(mounted)
    }

    fn reformat(
        &mut self,
        how: impl FnOnce(&mut Cartridge) -> std::io::Result<()>,
    ) -> Result<(), Stop> {
        let mounted = self.ready()?;
        let formatted = how(&mut mounted.cartridge);
        formatted.map_err(|error| write_failure(&mounted.cartridge, &error))?;
        mounted.position = 0;
        mounted.warning_due = false;
        self.show_partitions();
        Ok(())
    }
}
