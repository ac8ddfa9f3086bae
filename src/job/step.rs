//! Steps of a run: intent, act, observe, record.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tapeward_drivers::smc::ElementAddress;

use crate::app::App;
use crate::catalogue::{StepKind, StepOutcome, Tx};
use crate::error::{Context, Error, Result};
use crate::health::{Usage, record};
use crate::id::{Barcode, LibraryId, RunId, StepId};
use crate::journal::Event;
use crate::library::Library;
use crate::library::mount::MoveWitness;
use crate::library::robot::DriveSite;
use crate::library::view::View;
use crate::media::reconcile;
use crate::progress::Event as Progress;
use crate::tape::BlockSize;

/// Moving a cartridge. Intent: barcode, from, to.
pub const MOVE: &str = "move";
/// Writing a label. Intent: barcode, volume, serial, pool.
pub const LABEL: &str = "label";
/// Appending to a volume until it is closed. Intent: volume, set, copy.
pub const WRITE: &str = "write";
/// Reading a copy back. Intent: set, copy.
pub const VERIFY: &str = "verify";
/// Copying what a copy lacks from another. Intent: set, copy, segments.
pub const COMPLETE: &str = "complete";

/// Reading a source between two commands. Intent: set, before, after and what they are told.
pub const SOURCE: &str = "source";

/// A run that is under way: what its steps are recorded with.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Configuration, record, clock.
    pub app: Arc<App>,
    /// The library it works with.
    pub library: Arc<Library>,
    /// The library in the record.
    pub library_id: LibraryId,
    /// The run.
    pub run: RunId,
}

impl RunContext {
    /// Records what is about to be done.
    pub fn intend(&self, kind: &str, intent: &impl Serialize) -> Result<StepId> {
        self.intend_if(kind, intent, |_, _| Ok(()))
    }

    /// As [`RunContext::intend`], unless it may not be done by what the record says at that moment.
    pub fn intend_if(
        &self,
        kind: &str,
        intent: &impl Serialize,
        may: impl FnOnce(&Tx<'_>, chrono::DateTime<chrono::Utc>) -> Result<()>,
    ) -> Result<StepId> {
        let kind: StepKind = kind.parse()?;
        let intent = to_value(intent)?;
        self.app.write(|tx, now| {
            may(tx, now)?;
            let step = StepId::generate(now);
            tx.intend(step, self.run, &kind, &intent, now)?;
            self.app.note(
                tx,
                now,
                &Event::StepIntended {
                    run: self.run,
                    step,
                    step_kind: kind,
                    intent: intent.clone(),
                },
            )?;
            Ok(step)
        })
    }

    /// Records what was seen, with whatever else belongs to the same transaction.
    pub fn observe(
        &self,
        step: StepId,
        observation: &impl Serialize,
        more: impl FnOnce(&Tx<'_>, chrono::DateTime<chrono::Utc>) -> Result<()>,
    ) -> Result<()> {
        self.close(step, StepOutcome::Done, to_value(observation)?, more)
    }

    /// Records that it was not done, and why.
    pub fn failed(&self, step: StepId, error: &Error) -> Result<()> {
        let why = serde_json::json!({ "error": error.to_string() });
        self.failed_as(step, why)
    }

    /// As [`RunContext::failed`], with more than the error.
    pub fn failed_as(&self, step: StepId, observation: Value) -> Result<()> {
        self.close(step, StepOutcome::Failed, observation, |_, _| Ok(()))
    }

    /// Records what was found by looking, after the process that meant it died.
    pub fn settled(
        &self,
        step: StepId,
        found: &impl Serialize,
        more: impl FnOnce(&Tx<'_>, chrono::DateTime<chrono::Utc>) -> Result<()>,
    ) -> Result<()> {
        self.close(step, StepOutcome::Settled, to_value(found)?, more)
    }

    fn close(
        &self,
        step: StepId,
        outcome: StepOutcome,
        observation: Value,
        more: impl FnOnce(&Tx<'_>, chrono::DateTime<chrono::Utc>) -> Result<()>,
    ) -> Result<()> {
        self.app.write(|tx, now| {
            tx.observe(step, outcome, &observation, now)?;
            let run = self.run;
            let event = match outcome {
                StepOutcome::Settled => Event::StepSettled {
                    run,
                    step,
                    observation,
                },
                StepOutcome::Done | StepOutcome::Failed => Event::StepObserved {
                    run,
                    step,
                    done: outcome == StepOutcome::Done,
                    observation,
                },
            };
            self.app.note(tx, now, &event)?;
            more(tx, now)
        })
    }

    /// Intends, acts, and records success or failure; for acts that record nothing else.
    pub fn perform<T>(
        &self,
        kind: &str,
        intent: &impl Serialize,
        act: impl FnOnce() -> Result<T>,
        observe: impl FnOnce(&T) -> Value,
    ) -> Result<T> {
        let step = self.intend(kind, intent)?;
        match act() {
            Ok(done) => {
                self.observe(step, &observe(&done), |_, _| Ok(()))?;
                Ok(done)
            }
            Err(error) => {
                self.failed(step, &error)?;
                Err(error)
            }
        }
    }
}

fn to_value(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).context("cannot record a step")
}

/// What a move means to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct MoveIntent {
    /// The cartridge.
    pub barcode: Barcode,
    /// From which element.
    pub from: ElementAddress,
    /// To which element.
    pub to: ElementAddress,
}

impl MoveWitness for RunContext {
    fn before(
        &self,
        barcode: &Barcode,
        from: ElementAddress,
        to: ElementAddress,
    ) -> Result<StepId> {
        self.intend(
            MOVE,
            &MoveIntent {
                barcode: barcode.clone(),
                from,
                to,
            },
        )
    }

    /// That of a volume that is read or appended to; a cartridge that gets another label may get
    /// blocks of another size.
    fn block_size(&self, barcode: &Barcode) -> Result<Option<BlockSize>> {
        let volume = self
            .app
            .catalogue
            .read(|view| view.volume_by_barcode(barcode))?;
        volume
            .filter(|volume| !volume.content.may_be_relabelled())
            .map(|volume| volume.block_size.try_into())
            .transpose()
            .context(format!("the block size of {barcode}"))
    }

    fn unprotected(&self, site: &DriveSite, why: &str) -> Result<()> {
        self.app.watcher.event(Progress::Problem {
            subject: site.name.to_string(),
            what: why.to_owned(),
        });
        self.app.write(|tx, now| {
            let event = Event::DriveNotProtected {
                run: self.run,
                serial: site.serial.clone(),
                reason: why.to_owned(),
            };
            self.app.note(tx, now, &event)
        })
    }

    fn waiting(&self, line: &str) {
        crate::progress::step(&*self.app.watcher, line);
    }

    fn after(&self, step: StepId, outcome: Result<&View, &Error>) -> Result<()> {
        match outcome {
            Ok(view) => self.observe(
                step,
                &serde_json::json!({ "seen_there": true }),
                |tx, now| {
                    let run = Some(self.run);
                    reconcile::reconcile_in(&self.app, tx, now, self.library_id, view, run)?;
                    Ok(())
                },
            ),
            Err(error) => self.failed(step, error),
        }
    }

    fn used(&self, barcode: &Barcode, site: &DriveSite, usage: &Usage) -> Result<()> {
        let mounted = record::Mounted {
            barcode,
            library: self.library_id,
            site,
            usage,
            run: Some(self.run),
        };
        for taken_out in record::observe(&self.app, &mounted)? {
            self.app.watcher.event(Progress::Problem {
                subject: "health".to_owned(),
                what: taken_out,
            });
        }
        Ok(())
    }
}
