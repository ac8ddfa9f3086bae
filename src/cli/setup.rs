//! `init`, `config`, `set`.

use std::path::Path;

use serde::Serialize;

use super::Session;
use super::args::{CompressionArg, EncryptionArg, InitArgs, SetCommand};
use super::devices::{self, Environment};
use super::output::{self, Column, or_dash, size, time};
use crate::app::App;
use crate::catalogue::{BackupSet, Compression, Encryption, SetDefinition};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::progress::Event;
use crate::quickstart;
use crate::set::{self, Definition};

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
        SetCommand::Define {
            name,
            source,
            compression,
            encryption,
            exclude,
        } => {
            let id = set::define(
                &app,
                &Definition {
                    name: name.clone(),
                    source,
                    excludes: exclude,
                    compression: match compression {
                        CompressionArg::None => Compression::None,
                        CompressionArg::Zstd => Compression::Zstd,
                    },
                    encryption: match encryption {
                        EncryptionArg::Age => Encryption::Age,
                        EncryptionArg::Drive => Encryption::Drive,
                    },
                },
            )?;
            if session.is_json() {
                return output::json(&serde_json::json!({ "id": id, "name": name }));
            }
            output::line(format!("Set \"{name}\" is defined ({id})"))
        }
        SetCommand::List => list_sets(session, &app),
        SetCommand::Show { set } => super::query::show_set(session, &app, &set),
    }
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
