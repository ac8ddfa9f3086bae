//! Which stretches of the tar stream hold what is asked for, and where each member goes.
//!
//! Memory does not grow with the members: the stream is in the order of the walk, so what is below
//! a path is one stretch of it (one more for every session that wrote a file again), and the only
//! list that may be long, that of data under names that were not asked for, is on disk.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::iter::Peekable;
use std::path::Path;

use super::sorted::{Finder, Row, Rows, Sorted, Sorter};
use crate::archive::header::MemberHeader;
use crate::archive::member::{IndexEntry, MemberAddress, MemberKind, SegmentNumber};
use crate::archive::order::{is_below, walk_order};
use crate::archive::problem::show;
use crate::catalogue::Segment;
use crate::error::{Context, Error, Result};
use crate::index::{IndexReader, Lookup};

/// Bytes of a list in memory before it goes to disk.
const LIST_LIMIT: usize = 64 << 20;

/// A stretch of tar stream: whole members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Bytes of stream before it.
    pub start: u64,
    /// Bytes of stream up to its end.
    pub end: u64,
}

/// What is asked for.
#[derive(Debug)]
pub struct Selection {
    /// Paths asked for, in walk order, none below another; empty: everything.
    paths: Vec<Vec<u8>>,
    /// Stream offset of each segment.
    segments: HashMap<SegmentNumber, u64>,
    /// Everything below the paths, in stream order, not touching.
    spans: Vec<Range>,
    /// Members outside whose data hard links inside need: by stream offset, with the path of the
    /// first such link, where the data goes.
    carried: Option<Sorted>,
    first: u64,
    end: u64,
}

impl Selection {
    /// Finds paths and everything below them; everything when there are none. Lists that are long
    /// go to files without a name in `folder`.
    ///
    /// # Errors
    /// A path that is not in the set; a file system that is full.
    pub fn new(
        index: &IndexReader,
        segments: &[Segment],
        paths: &[Vec<u8>],
        folder: &Path,
    ) -> Result<Self> {
        Self::with_limit(index, segments, paths, folder, LIST_LIMIT)
    }

    /// As [`Selection::new`] with at most about `limit` bytes of a list in memory.
    pub(super) fn with_limit(
        index: &IndexReader,
        segments: &[Segment],
        paths: &[Vec<u8>],
        folder: &Path,
        limit: usize,
    ) -> Result<Self> {
        let mut selection = Self {
            paths: outermost(paths),
            segments: segments
                .iter()
                .map(|segment| (segment.number, segment.stream_offset))
                .collect(),
            spans: Vec::new(),
            carried: None,
            first: 0,
            end: 0,
        };
        if selection.paths.is_empty() {
            selection.end = segments
                .last()
                .map_or(0, |last| last.stream_offset + last.plaintext_length);
            selection.spans.push(Range {
                start: 0,
                end: selection.end,
            });
            return Ok(selection);
        }
        if selection.find_spans(index, paths)? {
            selection.find_carried(index, folder, limit)?;
        }
        let mut bounds: Option<Range> = None;
        for range in selection.ranges() {
            let range = range?;
            bounds.get_or_insert(range).end = range.end;
        }
        if let Some(bounds) = bounds {
            (selection.first, selection.end) = (bounds.start, bounds.end);
        }
        Ok(selection)
    }

    /// Whether there are hard links among what is asked for.
    fn find_spans(&mut self, index: &IndexReader, asked: &[Vec<u8>]) -> Result<bool> {
        for path in asked {
            if index.prefix(path).next().is_none() {
                return Err(Error::usage(format!("{} is not in the set", show(path)))
                    .hint("\"tapeward find\" shows what is"));
            }
        }
        let mut links = false;
        let mut spans = Vec::new();
        for entry in self.paths.iter().flat_map(|path| index.prefix(path)) {
            let entry = entry.context("the set's index cannot be read")?;
            links |= entry.kind == MemberKind::HardLink;
            let member = self.stretch(&entry)?;
            join(&mut spans, member);
        }
        spans.sort_unstable_by_key(|span| span.start);
        for span in spans {
            join(&mut self.spans, span);
        }
        Ok(links)
    }

