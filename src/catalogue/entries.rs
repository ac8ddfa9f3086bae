//! Rows of the journal. What they mean is decided in `journal`.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};

use super::error::CatalogueError;
use super::sql::{Json, Moment};
use super::store::{Tx, View};
use crate::id::{Barcode, RunId};

/// One journal entry as stored: the canonical JSON and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// From 1, without gaps.
    pub sequence: u64,
    /// Canonical JSON.
    pub body: String,
    /// SHA-256 of it, in hexadecimal.
    pub hash: String,
}

/// Which entries are asked for; all of what is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalFilter {
    /// About one of these: ids or barcodes as text.
    pub about: Option<Vec<String>>,
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// Recorded at or after.
    pub since: Option<DateTime<Utc>>,
    /// Recorded before.
    pub before: Option<DateTime<Utc>>,
}

fn entry(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    Ok(JournalRow {
        sequence: row.get("sequence")?,
        body: text_as_found(row, "body")?,
        hash: text_as_found(row, "hash")?,
    })
}

/// Text of an entry. What somebody has made no text of is read all the same: it does not have its
/// hash, and checking names the entry.
fn text_as_found(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    let value = row.get_ref(column)?;
    let bytes = value.as_bytes().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

impl View<'_> {
    /// The last entry.
    pub fn journal_head(&self) -> Result<Option<JournalRow>, CatalogueError> {
        self.find(
            "SELECT sequence, body, hash FROM journal ORDER BY sequence DESC LIMIT 1",
            [],
            entry,
        )
    }

    /// At most `limit` entries with a sequence number above `after`, in order.
    pub fn journal_after(&self, after: u64, limit: u32) -> Result<Vec<JournalRow>, CatalogueError> {
        self.all(
            "SELECT sequence, body, hash FROM journal WHERE sequence > ?1
             ORDER BY sequence LIMIT ?2",
            (after, limit),
            entry,
        )
    }

    /// One entry.
    pub fn journal_entry(&self, sequence: u64) -> Result<Option<JournalRow>, CatalogueError> {
        self.find(
            "SELECT sequence, body, hash FROM journal WHERE sequence = ?1",
            [sequence],
            entry,
        )
    }

    /// At most `limit` of the entries asked for, newest first.
    pub fn journal_newest(
        &self,
        filter: &JournalFilter,
        limit: u64,
    ) -> Result<Vec<JournalRow>, CatalogueError> {
        let narrowed = match &filter.about {
            Some(_) => {
                "sequence IN (SELECT journal_subject.sequence FROM journal_subject
                WHERE subject IN (SELECT value FROM json_each(:about)))"
            }
            None => ":about IS NULL",
        };
        let of_kind = if filter.kinds.is_empty() {
            "json_array_length(:kinds) = 0"
        } else {
            "kind IN (SELECT value FROM json_each(:kinds))"
        };
        self.all(
            &format!(
                "SELECT sequence, body, hash FROM journal WHERE {narrowed} AND {of_kind}
                    AND at >= coalesce(:since, '') AND at < coalesce(:before, '~')
                 ORDER BY sequence DESC LIMIT :limit"
            ),
            named_params! {
                ":about": filter.about.as_ref().map(Json),
                ":kinds": Json(&filter.kinds),
                ":since": filter.since.map(Moment),
                ":before": filter.before.map(Moment),
                ":limit": limit,
            },
            entry,
        )
    }

    /// What the entries from `first` to `last` are about, against the index of subjects: the first
    /// entry that lacks something there, and how much there should be of all. Subjects are the
    /// texts in `subjects` but a run's id, and what details name as cartridge, volume or barcode.
    pub fn journal_subjects_lacking(
        &self,
        first: u64,
        last: u64,
    ) -> Result<(Option<u64>, u64), CatalogueError> {
        self.one(
            "SELECT min(said.sequence) FILTER (WHERE kept.sequence IS NULL), count(*)
             FROM (SELECT DISTINCT member.atom AS subject, journal.sequence AS sequence
                FROM journal, json_tree(journal.body) AS member
                WHERE journal.sequence BETWEEN ?1 AND ?2 AND member.type = 'text'
                    AND (member.path = '$.subjects' AND member.key <> 'run'
                        OR member.path LIKE '$.details%' AND (
                            member.key IN ('barcode', 'cartridge', 'volume', 'instead_of')
                            OR member.path LIKE '%.cartridges' OR member.path LIKE '%.barcodes'
                            OR member.path LIKE '%.volumes'))) AS said
             LEFT JOIN journal_subject AS kept
                ON kept.subject = said.subject AND kept.sequence = said.sequence",
            (first, last),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Ids of everything that has or ever had this barcode, and of every volume that was ever on
    /// such a cartridge.
    pub fn ids_by_barcode(&self, barcode: &Barcode) -> Result<Vec<String>, CatalogueError> {
        self.all(
            "WITH named AS (SELECT id FROM cartridge WHERE barcode = ?1
                UNION SELECT id FROM thing WHERE barcode = ?1
                UNION SELECT item FROM barcode_change WHERE old = ?1)
             SELECT id FROM named UNION SELECT volume.id FROM volume
                WHERE cartridge IN (SELECT id FROM named)
             ORDER BY 1",
            [barcode],
            |row| row.get(0),
        )
    }

    /// The steps that were intended in entries about one of these: what came of them is in entries
    /// that name the step alone.
    pub fn steps_about(&self, subjects: &[String]) -> Result<Vec<String>, CatalogueError> {
        self.all(
            "SELECT DISTINCT body ->> '$.subjects.step' FROM journal
             WHERE sequence IN (SELECT journal_subject.sequence FROM journal_subject
                    WHERE subject IN (SELECT value FROM json_each(?1)))
                AND +kind = 'step_intended'",
            [Json(subjects)],
            |row| row.get(0),
        )
    }

    /// How much the index of subjects holds.
    pub fn journal_subject_count(&self) -> Result<u64, CatalogueError> {
        self.one("SELECT count(*) FROM journal_subject", [], |row| row.get(0))
    }

    /// The entries about a run, in order.
    pub fn journal_of_run(&self, run: RunId) -> Result<Vec<JournalRow>, CatalogueError> {
        self.all(
            "SELECT sequence, body, hash FROM journal WHERE run = ?1 ORDER BY sequence",
            [run],
            entry,
        )
    }
}

impl Tx<'_> {
    /// Appends a row; only `journal::append` makes them.
    pub(crate) fn append_journal(&self, row: &JournalRow) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO journal (sequence, body, hash) VALUES (?1, ?2, ?3)",
            (row.sequence, &row.body, &row.hash),
        )
        .map(|_| ())
    }
}
