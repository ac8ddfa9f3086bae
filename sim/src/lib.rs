//! A virtual tape library: SCSI as a device answers it.
//!
//! It parses command descriptor blocks and answers with data and sense; nothing reaches it above
//! that. Byte layouts are written here from the standards and shared with no host side, so that
//! a host and this library do not make the same mistake.
//!
//! Standards are cited by the name of the command, page or field: clause numbers change from one
//! revision to the next. SAM-5 and SPC-5 are for every device, SSC-4 for tape drives, SMC-3 for
//! medium changers; names in capitals are theirs.

mod bytes;
pub mod cartridge;
pub mod clock;
mod create;
mod dump;
mod error;
pub mod fault;
mod files;
pub mod front;
pub mod library;
mod operator;
pub mod personality;
mod seal;
pub mod sense;
pub mod store;
mod target;

pub use cartridge::{CartridgeId, CartridgeKind, CartridgeSpec, Generation};
pub use create::{DriveEncryption, LibrarySpec, create};
pub use dump::{BlockRun, DumpError, DumpedFile, dump};
pub use error::{Holder, LibraryError};
pub use front::control::Operator;
pub use front::inprocess::InProcess;
#[cfg(fuzzing)]
pub use front::iscsi::fuzz;
pub use front::iscsi::{IscsiOptions, IscsiServer, Secrets, SecretsError};
pub use front::socket::{Announce, ServeOptions, serve};
pub use library::Library;
pub use operator::{Destination, ElementListing};
pub use store::Durability;
pub use target::ElementKind;
