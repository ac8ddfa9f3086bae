//! `kit`: what can be typed.

use std::path::PathBuf;

use clap::Subcommand;

use super::key_args::PaperArg;

/// `kit`
#[derive(Debug, Subcommand)]
pub enum KitCommand {
    /// The kit as a PDF, for the sealed envelope.
    #[command(after_help = "\
Examples:
  tapeward kit print --output kit.pdf
  tapeward kit print --output kit.pdf --paper letter

It says what is where, which keys open it (it holds none) and every command; names of sets stand in
it. kit.contacts in the configuration are lines for it, kit.valid-days is how long it is good.")]
    Print {
        /// Where to write it (mode 0600, must not exist); - for standard output.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Paper.
        #[arg(long, value_enum, default_value = "a4")]
        paper: PaperArg,
    },
    /// The kit as files: the script, its tables, the page of the tape format, the PDF.
    #[command(after_help = "\
Examples:
  tapeward kit export /media/usb/kit

On the machine for recovery: IDENTITY=escrow.identity sh restore.sh get finance /tmp/back")]
    Export {
        /// Folder; made, or empty.
        dir: PathBuf,
        /// Paper of the PDF.
        #[arg(long, value_enum, default_value = "a4")]
        paper: PaperArg,
    },
    /// Whether the newest kit still says what is so; exit code 20 if not.
    #[command(after_help = "Examples:\n  tapeward kit status\n  tapeward kit status --json")]
    Status,
}
