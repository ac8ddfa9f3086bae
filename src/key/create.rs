//! Making a key: its identity is whole in its file before anything says that there is a key.
//!
//! What a killed process leaves: before it makes an identity it notes the recipient in the state
//! folder. A file that holds the identity of that recipient is its own, whole, and was never used
//! unless the record knows it; the next try takes it over. Anybody else's file is left alone.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use age::x25519;
use chrono::{DateTime, SecondsFormat, Utc};

use super::{Recipient, file};
use crate::app::App;
use crate::catalogue::{IdentityPlace, Key, KeyRole, PoolName};
use crate::error::{Context, Error, Result};
use crate::files::{synchronise_folder, write_atomically};
use crate::id::KeyId;
use crate::journal::Event;

/// Where the private half of a new key goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// A file that its owner only can read; in the state folder unless named.
    File(Option<PathBuf>),
    /// The state folder, encrypted with a passphrase.
    Prompt,
    /// A file for `systemd-creds encrypt`; the service manager hands it back under this name.
    Credential {
        /// Name of the credential.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// A file that is taken away; this host never needs it.
    Elsewhere(PathBuf),
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Unique.
    pub name: String,
    /// What it is for.
    pub role: KeyRole,
    /// Where its private half goes.
    pub keeping: Keeping,
    /// The pools it is for; empty: all.
    pub pools: Vec<PoolName>,
}

impl NewKey {
    /// A site key whose identity stays in the state folder.
    #[must_use]
    pub fn site(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: KeyRole::Site,
            keeping: Keeping::File(None),
            pools: Vec::new(),
        }
    }
}

/// A key that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its public half.
    pub recipient: Recipient,
    /// The file with its private half.
    pub file: PathBuf,
}

/// Makes a new identity, writes it to a file that must not exist yet (mode 0600, synchronised)
/// and returns its public half.
pub fn create_identity_file(path: &Path, now: DateTime<Utc>) -> Result<Recipient> {
    let identity = x25519::Identity::generate();
    let recipient = Recipient(identity.to_public());
    write_identity(path, &recipient, plain(&identity, now).as_bytes())?;
    Ok(recipient)
}

