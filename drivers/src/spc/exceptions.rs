//! Informational exceptions control mode page 1Ch (SPC-4; SSC-4 for the TapeAlert flag number).

use serde::{Deserialize, Serialize};

use super::mode::ModePage;
use crate::bytes::u32_at;

/// MRIE: how informational exceptions are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportMethod {
    /// 0h
    None,
    /// 2h: by a unit attention.
    UnitAttention,
    /// 3h: by RECOVERED ERROR, where the device may report recovered errors.
    RecoveredErrorIfAllowed,
    /// 4h: by RECOVERED ERROR.
    RecoveredError,
    /// 5h: by NO SENSE.
    NoSense,
    /// 6h: to REQUEST SENSE only.
    OnRequest,
    /// Any other value.
    Other(u8),
}

impl From<u8> for ReportMethod {
    fn from(byte: u8) -> Self {
        match byte & 0x0f {
            0x0 => Self::None,
            0x2 => Self::UnitAttention,
            0x3 => Self::RecoveredErrorIfAllowed,
            0x4 => Self::RecoveredError,
            0x5 => Self::NoSense,
            0x6 => Self::OnRequest,
            other => Self::Other(other),
        }
    }
}

impl ReportMethod {
    fn code(self) -> u8 {
        match self {
            Self::None => 0x0,
            Self::UnitAttention => 0x2,
            Self::RecoveredErrorIfAllowed => 0x3,
            Self::RecoveredError => 0x4,
            Self::NoSense => 0x5,
            Self::OnRequest => 0x6,
            Self::Other(code) => code & 0x0f,
        }
    }
}

/// Informational exceptions control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InformationalExceptions {
    /// PERF: reporting must cause no delay.
    pub no_delay: bool,
    /// EWASC: warnings are reported too.
    pub warnings: bool,
    /// DEXCPT: nothing is reported; TapeAlert is read from its log page.
    pub disabled: bool,
    /// TEST: with the flag number an order to raise a flag; never set in what a device returns.
    pub test: bool,
    /// LOGERR.
    pub log_errors: bool,
    /// MRIE.
    pub method: ReportMethod,
    /// INTERVAL TIMER, in tenths of a second; 0 for once.
    pub interval: u32,
    /// REPORT COUNT, or with TEST the TEST FLAG NUMBER: a flag's number to raise it, the same
    /// negative to clear it.
    pub report_count: u32,
}

impl InformationalExceptions {
    /// From page 1Ch; `None` when it is cut off.
    #[must_use]
    pub fn parse(page: &ModePage) -> Option<Self> {
        let flags = page.byte(2)?;
        Some(Self {
            no_delay: flags & 0x80 != 0,
            warnings: flags & 0x10 != 0,
            disabled: flags & 0x08 != 0,
            test: flags & 0x04 != 0,
            log_errors: flags & 0x01 != 0,
            method: ReportMethod::from(page.byte(3)?),
            interval: u32_at(&page.body, 2)?,
            report_count: u32_at(&page.body, 6)?,
        })
    }

    /// Writes the values into a page that came from the device; what is not of these stays.
    /// `false` when the page is cut off.
    pub fn apply(&self, page: &mut ModePage) -> bool {
        let (Some(flags), Some(method)) = (page.byte(2), page.byte(3)) else {
            return false;
        };
        let bit = |shift: u32, set: bool| u8::from(set) << shift;
        let known = bit(7, self.no_delay)
            | bit(4, self.warnings)
            | bit(3, self.disabled)
            | bit(2, self.test)
            | bit(0, self.log_errors);
        let mut whole = page.set_byte(2, flags & !0x9d | known);
        whole &= page.set_byte(3, method & 0xf0 | self.method.code());
        let numbers = [self.interval, self.report_count];
        let bytes = numbers.iter().flat_map(|number| number.to_be_bytes());
        for (at, byte) in (4..).zip(bytes) {
            whole &= page.set_byte(at, byte);
        }
        whole
    }
}
