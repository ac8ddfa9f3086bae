//! Reading an index.

use std::cmp::Ordering;
use std::path::Path;

use super::block::Block;
use super::column::Cursor;
use super::directory::Directory;
use super::error::{Damage, IndexError};
use super::format::{
    END_MAGIC, FrameTable, IndexHeader, MAGIC, PREAMBLE_LENGTH, TOC_ROW_LENGTH, TRAILER_LENGTH,
    Tag, Totals, VERSION,
};
use super::rows::Entries;
use super::source::Source;
use crate::archive::member::{IndexEntry, SegmentNumber};
use crate::archive::order::walk_order;

/// Bytes read at a time when the whole file is hashed.
const STRIDE: u64 = 1 << 20;

/// An open index. Holds its directory in memory (about a third of a byte for each row) and reads
/// blocks when they are asked for; may be shared between threads.
#[derive(Debug)]
pub struct IndexReader {
    source: Source,
    header: IndexHeader,
    totals: Totals,
    frames: Vec<FrameTable>,
    directory: Directory,
    contents_end: u64,
    content_digest: [u8; 32],
}

impl IndexReader {
    /// Opens a file.
    ///
    /// # Errors
    /// Names the file and what is wrong with it; blocks are checked when they are read.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::from_source(Source::open(path)?)
    }

    /// Reads an index in memory; `name` is for messages.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::from_source(Source::memory(name, bytes))
    }

    fn from_source(source: Source) -> Result<Self, IndexError> {
        check_preamble(&source)?;
        let trailer = Trailer::read(&source)?;
        let contents = trailer.contents(&source)?;
        let mut sections = Sections::default();
        for row in &contents {
            sections.read(&source, row)?;
        }
        let missing = |section| IndexError::Section {
            name: source.name.clone(),
            section,
            damage: Damage::Content("it is missing"),
        };
        let header = sections.header.ok_or_else(|| missing("header"))?;
        let totals = sections.totals.ok_or_else(|| missing("footer"))?;
        let directory = sections.directory.ok_or_else(|| missing("directory"))?;
        Ok(Self {
            header,
            totals,
            frames: sections.frames,
            directory,
            contents_end: source.length - TRAILER_LENGTH as u64,
            content_digest: trailer.content_digest,
            source,
        })
    }

    /// What it is of.
    #[must_use]
    pub fn header(&self) -> &IndexHeader {
        &self.header
    }

    /// How much it tells of.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The frame tables of compressed segments.
    #[must_use]
    pub fn frames(&self) -> &[FrameTable] {
        &self.frames
    }

    /// The frame table of a segment, if it is compressed.
    #[must_use]
    pub fn frames_of(&self, segment: SegmentNumber) -> Option<&FrameTable> {
        self.frames.iter().find(|table| table.segment == segment)
    }

    /// File name, or what the caller calls the bytes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The row of a path; where a path occurs several times, the last one in the stream.
    pub fn lookup(&self, path: &[u8]) -> Result<Option<IndexEntry>, IndexError> {
        let Some(number) = self.last_block(path) else {
            return Ok(None);
        };
        let block = self.block(number)?;
        let read = || {
            let mut last = None;
            let mut cursor = block.rows()?;
            while cursor.advance()? {
                match walk_order(cursor.path(), path) {
                    Ordering::Less => {}
                    Ordering::Equal => last = Some(cursor.entry()?),
                    Ordering::Greater => break,
                }
            }
            Ok(last)
        };
        read().map_err(|damage| self.block_error(number, damage))
    }

    /// The rows of a path and of everything below it, in order; `.` is everything.
    #[must_use]
    pub fn prefix(&self, path: &[u8]) -> Entries<'_> {
        Entries::below(self, path)
    }

    /// All rows, in order. A damaged block is one error; the rows of the others still come.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries::below(self, b".")
    }

    /// Reads everything: digests of the file and of each block, order, counts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self) -> Result<(), IndexError> {
        let mut totals = Totals::default();
        let mut last: Option<IndexEntry> = None;
        for entry in self.entries() {
            let entry = entry?;
            if let Some(last) = &last {
                let order = walk_order(&last.path, &entry.path);
                if order.then(last.address.cmp(&entry.address)) != Ordering::Less {
                    return Err(IndexError::OutOfOrder {
                        before: last.path.clone(),
                        before_address: last.address,
                        path: entry.path,
                        address: entry.address,
                    });
                }
            }
            totals.count(&entry);
            last = Some(entry);
        }
        let damaged = |section, damage| IndexError::Section {
            name: self.source.name.clone(),
            section,
            damage,
        };
        if totals != self.totals {
            let damage = Damage::Content("its counts are not those of the rows");
            return Err(damaged("footer", damage));
        }
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while offset < self.contents_end {
            let length = STRIDE.min(self.contents_end - offset);
            let bytes = self
                .source
                .read(offset, length)?
                .ok_or_else(|| damaged("content", Damage::CutOff))?;
            hasher.update(&bytes);
            offset += length;
        }
        if hasher.finalize() != self.content_digest {
            return Err(damaged("content", Damage::Digest));
        }
        Ok(())
    }

    pub(super) fn block_count(&self) -> usize {
        self.directory.len()
    }

    /// Path of a block's first row.
    pub(super) fn first_path(&self, number: usize) -> Option<&[u8]> {
        self.directory.place(number).map(|place| place.first_path)
    }

    /// The last block that begins at or before a path.
    pub(super) fn last_block(&self, path: &[u8]) -> Option<usize> {
        let is_before = |first: &[u8]| walk_order(first, path) != Ordering::Greater;
        self.directory.partition_point(is_before).checked_sub(1)
    }

    /// The block where rows of this path or below it may begin.
    pub(super) fn block_before(&self, path: &[u8]) -> usize {
        let is_before = |first: &[u8]| walk_order(first, path) == Ordering::Less;
        self.directory.partition_point(is_before).saturating_sub(1)
    }

    /// Reads and checks a block.
    pub(super) fn block(&self, number: usize) -> Result<Block, IndexError> {
        let wrong = |damage| self.block_error(number, damage);
        let place = self.directory.place(number);
        let place = place.ok_or_else(|| wrong(Damage::Content("there is no such block")))?;
        let payload = self
            .source
            .read(place.offset, u64::from(place.length))?
            .ok_or_else(|| wrong(Damage::CutOff))?;
        if blake3::hash(&payload) != place.digest {
            return Err(wrong(Damage::Digest));
        }
        let block = Block::decode(payload).map_err(wrong)?;
        if block.row_count() != place.rows {
            return Err(wrong(Damage::Content(
                "it has other rows than the directory says",
            )));
        }
        Ok(block)
    }

    /// All rows of a block.
    pub(super) fn rows_of(&self, number: usize) -> Result<Vec<IndexEntry>, IndexError> {
        let block = self.block(number)?;
        let read = || {
            let mut rows = Vec::new();
            let mut cursor = block.rows()?;
            while cursor.advance()? {
                rows.push(cursor.entry()?);
            }
            Ok(rows)
        };
        read().map_err(|damage| self.block_error(number, damage))
    }

    pub(super) fn block_error(&self, number: usize, damage: Damage) -> IndexError {
        IndexError::Block {
            name: self.source.name.clone(),
            block: number,
            blocks: self.directory.len(),
            damage,
        }
    }
}

