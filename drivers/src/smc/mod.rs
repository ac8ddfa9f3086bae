//! Medium changers (SMC-3).

pub mod assignment;
pub mod changer;
pub mod element;
pub mod element_status;
pub mod inventory;

pub use assignment::{ElementAssignment, ElementRange};
pub use changer::Changer;
pub use element::{
    DeviceIdentifier, Element, ElementAddress, ElementKind, ImportExport, VolumeTag,
};
pub use inventory::{Anomaly, Inventory, InventoryOptions};

pub use crate::spc::unit::Removal;
