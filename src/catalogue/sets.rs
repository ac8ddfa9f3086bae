//! Backup sets and their copies.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::definitions::{Encryption, PoolName};
use super::digest::ContentDigest;
use super::error::{CatalogueError, Noun};
use super::month::Month;
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::archive::member::SetForm;
use crate::id::{CopyNumber, KeyId, RunId, SetDefinitionId, SetId, VolumeId};

text_enum! {
    /// State of a set.
    pub enum SetState {
        /// Its stream is not complete yet.
        Open = "open",
        /// Known from tapes alone, and nobody could decrypt its index yet.
        Sealed = "sealed",
        /// Its stream is complete and indexed.
        Complete = "complete",
        /// It was given up.
        Failed = "failed",
        /// Its retention has ended.
        Expired = "expired",
    }
}

text_enum! {
    /// State of one copy of a set.
    pub enum SetCopyState {
        /// Being written.
        Writing = "writing",
        /// Every segment is committed.
        Complete = "complete",
        /// Every segment was read back and compared.
        Verified = "verified",
        /// Segments are missing; to be completed from another copy.
        Incomplete = "incomplete",
        /// It can no longer be read.
        Lost = "lost",
        /// Its retention has ended.
        Expired = "expired",
    }
}

/// A file in the state folder, immutable, named by its digest in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredIndex {
    /// Name below the folder of indexes.
    pub file: String,
    /// BLAKE3 of the whole file.
    pub digest: ContentDigest,
}

/// A backup set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSet {
    /// Its id, also on the tapes.
    pub id: SetId,
    /// What it is a backup of.
    pub definition: SetDefinitionId,
    /// The run that made it.
    pub run: RunId,
    /// The month it is the full of.
    pub month: Month,
    /// Its state.
    pub state: SetState,
    /// When the run began with it.
    pub started_at: DateTime<Utc>,
    /// When it was complete or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// Until when its last copy must be kept.
    pub retain_until: DateTime<Utc>,
    /// Whose data it is.
    pub agency: Option<String>,
    /// How much is in it.
    pub totals: SetTotals,
    /// Its index, when it is complete.
    pub index: Option<StoredIndex>,
    /// What its bytes are.
    pub form: SetForm,
    /// Who encrypts its segments.
    pub encryption: Encryption,
    /// The keys it was encrypted to; empty: in clear.
    pub recipients: Vec<KeyId>,
}

/// How much is in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetTotals {
    /// Members of the stream.
    pub members: u64,
    /// Logical bytes of regular files.
    pub bytes: u64,
    /// What could not be read or kept.
    pub problems: u64,
}

/// A set about to be recorded, before its first byte is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSet {
    /// Made by the caller; also on the tapes.
    pub id: SetId,
    /// What it is a backup of.
    pub definition: SetDefinitionId,
    /// The run that makes it.
    pub run: RunId,
    /// The month it is the full of.
    pub month: Month,
    /// Now.
    pub started_at: DateTime<Utc>,
    /// Until when it must be kept, whatever becomes of its copies.
    pub retain_until: DateTime<Utc>,
    /// Whose data it is.
    pub agency: Option<String>,
    /// Its copies.
    pub copies: Vec<NewSetCopy>,
    /// What its bytes are.
    pub form: SetForm,
    /// Who encrypts its segments.
    pub encryption: Encryption,
    /// The keys it is encrypted to.
    pub recipients: Vec<KeyId>,
}

/// A copy of a set that is about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSetCopy {
    /// Its number.
    pub copy: CopyNumber,
    /// The pool its volumes come from.
    pub pool: PoolName,
    /// Until when it must be kept.
    pub retain_until: DateTime<Utc>,
}

/// One copy of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetCopy {
    /// The set.
    pub set: SetId,
    /// Its number.
    pub copy: CopyNumber,
    /// The pool its volumes come from.
    pub pool: PoolName,
    /// Its state.
    pub state: SetCopyState,
    /// Since when.
    pub changed_at: DateTime<Utc>,
    /// Until when it must be kept.
    pub retain_until: DateTime<Utc>,
}

fn set(row: &Row<'_>) -> rusqlite::Result<BackupSet> {
    let file: Option<String> = row.get("index_file")?;
    let digest: Option<ContentDigest> = row.get("index_digest")?;
    Ok(BackupSet {
        id: row.get("id")?,
        definition: row.get("definition")?,
        run: row.get("run")?,
        month: row.get("month")?,
        state: row.get("state")?,
        started_at: moment(row, "started_at")?,
        finished_at: moment_option(row, "finished_at")?,
        retain_until: moment(row, "retain_until")?,
        agency: row.get("agency")?,
        totals: SetTotals {
            members: row.get("members")?,
            bytes: row.get("bytes")?,
            problems: row.get("problems")?,
        },
        index: file
            .zip(digest)
            .map(|(file, digest)| StoredIndex { file, digest }),
        form: row.get("form")?,
        encryption: row.get("encryption")?,
        recipients: Vec::new(),
    })
}

