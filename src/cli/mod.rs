//! The command line: parses, calls one function, renders a table or JSON.

pub mod args;
mod catalogue;
mod catalogue_args;
mod copy;
mod copy_args;
mod courier;
mod courier_args;
mod custodians;
mod custody;
mod custody_args;
mod devices;
mod discover;
mod discover_args;
mod disposal;
mod disposal_args;
mod doctor;
mod drill;
mod drill_args;
mod find;
mod foreign;
mod foreign_args;
mod health;
mod health_args;
mod interrupt;
mod job;
mod journal;
mod journal_args;
mod key;
mod key_args;
mod kit;
mod kit_args;
mod label;
mod label_args;
mod library;
mod media;
mod month;
mod month_args;
pub mod output;
mod query;
mod restore;
mod restore_args;
mod rotation;
mod rotation_args;
mod scan;
mod scan_args;
mod scrub;
mod scrub_args;
mod set_args;
mod setup;
mod setup_args;
mod sim;
mod sim_args;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;

use crate::app::{self, App, Surroundings};
use crate::clock::SystemClock;
use crate::error::{Error, Result};
use crate::job::report::Report;
use crate::key::{PassphraseSource, Secrets};
use args::{Cli, Command, LibraryNoun};
use output::{Format, Screen};

/// What every command is given.
struct Session {
    state: PathBuf,
    format: Format,
    around: Surroundings,
}

impl Session {
    fn open(&self) -> Result<App> {
        App::open(&self.state, self.around.clone())
    }

    fn is_json(&self) -> bool {
        self.format == Format::Json
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    start_log();
    let format = if cli.json {
        Format::Json
    } else {
        Format::Human
    };
    match run(cli, format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refused(&error, format),
    }
}

fn refused(error: &Error, format: Format) -> ExitCode {
    output::report_error(error, format);
    ExitCode::from(error.kind().exit_code())
}

/// Help and version as they are; what was mistyped in one line and a hint.
fn not_understood(error: &clap::Error) -> ExitCode {
    let help = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !error.use_stderr() || error.kind() == help {
        error.exit();
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    let what = paragraphs.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    let hint = paragraphs
        .map(|hint| {
            hint.replacen("tip: ", "", 1)
                .replacen("Usage: ", "usage: ", 1)
        })
        .find(|hint| !hint.is_empty())
        .unwrap_or_else(|| "\"tapeward help\" shows all commands".to_owned());
    // What was typed could not be parsed, so it is looked at as it is.
    let format = if std::env::args_os().any(|argument| argument == "--json") {
        Format::Json
    } else {
        Format::Human
    };
    refused(&Error::usage(what).hint(hint), format)
}

/// Diagnostics go to stderr when `TAPEWARD_LOG` asks for them, for example `tapeward=debug`.
fn start_log() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("TAPEWARD_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
}

fn run(cli: Cli, format: Format) -> Result<()> {
    let state = match cli.state {
        Some(state) => state,
        None => app::default_state()?,
    };
    if let Command::Sim(command) = &cli.command
        && let Some(outcome) = sim::without_state(command, format)
    {
        return outcome;
    }
    let session = Session {
        state,
        format,
        around: Surroundings {
            clock: SystemClock::shared(),
            watcher: Arc::new(Screen::new(format)),
            interrupt: interrupt::listen()?,
            secrets: Arc::new(Secrets::from_source(
                match (cli.passphrase_file, cli.passphrase_fd) {
                    (Some(file), _) => PassphraseSource::File(file),
                    (None, Some(number)) => PassphraseSource::Descriptor(number),
                    (None, None) => PassphraseSource::Terminal,
                },
            )),
        },
    };
    match cli.command {
        Command::Quickstart(args) => {
            crate::quickstart::run(&session.state, args.directory.as_deref(), &session.around)
                .and_then(|done| {
                    done.lines.iter().try_for_each(output::line)?;
                    done.reports.iter().try_for_each(Report::outcome)
                })
        }
        Command::Init(args) => setup::init(&session, &args),
        Command::Config(args::ConfigCommand::Check) => setup::config_check(&session),
        Command::Library(LibraryNoun::Discover(args)) => discover::run(&session, &args),
        Command::Library(LibraryNoun::Configured(command)) => library::run(&session, command),
        Command::Drive(args::DriveCommand::Status { choice }) => {
            library::drive_status(&session, &choice)
        }
        Command::Media(command) => media::run(&session, command),
        Command::Place(command) => custodians::places(&session, command),
        Command::Person(command) => custodians::people(&session, &command),
        Command::Thing(command) => custodians::things(&session, &command),
        Command::Movement(command) => courier::movements(&session, &command),
        Command::Courier(args) => courier::run(&session, *args),
        Command::Disposal(command) => disposal::run(&session, command),
        Command::Exception(command) => custody::exceptions(&session, &command),
        Command::Set(command) => setup::set(&session, command),
        Command::Key(command) => key::run(&session, command),
        Command::Kit(command) => kit::run(&session, command),
        Command::Label(command) => label::run(&session, command),
        Command::Doctor(args) => doctor::run(&session, &args),
        Command::Health(args) => health::run(&session, args),
        Command::Catalogue(command) => catalogue::run(&session, command),
        Command::Journal(command) => journal::run(&session, command),
        Command::Recover(args) => catalogue::recover_host(&session, &args),
        Command::Job(command) => job::run(&session, command),
        Command::Month(args) => month::run(&session, args),
        Command::Copy(command) => copy::run(&session, command),
        Command::Find(args) => find::find(&session, &args),
        Command::Restore(args) => restore::restore(&session, &args),
        Command::Verify(args) => query::verify(&session, &args),
        Command::Rotation(command) => rotation::run(&session, command),
        Command::Scan(args) => scan::run(&session, args),
        Command::Scrub(command) => scrub::run(&session, command),
        Command::Drill(command) => drill::run(&session, command),
        Command::Sim(command) => sim::run(&session, command),
    }
}
