//! Which blocks get through to a drive, by its serial number.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::CatalogueError;
use super::sql::{Moment, moment};
use super::store::{Tx, View};
use crate::health::DriveSerial;

/// Lengths of blocks in bytes; none: not known, or not tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockLimit {
    /// The drive.
    pub drive: DriveSerial,
    /// The longest transfer of the path to it.
    pub path: Option<u32>,
    /// The longest block of the drive (SSC-4, READ BLOCK LIMITS).
    pub device: Option<u32>,
    /// The longest block that was written to a tape and read back.
    pub tried: Option<u32>,
    /// The shortest block that did not come back as it was written.
    pub refused: Option<u32>,
    /// When any of this was seen to be so first.
    pub at: DateTime<Utc>,
}

fn limit(row: &Row<'_>) -> rusqlite::Result<BlockLimit> {
    Ok(BlockLimit {
        drive: row.get("drive")?,
        path: row.get("path")?,
        device: row.get("device")?,
        tried: row.get("tried")?,
        refused: row.get("refused")?,
        at: moment(row, "at")?,
    })
}

impl View<'_> {
    /// What is known of a drive.
    pub fn block_limit(&self, drive: &DriveSerial) -> Result<Option<BlockLimit>, CatalogueError> {
        self.find("SELECT * FROM block_limit WHERE drive = ?1", [drive], limit)
    }

    /// What is known of every drive, by serial number.
    pub fn block_limits(&self) -> Result<Vec<BlockLimit>, CatalogueError> {
        self.all("SELECT * FROM block_limit ORDER BY drive", [], limit)
    }
}

impl Tx<'_> {
    /// What is known of a drive from now on.
    pub fn save_block_limit(&self, limit: &BlockLimit) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO block_limit (drive, path, device, tried, refused, at)
             VALUES (:drive, :path, :device, :tried, :refused, :at)
             ON CONFLICT (drive) DO UPDATE SET path = excluded.path, device = excluded.device,
                tried = excluded.tried, refused = excluded.refused, at = excluded.at",
            named_params! {
                ":drive": limit.drive,
                ":path": limit.path,
                ":device": limit.device,
                ":tried": limit.tried,
                ":refused": limit.refused,
                ":at": Moment(limit.at),
            },
        )
        .map(|_| ())
    }
}
