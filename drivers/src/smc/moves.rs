//! What a robot does beside MOVE MEDIUM: EXCHANGE MEDIUM, POSITION TO ELEMENT, OPEN/CLOSE
//! IMPORT/EXPORT ELEMENT, INITIALIZE ELEMENT STATUS WITH RANGE (SMC-3).

use super::assignment::ElementRange;
use super::capabilities::{DeviceCapabilities, TransportGeometry, parse_geometry};
use super::changer::Changer;
use super::element::{ElementAddress, ElementKind};
use crate::command::Command;
use crate::error::ScsiError;
use crate::spc::mode::{self, PageCode};
use crate::timeout;

/// OPERATION CODE of OPEN/CLOSE IMPORT/EXPORT ELEMENT.
pub const OPEN_CLOSE_IMPORT_EXPORT_ELEMENT: u8 = 0x1b;
/// OPERATION CODE of POSITION TO ELEMENT.
pub const POSITION_TO_ELEMENT: u8 = 0x2b;
/// OPERATION CODE of INITIALIZE ELEMENT STATUS WITH RANGE.
pub const INITIALIZE_ELEMENT_STATUS_WITH_RANGE: u8 = 0x37;
/// OPERATION CODE of EXCHANGE MEDIUM.
pub const EXCHANGE_MEDIUM: u8 = 0xa6;

/// The three elements of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Where the cartridge that comes is.
    pub source: ElementAddress,
    /// Where it goes, and where the one that goes is.
    pub first_destination: ElementAddress,
    /// Where that one goes: empty, or the source.
    pub second_destination: ElementAddress,
}

/// What OPEN/CLOSE IMPORT/EXPORT ELEMENT does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// 00h: lets the operator in.
    Open,
    /// 01h: back to the robot.
    Close,
}

/// How INITIALIZE ELEMENT STATUS WITH RANGE looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// Presence and labels.
    Whole,
    /// FAST: presence only, labels are not read.
    Fast,
}

impl Changer {
    /// What can be moved where (mode page 1Fh); `None` when the changer lacks the page or
    /// returns it empty.
    pub fn device_capabilities(&mut self) -> Result<Option<DeviceCapabilities>, ScsiError> {
        let page = mode::current_page(self.transport_mut(), PageCode::DEVICE_CAPABILITIES)?;
        let capabilities = page.as_ref().and_then(DeviceCapabilities::parse);
        Ok(capabilities.filter(|capabilities| !capabilities.is_blank()))
    }

    /// The medium transport elements (mode page 1Eh); `None` when the changer lacks the page.
    pub fn transport_geometry(&mut self) -> Result<Option<Vec<TransportGeometry>>, ScsiError> {
        let page = mode::current_page(self.transport_mut(), PageCode::TRANSPORT_GEOMETRY)?;
        Ok(page.as_ref().map(parse_geometry))
    }

    /// Whether the changer says that it can move between these kinds of elements; an error that
    /// nothing was sent if it says it can't. A changer that says nothing is taken at its acts.
    pub fn check_move(&mut self, from: ElementKind, to: ElementKind) -> Result<(), ScsiError> {
        let capabilities = self.device_capabilities()?;
        if capabilities.is_none_or(|capabilities| capabilities.can_move(from, to)) {
            return Ok(());
        }
        Err(self.not_sent("MOVE MEDIUM", from, to))
    }

    /// Exchanges two cartridges (EXCHANGE MEDIUM): what is in the first destination goes to the
    /// second, what is in the source to the first. `kinds` are those of the source and the first
    /// destination, checked before anything is sent. `transport` as in
    /// [`Changer::move_medium`].
    ///
    /// After an error either cartridge may be anywhere: only the next inventory tells.
    pub fn exchange_medium(
        &mut self,
        transport: ElementAddress,
        exchange: Exchange,
        kinds: (ElementKind, ElementKind),
    ) -> Result<(), ScsiError> {
        let (source_kind, first_kind) = kinds;
        let capabilities = self.device_capabilities()?;
        let possible = |able: DeviceCapabilities| able.can_exchange(source_kind, first_kind);
        if !capabilities.is_none_or(possible) {
            return Err(self.not_sent("EXCHANGE MEDIUM", source_kind, first_kind));
        }
        let Exchange {
            source,
            first_destination: first,
            second_destination: second,
        } = exchange;
        if source == first || first == second {
            return Err(ScsiError::NotSent {
                command: "EXCHANGE MEDIUM",
                path: self.path().to_owned(),
                what: format!("element {first} cannot be its own source or second destination"),
            });
        }
        let [t0, t1] = transport.0.to_be_bytes();
        let [s0, s1] = source.0.to_be_bytes();
        let [f0, f1] = first.0.to_be_bytes();
        let [d0, d1] = second.0.to_be_bytes();
        Command::new(
            "EXCHANGE MEDIUM",
            timeout::MOVE,
            [EXCHANGE_MEDIUM, 0, t0, t1, s0, s1, f0, f1, d0, d1, 0, 0],
        )
        .run(self.transport_mut())?;
        Ok(())
    }

    /// Brings the picker before an element (POSITION TO ELEMENT).
    pub fn position_to_element(
        &mut self,
        transport: ElementAddress,
        destination: ElementAddress,
    ) -> Result<(), ScsiError> {
        let [t0, t1] = transport.0.to_be_bytes();
        let [d0, d1] = destination.0.to_be_bytes();
        Command::new(
            "POSITION TO ELEMENT",
            timeout::MOVE,
            [POSITION_TO_ELEMENT, 0, t0, t1, d0, d1, 0, 0, 0, 0],
        )
        .run(self.transport_mut())?;
        Ok(())
    }

    /// Opens an import/export element to the operator, or closes it.
    pub fn open_close(&mut self, element: ElementAddress, door: Door) -> Result<(), ScsiError> {
        let [e0, e1] = element.0.to_be_bytes();
        let action = u8::from(door == Door::Close);
        Command::new(
            "OPEN/CLOSE IMPORT/EXPORT ELEMENT",
            timeout::MOVE,
            [OPEN_CLOSE_IMPORT_EXPORT_ELEMENT, 0, e0, e1, action, 0],
        )
        .run(self.transport_mut())?;
        Ok(())
    }

    /// Lets the library look at some of its elements again; `None` for all of them.
    pub fn initialize_range(
        &mut self,
        range: Option<ElementRange>,
        look: Look,
    ) -> Result<(), ScsiError> {
        let fast = u8::from(look == Look::Fast) << 1;
        let flags = fast | u8::from(range.is_some());
        let (first, count) = range.map_or((0, 0), |range| (range.first.0, range.count));
        let [f0, f1] = first.to_be_bytes();
        let [c0, c1] = count.to_be_bytes();
        let code = INITIALIZE_ELEMENT_STATUS_WITH_RANGE;
        Command::new(
            "INITIALIZE ELEMENT STATUS WITH RANGE",
            timeout::SCAN,
            [code, flags, f0, f1, 0, 0, c0, c1, 0, 0],
        )
        .run(self.transport_mut())?;
        Ok(())
    }

    fn not_sent(&self, command: &'static str, from: ElementKind, to: ElementKind) -> ScsiError {
        ScsiError::NotSent {
            command,
            path: self.path().to_owned(),
            what: format!("the library says it has no way from {from} to {to}"),
        }
    }
}
