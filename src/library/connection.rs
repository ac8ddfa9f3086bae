//! How the devices of a library are reached: SCSI generic nodes, or the virtual library's socket.

use std::fmt;
use std::path::{Path, PathBuf};

use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::transport::Transport;

use crate::config::{DriveConfig, LibraryConfig};
use crate::error::{Context, Result};

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
