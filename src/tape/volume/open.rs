//! Labelling a tape, and opening a labelled one to append to it.

use tapeward_drivers::Drive;
use tapeward_drivers::ssc::Space;

use super::end::{End, mismatch, skip_uncommitted, verify_end};
use super::group_io::read_trailer;
use super::identify::{Identified, identify};
use super::settings::{WriterSettings, prepare, restore};
use super::trial::try_block;
use super::writer::{FileStart, Opened, Room, VolumeWriter};
use crate::id::{VolumeId, VolumeSerial};
use crate::tape::codec::Codec;
use crate::tape::document::VolumeHeader;
use crate::tape::error::{FoundTrailer, VolumeError};
use crate::tape::label::{Trailer, TrailerGroup};
use crate::tape::layout::{FileKind, FileSequence, TapeFile};

/// What may be overwritten by a new label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelPolicy {
    /// Nothing: the tape must be blank.
    BlankOnly,
    /// This volume of ours, which the caller knows to be free, once the retention in its own
    /// header has ended too. A blank tape will do.
    Reuse(VolumeId),
    /// This volume of ours, all of which the caller has on record and may go, if the last trailer
    /// on the tape is this one: somebody else may have written more. A blank tape will do.
    Recorded(VolumeId, Box<Trailer>),
    /// A volume of ours whose labelling was begun and not finished: the whole of its label or the
    /// beginning of one, if nothing was written behind that. A blank tape will do.
    Unfinished {
        /// In `volume.json`, where that was written.
        volume: VolumeId,
        /// In VOL1.
        serial: VolumeSerial,
    },
    /// Whatever is not a volume of ours, unless its first label says that it must be kept. A
    /// blank tape will do.
    OverwriteForeign,
}

/// Whether a block of the volume's size is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// The path is known to take it, or the tape can be written only once.
    None,
    /// One is written and read back.
    Block,
}

/// What is on record about a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRecord {
    /// The volume.
    pub volume: VolumeId,
    /// Its committed files in order, `volume.json` first.
    pub files: Vec<TapeFile>,
}

/// A drive that could not be made a writer, with the reason; the drive goes back to the caller.
#[derive(Debug)]
pub struct OpenError {
    /// The drive, its modes restored where they had been changed.
    pub drive: Drive,
    /// Why not.
    pub error: VolumeError,
    /// Whether the tape is as it was.
    pub tape: Touched,
}

/// What happened to a tape that is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Nothing, but for a trial of long blocks at its beginning.
    No,
    /// A label was begun at its beginning, and not finished.
    Label,
}

