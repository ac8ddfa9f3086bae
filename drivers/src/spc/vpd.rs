//! Vital product data (SPC-5, vital product data parameters; SSC-4 for pages B0h to B4h of
//! tape drives).

use serde::{Deserialize, Serialize};

use super::designator::Designator;
use super::inquiry::INQUIRY;
use crate::bytes::{ascii, u8_at, u16_at, unsigned};
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
/// Data transfer device element address.
pub const ELEMENT_ADDRESS: u8 = 0xb4;

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
    let text = page(transport, UNIT_SERIAL_NUMBER)?.map(|body| ascii(&body));
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
