//! TapeAlert: 64 flags by which a drive says what is wrong (SSC-4, TapeAlert log page
//! and TapeAlert application client interface).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use super::tape_alert_table::{FLAGS, Flag};
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
        self.row().name
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(self) -> TapeAlertSeverity {
        self.row().severity
    }

    /// What it says about drive or cartridge.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        self.row().advice
    }

    fn row(self) -> &'static Flag {
        &FLAGS[usize::from(self.0 - 1)]
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

    /// How bad the worst of them is; `None` when none is set.
    #[must_use]
    pub fn worst(self) -> Option<TapeAlertSeverity> {
        self.iter().map(TapeAlert::severity).max()
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
