//! A tape room that does what a plan says, line by line, and names whatever must not be done.
//!
//! It shares no code with the planner: only the types of snapshot and plan. It keeps the room's state
//! itself, so that things can go wrong in it between two plans.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use tapeward::catalogue::MediumUse;
use tapeward::rotation::{
    Action, BackupSet, Content, Line, Place, PlaceIndex, PlaceKind, Plan, PlannedMove, Pool,
    PoolIndex, Protection, Rank, Reason, Recall, Scheme, Snapshot, Start, Volume,
};

use super::rules::{days_due, plus, until};

/// Something that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    WriteBeforeExpiry,
    WriteUnderHold,
    WriteToDueOut,
    WriteNotLoadable,
    WriteTooMuch,
    AllInOnePlace,
    AllInOneVehicle,
    EarlyReturn,
    EarlyExpiry,
    ScratchTooSoon,
    ReasonMissing,
    NobodyCarries,
    NotThere,
    Overfull,
    Unencrypted,
    OutOfOrder,
    NotDue,
    NotWritten,
    NotExpired,
    LeftBehind,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Vol {
    pub content: Content,
    pub place: Option<usize>,
    pub copies: Vec<usize>,
    pub capacity: u64,
    pub remaining: u64,
    pub medium_use: MediumUse,
    pub since: NaiveDate,
    /// The day it came from off-site or from the shop.
    pub from_elsewhere: Option<NaiveDate>,
    pub written: Option<NaiveDate>,
    pub protection: Protection,
    pub wear: u32,
    pub planned: Option<PlannedMove>,
    pub recall: Option<Recall>,
    /// Bought, and not taken anywhere yet.
    pub aside: bool,
    pub ready_out: Option<NaiveDate>,
    pub ready_home: Option<NaiveDate>,
}

#[derive(Debug, Clone)]
pub struct Cpy {
    pub set: usize,
    pub pool: usize,
    pub rank: Rank,
    pub until: NaiveDate,
    pub bytes: u64,
    pub volumes: Vec<usize>,
    pub arrived: bool,
    pub given_up: bool,
    /// One of its cartridges was made scratch.
    pub gone: bool,
}

/// The room.
#[derive(Debug, Clone)]
pub struct Model {
    pub fixed: Snapshot,
    pub today: NaiveDate,
    pub vols: Vec<Vol>,
    pub copies: Vec<Cpy>,
    pub sets: Vec<BackupSet>,
    pub(super) by_set: Vec<Vec<usize>>,
    pub(super) counted: HashMap<(usize, usize), Vec<usize>>,
    pub(super) orders: Vec<(NaiveDate, u32)>,
    aboard: HashMap<(usize, usize), NaiveDate>,
    /// The days on which each pool is written, as far as plans were followed.
    pub(super) due: Vec<BTreeMap<NaiveDate, Rank>>,
    room: Vec<i64>,
    pub faults: Vec<(NaiveDate, Fault, String)>,
}

impl Model {
    pub fn new(fixed: Snapshot, today: NaiveDate) -> Self {
        let vol = |volume: &Volume| Vol {
            content: volume.content,
            place: volume.place.map(PlaceIndex::at),
            copies: Vec::new(),
            capacity: volume.capacity,
            remaining: volume.capacity,
            medium_use: volume.medium_use,
            since: volume.since,
            from_elsewhere: Some(volume.since),
            written: None,
            protection: Protection::Encrypted,
            wear: volume.wear,
            planned: None,
            recall: None,
            aside: false,
            ready_out: None,
            ready_home: None,
        };
        assert!(fixed.sets.is_empty() && fixed.copies.is_empty());
        let mut model = Self {
            today,
            vols: fixed.volumes.iter().map(vol).collect(),
            copies: Vec::new(),
            sets: Vec::new(),
            by_set: Vec::new(),
            counted: HashMap::new(),
            orders: Vec::new(),
            aboard: HashMap::new(),
            due: vec![BTreeMap::new(); fixed.pools.len()],
            room: Vec::new(),
            faults: Vec::new(),
            fixed,
        };
        model.count_room();
        model
    }

