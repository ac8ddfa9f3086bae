//! Blocks and filemarks: READ(6), WRITE(6), WRITE FILEMARKS(6) and (16) (SSC-4),
//! always one block of variable length at a time.

use thiserror::Error;

use super::drive::Drive;
use super::motion::Space;
use super::position::{BlockAddress, Partition};
use super::protection::INFORMATION;
use crate::bytes::low24;
use crate::command::{Command, Completion};
use crate::error::ScsiError;
use crate::sense::{SenseClass, SenseData, SenseKey};
use crate::timeout;
use crate::transport::{Data, Transport};

/// OPERATION CODE of READ(6).
pub const READ_6: u8 = 0x08;
/// OPERATION CODE of WRITE(6).
pub const WRITE_6: u8 = 0x0a;
/// OPERATION CODE of WRITE FILEMARKS(6).
pub const WRITE_FILEMARKS_6: u8 = 0x10;
/// OPERATION CODE of WRITE FILEMARKS(16).
pub const WRITE_FILEMARKS_16: u8 = 0x80;

/// Most bytes TRANSFER LENGTH can say, and most filemarks.
pub const LARGEST_BLOCK: usize = 0x00ff_ffff;

/// What became of something that was written. All of these mean that the drive took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteOutcome {
    /// There is room for more.
    Written,
    /// Written behind the place the host chose to be warned at (SSC-4, programmable
    /// early warning).
    ProgrammableEarlyWarning,
    /// Written behind early warning: little room is left (SSC-4, early warning).
    EarlyWarning,
}

/// A write that did not simply succeed.
#[derive(Debug, Error)]
pub enum WriteError {
    /// VOLUME OVERFLOW: the partition is full, and this block or filemark is not on it. With
    /// buffered writing, blocks taken before may be lost too: INFORMATION says how many.
    #[error("not written, the tape is full: {0}")]
    NotWritten(ScsiError),
    /// An earlier write failed after the drive had taken it; this one was not performed.
    /// Everything since the last synchronised filemark is in doubt.
    #[error("an earlier write failed: {0}")]
    Deferred(ScsiError),
    /// Any other error.
    #[error(transparent)]
    Scsi(ScsiError),
}

impl WriteError {
    /// The error beneath.
    #[must_use]
    pub fn scsi(&self) -> &ScsiError {
        match self {
            Self::NotWritten(error) | Self::Deferred(error) | Self::Scsi(error) => error,
        }
    }

    /// Whole sense data, when the device gave any.
    #[must_use]
    pub fn sense(&self) -> Option<&SenseData> {
        self.scsi().sense()
    }

    /// The error beneath, by value.
    #[must_use]
    pub fn into_scsi(self) -> ScsiError {
        match self {
            Self::NotWritten(error) | Self::Deferred(error) | Self::Scsi(error) => error,
        }
    }
}

/// What came back from reading one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadOutcome {
    /// A block of this many bytes, now at the start of the buffer.
    Block(usize),
    /// A block longer than the buffer. The tape is behind it.
    TooLong {
        /// Its length in bytes.
        actual: u64,
    },
    /// A filemark. The tape is behind it.
    Filemark,
    /// Nothing is recorded from here on (BLANK CHECK).
    EndOfData,
    /// The end of the partition was met (MEDIUM ERROR, 00h/02h).
    EndOfMedium,
}

/// Whether WRITE FILEMARKS waits for the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Synchronize {
    /// IMMED=1: returns as soon as the drive took the command; buffered data stays buffered.
    Immediate,
    /// IMMED=0: returns when everything buffered and the filemarks are on tape.
    Flush,
}

impl Drive {
    /// Writes one block of `block.len()` bytes (WRITE(6), FIXED=0).
    ///
    /// # Errors
    /// [`WriteError::NotWritten`] at the physical end, [`WriteError::Deferred`] when an earlier
    /// block failed, [`WriteError::Scsi`] for all else.
    pub fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, WriteError> {
        let largest = self.largest_block();
        if block.is_empty() || block.len() > largest {
            let what = format!(
                "a block of {} bytes, possible are 1 to {largest}",
                block.len()
            );
            return Err(WriteError::Scsi(not_sent(
                &*self.transport,
                "WRITE(6)",
                what,
            )));
        }
        let block = if self.guarding.on {
            self.guarding.guard(block)
        } else {
            block
        };
        #[allow(clippy::cast_possible_truncation)] // at most 24 bits, checked above
        let [a, b, c] = low24(block.len() as u32);
        let command = Command::new("WRITE(6)", timeout::BLOCK, [WRITE_6, 0, a, b, c, 0]);
        let result = command.send(&mut *self.transport, Data::Out(block));
        if let Ok(Completion {
            transferred,
            sense: None,
        }) = &result
            && *transferred < block.len()
        {
            let what = format!(
                "took {transferred} of {} bytes without an error",
                block.len()
            );
            return Err(WriteError::Scsi(command.malformed(
                self.transport.path(),
                what,
                &[],
            )));
        }
        write_outcome(result)
    }

