//! Re-copy tasks are done: what a copy lacks is written from tape to tape and read back, and only
//! then does it take the place of what is left.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::complete::Order;
use super::drives::Drives;
use super::lease::Leases;
use super::run::Job;
use super::set_aside::SetAside;
use super::set_index::not_on_record;
use super::single::{SingleRun, hold_job, mark_interrupted, settle_interrupted};
use super::step::{COMPLETE, RunContext};
use crate::app::App;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{CopyTask, Place, RunKind, SegmentCopyState, SetCopyState, Tx, View};
use crate::copies::last::{WithoutCopy, left_without, without_copy};
use crate::copies::settle;
use crate::copies::{plan, source};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, SetId, TaskId, VolumeId};
use crate::journal::Event as JournalEvent;
use crate::library::Library;
use crate::media::reconcile;
use crate::progress::{Event, counted};
use crate::tape::verify::Depth;

/// What came of a task.
#[derive(Debug, Clone, Serialize)]
pub struct Recopied {
    /// The task.
    pub task: TaskId,
    /// The set.
    pub set: SetId,
    /// What it is a set of.
    pub name: String,
    /// Which copy of it.
    pub copy: CopyNumber,
    /// The cartridge that holds none of it any more.
    pub from: Option<Barcode>,
    /// Whether it is done.
    pub done: bool,
    /// Segments that were written and read back.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Why it is not done.
    pub problem: Option<String>,
    #[serde(skip)]
    kind: Option<ErrorKind>,
}

/// What came of all of them.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The tasks, in the order in which they were begun.
    pub tasks: Vec<Recopied>,
    /// Sets of which segments are left without any good copy.
    pub without_copy: Vec<WithoutCopy>,
}

impl Report {
    /// # Errors
    /// That something is left to do, by the worst reason.
    pub fn outcome(&self) -> Result<()> {
        without_copy(&self.without_copy)?;
        let left: Vec<&Recopied> = self.tasks.iter().filter(|task| !task.done).collect();
        if left.is_empty() {
            return Ok(());
        }
        let person = left
            .iter()
            .any(|task| task.kind == Some(ErrorKind::OperatorNeeded));
        let kind = if person {
            ErrorKind::OperatorNeeded
        } else {
            ErrorKind::Failed
        };
        let what = counted(left.len() as u64, "task is", "tasks are");
        Err(Error::new(kind, format!("{what} not done"))
            .hint("see above; go on with \"tapeward copy run\""))
    }
}

/// Does re-copy tasks: these, or all that are open.
///
/// # Errors
/// [`ErrorKind::Locked`] while a job is running, a usage error while one is unfinished.
pub fn run(app: &Arc<App>, library: &Arc<Library>, ids: &[TaskId]) -> Result<Report> {
    mark_interrupted(app)?;
    let _lock = hold_job(app)?;
    let open = app.catalogue.read(|view| view.open_runs())?;
    if let Some(unfinished) = open.iter().find(|run| run.kind == RunKind::Backup) {
        let id = unfinished.id;
        return Err(Error::usage(format!("run {id} is not finished"))
            .hint(format!("finish it first: \"tapeward job resume {id}\"")));
    }
    let tasks = app.catalogue.read(|view| plan::chosen(view, ids))?;
    if tasks.is_empty() {
        return Ok(Report {
            tasks: Vec::new(),
            without_copy: Vec::new(),
        });
    }
    let view = library.view()?;
    let held = library.hold_drives_of_each_kind(&view, 2)?;
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, None)?;
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let run = SingleRun::begin(app, RunKind::Copy, json!({ "tasks": ids }))?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut job = Job {
        drives: Drives::new(context.clone(), held),
        context,
        set_aside: SetAside::default(),
        failed: Vec::new(),
        warnings: Vec::new(),
    };
    let outcome = job.recopy_all(&tasks);
    let outcome = job.drives.put_away(outcome);
    run.end(&outcome, |_, _, _| Ok(()))?;
    let sets: BTreeSet<SetId> = tasks.iter().map(|task| task.set).collect();
    Ok(Report {
        tasks: outcome?,
        without_copy: app.catalogue.read(|view| left_without(view, &sets))?,
    })
}

