//! A tape drive through the kernel's `st` driver: `/dev/nstN`, read and write, MTIOCTOP,
//! MTIOCGET and MTIOCPOS (`<linux/mtio.h>`, Documentation/scsi/st.rst of Linux).
//!
//! What is peculiar to it, and what is done about it:
//! - A node without a cartridge opens with `O_NONBLOCK` only, and learns of a cartridge loaded
//!   later only by being opened again.
//! - After the last write without a filemark, REWIND, LOCATE and closing write one. Our writers
//!   end with filemarks; behind an error the extra one stands behind uncommitted data.
//! - A block longer than the buffer is ENOMEM, without its length, and the tape is behind it.
//! - At early warning every other write is refused with ENOSPC and may be repeated.
//! - A read at the end of data returns a block that is none where the drive says end of medium
//!   beside BLANK CHECK: only the position tells.
//! - EIO stands for everything; whether it was the end of data is found out by going there.
//! - Block addresses are logical ones only when the driver's option scsi2logical is set.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;

use super::abi::{self, TapeOperation, TapeStatus};
use super::kernel_error::kernel_error;
use super::scan::NodeKind;
use crate::device::{Missing, TapeDrive, locate_by_spacing};
use crate::error::ScsiError;
use crate::sense::{SenseClass, SenseData};
use crate::ssc::block::LARGEST_BLOCK;
use crate::ssc::modes::{ModesSet, shortfalls};
use crate::ssc::position::Partition;
use crate::ssc::{
    self, BlockAddress, Buffering, DriveModes, Position, ReadOutcome, Readiness, Removal, Space,
    Synchronize, WriteError, WriteOutcome,
};
use crate::transport::TransportError;

const MTFSF: i16 = 1;
const MTBSF: i16 = 2;
const MTFSR: i16 = 3;
const MTBSR: i16 = 4;
const MTWEOF: i16 = 5;
const MTREW: i16 = 6;
const MTEOM: i16 = 12;
const MTSETBLK: i16 = 20;
const MTSEEK: i16 = 22;
const MTSETDRVBUFFER: i16 = 24;
const MTLOCK: i16 = 28;
const MTUNLOCK: i16 = 29;
const MTLOAD: i16 = 30;
const MTUNLOAD: i16 = 31;
const MTCOMPRESSION: i16 = 32;
const MTWEOFI: i16 = 35;

const GMT_EOT: i64 = 0x2000_0000;
const GMT_EOD: i64 = 0x0800_0000;
const GMT_WR_PROT: i64 = 0x0400_0000;
const GMT_ONLINE: i64 = 0x0100_0000;
const GMT_DR_OPEN: i64 = 0x0004_0000;
const GMT_IM_REP_EN: i64 = 0x0001_0000;

const MT_ST_BOOLEANS: u32 = 0x1000_0000;
const MT_ST_ASYNC_WRITES: u32 = 0x2;
const MT_ST_SCSI2LOGICAL: u32 = 0x800;
const MT_ST_SYSV: u32 = 0x1000;
const MT_ST_BLKSIZE_MASK: i64 = 0x00ff_ffff;

/// Longest count of one SPACE: 23 bits and a sign.
const LONGEST_SPACE: i64 = 0x007f_ffff;

/// A tape drive behind its non-rewinding node.
#[derive(Debug)]
pub struct TapeNode {
    /// Absent only while the node is opened anew, and after that failed.
    file: Option<File>,
    path: String,
    /// The driver's options as they were before; put back at the end.
    options_before: Option<u32>,
    /// The block the tape is at, as long as it can be counted.
    at: Option<u64>,
}

