//! Carrying a draw out, and going on with what a person had to bring something for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{DRILL, Draw, Drawn, Line, hex, tested};
use crate::app::App;
use crate::archive::extract::{Existing, ExtractOptions};
use crate::catalogue::{Place, ProofKind, Run, RunKind, RunState, View};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, RunId, SetId, VolumeId};
use crate::job::single::SingleRun;
use crate::job::step::RunContext;
use crate::journal::Event as JournalEvent;
use crate::key::Identities;
use crate::library::Library;
use crate::media::reconcile::{self, place_words};
use crate::progress::counted;
use crate::restore::{self, Destination, Request, Wait};

/// What came of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// Its cartridge.
    pub barcode: Barcode,
    /// The volume.
    pub volume: VolumeId,
    /// Files that were drawn.
    pub files: u64,
    /// Files of which every byte came and has the digest on record.
    pub restored: u64,
    /// What is wrong with the others.
    pub problems: Vec<String>,
    /// The runs that read it.
    pub runs: Vec<RunId>,
}

/// A volume for which a person must do something first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Its cartridge.
    pub barcode: Barcode,
    /// Where that is, in words.
    pub place: String,
    /// What is lacking.
    pub what: String,
}

/// What came of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// The seed of the draw.
    pub seed: String,
    /// Volumes that were read.
    pub tested: Vec<Tested>,
    /// Volumes that were not.
    pub pending: Vec<Pending>,
}

impl Report {
    /// # Errors
    /// A file did not come as it was written; a person must act before the rest can be read.
    pub fn outcome(&self) -> Result<()> {
        let bad: u64 = self.tested.iter().map(|one| one.files - one.restored).sum();
        if bad > 0 {
            let what = counted(
                bad,
                "file that was drawn did not come back as it was written",
                "files that were drawn did not come back as they were written",
            );
            return Err(Error::failed(what).hint(
                "\"tapeward scrub run --files\" reads whole volumes and opens tasks to copy again",
            ));
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::OperatorNeeded, in_words(&self.pending)).hint(format!(
                "then \"tapeward drill run --resume {}\"; an identity is named with --identity",
                self.run
            )),
        )
    }
}

fn in_words(pending: &[Pending]) -> String {
    let each: Vec<String> = pending
        .iter()
        .map(|one| format!("{} ({}): {}", one.barcode, one.place, one.what))
        .collect();
    format!("the drill waits for a person: {}", each.join("; "))
}

/// Carries a draw out: the draw is on record before anything is read, what came of each volume when
/// it was read.
///
/// # Errors
/// What keeps everything from being read; what concerns one volume is in the report.
pub fn run(
    app: &Arc<App>,
    library: &Arc<Library>,
    draw: &Draw,
    identities: &[PathBuf],
) -> Result<Report> {
    carry_out(app, library, draw, identities, None)
}

/// Goes on with what a drill waits for.
///
/// # Errors
/// As [`run`]; a run that is no drill, or that waits for nothing.
pub fn resume(
    app: &Arc<App>,
    library: &Arc<Library>,
    first: RunId,
    identities: &[PathBuf],
) -> Result<Report> {
    let draw = app.catalogue.read(|view| {
        let run = view.run(first)?;
        let waits = matches!(run.state, RunState::Waiting | RunState::Interrupted);
        let Some(mut draw) = draw_of(&run).filter(|_| waits) else {
            return Err(
                Error::usage(format!("run {first} is no drill that waits for anything"))
                    .hint("\"tapeward drill list\" shows all"),
            );
        };
        let done: BTreeSet<VolumeId> = of_run(view, first)?.iter().map(|one| one.volume).collect();
        draw.volumes.retain(|line| !done.contains(&line.volume));
        Ok(draw)
    })?;
    carry_out(app, library, &draw, identities, Some(first))
}

fn draw_of(run: &Run) -> Option<Draw> {
    serde_json::from_value(run.plan.get(DRILL)?.clone()).ok()
}

/// What came of the volumes a run has read.
fn of_run(view: &View<'_>, run: RunId) -> Result<Vec<Tested>> {
    Ok(view.steps(run)?.iter().filter_map(tested).collect())
}

