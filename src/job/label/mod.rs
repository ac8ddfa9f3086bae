//! Labelling cartridges: the beginning of a volume's life.

mod old;
mod policy;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tapeward_drivers::Drive;

pub(super) use self::old::{end_old, written_over};
use self::policy::{choose_policy, not_kept};
use super::blocks::{self, Tried};
use super::drives::Drives;
use super::lease::Leases;
use super::recorder::set_content;
use super::single::{SingleRun, settle_interrupted};
use super::step::{LABEL, RunContext};
use super::volumes;
use crate::app::App;
use crate::catalogue::{
    Cartridge, ContentState, MediumUse, NewVolume, PoolName, RunKind, Tx, View, Volume,
};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, VolumeId, VolumeSerial};
use crate::journal::Event;
use crate::library::Library;
use crate::library::mount::HeldDrive;
use crate::media::{barcode, reconcile};
use crate::retention::{self, Keep};
use crate::tape::document::VolumeHeader;
use crate::tape::stream::{Geometry, StreamOptions};
use crate::tape::volume::{
    DriveCompression, Identified, LabelPolicy, Touched, Trial, VolumeWriter, WriterSettings,
};
use crate::tape::{BlockSizes, Codec, VolumeError};

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

/// Why no label was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LabelFailure {
    /// In words.
    error: String,
    /// Whether the beginning of it may stand on the tape.
    #[serde(default)]
    begun: bool,
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

