//! The tape room while a plan is made: where every cartridge is and what is on it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{Days, NaiveDate};

use super::plan::{Action, Line, Trouble, Warning};
use super::reason::Reason;
use super::scheme::Rank;
use super::snapshot::{
    BackupSet, Content, PlaceIndex, PlaceKind, Protection, SetIndex, Snapshot, VolumeIndex,
};

/// A day, counted from the first of the plan.
pub(super) type Day = i32;

/// What a cartridge is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Scratch,
    InUse,
    /// Nothing on it must be kept; it is not where it can be loaded, or not yet.
    Expired,
    OutOfUse,
}

/// Whether a cartridge may be given to new data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Free,
    /// It waits to leave, was recalled, or somebody has planned to move it.
    DueToMove,
}

/// Copies on a cartridge. Most have one, which is found without another access to memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Copies {
    first: Option<u32>,
    others: Vec<u32>,
}

impl Copies {
    pub fn push(&mut self, copy: usize) {
        // A plan of 2^32 copies would not fit in memory.
        let copy = u32::try_from(copy).unwrap_or(u32::MAX);
        match self.first {
            None => self.first = Some(copy),
            Some(_) => self.others.push(copy),
        }
    }

    pub fn clear(&mut self) {
        self.first = None;
        self.others.clear();
    }

    pub fn first(&self) -> Option<usize> {
        self.first.map(|copy| copy as usize)
    }

    pub fn get(&self, at: usize) -> Option<usize> {
        let copy = match at.checked_sub(1) {
            None => self.first,
            Some(other) => self.others.get(other).copied(),
        };
        copy.map(|copy| copy as usize)
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.first
            .iter()
            .chain(&self.others)
            .map(|copy| *copy as usize)
    }
}

#[derive(Debug, Clone)]
pub(super) struct VolumeState {
    /// `None`: missing, or bought and not yet taken into the library.
    pub place: Option<PlaceIndex>,
    pub status: Status,
    pub claim: Claim,
    /// Whether the drives write it.
    pub writable: bool,
    /// Of whatever is on the tape: what expired is there until it is overwritten.
    pub protection: Protection,
    /// Whether it can be written again when everything on it has expired.
    pub reusable: bool,
    /// Copies on it, and how many of them must be kept.
    pub copies: Copies,
    pub kept: u32,
    pub capacity: u64,
    pub remaining: u64,
    pub wear: u32,
    pub written: Day,
    /// From which day it can be loaded: it lies a while after it came from elsewhere.
    pub usable: Day,
    /// Number of its newest place in a queue: older ones are void.
    pub ticket: u32,
    /// How often it became scratch again.
    pub life: u32,
    /// A movement planned by hand: where to, and from which day.
    pub planned: Option<(PlaceIndex, Day)>,
    /// When it goes back after a recall.
    pub back: Option<Day>,
}

#[derive(Debug, Clone)]
pub(super) struct CopyState {
    pub set: SetIndex,
    pub pool: usize,
    pub rank: Rank,
    pub until: Day,
    pub complete: bool,
    pub arrived: bool,
    /// Enough newer sets are off-site, where that counts.
    pub superseded: bool,
    /// It need not be kept any more.
    pub over: bool,
    pub volumes: Vec<VolumeIndex>,
    /// How many of its cartridges are missing or out of use.
    pub lost: u32,
    /// How many of its cartridges are in each place.
    pub at: Vec<(PlaceIndex, u32)>,
    /// On which day and with which carrier some of it travelled last.
    pub aboard: Option<(Day, usize)>,
}

impl CopyState {
    /// Whether it can be relied on.
    pub fn is_good(&self) -> bool {
        self.complete && !self.over && self.lost == 0 && !self.volumes.is_empty()
    }

    pub fn is_at(&self, place: PlaceIndex) -> bool {
        self.at.iter().any(|(at, count)| *at == place && *count > 0)
    }
}

#[derive(Debug, Clone)]
pub(super) struct SetState {
    pub facts: BackupSet,
    pub copies: Vec<usize>,
}

/// A cartridge in a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub volume: VolumeIndex,
    /// From the beginning of which day it can go.
    pub ready: Day,
    pub reason: Reason,
    pub ticket: u32,
}

#[derive(Debug, Clone)]
pub(super) struct PlaceState {
    pub kind: PlaceKind,
    pub capacity: u32,
    pub count: u32,
    pub carrier: Option<usize>,
    /// What is to be brought here, and what is to be fetched from here, by readiness.
    pub out: VecDeque<Waiting>,
    pub home: VecDeque<Waiting>,
    pub open: Vec<bool>,
}

