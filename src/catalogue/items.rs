//! What is kept in custody besides cartridges: cases, portable drives, envelopes, keys and codes.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::cartridges::Cartridge;
use super::error::{CatalogueError, ConstraintKind, Noun};
use super::places::{PLACE_COLUMNS, Place, place_from_row};
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, ItemId, PlaceCode, ThingId};

text_enum! {
    /// What a thing is.
    pub enum ThingKind {
        /// A container for cartridges that a courier carries.
        Case = "case",
        /// A disk drive that is carried about.
        PortableDrive = "portable_drive",
        /// A removable disk cartridge.
        DiskCartridge = "disk_cartridge",
        /// A sealed envelope: passwords, an escrow key, a recovery kit.
        Envelope = "envelope",
        /// A key of a safe or a door.
        Key = "key",
        /// A code of a safe or a door.
        Code = "code",
        /// A memory stick.
        UsbStick = "usb_stick",
        /// Anything else.
        Other = "other",
    }
}

impl ThingKind {
    /// The kind for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::PortableDrive => "portable drive",
            Self::DiskCartridge => "disk cartridge",
            Self::Envelope => "sealed envelope",
            Self::Key => "key",
            Self::Code => "code",
            Self::UsbStick => "USB stick",
            Self::Other => "other",
        }
    }

    /// Whether data is stored on it.
    #[must_use]
    pub fn holds_data(self) -> bool {
        matches!(
            self,
            Self::PortableDrive | Self::DiskCartridge | Self::UsbStick
        )
    }
}

/// Something in custody that no robot moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Its id.
    pub id: ThingId,
    /// What is printed on it; no other thing and no cartridge has it.
    pub barcode: Barcode,
    /// What it is.
    pub kind: ThingKind,
    /// In words.
    pub description: String,
    /// How many cartridges a case holds.
    pub holds: Option<u32>,
    /// When it became known.
    pub added_at: DateTime<Utc>,
    /// When it left for good.
    pub gone_at: Option<DateTime<Utc>>,
    /// Where it is, by the newest observation.
    pub place: Place,
    /// Since when it has been seen there.
    pub place_since: DateTime<Utc>,
}

/// A thing about to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewThing {
    /// Made by the caller.
    pub id: ThingId,
    /// What is printed on it.
    pub barcode: Barcode,
    /// What it is.
    pub kind: ThingKind,
    /// In words.
    pub description: String,
    /// How many cartridges a case holds; for cases only.
    pub holds: Option<u32>,
    /// Now.
    pub added_at: DateTime<Utc>,
}

/// Anything in custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// A cartridge.
    Cartridge(Cartridge),
    /// Anything else.
    Thing(Thing),
}

impl Item {
    /// Its id among all items.
    #[must_use]
    pub fn id(&self) -> ItemId {
        match self {
            Self::Cartridge(cartridge) => cartridge.id.into(),
            Self::Thing(thing) => thing.id.into(),
        }
    }

    /// What is printed on it.
    #[must_use]
    pub fn barcode(&self) -> &Barcode {
        match self {
            Self::Cartridge(cartridge) => &cartridge.barcode,
            Self::Thing(thing) => &thing.barcode,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Cartridge(cartridge) => &cartridge.place,
            Self::Thing(thing) => &thing.place,
        }
    }

    /// Since when it has been seen there.
    #[must_use]
    pub fn place_since(&self) -> DateTime<Utc> {
        match self {
            Self::Cartridge(cartridge) => cartridge.place_since,
            Self::Thing(thing) => thing.place_since,
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Cartridge(_) => "cartridge",
            Self::Thing(thing) => thing.kind.words(),
        }
    }

    /// The cartridge, if it is one.
    #[must_use]
    pub fn cartridge(&self) -> Option<&Cartridge> {
        match self {
            Self::Cartridge(cartridge) => Some(cartridge),
            Self::Thing(_) => None,
        }
    }

    /// The case, if it is one.
    #[must_use]
    pub fn case(&self) -> Option<&Thing> {
        match self {
            Self::Thing(thing) if thing.kind == ThingKind::Case => Some(thing),
            _ => None,
        }
    }
}

fn thing(row: &Row<'_>) -> rusqlite::Result<Thing> {
    Ok(Thing {
        id: row.get("id")?,
        barcode: row.get("barcode")?,
        kind: row.get("kind")?,
        description: row.get("description")?,
        holds: row.get("holds")?,
        added_at: moment(row, "added_at")?,
        gone_at: moment_option(row, "gone_at")?,
        place: place_from_row(row, PLACE_COLUMNS)?,
        place_since: moment(row, "place_since")?,
    })
}

