//! `media`, for cartridges of other programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Session;
use super::args::{ForeignCommand, LibraryChoice};
use super::output::{self, size};
use crate::app::App;
use crate::error::{Context, Result};
use crate::job::foreign::{self, Identification};
use crate::library::Library;
use crate::progress::counted;
use crate::tape::raw::RawManifest;

pub(super) fn run(session: &Session, app: &Arc<App>, command: ForeignCommand) -> Result<()> {
    let library = |choice: &LibraryChoice, purpose: &str| -> Result<Arc<Library>> {
        Ok(Arc::new(app.library(choice.library.as_deref(), purpose)?))
    };
    match command {
        ForeignCommand::Identify { barcode, choice } => {
            let library = library(&choice, "media identify")?;
            identified(session, &foreign::identify(app, &library, &barcode)?)
        }
        ForeignCommand::RegisterForeign {
            barcode,
            description,
            choice,
        } => {
            let library = library(&choice, "media register-foreign")?;
            let found = foreign::register_foreign(app, &library, &barcode, &description)?;
            if session.is_json() {
                return output::json(&found);
            }
            output::line(format!(
                "{barcode} holds {}: it is kept as it is",
                found.found
            ))
        }
        ForeignCommand::ReleaseForeign { barcode, reason } => {
            foreign::release_foreign(app, &barcode, &reason)?;
            if session.is_json() {
                return output::json(&serde_json::json!({ "barcode": barcode }));
            }
            output::line(format!("{barcode} need not be kept any more"))
        }
        ForeignCommand::RawCopy {
            barcode,
            to,
            choice,
        } => {
            let library = library(&choice, "media raw-copy")?;
            let folder = absolute(&to)?;
            let manifest = foreign::raw_copy(app, &library, &barcode, &folder)?;
            copied(
                session,
                &manifest,
                &format!("{barcode} is in {}", folder.display()),
            )?;
            foreign::outcome(&manifest, &folder)
        }
        ForeignCommand::RawWrite {
            folder,
            barcode,
            choice,
        } => {
            let library = library(&choice, "media raw-write")?;
            let folder = absolute(&folder)?;
            let manifest = foreign::raw_write(app, &library, &folder, &barcode)?;
            let words = format!("{barcode} is a copy of {}, read back", manifest.barcode);
            copied(session, &manifest, &words)?;
            foreign::outcome(&manifest, &folder)
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).context(format!("cannot find {}", path.display()))
}

pub(super) fn identified(session: &Session, found: &Identification) -> Result<()> {
    if session.is_json() {
        return output::json(found);
    }
    output::line(format!("Cartridge  {}", found.barcode))?;
    output::line(format!("Holds      {}", found.found))?;
    output::line(format!("Kind       {}", found.kind))?;
    output::line(format!("On record  {}", found.record))
}

fn copied(session: &Session, manifest: &RawManifest, words: &str) -> Result<()> {
    if session.is_json() {
        return output::json(manifest);
    }
    output::line(format!(
        "{words}: {}, {}",
        counted(manifest.files.len() as u64, "tape file", "tape files"),
        size(manifest.bytes())
    ))
}
