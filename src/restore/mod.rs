//! From copies on tape to a folder, or to a tar stream.

mod board;
mod cartridge;
mod copies;
mod drives;
mod folder;
mod lane;
mod later;
mod ledger;
mod pieces;
mod plan;
mod problems;
mod raw;
mod report;
mod request;
mod rounds;
mod select;
#[cfg(test)]
mod select_tests;
mod sink;
mod sorted;
mod tar;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::app::App;
use crate::archive::extract::Existing;
use crate::archive::problem::show;
use crate::catalogue::{Run, RunKind, RunState};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, LibraryId, RunId};
use crate::job::Drives;
use crate::job::lease::Leases;
use crate::job::single::SingleRun;
use crate::job::step::RunContext;
use crate::journal::Event as JournalEvent;
use crate::key::record_proofs;
use crate::library::Library;
use crate::library::view::View;
use crate::media::reconcile;
use crate::progress::Event;

pub use ledger::order;
pub(crate) use plan::Figures;
pub use plan::{About, Plan, PlannedCartridge, PlannedSet};
pub use report::{Report, incomplete};
pub use request::{Destination, Order, Request, Wait};

use copies::{Copies, Item};
use drives::Way;
use folder::Folder;
use ledger::Ledger;
use problems::ProblemList;
use raw::Raw;
use request::Wanted;
use rounds::{Lost, Outcome, Rounds};
use select::Range;
use sink::Sinks;
use tar::{Nowhere, Tar};
use writer::{Counts, TASK};

/// A restore that is ready to begin.
#[derive(Debug)]
struct Prepared {
    wanted: Vec<Wanted>,
    copies: Copies,
    view: View,
    library_id: LibraryId,
    drives: usize,
}

impl Prepared {
    fn new(app: &App, library: &Library, request: &Request) -> Result<Self> {
        let wanted = request.open(app)?;
        let view = library.view()?;
        let library_id = reconcile::identify(app, library)?;
        reconcile::reconcile(app, library, &view, None)?;
        let copies = Copies::find(app, library_id, &wanted, request.copy)?;
        Ok(Self {
            wanted,
            copies,
            library_id,
            drives: drives_at_once(request)?.min(library.answering_drives(&view)?.len()),
            view,
        })
    }

    fn items(&self, left: impl Fn(usize, Range) -> Vec<Range>) -> Result<Vec<Item>> {
        let items = rounds::items(&self.wanted, left)?;
        rounds::split(&self.wanted, items, &self.copies)
    }

    fn plan(&self, items: &[Item]) -> Plan {
        Plan::new(&self.wanted, items, &self.copies, self.drives)
    }
}

/// Several drives at once need a folder in which nothing can be in the way of a directory that
/// another one is yet to make.
fn drives_at_once(request: &Request) -> Result<usize> {
    let folder = match &request.to {
        Destination::Folder(folder) => folder,
        Destination::Tar(_) => return Ok(1),
        Destination::Nowhere => return Ok(request.drives),
    };
    if request.options.existing == Existing::Refuse || request.options.existing == Existing::Keep {
        return Ok(request.drives);
    }
    let is_empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            return Err(error).context(format!("cannot restore to {}", folder.display()));
        }
    };
    Ok(if is_empty { request.drives } else { 1 })
}

/// Says what a restore would do; nothing is moved or read.
///
/// # Errors
/// As [`restore`], but for cartridges that are not here: those are in the plan.
pub fn plan(app: &App, library: &Library, request: &Request) -> Result<Plan> {
    let prepared = Prepared::new(app, library, request)?;
    let items = prepared.items(|_, range| vec![range])?;
    Ok(prepared.plan(&items))
}