    /// Writes filemarks (WRITE FILEMARKS(6)). `count` 0 with [`Synchronize::Flush`] only
    /// writes what is buffered.
    ///
    /// # Errors
    /// As [`Drive::write_block`].
    pub fn write_filemarks(
        &mut self,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError> {
        if count as usize > LARGEST_BLOCK {
            let what = format!("{count} filemarks, possible are up to 16,777,215");
            return Err(WriteError::Scsi(not_sent(
                &*self.transport,
                "WRITE FILEMARKS(6)",
                what,
            )));
        }
        let [a, b, c] = low24(count);
        let immediate = u8::from(synchronize == Synchronize::Immediate);
        let command = Command::new(
            "WRITE FILEMARKS(6)",
            timeout::BLOCK,
            [WRITE_FILEMARKS_6, immediate, a, b, c, 0],
        );
        write_outcome(command.run(&mut *self.transport))
    }

    /// Writes filemarks where the host says it is (WRITE FILEMARKS(16), for drives in explicit
    /// address mode): a drive that is elsewhere refuses.
    ///
    /// # Errors
    /// As [`Drive::write_block`].
    pub fn write_filemarks_at(
        &mut self,
        address: BlockAddress,
        partition: Partition,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError> {
        let name = "WRITE FILEMARKS(16)";
        let refused = |what: String| WriteError::Scsi(not_sent(&*self.transport, name, what));
        if count as usize > LARGEST_BLOCK {
            return Err(refused(format!(
                "{count} filemarks, possible are up to 16,777,215"
            )));
        }
        let partition = u8::try_from(partition.0)
            .map_err(|_| refused(format!("partition {partition} is above 255")))?;
        let mut cdb = [0; 16];
        cdb[0] = WRITE_FILEMARKS_16;
        cdb[1] = u8::from(synchronize == Synchronize::Immediate);
        cdb[3] = partition;
        cdb[4..12].copy_from_slice(&address.0.to_be_bytes());
        cdb[12..15].copy_from_slice(&low24(count));
        let command = Command::new(name, timeout::BLOCK, cdb);
        write_outcome(command.run(&mut *self.transport))
    }

    /// Reads one block (READ(6), FIXED=0, SILI=0), so that a length other than the buffer's is
    /// always told.
    ///
    /// A block of which less came than the drive says it is long is read again with that length:
    /// some targets send the beginning of a short block only (tgt sends as many bytes as the
    /// block is shorter than the buffer).
    ///
    /// # Errors
    /// [`ScsiError::BlockCorrupted`] when block protection is on and the block is not the one that
    /// was written.
    pub fn read_block(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        match self.read_once(buffer)? {
            Arrived::Whole(outcome) => Ok(outcome),
            Arrived::Part { length, came } => {
                tracing::debug!(path = self.path(), length, came, "read again");
                self.space(Space::Blocks(-1))?;
                match self.read_once(&mut buffer[..length])? {
                    Arrived::Whole(outcome @ ReadOutcome::Block(again)) if again == length => {
                        Ok(outcome)
                    }
                    _ => Err(ScsiError::Malformed {
                        command: "READ(6)",
                        path: self.path().to_owned(),
                        what: format!("{came} bytes came of a block of {length}"),
                        bytes: Vec::new(),
                    }),
                }
            }
        }
    }

    fn read_once(&mut self, buffer: &mut [u8]) -> Result<Arrived, ScsiError> {
        let largest = self.largest_block();
        if buffer.is_empty() || buffer.len() > largest {
            let what = format!(
                "a block of {} bytes, possible are 1 to {largest}",
                buffer.len()
            );
            return Err(not_sent(&*self.transport, "READ(6)", what));
        }
        if self.guarding.on {
            self.read_guarded(buffer)
        } else {
            self.read_transfer(buffer)
        }
    }

    /// Longest block there is room for in a command.
    fn largest_block(&self) -> usize {
        LARGEST_BLOCK - if self.guarding.on { INFORMATION } else { 0 }
    }

    /// Reads what one block transfers.
    pub(super) fn read_transfer(&mut self, buffer: &mut [u8]) -> Result<Arrived, ScsiError> {
        let requested = buffer.len();
        #[allow(clippy::cast_possible_truncation)] // at most 24 bits, checked above
        let [a, b, c] = low24(requested as u32);
        let command = Command::new("READ(6)", timeout::BLOCK, [READ_6, 0, a, b, c, 0]);
        let mut counting = Counting {
            transport: &mut *self.transport,
            transferred: 0,
        };
        let result = command.send(&mut counting, Data::In(buffer));
        let transferred = counting.transferred.min(requested);
        match result {
            Ok(Completion {
                sense: Some(sense), ..
            }) => stream_outcome(&sense, requested, transferred)
                .map_err(|what| command.malformed(self.transport.path(), what, &sense.raw)),
            Ok(_) => Ok(Arrived::Whole(ReadOutcome::Block(transferred))),
            Err(ScsiError::Check {
                command: name,
                path,
                cdb,
                sense,
            }) if !sense.deferred => match sense.key {
                SenseKey::NoSense => stream_outcome(&sense, requested, transferred)
                    .map_err(|what| command.malformed(&path, what, &sense.raw)),
                SenseKey::BlankCheck if sense.class() == SenseClass::EndOfData => {
                    Ok(Arrived::Whole(ReadOutcome::EndOfData))
                }
                SenseKey::MediumError if sense.class() == SenseClass::EndOfMedium => {
                    Ok(Arrived::Whole(ReadOutcome::EndOfMedium))
                }
                _ => Err(ScsiError::Check {
                    command: name,
                    path,
                    cdb,
                    sense,
                }),
            },
            Err(error) => Err(error),
        }
    }
}

/// How much of a block one READ brought.
pub(super) enum Arrived {
    /// All there is.
    Whole(ReadOutcome),
    /// Less than the drive says the block has.
    Part {
        /// What the drive says.
        length: usize,
        /// What came.
        came: usize,
    },
}

/// NO SENSE (or RECOVERED ERROR) after READ: a filemark, or a block with a flag (SSC-4, READ(6)).
fn stream_outcome(
    sense: &SenseData,
    requested: usize,
    transferred: usize,
) -> Result<Arrived, String> {
    if sense.filemark {
        return Ok(Arrived::Whole(ReadOutcome::Filemark));
    }
    if !sense.incorrect_length {
        // EOM with data is early warning met while reading (REW); the block is whole.
        return Ok(Arrived::Whole(ReadOutcome::Block(transferred)));
    }
    let Some(difference) = sense.information else {
        return if transferred < requested {
            Ok(Arrived::Whole(ReadOutcome::Block(transferred)))
        } else {
            Err("incorrect length, and INFORMATION does not say what length".to_owned())
        };
    };
    // INFORMATION is the requested less the actual length: four bytes with a sign, which in
    // descriptor format have zeros before them (SPC-5, information sense data descriptor).
    let difference =
        u32::try_from(difference).map_or(difference, |four| i64::from(four.cast_signed()));
    let requested_signed = i64::try_from(requested).unwrap_or(i64::MAX);
    let actual = u64::try_from(requested_signed.saturating_sub(difference))
        .map_err(|_| format!("a block shorter than nothing: INFORMATION is {difference}"))?;
    match usize::try_from(actual) {
        Ok(length) if length <= transferred => Ok(Arrived::Whole(ReadOutcome::Block(length))),
        Ok(length) if length <= requested => Ok(Arrived::Part {
            length,
            came: transferred,
        }),
        _ => Ok(Arrived::Whole(ReadOutcome::TooLong { actual })),
    }
}

fn write_outcome(result: Result<Completion, ScsiError>) -> Result<WriteOutcome, WriteError> {
    match result {
        Ok(Completion { sense: None, .. }) => Ok(WriteOutcome::Written),
        Ok(Completion {
            sense: Some(sense), ..
        }) => Ok(warning(&sense)),
        Err(error) => match error.sense() {
            Some(sense) if sense.deferred => Err(WriteError::Deferred(error)),
            Some(sense) if sense.key == SenseKey::NoSense && is_warning(sense) => {
                Ok(warning(sense))
            }
            Some(sense) if sense.key == SenseKey::VolumeOverflow => {
                Err(WriteError::NotWritten(error))
            }
            _ => Err(WriteError::Scsi(error)),
        },
    }
}

fn is_warning(sense: &SenseData) -> bool {
    sense.end_of_medium || sense.class() == SenseClass::ProgrammableEarlyWarning
}

fn warning(sense: &SenseData) -> WriteOutcome {
    if (sense.asc.code, sense.asc.qualifier) == (0x00, 0x07) {
        WriteOutcome::ProgrammableEarlyWarning
    } else if sense.end_of_medium {
        WriteOutcome::EarlyWarning
    } else {
        WriteOutcome::Written
    }
}

fn not_sent(transport: &dyn Transport, command: &'static str, what: String) -> ScsiError {
    ScsiError::NotSent {
        command,
        path: transport.path().to_owned(),
        what,
    }
}

/// Keeps how many bytes came, which an error does not carry.
struct Counting<'a> {
    transport: &'a mut dyn Transport,
    transferred: usize,
}

impl Transport for Counting<'_> {
    fn execute(
        &mut self,
        cdb: &crate::transport::Cdb,
        data: Data<'_>,
        timeout: std::time::Duration,
    ) -> Result<crate::transport::Reply, crate::transport::TransportError> {
        let reply = self.transport.execute(cdb, data, timeout)?;
        self.transferred = reply.transferred;
        Ok(reply)
    }

    fn path(&self) -> &str {
        self.transport.path()
    }
}