fn carry_out(
    app: &Arc<App>,
    library: &Arc<Library>,
    draw: &Draw,
    files: &[PathBuf],
    resumes: Option<RunId>,
) -> Result<Report> {
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &library.view()?, None)?;
    let sets: BTreeSet<SetId> = draw
        .volumes
        .iter()
        .flat_map(|line| &line.files)
        .map(|file| file.set)
        .collect();
    let keys = app.catalogue.read(|view| {
        let mut keys = BTreeSet::new();
        for set in sets {
            keys.extend(view.set(set)?.recipients);
        }
        Ok::<_, Error>(keys)
    })?;
    let keys: Vec<_> = keys.into_iter().collect();
    let identities = Arc::new(app.identities(files, &keys)?);
    let plan = json!({ DRILL: draw, "resumes": resumes });
    let run = SingleRun::begin(app, RunKind::Restore, plan)?;
    let drill = Drill {
        app,
        library,
        identities,
        context: RunContext {
            app: Arc::clone(app),
            library: Arc::clone(library),
            library_id,
            run: run.id,
        },
    };
    let outcome = drill
        .drawn(draw, resumes)
        .and_then(|()| drill.read_all(draw));
    let (outcome, stopped) = match outcome {
        Ok((report, stopped)) => (Ok(report), stopped),
        Err(error) => (Err(error), None),
    };
    let (state, note) = match &outcome {
        Ok(report) if !report.pending.is_empty() => {
            (RunState::Waiting, Some(in_words(&report.pending)))
        }
        _ => (RunState::Done, None),
    };
    run.end_with(state, note, &outcome, |_, _, _| Ok(()))?;
    let report = outcome?;
    stopped.map_or(Ok(report), Err)
}

/// A drill under way.
struct Drill<'a> {
    app: &'a Arc<App>,
    library: &'a Arc<Library>,
    identities: Arc<Identities>,
    context: RunContext,
}

