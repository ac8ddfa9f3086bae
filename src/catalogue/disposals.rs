//! Disposals, and the items they are of.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sql::{Json, Moment, moment, moment_option, text_enum};
use super::store::{Tx, View};
use crate::id::{Barcode, DisposalId, ItemId};

text_enum! {
    /// How far a disposal has come.
    pub enum DisposalState {
        /// Somebody asked for it.
        Requested = "requested",
        /// Somebody else agreed.
        Approved = "approved",
        /// A contractor has it; certificates are due.
        Pending = "pending",
        /// Every item is certified.
        Closed = "closed",
        /// It does not take place.
        Withdrawn = "withdrawn",
    }
}

/// Who agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The badge, or the name on a signed page.
    pub by: String,
    /// In what role.
    pub role: String,
    /// When.
    pub at: DateTime<Utc>,
    /// SHA-256 of the signed page, where there is one.
    pub signed: Option<String>,
}

/// Who destroys it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contractor {
    /// Its name.
    pub name: String,
    /// Until when it is accredited.
    pub accredited_until: NaiveDate,
    /// When it took the items.
    pub taken_at: DateTime<Utc>,
    /// By when its certificate is due.
    pub due: NaiveDate,
}

/// A certificate as it was entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of the file.
    pub digest: String,
    /// Its number, as the contractor gives it.
    pub number: String,
    /// How many of our items it names.
    pub items: u32,
    /// When it was entered.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
}

/// A disposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposal {
    /// Its id.
    pub id: DisposalId,
    /// Its number, on paper.
    pub number: String,
    /// How far it has come.
    pub state: DisposalState,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// By whom.
    pub requested_by: String,
    /// Who agreed.
    pub approval: Option<Approval>,
    /// Who destroys it.
    pub contractor: Option<Contractor>,
    /// What proves it.
    pub certificates: Vec<Certificate>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// An item of a disposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposalItem {
    /// Which.
    pub item: ItemId,
    /// What was printed on it.
    pub barcode: Barcode,
    /// When a certificate named it.
    pub certified_at: Option<DateTime<Utc>>,
}

fn disposal(row: &Row<'_>) -> rusqlite::Result<Disposal> {
    Ok(Disposal {
        id: row.get("id")?,
        number: row.get("number")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        requested_at: moment(row, "requested_at")?,
        requested_by: row.get("requested_by")?,
        approval: row
            .get::<_, Option<Json<_>>>("approval")?
            .map(|json| json.0),
        contractor: row
            .get::<_, Option<Json<_>>>("contractor")?
            .map(|json| json.0),
        certificates: row.get::<_, Json<_>>("certificates")?.0,
        ended_at: moment_option(row, "ended_at")?,
    })
}

impl View<'_> {
    /// A disposal by its number.
    pub fn disposal(&self, number: &str) -> Result<Disposal, CatalogueError> {
        self.get(
            Noun::Disposal,
            &number,
            "SELECT * FROM disposal WHERE number = ?1",
            [number],
            disposal,
        )
    }

    /// Every disposal, by number.
    pub fn disposals(&self) -> Result<Vec<Disposal>, CatalogueError> {
        self.all("SELECT * FROM disposal ORDER BY number", [], disposal)
    }

    /// The disposal of an item that has not ended.
    pub fn open_disposal_of(&self, item: ItemId) -> Result<Option<Disposal>, CatalogueError> {
        self.find(
            "SELECT disposal.* FROM disposal
             JOIN disposal_item ON disposal_item.disposal = disposal.id
             WHERE disposal_item.item = ?1 AND state IN ('requested', 'approved', 'pending')",
            [item],
            disposal,
        )
    }

    /// What a disposal is of, by barcode.
    pub fn disposal_items(&self, id: DisposalId) -> Result<Vec<DisposalItem>, CatalogueError> {
        self.all(
            "SELECT * FROM disposal_item WHERE disposal = ?1 ORDER BY barcode",
            [id],
            |row| {
                Ok(DisposalItem {
                    item: row.get("item")?,
                    barcode: row.get("barcode")?,
                    certified_at: moment_option(row, "certified_at")?,
                })
            },
        )
    }
}

impl Tx<'_> {
    /// Adds a disposal, or keeps it as it is now.
    pub fn put_disposal(&self, new: &Disposal) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO disposal (id, number, state, reason, requested_at, requested_by, approval,
                contractor, certificates, ended_at)
             VALUES (:id, :number, :state, :reason, :at, :by, :approval, :contractor,
                :certificates, :ended)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, approval = excluded.approval,
                contractor = excluded.contractor, certificates = excluded.certificates,
                ended_at = excluded.ended_at",
            named_params! {
                ":id": new.id,
                ":number": new.number,
                ":state": new.state,
                ":reason": new.reason,
                ":at": Moment(new.requested_at),
                ":by": new.requested_by,
                ":approval": new.approval.as_ref().map(Json),
                ":contractor": new.contractor.as_ref().map(Json),
                ":certificates": Json(&new.certificates),
                ":ended": new.ended_at.map(Moment),
            },
        )
        .map(|_| ())
    }

    /// Puts an item on a disposal.
    pub fn add_disposal_item(
        &self,
        id: DisposalId,
        item: ItemId,
        barcode: &Barcode,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO disposal_item (disposal, item, barcode) VALUES (?1, ?2, ?3)",
            (id, item, barcode),
        )
        .map(|_| ())
    }

    /// A certificate names an item.
    pub fn certify_item(
        &self,
        id: DisposalId,
        item: ItemId,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.change(
            Noun::Disposal,
            &id,
            "UPDATE disposal_item SET certified_at = ?3
             WHERE disposal = ?1 AND item = ?2 AND certified_at IS NULL",
            (id, item, Moment(at)),
        )
    }
}
