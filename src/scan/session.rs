//! The state machine: who, what for, where, which.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::effect::Effect;
use super::line::{Hand, Heard, Line};
use super::lookup::{Lookups, Proof};
use super::task::{Errand, Sight, Spot, Task};
use crate::error::Result;
use crate::id::{Barcode, CountId, PersonCode, PlaceCode};
use crate::media::card::{Card, CardError, Purpose};

/// A badge counts no longer when nothing was scanned for so long.
pub const IDLE: TimeDelta = TimeDelta::minutes(5);
/// PINs before the badge is to be scanned again.
const TRIES: u8 = 3;

/// Who scans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Badge {
    /// The person.
    pub person: PersonCode,
    /// The name.
    pub name: String,
    /// When the last line came.
    pub last: DateTime<Utc>,
}

/// What the last answer asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Nothing but the next scan.
    #[default]
    Nothing,
    /// The PIN of a person.
    Pin {
        /// Who.
        person: PersonCode,
        /// The name.
        name: String,
        /// How often it was wrong.
        wrong: u8,
    },
    /// The same once more, as it was typed.
    Again {
        /// What was typed.
        typed: Barcode,
        /// Whether it is about a problem.
        problem: bool,
    },
    /// The item with a problem.
    Problem,
    /// Which problem.
    Kind {
        /// Of what.
        barcode: Barcode,
    },
    /// Whether lines are to stay open.
    Leave,
}

/// A station with its scanner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who scans.
    pub badge: Option<Badge>,
    /// What was asked.
    pub asked: Asked,
    /// What is being done.
    pub task: Option<Task>,
}

/// One line further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the station is now.
    pub session: Session,
    /// What to show.
    pub answer: Answer,
    /// What to change.
    pub effects: Vec<Effect>,
}

/// A line being answered.
pub(super) struct Turn<'a> {
    pub(super) session: Session,
    pub(super) effects: Vec<Effect>,
    pub(super) lookups: &'a dyn Lookups,
    pub(super) now: DateTime<Utc>,
}

impl Session {
    /// Whether the next line must not be shown.
    #[must_use]
    pub fn wants_secret(&self) -> bool {
        matches!(self.asked, Asked::Pin { .. })
    }

    /// Answers a line.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn answer(&self, lookups: &dyn Lookups, line: &Line, now: DateTime<Utc>) -> Result<Step> {
        self.turn(lookups, now, |turn| turn.take(line))
    }

    /// Somebody is here whom something else vouches for than a PIN.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn enter(
        &self,
        lookups: &dyn Lookups,
        person: &PersonCode,
        now: DateTime<Utc>,
    ) -> Result<Step> {
        self.turn(lookups, now, |turn| turn.known_person(person))
    }

    /// Begins to count a place without cards, or goes on.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn count(
        &self,
        lookups: &dyn Lookups,
        place: &PlaceCode,
        sight: Sight,
        second_of: Option<CountId>,
        now: DateTime<Utc>,
    ) -> Result<Step> {
        self.turn(lookups, now, |turn| {
            let spot = Spot::Place(place.clone());
            if let Some(task) = &turn.session.task
                && task.spot.as_ref() == Some(&spot)
                && (task.errand, task.sight, task.second_of) == (Errand::Count, sight, second_of)
            {
                return Ok(Answer::good("GO ON", format!("you count {place}")));
            }
            if let Some(answer) = turn.unfinished() {
                return Ok(answer);
            }
            turn.session.task = Some(Task {
                sight,
                second_of,
                ..Task::new(Errand::Count)
            });
            turn.place_card(place)
        })
    }

    fn turn(
        &self,
        lookups: &dyn Lookups,
        now: DateTime<Utc>,
        work: impl FnOnce(&mut Turn<'_>) -> Result<Answer>,
    ) -> Result<Step> {
        let mut turn = Turn {
            session: self.clone(),
            effects: Vec::new(),
            lookups,
            now,
        };
        let mut answer = work(&mut turn)?;
        if answer.count.is_none()
            && let Some(task) = turn
                .session
                .task
                .as_ref()
                .filter(|task| task.spot.is_some())
        {
            answer.count = Some(task.count());
        }
        Ok(Step {
            session: turn.session,
            answer,
            effects: turn.effects,
        })
    }
}

