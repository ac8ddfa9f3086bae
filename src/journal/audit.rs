//! Checking a journal with what is known of it from elsewhere: public keys, checkpoints that were
//! printed or sent, a count.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use thiserror::Error;

use super::signing::{PublicKey, SignedCheckpoint, SignerId};
use super::{Broken, BrokenWhy, Checkpoint, Verified, Verifier};
use super::{Event, entry};

/// What is known from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Keys of which somebody knows that they are the journal's; none: those the journal names
    /// are taken for it.
    pub keys: Vec<PublicKey>,
    /// Checkpoints with their signatures.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// Checkpoints from papers that somebody trusts as they are.
    pub unsigned: Vec<Checkpoint>,
    /// How many entries there are at least.
    pub entries: Option<u64>,
}

impl Evidence {
    fn points(&self) -> impl Iterator<Item = &Checkpoint> {
        let signed = self.checkpoints.iter().map(|signed| &signed.checkpoint);
        signed.chain(&self.unsigned)
    }
}

/// Why a journal is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Tampered {
    /// Its entries do not hold together or are not those a checkpoint tells of.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A checkpoint was misread or forged.
    #[error(
        "the checkpoint of entry {sequence} does not have the signature of key {key}: it was misread, or is forged"
    )]
    Signature {
        /// Number of the entry.
        sequence: u64,
        /// Who should have signed.
        key: SignerId,
    },
    /// Somebody signed a checkpoint of whom nothing is known.
    #[error(
        "the checkpoint of entry {sequence} is signed by key {key}, which is neither given nor endorsed by one that is"
    )]
    Signer {
        /// Number of the entry.
        sequence: u64,
        /// Who signed.
        key: SignerId,
    },
    /// A key that somebody has of the journal is not in it.
    #[error(
        "the journal does not know key {key}: it was cut off or written anew, or the key is of another one"
    )]
    Stranger {
        /// Which.
        key: SignerId,
    },
}

/// A key the journal tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AuditedKey {
    /// Which.
    pub key: SignerId,
    /// Number of the entry that tells of it.
    pub entry: u64,
    /// Whether it was given, or endorsed by one that was.
    pub trusted: bool,
}

/// A journal that is what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// How many entries it has.
    pub entries: u64,
    /// The last one; none: it is empty.
    pub last: Option<Checkpoint>,
    /// The keys it tells of.
    pub keys: Vec<AuditedKey>,
    /// How many checkpoints it tells of itself.
    pub recorded_checkpoints: u64,
    /// The last entry that a checkpoint from elsewhere proves, with all before it.
    pub proved_up_to: Option<u64>,
    /// Whether keys were given: else it has only its own word for them.
    pub keys_given: bool,
}

/// Checks entries one after the other. Memory grows with the number of keys and of checkpoints
/// from elsewhere only.
#[derive(Debug)]
pub struct Auditor {
    verifier: Verifier,
    evidence: Evidence,
    trusted: BTreeSet<SignerId>,
    known: BTreeMap<SignerId, PublicKey>,
    keys: Vec<AuditedKey>,
    recorded: u64,
}

impl Auditor {
    /// For a journal of which this is known.
    ///
    /// # Errors
    /// [`Tampered::Signature`] for a checkpoint that a given key did not sign.
    pub fn new(evidence: Evidence) -> Result<Self, Tampered> {
        let points: Vec<_> = evidence.points().cloned().collect();
        let known: BTreeMap<_, _> = evidence.keys.iter().map(|key| (key.id(), *key)).collect();
        let auditor = Self {
            verifier: Verifier::new(&points),
            trusted: known.keys().copied().collect(),
            known,
            keys: Vec::new(),
            recorded: 0,
            evidence,
        };
        auditor.no_signature_is_wrong()?;
        Ok(auditor)
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&mut self, body: &str, hash: &str) -> Result<(), Tampered> {
        let before = self.verifier.last().cloned();
        if let Err(broken) = self.verifier.check(body, hash) {
            // A line that was misread is no proof against the journal.
            self.no_signature_is_wrong()?;
            return Err(broken.into());
        }
        // Most entries need not be read once more; the words may stand in a text, too.
        if body.contains("\"journal_key_made\"") || body.contains("\"checkpoint_signed\"") {
            let sequence = before.as_ref().map_or(1, |last| last.sequence + 1);
            let broken = |why| Broken { sequence, why };
            let told = entry::parse_signing(body).map_err(|()| broken(BrokenWhy::Form))?;
            if let Some(event) = told {
                self.check_signing(sequence, before.as_ref(), event)
                    .map_err(broken)?;
            }
        }
        Ok(())
    }

