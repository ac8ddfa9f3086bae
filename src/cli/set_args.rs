//! What a set is, as it can be typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
#[command(after_help = "\
Examples:
  tapeward set define finance /appliance/finance
  tapeward set define mail /appliance/mail --compression zstd --exclude cache
  tapeward set define films /appliance/films --encryption drive
  tapeward set define courts /appliance/courts --agency courts --retention-days 3650
  tapeward set define tax /appliance/tax --copy onsite --copy vault --key site --key escrow
  tapeward set define mail /appliance/mail --hold \"case 7/2026\"

What is not given is as the configuration says: the pools of the copies ([monthly] copies), how long
they are kept and the keys ([pool.NAME]).")]
pub struct DefineArgs {
    /// Name, unique.
    pub name: String,
    /// Folder to back up.
    pub source: PathBuf,
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
