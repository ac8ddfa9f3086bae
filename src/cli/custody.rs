//! `media check-out`, `media check-in`, `media problem`, `exception`.

use std::fmt::Write;
use std::io::BufRead;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Session;
use super::custody_args::{
    BarcodeArgs, CheckInArgs, CheckOutArgs, ExceptionCommand, ImportArgs, ProblemArgs, RelabelArgs,
    SaidArgs,
};
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{Tx, Witness};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::media::custody::{self, Borrower, Destination, Mode, Order, Put};
use crate::media::list_file::{self, Strictness};
use crate::media::stamp::Stamp;
use crate::media::{exception, problem, register, rule};

/// Most lines taken from standard input.
const MOST_LINES: usize = 100_000;

/// Barcodes as typed, or from standard input.
pub(super) fn barcodes(args: &BarcodeArgs) -> Result<Vec<Barcode>> {
    let mut all = Vec::new();
    for text in &args.barcodes {
        if text != "-" {
            all.push(text.parse().context("not a barcode")?);
            continue;
        }
        for line in std::io::stdin().lock().lines() {
            let line = line.context("cannot read standard input")?;
            if all.len() >= MOST_LINES {
                return Err(Error::usage(format!("more than {MOST_LINES} barcodes")));
            }
            if !line.trim().is_empty() {
                all.push(line.trim().parse().context("not a barcode")?);
            }
        }
    }
    let mut once = Vec::with_capacity(all.len());
    for barcode in all {
        if !once.contains(&barcode) {
            once.push(barcode);
        }
    }
    if once.is_empty() {
        return Err(Error::usage("no barcode was given"));
    }
    Ok(once)
}

