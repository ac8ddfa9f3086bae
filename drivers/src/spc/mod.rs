//! Commands of every device type (SPC-5).

pub mod attribute;
pub mod control;
pub mod designator;
pub mod error_counters;
pub mod exceptions;
pub mod identity;
pub mod inquiry;
pub mod log;
pub mod luns;
pub mod mode;
pub mod opcodes;
pub mod reservation;
pub mod security;
pub mod timestamp;
pub mod unit;
pub mod vpd;

pub use attribute::{Attribute, AttributeFormat, AttributeId};
pub use control::{Control, ControlExtension};
pub use designator::{Association, CodeSet, Designator, DesignatorType};
pub use error_counters::ErrorCounters;
pub use exceptions::{InformationalExceptions, ReportMethod};
pub use inquiry::{Inquiry, PeripheralType};
pub use opcodes::{CommandCode, CommandSupport, CommandTimes, Support, SupportedCommand};
pub use reservation::{ReservationKey, ReservationType, ReserveOut};
pub use timestamp::{Milliseconds, Timestamp, TimestampOrigin};
pub use unit::Removal;
