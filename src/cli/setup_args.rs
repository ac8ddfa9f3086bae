//! What can be typed after `quickstart`, `init` and `config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `quickstart`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward quickstart                 back up the folder you are in, without \"target\"
  tapeward quickstart /usr/share      back up another folder
  tapeward --state /tmp/try quickstart /etc

Everything it makes is in the state folder; running it again adds another month's set.")]
pub struct QuickstartArgs {
    /// Folder to back up; without it the folder you are in, less \"target\".
    pub directory: Option<PathBuf>,
}

/// `init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward init                            then describe the library in config.toml
  tapeward init --virtual                  with a virtual library of 24 slots and 2 drives
  tapeward init --changer /dev/sg3 --drive /dev/sg1 --drive /dev/sg2
  CHANGER=/dev/sg3 TAPE=/dev/nst0 tapeward init

Environment: CHANGER and TAPE, as mtx and mt know them, stand for --changer and --drive where
these are not given. TAPE must be a node that does not rewind (/dev/nst0, not /dev/st0).")]
pub struct InitArgs {
    /// Make a virtual library in the state folder and configure it.
    #[arg(long = "virtual", conflicts_with_all = ["changer", "drive"])]
    pub with_virtual: bool,
    /// Capacity of each virtual cartridge.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "4GiB",
        requires = "with_virtual"
    )]
    pub cartridge_size: bytesize::ByteSize,
    /// SCSI generic node of the medium changer, or its sch node; $CHANGER without it.
    #[arg(long, value_name = "DEVICE")]
    pub changer: Option<PathBuf>,
    /// SCSI generic node of a drive, or its nst node; once for each; $TAPE without it.
    #[arg(long, value_name = "DEVICE")]
    pub drive: Vec<PathBuf>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the file and print it with all defaults spelled out.
    #[command(after_help = "Examples:\n  tapeward config check\n  tapeward --json config check")]
    Check,
}
