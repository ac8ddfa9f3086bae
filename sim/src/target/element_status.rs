//! READ ELEMENT STATUS (SMC-3).

use super::changer::{Changer, Content, Element, ElementKind, Placement};
use super::{Exchange, Stop};
use crate::bytes::{text, u16, u16_at, u24, u24_at};
use crate::cartridge::CartridgeKind;
use crate::personality::{DeviceIdentification, IdentifierHeader, Personality, Unloading};
use crate::sense::Sense;

const HEADER_LENGTH: usize = 8;
const TAG_LENGTH: usize = 36;

/// What the CDB asks for.
#[derive(Debug, Clone, Copy)]
struct Request {
    kind: Option<ElementKind>,
    /// VOLTAG
    tags: bool,
    /// DVCID
    identifiers: bool,
    start: u16,
    count: usize,
    allocation: usize,
}

impl Request {
    /// VOLTAG is bit 4 of byte 1, ELEMENT TYPE CODE bits 3-0; CURDATA bit 1 of byte 6, DVCID
    /// bit 0. CURDATA changes nothing: status never needs motion here.
    fn parse(cdb: &[u8]) -> Result<Self, Sense> {
        let kind = match cdb[1] & 0x0f {
            0 => None,
            1 => Some(ElementKind::MediumTransport),
            2 => Some(ElementKind::Storage),
            3 => Some(ElementKind::ImportExport),
            4 => Some(ElementKind::DataTransfer),
            _ => return Err(Sense::invalid_cdb_field(1)),
        };
        Ok(Self {
            kind,
            tags: cdb[1] & 0x10 != 0,
            identifiers: cdb[6] & 0x01 != 0,
            start: u16_at(cdb, 2),
            count: usize::from(u16_at(cdb, 4)),
            allocation: u24_at(cdb, 7) as usize,
        })
    }
}

/// Elements of one kind, laid out.
#[derive(Debug)]
struct Page {
    kind: ElementKind,
    descriptors: Vec<Vec<u8>>,
}

impl Page {
    fn length(&self) -> usize {
        HEADER_LENGTH + self.descriptors.iter().map(Vec::len).sum::<usize>()
    }

    /// Element status page header: type, PVOLTAG (bit 7) and AVOLTAG (bit 6), descriptor length, byte count.
    fn header(&self, tags: bool) -> [u8; HEADER_LENGTH] {
        let [length_high, length_low] = u16(self.descriptors.first().map_or(0, Vec::len));
        let [high, middle, low] = u24(self.length() - HEADER_LENGTH);
        let flags = u8::from(tags) << 7;
        [
            self.kind.code(),
            flags,
            length_high,
            length_low,
            0,
            high,
            middle,
            low,
        ]
    }
}

impl Changer {
    /// READ ELEMENT STATUS B8h.
    ///
    /// The counts in all headers are those of the whole report; only descriptors that fit in the
    /// allocation length as a whole are transferred (SMC-3).
    pub(super) fn read_element_status(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = Request::parse(exchange.cdb)?;
        let personality = self.identity.personality;
        let refused = personality.identification == DeviceIdentification::Refused;
        if request.identifiers && refused {
            return Err(Sense::invalid_cdb_field(6).into());
        }
        let wanted = |element: &&Element| {
            element.address >= request.start && request.kind.is_none_or(|kind| element.kind == kind)
        };
        let found: Vec<&Element> = self
            .elements
            .iter()
            .filter(wanted)
            .take(request.count)
            .collect();
        if found.is_empty() && request.count > 0 {
            return Err(Sense::invalid_element().into());
        }
        let pages = self.pages_of(&found, request);
        let [first_high, first_low] = found
            .first()
            .map_or(0, |element| element.address)
            .to_be_bytes();
        let [count_high, count_low] = u16(found.len());
        let [high, middle, low] = u24(pages.iter().map(Page::length).sum());
        let mut bytes = vec![
            first_high, first_low, count_high, count_low, 0, high, middle, low,
        ];
        fill(&mut bytes, &pages, request);
        exchange.reply(&bytes, request.allocation);
        Ok(())
    }

