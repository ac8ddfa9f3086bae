//! Index parts while a set is written, and its index when it is complete.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::recorder::Recorder;
use super::run::{Job, can_be_opened};
use super::volumes;
use crate::app::App;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{
    BackupSet, ContentDigest, Segment, SegmentCopy, SetCopyState, SetState, SetTotals, StoredIndex,
};
use crate::error::{Context, Error, Result};
use crate::files;
use crate::id::SetId;
use crate::index::{self, IndexHeader, IndexReader, Origin, OriginKey, Scope};
use crate::journal::Event as JournalEvent;
use crate::key::Identities;
use crate::tape::codec::decode;
use crate::tape::stream::Segmenter;
use crate::tape::volume::VolumeReader;

impl Job {
    /// The set's index: stored here, written behind the segments, and with it the set complete.
    pub(super) fn index(
        &self,
        segmenter: &mut Segmenter,
        set: &BackupSet,
        recorder: &Recorder,
    ) -> Result<()> {
        let app = &self.context.app;
        let next = segmenter.segment();
        if next.0 > 0 {
            let last = SegmentNumber(next.0 - 1);
            let on_tape = app
                .catalogue
                .read(|view| view.last_committed_segment(set.id))?;
            if on_tape.is_none_or(|on_tape| on_tape.number < last) {
                recorder.wait_for(last)?;
            }
        }
        let parts = self.parts(set.id)?;
        let name = format!("{}.index", set.id);
        let path = app.indexes().join(&name);
        let partial = app.indexes().join(format!("{name}.partial"));
        let what = || format!("cannot write {}", path.display());
        let file = File::create(&partial).context(what())?;
        let header = IndexHeader {
            set: set.id,
            scope: Scope::Set { segments: next.0 },
            origin: Some(origin(app, set, recorder.problems())?),
        };
        let (summary, file) = index::merge(&parts, &header, std::io::BufWriter::new(file))
            .context(format!("cannot make the index of set {}", set.id))?;
        let file = file.into_inner().context(what())?;
        file.sync_all()
            .and_then(|()| std::fs::rename(&partial, &path))
            .context(what())?;
        files::synchronise_folder(&path)?;
        let mut reader = BufReader::new(File::open(&path).context(what())?);
        segmenter
            .write_set_index(&mut reader, summary.length)
            .context("cannot write the set's index to tape")?;
        let totals = SetTotals {
            members: summary.totals.rows,
            bytes: summary.totals.bytes,
            problems: recorder.problems(),
        };
        let segments = next.0;
        let old = app.write(|tx, now| {
            let stored = StoredIndex {
                file: name.clone(),
                digest: ContentDigest(*summary.digest.as_bytes()),
            };
            tx.complete_set(set.id, &totals, &stored, now)?;
            for copy in tx.set_copies(set.id)? {
                let missing = !tx.missing_segments(set.id, copy.copy)?.is_empty();
                let state = if missing {
                    SetCopyState::Incomplete
                } else {
                    SetCopyState::Complete
                };
                tx.set_copy_state(set.id, copy.copy, state, now)?;
            }
            app.note(
                tx,
                now,
                &JournalEvent::SetCompleted {
                    run: self.context.run,
                    set: set.id,
                    totals,
                    segments,
                },
            )?;
            Ok(tx.take_parts(set.id)?)
        })?;
        // Not needed any more: everything in them is in the set's index.
        drop(old);
        remove_parts(app, set.id);
        Ok(())
    }

    /// The index parts of the segments that are on tape.
    pub(super) fn parts(&self, set: SetId) -> Result<Vec<IndexReader>> {
        let app = &self.context.app;
        let segments = app.catalogue.read(|view| view.segments(set))?;
        segments
            .into_iter()
            .filter_map(|segment| segment.part)
            .map(|part| {
                IndexReader::open(&app.indexes().join(&part.file))
                    .context(format!("cannot read the index part {}", part.file))
            })
            .collect()
    }

    /// Index parts that are missing or damaged here are read back from tape.
    pub(super) fn recover_parts(&mut self, set: SetId) -> Result<()> {
        let app = std::sync::Arc::clone(&self.context.app);
        for segment in app.catalogue.read(|view| view.segments(set))? {
            let Some(part) = &segment.part else { continue };
            let path = app.indexes().join(&part.file);
            if is_whole(&path, part)? {
                continue;
            }
            app.say(format!(
                "the index part {} is missing or damaged: reading it back from tape",
                path.display()
            ));
            self.recover_part(&segment, part, &path).map_err(|error| {
                Error::new(
                    error.kind(),
                    format!("cannot recover the index part {}", path.display()),
                )
                .because(error)
                .hint("put the file back from a copy of the state folder, or bring cartridge and identity")
            })?;
        }
        Ok(())
    }

