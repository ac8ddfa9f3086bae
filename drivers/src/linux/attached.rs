//! Reaching a device that was found in sysfs.

use super::scan::ScsiDevice;
use super::sg::SgDevice;
use crate::error::ScsiError;
use crate::spc::identity::Identity;
use crate::transport::TransportError;

impl ScsiDevice {
    /// Who the device is: asked through its SCSI generic node, else through the changer's own
    /// node, else what the kernel read when it appeared.
    ///
    /// # Errors
    /// A device that is gone, or does not answer INQUIRY.
    pub fn identity(&self) -> Result<Identity, ScsiError> {
        // A tape node is not opened: that would take it from whoever works with it.
        let Some(node) = self.generic.as_ref().or(self.changer.as_ref()) else {
            return Ok(self.identity_when_attached());
        };
        match SgDevice::open(node) {
            Ok(mut device) => Identity::ask(&mut device),
            // Whoever may only look at sysfs gets what stands there.
            Err(TransportError::Io { source, path })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                tracing::debug!(path, %source, "identified by what the kernel has read");
                Ok(self.identity_when_attached())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Its serial number as the kernel read it when it appeared, else asked for.
    ///
    /// # Errors
    /// As [`ScsiDevice::identity`].
    pub fn known_serial(&self) -> Result<Option<String>, ScsiError> {
        match &self.serial {
            Some(serial) => Ok(Some(serial.clone())),
            None => Ok(self.identity()?.serial),
        }
    }

    fn identity_when_attached(&self) -> Identity {
        Identity {
            vendor: self.vendor.clone(),
            product: self.product.clone(),
            revision: self.revision.clone(),
            serial: self.serial.clone(),
            designators: self.designators.clone(),
            element: None,
        }
    }
}
