//! What lanes report becomes the record: segments, tape files, volumes, one transaction each.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use crossbeam_channel::Receiver;

use super::problems::Problems;
use super::step::RunContext;
use super::volumes;
use crate::archive::member::SegmentNumber;
use crate::archive::problem::Problem;
use crate::catalogue::{
    ContentDigest, ContentState, Segment, SegmentCopy, SegmentCopyState, SetState, StoredIndex, Tx,
};
use crate::error::{Error, Result};
use crate::files;
use crate::id::{CopyNumber, SetId, VolumeId};
use crate::journal::Event as JournalEvent;
use crate::progress::Event;
use crate::tape::SegmentFiles;
use crate::tape::stream::{FinishReason, LaneEvent, SegmentClosed, StopFlag, StreamEvent};

/// Records the events of one stream.
#[derive(Debug)]
pub struct Recorder {
    context: RunContext,
    set: SetId,
    stop: StopFlag,
    problems: Problems,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Closed in this stream; recorded with the first copy of each.
    closed: HashMap<SegmentNumber, Closed>,
    /// The highest segment of which a copy is recorded.
    committed: Option<SegmentNumber>,
    /// Volumes that a lane is done with, all that is on them recorded.
    finished: HashSet<VolumeId>,
    /// Lanes that the others go on without.
    left_behind: HashSet<CopyNumber>,
    /// The first thing that could not be recorded.
    failed: Option<Error>,
    /// Something could not be recorded; nothing after it is.
    gave_up: bool,
}

#[derive(Debug, Clone)]
struct Closed {
    segment: Segment,
    /// Problems up to here.
    problems: u64,
}