    fn check_signing(
        &mut self,
        sequence: u64,
        before: Option<&Checkpoint>,
        event: Event,
    ) -> Result<(), BrokenWhy> {
        match event {
            Event::JournalKeyMade {
                signing_key,
                public_key,
                replaces,
                endorsement,
                ..
            } => {
                if public_key.id() != signing_key {
                    return Err(BrokenWhy::Key);
                }
                let mut trusted =
                    self.evidence.keys.is_empty() || self.trusted.contains(&signing_key);
                if let Some(signature) = endorsement {
                    let old = replaces.and_then(|old| self.known.get(&old).map(|key| (old, key)));
                    let (old, key) = old.ok_or(BrokenWhy::Key)?;
                    if !key.endorsed(&public_key, &signature) {
                        return Err(BrokenWhy::Key);
                    }
                    trusted |= self.trusted.contains(&old);
                }
                self.known.insert(signing_key, public_key);
                if trusted {
                    self.trusted.insert(signing_key);
                }
                self.keys.push(AuditedKey {
                    key: signing_key,
                    entry: sequence,
                    trusted,
                });
            }
            Event::CheckpointSigned {
                number,
                hash,
                signing_key,
                signature,
            } => {
                let checkpoint = Checkpoint {
                    sequence: number,
                    hash,
                };
                if before != Some(&checkpoint) {
                    return Err(BrokenWhy::Elsewhere);
                }
                let key = self.known.get(&signing_key);
                if !key.is_some_and(|key| key.signed(&checkpoint, &signature)) {
                    return Err(BrokenWhy::Signature { key: signing_key });
                }
                self.recorded += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// No checkpoint from elsewhere fails under a key that is known so far.
    fn no_signature_is_wrong(&self) -> Result<(), Tampered> {
        for signed in &self.evidence.checkpoints {
            let key = self.known.get(&signed.key);
            if key.is_some_and(|key| !key.signed(&signed.checkpoint, &signed.signature)) {
                return Err(Tampered::Signature {
                    sequence: signed.checkpoint.sequence,
                    key: signed.key,
                });
            }
        }
        Ok(())
    }

    /// Ends it: what is known from elsewhere must all have come.
    ///
    /// # Errors
    /// What is missing.
    pub fn finish(self) -> Result<Audited, Tampered> {
        self.no_signature_is_wrong()?;
        let last = self.verifier.last().map_or(0, |last| last.sequence);
        let named: BTreeSet<_> = self.keys.iter().map(|key| key.key).collect();
        let proved_up_to = self.evidence.points().map(|point| point.sequence).max();
        let Verified { last: end } = self.verifier.finish()?;
        if let Some(expected) = self.evidence.entries.filter(|expected| *expected > last) {
            return Err(Tampered::Broken(Broken {
                sequence: last + 1,
                why: BrokenWhy::Count { last, expected },
            }));
        }
        let mut given = self.evidence.keys.iter().map(PublicKey::id);
        if let Some(key) = given.find(|key| !named.contains(key)) {
            return Err(Tampered::Stranger { key });
        }
        let mut points = self.evidence.checkpoints.iter();
        if let Some(signed) = points.find(|signed| !self.trusted.contains(&signed.key)) {
            return Err(Tampered::Signer {
                sequence: signed.checkpoint.sequence,
                key: signed.key,
            });
        }
        Ok(Audited {
            entries: last,
            last: end,
            keys: self.keys,
            recorded_checkpoints: self.recorded,
            proved_up_to,
            keys_given: !self.evidence.keys.is_empty(),
        })
    }
}
