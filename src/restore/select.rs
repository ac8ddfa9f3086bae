//! Which stretches of the tar stream hold what is asked for, and where each member goes.
//!
//! Memory does not grow with the members: the stream is in the order of the walk, so what is below
//! a path is one stretch of it (one more for every session that wrote a file again), and the only
//! list that may be long, that of data under names that were not asked for, is on disk.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::iter::Peekable;
use std::path::Path;

use super::sorted::{Finder, Row, Rows, Sorted, Sorter};
use crate::archive::header::MemberHeader;
use crate::archive::member::{IndexEntry, MemberAddress, MemberKind, SegmentNumber};
use crate::archive::order::{is_below, walk_order};
use crate::archive::problem::show;
use crate::catalogue::Segment;
use crate::error::{Context, Error, Result};
use crate::index::{Glob, IndexError, IndexReader, Lookup};

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
    /// Paths asked for, in walk order, none below another.
    paths: Vec<Vec<u8>>,
    /// Patterns asked for; no paths and no patterns: everything.
    globs: Vec<Glob>,
    /// What was asked for and is not there.
    unmatched: Vec<Vec<u8>>,
    /// Stream offset of each segment.
    segments: HashMap<SegmentNumber, u64>,
    /// Everything below the paths, in stream order, not touching.
    spans: Vec<Range>,
    /// Members outside whose data hard links inside need: by stream offset, with the path of the
    /// first such link, where the data goes.
    carried: Option<Sorted>,
}

impl Selection {
    /// Finds paths and what matches patterns, and everything below; everything when there are none.
    /// A path that is in the set is a path, whatever it looks like. Lists that are long go to files
    /// without a name in `folder`. What is not there is in [`Selection::unmatched`].
    ///
    /// # Errors
    /// What is no pattern; a file system that is full.
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
            paths: Vec::new(),
            globs: Vec::new(),
            unmatched: Vec::new(),
            segments: segments
                .iter()
                .map(|segment| (segment.number, segment.stream_offset))
                .collect(),
            spans: Vec::new(),
            carried: None,
        };
        selection.sort_out(index, paths)?;
        if selection.is_everything() {
            let end = segments
                .last()
                .map_or(0, |last| last.stream_offset + last.plaintext_length);
            selection.spans.push(Range { start: 0, end });
            return Ok(selection);
        }
        if selection.find_spans(index)? {
            selection.find_carried(index, folder, limit)?;
        }
        Ok(selection)
    }

    /// Tells paths from patterns.
    fn sort_out(&mut self, index: &IndexReader, asked: &[Vec<u8>]) -> Result<()> {
        let mut paths = Vec::new();
        for text in asked {
            if text == b"." {
                (self.globs, self.unmatched) = (Vec::new(), Vec::new());
                return Ok(());
            }
            if index.prefix(text).next().is_some() {
                paths.push(text.clone());
            } else if Glob::is_one(text) {
                let glob = Glob::new(text).map_err(|error| {
                    Error::usage(format!("cannot look for {}", show(text))).because(error)
                })?;
                self.globs.push(glob);
                self.unmatched.push(text.clone());
            } else {
                self.unmatched.push(text.clone());
            }
        }
        self.paths = outermost(&paths);
        Ok(())
    }

    fn is_everything(&self) -> bool {
        self.paths.is_empty() && self.globs.is_empty() && self.unmatched.is_empty()
    }

    /// What was asked for and matches nothing.
    #[must_use]
    pub fn unmatched(&self) -> &[Vec<u8>] {
        &self.unmatched
    }

    /// The rows of what was asked for, in walk order.
    fn asked<'a>(
        &'a self,
        index: &'a IndexReader,
    ) -> Box<dyn Iterator<Item = Result<IndexEntry>> + 'a> {
        let context = |entry: std::result::Result<IndexEntry, IndexError>| {
            entry.context("the set's index cannot be read")
        };
        if self.globs.is_empty() {
            return Box::new(
                self.paths
                    .iter()
                    .flat_map(|path| index.prefix(path))
                    .map(context),
            );
        }
        Box::new(index.entries().map(context).filter(|entry| {
            entry
                .as_ref()
                .map_or(true, |entry| self.is_asked_for(&entry.path))
        }))
    }

    /// Whether there are hard links among what is asked for.
    fn find_spans(&mut self, index: &IndexReader) -> Result<bool> {
        let mut links = false;
        let mut spans = Vec::new();
        let mut matched = vec![false; self.globs.len()];
        for entry in self.asked(index) {
            let entry = entry?;
            links |= entry.kind == MemberKind::HardLink;
            for (glob, matched) in self.globs.iter().zip(&mut matched) {
                *matched = *matched || glob.is_match_or_below(&entry.path);
            }
            let member = self.stretch(&entry)?;
            join(&mut spans, member);
        }
        spans.sort_unstable_by_key(|span: &Range| span.start);
        for span in spans {
            join(&mut self.spans, span);
        }
        // Patterns were noted as unmatched in their order.
        let mut matched = matched.into_iter();
        self.unmatched
            .retain(|text| !Glob::is_one(text) || matched.next() == Some(false));
        Ok(links)
    }

    fn find_carried(&mut self, index: &IndexReader, folder: &Path, limit: usize) -> Result<()> {
        let what = || format!("cannot keep a list of hard links in {}", folder.display());
        let mut sorter: Option<Sorter> = None;
        for entry in self.asked(index) {
            let entry = entry?;
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
        if self.globs.iter().any(|glob| glob.is_match_or_below(path)) {
            return true;
        }
        // Everything between a path and what is below it is below it too.
        let after = self
            .paths
            .partition_point(|asked| walk_order(asked, path) != Ordering::Greater);
        match after.checked_sub(1) {
            Some(last) => is_below(path, &self.paths[last]),
            None => self.is_everything(),
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

    /// For each of these stream offsets, in ascending order, where the first member starts that
    /// does not start before it.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn members_after(&self, index: &IndexReader, offsets: &[u64]) -> Result<Vec<Option<u64>>> {
        let mut next = vec![None; offsets.len()];
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let start = self.offset_of(entry.address)?;
            let reached = offsets.partition_point(|offset| *offset <= start);
            // It may be the first for the last offset before it only, or for several.
            for known in next[..reached].iter_mut().rev() {
                if known.is_some_and(|known| known <= start) {
                    break;
                }
                *known = Some(start);
            }
        }
        Ok(next)
    }

    /// Where a stretch can be cut so that what is before and behind these stream offsets, in
    /// ascending order, needs nothing of the other side: before and behind every member that
    /// reaches over one of them.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn cuts(&self, index: &IndexReader, offsets: &[u64]) -> Result<Vec<u64>> {
        let mut cuts = BTreeSet::new();
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let member = self.stretch(&entry)?;
            let after = offsets.partition_point(|offset| *offset < member.start);
            if offsets
                .get(after)
                .is_some_and(|offset| *offset < member.end)
            {
                cuts.insert(member.start);
                cuts.insert(member.end);
            }
        }
        Ok(cuts.into_iter().collect())
    }

    /// Calls back with the path of every member asked for that reaches into one of these stretches,
    /// which are in order, and with the stretch's number.
    ///
    /// # Errors
    /// The index or the list on disk cannot be read.
    pub fn members_in(
        &self,
        index: &IndexReader,
        stretches: &[Range],
        mut call: impl FnMut(&[u8], usize),
    ) -> Result<()> {
        if stretches.is_empty() {
            return Ok(());
        }
        let mut targets = Targets::new(self, index);
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let member = self.stretch(&entry)?;
            let number = stretches.partition_point(|stretch| stretch.end <= member.start);
            let touched = stretches
                .get(number)
                .is_some_and(|stretch| stretch.start < member.end);
            if touched && let Some(path) = targets.path(&entry, member.start)? {
                call(&path, number);
            }
        }
        Ok(())
    }

    /// Stream offset of the data of the hard link at a path.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn data_of(&self, index: &IndexReader, path: &[u8]) -> Result<Option<u64>> {
        let entry = index
            .lookup(path)
            .context("the set's index cannot be read")?;
        let link = entry.and_then(|entry| entry.link);
        link.map(|link| self.offset_of(link)).transpose()
    }

    /// Items in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.paths.len() + self.spans.len() + self.carried.as_ref().map_or(0, Sorted::held)
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
pub enum Found {
    /// It goes somewhere.
    Wanted(Box<Target>),
    /// It was not asked for, or a later member takes its place.
    NotAskedFor,
    /// The index does not have its path: its header is not what was written.
    Unknown,
}

