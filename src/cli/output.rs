//! Data on stdout as tables or JSON; progress, problems and errors on stderr.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use bytesize::ByteSize;
use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::error::{Context, Error, Result};
use crate::progress::{Event, Watcher};

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A person.
    Human,
    /// A program.
    Json,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Text, aligned left.
    Text(&'static str),
    /// A number, aligned right.
    Number(&'static str),
}

/// Writes to stdout. A closed pipe (`| head`) is not an error worth a message.
pub fn line(text: impl AsRef<str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.as_ref()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.context("cannot write to standard output"),
    }
}

/// One JSON value on stdout.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<()> {
    line(serde_json::to_string_pretty(value).context("cannot render JSON")?)
}

/// A document to a file that must not exist yet and that only this user can read, or to stdout for
/// `-`, unless that is a terminal.
pub fn document(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    if path != std::path::Path::new("-") {
        return crate::files::write_private(path, bytes).map_err(|error| {
            let hint = "choose another name; nothing is overwritten";
            if path.exists() {
                error.hint(hint)
            } else {
                error
            }
        });
    }
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        return Err(Error::usage("a document is nothing for a terminal")
            .hint("write it to a file with --output FILE, or into a pipe"));
    }
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

/// A table on stdout; says so when there is nothing in it.
pub fn table(columns: &[Column], rows: Vec<Vec<String>>, empty: &str) -> Result<()> {
    if rows.is_empty() {
        return line(empty);
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|column| match column {
            Column::Text(name) | Column::Number(name) => *name,
        }));
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in columns.iter().enumerate() {
        let Some(shown) = table.column_mut(index) else {
            continue;
        };
        shown.set_padding((0, 2));
        if matches!(column, Column::Number(_)) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.to_string();
    // The table crate puts a blank on both sides of every cell.
    let trimmed: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    line(trimmed.join("\n"))
}

/// A moment as people and programs read it: ISO 8601, UTC, whole seconds.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An amount of data for people.
#[must_use]
pub fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// A cell that may be empty.
#[must_use]
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Renders an error: one line, and one line with what to do.
pub fn report_error(error: &Error, format: Format) {
    let mut err = anstream::stderr().lock();
    let written = match format {
        Format::Human => {
            let first = writeln!(err, "tapeward: {error}");
            match error.advice() {
                Some(advice) => first.and_then(|()| writeln!(err, "  {advice}")),
                None => first,
            }
        }
        Format::Json => writeln!(
            err,
            "{}",
            serde_json::json!({
                "event": "error",
                "kind": error.kind().name(),
                "message": error.to_string(),
                "hint": error.advice(),
            })
        ),
    };
    // With stderr gone there is nobody left to tell.
    let _ = written;
}

/// Shows progress to a terminal, or plain lines, or JSON lines, all on stderr.
#[derive(Debug)]
pub struct Screen {
    format: Format,
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Screen {
    /// A screen for this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            bar: Mutex::new(None),
        }
    }

    fn say(&self, text: &str) {
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, bar)) = bar.as_ref() {
            bar.println(text);
        } else {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    fn progress(&self, task: &str, bytes: u64, total: Option<u64>, files: u64) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let mut shown = self
            .bar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if shown.as_ref().is_none_or(|(name, _)| name != task) {
            if let Some((_, old)) = shown.take() {
                old.finish_and_clear();
            }
            *shown = Some((task.to_owned(), new_bar(task, total)));
        }
        if let Some((_, bar)) = shown.as_ref() {
            bar.set_position(bytes);
            if let Some(total) = total {
                bar.set_length(total.max(bytes));
            }
            bar.set_message(format!("{files} files"));
        }
    }
}

impl Screen {
    /// Shows what the time of the task in the bar goes to.
    fn flow(&self, task: &str, prefix: &str) {
        let shown = self
            .bar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((name, bar)) = shown.as_ref()
            && name == task
        {
            bar.set_prefix(prefix.to_owned());
        }
    }
}

fn new_bar(task: &str, total: Option<u64>) -> ProgressBar {
    let template = if total.is_some() {
        "{prefix} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} eta {eta}"
    } else {
        "{prefix} {bytes} {binary_bytes_per_sec} {msg} {elapsed}"
    };
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(task.to_owned());
    bar
}

impl Watcher for Screen {
    fn event(&self, event: Event) {
        if self.format == Format::Json {
            if let Ok(text) = serde_json::to_string(&event) {
                self.say(&text);
            }
            return;
        }
        match event {
            Event::Step { text } => self.say(&text),
            Event::Problem { subject, what } => self.say(&format!("problem: {subject}: {what}")),
            Event::Progress {
                task,
                bytes,
                total,
                files,
            } => self.progress(&task, bytes, total, files),
            Event::Flow {
                task,
                source,
                encoding,
                drive,
            } => self.flow(
                &task,
                &format!("{task} (source {source} %, encoding {encoding} %, drive {drive} %)"),
            ),
            Event::ProgressEnd { task } => {
                let mut shown = self
                    .bar
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                if shown.as_ref().is_some_and(|(name, _)| *name == task)
                    && let Some((_, bar)) = shown.take()
                {
                    bar.finish_and_clear();
                }
            }
        }
    }
}
