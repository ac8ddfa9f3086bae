//! How the devices of a library are reached: SCSI generic nodes, or the virtual library's socket.

use std::fmt;
use std::path::{Path, PathBuf};

use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::transport::Transport;

use crate::config::{DriveConfig, LibraryConfig};
use crate::error::{Context, Error, Result};

/// A path to one drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A SCSI generic node.
    Node(DriveConfig),
    /// A logical unit of the virtual library.
    Virtual(u16),
}

impl Unit {
    /// The element a site has configured for it.
    #[must_use]
    pub fn configured_element(&self) -> Option<ElementAddress> {
        match self {
            Self::Node(config) => config.element.map(ElementAddress),
            Self::Virtual(_) => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(config) => config.device.display().fmt(f),
            Self::Virtual(unit) => write!(f, "logical unit {unit} of the virtual library"),
        }
    }
}

/// A configured library.
#[derive(Debug)]
pub enum Connection {
    /// SCSI generic nodes.
    Scsi {
        /// The changer's node.
        changer: PathBuf,
        /// The drives.
        drives: Vec<DriveConfig>,
    },
    /// A folder with a virtual library.
    Virtual {
        /// The folder.
        folder: PathBuf,
    },
}

impl Connection {
    /// From the configuration; relative folders start at the state folder.
    pub fn new(config: &LibraryConfig, state: &Path) -> Result<Self> {
        Ok(match config {
            LibraryConfig::Virtual { path } => Self::Virtual {
                folder: std::path::absolute(state.join(path))
                    .context("cannot find the folder of the virtual library")?,
            },
            LibraryConfig::Scsi { changer, drive } => Self::Scsi {
                changer: changer.clone(),
                drives: drive.clone(),
            },
        })
    }

    /// The folder of a virtual library.
    #[must_use]
    pub fn virtual_folder(&self) -> Option<&Path> {
        match self {
            Self::Virtual { folder } => Some(folder),
            Self::Scsi { .. } => None,
        }
    }

    /// A path to the robot.
    pub fn changer(&self) -> Result<Box<dyn Transport>> {
        match self {
            Self::Scsi { changer, .. } => open_node(changer),
            Self::Virtual { folder } => open_virtual(folder, CHANGER_UNIT),
        }
    }

    /// A path to a drive.
    pub fn drive(&self, unit: &Unit) -> Result<Box<dyn Transport>> {
        match (self, unit) {
            (Self::Virtual { folder }, Unit::Virtual(number)) => open_virtual(folder, *number),
            (_, Unit::Node(config)) => open_node(&config.device),
            (Self::Scsi { .. }, Unit::Virtual(_)) => {
                Err(Error::failed("a real library has no virtual drives"))
            }
        }
    }
}

impl Connection {
    /// Every drive of the library.
    pub fn drive_units(&self) -> Result<Vec<Unit>> {
        match self {
            Self::Scsi { drives, .. } => Ok(drives.iter().cloned().map(Unit::Node).collect()),
            Self::Virtual { folder } => virtual_drives(folder),
        }
    }
}

fn open_node(path: &Path) -> Result<Box<dyn Transport>> {
    let device = SgDevice::open(path).context("cannot open a SCSI device")?;
    Ok(Box::new(device))
}
