//! How the devices of a library are reached: SCSI generic nodes, or the virtual library's socket.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::socket::start::{connect_or_start, with_server};
use tapeward_drivers::socket::{InitiatorId, Lun, ServerCommand, list_units};
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
            Self::Virtual { folder } => open_virtual(folder, Lun::CHANGER),
        }
    }

    /// A path to a drive.
    pub fn drive(&self, unit: &Unit) -> Result<Box<dyn Transport>> {
        match (self, unit) {
            (Self::Virtual { folder }, Unit::Virtual(number)) => open_virtual(folder, Lun(*number)),
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
/// How long a virtual library's process stays after its last connection.
const IDLE_SECONDS: &str = "20";

/// How the process of a virtual library is started on demand: this program again.
pub fn virtual_server(folder: &Path) -> Result<ServerCommand> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let arguments = ["sim", "serve", "--announce", "--idle", IDLE_SECONDS, "--"]
        .into_iter()
        .map(OsString::from)
        .chain([folder.as_os_str().to_owned()])
        .collect();
    Ok(ServerCommand { program, arguments })
}

fn open_virtual(folder: &Path, unit: Lun) -> Result<Box<dyn Transport>> {
    let transport = connect_or_start(folder, unit, initiator(), &virtual_server(folder)?)
        .context("cannot reach the virtual library")?;
    Ok(Box::new(transport))
}

fn virtual_drives(folder: &Path) -> Result<Vec<Unit>> {
    let units = with_server(folder, &virtual_server(folder)?, || list_units(folder))
        .context("cannot reach the virtual library")?;
    Ok(units
        .into_iter()
        .filter(|unit| *unit != Lun::CHANGER)
        .map(|unit| Unit::Virtual(unit.0))
        .collect())
}

/// The same for every process of this host: devices keep prevention and reservations by it.
fn initiator() -> InitiatorId {
    let host = std::fs::read("/etc/machine-id")
        .ok()
        .filter(|id| !id.is_empty())
        .or_else(|| {
            nix::unistd::gethostname()
                .ok()
                .map(std::os::unix::ffi::OsStringExt::into_vec)
        })
        .unwrap_or_default();
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(&host).as_bytes()[..16]);
    InitiatorId(id)
}
