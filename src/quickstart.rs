//! The main job on the embedded virtual library: from nothing to a restored file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tapeward_sim::{CartridgeSpec, Generation, LibrarySpec, personality};

use crate::app::{App, Surroundings};
use crate::archive::extract::{Existing, ExtractOptions};
use crate::archive::member::MemberKind;
use crate::archive::problem::show;
use crate::archive::scan::{MountBoundary, SourceTree};
use crate::catalogue::{BackupSet, Compression, KeyRole, SetState};
use crate::config::{Config, LibraryConfig};
use crate::error::{Context, Error, Result};
use crate::files::free_space;
use crate::index::IndexReader;
use crate::job::plan::Request;
use crate::job::report::Report;
use crate::job::run;
use crate::library::Library;
use crate::media::{reconcile, register};
use crate::set::{self, Definition};
use crate::{key, restore};
use tapeward_drivers::smc::ElementKind;

/// Name of the set that is backed up.
const SET: &str = "quickstart";
/// Name of the virtual library, and of its folder in the state folder.
const LIBRARY: &str = "virtual";
/// Cartridges of a new virtual library.
const CARTRIDGES: u16 = 20;
/// Smallest capacity of a cartridge that quickstart makes.
const SMALLEST: u64 = 1 << 30;
/// Largest file that is restored and compared to show that it works.
const SAMPLE_LIMIT: u64 = 256 << 20;

/// Makes a virtual library of a model with blank cartridges; returns its serial number.
pub fn create_library(
    folder: &Path,
    model: &str,
    cartridges: u16,
    cartridge_size: u64,
) -> Result<String> {
    // Locks are by serial number, so no two libraries of this host may share one.
    let unique = blake3::hash(uuid::Uuid::new_v4().as_bytes());
    let serial = format!("V{}", unique.to_hex()[..7].to_ascii_uppercase());
    let mut spec = LibrarySpec::new(model, &serial);
    // An unknown model is refused below.
    let generation = personality::find(model)
        .map_or(Generation::Lto8, |model| model.drive_generation)
        .number();
    spec.cartridges = (1..=cartridges)
        .map(|number| {
            let barcode = format!("TWV{number:03}L{generation}");
            let mut cartridge = CartridgeSpec::labelled(&barcode);
            cartridge.capacity = Some(cartridge_size);
            cartridge
        })
        .collect();
    tapeward_sim::create(folder, &spec).context(format!(
        "cannot make a virtual library in {}",
        folder.display()
    ))?;
    Ok(serial)
}

/// Makes a state folder with a virtual library in it.
pub fn initialise_virtual(
    state: &Path,
    mut config: Config,
    cartridge_size: u64,
    around: &Surroundings,
) -> Result<App> {
    config.library.insert(
        LIBRARY.to_owned(),
        LibraryConfig::Virtual {
            path: PathBuf::from(LIBRARY),
        },
    );
    let path = state.join(crate::config::FILE_NAME);
    if !path.exists() {
        std::fs::create_dir_all(state).context(format!("cannot create {}", state.display()))?;
        create_library(&state.join(LIBRARY), "generic", CARTRIDGES, cartridge_size)?;
    }
    App::initialise(state, &config, around.clone())
}

/// What quickstart came to.
#[derive(Debug)]
pub struct Done {
    /// Where everything is and how to go on.
    pub lines: Vec<String>,
    /// The runs it made.
    pub reports: Vec<Report>,
}

