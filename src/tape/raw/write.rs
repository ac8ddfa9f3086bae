//! Files to a tape, block for block and filemark for filemark.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use tapeward_drivers::TapeDrive;
use tapeward_drivers::ssc::{ReadOutcome, Synchronize, WriteError};

use super::manifest::{RawFile, RawManifest};
use super::{LARGEST_BLOCK, RawError};
use crate::progress::Interrupt;
use crate::tape::TapeHasher;

/// Calls `each` with the number of every block of a tape file and its bytes, as the manifest has
/// them; the digest must be right.
fn blocks(
    folder: &Path,
    file: &RawFile,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), RawError>,
) -> Result<(), RawError> {
    let path = folder.join(&file.name);
    let mut input =
        BufReader::with_capacity(1 << 20, File::open(&path).map_err(RawError::file(&path))?);
    let mut hasher = TapeHasher::new();
    let mut number = 0;
    let mut buffer = Vec::new();
    for run in &file.lengths {
        let length = usize::try_from(run.length).unwrap_or(usize::MAX);
        if length == 0 || length > LARGEST_BLOCK {
            return Err(RawError::Manifest {
                what: format!("{}: no tape has blocks of {length} bytes", path.display()),
            });
        }
        buffer.resize(length, 0);
        for _ in 0..run.count {
            input
                .read_exact(&mut buffer)
                .map_err(RawError::file(&path))?;
            hasher.update(&buffer);
            each(number, &buffer)?;
            number += 1;
        }
    }
    let same = file.xxh3_128.is_none_or(|wanted| wanted == hasher.digest());
    if number != file.blocks || !same {
        return Err(RawError::Manifest {
            what: format!("{} is not what the manifest says", path.display()),
        });
    }
    Ok(())
}

/// Makes sure, before a tape is touched, that every file is as the manifest says.
pub fn compare(folder: &Path, manifest: &RawManifest) -> Result<(), RawError> {
    manifest
        .files
        .iter()
        .try_for_each(|file| blocks(folder, file, |_, _| Ok(())))
}

/// Writes everything from the beginning of the tape, then reads it back and compares.
///
/// # Errors
/// [`RawError::Full`] when the cartridge is too small, [`RawError::Differs`] when what is read back
/// is not what was written.
pub fn write(
    drive: &mut dyn TapeDrive,
    folder: &Path,
    manifest: &RawManifest,
    interrupt: &Interrupt,
    progress: &dyn Fn(u64),
) -> Result<(), RawError> {
    drive.rewind().map_err(RawError::drive("rewinding"))?;
    let mut bytes = 0;
    for file in &manifest.files {
        blocks(folder, file, |number, block| {
            if interrupt.requested() {
                return Err(RawError::Interrupted);
            }
            let written = drive.write_block(block);
            written.map_err(|error| refused(error, file.number, number))?;
            bytes += block.len() as u64;
            progress(bytes);
            Ok(())
        })?;
        if file.filemark.is_some() {
            let written = drive.write_filemarks(1, Synchronize::Immediate);
            written.map_err(|error| refused(error, file.number, file.blocks))?;
        }
    }
    let last = manifest.files.last();
    drive
        .write_filemarks(0, Synchronize::Flush)
        .map_err(|error| {
            let number = last.map_or(0, |file| file.number);
            refused(error, number, last.map_or(0, |file| file.blocks))
        })?;
    read_back(drive, folder, manifest, interrupt)
}

fn refused(error: WriteError, tape_file: u32, block: u64) -> RawError {
    match error {
        WriteError::NotWritten(_) => RawError::Full { tape_file, block },
        WriteError::Deferred(source) | WriteError::Scsi(source) => RawError::Drive {
            doing: "writing a block",
            source,
        },
    }
}

fn read_back(
    drive: &mut dyn TapeDrive,
    folder: &Path,
    manifest: &RawManifest,
    interrupt: &Interrupt,
) -> Result<(), RawError> {
    let doing = "reading back";
    drive.rewind().map_err(RawError::drive(doing))?;
    let runs = manifest.files.iter().flat_map(|file| &file.lengths);
    let longest = runs.map(|run| run.length).max().unwrap_or(1);
    let mut buffer = vec![0; usize::try_from(longest).unwrap_or(LARGEST_BLOCK)];
    let mut expect = |tape_file: u32, block: u64, wanted: Option<&[u8]>| {
        if interrupt.requested() {
            return Err(RawError::Interrupted);
        }
        let outcome = drive
            .read_block(&mut buffer)
            .map_err(RawError::drive(doing))?;
        let what = match (outcome, wanted) {
            (ReadOutcome::Block(length), Some(wanted)) if buffer[..length] == *wanted => {
                return Ok(());
            }
            (ReadOutcome::Filemark, None) => return Ok(()),
            (ReadOutcome::Block(_), Some(_)) => "it has other bytes than were written",
            (_, Some(_)) => "it is missing",
            (_, None) => "the filemark is missing",
        };
        Err(RawError::Differs {
            tape_file,
            block,
            what: what.to_owned(),
        })
    };
    for file in &manifest.files {
        blocks(folder, file, |number, block| {
            expect(file.number, number, Some(block))
        })?;
        if file.filemark.is_some() {
            expect(file.number, file.blocks, None)?;
        }
    }
    Ok(())
}