    fn count_room(&mut self) {
        let others = |place: &Place| i64::from(place.others);
        self.room = self.fixed.places.iter().map(others).collect();
        for vol in &self.vols {
            if let Some(place) = vol.place {
                self.room[place] += 1;
            }
        }
    }

    pub(super) fn fault(&mut self, fault: Fault, about: impl std::fmt::Debug) {
        self.faults.push((self.today, fault, format!("{about:?}")));
    }

    pub(super) fn place(&self, at: usize) -> &Place {
        &self.fixed.places[at]
    }

    pub(super) fn pool(&self, copy: usize) -> &Pool {
        &self.fixed.pools[self.copies[copy].pool]
    }

    pub(super) fn complete(&self, copy: usize) -> bool {
        let copy = &self.copies[copy];
        let series = self.sets[copy.set].series.unwrap();
        copy.bytes == self.fixed.series[series.at()].bytes
    }

    pub(super) fn lost(&self, copy: usize) -> bool {
        let gone = |vol: &usize| {
            let vol = &self.vols[*vol];
            vol.place.is_none() || vol.content == Content::OutOfUse
        };
        self.copies[copy].gone || self.copies[copy].volumes.iter().any(gone)
    }

    /// Whether a copy need not be kept.
    pub(super) fn over(&self, copy: usize) -> bool {
        let this = &self.copies[copy];
        if this.gone {
            return true;
        }
        if this.until > self.today || self.sets[this.set].held {
            return false;
        }
        let Scheme::KeepSets(keep) = &self.pool(copy).scheme else {
            return true;
        };
        let series = self.sets[this.set].series.unwrap().at();
        let newer = self.counted[&(series, this.pool)].iter().filter(|other| {
            self.sets[self.copies[**other].set].date > self.sets[this.set].date
                && self.copies[**other].arrived
                && !self.lost(**other)
        });
        newer.take(keep.sets.into()).count() == usize::from(keep.sets)
    }

    fn good(&self, copy: usize) -> bool {
        self.complete(copy) && !self.lost(copy) && !self.over(copy)
    }

    fn held(&self, vol: usize) -> bool {
        let on = &self.vols[vol].copies;
        on.iter().any(|copy| self.sets[self.copies[*copy].set].held)
    }

    pub(super) fn kept(&self, vol: usize) -> bool {
        self.vols[vol].copies.iter().any(|copy| !self.over(*copy))
    }

    /// Whether no copy of a set is over yet.
    pub fn may_still_be_held(&self, set: usize) -> bool {
        self.by_set
            .get(set)
            .is_some_and(|copies| !copies.iter().any(|copy| self.over(*copy)))
    }

    /// Whether a copy is to leave the library by its scheme.
    fn leaves(&self, copy: usize) -> bool {
        let sons = matches!(self.pool(copy).scheme, Scheme::GrandfatherFatherSon(_));
        self.pool(copy).keep_at != self.fixed.library
            && !(sons && self.copies[copy].rank == Rank::Daily)
    }

    /// Follows a plan to its last day; faults are collected.
    pub fn follow(&mut self, plan: &Plan, to: NaiveDate) {
        let from = self.today;
        self.count_room();
        self.aboard.clear();
        self.sets.extend(plan.sets.iter().copied());
        self.by_set.resize(self.sets.len(), Vec::new());
        for (due, pool) in self.due.iter_mut().zip(&self.fixed.pools) {
            due.append(&mut days_due(&self.fixed, &pool.scheme, from, to));
        }
        // What had expired and is held since, or lost what superseded it, is kept again.
        for vol in 0..self.vols.len() {
            if self.vols[vol].content == Content::Expired && self.kept(vol) {
                self.vols[vol].content = Content::Full;
                self.vols[vol].ready_home = None;
            }
        }
        let mut ordered = self.orders.clone();
        for (here, count) in std::mem::take(&mut self.orders) {
            self.buy(here, count);
        }
        for line in &plan.lines {
            if line.date < self.today || line.date > to {
                self.fault(Fault::OutOfOrder, line);
            }
            self.today = line.date;
            self.reason(line);
            self.step(line, &mut ordered);
        }
        self.today = to;
        self.whether_all_is_done(plan, from);
        self.orders = ordered.into_iter().filter(|(here, _)| *here > to).collect();
        self.today = plus(to, 1);
        self.take_in_what_was_bought();
    }

