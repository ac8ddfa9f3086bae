//! `job`.

use std::sync::Arc;

use super::Session;
use super::args::{JobCommand, JobRunArgs};
use super::output::{self, Column, or_dash, size, time};
use crate::app::App;
use crate::catalogue::{ElementAddress, Run, RunKind, View};
use crate::error::{Error, Result};
use crate::id::LibraryId;
use crate::job::plan::{self, Request, Wanted};
use crate::job::report::Report;
use crate::job::run;
use crate::job::single::mark_interrupted;
use crate::media::reconcile;
use crate::progress::counted;

pub(super) fn run(session: &Session, command: JobCommand) -> Result<()> {
    let app = Arc::new(session.open()?);
    match command {
        JobCommand::Run(args) => start(session, &app, args),
        JobCommand::List => list(session, &app),
        JobCommand::Show { run } => show(session, &app, &run),
        JobCommand::Abandon { run } => {
            run::abandon(&app, run)?;
            if session.is_json() {
                return output::json(&serde_json::json!({ "run": run, "state": "failed" }));
            }
            output::line(format!("Run {run} is given up"))
        }
        JobCommand::Resume { run } => {
            let report = run::resume(&app, run)?;
            finished(session, &report)
        }
    }
}

fn start(session: &Session, app: &Arc<App>, args: JobRunArgs) -> Result<()> {
    let request = Request {
        sets: args.sets,
        month: args.month.map(|month| month.parse()).transpose()?,
    };
    let library = Arc::new(app.library(args.choice.library.as_deref(), "monthly job")?);
    if args.plan {
        return show_plan(session, app, &library, &request);
    }
    let report = run::start(app, &library, &request)?;
    finished(session, &report)
}

fn show_plan(
    session: &Session,
    app: &App,
    library: &crate::library::Library,
    request: &Request,
) -> Result<()> {
    let plan = plan::plan(app, library.name(), request)?.plan;
    let view = library.view()?;
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, None)?;
    let now = app.clock.now();
    let candidates = app.catalogue.read(|view| plan::candidates(view, now))?;
    let mut rows = Vec::new();
    for set in &plan.sets {
        let mut taken = std::collections::HashSet::new();
        for (copy, pool) in &set.copies {
            let wanted = Wanted {
                library: library_id,
                pool: pool.clone(),
                collocate: app.config.pool(pool).collocate,
                traits: app
                    .catalogue
                    .read(|view| plan::traits(view, set, *copy, now))?,
                now,
            };
            let choice = plan::choose(&candidates, &wanted, &taken);
            let (cartridge, reason) = choice.map_or_else(
                || ("-".to_owned(), "no cartridge in the library".to_owned()),
                |(candidate, reason)| (candidate.cartridge.barcode.to_string(), reason.to_string()),
            );
            taken.extend(choice.map(|(candidate, _)| candidate.cartridge.barcode.clone()));
            rows.push(vec![
                set.name.clone(),
                copy.to_string(),
                pool.to_string(),
                cartridge,
                reason,
            ]);
        }
    }
    if session.is_json() {
        let first: Vec<_> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "set": row[0], "copy": row[1], "pool": row[2],
                    "first_cartridge": row[3], "reason": row[4],
                })
            })
            .collect();
        return output::json(&serde_json::json!({ "plan": plan, "cartridges": first }));
    }
    output::line(format!("Month {}", plan.month))?;
    for warning in &plan.warnings {
        output::line(format!("Warning: {warning}"))?;
    }
    for remark in &plan.remarks {
        output::line(format!("Note: {remark}"))?;
    }
    output::table(
        &[
            Column::Text("SET"),
            Column::Number("COPY"),
            Column::Text("POOL"),
            Column::Text("FIRST CARTRIDGE"),
            Column::Text("WHY"),
        ],
        rows,
        "Nothing to do.",
    )
}

fn finished(session: &Session, report: &Report) -> Result<()> {
    if session.is_json() {
        output::json(report)?;
    } else {
        summary(report).iter().try_for_each(output::line)?;
    }
    report.outcome()
}

/// What a run came to, in lines.
fn summary(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for set in &report.sets {
        lines.push(format!(
            "Set {} ({}): {}, {}, {}, {}",
            set.name,
            set.id,
            counted(set.members, "member", "members"),
            size(set.bytes),
            counted(set.segments as u64, "segment", "segments"),
            set.state
        ));
    }
    for cartridge in &report.cartridges {
        lines.push(format!(
            "  {} holds copy {} ({}); place: {}",
            cartridge.barcode, cartridge.copy, cartridge.pool, cartridge.place
        ));
    }
    lines.extend(
        report
            .remarks
            .iter()
            .map(|line| format!("  remark: {line}")),
    );
    lines
}

