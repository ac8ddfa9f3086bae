//! `journal`, and `media history`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde_json::json;

use super::Session;
use super::journal_args::{JournalCommand, ListArgs, VerifyArgs};
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{JournalFilter, View};
use crate::error::{Context, Error, Result};
use crate::id::Barcode;
use crate::journal::{
    self, Audited, Checkpoint, Evidence, ExportError, JournalKey, PublicKey, Question,
    SignedCheckpoint, Tampered, Told,
};
use crate::progress::Interrupt;

pub(super) fn run(session: &Session, command: JournalCommand) -> Result<()> {
    match command {
        JournalCommand::List(args) => list(session, &session.open()?, &args),
        JournalCommand::Export { file } => export(&session.open()?, &file),
        JournalCommand::Checkpoint => checkpoint(session, &session.open()?),
        JournalCommand::Verify(args) => verify(session, &args),
        JournalCommand::Key { rotate, reason } => {
            key(session, &session.open()?, rotate, reason.as_deref())
        }
    }
}

fn list(session: &Session, app: &App, args: &ListArgs) -> Result<()> {
    let until_day = |day: NaiveDate| day.checked_add_days(Days::new(1)).unwrap_or(day);
    let moment = |text: &Option<String>, day: fn(NaiveDate) -> NaiveDate| {
        text.as_deref()
            .map(|text| parse_moment(text, day))
            .transpose()
    };
    let mut question = Question {
        filter: JournalFilter {
            about: None,
            kinds: args.kind.clone(),
            since: moment(&args.since, |day| day)?,
            before: moment(&args.until, until_day)?,
        },
        newest: (!args.all).then_some(args.limit),
    };
    let told = app.catalogue.read(|view| {
        question.filter.about = args
            .about
            .as_deref()
            .map(|what| subjects(view, what))
            .transpose()?;
        journal::ask(view, &question)
    })?;
    if session.is_json() {
        return output::json(&told);
    }
    table(&told, "The journal has no such entry.")
}

/// A day, or a moment.
fn parse_moment(text: &str, of_day: impl Fn(NaiveDate) -> NaiveDate) -> Result<DateTime<Utc>> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(of_day(day).and_time(NaiveTime::MIN).and_utc());
    }
    let moment = DateTime::parse_from_rfc3339(text);
    moment.map(|moment| moment.to_utc()).map_err(|_| {
        Error::usage(format!("\"{text}\" is no moment"))
            .hint("give a day (2026-11-01) or RFC 3339 (2026-11-01T09:30:00Z)")
    })
}

/// What entries about something have as subject.
fn subjects(view: &View<'_>, what: &str) -> Result<Vec<String>> {
    if let Ok(barcode) = what.parse() {
        let of_cartridge = journal::subjects_of_barcode(view, &barcode)?;
        if !of_cartridge.is_empty() {
            return Ok(of_cartridge);
        }
    }
    if let Some(definition) = view.definition_by_name(what)? {
        let sets = view.sets_of(definition.id)?;
        let sets = sets.iter().map(|set| set.id.to_string());
        return Ok(sets.chain([definition.id.to_string()]).collect());
    }
    if let Some(key) = view.key_by_name(what)? {
        return Ok(vec![key.id.to_string()]);
    }
    if let Some(library) = view.library_by_name(what)? {
        return Ok(vec![library.id.to_string()]);
    }
    if let Ok(badge) = what.parse()
        && view.person(&badge)?.is_some()
    {
        return Ok(vec![badge.to_string()]);
    }
    match uuid::Uuid::parse_str(what) {
        Ok(id) => Ok(vec![id.to_string()]),
        Err(_) => Err(Error::usage(format!("nothing is called \"{what}\""))
            .hint("name a cartridge or thing by its barcode, a set, key or library by its name, a person by the badge, anything else by its id")),
    }
}

pub(super) fn history(session: &Session, app: &App, barcode: &Barcode) -> Result<()> {
    let told = app.catalogue.read(|view| {
        let about = journal::subjects_of_barcode(view, barcode)?;
        if about.is_empty() {
            return Err(Error::usage(format!(
                "nothing with barcode {barcode} was ever registered"
            ))
            .hint("\"tapeward media list\" shows all of them"));
        }
        let question = Question {
            filter: JournalFilter {
                about: Some(about),
                ..JournalFilter::default()
            },
            newest: None,
        };
        journal::ask(view, &question)
    })?;
    if session.is_json() {
        return output::json(&told);
    }
    table(&told, "The journal tells nothing of it.")
}

