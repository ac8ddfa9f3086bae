//! Acceptance test for a library and its drives: looks twice, moves a scratch cartridge everywhere,
//! writes and reads with every drive, asks for everything, and writes a certificate.
//!
//! Nothing is taken for granted about the hardware: what it lacks is named as unsupported, what was
//! left out as skipped with the reason, what is wrong as failed; then the next check goes on. Only
//! the scratch cartridge that was named is written on, only if it is blank, and it ends blank and
//! where it was. Moves and mounts are steps of a run like any other.

pub mod certificate;
mod drive;
mod exam;
mod pattern;
mod positioning;
mod protection;
mod robot;
mod tape;
mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use tapeward_drivers::smc::ElementKind;

use crate::app::App;
use crate::catalogue::{MediumUse, NewRun, RunKind, RunState};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, RunId};
use crate::job::step::RunContext;
use crate::journal::Event;
use crate::library::Library;
use crate::library::view::{Place, View};
use crate::media::reconcile;
use certificate::{Certificate, Outcome};
use exam::Exam;

/// What may be done.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The cartridge to move and write on; without it nothing is moved and nothing written.
    pub scratch: Option<Barcode>,
    /// Whether to write it full however long that takes.
    pub fill: Fill,
}

/// Whether the scratch cartridge is written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// Only if it is small.
    #[default]
    IfSmall,
    /// However long it takes.
    Always,
}

/// Examines a library.
///
/// # Errors
/// The scratch cartridge may not be written on, the library cannot be looked at at all, the record
/// cannot be kept. What the hardware does wrong is in the certificate.
pub fn examine(app: &Arc<App>, library: Library, options: &Options) -> Result<Certificate> {
    // A drive that was repaired is examined before it is used again.
    let library = Arc::new(library.without(BTreeSet::new()));
    let before = library.view()?;
    let home = options
        .scratch
        .as_ref()
        .map(|barcode| scratch_place(app, &before, barcode))
        .transpose()?;
    let context = begin(app, &library, options)?;
    let mut exam = Exam::new(context.clone(), home);
    let outcome = robot::examine(&mut exam, &before).and_then(|sites| {
        if let Some(barcode) = &options.scratch {
            robot::mail_slots(&mut exam, barcode)?;
            for site in sites {
                drive::examine(&mut exam, site, barcode, options.fill)?;
            }
        } else {
            exam.skip_cartridge_checks(&sites);
        }
        Ok(())
    });
    robot::put_back(&mut exam, &before, options.scratch.as_ref());
    let interrupted = match outcome {
        Ok(()) => false,
        Err(error) if error.kind() == ErrorKind::Interrupted => true,
        Err(error) => {
            finish(&context, RunState::Failed, &error.to_string())?;
            return Err(error);
        }
    };
    let certificate = exam.certificate(options.scratch.clone(), interrupted);
    record(&context, &certificate)?;
    Ok(certificate)
}

/// Where the scratch cartridge is; refused unless nothing on it can matter as far as the record
/// and the library tell. Its drive looks at the tape itself before it writes.
fn scratch_place(app: &App, view: &View, barcode: &Barcode) -> Result<Place> {
    let place = view.find(barcode)?.cloned().ok_or_else(|| {
        Error::usage(format!("{barcode} is not in the library"))
            .hint("\"tapeward library status\" shows what is")
    })?;
    if place.cleaning {
        return Err(Error::usage(format!("{barcode} is a cleaning cartridge")));
    }
    if !matches!(
        place.name.kind,
        ElementKind::Storage | ElementKind::ImportExport
    ) {
        return Err(Error::usage(format!("{barcode} is in {}", place.name))
            .hint("unload it first with \"tapeward library unload\""));
    }
    app.catalogue.read(|view| {
        let Some(cartridge) = view.cartridge_by_barcode(barcode)? else {
            return Ok(());
        };
        if cartridge.medium_use != MediumUse::Data {
            return Err(Error::usage(format!(
                "{barcode} is a {} cartridge: it cannot be written on and end blank",
                cartridge.medium_use
            )));
        }
        match view.volume_on(cartridge.id)? {
            Some(volume) => Err(Error::failed(format!(
                "{barcode} holds the volume {} ({}): nothing was written",
                volume.serial, volume.content
            ))
            .hint("name a blank cartridge with --scratch")),
            None => Ok(()),
        }
    })?;
    Ok(place)
}

fn begin(app: &Arc<App>, library: &Arc<Library>, options: &Options) -> Result<RunContext> {
    let library_id = reconcile::identify(app, library)?;
    let run = RunId::generate(app.clock.now());
    app.write(|tx, now| {
        tx.add_run(&NewRun {
            id: run,
            kind: RunKind::Inventory,
            month: None,
            plan: json!({ "doctor": library.name(), "scratch": options.scratch }),
            actor: app.actor.clone(),
            started_at: now,
        })?;
        tx.set_run_state(run, RunState::Running, None, now)?;
        let run_kind = RunKind::Inventory;
        app.note(
            tx,
            now,
            &Event::RunPlanned {
                run,
                run_kind,
                month: None,
            },
        )
    })?;
    Ok(RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run,
    })
}

fn finish(context: &RunContext, state: RunState, note: &str) -> Result<()> {
    context.app.write(|tx, now| {
        tx.set_run_state(context.run, state, Some(note), now)?;
        context.app.note(
            tx,
            now,
            &Event::RunChanged {
                run: context.run,
                state,
                note: Some(note.to_owned()),
            },
        )
    })
}

fn record(context: &RunContext, certificate: &Certificate) -> Result<()> {
    let text = serde_json::to_string(certificate).context("cannot render the certificate")?;
    let digest = blake3::hash(text.as_bytes()).to_hex();
    let count = |outcome| certificate.count(outcome);
    let note = format!(
        "doctor: {} passed, {} failed, {} unsupported, {} skipped; certificate BLAKE3 {digest}",
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Unsupported),
        count(Outcome::Skipped),
    );
    let state = if certificate.interrupted {
        RunState::Failed
    } else {
        RunState::Done
    };
    finish(context, state, &note)
}
