//! Going through rows in order.

use std::cmp::Ordering;

use super::block::Block;
use super::error::{Damage, IndexError};
use super::reader::IndexReader;
use crate::archive::member::IndexEntry;
use crate::archive::order::{is_below, walk_order};

/// Rows of an index in order. After a damaged block it goes on with the next one.
#[derive(Debug)]
pub struct Entries<'a> {
    reader: &'a IndexReader,
    folder: Vec<u8>,
    next_block: usize,
    loaded: std::vec::IntoIter<IndexEntry>,
    failed: Option<IndexError>,
    ended: bool,
}

impl<'a> Entries<'a> {
    pub(super) fn below(reader: &'a IndexReader, folder: &[u8]) -> Self {
        let folder = if folder.is_empty() { b"." } else { folder };
        Self {
            next_block: if folder == b"." {
                0
            } else {
                reader.block_before(folder)
            },
            reader,
            folder: folder.to_vec(),
            loaded: Vec::new().into_iter(),
            failed: None,
            ended: false,
        }
    }

    /// The path of the next row, when that can be told without reading a block.
    pub(super) fn unread_path(&self) -> Option<&'a [u8]> {
        if self.loaded.len() > 0 || self.failed.is_some() {
            return None;
        }
        self.reader.first_path(self.next_block)
    }

    fn load(&mut self) {
        let number = self.next_block;
        self.next_block += 1;
        let mut rows = Vec::new();
        let loaded = self.reader.block(number).and_then(|block| {
            self.gather(&block, &mut rows)
                .map_err(|damage| self.reader.block_error(number, damage))
        });
        match loaded {
            Ok(true) => self.ended = true,
            Ok(false) => {}
            // Rows before the damage come first.
            Err(error) => self.failed = Some(error),
        }
        self.loaded = rows.into_iter();
    }

    /// Collects the rows that are wanted; whether the last of them was seen.
    fn gather(&self, block: &Block, rows: &mut Vec<IndexEntry>) -> Result<bool, Damage> {
        let mut cursor = block.rows()?;
        while cursor.advance()? {
            if is_below(cursor.path(), &self.folder) {
                rows.push(cursor.entry()?);
            } else if walk_order(cursor.path(), &self.folder) == Ordering::Greater {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<IndexEntry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.loaded.next() {
                return Some(Ok(entry));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            if self.ended || self.next_block >= self.reader.block_count() {
                return None;
            }
            self.load();
        }
    }
}
