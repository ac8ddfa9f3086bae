//! Where cartridges are: events, and the newest of them cached on the cartridge.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::items::Item;
use super::sql::{Moment, integer_column, moment, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, CartridgeId, ItemId, LibraryId, PersonCode, PlaceCode, RunId};

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
        /// A bar code read by one of us.
        Scanned = "scanned",
        /// Typed by one of us.
        Keyed = "keyed",
        /// A vault's list names it.
        Receipt = "receipt",
        /// A vault has acknowledged the case and that its seal is intact.
        Case = "case",
        /// Only the carrier has signed.
        Signed = "signed",
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
        /// On a shelf.
        Shelf = "shelf",
        /// In a vault.
        Vault = "vault",
        /// In the cloud.
        Cloud = "cloud",
        /// At somebody's home.
        Home = "home",
        /// Stuck in a drive that is away for repair.
        Repair = "repair",
        /// At somebody else's, whose it is.
        Foreign = "foreign",
        /// In a case.
        Case = "case",
        /// With a person.
        Person = "person",
        /// Missing.
        Missing = "missing",
        /// Unknown.
        Unknown = "unknown",
    }
}

text_enum! {
    /// Kind of a place that the configuration names.
    pub enum PlaceKind {
        /// A safe of ours.
        Safe = "safe",
        /// A shelf of ours.
        Shelf = "shelf",
        /// A vendor's vault.
        Vault = "vault",
        /// Storage in the cloud.
        Cloud = "cloud",
        /// Somebody's home.
        Home = "home",
        /// Out for repair, in a drive.
        Repair = "repair",
        /// What is not ours is kept apart here.
        Foreign = "foreign",
    }
}

impl PlaceKind {
    /// Whether what is there is out of the building.
    #[must_use]
    pub fn is_offsite(self) -> bool {
        match self {
            Self::Vault | Self::Cloud | Self::Home | Self::Repair => true,
            Self::Safe | Self::Shelf | Self::Foreign => false,
        }
    }

    fn word(self) -> PlaceWord {
        match self {
            Self::Safe => PlaceWord::Safe,
            Self::Shelf => PlaceWord::Shelf,
            Self::Vault => PlaceWord::Vault,
            Self::Cloud => PlaceWord::Cloud,
            Self::Home => PlaceWord::Home,
            Self::Repair => PlaceWord::Repair,
            Self::Foreign => PlaceWord::Foreign,
        }
    }
}

/// Where an item is.
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
    /// Taken out of where it was; nobody has said yet where it went.
    Outside,
    /// With a courier.
    InTransit,
    /// In a place that the configuration names.
    Kept {
        /// What kind of place it is.
        kind: PlaceKind,
        /// Its code.
        code: PlaceCode,
    },
    /// In a case; where that is, its own row says.
    Case {
        /// What is printed on the case.
        case: Barcode,
    },
    /// With a person who has signed for it.
    Person {
        /// Who.
        person: PersonCode,
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
    pub item: ItemId,
    /// Where.
    pub place: Place,
    /// When.
    pub at: DateTime<Utc>,
    /// When it is recorded: later than `at` when a paper is entered afterwards.
    pub entered_at: DateTime<Utc>,
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
    /// When it was recorded.
    pub entered_at: DateTime<Utc>,
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
            Self::Kept { kind, code } => PlaceColumns {
                name: Some(code.as_str()),
                ..plain(kind.word())
            },
            Self::Case { case } => PlaceColumns {
                name: Some(case.as_str()),
                ..plain(PlaceWord::Case)
            },
            Self::Person { person } => PlaceColumns {
                name: Some(person.as_str()),
                ..plain(PlaceWord::Person)
            },
            Self::Missing => plain(PlaceWord::Missing),
            Self::Unknown => plain(PlaceWord::Unknown),
        }
    }
}

impl Place {
    /// The word it is stored under, and its name if it has one.
    pub(super) fn word_and_name(&self) -> (PlaceWord, Option<&str>) {
        let columns = self.columns();
        (columns.word, columns.name)
    }

    /// Whether it is out of the building, or on its way. A case or person may be anywhere: the
    /// caller looks at where the case is.
    #[must_use]
    pub fn is_offsite(&self) -> bool {
        match self {
            Self::InTransit => true,
            Self::Kept { kind, .. } => kind.is_offsite(),
            _ => false,
        }
    }
}

/// The columns of an item's own place, in the order of [`PlaceColumns`].
pub(super) const PLACE_COLUMNS: [&str; 5] = [
    "place",
    "place_library",
    "place_kind",
    "place_element",
    "place_name",
];