fn check_preamble(source: &Source) -> Result<(), IndexError> {
    let not_ours = || IndexError::NotAnIndex {
        name: source.name.clone(),
    };
    let preamble = source
        .read(0, PREAMBLE_LENGTH as u64)?
        .ok_or_else(not_ours)?;
    if preamble[..8] != MAGIC {
        return Err(not_ours());
    }
    let found = u16::from_le_bytes([preamble[8], preamble[9]]);
    if found != VERSION {
        return Err(IndexError::Version {
            name: source.name.clone(),
            found,
        });
    }
    Ok(())
}

struct Trailer {
    contents_offset: u64,
    contents_length: u64,
    contents_digest: [u8; 32],
    content_digest: [u8; 32],
}

struct ContentsRow {
    tag: Tag,
    offset: u64,
    length: u64,
    digest: [u8; 32],
}

impl Trailer {
    fn read(source: &Source) -> Result<Self, IndexError> {
        let wrong = |damage| IndexError::Section {
            name: source.name.clone(),
            section: "trailer",
            damage,
        };
        let length = TRAILER_LENGTH as u64;
        let bytes = match source.length.checked_sub(length) {
            Some(offset) => source.read(offset, length)?,
            None => None,
        };
        let bytes = bytes.ok_or_else(|| wrong(Damage::CutOff))?;
        let mut cursor = Cursor::new(&bytes);
        let mut parse = || {
            let trailer = Self {
                contents_offset: cursor.u64()?,
                contents_length: cursor.u64()?,
                contents_digest: cursor.array()?,
                content_digest: cursor.array()?,
            };
            if cursor.array()? != END_MAGIC {
                return Err(Damage::CutOff);
            }
            Ok(trailer)
        };
        parse().map_err(wrong)
    }

