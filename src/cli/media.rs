//! `media`.

use std::sync::Arc;

use serde::Serialize;

use super::Session;
use super::args::MediaCommand;
use super::output::{self, Column, or_dash, size, time};
use crate::app::App;
use crate::catalogue::{Cartridge, ForeignTape, MediumUse, TapeFile, View, Volume};
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::job::label;
use crate::media::{reconcile, register};
use crate::retention::{self, Keep};

pub(super) fn run(session: &Session, command: MediaCommand) -> Result<()> {
    let app = Arc::new(session.open()?);
    match command {
        MediaCommand::Add {
            mut barcodes,
            from_library,
            despite,
            choice,
        } => {
            let mut library = None;
            if from_library {
                let chosen = app.library(choice.library.as_deref(), "media add")?;
                let view = chosen.view()?;
                for barcode in register::unknown_in(&app, &view)? {
                    if !barcodes.contains(&barcode) {
                        barcodes.push(barcode);
                    }
                }
                library = Some((chosen, view));
            }
            super::custody::look_at(&app, &barcodes, despite.as_deref())?;
            register::add(&app, &barcodes)?;
            if let Some((library, view)) = library {
                reconcile::reconcile(&app, &library, &view, None)?;
            }
            if session.is_json() {
                return output::json(&barcodes);
            }
            output::line(format!("{} cartridges added as scratch", barcodes.len()))
        }
        MediaCommand::Foreign(command) => super::foreign::run(session, &app, command),
        MediaCommand::Import(args) => super::custody::import(session, &app, &args),
        MediaCommand::Relabel(args) => super::custody::relabel(session, &app, &args),
        MediaCommand::CheckOut(args) => super::custody::check_out(session, &app, &args),
        MediaCommand::CheckIn(args) => super::custody::check_in(session, &app, &args),
        MediaCommand::Problem(args) => super::custody::problem(session, &app, &args),
        MediaCommand::List => list(session, &app),
        MediaCommand::History(args) => super::journal::history(session, &app, &args.barcode),
        MediaCommand::Show { barcode } => show(session, &app, &barcode),
        MediaCommand::Label {
            barcodes,
            pool,
            overwrite_foreign,
            choice,
        } => {
            let library = Arc::new(app.library(choice.library.as_deref(), "media label")?);
            let pool = pool.parse()?;
            let foreign = if overwrite_foreign {
                label::Foreign::Overwrite
            } else {
                label::Foreign::Refuse
            };
            let labelled = label::label(&app, &library, &barcodes, &pool, foreign)?;
            if session.is_json() {
                return output::json(&labelled);
            }
            labelled.iter().try_for_each(|volume| {
                output::line(format!(
                    "{} is labelled: volume {} ({}) of pool {pool}",
                    volume.barcode, volume.serial, volume.id
                ))
            })
        }
    }
}

/// A cartridge with the volume on it.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    cartridge: Cartridge,
    /// Content in words: what the volume's content is, or what the cartridge is for.
    content: String,
    /// What is on it, if it is another program's.
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign: Option<ForeignTape>,
    volume: Option<Volume>,
    bytes: u64,
    /// The place in words.
    #[serde(skip)]
    place_words: String,
}

fn row(view: &View<'_>, cartridge: Cartridge) -> Result<Row> {
    let volume = view.volume_on(cartridge.id)?;
    let bytes = match &volume {
        Some(volume) => view.bytes_on(volume.id)?,
        None => 0,
    };
    let foreign = view.foreign_on(cartridge.id)?;
    let content = match (&volume, cartridge.medium_use) {
        _ if foreign.is_some() => "foreign".to_owned(),
        (Some(volume), _) => volume.content.to_string(),
        (None, MediumUse::Data | MediumUse::Worm) => "scratch".to_owned(),
        (None, other) => other.to_string(),
    };
    Ok(Row {
        place_words: reconcile::place_words(view, &cartridge.place)?,
        cartridge,
        content,
        foreign,
        volume,
        bytes,
    })
}

