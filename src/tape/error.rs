//! What can go wrong with a volume.

use tapeward_drivers::error::ScsiError;
use tapeward_drivers::ssc::encryption::EncryptionError;
use tapeward_drivers::ssc::{BlockAddress, WriteError};
use thiserror::Error;

use super::codec::CodecError;
use super::digest::TapeDigest;
use super::label::{LabelError, Trailer};
use super::layout::{BlockSize, FileKind, FileSequence};
use super::volume::Identified;
use crate::id::{TapeFileNumber, VolumeId};

/// Reading or writing a volume failed.
#[derive(Debug, Error)]
pub enum VolumeError {
    /// The drive failed a command that moves or reads.
    #[error("{doing}: {source}")]
    Scsi {
        /// What it was for.
        doing: &'static str,
        /// The drive's answer, with whole sense data.
        source: Box<ScsiError>,
    },
    /// The drive failed a command that writes.
    #[error("{doing}: {source}")]
    Write {
        /// What was being written.
        doing: &'static str,
        /// The drive's answer, with whole sense data.
        source: Box<WriteError>,
    },
    /// The cartridge or the drive is write-protected.
    #[error("the cartridge is write-protected: move its switch, or take another")]
    WriteProtected,
    /// The cartridge has no room for more than what closes a volume.
    #[error(
        "the cartridge is too small: it holds {capacity} bytes, and {reserve} are kept free for \
         closing it with these sizes of blocks, segments and ring"
    )]
    TooSmall {
        /// Bytes it holds.
        capacity: u64,
        /// Bytes kept free.
        reserve: u64,
    },
    /// A block does not get to the tape and back.
    #[error("{path}: a block of {size} does not get to the tape and back: {why}")]
    BlockRefused {
        /// Device node.
        path: String,
        /// Size of the block.
        size: BlockSize,
        /// What happened to it.
        why: String,
    },
    /// The tape holds something, and nobody said it may go.
    #[error("the tape is not blank, it holds {found}: nothing was written")]
    NotBlank {
        /// What it holds.
        found: Box<Identified>,
    },
    /// A volume of ours whose retention has not ended.
    #[error("the volume {volume} is kept until {until}: nothing was written")]
    RetentionRuns {
        /// The volume on the tape.
        volume: VolumeId,
        /// End of its retention as its header says, RFC 3339.
        until: String,
    },
    /// A labelled volume of somebody else whose expiration date (HDR1 columns 48-53) has not come.
    #[error("its label says that volume \"{serial}\" is kept until {until}: nothing was written")]
    OtherRetentionRuns {
        /// Volume identifier in VOL1.
        serial: String,
        /// The day from which on it may be overwritten.
        until: chrono::NaiveDate,
    },
    /// A WORM cartridge cannot be labelled a second time.
    #[error("the cartridge can be written only once, and it holds {found}")]
    WormNotBlank {
        /// What it holds.
        found: Box<Identified>,
    },
    /// Another cartridge than the one expected is in the drive.
    #[error("expected the volume {expected}, the tape holds {found}")]
    WrongVolume {
        /// The one expected.
        expected: VolumeId,
        /// What is there.
        found: Box<Identified>,
    },
    /// The end of the tape is not the one on record: nothing may be appended.
    #[error(
        "the last trailer on the tape is not the last one on record; nothing was written\n  \
         on record: {expected}\n  on tape:   {found}"
    )]
    TrailerMismatch {
        /// The last trailer on record.
        expected: Box<Trailer>,
        /// What stands at that place of the tape.
        found: Box<FoundTrailer>,
    },
    /// Data where only a label was thought to be.
    #[error("the volume {0} holds more than the label that was being written: nothing was written")]
    WrittenBehindLabel(VolumeId),
    /// Nothing is on record for this volume, not even its header.
    #[error("no file of the volume {0} is on record, so there is nothing to append to")]
    NothingOnRecord(VolumeId),
    /// The drive is not where counting blocks and filemarks says it should be.
    #[error("the tape is at {found}, it should be at block {expected}")]
    Position {
        /// Where it should be.
        expected: BlockAddress,
        /// Where the drive says it is.
        found: String,
    },
    /// A label that cannot be read.
    #[error("labels at block {at}: {source}")]
    Label {
        /// Address of the first label of the group.
        at: BlockAddress,
        /// What is wrong.
        source: LabelError,
    },
    /// Labels that are not there.
    #[error("labels at block {at}: found {found}")]
    NoLabels {
        /// Address looked at.
        at: BlockAddress,
        /// What is there.
        found: String,
    },
    /// The tape ends within labels or a document.
    #[error("the tape ends within {what}")]
    EndsWithin {
        /// What is not there as a whole.
        what: &'static str,
    },
    /// A label that says something else than the record.
    #[error("the labels of {kind} {sequence} say {found}, on record is {expected}")]
    LabelDisagrees {
        /// Kind of the file.
        kind: FileKind,
        /// Its number on the volume.
        sequence: FileSequence,
        /// What the record says.
        expected: String,
        /// What the labels say.
        found: String,
    },
    /// A file whose bytes are not those that were written.
    #[error(
        "{kind} in tape file {}: {length} bytes with digest {found}, written were \
         {expected_length} with {expected}",
        .tape_file.0
    )]
    Damaged {
        /// Kind of the file.
        kind: FileKind,
        /// The tape file that holds its data.
        tape_file: TapeFileNumber,
        /// Bytes read.
        length: u64,
        /// Their digest.
        found: TapeDigest,
        /// Bytes written.
        expected_length: u64,
        /// Their digest.
        expected: TapeDigest,
    },
    /// Blocks that do not follow the layout.
    #[error("tape file {}, block {at}: {what}", .tape_file.0)]
    Layout {
        /// The tape file that holds the data.
        tape_file: TapeFileNumber,
        /// Address of the block.
        at: BlockAddress,
        /// What is wrong with it.
        what: String,
    },
    /// No number is left for another file on this volume.
    #[error("the volume has 9,999 files and takes no more")]
    NoSequenceLeft,
    /// One file has more blocks than its trailer can count.
    #[error("a file of more than 999,999 blocks")]
    TooManyBlocks,
    /// `volume.json`, `part.json` or `directory.json` that cannot be read.
    #[error("{name}: {source}")]
    Document {
        /// The document.
        name: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A document of a format this version does not know.
    #[error("{name}: format \"{found}\", known here is \"{expected}\"; a newer version reads it")]
    DocumentFormat {
        /// The document.
        name: &'static str,
        /// Name and version known here.
        expected: String,
        /// Name and version found.
        found: String,
    },
    /// Decoding failed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The drive's encryption is not to be had, or not in force.
    #[error(transparent)]
    Encryption(Box<EncryptionError>),
    /// The path to the drive has no commands for encryption.
    #[error(
        "{path}: a drive reached through the kernel's tape driver cannot be given a key; write \
         path = \"sg\" beside it in config.toml, or define the set with --encryption age"
    )]
    NoEncryptionByPath {
        /// Device node.
        path: String,
    },
    /// The operating system gave no random bytes.
    #[error("cannot make a key: {0}")]
    Random(getrandom::Error),
    /// What the drive encrypted cannot be read here: nobody at hand opens its key.
    #[error(
        "{kind} {sequence} was encrypted by the drive, and none of the {tried} identities at hand \
         opens its key in tape file {}", .key_file.0
    )]
    KeyNotOpened {
        /// Kind of the file.
        kind: FileKind,
        /// Its number on the volume.
        sequence: FileSequence,
        /// The tape file that holds the key.
        key_file: TapeFileNumber,
        /// How many identities were tried.
        tried: usize,
    },
    /// What the drive encrypted cannot be read: its key is not on record.
    #[error(
        "{kind} {sequence} was encrypted by the drive, and no file on record before it has the key"
    )]
    NoKeyOnRecord {
        /// Kind of the file.
        kind: FileKind,
        /// Its number on the volume.
        sequence: FileSequence,
    },
    /// A file of the host.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// What stands where the last trailer should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundTrailer {
    /// Another trailer.
    Trailer(Trailer),
    /// No trailer; text for people says what.
    Other(String),
}

