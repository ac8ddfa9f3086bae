//! Volumes of which little must still be kept, joined onto fewer: a pure decision.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::{ContentState, PoolName, View};
use crate::error::Result;
use crate::id::{Barcode, VolumeId};

/// A part in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Percent(pub u8);

/// A volume that might be emptied, or written on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The volume.
    pub volume: VolumeId,
    /// Its cartridge.
    pub barcode: Barcode,
    /// Its pool.
    pub pool: PoolName,
    /// What its content is worth.
    pub content: ContentState,
    /// Bytes of segments on it.
    pub written: u64,
    /// Of these, bytes that must be kept.
    pub live: u64,
    /// Bytes it holds.
    pub capacity: u64,
}

/// What is worth doing in one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The pool.
    pub pool: PoolName,
    /// The volumes to empty, those with the least to keep first.
    pub emptied: Vec<Candidate>,
    /// Bytes to copy.
    pub bytes: u64,
    /// Scratch cartridges it takes.
    pub cartridges: u64,
}

/// For each pool the volumes of which less than a part must be kept and whose emptying frees more
/// cartridges than it takes; as many of them as free most.
#[must_use]
pub fn choose(candidates: &[Candidate], below: Percent) -> Vec<Choice> {
    let mut pools: BTreeMap<&PoolName, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        pools.entry(&candidate.pool).or_default().push(candidate);
    }
    pools
        .into_iter()
        .filter_map(|(pool, all)| choose_in(pool, &all, below))
        .collect()
}

fn is_worth_it(candidate: &Candidate, below: Percent) -> bool {
    let written = matches!(
        candidate.content,
        ContentState::Filling | ContentState::Full
    );
    let share = u128::from(candidate.live) * 100;
    written && candidate.live > 0 && share < u128::from(candidate.written) * u128::from(below.0)
}

fn choose_in(pool: &PoolName, all: &[&Candidate], below: Percent) -> Option<Choice> {
    let mut worth: Vec<&Candidate> = all
        .iter()
        .copied()
        .filter(|candidate| is_worth_it(candidate, below))
        .collect();
    worth.sort_by_key(|candidate| (candidate.live, candidate.barcode.clone()));
    let room: u64 = all
        .iter()
        .filter(|candidate| candidate.content == ContentState::Filling)
        .filter(|candidate| !is_worth_it(candidate, below))
        .map(|candidate| candidate.capacity.saturating_sub(candidate.written))
        .sum();
    let capacity = worth.iter().map(|candidate| candidate.capacity).min()?;
    let mut best: Option<(u64, usize, u64, u64)> = None;
    let mut bytes = 0;
    for (index, candidate) in worth.iter().enumerate() {
        bytes += candidate.live;
        let cartridges = bytes.saturating_sub(room).div_ceil(capacity.max(1));
        let freed = (index as u64 + 1).saturating_sub(cartridges);
        if freed > 0 && best.is_none_or(|(most, ..)| freed > most) {
            best = Some((freed, index + 1, bytes, cartridges));
        }
    }
    let (_, count, bytes, cartridges) = best?;
    Some(Choice {
        pool: pool.clone(),
        emptied: worth.into_iter().take(count).cloned().collect(),
        bytes,
        cartridges,
    })
}

/// Every living volume with what is on it.
pub fn candidates(view: &View<'_>) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for volume in view.volumes()? {
        let (written, live) = view.segment_bytes_on(volume.id)?;
        candidates.push(Candidate {
            volume: volume.id,
            barcode: view.cartridge(volume.cartridge)?.barcode,
            pool: volume.pool,
            content: volume.content,
            written,
            live,
            capacity: volume.capacity,
        });
    }
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(number: u8, content: ContentState, written: u64, live: u64) -> Candidate {
        Candidate {
            volume: VolumeId::from_uuid(uuid::Uuid::from_u128(number.into())),
            barcode: format!("TWV{number:03}L8").parse().unwrap(),
            pool: "onsite".parse().unwrap(),
            content,
            written,
            live,
            capacity: 100,
        }
    }

    fn emptied(choices: &[Choice]) -> Vec<&str> {
        let all = choices.iter().flat_map(|choice| &choice.emptied);
        all.map(|candidate| candidate.barcode.as_str()).collect()
    }

    #[test]
    fn three_that_are_nearly_empty_go_onto_one() {
        let full = |number, live| candidate(number, ContentState::Full, 100, live);
        let all = [full(1, 30), full(2, 20), full(3, 40), full(4, 90)];
        let choices = choose(&all, Percent(50));
        assert_eq!(emptied(&choices), ["TWV002L8", "TWV001L8", "TWV003L8"]);
        assert_eq!((choices[0].bytes, choices[0].cartridges), (90, 1));
    }

    #[test]
    fn nothing_is_done_that_frees_nothing() {
        let one = [candidate(1, ContentState::Full, 100, 30)];
        assert_eq!(choose(&one, Percent(50)), []);
        // But for room that is there already.
        let two = [
            candidate(1, ContentState::Full, 100, 30),
            candidate(2, ContentState::Filling, 40, 40),
        ];
        assert_eq!(emptied(&choose(&two, Percent(50))), ["TWV001L8"]);
    }

    #[test]
    fn what_is_held_quarantined_or_holds_nothing_to_keep_is_left_alone() {
        let all = [
            candidate(1, ContentState::Held, 100, 10),
            candidate(2, ContentState::Quarantined, 100, 10),
            candidate(3, ContentState::Full, 100, 0),
            candidate(4, ContentState::Expired, 100, 0),
            candidate(5, ContentState::Scratch, 0, 0),
        ];
        assert_eq!(choose(&all, Percent(99)), []);
    }

    proptest! {
        /// Whatever there is: more cartridges are freed than taken, and what is copied fits.
        #[test]
        fn it_always_frees_cartridges(
            rows in prop::collection::vec((any::<bool>(), 1..=100_u64, 0..=100_u64), 0..40),
            below in 0..=100_u8,
        ) {
            let all: Vec<Candidate> = rows
                .iter()
                .zip(1..)
                .map(|((full, written, live), number)| {
                    let content = if *full { ContentState::Full } else { ContentState::Filling };
                    candidate(number, content, *written, (*live).min(*written))
                })
                .collect();
            for choice in choose(&all, Percent(below)) {
                prop_assert!(choice.cartridges < choice.emptied.len() as u64);
                let live: u64 = choice.emptied.iter().map(|one| one.live).sum();
                prop_assert_eq!(live, choice.bytes);
                let room: u64 = all
                    .iter()
                    .filter(|one| one.content == ContentState::Filling)
                    .filter(|one| !choice.emptied.contains(one))
                    .map(|one| one.capacity - one.written)
                    .sum();
                prop_assert!(choice.bytes <= room + 100 * choice.cartridges);
            }
        }
    }
}
