//! What is on a volume, tape file by tape file.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::CatalogueError;
use super::sql::{Moment, moment, text_enum};
use super::store::{Tx, View};
use crate::id::{TapeFileNumber, VolumeId};
use crate::tape::TapeDigest;

text_enum! {
    /// What a tape file holds.
    pub enum TapeFileKind {
        /// `volume.json`.
        VolumeHeader = "volume_header",
        /// The bytes of a segment.
        SegmentData = "segment_data",
        /// `part.json` of a segment.
        Part = "part",
        /// The index part of a segment.
        IndexPart = "index_part",
        /// The index of a set.
        SetIndex = "set_index",
        /// Configuration and catalogue as they were.
        Catalogue = "catalogue",
        /// The directory of the volume.
        Directory = "directory",
        /// The key of what the drive encrypted behind it.
        DriveKey = "drive_key",
    }
}

/// One tape file whose filemark is known to be on the medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeFile {
    /// The volume it is on.
    pub volume: VolumeId,
    /// Its number there.
    pub number: TapeFileNumber,
    /// What it holds.
    pub kind: TapeFileKind,
    /// Logical address of its first block.
    pub first_block: u64,
    /// How many blocks it has.
    pub blocks: u64,
    /// How many bytes they hold.
    pub bytes: u64,
    /// Over those bytes.
    pub digest: TapeDigest,
    /// The trailer labels behind it as they stand on the tape, 80 characters each, joined.
    pub trailer: String,
    /// When it was committed.
    pub written_at: DateTime<Utc>,
}

fn tape_file(row: &Row<'_>) -> rusqlite::Result<TapeFile> {
    Ok(TapeFile {
        volume: row.get("volume")?,
        number: row.get("number")?,
        kind: row.get("kind")?,
        first_block: row.get("first_block")?,
        blocks: row.get("blocks")?,
        bytes: row.get("bytes")?,
        digest: row.get("digest")?,
        trailer: row.get("trailer")?,
        written_at: moment(row, "written_at")?,
    })
}

impl View<'_> {
    /// The tape files of a volume, in order.
    pub fn tape_files(&self, volume: VolumeId) -> Result<Vec<TapeFile>, CatalogueError> {
        self.all(
            "SELECT * FROM tape_file WHERE volume = ?1 ORDER BY number",
            [volume],
            tape_file,
        )
    }

    /// One tape file.
    pub fn tape_file(
        &self,
        volume: VolumeId,
        number: TapeFileNumber,
    ) -> Result<Option<TapeFile>, CatalogueError> {
        self.find(
            "SELECT * FROM tape_file WHERE volume = ?1 AND number = ?2",
            (volume, number),
            tape_file,
        )
    }

    /// The last tape file of a volume: its trailer is what must stand last on the tape before
    /// anything is appended.
    pub fn last_tape_file(&self, volume: VolumeId) -> Result<Option<TapeFile>, CatalogueError> {
        self.find(
            "SELECT * FROM tape_file WHERE volume = ?1 ORDER BY number DESC LIMIT 1",
            [volume],
            tape_file,
        )
    }

    /// Bytes in all tape files of a volume.
    pub fn bytes_on(&self, volume: VolumeId) -> Result<u64, CatalogueError> {
        self.one(
            "SELECT coalesce(sum(bytes), 0) FROM tape_file WHERE volume = ?1",
            [volume],
            |row| row.get(0),
        )
    }
}

impl Tx<'_> {
    /// Records a tape file that is committed on the medium.
    ///
    /// # Errors
    /// [`CatalogueError::Constraint`] when the volume has one of that number, or is not known.
    pub fn add_tape_file(&self, file: &TapeFile) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO tape_file (volume, number, kind, first_block, blocks, bytes, digest,
                trailer, written_at)
             VALUES (:volume, :number, :kind, :first_block, :blocks, :bytes, :digest, :trailer,
                :at)",
            named_params! {
                ":volume": file.volume,
                ":number": file.number,
                ":kind": file.kind,
                ":first_block": file.first_block,
                ":blocks": file.blocks,
                ":bytes": file.bytes,
                ":digest": file.digest,
                ":trailer": file.trailer,
                ":at": Moment(file.written_at),
            },
        )
        .map(|_| ())
    }
}
