//! Recommended access order (SSC-5): GENERATE and RECEIVE RECOMMENDED ACCESS ORDER.

use super::drive::Drive;
use super::medium::Mounted;
use super::primary::PrimaryCommands;
use super::{Exchange, Stop};
use crate::bytes::{u16_at, u32, u32_at, u64_at};
use crate::sense::Sense;

/// Service action of both.
const RECOMMENDED_ACCESS_ORDER: u8 = 0x1d;
/// Bytes of a user data segment descriptor without geometry.
const DESCRIPTOR: usize = 32;
/// Most segments of a list.
const MAXIMUM_SEGMENTS: usize = 2730;
/// Times the tape goes from one end to the other and back.
const WRAPS: u64 = 280;

impl Drive {
    /// MAINTENANCE IN A3h: RECEIVE RECOMMENDED ACCESS ORDER, else what every unit has.
    pub(super) fn maintenance_in_of_drive(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        if exchange.cdb[1] & 0x1f == RECOMMENDED_ACCESS_ORDER {
            return self.receive_access_order(exchange);
        }
        self.maintenance_in(exchange)
    }

    /// MAINTENANCE OUT A4h, likewise.
    pub(super) fn maintenance_out_of_drive(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        if exchange.cdb[1] & 0x1f == RECOMMENDED_ACCESS_ORDER {
            return self.generate_access_order(exchange);
        }
        self.maintenance_out(exchange)
    }

    /// PROCESS bits 2-0 of byte 2 (2h: put in order), UDS_TYPE bits 2-0 of byte 3 (0h: without
    /// geometry), PARAMETER LIST LENGTH bytes 6-9. The list: ADDITIONAL DATA length bytes 4-7, then
    /// descriptors of 32 bytes.
    fn generate_access_order(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        if cdb[2] & 0x07 != 2 {
            return Err(Sense::invalid_cdb_field(2).into());
        }
        if cdb[3] & 0x07 != 0 {
            return Err(Sense::invalid_cdb_field(3).into());
        }
        let mounted = self.ready()?;
        let length = u32_at(cdb, 6) as usize;
        if length == 0 {
            return Ok(());
        }
        let list = exchange.take(length)?;
        let segments = parse(list, mounted)?;
        let ordered = in_order(mounted, segments);
        self.access_orders.insert(exchange.initiator, ordered);
        Ok(())
    }

    /// UDS_LIMITS bit 7 of byte 1; RAO LIST OFFSET bytes 2-5; ALLOCATION LENGTH bytes 6-9; UDS_TYPE
    /// bits 2-0 of byte 10. The list has PROCESS in byte 0 and its length in bytes 4-7; limits are
    /// the greatest number of segments and the length of a descriptor.
    fn receive_access_order(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let allocation = u32_at(cdb, 6) as usize;
        if cdb[10] & 0x07 != 0 {
            return Err(Sense::invalid_cdb_field(10).into());
        }
        if cdb[1] & 0x80 != 0 {
            let limits = [MAXIMUM_SEGMENTS, DESCRIPTOR].map(crate::bytes::u16);
            exchange.reply(limits.as_flattened(), allocation);
            return Ok(());
        }
        let segments = self.access_orders.get(&exchange.initiator);
        let segments = segments.map_or(&[][..], Vec::as_slice);
        let mut bytes = vec![0; 8];
        bytes[0] = if segments.is_empty() { 0 } else { 2 };
        bytes[4..8].copy_from_slice(&u32((segments.len() * DESCRIPTOR) as u64));
        bytes.extend(segments.iter().flatten());
        let offset = u32_at(cdb, 2) as usize;
        let from = bytes.get(offset..).ok_or(Sense::invalid_cdb_field(2))?;
        exchange.reply(from, allocation);
        Ok(())
    }
}

/// One descriptor: DESCRIPTOR LENGTH bytes 0-1 (001Eh), name bytes 5-14, PARTITION NUMBER byte 15,
/// first and last object bytes 16-23 and 24-31.
pub(super) type Segment = [u8; DESCRIPTOR];

fn parse(list: &[u8], mounted: &Mounted) -> Result<Vec<Segment>, Sense> {
    let stated = u32_at(list, 4) as usize;
    let body = list.get(8..).unwrap_or_default();
    if stated != body.len() || !body.len().is_multiple_of(DESCRIPTOR) {
        return Err(Sense::parameter_list_length());
    }
    if body.len() / DESCRIPTOR > MAXIMUM_SEGMENTS {
        return Err(Sense::invalid_parameter(4));
    }
    let (segments, _) = body.as_chunks::<DESCRIPTOR>();
    for (segment, at) in segments.iter().zip((8..).step_by(DESCRIPTOR)) {
        if usize::from(u16_at(segment, 0)) != DESCRIPTOR - 2 {
            return Err(Sense::invalid_parameter(at));
        }
        if segment[15] >= mounted.cartridge.partition_count() {
            return Err(Sense::invalid_parameter(at + 15));
        }
        if u64_at(segment, 24) < u64_at(segment, 16) {
            return Err(Sense::invalid_parameter(at + 24));
        }
    }
    Ok(segments.to_vec())
}

/// Where along the tape, and on which wrap: odd wraps run backwards.
fn place(mounted: &Mounted, partition: u8, object: u64) -> (u64, u64) {
    let wrap_length = (mounted.cartridge.record.capacity / WRAPS).max(1);
    let used = mounted.used_in(partition, object);
    let (wrap, offset) = (used / wrap_length, used % wrap_length);
    let along = if wrap.is_multiple_of(2) {
        offset
    } else {
        wrap_length - offset
    };
    (wrap, along)
}

/// Always the segment that is nearest along the tape, another wrap being a little farther.
fn in_order(mounted: &Mounted, mut left: Vec<Segment>) -> Vec<Segment> {
    let turn = mounted.cartridge.record.capacity / WRAPS / 50;
    let mut here = place(mounted, mounted.cartridge.partition(), mounted.position);
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let distance = |segment: &Segment| {
            let (wrap, along) = place(mounted, segment[15], u64_at(segment, 16));
            along.abs_diff(here.1) + if wrap == here.0 { 0 } else { turn }
        };
        let nearest = (0..left.len()).min_by_key(|index| distance(&left[*index]));
        let next = left.remove(nearest.unwrap_or(0));
        here = place(mounted, next[15], u64_at(&next, 24));
        ordered.push(next);
    }
    ordered
}
