//! Steps of runs: intent, act, observe, record.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{CatalogueError, Noun};
use super::sql::{Json, Moment, moment, moment_option, text_column, text_enum};
use super::store::{Tx, View};
use crate::id::{IdError, RunId, StepId};

/// What a step does, as the job that owns it calls it: lower-case words joined by `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StepKind(String);

impl StepKind {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StepKind {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            return Err(IdError {
                text: text.to_owned(),
                expected: "a kind of step (lower-case words joined by _)",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for StepKind {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<StepKind> for String {
    fn from(kind: StepKind) -> Self {
        kind.0
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_column!(StepKind);

text_enum! {
    /// State of a step.
    pub enum StepState {
        /// About to be done, or done and not observed: after a restart, look.
        Intended = "intended",
        /// Done, as observed.
        Done = "done",
        /// Not done, as observed.
        Failed = "failed",
        /// Left open by a process that died, and settled later by looking.
        Settled = "settled",
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// It was not.
    Failed,
    /// Its process died; what is recorded was found by looking afterwards.
    Settled,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// The run.
    pub run: RunId,
    /// Its place in the run, from 0.
    pub ordinal: u32,
    /// What it does.
    pub kind: StepKind,
    /// Its state.
    pub state: StepState,
    /// What was meant.
    pub intent: Value,
    /// What was seen.
    pub observation: Option<Value>,
    /// When it was meant.
    pub started_at: DateTime<Utc>,
    /// When it was seen.
    pub finished_at: Option<DateTime<Utc>>,
}

fn step(row: &Row<'_>) -> rusqlite::Result<Step> {
    Ok(Step {
        id: row.get("id")?,
        run: row.get("run")?,
        ordinal: row.get("ordinal")?,
        kind: row.get("kind")?,
        state: row.get("state")?,
        intent: row.get::<_, Json<Value>>("intent")?.0,
        observation: row
            .get::<_, Option<Json<Value>>>("observation")?
            .map(|json| json.0),
        started_at: moment(row, "started_at")?,
        finished_at: moment_option(row, "finished_at")?,
    })
}

impl View<'_> {
    /// A step by id.
    pub fn step(&self, id: StepId) -> Result<Step, CatalogueError> {
        self.get(
            Noun::Step,
            &id,
            "SELECT * FROM step WHERE id = ?1",
            [id],
            step,
        )
    }

    /// The steps of a run, in order.
    pub fn steps(&self, run: RunId) -> Result<Vec<Step>, CatalogueError> {
        self.all(
            "SELECT * FROM step WHERE run = ?1 ORDER BY ordinal",
            [run],
            step,
        )
    }

    /// The steps of this kind of all runs, newest first.
    pub fn steps_of_kind(&self, kind: &StepKind) -> Result<Vec<Step>, CatalogueError> {
        self.all(
            "SELECT * FROM step WHERE kind = ?1 ORDER BY started_at DESC, id DESC",
            [kind],
            step,
        )
    }

    /// Intents of a run that nobody has observed, in order: each must be settled by looking before
    /// the run goes on.
    pub fn open_intents(&self, run: RunId) -> Result<Vec<Step>, CatalogueError> {
        self.all(
            "SELECT * FROM step WHERE run = ?1 AND state = 'intended' ORDER BY ordinal",
            [run],
            step,
        )
    }
}

impl Tx<'_> {
    /// Records what is about to be done, as the run's next step.
    pub fn intend(
        &self,
        id: StepId,
        run: RunId,
        kind: &StepKind,
        intent: &Value,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO step (id, run, ordinal, kind, state, intent, started_at)
             VALUES (:id, :run,
                (SELECT coalesce(max(ordinal) + 1, 0) FROM step WHERE run = :run),
                :kind, 'intended', :intent, :now)",
            named_params! {
                ":id": id,
                ":run": run,
                ":kind": kind,
                ":intent": Json(intent),
                ":now": Moment(now),
            },
        )
        .map(|_| ())
    }

    /// Records what was seen after acting, or, with [`StepOutcome::Settled`], what was found after
    /// a restart.
    ///
    /// # Errors
    /// [`CatalogueError::StepClosed`] when the step was observed before.
    pub fn observe(
        &self,
        id: StepId,
        outcome: StepOutcome,
        observation: &Value,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        let state = match outcome {
            StepOutcome::Done => StepState::Done,
            StepOutcome::Failed => StepState::Failed,
            StepOutcome::Settled => StepState::Settled,
        };
        let changed = self.execute(
            "UPDATE step SET state = ?2, observation = ?3, finished_at = ?4
             WHERE id = ?1 AND state = 'intended'",
            (id, state, Json(observation), Moment(now)),
        )?;
        if changed == 0 {
            return Err(CatalogueError::StepClosed {
                step: id,
                state: self.step(id)?.state,
            });
        }
        Ok(())
    }
}
