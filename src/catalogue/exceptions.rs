//! What disagrees, until somebody explains it.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sql::{Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, CourierRunId, ItemId, PlaceCode};

text_enum! {
    /// In what way.
    pub enum ExceptionKind {
        /// It should be there and is not.
        Missing = "missing",
        /// It is there and nobody expects it.
        Surplus = "surplus",
        /// It is somewhere else than on record.
        Misplaced = "misplaced",
        /// It should have been there by now.
        Overdue = "overdue",
        /// It came, and was never to come.
        NeverExpected = "never_expected",
        /// Two are each in the other's place.
        Swapped = "swapped",
        /// Two carry the same barcode.
        Duplicate = "duplicate",
        /// It belongs to somebody else.
        Foreign = "foreign",
        /// A seal is broken, or has another number.
        Seal = "seal",
        /// Nobody came.
        NoShow = "no_show",
        /// It was lost.
        Lost = "lost",
        /// It was dropped.
        Dropped = "dropped",
        /// It got wet.
        Wet = "wet",
        /// Its bar code cannot be read.
        Unreadable = "unreadable",
        /// It is broken.
        Broken = "broken",
        /// A place holds more than it may.
        Full = "full",
        /// A certificate does not name everything.
        ShortCertificate = "short_certificate",
        /// What was printed has been struck since.
        Struck = "struck",
    }
}

/// Something that disagrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its number, from 1.
    pub number: u32,
    /// In what way.
    pub kind: ExceptionKind,
    /// The item it is about, where that is known.
    pub item: Option<ItemId>,
    /// What is printed on it.
    pub barcode: Option<Barcode>,
    /// The place it is about.
    pub place: Option<PlaceCode>,
    /// The courier run it happened on.
    pub run: Option<CourierRunId>,
    /// In words.
    pub detail: String,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
    /// By whom.
    pub opened_by: String,
    /// When it was explained.
    pub closed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub closed_by: Option<String>,
    /// How.
    pub explanation: Option<String>,
}

/// Something that disagrees, as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewException {
    /// In what way.
    pub kind: ExceptionKind,
    /// The item it is about, where that is known.
    pub item: Option<ItemId>,
    /// What is printed on it.
    pub barcode: Option<Barcode>,
    /// The place it is about.
    pub place: Option<PlaceCode>,
    /// The courier run it happened on.
    pub run: Option<CourierRunId>,
    /// In words.
    pub detail: String,
    /// Now.
    pub opened_at: DateTime<Utc>,
    /// By whom.
    pub opened_by: String,
}

fn exception(row: &Row<'_>) -> rusqlite::Result<Exception> {
    Ok(Exception {
        number: row.get("number")?,
        kind: row.get("kind")?,
        item: row.get("item")?,
        barcode: row.get("barcode")?,
        place: row.get("place")?,
        run: row.get("run")?,
        detail: row.get("detail")?,
        opened_at: moment(row, "opened_at")?,
        opened_by: row.get("opened_by")?,
        closed_at: moment_option(row, "closed_at")?,
        closed_by: row.get("closed_by")?,
        explanation: row.get("explanation")?,
    })
}

impl View<'_> {
    /// Every exception, by number.
    pub fn exceptions(&self) -> Result<Vec<Exception>, CatalogueError> {
        self.all("SELECT * FROM exception ORDER BY number", [], exception)
    }

    /// Those nobody has explained yet, by number.
    pub fn open_exceptions(&self) -> Result<Vec<Exception>, CatalogueError> {
        self.all(
            "SELECT * FROM exception WHERE closed_at IS NULL ORDER BY number",
            [],
            exception,
        )
    }

    /// Those of an item that nobody has explained yet.
    pub fn open_exceptions_of(&self, item: ItemId) -> Result<Vec<Exception>, CatalogueError> {
        self.all(
            "SELECT * FROM exception WHERE item = ?1 AND closed_at IS NULL ORDER BY number",
            [item],
            exception,
        )
    }

    /// Those of a courier run, by number.
    pub fn exceptions_on(&self, run: CourierRunId) -> Result<Vec<Exception>, CatalogueError> {
        self.all(
            "SELECT * FROM exception WHERE run = ?1 ORDER BY number",
            [run],
            exception,
        )
    }

    /// An exception by number.
    pub fn exception(&self, number: u32) -> Result<Exception, CatalogueError> {
        self.get(
            Noun::Exception,
            &number,
            "SELECT * FROM exception WHERE number = ?1",
            [number],
            exception,
        )
    }

    /// The open exception that says the same already: kind, barcode, place and run.
    pub fn same_exception(&self, new: &NewException) -> Result<Option<Exception>, CatalogueError> {
        self.find(
            "SELECT * FROM exception WHERE closed_at IS NULL AND kind = ?1 AND barcode IS ?2
                AND place IS ?3 AND run IS ?4",
            (new.kind, &new.barcode, &new.place, new.run),
            exception,
        )
    }
}

impl Tx<'_> {
    /// Opens an exception and returns its number.
    pub fn add_exception(&self, new: &NewException) -> Result<u32, CatalogueError> {
        self.execute(
            "INSERT INTO exception (kind, item, barcode, place, run, detail, opened_at, opened_by)
             VALUES (:kind, :item, :barcode, :place, :run, :detail, :at, :by)",
            named_params! {
                ":kind": new.kind,
                ":item": new.item,
                ":barcode": new.barcode,
                ":place": new.place,
                ":run": new.run,
                ":detail": new.detail,
                ":at": Moment(new.opened_at),
                ":by": new.opened_by,
            },
        )?;
        self.one("SELECT last_insert_rowid()", [], |row| row.get(0))
    }

    /// Somebody explains an exception.
    pub fn close_exception(
        &self,
        number: u32,
        explanation: &str,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Exception,
            &number,
            "UPDATE exception SET closed_at = ?2, closed_by = ?3, explanation = ?4
             WHERE number = ?1 AND closed_at IS NULL",
            (number, Moment(at), by, explanation),
        )
    }
}
