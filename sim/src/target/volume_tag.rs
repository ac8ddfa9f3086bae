//! Volume tags: what they show, SEND VOLUME TAG and REQUEST VOLUME ELEMENT ADDRESS (SMC-3).

use serde::{Deserialize, Serialize};

use super::changer::{Changer, Content, Element};
use super::element_status::{Request, kind_of};
use super::{Exchange, Stop};
use crate::bytes::{text, u16_at};
use crate::personality::Personality;
use crate::sense::{Sense, SenseKey};

/// Identification of 32 bytes, two reserved ones, the sequence number.
pub(super) const TAG_LENGTH: usize = 36;
/// Length of the volume identification template and of the field in a tag.
const IDENTIFICATION_LENGTH: usize = 32;
/// Length of the parameter list of SEND VOLUME TAG.
const LIST_LENGTH: usize = 40;

/// A tag that a host gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenTag {
    identification: String,
    sequence: u16,
}

/// Where the primary tag comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrimaryTag {
    /// The bar code reader.
    #[default]
    Scanned,
    Given(GivenTag),
    Undefined,
}

impl GivenTag {
    fn field(&self, padding: u8) -> [u8; TAG_LENGTH] {
        let mut field = [0; TAG_LENGTH];
        let identification = text::<IDENTIFICATION_LENGTH>(&self.identification, padding);
        field[..IDENTIFICATION_LENGTH].copy_from_slice(&identification);
        field[34..].copy_from_slice(&self.sequence.to_be_bytes());
        field
    }
}

impl Content {
    /// The primary tag as the library shows it, if it is defined.
    fn primary(&self, personality: &Personality) -> Option<GivenTag> {
        match &self.primary_tag {
            PrimaryTag::Given(tag) => Some(tag.clone()),
            PrimaryTag::Undefined => None,
            PrimaryTag::Scanned => {
                let barcode = self.barcode.as_deref()?;
                let shown = barcode.len().min(personality.tag.characters);
                Some(GivenTag {
                    identification: barcode[..shown].to_owned(),
                    sequence: 0,
                })
            }
        }
    }

    /// Primary volume tag information.
    pub(super) fn primary_field(&self, personality: &Personality) -> [u8; TAG_LENGTH] {
        let blank = GivenTag {
            identification: String::new(),
            sequence: 0,
        };
        let tag = self.primary(personality).unwrap_or(blank);
        tag.field(personality.tag.padding)
    }

    /// Alternate volume tag information.
    pub(super) fn alternate_field(&self) -> [u8; TAG_LENGTH] {
        let tag = self.alternate_tag.as_ref();
        tag.map_or([0; TAG_LENGTH], |tag| tag.field(b' '))
    }
}

impl Element {
    pub(super) fn has_alternate_tag(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|held| held.alternate_tag.is_some())
    }
}

/// SEND ACTION CODE (SCSI-2 table 346, unchanged in SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SendAction {
    Translate {
        primary: bool,
        alternate: bool,
        sequence: bool,
    },
    /// Asserts a tag that is undefined so far.
    Assert(Which),
    Replace(Which),
    Undefine(Which),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Primary,
    Alternate,
}

impl SendAction {
    fn from_code(code: u8) -> Option<Self> {
        let translate = |primary, alternate, sequence| Self::Translate {
            primary,
            alternate,
            sequence,
        };
        match code {
            0x0 => Some(translate(true, true, true)),
            0x1 => Some(translate(true, false, true)),
            0x2 => Some(translate(false, true, true)),
            0x4 => Some(translate(true, true, false)),
            0x5 => Some(translate(true, false, false)),
            0x6 => Some(translate(false, true, false)),
            0x8 => Some(Self::Assert(Which::Primary)),
            0x9 => Some(Self::Assert(Which::Alternate)),
            0xa => Some(Self::Replace(Which::Primary)),
            0xb => Some(Self::Replace(Which::Alternate)),
            0xc => Some(Self::Undefine(Which::Primary)),
            0xd => Some(Self::Undefine(Which::Alternate)),
            _ => None,
        }
    }
}

/// Parameter list: template bytes 0-31, minimum sequence number 34-35, maximum 38-39.
struct Template {
    identification: String,
    minimum: u16,
    maximum: u16,
}

impl Template {
    fn parse(exchange: &mut Exchange<'_>) -> Result<Self, Sense> {
        let length = usize::from(u16_at(exchange.cdb, 8));
        if length != LIST_LENGTH {
            return Err(Sense::invalid_cdb_field(8));
        }
        let list = exchange.take(length)?;
        let field = &list[..IDENTIFICATION_LENGTH];
        let end = field.iter().position(|byte| *byte == 0);
        let field = &field[..end.unwrap_or(IDENTIFICATION_LENGTH)];
        if let Some(at) = field.iter().position(|byte| !(0x20..0x7f).contains(byte)) {
            return Err(Sense::invalid_parameter(at));
        }
        Ok(Self {
            identification: String::from_utf8_lossy(field).trim_end().to_owned(),
            minimum: u16_at(list, 34),
            maximum: u16_at(list, 38),
        })
    }

    /// The tag of an assert or replace: no wildcards.
    fn tag(self) -> Result<GivenTag, Sense> {
        if let Some(at) = self.identification.find(['*', '?']) {
            return Err(Sense::invalid_parameter(at));
        }
        if self.identification.is_empty() {
            return Err(Sense::invalid_parameter(0));
        }
        Ok(GivenTag {
            identification: self.identification,
            sequence: self.minimum,
        })
    }

