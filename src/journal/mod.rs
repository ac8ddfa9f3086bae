//! The append-only, hash-chained record that every step writes to. The format is described in
//! `docs/journal.md`.

mod audit;
mod canonical;
mod chain;
mod entry;
mod event;
mod export;
mod keeper;
mod signing;
mod story;

pub use audit::{Audited, AuditedKey, Auditor, Evidence, Tampered};
pub use canonical::canonical_json;
pub use chain::{Broken, BrokenWhy, Checkpoint, Verified, Verifier, verify};
pub use entry::{Actor, Entry};
pub use event::{Event, Purpose};
pub use export::{ExportError, audit_export, export, verify_export};
pub use keeper::{JournalKey, current_key, journal_keys, rotate_key, sign_head};
pub use signing::{PublicKey, Signature, SignedCheckpoint, SignerId, SigningError, SigningKey};
pub use story::{Question, Told, ask, subjects_of_barcode};

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
    let (body, hash) = entry::seal(sequence, now, actor, event, &previous)?;
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
    let broken = each_page::<_, CatalogueError>(view, |rows| {
        Ok(rows
            .iter()
            .find_map(|row| verifier.check(&row.body, &row.hash).err()))
    })?;
    Ok(broken.map_or_else(|| verifier.finish(), Err))
}

/// The same with all that is known from elsewhere; the index of subjects is checked too. `watch` is
/// told now and then how many entries were checked, and may end it.
///
/// # Errors
/// As for [`verify_catalogue`], or what `watch` returns.
pub fn audit_catalogue<E: From<CatalogueError>>(
    view: &View<'_>,
    evidence: Evidence,
    watch: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<Result<Audited, Tampered>, E> {
    let mut auditor = match Auditor::new(evidence) {
        Ok(auditor) => auditor,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let mut subjects = 0;
    let mut last = 0;
    let wrong = each_page::<_, E>(view, |rows| {
        watch(last)?;
        for (expected, row) in (last + 1..).zip(rows) {
            if row.sequence != expected {
                return Ok(Some(Tampered::Broken(Broken {
                    sequence: expected,
                    why: BrokenWhy::Sequence {
                        found: row.sequence,
                    },
                })));
            }
            if let Err(wrong) = auditor.check(&row.body, &row.hash) {
                return Ok(Some(wrong));
            }
        }
        let (first, end) = (last + 1, last + rows.len() as u64);
        last = end;
        let (lacking, count) = view.journal_subjects_lacking(first, end)?;
        subjects += count;
        Ok(lacking.map(not_in_index))
    })?;
    if let Some(wrong) = wrong {
        return Ok(Err(wrong));
    }
    let audited = auditor.finish();
    if audited.is_ok() && view.journal_subject_count()? != subjects {
        return Ok(Err(not_in_index(last)));
    }
    Ok(audited)
}

fn not_in_index(sequence: u64) -> Tampered {
    Tampered::Broken(Broken {
        sequence,
        why: BrokenWhy::Index,
    })
}

/// Goes through all entries until something comes of a page.
fn each_page<T, E: From<CatalogueError>>(
    view: &View<'_>,
    mut work: impl FnMut(&[JournalRow]) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let mut last = 0;
    loop {
        let rows = view.journal_after(last, PAGE)?;
        let Some(end) = rows.last().map(|row| row.sequence) else {
            return Ok(None);
        };
        let found = work(&rows)?;
        if found.is_some() {
            return Ok(found);
        }
        last = end;
    }
}
