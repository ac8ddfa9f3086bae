//! Who waits for a drive or a cartridge that a run holds.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::CatalogueError;
use super::sql::{Json, Moment, moment, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, DriveRequestId, LibraryId};

text_enum! {
    /// What somebody waits for.
    pub enum DriveNeed {
        /// A drive that reads one of the cartridges; best one that holds it.
        Drive = "drive",
        /// The cartridge itself, which is in somebody's drive.
        Cartridge = "cartridge",
        /// It has what it asked for, and is at work.
        Nothing = "nothing",
    }
}

/// Somebody who goes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveRequest {
    /// Its id, which names the lock its process holds.
    pub id: DriveRequestId,
    /// The library.
    pub library: LibraryId,
    /// Its host.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// What for, in words.
    pub purpose: String,
    /// Since when it asks for what it needs now.
    pub since: DateTime<Utc>,
    /// How many things it has asked for, this one included.
    pub asked: u32,
    /// What it needs now.
    pub need: DriveNeed,
    /// The cartridges it is about.
    pub cartridges: Vec<Barcode>,
}

fn request(row: &Row<'_>) -> rusqlite::Result<DriveRequest> {
    Ok(DriveRequest {
        id: row.get("id")?,
        library: row.get("library")?,
        host: row.get("host")?,
        pid: row.get("pid")?,
        purpose: row.get("purpose")?,
        since: moment(row, "since")?,
        asked: row.get("asked")?,
        need: row.get("need")?,
        cartridges: row.get::<_, Json<_>>("cartridges")?.0,
    })
}

impl View<'_> {
    /// Everybody who asked for a drive of a library and is not done, in the order in which they
    /// came.
    pub fn drive_requests(&self, library: LibraryId) -> Result<Vec<DriveRequest>, CatalogueError> {
        self.all(
            "SELECT * FROM drive_request WHERE library = ?1 ORDER BY id",
            [library],
            request,
        )
    }
}

impl Tx<'_> {
    /// Adds a request, or replaces what it was.
    pub fn put_drive_request(&self, new: &DriveRequest) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT OR REPLACE INTO drive_request
                (id, library, host, pid, purpose, since, asked, need, cartridges)
             VALUES (:id, :library, :host, :pid, :purpose, :since, :asked, :need, :cartridges)",
            named_params! {
                ":id": new.id,
                ":library": new.library,
                ":host": new.host,
                ":pid": new.pid,
                ":purpose": new.purpose,
                ":since": Moment(new.since),
                ":asked": new.asked,
                ":need": new.need,
                ":cartridges": Json(&new.cartridges),
            },
        )
        .map(|_| ())
    }

    /// Takes a request away; one that is gone already stays so.
    pub fn remove_drive_request(&self, id: DriveRequestId) -> Result<(), CatalogueError> {
        self.execute("DELETE FROM drive_request WHERE id = ?1", [id])
            .map(|_| ())
    }
}
