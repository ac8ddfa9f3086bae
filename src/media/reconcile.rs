//! The robot's view against the record.

use std::collections::HashSet;

use serde::Serialize;
use tapeward_drivers::smc::ElementKind as ScsiKind;

use crate::app::App;
use crate::catalogue::{
    self, ElementAddress, ElementKind, ExceptionKind, NewPlace, NumberedElement, Place, Witness,
};
use crate::error::Result;
use crate::id::{Barcode, LibraryId, RunId};
use crate::journal::Event;
use crate::library::element::element_words;
use crate::library::view::View;
use crate::library::{Library, robot};
use crate::media::stamp::Said;
use crate::media::{exception, facts, rule};

/// What the robot sees that the record did not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Known cartridges seen somewhere else than the record said: barcode and element.
    pub moved: Vec<(Barcode, String)>,
    /// Cartridges the record has in this library and nobody sees there.
    pub gone: Vec<Barcode>,
    /// Cartridges in the library that are not registered.
    pub unregistered: Vec<Barcode>,
    /// Elements that hold a cartridge whose barcode cannot be read.
    pub unreadable: Vec<String>,
}

impl Differences {
    /// Whether the record was right.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Records the library itself and returns its id.
pub fn identify(app: &App, library: &Library) -> Result<LibraryId> {
    let identity = library.identity()?;
    let serial = identity
        .serial
        .unwrap_or_else(|| format!("changer {}", library.name()));
    app.write(|tx, now| {
        let known = tx.library_by_name(library.name())?;
        let id = tx.record_library(&catalogue::NewLibrary {
            id: LibraryId::generate(now),
            name: library.name().to_owned(),
            vendor: identity.vendor.clone(),
            product: identity.product.clone(),
            serial: serial.clone(),
            seen_at: now,
        })?;
        if known.is_none() {
            app.note(
                tx,
                now,
                &Event::LibraryAdded {
                    library: id,
                    name: library.name().to_owned(),
                    vendor: identity.vendor.clone(),
                    product: identity.product.clone(),
                    serial,
                },
            )?;
        }
        Ok(id)
    })
}

/// Records where the robot sees every registered cartridge, in one transaction.
pub fn reconcile(
    app: &App,
    library: &Library,
    view: &View,
    run: Option<RunId>,
) -> Result<Differences> {
    let id = identify(app, library)?;
    app.write(|tx, now| reconcile_in(app, tx, now, id, view, run))
}

/// The same within a transaction.
pub fn reconcile_in(
    app: &App,
    tx: &catalogue::Tx<'_>,
    now: chrono::DateTime<chrono::Utc>,
    id: LibraryId,
    view: &View,
    run: Option<RunId>,
) -> Result<Differences> {
    let mut elements: Vec<_> = view
        .places
        .iter()
        .map(|place| NumberedElement {
            address: ElementAddress(place.address.0),
            kind: kind(place.name.kind),
            number: place.name.number,
        })
        .collect();
    elements.sort_unstable_by_key(|element| element.address);
    tx.record_elements(id, &elements)?;
    let mut differences = Differences::default();
    let mut seen = HashSet::new();
    for place in &view.places {
        let Some(barcode) = &place.barcode else {
            if place.full {
                differences.unreadable.push(place.name.to_string());
            }
            continue;
        };
        let Some(cartridge) = tx.cartridge_by_barcode(barcode)? else {
            differences.unregistered.push(barcode.clone());
            continue;
        };
        let place_name = place.name.to_string();
        if !seen.insert(cartridge.id) {
            twice(app, tx, &cartridge, &place_name)?;
            continue;
        }
        let now_at = Place::Element {
            library: id,
            kind: kind(place.name.kind),
            address: ElementAddress(place.address.0),
        };
        if cartridge.place == now_at {
            continue;
        }
        alarm(app, tx, &cartridge, &place_name)?;
        differences.moved.push((barcode.clone(), place_name));
        record(app, tx, now, run, cartridge.id, now_at)?;
    }
    for (_, cartridge) in tx.cartridges_in(id)? {
        if !seen.contains(&cartridge) {
            differences.gone.push(tx.cartridge(cartridge)?.barcode);
            record(app, tx, now, run, cartridge, Place::Outside)?;
        }
    }
    Ok(differences)
}

/// A cartridge that is out of the building by the record, or missed, and appears in the library without
/// being on its way back: somebody forgot to take it out, or took the wrong one. The robot is believed
/// about where it is; a person has to say why.
fn alarm(
    app: &App,
    tx: &catalogue::Tx<'_>,
    cartridge: &catalogue::Cartridge,
    seen_in: &str,
) -> Result<()> {
    let by_record = facts::effective(tx, &cartridge.place)?;
    if !by_record.is_offsite() && by_record != Place::Missing {
        return Ok(());
    }
    let comes_back = tx
        .open_movement(cartridge.id.into())?
        .is_some_and(|movement| !movement.destination.is_offsite());
    if comes_back {
        return Ok(());
    }
    let detail = format!(
        "{} is {} by the record, and the robot sees it in {seen_in}",
        cartridge.barcode,
        rule::going(&cartridge.place)
    );
    open(app, tx, ExceptionKind::NeverExpected, cartridge, &detail)
}

/// Two cartridges in the library carry the same bar code.
fn twice(
    app: &App,
    tx: &catalogue::Tx<'_>,
    cartridge: &catalogue::Cartridge,
    seen_in: &str,
) -> Result<()> {
    let detail = format!(
        "two cartridges carry the barcode {}: the second is in {seen_in}",
        cartridge.barcode
    );
    open(app, tx, ExceptionKind::Duplicate, cartridge, &detail)
}

fn open(
    app: &App,
    tx: &catalogue::Tx<'_>,
    kind: ExceptionKind,
    cartridge: &catalogue::Cartridge,
    detail: &str,
) -> Result<()> {
    let stamp = Said::default().stamp(app, tx, Witness::Robot)?;
    let about = exception::About::item(&catalogue::Item::Cartridge(cartridge.clone()));
    exception::open(tx, &stamp, kind, &about, detail)?;
    Ok(())
}

fn record(
    app: &App,
    tx: &catalogue::Tx<'_>,
    now: chrono::DateTime<chrono::Utc>,
    run: Option<RunId>,
    cartridge: crate::id::CartridgeId,
    place: Place,
) -> Result<()> {
    tx.record_place(&NewPlace {
        item: cartridge.into(),
        place: place.clone(),
        at: now,
        entered_at: now,
        witness: Witness::Robot,
        run,
        note: None,
    })?;
    app.note(
        tx,
        now,
        &Event::CartridgePlaced {
            cartridge,
            run,
            place,
            witness: Witness::Robot,
        },
    )
}

fn scsi_kind(kind: ElementKind) -> ScsiKind {
    match kind {
        ElementKind::Transport => ScsiKind::MediumTransport,
        ElementKind::Storage => ScsiKind::Storage,
        ElementKind::ImportExport => ScsiKind::ImportExport,
        ElementKind::Drive => ScsiKind::DataTransfer,
    }
}

fn kind(kind: ScsiKind) -> ElementKind {
    match kind {
        ScsiKind::MediumTransport => ElementKind::Transport,
        ScsiKind::Storage => ElementKind::Storage,
        ScsiKind::ImportExport => ElementKind::ImportExport,
        ScsiKind::DataTransfer => ElementKind::Drive,
    }
}

/// A place in words, for people: an element by its number, with its address.
///
/// # Errors
/// The record cannot be read.
pub fn place_words(view: &catalogue::View<'_>, place: &Place) -> Result<String> {
    Ok(match place {
        Place::Element {
            library,
            kind,
            address,
        } => {
            let known = view.element(*library, *address)?;
            let number = known.map(|element| element.number);
            element_words(scsi_kind(*kind), number, address.0)
        }
        Place::Outside => "outside".to_owned(),
        Place::InTransit => "in transit".to_owned(),
        Place::Kept { kind, code } => format!("{kind} {code}"),
        Place::Case { case } => format!("case {case}"),
        Place::Person { person } => format!("with {person}"),
        Place::Missing => "missing".to_owned(),
        Place::Unknown => "unknown".to_owned(),
    })
}

/// An element in words by its address alone.
///
/// # Errors
/// The record cannot be read.
pub fn address_words(
    view: &catalogue::View<'_>,
    library: LibraryId,
    address: ElementAddress,
) -> Result<String> {
    Ok(match view.element(library, address)? {
        Some(known) => element_words(scsi_kind(known.kind), Some(known.number), address.0),
        None => format!("@{address}"),
    })
}

/// Drives as the record keeps them.
pub fn record_drives(app: &App, library: LibraryId, sites: &[robot::DriveSite]) -> Result<()> {
    app.write(|tx, now| {
        for site in sites {
            tx.record_drive(&catalogue::Drive {
                serial: site.serial.clone(),
                vendor: site.vendor.clone(),
                product: site.product.clone(),
                place: Some((library, ElementAddress(site.element.0))),
                seen_at: now,
            })?;
        }
        Ok(())
    })
}
