//! READ ATTRIBUTE and WRITE ATTRIBUTE: the chip in a cartridge, its medium auxiliary memory
//! (SPC-5, READ ATTRIBUTE, WRITE ATTRIBUTE, medium auxiliary memory attributes).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::{ascii, slice_at, u8_at, u16_at, u32_at, unsigned};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of READ ATTRIBUTE.
pub const READ_ATTRIBUTE: u8 = 0x8c;
/// OPERATION CODE of WRITE ATTRIBUTE.
pub const WRITE_ATTRIBUTE: u8 = 0x8d;

/// Above what any chip holds (LTO: 4 to 32 KiB).
const LARGEST_REPLY: u32 = 1 << 20;

/// ATTRIBUTE IDENTIFIER (SPC-5, medium auxiliary memory attributes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttributeId(pub u16);

#[rustfmt::skip]
impl AttributeId {
    /// REMAINING CAPACITY IN PARTITION, in MiB.
    pub const REMAINING_CAPACITY: Self = Self(0x0000);
    /// MAXIMUM CAPACITY IN PARTITION, in MiB.
    pub const MAXIMUM_CAPACITY: Self = Self(0x0001);
    /// TAPEALERT FLAGS.
    pub const TAPE_ALERT_FLAGS: Self = Self(0x0002);
    /// LOAD COUNT.
    pub const LOAD_COUNT: Self = Self(0x0003);
    /// MAM SPACE REMAINING, in bytes.
    pub const MAM_SPACE_REMAINING: Self = Self(0x0004);
    /// FORMATTED DENSITY CODE.
    pub const FORMATTED_DENSITY: Self = Self(0x0006);
    /// INITIALIZATION COUNT.
    pub const INITIALIZATION_COUNT: Self = Self(0x0007);
    /// VOLUME IDENTIFIER.
    pub const VOLUME_IDENTIFIER: Self = Self(0x0008);
    /// VOLUME CHANGE REFERENCE.
    pub const VOLUME_CHANGE_REFERENCE: Self = Self(0x0009);
    /// TOTAL MEBIBYTES WRITTEN IN MEDIUM LIFE.
    pub const TOTAL_WRITTEN: Self = Self(0x0220);
    /// TOTAL MEBIBYTES READ IN MEDIUM LIFE.
    pub const TOTAL_READ: Self = Self(0x0221);
    /// MEDIUM MANUFACTURER.
    pub const MANUFACTURER: Self = Self(0x0400);
    /// MEDIUM SERIAL NUMBER.
    pub const SERIAL_NUMBER: Self = Self(0x0401);
    /// MEDIUM LENGTH, in metres.
    pub const MEDIUM_LENGTH: Self = Self(0x0402);
    /// MEDIUM DENSITY CODE.
    pub const MEDIUM_DENSITY: Self = Self(0x0405);
    /// MEDIUM MANUFACTURE DATE, YYYYMMDD.
    pub const MANUFACTURE_DATE: Self = Self(0x0406);
    /// MAM CAPACITY, in bytes.
    pub const MAM_CAPACITY: Self = Self(0x0407);
    /// MEDIUM TYPE: 00h data, 01h cleaning, 80h WORM.
    pub const MEDIUM_TYPE: Self = Self(0x0408);
    /// MEDIUM TYPE INFORMATION.
    pub const MEDIUM_TYPE_INFORMATION: Self = Self(0x0409);
    /// APPLICATION VENDOR, 8 characters.
    pub const APPLICATION_VENDOR: Self = Self(0x0800);
    /// APPLICATION NAME, 32 characters.
    pub const APPLICATION_NAME: Self = Self(0x0801);
    /// APPLICATION VERSION, 8 characters.
    pub const APPLICATION_VERSION: Self = Self(0x0802);
    /// USER MEDIUM TEXT LABEL, 160 bytes of text.
    pub const USER_MEDIUM_TEXT_LABEL: Self = Self(0x0803);
    /// DATE AND TIME LAST WRITTEN, YYYYMMDDHHMM.
    pub const LAST_WRITTEN: Self = Self(0x0804);
    /// TEXT LOCALIZATION IDENTIFIER.
    pub const TEXT_LOCALIZATION: Self = Self(0x0805);
    /// BARCODE, 32 characters.
    pub const BARCODE: Self = Self(0x0806);
    /// MEDIA POOL, 160 bytes of text.
    pub const MEDIA_POOL: Self = Self(0x0808);
    /// APPLICATION FORMAT VERSION, 16 characters.
    pub const APPLICATION_FORMAT_VERSION: Self = Self(0x080b);
    /// MEDIUM GLOBALLY UNIQUE IDENTIFIER, 36 bytes.
    pub const MEDIUM_UNIQUE_IDENTIFIER: Self = Self(0x0820);
}

impl fmt::Display for AttributeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}h", self.0)
    }
}

/// FORMAT (SPC-5, MAM ATTRIBUTE format).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AttributeFormat {
    /// 0h
    Binary,
    /// 1h
    Ascii,
    /// 2h: text in the set named by TEXT LOCALIZATION IDENTIFIER.
    Text,
    /// 3h
    Reserved,
}

impl From<u8> for AttributeFormat {
    fn from(value: u8) -> Self {
        match value & 0x03 {
            0 => Self::Binary,
            1 => Self::Ascii,
            2 => Self::Text,
            _ => Self::Reserved,
        }
    }
}

/// One attribute (SPC-5, MAM ATTRIBUTE format).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attribute {
    /// ATTRIBUTE IDENTIFIER.
    pub id: AttributeId,
    /// READ ONLY: a host can't write it.
    pub read_only: bool,
    /// FORMAT.
    pub format: AttributeFormat,
    /// ATTRIBUTE VALUE; empty in WRITE ATTRIBUTE removes the attribute.
    pub value: Vec<u8>,
}

