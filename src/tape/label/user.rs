//! UHL1, UTL1 and UTL2: labels whose columns 5-80 are the user's (ISO 1001, "User Labels").

use uuid::Uuid;

use super::columns::{LabelReader, LabelWriter};
use super::{GroupEnd, LabelBlock, LabelError};
use crate::archive::member::SegmentNumber;
use crate::tape::codec::Codec;
use crate::tape::digest::TapeDigest;
use crate::tape::layout::{BlockSize, FileKind};

/// UHL1 and UTL1, equal but for the first column block: what the file is.
///
/// | columns | field |
/// |---|---|
/// | 1-4 | `UHL1`, `UTL1` |
/// | 5-36 | id of the set, or of the volume for its own files: 32 digits, hexadecimal |
/// | 37-38 | kind: `VH`, `SG`, `PD`, `IP`, `SI`, `DR`, `DK` |
/// | 39-48 | segment number, `0000000000` where there is none |
/// | 49-58 | block size in bytes |
/// | 59 | compression: `Z` zstd, `-` none |
/// | 60 | encryption: `A` age, `D` by the drive, `-` none |
/// | 61-80 | blanks |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLabel1 {
    /// Columns 5-36: the set's id, the volume's for its header and directories.
    pub subject: Uuid,
    /// Columns 37-38.
    pub kind: FileKind,
    /// Columns 39-48; `None` for kinds that belong to no segment.
    pub segment: Option<SegmentNumber>,
    /// Columns 49-58.
    pub block_size: BlockSize,
    /// Columns 59-60.
    pub codec: Codec,
}

impl UserLabel1 {
    const fn name(end: GroupEnd) -> &'static str {
        match end {
            GroupEnd::Header => "UHL1",
            GroupEnd::Trailer => "UTL1",
        }
    }

    /// The block.
    #[must_use]
    pub fn encode(&self, end: GroupEnd) -> LabelBlock {
        let subject = format!("{:X}", self.subject.simple());
        LabelWriter::new(Self::name(end))
            .text(5, 36, &subject)
            .text(37, 38, self.kind.code())
            .number(
                39,
                48,
                self.segment.map_or(0, |segment| u64::from(segment.0)),
            )
            .number(49, 58, self.block_size.as_u64())
            .text(59, 60, self.codec.columns())
            .finish()
    }

    /// Reads the block.
    pub fn parse(block: &[u8], end: GroupEnd) -> Result<Self, LabelError> {
        let label = LabelReader::new(block, Self::name(end))?;
        let kind = FileKind::from_code(label.raw(37, 38)?)
            .ok_or_else(|| label.bad(37, 38, "a kind of file known here"))?;
        let segment = u32::try_from(label.number(39, 48)?)
            .map_err(|_| label.bad(39, 48, "a segment number"))?;
        Ok(Self {
            subject: label.parse(5, 36, "an id of 32 hexadecimal digits")?,
            kind,
            segment: kind.has_segment().then_some(SegmentNumber(segment)),
            block_size: BlockSize::new(label.number(49, 58)?)
                .map_err(|_| label.bad(49, 58, "a block size"))?,
            codec: Codec::from_columns(label.raw(59, 60)?)
                .ok_or_else(|| label.bad(59, 60, "a codec known here"))?,
        })
    }
}

/// UTL2: what the data was.
///
/// | columns | field |
/// |---|---|
/// | 1-4 | `UTL2` |
/// | 5-36 | XXH3-128 of the data: 32 digits, hexadecimal |
/// | 37-56 | length of the data in bytes |
/// | 57-68 | blocks of data, the same number as in EOF1 |
/// | 69-80 | blanks |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLabel2 {
    /// Columns 5-36.
    pub xxh3_128: TapeDigest,
    /// Columns 37-56.
    pub length: u64,
    /// Columns 57-68.
    pub blocks: u64,
}

impl UserLabel2 {
    /// The block.
    #[must_use]
    pub fn encode(&self) -> LabelBlock {
        LabelWriter::new("UTL2")
            .text(5, 36, &self.xxh3_128.to_string().to_uppercase())
            .number(37, 56, self.length)
            .number(57, 68, self.blocks)
            .finish()
    }

    /// Reads the block.
    pub fn parse(block: &[u8]) -> Result<Self, LabelError> {
        let label = LabelReader::new(block, "UTL2")?;
        Ok(Self {
            xxh3_128: label.parse(5, 36, "a digest of 32 hexadecimal digits")?,
            length: label.number(37, 56)?,
            blocks: label.number(57, 68)?,
        })
    }
}
