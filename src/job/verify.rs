//! Reading copies back and comparing them with what was written.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::run::Job;
use super::set_index::not_on_record;
use super::step::VERIFY;
use super::volumes;
use crate::app::App;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{
    BackupSet, ContentState, CopyReason, Encryption, Place, ProofKind, RunKind, SegmentCopy,
    SegmentCopyState, SetCopyState, Tx, View,
};
use crate::copies::settle;
use crate::copies::task::{self, Why, usual_due};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, LibraryId, SetId, VolumeId};
use crate::journal::Event as JournalEvent;
use crate::key::record_proofs;
use crate::media::reconcile::place_words;
use crate::progress::{Event, counted};
use crate::tape::content::Cut;
use crate::tape::verify::{Depth, VerifyError, verify_next};

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
    /// Segments that are on no cartridge on record.
    pub unknown: Vec<SegmentNumber>,
    /// What became of the files, where they were compared.
    #[serde(flatten)]
    pub files: Files,
    /// Cartridges with some of it that nobody could look at.
    pub absent: Vec<Absent>,
}

/// Paths named at most.
const NAMED: usize = 10_000;

/// What became of the files in segments that were read back with an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Files {
    /// Files that have the digest in the index.
    #[serde(rename = "files")]
    pub compared: u64,
    /// Files that begin on a volume that was not read just before: nobody compared them.
    #[serde(rename = "files_apart")]
    pub apart: u64,
    /// Files that cannot be read as they were written.
    #[serde(rename = "differing_files")]
    pub differing: u64,
    /// The paths of those.
    #[serde(rename = "differing")]
    pub names: Vec<String>,
}

impl Files {
    /// Adds what was found in a segment.
    pub(super) fn add(&mut self, found: Self) {
        self.compared += found.compared;
        self.apart += found.apart;
        self.differing += found.differing;
        let room = NAMED.saturating_sub(self.names.len());
        self.names.extend(found.names.into_iter().take(room));
    }
}

/// What came of reading a segment back.
#[derive(Debug)]
pub(super) struct ReadBack {
    /// Bytes of its data, or what is wrong with it.
    pub(super) outcome: Result<u64, String>,
    /// What became of the files in it.
    pub(super) files: Files,
}

/// A cartridge that is not in the library.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Absent {
    /// Its barcode.
    pub barcode: Barcode,
    /// Where it is, in words.
    pub place: String,
}

impl Job {
    /// Reads every segment of a copy back that is in the library: labels, length and digest
    /// against the record; what is in it too, where an identity is given.
    pub(super) fn verify_copy(
        &mut self,
        set: SetId,
        name: &str,
        copy: CopyNumber,
        depth: Depth<'_>,
    ) -> Result<Verified> {
        let app = Arc::clone(&self.context.app);
        let found = app.catalogue.read(|view| view.set(set))?;
        self.must_open_keys(&found, name)?;
        let copies = app.catalogue.read(|view| readable(view, set, copy))?;
        let missing = app
            .catalogue
            .read(|view| view.missing_segments(set, copy))?;
        let missing = missing
            .into_iter()
            .filter(|number| copies.iter().all(|row| row.segment != *number))
            .map(|number| format!("segment {} is missing", number.0));
        let missing = missing.collect();
        let unknown = not_on_record(&app, &found)?;
        let library = self.context.library_id;
        let (copies, absent) = app
            .catalogue
            .read(|view| in_library(view, library, copies))?;
        let step = self
            .context
            .intend(VERIFY, &json!({ "set": set, "copy": copy }))?;
        let task = format!("verifying {name}, copy {copy}");
        let mut verified = Verified {
            copy,
            segments: 0,
            bytes: 0,
            damaged: missing,
            unknown,
            files: Files::default(),
            absent,
        };
        let mut cut = None;
        for segment in &copies {
            if let Err(error) = app.interrupt.check() {
                self.context.failed(step, &error)?;
                return Err(error);
            }
            if let Err(error) = self.drives.give_way() {
                self.context.failed(step, &error)?;
                return Err(error);
            }
            // Only what the tape says about the segment counts against it; a drive, a robot or a
            // path that fails says nothing.
            let ReadBack { outcome, files } = match self.read_back(segment, depth, &mut cut) {
                Ok(read) => read,
                Err(error) => {
                    self.context.failed(step, &error)?;
                    return Err(error);
                }
            };
            verified.files.add(files);
            match &outcome {
                Ok(bytes) => {
                    verified.segments += 1;
                    verified.bytes += bytes;
                }
                Err(damage) => {
                    app.watcher.event(Event::Problem {
                        subject: format!("set {name}, copy {copy}"),
                        what: damage.clone(),
                    });
                    verified.damaged.push(damage.clone());
                }
            }
            app.write(|tx, now| self.record_read(tx, now, segment, &outcome, depth))?;
            app.watcher.event(Event::Progress {
                task: task.clone(),
                bytes: verified.bytes,
                total: None,
                files: verified.segments as u64,
            });
        }
        app.watcher.event(Event::ProgressEnd { task });
        // What nobody looked at says nothing about the copy.
        let as_written = verified.damaged.is_empty() && verified.unknown.is_empty();
        let state = match (as_written, verified.absent.is_empty()) {
            (false, _) => Some(SetCopyState::Incomplete),
            (true, true) => Some(SetCopyState::Verified),
            (true, false) => None,
        };
        self.context.observe(
            step,
            &json!({
                "segments": verified.segments,
                "damaged": verified.damaged,
                "unknown": verified.unknown,
                "files": verified.files.compared,
                "differing_files": verified.files.differing,
                "absent": verified.absent,
            }),
            |tx, now| {
                let Some(state) = state else {
                    return Ok(());
                };
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
                )?;
                settle::settle(&app, tx, now, set, copy).map(|_| ())
            },
        )?;
        if state == Some(SetCopyState::Verified) {
            app.say(format!(
                "set {name}: copy {copy} verified, {}",
                counted(verified.segments as u64, "segment", "segments")
            ));
        }
        Ok(verified)
    }
}

