//! What can be typed after `scrub`.

use std::path::PathBuf;

use clap::Subcommand;

use super::args::LibraryChoice;

/// `scrub`
#[derive(Debug, Subcommand)]
pub enum ScrubCommand {
    /// Which volumes would be read back, in which order and why.
    #[command(after_help = "Examples:\n  tapeward scrub plan\n  tapeward scrub plan --json")]
    Plan {
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Read volumes back, the longest unread first; what is damaged is to be copied again.
    #[command(
        after_help = "Examples:\n  tapeward scrub run\n  tapeward scrub run --hours 4\n  tapeward scrub run --volumes 2 --files --identity /media/usb/escrow.identity\n\nWithout --hours and --volumes: what is due, for as long as this month's hours last\n([scrub] every-days, hours-per-month in config.toml)."
    )]
    Run {
        /// Begin nothing after so many hours.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        hours: Option<u16>,
        /// At most so many volumes.
        #[arg(long, value_name = "N")]
        volumes: Option<usize>,
        /// Decrypt too: every frame, every row of the index, every file's digest; files that differ
        /// are named.
        #[arg(long)]
        files: bool,
        /// Identity file to decrypt with; the host's own keys without it. May be given several
        /// times.
        #[arg(long, value_name = "FILE", requires = "files")]
        identity: Vec<PathBuf>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
}
