//! Commands of every device type (SPC-5).

pub mod attribute;
pub mod designator;
pub mod identity;
pub mod inquiry;
pub mod log;
pub mod luns;
pub mod mode;
pub mod unit;
pub mod vpd;

pub use attribute::{Attribute, AttributeFormat, AttributeId};
pub use designator::{Association, CodeSet, Designator, DesignatorType};
pub use inquiry::{Inquiry, PeripheralType};
pub use unit::Removal;
