//! TapeAlert flags (SSC-4): raised by events, cleared for each initiator by its reading.

use std::collections::BTreeMap;

use tapeward_drivers::socket::InitiatorId;

/// The flags this drive raises; the value is the flag's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alert {
    HardError = 3,
    Media = 4,
    ReadFailure = 5,
    WriteFailure = 6,
    WriteProtect = 9,
    NoRemoval = 10,
    CleaningMedia = 11,
    UnsupportedFormat = 12,
    CleanNow = 20,
    CleanPeriodic = 21,
    ExpiredCleaningMedia = 22,
}

impl Alert {
    /// Flag 1 is the most significant bit of the 64, as in MAM attribute 0002h.
    fn bit(self) -> u64 {
        bit_of(self as u8)
    }
}

/// Number of flags.
pub(super) const FLAGS: u8 = 64;

/// Flag 1 is the most significant bit, as in MAM attribute 0002h.
fn bit_of(number: u8) -> u64 {
    1_u64
        .checked_shl(u32::from(FLAGS.saturating_sub(number)))
        .unwrap_or(0)
}

/// The flags of one drive.
#[derive(Debug, Default)]
pub(crate) struct TapeAlerts {
    active: u64,
    /// A flag was raised and no informational exception was reported for it.
    exception_due: bool,
    /// What each initiator that has read the page has not read yet.
    unread: BTreeMap<InitiatorId, u64>,
}

impl TapeAlerts {
    pub(crate) fn raise(&mut self, alert: Alert) {
        self.raise_bits(alert.bit());
    }

    pub(crate) fn clear(&mut self, alert: Alert) {
        self.clear_bits(alert.bit());
    }

    /// Any of the 64 flags, by its number from 1.
    pub(super) fn raise_number(&mut self, number: u8) {
        self.raise_bits(bit_of(number));
    }

    pub(super) fn clear_number(&mut self, number: u8) {
        self.clear_bits(bit_of(number));
    }

    fn raise_bits(&mut self, bits: u64) {
        self.exception_due = true;
        self.active |= bits;
        for unread in self.unread.values_mut() {
            *unread |= bits;
        }
    }

    fn clear_bits(&mut self, bits: u64) {
        self.active &= !bits;
        for unread in self.unread.values_mut() {
            *unread &= !bits;
        }
    }

    /// Whether an informational exception is to be reported, which then is.
    pub(super) fn take_exception(&mut self) -> bool {
        std::mem::take(&mut self.exception_due)
    }

    pub(super) fn is_active(&self, alert: Alert) -> bool {
        self.active & alert.bit() != 0
    }

    /// Whether some initiator has flags to read.
    pub(super) fn has_unread(&self) -> bool {
        if self.unread.is_empty() {
            self.active != 0
        } else {
            self.unread.values().any(|flags| *flags != 0)
        }
    }

    /// A new cartridge: only what is about the drive itself stays.
    pub(crate) fn new_medium(&mut self) {
        let stays = Alert::CleanNow.bit() | Alert::CleanPeriodic.bit();
        self.active &= stays;
        for unread in self.unread.values_mut() {
            *unread &= stays;
        }
    }

    /// Flags in force, whoever has read them.
    pub(crate) fn active(&self) -> u64 {
        self.active
    }

    /// Flags this initiator has not read; afterwards it has.
    pub(crate) fn read(&mut self, initiator: InitiatorId) -> u64 {
        let unread = self.unread.entry(initiator).or_insert(self.active);
        std::mem::take(unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_clears_for_the_reader_only() {
        let (one, two) = (InitiatorId([1; 16]), InitiatorId([2; 16]));
        let mut alerts = TapeAlerts::default();
        alerts.raise(Alert::CleanNow);
        assert_eq!(alerts.read(one), 1 << 44);
        assert_eq!(alerts.read(one), 0);
        assert_eq!(alerts.read(two), 1 << 44);
        alerts.raise(Alert::HardError);
        alerts.new_medium();
        assert_eq!((alerts.read(one), alerts.active()), (0, 1 << 44));
        alerts.clear(Alert::CleanNow);
        assert_eq!(alerts.active(), 0);
    }
}
