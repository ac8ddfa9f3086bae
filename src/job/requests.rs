//! Restores go first: what they ask runs for, and who still asks.
//!
//! A request is a row in the record and a lock its process holds. Runs look at the rows at every
//! commit point and between segments, and give way ([`super::away`]); a row whose lock is free is of
//! a process that died, and void. Rows of other hosts are not looked at: nobody here can tell
//! whether their processes live, and a drive of this host is of no use to them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::App;
use crate::catalogue::{DriveNeed, DriveRequest, Tx};
use crate::error::{ErrorKind, Result};
use crate::id::{Barcode, DriveRequestId, LibraryId};
use crate::journal::Event as JournalEvent;
use crate::library::lock::DeviceLock;

/// A request of this process, until dropped.
#[derive(Debug)]
pub struct Asking {
    app: Arc<App>,
    row: Mutex<DriveRequest>,
    _lock: DeviceLock,
}

impl Asking {
    /// Asks for something.
    pub fn begin(
        app: &Arc<App>,
        library: LibraryId,
        purpose: &str,
        need: DriveNeed,
        cartridges: Vec<Barcode>,
    ) -> Result<Self> {
        let now = app.clock.now();
        let row = DriveRequest {
            id: DriveRequestId::generate(now),
            library,
            host: app.actor.station.clone(),
            pid: std::process::id(),
            purpose: purpose.to_owned(),
            since: now,
            asked: 1,
            need,
            cartridges,
        };
        // Before the record knows it, so that it never looks as if its process were gone.
        let lock = hold(app, row.id)?;
        app.write(|tx, _| put(app, tx, &row))?;
        Ok(Self {
            app: Arc::clone(app),
            row: Mutex::new(row),
            _lock: lock,
        })
    }

    fn lock(&self) -> MutexGuard<'_, DriveRequest> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> DriveRequestId {
        self.lock().id
    }

    /// Asks for something else.
    pub fn ask(&self, need: DriveNeed, cartridges: Vec<Barcode>) -> Result<()> {
        let mut row = self.lock();
        let next = DriveRequest {
            since: self.app.clock.now(),
            asked: row.asked + 1,
            need,
            cartridges,
            ..row.clone()
        };
        self.app.write(|tx, _| put(&self.app, tx, &next))?;
        *row = next;
        Ok(())
    }

    /// It has what it asked for.
    pub fn served(&self) -> Result<()> {
        let mut row = self.lock();
        if row.need == DriveNeed::Nothing {
            return Ok(());
        }
        let next = DriveRequest {
            need: DriveNeed::Nothing,
            ..row.clone()
        };
        self.app.write(|tx, _| put(&self.app, tx, &next))?;
        *row = next;
        Ok(())
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let id = self.lock().id;
        if let Err(error) = self.app.write(|tx, _| Ok(tx.remove_drive_request(id)?)) {
            // Its lock is free from now on: whoever looks next takes it away.
            tracing::warn!(%error, request = %id, "cannot take a request back");
        }
        remove_lock(&self.app, id);
    }
}

fn put(app: &App, tx: &Tx<'_>, row: &DriveRequest) -> Result<()> {
    tx.put_drive_request(row)?;
    if row.need == DriveNeed::Nothing {
        return Ok(());
    }
    app.note(
        tx,
        row.since,
        &JournalEvent::DriveRequested {
            library: row.library,
            purpose: row.purpose.clone(),
            pid: row.pid,
            need: row.need,
            cartridges: row.cartridges.clone(),
        },
    )
}

/// Who asks for drives of a library and is alive. Rows of processes that died are taken away.
pub fn alive(app: &App, library: LibraryId) -> Result<Vec<DriveRequest>> {
    let rows = app.catalogue.read(|view| view.drive_requests(library))?;
    let mut alive = Vec::new();
    for row in rows {
        if row.host != app.actor.station {
            continue;
        }
        match hold(app, row.id) {
            Err(error) if error.kind() == ErrorKind::Locked => alive.push(row),
            Err(error) => return Err(error),
            Ok(_lock) => {
                app.write(|tx, _| Ok(tx.remove_drive_request(row.id)?))?;
                remove_lock(app, row.id);
            }
        }
    }
    Ok(alive)
}

fn hold(app: &App, id: DriveRequestId) -> Result<DeviceLock> {
    DeviceLock::acquire(
        &super::single::locks(app),
        &lock_name(id),
        &format!("request {id}"),
        "a request for a drive",
        app.clock.now(),
    )
}

fn lock_name(id: DriveRequestId) -> String {
    format!("request-{id}")
}

/// No request has this id again.
fn remove_lock(app: &App, id: DriveRequestId) {
    let path = super::single::locks(app).join(format!("{}.lock", lock_name(id)));
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::debug!(%error, path = %path.display(), "cannot remove");
    }
}
