//! `library`, `drive`.

use serde::Serialize;
use tapeward_drivers::smc::{ElementKind, Exchange};

use super::Session;
use super::args::{LibraryChoice, LibraryCommand};
use super::output::{self, Column, or_dash};
use crate::app::App;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::health::{Usage, record};
use crate::id::Barcode;
use crate::library::Library;
use crate::library::element::Reference;
use crate::library::fitting::{KeyGiver, key_giver};
use crate::library::lock::DeviceLock;
use crate::library::robot::DriveSite;
use crate::library::view::{Place, View, full_mail_slots};
use crate::media::reconcile;
use crate::progress::Event;

pub(super) fn run(session: &Session, command: LibraryCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        LibraryCommand::Status { choice, all } => {
            let library = open(&app, &choice, "library status")?;
            show(session, &library, &library.view()?, all)
        }
        LibraryCommand::Inventory { choice, initialize } => {
            let library = open(&app, &choice, "library inventory")?;
            if initialize {
                library.initialize()?;
            }
            inventory(session, &app, &library)
        }
        LibraryCommand::Load {
            cartridge,
            into,
            choice,
        } => {
            let library = open(&app, &choice, "library load")?;
            let view = library.view()?;
            let from = view.resolve(&cartridge.parse()?)?;
            let to = match into {
                Some(text) => drive(&view, &text)?,
                None => view
                    .first_free(ElementKind::DataTransfer)
                    .ok_or_else(|| no_free_drive(&view))?,
            };
            let _lock = hold_if_drive(&library, &view, to)?;
            transfer(session, &app, &library, from, to)
        }
        LibraryCommand::Unload {
            cartridge,
            to,
            choice,
        } => {
            let library = open(&app, &choice, "library unload")?;
            unload(session, &app, &library, &cartridge, to.as_deref())
        }
        LibraryCommand::Transfer { from, to, choice } => {
            let library = open(&app, &choice, "library transfer")?;
            let view = library.view()?;
            let from = view.resolve(&from.parse()?)?;
            let to = view.resolve(&to.parse()?)?;
            let _locks = (
                hold_if_drive(&library, &view, from)?,
                hold_if_drive(&library, &view, to)?,
            );
            transfer(session, &app, &library, from, to)
        }
        LibraryCommand::Exchange {
            cartridge,
            with,
            to,
            choice,
        } => {
            let library = open(&app, &choice, "library exchange")?;
            exchange(session, &app, &library, [&cartridge, &with], to.as_deref())
        }
        LibraryCommand::Position { element, choice } => {
            let library = open(&app, &choice, "library position")?;
            let view = library.view()?;
            let place = view.resolve(&element.parse()?)?;
            library.position(place)?;
            if session.is_json() {
                return output::json(&serde_json::json!({ "element": place.name }));
            }
            output::line(format!("the robot is at {}", place.name))
        }
        LibraryCommand::Eject { cartridges, choice } => {
            let library = open(&app, &choice, "library eject")?;
            eject(session, &app, &library, &cartridges)
        }
    }
}

fn open(app: &App, choice: &LibraryChoice, purpose: &str) -> Result<Library> {
    app.library(choice.library.as_deref(), purpose)
}

fn drive<'a>(view: &'a View, text: &str) -> Result<&'a Place> {
    let place = view.resolve(&text.parse::<Reference>()?)?;
    if place.name.kind != ElementKind::DataTransfer {
        return Err(Error::usage(format!("{} is not a drive", place.name))
            .hint("drives are drive:0, drive:1 and so on"));
    }
    Ok(place)
}

fn no_free_drive(view: &View) -> Error {
    let drives: Vec<String> = view
        .of_kind(ElementKind::DataTransfer)
        .map(|place| format!("{} ({})", place.name, place.content()))
        .collect();
    Error::failed(format!("no drive is free: {}", drives.join(", ")))
        .hint("unload one with \"tapeward library unload\"")
}

/// A cartridge is not pulled out of a drive that somebody works with.
fn hold_if_drive(library: &Library, view: &View, place: &Place) -> Result<Option<DeviceLock>> {
    if place.name.kind != ElementKind::DataTransfer {
        return Ok(None);
    }
    library
        .drives(view)?
        .iter()
        .find(|site| site.element == place.address)
        .map(|site| library.hold_drive(site))
        .transpose()
}

fn transfer(
    session: &Session,
    app: &App,
    library: &Library,
    from: &Place,
    to: &Place,
) -> Result<()> {
    let moved = library.transfer(from.address, to.address)?;
    reconcile::reconcile(app, library, &moved.view, None)?;
    if session.is_json() {
        return output::json(&serde_json::json!({
            "content": moved.content, "from": moved.from, "to": moved.to,
        }));
    }
    output::line(format!(
        "{} moved from {} to {}",
        moved.content, moved.from, moved.to
    ))
}

