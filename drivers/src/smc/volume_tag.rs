//! SEND VOLUME TAG and REQUEST VOLUME ELEMENT ADDRESS (SMC-3): finding cartridges by their
//! label, and giving labels to those that have none to read.

use super::changer::Changer;
use super::element::{ElementAddress, ElementKind};
use super::element_status::{ElementStatus, HEADER_LENGTH};
use crate::bytes::u8_at;
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of REQUEST VOLUME ELEMENT ADDRESS.
pub const REQUEST_VOLUME_ELEMENT_ADDRESS: u8 = 0xb5;
/// OPERATION CODE of SEND VOLUME TAG.
pub const SEND_VOLUME_TAG: u8 = 0xb6;

const NAME: &str = "SEND VOLUME TAG";

/// Which of a cartridge's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagSide {
    /// The primary one.
    Primary,
    /// The alternate one.
    Alternate,
}

/// Which tags are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchedTags {
    /// Both.
    All,
    /// One of them.
    Only(TagSide),
}

/// VOLUME SEQUENCE NUMBERs that fit; `None` ignores them.
pub type SequenceRange = Option<std::ops::RangeInclusive<u16>>;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSearch {
    /// VOLUME IDENTIFICATION TEMPLATE: up to 32 characters of ASCII, `?` for any one, `*` for
    /// whatever follows.
    pub template: String,
    /// Which tags.
    pub tags: SearchedTags,
    /// Which sequence numbers.
    pub sequence: SequenceRange,
    /// Which elements; `None` for all kinds.
    pub kind: Option<ElementKind>,
    /// The lowest element address.
    pub from: ElementAddress,
}

impl TagSearch {
    /// Any cartridge with a primary tag that fits, wherever it is.
    #[must_use]
    pub fn primary(template: &str) -> Self {
        Self {
            template: template.to_owned(),
            tags: SearchedTags::Only(TagSide::Primary),
            sequence: None,
            kind: None,
            from: ElementAddress(0),
        }
    }

    /// SEND ACTION CODE 0h to 6h.
    fn action(&self) -> u8 {
        let side = match self.tags {
            SearchedTags::All => 0,
            SearchedTags::Only(TagSide::Primary) => 1,
            SearchedTags::Only(TagSide::Alternate) => 2,
        };
        side | if self.sequence.is_some() { 0 } else { 4 }
    }
}

/// A tag to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTag {
    /// VOLUME IDENTIFICATION FIELD: 1 to 32 characters of ASCII, no wildcards.
    pub identification: String,
    /// VOLUME SEQUENCE NUMBER, 0 when unused.
    pub sequence: u16,
}

/// What to do with the tag of the cartridge in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// Gives one where there is none; refused where there is one.
    Assert(NewTag),
    /// Gives one whatever there is.
    Replace(NewTag),
    /// Takes it away.
    Undefine,
}

impl Changer {
    /// The elements whose cartridges' tags fit: SEND VOLUME TAG, then REQUEST VOLUME ELEMENT
    /// ADDRESS with volume tags.
    pub fn search_tags(&mut self, search: &TagSearch) -> Result<ElementStatus, ScsiError> {
        let (low, high) = search
            .sequence
            .as_ref()
            .map_or((0, 0), |range| (*range.start(), *range.end()));
        let list = self.template(&search.template, low, high)?;
        let kind = search.kind.map_or(0, ElementKind::code);
        self.send_volume_tag(kind, search.from, search.action(), &list)?;
        self.request_addresses(kind, search.from)
    }

    /// Changes a tag of the cartridge in an element. Most libraries have only the search.
    pub fn change_tag(
        &mut self,
        element: ElementAddress,
        side: TagSide,
        change: &TagChange,
    ) -> Result<(), ScsiError> {
        let alternate = u8::from(side == TagSide::Alternate);
        let (action, tag) = match change {
            TagChange::Assert(tag) => (0x08, Some(tag)),
            TagChange::Replace(tag) => (0x0a, Some(tag)),
            TagChange::Undefine => (0x0c, None),
        };
        let list = match tag {
            None => Vec::new(),
            Some(tag) if tag.identification.contains(['*', '?']) => {
                return Err(self.unsuitable(&tag.identification, "wildcards are for searches"));
            }
            Some(tag) if tag.identification.trim().is_empty() => {
                return Err(self.unsuitable(&tag.identification, "it is blank"));
            }
            Some(tag) => self.template(&tag.identification, tag.sequence, 0)?,
        };
        self.send_volume_tag(0, element, action | alternate, &list)
    }

    /// The parameter list: template bytes 0-31, minimum sequence number 34-35, maximum 38-39. The
    /// rest of the template is zero: a search ends there, a new tag's is ended by it too.
    fn template(&self, text: &str, minimum: u16, maximum: u16) -> Result<Vec<u8>, ScsiError> {
        if text.len() > 32 {
            return Err(self.unsuitable(text, "at most 32 characters fit"));
        }
        if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err(self.unsuitable(text, "it is not printable ASCII"));
        }
        let mut list = vec![0; 40];
        list[..text.len()].copy_from_slice(text.as_bytes());
        list[34..36].copy_from_slice(&minimum.to_be_bytes());
        list[38..40].copy_from_slice(&maximum.to_be_bytes());
        Ok(list)
    }

    fn unsuitable(&self, text: &str, why: &str) -> ScsiError {
        ScsiError::NotSent {
            command: NAME,
            path: self.path().to_owned(),
            what: format!("volume identification {text:?}: {why}"),
        }
    }

    fn send_volume_tag(
        &mut self,
        kind: u8,
        element: ElementAddress,
        action: u8,
        list: &[u8],
    ) -> Result<(), ScsiError> {
        let [e0, e1] = element.0.to_be_bytes();
        // 40 or nothing.
        let length = if list.is_empty() { 0 } else { 40 };
        let command = Command::new(
            NAME,
            timeout::ELEMENT_STATUS,
            [
                SEND_VOLUME_TAG,
                kind,
                e0,
                e1,
                0,
                action,
                0,
                0,
                0,
                length,
                0,
                0,
            ],
        );
        if list.is_empty() {
            command.run(self.transport_mut())?;
        } else {
            command.write(self.transport_mut(), list)?;
        }
        Ok(())
    }

    /// What the last search found, which is the same however often it is asked.
    fn request_addresses(
        &mut self,
        kind: u8,
        from: ElementAddress,
    ) -> Result<ElementStatus, ScsiError> {
        let [e0, e1] = from.0.to_be_bytes();
        let mut allocation: u32 = 16 << 10;
        loop {
            let [a, b, c] = crate::bytes::low24(allocation);
            let code = REQUEST_VOLUME_ELEMENT_ADDRESS;
            let command = Command::new(
                "REQUEST VOLUME ELEMENT ADDRESS",
                timeout::ELEMENT_STATUS,
                [code, 0x10 | kind, e0, e1, 0xff, 0xff, 0, a, b, c, 0, 0],
            );
            let raw = command.read(self.transport_mut(), allocation as usize)?;
            if u8_at(&raw, HEADER_LENGTH - 1).is_none() {
                return Err(command.short(self.path(), HEADER_LENGTH, &raw));
            }
            let status = ElementStatus::parse(&raw);
            let needed = status.byte_count.saturating_add(64);
            if needed <= allocation || allocation >= LARGEST_REPLY {
                return Ok(status);
            }
            allocation = needed.min(LARGEST_REPLY);
        }
    }
}

/// Room for the tags of the largest library's cartridges.
const LARGEST_REPLY: u32 = 4 << 20;