/// Where a member of the stream goes.
#[derive(Debug)]
pub struct Target {
    /// The path.
    pub path: Vec<u8>,
    /// Its row of the index.
    pub entry: Option<IndexEntry>,
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

    /// Where the member with this header at this stream offset goes. Of a path that is there twice
    /// the last member counts. A hard link is led to where its data is restored.
    ///
    /// # Errors
    /// The index or the list on disk cannot be read.
    pub fn find(&mut self, header: &mut MemberHeader, at: u64) -> Result<Found> {
        let newest = self
            .lookup
            .find(&header.path)
            .context("the set's index cannot be read")?;
        let Some(newest) = newest else {
            return Ok(Found::Unknown);
        };
        let entry = (self.selection.offset_of(newest.address)? == at).then(|| newest.clone());
        let wanted = |path: Vec<u8>, entry| Found::Wanted(Box::new(Target { path, entry }));
        if !self.selection.is_asked_for(&header.path) {
            let row = self.carried(at)?;
            return Ok(row.map_or(Found::NotAskedFor, |row| wanted(row.text.clone(), entry)));
        }
        let Some(entry) = entry else {
            return Ok(Found::NotAskedFor);
        };
        if let Some(first) = self.selection.outside(&entry)?
            && let Some(row) = self.carried(first)?
        {
            if row.text == header.path {
                return Ok(Found::NotAskedFor);
            }
            header.link.clone_from(&row.text);
        }
        Ok(wanted(header.path.clone(), Some(entry)))
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