fn list(session: &Session, app: &App) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        view.cartridges()?
            .into_iter()
            .map(|cartridge| row(view, cartridge))
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("MEDIUM"),
            Column::Text("CONTENT"),
            Column::Text("POOL"),
            Column::Number("WRITTEN"),
            Column::Text("KEEP UNTIL"),
            Column::Text("PLACE"),
            Column::Text("SINCE"),
        ],
        rows.into_iter()
            .map(|row| {
                let volume = row.volume.as_ref();
                vec![
                    row.cartridge.barcode.to_string(),
                    row.cartridge.generation.to_string(),
                    row.content,
                    or_dash(volume.map(|volume| &volume.pool)),
                    or_dash((row.bytes > 0).then(|| size(row.bytes))),
                    or_dash(
                        volume
                            .and_then(|volume| volume.retain_until)
                            .map(|until| until.format("%Y-%m-%d")),
                    ),
                    row.place_words,
                    time(row.cartridge.place_since),
                ]
            })
            .collect(),
        "No cartridge is registered. Register some with \"tapeward media add --from-library\".",
    )
}

#[derive(Serialize)]
struct Details {
    #[serde(flatten)]
    row: Row,
    files: Vec<TapeFile>,
    places: Vec<crate::catalogue::PlaceEvent>,
    contents: Vec<crate::catalogue::VolumeEvent>,
    /// What keeps it from being labelled again.
    keeps: Vec<Keep>,
    /// The places in words.
    #[serde(skip)]
    place_words: Vec<String>,
}

fn show(session: &Session, app: &App, barcode: &Barcode) -> Result<()> {
    let details = app.catalogue.read(|view| {
        let cartridge = view.cartridge_by_barcode(barcode)?.ok_or_else(|| {
            Error::usage(format!("no cartridge {barcode} is registered"))
                .hint("\"tapeward media list\" shows all of them")
        })?;
        let places = view.place_history(cartridge.id)?;
        let place_words = places
            .iter()
            .map(|event| reconcile::place_words(view, &event.place))
            .collect::<Result<_>>()?;
        let row = row(view, cartridge)?;
        let (files, contents, keeps) = match &row.volume {
            Some(volume) => (
                view.tape_files(volume.id)?,
                view.volume_history(volume.id)?,
                retention::keeps(view, volume.id, app.clock.now())?,
            ),
            None => (Vec::new(), Vec::new(), Vec::new()),
        };
        Ok::<_, Error>(Details {
            row,
            files,
            places,
            contents,
            keeps,
            place_words,
        })
    })?;
    if session.is_json() {
        return output::json(&details);
    }
    let Details {
        row,
        files,
        places,
        contents,
        keeps,
        place_words,
    } = details;
    let mut lines = vec![
        format!(
            "Cartridge  {} ({})",
            row.cartridge.barcode, row.cartridge.generation
        ),
        format!("Content    {}", row.content),
        format!(
            "Place      {} since {}",
            row.place_words,
            time(row.cartridge.place_since)
        ),
    ];
    if let Some(foreign) = &row.foreign {
        lines.push(format!("Holds      {}", foreign.found));
        if !foreign.description.is_empty() {
            lines.push(format!("Described  {}", foreign.description));
        }
    }
    if let Some(volume) = &row.volume {
        lines.push(format!(
            "Volume     {} ({}), pool {}, labelled {}",
            volume.serial,
            volume.id,
            volume.pool,
            time(volume.labelled_at)
        ));
        lines.push(format!(
            "Written    {} in {} tape files",
            size(row.bytes),
            files.len()
        ));
        lines.push(format!("Blocks     {} bytes", volume.block_size));
        lines.extend(keeps.iter().map(|keep| format!("Kept       {keep}")));
    }
    lines.push("History".to_owned());
    let mut history: Vec<_> = places
        .iter()
        .zip(place_words)
        .map(|(event, words)| (event.at, format!("{words} (seen by {})", event.witness)))
        .chain(contents.iter().map(|event| {
            let text = format!("content {}: {}", event.content, event.reason);
            (event.at, text)
        }))
        .collect();
    // Stable: what happened at the same moment stays in its order.
    history.sort_by_key(|(at, _)| *at);
    lines.extend(
        history
            .into_iter()
            .map(|(at, text)| format!("  {}  {text}", time(at))),
    );
    output::line(lines.join("\n"))
}
