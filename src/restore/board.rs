//! What is still to be read from which cartridge, and which drive takes it.
//!
//! A cartridge is with one drive at a time. A stretch that goes on on another cartridge is handed
//! over here; whoever has that cartridge, or gets it next, goes on with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::copies::Leg;
use super::pieces::Piece;
use crate::archive::member::SegmentNumber;
use crate::id::{Barcode, CopyNumber};

/// An item and where to read it.
#[derive(Debug)]
pub(super) struct Work {
    /// Number of the item.
    pub(super) item: usize,
    pub(super) set: usize,
    /// Where its first member could not be read.
    pub(super) tried: BTreeSet<(SegmentNumber, CopyNumber)>,
    /// How often it was put together from several copies.
    pub(super) joined: u32,
    /// At least one, in the order of the stream.
    pub(super) legs: Vec<Leg>,
}

/// A stretch that goes on on another cartridge, with its way to whoever writes it.
#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) work: usize,
    pub(super) leg: usize,
    pub(super) to: Sender<Piece>,
}

/// What a drive is to do with one cartridge.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) barcode: Barcode,
    /// Stretches that go on here.
    pub(super) bridges: Vec<Bridge>,
    /// Works that begin here.
    pub(super) begins: Vec<usize>,
}

/// What a drive does next.
#[derive(Debug)]
pub(super) enum Next {
    Visit(Visit),
    /// Nothing yet.
    Nothing,
    /// Nothing more in this round.
    Over,
}

#[derive(Debug, Default)]
struct State {
    /// Cartridges in the order in which the stream needs them.
    begins: Vec<(Barcode, Vec<usize>)>,
    bridges: BTreeMap<Barcode, Vec<Bridge>>,
    /// Which drive works with which cartridge now.
    working: HashMap<usize, Barcode>,
    /// Cartridges in drives that wait for something to do.
    mounted: HashMap<usize, Vec<Barcode>>,
    /// Cartridges in drives that are not used any more.
    gone: Vec<Barcode>,
    stopped: bool,
}

impl State {
    fn has(&self, barcode: &Barcode) -> bool {
        self.bridges.contains_key(barcode) || self.begins.iter().any(|(other, _)| other == barcode)
    }

    fn choose(&self, drive: usize) -> Option<Barcode> {
        let own = self.mounted.get(&drive).into_iter().flatten();
        if let Some(barcode) = own.into_iter().find(|barcode| self.has(barcode)) {
            return Some(barcode.clone());
        }
        let taken = |barcode: &Barcode| {
            self.working.values().any(|other| other == barcode)
                || self
                    .mounted
                    .values()
                    .flatten()
                    .any(|other| other == barcode)
        };
        let going_on = self.bridges.keys();
        let beginning = self.begins.iter().map(|(barcode, _)| barcode);
        going_on
            .chain(beginning)
            .find(|barcode| !taken(barcode))
            .cloned()
    }
}

/// Shared by the threads of a round.
#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

impl Board {
    /// All works of a round; `mounted` is what each drive holds at its beginning.
    pub(super) fn new(works: &[Work], mounted: HashMap<usize, Vec<Barcode>>) -> Self {
        let mut begins: Vec<(Barcode, Vec<usize>)> = Vec::new();
        let mut places: HashMap<&Barcode, usize> = HashMap::new();
        for (number, work) in works.iter().enumerate() {
            let Some(first) = work.legs.first() else {
                continue;
            };
            let place = *places.entry(&first.held.barcode).or_insert(begins.len());
            if place == begins.len() {
                begins.push((first.held.barcode.clone(), Vec::new()));
            }
            begins[place].1.push(number);
        }
        Self {
            state: Mutex::new(State {
                begins,
                mounted,
                ..State::default()
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this drive does next; waits while another one may hand something over, but not longer
    /// than this.
    pub(super) fn next(&self, drive: usize, longest: Duration) -> Next {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return Next::Over;
            }
            if let Some(barcode) = state.choose(drive) {
                let at = state.begins.iter().position(|(other, _)| *other == barcode);
                let begins = at.map(|at| state.begins.remove(at).1).unwrap_or_default();
                let bridges = state.bridges.remove(&barcode).unwrap_or_default();
                state.mounted.remove(&drive);
                state.working.insert(drive, barcode.clone());
                return Next::Visit(Visit {
                    barcode,
                    bridges,
                    begins,
                });
            }
            let others_hold = state
                .mounted
                .iter()
                .any(|(other, held)| *other != drive && held.iter().any(|one| state.has(one)));
            if state.working.is_empty() && !others_hold {
                // Whoever waits has nothing to wait for either.
                self.changed.notify_all();
                return Next::Over;
            }
            let (again, waited) = self
                .changed
                .wait_timeout(state, longest)
                .unwrap_or_else(PoisonError::into_inner);
            state = again;
            if waited.timed_out() {
                return Next::Nothing;
            }
        }
    }

    /// Hands a stretch over to whoever has this cartridge.
    pub(super) fn hand_over(&self, barcode: &Barcode, bridge: Bridge) {
        let mut state = self.lock();
        // Whoever writes it hears that it does not go on.
        if !state.stopped && !state.gone.contains(barcode) {
            let bridges = state.bridges.entry(barcode.clone()).or_default();
            bridges.push(bridge);
        }
        self.changed.notify_all();
    }

    /// A visit is over; these cartridges are in the drive now.
    pub(super) fn done(&self, drive: usize, mounted: Vec<Barcode>) {
        let mut state = self.lock();
        state.working.remove(&drive);
        state.mounted.insert(drive, mounted);
        self.changed.notify_all();
    }

    /// A drive is not used any more in this round; what is left for its cartridge is not read.
    pub(super) fn leave(&self, drive: usize) {
        let mut state = self.lock();
        let mut held = state.mounted.remove(&drive).unwrap_or_default();
        held.extend(state.working.remove(&drive));
        for barcode in held {
            state.bridges.remove(&barcode);
            state.begins.retain(|(other, _)| *other != barcode);
            state.gone.push(barcode);
        }
        self.changed.notify_all();
    }

    /// Nothing more is begun.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.bridges.clear();
        self.changed.notify_all();
    }
}
