//! The record: what is where, what was meant and what was seen. SQLite, and the only SQL of the
//! project.
//!
//! Everything is read through a [`View`] and changed through a [`Tx`], so that one transaction can
//! hold "segment committed", "step observed" and the journal entry together:
//!
//! ```ignore
//! catalogue.write(|tx| {
//!     tx.add_segment_copy(&copy)?;
//!     tx.observe_step(step, StepOutcome::Done, &seen, now)?;
//!     journal::append(tx, now, &actor, &Event::SegmentCommitted { .. })?;
//!     Ok::<_, CatalogueError>(())
//! })
//! ```

mod block_limits;
mod cartridges;
mod copy_tasks;
mod courier;
mod definitions;
mod digest;
mod disposals;
mod drive_requests;
mod entries;
mod error;
mod exceptions;
mod foreign;
mod health;
mod holds;
mod items;
mod key_proofs;
mod keys;
mod kits;
mod leases;
mod libraries;
mod migrations;
mod month;
mod months;
mod movements;
mod people;
mod places;
mod rotation;
mod runs;
mod scans;
mod segments;
mod sets;
mod sources;
mod sql;
mod steps;
mod stock_counts;
mod store;
#[cfg(test)]
mod store_tests;
mod tape_files;
mod volumes;

pub use block_limits::BlockLimit;
pub use cartridges::{Cartridge, Generation, MediumUse, NewCartridge};
pub use copy_tasks::{CopyReason, CopyTask, NewCopyTask, TaskState};
pub use courier::{
    Arrival, CourierCase, CourierPrint, CourierRun, CourierState, Direction, HandOver, Revision,
};
pub use definitions::{Compression, Encryption, NewDefinition, PoolName, SetDefinition};
pub use digest::ContentDigest;
pub use disposals::{Approval, Certificate, Contractor, Disposal, DisposalItem, DisposalState};
pub use drive_requests::{DriveNeed, DriveRequest};
pub use entries::{JournalFilter, JournalRow};
pub use error::{CatalogueError, ConstraintKind, Noun};
pub use exceptions::{Exception, ExceptionKind, NewException};
pub use foreign::{ForeignTape, NewForeignTape};
pub use health::{DecidedBy, HealthDecision};
pub use holds::{HoldChange, HoldEvent, HoldSubject};
pub use items::{Item, NewThing, Thing, ThingKind};
pub use key_proofs::{KeyProof, OpenedBy, ProofKind};
pub use keys::{IdentityPlace, Key, KeyRole};
pub use kits::{KitForm, MadeKit};
pub use leases::{Lease, LeaseOutcome};
pub use libraries::{Drive, Library, NewLibrary, NumberedElement};
pub use month::Month;
pub use months::{ClosedMonth, Waiver};
pub use movements::{MoveReason, Movement, MovementState};
pub use people::{Loan, Person};
pub use places::{ElementAddress, ElementKind, NewPlace, Place, PlaceEvent, PlaceKind, Witness};
pub use rotation::CopyOnVolume;
pub use runs::{NewRun, Run, RunKind, RunState};
pub use scans::{ScanLine, ScanSession};
pub use segments::{LastRead, Segment, SegmentCopy, SegmentCopyState};
pub use sets::{
    BackupSet, NewSet, NewSetCopy, SetCopy, SetCopyState, SetState, SetTotals, StoredIndex,
};
pub use sources::{
    CommandLine, CommandSource, Commands, DateChoice, PatternSource, Source, Variable,
};
pub use steps::{Step, StepKind, StepOutcome, StepState};
pub use stock_counts::{StockCount, StockCountLine};
pub use store::{Catalogue, Tx, View};
pub use tape_files::{TapeFile, TapeFileKind};
pub use volumes::{ContentState, NewVolume, Volume, VolumeEvent};