    fn find_carried(&mut self, index: &IndexReader, folder: &Path, limit: usize) -> Result<()> {
        let what = || format!("cannot keep a list of hard links in {}", folder.display());
        let mut sorter: Option<Sorter> = None;
        for entry in self.paths.iter().flat_map(|path| index.prefix(path)) {
            let entry = entry.context("the set's index cannot be read")?;
            let Some(first) = self.outside(&entry)? else {
                continue;
            };
            let sorter = match &mut sorter {
                Some(sorter) => sorter,
                none => none.insert(Sorter::new(folder, limit).context(what())?),
            };
            sorter.push(first, entry.path).context(what())?;
        }
        let Some(sorter) = sorter else {
            return Ok(());
        };
        let carried = sorter.finish(folder).context(what())?;
        let mut finder = Finder::new(&carried);
        let mut found = 0;
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let member = self.stretch(&entry)?;
            if let Some(row) = finder.find(member.start).context(what())? {
                carried.set_length(row, entry.length).context(what())?;
                found += 1;
            }
        }
        if found < carried.len() {
            let lacking = carried
                .rows()
                .find(|row| row.as_ref().is_ok_and(|row| row.length == 0));
            let path = lacking.transpose().context(what())?.map(|row| row.text);
            return Err(Error::failed(format!(
                "the index does not have the data of the hard link {}",
                show(&path.unwrap_or_default())
            )));
        }
        self.carried = Some(carried);
        Ok(())
    }

    /// Stream offset of the data of a hard link, if it is under a name that was not asked for.
    fn outside(&self, entry: &IndexEntry) -> Result<Option<u64>> {
        let Some(first) = entry.link.filter(|_| entry.kind == MemberKind::HardLink) else {
            return Ok(None);
        };
        let offset = self.offset_of(first)?;
        let after = self.spans.partition_point(|span| span.start <= offset);
        let inside = after
            .checked_sub(1)
            .is_some_and(|span| offset < self.spans[span].end);
        Ok((!inside).then_some(offset))
    }

    fn stretch(&self, entry: &IndexEntry) -> Result<Range> {
        let start = self.offset_of(entry.address)?;
        Ok(Range {
            start,
            end: start + entry.length,
        })
    }

    fn offset_of(&self, address: MemberAddress) -> Result<u64> {
        let segment = self.segments.get(&address.segment).ok_or_else(|| {
            Error::failed(format!(
                "the record does not have segment {}",
                address.segment.0
            ))
        })?;
        Ok(segment + address.offset)
    }

    /// Whether this path or one above it was asked for.
    fn is_asked_for(&self, path: &[u8]) -> bool {
        // Everything between a path and what is below it is below it too.
        let after = self
            .paths
            .partition_point(|asked| walk_order(asked, path) != Ordering::Greater);
        match after.checked_sub(1) {
            Some(last) => is_below(path, &self.paths[last]),
            None => self.paths.is_empty(),
        }
    }

    /// The stretches of stream to read, in stream order, not touching.
    pub fn ranges(&self) -> Ranges<'_> {
        Ranges {
            spans: self.spans.iter().copied().peekable(),
            carried: self
                .carried
                .as_ref()
                .map(|carried| carried.rows().peekable()),
        }
    }

    /// The segments that hold some of it.
    ///
    /// # Errors
    /// The list on disk cannot be read.
    pub fn needed(&self, segments: Vec<Segment>) -> Result<Vec<Segment>> {
        let mut needed = Vec::new();
        let mut segments = segments.into_iter().peekable();
        for range in self.ranges() {
            let range = range?;
            while let Some(segment) = segments.next_if(|segment| segment.stream_offset < range.end)
            {
                if range.start < segment.stream_offset + segment.plaintext_length {
                    needed.push(segment);
                }
            }
        }
        Ok(needed)
    }

    /// The stream offset of the first member that starts at or after `offset`.
    pub fn next_member(&self, index: &IndexReader, offset: u64) -> Result<Option<u64>> {
        let mut next: Option<u64> = None;
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let start = self.offset_of(entry.address)?;
            if start >= offset && next.is_none_or(|known| start < known) {
                next = Some(start);
            }
        }
        Ok(next)
    }

    /// Paths of the members asked for that reach into one of these stretches.
    pub fn members_in(&self, index: &IndexReader, stretches: &[Range]) -> Result<Vec<Vec<u8>>> {
        let mut paths = Vec::new();
        if stretches.is_empty() {
            return Ok(paths);
        }
        let mut targets = Targets::new(self, index);
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let member = self.stretch(&entry)?;
            let touched = stretches
                .iter()
                .any(|stretch| member.start < stretch.end && stretch.start < member.end);
            if touched && let Some(path) = targets.path(&entry, member.start)? {
                paths.push(path);
            }
        }
        Ok(paths)
    }

    /// Items in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.paths.len() + self.spans.len() + self.carried.as_ref().map_or(0, Sorted::held)
    }

    /// Stream offset of the first byte wanted.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Bytes of stream from the first to the last byte wanted.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.end - self.first
    }
}

/// The stretches of a [`Selection`].
#[derive(Debug)]
pub struct Ranges<'a> {
    spans: Peekable<std::iter::Copied<std::slice::Iter<'a, Range>>>,
    carried: Option<Peekable<Rows<'a>>>,
}

