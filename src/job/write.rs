//! Writing one set: from the source to as many copies at once as there are drives.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::earlier::Earlier;
use super::plan::PlannedSet;
use super::problems::Problems;
use super::recorder::{Recorder, parts_name};
use super::run::Job;
use super::stream::StreamInput;
use super::supply::{Record, Supply};
use super::teller::{Teller, tell_flow};
use crate::archive::links::EarlierMembers;
use crate::archive::member::{ResumePoint, SegmentNumber, SetForm, SinkError};
use crate::archive::problem::{ArchiveError, Problem, Severity, show};
use crate::archive::scan::{MountBoundary, SourceTree};
use crate::archive::writer::{Patience, PlainFiles, Progress, TreeWriter};
use crate::catalogue::{BackupSet, Month, NewSet, NewSetCopy, SetDefinition, SetState, Source, Tx};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::CopyNumber;
use crate::journal::Event as JournalEvent;
use crate::key::recipients_for;
use crate::progress::Event;
use crate::tape::document::SetFacts;
use crate::tape::stream::{LaneEnd, Segmenter, SegmenterStart, StopFlag, StreamOptions};

/// Segments that may be lost by all copies before a set is given up for now: each loss ends a
/// cartridge, so more would only waste them.
pub(super) const MOST_LOSSES: usize = 3;

impl Job {
    /// Writes a set, or goes on with it, until its stream is complete and indexed; or gives it up.
    /// The inner error is about this set alone: what is on tape of it stays, to be gone on with.
    pub(super) fn write_set(
        &mut self,
        planned: &mut PlannedSet,
        month: Month,
    ) -> Result<Result<()>> {
        let app = Arc::clone(&self.context.app);
        let definition = app
            .catalogue
            .read(|view| view.definition(planned.definition))?;
        let set = self.find_or_add(planned, month)?;
        match set.state {
            SetState::Open => {}
            SetState::Sealed | SetState::Complete | SetState::Failed | SetState::Expired => {
                return Ok(Ok(()));
            }
        }
        app.say(format!(
            "set {}: writing {} in {} copies",
            planned.name,
            definition.source,
            planned.copies.len()
        ));
        if definition.commands.before.is_none() && definition.commands.after.is_none() {
            return self.write_source(&set, planned, month, &definition);
        }
        self.between_commands(&set, planned, &definition, |job, planned| {
            job.write_source(&set, planned, month, &definition)
        })
    }

    fn write_source(
        &mut self,
        set: &BackupSet,
        planned: &mut PlannedSet,
        month: Month,
        definition: &SetDefinition,
    ) -> Result<Result<()>> {
        match (&definition.source, set.form) {
            (Source::Folder(folder), SetForm::Tree) => {
                self.write_folder(set, planned, definition, folder)
            }
            (Source::Command(source), SetForm::Stream) => self
                .write_command(planned, month, definition, source)
                .map(Ok),
            (Source::Folder(_) | Source::Command(_) | Source::Pattern(_), _) => {
                let error = Error::failed("its definition is of something else by now");
                self.give_up(set, &planned.name, &error).map(Ok)
            }
        }
    }

    fn write_folder(
        &mut self,
        set: &BackupSet,
        planned: &PlannedSet,
        definition: &SetDefinition,
        folder: &Path,
    ) -> Result<Result<()>> {
        let app = Arc::clone(&self.context.app);
        let tree = match source_tree(folder, definition, &app.state) {
            Ok(tree) => tree,
            Err(error) => return self.unreadable(set, &planned.name, error),
        };
        let total = self.measure(&planned.name, &tree)?;
        for _ in 0..MOST_LOSSES {
            let session = self.with_other_drives(|job| {
                job.session(set, planned, definition, Input::Tree(&tree), total)
            });
            match session? {
                Session::Complete => return Ok(Ok(())),
                Session::Lost(segment) => self.say_lost(segment),
                Session::SourceFailed(error) => {
                    return self.give_up(set, &planned.name, &error).map(Ok);
                }
            }
        }
        Err(too_many_losses(&planned.name))
    }

    pub(super) fn say_lost(&self, segment: SegmentNumber) {
        self.context.app.say(format!(
            "segment {} did not get onto any tape: writing it again",
            segment.0
        ));
    }

