//! Faults planted in a plan, each of a kind that the model has to name.

use chrono::{Days, NaiveDate};
use tapeward::rotation::{
    Action, BackupSet, Closure, Line, PlaceIndex, Plan, Protection, Reason, SetIndex, Start,
    VolumeIndex,
};

use super::model::Model;
use super::worlds::{HOME, LIBRARY, SAFE, VAULT};

fn next(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap()
}

fn find(plan: &Plan, from: usize, wanted: impl Fn(&Line) -> bool) -> Option<usize> {
    let found = plan.lines[from..].iter().position(wanted);
    found.map(|at| from + at)
}

fn goes_to(line: &Line, place: PlaceIndex) -> Option<VolumeIndex> {
    match line.action {
        Action::GoOut { volume, to, .. } if to == place => Some(volume),
        _ => None,
    }
}

fn first_to(plan: &Plan, place: PlaceIndex) -> Option<(usize, VolumeIndex)> {
    let at = find(plan, 0, |line| goes_to(line, place).is_some())?;
    Some((at, goes_to(&plan.lines[at], place)?))
}

fn written(line: &Line) -> Option<(VolumeIndex, SetIndex)> {
    match line.action {
        Action::Write { volume, set, .. } => Some((volume, set)),
        _ => None,
    }
}

fn moves(line: &Line, wanted: VolumeIndex) -> bool {
    match line.action {
        Action::GoOut { volume, .. } | Action::ComeHome { volume, .. } => volume == wanted,
        _ => false,
    }
}

fn insert(plan: &mut Plan, line: Line) {
    let at = plan.lines.partition_point(|other| other.date <= line.date);
    plan.lines.insert(at, line);
}

fn freed(line: &Line) -> Option<VolumeIndex> {
    match line.action {
        Action::Expire { volume } | Action::Scratch { volume } => Some(volume),
        _ => None,
    }
}

/// A cartridge that expires and is written again.
fn reused(plan: &Plan) -> Option<VolumeIndex> {
    plan.lines.iter().enumerate().find_map(|(at, line)| {
        let Action::Expire { volume } = line.action else {
            return None;
        };
        find(plan, at, |line| {
            written(line).is_some_and(|on| on.0 == volume)
        })
        .map(|_| volume)
    })
}

pub fn no_expiry(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let volume = reused(plan)?;
    plan.lines.retain(|line| freed(line) != Some(volume));
    Some(())
}

pub fn held_after_planning(plan: &mut Plan, model: &mut Model) -> Option<()> {
    let volume = reused(plan)?;
    let copy = *model.vols.get(volume.at())?.copies.first()?;
    model.sets[model.copies[copy].set].held = true;
    Some(())
}

pub fn written_while_it_waits(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let (out, volume) = first_to(plan, VAULT)?;
    let at = find(plan, 0, |line| {
        written(line).is_some_and(|on| on.0 == volume)
    })?;
    let mut again = plan.lines[at];
    again.date = next(again.date);
    if at > out || again.date >= plan.lines[out].date {
        return None;
    }
    if let Action::Write { start, bytes, .. } = &mut again.action {
        (*start, *bytes) = (Start::Appended, 1);
    }
    insert(plan, again);
    Some(())
}

pub fn written_in_the_vault(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let (out, volume) = first_to(plan, VAULT)?;
    let at = find(plan, 0, |line| {
        written(line).is_some_and(|on| on.0 == volume)
    })?;
    let mut again = plan.lines[at];
    again.date = plan.lines[out].date;
    insert(plan, again);
    Some(())
}

pub fn more_than_it_takes(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let line = plan.lines.iter_mut().find(|line| written(line).is_some())?;
    if let Action::Write { bytes, .. } = &mut line.action {
        *bytes *= 100;
    }
    Some(())
}

/// A set of which one copy goes to the vault and the other to the safe: both lines.
fn both_out(plan: &Plan) -> Option<(usize, usize)> {
    let (vault, in_vault) = first_to(plan, VAULT)?;
    let write = |volume: VolumeIndex| {
        let line = plan
            .lines
            .iter()
            .find(|line| written(line).is_some_and(|on| on.0 == volume));
        line.and_then(written).map(|on| on.1)
    };
    let set = write(in_vault)?;
    let safe = find(plan, 0, |line| {
        goes_to(line, SAFE).is_some_and(|volume| write(volume) == Some(set))
    })?;
    Some((vault, safe))
}

/// Rooms with a third copy at home have one left elsewhere.
fn has_third(model: &Model) -> bool {
    model.fixed.pools.len() > 2
}

pub fn both_to_the_vault(plan: &mut Plan, model: &mut Model) -> Option<()> {
    let (_, safe) = both_out(plan).filter(|_| !has_third(model))?;
    if let Action::GoOut { to, .. } = &mut plan.lines[safe].action {
        *to = VAULT;
    }
    Some(())
}

