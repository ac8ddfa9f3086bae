//! Whether anything on a volume must be kept: a pure decision, with the reasons.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// A copy of a set of which something is on the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyHere {
    /// The set, for people.
    pub set: String,
    /// Until when this copy must be kept.
    pub until: DateTime<Utc>,
    /// Until when the last copy of the set must be kept.
    pub set_until: DateTime<Utc>,
    /// Why it is held, if it is.
    pub hold: Option<String>,
    /// Its stream is not complete, and may go on.
    pub is_open: bool,
    /// The set's other copies.
    pub others: Vec<OtherCopy>,
}

/// Another copy of the same set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCopy {
    /// Until when it must be kept.
    pub until: DateTime<Utc>,
    /// How far it can be relied on.
    pub standing: Standing,
}

/// How far a copy can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// All of it was read back and is where it can be fetched from.
    Good,
    /// All of it is there, and not all was read back.
    Unverified,
    /// It is still to be completed from another copy.
    Incomplete,
    /// Some of it is lost, missing, doubtful, or on the very volume that is judged.
    Lost,
}

/// Something that must be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Keep {
    /// It is held.
    Held {
        /// The set.
        set: String,
        /// Why.
        reason: String,
    },
    /// Its retention has not ended.
    Retention {
        /// The set.
        set: String,
        /// The end.
        until: DateTime<Utc>,
    },
    /// The set is still being written.
    Open {
        /// The set.
        set: String,
    },
    /// Another copy is still to be completed, maybe from this one.
    Incomplete {
        /// The set.
        set: String,
    },
    /// Segments of which this is the last good copy are to be copied elsewhere.
    ToBeCopied,
    /// A segment that can be read nowhere any more was lost here; some of it may still be read.
    OnlyRemains {
        /// The set.
        set: String,
    },
    /// The set must be kept longer than this copy, and no other copy is known to be good.
    LastGoodCopy {
        /// The set.
        set: String,
        /// Until when the set must be kept.
        until: DateTime<Utc>,
    },
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |until: &DateTime<Utc>| until.format("%Y-%m-%d").to_string();
        match self {
            Self::Held { set, reason } => write!(f, "set {set} is held: {reason}"),
            Self::Retention { set, until } => write!(f, "set {set} is kept until {}", day(until)),
            Self::Open { set } => write!(f, "set {set} is still being written"),
            Self::Incomplete { set } => {
                write!(f, "another copy of set {set} is still to be completed")
            }
            Self::ToBeCopied => f.write_str(
                "it holds the last good copy of what is still to be copied elsewhere (\"tapeward copy \
                 list\")",
            ),
            Self::OnlyRemains { set } => write!(
                f,
                "it holds all that is left of a damaged part of set {set}, of which some may still be \
                 read"
            ),
            Self::LastGoodCopy { set, until } => write!(
                f,
                "set {set} is kept until {}, and no other copy of it was read back and is at hand",
                day(until)
            ),
        }
    }
}

/// What keeps a volume with these copies on it; nothing: all on it may go.
///
/// Of a set that must still be kept, only a copy whose own retention goes on can stand in for
/// another: it keeps its volume by itself, so whatever is decided at the same time about the other
/// volumes, one good copy stays.
#[must_use]
pub fn judge(copies: &[CopyHere], now: DateTime<Utc>) -> Vec<Keep> {
    copies.iter().filter_map(|copy| keep(copy, now)).collect()
}

