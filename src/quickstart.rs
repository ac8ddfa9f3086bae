//! The main job on the embedded virtual library: from nothing to a restored file.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tapeward_sim::{CartridgeSpec, DriveEncryption, Generation, LibrarySpec, personality};

use crate::app::{App, Surroundings};
use crate::archive::extract::{Existing, ExtractOptions};
use crate::archive::member::{IndexEntry, MemberKind, MemberState};
use crate::archive::problem::show;
use crate::archive::scan::{MountBoundary, SourceTree};
use crate::catalogue::{BackupSet, Commands, Compression, Encryption, SetState};
use crate::config::{Config, LibraryConfig, Reservations};
use crate::error::{Context, Error, Result};
use crate::files::{create_private_folder, free_space, synchronise_folder};
use crate::index::IndexReader;
use crate::job::plan::Request;
use crate::job::report::Report;
use crate::job::run;
use crate::library::Library;
use crate::media::{reconcile, register};
use crate::set::{self, Definition, Terms};
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
/// A file up to this size is preferred for the restore that shows that it works.
const SAMPLE_LIMIT: u64 = 256 << 20;

/// What the drives of a virtual library can do.
#[derive(Debug, Clone, Copy)]
pub struct VirtualDrives {
    /// Who gives them keys.
    pub encryption: DriveEncryption,
    /// The longest block they take, in bytes.
    pub longest_block: u64,
}

/// Makes a virtual library of a model with blank cartridges; returns its serial number.
pub fn create_library(
    folder: &Path,
    model: &str,
    cartridges: u16,
    cartridge_size: u64,
    drives: VirtualDrives,
) -> Result<String> {
    let longest_block = u32::try_from(drives.longest_block)
        .ok()
        .filter(|bytes| (1024..=8 << 20).contains(bytes))
        .ok_or_else(|| Error::usage("the longest block of a drive is from 1 KiB to 8 MiB"))?;
    // Locks are by serial number, so no two libraries of this host may share one.
    let unique = blake3::hash(uuid::Uuid::new_v4().as_bytes());
    let serial = format!("V{}", unique.to_hex()[..7].to_ascii_uppercase());
    let mut spec = LibrarySpec::new(model, &serial)
        .with_encryption_by(drives.encryption)
        .with_longest_block(longest_block);
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
            reservations: Reservations::default(),
            restore_drives: 0,
        },
    );
    let folder = state.join(LIBRARY);
    // A library without configuration is one whose making was interrupted just before the end.
    if !state.join(crate::config::FILE_NAME).exists() && !folder.exists() {
        create_private_folder(state)?;
        let partial = state.join(format!("{LIBRARY}.partial"));
        match std::fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(
                    Error::failed(format!("cannot remove {}", partial.display())).because(error),
                );
            }
            _ => {}
        }
        let drives = VirtualDrives {
            encryption: DriveEncryption::Hosts,
            longest_block: 8 << 20,
        };
        create_library(&partial, "generic", CARTRIDGES, cartridge_size, drives)?;
        std::fs::rename(&partial, &folder)
            .context(format!("cannot create {}", folder.display()))?;
        synchronise_folder(&folder)?;
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
            source: source.clone().into(),
            commands: Commands::default(),
            excludes,
            compression: Compression::Zstd,
            encryption: Encryption::Age,
            terms: Terms::default(),
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
        let made = key::create(app, &key::NewKey::site("site"))?;
        app.say(format!(
            "made the key \"site\" ({}), identity in {}",
            made.recipient,
            made.file.display()
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
    source: SourceNow,
}

/// The source of the sample, after the restore.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SourceNow {
    Same,
    Changed,
}

/// Restores one file from one cartridge and compares it with what was read, and with the source.
/// `None` when the set has no regular file that was read whole.
fn restore_sample(
    app: &Arc<App>,
    library: &Arc<Library>,
    source: &Path,
    report: &Report,
) -> Result<Option<Sample>> {
    let Some(made) = report
        .sets
        .iter()
        .find(|set| set.state == SetState::Complete)
    else {
        return Ok(None);
    };
    let set = app.catalogue.read(|view| view.set(made.id))?;
    let Some(entry) = choose_sample(app, &set)? else {
        return Ok(None);
    };
    let to = app.state.join("quickstart-restored");
    match std::fs::remove_dir_all(&to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::failed(format!("cannot empty {}", to.display())).because(error));
        }
        _ => {}
    }
    let identities = app.identities(&[], &set.recipients)?;
    let report = restore::restore(
        app,
        library,
        &restore::Request {
            sets: vec![set],
            paths: vec![entry.path.clone()],
            to: restore::Destination::Folder(to.clone()),
            copy: None,
            options: ExtractOptions::with_everything(Existing::Refuse),
            drives: 1,
            wait: restore::Wait::No,
            problems: None,
            identities: Arc::new(identities),
            proof: crate::catalogue::ProofKind::Restore,
        },
        None,
    )?;
    restore::incomplete(&report)?;
    let name = Path::new(std::ffi::OsStr::from_bytes(&entry.path));
    let restored = to.join(name);
    if digest_of(&restored)? != entry.digest {
        return Err(Error::failed(format!(
            "{} is not what was read from {}",
            restored.display(),
            source.display()
        )));
    }
    // A source that is in use may have changed or gone meanwhile.
    let source = match digest_of(&source.join(name)) {
        Ok(digest) if digest == entry.digest => SourceNow::Same,
        Ok(_) | Err(_) => SourceNow::Changed,
    };
    Ok(Some(Sample {
        path: show(&entry.path),
        cartridge: report.cartridges.join(", "),
        to: restored,
        source,
    }))
}

/// BLAKE3 of a file, as the index has it.
fn digest_of(path: &Path) -> Result<Option<[u8; 32]>> {
    let mut hasher = blake3::Hasher::new();
    std::fs::File::open(path)
        .and_then(|file| hasher.update_reader(file).map(|_| ()))
        .context(format!("cannot read {}", path.display()))?;
    Ok(Some(hasher.finalize().into()))
}

/// The largest regular file within the limit, whose restore shows most, or else the smallest.
fn choose_sample(app: &App, set: &BackupSet) -> Result<Option<IndexEntry>> {
    let Some(stored) = &set.index else {
        return Ok(None);
    };
    let index = IndexReader::open(&app.indexes().join(&stored.file))
        .context("cannot read the set's index")?;
    let rank = |size: u64| {
        (
            size <= SAMPLE_LIMIT,
            if size <= SAMPLE_LIMIT { size } else { !size },
        )
    };
    let mut best: Option<IndexEntry> = None;
    for entry in index.entries() {
        let entry = entry.context("cannot read the set's index")?;
        if entry.kind == MemberKind::File
            && entry.state == MemberState::Intact
            && best
                .as_ref()
                .is_none_or(|one| rank(one.size) < rank(entry.size))
        {
            best = Some(entry);
        }
    }
    Ok(best)
}

fn closing_lines(app: &App, report: &Report, sample: Option<Sample>) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(match sample {
        None => "No file was restored: the set has none that was read whole".to_owned(),
        Some(sample) => format!(
            "Restored {} from {}: {} ({})",
            sample.path,
            sample.cartridge,
            match sample.source {
                SourceNow::Same => "the same as the source",
                SourceNow::Changed => "as it was read; the source has changed since",
            },
            sample.to.display()
        ),
    });
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