impl PlaceState {
    pub fn has_room(&self) -> bool {
        self.count < self.capacity
    }
}

/// A cartridge until it is scratch again.
pub(super) type Life = (VolumeIndex, u32);

/// What happens by itself on a day.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// A copy's time is over.
    CopyDue(usize),
    /// A cartridge that came from elsewhere has lain long enough.
    Usable(VolumeIndex),
    /// Bought cartridges can be loaded.
    Delivered { first: VolumeIndex, count: u32 },
    /// A cartridge can go where it should.
    Out(Life, PlaceIndex, Reason),
    /// A recalled cartridge can be fetched.
    Recall(Life),
    /// The day of a movement planned by hand.
    ByHand(VolumeIndex),
}

/// Cartridges that can be written: the least worn first, of those the one that is free for longest.
#[derive(Debug, Default)]
pub(super) struct Stack(BTreeMap<u32, VecDeque<VolumeIndex>>);

impl Stack {
    pub fn push(&mut self, wear: u32, volume: VolumeIndex) {
        self.0.entry(wear).or_default().push_back(volume);
    }

    pub fn pop(&mut self) -> Option<VolumeIndex> {
        let mut least = self.0.first_entry()?;
        let volume = least.get_mut().pop_front();
        if least.get().is_empty() {
            least.remove();
        }
        volume
    }

    pub fn first(&self) -> Option<VolumeIndex> {
        self.0.first_key_value()?.1.front().copied()
    }
}

#[derive(Debug)]
pub(super) struct State<'a> {
    pub snapshot: &'a Snapshot,
    pub from: NaiveDate,
    pub days: Day,
    pub today: Day,
    pub date: NaiveDate,
    pub volumes: Vec<VolumeState>,
    pub copies: Vec<CopyState>,
    pub sets: Vec<SetState>,
    pub places: Vec<PlaceState>,
    pub site_open: Vec<bool>,
    pub carrier_open: Vec<Vec<bool>>,
    pub events: Vec<Vec<Event>>,
    pub in_library: Stack,
    pub on_shelf: Stack,
    /// Bought, here and not yet taken into the library.
    pub laid_aside: VecDeque<VolumeIndex>,
    /// Cartridges in the three above.
    pub scratch: u32,
    /// Bought and not here.
    pub on_order: u32,
    /// Sets of a series in a pool whose scheme counts them, oldest first.
    pub counted: BTreeMap<(usize, usize), Vec<usize>>,
    pub lines: Vec<Line>,
    pub purchases: Vec<Line>,
    pub warnings: Vec<Warning>,
    /// What was warned of once and for all.
    pub warned: BTreeSet<Trouble>,
}

