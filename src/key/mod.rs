//! Recipients that sets are encrypted to, and the identities that open them again.
//!
//! Writing needs recipients only. An identity is a file of its own, readable by its owner; the
//! escrow identity is written where the caller says and never kept by the host.

mod create;

use std::io::BufReader;
use std::path::PathBuf;
use std::str::FromStr;

use age::x25519;

use crate::catalogue::{IdentityPlace, Key};
use crate::error::{Context, Error, Result};

pub use create::{create, create_identity_file};

/// A public key of the age format (`age1...`).
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    /// For encrypting.
    #[must_use]
    pub fn as_age(&self) -> &x25519::Recipient {
        &self.0
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

impl FromStr for Recipient {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        x25519::Recipient::from_str(text.trim())
            .map(Self)
            .map_err(|why| {
                Error::usage(format!(
                    "\"{}\" is not an age recipient: {why}",
                    text.trim()
                ))
                .hint("a recipient starts with age1")
            })
    }
}

/// Identities that are tried in turn.
#[derive(Clone, Default)]
pub struct Identities(Vec<x25519::Identity>);

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identities({} not shown)", self.0.len())
    }
}

impl Identities {
    /// Reads identity files in the format of `age-keygen`.
    ///
    /// # Errors
    /// A file that cannot be read or holds no identity.
    pub fn load(paths: &[PathBuf]) -> Result<Self> {
        let mut all = Vec::new();
        for path in paths {
            let before = all.len();
            let file = std::fs::File::open(path).map_err(|source| {
                Error::usage(format!("cannot read the identity file {}", path.display()))
                    .because(source)
            })?;
            for line in std::io::BufRead::lines(BufReader::new(file)) {
                let line =
                    line.context(format!("cannot read the identity file {}", path.display()))?;
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                // The text itself is a secret: never repeat it in a message.
                let identity = x25519::Identity::from_str(line).map_err(|_| {
                    Error::usage(format!(
                        "{} holds a line that is not an age identity",
                        path.display()
                    ))
                })?;
                all.push(identity);
            }
            if all.len() == before {
                return Err(Error::usage(format!(
                    "{} holds no age identity",
                    path.display()
                )));
            }
        }
        Ok(Self(all))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them opens what was encrypted to these keys.
    ///
    /// # Errors
    /// A usage error naming the keys when none does.
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
        Err(Error::usage(format!(
            "{what} is encrypted to {}, {found}",
            named.join(" and ")
        ))
        .hint("name a file that holds one with --identity"))
    }

    /// For decrypting.
    pub fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| identity as &dyn age::Identity)
    }

    /// The public halves.
    #[must_use]
    pub fn recipients(&self) -> Vec<Recipient> {
        self.0
            .iter()
            .map(|identity| Recipient(identity.to_public()))
            .collect()
    }
}

/// A key and where its identity should be.
fn describe(key: &Key) -> String {
    match &key.identity {
        IdentityPlace::File { path } => {
            format!("key \"{}\" (identity in {})", key.name, path.display())
        }
        _ => format!("key \"{}\" (identity not kept here)", key.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_identity_file_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.identity");
        let recipient = create_identity_file(&path, DateTime::UNIX_EPOCH).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let identities = Identities::load(std::slice::from_ref(&path)).unwrap();
        assert_eq!(
            identities.recipients()[0].to_string(),
            recipient.to_string()
        );
        assert!(create_identity_file(&path, DateTime::UNIX_EPOCH).is_err());
    }

    #[test]
    fn a_broken_identity_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad");
        std::fs::write(&path, "AGE-SECRET-KEY-1NOTREALLY\n").unwrap();
        let message = Identities::load(&[path]).unwrap_err().to_string();
        assert!(!message.contains("NOTREALLY"), "{message}");
    }
}