/// Runs it; the lines returned say where everything is and how to go on.
pub fn run(state: &Path, directory: Option<&Path>, around: &Surroundings) -> Result<Done> {
    let (source, excludes) = match directory {
        Some(directory) => (set::readable_folder(directory)?, Vec::new()),
        None => {
            let here = std::env::current_dir().context("cannot find the current folder")?;
            (set::readable_folder(&here)?, vec![PathBuf::from("target")])
        }
    };
    let size = measure(&source, &excludes, state)?;
    check_space(state, size)?;
    let app = Arc::new(open(state, size, around)?);
    app.say(format!(
        "backing up {} in two copies; everything is kept in {}",
        source.display(),
        app.state.display()
    ));
    let library = Arc::new(app.library(None, "quickstart")?);
    prepare_media(&app, &library)?;
    set::define(
        &app,
        &Definition {
            name: SET.to_owned(),
            source: source.clone(),
            excludes,
            compression: Compression::Zstd,
        },
    )?;
    let mut reports = Vec::new();
    let unfinished = app
        .catalogue
        .read(|view| view.open_runs())?
        .into_iter()
        .find(|run| run.kind == crate::catalogue::RunKind::Backup);
    if let Some(run) = unfinished {
        // An earlier quickstart was stopped: it comes first.
        reports.push(run::resume(&app, Some(run.id))?);
        prepare_media(&app, &library)?;
    }
    let report = run::start(
        &app,
        &library,
        &Request {
            sets: vec![SET.to_owned()],
            month: None,
        },
    )?;
    let sample = restore_sample(&app, &library, &source, &report)?;
    let lines = closing_lines(&app, &report, sample);
    reports.push(report);
    Ok(Done { lines, reports })
}

fn measure(source: &Path, excludes: &[PathBuf], state: &Path) -> Result<u64> {
    use std::os::unix::ffi::OsStrExt;
    let mut tree =
        SourceTree::open(source, MountBoundary::Cross).context("cannot read the source")?;
    for path in excludes {
        tree = tree.without_path(path.as_os_str().as_bytes());
    }
    if state.is_dir() {
        tree = tree
            .without_directory(state)
            .context("cannot leave the state folder out")?;
    }
    let totals = tree.measure().context("cannot read the source")?;
    Ok(totals.bytes + totals.entries * 1024)
}

fn check_space(state: &Path, size: u64) -> Result<()> {
    let mut folder = std::path::absolute(state).context("cannot find the state folder")?;
    while !folder.is_dir() {
        if !folder.pop() {
            break;
        }
    }
    let free = free_space(&folder)?;
    let needed = 2 * size + size / 8 + (64 << 20);
    if free < needed {
        return Err(Error::failed(format!(
            "two copies take about {}, only {} are free at {}",
            bytes(needed),
            bytes(free),
            folder.display()
        ))
        .hint("choose another state folder with --state, or a smaller source"));
    }
    Ok(())
}

fn bytes(count: u64) -> String {
    bytesize::ByteSize::b(count).display().iec().to_string()
}

fn open(state: &Path, size: u64, around: &Surroundings) -> Result<App> {
    if !state.join(crate::config::FILE_NAME).exists() {
        let capacity = (size + size / 4).max(SMALLEST);
        let app = initialise_virtual(state, Config::default(), capacity, around)?;
        app.say(format!(
            "made a virtual library: 24 slots, 2 drives, {CARTRIDGES} cartridges of {}",
            bytes(capacity)
        ));
        return Ok(app);
    }
    let app = App::open(state, around.clone())?;
    match app.config.library(None)? {
        (_, LibraryConfig::Virtual { .. }) => Ok(app),
        (name, LibraryConfig::Scsi { .. }) => Err(Error::usage(format!(
            "library \"{name}\" is a real one; quickstart works on a virtual library only"
        ))
        .hint("choose another state folder with --state, or use \"tapeward job run\"")),
    }
}

/// A key, registered cartridges, and those of an earlier run back in storage elements.
fn prepare_media(app: &Arc<App>, library: &Arc<Library>) -> Result<()> {
    let keys = app.catalogue.read(|view| view.keys_in_use())?;
    if keys.is_empty() {
        let (recipient, path) = key::create(app, "site", KeyRole::Site, None)?;
        app.say(format!(
            "made the key \"site\" ({recipient}), identity in {}",
            path.display()
        ));
    }
    let view = library.view()?;
    let unknown = register::unknown_in(app, &view)?;
    if !unknown.is_empty() {
        register::add(app, &unknown)?;
        app.say(format!("registered {} scratch cartridges", unknown.len()));
    }
    reconcile::reconcile(app, library, &view, None)?;
    let mail: Vec<_> = view
        .of_kind(ElementKind::ImportExport)
        .filter(|place| place.full)
        .map(|place| place.address)
        .collect();
    for from in mail {
        let view = library.view()?;
        let Some(to) = view.first_free(ElementKind::Storage) else {
            break;
        };
        let moved = library.transfer(from, to.address)?;
        reconcile::reconcile(app, library, &moved.view, None)?;
        app.say(format!(
            "{} is taken back from {} to {}",
            moved.content, moved.from, moved.to
        ));
    }
    Ok(())
}

