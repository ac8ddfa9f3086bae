//! Which stretches of the tar stream hold what is asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::archive::member::{IndexEntry, MemberAddress, MemberKind, SegmentNumber};
use crate::archive::problem::show;
use crate::catalogue::Segment;
use crate::error::{Context, Error, Result};
use crate::index::IndexReader;

/// A stretch of tar stream: whole members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Bytes of stream before it.
    pub start: u64,
    /// Bytes of stream up to its end.
    pub end: u64,
}

/// Path and stream offset of a member.
type MemberPlace = (Vec<u8>, u64);

/// What is asked for.
#[derive(Debug)]
pub struct Selection {
    /// In stream order, not touching.
    pub ranges: Vec<Range>,
    /// Stream offset of each segment.
    segments: HashMap<SegmentNumber, u64>,
    /// Where each member goes, by its path and stream offset; everything to its own path
    /// without it.
    targets: Option<HashMap<MemberPlace, Vec<u8>>>,
}

impl Selection {
    /// Finds paths and everything below them; everything when there are none.
    ///
    /// # Errors
    /// A path that is not in the set.
    pub fn new(index: &IndexReader, segments: &[Segment], paths: &[Vec<u8>]) -> Result<Self> {
        let mut selection = Self {
            ranges: Vec::new(),
            segments: segments
                .iter()
                .map(|segment| (segment.number, segment.stream_offset))
                .collect(),
            targets: None,
        };
        if paths.is_empty() || paths.iter().any(|path| path == b".") {
            let end = segments
                .last()
                .map_or(0, |last| last.stream_offset + last.plaintext_length);
            selection.ranges.push(Range { start: 0, end });
            return Ok(selection);
        }
        let wanted = newest(index, paths)?;
        selection.choose(index, &wanted)?;
        Ok(selection)
    }

    fn choose(
        &mut self,
        index: &IndexReader,
        wanted: &BTreeMap<Vec<u8>, IndexEntry>,
    ) -> Result<()> {
        let mut targets = HashMap::new();
        let mut members: Vec<Range> = Vec::new();
        let chosen: HashSet<MemberAddress> = wanted.values().map(|entry| entry.address).collect();
        // Hard links whose data is under a name that was not asked for: the first of them gets
        // the data, the others link to it.
        let mut lacking: BTreeMap<MemberAddress, Vec<u8>> = BTreeMap::new();
        for (path, entry) in wanted {
            let offset = self.offset_of(entry.address)?;
            match entry.link {
                Some(first) if entry.kind == MemberKind::HardLink && !chosen.contains(&first) => {
                    if let std::collections::btree_map::Entry::Vacant(new) = lacking.entry(first) {
                        new.insert(path.clone());
                        continue;
                    }
                }
                _ => {}
            }
            targets.insert((path.clone(), offset), path.clone());
            members.push(Range {
                start: offset,
                end: offset + entry.length,
            });
        }
        if !lacking.is_empty() {
            for entry in index.entries() {
                let entry = entry.context("the set's index cannot be read")?;
                if let Some(target) = lacking.remove(&entry.address) {
                    let offset = self.offset_of(entry.address)?;
                    members.push(Range {
                        start: offset,
                        end: offset + entry.length,
                    });
                    targets.insert((entry.path, offset), target);
                }
            }
        }
        if let Some(path) = lacking.values().next() {
            return Err(Error::failed(format!(
                "the index does not have the data of the hard link {}",
                show(path)
            )));
        }
        members.sort_by_key(|range| range.start);
        for member in members {
            match self.ranges.last_mut() {
                Some(last) if last.end == member.start => last.end = member.end,
                _ => self.ranges.push(member),
            }
        }
        self.targets = Some(targets);
        Ok(())
    }

    fn offset_of(&self, address: MemberAddress) -> Result<u64> {
        self.stream_offset(address).ok_or_else(|| {
            Error::failed(format!(
                "the record does not have segment {}",
                address.segment.0
            ))
        })
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
        for entry in index.entries() {
            let entry = entry.context("the set's index cannot be read")?;
            let start = self.offset_of(entry.address)?;
            let end = start + entry.length;
            let touched = stretches
                .iter()
                .any(|stretch| start < stretch.end && stretch.start < end);
            if touched && self.target(&entry.path, start).is_some() {
                paths.push(entry.path);
            }
        }
        Ok(paths)
    }

    /// Where a member starts in the tar stream.
    #[must_use]
    pub fn stream_offset(&self, address: MemberAddress) -> Option<u64> {
        Some(self.segments.get(&address.segment)? + address.offset)
    }

    /// Where the member of this path at this stream offset goes; `None` if it was not asked for.
    #[must_use]
    pub fn target(&self, path: &[u8], offset: u64) -> Option<Vec<u8>> {
        match &self.targets {
            None => Some(path.to_owned()),
            Some(targets) => targets.get(&(path.to_owned(), offset)).cloned(),
        }
    }

    /// Stream offset of the first byte wanted.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.ranges.first().map_or(0, |range| range.start)
    }

    /// Bytes of stream from the first to the last byte wanted.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.ranges
            .last()
            .map_or(0, |range| range.end - self.first())
    }
}

/// The last member of every path asked for and of those below.
fn newest(index: &IndexReader, paths: &[Vec<u8>]) -> Result<BTreeMap<Vec<u8>, IndexEntry>> {
    let mut wanted: BTreeMap<Vec<u8>, IndexEntry> = BTreeMap::new();
    for path in paths {
        let mut found = false;
        for entry in index.prefix(path) {
            let entry = entry.context("the set's index cannot be read")?;
            found = true;
            let newer = wanted
                .get(&entry.path)
                .is_none_or(|known| known.address < entry.address);
            if newer {
                wanted.insert(entry.path.clone(), entry);
            }
        }
        if !found {
            return Err(Error::usage(format!("{} is not in the set", show(path)))
                .hint("\"tapeward find\" shows what is"));
        }
    }
    Ok(wanted)
}
