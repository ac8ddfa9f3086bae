//! Medium changers (SMC-3).

pub mod anomaly;
pub mod assignment;
pub mod capabilities;
pub mod changer;
pub mod element;
pub mod element_status;
pub mod inventory;
pub mod moves;
pub mod quirks;
pub mod volume_tag;

pub use anomaly::{Anomaly, Extra};
pub use assignment::{ElementAssignment, ElementRange};
pub use capabilities::{DeviceCapabilities, ElementKinds, TransportGeometry};
pub use changer::Changer;
pub use element::{
    DeviceIdentifier, Element, ElementAddress, ElementKind, ImportExport, VolumeTag,
};
pub use inventory::{Inventory, InventoryOptions, Wanted};
pub use moves::{Door, Exchange, Look};
pub use quirks::{Quirks, UnloadBeforeMove};
pub use volume_tag::{NewTag, TagChange, TagSearch, TagSide};

pub use crate::spc::unit::Removal;
