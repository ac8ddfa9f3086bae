//! Which keys open what is on each volume, and when that was last seen.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::app::App;
use crate::catalogue::{ContentState, Key, KeyProof, OpenedBy, PoolName, ProofKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, KeyId, SetId, VolumeId};
use crate::media::reconcile::place_words;
use crate::progress::counted;

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// When.
    pub at: DateTime<Utc>,
    /// How old the newest proof of a volume may be, in days.
    pub proof_days: u32,
    /// Every volume that is not destroyed and has something on it, by barcode.
    pub volumes: Vec<AuditedVolume>,
}

/// A volume and its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedVolume {
    /// Its cartridge.
    pub barcode: Barcode,
    /// Where that is, in words.
    pub place: String,
    /// Its pool.
    pub pool: PoolName,
    /// Its content state.
    pub content: ContentState,
    /// What the keys say.
    #[serde(flatten)]
    pub facts: Facts,
}

/// What the record says of a volume's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Sets it has something of.
    pub sets: usize,
    /// Since when there is something on it.
    pub written_at: DateTime<Utc>,
    /// When all of its age headers were last read and had a stanza for each key.
    pub stanzas_seen_at: Option<DateTime<Utc>>,
    /// The keys its sets are encrypted to.
    pub keys: Vec<Opens>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// A key of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opens {
    /// Its name.
    pub key: String,
    /// Whether its private half is still somewhere.
    pub live: bool,
    /// The sets on the volume that it opens.
    pub sets: usize,
    /// When it last opened something there.
    pub proved_at: Option<DateTime<Utc>>,
    /// In what.
    pub proved_by: Option<ProofKind>,
}

/// Something wrong with a volume's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// No private half is left for some of its sets.
    NoKey {
        /// The sets.
        sets: Vec<SetId>,
    },
    /// One private half is left for some of its sets.
    OneKey {
        /// Whose.
        key: String,
    },
    /// Some of its sets are in clear.
    InClear {
        /// The sets.
        sets: Vec<SetId>,
    },
    /// Nothing was decrypted from it for too long.
    Unproved {
        /// Since when: the newest proof, or since it was written.
        since: DateTime<Utc>,
        /// Whether it ever was.
        ever: bool,
    },
}

impl Finding {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let day = |at: &DateTime<Utc>| at.format("%Y-%m-%d").to_string();
        match self {
            Self::NoKey { sets } => {
                format!("no key opens {}", counted(sets.len() as u64, "set", "sets"))
            }
            Self::OneKey { key } => format!("only \"{key}\" opens it"),
            Self::InClear { sets } => format!(
                "{} in clear",
                counted(sets.len() as u64, "set is", "sets are")
            ),
            Self::Unproved { since, ever: true } => {
                format!("not decrypted since {}", day(since))
            }
            Self::Unproved { since, ever: false } => {
                format!("never decrypted, written {}", day(since))
            }
        }
    }
}

/// Looks at every volume that is not destroyed.
pub fn audit(app: &App) -> Result<Audit> {
    let at = app.clock.now();
    let proof_days = app.config.key.proof_days;
    app.catalogue.read(|view| {
        let keys = view.keys()?;
        let rows = view.opened_by()?;
        let proofs = view.newest_proofs()?;
        let allowed = TimeDelta::days(proof_days.into());
        let mut volumes = Vec::new();
        for (volume, facts) in assess(&rows, &proofs, &keys, at, allowed) {
            let volume = view.volume(volume)?;
            let cartridge = view.cartridge(volume.cartridge)?;
            volumes.push(AuditedVolume {
                place: place_words(view, &cartridge.place)?,
                barcode: cartridge.barcode,
                pool: volume.pool,
                content: volume.content,
                facts,
            });
        }
        volumes.sort_by(|one, other| one.barcode.cmp(&other.barcode));
        Ok(Audit {
            at,
            proof_days,
            volumes,
        })
    })
}

/// The facts of each volume: a pure decision.
fn assess(
    rows: &[OpenedBy],
    proofs: &[KeyProof],
    keys: &[Key],
    now: DateTime<Utc>,
    allowed: TimeDelta,
) -> BTreeMap<VolumeId, Facts> {
    let mut volumes: BTreeMap<VolumeId, Vec<&OpenedBy>> = BTreeMap::new();
    for row in rows {
        volumes.entry(row.volume).or_default().push(row);
    }
    let keys: BTreeMap<KeyId, &Key> = keys.iter().map(|key| (key.id, key)).collect();
    volumes
        .into_iter()
        .map(|(volume, rows)| {
            let proofs: Vec<&KeyProof> = proofs
                .iter()
                .filter(|proof| proof.volume == volume)
                .collect();
            (volume, facts(&rows, &proofs, &keys, now, allowed))
        })
        .collect()
}

fn facts(
    rows: &[&OpenedBy],
    proofs: &[&KeyProof],
    keys: &BTreeMap<KeyId, &Key>,
    now: DateTime<Utc>,
    allowed: TimeDelta,
) -> Facts {
    let mut sets: BTreeMap<SetId, BTreeSet<KeyId>> = BTreeMap::new();
    for row in rows {
        sets.entry(row.set).or_default().extend(row.key);
    }
    let named: BTreeSet<KeyId> = sets.values().flatten().copied().collect();
    let mut opens: Vec<Opens> = named
        .iter()
        .filter_map(|id| keys.get(id))
        .map(|key| {
            let proof = proofs.iter().find(|proof| proof.key == key.id);
            Opens {
                key: key.name.clone(),
                live: key.is_live(),
                sets: sets.values().filter(|of| of.contains(&key.id)).count(),
                proved_at: proof.map(|proof| proof.at),
                proved_by: proof.map(|proof| proof.how),
            }
        })
        .collect();
    opens.sort_by(|one, other| one.key.cmp(&other.key));
    let written_at = rows.iter().map(|row| row.written_at).min().unwrap_or(now);
    let seen: Option<Vec<_>> = rows.iter().map(|row| row.stanzas_seen_at).collect();
    Facts {
        sets: sets.len(),
        written_at,
        stanzas_seen_at: seen.and_then(|all| all.into_iter().min()),
        findings: findings(&sets, &opens, keys, written_at, now - allowed),
        keys: opens,
    }
}

