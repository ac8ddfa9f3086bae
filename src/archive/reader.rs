//! Reading a tar stream member by member, from any point where a member begins.
//!
//! Understands what [`super::writer`], GNU tar and libarchive write: ustar, pax `x` and `g`
//! records, GNU `L` and `K`, sparse files of GNU format 1.0 and of the old GNU `S` header, octal
//! and base-256 numbers. Whatever the bytes say, memory stays bounded and nothing panics.

use std::io::{self, Read};

use super::block::{BLOCK, Block, TypeFlag, number, padding};
use super::descent::components;
use super::header::{DeviceNumber, MemberHeader};
use super::member::{FileTime, MemberKind};
use super::problem::{ArchiveError, Malformation};
use super::records::Records;
use super::sparse::{Extent, SparseMap};

/// Bytes handed out at a time.
const CHUNK: usize = 256 * 1024;
/// Most bytes of extended headers and long names that are read into memory: for one member, and
/// in all for those that hold for the whole archive.
const MAX_SPECIAL: u64 = 16 << 20;
/// Most entries of a sparse map that are read into memory.
const MAX_MAP_ENTRIES: u64 = 1 << 20;
/// Most special headers before one member.
const MAX_SPECIALS: usize = 64;

/// Bytes of a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataChunk<'a> {
    /// Where in the file they belong; what lies between two chunks is a hole.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Reads an archive.
#[derive(Debug)]
pub struct ArchiveReader<R> {
    input: R,
    offset: u64,
    global: Records,
    global_room: u64,
    data: Data,
    buffer: Vec<u8>,
    ended: bool,
    /// What is read is the data of this member, and nothing else.
    only: Option<MemberHeader>,
}

/// What is still to come of the current member.
#[derive(Debug, Default)]
struct Data {
    /// Remaining runs, the next one last.
    runs: Vec<Extent>,
    padding: usize,
}

/// One header block and the records before it.
struct Head {
    block: Block,
    records: Records,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    offset: u64,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads from where `input` stands; a member must begin there.
    pub fn new(input: R) -> Self {
        Self {
            input,
            offset: 0,
            global: Records::default(),
            global_room: MAX_SPECIAL,
            data: Data::default(),
            buffer: Vec::new(),
            ended: false,
            only: None,
        }
    }

    /// Reads what is no archive but the data of one file, whose header is known from elsewhere.
    pub fn of_one(input: R, header: MemberHeader) -> Self {
        Self {
            only: Some(header),
            ..Self::new(input)
        }
    }

    /// Bytes of archive read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next member's header, after skipping what is left of the one before; `None` at the end
    /// of the archive or of the input.
    ///
    /// # Errors
    /// [`ArchiveError::Read`] and [`ArchiveError::Malformed`]; the reader is of no use after one.
    pub fn next_member(&mut self) -> Result<Option<MemberHeader>, ArchiveError> {
        while self.next_data()?.is_some() {}
        if self.ended {
            return Ok(None);
        }
        if let Some(header) = self.only.take() {
            self.ended = true;
            let all = Extent {
                offset: 0,
                length: header.size,
            };
            self.data.runs.extend((all.length > 0).then_some(all));
            return Ok(Some(header));
        }
        let Some(head) = self.head()? else {
            self.ended = true;
            return Ok(None);
        };
        self.member(head).map(Some)
    }

    /// The next data of the current member; `None` when there is no more.
    ///
    /// # Errors
    /// As [`Self::next_member`].
    pub fn next_data(&mut self) -> Result<Option<DataChunk<'_>>, ArchiveError> {
        let Some(run) = self.data.runs.last_mut() else {
            let mut rest = [0; BLOCK];
            let padding = std::mem::take(&mut self.data.padding);
            self.fill(&mut rest[..padding])?;
            return Ok(None);
        };
        let offset = run.offset;
        let count = usize::try_from(run.length).unwrap_or(CHUNK).min(CHUNK);
        run.offset += count as u64;
        run.length -= count as u64;
        if run.length == 0 {
            self.data.runs.pop();
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(CHUNK, 0);
        let filled = self.fill(&mut buffer[..count]);
        self.buffer = buffer;
        filled?;
        Ok(Some(DataChunk {
            offset,
            bytes: &self.buffer[..count],
        }))
    }