fn plain(identity: &x25519::Identity, now: DateTime<Utc>) -> zeroize::Zeroizing<String> {
    file::text(identity, &now.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Makes a key and records it. What an interrupted call left in the file is taken over.
///
/// # Errors
/// A usage error for a name that cannot be one or is taken; a file that exists already.
pub fn create(app: &App, new: &NewKey) -> Result<Made> {
    check_name(app, &new.name)?;
    make(app, new, None)
}

/// As [`create`]; the key that is replaced is retired in the same transaction.
pub(super) fn make(app: &App, new: &NewKey, replaced: Option<&Key>) -> Result<Made> {
    let path = match &new.keeping {
        Keeping::File(None) => app.keys().join(format!("{}.identity", new.name)),
        Keeping::Prompt => super::protected_path(app, &new.name),
        Keeping::File(Some(path))
        | Keeping::Credential { file: path, .. }
        | Keeping::Elsewhere(path) => std::path::absolute(path)
            .context(format!("cannot find the folder of {}", path.display()))?,
    };
    let begun = app.keys().join(format!(".{}.begun", new.name));
    let recipient = match taken_over(app, &begun, &path, &new.name)? {
        Some(recipient) => {
            app.say(format!(
                "taking over {}, left by an interrupted \"key create\"",
                path.display()
            ));
            recipient
        }
        None => {
            let identity = x25519::Identity::generate();
            let recipient = Recipient(identity.to_public());
            let text = plain(&identity, app.clock.now());
            let content = match new.keeping {
                Keeping::Prompt => {
                    let passphrase = app
                        .secrets
                        .new_passphrase(&format!("key \"{}\"", new.name))?;
                    file::encrypted(&text, passphrase)?
                }
                _ => text.as_bytes().to_vec(),
            };
            write_atomically(&begun, recipient.to_string().as_bytes())?;
            write_identity(&path, &recipient, &content)?;
            recipient
        }
    };
    let place = match &new.keeping {
        Keeping::File(_) => IdentityPlace::File {
            path: inside(app, &path),
        },
        Keeping::Prompt => IdentityPlace::Prompt,
        Keeping::Credential { name, .. } => IdentityPlace::Credential { name: name.into() },
        Keeping::Elsewhere(_) => IdentityPlace::None,
    };
    record(app, new, &recipient, place, replaced)?;
    // The record knows the key: what is left of the note means nothing any more.
    if let Err(error) = std::fs::remove_file(&begun) {
        tracing::warn!(%error, path = %begun.display(), "cannot remove a note");
    }
    Ok(Made {
        recipient,
        file: path,
    })
}

/// Refuses a name that cannot be one or is taken.
pub(super) fn check_name(app: &App, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(
            Error::usage(format!("{name:?} cannot be the name of a key"))
                .hint("use letters, digits, '-', '_' and '.'"),
        );
    }
    if app.catalogue.read(|view| view.key_by_name(name))?.is_some() {
        return Err(Error::usage(format!(
            "there is a key called \"{name}\" already"
        )));
    }
    Ok(())
}

/// Relative to the state folder where it is inside, so that the folder can be moved.
pub(super) fn inside(app: &App, path: &Path) -> PathBuf {
    path.strip_prefix(&app.state)
        .map_or_else(|_| path.to_owned(), Path::to_owned)
}

/// Records a key, and retires the one it replaces.
pub(super) fn record(
    app: &App,
    new: &NewKey,
    recipient: &Recipient,
    identity: IdentityPlace,
    replaced: Option<&Key>,
) -> Result<()> {
    let id = KeyId::generate(app.clock.now());
    app.write(|tx, now| {
        tx.add_key(&Key {
            id,
            name: new.name.clone(),
            recipient: recipient.to_string(),
            role: new.role,
            identity,
            created_at: now,
            retired_at: None,
            pools: new.pools.clone(),
            replaces: replaced.map(|old| old.id),
            identity_deleted_at: None,
        })?;
        app.note(
            tx,
            now,
            &Event::KeyAdded {
                key: id,
                name: new.name.clone(),
                role: new.role,
                recipient: recipient.to_string(),
            },
        )?;
        let Some(old) = replaced else { return Ok(()) };
        tx.replace_recipient(old.id, id)?;
        super::manage::retire_in(app, tx, now, old)
    })
}

/// The recipient of what an interrupted call left in the file; `None` if there is nothing.
fn taken_over(app: &App, begun: &Path, path: &Path, name: &str) -> Result<Option<Recipient>> {
    let noted = match std::fs::read_to_string(begun) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::failed(format!("cannot read {}", begun.display())).because(error));
        }
    };
    // Not renamed yet, so nobody has used it.
    let partial = partial_name(path, &noted);
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(
                Error::failed(format!("cannot remove {}", partial.display())).because(error),
            );
        }
        _ => {}
    }
    if !path.exists() {
        return Ok(None);
    }
    let what = format!("key \"{name}\"");
    let Ok(identities) = file::load(path, &what, &app.secrets) else {
        return Ok(None);
    };
    let recorded = app
        .catalogue
        .read(|view| view.keys())?
        .iter()
        .any(|key| key.recipient == noted);
    match identities.as_slice() {
        [only] if only.to_public().to_string() == noted && !recorded => {
            Ok(Some(Recipient(only.to_public())))
        }
        _ => Ok(None),
    }
}

fn partial_name(path: &Path, recipient: &str) -> PathBuf {
    path.with_file_name(format!(".{recipient}.partial"))
}

/// Writes an identity under another name, then gives it its own if nothing has that.
pub(super) fn write_identity(path: &Path, recipient: &Recipient, content: &[u8]) -> Result<()> {
    let partial = partial_name(path, &recipient.to_string());
    let cannot = |source: std::io::Error| {
        let exists = source.kind() == ErrorKind::AlreadyExists;
        let error = Error::failed(format!("cannot create {}", path.display())).because(source);
        if exists {
            error.hint("choose another name; an identity is never overwritten")
        } else {
            error
        }
    };
    let (folder, name) = (partial.parent(), partial.file_name());
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o600))
        .prefix(name.unwrap_or_default())
        .rand_bytes(0)
        .tempfile_in(
            folder
                .filter(|it| !it.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        )
        .map_err(cannot)?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .context(format!("cannot write {}", path.display()))?;
    file.persist_noclobber(path)
        .map_err(|failed| cannot(failed.error))?;
    synchronise_folder(path)
}
