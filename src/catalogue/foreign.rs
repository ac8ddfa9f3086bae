//! Cartridges with data of other programs that are kept as they are.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::Serialize;

use super::error::{CatalogueError, ConstraintKind, Noun};
use super::sql::{Moment, moment};
use super::store::{Tx, View};
use crate::id::CartridgeId;

/// What is on a cartridge of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForeignTape {
    /// The cartridge.
    pub cartridge: CartridgeId,
    /// What its beginning says, in words.
    pub found: String,
    /// What a person says it is.
    pub description: String,
    /// Since when it is kept.
    pub registered_at: DateTime<Utc>,
}

/// A cartridge to be kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewForeignTape {
    /// The cartridge.
    pub cartridge: CartridgeId,
    /// What its beginning says, in words.
    pub found: String,
    /// What a person says it is.
    pub description: String,
    /// Now.
    pub at: DateTime<Utc>,
}

fn foreign(row: &Row<'_>) -> rusqlite::Result<ForeignTape> {
    Ok(ForeignTape {
        cartridge: row.get("cartridge")?,
        found: row.get("found")?,
        description: row.get("description")?,
        registered_at: moment(row, "registered_at")?,
    })
}

impl View<'_> {
    /// What is known of a cartridge that is kept as it is.
    pub fn foreign_on(
        &self,
        cartridge: CartridgeId,
    ) -> Result<Option<ForeignTape>, CatalogueError> {
        self.find(
            "SELECT * FROM foreign_tape WHERE cartridge = ?1 AND released_at IS NULL",
            [cartridge],
            foreign,
        )
    }

    /// All cartridges that are kept as they are.
    pub fn foreign_tapes(&self) -> Result<Vec<ForeignTape>, CatalogueError> {
        self.all(
            "SELECT * FROM foreign_tape WHERE released_at IS NULL ORDER BY id",
            [],
            foreign,
        )
    }
}

impl Tx<'_> {
    /// Keeps a cartridge as it is from now on.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when it is kept already.
    pub fn add_foreign(&self, new: &NewForeignTape) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO foreign_tape (cartridge, found, description, registered_at)
             VALUES (:cartridge, :found, :description, :at)",
            named_params! {
                ":cartridge": new.cartridge,
                ":found": new.found,
                ":description": new.description,
                ":at": Moment(new.at),
            },
        )
        .map(|_| ())
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Cartridge,
                    which: format!("{} with foreign data", new.cartridge),
                }
            } else {
                error
            }
        })
    }

    /// A cartridge need not be kept any more.
    pub fn release_foreign(
        &self,
        cartridge: CartridgeId,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Cartridge,
            &format!("{cartridge} with foreign data"),
            "UPDATE foreign_tape SET released_at = ?2 WHERE cartridge = ?1 AND released_at IS NULL",
            (cartridge, Moment(at)),
        )
    }
}