    /// Reads special headers up to the header of a member.
    fn head(&mut self) -> Result<Option<Head>, ArchiveError> {
        let mut records = self.global.clone();
        let mut long_name = None;
        let mut long_link = None;
        let mut room = MAX_SPECIAL;
        for _ in 0..MAX_SPECIALS {
            let offset = self.offset;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            match block.type_flag() {
                TypeFlag::PaxExtended => {
                    records.parse(&self.special(&block, &mut room)?, offset)?;
                }
                TypeFlag::PaxGlobal => {
                    let mut global_room = self.global_room;
                    let body = self.special(&block, &mut global_room)?;
                    self.global_room = global_room;
                    self.global.parse(&body, offset)?;
                    records.parse(&body, offset)?;
                }
                TypeFlag::GnuLongName => long_name = Some(self.long(&block, &mut room)?),
                TypeFlag::GnuLongLink => long_link = Some(self.long(&block, &mut room)?),
                _ => {
                    return Ok(Some(Head {
                        block,
                        records,
                        long_name,
                        long_link,
                        offset,
                    }));
                }
            }
        }
        Err(malformed(self.offset, Malformation::TooLarge))
    }

    fn member(&mut self, head: Head) -> Result<MemberHeader, ArchiveError> {
        let Head {
            block,
            mut records,
            long_name,
            long_link,
            offset,
        } = head;
        let bad = |what| malformed(offset, what);
        let raw_name = records
            .name()
            .map(<[u8]>::to_vec)
            .or(long_name)
            .unwrap_or_else(|| block.name());
        let stored = match records.size {
            Some(size) => size,
            None => block.size().map_err(bad)?,
        };
        let kind =
            kind_of(block.type_flag(), &raw_name).ok_or_else(|| bad(Malformation::UnknownType))?;
        let mut header = MemberHeader {
            path: normal(&raw_name),
            kind,
            mode: block.mode().map_err(bad)?,
            uid: pick(records.uid, || block.uid()).map_err(bad)?,
            gid: pick(records.gid, || block.gid()).map_err(bad)?,
            owner: records.uname.clone().unwrap_or_else(|| block.user_name()),
            group: records.gname.clone().unwrap_or_else(|| block.group_name()),
            modified: pick(records.mtime, || {
                block
                    .modified()
                    .map(|seconds| FileTime { seconds, nanos: 0 })
            })
            .map_err(bad)?,
            size: 0,
            device: DeviceNumber { major: 0, minor: 0 },
            link: Vec::new(),
            sparse: None,
            attributes: records.take_attributes(),
            access_acl: records.access_acl.clone(),
            default_acl: records.default_acl.clone(),
        };
        match kind {
            MemberKind::File => {
                self.data = Data::default();
                let (size, map) = self.layout(&block, &records, stored)?;
                header.size = size;
                header.sparse = map;
            }
            MemberKind::CharacterDevice | MemberKind::BlockDevice => {
                header.device = block.device().map_err(bad)?;
            }
            MemberKind::Symlink | MemberKind::HardLink => {
                let link = records.linkpath.clone().or(long_link);
                let link = link.unwrap_or_else(|| block.link_name());
                header.link = if kind == MemberKind::HardLink {
                    normal(&link)
                } else {
                    link
                };
            }
            MemberKind::Directory | MemberKind::Fifo => {}
        }
        Ok(header)
    }

