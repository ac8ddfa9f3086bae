//! The index part of a segment, built in memory while the segment is written.

use super::error::IndexError;
use super::format::{FrameTable, IndexHeader, IndexSummary, Scope, Totals};
use super::merge::merge_rows;
use super::reader::IndexReader;
use super::writer::IndexWriter;
use crate::archive::member::{IndexEntry, SegmentNumber};
use crate::id::SetId;

/// Collects the rows of one segment in any order and makes its part of them. Rows in walk order
/// are compressed as they come (some 50 bytes each); one that is not begins another run, and the
/// runs are merged at the end.
#[derive(Debug)]
pub struct PartBuilder {
    header: IndexHeader,
    done: Vec<Run>,
    current: IndexWriter<Vec<u8>>,
}

#[derive(Debug)]
struct Run {
    bytes: Vec<u8>,
    totals: Totals,
}

impl PartBuilder {
    /// For a segment of a set.
    pub fn new(set: SetId, segment: SegmentNumber) -> Result<Self, IndexError> {
        let header = IndexHeader {
            set,
            scope: Scope::Part(segment),
            origin: None,
        };
        Ok(Self {
            current: IndexWriter::new(Vec::new(), &header)?,
            header,
            done: Vec::new(),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`IndexError::PathTooLong`]: the row was not added, others can be.
    pub fn push(&mut self, entry: &IndexEntry) -> Result<(), IndexError> {
        match self.current.push(entry) {
            Err(IndexError::OutOfOrder { .. }) => {}
            other => return other,
        }
        let fresh = IndexWriter::new(Vec::new(), &self.header)?;
        let (summary, bytes) = std::mem::replace(&mut self.current, fresh).finish(&[])?;
        self.done.push(Run {
            bytes,
            totals: summary.totals,
        });
        self.current.push(entry)
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let done = self.done.iter().map(|run| run.totals.rows);
        done.sum::<u64>() + self.current.totals().rows
    }

    /// About how long the part would be if it were finished now with `frames` frames: an upper
    /// bound as long as rows come in order.
    #[must_use]
    pub fn size_bound(&self, frames: u64) -> u64 {
        let done = self.done.iter().map(|run| run.bytes.len() as u64);
        done.sum::<u64>() + self.current.size_bound() + 64 + 10 * frames
    }

    /// Makes the part; `frames` when the segment is compressed.
    pub fn finish(
        self,
        frames: Option<&FrameTable>,
    ) -> Result<(IndexSummary, Vec<u8>), IndexError> {
        let frames = frames.map(std::slice::from_ref).unwrap_or_default();
        if self.done.is_empty() {
            return self.current.finish(frames);
        }
        let (_, last) = self.current.finish(&[])?;
        let runs = self.done.into_iter().map(|run| run.bytes).chain([last]);
        let runs = runs
            .map(|bytes| IndexReader::from_bytes("(part in memory)", bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let mut writer = IndexWriter::new(Vec::new(), &self.header)?;
        merge_rows(&runs, &mut |entry| writer.push(entry))?;
        writer.finish(frames)
    }
}