impl Turn<'_> {
    fn take(&mut self, line: &Line) -> Result<Answer> {
        let was_idle = self.end_idle();
        let asked = std::mem::take(&mut self.session.asked);
        let heard = Heard::of(line);
        match (&asked, &heard) {
            (Asked::Pin { .. }, Heard::Badge(_) | Heard::Card(Card::Purpose(Purpose::Help))) => {}
            (
                Asked::Pin {
                    person,
                    name,
                    wrong,
                },
                _,
            ) => {
                return self.pin(person, name, *wrong, &line.text);
            }
            _ => {}
        }
        match heard {
            Heard::Card(Card::KeyboardTest) => {
                self.session.asked = asked;
                let fine = "letters and signs arrive as they are printed";
                return Ok(Answer::good("KEYBOARD", fine));
            }
            Heard::Badge(person) => return self.badge(&person),
            Heard::Card(Card::Purpose(Purpose::Help)) => {
                self.session.asked = asked;
                return Ok(self.help());
            }
            _ => {}
        }
        if let Some(answer) = unreadable(&heard) {
            self.session.asked = asked;
            return Ok(answer);
        }
        if self.session.badge.is_none() {
            return Ok(Answer::bad(
                "BADGE",
                if was_idle {
                    "five minutes have passed: scan your badge, nothing is lost"
                } else {
                    "scan your badge first"
                },
            ));
        }
        self.touch();
        match heard {
            Heard::Card(Card::Purpose(purpose)) => self.purpose(purpose, &asked),
            Heard::Card(Card::Place(code)) => match code.as_str().parse() {
                Ok(place) => self.place_card(&place),
                Err(_) => Ok(Answer::bad("NO SUCH PLACE", format!("no place is {code}"))),
            },
            Heard::Card(Card::Case(code)) => match code.as_str().parse() {
                Ok(case) => self.case_card(&case, line.hand, &asked),
                Err(_) => Ok(Answer::bad("NO SUCH CASE", format!("no case is {code}"))),
            },
            Heard::Item(barcode) => self.label(&barcode, line.hand, &asked),
            // All others were answered above.
            _ => Ok(Answer::bad("NOTHING", "nothing was read: scan it again")),
        }
    }

    /// A badge whose holder has gone away counts no longer; what was being done stays on record.
    fn end_idle(&mut self) -> bool {
        let idle = |badge: &Badge| self.now - badge.last >= IDLE;
        if !self.session.badge.as_ref().is_some_and(idle) {
            return false;
        }
        self.session = Session::default();
        true
    }

    fn touch(&mut self) {
        if let Some(badge) = &mut self.session.badge {
            badge.last = self.now;
        }
    }

    fn badge(&mut self, person: &PersonCode) -> Result<Answer> {
        if !self.lookups.asks_pin() {
            return self.known_person(person);
        }
        match self.lookups.holder(person)? {
            None => Ok(nobody(person)),
            Some(holder) if holder.left => Ok(gone(&holder.name)),
            Some(holder) => {
                self.session = Session::default();
                let answer =
                    Answer::good("PIN", format!("{}: type your PIN, then Enter", holder.name));
                self.session.asked = Asked::Pin {
                    person: person.clone(),
                    name: holder.name,
                    wrong: 0,
                };
                Ok(answer)
            }
        }
    }

    fn pin(&mut self, person: &PersonCode, name: &str, wrong: u8, pin: &str) -> Result<Answer> {
        Ok(match self.lookups.prove(person, pin)? {
            Proof::Right | Proof::NotAsked => return self.known_person(person),
            Proof::NoPin => Answer::bad(
                "NO PIN",
                format!("{name} has none yet: \"tapeward person pin {person}\" sets it"),
            ),
            Proof::Wrong if wrong + 1 >= TRIES => {
                Answer::bad("WRONG PIN", "three times wrong: scan your badge again")
            }
            Proof::Wrong => {
                self.session.asked = Asked::Pin {
                    person: person.clone(),
                    name: name.to_owned(),
                    wrong: wrong + 1,
                };
                Answer::bad("WRONG PIN", "type it again")
            }
        })
    }

    fn known_person(&mut self, person: &PersonCode) -> Result<Answer> {
        let Some(holder) = self.lookups.holder(person)? else {
            return Ok(nobody(person));
        };
        if holder.left {
            return Ok(gone(&holder.name));
        }
        let name = holder.name;
        self.session = Session {
            badge: Some(Badge {
                person: person.clone(),
                name: name.clone(),
                last: self.now,
            }),
            asked: Asked::Nothing,
            task: self.lookups.earlier(person)?,
        };
        Ok(match &self.session.task {
            Some(task) => Answer::good("WELCOME BACK", format!("{name}: {} goes on", task.title())),
            None => Answer::good("HELLO", format!("{name}: scan OUT, IN, PACK or COUNT")),
        })
    }

    fn purpose(&mut self, purpose: Purpose, asked: &Asked) -> Result<Answer> {
        match purpose {
            Purpose::Out => Ok(self.begin(Errand::Out)),
            Purpose::In => Ok(self.begin(Errand::In)),
            Purpose::Pack => Ok(self.begin(Errand::Pack)),
            Purpose::Count => Ok(self.begin(Errand::Count)),
            Purpose::Problem => {
                self.session.asked = Asked::Problem;
                Ok(Answer::good("PROBLEM", "scan what it is about"))
            }
            Purpose::Undo => Ok(self.undo()),
            Purpose::Done => self.done(asked),
            Purpose::Help => Ok(self.help()),
        }
    }

    /// A task that must be finished before another one.
    pub(super) fn unfinished(&self) -> Option<Answer> {
        let task = self.session.task.as_ref()?;
        (!task.done.is_empty()).then(|| {
            Answer::bad(
                "DONE FIRST",
                format!("{} is not finished: scan DONE", task.title()),
            )
        })
    }

    fn begin(&mut self, errand: Errand) -> Answer {
        if let Some(answer) = self.unfinished() {
            return answer;
        }
        // One with its place is on record, though nothing was done in it.
        if self
            .session
            .task
            .take()
            .is_some_and(|task| task.spot.is_some())
        {
            self.effects.push(Effect::Closed);
        }
        self.session.task = Some(Task::new(errand));
        Answer::good(errand.word(), errand.wants())
    }

    pub(super) fn place_card(&mut self, code: &PlaceCode) -> Result<Answer> {
        let Some(task) = self.session.task.clone() else {
            return Ok(what_for());
        };
        if task.errand == Errand::Pack {
            return Ok(Answer::bad("CASE", "PACK wants the card of a case"));
        }
        let Some(place) = self.lookups.place(code)? else {
            return Ok(Answer::bad("NO SUCH PLACE", format!("no place is {code}")));
        };
        let spot = Spot::Place(code.clone());
        if let Some(answer) = self.same_or_unfinished(&task, &spot) {
            return Ok(answer);
        }
        let expected = self.expected(task.errand, &place)?;
        Ok(self.open(&task, spot, expected, &[]))
    }

    fn case_card(&mut self, case: &Barcode, hand: Hand, asked: &Asked) -> Result<Answer> {
        let packs = |task: &&Task| task.errand == Errand::Pack && *asked != Asked::Problem;
        let Some(task) = self.session.task.as_ref().filter(packs).cloned() else {
            return self.label(case, hand, asked);
        };
        let Some(packing) = self.lookups.packing(case)? else {
            return Ok(Answer::bad("NO SUCH CASE", format!("no case is {case}")));
        };
        let spot = Spot::Case(case.clone());
        if let Some(answer) = self.same_or_unfinished(&task, &spot) {
            return Ok(answer);
        }
        if packing.sealed {
            return Ok(Answer::bad(
                "SEALED",
                format!("{case} is sealed: ask the courier desk"),
            ));
        }
        let expected: std::collections::BTreeSet<_> = self
            .lookups
            .under_way()?
            .into_iter()
            .filter(|known| {
                let way = known.way.as_ref();
                way.is_some_and(|way| way.case.as_ref() == Some(case))
            })
            .map(|known| known.barcode)
            .collect();
        let inside = packing.inside.into_iter();
        let inside: Vec<Barcode> = inside.filter(|code| expected.contains(code)).collect();
        Ok(self.open(&task, spot, expected, &inside))
    }

    fn same_or_unfinished(&self, task: &Task, spot: &Spot) -> Option<Answer> {
        if task.spot.as_ref() == Some(spot) {
            return Some(Answer::good("ALREADY", format!("this is {}", task.title())));
        }
        self.unfinished()
    }

    fn open(
        &mut self,
        task: &Task,
        spot: Spot,
        expected: std::collections::BTreeSet<Barcode>,
        done: &[Barcode],
    ) -> Answer {
        if task.spot.is_some() {
            self.effects.push(Effect::Closed);
        }
        let task = Task {
            spot: Some(spot),
            inside: done.to_vec(),
            wrong: 0,
            ..task.clone()
        };
        let task = task.with(expected, done);
        let answer = Answer::good(
            task.errand.word(),
            format!("{}: scan one by one", task.title()),
        );
        self.session.task = Some(task);
        self.effects.push(Effect::Opened);
        answer
    }
}

/// Nobody has said what for.
pub(super) fn what_for() -> Answer {
    Answer::bad("WHAT FOR", "scan OUT, IN, PACK, COUNT or PROBLEM first")
}

fn nobody(person: &PersonCode) -> Answer {
    Answer::bad("NO SUCH BADGE", format!("nobody has the badge {person}"))
}

fn gone(name: &str) -> Answer {
    Answer::bad("NO SUCH BADGE", format!("{name} has left"))
}

/// What no state can do anything with.
fn unreadable(heard: &Heard) -> Option<Answer> {
    Some(match heard {
        Heard::Nothing => Answer::bad("NOTHING", "nothing was read: scan it again"),
        Heard::Garbage => Answer::bad("NOT A BARCODE", "scan it again"),
        Heard::Wrong(error @ CardError::CapsLock) => Answer::bad("CAPS LOCK", error.to_string()),
        Heard::Wrong(error @ (CardError::Layout { .. } | CardError::Keyboard { .. })) => {
            Answer::bad("KEYBOARD", error.to_string())
        }
        Heard::Wrong(error) => Answer::bad("NO SUCH CARD", error.to_string()),
        Heard::Badge(_) | Heard::Card(_) | Heard::Item(_) => return None,
    })
}