    /// Finds out where a file's data belongs and makes it the current data.
    fn layout(
        &mut self,
        block: &Block,
        records: &Records,
        stored: u64,
    ) -> Result<(u64, Option<SparseMap>), ArchiveError> {
        let offset = self.offset;
        let bad = |what| malformed(offset, what);
        if stored > i64::MAX as u64 {
            return Err(bad(Malformation::Number));
        }
        let (size, entries, left) = if block.type_flag() == TypeFlag::GnuSparse {
            let (size, entries) = self.old_gnu_map(block)?;
            (size, entries, Some(stored))
        } else if let Some(size) = records.sparse_size(offset)? {
            let (entries, consumed) = self.map_before_data(stored)?;
            (size, entries, stored.checked_sub(consumed))
        } else {
            if stored > 0 {
                self.data.runs.push(Extent {
                    offset: 0,
                    length: stored,
                });
            }
            self.data.padding = padding(stored);
            return Ok((stored, None));
        };
        let map = SparseMap::new(entries, size).ok_or_else(|| bad(Malformation::SparseMap))?;
        if left != Some(map.stored()) {
            return Err(bad(Malformation::SparseMap));
        }
        self.data.runs = map.extents().iter().rev().copied().collect();
        self.data.padding = padding(map.stored());
        Ok((size, (map.stored() < size).then_some(map)))
    }

    /// The map of GNU format 1.0 and how many bytes it took.
    fn map_before_data(&mut self, stored: u64) -> Result<(Vec<Extent>, u64), ArchiveError> {
        let start = self.offset;
        let mut lines = Lines {
            block: [0; BLOCK],
            at: BLOCK,
            left: stored,
        };
        let count = lines.number(self)?;
        if count > MAX_MAP_ENTRIES {
            return Err(malformed(start, Malformation::TooLarge));
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            let offset = lines.number(self)?;
            let length = lines.number(self)?;
            entries.push(Extent { offset, length });
        }
        Ok((entries, self.offset - start))
    }

    /// The map of an old GNU `S` header and the blocks that continue it (GNU tar manual, "Old GNU
    /// Format": four entries from byte 386, 21 in each further block).
    fn old_gnu_map(&mut self, block: &Block) -> Result<(u64, Vec<Extent>), ArchiveError> {
        let offset = self.offset;
        let bad = |what| malformed(offset, what);
        let mut entries = Vec::new();
        let bytes = block.as_bytes();
        old_gnu_entries(&bytes[386..482], &mut entries).map_err(bad)?;
        let size = number(&bytes[483..495]).map_err(bad)?;
        let size = u64::try_from(size).map_err(|_| bad(Malformation::Number))?;
        let mut more = bytes[482] != 0;
        while more {
            let mut next = [0; BLOCK];
            self.fill(&mut next)?;
            old_gnu_entries(&next[..504], &mut entries).map_err(bad)?;
            more = next[504] != 0;
            if entries.len() as u64 > MAX_MAP_ENTRIES {
                return Err(bad(Malformation::TooLarge));
            }
        }
        Ok((size, entries))
    }

    /// Body of a special header, without padding.
    fn special(&mut self, block: &Block, room: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let offset = self.offset;
        let size = block.size().map_err(|what| malformed(offset, what))?;
        *room = room
            .checked_sub(size)
            .ok_or_else(|| malformed(offset, Malformation::TooLarge))?;
        let mut body = Vec::new();
        let wanted = size + padding(size) as u64;
        // Read as far as there is, so that a false size costs no memory.
        let got = (&mut self.input)
            .take(wanted)
            .read_to_end(&mut body)
            .map_err(|source| ArchiveError::Read { offset, source })?;
        self.offset += got as u64;
        if (got as u64) < wanted {
            return Err(malformed(self.offset, Malformation::UnexpectedEnd));
        }
        body.truncate(body.len() - padding(size));
        Ok(body)
    }

