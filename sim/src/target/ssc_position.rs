//! REWIND, SPACE, LOCATE, READ POSITION.

use super::drive::Drive;
use super::medium::{Mounted, Zone};
use super::{Exchange, Stop};
use crate::bytes::{u16_at, u24, u24_at, u32, u32_at, u64_at};
use crate::clock::Activity;
use crate::sense::{Sense, SenseKey, StreamBits};

impl Drive {
    /// REWIND (SSC-4).
    pub(super) fn rewind(&mut self, _: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(self.move_to_beginning()?)
    }

    pub(super) fn move_to_beginning(&mut self) -> Result<(), Sense> {
        self.move_to(0)
    }

    /// Writes the buffer out and goes to this logical object.
    fn move_to(&mut self, position: u64) -> Result<(), Sense> {
        let mounted = self.ready()?;
        mounted.synchronize()?;
        let (from, to) = (mounted.used(), mounted.used_before(position));
        let capacity = mounted.cartridge.record.capacity;
        if mounted.position != position {
            mounted.position = position;
            self.charge(Activity::Locate {
                distance: from.abs_diff(to),
                capacity,
            });
        }
        Ok(())
    }

    /// SPACE(6) (SSC-4): CODE is bits 3-0 of byte 1, COUNT three bytes, two's complement.
    pub(super) fn space6(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let count = i64::from(u24_at(exchange.cdb, 2));
        let count = if count >= 1 << 23 {
            count - (1 << 24)
        } else {
            count
        };
        self.space(exchange.cdb[1] & 0x0f, count)
    }

    /// SPACE(16) (SSC-4): COUNT is bytes 4-11, two's complement.
    pub(super) fn space16(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        if u16_at(exchange.cdb, 12) != 0 {
            return Err(Sense::invalid_cdb_field(12).into()); // PARAMETER LENGTH
        }
        let count = u64_at(exchange.cdb, 4).cast_signed();
        self.space(exchange.cdb[1] & 0x0f, count)
    }

    fn space(&mut self, code: u8, count: i64) -> Result<(), Stop> {
        let mounted = self.ready()?;
        let (target, stop) = match code {
            0x0 => space_blocks(mounted, count),
            0x1 => space_filemarks(mounted, count),
            0x3 => (mounted.cartridge.store.len(), None),
            _ => return Err(Sense::invalid_cdb_field(1).into()),
        };
        self.move_to(target)?;
        stop.map_or(Ok(()), |sense| Err(sense.into()))
    }

    /// LOCATE(10) (SSC-4): IMMED is bit 0 of byte 1, CP bit 1, BT bit 2; the logical object
    /// identifier bytes 3-6, the partition byte 8.
    pub(super) fn locate10(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        self.check_partition(cdb, 8)?;
        self.locate(u64::from(u32_at(cdb, 3)))
    }

    /// LOCATE(16) (SSC-4): DEST_TYPE is bits 5-3 of byte 1, CP bit 1, the partition byte 3,
    /// the logical identifier bytes 4-11.
    pub(super) fn locate16(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        self.check_partition(cdb, 3)?;
        let identifier = u64_at(cdb, 4);
        match cdb[1] >> 3 & 0x07 {
            0 => self.locate(identifier),
            1 => self.locate_file(identifier),
            3 => {
                let end = self.ready()?.cartridge.store.len();
                Ok(self.move_to(end)?)
            }
            _ => Err(Sense::invalid_cdb_field(1).into()),
        }
    }

    /// CP with a partition other than 0: there is only one.
    fn check_partition(&mut self, cdb: &[u8], at: u16) -> Result<(), Sense> {
        self.ready()?;
        if cdb[1] & 0x02 != 0 && cdb[usize::from(at)] != 0 {
            return Err(Sense::invalid_cdb_field(at));
        }
        Ok(())
    }

    fn locate(&mut self, object: u64) -> Result<(), Stop> {
        let end = self.ready()?.cartridge.store.len();
        self.move_to(object.min(end))?;
        if object > end {
            return Err(Sense::new(SenseKey::BlankCheck, (0x00, 0x05)).into());
        }
        Ok(())
    }