impl TapeNode {
    /// Opens `/dev/nstN`, without waiting for a cartridge. The driver refuses a second opener.
    ///
    /// # Errors
    /// A node that rewinds, or is no tape node; one that is in use; a driver that does not give
    /// logical block addresses and can't be told to (that needs CAP_SYS_ADMIN).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ScsiError> {
        let path = path.as_ref();
        let refused = |what: String| {
            ScsiError::Transport(TransportError::Io {
                path: path.display().to_string(),
                source: io::Error::new(io::ErrorKind::InvalidInput, what),
            })
        };
        match NodeKind::of(path) {
            NodeKind::Tape { .. } => {}
            NodeKind::RewindingTape { instead } => {
                return Err(refused(format!(
                    "the tape is rewound when this node is closed; use {}",
                    instead.display()
                )));
            }
            _ => return Err(refused("not a tape node (/dev/nstN)".to_owned())),
        }
        let mut node = Self {
            file: None,
            path: path.display().to_string(),
            options_before: None,
            at: None,
        };
        node.reopen()?;
        node.set_options(path)?;
        Ok(node)
    }

    fn reopen(&mut self) -> Result<(), ScsiError> {
        // The driver lets in one at a time.
        self.file = None;
        self.at = None;
        let open = |write| {
            OpenOptions::new()
                .read(true)
                .write(write)
                .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
                .open(&self.path)
        };
        // A write-protected cartridge is opened for reading only.
        let opened = open(true).or_else(|error| match error.raw_os_error() {
            Some(libc::EROFS) => open(false),
            _ => Err(error),
        });
        self.file = Some(opened.map_err(|error| self.io("open", &error, None))?);
        Ok(())
    }

    /// Logical block addresses; errors told with the write that met them; closing leaves the
    /// tape where it is.
    fn set_options(&mut self, path: &Path) -> Result<(), ScsiError> {
        let before = options(path);
        let known = before.unwrap_or(0);
        let wanted = (known | MT_ST_SCSI2LOGICAL | MT_ST_SYSV) & !MT_ST_ASYNC_WRITES;
        if before == Some(wanted) {
            return Ok(());
        }
        match self.operation_raw(MTSETDRVBUFFER, option_word(wanted)) {
            Ok(()) => {
                self.options_before = before;
                Ok(())
            }
            Err(_) if known & MT_ST_SCSI2LOGICAL != 0 => Ok(()),
            Err(errno) => Err(self.failed("MTSETDRVBUFFER (scsi2logical)", errno, None)),
        }
    }

    fn file(&self) -> Result<&File, ScsiError> {
        self.file.as_ref().ok_or_else(|| {
            ScsiError::Transport(TransportError::Gone {
                path: self.path.clone(),
            })
        })
    }

    fn failed(
        &self,
        operation: &'static str,
        errno: Errno,
        better: Option<SenseClass>,
    ) -> ScsiError {
        kernel_error(&self.path, operation, errno, better)
    }

    fn io(
        &self,
        operation: &'static str,
        error: &io::Error,
        better: Option<SenseClass>,
    ) -> ScsiError {
        self.failed(operation, errno_of(error), better)
    }

    fn operation_raw(&self, operation: i16, count: i32) -> Result<(), Errno> {
        let file = self.file.as_ref().ok_or(Errno::ENODEV)?;
        abi::tape_operation(file, TapeOperation { operation, count })
    }

    /// MTIOCTOP; EIO at the end of data is told as such.
    fn operation(
        &mut self,
        name: &'static str,
        operation: i16,
        count: i32,
    ) -> Result<(), ScsiError> {
        self.operation_raw(operation, count).map_err(|errno| {
            let at_end = errno == Errno::EIO
                && self
                    .status()
                    .is_ok_and(|status| status.general & GMT_EOD != 0);
            self.failed(name, errno, at_end.then_some(SenseClass::EndOfData))
        })
    }

    fn status(&self) -> Result<TapeStatus, ScsiError> {
        abi::tape_status(self.file()?).map_err(|errno| self.failed("MTIOCGET", errno, None))
    }

    fn block(&self) -> Result<BlockAddress, ScsiError> {
        let position = abi::tape_position(self.file()?)
            .map_err(|errno| self.failed("MTIOCPOS", errno, None))?;
        // 32 bits of READ POSITION; older drivers extend their sign.
        Ok(BlockAddress(position.block.cast_unsigned() & 0xffff_ffff))
    }

    /// Whether the cartridge is there, asking the drive again if it was not the last time.
    fn fresh_status(&mut self) -> Result<TapeStatus, ScsiError> {
        let mut status = self.status()?;
        if status.general & GMT_ONLINE == 0 {
            self.reopen()?;
            status = self.status()?;
        }
        if status.general & GMT_ONLINE != 0 && block_length(&status) != 0 {
            // Fixed blocks: reads and writes of any other length are EINVAL.
            self.operation("MTSETBLK", MTSETBLK, 0)?;
        }
        Ok(status)
    }

    /// Where the tape is after something that moved it by so much, or nobody knows how far.
    fn moved<T, E>(&mut self, objects: Option<u64>, outcome: Result<T, E>) -> Result<T, E> {
        self.at = match (&outcome, self.at, objects) {
            (Ok(_), Some(at), Some(objects)) => Some(at.saturating_add(objects)),
            (Ok(_), _, None) => self.block().ok().map(|block| block.0),
            _ => None,
        };
        outcome
    }

    /// After a read that brought a block and the end of medium: whether the tape has moved. A
    /// drive that does not tell its position is taken to be at the end of its data.
    fn has_moved(&self) -> bool {
        match (self.at, self.block()) {
            (Some(before), Ok(now)) => now.0 != before,
            (None, Ok(_)) => true,
            (_, Err(_)) => false,
        }
    }

    fn read_any(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        match self.file()?.read(buffer) {
            Ok(length) => {
                let status = self.status()?.general;
                Ok(if length == 0 && status & GMT_EOD != 0 {
                    ReadOutcome::EndOfData
                } else if length == 0 && status & GMT_EOT != 0 {
                    ReadOutcome::EndOfMedium
                } else if length == 0 {
                    ReadOutcome::Filemark
                } else if status & (GMT_EOT | GMT_EOD) != 0 && !self.has_moved() {
                    ReadOutcome::EndOfData
                } else {
                    ReadOutcome::Block(length)
                })
            }
            Err(error) => match errno_of(&error) {
                Errno::ENOMEM => {
                    let actual = self.length_of_last_block(buffer.len())?;
                    Ok(ReadOutcome::TooLong { actual })
                }
                Errno::EIO if self.is_at_end_of_data()? => Ok(ReadOutcome::EndOfData),
                _ => Err(self.io("read", &error, None)),
            },
        }
    }

    /// EIO from a read: at the end of data, going there moves nothing.
    fn is_at_end_of_data(&mut self) -> Result<bool, ScsiError> {
        if self.status()?.general & GMT_EOD != 0 {
            return Ok(true);
        }
        let before = self.block()?;
        self.operation("MTEOM", MTEOM, 1)?;
        let end = self.block()?;
        if before != end {
            self.locate(before)?;
        }
        Ok(before == end)
    }

    /// The length of the block before the tape's position, which was too long to be read. The
    /// tape is behind it again afterwards.
    fn length_of_last_block(&mut self, tried: usize) -> Result<u64, ScsiError> {
        let mut length = tried.max(1 << 16);
        loop {
            length = (2 * length).min(LARGEST_BLOCK);
            self.operation("MTBSR", MTBSR, 1)?;
            let mut buffer = vec![0; length];
            match self.file()?.read(&mut buffer) {
                Ok(actual) => return Ok(actual as u64),
                Err(error) if errno_of(&error) == Errno::ENOMEM && length < LARGEST_BLOCK => {}
                Err(error) => {
                    return Err(self.io("read of a long block", &error, None));
                }
            }
        }
    }

    fn write_once(&mut self, block: &[u8]) -> io::Result<usize> {
        let mut file = self.file.as_ref().ok_or(Errno::ENODEV)?;
        loop {
            match file.write(block) {
                // Nothing was sent yet: the driver waits uninterrupted once it has begun.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Drop for TapeNode {
    fn drop(&mut self) {
        let Some(before) = self.options_before else {
            return;
        };
        if let Err(error) = self.operation_raw(MTSETDRVBUFFER, option_word(before)) {
            tracing::warn!(path = self.path, %error, "the st driver's options could not be put back");
        }
    }
}

/// MTSETDRVBUFFER with all options at once.
fn option_word(options: u32) -> i32 {
    (MT_ST_BOOLEANS | options & 0xffff).cast_signed()
}

/// The driver's options as sysfs shows them (`0x00000107`).
fn options(path: &Path) -> Option<u32> {
    let node = fs::canonicalize(path).ok()?;
    let name = node.file_name()?.to_str()?;
    let text = fs::read_to_string(format!("/sys/class/scsi_tape/{name}/options")).ok()?;
    u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
}

fn block_length(status: &TapeStatus) -> u32 {
    u32::try_from(status.density_and_block & MT_ST_BLKSIZE_MASK).unwrap_or(0)
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

impl TapeDrive for TapeNode {
    fn path(&self) -> &str {
        &self.path
    }

    fn scsi(&mut self) -> Option<&mut ssc::Drive> {
        None
    }

    fn lacks(&self) -> &'static [Missing] {
        &[
            Missing::SenseData,
            Missing::ProgrammableEarlyWarning,
            Missing::BlockProtection,
            Missing::CartridgeMemory,
            Missing::LogPages,
            Missing::Encryption,
            Missing::BufferFill,
            Missing::LongAddresses,
        ]
    }

    /// Opening the node anew is when the driver takes them.
    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        self.reopen()?;
        Ok(Vec::new())
    }

    fn readiness(&mut self) -> Readiness {
        match self.fresh_status() {
            Ok(status) if status.general & GMT_ONLINE != 0 => Readiness::Ready,
            Ok(status) if status.general & GMT_DR_OPEN != 0 => Readiness::NoMedium,
            Ok(_) => Readiness::BecomingReady {
                progress: None,
                sense: None,
            },
            Err(error) => Readiness::Other(error),
        }
    }

    fn load(&mut self) -> Result<(), ScsiError> {
        self.at = None;
        self.operation("MTLOAD", MTLOAD, 1)?;
        self.fresh_status().map(drop)
    }

    fn unload(&mut self) -> Result<(), ScsiError> {
        self.fresh_status()?;
        self.operation("MTUNLOAD", MTUNLOAD, 1)
    }

    fn rewind(&mut self) -> Result<(), ScsiError> {
        let outcome = self.operation("MTREW", MTREW, 1);
        self.at = outcome.is_ok().then_some(0);
        outcome
    }

    fn prevent_removal(&mut self, removal: Removal) -> Result<(), ScsiError> {
        match removal {
            Removal::Prevent => self.operation("MTLOCK", MTLOCK, 1),
            // The kernel learns from a first refusal that the drive has no lock.
            Removal::Allow => self
                .operation("MTUNLOCK", MTUNLOCK, 1)
                .or_else(|_| self.operation("MTUNLOCK", MTUNLOCK, 1)),
        }
    }

    fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, WriteError> {
        if block.is_empty() || block.len() > LARGEST_BLOCK {
            return Err(WriteError::Scsi(ScsiError::NotSent {
                command: "write",
                path: self.path.clone(),
                what: format!(
                    "a block of {} bytes, possible are 1 to 16,777,215",
                    block.len()
                ),
            }));
        }
        let mut outcome = WriteOutcome::Written;
        let mut written = self.write_once(block);
        if written
            .as_ref()
            .is_err_and(|error| errno_of(error) == Errno::ENOSPC)
        {
            // The driver's warning, with nothing written; refused twice, the tape is full.
            outcome = WriteOutcome::EarlyWarning;
            written = self.write_once(block);
        }
        let result = match written {
            Ok(length) if length == block.len() => Ok(outcome),
            Ok(length) => Err(WriteError::Scsi(ScsiError::Malformed {
                command: "write",
                path: self.path.clone(),
                what: format!("took {length} of {} bytes without an error", block.len()),
                bytes: Vec::new(),
            })),
            Err(error) if errno_of(&error) == Errno::ENOSPC => {
                Err(WriteError::NotWritten(self.io("write", &error, None)))
            }
            Err(error) => Err(WriteError::Scsi(self.io("write", &error, None))),
        };
        self.moved(Some(1), result)
    }

    fn write_filemarks(
        &mut self,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError> {
        let (name, operation) = match synchronize {
            Synchronize::Flush => ("MTWEOF", MTWEOF),
            Synchronize::Immediate => ("MTWEOFI", MTWEOFI),
        };
        let filemarks = i32::try_from(count).unwrap_or(i32::MAX);
        let written = self.operation(name, operation, filemarks);
        match self.moved(Some(u64::from(count)), written) {
            Ok(()) => Ok(WriteOutcome::Written),
            Err(error) if error.class() == Some(SenseClass::VolumeOverflow) => {
                Err(WriteError::NotWritten(error))
            }
            Err(error) => Err(WriteError::Scsi(error)),
        }
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        let outcome = self.read_any(buffer);
        let objects = match &outcome {
            Ok(ReadOutcome::EndOfData | ReadOutcome::EndOfMedium) => 0,
            _ => 1,
        };
        self.moved(Some(objects), outcome)
    }

    fn space(&mut self, space: Space) -> Result<(), ScsiError> {
        let (name, operation, count) = match space {
            Space::Blocks(count @ ..0) => ("MTBSR", MTBSR, -count),
            Space::Blocks(count) => ("MTFSR", MTFSR, count),
            Space::Filemarks(count @ ..0) => ("MTBSF", MTBSF, -count),
            Space::Filemarks(count) => ("MTFSF", MTFSF, count),
            Space::EndOfData => {
                let outcome = self.operation("MTEOM", MTEOM, 1);
                return self.moved(None, outcome);
            }
        };
        let mut left = count;
        let mut outcome = Ok(());
        while left > 0 && outcome.is_ok() {
            let part = left.min(LONGEST_SPACE);
            // At most 23 bits.
            outcome = self.operation(name, operation, i32::try_from(part).unwrap_or(i32::MAX));
            left -= part;
        }
        self.moved(None, outcome)
    }

    /// MTSEEK sends LOCATE(10). A drive that lacks it can't go to where it is either: then the
    /// way is spaced.
    fn locate(&mut self, block: BlockAddress) -> Result<(), ScsiError> {
        let Ok(short) = u32::try_from(block.0) else {
            return Err(ScsiError::NotSent {
                command: "MTSEEK",
                path: self.path.clone(),
                what: format!("block {block} does not fit 32 bits; use the SCSI generic node"),
            });
        };
        let sought = self.operation("MTSEEK", MTSEEK, short.cast_signed());
        self.at = sought.is_ok().then_some(block.0);
        let refused = match sought {
            Ok(()) => return Ok(()),
            Err(error) if error.is_end_of_data() => return Err(error),
            Err(error) => error,
        };
        let here = u32::try_from(self.block()?.0).unwrap_or(u32::MAX);
        match self.operation("MTSEEK", MTSEEK, here.cast_signed()) {
            Ok(()) => Err(refused),
            Err(_) => locate_by_spacing(self, block, refused),
        }
    }

    fn position(&mut self) -> Result<Position, ScsiError> {
        let block = self.block()?;
        self.at = Some(block.0);
        let status = self.status()?;
        Ok(Position {
            block,
            partition: Partition(u32::try_from(status.residual).unwrap_or(0)),
            // The driver counts files itself, and loses count.
            file: None,
            beginning_of_partition: block == BlockAddress(0),
            end_of_partition: status.general & GMT_EOT != 0,
            buffered_blocks: None,
            beyond_programmable_early_warning: false,
            position_unknown: false,
        })
    }

    fn modes(&mut self) -> Result<DriveModes, ScsiError> {
        let status = self.status()?;
        Ok(DriveModes {
            buffering: if status.general & GMT_IM_REP_EN != 0 {
                Buffering::Buffered
            } else {
                Buffering::Unbuffered
            },
            block_length: block_length(&status),
            compression: None,
            programmable_early_warning: None,
            write_protected: status.general & GMT_WR_PROT != 0,
        })
    }

    fn set_modes(&mut self, wanted: &DriveModes) -> Result<ModesSet, ScsiError> {
        let before = self.modes()?;
        if before.block_length != wanted.block_length {
            let length = i32::try_from(wanted.block_length).unwrap_or(i32::MAX);
            self.operation("MTSETBLK", MTSETBLK, length)?;
        }
        // What the driver refuses shows in the modes afterwards.
        let mut refused = Vec::new();
        if before.buffering != wanted.buffering {
            let buffered = i32::from(wanted.buffering != Buffering::Unbuffered);
            refused.extend(self.operation_raw(MTSETDRVBUFFER, buffered).err());
        }
        let mut compression = None;
        if let Some(on) = wanted.compression {
            match self.operation_raw(MTCOMPRESSION, i32::from(on)) {
                Ok(()) => compression = Some(on),
                Err(errno) => refused.push(errno),
            }
        }
        for errno in refused {
            tracing::warn!(path = self.path, %errno, "the drive refused a mode");
        }
        let modes = DriveModes {
            compression,
            ..self.modes()?
        };
        Ok(ModesSet {
            modes,
            shortfalls: shortfalls(wanted, &modes),
        })
    }
}
