//! Medium changers (SMC-3).

pub mod anomaly;
pub mod assignment;
pub mod changer;
pub mod element;
pub mod element_status;
pub mod inventory;

pub use anomaly::{Anomaly, Extra};
pub use assignment::{ElementAssignment, ElementRange};
pub use changer::Changer;
pub use element::{
    DeviceIdentifier, Element, ElementAddress, ElementKind, ImportExport, VolumeTag,
};
pub use inventory::{Inventory, InventoryOptions, Wanted};

pub use crate::spc::unit::Removal;
