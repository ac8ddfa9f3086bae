//! `scan`.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use super::Session;
use super::output::{self, Column, or_dash, time};
use super::scan_args::{ScanArgs, ScanCommand};
use crate::app::App;
use crate::catalogue::StockCount;
use crate::clock::Clock;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, PersonCode};
use crate::job::foreign;
use crate::library::Library;
use crate::progress::{Interrupt, counted};
use crate::scan::merge::{self, Merged};
use crate::scan::offline::{self, Offline};
use crate::scan::station::Station;
use crate::scan::task::Sight;
use crate::scan::terminal::{Echo, Input};
use crate::scan::{Answer, Bell, Line};

pub(super) fn run(session: &Session, args: ScanArgs) -> Result<()> {
    match args.command {
        None => scan(session, args.person.as_ref()),
        Some(ScanCommand::Count {
            place,
            blind,
            person,
            second_of,
        }) => {
            let app = Arc::new(session.open()?);
            let mut station = Station::new(Arc::clone(&app));
            station.enter(&person)?;
            let sight = if blind { Sight::Blind } else { Sight::Open };
            let first = station.count(&place, sight, second_of)?;
            shown(session, &first, Ring::Off)?;
            converse(session, &*app.clock, &app.interrupt, &mut station)
        }
        Some(ScanCommand::Counts) => counts(session),
        Some(ScanCommand::Identify { barcode, choice }) => {
            let app = Arc::new(session.open()?);
            let library = app.library(choice.library.as_deref(), "scan identify")?;
            let library = Arc::new(library);
            let barcode = match barcode {
                Some(barcode) => barcode,
                None => in_mail_slot(&library)?,
            };
            let found = foreign::identify(&app, &library, &barcode)?;
            super::foreign::identified(session, &found)
        }
        Some(ScanCommand::Export { file }) => {
            let app = session.open()?;
            let list = offline::export(&app, &file)?;
            if session.is_json() {
                return output::json(&serde_json::json!({
                    "file": file, "made_at": list.made_at, "items": list.items.len(),
                }));
            }
            output::line(format!(
                "{} has {} by {}; scan with: tapeward scan offline {}",
                file.display(),
                counted(list.items.len() as u64, "item", "items"),
                time(list.made_at),
                file.display()
            ))
        }
        Some(ScanCommand::Offline { file, person }) => {
            let mut desk = Offline::open(&file, Arc::clone(&session.around.clock))?;
            let first = match &person {
                Some(person) => desk.enter(person)?,
                None => Answer::good("HELLO", "scan your badge"),
            };
            if person.is_some() || std::io::stdin().is_terminal() {
                shown(session, &first, Ring::Off)?;
            }
            let around = &session.around;
            converse(session, &*around.clock, &around.interrupt, &mut desk)
        }
        Some(ScanCommand::Merge { files, person }) => {
            let app = session.open()?;
            merged(session, &merge::merge(&app, &files, person.as_ref())?)
        }
    }
}

fn scan(session: &Session, person: Option<&PersonCode>) -> Result<()> {
    let app = Arc::new(session.open()?);
    let mut station = Station::new(Arc::clone(&app));
    match person {
        Some(person) => {
            let first = station.enter(person)?;
            shown(session, &first, Ring::Off)?;
        }
        None if std::io::stdin().is_terminal() => {
            shown(
                session,
                &Answer::good("HELLO", "scan your badge"),
                Ring::Off,
            )?;
        }
        None => {}
    }
    converse(session, &*app.clock, &app.interrupt, &mut station)
}

/// What answers lines: with the record or without.
pub(super) trait Desk {
    /// Answers a line.
    fn answer(&mut self, line: &Line) -> Result<Answer>;
    /// Whether the next line must not be shown.
    fn wants_secret(&self) -> bool;
    /// What is being done.
    fn title(&self) -> Option<String>;
}

impl Desk for Station {
    fn answer(&mut self, line: &Line) -> Result<Answer> {
        self.line(line)
    }

    fn wants_secret(&self) -> bool {
        Station::wants_secret(self)
    }

    fn title(&self) -> Option<String> {
        Station::title(self)
    }
}

impl Desk for Offline {
    fn answer(&mut self, line: &Line) -> Result<Answer> {
        self.line(line)
    }

    fn wants_secret(&self) -> bool {
        Offline::wants_secret(self)
    }

    fn title(&self) -> Option<String> {
        Offline::title(self)
    }
}