/// What was restored to show that it works.
struct Sample {
    path: String,
    cartridge: String,
    to: PathBuf,
}

/// Restores one file from one cartridge and compares it with the source.
fn restore_sample(
    app: &Arc<App>,
    library: &Arc<Library>,
    source: &Path,
    report: &Report,
) -> Result<Option<Sample>> {
    use std::os::unix::ffi::OsStrExt;
    let Some(made) = report
        .sets
        .iter()
        .find(|set| set.state == SetState::Complete)
    else {
        return Ok(None);
    };
    let set = app.catalogue.read(|view| view.set(made.id))?;
    let Some(path) = choose_sample(app, &set)? else {
        return Ok(None);
    };
    let to = app.state.join("quickstart-restored");
    match std::fs::remove_dir_all(&to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::failed(format!("cannot empty {}", to.display())).because(error));
        }
        _ => {}
    }
    let report = restore::restore(
        app,
        library,
        &restore::Request {
            set,
            paths: vec![path.clone()],
            to: &to,
            copy: None,
            options: ExtractOptions::new(Existing::Refuse),
            identities: app.identities(&[])?,
        },
    )?;
    restore::incomplete(&report)?;
    let name = Path::new(std::ffi::OsStr::from_bytes(&path));
    let read = |folder: &Path| {
        let file = folder.join(name);
        std::fs::read(&file).context(format!("cannot read {}", file.display()))
    };
    if read(source)? != read(&to)? {
        return Err(Error::failed(format!(
            "{} was restored differently than it is now in {}",
            show(&path),
            source.display()
        ))
        .hint("did it change since? run quickstart again"));
    }
    Ok(Some(Sample {
        path: show(&path),
        cartridge: report.cartridges.join(", "),
        to: to.join(name),
    }))
}

/// The largest regular file within the limit: its restore shows most.
fn choose_sample(app: &App, set: &BackupSet) -> Result<Option<Vec<u8>>> {
    let Some(stored) = &set.index else {
        return Ok(None);
    };
    let index = IndexReader::open(&app.indexes().join(&stored.file))
        .context("cannot read the set's index")?;
    let mut best: Option<(u64, Vec<u8>)> = None;
    for entry in index.entries() {
        let entry = entry.context("cannot read the set's index")?;
        if entry.kind == MemberKind::File
            && entry.size <= SAMPLE_LIMIT
            && best.as_ref().is_none_or(|(size, _)| *size < entry.size)
        {
            best = Some((entry.size, entry.path));
        }
    }
    Ok(best.map(|(_, path)| path))
}

fn closing_lines(app: &App, report: &Report, sample: Option<Sample>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(sample) = sample {
        lines.push(format!(
            "Restored {} from {}: the same as the source ({})",
            sample.path,
            sample.cartridge,
            sample.to.display()
        ));
    }
    lines.push(String::new());
    for set in &report.sets {
        lines.push(format!(
            "Set {} ({}): {} members, {} in {} segments",
            set.name,
            set.id,
            set.members,
            bytes(set.bytes),
            set.segments
        ));
        for (copy, state) in &set.copies {
            lines.push(format!("  copy {copy} is {state}"));
        }
    }
    for cartridge in &report.cartridges {
        lines.push(format!(
            "  {} holds copy {} ({}); place: {}",
            cartridge.barcode, cartridge.copy, cartridge.pool, cartridge.place
        ));
    }
    if report.problems > 0 {
        lines.push(format!(
            "{} things could not be read as they were; each was named when it was met",
            report.problems
        ));
    }
    let state = app.state.display();
    let program = std::env::current_exe()
        .map_or_else(|_| "tapeward".to_owned(), |path| path.display().to_string());
    lines.push(String::new());
    lines.push("To restore all of it, or a file of it, from these cartridges:".to_owned());
    lines.push(format!(
        "  {program} --state {state} restore {SET} --to /tmp/back"
    ));
    lines.push(format!(
        "  {program} --state {state} restore {SET} PATH --to /tmp/back --copy 2"
    ));
    lines
}
