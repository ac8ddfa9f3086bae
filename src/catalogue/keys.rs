//! Keys that sets are encrypted to. Private halves are never in the catalogue.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::definitions::PoolName;
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
    /// In the state folder, encrypted with a passphrase that a person is asked for.
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
    /// The pools it is for; empty: all of them.
    pub pools: Vec<PoolName>,
    /// The key it was made to replace.
    pub replaces: Option<KeyId>,
    /// When its private half was deleted for good.
    pub identity_deleted_at: Option<DateTime<Utc>>,
}

impl Key {
    /// Whether its private half is still somewhere.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.identity_deleted_at.is_none()
    }

    /// Whether it is for one of these pools.
    #[must_use]
    pub fn is_for(&self, pools: &[PoolName]) -> bool {
        self.pools.is_empty() || self.pools.iter().any(|pool| pools.contains(pool))
    }
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
        pools: Vec::new(),
        replaces: row.get("replaces")?,
        identity_deleted_at: moment_option(row, "identity_deleted_at")?,
    })
}

impl View<'_> {
    /// A key by id.
    pub fn key(&self, id: KeyId) -> Result<Key, CatalogueError> {
        let found = self.get(Noun::Key, &id, "SELECT * FROM key WHERE id = ?1", [id], key)?;
        self.with_pools(found)
    }

    /// A key by name.
    pub fn key_by_name(&self, name: &str) -> Result<Option<Key>, CatalogueError> {
        self.find("SELECT * FROM key WHERE name = ?1", [name], key)?
            .map(|found| self.with_pools(found))
            .transpose()
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> Result<Vec<Key>, CatalogueError> {
        self.all("SELECT * FROM key ORDER BY created_at, name", [], key)?
            .into_iter()
            .map(|found| self.with_pools(found))
            .collect()
    }

    /// Keys that new sets are encrypted to, oldest first.
    pub fn keys_in_use(&self) -> Result<Vec<Key>, CatalogueError> {
        let mut all = self.keys()?;
        all.retain(|key| key.retired_at.is_none());
        Ok(all)
    }

    fn with_pools(&self, mut found: Key) -> Result<Key, CatalogueError> {
        found.pools = self.all(
            "SELECT pool FROM key_pool WHERE key = ?1 ORDER BY pool",
            [found.id],
            |row| row.get(0),
        )?;
        Ok(found)
    }

    /// Sets that are encrypted to a key and not complete yet.
    pub fn open_sets_with(&self, id: KeyId) -> Result<Vec<SetId>, CatalogueError> {
        self.all(
            "SELECT backup_set FROM set_key JOIN backup_set ON backup_set.id = backup_set
             WHERE key = ?1 AND state = 'open' ORDER BY backup_set",
            [id],
            |row| row.get(0),
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
                retired_at, replaces)
             VALUES (:id, :name, :recipient, :role, :kind, :identity, :created, :retired,
                :replaces)",
            named_params! {
                ":id": new.id,
                ":name": new.name,
                ":recipient": new.recipient,
                ":role": new.role,
                ":kind": word,
                ":identity": name.map(|name| RawPath(name.clone())),
                ":created": Moment(new.created_at),
                ":retired": new.retired_at.map(Moment),
                ":replaces": new.replaces,
            },
        )
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Key,
                    which: new.name.clone(),
                }
            } else {
                error
            }
        })?;
        for pool in &new.pools {
            self.execute(
                "INSERT OR IGNORE INTO key_pool (key, pool) VALUES (?1, ?2)",
                (new.id, pool),
            )?;
        }
        Ok(())
    }

    /// Definitions that name a key name another one from now on.
    pub fn replace_recipient(&self, old: KeyId, new: KeyId) -> Result<(), CatalogueError> {
        self.execute(
            "UPDATE set_definition_key SET key = ?2 WHERE key = ?1",
            (old, new),
        )?;
        Ok(())
    }

    /// The private half is gone for good.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] when it was so already.
    pub fn delete_identity(&self, id: KeyId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::Key,
            &id,
            "UPDATE key SET identity_deleted_at = ?2
             WHERE id = ?1 AND identity_deleted_at IS NULL",
            (id, Moment(at)),
        )
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
