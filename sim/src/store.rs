//! The records of one cartridge: an append-only data file and an index of fixed-size rows.
//!
//! `index` starts with a header that holds the high-water mark: how many rows are synchronised.
//! What lies above the mark is in the drive's buffer as far as anybody can rely on it, and is
//! dropped when the files are opened. Writing at a record ends the tape there for good.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bitflags::bitflags;

const MAGIC: [u8; 8] = *b"TWRECS01";
const HEADER_LENGTH: usize = 32;
const ROW_LENGTH: usize = 16;
/// Blocks are gathered up to this size; larger ones are written straight from the host's buffer.
const STAGING_LENGTH: usize = 1 << 20;

/// Bytes of protection information.
pub const GUARD_LENGTH: usize = 4;

/// What a store survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Synchronised records survive a crash of the machine (`fdatasync` at every commit point).
    #[default]
    Machine,
    /// Synchronised records survive the death of the process only: fast, for tests.
    Process,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// A logical block.
    Block,
    /// A filemark.
    Filemark,
}

bitflags! {
    /// What a block's bytes in the data file are.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct BlockFlags: u8 {
        /// Encrypted; what is needed to decrypt them follows the block.
        const SEALED = 0x01;
        /// The four bytes of protection information that came with the block follow it.
        const GUARDED = 0x02;
    }
}

/// One row of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Block or filemark.
    pub kind: RecordKind,
    /// First byte in the data file.
    pub offset: u64,
    /// Length in bytes, 0 for a filemark.
    pub length: u32,
    /// What the bytes of a block are.
    pub flags: BlockFlags,
    /// Bytes behind the block that belong to it.
    pub trailer: u16,
}

impl Row {
    fn encode(self) -> [u8; ROW_LENGTH] {
        let mut bytes = [0; ROW_LENGTH];
        bytes[..8].copy_from_slice(&self.offset.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_be_bytes());
        bytes[12] = match self.kind {
            RecordKind::Block => 1,
            RecordKind::Filemark => 2,
        };
        bytes[13] = self.flags.bits();
        bytes[14..].copy_from_slice(&self.trailer.to_be_bytes());
        bytes
    }

    /// `None` for a row that was never written whole.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let offset = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
        let length = u32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?);
        let kind = match bytes.get(12)? {
            1 => RecordKind::Block,
            2 => RecordKind::Filemark,
            _ => return None,
        };
        Some(Self {
            kind,
            offset,
            length,
            flags: BlockFlags::from_bits(*bytes.get(13)?)?,
            trailer: u16::from_be_bytes(bytes.get(14..16)?.try_into().ok()?),
        })
    }

    /// Bytes that are encrypted together: the block and its protection information.
    pub fn sealed_length(self) -> usize {
        let guard = if self.flags.contains(BlockFlags::GUARDED) {
            GUARD_LENGTH
        } else {
            0
        };
        self.length as usize + guard
    }

    fn end(self) -> u64 {
        self.offset + u64::from(self.length) + u64::from(self.trailer)
    }
}

/// Records of one cartridge, open.
#[derive(Debug)]
pub struct RecordStore {
    data: File,
    index: File,
    durability: Durability,
    rows: Vec<Row>,
    /// Record numbers of the filemarks, ascending.
    filemarks: Vec<u64>,
    /// Rows below this survive.
    synced: usize,
    /// Rows below this are in the index file.
    rows_written: usize,
    /// Bytes of the last blocks that are not in the data file yet.
    staged: Vec<u8>,
}

impl RecordStore {
    /// Makes the files of a blank cartridge in `dir`, which must exist.
    pub fn create(dir: &Path, durability: Durability) -> io::Result<()> {
        let data = File::create_new(dir.join("data"))?;
        let index = File::create_new(dir.join("index"))?;
        index.write_all_at(&header(0), 0)?;
        if durability == Durability::Machine {
            data.sync_all()?;
            index.sync_all()?;
        }
        Ok(())
    }

