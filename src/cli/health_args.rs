//! What can be typed after `health` and `doctor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::LibraryChoice;
use crate::id::Barcode;

/// `health`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward health                      every drive and cartridge that was used
  tapeward health --json
  tapeward health quarantine TWV007L8 --reason \"dropped\"
  tapeward health release TWV007L8

Suspect is proposed for a person to decide; only what a drive itself calls critical is taken out of
use at once. A cartridge that is out of use is not written any more and can still be read; a drive
that is out of use is not used.")]
pub struct HealthArgs {
    /// What to do; without it the report is shown.
    #[command(subcommand)]
    pub command: Option<HealthCommand>,
}

/// Decisions about health.
#[derive(Debug, Subcommand)]
pub enum HealthCommand {
    /// Take a cartridge or a drive out of use.
    #[command(
        after_help = "Examples:\n  tapeward health quarantine TWV007L8 --reason \"fails in two drives\""
    )]
    Quarantine {
        /// Barcode of a cartridge, or serial number of a drive.
        which: String,
        /// Why, for the journal.
        #[arg(long, default_value = "as proposed", value_name = "TEXT")]
        reason: String,
    },
    /// Use it again; what was observed before no longer counts.
    #[command(
        after_help = "Examples:\n  tapeward health release DRV0000001 --reason \"heads exchanged\""
    )]
    Release {
        /// Barcode of a cartridge, or serial number of a drive.
        which: String,
        /// Why, for the journal.
        #[arg(long, default_value = "found to be sound", value_name = "TEXT")]
        reason: String,
    },
}

/// `doctor`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward doctor                                 looks only: moves and writes nothing
  tapeward doctor --scratch TWV001L8              asks first
  tapeward doctor --scratch TWV001L8 --yes --certificate /srv/certificates

The scratch cartridge must be blank; it is moved to every free mail slot and drive, written on, and
ends blank and where it was. Exit code 1 when a check failed; what the hardware lacks is no failure.")]
pub struct DoctorArgs {
    /// Blank cartridge to move and write on.
    #[arg(long, value_name = "BARCODE")]
    pub scratch: Option<Barcode>,
    /// Do not ask whether the cartridge may be written on.
    #[arg(long, requires = "scratch")]
    pub yes: bool,
    /// Write the cartridge to its end in each drive; hours on a real one (small ones always are).
    #[arg(long, requires = "scratch")]
    pub fill: bool,
    /// Folder for the certificate, as text and JSON.
    #[arg(long, value_name = "DIR")]
    pub certificate: Option<PathBuf>,
    /// Which library.
    #[command(flatten)]
    pub choice: LibraryChoice,
}
