//! Private halves at hand, and what they were seen to open.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use age::x25519;
use age_core::format::{FileKey, Stanza};
use chrono::{DateTime, Utc};

use super::passphrase::Secrets;
use super::{Recipient, file, protected_path};
use crate::app::App;
use crate::catalogue::{IdentityPlace, Key, KeyProof, ProofKind, Tx};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{KeyId, RunId, VolumeId};
use crate::journal::Event;

/// Identities that are tried in turn.
#[derive(Default)]
pub struct Identities {
    held: Vec<Watched>,
    /// A person named the files they are from.
    named: bool,
    proofs: Mutex<BTreeSet<(String, VolumeId)>>,
}

/// An identity that knows whether it has opened something.
struct Watched {
    identity: x25519::Identity,
    opened: AtomicBool,
}

impl age::Identity for Watched {
    fn unwrap_stanza(
        &self,
        stanza: &Stanza,
    ) -> Option<std::result::Result<FileKey, age::DecryptError>> {
        let unwrapped = self.identity.unwrap_stanza(stanza);
        if matches!(unwrapped, Some(Ok(_))) {
            self.opened.store(true, Ordering::Relaxed);
        }
        unwrapped
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identities({} not shown)", self.held.len())
    }
}

impl Identities {
    /// Reads identity files that need no passphrase.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read, or that holds no identity.
    pub fn load(paths: &[PathBuf]) -> Result<Self> {
        Self::from_files(paths, &Secrets::default())
    }

    fn from_files(paths: &[PathBuf], secrets: &Secrets) -> Result<Self> {
        let mut identities = Self {
            named: true,
            ..Self::default()
        };
        for path in paths {
            let what = path.display().to_string();
            identities.add(file::load(path, &what, secrets)?);
        }
        Ok(identities)
    }

    /// Those in the files given; else those this host keeps of the keys wanted. A person is asked
    /// for a passphrase only if no other identity is at hand.
    ///
    /// # Errors
    /// As [`Identities::load`]; a passphrase that nobody can be asked for or that is wrong.
    pub fn at_hand(app: &App, files: &[PathBuf], wanted: &[KeyId]) -> Result<Self> {
        if !files.is_empty() {
            return Self::from_files(files, &app.secrets);
        }
        let mut keys = app.catalogue.read(|view| view.keys())?;
        keys.retain(|key| wanted.contains(&key.id) && key.is_live());
        let mut identities = Self::default();
        for key in &keys {
            identities.add(without_asking(app, key)?);
        }
        if !identities.is_empty() {
            return Ok(identities);
        }
        for key in keys {
            let path = protected_path(app, &key.name);
            if key.identity == IdentityPlace::Prompt && path.exists() {
                let what = format!("key \"{}\"", key.name);
                identities.add(file::load(&path, &what, &app.secrets)?);
                break;
            }
        }
        Ok(identities)
    }

    fn add(&mut self, identities: Vec<x25519::Identity>) {
        self.held
            .extend(identities.into_iter().map(|identity| Watched {
                identity,
                opened: AtomicBool::new(false),
            }));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether one of them opens what was encrypted to these keys.
    ///
    /// # Errors
    /// One that names the keys when none does: a usage error if a person named the files,
    /// [`ErrorKind::OperatorNeeded`] if this host keeps none.
    pub fn must_open(&self, what: &str, keys: &[Key]) -> Result<()> {
        let ours: Vec<String> = self.recipients().iter().map(ToString::to_string).collect();
        if keys.iter().any(|key| ours.contains(&key.recipient)) {
            return Ok(());
        }
        let named: Vec<String> = keys.iter().map(describe).collect();
        let found = if self.is_empty() {
            "and no identity is at hand"
        } else {
            "and no identity at hand opens it"
        };
        let kind = if self.named {
            ErrorKind::Usage
        } else {
            ErrorKind::OperatorNeeded
        };
        Err(Error::new(
            kind,
            format!("{what} is encrypted to {}, {found}", named.join(" and ")),
        )
        .hint("name a file that holds one with --identity"))
    }

    /// For decrypting.
    pub fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.held
            .iter()
            .map(|identity| identity as &dyn age::Identity)
    }

    /// The public halves.
    #[must_use]
    pub fn recipients(&self) -> Vec<Recipient> {
        self.held
            .iter()
            .map(|held| Recipient(held.identity.to_public()))
            .collect()
    }

    /// The private halves as text, with their public halves.
    pub(super) fn texts(&self) -> Vec<(Recipient, age::secrecy::SecretString)> {
        self.held
            .iter()
            .map(|held| {
                (
                    Recipient(held.identity.to_public()),
                    held.identity.to_string(),
                )
            })
            .collect()
    }

    /// Notes that what was decrypted since the last time was on this volume, and authentic.
    pub fn proved_on(&self, volume: VolumeId) {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        for held in &self.held {
            if held.opened.swap(false, Ordering::Relaxed) {
                proofs.insert((held.identity.to_public().to_string(), volume));
            }
        }
    }

    /// What was opened and turned out not to be authentic proves nothing.
    pub fn disproved(&self) {
        for held in &self.held {
            held.opened.store(false, Ordering::Relaxed);
        }
    }
}

/// What a key's private half gives without asking anybody; nothing where it is not here.
fn without_asking(app: &App, key: &Key) -> Result<Vec<x25519::Identity>> {
    let what = format!("key \"{}\"", key.name);
    match &key.identity {
        IdentityPlace::File { path } => {
            let path = app.state.join(path);
            // Another one may do; who needs it finds out with Identities::must_open.
            if path.exists() {
                return file::load(&path, &what, &app.secrets);
            }
        }
        IdentityPlace::Credential { name } => {
            // systemd.exec(5), CREDENTIALS: the folder is the service's own.
            if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
                let path = PathBuf::from(folder).join(name);
                if path.exists() {
                    return file::load_credential(&path, &what, &app.secrets);
                }
            }
        }
        IdentityPlace::Prompt | IdentityPlace::None => {}
    }
    Ok(Vec::new())
}

/// Records what was opened since the last time, once for each key and volume.
pub fn record_proofs(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    run: RunId,
    how: ProofKind,
    identities: &Identities,
) -> Result<()> {
    let proofs = std::mem::take(
        &mut *identities
            .proofs
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    );
    if proofs.is_empty() {
        return Ok(());
    }
    let keys = tx.keys()?;
    for (recipient, volume) in proofs {
        // An identity that a person brought may be of a key that the record does not know.
        let Some(key) = keys.iter().find(|key| key.recipient == recipient) else {
            continue;
        };
        tx.add_key_proof(&KeyProof {
            key: key.id,
            volume,
            run,
            how,
            at: now,
        })?;
        app.note(
            tx,
            now,
            &Event::KeyProved {
                key: key.id,
                volume,
                run,
                how,
            },
        )?;
    }
    Ok(())
}

/// A key and where its identity should be.
fn describe(key: &Key) -> String {
    let name = &key.name;
    match &key.identity {
        _ if !key.is_live() => format!("key \"{name}\" (identity deleted)"),
        IdentityPlace::File { path } => {
            format!("key \"{name}\" (identity in {})", path.display())
        }
        IdentityPlace::Prompt => format!("key \"{name}\" (identity under a passphrase)"),
        IdentityPlace::Credential { name: credential } => format!(
            "key \"{name}\" (identity in the credential {})",
            credential.display()
        ),
        IdentityPlace::None => format!("key \"{name}\" (identity not kept here)"),
    }
}
