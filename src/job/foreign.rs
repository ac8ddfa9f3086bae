//! Cartridges of other programs: looked at, kept, copied block by block.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tapeward_drivers::Drive;
use tapeward_drivers::ssc::{Buffering, DriveModes};

use super::drives::Drives;
use super::label::{end_old, may_label};
use super::lease::Leases;
use super::single::{SingleRun, settle_interrupted};
use super::step::RunContext;
use super::volumes;
use crate::app::App;
use crate::catalogue::{MediumUse, NewForeignTape, RunKind, Tx, View, Volume};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::files::create_private_folder;
use crate::id::{Barcode, CartridgeId};
use crate::journal::Event as JournalEvent;
use crate::library::Library;
use crate::media::{barcode as label, reconcile, register};
use crate::progress::{Event, counted};
use crate::tape::raw::{self, BadPlace, RawError, RawManifest, RawReader};
use crate::tape::volume::{Identified, ends_with, identify as identify_tape};

/// Reading a tape to files. Intent: barcode, folder.
const RAW_COPY: &str = "raw_copy";
/// Writing files to a tape. Intent: barcode, folder.
const RAW_WRITE: &str = "raw_write";

/// What is on a cartridge.
#[derive(Debug, Clone, Serialize)]
pub struct Identification {
    /// The cartridge.
    pub barcode: Barcode,
    /// What wrote it, in a word.
    pub kind: String,
    /// What its beginning says, in words.
    pub found: String,
    /// What the record has on it, in words.
    pub record: String,
}

/// Loads a cartridge and reads its beginning; nothing is written.
///
/// # Errors
/// What keeps it from being looked at at all.
pub fn identify(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcode: &Barcode,
) -> Result<Identification> {
    if label::read(barcode).medium_use == MediumUse::Cleaning {
        return Ok(Identification {
            barcode: barcode.clone(),
            kind: "cleaning".to_owned(),
            found: "a cleaning cartridge, going by its label; it was not loaded".to_owned(),
            record: app.catalogue.read(|view| on_record(view, barcode))?,
        });
    }
    let found = with_drive(app, library, barcode, RunKind::Inventory, |_, drive| {
        identify_tape(drive.as_mut()).context(format!("cannot look at {barcode}"))
    })?;
    app.catalogue.read(|view| {
        let kind = match &found {
            Identified::Ours(header) if view.find_volume(header.volume)?.is_none() => {
                "ours-not-on-record"
            }
            other => other.kind(),
        };
        Ok(Identification {
            barcode: barcode.clone(),
            kind: kind.to_owned(),
            found: found.to_string(),
            record: on_record(view, barcode)?,
        })
    })
}

fn on_record(view: &View<'_>, barcode: &Barcode) -> Result<String> {
    let Some(cartridge) = view.cartridge_by_barcode(barcode)? else {
        return Ok("not registered".to_owned());
    };
    if let Some(foreign) = view.foreign_on(cartridge.id)? {
        return Ok(format!("kept as it is: {}", foreign.found));
    }
    Ok(match view.volume_on(cartridge.id)? {
        Some(volume) => format!(
            "volume {} ({}), {}",
            volume.serial, volume.id, volume.content
        ),
        None => "registered, no volume".to_owned(),
    })
}

/// Works with a cartridge in a drive, in a run of its own.
fn with_drive<T>(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcode: &Barcode,
    kind: RunKind,
    work: impl FnOnce(&RunContext, &mut Drive) -> Result<T>,
) -> Result<T> {
    let view = library.view()?;
    let held = library.hold_drives(&view, 1, std::slice::from_ref(barcode))?;
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, None)?;
    let run = SingleRun::begin(app, kind, json!({ "barcode": barcode }))?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut drives = Drives::new(context.clone(), held);
    let outcome = settle_interrupted(&context, &mut drives)
        .and_then(|()| drives.take(barcode))
        .and_then(|(seat, mut drive)| {
            let outcome = work(&context, &mut drive);
            drives.put_checked(seat, drive);
            outcome
        });
    let outcome = drives.put_away(outcome);
    run.end(&outcome, |_, _, _| Ok(()))?;
    outcome
}