fn table(told: &[Told], empty: &str) -> Result<()> {
    output::table(
        &[
            Column::Number("ENTRY"),
            Column::Text("AT"),
            Column::Text("WHO"),
            Column::Text("STATION"),
            Column::Text("WHAT"),
            Column::Text("ABOUT"),
        ],
        told.iter()
            .map(|entry| {
                let actor = &entry.actor;
                let who = match &actor.account {
                    Some(account) => format!("{} ({account})", actor.person),
                    None => actor.person.clone(),
                };
                vec![
                    entry.sequence.to_string(),
                    time(entry.at),
                    who,
                    actor.station.clone(),
                    entry.kind.clone(),
                    one_line(&entry.words),
                ]
            })
            .collect(),
        empty,
    )
}

/// Text in a cell: control characters would break the table, or the terminal.
fn one_line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(plain).collect()
}

/// A file that is read or written as long as nobody asks to stop.
struct Stoppable<'a, F>(F, &'a Interrupt);

impl<F> Stoppable<'_, F> {
    fn go_on(&self) -> std::io::Result<()> {
        self.1.check().map_err(std::io::Error::other)
    }
}

impl<F: Read> Read for Stoppable<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.go_on()?;
        self.0.read(buffer)
    }
}

impl<F: Write> Write for Stoppable<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.go_on()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn export(app: &App, file: &Path) -> Result<()> {
    let write_to = |out: &mut dyn Write| {
        let mut out = BufWriter::new(Stoppable(out, &app.interrupt));
        let written = app
            .catalogue
            .read(|view| journal::export(view, 0, &mut out));
        app.interrupt.check()?;
        written.context(format!("cannot write the journal to {}", file.display()))
    };
    if file == Path::new("-") {
        return write_to(&mut std::io::stdout().lock());
    }
    if file.exists() {
        return Err(Error::usage(format!("{} exists already", file.display()))
            .hint("choose another name; nothing is overwritten"));
    }
    let cannot = || format!("cannot write {}", file.display());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Mode 0600 by the crate's promise; gone again if this does not come to its end.
    let mut new =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).context(cannot())?;
    write_to(&mut new)?;
    new.as_file().sync_all().context(cannot())?;
    new.persist_noclobber(file).context(cannot())?;
    crate::files::synchronise_folder(file)?;
    app.say(format!("the journal is in {}", file.display()));
    Ok(())
}

fn checkpoint(session: &Session, app: &App) -> Result<()> {
    let signed = app.write(|tx, now| journal::sign_head(app, tx, now))?;
    if session.is_json() {
        return output::json(&json!({
            "sequence": signed.checkpoint.sequence,
            "hash": signed.checkpoint.hash,
            "key": signed.key,
            "signature": signed.signature,
            "line": signed.to_string(),
        }));
    }
    output::line(signed.to_string())
}

fn key(session: &Session, app: &App, rotate: bool, reason: Option<&str>) -> Result<()> {
    match reason.map(str::trim) {
        Some("") => {
            return Err(Error::usage(
                "--reason is empty: say why the key is replaced",
            ));
        }
        Some(reason) if rotate => {
            journal::rotate_key(app, reason)?;
        }
        _ => {
            app.write(|tx, now| journal::current_key(app, tx, now))?;
        }
    }
    let keys = app.catalogue.read(journal::journal_keys)?;
    if session.is_json() {
        return output::json(&keys);
    }
    keys_in_words(&keys)
}

fn keys_in_words(keys: &[JournalKey]) -> Result<()> {
    let Some(last) = keys.last() else {
        return output::line("There is no key for checkpoints.");
    };
    output::line(format!("Key      {}", last.id))?;
    output::line(format!("Public   {}", last.public))?;
    output::line(last.public.to_pem())?;
    output::table(
        &[
            Column::Text("KEY"),
            Column::Text("MADE"),
            Column::Text("BY"),
            Column::Number("ENTRY"),
            Column::Text("ENDORSED BY"),
            Column::Text("REASON"),
        ],
        keys.iter()
            .map(|key| {
                vec![
                    key.id.to_string(),
                    time(key.made_at),
                    key.made_by.clone(),
                    key.entry.to_string(),
                    or_dash(key.endorsement.and(key.replaces)),
                    one_line(&key.reason),
                ]
            })
            .collect(),
        "",
    )
}

