//! The end of the volume that was on a cartridge before.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::catalogue::{CopyReason, SegmentCopy, SetCopy, SetCopyState, SetState, Tx, Volume};
use crate::copies::last::left_without;
use crate::copies::task::{self, Why, usual_due};
use crate::error::Result;
use crate::id::SetId;
use crate::job::step::RunContext;
use crate::journal::Event;
use crate::progress::Event as Progress;

/// What [`written_over`] says of a volume whose label another has taken the place of.
const LABELLED_ANEW: &str = "labelled anew";

/// The life of a volume that may go ends before it is written over, and with it what is on it:
/// copies whose retention has ended.
///
/// # Errors
/// It must be kept.
pub(in crate::job) fn end_old(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    old: &Volume,
    reason: &str,
) -> Result<()> {
    for copy in tx.set_copies_on(old.id)? {
        tx.set_copy_state(copy.set, copy.copy, SetCopyState::Expired, now)?;
    }
    tx.end_volume(old.id, now)?;
    ended(context, tx, now, old, reason)
}

/// Another label is on the tape: what was on it is gone, even if somebody has decided meanwhile that
/// it is kept. Then it is to be copied again from elsewhere, and that is said.
pub(in crate::job) fn written_over(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    old: &Volume,
) -> Result<()> {
    let mut kept = Vec::new();
    for copy in tx.set_copies_on(old.id)? {
        if is_kept(tx, &copy, now)? {
            kept.push(copy);
        } else {
            tx.set_copy_state(copy.set, copy.copy, SetCopyState::Expired, now)?;
        }
    }
    let rows = tx.lose_copies_on(old.id, now)?;
    let is_of = |row: &SegmentCopy| {
        kept.iter()
            .any(|copy| (copy.set, copy.copy) == (row.set, row.copy))
    };
    let lost: Vec<SegmentCopy> = rows.into_iter().filter(is_of).collect();
    if !lost.is_empty() {
        copy_again(context, tx, now, old, &lost)?;
    }
    tx.lose_volume(old.id, now)?;
    ended(context, tx, now, old, LABELLED_ANEW)
}

/// A copy that need not be kept any more goes though another of its set is kept longer: that one
/// was good when the label was meant.
fn is_kept(tx: &Tx<'_>, copy: &SetCopy, now: DateTime<Utc>) -> Result<bool> {
    let set = tx.set(copy.set)?;
    Ok(now < copy.retain_until
        || set.state == SetState::Open
        || tx.hold_of_set(set.id, set.definition)?.is_some())
}

fn copy_again(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    old: &Volume,
    lost: &[SegmentCopy],
) -> Result<()> {
    let app = &context.app;
    let barcode = tx.cartridge(old.cartridge)?.barcode;
    let note = format!("{barcode} was being labelled anew when it was to be kept");
    for row in lost {
        app.note(
            tx,
            now,
            &Event::SegmentLost {
                run: Some(context.run),
                set: row.set,
                volume: old.id,
                segment: row.segment,
                copy: row.copy,
                reason: note.clone(),
            },
        )?;
    }
    task::incomplete(app, tx, now, lost)?;
    let why = Why {
        reason: CopyReason::Lost,
        note: note.clone(),
        pool: None,
        due: usual_due(now),
    };
    task::open_for(app, tx, now, None, lost.iter().cloned(), &why)?;
    let sets: BTreeSet<SetId> = lost.iter().map(|row| row.set).collect();
    let gone = left_without(tx, &sets)?;
    let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
    let left = if gone.is_empty() {
        "it is to be copied again from another copy (\"tapeward copy list\")".to_owned()
    } else {
        format!("THE LAST GOOD COPY IS GONE: {}", gone.join("; "))
    };
    app.watcher.event(Progress::Problem {
        subject: barcode.to_string(),
        what: format!("what it held was to be kept since its label was begun, and is gone: {left}"),
    });
    Ok(())
}

fn ended(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    old: &Volume,
    reason: &str,
) -> Result<()> {
    context.app.note(
        tx,
        now,
        &Event::VolumeEnded {
            volume: old.id,
            reason: reason.to_owned(),
        },
    )
}
