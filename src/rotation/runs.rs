//! What is carried on a day: by couriers to and from places off-site, by our own people within it.

use super::plan::{Action, Trouble};
use super::reason::Reason;
use super::snapshot::{PlaceIndex, PlaceKind, VolumeIndex};
use super::state::{Claim, Day, Event, State, Status, Waiting};

/// What came of trying to carry a cartridge.
enum Outcome {
    Carried,
    /// It tries again with the next run.
    Waits,
    /// Nothing goes there before room is made.
    NoRoom,
    /// It is not to be carried any more.
    Dropped,
}

/// Which queue of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Out,
    Home,
}

impl State<'_> {
    /// Everything that is carried today. What comes home makes room there, what goes out here: so there
    /// is a second pass.
    pub(super) fn carry(&mut self) {
        let today = usize::try_from(self.today).unwrap_or(0);
        if !self.site_open[today] {
            return;
        }
        for direction in [
            Direction::Out,
            Direction::Home,
            Direction::Out,
            Direction::Home,
        ] {
            for at in 0..self.places.len() {
                let place = &self.places[at];
                let queue = match direction {
                    Direction::Out => &place.out,
                    Direction::Home => &place.home,
                };
                if queue.is_empty() || !self.is_served(at, today) {
                    continue;
                }
                self.work_off(PlaceIndex::new(at), direction);
            }
        }
    }

    /// Whether somebody goes to and from a place today.
    fn is_served(&self, at: usize, today: usize) -> bool {
        let place = &self.places[at];
        if !place.kind.is_off_site() {
            return true;
        }
        let comes = |carrier: usize| self.carrier_open[carrier][today];
        place.open[today] && place.carrier.is_some_and(comes)
    }

    /// The last day on which something was ready that goes today.
    fn ready_by(&self, at: usize) -> Day {
        let carrier = self.places[at].carrier;
        let calendar = carrier.map(|carrier| &self.snapshot.carriers[carrier].calendar);
        let before = calendar.map_or(0, |calendar| calendar.days_before());
        self.today - Day::from(before)
    }

    fn work_off(&mut self, place: PlaceIndex, direction: Direction) {
        let ready_by = self.ready_by(place.at());
        let mut waiting = Vec::new();
        loop {
            let state = &mut self.places[place.at()];
            let queue = match direction {
                Direction::Out => &mut state.out,
                Direction::Home => &mut state.home,
            };
            let is_ready = |entry: &Waiting| entry.ready <= ready_by;
            if !queue.front().is_some_and(is_ready) {
                break;
            }
            let Some(entry) = queue.pop_front() else {
                break;
            };
            if self.volumes[entry.volume.at()].ticket != entry.ticket {
                continue;
            }
            let outcome = match direction {
                Direction::Out => self.take_out(entry, place),
                Direction::Home => self.bring_home(entry, place),
            };
            match outcome {
                Outcome::Carried | Outcome::Dropped => {}
                Outcome::Waits => waiting.push(entry),
                Outcome::NoRoom => {
                    waiting.push(entry);
                    break;
                }
            }
        }
        let state = &mut self.places[place.at()];
        let queue = match direction {
            Direction::Out => &mut state.out,
            Direction::Home => &mut state.home,
        };
        for entry in waiting.into_iter().rev() {
            queue.push_front(entry);
        }
    }

    fn take_out(&mut self, entry: Waiting, to: PlaceIndex) -> Outcome {
        let volume = entry.volume;
        let Some(from) = self.volumes[volume.at()].place.filter(|from| *from != to) else {
            return Outcome::Dropped;
        };
        if !self.places[to.at()].has_room() {
            self.warn_of_room(to, volume);
            return Outcome::NoRoom;
        }
        let leaves = self.places[to.at()].kind.is_off_site();
        if leaves && !self.may_leave(volume) {
            self.warn(Trouble::NotEncrypted { volume });
            return Outcome::Dropped;
        }
        let fetched = self.places[from.at()].kind.is_off_site();
        let today = usize::try_from(self.today).unwrap_or(0);
        if fetched && !self.is_served(from.at(), today) {
            return Outcome::Waits;
        }
        if let Some(set) = self.together(volume, to) {
            self.warn(Trouble::WouldBeTogether { volume, set });
            return Outcome::Waits;
        }
        let carrier = self.places[to.at()].carrier.filter(|_| leaves);
        if carrier.is_some_and(|carrier| self.shares_vehicle(volume, carrier)) {
            return Outcome::Waits;
        }
        self.put(volume, to);
        self.line(Action::GoOut { volume, from, to }, entry.reason);
        self.travelled(volume, carrier);
        let state = &mut self.volumes[volume.at()];
        state.planned = state.planned.filter(|planned| planned.0 != to);
        if state.planned.is_none() {
            state.claim = Claim::Free;
        }
        self.rest(volume, fetched);
        self.note_arrivals(volume);
        Outcome::Carried
    }

    fn bring_home(&mut self, entry: Waiting, from: PlaceIndex) -> Outcome {
        let volume = entry.volume;
        if self.volumes[volume.at()].place != Some(from) {
            return Outcome::Dropped;
        }
        let away = self.places[from.at()].kind.is_off_site();
        let carrier = self.places[from.at()].carrier.filter(|_| away);
        if carrier.is_some_and(|carrier| self.shares_vehicle(volume, carrier)) {
            return Outcome::Waits;
        }
        let to = match self.room_at_home(volume, from) {
            Ok(to) => to,
            Err(outcome) => return outcome,
        };
        self.put(volume, to);
        self.line(Action::ComeHome { volume, from, to }, entry.reason);
        self.travelled(volume, carrier);
        let state = &mut self.volumes[volume.at()];
        state.planned = None;
        if entry.reason == Reason::Recalled {
            if let Some(back) = state.back {
                let life = (volume, state.life);
                self.at(back, Event::Out(life, from, Reason::RecallOver));
            }
        } else {
            state.claim = Claim::Free;
        }
        self.rest(volume, away);
        Outcome::Carried
    }

    /// Where a cartridge that comes home is put: as planned by hand, else the library, else a shelf, and
    /// what is still needed also a safe.
    fn room_at_home(
        &mut self,
        volume: VolumeIndex,
        from: PlaceIndex,
    ) -> Result<PlaceIndex, Outcome> {
        let state = &self.volumes[volume.at()];
        let needed = state.status == Status::InUse;
        let library = self.library();
        let candidates: Vec<PlaceIndex> = if let Some((planned, _)) = state.planned {
            vec![planned]
        } else {
            let of_kind = |kind: PlaceKind| {
                let places = self.places.iter().enumerate();
                places
                    .filter(move |(_, place)| place.kind == kind)
                    .map(|(at, _)| PlaceIndex::new(at))
            };
            let safes = of_kind(PlaceKind::Safe).filter(|_| needed);
            std::iter::once(library)
                .chain(of_kind(PlaceKind::Shelf))
                .chain(safes)
                .filter(|place| *place != from)
                .collect()
        };
        let mut together = None;
        for place in &candidates {
            if !self.places[place.at()].has_room() {
                continue;
            }
            match self.together(volume, *place) {
                Some(set) => together = Some(set),
                None => return Ok(*place),
            }
        }
        if let Some(set) = together {
            self.warn(Trouble::WouldBeTogether { volume, set });
            return Err(Outcome::Waits);
        }
        self.warn_of_room(candidates.first().copied().unwrap_or(library), volume);
        Err(if needed {
            Outcome::Waits
        } else {
            Outcome::NoRoom
        })
    }

    fn travelled(&mut self, volume: VolumeIndex, carrier: Option<usize>) {
        let Some(carrier) = carrier else { return };
        for copy in self.volumes[volume.at()].copies.iter() {
            self.copies[copy].aboard = Some((self.today, carrier));
        }
    }

    /// What becomes of a cartridge that was put down.
    fn rest(&mut self, volume: VolumeIndex, was_away: bool) {
        let lies = Day::from(self.snapshot.acclimatisation_days);
        let state = &mut self.volumes[volume.at()];
        if was_away {
            state.usable = self.today + lies;
        }
        let Some(place) = state.place else { return };
        let (status, kind) = (state.status, self.places[place.at()].kind);
        match (status, kind) {
            (Status::Scratch | Status::Expired, PlaceKind::Safe) => {
                self.fetch(volume, Reason::ExpiredAway);
            }
            (Status::Scratch, _) => self.became_usable(volume),
            (Status::Expired, _) => self.reuse(volume, Reason::Reusable),
            (Status::InUse | Status::OutOfUse, _) => {}
        }
    }

    /// Makes an expired cartridge that is here one that can be written, unless it can be written only
    /// once; if it has to lie first, later.
    pub(super) fn reuse(&mut self, volume: VolumeIndex, reason: Reason) {
        let state = &self.volumes[volume.at()];
        if !state.reusable || !self.is_here(volume) {
            return;
        }
        if state.usable > self.today {
            self.at(state.usable, Event::Usable(volume));
            return;
        }
        self.make_scratch(volume);
        self.line(Action::Scratch { volume }, reason);
    }

    /// A cartridge may be one that came from elsewhere and has lain long enough.
    pub(super) fn became_usable(&mut self, volume: VolumeIndex) {
        let state = &self.volumes[volume.at()];
        match state.status {
            Status::Scratch if state.usable > self.today => {
                self.at(state.usable, Event::Usable(volume));
            }
            Status::Scratch => self.offer(volume),
            Status::Expired => self.reuse(volume, Reason::Acclimatised),
            Status::InUse | Status::OutOfUse => {}
        }
    }

    fn is_here(&self, volume: VolumeIndex) -> bool {
        let place = self.volumes[volume.at()].place;
        let kind = place.map(|place| self.places[place.at()].kind);
        matches!(kind, Some(PlaceKind::Library | PlaceKind::Shelf))
    }

    /// Has a cartridge taken to a place with the first run after a day has begun.
    pub(super) fn send(&mut self, volume: VolumeIndex, to: PlaceIndex, ready: Day, reason: Reason) {
        let state = &mut self.volumes[volume.at()];
        state.ticket += 1;
        state.claim = Claim::DueToMove;
        let ticket = state.ticket;
        self.places[to.at()].out.push_back(Waiting {
            volume,
            ready,
            reason,
            ticket,
        });
    }

    /// Has a cartridge fetched from where it is with the first run from today.
    pub(super) fn fetch(&mut self, volume: VolumeIndex, reason: Reason) {
        let ready = self.today;
        let state = &mut self.volumes[volume.at()];
        let Some(from) = state.place else { return };
        state.ticket += 1;
        let ticket = state.ticket;
        self.places[from.at()].home.push_back(Waiting {
            volume,
            ready,
            reason,
            ticket,
        });
    }

    /// The day of a movement planned by hand has come.
    pub(super) fn move_by_hand(&mut self, volume: VolumeIndex) {
        let state = &self.volumes[volume.at()];
        let (Some(from), Some((to, _))) = (state.place, state.planned) else {
            return;
        };
        let away = |place: PlaceIndex| self.places[place.at()].kind.is_off_site();
        if from == to {
            self.volumes[volume.at()].planned = None;
        } else if !away(from) || away(to) {
            self.send(volume, to, self.today, Reason::ByHand);
        } else if state.kept > 0 {
            self.warn(Trouble::NotRecalled { volume });
        } else {
            self.fetch(volume, Reason::ByHand);
        }
    }
}
