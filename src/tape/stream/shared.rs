//! What the producer and the lanes know of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::archive::member::{SegmentNumber, SinkError};
use crate::id::CopyNumber;

/// Asks a stream to stop at a safe point; shared with a signal handler.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Not asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag somebody else sets.
    #[must_use]
    pub fn of(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Asks.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a lane did with a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Committed,
    Lost,
}

/// One lane's segment: nobody decided yet, or how often it is on tape.
#[derive(Debug, Default)]
struct Tally {
    undecided: BTreeSet<CopyNumber>,
    committed: u32,
}

#[derive(Debug, Default)]
struct State {
    live: BTreeSet<CopyNumber>,
    /// Alive, and left behind by the others.
    detached: BTreeSet<CopyNumber>,
    /// Have a volume again, and wait for the next segment.
    returning: BTreeSet<CopyNumber>,
    deaths: Vec<String>,
    tallies: BTreeMap<SegmentNumber, Tally>,
    lost: Option<SegmentNumber>,
}

impl State {
    /// Whether this lane alone may still have some segment.
    fn is_only_hope(&self, copy: CopyNumber) -> bool {
        self.tallies.values().any(|tally| {
            tally.committed == 0 && tally.undecided.len() == 1 && tally.undecided.contains(&copy)
        })
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// A segment was lost by all lanes, or no lane is left.
    trouble: AtomicBool,
    /// Number of the latest segment some lane wants closed, plus one; 0 for none.
    close: AtomicU64,
}

impl Shared {
    pub(super) fn new(copies: impl IntoIterator<Item = CopyNumber>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                live: copies.into_iter().collect(),
                ..State::default()
            }),
            changed: Condvar::new(),
            trouble: AtomicBool::new(false),
            close: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements: a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lane whose volume has only its reserve left wants this segment closed.
    pub(super) fn request_close(&self, segment: SegmentNumber) {
        self.close
            .fetch_max(u64::from(segment.0) + 1, Ordering::Relaxed);
    }

    pub(super) fn close_requested(&self, segment: SegmentNumber) -> bool {
        self.close.load(Ordering::Relaxed) > u64::from(segment.0)
    }

    /// The producer begins a segment: all lanes alive now have to decide on it.
    pub(super) fn open_segment(&self, segment: SegmentNumber) {
        let mut state = self.lock();
        let undecided = state.live.clone();
        state.tallies.insert(
            segment,
            Tally {
                undecided,
                committed: 0,
            },
        );
    }

    pub(super) fn decide(&self, copy: CopyNumber, segment: SegmentNumber, decision: Decision) {
        let mut state = self.lock();
        if let Some(tally) = state.tallies.get_mut(&segment) {
            tally.undecided.remove(&copy);
            if decision == Decision::Committed {
                tally.committed += 1;
            }
        }
        self.settle(&mut state);
    }

    /// A lane ended early: what it had not decided is lost to it.
    pub(super) fn died(&self, copy: CopyNumber, why: &str) {
        let mut state = self.lock();
        if state.live.remove(&copy) {
            state.deaths.push(format!("copy {copy}: {why}"));
        }
        for tally in state.tallies.values_mut() {
            tally.undecided.remove(&copy);
        }
        self.settle(&mut state);
    }

    /// A lane is left behind: nobody waits for it any more. Refused for the last one, and for the
    /// only one that may still have a segment.
    pub(super) fn detach(&self, copy: CopyNumber) -> bool {
        let mut state = self.lock();
        let done = self.withdraw(&mut state, copy);
        if done {
            state.detached.insert(copy);
        }
        done
    }

    /// A lane gives its drive away for a while: the others go on. Refused as [`Shared::detach`].
    pub(super) fn rest(&self, copy: CopyNumber) -> bool {
        let mut state = self.lock();
        // One that came back and was not let in yet only goes on resting.
        if state.returning.remove(&copy) {
            return true;
        }
        self.withdraw(&mut state, copy)
    }

    /// A lane that rested has a volume again.
    pub(super) fn come_back(&self, copy: CopyNumber) {
        self.lock().returning.insert(copy);
    }

    /// Before a segment begins: lanes that came back have to decide on it. Returns which.
    pub(super) fn let_in(&self) -> BTreeSet<CopyNumber> {
        let mut state = self.lock();
        let back = std::mem::take(&mut state.returning);
        state.live.extend(&back);
        back
    }

    /// Whether other lanes go on with segments while this one alone may still have an earlier one.
    pub(super) fn is_needed(&self, copy: CopyNumber) -> bool {
        let state = self.lock();
        state.live.len() > 1 && state.is_only_hope(copy)
    }

