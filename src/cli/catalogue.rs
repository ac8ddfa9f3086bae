//! `catalogue` and `recover`.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::Session;
use super::catalogue_args::{CatalogueCommand, RebuildArgs, RecoverArgs};
use super::devices::{self, Environment};
use super::output::{self, size, time};
use crate::app::App;
use crate::catalogue::CatalogueError;
use crate::config::{Config, FILE_NAME, LibraryConfig, Reservations};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::progress::{Event, counted};
use crate::rebuild::recover::{KeepIdentities, Recovered, recover};
use crate::rebuild::{self, Configuration, Report, Request, Snapshots};

pub(super) fn run(session: &Session, command: CatalogueCommand) -> Result<()> {
    match command {
        CatalogueCommand::Check => check(session),
        CatalogueCommand::Dump => dump(session),
        CatalogueCommand::Rebuild(args) => rebuild_record(session, &args),
    }
}

fn check(session: &Session) -> Result<()> {
    let app = session.open()?;
    app.catalogue.check()?;
    let path = app.catalogue.path().display().to_string();
    if session.is_json() {
        return output::json(&json!({ "catalogue": path, "sound": true }));
    }
    output::line(format!("{path} is in order"))
}

/// One line for each row.
fn dump(session: &Session) -> Result<()> {
    let app = session.open()?;
    let rows = app.catalogue.read(|view| {
        let mut rows = Rows::default();
        rows.add("key", view.keys()?);
        rows.add("cartridge", view.cartridges()?);
        for volume in view.volumes()? {
            rows.add("tape_file", view.tape_files(volume.id)?);
            rows.add("segment_copy", view.segment_copies_on(volume.id)?);
            rows.add("volume", [volume]);
        }
        rows.add("copy_task", view.copy_tasks()?);
        rows.add("foreign_tape", view.foreign_tapes()?);
        for definition in view.all_definitions()? {
            rows.add("hold", view.hold_history(definition.id)?);
            rows.add("definition", [definition]);
        }
        for set in view.sets()? {
            rows.add("segment", view.segments(set.id)?);
            rows.add("set_copy", view.set_copies(set.id)?);
            rows.add("set", [set]);
        }
        Ok::<_, CatalogueError>(rows)
    })?;
    for row in rows.0 {
        let line = serde_json::to_string(&row.context("cannot render JSON")?);
        output::line(line.context("cannot render JSON")?)?;
    }
    Ok(())
}

#[derive(Default)]
struct Rows(Vec<std::result::Result<Value, serde_json::Error>>);

impl Rows {
    fn add<T: Serialize>(&mut self, kind: &str, rows: impl IntoIterator<Item = T>) {
        let lines = rows.into_iter().map(|row| {
            let mut value = serde_json::to_value(row)?;
            if let Value::Object(fields) = &mut value {
                fields.insert("kind".to_owned(), kind.into());
            }
            Ok(value)
        });
        self.0.extend(lines);
    }
}

fn rebuild_record(session: &Session, args: &RebuildArgs) -> Result<()> {
    let app = Arc::new(session.open()?);
    let library = Arc::new(app.library(args.choice.library.as_deref(), "catalogue rebuild")?);
    let request = Request {
        barcodes: args.barcodes.clone(),
        identities: rebuild::identities(&app, &args.identity)?,
        snapshots: if args.ignore_snapshots {
            Snapshots::Ignore
        } else {
            Snapshots::Use
        },
        configuration: Configuration::Keep,
    };
    let report = rebuild::rebuild(&app, &library, &request)?;
    if session.is_json() {
        output::json(&report)?;
    } else {
        lines(&report).into_iter().try_for_each(output::line)?;
    }
    outcome(&report)
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![format!(
        "Read {}: {}",
        counted(report.cartridges.len() as u64, "volume", "volumes"),
        report.cartridges.join(", ")
    )];
    if let Some(snapshot) = &report.snapshot {
        lines.push(format!("Took over the record as it was on {snapshot}"));
    }
    lines.push(format!(
        "Added {}, {}, {}, {}; read {}",
        counted(report.volumes_added, "volume", "volumes"),
        counted(report.files_added, "tape file", "tape files"),
        counted(report.sets_added, "set", "sets"),
        counted(
            report.segments_added,
            "copy of a segment",
            "copies of segments"
        ),
        counted(report.indexes_read, "index", "indexes"),
    ));
    if report.sealed > 0 {
        lines.push(format!(
            "{} sealed: do it again with an identity that opens them (--identity)",
            counted(report.sealed, "set is", "sets are")
        ));
    }
    let told = report
        .incomplete
        .iter()
        .map(|what| format!("Incomplete: {what}"));
    lines.extend(told);
    let told = report
        .problems
        .iter()
        .map(|what| format!("Problem: {what}"));
    lines.extend(told);
    lines
}

