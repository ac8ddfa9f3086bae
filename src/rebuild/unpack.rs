//! A snapshot from tape: configuration and catalogue.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::survey::Surveyed;
use crate::app::App;
use crate::archive::reader::ArchiveReader;
use crate::config;
use crate::error::{Context, Error, Result};
use crate::job::{Drives, snapshot};
use crate::key::Identities;
use crate::tape::codec::decode;
use crate::tape::volume::VolumeReader;
use crate::tape::{Codec, TapeFile};

/// A snapshot in a folder that goes away with this.
#[derive(Debug)]
pub(super) struct Unpacked(TempDir);

impl Unpacked {
    /// The catalogue.
    pub(super) fn catalogue(&self) -> PathBuf {
        self.0.path().join(snapshot::CATALOGUE)
    }

    /// The configuration.
    pub(super) fn configuration(&self) -> PathBuf {
        self.0.path().join(config::FILE_NAME)
    }
}

/// Mounts the cartridge and unpacks the snapshot.
///
/// # Errors
/// It cannot be read or decrypted, or lacks one of the two files.
pub(super) fn read(
    app: &App,
    drives: &mut Drives,
    surveyed: &Surveyed,
    file: &TapeFile,
    identities: &Identities,
) -> Result<Unpacked> {
    let (seat, drive) = drives.take(&surveyed.barcode)?;
    let mut reader = VolumeReader::of_identified(drive, surveyed.header.clone());
    let unpacked = unpack(&mut reader, file, identities, &app.state);
    drives.put_checked(seat, reader.into_drive());
    unpacked
}

fn unpack(
    reader: &mut VolumeReader,
    file: &TapeFile,
    identities: &Identities,
    state: &Path,
) -> Result<Unpacked> {
    let what = "cannot unpack it";
    let folder = tempfile::Builder::new()
        .prefix(".snapshot-")
        .tempdir_in(state)
        .context(what)?;
    let unpacked = Unpacked(folder);
    let payload = BufReader::with_capacity(1 << 20, reader.payload(file).context(what)?);
    let mut decoded = decode(payload, Codec::ZstdAge, identities).context("cannot decrypt it")?;
    let mut archive = ArchiveReader::new(&mut decoded);
    while let Some(header) = archive.next_member().context(what)? {
        // Only these two names are taken, so that nothing lands elsewhere.
        let target = [unpacked.catalogue(), unpacked.configuration()]
            .into_iter()
            .find(|path| {
                path.file_name()
                    .is_some_and(|name| name.as_encoded_bytes() == header.path)
            });
        if let Some(target) = target {
            put(&mut archive, &target)?;
        }
    }
    // To the last byte: that is where a damaged tape would show.
    std::io::copy(&mut decoded, &mut std::io::sink()).context(what)?;
    for path in [unpacked.catalogue(), unpacked.configuration()] {
        if !path.exists() {
            return Err(Error::failed(format!(
                "it has no {}",
                path.file_name().unwrap_or_default().display()
            )));
        }
    }
    Ok(unpacked)
}

fn put<R: Read>(archive: &mut ArchiveReader<R>, target: &Path) -> Result<()> {
    let what = || format!("cannot write {}", target.display());
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .context(what())?;
    while let Some(chunk) = archive.next_data().context("cannot read it")? {
        file.write_all(chunk.bytes).context(what())?;
    }
    Ok(())
}
