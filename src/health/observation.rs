//! What one mount of a cartridge in a drive showed.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
pub use tapeward_drivers::spc::error_counters::ErrorCounters;
use tapeward_drivers::ssc::device_pages::{DeviceStatistics, SequentialAccessCounters};
use tapeward_drivers::ssc::{TapeAlerts, VolumeStatistics};

use super::number::real_u64;
use crate::id::{CartridgeId, IdError};

/// Unit serial number of a drive (SPC-5, VPD page 80h), without surrounding blanks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DriveSerial(String);

impl FromStr for DriveSerial {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(IdError {
                text: text.to_owned(),
                expected: "the serial number of a drive",
            });
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl fmt::Display for DriveSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Errors the drive reported as sense data during one mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SenseTally {
    /// MEDIUM ERROR and HARDWARE ERROR, deferred ones included; not what only says that the tape
    /// ends or does not suit the drive.
    pub hard: u32,
    /// RECOVERED ERROR.
    pub recovered: u32,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Writing, log page 02h.
    pub write: ErrorCounters,
    /// Reading, log page 03h.
    pub read: ErrorCounters,
    /// From sense data.
    pub sense: SenseTally,
    /// TapeAlert flags that were set; the page is read once, since reading clears it.
    pub alerts: TapeAlerts,
    /// Log page 17h, whole.
    pub volume: Option<VolumeStatistics>,
    /// Log page 14h: the life of the drive.
    pub device: Option<DeviceStatistics>,
    /// Log page 0Ch: what went through the drive.
    pub sequential: Option<SequentialAccessCounters>,
    /// What could not be asked for, and why.
    pub missing: Vec<String>,
}

/// A mount: which cartridge in which drive, when it ended, what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The cartridge.
    pub cartridge: CartridgeId,
    /// The drive.
    pub drive: DriveSerial,
    /// Vendor and product of the drive: counters of different models are not comparable.
    pub model: String,
    /// When the cartridge was taken out.
    pub at: DateTime<Utc>,
    /// What it showed.
    pub usage: Usage,
}

/// Below this much data a rate of errors says nothing.
const LEAST_BYTES: u64 = 1 << 30;

impl Usage {
    /// Bytes that went over the heads, where the drive counts them.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        match (self.write.bytes, self.read.bytes) {
            (None, None) => None,
            (write, read) => Some(write.unwrap_or(0).saturating_add(read.unwrap_or(0))),
        }
    }

    /// Errors that were overcome: corrected, rewritten, reread.
    #[must_use]
    pub fn overcome(&self) -> Option<u64> {
        let parts = [
            self.write.corrected,
            self.write.retries,
            self.read.corrected,
            self.read.retries,
        ];
        if parts.iter().all(Option::is_none) {
            return None;
        }
        Some(
            parts
                .into_iter()
                .flatten()
                .fold(0, |sum: u64, part| sum.saturating_add(part)),
        )
    }

    /// Errors overcome per GiB; `None` where it is not counted or too little went over the heads.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let bytes = self.bytes().filter(|bytes| *bytes >= LEAST_BYTES)?;
        Some(real_u64(self.overcome()?) / real_u64(bytes) * real_u64(LEAST_BYTES))
    }

    /// Data that could not be written or read, by whichever way the drive said so.
    #[must_use]
    pub fn failed(&self) -> bool {
        let uncorrected = |counters: &ErrorCounters| counters.uncorrected.unwrap_or(0) > 0;
        self.sense.hard > 0
            || uncorrected(&self.write)
            || uncorrected(&self.read)
            || self.alerts.iter().any(super::alert::is_failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeward_drivers::ssc::TapeAlert;

    #[test]
    fn a_rate_needs_counters_and_a_gibibyte() {
        let mut usage = Usage::default();
        assert_eq!((usage.rate(), usage.failed()), (None, false));
        usage.write.bytes = Some(4 << 30);
        assert_eq!(usage.rate(), None, "nothing is counted");
        usage.write.corrected = Some(30);
        usage.read.retries = Some(10);
        assert_eq!(usage.rate(), Some(10.0));
        usage.write.bytes = Some((1 << 30) - 1);
        assert_eq!(usage.rate(), None);
    }

    #[test]
    fn each_way_to_say_it_failed_counts_and_cleaning_does_not() {
        let with = |change: fn(&mut Usage)| {
            let mut usage = Usage::default();
            change(&mut usage);
            usage.failed()
        };
        assert!(with(|usage| usage.sense.hard = 1));
        assert!(with(|usage| usage.read.uncorrected = Some(1)));
        assert!(with(|usage| usage.alerts.insert(TapeAlert::HARD_ERROR)));
        assert!(!with(|usage| usage.alerts.insert(TapeAlert::CLEAN_NOW)));
        assert!(!with(|usage| usage.sense.recovered = 3));
        assert!(!with(|usage| usage.write.uncorrected = Some(0)));
    }
}