impl Job {
    /// Reads a segment back; `cut` goes from one segment of a copy to the next.
    ///
    /// # Errors
    /// Nobody can tell whether it is as it was written.
    pub(super) fn read_back(
        &mut self,
        segment: &SegmentCopy,
        depth: Depth<'_>,
        cut: &mut Option<Cut>,
    ) -> Result<ReadBack> {
        let files = self
            .context
            .app
            .catalogue
            .read(|view| volumes::segment_files(view, segment))?;
        let read = self.drives.with_reader(segment.volume, |reader| {
            Ok(verify_next(reader, &files, depth, cut))
        })?;
        let number = segment.segment.0;
        let mut found = Files::default();
        match read {
            Ok(verified) => {
                if let Depth::Content(identities) = depth {
                    identities.proved_on(segment.volume);
                }
                (found.compared, found.apart) = (verified.files, verified.apart);
                Ok(ReadBack {
                    outcome: Ok(files.data.length),
                    files: found,
                })
            }
            Err(error) if !error.is_damage() => {
                Err(Error::failed(format!("segment {number} cannot be verified")).because(error))
            }
            Err(mut error) => {
                if let Depth::Content(identities) = depth {
                    identities.disproved();
                }
                if let VerifyError::Files {
                    count,
                    names,
                    compared,
                    apart,
                    ..
                } = &mut error
                {
                    found = Files {
                        compared: *compared,
                        apart: *apart,
                        differing: *count,
                        names: std::mem::take(names),
                    };
                }
                let error = Error::failed(format!("segment {number}")).because(error);
                Ok(ReadBack {
                    outcome: Err(error.to_string()),
                    files: found,
                })
            }
        }
    }

    /// Records what [`Job::read_back`] found.
    pub(super) fn record_read(
        &self,
        tx: &Tx<'_>,
        now: DateTime<Utc>,
        segment: &SegmentCopy,
        read: &Result<u64, String>,
        depth: Depth<'_>,
    ) -> Result<()> {
        let (app, run) = (&self.context.app, self.context.run);
        // Somebody else may have recorded something about it while it was read.
        let segment = &tx.segment_copy_at(segment.volume, segment.tape_file)?;
        let (set, volume, copy) = (segment.set, segment.volume, segment.copy);
        let number = segment.segment;
        let counts = match segment.state {
            SegmentCopyState::Superseded | SegmentCopyState::Replaced => false,
            SegmentCopyState::Lost => tx.live_copy(set, copy, number)?.is_none(),
            _ => true,
        };
        if !counts {
            return Ok(());
        }
        // A good one does not go for one whose cartridge is not to be relied on.
        let taken_out = Err("its cartridge was taken out of use before it counted".to_owned());
        let replaces = segment.state == SegmentCopyState::Replacing;
        let read = if replaces && read.is_ok() && is_out_of_use(tx, volume)? {
            app.watcher.event(Event::Problem {
                subject: format!("segment {} of set {set}, copy {copy}", number.0),
                what: "its cartridge was taken out of use before it counted".to_owned(),
            });
            &taken_out
        } else {
            read
        };
        let (state, event) = match read {
            Ok(_) => (
                SegmentCopyState::Verified,
                JournalEvent::SegmentVerified {
                    run,
                    set,
                    volume,
                    segment: number,
                    copy,
                },
            ),
            Err(reason) => (
                SegmentCopyState::Lost,
                JournalEvent::SegmentLost {
                    run: Some(run),
                    set,
                    volume,
                    segment: number,
                    copy,
                    reason: reason.clone(),
                },
            ),
        };
        if state == SegmentCopyState::Verified && replaces {
            let instead_of = tx.take_place(segment, now)?;
            let event = JournalEvent::SegmentReplaced {
                run,
                set,
                volume,
                segment: number,
                copy,
                instead_of,
            };
            app.note(tx, now, &event)?;
        } else {
            tx.set_segment_copy_state(volume, segment.tape_file, state, now)?;
        }
        app.note(tx, now, &event)?;
        if let Depth::Content(identities) = depth {
            record_proofs(app, tx, now, run, ProofKind::Verify, identities)?;
        }
        match read {
            // A monthly job makes it anew by itself.
            Err(reason) if tx.run(run)?.kind != RunKind::Backup => {
                damaged(app, tx, now, segment, reason)
            }
            _ => Ok(()),
        }
    }
}

