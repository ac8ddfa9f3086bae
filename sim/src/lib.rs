//! A virtual tape library: SCSI as a device answers it.
//!
//! It parses command descriptor blocks and answers with data and sense; nothing reaches it above
//! that. Byte layouts are written here from the standards and shared with no host side, so that
//! a host and this library do not make the same mistake.

mod bytes;
pub mod cartridge;
pub mod clock;
pub mod fault;
mod files;
pub mod front;
pub mod library;
pub mod personality;
pub mod sense;
pub mod store;
mod target;

pub use cartridge::{CartridgeId, CartridgeKind, CartridgeSpec, Generation};
pub use front::inprocess::InProcess;
pub use library::{Destination, Library, LibraryError, LibrarySpec, create};
pub use store::Durability;
