//! A station with the record: each line is answered in one transaction with what it changes.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::answer::{Answer, Bell};
use super::apply::{Applied, Hands, Stop};
use super::effect::Effect;
use super::line::{Hand, Line};
use super::lookup::Lookups;
use super::record::{self, Record};
use super::session::{Session, Step};
use super::task::Sight;
use crate::app::App;
use crate::catalogue::{ScanLine, ScanSession, Tx, Witness};
use crate::error::{Error, Result};
use crate::id::{CountId, PersonCode, PlaceCode, ScanSessionId};
use crate::media::stamp::Said;

/// A station: what is on its screen and who stands before it.
#[derive(Debug)]
pub struct Station {
    app: Arc<App>,
    session: Session,
    /// Up to which line of which session that is so.
    followed: Option<Followed>,
    name: String,
}

/// A session and its last line.
type Followed = (ScanSessionId, u32);
/// What answers, given the session, the record and the time.
type Work<'a> = dyn Fn(&Session, &dyn Lookups, DateTime<Utc>) -> Result<Step> + 'a;

/// What a line goes into the record with.
struct Given<'a> {
    line: Option<&'a Line>,
    secret: bool,
}

impl Station {
    /// A station at which nobody stands; with the name of this host.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self {
            name: app.actor.station.clone(),
            app,
            session: Session::default(),
            followed: None,
        }
    }

    /// Whether the next line must not be shown.
    #[must_use]
    pub fn wants_secret(&self) -> bool {
        self.session.wants_secret()
    }

    /// What stands before the next line: the task.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.session.task.as_ref().map(super::Task::title)
    }

    /// Who stands here.
    #[must_use]
    pub fn person(&self) -> Option<&PersonCode> {
        self.session.badge.as_ref().map(|badge| &badge.person)
    }

    /// Answers a line: what it changes is in the record when this returns.
    ///
    /// # Errors
    /// The record cannot be read or written.
    pub fn line(&mut self, line: &Line) -> Result<Answer> {
        let secret = self.session.wants_secret();
        let given = Given {
            line: Some(line),
            secret,
        };
        self.step(&given, |session, record, now| {
            session.answer(record, line, now)
        })
    }

    /// Somebody is here whom the operating system account vouches for.
    ///
    /// # Errors
    /// Nobody has the badge; the record cannot be read or written.
    pub fn enter(&mut self, person: &PersonCode) -> Result<Answer> {
        let given = Given {
            line: None,
            secret: false,
        };
        let answer = self.step(&given, |session, record, now| {
            session.enter(record, person, now)
        })?;
        if answer.bell == Bell::Bad {
            return Err(
                Error::usage(answer.sentence).hint("\"tapeward person list\" shows all of them")
            );
        }
        Ok(answer)
    }

    /// Begins to count a place, or goes on.
    ///
    /// # Errors
    /// There is no such place, something else is not finished, or a second count is by the person of
    /// the first one; the record cannot be read or written.
    pub fn count(
        &mut self,
        place: &PlaceCode,
        sight: Sight,
        second_of: Option<CountId>,
    ) -> Result<Answer> {
        self.app.config.place(place)?;
        if let Some(first) = second_of {
            self.may_be_second(place, first)?;
        }
        let given = Given {
            line: None,
            secret: false,
        };
        let answer = self.step(&given, |session, record, now| {
            session.count(record, place, sight, second_of, now)
        })?;
        if answer.bell == Bell::Bad {
            return Err(Error::usage(answer.sentence).hint("finish it with the DONE card"));
        }
        Ok(answer)
    }

    fn may_be_second(&self, place: &PlaceCode, first: CountId) -> Result<()> {
        let first = self.app.catalogue.read(|view| view.stock_count(first))?;
        if first.place != *place {
            return Err(Error::usage(format!(
                "that was a count of {}, not of {place}",
                first.place
            )));
        }
        if first.finished_at.is_none() {
            return Err(Error::usage("the first count is not finished"));
        }
        if Some(&first.counted_by) == self.person() {
            return Err(Error::usage(format!(
                "{} counted first: the second count is somebody else's",
                first.counted_by
            )));
        }
        Ok(())
    }

    fn step(
        &mut self,
        given: &Given<'_>,
        work: impl Fn(&Session, &dyn Lookups, DateTime<Utc>) -> Result<Step>,
    ) -> Result<Answer> {
        let app = Arc::clone(&self.app);
        let outcome = app
            .catalogue
            .write(|tx| self.in_transaction(tx, given, &work, None));
        let (step, followed) = match outcome {
            Ok(done) => done,
            Err(Stop::Broken(error)) => return Err(error),
            // What was begun is undone; that it was refused is kept.
            Err(Stop::Refused(answer)) => {
                let kept = app
                    .catalogue
                    .write(|tx| self.in_transaction(tx, given, &work, Some(&answer)));
                match kept {
                    Ok(done) => done,
                    Err(Stop::Broken(error)) => return Err(error),
                    Err(Stop::Refused(answer)) => return Ok(answer),
                }
            }
        };
        self.session = step.session;
        self.followed = followed;
        Ok(step.answer)
    }

    fn in_transaction(
        &self,
        tx: &Tx<'_>,
        given: &Given<'_>,
        work: &Work<'_>,
        refusal: Option<&Answer>,
    ) -> Result<(Step, Option<Followed>), Stop> {
        let now = self.app.clock.now();
        let (session, open) = self.as_recorded(tx)?;
        let record = Record {
            app: &self.app,
            view: tx,
            station: &self.name,
        };
        let mut step = work(&session, &record, now)?;
        if let Some(answer) = refusal {
            step = refused(&session, answer);
        }
        let badge = step.session.badge.as_ref().or(session.badge.as_ref());
        if let Some(badge) = badge {
            // Somebody who has just come may be in the middle of something.
            let open = match open {
                Some(open) => Some(open),
                None => tx.open_scan_session(&badge.person, &self.name)?,
            };
            let person = badge.person.clone();
            let followed = self.keep(tx, given, &person, open, &step, now)?;
            return Ok((step, followed));
        }
        Ok((step, None))
    }

    /// The session as the record has it: another process may have gone on with the task.
    fn as_recorded(&self, tx: &Tx<'_>) -> Result<(Session, Option<ScanSession>), Stop> {
        let mut session = self.session.clone();
        let Some(badge) = &session.badge else {
            return Ok((session, None));
        };
        let open = tx.open_scan_session(&badge.person, &self.name)?;
        match &open {
            Some(open) => {
                let here = Some((open.id, tx.last_scan_line(open.id)?));
                if session.task.is_none() || here != self.followed {
                    session.task = Some(record::task_of(tx, open)?);
                }
            }
            None => session.task = session.task.filter(|task| task.spot.is_none()),
        }
        Ok((session, open))
    }

    /// Puts what a line changes, and the line, into the record.
    fn keep(
        &self,
        tx: &Tx<'_>,
        given: &Given<'_>,
        person: &PersonCode,
        mut open: Option<ScanSession>,
        step: &Step,
        now: DateTime<Utc>,
    ) -> Result<Option<Followed>, Stop> {
        let hand = given.line.map_or(Hand::Scanned, |line| line.hand);
        let witness = match hand {
            Hand::Scanned => Witness::Scanned,
            Hand::Typed => Witness::Keyed,
        };
        let said = Said {
            person: Some(person.clone()),
            ..Said::default()
        };
        let stamp = said.stamp(&self.app, tx, witness)?;
        let hands = Hands {
            app: &self.app,
            tx,
            said,
            stamp,
        };
        let mut applied = Applied::default();
        let mut of_line = open.as_ref().map(|open| open.id);
        for effect in &step.effects {
            match effect {
                Effect::Closed => {
                    if let Some(mut ended) = open.take() {
                        ended.last_at = now;
                        ended.ended_at = Some(now);
                        tx.change_scan_session(&ended)?;
                    }
                }
                Effect::Opened => {
                    let Some(task) = &step.session.task else {
                        continue;
                    };
                    let begun = ScanSession {
                        id: ScanSessionId::generate(now),
                        person: person.clone(),
                        station: self.name.clone(),
                        task: record::kept(task)?,
                        opened_at: now,
                        last_at: now,
                        ended_at: None,
                    };
                    tx.add_scan_session(&begun, &task.expected)?;
                    hands.begin_count(begun.id, person, task)?;
                    of_line = Some(begun.id);
                    open = Some(begun);
                }
                other => {
                    // A problem may be reported outside of any task.
                    let id = of_line.unwrap_or_else(|| ScanSessionId::generate(now));
                    hands.apply(id, other, &mut applied)?;
                }
            }
        }
        let going = open.as_ref().map(|open| open.id);
        if let (Some(mut going), Some(task)) = (open, &step.session.task) {
            going.task = record::kept(task)?;
            going.last_at = now;
            tx.change_scan_session(&going)?;
        }
        if let (Some(id), Some(line), false) = (of_line, given.line, given.secret) {
            tx.add_scan_line(
                id,
                &ScanLine {
                    number: 0,
                    at: now,
                    entered_at: now,
                    text: line.text.clone(),
                    answer: step.answer.word.clone(),
                    accepted: step.answer.bell == Bell::Good,
                    keyed: hand == Hand::Typed,
                    barcode: applied.barcode,
                    before: applied.before,
                    undone: false,
                },
            )?;
        }
        let last = going.map(|id| Ok::<_, Stop>((id, tx.last_scan_line(id)?)));
        last.transpose()
    }
}

/// A line that the rules of custody refuse leaves the session as it was.
fn refused(session: &Session, answer: &Answer) -> Step {
    let mut session = session.clone();
    let mut answer = answer.clone();
    if let Some(task) = &mut session.task {
        task.wrong += 1;
        answer.count = Some(task.count());
    }
    Step {
        session,
        answer,
        effects: Vec::new(),
    }
}
