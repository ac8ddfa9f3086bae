//! What every logical unit answers alike (SPC-5): INQUIRY and its vital product data, REPORT LUNS,
//! REQUEST SENSE, PREVENT ALLOW MEDIUM REMOVAL, the control mode page.

use std::collections::BTreeSet;

use tapeward_drivers::socket::InitiatorId;

use super::Exchange;
use super::drive::DriveIdentity;
use super::mode::{ModePage, ModePages};
use crate::bytes::{text, u16, u16_at, u32, u32_at};
use crate::sense::{Sense, SenseFormat, SenseKey};

/// PERIPHERAL DEVICE TYPE (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceType {
    SequentialAccess,
    MediumChanger,
}

impl DeviceType {
    fn code(self) -> u8 {
        match self {
            Self::SequentialAccess => 0x01,
            Self::MediumChanger => 0x08,
        }
    }

    /// Version descriptors: SAM-5, SPC-4, and SSC-4 or SMC-3 (SPC-5).
    fn versions(self) -> [u16; 3] {
        match self {
            Self::SequentialAccess => [0x00a0, 0x0460, 0x0520],
            Self::MediumChanger => [0x00a0, 0x0460, 0x0480],
        }
    }
}

/// Who a logical unit says it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) device_type: DeviceType,
    pub(crate) vendor: &'static str,
    pub(crate) product: String,
    pub(crate) revision: &'static str,
    pub(crate) serial: String,
}

impl Identity {
    /// Standard INQUIRY data (SPC-5): 74 bytes.
    fn standard(&self) -> Vec<u8> {
        let mut bytes = vec![0; 74];
        bytes[0] = self.device_type.code();
        bytes[1] = 0x80; // RMB
        bytes[2] = 0x06; // SPC-4
        bytes[3] = 0x02; // RESPONSE DATA FORMAT
        bytes[4] = 74 - 5;
        bytes[8..16].copy_from_slice(&text::<8>(self.vendor, b' '));
        bytes[16..32].copy_from_slice(&text::<16>(&self.product, b' '));
        bytes[32..36].copy_from_slice(&text::<4>(self.revision, b' '));
        for (at, version) in self.device_type.versions().into_iter().enumerate() {
            bytes[58 + 2 * at..60 + 2 * at].copy_from_slice(&version.to_be_bytes());
        }
        bytes
    }

    /// T10 vendor designator: vendor, product, serial number (SPC-5).
    pub(crate) fn t10_designator(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(text::<8>(self.vendor, b' '));
        bytes.extend(text::<16>(&self.product, b' '));
        bytes.extend(self.serial.as_bytes());
        bytes
    }

    /// NAA locally assigned designator (SPC-5): NAA 3h, the rest made from the serial
    /// number (FNV-1a).
    pub(crate) fn naa_designator(&self) -> [u8; 8] {
        let hash = self
            .serial
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let mut bytes = hash.to_be_bytes();
        bytes[0] = 0x30 | (bytes[0] & 0x0f);
        bytes
    }

    /// Device Identification VPD page (SPC-5): both designators of the logical unit.
    fn designators(&self) -> Vec<u8> {
        let t10 = self.t10_designator();
        let mut bytes = vec![0x02, 0x01, 0x00, u16(t10.len())[1]];
        bytes.extend(t10);
        bytes.extend([0x01, 0x03, 0x00, 0x08]);
        bytes.extend(self.naa_designator());
        bytes
    }
}

/// What of logical block protection the drive has: method, length of the information, what is
/// protected (LBP_W_C bit 7, LBP_R_C bit 6, RBDP_C bit 5): CRC32C when writing and reading.
const PROTECTION_METHODS: &[[u8; 3]] = &[[0x02, 4, 0xc0]];

/// Logical block protection VPD page (SSC-5): four reserved bytes, then for each method the
/// length of its descriptor without this byte, and the rest.
fn protection() -> Vec<u8> {
    let mut body = vec![0; 4];
    for method in PROTECTION_METHODS {
        body.push(3);
        body.extend(method);
    }
    body
}

/// TapeAlert supported flags VPD page (SSC-4): flag 1 is the first bit. All can be raised, by
/// the test of the informational exceptions mode page.
const ALL_FLAGS: [u8; 8] = [0xff; 8];

/// Answers INQUIRY of a drive: VPD 00h, 80h, 83h, and from SSC-4 B0h (capabilities), B1h
/// (manufacturer-assigned serial number), B2h (TapeAlert supported flags), B3h (automation
/// device serial number), B4h (data transfer device element address, if it tells it), from SSC-5 B5h (logical
/// block protection).
pub(crate) fn answer_drive(
    drive: &DriveIdentity,
    exchange: &mut Exchange<'_>,
) -> Result<(), Sense> {
    let page = |page| match page {
        0xb0 => Some(vec![0x01, 0x00]), // WORM
        0xb1 => Some(drive.inquiry.serial.as_bytes().to_vec()),
        0xb2 => Some(ALL_FLAGS.to_vec()),
        0xb3 => Some(drive.library_serial.as_bytes().to_vec()),
        0xb4 => drive.element.map(|element| element.to_be_bytes().to_vec()),
        0xb5 => Some(protection()),
        _ => None,
    };
    let all = [0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5];
    let special: Vec<u8> = all
        .into_iter()
        .filter(|code| page(*code).is_some())
        .collect();
    answer(&drive.inquiry, exchange, &special, page)
}