    fn contents(&self, source: &Source) -> Result<Vec<ContentsRow>, IndexError> {
        let wrong = |damage| IndexError::Section {
            name: source.name.clone(),
            section: "table of contents",
            damage,
        };
        let bytes = source
            .read(self.contents_offset, self.contents_length)?
            .ok_or_else(|| wrong(Damage::CutOff))?;
        if blake3::hash(&bytes) != self.contents_digest {
            return Err(wrong(Damage::Digest));
        }
        let rows = bytes.chunks(TOC_ROW_LENGTH).map(|row| {
            let mut cursor = Cursor::new(row);
            Ok(ContentsRow {
                tag: Tag(cursor.array()?),
                offset: cursor.u64()?,
                length: cursor.u64()?,
                digest: cursor.array()?,
            })
        });
        rows.collect::<Result<_, _>>().map_err(wrong)
    }
}

/// What was found in the sections so far.
#[derive(Default)]
struct Sections {
    header: Option<IndexHeader>,
    totals: Option<Totals>,
    frames: Vec<FrameTable>,
    directory: Option<Directory>,
}

impl Sections {
    fn read(&mut self, source: &Source, row: &ContentsRow) -> Result<(), IndexError> {
        let section = match row.tag {
            Tag::HEADER => "header",
            Tag::FOOTER => "footer",
            Tag::FRAMES => "frame table",
            Tag::DIRECTORY => "directory",
            other if other.is_critical() => {
                return Err(IndexError::UnknownSection {
                    name: source.name.clone(),
                    tag: other.to_string(),
                });
            }
            _ => return Ok(()),
        };
        let wrong = |damage| IndexError::Section {
            name: source.name.clone(),
            section,
            damage,
        };
        let bytes = source
            .read(row.offset, row.length)?
            .ok_or_else(|| wrong(Damage::CutOff))?;
        if blake3::hash(&bytes) != row.digest {
            return Err(wrong(Damage::Digest));
        }
        self.parse(row.tag, bytes).map_err(wrong)
    }

    fn parse(&mut self, tag: Tag, bytes: Vec<u8>) -> Result<(), Damage> {
        match tag {
            Tag::HEADER => self.header = Some(json(&bytes)?),
            Tag::FOOTER => self.totals = Some(json(&bytes)?),
            Tag::FRAMES => self.frames.push(parse_frames(&bytes)?),
            _ => self.directory = Some(Directory::parse(bytes)?),
        }
        Ok(())
    }
}

fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Damage> {
    serde_json::from_slice(bytes).map_err(|_| Damage::Content("it is not the JSON it should be"))
}

fn parse_frames(bytes: &[u8]) -> Result<FrameTable, Damage> {
    let mut cursor = Cursor::new(bytes);
    let segment = SegmentNumber(cursor.u32()?);
    let frame_plaintext = cursor.u64()?;
    let count = cursor.u64()?;
    if frame_plaintext == 0 {
        return Err(Damage::Content("its frames hold nothing"));
    }
    let mut coded_lengths = Vec::new();
    while !cursor.is_empty() {
        coded_lengths.push(cursor.varint()?);
    }
    if coded_lengths.len() as u64 != count {
        return Err(Damage::Content("it has another number of frames"));
    }
    Ok(FrameTable {
        segment,
        frame_plaintext,
        coded_lengths,
    })
}
