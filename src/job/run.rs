//! Starting and resuming runs of the monthly job.

use std::sync::Arc;

use tapeward_drivers::smc::ElementKind;

use super::begin::{can_be_read, save_found};
use super::blocks;
use super::drives::Drives;
use super::encryption::can_encrypt;
use super::hooks;
use super::lease::Leases;
use super::plan::{self, Plan, Planned, PlannedSet, Request};
use super::report::Report;
use super::set_aside::SetAside;
use super::set_index;
use super::settle::{self, WriteIntent};
use super::single::{SingleRun, hold_job, mark_interrupted, settle_interrupted};
use super::step::{RunContext, WRITE};
use super::stream::sweep_spools;
use super::verify::{self, Verified};
use super::write::fail_set;
use crate::app::App;
use crate::catalogue::{
    ContentState, NewRun, Run, RunKind, RunState, SetCopyState, SetState, StepOutcome,
};
use crate::copies::task;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{CopyNumber, RunId, SetId};
use crate::journal::Event as JournalEvent;
use crate::key::Identities;
use crate::library::Library;
use crate::library::mount::HeldDrive;
use crate::library::view::{View, full_mail_slots};
use crate::media::reconcile;
use crate::progress::Event;
use crate::retention;
use crate::tape::verify::Depth;

/// A run under way.
#[derive(Debug)]
pub struct Job {
    pub(super) context: RunContext,
    pub(super) drives: Drives,
    /// Cartridges that would not do.
    pub(super) set_aside: SetAside,
    /// Sets that were given up.
    pub(super) failed: Vec<String>,
    /// What a person should look at besides.
    pub(super) warnings: Vec<String>,
}

/// Starts a run.
///
/// # Errors
/// [`ErrorKind::Locked`] while another one is running, a usage error while one is unfinished.
pub fn start(app: &Arc<App>, library: &Arc<Library>, request: &Request) -> Result<Report> {
    mark_interrupted(app)?;
    let _lock = hold_job(app)?;
    hooks::settle(app)?;
    let open = app.catalogue.read(|view| view.open_runs())?;
    if let Some(run) = open.iter().find(|run| run.kind == RunKind::Backup) {
        return Err(Error::usage(format!(
            "run {} is not finished ({}){}",
            run.id,
            run.state,
            run.note
                .as_ref()
                .map_or_else(String::new, |note| format!(": {note}"))
        ))
        .hint(format!("go on with it: \"tapeward job resume {}\"", run.id)));
    }
    app.write(|tx, now| retention::review(app, tx, now))?;
    let Planned {
        plan,
        definitions,
        gone,
    } = plan::plan(app, library.name(), request)?;
    can_be_read(&definitions)?;
    let view = library.view()?;
    let held = hold_drives(library, &view, &plan)?;
    can_encrypt(app, library, &plan, &definitions, &held)?;
    blocks::check(&app.config, &held, plan.pools())?;
    let run = RunId::generate(app.clock.now());
    let stored = serde_json::to_value(&plan).context("cannot record the plan")?;
    app.write(|tx, now| {
        save_found(app, tx, &definitions, &gone, now)?;
        tx.add_run(&NewRun {
            id: run,
            kind: RunKind::Backup,
            month: Some(plan.month),
            plan: stored,
            actor: app.actor.clone(),
            started_at: now,
        })?;
        app.note(
            tx,
            now,
            &JournalEvent::RunPlanned {
                run,
                run_kind: RunKind::Backup,
                month: Some(plan.month),
            },
        )
    })?;
    app.say(format!("run {run} for {}", plan.month));
    for remark in &plan.remarks {
        app.say(remark.clone());
    }
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, Some(run))?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run,
    };
    execute(context, held, plan)
}

/// One drive for each copy, but for those that are left to restores.
fn hold_drives(library: &Library, view: &View, plan: &Plan) -> Result<Vec<HeldDrive>> {
    let most = plan.sets.iter().map(|set| set.copies.len()).max();
    let most = most.unwrap_or(1).min(library.drives_for_jobs(view)?);
    library.hold_drives_of_each_kind(view, most.max(1))
}

