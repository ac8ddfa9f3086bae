//! What an operator can ask of a running library, and the operator's end of the connection.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapeward_drivers::socket::start::with_server;
use tapeward_drivers::socket::wire::{read_message, write_message};
use tapeward_drivers::socket::{ConnectError, ServerCommand, connect_control};
use thiserror::Error;

use crate::cartridge::{CartridgeId, CartridgeRecord, CartridgeSpec};
use crate::clock::Account;
use crate::error::LibraryError;
use crate::fault::{Counts, PlannedFault};
use crate::library::Library;
use crate::operator::{Destination, ElementListing};

/// An operator's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request")]
pub enum Request {
    /// What is where; answered by [`Response::Listing`].
    List,
    /// What is kept of a cartridge beside its records; answered by [`Response::Cartridge`].
    Cartridge {
        /// Which.
        cartridge: CartridgeId,
    },
    /// Make a cartridge and put it in; answered by [`Response::Placed`].
    InsertNew {
        /// The cartridge.
        spec: CartridgeSpec,
        /// Where to.
        destination: Destination,
    },
    /// Put in a cartridge that was taken out; answered by [`Response::Placed`].
    Insert {
        /// Which.
        cartridge: CartridgeId,
        /// Where to.
        destination: Destination,
    },
    /// Take a cartridge out; answered by [`Response::Placed`] with where it was.
    Remove {
        /// Which.
        cartridge: CartridgeId,
    },
    /// Cut the power of the library and turn it on again.
    PowerCut,
    /// Replace the plan of faults.
    SetFaults {
        /// The plan.
        faults: Vec<PlannedFault>,
    },
    /// The faults still to happen; answered by [`Response::Faults`].
    Faults,
    /// Virtual time; answered by [`Response::Clock`].
    Clock,
    /// Write everything out and end the process.
    ShutDown,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "response")]
pub enum Response {
    /// It is done.
    Done,
    /// What is where.
    Listing {
        /// All elements.
        elements: Vec<ElementListing>,
        /// Cartridges that were taken out.
        outside: Vec<CartridgeId>,
    },
    /// What is kept of a cartridge.
    Cartridge {
        /// Beside its records.
        record: Box<CartridgeRecord>,
    },
    /// A cartridge and an element.
    Placed {
        /// The cartridge.
        cartridge: CartridgeId,
        /// Address of the element.
        address: u16,
    },
    /// Faults still to happen.
    Faults {
        /// The plan.
        faults: Vec<PlannedFault>,
        /// What was counted since it was set.
        counts: Counts,
    },
    /// Virtual time.
    Clock {
        /// Of each device, the changer first.
        accounts: Vec<Account>,
    },
    /// It could not be done.
    Failed {
        /// Why.
        message: String,
    },
}

/// Does what was asked; a power cut and the end of the process are left to the caller, who has
/// the connections.
pub(crate) fn carry_out(library: &Library, request: Request) -> Result<Response, LibraryError> {
    let placed = |(cartridge, address)| Response::Placed { cartridge, address };
    match request {
        Request::List => Ok(Response::Listing {
            elements: library.elements(),
            outside: library.outside()?,
        }),
        Request::Cartridge { cartridge } => {
            let record = Box::new(library.cartridge(&cartridge)?);
            Ok(Response::Cartridge { record })
        }
        Request::InsertNew { spec, destination } => {
            library.insert_new(&spec, destination).map(placed)
        }
        Request::Insert {
            cartridge,
            destination,
        } => library.insert(&cartridge, destination).map(placed),
        Request::Remove { cartridge } => {
            let address = library.remove(&cartridge)?;
            Ok(placed((cartridge, address)))
        }
        Request::PowerCut => {
            library.power_cut();
            Ok(Response::Done)
        }
        Request::SetFaults { faults } => library.set_faults(faults).map(|()| Response::Done),
        Request::Faults => Ok(Response::Faults {
            faults: library.faults(),
            counts: library.counts(),
        }),
        Request::Clock => Ok(Response::Clock {
            accounts: library.accounts(),
        }),
        Request::ShutDown => Ok(Response::Done),
    }
}

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum ControlError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke.
    #[error("{}: {source}", .dir.display())]
    Broken {
        /// Folder of the library.
        dir: PathBuf,
        /// How.
        source: io::Error,
    },
    /// The library said no.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
    },
}

/// An operator at a running library.
#[derive(Debug)]
pub struct Operator {
    dir: PathBuf,
    stream: UnixStream,
}

impl Operator {
    /// Connects to a library that is being served.
    pub fn connect(dir: &Path) -> Result<Self, ControlError> {
        Ok(Self {
            dir: dir.to_owned(),
            stream: connect_control(dir)?,
        })
    }

    /// Connects to a library, whose process is started if nobody serves it.
    pub fn connect_or_start(dir: &Path, server: &ServerCommand) -> Result<Self, ControlError> {
        Ok(Self {
            dir: dir.to_owned(),
            stream: with_server(dir, server, || connect_control(dir))?,
        })
    }

    /// Sends a request; a refusal is an error.
    pub fn ask(&self, request: &Request) -> Result<Response, ControlError> {
        match self.exchange(request) {
            Ok(Response::Failed { message }) => Err(ControlError::Refused { message }),
            Ok(response) => Ok(response),
            Err(source) => Err(ControlError::Broken {
                dir: self.dir.clone(),
                source,
            }),
        }
    }

    fn exchange(&self, request: &Request) -> io::Result<Response> {
        write_message(&self.stream, &serde_json::to_vec(request)?)?;
        let answer = read_message(&self.stream)?;
        let answer = answer.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(serde_json::from_slice(&answer)?)
    }
}
