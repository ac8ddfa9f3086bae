//! A set that is one stream: what a command writes, as it comes or by way of a file.
//!
//! What comes from a command cannot be asked for again. So a set whose stream was cut short is
//! given up, and another one is begun in its place; one that is spooled goes on.

use std::sync::Arc;

use serde_json::json;

use super::plan::{Plan, PlannedSet};
use super::run::Job;
use super::teller::Teller;
use super::write::{Input, MOST_LOSSES, Session, Stopped, fail_set, too_many_losses};
use crate::app::App;
use crate::archive::member::{FileTime, ResumePoint};
use crate::catalogue::{BackupSet, CommandSource, Month, SetDefinition, SetState};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::SetId;
use crate::journal::{Event as JournalEvent, Purpose};
use crate::progress::Event;
use crate::source::{
    ByteSource, CommandBytes, Ended, FileBytes, Launch, NewStream, Spool, StreamError, member_name,
    write_stream,
};
use crate::tape::stream::Segmenter;

/// Where the bytes of a stream come from.
pub(super) enum StreamInput {
    /// A command that is to be started.
    Command(Launch),
    /// What it wrote, whole.
    Spool(Spool),
    /// All of it is on tape already; only its end is not on record.
    Over,
}

impl Job {
    /// Writes a set that a command makes, or goes on with it, until it is complete; or gives it up.
    pub(super) fn write_command(
        &mut self,
        planned: &mut PlannedSet,
        month: Month,
        definition: &SetDefinition,
        source: &CommandSource,
    ) -> Result<()> {
        for _ in 0..MOST_LOSSES {
            let session = self
                .with_other_drives(|job| job.stream_session(planned, month, definition, source));
            let done = match session? {
                Session::Lost(segment) => {
                    self.say_lost(segment);
                    continue;
                }
                Session::Complete => Ok(()),
                Session::SourceFailed(error) => {
                    let app = &self.context.app;
                    let set = app.catalogue.read(|view| view.set(planned.id))?;
                    self.give_up(&set, &planned.name, &error)
                }
            };
            remove_spool(source, planned.id);
            return done;
        }
        Err(too_many_losses(&planned.name))
    }

    fn stream_session(
        &mut self,
        planned: &mut PlannedSet,
        month: Month,
        definition: &SetDefinition,
        source: &CommandSource,
    ) -> Result<Session> {
        let app = Arc::clone(&self.context.app);
        let mut set = self.find_or_add(planned, month)?;
        let last = app
            .catalogue
            .read(|view| view.last_committed_segment(set.id))?;
        let mut spool = spool_of(source, set.id);
        let is_whole = |spool: &Option<Spool>| match spool {
            Some(spool) => Ok::<_, Error>(spool.length()?.is_some()),
            None => Ok(false),
        };
        let input = match &last {
            Some(last) if is_over(&last.resume_point) => StreamInput::Over,
            _ => {
                if last.is_some() && !is_whole(&spool)? {
                    set = self.begin_anew(&set, planned, month)?;
                    spool = spool_of(source, set.id);
                }
                let launch = self.launch(&set, &planned.name, definition, source);
                match spool {
                    None => StreamInput::Command(launch),
                    Some(spool) => {
                        if spool.length()?.is_none()
                            && let Err(stopped) = self.fill_spool(&spool, &launch, &set, planned)
                        {
                            return stopped;
                        }
                        StreamInput::Spool(spool)
                    }
                }
            }
        };
        let total = match &input {
            StreamInput::Spool(spool) => spool.length()?,
            StreamInput::Command(_) | StreamInput::Over => None,
        };
        self.session(&set, planned, definition, Input::Stream(&input), total)
    }

    /// Gives a set up of which some is on tape, for one that takes its place in the run.
    fn begin_anew(
        &mut self,
        old: &BackupSet,
        planned: &mut PlannedSet,
        month: Month,
    ) -> Result<BackupSet> {
        let app = Arc::clone(&self.context.app);
        let run = self.context.run;
        let new = SetId::generate(app.clock.now());
        app.write(|tx, now| {
            let mut plan: Plan = serde_json::from_value(tx.run(run)?.plan)
                .context(format!("the plan of run {run} cannot be read"))?;
            for set in &mut plan.sets {
                if set.id == old.id {
                    set.id = new;
                }
            }
            tx.set_run_plan(run, &json!(plan))?;
            fail_set(tx, old, now)?;
            let reason = format!("its command cannot go on where it was: begun anew as {new}");
            let event = JournalEvent::SetFailed {
                run,
                set: old.id,
                reason,
            };
            app.note(tx, now, &event)
        })?;
        app.say(format!(
            "set {}: what is on tape of {} cannot be gone on with and is given up; begun anew as {new}",
            planned.name, old.id
        ));
        planned.id = new;
        self.find_or_add(planned, month)
    }

    fn launch(
        &self,
        set: &BackupSet,
        name: &str,
        definition: &SetDefinition,
        source: &CommandSource,
    ) -> Launch {
        Launch {
            command: source.command.clone(),
            environment: definition.commands.environment.clone(),
            told: vec![
                ("TAPEWARD_SET", name.to_owned()),
                ("TAPEWARD_MONTH", set.month.to_string()),
                ("TAPEWARD_RUN", self.context.run.to_string()),
            ],
        }
    }