    /// Opens the files and drops what was never synchronised.
    pub fn open(dir: &Path, durability: Durability) -> io::Result<Self> {
        let open = |name| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(dir.join(name))
        };
        let (data, index) = (open("data")?, open("index")?);
        let rows = read_rows(&index, data.metadata()?.len())?;
        let mut store = Self {
            data,
            index,
            durability,
            filemarks: filemarks_of(&rows),
            synced: rows.len(),
            rows_written: rows.len(),
            rows,
            staged: Vec::new(),
        };
        store.trim_files()?;
        Ok(store)
    }

    /// Number of records.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether the tape is blank.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of records that survive a power cut.
    pub fn synchronized(&self) -> u64 {
        self.synced as u64
    }

    /// The record with this number, or `None` at the end of data.
    pub fn row(&self, record: u64) -> Option<Row> {
        self.rows.get(usize::try_from(record).ok()?).copied()
    }

    /// Bytes of all blocks before this record.
    pub fn bytes_before(&self, record: u64) -> u64 {
        match self.row(record) {
            Some(row) => row.offset,
            None => self.data_end(),
        }
    }

    /// Filemarks before this record: the number of the tape file it is in.
    pub fn filemarks_before(&self, record: u64) -> u64 {
        self.filemarks.partition_point(|mark| *mark < record) as u64
    }

    /// Record number of the nth filemark of the tape, from 0.
    pub fn filemark(&self, number: u64) -> Option<u64> {
        self.filemarks.get(usize::try_from(number).ok()?).copied()
    }

    /// Number of filemarks on the tape.
    pub fn filemark_count(&self) -> u64 {
        self.filemarks.len() as u64
    }

    /// Reads a block's first bytes into `into`; returns how many.
    pub fn read(&mut self, row: Row, into: &mut [u8]) -> io::Result<usize> {
        self.destage()?;
        let length = into.len().min(row.length as usize);
        self.data.read_exact_at(&mut into[..length], row.offset)?;
        Ok(length)
    }

    /// A block with what belongs to it.
    pub fn read_whole(&mut self, row: Row) -> io::Result<Vec<u8>> {
        self.destage()?;
        let mut bytes = vec![0; row.length as usize + usize::from(row.trailer)];
        self.data.read_exact_at(&mut bytes, row.offset)?;
        Ok(bytes)
    }

    /// Whether any block is encrypted.
    pub fn has_sealed(&self) -> bool {
        let sealed = |row: &Row| row.flags.contains(BlockFlags::SEALED);
        self.rows.iter().any(sealed)
    }

    /// Ends the tape before this record.
    ///
    /// The mark goes down first: were it left, rows written later would be taken for old ones.
    pub fn truncate(&mut self, record: u64) -> io::Result<()> {
        let record = usize::try_from(record).unwrap_or(usize::MAX);
        if record >= self.rows.len() {
            return Ok(());
        }
        self.destage()?;
        self.rows.truncate(record);
        while self
            .filemarks
            .last()
            .is_some_and(|last| *last >= record as u64)
        {
            self.filemarks.pop();
        }
        if self.synced > record {
            self.synced = record;
            self.write_mark()?;
        }
        self.rows_written = self.rows_written.min(record);
        self.trim_files()
    }

    /// Adds a block at the end, the last `trailer` of these bytes being what belongs to it.
    pub fn append_block(
        &mut self,
        bytes: &[u8],
        trailer: u16,
        flags: BlockFlags,
    ) -> io::Result<()> {
        let length = bytes.len().saturating_sub(usize::from(trailer));
        let length = u32::try_from(length).map_err(io::Error::other)?;
        let offset = self.data_end();
        if bytes.len() >= STAGING_LENGTH / 16 {
            self.destage()?;
            self.data.write_all_at(bytes, offset)?;
        } else {
            if self.staged.len() + bytes.len() > STAGING_LENGTH {
                self.destage()?;
            }
            self.staged.extend_from_slice(bytes);
        }
        self.rows.push(Row {
            kind: RecordKind::Block,
            offset,
            length,
            flags,
            trailer,
        });
        Ok(())
    }

    /// Adds a filemark at the end.
    pub fn append_filemark(&mut self) {
        self.filemarks.push(self.rows.len() as u64);
        self.rows.push(Row {
            kind: RecordKind::Filemark,
            offset: self.data_end(),
            length: 0,
            flags: BlockFlags::empty(),
            trailer: 0,
        });
    }

    /// Makes every record survive.
    pub fn synchronize(&mut self) -> io::Result<()> {
        if self.synced == self.rows.len() {
            return Ok(());
        }
        self.destage()?;
        let fresh = &self.rows[self.rows_written..];
        let bytes: Vec<u8> = fresh.iter().flat_map(|row| row.encode()).collect();
        self.index
            .write_all_at(&bytes, row_offset(self.rows_written))?;
        self.rows_written = self.rows.len();
        if self.durability == Durability::Machine {
            self.data.sync_data()?;
        }
        self.synced = self.rows.len();
        self.write_mark()
    }

    /// What a power cut does: everything above the mark is gone.
    pub fn drop_unsynchronized(&mut self) -> io::Result<()> {
        self.truncate(self.synced as u64)
    }

    /// Loses the records from this one on without a word, as a drive does that could not write
    /// its buffer out.
    pub fn lose_from(&mut self, record: u64) -> io::Result<()> {
        self.truncate(record.max(self.synced as u64))
    }

    fn data_end(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.end())
    }

    /// Writes staged bytes to the data file (the page cache, not the disk).
    fn destage(&mut self) -> io::Result<()> {
        if !self.staged.is_empty() {
            let at = self.data_end() - self.staged.len() as u64;
            self.data.write_all_at(&self.staged, at)?;
            self.staged.clear();
        }
        Ok(())
    }

    fn write_mark(&mut self) -> io::Result<()> {
        self.index.write_all_at(&header(self.synced as u64), 0)?;
        if self.durability == Durability::Machine {
            self.index.sync_data()?;
        }
        Ok(())
    }

    /// Gives back the space behind the last record.
    fn trim_files(&mut self) -> io::Result<()> {
        self.data.set_len(self.data_end())?;
        self.index.set_len(row_offset(self.rows_written))
    }
}

