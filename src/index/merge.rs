//! Making a set's index of its parts.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io::Write;

use super::error::IndexError;
use super::format::{FrameTable, IndexHeader, IndexSummary};
use super::reader::IndexReader;
use super::rows::Entries;
use super::writer::IndexWriter;
use crate::archive::member::{IndexEntry, MemberAddress, SegmentNumber};
use crate::archive::order::walk_order;

/// Writes the rows and frame tables of all `parts` as one index, in order. Parts may overlap in any
/// way; a part's block is in memory only while its rows are due.
///
/// # Errors
/// [`IndexError::WrongSet`] for a part of another set; [`IndexError::OutOfOrder`] when two parts
/// hold the same row; any damage of a part.
pub fn merge<W: Write>(
    parts: &[IndexReader],
    header: &IndexHeader,
    out: W,
) -> Result<(IndexSummary, W), IndexError> {
    for part in parts {
        if part.header().set != header.set {
            return Err(IndexError::WrongSet {
                name: part.name().to_owned(),
                found: part.header().set,
                expected: header.set,
            });
        }
    }
    let mut writer = IndexWriter::new(out, header)?;
    merge_rows(parts, &mut |entry| writer.push(entry))?;
    let mut frames: Vec<FrameTable> = parts
        .iter()
        .flat_map(|part| part.frames().iter().cloned())
        .collect();
    frames.sort_by_key(|table| table.segment);
    writer.finish(&frames)
}

/// Hands over the rows of all parts in order.
pub(super) fn merge_rows(
    parts: &[IndexReader],
    push: &mut dyn FnMut(&IndexEntry) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let mut heap = BinaryHeap::new();
    for (part, reader) in parts.iter().enumerate() {
        heap.extend(Turn::next_of(part, reader.entries())?.map(Reverse));
    }
    while let Some(Reverse(mut turn)) = heap.pop() {
        // Parts mostly follow each other: one keeps its turn until another's row is due.
        loop {
            if let Due::Row(entry) = &turn.due {
                push(entry)?;
            }
            let Some(next) = turn.next()? else {
                break;
            };
            if heap.peek().is_some_and(|Reverse(other)| *other < next) {
                heap.push(Reverse(next));
                break;
            }
            turn = next;
        }
    }
    Ok(())
}

/// What a part has next.
enum Due<'a> {
    /// A block that begins with this path; its first address is not known yet.
    Block(&'a [u8]),
    /// A row.
    Row(IndexEntry),
}

/// A part waiting for its turn.
struct Turn<'a> {
    due: Due<'a>,
    part: usize,
    entries: Entries<'a>,
}

impl<'a> Turn<'a> {
    fn next_of(part: usize, mut entries: Entries<'a>) -> Result<Option<Self>, IndexError> {
        let due = match entries.unread_path() {
            Some(path) => Due::Block(path),
            None => match entries.next() {
                Some(entry) => Due::Row(entry?),
                None => return Ok(None),
            },
        };
        Ok(Some(Self { due, part, entries }))
    }

    /// What comes after this: after a block's path its first row.
    fn next(mut self) -> Result<Option<Self>, IndexError> {
        match self.due {
            Due::Row(_) => Self::next_of(self.part, self.entries),
            Due::Block(_) => match self.entries.next() {
                Some(entry) => Ok(Some(Self {
                    due: Due::Row(entry?),
                    ..self
                })),
                None => Ok(None),
            },
        }
    }

    fn key(&self) -> (&[u8], MemberAddress) {
        match &self.due {
            // No row of the block is before this.
            Due::Block(path) => (
                path,
                MemberAddress {
                    segment: SegmentNumber(0),
                    offset: 0,
                },
            ),
            Due::Row(entry) => (&entry.path, entry.address),
        }
    }
}

impl Ord for Turn<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((path, address), (other_path, other_address)) = (self.key(), other.key());
        let is_row = |turn: &Self| matches!(turn.due, Due::Row(_));
        walk_order(path, other_path)
            .then(address.cmp(&other_address))
            // A block that may begin with the same row is read first.
            .then(is_row(self).cmp(&is_row(other)))
            .then(self.part.cmp(&other.part))
    }
}

impl PartialOrd for Turn<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Turn<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Turn<'_> {}
