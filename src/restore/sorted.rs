//! Rows sorted on disk, for lists that may be as long as a set has members.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes between two marks of a sorted file: what a look-up reads.
const STRIDE: u64 = 32 << 10;
/// Bytes read or written at a time.
const BUFFER: usize = 64 << 10;
/// Bytes of a row before its text: key, length, length of the text; numbers little-endian.
const FIXED: usize = 20;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// What it is sorted by.
    pub(super) key: u64,
    /// Kept with it; 0 until [`Sorted::set_length`].
    pub(super) length: u64,
    /// Whatever belongs to it.
    pub(super) text: Vec<u8>,
    /// Where it is in the sorted file.
    position: u64,
}

impl Row {
    fn stored(&self) -> u64 {
        (FIXED + self.text.len()) as u64
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let text = u32::try_from(self.text.len()).map_err(io::Error::other)?;
        out.write_all(&self.key.to_le_bytes())?;
        out.write_all(&self.length.to_le_bytes())?;
        out.write_all(&text.to_le_bytes())?;
        out.write_all(&self.text)
    }
}

/// Sorts rows by key. Memory stays below a limit, whatever is not in memory is in a file without a
/// name that vanishes with the process.
#[derive(Debug)]
pub(super) struct Sorter {
    held: Vec<Row>,
    held_bytes: usize,
    limit: usize,
    spilled: File,
    /// Where each sorted run in it ends.
    run_ends: Vec<u64>,
}

impl Sorter {
    /// A sorter that holds at most about `limit` bytes and keeps its files in `folder`.
    pub(super) fn new(folder: &Path, limit: usize) -> io::Result<Self> {
        Ok(Self {
            held: Vec::new(),
            held_bytes: 0,
            limit,
            spilled: tempfile::tempfile_in(folder)?,
            run_ends: Vec::new(),
        })
    }

    /// Adds a row. Of rows with the same key the one pushed first stays.
    pub(super) fn push(&mut self, key: u64, text: Vec<u8>) -> io::Result<()> {
        self.held_bytes += size_of::<Row>() + text.len();
        self.held.push(Row {
            key,
            length: 0,
            text,
            position: 0,
        });
        if self.held_bytes >= self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        // Stable: rows with the same key stay in the order they came in.
        self.held.sort_by_key(|row| row.key);
        let mut end = self.run_ends.last().copied().unwrap_or(0);
        let mut out = BufWriter::with_capacity(BUFFER, &self.spilled);
        let mut last = None;
        for row in self.held.drain(..) {
            if last != Some(row.key) {
                last = Some(row.key);
                row.write(&mut out)?;
                end += row.stored();
            }
        }
        out.flush()?;
        self.held_bytes = 0;
        self.run_ends.push(end);
        Ok(())
    }

    /// Merges what was added.
    pub(super) fn finish(mut self, folder: &Path) -> io::Result<Sorted> {
        self.spill()?;
        let mut start = 0;
        let mut runs = Vec::new();
        for end in &self.run_ends {
            let mut rows = Rows::between(&self.spilled, start, *end);
            if let Some(row) = rows.next().transpose()? {
                runs.push((row, rows));
            }
            start = *end;
        }
        let mut sorted = Sorted {
            file: tempfile::tempfile_in(folder)?,
            marks: Vec::new(),
            end: 0,
            rows: 0,
        };
        let mut out = BufWriter::with_capacity(BUFFER, sorted.file.try_clone()?);
        let mut last = None;
        // Of equal keys the one from the earliest run comes first. Runs are few: one for each
        // `limit` bytes.
        while let Some(least) = (0..runs.len()).min_by_key(|run| runs[*run].0.key) {
            let (row, rest) = &mut runs[least];
            if last != Some(row.key) {
                last = Some(row.key);
                sorted.mark(row.key);
                row.write(&mut out)?;
                sorted.end += row.stored();
                sorted.rows += 1;
            }
            match rest.next().transpose()? {
                Some(next) => *row = next,
                None => drop(runs.remove(least)),
            }
        }
        out.flush()?;
        Ok(sorted)
    }

    /// Rows in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}

/// Rows in the order of their keys, no key twice, in a file without a name.
#[derive(Debug)]
pub(super) struct Sorted {
    file: File,
    /// Key and position of a row about every [`STRIDE`] bytes.
    marks: Vec<(u64, u64)>,
    end: u64,
    rows: u64,
}

impl Sorted {
    fn mark(&mut self, key: u64) {
        let far = self
            .marks
            .last()
            .is_none_or(|(_, position)| self.end - position >= STRIDE);
        if far {
            self.marks.push((key, self.end));
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.rows
    }

    /// All rows.
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows::between(&self.file, 0, self.end)
    }

