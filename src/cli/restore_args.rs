//! What can be typed after `find` and `restore`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::args::{LibraryChoice, parse_copy};
use crate::id::{CopyNumber, RunId};

/// `find`
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("which")
        .required(true)
        .multiple(true)
        .args(["pattern", "path", "below", "name", "larger", "smaller", "newer", "older"])
)]
#[command(after_help = "\
Examples:
  tapeward find '*.odt'
  tapeward find --set finance 'ledger/2026/*'
  tapeward find etc/passwd --json
  tapeward find --path ledger/2026/march.ods
  tapeward find --below ledger --larger 1GiB --newer 2026-03-31 --month 2026-04

A pattern without * ? [ finds paths that contain it; with them it must match the whole path
or the name. All conditions hold together. Exits with 1 when nothing matches.")]
pub struct FindArgs {
    /// Text or glob pattern.
    pub pattern: Option<OsString>,
    /// Exactly this path: the quickest way.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["pattern", "below", "name"])]
    pub path: Option<PathBuf>,
    /// This path and everything below it.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["pattern", "name"])]
    pub below: Option<PathBuf>,
    /// Glob pattern for the last name alone.
    #[arg(long, value_name = "GLOB", conflicts_with = "pattern")]
    pub name: Option<OsString>,
    /// At least this size.
    #[arg(long, value_name = "SIZE")]
    pub larger: Option<bytesize::ByteSize>,
    /// At most this size.
    #[arg(long, value_name = "SIZE")]
    pub smaller: Option<bytesize::ByteSize>,
    /// Modified after this date (YYYY-MM-DD: its end, UTC) or time (RFC 3339).
    #[arg(long, value_name = "DATE")]
    pub newer: Option<String>,
    /// Modified up to this date or time.
    #[arg(long, value_name = "DATE")]
    pub older: Option<String>,
    /// Only in sets that count for this month (YYYY-MM).
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// Only in sets of this definition.
    #[arg(long, value_name = "NAME")]
    pub set: Option<String>,
    /// At most this many lines.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: usize,
}

/// What happens to files that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExistingArg {
    /// Leave everything as it is and say so.
    Refuse,
    /// Keep the file that is there.
    Keep,
    /// Replace it.
    Replace,
    /// Give the one that is there another name, NAME.kept-1.
    Rename,
}

/// `restore`
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("destination")
        .required(true)
        .multiple(true)
        .args(["to", "tar", "verify_only", "plan", "resume"])
)]
#[command(after_help = "\
Examples:
  tapeward restore finance --to /tmp/back
  tapeward restore finance ledger/2026 '*.odt' --to /tmp/back
  tapeward restore finance --at 2026-03-31 --plan
  tapeward restore 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b --to /tmp/back --copy 2
  tapeward restore finance --set mail --to /tmp/back
  tapeward restore finance ledger --to - | tar -t
  tapeward restore --resume 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b
  tapeward restore finance ledger/2026 --to /tmp/back --no-wait

The newest complete set of a definition is taken unless --at or the id of a set is given. Several
sets go into folders named by their definitions. What is in the library is restored; when some of it
is elsewhere, the exit code is 20, the cartridges to bring are named, and --resume goes on. Where a job
holds the drives, it gives one away at its next commit point and takes it again afterwards. A file that
cannot be read to its end is filled up with zeros in a tar stream, and named.")]
pub struct RestoreArgs {
    /// Name or id of a set definition, or id of a set.
    #[arg(required_unless_present = "resume")]
    pub set: Option<String>,
    /// Files and folders below the set's root, or patterns (* ? [); everything without them.
    pub paths: Vec<PathBuf>,
    /// Another set; may be given several times.
    #[arg(long = "set", value_name = "SET", id = "other_set")]
    pub more: Vec<String>,
    /// The newest set at or before this date (YYYY-MM-DD: its end, UTC) or time (RFC 3339).
    #[arg(long, value_name = "DATE")]
    pub at: Option<String>,
    /// Folder to restore into, made if missing; - for a tar stream on standard output.
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Write a tar stream (pax) to this file; - for standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    pub tar: Option<PathBuf>,
    /// Read everything and compare its digests, and write nothing.
    #[arg(long, conflicts_with_all = ["to", "tar"])]
    pub verify_only: bool,
    /// Show what would be read from which cartridges, and stop.
    #[arg(long)]
    pub plan: bool,
    /// Go on with a restore that waits for cartridges, was interrupted or killed.
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["set", "other_set", "at", "to", "tar", "verify_only", "plan", "copy"]
    )]
    pub resume: Option<RunId>,
    /// Read this copy; the one at hand without it.
    #[arg(long, value_name = "N", value_parser = parse_copy)]
    pub copy: Option<CopyNumber>,
    /// What to do with files that are there already.
    #[arg(long, value_enum, default_value = "refuse")]
    pub existing: ExistingArg,
    /// Make device nodes.
    #[arg(long)]
    pub devices: bool,
    /// Restore set-user-ID and set-group-ID bits and file capabilities.
    #[arg(long)]
    pub privileged_modes: bool,
    /// Write the list of all that could not be restored or kept to this file.
    #[arg(long, value_name = "FILE")]
    pub problems: Option<PathBuf>,
    /// Most drives to use at once; as many as there are cartridges without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub drives: Option<u16>,
    /// When other runs hold the drives or a cartridge, refuse instead of waiting until they give way.
    #[arg(long)]
    pub no_wait: bool,
    /// Identity file to decrypt with; the host's own keys without it.
    #[arg(long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// Which library.
    #[command(flatten)]
    pub choice: LibraryChoice,
}
