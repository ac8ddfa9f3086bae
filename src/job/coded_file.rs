//! A file that is coded once, kept on disk, and written to volumes as it is.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::{Context, Result};
use crate::key::Recipient;
use crate::tape::codec::{CodedOutput, Encoder, FrameSize, Window};
use crate::tape::volume::{FileStart, VolumeReader, VolumeWriter};
use crate::tape::{Codec, TapeFile, VolumeError};

/// Labels and filemarks of a file and the directory behind it take no more.
const SLACK: u64 = 64 << 10;

/// Bytes as they go on tape, in a file without a name.
#[derive(Debug)]
pub(super) struct CodedFile {
    file: File,
    length: u64,
}

/// What became of writing a file to a volume.
#[derive(Debug)]
pub enum Appended {
    /// It is on the tape, with what belongs to it.
    Files(Vec<TapeFile>),
    /// The volume has no room for it.
    NoRoom,
    /// It could not be written; what was committed before is as it was.
    Failed(VolumeError),
}

impl CodedFile {
    /// Encodes what `fill` writes.
    pub(super) fn encode(
        folder: &Path,
        codec: Codec,
        recipients: &[Recipient],
        fill: impl FnOnce(&mut Encoder<ToFile>) -> Result<()>,
    ) -> Result<Self> {
        let what = || format!("cannot write in {}", folder.display());
        let coded = ToFile(tempfile::tempfile_in(folder).context(what())?);
        let (size, window) = (FrameSize::DEFAULT, Window::DEFAULT);
        let mut encoder = Encoder::new(codec, recipients, size, window, coded).context(what())?;
        fill(&mut encoder)?;
        let ToFile(file) = encoder.finish().context(what())?.output;
        let length = file.metadata().context(what())?.len();
        Ok(Self { file, length })
    }

    /// What another volume has, compared with its digest.
    pub(super) fn read(folder: &Path, reader: &mut VolumeReader, from: &TapeFile) -> Result<Self> {
        let what = || format!("cannot copy tape file {}", from.tape_file);
        let mut file = tempfile::tempfile_in(folder).context(what())?;
        let mut payload = reader.payload(from).context(what())?;
        let length = std::io::copy(&mut payload, &mut file).context(what())?;
        Ok(Self { file, length })
    }

    /// Whether the volume has room for it.
    pub(super) fn fits(&self, writer: &mut VolumeWriter) -> Result<bool, VolumeError> {
        Ok(writer.remaining()? >= self.length + SLACK)
    }

    /// Writes it to a volume that has room for it, committed.
    ///
    /// # Errors
    /// Nobody knows how the volume ends: it could not be brought back to where it was either.
    pub(super) fn append(
        &mut self,
        writer: &mut VolumeWriter,
        start: FileStart,
    ) -> Result<Appended, VolumeError> {
        match self.fits(writer) {
            Ok(false) => return Ok(Appended::NoRoom),
            Ok(true) => {}
            Err(error) => return Ok(Appended::Failed(error)),
        }
        match self.write(writer, start) {
            Ok(files) => Ok(Appended::Files(files)),
            Err(error) => {
                writer.rollback()?;
                Ok(Appended::Failed(error))
            }
        }
    }

    fn write(
        &mut self,
        writer: &mut VolumeWriter,
        start: FileStart,
    ) -> Result<Vec<TapeFile>, VolumeError> {
        writer.begin_file(start)?;
        self.file.seek(SeekFrom::Start(0)).map_err(reading)?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = self.file.read(&mut buffer).map_err(reading)?;
            if read == 0 {
                break;
            }
            writer.write(&buffer[..read])?;
        }
        writer.end_file()?;
        writer.commit()
    }
}

/// Coded bytes into a file.
pub(super) struct ToFile(File);

impl CodedOutput for ToFile {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }
}

fn reading(error: std::io::Error) -> VolumeError {
    VolumeError::Codec(error.into())
}