    fn buy(&mut self, here: NaiveDate, count: u32) {
        let capacity = self.fixed.stock.capacity;
        for _ in 0..count {
            self.vols.push(Vol {
                content: Content::Scratch,
                place: None,
                copies: Vec::new(),
                capacity,
                remaining: capacity,
                medium_use: MediumUse::Data,
                since: here,
                from_elsewhere: Some(here),
                written: None,
                protection: Protection::Encrypted,
                wear: 0,
                planned: None,
                recall: None,
                aside: true,
                ready_out: None,
                ready_home: None,
            });
        }
    }

    /// Between two plans what was delivered lies in the cupboard; the rest is still on order.
    fn take_in_what_was_bought(&mut self) {
        let cupboard = |place: &Place| place.kind == PlaceKind::Shelf && place.capacity.is_none();
        let cupboard = self.fixed.places.iter().position(cupboard).unwrap();
        for vol in self.vols.iter_mut().filter(|vol| vol.aside) {
            vol.aside = false;
            if vol.since < self.today {
                vol.place = Some(cupboard);
            } else {
                vol.content = Content::OutOfUse; // counted among the orders from now on
            }
        }
        self.count_room();
    }

    fn step(&mut self, line: &Line, ordered: &mut Vec<(NaiveDate, u32)>) {
        match line.action {
            Action::Write {
                volume,
                set,
                pool,
                start,
                bytes,
            } => {
                self.write(volume.at(), set.at(), pool.at(), start, bytes, line);
            }
            Action::GoOut { volume, from, to } => {
                self.carry(volume.at(), from.at(), to.at(), line);
            }
            Action::ComeHome { volume, from, to } => {
                self.early_return(volume.at(), from.at(), line);
                self.carry(volume.at(), from.at(), to.at(), line);
            }
            Action::Expire { volume } => {
                let vol = volume.at();
                if self.kept(vol) || !self.in_use(vol) {
                    self.fault(Fault::EarlyExpiry, line);
                }
                self.vols[vol].content = Content::Expired;
                self.vols[vol].ready_out = None;
                self.vols[vol].ready_home = Some(self.today);
            }
            Action::Scratch { volume } => self.scratch(volume.at(), line),
            Action::Purchase { first, count, here } => {
                if first.at() != self.vols.len() || here < line.date {
                    self.fault(Fault::OutOfOrder, line);
                }
                self.buy(here, count);
                ordered.push((here, count));
            }
        }
    }

    pub(super) fn in_use(&self, vol: usize) -> bool {
        matches!(self.vols[vol].content, Content::Filling | Content::Full)
    }

    fn loadable(&self, vol: usize) -> bool {
        let lies = u32::from(self.fixed.acclimatisation_days);
        let elsewhere = self.vols[vol].from_elsewhere;
        elsewhere.is_none_or(|came| plus(came, lies) <= self.today)
    }

    fn scratch(&mut self, vol: usize, line: &Line) {
        let state = &self.vols[vol];
        let kind = state.place.map(|place| self.place(place).kind);
        let here = matches!(kind, Some(PlaceKind::Library | PlaceKind::Shelf));
        let ready = state.content == Content::Expired && state.medium_use == MediumUse::Data;
        if !here || !ready || self.kept(vol) || !self.loadable(vol) {
            self.fault(Fault::ScratchTooSoon, line);
        }
        let free = !self.kept(vol);
        for copy in self.vols[vol].copies.iter().filter(|_| free) {
            self.copies[*copy].gone = true;
        }
        let vol = &mut self.vols[vol];
        vol.content = Content::Scratch;
        if free {
            vol.copies.clear();
        }
        vol.remaining = vol.capacity;
        vol.recall = None;
        vol.ready_home = None;
    }

