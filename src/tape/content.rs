//! Comparing the files in a segment with the rows of its index.

use std::io::{self, Read};

use crate::archive::hash_zeros;
use crate::archive::header::MemberHeader;
use crate::archive::member::{IndexEntry, MemberKind, SegmentNumber, SetForm};
use crate::archive::problem::{ArchiveError, show};
use crate::archive::reader::ArchiveReader;
use crate::archive::sparse::Extent;
use crate::index::{IndexError, IndexReader};

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;
/// Bytes of a tar block: what a file's data is padded to.
const BLOCK: u64 = 512;

/// What was seen of a member that the end of a segment cuts through. It is compared when the next
/// segment of the same copy is.
#[derive(Debug)]
pub struct Cut {
    next: SegmentNumber,
    part: Part,
}

#[derive(Debug)]
enum Part {
    /// Nothing: another member begins.
    Boundary,
    /// The beginning of its header.
    Header(Vec<u8>),
    /// Its header and some of its data.
    Data(Box<Hashing>),
}

/// A file's data on its way through its digest.
#[derive(Debug)]
struct Hashing {
    hasher: blake3::Hasher,
    /// Bytes of the file seen.
    at: u64,
    /// Runs of data still to come, the next one last; what lies between them is a hole.
    runs: Vec<Extent>,
    /// Bytes behind the data still to come.
    padding: u64,
}

impl Hashing {
    fn new(mut runs: Vec<Extent>) -> Self {
        runs.retain(|run| run.length > 0);
        runs.reverse();
        let stored = runs
            .iter()
            .fold(0_u64, |sum, run| sum.wrapping_add(run.length));
        Self {
            hasher: blake3::Hasher::new(),
            at: 0,
            runs,
            padding: stored.wrapping_neg() % BLOCK,
        }
    }

    fn of(header: &MemberHeader) -> Self {
        let all = Extent {
            offset: 0,
            length: header.size,
        };
        let sparse = header.sparse.as_ref();
        Self::new(sparse.map_or_else(|| vec![all], |map| map.extents().to_vec()))
    }

    /// What a command wrote has no header that says how long it is.
    fn of_stream() -> Self {
        Self::new(vec![Extent {
            offset: 0,
            length: u64::MAX - (BLOCK - 1),
        }])
    }

    /// Reads on; whether all of it came.
    fn read(&mut self, input: &mut dyn Read) -> io::Result<bool> {
        // Most files are small.
        let longest = self.runs.iter().map(|run| run.length).max().unwrap_or(0);
        let mut buffer = vec![0; usize::try_from(longest).unwrap_or(CHUNK).min(CHUNK)];
        while let Some(run) = self.runs.last_mut() {
            hash_zeros(&mut self.hasher, run.offset - self.at);
            let wanted = usize::try_from(run.length).unwrap_or(CHUNK).min(CHUNK);
            let count = input.read(&mut buffer[..wanted])?;
            if count == 0 {
                self.at = run.offset;
                return Ok(false);
            }
            self.hasher.update(&buffer[..count]);
            run.offset += count as u64;
            run.length -= count as u64;
            self.at = run.offset;
            if run.length == 0 {
                self.runs.pop();
            }
        }
        let mut padding = input.take(self.padding);
        self.padding -= io::copy(&mut padding, &mut io::sink())?;
        Ok(self.padding == 0)
    }

    /// Whether what came is a file of this size and digest.
    fn is(mut self, size: u64, digest: [u8; 32]) -> bool {
        hash_zeros(&mut self.hasher, size.saturating_sub(self.at));
        self.at <= size && *self.hasher.finalize().as_bytes() == digest
    }
}

/// A row, as far as it is compared.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Offset in the segment; none where it begins in an earlier one.
    offset: Option<u64>,
    /// Bytes of stream it takes.
    length: u64,
    kind: MemberKind,
    size: u64,
    digest: Option<[u8; 32]>,
    /// Its number in the index part.
    number: u64,
}

/// The files of a segment, being compared.
#[derive(Debug)]
pub(super) struct FileCheck {
    segment: SegmentNumber,
    form: SetForm,
    /// Plaintext bytes of the segment.
    length: u64,
    /// Rows in the order of the stream.
    rows: Vec<Row>,
    /// The first row that was not dealt with.
    next: usize,
    /// Numbers of rows whose member is not as it was written.
    differing: Vec<u64>,
    /// Files whose digest is that of the index.
    pub(super) compared: u64,
    /// Files of which an earlier part was not read just before.
    pub(super) apart: u64,
    /// Bytes of the segment read.
    pub(super) position: u64,
}

