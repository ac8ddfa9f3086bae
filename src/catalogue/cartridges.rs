//! Physical cartridges.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, ConstraintKind, Noun};
use super::places::{PLACE_COLUMNS, Place, place_from_row};
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, CartridgeId, ItemId};

text_enum! {
    /// Generation of a medium. What is not in this list is `Unknown`: worth a warning, no failure.
    pub enum Generation {
        /// LTO-1.
        Lto1 = "LTO-1",
        /// LTO-2.
        Lto2 = "LTO-2",
        /// LTO-3.
        Lto3 = "LTO-3",
        /// LTO-4.
        Lto4 = "LTO-4",
        /// LTO-5.
        Lto5 = "LTO-5",
        /// LTO-6.
        Lto6 = "LTO-6",
        /// LTO-7.
        Lto7 = "LTO-7",
        /// An LTO-7 cartridge initialised for 9 TB in an LTO-8 drive.
        Lto7TypeM = "LTO-M8",
        /// LTO-8.
        Lto8 = "LTO-8",
        /// LTO-9.
        Lto9 = "LTO-9",
        /// LTO-10.
        Lto10 = "LTO-10",
        /// Anything else.
        Unknown = "unknown",
    }
}

text_enum! {
    /// What a cartridge is for.
    pub enum MediumUse {
        /// Rewritable data.
        Data = "data",
        /// Data that can be written once.
        Worm = "worm",
        /// Cleaning.
        Cleaning = "cleaning",
        /// Diagnostics.
        Diagnostic = "diagnostic",
    }
}

impl MediumUse {
    /// Whether sets are written on it.
    #[must_use]
    pub fn holds_data(self) -> bool {
        matches!(self, Self::Data | Self::Worm)
    }
}

impl Generation {
    /// What a cartridge holds without compression, in bytes (10^12 bytes to the terabyte, as the
    /// LTO Program counts); for one that is not known what the smallest holds.
    #[must_use]
    pub fn native_capacity(self) -> u64 {
        let gigabytes = match self {
            Self::Lto1 | Self::Unknown => 100,
            Self::Lto2 => 200,
            Self::Lto3 => 400,
            Self::Lto4 => 800,
            Self::Lto5 => 1_500,
            Self::Lto6 => 2_500,
            Self::Lto7 => 6_000,
            Self::Lto7TypeM => 9_000,
            Self::Lto8 => 12_000,
            Self::Lto9 => 18_000,
            Self::Lto10 => 30_000,
        };
        gigabytes * 1_000_000_000
    }
}

/// A physical cartridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cartridge {
    /// Its id, for as long as it exists.
    pub id: CartridgeId,
    /// What is printed on it; unique among the cartridges that are not gone.
    pub barcode: Barcode,
    /// Generation of the medium.
    pub generation: Generation,
    /// What it is for.
    pub medium_use: MediumUse,
    /// The manufacturer's serial number from its memory chip (SSC-4 / SPC-4 MAM 0401h).
    pub medium_serial: Option<String>,
    /// When it became known.
    pub added_at: DateTime<Utc>,
    /// When it left for good.
    pub gone_at: Option<DateTime<Utc>>,
    /// Where it is, by the newest observation.
    pub place: Place,
    /// Since when it has been seen there.
    pub place_since: DateTime<Utc>,
}

/// A cartridge about to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCartridge {
    /// Made by the caller.
    pub id: CartridgeId,
    /// What is printed on it.
    pub barcode: Barcode,
    /// Generation of the medium.
    pub generation: Generation,
    /// What it is for.
    pub medium_use: MediumUse,
    /// From its memory chip, when it was read.
    pub medium_serial: Option<String>,
    /// Now.
    pub added_at: DateTime<Utc>,
}

fn cartridge(row: &Row<'_>) -> rusqlite::Result<Cartridge> {
    Ok(Cartridge {
        id: row.get("id")?,
        barcode: row.get("barcode")?,
        generation: row.get("generation")?,
        medium_use: row.get("medium_use")?,
        medium_serial: row.get("medium_serial")?,
        added_at: moment(row, "added_at")?,
        gone_at: moment_option(row, "gone_at")?,
        place: place_from_row(row, PLACE_COLUMNS)?,
        place_since: moment(row, "place_since")?,
    })
}

impl View<'_> {
    /// A cartridge by id.
    pub fn cartridge(&self, id: CartridgeId) -> Result<Cartridge, CatalogueError> {
        self.get(
            Noun::Cartridge,
            &id,
            "SELECT * FROM cartridge WHERE id = ?1",
            [id],
            cartridge,
        )
    }

    /// The cartridge that carries this barcode now.
    pub fn cartridge_by_barcode(
        &self,
        barcode: &Barcode,
    ) -> Result<Option<Cartridge>, CatalogueError> {
        self.find(
            "SELECT * FROM cartridge WHERE barcode = ?1 AND gone_at IS NULL",
            [barcode],
            cartridge,
        )
    }

    /// All cartridges that are not gone, by barcode.
    pub fn cartridges(&self) -> Result<Vec<Cartridge>, CatalogueError> {
        self.all(
            "SELECT * FROM cartridge WHERE gone_at IS NULL ORDER BY barcode",
            [],
            cartridge,
        )
    }
}

impl Tx<'_> {
    /// Registers a cartridge; its place is unknown until it is seen.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when another cartridge or a thing carries the barcode.
    pub fn add_cartridge(&self, new: &NewCartridge) -> Result<(), CatalogueError> {
        if self.thing_by_barcode(&new.barcode)?.is_some() {
            return Err(CatalogueError::Exists {
                noun: Noun::Thing,
                which: new.barcode.to_string(),
            });
        }
        self.execute(
            "INSERT INTO item VALUES (?1, 'cartridge')",
            [ItemId::from(new.id)],
        )?;
        self.execute(
            "INSERT INTO cartridge
                (id, barcode, generation, medium_use, medium_serial, added_at, place_since)
             VALUES (:id, :barcode, :generation, :use, :serial, :at, :at)",
            named_params! {
                ":id": new.id,
                ":barcode": new.barcode,
                ":generation": new.generation,
                ":use": new.medium_use,
                ":serial": new.medium_serial,
                ":at": Moment(new.added_at),
            },
        )
        .map(|_| ())
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Cartridge,
                    which: new.barcode.to_string(),
                }
            } else {
                error
            }
        })
    }

    /// Keeps the serial number the memory chip tells.
    pub fn set_medium_serial(&self, id: CartridgeId, serial: &str) -> Result<(), CatalogueError> {
        self.change(
            Noun::Cartridge,
            &id,
            "UPDATE cartridge SET medium_serial = ?2 WHERE id = ?1",
            (id, serial),
        )
    }

    /// The cartridge left for good (destroyed, given back): its barcode may be used again.
    ///
    /// # Errors
    /// [`CatalogueError::Retained`] while a volume lives on it that is not destroyed.
    pub fn retire_cartridge(
        &self,
        id: CartridgeId,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        if let Some(volume) = self.volume_on(id)?
            && volume.content != super::volumes::ContentState::Destroyed
        {
            return Err(CatalogueError::Retained {
                volume: volume.id,
                content: volume.content,
                until: volume.retain_until,
            });
        }
        self.change(
            Noun::Cartridge,
            &id,
            "UPDATE cartridge SET gone_at = ?2, place = 'unknown', place_library = NULL,
                place_kind = NULL, place_element = NULL, place_name = NULL, place_since = ?2
             WHERE id = ?1 AND gone_at IS NULL",
            (id, Moment(at)),
        )
    }
}
