//! The longest block that gets through to a drive: what its path moves in one command, what the
//! drive takes, and what was tried on a tape.

use std::fmt;

use serde::Serialize;
use tapeward_drivers::Drive;

use super::robot::DriveSite;
use crate::catalogue::BlockLimit;
use crate::tape::BlockSize;

/// The largest block that a volume can have.
const MOST: u32 = 8 << 20;

/// Lengths in bytes; none: it could not be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BlockLimits {
    /// What the path moves in one command, at least.
    pub path: Option<u32>,
    /// MAXIMUM BLOCK LENGTH LIMIT of the drive (SSC-4, READ BLOCK LIMITS).
    pub device: Option<u32>,
    /// The shortest block that did not come back from a tape as it was written.
    pub refused: Option<u32>,
}

impl BlockLimits {
    /// Asks path and drive; no cartridge is needed.
    pub fn probe(drive: &mut Drive) -> Self {
        let Some(scsi) = drive.scsi() else {
            return Self::default();
        };
        let path = scsi.path().to_owned();
        let device = match scsi.read_block_limits() {
            // 0: there is no limit.
            Ok(limits) => Some(limits.maximum).filter(|maximum| *maximum > 0),
            Err(error) => {
                tracing::debug!(drive = path, %error, "block limits");
                None
            }
        };
        let mut carries = |kibibytes: u32| match scsi.carries(kibibytes as usize * 1024) {
            Ok(carried) => carried,
            Err(error) => {
                tracing::debug!(drive = path, %error, "longest transfer");
                false
            }
        };
        Self {
            path: longest(MOST / 1024, &mut carries).map(|kibibytes| kibibytes * 1024),
            device,
            refused: None,
        }
    }

    /// With what was tried before, if path and drive are as they were then.
    #[must_use]
    pub fn with_tried(self, known: Option<&BlockLimit>) -> Self {
        let same = known.filter(|known| known.path == self.path && known.device == self.device);
        Self {
            refused: same.and_then(|known| known.refused),
            ..self
        }
    }

    /// What is wrong with blocks of this size, if they do not get through.
    #[must_use]
    pub fn objection(&self, size: BlockSize) -> Option<Objection> {
        let size = u32::from(size);
        let over = |limit: Option<u32>| limit.filter(|limit| *limit < size);
        over(self.path)
            .map(Objection::Path)
            .or_else(|| over(self.device).map(Objection::Device))
            .or_else(|| {
                let refused = self.refused.filter(|refused| *refused <= size);
                refused.map(Objection::Tried)
            })
    }

    /// In one line, why blocks of `what` do not get through to a drive, if they do not.
    #[must_use]
    pub fn refusal(&self, site: &DriveSite, size: BlockSize, what: &str) -> Option<String> {
        let objection = self.objection(size)?;
        Some(format!(
            "{what} has blocks of {size}, too long for {} (serial {}): {objection}",
            site.name, site.serial
        ))
    }
}

impl fmt::Display for BlockLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [self.path, self.device, self.refused.map(|size| size - 1)];
        match known.into_iter().flatten().min() {
            Some(limit) => write!(f, "up to {}", Length(limit)),
            None => f.write_str("any length, as far as is known"),
        }
    }
}

/// Why blocks of some size do not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// The path moves no more than this.
    Path(u32),
    /// The drive takes no more than this.
    Device(u32),
    /// One of this length did not come back from a tape.
    Tried(u32),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(limit) => {
                write!(
                    f,
                    "the host adapter moves at most {} at once",
                    Length(*limit)
                )
            }
            Self::Device(limit) => write!(f, "the drive takes at most {}", Length(*limit)),
            Self::Tried(size) => {
                write!(f, "one of {} did not come back from a tape", Length(*size))
            }
        }
    }
}

/// A number of bytes for people, exactly.
struct Length(u32);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match BlockSize::new(u64::from(self.0)) {
            Ok(size) => size.fmt(f),
            Err(_) => write!(f, "{} bytes", self.0),
        }
    }
}

/// The largest number from 1 to `most` that is carried, if those up to it are and none above.
fn longest(most: u32, carries: &mut dyn FnMut(u32) -> bool) -> Option<u32> {
    if carries(most) {
        return Some(most);
    }
    let (mut good, mut bad) = (0, most);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if carries(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Some(good).filter(|good| *good > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_longest_is_found_in_few_questions(limit in 0_u32..9000) {
            let mut asked = 0;
            let found = longest(8192, &mut |length| {
                asked += 1;
                length <= limit
            });
            prop_assert_eq!(found, Some(limit.min(8192)).filter(|found| *found > 0));
            prop_assert!(asked <= 15, "{}", asked);
        }
    }

    #[test]
    fn whatever_is_least_decides_and_is_named() {
        let size = |kibibytes: u64| BlockSize::new(kibibytes << 10).unwrap();
        let limits = BlockLimits {
            path: Some(512 << 10),
            device: Some(8 << 20),
            refused: None,
        };
        assert_eq!(limits.objection(size(512)), None);
        let why = limits.objection(size(1024)).unwrap().to_string();
        assert_eq!(why, "the host adapter moves at most 512 KiB at once");
        let known = BlockLimit {
            drive: "A".parse().unwrap(),
            path: limits.path,
            device: limits.device,
            tried: Some(64 << 10),
            refused: Some(128 << 10),
            at: chrono::DateTime::UNIX_EPOCH,
        };
        let tried = limits.with_tried(Some(&known));
        assert_eq!(tried.objection(size(64)), None);
        assert_eq!(
            tried.objection(size(128)),
            Some(Objection::Tried(128 << 10))
        );
        // Another adapter: what was tried with the old one says nothing.
        let other = BlockLimits {
            path: Some(1 << 20),
            ..limits
        };
        assert_eq!(other.with_tried(Some(&known)).objection(size(128)), None);
        assert_eq!(BlockLimits::default().objection(size(8192)), None);
    }
}
