//! Re-copy tasks, and what must not go while they are open.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::definitions::PoolName;
use super::error::{CatalogueError, Noun};
use super::segments::{SegmentCopy, segment_copy};
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use super::volumes::ContentState;
use crate::copies::rule::{self, CopyQuality, SoleCopy};
use crate::id::{CartridgeId, CopyNumber, SetId, TaskId, VolumeId};

text_enum! {
    /// Why something is to be copied to other cartridges.
    pub enum CopyReason {
        /// A cartridge is lost.
        Lost = "lost",
        /// Something on a cartridge is not as it was written.
        Damaged = "damaged",
        /// A cartridge or volume was taken out of use.
        Quarantined = "quarantined",
        /// A cartridge is to be replaced: by a newer generation, or for its health.
        Refresh = "refresh",
        /// Little of what is on a cartridge must still be kept.
        Consolidation = "consolidation",
        /// The copy was left behind when the set was written.
        Behind = "behind",
    }
}

text_enum! {
    /// State of a re-copy task.
    pub enum TaskState {
        /// To be done.
        Open = "open",
        /// Copied, read back and compared.
        Done = "done",
        /// Somebody decided that it need not be done.
        Cancelled = "cancelled",
    }
}

/// A copy of a set is to be complete again, without what is on one volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyTask {
    /// Its id.
    pub id: TaskId,
    /// The set.
    pub set: SetId,
    /// Which copy of it.
    pub copy: CopyNumber,
    /// The volume that is to hold none of it any more.
    pub volume: Option<VolumeId>,
    /// The pool to write to; that of the copy without it.
    pub pool: Option<PoolName>,
    /// Why.
    pub reason: CopyReason,
    /// Why, in words.
    pub note: String,
    /// By when.
    pub due: NaiveDate,
    /// Its state.
    pub state: TaskState,
    /// Since when there is something to do.
    pub opened_at: DateTime<Utc>,
    /// By whom.
    pub opened_by: String,
    /// When it was done or cancelled.
    pub closed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub closed_by: Option<String>,
    /// Why, in words.
    pub closed_note: Option<String>,
}

/// A task about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCopyTask {
    /// Made by the caller.
    pub id: TaskId,
    /// The set.
    pub set: SetId,
    /// Which copy of it.
    pub copy: CopyNumber,
    /// The volume that is to hold none of it any more.
    pub volume: Option<VolumeId>,
    /// The pool to write to.
    pub pool: Option<PoolName>,
    /// Why.
    pub reason: CopyReason,
    /// Why, in words.
    pub note: String,
    /// By when.
    pub due: NaiveDate,
    /// Now.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
}

fn task(row: &Row<'_>) -> rusqlite::Result<CopyTask> {
    Ok(CopyTask {
        id: row.get("id")?,
        set: row.get("backup_set")?,
        copy: row.get("copy")?,
        volume: row.get("volume")?,
        pool: row.get("pool")?,
        reason: row.get("reason")?,
        note: row.get("note")?,
        due: day(row)?,
        state: row.get("state")?,
        opened_at: moment(row, "opened_at")?,
        opened_by: row.get("opened_by")?,
        closed_at: moment_option(row, "closed_at")?,
        closed_by: row.get("closed_by")?,
        closed_note: row.get("closed_note")?,
    })
}

fn day(row: &Row<'_>) -> rusqlite::Result<NaiveDate> {
    let text: String = row.get("due")?;
    text.parse().map_err(|error: chrono::ParseError| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(0, kind, error.into())
    })
}

