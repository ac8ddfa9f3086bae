//! What can be typed after `media` about cartridges of other programs.

use std::path::PathBuf;

use clap::Subcommand;

use super::args::LibraryChoice;
use crate::id::Barcode;

/// `media`, for cartridges of other programs
#[derive(Debug, Subcommand)]
pub enum ForeignCommand {
    /// Load a cartridge and say what wrote it; nothing is written.
    #[command(
        after_help = "Examples:\n  tapeward media identify OLD001L6\n  tapeward media identify OLD001L6 --json"
    )]
    Identify {
        /// Barcode.
        barcode: Barcode,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Keep a cartridge of another program as it is: it is never written, and its places are kept.
    #[command(
        after_help = "Examples:\n  tapeward media register-foreign OLD001L6 --description \"mail archive 2009, Bacula\""
    )]
    RegisterForeign {
        /// Barcode.
        barcode: Barcode,
        /// What it is.
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Keep such a cartridge no longer; "media label --overwrite-foreign" may then write on it.
    #[command(
        after_help = "Examples:\n  tapeward media release-foreign OLD001L6 --reason \"retention over, signed by records\""
    )]
    ReleaseForeign {
        /// Barcode.
        barcode: Barcode,
        /// Why, for the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Copy a cartridge to files, block by block: one file for each tape file, and a manifest.
    #[command(
        after_help = "Examples:\n  tapeward media raw-copy OLD001L6 --to /srv/old/OLD001L6\n\nThe same command goes on after an interruption. What cannot be read is skipped and named in the\nmanifest; the exit code is 3 then."
    )]
    RawCopy {
        /// Barcode.
        barcode: Barcode,
        /// Folder; made if missing, must be empty or hold what was copied before.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Write such a copy onto a scratch cartridge, block for block, and read it back.
    #[command(
        after_help = "Examples:\n  tapeward media raw-write /srv/old/OLD001L6 TWV009L8\n\nThe cartridge is kept as one of another program's from then on."
    )]
    RawWrite {
        /// Folder with the copy.
        folder: PathBuf,
        /// Barcode of a scratch cartridge.
        barcode: Barcode,
        #[command(flatten)]
        choice: LibraryChoice,
    },
}
