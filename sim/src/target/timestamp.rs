//! The device clock of REPORT TIMESTAMP and SET TIMESTAMP (SPC-4, device clocks).

use std::time::Duration;

use crate::bytes::{u16, u32_at};
use crate::sense::Sense;

/// TIMESTAMP ORIGIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// 000b: zero at power on.
    PowerOn,
    /// 010b: SET TIMESTAMP.
    Host,
}

/// Milliseconds that count on from a value given at some moment.
#[derive(Debug)]
pub(crate) struct Timestamp {
    origin: Origin,
    milliseconds: u64,
    since: Duration,
}

/// Length of the parameter list and of the parameter data.
const LENGTH: usize = 12;

impl Timestamp {
    /// Zero at `now`, the time of the host's clock.
    pub(crate) fn at_power_on(now: Duration) -> Self {
        Self {
            origin: Origin::PowerOn,
            milliseconds: 0,
            since: now,
        }
    }

    /// REPORT TIMESTAMP: data length 10, origin (bits 2-0 of byte 2), TIMESTAMP bytes 4-9.
    pub(super) fn report(&self, now: Duration) -> Vec<u8> {
        let passed = u64::try_from(now.saturating_sub(self.since).as_millis()).unwrap_or(u64::MAX);
        let value = self.milliseconds.wrapping_add(passed).to_be_bytes();
        let origin = match self.origin {
            Origin::PowerOn => 0,
            Origin::Host => 2,
        };
        let [high, low] = u16(LENGTH - 2);
        let mut bytes = vec![high, low, origin, 0];
        bytes.extend(&value[2..]);
        bytes.extend([0, 0]);
        bytes
    }

    /// SET TIMESTAMP: TIMESTAMP bytes 4-9, whose first is at most F0h.
    pub(super) fn set(&mut self, list: &[u8], now: Duration) -> Result<(), Sense> {
        if list.len() != LENGTH {
            return Err(Sense::parameter_list_length());
        }
        if list[4] > 0xf0 {
            return Err(Sense::invalid_parameter(4));
        }
        let low = u64::from(u32_at(list, 6));
        *self = Self {
            origin: Origin::Host,
            milliseconds: u64::from(list[4]) << 40 | u64::from(list[5]) << 32 | low,
            since: now,
        };
        Ok(())
    }
}