/// Goes on with a run.
pub fn resume(app: &Arc<App>, run: Option<RunId>) -> Result<Report> {
    mark_interrupted(app)?;
    let _lock = hold_job(app)?;
    hooks::settle(app)?;
    let run = choose(app, run)?;
    let plan: Plan = serde_json::from_value(run.plan.clone())
        .context(format!("the plan of run {} cannot be read", run.id))?;
    let library = Arc::new(app.library(Some(&plan.library), &format!("run {}", run.id))?);
    let view = library.view()?;
    let held = hold_drives(&library, &view, &plan)?;
    let definitions = app.catalogue.read(|view| {
        let sets = plan.sets.iter();
        sets.map(|set| Ok(view.definition(set.definition)?))
            .collect::<Result<Vec<_>>>()
    })?;
    can_encrypt(app, &library, &plan, &definitions, &held)?;
    blocks::check(&app.config, &held, plan.pools())?;
    let library_id = reconcile::identify(app, &library)?;
    reconcile::reconcile(app, &library, &view, Some(run.id))?;
    app.say(format!("resuming run {} for {}", run.id, plan.month));
    let context = RunContext {
        app: Arc::clone(app),
        library,
        library_id,
        run: run.id,
    };
    execute(context, held, plan)
}

fn choose(app: &App, id: Option<RunId>) -> Result<Run> {
    if let Some(id) = id {
        let run = app.catalogue.read(|view| view.run(id))?;
        if run.state.is_final() || run.kind != RunKind::Backup {
            return Err(Error::usage(format!("run {id} is {}", run.state))
                .hint("\"tapeward job list\" shows what can be resumed"));
        }
        return Ok(run);
    }
    app.catalogue
        .read(|view| view.open_runs())?
        .into_iter()
        .find(|run| run.kind == RunKind::Backup)
        .ok_or_else(|| Error::usage("no run is unfinished"))
}

/// Gives a run up: its open sets fail, its open steps are settled as such, and volumes whose end
/// nobody has looked at are quarantined.
pub fn abandon(app: &App, id: RunId) -> Result<()> {
    let _lock = hold_job(app)?;
    hooks::settle(app)?;
    let run = choose(app, Some(id))?;
    app.write(|tx, now| {
        for step in tx.open_intents(run.id)? {
            if let Ok(intent) = serde_json::from_value::<WriteIntent>(step.intent.clone())
                && step.kind.as_str() == WRITE
            {
                let reason = "its run was given up before its end was looked at";
                let state = ContentState::Quarantined;
                tx.set_content(intent.volume, state, now, reason, Some(run.id))?;
                app.note(
                    tx,
                    now,
                    &JournalEvent::VolumeContent {
                        volume: intent.volume,
                        run: Some(run.id),
                        content: state,
                        reason: reason.to_owned(),
                    },
                )?;
                task::quarantined(app, tx, now, intent.volume, reason)?;
            }
            let observation = serde_json::json!({ "given_up": true });
            tx.observe(step.id, StepOutcome::Settled, &observation, now)?;
            app.note(
                tx,
                now,
                &JournalEvent::StepSettled {
                    run: run.id,
                    step: step.id,
                    observation,
                },
            )?;
        }
        let reason = "the run was given up".to_owned();
        for set in tx.sets_of_run(run.id)? {
            if set.state == SetState::Open {
                fail_set(tx, &set, now)?;
                app.note(
                    tx,
                    now,
                    &JournalEvent::SetFailed {
                        run: run.id,
                        set: set.id,
                        reason: reason.clone(),
                    },
                )?;
            } else {
                task::behind(app, tx, now, set.id, &reason)?;
            }
        }
        tx.set_run_state(run.id, RunState::Failed, Some(&reason), now)?;
        app.note(
            tx,
            now,
            &JournalEvent::RunChanged {
                run: run.id,
                state: RunState::Failed,
                note: Some(reason),
            },
        )
    })?;
    sweep_spools(app)
}

