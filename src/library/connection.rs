//! How the devices of a library are reached: devices of this machine, or the virtual library's
//! socket.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use tapeward_drivers::linux::scan::DeviceKind;
use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::socket::start::{connect_or_start, with_server};
use tapeward_drivers::socket::{InitiatorId, Lun, ServerCommand, SocketTransport, list_units};
use tapeward_drivers::spc::identity::Identity;
use tapeward_drivers::transport::Transport;
use tapeward_drivers::{Changer, Drive, smc, ssc};

use super::attachment;
use crate::config::{ChangerConfig, DriveConfig, LibraryConfig};
use crate::error::{Context, Error, Result};

/// Puts something that looks on between a drive and its path.
pub type Watch<'a> = &'a dyn Fn(Box<dyn Transport>) -> Box<dyn Transport>;

/// A path to one drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A device of this machine.
    Attached(DriveConfig),
    /// A logical unit of the virtual library.
    Virtual(u16),
}

impl Unit {
    /// The element a site has configured for it.
    #[must_use]
    pub fn configured_element(&self) -> Option<ElementAddress> {
        match self {
            Self::Attached(config) => config.element.map(ElementAddress),
            Self::Virtual(_) => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attached(config) => match config.name() {
                Ok(name) => name.fmt(f),
                Err(what) => f.write_str(what),
            },
            Self::Virtual(unit) => write!(f, "logical unit {unit} of the virtual library"),
        }
    }
}

/// A configured library.
#[derive(Debug, Clone)]
pub enum Connection {
    /// Devices of this machine.
    Scsi {
        /// The medium changer.
        changer: ChangerConfig,
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
            LibraryConfig::Virtual { path, .. } => Self::Virtual {
                folder: std::path::absolute(state.join(path))
                    .context("cannot find the folder of the virtual library")?,
            },
            LibraryConfig::Scsi { changer, drive, .. } => Self::Scsi {
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
    pub fn changer(&self) -> Result<Changer> {
        match self {
            Self::Scsi { changer, .. } => attachment::open_changer(changer),
            Self::Virtual { folder } => {
                let transport = open_virtual(folder, Lun::CHANGER)?;
                Ok(Box::new(smc::Changer::new(Box::new(transport))))
            }
        }
    }

    /// Who the robot is.
    pub fn changer_identity(&self) -> Result<Identity> {
        let what = "cannot identify the robot";
        match self {
            Self::Scsi { changer, .. } => {
                let name = changer.name().map_err(Error::usage)?;
                attachment::find(name, DeviceKind::MediumChanger)?
                    .identity()
                    .context(what)
            }
            Self::Virtual { folder } => {
                Identity::ask(&mut open_virtual(folder, Lun::CHANGER)?).context(what)
            }
        }
    }

    /// A path to a drive; SCSI commands go through what `watch` makes of it.
    pub fn drive(&self, unit: &Unit, watch: Watch<'_>) -> Result<Drive> {
        match unit {
            Unit::Attached(config) => attachment::open_drive(config, watch),
            Unit::Virtual(number) => {
                let transport = open_virtual(self.folder_of(unit)?, Lun(*number))?;
                Ok(Box::new(ssc::Drive::new(watch(Box::new(transport)))))
            }
        }
    }

    /// Who a drive is. Nobody who works with it notices.
    pub fn drive_identity(&self, unit: &Unit) -> Result<Identity> {
        let what = || format!("cannot identify the drive at {unit}");
        match unit {
            Unit::Attached(config) => {
                let name = config.name().map_err(Error::usage)?;
                attachment::find(name, DeviceKind::TapeDrive)?
                    .identity()
                    .context(what())
            }
            Unit::Virtual(number) => {
                let mut transport = open_virtual(self.folder_of(unit)?, Lun(*number))?;
                Identity::ask(&mut transport).context(what())
            }
        }
    }

    fn folder_of(&self, unit: &Unit) -> Result<&Path> {
        self.virtual_folder()
            .ok_or_else(|| Error::failed(format!("a real library has no {unit}")))
    }
}

impl Connection {
    /// Every drive of the library.
    pub fn drive_units(&self) -> Result<Vec<Unit>> {
        match self {
            Self::Scsi { drives, .. } => Ok(drives.iter().cloned().map(Unit::Attached).collect()),
            Self::Virtual { folder } => virtual_drives(folder),
        }
    }
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

fn open_virtual(folder: &Path, unit: Lun) -> Result<SocketTransport> {
    connect_or_start(folder, unit, initiator(), &virtual_server(folder)?)
        .context("cannot reach the virtual library")
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
