//! A list of what somebody else says is in a place, against the record.

use std::collections::BTreeMap;

use serde::Serialize;

use super::exception::{self, About};
use super::list_file::List;
use super::{facts, rule};
use crate::catalogue::{ExceptionKind, Item, Place, Tx, View};
use crate::config::Config;
use crate::error::Result;
use crate::id::{Barcode, PlaceCode};
use crate::media::stamp::Stamp;

/// Something in which list and record differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In what way.
    pub kind: ExceptionKind,
    /// What is printed on it.
    pub barcode: Barcode,
    /// In a sentence.
    pub detail: String,
}

/// A difference that is an exception now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Number of the exception.
    pub exception: u32,
    /// In what way.
    pub kind: ExceptionKind,
    /// What is printed on it.
    pub barcode: Barcode,
    /// In a sentence.
    pub detail: String,
}

/// What is on record of an item that a list names or should name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where it is, looking through the case it is in.
    pub place: Place,
    /// Whether it is on its way there.
    pub arrives: bool,
}

/// Every difference between a list and what is on record, by barcode. `record` has what is in the place
/// and whatever else the list names and is known.
#[must_use]
pub fn differences(
    here: &Place,
    code: &PlaceCode,
    record: &BTreeMap<Barcode, Known>,
    list: &List,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differs = |kind, barcode: &Barcode, detail: String| {
        found.push(Difference {
            kind,
            barcode: barcode.clone(),
            detail,
        });
    };
    for (barcode, known) in record {
        if known.place == *here && !list.barcodes.contains(barcode) {
            let detail = format!("{barcode} is not on the list of {code}");
            differs(ExceptionKind::Missing, barcode, detail);
        }
    }
    for barcode in &list.barcodes {
        match record.get(barcode) {
            Some(known) if known.place == *here || known.arrives => {}
            Some(known) => {
                let place = rule::going(&known.place);
                let detail = format!("{barcode} is on the list, on record it is {place}");
                differs(ExceptionKind::Misplaced, barcode, detail);
            }
            None => {
                let detail = format!("{barcode} is on the list and not on record");
                differs(ExceptionKind::Surplus, barcode, detail);
            }
        }
    }
    for barcode in &list.repeated {
        let detail = format!("{barcode} is on the list more than once");
        differs(ExceptionKind::Duplicate, barcode, detail);
    }
    found.sort_by(|one, other| one.barcode.cmp(&other.barcode));
    found
}

/// Compares a list with the record and opens an exception for each difference.
///
/// # Errors
/// No place has this code; the record cannot be written.
pub fn with_list(
    config: &Config,
    tx: &Tx<'_>,
    stamp: &Stamp,
    code: &PlaceCode,
    list: &List,
) -> Result<Vec<Found>> {
    let here = config.kept_at(code)?;
    let mut record = BTreeMap::new();
    for item in tx.items_at(&here)? {
        if let Some(case) = item.case() {
            let inside = Place::Case {
                case: case.barcode.clone(),
            };
            for item in tx.items_at(&inside)? {
                record.insert(item.barcode().clone(), known(tx, &here, &item)?);
            }
            // A vault counts tapes; whether it lists cases is its own affair.
            if !list.barcodes.contains(&case.barcode) {
                continue;
            }
        }
        record.insert(item.barcode().clone(), known(tx, &here, &item)?);
    }
    for barcode in &list.barcodes {
        if let Some(item) = tx.item_by_barcode(barcode)? {
            record.insert(barcode.clone(), known(tx, &here, &item)?);
        }
    }
    differences(&here, code, &record, list)
        .into_iter()
        .map(|difference| {
            let item = tx.item_by_barcode(&difference.barcode)?;
            let about = match &item {
                Some(item) => About::item(item),
                None => About::barcode(&difference.barcode),
            };
            let about = about.at(code);
            Ok(Found {
                exception: exception::open(tx, stamp, difference.kind, &about, &difference.detail)?,
                kind: difference.kind,
                barcode: difference.barcode,
                detail: difference.detail,
            })
        })
        .collect()
}

fn known(view: &View<'_>, here: &Place, item: &Item) -> Result<Known> {
    let arrives = view
        .open_movement(item.id())?
        .is_some_and(|movement| movement.destination == *here);
    Ok(Known {
        place: facts::effective(view, item.place())?,
        arrives,
    })
}
