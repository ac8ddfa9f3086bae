//! A tape drive. Its commands are in the files beside this one, by subject.

use super::encryption::{EncryptionError, Reservation};
use super::protection::Guarding;
use crate::command::Command;
use crate::error::ScsiError;
use crate::sense::SenseData;
use crate::spc::attribute::{self, Attribute, AttributeId};
use crate::spc::designator::Designator;
use crate::spc::inquiry::{self, Inquiry};
use crate::spc::unit::{self, Removal};
use crate::spc::vpd::{self, SequentialCapabilities};
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of REWIND.
pub const REWIND: u8 = 0x01;
/// OPERATION CODE of LOAD UNLOAD.
pub const LOAD_UNLOAD: u8 = 0x1b;

/// A tape drive behind a transport. Every call is one command unless it says otherwise.
pub struct Drive {
    pub(crate) transport: Box<dyn Transport>,
    /// Which forms of READ POSITION and LOCATE the drive was found to have.
    pub(crate) forms: Forms,
    /// Whether this host may have a key in the drive.
    pub(crate) key_given: bool,
    /// Whether this host holds a reservation of the drive, as far as it was told.
    pub(crate) reservation: Reservation,
    /// Whether blocks carry protection information.
    pub(crate) guarding: Guarding,
}

/// Optional commands, remembered once the drive refused one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Forms {
    pub(crate) no_long_position: bool,
    pub(crate) no_locate_16: bool,
}

impl std::fmt::Debug for Drive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drive")
            .field("path", &self.transport.path())
            .field("forms", &self.forms)
            .finish_non_exhaustive()
    }
}

impl Drive {
    /// Wraps a path to a tape drive. Nothing is sent.
    #[must_use]
    pub fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            forms: Forms::default(),
            key_given: false,
            reservation: Reservation::None,
            guarding: Guarding::default(),
        }
    }

    /// Whether this host holds a reservation of the drive: what [`Drive::set_reservation`] said last.
    #[must_use]
    pub fn reservation(&self) -> Reservation {
        self.reservation
    }

    /// Tells whether this host holds a reservation of the drive. Nothing is sent.
    pub fn set_reservation(&mut self, reservation: Reservation) {
        self.reservation = reservation;
    }

    /// The path itself, for commands that have no method here.
    pub fn transport_mut(&mut self) -> &mut dyn Transport {
        &mut *self.transport
    }

    /// What messages call this drive.
    #[must_use]
    pub fn path(&self) -> &str {
        self.transport.path()
    }

    /// Standard INQUIRY data (SPC-5).
    pub fn inquiry(&mut self) -> Result<Inquiry, ScsiError> {
        inquiry::inquiry(&mut *self.transport)
    }

    /// Unit serial number, if the drive has one (SPC-5, VPD page 80h).
    pub fn serial(&mut self) -> Result<Option<String>, ScsiError> {
        vpd::serial(&mut *self.transport)
    }

    /// Names of VPD page 83h.
    pub fn designators(&mut self) -> Result<Vec<Designator>, ScsiError> {
        vpd::designators(&mut *self.transport)
    }

    /// What VPD page B0h says the drive can do (SSC-4); `None` when it lacks the page.
    pub fn capabilities(&mut self) -> Result<Option<SequentialCapabilities>, ScsiError> {
        vpd::sequential_capabilities(&mut *self.transport)
    }

    /// Whether a cartridge is loaded and ready.
    pub fn test_unit_ready(&mut self) -> Result<(), ScsiError> {
        unit::test_unit_ready(&mut *self.transport)
    }

    /// Sends TEST UNIT READY until it is not answered by a unit attention, at most eight times,
    /// and returns what was pending. NOT READY is for the next command to report.
    pub fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        unit::consume_unit_attentions(&mut *self.transport)
    }

    /// Pending sense data, which may be old.
    pub fn request_sense(&mut self) -> Result<SenseData, ScsiError> {
        unit::request_sense(&mut *self.transport)
    }

    /// Holds the cartridge in the drive, or lets it go (SPC-5).
    pub fn prevent_removal(&mut self, removal: Removal) -> Result<(), ScsiError> {
        unit::prevent_removal(&mut *self.transport, removal)
    }

    /// Loads the cartridge and positions at its beginning (SSC-4, LOAD UNLOAD). The first load of
    /// an LTO-9 cartridge may take two hours.
    pub fn load(&mut self) -> Result<(), ScsiError> {
        self.load_unload(1)
    }

    /// Writes what is buffered, rewinds and ejects the cartridge (SSC-4, LOAD UNLOAD). A key this
    /// host has put into the drive is taken back first, see [`Drive::forget_key`].
    pub fn unload(&mut self) -> Result<(), ScsiError> {
        // A drive that will not forget must not keep the cartridge too: most forget at demount.
        if let Err(error) = self.forget_key() {
            tracing::warn!(path = self.path(), %error, "the key is taken back after unloading");
        }
        self.load_unload(0)?;
        self.forget_key().map_err(EncryptionError::into_scsi)
    }

    fn load_unload(&mut self, load: u8) -> Result<(), ScsiError> {
        Command::new(
            "LOAD UNLOAD",
            timeout::LOAD,
            [LOAD_UNLOAD, 0, 0, 0, load, 0],
        )
        .run(&mut *self.transport)?;
        Ok(())
    }

    /// Writes what is buffered and goes to the beginning of the partition (SSC-4, REWIND).
    pub fn rewind(&mut self) -> Result<(), ScsiError> {
        Command::new("REWIND", timeout::POSITIONING, [REWIND, 0, 0, 0, 0, 0])
            .run(&mut *self.transport)?;
        Ok(())
    }

    /// All attributes of the cartridge's chip that belong to partition 0 (SPC-5).
    pub fn attributes(&mut self) -> Result<Vec<Attribute>, ScsiError> {
        attribute::read_attributes(&mut *self.transport, 0, AttributeId(0))
    }

    /// One attribute; `None` when the cartridge does not have it.
    pub fn attribute(&mut self, id: AttributeId) -> Result<Option<Attribute>, ScsiError> {
        attribute::read_attribute(&mut *self.transport, 0, id)
    }

    /// Writes one attribute to the cartridge's chip (SPC-5); an empty value removes it.
    pub fn write_attribute(&mut self, attribute: &Attribute) -> Result<(), ScsiError> {
        let one = std::slice::from_ref(attribute);
        attribute::write_attributes(&mut *self.transport, 0, one)
    }

    /// Writes several attributes with one command.
    pub fn write_attributes(&mut self, attributes: &[Attribute]) -> Result<(), ScsiError> {
        attribute::write_attributes(&mut *self.transport, 0, attributes)
    }

    /// Whether the cartridge in the drive can be written only once (MAM 0408h, SPC-5, MEDIUM TYPE);
    /// `None` when the drive or cartridge can't tell.
    pub fn is_worm(&mut self) -> Result<Option<bool>, ScsiError> {
        match self.attribute(AttributeId::MEDIUM_TYPE) {
            Ok(attribute) => Ok(attribute
                .and_then(|one| one.number())
                .map(|kind| kind & 0x80 != 0)),
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