impl View<'_> {
    /// A task by id.
    pub fn copy_task(&self, id: TaskId) -> Result<CopyTask, CatalogueError> {
        let sql = "SELECT * FROM copy_task WHERE id = ?1";
        self.get(Noun::Task, &id, sql, [id], task)
    }

    /// All tasks, those that are due first before the others.
    pub fn copy_tasks(&self) -> Result<Vec<CopyTask>, CatalogueError> {
        self.all("SELECT * FROM copy_task ORDER BY due, id", [], task)
    }

    /// The tasks that are to be done, those that are due first before the others.
    pub fn open_copy_tasks(&self) -> Result<Vec<CopyTask>, CatalogueError> {
        self.all(
            "SELECT * FROM copy_task WHERE state = 'open' ORDER BY due, id",
            [],
            task,
        )
    }

    /// Sets of which a task is open.
    pub fn sets_with_tasks(&self) -> Result<BTreeSet<SetId>, CatalogueError> {
        let sql = "SELECT DISTINCT backup_set FROM copy_task WHERE state = 'open'";
        let sets = self.all(sql, [], |row| row.get(0))?;
        Ok(sets.into_iter().collect())
    }

    /// The last good copies of segments of sets of which a re-copy task is open: the volumes that
    /// hold them must neither expire nor be labelled anew. [`rule::sole_copies`] decides.
    pub fn sole_copies(&self) -> Result<Vec<SoleCopy>, CatalogueError> {
        let sets = self.sets_with_tasks()?;
        self.sole_copies_of(&sets)
    }

    /// As [`View::sole_copies`], of these sets, whether a task is open or not.
    pub fn sole_copies_of(&self, sets: &BTreeSet<SetId>) -> Result<Vec<SoleCopy>, CatalogueError> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let out_of_use = self.quarantined_cartridges()?;
        let mut copies = Vec::new();
        for set in sets {
            copies.extend(self.all(
                "SELECT segment_copy.*, volume.cartridge, volume.content, cartridge.place
                 FROM segment_copy JOIN volume ON volume.id = segment_copy.volume
                    JOIN cartridge ON cartridge.id = volume.cartridge
                 WHERE backup_set = ?1 AND ended_at IS NULL
                    AND state IN ('committed', 'verified')",
                [set],
                |row| {
                    let copy: SegmentCopy = segment_copy(row)?;
                    let cartridge: CartridgeId = row.get("cartridge")?;
                    let content: ContentState = row.get("content")?;
                    let missing = row.get::<_, String>("place")? == "missing";
                    let doubtful = content == ContentState::Quarantined
                        || missing
                        || out_of_use.contains(&cartridge);
                    Ok(rule::LiveCopy {
                        set: copy.set,
                        segment: copy.segment,
                        volume: copy.volume,
                        quality: if doubtful {
                            CopyQuality::Doubtful
                        } else {
                            CopyQuality::Good
                        },
                    })
                },
            )?);
        }
        Ok(rule::sole_copies(&copies))
    }

    /// How many segments of a set have no copy at all, and how many a doubtful one only; `sole` is
    /// what [`View::sole_copies_of`] found.
    pub fn segments_without_good_copy(
        &self,
        set: SetId,
        sole: &[SoleCopy],
    ) -> Result<(usize, usize), CatalogueError> {
        let none = self.one(
            "SELECT count(*) FROM segment WHERE backup_set = ?1
                AND NOT EXISTS (SELECT 1 FROM segment_copy AS other
                    WHERE other.backup_set = ?1 AND other.segment = segment.number
                        AND other.state IN ('committed', 'verified', 'superseded'))",
            [set],
            |row| row.get(0),
        )?;
        let doubtful = sole
            .iter()
            .filter(|copy| copy.set == set && copy.quality == CopyQuality::Doubtful)
            .map(|copy| copy.segment);
        let doubtful: BTreeSet<_> = doubtful.collect();
        Ok((none, doubtful.len()))
    }

    /// # Errors
    /// [`CatalogueError::LastCopy`] naming one.
    pub(super) fn not_a_last_copy(&self, volume: VolumeId) -> Result<(), CatalogueError> {
        let sole = self.sole_copies()?.into_iter();
        let sole = sole.filter(|sole| sole.volume == volume);
        let remains = self.remains_on(volume)?.into_iter();
        let mut kept = sole
            .map(|sole| (sole.set, sole.segment))
            .chain(remains.map(|row| (row.set, row.segment)));
        match kept.next() {
            None => Ok(()),
            Some((set, segment)) => Err(CatalogueError::LastCopy {
                volume,
                set,
                segment,
            }),
        }
    }
}

impl Tx<'_> {
    /// Opens a task. One that is open for the same thing stays, is due when the earlier of the two
    /// is, and is returned.
    pub fn open_copy_task(&self, new: &NewCopyTask) -> Result<(CopyTask, bool), CatalogueError> {
        let known = self.find(
            "SELECT * FROM copy_task WHERE backup_set = ?1 AND copy = ?2
                AND coalesce(volume, '') = coalesce(?3, '') AND state = 'open'",
            (new.set, new.copy, new.volume),
            task,
        )?;
        if let Some(known) = known {
            let due = known.due.min(new.due).to_string();
            let sql = "UPDATE copy_task SET due = ?2 WHERE id = ?1";
            self.change(Noun::Task, &known.id, sql, (known.id, due))?;
            return Ok((self.copy_task(known.id)?, false));
        }
        self.execute(
            "INSERT INTO copy_task (id, backup_set, copy, volume, pool, reason, note, due, state,
                opened_at, opened_by)
             VALUES (:id, :set, :copy, :volume, :pool, :reason, :note, :due, 'open', :at, :by)",
            named_params! {
                ":id": new.id,
                ":set": new.set,
                ":copy": new.copy,
                ":volume": new.volume,
                ":pool": new.pool,
                ":reason": new.reason,
                ":note": new.note,
                ":due": new.due.to_string(),
                ":at": Moment(new.at),
                ":by": new.by,
            },
        )?;
        Ok((self.copy_task(new.id)?, true))
    }

    /// Ends a task.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] when no such task is open.
    pub fn close_copy_task(
        &self,
        id: TaskId,
        state: TaskState,
        by: &str,
        note: &str,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Task,
            &format!("{id} that is open"),
            "UPDATE copy_task SET state = ?2, closed_at = ?3, closed_by = ?4, closed_note = ?5
             WHERE id = ?1 AND state = 'open'",
            (id, state, Moment(at), by, note),
        )
    }

    /// Nothing on the volume can be read any more. Returns what that was.
    pub fn lose_copies_on(
        &self,
        volume: VolumeId,
        at: DateTime<Utc>,
    ) -> Result<Vec<SegmentCopy>, CatalogueError> {
        use super::segments::SegmentCopyState::{Committed, Lost, Replacing, Verified};
        let rows = self.segment_copies_on(volume)?;
        let rows = rows
            .into_iter()
            .filter(|row| matches!(row.state, Committed | Verified | Replacing));
        let rows: Vec<SegmentCopy> = rows.collect();
        for row in &rows {
            self.set_segment_copy_state(volume, row.tape_file, Lost, at)?;
        }
        Ok(rows)
    }
}
