//! READ ELEMENT STATUS (SMC-3).

use super::changer::{Changer, Content, Element, ElementKind, Placement};
use super::volume_tag::TAG_LENGTH;
use super::{Access, Exchange, Stop};
use crate::bytes::{u16, u16_at, u24, u24_at};
use crate::cartridge::CartridgeKind;
use crate::personality::{
    AccessBits, AllTypes, DeviceIdentification, IdentifierHeader, TagsWithIdentifiers, Unloading,
};
use crate::sense::Sense;

const HEADER_LENGTH: usize = 8;

/// What the CDB of READ ELEMENT STATUS or REQUEST VOLUME ELEMENT ADDRESS asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) kind: Option<ElementKind>,
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
    /// bit 0, both for READ ELEMENT STATUS only. CURDATA changes nothing: status never needs
    /// motion here.
    pub(super) fn parse(cdb: &[u8]) -> Result<Self, Sense> {
        Ok(Self {
            kind: kind_of(cdb[1])?,
            tags: cdb[1] & 0x10 != 0,
            identifiers: cdb[0] == 0xb8 && cdb[6] & 0x01 != 0,
            start: u16_at(cdb, 2),
            count: usize::from(u16_at(cdb, 4)),
            allocation: u24_at(cdb, 7) as usize,
        })
    }
}

/// ELEMENT TYPE CODE, bits 3-0 of byte 1; 0 is all of them.
pub(super) fn kind_of(byte: u8) -> Result<Option<ElementKind>, Sense> {
    match byte & 0x0f {
        0 => Ok(None),
        1 => Ok(Some(ElementKind::MediumTransport)),
        2 => Ok(Some(ElementKind::Storage)),
        3 => Ok(Some(ElementKind::ImportExport)),
        4 => Ok(Some(ElementKind::DataTransfer)),
        _ => Err(Sense::invalid_cdb_field(1)),
    }
}

/// READ ELEMENT STATUS may be asked under any reservation if it needs no motion (CURDATA,
/// SMC-3).
pub(super) fn element_status_access(cdb: &[u8]) -> Access {
    if cdb[6] & 0x02 == 0 {
        Access::Exclusive
    } else {
        Access::Always
    }
}

/// Elements of one kind, laid out.
#[derive(Debug)]
struct Page {
    kind: ElementKind,
    /// PVOLTAG (bit 7) and AVOLTAG (bit 6).
    flags: u8,
    descriptors: Vec<Vec<u8>>,
}

impl Page {
    fn length(&self) -> usize {
        HEADER_LENGTH + self.descriptors.iter().map(Vec::len).sum::<usize>()
    }

    /// Element status page header: type, PVOLTAG and AVOLTAG, descriptor length, byte count.
    fn header(&self) -> [u8; HEADER_LENGTH] {
        let [length_high, length_low] = u16(self.descriptors.first().map_or(0, Vec::len));
        let [high, middle, low] = u24(self.length() - HEADER_LENGTH);
        [
            self.kind.code(),
            self.flags,
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
        let mut request = Request::parse(exchange.cdb)?;
        let personality = self.identity.personality;
        let odd = personality.oddities;
        if request.identifiers && personality.identification == DeviceIdentification::Refused {
            return Err(Sense::invalid_cdb_field(6).into());
        }
        if request.kind.is_none() && odd.all_types == AllTypes::Refused {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        if request.tags && request.identifiers {
            match odd.tags_with_identifiers {
                TagsWithIdentifiers::Both => {}
                TagsWithIdentifiers::Refused => return Err(Sense::invalid_cdb_field(6).into()),
                TagsWithIdentifiers::TagsLeftOut => request.tags = false,
            }
        }
        let found = self.selected(request, |_| true);
        if found.is_empty() && request.count > 0 {
            return Err(Sense::invalid_element().into());
        }
        let mut bytes = self.report(&found, request, 0);
        if let Some(longest) = odd.longest_report {
            bytes.truncate(longest);
        }
        exchange.reply(&bytes, request.allocation);
        Ok(())
    }

    /// The elements of a range that fulfil one more condition.
    pub(super) fn selected(
        &self,
        request: Request,
        fulfils: impl Fn(&Element) -> bool,
    ) -> Vec<&Element> {
        let wanted = |element: &&Element| {
            element.address >= request.start
                && request.kind.is_none_or(|kind| element.kind == kind)
                && fulfils(element)
        };
        self.elements
            .iter()
            .filter(wanted)
            .take(request.count)
            .collect()
    }

    /// Header, with what its byte 4 says, and pages.
    pub(super) fn report(&self, found: &[&Element], request: Request, action: u8) -> Vec<u8> {
        let mut pages = self.pages_of(found, request);
        if request.kind.is_none()
            && self.identity.personality.oddities.all_types == AllTypes::FirstPage
        {
            pages.truncate(1);
        }
        let [first_high, first_low] = found
            .first()
            .map_or(0, |element| element.address)
            .to_be_bytes();
        let [count_high, count_low] = u16(found.len());
        let [high, middle, low] = u24(pages.iter().map(Page::length).sum());
        let mut bytes = vec![
            first_high, first_low, count_high, count_low, action, high, middle, low,
        ];
        fill(&mut bytes, &pages, request.allocation);
        bytes
    }

    /// One page for each run of elements of one kind.
    fn pages_of(&self, elements: &[&Element], request: Request) -> Vec<Page> {
        let runs = elements.chunk_by(|one, next| one.kind == next.kind);
        runs.map(|run| {
            let alternate = request.tags && run.iter().any(|element| element.has_alternate_tag());
            let lay_out = |element: &&Element| self.descriptor(element, request, alternate);
            Page {
                kind: run[0].kind,
                flags: u8::from(request.tags) << 7 | u8::from(alternate) << 6,
                descriptors: run.iter().map(lay_out).collect(),
            }
        })
        .collect()
    }

    /// Element descriptors: 12 common bytes, the volume tags, the identifier.
    fn descriptor(&self, element: &Element, request: Request, alternate: bool) -> Vec<u8> {
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
            bytes.extend(content.map_or([0; TAG_LENGTH], |held| held.primary_field(personality)));
        }
        if alternate {
            bytes.extend(content.map_or([0; TAG_LENGTH], Content::alternate_field));
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
        let access = u8::from(self.is_accessible(element)) << 3;
        match element.kind {
            ElementKind::MediumTransport => full,
            ElementKind::Storage | ElementKind::DataTransfer => access | full,
            ElementKind::ImportExport => 0x30 | access | u8::from(by_operator) << 1 | full,
        }
    }

    fn is_accessible(&self, element: &Element) -> bool {
        let personality = self.identity.personality;
        if personality.oddities.access_bits == AccessBits::NeverSet {
            return false;
        }
        match element.kind {
            ElementKind::MediumTransport | ElementKind::Storage => true,
            ElementKind::ImportExport => !self.is_open(element.address),
            ElementKind::DataTransfer => {
                personality.unloading == Unloading::Implicit
                    || self
                        .drive(element)
                        .is_none_or(|drive| drive.is_accessible())
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
fn fill(bytes: &mut Vec<u8>, pages: &[Page], allocation: usize) {
    for page in pages {
        let header = page.header();
        if bytes.len() + header.len() > allocation {
            return;
        }
        bytes.extend(header);
        for descriptor in &page.descriptors {
            if bytes.len() + descriptor.len() > allocation {
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