fn findings(
    sets: &BTreeMap<SetId, BTreeSet<KeyId>>,
    opens: &[Opens],
    keys: &BTreeMap<KeyId, &Key>,
    written_at: DateTime<Utc>,
    oldest: DateTime<Utc>,
) -> Vec<Finding> {
    let live = |of: &BTreeSet<KeyId>| -> Vec<&Key> {
        let known = of.iter().filter_map(|id| keys.get(id).copied());
        known.filter(|key| key.is_live()).collect()
    };
    let chosen = |test: &dyn Fn(&BTreeSet<KeyId>) -> bool| -> Vec<SetId> {
        let some = sets.iter().filter(|(_, of)| test(of));
        some.map(|(set, _)| *set).collect()
    };
    let mut findings = Vec::new();
    let lost = chosen(&|of| !of.is_empty() && live(of).is_empty());
    if !lost.is_empty() {
        findings.push(Finding::NoKey { sets: lost });
    }
    let alone: BTreeSet<&str> = sets
        .values()
        .filter_map(|of| match live(of).as_slice() {
            [only] => Some(only.name.as_str()),
            _ => None,
        })
        .collect();
    findings.extend(alone.into_iter().map(|key| Finding::OneKey {
        key: key.to_owned(),
    }));
    let clear = chosen(&BTreeSet::is_empty);
    let encrypted = clear.len() < sets.len();
    if !clear.is_empty() {
        findings.push(Finding::InClear { sets: clear });
    }
    let newest = opens.iter().filter_map(|key| key.proved_at).max();
    let since = newest.unwrap_or(written_at);
    if encrypted && since < oldest {
        findings.push(Finding::Unproved {
            since,
            ever: newest.is_some(),
        });
    }
    findings
}

/// An error for volumes with findings.
///
/// # Errors
/// [`ErrorKind::OperatorNeeded`] if there is one.
pub fn outcome(audit: &Audit) -> Result<()> {
    let wrong: Vec<String> = audit
        .volumes
        .iter()
        .filter(|volume| !volume.facts.findings.is_empty())
        .map(|volume| volume.barcode.to_string())
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::OperatorNeeded,
        format!("the keys of these are not as they should be: {}", wrong.join(", ")),
    )
    .hint("\"tapeward verify SET --content\" proves a key; a second key guards what is written from then on"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{IdentityPlace, KeyRole};
    use crate::id::RunId;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn key(name: &str, deleted: bool) -> Key {
        Key {
            id: KeyId::generate(day(1)),
            name: name.to_owned(),
            recipient: format!("age1{name}"),
            role: KeyRole::Site,
            identity: IdentityPlace::None,
            created_at: day(0),
            retired_at: deleted.then(|| day(1)),
            pools: Vec::new(),
            replaces: None,
            identity_deleted_at: deleted.then(|| day(2)),
        }
    }

    fn row(volume: VolumeId, set: SetId, key: Option<&Key>) -> OpenedBy {
        OpenedBy {
            volume,
            set,
            key: key.map(|key| key.id),
            written_at: day(10),
            stanzas_seen_at: Some(day(11)),
        }
    }

    #[test]
    fn each_finding_is_found_and_nothing_else() {
        let (site, escrow, gone) = (key("site", false), key("escrow", false), key("gone", true));
        let keys = [site.clone(), escrow.clone(), gone.clone()];
        let volume = VolumeId::generate(day(9));
        let set = SetId::generate(day(9));
        let look = |rows: &[OpenedBy], proofs: &[KeyProof], now| {
            let facts = assess(rows, proofs, &keys, day(now), TimeDelta::days(30));
            facts[&volume].findings.clone()
        };
        let both = [
            row(volume, set, Some(&site)),
            row(volume, set, Some(&escrow)),
        ];
        assert_eq!(look(&both, &[], 40), []);
        let unproved = |since, ever| Finding::Unproved {
            since: day(since),
            ever,
        };
        assert_eq!(look(&both, &[], 41), [unproved(10, false)]);
        let proof = KeyProof {
            key: escrow.id,
            volume,
            run: RunId::generate(day(20)),
            how: ProofKind::Restore,
            at: day(20),
        };
        assert_eq!(look(&both, std::slice::from_ref(&proof), 50), []);
        assert_eq!(look(&both, &[proof], 51), [unproved(20, true)]);

        let one = [row(volume, set, Some(&site)), row(volume, set, Some(&gone))];
        let key = "site".to_owned();
        assert_eq!(look(&one, &[], 20), [Finding::OneKey { key }]);
        let none = [row(volume, set, Some(&gone))];
        assert_eq!(look(&none, &[], 20), [Finding::NoKey { sets: vec![set] }]);
        let clear = [row(volume, set, None)];
        assert_eq!(
            look(&clear, &[], 90),
            [Finding::InClear { sets: vec![set] }]
        );

        // A second set that only one key opens is not hidden by the first.
        let other = SetId::generate(day(12));
        let mut mixed = both.to_vec();
        mixed.push(row(volume, other, Some(&escrow)));
        let key = "escrow".to_owned();
        assert_eq!(look(&mixed, &[], 20), [Finding::OneKey { key }]);
    }
}