    pub(super) fn find_or_add(&self, planned: &PlannedSet, month: Month) -> Result<BackupSet> {
        let app = &self.context.app;
        let known = app
            .catalogue
            .read(|view| view.sets_of_run(self.context.run))?;
        if let Some(set) = known.into_iter().find(|set| set.id == planned.id) {
            return Ok(set);
        }
        app.write(|tx, now| {
            let definition = tx.definition(planned.definition)?;
            let pools: Vec<_> = planned
                .copies
                .iter()
                .map(|(_, pool)| pool.clone())
                .collect();
            let keys = recipients_for(&app.config, tx, &definition, &pools)?;
            let until = |days: u32| now + chrono::TimeDelta::days(i64::from(days));
            let copies = planned.copies.iter().map(|(copy, pool)| NewSetCopy {
                copy: *copy,
                pool: pool.clone(),
                retain_until: until(planned.days_of(*copy)),
            });
            tx.add_set(&NewSet {
                id: planned.id,
                definition: planned.definition,
                run: self.context.run,
                month,
                started_at: now,
                retain_until: until(planned.retention_days),
                agency: definition.agency,
                copies: copies.collect(),
                form: match definition.source {
                    Source::Command(_) => SetForm::Stream,
                    Source::Folder(_) | Source::Pattern(_) => SetForm::Tree,
                },
                encryption: definition.encryption,
                recipients: keys.into_iter().map(|key| key.id).collect(),
            })?;
            app.note(
                tx,
                now,
                &JournalEvent::SetStarted {
                    run: self.context.run,
                    set: planned.id,
                    definition: planned.definition,
                    month,
                },
            )?;
            Ok(tx.set(planned.id)?)
        })
    }

    /// The source of a set cannot be read now: it is given up, unless some of it is on tape. The
    /// inner error says so then.
    pub(super) fn unreadable(
        &mut self,
        set: &BackupSet,
        name: &str,
        error: Error,
    ) -> Result<Result<()>> {
        let app = Arc::clone(&self.context.app);
        let begun = app
            .catalogue
            .read(|view| view.last_committed_segment(set.id))?;
        if begun.is_none() {
            return self.give_up(set, name, &error).map(Ok);
        }
        // It may come back: a share that is not mounted yet, a snapshot that cannot be made now.
        let what = format!("set {name} stays as far as it was written");
        Ok(Err(Error::failed(what).because(error).hint(format!(
            "mend that, then \"tapeward job resume\"; or \"tapeward job abandon {}\"",
            self.context.run
        ))))
    }

    pub(super) fn give_up(&mut self, set: &BackupSet, name: &str, error: &Error) -> Result<()> {
        let app = &self.context.app;
        let reason = error.to_string();
        app.watcher.event(Event::Problem {
            subject: format!("set {name}"),
            what: reason.clone(),
        });
        app.write(|tx, now| {
            fail_set(tx, set, now)?;
            app.note(
                tx,
                now,
                &JournalEvent::SetFailed {
                    run: self.context.run,
                    set: set.id,
                    reason,
                },
            )
        })?;
        self.failed.push(format!("set {name}: {error}"));
        Ok(())
    }

    /// Bytes of all files, for progress. It may take as long as millions of files take.
    fn measure(&self, name: &str, tree: &SourceTree) -> Result<Option<u64>> {
        let app = &self.context.app;
        let task = format!("measuring {name}");
        let mut teller = Teller::new(app, &task, None);
        teller.tell_now(0, 0);
        let measured = tree.measure_while(&mut |totals| {
            teller.tell(totals.bytes, totals.entries);
            !app.interrupt.requested()
        });
        app.watcher.event(Event::ProgressEnd { task });
        app.interrupt.check()?;
        // What cannot be measured is not known; the walk that writes says why.
        Ok(measured.ok().flatten().map(|totals| totals.bytes))
    }

    /// One stream: until the set is complete, a segment is lost, or an error.
    pub(super) fn session(
        &mut self,
        set: &BackupSet,
        planned: &PlannedSet,
        definition: &SetDefinition,
        input: Input<'_>,
        total: Option<u64>,
    ) -> Result<Session> {
        let app = Arc::clone(&self.context.app);
        let last = app
            .catalogue
            .read(|view| view.last_committed_segment(set.id))?;
        let (resume, first_segment) = last.map_or_else(
            || (ResumePoint::default(), SegmentNumber(0)),
            |last| (last.resume_point, SegmentNumber(last.number.0 + 1)),
        );
        let options = self.stream_options(set, definition)?;
        self.recover_parts(set.id)?;
        self.drives.give_way()?;
        let drives = self.drives.hand_over();
        let lanes = drives.available().min(planned.copies.len());
        let supply = Arc::new(Supply::new(
            self.context.clone(),
            set.id,
            &planned.copies,
            options.clone(),
            drives,
            std::mem::take(&mut self.set_aside),
        ));
        let outcome = self.stream(
            set,
            planned,
            input,
            &supply,
            &options,
            &Start {
                resume,
                first_segment,
                lanes,
                total,
            },
        );
        let supplied = supply.finish();
        self.drives = supplied.drives;
        self.set_aside = supplied.set_aside;
        match outcome {
            // The lanes say that no copy is left; why is known better here.
            Err(error) if error.kind() == ErrorKind::Failed => {
                Err(supplied.shortage.unwrap_or(error))
            }
            other => other,
        }
    }

