//! What can go wrong with a library as a machine (not what its devices report).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::cartridge::CartridgeId;
use crate::personality;

/// Who has a library open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A process that serves it on its socket, or is about to, or was until just now.
    Server {
        /// Its id, if the lock file is whole.
        process: Option<u32>,
    },
    /// A process that has it to itself.
    Process {
        /// Its id.
        process: u32,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { process: None } => f.write_str("its server"),
            Self::Server {
                process: Some(process),
            } => write!(f, "its server, process {process}"),
            Self::Process { process } => write!(f, "process {process}"),
        }
    }
}

/// Why something could not be done to a library.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// A file of the library.
    #[error("{}: {source}", .path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something is in the way of a new library.
    #[error("{}: a virtual library is made in an empty folder; this one is not", .dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// Two processes cannot have the same library open.
    #[error("{}: the virtual library is in use by {holder}", .dir.display())]
    InUse {
        /// Its folder.
        dir: PathBuf,
        /// Who has it, as its lock file says.
        holder: Holder,
    },
    /// No such model.
    #[error("there is no library model \"{name}\"; there are: {}", model_names())]
    UnknownPersonality {
        /// What was asked for.
        name: String,
    },
    /// Serial numbers stand in fixed fields.
    #[error("the serial number \"{serial}\" is not 1 to 8 letters and digits")]
    BadSerial {
        /// What was given.
        serial: String,
    },
    /// A label that cannot be a folder's name.
    #[error(
        "\"{text}\" cannot be a cartridge's name: 1 to 32 printable ASCII characters, no \"/\""
    )]
    BadName {
        /// What was given.
        text: String,
    },
    /// More cartridges than places.
    #[error("no {what} element is free")]
    NoFreeElement {
        /// Kind of element.
        what: &'static str,
    },
    /// No such element, or not one an operator can reach.
    #[error("element {address} is not a storage or import/export element")]
    NoSuchElement {
        /// Its address.
        address: u16,
    },
    /// Something is in it.
    #[error("element {address} holds {holds}")]
    ElementFull {
        /// Its address.
        address: u16,
        /// The cartridge in it.
        holds: CartridgeId,
    },
    /// No such cartridge.
    #[error("there is no cartridge {id} here")]
    NoSuchCartridge {
        /// What was asked for.
        id: CartridgeId,
    },
    /// It is in the library already.
    #[error("cartridge {id} is in element {address} already")]
    AlreadyInside {
        /// The cartridge.
        id: CartridgeId,
        /// Where it is.
        address: u16,
    },
    /// An operator cannot reach into a drive.
    #[error("cartridge {id} is in the drive at element {address}; move it out of the drive first")]
    InDrive {
        /// The cartridge.
        id: CartridgeId,
        /// Address of the drive's element.
        address: u16,
    },
    /// A host sent PREVENT ALLOW MEDIUM REMOVAL.
    #[error("a host keeps the import/export elements locked")]
    DoorLocked,
}

fn model_names() -> String {
    let names: Vec<&str> = personality::PERSONALITIES
        .iter()
        .map(|row| row.name)
        .collect();
    names.join(", ")
}

/// An error of this file or folder.
pub(crate) fn at(path: &Path, source: io::Error) -> LibraryError {
    LibraryError::Io {
        path: path.to_owned(),
        source,
    }
}
