//! `month`.

use super::Session;
use super::month_args::{MonthArgs, MonthCommand};
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{ClosedMonth, Month};
use crate::error::{Error, Result};
use crate::month::rule::{CopyLine, Line, Standing};
use crate::month::{self, Closing};
use crate::progress::counted;

pub(super) fn run(session: &Session, args: MonthArgs) -> Result<()> {
    let app = session.open()?;
    match args.command {
        None => show(session, &app, args.month),
        Some(MonthCommand::Show { month }) => show(session, &app, month),
        Some(MonthCommand::List) => list(session, &app),
        Some(MonthCommand::Waive {
            set,
            month,
            by,
            reason,
        }) => {
            let (by, reason) = (said("--by", &by)?, said("--reason", &reason)?);
            let waiver = month::waive(&app, month, &set, by, reason)?;
            if session.is_json() {
                return output::json(&waiver);
            }
            output::line(format!("{set} need not be in {month}: {by}, {reason}"))
        }
        Some(MonthCommand::Close { month }) => close(session, &app, month),
    }
}

/// What a person says, in one line.
fn said<'a>(option: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(Error::usage(format!("{option} is one line, and not empty")));
    }
    Ok(text)
}

fn show(session: &Session, app: &App, month: Option<Month>) -> Result<()> {
    let month = month.unwrap_or_else(|| Month::of(app.clock.now()));
    let shown = month::show(app, month)?;
    if session.is_json() {
        return output::json(&shown);
    }
    let judgement = &shown.judgement;
    output::table(
        &[
            Column::Text("SET"),
            Column::Text("STATE"),
            Column::Text("MADE"),
            Column::Text("COPY"),
            Column::Text("STATE"),
            Column::Text("CARTRIDGE"),
            Column::Text("PLACE"),
            Column::Text("IN PLACE"),
            Column::Text("SEEN"),
            Column::Text("BY"),
        ],
        judgement.lines.iter().flat_map(rows).collect(),
        &format!("No full is expected in {month}."),
    )?;
    for line in judgement.lines.iter().filter(|line| line.made_up) {
        let made = line.made_at.map(|at| at.format("%Y-%m-%d").to_string());
        output::line(format!(
            "{} was made up later, on {}",
            line.name,
            or_dash(made)
        ))?;
    }
    for waiver in judgement
        .lines
        .iter()
        .filter_map(|line| line.waiver.as_ref())
    {
        output::line(format!(
            "{} was waived by {}: {}",
            waiver.name, waiver.waived_by, waiver.reason
        ))?;
    }
    shown
        .gaps
        .iter()
        .try_for_each(|gap| output::line(format!("Gap: {gap}")))?;
    match &shown.closed {
        Some(closed) => output::line(format!(
            "{month} was closed by {} on {}",
            closed.actor.person,
            time(closed.at)
        )),
        None if judgement.lines.is_empty() => Ok(()),
        None if shown.gaps.is_empty() => output::line(format!(
            "{month} is open; nothing is lacking: \"tapeward month close {month}\""
        )),
        None => output::line(format!(
            "{month} is open: {}",
            counted(shown.gaps.len() as u64, "gap", "gaps")
        )),
    }
}

/// A line for each cartridge.
fn rows(line: &Line) -> Vec<Vec<String>> {
    let made = line.made_at.map(|at| at.format("%Y-%m-%d"));
    let head = vec![line.name.clone(), line.standing.to_string(), or_dash(made)];
    let mut rows: Vec<Vec<String>> = line.copies.iter().flat_map(copy_rows).collect();
    if rows.is_empty() {
        rows.push(vec!["-".to_owned(); 7]);
    }
    let with_head = |row| [head.clone(), row].concat();
    rows.into_iter().map(with_head).collect()
}

fn copy_rows(copy: &CopyLine) -> Vec<Vec<String>> {
    let head = vec![format!("{} {}", copy.copy, copy.pool), or_dash(copy.state)];
    let mut rows: Vec<Vec<String>> = copy
        .cartridges
        .iter()
        .map(|cartridge| {
            vec![
                cartridge.barcode.to_string(),
                cartridge.place.clone(),
                if cartridge.in_place { "yes" } else { "no" }.to_owned(),
                or_dash(cartridge.seen_at.map(|at| at.format("%Y-%m-%d"))),
                or_dash(cartridge.seen_by.as_ref()),
            ]
        })
        .collect();
    if rows.is_empty() {
        rows.push(vec!["-".to_owned(); 5]);
    }
    let with_head = |row| [head.clone(), row].concat();
    rows.into_iter().map(with_head).collect()
}

fn close(session: &Session, app: &App, month: Month) -> Result<()> {
    let closing = month::close(app, month)?;
    let (Closing::Closed(judgement) | Closing::Refused(judgement)) = &closing;
    if session.is_json() {
        output::json(&serde_json::json!({
            "month": month,
            "closed": matches!(closing, Closing::Closed(_)),
            "gaps": judgement.gaps().collect::<Vec<_>>(),
            "lines": judgement.lines,
        }))?;
        return closing.outcome();
    }
    judgement.gaps().try_for_each(output::line)?;
    closing.outcome()?;
    let waived = judgement.lines.iter();
    let waived = waived.filter(|line| line.standing == Standing::Waived);
    let made_up = judgement.lines.iter().filter(|line| line.made_up);
    output::line(format!(
        "{month} is closed: {}, {} waived, {} made up later",
        counted(judgement.lines.len() as u64, "set", "sets"),
        waived.count(),
        made_up.count()
    ))
}

fn list(session: &Session, app: &App) -> Result<()> {
    let closed = app.catalogue.read(|view| view.closed_months())?;
    if session.is_json() {
        return output::json(&closed);
    }
    output::table(
        &[
            Column::Text("MONTH"),
            Column::Text("CLOSED"),
            Column::Text("BY"),
            Column::Number("SETS"),
            Column::Number("WAIVED"),
            Column::Number("MADE UP"),
        ],
        closed.iter().map(closed_row).collect(),
        "No month is closed.",
    )
}

fn closed_row(closed: &ClosedMonth) -> Vec<String> {
    let lines = closed.lines.as_array().map_or(&[][..], Vec::as_slice);
    let count = |which: &dyn Fn(&serde_json::Value) -> bool| {
        lines.iter().filter(|line| which(line)).count().to_string()
    };
    vec![
        closed.month.to_string(),
        time(closed.at),
        closed.actor.person.clone(),
        lines.len().to_string(),
        count(&|line| line["standing"] == "waived"),
        count(&|line| line["made_up"] == true),
    ]
}
