//! Movements: what is to go from one place to another, and how far it has come.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, ConstraintKind, Noun};
use super::places::{Place, Witness};
use super::sql::{Day, Json, Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{CourierRunId, ItemId, MovementId, ThingId};

text_enum! {
    /// How far a movement has come.
    pub enum MovementState {
        /// Nobody has touched it yet.
        Planned = "planned",
        /// Taken from where it was, or packed.
        Picked = "picked",
        /// Handed over.
        InTransit = "in_transit",
        /// Where it was to go.
        Received = "received",
        /// It need not go any more.
        Cancelled = "cancelled",
        /// It did not arrive, and its time is over.
        Missing = "missing",
    }
}

impl MovementState {
    /// Whether something is still to happen.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::Picked | Self::InTransit)
    }
}

text_enum! {
    /// Why something moves.
    pub enum MoveReason {
        /// A copy that is kept off-site leaves.
        Offsite = "offsite",
        /// A copy that is kept on-site goes to its safe or shelf.
        Onsite = "onsite",
        /// Everything on it has expired: it comes home to be written again.
        Expired = "expired",
        /// It is wanted for a restore, an audit or a drill before its time.
        Recall = "recall",
        /// Its place is full.
        Full = "full",
        /// It is to be destroyed.
        Disposal = "disposal",
        /// It goes back to whose it is.
        Foreign = "foreign",
        /// An empty case travels back.
        EmptyCase = "empty_case",
        /// Somebody said so.
        Manual = "manual",
    }
}

impl MoveReason {
    /// The code on manifests.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Offsite => "OFF",
            Self::Onsite => "ON",
            Self::Expired => "EXP",
            Self::Recall => "REC",
            Self::Full => "FULL",
            Self::Disposal => "DISP",
            Self::Foreign => "FRGN",
            Self::EmptyCase => "CASE",
            Self::Manual => "MAN",
        }
    }
}

/// One way of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Its id.
    pub id: MovementId,
    /// What moves.
    pub item: ItemId,
    /// Where it was when it was planned.
    pub origin: Place,
    /// Where it is to be.
    pub destination: Place,
    /// Why.
    pub reason: MoveReason,
    /// Why, in words.
    pub note: String,
    /// Whose task it is: the name of a role.
    pub role: String,
    /// By when.
    pub due: NaiveDate,
    /// Whether it goes before others.
    pub urgent: bool,
    /// Who authorised it, where that is needed.
    pub authorised_by: Option<String>,
    /// How far it has come.
    pub state: MovementState,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    /// By whom.
    pub planned_by: String,
    /// The courier run it is a line of, and which line.
    pub line: Option<(CourierRunId, u32)>,
    /// The case it travels in.
    pub in_case: Option<ThingId>,
    /// When it is to come back; until recalled without it.
    pub return_on: Option<NaiveDate>,
    /// Why it may leave unencrypted, where that was allowed.
    pub exempt: Option<String>,
    /// How it is known that it arrived.
    pub grade: Option<Witness>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended, in words.
    pub ended_note: Option<String>,
}

fn movement(row: &Row<'_>) -> rusqlite::Result<Movement> {
    let run: Option<CourierRunId> = row.get("run")?;
    let number: Option<u32> = row.get("line")?;
    Ok(Movement {
        id: row.get("id")?,
        item: row.get("item")?,
        origin: row.get::<_, Json<_>>("origin")?.0,
        destination: row.get::<_, Json<_>>("destination")?.0,
        reason: row.get("reason")?,
        note: row.get("note")?,
        role: row.get("role")?,
        due: row.get::<_, Day>("due")?.0,
        urgent: row.get("urgent")?,
        authorised_by: row.get("authorised_by")?,
        state: row.get("state")?,
        planned_at: moment(row, "planned_at")?,
        planned_by: row.get("planned_by")?,
        line: run.zip(number),
        in_case: row.get("in_case")?,
        return_on: row.get::<_, Option<Day>>("return_on")?.map(|day| day.0),
        exempt: row.get("exempt")?,
        grade: row.get("grade")?,
        ended_at: moment_option(row, "ended_at")?,
        ended_note: row.get("ended_note")?,
    })
}

