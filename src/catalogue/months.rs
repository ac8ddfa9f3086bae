//! Months: which fulls need not be, and which months are closed.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::CatalogueError;
use super::month::Month;
use super::sql::{Json, Moment, moment};
use super::store::{Tx, View};
use crate::journal::Actor;

/// A full that need not be in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The month.
    pub month: Month,
    /// Name of the set.
    pub name: String,
    /// Whose decision it is.
    pub waived_by: String,
    /// Why.
    pub reason: String,
    /// Who recorded it, and where.
    pub actor: Actor,
    /// When.
    pub at: DateTime<Utc>,
}

/// A month that is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosedMonth {
    /// The month.
    pub month: Month,
    /// What was found then, set by set.
    pub lines: Value,
    /// Who closed it, and where.
    pub actor: Actor,
    /// When.
    pub at: DateTime<Utc>,
}

fn actor(row: &Row<'_>) -> rusqlite::Result<Actor> {
    Ok(Actor {
        person: row.get("person")?,
        account: None,
        station: row.get("station")?,
    })
}

fn closed(row: &Row<'_>) -> rusqlite::Result<ClosedMonth> {
    Ok(ClosedMonth {
        month: row.get("month")?,
        lines: row.get::<_, Json<Value>>("lines")?.0,
        actor: actor(row)?,
        at: moment(row, "at")?,
    })
}

impl View<'_> {
    /// What was waived in a month, by name.
    pub fn waivers(&self, month: Month) -> Result<Vec<Waiver>, CatalogueError> {
        self.all(
            "SELECT * FROM month_waiver WHERE month = ?1 ORDER BY name",
            [month],
            |row| {
                Ok(Waiver {
                    month: row.get("month")?,
                    name: row.get("name")?,
                    waived_by: row.get("waived_by")?,
                    reason: row.get("reason")?,
                    actor: actor(row)?,
                    at: moment(row, "at")?,
                })
            },
        )
    }

    /// A month, if it is closed.
    pub fn closed_month(&self, month: Month) -> Result<Option<ClosedMonth>, CatalogueError> {
        self.find(
            "SELECT * FROM month_closed WHERE month = ?1",
            [month],
            closed,
        )
    }

    /// All months that are closed, in order.
    pub fn closed_months(&self) -> Result<Vec<ClosedMonth>, CatalogueError> {
        self.all("SELECT * FROM month_closed ORDER BY month", [], closed)
    }
}

impl Tx<'_> {
    /// Records that a full need not be in a month.
    ///
    /// # Errors
    /// It was recorded before.
    pub fn add_waiver(&self, new: &Waiver) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO month_waiver (month, name, waived_by, reason, person, station, at)
             VALUES (:month, :name, :by, :reason, :person, :station, :at)",
            named_params! {
                ":month": new.month,
                ":name": new.name,
                ":by": new.waived_by,
                ":reason": new.reason,
                ":person": new.actor.person,
                ":station": new.actor.station,
                ":at": Moment(new.at),
            },
        )
        .map(|_| ())
    }

    /// Records that a month is closed.
    ///
    /// # Errors
    /// It was recorded before.
    pub fn close_month(&self, new: &ClosedMonth) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO month_closed (month, lines, person, station, at)
             VALUES (:month, :lines, :person, :station, :at)",
            named_params! {
                ":month": new.month,
                ":lines": Json(&new.lines),
                ":person": new.actor.person,
                ":station": new.actor.station,
                ":at": Moment(new.at),
            },
        )
        .map(|_| ())
    }
}