fn verify(session: &Session, args: &VerifyArgs) -> Result<()> {
    let (signed, unsigned): (Vec<_>, Vec<_>) = args
        .checkpoint
        .iter()
        .map(|given| checkpoints(given))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let evidence = Evidence {
        keys: args
            .public_key
            .iter()
            .map(|given| public_key(given))
            .collect::<Result<_>>()?,
        checkpoints: signed.concat(),
        unsigned: unsigned.concat(),
        entries: args.entries,
    };
    let audited = match &args.file {
        Some(path) => audit_file(session, path, evidence)?,
        None => audit_here(&session.open()?, evidence)?,
    };
    let audited = audited.map_err(|wrong| Error::failed(wrong.to_string()))?;
    if session.is_json() {
        return output::json(&audited);
    }
    audited_in_words(&audited)
}

fn audit_file(
    session: &Session,
    path: &Path,
    evidence: Evidence,
) -> Result<Result<Audited, Tampered>> {
    let file = File::open(path).map_err(|source| {
        Error::usage(format!("cannot read {}", path.display())).because(source)
    })?;
    let interrupt = &session.around.interrupt;
    let mut file = BufReader::new(Stoppable(file, interrupt));
    let audited = journal::audit_export(&mut file, evidence);
    interrupt.check()?;
    match audited {
        Ok(audited) => Ok(Ok(audited)),
        Err(ExportError::Tampered(wrong)) => Ok(Err(wrong)),
        Err(ExportError::Broken(broken)) => Ok(Err(broken.into())),
        Err(other) => Err(other).context(format!("cannot check {}", path.display())),
    }
}

fn audit_here(app: &App, evidence: Evidence) -> Result<Result<Audited, Tampered>> {
    app.catalogue.read(|view| {
        journal::audit_catalogue(view, evidence, &mut |checked| {
            if checked > 0 && checked % 1_000_000 == 0 {
                app.say(format!("{checked} entries checked"));
            }
            app.interrupt.check()
        })
    })
}

fn audited_in_words(audited: &Audited) -> Result<()> {
    let Some(last) = &audited.last else {
        return output::line("There are no entries.");
    };
    output::line(format!(
        "{} entries hold; the last has hash {}",
        audited.entries, last.hash
    ))?;
    output::line(format!(
        "{} checkpoints were signed on the way",
        audited.recorded_checkpoints
    ))?;
    for key in &audited.keys {
        let trust = match (audited.keys_given, key.trusted) {
            (false, _) => "known from this journal alone",
            (true, true) => "given, or endorsed by one that was",
            (true, false) => "not given, and endorsed by none that was",
        };
        output::line(format!(
            "Key {} since entry {}: {trust}",
            key.key, key.entry
        ))?;
    }
    output::line(match audited.proved_up_to {
        Some(entry) => format!("Checkpoints from elsewhere prove it up to entry {entry}"),
        None => "No checkpoint was given: whether its end was cut off, or all of it written anew, \
                 cannot be seen"
            .to_owned(),
    })
}

fn public_key(given: &str) -> Result<PublicKey> {
    if let Ok(key) = given.parse() {
        return Ok(key);
    }
    let text = std::fs::read_to_string(given).map_err(|source| {
        Error::usage(format!("cannot read the public key {given}")).because(source)
    })?;
    text.parse()
        .map_err(|wrong| Error::usage(format!("{given}: {wrong}")))
}

/// The checkpoints given, those with signatures and those without.
fn checkpoints(given: &str) -> Result<(Vec<SignedCheckpoint>, Vec<Checkpoint>)> {
    if let Ok(signed) = given.parse() {
        return Ok((vec![signed], Vec::new()));
    }
    if let Some(point) = Checkpoint::read(given) {
        return Ok((Vec::new(), vec![point]));
    }
    let text = std::fs::read_to_string(given).map_err(|source| {
        Error::usage(format!(
            "\"{given}\" is neither a checkpoint nor a file with one"
        ))
        .because(source)
    })?;
    let found = (SignedCheckpoint::find_in(&text), Checkpoint::find_in(&text));
    if found.0.is_empty() && found.1.is_empty() {
        return Err(
            Error::usage(format!("{given} has no checkpoint in it")).hint(
                "a checkpoint begins with TAPEWARD-CHECKPOINT-1:, or is \"journal entry NUMBER, hash HASH\"",
            ),
        );
    }
    Ok(found)
}