    fn long(&mut self, block: &Block, room: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let mut name = self.special(block, room)?;
        if let Some(end) = name.iter().position(|byte| *byte == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    /// The next header block; `None` for a block of zeros or the end of the input.
    fn block(&mut self) -> Result<Option<Block>, ArchiveError> {
        let mut bytes = [0; BLOCK];
        let mut got = 0;
        while got < BLOCK {
            match self.input.read(&mut bytes[got..]) {
                Ok(0) if got == 0 => return Ok(None),
                Ok(0) => return Err(malformed(self.offset, Malformation::UnexpectedEnd)),
                Ok(count) => got += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(ArchiveError::Read {
                        offset: self.offset,
                        source,
                    });
                }
            }
        }
        let parsed = Block::parse(&bytes).map_err(|what| malformed(self.offset, what));
        self.offset += BLOCK as u64;
        parsed
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), ArchiveError> {
        self.input.read_exact(buffer).map_err(|source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                malformed(self.offset, Malformation::UnexpectedEnd)
            } else {
                ArchiveError::Read {
                    offset: self.offset,
                    source,
                }
            }
        })?;
        self.offset += buffer.len() as u64;
        Ok(())
    }
}

/// Decimal lines in blocks.
struct Lines {
    block: [u8; BLOCK],
    at: usize,
    left: u64,
}

impl Lines {
    fn number<R: Read>(&mut self, reader: &mut ArchiveReader<R>) -> Result<u64, ArchiveError> {
        let mut value: Option<u64> = None;
        loop {
            let bad = || malformed(reader.offset, Malformation::SparseMap);
            if self.at == BLOCK {
                self.left = self.left.checked_sub(BLOCK as u64).ok_or_else(bad)?;
                reader.fill(&mut self.block)?;
                self.at = 0;
            }
            let bad = || malformed(reader.offset, Malformation::SparseMap);
            let byte = self.block[self.at];
            self.at += 1;
            match (byte, value) {
                (b'\n', Some(value)) => return Ok(value),
                (b'0'..=b'9', _) => {
                    let digit = u64::from(byte - b'0');
                    let shifted = value.unwrap_or(0).checked_mul(10);
                    let next = shifted.and_then(|value| value.checked_add(digit));
                    value = Some(next.ok_or_else(bad)?);
                }
                _ => return Err(bad()),
            }
        }
    }
}

fn old_gnu_entries(bytes: &[u8], entries: &mut Vec<Extent>) -> Result<(), Malformation> {
    for entry in bytes.chunks_exact(24) {
        if entry[0] == 0 {
            break;
        }
        let field = |bytes: &[u8]| u64::try_from(number(bytes)?).map_err(|_| Malformation::Number);
        entries.push(Extent {
            offset: field(&entry[..12])?,
            length: field(&entry[12..])?,
        });
    }
    Ok(())
}

fn kind_of(flag: TypeFlag, name: &[u8]) -> Option<MemberKind> {
    Some(match flag {
        // Before POSIX a directory was a file whose name ends in a slash.
        TypeFlag::Regular if name.ends_with(b"/") => MemberKind::Directory,
        TypeFlag::Regular | TypeFlag::GnuSparse => MemberKind::File,
        TypeFlag::HardLink => MemberKind::HardLink,
        TypeFlag::Symlink => MemberKind::Symlink,
        TypeFlag::CharacterDevice => MemberKind::CharacterDevice,
        TypeFlag::BlockDevice => MemberKind::BlockDevice,
        TypeFlag::Directory => MemberKind::Directory,
        TypeFlag::Fifo => MemberKind::Fifo,
        TypeFlag::PaxExtended
        | TypeFlag::PaxGlobal
        | TypeFlag::GnuLongName
        | TypeFlag::GnuLongLink
        | TypeFlag::Other(_) => return None,
    })
}

fn pick<T>(
    record: Option<T>,
    field: impl FnOnce() -> Result<T, Malformation>,
) -> Result<T, Malformation> {
    record.map_or_else(field, Ok)
}

/// The path in the form of an index entry. One that leads out of the tree is left as it is, for
/// the extractor to refuse.
fn normal(name: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") || components(name).any(|component| component == b"..") {
        return name.to_vec();
    }
    let path = components(name).collect::<Vec<_>>().join(&b'/');
    if path.is_empty() { b".".to_vec() } else { path }
}

fn malformed(offset: u64, what: Malformation) -> ArchiveError {
    ArchiveError::Malformed { offset, what }
}
