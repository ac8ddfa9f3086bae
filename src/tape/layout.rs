//! What the files on a tape are called, counted in and addressed by.

use std::fmt;

use serde::{Deserialize, Serialize};
use tapeward_drivers::ssc::BlockAddress;
use thiserror::Error;

use super::codec::Codec;
use super::digest::TapeDigest;
use super::label::{LabelError, Trailer, TrailerGroup};
use crate::archive::member::SegmentNumber;
use crate::id::{Barcode, SetId, TapeFileNumber, VolumeId, VolumeSerial};

/// Most blocks in one file: six digits of the block count (ISO 1001, EOF1 columns 55-60).
pub const MAX_BLOCKS: u64 = 999_999;

/// Size of every block of a file but the last, which may be shorter: 1 KiB to 8 MiB in steps of
/// 1 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BlockSize(u32);

/// A number of bytes that cannot be a block size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} bytes is not a block size (a multiple of 1,024 from 1,024 to 8,388,608)")]
pub struct BadBlockSize(pub u64);

impl BlockSize {
    /// 256 KiB.
    pub const DEFAULT: Self = Self(256 * 1024);

    /// Checks the range.
    pub fn new(bytes: u64) -> Result<Self, BadBlockSize> {
        match u32::try_from(bytes) {
            Ok(size) if (1024..=8 << 20).contains(&size) && size % 1024 == 0 => Ok(Self(size)),
            _ => Err(BadBlockSize(bytes)),
        }
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0 as usize
    }

    /// In bytes.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        u64::from(self.0)
    }

    /// Blocks that hold `length` bytes.
    #[must_use]
    pub fn blocks_for(self, length: u64) -> u64 {
        length.div_ceil(self.as_u64())
    }
}

impl fmt::Display for BlockSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            whole if whole % (1 << 20) == 0 => write!(f, "{} MiB", whole >> 20),
            other => write!(f, "{} KiB", other >> 10),
        }
    }
}

/// The block sizes of the volumes a stream may be written to. A segment is the same bytes in every
/// copy, and each volume has blocks of its own size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSizes {
    /// Decides how many bytes a segment may have, for labels count blocks up to [`MAX_BLOCKS`].
    pub smallest: BlockSize,
    /// What data is handed to the volumes in.
    pub largest: BlockSize,
}

impl BlockSizes {
    /// Every volume has blocks of this size.
    #[must_use]
    pub fn all(size: BlockSize) -> Self {
        Self {
            smallest: size,
            largest: size,
        }
    }

    /// These and one more.
    #[must_use]
    pub fn with(self, size: BlockSize) -> Self {
        Self {
            smallest: self.smallest.min(size),
            largest: self.largest.max(size),
        }
    }
}

impl TryFrom<u32> for BlockSize {
    type Error = BadBlockSize;
    fn try_from(bytes: u32) -> Result<Self, BadBlockSize> {
        Self::new(u64::from(bytes))
    }
}

impl From<BlockSize> for u32 {
    fn from(size: BlockSize) -> Self {
        size.0
    }
}

/// Number of a file on its volume as the labels count, from 1: label group, data and trailer
/// group together are one (ISO 1001, HDR1 columns 32-35).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileSequence(pub u16);

impl FileSequence {
    /// The volume header, first on every volume.
    pub const FIRST: Self = Self(1);
    /// Four digits are all there is.
    pub const LAST: Self = Self(9_999);

    /// The one after, if four digits hold it.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        (self < Self::LAST).then(|| Self(self.0 + 1))
    }

    /// How many files still fit after this one.
    #[must_use]
    pub fn remaining(self) -> u16 {
        Self::LAST.0 - self.0
    }
}

impl fmt::Display for FileSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a file on a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// `volume.json`.
    VolumeHeader,
    /// Part of a backup set's tar stream.
    Segment,
    /// `part.json`, what is known in clear about the segment before it.
    PartDescription,
    /// Index of the members that end in the segment before it.
    IndexPart,
    /// Index of a whole set.
    SetIndex,
    /// Configuration and catalogue as they were when it was written.
    Catalogue,
    /// `directory.json`, every file of the volume up to here.
    Directory,
    /// The key of the segments behind it that the drive encrypts, as an age file.
    DriveKey,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::VolumeHeader,
        Self::Segment,
        Self::PartDescription,
        Self::IndexPart,
        Self::SetIndex,
        Self::Catalogue,
        Self::Directory,
        Self::DriveKey,
    ];

    /// The two letters in columns 37-38 of UHL1 and UTL1.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::VolumeHeader => "VH",
            Self::Segment => "SG",
            Self::PartDescription => "PD",
            Self::IndexPart => "IP",
            Self::SetIndex => "SI",
            Self::Catalogue => "CS",
            Self::Directory => "DR",
            Self::DriveKey => "DK",
        }
    }

    /// The kind with these two letters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// First part of the file identifier in HDR1.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::VolumeHeader => "VOLUME",
            Self::Segment => "SEG",
            Self::PartDescription => "PART",
            Self::IndexPart => "INDEX",
            Self::SetIndex => "SETINDEX",
            Self::Catalogue => "CATALOGUE",
            Self::Directory => "DIRECTORY",
            Self::DriveKey => "DRIVEKEY",
        }
    }

    /// Whether files of this kind belong to a segment.
    #[must_use]
    pub fn has_segment(self) -> bool {
        matches!(
            self,
            Self::Segment | Self::PartDescription | Self::IndexPart
        )
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::VolumeHeader => "volume header",
            Self::Segment => "segment",
            Self::PartDescription => "part description",
            Self::IndexPart => "index part",
            Self::SetIndex => "set index",
            Self::Catalogue => "catalogue snapshot",
            Self::Directory => "directory",
            Self::DriveKey => "drive key",
        })
    }
}