fn keep(copy: &CopyHere, now: DateTime<Utc>) -> Option<Keep> {
    let set = copy.set.clone();
    if let Some(reason) = copy.hold.clone() {
        return Some(Keep::Held { set, reason });
    }
    if now < copy.until {
        let until = copy.until;
        return Some(Keep::Retention { set, until });
    }
    if copy.is_open {
        return Some(Keep::Open { set });
    }
    if copy.set_until <= now {
        return None;
    }
    let stays = |other: &&OtherCopy| now < other.until;
    let others = || copy.others.iter().filter(stays);
    if !others().any(|other| other.standing == Standing::Good) {
        let until = copy.set_until;
        return Some(Keep::LastGoodCopy { set, until });
    }
    others()
        .any(|other| other.standing == Standing::Incomplete)
        .then_some(Keep::Incomplete { set })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    /// A set: each copy on a volume of its own, with its retention and standing.
    #[derive(Debug, Clone)]
    struct Set {
        copies: Vec<(i64, Standing)>,
        hold: bool,
        is_open: bool,
    }

    impl Set {
        fn until(&self) -> i64 {
            self.copies.iter().map(|copy| copy.0).max().unwrap()
        }

        /// What is on the volume of one copy.
        fn on(&self, index: usize) -> CopyHere {
            let others = self.copies.iter().enumerate();
            CopyHere {
                set: "data".to_owned(),
                until: at(self.copies[index].0),
                set_until: at(self.until()),
                hold: self.hold.then(|| "case 7".to_owned()),
                is_open: self.is_open,
                others: others
                    .filter(|(other, _)| *other != index)
                    .map(|(_, (until, standing))| OtherCopy {
                        until: at(*until),
                        standing: *standing,
                    })
                    .collect(),
            }
        }

        /// The copies whose volumes may go at once.
        fn free(&self, now: i64) -> Vec<usize> {
            let free = |index: &usize| judge(&[self.on(*index)], at(now)).is_empty();
            (0..self.copies.len()).filter(free).collect()
        }
    }

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![
            4 => Just(Standing::Good),
            1 => Just(Standing::Unverified),
            1 => Just(Standing::Incomplete),
            1 => Just(Standing::Lost),
        ]
    }

    fn set() -> impl Strategy<Value = Set> {
        let copies = prop::collection::vec((0_i64..40, standing()), 1..5);
        let rarely = || prop::bool::weighted(0.1);
        (copies, rarely(), rarely()).prop_map(|(copies, hold, is_open)| Set {
            copies,
            hold,
            is_open,
        })
    }

    proptest! {
        #[test]
        fn while_a_set_is_kept_a_good_copy_stays_whatever_goes_at_once(
            set in set(), now in 0_i64..50
        ) {
            let free = set.free(now);
            if !free.is_empty() && now < set.until() {
                let stays = set.copies.iter().enumerate().any(|(index, copy)| {
                    !free.contains(&index) && copy.1 == Standing::Good && now < copy.0
                });
                prop_assert!(stays, "{:?}", free);
            }
        }

        #[test]
        fn nothing_held_open_or_within_its_retention_goes(set in set(), now in 0_i64..50) {
            for index in set.free(now) {
                prop_assert!(!set.hold && !set.is_open && set.copies[index].0 <= now);
            }
        }

        #[test]
        fn after_the_last_retention_all_goes_that_is_not_held_or_open(set in set()) {
            let all: Vec<usize> = (0..set.copies.len()).collect();
            let expected = if set.hold || set.is_open { Vec::new() } else { all };
            prop_assert_eq!(set.free(set.until()), expected);
        }

        #[test]
        fn a_copy_that_gets_worse_frees_nothing(
            set in set(), now in 0_i64..50, index in 0_usize..5, worse in standing()
        ) {
            let mut after = set.clone();
            let index = index % set.copies.len();
            // What is still to be completed keeps the others; what is lost is not completed.
            let changed = &mut after.copies[index].1;
            prop_assume!(worse >= *changed && *changed != Standing::Incomplete);
            *changed = worse;
            let before = set.free(now);
            for freed in after.free(now) {
                prop_assert!(before.contains(&freed));
            }
        }

        #[test]
        fn a_volume_goes_only_as_a_whole(sets in prop::collection::vec(set(), 1..4), now in 0_i64..50) {
            let here: Vec<CopyHere> = sets.iter().map(|set| set.on(0)).collect();
            let each = here.iter().all(|copy| judge(std::slice::from_ref(copy), at(now)).is_empty());
            prop_assert_eq!(judge(&here, at(now)).is_empty(), each);
        }
    }

    #[test]
    fn the_reasons_are_told() {
        let set = |copies: &[(i64, Standing)]| Set {
            copies: copies.to_vec(),
            hold: false,
            is_open: false,
        };
        let said = |set: &Set, now: i64| {
            let keeps = judge(&[set.on(0)], at(now));
            keeps.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let two = set(&[(10, Standing::Good), (30, Standing::Unverified)]);
        assert_eq!(said(&two, 9), ["set data is kept until 1970-01-11"]);
        assert_eq!(
            said(&two, 10),
            [
                "set data is kept until 1970-01-31, and no other copy of it was read back and is at hand"
            ]
        );
        let good = set(&[(10, Standing::Good), (30, Standing::Good)]);
        assert!(said(&good, 10).is_empty());
        let three = set(&[
            (10, Standing::Good),
            (30, Standing::Good),
            (30, Standing::Incomplete),
        ]);
        assert_eq!(
            said(&three, 10),
            ["another copy of set data is still to be completed"]
        );
        assert!(said(&three, 30).is_empty());
        let held = Set { hold: true, ..good };
        assert_eq!(said(&held, 99), ["set data is held: case 7"]);
    }
}
