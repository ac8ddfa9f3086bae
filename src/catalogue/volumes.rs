//! Volumes: labelled lives of cartridges.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::definitions::PoolName;
use super::error::{CatalogueError, ConstraintKind, Noun};
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, CartridgeId, RunId, VolumeId, VolumeSerial};

text_enum! {
    /// What a volume's content is worth.
    pub enum ContentState {
        /// Labelled, nothing on it.
        Scratch = "scratch",
        /// Holds segments; more can be appended.
        Filling = "filling",
        /// Holds segments; closed for writing.
        Full = "full",
        /// Everything on it may go.
        Expired = "expired",
        /// Nothing on it may go, whatever its retention says.
        Held = "held",
        /// Doubtful: not written, not reused, until a person decides.
        Quarantined = "quarantined",
        /// Out of use, awaiting destruction.
        Retired = "retired",
        /// No longer exists.
        Destroyed = "destroyed",
    }
}

impl ContentState {
    /// Whether a volume in this state can go to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ContentState::{
            Destroyed, Expired, Filling, Full, Held, Quarantined, Retired, Scratch,
        };
        match self {
            Scratch => matches!(next, Filling | Full | Held | Quarantined | Retired),
            Filling => matches!(next, Full | Expired | Held | Quarantined),
            Full => matches!(next, Filling | Expired | Held | Quarantined),
            // Somebody needs it after all: a hold, or a copy elsewhere that was lost.
            Expired => matches!(next, Full | Held | Quarantined | Retired),
            Held => matches!(next, Scratch | Filling | Full | Expired | Quarantined),
            Quarantined => matches!(next, Scratch | Filling | Full | Expired | Held | Retired),
            Retired => matches!(next, Quarantined | Held | Destroyed),
            Destroyed => false,
        }
    }

    /// Whether the volume may be labelled again, which ends its life.
    #[must_use]
    pub fn may_be_relabelled(self) -> bool {
        matches!(self, Self::Scratch | Self::Expired)
    }
}

/// One labelled life of a cartridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id, also on the tape.
    pub id: VolumeId,
    /// The cartridge it is on.
    pub cartridge: CartridgeId,
    /// Serial in VOL1; unique among living volumes.
    pub serial: VolumeSerial,
    /// The pool it belongs to.
    pub pool: PoolName,
    /// What its content is worth.
    pub content: ContentState,
    /// Native capacity in bytes as known when it was labelled.
    pub capacity: u64,
    /// Size of a full block in bytes.
    pub block_size: u32,
    /// Whether it can be written only once.
    pub worm: bool,
    /// When its label was written.
    pub labelled_at: DateTime<Utc>,
    /// Until when something on it must be kept.
    pub retain_until: Option<DateTime<Utc>>,
    /// When it was labelled anew or destroyed.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A volume about to be recorded, right after its label was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Made by the caller; also on the tape.
    pub id: VolumeId,
    /// The cartridge it is on.
    pub cartridge: CartridgeId,
    /// Serial in VOL1.
    pub serial: VolumeSerial,
    /// The pool it belongs to.
    pub pool: PoolName,
    /// Native capacity in bytes.
    pub capacity: u64,
    /// Size of a full block in bytes.
    pub block_size: u32,
    /// Whether it can be written only once.
    pub worm: bool,
    /// When its label was written.
    pub labelled_at: DateTime<Utc>,
}

/// A change of a volume's content state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// The state from then on.
    pub content: ContentState,
    /// Why.
    pub reason: String,
    /// In which run.
    pub run: Option<RunId>,
}

fn volume(row: &Row<'_>) -> rusqlite::Result<Volume> {
    Ok(Volume {
        id: row.get("id")?,
        cartridge: row.get("cartridge")?,
        serial: row.get("serial")?,
        pool: row.get("pool")?,
        content: row.get("content")?,
        capacity: row.get("capacity")?,
        block_size: row.get("block_size")?,
        worm: row.get("worm")?,
        labelled_at: moment(row, "labelled_at")?,
        retain_until: moment_option(row, "retain_until")?,
        ended_at: moment_option(row, "ended_at")?,
    })
}