fn exchange(
    session: &Session,
    app: &App,
    library: &Library,
    [cartridge, with]: [&str; 2],
    to: Option<&str>,
) -> Result<()> {
    let view = library.view()?;
    let source = view.resolve(&cartridge.parse()?)?;
    let first = view.resolve(&with.parse()?)?;
    let second = match to {
        Some(text) => view.resolve(&text.parse()?)?,
        None => source,
    };
    let _locks = (
        hold_if_drive(library, &view, source)?,
        hold_if_drive(library, &view, first)?,
        // Not a second time, where both cartridges swap.
        (second.address != source.address)
            .then(|| hold_if_drive(library, &view, second))
            .transpose()?,
    );
    let after = library.exchange(Exchange {
        source: source.address,
        first_destination: first.address,
        second_destination: second.address,
    })?;
    reconcile::reconcile(app, library, &after, None)?;
    let moves = [
        (source.content(), source.name, first.name),
        (first.content(), first.name, second.name),
    ];
    if session.is_json() {
        let moves = moves.map(
            |(content, from, to)| serde_json::json!({ "content": content, "from": from, "to": to }),
        );
        return output::json(&moves);
    }
    moves.iter().try_for_each(|(content, from, to)| {
        output::line(format!("{content} moved from {from} to {to}"))
    })
}

fn unload(
    session: &Session,
    app: &App,
    library: &Library,
    cartridge: &str,
    to: Option<&str>,
) -> Result<()> {
    let view = library.view()?;
    let from = view.resolve(&cartridge.parse()?)?;
    if from.name.kind != ElementKind::DataTransfer {
        return Err(Error::usage(format!("{cartridge} is not in a drive")));
    }
    if !from.full {
        return Err(Error::usage(format!("{} is empty", from.name)));
    }
    let to = match to {
        Some(text) => view.resolve(&text.parse()?)?,
        None => from
            .source
            .and_then(|address| view.at(address))
            .filter(|place| !place.full)
            .or_else(|| view.first_free(ElementKind::Storage))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::OperatorNeeded,
                    format!(
                        "{} stays in {}: no storage element is free",
                        from.content(),
                        from.name
                    ),
                )
                .hint("make room with \"tapeward library eject\", then try again")
            })?,
    };
    let site = library
        .drives(&view)?
        .into_iter()
        .find(|site| site.element == from.address);
    let _lock = match &site {
        Some(site) => {
            let lock = library.hold_drive(site)?;
            let mut drive = library.open_unit(&site.unit)?;
            if let Some(barcode) = &from.barcode {
                let usage = library.ask_usage(&mut drive, site);
                observe(app, library, barcode, site, &usage)?;
            }
            drive
                .unload()
                .context(format!("cannot unload {}", from.name))?;
            Some(lock)
        }
        None => None,
    };
    transfer(session, app, library, from, to)
}

/// What the drive said about a cartridge is kept as after any mount.
fn observe(
    app: &App,
    library: &Library,
    barcode: &Barcode,
    site: &DriveSite,
    usage: &Usage,
) -> Result<()> {
    let mounted = record::Mounted {
        barcode,
        library: reconcile::identify(app, library)?,
        site,
        usage,
        run: None,
    };
    for what in record::observe(app, &mounted)? {
        let subject = "health".to_owned();
        app.watcher.event(Event::Problem { subject, what });
    }
    Ok(())
}

fn eject(session: &Session, app: &App, library: &Library, cartridges: &[String]) -> Result<()> {
    let view = library.view()?;
    let mut wanted = Vec::new();
    for text in cartridges {
        let place = view.resolve(&text.parse()?)?;
        if !place.full {
            return Err(Error::usage(format!("{} is empty", place.name)));
        }
        if place.name.kind == ElementKind::DataTransfer {
            return Err(
                Error::usage(format!("{} is in {}", place.content(), place.name))
                    .hint("unload it first with \"tapeward library unload\""),
            );
        }
        if place.name.kind != ElementKind::ImportExport {
            wanted.push(place.address);
        }
    }
    for from in wanted {
        let view = library.view()?;
        let to = view
            .first_free(ElementKind::ImportExport)
            .ok_or_else(|| full_mail_slots(&view))?
            .address;
        let moved = library.transfer(from, to)?;
        reconcile::reconcile(app, library, &moved.view, None)?;
        if !session.is_json() {
            output::line(format!("{} is in {}", moved.content, moved.to))?;
        }
    }
    if session.is_json() {
        return output::json(&library.view()?);
    }
    Ok(())
}

