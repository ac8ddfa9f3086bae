//! Where cartridges are: events, and the newest of them cached on the cartridge.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sql::{Moment, integer_column, moment, text_enum};
use super::store::{Tx, View};
use crate::id::{CartridgeId, LibraryId, RunId};

/// Address of an element within a library (SMC-3, media changer elements). Not the
/// one of `drivers`: that crate knows no
/// SQL, and its types cannot be given any here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElementAddress(pub u16);
integer_column!(ElementAddress);

impl std::fmt::Display for ElementAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

text_enum! {
    /// Kind of an element (SMC-3, element types), as the record spells it; see [`ElementAddress`].
    pub enum ElementKind {
        /// The robot's hand.
        Transport = "transport",
        /// A slot.
        Storage = "storage",
        /// A mail slot.
        ImportExport = "import_export",
        /// A drive.
        Drive = "drive",
    }
}

text_enum! {
    /// Who says so.
    pub enum Witness {
        /// A library's element status.
        Robot = "robot",
        /// A person, by hand or scanner.
        Person = "person",
        /// Follows from another observation.
        Derived = "derived",
    }
}

text_enum! {
    /// The word a place is stored under.
    pub(super) enum PlaceWord {
        /// In an element.
        Element = "element",
        /// Outside.
        Outside = "outside",
        /// In transit.
        InTransit = "in_transit",
        /// In a safe.
        Safe = "safe",
        /// In a vault.
        Vault = "vault",
        /// Missing.
        Missing = "missing",
        /// Unknown.
        Unknown = "unknown",
    }
}

/// Where a cartridge is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum Place {
    /// In an element of a library.
    Element {
        /// Which library.
        library: LibraryId,
        /// Kind of the element.
        kind: ElementKind,
        /// Its address.
        address: ElementAddress,
    },
    /// Taken out of a library; nobody has said yet where it went.
    Outside,
    /// With a courier.
    InTransit,
    /// In a safe of ours.
    Safe {
        /// Name of the safe.
        name: String,
    },
    /// In a vault.
    Vault {
        /// Name of the vault.
        name: String,
    },
    /// It should be somewhere and is not.
    Missing,
    /// Never seen, or something else is where it was.
    Unknown,
}

/// An observation about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlace {
    /// What was seen.
    pub cartridge: CartridgeId,
    /// Where.
    pub place: Place,
    /// When.
    pub at: DateTime<Utc>,
    /// Who says so.
    pub witness: Witness,
    /// In which run.
    pub run: Option<RunId>,
    /// In words.
    pub note: Option<String>,
}

/// An observation as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceEvent {
    /// Where.
    pub place: Place,
    /// When.
    pub at: DateTime<Utc>,
    /// Who says so.
    pub witness: Witness,
    /// In which run.
    pub run: Option<RunId>,
    /// In words.
    pub note: Option<String>,
}

/// The columns of a place: word, library, kind of element, element, name.
pub(super) struct PlaceColumns<'a> {
    pub(super) word: PlaceWord,
    pub(super) library: Option<LibraryId>,
    pub(super) kind: Option<ElementKind>,
    pub(super) element: Option<ElementAddress>,
    pub(super) name: Option<&'a str>,
}

impl Place {
    fn columns(&self) -> PlaceColumns<'_> {
        let plain = |word| PlaceColumns {
            word,
            library: None,
            kind: None,
            element: None,
            name: None,
        };
        match self {
            Self::Element {
                library,
                kind,
                address,
            } => PlaceColumns {
                library: Some(*library),
                kind: Some(*kind),
                element: Some(*address),
                ..plain(PlaceWord::Element)
            },
            Self::Outside => plain(PlaceWord::Outside),
            Self::InTransit => plain(PlaceWord::InTransit),
            Self::Safe { name } => PlaceColumns {
                name: Some(name),
                ..plain(PlaceWord::Safe)
            },
            Self::Vault { name } => PlaceColumns {
                name: Some(name),
                ..plain(PlaceWord::Vault)
            },
            Self::Missing => plain(PlaceWord::Missing),
            Self::Unknown => plain(PlaceWord::Unknown),
        }
    }
}