impl Ranges<'_> {
    /// The next stretch of either list that starts before `limit`.
    fn piece(&mut self, limit: u64) -> Result<Option<Range>> {
        let span = self.spans.peek().map_or(u64::MAX, |span| span.start);
        if let Some(rows) = &mut self.carried {
            let early = |row: &std::io::Result<Row>| {
                row.as_ref()
                    .map_or(true, |row| row.key < span && row.key <= limit)
            };
            if let Some(row) = rows.next_if(early) {
                let row = row.context("cannot read the list of hard links")?;
                return Ok(Some(Range {
                    start: row.key,
                    end: row.key + row.length,
                }));
            }
        }
        Ok(self.spans.next_if(|span| span.start <= limit))
    }

    fn joined(&mut self) -> Result<Option<Range>> {
        let Some(mut range) = self.piece(u64::MAX)? else {
            return Ok(None);
        };
        while let Some(more) = self.piece(range.end)? {
            range.end = range.end.max(more.end);
        }
        Ok(Some(range))
    }
}

impl Iterator for Ranges<'_> {
    type Item = Result<Range>;

    fn next(&mut self) -> Option<Self::Item> {
        self.joined().transpose()
    }
}

/// What to do with a member of the stream.
#[derive(Debug)]
pub struct Target {
    /// Where it goes.
    pub path: Vec<u8>,
    /// Its row of the index.
    pub entry: Option<IndexEntry>,
    /// What else stands for it: a hard link whose data was to be restored under another name than
    /// its first, and was not.
    pub lacks_data: bool,
}

/// Tells where the members of the stream go.
#[derive(Debug)]
pub struct Targets<'a> {
    selection: &'a Selection,
    lookup: Lookup<'a>,
    carried: Option<Finder<'a>>,
}

impl<'a> Targets<'a> {
    /// Quick when members are asked for in stream order.
    #[must_use]
    pub fn new(selection: &'a Selection, index: &'a IndexReader) -> Self {
        Self {
            selection,
            lookup: Lookup::new(index),
            carried: selection.carried.as_ref().map(Finder::new),
        }
    }

    /// Where the member with this header at this stream offset goes; `None` if it was not asked
    /// for. A hard link is led to where its data was restored.
    ///
    /// # Errors
    /// The index or the list on disk cannot be read.
    pub fn find(&mut self, header: &mut MemberHeader, at: u64) -> Result<Option<Target>> {
        let newest = self
            .lookup
            .find(&header.path)
            .context("the set's index cannot be read")?;
        let mut entry = None;
        if let Some(newest) = newest
            && self.selection.offset_of(newest.address)? == at
        {
            entry = Some(newest.clone());
        }
        let mut target = Target {
            path: header.path.clone(),
            entry,
            lacks_data: false,
        };
        if self.selection.paths.is_empty() {
            return Ok(Some(target));
        }
        if !self.selection.is_asked_for(&header.path) {
            let row = self.carried(at)?;
            return Ok(row.map(|row| {
                target.path.clone_from(&row.text);
                target
            }));
        }
        // Of a path that is there twice only the last member was asked for.
        let Some(entry) = &target.entry else {
            return Ok(None);
        };
        if let Some(first) = self.selection.outside(entry)?
            && let Some(row) = self.carried(first)?
        {
            if row.text == header.path {
                return Ok(None);
            }
            header.link.clone_from(&row.text);
            target.lacks_data = !row.done;
        }
        Ok(Some(target))
    }

    /// Notes that the member at this stream offset was restored under another name.
    ///
    /// # Errors
    /// The list on disk cannot be written.
    pub fn restored(&mut self, at: u64) -> Result<()> {
        match &mut self.carried {
            Some(carried) => carried
                .set_done(at)
                .context("cannot write the list of hard links"),
            None => Ok(()),
        }
    }

    /// As [`Targets::find`] for a row of the index: where it goes.
    fn path(&mut self, entry: &IndexEntry, at: u64) -> Result<Option<Vec<u8>>> {
        if self.selection.is_asked_for(&entry.path) {
            let newest = self
                .lookup
                .find(&entry.path)
                .context("the set's index cannot be read")?;
            let is_newest = newest.is_some_and(|newest| newest.address == entry.address);
            return Ok(is_newest.then(|| entry.path.clone()));
        }
        Ok(self.carried(at)?.map(|row| row.text.clone()))
    }

    fn carried(&mut self, at: u64) -> Result<Option<&Row>> {
        match &mut self.carried {
            Some(carried) => carried
                .find(at)
                .context("cannot read the list of hard links"),
            None => Ok(None),
        }
    }
}

/// The paths in walk order without those below another; none when everything is asked for.
fn outermost(paths: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut sorted = paths.to_vec();
    sorted.sort_by(|a, b| walk_order(a, b));
    let mut outermost: Vec<Vec<u8>> = Vec::new();
    for path in sorted {
        if path == b"." {
            return Vec::new();
        }
        if !outermost.last().is_some_and(|above| is_below(&path, above)) {
            outermost.push(path);
        }
    }
    outermost
}

/// Adds a stretch, to the last one where it follows it.
fn join(ranges: &mut Vec<Range>, next: Range) {
    match ranges.last_mut() {
        Some(last) if last.end == next.start => last.end = next.end,
        _ => ranges.push(next),
    }
}