    fn write(
        &mut self,
        vol: usize,
        set: usize,
        pool: usize,
        start: Start,
        bytes: u64,
        line: &Line,
    ) {
        let library = self.fixed.library.at();
        if self.vols[vol].aside {
            self.vols[vol].aside = false;
            self.vols[vol].place = Some(library);
            self.enter(library, line);
        }
        if self.held(vol) {
            self.fault(Fault::WriteUnderHold, line);
        }
        if start == Start::Labelled
            && (self.kept(vol) || self.vols[vol].content != Content::Scratch)
        {
            self.fault(Fault::WriteBeforeExpiry, line);
        }
        let state = &self.vols[vol];
        let due = state.planned.is_some() || state.recall.is_some();
        let waits = |copy: &usize| {
            self.leaves(*copy) && !self.over(*copy) && state.written != Some(self.today)
        };
        if due || state.copies.iter().any(waits) {
            self.fault(Fault::WriteToDueOut, line);
        }
        let state = &self.vols[vol];
        let data = matches!(state.medium_use, MediumUse::Data | MediumUse::Worm);
        if state.place != Some(library) || !data || !self.loadable(vol) {
            self.fault(Fault::WriteNotLoadable, line);
        }
        let other_pool = |copy: &usize| self.copies[*copy].pool != pool;
        let appended = start == Start::Appended;
        let state = &self.vols[vol];
        let open = state.content == Content::Filling && !state.copies.iter().any(other_pool);
        if bytes == 0 || bytes > state.remaining || (appended && !open) {
            self.fault(Fault::WriteTooMuch, line);
        }
        let copy = self.copy_of(set, pool, line);
        let protection = self.sets[set].protection;
        let state = &mut self.vols[vol];
        if start == Start::Labelled || state.protection != Protection::Plain {
            state.protection = protection;
        }
        if start == Start::Labelled {
            state.copies.clear();
            state.remaining = state.capacity;
        }
        state.content = Content::Filling;
        state.remaining = state.remaining.saturating_sub(bytes);
        if state.written != Some(self.today) {
            state.wear += 1;
        }
        state.written = Some(self.today);
        state.copies.push(copy);
        self.copies[copy].volumes.push(vol);
        self.copies[copy].bytes += bytes;
        if self.leaves(copy) {
            self.vols[vol].ready_out = Some(plus(self.today, 1));
        }
    }

    /// The copy that is written, begun if need be.
    fn copy_of(&mut self, set: usize, pool: usize, line: &Line) -> usize {
        let known = self.by_set[set]
            .iter()
            .find(|copy| self.copies[**copy].pool == pool);
        if let Some(known) = known {
            return *known;
        }
        let facts = self.sets[set];
        let series = facts.series.unwrap().at();
        let is_its_pool = self.fixed.series[series]
            .copies
            .contains(&PoolIndex::new(pool));
        let scheme = &self.fixed.pools[pool].scheme;
        let due = self.due[pool].get(&facts.date).copied();
        let made_up = line.reason == Reason::MadeUp;
        let rank = due.unwrap_or(Rank::Daily);
        let of_scheme = until(scheme, facts.date, rank);
        if !is_its_pool || due.is_none() || (facts.date != self.today && !made_up) {
            self.fault(Fault::NotDue, line);
        }
        let own = self.fixed.series[series].retention_days;
        let days = own.or(self.fixed.pools[pool].retention_days);
        let copy = self.copies.len();
        self.copies.push(Cpy {
            set,
            pool,
            rank,
            until: days.map_or(of_scheme, |days| plus(facts.date, days)),
            bytes: 0,
            volumes: Vec::new(),
            arrived: false,
            given_up: false,
            gone: false,
        });
        self.by_set[set].push(copy);
        self.counted.entry((series, pool)).or_default().push(copy);
        copy
    }

    fn early_return(&mut self, vol: usize, from: usize, line: &Line) {
        let away = self.place(from).kind.is_off_site();
        let state = &self.vols[vol];
        let recalled = state
            .recall
            .is_some_and(|recall| recall.wanted <= self.today);
        if away && self.kept(vol) && !recalled {
            self.fault(Fault::EarlyReturn, line);
        }
    }