/// Restores sets, or some of them. `resume` is the run that began it, when an earlier process did.
/// What is in the library is restored; what is elsewhere is named in the report.
///
/// # Errors
/// Nothing to restore, nothing of it is here ([`crate::error::ErrorKind::OperatorNeeded`]), no identity that
/// opens it. What a file system or a damaged tape refuses is in the report.
pub fn restore(
    app: &Arc<App>,
    library: &Arc<Library>,
    request: &Request,
    resume: Option<RunId>,
) -> Result<Report> {
    let prepared = Prepared::new(app, library, request)?;
    let order = request.order(app.clock.now());
    let ledger = match resume {
        Some(first) => Some(Ledger::resume(app, first, &order)?),
        None => None,
    };
    let items = prepared.items(|set, range| match &ledger {
        Some(ledger) => ledger.left(set, range),
        None => vec![range],
    })?;
    let plan = prepared.plan(&items);
    may_begin(request, &plan, resume)?;
    report::say(app, &plan);
    let here: Vec<Barcode> = plan
        .cartridges
        .iter()
        .filter(|cartridge| !cartridge.bring)
        .map(|cartridge| cartridge.barcode.clone())
        .collect();
    let wanted_drives = plan.drives.min(here.len()).max(1);
    let way = Way {
        app,
        library,
        library_id: prepared.library_id,
        wait: request.wait,
        served: Mutex::default(),
    };
    let held = way.hold(&prepared.view, wanted_drives, &here)?;
    // It may have taken a while.
    let view = library.view()?;
    if let Some(folder) = request.to.folder() {
        std::fs::create_dir_all(folder).context(format!("cannot create {}", folder.display()))?;
    }
    let problems = ProblemList::new(request.problems.as_deref())?;
    let run = begin(app, request, resume)?;
    let ledger = match (ledger, request.to.folder()) {
        (None, Some(_)) => Some(Ledger::begin(app, run.id, &order)?),
        (ledger, _) => ledger,
    };
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id: prepared.library_id,
        run: run.id,
    };
    let leases = Leases::take(&context, &held)?;
    let found = held
        .iter()
        .map(|held| view.at(held.site.element)?.barcode.clone())
        .collect();
    let drives = held
        .into_iter()
        .map(|held| {
            Drives::new(context.clone(), vec![held])
                .with_identities(Some(Arc::clone(&request.identities)))
        })
        .collect();
    let running = Running {
        app,
        request,
        wanted: &prepared.wanted,
        context: &context,
        ledger: ledger.as_ref(),
        problems,
        plan,
        found,
        way: &way,
    };
    let outcome = running.run(items, prepared.copies, drives);
    drop(leases);
    end(app, run, request, &outcome)?;
    if let (Some(first), Ok(report)) = (resume, &outcome) {
        went_on(app, first, report)?;
    }
    // Last of all: a process that is killed before leaves something to go on with.
    if let (Some(ledger), Ok(Report { resume: None, .. })) = (ledger, &outcome) {
        ledger.remove()?;
    }
    outcome
}

/// What waited for this run waits no more, unless it does again.
fn went_on(app: &App, first: RunId, report: &Report) -> Result<()> {
    let of_same = |run: &Run| run.id == first || run.plan.get("resumes") == Some(&json!(first));
    app.write(|tx, now| {
        for run in tx.open_runs()? {
            let waits = run.kind == RunKind::Restore && run.state == RunState::Waiting;
            if !waits || run.id == report.run || !of_same(&run) {
                continue;
            }
            let (run, state) = (run.id, RunState::Done);
            let note = Some(format!("went on in run {}", report.run));
            tx.set_run_state(run, state, note.as_deref(), now)?;
            app.note(tx, now, &JournalEvent::RunChanged { run, state, note })?;
        }
        Ok(())
    })
}

/// At least something can be done; a stream needs everything at once.
fn may_begin(request: &Request, plan: &Plan, resume: Option<RunId>) -> Result<()> {
    let lacking: BTreeMap<Barcode, String> = plan
        .to_bring()
        .map(|cartridge| (cartridge.barcode.clone(), cartridge.place.clone()))
        .collect();
    let some_here = plan.cartridges.len() > lacking.len();
    if !lacking.is_empty() && (!some_here || request.to.folder().is_none()) {
        let again = match resume {
            Some(run) => format!("\"tapeward restore --resume {run}\" again"),
            None => "try again".to_owned(),
        };
        return Err(report::not_here(&lacking, &again));
    }
    match plan.unreadable.first() {
        Some(why) if plan.cartridges.is_empty() => Err(Error::failed(why.clone())),
        _ => Ok(()),
    }
}

