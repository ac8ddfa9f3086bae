//! What was scanned, line by line, and what a person is in the middle of.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{CatalogueError, Noun};
use super::sql::{Json, Moment, moment, moment_option};
use super::store::{Tx, View};
use crate::id::{Barcode, PersonCode, ScanSessionId};

/// A task of a person at a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanSession {
    /// Its id.
    pub id: ScanSessionId,
    /// Who.
    pub person: PersonCode,
    /// Where the scanner is.
    pub station: String,
    /// What is being done, as the state machine keeps it, less what is expected and the lines.
    pub task: Value,
    /// When it began.
    pub opened_at: DateTime<Utc>,
    /// When the last line of it was answered.
    pub last_at: DateTime<Utc>,
    /// When it was done.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A line that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanLine {
    /// From 1 within the session.
    pub number: u32,
    /// When it was scanned.
    pub at: DateTime<Utc>,
    /// When it came into the record.
    pub entered_at: DateTime<Utc>,
    /// As it came.
    pub text: String,
    /// The word of the answer.
    pub answer: String,
    /// Whether it changed something, or was right.
    pub accepted: bool,
    /// Whether it was typed.
    pub keyed: bool,
    /// What it was about, when it changed something.
    pub barcode: Option<Barcode>,
    /// How that was before.
    pub before: Option<Value>,
    /// Whether it was taken back.
    pub undone: bool,
}

fn session(row: &Row<'_>) -> rusqlite::Result<ScanSession> {
    Ok(ScanSession {
        id: row.get("id")?,
        person: row.get("person")?,
        station: row.get("station")?,
        task: row.get::<_, Json<_>>("task")?.0,
        opened_at: moment(row, "opened_at")?,
        last_at: moment(row, "last_at")?,
        ended_at: moment_option(row, "ended_at")?,
    })
}

fn line(row: &Row<'_>) -> rusqlite::Result<ScanLine> {
    Ok(ScanLine {
        number: row.get("number")?,
        at: moment(row, "at")?,
        entered_at: moment(row, "entered_at")?,
        text: row.get("text")?,
        answer: row.get("answer")?,
        accepted: row.get("accepted")?,
        keyed: row.get("keyed")?,
        barcode: row.get("barcode")?,
        before: row.get::<_, Option<Json<_>>>("before")?.map(|json| json.0),
        undone: row.get("undone")?,
    })
}

impl View<'_> {
    /// What a person is in the middle of at a station.
    pub fn open_scan_session(
        &self,
        person: &PersonCode,
        station: &str,
    ) -> Result<Option<ScanSession>, CatalogueError> {
        self.find(
            "SELECT id, person, station, task, opened_at, last_at, ended_at FROM scan_session
             WHERE person = ?1 AND station = ?2 AND ended_at IS NULL",
            (person, station),
            session,
        )
    }

    /// What was expected when a session began.
    pub fn scan_expected(&self, id: ScanSessionId) -> Result<BTreeSet<Barcode>, CatalogueError> {
        self.get(
            Noun::ScanSession,
            &id,
            "SELECT expected FROM scan_session WHERE id = ?1",
            [id],
            |row| Ok(row.get::<_, Json<_>>("expected")?.0),
        )
    }

    /// What was accepted in a session and not taken back, in order.
    pub fn scan_done(&self, id: ScanSessionId) -> Result<Vec<Barcode>, CatalogueError> {
        self.all(
            "SELECT barcode FROM scan_line
             WHERE session = ?1 AND barcode IS NOT NULL AND undone = 0 ORDER BY number",
            [id],
            |row| row.get(0),
        )
    }

    /// The number of the last line of a session; 0 before the first.
    pub fn last_scan_line(&self, id: ScanSessionId) -> Result<u32, CatalogueError> {
        self.one(
            "SELECT coalesce(max(number), 0) FROM scan_line WHERE session = ?1",
            [id],
            |row| row.get(0),
        )
    }

    /// A session by id.
    pub fn find_scan_session(
        &self,
        id: ScanSessionId,
    ) -> Result<Option<ScanSession>, CatalogueError> {
        self.find("SELECT * FROM scan_session WHERE id = ?1", [id], session)
    }

    /// Every session, oldest first.
    pub fn scan_sessions(&self) -> Result<Vec<ScanSession>, CatalogueError> {
        self.all("SELECT * FROM scan_session ORDER BY id", [], session)
    }

    /// The lines of a session, in order.
    pub fn scan_lines(&self, id: ScanSessionId) -> Result<Vec<ScanLine>, CatalogueError> {
        self.all(
            "SELECT * FROM scan_line WHERE session = ?1 ORDER BY number",
            [id],
            line,
        )
    }

    /// Whether a session has a line of this number.
    pub fn has_scan_line(&self, id: ScanSessionId, number: u32) -> Result<bool, CatalogueError> {
        self.one(
            "SELECT EXISTS (SELECT 1 FROM scan_line WHERE session = ?1 AND number = ?2)",
            (id, number),
            |row| row.get(0),
        )
    }

    /// The newest line of a session about an item that changed something and was not taken back.
    pub fn last_scan_of(
        &self,
        id: ScanSessionId,
        barcode: &Barcode,
    ) -> Result<Option<ScanLine>, CatalogueError> {
        self.find(
            "SELECT * FROM scan_line WHERE session = ?1 AND barcode = ?2 AND undone = 0
             ORDER BY number DESC LIMIT 1",
            (id, barcode),
            line,
        )
    }
}

