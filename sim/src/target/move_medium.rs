//! MOVE MEDIUM and POSITION TO ELEMENT: everything is checked before anything moves.

use std::path::Path;

use super::changer::{Changer, Content, Element, ElementKind, Placement};
use super::{Exchange, Stop};
use crate::bytes::u16_at;
use crate::cartridge::Cartridge;
use crate::clock::{Activity, MOVE};
use crate::fault::Fault;
use crate::personality::Unloading;
use crate::sense::{Sense, SenseKey};

/// HARDWARE ERROR / MECHANICAL POSITIONING ERROR.
fn positioning_error() -> Sense {
    Sense::new(SenseKey::HardwareError, (0x15, 0x01))
}

impl Changer {
    /// MOVE MEDIUM A5h (SMC-3): transport bytes 2-3, source 4-5, destination 6-7, INVERT
    /// bit 0 of byte 10.
    pub(super) fn move_medium(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let (source, destination) = (u16_at(cdb, 4), u16_at(cdb, 6));
        self.check_transport(u16_at(cdb, 2))?;
        if cdb[10] & 0x01 != 0 {
            return Err(Sense::invalid_cdb_field(10).into()); // nothing here has two sides
        }
        let content = self.check_move(source, destination)?;
        match self.shared.faults.on_move() {
            Some(Fault::PowerCut) => return Err(Stop::PowerCut),
            Some(Fault::Abort) => std::process::abort(),
            Some(Fault::MoveStuck) => {
                let hand = self.identity.personality.transports.first;
                self.carry(source, hand, content)?;
                return Err(positioning_error().into());
            }
            Some(_) => return Err(positioning_error().into()),
            None => {}
        }
        self.carry(source, destination, content)?;
        self.shared.clock.charge(0, Activity::Mechanical(MOVE));
        Ok(())
    }

    /// POSITION TO ELEMENT 2Bh (SMC-3): transport bytes 2-3, destination 4-5.
    pub(super) fn position_to_element(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.check_transport(u16_at(exchange.cdb, 2))?;
        if self.element(u16_at(exchange.cdb, 4)).is_none() {
            return Err(Sense::invalid_element().into());
        }
        self.shared.clock.charge(0, Activity::Mechanical(MOVE));
        Ok(())
    }

    /// Address 0 stands for the default transport (SMC-3).
    fn check_transport(&self, address: u16) -> Result<(), Sense> {
        let found = self.element(address).map(|element| element.kind);
        if address == 0 || found == Some(ElementKind::MediumTransport) {
            Ok(())
        } else {
            Err(Sense::invalid_element())
        }
    }

    /// Whether the move is possible; what would be moved. The transport is no destination, but
    /// what got stuck in it can be moved on.
    fn check_move(&self, source: u16, destination: u16) -> Result<Content, Sense> {
        let from = self.element(source).ok_or(Sense::invalid_element())?;
        let to = self
            .element(destination)
            .filter(|element| element.kind != ElementKind::MediumTransport)
            .ok_or(Sense::invalid_element())?;
        let illegal = |qualifier| Sense::new(SenseKey::IllegalRequest, (0x3b, qualifier));
        let content = from.content.clone().ok_or(illegal(0x0e))?;
        if to.content.is_some() {
            return Err(illegal(0x0d));
        }
        self.check_removable(from)?;
        Ok(content)
    }

    fn check_removable(&self, from: &Element) -> Result<(), Sense> {
        let Some(drive) = self.drive(from) else {
            return Ok(());
        };
        let by_host = self.identity.personality.unloading == Unloading::ByHost;
        if !drive.is_accessible() && (by_host || drive.is_removal_prevented()) {
            return Err(Sense::removal_prevented());
        }
        Ok(())
    }

    /// Moves what was found movable. The file of the elements is the moment it counts; a drive
    /// takes the cartridge after that.
    fn carry(&mut self, source: u16, destination: u16, content: Content) -> Result<(), Sense> {
        let (Some(from), Some(to)) = (self.index_of(source), self.index_of(destination)) else {
            return Err(Sense::invalid_element());
        };
        if let Some(mut drive) = self.drive(&self.elements[from]) {
            drive.release()?;
        }
        let moved = Content {
            source: match self.elements[from].kind {
                ElementKind::Storage => Some(source),
                _ => content.source,
            },
            placement: Placement::ByRobot,
            ..content
        };
        let cartridge = match self.elements[to].kind {
            ElementKind::DataTransfer => Some(self.open_cartridge(&moved)?),
            _ => None,
        };
        let saved = self.save_with(&[(source, None), (destination, Some(&moved))]);
        if let Err(error) = saved {
            tracing::error!(%error, "elements not saved");
            return Err(Sense::internal_failure());
        }
        if let Some(mut drive) = self.drive(&self.elements[from]) {
            drive.taken();
        }
        self.elements[from].content = None;
        self.elements[to].content = Some(moved);
        if let (Some(cartridge), Some(mut drive)) = (cartridge, self.drive(&self.elements[to])) {
            drive.insert(cartridge);
        }
        Ok(())
    }

    fn open_cartridge(&self, content: &Content) -> Result<Cartridge, Sense> {
        let dir: &Path = &self.shared.cartridges.join(content.cartridge.as_str());
        Cartridge::open(dir, &content.cartridge, self.shared.durability).map_err(|error| {
            tracing::error!(dir = %dir.display(), %error, "cartridge not opened");
            Sense::internal_failure()
        })
    }
}