/// What a cartridge becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLabel {
    /// Its pool.
    pub pool: PoolName,
    /// Until when what is about to be written must be kept, where that is known.
    pub retain_until: Option<DateTime<Utc>>,
    /// What to do with data of other programs.
    pub foreign: Foreign,
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
    app.write(|tx, now| {
        retention::review(app, tx, now)?;
        for code in barcodes {
            may_label(tx, code, now)?;
        }
        Ok(())
    })?;
    let view = library.view()?;
    let library_id = reconcile::identify(app, library)?;
    let held = library.hold_drives(&view, 1, barcodes)?;
    blocks::check(&app.config, &held, [pool])?;
    let plan = serde_json::json!({ "barcodes": barcodes, "pool": pool });
    let run = SingleRun::begin(app, RunKind::Label, plan)?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    blocks::note(&context, &held)?;
    let mut drives = Drives::new(context.clone(), held);
    let wanted = NewLabel {
        pool: pool.clone(),
        retain_until: None,
        foreign,
    };
    let outcome = settle_interrupted(&context, &mut drives).and_then(|()| {
        barcodes
            .iter()
            .map(|code| label_one(&context, &mut drives, code, &wanted))
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
    wanted: &NewLabel,
) -> Result<Labelled> {
    let settings = settings(&context.app, 0)?;
    let (seat, drive) = drives.take(code)?;
    let labelled = label_mounted(context, &seat.held, drive, code, wanted, settings);
    let (drive, outcome) = match labelled {
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
        blocks: BlockSizes::all(app.config.largest_block()?),
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
    now: DateTime<Utc>,
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
            "when it need not be kept any more: \"tapeward media release-foreign {code} --reason TEXT\""
        )));
    }
    let volume = view.volume_on(cartridge.id)?;
    if let Some(volume) = &volume {
        let keeps = retention::keeps(view, volume.id, now)?;
        let held = keeps.iter().find(|keep| matches!(keep, Keep::Held { .. }));
        let day = |until: &DateTime<Utc>| until.format("%Y-%m-%d").to_string();
        if let Some(keep) = held.or(keeps.first()) {
            let why = match keep {
                Keep::Retention { set, until } => format!(" until {} (set {set})", day(until)),
                other => format!(", {other}"),
            };
            let refused = Error::failed(format!("{code} must be kept{why}: nothing was written"));
            return Err(match keep {
                Keep::Held { .. } => refused.hint("\"tapeward set release\" ends a hold"),
                _ => refused,
            });
        }
        if let Some(until) = volume.retain_until.filter(|until| now < *until) {
            return Err(Error::failed(format!(
                "{code} must be kept until {}: nothing was written",
                day(&until)
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
    held: &HeldDrive,
    drive: Drive,
    code: &Barcode,
    wanted: &NewLabel,
    settings: WriterSettings,
) -> Result<VolumeWriter, Box<LabelError>> {
    let mut drive = drive;
    let prepared = prepare(context, held, &mut drive, code, wanted);
    let Prepared {
        header,
        old,
        cartridge,
        trial,
    } = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Err(Box::new(LabelError { drive, error })),
    };
    if wanted.foreign == Foreign::Overwrite {
        let (back, checked) = not_kept(context, drive, code, old.as_ref());
        drive = back;
        if let Err(error) = checked {
            return Err(Box::new(LabelError { drive, error }));
        }
    }
    let policy = match choose_policy(context, &mut drive, code, old.as_ref(), wanted.foreign) {
        Ok(policy) => policy,
        Err(error) => return Err(Box::new(LabelError { drive, error })),
    };
    let intent = LabelIntent {
        barcode: code.clone(),
        volume: header.volume,
        serial: header.serial,
        pool: wanted.pool.clone(),
        block_size: u32::from(header.block_size),
    };
    let size = header.block_size;
    // While the tape was looked at somebody may have placed a hold.
    let may = |tx: &Tx<'_>, now| match may_label(tx, code, now)?.1.map(|volume| volume.id) {
        there if there == old.as_ref().map(|old| old.id) => Ok(()),
        _ => Err(Error::failed(format!(
            "{code} was labelled meanwhile: nothing was written"
        ))),
    };
    let step = match context.intend_if(LABEL, &intent, may) {
        Ok(step) => step,
        Err(error) => return Err(Box::new(LabelError { drive, error })),
    };
    match VolumeWriter::label(drive, header, &policy, settings, trial) {
        Ok(writer) => {
            let recorded = context.observe(
                step,
                &serde_json::json!({ "volume": writer.volume() }),
                |tx, now| {
                    if trial == Trial::Block && !writer.is_worm() {
                        blocks::tried(context, tx, now, held, size, Tried::CameBack)?;
                    }
                    if let Some(old) = &old {
                        written_over(context, tx, now, old)?;
                    }
                    let overwrote = (policy == LabelPolicy::OverwriteForeign)
                        .then(|| "whatever was on it, as asked for".to_owned());
                    record_label(
                        context,
                        tx,
                        now,
                        &writer,
                        &cartridge,
                        &wanted.pool,
                        overwrote,
                    )
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
            let recorded = record_refusal(context, held, old.as_ref(), &failed.error);
            let error = refused(code, failed.error);
            let seen = LabelFailure {
                error: error.to_string(),
                begun: failed.tape == Touched::Label,
            };
            let noted = serde_json::to_value(&seen).context("cannot record a step");
            let noted = noted.and_then(|seen| context.failed_as(step, seen));
            let error = match noted.and(recorded) {
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

/// Records what the attempt has shown: a tape that ends elsewhere than on record is not written by
/// anybody until a person decides, and a block that did not come back is not tried again.
fn record_refusal(
    context: &RunContext,
    held: &HeldDrive,
    old: Option<&Volume>,
    error: &VolumeError,
) -> Result<()> {
    match (error, old) {
        (VolumeError::TrailerMismatch { .. }, Some(old)) => context.app.write(|tx, now| {
            let (state, why) = (ContentState::Quarantined, error.to_string());
            set_content(context, tx, now, old.id, state, &why)
        }),
        (VolumeError::BlockRefused { size, .. }, _) => context
            .app
            .write(|tx, now| blocks::tried(context, tx, now, held, *size, Tried::Refused)),
        _ => Ok(()),
    }
}

/// Records a volume whose label is on the tape.
pub fn record_label(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
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

struct Prepared {
    header: VolumeHeader,
    old: Option<Volume>,
    cartridge: Cartridge,
    trial: Trial,
}

fn prepare(
    context: &RunContext,
    held: &HeldDrive,
    drive: &mut Drive,
    code: &Barcode,
    wanted: &NewLabel,
) -> Result<Prepared> {
    let app = &context.app;
    let now = app.clock.now();
    let block_size = app.config.block_size(&wanted.pool)?;
    let what = format!("pool {}", wanted.pool);
    if let Some(why) = held.blocks.refusal(&held.site, block_size, &what) {
        return Err(Error::failed(why));
    }
    let (cartridge, old) = app.catalogue.read(|view| may_label(view, code, now))?;
    let (serial, trial) = app.catalogue.read(|view| {
        let serial = choose_serial(view, code, old.as_ref())?;
        Ok::<_, Error>((serial, blocks::trial(view, held, block_size)?))
    })?;
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
        block_size,
        native_capacity: capacity,
        labelled: now,
        // What is written later may be kept longer; the record knows.
        retain_until: wanted.retain_until,
    };
    Ok(Prepared {
        header,
        old,
        cartridge,
        trial,
    })
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
        VolumeError::TrailerMismatch { .. } => {
            Some("\"tapeward catalogue rebuild\" looks at what is on it")
        }
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
