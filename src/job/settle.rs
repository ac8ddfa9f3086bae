//! After a kill or a power cut: every open intent is settled by looking, never by assuming.

use serde_json::json;
use tapeward_drivers::Drive;

use super::drives::Drives;
use super::label::{self, LabelIntent, record_label};
use super::recorder::set_content;
use super::step::{LABEL, MOVE, MoveIntent, RunContext, WRITE};
use super::volumes;
use crate::catalogue::{Cartridge, ContentState, Step, View};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, CopyNumber, SetId, VolumeId};
use crate::media::reconcile;
use crate::tape::volume::{
    Identified, VolumeReader, VolumeRecord, VolumeWriter, WriterSettings, identify,
};
use crate::tape::{TapeFile, VolumeError};

/// What appending to a volume means to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WriteIntent {
    /// The volume.
    pub volume: VolumeId,
    /// Its cartridge.
    pub barcode: Barcode,
    /// For which set.
    pub set: SetId,
    /// For which copy.
    pub copy: CopyNumber,
}

/// Settles every open intent of the run.
pub fn settle(context: &RunContext, drives: &mut Drives) -> Result<()> {
    let open = context
        .app
        .catalogue
        .read(|view| view.open_intents(context.run))?;
    for step in open {
        match step.kind.as_str() {
            MOVE => settle_move(context, &step)?,
            LABEL => settle_label(context, &step, drives)?,
            WRITE => settle_write(context, &step, drives)?,
            // Reading and bookkeeping leave nothing behind on any device.
            _ => context.settled(step.id, &json!({ "begun again": true }), |_, _| Ok(()))?,
        }
    }
    Ok(())
}

fn settle_move(context: &RunContext, step: &Step) -> Result<()> {
    let intent: MoveIntent = parse(step)?;
    let view = context.library.view()?;
    let seen = view.find(&intent.barcode)?.map(|place| place.name);
    context.settled(step.id, &json!({ "seen": seen }), |tx, now| {
        let run = Some(context.run);
        reconcile::reconcile_in(&context.app, tx, now, context.library_id, &view, run)?;
        Ok(())
    })
}

fn settle_label(context: &RunContext, step: &Step, drives: &mut Drives) -> Result<()> {
    let intent: LabelIntent = parse(step)?;
    let (seat, mut drive) = drives.take(&intent.barcode)?;
    let found = identify(drive.as_mut()).context(format!("cannot look at {}", intent.barcode));
    let (drive, settled) = match found {
        Ok(Identified::Ours(header)) if header.volume == intent.volume => {
            let mut reader = VolumeReader::of_identified(drive, *header);
            let files = reader.scan();
            let files = files.context(format!("cannot read the label of {}", intent.barcode));
            let drive = reader.into_drive();
            match files.map(|files| files.into_iter().next()) {
                Ok(Some(label)) => adopt(context, step, &intent, drive, label),
                Ok(None) => {
                    let settled = not_labelled(context, step, "a label that lacks its end");
                    (drive, settled)
                }
                Err(error) => (drive, Err(error)),
            }
        }
        Ok(found) => (drive, not_labelled(context, step, &found.to_string())),
        Err(error) => (drive, Err(error)),
    };
    drives.put(seat, drive);
    settled
}

fn not_labelled(context: &RunContext, step: &Step, found: &str) -> Result<()> {
    let seen = json!({ "label": false, "found": found });
    context.settled(step.id, &seen, |_, _| Ok(()))
}

/// The label is on the tape: the record learns of it.
fn adopt(
    context: &RunContext,
    step: &Step,
    intent: &LabelIntent,
    drive: Drive,
    label: TapeFile,
) -> (Drive, Result<()>) {
    let settings = match settings(context) {
        Ok(settings) => settings,
        Err(error) => return (drive, Err(error)),
    };
    let record = VolumeRecord {
        volume: intent.volume,
        files: vec![label],
    };
    match VolumeWriter::open_after_crash(drive, record, settings) {
        Ok(writer) => {
            let adopted = record_adopted(context, step, intent, &writer);
            (writer.into_drive(), adopted)
        }
        Err(failed) => {
            let what = format!("cannot go on with {}", intent.barcode);
            (failed.drive, Err(Error::failed(what).because(failed.error)))
        }
    }
}

fn record_adopted(
    context: &RunContext,
    step: &Step,
    intent: &LabelIntent,
    writer: &VolumeWriter,
) -> Result<()> {
    let cartridge = cartridge(context, &intent.barcode)?;
    context.settled(step.id, &json!({ "label": true }), |tx, now| {
        if let Some(old) = tx.volume_on(cartridge.id)? {
            label::written_over(context, tx, now, &old)?;
        }
        record_label(context, tx, now, writer, &cartridge, &intent.pool, None)
    })
}

/// What was not committed goes; a new directory closes what was.
fn settle_write(context: &RunContext, step: &Step, drives: &mut Drives) -> Result<()> {
    let intent: WriteIntent = parse(step)?;
    let (seat, drive) = drives.take(&intent.barcode)?;
    let record = context
        .app
        .catalogue
        .read(|view| volumes::record(view, intent.volume))?;
    let opened = VolumeWriter::open_after_crash(drive, record, settings(context)?);
    let drive = match opened {
        Ok(writer) => close_after_crash(context, step, &intent, writer)?,
        Err(failed)
            if matches!(
                failed.error,
                VolumeError::TrailerMismatch { .. }
                    | VolumeError::WrongVolume { .. }
                    | VolumeError::NothingOnRecord(_)
            ) =>
        {
            // Nothing is written to a volume that is not as the record has it.
            let why = failed.error.to_string();
            context.settled(step.id, &json!({ "quarantined": why }), |tx, now| {
                let state = ContentState::Quarantined;
                set_content(context, tx, now, intent.volume, state, &why)
            })?;
            failed.drive
        }
        Err(failed) => {
            drives.put(seat, failed.drive);
            return Err(Error::failed(format!(
                "cannot close {} after the interruption",
                intent.barcode
            ))
            .because(failed.error));
        }
    };
    drives.put(seat, drive);
    Ok(())
}

fn close_after_crash(
    context: &RunContext,
    step: &Step,
    intent: &WriteIntent,
    mut writer: VolumeWriter,
) -> Result<Drive> {
    match writer.write_directory() {
        Ok(directory) => {
            context.settled(step.id, &json!({ "closed": true }), |tx, now| {
                volumes::add_files(tx, intent.volume, &[directory], now)
            })?;
        }
        Err(error) => {
            // No room, or a bad place: what is committed can be read, nothing more is added.
            let why = error.to_string();
            context.settled(
                step.id,
                &json!({ "closed": false, "why": why }),
                |tx, now| set_content(context, tx, now, intent.volume, ContentState::Full, &why),
            )?;
        }
    }
    Ok(writer.into_drive())
}

fn settings(context: &RunContext) -> Result<WriterSettings> {
    label::settings(&context.app, 0)
}

fn cartridge(context: &RunContext, barcode: &Barcode) -> Result<Cartridge> {
    context
        .app
        .catalogue
        .read(|view: &View<'_>| view.cartridge_by_barcode(barcode))?
        .ok_or_else(|| Error::failed(format!("no cartridge {barcode} is registered")))
}

fn parse<T: serde::de::DeserializeOwned>(step: &Step) -> Result<T> {
    serde_json::from_value(step.intent.clone()).context(format!("step {} cannot be read", step.id))
}
