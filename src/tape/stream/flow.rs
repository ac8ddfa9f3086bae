//! Who waits for whom: what makes a stream as slow as it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::SharedClock;

/// Adds up time and counts, from any thread.
#[derive(Debug)]
pub(super) struct Stopwatch {
    clock: SharedClock,
    nanoseconds: AtomicU64,
    times: AtomicU64,
    running: AtomicU64,
}

impl Stopwatch {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            nanoseconds: AtomicU64::new(0),
            times: AtomicU64::new(0),
            running: AtomicU64::new(0),
        }
    }

    /// Measures until the guard is dropped.
    pub(super) fn start(&self) -> Lap<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        Lap {
            watch: self,
            since: self.clock.monotonic(),
        }
    }

    /// Adds time measured by somebody else.
    pub(super) fn add(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
    }

    pub(super) fn count(&self) {
        self.times.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    pub(super) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }
}

/// Time being measured.
pub(super) struct Lap<'w> {
    watch: &'w Stopwatch,
    since: Duration,
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        let now = self.watch.clock.monotonic();
        self.watch.add(now.saturating_sub(self.since));
        self.watch.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a stream's time went so far, by what the thread that frames it was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Waiting for files to be found and read, and making headers.
    pub source: Duration,
    /// Handing data to be compressed and encrypted, and waiting for that.
    pub encoding: Duration,
    /// Waiting for room in the ring of a drive.
    pub drive: Duration,
}

/// Whose turn it is: the source's, or the stream's that takes what the source has.
#[derive(Debug)]
pub(super) struct Turns {
    flow: FlowWatch,
    /// Since when it is the source's turn, or was when the stream's began.
    source: Duration,
    /// Since when it is the stream's turn.
    stream: Option<Duration>,
}

impl Turns {
    pub(super) fn new(flow: FlowWatch) -> Self {
        Self {
            source: flow.now(),
            stream: None,
            flow,
        }
    }

    pub(super) fn flow(&self) -> &FlowWatch {
        &self.flow
    }

    /// The stream's turn, if it is not that already.
    pub(super) fn begin(&mut self) {
        if self.stream.is_none() {
            self.stream = Some(self.flow.now());
        }
    }

    /// The source's turn.
    pub(super) fn end(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.source = self.flow.add(self.source, stream);
        }
    }
}

/// Measures the [`Flow`] of a stream; can be read at any time, from any thread.
#[derive(Debug, Clone)]
pub struct FlowWatch {
    /// Between two calls of the thread that frames the stream.
    source: Arc<Stopwatch>,
    /// Within them, waiting for drives included.
    taking: Arc<Stopwatch>,
    waiting: Arc<Stopwatch>,
    clock: SharedClock,
}

impl FlowWatch {
    /// `waiting` measures how long the stream waits for room in a ring.
    pub(super) fn new(clock: SharedClock, waiting: Arc<Stopwatch>) -> Self {
        let watch = || Arc::new(Stopwatch::new(Arc::clone(&clock)));
        Self {
            source: watch(),
            taking: watch(),
            waiting,
            clock,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The source took from `left` to `entered`, and the stream from there to now, which is
    /// returned.
    pub(super) fn add(&self, left: Duration, entered: Duration) -> Duration {
        let now = self.now();
        self.source.add(entered.saturating_sub(left));
        self.taking.add(now.saturating_sub(entered));
        now
    }

    /// So far.
    #[must_use]
    pub fn read(&self) -> Flow {
        let drive = self.waiting.total();
        Flow {
            source: self.source.total(),
            encoding: self.taking.total().saturating_sub(drive),
            drive,
        }
    }
}

/// What holds a stream up most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Finding and reading files.
    Source,
    /// Compressing and encrypting.
    Encoding,
    /// Writing to tape.
    Drive,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Source => "reading the source",
            Self::Encoding => "compressing and encrypting",
            Self::Drive => "the drive",
        })
    }
}

impl Flow {
    /// The stages and how much of all time went to each, in per cent; none if no time passed.
    #[must_use]
    pub fn shares(&self) -> Option<[(Stage, u32); 3]> {
        let all = [
            (Stage::Source, self.source),
            (Stage::Encoding, self.encoding),
            (Stage::Drive, self.drive),
        ];
        let sum: Duration = all.iter().map(|(_, time)| *time).sum();
        if sum.is_zero() {
            return None;
        }
        let share = |time: Duration| time.as_nanos() * 100 / sum.as_nanos();
        Some(all.map(|(stage, time)| (stage, u32::try_from(share(time)).unwrap_or(100))))
    }

    /// The stage most time went to, and its share.
    #[must_use]
    pub fn slowest(&self) -> Option<(Stage, u32)> {
        self.shares()?.into_iter().max_by_key(|(_, share)| *share)
    }
}

/// How one copy's drive was fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feeding {
    /// Bytes written in blocks of segments and set indexes.
    pub bytes: u64,
    /// Times the drive had to stop in the middle of a file because nothing was left to write.
    pub stops: u64,
    /// How long it waited for data.
    pub starved: Duration,
}

impl std::fmt::Display for Feeding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            bytes,
            stops,
            starved,
        } = self;
        let stops = match stops {
            0 => "never ran out of data".to_owned(),
            1 => "ran out of data once".to_owned(),
            more => format!("ran out of data {more} times"),
        };
        write!(
            f,
            "{} MB written, the drive {stops} and waited {} s for it",
            bytes / 1_000_000,
            starved.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_that_takes_most_time_is_named() {
        let seconds = Duration::from_secs;
        let flow = Flow {
            source: seconds(1),
            encoding: seconds(6),
            drive: seconds(3),
        };
        assert_eq!(flow.slowest(), Some((Stage::Encoding, 60)));
        assert_eq!(Flow::default().slowest(), None);
    }
}