impl View<'_> {
    /// A volume by id, living or ended.
    pub fn volume(&self, id: VolumeId) -> Result<Volume, CatalogueError> {
        self.find_volume(id)?
            .ok_or_else(|| CatalogueError::NotFound {
                noun: Noun::Volume,
                which: id.to_string(),
            })
    }

    /// A volume by id, if the catalogue knows it.
    pub fn find_volume(&self, id: VolumeId) -> Result<Option<Volume>, CatalogueError> {
        self.find("SELECT * FROM volume WHERE id = ?1", [id], volume)
    }

    /// The living volume on a cartridge.
    pub fn volume_on(&self, cartridge: CartridgeId) -> Result<Option<Volume>, CatalogueError> {
        self.find(
            "SELECT * FROM volume WHERE cartridge = ?1 AND ended_at IS NULL",
            [cartridge],
            volume,
        )
    }

    /// The living volume with this serial.
    pub fn volume_by_serial(&self, serial: VolumeSerial) -> Result<Option<Volume>, CatalogueError> {
        self.find(
            "SELECT * FROM volume WHERE serial = ?1 AND ended_at IS NULL",
            [serial],
            volume,
        )
    }

    /// The living volume on the cartridge that carries this barcode now.
    pub fn volume_by_barcode(&self, barcode: &Barcode) -> Result<Option<Volume>, CatalogueError> {
        self.find(
            "SELECT volume.* FROM volume JOIN cartridge ON cartridge.id = volume.cartridge
             WHERE barcode = ?1 AND gone_at IS NULL AND ended_at IS NULL",
            [barcode],
            volume,
        )
    }

    /// All living volumes, by serial.
    pub fn volumes(&self) -> Result<Vec<Volume>, CatalogueError> {
        self.all(
            "SELECT * FROM volume WHERE ended_at IS NULL ORDER BY serial",
            [],
            volume,
        )
    }

    /// Living volumes of a pool in a content state, oldest label first.
    pub fn volumes_in_pool(
        &self,
        pool: &PoolName,
        content: ContentState,
    ) -> Result<Vec<Volume>, CatalogueError> {
        self.all(
            "SELECT * FROM volume WHERE pool = ?1 AND content = ?2 AND ended_at IS NULL
             ORDER BY labelled_at, serial",
            (pool, content),
            volume,
        )
    }

    /// Living volumes on cartridges that are being labelled, whose process may have died: what is on
    /// them is going.
    pub fn volumes_being_labelled(&self) -> Result<Vec<Volume>, CatalogueError> {
        self.all(
            "SELECT volume.* FROM volume JOIN cartridge ON cartridge.id = volume.cartridge
             WHERE gone_at IS NULL AND ended_at IS NULL AND barcode IN (
                SELECT intent ->> '$.barcode' FROM step
                WHERE kind = 'label' AND state = 'intended')
             ORDER BY serial",
            [],
            volume,
        )
    }

    /// The content states a volume went through, oldest first.
    pub fn volume_history(&self, id: VolumeId) -> Result<Vec<VolumeEvent>, CatalogueError> {
        self.all(
            "SELECT * FROM volume_event WHERE volume = ?1 ORDER BY id",
            [id],
            |row| {
                Ok(VolumeEvent {
                    at: moment(row, "at")?,
                    content: row.get("content")?,
                    reason: row.get("reason")?,
                    run: row.get("run")?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Records a volume whose label was just written, as scratch. A volume that lived on the
    /// cartridge before must have been ended ([`Tx::end_volume`]).
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when the cartridge has a living volume or the serial is taken.
    pub fn add_volume(&self, new: &NewVolume, run: Option<RunId>) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO volume (id, cartridge, serial, pool, content, capacity, block_size, worm,
                labelled_at)
             VALUES (:id, :cartridge, :serial, :pool, 'scratch', :capacity, :block_size, :worm,
                :at)",
            named_params! {
                ":id": new.id,
                ":cartridge": new.cartridge,
                ":serial": new.serial,
                ":pool": new.pool,
                ":capacity": new.capacity,
                ":block_size": new.block_size,
                ":worm": new.worm,
                ":at": Moment(new.labelled_at),
            },
        )
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Volume,
                    which: new.serial.to_string(),
                }
            } else {
                error
            }
        })?;
        self.volume_event(
            new.id,
            new.labelled_at,
            ContentState::Scratch,
            "labelled",
            run,
        )
    }

    /// Changes a volume's content state, keeping when and why. Nothing happens when it has that
    /// state already.
    ///
    /// # Errors
    /// [`CatalogueError::Content`] when it cannot go from one to the other;
    /// [`CatalogueError::Retained`] when it is to expire before its retention ends,
    /// [`CatalogueError::LastCopy`] when it holds the last good copy of what a re-copy task is
    /// open for, or all that is left of something.
    pub fn set_content(
        &self,
        id: VolumeId,
        content: ContentState,
        at: DateTime<Utc>,
        reason: &str,
        run: Option<RunId>,
    ) -> Result<(), CatalogueError> {
        let volume = self.volume(id)?;
        if volume.content == content {
            return Ok(());
        }
        if !volume.content.may_become(content) {
            return Err(CatalogueError::Content {
                volume: id,
                from: volume.content,
                to: content,
            });
        }
        if content == ContentState::Expired && volume.retain_until.is_some_and(|until| at < until) {
            return Err(CatalogueError::Retained {
                volume: id,
                content: volume.content,
                until: volume.retain_until,
            });
        }
        if content == ContentState::Expired {
            self.not_a_last_copy(id)?;
        }
        self.change(
            Noun::Volume,
            &id,
            "UPDATE volume SET content = ?2 WHERE id = ?1",
            (id, content),
        )?;
        self.volume_event(id, at, content, reason, run)
    }

    /// Something on the volume must be kept at least until then. An earlier moment changes nothing.
    pub fn extend_retention(
        &self,
        id: VolumeId,
        until: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Volume,
            &id,
            "UPDATE volume SET retain_until = max(coalesce(retain_until, ?2), ?2) WHERE id = ?1",
            (id, Moment(until)),
        )
    }

    /// What was to be kept on the volume is on others: its retention ends.
    ///
    /// # Errors
    /// [`CatalogueError::Retained`] while something on it is not.
    pub fn release_retention(&self, id: VolumeId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        let volume = self.volume(id)?;
        if self.kept_copies_on(id)? > 0 || !self.remains_on(id)?.is_empty() {
            return Err(CatalogueError::Retained {
                volume: id,
                content: volume.content,
                until: volume.retain_until,
            });
        }
        self.change(
            Noun::Volume,
            &id,
            "UPDATE volume SET retain_until = min(coalesce(retain_until, ?2), ?2) WHERE id = ?1",
            (id, Moment(at)),
        )
    }

    /// Ends a volume's life, because its cartridge is about to be labelled anew or is destroyed.
    /// Segment copies on it count as lost from now on.
    ///
    /// # Errors
    /// [`CatalogueError::Retained`] unless it is scratch, expired or destroyed, and its retention
    /// has ended; [`CatalogueError::LastCopy`] as for expiring.
    pub fn end_volume(&self, id: VolumeId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        let volume = self.volume(id)?;
        let may_end =
            volume.content.may_be_relabelled() || volume.content == ContentState::Destroyed;
        if !may_end || volume.retain_until.is_some_and(|until| at < until) {
            return Err(CatalogueError::Retained {
                volume: id,
                content: volume.content,
                until: volume.retain_until,
            });
        }
        self.not_a_last_copy(id)?;
        self.lose_all_on(id)?;
        self.change(
            Noun::Volume,
            &id,
            "UPDATE volume SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL",
            (id, Moment(at)),
        )
    }

    /// Ends a volume's life because its cartridge was seen to carry another label: it is gone,
    /// whatever its retention.
    pub fn lose_volume(&self, id: VolumeId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.lose_all_on(id)?;
        self.change(
            Noun::Volume,
            &id,
            "UPDATE volume SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL",
            (id, Moment(at)),
        )
    }

    /// A volume found on tape belongs to this pool.
    pub fn set_pool(&self, id: VolumeId, pool: &PoolName) -> Result<(), CatalogueError> {
        self.change(
            Noun::Volume,
            &id,
            "UPDATE volume SET pool = ?2 WHERE id = ?1",
            (id, pool),
        )
    }

    fn volume_event(
        &self,
        id: VolumeId,
        at: DateTime<Utc>,
        content: ContentState,
        reason: &str,
        run: Option<RunId>,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO volume_event (volume, at, content, reason, run)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (id, Moment(at), content, reason, run),
        )
        .map(|_| ())
    }
}