/// Keeps a cartridge with data of another program as it is, from now on.
///
/// # Errors
/// It is blank, or a volume of the record.
pub fn register_foreign(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcode: &Barcode,
    description: &str,
) -> Result<Identification> {
    let kept = app.catalogue.read(|view| {
        Ok::<_, Error>(match view.cartridge_by_barcode(barcode)? {
            Some(cartridge) => view.foreign_on(cartridge.id)?,
            None => None,
        })
    })?;
    if let Some(kept) = kept {
        return Err(Error::usage(format!(
            "{barcode} is kept already, with {}",
            kept.found
        )));
    }
    let found = identify(app, library, barcode)?;
    if matches!(found.kind.as_str(), "blank" | "ours" | "cleaning") {
        return Err(Error::usage(format!(
            "{barcode} holds {}: there is nothing foreign to keep",
            found.found
        )));
    }
    let known = app
        .catalogue
        .read(|view| view.cartridge_by_barcode(barcode))?;
    if known.is_none() {
        register::add(app, std::slice::from_ref(barcode))?;
    }
    app.write(|tx, now| {
        let cartridge = cartridge(tx, barcode)?;
        if let Some(volume) = tx.volume_on(cartridge)? {
            return Err(Error::failed(format!(
                "the record has volume {} ({}) on {barcode}, and the tape holds {}",
                volume.serial, volume.content, found.found
            ))
            .hint("\"tapeward media show\" shows what it should hold"));
        }
        keep(app, tx, now, None, cartridge, &found.found, description)
    })?;
    Ok(found)
}

fn cartridge(view: &View<'_>, barcode: &Barcode) -> Result<CartridgeId> {
    let known = view.cartridge_by_barcode(barcode)?;
    known.map(|cartridge| cartridge.id).ok_or_else(|| {
        Error::usage(format!("no cartridge {barcode} is registered"))
            .hint(format!("register it with \"tapeward media add {barcode}\""))
    })
}

fn keep(
    app: &App,
    tx: &Tx<'_>,
    now: chrono::DateTime<chrono::Utc>,
    run: Option<crate::id::RunId>,
    cartridge: CartridgeId,
    found: &str,
    description: &str,
) -> Result<()> {
    tx.add_foreign(&NewForeignTape {
        cartridge,
        found: found.to_owned(),
        description: description.to_owned(),
        at: now,
    })?;
    app.note(
        tx,
        now,
        &JournalEvent::ForeignRegistered {
            cartridge,
            run,
            found: found.to_owned(),
            description: description.to_owned(),
        },
    )
}

/// A cartridge need not be kept as it is any more; it is labelled only with `--overwrite-foreign`.
///
/// # Errors
/// It is not kept.
pub fn release_foreign(app: &App, barcode: &Barcode, reason: &str) -> Result<()> {
    app.write(|tx, now| {
        let cartridge = cartridge(tx, barcode)?;
        if tx.foreign_on(cartridge)?.is_none() {
            return Err(
                Error::usage(format!("{barcode} is not kept as a foreign cartridge"))
                    .hint("\"tapeward media list\" shows which are"),
            );
        }
        tx.release_foreign(cartridge, now)?;
        let reason = reason.to_owned();
        app.note(
            tx,
            now,
            &JournalEvent::ForeignReleased { cartridge, reason },
        )
    })
}

/// Copies every tape file of a cartridge into a folder, or goes on with that.
///
/// # Errors
/// A folder with something else; [`ErrorKind::Incomplete`] never: what could not be read is in the
/// manifest.
pub fn raw_copy(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcode: &Barcode,
    folder: &Path,
) -> Result<RawManifest> {
    create_private_folder(folder)?;
    let begun = RawManifest::load(folder).map_err(|error| raw_error(barcode, error))?;
    match &begun {
        Some(manifest) if manifest.barcode != *barcode => {
            return Err(Error::usage(format!(
                "{} holds a copy of {}",
                folder.display(),
                manifest.barcode
            ))
            .hint("choose another folder"));
        }
        Some(manifest) if manifest.finished.is_some() => return Ok(manifest.clone()),
        None if std::fs::read_dir(folder)
            .context("cannot look")?
            .next()
            .is_some() =>
        {
            return Err(Error::usage(format!("{} is not empty", folder.display()))
                .hint("choose an empty folder"));
        }
        Some(_) | None => {}
    }
    with_drive(app, library, barcode, RunKind::Copy, |context, drive| {
        let mut manifest = match begun {
            Some(manifest) => manifest,
            None => {
                let found =
                    identify_tape(drive.as_mut()).context(format!("cannot look at {barcode}"))?;
                let kind = found.kind();
                RawManifest::new(barcode.clone(), kind, found.to_string(), app.clock.now())
            }
        };
        let intent = json!({ "barcode": barcode, "folder": folder });
        let step = context.intend(RAW_COPY, &intent)?;
        let read = read_tape(app, drive, &mut manifest, folder, barcode);
        if let Err(error) = read {
            context.failed(step, &error)?;
            return Err(error);
        }
        let seen = json!({ "tape_files": manifest.files.len(), "bad": manifest.bad_places() });
        context.observe(step, &seen, |tx, now| {
            note(
                app,
                tx,
                now,
                context,
                "from tape",
                folder,
                &manifest,
                barcode,
            )
        })?;
        Ok(manifest)
    })
}

