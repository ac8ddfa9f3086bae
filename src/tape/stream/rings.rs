//! The producer's ends of all rings, and how long one lane may keep the others waiting.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::event::{LaneEvent, StreamEvent};
use super::fan_out::LaneItem;
use super::flow::Stopwatch;
use super::ring::{Refused, RingSender};
use super::shared::Shared;
use crate::archive::member::SinkError;
use crate::clock::SharedClock;
use crate::id::CopyNumber;

/// How often to look at the clock while a ring is full.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Since when which lane has had nothing to do, by the stream's clock.
#[derive(Debug)]
pub(super) struct Idleness {
    clock: SharedClock,
    since: Mutex<BTreeMap<CopyNumber, Duration>>,
}

impl Idleness {
    pub(super) fn new(clock: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            since: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CopyNumber, Duration>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane's ring is empty.
    pub(super) fn begin(&self, copy: CopyNumber) {
        let now = self.clock.monotonic();
        self.lock().entry(copy).or_insert(now);
    }

    /// The lane has something to do, or is over.
    pub(super) fn end(&self, copy: CopyNumber) {
        self.lock().remove(&copy);
    }
}

/// One lane's ring.
#[derive(Debug)]
struct Ring {
    copy: CopyNumber,
    items: RingSender,
    /// Time that others stood idle because of this lane, less the time they did not since.
    owed: Duration,
    /// Until when that was counted.
    counted: Duration,
}

/// All rings.
///
/// A lane that keeps another one idle for more than half of the time runs up a debt of idle time;
/// one that is only somewhat slower pays back more than it owes. At `patience` the lane is left
/// behind: one that stands still after this time, one four times as slow after twice this time.
#[derive(Debug)]
pub(super) struct Rings {
    all: Vec<Ring>,
    /// Of lanes that gave their drives away.
    resting: Vec<Ring>,
    idleness: Arc<Idleness>,
    patience: Duration,
    shared: Arc<Shared>,
    events: Sender<StreamEvent>,
    /// How long the producer waited for room.
    waiting: Arc<Stopwatch>,
}

impl Rings {
    pub(super) fn new(
        lanes: Vec<(CopyNumber, RingSender)>,
        idleness: Arc<Idleness>,
        patience: Duration,
        shared: Arc<Shared>,
        events: Sender<StreamEvent>,
    ) -> Self {
        let now = idleness.clock.monotonic();
        let waiting = Arc::new(Stopwatch::new(Arc::clone(&idleness.clock)));
        let ring = |(copy, items)| Ring {
            copy,
            items,
            owed: Duration::ZERO,
            counted: now,
        };
        Self {
            all: lanes.into_iter().map(ring).collect(),
            resting: Vec::new(),
            idleness,
            patience,
            shared,
            events,
            waiting,
        }
    }

    /// Sends to every lane that still listens, and waits where a ring is full, for as long as
    /// patience lasts. That none listens shows in the shared state.
    pub(super) fn send(&mut self, item: &LaneItem) {
        let mut behind = Vec::new();
        let mut resting = Vec::new();
        self.all.retain(|ring| match ring.items.try_send(item) {
            Ok(()) => true,
            Err(Refused::Full) => {
                behind.push(ring.copy);
                true
            }
            Err(Refused::Resting) => {
                resting.push(ring.copy);
                true
            }
            Err(Refused::Gone) => false,
        });
        for copy in resting {
            self.set_aside(copy);
        }
        if behind.is_empty() {
            return;
        }
        let waiting = Arc::clone(&self.waiting);
        let _lap = waiting.start();
        let mut since = self.idleness.clock.monotonic();
        while !behind.is_empty() {
            let copy = behind.remove(0);
            let Some(ring) = self.all.iter().find(|ring| ring.copy == copy) else {
                continue;
            };
            let sent = ring.items.send_timeout(item, LOOK_AGAIN);
            behind.push(copy);
            since = self.charge(&behind, since);
            match sent {
                Ok(()) => {
                    behind.pop();
                }
                Err(Refused::Full) => {}
                Err(Refused::Resting) => self.set_aside(copy),
                Err(Refused::Gone) => {
                    self.all.retain(|ring| ring.copy != copy);
                }
            }
        }
    }

    fn set_aside(&mut self, copy: CopyNumber) {
        if let Some(at) = self.all.iter().position(|ring| ring.copy == copy) {
            self.resting.push(self.all.swap_remove(at));
        }
    }

    /// Before a segment begins: lanes that have a volume again get it too.
    pub(super) fn let_in(&mut self) {
        let now = self.idleness.clock.monotonic();
        for copy in self.shared.let_in() {
            self.set_aside(copy);
            if let Some(at) = self.resting.iter().position(|ring| ring.copy == copy) {
                let mut ring = self.resting.swap_remove(at);
                ring.items.let_in();
                ring.counted = now;
                self.all.push(ring);
            }
        }
    }

    /// How long the producer waits for room.
    pub(super) fn waiting(&self) -> Arc<Stopwatch> {
        Arc::clone(&self.waiting)
    }

    /// Waits until every lane has decided on every segment, for as long as patience lasts.
    pub(super) fn wait_decided(&mut self) -> Result<(), SinkError> {
        let mut since = self.idleness.clock.monotonic();
        loop {
            if let Some(verdict) = self.shared.wait_decided(LOOK_AGAIN) {
                return verdict;
            }
            since = self.charge(&self.shared.undecided(), since);
        }
    }