impl Recorder {
    /// A recorder for a set that is being written; `problems` are those of earlier sessions.
    #[must_use]
    pub fn new(context: RunContext, set: SetId, stop: StopFlag, problems: Problems) -> Self {
        Self {
            context,
            set,
            stop,
            problems,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Records until the stream is over. What cannot be recorded stops the stream: nothing
    /// counts that the record does not know.
    pub fn run(&self, events: &Receiver<StreamEvent>) {
        for event in events {
            // After a failure nothing more counts: a later segment without an earlier one would
            // leave a hole in the set.
            if self.lock().failed.is_some() || self.lock().gave_up {
                continue;
            }
            if let Err(error) = self.record(event) {
                let mut state = self.lock();
                state.failed.get_or_insert(error);
                state.gave_up = true;
                drop(state);
                self.stop.set();
                self.changed.notify_all();
            }
        }
    }

    /// Counts a thing that could not be read as it was.
    pub fn count_problem(&self, problem: &Problem) {
        self.problems.count(problem);
    }

    /// Things that could not be read as they were, earlier sessions included.
    pub fn problems(&self) -> u64 {
        self.problems.total()
    }

    /// Waits until a copy of a segment is recorded.
    ///
    /// # Errors
    /// What could not be recorded.
    pub fn wait_for(&self, segment: SegmentNumber) -> Result<()> {
        let mut state = self.lock();
        loop {
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            if state.committed >= Some(segment) {
                return Ok(());
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until everything is recorded that a lane wrote on a volume before it was done with it.
    ///
    /// # Errors
    /// Something could not be recorded.
    pub fn wait_finished(&self, volume: VolumeId) -> Result<()> {
        let mut state = self.lock();
        loop {
            if state.gave_up {
                return Err(Error::failed("what is on the tape could not be recorded"));
            }
            if state.finished.remove(&volume) {
                return Ok(());
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the others go on without this copy's lane.
    pub fn left_behind(&self, copy: CopyNumber) -> bool {
        self.lock().left_behind.contains(&copy)
    }

    /// Whether something could not be recorded.
    pub fn gave_up(&self) -> bool {
        self.lock().gave_up
    }

    /// What could not be recorded, once the stream is over.
    pub fn outcome(&self) -> Result<()> {
        self.lock().failed.take().map_or(Ok(()), Err)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, event: StreamEvent) -> Result<()> {
        match event {
            StreamEvent::SegmentClosed(closed) => self.closed(&closed),
            StreamEvent::Lane { copy, event } => self.lane(copy, event),
        }
    }

    fn closed(&self, closed: &SegmentClosed) -> Result<()> {
        let facts = &closed.facts;
        let name = part_name(self.set, facts.segment);
        let path = self.context.app.indexes().join(&name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| {
                Error::failed(format!("cannot create {}", folder.display())).because(source)
            })?;
        }
        files::write_atomically(&path, &closed.index_part)?;
        self.problems.synchronise()?;
        let digest = ContentDigest(*blake3::hash(&closed.index_part).as_bytes());
        let segment = Segment {
            set: self.set,
            number: facts.segment,
            stream_offset: facts.stream_offset,
            plaintext_length: facts.plaintext_length,
            coded_length: facts.length,
            codec: facts.codec,
            digest: facts.xxh3_128,
            entries: facts.members,
            resume_point: closed.resume.clone(),
            part: Some(StoredIndex { file: name, digest }),
            closed_at: self.context.app.clock.now(),
        };
        let closed = Closed {
            segment,
            problems: self.problems(),
        };
        self.lock().closed.insert(facts.segment, closed);
        Ok(())
    }

    fn lane(&self, copy: CopyNumber, event: LaneEvent) -> Result<()> {
        let app = &self.context.app;
        match event {
            LaneEvent::VolumeOpened { .. } => Ok(()),
            LaneEvent::Committed {
                segment,
                volume,
                files,
            } => self.committed(copy, segment, volume, &files),
            LaneEvent::Filed { volume, file } => app
                .write(|tx, now| volumes::add_files(tx, volume, std::slice::from_ref(&*file), now)),
            LaneEvent::SegmentLost {
                segment,
                volume,
                why,
            } => {
                self.problem(
                    copy,
                    format!("segment {} was not written: {why}", segment.0),
                );
                let Some(volume) = volume else { return Ok(()) };
                app.write(|tx, now| {
                    app.note(
                        tx,
                        now,
                        &JournalEvent::SegmentLost {
                            run: Some(self.context.run),
                            set: self.set,
                            volume,
                            segment,
                            copy,
                            reason: why,
                        },
                    )
                })
            }
            LaneEvent::SetIndexSkipped { why } => {
                tracing::info!(%copy, why, "the set index was not written to this copy");
                Ok(())
            }
            LaneEvent::VolumeFinished { volume, reason, .. } => {
                let full = match reason {
                    FinishReason::Full => Some("full".to_owned()),
                    FinishReason::Failed(why) => Some(why),
                    FinishReason::GivenWay => None,
                };
                if let Some(reason) = full {
                    app.write(|tx, now| {
                        self.content(tx, now, volume, ContentState::Full, &reason)
                    })?;
                }
                self.lock().finished.insert(volume);
                self.changed.notify_all();
                Ok(())
            }
            LaneEvent::LeftBehind { why } => {
                self.lock().left_behind.insert(copy);
                self.problem(
                    copy,
                    format!(
                        "too slow, {why}: they go on without it, the rest is copied from tape to \
                         tape"
                    ),
                );
                app.write(|tx, now| {
                    app.note(
                        tx,
                        now,
                        &JournalEvent::SetCopyLeftBehind {
                            run: self.context.run,
                            set: self.set,
                            copy,
                            reason: why,
                        },
                    )
                })
            }
            LaneEvent::Fed(feeding) => {
                app.say(format!("copy {copy}: {feeding}"));
                Ok(())
            }
            LaneEvent::Dead { why } => {
                self.problem(copy, why);
                Ok(())
            }
        }
    }

    fn problem(&self, copy: CopyNumber, what: String) {
        self.context.app.watcher.event(Event::Problem {
            subject: format!("copy {copy}"),
            what,
        });
    }

    fn committed(
        &self,
        copy: CopyNumber,
        number: SegmentNumber,
        volume: VolumeId,
        files: &SegmentFiles,
    ) -> Result<()> {
        let closed = self.lock().closed.get(&number).cloned();
        self.context.app.write(|tx, now| {
            if let Some(closed) = &closed {
                if let Some(before) = number.0.checked_sub(1) {
                    // No hole: the segment before must be on some tape.
                    tx.segment(self.set, SegmentNumber(before))?;
                }
                tx.add_segment(&closed.segment)?;
                // Another copy may have been faster, and the set be complete.
                if tx.set(self.set)?.state == SetState::Open {
                    tx.record_problems(self.set, closed.problems)?;
                }
            }
            self.content(tx, now, volume, ContentState::Filling, "written to")?;
            record_copy(
                &self.context,
                tx,
                now,
                self.set,
                copy,
                number,
                volume,
                files,
                SegmentCopyState::Committed,
            )?;
            Ok(tx.extend_retention(volume, tx.set_copy(self.set, copy)?.retain_until)?)
        })?;
        let mut state = self.lock();
        state.committed = state.committed.max(Some(number));
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    fn content(
        &self,
        tx: &Tx<'_>,
        now: DateTime<Utc>,
        volume: VolumeId,
        content: ContentState,
        reason: &str,
    ) -> Result<()> {
        set_content(&self.context, tx, now, volume, content, reason)
    }
}

/// Changes what a volume's content is worth, in record and journal.
pub fn set_content(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: VolumeId,
    content: ContentState,
    reason: &str,
) -> Result<()> {
    if tx.volume(volume)?.content == content {
        return Ok(());
    }
    let run = Some(context.run);
    tx.set_content(volume, content, now, reason, run)?;
    context.app.note(
        tx,
        now,
        &JournalEvent::VolumeContent {
            volume,
            run,
            content,
            reason: reason.to_owned(),
        },
    )?;
    if content == ContentState::Quarantined {
        crate::copies::task::quarantined(&context.app, tx, now, volume, reason)?;
    }
    Ok(())
}

/// Records that a copy of a segment is on a volume.
#[allow(clippy::too_many_arguments)] // one row of the record
pub fn record_copy(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    set: SetId,
    copy: CopyNumber,
    segment: SegmentNumber,
    volume: VolumeId,
    files: &SegmentFiles,
    state: SegmentCopyState,
) -> Result<()> {
    let all: Vec<_> = files.iter().cloned().collect();
    volumes::add_files(tx, volume, &all, now)?;
    let row = tx.segment(set, segment)?;
    tx.add_segment_copy(&SegmentCopy {
        set,
        segment,
        copy,
        volume,
        tape_file: files.data.tape_file,
        block_address: files.data.first_block.0,
        state,
        committed_at: now,
        verified_at: None,
    })?;
    context.app.note(
        tx,
        now,
        &JournalEvent::SegmentCommitted {
            run: context.run,
            set,
            volume,
            segment,
            copy,
            tape_file: files.data.tape_file,
            codec: row.codec,
            digest: row.digest,
            bytes: row.coded_length,
        },
    )
}

/// Name of the folder of a set's index parts below the folder of indexes.
pub fn parts_name(set: SetId) -> String {
    format!("{set}.parts")
}

/// Name of a stored index part below the folder of indexes.
fn part_name(set: SetId, segment: SegmentNumber) -> String {
    let path: PathBuf = [parts_name(set), format!("{:06}.index", segment.0)]
        .iter()
        .collect();
    path.to_string_lossy().into_owned()
}