fn read_tape(
    app: &App,
    drive: &mut Drive,
    manifest: &mut RawManifest,
    folder: &Path,
    barcode: &Barcode,
) -> Result<()> {
    let task = format!("copying {barcode}");
    let told = std::cell::Cell::new(0_u64);
    let progress = |bytes: u64, bad: Option<&BadPlace>| {
        if let Some(bad) = bad {
            app.watcher.event(Event::Problem {
                subject: barcode.to_string(),
                what: format!("block {} cannot be read: {}", bad.address, bad.why),
            });
        }
        // A line for each block of a small block size would cost more than the block.
        if bytes - told.get() >= 16 << 20 {
            told.set(bytes);
            app.watcher.event(Event::Progress {
                task: task.clone(),
                bytes,
                total: None,
                files: 0,
            });
        }
    };
    let reader = RawReader {
        folder,
        clock: &app.clock,
        interrupt: &app.interrupt,
        progress: &progress,
    };
    let read = raw::read(drive.as_mut(), manifest, &reader);
    app.watcher.event(Event::ProgressEnd { task });
    read.map_err(|error| raw_error(barcode, error))
}

#[allow(clippy::too_many_arguments)] // one entry of the journal
fn note(
    app: &App,
    tx: &Tx<'_>,
    now: chrono::DateTime<chrono::Utc>,
    context: &RunContext,
    direction: &str,
    folder: &Path,
    manifest: &RawManifest,
    barcode: &Barcode,
) -> Result<()> {
    let Some(cartridge) = tx.cartridge_by_barcode(barcode)? else {
        // One that is not registered may be copied all the same.
        return Ok(());
    };
    let text = serde_json::to_vec(manifest).context("cannot render the manifest")?;
    app.note(
        tx,
        now,
        &JournalEvent::RawCopied {
            run: context.run,
            cartridge: cartridge.id,
            direction: direction.to_owned(),
            folder: folder.display().to_string(),
            manifest: blake3::hash(&text).to_hex().to_string(),
            bad_blocks: manifest.bad_places(),
        },
    )
}

/// Writes a raw copy onto a scratch cartridge and reads it back. The cartridge is kept as a foreign
/// one from before its first byte is written.
///
/// # Errors
/// A copy that is not whole or is of a volume of ours; a cartridge with anything on it;
/// [`ErrorKind::Incomplete`] when places of the original could not be read.
pub fn raw_write(
    app: &Arc<App>,
    library: &Arc<Library>,
    folder: &Path,
    barcode: &Barcode,
) -> Result<RawManifest> {
    let manifest = loaded(folder, barcode)?;
    let now = app.clock.now();
    app.catalogue.read(|view| may_label(view, barcode, now))?;
    app.say(format!("comparing {} with its manifest", folder.display()));
    raw::compare(folder, &manifest).map_err(|error| raw_error(barcode, error))?;
    with_drive(app, library, barcode, RunKind::Copy, |context, drive| {
        let old = app.catalogue.read(|view| may_label(view, barcode, now))?.1;
        prepare(drive, barcode, old.as_ref(), &manifest)?;
        if let Some(old) = &old {
            ends_as_recorded(app, drive, barcode, old)?;
        }
        let intent = json!({ "barcode": barcode, "folder": folder });
        let step = context.intend_if(RAW_WRITE, &intent, |tx, now| {
            // While the tape was looked at somebody may have placed a hold.
            let (cartridge, old) = may_label(tx, barcode, now)?;
            if let Some(old) = &old {
                let reason = format!("written over with a raw copy of {}", manifest.barcode);
                end_old(context, tx, now, old, &reason)?;
            }
            let description = format!("raw copy of {}", manifest.barcode);
            let (run, found) = (Some(context.run), &manifest.found);
            keep(app, tx, now, run, cartridge.id, found, &description)
        })?;
        let task = format!("writing {barcode}");
        let told = std::cell::Cell::new(0_u64);
        let progress = |bytes: u64| {
            if bytes - told.get() >= 16 << 20 {
                told.set(bytes);
                app.watcher.event(Event::Progress {
                    task: task.clone(),
                    bytes,
                    total: Some(manifest.bytes()),
                    files: 0,
                });
            }
        };
        let written = raw::write(drive.as_mut(), folder, &manifest, &app.interrupt, &progress);
        app.watcher.event(Event::ProgressEnd { task: task.clone() });
        if let Err(error) = written {
            let error = raw_error(barcode, error).hint(format!(
                "{barcode} is not whole; \"tapeward media release-foreign {barcode} --reason TEXT\" frees it"
            ));
            context.failed(step, &error)?;
            return Err(error);
        }
        context.observe(step, &json!({ "read back": true }), |tx, now| {
            note(app, tx, now, context, "to tape", folder, &manifest, barcode)
        })
    })?;
    Ok(manifest)
}

