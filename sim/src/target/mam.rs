//! READ ATTRIBUTE and WRITE ATTRIBUTE: the memory in the cartridge (SPC-5).

use super::drive::Drive;
use super::medium::Mounted;
use super::{Exchange, Stop};
use crate::bytes::{text, u16, u16_at, u32, u32_at};
use crate::cartridge::{Attribute, AttributeFormat, CartridgeKind, Generation};
use crate::sense::Sense;

/// A host attribute that may be written: identifier, format, longest value (SPC-5).
struct HostAttribute {
    identifier: u16,
    format: AttributeFormat,
    length: usize,
}

const fn host(identifier: u16, format: AttributeFormat, length: usize) -> HostAttribute {
    HostAttribute {
        identifier,
        format,
        length,
    }
}

const HOST_ATTRIBUTES: &[HostAttribute] = &[
    host(0x0800, AttributeFormat::Ascii, 8), // APPLICATION VENDOR
    host(0x0801, AttributeFormat::Ascii, 32), // APPLICATION NAME
    host(0x0802, AttributeFormat::Ascii, 8), // APPLICATION VERSION
    host(0x0803, AttributeFormat::Text, 160), // USER MEDIUM TEXT LABEL
    host(0x0804, AttributeFormat::Ascii, 12), // DATE AND TIME LAST WRITTEN
    host(0x0805, AttributeFormat::Binary, 1), // TEXT LOCALIZATION IDENTIFIER
    host(0x0806, AttributeFormat::Ascii, 32), // BARCODE
    host(0x0807, AttributeFormat::Text, 80), // OWNING HOST TEXTUAL NAME
    host(0x0808, AttributeFormat::Text, 160), // MEDIA POOL
    host(0x0809, AttributeFormat::Ascii, 16), // PARTITION USER TEXT LABEL
    host(0x080a, AttributeFormat::Binary, 1), // LOAD/UNLOAD AT PARTITION
    host(0x080b, AttributeFormat::Ascii, 16), // APPLICATION FORMAT VERSION
    host(0x080c, AttributeFormat::Binary, 70), // VOLUME COHERENCY INFORMATION
    host(0x0820, AttributeFormat::Binary, 36), // MEDIUM GLOBALLY UNIQUE IDENTIFIER
    host(0x0821, AttributeFormat::Binary, 36), // MEDIA POOL GLOBALLY UNIQUE IDENTIFIER
];

/// Bytes the memory has for host attributes.
const HOST_SPACE: usize = 4096;

/// One attribute as READ ATTRIBUTE reports it.
struct Reported {
    identifier: u16,
    read_only: bool,
    format: AttributeFormat,
    value: Vec<u8>,
}

impl Reported {
    /// SPC-5, MAM attribute format: identifier, READ ONLY (bit 7) and FORMAT (bits 1-0), length, value.
    fn encode(&self) -> Vec<u8> {
        let [high, low] = self.identifier.to_be_bytes();
        let format = match self.format {
            AttributeFormat::Binary => 0,
            AttributeFormat::Ascii => 1,
            AttributeFormat::Text => 2,
        };
        let [length_high, length_low] = u16(self.value.len());
        let flags = u8::from(self.read_only) << 7 | format;
        let mut bytes = vec![high, low, flags, length_high, length_low];
        bytes.extend(&self.value);
        bytes
    }
}

