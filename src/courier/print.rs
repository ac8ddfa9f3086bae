//! Printing: every print is a revision that is kept, and only the newest may be handed over.

use super::desk::{Desk, Done};
use super::document;
use super::pack::blockers;
use crate::catalogue::{CourierPrint, CourierRun, CourierState};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::journal;
use crate::report::manifest::{ListDigest, Manifest, Ordered};

/// A manifest that was printed.
#[derive(Debug)]
pub struct Printed {
    /// What it says.
    pub manifest: Manifest,
    /// What was done.
    pub done: Done,
}

/// Prints the manifest of a run: as it was printed before if nothing has changed, else as the next
/// revision.
///
/// # Errors
/// [`ErrorKind::OperatorNeeded`] while something is not packed or sealed.
pub fn print(desk: &Desk<'_>, number: &str) -> Result<Printed> {
    let mut run = desk.run(number)?;
    let mut done = Done::new(&run);
    if run.state != CourierState::Building || run.printed_digest.is_some() {
        let last = newest(desk, &run)?;
        done.say(format!("revision {} as printed {}", run.revision, last.1));
        return Ok(Printed {
            manifest: last.0,
            done,
        });
    }
    let blocked = blockers(desk, &run)?;
    if !blocked.is_empty() {
        return Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("run {number} cannot be printed yet: {}", blocked.join("; ")),
        ));
    }
    let revision = run.revision.next();
    let checkpoint = journal::sign_head(desk.app, desk.tx, desk.stamp.entered_at)?.checkpoint;
    let manifest = document::manifest(desk, &run, revision, checkpoint)?;
    let digest = digest(&manifest)?;
    desk.tx.add_courier_print(
        run.id,
        &CourierPrint {
            revision,
            digest: digest.clone(),
            document: serde_json::to_value(&manifest).context("cannot keep the manifest")?,
            printed_at: desk.stamp.at,
            printed_by: desk.stamp.by.clone(),
        },
    )?;
    run.revision = revision;
    run.printed_digest = Some(digest.clone());
    desk.tx.change_courier_run(&run)?;
    desk.note(
        &run,
        "printed",
        &serde_json::json!({"revision": revision, "digest": digest}),
    )?;
    done.say(match revision.before() {
        Some(before) => format!("revision {revision} of {number}; revision {before} is void"),
        None => format!("revision {revision} of {number}"),
    });
    Ok(Printed { manifest, done })
}

/// The digest of a manifest's list of lines.
pub(super) fn digest(manifest: &Manifest) -> Result<String> {
    let ordered = Ordered::of(manifest)?;
    Ok(ListDigest::of(manifest, &ordered)?.to_string())
}

fn newest(desk: &Desk<'_>, run: &CourierRun) -> Result<(Manifest, String)> {
    let print = desk
        .tx
        .courier_prints(run.id)?
        .pop()
        .ok_or_else(|| Error::usage(format!("run {} was never printed", run.number)))?;
    let manifest = serde_json::from_value(print.document)
        .context(format!("the print of run {} cannot be read", run.number))?;
    let when = print.printed_at.format("%Y-%m-%d %H:%M UTC").to_string();
    Ok((manifest, when))
}
