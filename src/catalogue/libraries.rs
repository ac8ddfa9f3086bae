//! Libraries and drives, by the identity they report.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::places::{ElementAddress, ElementKind};
use super::sql::{Moment, moment};
use super::store::{Tx, View};
use crate::id::LibraryId;

/// A tape library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Its id.
    pub id: LibraryId,
    /// Its name in the configuration, unique.
    pub name: String,
    /// T10 vendor identification (SPC-4, standard INQUIRY data), without trailing blanks.
    pub vendor: String,
    /// Product identification, without trailing blanks.
    pub product: String,
    /// Unit serial number (SPC-4, VPD page 80h).
    pub serial: String,
    /// When it was first seen.
    pub first_seen_at: DateTime<Utc>,
}

/// A library as it was just seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLibrary {
    /// Its id if it is new.
    pub id: LibraryId,
    /// Its name in the configuration.
    pub name: String,
    /// As in [`Library::vendor`].
    pub vendor: String,
    /// As in [`Library::product`].
    pub product: String,
    /// As in [`Library::serial`].
    pub serial: String,
    /// Now.
    pub seen_at: DateTime<Utc>,
}

/// A tape drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drive {
    /// Unit serial number (SPC-4, VPD page 80h), unique.
    pub serial: String,
    /// T10 vendor identification, without trailing blanks.
    pub vendor: String,
    /// Product identification, without trailing blanks.
    pub product: String,
    /// The library it is in, and its element there.
    pub place: Option<(LibraryId, ElementAddress)>,
    /// When it was last seen.
    pub seen_at: DateTime<Utc>,
}

/// An element as people count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedElement {
    /// Its address.
    pub address: ElementAddress,
    /// Its kind.
    pub kind: ElementKind,
    /// Its number among those of its kind.
    pub number: u16,
}

fn element(row: &Row<'_>) -> rusqlite::Result<NumberedElement> {
    Ok(NumberedElement {
        address: row.get("address")?,
        kind: row.get("kind")?,
        number: row.get("number")?,
    })
}

fn library(row: &Row<'_>) -> rusqlite::Result<Library> {
    Ok(Library {
        id: row.get("id")?,
        name: row.get("name")?,
        vendor: row.get("vendor")?,
        product: row.get("product")?,
        serial: row.get("serial")?,
        first_seen_at: moment(row, "first_seen_at")?,
    })
}

fn drive(row: &Row<'_>) -> rusqlite::Result<Drive> {
    let library: Option<LibraryId> = row.get("library")?;
    Ok(Drive {
        serial: row.get("serial")?,
        vendor: row.get("vendor")?,
        product: row.get("product")?,
        place: library.zip(row.get("element")?),
        seen_at: moment(row, "seen_at")?,
    })
}

impl View<'_> {
    /// A library by id.
    pub fn library(&self, id: LibraryId) -> Result<Library, CatalogueError> {
        self.get(
            Noun::Library,
            &id,
            "SELECT * FROM library WHERE id = ?1",
            [id],
            library,
        )
    }

    /// A library by its name in the configuration.
    pub fn library_by_name(&self, name: &str) -> Result<Option<Library>, CatalogueError> {
        self.find("SELECT * FROM library WHERE name = ?1", [name], library)
    }

    /// All libraries, by name.
    pub fn libraries(&self) -> Result<Vec<Library>, CatalogueError> {
        self.all("SELECT * FROM library ORDER BY name", [], library)
    }

    /// How a library's elements are numbered, by address, as last recorded.
    pub fn elements(&self, library: LibraryId) -> Result<Vec<NumberedElement>, CatalogueError> {
        self.all(
            "SELECT * FROM element WHERE library = ?1 ORDER BY address",
            [library],
            element,
        )
    }

    /// How an element is numbered, if that was ever recorded.
    pub fn element(
        &self,
        library: LibraryId,
        address: ElementAddress,
    ) -> Result<Option<NumberedElement>, CatalogueError> {
        self.find(
            "SELECT * FROM element WHERE library = ?1 AND address = ?2",
            (library, address),
            element,
        )
    }

    /// All drives, by library and element.
    pub fn drives(&self) -> Result<Vec<Drive>, CatalogueError> {
        self.all(
            "SELECT * FROM drive ORDER BY library, element, serial",
            [],
            drive,
        )
    }
}

impl Tx<'_> {
    /// Records a library that was seen and returns its id: the same device (vendor, product,
    /// serial) keeps its id and takes the name given.
    ///
    /// # Errors
    /// [`CatalogueError::Constraint`] when another device has the name.
    pub fn record_library(&self, seen: &NewLibrary) -> Result<LibraryId, CatalogueError> {
        self.one(
            "INSERT INTO library (id, name, vendor, product, serial, first_seen_at)
             VALUES (:id, :name, :vendor, :product, :serial, :at)
             ON CONFLICT (vendor, product, serial) DO UPDATE SET name = excluded.name
             RETURNING id",
            named_params! {
                ":id": seen.id,
                ":name": seen.name,
                ":vendor": seen.vendor,
                ":product": seen.product,
                ":serial": seen.serial,
                ":at": Moment(seen.seen_at),
            },
            |row| row.get(0),
        )
    }

    /// Records how a library's elements are numbered; writes nothing where that is known.
    /// `elements` is by address.
    pub fn record_elements(
        &self,
        library: LibraryId,
        elements: &[NumberedElement],
    ) -> Result<(), CatalogueError> {
        if self.elements(library)? == elements {
            return Ok(());
        }
        self.execute("DELETE FROM element WHERE library = ?1", [library])?;
        for element in elements {
            self.execute(
                "INSERT INTO element (library, address, kind, number) VALUES (?1, ?2, ?3, ?4)",
                (library, element.address, element.kind, element.number),
            )?;
        }
        Ok(())
    }

    /// Records a drive that was seen. A drive that was in the same element before no longer is.
    pub fn record_drive(&self, seen: &Drive) -> Result<(), CatalogueError> {
        let (library, element) = seen.place.unzip();
        self.execute(
            "UPDATE drive SET library = NULL, element = NULL
             WHERE library = ?1 AND element = ?2 AND serial <> ?3",
            (library, element, &seen.serial),
        )?;
        self.execute(
            "INSERT INTO drive (serial, vendor, product, library, element, seen_at)
             VALUES (:serial, :vendor, :product, :library, :element, :at)
             ON CONFLICT (serial) DO UPDATE SET vendor = excluded.vendor,
                product = excluded.product, library = excluded.library,
                element = excluded.element, seen_at = excluded.seen_at",
            named_params! {
                ":serial": seen.serial,
                ":vendor": seen.vendor,
                ":product": seen.product,
                ":library": library,
                ":element": element,
                ":at": Moment(seen.seen_at),
            },
        )
        .map(|_| ())
    }
}