impl Drive {
    /// READ ATTRIBUTE 8Ch: SERVICE ACTION bits 4-0 of byte 1; partition byte 7; first attribute
    /// bytes 8-9; allocation length bytes 10-13.
    pub(super) fn read_attribute(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let partitions = self.threaded()?.cartridge.partition_count();
        if cdb[5] != 0 {
            return Err(Sense::invalid_cdb_field(5).into()); // one logical volume
        }
        let partition = cdb[7];
        if partition >= partitions {
            return Err(Sense::invalid_cdb_field(7).into());
        }
        let first = u16_at(cdb, 8);
        let allocation = u32_at(cdb, 10) as usize;
        let list = match cdb[1] & 0x1f {
            0x00 => with_length(&self.attribute_values(partition, first)?),
            0x01 => {
                let reported = self.reported_from(partition, first)?;
                let identifiers = reported.iter().map(|reported| reported.identifier);
                with_length(&identifiers.flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
            }
            // LOGICAL VOLUME LIST and PARTITION LIST: the first, and how many.
            0x02 => vec![0, 2, 0, 1],
            0x03 => vec![0, 2, 0, partitions],
            0x05 => with_length(&self.supported_attributes(partition)?),
            _ => return Err(Sense::invalid_cdb_field(1).into()),
        };
        exchange.reply(&list, allocation);
        Ok(())
    }

    fn attribute_values(&mut self, partition: u8, first: u16) -> Result<Vec<u8>, Sense> {
        let reported = self.reported_from(partition, first)?;
        Ok(reported.iter().flat_map(Reported::encode).collect())
    }

    /// Attributes from this one on, which must be there.
    fn reported_from(&mut self, partition: u8, first: u16) -> Result<Vec<Reported>, Sense> {
        let mut all = self.reported(partition)?;
        if first != 0 && !all.iter().any(|reported| reported.identifier == first) {
            return Err(Sense::invalid_cdb_field(8));
        }
        all.retain(|reported| reported.identifier >= first);
        Ok(all)
    }

    fn supported_attributes(&mut self, partition: u8) -> Result<Vec<u8>, Sense> {
        let fixed = self
            .reported(partition)?
            .into_iter()
            .filter(|found| found.read_only);
        let identifiers = fixed.map(|found| found.identifier);
        let hosts = HOST_ATTRIBUTES.iter().map(|row| row.identifier);
        Ok(identifiers
            .chain(hosts)
            .flat_map(u16::to_be_bytes)
            .collect())
    }

    /// All attributes in ascending order.
    fn reported(&mut self, partition: u8) -> Result<Vec<Reported>, Sense> {
        let vendor = self.identity.inquiry.vendor;
        let alerts = self.alerts.active();
        let mounted = self.threaded()?;
        let mut all = device_attributes(mounted, partition, vendor, alerts);
        all.extend(medium_attributes(mounted));
        let hosts = &mounted.cartridge.record.attributes;
        all.extend(hosts.iter().map(|(identifier, attribute)| Reported {
            identifier: *identifier,
            read_only: false,
            format: attribute.format,
            value: attribute.value.clone(),
        }));
        Ok(all)
    }

    /// WRITE ATTRIBUTE 8Dh: partition byte 7; parameter list length bytes 10-13. All of the list
    /// is checked before any of it is kept; a length of 0 deletes.
    pub(super) fn write_attribute(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let mounted = self.writable()?;
        if cdb[5] != 0 {
            return Err(Sense::invalid_cdb_field(5).into());
        }
        if cdb[7] != 0 {
            return Err(Sense::invalid_cdb_field(7).into());
        }
        let length = u32_at(cdb, 10) as usize;
        if length == 0 {
            return Ok(());
        }
        let list = exchange.take(length)?;
        if list.len() < 4 {
            return Err(Sense::parameter_list_length().into());
        }
        let mut attributes = mounted.cartridge.record.attributes.clone();
        for (identifier, attribute) in parse_attributes(list)? {
            if attribute.value.is_empty() {
                attributes.remove(&identifier);
            } else {
                attributes.insert(identifier, attribute);
            }
        }
        let used: usize = attributes.values().map(|kept| 5 + kept.value.len()).sum();
        if used > HOST_SPACE {
            // AUXILIARY MEMORY OUT OF SPACE
            let key = crate::sense::SenseKey::IllegalRequest;
            return Err(Sense::new(key, (0x55, 0x06)).into());
        }
        mounted.cartridge.record.attributes = attributes;
        let saved = mounted.cartridge.save();
        saved.map_err(|error| super::medium::write_failure(&mounted.cartridge, &error))?;
        Ok(())
    }
}

/// Takes a parameter list of WRITE ATTRIBUTE apart (SPC-5).
fn parse_attributes(list: &[u8]) -> Result<Vec<(u16, Attribute)>, Sense> {
    let mut attributes = Vec::new();
    let mut at = 4;
    while at < list.len() {
        let identifier = u16_at(list, at);
        let row = HOST_ATTRIBUTES
            .iter()
            .find(|row| row.identifier == identifier)
            .ok_or_else(|| Sense::invalid_parameter(at))?;
        let format = match list.get(at + 2).map(|flags| flags & 0x03) {
            Some(0) => AttributeFormat::Binary,
            Some(1) => AttributeFormat::Ascii,
            Some(2) => AttributeFormat::Text,
            _ => return Err(Sense::invalid_parameter(at + 2)),
        };
        if format != row.format {
            return Err(Sense::invalid_parameter(at + 2));
        }
        let length = usize::from(u16_at(list, at + 3));
        if length > row.length {
            return Err(Sense::invalid_parameter(at + 3));
        }
        let value = list
            .get(at + 5..at + 5 + length)
            .ok_or_else(Sense::parameter_list_length)?
            .to_vec();
        attributes.push((identifier, Attribute { format, value }));
        at += 5 + length;
    }
    Ok(attributes)
}

fn with_length(body: &[u8]) -> Vec<u8> {
    [&u32(body.len() as u64)[..], body].concat()
}

fn fixed(identifier: u16, format: AttributeFormat, value: &[u8]) -> Reported {
    Reported {
        identifier,
        read_only: true,
        format,
        value: value.to_vec(),
    }
}

/// Device type attributes (SPC-5), capacities in MiB.
fn device_attributes(mounted: &Mounted, partition: u8, vendor: &str, alerts: u64) -> Vec<Reported> {
    use AttributeFormat::{Ascii, Binary};
    let record = &mounted.cartridge.record;
    let used: usize = record
        .attributes
        .values()
        .map(|kept| 5 + kept.value.len())
        .sum();
    let density = mounted.generation().map_or(0, Generation::density);
    let mebibytes = |bytes: u64| (bytes >> 20).to_be_bytes();
    let mut all = vec![
        fixed(0x0000, Binary, &mebibytes(mounted.remaining_in(partition))),
        fixed(0x0001, Binary, &mebibytes(mounted.capacity_of(partition))),
        fixed(0x0002, Binary, &alerts.to_be_bytes()),
        fixed(0x0003, Binary, &u64::from(record.loads).to_be_bytes()),
        fixed(
            0x0004,
            Binary,
            &((HOST_SPACE - used.min(HOST_SPACE)) as u64).to_be_bytes(),
        ),
        fixed(0x0005, Ascii, &text::<8>("LTO-CVE", b' ')),
        fixed(0x0006, Binary, &[density]),
        fixed(0x0007, Binary, &[0, 1]),
    ];
    // Vendor (8) and serial number (32) of the drives of the last four loads.
    for (serial, identifier) in record.last_drives.iter().zip(0x020a..) {
        let mut value = text::<8>(vendor, b' ').to_vec();
        value.extend(text::<32>(serial, b' '));
        all.push(fixed(identifier, Ascii, &value));
    }
    all.push(fixed(0x0220, Binary, &mebibytes(record.bytes_written)));
    all.push(fixed(0x0221, Binary, &mebibytes(record.bytes_read)));
    all
}

/// Medium type attributes (SPC-5).
fn medium_attributes(mounted: &Mounted) -> Vec<Reported> {
    use AttributeFormat::{Ascii, Binary};
    let record = &mounted.cartridge.record;
    // MEDIUM TYPE INFORMATION of a cleaning cartridge is how often it may be used.
    let (density, length, kind, information) = match record.kind {
        CartridgeKind::Data { generation, worm } => {
            let kind = if worm { 0x80 } else { 0x00 };
            (generation.density(), generation.tape_length(), kind, 0)
        }
        CartridgeKind::Cleaning { uses } => (0, 0, 0x01, uses),
    };
    vec![
        fixed(0x0400, Ascii, &text::<8>("TAPEWARD", b' ')),
        fixed(0x0401, Ascii, &text::<32>(&record.serial, b' ')),
        fixed(0x0402, Binary, &length.to_be_bytes()),
        fixed(0x0403, Binary, &127_u32.to_be_bytes()), // tenths of a millimetre
        fixed(0x0404, Ascii, &text::<8>("LTO-CVE", b' ')),
        fixed(0x0405, Binary, &[density]),
        fixed(0x0406, Ascii, b"20260101"),
        fixed(0x0407, Binary, &(HOST_SPACE as u64).to_be_bytes()),
        fixed(0x0408, Binary, &[kind]),
        fixed(0x0409, Binary, &information.to_be_bytes()),
    ]
}