    /// Sets the length of a row that was found.
    pub(super) fn set_length(&self, row: &Row, length: u64) -> io::Result<()> {
        self.file
            .write_all_at(&length.to_le_bytes(), row.position + 8)
    }

    /// Marks in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.marks.len()
    }
}

/// Looks rows up; quick where keys come in about their order.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    sorted: &'a Sorted,
    mark: Option<usize>,
    stretch: Vec<Row>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(sorted: &'a Sorted) -> Self {
        Self {
            sorted,
            mark: None,
            stretch: Vec::new(),
        }
    }

    /// The row with this key.
    pub(super) fn find(&mut self, key: u64) -> io::Result<Option<&Row>> {
        let place = self.place(key)?;
        Ok(place.map(|place| &self.stretch[place]))
    }

    fn place(&mut self, key: u64) -> io::Result<Option<usize>> {
        let marks = &self.sorted.marks;
        let Some(mark) = marks.partition_point(|mark| mark.0 <= key).checked_sub(1) else {
            return Ok(None);
        };
        if self.mark != Some(mark) {
            let end = marks.get(mark + 1).map_or(self.sorted.end, |next| next.1);
            let rows = Rows::between(&self.sorted.file, marks[mark].1, end);
            self.mark = None;
            self.stretch = rows.collect::<io::Result<_>>()?;
            self.mark = Some(mark);
        }
        Ok(self.stretch.binary_search_by_key(&key, |row| row.key).ok())
    }
}

/// Rows of a stretch of file, one after the other.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    input: BufReader<Stretch<'a>>,
    position: u64,
}

impl<'a> Rows<'a> {
    fn between(file: &'a File, start: u64, end: u64) -> Self {
        let stretch = Stretch {
            file,
            at: start,
            end,
        };
        Self {
            input: BufReader::with_capacity(BUFFER, stretch),
            position: start,
        }
    }

    fn read(&mut self) -> io::Result<Option<Row>> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let (mut number, mut short) = ([0; 8], [0; 4]);
        self.input.read_exact(&mut number)?;
        let key = u64::from_le_bytes(number);
        self.input.read_exact(&mut number)?;
        let length = u64::from_le_bytes(number);
        self.input.read_exact(&mut short)?;
        let mut text = vec![0; u32::from_le_bytes(short) as usize];
        self.input.read_exact(&mut text)?;
        let row = Row {
            key,
            length,
            text,
            position: self.position,
        };
        self.position += row.stored();
        Ok(Some(row))
    }
}

impl Iterator for Rows<'_> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Part of a file, read without moving its cursor.
#[derive(Debug)]
struct Stretch<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn sort(pairs: &[(u64, String)], limit: usize) -> Sorted {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), limit).unwrap();
        for (key, text) in pairs {
            sorter.push(*key, text.clone().into_bytes()).unwrap();
            assert!(sorter.held() <= limit / size_of::<Row>() + 1);
        }
        sorter.finish(folder.path()).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_a_map_in_which_the_first_of_a_key_stays(
            pairs in prop::collection::vec((0_u64..500, "[a-z]{0,300}"), 0..600),
            limit in 1_usize..20_000,
        ) {
            let sorted = sort(&pairs, limit);
            let mut wanted: BTreeMap<u64, &str> = BTreeMap::new();
            for (key, text) in &pairs {
                wanted.entry(*key).or_insert(text);
            }
            let rows: Vec<Row> = sorted.rows().map(Result::unwrap).collect();
            let pairs = rows.iter().map(|row| (row.key, std::str::from_utf8(&row.text).unwrap()));
            prop_assert!(pairs.eq(wanted.iter().map(|(key, text)| (*key, *text))));
            prop_assert_eq!(sorted.len(), wanted.len() as u64);

            let mut finder = Finder::new(&sorted);
            for key in (0..500).chain([7, 499, 3]) {
                let found = finder.find(key).unwrap().cloned();
                prop_assert_eq!(found.is_some(), wanted.contains_key(&key));
                if let Some(row) = found {
                    prop_assert_eq!(std::str::from_utf8(&row.text).unwrap(), wanted[&key]);
                    sorted.set_length(&row, key + 1).unwrap();
                }
            }
            for row in sorted.rows() {
                let row = row.unwrap();
                prop_assert_eq!(row.length, row.key + 1);
            }
        }
    }
}
