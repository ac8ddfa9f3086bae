//! Encryption by the drive, on a writer's side and on a reader's.
//!
//! Only segments are encrypted by the drive, so labels, documents and the end of a volume are read
//! and checked without any key; names of files are in index parts, which are age files always.

use std::sync::Arc;
use tapeward_drivers::Drive;
use tapeward_drivers::ssc::encryption::EncryptionStatus;

use super::writer::{FileStart, VolumeWriter};
use crate::id::SetId;
use crate::key::{Identities, Recipient};
use crate::tape::codec::{Codec, CodecError};
use crate::tape::drive_key::DriveKey;
use crate::tape::error::VolumeError;
use crate::tape::label::LabelError;
use crate::tape::layout::{FileKind, FileSequence, TapeFile};

/// Whether a drive can be given a key by this host.
///
/// # Errors
/// [`VolumeError::NoEncryptionByPath`], or why not.
pub fn check_encryption(drive: &mut Drive) -> Result<(), VolumeError> {
    scsi(drive)?.usable_encryption()?;
    Ok(())
}

fn scsi(drive: &mut Drive) -> Result<&mut tapeward_drivers::ssc::Drive, VolumeError> {
    let path = drive.path().to_owned();
    drive.scsi().ok_or(VolumeError::NoEncryptionByPath { path })
}

/// Takes whatever key there is out of a drive. What fails is told again at unload.
pub(super) fn forget(drive: &mut Drive) {
    let path = drive.path().to_owned();
    let Some(drive) = drive.scsi() else { return };
    if let Err(error) = drive.forget_key() {
        tracing::warn!(path, %error, "the key may still be in the drive");
    }
}

/// The key of one session of a writer: no other session or volume has it.
#[derive(Debug)]
pub(super) struct SessionKey {
    key: DriveKey,
    /// U-KAD of its blocks: the volume's serial and the tape file that holds the key.
    name: String,
    /// Since when it is in the drive.
    since: Option<EncryptionStatus>,
}

impl SessionKey {
    /// What is written from now on is encrypted.
    pub(super) fn put_in_force(&mut self, drive: &mut Drive) -> Result<(), VolumeError> {
        let drive = scsi(drive)?;
        let reservation = drive.reservation();
        let status =
            drive.encrypt_with(&self.key.for_drive(), self.name.as_bytes(), reservation)?;
        self.since = Some(status);
        Ok(())
    }

    /// What is written from now on is in clear. That all before was encrypted is made sure of.
    pub(super) fn end(&mut self, drive: &mut Drive) -> Result<(), VolumeError> {
        let drive = scsi(drive)?;
        if let Some(since) = self.since.take() {
            drive.check_still_encrypting(&since)?;
        }
        Ok(drive.forget_key()?)
    }
}

impl VolumeWriter {
    /// Makes a key for what the drive encrypts from here on until the writer is given up, and
    /// commits the file with it, which any of the recipients opens.
    ///
    /// # Errors
    /// The drive cannot encrypt, then nothing was written; as [`VolumeWriter::commit`] else.
    pub fn begin_drive_key(
        &mut self,
        set: SetId,
        recipients: &[Recipient],
        expires: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<TapeFile, VolumeError> {
        check_encryption(&mut self.drive)?;
        let key = DriveKey::generate()?;
        let sealed = key.seal(recipients)?;
        let start = FileStart {
            kind: FileKind::DriveKey,
            set: Some(set),
            segment: None,
            codec: Codec::Age,
            expires,
        };
        self.write_file(start, &sealed)?;
        let file = self.commit()?.into_iter().next_back();
        let file = file.ok_or(VolumeError::NothingOnRecord(self.volume()))?;
        self.session_key = Some(SessionKey {
            key,
            name: format!("{} {}", self.header().serial, file.tape_file.0),
            since: None,
        });
        Ok(file)
    }
}

/// What it takes to read segments that the drive encrypted.
#[derive(Debug, Clone, Default)]
pub struct DriveKeys {
    /// The key files of the volume that are on record.
    pub files: Vec<TapeFile>,
    /// Who can open them.
    pub identities: Arc<Identities>,
}

impl DriveKeys {
    /// The file with the key of another file: the last one before it that belongs to its set.
    pub(super) fn file_for(&self, file: &TapeFile) -> Result<&TapeFile, VolumeError> {
        let fits = |key: &&TapeFile| {
            key.kind == FileKind::DriveKey && key.set == file.set && key.sequence < file.sequence
        };
        self.files
            .iter()
            .filter(fits)
            .max_by_key(|key| key.sequence)
            .ok_or(VolumeError::NoKeyOnRecord {
                kind: file.kind,
                sequence: file.sequence,
            })
    }

    /// The key in a key file that was read.
    pub(super) fn open(
        &self,
        file: &TapeFile,
        key_file: &TapeFile,
        sealed: &[u8],
    ) -> Result<DriveKey, VolumeError> {
        DriveKey::open(sealed, &self.identities).map_err(|error| match error {
            CodecError::WrongIdentity { tried } => VolumeError::KeyNotOpened {
                kind: file.kind,
                sequence: file.sequence,
                key_file: key_file.tape_file,
                tried,
            },
            other => other.into(),
        })
    }
}

/// Which key a reader has put into the drive, by the number of its file.
#[derive(Debug, Default)]
pub(super) struct KeyInDrive(Option<FileSequence>);

impl KeyInDrive {
    pub(super) fn is(&self, key_file: &TapeFile) -> bool {
        self.0 == Some(key_file.sequence)
    }

    /// Blocks encrypted with it can be read from now on, and those in clear too.
    pub(super) fn put(
        &mut self,
        drive: &mut Drive,
        key_file: &TapeFile,
        key: &DriveKey,
    ) -> Result<(), VolumeError> {
        self.0 = None;
        let drive = scsi(drive)?;
        let reservation = drive.reservation();
        drive.decrypt_with(&key.for_drive(), reservation)?;
        self.0 = Some(key_file.sequence);
        Ok(())
    }
}

/// Whether the drive encrypted a file.
pub(super) fn is_by_drive(file: &TapeFile) -> Result<bool, VolumeError> {
    let codec = file
        .codec()
        .map_err(|source: LabelError| VolumeError::Label {
            at: file.trailer_block(),
            source,
        })?;
    Ok(codec.is_by_drive())
}
