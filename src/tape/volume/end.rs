//! Where what was committed to a volume ends.

use tapeward_drivers::Drive;
use tapeward_drivers::ssc::{BlockAddress, Position, Space, Synchronize};

use super::group_io::read_trailer;
use crate::id::{TapeFileNumber, VolumeId};
use crate::tape::error::{FoundTrailer, VolumeError};
use crate::tape::label::Trailer;
use crate::tape::layout::TapeFile;

/// A place between two files of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) block: BlockAddress,
    pub(super) tape_file: TapeFileNumber,
}

impl End {
    pub(super) const BEGINNING: Self = Self {
        block: BlockAddress(0),
        tape_file: TapeFileNumber(0),
    };
}

pub(super) fn describe(position: &Position) -> String {
    if position.position_unknown {
        return "a place the drive does not know".to_owned();
    }
    let file = position
        .file
        .map_or_else(String::new, |file| format!(", {file} filemarks"));
    let buffered = position
        .buffered_blocks
        .map_or_else(String::new, |objects| {
            format!(", {objects} objects still in the buffer")
        });
    format!("block {}{file}{buffered}", position.block)
}

/// Goes to where the last file on record ends, reading its trailer on the way.
pub(super) fn verify_end(
    drive: &mut Drive,
    last: Option<&TapeFile>,
    volume: VolumeId,
) -> Result<End, VolumeError> {
    let last = last.ok_or(VolumeError::NothingOnRecord(volume))?;
    let found = match drive.locate(last.trailer_block()) {
        Ok(()) => read_trailer(drive.as_mut())?,
        // The tape ends before that place.
        Err(error) if error.is_end_of_data() => FoundTrailer::Other("the end of data".to_owned()),
        Err(source) => {
            return Err(VolumeError::scsi("going to the last trailer")(source));
        }
    };
    if found != FoundTrailer::Trailer(last.trailer.clone()) {
        return Err(mismatch(&last.trailer, found));
    }
    Ok(End {
        block: last.end(),
        tape_file: last.next_tape_file(),
    })
}

pub(super) fn mismatch(expected: &Trailer, found: FoundTrailer) -> VolumeError {
    VolumeError::TrailerMismatch {
        expected: Box::new(expected.clone()),
        found: Box::new(found),
    }
}

/// WORM: behind the committed end stands what was never finished, and it stays. Goes behind it
/// and closes it with a filemark, so that the next labels start a tape file.
pub(super) fn skip_uncommitted(drive: &mut Drive, end: End) -> Result<End, VolumeError> {
    let doing = "going behind unfinished data";
    let mut tape_file = end.tape_file;
    loop {
        match drive.space(Space::Filemarks(1)) {
            Ok(()) => tape_file.0 += 1,
            Err(error) if error.is_end_of_data() => break,
            Err(source) => return Err(VolumeError::scsi(doing)(source)),
        }
    }
    let position = drive.position().map_err(VolumeError::scsi(doing))?;
    if position.block == end.block {
        return Ok(end);
    }
    drive
        .write_filemarks(1, Synchronize::Immediate)
        .map_err(VolumeError::write(doing))?;
    Ok(End {
        block: BlockAddress(position.block.0 + 1),
        tape_file: TapeFileNumber(tape_file.0 + 1),
    })
}
