//! Segments of sets, and where each copy of them is.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::digest::ContentDigest;
use super::error::{CatalogueError, Noun};
use super::sets::StoredIndex;
use super::sql::{Json, Moment, moment, moment_option, text_column, text_enum};
use super::store::{Tx, View};
use crate::archive::member::{ResumePoint, SegmentNumber};
use crate::id::{CopyNumber, RunId, SetId, TapeFileNumber, VolumeId};
use crate::tape::{Codec, TapeDigest};

// How a segment is coded is for the tape room to say; here it is a word.
text_column!(Codec);

text_enum! {
    /// State of a segment on a volume.
    pub enum SegmentCopyState {
        /// On the medium, by the commit point.
        Committed = "committed",
        /// Read back and compared.
        Verified = "verified",
        /// Can no longer be read there.
        Lost = "lost",
        /// Another segment took its place in the set.
        Superseded = "superseded",
        /// On the medium, and takes the place of another volume's once it was read back.
        Replacing = "replacing",
        /// Another volume has it for this copy now.
        Replaced = "replaced",
    }
}

/// A segment: the same bytes in every copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The set.
    pub set: SetId,
    /// Its number there.
    pub number: SegmentNumber,
    /// Bytes of the tar stream before it.
    pub stream_offset: u64,
    /// Bytes of the tar stream in it.
    pub plaintext_length: u64,
    /// Bytes of it on tape.
    pub coded_length: u64,
    /// How the one comes from the other.
    pub codec: Codec,
    /// Over the bytes on tape.
    pub digest: TapeDigest,
    /// Members in its index part.
    pub entries: u64,
    /// Where the tar stream goes on after it.
    pub resume_point: ResumePoint,
    /// Its index part in the state folder, until the set's index replaces it.
    pub part: Option<StoredIndex>,
    /// When it was closed.
    pub closed_at: DateTime<Utc>,
}

/// A segment on a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentCopy {
    /// The set.
    pub set: SetId,
    /// The segment.
    pub segment: SegmentNumber,
    /// Which copy of the set it belongs to.
    pub copy: CopyNumber,
    /// The volume.
    pub volume: VolumeId,
    /// The tape file with its data.
    pub tape_file: TapeFileNumber,
    /// Logical address of the first block of its data.
    pub block_address: u64,
    /// Its state.
    pub state: SegmentCopyState,
    /// When it was committed.
    pub committed_at: DateTime<Utc>,
    /// When it was last read back.
    pub verified_at: Option<DateTime<Utc>>,
}

fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    let file: Option<String> = row.get("part_file")?;
    let digest: Option<ContentDigest> = row.get("part_digest")?;
    Ok(Segment {
        set: row.get("backup_set")?,
        number: row.get("number")?,
        stream_offset: row.get("stream_offset")?,
        plaintext_length: row.get("plaintext_length")?,
        coded_length: row.get("coded_length")?,
        codec: row.get("codec")?,
        digest: row.get("digest")?,
        entries: row.get("entries")?,
        resume_point: row.get::<_, Json<ResumePoint>>("resume_point")?.0,
        part: file
            .zip(digest)
            .map(|(file, digest)| StoredIndex { file, digest }),
        closed_at: moment(row, "closed_at")?,
    })
}

/// When segments on a volume were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRead {
    /// The longest ago that one was read back or, if never, written.
    pub oldest: DateTime<Utc>,
    /// How many there are.
    pub segments: u64,
    /// How many were never read back.
    pub never: u64,
    /// Their bytes.
    pub bytes: u64,
}

pub(super) fn segment_copy(row: &Row<'_>) -> rusqlite::Result<SegmentCopy> {
    Ok(SegmentCopy {
        set: row.get("backup_set")?,
        segment: row.get("segment")?,
        copy: row.get("copy")?,
        volume: row.get("volume")?,
        tape_file: row.get("tape_file")?,
        block_address: row.get("block_address")?,
        state: row.get("state")?,
        committed_at: moment(row, "committed_at")?,
        verified_at: moment_option(row, "verified_at")?,
    })
}

