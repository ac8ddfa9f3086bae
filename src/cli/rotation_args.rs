//! What can be typed after `rotation`.

use chrono::NaiveDate;
use clap::Subcommand;

use super::args::LibraryChoice;

/// `rotation`
#[derive(Debug, Subcommand)]
pub enum RotationCommand {
    /// What is written, goes out, comes home and expires on which day, and why.
    #[command(after_help = "\
Examples:
  tapeward rotation plan --to 2026-12-31
  tapeward rotation plan --from 2027-01-01 --to 2036-12-31 --json
  tapeward rotation plan --to 2027-01-31 --library main

The plan is made from the record and from the pools, places, carriers and calendars of config.toml, day by
day; nothing is changed. A pool names its scheme and where its cartridges belong:
  [pool.offsite]
  place = \"VAULT\"
  rotation = { scheme = \"monthly\", keep-months = 12 }
Schemes: monthly (keep-months, day), grandfather-father-son (keep-days, keep-weeks, keep-months, day),
keep-sets (sets, days), daily (keep-days). Every line has the code of its reason, every warning its own.")]
    Plan {
        /// First day; today without it.
        #[arg(long, value_name = "DATE")]
        from: Option<NaiveDate>,
        /// Last day.
        #[arg(long, value_name = "DATE")]
        to: NaiveDate,
        #[command(flatten)]
        choice: LibraryChoice,
    },
}