fn execute(context: RunContext, held: Vec<HeldDrive>, mut plan: Plan) -> Result<Report> {
    let _leases = Leases::take(&context, &held)?;
    blocks::note(&context, &held)?;
    change_state(&context, RunState::Running, None)?;
    let mut job = Job {
        drives: Drives::new(context.clone(), held),
        context,
        set_aside: SetAside::default(),
        failed: Vec::new(),
        warnings: plan.warnings.clone(),
    };
    for warning in &job.warnings {
        job.context.app.watcher.event(Event::Problem {
            subject: "sources".to_owned(),
            what: warning.clone(),
        });
    }
    let outcome = job.work(&mut plan);
    let (state, note) = match &outcome {
        Ok(()) if job.failed.len() == plan.sets.len() => {
            (RunState::Failed, Some(job.failed.join("; ")))
        }
        Ok(()) if !job.failed.is_empty() => (RunState::Done, Some(job.failed.join("; "))),
        Ok(()) => (RunState::Done, None),
        Err(error) if error.kind() == ErrorKind::OperatorNeeded => {
            (RunState::Waiting, Some(error.to_string()))
        }
        Err(error) => (RunState::Interrupted, Some(error.to_string())),
    };
    change_state(&job.context, state, note)?;
    outcome.map_err(|error| with_resume_hint(error, job.context.run))?;
    job.report(&plan)
}

fn with_resume_hint(error: Error, run: RunId) -> Error {
    if error.advice().is_some() {
        return error;
    }
    error.hint(format!(
        "nothing acknowledged is lost; go on with \"tapeward job resume {run}\""
    ))
}

fn change_state(context: &RunContext, state: RunState, note: Option<String>) -> Result<()> {
    context.app.write(|tx, now| {
        tx.set_run_state(context.run, state, note.as_deref(), now)?;
        context.app.note(
            tx,
            now,
            &JournalEvent::RunChanged {
                run: context.run,
                state,
                note,
            },
        )
    })
}

