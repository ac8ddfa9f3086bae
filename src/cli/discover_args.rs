//! What can be typed after `library discover`.

use clap::{Args, ValueEnum};

use crate::id::Barcode;

/// `library discover`
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// Serial number of the changer, when there are several.
    #[arg(long, value_name = "SERIAL")]
    pub changer: Option<String>,
    /// Write what was found to config.toml.
    #[arg(long)]
    pub write: bool,
    /// Name of the library in config.toml; the one it has there already, else "main".
    #[arg(long, requires = "write")]
    pub name: Option<String>,
    /// Replace what was written or changed by hand.
    #[arg(long, requires = "write")]
    pub replace: bool,
    /// Leave out drive elements whose drives are not attached to this machine.
    #[arg(long, requires = "write")]
    pub partial: bool,
    /// How the devices are to be reached.
    #[arg(long, value_name = "PATH", value_enum, requires = "write")]
    pub path: Option<DevicePathArg>,
    /// Load this cartridge into each element whose drive is not known, to see which drive it is.
    /// Nothing is written to it.
    #[arg(long, value_name = "BARCODE")]
    pub trial: Option<Barcode>,
    /// Don't ask before cartridges are moved.
    #[arg(long, requires = "trial")]
    pub yes: bool,
}

/// How devices are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DevicePathArg {
    /// SCSI commands through /dev/sgN.
    Sg,
    /// The kernel's own drivers: /dev/nstN and /dev/schN.
    Kernel,
}
