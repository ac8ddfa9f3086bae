//! Courier runs, their cases and what was printed of them.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sql::{Day, Json, Moment, integer_column, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{CarrierCode, CourierRunId, PlaceCode, SiteCode, ThingId};

text_enum! {
    /// Which way a run goes.
    pub enum Direction {
        /// From a site to a vault.
        Out = "out",
        /// From a vault to a site.
        Back = "back",
    }
}

text_enum! {
    /// How far a run has come.
    pub enum CourierState {
        /// Lines may be added and dropped, cases packed and sealed.
        Building = "building",
        /// On its way.
        HandedOver = "handed_over",
        /// Every line arrived or has an exception.
        Closed = "closed",
        /// It did not take place.
        Cancelled = "cancelled",
    }
}

/// Which print of a manifest: A is the first, Z is followed by AA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(u32);
integer_column!(Revision);

impl Revision {
    /// Not printed yet.
    pub const NONE: Self = Self(0);
    /// A.
    pub const FIRST: Self = Self(1);

    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before, unless this is the first.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        self.0.checked_sub(1).filter(|number| *number > 0).map(Self)
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            return f.pad("-");
        }
        let mut letters = Vec::new();
        let mut left = self.0;
        while left > 0 {
            left -= 1;
            letters.push(b'A' + u8::try_from(left % 26).unwrap_or_default());
            left /= 26;
        }
        letters.reverse();
        f.pad(&String::from_utf8_lossy(&letters))
    }
}

impl std::str::FromStr for Revision {
    type Err = crate::id::IdError;
    fn from_str(text: &str) -> Result<Self, crate::id::IdError> {
        let wrong = || crate::id::IdError {
            text: text.to_owned(),
            expected: "a revision (A, B, ... Z, AA, ...)",
        };
        if text == "-" {
            return Ok(Self::NONE);
        }
        if text.is_empty() || text.len() > 4 {
            return Err(wrong());
        }
        text.bytes()
            .try_fold(0_u32, |number, letter| {
                letter
                    .is_ascii_uppercase()
                    .then(|| number * 26 + u32::from(letter - b'A') + 1)
            })
            .map(Self)
            .ok_or_else(wrong)
    }
}

impl TryFrom<String> for Revision {
    type Error = crate::id::IdError;
    fn try_from(text: String) -> Result<Self, crate::id::IdError> {
        text.parse()
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.to_string()
    }
}

/// A run of a courier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierRun {
    /// Its id.
    pub id: CourierRunId,
    /// Its number, on paper.
    pub number: String,
    /// Which way.
    pub direction: Direction,
    /// With whom.
    pub carrier: CarrierCode,
    /// The site it leaves or comes to.
    pub site: SiteCode,
    /// The vault, or other place, at the other end.
    pub vault: PlaceCode,
    /// The day.
    pub due: NaiveDate,
    /// How far it has come.
    pub state: CourierState,
    /// The newest print.
    pub revision: Revision,
    /// Digest of the lines as that print has them; none when they have changed since.
    pub printed_digest: Option<String>,
    /// How it was handed over.
    pub handed_over: Option<HandOver>,
    /// The closed run it corrects.
    pub corrects: Option<CourierRunId>,
    /// When it was built.
    pub built_at: DateTime<Utc>,
    /// By whom.
    pub built_by: String,
    /// When it was closed or cancelled.
    pub closed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub closed_by: Option<String>,
}

/// What was signed when a run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The print that was signed.
    pub revision: Revision,
    /// The driver's name.
    pub driver: String,
    /// The vehicle's registration, where it was noted.
    pub vehicle: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// When it was entered: later when it was on paper.
    pub entered_at: DateTime<Utc>,
    /// Who handed it over.
    pub by: String,
    /// SHA-256 of the signed page, where there is one.
    pub signed: Option<String>,
}

/// A case on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierCase {
    /// Which case.
    pub thing: ThingId,
    /// From 1.
    pub ordinal: u32,
    /// Numbers of its seals: ours, then the vendor's.
    pub seals: Vec<String>,
    /// Since when it is sealed; its content equals its list then.
    pub sealed_at: Option<DateTime<Utc>>,
    /// What was found on arrival.
    pub arrival: Option<Arrival>,
}

