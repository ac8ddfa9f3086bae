//! What a run came to, for people and programs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::plan::Plan;
use super::run::Job;
use crate::catalogue::{SetCopyState, SetState};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, RunId, SetId};
use crate::media::reconcile;
use crate::progress::counted;

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// Its sets.
    pub sets: Vec<SetReport>,
    /// Cartridges written to, and where they are.
    pub cartridges: Vec<CartridgeReport>,
    /// Files that could not be read or kept.
    pub problems: u64,
    /// Cartridges that could not be mounted or written on.
    pub refused: usize,
    /// Drives that failed, and why.
    pub drives: Vec<String>,
    /// Sets that were given up.
    pub failed: Vec<String>,
    /// What a person should look at besides.
    pub warnings: Vec<String>,
    /// What is worth knowing of how the drives were used.
    pub remarks: Vec<String>,
}

impl Report {
    /// What the run's end means to whoever started it.
    ///
    /// # Errors
    /// Sets that were given up; [`ErrorKind::Incomplete`] for files or cartridges with problems.
    pub fn outcome(&self) -> Result<()> {
        if !self.failed.is_empty() {
            return Err(Error::failed(self.failed.join("; ")));
        }
        let mut what = Vec::new();
        if self.problems > 0 {
            what.push(counted(
                self.problems,
                "thing could not be read as it was",
                "things could not be read as they were",
            ));
        }
        if self.refused > 0 {
            what.push(counted(
                self.refused as u64,
                "cartridge was refused",
                "cartridges were refused",
            ));
        }
        what.extend(self.drives.iter().chain(&self.warnings).cloned());
        if what.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Incomplete,
            format!("done, but {}", what.join(" and ")),
        )
        .hint("each was named when it was met"))
    }
}

/// A set of a run.
#[derive(Debug, Clone, Serialize)]
pub struct SetReport {
    /// The set.
    pub id: SetId,
    /// Its definition's name.
    pub name: String,
    /// Its state.
    pub state: SetState,
    /// Members of its stream.
    pub members: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its segments.
    pub segments: usize,
    /// The state of each copy.
    pub copies: Vec<(CopyNumber, SetCopyState)>,
}

/// A cartridge of a run.
#[derive(Debug, Clone, Serialize)]
pub struct CartridgeReport {
    /// Its barcode.
    pub barcode: Barcode,
    /// The copy it holds.
    pub copy: CopyNumber,
    /// Its pool.
    pub pool: String,
    /// Where it is, in words.
    pub place: String,
}

impl Job {
    /// Cartridges that hold something of the run, and where the record has them.
    pub(super) fn cartridges(&self, plan: &Plan) -> Result<Vec<CartridgeReport>> {
        self.context.app.catalogue.read(|view| {
            let mut seen = BTreeSet::new();
            let mut cartridges = Vec::new();
            for set in &plan.sets {
                for (copy, pool) in &set.copies {
                    for segment in view.live_copies(set.id, *copy)? {
                        if !seen.insert(segment.volume) {
                            continue;
                        }
                        let volume = view.volume(segment.volume)?;
                        let cartridge = view.cartridge(volume.cartridge)?;
                        cartridges.push(CartridgeReport {
                            barcode: cartridge.barcode,
                            copy: *copy,
                            pool: pool.to_string(),
                            place: reconcile::place_words(view, &cartridge.place)?,
                        });
                    }
                }
            }
            Ok(cartridges)
        })
    }

    /// What the run came to.
    pub(super) fn report(&self, plan: &Plan) -> Result<Report> {
        let view = self.context.library.view()?;
        let mut cartridges = self.cartridges(plan)?;
        for cartridge in &mut cartridges {
            if let Some(place) = view.find(&cartridge.barcode)? {
                cartridge.place = place.name.to_string();
            }
        }
        let mut problems = 0;
        let sets = self.context.app.catalogue.read(|view| {
            plan.sets
                .iter()
                .map(|planned| {
                    let set = view.set(planned.id)?;
                    problems += set.totals.problems;
                    Ok::<_, Error>(SetReport {
                        id: set.id,
                        name: planned.name.clone(),
                        state: set.state,
                        members: set.totals.members,
                        bytes: set.totals.bytes,
                        segments: view.segments(set.id)?.len(),
                        copies: view
                            .set_copies(set.id)?
                            .into_iter()
                            .map(|copy| (copy.copy, copy.state))
                            .collect(),
                    })
                })
                .collect::<Result<Vec<_>>>()
        })?;
        let mut failed = self.failed.clone();
        for set in &sets {
            // Given up by an earlier process of this run.
            let told = failed
                .iter()
                .any(|what| what.starts_with(&format!("set {}: ", set.name)));
            if set.state == SetState::Failed && !told {
                failed.push(format!("set {}: it was given up", set.name));
            }
        }
        Ok(Report {
            run: self.context.run,
            sets,
            cartridges,
            problems,
            refused: self.set_aside.len(),
            drives: self.drives.failures(),
            failed,
            warnings: self.warnings.clone(),
            remarks: self.context.library.remarks(),
        })
    }
}