impl View<'_> {
    /// A movement by id.
    pub fn movement(&self, id: MovementId) -> Result<Movement, CatalogueError> {
        self.get(
            Noun::Movement,
            &id,
            "SELECT * FROM movement WHERE id = ?1",
            [id],
            movement,
        )
    }

    /// The movement of an item that is not over.
    pub fn open_movement(&self, item: ItemId) -> Result<Option<Movement>, CatalogueError> {
        self.find(
            "SELECT * FROM movement WHERE item = ?1
                AND state IN ('planned', 'picked', 'in_transit')",
            [item],
            movement,
        )
    }

    /// Every movement that is not over, first due first.
    pub fn open_movements(&self) -> Result<Vec<Movement>, CatalogueError> {
        self.all(
            "SELECT * FROM movement WHERE state IN ('planned', 'picked', 'in_transit')
             ORDER BY urgent DESC, due, rowid",
            [],
            movement,
        )
    }

    /// Every movement an item ever made or was to make, oldest first.
    pub fn movements_of(&self, item: ItemId) -> Result<Vec<Movement>, CatalogueError> {
        self.all(
            "SELECT * FROM movement WHERE item = ?1 ORDER BY rowid",
            [item],
            movement,
        )
    }

    /// The lines of a courier run, by number.
    pub fn courier_lines(&self, run: CourierRunId) -> Result<Vec<Movement>, CatalogueError> {
        self.all(
            "SELECT * FROM movement WHERE run = ?1 ORDER BY line",
            [run],
            movement,
        )
    }
}

impl Tx<'_> {
    /// Plans a movement.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when another movement of the item is not over.
    pub fn add_movement(&self, new: &Movement) -> Result<(), CatalogueError> {
        self.store_movement(
            "INSERT INTO movement (id, item, origin, destination, reason, note, role, due, urgent,
                authorised_by, state, planned_at, planned_by, run, line, in_case, return_on, exempt,
                grade, ended_at, ended_note)
             VALUES (:id, :item, :origin, :destination, :reason, :note, :role, :due, :urgent,
                :authorised_by, :state, :planned_at, :planned_by, :run, :line, :in_case,
                :return_on, :exempt, :grade, :ended_at, :ended_note)",
            new,
        )
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Movement,
                    which: format!("of item {}", new.item),
                }
            } else {
                error
            }
        })
    }

    /// Keeps a movement that was not over as it is now.
    pub fn change_movement(&self, new: &Movement) -> Result<(), CatalogueError> {
        self.store_movement(
            "UPDATE movement SET item = :item, origin = :origin, destination = :destination,
                reason = :reason, note = :note, role = :role, due = :due, urgent = :urgent,
                authorised_by = :authorised_by, state = :state, planned_at = :planned_at,
                planned_by = :planned_by, run = :run, line = :line, in_case = :in_case,
                return_on = :return_on, exempt = :exempt, grade = :grade, ended_at = :ended_at,
                ended_note = :ended_note
             WHERE id = :id AND state IN ('planned', 'picked', 'in_transit')",
            new,
        )
    }

    fn store_movement(&self, sql: &str, new: &Movement) -> Result<(), CatalogueError> {
        self.change(
            Noun::Movement,
            &new.id,
            sql,
            named_params! {
                ":id": new.id,
                ":item": new.item,
                ":origin": Json(&new.origin),
                ":destination": Json(&new.destination),
                ":reason": new.reason,
                ":note": new.note,
                ":role": new.role,
                ":due": Day(new.due),
                ":urgent": new.urgent,
                ":authorised_by": new.authorised_by,
                ":state": new.state,
                ":planned_at": Moment(new.planned_at),
                ":planned_by": new.planned_by,
                ":run": new.line.map(|(run, _)| run),
                ":line": new.line.map(|(_, line)| line),
                ":in_case": new.in_case,
                ":return_on": new.return_on.map(Day),
                ":exempt": new.exempt,
                ":grade": new.grade,
                ":ended_at": new.ended_at.map(Moment),
                ":ended_note": new.ended_note,
            },
        )
    }
}