fn is_out_of_use(view: &View<'_>, volume: VolumeId) -> Result<bool> {
    let volume = view.volume(volume)?;
    Ok(volume.content == ContentState::Quarantined
        || view.quarantined_cartridges()?.contains(&volume.cartridge))
}

/// What is not as it was written is to be copied again from another copy.
fn damaged(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    segment: &SegmentCopy,
    reason: &str,
) -> Result<()> {
    let barcode = tx.cartridge(tx.volume(segment.volume)?.cartridge)?.barcode;
    let rows = [segment.clone()];
    task::incomplete(app, tx, now, &rows)?;
    let why = Why {
        reason: CopyReason::Damaged,
        note: format!("{barcode}: {reason}"),
        pool: None,
        due: usual_due(now),
    };
    // What replaces something else and cannot be read is written again by the task it is for.
    if segment.state != SegmentCopyState::Replacing {
        task::open_for(app, tx, now, None, rows, &why)?;
    }
    app.note(
        tx,
        now,
        &JournalEvent::ProblemFound {
            run: None,
            volume: Some(segment.volume),
            cartridge: None,
            what: why.note,
        },
    )
}

impl Job {
    /// What drives encrypted is read back with its key only, which is on the tape for whoever has an
    /// identity.
    ///
    /// # Errors
    /// [`ErrorKind::OperatorNeeded`] when nobody here has one.
    pub(super) fn must_open_keys(&self, set: &BackupSet, name: &str) -> Result<()> {
        if set.encryption != Encryption::Drive {
            return Ok(());
        }
        let keys = self.context.app.catalogue.read(|view| {
            let keys = set.recipients.iter().map(|key| view.key(*key));
            keys.collect::<Result<Vec<_>, _>>()
        })?;
        let what = format!("set {name} cannot be read back: what the drive wrote");
        self.drives
            .identities(&set.recipients)?
            .must_open(&what, &keys)
            .map_err(|error| {
                Error::new(ErrorKind::OperatorNeeded, error.to_string()).hint(format!(
                    "bring the identity's file to its place, or \"tapeward verify {name} --identity \
                     FILE\""
                ))
            })
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

/// The segments whose cartridges are in the library, and the cartridges of the others.
fn in_library(
    view: &View<'_>,
    library: LibraryId,
    segments: Vec<SegmentCopy>,
) -> Result<(Vec<SegmentCopy>, Vec<Absent>)> {
    let mut here = Vec::new();
    let mut absent: Vec<Absent> = Vec::new();
    for segment in segments {
        let cartridge = view.cartridge(view.volume(segment.volume)?.cartridge)?;
        if matches!(cartridge.place, Place::Element { library: place, .. } if place == library) {
            here.push(segment);
        } else if absent
            .iter()
            .all(|known| known.barcode != cartridge.barcode)
        {
            absent.push(Absent {
                place: place_words(view, &cartridge.place)?,
                barcode: cartridge.barcode,
            });
        }
    }
    Ok((here, absent))
}

/// An error for copies that are not as they were written, or that nobody could look at
/// ([`ErrorKind::OperatorNeeded`]).
pub fn damage(verified: &[Verified]) -> Result<()> {
    let damaged: usize = verified.iter().map(|copy| copy.damaged.len()).sum();
    if damaged > 0 {
        let what = counted(
            damaged as u64,
            "segment is not as it was written",
            "segments are not as they were written",
        );
        return Err(Error::failed(what).hint(
            "\"tapeward job resume\" copies them from the other copy while its run is unfinished, \
             \"tapeward copy run --all\" after that",
        ));
    }
    let unknown: usize = verified.iter().map(|copy| copy.unknown.len()).sum();
    if unknown > 0 {
        let segments = counted(unknown as u64, "segment is", "segments are");
        return Err(
            Error::failed(format!("{segments} on no cartridge on record")).hint(
                "the record was made of some of the cartridges only: bring the others, then \
                 \"tapeward catalogue rebuild\"",
            ),
        );
    }
    let absent: Vec<String> = verified
        .iter()
        .flat_map(|copy| {
            let of = copy.copy;
            copy.absent
                .iter()
                .map(move |Absent { barcode, place }| format!("{barcode} of copy {of} ({place})"))
        })
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::OperatorNeeded,
        format!("not in the library and not verified: {}", absent.join(", ")),
    )
    .hint("bring them, put them into mail slots, then try again"))
}