impl Job {
    fn work(&mut self, plan: &mut Plan) -> Result<()> {
        set_index::sweep(&self.context.app)?;
        sweep_spools(&self.context.app)?;
        settle_interrupted(&self.context.clone(), &mut self.drives)?;
        settle::settle(&self.context.clone(), &mut self.drives)?;
        let mut left = Ok(());
        for set in &mut plan.sets {
            self.context.app.interrupt.check()?;
            match self.write_set(set, plan.month)? {
                Ok(()) => self.complete_copies(set)?,
                Err(error) => {
                    self.tell_left(set, &error);
                    left = left.and(Err(error));
                }
            }
        }
        if left.is_err() {
            // Cartridges stay here until that set is on them too.
            return self.drives.put_away(left);
        }
        let mut verified = Ok(());
        let mut unread = Ok(());
        if plan.verify {
            for set in &plan.sets {
                match self.verify_set(set) {
                    Ok(stuck) => unread = unread.and(stuck),
                    // The other sets are looked at all the same.
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::Failed | ErrorKind::OperatorNeeded
                        ) =>
                    {
                        verified = verified.and(Err(error));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        // A copy that is not what was written stays here: resuming makes it anew.
        self.drives.put_away(verified)?;
        let stuck = self.drives.take_out_of_failed();
        if plan.eject {
            // What a restore reads does not go to the courier.
            self.drives.wait_for_others()?;
            self.eject(plan)?;
        }
        stuck.and(unread)
    }

    /// The other sets are written all the same.
    fn tell_left(&self, set: &PlannedSet, error: &Error) {
        self.context.app.watcher.event(Event::Problem {
            subject: format!("set {}", set.name),
            what: error.to_string(),
        });
    }

    /// Tries again as long as it fails because a drive does, and another one works.
    pub(super) fn with_other_drives<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<T> {
        loop {
            let before = self.drives.failures().len();
            let error = match work(self) {
                // A person is asked for too where no drive was left for the second copy.
                Err(error)
                    if matches!(error.kind(), ErrorKind::Failed | ErrorKind::OperatorNeeded) =>
                {
                    error
                }
                other => return other,
            };
            let some_left = self.drives.available() > 0 || self.drives.awaits_drives();
            if self.drives.failures().len() == before || !some_left {
                return Err(error);
            }
            if let Err(stuck) = self.drives.take_out_of_failed() {
                // Told at the end, if the run does not need that cartridge before.
                tracing::warn!(%stuck, "going on with the other drives");
            }
        }
    }

    /// Verifies every copy that can be read. The inner error is about cartridges that broken
    /// drives hold: the others need not wait here for them.
    fn verify_set(&mut self, set: &PlannedSet) -> Result<Result<()>> {
        let app = Arc::clone(&self.context.app);
        let copies = app.catalogue.read(|view| {
            let made = view.set(set.id)?;
            if made.state == SetState::Complete {
                view.set_copies(set.id)
            } else {
                Ok(Vec::new())
            }
        })?;
        let mut verified = Vec::new();
        let mut stuck = Ok(());
        for copy in copies {
            if copy.state == SetCopyState::Verified {
                continue;
            }
            let read = self.with_other_drives(|job| {
                job.verify_copy(set.id, &set.name, copy.copy, Depth::Bytes)
            });
            let drive_failed = !self.drives.failures().is_empty();
            match read {
                Ok(read) => verified.push(read),
                Err(error) if drive_failed && error.kind() == ErrorKind::OperatorNeeded => {
                    stuck = stuck.and(Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        verify::damage(&verified)?;
        Ok(stuck)
    }

    fn verify_copies(
        &mut self,
        set: SetId,
        name: &str,
        copies: &[CopyNumber],
        depth: Depth<'_>,
    ) -> Result<Vec<Verified>> {
        settle_interrupted(&self.context.clone(), &mut self.drives)?;
        copies
            .iter()
            .map(|copy| self.verify_copy(set, name, *copy, depth))
            .collect()
    }

    /// Brings every cartridge of the run to an import/export element.
    fn eject(&mut self, plan: &Plan) -> Result<()> {
        for cartridge in self.cartridges(plan)? {
            let view = self.context.library.view()?;
            let Some(place) = view.find(&cartridge.barcode)? else {
                // Somebody has taken it out already.
                continue;
            };
            let there = place.name.kind == ElementKind::ImportExport;
            if there || self.drives.is_stuck(&cartridge.barcode) {
                continue;
            }
            let to = view
                .first_free(ElementKind::ImportExport)
                .ok_or_else(|| {
                    full_mail_slots(&view).hint(format!(
                        "empty them, then \"tapeward job resume {}\"",
                        self.context.run
                    ))
                })?
                .clone();
            self.context.library.witnessed_transfer(
                &cartridge.barcode,
                place.address,
                to.address,
                &self.context,
            )?;
            self.context.app.say(format!(
                "{} (copy {}) is in {}",
                cartridge.barcode, cartridge.copy, to.name
            ));
        }
        Ok(())
    }
}

/// Verifies a set outside of its run.
///
/// # Errors
/// As [`verify::damage`] says of what was found; no identity that opens it, before any tape is
/// touched.
pub fn verify_set(
    app: &Arc<App>,
    library: &Arc<Library>,
    set: SetId,
    copy: Option<CopyNumber>,
    depth: Depth<'_>,
    identities: Option<Arc<Identities>>,
) -> Result<Vec<Verified>> {
    if let Depth::Content(identities) = depth {
        can_be_opened(app, set, identities)?;
    }
    let view = library.view()?;
    let held = library.hold_drives_of_each_kind(&view, 1)?;
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, None)?;
    let (name, copies) = app.catalogue.read(|view| {
        let found = view.set(set)?;
        let name = view.definition(found.definition)?.name;
        let copies: Vec<CopyNumber> = view
            .set_copies(set)?
            .into_iter()
            .map(|row| row.copy)
            .filter(|number| copy.is_none_or(|wanted| wanted == *number))
            .collect();
        Ok::<_, Error>((name, copies))
    })?;
    if copies.is_empty() {
        return Err(Error::usage(format!(
            "set {name} ({set}) has no copy{}",
            copy.map_or_else(String::new, |copy| format!(" {copy}"))
        ))
        .hint(format!("\"tapeward set show {name}\" shows which it has")));
    }
    let plan = serde_json::json!({ "set": set, "copies": copies });
    let run = SingleRun::begin(app, RunKind::Verify, plan)?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut job = Job {
        drives: Drives::new(context.clone(), held).with_identities(identities),
        context,
        set_aside: SetAside::default(),
        failed: Vec::new(),
        warnings: Vec::new(),
    };
    let outcome = job.verify_copies(set, &name, &copies, depth);
    let outcome = job.drives.put_away(outcome);
    run.end(&outcome, |_, _, _| Ok(()))?;
    outcome
}

/// One of the identities opens the set, if it is encrypted.
pub fn can_be_opened(app: &App, set: SetId, identities: &Identities) -> Result<()> {
    let (name, keys) = app.catalogue.read(|view| {
        let found = view.set(set)?;
        let keys = found
            .recipients
            .iter()
            .map(|key| view.key(*key))
            .collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>((view.definition(found.definition)?.name, keys))
    })?;
    if keys.is_empty() {
        return Ok(());
    }
    identities.must_open(&format!("set {name} ({set})"), &keys)
}
