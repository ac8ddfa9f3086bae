//! Commands of SPC that changers and drives carry out alike and that keep state: reservations
//! and the device clock.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use tapeward_drivers::socket::InitiatorId;

use super::attention::{Attentions, Condition};
use super::reservation::Reservations;
use super::supported;
use super::timestamp::Timestamp;
use super::{Access, Exchange, LogicalUnit, Stop};
use crate::bytes::u32_at;
use crate::library::Shared;
use crate::sense::Sense;

/// What a unit keeps for them.
#[derive(Debug)]
pub(crate) struct Primary {
    pub(super) reservations: Reservations,
    timestamp: Timestamp,
}

impl Primary {
    /// As after power on; `unit` is the logical unit number.
    pub(crate) fn open(shared: &Shared, unit: usize) -> io::Result<Self> {
        let file = shared.dir.join(format!("reservations-{unit}.json"));
        Ok(Self {
            reservations: Reservations::open(file, shared.durability)?,
            timestamp: Timestamp::at_power_on(shared.clock.monotonic()),
        })
    }

    pub(crate) fn power_cycle(&mut self, shared: &Shared) {
        self.reservations.power_cycle();
        self.timestamp = Timestamp::at_power_on(shared.clock.monotonic());
    }
}

/// What the commands work on.
pub(super) struct Parts<'a> {
    pub(super) primary: &'a mut Primary,
    pub(super) attentions: &'a mut Attentions,
    pub(super) prevented_by: &'a mut BTreeSet<InitiatorId>,
    /// The host's clock.
    pub(super) now: Duration,
}

/// The commands themselves.
pub(super) trait PrimaryCommands: LogicalUnit {
    fn parts(&mut self) -> Parts<'_>;

    /// RESERVE(6).
    fn reserve(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.parts().primary.reservations.answer_reserve(exchange)
    }

    /// RELEASE(6).
    fn release_unit(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.parts().primary.reservations.answer_release(exchange)
    }

    /// PERSISTENT RESERVE IN.
    fn persistent_reserve_in(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.parts().primary.reservations.answer_in(exchange)
    }

    /// PERSISTENT RESERVE OUT; PREEMPT AND ABORT also ends the preempted initiators' prevention
    /// of medium removal (SPC-4, PREVENT ALLOW MEDIUM REMOVAL).
    fn persistent_reserve_out(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let parts = self.parts();
        let reservations = &mut parts.primary.reservations;
        for nexus in reservations.answer_out(exchange, parts.attentions)? {
            parts.prevented_by.remove(&nexus);
        }
        Ok(())
    }

    /// MAINTENANCE IN A3h: REPORT SUPPORTED OPERATION CODES 0Ch, REPORT TIMESTAMP 0Fh, whose
    /// ALLOCATION LENGTH is in bytes 6-9.
    fn maintenance_in(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        match exchange.cdb[1] & 0x1f {
            0x0c => Ok(supported::answer::<Self>(exchange)?),
            0x0f => {
                let parts = self.parts();
                let bytes = parts.primary.timestamp.report(parts.now);
                exchange.reply(&bytes, u32_at(exchange.cdb, 6) as usize);
                Ok(())
            }
            _ => Err(Sense::invalid_cdb_field(1).into()),
        }
    }

    /// MAINTENANCE OUT A4h: SET TIMESTAMP 0Fh, whose PARAMETER LIST LENGTH is in bytes 6-9.
    fn maintenance_out(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        if exchange.cdb[1] & 0x1f != 0x0f {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        let length = u32_at(exchange.cdb, 6) as usize;
        if length == 0 {
            return Ok(());
        }
        let list = exchange.take(length)?;
        let parts = self.parts();
        parts.primary.timestamp.set(list, parts.now)?;
        let by = exchange.initiator;
        parts
            .attentions
            .raise(Condition::TimestampChanged, Some(by));
        Ok(())
    }
}

/// PREVENT ALLOW MEDIUM REMOVAL: to allow is always allowed.
pub(super) fn prevent_allow_access(cdb: &[u8]) -> Access {
    match cdb[4] & 0x03 {
        0 => Access::Always,
        _ => Access::Exclusive,
    }
}

/// MAINTENANCE IN: REPORT TIMESTAMP may be asked under any persistent reservation.
pub(super) fn maintenance_in_access(cdb: &[u8]) -> Access {
    if cdb[1] & 0x1f == 0x0f {
        Access::UnlessReserved
    } else {
        Access::Exclusive
    }
}
