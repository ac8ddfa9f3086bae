//! Rows that tell other hosts which drives a run holds. Within this host the device locks decide.

use std::sync::Arc;

use super::step::RunContext;
use crate::app::App;
use crate::catalogue::{Lease, LeaseOutcome, Tx};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Event;
use crate::library::fencing::Fencing;
use crate::library::mount::HeldDrive;

/// Leases of drives, given back when dropped.
#[derive(Debug)]
pub struct Leases {
    app: Arc<App>,
    resources: Vec<String>,
}

impl Leases {
    /// Takes a lease for every drive. A lease of a process of this host is taken over: its
    /// device lock is ours, so it is gone.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when another host holds one of the drives.
    pub fn take(context: &RunContext, held: &[HeldDrive]) -> Result<Self> {
        let app = Arc::clone(&context.app);
        let mut leases = Self {
            app: Arc::clone(&app),
            resources: Vec::new(),
        };
        for drive in held {
            let resource = take(context, drive)?;
            leases.resources.push(resource);
        }
        Ok(leases)
    }
}

/// What the lease of a drive is named by.
pub(super) fn resource(serial: &str) -> String {
    format!("drive {serial}")
}

/// Takes the lease of one drive; returns its resource. As [`Leases::take`].
pub(super) fn take(context: &RunContext, drive: &HeldDrive) -> Result<String> {
    let app = &context.app;
    let wanted = Lease {
        resource: resource(&drive.site.serial),
        host: app.actor.station.clone(),
        pid: std::process::id(),
        run: Some(context.run),
        purpose: context.library.purpose().to_owned(),
        since: app.clock.now(),
    };
    app.write(|tx, now| match tx.take_lease(&wanted)? {
        LeaseOutcome::Taken => Ok(()),
        LeaseOutcome::HeldBy(gone) if gone.host == wanted.host => {
            tx.take_over_lease(&wanted, &gone)?;
            app.note(
                tx,
                now,
                &Event::LeaseTakenOver {
                    run: Some(context.run),
                    resource: wanted.resource.clone(),
                    from_host: gone.host,
                    from_pid: gone.pid,
                },
            )
        }
        LeaseOutcome::HeldBy(other) => Err(Error::new(
            ErrorKind::Locked,
            format!(
                "{} is held by process {} on {} ({}) since {}",
                other.resource,
                other.pid,
                other.host,
                other.purpose,
                other
                    .since
                    .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
            ),
        )),
    })?;
    note_unreserved(context, drive)?;
    Ok(wanted.resource)
}

/// Gives the lease of a drive back before its time: others have the drive from now on.
pub(super) fn release(app: &App, tx: &Tx<'_>, serial: &str) -> Result<()> {
    let pid = std::process::id();
    Ok(tx.release_lease(&resource(serial), &app.actor.station, pid)?)
}

/// Where other hosts are not kept from a drive, the journal says why.
fn note_unreserved(context: &RunContext, drive: &HeldDrive) -> Result<()> {
    let reason = match drive.fencing() {
        Fencing::Reserved => return Ok(()),
        Fencing::Unsupported => "the drive has no persistent reservations",
        Fencing::NotByPath => "it is reached through the kernel's tape driver",
        Fencing::Off => "reservations are turned off in the configuration",
    };
    let app = &context.app;
    app.write(|tx, now| {
        app.note(
            tx,
            now,
            &Event::DriveNotReserved {
                run: context.run,
                serial: drive.site.serial.clone(),
                reason: reason.to_owned(),
            },
        )
    })
}

impl Drop for Leases {
    fn drop(&mut self) {
        for resource in &self.resources {
            let released = self.app.write(|tx, _| {
                let pid = std::process::id();
                Ok(tx.release_lease(resource, &self.app.actor.station, pid)?)
            });
            if let Err(error) = released {
                // The next holder takes it over: this process will be gone.
                tracing::warn!(%error, resource, "cannot give back a lease");
            }
        }
    }
}
