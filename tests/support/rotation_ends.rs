//! What the model looks at when a plan was followed to its end, and what it hands to the next plan.

use std::collections::HashMap;

use chrono::NaiveDate;
use tapeward::catalogue::Generation;
use tapeward::rotation::{
    Action, CopyIndex, LateWrite, Line, PlaceIndex, Plan, PoolIndex, Protection, Reason, SetCopy,
    SetIndex, Snapshot, Stock, Trouble, Volume, VolumeIndex,
};

use super::model::{Fault, Model, Vol};
use super::rules::plus;

impl Model {
    /// What was due is written, or it is said that it could not be; what is over has expired; what was
    /// ready to be carried was.
    pub(super) fn whether_all_is_done(&mut self, plan: &Plan, from: NaiveDate) {
        let mut excused = false;
        for warning in &plan.warnings {
            match warning.what {
                Trouble::ScratchShort { .. } | Trouble::NoRoom { .. } => excused = true,
                Trouble::GivenUp { set, pool } => {
                    for at in 0..self.by_set[set.at()].len() {
                        let copy = self.by_set[set.at()][at];
                        if self.copies[copy].pool == pool.at() {
                            self.copies[copy].given_up = true;
                        }
                    }
                }
                _ => {}
            }
        }
        let mut written: HashMap<(usize, usize, NaiveDate), bool> = HashMap::new();
        for copy in 0..self.copies.len() {
            let set = self.sets[self.copies[copy].set];
            let key = (set.series.unwrap().at(), self.copies[copy].pool, set.date);
            written.insert(key, self.complete(copy));
        }
        for pool in 0..self.fixed.pools.len() {
            let days: Vec<NaiveDate> = self.due[pool].range(from..).map(|due| *due.0).collect();
            for series in 0..self.fixed.series.len() {
                let copies = &self.fixed.series[series].copies;
                if !copies.contains(&PoolIndex::new(pool)) {
                    continue;
                }
                for day in &days {
                    let whole = written.get(&(series, pool, *day)).copied();
                    if whole != Some(true) && !excused {
                        self.fault(Fault::NotWritten, (series, pool, day));
                    }
                }
            }
        }
        for vol in 0..self.vols.len() {
            let state = &self.vols[vol];
            let here = state.place.is_some() && !state.copies.is_empty();
            if self.in_use(vol) && here && !self.kept(vol) {
                self.fault(Fault::NotExpired, vol);
            }
            self.whether_it_waits(vol);
        }
    }

    fn whether_it_waits(&mut self, vol: usize) {
        let state = &self.vols[vol];
        if state.protection == Protection::Plain
            || state.recall.is_some()
            || state.planned.is_some()
        {
            return;
        }
        let copy = state.copies.first().copied();
        let keep_at = copy.map(|copy| self.pool(copy).keep_at.at());
        let place = state.place;
        let waits = [(state.ready_out, keep_at), (state.ready_home, place)];
        for (ready, place) in waits {
            if let (Some(ready), Some(place)) = (ready, place)
                && self.chances(place, ready, plus(self.today, 1)) > 3
                && !self.is_tight()
            {
                self.fault(Fault::LeftBehind, (vol, ready));
            }
        }
    }

    /// Nothing waits for longer than it takes somebody to come three times, unless there is no room.
    pub(super) fn in_good_time(&mut self, vol: usize, out: bool, line: &Line) {
        let state = &self.vols[vol];
        let (ready, place) = if out {
            let Action::GoOut { to, .. } = line.action else {
                return;
            };
            (state.ready_out, to.at())
        } else {
            (state.ready_home, state.place.unwrap_or(0))
        };
        let Some(ready) = ready else { return };
        let planned = line.reason == Reason::ByHand;
        if self.chances(place, ready, self.today) > 3 && !planned && !self.is_tight() {
            self.fault(Fault::LeftBehind, line);
        }
    }

    /// How often somebody came after something was ready.
    fn chances(&self, place: usize, ready: NaiveDate, before: NaiveDate) -> usize {
        let place = self.place(place);
        let Some(carrier) = place.carrier else {
            return 0;
        };
        let calendar = &self.fixed.carriers[carrier.at()].calendar;
        let cut_off = calendar
            .cut_off
            .map_or(0, |cut_off| u32::from(cut_off.days_before));
        let comes = |day: &NaiveDate| {
            calendar.is_open(*day) && place.calendar.is_open(*day) && self.fixed.site.is_open(*day)
        };
        let first = plus(ready, cut_off);
        first
            .iter_days()
            .take_while(|day| *day < before)
            .filter(comes)
            .take(9)
            .count()
    }

    /// Where room is short things may wait.
    fn is_tight(&self) -> bool {
        self.fixed
            .places
            .iter()
            .any(|place| place.capacity.is_some())
    }

    /// What the next plan is made from.
    pub fn snapshot(&self) -> Snapshot {
        let volume = |at: usize, vol: &Vol| Volume {
            barcode: format!("V{at:05}L8"),
            generation: Generation::Lto8,
            medium_use: vol.medium_use,
            content: vol.content,
            pool: vol
                .copies
                .first()
                .map(|copy| PoolIndex::new(self.copies[*copy].pool)),
            capacity: vol.capacity,
            remaining: vol.remaining,
            wear: vol.wear,
            place: vol.place.map(PlaceIndex::new),
            since: vol.from_elsewhere.unwrap_or(vol.since),
            written: vol.written,
            protection: vol.protection,
            planned: vol.planned,
            recall: vol.recall,
        };
        let still_on = |copy: usize| {
            let gone = self.copies[copy].gone;
            let on = |vol: &&usize| !gone && self.vols[**vol].copies.contains(&copy);
            let volumes = self.copies[copy].volumes.iter();
            volumes
                .filter(on)
                .map(|vol| VolumeIndex::new(*vol))
                .collect()
        };
        let late = |at: usize| {
            let copy = &self.copies[at];
            let series = self.sets[copy.set].series.unwrap().at();
            let newest = self.counted[&(series, copy.pool)].last() == Some(&at);
            let bytes = self.fixed.series[series].bytes - copy.bytes;
            let wanted = newest && bytes > 0 && !copy.given_up && !self.over(at);
            let copy = CopyIndex::new(at);
            wanted.then_some(LateWrite { copy, bytes })
        };
        Snapshot {
            sets: self.sets.clone(),
            copies: (0..self.copies.len())
                .map(|at| SetCopy {
                    set: SetIndex::new(self.copies[at].set),
                    pool: PoolIndex::new(self.copies[at].pool),
                    rank: self.copies[at].rank,
                    until: self.copies[at].until,
                    complete: self.complete(at) && !self.copies[at].gone,
                    arrived: self.copies[at].arrived && !self.copies[at].gone,
                    volumes: still_on(at),
                })
                .collect(),
            volumes: self
                .vols
                .iter()
                .enumerate()
                .map(|(at, vol)| volume(at, vol))
                .collect(),
            late: (0..self.copies.len()).filter_map(late).collect(),
            stock: Stock {
                ordered: self.orders.clone(),
                ..self.fixed.stock.clone()
            },
            ..self.fixed.clone()
        }
    }
}
