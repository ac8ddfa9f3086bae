//! The state a plan begins with, from the snapshot.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::NaiveDate;

use super::reason::Reason;
use super::snapshot::{Content, PlaceIndex, PlaceKind, Snapshot, Volume, VolumeIndex};
use super::state::{
    Claim, Copies, CopyState, Day, Event, PlaceState, SetState, Stack, State, Status, VolumeState,
    status,
};
use super::writes::{Open, Unwritten, Writer};
use crate::catalogue::MediumUse;

/// The state on the first day, and what writing goes on from.
pub(super) fn begin(snapshot: &Snapshot, from: NaiveDate, days: Day) -> (State<'_>, Writer) {
    let length = usize::try_from(days).unwrap_or(0);
    let mut state = State {
        snapshot,
        from,
        days,
        // What is found to be due already is due on the first day.
        today: -1,
        date: from,
        volumes: Vec::with_capacity(snapshot.volumes.len()),
        copies: Vec::with_capacity(snapshot.copies.len()),
        sets: Vec::with_capacity(snapshot.sets.len()),
        places: Vec::with_capacity(snapshot.places.len()),
        site_open: snapshot.site.table(from, length),
        carrier_open: snapshot
            .carriers
            .iter()
            .map(|carrier| carrier.calendar.table(from, length))
            .collect(),
        events: vec![Vec::new(); length],
        in_library: Stack::default(),
        on_shelf: Stack::default(),
        laid_aside: VecDeque::new(),
        scratch: 0,
        on_order: 0,
        counted: BTreeMap::new(),
        lines: Vec::new(),
        purchases: Vec::new(),
        warnings: Vec::new(),
        warned: BTreeSet::new(),
    };
    state.begin_places(length);
    state.begin_sets();
    state.begin_copies();
    for at in 0..snapshot.volumes.len() {
        state.begin_volume(VolumeIndex::new(at));
    }
    state.judge_copies();
    for at in 0..snapshot.volumes.len() {
        state.begin_movements(VolumeIndex::new(at));
    }
    state.begin_orders();
    for at in 0..state.places.len() {
        state.warn_when_full(PlaceIndex::new(at));
    }
    let writer = state.begin_writing();
    (state, writer)
}

