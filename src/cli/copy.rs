//! `copy`.

use std::sync::Arc;

use serde::Serialize;

use super::Session;
use super::args::{CopyCommand, LibraryChoice};
use super::output::{self, Column, or_dash, size};
use crate::app::App;
use crate::catalogue::{CopyReason, CopyTask, TaskState, View};
use crate::copies::consolidate::{self, Choice, Percent};
use crate::copies::plan::{self, Plan};
use crate::copies::task::{self, Opened, Why, usual_due};
use crate::error::{Error, Result};
use crate::id::{Barcode, TaskId};
use crate::job::recopy::{self, Report};
use crate::progress::counted;
use crate::restore::About;

pub(super) fn run(session: &Session, command: CopyCommand) -> Result<()> {
    let app = Arc::new(session.open()?);
    match command {
        CopyCommand::List { all } => list(session, &app, all),
        CopyCommand::Plan { tasks, choice } => show_plan(session, &app, &tasks, &choice),
        CopyCommand::Run { tasks, choice, .. } => {
            let library = Arc::new(app.library(choice.library.as_deref(), "copy run")?);
            let report = recopy::run(&app, &library, &tasks)?;
            ran(session, &report)?;
            report.outcome()
        }
        CopyCommand::Lost {
            barcode,
            due,
            reason,
        } => {
            let opened = task::lost(&app, &barcode, due, &reason)?;
            said(session, &app, &opened, &format!("{barcode} is lost"))?;
            opened.outcome()
        }
        CopyCommand::Refresh {
            barcodes,
            pool,
            due,
            reason,
        } => {
            let why = Why {
                reason: CopyReason::Refresh,
                note: reason,
                pool: pool.map(|pool| pool.parse()).transpose()?,
                due: due.unwrap_or_else(|| usual_due(app.clock.now())),
            };
            let opened = task::refresh(&app, &barcodes, &why)?;
            let names: Vec<&str> = barcodes.iter().map(Barcode::as_str).collect();
            said(
                session,
                &app,
                &opened,
                &format!("To be replaced: {}", names.join(", ")),
            )
        }
        CopyCommand::Consolidate { pool, below, plan } => {
            consolidate(session, &app, pool.as_deref(), below, plan)
        }
        CopyCommand::Cancel { task, reason } => {
            task::cancel(&app, task, &reason)?;
            if session.is_json() {
                let cancelled = app.catalogue.read(|view| view.copy_task(task))?;
                return output::json(&cancelled);
            }
            output::line(format!("Task {task} is cancelled"))
        }
    }
}

/// A task with names.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    task: CopyTask,
    name: String,
    month: crate::catalogue::Month,
    barcode: Option<Barcode>,
}

fn row(view: &View<'_>, task: CopyTask) -> Result<Row> {
    let set = view.set(task.set)?;
    Ok(Row {
        name: view.definition(set.definition)?.name,
        month: set.month,
        barcode: plan::barcode_of(view, task.volume)?,
        task,
    })
}

fn list(session: &Session, app: &App, all: bool) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        let tasks = if all {
            view.copy_tasks()?
        } else {
            view.open_copy_tasks()?
        };
        let rows = tasks.into_iter().map(|task| row(view, task));
        rows.collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    table(rows, app)
}

fn table(rows: Vec<Row>, app: &App) -> Result<()> {
    let today = app.clock.now().date_naive();
    output::table(
        &[
            Column::Text("DUE"),
            Column::Text("STATE"),
            Column::Text("SET"),
            Column::Text("MONTH"),
            Column::Number("COPY"),
            Column::Text("FROM"),
            Column::Text("TO POOL"),
            Column::Text("REASON"),
            Column::Text("TASK"),
            Column::Text("NOTE"),
        ],
        rows.into_iter()
            .map(|row| {
                let task = row.task;
                let state = match task.state {
                    TaskState::Open if task.due < today => "overdue".to_owned(),
                    state => state.to_string(),
                };
                let note = match (task.closed_by, task.closed_note) {
                    (Some(who), Some(why)) if task.state == TaskState::Cancelled => {
                        format!("{}; cancelled by {who}: {why}", task.note)
                    }
                    _ => task.note,
                };
                vec![
                    task.due.to_string(),
                    state,
                    row.name,
                    row.month.to_string(),
                    task.copy.to_string(),
                    or_dash(row.barcode),
                    or_dash(task.pool),
                    task.reason.to_string(),
                    task.id.to_string(),
                    note,
                ]
            })
            .collect(),
        "Nothing is to be copied.",
    )
}

fn said(session: &Session, app: &App, opened: &Opened, first: &str) -> Result<()> {
    if session.is_json() {
        return output::json(opened);
    }
    output::line(format!(
        "{first}; {}",
        counted(opened.tasks.len() as u64, "task is open", "tasks are open")
    ))?;
    if opened.tasks.is_empty() {
        return Ok(());
    }
    let tasks = opened.tasks.iter().cloned();
    let rows = app.catalogue.read(|view| {
        let rows = tasks.map(|task| row(view, task));
        rows.collect::<Result<Vec<_>>>()
    })?;
    table(rows, app)?;
    output::line(
        "Do it with \"tapeward copy run --all\"; \"tapeward copy plan\" shows what that takes",
    )
}

