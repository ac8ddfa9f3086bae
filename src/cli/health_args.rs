//! What can be typed after `health`.

use clap::{Args, Subcommand};

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