impl Tx<'_> {
    /// Begins a session.
    pub fn add_scan_session(
        &self,
        new: &ScanSession,
        expected: &BTreeSet<Barcode>,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO scan_session (id, person, station, task, expected, opened_at, last_at,
                ended_at)
             VALUES (:id, :person, :station, :task, :expected, :opened, :last, :ended)",
            named_params! {
                ":id": new.id,
                ":person": new.person,
                ":station": new.station,
                ":task": Json(&new.task),
                ":expected": Json(expected),
                ":opened": Moment(new.opened_at),
                ":last": Moment(new.last_at),
                ":ended": new.ended_at.map(Moment),
            },
        )
        .map(|_| ())
    }

    /// Keeps what has become of a session that has not ended.
    pub fn change_scan_session(&self, new: &ScanSession) -> Result<(), CatalogueError> {
        self.change(
            Noun::ScanSession,
            &new.id,
            "UPDATE scan_session SET task = ?2, last_at = ?3, ended_at = ?4
             WHERE id = ?1 AND ended_at IS NULL",
            (
                new.id,
                Json(&new.task),
                Moment(new.last_at),
                new.ended_at.map(Moment),
            ),
        )
    }

    /// Adds a line to a session and returns its number: one more than the last when it has none (0).
    pub fn add_scan_line(
        &self,
        session: ScanSessionId,
        new: &ScanLine,
    ) -> Result<u32, CatalogueError> {
        let number = if new.number == 0 {
            self.last_scan_line(session)? + 1
        } else {
            new.number
        };
        self.execute(
            "INSERT INTO scan_line (session, number, at, entered_at, text, answer, accepted, keyed,
                barcode, before)
             VALUES (:session, :number, :at, :entered, :text, :answer, :accepted, :keyed, :barcode,
                :before)",
            named_params! {
                ":session": session,
                ":number": number,
                ":at": Moment(new.at),
                ":entered": Moment(new.entered_at),
                ":text": new.text,
                ":answer": new.answer,
                ":accepted": new.accepted,
                ":keyed": new.keyed,
                ":barcode": new.barcode,
                ":before": new.before.as_ref().map(Json),
            },
        )?;
        Ok(number)
    }

    /// A line was taken back.
    pub fn undo_scan_line(
        &self,
        session: ScanSessionId,
        number: u32,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::ScanSession,
            &session,
            "UPDATE scan_line SET undone = 1 WHERE session = ?1 AND number = ?2 AND undone = 0",
            (session, number),
        )
    }
}

impl View<'_> {
    /// Barcodes of cartridges that go on behind this one with two more characters, two at most.
    pub fn barcodes_beginning(&self, start: &Barcode) -> Result<Vec<Barcode>, CatalogueError> {
        self.all(
            "SELECT barcode FROM cartridge WHERE gone_at IS NULL AND barcode > ?1
                AND barcode < ?1 || char(127) AND length(barcode) = length(?1) + 2
             ORDER BY barcode LIMIT 2",
            [start],
            |row| row.get(0),
        )
    }

    /// The newest of a count of each place that was finished, by place.
    pub fn last_counts(&self) -> Result<Vec<super::StockCount>, CatalogueError> {
        let mut last = std::collections::BTreeMap::new();
        for count in self.stock_counts()? {
            if count.finished_at.is_some() {
                last.insert(count.place.clone(), count);
            }
        }
        Ok(last.into_values().collect())
    }
}

impl Tx<'_> {
    /// A movement that a scan has begun or ended is as it was: the scan was taken back.
    pub fn reopen_movement(&self, old: &super::Movement) -> Result<(), CatalogueError> {
        self.change(
            Noun::Movement,
            &old.id,
            "UPDATE movement SET state = ?2, in_case = ?3, grade = NULL, ended_at = NULL,
                ended_note = NULL WHERE id = ?1",
            (old.id, old.state, old.in_case),
        )
    }
}
