//! The only place that asks for the time.

use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

/// Tells the time and waits. Everything takes it as a parameter; nothing else asks the system.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
    /// Time since an arbitrary fixed moment, never going back; for rates and time limits.
    fn monotonic(&self) -> Duration;
    /// Lets this much time pass.
    fn pause(&self, duration: Duration);
}

/// Shared handle to a clock.
pub type SharedClock = Arc<dyn Clock>;

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self {
            started: std::time::Instant::now(),
        })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that stands still until somebody pauses; for tests.
#[derive(Debug)]
pub struct ManualClock {
    start: DateTime<Utc>,
    passed: std::sync::Mutex<Duration>,
}

impl ManualClock {
    /// A clock standing at `start`.
    #[must_use]
    pub fn shared(start: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self {
            start,
            passed: std::sync::Mutex::new(Duration::ZERO),
        })
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self
            .passed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn pause(&self, duration: Duration) {
        *self
            .passed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) += duration;
    }
}