    fn recover_part(&mut self, segment: &Segment, part: &StoredIndex, path: &Path) -> Result<()> {
        let app = std::sync::Arc::clone(&self.context.app);
        let keys = app.catalogue.read(|view| view.set(segment.set))?.recipients;
        let identities = app.identities(&[], &keys)?;
        can_be_opened(&app, segment.set, &identities)?;
        let copies: Vec<SegmentCopy> = app
            .catalogue
            .read(|view| view.segment_copies(segment.set))?
            .into_iter()
            .filter(|copy| copy.segment == segment.number)
            .collect();
        let mut outcome = Err(Error::failed("no tape has its segment"));
        for copy in copies {
            outcome = self.drives.with_reader(copy.volume, |reader| {
                read_part(&app, reader, &copy, segment, part, &identities)
            });
            if outcome.is_ok() {
                break;
            }
        }
        let plaintext = outcome?;
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder).context(format!("cannot create {}", folder.display()))?;
        files::write_atomically(path, &plaintext)
    }
}

/// What only the record knows of the set, for the day when there is no record.
fn origin(app: &App, set: &BackupSet, problems: u64) -> Result<Origin> {
    app.catalogue.read(|view| {
        let definition = view.definition(set.definition)?;
        let copies = view.set_copies(set.id)?;
        let keys = set.recipients.iter().map(|key| view.key(*key));
        let keys = keys.collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(Origin {
            name: definition.name,
            source: definition.source.as_path(),
            month: set.month,
            compression: definition.compression,
            kept: copies
                .iter()
                .map(|row| (row.copy, row.retain_until))
                .collect(),
            copies: copies.into_iter().map(|row| (row.copy, row.pool)).collect(),
            agency: set.agency.clone(),
            hold: view
                .hold_of_set(set.id, set.definition)?
                .map(|hold| hold.reason),
            keys: keys
                .into_iter()
                .map(|key| OriginKey {
                    id: key.id,
                    name: key.name,
                    recipient: key.recipient,
                    role: key.role,
                    created_at: key.created_at,
                })
                .collect(),
            problems,
        })
    })
}

/// Segments of a set that the record knows nothing of, as one that was made of some of the cartridges
/// only: those its index speaks of, or, where it has none, those between others.
pub(super) fn not_on_record(app: &App, set: &BackupSet) -> Result<Vec<SegmentNumber>> {
    let rows = app.catalogue.read(|view| view.segments(set.id))?;
    let known: BTreeSet<SegmentNumber> = rows.iter().map(|row| row.number).collect();
    let stored = set
        .index
        .as_ref()
        .map(|stored| app.indexes().join(&stored.file));
    let all = match stored.filter(|path| path.exists()) {
        Some(path) => {
            let index = IndexReader::open(&path);
            match index
                .context(format!("cannot read {}", path.display()))?
                .header()
                .scope
            {
                Scope::Set { segments } => segments,
                Scope::Part(last) => last.0 + 1,
            }
        }
        None => known.last().map_or(0, |last| last.0 + 1),
    };
    let all = (0..all).map(SegmentNumber);
    Ok(all.filter(|number| !known.contains(number)).collect())
}

/// Whether a stored index is what it was.
pub(super) fn is_whole(path: &Path, part: &StoredIndex) -> Result<bool> {
    let mut hasher = blake3::Hasher::new();
    match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        other => hasher
            .update_reader(other.context(format!("cannot open {}", path.display()))?)
            .context(format!("cannot read {}", path.display()))?,
    };
    Ok(part.digest == ContentDigest(*hasher.finalize().as_bytes()))
}

fn read_part(
    app: &App,
    reader: &mut VolumeReader,
    copy: &SegmentCopy,
    segment: &Segment,
    part: &StoredIndex,
    identities: &Identities,
) -> Result<Vec<u8>> {
    let files = app
        .catalogue
        .read(|view| volumes::segment_files(view, copy))?;
    let codec = segment.codec.for_index();
    let coded = reader
        .read_small(&files.index)
        .context("cannot read it on tape")?;
    let mut plaintext = Vec::new();
    decode(coded.as_slice(), codec, identities)
        .context("cannot decrypt it")?
        .read_to_end(&mut plaintext)
        .context("cannot decrypt it")?;
    if part.digest != ContentDigest(*blake3::hash(&plaintext).as_bytes()) {
        return Err(Error::failed(
            "the tape holds other bytes than were recorded",
        ));
    }
    Ok(plaintext)
}

fn remove_parts(app: &App, set: SetId) {
    let folder = app.indexes().join(format!("{set}.parts"));
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, folder = %folder.display(), "cannot remove index parts");
        }
        _ => {}
    }
}

/// Removes what a process left that was killed between completing a set and removing its parts.
pub(super) fn sweep(app: &App) -> Result<()> {
    let folder = app.indexes();
    let what = || format!("cannot list {}", folder.display());
    for entry in std::fs::read_dir(&folder).context(what())? {
        let name = entry.context(what())?.file_name();
        let set = name
            .to_str()
            .and_then(|name| name.strip_suffix(".parts"))
            .and_then(|id| id.parse::<SetId>().ok());
        let Some(set) = set else { continue };
        let states = app.catalogue.read(|view| view.sets())?;
        let known = states.iter().find(|known| known.id == set);
        if known.is_some_and(|known| known.state != SetState::Open) {
            remove_parts(app, set);
        }
    }
    Ok(())
}
