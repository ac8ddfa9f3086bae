//! Runs of one command each, labelling, verifying, restoring; and runs whose process is gone.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::drives::Drives;
use super::settle;
use super::step::RunContext;
use crate::app::App;
use crate::catalogue::{NewRun, Run, RunKind, RunState, Tx};
use crate::error::{Error, ErrorKind, Result};
use crate::id::RunId;
use crate::journal::Event as JournalEvent;
use crate::library::lock::DeviceLock;
use crate::progress::Event;

/// A run of one command, until [`SingleRun::end`]. Its lock tells others that its process lives.
#[derive(Debug)]
pub struct SingleRun {
    app: Arc<App>,
    /// The run.
    pub id: RunId,
    lock: DeviceLock,
}

impl SingleRun {
    /// Records the beginning of a run.
    pub fn begin(app: &Arc<App>, kind: RunKind, plan: serde_json::Value) -> Result<Self> {
        mark_interrupted(app)?;
        let id = RunId::generate(app.clock.now());
        // Before the record knows the run, so that it never looks as if its process were gone.
        let lock = lock_run(app, id)?;
        app.write(|tx, now| {
            tx.add_run(&NewRun {
                id,
                kind,
                month: None,
                plan,
                actor: app.actor.clone(),
                started_at: now,
            })?;
            app.note(
                tx,
                now,
                &JournalEvent::RunPlanned {
                    run: id,
                    run_kind: kind,
                    month: None,
                },
            )?;
            set_state(app, tx, now, id, RunState::Running, None)
        })?;
        Ok(Self {
            app: Arc::clone(app),
            id,
            lock,
        })
    }

    /// Records the end of the run, with whatever else belongs to the same transaction.
    pub fn end<T>(
        self,
        outcome: &Result<T>,
        more: impl FnOnce(&Tx<'_>, DateTime<Utc>, &T) -> Result<()>,
    ) -> Result<()> {
        self.end_as(RunState::Done, outcome, more)
    }

    /// As [`SingleRun::end`]; a run that did not fail is in this state from then on.
    pub fn end_as<T>(
        self,
        state: RunState,
        outcome: &Result<T>,
        more: impl FnOnce(&Tx<'_>, DateTime<Utc>, &T) -> Result<()>,
    ) -> Result<()> {
        self.end_with(state, None, outcome, more)
    }

    /// As [`SingleRun::end_as`], with what the run waits for in words.
    pub fn end_with<T>(
        self,
        state: RunState,
        note: Option<String>,
        outcome: &Result<T>,
        more: impl FnOnce(&Tx<'_>, DateTime<Utc>, &T) -> Result<()>,
    ) -> Result<()> {
        self.app.write(|tx, now| match outcome {
            Ok(done) => {
                more(tx, now, done)?;
                set_state(&self.app, tx, now, self.id, state, note)
            }
            Err(error) => {
                let note = Some(error.to_string());
                set_state(&self.app, tx, now, self.id, RunState::Failed, note)
            }
        })?;
        remove_lock(&self.app, self.id);
        drop(self.lock);
        Ok(())
    }
}

fn set_state(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    run: RunId,
    state: RunState,
    note: Option<String>,
) -> Result<()> {
    tx.set_run_state(run, state, note.as_deref(), now)?;
    app.note(tx, now, &JournalEvent::RunChanged { run, state, note })
}

pub(super) fn locks(app: &App) -> PathBuf {
    app.state.join("locks")
}

fn lock_name(run: RunId) -> String {
    format!("run-{run}")
}

fn lock_run(app: &App, run: RunId) -> Result<DeviceLock> {
    DeviceLock::acquire(
        &locks(app),
        &lock_name(run),
        &format!("run {run}"),
        "a run",
        app.clock.now(),
    )
}

/// No run has this id again.
fn remove_lock(app: &App, run: RunId) {
    let path = locks(app).join(format!("{}.lock", lock_name(run)));
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::debug!(%error, path = %path.display(), "cannot remove");
    }
}

/// One job at a time works with a state folder.
pub fn hold_job(app: &App) -> Result<DeviceLock> {
    DeviceLock::acquire(
        &locks(app),
        "job",
        "the job of this state folder",
        "job",
        app.clock.now(),
    )
}

/// Marks runs of this host as interrupted whose process is gone: nobody holds their lock.
pub fn mark_interrupted(app: &App) -> Result<()> {
    for run in app.catalogue.read(|view| view.open_runs())? {
        if !seems_alive(&run) || run.actor.station != app.actor.station {
            continue;
        }
        let lock = match run.kind {
            RunKind::Backup => hold_job(app),
            _ => lock_run(app, run.id),
        };
        let _lock = match lock {
            Err(error) if error.kind() == ErrorKind::Locked => continue,
            other => other?,
        };
        app.write(|tx, now| {
            // It may have ended between the two looks.
            if !seems_alive(&tx.run(run.id)?) {
                return Ok(());
            }
            let note = Some("its process ended before it was done".to_owned());
            set_state(app, tx, now, run.id, RunState::Interrupted, note)
        })?;
        if run.kind != RunKind::Backup {
            remove_lock(app, run.id);
        }
    }
    Ok(())
}

fn seems_alive(run: &Run) -> bool {
    matches!(run.state, RunState::Planned | RunState::Running)
}

/// Settles what interrupted runs of one command left open, by looking at the tapes. What cannot
/// be looked at now waits for the next time.
pub(super) fn settle_interrupted(context: &RunContext, drives: &mut Drives) -> Result<()> {
    let app = &context.app;
    for run in app.catalogue.read(|view| view.open_runs())? {
        if run.kind == RunKind::Backup || run.state != RunState::Interrupted {
            continue;
        }
        let gone = RunContext {
            run: run.id,
            ..context.clone()
        };
        match settle::settle(&gone, drives) {
            Ok(()) => app.write(|tx, now| {
                let note = Some("its process ended before it was done; settled".to_owned());
                set_state(app, tx, now, run.id, RunState::Failed, note)
            })?,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => not_settled(app, run.id, &error),
        }
    }
    Ok(())
}

fn not_settled(app: &App, run: RunId, why: &Error) {
    app.watcher.event(Event::Problem {
        subject: format!("run {run}"),
        what: format!("it was interrupted and cannot be settled yet: {why}"),
    });
}
