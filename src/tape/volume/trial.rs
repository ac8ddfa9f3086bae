//! Whether blocks of a size get to the tape and back: what adapters, drivers and drives say of
//! themselves is not always so.

use tapeward_drivers::Drive;
use tapeward_drivers::error::ScsiError;
use tapeward_drivers::sense::SenseKey;
use tapeward_drivers::ssc::{ReadOutcome, Readiness, Synchronize};

use crate::tape::error::VolumeError;
use crate::tape::layout::BlockSize;

/// The first block of a trial: a tape that begins with it holds nothing, should the label that
/// was to follow never be written.
pub(super) const TRIAL_MARK: &[u8] = b"TAPEWARD trial of long blocks: this tape holds nothing.";

/// Writes one block at the beginning of a tape that is about to be labelled, reads it back and
/// rewinds. Whatever was on the tape is gone.
///
/// # Errors
/// [`VolumeError::BlockRefused`] when the block does not come through; any other error is about
/// drive or cartridge.
pub(super) fn try_block(drive: &mut Drive, size: BlockSize) -> Result<(), VolumeError> {
    let path = drive.path().to_owned();
    let refused = |why: String| VolumeError::BlockRefused { path, size, why };
    let rewinding = "rewinding the tape";
    let writing = "writing a trial block";
    let block = pattern(size);
    drive.rewind().map_err(VolumeError::scsi(rewinding))?;
    drive
        .write_block(TRIAL_MARK)
        .map_err(VolumeError::write(writing))?;
    match drive.write_block(&block) {
        Ok(_) => {}
        Err(error) if is_about_length(error.scsi()) && answers(drive) => {
            return Err(refused(error.to_string()));
        }
        Err(error) => return Err(VolumeError::write(writing)(error)),
    }
    drive
        .write_filemarks(1, Synchronize::Flush)
        .map_err(VolumeError::write(writing))?;
    drive.rewind().map_err(VolumeError::scsi(rewinding))?;
    let mut back = vec![0; block.len()];
    drive
        .read_block(&mut back)
        .map_err(VolumeError::scsi("reading a trial block"))?;
    match drive.read_block(&mut back) {
        Ok(ReadOutcome::Block(length)) if length == block.len() && back == block => {}
        Ok(other) => return Err(refused(format!("it came back as {other:?}"))),
        Err(error) if is_about_length(&error) && answers(drive) => {
            return Err(refused(error.to_string()));
        }
        Err(error) => return Err(VolumeError::scsi("reading a trial block")(error)),
    }
    drive.rewind().map_err(VolumeError::scsi(rewinding))
}

/// A command of this length is not taken, or the device is gone.
fn is_about_length(error: &ScsiError) -> bool {
    match error {
        ScsiError::Transport(_) => true,
        ScsiError::Check { sense, .. } => sense.key == SenseKey::IllegalRequest,
        _ => false,
    }
}

/// The drive is not gone.
fn answers(drive: &mut Drive) -> bool {
    matches!(drive.readiness(), Readiness::Ready)
}

/// Bytes that do not compress and are no labels.
fn pattern(size: BlockSize) -> Vec<u8> {
    let mut bytes = vec![0; size.bytes()];
    blake3::Hasher::new()
        .update(b"tapeward trial block")
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}