/// The records of a cartridge that is left alone meanwhile or not: what is synchronised.
#[derive(Debug)]
pub struct RecordReader {
    data: File,
    /// All of them.
    pub rows: Vec<Row>,
}

impl RecordReader {
    /// Opens the files and changes nothing.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let data = File::open(dir.join("data"))?;
        let index = File::open(dir.join("index"))?;
        let rows = read_rows(&index, data.metadata()?.len())?;
        Ok(Self { data, rows })
    }

    /// Reads a block into `into`, whose length becomes the block's.
    pub fn read(&self, row: Row, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(row.length as usize, 0);
        self.data.read_exact_at(into, row.offset)
    }
}

fn row_offset(row: usize) -> u64 {
    (HEADER_LENGTH + row * ROW_LENGTH) as u64
}

fn header(synced: u64) -> [u8; HEADER_LENGTH] {
    let mut bytes = [0; HEADER_LENGTH];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&synced.to_be_bytes());
    bytes
}

fn filemarks_of(rows: &[Row]) -> Vec<u64> {
    let marks = rows.iter().zip(0..);
    marks
        .filter(|(row, _)| row.kind == RecordKind::Filemark)
        .map(|(_, number)| number)
        .collect()
}

/// Reads the rows below the mark, up to the first that the files do not hold whole.
fn read_rows(index: &File, data_length: u64) -> io::Result<Vec<Row>> {
    let mut head = [0; HEADER_LENGTH];
    index.read_exact_at(&mut head, 0)?;
    if head[..8] != MAGIC {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not the record index of a virtual cartridge",
        ));
    }
    let mut mark = [0; 8];
    mark.copy_from_slice(&head[8..16]);
    let stored = (index.metadata()?.len() - HEADER_LENGTH as u64) / ROW_LENGTH as u64;
    let count = u64::from_be_bytes(mark).min(stored);
    let count = usize::try_from(count).map_err(io::Error::other)?;
    let mut bytes = vec![0; count * ROW_LENGTH];
    index.read_exact_at(&mut bytes, HEADER_LENGTH as u64)?;
    let mut rows = Vec::with_capacity(count);
    let mut end = 0;
    for chunk in bytes.chunks_exact(ROW_LENGTH) {
        match Row::decode(chunk) {
            Some(row) if row.offset == end && row.end() <= data_length => {
                end = row.end();
                rows.push(row);
            }
            _ => break,
        }
    }
    Ok(rows)
}