impl Drill<'_> {
    /// The draw is on record; what waited for this run waits no more.
    fn drawn(&self, draw: &Draw, resumes: Option<RunId>) -> Result<()> {
        let text = serde_json::to_vec(draw).context("cannot keep the draw")?;
        let digest = hex(&Sha256::digest(&text));
        let run = self.context.run;
        self.app.write(|tx, now| {
            let event = JournalEvent::DrillDrawn {
                run,
                seed: draw.seed.clone(),
                cartridges: draw
                    .volumes
                    .iter()
                    .map(|line| line.barcode.clone())
                    .collect(),
                files: draw
                    .volumes
                    .iter()
                    .map(|line| line.files.len() as u64)
                    .sum(),
                sha256: digest,
            };
            self.app.note(tx, now, &event)?;
            if let Some(first) = resumes {
                let (state, note) = (RunState::Done, Some(format!("went on in run {run}")));
                tx.set_run_state(first, state, note.as_deref(), now)?;
                let event = JournalEvent::RunChanged {
                    run: first,
                    state,
                    note,
                };
                self.app.note(tx, now, &event)?;
            }
            Ok(())
        })
    }

    /// Reads what can be read. What stops everything comes second: the rest waits then.
    fn read_all(&self, draw: &Draw) -> Result<(Report, Option<Error>)> {
        let mut report = Report {
            run: self.context.run,
            seed: draw.seed.clone(),
            tested: Vec::new(),
            pending: Vec::new(),
        };
        let mut stopped = None;
        for line in &draw.volumes {
            let lacking = match &stopped {
                Some(_) => Some("it was not come to".to_owned()),
                None => self.lacking(line)?,
            };
            let read = match lacking {
                Some(what) => Err(what),
                None => match self.read(line) {
                    Ok(tested) => Ok(tested),
                    Err(error) if error.kind() == ErrorKind::OperatorNeeded => {
                        Err(error.to_string())
                    }
                    Err(error) => {
                        let what = error.to_string();
                        stopped = Some(error);
                        Err(what)
                    }
                },
            };
            match read {
                Ok(tested) => report.tested.push(tested),
                Err(what) => report.pending.push(Pending {
                    barcode: line.barcode.clone(),
                    place: self.place(line)?.1,
                    what,
                }),
            }
        }
        Ok((report, stopped))
    }

    fn place(&self, line: &Line) -> Result<(Place, String)> {
        self.app.catalogue.read(|view| {
            let volume = view.volume(line.volume)?;
            let place = view.cartridge(volume.cartridge)?.place;
            let words = place_words(view, &place)?;
            Ok((place, words))
        })
    }

    /// What a person must bring before a volume can be read.
    fn lacking(&self, line: &Line) -> Result<Option<String>> {
        let here = matches!(self.place(line)?.0,
            Place::Element { library, .. } if library == self.context.library_id);
        let mut lacking = Vec::new();
        if !here {
            lacking.push("bring it and put it into a mail slot".to_owned());
        }
        let sets: BTreeSet<SetId> = line.files.iter().map(|file| file.set).collect();
        for set in sets {
            match crate::job::run::can_be_opened(self.app, set, &self.identities) {
                Err(error) if error.kind() == ErrorKind::OperatorNeeded => {
                    lacking.push(error.to_string());
                }
                other => other?,
            }
        }
        Ok((!lacking.is_empty()).then(|| lacking.join(", and ")))
    }

    /// Reads what was drawn from a volume, and records what came of it.
    fn read(&self, line: &Line) -> Result<Tested> {
        let step = self.context.intend(DRILL, line)?;
        match self.restore(line) {
            Ok(tested) => {
                self.context.observe(step, &tested, |tx, now| {
                    let event = JournalEvent::DrillRead {
                        run: self.context.run,
                        volume: tested.volume,
                        files: tested.files,
                        restored: tested.restored,
                        problems: tested.problems.len() as u64,
                    };
                    self.app.note(tx, now, &event)
                })?;
                Ok(tested)
            }
            Err(error) => {
                self.context.failed(step, &error)?;
                Err(error)
            }
        }
    }

    fn restore(&self, line: &Line) -> Result<Tested> {
        let mut tested = Tested {
            barcode: line.barcode.clone(),
            volume: line.volume,
            files: line.files.len() as u64,
            restored: 0,
            problems: Vec::new(),
            runs: Vec::new(),
        };
        let mut of_sets: BTreeMap<(SetId, CopyNumber), Vec<&Drawn>> = BTreeMap::new();
        for file in &line.files {
            of_sets.entry((file.set, file.copy)).or_default().push(file);
        }
        for ((set, copy), files) in of_sets {
            let request = Request {
                sets: vec![self.app.catalogue.read(|view| view.set(set))?],
                paths: files.iter().map(|file| file.path.bytes()).collect(),
                to: Destination::Nowhere,
                copy: Some(copy),
                options: ExtractOptions::new(Existing::Refuse),
                drives: 1,
                wait: Wait::ForRuns,
                problems: None,
                identities: Arc::clone(&self.identities),
                proof: ProofKind::Drill,
            };
            let report = match restore::restore(self.app, self.library, &request, None) {
                Ok(report) => report,
                // Nothing of it could be read.
                Err(error) if error.kind() == ErrorKind::Failed => {
                    tested.problems.push(error.to_string());
                    continue;
                }
                Err(error) => return Err(error),
            };
            // A copy may be on another cartridge by now: that one proves nothing of this.
            let others = report.cartridges.iter();
            let others: Vec<_> = others
                .filter(|read| *read != line.barcode.as_str())
                .collect();
            let is_here = others.is_empty();
            let instead = others.iter().map(|read| format!("{read} was read instead"));
            tested.problems.extend(instead);
            if is_here {
                tested.restored += report.restored.min(files.len() as u64);
            }
            tested.problems.extend(report.problems);
            tested.runs.push(report.run);
        }
        Ok(tested)
    }
}

/// A drill on record.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    /// The run.
    pub run: RunId,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Who began it.
    pub by: String,
    /// Its state.
    pub state: RunState,
    /// The draw.
    pub draw: Draw,
    /// What came of it.
    pub tested: Vec<Tested>,
    /// What it waits for, in words.
    pub note: Option<String>,
}

/// All drills on record, the newest first.
///
/// # Errors
/// The record cannot be read.
pub fn held(app: &App) -> Result<Vec<Held>> {
    app.catalogue.read(|view| {
        let mut all = Vec::new();
        for run in view.runs()? {
            let Some(draw) = draw_of(&run) else {
                continue;
            };
            all.push(Held {
                tested: of_run(view, run.id)?,
                run: run.id,
                at: run.started_at,
                by: run.actor.person,
                state: run.state,
                note: run.note,
                draw,
            });
        }
        Ok(all)
    })
}
