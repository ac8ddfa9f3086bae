//! Which sets may share a volume, so that it expires, and is destroyed, as a whole.

use std::collections::BTreeSet;
use std::fmt;

use crate::catalogue::{BackupSet, Month, SetCopy, View};
use crate::config::Collocate;
use crate::error::Result;
use crate::id::VolumeId;

/// What matters of a copy of a set for where it is put.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Traits {
    /// Whose data it is.
    pub agency: Option<String>,
    /// The month in which its retention ends.
    pub retention: Month,
    /// Whether it is held.
    pub held: bool,
}

/// Why a copy is not put on a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// In what they must agree.
    pub key: Collocate,
    /// What is on the volume.
    pub there: Traits,
    /// What was to be put there.
    pub new: Traits,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |traits: &Traits| match self.key {
            Collocate::Agency => match &traits.agency {
                Some(agency) => format!("data of {agency}"),
                None => "data of no agency".to_owned(),
            },
            Collocate::Retention => format!("data kept until {}", traits.retention),
            Collocate::Hold if traits.held => "data that is held".to_owned(),
            Collocate::Hold => "data that is not held".to_owned(),
        };
        write!(
            f,
            "it holds {}, and this is {}",
            say(&self.there),
            say(&self.new)
        )
    }
}

/// Whether a copy may be put with what is on a volume: whatever is there agrees with it in every
/// key. An empty volume takes anything.
///
/// # Errors
/// The first that does not agree.
pub fn agrees<'a>(
    keys: &[Collocate],
    new: &Traits,
    there: impl IntoIterator<Item = &'a Traits>,
) -> std::result::Result<(), Box<Disagreement>> {
    for there in there {
        let differs = |key: &&Collocate| match key {
            Collocate::Agency => there.agency != new.agency,
            Collocate::Retention => there.retention != new.retention,
            Collocate::Hold => there.held != new.held,
        };
        if let Some(key) = keys.iter().find(differs) {
            return Err(Box::new(Disagreement {
                key: *key,
                there: there.clone(),
                new: new.clone(),
            }));
        }
    }
    Ok(())
}

/// What the record says of a copy.
pub fn traits(view: &View<'_>, set: &BackupSet, copy: &SetCopy) -> Result<Traits> {
    Ok(Traits {
        agency: set.agency.clone(),
        retention: Month::of(copy.retain_until),
        held: view.hold_of_set(set.id, set.definition)?.is_some(),
    })
}

/// What is on a volume.
pub fn contents(view: &View<'_>, volume: VolumeId) -> Result<BTreeSet<Traits>> {
    view.set_copies_on(volume)?
        .iter()
        .map(|copy| traits(view, &view.set(copy.set)?, copy))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Collocate; 3] = [Collocate::Agency, Collocate::Retention, Collocate::Hold];

    fn some() -> impl Strategy<Value = Traits> {
        let agency = prop::option::of(prop::sample::select(vec!["tax", "courts"]));
        let month = prop::sample::select(vec!["2026-11", "2027-01"]);
        (agency, month, any::<bool>()).prop_map(|(agency, month, held)| Traits {
            agency: agency.map(str::to_owned),
            retention: month.parse().unwrap(),
            held,
        })
    }

    fn value(key: Collocate, of: &Traits) -> String {
        match key {
            Collocate::Agency => format!("{:?}", of.agency),
            Collocate::Retention => of.retention.to_string(),
            Collocate::Hold => of.held.to_string(),
        }
    }

    proptest! {
        /// Put one after the other wherever they may go, sets never mix on a volume, and no volume
        /// is opened that one before it would have done for.
        #[test]
        fn volumes_filled_by_the_rule_are_of_one_kind(
            keys in prop::sample::subsequence(ALL.to_vec(), 0..=3),
            sets in prop::collection::vec(some(), 1..20),
        ) {
            let mut volumes: Vec<Vec<Traits>> = Vec::new();
            for set in sets {
                match volumes.iter_mut().find(|volume| agrees(&keys, &set, volume.iter()).is_ok()) {
                    Some(volume) => volume.push(set),
                    None => volumes.push(vec![set]),
                }
            }
            let kinds: Vec<Vec<String>> = volumes
                .iter()
                .map(|volume| {
                    keys.iter().map(|key| value(*key, &volume[0])).collect()
                })
                .collect();
            for (volume, kind) in volumes.iter().zip(&kinds) {
                for set in volume {
                    let own: Vec<String> = keys.iter().map(|key| value(*key, set)).collect();
                    prop_assert_eq!(&own, kind);
                }
            }
            let distinct: BTreeSet<_> = kinds.iter().collect();
            prop_assert_eq!(distinct.len(), kinds.len());
        }

        #[test]
        fn what_disagrees_is_named(
            keys in prop::sample::subsequence(ALL.to_vec(), 0..=3), new in some(), there in some()
        ) {
            match agrees(&keys, &new, [&there]) {
                Ok(()) => for key in &keys {
                    prop_assert_eq!(value(*key, &new), value(*key, &there));
                },
                Err(named) => {
                    prop_assert!(keys.contains(&named.key));
                    prop_assert_ne!(value(named.key, &new), value(named.key, &there));
                }
            }
        }
    }

    #[test]
    fn a_disagreement_is_told_in_words() {
        let one = |agency: Option<&str>| Traits {
            agency: agency.map(str::to_owned),
            retention: "2027-01".parse().unwrap(),
            held: false,
        };
        let told = agrees(&[Collocate::Agency], &one(None), [&one(Some("tax"))]);
        assert_eq!(
            told.unwrap_err().to_string(),
            "it holds data of tax, and this is data of no agency"
        );
    }
}