fn begin(app: &Arc<App>, request: &Request, resume: Option<RunId>) -> Result<SingleRun> {
    let paths: Vec<String> = request.paths.iter().map(|path| show(path)).collect();
    let sets: Vec<_> = request.sets.iter().map(|set| set.id).collect();
    let plan = json!({
        "set": sets.first(),
        "sets": sets,
        "paths": paths,
        "to": request.to,
        "resumes": resume,
    });
    SingleRun::begin(app, RunKind::Restore, plan)
}

fn end(app: &App, run: SingleRun, request: &Request, outcome: &Result<Report>) -> Result<()> {
    let id = run.id;
    let waits = outcome
        .as_ref()
        .is_ok_and(|report| !report.lacking.is_empty());
    let state = if waits {
        RunState::Waiting
    } else {
        RunState::Done
    };
    run.end_as(state, outcome, |tx, now, report| {
        record_proofs(app, tx, now, id, request.proof, &request.identities)?;
        for set in &request.sets {
            app.note(
                tx,
                now,
                &JournalEvent::Restored {
                    run: id,
                    set: set.id,
                    target: request.to.in_words(),
                    members: report.restored,
                    problems: report.problem_count,
                },
            )?;
        }
        Ok(())
    })
}

/// A restore under way.
struct Running<'a> {
    app: &'a Arc<App>,
    request: &'a Request,
    wanted: &'a [Wanted],
    context: &'a RunContext,
    ledger: Option<&'a Ledger>,
    problems: ProblemList,
    plan: Plan,
    /// What was in each drive at the beginning.
    found: Vec<Option<Barcode>>,
    way: &'a Way<'a>,
}

