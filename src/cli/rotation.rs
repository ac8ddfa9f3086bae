//! `rotation`.

use super::Session;
use super::output::{self, Column, size};
use super::rotation_args::RotationCommand;
use crate::error::Result;
use crate::media::rotation::{self, NamedLine, NamedPlan, Request};
use crate::progress::counted;

pub(super) fn run(session: &Session, command: RotationCommand) -> Result<()> {
    let RotationCommand::Plan { from, to, choice } = command;
    let app = session.open()?;
    let from = from.unwrap_or_else(|| app.clock.now().date_naive());
    let library = choice.library;
    let plan = rotation::plan(&app, &Request { from, to, library })?;
    if session.is_json() {
        return output::json(&plan);
    }
    show(&plan)
}

fn show(plan: &NamedPlan) -> Result<()> {
    let mut previous = None;
    let rows = plan.lines.iter().map(|line| {
        let date = if previous == Some(line.date) {
            String::new()
        } else {
            line.date.to_string()
        };
        previous = Some(line.date);
        vec![
            date,
            line.action.to_owned(),
            cartridge(line),
            details(line),
            line.reason.to_owned(),
            line.why.to_owned(),
        ]
    });
    output::table(
        &[
            Column::Text("DATE"),
            Column::Text("ACTION"),
            Column::Text("CARTRIDGE"),
            Column::Text("WHAT"),
            Column::Text("CODE"),
            Column::Text("WHY"),
        ],
        rows.collect(),
        "Nothing is to be done.",
    )?;
    for warning in &plan.warnings {
        output::line(format!(
            "Warning {} {}: {}",
            warning.code, warning.date, warning.what
        ))?;
    }
    for note in &plan.notes {
        output::line(format!("Note: {note}"))?;
    }
    Ok(())
}

fn cartridge(line: &NamedLine) -> String {
    match line.count {
        Some(count) => counted(u64::from(count), "cartridge", "cartridges"),
        None => line.cartridge.clone().unwrap_or_default(),
    }
}

fn details(line: &NamedLine) -> String {
    if let (Some(set), Some(date), Some(pool)) = (&line.set, line.set_date, &line.pool) {
        let bytes = size(line.bytes.unwrap_or(0));
        return format!("{set} of {date}, {pool}, {bytes}");
    }
    match (&line.from, &line.to, line.here) {
        (Some(from), Some(to), _) => format!("{from} -> {to}"),
        (_, _, Some(here)) => format!("here on {here}"),
        _ => String::new(),
    }
}