/// Does something in one transaction in the name of whoever says so, or only judges it.
pub(super) fn said<T>(
    app: &App,
    args: &SaidArgs,
    work: impl FnOnce(&Tx<'_>, &Stamp) -> Result<T>,
) -> Result<T> {
    let mut kept = None;
    let outcome = app.write(|tx, _| {
        let stamp = args.said().stamp(app, tx, Witness::Person)?;
        let done = work(tx, &stamp)?;
        match args.mode() {
            Mode::Do => Ok(done),
            Mode::Judge => {
                kept = Some(done);
                Err(custody::undone())
            }
        }
    });
    match (outcome, kept) {
        (Err(error), Some(kept)) if custody::is_undone(&error) => Ok(kept),
        (outcome, _) => outcome,
    }
}

/// SHA-256 of a signed page, in lower-case hexadecimal.
pub(super) fn page_digest(path: &std::path::Path) -> Result<String> {
    let bytes = std::fs::read(path).context(format!("cannot read {}", path.display()))?;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(&bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

pub(super) fn check_out(session: &Session, app: &App, args: &CheckOutArgs) -> Result<()> {
    let destination = match (&args.to, &args.to_case, &args.to_person) {
        (Some(place), _, _) => Destination::Place(place.clone()),
        (_, Some(case), _) => Destination::Case(case.clone()),
        (_, _, Some(person)) => Destination::Person(Borrower {
            person: person.clone(),
            due: args
                .due
                .ok_or_else(|| Error::usage("by when is it to be back? Say --due DATE"))?,
            signed: match &args.signed {
                Some(page) => format!("page {}", page_digest(page)?),
                None => return Err(Error::usage("where is it signed for? Say --signed FILE")),
            },
        }),
        (None, None, None) => return Err(Error::usage("where does it go?")),
    };
    let order = Order {
        barcodes: barcodes(&args.barcodes)?,
        destination,
        despite: args.despite.clone(),
        said: args.said.said(),
        witness: Witness::Person,
    };
    put(session, app, &order, args.said.mode())
}

pub(super) fn check_in(session: &Session, app: &App, args: &CheckInArgs) -> Result<()> {
    let order = Order {
        barcodes: barcodes(&args.barcodes)?,
        destination: Destination::Place(args.place.clone()),
        despite: args.despite.clone(),
        said: args.said.said(),
        witness: Witness::Person,
    };
    put(session, app, &order, args.said.mode())
}

fn put(session: &Session, app: &App, order: &Order, mode: Mode) -> Result<()> {
    let done = custody::put(app, order, mode)?;
    if session.is_json() {
        return output::json(&done);
    }
    let would = if mode == Mode::Judge {
        "would be"
    } else {
        "is"
    };
    done.iter().try_for_each(|put: &Put| {
        let mut line = format!("{} {would} {}", put.barcode, rule::going(&put.to));
        if put.was_there {
            line.push_str(", as before");
        }
        if !put.overruled.is_empty() {
            let _ = write!(line, ", although {}", put.overruled.join(" and "));
        }
        if let Some(number) = put.exception {
            let _ = write!(line, "; exception {number} is open");
        }
        output::line(line)
    })
}

/// Refuses barcodes that share a serial with another cartridge, unless a person says why; warns of media
/// identifiers that nobody knows.
pub(super) fn look_at(app: &App, barcodes: &[Barcode], despite: Option<&str>) -> Result<()> {
    let odd = register::oddities(app, barcodes)?;
    if let Some(first) = odd.clashes.first()
        && despite.is_none_or(str::is_empty)
    {
        let more = match odd.clashes.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return Err(Error::usage(format!("{first}{more}")).hint(
            "VOL1 has room for the serial only; --despite REASON registers it with a volume \
             identifier of its own",
        ));
    }
    odd.unknown
        .iter()
        .for_each(|line| app.say(format!("Note: {line}")));
    Ok(())
}

pub(super) fn import(session: &Session, app: &App, args: &ImportArgs) -> Result<()> {
    let strictness = if args.partial {
        Strictness::Partial
    } else {
        Strictness::Whole
    };
    let list = list_file::read(&args.file, strictness)?;
    look_at(app, &list.barcodes, args.despite.as_deref())?;
    said(app, &args.said, |tx, stamp| {
        register::add_in(app, tx, stamp.entered_at, &list.barcodes)?;
        let Some(code) = &args.place else {
            return Ok(());
        };
        let to = app.config.kept_at(code)?;
        for barcode in &list.barcodes {
            let item = custody::known(tx, barcode)?;
            custody::place(tx, stamp, &item, &to, None, stamp.reason.as_deref())?;
        }
        Ok(())
    })?;
    if session.is_json() {
        return output::json(&list.barcodes);
    }
    list.left_out
        .iter()
        .try_for_each(|row| output::line(format!("left out: {row}")))?;
    output::line(format!(
        "{} cartridges added as scratch",
        list.barcodes.len()
    ))
}

pub(super) fn relabel(session: &Session, app: &App, args: &RelabelArgs) -> Result<()> {
    said(app, &args.said, |tx, stamp| {
        register::relabel(tx, stamp, &args.barcode, &args.to)
    })?;
    if session.is_json() {
        return output::json(&serde_json::json!({"old": args.barcode, "new": args.to}));
    }
    output::line(format!("{} is {} now", args.barcode, args.to))
}

pub(super) fn problem(session: &Session, app: &App, args: &ProblemArgs) -> Result<()> {
    let reported = said(app, &args.said, |tx, stamp| {
        problem::report(
            app,
            tx,
            stamp,
            &args.barcode,
            args.kind.into(),
            args.place.as_ref(),
        )
    })?;
    if session.is_json() {
        output::json(&reported)?;
    } else {
        let mut line = match reported.exception {
            Some(number) => format!("{}: exception {number} is open", reported.barcode),
            None => format!("{} is here again", reported.barcode),
        };
        let tasks = reported.copies.tasks.len();
        if tasks > 0 {
            let _ = write!(line, ", {tasks} copies are to be made again");
        }
        output::line(line)?;
    }
    reported.copies.outcome()
}

/// An exception with what is printed on the item, for people.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    exception: crate::catalogue::Exception,
    /// Number of the courier run.
    run_number: Option<String>,
}

pub(super) fn exceptions(session: &Session, command: &ExceptionCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        ExceptionCommand::List { all } => list(session, &app, *all),
        ExceptionCommand::Explain {
            number,
            explanation,
            said: by,
        } => {
            let closed = said(&app, by, |tx, stamp| {
                exception::explain(tx, stamp, *number, explanation)
            })?;
            if session.is_json() {
                return output::json(&closed);
            }
            output::line(format!("exception {number} is explained"))
        }
    }
}

fn list(session: &Session, app: &App, all: bool) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        let found = if all {
            view.exceptions()?
        } else {
            view.open_exceptions()?
        };
        found
            .into_iter()
            .map(|exception| {
                let run_number = match exception.run {
                    Some(run) => Some(view.courier_run(run)?.number),
                    None => None,
                };
                Ok(Row {
                    exception,
                    run_number,
                })
            })
            .collect::<Result<Vec<_>>>()
    })?;
    let open = rows
        .iter()
        .filter(|row| row.exception.closed_at.is_none())
        .count();
    if session.is_json() {
        output::json(&rows)?;
    } else {
        output::table(
            &[
                Column::Number("NO"),
                Column::Text("KIND"),
                Column::Text("BARCODE"),
                Column::Text("PLACE"),
                Column::Text("RUN"),
                Column::Text("SINCE"),
                Column::Text("WHAT"),
                Column::Text("EXPLAINED"),
            ],
            rows.into_iter()
                .map(|row| {
                    let exception = row.exception;
                    vec![
                        exception.number.to_string(),
                        exception.kind.to_string(),
                        or_dash(exception.barcode),
                        or_dash(exception.place),
                        or_dash(row.run_number),
                        time(exception.opened_at),
                        exception.detail,
                        or_dash(exception.explanation),
                    ]
                })
                .collect(),
            "Nothing disagrees.",
        )?;
    }
    if open > 0 {
        return Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("{open} exceptions are open"),
        )
        .hint("explain each with \"tapeward exception explain NO TEXT\""));
    }
    Ok(())
}
