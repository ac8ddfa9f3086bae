//! Labelling cartridges: the beginning of a volume's life.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tapeward_drivers::Drive;

use super::drives::Drives;
use super::lease::Leases;
use super::single::{SingleRun, settle_interrupted};
use super::step::{LABEL, RunContext};
use super::volumes;
use crate::app::App;
use crate::catalogue::{
    Cartridge, ContentState, MediumUse, NewVolume, PoolName, RunKind, StepState, View, Volume,
};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, VolumeId, VolumeSerial};
use crate::journal::Event;
use crate::library::Library;
use crate::media::{barcode, reconcile};
use crate::tape::document::VolumeHeader;
use crate::tape::label::TrailerGroup;
use crate::tape::stream::{Geometry, StreamOptions};
use crate::tape::volume::{
    DriveCompression, Identified, LabelPolicy, VolumeReader, VolumeWriter, WriterSettings, identify,
};
use crate::tape::{BlockSize, Codec, TapeFile, VolumeError};

/// What to do with data of other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Leave it alone.
    Refuse,
    /// Overwrite it.
    Overwrite,
}

/// What labelling means to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelIntent {
    /// The cartridge.
    pub barcode: Barcode,
    /// The volume it becomes.
    pub volume: VolumeId,
    /// Its serial.
    pub serial: VolumeSerial,
    /// Its pool.
    pub pool: PoolName,
    /// Size of its blocks in bytes.
    pub block_size: u32,
}

/// A volume that was just labelled.
#[derive(Debug, Clone, Serialize)]
pub struct Labelled {
    /// The cartridge.
    pub barcode: Barcode,
    /// The volume.
    pub id: VolumeId,
    /// Its serial in VOL1.
    pub serial: VolumeSerial,
}

/// A drive that did not get a label, with the reason; the drive goes back.
#[derive(Debug)]
pub struct LabelError {
    /// The drive.
    pub drive: Drive,
    /// Why not.
    pub error: Error,
}

/// Labels cartridges, one after the other, in a run of its own.
pub fn label(
    app: &Arc<App>,
    library: &Arc<Library>,
    barcodes: &[Barcode],
    pool: &PoolName,
    foreign: Foreign,
) -> Result<Vec<Labelled>> {
    for code in barcodes {
        app.catalogue
            .read(|view| may_label(view, code, app.clock.now()))?;
    }
    let view = library.view()?;
    let library_id = reconcile::identify(app, library)?;
    let held = library.hold_drives(&view, 1, barcodes)?;
    let plan = serde_json::json!({ "barcodes": barcodes, "pool": pool });
    let run = SingleRun::begin(app, RunKind::Label, plan)?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut drives = Drives::new(context.clone(), held);
    let outcome = settle_interrupted(&context, &mut drives).and_then(|()| {
        barcodes
            .iter()
            .map(|code| label_one(&context, &mut drives, code, pool, foreign))
            .collect::<Result<Vec<_>>>()
    });
    let outcome = drives.put_away(outcome);
    run.end(&outcome, |_, _, _| Ok(()))?;
    outcome
}

fn label_one(
    context: &RunContext,
    drives: &mut Drives,
    code: &Barcode,
    pool: &PoolName,
    foreign: Foreign,
) -> Result<Labelled> {
    let settings = settings(&context.app, 0)?;
    let (seat, drive) = drives.take(code)?;
    let (drive, outcome) = match label_mounted(context, drive, code, pool, foreign, settings) {
        Ok(writer) => {
            let labelled = Labelled {
                barcode: code.clone(),
                id: writer.volume(),
                serial: writer.header().serial,
            };
            (writer.into_drive(), Ok(labelled))
        }
        Err(failed) => (failed.drive, Err(failed.error)),
    };
    drives.put_checked(seat, drive);
    drives.unmount(code, None)?;
    outcome
}