fn set_copy(row: &Row<'_>) -> rusqlite::Result<SetCopy> {
    Ok(SetCopy {
        set: row.get("backup_set")?,
        copy: row.get("copy")?,
        pool: row.get("pool")?,
        state: row.get("state")?,
        changed_at: moment(row, "changed_at")?,
        retain_until: moment(row, "retain_until")?,
    })
}

impl View<'_> {
    /// A set by id.
    pub fn set(&self, id: SetId) -> Result<BackupSet, CatalogueError> {
        let found = self.get(
            Noun::BackupSet,
            &id,
            "SELECT * FROM backup_set WHERE id = ?1",
            [id],
            set,
        )?;
        self.with_recipients(found)
    }

    /// All sets, oldest first.
    pub fn sets(&self) -> Result<Vec<BackupSet>, CatalogueError> {
        let found = self.all("SELECT * FROM backup_set ORDER BY started_at, id", [], set)?;
        self.all_with_recipients(found)
    }

    /// The sets of a definition, oldest first.
    pub fn sets_of(&self, definition: SetDefinitionId) -> Result<Vec<BackupSet>, CatalogueError> {
        let found = self.all(
            "SELECT * FROM backup_set WHERE definition = ?1 ORDER BY started_at, id",
            [definition],
            set,
        )?;
        self.all_with_recipients(found)
    }

    /// The sets a run makes, in the order they were recorded.
    pub fn sets_of_run(&self, run: RunId) -> Result<Vec<BackupSet>, CatalogueError> {
        let found = self.all(
            "SELECT * FROM backup_set WHERE run = ?1 ORDER BY started_at, rowid",
            [run],
            set,
        )?;
        self.all_with_recipients(found)
    }

    /// The newest complete set of a definition.
    pub fn newest_set(
        &self,
        definition: SetDefinitionId,
    ) -> Result<Option<BackupSet>, CatalogueError> {
        self.find(
            "SELECT * FROM backup_set WHERE definition = ?1 AND state = 'complete'
             ORDER BY started_at DESC, id DESC LIMIT 1",
            [definition],
            set,
        )?
        .map(|found| self.with_recipients(found))
        .transpose()
    }

    /// The copies of a set, by number.
    pub fn set_copies(&self, id: SetId) -> Result<Vec<SetCopy>, CatalogueError> {
        self.all(
            "SELECT * FROM set_copy WHERE backup_set = ?1 ORDER BY copy",
            [id],
            set_copy,
        )
    }

    /// One copy of a set.
    pub fn set_copy(&self, id: SetId, copy: CopyNumber) -> Result<SetCopy, CatalogueError> {
        self.get(
            Noun::SetCopy,
            &format!("{copy} of set {id}"),
            "SELECT * FROM set_copy WHERE backup_set = ?1 AND copy = ?2",
            (id, copy),
            set_copy,
        )
    }

    /// The copies of sets of which something can be read on a volume.
    pub fn set_copies_on(&self, volume: VolumeId) -> Result<Vec<SetCopy>, CatalogueError> {
        self.all(
            "SELECT set_copy.* FROM (
                SELECT DISTINCT backup_set, copy FROM segment_copy
                WHERE volume = ?1 AND state IN ('committed', 'verified', 'replacing')) AS here
             JOIN set_copy USING (backup_set, copy)
             ORDER BY backup_set, copy",
            [volume],
            set_copy,
        )
    }

    fn all_with_recipients(&self, sets: Vec<BackupSet>) -> Result<Vec<BackupSet>, CatalogueError> {
        sets.into_iter()
            .map(|found| self.with_recipients(found))
            .collect()
    }

    fn with_recipients(&self, mut found: BackupSet) -> Result<BackupSet, CatalogueError> {
        found.recipients = self.all(
            "SELECT key FROM set_key WHERE backup_set = ?1 ORDER BY key",
            [found.id],
            |row| row.get(0),
        )?;
        Ok(found)
    }
}

