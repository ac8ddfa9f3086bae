//! The record anew, from the cartridges alone.
//!
//! Every cartridge in the library is looked at: its labels and its newest directory, or, where
//! that cannot be read, all its labels one by one. If there is no record yet and an identity opens
//! it, the newest snapshot found becomes the record. Then whatever the tapes know and the record
//! does not is added, in one transaction. Without an identity sets are known by their ids: they
//! are *sealed* until this is done again with one.

mod adopt;
mod fetch;
mod indexes;
pub mod recover;
mod sets;
mod survey;
mod unpack;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::catalogue::{ContentState, RunKind, RunState, SetState, StepOutcome};
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::job::Drives;
use crate::job::lease::Leases;
use crate::job::single::{SingleRun, hold_job};
use crate::job::step::RunContext;
use crate::journal::Event as JournalEvent;
use crate::key::Identities;
use crate::library::Library;
use crate::media::{reconcile, register};
use crate::tape::TapeFile;
use crate::tape::label::{LabelDate, TrailerGroup};

use survey::Surveyed;

/// What to rebuild from.
#[derive(Debug)]
pub struct Request {
    /// These cartridges; every data cartridge in the library when empty.
    pub barcodes: Vec<Barcode>,
    /// Who can decrypt snapshots and indexes.
    pub identities: Identities,
    /// Whether the record may become what a snapshot says.
    pub snapshots: Snapshots,
    /// Whether the configuration may, too.
    pub configuration: Configuration,
}

/// What to do with the configuration in a snapshot that is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configuration {
    /// Nothing.
    Keep,
    /// It becomes that of this host, but for the libraries.
    TakeOver,
}

/// What to do with snapshots of the catalogue that are found on tapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snapshots {
    /// Begin with the newest, if there is no record yet.
    Use,
    /// Begin with the newest, and do nothing without one.
    Require,
    /// Do as if there were none.
    Ignore,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// When the snapshot that was taken over was written, and where it was found.
    pub snapshot: Option<String>,
    /// Cartridges that were read.
    pub cartridges: Vec<String>,
    /// Volumes that were not on record.
    pub volumes_added: u64,
    /// Files on tape that were not on record.
    pub files_added: u64,
    /// Sets that were not on record.
    pub sets_added: u64,
    /// Copies of segments that were not on record.
    pub segments_added: u64,
    /// Indexes that were read back.
    pub indexes_read: u64,
    /// Sets whose index no identity at hand opens.
    pub sealed: u64,
    /// Sets of which segments are on no cartridge that was read, in words.
    pub incomplete: Vec<String>,
    /// What could not be read, or is not as the record says.
    pub problems: Vec<String>,
}

/// Rebuilds the record, or adds to it what it does not know.
///
/// # Errors
/// No cartridge to read, a robot or drive that fails. What single cartridges refuse is in the
/// report.
pub fn rebuild(app: &Arc<App>, library: &Arc<Library>, request: &Request) -> Result<Report> {
    let mut report = Report::default();
    // No job may write while cartridges are looked at one after the other.
    let _job = hold_job(app)?;
    nothing_is_open(app)?;
    let barcodes = wanted(app, library, request)?;
    let surveys = with_drives(app, library, &barcodes, |context, drives| {
        survey::all(context, drives, &barcodes, &mut report)
    })?;
    report.cartridges = surveys
        .iter()
        .map(|surveyed| surveyed.barcode.to_string())
        .collect();
    if request.snapshots != Snapshots::Ignore && is_empty(app)? {
        take_over_snapshot(app, library, request, &surveys, &mut report)?;
        if request.snapshots == Snapshots::Require && report.snapshot.is_none() {
            let found = report.problems.join("; ");
            return Err(Error::failed(format!(
                "no snapshot of the record was found that can be read{}{found}",
                if found.is_empty() { "" } else { ": " }
            ))
            .hint("bring the cartridge that was written last, and the right identity"));
        }
        // The cartridges are those of the snapshot now, and some may be newer than it.
        wanted(app, library, request)?;
    }
    let wanted = fetch::Wanted::find(app, &surveys)?;
    let fetched = if wanted.is_empty() {
        fetch::Fetched::default()
    } else {
        with_drives(app, library, &barcodes, |context, drives| {
            fetch::all(context, drives, &surveys, &wanted, request, &mut report)
        })?
    };
    app.write(|tx, now| {
        adopt::adopt(app, tx, now, &surveys, &fetched, &mut report)?;
        app.note(
            tx,
            now,
            &JournalEvent::CatalogueRebuilt {
                cartridges: report.cartridges.clone(),
                snapshot: report.snapshot.clone(),
                volumes: report.volumes_added,
                sets: report.sets_added,
                segments: report.segments_added,
            },
        )
    })?;
    Ok(report)
}

