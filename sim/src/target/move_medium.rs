//! MOVE MEDIUM, EXCHANGE MEDIUM, POSITION TO ELEMENT and OPEN/CLOSE IMPORT/EXPORT ELEMENT:
//! everything is checked before anything moves.

use std::path::Path;

use tapeward_drivers::socket::InitiatorId;

use super::changer::{Changer, Content, Element, ElementKind, Placement};
use super::{Exchange, Stop};
use crate::bytes::u16_at;
use crate::cartridge::Cartridge;
use crate::clock::{Activity, MOVE};
use crate::fault::Fault;
use crate::personality::{DefaultTransport, Unloading};
use crate::sense::{Sense, SenseKey};

/// HARDWARE ERROR / MECHANICAL POSITIONING ERROR.
fn positioning_error() -> Sense {
    Sense::new(SenseKey::HardwareError, (0x15, 0x01))
}

/// ILLEGAL REQUEST / MEDIUM DESTINATION ELEMENT FULL.
const DESTINATION_FULL: Sense = Sense::new(SenseKey::IllegalRequest, (0x3b, 0x0d));
/// ILLEGAL REQUEST / MEDIUM SOURCE ELEMENT EMPTY.
const SOURCE_EMPTY: Sense = Sense::new(SenseKey::IllegalRequest, (0x3b, 0x0e));
/// ILLEGAL REQUEST / MEDIUM MAGAZINE NOT ACCESSIBLE.
const NOT_ACCESSIBLE: Sense = Sense::new(SenseKey::IllegalRequest, (0x3b, 0x11));

