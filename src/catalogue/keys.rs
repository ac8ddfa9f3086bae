//! Keys that sets are encrypted to. Private halves are never in the catalogue.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, ConstraintKind, Noun};
use super::sql::{Moment, RawPath, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{KeyId, SetId};

text_enum! {
    /// What a key is for.
    pub enum KeyRole {
        /// Restoring on this host.
        Site = "site",
        /// The sealed envelope.
        Escrow = "escrow",
        /// Somebody else's.
        Other = "other",
    }
}

text_enum! {
    /// The word an identity's place is stored under.
    pub(super) enum IdentityWord {
        /// Not on this host.
        None = "none",
        /// Asked for.
        Prompt = "prompt",
        /// A file.
        File = "file",
        /// A service credential.
        Credential = "credential",
    }
}

/// Where the private half of a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum IdentityPlace {
    /// Not on this host.
    None,
    /// A person is asked for it.
    Prompt,
    /// In a file.
    File {
        /// Which.
        path: PathBuf,
    },
    /// Handed to the service by its manager.
    Credential {
        /// Name of the credential.
        name: PathBuf,
    },
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Unique.
    pub name: String,
    /// Public half in its text form (`age1...`), unique.
    pub recipient: String,
    /// What it is for.
    pub role: KeyRole,
    /// Where the private half is.
    pub identity: IdentityPlace,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when nothing new is encrypted to it.
    pub retired_at: Option<DateTime<Utc>>,
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let name = |row: &Row<'_>| Ok::<_, rusqlite::Error>(row.get::<_, RawPath>("identity_name")?.0);
    Ok(Key {
        id: row.get("id")?,
        name: row.get("name")?,
        recipient: row.get("recipient")?,
        role: row.get("role")?,
        identity: match row.get("identity_kind")? {
            IdentityWord::None => IdentityPlace::None,
            IdentityWord::Prompt => IdentityPlace::Prompt,
            IdentityWord::File => IdentityPlace::File { path: name(row)? },
            IdentityWord::Credential => IdentityPlace::Credential { name: name(row)? },
        },
        created_at: moment(row, "created_at")?,
        retired_at: moment_option(row, "retired_at")?,
    })
}

impl View<'_> {
    /// A key by id.
    pub fn key(&self, id: KeyId) -> Result<Key, CatalogueError> {
        self.get(Noun::Key, &id, "SELECT * FROM key WHERE id = ?1", [id], key)
    }

    /// A key by name.
    pub fn key_by_name(&self, name: &str) -> Result<Option<Key>, CatalogueError> {
        self.find("SELECT * FROM key WHERE name = ?1", [name], key)
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> Result<Vec<Key>, CatalogueError> {
        self.all("SELECT * FROM key ORDER BY created_at, name", [], key)
    }

    /// Keys that new sets are encrypted to, oldest first.
    pub fn keys_in_use(&self) -> Result<Vec<Key>, CatalogueError> {
        self.all(
            "SELECT * FROM key WHERE retired_at IS NULL ORDER BY created_at, name",
            [],
            key,
        )
    }

    /// The sets encrypted to a key of which a copy can still be read.
    pub fn sets_needing(&self, id: KeyId) -> Result<Vec<SetId>, CatalogueError> {
        self.all(
            "SELECT backup_set FROM set_key WHERE key = ?1 AND EXISTS (
                SELECT 1 FROM segment_copy WHERE segment_copy.backup_set = set_key.backup_set
                    AND segment_copy.state IN ('committed', 'verified'))
             ORDER BY backup_set",
            [id],
            |row| row.get(0),
        )
    }
}

impl Tx<'_> {
    /// Records a key.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when name or recipient is taken.
    pub fn add_key(&self, new: &Key) -> Result<(), CatalogueError> {
        let (word, name) = match &new.identity {
            IdentityPlace::None => (IdentityWord::None, None),
            IdentityPlace::Prompt => (IdentityWord::Prompt, None),
            IdentityPlace::File { path } => (IdentityWord::File, Some(path)),
            IdentityPlace::Credential { name } => (IdentityWord::Credential, Some(name)),
        };
        self.execute(
            "INSERT INTO key (id, name, recipient, role, identity_kind, identity_name, created_at,
                retired_at)
             VALUES (:id, :name, :recipient, :role, :kind, :identity, :created, :retired)",
            named_params! {
                ":id": new.id,
                ":name": new.name,
                ":recipient": new.recipient,
                ":role": new.role,
                ":kind": word,
                ":identity": name.map(|name| RawPath(name.clone())),
                ":created": Moment(new.created_at),
                ":retired": new.retired_at.map(Moment),
            },
        )
        .map(|_| ())
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Key,
                    which: new.name.clone(),
                }
            } else {
                error
            }
        })
    }

    /// A key that was known by its id only gets what else is known of it.
    pub fn name_key(
        &self,
        id: KeyId,
        name: &str,
        recipient: &str,
        role: KeyRole,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Key,
            &id,
            "UPDATE key SET name = ?2, recipient = ?3, role = ?4 WHERE id = ?1",
            (id, name, recipient, role),
        )
    }

    /// Nothing new is encrypted to it from now on.
    pub fn retire_key(&self, id: KeyId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::Key,
            &id,
            "UPDATE key SET retired_at = ?2 WHERE id = ?1 AND retired_at IS NULL",
            (id, Moment(at)),
        )
    }
}