fn is_empty(app: &App) -> Result<bool> {
    app.catalogue.read(|view| {
        Ok(view.volumes()?.is_empty()
            && view.sets()?.is_empty()
            && view.keys()?.is_empty()
            && view.all_definitions()?.is_empty())
    })
}

/// What a run has under way is for the run: it knows where it goes on, tapes do not say.
fn nothing_is_open(app: &App) -> Result<()> {
    let open = app.catalogue.read(|view| view.open_runs())?;
    match open.iter().find(|run| run.kind == RunKind::Backup) {
        None => Ok(()),
        Some(run) => Err(
            Error::usage(format!("run {} is not finished ({})", run.id, run.state)).hint(format!(
                "\"tapeward job resume\" or \"tapeward job abandon {}\" first",
                run.id
            )),
        ),
    }
}

/// The cartridges to read, all of them on record and where the robot sees them.
fn wanted(app: &Arc<App>, library: &Library, request: &Request) -> Result<Vec<Barcode>> {
    let view = library.view()?;
    let unknown = register::unknown_in(app, &view)?;
    let mut fresh: BTreeSet<Barcode> = unknown.into_iter().collect();
    if !request.barcodes.is_empty() {
        fresh.retain(|barcode| request.barcodes.contains(barcode));
    }
    register::add(app, &fresh.into_iter().collect::<Vec<_>>())?;
    reconcile::reconcile(app, library, &view, None)?;
    let mut here = BTreeSet::new();
    for place in view.places.iter().filter(|place| !place.cleaning) {
        let Some(barcode) = &place.barcode else {
            continue;
        };
        let asked = request.barcodes.is_empty() || request.barcodes.contains(barcode);
        let known = app
            .catalogue
            .read(|view| view.cartridge_by_barcode(barcode))?;
        if asked && known.is_some_and(|cartridge| cartridge.medium_use.holds_data()) {
            here.insert(barcode.clone());
        }
    }
    let absent = request.barcodes.iter().find(|code| !here.contains(*code));
    if let Some(absent) = absent {
        return Err(Error::usage(format!(
            "{absent} is not a data cartridge in library \"{}\"",
            library.name()
        ))
        .hint("\"tapeward library status\" shows what is"));
    }
    if here.is_empty() {
        return Err(Error::failed(format!(
            "library \"{}\" holds no data cartridge",
            library.name()
        ))
        .hint("bring the cartridges, the newest first"));
    }
    Ok(here.into_iter().collect())
}

/// A run of its own that holds a drive.
fn with_drives<T>(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcodes: &[Barcode],
    work: impl FnOnce(&RunContext, &mut Drives) -> Result<T>,
) -> Result<T> {
    let view = library.view()?;
    let library_id = reconcile::identify(app, library)?;
    let held = library.hold_drives(&view, 1, barcodes)?;
    let plan = json!({ "rebuild": barcodes });
    let run = SingleRun::begin(app, RunKind::Inventory, plan)?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut drives = Drives::new(context.clone(), held);
    let outcome = work(&context, &mut drives);
    let outcome = drives.put_away(outcome);
    run.end(&outcome, |_, _, _| Ok(()))?;
    outcome
}

