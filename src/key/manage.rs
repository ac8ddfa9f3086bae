//! Bringing keys in, replacing them, taking them out of use, deleting private halves.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::create::{self, Made, check_name, record};
use super::{Keeping, NewKey, Recipient, file, protected_path};
use crate::app::App;
use crate::catalogue::{IdentityPlace, Key, Tx, View};
use crate::error::{Error, ErrorKind, Result};
use crate::files::synchronise_folder;
use crate::journal::Event;
use crate::progress::counted;

/// What a key is imported from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Its public half; the private half stays where it is.
    Public(Recipient),
    /// Its public half; the service manager hands the private half over under this name.
    Credential(Recipient, String),
    /// A file with its private half, plain or encrypted with a passphrase; it is copied as it is.
    File(PathBuf),
}

/// The key with this name.
pub fn find(view: &View<'_>, name: &str) -> Result<Key> {
    view.key_by_name(name)?.ok_or_else(|| {
        Error::usage(format!("no key is called \"{name}\""))
            .hint("\"tapeward key list\" shows all of them")
    })
}

/// Records a key that was made elsewhere. `new.keeping` does not count.
///
/// # Errors
/// A name or recipient that is known already; a file that others can read, or that holds another
/// number of identities than one.
pub fn import(app: &App, new: &NewKey, source: &Source) -> Result<Recipient> {
    check_name(app, &new.name)?;
    let (recipient, place, copy) = match source {
        Source::Public(recipient) => (recipient.clone(), IdentityPlace::None, None),
        Source::Credential(recipient, name) => (
            recipient.clone(),
            IdentityPlace::Credential { name: name.into() },
            None,
        ),
        Source::File(path) => from_file(app, &new.name, path)?,
    };
    let text = recipient.to_string();
    let known = app.catalogue.read(|view| view.keys())?;
    if let Some(same) = known.iter().find(|key| key.recipient == text) {
        return Err(Error::usage(format!(
            "{text} is the key \"{}\" already",
            same.name
        )));
    }
    if let Some((path, bytes)) = &copy {
        // A killed import has left the same bytes there.
        let left = path.exists() && file::read_private(path)? == *bytes;
        if !left {
            create::write_identity(path, &recipient, bytes)?;
        }
    }
    record(app, new, &recipient, place, None)?;
    Ok(recipient)
}

type Copy = (PathBuf, zeroize::Zeroizing<Vec<u8>>);

fn from_file(
    app: &App,
    name: &str,
    path: &Path,
) -> Result<(Recipient, IdentityPlace, Option<Copy>)> {
    let bytes = file::read_private(path)?;
    let what = path.display().to_string();
    let identities = file::identities_in(&bytes, path, &what, &app.secrets)?;
    let [identity] = identities.as_slice() else {
        return Err(Error::usage(format!(
            "{} holds {} identities; a key has one",
            path.display(),
            identities.len()
        )));
    };
    let (to, place) = if file::is_encrypted(&bytes) {
        (protected_path(app, name), IdentityPlace::Prompt)
    } else {
        let to = app.keys().join(format!("{name}.identity"));
        let path = create::inside(app, &to);
        (to, IdentityPlace::File { path })
    };
    Ok((Recipient(identity.to_public()), place, Some((to, bytes))))
}

/// Makes a key of the same role in place of another one, which is retired. `new.role` does not
/// count; without pools of its own it is for those of the old one. What was written before stays
/// readable with the old identity.
///
/// # Errors
/// As [`create::create`] and [`retire`].
pub fn rotate(app: &App, old: &str, new: &NewKey) -> Result<Made> {
    check_name(app, &new.name)?;
    let old = app.catalogue.read(|view| {
        let old = find(view, old)?;
        may_retire(view, &old)?;
        Ok::<_, Error>(old)
    })?;
    let mut new = new.clone();
    new.role = old.role;
    if new.pools.is_empty() {
        new.pools.clone_from(&old.pools);
    }
    if old.identity == IdentityPlace::None && !matches!(new.keeping, Keeping::Elsewhere(_)) {
        return Err(Error::usage(format!(
            "the identity of \"{}\" is not kept here, and that of its successor must not be either",
            old.name
        ))
        .hint("name the file for it with --identity none --identity-file FILE"));
    }
    create::make(app, &new, Some(&old))
}

