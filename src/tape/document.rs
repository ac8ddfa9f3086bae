//! The JSON documents on a tape: `volume.json`, `part.json`, `directory.json`.
//!
//! They stand in clear, so they hold ids, numbers, dates and digests only. A reader takes fields
//! it does not know for later additions and skips them; a change of meaning is a new version.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tapeward_drivers::ssc::BlockAddress;

use super::codec::{Codec, FrameSize};
use super::digest::TapeDigest;
use super::error::VolumeError;
use super::label::{
    FileLabel1, FileLabel2, HeaderGroup, LabelDate, TrailerGroup, UserLabel1, UserLabel2,
};
use super::layout::{BlockSize, FileKind, FileSequence, TapeFile};
use crate::archive::member::{SegmentNumber, SetForm};
use crate::id::{
    Barcode, KeyId, RunId, SetDefinitionId, SetId, TapeFileNumber, VolumeId, VolumeSerial,
};

/// Name and version of a document's format, its first field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Which document.
    pub name: String,
    /// Raised when a field changes its meaning.
    pub version: u32,
}

/// A document that says of what format it is.
trait Document: Serialize + DeserializeOwned {
    const FILE: &'static str;
    const NAME: &'static str;
    const VERSION: u32 = 1;
}

#[derive(Serialize)]
struct Framed<'a, T> {
    format: Format,
    #[serde(flatten)]
    document: &'a T,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: Format,
}

fn encode<T: Document>(document: &T) -> Result<Vec<u8>, VolumeError> {
    let wrong = |source| VolumeError::Document {
        name: T::FILE,
        source,
    };
    let framed = Framed {
        format: Format {
            name: T::NAME.to_owned(),
            version: T::VERSION,
        },
        document,
    };
    let mut bytes = serde_json::to_vec_pretty(&framed).map_err(wrong)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn decode<T: Document>(bytes: &[u8]) -> Result<T, VolumeError> {
    let wrong = |source| VolumeError::Document {
        name: T::FILE,
        source,
    };
    let FormatOnly { format } = serde_json::from_slice(bytes).map_err(wrong)?;
    if format.name != T::NAME || format.version != T::VERSION {
        return Err(VolumeError::DocumentFormat {
            name: T::FILE,
            expected: format!("{} {}", T::NAME, T::VERSION),
            found: format!("{} {}", format.name, format.version),
        });
    }
    serde_json::from_slice(bytes).map_err(wrong)
}

macro_rules! document {
    ($type:ident, $file:literal, $name:literal) => {
        impl Document for $type {
            const FILE: &'static str = $file;
            const NAME: &'static str = $name;
        }

        impl $type {
            /// The document as it stands on tape: indented, with a newline at the end.
            pub fn to_bytes(&self) -> Result<Vec<u8>, VolumeError> {
                encode(self)
            }

            /// Reads the document.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, VolumeError> {
                decode(bytes)
            }
        }
    };
}

/// `volume.json`, the first file of every volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeHeader {
    /// This labelled life of the cartridge.
    pub volume: VolumeId,
    /// As in VOL1.
    pub serial: VolumeSerial,
    /// The whole barcode, if the cartridge has one.
    pub barcode: Option<Barcode>,
    /// Size of blocks unless a file's UHL1 says otherwise, in bytes.
    pub block_size: BlockSize,
    /// What the cartridge holds without compression, in bytes.
    pub native_capacity: u64,
    /// When it was labelled.
    pub labelled: DateTime<Utc>,
    /// Until when it must be kept, as planned when it was labelled.
    pub retain_until: Option<DateTime<Utc>>,
}
document!(VolumeHeader, "volume.json", "tapeward-volume");

/// What is the same for all segments of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFacts {
    /// The set.
    pub set: SetId,
    /// What it is a set of.
    pub definition: SetDefinitionId,
    /// The run that made it.
    pub run: RunId,
    /// When it was begun.
    pub created: DateTime<Utc>,
    /// Until when it must be kept.
    pub retain_until: Option<DateTime<Utc>>,
    /// The keys it is encrypted to, any one of which opens it; empty without encryption.
    pub keys: Vec<KeyId>,
    /// What its bytes are.
    #[serde(default, skip_serializing_if = "SetForm::is_tree")]
    pub form: SetForm,
}

