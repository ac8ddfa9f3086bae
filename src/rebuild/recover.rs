//! A bare host: configuration and catalogue from one cartridge and an identity.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::{Configuration, Report, Request, Snapshots, is_empty, rebuild};
use crate::app::App;
use crate::catalogue::{CatalogueError, IdentityPlace, SegmentCopyState, SetState, View};
use crate::config::{self, Config};
use crate::error::{Context, Error, Result};
use crate::files::{synchronise_folder, write_atomically};
use crate::id::Barcode;
use crate::key::Identities;
use crate::library::Library;
use crate::media::reconcile::place_words;

/// What recovering came to.
#[derive(Debug, Serialize)]
pub struct Recovered {
    /// What was read.
    #[serde(flatten)]
    pub report: Report,
    /// The configuration now; the one before it is beside it.
    pub configuration: PathBuf,
    /// Identities that were put where the record expects them.
    pub identities: Vec<PathBuf>,
    /// The newest complete set of each definition.
    pub newest: Vec<Newest>,
    /// How long it took.
    pub seconds: i64,
}

/// The newest complete set of a definition, and what restoring it needs.
#[derive(Debug, Serialize)]
pub struct Newest {
    /// Name of the definition.
    pub name: String,
    /// When it was begun.
    pub started_at: chrono::DateTime<chrono::Utc>,
    /// Members in it.
    pub members: u64,
    /// Logical bytes in it.
    pub bytes: u64,
    /// For each copy, the cartridges and where they were last seen.
    pub copies: Vec<Vec<(Barcode, String)>>,
}

/// Recovers into a state folder that has a configuration and no record.
///
/// # Errors
/// There is a record already; no snapshot was found that can be read.
pub fn recover(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcodes: Vec<Barcode>,
    identity_files: &[PathBuf],
    keep: KeepIdentities,
) -> Result<Recovered> {
    if !is_empty(app)? {
        return Err(Error::usage(format!(
            "{} has a record already",
            app.state.display()
        ))
        .hint("\"tapeward catalogue rebuild\" adds what tapes know; or name another folder with --state"));
    }
    let begun = app.clock.now();
    let request = Request {
        barcodes,
        identities: app.identities(identity_files, &[])?,
        snapshots: Snapshots::Require,
        configuration: Configuration::TakeOver,
    };
    let report = rebuild(app, library, &request)?;
    let identities = match keep {
        KeepIdentities::Yes => keep_identities(app, identity_files)?,
        KeepIdentities::No => Vec::new(),
    };
    Ok(Recovered {
        report,
        configuration: app.state.join(config::FILE_NAME),
        identities,
        newest: app.catalogue.read(newest)?,
        seconds: (app.clock.now() - begun).num_seconds(),
    })
}

/// Whether identities stay on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepIdentities {
    /// They are put where the record expects them.
    Yes,
    /// They are used and forgotten.
    No,
}

/// What a snapshot says of all but the libraries counts; these are of this host. The
/// configuration before is kept under another name.
pub(super) fn merge_configuration(app: &App, snapshot: &Path) -> Result<()> {
    let path = app.state.join(config::FILE_NAME);
    let of_snapshot = Config::load(snapshot).context("the snapshot's configuration")?;
    let merged = Config {
        library: app.config.library.clone(),
        ..of_snapshot
    };
    if merged == app.config {
        return Ok(());
    }
    let before = std::fs::read(&path).context(format!("cannot read {}", path.display()))?;
    write_atomically(&path.with_extension("toml.before"), &before)?;
    write_atomically(&path, merged.to_toml()?.as_bytes())
}

/// An identity goes where the record says that of its key is, if nothing is there.
fn keep_identities(app: &App, files: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let keys = app.catalogue.read(|view| view.keys())?;
    let mut kept = Vec::new();
    for file in files {
        let identities = Identities::load(std::slice::from_ref(file))?;
        for recipient in identities.recipients() {
            let recipient = recipient.to_string();
            let Some(key) = keys.iter().find(|key| key.recipient == recipient) else {
                continue;
            };
            let IdentityPlace::File { path } = &key.identity else {
                continue;
            };
            let target = app.state.join(path);
            if target.exists() {
                continue;
            }
            copy_identity(file, &target)?;
            kept.push(target);
        }
    }
    Ok(kept)
}

/// A copy that only its owner can read, whole or not there.
fn copy_identity(file: &Path, target: &Path) -> Result<()> {
    let what = || format!("cannot write {}", target.display());
    let content = zeroize::Zeroizing::new(std::fs::read(file).context(what())?);
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut partial = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .context(what())?;
    partial
        .write_all(&content)
        .and_then(|()| partial.as_file().sync_all())
        .context(what())?;
    partial
        .persist_noclobber(target)
        .map_err(|failed| Error::failed(what()).because(failed.error))?;
    synchronise_folder(target)
}

fn newest(view: &View<'_>) -> std::result::Result<Vec<Newest>, CatalogueError> {
    let mut all = Vec::new();
    for definition in view.all_definitions()? {
        let Some(set) = view
            .sets_of(definition.id)?
            .into_iter()
            .rfind(|set| set.state == SetState::Complete)
        else {
            continue;
        };
        let mut copies = Vec::new();
        for copy in view.set_copies(set.id)? {
            let mut cartridges: Vec<(Barcode, String)> = Vec::new();
            for row in view.live_copies(set.id, copy.copy)? {
                debug_assert_ne!(row.state, SegmentCopyState::Lost);
                let cartridge = view.cartridge(view.volume(row.volume)?.cartridge)?;
                if cartridges
                    .iter()
                    .all(|(known, _)| *known != cartridge.barcode)
                {
                    let place = place_words(view, &cartridge.place)
                        .unwrap_or_else(|_| "unknown".to_owned());
                    cartridges.push((cartridge.barcode, place));
                }
            }
            copies.push(cartridges);
        }
        all.push(Newest {
            name: definition.name,
            started_at: set.started_at,
            members: set.totals.members,
            bytes: set.totals.bytes,
            copies,
        });
    }
    Ok(all)
}