/// What was found when a case arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Whether its seals were intact and had the numbers on the list.
    pub intact: bool,
    /// The numbers found, where they were others.
    pub found: Vec<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who says so.
    pub by: String,
}

/// A manifest as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierPrint {
    /// Which print.
    pub revision: Revision,
    /// Digest of its lines.
    pub digest: String,
    /// All of it, as JSON.
    pub document: serde_json::Value,
    /// When.
    pub printed_at: DateTime<Utc>,
    /// By whom.
    pub printed_by: String,
}

fn run(row: &Row<'_>) -> rusqlite::Result<CourierRun> {
    Ok(CourierRun {
        id: row.get("id")?,
        number: row.get("number")?,
        direction: row.get("direction")?,
        carrier: row.get("carrier")?,
        site: row.get("site")?,
        vault: row.get("vault")?,
        due: row.get::<_, Day>("due")?.0,
        state: row.get("state")?,
        revision: row.get("revision")?,
        printed_digest: row.get("printed_digest")?,
        handed_over: row
            .get::<_, Option<Json<_>>>("handed_over")?
            .map(|json| json.0),
        corrects: row.get("corrects")?,
        built_at: moment(row, "built_at")?,
        built_by: row.get("built_by")?,
        closed_at: moment_option(row, "closed_at")?,
        closed_by: row.get("closed_by")?,
    })
}

fn case(row: &Row<'_>) -> rusqlite::Result<CourierCase> {
    Ok(CourierCase {
        thing: row.get("thing")?,
        ordinal: row.get("ordinal")?,
        seals: row.get::<_, Json<_>>("seals")?.0,
        sealed_at: moment_option(row, "sealed_at")?,
        arrival: row.get::<_, Option<Json<_>>>("arrival")?.map(|json| json.0),
    })
}

