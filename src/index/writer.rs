//! Writing an index from first row to last.

use std::cmp::Ordering;
use std::io::Write;

use super::block::{BlockBuilder, PATH_LIMIT};
use super::error::IndexError;
use super::format::{
    END_MAGIC, FrameTable, IndexHeader, IndexSummary, MAGIC, PREAMBLE_LENGTH,
    SECTION_HEADER_LENGTH, TOC_ROW_LENGTH, TRAILER_LENGTH, Tag, Totals, VERSION,
};
use crate::archive::member::{IndexEntry, MemberAddress};
use crate::archive::order::walk_order;

/// More than the header, the footer and the table of contents of any index take.
const OVERHEAD: u64 = 4096;

/// Writes an index. Rows must come in walk order, rows of one path by address
/// ([`IndexError::OutOfOrder`] otherwise; [`super::PartBuilder`] takes any order). Memory is one
/// block and about a quarter of a byte for each row.
pub struct IndexWriter<W: Write> {
    out: Hashing<W>,
    block: BlockBuilder,
    payload: Vec<u8>,
    directory: Vec<u8>,
    contents: Vec<u8>,
    totals: Totals,
    last: Option<(Vec<u8>, MemberAddress)>,
}

impl<W: Write> std::fmt::Debug for IndexWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexWriter")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

impl<W: Write> IndexWriter<W> {
    /// Begins an index.
    pub fn new(out: W, header: &IndexHeader) -> Result<Self, IndexError> {
        let mut writer = Self {
            out: Hashing {
                out,
                hasher: blake3::Hasher::new(),
                written: 0,
            },
            block: BlockBuilder::new().map_err(IndexError::Write)?,
            payload: Vec::new(),
            directory: Vec::new(),
            contents: Vec::new(),
            totals: Totals::default(),
            last: None,
        };
        let mut preamble = [0; PREAMBLE_LENGTH];
        preamble[..8].copy_from_slice(&MAGIC);
        preamble[8..10].copy_from_slice(&VERSION.to_le_bytes());
        writer.out.put(&preamble)?;
        writer.json_section(Tag::HEADER, header)?;
        Ok(writer)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`IndexError::OutOfOrder`], [`IndexError::PathTooLong`]: the row was not added, others can
    /// be. [`IndexError::Write`]: the index is lost.
    pub fn push(&mut self, entry: &IndexEntry) -> Result<(), IndexError> {
        if entry.path.len() > PATH_LIMIT {
            return Err(IndexError::PathTooLong {
                length: entry.path.len(),
            });
        }
        match &mut self.last {
            Some((before, address)) => {
                let order = walk_order(before, &entry.path);
                if order.then((*address).cmp(&entry.address)) != Ordering::Less {
                    return Err(IndexError::OutOfOrder {
                        before: before.clone(),
                        before_address: *address,
                        path: entry.path.clone(),
                        address: entry.address,
                    });
                }
                before.clear();
                before.extend_from_slice(&entry.path);
                *address = entry.address;
            }
            None => self.last = Some((entry.path.clone(), entry.address)),
        }
        self.block.push(entry);
        self.totals.count(entry);
        if self.block.is_full() {
            self.write_block()?;
        }
        Ok(())
    }

    /// What was added so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// At most how long the file would be if it were finished now, without frame tables.
    #[must_use]
    pub fn size_bound(&self) -> u64 {
        let pending = self.block.size_bound() + self.block.first_path().len();
        self.out.written + (pending + self.directory.len()) as u64 + OVERHEAD
    }

    /// Writes what is left and flushes. `frames` holds a table for each compressed segment.
    pub fn finish(mut self, frames: &[FrameTable]) -> Result<(IndexSummary, W), IndexError> {
        if self.block.rows() > 0 {
            self.write_block()?;
        }
        for table in frames {
            let mut payload = Vec::with_capacity(20 + 4 * table.coded_lengths.len());
            payload.extend_from_slice(&table.segment.0.to_le_bytes());
            payload.extend_from_slice(&table.frame_plaintext.to_le_bytes());
            payload.extend_from_slice(&(table.coded_lengths.len() as u64).to_le_bytes());
            for length in &table.coded_lengths {
                super::column::put_varint(&mut payload, *length);
            }
            self.section(Tag::FRAMES, &payload)?;
        }
        let directory = std::mem::take(&mut self.directory);
        self.section(Tag::DIRECTORY, &directory)?;
        let totals = self.totals;
        self.json_section(Tag::FOOTER, &totals)?;
        let contents = std::mem::take(&mut self.contents);
        let offset = self.out.section(Tag::CONTENTS, &contents)?;

        let mut trailer = Vec::with_capacity(TRAILER_LENGTH);
        trailer.extend_from_slice(&offset.to_le_bytes());
        trailer.extend_from_slice(&(contents.len() as u64).to_le_bytes());
        trailer.extend_from_slice(blake3::hash(&contents).as_bytes());
        trailer.extend_from_slice(self.out.hasher.finalize().as_bytes());
        trailer.extend_from_slice(&END_MAGIC);
        self.out.put(&trailer)?;
        self.out.out.flush().map_err(IndexError::Write)?;
        let summary = IndexSummary {
            totals,
            length: self.out.written,
            digest: self.out.hasher.finalize(),
        };
        Ok((summary, self.out.out))
    }

    fn write_block(&mut self) -> Result<(), IndexError> {
        self.payload.clear();
        let rows = self.block.rows();
        self.block
            .encode(&mut self.payload)
            .map_err(IndexError::Write)?;
        let offset = self.out.section(Tag::BLOCK, &self.payload)?;
        let path = self.block.first_path();
        self.directory.extend_from_slice(&offset.to_le_bytes());
        for length in [self.payload.len(), rows] {
            put_u32(&mut self.directory, length)?;
        }
        self.directory
            .extend_from_slice(blake3::hash(&self.payload).as_bytes());
        put_u32(&mut self.directory, path.len())?;
        self.directory.extend_from_slice(path);
        Ok(())
    }

    fn json_section(&mut self, tag: Tag, value: &impl serde::Serialize) -> Result<(), IndexError> {
        let payload = serde_json::to_vec(value).map_err(|error| IndexError::Write(error.into()))?;
        self.section(tag, &payload)
    }

    fn section(&mut self, tag: Tag, payload: &[u8]) -> Result<(), IndexError> {
        let offset = self.out.section(tag, payload)?;
        self.contents.reserve(TOC_ROW_LENGTH);
        self.contents.extend_from_slice(&tag.0);
        self.contents.extend_from_slice(&offset.to_le_bytes());
        self.contents
            .extend_from_slice(&(payload.len() as u64).to_le_bytes());
        self.contents
            .extend_from_slice(blake3::hash(payload).as_bytes());
        Ok(())
    }
}

fn put_u32(out: &mut Vec<u8>, length: usize) -> Result<(), IndexError> {
    let length = u32::try_from(length).map_err(|_| {
        IndexError::Write(std::io::Error::other("a block of an index exceeds 4 GiB"))
    })?;
    out.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Counts and hashes what it passes on.
struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
    written: u64,
}

impl<W: Write> Hashing<W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), IndexError> {
        self.out.write_all(bytes).map_err(IndexError::Write)?;
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes a section and returns the offset of its payload.
    fn section(&mut self, tag: Tag, payload: &[u8]) -> Result<u64, IndexError> {
        let mut header = [0; SECTION_HEADER_LENGTH];
        header[..4].copy_from_slice(&tag.0);
        header[4..].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        self.put(&header)?;
        let offset = self.written;
        self.put(payload)?;
        Ok(offset)
    }
}
