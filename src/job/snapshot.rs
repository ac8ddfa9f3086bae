//! Configuration and catalogue on the cartridges themselves: behind what a session wrote, encrypted
//! to the same keys, so that one cartridge and an identity are enough to begin anew.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::coded_file::{Appended, CodedFile, ToFile};
use super::step::RunContext;
use super::volumes;
use crate::archive::header::{DeviceNumber, MemberHeader};
use crate::archive::member::{FileTime, MemberKind};
use crate::config;
use crate::error::{Context, Error, Result};
use crate::key::Recipient;
use crate::tape::codec::Encoder;
use crate::tape::volume::{FileStart, VolumeWriter};
use crate::tape::{Codec, FileKind, TapeFile, VolumeError};

/// Name of the catalogue within a snapshot.
pub const CATALOGUE: &str = "catalogue.db";
/// Bytes of zeros that end a tar stream.
const END_OF_ARCHIVE: usize = 1024;
/// A snapshot as it goes on tape.
#[derive(Debug)]
pub struct Snapshot(CodedFile);

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
        let now = app.clock.now();
        let coded = CodedFile::encode(folder.path(), Codec::ZstdAge, recipients, |encoder| {
            for path in [app.state.join(config::FILE_NAME), copy] {
                put_file(encoder, &path, now).context(what)?;
            }
            encoder.write(&[0; END_OF_ARCHIVE]).context(what)
        });
        Ok(Self(coded.context(what)?))
    }

    /// Writes it to a volume that has room for it, with a new directory behind it, both committed.
    ///
    /// # Errors
    /// Nobody knows how the volume ends: it could not be brought back to where it was either.
    pub fn append(&mut self, writer: &mut VolumeWriter) -> Result<Appended, VolumeError> {
        let start = FileStart {
            kind: FileKind::Catalogue,
            set: None,
            segment: None,
            codec: Codec::ZstdAge,
            expires: None,
        };
        let mut files = match self.0.append(writer, start)? {
            Appended::Files(files) => files,
            other => return Ok(other),
        };
        match writer.write_directory() {
            Ok(directory) => {
                files.push(directory);
                Ok(Appended::Files(files))
            }
            Err(error) => {
                writer.rollback()?;
                Ok(Appended::Failed(error))
            }
        }
    }
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