/// Reads a place from columns in the order of [`PlaceColumns`].
pub(super) fn place_from_row(row: &Row<'_>, columns: [&str; 5]) -> rusqlite::Result<Place> {
    let [word, library, kind, element, name] = columns;
    let kept = |kind| {
        Ok::<_, rusqlite::Error>(Place::Kept {
            kind,
            code: row.get(name)?,
        })
    };
    Ok(match row.get(word)? {
        PlaceWord::Element => Place::Element {
            library: row.get(library)?,
            kind: row.get(kind)?,
            address: row.get(element)?,
        },
        PlaceWord::Outside => Place::Outside,
        PlaceWord::InTransit => Place::InTransit,
        PlaceWord::Safe => kept(PlaceKind::Safe)?,
        PlaceWord::Shelf => kept(PlaceKind::Shelf)?,
        PlaceWord::Vault => kept(PlaceKind::Vault)?,
        PlaceWord::Cloud => kept(PlaceKind::Cloud)?,
        PlaceWord::Home => kept(PlaceKind::Home)?,
        PlaceWord::Repair => kept(PlaceKind::Repair)?,
        PlaceWord::Foreign => kept(PlaceKind::Foreign)?,
        PlaceWord::Case => Place::Case {
            case: row.get(name)?,
        },
        PlaceWord::Person => Place::Person {
            person: row.get(name)?,
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

    /// Everything that was seen of an item, in the order of recording.
    pub fn place_history(&self, id: impl Into<ItemId>) -> Result<Vec<PlaceEvent>, CatalogueError> {
        self.all(
            "SELECT * FROM place_event WHERE item = ?1 ORDER BY id",
            [id.into()],
            |row| {
                Ok(PlaceEvent {
                    place: place_from_row(row, ["place", "library", "kind", "element", "name"])?,
                    at: moment(row, "at")?,
                    entered_at: moment(row, "entered_at")?,
                    witness: row.get("witness")?,
                    run: row.get("run")?,
                    note: row.get("note")?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Records where an item was seen. A cartridge that was believed to be in the same element
    /// becomes [`Place::Unknown`] and is returned: an element holds one. What is entered late and is
    /// older than what is known by now is history only.
    pub fn record_place(&self, new: &NewPlace) -> Result<Option<CartridgeId>, CatalogueError> {
        let mut displaced = None;
        if let Place::Element {
            library, address, ..
        } = &new.place
        {
            displaced = self
                .cartridge_in(*library, *address)?
                .filter(|other| ItemId::from(*other) != new.item);
        }
        if let Some(other) = displaced {
            self.insert_place(&NewPlace {
                item: other.into(),
                place: Place::Unknown,
                at: new.at,
                entered_at: new.entered_at,
                witness: Witness::Derived,
                run: new.run,
                note: Some(format!("cartridge {} is in its place", new.item)),
            })?;
        }
        self.insert_place(new)?;
        Ok(displaced)
    }

    fn insert_place(&self, new: &NewPlace) -> Result<(), CatalogueError> {
        let item = self.item(new.item)?;
        let is_news = new.at >= new.entered_at || new.at >= item.place_since();
        if is_news {
            self.cache_place(&item, new)?;
        }
        let place = new.place.columns();
        self.execute(
            "INSERT INTO place_event
                (item, at, entered_at, place, library, kind, element, name, witness, run, note)
             VALUES (:item, :at, :entered, :place, :library, :kind, :element, :name, :witness,
                :run, :note)",
            named_params! {
                ":item": new.item,
                ":at": Moment(new.at),
                ":entered": Moment(new.entered_at),
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

    fn cache_place(&self, item: &Item, new: &NewPlace) -> Result<(), CatalogueError> {
        let place = new.place.columns();
        let (noun, sql) = match item {
            Item::Cartridge(_) => (
                Noun::Cartridge,
                "UPDATE cartridge SET place = :place, place_library = :library,
                    place_kind = :kind, place_element = :element, place_name = :name,
                    place_since = :at
                 WHERE id = :item AND gone_at IS NULL",
            ),
            Item::Thing(_) => (
                Noun::Thing,
                "UPDATE thing SET place = :place, place_library = :library,
                    place_kind = :kind, place_element = :element, place_name = :name,
                    place_since = :at
                 WHERE id = :item AND gone_at IS NULL",
            ),
        };
        self.change(
            noun,
            &new.item,
            sql,
            named_params! {
                ":item": new.item,
                ":place": place.word,
                ":library": place.library,
                ":kind": place.kind,
                ":element": place.element,
                ":name": place.name,
                ":at": Moment(new.at),
            },
        )
    }
}