/// How a volume is written that is only labelled or closed: what the sizes are for does not come.
pub fn settings(app: &App, capacity: u64) -> Result<WriterSettings> {
    let stream = &app.config.stream;
    let options = StreamOptions {
        block_size: BlockSize::new(stream.block_size.as_u64()).context("stream.block-size")?,
        segment_size: stream.segment_size.as_u64(),
        ring_size: stream.ring_size.as_u64(),
        codec: Codec::None,
        recipients: Vec::new(),
    };
    Ok(WriterSettings {
        clock: app.clock.clone(),
        geometry: Geometry::new(&options, capacity),
        compression: DriveCompression::Off,
    })
}

/// The cartridge and the volume whose life would end.
///
/// # Errors
/// An unknown cartridge, one that is not for data, one with something to keep.
pub fn may_label(
    view: &View<'_>,
    code: &Barcode,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(Cartridge, Option<Volume>)> {
    let cartridge = view.cartridge_by_barcode(code)?.ok_or_else(|| {
        Error::usage(format!("no cartridge {code} is registered"))
            .hint(format!("register it with \"tapeward media add {code}\""))
    })?;
    if !matches!(cartridge.medium_use, MediumUse::Data | MediumUse::Worm) {
        return Err(Error::usage(format!(
            "{code} is a {} cartridge",
            cartridge.medium_use
        )));
    }
    if let Some(foreign) = view.foreign_on(cartridge.id)? {
        return Err(Error::failed(format!(
            "{code} is kept as it is, with {}: nothing was written",
            foreign.found
        ))
        .hint(format!(
            "when it need not be kept any more: \"tapeward media release-foreign {code}\""
        )));
    }
    let volume = view.volume_on(cartridge.id)?;
    if let Some(volume) = &volume {
        let kept = volume.retain_until.filter(|until| now < *until);
        if let Some(until) = kept {
            return Err(Error::failed(format!(
                "{code} must be kept until {}: nothing was written",
                until.format("%Y-%m-%d")
            )));
        }
        if !volume.content.may_be_relabelled() {
            return Err(Error::failed(format!(
                "{code} is {}: nothing was written",
                volume.content
            )));
        }
    }
    Ok((cartridge, volume))
}

/// Labels the cartridge in a drive and records the volume.
///
/// # Errors
/// Whatever [`may_label`] refuses, data of others unless it may be overwritten, and what the
/// drive says.
pub fn label_mounted(
    context: &RunContext,
    drive: Drive,
    code: &Barcode,
    pool: &PoolName,
    foreign: Foreign,
    settings: WriterSettings,
) -> Result<VolumeWriter, Box<LabelError>> {
    let mut drive = drive;
    let prepared = prepare(context, &mut drive, code);
    let (header, old, cartridge) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Err(Box::new(LabelError { drive, error })),
    };
    if foreign == Foreign::Overwrite {
        let (back, checked) = not_kept(context, drive, code, old.as_ref());
        drive = back;
        if let Err(error) = checked {
            return Err(Box::new(LabelError { drive, error }));
        }
    }
    let policy = match choose_policy(context, &mut drive, old.as_ref(), foreign) {
        Ok(policy) => policy,
        Err(error) => return Err(Box::new(LabelError { drive, error })),
    };
    let intent = LabelIntent {
        barcode: code.clone(),
        volume: header.volume,
        serial: header.serial,
        pool: pool.clone(),
        block_size: u32::from(header.block_size),
    };
    let step = match context.intend(LABEL, &intent) {
        Ok(step) => step,
        Err(error) => return Err(Box::new(LabelError { drive, error })),
    };
    match VolumeWriter::label_new(drive, header, policy, settings) {
        Ok(writer) => {
            let recorded = context.observe(
                step,
                &serde_json::json!({ "volume": writer.volume() }),
                |tx, now| {
                    if let Some(old) = &old {
                        tx.end_volume(old.id, now)?;
                        context.app.note(
                            tx,
                            now,
                            &Event::VolumeEnded {
                                volume: old.id,
                                reason: "labelled anew".to_owned(),
                            },
                        )?;
                    }
                    let overwrote = (policy == LabelPolicy::OverwriteForeign)
                        .then(|| "whatever was on it, as asked for".to_owned());
                    record_label(context, tx, now, &writer, &cartridge, pool, overwrote)
                },
            );
            match recorded {
                Ok(()) => Ok(writer),
                Err(error) => Err(Box::new(LabelError {
                    drive: writer.into_drive(),
                    error,
                })),
            }
        }
        Err(failed) => {
            let error = refused(code, failed.error);
            let error = match context.failed(step, &error) {
                Ok(()) => error,
                Err(unrecorded) => unrecorded,
            };
            Err(Box::new(LabelError {
                drive: failed.drive,
                error,
            }))
        }
    }
}

