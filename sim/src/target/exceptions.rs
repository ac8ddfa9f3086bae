//! Informational exceptions control mode page 1Ch of a drive: how TapeAlert flags are reported,
//! and the test that raises them (SPC-4; SSC-4, where TEST FLAG NUMBER is in bytes 8-11).

use super::alert::FLAGS;
use super::drive::Drive;
use super::mode::{ModePage, SelectPlan};
use crate::sense::{Sense, SenseKey};

/// FAILURE PREDICTION THRESHOLD EXCEEDED, and with the test its (FALSE) form.
const THRESHOLD_EXCEEDED: (u8, u8) = (0x5d, 0x00);
const THRESHOLD_EXCEEDED_FALSE: (u8, u8) = (0x5d, 0xff);

/// DEXCPT, bit 3 of byte 2: nothing is reported but in the TapeAlert log page.
const DISABLED: u8 = 0x08;
/// TEST, bit 2 of byte 2.
const TEST: u8 = 0x04;
/// TEST FLAG NUMBER that means all flags.
const ALL_FLAGS: i32 = 32_767;

/// What a MODE SELECT with TEST asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlagTest {
    None,
    /// Reports an exception without any flag.
    Report,
    Raise(u8),
    Clear(u8),
    RaiseAll,
}

/// Disabled as drives come; DEXCPT, TEST, MRIE and the flag number can be changed.
pub(super) fn page() -> ModePage {
    let changeable = [
        (2, DISABLED | TEST),
        (3, 0x0f),
        (8, 0xff),
        (9, 0xff),
        (10, 0xff),
        (11, 0xff),
    ];
    ModePage::new(0x1c, &[DISABLED, 0x03, 0, 0, 0, 0, 0, 0, 0, 0], &changeable)
}

impl Drive {
    /// Checks the page in a MODE SELECT; what its test is to do.
    pub(super) fn exceptions_test(plan: &SelectPlan) -> Result<FlagTest, Sense> {
        let Some((_, page)) = plan.page((0x1c, 0x00)) else {
            return Ok(FlagTest::None);
        };
        // MRIE: none, RECOVERED ERROR (conditionally, always), NO SENSE, on request only.
        if !matches!(page[3] & 0x0f, 0 | 3..=6) {
            return Err(Sense::invalid_parameter(3));
        }
        if page[2] & TEST == 0 {
            return Ok(FlagTest::None);
        }
        let number = i32::from_be_bytes([page[8], page[9], page[10], page[11]]);
        let flag = |number: i32| {
            let flag = u8::try_from(number).ok().filter(|flag| *flag <= FLAGS);
            flag.ok_or_else(|| Sense::invalid_parameter(8))
        };
        match number {
            0 if page[2] & DISABLED != 0 => Err(Sense::invalid_parameter(2)),
            0 => Ok(FlagTest::Report),
            ALL_FLAGS => Ok(FlagTest::RaiseAll),
            1.. => flag(number).map(FlagTest::Raise),
            _ => flag(number.saturating_neg()).map(FlagTest::Clear),
        }
    }

    /// Does what the test asks for; the page then shows neither TEST nor the number.
    pub(super) fn carry_out_test(&mut self, test: FlagTest) {
        match test {
            FlagTest::None => return,
            FlagTest::Report => self.alerts.raise_number(0),
            FlagTest::Raise(number) => self.alerts.raise_number(number),
            FlagTest::Clear(number) => self.alerts.clear_number(number),
            FlagTest::RaiseAll => (1..=FLAGS).for_each(|number| self.alerts.raise_number(number)),
        }
        let mut page = self.pages.current(0x1c, 0).to_vec();
        page[2] &= !TEST;
        page[8..12].fill(0);
        self.pages.show(0x1c, &page[2..]);
    }

    /// What is reported after a command that was carried out.
    pub(super) fn exception_after_command(&mut self) -> Option<Sense> {
        let key = match self.exception_method()? {
            3 | 4 => SenseKey::RecoveredError,
            5 => SenseKey::NoSense,
            _ => return None,
        };
        self.exception(key)
    }

    /// What REQUEST SENSE is told when nothing else is pending.
    pub(super) fn exception_for_request_sense(&mut self) -> Option<Sense> {
        match self.exception_method()? {
            6 => self.exception(SenseKey::NoSense),
            _ => None,
        }
    }

    /// MRIE, unless exceptions are disabled.
    fn exception_method(&self) -> Option<u8> {
        let page = self.pages.current(0x1c, 0);
        (page[2] & DISABLED == 0).then_some(page[3] & 0x0f)
    }

    fn exception(&mut self, key: SenseKey) -> Option<Sense> {
        let due = self.alerts.take_exception();
        let additional = if self.alerts.active() == 0 {
            THRESHOLD_EXCEEDED_FALSE
        } else {
            THRESHOLD_EXCEEDED
        };
        due.then(|| Sense::new(key, additional))
    }
}
