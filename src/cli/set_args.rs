//! What can be typed after `set define`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use crate::catalogue::PoolName;

/// Compression of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionArg {
    /// Not compressed before encryption.
    None,
    /// zstd frames.
    Zstd,
}

/// Who encrypts a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncryptionArg {
    /// This host: segments are age files.
    Age,
    /// The drive, with a key that is on the tape in an age file.
    Drive,
}

/// `set define`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["source", "command", "pattern"]))]
#[command(after_help = "\
Examples:
  tapeward set define finance /appliance/finance
  tapeward set define mail /appliance/mail --compression zstd --exclude cache
  tapeward set define films /appliance/films --encryption drive
  tapeward set define crm --command 'pg_dump -Fc crm' --spool /var/spool/tapeward --env PGPASSFILE
  tapeward set define tank --command 'zfs send tank@now' --before 'zfs snapshot tank@now' --after 'zfs destroy tank@now'
  tapeward set define logs --shell --command 'cat /var/log/*.1; journalctl'
  tapeward set define home /mnt/home --before /usr/local/sbin/mount-snapshot --after /usr/local/sbin/drop-snapshot
  tapeward set define courts /appliance/courts --agency courts --retention-days 3650
  tapeward set define tax /appliance/tax --copy onsite --copy vault --key site --key escrow
  tapeward set define mail /appliance/mail --hold \"case 7/2026\"
  tapeward set define appliance --newest --pattern '/appliance/{system}/{date}/{kind}'

Dates are written as {date} says: {date:%Y%m%d} for 20261121, for example; {date} is 2026-11-21.
A command is run as the user of the job, without a shell, in /, with PATH, HOME and what --env gives.
What it writes becomes one stream; when its status is not 0, the set has failed. After a kill, one that
is spooled goes on; one that is not is begun anew. Commands before and after find TAPEWARD_SET,
TAPEWARD_SOURCE and TAPEWARD_MONTH in their environment, the latter TAPEWARD_RESULT (ok or failed) too.
The environment is on record: passwords belong into files.

What is not given is as the configuration says: the pools of the copies ([monthly] copies), how long
they are kept and the keys ([pool.NAME]).")]
pub struct SetDefineArgs {
    /// Name, unique.
    pub name: String,
    /// Folder to back up.
    pub source: Option<PathBuf>,
    /// Back up what this command writes to its standard output.
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// Back up the folders that match, each as a set of its own, named NAME/system/kind.
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Option<String>,
    /// Of each system and kind only the newest at or before the run; without it all of the month,
    /// and what earlier months' runs did not find yet.
    #[arg(long)]
    pub newest: bool,
    /// Commands are lines for sh.
    #[arg(long)]
    pub shell: bool,
    /// A variable for the commands, NAME=VALUE, or NAME to pass on the job's; may be given several
    /// times.
    #[arg(long, value_name = "VARIABLE")]
    pub env: Vec<String>,
    /// Write the command's output to a file in this folder first.
    #[arg(long, value_name = "FOLDER")]
    pub spool: Option<PathBuf>,
    /// Run this before the source is read.
    #[arg(long, value_name = "COMMAND")]
    pub before: Option<String>,
    /// Run this after the source was read, or could not be.
    #[arg(long, value_name = "COMMAND")]
    pub after: Option<String>,
    /// Compression.
    #[arg(long, value_enum, default_value = "none")]
    pub compression: CompressionArg,
    /// Who encrypts its segments.
    #[arg(long, value_enum, default_value = "age")]
    pub encryption: EncryptionArg,
    /// Path below the source to leave out; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub exclude: Vec<PathBuf>,
    /// Pool of a copy, in order; may be given several times.
    #[arg(long = "copy", value_name = "POOL")]
    pub copies: Vec<PoolName>,
    /// Days its sets are kept, in whichever pool.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub retention_days: Option<u32>,
    /// Name of a key its sets are encrypted to; may be given several times.
    #[arg(long = "key", value_name = "NAME")]
    pub keys: Vec<String>,
    /// Whose data it is.
    #[arg(long, value_name = "NAME")]
    pub agency: Option<String>,
    /// Hold its sets from the first on; why.
    #[arg(long, value_name = "REASON")]
    pub hold: Option<String>,
}

/// `set hold`, `set release`
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// Name or id of a definition, for all of its sets, or id of one set.
    pub set: String,
    /// Why, in one line.
    #[arg(long)]
    pub reason: String,
}