/// Takes a key out of use: nothing new is encrypted to it, what was written stays readable.
///
/// # Errors
/// A key that is retired already; the last one in use; one that a set is encrypted to that is not
/// complete.
pub fn retire(app: &App, name: &str) -> Result<()> {
    app.write(|tx, now| {
        let key = find(tx, name)?;
        let others = tx.keys_in_use()?;
        if others.iter().all(|other| other.id == key.id) {
            return Err(Error::usage(format!(
                "\"{name}\" is the only key in use: nothing could be written without it"
            ))
            .hint(format!(
                "\"tapeward key rotate {name} --to NAME\" makes another one in its place"
            )));
        }
        retire_in(app, tx, now, &key)
    })
}

pub(super) fn retire_in(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, key: &Key) -> Result<()> {
    may_retire(tx, key)?;
    tx.retire_key(key.id, now)?;
    app.note(tx, now, &Event::KeyRetired { key: key.id })
}

fn may_retire(view: &View<'_>, key: &Key) -> Result<()> {
    if let Some(at) = key.retired_at {
        return Err(Error::usage(format!(
            "the key \"{}\" is retired since {}",
            key.name,
            at.format("%Y-%m-%d")
        )));
    }
    let open = view.open_sets_with(key.id)?;
    if let Some(set) = open.first() {
        let set = view.set(*set)?;
        return Err(Error::usage(format!(
            "a set that is not complete is encrypted to \"{}\" ({}, run {})",
            key.name,
            view.definition(set.definition)?.name,
            set.run
        ))
        .hint("\"tapeward job resume\" completes it, \"tapeward job abandon\" gives it up"));
    }
    Ok(())
}

/// Deletes the private half of a retired key: the file kept here, and for the record wherever it
/// is. Returns the file that was removed.
///
/// # Errors
/// A key in use; one that a volume that is not destroyed needs ([`ErrorKind::Failed`], naming the
/// volumes).
pub fn delete(app: &App, name: &str) -> Result<Option<PathBuf>> {
    // The record says so before the file is gone: what it calls deleted is never looked for.
    let key = app.write(|tx, now| {
        let key = find(tx, name)?;
        if key.retired_at.is_none() {
            return Err(Error::usage(format!("the key \"{name}\" is in use"))
                .hint(format!("\"tapeward key retire {name}\" comes first")));
        }
        needed_by_none(tx, &key)?;
        if key.is_live() {
            tx.delete_identity(key.id, now)?;
            app.note(tx, now, &Event::KeyIdentityDeleted { key: key.id })?;
        }
        Ok(key)
    })?;
    let path = match &key.identity {
        IdentityPlace::File { path } => app.state.join(path),
        IdentityPlace::Prompt => protected_path(app, name),
        IdentityPlace::Credential { .. } | IdentityPlace::None => return Ok(None),
    };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::failed(format!("cannot remove {}", path.display()))
            .because(error)
            .hint("remove it by hand: the record says that it is gone")),
        Ok(()) => {
            synchronise_folder(&path)?;
            Ok(Some(path))
        }
    }
}

fn needed_by_none(view: &View<'_>, key: &Key) -> Result<()> {
    let needing = view.volumes_needing(key.id)?;
    if needing.is_empty() {
        return Ok(());
    }
    let mut barcodes = Vec::new();
    for volume in &needing {
        let cartridge = view.volume(*volume)?.cartridge;
        barcodes.push(view.cartridge(cartridge)?.barcode.to_string());
    }
    Err(Error::new(
        ErrorKind::Failed,
        format!(
            "the private half of \"{}\" is needed for {}: {}",
            key.name,
            counted(needing.len() as u64, "volume", "volumes"),
            barcodes.join(", ")
        ),
    )
    .hint("it can be deleted when they are overwritten or destroyed"))
}