/// Answers INQUIRY of a changer: VPD 00h, 80h, 83h.
pub(crate) fn answer_changer(
    identity: &Identity,
    exchange: &mut Exchange<'_>,
) -> Result<(), Sense> {
    answer(identity, exchange, &[], |_| None)
}

fn answer(
    identity: &Identity,
    exchange: &mut Exchange<'_>,
    special: &[u8],
    special_page: impl Fn(u8) -> Option<Vec<u8>>,
) -> Result<(), Sense> {
    let allocation = usize::from(u16_at(exchange.cdb, 3));
    let (vital, page) = (exchange.cdb[1] & 0x01 != 0, exchange.cdb[2]);
    if !vital {
        if page != 0 {
            return Err(Sense::invalid_cdb_field(2));
        }
        exchange.reply(&identity.standard(), allocation);
        return Ok(());
    }
    let body = match page {
        0x00 => [&[0x00, 0x80, 0x83], special].concat(),
        0x80 => identity.serial.as_bytes().to_vec(),
        0x83 => identity.designators(),
        _ => special_page(page).ok_or_else(|| Sense::invalid_cdb_field(2))?,
    };
    let [high, low] = u16(body.len());
    let mut bytes = vec![identity.device_type.code(), page, high, low];
    bytes.extend(body);
    exchange.reply(&bytes, allocation);
    Ok(())
}

/// Answers REPORT LUNS: the changer is LUN 0, the drives follow (peripheral device addressing,
/// SAM-5).
pub(crate) fn answer_report_luns(units: u16, exchange: &mut Exchange<'_>) -> Result<(), Sense> {
    let allocation = u32_at(exchange.cdb, 6) as usize;
    if allocation < 16 {
        return Err(Sense::invalid_cdb_field(6));
    }
    let luns = match exchange.cdb[2] {
        0x00 | 0x02 => 0..units,
        0x01 => 0..0, // well known logical units: none
        _ => return Err(Sense::invalid_cdb_field(2)),
    };
    let mut bytes = u32(u64::from(luns.end) * 8).to_vec();
    bytes.extend([0; 4]);
    for lun in luns {
        bytes.extend(lun.to_be_bytes());
        bytes.extend([0; 6]);
    }
    exchange.reply(&bytes, allocation);
    Ok(())
}

/// Answers REQUEST SENSE with this or NO SENSE; DESC (bit 0 of byte 1) chooses the format.
pub(crate) fn answer_request_sense(pending: Option<Sense>, exchange: &mut Exchange<'_>) {
    let format = if exchange.cdb[1] & 0x01 != 0 {
        SenseFormat::Descriptor
    } else {
        SenseFormat::Fixed
    };
    let sense = pending.unwrap_or(Sense::new(SenseKey::NoSense, (0x00, 0x00)));
    let allocation = usize::from(exchange.cdb[4]);
    exchange.reply(&sense.encode(format), allocation);
}

/// PREVENT ALLOW MEDIUM REMOVAL: PREVENT is bits 1-0 of byte 4.
pub(crate) fn prevent_allow(
    prevented_by: &mut BTreeSet<InitiatorId>,
    exchange: &Exchange<'_>,
) -> Result<(), Sense> {
    match exchange.cdb[4] & 0x03 {
        0 => prevented_by.remove(&exchange.initiator),
        1 => prevented_by.insert(exchange.initiator),
        _ => return Err(Sense::invalid_cdb_field(4)),
    };
    Ok(())
}

/// Control mode page with D_SENSE changeable (bit 2 of byte 2, SPC-5).
pub(crate) fn control_page() -> ModePage {
    ModePage::new(0x0a, &[0; 10], &[(2, 0x04)])
}

/// Control Extension mode page (SPC-4): SCSIP (bit 1 of byte 4, SET TIMESTAMP sets the clock),
/// and 252 as MAXIMUM SENSE DATA LENGTH in byte 6.
pub(crate) fn control_extension_page() -> ModePage {
    let mut body = [0; 28];
    body[0] = 0x02;
    body[2] = 252;
    ModePage::with_subpage(0x0a, 0x01, &body, &[])
}

/// What D_SENSE says.
pub(crate) fn sense_format(pages: &ModePages) -> SenseFormat {
    if pages.current(0x0a, 0).get(2).copied().unwrap_or(0) & 0x04 == 0 {
        SenseFormat::Fixed
    } else {
        SenseFormat::Descriptor
    }
}
