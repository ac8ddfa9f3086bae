//! What can be typed after `drill`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::LibraryChoice;
use crate::id::RunId;

/// `drill`
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// What a seed draws from the volumes that were proved least recently; nothing is recorded.
    #[command(
        after_help = "Examples:\n  tapeward drill plan\n  tapeward drill plan --seed 'lotto 2026-11-21: 4 8 15 16 23 42' --volumes 3 --files 10 --json"
    )]
    Plan {
        #[command(flatten)]
        draw: DrawArgs,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Draw files by lot, restore them to nowhere, compare their digests, and record the proof.
    #[command(after_help = "\
Examples:
  tapeward drill run
  tapeward drill run --volumes 3 --files 10 --identity /media/usb/escrow.identity
  tapeward drill run --seed 'lotto 2026-11-21: 4 8 15 16 23 42'
  tapeward drill run --resume 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b

The volumes are those on which something was decrypted longest ago, in the library or not. Where a
cartridge has to be brought or an identity is not here, the drill waits for a person (exit code 20), which
is on record, and --resume goes on with the same draw. Of the files of a volume those are drawn of which
  printf '%s\\n%s\\n%s\\n%s' SEED VOLUME SET PATH | sha256sum
is least, so that anybody can check the draw.")]
    Run {
        #[command(flatten)]
        draw: DrawArgs,
        /// Go on with a drill that waits for a cartridge or an identity.
        #[arg(long, value_name = "RUN", conflicts_with_all = ["seed", "volumes", "files", "here"])]
        resume: Option<RunId>,
        /// Identity file to decrypt with; the host's own keys without it. May be given several
        /// times.
        #[arg(long, value_name = "FILE")]
        identity: Vec<PathBuf>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// All drills: when, what was drawn, what came of it.
    #[command(after_help = "Examples:\n  tapeward drill list\n  tapeward drill list --json")]
    List,
}

/// How is drawn.
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// What makes the draw, any text; a new one without it. It is on record.
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
    /// Volumes.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub volumes: u16,
    /// Files of each volume.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub files: u16,
    /// Only volumes that are in the library.
    #[arg(long)]
    pub here: bool,
}
