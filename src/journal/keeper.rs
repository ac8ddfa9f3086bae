//! The key that signs checkpoints: a file of the state folder that its owner only can read. The
//! catalogue and its snapshots have the public half.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Checkpoint, Entry, Event, PublicKey, Signature, SignedCheckpoint, SignerId, SigningKey,
};
use crate::app::App;
use crate::catalogue::{JournalFilter, Tx, View};
use crate::error::{Context, Error, Result};
use crate::files::{create_private_folder, synchronise_folder, write_private};
use crate::key::read_private;

/// Name of the folder of keys in the state folder.
const FOLDER: &str = "journal-keys";
/// What the name of a key's file ends in.
const EXTENSION: &str = "pem";

/// A key for checkpoints, as the journal tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalKey {
    /// Which.
    pub id: SignerId,
    /// Its public half.
    pub public: PublicKey,
    /// Since when.
    pub made_at: DateTime<Utc>,
    /// Who had it made.
    pub made_by: String,
    /// Why.
    pub reason: String,
    /// The key before it.
    pub replaces: Option<SignerId>,
    /// What that one signed of it; none: it was not at hand.
    pub endorsement: Option<Signature>,
    /// The entry that tells of it.
    pub entry: u64,
}

/// All keys for checkpoints, the one in use last.
pub fn journal_keys(view: &View<'_>) -> Result<Vec<JournalKey>> {
    let filter = JournalFilter {
        kinds: vec!["journal_key_made".to_owned()],
        ..JournalFilter::default()
    };
    let mut keys = Vec::new();
    for row in view.journal_newest(&filter, u32::MAX.into())? {
        let entry = Entry::parse(&row.body).context("cannot read the journal")?;
        let told = super::entry::parse_signing(&row.body);
        let Ok(Some(Event::JournalKeyMade {
            signing_key,
            public_key,
            replaces,
            endorsement,
            reason,
        })) = told
        else {
            return Err(Error::failed(format!(
                "entry {} of the journal does not tell of a key as it should",
                row.sequence
            ))
            .hint("\"tapeward journal verify\" says whether it was changed"));
        };
        keys.push(JournalKey {
            id: signing_key,
            public: public_key,
            made_at: entry.at,
            made_by: entry.actor.person,
            reason,
            replaces,
            endorsement,
            entry: row.sequence,
        });
    }
    keys.reverse();
    Ok(keys)
}

/// Signs the last entry and records that; a key is made where there is none. Call it within the
/// transaction that makes the document the line goes on.
///
/// # Errors
/// The key cannot be read or written; an error of the record.
pub fn sign_head(app: &App, tx: &Tx<'_>, now: DateTime<Utc>) -> Result<SignedCheckpoint> {
    let key = current_key(app, tx, now)?;
    let head = tx
        .journal_head()?
        .ok_or_else(|| Error::failed("there is nothing in the journal to sign"))?;
    let signed = key.sign(Checkpoint {
        sequence: head.sequence,
        hash: head.hash,
    });
    app.note(
        tx,
        now,
        &Event::CheckpointSigned {
            number: signed.checkpoint.sequence,
            hash: signed.checkpoint.hash.clone(),
            signing_key: signed.key,
            signature: signed.signature,
        },
    )?;
    Ok(signed)
}

/// The key in use. It is made where there is none, and where its file is not in this state folder:
/// then nobody endorses the new one. The transaction keeps others from making one meanwhile.
pub fn current_key(app: &App, tx: &Tx<'_>, now: DateTime<Utc>) -> Result<SigningKey> {
    let known = journal_keys(tx)?;
    let Some(last) = known.last() else {
        let new = make(app, &known)?;
        record(app, tx, now, &new, None, "the first key")?;
        return Ok(new);
    };
    if let Some(key) = load(&file_of(app, last.id))? {
        return Ok(key);
    }
    let new = make(app, &known)?;
    let why = format!("key {} is not in this state folder", last.id);
    record(app, tx, now, &new, Some((last.id, None)), &why)?;
    app.say(format!(
        "{why}: checkpoints are signed by a new one; give its public half (\"tapeward journal key\") \
         to whoever keeps the old one"
    ));
    Ok(new)
}

/// Replaces the key in use; the old one endorses the new one, and its private half is deleted.
///
/// # Errors
/// There is none yet, or its file is not here.
pub fn rotate_key(app: &App, reason: &str) -> Result<JournalKey> {
    let old = app.write(|tx, now| {
        let known = journal_keys(tx)?;
        let Some(last) = known.last() else {
            return Err(Error::usage("there is no key for checkpoints to replace")
                .hint("\"tapeward journal key\" makes the first one"));
        };
        let Some(old) = load(&file_of(app, last.id))? else {
            return Err(Error::failed(format!(
                "key {} cannot endorse another one: it is not in {}",
                last.id,
                app.state.join(FOLDER).display()
            ))
            .hint("put its file back, or let \"tapeward journal checkpoint\" make a key that nobody endorses"));
        };
        let new = make(app, &known)?;
        let endorsement = old.endorse(&new.public());
        record(app, tx, now, &new, Some((last.id, Some(endorsement))), reason)?;
        Ok(last.id)
    })?;
    let path = file_of(app, old);
    std::fs::remove_file(&path).context(format!("cannot delete {}", path.display()))?;
    synchronise_folder(&path)?;
    let keys = app.catalogue.read(journal_keys)?;
    keys.into_iter()
        .next_back()
        .ok_or_else(|| Error::failed("the journal does not tell of the key that was just made"))
}

fn record(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    new: &SigningKey,
    replaced: Option<(SignerId, Option<Signature>)>,
    reason: &str,
) -> Result<()> {
    let public_key = new.public();
    app.note(
        tx,
        now,
        &Event::JournalKeyMade {
            signing_key: public_key.id(),
            public_key,
            replaces: replaced.map(|(old, _)| old),
            endorsement: replaced.and_then(|(_, endorsement)| endorsement),
            reason: reason.to_owned(),
        },
    )
}

/// A key whose file is whole and synchronised. One that the record does not know is taken over: it
/// was made when a process died before it could say so, or after the snapshot that is the record
/// now.
fn make(app: &App, known: &[JournalKey]) -> Result<SigningKey> {
    let folder = app.state.join(FOLDER);
    create_private_folder(&folder)?;
    let what = || format!("cannot look into {}", folder.display());
    for file in std::fs::read_dir(&folder).context(what())? {
        let path = file.context(what())?.path();
        if path.extension().is_some_and(|ending| ending == EXTENSION)
            && let Some(key) = load(&path)?
            && known.iter().all(|one| one.id != key.public().id())
        {
            return Ok(key);
        }
    }
    let key = SigningKey::generate().context("cannot make a key for checkpoints")?;
    let text = key.to_pem().context("cannot make a key for checkpoints")?;
    write_private(&file_of(app, key.public().id()), text.as_bytes())?;
    Ok(key)
}

fn file_of(app: &App, id: SignerId) -> PathBuf {
    app.state.join(FOLDER).join(format!("{id}.{EXTENSION}"))
}

/// The key in a file that its owner only can read; none: there is no file.
fn load(path: &Path) -> Result<Option<SigningKey>> {
    match path.try_exists() {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(source) => {
            return Err(Error::failed(format!("cannot look at {}", path.display())).because(source));
        }
    }
    let bytes = read_private(path)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    SigningKey::from_pem(text)
        .context(format!("cannot use {}", path.display()))
        .map(Some)
}