impl View<'_> {
    /// One segment.
    pub fn segment(&self, set: SetId, number: SegmentNumber) -> Result<Segment, CatalogueError> {
        self.get(
            Noun::Segment,
            &format!("{} of set {set}", number.0),
            "SELECT * FROM segment WHERE backup_set = ?1 AND number = ?2",
            (set, number),
            segment,
        )
    }

    /// The segments of a set, in order.
    pub fn segments(&self, set: SetId) -> Result<Vec<Segment>, CatalogueError> {
        self.all(
            "SELECT * FROM segment WHERE backup_set = ?1 ORDER BY number",
            [set],
            segment,
        )
    }

    /// The last segment of a set of which at least one copy is on tape: its resume point is where
    /// a later session goes on.
    pub fn last_committed_segment(&self, set: SetId) -> Result<Option<Segment>, CatalogueError> {
        self.find(
            "SELECT * FROM segment WHERE backup_set = ?1 AND EXISTS (
                SELECT 1 FROM segment_copy WHERE segment_copy.backup_set = segment.backup_set
                    AND segment_copy.segment = segment.number
                    AND segment_copy.state IN ('committed', 'verified'))
             ORDER BY number DESC LIMIT 1",
            [set],
            segment,
        )
    }

    /// Every place the segments of a set were ever written to, by segment, copy and time.
    pub fn segment_copies(&self, set: SetId) -> Result<Vec<SegmentCopy>, CatalogueError> {
        self.all(
            "SELECT * FROM segment_copy WHERE backup_set = ?1
             ORDER BY segment, copy, committed_at",
            [set],
            segment_copy,
        )
    }

    /// Where one copy of a set can be read, by segment.
    pub fn live_copies(
        &self,
        set: SetId,
        copy: CopyNumber,
    ) -> Result<Vec<SegmentCopy>, CatalogueError> {
        self.all(
            "SELECT * FROM segment_copy WHERE backup_set = ?1 AND copy = ?2
                AND state IN ('committed', 'verified') ORDER BY segment",
            (set, copy),
            segment_copy,
        )
    }

    /// What was committed to a volume at a tape file.
    pub fn segment_copy_at(
        &self,
        volume: VolumeId,
        tape_file: TapeFileNumber,
    ) -> Result<SegmentCopy, CatalogueError> {
        self.get(
            Noun::SegmentCopy,
            &format!("at tape file {} of volume {volume}", tape_file.0),
            "SELECT * FROM segment_copy WHERE volume = ?1 AND tape_file = ?2",
            (volume, tape_file),
            segment_copy,
        )
    }

    /// Where a copy of a segment can be read.
    pub fn live_copy(
        &self,
        set: SetId,
        copy: CopyNumber,
        number: SegmentNumber,
    ) -> Result<Option<SegmentCopy>, CatalogueError> {
        self.find(
            "SELECT * FROM segment_copy WHERE backup_set = ?1 AND copy = ?2 AND segment = ?3
                AND state IN ('committed', 'verified')",
            (set, copy, number),
            segment_copy,
        )
    }

    /// Segments of a copy that are on this volume and on no other that is to take its place.
    pub fn segments_to_move(
        &self,
        set: SetId,
        copy: CopyNumber,
        from: VolumeId,
    ) -> Result<Vec<SegmentNumber>, CatalogueError> {
        self.all(
            "SELECT segment FROM segment_copy AS here
             WHERE backup_set = ?1 AND copy = ?2 AND volume = ?3
                AND state IN ('committed', 'verified')
                AND NOT EXISTS (SELECT 1 FROM segment_copy AS other
                    WHERE other.backup_set = ?1 AND other.copy = ?2
                        AND other.segment = here.segment AND other.state = 'replacing')
             ORDER BY segment",
            (set, copy, from),
            |row| row.get(0),
        )
    }

    /// What was written to a copy since then, or to replace something, and was not read back yet, in
    /// the order of the tapes.
    pub fn unread_copies(
        &self,
        set: SetId,
        copy: CopyNumber,
        since: DateTime<Utc>,
    ) -> Result<Vec<SegmentCopy>, CatalogueError> {
        self.all(
            "SELECT * FROM segment_copy AS new WHERE backup_set = ?1 AND copy = ?2
                AND (state = 'replacing' OR state = 'committed' AND (committed_at >= ?3
                    OR EXISTS (SELECT 1 FROM segment_copy AS old
                        WHERE old.backup_set = ?1 AND old.copy = ?2
                            AND old.segment = new.segment AND old.state = 'lost'
                            AND old.committed_at < new.committed_at)))
             ORDER BY volume, tape_file",
            (set, copy, Moment(since)),
            segment_copy,
        )
    }

    /// When what must be kept on a volume was looked at, if there is anything.
    pub fn last_read(&self, volume: VolumeId) -> Result<Option<LastRead>, CatalogueError> {
        self.one(
            "SELECT min(coalesce(verified_at, committed_at)) AS oldest, count(*) AS segments,
                count(*) FILTER (WHERE verified_at IS NULL) AS never,
                coalesce(sum(coded_length), 0) AS bytes
             FROM segment_copy JOIN backup_set ON backup_set.id = segment_copy.backup_set
                JOIN segment ON segment.backup_set = segment_copy.backup_set
                    AND segment.number = segment_copy.segment
             WHERE volume = ?1 AND segment_copy.state IN ('committed', 'verified')
                AND backup_set.state IN ('sealed', 'complete')",
            [volume],
            |row| {
                let oldest = moment_option(row, "oldest")?;
                let (segments, never) = (row.get("segments")?, row.get("never")?);
                let bytes = row.get("bytes")?;
                Ok(oldest.map(|oldest| LastRead {
                    oldest,
                    segments,
                    never,
                    bytes,
                }))
            },
        )
    }

    /// Bytes of segments on a volume, and of those that must be kept of them.
    pub fn segment_bytes_on(&self, volume: VolumeId) -> Result<(u64, u64), CatalogueError> {
        self.one(
            "SELECT coalesce(sum(coded_length), 0),
                coalesce(sum(coded_length) FILTER (
                    WHERE segment_copy.state IN ('committed', 'verified', 'replacing')
                        AND backup_set.state IN ('open', 'sealed', 'complete')), 0)
             FROM segment_copy JOIN backup_set ON backup_set.id = segment_copy.backup_set
                JOIN segment ON segment.backup_set = segment_copy.backup_set
                    AND segment.number = segment_copy.segment
             WHERE volume = ?1",
            [volume],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// What is left of a volume's segments that can be read nowhere: of each the set must be kept,
    /// and what is not damaged can be read only where it was lost.
    pub fn remains_on(&self, volume: VolumeId) -> Result<Vec<SegmentCopy>, CatalogueError> {
        self.all(
            "SELECT segment_copy.* FROM segment_copy
                JOIN backup_set ON backup_set.id = segment_copy.backup_set
                JOIN volume ON volume.id = segment_copy.volume
             WHERE volume = ?1 AND ended_at IS NULL AND segment_copy.state = 'lost'
                AND backup_set.state IN ('open', 'sealed', 'complete')
                AND NOT EXISTS (SELECT 1 FROM segment_copy AS other
                    WHERE other.backup_set = segment_copy.backup_set
                        AND other.segment = segment_copy.segment
                        AND other.state IN ('committed', 'verified', 'superseded'))
             ORDER BY tape_file",
            [volume],
            segment_copy,
        )
    }

    /// How many segments on a volume must be kept: readable, or about to take the place of others,
    /// of a set that is neither given up nor expired.
    pub fn kept_copies_on(&self, volume: VolumeId) -> Result<u64, CatalogueError> {
        self.one(
            "SELECT count(*) FROM segment_copy JOIN backup_set ON backup_set.id = segment_copy.backup_set
             WHERE volume = ?1 AND segment_copy.state IN ('committed', 'verified', 'replacing')
                AND backup_set.state IN ('open', 'sealed', 'complete')",
            [volume],
            |row| row.get(0),
        )
    }

    /// Segments of a set that a copy does not have (yet).
    pub fn missing_segments(
        &self,
        set: SetId,
        copy: CopyNumber,
    ) -> Result<Vec<SegmentNumber>, CatalogueError> {
        self.all(
            "SELECT number FROM segment WHERE backup_set = ?1
                AND NOT EXISTS (SELECT 1 FROM segment_copy AS other
                    WHERE other.backup_set = ?1 AND other.segment = segment.number
                        AND other.copy = ?2
                        AND other.state IN ('committed', 'verified', 'superseded'))
             ORDER BY number",
            (set, copy),
            |row| row.get(0),
        )
    }

    /// Everything that was committed to a volume, in tape order.
    pub fn segment_copies_on(&self, volume: VolumeId) -> Result<Vec<SegmentCopy>, CatalogueError> {
        self.all(
            "SELECT * FROM segment_copy WHERE volume = ?1 ORDER BY tape_file",
            [volume],
            segment_copy,
        )
    }
}

impl View<'_> {
    /// When the last two segments that a run wrote were first on tape, the last one first.
    pub fn last_commits(&self, run: RunId) -> Result<Vec<DateTime<Utc>>, CatalogueError> {
        self.all(
            "SELECT min(committed_at) AS at FROM segment_copy
             JOIN backup_set ON backup_set.id = segment_copy.backup_set
             WHERE backup_set.run = ?1
             GROUP BY segment_copy.backup_set, segment ORDER BY at DESC LIMIT 2",
            [run],
            |row| moment(row, "at"),
        )
    }
}