    fn carry(&mut self, vol: usize, from: usize, to: usize, line: &Line) {
        if self.vols[vol].place != Some(from) || from == to {
            self.fault(Fault::NotThere, line);
        }
        let carriers: Vec<usize> = [from, to]
            .into_iter()
            .filter(|place| self.place(*place).kind.is_off_site())
            .map(|place| {
                let place = self.place(place);
                let open = place.calendar.is_open(self.today);
                let carrier = place.carrier.map(|carrier| carrier.at());
                let comes =
                    |carrier: &usize| self.fixed.carriers[*carrier].calendar.is_open(self.today);
                carrier
                    .filter(|carrier| open && comes(carrier))
                    .unwrap_or(usize::MAX)
            })
            .collect();
        let in_house = line.reason == Reason::ScratchNeeded;
        if carriers.contains(&usize::MAX) || !(in_house || self.fixed.site.is_open(self.today)) {
            self.fault(Fault::NobodyCarries, line);
        }
        let leaves = self.place(to).kind.is_off_site();
        if leaves && self.vols[vol].protection == Protection::Plain {
            self.fault(Fault::Unencrypted, line);
        }
        self.in_good_time(vol, leaves, line);
        self.room[from] -= 1;
        self.enter(to, line);
        let state = &mut self.vols[vol];
        state.place = Some(to);
        state.since = self.today;
        if !carriers.is_empty() {
            state.from_elsewhere = Some(self.today);
        }
        state.ready_out = None;
        state.ready_home = None;
        if state.planned.is_some_and(|planned| planned.to.at() == to) {
            state.planned = None;
        }
        if line.reason == Reason::RecallOver {
            state.recall = None;
        }
        self.together(vol, to, carriers.first().copied(), line);
    }

    fn enter(&mut self, place: usize, line: &Line) {
        self.room[place] += 1;
        if self
            .place(place)
            .capacity
            .is_some_and(|most| self.room[place] > i64::from(most))
        {
            self.fault(Fault::Overfull, line);
        }
    }

    fn together(&mut self, vol: usize, to: usize, carrier: Option<usize>, line: &Line) {
        for at in 0..self.vols[vol].copies.len() {
            let copy = self.vols[vol].copies[at];
            if let Some(carrier) = carrier {
                self.aboard.insert((copy, carrier), self.today);
            }
            let set = self.copies[copy].set;
            let all = self.by_set[set].iter().copied();
            let good: Vec<usize> = all.filter(|copy| self.good(*copy)).collect();
            if good.len() < 2 || !good.contains(&copy) {
                continue;
            }
            let in_place = |copy: &usize| {
                let mut on = self.copies[*copy].volumes.iter();
                on.any(|vol| self.vols[*vol].place == Some(to))
            };
            let in_vehicle = |copy: &usize| {
                carrier
                    .is_some_and(|carrier| self.aboard.get(&(*copy, carrier)) == Some(&self.today))
            };
            let (place, vehicle) = (good.iter().all(in_place), good.iter().all(in_vehicle));
            if place {
                self.fault(Fault::AllInOnePlace, line);
            }
            if vehicle {
                self.fault(Fault::AllInOneVehicle, line);
            }
        }
        self.note_arrivals(vol);
    }

    fn note_arrivals(&mut self, vol: usize) {
        for at in 0..self.vols[vol].copies.len() {
            let copy = self.vols[vol].copies[at];
            let keep_at = self.pool(copy).keep_at.at();
            let mut on = self.copies[copy].volumes.iter();
            let whole = on.all(|vol| self.vols[*vol].place == Some(keep_at));
            if whole && self.complete(copy) && !self.lost(copy) {
                self.copies[copy].arrived = true;
            }
        }
    }

    fn reason(&mut self, line: &Line) {
        let code = line.reason.code().as_bytes();
        let formed =
            matches!(code, [b'R', tens, ones] if tens.is_ascii_digit() && ones.is_ascii_digit());
        let tens = code.get(1).copied().unwrap_or(0);
        let fits = match line.action {
            Action::Write { .. } => tens == b'0',
            Action::GoOut { .. } => tens == b'1',
            Action::ComeHome { .. } => tens == b'2' || line.reason == Reason::ByHand,
            Action::Expire { .. } => tens == b'3',
            Action::Scratch { .. } => tens == b'4',
            Action::Purchase { .. } => tens == b'5',
        };
        if !formed || !fits || line.reason.words().is_empty() {
            self.fault(Fault::ReasonMissing, line);
        }
    }
}