fn outcome(report: &Report) -> Result<()> {
    let count = (report.problems.len() + report.incomplete.len()) as u64;
    if count == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Incomplete,
        format!(
            "the record was rebuilt, with {}",
            counted(count, "problem", "problems")
        ),
    )
    .hint("bring other cartridges and do it again: it adds what they know"))
}

pub(super) fn recover_host(session: &Session, args: &RecoverArgs) -> Result<()> {
    if !session.state.join(FILE_NAME).exists() {
        initialise(session, args)?;
    } else if args.virtual_library.is_some() || args.changer.is_some() || !args.drive.is_empty() {
        return Err(Error::usage(format!(
            "{} has a configuration, so it says where the library is",
            session.state.display()
        ))
        .hint("leave --virtual, --changer and --drive out"));
    }
    let app = Arc::new(session.open()?);
    let library = Arc::new(app.library(args.choice.library.as_deref(), "recover")?);
    let keep = if args.keep_identity {
        KeepIdentities::Yes
    } else {
        KeepIdentities::No
    };
    let recovered = recover(&app, &library, args.barcodes.clone(), &args.identity, keep)?;
    if session.is_json() {
        output::json(&recovered)?;
    } else {
        recovered_lines(&recovered)
            .into_iter()
            .try_for_each(output::line)?;
    }
    outcome(&recovered.report)
}

fn initialise(session: &Session, args: &RecoverArgs) -> Result<()> {
    let library = match &args.virtual_library {
        Some(path) => Some(LibraryConfig::Virtual {
            path: std::path::absolute(path).context("--virtual")?,
            reservations: Reservations::default(),
            restore_drives: 0,
        }),
        None => {
            let chosen = devices::choose(
                args.changer.as_deref(),
                &args.drive,
                &Environment::of_this_process(),
                Path::new("/sys"),
            )?;
            for text in chosen.remarks {
                session.around.watcher.event(Event::Step { text });
            }
            chosen.library
        }
    };
    let library = library.ok_or_else(|| {
        Error::usage("no library is named to recover from")
            .hint("name it with --changer and --drive, or \"tapeward init\" and \"tapeward library discover --write\" first")
    })?;
    let mut config = Config::default();
    config.library.insert("main".to_owned(), library);
    App::initialise(&session.state, &config, session.around.clone())?;
    Ok(())
}

fn recovered_lines(recovered: &Recovered) -> Vec<String> {
    let mut lines = lines(&recovered.report);
    lines.push(format!(
        "Configuration: {}",
        recovered.configuration.display()
    ));
    for path in &recovered.identities {
        lines.push(format!("Identity: {}", path.display()));
    }
    for set in &recovered.newest {
        lines.push(format!(
            "{}: newest set of {}, {} in {}",
            set.name,
            time(set.started_at),
            size(set.bytes),
            counted(set.members, "member", "members")
        ));
        for (number, cartridges) in set.copies.iter().enumerate() {
            let cartridges: Vec<String> = cartridges
                .iter()
                .map(|(barcode, place)| format!("{barcode} ({place})"))
                .collect();
            lines.push(format!("  copy {}: {}", number + 1, cartridges.join(", ")));
        }
    }
    lines.push(format!(
        "Recovered in {}",
        counted(
            u64::try_from(recovered.seconds).unwrap_or(0),
            "second",
            "seconds"
        )
    ));
    lines
}
