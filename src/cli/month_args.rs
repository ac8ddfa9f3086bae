//! What can be typed after `month`.

use clap::{Args, Subcommand};

use crate::catalogue::Month;

/// `month`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  tapeward month                       this month, set by set
  tapeward month 2026-10 --json
  tapeward month waive mail --month 2026-10 --by 'Ann Lee' --reason 'server was replaced'
  tapeward month close 2026-10

A full is done when it is on tape; the month is closed only when every full has its copies, each read back
and each on cartridges that somebody or the robot has seen in their place, or is waived. The place is
\"place\" of the pool's section in config.toml, else any that is known. Days and months are in UTC.")]
pub struct MonthArgs {
    /// What to do; without it the month is shown.
    #[command(subcommand)]
    pub command: Option<MonthCommand>,
    /// The month (YYYY-MM); this one without it.
    pub month: Option<Month>,
}

/// What is done with a month.
#[derive(Debug, Subcommand)]
pub enum MonthCommand {
    /// Each full, each copy, each cartridge: how it is, where it is, when it was seen.
    #[command(
        after_help = "Examples:\n  tapeward month show\n  tapeward month show 2026-10 --json"
    )]
    Show {
        /// The month (YYYY-MM); this one without it.
        month: Option<Month>,
    },
    /// The months that are closed.
    #[command(after_help = "Examples:\n  tapeward month list\n  tapeward month list --json")]
    List,
    /// Say that a full need not be in a month, and who decided that.
    #[command(
        after_help = "Examples:\n  tapeward month waive mail --month 2026-10 --by 'Ann Lee' --reason 'server was replaced'"
    )]
    Waive {
        /// Name of the set.
        set: String,
        /// The month (YYYY-MM).
        #[arg(long, value_name = "MONTH")]
        month: Month,
        /// Whose decision it is.
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Close a month for good, if nothing is lacking; else one line for each gap (exit code 20).
    #[command(
        after_help = "Examples:\n  tapeward month close 2026-10\n  tapeward month close 2026-10 --json"
    )]
    Close {
        /// The month (YYYY-MM).
        month: Month,
    },
}