/// One cartridge's way.
#[derive(Debug)]
struct Way {
    from: u16,
    to: u16,
    content: Content,
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
        let content = self.check_source(source)?;
        if self.check_destination(destination)?.content.is_some() {
            return Err(DESTINATION_FULL.into());
        }
        let way = Way {
            from: source,
            to: destination,
            content,
        };
        self.carry_out(vec![way])
    }

    /// EXCHANGE MEDIUM A6h (SMC-3): transport bytes 2-3, source 4-5, first destination 6-7, second
    /// destination 8-9, INV1 and INV2 bits 0 and 1 of byte 10. What is in the first destination
    /// goes to the second one, which may be the source.
    pub(super) fn exchange_medium(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let (source, first, second) = (u16_at(cdb, 4), u16_at(cdb, 6), u16_at(cdb, 8));
        self.check_transport(u16_at(cdb, 2))?;
        if cdb[10] & 0x03 != 0 {
            return Err(Sense::invalid_cdb_field(10).into());
        }
        if source == first {
            return Err(Sense::invalid_cdb_field(6).into());
        }
        if first == second {
            return Err(Sense::invalid_cdb_field(8).into());
        }
        let coming = self.check_source(source)?;
        self.check_destination(first)?;
        let going = self.check_source(first)?;
        if self.check_destination(second)?.content.is_some() && second != source {
            return Err(DESTINATION_FULL.into());
        }
        self.carry_out(vec![
            Way {
                from: first,
                to: second,
                content: going,
            },
            Way {
                from: source,
                to: first,
                content: coming,
            },
        ])
    }

    /// POSITION TO ELEMENT 2Bh (SMC-3): transport bytes 2-3, destination 4-5, INVERT bit 0 of
    /// byte 8.
    pub(super) fn position_to_element(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.check_transport(u16_at(exchange.cdb, 2))?;
        if exchange.cdb[8] & 0x01 != 0 {
            return Err(Sense::invalid_cdb_field(8).into());
        }
        self.check_destination(u16_at(exchange.cdb, 4))?;
        self.shared.clock.charge(0, Activity::Mechanical(MOVE));
        Ok(())
    }

    /// OPEN/CLOSE IMPORT/EXPORT ELEMENT 1Bh (SMC-3): element address bytes 2-3, ACTION CODE bits
    /// 4-0 of byte 4, 0 to open, 1 to close. What is so already is no error.
    pub(super) fn open_close(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let address = u16_at(exchange.cdb, 2);
        let kind = self.element(address).map(|element| element.kind);
        if kind != Some(ElementKind::ImportExport) {
            return Err(Sense::invalid_element().into());
        }
        match exchange.cdb[4] & 0x1f {
            0 if self.is_removal_prevented() => Err(Sense::removal_prevented().into()),
            0 => {
                self.open.insert(address);
                Ok(())
            }
            1 => {
                if self.open.remove(&address) {
                    self.import_export_closed(exchange.initiator);
                }
                Ok(())
            }
            _ => Err(Sense::invalid_cdb_field(4).into()),
        }
    }

    /// The first of the medium transport elements is the one that 0 stands for (SMC-3).
    fn check_transport(&self, address: u16) -> Result<(), Sense> {
        let oddities = self.identity.personality.oddities;
        let default = address == 0 && oddities.default_transport == DefaultTransport::Zero;
        let found = self.element(address).map(|element| element.kind);
        if default || found == Some(ElementKind::MediumTransport) {
            Ok(())
        } else {
            Err(Sense::invalid_element())
        }
    }

    /// What can be taken from an element. What got stuck in a transport can be moved on.
    fn check_source(&self, address: u16) -> Result<Content, Sense> {
        let from = self.element(address).ok_or(Sense::invalid_element())?;
        let content = from.content.clone().ok_or(SOURCE_EMPTY)?;
        self.check_shut(from)?;
        let Some(drive) = self.drive(from) else {
            return Ok(content);
        };
        let by_host = self.identity.personality.unloading == Unloading::ByHost;
        if !drive.is_accessible() && (by_host || drive.is_removal_prevented()) {
            return Err(Sense::removal_prevented());
        }
        Ok(content)
    }

    /// An element that something can be brought to: no transport.
    fn check_destination(&self, address: u16) -> Result<&Element, Sense> {
        let to = self
            .element(address)
            .filter(|element| element.kind != ElementKind::MediumTransport)
            .ok_or(Sense::invalid_element())?;
        self.check_shut(to)?;
        Ok(to)
    }

    /// The robot has nothing to do at an element that is open to the operator.
    fn check_shut(&self, element: &Element) -> Result<(), Sense> {
        if self.is_open(element.address) {
            Err(NOT_ACCESSIBLE)
        } else {
            Ok(())
        }
    }

    /// Does what was found possible, or what a fault makes of it.
    fn carry_out(&mut self, mut ways: Vec<Way>) -> Result<(), Stop> {
        let moves = ways.len();
        match self.shared.faults.on_move() {
            Some(Fault::PowerCut) => return Err(Stop::PowerCut),
            Some(Fault::Abort) => std::process::abort(),
            Some(Fault::MoveStuck) => {
                // The first cartridge stays in the hand, the other where it is.
                ways.truncate(1);
                ways[0].to = self.identity.personality.transports.first;
                self.carry(ways)?;
                return Err(positioning_error().into());
            }
            Some(_) => return Err(positioning_error().into()),
            None => {}
        }
        self.carry(ways)?;
        for _ in 0..moves {
            self.shared.clock.charge(0, Activity::Mechanical(MOVE));
        }
        Ok(())
    }

    /// Moves what was found movable. The file of the elements is the moment it counts; drives
    /// take their cartridges after that.
    fn carry(&mut self, ways: Vec<Way>) -> Result<(), Sense> {
        for way in &ways {
            if let Some(mut drive) = self.element(way.from).and_then(|from| self.drive(from)) {
                drive.release()?;
            }
        }
        let mut arriving = Vec::new();
        for way in ways {
            let from = self.element(way.from).ok_or(Sense::invalid_element())?;
            let to = self.element(way.to).ok_or(Sense::invalid_element())?;
            let moved = Content {
                source: match from.kind {
                    ElementKind::Storage => Some(way.from),
                    _ => way.content.source,
                },
                placement: Placement::ByRobot,
                ..way.content
            };
            let cartridge = match to.kind {
                ElementKind::DataTransfer => Some(self.open_cartridge(&moved)?),
                _ => None,
            };
            arriving.push((way.from, way.to, moved, cartridge));
        }
        let mut changes: Vec<(u16, Option<&Content>)> = Vec::new();
        changes.extend(arriving.iter().map(|(_, to, moved, _)| (*to, Some(moved))));
        // Where something arrives is not empty, whatever left it: the first change counts.
        changes.extend(arriving.iter().map(|(from, ..)| (*from, None)));
        if let Err(error) = self.save_with(&changes) {
            tracing::error!(%error, "elements not saved");
            return Err(Sense::internal_failure());
        }
        for (from, ..) in &arriving {
            let Some(index) = self.index_of(*from) else {
                continue;
            };
            if let Some(mut drive) = self.drive(&self.elements[index]) {
                drive.taken();
            }
            self.elements[index].content = None;
        }
        for (_, to, moved, cartridge) in arriving {
            let Some(index) = self.index_of(to) else {
                continue;
            };
            self.elements[index].content = Some(moved);
            if let (Some(cartridge), Some(mut drive)) =
                (cartridge, self.drive(&self.elements[index]))
            {
                drive.insert(cartridge);
            }
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

    /// Whether an import/export element is open to the operator.
    pub(super) fn is_open(&self, address: u16) -> bool {
        self.open.contains(&address)
    }

    /// Others learn that somebody may have been at it.
    fn import_export_closed(&mut self, by: InitiatorId) {
        self.attentions
            .raise(super::attention::Condition::ImportExportAccessed, Some(by));
    }
}
