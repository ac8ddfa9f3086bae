//! The ring between the producer and one drive.
//!
//! A drive that gets less than it needs stops, goes back and starts again, which costs seconds and
//! wears the tape. So it starts only when the ring is filled up to its high-water mark, or when all
//! of a file is there, and then runs until the ring is empty: a slow source makes few long runs.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fan_out::LaneItem;
use super::flow::Stopwatch;

/// How many blocks a ring holds, and with how many a drive starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RingSize {
    pub(super) blocks: usize,
    pub(super) high_water: usize,
}

/// Why a ring does not take an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    /// The lane takes nothing for now.
    Resting,
    /// The lane is over.
    Gone,
}

/// What came of waiting at a ring.
#[derive(Debug)]
pub(super) enum Next {
    Item(LaneItem),
    /// Nothing came in time.
    Nothing,
    /// It is closed and empty.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<LaneItem>,
    /// How many of the items end a file.
    ends: usize,
    /// The drive is being fed.
    running: bool,
    producer_gone: bool,
    lane_gone: bool,
    /// Nothing is taken until the producer lets the lane in again.
    resting: bool,
}

impl State {
    /// The next item, if it is time for it.
    fn take(&mut self, high_water: usize, stops: &Stopwatch) -> Option<LaneItem> {
        match self.items.front() {
            None => {
                if std::mem::take(&mut self.running) {
                    stops.count();
                }
                return None;
            }
            Some(LaneItem::Block(_)) => {
                let enough = self.ends > 0 || self.producer_gone || self.items.len() >= high_water;
                if !self.running && !enough {
                    return None;
                }
                self.running = true;
            }
            Some(item) if item.ends_file() => {
                self.ends -= 1;
                // The drive writes all it has and stops by itself.
                self.running = false;
            }
            Some(_) => {}
        }
        self.items.pop_front()
    }
}

#[derive(Debug)]
struct Shared {
    size: RingSize,
    state: Mutex<State>,
    /// There is room again, or the lane is over.
    room: Condvar,
    /// There is more to take, or nothing will come any more.
    more: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements: a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The producer's end. Dropping it closes the ring.
#[derive(Debug)]
pub(super) struct RingSender(Arc<Shared>);

/// The lane's end.
#[derive(Debug)]
pub(super) struct RingReceiver {
    shared: Arc<Shared>,
    starved: Arc<Stopwatch>,
}

/// A ring. `starved` measures how long the lane waits within files, and counts how often the
/// drive ran out of data.
pub(super) fn ring(size: RingSize, starved: Arc<Stopwatch>) -> (RingSender, RingReceiver) {
    let shared = Arc::new(Shared {
        size,
        state: Mutex::default(),
        room: Condvar::new(),
        more: Condvar::new(),
    });
    (
        RingSender(Arc::clone(&shared)),
        RingReceiver { shared, starved },
    )
}

impl RingSender {
    /// Puts an item into the ring if there is room.
    pub(super) fn try_send(&self, item: &LaneItem) -> Result<(), Refused> {
        self.send_timeout(item, Duration::ZERO)
    }

    /// Puts an item into the ring, and waits for room, but not longer than this.
    pub(super) fn send_timeout(&self, item: &LaneItem, longest: Duration) -> Result<(), Refused> {
        let full = |state: &mut State| {
            state.items.len() >= self.0.size.blocks && !state.lane_gone && !state.resting
        };
        let mut state = self.0.lock();
        if full(&mut state) && !longest.is_zero() {
            state = self
                .0
                .room
                .wait_timeout_while(state, longest, full)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if state.lane_gone {
            return Err(Refused::Gone);
        }
        if state.resting {
            return Err(Refused::Resting);
        }
        if full(&mut state) {
            return Err(Refused::Full);
        }
        state.ends += usize::from(item.ends_file());
        state.items.push_back(item.clone());
        drop(state);
        self.0.more.notify_one();
        Ok(())
    }

    /// The lane takes items again.
    pub(super) fn let_in(&self) {
        self.0.lock().resting = false;
    }
}

impl Drop for RingSender {
    fn drop(&mut self) {
        self.0.lock().producer_gone = true;
        self.0.more.notify_one();
    }
}

impl RingReceiver {
    /// The next item, waited for; none when the ring is closed and empty.
    pub(super) fn recv(&self) -> Option<LaneItem> {
        loop {
            match self.recv_timeout(Duration::MAX) {
                Next::Item(item) => return Some(item),
                Next::Nothing => {}
                Next::Closed => return None,
            }
        }
    }

    /// As [`RingReceiver::recv`], but waits no longer than this.
    pub(super) fn recv_timeout(&self, longest: Duration) -> Next {
        let high_water = self.shared.size.high_water;
        let mut state = self.shared.lock();
        let mut waiting = None;
        loop {
            if let Some(item) = state.take(high_water, &self.starved) {
                drop(state);
                self.shared.room.notify_one();
                return Next::Item(item);
            }
            if state.producer_gone && state.items.is_empty() {
                return Next::Closed;
            }
            waiting.get_or_insert_with(|| self.starved.start());
            let (again, waited) = self
                .shared
                .more
                .wait_timeout(state, longest)
                .unwrap_or_else(PoisonError::into_inner);
            state = again;
            if waited.timed_out() {
                return Next::Nothing;
            }
        }
    }