fn inventory(session: &Session, app: &App, library: &Library) -> Result<()> {
    let view = library.view()?;
    let differences = reconcile::reconcile(app, library, &view, None)?;
    if session.is_json() {
        return output::json(&serde_json::json!({
            "library": library.name(), "view": view, "differences": differences,
        }));
    }
    let list = |name: &str, items: &[String]| -> Result<()> {
        items
            .iter()
            .try_for_each(|item| output::line(format!("{name:<14}{item}")))
    };
    let cartridges = view.places.iter().filter(|place| place.full).count();
    output::line(format!(
        "{cartridges} cartridges in {} elements",
        view.places.len()
    ))?;
    let moved: Vec<String> = differences
        .moved
        .iter()
        .map(|(barcode, place)| format!("{barcode} is in {place}"))
        .collect();
    let text = |barcodes: &[Barcode]| -> Vec<String> {
        barcodes.iter().map(ToString::to_string).collect()
    };
    list("moved", &moved)?;
    list("gone", &text(&differences.gone))?;
    list("unregistered", &text(&differences.unregistered))?;
    list("no barcode", &differences.unreadable)?;
    list("anomaly", &view.anomalies)?;
    if differences.is_empty() {
        output::line("The record agrees with what the robot sees.")?;
    }
    Ok(())
}

fn show(session: &Session, library: &Library, view: &View, all: bool) -> Result<()> {
    let shown: Vec<&Place> = view
        .places
        .iter()
        .filter(|place| all || place.full || place.name.kind != ElementKind::Storage)
        .collect();
    if session.is_json() {
        return output::json(&serde_json::json!({
            "library": library.name(), "places": shown, "anomalies": view.anomalies,
        }));
    }
    output::table(
        &[
            Column::Text("ELEMENT"),
            Column::Number("ADDRESS"),
            Column::Text("CARTRIDGE"),
            Column::Text("FROM"),
            Column::Text("REMARK"),
        ],
        shown
            .iter()
            .map(|place| {
                let from = place
                    .source
                    .filter(|_| place.full)
                    .and_then(|address| view.at(address))
                    .map(|source| source.name);
                vec![
                    place.name.to_string(),
                    place.address.to_string(),
                    or_dash(place.full.then(|| place.content())),
                    or_dash(from),
                    remark(place),
                ]
            })
            .collect(),
        "The library has no elements.",
    )?;
    view.anomalies
        .iter()
        .try_for_each(|anomaly| output::line(format!("anomaly: {anomaly}")))
}

fn remark(place: &Place) -> String {
    let mut remarks = Vec::new();
    if place.cleaning {
        remarks.push("cleaning cartridge".to_owned());
    }
    if place.disabled {
        remarks.push("disabled".to_owned());
    }
    if !place.access && place.name.kind != ElementKind::DataTransfer {
        remarks.push("cannot be reached".to_owned());
    }
    remarks.extend(place.exception.clone());
    remarks.join(", ")
}

#[derive(Serialize)]
struct DriveRow {
    #[serde(flatten)]
    site: DriveSite,
    cartridge: Option<String>,
    held_by: Option<String>,
    /// Not asked of a drive that somebody holds.
    encryption: Option<KeyGiver>,
}

pub(super) fn drive_status(session: &Session, choice: &LibraryChoice) -> Result<()> {
    let app = session.open()?;
    let library = open(&app, choice, "drive status")?;
    let view = library.view()?;
    let mut rows = Vec::new();
    for site in library.drives(&view)? {
        let (held_by, encryption) = match library.hold_drive(&site) {
            Ok(_lock) => match library.open_unit(&site.unit) {
                Ok(mut drive) => (None, key_giver(&mut drive)),
                Err(error) if error.kind() == ErrorKind::Locked => (Some(error.to_string()), None),
                Err(_) => (None, None),
            },
            Err(error) if error.kind() == ErrorKind::Locked => (Some(error.to_string()), None),
            Err(error) => return Err(error),
        };
        let cartridge = view
            .at(site.element)
            .filter(|place| place.full)
            .map(Place::content);
        rows.push(DriveRow {
            site,
            cartridge,
            held_by,
            encryption,
        });
    }
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("DRIVE"),
            Column::Text("MODEL"),
            Column::Text("FIRMWARE"),
            Column::Text("SERIAL"),
            Column::Text("ENCRYPTION"),
            Column::Text("CARTRIDGE"),
            Column::Text("STATE"),
        ],
        rows.into_iter()
            .map(|row| {
                vec![
                    row.site.name.to_string(),
                    format!("{} {}", row.site.vendor, row.site.product),
                    row.site.revision.clone(),
                    row.site.serial.clone(),
                    or_dash(row.encryption),
                    or_dash(row.cartridge),
                    row.held_by.unwrap_or_else(|| "free".to_owned()),
                ]
            })
            .collect(),
        "The library has no drives.",
    )
}
