//! A medium changer: the robot of a library.

use super::assignment::ElementAssignment;
use super::element::ElementAddress;
use super::inventory::{self, Inventory, InventoryOptions};
use super::quirks::Quirks;
use crate::command::Command;
use crate::error::ScsiError;
use crate::spc::designator::Designator;
use crate::spc::inquiry::{self, Inquiry};
use crate::spc::mode::{self, PageCode};
use crate::spc::unit::{self, Removal};
use crate::spc::vpd;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of INITIALIZE ELEMENT STATUS.
pub const INITIALIZE_ELEMENT_STATUS: u8 = 0x07;
/// OPERATION CODE of MOVE MEDIUM.
pub const MOVE_MEDIUM: u8 = 0xa5;

/// A medium changer behind a transport. Every call is one command unless it says otherwise.
pub struct Changer {
    transport: Box<dyn Transport>,
    /// How it differs from the standard, once it was asked who it is.
    quirks: Option<Quirks>,
}

impl std::fmt::Debug for Changer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changer")
            .field("path", &self.transport.path())
            .field("quirks", &self.quirks)
            .finish()
    }
}

impl Changer {
    /// Wraps a path to a medium changer. Nothing is sent.
    #[must_use]
    pub fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            quirks: None,
        }
    }

    /// The path itself, for commands that have no method here.
    pub fn transport_mut(&mut self) -> &mut dyn Transport {
        &mut *self.transport
    }

    /// What messages call this changer.
    #[must_use]
    pub fn path(&self) -> &str {
        self.transport.path()
    }

    /// Standard INQUIRY data (SPC-5).
    pub fn inquiry(&mut self) -> Result<Inquiry, ScsiError> {
        let data = inquiry::inquiry(&mut *self.transport)?;
        self.quirks = Some(Quirks::of(&data));
        Ok(data)
    }

    /// Unit serial number, if the changer has one (SPC-5, VPD page 80h).
    pub fn serial(&mut self) -> Result<Option<String>, ScsiError> {
        vpd::serial(&mut *self.transport)
    }

    /// Names of VPD page 83h.
    pub fn designators(&mut self) -> Result<Vec<Designator>, ScsiError> {
        vpd::designators(&mut *self.transport)
    }

    /// Whether the robot is ready.
    pub fn test_unit_ready(&mut self) -> Result<(), ScsiError> {
        unit::test_unit_ready(&mut *self.transport)
    }

    /// Sends TEST UNIT READY until it is not answered by a unit attention, at most eight times,
    /// and returns what was pending. Other errors are for the next command to report.
    pub fn consume_unit_attentions(&mut self) -> Result<Vec<crate::sense::SenseData>, ScsiError> {
        unit::consume_unit_attentions(&mut *self.transport)
    }

    /// Which addresses each kind of element has (SMC-3, mode page 1Dh); `None` when the changer
    /// lacks the page.
    pub fn element_assignment(&mut self) -> Result<Option<ElementAssignment>, ScsiError> {
        let code = PageCode::ELEMENT_ADDRESS_ASSIGNMENT;
        let page = mode::current_page(&mut *self.transport, code)?;
        Ok(page.as_ref().and_then(ElementAssignment::parse))
    }

    /// Lets the library look at all its elements again (SMC-3). May take an hour.
    pub fn initialize_element_status(&mut self) -> Result<(), ScsiError> {
        Command::new(
            "INITIALIZE ELEMENT STATUS",
            timeout::SCAN,
            [INITIALIZE_ELEMENT_STATUS, 0, 0, 0, 0, 0],
        )
        .run(&mut *self.transport)?;
        Ok(())
    }

    /// How this library differs from the standard, as far as is known of its model: INQUIRY, the
    /// first time.
    pub fn quirks(&mut self) -> Result<Quirks, ScsiError> {
        match self.quirks {
            Some(quirks) => Ok(quirks),
            None => Ok(Quirks::of(&self.inquiry()?)),
        }
    }

    /// All elements (SMC-3): INQUIRY the first time, MODE SENSE, then for each kind as many READ
    /// ELEMENT STATUS as it takes. What the library does not know how to tell is left out and
    /// reported.
    pub fn inventory(&mut self, options: &InventoryOptions) -> Result<Inventory, ScsiError> {
        let quirks = self.quirks()?;
        let assignment = self.element_assignment()?;
        inventory::read(&mut *self.transport, assignment.as_ref(), options, quirks)
    }

    /// Moves a cartridge (SMC-3, MOVE MEDIUM). `transport` is the picker to use: an address from
    /// the assignment page, or 0 for the library's choice.
    ///
    /// After an error the cartridge may be in the source, the destination or the picker: only
    /// the next inventory tells.
    pub fn move_medium(
        &mut self,
        transport: ElementAddress,
        source: ElementAddress,
        destination: ElementAddress,
    ) -> Result<(), ScsiError> {
        let [t0, t1] = transport.0.to_be_bytes();
        let [s0, s1] = source.0.to_be_bytes();
        let [d0, d1] = destination.0.to_be_bytes();
        Command::new(
            "MOVE MEDIUM",
            timeout::MOVE,
            [MOVE_MEDIUM, 0, t0, t1, s0, s1, d0, d1, 0, 0, 0, 0],
        )
        .run(&mut *self.transport)?;
        Ok(())
    }

    /// Locks or unlocks the import/export elements and doors (SMC-3).
    pub fn prevent_removal(&mut self, removal: Removal) -> Result<(), ScsiError> {
        unit::prevent_removal(&mut *self.transport, removal)
    }
}
