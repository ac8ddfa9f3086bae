//! Runs of jobs.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{CatalogueError, Noun};
use super::month::Month;
use super::sql::{Json, Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::RunId;
use crate::journal::Actor;

text_enum! {
    /// What a run does.
    pub enum RunKind {
        /// Writes sets to tape.
        Backup = "backup",
        /// Copies sets from tape to tape.
        Copy = "copy",
        /// Reads sets back and compares.
        Verify = "verify",
        /// Restores from tape.
        Restore = "restore",
        /// Labels cartridges.
        Label = "label",
        /// Looks at or moves cartridges of a library.
        Inventory = "inventory",
    }
}

text_enum! {
    /// State of a run.
    pub enum RunState {
        /// Nothing was done yet.
        Planned = "planned",
        /// Under way; or its process died, when nobody holds its lease.
        Running = "running",
        /// Stopped at a safe point; can be resumed.
        Interrupted = "interrupted",
        /// A person must act before it can go on.
        Waiting = "waiting",
        /// Finished.
        Done = "done",
        /// Given up.
        Failed = "failed",
    }
}

impl RunState {
    /// Whether nothing more will be done.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it does.
    pub kind: RunKind,
    /// The month it belongs to.
    pub month: Option<Month>,
    /// Its state.
    pub state: RunState,
    /// The plan, as the job wrote it.
    pub plan: Value,
    /// Who started it.
    pub actor: Actor,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it was done or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// What it waits for or why it failed, in words.
    pub note: Option<String>,
}

/// A run about to be recorded, as planned.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Made by the caller.
    pub id: RunId,
    /// What it will do.
    pub kind: RunKind,
    /// The month it belongs to.
    pub month: Option<Month>,
    /// The plan.
    pub plan: Value,
    /// Who starts it.
    pub actor: Actor,
    /// Now.
    pub started_at: DateTime<Utc>,
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get("id")?,
        kind: row.get("kind")?,
        month: row.get("month")?,
        state: row.get("state")?,
        plan: row.get::<_, Json<Value>>("plan")?.0,
        actor: Actor {
            person: row.get("person")?,
            account: None,
            station: row.get("station")?,
        },
        started_at: moment(row, "started_at")?,
        finished_at: moment_option(row, "finished_at")?,
        note: row.get("note")?,
    })
}

impl View<'_> {
    /// A run by id.
    pub fn run(&self, id: RunId) -> Result<Run, CatalogueError> {
        self.get(Noun::Run, &id, "SELECT * FROM run WHERE id = ?1", [id], run)
    }

    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<Run>, CatalogueError> {
        self.all(
            "SELECT * FROM run ORDER BY started_at DESC, id DESC",
            [],
            run,
        )
    }

    /// Runs that are neither done nor given up, oldest first.
    pub fn open_runs(&self) -> Result<Vec<Run>, CatalogueError> {
        self.all(
            "SELECT * FROM run WHERE state NOT IN ('done', 'failed') ORDER BY started_at, id",
            [],
            run,
        )
    }
}

impl Tx<'_> {
    /// Records a run as planned.
    pub fn add_run(&self, new: &NewRun) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO run (id, kind, month, state, plan, person, station, started_at)
             VALUES (:id, :kind, :month, 'planned', :plan, :person, :station, :started)",
            named_params! {
                ":id": new.id,
                ":kind": new.kind,
                ":month": new.month,
                ":plan": Json(&new.plan),
                ":person": new.actor.person,
                ":station": new.actor.station,
                ":started": Moment(new.started_at),
            },
        )
        .map(|_| ())
    }

    /// Changes the state of a run; a final state also keeps when.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] when there is no such run or it is done already.
    pub fn set_run_state(
        &self,
        id: RunId,
        state: RunState,
        note: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        let finished = state.is_final().then_some(Moment(at));
        self.change(
            Noun::Run,
            &id,
            "UPDATE run SET state = ?2, note = ?3, finished_at = ?4
             WHERE id = ?1 AND state <> 'done'",
            (id, state, note, finished),
        )
    }

    /// Replaces the plan, when it had to be changed on the way.
    pub fn set_run_plan(&self, id: RunId, plan: &Value) -> Result<(), CatalogueError> {
        self.change(
            Noun::Run,
            &id,
            "UPDATE run SET plan = ?2 WHERE id = ?1",
            (id, Json(plan)),
        )
    }
}
