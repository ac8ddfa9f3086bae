//! The append-only, hash-chained record that every step writes to. The format is described in
//! `docs/journal.md`.

mod canonical;
mod chain;
mod event;
mod export;

pub use canonical::canonical_json;
pub use chain::{Broken, BrokenWhy, Checkpoint, Verified, Verifier, verify};
pub use event::{Actor, Entry, Event, Purpose};
pub use export::{ExportError, export, verify_export};

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::catalogue::{CatalogueError, JournalRow, Tx, View};

/// Why an entry cannot be written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Canonical JSON has integers only.
    #[error("the journal takes no fractions, and {number} is one")]
    Fraction {
        /// The number.
        number: String,
    },
    /// A value JSON cannot express.
    #[error("the journal cannot express the event: {0}")]
    Express(#[from] serde_json::Error),
}

/// Appends an event to the journal within the caller's transaction: it is recorded exactly when
/// the change it tells of is.
///
/// # Errors
/// [`CatalogueError::Journal`] for an event with fractions in it, or an error of the database.
pub fn append(
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    actor: &Actor,
    event: &Event,
) -> Result<Checkpoint, CatalogueError> {
    let (sequence, previous) = match tx.journal_head()? {
        Some(head) => (head.sequence + 1, head.hash),
        None => (1, chain::GENESIS.to_owned()),
    };
    let (body, hash) = event::seal(sequence, now, actor, event, &previous)?;
    tx.append_journal(&JournalRow {
        sequence,
        body,
        hash: hash.clone(),
    })?;
    Ok(Checkpoint { sequence, hash })
}

/// How many rows are held in memory at a time while the whole journal is read.
const PAGE: u32 = 1000;

/// Checks the whole journal of a catalogue against itself and against checkpoints known from
/// elsewhere.
///
/// # Errors
/// An error of the database; what is wrong with the journal itself is in the inner result.
pub fn verify_catalogue(
    view: &View<'_>,
    known: &[Checkpoint],
) -> Result<Result<Verified, Broken>, CatalogueError> {
    let mut verifier = Verifier::new(known);
    let mut last = 0;
    loop {
        let rows = view.journal_after(last, PAGE)?;
        let Some(end) = rows.last().map(|row| row.sequence) else {
            return Ok(verifier.finish());
        };
        for row in &rows {
            if let Err(broken) = verifier.check(&row.body, &row.hash) {
                return Ok(Err(broken));
            }
        }
        last = end;
    }
}