    /// Drops what is in the ring and takes nothing more until the producer lets the lane in.
    pub(super) fn rest(&self) {
        let mut state = self.shared.lock();
        state.resting = true;
        state.items.clear();
        state.ends = 0;
        state.running = false;
        drop(state);
        self.shared.room.notify_one();
    }

    /// Whether something is in the ring.
    pub(super) fn has_items(&self) -> bool {
        !self.shared.lock().items.is_empty()
    }

    /// Whether nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.lock().producer_gone
    }
}

impl Drop for RingReceiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.lane_gone = true;
        state.items.clear();
        drop(state);
        self.shared.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};
    use crate::tape::digest::TapeDigest;
    use crate::tape::stream::fan_out::Sent;
    use bytes::Bytes;
    use chrono::DateTime;

    fn block() -> LaneItem {
        LaneItem::Block(Bytes::from_static(b"block"))
    }

    fn end() -> LaneItem {
        LaneItem::IndexEnd(Sent {
            length: 0,
            digest: TapeDigest::of(b""),
        })
    }

    struct Bench {
        sender: RingSender,
        receiver: RingReceiver,
        starved: Arc<Stopwatch>,
        clock: Arc<ManualClock>,
    }

    fn bench(blocks: usize, high_water: usize) -> Bench {
        let clock = ManualClock::shared(DateTime::UNIX_EPOCH);
        let starved = Arc::new(Stopwatch::new(Arc::<ManualClock>::clone(&clock)));
        let (sender, receiver) = ring(RingSize { blocks, high_water }, Arc::clone(&starved));
        Bench {
            sender,
            receiver,
            starved,
            clock,
        }
    }

    impl Bench {
        fn take(&self) -> Option<LaneItem> {
            let high_water = self.receiver.shared.size.high_water;
            self.receiver.shared.lock().take(high_water, &self.starved)
        }

        fn send(&self, count: usize) {
            for _ in 0..count {
                self.sender.try_send(&block()).unwrap();
            }
        }
    }

    #[test]
    fn a_drive_starts_at_high_water_and_runs_until_the_ring_is_empty() {
        let bench = bench(8, 5);
        bench.send(4);
        assert!(bench.take().is_none(), "below high water");
        bench.send(1);
        for left in (0..5).rev() {
            assert!(bench.take().is_some(), "{left} left");
        }
        assert_eq!(bench.starved.times(), 0);
        assert!(bench.take().is_none());
        assert_eq!(bench.starved.times(), 1);
        bench.send(4);
        assert!(bench.take().is_none(), "not before high water again");
        assert_eq!(bench.starved.times(), 1, "it stopped only once");
        bench.send(4);
        assert_eq!(bench.sender.try_send(&block()), Err(Refused::Full));
        assert!(bench.take().is_some());
    }

    #[test]
    fn a_whole_file_is_written_at_once_however_short_it_is() {
        let bench = bench(8, 8);
        bench.send(2);
        bench.sender.try_send(&end()).unwrap();
        for _ in 0..3 {
            assert!(bench.take().is_some());
        }
        assert!(bench.take().is_none());
        assert_eq!(bench.starved.times(), 0, "the drive had nothing left to do");
        bench.send(1);
        assert!(
            bench.take().is_none(),
            "the next file waits for its high water"
        );
        drop(bench.sender);
        assert!(
            bench.receiver.recv().is_some(),
            "what is there when the ring is closed"
        );
        assert!(bench.receiver.recv().is_none());
    }

    #[test]
    fn waiting_is_measured_and_ends_when_either_side_goes() {
        let bench = bench(1, 1);
        let Bench {
            sender,
            receiver,
            starved,
            clock,
        } = bench;
        std::thread::scope(|scope| {
            let lane = scope.spawn(|| (receiver.recv().is_some(), receiver.recv().is_none()));
            while !starved.is_running() {
                std::thread::yield_now();
            }
            clock.pause(Duration::from_secs(3));
            sender
                .send_timeout(&block(), Duration::from_secs(600))
                .unwrap();
            drop(sender);
            assert_eq!(lane.join().unwrap(), (true, true));
        });
        assert!(starved.total() >= Duration::from_secs(3));
        let (sender, receiver) = ring(
            RingSize {
                blocks: 1,
                high_water: 1,
            },
            starved,
        );
        sender.try_send(&block()).unwrap();
        std::thread::scope(|scope| {
            let producer = scope.spawn(|| sender.send_timeout(&block(), Duration::from_secs(600)));
            drop(receiver);
            assert_eq!(producer.join().unwrap(), Err(Refused::Gone));
        });
    }
}
