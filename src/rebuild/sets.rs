//! What the tapes know goes into the record: sets, their segments and copies.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Report;
use super::adopt::{Room, UNKNOWN_POOL};
use super::fetch::{Fetched, SegmentOf};
use super::indexes::{Extent, ReadIndex};
use super::survey::Surveyed;
use crate::archive::member::{ResumePoint, SegmentNumber, SetForm};
use crate::catalogue::{
    BackupSet, CatalogueError, CommandLine, CommandSource, Commands, Compression, Encryption,
    HoldSubject, IdentityPlace, Key, KeyRole, Month, NewDefinition, NewRun, NewSet, NewSetCopy,
    PoolName, RunKind, RunState, Segment, SegmentCopy, SegmentCopyState, SetCopy, SetCopyState,
    SetState, SetTotals, Source,
};
use crate::error::{Error, Result};
use crate::id::{CopyNumber, KeyId, SetDefinitionId, SetId, VolumeId};
use crate::index::{Origin, OriginKey};
use crate::journal::Event as JournalEvent;
use crate::key::Identities;
use crate::retention;
use crate::tape::FileKind;
use crate::tape::document::PartDocument;
use crate::tape::layout::SegmentFiles;

/// Most copies of a set.
const MOST_COPIES: u8 = 9;

/// A segment as it was found on a volume.
struct Found {
    volume: VolumeId,
    files: SegmentFiles,
    written: DateTime<Utc>,
}

/// Adds sets, segments and copies that the record does not know.
pub(super) fn adopt(
    room: &Room<'_>,
    surveys: &[&Surveyed],
    fetched: &Fetched,
    report: &mut Report,
) -> Result<()> {
    let mut found: BTreeMap<SetId, BTreeMap<SegmentNumber, Vec<Found>>> = BTreeMap::new();
    let mut indexed: BTreeSet<SetId> = BTreeSet::new();
    for surveyed in surveys {
        for files in surveyed.segments() {
            if let (Some(set), Some(segment)) = (files.data.set, files.data.segment) {
                let of = found.entry(set).or_default().entry(segment).or_default();
                of.push(Found {
                    volume: surveyed.header.volume,
                    files,
                    written: surveyed.written,
                });
            }
        }
        let index = |file: &&crate::tape::TapeFile| file.kind == FileKind::SetIndex;
        indexed.extend(
            surveyed
                .files
                .iter()
                .filter(index)
                .filter_map(|file| file.set),
        );
    }
    for (set, segments) in found {
        let adopted = Set {
            room,
            id: set,
            fetched,
            has_index: indexed.contains(&set),
        };
        adopted.adopt(&segments, report)?;
    }
    Ok(())
}

/// Where a set is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    OnRecord,
    FromTape,
}

struct Set<'a> {
    room: &'a Room<'a>,
    id: SetId,
    fetched: &'a Fetched,
    /// Whether an index of the whole set is on some tape.
    has_index: bool,
}

