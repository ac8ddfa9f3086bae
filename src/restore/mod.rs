//! From copies on tape to a folder.

mod select;
#[cfg(test)]
mod select_tests;
mod sorted;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::archive::extract::{ExtractOptions, Extractor, Outcome};
use crate::archive::member::MemberState;
use crate::archive::problem::{ArchiveError, Problem, Severity, show};
use crate::archive::reader::ArchiveReader;
use crate::catalogue::{BackupSet, ProofKind, RunKind};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{CopyNumber, SetId};
use crate::index::IndexReader;
use crate::job::Drives;
use crate::job::lease::Leases;
use crate::job::run::can_be_opened;
use crate::job::single::SingleRun;
use crate::job::step::RunContext;
use crate::journal::Event as JournalEvent;
use crate::key::{Identities, record_proofs};
use crate::library::Library;
use crate::media::reconcile;
use crate::progress::{Event, counted};

use select::{Selection, Targets};
use stream::{RangeReader, Tapes};

/// What to restore.
#[derive(Debug)]
pub struct Request<'a> {
    /// The set.
    pub set: BackupSet,
    /// Paths below its root; all of it when empty.
    pub paths: Vec<Vec<u8>>,
    /// Where to.
    pub to: &'a Path,
    /// Only this copy.
    pub copy: Option<CopyNumber>,
    /// What to do with what is there already, and what to keep.
    pub options: ExtractOptions,
    /// Who can decrypt it.
    pub identities: Identities,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The set.
    pub set: SetId,
    /// Where it was restored to.
    pub to: PathBuf,
    /// Members restored.
    pub restored: u64,
    /// Members left as they were.
    pub kept: u64,
    /// Bytes of tar stream read.
    pub bytes: u64,
    /// What could not be restored or kept.
    pub problems: Vec<String>,
    /// Barcodes of the cartridges that were read.
    pub cartridges: Vec<String>,
    /// What keeps a cartridge in its drive, and what to do.
    pub stuck: Option<String>,
}

/// Restores a set, or some of it.
///
/// # Errors
/// Nothing to restore, a cartridge that is not here ([`ErrorKind::OperatorNeeded`]), no identity
/// that opens it. What a file system or a damaged tape refuses is in the report.
pub fn restore(app: &Arc<App>, library: &Arc<Library>, request: &Request<'_>) -> Result<Report> {
    let set = &request.set;
    let stored = set.index.as_ref().ok_or_else(|| {
        Error::usage(format!("set {} is not complete on tape", set.id))
            .hint("\"tapeward job list\" shows what is under way")
    })?;
    let path = app.indexes().join(&stored.file);
    let index =
        IndexReader::open(&path).context(format!("cannot read the index {}", path.display()))?;
    let segments = app.catalogue.read(|view| view.segments(set.id))?;
    let selection = Selection::new(&index, &segments, &request.paths, &app.indexes())?;
    can_be_read(app, request)?;
    let view = library.view()?;
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, None)?;
    let tapes = Tapes::find(app, library_id, set.id, segments, &selection, request.copy)?;
    let held = library.hold_drives(&view, 1, &tapes.barcodes())?;
    std::fs::create_dir_all(request.to)
        .context(format!("cannot create {}", request.to.display()))?;
    let run = begin(app, request)?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut drives = Drives::new(context, held);
    let outcome = extract(app, request, &selection, &index, &tapes, &mut drives);
    let outcome = match outcome {
        Ok(mut report) => {
            report.stuck = drives.put_away(Ok(())).err().map(|why| why.to_string());
            Ok(report)
        }
        failed => drives.put_away(failed),
    };
    end(app, run, request, &outcome)?;
    outcome
}

/// The copy asked for exists, and somebody can decrypt it.
fn can_be_read(app: &App, request: &Request<'_>) -> Result<()> {
    let set = &request.set;
    let (name, copies) = app.catalogue.read(|view| {
        let name = view.definition(set.definition)?.name;
        Ok::<_, Error>((name, view.set_copies(set.id)?))
    })?;
    if let Some(wanted) = request.copy
        && copies.iter().all(|copy| copy.copy != wanted)
    {
        return Err(
            Error::usage(format!("set {name} ({}) has no copy {wanted}", set.id))
                .hint(format!("\"tapeward set show {name}\" shows which it has")),
        );
    }
    can_be_opened(app, set.id, &request.identities)
}

fn begin(app: &Arc<App>, request: &Request<'_>) -> Result<SingleRun> {
    let paths: Vec<String> = request.paths.iter().map(|path| show(path)).collect();
    let plan = serde_json::json!({ "set": request.set.id, "paths": paths });
    SingleRun::begin(app, RunKind::Restore, plan)
}

fn end(app: &App, run: SingleRun, request: &Request<'_>, outcome: &Result<Report>) -> Result<()> {
    let id = run.id;
    run.end(outcome, |tx, now, report| {
        record_proofs(app, tx, now, id, ProofKind::Restore, &request.identities)?;
        app.note(
            tx,
            now,
            &JournalEvent::Restored {
                run: id,
                set: request.set.id,
                target: request.to.to_string_lossy().into_owned(),
                members: report.restored,
                problems: report.problems.len() as u64,
            },
        )
    })
}