    fn withdraw(&self, state: &mut State, copy: CopyNumber) -> bool {
        if !state.live.contains(&copy) || state.live.len() == 1 || state.is_only_hope(copy) {
            return false;
        }
        state.live.remove(&copy);
        for tally in state.tallies.values_mut() {
            tally.undecided.remove(&copy);
        }
        self.settle(state);
        true
    }

    pub(super) fn is_detached(&self, copy: CopyNumber) -> bool {
        self.lock().detached.contains(&copy)
    }

    /// The lanes that have not decided on every segment.
    pub(super) fn undecided(&self) -> Vec<CopyNumber> {
        let state = self.lock();
        let all = state.tallies.values().flat_map(|tally| &tally.undecided);
        all.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn settle(&self, state: &mut State) {
        let lost = state
            .tallies
            .iter()
            .find(|(_, tally)| tally.undecided.is_empty() && tally.committed == 0)
            .map(|(segment, _)| *segment);
        if state.lost.is_none() {
            state.lost = lost;
        }
        state.tallies.retain(|_, tally| !tally.undecided.is_empty());
        if state.lost.is_some() || state.live.is_empty() {
            self.trouble.store(true, Ordering::Release);
        }
        self.changed.notify_all();
    }

    /// Whether the stream can go on.
    pub(super) fn check(&self) -> Result<(), SinkError> {
        if !self.trouble.load(Ordering::Acquire) {
            return Ok(());
        }
        Self::verdict(&self.lock())
    }

    fn verdict(state: &State) -> Result<(), SinkError> {
        if state.live.is_empty() {
            return Err(SinkError::NoCopyLeft(state.deaths.join("; ")));
        }
        match state.lost {
            Some(segment) => Err(SinkError::SegmentLost(segment)),
            None => Ok(()),
        }
    }

    /// Waits until every segment before this one is on some tape. A lane that lost one of them
    /// must not commit a later one first: if the others lose it too, the stream starts over
    /// from there, and what comes later will be other bytes.
    pub(super) fn wait_for_earlier(&self, segment: SegmentNumber) -> Result<(), SinkError> {
        let mut state = self.lock();
        let open = |state: &State| {
            let mut earlier = state.tallies.range(..segment);
            earlier.any(|(_, tally)| tally.committed == 0)
        };
        while open(&state) && state.lost.is_none() {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Self::verdict(&state)
    }

    /// Waits until every lane has decided on every segment, but not longer than this.
    pub(super) fn wait_decided(&self, longest: Duration) -> Option<Result<(), SinkError>> {
        let waits = |state: &mut State| !state.tallies.is_empty() && state.lost.is_none();
        let (state, waited) = self
            .changed
            .wait_timeout_while(self.lock(), longest, waits)
            .unwrap_or_else(PoisonError::into_inner);
        (!waited.timed_out()).then(|| Self::verdict(&state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: CopyNumber = CopyNumber(1);
    const TWO: CopyNumber = CopyNumber(2);

    /// The other one has lost the segment: without this one it would be on no tape.
    #[test]
    fn the_only_lane_that_may_still_have_a_segment_is_not_left_behind() {
        let shared = Shared::new([ONE, TWO]);
        let segment = SegmentNumber(0);
        shared.open_segment(segment);
        shared.decide(ONE, segment, Decision::Lost);
        assert!(shared.is_needed(TWO) && !shared.is_needed(ONE));
        assert!(!shared.detach(TWO) && !shared.rest(TWO));
        shared.decide(TWO, segment, Decision::Committed);
        assert!(shared.check().is_ok());
        assert!(!shared.is_needed(TWO));
        assert!(shared.rest(TWO));
        assert!(!shared.rest(ONE), "the last one");
        shared.open_segment(SegmentNumber(1));
        assert!(!shared.is_needed(ONE), "nobody waits for it");
    }

    #[test]
    fn a_lane_that_comes_back_decides_on_the_next_segment_only() {
        let shared = Shared::new([ONE, TWO]);
        assert!(shared.rest(TWO));
        shared.open_segment(SegmentNumber(0));
        shared.come_back(TWO);
        assert_eq!(shared.undecided(), [ONE]);
        assert_eq!(shared.let_in(), BTreeSet::from([TWO]));
        shared.open_segment(SegmentNumber(1));
        assert_eq!(shared.undecided(), [ONE, TWO]);
        shared.decide(ONE, SegmentNumber(0), Decision::Committed);
        shared.decide(ONE, SegmentNumber(1), Decision::Committed);
        assert_eq!(shared.undecided(), [TWO]);
    }
}