    fn matches(&self, tag: &GivenTag, sequence: bool) -> bool {
        let in_range = (self.minimum..=self.maximum).contains(&tag.sequence);
        matches_template(
            self.identification.as_bytes(),
            tag.identification.as_bytes(),
        ) && (in_range || !sequence)
    }
}

/// `?` stands for any character, `*` for whatever follows.
fn matches_template(template: &[u8], text: &[u8]) -> bool {
    match (template, text) {
        ([b'*', ..], _) | ([], []) => true,
        ([b'?', template @ ..], [_, text @ ..]) => matches_template(template, text),
        ([one, template @ ..], [other, text @ ..]) if one == other => {
            matches_template(template, text)
        }
        _ => false,
    }
}

/// What an initiator's last translate found.
#[derive(Debug)]
pub(super) struct Found {
    action: u8,
    addresses: Vec<u16>,
}

impl Changer {
    /// SEND VOLUME TAG B6h: ELEMENT TYPE CODE bits 3-0 of byte 1, element address bytes 2-3, SEND
    /// ACTION CODE bits 4-0 of byte 5, PARAMETER LIST LENGTH bytes 8-9.
    pub(super) fn send_volume_tag(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let code = exchange.cdb[5] & 0x1f;
        let address = u16_at(exchange.cdb, 2);
        let action = SendAction::from_code(code).ok_or_else(|| Sense::invalid_cdb_field(5))?;
        match action {
            SendAction::Translate {
                primary,
                alternate,
                sequence,
            } => {
                let kind = kind_of(exchange.cdb[1])?;
                let template = Template::parse(exchange)?;
                let personality = self.identity.personality;
                let matches = |content: &Content| {
                    let first = content.primary(personality).filter(|_| primary);
                    let second = content.alternate_tag.clone().filter(|_| alternate);
                    let mut tags = first.into_iter().chain(second);
                    tags.any(|tag| template.matches(&tag, sequence))
                };
                let found = self.elements.iter().filter(|element| {
                    element.address >= address
                        && kind.is_none_or(|kind| element.kind == kind)
                        && element.content.as_ref().is_some_and(matches)
                });
                let addresses = found.map(|element| element.address).collect();
                let found = Found {
                    action: code,
                    addresses,
                };
                self.found.insert(exchange.initiator, found);
                Ok(())
            }
            SendAction::Assert(which) | SendAction::Replace(which) => {
                let tag = Template::parse(exchange)?.tag()?;
                let only_undefined = matches!(action, SendAction::Assert(_));
                Ok(self.change_tag(address, which, Some(tag), only_undefined)?)
            }
            SendAction::Undefine(which) => {
                if u16_at(exchange.cdb, 8) != 0 {
                    return Err(Sense::invalid_cdb_field(8).into());
                }
                Ok(self.change_tag(address, which, None, false)?)
            }
        }
    }

    /// Tags belong to a cartridge: an empty element has none to change.
    fn change_tag(
        &mut self,
        address: u16,
        which: Which,
        tag: Option<GivenTag>,
        only_undefined: bool,
    ) -> Result<(), Sense> {
        let personality = self.identity.personality;
        let index = self.index_of(address).ok_or(Sense::invalid_element())?;
        let empty = Sense::new(SenseKey::IllegalRequest, (0x3b, 0x0e));
        let mut content = self.elements[index].content.clone().ok_or(empty)?;
        let defined = match which {
            Which::Primary => content.primary(personality).is_some(),
            Which::Alternate => content.alternate_tag.is_some(),
        };
        if only_undefined && defined {
            return Err(Sense::invalid_cdb_field(5));
        }
        match which {
            Which::Primary => {
                content.primary_tag = tag.map_or(PrimaryTag::Undefined, PrimaryTag::Given);
            }
            Which::Alternate => content.alternate_tag = tag,
        }
        self.save_with(&[(address, Some(&content))])
            .map_err(|error| {
                tracing::error!(%error, "elements not saved");
                Sense::internal_failure()
            })?;
        self.elements[index].content = Some(content);
        Ok(())
    }

    /// REQUEST VOLUME ELEMENT ADDRESS B5h: what this initiator's last translate found; the CDB is
    /// that of READ ELEMENT STATUS without flags in byte 6.
    pub(super) fn request_volume_element_address(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        let request = Request::parse(exchange.cdb)?;
        // COMMAND SEQUENCE ERROR
        let missing = Sense::new(SenseKey::IllegalRequest, (0x2c, 0x00));
        let found = self.found.get(&exchange.initiator).ok_or(missing)?;
        let holds = |element: &Element| {
            element.content.is_some() && found.addresses.contains(&element.address)
        };
        let bytes = self.report(&self.selected(request, holds), request, found.action);
        exchange.reply(&bytes, usize::MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        for (template, text, expected) in [
            ("TW0001L8", "TW0001L8", true),
            ("TW0001L8", "TW0001L", false),
            ("TW0001", "TW0001L8", false),
            ("TW000?L8", "TW0007L8", true),
            ("TW000?L8", "TW000L8", false),
            ("TW*", "TW", true),
            ("TW*XX", "TW0001L8", true),
            ("*", "", true),
            ("?", "", false),
            ("", "", true),
        ] {
            let matched = matches_template(template.as_bytes(), text.as_bytes());
            assert_eq!(matched, expected, "{template} {text}");
        }
    }
}