impl State<'_> {
    pub fn date_of(&self, day: Day) -> NaiveDate {
        let days = Days::new(day.unsigned_abs().into());
        let date = if day < 0 {
            self.from.checked_sub_days(days)
        } else {
            self.from.checked_add_days(days)
        };
        date.unwrap_or(self.from)
    }

    pub fn day_of(&self, date: NaiveDate) -> Day {
        Day::try_from((date - self.from).num_days()).unwrap_or(Day::MAX)
    }

    pub fn library(&self) -> PlaceIndex {
        self.snapshot.library
    }

    pub fn line(&mut self, action: Action, reason: Reason) {
        let date = self.date;
        self.lines.push(Line {
            date,
            action,
            reason,
        });
    }

    /// Says something once.
    pub fn warn(&mut self, what: Trouble) {
        if self.warned.insert(what) {
            let date = self.date;
            self.warnings.push(Warning { date, what });
        }
    }

    /// Says of a place once that something found no room in it.
    pub fn warn_of_room(&mut self, place: PlaceIndex, volume: VolumeIndex) {
        let known = Trouble::NoRoom {
            place,
            volume: VolumeIndex(0),
        };
        if self.warned.insert(known) {
            let what = Trouble::NoRoom { place, volume };
            let date = self.date;
            self.warnings.push(Warning { date, what });
        }
    }

    /// Has something happen on a day, at the earliest tomorrow.
    pub fn at(&mut self, day: Day, event: Event) {
        let day = usize::try_from(day.max(self.today + 1)).unwrap_or(0);
        if let Some(events) = self.events.get_mut(day) {
            events.push(event);
        }
    }

    pub fn held(&self, set: SetIndex) -> bool {
        self.sets[set.at()].facts.held
    }

    /// Whether something on a cartridge keeps others' data off it.
    pub fn carries_held(&self, volume: VolumeIndex) -> bool {
        let copies = &self.volumes[volume.at()].copies;
        copies.iter().any(|copy| self.held(self.copies[copy].set))
    }

    /// Whether everything on a cartridge may leave the building.
    pub fn may_leave(&self, volume: VolumeIndex) -> bool {
        self.volumes[volume.at()].protection != Protection::Plain
    }

    /// The set of which all good copies would be in one place, were a cartridge brought there.
    pub fn together(&self, volume: VolumeIndex, place: PlaceIndex) -> Option<SetIndex> {
        self.set_with_others(volume, |other| other.is_at(place))
    }

    /// Whether all good copies of a set would travel in one vehicle.
    pub fn shares_vehicle(&self, volume: VolumeIndex, carrier: usize) -> bool {
        let aboard = Some((self.today, carrier));
        self.set_with_others(volume, |other| other.aboard == aboard)
            .is_some()
    }

    /// A set with a good copy on the cartridge whose other good copies, of which there are some, are all
    /// in jeopardy.
    fn set_with_others(
        &self,
        volume: VolumeIndex,
        jeopardy: impl Fn(&CopyState) -> bool,
    ) -> Option<SetIndex> {
        let copies = &self.volumes[volume.at()].copies;
        let good = copies.iter().filter(|copy| self.copies[*copy].is_good());
        good.map(|copy| (copy, self.copies[copy].set))
            .find(|(copy, set)| {
                let copies = &self.sets[set.at()].copies;
                let mut others = copies
                    .iter()
                    .filter(|other| *other != copy)
                    .map(|other| &self.copies[*other])
                    .filter(|other| other.is_good())
                    .peekable();
                others.peek().is_some() && others.all(&jeopardy)
            })
            .map(|(_, set)| set)
    }

    /// Puts a cartridge somewhere, and what is on it with it.
    pub fn put(&mut self, volume: VolumeIndex, to: PlaceIndex) {
        let state = &mut self.volumes[volume.at()];
        let from = state.place.replace(to);
        if let Some(from) = from {
            self.places[from.at()].count -= 1;
        }
        self.places[to.at()].count += 1;
        for copy in self.volumes[volume.at()].copies.iter() {
            let at = &mut self.copies[copy].at;
            if let Some(from) = from
                && let Some(row) = at.iter_mut().find(|row| row.0 == from)
            {
                row.1 -= 1;
            }
            match at.iter_mut().find(|row| row.0 == to) {
                Some(row) => row.1 += 1,
                None => at.push((to, 1)),
            }
        }
        self.warn_when_full(to);
    }

    /// Says of a place that it takes no more, if that is soon.
    pub fn warn_when_full(&mut self, place: PlaceIndex) {
        let state = &self.places[place.at()];
        let is_soon = self.today < super::FULL_AHEAD_DAYS;
        if is_soon && state.kind != PlaceKind::Library && !state.has_room() {
            self.warn(Trouble::PlaceFull { place });
        }
    }

    /// Makes a cartridge one that can be written, where it is.
    pub fn make_scratch(&mut self, volume: VolumeIndex) {
        let state = &mut self.volumes[volume.at()];
        state.status = Status::Scratch;
        state.copies.clear();
        state.kept = 0;
        state.life += 1;
        state.remaining = state.capacity;
        state.back = None;
        if state.planned.is_none() {
            state.claim = Claim::Free;
        }
        self.offer(volume);
    }

    /// Offers a scratch cartridge for writing, if it is where it can be loaded from and is free.
    pub fn offer(&mut self, volume: VolumeIndex) {
        let state = &self.volumes[volume.at()];
        let wear = state.wear;
        let is_free = state.claim == Claim::Free && state.writable;
        let Some(place) = state.place.filter(|_| is_free) else {
            return;
        };
        if place == self.library() {
            self.in_library.push(wear, volume);
        } else if self.places[place.at()].kind == PlaceKind::Shelf {
            self.on_shelf.push(wear, volume);
        } else {
            return;
        }
        self.scratch += 1;
    }
}

/// What the record says a cartridge is, as a status.
pub(super) fn status(content: Content) -> Status {
    match content {
        Content::Scratch => Status::Scratch,
        Content::Filling | Content::Full => Status::InUse,
        Content::Expired => Status::Expired,
        Content::OutOfUse => Status::OutOfUse,
    }
}