impl State<'_> {
    fn begin_places(&mut self, length: usize) {
        for place in &self.snapshot.places {
            let calendar = &place.calendar;
            self.places.push(PlaceState {
                kind: place.kind,
                capacity: place.capacity.unwrap_or(u32::MAX),
                count: place.others,
                carrier: place.carrier.map(|carrier| carrier.at()),
                out: VecDeque::new(),
                home: VecDeque::new(),
                open: calendar.table(self.from, length),
            });
        }
    }

    fn begin_sets(&mut self) {
        for facts in &self.snapshot.sets {
            self.sets.push(SetState {
                facts: *facts,
                copies: Vec::new(),
            });
        }
    }

    fn begin_copies(&mut self) {
        for (at, copy) in self.snapshot.copies.iter().enumerate() {
            let volumes = || {
                copy.volumes
                    .iter()
                    .map(|volume| &self.snapshot.volumes[volume.at()])
            };
            let is_lost =
                |volume: &&Volume| volume.place.is_none() || volume.content == Content::OutOfUse;
            let lost = volumes().filter(is_lost).count();
            let mut places: BTreeMap<PlaceIndex, u32> = BTreeMap::new();
            for place in volumes().filter_map(|volume| volume.place) {
                *places.entry(place).or_default() += 1;
            }
            let until = self.day_of(copy.until);
            self.copies.push(CopyState {
                set: copy.set,
                pool: copy.pool.at(),
                rank: copy.rank,
                until,
                complete: copy.complete,
                arrived: copy.arrived,
                superseded: false,
                over: false,
                volumes: copy.volumes.clone(),
                lost: u32::try_from(lost).unwrap_or(u32::MAX),
                at: places.into_iter().collect(),
                aboard: None,
            });
            self.sets[copy.set.at()].copies.push(at);
            let series = self.sets[copy.set.at()].facts.series;
            let counts = self.snapshot.pools[copy.pool.at()].scheme.newer().is_some();
            match series {
                Some(series) if counts => {
                    let key = (series.at(), copy.pool.at());
                    self.counted.entry(key).or_default().push(at);
                }
                // Of what is not written any more there will be nothing newer.
                _ => {
                    self.copies[at].superseded = true;
                    self.at(until, Event::CopyDue(at));
                }
            }
        }
    }

    /// Judges anew what must be kept: a cartridge that had expired may carry what is held since, or what
    /// has lost those that superseded it.
    fn judge_copies(&mut self) {
        let sets = &self.sets;
        let copies = &self.copies;
        for list in self.counted.values_mut() {
            list.sort_by_key(|copy| sets[copies[*copy].set.at()].facts.date);
        }
        let counted: Vec<(usize, usize)> = self.counted.keys().copied().collect();
        for (series, pool) in counted {
            for copy in self.mark_superseded(series, pool) {
                self.at(self.copies[copy].until, Event::CopyDue(copy));
            }
        }
        for at in 0..self.copies.len() {
            let had_expired =
                |volume: &VolumeIndex| matches!(self.volumes[volume.at()].status, Status::Expired);
            let expired = self.copies[at].volumes.iter().any(had_expired);
            let over = expired && self.is_free(at, 0);
            self.copies[at].over = over;
            for volume in &self.copies[at].volumes {
                let on = &mut self.volumes[volume.at()];
                on.copies.push(at);
                on.kept += u32::from(!over);
            }
        }
        for volume in &mut self.volumes {
            if volume.status == Status::Expired && volume.kept > 0 {
                volume.status = Status::InUse;
                volume.remaining = 0;
            }
        }
    }

    fn begin_volume(&mut self, volume: VolumeIndex) {
        let facts = &self.snapshot.volumes[volume.at()];
        let due = facts.planned.is_some() || facts.recall.is_some();
        self.volumes.push(VolumeState {
            place: facts.place,
            status: if facts.medium_use.holds_data() {
                status(facts.content)
            } else {
                Status::OutOfUse
            },
            claim: if due { Claim::DueToMove } else { Claim::Free },
            writable: facts.capacity > 0 && self.snapshot.writable.contains(&facts.generation),
            protection: facts.protection,
            reusable: facts.medium_use == MediumUse::Data,
            copies: Copies::default(),
            kept: 0,
            capacity: facts.capacity,
            remaining: match facts.content {
                Content::Scratch => facts.capacity,
                _ => facts.remaining,
            },
            usable: self.usable_from(facts),
            wear: facts.wear,
            written: facts.written.map_or(Day::MIN, |date| self.day_of(date)),
            ticket: 0,
            life: 0,
            planned: facts
                .planned
                .map(|planned| (planned.to, self.day_of(planned.on))),
            back: facts
                .recall
                .and_then(|recall| recall.back)
                .map(|back| self.day_of(back)),
        });
        if let Some(place) = facts.place {
            self.places[place.at()].count += 1;
        }
    }

    /// What a cartridge waits for.
    fn begin_movements(&mut self, volume: VolumeIndex) {
        let facts = &self.snapshot.volumes[volume.at()];
        let Some(place) = facts.place else { return };
        if let Some(planned) = facts.planned {
            self.at(self.day_of(planned.on), Event::ByHand(volume));
            return;
        }
        let kind = self.places[place.at()].kind;
        if let Some(recall) = facts.recall
            && self.volumes[volume.at()].status == Status::InUse
        {
            if kind.is_off_site() {
                let wanted = self.day_of(recall.wanted);
                self.at(wanted, Event::Recall((volume, 0)));
            } else if let (Some(back), Some(to)) = (recall.back, self.kept_at(volume)) {
                let back = self.day_of(back);
                self.at(back, Event::Out((volume, 0), to, Reason::RecallOver));
            }
            return;
        }
        let here = matches!(kind, PlaceKind::Library | PlaceKind::Shelf);
        match self.volumes[volume.at()].status {
            Status::Scratch | Status::Expired if here => {
                self.at(self.volumes[volume.at()].usable, Event::Usable(volume));
            }
            Status::Scratch | Status::Expired => self.fetch(volume, Reason::ExpiredAway),
            Status::InUse if !kind.is_off_site() => {
                if let Some(to) = self.kept_at(volume).filter(|to| *to != place) {
                    let ready = facts.written.map_or(0, |date| self.day_of(date) + 1);
                    self.volumes[volume.at()].claim = Claim::DueToMove;
                    self.at(ready, Event::Out((volume, 0), to, Reason::KeptThere));
                }
            }
            Status::InUse | Status::OutOfUse => {}
        }
    }

    /// When a cartridge that came from elsewhere can be loaded; one that was written since then was.
    fn usable_from(&self, facts: &Volume) -> Day {
        let was_loaded = facts.written.is_some_and(|date| date >= facts.since);
        let lies = Day::from(self.snapshot.acclimatisation_days);
        if was_loaded {
            0
        } else {
            self.day_of(facts.since).saturating_add(lies)
        }
    }

    /// Where a cartridge is kept, if what is on it leaves the library.
    fn kept_at(&self, volume: VolumeIndex) -> Option<PlaceIndex> {
        let copies = &self.volumes[volume.at()].copies;
        let leaves = |copy: &usize| !self.copies[*copy].over && self.leaves(*copy);
        let copy = copies.iter().find(leaves)?;
        Some(self.snapshot.pools[self.copies[copy].pool].keep_at)
    }

    fn begin_orders(&mut self) {
        let lies = Day::from(self.snapshot.acclimatisation_days);
        for (here, count) in &self.snapshot.stock.ordered {
            let (first, count) = (VolumeIndex::new(self.volumes.len()), *count);
            self.add_bought(count);
            self.on_order += count;
            let usable = self.day_of(*here).saturating_add(lies);
            self.at(usable, Event::Delivered { first, count });
        }
    }

    fn begin_writing(&mut self) -> Writer {
        let snapshot = self.snapshot;
        let mut newest = vec![vec![None; snapshot.pools.len()]; snapshot.series.len()];
        for copy in &snapshot.copies {
            let set = &snapshot.sets[copy.set.at()];
            if let Some(series) = set.series {
                let newest: &mut Option<NaiveDate> = &mut newest[series.at()][copy.pool.at()];
                *newest = (*newest).max(Some(set.date));
            }
        }
        let mut open = vec![Open::default(); snapshot.pools.len()];
        let filling = |volume: &VolumeIndex| {
            let facts = &snapshot.volumes[volume.at()];
            facts.content == Content::Filling && facts.place == Some(snapshot.library)
        };
        let mut candidates: Vec<VolumeIndex> = (0..snapshot.volumes.len())
            .map(VolumeIndex::new)
            .filter(filling)
            .collect();
        candidates.sort_by_key(|volume| self.volumes[volume.at()].written);
        for volume in candidates {
            if let Some(pool) = snapshot.volumes[volume.at()].pool {
                open[pool.at()].staying = Some(volume);
            }
        }
        Writer {
            open,
            late: snapshot
                .late
                .iter()
                .map(|late| Unwritten {
                    copy: late.copy.at(),
                    bytes: late.bytes,
                })
                .collect(),
            newest,
            leaving: Vec::new(),
        }
    }
}