/// The newest snapshot that can be read becomes the record.
fn take_over_snapshot(
    app: &Arc<App>,
    library: &Arc<Library>,
    request: &Request,
    surveys: &[Surveyed],
    report: &mut Report,
) -> Result<()> {
    if request.identities.is_empty() {
        return Ok(());
    }
    let mut found: Vec<_> = surveys
        .iter()
        .flat_map(|surveyed| surveyed.snapshots().map(move |at| (surveyed, at)))
        .collect();
    // By the day in its label; of one day, behind what was written last.
    let day = |file: &TapeFile| {
        TrailerGroup::parse(&file.trailer).map_or(LabelDate::NONE, |group| group.file1.created)
    };
    found.sort_by_key(|(surveyed, file)| (day(file), surveyed.written, file.sequence));
    while let Some((surveyed, file)) = found.pop() {
        let barcodes = [surveyed.barcode.clone()];
        let taken = with_drives(app, library, &barcodes, |_, drives| {
            unpack::read(app, drives, surveyed, file, &request.identities)
        });
        match taken {
            Ok(unpacked) => {
                app.catalogue.take_over(&unpacked.catalogue())?;
                nobody_is_at_work(app)?;
                if request.configuration == Configuration::TakeOver {
                    recover::merge_configuration(app, &unpacked.configuration())?;
                }
                let when = day(file)
                    .day()
                    .map_or_else(String::new, |day| format!(" ({day})"));
                report.snapshot = Some(format!("{}{when}", surveyed.barcode));
                return Ok(());
            }
            Err(error) if error.kind() == crate::error::ErrorKind::Interrupted => {
                return Err(error);
            }
            Err(error) => report.problems.push(format!(
                "{}: the snapshot in tape file {} cannot be used: {error}",
                surveyed.barcode, file.tape_file
            )),
        }
    }
    Ok(())
}

/// What the snapshot has as under way is over: nobody who held anything is there, and where a run
/// would go on is not what it was. What was being written stays as it is on tape.
fn nobody_is_at_work(app: &App) -> Result<()> {
    app.write(|tx, now| {
        for lease in tx.leases()? {
            tx.release_lease(&lease.resource, &lease.host, lease.pid)?;
        }
        for set in tx.sets()? {
            if set.state == SetState::Open {
                tx.fail_set(set.id, now)?;
            }
        }
        for volume in tx.volumes()? {
            if volume.content == ContentState::Filling {
                let why = "it was being filled when the record was lost";
                tx.set_content(volume.id, ContentState::Full, now, why, None)?;
            }
        }
        for run in tx.open_runs()? {
            let found = json!({ "the record was rebuilt": true });
            for step in tx.open_intents(run.id)? {
                tx.observe(step.id, StepOutcome::Settled, &found, now)?;
            }
            let (state, note) = (RunState::Failed, "the record was rebuilt from tapes");
            tx.set_run_state(run.id, state, Some(note), now)?;
            app.note(
                tx,
                now,
                &JournalEvent::RunChanged {
                    run: run.id,
                    state,
                    note: Some(note.to_owned()),
                },
            )?;
        }
        Ok(())
    })
}

/// Identities for a record that is not there yet: the files given, else all in the state folder.
pub fn identities(app: &App, files: &[PathBuf]) -> Result<Identities> {
    if !files.is_empty() {
        return app.identities(files, &[]);
    }
    let mut kept = Vec::new();
    let folder = app.keys();
    for entry in std::fs::read_dir(&folder).map_err(|source| {
        Error::failed(format!("cannot list {}", folder.display())).because(source)
    })? {
        let path = entry
            .map_err(|source| {
                Error::failed(format!("cannot list {}", folder.display())).because(source)
            })?
            .path();
        if path.extension().is_some_and(|end| end == "identity") {
            kept.push(path);
        }
    }
    kept.sort();
    Identities::load(&kept)
}
