//! Reading files of a volume by what is on record about them, or by what the tape itself says.

use tapeward_drivers::Drive;
use tapeward_drivers::ssc::access_order::{UserDataSegment, by_position};
use tapeward_drivers::ssc::{BlockAddress, Space};

use super::encryption::{self, DriveKeys, KeyInDrive, is_by_drive};
use super::group_io::{DOCUMENT_LIMIT, LabelRead, read_header_group, read_label, read_trailer};
use super::identify::{Identified, identify};
use super::open::{OpenError, check_volume, trailer_at_end_of_data};
use super::payload::PayloadReader;
use crate::id::{TapeFileNumber, VolumeId};
use crate::tape::document::{Directory, PartDocument, VolumeHeader};
use crate::tape::error::{FoundTrailer, VolumeError};
use crate::tape::label::{HeaderGroup, Trailer, TrailerGroup, VolumeLabel};
use crate::tape::layout::{FileKind, TapeFile};

/// A volume being read. Needs nothing but the drive, no mode is changed; what the drive encrypted
/// takes [`VolumeReader::with_drive_keys`].
#[derive(Debug)]
pub struct VolumeReader {
    drive: Drive,
    header: VolumeHeader,
    drive_keys: DriveKeys,
    key_in_drive: KeyInDrive,
}

impl VolumeReader {
    /// Checks that the volume expected is in the drive.
    ///
    /// # Errors
    /// [`VolumeError::WrongVolume`] says what is there instead.
    pub fn open(mut drive: Drive, expected: VolumeId) -> Result<Self, Box<OpenError>> {
        match check_volume(&mut drive, expected) {
            Ok(header) => Ok(Self::of_identified(drive, header)),
            Err(error) => Err(OpenError::untouched(drive, error)),
        }
    }

    /// As [`VolumeReader::open`] with as little winding as possible, for files whose content is
    /// checked when they are read: only VOL1 is read and compared. Where that cannot be read, or
    /// is not what it should be, the labels around `file` tell: they hold its digest.
    ///
    /// # Errors
    /// [`VolumeError::WrongVolume`] says what is there instead.
    pub fn open_at(
        mut drive: Drive,
        header: VolumeHeader,
        file: &TapeFile,
    ) -> Result<Self, Box<OpenError>> {
        let by_label = has_serial(&mut drive, &header);
        let mut reader = Self::of_identified(drive, header);
        let found = match by_label {
            Ok(true) => return Ok(reader),
            Ok(false) => identify(reader.drive.as_mut()),
            Err(error) => Err(error),
        };
        let error = match found {
            // What can be told for sure.
            Ok(found @ (Identified::Blank | Identified::Ours(_))) => reader.wrong(found),
            Ok(found) => match reader.check_labels(file) {
                Ok(()) => return Ok(reader),
                Err(error) => {
                    tracing::warn!(%error, "the labels around the file do not tell either");
                    reader.wrong(found)
                }
            },
            Err(error) => error,
        };
        Err(OpenError::untouched(reader.drive, error))
    }

    fn wrong(&self, found: Identified) -> VolumeError {
        VolumeError::WrongVolume {
            expected: self.header.volume,
            found: Box::new(found),
        }
    }

    /// Whether the whole of the volume's header is the one expected.
    ///
    /// # Errors
    /// [`VolumeError::WrongVolume`] says what is there instead.
    pub fn check(&mut self) -> Result<(), VolumeError> {
        check_volume(&mut self.drive, self.header.volume).map(drop)
    }

    /// In which order to read parts of the tape, as indexes: as the drive recommends, else by
    /// position.
    ///
    /// # Errors
    /// The drive does not answer.
    pub fn access_order(&mut self, parts: &[UserDataSegment]) -> Result<Vec<usize>, VolumeError> {
        match self.drive.scsi() {
            Some(drive) => drive
                .access_order(parts)
                .map_err(VolumeError::scsi("asking for the recommended order")),
            None => Ok(by_position(parts)),
        }
    }

    /// A volume that was just identified, of whatever id.
    #[must_use]
    pub fn of_identified(drive: Drive, header: VolumeHeader) -> Self {
        Self {
            drive,
            header,
            drive_keys: DriveKeys::default(),
            key_in_drive: KeyInDrive::default(),
        }
    }

    /// With what it takes to read what the drive encrypted.
    #[must_use]
    pub fn with_drive_keys(mut self, keys: DriveKeys) -> Self {
        self.drive_keys = keys;
        self
    }

