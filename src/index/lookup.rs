//! Looking up many paths, most of them near the one before.

use std::cmp::Ordering;

use super::error::IndexError;
use super::reader::IndexReader;
use crate::archive::member::IndexEntry;
use crate::archive::order::walk_order;

/// Looks paths up and keeps the block it has read last: paths in the order of the walk cost a block
/// for every block, not one for every path.
#[derive(Debug)]
pub struct Lookup<'a> {
    reader: &'a IndexReader,
    /// Number of a block and its rows.
    block: Option<(usize, Vec<IndexEntry>)>,
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
    pub fn find(&mut self, path: &[u8]) -> Result<Option<&IndexEntry>, IndexError> {
        // The last block that begins at or before the path holds its last row, if there is one.
        let Some(number) = self.reader.last_block(path) else {
            return Ok(None);
        };
        let rows = match self.block.take() {
            Some((held, rows)) if held == number => rows,
            _ => self.reader.rows_of(number)?,
        };
        let (_, rows) = self.block.insert((number, rows));
        let after = rows.partition_point(|row| walk_order(&row.path, path) != Ordering::Greater);
        let last = after.checked_sub(1).map(|last| &rows[last]);
        Ok(last.filter(|row| row.path == path))
    }
}
