//! Recovery kits that were made.

use chrono::{DateTime, Utc};
use rusqlite::named_params;
use serde::{Deserialize, Serialize};

use super::digest::ContentDigest;
use super::error::CatalogueError;
use super::sql::{Json, Moment, moment, text_enum};
use super::store::{Tx, View};

text_enum! {
    /// What a kit was made as.
    pub enum KitForm {
        /// On paper.
        Print = "print",
        /// As files.
        Export = "export",
    }
}

/// A kit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeKit {
    /// When.
    pub made_at: DateTime<Utc>,
    /// Until when it is good if nothing changes.
    pub expires_at: DateTime<Utc>,
    /// As what.
    pub form: KitForm,
    /// BLAKE3 over all that is in it.
    pub digest: ContentDigest,
    /// What it knows, shorter than it says it.
    pub outline: serde_json::Value,
}

impl View<'_> {
    /// The newest kit.
    pub fn newest_kit(&self) -> Result<Option<MadeKit>, CatalogueError> {
        self.find("SELECT * FROM kit ORDER BY id DESC LIMIT 1", [], |row| {
            Ok(MadeKit {
                made_at: moment(row, "made_at")?,
                expires_at: moment(row, "expires_at")?,
                form: row.get("form")?,
                digest: row.get("digest")?,
                outline: row.get::<_, Json<_>>("outline")?.0,
            })
        })
    }
}

impl Tx<'_> {
    /// Records a kit.
    pub fn add_kit(&self, new: &MadeKit) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO kit (made_at, expires_at, form, digest, outline)
             VALUES (:made, :expires, :form, :digest, :outline)",
            named_params! {
                ":made": Moment(new.made_at),
                ":expires": Moment(new.expires_at),
                ":form": new.form,
                ":digest": new.digest,
                ":outline": Json(&new.outline),
            },
        )?;
        Ok(())
    }
}
