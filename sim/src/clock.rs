//! Virtual time: what real hardware would have taken.
//!
//! Nothing waits. Each device has its own account of time, as devices work side by side; off
//! unless the library was made with timing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
    /// The tape stopped after streaming.
    Stop,
}

/// The accounts of all devices of a library, the changer first.
#[derive(Debug)]
pub struct VirtualClock {
    timing: Timing,
    accounts: Vec<Mutex<Account>>,
}

impl VirtualClock {
    /// Accounts for a changer and this many drives.
    #[must_use]
    pub fn new(timing: Timing, drives: usize) -> Self {
        Self {
            timing,
            accounts: (0..=drives).map(|_| Mutex::default()).collect(),
        }
    }

    /// Charges a device: 0 is the changer, 1 and up the drives.
    pub fn charge(&self, device: usize, activity: Activity) {
        if self.timing == Timing::Off {
            return;
        }
        let Some(account) = self.accounts.get(device) else {
            return;
        };
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = match activity {
            Activity::Mechanical(time) => {
                account.mechanical += 1;
                time
            }
            Activity::Locate { distance, capacity } => {
                account.locates += 1;
                share(END_TO_END, distance, capacity)
            }
            Activity::Stream { bytes, rate } => {
                account.streamed += bytes;
                share(Duration::from_secs(1), bytes, rate)
            }
            Activity::Stop => {
                account.stops += 1;
                STOP_AND_BACK_UP
            }
        };
        account.busy += spent;
    }

    /// The accounts so far, the changer first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let read =
            |account: &Mutex<Account>| *account.lock().unwrap_or_else(PoisonError::into_inner);
        self.accounts.iter().map(read).collect()
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

    #[test]
    fn time_follows_distance_and_rate() {
        let clock = VirtualClock::new(Timing::On, 1);
        clock.charge(0, Activity::Mechanical(MOVE));
        clock.charge(
            1,
            Activity::Locate {
                distance: 50,
                capacity: 100,
            },
        );
        clock.charge(
            1,
            Activity::Stream {
                bytes: 720_000_000,
                rate: 360_000_000,
            },
        );
        clock.charge(1, Activity::Stop);
        let accounts = clock.accounts();
        assert_eq!(accounts[0].busy, MOVE);
        assert_eq!(accounts[1].busy, Duration::from_secs(50 + 2 + 3));
        assert_eq!((accounts[1].locates, accounts[1].stops), (1, 1));
    }

    #[test]
    fn nothing_is_charged_when_off() {
        let clock = VirtualClock::new(Timing::Off, 0);
        clock.charge(0, Activity::Mechanical(MOVE));
        assert_eq!(clock.accounts(), [Account::default()]);
    }
}
