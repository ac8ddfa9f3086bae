//! When what is on a cartridge need not be kept any more.

use super::plan::Action;
use super::reason::Reason;
use super::snapshot::{PlaceKind, VolumeIndex};
use super::state::{Day, Event, State, Status};

impl State<'_> {
    /// Sets a copy free if its time is over, nothing holds it and, where its scheme counts sets, enough
    /// newer ones are off-site.
    pub(super) fn review(&mut self, copy: usize) {
        if self.copies[copy].over || !self.is_free(copy, self.today) {
            return;
        }
        let pool = &self.snapshot.pools[self.copies[copy].pool];
        let reason = match pool.scheme.newer() {
            Some(_) => Reason::Superseded,
            None => Reason::RetentionOver,
        };
        self.copies[copy].over = true;
        for at in 0..self.copies[copy].volumes.len() {
            let volume = self.copies[copy].volumes[at];
            let state = &mut self.volumes[volume.at()];
            state.kept = state.kept.saturating_sub(1);
            if state.kept == 0 && state.status == Status::InUse {
                self.expire(volume, reason);
            }
        }
    }

    fn expire(&mut self, volume: VolumeIndex, reason: Reason) {
        let state = &mut self.volumes[volume.at()];
        state.status = Status::Expired;
        let (place, planned) = (state.place, state.planned);
        if planned.is_none() {
            // Whatever it waited for is void.
            state.ticket += 1;
        }
        self.line(Action::Expire { volume }, reason);
        let Some(place) = place else { return };
        let here = matches!(
            self.places[place.at()].kind,
            PlaceKind::Library | PlaceKind::Shelf
        );
        if here {
            self.reuse(volume, Reason::Reusable);
        }
        match planned {
            // It could not come home before.
            Some((_, on)) if on < self.today => self.move_by_hand(volume),
            None if !here => self.fetch(volume, Reason::ExpiredAway),
            Some(_) | None => {}
        }
    }

    /// Looks whether copies on a cartridge are wholly off-site now, and what that makes superfluous.
    pub(super) fn note_arrivals(&mut self, volume: VolumeIndex) {
        let mut at = 0;
        while let Some(copy) = self.volumes[volume.at()].copies.get(at) {
            self.note_arrival(copy);
            at += 1;
        }
    }

    fn note_arrival(&mut self, copy: usize) {
        let state = &self.copies[copy];
        let place = self.snapshot.pools[state.pool].keep_at;
        let here = state.at.iter().find(|row| row.0 == place);
        let whole = here.is_some_and(|row| row.1 as usize == state.volumes.len());
        if state.arrived || !state.complete || state.lost > 0 || !whole {
            return;
        }
        let (pool, set) = (state.pool, state.set);
        self.copies[copy].arrived = true;
        if let Some(series) = self.sets[set.at()].facts.series {
            self.supersede(series.at(), pool);
        }
    }

    /// Where a scheme counts sets, lets those go that have enough newer ones off-site.
    fn supersede(&mut self, series: usize, pool: usize) {
        for copy in self.mark_superseded(series, pool) {
            self.review(copy);
            let until = self.copies[copy].until;
            if until > self.today {
                self.at(until, Event::CopyDue(copy));
            }
        }
    }

    /// Marks the copies that have enough newer ones off-site, and returns them.
    pub(super) fn mark_superseded(&mut self, series: usize, pool: usize) -> Vec<usize> {
        let Some(newer) = self.snapshot.pools[pool].scheme.newer() else {
            return Vec::new();
        };
        let Some(list) = self.counted.get_mut(&(series, pool)) else {
            return Vec::new();
        };
        let mut off_site = 0;
        let arrived = |copy: &usize| {
            let copy = &self.copies[*copy];
            copy.arrived && copy.lost == 0
        };
        let enough = list.iter().rposition(|copy| {
            let counts = off_site >= newer;
            off_site += u16::from(arrived(copy));
            counts
        });
        let Some(last) = enough else {
            return Vec::new();
        };
        let superseded: Vec<usize> = list.drain(..=last).collect();
        for copy in &superseded {
            self.copies[*copy].superseded = true;
        }
        superseded
    }

    /// Whether a copy need not be kept on a day.
    pub(super) fn is_free(&self, copy: usize, day: Day) -> bool {
        let state = &self.copies[copy];
        let counts = self.snapshot.pools[state.pool].scheme.newer().is_some();
        state.until <= day && (!counts || state.superseded) && !self.held(state.set)
    }
}