impl View<'_> {
    /// A thing by id.
    pub fn thing(&self, id: ThingId) -> Result<Thing, CatalogueError> {
        self.get(
            Noun::Thing,
            &id,
            "SELECT * FROM thing WHERE id = ?1",
            [id],
            thing,
        )
    }

    /// The thing that carries this barcode now.
    pub fn thing_by_barcode(&self, barcode: &Barcode) -> Result<Option<Thing>, CatalogueError> {
        self.find(
            "SELECT * FROM thing WHERE barcode = ?1 AND gone_at IS NULL",
            [barcode],
            thing,
        )
    }

    /// All things that are not gone, by barcode.
    pub fn things(&self) -> Result<Vec<Thing>, CatalogueError> {
        self.all(
            "SELECT * FROM thing WHERE gone_at IS NULL ORDER BY barcode",
            [],
            thing,
        )
    }

    /// Whatever carries this barcode now.
    pub fn item_by_barcode(&self, barcode: &Barcode) -> Result<Option<Item>, CatalogueError> {
        if let Some(cartridge) = self.cartridge_by_barcode(barcode)? {
            return Ok(Some(Item::Cartridge(cartridge)));
        }
        Ok(self.thing_by_barcode(barcode)?.map(Item::Thing))
    }

    /// An item by id.
    pub fn item(&self, id: ItemId) -> Result<Item, CatalogueError> {
        let kind: String = self.get(
            Noun::Item,
            &id,
            "SELECT kind FROM item WHERE id = ?1",
            [id],
            |row| row.get(0),
        )?;
        if kind == "cartridge" {
            self.cartridge(id.as_cartridge()).map(Item::Cartridge)
        } else {
            self.thing(id.as_thing()).map(Item::Thing)
        }
    }

    /// Everything in custody that is not gone: cartridges, then things, by barcode.
    pub fn items(&self) -> Result<Vec<Item>, CatalogueError> {
        let cartridges = self.cartridges()?.into_iter().map(Item::Cartridge);
        let things = self.things()?.into_iter().map(Item::Thing);
        Ok(cartridges.chain(things).collect())
    }

    /// What is believed to be directly in a place with a name, by barcode.
    pub fn items_at(&self, place: &Place) -> Result<Vec<Item>, CatalogueError> {
        let (word, name) = place.word_and_name();
        let mut items: Vec<Item> = self
            .all(
                "SELECT id FROM cartridge WHERE place = ?1 AND place_name = ?2 AND gone_at IS NULL",
                (word, name),
                |row| row.get(0),
            )?
            .into_iter()
            .map(|id| self.cartridge(id).map(Item::Cartridge))
            .collect::<Result<_, _>>()?;
        items.extend(
            self.all(
                "SELECT * FROM thing WHERE place = ?1 AND place_name = ?2 AND gone_at IS NULL",
                (word, name),
                thing,
            )?
            .into_iter()
            .map(Item::Thing),
        );
        items.sort_by(|one, other| one.barcode().cmp(other.barcode()));
        Ok(items)
    }

    /// When a place was last counted to the end.
    pub fn last_count(&self, place: &PlaceCode) -> Result<Option<DateTime<Utc>>, CatalogueError> {
        let newest: Option<Moment> = self.one(
            "SELECT max(finished_at) FROM stock_count WHERE place = ?1",
            [place],
            |row| row.get(0),
        )?;
        Ok(newest.map(|moment| moment.0))
    }

    /// How many cartridges are believed to be in a place with a name, those in cases there too.
    pub fn cartridges_at(&self, place: &Place) -> Result<u32, CatalogueError> {
        let (word, name) = place.word_and_name();
        self.get(
            Noun::Item,
            &"in a place",
            "SELECT count(*) FROM cartridge WHERE gone_at IS NULL AND
                ((place = ?1 AND place_name = ?2) OR (place = 'case' AND place_name IN
                (SELECT barcode FROM thing WHERE place = ?1 AND place_name = ?2
                    AND gone_at IS NULL)))",
            (word, name),
            |row| row.get(0),
        )
    }
}

impl Tx<'_> {
    /// Registers a thing; its place is unknown until it is seen.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when another thing or a cartridge carries the barcode.
    pub fn add_thing(&self, new: &NewThing) -> Result<(), CatalogueError> {
        let exists = |noun| CatalogueError::Exists {
            noun,
            which: new.barcode.to_string(),
        };
        if self.cartridge_by_barcode(&new.barcode)?.is_some() {
            return Err(exists(Noun::Cartridge));
        }
        self.execute(
            "INSERT INTO item VALUES (?1, 'thing')",
            [ItemId::from(new.id)],
        )?;
        self.execute(
            "INSERT INTO thing (id, barcode, kind, description, holds, added_at, place_since)
             VALUES (:id, :barcode, :kind, :description, :holds, :at, :at)",
            named_params! {
                ":id": new.id,
                ":barcode": new.barcode,
                ":kind": new.kind,
                ":description": new.description,
                ":holds": new.holds,
                ":at": Moment(new.added_at),
            },
        )
        .map(|_| ())
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                exists(Noun::Thing)
            } else {
                error
            }
        })
    }

    /// Gives an item another barcode and keeps the old one in its history. What is in a case that gets
    /// one stays in it.
    pub fn change_barcode(
        &self,
        item: &Item,
        new: &Barcode,
        reason: &str,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        let sql = match item {
            Item::Cartridge(_) => "UPDATE cartridge SET barcode = ?2 WHERE id = ?1",
            Item::Thing(_) => "UPDATE thing SET barcode = ?2 WHERE id = ?1",
        };
        self.change(Noun::Item, item.barcode(), sql, (item.id(), new))?;
        if item.case().is_some() {
            for table in [
                "UPDATE cartridge SET place_name = ?2 WHERE place = 'case' AND place_name = ?1",
                "UPDATE thing SET place_name = ?2 WHERE place = 'case' AND place_name = ?1",
            ] {
                self.execute(table, (item.barcode(), new))?;
            }
        }
        self.execute(
            "INSERT INTO barcode_change (item, old, new, reason, at, by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (item.id(), item.barcode(), new, reason, Moment(at), by),
        )
        .map(|_| ())
    }

    /// The thing left for good: its barcode may be used again.
    pub fn retire_thing(&self, id: ThingId, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::Thing,
            &id,
            "UPDATE thing SET gone_at = ?2, place = 'unknown', place_library = NULL,
                place_kind = NULL, place_element = NULL, place_name = NULL, place_since = ?2
             WHERE id = ?1 AND gone_at IS NULL",
            (id, Moment(at)),
        )
    }
}