    /// The first object of a tape file: behind the filemark that ends the one before.
    fn locate_file(&mut self, file: u64) -> Result<(), Stop> {
        let store = &self.ready()?.cartridge.store;
        let start = match file.checked_sub(1) {
            None => Some(0),
            Some(before) => store.filemark(before).map(|mark| mark + 1),
        };
        self.locate(start.unwrap_or(u64::MAX))
    }

    /// READ POSITION (SSC-4): SERVICE ACTION is bits 4-0 of byte 1: 00h and 01h short, 06h
    /// long, 08h extended.
    pub(super) fn read_position(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let size = self.programmable_early_warning();
        let mounted = self.ready()?;
        let place = Place::of(mounted, size);
        match exchange.cdb[1] & 0x1f {
            0x00 | 0x01 => exchange.reply(&place.short(), 20),
            0x06 => exchange.reply(&place.long(), 32),
            0x08 => {
                let allocation = usize::from(u16_at(exchange.cdb, 7));
                exchange.reply(&place.extended(), allocation);
            }
            _ => return Err(Sense::invalid_cdb_field(1).into()),
        }
        Ok(())
    }
}

/// Where SPACE over blocks ends, and what stops it before (SSC-4).
fn space_blocks(mounted: &Mounted, count: i64) -> (u64, Option<Sense>) {
    let (store, start) = (&mounted.cartridge.store, mounted.position);
    let wanted = count.unsigned_abs();
    if count >= 0 {
        let mark = store.filemark(store.filemarks_before(start));
        let limit = mark.unwrap_or(store.len());
        let possible = limit - start;
        if wanted <= possible {
            return (start + wanted, None);
        }
        let residual = wanted - possible;
        match mark {
            Some(mark) => (mark + 1, Some(filemark_met(residual))),
            None => (limit, Some(end_of_data(residual))),
        }
    } else {
        let mark = store
            .filemarks_before(start)
            .checked_sub(1)
            .and_then(|number| store.filemark(number));
        let limit = mark.map_or(0, |mark| mark + 1);
        let possible = start - limit;
        if wanted <= possible {
            return (start - wanted, None);
        }
        let residual = wanted - possible;
        match mark {
            Some(mark) => (mark, Some(filemark_met(residual))),
            None => (0, Some(beginning(residual))),
        }
    }
}

/// Where SPACE over filemarks ends: behind the last one, on the side it goes to.
fn space_filemarks(mounted: &Mounted, count: i64) -> (u64, Option<Sense>) {
    let (store, start) = (&mounted.cartridge.store, mounted.position);
    let wanted = count.unsigned_abs();
    let before = store.filemarks_before(start);
    if count == 0 {
        return (start, None);
    }
    if count > 0 {
        let possible = store.filemark_count() - before;
        if wanted > possible {
            return (store.len(), Some(end_of_data(wanted - possible)));
        }
        let mark = store.filemark(before + wanted - 1).unwrap_or(store.len());
        (mark + 1, None)
    } else {
        if wanted > before {
            return (0, Some(beginning(wanted - before)));
        }
        (store.filemark(before - wanted).unwrap_or(0), None)
    }
}

fn filemark_met(residual: u64) -> Sense {
    Sense::new(SenseKey::NoSense, (0x00, 0x01))
        .with_stream(StreamBits::FILEMARK)
        .with_residual(residual)
}

fn end_of_data(residual: u64) -> Sense {
    Sense::new(SenseKey::BlankCheck, (0x00, 0x05)).with_residual(residual)
}

fn beginning(residual: u64) -> Sense {
    Sense::new(SenseKey::NoSense, (0x00, 0x04))
        .with_stream(StreamBits::END_OF_MEDIUM)
        .with_residual(residual)
}

/// What READ POSITION tells.
#[derive(Debug, Clone, Copy)]
struct Place {
    beginning: bool,
    zone: Zone,
    position: u64,
    file: u64,
    /// First object that is not on the medium yet; the position when the buffer is empty.
    on_medium: u64,
    buffered_objects: u64,
    buffered_bytes: u64,
}