impl Job {
    fn recopy_all(&mut self, tasks: &[CopyTask]) -> Result<Vec<Recopied>> {
        settle_interrupted(&self.context.clone(), &mut self.drives)?;
        let app = Arc::clone(&self.context.app);
        let mut all = Vec::new();
        for task in tasks {
            app.interrupt.check()?;
            let mut recopied = app.catalogue.read(|view| begun(view, task))?;
            let done = self.recopy(task, &mut recopied);
            if let Err(error) = done {
                if !matches!(error.kind(), ErrorKind::Failed | ErrorKind::OperatorNeeded) {
                    return Err(error);
                }
                // The other tasks are done all the same.
                app.watcher.event(Event::Problem {
                    subject: format!("set {}, copy {}", recopied.name, task.copy),
                    what: error.to_string(),
                });
                recopied.kind = Some(error.kind());
                recopied.problem = Some(error.to_string());
            }
            all.push(recopied);
        }
        Ok(all)
    }

    fn recopy(&mut self, task: &CopyTask, recopied: &mut Recopied) -> Result<()> {
        let app = Arc::clone(&self.context.app);
        let order = app
            .catalogue
            .read(|view| order(view, task, &recopied.name))?;
        self.must_open_keys(&order.set, &order.name)?;
        let lacking = app.catalogue.read(|view| order.lacking(view))?;
        self.must_be_here(&order, &lacking)?;
        let lacks_index = app.catalogue.read(|view| order.lacks_index(view))?;
        if !lacking.is_empty() || lacks_index {
            let what = match lacking.len() as u64 {
                0 => "the index of the set".to_owned(),
                many => counted(many, "segment", "segments"),
            };
            app.say(format!(
                "set {}, copy {}: copying {what} to pool {}",
                order.name,
                task.copy,
                order
                    .pools
                    .iter()
                    .find(|(copy, _)| *copy == task.copy)
                    .map_or("", |(_, pool)| pool.as_str())
            ));
            let intent = json!({
                "task": task.id, "set": task.set, "copy": task.copy, "segments": lacking.len()
            });
            let step = self.context.intend(COMPLETE, &intent)?;
            if let Err(error) = self.with_other_drives(|job| job.complete_copy(&order)) {
                self.context.failed(step, &error)?;
                return Err(error);
            }
            self.context
                .observe(step, &json!({ "written": lacking.len() }), |_, _| Ok(()))?;
        }
        self.read_new(task, recopied)?;
        let ended = app.write(|tx, now| {
            whole_again(&self.context, tx, now, task)?;
            settle::settle(&app, tx, now, task.set, task.copy)
        })?;
        recopied.done = ended.iter().any(|ended| ended.id == task.id)
            || app
                .catalogue
                .read(|view| view.copy_task(task.id))?
                .closed_at
                .is_some();
        if !recopied.done {
            return Err(Error::failed("what was written is not as it was read"));
        }
        Ok(())
    }