    /// Has a command write to its file, before any drive is needed. The error is how the session
    /// ends.
    fn fill_spool(
        &self,
        spool: &Spool,
        launch: &Launch,
        set: &BackupSet,
        planned: &PlannedSet,
    ) -> Result<(), Result<Session>> {
        let app = &self.context.app;
        let task = format!("spooling {}", planned.name);
        let mut teller = Teller::new(app, &task, None);
        let reserve = app.config.source.spool_reserve.as_u64();
        let filled = self.run_source(launch, set, &mut |bytes| {
            spool.fill(bytes, reserve, &mut |length| {
                teller.tell(length, 0);
            })
        });
        app.watcher.event(Event::ProgressEnd { task });
        match filled {
            Ok(length) => {
                app.say(format!(
                    "set {}: {} MB in {}",
                    planned.name,
                    length / 1_000_000,
                    spool.path().display()
                ));
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(Err(error)),
            Err(error) => Err(Ok(Session::SourceFailed(error))),
        }
    }

    /// Starts a command, has its output taken, and notes how it ended.
    fn run_source<T>(
        &self,
        launch: &Launch,
        set: &BackupSet,
        take: &mut dyn FnMut(&mut dyn ByteSource) -> Result<T>,
    ) -> Result<T> {
        let app = &self.context.app;
        let stall = app.config.source.stall();
        let mut bytes = CommandBytes::start(launch, &*app.clock, &app.interrupt, stall)?;
        let taken = take(&mut bytes);
        let ended = bytes.finish()?;
        self.command_ended(set.id, Purpose::Source, &launch.command.to_string(), &ended)?;
        taken
    }

    /// Records how a command ended, and says what it said last.
    pub(super) fn command_ended(
        &self,
        set: SetId,
        purpose: Purpose,
        command: &str,
        ended: &Ended,
    ) -> Result<()> {
        let app = &self.context.app;
        if !ended.said.is_empty() {
            app.say(format!("{command} {}", ended.in_words()));
        }
        note_ended(app, self.context.run, set, purpose, command, ended)
    }

    /// Writes the bytes of a stream into segments.
    pub(super) fn write_bytes(
        &self,
        input: &StreamInput,
        set: &BackupSet,
        planned: &PlannedSet,
        resume: &ResumePoint,
        segmenter: &mut Segmenter,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Stopped> {
        let new = NewStream {
            path: member_name(&planned.name),
            modified: FileTime {
                seconds: set.started_at.timestamp(),
                nanos: set.started_at.timestamp_subsec_nanos(),
            },
            owner: (
                nix::unistd::geteuid().as_raw(),
                nix::unistd::getegid().as_raw(),
            ),
            patience: self.context.app.config.source.release(),
        };
        let mut sink_error = None;
        let mut write = |bytes: &mut dyn ByteSource| {
            write_stream(&new, bytes, resume, segmenter, &mut |length| {
                tell(length, 0);
            })
            .map_err(|error| match error {
                StreamError::Source(error) => error,
                StreamError::Sink(error) => {
                    let what = error.to_string();
                    sink_error = Some(error);
                    Error::failed(what)
                }
            })
        };
        let written = match input {
            StreamInput::Over => Ok(()),
            StreamInput::Spool(spool) => {
                FileBytes::open(spool.path()).and_then(|mut file| write(&mut file))
            }
            StreamInput::Command(launch) => self.run_source(launch, set, &mut write),
        };
        match (written, sink_error, input) {
            (Ok(()), _, _) => Ok(()),
            (Err(_), Some(error), _) => Err(Stopped::Sink(error)),
            (Err(error), None, StreamInput::Command(_))
                if error.kind() != ErrorKind::Interrupted =>
            {
                Err(Stopped::Source(error))
            }
            // A file may be readable the next time.
            (Err(error), None, _) => Err(Stopped::Here(error)),
        }
    }
}

/// Whether the end of the stream is in a segment that is on tape.
fn is_over(resume: &ResumePoint) -> bool {
    resume.partial.is_none() && resume.last_path.is_some()
}

fn spool_of(source: &CommandSource, set: SetId) -> Option<Spool> {
    source.spool.as_deref().map(|folder| Spool::of(folder, set))
}

fn remove_spool(source: &CommandSource, set: SetId) {
    if let Some(spool) = spool_of(source, set)
        && let Err(error) = spool.remove()
    {
        tracing::warn!(%error, "a spooled set stays where it was");
    }
}

/// Records how a command ended.
pub(super) fn note_ended(
    app: &App,
    run: crate::id::RunId,
    set: SetId,
    purpose: Purpose,
    command: &str,
    ended: &Ended,
) -> Result<()> {
    app.write(|tx, now| {
        let event = JournalEvent::CommandEnded {
            run,
            set,
            purpose,
            command: command.to_owned(),
            how: ended.how.clone(),
            said: ended.said.clone(),
        };
        app.note(tx, now, &event)
    })
}

/// Removes what sets spooled that are not under way any more.
pub(super) fn sweep_spools(app: &App) -> Result<()> {
    let spooled = app.catalogue.read(|view| {
        let mut spooled = Vec::new();
        for definition in view.all_definitions()? {
            let crate::catalogue::Source::Command(source) = definition.source else {
                continue;
            };
            if source.spool.is_none() {
                continue;
            }
            let sets = view.sets_of(definition.id)?.into_iter();
            let over = sets.filter(|set| set.state != SetState::Open);
            spooled.extend(over.map(|set| (source.clone(), set.id)));
        }
        Ok::<_, Error>(spooled)
    })?;
    for (source, set) in spooled {
        remove_spool(&source, set);
    }
    Ok(())
}
