//! Counts of places: who, when, what was found.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sql::{Moment, moment, moment_option};
use super::store::{Tx, View};
use crate::id::{Barcode, CountId, PersonCode, PlaceCode};

/// A count of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockCount {
    /// Its id.
    pub id: CountId,
    /// The place.
    pub place: PlaceCode,
    /// Whether who counted saw what is expected.
    pub blind: bool,
    /// By whom.
    pub counted_by: PersonCode,
    /// The count it is the second opinion on.
    pub second_of: Option<CountId>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many items the record had there.
    pub expected: Option<u32>,
    /// How many were found.
    pub found: Option<u32>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockCountLine {
    /// What is printed on it.
    pub barcode: Barcode,
    /// Whether that was typed.
    pub keyed: bool,
    /// When.
    pub at: DateTime<Utc>,
}

fn count(row: &Row<'_>) -> rusqlite::Result<StockCount> {
    Ok(StockCount {
        id: row.get("id")?,
        place: row.get("place")?,
        blind: row.get("blind")?,
        counted_by: row.get("counted_by")?,
        second_of: row.get("second_of")?,
        started_at: moment(row, "started_at")?,
        finished_at: moment_option(row, "finished_at")?,
        expected: row.get("expected")?,
        found: row.get("found")?,
    })
}

impl View<'_> {
    /// A count by id.
    pub fn stock_count(&self, id: CountId) -> Result<StockCount, CatalogueError> {
        self.get(
            Noun::Count,
            &id,
            "SELECT * FROM stock_count WHERE id = ?1",
            [id],
            count,
        )
    }

    /// Every count, oldest first.
    pub fn stock_counts(&self) -> Result<Vec<StockCount>, CatalogueError> {
        self.all(
            "SELECT * FROM stock_count ORDER BY started_at, id",
            [],
            count,
        )
    }

    /// The last count of a place that was finished.
    pub fn last_count_of(&self, place: &PlaceCode) -> Result<Option<StockCount>, CatalogueError> {
        self.find(
            "SELECT * FROM stock_count WHERE place = ?1 AND finished_at IS NOT NULL
             ORDER BY finished_at DESC LIMIT 1",
            [place],
            count,
        )
    }

    /// What a count found, by barcode.
    pub fn stock_count_lines(&self, id: CountId) -> Result<Vec<StockCountLine>, CatalogueError> {
        self.all(
            "SELECT * FROM stock_count_line WHERE count = ?1 ORDER BY barcode",
            [id],
            |row| {
                Ok(StockCountLine {
                    barcode: row.get("barcode")?,
                    keyed: row.get("keyed")?,
                    at: moment(row, "at")?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Begins a count.
    pub fn add_stock_count(&self, new: &StockCount) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO stock_count (id, place, blind, counted_by, second_of, started_at)
             VALUES (:id, :place, :blind, :by, :second_of, :at)",
            named_params! {
                ":id": new.id,
                ":place": new.place,
                ":blind": new.blind,
                ":by": new.counted_by,
                ":second_of": new.second_of,
                ":at": Moment(new.started_at),
            },
        )
        .map(|_| ())
    }

    /// Something was found; twice is once.
    pub fn add_stock_count_line(
        &self,
        id: CountId,
        line: &StockCountLine,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO stock_count_line VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (id, &line.barcode, line.keyed, Moment(line.at)),
        )
        .map(|_| ())
    }

    /// It was not found after all.
    pub fn drop_stock_count_line(
        &self,
        id: CountId,
        barcode: &Barcode,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "DELETE FROM stock_count_line WHERE count = ?1 AND barcode = ?2",
            (id, barcode),
        )
        .map(|_| ())
    }

    /// The count is over.
    pub fn finish_stock_count(
        &self,
        id: CountId,
        at: DateTime<Utc>,
        expected: u32,
        found: u32,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Count,
            &id,
            "UPDATE stock_count SET finished_at = ?2, expected = ?3, found = ?4
             WHERE id = ?1 AND finished_at IS NULL",
            (id, Moment(at), expected, found),
        )
    }
}
