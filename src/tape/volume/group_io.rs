//! Reading groups of labels and small files off a tape.

use tapeward_drivers::TapeDrive;
use tapeward_drivers::ssc::{BlockAddress, ReadOutcome};

use crate::tape::error::{FoundTrailer, VolumeError};
use crate::tape::label::{
    FileLabel1, FileLabel2, GroupEnd, HeaderGroup, LABEL_LENGTH, LabelBlock, Trailer, UserLabel1,
};

/// Largest `volume.json`, `part.json` or `directory.json` that is read.
pub(super) const DOCUMENT_LIMIT: usize = 16 << 20;

/// What one read of a label-sized block found.
pub(super) enum LabelRead {
    /// A block of 80 bytes.
    Label(LabelBlock),
    /// A block of another length, in bytes.
    OtherBlock(u64),
    /// A filemark.
    Filemark,
    /// Nothing is recorded from here on.
    End,
}

impl std::fmt::Display for LabelRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Label(block) => write!(f, "\"{}\"", String::from_utf8_lossy(block).trim_end()),
            Self::OtherBlock(length) => write!(f, "a block of {length} bytes"),
            Self::Filemark => f.write_str("a filemark"),
            Self::End => f.write_str("the end of data"),
        }
    }
}

pub(super) fn read_label(
    drive: &mut dyn TapeDrive,
    doing: &'static str,
) -> Result<LabelRead, VolumeError> {
    let mut block = [0; LABEL_LENGTH];
    Ok(
        match drive
            .read_block(&mut block)
            .map_err(VolumeError::scsi(doing))?
        {
            ReadOutcome::Block(LABEL_LENGTH) => LabelRead::Label(block),
            ReadOutcome::Block(length) => LabelRead::OtherBlock(length as u64),
            ReadOutcome::TooLong { actual } => LabelRead::OtherBlock(actual),
            ReadOutcome::Filemark => LabelRead::Filemark,
            ReadOutcome::EndOfData | ReadOutcome::EndOfMedium => LabelRead::End,
        },
    )
}

/// Reads HDR1 HDR2 UHL1 and the filemark behind them; the tape is at the first.
pub(super) fn read_header_group(
    drive: &mut dyn TapeDrive,
    at: BlockAddress,
) -> Result<HeaderGroup, VolumeError> {
    let wrong = |source| VolumeError::Label { at, source };
    let end = GroupEnd::Header;
    // Each before the next is read: what ends early is right as far as it goes.
    let group = HeaderGroup {
        file1: FileLabel1::parse(&expect_label(drive, at)?, end).map_err(wrong)?,
        file2: FileLabel2::parse(&expect_label(drive, at)?, end).map_err(wrong)?,
        user1: UserLabel1::parse(&expect_label(drive, at)?, end).map_err(wrong)?,
    };
    expect_filemark(drive, at)?;
    Ok(group)
}

fn expect_label(drive: &mut dyn TapeDrive, at: BlockAddress) -> Result<LabelBlock, VolumeError> {
    match read_label(drive, "reading labels")? {
        LabelRead::Label(block) => Ok(block),
        LabelRead::End => Err(VolumeError::EndsWithin { what: "labels" }),
        other => Err(VolumeError::NoLabels {
            at,
            found: other.to_string(),
        }),
    }
}

pub(super) fn expect_filemark(
    drive: &mut dyn TapeDrive,
    at: BlockAddress,
) -> Result<(), VolumeError> {
    match read_label(drive, "reading labels")? {
        LabelRead::Filemark => Ok(()),
        LabelRead::End => Err(VolumeError::EndsWithin { what: "labels" }),
        other => Err(VolumeError::NoLabels {
            at,
            found: format!("{other} where a filemark should be"),
        }),
    }
}

/// Reads four trailer labels and the filemark behind them; the tape is at the first. Afterwards
/// it is behind the filemark, if a trailer was found.
pub(super) fn read_trailer(drive: &mut dyn TapeDrive) -> Result<FoundTrailer, VolumeError> {
    let mut blocks = [[0; LABEL_LENGTH]; 4];
    for block in &mut blocks {
        match read_label(drive, "reading the last trailer")? {
            LabelRead::Label(label) => *block = label,
            other => return Ok(FoundTrailer::Other(other.to_string())),
        }
    }
    let Ok(trailer) = Trailer::from_blocks(&blocks) else {
        let text = String::from_utf8_lossy(&blocks[0]).trim_end().to_owned();
        return Ok(FoundTrailer::Other(format!("\"{text}\"")));
    };
    Ok(match read_label(drive, "reading the last trailer")? {
        LabelRead::Filemark => FoundTrailer::Trailer(trailer),
        other => FoundTrailer::Other(format!("{trailer}, then {other} instead of a filemark")),
    })
}

/// Reads blocks up to the next filemark, joined; the tape is at the first and then behind the
/// filemark.
pub(super) fn read_document(
    drive: &mut dyn TapeDrive,
    block_size: usize,
    name: &'static str,
) -> Result<Vec<u8>, VolumeError> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; block_size];
    loop {
        let what = match drive
            .read_block(&mut buffer)
            .map_err(VolumeError::scsi("reading a document"))?
        {
            ReadOutcome::Block(length) if bytes.len() + length <= DOCUMENT_LIMIT => {
                bytes.extend_from_slice(&buffer[..length]);
                continue;
            }
            ReadOutcome::Filemark => return Ok(bytes),
            ReadOutcome::Block(_) => "it is longer than 16 MiB".to_owned(),
            ReadOutcome::TooLong { actual } => format!("a block of {actual} bytes"),
            ReadOutcome::EndOfData | ReadOutcome::EndOfMedium => {
                return Err(VolumeError::EndsWithin { what: name });
            }
        };
        return Err(VolumeError::Document {
            name,
            source: serde::de::Error::custom(what),
        });
    }
}
