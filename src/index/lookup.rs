//! Looking up many paths, most of them near the one before.

use std::cmp::Ordering;

use super::block::Block;
use super::error::IndexError;
use super::reader::IndexReader;
use crate::archive::member::IndexEntry;
use crate::archive::order::walk_order;

/// Looks paths up and keeps the block it has read last: paths in the order of the walk cost a block
/// for every block, not one for every path.
#[derive(Debug)]
pub struct Lookup<'a> {
    reader: &'a IndexReader,
    block: Option<(usize, Block)>,
}

impl<'a> Lookup<'a> {
    /// Looks up in this index.
    #[must_use]
    pub fn new(reader: &'a IndexReader) -> Self {
        Self {
            reader,
            block: None,
        }
    }

    /// The row of a path; where a path occurs several times, the last one in the stream.
    ///
    /// # Errors
    /// The block where it would be is damaged.
    pub fn find(&mut self, path: &[u8]) -> Result<Option<IndexEntry>, IndexError> {
        // The last block that begins at or before the path holds its last row, if there is one.
        let Some(number) = self.reader.last_block(path) else {
            return Ok(None);
        };
        let block = match self.block.take() {
            Some((held, block)) if held == number => block,
            _ => self.reader.block(number)?,
        };
        let (_, block) = self.block.insert((number, block));
        let search = || {
            let mut rows = block.rows()?;
            let mut found = None;
            while rows.advance()? {
                match walk_order(rows.path(), path) {
                    Ordering::Less => {}
                    Ordering::Equal => found = Some(rows.entry()?),
                    Ordering::Greater => break,
                }
            }
            Ok(found)
        };
        search().map_err(|damage| self.reader.block_error(number, damage))
    }
}
