//! HDR1, HDR2, EOF1, EOF2.

use super::columns::{LabelReader, LabelWriter};
use super::{LabelBlock, LabelDate, LabelError, VolumeLabel};
use crate::archive::member::SegmentNumber;
use crate::tape::layout::{BlockSize, FileKind, FileSequence};

/// Which end of a file a label stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupEnd {
    /// HDR1, HDR2, UHL1: before the data.
    Header,
    /// EOF1, EOF2, UTL1, UTL2: behind it.
    Trailer,
}

/// HDR1 columns 5-21: 17 characters that name a file within its set of files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileIdentifier(String);

impl FileIdentifier {
    /// The kind's word, and for files of a segment a dot and the segment's number in ten digits:
    /// `VOLUME`, `SEG.0000000007`.
    #[must_use]
    pub fn new(kind: FileKind, segment: Option<SegmentNumber>) -> Self {
        Self(match segment {
            Some(SegmentNumber(number)) => format!("{}.{number:010}", kind.word()),
            None => kind.word().to_owned(),
        })
    }

    /// The text, without trailing blanks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// HDR1 and EOF1 (ISO 1001 and ECMA-13, "First File Header Label", "First End of File Label"; the
/// same columns in HP's "DSM/Tape Catalog Operator Interface Manual" 429828-010, table A-2).
///
/// | columns | field | here |
/// |---|---|---|
/// | 1-4 | label identifier and number | `HDR1`, `EOF1` |
/// | 5-21 | file identifier | see [`FileIdentifier`] |
/// | 22-27 | file set identifier | the volume serial |
/// | 28-31 | file section number | `0001`: no file continues on another volume |
/// | 32-35 | file sequence number | from `0001`, see [`FileSequence`] |
/// | 36-39 | generation number | `0001` |
/// | 40-41 | generation version number | `00` |
/// | 42-47 | creation date | UTC day, see [`LabelDate`] |
/// | 48-53 | expiration date | end of retention, ` 00000` when there is none |
/// | 54 | accessibility | blank |
/// | 55-60 | block count | `000000` in HDR1, blocks of data in EOF1 |
/// | 61-73 | implementation identifier (X3.27: system code) | `TAPEWARD` |
/// | 74-80 | reserved | blanks |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLabel1 {
    /// Columns 5-21.
    pub identifier: FileIdentifier,
    /// Columns 22-27 without trailing blanks.
    pub file_set: String,
    /// Columns 32-35.
    pub sequence: FileSequence,
    /// Columns 42-47.
    pub created: LabelDate,
    /// Columns 48-53.
    pub expires: LabelDate,
    /// Columns 55-60; 0 in HDR1, at most 999,999.
    pub block_count: u32,
    /// Columns 61-73 without trailing blanks.
    pub system: String,
}

impl FileLabel1 {
    const fn name(end: GroupEnd) -> &'static str {
        match end {
            GroupEnd::Header => "HDR1",
            GroupEnd::Trailer => "EOF1",
        }
    }

    /// The block.
    #[must_use]
    pub fn encode(&self, end: GroupEnd) -> LabelBlock {
        LabelWriter::new(Self::name(end))
            .text(5, 21, self.identifier.as_str())
            .text(22, 27, &self.file_set)
            .number(28, 31, 1)
            .number(32, 35, u64::from(self.sequence.0))
            .number(36, 39, 1)
            .number(40, 41, 0)
            .text(42, 47, &self.created.to_string())
            .text(48, 53, &self.expires.to_string())
            .number(55, 60, u64::from(self.block_count))
            .text(61, 73, &self.system)
            .finish()
    }

    /// Reads the block.
    pub fn parse(block: &[u8], end: GroupEnd) -> Result<Self, LabelError> {
        let label = LabelReader::new(block, Self::name(end))?;
        let date = |first: usize, last: usize| {
            label
                .raw(first, last)?
                .parse()
                .map_err(|_| label.bad(first, last, "a date (cYYDDD)"))
        };
        let narrow = |first: usize, last: usize| {
            u32::try_from(label.number(first, last)?)
                .map_err(|_| label.bad(first, last, "a decimal number"))
        };
        Ok(Self {
            identifier: FileIdentifier(label.text(5, 21)?),
            file_set: label.text(22, 27)?,
            sequence: FileSequence(
                u16::try_from(narrow(32, 35)?)
                    .map_err(|_| label.bad(32, 35, "a decimal number"))?,
            ),
            created: date(42, 47)?,
            expires: date(48, 53)?,
            block_count: narrow(55, 60)?,
            system: label.text(61, 73)?,
        })
    }

    /// HDR1 of a file written here.
    #[must_use]
    pub fn header(
        kind: FileKind,
        segment: Option<SegmentNumber>,
        serial: &crate::id::VolumeSerial,
        sequence: FileSequence,
        created: LabelDate,
        expires: LabelDate,
    ) -> Self {
        Self {
            identifier: FileIdentifier::new(kind, segment),
            file_set: serial.to_string(),
            sequence,
            created,
            expires,
            block_count: 0,
            system: VolumeLabel::IMPLEMENTATION.to_owned(),
        }
    }
}

/// HDR2 columns 6-10: five digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockLength {
    /// Up to 99,999 bytes.
    Bytes(u32),
    /// `00000`: more than five digits can say; the true size is in UHL1.
    TooLong,
}

impl From<BlockSize> for BlockLength {
    fn from(size: BlockSize) -> Self {
        match u32::from(size) {
            bytes @ 1..=99_999 => Self::Bytes(bytes),
            _ => Self::TooLong,
        }
    }
}

/// HDR2 and EOF2 (ISO 1001 and ECMA-13, "Second File Header Label", "Second End of File Label"; HP
/// 429828-010, table A-3, for columns 1-15).
///
/// | columns | field | here |
/// |---|---|---|
/// | 1-4 | label identifier and number | `HDR2`, `EOF2` |
/// | 5 | record format | `F`: fixed length |
/// | 6-10 | block length | bytes, `00000` above 99,999 |
/// | 11-15 | record length | as block length |
/// | 16-50 | reserved for implementation | blanks |
/// | 51-52 | offset length | `00` |
/// | 53-80 | reserved | blanks |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLabel2 {
    /// Columns 6-10.
    pub block_length: BlockLength,
}

impl FileLabel2 {
    const fn name(end: GroupEnd) -> &'static str {
        match end {
            GroupEnd::Header => "HDR2",
            GroupEnd::Trailer => "EOF2",
        }
    }

    /// The block.
    #[must_use]
    pub fn encode(&self, end: GroupEnd) -> LabelBlock {
        let length = match self.block_length {
            BlockLength::Bytes(bytes) => u64::from(bytes),
            BlockLength::TooLong => 0,
        };
        LabelWriter::new(Self::name(end))
            .text(5, 5, "F")
            .number(6, 10, length)
            .number(11, 15, length)
            .number(51, 52, 0)
            .finish()
    }

    /// Reads the block.
    pub fn parse(block: &[u8], end: GroupEnd) -> Result<Self, LabelError> {
        let label = LabelReader::new(block, Self::name(end))?;
        let bytes = u32::try_from(label.number(6, 10)?)
            .map_err(|_| label.bad(6, 10, "a decimal number"))?;
        Ok(Self {
            block_length: match bytes {
                0 => BlockLength::TooLong,
                bytes => BlockLength::Bytes(bytes),
            },
        })
    }
}