impl std::fmt::Display for FoundTrailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trailer(trailer) => trailer.fmt(f),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl VolumeError {
    /// Wraps a drive's answer.
    pub(super) fn scsi(doing: &'static str) -> impl FnOnce(ScsiError) -> Self {
        move |source| Self::Scsi {
            doing,
            source: Box::new(source),
        }
    }

    /// Wraps a drive's answer to a write.
    pub(super) fn write(doing: &'static str) -> impl FnOnce(WriteError) -> Self {
        move |source| Self::Write {
            doing,
            source: Box::new(source),
        }
    }

    /// Whether the tape is to blame: its bytes, labels or structure are not as they were written, or
    /// the medium cannot be read (MEDIUM ERROR, BLANK CHECK).
    #[must_use]
    pub fn is_bad_medium(&self) -> bool {
        match self.scsi_error() {
            Some(scsi) => scsi.is_about_medium(),
            None => matches!(
                self,
                Self::Damaged { .. }
                    | Self::Layout { .. }
                    | Self::Label { .. }
                    | Self::NoLabels { .. }
                    | Self::EndsWithin { .. }
                    | Self::LabelDisagrees { .. }
                    | Self::Document { .. }
                    | Self::DocumentFormat { .. }
                    | Self::Codec(_)
                    | Self::Position { .. }
            ),
        }
    }

    /// The drive's answer, if it is one.
    #[must_use]
    pub fn scsi_error(&self) -> Option<&ScsiError> {
        match self {
            Self::Scsi { source, .. } => Some(source),
            Self::Write { source, .. } => Some(source.scsi()),
            Self::Encryption(source) => match &**source {
                EncryptionError::Scsi(source) => Some(source),
                _ => None,
            },
            _ => None,
        }
    }

    /// The tape had no room for what was written.
    #[must_use]
    pub fn is_overflow(&self) -> bool {
        matches!(self, Self::Write { source, .. } if matches!(**source, WriteError::NotWritten(_)))
    }
}

impl From<EncryptionError> for VolumeError {
    fn from(error: EncryptionError) -> Self {
        Self::Encryption(Box::new(error))
    }
}

/// Reads of a file's data go through [`std::io::Read`]; the error travels inside.
impl From<VolumeError> for std::io::Error {
    fn from(error: VolumeError) -> Self {
        Self::other(error)
    }
}
