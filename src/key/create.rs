//! Making a key: its identity is whole in its file before anything says that there is a key.
//!
//! What a killed process leaves: before it makes an identity it notes the recipient in the state
//! folder. A file that holds the identity of that recipient is its own, whole, and was never used
//! unless the record knows it; the next try takes it over. Anybody else's file is left alone.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519;
use chrono::{DateTime, SecondsFormat, Utc};

use super::{Identities, Recipient};
use crate::app::App;
use crate::catalogue::{IdentityPlace, Key, KeyRole};
use crate::error::{Context, Error, Result};
use crate::files::{synchronise_folder, write_atomically};
use crate::id::KeyId;
use crate::journal::Event;

/// Makes a new identity, writes it to a file that must not exist yet (mode 0600, synchronised)
/// and returns its public half.
pub fn create_identity_file(path: &Path, now: DateTime<Utc>) -> Result<Recipient> {
    let identity = x25519::Identity::generate();
    write_identity(path, &identity, now)
}

/// Makes a key and records it. The identity of a site key is kept in the state folder unless a
/// file is named; that of an escrow key goes to the named file only. What an interrupted call left
/// in that file is taken over.
///
/// # Errors
/// A usage error for a name that cannot be one or is taken; a file that exists already.
pub fn create(
    app: &App,
    name: &str,
    role: KeyRole,
    identity_file: Option<&Path>,
) -> Result<(Recipient, PathBuf)> {
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
    let path = match identity_file {
        Some(path) => std::path::absolute(path)
            .context(format!("cannot find the folder of {}", path.display()))?,
        None => app.keys().join(format!("{name}.identity")),
    };
    let begun = app.keys().join(format!(".{name}.begun"));
    let recipient = match taken_over(app, &begun, &path)? {
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
            write_atomically(&begun, recipient.to_string().as_bytes())?;
            write_identity(&path, &identity, app.clock.now())?
        }
    };
    record(app, name, role, &recipient, &path)?;
    // The record knows the key: what is left of the note means nothing any more.
    if let Err(error) = std::fs::remove_file(&begun) {
        tracing::warn!(%error, path = %begun.display(), "cannot remove a note");
    }
    Ok((recipient, path))
}

fn record(app: &App, name: &str, role: KeyRole, recipient: &Recipient, path: &Path) -> Result<()> {
    let identity = match role {
        KeyRole::Escrow => IdentityPlace::None,
        KeyRole::Site | KeyRole::Other => IdentityPlace::File {
            // Relative to the state folder where it is inside, so that the folder can be moved.
            path: path
                .strip_prefix(&app.state)
                .map_or_else(|_| path.to_owned(), Path::to_owned),
        },
    };
    let id = KeyId::generate(app.clock.now());
    app.write(|tx, now| {
        tx.add_key(&Key {
            id,
            name: name.to_owned(),
            recipient: recipient.to_string(),
            role,
            identity,
            created_at: now,
            retired_at: None,
        })?;
        app.note(
            tx,
            now,
            &Event::KeyAdded {
                key: id,
                name: name.to_owned(),
                role,
                recipient: recipient.to_string(),
            },
        )
    })
}

/// The recipient of what an interrupted call left in the file; `None` if there is nothing.
fn taken_over(app: &App, begun: &Path, path: &Path) -> Result<Option<Recipient>> {
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
    let Ok(identities) = Identities::load(&[path.to_owned()]) else {
        return Ok(None);
    };
    let recorded = app
        .catalogue
        .read(|view| view.keys())?
        .iter()
        .any(|key| key.recipient == noted);
    let mut recipients = identities.recipients();
    match recipients.pop() {
        Some(only) if recipients.is_empty() && only.to_string() == noted && !recorded => {
            Ok(Some(only))
        }
        _ => Ok(None),
    }
}

fn partial_name(path: &Path, recipient: &str) -> PathBuf {
    path.with_file_name(format!(".{recipient}.partial"))
}

/// Writes an identity under another name, then gives it its own if nothing has that.
fn write_identity(
    path: &Path,
    identity: &x25519::Identity,
    now: DateTime<Utc>,
) -> Result<Recipient> {
    let recipient = Recipient(identity.to_public());
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
    let secret = identity.to_string();
    writeln!(
        file,
        "# created: {}\n# public key: {recipient}\n{}",
        now.to_rfc3339_opts(SecondsFormat::Secs, true),
        secret.expose_secret()
    )
    .and_then(|()| file.as_file().sync_all())
    .context(format!("cannot write {}", path.display()))?;
    file.persist_noclobber(path)
        .map_err(|failed| cannot(failed.error))?;
    synchronise_folder(path)?;
    Ok(recipient)
}