/// Reads a place from columns in the order of [`PlaceColumns`].
pub(super) fn place_from_row(row: &Row<'_>, columns: [&str; 5]) -> rusqlite::Result<Place> {
    let [word, library, kind, element, name] = columns;
    Ok(match row.get(word)? {
        PlaceWord::Element => Place::Element {
            library: row.get(library)?,
            kind: row.get(kind)?,
            address: row.get(element)?,
        },
        PlaceWord::Outside => Place::Outside,
        PlaceWord::InTransit => Place::InTransit,
        PlaceWord::Safe => Place::Safe {
            name: row.get(name)?,
        },
        PlaceWord::Vault => Place::Vault {
            name: row.get(name)?,
        },
        PlaceWord::Missing => Place::Missing,
        PlaceWord::Unknown => Place::Unknown,
    })
}

impl View<'_> {
    /// Which cartridge is believed to be in an element.
    pub fn cartridge_in(
        &self,
        library: LibraryId,
        address: ElementAddress,
    ) -> Result<Option<CartridgeId>, CatalogueError> {
        self.find(
            "SELECT id FROM cartridge
             WHERE place = 'element' AND place_library = ?1 AND place_element = ?2",
            (library, address),
            |row| row.get(0),
        )
    }

    /// Which cartridges are believed to be in a library, by element address.
    pub fn cartridges_in(
        &self,
        library: LibraryId,
    ) -> Result<Vec<(ElementAddress, CartridgeId)>, CatalogueError> {
        self.all(
            "SELECT place_element, id FROM cartridge
             WHERE place = 'element' AND place_library = ?1 ORDER BY place_element",
            [library],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Everything that was seen of a cartridge, oldest first.
    pub fn place_history(&self, id: CartridgeId) -> Result<Vec<PlaceEvent>, CatalogueError> {
        self.all(
            "SELECT * FROM place_event WHERE cartridge = ?1 ORDER BY id",
            [id],
            |row| {
                Ok(PlaceEvent {
                    place: place_from_row(row, ["place", "library", "kind", "element", "name"])?,
                    at: moment(row, "at")?,
                    witness: row.get("witness")?,
                    run: row.get("run")?,
                    note: row.get("note")?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Records where a cartridge was seen. A cartridge that was believed to be in the same element
    /// becomes [`Place::Unknown`] and is returned: an element holds one.
    pub fn record_place(&self, new: &NewPlace) -> Result<Option<CartridgeId>, CatalogueError> {
        let mut displaced = None;
        if let Place::Element {
            library, address, ..
        } = &new.place
        {
            displaced = self
                .cartridge_in(*library, *address)?
                .filter(|other| *other != new.cartridge);
        }
        if let Some(other) = displaced {
            self.insert_place(&NewPlace {
                cartridge: other,
                place: Place::Unknown,
                at: new.at,
                witness: Witness::Derived,
                run: new.run,
                note: Some(format!("cartridge {} is in its place", new.cartridge)),
            })?;
        }
        self.insert_place(new)?;
        Ok(displaced)
    }

    fn insert_place(&self, new: &NewPlace) -> Result<(), CatalogueError> {
        let place = new.place.columns();
        self.change(
            Noun::Cartridge,
            &new.cartridge,
            "UPDATE cartridge SET place = :place, place_library = :library, place_kind = :kind,
                place_element = :element, place_name = :name, place_since = :at
             WHERE id = :cartridge AND gone_at IS NULL",
            named_params! {
                ":cartridge": new.cartridge,
                ":place": place.word,
                ":library": place.library,
                ":kind": place.kind,
                ":element": place.element,
                ":name": place.name,
                ":at": Moment(new.at),
            },
        )?;
        self.execute(
            "INSERT INTO place_event
                (cartridge, at, place, library, kind, element, name, witness, run, note)
             VALUES (:cartridge, :at, :place, :library, :kind, :element, :name, :witness, :run,
                :note)",
            named_params! {
                ":cartridge": new.cartridge,
                ":at": Moment(new.at),
                ":place": place.word,
                ":library": place.library,
                ":kind": place.kind,
                ":element": place.element,
                ":name": place.name,
                ":witness": new.witness,
                ":run": new.run,
                ":note": new.note,
            },
        )
        .map(|_| ())
    }
}