    /// The volume's header.
    #[must_use]
    pub fn header(&self) -> &VolumeHeader {
        &self.header
    }

    /// Takes the key out of the drive, if there is one, and hands the drive back.
    #[must_use]
    pub fn into_drive(mut self) -> Drive {
        encryption::forget(&mut self.drive);
        self.drive
    }

    /// The drive's name in messages.
    #[must_use]
    pub fn drive_path(&self) -> &str {
        self.drive.path()
    }

    /// A file's data as a stream. Moves the tape when the first byte is read, or before that to the
    /// file with its key.
    ///
    /// # Errors
    /// The key of what the drive encrypted cannot be had: [`VolumeError::KeyNotOpened`],
    /// [`VolumeError::NoKeyOnRecord`], or what the drive says.
    pub fn payload(&mut self, file: &TapeFile) -> Result<PayloadReader<'_>, VolumeError> {
        if is_by_drive(file)? {
            let key_file = self.drive_keys.file_for(file)?.clone();
            if !self.key_in_drive.is(&key_file) {
                let sealed = self.read_small(&key_file)?;
                let key = self.drive_keys.open(file, &key_file, &sealed)?;
                self.key_in_drive.put(&mut self.drive, &key_file, &key)?;
            }
        }
        Ok(PayloadReader::new(&mut self.drive, file.clone()))
    }

    /// Reads a small file whole; its digest is checked.
    pub fn read_small(&mut self, file: &TapeFile) -> Result<Vec<u8>, VolumeError> {
        let mut bytes = Vec::new();
        self.payload(file)?.for_each_block(|block| {
            bytes.extend_from_slice(block);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Reads `part.json`; its digest is checked.
    pub fn read_part(&mut self, file: &TapeFile) -> Result<PartDocument, VolumeError> {
        PartDocument::from_bytes(&self.read_small(file)?)
    }

    /// Compares the labels before and behind a file with the record.
    pub fn check_labels(&mut self, file: &TapeFile) -> Result<(), VolumeError> {
        let at = BlockAddress(file.first_block.0 - HeaderGroup::LABELS - 1);
        self.drive
            .locate(at)
            .map_err(VolumeError::scsi("going to header labels"))?;
        let header = read_header_group(self.drive.as_mut(), at)?;
        self.drive
            .locate(file.trailer_block())
            .map_err(VolumeError::scsi("going to trailer labels"))?;
        let found = read_trailer(self.drive.as_mut())?;
        let disagrees = |expected: String, found: String| {
            Err(VolumeError::LabelDisagrees {
                kind: file.kind,
                sequence: file.sequence,
                expected,
                found,
            })
        };
        if found != FoundTrailer::Trailer(file.trailer.clone()) {
            return disagrees(file.trailer.to_string(), found.to_string());
        }
        let trailer = parse_trailer(&file.trailer, file.trailer_block())?;
        let same = header.user1 == trailer.user1
            && header.file2 == trailer.file2
            && header.file1.sequence == trailer.file1.sequence
            && header.file1.identifier == trailer.file1.identifier;
        if same {
            Ok(())
        } else {
            disagrees(format!("{trailer:?}"), format!("{header:?}"))
        }
    }

    /// The newest directory, if the last file on the tape is one, and that file.
    pub fn directory(&mut self) -> Result<Option<(Directory, TapeFile)>, VolumeError> {
        let FoundTrailer::Trailer(trailer) = trailer_at_end_of_data(&mut self.drive)? else {
            return Ok(None);
        };
        let end = self
            .drive
            .position()
            .map_err(VolumeError::scsi("asking for the position"))?;
        let group = parse_trailer(&trailer, end.block)?;
        if group.user1.kind != FileKind::Directory {
            return Ok(None);
        }
        let before = group.user2.blocks + 1 + Trailer::LABELS + 1;
        let first_block = end.block.0.checked_sub(before).map(BlockAddress);
        // Without a count of filemarks only the address is used.
        let tape_file = end
            .file
            .and_then(|file| u32::try_from(file.0).ok()?.checked_sub(2))
            .map_or(TapeFileNumber(0), TapeFileNumber);
        let Some(first_block) = first_block else {
            return Ok(None);
        };
        let file = TapeFile::from_trailer(self.header.volume, tape_file, first_block, trailer)
            .map_err(|source| VolumeError::Label {
                at: end.block,
                source,
            })?;
        if group.user2.length > DOCUMENT_LIMIT as u64 {
            return Ok(None);
        }
        let bytes = self.read_small(&file)?;
        Ok(Some((Directory::from_bytes(&bytes)?, file)))
    }

    /// Walks the tape from its beginning and returns every file that has its labels on both
    /// ends, those of uncommitted sessions included. Reads labels only, and passes over data by
    /// its filemarks.
    pub fn scan(&mut self) -> Result<Vec<TapeFile>, VolumeError> {
        let mut files = Vec::new();
        self.walk(&mut files)?;
        Ok(files)
    }

    /// As [`VolumeReader::scan`]; `files` has what was found before an error too.
    pub fn walk(&mut self, files: &mut Vec<TapeFile>) -> Result<(), VolumeError> {
        let doing = "walking the tape";
        // VOL1 stands before the first group.
        let mut at = BlockAddress(1);
        let mut tape_file = TapeFileNumber(0);
        self.drive.locate(at).map_err(VolumeError::scsi(doing))?;
        loop {
            let header = read_header_group(self.drive.as_mut(), at).ok();
            let found = match header {
                Some(header) => self.scan_file(&header, at, tape_file, files)?,
                None => Scanned::Unknown,
            };
            match found {
                Scanned::File => tape_file.0 += 3,
                Scanned::End => return Ok(()),
                Scanned::Unknown => {
                    // Unfinished data on WORM media: the next labels are behind a filemark.
                    self.drive.locate(at).map_err(VolumeError::scsi(doing))?;
                    match self.drive.space(Space::Filemarks(1)) {
                        Ok(()) => tape_file.0 += 1,
                        Err(error) if error.is_end_of_data() => return Ok(()),
                        Err(source) => return Err(VolumeError::scsi(doing)(source)),
                    }
                }
            }
            at = self
                .drive
                .position()
                .map_err(VolumeError::scsi(doing))?
                .block;
        }
    }

    /// Behind a header group: passes over the data and reads the trailer group.
    fn scan_file(
        &mut self,
        header: &HeaderGroup,
        at: BlockAddress,
        labels: TapeFileNumber,
        files: &mut Vec<TapeFile>,
    ) -> Result<Scanned, VolumeError> {
        let doing = "walking the tape";
        let first_block = BlockAddress(at.0 + HeaderGroup::LABELS + 1);
        match self.drive.space(Space::Filemarks(1)) {
            Ok(()) => {}
            Err(error) if error.is_end_of_data() => return Ok(Scanned::End),
            Err(source) => return Err(VolumeError::scsi(doing)(source)),
        }
        let FoundTrailer::Trailer(trailer) = read_trailer(self.drive.as_mut())? else {
            return Ok(Scanned::Unknown);
        };
        let group = parse_trailer(&trailer, first_block)?;
        if group.user1 != header.user1 || group.file1.sequence != header.file1.sequence {
            return Ok(Scanned::Unknown);
        }
        let tape_file = TapeFileNumber(labels.0 + 1);
        let file = TapeFile::from_trailer(self.header.volume, tape_file, first_block, trailer)
            .map_err(|source| VolumeError::Label {
                at: first_block,
                source,
            })?;
        files.push(file);
        Ok(Scanned::File)
    }
}

/// Whether the first block is VOL1 with the serial number expected; one that is about the medium
/// is an answer too.
fn has_serial(drive: &mut Drive, expected: &VolumeHeader) -> Result<bool, VolumeError> {
    drive
        .rewind()
        .map_err(VolumeError::scsi("rewinding the tape"))?;
    let label = match read_label(drive.as_mut(), "reading the first block") {
        Ok(LabelRead::Label(block)) => VolumeLabel::parse(&block).ok(),
        Ok(_) => None,
        Err(error) => match error.scsi_error() {
            Some(scsi) if !scsi.is_about_medium() => return Err(error),
            _ => None,
        },
    };
    Ok(label.is_some_and(|label| label.is_ours() && label.volume == expected.serial.as_str()))
}

enum Scanned {
    File,
    Unknown,
    End,
}

fn parse_trailer(trailer: &Trailer, at: BlockAddress) -> Result<TrailerGroup, VolumeError> {
    TrailerGroup::parse(trailer).map_err(|source| VolumeError::Label { at, source })
}