    fn pages_of(&self, elements: &[&Element], request: Request) -> Vec<Page> {
        let mut pages: Vec<Page> = Vec::new();
        for element in elements {
            let descriptor = self.descriptor(element, request);
            match pages.last_mut() {
                Some(page) if page.kind == element.kind => page.descriptors.push(descriptor),
                _ => pages.push(Page {
                    kind: element.kind,
                    descriptors: vec![descriptor],
                }),
            }
        }
        pages
    }

    /// Element descriptors: 12 common bytes, the volume tag, the identifier.
    fn descriptor(&self, element: &Element, request: Request) -> Vec<u8> {
        let personality = self.identity.personality;
        let content = element.content.as_ref();
        let mut bytes = vec![0; 12];
        bytes[..2].copy_from_slice(&element.address.to_be_bytes());
        bytes[2] = self.flags(element);
        if let Some(source) = content.and_then(|content| content.source) {
            bytes[9] = 0x80; // SVALID
            bytes[10..].copy_from_slice(&source.to_be_bytes());
        }
        bytes[9] |= content.map_or(0, medium_type);
        if request.tags {
            bytes.extend(volume_tag(personality, content));
        }
        let identifier = self.identifier(element, request);
        match identifier {
            Some((code_set, kind, designator)) => {
                bytes.extend([code_set, kind, 0, u16(designator.len())[1]]);
                bytes.extend(designator);
            }
            None if request.identifiers
                || personality.identifier_header == IdentifierHeader::Always =>
            {
                bytes.extend([0; 4]);
            }
            None => {}
        }
        bytes
    }

    /// Byte 2: FULL bit 0, IMPEXP 1, EXCEPT 2, ACCESS 3, EXENAB 4, INENAB 5.
    fn flags(&self, element: &Element) -> u8 {
        let full = u8::from(element.content.is_some());
        let by_operator = element
            .content
            .as_ref()
            .is_some_and(|content| content.placement == Placement::ByOperator);
        match element.kind {
            ElementKind::MediumTransport => full,
            ElementKind::Storage => 0x08 | full,
            ElementKind::ImportExport => 0x38 | u8::from(by_operator) << 1 | full,
            ElementKind::DataTransfer => {
                let implicit = self.identity.personality.unloading == Unloading::Implicit;
                let accessible = self
                    .drive(element)
                    .is_none_or(|drive| drive.is_accessible());
                u8::from(implicit || accessible) << 3 | full
            }
        }
    }

    /// Code set, type and designator of the drive, if asked for (SPC-5).
    fn identifier(&self, element: &Element, request: Request) -> Option<(u8, u8, Vec<u8>)> {
        if !request.identifiers {
            return None;
        }
        let drive = self.drive(element)?;
        let identity = &drive.identity.inquiry;
        match self.identity.personality.identification {
            DeviceIdentification::Naa => Some((0x01, 0x03, identity.naa_designator().to_vec())),
            DeviceIdentification::T10Vendor => Some((0x02, 0x01, identity.t10_designator())),
            DeviceIdentification::Refused => None,
        }
    }
}

/// Appends what fits in the allocation length: whole page headers, whole descriptors.
fn fill(bytes: &mut Vec<u8>, pages: &[Page], request: Request) {
    for page in pages {
        let header = page.header(request.tags);
        if bytes.len() + header.len() > request.allocation {
            return;
        }
        bytes.extend(header);
        for descriptor in &page.descriptors {
            if bytes.len() + descriptor.len() > request.allocation {
                return;
            }
            bytes.extend(descriptor);
        }
    }
}

/// MEDIUM TYPE, bits 2-0 of byte 9 (SMC-3): data 1, cleaning 2, WORM 4.
fn medium_type(content: &Content) -> u8 {
    match content.kind {
        CartridgeKind::Data { worm: false, .. } => 1,
        CartridgeKind::Cleaning { .. } => 2,
        CartridgeKind::Data { worm: true, .. } => 4,
    }
}

/// Primary volume tag (SMC-3): 32 characters, two reserved bytes, a sequence number.
fn volume_tag(personality: &Personality, content: Option<&Content>) -> [u8; TAG_LENGTH] {
    let mut field = [0; TAG_LENGTH];
    let Some(content) = content else {
        return field;
    };
    let barcode = content.barcode.as_deref().unwrap_or("");
    let shown = barcode.len().min(personality.tag.characters);
    let label = text::<32>(&barcode[..shown], personality.tag.padding);
    field[..32].copy_from_slice(&label);
    field
}