/// The tape is read on this thread, files are written on another.
fn extract(
    app: &Arc<App>,
    request: &Request<'_>,
    selection: &Selection,
    index: &IndexReader,
    tapes: &Tapes,
    drives: &mut Drives,
) -> Result<Report> {
    let mut report = Report {
        set: request.set.id,
        to: request.to.to_owned(),
        restored: 0,
        kept: 0,
        bytes: 0,
        problems: Vec::new(),
        cartridges: tapes.barcodes().iter().map(ToString::to_string).collect(),
        stuck: None,
    };
    let (sender, receiver) = crossbeam_channel::bounded(16);
    let (written, read) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut source = RangeReader::new(receiver);
            write_files(app, request, selection, index, &mut source, &mut report)
        });
        let read = tapes.send(app, selection, index, &request.identities, drives, &sender);
        drop(sender);
        let written = writer
            .join()
            .unwrap_or_else(|_| Err(Error::failed("writing files stopped unexpectedly")));
        (written, read)
    });
    // A signal ends the stream early, whatever the other thread makes of that.
    app.interrupt.check()?;
    // Why the tape could not be read says more than that the stream ended too early.
    let lost = read?;
    written?;
    let gaps: Vec<_> = lost.iter().map(|(gap, _)| *gap).collect();
    let missing = selection.members_in(index, &gaps)?;
    report
        .problems
        .extend(lost.iter().map(|(_, why)| why.to_string()));
    if report.restored + report.kept == 0
        && let Some((_, why)) = lost.into_iter().next()
    {
        return Err(why);
    }
    for path in missing {
        report.problems.push(format!(
            "{}: it is on no tape that can be read",
            show(&path)
        ));
    }
    Ok(report)
}

fn write_files(
    app: &Arc<App>,
    request: &Request<'_>,
    selection: &Selection,
    index: &IndexReader,
    source: &mut RangeReader,
    report: &mut Report,
) -> Result<()> {
    let mut extractor = Extractor::new(request.to, request.options)
        .context(format!("cannot restore to {}", request.to.display()))?;
    let task = "restoring".to_owned();
    let mut problems: Vec<Problem> = Vec::new();
    let mut targets = Targets::new(selection, index);
    while let Some(start) = source.next_range() {
        let mut reader = ArchiveReader::new(&mut *source);
        loop {
            app.interrupt.check()?;
            let at = start + reader.offset();
            let mut header = match reader.next_member() {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(error) => {
                    report.problems.push(cut_short(at, &error));
                    break;
                }
            };
            let Some(target) = targets.find(&mut header, at)? else {
                continue;
            };
            let (path, entry) = (target.path, target.entry);
            if target.lacks_data {
                report.problems.push(lacks_data(&path));
                continue;
            }
            let digest = entry.as_ref().and_then(|entry| entry.digest);
            let outcome = extractor.extract(&path, &header, &mut reader, digest, &mut |problem| {
                problems.push(problem);
            });
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(error) => {
                    report.problems.push(cut_short(at, &error));
                    break;
                }
            };
            // Links are made to what was kept, if that is the same file.
            let there = matches!(outcome, Outcome::Restored | Outcome::Kept);
            if there && path != header.path {
                targets.restored(at)?;
            }
            match outcome {
                Outcome::Restored => {
                    report.restored += 1;
                    if let Some(flaw) = entry.and_then(|entry| flaw(entry.state)) {
                        report.problems.push(format!("{}: {flaw}", show(&path)));
                    }
                }
                Outcome::Kept => report.kept += 1,
                Outcome::NotRestored => {}
                Outcome::NeedsData { .. } => {
                    report.problems.push(lacks_data(&path));
                }
            }
            app.watcher.event(Event::Progress {
                task: task.clone(),
                bytes: at - selection.first(),
                total: Some(selection.bytes()),
                files: report.restored,
            });
        }
        report.bytes += reader.offset();
        source.finish_range();
    }
    extractor
        .finish(&mut |problem| problems.push(problem))
        .sync()
        .context("cannot synchronise what was restored")?;
    app.watcher.event(Event::ProgressEnd { task });
    for problem in problems {
        if problem.what.severity() == Severity::Loss {
            report
                .problems
                .push(format!("{}: {}", show(&problem.path), problem.what));
        }
    }
    Ok(())
}

fn lacks_data(path: &[u8]) -> String {
    format!("{}: its data was not restored", show(path))
}

/// What is wrong with a member on tape already.
fn flaw(state: MemberState) -> Option<&'static str> {
    match state {
        MemberState::Intact => None,
        MemberState::Changed => Some("it changed while it was backed up; this is what was read"),
        MemberState::Superseded => Some("only its beginning was backed up; the rest is zeros"),
    }
}

/// A stretch of the stream that ended too early or made no sense: the members after it are named
/// one by one where the tape is to blame.
fn cut_short(at: u64, error: &ArchiveError) -> String {
    format!("from byte {at} of the stream: {error}")
}

/// An error for a report with problems.
pub fn incomplete(report: &Report) -> Result<()> {
    if report.problems.is_empty() {
        return match &report.stuck {
            Some(stuck) => Err(Error::new(ErrorKind::OperatorNeeded, stuck.clone())),
            None => Ok(()),
        };
    }
    let problems = counted(
        report.problems.len() as u64,
        "thing could not be restored or kept as it was",
        "things could not be restored or kept as they were",
    );
    Err(Error::new(ErrorKind::Incomplete, problems).hint("each was named when it was met"))
}