/// The library's drives and what the robot sees are asked for where it can be reached; a plan is
/// made without it too.
fn show_plan(
    session: &Session,
    app: &Arc<App>,
    tasks: &[TaskId],
    choice: &LibraryChoice,
) -> Result<()> {
    let library = app.library(choice.library.as_deref(), "copy plan")?;
    let seen = library.view().and_then(|view| {
        let drives = library.drives(&view)?.len();
        Ok((crate::media::reconcile::identify(app, &library)?, drives))
    });
    let (id, drives) = match seen {
        Ok((id, drives)) => (Some(id), drives),
        Err(error) => {
            app.say(format!("the library cannot be asked: {error}"));
            (None, 2)
        }
    };
    let plan = plan::plan(app, tasks, id, drives)?;
    if session.is_json() {
        return output::json(&plan);
    }
    render_plan(&plan)
}

fn render_plan(plan: &Plan) -> Result<()> {
    output::table(
        &[
            Column::Text("DUE"),
            Column::Text("SET"),
            Column::Text("MONTH"),
            Column::Number("COPY"),
            Column::Text("REASON"),
            Column::Number("SEGMENTS"),
            Column::Number("BYTES"),
            Column::Text("READ FROM"),
            Column::Text("TO POOL"),
        ],
        plan.tasks
            .iter()
            .map(|task| {
                let mut sources: Vec<String> = task
                    .sources
                    .iter()
                    .map(|source| format!("{} ({})", source.barcode, source.place))
                    .collect();
                if task.unreadable > 0 {
                    sources.push(format!("{} on no tape", task.unreadable));
                }
                vec![
                    task.task.due.to_string(),
                    task.name.clone(),
                    task.month.to_string(),
                    task.task.copy.to_string(),
                    task.task.reason.to_string(),
                    task.segments.to_string(),
                    size(task.bytes),
                    sources.join(", "),
                    task.target.to_string(),
                ]
            })
            .collect(),
        "Nothing is to be copied.",
    )?;
    if plan.tasks.is_empty() {
        return Ok(());
    }
    output::line("")?;
    for pool in &plan.pools {
        output::line(format!(
            "Pool {}: {}, {} beyond the room there is",
            pool.pool,
            size(pool.bytes),
            counted(pool.cartridges, "scratch cartridge", "scratch cartridges")
        ))?;
    }
    for (barcode, place) in &plan.bring {
        output::line(format!("Bring {barcode} ({place})"))?;
    }
    output::line(format!(
        "{} in about {}, reading back included",
        size(plan.bytes),
        About(plan.seconds)
    ))
}

fn ran(session: &Session, report: &Report) -> Result<()> {
    if session.is_json() {
        return output::json(report);
    }
    if report.tasks.is_empty() {
        return output::line("Nothing is to be copied.");
    }
    report.tasks.iter().try_for_each(|task| {
        output::line(format!(
            "{}, copy {}: {}{}",
            task.name,
            task.copy,
            match &task.problem {
                None => format!(
                    "done, {} ({}) written and read back",
                    counted(task.segments as u64, "segment", "segments"),
                    size(task.bytes)
                ),
                Some(problem) => format!("not done: {problem}"),
            },
            match &task.from {
                Some(barcode) if task.done => format!("; {barcode} is not needed for it any more"),
                _ => String::new(),
            }
        ))
    })
}

fn consolidate(
    session: &Session,
    app: &App,
    pool: Option<&str>,
    below: Percent,
    only_plan: bool,
) -> Result<()> {
    let pool = pool.map(|pool| pool.parse()).transpose()?;
    let mut choices = app
        .catalogue
        .read(|view| Ok::<_, Error>(consolidate::choose(&consolidate::candidates(view)?, below)))?;
    choices.retain(|choice| pool.as_ref().is_none_or(|pool| choice.pool == *pool));
    if only_plan || choices.is_empty() {
        if session.is_json() {
            return output::json(&choices);
        }
        return chosen(&choices);
    }
    let opened = task::consolidate(app, &choices)?;
    if !session.is_json() {
        chosen(&choices)?;
    }
    said(session, app, &opened, "To be joined onto fewer cartridges")
}

fn chosen(choices: &[Choice]) -> Result<()> {
    let rows = choices.iter().flat_map(|choice| {
        choice.emptied.iter().map(|one| {
            vec![
                one.barcode.to_string(),
                one.pool.to_string(),
                size(one.written),
                size(one.live),
                format!(
                    "{}%",
                    u128::from(one.live) * 100 / u128::from(one.written.max(1))
                ),
            ]
        })
    });
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("POOL"),
            Column::Number("WRITTEN"),
            Column::Number("TO KEEP"),
            Column::Number("PART"),
        ],
        rows.collect(),
        "Joining volumes would free no cartridge.",
    )?;
    choices.iter().try_for_each(|choice| {
        output::line(format!(
            "Pool {}: {} onto the room there is and {}",
            choice.pool,
            counted(choice.emptied.len() as u64, "cartridge", "cartridges"),
            counted(choice.cartridges, "scratch cartridge", "scratch cartridges")
        ))
    })
}
