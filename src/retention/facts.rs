//! What the record says about the copies on a volume.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::rule::{CopyHere, Keep, OtherCopy, Standing, judge};
use crate::catalogue::{
    BackupSet, ContentState, Place, SegmentCopyState, SetCopy, SetCopyState, SetState, View,
};
use crate::error::Result;
use crate::id::{SetId, VolumeId};

/// What keeps a volume; nothing: all on it may go.
pub fn keeps(view: &View<'_>, volume: VolumeId, now: DateTime<Utc>) -> Result<Vec<Keep>> {
    let copies = view
        .set_copies_on(volume)?
        .iter()
        .map(|copy| copy_here(view, volume, copy, now))
        .collect::<Result<Vec<_>>>()?;
    let mut keeps = judge(&copies, now);
    if view.sole_copies()?.iter().any(|sole| sole.volume == volume) {
        keeps.push(Keep::ToBeCopied);
    }
    let remains: BTreeSet<SetId> = view.remains_on(volume)?.iter().map(|row| row.set).collect();
    for id in remains {
        let set = view.set(id)?;
        let set = set_in_words(view, &set)?;
        keeps.push(Keep::OnlyRemains { set });
    }
    Ok(keeps)
}

fn set_in_words(view: &View<'_>, set: &BackupSet) -> Result<String> {
    let definition = view.definition(set.definition)?;
    Ok(format!("{} of {}", definition.name, set.month))
}

/// A copy with what decides on it; the others are looked at only if it is not kept for itself.
fn copy_here(
    view: &View<'_>,
    volume: VolumeId,
    copy: &SetCopy,
    now: DateTime<Utc>,
) -> Result<CopyHere> {
    let set = view.set(copy.set)?;
    let mut others = Vec::new();
    if copy.retain_until <= now && now < set.retain_until {
        others = view.set_copies(set.id)?;
    }
    let others = others
        .iter()
        .filter(|other| other.copy != copy.copy)
        .map(|other| {
            Ok(OtherCopy {
                until: other.retain_until,
                standing: standing(view, volume, &set, other)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(CopyHere {
        set: set_in_words(view, &set)?,
        until: copy.retain_until,
        set_until: set.retain_until,
        hold: view
            .hold_of_set(set.id, set.definition)?
            .map(|hold| hold.reason),
        is_open: set.state == SetState::Open,
        others,
    })
}

/// How far another copy can be relied on when `without` is gone.
fn standing(
    view: &View<'_>,
    without: VolumeId,
    set: &BackupSet,
    copy: &SetCopy,
) -> Result<Standing> {
    match copy.state {
        SetCopyState::Lost | SetCopyState::Expired => return Ok(Standing::Lost),
        // Nobody completes what was given up.
        SetCopyState::Writing | SetCopyState::Incomplete if set.state == SetState::Failed => {
            return Ok(Standing::Lost);
        }
        SetCopyState::Writing | SetCopyState::Incomplete => return Ok(Standing::Incomplete),
        SetCopyState::Complete | SetCopyState::Verified => {}
    }
    if !view.missing_segments(set.id, copy.copy)?.is_empty() {
        return Ok(Standing::Lost);
    }
    let out_of_use = view.quarantined_cartridges()?;
    let mut standing = Standing::Good;
    for segment in view.live_copies(set.id, copy.copy)? {
        let volume = view.volume(segment.volume)?;
        let cartridge = view.cartridge(volume.cartridge)?;
        let doubtful = matches!(
            volume.content,
            ContentState::Expired
                | ContentState::Quarantined
                | ContentState::Retired
                | ContentState::Destroyed
        );
        let away = matches!(cartridge.place, Place::Missing | Place::Unknown);
        if segment.volume == without || doubtful || away || out_of_use.contains(&cartridge.id) {
            return Ok(Standing::Lost);
        }
        if segment.state != SegmentCopyState::Verified {
            standing = Standing::Unverified;
        }
    }
    Ok(standing)
}
