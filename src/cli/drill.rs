//! `drill`.

use std::sync::Arc;

use super::Session;
use super::drill_args::{DrawArgs, DrillCommand};
use super::output::{self, Column, or_dash, size, time};
use crate::app::App;
use crate::drill::{self, Draw, Held, Report, Rule};
use crate::error::{Error, Result};
use crate::library::Library;
use crate::media::reconcile;
use crate::progress::counted;

pub(super) fn run(session: &Session, command: DrillCommand) -> Result<()> {
    let app = Arc::new(session.open()?);
    match command {
        DrillCommand::Plan { draw, choice } => {
            let library = app.library(choice.library.as_deref(), "drill plan")?;
            let draw = drawn(&app, &library, draw)?;
            if session.is_json() {
                return output::json(&draw);
            }
            show(&draw)
        }
        DrillCommand::Run {
            draw,
            resume,
            identity,
            choice,
        } => {
            let library = Arc::new(app.library(choice.library.as_deref(), "drill run")?);
            let report = match resume {
                Some(first) => drill::resume(&app, &library, first, &identity)?,
                None => {
                    let draw = drawn(&app, &library, draw)?;
                    drill::run(&app, &library, &draw, &identity)?
                }
            };
            ran(session, &report)?;
            report.outcome()
        }
        DrillCommand::List => list(session, &drill::held(&app)?),
    }
}

fn drawn(app: &App, library: &Library, args: DrawArgs) -> Result<Draw> {
    let seed = match args.seed {
        Some(seed) if seed.contains(char::is_control) => {
            return Err(Error::usage(
                "a seed is one line without control characters",
            ));
        }
        Some(seed) => seed,
        None => uuid::Uuid::new_v4().to_string(),
    };
    let only_in = if args.here {
        Some(reconcile::identify(app, library)?)
    } else {
        None
    };
    let rule = Rule {
        seed,
        volumes: args.volumes.into(),
        files: args.files.into(),
        only_in,
    };
    drill::draw(app, &rule)
}

fn show(draw: &Draw) -> Result<()> {
    for line in &draw.volumes {
        let proved = match line.proved_at {
            Some(at) => format!("proved {}", time(at)),
            None => format!("never proved, written {}", time(line.written_at)),
        };
        output::line(format!(
            "{} ({}), {proved}: {} of {}",
            line.barcode,
            line.place,
            line.files.len(),
            counted(line.candidates, "file", "files")
        ))?;
    }
    output::table(
        &[
            Column::Text("CARTRIDGE"),
            Column::Text("SET"),
            Column::Number("COPY"),
            Column::Number("SIZE"),
            Column::Text("FILE"),
        ],
        draw.volumes
            .iter()
            .flat_map(|line| line.files.iter().map(move |file| (line, file)))
            .map(|(line, file)| {
                vec![
                    line.barcode.to_string(),
                    file.name.clone(),
                    file.copy.to_string(),
                    size(file.size),
                    file.path.to_string(),
                ]
            })
            .collect(),
        "Nothing was drawn.",
    )?;
    output::line(format!("Seed: {}", draw.seed))
}

fn ran(session: &Session, report: &Report) -> Result<()> {
    if session.is_json() {
        return output::json(report);
    }
    for tested in &report.tested {
        output::line(format!(
            "{}: {} of {} came back as they were written",
            tested.barcode,
            tested.restored,
            counted(tested.files, "file", "files")
        ))?;
        for problem in &tested.problems {
            output::line(format!("{}: problem: {problem}", tested.barcode))?;
        }
    }
    for pending in &report.pending {
        output::line(format!(
            "{} ({}): {}",
            pending.barcode, pending.place, pending.what
        ))?;
    }
    output::line(format!("Run: {}", report.run))?;
    output::line(format!("Seed: {}", report.seed))
}

fn list(session: &Session, held: &[Held]) -> Result<()> {
    if session.is_json() {
        return output::json(&held);
    }
    output::table(
        &[
            Column::Text("BEGUN"),
            Column::Text("STATE"),
            Column::Text("CARTRIDGES"),
            Column::Number("DRAWN"),
            Column::Number("GOOD"),
            Column::Text("SEED"),
            Column::Text("BY"),
            Column::Text("RUN"),
            Column::Text("NOTE"),
        ],
        held.iter()
            .map(|drill| {
                let barcodes = drill.draw.volumes.iter().map(|line| line.barcode.as_str());
                let drawn: usize = drill.draw.volumes.iter().map(|line| line.files.len()).sum();
                let good: u64 = drill.tested.iter().map(|tested| tested.restored).sum();
                vec![
                    time(drill.at),
                    drill.state.to_string(),
                    barcodes.collect::<Vec<_>>().join(" "),
                    drawn.to_string(),
                    good.to_string(),
                    drill.draw.seed.clone(),
                    drill.by.clone(),
                    drill.run.to_string(),
                    or_dash(drill.note.as_ref()),
                ]
            })
            .collect(),
        "No drill is on record.",
    )
}