/// One file on a volume, as it is written or was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeFile {
    /// Its number in the labels.
    pub sequence: FileSequence,
    /// What it is.
    pub kind: FileKind,
    /// The set it belongs to; none for the volume's own files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetId>,
    /// The segment it is or describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentNumber>,
    /// The tape file that holds the data, between the one with the header labels and the one
    /// with the trailer labels.
    pub tape_file: TapeFileNumber,
    /// Address of the data's first block.
    pub first_block: BlockAddress,
    /// Size of its blocks.
    pub block_size: BlockSize,
    /// Blocks of data.
    pub blocks: u64,
    /// Bytes of data.
    pub length: u64,
    /// Over the bytes of data.
    pub xxh3_128: TapeDigest,
    /// The labels that closed it.
    pub trailer: Trailer,
}

impl TapeFile {
    /// The file that a trailer closes: all but its place on the tape stands in the labels.
    ///
    /// `volume` is the volume it is on, to tell the volume's own files from a set's.
    pub fn from_trailer(
        volume: VolumeId,
        tape_file: TapeFileNumber,
        first_block: BlockAddress,
        trailer: Trailer,
    ) -> Result<Self, LabelError> {
        let group = TrailerGroup::parse(&trailer)?;
        let subject = group.user1.subject;
        Ok(Self {
            sequence: group.file1.sequence,
            kind: group.user1.kind,
            set: (subject != *volume.as_uuid()).then(|| SetId::from_uuid(subject)),
            segment: group.user1.segment,
            tape_file,
            first_block,
            block_size: group.user1.block_size,
            blocks: group.user2.blocks,
            length: group.user2.length,
            xxh3_128: group.user2.xxh3_128,
            trailer,
        })
    }

    /// Address right after the filemark behind the trailer labels, where the next file's header
    /// labels go.
    #[must_use]
    pub fn end(&self) -> BlockAddress {
        // Data, a filemark, the trailer labels, a filemark: a filemark counts as a block does.
        BlockAddress(self.first_block.0 + self.blocks + 1 + Trailer::LABELS + 1)
    }

    /// How it is coded, as its labels say.
    pub fn codec(&self) -> Result<Codec, LabelError> {
        Ok(TrailerGroup::parse(&self.trailer)?.user1.codec)
    }

    /// Address of the first trailer label.
    #[must_use]
    pub fn trailer_block(&self) -> BlockAddress {
        BlockAddress(self.first_block.0 + self.blocks + 1)
    }

    /// Number of the tape file after the trailer labels.
    #[must_use]
    pub fn next_tape_file(&self) -> TapeFileNumber {
        TapeFileNumber(self.tape_file.0 + 2)
    }
}

/// The three files of one committed segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFiles {
    /// The coded part of the tar stream.
    pub data: TapeFile,
    /// `part.json`.
    pub part: TapeFile,
    /// The index part.
    pub index: TapeFile,
}

impl SegmentFiles {
    /// In the order they stand on tape.
    pub fn iter(&self) -> impl Iterator<Item = &TapeFile> {
        [&self.data, &self.part, &self.index].into_iter()
    }
}

/// The serial for VOL1 that a barcode gives: its volume part if that is exactly six characters,
/// those before a two-character media identifier or all of a barcode without one.
#[must_use]
pub fn serial_from_barcode(barcode: &Barcode) -> Option<VolumeSerial> {
    let text = barcode.as_str();
    match text.len() {
        6 => text.parse().ok(),
        8 => text.get(..6)?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serial_is_the_barcodes_volume_part() {
        let serial = |text: &str| {
            serial_from_barcode(&text.parse().unwrap()).map(|serial| serial.to_string())
        };
        assert_eq!(serial("ABC001L9"), Some("ABC001".to_owned()));
        assert_eq!(serial("ABC001"), Some("ABC001".to_owned()));
        assert_eq!(serial("AB001L9"), None);
        assert_eq!(serial("abc001L9"), None);
    }

    #[test]
    fn codes_of_kinds_are_their_own() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(FileKind::from_code("XX"), None);
    }

    #[test]
    fn block_sizes_have_limits() {
        assert!(BlockSize::new(1023).is_err());
        assert!(BlockSize::new(1 << 24).is_err());
        assert_eq!(BlockSize::new(262_144), Ok(BlockSize::DEFAULT));
        assert_eq!(BlockSize::DEFAULT.blocks_for(262_145), 2);
    }
}