impl Tx<'_> {
    /// Records a set that is about to be written, with its copies.
    pub fn add_set(&self, new: &NewSet) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO backup_set (id, definition, run, month, state, started_at, retain_until,
                form, encryption, agency)
             VALUES (:id, :definition, :run, :month, 'open', :started, :retain, :form,
                :encryption, :agency)",
            named_params! {
                ":id": new.id,
                ":definition": new.definition,
                ":run": new.run,
                ":month": new.month,
                ":started": Moment(new.started_at),
                ":retain": Moment(new.retain_until),
                ":form": new.form,
                ":encryption": new.encryption,
                ":agency": new.agency,
            },
        )?;
        for new_copy in &new.copies {
            self.execute(
                "INSERT INTO set_copy (backup_set, copy, pool, state, changed_at, retain_until)
                 VALUES (?1, ?2, ?3, 'writing', ?4, ?5)",
                (
                    new.id,
                    new_copy.copy,
                    &new_copy.pool,
                    Moment(new.started_at),
                    Moment(new_copy.retain_until),
                ),
            )?;
        }
        for key in &new.recipients {
            self.execute(
                "INSERT OR IGNORE INTO set_key (backup_set, key) VALUES (?1, ?2)",
                (new.id, key),
            )?;
        }
        Ok(())
    }

    /// How many things could not be read up to what is on tape; a run that resumes goes on from
    /// there.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set is open.
    pub fn record_problems(&self, id: SetId, problems: u64) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET problems = max(problems, :problems)
             WHERE id = :id AND state = 'open'",
            named_params! { ":id": id, ":problems": problems },
        )
    }

    /// The stream is complete and its index is stored (the file must be on stable storage).
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set is open.
    pub fn complete_set(
        &self,
        id: SetId,
        totals: &SetTotals,
        index: &StoredIndex,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET state = 'complete', members = :members, bytes = :bytes,
                problems = :problems, index_file = :file, index_digest = :digest,
                finished_at = :at
             WHERE id = :id AND state = 'open'",
            named_params! {
                ":id": id,
                ":members": totals.members,
                ":bytes": totals.bytes,
                ":problems": totals.problems,
                ":file": index.file,
                ":digest": index.digest,
                ":at": Moment(at),
            },
        )
    }

    /// The whole set is on tape, and its index cannot be decrypted yet.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set is open.
    pub fn seal_set(&self, id: SetId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET state = 'sealed', finished_at = ?2
             WHERE id = ?1 AND state = 'open'",
            (id, Moment(at)),
        )
    }

    /// A sealed set, or one that was found without its index, is open again: what it lacked can be
    /// read now.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set is sealed or was given up.
    pub fn unseal_set(
        &self,
        id: SetId,
        month: Month,
        agency: Option<&str>,
        copies: &[NewSetCopy],
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET state = 'open', month = ?2, finished_at = NULL,
                index_file = NULL, index_digest = NULL, agency = ?3
             WHERE id = ?1 AND state IN ('sealed', 'failed')",
            (id, month, agency),
        )?;
        for copy in copies {
            self.execute(
                "UPDATE set_copy SET pool = ?3, retain_until = ?4
                 WHERE backup_set = ?1 AND copy = ?2",
                (id, copy.copy, &copy.pool, Moment(copy.retain_until)),
            )?;
        }
        Ok(())
    }

    /// Another copy of a set, found on tape.
    pub fn add_set_copy(&self, new: &SetCopy) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO set_copy (backup_set, copy, pool, state, changed_at, retain_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                new.set,
                new.copy,
                &new.pool,
                new.state,
                Moment(new.changed_at),
                Moment(new.retain_until),
            ),
        )
        .map(|_| ())
    }

    /// The index of a set that is complete or was given up is another file now, of what there is
    /// of the set.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] while the set is open or sealed.
    pub fn replace_index(&self, id: SetId, index: &StoredIndex) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET index_file = ?2, index_digest = ?3
             WHERE id = ?1 AND state NOT IN ('open', 'sealed')",
            (id, &index.file, index.digest),
        )
    }

    /// The set is given up.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set is open.
    pub fn fail_set(&self, id: SetId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET state = 'failed', finished_at = ?2
             WHERE id = ?1 AND state = 'open'",
            (id, Moment(at)),
        )
    }

    /// Nobody wants a set that was given up: it does not keep its volumes from being used again.
    /// They keep what other sets have on them for as long as those need it.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set was given up.
    pub fn release_set(&self, id: SetId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET retain_until = min(retain_until, ?2)
             WHERE id = ?1 AND state = 'failed'",
            (id, Moment(at)),
        )?;
        self.execute(
            "UPDATE set_copy SET retain_until = min(retain_until, ?2) WHERE backup_set = ?1",
            (id, Moment(at)),
        )?;
        self.execute(
            "UPDATE volume SET retain_until = (SELECT max(backup_set.retain_until)
                FROM segment_copy JOIN backup_set ON backup_set.id = segment_copy.backup_set
                WHERE segment_copy.volume = volume.id)
             WHERE id IN (SELECT volume FROM segment_copy WHERE backup_set = ?1)
                AND ended_at IS NULL",
            [id],
        )
        .map(|_| ())
    }

    /// The set's retention has ended.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] unless the set is complete or failed and its retention has
    /// ended at `at`; [`CatalogueError::TaskOpen`] while a re-copy task of it is open.
    pub fn expire_set(&self, id: SetId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        if self.sets_with_tasks()?.contains(&id) {
            return Err(CatalogueError::TaskOpen { set: id });
        }
        self.change(
            Noun::BackupSet,
            &id,
            "UPDATE backup_set SET state = 'expired'
             WHERE id = ?1 AND state IN ('complete', 'failed') AND retain_until <= ?2",
            (id, Moment(at)),
        )
    }

    /// Changes the state of a copy.
    pub fn set_copy_state(
        &self,
        id: SetId,
        copy: CopyNumber,
        state: SetCopyState,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::SetCopy,
            &format!("{copy} of set {id}"),
            "UPDATE set_copy SET state = ?3, changed_at = ?4 WHERE backup_set = ?1 AND copy = ?2",
            (id, copy, state, Moment(at)),
        )
    }
}