impl Set<'_> {
    fn adopt(
        &self,
        segments: &BTreeMap<SegmentNumber, Vec<Found>>,
        report: &mut Report,
    ) -> Result<()> {
        let tx = self.room.tx;
        let index = self.fetched.indexes.get(&self.id);
        let known = tx.sets()?.into_iter().find(|known| known.id == self.id);
        let (before, known) = match known {
            Some(known) => (known, Known::OnRecord),
            None => {
                let part = segments
                    .keys()
                    .find_map(|number| self.part(*number))
                    .ok_or_else(|| {
                        Error::failed(format!("no description of set {} was found", self.id))
                    });
                let part = match part {
                    Ok(part) => part,
                    Err(error) => {
                        report.problems.push(error.to_string());
                        return Ok(());
                    }
                };
                report.sets_added += 1;
                let origin = index.and_then(|index| index.origin.as_ref());
                (self.add_set(part, origin)?, Known::FromTape)
            }
        };
        for (number, places) in segments {
            self.segment(*number, places, report)?;
        }
        self.conclude(&before, known, index, report)
    }

    fn part(&self, segment: SegmentNumber) -> Option<&PartDocument> {
        let of: SegmentOf = (self.id, segment);
        self.fetched.parts.get(&of)
    }

    /// A set, its run, its definition and its keys, as far as they are known.
    fn add_set(&self, part: &PartDocument, origin: Option<&Origin>) -> Result<BackupSet> {
        let Room { app, tx, now } = *self.room;
        let facts = &part.set;
        for key in &facts.keys {
            self.key(*key, origin)?;
        }
        self.definition(facts.definition, facts.form, origin)?;
        let month = origin.map_or_else(|| Month::of(facts.created), |origin| origin.month);
        if !tx.runs()?.iter().any(|run| run.id == facts.run) {
            tx.add_run(&NewRun {
                id: facts.run,
                kind: RunKind::Backup,
                month: Some(month),
                plan: json!({ "found on tape": true }),
                actor: app.actor.clone(),
                started_at: facts.created,
            })?;
            let note = Some("found on tape");
            tx.set_run_state(facts.run, RunState::Done, note, now)?;
        }
        let kept = facts.retain_until.unwrap_or(facts.created);
        tx.add_set(&NewSet {
            id: self.id,
            definition: facts.definition,
            run: facts.run,
            month,
            started_at: facts.created,
            retain_until: kept,
            agency: origin.and_then(|origin| origin.agency.clone()),
            copies: origin.map_or_else(Vec::new, |origin| copies_of(origin, kept)),
            recipients: facts.keys.clone(),
            form: facts.form,
            encryption: if part.codec.is_by_drive() {
                Encryption::Drive
            } else {
                Encryption::Age
            },
        })?;
        self.room.note(&JournalEvent::SetStarted {
            run: facts.run,
            set: self.id,
            definition: facts.definition,
            month,
        })?;
        self.hold(origin)?;
        Ok(tx.set(self.id)?)
    }

    /// A set that was held when it was written is held until a person says otherwise.
    fn hold(&self, origin: Option<&Origin>) -> Result<()> {
        let Room { app, tx, now } = *self.room;
        let Some(reason) = origin.and_then(|origin| origin.hold.as_deref()) else {
            return Ok(());
        };
        let set = tx.set(self.id)?;
        if tx.hold_of_set(set.id, set.definition)?.is_some() {
            return Ok(());
        }
        retention::place(app, tx, now, HoldSubject::Set(set.id), reason)
    }

    fn key(&self, id: KeyId, origin: Option<&Origin>) -> Result<()> {
        let tx = self.room.tx;
        let known = tx.keys()?.into_iter().find(|known| known.id == id);
        let told = origin.and_then(|origin| origin.keys.iter().find(|key| key.id == id));
        match (known, told) {
            (Some(known), Some(told)) if known.recipient != told.recipient => {
                tx.name_key(id, &told.name, &told.recipient, told.role)?;
            }
            (Some(_), _) => {}
            (None, told) => {
                // Nothing new is encrypted to a key that was only heard of.
                let key = Key {
                    id,
                    name: told.map_or_else(|| format!("key {id}"), |told| told.name.clone()),
                    recipient: told
                        .map_or_else(|| format!("unknown {id}"), |told| told.recipient.clone()),
                    role: told.map_or(KeyRole::Other, |told| told.role),
                    identity: told.map_or(IdentityPlace::None, |told| self.identity_of(told)),
                    created_at: told.map_or(self.room.now, |told| told.created_at),
                    retired_at: Some(self.room.now),
                    pools: Vec::new(),
                    replaces: None,
                    identity_deleted_at: None,
                };
                tx.add_key(&key)?;
            }
        }
        Ok(())
    }

    /// The identity may be in the state folder still.
    fn identity_of(&self, key: &OriginKey) -> IdentityPlace {
        let path = self.room.app.keys().join(format!("{}.identity", key.name));
        let here = Identities::load(std::slice::from_ref(&path)).is_ok_and(|identities| {
            let mut recipients = identities.recipients().into_iter();
            recipients.any(|recipient| recipient.to_string() == key.recipient)
        });
        match path.strip_prefix(&self.room.app.state) {
            Ok(path) if here => IdentityPlace::File {
                path: path.to_owned(),
            },
            _ => IdentityPlace::None,
        }
    }

    /// The definition; one that is found is out of use until a person defines it again.
    fn definition(
        &self,
        id: SetDefinitionId,
        form: SetForm,
        origin: Option<&Origin>,
    ) -> Result<()> {
        let Room { tx, now, .. } = *self.room;
        let known = match tx.definition(id) {
            Ok(known) => Some(known),
            Err(CatalogueError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let unnamed = format!("set {id}");
        let new = NewDefinition {
            name: origin.map_or(unnamed.clone(), |origin| origin.name.clone()),
            source: source(form, origin),
            commands: Commands::default(),
            parent: None,
            excludes: Vec::new(),
            compression: origin.map_or(Compression::None, |origin| origin.compression),
            encryption: Encryption::Age,
            copies: Vec::new(),
            retention_days: None,
            recipients: Vec::new(),
            agency: origin.and_then(|origin| origin.agency.clone()),
        };
        match known {
            Some(known) if known.name == unnamed && origin.is_some() => {
                Ok(tx.describe_definition(id, &new, now)?)
            }
            Some(_) => Ok(()),
            None => {
                // A name is taken once: another definition may have it by now.
                let name = match tx.definition_by_name(&new.name)? {
                    Some(_) => format!("{} ({id})", new.name),
                    None => new.name.clone(),
                };
                let id = tx.save_definition(id, &NewDefinition { name, ..new }, now)?;
                Ok(tx.retire_definition(id, now)?)
            }
        }
    }

    /// A segment and where it is.
    fn segment(&self, number: SegmentNumber, places: &[Found], report: &mut Report) -> Result<()> {
        let tx = self.room.tx;
        let rows = tx.segments(self.id)?;
        let known = rows.into_iter().find(|row| row.number == number);
        let digest = match (known, self.part(number)) {
            (Some(row), _) => row.digest,
            (None, Some(part)) => {
                let row = segment_row(self.id, part, places);
                tx.add_segment(&row)?;
                row.digest
            }
            (None, None) => {
                report.problems.push(format!(
                    "set {}: no description of segment {} can be read",
                    self.id, number.0
                ));
                return Ok(());
            }
        };
        for place in places {
            let data = &place.files.data;
            if data.xxh3_128 != digest {
                // Written before an accident, and written again: it never counted.
                tracing::info!(volume = %place.volume, tape_file = %data.tape_file, "void segment");
                continue;
            }
            self.place(number, place, report)?;
        }
        Ok(())
    }

    /// A copy of a segment on a volume.
    fn place(&self, number: SegmentNumber, place: &Found, report: &mut Report) -> Result<()> {
        let tx = self.room.tx;
        let data = &place.files.data;
        let on_volume = tx.segment_copies_on(place.volume)?;
        if on_volume.iter().any(|row| row.tape_file == data.tape_file) {
            return Ok(());
        }
        let taken: BTreeSet<CopyNumber> = tx
            .segment_copies(self.id)?
            .into_iter()
            .filter(|row| row.segment == number && is_live(row.state))
            .map(|row| row.copy)
            .collect();
        let copy = self.copy_for(place.volume, &on_volume, &taken)?;
        let Some(copy) = copy else {
            report.problems.push(format!(
                "set {}: segment {} is on more than {MOST_COPIES} volumes",
                self.id, number.0
            ));
            return Ok(());
        };
        tx.add_segment_copy(&SegmentCopy {
            set: self.id,
            segment: number,
            copy,
            volume: place.volume,
            tape_file: data.tape_file,
            block_address: data.first_block.0,
            state: SegmentCopyState::Committed,
            committed_at: place.written,
            verified_at: None,
        })?;
        tx.extend_retention(place.volume, tx.set_copy(self.id, copy)?.retain_until)?;
        report.segments_added += 1;
        Ok(())
    }

    /// Which copy a volume's segments belong to: tapes do not say. That of its other segments,
    /// that of its pool, or the first that has no such segment yet.
    fn copy_for(
        &self,
        volume: VolumeId,
        on_volume: &[SegmentCopy],
        taken: &BTreeSet<CopyNumber>,
    ) -> Result<Option<CopyNumber>> {
        let tx = self.room.tx;
        let copies = tx.set_copies(self.id)?;
        let pool = tx.volume(volume)?.pool;
        let unknown: PoolName = UNKNOWN_POOL.parse()?;
        let same_set = on_volume.iter().find(|row| row.set == self.id);
        let preferred = same_set.map(|row| row.copy).or_else(|| {
            let of_pool = copies.iter().find(|copy| copy.pool == pool);
            of_pool.map(|copy| copy.copy)
        });
        let chosen = preferred
            .into_iter()
            .chain(copies.iter().map(|copy| copy.copy))
            .chain((1..=MOST_COPIES).map(CopyNumber))
            .find(|copy| !taken.contains(copy));
        let Some(chosen) = chosen else {
            return Ok(None);
        };
        match copies.iter().find(|copy| copy.copy == chosen) {
            Some(copy) if pool == unknown && copy.pool != unknown => {
                tx.set_pool(volume, &copy.pool)?;
            }
            Some(_) => {}
            None => tx.add_set_copy(&SetCopy {
                set: self.id,
                copy: chosen,
                pool,
                state: SetCopyState::Writing,
                changed_at: self.room.now,
                retain_until: tx.set(self.id)?.retain_until,
            })?,
        }
        Ok(Some(chosen))
    }

    /// The state of the set and its copies.
    fn conclude(
        &self,
        before: &BackupSet,
        mut known: Known,
        index: Option<&ReadIndex>,
        report: &mut Report,
    ) -> Result<()> {
        let tx = self.room.tx;
        let mut state = before.state;
        let whole = index.is_some_and(|index| matches!(index.extent, Extent::Whole(_)));
        let lacks_index = state == SetState::Sealed || (state == SetState::Failed && whole);
        if lacks_index && let Some(index) = index {
            self.unseal(before, index)?;
            (state, known) = (SetState::Open, Known::FromTape);
        }
        match (state, index) {
            // What the record has as under way is for "job resume".
            (SetState::Open, _) if known == Known::OnRecord => {}
            (SetState::Open, Some(index)) => self.complete(index, report)?,
            (SetState::Open, None) => self.without_index(report)?,
            (SetState::Sealed, _) => report.sealed += 1,
            (SetState::Failed, Some(index)) if before.index.as_ref() != Some(&index.stored) => {
                report.indexes_read += 1;
                tx.replace_index(self.id, &index.stored)?;
            }
            (_, Some(index)) if whole && before.index.as_ref() != Some(&index.stored) => {
                report.indexes_read += 1;
                tx.replace_index(self.id, &index.stored)?;
            }
            (_, Some(_)) if whole => report.indexes_read += 1,
            (_, _) => {}
        }
        self.copies(index)
    }

    fn unseal(&self, before: &BackupSet, index: &ReadIndex) -> Result<()> {
        let origin = index.origin.as_ref();
        for key in &before.recipients {
            self.key(*key, origin)?;
        }
        self.definition(before.definition, before.form, origin)?;
        let month = origin.map_or(before.month, |origin| origin.month);
        let copies = origin.map_or_else(Vec::new, |origin| copies_of(origin, before.retain_until));
        let agency = origin.and_then(|origin| origin.agency.as_deref());
        self.room.tx.unseal_set(self.id, month, agency, &copies)?;
        self.hold(origin)?;
        for copy in self.room.tx.set_copies(self.id)? {
            for row in self.room.tx.live_copies(self.id, copy.copy)? {
                self.room.tx.set_pool(row.volume, &copy.pool)?;
            }
        }
        Ok(())
    }

    /// An index is here: all of the set, or what there is of it.
    fn complete(&self, index: &ReadIndex, report: &mut Report) -> Result<()> {
        let Room { tx, now, .. } = *self.room;
        report.indexes_read += 1;
        let here: BTreeSet<u32> = tx
            .segment_copies(self.id)?
            .into_iter()
            .filter(|row| is_live(row.state))
            .map(|row| row.segment.0)
            .collect();
        let segments = match index.extent {
            Extent::Whole(segments) => segments,
            Extent::Segments(segments) => {
                let rest = match tx.set(self.id)?.form {
                    SetForm::Tree => format!("segments 0 to {} can be restored", segments - 1),
                    SetForm::Stream => "its command never came to a good end".to_owned(),
                };
                report.incomplete.push(format!(
                    "{}: no index of the whole was found; {rest}",
                    self.name()?
                ));
                tx.fail_set(self.id, now)?;
                return Ok(tx.replace_index(self.id, &index.stored)?);
            }
        };
        let missing: Vec<String> = (0..segments)
            .filter(|number| !here.contains(number))
            .map(|number| number.to_string())
            .collect();
        if !missing.is_empty() {
            report.incomplete.push(format!(
                "{}: segments {} of {segments} are on no cartridge that was read",
                self.name()?,
                missing.join(", ")
            ));
        }
        let totals = SetTotals {
            members: index.totals.rows,
            bytes: index.totals.bytes,
            problems: index.origin.as_ref().map_or(0, |origin| origin.problems),
        };
        Ok(tx.complete_set(self.id, &totals, &index.stored, now)?)
    }

    /// Nothing tells what is in it.
    fn without_index(&self, report: &mut Report) -> Result<()> {
        let Room { tx, now, .. } = *self.room;
        if self.has_index || self.fetched.sealed.contains(&self.id) {
            report.sealed += 1;
            return Ok(tx.seal_set(self.id, now)?);
        }
        report.incomplete.push(format!(
            "{}: no index of it was found, it was never finished or another cartridge has it",
            self.name()?
        ));
        Ok(tx.seal_set(self.id, now)?)
    }

    fn name(&self) -> Result<String> {
        let set = self.room.tx.set(self.id)?;
        let definition = self.room.tx.definition(set.definition)?;
        Ok(format!("{} ({})", definition.name, self.id))
    }

    fn copies(&self, index: Option<&ReadIndex>) -> Result<()> {
        let Room { tx, now, .. } = *self.room;
        let known = tx.segments(self.id)?.len();
        let unknown = match index.map(|index| index.extent) {
            Some(Extent::Whole(all)) => usize::try_from(all).is_ok_and(|all| known < all),
            _ => false,
        };
        for copy in tx.set_copies(self.id)? {
            let missing = unknown || !tx.missing_segments(self.id, copy.copy)?.is_empty();
            let state = match (copy.state, missing) {
                (SetCopyState::Writing | SetCopyState::Incomplete, false) => SetCopyState::Complete,
                (SetCopyState::Writing | SetCopyState::Complete, true) => SetCopyState::Incomplete,
                (state, _) => state,
            };
            let open = tx.set(self.id)?.state == SetState::Open;
            if !open && state != copy.state {
                tx.set_copy_state(self.id, copy.copy, state, now)?;
            }
        }
        Ok(())
    }
}

/// What it was read from, as far as a tape tells.
fn source(form: SetForm, origin: Option<&Origin>) -> Source {
    let path = origin.map_or_else(Default::default, |origin| origin.source.clone());
    match form {
        SetForm::Tree => Source::Folder(path),
        SetForm::Stream => Source::Command(CommandSource {
            command: CommandLine::Shell(path.to_string_lossy().into_owned()),
            spool: None,
        }),
    }
}

/// The copies as the set's own index names them; those of earlier versions are all kept as long as
/// the set.
fn copies_of(origin: &Origin, set_until: DateTime<Utc>) -> Vec<NewSetCopy> {
    let until = |copy: CopyNumber| {
        let own = origin.kept.iter().find(|(other, _)| *other == copy);
        own.map_or(set_until, |(_, until)| *until)
    };
    let copies = origin.copies.iter().map(|(copy, pool)| NewSetCopy {
        copy: *copy,
        pool: pool.clone(),
        retain_until: until(*copy),
    });
    copies.collect()
}

fn is_live(state: SegmentCopyState) -> bool {
    matches!(
        state,
        SegmentCopyState::Committed | SegmentCopyState::Verified
    )
}

/// The row of a segment that nobody will resume behind: where its stream goes on is not on tape.
fn segment_row(set: SetId, part: &PartDocument, places: &[Found]) -> Segment {
    let end = part.stream_offset + part.plaintext_length;
    Segment {
        set,
        number: part.segment,
        stream_offset: part.stream_offset,
        plaintext_length: part.plaintext_length,
        coded_length: part.length,
        codec: part.codec,
        digest: part.xxh3_128,
        entries: part.members,
        resume_point: ResumePoint {
            stream_offset: end,
            ..ResumePoint::default()
        },
        part: None,
        closed_at: places
            .first()
            .map_or(part.set.created, |place| place.written),
    }
}
