//! Mode pages and the MODE SENSE and MODE SELECT parameter lists (SPC-5).

use super::Exchange;
use crate::bytes::u16_at;
use crate::sense::Sense;

/// One mode page, its header included.
#[derive(Debug, Clone)]
pub(crate) struct ModePage {
    code: u8,
    subpage: u8,
    default: Vec<u8>,
    changeable: Vec<u8>,
    current: Vec<u8>,
}

impl ModePage {
    /// A page in page_0 format (SPC-5): `body` follows the two header bytes.
    /// `changeable` lists offsets into the page with the mask of bits a host may change.
    pub(crate) fn new(code: u8, body: &[u8], changeable: &[(usize, u8)]) -> Self {
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        Self::with_header(code, 0, &[code, length], body, changeable)
    }

    /// A page in sub_page format (SPC-5): `body` follows the four header bytes.
    pub(crate) fn with_subpage(
        code: u8,
        subpage: u8,
        body: &[u8],
        changeable: &[(usize, u8)],
    ) -> Self {
        let [high, low] = crate::bytes::u16(body.len());
        let header = [0x40 | code, subpage, high, low];
        Self::with_header(code, subpage, &header, body, changeable)
    }

    fn with_header(
        code: u8,
        subpage: u8,
        header: &[u8],
        body: &[u8],
        changeable: &[(usize, u8)],
    ) -> Self {
        let default = [header, body].concat();
        let mut mask = header.to_vec();
        mask.resize(default.len(), 0);
        for (at, bits) in changeable {
            mask[*at] = *bits;
        }
        Self {
            code,
            subpage,
            current: default.clone(),
            default,
            changeable: mask,
        }
    }

    fn header_length(&self) -> usize {
        if self.subpage == 0 { 2 } else { 4 }
    }
}

/// PC field of MODE SENSE (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageControl {
    Current,
    Changeable,
    Default,
}

/// What MODE SENSE asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SenseRequest {
    control: PageControl,
    code: u8,
    subpage: u8,
    pub(crate) block_descriptors: bool,
    long_header: bool,
    allocation: usize,
}

impl SenseRequest {
    /// MODE SENSE(6) 1Ah or (10) 5Ah.
    pub(crate) fn parse(cdb: &[u8]) -> Result<Self, Sense> {
        let long_header = cdb[0] == 0x5a;
        let control = match cdb[2] >> 6 {
            0 => PageControl::Current,
            1 => PageControl::Changeable,
            2 => PageControl::Default,
            // SAVING PARAMETERS NOT SUPPORTED
            _ => {
                return Err(Sense::new(
                    crate::sense::SenseKey::IllegalRequest,
                    (0x39, 0x00),
                ));
            }
        };
        Ok(Self {
            control,
            code: cdb[2] & 0x3f,
            subpage: cdb[3],
            block_descriptors: cdb[1] & 0x08 == 0,
            long_header,
            allocation: if long_header {
                usize::from(u16_at(cdb, 7))
            } else {
                usize::from(cdb[4])
            },
        })
    }
}

/// What precedes the pages in a mode parameter list (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModeHeader {
    pub(crate) medium_type: u8,
    pub(crate) device_specific: u8,
    /// Short LBA mode parameter block descriptor.
    pub(crate) block_descriptor: Option<[u8; 8]>,
}

/// The mode pages of a device.
#[derive(Debug, Clone)]
pub(crate) struct ModePages(Vec<ModePage>);

/// A MODE SELECT list that was found right, not yet in force.
#[derive(Debug)]
pub(crate) struct SelectPlan {
    pub(crate) header: ModeHeader,
    pages: Vec<PlannedPage>,
}

/// A page of the list.
#[derive(Debug)]
struct PlannedPage {
    index: usize,
    code: (u8, u8),
    /// Where in the list it stands.
    at: usize,
    bytes: Vec<u8>,
}

impl SelectPlan {
    /// What the list says of this page and subpage, and where in the list.
    pub(crate) fn page(&self, code: (u8, u8)) -> Option<(usize, &[u8])> {
        let page = self.pages.iter().rev().find(|page| page.code == code)?;
        Some((page.at, &page.bytes))
    }
}

impl ModePages {
    /// Pages in ascending order of code and subpage.
    pub(crate) fn new(pages: Vec<ModePage>) -> Self {
        Self(pages)
    }

    /// The current values of a page this device has.
    pub(crate) fn current(&self, code: u8, subpage: u8) -> &[u8] {
        self.find(code, subpage)
            .map_or(&[], |index| self.0[index].current.as_slice())
    }