/// Records a volume whose label is on the tape.
pub fn record_label(
    context: &RunContext,
    tx: &crate::catalogue::Tx<'_>,
    now: chrono::DateTime<chrono::Utc>,
    writer: &VolumeWriter,
    cartridge: &Cartridge,
    pool: &PoolName,
    overwrote: Option<String>,
) -> Result<()> {
    let header = writer.header();
    tx.add_volume(
        &NewVolume {
            id: header.volume,
            cartridge: cartridge.id,
            serial: header.serial,
            pool: pool.clone(),
            capacity: header.native_capacity,
            block_size: u32::from(header.block_size),
            worm: writer.is_worm(),
            labelled_at: now,
        },
        Some(context.run),
    )?;
    volumes::add_files(tx, header.volume, writer.files(), now)?;
    context.app.note(
        tx,
        now,
        &Event::VolumeLabelled {
            volume: header.volume,
            cartridge: cartridge.id,
            run: Some(context.run),
            serial: header.serial,
            pool: pool.clone(),
            overwrote,
        },
    )
}

type Prepared = (VolumeHeader, Option<Volume>, Cartridge);

fn prepare(context: &RunContext, drive: &mut Drive, code: &Barcode) -> Result<Prepared> {
    let app = &context.app;
    let now = app.clock.now();
    let (cartridge, old) = app.catalogue.read(|view| may_label(view, code, now))?;
    let serial = app
        .catalogue
        .read(|view| choose_serial(view, code, old.as_ref()))?;
    let capacity = drive
        .capacity()
        .context("cannot ask for the cartridge's capacity")?
        .map_or_else(
            // A drive that cannot tell: what cartridges of this label hold.
            || barcode::read(code).generation.native_capacity(),
            |capacity| capacity.maximum.bytes(),
        );
    let header = VolumeHeader {
        volume: VolumeId::generate(now),
        serial,
        barcode: Some(code.clone()),
        block_size: BlockSize::new(app.config.stream.block_size.as_u64())
            .context("stream.block-size")?,
        native_capacity: capacity,
        labelled: now,
        // Only what is written later says how long it must be kept.
        retain_until: None,
    };
    Ok((header, old, cartridge))
}

/// What may be overwritten: a volume the record says is free, one that a process of ours died over
/// while labelling it, and what somebody explicitly lets go.
fn choose_policy(
    context: &RunContext,
    drive: &mut Drive,
    old: Option<&Volume>,
    foreign: Foreign,
) -> Result<LabelPolicy> {
    let found = identify(drive.as_mut()).context("cannot look at the tape")?;
    let Identified::Ours(header) = found else {
        return Ok(match foreign {
            Foreign::Overwrite => LabelPolicy::OverwriteForeign,
            Foreign::Refuse => LabelPolicy::BlankOnly,
        });
    };
    let volume = header.volume;
    if old.is_some_and(|old| old.id == volume) {
        return Ok(LabelPolicy::Reuse(volume));
    }
    context.app.catalogue.read(|view| {
        let on_record = view.find_volume(volume)?.is_some();
        let free = foreign == Foreign::Overwrite || label_unfinished(view, volume)?;
        Ok(if !on_record && free {
            LabelPolicy::Reuse(volume)
        } else {
            LabelPolicy::BlankOnly
        })
    })
}

