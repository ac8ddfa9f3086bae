//! Checking the chain.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::signing::SignerId;
use super::{canonical_json, entry};

/// What the first entry has as the hash of the entry before.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The journal up to an entry, in one line: whoever keeps this outside can prove later that
/// nothing before it was changed, and that it has not been cut off before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Number of the entry.
    pub sequence: u64,
    /// Its hash, in lower-case hexadecimal.
    pub hash: String,
}

impl Checkpoint {
    /// Reads `NUMBER:HASH`, in either case. White space counts for nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let compact = text.split_whitespace().collect::<String>();
        let (number, hash) = compact.split_once(':')?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        let is_number = !number.starts_with(['0', '+']);
        Some(Self {
            sequence: number.parse().ok().filter(|_| is_hash && is_number)?,
            hash: hash.to_ascii_lowercase(),
        })
    }

    /// Every "journal entry NUMBER, hash HASH" in a text, as it stands on manifests.
    #[must_use]
    pub fn find_in(text: &str) -> Vec<Self> {
        let compact = text.split_whitespace().collect::<String>().to_lowercase();
        let after = compact.split("journalentry").skip(1);
        after
            .filter_map(|text| {
                let (number, hash) = text.split_once(",hash")?;
                Self::read(&format!("{number}:{}", hash.get(..64)?))
            })
            .collect()
    }
}

/// A journal that holds together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The last entry; none: the journal is empty.
    pub last: Option<Checkpoint>,
}

/// A journal that does not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the journal is broken at entry {sequence}: {why}")]
pub struct Broken {
    /// The first entry that is wrong, by where it should be.
    pub sequence: u64,
    /// What is wrong with it.
    pub why: BrokenWhy,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenWhy {
    /// Its text is not canonical JSON, or lacks what every entry has.
    #[error("it is not an entry in canonical form")]
    Form,
    /// Its text does not have its hash.
    #[error("its hash is {stored}, its text has {computed}")]
    Hash {
        /// As stored.
        stored: String,
        /// Of the text.
        computed: String,
    },
    /// It has another number.
    #[error("it says it is number {found}")]
    Sequence {
        /// The number it has.
        found: u64,
    },
    /// It does not follow on the entry before.
    #[error("it follows on an entry with hash {found}, the one before has {expected}")]
    Previous {
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// It is not the entry a checkpoint tells of.
    #[error("its hash is {found}, a checkpoint says {expected}")]
    Checkpoint {
        /// The hash it has.
        found: String,
        /// The hash it should have.
        expected: String,
    },
    /// It tells of a signature that nobody gave.
    #[error("the checkpoint it tells of is not signed by key {key}")]
    Signature {
        /// Whose signature it says it is.
        key: SignerId,
    },
    /// It tells of a checkpoint of another entry than the one before it.
    #[error("the checkpoint it tells of is not of the entry before it")]
    Elsewhere,
    /// It tells of a key that is not as it says.
    #[error("the key it tells of is not the one it names, or not endorsed by the one it replaces")]
    Key,
    /// The index of subjects is not what the entries say.
    #[error("the index of subjects does not have what it is about")]
    Index,
    /// There are fewer entries than somebody has counted.
    #[error("it is missing, there were {expected} entries and the last is {last}")]
    Count {
        /// The last entry there is; 0: none.
        last: u64,
        /// How many there were.
        expected: u64,
    },
    /// It is missing, and a checkpoint tells of it.
    #[error("it is missing, the last entry is {last}")]
    Missing {
        /// The last entry there is; 0: none.
        last: u64,
    },
}

/// Checks entries one after the other; memory is flat.
#[derive(Debug)]
pub struct Verifier {
    known: Vec<Checkpoint>,
    last: Option<Checkpoint>,
}

impl Verifier {
    /// For a journal of which these checkpoints are known from elsewhere.
    #[must_use]
    pub fn new(known: &[Checkpoint]) -> Self {
        Self {
            known: known.to_vec(),
            last: None,
        }
    }

    /// The last entry that was checked.
    #[must_use]
    pub fn last(&self) -> Option<&Checkpoint> {
        self.last.as_ref()
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// [`Broken`] says what is wrong with it.
    pub fn check(&mut self, body: &str, hash: &str) -> Result<(), Broken> {
        let (sequence, previous) = match &self.last {
            Some(last) => (last.sequence + 1, last.hash.as_str()),
            None => (1, GENESIS),
        };
        let broken = |why| Err(Broken { sequence, why });
        let computed = entry::hash(body);
        if computed != hash {
            return broken(BrokenWhy::Hash {
                stored: hash.to_owned(),
                computed,
            });
        }
        let Some((found, follows)) = parse(body) else {
            return broken(BrokenWhy::Form);
        };
        if found != sequence {
            return broken(BrokenWhy::Sequence { found });
        }
        if follows != previous {
            return broken(BrokenWhy::Previous {
                found: follows,
                expected: previous.to_owned(),
            });
        }
        let mut known = self.known.iter();
        if let Some(point) = known.find(|point| point.sequence == sequence && point.hash != hash) {
            return broken(BrokenWhy::Checkpoint {
                found: hash.to_owned(),
                expected: point.hash.clone(),
            });
        }
        self.last = Some(Checkpoint {
            sequence,
            hash: hash.to_owned(),
        });
        Ok(())
    }

    /// Ends it: entries that checkpoints tell of must all have come.
    pub fn finish(self) -> Result<Verified, Broken> {
        let last = self.last.as_ref().map_or(0, |last| last.sequence);
        let missing = self.known.iter().any(|point| point.sequence > last);
        if missing {
            return Err(Broken {
                sequence: last + 1,
                why: BrokenWhy::Missing { last },
            });
        }
        Ok(Verified { last: self.last })
    }
}

/// Number and previous hash of a canonical entry.
fn parse(body: &str) -> Option<(u64, String)> {
    let value: Value = serde_json::from_str(body).ok()?;
    if canonical_json(&value).ok()? != body {
        return None;
    }
    let entry: entry::Entry = serde_json::from_value(value).ok()?;
    Some((entry.sequence, entry.previous))
}

/// Checks a whole journal: pairs of body and hash, in order.
///
/// # Errors
/// [`Broken`] names the first entry that is wrong.
pub fn verify<'a>(
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    known: &[Checkpoint],
) -> Result<Verified, Broken> {
    let mut verifier = Verifier::new(known);
    for (body, hash) in entries {
        verifier.check(body, hash)?;
    }
    verifier.finish()
}
