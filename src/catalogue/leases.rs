//! Who holds what. Within a host the kernel's file locks decide; these rows tell other hosts, and
//! everybody who it is.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, Noun};
use super::sql::{Moment, moment};
use super::store::{Tx, View};
use crate::id::RunId;

/// A resource somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What is held: a drive's or a changer's serial number, a run.
    pub resource: String,
    /// The holder's host.
    pub host: String,
    /// The holder's process there.
    pub pid: u32,
    /// The run it is held for.
    pub run: Option<RunId>,
    /// What for, in words.
    pub purpose: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum LeaseOutcome {
    /// It is ours.
    Taken,
    /// Somebody else has it; the row says who.
    HeldBy(Lease),
}

fn lease(row: &Row<'_>) -> rusqlite::Result<Lease> {
    Ok(Lease {
        resource: row.get("resource")?,
        host: row.get("host")?,
        pid: row.get("pid")?,
        run: row.get("run")?,
        purpose: row.get("purpose")?,
        since: moment(row, "since")?,
    })
}

impl View<'_> {
    /// Who holds a resource.
    pub fn lease(&self, resource: &str) -> Result<Option<Lease>, CatalogueError> {
        self.find("SELECT * FROM lease WHERE resource = ?1", [resource], lease)
    }

    /// Everything that is held.
    pub fn leases(&self) -> Result<Vec<Lease>, CatalogueError> {
        self.all("SELECT * FROM lease ORDER BY resource", [], lease)
    }
}

impl Tx<'_> {
    /// Takes a lease if nobody has it; the same process on the same host may take it again.
    pub fn take_lease(&self, wanted: &Lease) -> Result<LeaseOutcome, CatalogueError> {
        match self.lease(&wanted.resource)? {
            Some(held) if held.host != wanted.host || held.pid != wanted.pid => {
                Ok(LeaseOutcome::HeldBy(held))
            }
            _ => self.put_lease(wanted).map(|()| LeaseOutcome::Taken),
        }
    }

    /// Takes a lease over from a holder that is known to be gone (its file lock is free, or a
    /// person says so). Returns whom it was taken from.
    ///
    /// # Errors
    /// [`CatalogueError::NotFound`] when `gone` no longer is the holder: somebody was faster.
    pub fn take_over_lease(&self, wanted: &Lease, gone: &Lease) -> Result<(), CatalogueError> {
        match self.lease(&wanted.resource)? {
            Some(held) if held == *gone => self.put_lease(wanted),
            _ => Err(CatalogueError::NotFound {
                noun: Noun::Lease,
                which: format!("{} of {} pid {}", gone.resource, gone.host, gone.pid),
            }),
        }
    }

    /// Gives a lease back; giving back what somebody else holds changes nothing.
    pub fn release_lease(
        &self,
        resource: &str,
        host: &str,
        pid: u32,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "DELETE FROM lease WHERE resource = ?1 AND host = ?2 AND pid = ?3",
            (resource, host, pid),
        )
        .map(|_| ())
    }

    fn put_lease(&self, wanted: &Lease) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT OR REPLACE INTO lease (resource, host, pid, run, purpose, since)
             VALUES (:resource, :host, :pid, :run, :purpose, :since)",
            named_params! {
                ":resource": wanted.resource,
                ":host": wanted.host,
                ":pid": wanted.pid,
                ":run": wanted.run,
                ":purpose": wanted.purpose,
                ":since": Moment(wanted.since),
            },
        )
        .map(|_| ())
    }
}
