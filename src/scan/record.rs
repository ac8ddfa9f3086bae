//! The record as the state machine sees it.

use age::secrecy::SecretString;

use super::lookup::{Holder, Known, Lookups, Objection, Packing, Proof, Way, What};
use super::task::{Kept, Task};
use crate::app::App;
use crate::catalogue::{CourierState, Item, Place, ScanSession, ThingKind, View};
use crate::error::{Context, Result};
use crate::id::{Barcode, PersonCode, PlaceCode};
use crate::media::{facts, person, rule};

/// The record within a transaction.
pub(super) struct Record<'a> {
    pub(super) app: &'a App,
    pub(super) view: &'a View<'a>,
    pub(super) station: &'a str,
}

impl Record<'_> {
    fn known_as(&self, item: &Item) -> Result<Known> {
        known(self.view, item)
    }
}

/// What somebody is in the middle of.
pub(super) fn task_of(view: &View<'_>, open: &ScanSession) -> Result<Task> {
    let kept: Kept = serde_json::from_value(open.task.clone())
        .context(format!("what {} was scanning cannot be read", open.person))?;
    Ok(kept.whole(view.scan_expected(open.id)?, view.scan_done(open.id)?))
}

/// A task as it is kept.
pub(super) fn kept(task: &Task) -> Result<serde_json::Value> {
    serde_json::to_value(Kept::of(task)).context("a task cannot be kept")
}

/// An item with where it is to go.
pub(super) fn known(view: &View<'_>, item: &Item) -> Result<Known> {
    let way = match view.open_movement(item.id())? {
        None => None,
        Some(movement) => Some(Way {
            case: match movement.in_case {
                Some(case) => Some(view.thing(case)?.barcode),
                None => None,
            },
            on_run: movement.line.is_some(),
            origin: movement.origin,
            destination: movement.destination,
            state: movement.state,
            due: movement.due,
        }),
    };
    Ok(Known {
        barcode: item.barcode().clone(),
        what: match item {
            Item::Cartridge(_) => What::Cartridge,
            Item::Thing(thing) if thing.kind == ThingKind::Case => What::Case,
            Item::Thing(_) => What::Thing,
        },
        place: item.place().clone(),
        way,
    })
}

/// A case and what is in it.
pub(super) fn packing(view: &View<'_>, case: &Barcode) -> Result<Option<Packing>> {
    let Some(thing) = view.thing_by_barcode(case)? else {
        return Ok(None);
    };
    if thing.kind != ThingKind::Case {
        return Ok(None);
    }
    let mut sealed = false;
    for run in view.courier_runs()? {
        if matches!(run.state, CourierState::Building | CourierState::HandedOver) {
            let cases = view.courier_cases(run.id)?;
            sealed |= cases.iter().any(|one| {
                one.thing == thing.id && one.sealed_at.is_some() && one.arrival.is_none()
            });
        }
    }
    let inside = view.items_at(&Place::Case { case: case.clone() })?;
    Ok(Some(Packing {
        holds: thing.holds,
        sealed,
        inside: inside.iter().map(|item| item.barcode().clone()).collect(),
    }))
}

/// Why an item may not be put in a place.
pub(super) fn objection(
    app: &App,
    view: &View<'_>,
    barcode: &Barcode,
    place: &PlaceCode,
) -> Result<Option<Objection>> {
    let Some(item) = view.item_by_barcode(barcode)? else {
        return Ok(None);
    };
    let target = facts::target(view, &app.config, place)?;
    let facts = facts::of(view, &item, &target.place)?;
    let objections = rule::objections(&facts, &target);
    Ok(objections.first().map(in_words))
}

fn in_words(objection: &rule::Objection) -> Objection {
    let (word, sentence) = match objection {
        rule::Objection::Full(room) => (
            "FULL",
            match &room.instead {
                Some(other) => format!("put it in {other}"),
                None => "put it aside and ask".to_owned(),
            },
        ),
        rule::Objection::InClear(_) => (
            "NOT ENCRYPTED",
            "it must not leave the building: put it aside".to_owned(),
        ),
        rule::Objection::Quarantined => ("OUT OF USE", "it goes nowhere: put it aside".to_owned()),
        rule::Objection::AllCopies(_) => (
            "ALL COPIES",
            "its other copies are here too: put it aside".to_owned(),
        ),
        other => ("NOT EXPECTED", format!("{other}: put it aside")),
    };
    Objection { word, sentence }
}

impl Lookups for Record<'_> {
    fn holder(&self, code: &PersonCode) -> Result<Option<Holder>> {
        let person = self.view.person(code)?;
        Ok(person.map(|person| Holder {
            name: person.name,
            left: person.closed_at.is_some(),
        }))
    }

    fn asks_pin(&self) -> bool {
        true
    }

    fn prove(&self, code: &PersonCode, pin: &str) -> Result<Proof> {
        if self.view.pin_hash(code)?.is_none() {
            return Ok(Proof::NoPin);
        }
        let pin = SecretString::from(pin.to_owned());
        Ok(if person::is_pin(self.view, code, &pin)? {
            Proof::Right
        } else {
            Proof::Wrong
        })
    }

    fn earlier(&self, code: &PersonCode) -> Result<Option<Task>> {
        let open = self.view.open_scan_session(code, self.station)?;
        open.map(|open| task_of(self.view, &open)).transpose()
    }

    fn item(&self, barcode: &Barcode) -> Result<Option<Known>> {
        let item = self.view.item_by_barcode(barcode)?;
        item.map(|item| self.known_as(&item)).transpose()
    }

    fn longer(&self, barcode: &Barcode) -> Result<Option<Barcode>> {
        let mut found = self.view.barcodes_beginning(barcode)?.into_iter();
        Ok(found.next().filter(|_| found.next().is_none()))
    }

    fn place(&self, code: &PlaceCode) -> Result<Option<Place>> {
        let place = self.app.config.place.get(code);
        Ok(place.map(|place| Place::Kept {
            kind: place.kind,
            code: code.clone(),
        }))
    }

    fn packing(&self, case: &Barcode) -> Result<Option<Packing>> {
        packing(self.view, case)
    }

    fn objection(&self, item: &Known, place: &PlaceCode) -> Result<Option<Objection>> {
        objection(self.app, self.view, &item.barcode, place)
    }

    fn under_way(&self) -> Result<Vec<Known>> {
        let movements = self.view.open_movements()?;
        movements
            .iter()
            .map(|movement| self.known_as(&self.view.item(movement.item)?))
            .collect()
    }

    fn kept(&self, place: &Place) -> Result<Vec<Barcode>> {
        let items = self.view.items_at(place)?;
        Ok(items.iter().map(|item| item.barcode().clone()).collect())
    }
}
