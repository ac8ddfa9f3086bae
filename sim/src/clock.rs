//! Virtual time: what real hardware would have taken.
//!
//! Nothing waits. Each device has its own account of time, as devices work side by side; off
//! unless the library was made with timing.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Time to thread the tape after it is inserted, and again to take it out.
pub const LOAD: Duration = Duration::from_secs(17);
/// Time of one move of the robot.
pub const MOVE: Duration = Duration::from_secs(12);
/// Longest time from one end of the tape to the other.
pub const END_TO_END: Duration = Duration::from_secs(100);
/// Time to stop, go back and be at speed again.
pub const STOP_AND_BACK_UP: Duration = Duration::from_secs(3);
/// Time of one cleaning.
pub const CLEANING: Duration = Duration::from_secs(120);

/// Time LTO-9 drives take to calibrate a cartridge when it is loaded for the first time.
pub const CALIBRATION: Duration = Duration::from_secs(40 * 60);

/// Data a drive's buffer holds; when a host is slower than the tape, it runs dry.
pub const BUFFER_LENGTH: u64 = 256 << 20;

/// Tells when the host's data comes.
pub trait HostClock: Debug + Send + Sync {
    /// Time since an arbitrary fixed moment, never going back.
    fn monotonic(&self) -> Duration;
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemHostClock(Instant);

impl Default for SystemHostClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl HostClock for SystemHostClock {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Whether time is accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timing {
    /// It is not.
    #[default]
    Off,
    /// It is.
    On,
}

/// The account of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// Virtual time spent.
    pub busy: Duration,
    /// Loads and unloads, or moves of the robot.
    pub mechanical: u64,
    /// Changes of position.
    pub locates: u64,
    /// Bytes streamed.
    pub streamed: u64,
    /// Times the tape had to stop.
    pub stops: u64,
}

/// What takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Loading, unloading, moving or cleaning.
    Mechanical(Duration),
    /// Going over this many bytes of a tape of that many.
    Locate {
        /// Bytes between the two places.
        distance: u64,
        /// Bytes on a full tape.
        capacity: u64,
    },
    /// Reading or writing at this rate (bytes a second).
    Stream {
        /// Bytes.
        bytes: u64,
        /// Bytes a second.
        rate: u64,
    },
}

/// A tape in motion: how far the buffer is ahead of it, when.
#[derive(Debug, Clone, Copy)]
struct Motion {
    at: Duration,
    ahead: Duration,
}

impl Motion {
    /// The motion after a transfer that takes the tape `needed`, and whether the tape had to stop
    /// before because the buffer ran dry.
    fn after(
        before: Option<Self>,
        now: Duration,
        needed: Duration,
        most: Duration,
    ) -> (Self, bool) {
        let passed = before.map_or(Duration::ZERO, |before| now.saturating_sub(before.at));
        let left = before.map_or(Some(Duration::ZERO), |before| {
            before.ahead.checked_sub(passed)
        });
        let motion = Self {
            at: now,
            ahead: (left.unwrap_or_default() + needed).min(most),
        };
        (motion, left.is_none())
    }
}

#[derive(Debug, Default)]
struct Meter {
    account: Account,
    motion: Option<Motion>,
}

/// The accounts of all devices of a library, the changer first.
#[derive(Debug)]
pub struct VirtualClock {
    timing: Timing,
    host: Arc<dyn HostClock>,
    meters: Vec<Mutex<Meter>>,
}

impl VirtualClock {
    /// Accounts for a changer and this many drives.
    #[must_use]
    pub fn new(timing: Timing, drives: usize, host: Arc<dyn HostClock>) -> Self {
        Self {
            timing,
            host,
            meters: (0..=drives).map(|_| Mutex::default()).collect(),
        }
    }

    /// The host's clock.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.host.monotonic()
    }

    /// Whether time is accounted for.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Charges a device: 0 is the changer, 1 and up the drives.
    pub fn charge(&self, device: usize, activity: Activity) {
        if self.timing == Timing::Off {
            return;
        }
        let Some(meter) = self.meters.get(device) else {
            return;
        };
        let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = &mut *meter;
        meter.account.busy += match activity {
            Activity::Mechanical(time) => {
                meter.account.mechanical += 1;
                meter.motion = None;
                time
            }
            Activity::Locate { distance, capacity } => {
                meter.account.locates += 1;
                meter.motion = None;
                share(END_TO_END, distance, capacity)
            }
            Activity::Stream { bytes, rate } => {
                let needed = share(Duration::from_secs(1), bytes, rate);
                let most = share(Duration::from_secs(1), BUFFER_LENGTH, rate);
                let now = self.host.monotonic();
                let (motion, stopped) = Motion::after(meter.motion, now, needed, most);
                meter.motion = Some(motion);
                meter.account.streamed += bytes;
                meter.account.stops += u64::from(stopped);
                needed
                    + if stopped {
                        STOP_AND_BACK_UP
                    } else {
                        Duration::ZERO
                    }
            }
        };
    }

    /// The accounts so far, the changer first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let read = |meter: &Mutex<Meter>| {
            let meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
            meter.account
        };
        self.meters.iter().map(read).collect()
    }
}

/// `whole * part / of`, in nanoseconds.
fn share(whole: Duration, part: u64, of: u64) -> Duration {
    let nanos = whole.as_nanos() * u128::from(part) / u128::from(of.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands where it is put.
    #[derive(Debug, Default)]
    struct Standing(Mutex<Duration>);

    impl HostClock for Standing {
        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    const SECOND: Activity = Activity::Stream {
        bytes: 360_000_000,
        rate: 360_000_000,
    };

    #[test]
    fn time_follows_distance_and_rate() {
        let clock = VirtualClock::new(Timing::On, 1, Arc::new(Standing::default()));
        clock.charge(0, Activity::Mechanical(MOVE));
        let (distance, capacity) = (50, 100);
        clock.charge(1, Activity::Locate { distance, capacity });
        clock.charge(1, SECOND);
        let accounts = clock.accounts();
        assert_eq!(accounts[0].busy, MOVE);
        assert_eq!(accounts[1].busy, Duration::from_secs(50 + 1));
        assert_eq!((accounts[1].locates, accounts[1].stops), (1, 0));
    }

    #[test]
    fn a_host_slower_than_the_tape_makes_it_stop() {
        let host = Arc::new(Standing::default());
        let clock = VirtualClock::new(Timing::On, 1, Arc::clone(&host) as Arc<dyn HostClock>);
        for (now, stops) in [(0, 0), (500, 0), (1000, 0), (3000, 1), (3100, 1), (9000, 2)] {
            *host.0.lock().unwrap() = Duration::from_millis(now);
            clock.charge(1, SECOND);
            assert_eq!(clock.accounts()[1].stops, stops, "at {now} ms");
        }
        clock.charge(1, Activity::Mechanical(LOAD));
        *host.0.lock().unwrap() = Duration::from_secs(1000);
        clock.charge(1, SECOND);
        assert_eq!(clock.accounts()[1].stops, 2);
    }

    #[test]
    fn nothing_is_charged_when_off() {
        let clock = VirtualClock::new(Timing::Off, 0, Arc::new(Standing::default()));
        clock.charge(0, Activity::Mechanical(MOVE));
        assert_eq!(clock.accounts(), [Account::default()]);
    }
}