    /// # Errors
    /// [`ErrorKind::OperatorNeeded`] naming cartridges that have to be brought.
    fn must_be_here(&self, order: &Order, lacking: &[SegmentNumber]) -> Result<()> {
        let here = self.context.library_id;
        let absent = self.context.app.catalogue.read(|view| {
            let none = BTreeSet::new();
            let best = source::best(view, Some(here), order.set.id, order.leaving, &none)?;
            let mut absent = BTreeSet::new();
            for number in lacking {
                let Some(copy) = best.get(number) else {
                    return Err(Error::new(
                        ErrorKind::OperatorNeeded,
                        format!("segment {} is on no tape that can be read", number.0),
                    ));
                };
                let cartridge = view.cartridge(view.volume(copy.volume)?.cartridge)?;
                if !matches!(cartridge.place, Place::Element { library, .. } if library == here) {
                    let place = reconcile::place_words(view, &cartridge.place)?;
                    absent.insert(format!("{} ({place})", cartridge.barcode));
                }
            }
            Ok(absent)
        })?;
        if absent.is_empty() {
            return Ok(());
        }
        let absent: Vec<String> = absent.into_iter().collect();
        Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("not in the library: {}", absent.join(", ")),
        )
        .hint("bring them, put them into mail slots, then \"tapeward copy run\""))
    }

    /// Reads back what was written for a task. What is as it was written takes its place.
    fn read_new(&mut self, task: &CopyTask, recopied: &mut Recopied) -> Result<()> {
        let app = Arc::clone(&self.context.app);
        let rows = app
            .catalogue
            .read(|view| view.unread_copies(task.set, task.copy, task.opened_at))?;
        let name = format!("reading back {}, copy {}", recopied.name, task.copy);
        for row in rows {
            app.interrupt.check()?;
            let read = self
                .with_other_drives(|job| job.read_back(&row, Depth::Bytes, &mut None))?
                .outcome;
            app.write(|tx, now| self.record_read(tx, now, &row, &read, Depth::Bytes))?;
            match read {
                Ok(bytes) => {
                    recopied.segments += 1;
                    recopied.bytes += bytes;
                }
                Err(damage) => app.watcher.event(Event::Problem {
                    subject: format!("set {}, copy {}", recopied.name, task.copy),
                    what: damage,
                }),
            }
            app.watcher.event(Event::Progress {
                task: name.clone(),
                bytes: recopied.bytes,
                total: None,
                files: recopied.segments as u64,
            });
        }
        app.watcher.event(Event::ProgressEnd { task: name });
        Ok(())
    }
}

fn begun(view: &View<'_>, task: &CopyTask) -> Result<Recopied> {
    let set = view.set(task.set)?;
    Ok(Recopied {
        task: task.id,
        set: task.set,
        name: view.definition(set.definition)?.name,
        copy: task.copy,
        from: plan::barcode_of(view, task.volume)?,
        done: false,
        segments: 0,
        bytes: 0,
        problem: None,
        kind: None,
    })
}

/// What a task writes, and where not: not on what is to be emptied, and not beside another copy of
/// the same set.
fn order(view: &View<'_>, task: &CopyTask, name: &str) -> Result<Order> {
    let mut volumes: BTreeSet<VolumeId> = view
        .open_copy_tasks()?
        .into_iter()
        .filter_map(|task| task.volume)
        .collect();
    for row in view.segment_copies(task.set)? {
        let there = matches!(
            row.state,
            SegmentCopyState::Committed | SegmentCopyState::Verified | SegmentCopyState::Replacing
        );
        if there && row.copy != task.copy {
            volumes.insert(row.volume);
        }
    }
    let without = volumes
        .into_iter()
        .map(|volume| Ok(view.cartridge(view.volume(volume)?.cartridge)?.barcode))
        .collect::<Result<_>>()?;
    Ok(Order {
        set: view.set(task.set)?,
        name: name.to_owned(),
        copy: task.copy,
        pools: vec![(task.copy, plan::target(view, task)?)],
        leaving: task.volume,
        without,
    })
}

/// A copy that has everything again says so.
fn whole_again(
    context: &RunContext,
    tx: &Tx<'_>,
    now: chrono::DateTime<chrono::Utc>,
    task: &CopyTask,
) -> Result<()> {
    let (set, copy) = (task.set, task.copy);
    let copies = tx.set_copies(set)?;
    let was = copies.into_iter().find(|row| row.copy == copy);
    let lacked = was.is_some_and(|row| {
        matches!(
            row.state,
            SetCopyState::Incomplete | SetCopyState::Lost | SetCopyState::Writing
        )
    });
    let is_whole = tx.missing_segments(set, copy)?.is_empty()
        && not_on_record(&context.app, &tx.set(set)?)?.is_empty();
    if !lacked || !is_whole {
        return Ok(());
    }
    let live = tx.live_copies(set, copy)?;
    let state = if live
        .iter()
        .all(|row| row.state == SegmentCopyState::Verified)
    {
        SetCopyState::Verified
    } else {
        SetCopyState::Complete
    };
    tx.set_copy_state(set, copy, state, now)?;
    context.app.note(
        tx,
        now,
        &JournalEvent::SetCopyChanged {
            run: Some(context.run),
            set,
            copy,
            state,
        },
    )
}