/// Whether writing this very label was begun here and never observed.
fn label_unfinished(view: &View<'_>, volume: VolumeId) -> Result<bool> {
    for run in view.runs()? {
        for step in view.steps(run.id)? {
            let meant = step.kind.as_str() == LABEL
                && serde_json::from_value::<LabelIntent>(step.intent.clone())
                    .is_ok_and(|intent| intent.volume == volume);
            if meant {
                return Ok(step.state != StepState::Done);
            }
        }
    }
    Ok(false)
}

/// Nothing that must be kept is overwritten because somebody takes it for foreign: a volume whose
/// header cannot be read any more and that the record has under its serial, and one of another
/// record whose labels (HDR1, expiration date) say so.
fn not_kept(
    context: &RunContext,
    mut drive: Drive,
    code: &Barcode,
    old: Option<&Volume>,
) -> (Drive, Result<()>) {
    let what = || format!("cannot look at {code}");
    let found = match identify(drive.as_mut()).context(what()) {
        Ok(found) => found,
        Err(error) => return (drive, Err(error)),
    };
    let text = found.to_string();
    let (drive, until) = match found {
        Identified::OursDamaged { serial, .. } => (drive, recorded_retention(context, &serial)),
        Identified::Ours(header) if old.is_none_or(|old| old.id != header.volume) => {
            let mut reader = VolumeReader::of_identified(drive, *header);
            let until = reader.scan().context(what()).and_then(|files| {
                let days = files.iter().map(labelled_retention);
                Ok(days
                    .collect::<Result<Vec<_>>>()?
                    .into_iter()
                    .flatten()
                    .max())
            });
            (reader.into_drive(), until)
        }
        _ => (drive, Ok(None)),
    };
    let today = context.app.clock.now().date_naive();
    let checked = until.and_then(|until| match until {
        Some(until) if today < until => Err(Error::failed(format!(
            "cannot label {code}: it holds {text}, which must be kept until {until}: nothing was \
             written"
        ))),
        _ => Ok(()),
    });
    (drive, checked)
}

fn recorded_retention(context: &RunContext, serial: &str) -> Result<Option<NaiveDate>> {
    let Ok(serial) = serial.parse::<VolumeSerial>() else {
        return Ok(None);
    };
    let known = context
        .app
        .catalogue
        .read(|view| view.volume_by_serial(serial))?;
    Ok(known
        .and_then(|volume| volume.retain_until)
        .map(|until| until.date_naive()))
}

fn labelled_retention(file: &TapeFile) -> Result<Option<NaiveDate>> {
    let group = TrailerGroup::parse(&file.trailer).context("a trailer cannot be read")?;
    Ok(group.file1.expires.day())
}

/// The barcode's six characters when they are free, else the first free number.
fn choose_serial(view: &View<'_>, code: &Barcode, old: Option<&Volume>) -> Result<VolumeSerial> {
    let free = |serial: VolumeSerial| -> Result<bool> {
        Ok(view
            .volume_by_serial(serial)?
            .is_none_or(|taken| old.is_some_and(|old| old.id == taken.id)))
    };
    if let Some(serial) = barcode::read(code).serial
        && free(serial)?
    {
        return Ok(serial);
    }
    for number in 1..100_000 {
        let serial: VolumeSerial = format!("T{number:05}").parse()?;
        if free(serial)? {
            return Ok(serial);
        }
    }
    Err(Error::failed("no volume serial is free"))
}

fn refused(code: &Barcode, error: VolumeError) -> Error {
    let hint = match &error {
        VolumeError::NotBlank { found } => Some(match &**found {
            Identified::Ours(header) if header.barcode.as_ref() != Some(code) => {
                "its barcode and its tape do not belong together: look at the cartridge"
            }
            Identified::Ours(_) => "the record does not know this volume; take another cartridge",
            _ => "\"tapeward media label --overwrite-foreign\" overwrites data of other programs",
        }),
        _ => None,
    };
    let refused = Error::failed(format!("cannot label {code}")).because(error);
    match hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// Whether anything may be appended to a volume in this state.
#[must_use]
pub fn may_append(content: ContentState) -> bool {
    matches!(content, ContentState::Scratch | ContentState::Filling)
}