pub fn both_in_one_vehicle(plan: &mut Plan, model: &mut Model) -> Option<()> {
    let one_carrier =
        model.fixed.places[HOME.at()].carrier == model.fixed.places[VAULT.at()].carrier;
    let (vault, safe) = both_out(plan).filter(|_| one_carrier && !has_third(model))?;
    let mut with_it = plan.lines[safe];
    with_it.date = plan.lines[vault].date;
    if let Action::GoOut { to, from, .. } = &mut with_it.action {
        *to = HOME;
        if safe < vault {
            *from = SAFE;
        }
    }
    insert(plan, with_it);
    Some(())
}

pub fn home_at_once(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let (out, volume) = first_to(plan, VAULT)?;
    insert(
        plan,
        Line {
            date: next(plan.lines[out].date),
            action: Action::ComeHome {
                volume,
                from: VAULT,
                to: LIBRARY,
            },
            reason: Reason::ExpiredAway,
        },
    );
    Some(())
}

pub fn expired_at_once(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let at = find(plan, 0, |line| written(line).is_some())?;
    let line = Line {
        action: Action::Expire {
            volume: written(&plan.lines[at])?.0,
        },
        reason: Reason::RetentionOver,
        ..plan.lines[at]
    };
    insert(plan, line);
    Some(())
}

pub fn scratch_without_expiry(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let volume = reused(plan)?;
    let expires = |line: &Line| line.action == Action::Expire { volume };
    plan.lines.retain(|line| !expires(line));
    Some(())
}

pub fn wrong_reason(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let line = plan.lines.iter_mut().find(|line| written(line).is_some())?;
    line.reason = Reason::ExpiredAway;
    Some(())
}

pub fn courier_closed(plan: &mut Plan, model: &mut Model) -> Option<()> {
    let (out, _) = first_to(plan, VAULT)?;
    let day = plan.lines[out].date;
    model.fixed.carriers[0].calendar.closed.push(Closure {
        from: day,
        to: day,
        why: String::new(),
    });
    Some(())
}

pub fn fetched_from_elsewhere(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let (out, _) = first_to(plan, VAULT)?;
    if let Action::GoOut { from, .. } = &mut plan.lines[out].action {
        *from = HOME;
    }
    Some(())
}

pub fn no_room(plan: &mut Plan, model: &mut Model) -> Option<()> {
    first_to(plan, VAULT)?;
    model.fixed.places[VAULT.at()].capacity = Some(0);
    Some(())
}

pub fn not_encrypted(plan: &mut Plan, model: &mut Model) -> Option<()> {
    let (_, volume) = first_to(plan, VAULT)?;
    let at = find(plan, 0, |line| {
        written(line).is_some_and(|on| on.0 == volume)
    })?;
    let new = written(&plan.lines[at])?
        .1
        .at()
        .checked_sub(model.sets.len())?;
    plan.sets[new].protection = Protection::Plain;
    Some(())
}

pub fn backwards(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let last = plan.lines.len().checked_sub(1)?;
    if plan.lines[0].date == plan.lines[last].date {
        return None;
    }
    plan.lines.swap(0, last);
    Some(())
}

pub fn another_day(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let set: &mut BackupSet = plan.sets.first_mut()?;
    set.date = next(set.date);
    Some(())
}

pub fn not_written(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let at = plan
        .lines
        .iter()
        .rposition(|line| written(line).is_some())?;
    let (volume, _) = written(&plan.lines[at])?;
    let excused = |code: &str| matches!(code, "W02" | "W05");
    let warned = plan
        .warnings
        .iter()
        .any(|warning| excused(warning.what.code()));
    let later = find(plan, at, |line| {
        moves(line, volume) || freed(line) == Some(volume)
    });
    if warned || later.is_some() {
        return None;
    }
    plan.lines.remove(at);
    Some(())
}

pub fn never_expired(plan: &mut Plan, _: &mut Model) -> Option<()> {
    let expires = |line: &Line| matches!(line.action, Action::Expire { .. });
    let at = plan.lines.iter().rposition(expires)?;
    let volume = freed(&plan.lines[at])?;
    let later = |line: &Line| moves(line, volume) || freed(line) == Some(volume);
    let mut position = 0;
    plan.lines.retain(|line| {
        position += 1;
        position <= at || !later(line)
    });
    Some(())
}

pub fn left_in_the_library(plan: &mut Plan, model: &mut Model) -> Option<()> {
    if model
        .fixed
        .places
        .iter()
        .any(|place| place.capacity.is_some())
    {
        return None;
    }
    let (_, volume) = first_to(plan, VAULT)?;
    let at = find(plan, 0, |line| moves(line, volume))?;
    let mut position = 0;
    plan.lines.retain(|line| {
        position += 1;
        position <= at || !(moves(line, volume) || freed(line) == Some(volume))
    });
    let rewritten = plan.lines[at..]
        .iter()
        .any(|line| written(line).is_some_and(|on| on.0 == volume));
    (!rewritten).then_some(())
}
