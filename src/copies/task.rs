//! Opening, cancelling and ending re-copy tasks.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Serialize;

use super::consolidate::Choice;
use super::last::{WithoutCopy, left_without, without_copy};
use crate::app::App;
use crate::catalogue::{
    ContentState, CopyReason, CopyTask, NewCopyTask, NewPlace, Place, PoolName, SegmentCopy,
    SegmentCopyState, SetCopyState, SetState, TaskState, Tx, View, Volume, Witness,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, CartridgeId, CopyNumber, SetId, TaskId, VolumeId};
use crate::journal::Event;
use crate::retention::change_content;

/// Days within which something is to be copied again where nobody said by when.
pub const DUE_DAYS: u64 = 30;

/// Why something is to be copied, where to, by when.
#[derive(Debug, Clone)]
pub struct Why {
    /// The reason.
    pub reason: CopyReason,
    /// In words.
    pub note: String,
    /// The pool to write to; that of each copy without it.
    pub pool: Option<PoolName>,
    /// By when.
    pub due: NaiveDate,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Opened {
    /// The tasks that are open now.
    pub tasks: Vec<CopyTask>,
    /// Sets of which segments are left without any good copy.
    pub without_copy: Vec<WithoutCopy>,
}

impl Opened {
    /// # Errors
    /// [`crate::error::ErrorKind::OperatorNeeded`] when something is left without any good copy.
    pub fn outcome(&self) -> Result<()> {
        without_copy(&self.without_copy)
    }
}

/// By when something is to be copied again where nobody said so.
#[must_use]
pub fn usual_due(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    today.checked_add_days(Days::new(DUE_DAYS)).unwrap_or(today)
}

/// Opens a task for every copy of a set that must be kept and has something on the volume.
pub fn open_for_volume(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: VolumeId,
    why: &Why,
) -> Result<Vec<CopyTask>> {
    let rows = tx.segment_copies_on(volume)?;
    let live = rows.into_iter().filter(|row| {
        matches!(
            row.state,
            SegmentCopyState::Committed | SegmentCopyState::Verified
        )
    });
    open_for(app, tx, now, Some(volume), live, why)
}

/// Opens a task for each copy of a set that these are of.
pub(crate) fn open_for(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: Option<VolumeId>,
    rows: impl IntoIterator<Item = SegmentCopy>,
    why: &Why,
) -> Result<Vec<CopyTask>> {
    let copies: BTreeSet<(SetId, CopyNumber)> =
        rows.into_iter().map(|row| (row.set, row.copy)).collect();
    let mut tasks = Vec::new();
    for (set, copy) in copies {
        if must_be_kept(tx, set)? {
            tasks.push(open(app, tx, now, (set, copy), volume, why)?);
        }
    }
    Ok(tasks)
}

/// A set that was not given up, is not being written and has not expired.
pub(super) fn must_be_kept(view: &View<'_>, set: SetId) -> Result<bool> {
    let state = view.set(set)?.state;
    Ok(matches!(state, SetState::Complete | SetState::Sealed))
}

fn open(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    (set, copy): (SetId, CopyNumber),
    volume: Option<VolumeId>,
    why: &Why,
) -> Result<CopyTask> {
    let (task, is_new) = tx.open_copy_task(&NewCopyTask {
        id: TaskId::generate(now),
        set,
        copy,
        volume,
        pool: why.pool.clone(),
        reason: why.reason,
        note: why.note.clone(),
        due: why.due,
        at: now,
        by: app.actor.person.clone(),
    })?;
    if is_new {
        app.note(
            tx,
            now,
            &Event::CopyTaskOpened {
                task: task.id,
                set,
                copy,
                volume,
                pool: task.pool.clone(),
                reason: task.reason,
                note: task.note.clone(),
                due: task.due,
            },
        )?;
    }
    Ok(task)
}

/// A cartridge is lost: nothing on it counts any more, and all of it is to be copied again.
///
/// # Errors
/// An unknown cartridge, one without a volume.
pub fn lost(app: &App, barcode: &Barcode, due: NaiveDate, reason: &str) -> Result<Opened> {
    app.write(|tx, now| lost_in(app, tx, now, barcode, due, reason))
}

/// The same within a transaction.
///
/// # Errors
/// As [`lost`].
pub fn lost_in(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    barcode: &Barcode,
    due: NaiveDate,
    reason: &str,
) -> Result<Opened> {
    let volume = volume_on(tx, barcode)?;
    let rows = tx.lose_copies_on(volume.id, now)?;
    for row in &rows {
        app.note(
            tx,
            now,
            &Event::SegmentLost {
                run: None,
                set: row.set,
                volume: volume.id,
                segment: row.segment,
                copy: row.copy,
                reason: reason.to_owned(),
            },
        )?;
    }
    incomplete(app, tx, now, &rows)?;
    put_aside(app, tx, now, &volume, reason)?;
    gone(app, tx, now, barcode, reason)?;
    let sets: BTreeSet<SetId> = rows.iter().map(|row| row.set).collect();
    let why = Why {
        reason: CopyReason::Lost,
        note: format!("{barcode}: {reason}"),
        pool: None,
        due,
    };
    let tasks = open_for(app, tx, now, Some(volume.id), rows, &why)?;
    Ok(Opened {
        tasks,
        without_copy: left_without(tx, &sets)?,
    })
}

/// Copies of which something was lost are not complete any more.
pub(crate) fn incomplete(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    rows: &[SegmentCopy],
) -> Result<()> {
    let copies: BTreeSet<(SetId, CopyNumber)> =
        rows.iter().map(|row| (row.set, row.copy)).collect();
    for (set, copy) in copies {
        let was_whole = tx.set_copies(set)?.into_iter().any(|row| {
            row.copy == copy && matches!(row.state, SetCopyState::Complete | SetCopyState::Verified)
        });
        if !was_whole || tx.missing_segments(set, copy)?.is_empty() {
            continue;
        }
        let state = SetCopyState::Incomplete;
        tx.set_copy_state(set, copy, state, now)?;
        app.note(
            tx,
            now,
            &Event::SetCopyChanged {
                run: None,
                set,
                copy,
                state,
            },
        )?;
    }
    Ok(())
}

fn put_aside(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: &Volume,
    reason: &str,
) -> Result<()> {
    let content = ContentState::Quarantined;
    if volume.content == content || !volume.content.may_become(content) {
        return Ok(());
    }
    change_content(app, tx, now, volume.id, content, reason)
}

/// Nobody knows where the cartridge is, until somebody or a robot sees it again.
fn gone(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, barcode: &Barcode, reason: &str) -> Result<()> {
    let Some(cartridge) = tx.cartridge_by_barcode(barcode)? else {
        return Ok(());
    };
    if cartridge.place == Place::Missing {
        return Ok(());
    }
    let (place, witness) = (Place::Missing, Witness::Person);
    tx.record_place(&NewPlace {
        item: cartridge.id.into(),
        place: place.clone(),
        at: now,
        entered_at: now,
        witness,
        run: None,
        note: Some(reason.to_owned()),
    })?;
    app.note(
        tx,
        now,
        &Event::CartridgePlaced {
            cartridge: cartridge.id,
            run: None,
            place,
            witness,
        },
    )
}

/// Everything on these cartridges is to be copied to others, after which they are retired.
///
/// # Errors
/// An unknown cartridge, one with nothing to keep.
pub fn refresh(app: &App, barcodes: &[Barcode], why: &Why) -> Result<Opened> {
    app.write(|tx, now| {
        let mut opened = Opened::default();
        for barcode in barcodes {
            let volume = volume_on(tx, barcode)?;
            let tasks = open_for_volume(app, tx, now, volume.id, why)?;
            if tasks.is_empty() {
                return Err(
                    Error::usage(format!("{barcode} holds nothing that must be kept"))
                        .hint("\"tapeward media show\" shows what is on it"),
                );
            }
            closed_for_writing(app, tx, now, &volume)?;
            opened.tasks.extend(tasks);
        }
        Ok(opened)
    })
}

/// Everything to be kept on these volumes is to be joined onto fewer.
pub fn consolidate(app: &App, choices: &[Choice]) -> Result<Opened> {
    app.write(|tx, now| {
        let mut opened = Opened::default();
        for choice in choices {
            let why = Why {
                reason: CopyReason::Consolidation,
                note: format!("joined onto fewer cartridges of pool {}", choice.pool),
                pool: None,
                due: usual_due(now),
            };
            for candidate in &choice.emptied {
                closed_for_writing(app, tx, now, &tx.volume(candidate.volume)?)?;
                let tasks = open_for_volume(app, tx, now, candidate.volume, &why)?;
                opened.tasks.extend(tasks);
            }
        }
        Ok(opened)
    })
}

/// Nothing is appended any more to a volume that is to be emptied.
fn closed_for_writing(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, volume: &Volume) -> Result<()> {
    if volume.content != ContentState::Filling {
        return Ok(());
    }
    let (content, reason) = (ContentState::Full, "to be emptied");
    change_content(app, tx, now, volume.id, content, reason)
}

/// Copies of a set that were left behind when it was written are to be completed.
pub fn behind(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, set: SetId, note: &str) -> Result<()> {
    if !must_be_kept(tx, set)? {
        return Ok(());
    }
    let why = Why {
        reason: CopyReason::Behind,
        note: note.to_owned(),
        pool: None,
        due: usual_due(now),
    };
    for copy in tx.set_copies(set)? {
        if !tx.missing_segments(set, copy.copy)?.is_empty() {
            open(app, tx, now, (set, copy.copy), None, &why)?;
        }
    }
    Ok(())
}

/// The volume on a cartridge was quarantined: what is on it is to be copied to another.
pub fn quarantined(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: VolumeId,
    reason: &str,
) -> Result<Opened> {
    let why = Why {
        reason: CopyReason::Quarantined,
        note: reason.to_owned(),
        pool: None,
        due: usual_due(now),
    };
    let tasks = open_for_volume(app, tx, now, volume, &why)?;
    let sets: BTreeSet<SetId> = tasks.iter().map(|task| task.set).collect();
    Ok(Opened {
        tasks,
        without_copy: left_without(tx, &sets)?,
    })
}

/// A cartridge was taken out of use for its health.
pub fn cartridge_out_of_use(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    cartridge: CartridgeId,
    reason: &str,
) -> Result<Opened> {
    match tx.volume_on(cartridge)? {
        Some(volume) => quarantined(app, tx, now, volume.id, reason),
        None => Ok(Opened::default()),
    }
}

/// A cartridge is in use again: what is on it need not be copied for having been out of use.
pub fn cartridge_in_use_again(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    cartridge: CartridgeId,
    reason: &str,
) -> Result<()> {
    let Some(volume) = tx.volume_on(cartridge)? else {
        return Ok(());
    };
    for task in tx.open_copy_tasks()? {
        if task.volume == Some(volume.id) && task.reason == CopyReason::Quarantined {
            close(app, tx, now, &task, TaskState::Cancelled, reason)?;
        }
    }
    Ok(())
}

/// A person decides that a task need not be done.
///
/// # Errors
/// No such task is open.
pub fn cancel(app: &App, id: TaskId, reason: &str) -> Result<()> {
    app.write(|tx, now| {
        let task = tx.copy_task(id)?;
        if task.state != TaskState::Open {
            return Err(Error::usage(format!("task {id} is {}", task.state))
                .hint("\"tapeward copy list\" shows what is open"));
        }
        close(app, tx, now, &task, TaskState::Cancelled, reason)
    })
}

pub(super) fn close(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    task: &CopyTask,
    state: TaskState,
    reason: &str,
) -> Result<()> {
    tx.close_copy_task(task.id, state, &app.actor.person, reason, now)?;
    app.note(
        tx,
        now,
        &Event::CopyTaskClosed {
            task: task.id,
            set: task.set,
            copy: task.copy,
            volume: task.volume,
            state,
            reason: reason.to_owned(),
        },
    )
}

fn volume_on(view: &View<'_>, barcode: &Barcode) -> Result<Volume> {
    let cartridge = view.cartridge_by_barcode(barcode)?.ok_or_else(|| {
        Error::usage(format!("no cartridge {barcode} is registered"))
            .hint("\"tapeward media list\" shows all of them")
    })?;
    view.volume_on(cartridge.id)?.ok_or_else(|| {
        Error::usage(format!("{barcode} holds no volume")).hint("there is nothing to copy from it")
    })
}
