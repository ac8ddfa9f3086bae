//! What the record knows of an item that is to go somewhere.

use std::collections::BTreeSet;

use super::rule::{Facts, Room, Secrecy, Target};
use crate::catalogue::{Cartridge, CatalogueError, Item, Place, SetCopyState, ThingKind, View};
use crate::config::Config;
use crate::error::Result;
use crate::id::{CartridgeId, CopyNumber, PlaceCode, SetId};

/// Everything about one item, for [`super::rule::objections`].
///
/// # Errors
/// The record cannot be read.
pub fn of(view: &View<'_>, item: &Item, target: &Place) -> Result<Facts> {
    let expected = match view.open_movement(item.id())? {
        Some(movement) => {
            let run = match movement.line {
                Some((run, _)) => Some(view.courier_run(run)?.number),
                None => None,
            };
            Some((movement.destination, run))
        }
        None => None,
    };
    let (secrecy, all_there, quarantined) = match item {
        Item::Cartridge(cartridge) => (
            secrecy(view, cartridge)?,
            all_copies(view, cartridge, |_, place| place == target)?,
            view.quarantined_cartridges()?.contains(&cartridge.id),
        ),
        Item::Thing(thing) if thing.kind == ThingKind::Case => {
            (secrecy_of_case(view, item)?, Vec::new(), false)
        }
        Item::Thing(thing) if thing.kind.holds_data() => (Secrecy::Unknown, Vec::new(), false),
        Item::Thing(_) => (Secrecy::Safe, Vec::new(), false),
    };
    Ok(Facts {
        barcode: item.barcode().clone(),
        place: item.place().clone(),
        expected,
        secrecy,
        all_there,
        quarantined,
    })
}

/// A place with its room, where it has a limit.
///
/// # Errors
/// No place has this code, or the record cannot be read.
pub fn target(view: &View<'_>, config: &Config, code: &PlaceCode) -> Result<Target> {
    let place = config.kept_at(code)?;
    let room = match config.place(code)?.capacity {
        Some(capacity) => Some(Room {
            capacity,
            taken: view.cartridges_at(&place)?,
            instead: next_allowed(view, config, code)?,
        }),
        None => None,
    };
    Ok(Target { place, room })
}

/// The first place that takes what this one has no room for.
fn next_allowed(view: &View<'_>, config: &Config, code: &PlaceCode) -> Result<Option<PlaceCode>> {
    for other in &config.place(code)?.overflow {
        let Some(capacity) = config.place(other)?.capacity else {
            return Ok(Some(other.clone()));
        };
        if view.cartridges_at(&config.kept_at(other)?)? < capacity {
            return Ok(Some(other.clone()));
        }
    }
    Ok(None)
}

/// Whether whoever finds the cartridge can read something.
///
/// # Errors
/// The record cannot be read.
pub fn secrecy(view: &View<'_>, cartridge: &Cartridge) -> Result<Secrecy> {
    if view.foreign_on(cartridge.id)?.is_some() {
        return Ok(Secrecy::Unknown);
    }
    let Some(volume) = view.volume_on(cartridge.id)? else {
        return Ok(Secrecy::Safe);
    };
    let mut clear = BTreeSet::new();
    let rows = view.segment_copies_on(volume.id)?;
    let sets: BTreeSet<SetId> = rows.iter().map(|row| row.set).collect();
    for set in sets {
        let set = view.set(set)?;
        if set.recipients.is_empty() {
            clear.insert(view.definition(set.definition)?.name);
        }
    }
    Ok(if clear.is_empty() {
        Secrecy::Safe
    } else {
        Secrecy::Clear(clear.into_iter().collect())
    })
}

fn secrecy_of_case(view: &View<'_>, case: &Item) -> Result<Secrecy> {
    let inside = Place::Case {
        case: case.barcode().clone(),
    };
    let mut clear = Vec::new();
    for item in view.items_at(&inside)? {
        match &item {
            Item::Cartridge(cartridge) => match secrecy(view, cartridge)? {
                Secrecy::Safe => {}
                Secrecy::Clear(sets) => clear.extend(sets),
                Secrecy::Unknown => return Ok(Secrecy::Unknown),
            },
            Item::Thing(thing) if thing.kind.holds_data() => return Ok(Secrecy::Unknown),
            Item::Thing(_) => {}
        }
    }
    Ok(if clear.is_empty() {
        Secrecy::Safe
    } else {
        Secrecy::Clear(clear)
    })
}

/// Names of the sets on a cartridge of which there are other good copies, each with something on a
/// cartridge of which this is so; it is told where that one is.
///
/// # Errors
/// The record cannot be read.
pub fn all_copies(
    view: &View<'_>,
    cartridge: &Cartridge,
    is_so: impl Fn(CartridgeId, &Place) -> bool,
) -> Result<Vec<String>> {
    let Some(volume) = view.volume_on(cartridge.id)? else {
        return Ok(Vec::new());
    };
    let mut names = BTreeSet::new();
    for here in view.set_copies_on(volume.id)? {
        let mut others = 0;
        let mut is_elsewhere = false;
        for other in view.set_copies(here.set)? {
            let good = matches!(other.state, SetCopyState::Complete | SetCopyState::Verified);
            if other.copy == here.copy || !good {
                continue;
            }
            others += 1;
            let mut touches = false;
            for (id, place) in cartridges_of(view, here.set, other.copy)? {
                touches |= is_so(id, &place);
            }
            is_elsewhere |= !touches;
        }
        if others > 0 && !is_elsewhere {
            let set = view.set(here.set)?;
            names.insert(view.definition(set.definition)?.name);
        }
    }
    Ok(names.into_iter().collect())
}

/// The cartridges that something of a copy is on, and where each is.
fn cartridges_of(
    view: &View<'_>,
    set: SetId,
    copy: CopyNumber,
) -> Result<Vec<(CartridgeId, Place)>> {
    let volumes: BTreeSet<_> = view
        .live_copies(set, copy)?
        .into_iter()
        .map(|row| row.volume)
        .collect();
    volumes
        .into_iter()
        .map(|volume| {
            let cartridge = view.cartridge(view.volume(volume)?.cartridge)?;
            Ok((cartridge.id, effective(view, &cartridge.place)?))
        })
        .collect()
}

/// Where something is, looking through the case it is in.
///
/// # Errors
/// The record cannot be read.
pub fn effective(view: &View<'_>, place: &Place) -> std::result::Result<Place, CatalogueError> {
    Ok(match place {
        Place::Case { case } => view
            .thing_by_barcode(case)?
            .map_or(Place::Unknown, |case| case.place),
        other => other.clone(),
    })
}