fn list(session: &Session, app: &App) -> Result<()> {
    mark_interrupted(app)?;
    let runs = app.catalogue.read(|view| view.runs())?;
    if session.is_json() {
        return output::json(&runs);
    }
    output::table(
        &[
            Column::Text("STARTED"),
            Column::Text("KIND"),
            Column::Text("MONTH"),
            Column::Text("STATE"),
            Column::Text("FINISHED"),
            Column::Text("ID"),
            Column::Text("NOTE"),
        ],
        runs.into_iter()
            .map(|run| {
                vec![
                    time(run.started_at),
                    run.kind.to_string(),
                    or_dash(run.month),
                    run.state.to_string(),
                    or_dash(run.finished_at.map(time)),
                    run.id.to_string(),
                    run.note.unwrap_or_default(),
                ]
            })
            .collect(),
        "Nothing has run yet.",
    )
}

fn find_run(view: &View<'_>, text: &str) -> Result<Run> {
    if text == "last" {
        return view
            .runs()?
            .into_iter()
            .find(|run| run.kind == RunKind::Backup)
            .ok_or_else(|| Error::usage("no job has run yet"));
    }
    let id = text.parse().map_err(|_| {
        Error::usage(format!(
            "\"{text}\" is neither the id of a run nor \"last\""
        ))
        .hint("\"tapeward job list\" shows all of them")
    })?;
    Ok(view.run(id)?)
}

fn show(session: &Session, app: &App, text: &str) -> Result<()> {
    mark_interrupted(app)?;
    let (run, steps, journal, intents) = app.catalogue.read(|view| {
        let run = find_run(view, text)?;
        let steps = view.steps(run.id)?;
        let journal = view.journal_of_run(run.id)?;
        let library = match run.plan["library"].as_str() {
            Some(name) => view.library_by_name(name)?.map(|library| library.id),
            // Runs that restore or verify need no plan of that; one library is the one.
            None => match view.libraries()?.as_slice() {
                [only] => Some(only.id),
                _ => None,
            },
        };
        let intents = steps
            .iter()
            .map(|step| compact(view, library, &step.intent))
            .collect::<Result<Vec<_>>>()?;
        Ok::<_, Error>((run, steps, journal, intents))
    })?;
    if session.is_json() {
        return output::json(&serde_json::json!({
            "run": run, "steps": steps, "journal_entries": journal.len(),
        }));
    }
    let mut lines = vec![
        format!("Run       {}", run.id),
        format!("Kind      {}", run.kind),
        format!("Month     {}", or_dash(run.month)),
        format!(
            "State     {}{}",
            run.state,
            run.note
                .as_ref()
                .map_or_else(String::new, |note| format!(": {note}"))
        ),
        format!("Started   {} by {}", time(run.started_at), run.actor.person),
        format!("Finished  {}", or_dash(run.finished_at.map(time))),
        format!("Journal   {} entries", journal.len()),
    ];
    lines.push("Steps".to_owned());
    for (step, intent) in steps.iter().zip(intents) {
        lines.push(format!(
            "  {:>3}  {}  {:<9} {:<9} {}",
            step.ordinal,
            time(step.started_at),
            step.kind.as_str(),
            step.state.to_string(),
            intent
        ));
    }
    output::line(lines.join("\n"))
}

/// An intent in one line: its fields as `name value`, elements by their numbers.
fn compact(
    view: &View<'_>,
    library: Option<LibraryId>,
    value: &serde_json::Value,
) -> Result<String> {
    let Some(fields) = value.as_object() else {
        return Ok(value.to_string());
    };
    let mut parts = Vec::new();
    for (name, value) in fields {
        let address = matches!(name.as_str(), "from" | "to")
            .then(|| u16::try_from(value.as_u64()?).ok())
            .flatten();
        let text = match (address, library, value.as_str()) {
            (Some(address), Some(library), _) => {
                reconcile::address_words(view, library, ElementAddress(address))?
            }
            (_, _, Some(text)) => text.to_owned(),
            _ => value.to_string(),
        };
        parts.push(format!("{name} {text}"));
    }
    Ok(parts.join(", "))
}
