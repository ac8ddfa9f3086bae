//! Who a device is: INQUIRY and vital product data together, without disturbing anybody. INQUIRY
//! is answered whoever holds the device, and does not take unit attentions (SPC-5, INQUIRY).

use super::designator::Designator;
use super::{inquiry, vpd};
use crate::error::ScsiError;
use crate::smc::ElementAddress;
use crate::transport::Transport;

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Firmware level.
    pub revision: String,
    /// Unit serial number (VPD page 80h).
    pub serial: Option<String>,
    /// Designators (VPD page 83h).
    pub designators: Vec<Designator>,
    /// The element address a drive was told by its library (VPD page B4h, SSC-4).
    pub element: Option<ElementAddress>,
}

impl Identity {
    /// Asks the device. Pages that it lacks or garbles are left empty.
    ///
    /// # Errors
    /// What the path says, and a device that does not answer INQUIRY.
    pub fn ask(transport: &mut dyn Transport) -> Result<Self, ScsiError> {
        let data = inquiry::inquiry(transport)?;
        Ok(Self {
            vendor: data.vendor,
            product: data.product,
            revision: data.revision,
            serial: optional(vpd::serial(transport))?,
            designators: optional(vpd::designators(transport).map(Some))?.unwrap_or_default(),
            element: optional(vpd::element_address(transport))?,
        })
    }
}

/// What a device can't tell is no obstacle; a path that fails is.
fn optional<T>(answer: Result<Option<T>, ScsiError>) -> Result<Option<T>, ScsiError> {
    match answer {
        Err(error @ ScsiError::Transport(_)) => Err(error),
        Err(error) => {
            tracing::debug!(%error, "a page of vital product data is missing");
            Ok(None)
        }
        other => other,
    }
}
