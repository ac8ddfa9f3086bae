//! What is written on a day, and on which cartridges.

use chrono::NaiveDate;

use super::plan::{Action, Line, Start, Trouble};
use super::reason::Reason;
use super::scheme::{Keep, Rank, WorkingDay};
use super::snapshot::{BackupSet, PoolIndex, Protection, SeriesIndex, SetIndex, VolumeIndex};
use super::state::{Claim, Copies, CopyState, Day, Event, SetState, State, Status, VolumeState};

/// A copy of which something is still to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unwritten {
    pub copy: usize,
    pub bytes: u64,
}

/// Where writing goes on, for each pool.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Open {
    /// The cartridge that stays in the library.
    pub staying: Option<VolumeIndex>,
    /// The cartridge of today that leaves.
    pub leaving: Option<VolumeIndex>,
}

/// The writing of a plan.
#[derive(Debug)]
pub(super) struct Writer {
    pub open: Vec<Open>,
    pub late: Vec<Unwritten>,
    /// The newest set of each series in each pool.
    pub newest: Vec<Vec<Option<NaiveDate>>>,
    /// What was written on today and leaves.
    pub leaving: Vec<VolumeIndex>,
}

/// Why there is no cartridge.
enum Shortage {
    NoScratch,
    NoRoom,
}

impl Writer {
    /// Writes what is due on a working day: first what is late, then what is new.
    pub fn write(&mut self, state: &mut State<'_>, day: WorkingDay) {
        self.catch_up(state);
        let ranks: Vec<Option<Rank>> = state
            .snapshot
            .pools
            .iter()
            .map(|pool| pool.scheme.rank(day))
            .collect();
        if ranks.iter().any(Option::is_some) {
            for series in 0..state.snapshot.series.len() {
                self.write_series(state, series, &ranks, day);
            }
        }
        self.end_of_day(state);
        state.keep_stock();
    }

    fn write_series(
        &mut self,
        state: &mut State<'_>,
        series: usize,
        ranks: &[Option<Rank>],
        day: WorkingDay,
    ) {
        let facts = &state.snapshot.series[series];
        let due = |pool: &PoolIndex| {
            let newest = self.newest[series][pool.at()];
            ranks[pool.at()]
                .filter(|_| newest.is_none_or(|newest| newest < day.since))
                .map(|rank| (*pool, rank))
        };
        let due: Vec<(PoolIndex, Rank)> = facts.copies.iter().filter_map(due).collect();
        if due.is_empty() {
            return;
        }
        let set = SetIndex::new(state.sets.len());
        state.sets.push(SetState {
            facts: BackupSet {
                series: Some(SeriesIndex::new(series)),
                date: day.date,
                held: facts.held,
                protection: facts.protection,
            },
            copies: Vec::with_capacity(due.len()),
        });
        for (pool, rank) in due {
            self.give_up(state, series, pool);
            self.newest[series][pool.at()] = Some(day.date);
            let copy = state.begin_copy(series, set, pool, rank);
            let unwritten = Unwritten {
                copy,
                bytes: state.snapshot.series[series].bytes,
            };
            if let Err(left) = self.write_copy(state, unwritten, reason(rank)) {
                self.late.push(left);
            }
        }
    }

    fn catch_up(&mut self, state: &mut State<'_>) {
        for unwritten in std::mem::take(&mut self.late) {
            if state.copies[unwritten.copy].over {
                continue;
            }
            if let Err(left) = self.write_copy(state, unwritten, Reason::MadeUp) {
                self.late.push(left);
            }
        }
    }

    /// Ends waiting for a copy that the next one follows.
    fn give_up(&mut self, state: &mut State<'_>, series: usize, pool: PoolIndex) {
        let (late, given_up) = self.late.iter().partition(|late| {
            let copy = &state.copies[late.copy];
            let of = state.sets[copy.set.at()].facts.series;
            copy.pool != pool.at() || of.is_none_or(|of| of.at() != series)
        });
        self.late = late;
        let given_up: Vec<Unwritten> = given_up;
        for late in given_up {
            let set = state.copies[late.copy].set;
            state.warn(Trouble::GivenUp { set, pool });
        }
    }