impl Tx<'_> {
    /// Records a segment, when its first copy is committed. Recording the very same segment again
    /// changes nothing.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when the set has another segment of that number.
    pub fn add_segment(&self, new: &Segment) -> Result<(), CatalogueError> {
        let (file, digest) = match &new.part {
            Some(part) => (Some(&part.file), Some(part.digest)),
            None => (None, None),
        };
        let added = self.execute(
            "INSERT INTO segment (backup_set, number, stream_offset, plaintext_length,
                coded_length, codec, digest, entries, resume_point, part_file, part_digest,
                closed_at)
             VALUES (:set, :number, :offset, :plaintext, :coded, :codec, :digest, :entries,
                :resume, :part_file, :part_digest, :closed)
             ON CONFLICT (backup_set, number) DO NOTHING",
            named_params! {
                ":set": new.set,
                ":number": new.number,
                ":offset": new.stream_offset,
                ":plaintext": new.plaintext_length,
                ":coded": new.coded_length,
                ":codec": new.codec,
                ":digest": new.digest,
                ":entries": new.entries,
                ":resume": Json(&new.resume_point),
                ":part_file": file,
                ":part_digest": digest,
                ":closed": Moment(new.closed_at),
            },
        )?;
        if added == 0 {
            let there = self.segment(new.set, new.number)?;
            let same = there.digest == new.digest
                && there.coded_length == new.coded_length
                && there.stream_offset == new.stream_offset;
            if !same {
                return Err(CatalogueError::Exists {
                    noun: Noun::Segment,
                    which: format!("{} of set {}", new.number.0, new.set),
                });
            }
        }
        Ok(())
    }

    /// Records a segment's commit on a volume. Its data's tape file must have been recorded.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when the copy has that segment on a volume already;
    /// [`CatalogueError::Constraint`] when segment, copy or tape file is not known.
    pub fn add_segment_copy(&self, new: &SegmentCopy) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO segment_copy (backup_set, segment, copy, volume, tape_file,
                block_address, state, committed_at, verified_at)
             VALUES (:set, :segment, :copy, :volume, :tape_file, :block, :state, :committed,
                :verified)",
            named_params! {
                ":set": new.set,
                ":segment": new.segment,
                ":copy": new.copy,
                ":volume": new.volume,
                ":tape_file": new.tape_file,
                ":block": new.block_address,
                ":state": new.state,
                ":committed": Moment(new.committed_at),
                ":verified": new.verified_at.map(Moment),
            },
        )
        .map(|_| ())
        .map_err(|error| {
            if error.is_constraint(super::error::ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::SegmentCopy,
                    which: format!("{} of set {}, copy {}", new.segment.0, new.set, new.copy),
                }
            } else {
                error
            }
        })
    }

    /// Changes the state of a segment on a volume; [`SegmentCopyState::Verified`] also keeps when.
    /// Where one is lost whose place another was to take, that one counts from now on.
    pub fn set_segment_copy_state(
        &self,
        volume: VolumeId,
        tape_file: TapeFileNumber,
        state: SegmentCopyState,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::SegmentCopy,
            &format!("at tape file {} of volume {volume}", tape_file.0),
            "UPDATE segment_copy SET state = ?3,
                verified_at = CASE ?3 WHEN 'verified' THEN ?4 ELSE verified_at END
             WHERE volume = ?1 AND tape_file = ?2",
            (volume, tape_file, state, Moment(at)),
        )?;
        match state {
            SegmentCopyState::Lost => self.count_what_replaces(volume),
            _ => Ok(()),
        }
    }

    /// Everything on a volume that can be read, or was to take another's place, is lost.
    pub(super) fn lose_all_on(&self, volume: VolumeId) -> Result<(), CatalogueError> {
        self.execute(
            "UPDATE segment_copy SET state = 'lost'
             WHERE volume = ?1 AND state IN ('committed', 'verified', 'replacing')",
            [volume],
        )?;
        self.count_what_replaces(volume)
    }

    /// What was to take the place of something on this volume, of which nothing is left now, is the
    /// copy, though it was not read back yet.
    fn count_what_replaces(&self, volume: VolumeId) -> Result<(), CatalogueError> {
        self.execute(
            "UPDATE segment_copy AS new SET state = 'committed'
             WHERE state = 'replacing'
                AND EXISTS (SELECT 1 FROM segment_copy AS old
                    WHERE old.backup_set = new.backup_set AND old.segment = new.segment
                        AND old.copy = new.copy AND old.volume = ?1 AND old.state = 'lost')
                AND NOT EXISTS (SELECT 1 FROM segment_copy AS live
                    WHERE live.backup_set = new.backup_set AND live.segment = new.segment
                        AND live.copy = new.copy AND live.state IN ('committed', 'verified'))",
            [volume],
        )
        .map(|_| ())
    }

    /// What was written in the place of another volume's copy was read back: it is the copy from
    /// now on. Returns the volume whose place it took.
    pub fn take_place(
        &self,
        new: &SegmentCopy,
        at: DateTime<Utc>,
    ) -> Result<Option<VolumeId>, CatalogueError> {
        let old = self.live_copy(new.set, new.copy, new.segment)?;
        // It counts already where what it was to replace was lost meanwhile.
        let old = old.filter(|old| (old.volume, old.tape_file) != (new.volume, new.tape_file));
        if let Some(old) = &old {
            let state = SegmentCopyState::Replaced;
            self.set_segment_copy_state(old.volume, old.tape_file, state, at)?;
        }
        let state = SegmentCopyState::Verified;
        self.set_segment_copy_state(new.volume, new.tape_file, state, at)?;
        Ok(old.map(|old| old.volume))
    }

    /// Forgets the names of a set's index parts, when the set's own index has replaced them, and
    /// returns them: the files may be deleted once the transaction is through.
    pub fn take_parts(&self, set: SetId) -> Result<Vec<StoredIndex>, CatalogueError> {
        let parts = self.segments(set)?.into_iter().filter_map(|row| row.part);
        let parts = parts.collect();
        self.execute(
            "UPDATE segment SET part_file = NULL, part_digest = NULL WHERE backup_set = ?1",
            [set],
        )?;
        Ok(parts)
    }
}
