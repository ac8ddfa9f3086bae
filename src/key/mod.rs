//! Recipients that sets are encrypted to, and the identities that open them again.
//!
//! Writing needs recipients only. An identity is a file of its own, readable by its owner, or
//! protected by a passphrase, or handed over by the service manager; the escrow identity is
//! written where the caller says and never kept by the host.

mod audit;
mod create;
mod escrow;
mod file;
mod identities;
mod manage;
mod passphrase;
mod recipients;
mod terminal;

use std::path::PathBuf;
use std::str::FromStr;

use age::x25519;

use crate::app::App;
use crate::error::{Error, Result};

pub use audit::{Audit, AuditedVolume, Facts, Finding, Opens, audit, outcome as audit_outcome};
pub use create::{Keeping, Made, NewKey, create, create_identity_file};
pub use escrow::escrow_page;
pub(crate) use file::read_private;
pub use identities::{Identities, record_proofs};
pub use manage::{Source, delete, find, import, retire, rotate};
pub use passphrase::{PassphraseSource, Secrets};
pub use recipients::recipients_for;

/// The file of a key's identity that is protected by a passphrase.
fn protected_path(app: &App, name: &str) -> PathBuf {
    app.keys().join(format!("{name}.identity.age"))
}

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
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        let message = Identities::load(&[path]).unwrap_err().to_string();
        assert!(!message.contains("NOTREALLY"), "{message}");
    }
}
