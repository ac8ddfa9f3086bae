//! Vital product data (SPC-5, vital product data parameters; SSC-4 for pages B0h to B4h of
//! tape drives).

use serde::{Deserialize, Serialize};

use super::designator::Designator;
use super::inquiry::INQUIRY;
use crate::bytes::{array_at, ascii, u8_at, u16_at, unsigned};
use crate::command::Command;
use crate::error::ScsiError;
use crate::smc::ElementAddress;
use crate::timeout;
use crate::transport::Transport;

/// Page codes.
pub const SUPPORTED_PAGES: u8 = 0x00;
/// Unit serial number.
pub const UNIT_SERIAL_NUMBER: u8 = 0x80;
/// Device identification.
pub const DEVICE_IDENTIFICATION: u8 = 0x83;
/// Sequential-access device capabilities.
pub const SEQUENTIAL_CAPABILITIES: u8 = 0xb0;
/// Manufacturer-assigned serial number.
pub const MANUFACTURER_SERIAL_NUMBER: u8 = 0xb1;
/// TapeAlert supported flags.
pub const TAPE_ALERT_FLAGS: u8 = 0xb2;
/// Automation device serial number.
pub const AUTOMATION_SERIAL_NUMBER: u8 = 0xb3;
/// Data transfer device element address.
pub const ELEMENT_ADDRESS: u8 = 0xb4;
/// Logical block protection.
pub const LOGICAL_BLOCK_PROTECTION: u8 = 0xb5;

/// The page's contents behind its four-byte header, checked to be the page asked for.
///
/// A reply that ends before PAGE LENGTH says is taken as far as it goes.
#[must_use]
pub fn page_body(page: u8, raw: &[u8]) -> Option<&[u8]> {
    if u8_at(raw, 1)? != page {
        return None;
    }
    let length = usize::from(u16_at(raw, 2)?);
    raw.get(4..raw.len().min(4 + length))
}

/// Asks for one page; `None` when the device does not have it.
pub fn page(transport: &mut dyn Transport, page: u8) -> Result<Option<Vec<u8>>, ScsiError> {
    // 255 bytes is what devices older than SPC-3 can say; only a longer page is asked for again.
    let raw = match fetch(transport, page, 0xff) {
        Ok(raw) => raw,
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(error) => return Err(error),
    };
    let stated = u16_at(&raw, 2).map_or(0, |length| 4 + usize::from(length));
    if page == UNIT_SERIAL_NUMBER && stated > 0xff {
        // Standard data of a device that ignores EVPD: its RMB bit looks like page code 80h, its
        // version like the high byte of a length.
        return Ok(None);
    }
    let raw = if stated > 0xff && u8_at(&raw, 1) == Some(page) {
        fetch(transport, page, u16::try_from(stated).unwrap_or(u16::MAX))?
    } else {
        raw
    };
    Ok(page_body(page, &raw).map(<[u8]>::to_vec))
}

fn fetch(transport: &mut dyn Transport, page: u8, length: u16) -> Result<Vec<u8>, ScsiError> {
    let [high, low] = length.to_be_bytes();
    Command::new("INQUIRY", timeout::SHORT, [INQUIRY, 1, page, high, low, 0])
        .read(transport, usize::from(length))
}

/// Page codes the device has (page 00h).
pub fn supported_pages(transport: &mut dyn Transport) -> Result<Vec<u8>, ScsiError> {
    Ok(page(transport, SUPPORTED_PAGES)?.unwrap_or_default())
}

/// Unit serial number (page 80h), blanks removed; `None` when the device has none.
pub fn serial(transport: &mut dyn Transport) -> Result<Option<String>, ScsiError> {
    text(transport, UNIT_SERIAL_NUMBER)
}

/// The serial number the drive's maker gave it (page B1h, SSC-4), blanks removed; it stays when
/// a library gives the drive another unit serial number.
pub fn manufacturer_serial(transport: &mut dyn Transport) -> Result<Option<String>, ScsiError> {
    text(transport, MANUFACTURER_SERIAL_NUMBER)
}