    /// Writes a copy; `Err`: what is left for want of cartridges.
    fn write_copy(
        &mut self,
        state: &mut State<'_>,
        mut unwritten: Unwritten,
        reason: Reason,
    ) -> Result<(), Unwritten> {
        let copy = unwritten.copy;
        let pool = state.copies[copy].pool;
        let leaves = state.leaves(copy);
        let held = state.held(state.copies[copy].set);
        while unwritten.bytes > 0 {
            let slot = if leaves {
                self.open[pool].leaving
            } else {
                self.open[pool].staying
            };
            let usable = slot.filter(|volume| !held && state.takes_more(*volume, pool));
            let (volume, start) = match usable {
                Some(volume) => (volume, Start::Appended),
                None => match state.allocate(pool, unwritten.bytes, copy) {
                    Ok(volume) => (volume, Start::Labelled),
                    Err(Shortage::NoScratch | Shortage::NoRoom) => return Err(unwritten),
                },
            };
            // What leaves goes on cartridges that were begun today.
            if leaves && start == Start::Labelled {
                self.leaving.push(volume);
            }
            let open = Some(volume).filter(|_| !held);
            if leaves {
                self.open[pool].leaving = open;
            } else {
                self.open[pool].staying = open;
            }
            unwritten.bytes -= state.write_on(volume, start, unwritten, reason);
        }
        state.copies[copy].complete = true;
        Ok(())
    }

    /// What was written on today and leaves takes nothing more.
    fn end_of_day(&mut self, state: &mut State<'_>) {
        for volume in std::mem::take(&mut self.leaving) {
            let copies = &state.volumes[volume.at()].copies;
            let pool = copies.first().map(|copy| state.copies[copy].pool);
            if let Some(pool) = pool {
                let to = state.snapshot.pools[pool].keep_at;
                state.send(volume, to, state.today + 1, Reason::KeptThere);
            }
        }
        for open in &mut self.open {
            open.leaving = None;
        }
    }
}

fn reason(rank: Rank) -> Reason {
    match rank {
        Rank::Daily => Reason::DailyDue,
        Rank::Weekly => Reason::WeeklyDue,
        Rank::Monthly => Reason::MonthlyDue,
    }
}

