//! `label`.

use std::path::{Path, PathBuf};

use super::Session;
use super::label_args::{LabelCommand, LabelFormat, LabelKind, PrintArgs};
use super::output;
use crate::error::{Error, Result};
use crate::id::Code;
use crate::labels::{self, CardLabel, Labels};
use crate::media::card::Card;
use crate::progress::counted;

/// What whoever sticks printed labels on cartridges should know.
const WARNING: &str = "Makers of libraries ask for bought labels: a printed one that a robot cannot read, or that \
                       comes off in a drive, costs more.";

pub(super) fn run(session: &Session, command: LabelCommand) -> Result<()> {
    let LabelCommand::Print(kind) = command;
    let (labels, print, warning) = match kind {
        LabelKind::Lto { barcodes, print } => {
            let barcodes = labels::expand(&barcodes)?;
            let sheets = labels::lto(&barcodes, print.paper.into())?;
            (sheets, print, Some(WARNING))
        }
        LabelKind::Case { cases, print } => (coded(&cases, &print, Card::Case)?, print, None),
        LabelKind::Place { places, print } => (coded(&places, &print, Card::Place)?, print, None),
        LabelKind::Person { people, print } => {
            let badges = each(&people, |code| {
                let code = code.parse().map_err(|_| {
                    Error::usage(format!("\"{code}\" is not the code of a person"))
                        .hint("for example P07, or 'P07=Ann Miller'")
                })?;
                Ok(Card::Person(code))
            })?;
            (labels::cards(&badges, print.paper.into())?, print, None)
        }
        LabelKind::Purpose { print } => {
            let cards = labels::cards(&CardLabel::purposes(), print.paper.into())?;
            (cards, print, None)
        }
    };
    let files = write(session, &labels, &print)?;
    said(session, &labels, &files, warning)
}

fn coded(words: &[String], print: &PrintArgs, card: impl Fn(Code) -> Card) -> Result<Labels> {
    let cards = each(words, |code| {
        let code = code
            .parse()
            .map_err(|error| Error::usage(format!("{error}")))?;
        Ok(card(code))
    })?;
    labels::cards(&cards, print.paper.into())
}

/// Cards from words `CODE` or `CODE=NAME`.
fn each(words: &[String], card: impl Fn(&str) -> Result<Card>) -> Result<Vec<CardLabel>> {
    let mut all: Vec<CardLabel> = Vec::with_capacity(words.len());
    for word in words {
        let (code, name) = word.split_once('=').unwrap_or((word, ""));
        let label = CardLabel {
            card: card(code)?,
            name: name.trim().to_owned(),
        };
        if all.iter().any(|other| other.card == label.card) {
            return Err(Error::usage(format!("{code} is there twice")));
        }
        all.push(label);
    }
    Ok(all)
}

/// Writes the sheets; gives the names of the files.
fn write(session: &Session, labels: &Labels, print: &PrintArgs) -> Result<Vec<PathBuf>> {
    let path = &print.output;
    if print.format == LabelFormat::Pdf {
        let now = session.around.clock.now();
        output::document(path, &labels.pdf(now)?)?;
        return Ok(vec![path.clone()]);
    }
    let sheets = labels.svg();
    if let [only] = sheets.as_slice() {
        output::document(path, only.as_bytes())?;
        return Ok(vec![path.clone()]);
    }
    if path == Path::new("-") {
        return Err(Error::usage(format!(
            "{} sheets are as many SVG files, standard output takes one",
            sheets.len()
        ))
        .hint("name a file with --output, or take --format pdf"));
    }
    let paths: Vec<PathBuf> = (1..=sheets.len())
        .map(|number| numbered(path, number))
        .collect();
    // All names before the first file: nothing half-done.
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(
            Error::failed(format!("{} is there already", there.display()))
                .hint("choose another name; nothing is overwritten"),
        );
    }
    for (path, sheet) in paths.iter().zip(&sheets) {
        output::document(path, sheet.as_bytes())?;
    }
    Ok(paths)
}

/// `labels.svg` as `labels-2.svg`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn said(
    session: &Session,
    labels: &Labels,
    files: &[PathBuf],
    warning: Option<&str>,
) -> Result<()> {
    let to_stdout = files.iter().any(|path| path == Path::new("-"));
    if session.is_json() && !to_stdout {
        return output::json(&serde_json::json!({
            "labels": labels.count(),
            "sheets": labels.sheets(),
            "files": files,
            "warning": warning,
        }));
    }
    if let Some(warning) = warning {
        session.around.watcher.event(crate::progress::Event::Step {
            text: warning.to_owned(),
        });
    }
    if to_stdout {
        return Ok(());
    }
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    output::line(format!(
        "{} on {} in {}",
        counted(labels.count() as u64, "label", "labels"),
        counted(labels.sheets() as u64, "sheet", "sheets"),
        names.join(", ")
    ))
}