/// The serial number of the library a drive is in (page B3h, SSC-4), blanks removed.
pub fn automation_serial(transport: &mut dyn Transport) -> Result<Option<String>, ScsiError> {
    text(transport, AUTOMATION_SERIAL_NUMBER)
}

fn text(transport: &mut dyn Transport, code: u8) -> Result<Option<String>, ScsiError> {
    let text = page(transport, code)?.map(|body| ascii(&body));
    Ok(text.filter(|text| !text.is_empty()))
}

/// All designators of page 83h, as far as they can be read.
pub fn designators(transport: &mut dyn Transport) -> Result<Vec<Designator>, ScsiError> {
    let body = page(transport, DEVICE_IDENTIFICATION)?.unwrap_or_default();
    Ok(parse_designators(&body))
}

/// The designators in the contents of page 83h; the first that is cut off ends the list.
#[must_use]
pub fn parse_designators(mut body: &[u8]) -> Vec<Designator> {
    let mut all = Vec::new();
    while let Some((designator, length)) = Designator::parse(body) {
        all.push(designator);
        body = &body[length..];
    }
    all
}

/// What a tape drive can do (page B0h, SSC-4, sequential-access device capabilities).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SequentialCapabilities {
    /// WORM: the drive writes WORM cartridges.
    pub worm: bool,
    /// TSMC: the drive can mirror tape streams.
    pub tape_stream_mirroring: bool,
}

impl SequentialCapabilities {
    /// From the contents of the page; bytes not given count as zero.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let flags = u8_at(body, 0).unwrap_or(0);
        Self {
            worm: flags & 0x01 != 0,
            tape_stream_mirroring: flags & 0x02 != 0,
        }
    }
}

/// Page B0h; `None` when the drive does not have it.
pub fn sequential_capabilities(
    transport: &mut dyn Transport,
) -> Result<Option<SequentialCapabilities>, ScsiError> {
    let body = page(transport, SEQUENTIAL_CAPABILITIES)?;
    Ok(body.map(|body| SequentialCapabilities::parse(&body)))
}

/// One method of logical block protection that a drive has (page B5h, SSC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionMethod {
    /// LOGICAL BLOCK PROTECTION METHOD: 1 is Reed-Solomon, 2 is CRC32C.
    pub method: u8,
    /// LOGICAL BLOCK PROTECTION INFORMATION LENGTH in bytes.
    pub length: u8,
    /// LBP_W_C: on WRITE.
    pub on_write: bool,
    /// LBP_R_C: on READ.
    pub on_read: bool,
    /// RBDP_C: on RECOVER BUFFERED DATA.
    pub on_recover: bool,
}

/// The methods in the contents of page B5h; the first that is cut off ends the list.
#[must_use]
pub fn parse_protection(body: &[u8]) -> Vec<ProtectionMethod> {
    let mut rest = body.get(4..).unwrap_or_default();
    let mut all = Vec::new();
    while let Some([length, method, information, flags]) = array_at(rest, 0) {
        all.push(ProtectionMethod {
            method,
            length: information & 0x3f,
            on_write: flags & 0x80 != 0,
            on_read: flags & 0x40 != 0,
            on_recover: flags & 0x20 != 0,
        });
        rest = rest.get(1 + usize::from(length)..).unwrap_or_default();
    }
    all
}

/// What of logical block protection the drive has; `None` when it lacks the page, which came
/// late: the drive may have it nevertheless.
pub fn logical_block_protection(
    transport: &mut dyn Transport,
) -> Result<Option<Vec<ProtectionMethod>>, ScsiError> {
    let body = page(transport, LOGICAL_BLOCK_PROTECTION)?;
    Ok(body.map(|body| parse_protection(&body)))
}

/// Which element of its library the drive is (page B4h, SSC-4, data transfer device element
/// address); `None` when the drive
/// does not know.
pub fn element_address(transport: &mut dyn Transport) -> Result<Option<ElementAddress>, ScsiError> {
    let body = page(transport, ELEMENT_ADDRESS)?;
    let number = body.as_deref().and_then(unsigned);
    Ok(number
        .and_then(|number| u16::try_from(number).ok())
        .map(ElementAddress))
}
