//! What must not go while something is to be copied: pure decisions.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::archive::member::SegmentNumber;
use crate::id::{SetId, VolumeId};

/// Whether a copy can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyQuality {
    /// Nothing is known against it.
    Good,
    /// Its volume or cartridge is quarantined, or the cartridge is missing.
    Doubtful,
}

/// A segment that can be read on a volume, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCopy {
    /// The set.
    pub set: SetId,
    /// The segment.
    pub segment: SegmentNumber,
    /// The volume.
    pub volume: VolumeId,
    /// How much it is worth.
    pub quality: CopyQuality,
}

/// A segment without any other good copy than this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SoleCopy {
    /// The set.
    pub set: SetId,
    /// The segment.
    pub segment: SegmentNumber,
    /// The volume that holds it.
    pub volume: VolumeId,
    /// How much it is worth.
    pub quality: CopyQuality,
}

/// For each segment the copies that must not go: the good one where there is one only, and where
/// there is none, every doubtful one.
#[must_use]
pub fn sole_copies(copies: &[LiveCopy]) -> Vec<SoleCopy> {
    let mut of: BTreeMap<(SetId, SegmentNumber), Vec<&LiveCopy>> = BTreeMap::new();
    for copy in copies {
        of.entry((copy.set, copy.segment)).or_default().push(copy);
    }
    let mut sole = Vec::new();
    for ((set, segment), mut held) in of {
        let good = |copy: &&LiveCopy| copy.quality == CopyQuality::Good;
        match held.iter().filter(|copy| good(copy)).count() {
            0 => {}
            1 => held.retain(good),
            _ => continue,
        }
        sole.extend(held.into_iter().map(|copy| SoleCopy {
            set,
            segment,
            volume: copy.volume,
            quality: copy.quality,
        }));
    }
    sole
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Numbers for ids: small, so that they meet.
    fn id(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }

    fn copies() -> impl Strategy<Value = Vec<LiveCopy>> {
        let one = (0..2_u128, 0..4_u32, 0..6_u128, any::<bool>());
        prop::collection::vec(one, 0..40).prop_map(|rows| {
            let mut seen = BTreeSet::new();
            rows.into_iter()
                .filter(|(set, segment, volume, _)| seen.insert((*set, *segment, *volume)))
                .map(|(set, segment, volume, good)| LiveCopy {
                    set: SetId::from_uuid(id(set)),
                    segment: SegmentNumber(segment),
                    volume: VolumeId::from_uuid(id(volume)),
                    quality: if good {
                        CopyQuality::Good
                    } else {
                        CopyQuality::Doubtful
                    },
                })
                .collect()
        })
    }

    fn segments(copies: &[LiveCopy]) -> BTreeSet<(SetId, SegmentNumber)> {
        copies.iter().map(|copy| (copy.set, copy.segment)).collect()
    }

    proptest! {
        /// In whatever order volumes go that the rule lets go, no segment goes with them, and none
        /// that has a good copy is left with doubtful ones.
        #[test]
        fn nothing_goes_with_the_volumes_that_may(
            copies in copies(),
            order in prop::collection::vec(0..6_u128, 0..20),
        ) {
            let mut left = copies.clone();
            for volume in order {
                let volume = VolumeId::from_uuid(id(volume));
                if sole_copies(&left).iter().all(|sole| sole.volume != volume) {
                    left.retain(|copy| copy.volume != volume);
                }
            }
            prop_assert_eq!(segments(&left), segments(&copies));
            let good = |copies: &[LiveCopy]| {
                let mut good = copies.to_vec();
                good.retain(|copy| copy.quality == CopyQuality::Good);
                segments(&good)
            };
            prop_assert_eq!(good(&left), good(&copies));
        }

        /// Not more is held back than must be: with a second good copy either may go.
        #[test]
        fn what_has_another_good_copy_may_go(copies in copies()) {
            for sole in sole_copies(&copies) {
                let others = copies.iter().filter(|copy| {
                    (copy.set, copy.segment) == (sole.set, sole.segment)
                        && copy.volume != sole.volume
                        && copy.quality == CopyQuality::Good
                });
                prop_assert_eq!(others.count(), 0);
            }
        }
    }
}