    fn stream(
        &mut self,
        set: &BackupSet,
        planned: &PlannedSet,
        input: Input<'_>,
        supply: &Arc<Supply>,
        options: &StreamOptions,
        start: &Start,
    ) -> Result<Session> {
        let app = Arc::clone(&self.context.app);
        let earlier = Earlier::open(self, set.id)?;
        let mut lanes = Vec::new();
        for (copy, _) in planned.copies.iter().take(start.lanes) {
            match supply.open_next(*copy) {
                Ok(writer) => lanes.push((*copy, writer)),
                Err(error) => {
                    let ends = lanes.into_iter().map(open_lane).collect();
                    supply.take_back(ends, Record::Complete)?;
                    return Err(error);
                }
            }
        }
        let stop = StopFlag::of(app.interrupt.flag());
        let counted = app.catalogue.read(|view| view.set(set.id))?.totals.problems;
        let problems = Problems::open(&app.indexes().join(parts_name(set.id)), counted)?;
        let recorder = Arc::new(Recorder::new(
            self.context.clone(),
            set.id,
            stop.clone(),
            problems,
        ));
        supply.follow(&recorder);
        let (sender, events) = crossbeam_channel::unbounded();
        let segmenter = Segmenter::start(SegmenterStart {
            set: facts(set),
            options: options.clone(),
            geometry: supply.geometry()?,
            resume: start.resume.clone(),
            first_segment: start.first_segment,
            lanes,
            supply: Arc::clone(supply) as _,
            events: sender,
            stop,
            clock: Arc::clone(&app.clock),
            patience: Duration::from_secs(app.config.stream.slow_copy_seconds.into()),
        })
        .context("cannot start the stream")?;
        let (ends, outcome) = std::thread::scope(|scope| {
            scope.spawn(|| recorder.run(&events));
            self.produce(segmenter, set, planned, input, &*earlier, start, &recorder)
        });
        let record = if recorder.gave_up() {
            Record::Behind
        } else {
            Record::Complete
        };
        supply.take_back(ends, record)?;
        recorder.outcome()?;
        outcome
    }

    #[allow(clippy::too_many_arguments)] // everything a stream is made of
    fn produce(
        &self,
        mut segmenter: Segmenter,
        set: &BackupSet,
        planned: &PlannedSet,
        input: Input<'_>,
        earlier: &dyn EarlierMembers,
        start: &Start,
        recorder: &Recorder,
    ) -> (Vec<LaneEnd>, Result<Session>) {
        let app = Arc::clone(&self.context.app);
        let task = format!("writing {}", planned.name);
        let mut teller = Teller::new(&self.context.app, &task, start.total);
        let flow = segmenter.flow();
        let mut tell = |offset, members| {
            if teller.tell(offset, members) {
                tell_flow(&app, &task, &flow);
            }
        };
        let written = match input {
            Input::Tree(tree) => self.write_files(
                tree,
                &start.resume,
                earlier,
                &mut segmenter,
                recorder,
                &mut tell,
            ),
            Input::Stream(stream) => self.write_bytes(
                stream,
                set,
                planned,
                &start.resume,
                &mut segmenter,
                &mut tell,
            ),
        };
        app.watcher.event(Event::ProgressEnd { task });
        if let Some((stage, share)) = flow.read().slowest() {
            app.say(format!(
                "set {}: most time went to {stage} ({share} %)",
                planned.name
            ));
        }
        let closed = match written {
            Ok(()) => segmenter.close(),
            Err(Stopped::Sink(error)) => Err(error),
            Err(Stopped::Here(error)) => return (segmenter.abandon(), Err(error)),
            Err(Stopped::Source(error)) => {
                return (segmenter.abandon(), Ok(Session::SourceFailed(error)));
            }
        };
        if let Err(error) = closed {
            return (segmenter.abandon(), stopped(error));
        }
        match self.index(&mut segmenter, set, recorder) {
            Ok(()) => match segmenter.finish() {
                Ok(ends) => (ends, Ok(Session::Complete)),
                Err(failed) => {
                    let (error, ends) = *failed;
                    // The set is complete: only closing the volumes failed, and lanes reported it.
                    tracing::warn!(%error, "closing the volumes after a complete set");
                    (ends, Ok(Session::Complete))
                }
            },
            Err(error) => (segmenter.abandon(), Err(error)),
        }
    }

