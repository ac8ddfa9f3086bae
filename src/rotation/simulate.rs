//! Day by day from the snapshot to the end of the plan.

use chrono::NaiveDate;

use super::begin::begin;
use super::check::{PlanError, check};
use super::plan::{Action, Line, Plan, Trouble, Warning};
use super::reason::Reason;
use super::scheme::WorkingDay;
use super::snapshot::{CarrierIndex, PlaceIndex, SetIndex, Snapshot};
use super::state::{Day, Event, Life, State, Status};
use super::{ATTEND_AHEAD_DAYS, TOGETHER_DAYS};

/// What is to be done from one day to another, both included; the snapshot is as of the morning of the
/// first. Takes time and memory in proportion to days and lines.
///
/// # Errors
/// The snapshot contradicts itself, or asks for what must not be: all copies of a set in one place.
pub fn plan(snapshot: &Snapshot, from: NaiveDate, to: NaiveDate) -> Result<Plan, PlanError> {
    let days = check(snapshot, from, to)?;
    let (mut state, mut writer) = begin(snapshot, from, days);
    // What was due on the closed days just before the first is due with the next working day.
    let before = snapshot.site.open_before(from);
    let mut since = before.and_then(|day| day.succ_opt()).unwrap_or(from);
    for (at, date) in from.iter_days().enumerate().take(state.events.len()) {
        state.today += 1;
        state.date = date;
        for event in std::mem::take(&mut state.events[at]) {
            state.happen(event);
        }
        state.carry();
        if state.site_open[at] {
            writer.write(&mut state, WorkingDay { date, since });
            since = date.succ_opt().unwrap_or(date);
        }
    }
    state.look_ahead();
    state.look_for_sets_together();
    Ok(state.finish())
}

impl State<'_> {
    fn happen(&mut self, event: Event) {
        match event {
            Event::CopyDue(copy) => self.review(copy),
            Event::Usable(volume) => self.became_usable(volume),
            Event::Delivered { first, count } => {
                self.on_order -= count;
                self.deliver(first, count);
            }
            Event::Out(life, to, reason) => {
                if self.is_in_use(life) {
                    self.send(life.0, to, self.today, reason);
                }
            }
            Event::Recall(life) => {
                if self.is_in_use(life) {
                    self.fetch(life.0, Reason::Recalled);
                }
            }
            Event::ByHand(volume) => self.move_by_hand(volume),
        }
    }

    fn is_in_use(&self, life: Life) -> bool {
        let state = &self.volumes[life.0.at()];
        state.status == Status::InUse && state.life == life.1
    }

    /// Pick-ups of the next days at which nobody is there, or that lead nowhere.
    fn look_ahead(&mut self) {
        let ahead = usize::try_from(ATTEND_AHEAD_DAYS.min(self.days)).unwrap_or(0);
        for (at, date) in self.from.iter_days().enumerate().take(ahead) {
            for carrier in 0..self.carrier_open.len() {
                if !self.carrier_open[carrier][at] {
                    continue;
                }
                let index = CarrierIndex::new(carrier);
                let mut say = |what| self.warnings.push(Warning { date, what });
                if !self.site_open[at] {
                    say(Trouble::NobodyThere { carrier: index });
                    continue;
                }
                for (place, state) in self.places.iter().enumerate() {
                    if state.carrier == Some(carrier) && !state.open[at] {
                        let place = PlaceIndex::new(place);
                        let carrier = index;
                        say(Trouble::PlaceClosed { carrier, place });
                    }
                }
            }
        }
    }

    /// Sets of which all good copies are still in one place, long after they were written.
    fn look_for_sets_together(&mut self) {
        for at in 0..self.sets.len() {
            let set = &self.sets[at];
            if self.day_of(set.facts.date) + TOGETHER_DAYS > self.today {
                continue;
            }
            let good = || {
                let copies = set.copies.iter().map(|copy| &self.copies[*copy]);
                copies.filter(|copy| copy.is_good())
            };
            if good().count() < 2 {
                continue;
            }
            let mut places = (0..self.places.len()).map(PlaceIndex::new);
            let place = places.find(|place| good().all(|copy| copy.is_at(*place)));
            if let Some(place) = place {
                let set = SetIndex::new(at);
                self.warn(Trouble::Together { set, place });
            }
        }
    }

    fn finish(mut self) -> Plan {
        let bought = self.volumes.len() - self.snapshot.volumes.len();
        self.warnings.sort();
        let first_new = self.snapshot.sets.len();
        Plan {
            lines: merge(self.purchases, self.lines),
            warnings: self.warnings,
            sets: self.sets[first_new..].iter().map(|set| set.facts).collect(),
            bought: u32::try_from(bought).unwrap_or(u32::MAX),
        }
    }
}

/// Puts the orders of a day before its other lines, orders of one day and one reason in one line.
fn merge(mut purchases: Vec<Line>, mut lines: Vec<Line>) -> Vec<Line> {
    purchases.sort_by_key(|line| line.date);
    purchases.dedup_by(|next, line| join(line, next));
    // From the end, so that lines before the first order stay where they are.
    let mut from = lines.len();
    let Some(filler) = purchases.last().copied() else {
        return lines;
    };
    lines.resize(from + purchases.len(), filler);
    let mut to = lines.len();
    while let Some(purchase) = purchases.last() {
        to -= 1;
        if from > 0 && lines[from - 1].date >= purchase.date {
            from -= 1;
            lines[to] = lines[from];
        } else {
            lines[to] = *purchase;
            purchases.pop();
        }
    }
    lines
}

/// Makes one order of two, if the cartridges follow each other.
fn join(line: &mut Line, next: &Line) -> bool {
    let same = line.date == next.date && line.reason == next.reason;
    match (&mut line.action, &next.action) {
        (
            Action::Purchase { first, count, here },
            Action::Purchase {
                first: next_first,
                count: more,
                here: next_here,
            },
        ) if same && here == next_here && first.0 + *count == next_first.0 => {
            *count += more;
            true
        }
        _ => false,
    }
}

/// Days as a number, for a stretch that was checked.
pub(super) fn days_between(from: NaiveDate, to: NaiveDate) -> Option<Day> {
    Day::try_from((to - from).num_days() + 1).ok()
}
