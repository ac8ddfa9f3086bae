//! Cartridges that would not do: named once, and not tried again in this run.

use std::collections::BTreeMap;

use super::step::RunContext;
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::journal::Event as JournalEvent;
use crate::progress::Event;

/// Cartridges that cannot be mounted, or are too small, before something else must be wrong, the
/// robot or the configured sizes: each try takes minutes and wears robot, drive and cartridge.
const MOST_FAILURES: usize = 3;

/// The cartridges a run does without, and why.
#[derive(Debug, Default)]
pub struct SetAside {
    why: BTreeMap<Barcode, String>,
    failures: usize,
}

impl SetAside {
    /// Whether this cartridge is one of them.
    #[must_use]
    pub fn contains(&self, barcode: &Barcode) -> bool {
        self.why.contains_key(barcode)
    }

    /// Whether every cartridge would do so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.why.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.why.len()
    }

    /// The cartridge cannot be written on.
    pub fn refused(&mut self, context: &RunContext, barcode: &Barcode, why: &Error) -> Result<()> {
        let reason = why.to_string();
        context.app.watcher.event(Event::Problem {
            subject: barcode.to_string(),
            what: reason.clone(),
        });
        context.app.write(|tx, now| {
            context.app.note(
                tx,
                now,
                &JournalEvent::CartridgeSetAside {
                    run: context.run,
                    barcode: barcode.clone(),
                    reason: reason.clone(),
                },
            )
        })?;
        self.why.insert(barcode.clone(), reason);
        Ok(())
    }

    /// The cartridge cannot be mounted, or holds nothing.
    ///
    /// # Errors
    /// That it cannot, when it is one too many.
    pub fn useless(&mut self, context: &RunContext, barcode: &Barcode, why: Error) -> Result<()> {
        self.refused(context, barcode, &why)?;
        self.failures += 1;
        if self.failures < MOST_FAILURES {
            return Ok(());
        }
        Err(Error::failed(format!(
            "{MOST_FAILURES} cartridges could not be used, the last one {barcode}"
        ))
        .because(why)
        .hint("check robot, drives, cartridges and configured sizes, then \"tapeward job resume\""))
    }

    /// All of them in brackets, or nothing.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.why.is_empty() {
            return String::new();
        }
        let barcodes: Vec<&str> = self.why.keys().map(Barcode::as_str).collect();
        format!(" (not {}: see above)", barcodes.join(", "))
    }
}