impl Attribute {
    /// An ASCII attribute, padded with blanks to `length` bytes as SPC-5 wants it.
    ///
    /// `None` when the text does not fit or is not printable ASCII.
    #[must_use]
    pub fn ascii(id: AttributeId, text: &str, length: usize) -> Option<Self> {
        let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if !plain || text.len() > length {
            return None;
        }
        let mut value = text.as_bytes().to_vec();
        value.resize(length, b' ');
        Some(Self {
            id,
            read_only: false,
            format: AttributeFormat::Ascii,
            value,
        })
    }

    /// Parses one attribute at the start of `bytes`; with it, how many bytes it takes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let length = usize::from(u16_at(bytes, 3)?);
        let flags = u8_at(bytes, 2)?;
        let attribute = Self {
            id: AttributeId(u16_at(bytes, 0)?),
            read_only: flags & 0x80 != 0,
            format: AttributeFormat::from(flags),
            value: slice_at(bytes, 5, length)?.to_vec(),
        };
        Some((attribute, 5 + length))
    }

    /// The attribute as WRITE ATTRIBUTE takes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        let format = match self.format {
            AttributeFormat::Binary => 0,
            AttributeFormat::Ascii => 1,
            AttributeFormat::Text => 2,
            AttributeFormat::Reserved => 3,
        };
        let mut bytes = self.id.0.to_be_bytes().to_vec();
        bytes.push(format);
        bytes.extend(length.to_be_bytes());
        bytes.extend(&self.value[..usize::from(length)]);
        bytes
    }

    /// The value as text, blanks and NULs around it removed.
    #[must_use]
    pub fn text(&self) -> String {
        match self.format {
            AttributeFormat::Text => {
                let text = String::from_utf8_lossy(&self.value);
                text.trim_matches(['\0', ' ']).to_owned()
            }
            _ => ascii(&self.value),
        }
    }

    /// The value as an unsigned number of up to 8 bytes.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        unsigned(&self.value)
    }
}

/// The attributes in a reply to READ ATTRIBUTE (SPC-5, ATTRIBUTE VALUES service action), as far as
/// they are whole.
#[must_use]
pub fn parse_attributes(raw: &[u8]) -> Vec<Attribute> {
    let length = u32_at(raw, 0).map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    let list = raw.get(4..).unwrap_or_default();
    let mut rest = &list[..list.len().min(length)];
    let mut all = Vec::new();
    while let Some((attribute, length)) = Attribute::parse(rest) {
        all.push(attribute);
        rest = &rest[length..];
    }
    all
}

/// All attributes of a partition from `first` on, in ascending order of their identifiers.
pub fn read_attributes(
    transport: &mut dyn Transport,
    partition: u8,
    first: AttributeId,
) -> Result<Vec<Attribute>, ScsiError> {
    let mut length: u32 = 0x4000;
    loop {
        let [high, low] = first.0.to_be_bytes();
        let [a, b, c, d] = length.to_be_bytes();
        let command = Command::new(
            "READ ATTRIBUTE",
            timeout::SETTING,
            [
                READ_ATTRIBUTE,
                0,
                0,
                0,
                0,
                0,
                0,
                partition,
                high,
                low,
                a,
                b,
                c,
                d,
                0,
                0,
            ],
        );
        let raw = command.read(transport, length as usize)?;
        let available = u32_at(&raw, 0)
            .ok_or_else(|| command.short(transport.path(), 4, &raw))?
            .saturating_add(4);
        if available <= length || length >= LARGEST_REPLY {
            return Ok(parse_attributes(&raw));
        }
        length = available.min(LARGEST_REPLY);
    }
}

/// One attribute; `None` when the cartridge does not have it (INVALID FIELD IN CDB).
pub fn read_attribute(
    transport: &mut dyn Transport,
    partition: u8,
    id: AttributeId,
) -> Result<Option<Attribute>, ScsiError> {
    match read_attributes(transport, partition, id) {
        Ok(all) => Ok(all.into_iter().find(|attribute| attribute.id == id)),
        Err(ScsiError::Check { sense, .. })
            if sense.key == crate::sense::SenseKey::IllegalRequest && sense.asc.code == 0x24 =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes attributes, straight through to the chip (WTC).
pub fn write_attributes(
    transport: &mut dyn Transport,
    partition: u8,
    attributes: &[Attribute],
) -> Result<(), ScsiError> {
    let list: Vec<u8> = attributes.iter().flat_map(Attribute::encode).collect();
    let not_sent = |transport: &mut dyn Transport, what: String| ScsiError::NotSent {
        command: "WRITE ATTRIBUTE",
        path: transport.path().to_owned(),
        what,
    };
    if let Some(long) = attributes
        .iter()
        .find(|one| u16::try_from(one.value.len()).is_err())
    {
        let what = format!("attribute {} has {} bytes", long.id, long.value.len());
        return Err(not_sent(transport, what));
    }
    let Ok(length) = u32::try_from(list.len() + 4) else {
        return Err(not_sent(
            transport,
            format!("{} bytes of attributes", list.len()),
        ));
    };
    let mut parameters = (length - 4).to_be_bytes().to_vec();
    parameters.extend(list);
    let [a, b, c, d] = length.to_be_bytes();
    Command::new(
        "WRITE ATTRIBUTE",
        timeout::SETTING,
        [
            WRITE_ATTRIBUTE,
            1,
            0,
            0,
            0,
            0,
            0,
            partition,
            0,
            0,
            a,
            b,
            c,
            d,
            0,
            0,
        ],
    )
    .write(transport, &parameters)?;
    Ok(())
}
