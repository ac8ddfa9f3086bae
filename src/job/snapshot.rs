//! Configuration and catalogue on the cartridges themselves: behind what a session wrote, encrypted
//! to the same keys, so that one cartridge and an identity are enough to begin anew.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::step::RunContext;
use super::volumes;
use crate::archive::header::{DeviceNumber, MemberHeader};
use crate::archive::member::{FileTime, MemberKind};
use crate::config;
use crate::error::{Context, Error, Result};
use crate::key::Recipient;
use crate::tape::codec::{CodedOutput, Encoder, FrameSize, Window};
use crate::tape::volume::{FileStart, VolumeWriter};
use crate::tape::{Codec, FileKind, TapeFile, VolumeError};

/// Name of the catalogue within a snapshot.
pub const CATALOGUE: &str = "catalogue.db";
/// Bytes of zeros that end a tar stream.
const END_OF_ARCHIVE: usize = 1024;
/// Labels and filemarks of a file and the directory behind it take no more.
const SLACK: u64 = 64 << 10;

/// A snapshot as it goes on tape.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    length: u64,
}

/// What became of writing a snapshot.
#[derive(Debug)]
pub enum Appended {
    /// It is on the tape, and a new directory behind it.
    Files(Vec<TapeFile>),
    /// The volume has no room for it.
    NoRoom,
    /// It could not be written; what was committed before is as it was.
    Failed(VolumeError),
}

impl Snapshot {
    /// Takes a snapshot: a tar stream of the configuration and a copy of the catalogue,
    /// compressed and encrypted.
    ///
    /// # Errors
    /// The state folder has no room for it.
    pub fn take(context: &RunContext, recipients: &[Recipient]) -> Result<Self> {
        let app = &context.app;
        let what = "cannot take a snapshot of the catalogue";
        let folder = tempfile::Builder::new()
            .prefix(".snapshot-")
            .tempdir_in(&app.state)
            .context(what)?;
        let copy = folder.path().join(CATALOGUE);
        app.catalogue.snapshot(&copy)?;
        let coded = tempfile::tempfile_in(folder.path()).context(what)?;
        let (size, window) = (FrameSize::DEFAULT, Window::DEFAULT);
        let mut encoder =
            Encoder::new(Codec::ZstdAge, recipients, size, window, ToFile(coded)).context(what)?;
        let now = app.clock.now();
        for path in [app.state.join(config::FILE_NAME), copy] {
            put_file(&mut encoder, &path, now).context(what)?;
        }
        encoder.write(&[0; END_OF_ARCHIVE]).context(what)?;
        let ToFile(file) = encoder.finish().context(what)?.output;
        let length = file.metadata().context(what)?.len();
        Ok(Self { file, length })
    }

    /// Writes it to a volume that has room for it, with a new directory behind it, both committed.
    ///
    /// # Errors
    /// Nobody knows how the volume ends: it could not be brought back to where it was either.
    pub fn append(&mut self, writer: &mut VolumeWriter) -> Result<Appended, VolumeError> {
        match writer.remaining() {
            Ok(remaining) if remaining < self.length + SLACK => return Ok(Appended::NoRoom),
            Ok(_) => {}
            Err(error) => return Ok(Appended::Failed(error)),
        }
        match self.write(writer) {
            Ok(files) => Ok(Appended::Files(files)),
            Err(error) => {
                writer.rollback()?;
                Ok(Appended::Failed(error))
            }
        }
    }

    fn write(&mut self, writer: &mut VolumeWriter) -> Result<Vec<TapeFile>, VolumeError> {
        writer.begin_file(FileStart {
            kind: FileKind::Catalogue,
            set: None,
            segment: None,
            codec: Codec::ZstdAge,
            expires: None,
        })?;
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
        let mut files = writer.commit()?;
        files.push(writer.write_directory()?);
        Ok(files)
    }
}

/// Coded bytes into a file.
struct ToFile(File);

impl CodedOutput for ToFile {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }
}

fn reading(error: std::io::Error) -> VolumeError {
    VolumeError::Codec(error.into())
}

/// One regular file as a member of the tar stream.
fn put_file(
    encoder: &mut Encoder<ToFile>,
    path: &Path,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    let what = || format!("cannot read {}", path.display());
    let file = File::open(path).context(what())?;
    let size = file.metadata().context(what())?.len();
    let name = path.file_name().unwrap_or_default();
    let header = MemberHeader {
        path: name.as_encoded_bytes().to_vec(),
        kind: MemberKind::File,
        mode: 0o600,
        uid: 0,
        gid: 0,
        owner: Vec::new(),
        group: Vec::new(),
        modified: FileTime {
            seconds: now.timestamp(),
            nanos: 0,
        },
        size,
        device: DeviceNumber { major: 0, minor: 0 },
        link: Vec::new(),
        sparse: None,
        attributes: Vec::new(),
        access_acl: None,
        default_acl: None,
    };
    encoder.write(&header.to_bytes()).context(what())?;
    let mut reader = BufReader::new(file).take(size);
    let mut buffer = vec![0; 256 << 10];
    let mut copied = 0;
    loop {
        let read = reader.read(&mut buffer).context(what())?;
        if read == 0 {
            break;
        }
        copied += read as u64;
        encoder.write(&buffer[..read]).context(what())?;
    }
    if copied != size {
        return Err(Error::failed(format!(
            "{} became shorter while it was read",
            path.display()
        )));
    }
    let padding = usize::try_from(size.next_multiple_of(512) - size).unwrap_or(0);
    encoder.write(&[0; 512][..padding]).context(what())
}

/// Records what [`Snapshot::append`] wrote.
pub fn record(context: &RunContext, volume: crate::id::VolumeId, files: &[TapeFile]) -> Result<()> {
    context
        .app
        .write(|tx, now| volumes::add_files(tx, volume, files, now))
}
