//! What rotation needs of the whole record at once, each in one statement.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::error::CatalogueError;
use super::sets::SetCopyState;
use super::sql::{Day, moment};
use super::store::View;
use crate::id::{CartridgeId, CopyNumber, ItemId, SetDefinitionId, SetId, VolumeId};

/// A copy of a set that is not given up, and a volume with something of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOnVolume {
    /// The set.
    pub set: SetId,
    /// The copy.
    pub copy: CopyNumber,
    /// Its state.
    pub state: SetCopyState,
    /// The volume.
    pub volume: VolumeId,
}

impl View<'_> {
    /// On which volumes each copy is that is neither lost nor expired.
    pub fn copies_on_volumes(&self) -> Result<Vec<CopyOnVolume>, CatalogueError> {
        self.all(
            "SELECT here.backup_set, here.copy, here.volume, set_copy.state FROM (
                SELECT DISTINCT backup_set, copy, volume FROM segment_copy
                WHERE state IN ('committed', 'verified', 'replacing')) AS here
             JOIN set_copy USING (backup_set, copy)
             JOIN volume ON volume.id = here.volume AND volume.ended_at IS NULL
             WHERE set_copy.state NOT IN ('lost', 'expired')
             ORDER BY 1, 2, 3",
            [],
            |row| {
                Ok(CopyOnVolume {
                    set: row.get("backup_set")?,
                    copy: row.get("copy")?,
                    state: row.get("state")?,
                    volume: row.get("volume")?,
                })
            },
        )
    }

    /// Which sets have left anything on which living volume, be it expired, lost or superseded.
    pub fn sets_on_volumes(&self) -> Result<Vec<(SetId, VolumeId)>, CatalogueError> {
        self.all(
            "SELECT DISTINCT backup_set, volume FROM segment_copy
             JOIN volume ON volume.id = segment_copy.volume AND volume.ended_at IS NULL
             ORDER BY 1, 2",
            [],
            |row| Ok((row.get("backup_set")?, row.get("volume")?)),
        )
    }

    /// Bytes on tape of one copy of the newest complete set of each definition.
    pub fn newest_set_bytes(&self) -> Result<BTreeMap<SetDefinitionId, u64>, CatalogueError> {
        let rows = self.all(
            "SELECT definition, sum(coded_length) AS bytes FROM backup_set
             JOIN segment ON segment.backup_set = backup_set.id
             WHERE backup_set.id IN (
                SELECT max(id) FROM backup_set WHERE state = 'complete' GROUP BY definition)
             GROUP BY definition",
            [],
            |row| Ok((row.get("definition")?, row.get("bytes")?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// Bytes of segments on each living volume.
    pub fn bytes_on_volumes(&self) -> Result<BTreeMap<VolumeId, u64>, CatalogueError> {
        let rows = self.all(
            "SELECT volume, sum(coded_length) AS bytes FROM segment_copy
             JOIN segment ON segment.backup_set = segment_copy.backup_set
                AND segment.number = segment_copy.segment
             JOIN volume ON volume.id = segment_copy.volume AND volume.ended_at IS NULL
             GROUP BY volume",
            [],
            |row| Ok((row.get("volume")?, row.get("bytes")?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// When something was committed last to each living volume.
    pub fn last_written(&self) -> Result<BTreeMap<VolumeId, DateTime<Utc>>, CatalogueError> {
        let rows = self.all(
            "SELECT volume, max(committed_at) AS at FROM segment_copy
             JOIN volume ON volume.id = segment_copy.volume AND volume.ended_at IS NULL
             GROUP BY volume",
            [],
            |row| Ok((row.get("volume")?, moment(row, "at")?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// How often each cartridge was in a drive.
    pub fn mounts(&self) -> Result<BTreeMap<CartridgeId, u32>, CatalogueError> {
        let rows = self.all(
            "SELECT cartridge, count(*) AS mounts FROM mount_observation GROUP BY cartridge",
            [],
            |row| Ok((row.get("cartridge")?, row.get("mounts")?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// When each item was last seen elsewhere than in an element of a library.
    pub fn last_outside(&self) -> Result<BTreeMap<ItemId, DateTime<Utc>>, CatalogueError> {
        let rows = self.all(
            "SELECT item, max(at) AS at FROM place_event WHERE place <> 'element' GROUP BY item",
            [],
            |row| Ok((row.get("item")?, moment(row, "at")?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// Items whose newest movement was an early return that is over, and the day from which they go
    /// back.
    pub fn recalled_items(&self) -> Result<BTreeMap<ItemId, Option<NaiveDate>>, CatalogueError> {
        let rows = self.all(
            "SELECT item, return_on FROM movement
             WHERE id IN (SELECT max(id) FROM movement WHERE state <> 'cancelled' GROUP BY item)
                AND reason = 'recall' AND state = 'received'",
            [],
            |row| {
                let day: Option<Day> = row.get("return_on")?;
                Ok((row.get("item")?, day.map(|day| day.0)))
            },
        )?;
        Ok(rows.into_iter().collect())
    }
}
