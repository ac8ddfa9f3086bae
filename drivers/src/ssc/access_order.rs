//! In which order to read parts of a tape: the drive's recommendation (RECEIVE and GENERATE
//! RECOMMENDED ACCESS ORDER, SSC-5; laid out as CTA's SCSI/Structures.hpp and LTFS's sg_tape.c have
//! it), and an order by position for drives that have none.

use super::drive::Drive;
use super::position::{BlockAddress, Partition};
use crate::bytes::{array_at, u8_at, u16_at, u32_at, u64_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of MAINTENANCE IN, with service action 1Dh RECEIVE RECOMMENDED ACCESS ORDER.
pub const MAINTENANCE_IN: u8 = 0xa3;
/// OPERATION CODE of MAINTENANCE OUT, with service action 1Dh GENERATE RECOMMENDED ACCESS ORDER.
pub const MAINTENANCE_OUT: u8 = 0xa4;
const SERVICE_ACTION: u8 = 0x1d;
/// UDS_LIMITS
const LIMITS: u8 = 0x80;
/// PROCESS: put the segments in order.
const REORDER: u8 = 2;
/// Bytes of a descriptor without geometry.
const DESCRIPTOR: usize = 32;

/// Objects that are read one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserDataSegment {
    /// Partition they are in.
    pub partition: Partition,
    /// The first.
    pub first: BlockAddress,
    /// The last.
    pub last: BlockAddress,
}

/// What a drive can take at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentLimits {
    /// Greatest number of segments.
    pub segments: u16,
    /// Greatest length of a descriptor in bytes.
    pub descriptor: u16,
}

impl SegmentLimits {
    /// Two numbers of two bytes.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        Some(Self {
            segments: u16_at(raw, 0)?,
            descriptor: u16_at(raw, 2)?,
        })
    }
}

/// The parameter list of GENERATE: four bytes reserved, the length of what follows, descriptors
/// whose names are the segments' indexes in ten digits. `None` when a partition is above 255.
#[must_use]
pub fn encode(segments: &[UserDataSegment]) -> Option<Vec<u8>> {
    let length = u32::try_from(segments.len() * DESCRIPTOR).ok()?;
    let mut list = vec![0; 4];
    list.extend(length.to_be_bytes());
    for (index, segment) in segments.iter().enumerate() {
        list.extend([0, 30, 0, 0, 0]);
        list.extend(format!("{index:010}").bytes().take(10));
        list.push(u8::try_from(segment.partition.0).ok()?);
        list.extend(segment.first.0.to_be_bytes());
        list.extend(segment.last.0.to_be_bytes());
    }
    Some(list)
}

/// The indexes named in the list of RECEIVE (length of the descriptors in bytes 4 to 7), as far
/// as it is whole; `None` for a name that is not one of ours.
#[must_use]
pub fn parse_order(raw: &[u8]) -> Option<Vec<usize>> {
    let end = (8 + u32_at(raw, 4)? as usize).min(raw.len());
    let mut rest = raw.get(8..end)?;
    let mut order = Vec::new();
    while let (Some(length), Some(name)) = (u16_at(rest, 0), array_at::<10>(rest, 5)) {
        let name = std::str::from_utf8(&name).ok()?;
        order.push(name.trim_end_matches(['\0', ' ']).parse().ok()?);
        // What a segment is stays with its index; but it has to be there whole.
        u8_at(rest, 15)?;
        u64_at(rest, 24)?;
        rest = rest.get(2 + usize::from(length)..).unwrap_or_default();
    }
    Some(order)
}

/// Indexes in the order of partition and position: one pass over the tape.
#[must_use]
pub fn by_position(segments: &[UserDataSegment]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..segments.len()).collect();
    order.sort_by_key(|index| {
        let segment = &segments[*index];
        (segment.partition, segment.first, segment.last)
    });
    order
}

/// Each index once.
fn is_permutation(order: &[usize], length: usize) -> bool {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..length)
}

impl Drive {
    /// How many segments the drive puts in order at once; `None` when it does not.
    pub fn access_order_limits(&mut self) -> Result<Option<SegmentLimits>, ScsiError> {
        let flags = SERVICE_ACTION | LIMITS;
        let cdb = [MAINTENANCE_IN, flags, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0];
        let command = Command::new("RECEIVE RECOMMENDED ACCESS ORDER", timeout::SETTING, cdb);
        match command.read(&mut *self.transport, 4) {
            Ok(raw) => SegmentLimits::parse(&raw)
                .map(Some)
                .ok_or_else(|| command.short(self.transport.path(), 4, &raw)),
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// In which order to read these segments, as indexes, each once: as the drive recommends, else
    /// by position. Up to three commands, none for fewer than two segments.
    pub fn access_order(&mut self, segments: &[UserDataSegment]) -> Result<Vec<usize>, ScsiError> {
        if segments.len() < 2 {
            return Ok(by_position(segments));
        }
        let fits = |limits: SegmentLimits| {
            segments.len() <= usize::from(limits.segments)
                && usize::from(limits.descriptor) >= DESCRIPTOR
        };
        let list = match self.access_order_limits()?.filter(|limits| fits(*limits)) {
            Some(_) => encode(segments),
            None => None,
        };
        let Some(list) = list else {
            return Ok(by_position(segments));
        };
        match self.recommended_order(&list) {
            Ok(Some(order)) if is_permutation(&order, segments.len()) => Ok(order),
            Ok(order) => {
                tracing::warn!(path = self.path(), ?order, "the drive's order is of no use");
                Ok(by_position(segments))
            }
            Err(error) if error.is_unsupported() => Ok(by_position(segments)),
            Err(error) => Err(error),
        }
    }

    fn recommended_order(&mut self, list: &[u8]) -> Result<Option<Vec<usize>>, ScsiError> {
        // A list of at most 65,535 descriptors: its length has room in 32 bits.
        let [a, b, c, d] = u32::try_from(list.len()).unwrap_or(u32::MAX).to_be_bytes();
        let cdb = [
            MAINTENANCE_OUT,
            SERVICE_ACTION,
            REORDER,
            0,
            0,
            0,
            a,
            b,
            c,
            d,
            0,
            0,
        ];
        Command::new("GENERATE RECOMMENDED ACCESS ORDER", timeout::SETTING, cdb)
            .write(&mut *self.transport, list)?;
        let cdb = [MAINTENANCE_IN, SERVICE_ACTION, 0, 0, 0, 0, a, b, c, d, 0, 0];
        let raw = Command::new("RECEIVE RECOMMENDED ACCESS ORDER", timeout::SETTING, cdb)
            .read(&mut *self.transport, list.len())?;
        Ok(parse_order(&raw))
    }
}
