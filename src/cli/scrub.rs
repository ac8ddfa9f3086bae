//! `scrub`.

use std::sync::Arc;

use chrono::TimeDelta;

use super::Session;
use super::args::ScrubCommand;
use super::output::{self, Column, size};
use crate::error::Result;
use crate::job::scrub::{self as job_scrub, Limits, Report};
use crate::job::verify::Files;
use crate::media::reconcile;
use crate::progress::counted;
use crate::scrub::{self, Line};

pub(super) fn run(session: &Session, command: ScrubCommand) -> Result<()> {
    let app = Arc::new(session.open()?);
    match command {
        ScrubCommand::Plan { choice } => {
            let library = app.library(choice.library.as_deref(), "scrub plan")?;
            let id = reconcile::identify(&app, &library)?;
            let lines = scrub::plan(&app, Some(id))?;
            let left = scrub::hours_left(&app)?;
            if session.is_json() {
                let plan = serde_json::json!({ "hours_left": left, "volumes": lines });
                return output::json(&plan);
            }
            show(&lines)?;
            output::line(format!("Hours left this month: {left:.1}"))
        }
        ScrubCommand::Run {
            hours,
            volumes,
            files,
            identity,
            choice,
        } => {
            let library = Arc::new(app.library(choice.library.as_deref(), "scrub run")?);
            let identities = if files {
                let keys = app.catalogue.read(|view| view.keys())?;
                let keys: Vec<_> = keys.into_iter().map(|key| key.id).collect();
                Some(Arc::new(app.identities(&identity, &keys)?))
            } else {
                None
            };
            let now = app.clock.now();
            let by_plan = hours.is_none() && volumes.is_none();
            let until = match hours {
                Some(hours) => Some(now + TimeDelta::hours(i64::from(hours))),
                None if by_plan => Some(now + time_left(scrub::hours_left(&app)?)),
                None => None,
            };
            let limits = Limits {
                until,
                volumes,
                only_due: by_plan,
            };
            let report = job_scrub::run(&app, &library, limits, identities.as_ref())?;
            ran(session, &report)?;
            report.outcome()
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // hours of a month
fn time_left(hours: f64) -> TimeDelta {
    TimeDelta::seconds((hours * 3600.0) as i64)
}

fn show(lines: &[Line]) -> Result<()> {
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("DUE"),
            Column::Text("PLACE"),
            Column::Number("SEGMENTS"),
            Column::Number("BYTES"),
            Column::Text("REASON"),
        ],
        lines
            .iter()
            .map(|line| {
                vec![
                    line.barcode.to_string(),
                    if line.due { "due" } else { "-" }.to_owned(),
                    line.place.clone(),
                    line.segments.to_string(),
                    size(line.bytes),
                    line.reason.clone(),
                ]
            })
            .collect(),
        "No volume holds anything that must be kept.",
    )
}

/// Files shown to a person; the others are in the JSON.
const SHOWN: usize = 100;

/// What became of files that were compared.
pub(super) fn files(whose: &str, files: &Files) -> Result<()> {
    if *files == Files::default() {
        return Ok(());
    }
    let compared = counted(files.compared, "file", "files");
    output::line(format!(
        "{whose}: {compared} compared by digest; not as written: {}; not compared, as they begin on \
         another volume: {}",
        files.differing, files.apart
    ))?;
    for name in files.names.iter().take(SHOWN) {
        output::line(format!("{whose}: differs: {name}"))?;
    }
    match files.differing.saturating_sub(SHOWN as u64) {
        0 => Ok(()),
        more => output::line(format!("{whose}: and {more} more")),
    }
}

fn ran(session: &Session, report: &Report) -> Result<()> {
    if session.is_json() {
        return output::json(report);
    }
    if report.volumes.is_empty() {
        output::line("Nothing was to be read back.")?;
    }
    for volume in &report.volumes {
        output::line(format!(
            "{}: as they were written: {} ({}); not so: {}{}",
            volume.barcode,
            counted(volume.segments, "segment", "segments"),
            size(volume.bytes),
            volume.damaged.len(),
            if volume.whole {
                ""
            } else {
                "; not all of it was read"
            }
        ))?;
        files(volume.barcode.as_str(), &volume.files)?;
    }
    report.elsewhere.iter().try_for_each(|line| {
        output::line(format!(
            "{} ({}) is due and not in the library: {}",
            line.barcode, line.place, line.reason
        ))
    })
}
