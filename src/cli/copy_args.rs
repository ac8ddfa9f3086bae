//! What can be typed after `copy`.

use chrono::NaiveDate;
use clap::Subcommand;

use super::args::LibraryChoice;
use crate::copies::consolidate::Percent;
use crate::id::{Barcode, TaskId};

/// `copy`
#[derive(Debug, Subcommand)]
pub enum CopyCommand {
    /// What is to be copied to other cartridges: why, where to, by when.
    #[command(
        after_help = "Examples:\n  tapeward copy list\n  tapeward copy list --all\n  tapeward copy list --json"
    )]
    List {
        /// Those that are done or cancelled too.
        #[arg(long)]
        all: bool,
    },
    /// What would be read from where and written to which pool, and about how long it takes.
    #[command(after_help = "Examples:\n  tapeward copy plan\n  tapeward copy plan --json")]
    Plan {
        /// Ids of tasks; all that are open without them.
        tasks: Vec<TaskId>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Copy from tape to tape, read back, and only then let the old copies go.
    #[command(
        after_help = "Examples:\n  tapeward copy run --all\n  tapeward copy run 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b\n\nAfter an interruption, a kill or a power cut the same command goes on with what is left."
    )]
    Run {
        /// Ids of tasks.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        tasks: Vec<TaskId>,
        /// Every task that is open.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// A cartridge is lost: nothing on it counts any more, and all of it is to be copied again.
    #[command(
        after_help = "Examples:\n  tapeward copy lost TWV001L8 --due 2026-12-24 --reason \"fell off the van\"\n\nExit code 20 when the last good copy of something was on it."
    )]
    Lost {
        /// Barcode.
        barcode: Barcode,
        /// By when it is to be copied again.
        #[arg(long, value_name = "DATE")]
        due: NaiveDate,
        /// What happened, for the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Replace cartridges: all that must be kept on them is to be copied to others.
    #[command(
        after_help = "Examples:\n  tapeward copy refresh TWV001L8 TWV002L8\n  tapeward copy refresh OLD001L6 --pool lto9 --due 2027-03-31\n\nOnly when the new copies were read back do the old ones stop counting; then the cartridge is\nretired."
    )]
    Refresh {
        /// Barcodes.
        #[arg(required = true)]
        barcodes: Vec<Barcode>,
        /// Pool to write to; that of each copy without it.
        #[arg(long)]
        pool: Option<String>,
        /// By when; in 30 days without it.
        #[arg(long, value_name = "DATE")]
        due: Option<NaiveDate>,
        /// Why, for the journal.
        #[arg(long, default_value = "to be replaced", value_name = "TEXT")]
        reason: String,
    },
    /// Join volumes of which little must be kept onto fewer; the others can be used again.
    #[command(
        after_help = "Examples:\n  tapeward copy consolidate --plan\n  tapeward copy consolidate --pool offsite --below 30"
    )]
    Consolidate {
        /// Only volumes of this pool.
        #[arg(long)]
        pool: Option<String>,
        /// Volumes of which less than this part of what was written must be kept.
        #[arg(long, default_value = "50", value_name = "PERCENT", value_parser = percent)]
        below: Percent,
        /// Show which volumes, and stop.
        #[arg(long)]
        plan: bool,
    },
    /// Decide that a task need not be done.
    #[command(
        after_help = "Examples:\n  tapeward copy cancel 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b --reason \"the cartridge was found\""
    )]
    Cancel {
        /// Id of the task.
        task: TaskId,
        /// Why, for the journal.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

fn percent(text: &str) -> Result<Percent, String> {
    match text.trim_end_matches('%').parse::<u8>() {
        Ok(number @ 1..=100) => Ok(Percent(number)),
        _ => Err("it is a number from 1 to 100".to_owned()),
    }
}
