//! The content states that follow from what is kept: expired, held.

use chrono::{DateTime, Utc};

use super::facts::keeps;
use super::rule::Keep;
use crate::app::App;
use crate::catalogue::{ContentState, SetState, Tx, Volume};
use crate::error::Result;
use crate::id::VolumeId;
use crate::journal::Event;

/// Brings every set and volume up to date: sets whose retention has ended, volumes on which nothing
/// must be kept any more, or must be again.
pub fn review(app: &App, tx: &Tx<'_>, now: DateTime<Utc>) -> Result<()> {
    let to_copy = tx.sets_with_tasks()?;
    for set in tx.sets()? {
        if to_copy.contains(&set.id) {
            continue;
        }
        let over = matches!(set.state, SetState::Complete | SetState::Failed);
        if over && set.retain_until <= now && tx.hold_of_set(set.id, set.definition)?.is_none() {
            tx.expire_set(set.id, now)?;
        }
    }
    for volume in tx.volumes()? {
        review_volume(app, tx, now, &volume)?;
    }
    Ok(())
}

/// As [`review`], of one volume; returns what keeps it.
pub fn review_volume(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: &Volume,
) -> Result<Vec<Keep>> {
    let keeps = keeps(tx, volume.id, now)?;
    let over = volume.retain_until.is_some_and(|until| until <= now);
    if let Some((content, reason)) = follows(volume.content, over, &keeps) {
        change_content(app, tx, now, volume.id, content, &reason)?;
    }
    Ok(keeps)
}

/// Changes the state of a volume's content outside a run, with its journal entry.
pub fn change_content(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    volume: VolumeId,
    content: ContentState,
    reason: &str,
) -> Result<()> {
    tx.set_content(volume, content, now, reason, None)?;
    app.note(
        tx,
        now,
        &Event::VolumeContent {
            volume,
            run: None,
            content,
            reason: reason.to_owned(),
        },
    )
}

/// The state that a volume's content gets, and why. `over`: the latest retention of anything that
/// was ever on it has ended.
fn follows(content: ContentState, over: bool, keeps: &[Keep]) -> Option<(ContentState, String)> {
    use ContentState::{Expired, Filling, Full, Held};
    if !matches!(content, Filling | Full | Expired | Held) {
        return None;
    }
    let hold = keeps.iter().find(|keep| matches!(keep, Keep::Held { .. }));
    let (next, reason) = match (hold, keeps.first()) {
        (None, None) if over => (Expired, "its retention has ended".to_owned()),
        // More may be appended while the retention of something on it goes on.
        (Some(_), _) if content == Filling && !over => return None,
        (Some(hold), _) => (Held, hold.to_string()),
        (None, _) if content == Held => (Full, "it is not held any more".to_owned()),
        (None, Some(keep)) if content == Expired => (Full, keep.to_string()),
        (None, _) => return None,
    };
    (next != content).then_some((next, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ContentState::{Expired, Filling, Full, Held, Quarantined, Scratch};

    #[test]
    fn states_follow_from_what_is_kept_and_can_be_reached() {
        let set = || "data".to_owned();
        let held = [Keep::Held {
            set: set(),
            reason: "case 7".to_owned(),
        }];
        let kept = [Keep::Incomplete { set: set() }];
        let next = |content, over, keeps: &[Keep]| follows(content, over, keeps).map(|it| it.0);
        assert_eq!(next(Filling, false, &held), None);
        assert_eq!(next(Filling, true, &held), Some(Held));
        assert_eq!(next(Full, false, &held), Some(Held));
        assert_eq!(next(Expired, true, &held), Some(Held));
        assert_eq!(next(Held, true, &held), None);
        assert_eq!(next(Held, true, &[]), Some(Expired));
        assert_eq!(next(Held, false, &[]), Some(Full));
        assert_eq!(next(Expired, true, &kept), Some(Full));
        assert_eq!(next(Full, true, &kept), None);
        assert_eq!(next(Full, true, &[]), Some(Expired));
        assert_eq!(next(Full, false, &[]), None);
        for content in [Filling, Full, Expired, Held, Quarantined, Scratch] {
            for over in [false, true] {
                for keeps in [&[][..], &held[..], &kept[..]] {
                    if let Some(next) = next(content, over, keeps) {
                        assert!(content.may_become(next), "{content} to {next}");
                    }
                }
            }
        }
    }
}