/// What came of the member that a segment begins in the middle of.
enum Beginning {
    /// It goes on behind this segment.
    GoesOn(Cut),
    /// It is over, or nothing is known of it.
    Over {
        /// Whether the input stands where a member begins.
        at_boundary: bool,
    },
}

/// Counts what is read.
struct Counted<'a> {
    input: &'a mut dyn Read,
    position: &'a mut u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        *self.position += count as u64;
        Ok(count)
    }
}

/// Keeps what is read.
struct Kept<'a> {
    input: &'a mut dyn Read,
    bytes: Vec<u8>,
}

impl Read for Kept<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

/// A member's header, `None` where there is none; the outer error is the tape's.
fn header(input: &mut dyn Read) -> io::Result<Option<MemberHeader>> {
    match ArchiveReader::new(input).next_member() {
        Ok(header) => Ok(header),
        Err(ArchiveError::Read { source, .. }) => Err(source),
        Err(_) => Ok(None),
    }
}

impl FileCheck {
    /// Of a segment with so many bytes of plaintext and this index part.
    pub(super) fn new(
        index: &IndexReader,
        segment: SegmentNumber,
        form: SetForm,
        length: u64,
    ) -> Result<Self, IndexError> {
        let row = |(entry, number): (Result<IndexEntry, IndexError>, u64)| {
            let entry = entry?;
            Ok(Row {
                offset: (entry.address.segment == segment).then_some(entry.address.offset),
                length: entry.length,
                kind: entry.kind,
                size: entry.size,
                digest: entry.digest.filter(|_| entry.kind == MemberKind::File),
                number,
            })
        };
        let rows = index.entries().zip(0..).map(row);
        let mut rows = rows.collect::<Result<Vec<_>, IndexError>>()?;
        rows.sort_unstable_by_key(|row| row.offset);
        Ok(Self {
            segment,
            form,
            length,
            rows,
            next: 0,
            differing: Vec::new(),
            compared: 0,
            apart: 0,
            position: 0,
        })
    }

    /// Reads the segment from its first byte to its last; what the next one goes on with.
    ///
    /// # Errors
    /// What the input says; [`Self::position`] tells how far it came.
    pub(super) fn read_all(
        &mut self,
        input: &mut dyn Read,
        before: Option<Cut>,
    ) -> io::Result<Option<Cut>> {
        let before = before.filter(|cut| cut.next == self.segment);
        let cut = match self.beginning(input, before)? {
            Beginning::GoesOn(cut) => Some(cut),
            Beginning::Over { at_boundary } => {
                self.read_rows(input)?;
                self.end(input, at_boundary)?
            }
        };
        // Reading to the end compares the digest of the segment.
        self.skip(input, u64::MAX)?;
        Ok(cut)
    }

    /// The end of a member that began in an earlier segment.
    fn beginning(&mut self, input: &mut dyn Read, before: Option<Cut>) -> io::Result<Beginning> {
        let first = self.segment == SegmentNumber(0);
        let row = match self.rows.first() {
            Some(row) if row.offset.is_none() || (first && self.is_stream()) => Some(*row),
            _ => None,
        };
        self.next = usize::from(row.is_some());
        let hashing = match before.map(|cut| cut.part) {
            Some(Part::Header(bytes)) => {
                let mut counted = self.counted(input);
                let mut whole = io::Cursor::new(bytes).chain(&mut counted);
                header(&mut whole)?.map(|header| Box::new(Hashing::of(&header)))
            }
            Some(Part::Data(hashing)) => Some(hashing),
            None if first && self.is_stream() => Some(Box::new(Hashing::of_stream())),
            Some(Part::Boundary) => return Ok(Beginning::Over { at_boundary: true }),
            None => None,
        };
        let Some(mut hashing) = hashing else {
            let is_file = row.is_some_and(|row| row.digest.is_some());
            self.apart += u64::from(is_file);
            let at_boundary = first && row.is_none();
            return Ok(Beginning::Over { at_boundary });
        };
        let came = match hashing.read(&mut self.counted(input)) {
            Ok(came) => came,
            Err(error) => {
                self.differing.extend(row.map(|row| row.number));
                return Err(error);
            }
        };
        match row {
            Some(row) => self.compare(row, *hashing),
            None if !came => return Ok(Beginning::GoesOn(self.cut(Part::Data(hashing)))),
            None => {}
        }
        Ok(Beginning::Over { at_boundary: came })
    }

