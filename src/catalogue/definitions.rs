//! Set definitions: what is backed up, again and again.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sources::{Commands, Source};
use super::sql::{Json, Moment, RawPath, moment, moment_option, text_column, text_enum};
use super::store::{Tx, View};
use crate::id::{CopyNumber, IdError, KeyId, SetDefinitionId};

/// Name of a pool of volumes: 1 to 64 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PoolName(String);

impl PoolName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PoolName {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let length = text.chars().count();
        if !(1..=64).contains(&length) || text.chars().any(char::is_control) || text.trim() != text
        {
            return Err(IdError {
                text: text.to_owned(),
                expected: "the name of a pool (1 to 64 characters, no blanks at the ends)",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PoolName {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<PoolName> for String {
    fn from(name: PoolName) -> Self {
        name.0
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_column!(PoolName);

text_enum! {
    /// How a set is compressed before it is encrypted.
    pub enum Compression {
        /// Not at all.
        None = "none",
        /// zstd frames.
        Zstd = "zstd",
    }
}

text_enum! {
    /// Who encrypts the segments of a set.
    pub enum Encryption {
        /// The host: each is an age file.
        Age = "age",
        /// The drive, with a key that is on the tape in an age file.
        Drive = "drive",
    }
}

/// What is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDefinition {
    /// Its id, for as long as there are sets of it.
    pub id: SetDefinitionId,
    /// Unique.
    pub name: String,
    /// What is backed up.
    pub source: Source,
    /// Commands before and after.
    pub commands: Commands,
    /// The definition whose pattern found it.
    pub parent: Option<SetDefinitionId>,
    /// Paths below it that are left out.
    pub excludes: Vec<PathBuf>,
    /// How it is compressed.
    pub compression: Compression,
    /// Who encrypts it.
    pub encryption: Encryption,
    /// The pool of each copy, where it differs from the site's; empty: the site's copies.
    pub copies: Vec<(CopyNumber, PoolName)>,
    /// How long its sets are kept, where it differs from the site's.
    pub retention_days: Option<u32>,
    /// The keys its sets are encrypted to; empty: those of its copies' pools.
    pub recipients: Vec<KeyId>,
    /// Whose data it is.
    pub agency: Option<String>,
    /// When it was first defined.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
    /// When it was taken out of use.
    pub retired_at: Option<DateTime<Utc>>,
}

/// A definition as a person gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDefinition {
    /// Unique.
    pub name: String,
    /// What is backed up.
    pub source: Source,
    /// Commands before and after.
    pub commands: Commands,
    /// The definition whose pattern found it.
    pub parent: Option<SetDefinitionId>,
    /// Paths below it that are left out.
    pub excludes: Vec<PathBuf>,
    /// How it is compressed.
    pub compression: Compression,
    /// Who encrypts it.
    pub encryption: Encryption,
    /// As in [`SetDefinition::copies`].
    pub copies: Vec<(CopyNumber, PoolName)>,
    /// As in [`SetDefinition::retention_days`].
    pub retention_days: Option<u32>,
    /// As in [`SetDefinition::recipients`].
    pub recipients: Vec<KeyId>,
    /// As in [`SetDefinition::agency`].
    pub agency: Option<String>,
}

fn definition(row: &Row<'_>) -> rusqlite::Result<SetDefinition> {
    Ok(SetDefinition {
        id: row.get("id")?,
        name: row.get("name")?,
        source: match row.get::<_, Option<Json<Source>>>("detail")? {
            Some(detail) => detail.0,
            None => Source::Folder(row.get::<_, RawPath>("source")?.0),
        },
        commands: row
            .get::<_, Option<Json<Commands>>>("commands")?
            .map_or_else(Commands::default, |commands| commands.0),
        parent: row.get("parent")?,
        excludes: Vec::new(),
        compression: row.get("compression")?,
        encryption: row.get("encryption")?,
        copies: Vec::new(),
        retention_days: row.get("retention_days")?,
        recipients: Vec::new(),
        agency: row.get("agency")?,
        created_at: moment(row, "created_at")?,
        changed_at: moment(row, "changed_at")?,
        retired_at: moment_option(row, "retired_at")?,
    })
}

impl View<'_> {
    /// A definition by id.
    pub fn definition(&self, id: SetDefinitionId) -> Result<SetDefinition, CatalogueError> {
        let found = self.get(
            Noun::SetDefinition,
            &id,
            "SELECT * FROM set_definition WHERE id = ?1",
            [id],
            definition,
        )?;
        self.with_details(found)
    }

    /// A definition by name.
    pub fn definition_by_name(&self, name: &str) -> Result<Option<SetDefinition>, CatalogueError> {
        self.find(
            "SELECT * FROM set_definition WHERE name = ?1",
            [name],
            definition,
        )?
        .map(|found| self.with_details(found))
        .transpose()
    }

    /// All definitions in use, by name.
    pub fn definitions(&self) -> Result<Vec<SetDefinition>, CatalogueError> {
        self.all(
            "SELECT * FROM set_definition WHERE retired_at IS NULL ORDER BY name",
            [],
            definition,
        )?
        .into_iter()
        .map(|found| self.with_details(found))
        .collect()
    }

    /// All definitions, those out of use too, by name.
    pub fn all_definitions(&self) -> Result<Vec<SetDefinition>, CatalogueError> {
        self.all("SELECT * FROM set_definition ORDER BY name", [], definition)?
            .into_iter()
            .map(|found| self.with_details(found))
            .collect()
    }

    fn with_details(&self, mut found: SetDefinition) -> Result<SetDefinition, CatalogueError> {
        found.excludes = self.all(
            "SELECT path FROM set_definition_exclude WHERE definition = ?1 ORDER BY path",
            [found.id],
            |row| Ok(row.get::<_, RawPath>(0)?.0),
        )?;
        found.copies = self.all(
            "SELECT copy, pool FROM set_definition_copy WHERE definition = ?1 ORDER BY copy",
            [found.id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        found.recipients = self.all(
            "SELECT key FROM set_definition_key WHERE definition = ?1 ORDER BY key",
            [found.id],
            |row| row.get(0),
        )?;
        Ok(found)
    }
}

impl Tx<'_> {
    /// Makes a definition, or changes the one of that name (which then is in use again); `fresh`
    /// becomes its id if it is new.
    pub fn save_definition(
        &self,
        fresh: SetDefinitionId,
        new: &NewDefinition,
        now: DateTime<Utc>,
    ) -> Result<SetDefinitionId, CatalogueError> {
        let id = self.one(
            "INSERT INTO set_definition
                (id, name, source, kind, detail, commands, parent, compression, encryption,
                 retention_days, agency, created_at, changed_at)
             VALUES (:id, :name, :source, :kind, :detail, :commands, :parent, :compression,
                :encryption, :retention, :agency, :now, :now)
             ON CONFLICT (name) DO UPDATE SET source = excluded.source, kind = excluded.kind,
                detail = excluded.detail, commands = excluded.commands, parent = excluded.parent,
                compression = excluded.compression, encryption = excluded.encryption,
                retention_days = excluded.retention_days, agency = excluded.agency,
                changed_at = excluded.changed_at, retired_at = NULL
             RETURNING id",
            named_params! {
                ":id": fresh,
                ":name": new.name,
                ":source": RawPath(new.source.as_path()),
                ":kind": new.source.kind(),
                ":detail": new.source.detail(),
                ":commands": (new.commands != Commands::default())
                    .then(|| Json(new.commands.clone())),
                ":parent": new.parent,
                ":compression": new.compression,
                ":encryption": new.encryption,
                ":retention": new.retention_days,
                ":agency": new.agency,
                ":now": Moment(now),
            },
            |row| row.get::<_, SetDefinitionId>(0),
        )?;
        for table in [
            "DELETE FROM set_definition_exclude WHERE definition = ?1",
            "DELETE FROM set_definition_copy WHERE definition = ?1",
            "DELETE FROM set_definition_key WHERE definition = ?1",
        ] {
            self.execute(table, [id])?;
        }
        for path in &new.excludes {
            self.execute(
                "INSERT OR IGNORE INTO set_definition_exclude (definition, path) VALUES (?1, ?2)",
                (id, RawPath(path.clone())),
            )?;
        }
        for (copy, pool) in &new.copies {
            self.execute(
                "INSERT INTO set_definition_copy (definition, copy, pool) VALUES (?1, ?2, ?3)",
                (id, copy, pool),
            )?;
        }
        for key in &new.recipients {
            self.execute(
                "INSERT OR IGNORE INTO set_definition_key (definition, key) VALUES (?1, ?2)",
                (id, key),
            )?;
        }
        Ok(id)
    }

    /// A definition that was known by its id only gets what else is known of it.
    pub fn describe_definition(
        &self,
        id: SetDefinitionId,
        new: &NewDefinition,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::SetDefinition,
            &id,
            "UPDATE set_definition SET name = ?2, source = ?3, compression = ?4, changed_at = ?5,
                kind = ?6, detail = ?7, agency = ?8
             WHERE id = ?1",
            (
                id,
                &new.name,
                RawPath(new.source.as_path()),
                new.compression,
                Moment(now),
                new.source.kind(),
                new.source.detail(),
                &new.agency,
            ),
        )
    }

    /// Takes a definition out of use; its sets stay.
    pub fn retire_definition(
        &self,
        id: SetDefinitionId,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::SetDefinition,
            &id,
            "UPDATE set_definition SET retired_at = ?2 WHERE id = ?1 AND retired_at IS NULL",
            (id, Moment(at)),
        )
    }
}
