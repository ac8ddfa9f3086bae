//! What a new label may overwrite.

use chrono::{DateTime, NaiveDate, Utc};
use tapeward_drivers::Drive;

use super::{Foreign, LabelFailure, LabelIntent};
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
    code: &Barcode,
    old: Option<&Volume>,
    foreign: Foreign,
) -> Result<LabelPolicy> {
    let found = identify(drive.as_mut()).context("cannot look at the tape")?;
    let otherwise = match foreign {
        Foreign::Overwrite => LabelPolicy::OverwriteForeign,
        Foreign::Refuse => LabelPolicy::BlankOnly,
    };
    let (volume, serial) = match found {
        Identified::Ours(header) => (header.volume, header.serial),
        Identified::OursUnfinished { serial } => {
            let catalogue = &context.app.catalogue;
            let begun = catalogue.read(|view| label_begun(view, code, old, &serial))?;
            return Ok(begun.unwrap_or(otherwise));
        }
        _ => return Ok(otherwise),
    };
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
        if let Some(ended) = view.find_volume(volume)? {
            return let_go(view, code, old, &ended, context.app.clock.now());
        }
        Ok(if label_unfinished(view, volume)? {
            LabelPolicy::Unfinished { volume, serial }
        } else if foreign == Foreign::Overwrite {
            LabelPolicy::Reuse(volume)
        } else {
            LabelPolicy::BlankOnly
        })
    })
}

/// A volume that the record has ended, on the cartridge it was on: it was let go, and what was to
/// take its place was never written. It goes if it ends as the record says.
fn let_go(
    view: &View<'_>,
    code: &Barcode,
    old: Option<&Volume>,
    ended: &Volume,
    now: DateTime<Utc>,
) -> Result<LabelPolicy> {
    let here = view
        .cartridge_by_barcode(code)?
        .is_some_and(|cartridge| cartridge.id == ended.cartridge);
    let over = ended.ended_at.is_some() && ended.retain_until.is_none_or(|until| until <= now);
    let record = volumes::record(view, ended.id)?;
    Ok(match record.files.last() {
        Some(last) if here && over && old.is_none() => {
            LabelPolicy::Recorded(ended.id, Box::new(last.trailer.clone()))
        }
        _ => LabelPolicy::BlankOnly,
    })
}

/// Whether writing this very label was begun here and never observed.
fn label_unfinished(view: &View<'_>, volume: VolumeId) -> Result<bool> {
    let meant = labels_meant(view)?
        .into_iter()
        .find(|meant| meant.intent.volume == volume);
    Ok(meant.is_some_and(|meant| meant.state != StepState::Done))
}

/// Whether a label with this serial was begun on this cartridge and not finished, since the last
/// one that the record knows of: the process died, or the drive or tape failed. What was refused says
/// nothing: then nothing was written.
fn label_begun(
    view: &View<'_>,
    code: &Barcode,
    old: Option<&Volume>,
    serial: &str,
) -> Result<Option<LabelPolicy>> {
    let Ok(serial) = serial.parse::<VolumeSerial>() else {
        return Ok(None);
    };
    let lives = view.volume_by_serial(serial)?;
    if lives.is_some_and(|lives| old.is_none_or(|old| old.id != lives.id)) {
        return Ok(None);
    }
    for meant in labels_meant(view)? {
        let intent = &meant.intent;
        if intent.barcode != *code {
            continue;
        }
        if meant.state == StepState::Done || view.find_volume(intent.volume)?.is_some() {
            return Ok(None);
        }
        if intent.serial == serial && meant.may_have_begun() {
            return Ok(Some(LabelPolicy::Unfinished {
                volume: intent.volume,
                serial,
            }));
        }
    }
    Ok(None)
}

/// A label that was meant to be written, and what became of it.
struct Meant {
    state: StepState,
    intent: LabelIntent,
    failure: Option<LabelFailure>,
}

impl Meant {
    fn may_have_begun(&self) -> bool {
        match self.state {
            StepState::Intended | StepState::Settled => true,
            StepState::Failed => self.failure.as_ref().is_some_and(|failure| failure.begun),
            StepState::Done => false,
        }
    }
}

/// All labels that were ever meant to be written, newest first.
fn labels_meant(view: &View<'_>) -> Result<Vec<Meant>> {
    let steps = view.steps_of_kind(&LABEL.parse()?)?;
    let meant = steps.into_iter().filter_map(|step| {
        let intent = serde_json::from_value(step.intent).ok()?;
        let failure = step.observation;
        let failure = failure.and_then(|seen| serde_json::from_value(seen).ok());
        Some(Meant {
            state: step.state,
            intent,
            failure,
        })
    });
    Ok(meant.collect())
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
        Identified::OursDamaged { serial, .. } | Identified::OursUnfinished { serial } => {
            (drive, recorded_retention(context, &serial))
        }
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
