//! What scanning without the record needs, written out before: the record as it was then, for [`Lookups`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::lookup::{Holder, Known, Lookups, Objection, Packing, Proof};
use super::record;
use super::task::Task;
use crate::app::App;
use crate::catalogue::{MovementState, Place};
use crate::error::Result;
use crate::id::{Barcode, PersonCode, PlaceCode};

/// A place on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The place.
    pub place: Place,
    /// How many more cartridges it holds; nothing where it has no limit.
    pub room: Option<u32>,
}

/// What is written out. No PIN and no name of what is on a tape is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// When.
    pub made_at: DateTime<Utc>,
    /// Names of people who have not left, by badge.
    pub people: BTreeMap<PersonCode, String>,
    /// Places by code.
    pub places: BTreeMap<PlaceCode, Spot>,
    /// Cases by barcode.
    pub cases: BTreeMap<Barcode, Packing>,
    /// Everything in custody.
    pub items: Vec<Known>,
}

impl List {
    /// The record as it is now.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn make(app: &App) -> Result<Self> {
        app.catalogue.read(|view| {
            let mut list = Self {
                made_at: app.clock.now(),
                people: BTreeMap::new(),
                places: BTreeMap::new(),
                cases: BTreeMap::new(),
                items: Vec::new(),
            };
            for person in view.people()? {
                if person.closed_at.is_none() {
                    list.people.insert(person.code, person.name);
                }
            }
            for (code, place) in &app.config.place {
                let kept = Place::Kept {
                    kind: place.kind,
                    code: code.clone(),
                };
                let room = match place.capacity {
                    Some(capacity) => Some(capacity.saturating_sub(view.cartridges_at(&kept)?)),
                    None => None,
                };
                list.places.insert(code.clone(), Spot { place: kept, room });
            }
            for item in view.items()? {
                if let Some(packing) = record::packing(view, item.barcode())? {
                    list.cases.insert(item.barcode().clone(), packing);
                }
                list.items.push(record::known(view, &item)?);
            }
            Ok(list)
        })
    }
}

/// A list with what has been scanned since.
#[derive(Debug)]
pub(super) struct Book {
    people: BTreeMap<PersonCode, String>,
    places: BTreeMap<PlaceCode, Spot>,
    cases: BTreeMap<Barcode, Packing>,
    items: BTreeMap<Barcode, Known>,
    /// How items were before the scans that may be taken back, newest last.
    before: Vec<(Barcode, Option<Known>)>,
    /// What each person is in the middle of.
    pub(super) tasks: BTreeMap<PersonCode, Task>,
}

impl Book {
    pub(super) fn new(list: List) -> Self {
        let items = list.items.into_iter();
        Self {
            people: list.people,
            places: list.places,
            cases: list.cases,
            items: items.map(|known| (known.barcode.clone(), known)).collect(),
            before: Vec::new(),
            tasks: BTreeMap::new(),
        }
    }

    /// Carries out on the list what a scan changes.
    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Taken { barcode } => self.moved(barcode, &Place::Outside, None),
            Effect::Packed { barcode, case } => {
                let place = Place::Case { case: case.clone() };
                self.moved(barcode, &place, Some(case));
                if let Some(packing) = self.cases.get_mut(case) {
                    packing.inside.push(barcode.clone());
                }
            }
            Effect::Arrived { barcode, place } => {
                let Some(spot) = self.places.get_mut(place) else {
                    return;
                };
                spot.room = spot.room.map(|room| room.saturating_sub(1));
                let place = spot.place.clone();
                self.moved(barcode, &place, None);
                if let Some(known) = self.items.get_mut(barcode) {
                    known.way = None;
                }
            }
            Effect::Counted { barcode } => self.before.push((barcode.clone(), None)),
            Effect::Undone { barcode } => self.undo(barcode),
            Effect::Opened
            | Effect::Disagrees { .. }
            | Effect::Problem { .. }
            | Effect::CountEnded { .. }
            | Effect::Closed => {}
        }
    }

    fn moved(&mut self, barcode: &Barcode, place: &Place, case: Option<&Barcode>) {
        let Some(known) = self.items.get_mut(barcode) else {
            return;
        };
        self.before.push((barcode.clone(), Some(known.clone())));
        known.place = place.clone();
        if let Some(way) = &mut known.way {
            way.state = MovementState::Picked;
            way.case = case.or(way.case.as_ref()).cloned();
        }
    }

    fn undo(&mut self, barcode: &Barcode) {
        let last = self.before.iter().rposition(|(which, _)| which == barcode);
        let Some((_, Some(known))) = last.map(|last| self.before.remove(last)) else {
            return;
        };
        if let Some(now) = self.items.insert(barcode.clone(), known) {
            match now.place {
                Place::Case { case } => {
                    if let Some(packing) = self.cases.get_mut(&case) {
                        packing.inside.retain(|other| other != barcode);
                    }
                }
                Place::Kept { code, .. } => {
                    if let Some(spot) = self.places.get_mut(&code) {
                        spot.room = spot.room.map(|room| room + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Lookups for Book {
    fn holder(&self, code: &PersonCode) -> Result<Option<Holder>> {
        Ok(self.people.get(code).map(|name| Holder {
            name: name.clone(),
            left: false,
        }))
    }

    fn asks_pin(&self) -> bool {
        false
    }

    fn prove(&self, _: &PersonCode, _: &str) -> Result<Proof> {
        Ok(Proof::NotAsked)
    }

    fn earlier(&self, code: &PersonCode) -> Result<Option<Task>> {
        Ok(self.tasks.get(code).cloned())
    }

    fn item(&self, barcode: &Barcode) -> Result<Option<Known>> {
        Ok(self.items.get(barcode).cloned())
    }

    fn longer(&self, barcode: &Barcode) -> Result<Option<Barcode>> {
        let start = barcode.as_str();
        let mut found = self
            .items
            .range(barcode.clone()..)
            .map(|(code, _)| code)
            .take_while(|code| code.as_str().starts_with(start))
            .filter(|code| code.as_str().len() == start.len() + 2);
        let first = found.next().cloned();
        Ok(first.filter(|_| found.next().is_none()))
    }

    fn place(&self, code: &PlaceCode) -> Result<Option<Place>> {
        Ok(self.places.get(code).map(|spot| spot.place.clone()))
    }

    fn packing(&self, case: &Barcode) -> Result<Option<Packing>> {
        Ok(self.cases.get(case).cloned())
    }

    fn objection(&self, _: &Known, place: &PlaceCode) -> Result<Option<Objection>> {
        let full = self
            .places
            .get(place)
            .is_some_and(|spot| spot.room == Some(0));
        Ok(full.then(|| Objection {
            word: "FULL",
            sentence: "put it aside and ask".to_owned(),
        }))
    }

    fn under_way(&self) -> Result<Vec<Known>> {
        let items = self.items.values();
        Ok(items.filter(|known| known.way.is_some()).cloned().collect())
    }

    fn kept(&self, place: &Place) -> Result<Vec<Barcode>> {
        let items = self.items.values();
        let there = items.filter(|known| known.place == *place);
        Ok(there.map(|known| known.barcode.clone()).collect())
    }
}
