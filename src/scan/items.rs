//! What a label means in a task.

use std::collections::BTreeSet;

use chrono::Days;

use super::answer::Answer;
use super::effect::Effect;
use super::line::Hand;
use super::lookup::{Known, Way, What, words};
use super::session::{Asked, Turn, what_for};
use super::task::{Errand, Sight, Spot};
use crate::catalogue::{ElementKind, ExceptionKind, MovementState, Place};
use crate::error::Result;
use crate::id::{Barcode, PlaceCode};

impl Turn<'_> {
    /// A label was scanned or typed.
    pub(super) fn label(&mut self, barcode: &Barcode, hand: Hand, asked: &Asked) -> Result<Answer> {
        if let Asked::Kind { barcode: about } = asked {
            return Ok(self.kind(about, barcode.as_str()));
        }
        let problem = matches!(asked, Asked::Problem | Asked::Again { problem: true, .. });
        if hand == Hand::Typed {
            match asked {
                Asked::Again { typed, .. } if typed == barcode => {}
                Asked::Again { typed, .. } => {
                    return Ok(Answer::bad(
                        "NOT THE SAME",
                        format!("first {typed}, then {barcode}: begin again"),
                    ));
                }
                _ => {
                    self.session.asked = Asked::Again {
                        typed: barcode.clone(),
                        problem,
                    };
                    return Ok(Answer::bad("AGAIN", format!("type {barcode} once more")));
                }
            }
        }
        if problem {
            return self.about(barcode);
        }
        let Some(task) = &self.session.task else {
            return Ok(what_for());
        };
        let errand = task.errand;
        let Some(spot) = task.spot.clone() else {
            return Ok(Answer::bad("WHERE", errand.wants()));
        };
        if task.done.contains(barcode) {
            return Ok(Answer::good(
                "ALREADY",
                format!("{barcode} is noted: go on"),
            ));
        }
        let known = match self.known(barcode)? {
            Ok(known) => Some(known),
            // A count takes whatever is there.
            Err(answer) if errand == Errand::Count && answer.word == "UNKNOWN" => None,
            Err(answer) => {
                if answer.word == "UNKNOWN"
                    && let (Errand::In, Spot::Place(place)) = (errand, &spot)
                {
                    self.disagrees(
                        ExceptionKind::Surplus,
                        barcode,
                        place,
                        format!("{barcode} came to {place} and is not on record"),
                    );
                }
                self.wrong();
                return Ok(answer);
            }
        };
        match (errand, &spot, known) {
            (Errand::Out, Spot::Place(place), Some(known)) => self.out(place, &known),
            (Errand::In, Spot::Place(place), Some(known)) => self.arrive(place, &known),
            (Errand::Pack, Spot::Case(case), Some(known)) => self.pack(case, &known),
            (Errand::Count, Spot::Place(place), known) => {
                Ok(self.tally(place, barcode, known.as_ref()))
            }
            // A task never has a place of the other kind.
            _ => Ok(what_for()),
        }
    }

    /// The item with this barcode, or what the scanner has done to it.
    pub(super) fn known(&self, barcode: &Barcode) -> Result<std::result::Result<Known, Answer>> {
        if let Some(known) = self.lookups.item(barcode)? {
            return Ok(Ok(known));
        }
        let capitals = barcode.as_str().to_ascii_uppercase();
        if capitals != barcode.as_str()
            && let Ok(capitals) = capitals.parse::<Barcode>()
            && (self.lookups.item(&capitals)?.is_some()
                || self.lookups.longer(&capitals)?.is_some())
        {
            return Ok(Err(Answer::bad(
                "CAPS LOCK",
                format!("switch caps lock off and scan {capitals} again"),
            )));
        }
        if let Some(whole) = self.lookups.longer(barcode)? {
            let end = &whole.as_str()[barcode.as_str().len()..];
            return Ok(Err(Answer::bad(
                "SHORT",
                format!("the scanner left {end} out: scan {whole} again"),
            )));
        }
        Ok(Err(Answer::bad(
            "UNKNOWN",
            format!("nothing on record is {barcode}: put it aside"),
        )))
    }

    fn wrong(&mut self) {
        if let Some(task) = &mut self.session.task {
            task.wrong += 1;
        }
    }

    fn refuse(&mut self, word: &str, sentence: impl Into<String>) -> Answer {
        self.wrong();
        Answer::bad(word, sentence)
    }

    fn accept(&mut self, barcode: &Barcode, effect: Effect) {
        self.effects.push(effect);
        if let Some(task) = &mut self.session.task {
            task.accept(barcode);
        }
    }

    fn disagrees(
        &mut self,
        kind: ExceptionKind,
        barcode: &Barcode,
        place: &PlaceCode,
        detail: String,
    ) {
        self.effects.push(Effect::Disagrees {
            kind,
            barcode: barcode.clone(),
            place: Some(place.clone()),
            detail,
        });
    }

    fn is_due(&self, way: &Way) -> bool {
        let tomorrow = self.now.date_naive() + Days::new(1);
        way.on_run || way.due <= tomorrow
    }

    fn out(&mut self, place: &PlaceCode, known: &Known) -> Result<Answer> {
        let here = self.lookups.place(place)?;
        let barcode = &known.barcode;
        if Some(&known.place) != here.as_ref() {
            let found = words(&known.place);
            self.disagrees(
                ExceptionKind::Misplaced,
                barcode,
                place,
                format!("{barcode} was found in {place}, on record it is {found}"),
            );
            return Ok(self.refuse("NOT HERE", format!("on record it is {found}: put it aside")));
        }
        let Some(way) = &known.way else {
            return Ok(self.refuse("STAY", "nobody wants it: put it back"));
        };
        if !self.is_due(way) {
            return Ok(self.refuse("NOT DUE", format!("it leaves on {}: put it back", way.due)));
        }
        self.accept(
            barcode,
            Effect::Taken {
                barcode: barcode.clone(),
            },
        );
        Ok(Answer::good(
            "GOOD",
            match &way.case {
                Some(case) => format!("put it in {case}"),
                None => format!("it goes to {}", goal(&way.destination)),
            },
        ))
    }

    fn arrive(&mut self, place: &PlaceCode, known: &Known) -> Result<Answer> {
        let here = self.lookups.place(place)?;
        let barcode = &known.barcode;
        match &known.way {
            None if Some(&known.place) == here.as_ref() => {
                return Ok(Answer::good("ALREADY", format!("it is in {place}: go on")));
            }
            Some(way) if Some(&way.destination) != here.as_ref() => {
                let goal = goal(&way.destination);
                return Ok(self.refuse("WRONG PLACE", format!("it goes to {goal}: put it aside")));
            }
            None if !may_come(&known.place) => {
                let found = words(&known.place);
                let kind = if known.place.is_offsite() {
                    ExceptionKind::NeverExpected
                } else {
                    ExceptionKind::Misplaced
                };
                self.disagrees(
                    kind,
                    barcode,
                    place,
                    format!("{barcode} came to {place}, on record it is {found}"),
                );
                return Ok(self.refuse(
                    "NOT EXPECTED",
                    format!("on record it is {found}: put it aside"),
                ));
            }
            _ => {}
        }
        if let Some(objection) = self.lookups.objection(known, place)? {
            return Ok(self.refuse(objection.word, objection.sentence));
        }
        self.accept(
            barcode,
            Effect::Arrived {
                barcode: barcode.clone(),
                place: place.clone(),
            },
        );
        let word = if known.place == Place::Missing {
            "FOUND"
        } else {
            "GOOD"
        };
        Ok(Answer::good(word, format!("put it in {place}")))
    }

    fn pack(&mut self, case: &Barcode, known: &Known) -> Result<Answer> {
        let barcode = &known.barcode;
        if known.what == What::Case {
            return Ok(self.refuse("CASE", "a case does not go into a case"));
        }
        let way = known.way.as_ref().filter(|way| way.on_run);
        let Some(way) = way else {
            return Ok(self.refuse("NOT ON LIST", "it does not travel: put it back"));
        };
        if let Some(other) = way.case.as_ref().filter(|other| *other != case) {
            return Ok(self.refuse("WRONG CASE", format!("put it in {other}")));
        }
        if way.state == MovementState::InTransit {
            return Ok(self.refuse("GONE", "on record it is with the courier: put it aside"));
        }
        if let Some(packing) = self.lookups.packing(case)? {
            if packing.sealed {
                let sentence = format!("{case} is sealed: ask the courier desk");
                return Ok(self.refuse("SEALED", sentence));
            }
            let full = |holds| packing.inside.len() >= usize::try_from(holds).unwrap_or(usize::MAX);
            if packing.holds.is_some_and(full) {
                return Ok(self.refuse("FULL", format!("{case} is full: ask the courier desk")));
            }
        }
        self.accept(
            barcode,
            Effect::Packed {
                barcode: barcode.clone(),
                case: case.clone(),
            },
        );
        Ok(Answer::good("GOOD", format!("it is in {case}")))
    }

    fn tally(&mut self, place: &PlaceCode, barcode: &Barcode, known: Option<&Known>) -> Answer {
        let Some(task) = &self.session.task else {
            return what_for();
        };
        let (sight, expected) = (task.sight, task.expected.contains(barcode));
        self.accept(
            barcode,
            Effect::Counted {
                barcode: barcode.clone(),
            },
        );
        if sight == Sight::Blind {
            return Answer::good("COUNTED", "go on");
        }
        match known {
            _ if expected => Answer::good("GOOD", format!("it is in {place}")),
            Some(known) => {
                let found = words(&known.place);
                self.refuse(
                    "SURPLUS",
                    format!("on record it is {found}: leave it, it is noted"),
                )
            }
            None => self.refuse("UNKNOWN", "it is not on record: leave it, it is noted"),
        }
    }

    /// What is expected in a place for an errand.
    pub(super) fn expected(&self, errand: Errand, place: &Place) -> Result<BTreeSet<Barcode>> {
        if errand == Errand::Count {
            return Ok(self.lookups.kept(place)?.into_iter().collect());
        }
        let wanted = |known: &Known| {
            let Some(way) = &known.way else { return false };
            match errand {
                Errand::Out => {
                    way.state == MovementState::Planned && known.place == *place && self.is_due(way)
                }
                _ => {
                    way.destination == *place
                        && (way.state != MovementState::Planned
                            || (way.due <= self.now.date_naive() && !known.place.is_offsite()))
                }
            }
        };
        let all = self.lookups.under_way()?.into_iter();
        Ok(all.filter(wanted).map(|known| known.barcode).collect())
    }
}

/// Where it is to be, in a word.
fn goal(place: &Place) -> String {
    match place {
        Place::Kept { code, .. } => code.to_string(),
        Place::Case { case } => case.to_string(),
        Place::Person { person } => person.to_string(),
        other => words(other),
    }
}

/// Whether something that is there by the record can come to a place without anybody having planned it.
fn may_come(place: &Place) -> bool {
    match place {
        Place::Outside | Place::Missing | Place::Unknown | Place::Person { .. } => true,
        Place::Element { kind, .. } => *kind == ElementKind::ImportExport,
        Place::InTransit | Place::Kept { .. } | Place::Case { .. } => false,
    }
}
