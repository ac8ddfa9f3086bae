//! Rows of the journal. What they mean is decided in `journal`.

use super::error::CatalogueError;
use super::store::{Tx, View};
use crate::id::RunId;

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

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<JournalRow> {
    Ok(JournalRow {
        sequence: row.get("sequence")?,
        body: row.get("body")?,
        hash: row.get("hash")?,
    })
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