impl Place {
    fn of(mounted: &Mounted, warning_size: u64) -> Self {
        let store = &mounted.cartridge.store;
        let synchronized = store.synchronized();
        let buffered_objects = store.len() - synchronized;
        Self {
            beginning: mounted.position == 0,
            zone: mounted.zone(mounted.used(), warning_size),
            position: mounted.position,
            file: store.filemarks_before(mounted.position),
            on_medium: if buffered_objects == 0 {
                mounted.position
            } else {
                synchronized
            },
            buffered_objects,
            buffered_bytes: store.bytes_before(store.len()) - store.bytes_before(synchronized),
        }
    }

    /// Bits of byte 0 that all forms have: BOP bit 7, EOP bit 6 (beyond early warning), BPEW
    /// bit 0.
    fn flags(self) -> u8 {
        let beyond = self.zone > Zone::Normal;
        u8::from(self.beginning) << 7
            | u8::from(self.zone == Zone::BeyondEarlyWarning) << 6
            | u8::from(beyond)
    }

    /// Short form (SSC-4): counts that do not fit are flagged as unknown by LOCU (bit 5)
    /// and BYCU (bit 4), locations that do not as an overflow by PERR (bit 1).
    fn short(self) -> Vec<u8> {
        let fits = |value: u64, limit: u64| value < limit;
        let counts = fits(self.buffered_objects, 1 << 24);
        let bytes_known = fits(self.buffered_bytes, 1 << 32);
        let located = fits(self.position, 1 << 32);
        let mut bytes = vec![0; 20];
        bytes[0] = self.flags()
            | u8::from(!counts) << 5
            | u8::from(!bytes_known) << 4
            | u8::from(!located) << 1;
        if located {
            bytes[4..8].copy_from_slice(&u32(self.position));
            bytes[8..12].copy_from_slice(&u32(self.on_medium));
        }
        if counts {
            let count = usize::try_from(self.buffered_objects).unwrap_or(usize::MAX);
            bytes[13..16].copy_from_slice(&u24(count));
        }
        if bytes_known {
            bytes[16..20].copy_from_slice(&u32(self.buffered_bytes));
        }
        bytes
    }

    /// Long form (SSC-4): partition, logical object number, logical file identifier.
    fn long(self) -> Vec<u8> {
        let mut bytes = vec![0; 32];
        bytes[0] = self.flags();
        bytes[8..16].copy_from_slice(&self.position.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.file.to_be_bytes());
        bytes
    }

    /// Extended form (SSC-4).
    fn extended(self) -> Vec<u8> {
        let counts = self.buffered_objects < 1 << 24;
        let mut bytes = vec![0; 32];
        bytes[0] = self.flags() | u8::from(!counts) << 5;
        bytes[3] = 28;
        if counts {
            let count = usize::try_from(self.buffered_objects).unwrap_or(usize::MAX);
            bytes[5..8].copy_from_slice(&u24(count));
        }
        bytes[8..16].copy_from_slice(&self.position.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.on_medium.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.buffered_bytes.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(position: u64) -> Place {
        Place {
            beginning: position == 0,
            zone: Zone::Normal,
            position,
            file: 7,
            on_medium: position,
            buffered_objects: 0,
            buffered_bytes: 0,
        }
    }

    /// Quantum "DLT-S4 Interface Reference Guide", figure 135 and table 151 (pages 271 to 273):
    /// a location that does not fit is PERR, bit 1; LOLU, bit 2, says that it is not known.
    #[test]
    fn a_location_beyond_the_short_form_is_an_overflow() {
        let last = place(u64::from(u32::MAX)).short();
        assert_eq!(
            last[..12],
            [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]
        );
        let beyond = place(1 << 32).short();
        assert_eq!(beyond[..12], [0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Figure 136 (page 274) of the same guide: partition in bytes 4 to 7, logical object number
    /// in 8 to 15, logical file identifier in 16 to 23.
    #[test]
    fn the_long_form_has_room() {
        let long = place((1 << 32) + 5).long();
        let expected = [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7,
        ];
        assert_eq!(long[..24], expected);
        assert_eq!(long[24..], [0; 8]);
        assert_eq!(place(0).long()[0], 0x80);
    }
}
