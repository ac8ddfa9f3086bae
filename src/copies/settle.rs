//! Ending re-copy tasks, and letting volumes go that were emptied.

use chrono::{DateTime, Utc};

use super::task::{close, must_be_kept};
use crate::app::App;
use crate::catalogue::{ContentState, CopyReason, CopyTask, SegmentCopy, TaskState, Tx, View};
use crate::error::Result;
use crate::id::{CopyNumber, SetId, VolumeId};
use crate::retention::{self, change_content};

/// Ends the tasks of a copy of which nothing is left to do, and lets volumes go of which everything
/// is elsewhere. Returns the tasks that were ended.
pub fn settle(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    set: SetId,
    copy: CopyNumber,
) -> Result<Vec<CopyTask>> {
    let mut ended = Vec::new();
    for task in tx.open_copy_tasks()? {
        if (task.set, task.copy) != (set, copy) || !is_fulfilled(tx, &task)? {
            continue;
        }
        let why = if must_be_kept(tx, set)? {
            "copied and read back"
        } else {
            "the set need not be kept any more"
        };
        close(app, tx, now, &task, TaskState::Done, why)?;
        if let Some(volume) = task.volume {
            let_go(app, tx, now, volume, task.reason)?;
        }
        ended.push(task);
    }
    Ok(ended)
}

fn is_fulfilled(view: &View<'_>, task: &CopyTask) -> Result<bool> {
    if !must_be_kept(view, task.set)? {
        return Ok(true);
    }
    let live = view.live_copies(task.set, task.copy)?;
    // A cartridge that was lost may turn up and be read back.
    let found = |row: &SegmentCopy| {
        task.reason == CopyReason::Lost && row.verified_at.is_some_and(|at| at >= task.opened_at)
    };
    let moved = live
        .iter()
        .all(|row| Some(row.volume) != task.volume || found(row));
    Ok(moved
        && view.missing_segments(task.set, task.copy)?.is_empty()
        && view
            .unread_copies(task.set, task.copy, task.opened_at)?
            .is_empty())
}

/// A volume that was to be emptied and holds nothing to keep any more: reused when it was
/// consolidated, else out of use.
fn let_go(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    id: VolumeId,
    reason: CopyReason,
) -> Result<()> {
    let words = "everything on it that must be kept was copied to other cartridges";
    let wanted: &[ContentState] = match reason {
        CopyReason::Consolidation => &[ContentState::Expired],
        CopyReason::Refresh | CopyReason::Quarantined => {
            &[ContentState::Expired, ContentState::Retired]
        }
        CopyReason::Lost | CopyReason::Damaged | CopyReason::Behind => return Ok(()),
    };
    let others = tx.open_copy_tasks()?;
    if tx.kept_copies_on(id)? > 0 || others.iter().any(|task| task.volume == Some(id)) {
        return Ok(());
    }
    // A set that is held, or was given up and is kept until its date, has no task.
    if !retention::keeps(tx, id, now)?.is_empty() {
        return Ok(());
    }
    if tx.volume(id)?.content == ContentState::Destroyed {
        return Ok(());
    }
    tx.release_retention(id, now)?;
    for content in wanted {
        let current = tx.volume(id)?.content;
        if current == *content || !current.may_become(*content) {
            continue;
        }
        change_content(app, tx, now, id, *content, words)?;
    }
    Ok(())
}
