//! READ ELEMENT STATUS data (SMC-3), from any device: several pages, mixed kinds,
//! descriptors of any length, counts that are wrong. What can't be decoded is an [`Anomaly`].

use super::anomaly::Anomaly;
use super::element::{
    BusAddress, DeviceIdentifier, Element, ElementAddress, ElementKind, ImportExport, MediumType,
    VolumeTag,
};
use crate::bytes::{u8_at, u16_at, u24_at};
use crate::sense::AdditionalSense;

/// Length of the header of the data, and of each page.
pub const HEADER_LENGTH: usize = 8;

/// Bytes every element descriptor begins with, up to the volume tags.
const FIXED_PART: usize = 12;

/// Element status data, decoded as far as it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ElementStatus {
    /// FIRST ELEMENT ADDRESS REPORTED.
    pub first: u16,
    /// NUMBER OF ELEMENTS AVAILABLE, as the device counts them.
    pub available: u16,
    /// BYTE COUNT OF REPORT AVAILABLE: bytes behind the header, if there had been room.
    pub byte_count: u32,
    /// The elements, in the order of the report.
    pub elements: Vec<Element>,
    /// What did not fit the standard.
    pub anomalies: Vec<Anomaly>,
}

impl ElementStatus {
    /// Decodes a reply of any length; a cut-off header gives nothing but zeros.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Self {
        let mut status = Self {
            first: u16_at(raw, 0).unwrap_or(0),
            available: u16_at(raw, 2).unwrap_or(0),
            byte_count: u24_at(raw, 5).unwrap_or(0),
            ..Self::default()
        };
        // The count is not used to cut the data: some libraries leave the page header out of
        // it, and nothing but what the device sent is in the buffer.
        let mut rest = raw.get(HEADER_LENGTH..).unwrap_or_default();
        while !rest.is_empty() {
            let Some(page) = PageHeader::parse(rest) else {
                if rest.iter().any(|byte| *byte != 0) {
                    status.anomalies.push(Anomaly::TruncatedPage {
                        bytes: rest.to_vec(),
                    });
                }
                break;
            };
            rest = status.take_page(&page, &rest[HEADER_LENGTH..]);
        }
        status
    }

    /// Takes back what the end of the buffer, not the device, cut off.
    pub(crate) fn drop_cut_off(&mut self) {
        if let Some(Anomaly::TruncatedDescriptor {
            address: Some(address),
            ..
        }) = self.anomalies.pop_if(|last| last.is_cut())
        {
            self.elements.pop_if(|last| last.address == address);
        }
    }

    /// Decodes one page and returns what lies behind it.
    fn take_page<'a>(&mut self, page: &PageHeader, body: &'a [u8]) -> &'a [u8] {
        let (body, rest) = body.split_at(body.len().min(page.byte_count));
        let Some(kind) = ElementKind::from_code(page.kind) else {
            // An all-zero header is padding behind the last page.
            if *page != PageHeader::default() {
                self.anomalies
                    .push(Anomaly::UnknownElementType { code: page.kind });
            }
            return if page.byte_count == 0 { &[] } else { rest };
        };
        if page.descriptor_length < FIXED_PART {
            if page.byte_count > 0 {
                self.anomalies.push(Anomaly::DescriptorLength {
                    kind,
                    length: page.descriptor_length,
                });
            }
            return rest;
        }
        for descriptor in body.chunks(page.descriptor_length) {
            let whole = descriptor.len() == page.descriptor_length;
            match parse_descriptor(kind, page, descriptor) {
                Some(element) => {
                    if !whole {
                        self.anomalies.push(Anomaly::TruncatedDescriptor {
                            address: Some(element.address),
                            bytes: descriptor.to_vec(),
                        });
                    }
                    self.elements.push(element);
                }
                None => self.anomalies.push(Anomaly::TruncatedDescriptor {
                    address: u16_at(descriptor, 0).map(ElementAddress),
                    bytes: descriptor.to_vec(),
                }),
            }
        }
        rest
    }
}

/// Element status page header (SMC-3).
#[derive(Debug, PartialEq, Eq, Default)]
struct PageHeader {
    kind: u8,
    primary_tags: bool,
    alternate_tags: bool,
    descriptor_length: usize,
    byte_count: usize,
}

impl PageHeader {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let flags = u8_at(bytes, 1)?;
        Some(Self {
            kind: u8_at(bytes, 0)?,
            primary_tags: flags & 0x80 != 0,
            alternate_tags: flags & 0x40 != 0,
            descriptor_length: usize::from(u16_at(bytes, 2)?),
            byte_count: usize::try_from(u24_at(bytes, 5)?).ok()?,
        })
    }
}

/// One element descriptor; `None` when not even its fixed part is there.
fn parse_descriptor(kind: ElementKind, page: &PageHeader, bytes: &[u8]) -> Option<Element> {
    let flags = u8_at(bytes, 2)?;
    let source_flags = u8_at(bytes, 9)?;
    let source = ElementAddress(u16_at(bytes, 10)?);
    let source_valid = source_flags & 0x80 != 0;
    let asc = AdditionalSense::new(u8_at(bytes, 4)?, u8_at(bytes, 5)?);
    let mut at = FIXED_PART;
    let mut tag = |present: bool| {
        let start = at;
        at += if present { VolumeTag::LENGTH } else { 0 };
        let end = at.min(bytes.len());
        bytes.get(start..end).and_then(VolumeTag::parse)
    };
    let primary_tag = tag(page.primary_tags);
    let alternate_tag = tag(page.alternate_tags);
    Some(Element {
        address: ElementAddress(u16_at(bytes, 0)?),
        kind,
        full: flags & 0x01 != 0,
        access: kind == ElementKind::MediumTransport || flags & 0x08 != 0,
        exception: (flags & 0x04 != 0).then_some(asc),
        import_export: (kind == ElementKind::ImportExport).then_some(ImportExport {
            placed_by_operator: flags & 0x02 != 0,
            import_enabled: flags & 0x20 != 0,
            export_enabled: flags & 0x10 != 0,
            operator_intervention: flags & 0x80 != 0,
        }),
        bus: bus_address(kind, bytes),
        source: source_valid.then_some(source),
        inverted: source_valid && source_flags & 0x40 != 0,
        disabled: source_flags & 0x08 != 0,
        medium_type: MediumType::from(source_flags),
        primary_tag,
        alternate_tag,
        device: bytes.get(at..).and_then(device_identifier),
    })
}

/// Bytes 6 and 7 of a data transfer element's descriptor (SMC-2).
fn bus_address(kind: ElementKind, bytes: &[u8]) -> Option<BusAddress> {
    let flags = u8_at(bytes, 6)?;
    let bus = BusAddress {
        target: (flags & 0x20 != 0).then_some(u8_at(bytes, 7)?),
        logical_unit: (flags & 0x10 != 0).then_some(flags & 0x07),
        other_bus: flags & 0x80 != 0,
    };
    (kind == ElementKind::DataTransfer && bus != BusAddress::default()).then_some(bus)
}

/// The identification descriptor behind the volume tags; `None` when it is empty, as it is
/// without DVCID, or cut off.
fn device_identifier(bytes: &[u8]) -> Option<DeviceIdentifier> {
    let (identifier, _) = DeviceIdentifier::parse(bytes)?;
    (!identifier.bytes.is_empty()).then_some(identifier)
}
