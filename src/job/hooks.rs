//! Commands before and after a source is read: snapshots.
//!
//! What the second one undoes must be undone whatever happens in between. So it is on record before
//! the first one begins, and whoever starts a job next runs it if this process does not.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::plan::PlannedSet;
use super::run::Job;
use super::step::SOURCE;
use super::stream::note_ended;
use crate::app::App;
use crate::catalogue::{
    BackupSet, CommandLine, Commands, Month, SetDefinition, SetState, Step, StepOutcome,
};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{RunId, SetId};
use crate::journal::{Event as JournalEvent, Purpose};
use crate::progress::{Event, Interrupt};
use crate::source::{Ended, Launch, Process, Waiting, command_failed};

/// What is read between two commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SourceIntent {
    set: SetId,
    name: String,
    month: Month,
    source: String,
    commands: Commands,
}

/// What became of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Whole,
    Not,
}

impl Job {
    /// Runs one command before and one after some work. The inner error is about the set alone, as
    /// [`Job::write_set`] says.
    pub(super) fn between_commands(
        &mut self,
        set: &BackupSet,
        planned: &mut PlannedSet,
        definition: &SetDefinition,
        work: impl FnOnce(&mut Self, &mut PlannedSet) -> Result<Result<()>>,
    ) -> Result<Result<()>> {
        let app = std::sync::Arc::clone(&self.context.app);
        let intent = SourceIntent {
            set: set.id,
            name: planned.name.clone(),
            month: set.month,
            source: definition.source.to_string(),
            commands: definition.commands.clone(),
        };
        let step = self.context.intend(SOURCE, &intent)?;
        let run = self.context.run;
        let before = match &intent.commands.before {
            Some(command) => run_one(
                &app,
                run,
                &intent,
                Purpose::Before,
                command,
                None,
                Some(&app.interrupt),
            ),
            None => Ok(()),
        };
        let outcome = match before {
            Ok(()) => work(self, planned),
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => self.unreadable(set, &planned.name, error),
        };
        let state = app.catalogue.read(|view| view.set(planned.id))?.state;
        let came = match (&outcome, state) {
            (Ok(Ok(())), SetState::Complete) => Came::Whole,
            _ => Came::Not,
        };
        // Not to be interrupted: nobody else undoes it.
        let after = run_after(&app, run, &intent, came);
        let observation = json!({
            "complete": came == Came::Whole,
            "after": after.as_ref().err().map(ToString::to_string),
        });
        self.context.observe(step, &observation, |_, _| Ok(()))?;
        if let Err(error) = after {
            self.warn(format!("set {}: {error}", planned.name));
        }
        outcome
    }

    /// Tells something that a person should look at; it is also told at the end.
    pub(super) fn warn(&mut self, what: String) {
        self.context.app.watcher.event(Event::Problem {
            subject: "sources".to_owned(),
            what: what.clone(),
        });
        self.warnings.push(what);
    }
}

/// Runs what processes that are gone were to run after their sources; before anything else.
pub(super) fn settle(app: &App) -> Result<()> {
    let open = app.catalogue.read(|view| {
        let mut open: Vec<Step> = Vec::new();
        for run in view.open_runs()? {
            if run.actor.station == app.actor.station {
                let steps = view.open_intents(run.id)?.into_iter();
                open.extend(steps.filter(|step| step.kind.as_str() == SOURCE));
            }
        }
        Ok::<_, Error>(open)
    })?;
    for step in open {
        let intent: SourceIntent =
            serde_json::from_value(step.intent.clone()).context("cannot read a step")?;
        let after = run_after(app, step.run, &intent, Came::Not);
        if let Err(error) = &after {
            app.watcher.event(Event::Problem {
                subject: format!("set {}", intent.name),
                what: error.to_string(),
            });
        }
        let observation = json!({
            "complete": false,
            "after": after.err().map(|error| error.to_string()),
        });
        app.write(|tx, now| {
            tx.observe(step.id, StepOutcome::Settled, &observation, now)?;
            let event = JournalEvent::StepSettled {
                run: step.run,
                step: step.id,
                observation: observation.clone(),
            };
            app.note(tx, now, &event)
        })?;
    }
    Ok(())
}

fn run_after(app: &App, run: RunId, intent: &SourceIntent, came: Came) -> Result<()> {
    match &intent.commands.after {
        Some(command) => run_one(app, run, intent, Purpose::After, command, Some(came), None),
        None => Ok(()),
    }
}

/// Runs a command to its end and records that.
fn run_one(
    app: &App,
    run: RunId,
    intent: &SourceIntent,
    purpose: Purpose,
    command: &CommandLine,
    came: Option<Came>,
    interrupt: Option<&Interrupt>,
) -> Result<()> {
    let mut told = vec![
        ("TAPEWARD_SET", intent.name.clone()),
        ("TAPEWARD_SOURCE", intent.source.clone()),
        ("TAPEWARD_MONTH", intent.month.to_string()),
        ("TAPEWARD_RUN", run.to_string()),
    ];
    if let Some(came) = came {
        let result = match came {
            Came::Whole => "ok",
            Came::Not => "failed",
        };
        told.push(("TAPEWARD_RESULT", result.to_owned()));
    }
    app.say(format!("set {}: {command}", intent.name));
    let ended = Process::start(&Launch {
        command: command.clone(),
        environment: intent.commands.environment.clone(),
        told,
    })
    .and_then(|mut process| {
        process.wait(Waiting {
            clock: &*app.clock,
            interrupt,
            limit: app.config.source.command(),
        })
    });
    let words = command.to_string();
    let (noted, outcome) = match ended {
        Ok(ended) if ended.good => (ended, Ok(())),
        Ok(ended) => {
            let error = command_failed(&words, &ended);
            (ended, Err(error))
        }
        Err(error) => {
            let how = error.to_string();
            let noted = Ended {
                how,
                good: false,
                said: String::new(),
            };
            (noted, Err(error))
        }
    };
    note_ended(app, run, intent.set, purpose, &words, &noted)?;
    outcome
}