impl State<'_> {
    /// Whether a copy leaves the library by its scheme.
    pub(super) fn leaves(&self, copy: usize) -> bool {
        let copy = &self.copies[copy];
        let pool = &self.snapshot.pools[copy.pool];
        pool.keep_at != self.library() && pool.scheme.leaves(copy.rank)
    }

    fn begin_copy(&mut self, series: usize, set: SetIndex, pool: PoolIndex, rank: Rank) -> usize {
        let pool = pool.at();
        let facts = &self.snapshot.pools[pool];
        let own_days = self.snapshot.series[series].retention_days;
        let days = own_days.or(facts.retention_days);
        let kept = days.map(|days| {
            let days = Day::try_from(days).unwrap_or(Day::MAX);
            self.today.saturating_add(days)
        });
        let until = match facts.scheme.keep(self.date, rank) {
            Keep::Until(date) => kept.unwrap_or_else(|| self.day_of(date)),
            Keep::Newer(_) => kept.unwrap_or(self.today),
        };
        let copy = self.copies.len();
        self.copies.push(CopyState {
            set,
            pool,
            rank,
            until,
            complete: false,
            arrived: false,
            superseded: false,
            over: false,
            volumes: Vec::new(),
            lost: 0,
            at: Vec::new(),
            aboard: None,
        });
        self.sets[set.at()].copies.push(copy);
        if self.snapshot.pools[pool].scheme.newer().is_some() {
            self.counted.entry((series, pool)).or_default().push(copy);
        } else {
            self.at(until, Event::CopyDue(copy));
        }
        copy
    }

    /// Whether more of a pool can be appended to a cartridge.
    fn takes_more(&self, volume: VolumeIndex, pool: usize) -> bool {
        let state = &self.volumes[volume.at()];
        state.status == Status::InUse
            && state.claim == Claim::Free
            && state.remaining > 0
            && state.usable <= self.today
            && state.place == Some(self.library())
            && state
                .copies
                .first()
                .is_some_and(|copy| self.copies[copy].pool == pool)
            && !self.carries_held(volume)
    }

    /// The best cartridge to begin: in the library before on a shelf before bought ones, the least worn
    /// first; bought in time if there is none.
    fn allocate(&mut self, pool: usize, bytes: u64, copy: usize) -> Result<VolumeIndex, Shortage> {
        if let Some(least) = self.in_library.pop() {
            self.scratch -= 1;
            return Ok(least);
        }
        let library = self.library();
        if !self.places[library.at()].has_room() {
            let first = self.copies[copy].volumes.first().copied();
            let next = self.on_shelf.first();
            let about = next.or(first).unwrap_or(VolumeIndex(0));
            self.warn_of_room(library, about);
            return Err(Shortage::NoRoom);
        }
        if let Some(volume) = self.on_shelf.pop() {
            self.scratch -= 1;
            if let Some(from) = self.volumes[volume.at()].place {
                self.put(volume, library);
                let to = library;
                let action = Action::ComeHome { volume, from, to };
                self.line(action, Reason::ScratchNeeded);
            }
            return Ok(volume);
        }
        if self.laid_aside.is_empty() {
            let needed = bytes.div_ceil(self.snapshot.stock.capacity.max(1));
            let needed = u32::try_from(needed).unwrap_or(u32::MAX);
            self.warn_or_buy(pool, needed);
        }
        let Some(volume) = self.laid_aside.pop_front() else {
            return Err(Shortage::NoScratch);
        };
        self.scratch -= 1;
        self.put(volume, library);
        Ok(volume)
    }

    fn warn_or_buy(&mut self, pool: usize, needed: u32) {
        let missing = needed.saturating_sub(self.on_order);
        self.buy(missing, Reason::NeededForWriting);
        if self.laid_aside.is_empty() {
            let pool = PoolIndex::new(pool);
            let missing = needed;
            self.warn(Trouble::ScratchShort { pool, missing });
        }
    }

    /// Writes some of a copy on a cartridge; returns how many bytes went on it.
    fn write_on(
        &mut self,
        volume: VolumeIndex,
        start: Start,
        unwritten: Unwritten,
        reason: Reason,
    ) -> u64 {
        let today = self.today;
        let set = self.copies[unwritten.copy].set;
        let protection = self.sets[set.at()].facts.protection;
        let state = &mut self.volumes[volume.at()];
        state.protection = match start {
            Start::Labelled => protection,
            Start::Appended => protection.max(state.protection),
        };
        let bytes = unwritten.bytes.min(state.remaining);
        state.remaining -= bytes;
        state.status = Status::InUse;
        if state.written != today {
            state.wear += 1;
            state.written = today;
        }
        state.copies.push(unwritten.copy);
        state.kept += 1;
        let place = state.place;
        let copy = &mut self.copies[unwritten.copy];
        copy.volumes.push(volume);
        if let Some(place) = place {
            match copy.at.iter_mut().find(|row| row.0 == place) {
                Some(row) => row.1 += 1,
                None => copy.at.push((place, 1)),
            }
        }
        let pool = PoolIndex::new(copy.pool);
        let action = Action::Write {
            volume,
            set,
            pool,
            start,
            bytes,
        };
        self.line(action, reason);
        bytes
    }

    /// Orders what is missing for the minimum of scratch.
    fn keep_stock(&mut self) {
        let there = self.scratch.saturating_add(self.on_order);
        let missing = self.snapshot.stock.minimum.saturating_sub(there);
        self.buy(missing, Reason::BelowMinimum);
    }

    /// Orders cartridges so that they can be loaded today, or as soon as that is possible.
    fn buy(&mut self, count: u32, reason: Reason) {
        if count == 0 {
            return;
        }
        let stock = &self.snapshot.stock;
        let lies = Day::from(self.snapshot.acclimatisation_days);
        let ahead = Day::from(stock.lead_days) + lies;
        let ordered = (self.today - ahead).max(0);
        let usable = ordered + ahead;
        let here = self.date_of(usable - lies);
        let first = VolumeIndex::new(self.volumes.len());
        self.add_bought(count);
        let action = Action::Purchase { first, count, here };
        let date = self.date_of(ordered);
        self.purchases.push(Line {
            date,
            action,
            reason,
        });
        if usable <= self.today {
            self.deliver(first, count);
        } else {
            self.on_order += count;
            self.at(usable, Event::Delivered { first, count });
        }
    }

    /// Cartridges that are bought, wherever they are.
    pub(super) fn add_bought(&mut self, count: u32) {
        let capacity = self.snapshot.stock.capacity;
        for _ in 0..count {
            self.volumes.push(VolumeState {
                place: None,
                status: Status::Scratch,
                claim: Claim::Free,
                writable: true,
                protection: Protection::Encrypted,
                reusable: true,
                copies: Copies::default(),
                kept: 0,
                capacity,
                remaining: capacity,
                wear: 0,
                written: Day::MIN,
                usable: Day::MIN,
                ticket: 0,
                life: 0,
                planned: None,
                back: None,
            });
        }
    }

    /// Bought cartridges can be loaded; until they are they lie beside the library.
    pub(super) fn deliver(&mut self, first: VolumeIndex, count: u32) {
        let bought = (first.0..first.0 + count).map(VolumeIndex);
        self.laid_aside.extend(bought);
        self.scratch += count;
    }
}
