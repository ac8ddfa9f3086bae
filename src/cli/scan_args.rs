//! What can be typed after `scan`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::LibraryChoice;
use crate::id::{Barcode, CountId, PersonCode, PlaceCode};

/// `scan`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  tapeward scan                          badge, PIN, purpose card, place card, then one by one
  ssh tapehost tapeward scan             the same; -t is not needed for a scanner
  tapeward scan --as P07 --json < lines  from a pipe: a JSON object for each line
  printf '.P.IN\\n.L.SAFE1\\nTWV001L8\\n.P.DONE\\n' | tapeward scan --as P07

Cards are .B.PERSON, .P.OUT (IN PACK COUNT PROBLEM UNDO DONE HELP), .L.PLACE, .C.CASE and .K.AZYM-10, the
test of the keyboard. What is typed is asked for twice and marked as keyed: on a terminal what takes longer
than a scanner, and everywhere what begins with \"=\".

Everything that is answered is in the record before the answer is shown. A badge counts for five minutes
after the last line; the same badge at the same station goes on where a killed session ended.
Exit code 20 from a pipe: something was refused, or a task is not finished."
)]
pub struct ScanArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<ScanCommand>,
    /// Badge of the person who scans, for whom your account vouches; without it the badge is scanned and
    /// the PIN asked for.
    #[arg(long = "as", value_name = "PERSON")]
    pub person: Option<PersonCode>,
}

/// What else can be done with a scanner.
#[derive(Debug, Subcommand)]
pub enum ScanCommand {
    /// Count what is in a place; what differs from the record stays open until it is explained.
    #[command(after_help = "\
Examples:
  tapeward scan count SAFE1 --blind --as P07
  tapeward scan count SAFE1 --blind --second-of 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b --as P08

Finished with the DONE card. What a second count, by somebody else, does not find again is explained by
that; the rest stays open.")]
    Count {
        /// The place.
        place: PlaceCode,
        /// Show neither what is expected nor how many.
        #[arg(long)]
        blind: bool,
        /// Badge of the person who counts.
        #[arg(long = "as", value_name = "PERSON")]
        person: PersonCode,
        /// The count this one is the second opinion on, by somebody else.
        #[arg(long, value_name = "COUNT")]
        second_of: Option<CountId>,
    },
    /// When each place was counted last, by whom, and what was found.
    #[command(after_help = "Examples:\n  tapeward scan counts\n  tapeward scan counts --json")]
    Counts,
    /// Load a cartridge and read its label; without a barcode, that of the one in a mail slot.
    #[command(
        after_help = "Examples:\n  tapeward scan identify TWV001L8\n  tapeward scan identify --library vault"
    )]
    Identify {
        /// Barcode; without it, what is in the only full mail slot.
        barcode: Option<Barcode>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Write out what scanning without the record needs.
    #[command(after_help = "Examples:\n  tapeward scan export /media/usb/ann.scan")]
    Export {
        /// File to make.
        file: PathBuf,
    },
    /// Scan without the record, by such a list; what is scanned is added to the file.
    #[command(
        after_help = "Examples:\n  tapeward scan offline /media/usb/ann.scan\n  tapeward scan offline ann.scan --as P07 < lines"
    )]
    Offline {
        /// File made by "scan export".
        file: PathBuf,
        /// Badge of the person who scans.
        #[arg(long = "as", value_name = "PERSON")]
        person: Option<PersonCode>,
    },
    /// Put what was scanned without the record into it; what contradicts is shown and left out.
    #[command(after_help = "\
Examples:
  tapeward scan merge ann.scan bob.scan --as P07
  tapeward scan merge ann.scan --as P07 --json

Merging a file again adds only what is new in it. Exit code 20: there are conflicts.")]
    Merge {
        /// Files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Badge of the person who merges.
        #[arg(long = "as", value_name = "PERSON")]
        person: Option<PersonCode>,
    },
}
