//! `init`, `config`, `set`.

use std::path::Path;

use serde::Serialize;

use super::Session;
use super::args::{HoldArgs, InitArgs, SetCommand};
use super::devices::{self, Environment};
use super::output::{self, Column, or_dash, size, time};
use super::set_args::{CompressionArg, EncryptionArg, SetDefineArgs};
use crate::app::App;
use crate::appliance;
use crate::catalogue::{
    BackupSet, CommandSource, Commands, Compression, DateChoice, Encryption, HoldSubject, Month,
    PatternSource, SetDefinition, Source,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Event;
use crate::quickstart;
use crate::retention;
use crate::set::{self, Definition, Terms};
use crate::source::{Shell, command_line, variable};

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
            let definition = definition(*args)?;
            let id = set::define(&app, &definition)?;
            let name = definition.name;
            if session.is_json() {
                return output::json(&serde_json::json!({ "id": id, "name": name }));
            }
            output::line(format!("Set \"{name}\" is defined ({id})"))
        }
        SetCommand::Expand { set, month } => expand(session, &app, &set, month.as_deref()),
        SetCommand::Hold(args) => {
            let now_held = retention::hold(&app, &args.set, &args.reason)?;
            held(session, &args, now_held.subject, "held")?;
            now_held.outcome()
        }
        SetCommand::Release(args) => {
            let subject = retention::release(&app, &args.set, &args.reason)?;
            held(session, &args, subject, "released")
        }
        SetCommand::List => list_sets(session, &app),
        SetCommand::Show { set } => super::query::show_set(session, &app, &set),
    }
}

/// What was typed, as a definition.
fn definition(args: SetDefineArgs) -> Result<Definition> {
    let shell = if args.shell { Shell::Sh } else { Shell::None };
    let line = |text: Option<String>| text.map(|text| command_line(&text, shell)).transpose();
    if args.command.is_none() && args.spool.is_some() {
        return Err(Error::usage("--spool is for what --command writes"));
    }
    if args.pattern.is_none() && args.newest {
        return Err(Error::usage("--newest is for what --pattern finds"));
    }
    let source = match (args.source, line(args.command)?, args.pattern) {
        (Some(folder), _, _) => Source::Folder(folder),
        (None, Some(command), _) => Source::Command(CommandSource {
            command,
            spool: args.spool,
        }),
        (None, None, Some(pattern)) => Source::Pattern(PatternSource {
            pattern,
            dates: if args.newest {
                DateChoice::Newest
            } else {
                DateChoice::Month
            },
        }),
        (None, None, None) => return Err(Error::usage("nothing is named to back up")),
    };
    Ok(Definition {
        name: args.name,
        source,
        commands: Commands {
            before: line(args.before)?,
            after: line(args.after)?,
            environment: args
                .env
                .iter()
                .map(|text| variable(text))
                .collect::<Result<_>>()?,
        },
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
    })
}

fn expand(session: &Session, app: &App, name: &str, month: Option<&str>) -> Result<()> {
    let now = app.clock.now();
    let month = match month {
        Some(month) => month.parse()?,
        None => Month::of(now),
    };
    let expansion = app.catalogue.read(|view| {
        let definition = set::find_definition(view, name)?;
        appliance::expand(view, &definition, month, now)
    })?;
    let warnings = expansion.warnings();
    if session.is_json() {
        output::json(&expansion)?;
    } else {
        output::table(
            &[
                Column::Text("SET"),
                Column::Text("DATE"),
                Column::Text("FOLDER"),
            ],
            expansion
                .taken
                .iter()
                .map(|taken| {
                    vec![
                        taken.name.clone(),
                        match taken.date {
                            Some(date) if taken.late => format!("{date} (late)"),
                            date => or_dash(date),
                        },
                        taken.path.display().to_string(),
                    ]
                })
                .collect(),
            "The pattern finds nothing.",
        )?;
        for warning in &warnings {
            output::line(format!("Warning: {warning}"))?;
        }
    }
    if warnings.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Incomplete,
        format!("not everything is there: {}", warnings.join("; ")),
    ))
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
                    definition.source.to_string(),
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
