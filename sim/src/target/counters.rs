//! What a drive counts: for the cartridge in it since it was loaded, and over its own life,
//! which is kept in a file.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::store::Durability;

/// Since the cartridge was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Direction {
    /// Bytes between host and drive.
    pub(super) bytes: u64,
    /// Blocks written or read again.
    pub(super) retries: u64,
    pub(super) uncorrected: u64,
}

/// Over the drive's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Lifetime {
    pub(super) loads: u64,
    pub(super) cleanings: u64,
    pub(super) power_cycles: u64,
    pub(super) hard_write_errors: u64,
    pub(super) hard_read_errors: u64,
    /// Before this power on.
    power_on: Duration,
    pub(super) motion: Duration,
    /// Motion at the last cleaning.
    cleaned_at: Duration,
}

#[derive(Debug)]
pub(crate) struct Counters {
    pub(super) written: Direction,
    pub(super) read: Direction,
    pub(super) lifetime: Lifetime,
    powered_at: Duration,
    file: PathBuf,
    durability: Durability,
}

impl Counters {
    /// Those of a drive that is switched on `now`.
    pub(crate) fn open(file: PathBuf, durability: Durability, now: Duration) -> io::Result<Self> {
        let mut lifetime: Lifetime = match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Lifetime::default(),
            Err(error) => return Err(error),
        };
        lifetime.power_cycles += 1;
        Ok(Self {
            written: Direction::default(),
            read: Direction::default(),
            lifetime,
            powered_at: now,
            file,
            durability,
        })
    }

    /// A cartridge was loaded.
    pub(super) fn loaded(&mut self) {
        self.written = Direction::default();
        self.read = Direction::default();
        self.lifetime.loads += 1;
    }

    pub(super) fn cleaned(&mut self) {
        self.lifetime.cleanings += 1;
        self.lifetime.cleaned_at = self.lifetime.motion;
    }

    pub(super) fn power_cycle(&mut self, now: Duration) {
        self.lifetime.power_on = self.power_on(now);
        self.lifetime.power_cycles += 1;
        self.powered_at = now;
        self.written = Direction::default();
        self.read = Direction::default();
    }

    /// The tape ran this many bytes at this rate.
    pub(super) fn moved(&mut self, bytes: u64, rate: u64) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        self.lifetime.motion += Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    }

    pub(super) fn power_on(&self, now: Duration) -> Duration {
        self.lifetime.power_on + now.saturating_sub(self.powered_at)
    }

    pub(super) fn motion_since_cleaning(&self) -> Duration {
        self.lifetime
            .motion
            .saturating_sub(self.lifetime.cleaned_at)
    }

    /// Writes the drive's life down.
    pub(super) fn save(&self, now: Duration) -> io::Result<()> {
        let lifetime = Lifetime {
            power_on: self.power_on(now),
            ..self.lifetime
        };
        let text = serde_json::to_vec(&lifetime).map_err(io::Error::other)?;
        write_atomically(&self.file, &text, self.durability)
    }
}
