//! Reading copies back and comparing them with what was written.

use std::sync::Arc;

use serde_json::json;

use super::run::Job;
use super::step::VERIFY;
use super::volumes;
use crate::catalogue::{SegmentCopy, SegmentCopyState, SetCopyState, View};
use crate::error::{Error, Result};
use crate::id::{CopyNumber, SetId};
use crate::journal::Event as JournalEvent;
use crate::progress::Event;
use crate::tape::VolumeError;
use crate::tape::verify::{Depth, VerifyError, verify_segment};

/// What came of verifying a copy.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Verified {
    /// The copy.
    pub copy: CopyNumber,
    /// Segments that are as they were written.
    pub segments: usize,
    /// Bytes read.
    pub bytes: u64,
    /// Segments that are not, and why.
    pub damaged: Vec<String>,
}

impl Job {
    /// Reads every segment of a copy back: labels, length and digest against the record.
    pub(super) fn verify_copy(
        &mut self,
        set: SetId,
        name: &str,
        copy: CopyNumber,
    ) -> Result<Verified> {
        let app = Arc::clone(&self.context.app);
        let copies = app.catalogue.read(|view| readable(view, set, copy))?;
        let missing: Vec<_> = app
            .catalogue
            .read(|view| view.missing_segments(set, copy))?
            .into_iter()
            .filter(|number| copies.iter().all(|row| row.segment != *number))
            .collect();
        let step = self
            .context
            .intend(VERIFY, &json!({ "set": set, "copy": copy }))?;
        let task = format!("verifying {name}, copy {copy}");
        let mut verified = Verified {
            copy,
            segments: 0,
            bytes: 0,
            damaged: missing
                .iter()
                .map(|number| format!("segment {} is missing", number.0))
                .collect(),
        };
        for segment in &copies {
            if let Err(error) = app.interrupt.check() {
                self.context.failed(step, &error)?;
                return Err(error);
            }
            let files = app
                .catalogue
                .read(|view| volumes::segment_files(view, segment))?;
            let read = self.drives.with_reader(segment.volume, |reader| {
                Ok(verify_segment(reader, &files, Depth::Bytes))
            });
            let read = match read {
                Ok(Err(error)) if !is_damage(&error) => Err(Error::failed(format!(
                    "segment {} cannot be verified",
                    segment.segment.0
                ))
                .because(error)),
                other => other,
            };
            // Only what the tape says about the segment counts against it; a drive, a robot or a
            // path that fails says nothing.
            let read = match read {
                Ok(read) => read,
                Err(error) => {
                    self.context.failed(step, &error)?;
                    return Err(error);
                }
            };
            let state = match read {
                Ok(_) => {
                    verified.segments += 1;
                    verified.bytes += files.data.length;
                    SegmentCopyState::Verified
                }
                Err(error) => {
                    let error =
                        Error::failed(format!("segment {}", segment.segment.0)).because(error);
                    let what = error.to_string();
                    app.watcher.event(Event::Problem {
                        subject: format!("set {name}, copy {copy}"),
                        what: what.clone(),
                    });
                    verified.damaged.push(what);
                    SegmentCopyState::Lost
                }
            };
            app.write(|tx, now| {
                tx.set_segment_copy_state(segment.volume, segment.tape_file, state, now)?;
                let run = self.context.run;
                let event = match state {
                    SegmentCopyState::Verified => JournalEvent::SegmentVerified {
                        run,
                        set,
                        volume: segment.volume,
                        segment: segment.segment,
                        copy,
                    },
                    _ => JournalEvent::SegmentLost {
                        run: Some(run),
                        set,
                        volume: segment.volume,
                        segment: segment.segment,
                        copy,
                        reason: verified.damaged.last().cloned().unwrap_or_default(),
                    },
                };
                app.note(tx, now, &event)
            })?;
            app.watcher.event(Event::Progress {
                task: task.clone(),
                bytes: verified.bytes,
                total: None,
                files: verified.segments as u64,
            });
        }
        app.watcher.event(Event::ProgressEnd { task });
        let state = if verified.damaged.is_empty() {
            SetCopyState::Verified
        } else {
            SetCopyState::Incomplete
        };
        self.context.observe(
            step,
            &json!({ "segments": verified.segments, "damaged": verified.damaged }),
            |tx, now| {
                tx.set_copy_state(set, copy, state, now)?;
                app.note(
                    tx,
                    now,
                    &JournalEvent::SetCopyChanged {
                        run: Some(self.context.run),
                        set,
                        copy,
                        state,
                    },
                )
            },
        )?;
        if verified.damaged.is_empty() {
            app.say(format!(
                "set {name}: copy {copy} verified, {} segments",
                verified.segments
            ));
        }
        Ok(verified)
    }
}

/// What a copy has on tape: one place for each segment. One that was lost is looked at again where
/// there is no better one.
fn readable(view: &View<'_>, set: SetId, copy: CopyNumber) -> Result<Vec<SegmentCopy>> {
    let mut rows = view.live_copies(set, copy)?;
    for lost in view.segment_copies(set)?.into_iter().rev() {
        let known = rows.iter().any(|row| row.segment == lost.segment);
        if lost.copy == copy && lost.state == SegmentCopyState::Lost && !known {
            rows.push(lost);
        }
    }
    rows.sort_by_key(|row| row.segment);
    Ok(rows)
}

/// Whether the tape is to blame: its bytes, labels or structure are not as they were written, or
/// the medium cannot be read (MEDIUM ERROR, BLANK CHECK).
fn is_damage(error: &VerifyError) -> bool {
    match error {
        VerifyError::Volume(error) => is_bad_medium(error),
        _ => true,
    }
}

/// As [`is_damage`] for reading a volume.
pub(super) fn is_bad_medium(error: &VolumeError) -> bool {
    match error.scsi_error() {
        Some(scsi) => scsi.is_about_medium(),
        None => matches!(
            error,
            VolumeError::Damaged { .. }
                | VolumeError::Layout { .. }
                | VolumeError::Label { .. }
                | VolumeError::NoLabels { .. }
                | VolumeError::LabelDisagrees { .. }
                | VolumeError::Document { .. }
                | VolumeError::DocumentFormat { .. }
                | VolumeError::Codec(_)
                | VolumeError::Position { .. }
        ),
    }
}

/// An error for copies that are not as they were written.
pub fn damage(verified: &[Verified]) -> Result<()> {
    let damaged: usize = verified.iter().map(|copy| copy.damaged.len()).sum();
    if damaged == 0 {
        return Ok(());
    }
    Err(
        Error::failed(format!("{damaged} segments are not as they were written")).hint(
            "\"tapeward job resume\" copies them from the other copy while its run is unfinished",
        ),
    )
}