/// A copy that may be written.
fn loaded(folder: &Path, barcode: &Barcode) -> Result<RawManifest> {
    let manifest = RawManifest::load(folder)
        .map_err(|error| raw_error(barcode, error))?
        .ok_or_else(|| {
            Error::usage(format!("{} holds no raw copy", folder.display()))
                .hint("\"tapeward media raw-copy\" makes one")
        })?;
    if manifest.finished.is_none() {
        return Err(
            Error::usage(format!("the copy in {} is not whole", folder.display())).hint(format!(
                "go on with \"tapeward media raw-copy {} --to {}\"",
                manifest.barcode,
                folder.display()
            )),
        );
    }
    if manifest.kind.starts_with("ours") {
        return Err(Error::usage(format!(
            "{} is a volume of Tapeward: two of one id are not made",
            manifest.barcode
        ))
        .hint("\"tapeward copy refresh\" copies what is on it"));
    }
    Ok(manifest)
}

/// A volume of ours holds nothing that the record does not know.
fn ends_as_recorded(app: &App, drive: &mut Drive, barcode: &Barcode, old: &Volume) -> Result<()> {
    let what = || format!("{barcode} is not as the record says: nothing was written");
    let record = app.catalogue.read(|view| volumes::record(view, old.id))?;
    let Some(last) = record.files.last() else {
        return Err(
            Error::failed(what()).hint("\"tapeward catalogue rebuild\" looks at what it holds")
        );
    };
    ends_with(drive, &last.trailer).context(what())
}

/// Nothing but a blank tape, or a volume the record lets go, is written over.
fn prepare(
    drive: &mut Drive,
    barcode: &Barcode,
    old: Option<&Volume>,
    manifest: &RawManifest,
) -> Result<()> {
    let what = || format!("cannot write on {barcode}");
    let found = identify_tape(drive.as_mut()).context(what())?;
    let free = match &found {
        Identified::Blank => true,
        Identified::Ours(header) => old.is_some_and(|old| old.id == header.volume),
        _ => false,
    };
    if !free {
        return Err(
            Error::failed(format!("{barcode} holds {found}: nothing was written"))
                .hint("take a blank cartridge"),
        );
    }
    if found != Identified::Blank && drive.is_worm().context(what())?.unwrap_or(false) {
        return Err(Error::failed(format!(
            "{barcode} can be written only once and is not blank"
        )));
    }
    let capacity = drive.capacity().context(what())?;
    if let Some(capacity) = capacity
        && capacity.maximum.bytes() < manifest.bytes()
    {
        return Err(Error::failed(format!(
            "{barcode} holds {} bytes, the copy has {}",
            capacity.maximum.bytes(),
            manifest.bytes()
        ))
        .hint("take a larger cartridge"));
    }
    let before = drive.modes().context(what())?;
    if before.write_protected {
        return Err(Error::failed(format!("{barcode} is write-protected")));
    }
    drive
        .set_modes(&DriveModes {
            buffering: Buffering::Buffered,
            block_length: 0,
            compression: before.compression.map(|_| false),
            programmable_early_warning: before.programmable_early_warning,
            write_protected: false,
        })
        .context(what())?;
    Ok(())
}

fn raw_error(barcode: &Barcode, error: RawError) -> Error {
    match error {
        RawError::Interrupted => Error::new(ErrorKind::Interrupted, error.to_string()),
        RawError::Manifest { .. } => Error::usage(error.to_string()),
        other => Error::failed(format!("cannot copy {barcode}")).because(other),
    }
}

/// What could not be read, in one line.
///
/// # Errors
/// [`ErrorKind::Incomplete`] when there is such a place.
pub fn outcome(manifest: &RawManifest, folder: &Path) -> Result<()> {
    match manifest.bad_places() {
        0 => Ok(()),
        bad => Err(Error::new(
            ErrorKind::Incomplete,
            format!(
                "{} of {} could not be read",
                counted(bad, "place", "places"),
                manifest.barcode
            ),
        )
        .hint(format!(
            "{} says which",
            folder.join("manifest.json").display()
        ))),
    }
}
