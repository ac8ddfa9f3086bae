//! The data of one file on tape as a stream of bytes.

use std::io::{self, Read, Seek, SeekFrom};

use tapeward_drivers::Drive;
use tapeward_drivers::ssc::{BlockAddress, ReadOutcome};

use crate::tape::digest::TapeHasher;
use crate::tape::error::VolumeError;
use crate::tape::layout::TapeFile;

/// Reads a file's data, from any offset on: the block that holds a byte follows from the block
/// size. Errors are [`VolumeError`]s inside [`io::Error`]s.
///
/// Read from the first byte to the last without seeking, the data's length and digest are
/// compared with the record at the end, and a difference is an error before the end is reported.
#[derive(Debug)]
pub struct PayloadReader<'a> {
    drive: &'a mut Drive,
    file: TapeFile,
    buffer: Vec<u8>,
    /// Number of the block in the buffer, and its length.
    loaded: Option<(u64, usize)>,
    /// Block the tape stands before, if it is known.
    tape_at: Option<u64>,
    position: u64,
    check: Option<TapeHasher>,
}

impl<'a> PayloadReader<'a> {
    pub(super) fn new(drive: &'a mut Drive, file: TapeFile) -> Self {
        Self {
            drive,
            buffer: vec![0; file.block_size.bytes()],
            file,
            loaded: None,
            tape_at: None,
            position: 0,
            check: Some(TapeHasher::new()),
        }
    }

    /// The file being read.
    #[must_use]
    pub fn file(&self) -> &TapeFile {
        &self.file
    }

    /// Reads whole blocks from the start and hands each to `take`; compares length and digest.
    pub fn for_each_block(
        mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), VolumeError>,
    ) -> Result<(), VolumeError> {
        let mut hasher = TapeHasher::new();
        for number in 0..self.file.blocks {
            let length = self.load(number)?;
            hasher.update(&self.buffer[..length]);
            take(&self.buffer[..length])?;
        }
        self.compare(&hasher)
    }

    fn compare(&self, hasher: &TapeHasher) -> Result<(), VolumeError> {
        let found = hasher.digest();
        if found == self.file.xxh3_128 {
            return Ok(());
        }
        Err(VolumeError::Damaged {
            kind: self.file.kind,
            tape_file: self.file.tape_file,
            length: self.file.length,
            found,
            expected_length: self.file.length,
            expected: self.file.xxh3_128,
        })
    }

    fn layout(&self, number: u64, what: String) -> VolumeError {
        VolumeError::Layout {
            tape_file: self.file.tape_file,
            at: BlockAddress(self.file.first_block.0 + number),
            what,
        }
    }

    /// Bytes block `number` must have.
    fn expected(&self, number: u64) -> u64 {
        let size = self.file.block_size.as_u64();
        (self.file.length - number * size).min(size)
    }

    fn load(&mut self, number: u64) -> Result<usize, VolumeError> {
        if let Some((loaded, length)) = self.loaded
            && loaded == number
        {
            return Ok(length);
        }
        self.loaded = None;
        if self.tape_at != Some(number) {
            let address = BlockAddress(self.file.first_block.0 + number);
            self.tape_at = None;
            self.drive
                .locate(address)
                .map_err(VolumeError::scsi("going to a block"))?;
        }
        self.tape_at = None;
        let outcome = self
            .drive
            .read_block(&mut self.buffer)
            .map_err(VolumeError::scsi("reading a block"))?;
        let found = match outcome {
            ReadOutcome::Block(length) if length as u64 == self.expected(number) => {
                self.tape_at = Some(number + 1);
                self.loaded = Some((number, length));
                return Ok(length);
            }
            ReadOutcome::Block(length) => format!("a block of {length} bytes"),
            ReadOutcome::TooLong { actual } => format!("a block of {actual} bytes"),
            ReadOutcome::Filemark => "a filemark".to_owned(),
            ReadOutcome::EndOfData => "the end of data".to_owned(),
            ReadOutcome::EndOfMedium => "the end of the tape".to_owned(),
        };
        let expected = self.expected(number);
        Err(self.layout(
            number,
            format!("found {found}, expected a block of {expected} bytes"),
        ))
    }
}

impl Read for PayloadReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.position >= self.file.length {
            if let Some(hasher) = self.check.take() {
                self.compare(&hasher)?;
            }
            return Ok(0);
        }
        let size = self.file.block_size.as_u64();
        let number = self.position / size;
        let length = self.load(number)?;
        // Below the block size, which fits.
        let from = usize::try_from(self.position % size).unwrap_or(usize::MAX);
        let available = self.buffer.get(from..length).unwrap_or_default();
        let now = available.len().min(buffer.len());
        buffer[..now].copy_from_slice(&available[..now]);
        if let Some(hasher) = &mut self.check {
            hasher.update(&available[..now]);
        }
        self.position += now as u64;
        Ok(now)
    }
}

impl Seek for PayloadReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.file.length.checked_add_signed(delta),
        };
        let target = target.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "cannot seek before the start")
        })?;
        if target != self.position {
            self.check = None;
            self.position = target;
        }
        Ok(target)
    }
}
