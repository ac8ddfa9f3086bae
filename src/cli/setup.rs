//! `init`, `config`, `set`.

use std::path::Path;

use serde::Serialize;

use super::Session;
use super::args::{CompressionArg, DefineArgs, EncryptionArg, HoldArgs, InitArgs, SetCommand};
use super::devices::{self, Environment};
use super::output::{self, Column, or_dash, size, time};
use crate::app::App;
use crate::catalogue::{BackupSet, Compression, Encryption, HoldSubject, SetDefinition};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::progress::Event;
use crate::quickstart;
use crate::retention;
use crate::set::{self, Definition, Terms};

pub(super) fn init(session: &Session, args: &InitArgs) -> Result<()> {
    let mut config = Config::default();
    if args.with_virtual {
        quickstart::initialise_virtual(
            &session.state,
            config,
            args.cartridge_size.as_u64(),
            &session.around,
        )?;
    } else {
        let chosen = devices::choose(
            args.changer.as_deref(),
            &args.drive,
            &Environment::of_this_process(),
            Path::new("/sys"),
        )?;
        for text in chosen.remarks {
            session.around.watcher.event(Event::Step { text });
        }
        let library = chosen.library.map(|library| ("main".to_owned(), library));
        config.library.extend(library);
        App::initialise(&session.state, &config, session.around.clone())?;
    }
    let path = session.state.join(crate::config::FILE_NAME);
    if session.is_json() {
        return output::json(&serde_json::json!({ "config": path }));
    }
    output::line(format!("Made {}", path.display()))
}

pub(super) fn config_check(session: &Session) -> Result<()> {
    let path = session.state.join(crate::config::FILE_NAME);
    let config = Config::load(&path)?;
    if session.is_json() {
        return output::json(&config);
    }
    output::line(format!("# {} is in order", path.display()))?;
    output::line(config.to_toml()?.trim_end())
}

#[derive(Serialize)]
struct DefinitionRow<'a> {
    #[serde(flatten)]
    definition: &'a SetDefinition,
    newest: Option<&'a BackupSet>,
}

pub(super) fn set(session: &Session, command: SetCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        SetCommand::Define(args) => {
            let name = args.name.clone();
            let id = set::define(&app, &definition(*args))?;
            if session.is_json() {
                return output::json(&serde_json::json!({ "id": id, "name": name }));
            }
            output::line(format!("Set \"{name}\" is defined ({id})"))
        }
        SetCommand::Hold(args) => {
            let subject = retention::hold(&app, &args.set, &args.reason)?;
            held(session, &args, subject, "held")
        }
        SetCommand::Release(args) => {
            let subject = retention::release(&app, &args.set, &args.reason)?;
            held(session, &args, subject, "released")
        }
        SetCommand::List => list_sets(session, &app),
        SetCommand::Show { set } => super::query::show_set(session, &app, &set),
    }
}

fn definition(args: DefineArgs) -> Definition {
    Definition {
        name: args.name,
        source: args.source,
        excludes: args.exclude,
        compression: match args.compression {
            CompressionArg::None => Compression::None,
            CompressionArg::Zstd => Compression::Zstd,
        },
        encryption: match args.encryption {
            EncryptionArg::Age => Encryption::Age,
            EncryptionArg::Drive => Encryption::Drive,
        },
        terms: Terms {
            copies: args.copies,
            retention_days: args.retention_days,
            keys: args.keys,
            agency: args.agency,
            hold: args.hold,
        },
    }
}

fn held(session: &Session, args: &HoldArgs, subject: HoldSubject, done: &str) -> Result<()> {
    if session.is_json() {
        let reason = &args.reason;
        return output::json(
            &serde_json::json!({ "subject": subject, "state": done, "reason": reason }),
        );
    }
    let what = match subject {
        HoldSubject::Definition(_) => format!("Every set of \"{}\"", args.set),
        HoldSubject::Set(id) => format!("Set {id}"),
    };
    output::line(format!("{what} is {done}: {}", args.reason))
}

fn list_sets(session: &Session, app: &App) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        view.definitions()?
            .into_iter()
            .map(|definition| {
                let newest = view.newest_set(definition.id)?;
                Ok::<_, Error>((definition, newest))
            })
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(definition, newest)| DefinitionRow {
                definition,
                newest: newest.as_ref(),
            })
            .collect();
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("NAME"),
            Column::Text("SOURCE"),
            Column::Text("COMPRESSION"),
            Column::Text("ENCRYPTION"),
            Column::Text("NEWEST SET"),
            Column::Number("FILES"),
            Column::Number("SIZE"),
            Column::Text("ID"),
        ],
        rows.iter()
            .map(|(definition, newest)| {
                let totals = newest.as_ref().map(|set| set.totals);
                vec![
                    definition.name.clone(),
                    definition.source.display().to_string(),
                    definition.compression.to_string(),
                    definition.encryption.to_string(),
                    or_dash(newest.as_ref().map(|set| time(set.started_at))),
                    or_dash(totals.map(|totals| totals.members)),
                    or_dash(totals.map(|totals| size(totals.bytes))),
                    definition.id.to_string(),
                ]
            })
            .collect(),
        "No set is defined. Define one with \"tapeward set define NAME FOLDER\".",
    )
}