fn merged(session: &Session, merged: &Merged) -> Result<()> {
    if session.is_json() {
        output::json(merged)?;
    } else {
        output::line(format!(
            "Lines: {} new, {} carried out, {} merged before; conflicts: {}",
            merged.lines,
            merged.applied,
            merged.before,
            merged.conflicts.len()
        ))?;
        for conflict in &merged.conflicts {
            output::line(format!(
                "{}: {} (exception {})",
                conflict.barcode, conflict.what, conflict.exception
            ))?;
        }
    }
    if merged.conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::OperatorNeeded,
        format!(
            "{} left out",
            counted(
                merged.conflicts.len() as u64,
                "conflict is",
                "conflicts are"
            )
        ),
    )
    .hint("look where each one really is, check it in there, and explain its exception"))
}

/// Whether there is somebody who hears bells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ring {
    On,
    Off,
}

/// Line by line to the end of the input.
pub(super) fn converse(
    session: &Session,
    clock: &dyn Clock,
    interrupt: &Interrupt,
    desk: &mut dyn Desk,
) -> Result<()> {
    let mut input = Input::open().context("the scanner cannot be read")?;
    let ring = if input.is_terminal() && !session.is_json() {
        Ring::On
    } else {
        Ring::Off
    };
    let mut refused = false;
    loop {
        prompt(desk, ring)?;
        let echo = if desk.wants_secret() {
            Echo::Hidden
        } else {
            Echo::Shown
        };
        let raw = match input.line(echo, clock, interrupt) {
            Ok(Some(raw)) => raw,
            Ok(None) => break,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                return Err(stopped(desk));
            }
            Err(error) => return Err(error).context("the scanner cannot be read"),
        };
        let answer = desk.answer(&Line::new(&raw.text, raw.took))?;
        refused |= answer.bell == Bell::Bad;
        shown(session, &answer, ring)?;
    }
    if input.is_terminal() {
        return Ok(());
    }
    match desk.title() {
        Some(title) => Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("{title} is not finished"),
        )
        .hint("what was answered is on record; the same badge goes on with it here")),
        None if refused => Err(Error::new(
            ErrorKind::OperatorNeeded,
            "not every line was accepted",
        )
        .hint("the answers on standard output say which and why")),
        None => Ok(()),
    }
}

fn stopped(desk: &dyn Desk) -> Error {
    let error = Error::new(ErrorKind::Interrupted, "stopped; what was answered is kept");
    match desk.title() {
        Some(title) => error.hint(format!("{title} goes on with the same badge here")),
        None => error,
    }
}

fn prompt(desk: &dyn Desk, ring: Ring) -> Result<()> {
    if ring == Ring::Off {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{}> ", desk.title().unwrap_or_default())
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

fn shown(session: &Session, answer: &Answer, ring: Ring) -> Result<()> {
    if session.is_json() {
        return output::line(serde_json::to_string(answer).context("cannot render JSON")?);
    }
    match ring {
        Ring::On => output::line(format!("{}{answer}", answer.bell.sound())),
        Ring::Off => output::line(answer.to_string()),
    }
}

fn in_mail_slot(library: &Library) -> Result<Barcode> {
    let view = library.view()?;
    let mut mail = view
        .places
        .iter()
        .filter(|place| place.name.to_string().starts_with("mail:"))
        .filter_map(|place| place.barcode.clone());
    match (mail.next(), mail.next()) {
        (Some(barcode), None) => Ok(barcode),
        (None, _) => Err(
            Error::usage("no cartridge with a barcode is in a mail slot")
                .hint("put it in one, or name its barcode"),
        ),
        (Some(one), Some(other)) => {
            Err(Error::usage(format!("{one} and {other} are in mail slots"))
                .hint("name one of them"))
        }
    }
}

fn counts(session: &Session) -> Result<()> {
    let app: App = session.open()?;
    let last = app.catalogue.read(|view| view.last_counts())?;
    let rows: Vec<(String, Option<&StockCount>)> = app
        .config
        .place
        .keys()
        .map(|code| {
            let count = last.iter().find(|count| count.place == *code);
            (code.to_string(), count)
        })
        .collect();
    if session.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(place, count)| serde_json::json!({ "place": place, "last_count": count }))
            .collect();
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("PLACE"),
            Column::Text("COUNTED"),
            Column::Text("BY"),
            Column::Text("BLIND"),
            Column::Number("EXPECTED"),
            Column::Number("FOUND"),
            Column::Text("COUNT"),
        ],
        rows.into_iter()
            .map(|(place, count)| {
                vec![
                    place,
                    or_dash(count.and_then(|count| count.finished_at).map(time)),
                    or_dash(count.map(|count| &count.counted_by)),
                    or_dash(count.map(|count| if count.blind { "yes" } else { "no" })),
                    or_dash(count.and_then(|count| count.expected)),
                    or_dash(count.and_then(|count| count.found)),
                    or_dash(count.map(|count| count.id)),
                ]
            })
            .collect(),
        "No place is configured.",
    )
}