impl OpenError {
    /// Of a tape on which no label was begun.
    pub(super) fn untouched(drive: Drive, error: VolumeError) -> Box<Self> {
        let tape = Touched::No;
        Box::new(Self { drive, error, tape })
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

/// Prepares the drive, does the rest, and undoes the preparation if the rest fails.
fn open(
    mut drive: Drive,
    settings: WriterSettings,
    rest: impl FnOnce(&mut Drive, &WriterSettings) -> Result<Opened, VolumeError>,
) -> Result<VolumeWriter, Box<OpenError>> {
    let prepared = match prepare(&mut drive, &settings) {
        Ok(prepared) => prepared,
        Err(error) => return Err(OpenError::untouched(drive, error)),
    };
    let opened = rest(&mut drive, &settings).and_then(|opened| {
        // A volume that an earlier session filled is full from the start.
        let position = drive
            .position()
            .map_err(VolumeError::scsi("asking for the position"))?;
        let room = if position.beyond_programmable_early_warning || position.end_of_partition {
            Room::ReserveOnly
        } else {
            Room::Open
        };
        Ok((opened, room))
    });
    match opened {
        Ok((opened, room)) => Ok(VolumeWriter::new(drive, &prepared, settings, opened, room)),
        Err(error) => {
            restore(&mut drive, &prepared.before);
            Err(OpenError::untouched(drive, error))
        }
    }
}

impl VolumeWriter {
    /// Labels the tape in the drive: VOL1, and `volume.json` as its first file, committed.
    ///
    /// # Errors
    /// [`VolumeError::NotBlank`], [`VolumeError::RetentionRuns`], [`VolumeError::WormNotBlank`],
    /// [`VolumeError::TrailerMismatch`] and [`VolumeError::WriteProtected`] leave the tape as it
    /// is.
    #[allow(clippy::needless_pass_by_value)] // made for this one call
    pub fn label_new(
        drive: Drive,
        header: VolumeHeader,
        policy: LabelPolicy,
        settings: WriterSettings,
    ) -> Result<Self, Box<OpenError>> {
        Self::label(drive, header, &policy, settings, Trial::None)
    }

    /// As [`VolumeWriter::label_new`], after a trial on the same tape.
    ///
    /// # Errors
    /// [`VolumeError::BlockRefused`] leaves a tape without a label.
    pub fn label(
        drive: Drive,
        header: VolumeHeader,
        policy: &LabelPolicy,
        settings: WriterSettings,
        trial: Trial,
    ) -> Result<Self, Box<OpenError>> {
        let mut writer = open(drive, settings, |drive, settings| {
            let worm = is_worm(drive)?;
            let found = identify(drive.as_mut())?;
            let empty = matches!(found, Identified::Blank | Identified::Trial);
            may_overwrite(found, policy, worm, settings)?;
            if !empty {
                ends_as_known(drive, policy)?;
            }
            if trial == Trial::Block && !worm {
                try_block(drive, header.block_size)?;
            }
            drive
                .rewind()
                .map_err(VolumeError::scsi("rewinding the tape"))?;
            Ok(Opened {
                remaining: remaining(drive, &header, &[])?,
                header,
                files: Vec::new(),
                committed: End::BEGINNING,
                at: End::BEGINNING,
                worm,
            })
        })?;
        match writer.write_header() {
            Ok(()) => Ok(writer),
            Err(error) => Err(Box::new(OpenError {
                drive: writer.into_drive(),
                error,
                tape: Touched::Label,
            })),
        }
    }

    /// Opens a volume to append behind the last file on record, which must be the last on the
    /// tape: goes to the end of data, reads the trailer before it and compares.
    ///
    /// # Errors
    /// [`VolumeError::TrailerMismatch`] with both values, [`VolumeError::WrongVolume`].
    pub fn open_append(
        drive: Drive,
        record: VolumeRecord,
        settings: WriterSettings,
    ) -> Result<Self, Box<OpenError>> {
        open(drive, settings, |drive, _| {
            let header = check_volume(drive, record.volume)?;
            let last = record
                .files
                .last()
                .ok_or(VolumeError::NothingOnRecord(record.volume))?;
            let found = trailer_at_end_of_data(drive)?;
            if found != FoundTrailer::Trailer(last.trailer.clone()) {
                return Err(mismatch(&last.trailer, found));
            }
            let at = End {
                block: last.end(),
                tape_file: last.next_tape_file(),
            };
            let position = drive
                .position()
                .map_err(VolumeError::scsi("asking for the position"))?;
            if position.position_unknown || position.block != at.block {
                return Err(VolumeError::Position {
                    expected: at.block,
                    found: format!("block {}", position.block),
                });
            }
            Ok(Opened {
                remaining: remaining(drive, &header, &record.files)?,
                worm: is_worm(drive)?,
                header,
                files: record.files,
                committed: at,
                at,
            })
        })
    }

    /// Opens a volume after a crash: goes to where the last file on record ends and checks that
    /// its trailer stands there. What follows was never committed; on rewritable media it is
    /// overwritten by the next file, on WORM media the next file goes behind it.
    ///
    /// # Errors
    /// As [`VolumeWriter::open_append`].
    pub fn open_after_crash(
        drive: Drive,
        record: VolumeRecord,
        settings: WriterSettings,
    ) -> Result<Self, Box<OpenError>> {
        open(drive, settings, |drive, _| {
            let header = check_volume(drive, record.volume)?;
            let worm = is_worm(drive)?;
            let committed = verify_end(drive, record.files.last(), record.volume)?;
            let at = if worm {
                skip_uncommitted(drive, committed)?
            } else {
                committed
            };
            Ok(Opened {
                remaining: remaining(drive, &header, &record.files)?,
                header,
                files: record.files,
                committed,
                at,
                worm,
            })
        })
    }

    fn write_header(&mut self) -> Result<(), VolumeError> {
        self.write_volume_label()?;
        let start = FileStart {
            kind: FileKind::VolumeHeader,
            set: None,
            segment: None,
            codec: Codec::None,
            expires: self.header().retain_until,
        };
        let document = self.header().to_bytes()?;
        self.write_file(start, &document)?;
        self.commit()?;
        Ok(())
    }
}

fn is_worm(drive: &mut Drive) -> Result<bool, VolumeError> {
    // A drive that can't tell has no WORM cartridge it would let us write twice.
    Ok(drive
        .is_worm()
        .map_err(VolumeError::scsi("asking for the kind of cartridge"))?
        .unwrap_or(false))
}

/// Bytes left: what the drive says, else the native capacity less what was written.
fn remaining(
    drive: &mut Drive,
    header: &VolumeHeader,
    files: &[TapeFile],
) -> Result<u64, VolumeError> {
    let capacity = drive
        .capacity()
        .map_err(VolumeError::scsi("asking for the remaining capacity"))?;
    Ok(match capacity {
        Some(capacity) => capacity.remaining.bytes(),
        None => header
            .native_capacity
            .saturating_sub(files.iter().map(|file| file.length).sum()),
    })
}

/// Makes sure that nothing was written on a volume behind what the record knows.
///
/// # Errors
/// What stands at the end of data instead of this trailer.
pub fn ends_with(drive: &mut Drive, last: &Trailer) -> Result<(), VolumeError> {
    match trailer_at_end_of_data(drive)? {
        FoundTrailer::Trailer(found) if found == *last => Ok(()),
        found => Err(mismatch(last, found)),
    }
}

/// A volume that may go ends where the caller thinks.
fn ends_as_known(drive: &mut Drive, policy: &LabelPolicy) -> Result<(), VolumeError> {
    match policy {
        LabelPolicy::Recorded(_, last) => ends_with(drive, last),
        LabelPolicy::Unfinished { volume, .. } => match trailer_at_end_of_data(drive)? {
            FoundTrailer::Trailer(found) if !is_of_label(&found) => {
                Err(VolumeError::WrittenBehindLabel(*volume))
            }
            _ => Ok(()),
        },
        LabelPolicy::BlankOnly | LabelPolicy::Reuse(_) | LabelPolicy::OverwriteForeign => Ok(()),
    }
}

fn is_of_label(trailer: &Trailer) -> bool {
    TrailerGroup::parse(trailer).is_ok_and(|group| group.file1.sequence == FileSequence::FIRST)
}

fn may_overwrite(
    found: Identified,
    policy: &LabelPolicy,
    worm: bool,
    settings: &WriterSettings,
) -> Result<(), VolumeError> {
    match found {
        Identified::Blank => return Ok(()),
        Identified::Trial if !worm => return Ok(()),
        _ => {}
    }
    if worm {
        return Err(VolumeError::WormNotBlank {
            found: Box::new(found),
        });
    }
    match (&found, policy) {
        (
            Identified::Ours(header),
            LabelPolicy::Recorded(volume, _) | LabelPolicy::Unfinished { volume, .. },
        ) if header.volume == *volume => Ok(()),
        (Identified::OursUnfinished { serial: found }, LabelPolicy::Unfinished { serial, .. })
            if found == serial.as_str() =>
        {
            Ok(())
        }
        (Identified::Ours(header), LabelPolicy::Reuse(volume)) if header.volume == *volume => {
            match header.retain_until {
                Some(until) if until > settings.clock.now() => Err(VolumeError::RetentionRuns {
                    volume: *volume,
                    until: until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                }),
                _ => Ok(()),
            }
        }
        (
            Identified::OtherLabel {
                serial, expires, ..
            },
            LabelPolicy::OverwriteForeign,
        ) => match expires.day() {
            Some(until) if until > settings.clock.now().date_naive() => {
                Err(VolumeError::OtherRetentionRuns {
                    serial: serial.clone(),
                    until,
                })
            }
            _ => Ok(()),
        },
        (
            Identified::Foreign { .. }
            | Identified::Unreadable { .. }
            | Identified::OursUnfinished { .. }
            | Identified::OursDamaged { .. },
            LabelPolicy::OverwriteForeign,
        ) => Ok(()),
        _ => Err(VolumeError::NotBlank {
            found: Box::new(found),
        }),
    }
}

/// Whether the volume on record is the one in the drive.
pub(super) fn check_volume(
    drive: &mut Drive,
    expected: VolumeId,
) -> Result<VolumeHeader, VolumeError> {
    match identify(drive.as_mut())? {
        Identified::Ours(header) if header.volume == expected => Ok(*header),
        found => Err(VolumeError::WrongVolume {
            expected,
            found: Box::new(found),
        }),
    }
}

/// Reads the trailer before the end of data; afterwards the tape is at the end of data.
pub(super) fn trailer_at_end_of_data(drive: &mut Drive) -> Result<FoundTrailer, VolumeError> {
    let doing = "going to the end of data";
    drive
        .space(Space::EndOfData)
        .map_err(VolumeError::scsi(doing))?;
    let position = drive.position().map_err(VolumeError::scsi(doing))?;
    let group = Trailer::LABELS + 1;
    let Some(first) = position.block.0.checked_sub(group) else {
        return Ok(FoundTrailer::Other(format!(
            "only {} blocks and filemarks",
            position.block
        )));
    };
    drive
        .locate(tapeward_drivers::ssc::BlockAddress(first))
        .map_err(VolumeError::scsi("going to the last trailer"))?;
    read_trailer(drive.as_mut())
}