    fn is_stream(&self) -> bool {
        self.form == SetForm::Stream
    }

    fn cut(&self, part: Part) -> Cut {
        Cut {
            next: SegmentNumber(self.segment.0 + 1),
            part,
        }
    }

    fn counted<'a>(&'a mut self, input: &'a mut dyn Read) -> Counted<'a> {
        Counted {
            input,
            position: &mut self.position,
        }
    }

    fn compare(&mut self, row: Row, hashing: Hashing) {
        match row.digest {
            Some(digest) if hashing.is(row.size, digest) => self.compared += 1,
            Some(_) => self.differing.push(row.number),
            None => {}
        }
    }

    /// Reads past what is before an offset of the segment.
    fn skip(&mut self, input: &mut dyn Read, offset: u64) -> io::Result<()> {
        let count = offset.saturating_sub(self.position);
        let mut skipped = self.counted(input).take(count);
        io::copy(&mut skipped, &mut io::sink()).map(drop)
    }

    /// Where the next row is, if one is left.
    pub(super) fn next_offset(&self) -> Option<u64> {
        self.rows.get(self.next)?.offset
    }

    /// The next row, and all before an offset of the segment, cannot be read.
    pub(super) fn give_up(&mut self, before: u64) {
        while let Some(row) = self.rows.get(self.next) {
            if row.offset.is_some_and(|offset| offset >= before) {
                break;
            }
            self.differing.push(row.number);
            self.next += 1;
        }
    }

    /// Reads the members of the rows that are left.
    ///
    /// # Errors
    /// What the input says; the next row is the one it said it at.
    pub(super) fn read_rows(&mut self, input: &mut dyn Read) -> io::Result<()> {
        while let Some(row) = self.rows.get(self.next).copied() {
            let offset = row.offset.unwrap_or(self.position);
            self.skip(input, offset)?;
            // A member before it that is longer than its row says.
            let found = if self.position == offset {
                header(&mut self.counted(input))?
            } else {
                None
            };
            let fits = |header: &MemberHeader| {
                header.kind == row.kind && (row.kind != MemberKind::File || header.size == row.size)
            };
            match found.filter(fits) {
                None => self.differing.push(row.number),
                Some(header) if row.kind == MemberKind::File => {
                    let mut hashing = Hashing::of(&header);
                    hashing.read(&mut self.counted(input))?;
                    self.compare(row, hashing);
                }
                Some(_) => {}
            }
            self.next += 1;
        }
        Ok(())
    }

    /// The beginning of a member that has its row in a later segment.
    fn end(&mut self, input: &mut dyn Read, at_boundary: bool) -> io::Result<Option<Cut>> {
        match self.rows.last() {
            Some(Row {
                offset: Some(offset),
                length,
                ..
            }) => {
                let end = offset + length;
                self.skip(input, end)?;
                if self.position != end {
                    return Ok(None);
                }
            }
            _ if !at_boundary => return Ok(None),
            _ => {}
        }
        if self.is_stream() {
            return Ok(None);
        }
        let mut counted = self.counted(input);
        let mut kept = Kept {
            input: &mut counted,
            bytes: Vec::new(),
        };
        let found = header(&mut kept)?;
        let bytes = kept.bytes;
        Ok(match found {
            None if bytes.is_empty() => Some(self.cut(Part::Boundary)),
            Some(header) if header.kind == MemberKind::File => {
                let mut hashing = Box::new(Hashing::of(&header));
                hashing.read(&mut self.counted(input))?;
                Some(self.cut(Part::Data(hashing)))
            }
            None if self.position == self.length => Some(self.cut(Part::Header(bytes))),
            _ => None,
        })
    }

    /// How many files are not as they were written, and the paths of the first of them.
    pub(super) fn differing(
        &self,
        index: &IndexReader,
        limit: usize,
    ) -> Result<(u64, Vec<String>), IndexError> {
        let mut numbers = self.differing.clone();
        numbers.sort_unstable();
        let count = numbers.len() as u64;
        numbers.truncate(limit);
        let mut names = Vec::new();
        let mut wanted = numbers.into_iter().peekable();
        for (entry, number) in index.entries().zip(0..) {
            if wanted.next_if_eq(&number).is_some() {
                names.push(show(&entry?.path));
            }
            if wanted.peek().is_none() {
                break;
            }
        }
        Ok((count, names))
    }
}
