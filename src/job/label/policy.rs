//! What a new label may overwrite.

use chrono::NaiveDate;
use tapeward_drivers::Drive;

use super::{Foreign, LabelIntent};
use crate::catalogue::{StepState, View, Volume};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, VolumeId, VolumeSerial};
use crate::job::step::{LABEL, RunContext};
use crate::job::volumes;
use crate::tape::TapeFile;
use crate::tape::label::TrailerGroup;
use crate::tape::volume::{Identified, LabelPolicy, VolumeReader, identify};

/// What may be overwritten: a volume the record says is free, one that a process of ours died over
/// while labelling it, and what somebody explicitly lets go.
pub(super) fn choose_policy(
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
    context.app.catalogue.read(|view| {
        if old.is_some_and(|old| old.id == volume) {
            let record = volumes::record(view, volume)?;
            let last = record.files.last().ok_or_else(|| {
                Error::failed(format!("no file of volume {volume} is on record"))
                    .hint("\"tapeward catalogue rebuild\" looks at what the tape holds")
            })?;
            return Ok(LabelPolicy::Recorded(
                volume,
                Box::new(last.trailer.clone()),
            ));
        }
        if view.find_volume(volume)?.is_some() {
            return Ok(LabelPolicy::BlankOnly);
        }
        Ok(if label_unfinished(view, volume)? {
            LabelPolicy::Unfinished(volume)
        } else if foreign == Foreign::Overwrite {
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
pub(super) fn not_kept(
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