impl Running<'_> {
    fn run(self, items: Vec<Item>, copies: Copies, mut drives: Vec<Drives>) -> Result<Report> {
        let counts = Counts::default();
        let renamed = AtomicU64::new(0);
        let read = self.write(items, copies, &mut drives, &counts, &renamed);
        self.app.watcher.event(Event::ProgressEnd {
            task: TASK.to_owned(),
        });
        let mut stuck = None;
        for drives in &mut drives {
            if let Err(error) = drives.put_away(Ok(())) {
                stuck.get_or_insert(error.to_string());
            }
        }
        let outcome = match (read, self.ledger) {
            (Ok(outcome), _) => outcome,
            (Err(error), Some(ledger)) => {
                let again = format!("\"tapeward restore --resume {}\" goes on", ledger.first);
                return Err(if error.advice().is_some() {
                    error
                } else {
                    error.hint(again)
                });
            }
            (Err(error), None) => return Err(error),
        };
        self.report(outcome, &counts, &renamed, stuck)
    }

    /// Reads everything and finishes what was made of it.
    fn write(
        &self,
        items: Vec<Item>,
        copies: Copies,
        drives: &mut Vec<Drives>,
        counts: &Counts,
        renamed: &AtomicU64,
    ) -> Result<Outcome> {
        match (&self.request.to, self.ledger) {
            (Destination::Folder(to), Some(ledger)) => {
                let folder = Folder::new(to, self.wanted, self.request.options, ledger)?;
                if ledger.resumed {
                    folder.reopen()?;
                }
                let read = self.read(items, copies, drives, counts, &folder);
                // Also after an interruption: what is there is to be as good as it can be. What
                // cannot be finished yet is finished when the restore goes on.
                let unheard = ProblemList::new(None)?;
                let problems = if read.is_ok() {
                    &self.problems
                } else {
                    &unheard
                };
                let finished = folder.finish(problems, counts);
                renamed.store(folder.renamed.load(Ordering::Relaxed), Ordering::Relaxed);
                let read = read?;
                finished.map(|()| read)
            }
            (Destination::Nowhere, _) => self.read(items, copies, drives, counts, &Nowhere),
            (Destination::Tar(path), _) if self.is_one_stream() => {
                let raw = Raw::new(open_tar(path.as_deref())?);
                let outcome = self.read(items, copies, drives, counts, &raw)?;
                raw.finish()?;
                Ok(outcome)
            }
            (Destination::Tar(path), _) => {
                let scratch = tempfile::tempdir_in(&self.app.state)
                    .context("cannot make a folder for hard links")?;
                let tar = Tar::new(self.wanted, scratch.path(), open_tar(path.as_deref())?);
                let outcome = self.read(items, copies, drives, counts, &tar)?;
                let lost: Vec<_> = outcome
                    .lost
                    .iter()
                    .map(|lost| (lost.set, lost.range))
                    .collect();
                tar.finish(&lost, &self.problems, counts)?;
                Ok(outcome)
            }
            (Destination::Folder(_), None) => {
                Err(Error::failed("the restore has no folder to note in"))
            }
        }
    }

    /// Whether what is asked for is what one command wrote: it needs no tar around it.
    fn is_one_stream(&self) -> bool {
        matches!(self.wanted, [only] if only.stream.is_some())
    }

    fn read(
        &self,
        items: Vec<Item>,
        mut copies: Copies,
        drives: &mut Vec<Drives>,
        counts: &Counts,
        sinks: &dyn Sinks,
    ) -> Result<Outcome> {
        let rounds = Rounds {
            app: self.app,
            wanted: self.wanted,
            identities: &self.request.identities,
            sinks,
            problems: &self.problems,
            counts,
            total: self.plan.bytes,
            one_by_one: matches!(self.request.to, Destination::Tar(_)),
            context: self.context,
            found: self.found.clone(),
            way: self.way,
        };
        rounds.run(items, &mut copies, drives)
    }

    fn report(
        self,
        outcome: Outcome,
        counts: &Counts,
        renamed: &AtomicU64,
        stuck: Option<String>,
    ) -> Result<Report> {
        let restored = counts.restored.load(Ordering::Relaxed);
        let kept = counts.kept.load(Ordering::Relaxed);
        let resumed = self.ledger.is_some_and(|ledger| ledger.resumed);
        if restored + kept == 0
            && !resumed
            && outcome.lacking.is_empty()
            && let Some(lost) = outcome.lost.first()
        {
            return Err(Error::failed(lost.why.clone()));
        }
        self.name_lost(&outcome.lost)?;
        for remark in &outcome.remarks {
            self.problems.add(remark.clone());
        }
        let problems = self.problems.finish()?;
        let resume = match self.ledger {
            Some(ledger) if !outcome.lacking.is_empty() => Some(ledger.first),
            _ => None,
        };
        Ok(Report {
            set: self.request.sets.first().map(|set| set.id),
            sets: self.request.sets.iter().map(|set| set.id).collect(),
            to: self.request.to.in_words(),
            destination: self.request.to.clone(),
            run: self.context.run,
            restored,
            kept,
            renamed: renamed.load(Ordering::Relaxed),
            bytes: counts.bytes.load(Ordering::Relaxed),
            problems: problems.shown,
            problem_count: problems.count,
            cartridges: self
                .plan
                .cartridges
                .iter()
                .filter(|cartridge| !cartridge.bring)
                .map(|cartridge| cartridge.barcode.to_string())
                .collect(),
            lacking: outcome.lacking,
            resume,
            stuck,
        })
    }

    /// Names every member that was asked for and stays away, and why.
    fn name_lost(&self, lost: &[Lost]) -> Result<()> {
        let mut reasons: Vec<&str> = Vec::new();
        for (set, wanted) in self.wanted.iter().enumerate() {
            let mut of_set: Vec<&Lost> = lost.iter().filter(|lost| lost.set == set).collect();
            of_set.sort_by_key(|lost| lost.range.start);
            let ranges: Vec<_> = of_set.iter().map(|lost| lost.range).collect();
            wanted
                .selection
                .members_in(&wanted.index, &ranges, |path, number| {
                    let why = of_set[number].why.as_str();
                    let path = wanted.show(path);
                    if why.starts_with("its ") {
                        self.problems.add(format!("{path}: {why}"));
                        return;
                    }
                    if !reasons.contains(&why) {
                        reasons.push(why);
                        self.problems.add(why.to_owned());
                    }
                    self.problems
                        .add(format!("{path}: it is on no tape that can be read"));
                })?;
        }
        Ok(())
    }
}

fn open_tar(path: Option<&Path>) -> Result<Box<dyn std::io::Write + Send>> {
    Ok(match path {
        None => Box::new(std::io::BufWriter::new(std::io::stdout())),
        Some(path) => {
            let file =
                std::fs::File::create(path).context(format!("cannot write {}", path.display()))?;
            Box::new(std::io::BufWriter::new(file))
        }
    })
}