impl View<'_> {
    /// A run by id.
    pub fn courier_run(&self, id: CourierRunId) -> Result<CourierRun, CatalogueError> {
        self.get(
            Noun::CourierRun,
            &id,
            "SELECT * FROM courier_run WHERE id = ?1",
            [id],
            run,
        )
    }

    /// A run by its number on paper.
    pub fn courier_run_by_number(&self, number: &str) -> Result<CourierRun, CatalogueError> {
        self.get(
            Noun::CourierRun,
            &number,
            "SELECT * FROM courier_run WHERE number = ?1",
            [number],
            run,
        )
    }

    /// Every run, by number.
    pub fn courier_runs(&self) -> Result<Vec<CourierRun>, CatalogueError> {
        self.all("SELECT * FROM courier_run ORDER BY number", [], run)
    }

    /// The cases of a run, in order.
    pub fn courier_cases(&self, id: CourierRunId) -> Result<Vec<CourierCase>, CatalogueError> {
        self.all(
            "SELECT * FROM courier_case WHERE run = ?1 ORDER BY ordinal",
            [id],
            case,
        )
    }

    /// What was printed of a run, oldest first.
    pub fn courier_prints(&self, id: CourierRunId) -> Result<Vec<CourierPrint>, CatalogueError> {
        self.all(
            "SELECT * FROM courier_print WHERE run = ?1 ORDER BY revision",
            [id],
            |row| {
                Ok(CourierPrint {
                    revision: row.get("revision")?,
                    digest: row.get("digest")?,
                    document: row.get::<_, Json<_>>("document")?.0,
                    printed_at: moment(row, "printed_at")?,
                    printed_by: row.get("printed_by")?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Adds a run.
    pub fn add_courier_run(&self, new: &CourierRun) -> Result<(), CatalogueError> {
        self.store_courier_run(
            "INSERT INTO courier_run (id, number, direction, carrier, site, vault, due, state,
                revision, printed_digest, handed_over, corrects, built_at, built_by, closed_at,
                closed_by)
             VALUES (:id, :number, :direction, :carrier, :site, :vault, :due, :state, :revision,
                :printed, :handed_over, :corrects, :built_at, :built_by, :closed_at, :closed_by)",
            new,
        )
    }

    /// Keeps a run that is not over as it is now.
    pub fn change_courier_run(&self, new: &CourierRun) -> Result<(), CatalogueError> {
        self.store_courier_run(
            "UPDATE courier_run SET number = :number, direction = :direction, carrier = :carrier,
                site = :site, vault = :vault, due = :due, state = :state, revision = :revision,
                printed_digest = :printed, handed_over = :handed_over, corrects = :corrects,
                built_at = :built_at, built_by = :built_by, closed_at = :closed_at,
                closed_by = :closed_by
             WHERE id = :id AND state IN ('building', 'handed_over')",
            new,
        )
    }

    fn store_courier_run(&self, sql: &str, new: &CourierRun) -> Result<(), CatalogueError> {
        self.change(
            Noun::CourierRun,
            &new.number,
            sql,
            named_params! {
                ":id": new.id,
                ":number": new.number,
                ":direction": new.direction,
                ":carrier": new.carrier,
                ":site": new.site,
                ":vault": new.vault,
                ":due": Day(new.due),
                ":state": new.state,
                ":revision": new.revision,
                ":printed": new.printed_digest,
                ":handed_over": new.handed_over.as_ref().map(Json),
                ":corrects": new.corrects,
                ":built_at": Moment(new.built_at),
                ":built_by": new.built_by,
                ":closed_at": new.closed_at.map(Moment),
                ":closed_by": new.closed_by,
            },
        )
    }

    /// Adds a case to a run, or keeps it as it is now.
    pub fn put_courier_case(
        &self,
        run: CourierRunId,
        case: &CourierCase,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO courier_case (run, thing, ordinal, seals, sealed_at, arrival)
             VALUES (:run, :thing, :ordinal, :seals, :sealed_at, :arrival)
             ON CONFLICT (run, thing) DO UPDATE SET ordinal = excluded.ordinal,
                seals = excluded.seals, sealed_at = excluded.sealed_at,
                arrival = excluded.arrival",
            named_params! {
                ":run": run,
                ":thing": case.thing,
                ":ordinal": case.ordinal,
                ":seals": Json(&case.seals),
                ":sealed_at": case.sealed_at.map(Moment),
                ":arrival": case.arrival.as_ref().map(Json),
            },
        )
        .map(|_| ())
    }

    /// Takes an empty case off a run.
    pub fn drop_courier_case(
        &self,
        run: CourierRunId,
        thing: ThingId,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "DELETE FROM courier_case WHERE run = ?1 AND thing = ?2",
            (run, thing),
        )
        .map(|_| ())
    }

    /// Keeps what was printed.
    pub fn add_courier_print(
        &self,
        run: CourierRunId,
        print: &CourierPrint,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO courier_print VALUES (:run, :revision, :digest, :document, :at, :by)",
            named_params! {
                ":run": run,
                ":revision": print.revision,
                ":digest": print.digest,
                ":document": Json(&print.document),
                ":at": Moment(print.printed_at),
                ":by": print.printed_by,
            },
        )
        .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_count_in_letters() {
        let mut revision = Revision::FIRST;
        let mut texts = Vec::new();
        for _ in 0..800 {
            let text = revision.to_string();
            assert_eq!(text.parse::<Revision>().unwrap(), revision);
            texts.push(text);
            revision = revision.next();
        }
        assert_eq!(texts[0], "A");
        assert_eq!(texts[25..28], ["Z", "AA", "AB"]);
        assert_eq!(texts[701..703], ["ZZ", "AAA"]);
        assert!("Z".parse::<Revision>().unwrap() < "AA".parse().unwrap());
        assert_eq!(Revision::FIRST.before(), None);
        assert_eq!(Revision::FIRST.next().before(), Some(Revision::FIRST));
        for text in ["", "a", "1", "A1", "AAAAA"] {
            assert!(text.parse::<Revision>().is_err(), "{text}");
        }
    }
}
