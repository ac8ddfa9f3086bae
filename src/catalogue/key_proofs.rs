//! Which keys open what is on a volume, and when that was last seen to be so.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::CatalogueError;
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{KeyId, RunId, SetId, VolumeId};

text_enum! {
    /// What was done with a key's identity.
    pub enum ProofKind {
        /// A copy was read back and decrypted.
        Verify = "verify",
        /// Something was restored.
        Restore = "restore",
        /// A drill.
        Drill = "drill",
    }
}

/// A real decryption of something on a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyProof {
    /// Whose identity opened it.
    pub key: KeyId,
    /// Where it was.
    pub volume: VolumeId,
    /// The run that did it.
    pub run: RunId,
    /// In doing what.
    pub how: ProofKind,
    /// When.
    pub at: DateTime<Utc>,
}

/// That what a volume has of a set is encrypted to a key, or to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedBy {
    /// The volume.
    pub volume: VolumeId,
    /// The set.
    pub set: SetId,
    /// The key; `None`: the set is in clear.
    pub key: Option<KeyId>,
    /// When the first segment of the set was committed there.
    pub written_at: DateTime<Utc>,
    /// When the age headers there were last read, and had a stanza for each key.
    pub stanzas_seen_at: Option<DateTime<Utc>>,
}

fn proof(row: &Row<'_>) -> rusqlite::Result<KeyProof> {
    Ok(KeyProof {
        key: row.get("key")?,
        volume: row.get("volume")?,
        run: row.get("run")?,
        how: row.get("how")?,
        at: moment(row, "at")?,
    })
}

impl View<'_> {
    /// For every volume that is not destroyed: the sets it has something of and the keys they are
    /// encrypted to.
    pub fn opened_by(&self) -> Result<Vec<OpenedBy>, CatalogueError> {
        self.all(
            "SELECT held.volume, held.backup_set, key, written, seen FROM (
                SELECT volume, backup_set, min(committed_at) AS written,
                    CASE WHEN count(verified_at) = count(*) THEN min(verified_at) END AS seen
                FROM segment_copy JOIN volume ON volume.id = segment_copy.volume
                WHERE ended_at IS NULL AND content <> 'destroyed'
                GROUP BY volume, backup_set
             ) AS held
             LEFT JOIN set_key ON set_key.backup_set = held.backup_set
             ORDER BY held.volume, held.backup_set, key",
            [],
            |row| {
                Ok(OpenedBy {
                    volume: row.get("volume")?,
                    set: row.get("backup_set")?,
                    key: row.get("key")?,
                    written_at: moment(row, "written")?,
                    stanzas_seen_at: moment_option(row, "seen")?,
                })
            },
        )
    }

    /// Volumes that are not destroyed and hold something that is encrypted to a key.
    pub fn volumes_needing(&self, key: KeyId) -> Result<Vec<VolumeId>, CatalogueError> {
        self.all(
            "SELECT id FROM volume WHERE ended_at IS NULL AND content <> 'destroyed'
                AND EXISTS (SELECT 1 FROM segment_copy
                    JOIN set_key ON set_key.backup_set = segment_copy.backup_set
                    WHERE segment_copy.volume = volume.id AND set_key.key = ?1)
             ORDER BY serial",
            [key],
            |row| row.get(0),
        )
    }

    /// The newest proof of each key on each volume that is not destroyed.
    pub fn newest_proofs(&self) -> Result<Vec<KeyProof>, CatalogueError> {
        self.all(
            "SELECT key_proof.* FROM key_proof JOIN volume ON volume.id = volume
             WHERE ended_at IS NULL AND content <> 'destroyed'
                AND key_proof.id = (SELECT max(other.id) FROM key_proof AS other
                    WHERE other.volume = key_proof.volume AND other.key = key_proof.key)
             ORDER BY volume, key",
            [],
            proof,
        )
    }

    /// The newest proof of a key on any volume.
    pub fn newest_proof(&self, key: KeyId) -> Result<Option<KeyProof>, CatalogueError> {
        self.find(
            "SELECT * FROM key_proof WHERE key = ?1 ORDER BY id DESC LIMIT 1",
            [key],
            proof,
        )
    }
}

impl Tx<'_> {
    /// Records that a key's identity opened something on a volume.
    pub fn add_key_proof(&self, new: &KeyProof) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO key_proof (key, volume, run, how, at)
             VALUES (:key, :volume, :run, :how, :at)",
            named_params! {
                ":key": new.key,
                ":volume": new.volume,
                ":run": new.run,
                ":how": new.how,
                ":at": Moment(new.at),
            },
        )?;
        Ok(())
    }
}