    fn write_files(
        &self,
        tree: &SourceTree,
        resume: &ResumePoint,
        earlier: &dyn EarlierMembers,
        segmenter: &mut Segmenter,
        recorder: &Recorder,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Stopped> {
        let app = &self.context.app;
        let patience = Patience {
            clock: Arc::clone(&app.clock),
            longest: app.config.source.release(),
        };
        TreeWriter {
            source: tree,
            earlier,
            files: &PlainFiles,
            patience: Some(&patience),
            sink: segmenter,
            problems: &mut |problem: Problem| {
                if problem.what.severity() == Severity::Loss {
                    recorder.count_problem(&problem);
                }
                app.watcher.event(Event::Problem {
                    subject: show(&problem.path),
                    what: problem.what.to_string(),
                });
            },
            progress: &mut |progress: &Progress<'_>| {
                tell(progress.stream_offset, progress.members);
            },
        }
        .run(resume)
        .map(|_| ())
        .map_err(|error| match error {
            ArchiveError::Sink(error) => Stopped::Sink(error),
            other => Stopped::Here(Error::failed("cannot read the source").because(other)),
        })
    }
}

/// Where a stream begins.
struct Start {
    resume: ResumePoint,
    first_segment: SegmentNumber,
    lanes: usize,
    /// Bytes of its files, where known.
    total: Option<u64>,
}

/// What a set is read from.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// Files below a folder.
    Tree(&'a SourceTree),
    /// Bytes.
    Stream(&'a StreamInput),
}

/// How a stream ended.
pub(super) enum Session {
    /// The set is complete.
    Complete,
    /// No copy has this segment; what came before counts.
    Lost(SegmentNumber),
    /// The source did not come whole, and will not: the set is to be given up.
    SourceFailed(Error),
}

/// Why a source was not written to its end.
pub(super) enum Stopped {
    /// The segmenter takes no more.
    Sink(SinkError),
    /// It is not known whether it can be read the next time.
    Here(Error),
    /// The source failed.
    Source(Error),
}

/// A set that was given up. What a command wrote of it is of no use: it keeps no cartridge.
pub(super) fn fail_set(tx: &Tx<'_>, set: &BackupSet, now: DateTime<Utc>) -> Result<()> {
    tx.fail_set(set.id, now)?;
    if set.form == SetForm::Stream {
        tx.release_set(set.id, now)?;
    }
    Ok(())
}

/// More would only waste cartridges.
pub(super) fn too_many_losses(name: &str) -> Error {
    Error::failed(format!(
        "set {name}: {MOST_LOSSES} segments did not get onto any tape"
    ))
    .hint("check drives and cartridges, then \"tapeward job resume\"")
}

fn stopped(error: SinkError) -> Result<Session> {
    match error {
        SinkError::SegmentLost(segment) => Ok(Session::Lost(segment)),
        SinkError::Interrupted => Err(Error::new(
            ErrorKind::Interrupted,
            "stopped at a safe point",
        )
        .hint("go on with \"tapeward job resume\"")),
        other => Err(Error::failed("the stream to tape stopped").because(other)),
    }
}

fn open_lane((copy, writer): (CopyNumber, crate::tape::volume::VolumeWriter)) -> LaneEnd {
    LaneEnd {
        copy,
        state: crate::tape::stream::LaneState::Open(Box::new(writer)),
    }
}

fn facts(set: &BackupSet) -> SetFacts {
    SetFacts {
        set: set.id,
        definition: set.definition,
        run: set.run,
        created: set.started_at,
        retain_until: Some(set.retain_until),
        keys: set.recipients.clone(),
        form: set.form,
    }
}

fn source_tree(folder: &Path, definition: &SetDefinition, state: &Path) -> Result<SourceTree> {
    use std::os::unix::ffi::OsStrExt;
    let mut tree =
        SourceTree::open(folder, MountBoundary::Cross).context("cannot read the source")?;
    for path in &definition.excludes {
        tree = tree.without_path(path.as_os_str().as_bytes());
    }
    // The state folder changes while it is read and holds the virtual library's tapes.
    tree.without_directory(state)
        .context("cannot leave the state folder out")
}