/// `part.json`, right behind each segment; the same bytes in every copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartDocument {
    /// The set.
    #[serde(flatten)]
    pub set: SetFacts,
    /// Number of the segment.
    pub segment: SegmentNumber,
    /// How it is coded.
    pub codec: Codec,
    /// Plaintext bytes per zstd frame; none without compression.
    pub frame_size: Option<FrameSize>,
    /// Bytes of the set's stream before it.
    pub stream_offset: u64,
    /// Bytes of the set's stream in it.
    pub plaintext_length: u64,
    /// Its bytes on tape.
    pub length: u64,
    /// Over its bytes on tape.
    pub xxh3_128: TapeDigest,
    /// Members that end in it.
    pub members: u64,
    /// The index part behind this document.
    pub index: IndexFacts,
}
document!(PartDocument, "part.json", "tapeward-part");

/// What is known in clear about an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFacts {
    /// How it is coded.
    pub codec: Codec,
    /// Its bytes before encryption.
    pub plaintext_length: u64,
    /// Its bytes on tape.
    pub length: u64,
    /// Over its bytes on tape.
    pub xxh3_128: TapeDigest,
}

/// `directory.json`, at the end of each session: every file before it. The newest one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// The volume.
    pub volume: VolumeId,
    /// As in VOL1.
    pub serial: VolumeSerial,
    /// When it was written.
    pub written: DateTime<Utc>,
    /// Every file that counts, in the order they stand on tape. Files on tape that are not
    /// listed in the newest directory and come before it were never finished.
    pub files: Vec<DirectoryEntry>,
}
document!(Directory, "directory.json", "tapeward-directory");

impl Directory {
    /// No entry takes more bytes in the document.
    pub const ENTRY_BOUND: u64 = 640;
}

/// One file of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
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
    /// The tape file that holds the data, as `mt fsf` counts from the beginning of the tape.
    pub tape_file: TapeFileNumber,
    /// Address of the data's first block, as `mt seek` takes it.
    pub first_block: BlockAddress,
    /// Size of its blocks in bytes.
    pub block_size: BlockSize,
    /// Blocks of data.
    pub blocks: u64,
    /// Bytes of data.
    pub length: u64,
    /// Over the bytes of data.
    pub xxh3_128: TapeDigest,
    /// What else its labels say; without it they have to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<EntryLabels>,
}

/// What labels say of a file beside what stands in its [`DirectoryEntry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryLabels {
    /// Columns 59-60 of UHL1.
    pub codec: Codec,
    /// Creation date, as in HDR1.
    pub created: LabelDate,
    /// Expiration date, as in HDR1.
    pub expires: LabelDate,
}

impl DirectoryEntry {
    /// The file with the labels behind it, if the directory says enough for them.
    #[must_use]
    pub fn to_tape_file(&self, directory: &Directory) -> Option<TapeFile> {
        let labels = self.labels?;
        let subject = self
            .set
            .map_or(*directory.volume.as_uuid(), |set| *set.as_uuid());
        let header = HeaderGroup {
            file1: FileLabel1::header(
                self.kind,
                self.segment,
                &directory.serial,
                self.sequence,
                labels.created,
                labels.expires,
            ),
            file2: FileLabel2 {
                block_length: self.block_size.into(),
            },
            user1: UserLabel1 {
                subject,
                kind: self.kind,
                segment: self.segment,
                block_size: self.block_size,
                codec: labels.codec,
            },
        };
        let trailer = header.trailer(UserLabel2 {
            xxh3_128: self.xxh3_128,
            length: self.length,
            blocks: self.blocks,
        });
        Some(TapeFile {
            sequence: self.sequence,
            kind: self.kind,
            set: self.set,
            segment: self.segment,
            tape_file: self.tape_file,
            first_block: self.first_block,
            block_size: self.block_size,
            blocks: self.blocks,
            length: self.length,
            xxh3_128: self.xxh3_128,
            trailer: trailer.encode(),
        })
    }
}

impl From<&TapeFile> for DirectoryEntry {
    fn from(file: &TapeFile) -> Self {
        Self {
            sequence: file.sequence,
            kind: file.kind,
            set: file.set,
            segment: file.segment,
            tape_file: file.tape_file,
            first_block: file.first_block,
            block_size: file.block_size,
            blocks: file.blocks,
            length: file.length,
            xxh3_128: file.xxh3_128,
            labels: TrailerGroup::parse(&file.trailer)
                .ok()
                .map(|group| EntryLabels {
                    codec: group.user1.codec,
                    created: group.file1.created,
                    expires: group.file1.expires,
                }),
        }
    }
}
