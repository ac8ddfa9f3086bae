//! TapeAlert: 64 flags by which a drive says what is wrong (SSC-4, TapeAlert log page
//! and TapeAlert application client interface).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::error::ScsiError;
use crate::spc::log::{self, LogPage};

/// How bad it is (SSC-4, TapeAlert flags).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TapeAlertSeverity {
    /// Advice.
    Information,
    /// Data or performance may suffer.
    Warning,
    /// Something failed or will.
    Critical,
}

/// One flag, by its number from 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct TapeAlert(u8);

/// A number that is no TapeAlert flag's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("TapeAlert flags are numbered 1 to 64, not {0}")]
pub struct NoSuchFlag(pub u8);

impl TryFrom<u8> for TapeAlert {
    type Error = NoSuchFlag;
    fn try_from(number: u8) -> Result<Self, NoSuchFlag> {
        if (1..=64).contains(&number) {
            Ok(Self(number))
        } else {
            Err(NoSuchFlag(number))
        }
    }
}

impl From<TapeAlert> for u8 {
    fn from(flag: TapeAlert) -> Self {
        flag.0
    }
}

impl TapeAlert {
    /// 03h: the drive gave up on a block.
    pub const HARD_ERROR: Self = Self(3);
    /// 04h: the cartridge is faulty.
    pub const MEDIA: Self = Self(4);
    /// 14h: clean the drive now.
    pub const CLEAN_NOW: Self = Self(20);
    /// 15h: clean the drive soon.
    pub const CLEAN_PERIODIC: Self = Self(21);
    /// 16h: the cleaning cartridge is worn out.
    pub const EXPIRED_CLEANING_MEDIA: Self = Self(22);

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its name in the standard.
    #[must_use]
    pub fn name(self) -> &'static str {
        FLAGS[usize::from(self.0 - 1)].1
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(self) -> TapeAlertSeverity {
        FLAGS[usize::from(self.0 - 1)].0
    }
}

impl fmt::Display for TapeAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TapeAlert {:02X}h {}", self.0, self.name())
    }
}

/// The flags that are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TapeAlerts(u64);

impl TapeAlerts {
    /// From log page 2Eh: parameters 0001h to 0040h, one byte each, bit 0.
    #[must_use]
    pub fn from_log(page: &LogPage) -> Self {
        let mut all = Self::default();
        for parameter in &page.parameters {
            let set = parameter.value.first().is_some_and(|byte| byte & 0x01 != 0);
            if let (true, Ok(flag)) = (set, u8::try_from(parameter.code).map_err(|_| ())) {
                all.insert_number(flag);
            }
        }
        all
    }

    fn insert_number(&mut self, number: u8) {
        if let Ok(flag) = TapeAlert::try_from(number) {
            self.insert(flag);
        }
    }

    /// Sets a flag.
    pub fn insert(&mut self, flag: TapeAlert) {
        self.0 |= 1 << (flag.0 - 1);
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn contains(self, flag: TapeAlert) -> bool {
        self.0 >> (flag.0 - 1) & 1 == 1
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are set, ascending.
    pub fn iter(self) -> impl Iterator<Item = TapeAlert> {
        (1..=64)
            .map(TapeAlert)
            .filter(move |flag| self.contains(*flag))
    }

    /// Flags set in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Drive {
    /// The flags that are set; `None` when the drive lacks the page. Reading clears them:
    /// whoever asks has to keep the answer.
    pub fn tape_alerts(&mut self) -> Result<Option<TapeAlerts>, ScsiError> {
        let page = log::log_sense(&mut *self.transport, log::TAPE_ALERT, 0)?;
        Ok(page.map(|page| TapeAlerts::from_log(&page)))
    }
}

use TapeAlertSeverity::{Critical as C, Information as I, Warning as W};

/// Flag 1 first (SSC-4, TapeAlert flags).
#[rustfmt::skip]
const FLAGS: [(TapeAlertSeverity, &str); 64] = [
    (W, "Read warning"), (W, "Write warning"), (W, "Hard error"), (C, "Media"),
    (C, "Read failure"), (C, "Write failure"), (W, "Media life"), (W, "Not data grade"),
    (C, "Write protect"), (I, "No removal"), (I, "Cleaning media"), (I, "Unsupported format"),
    (C, "Recoverable mechanical cartridge failure"),
    (C, "Unrecoverable mechanical cartridge failure"),
    (W, "Memory chip in cartridge failure"), (C, "Forced eject"), (W, "Read only format"),
    (W, "Tape directory corrupted on load"), (I, "Nearing media life"), (C, "Clean now"),
    (W, "Clean periodic"), (C, "Expired cleaning media"), (C, "Invalid cleaning tape"),
    (W, "Retension requested"), (W, "Multi-port interface error on a primary port"),
    (W, "Cooling fan failure"), (W, "Power supply failure"), (W, "Power consumption"),
    (W, "Drive preventive maintenance required"), (C, "Hardware A"), (C, "Hardware B"),
    (W, "Primary interface"), (C, "Eject media"), (W, "Microcode update fail"),
    (W, "Drive humidity"), (W, "Drive temperature"), (W, "Drive voltage"),
    (C, "Predictive failure"), (W, "Diagnostics required"), (C, "Obsolete (28h)"),
    (C, "Obsolete (29h)"), (W, "Obsolete (2Ah)"), (C, "Obsolete (2Bh)"), (C, "Obsolete (2Ch)"),
    (C, "Obsolete (2Dh)"), (C, "Obsolete (2Eh)"),
    (W, "External data encryption control - communications failure"),
    (W, "External data encryption control - key manager returned error"),
    (I, "Diminished native capacity"), (W, "Lost statistics"),
    (W, "Tape directory invalid at unload"),
    (C, "Tape system area write failure"), (C, "Tape system area read failure"),
    (C, "No start of data"), (C, "Loading or threading failure"),
    (C, "Unrecoverable unload failure"), (C, "Automation interface failure"),
    (W, "Microcode failure"), (W, "WORM medium - integrity check failed"),
    (W, "WORM medium - overwrite attempted"), (W, "Encryption policy violation"),
    (I, "Reserved (3Eh)"), (I, "Reserved (3Fh)"), (I, "Reserved (40h)"),
];