    /// The lanes `behind` were waited for since then: counts the time in which another lane had
    /// nothing to do, and leaves behind whoever owes too much. Returns until when it counted.
    fn charge(&mut self, behind: &[CopyNumber], since: Duration) -> Duration {
        let now = self.idleness.clock.monotonic();
        let waiting = {
            let idle = self.idleness.lock();
            let others = self.all.iter().filter(|ring| !behind.contains(&ring.copy));
            others
                .filter_map(|ring| idle.get(&ring.copy))
                .min()
                .copied()
        };
        let idle = waiting.map_or(Duration::ZERO, |at| now.saturating_sub(at.max(since)));
        let patience = self.patience;
        let mut too_slow = Vec::new();
        for ring in &mut self.all {
            if behind.contains(&ring.copy) {
                let passed = now.saturating_sub(ring.counted);
                ring.owed = (ring.owed + idle).saturating_sub(passed.saturating_sub(idle));
                ring.counted = now;
                if ring.owed > patience {
                    too_slow.push((ring.copy, ring.owed));
                }
            }
        }
        for (copy, owed) in too_slow {
            self.leave_behind(copy, owed);
        }
        now
    }

    fn leave_behind(&mut self, copy: CopyNumber, owed: Duration) {
        if !self.shared.detach(copy) {
            return;
        }
        self.all.retain(|ring| ring.copy != copy);
        let why = format!(
            "the others stood idle for {} s longer than they wrote",
            owed.as_secs()
        );
        // Nobody listening is the caller's choice.
        let _ = self.events.send(StreamEvent::Lane {
            copy,
            event: LaneEvent::LeftBehind { why },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};
    use crate::tape::stream::ring::{RingReceiver, RingSize, ring};
    use chrono::DateTime;
    use crossbeam_channel::{Receiver, unbounded};

    const PATIENCE: Duration = Duration::from_secs(600);
    const FAST: CopyNumber = CopyNumber(1);
    const SLOW: CopyNumber = CopyNumber(2);

    struct Bench {
        rings: Rings,
        clock: Arc<ManualClock>,
        events: Receiver<StreamEvent>,
        _items: Vec<RingReceiver>,
    }

    fn bench(copies: &[CopyNumber]) -> Bench {
        let clock = ManualClock::shared(DateTime::UNIX_EPOCH);
        let (sender, events) = unbounded();
        let (senders, items) = copies
            .iter()
            .map(|copy| {
                let size = RingSize {
                    blocks: 1,
                    high_water: 1,
                };
                let starved = Stopwatch::new(Arc::<ManualClock>::clone(&clock));
                let (sender, items) = ring(size, Arc::new(starved));
                ((*copy, sender), items)
            })
            .unzip();
        let rings = Rings::new(
            senders,
            Idleness::new(Arc::<ManualClock>::clone(&clock)),
            PATIENCE,
            Shared::new(copies.iter().copied()),
            sender,
        );
        Bench {
            rings,
            clock,
            events,
            _items: items,
        }
    }

    impl Bench {
        /// One item takes the slow lane this long, and the fast one is idle at the end of it;
        /// how long until the slow one is left behind, or this many items.
        fn feed(&mut self, item: Duration, idle: Duration, items: u32) -> Option<Duration> {
            let began = self.clock.monotonic();
            for _ in 0..items {
                let since = self.clock.monotonic();
                self.clock.pause(item.saturating_sub(idle));
                self.rings.idleness.begin(FAST);
                self.clock.pause(idle);
                self.rings.charge(&[SLOW], since);
                self.rings.idleness.end(FAST);
                if self.rings.shared.is_detached(SLOW) {
                    return Some(self.clock.monotonic().saturating_sub(began));
                }
            }
            None
        }
    }

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn a_lane_that_stands_still_is_left_behind_when_patience_ends() {
        let mut bench = bench(&[FAST, SLOW]);
        let after = bench.feed(seconds(1), seconds(1), 10_000);
        assert_eq!(after, Some(PATIENCE + seconds(1)));
        let told = bench.events.try_iter().any(|event| {
            matches!(
                event,
                StreamEvent::Lane {
                    copy: SLOW,
                    event: LaneEvent::LeftBehind { .. }
                }
            )
        });
        assert!(told);
        assert_eq!(bench.rings.all.len(), 1);
    }

    #[test]
    fn a_lane_that_is_four_times_as_slow_is_left_behind_later() {
        let mut bench = bench(&[FAST, SLOW]);
        let after = bench.feed(seconds(4), seconds(3), 10_000).unwrap();
        assert!(
            after > PATIENCE && after <= 2 * PATIENCE + seconds(4),
            "{after:?}"
        );
    }

    #[test]
    fn a_lane_that_is_somewhat_slower_is_never_left_behind() {
        let mut bench = bench(&[FAST, SLOW]);
        // Two days, at two thirds of the other's speed.
        assert_eq!(bench.feed(seconds(3), seconds(1), 57_600), None);
    }

    #[test]
    fn one_change_of_cartridges_after_another_is_waited_for() {
        let mut bench = bench(&[FAST, SLOW]);
        for _ in 0..20 {
            assert_eq!(bench.feed(seconds(400), seconds(400), 1), None);
            assert_eq!(bench.feed(seconds(400), Duration::ZERO, 1), None);
        }
    }

    #[test]
    fn nobody_is_left_behind_while_no_other_could_go_on() {
        let mut bench = bench(&[FAST, SLOW]);
        assert_eq!(bench.feed(seconds(100), Duration::ZERO, 100), None);
        let mut alone = self::bench(&[SLOW]);
        let since = Duration::ZERO;
        alone.clock.pause(10 * PATIENCE);
        alone.rings.charge(&[SLOW], since);
        assert_eq!(alone.rings.all.len(), 1);
    }
}