    /// Answers MODE SENSE.
    pub(crate) fn answer(
        &self,
        request: SenseRequest,
        header: ModeHeader,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Sense> {
        let pages = self.selected(request)?;
        let descriptor = header
            .block_descriptor
            .filter(|_| request.block_descriptors);
        let descriptor = descriptor.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        let mut list = if request.long_header {
            let [high, low] = crate::bytes::u16(6 + descriptor.len() + pages.len());
            let [descriptor_high, descriptor_low] = crate::bytes::u16(descriptor.len());
            vec![
                high,
                low,
                header.medium_type,
                header.device_specific,
                0,
                0,
                descriptor_high,
                descriptor_low,
            ]
        } else {
            let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
            vec![
                byte(3 + descriptor.len() + pages.len()),
                header.medium_type,
                header.device_specific,
                byte(descriptor.len()),
            ]
        };
        list.extend_from_slice(descriptor);
        list.extend(pages);
        exchange.reply(&list, request.allocation);
        Ok(())
    }

    /// Page 3Fh is all pages; subpage FFh all subpages too (SPC-5).
    fn selected(&self, request: SenseRequest) -> Result<Vec<u8>, Sense> {
        let wanted = |page: &&ModePage| {
            (request.code == 0x3f || page.code == request.code)
                && (request.subpage == 0xff || page.subpage == request.subpage)
        };
        if (request.code, request.subpage) == (0x00, 0x00) {
            // Vendor specific; tape drives answer with header and block descriptor only, and the
            // Linux st driver asks for just that.
            return Ok(Vec::new());
        }
        let mut found = self.0.iter().filter(wanted).peekable();
        if found.peek().is_none() {
            let byte = if self.0.iter().any(|page| page.code == request.code) {
                3
            } else {
                2
            };
            return Err(Sense::invalid_cdb_field(byte));
        }
        let values = |page: &ModePage| match request.control {
            PageControl::Current => page.current.clone(),
            PageControl::Changeable => page.changeable.clone(),
            PageControl::Default => page.default.clone(),
        };
        Ok(found.flat_map(values).collect())
    }

    /// Checks a MODE SELECT(6) 15h or (10) 55h list as a whole; changes nothing.
    pub(crate) fn plan(&self, exchange: &mut Exchange<'_>) -> Result<Option<SelectPlan>, Sense> {
        let cdb = exchange.cdb;
        if cdb[1] & 0x01 != 0 {
            return Err(Sense::invalid_cdb_field(1)); // SP: nothing is saved here
        }
        let long_header = cdb[0] == 0x55;
        let (length, header_length) = if long_header {
            (usize::from(u16_at(cdb, 7)), 8)
        } else {
            (usize::from(cdb[4]), 4)
        };
        if length == 0 {
            return Ok(None);
        }
        let list = exchange.take(length)?;
        if list.len() < header_length {
            return Err(Sense::parameter_list_length());
        }
        let (medium_type, device_specific, descriptor_length) = if long_header {
            (list[2], list[3], usize::from(u16_at(list, 6)))
        } else {
            (list[1], list[2], usize::from(list[3]))
        };
        let pages_at = header_length + descriptor_length;
        let block_descriptor = match descriptor_length {
            0 => None,
            8 => {
                let bytes = list.get(header_length..pages_at);
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                Some(bytes.ok_or_else(Sense::parameter_list_length)?)
            }
            _ => return Err(Sense::invalid_parameter(header_length - 1)),
        };
        Ok(Some(SelectPlan {
            header: ModeHeader {
                medium_type,
                device_specific,
                block_descriptor,
            },
            pages: self.check_pages(list, pages_at)?,
        }))
    }

    fn check_pages(&self, list: &[u8], mut at: usize) -> Result<Vec<PlannedPage>, Sense> {
        let mut pages = Vec::new();
        while at < list.len() {
            let has_subpage = list[at] & 0x40 != 0;
            let subpage = if has_subpage {
                *list.get(at + 1).ok_or_else(Sense::parameter_list_length)?
            } else {
                0
            };
            let index = self
                .find(list[at] & 0x3f, subpage)
                .ok_or_else(|| Sense::invalid_parameter(at))?;
            let page = &self.0[index];
            let end = at + page.current.len();
            let fresh = list.get(at..end).ok_or_else(Sense::parameter_list_length)?;
            // PS (bit 7 of byte 0) is reserved here.
            for (offset, byte) in fresh.iter().enumerate().skip(1) {
                let fixed = if offset < page.header_length() {
                    0xff
                } else {
                    !page.changeable[offset]
                };
                if (byte ^ page.current[offset]) & fixed != 0 {
                    return Err(Sense::invalid_parameter(at + offset));
                }
            }
            let mut fresh = fresh.to_vec();
            fresh[0] &= 0x7f;
            pages.push(PlannedPage {
                index,
                code: (page.code, page.subpage),
                at,
                bytes: fresh,
            });
            at = end;
        }
        Ok(pages)
    }

    /// Gives one byte of a page this device has another value.
    pub(crate) fn set_byte(&mut self, (code, subpage): (u8, u8), at: usize, value: u8) {
        if let Some(index) = self.find(code, subpage)
            && let Some(byte) = self.0[index].current.get_mut(at)
        {
            *byte = value;
        }
    }

    /// Gives a page other current values behind its header: what it tells of has changed, or it
    /// is not to show what a host set.
    pub(crate) fn show(&mut self, code: u8, body: &[u8]) {
        if let Some(index) = self.find(code, 0) {
            let page = &mut self.0[index];
            page.current.truncate(page.header_length());
            page.current.extend_from_slice(body);
        }
    }

    /// Puts a plan in force; whether any page changed.
    pub(crate) fn apply(&mut self, plan: SelectPlan) -> bool {
        let mut changed = false;
        for PlannedPage { index, bytes, .. } in plan.pages {
            changed |= self.0[index].current != bytes;
            self.0[index].current = bytes;
        }
        changed
    }

    /// Back to the defaults, as after a power cut.
    pub(crate) fn reset(&mut self) {
        for page in &mut self.0 {
            page.current.clone_from(&page.default);
        }
    }

    fn find(&self, code: u8, subpage: u8) -> Option<usize> {
        let wanted = |page: &ModePage| page.code == code && page.subpage == subpage;
        self.0.iter().position(wanted)
    }
}
