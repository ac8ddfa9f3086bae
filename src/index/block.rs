//! Blocks of rows, column by column. The layout is described in `docs/index-format.md`.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use super::column::{Cursor, put_varint, unzigzag, zigzag};
use super::error::Damage;
use crate::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberState, SegmentNumber,
};
use crate::archive::order::common_length;

/// Rows of a full block.
pub(super) const BLOCK_ROWS: usize = 512;
/// A block is closed early when its paths take more than this.
const BLOCK_PATH_BYTES: usize = 1 << 20;
/// Longest path.
pub(super) const PATH_LIMIT: usize = 8 << 20;
/// No block needs more than this for its columns: what says so is damaged.
const COLUMNS_LIMIT: usize = 16 << 20;
/// zstd's default: higher levels gain a few per cent of what is not digests.
const LEVEL: i32 = 3;

const HAS_DIGEST: u8 = 1 << 5;
const HAS_LINK: u8 = 1 << 6;
const COLUMNS: usize = 14;
/// Column ids up to here must be understood.
const CRITICAL_COLUMNS: u8 = 128;

/// What a row's differences are taken from.
#[derive(Debug, Clone, Copy)]
struct Base {
    seconds: u64,
    segment: u64,
    end: u64,
}

impl Base {
    const ZERO: Self = Self {
        seconds: 0,
        segment: 0,
        end: 0,
    };

    fn offset_base(self, segment: u64) -> u64 {
        if segment == self.segment { self.end } else { 0 }
    }
}

fn padded(size: u64) -> u64 {
    size.wrapping_add(511) & !511
}

/// Collects rows until there are enough for a block.
pub(super) struct BlockBuilder {
    columns: [Vec<u8>; COLUMNS],
    digests: Vec<u8>,
    rows: usize,
    first_path: Vec<u8>,
    last_path: Vec<u8>,
    base: Base,
    compressor: Compressor<'static>,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for BlockBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockBuilder")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl BlockBuilder {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            columns: Default::default(),
            digests: Vec::new(),
            rows: 0,
            first_path: Vec::new(),
            last_path: Vec::new(),
            base: Base::ZERO,
            compressor: Compressor::new(LEVEL)?,
            scratch: Vec::new(),
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn first_path(&self) -> &[u8] {
        &self.first_path
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= BLOCK_ROWS || self.columns[2].len() >= BLOCK_PATH_BYTES
    }

    /// At most how many bytes [`BlockBuilder::encode`] would append now.
    pub(super) fn size_bound(&self) -> usize {
        let raw = self.raw_length();
        12 + raw + raw / 128 + 1024 + self.digests.len()
    }

    fn raw_length(&self) -> usize {
        self.columns.iter().map(|column| 5 + column.len()).sum()
    }

    /// Adds a row; its path must not be longer than [`PATH_LIMIT`].
    pub(super) fn push(&mut self, entry: &IndexEntry) {
        let shared = if self.rows == 0 {
            self.first_path.clear();
            self.first_path.extend_from_slice(&entry.path);
            0
        } else {
            common_length(&self.last_path, &entry.path)
        };
        let suffix = &entry.path[shared..];
        let [
            shares,
            suffixes,
            paths,
            flags,
            sizes,
            seconds,
            nanos,
            modes,
            uids,
            gids,
            segments,
            offsets,
            lengths,
            links,
        ] = &mut self.columns;
        put_varint(shares, shared as u64);
        put_varint(suffixes, suffix.len() as u64);
        paths.extend_from_slice(suffix);
        self.last_path.truncate(shared);
        self.last_path.extend_from_slice(suffix);

        flags.push(encode_flags(entry));
        put_varint(sizes, entry.size);
        let modified = entry.modified.seconds.cast_unsigned();
        put_varint(seconds, zigzag(modified, self.base.seconds));
        nanos.extend_from_slice(&entry.modified.nanos.to_le_bytes());
        put_varint(modes, u64::from(entry.mode));
        put_varint(uids, u64::from(entry.uid));
        put_varint(gids, u64::from(entry.gid));
        let segment = u64::from(entry.address.segment.0);
        put_varint(segments, zigzag(segment, self.base.segment));
        let offset_base = self.base.offset_base(segment);
        put_varint(offsets, zigzag(entry.address.offset, offset_base));
        put_varint(lengths, zigzag(entry.length, padded(entry.size)));
        if let Some(link) = entry.link {
            put_varint(links, u64::from(link.segment.0));
            put_varint(links, link.offset);
        }
        if let Some(digest) = &entry.digest {
            self.digests.extend_from_slice(digest);
        }
        self.base = Base {
            seconds: modified,
            segment,
            end: entry.address.offset.wrapping_add(entry.length),
        };
        self.rows += 1;
    }

    /// Appends the block's payload to `out` and starts anew.
    pub(super) fn encode(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        self.scratch.clear();
        for (id, column) in (1..).zip(&self.columns) {
            self.scratch.push(id);
            put_length(&mut self.scratch, column.len());
            self.scratch.extend_from_slice(column);
        }
        let coded = self.compressor.compress(&self.scratch)?;
        put_length(out, self.rows);
        put_length(out, self.scratch.len());
        put_length(out, coded.len());
        out.extend_from_slice(&coded);
        out.extend_from_slice(&self.digests);

        self.columns.iter_mut().for_each(Vec::clear);
        self.digests.clear();
        self.last_path.clear();
        self.rows = 0;
        self.base = Base::ZERO;
        Ok(())
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a block is closed long before 4 GiB: paths are limited, rows are few"
)]
fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

fn encode_flags(entry: &IndexEntry) -> u8 {
    let kind = match entry.kind {
        MemberKind::File => 0,
        MemberKind::Directory => 1,
        MemberKind::Symlink => 2,
        MemberKind::HardLink => 3,
        MemberKind::CharacterDevice => 4,
        MemberKind::BlockDevice => 5,
        MemberKind::Fifo => 6,
    };
    let state = match entry.state {
        MemberState::Intact => 0,
        MemberState::Changed => 1,
        MemberState::Superseded => 2,
    };
    let digest = if entry.digest.is_some() {
        HAS_DIGEST
    } else {
        0
    };
    let link = if entry.link.is_some() { HAS_LINK } else { 0 };
    kind | state << 3 | digest | link
}

fn decode_flags(flags: u8) -> Result<(MemberKind, MemberState), Damage> {
    if flags & 0x80 != 0 {
        return Err(Damage::Content("a row has an unknown flag"));
    }
    let kind = match flags & 7 {
        0 => MemberKind::File,
        1 => MemberKind::Directory,
        2 => MemberKind::Symlink,
        3 => MemberKind::HardLink,
        4 => MemberKind::CharacterDevice,
        5 => MemberKind::BlockDevice,
        6 => MemberKind::Fifo,
        _ => return Err(Damage::Content("a row has an unknown kind")),
    };
    let state = match flags >> 3 & 3 {
        0 => MemberState::Intact,
        1 => MemberState::Changed,
        2 => MemberState::Superseded,
        _ => return Err(Damage::Content("a row has an unknown state")),
    };
    Ok((kind, state))
}

/// A block, decompressed.
#[derive(Debug, Default)]
pub(super) struct Block {
    rows: u32,
    columns: Vec<u8>,
    payload: Vec<u8>,
    /// Where in the payload the digests begin.
    digests: usize,
}

thread_local! {
    /// Making one costs as much as decompressing a block.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn decompress(coded: &[u8], raw: usize) -> std::io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(kept) => kept,
            none => none.insert(Decompressor::new()?),
        };
        decompressor.decompress(coded, raw)
    })
}

impl Block {
    /// Decompresses a payload whose digest was right.
    pub(super) fn decode(payload: Vec<u8>) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(&payload);
        let rows = cursor.u32()?;
        let raw = cursor.u32()? as usize;
        let coded = cursor.u32()? as usize;
        if raw > COLUMNS_LIMIT {
            return Err(Damage::Content("its columns are too long"));
        }
        let coded = cursor.bytes(coded)?;
        let columns = decompress(coded, raw).map_err(|_| Damage::Compression)?;
        if columns.len() != raw {
            return Err(Damage::Compression);
        }
        let digests = payload.len() - cursor.rest().len();
        Ok(Self {
            rows,
            columns,
            payload,
            digests,
        })
    }

    /// How many rows it has.
    pub(super) fn row_count(&self) -> u32 {
        self.rows
    }

    /// Reads the paths of its rows and nothing else of them.
    pub(super) fn paths(&self) -> Result<PathCursor<'_>, Damage> {
        let cursor = self.rows()?;
        let [shares, suffixes, paths, ..] = cursor.columns;
        Ok(PathCursor {
            columns: [shares, suffixes, paths],
            left: self.rows,
            path: Vec::new(),
        })
    }

    /// Reads its rows from the first on.
    pub(super) fn rows(&self) -> Result<RowCursor<'_>, Damage> {
        let mut columns = [Cursor::default(); COLUMNS];
        let mut seen = [false; COLUMNS];
        let mut cursor = Cursor::new(&self.columns);
        while !cursor.is_empty() {
            let id = cursor.u8()?;
            let length = cursor.u32()? as usize;
            let bytes = cursor.bytes(length)?;
            let place = usize::from(id).wrapping_sub(1);
            match (columns.get_mut(place), seen.get_mut(place)) {
                (Some(column), Some(seen)) if !*seen => {
                    *column = Cursor::new(bytes);
                    *seen = true;
                }
                (Some(_), _) => return Err(Damage::Content("it has a column twice")),
                (None, _) if id >= CRITICAL_COLUMNS => {}
                (None, _) => return Err(Damage::UnknownColumn(id)),
            }
        }
        if seen.contains(&false) {
            return Err(Damage::Content("it lacks a column"));
        }
        Ok(RowCursor {
            columns,
            digests: Cursor::new(&self.payload[self.digests..]),
            left: self.rows,
            base: Base::ZERO,
            row: Row::default(),
        })
    }
}

/// Goes through the paths of a block.
#[derive(Debug)]
pub(super) struct PathCursor<'a> {
    columns: [Cursor<'a>; 3],
    left: u32,
    path: Vec<u8>,
}

impl PathCursor<'_> {
    /// The next path; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Damage> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let [shares, suffixes, paths] = &mut self.columns;
        next_path(&mut self.path, shares, suffixes, paths)?;
        Ok(Some(&self.path))
    }
}

/// Makes the path of a row out of that of the row before.
fn next_path(
    path: &mut Vec<u8>,
    shares: &mut Cursor<'_>,
    suffixes: &mut Cursor<'_>,
    paths: &mut Cursor<'_>,
) -> Result<(), Damage> {
    let shared = shares.varint_length()?;
    let suffix = suffixes.varint_length()?;
    let suffix = paths.bytes(suffix)?;
    if shared > path.len() {
        return Err(Damage::Content("a path shares more than there is"));
    }
    path.truncate(shared);
    path.extend_from_slice(suffix);
    Ok(())
}

/// The row a cursor stands on; everything but the path.
#[derive(Debug, Clone, Copy, Default)]
struct Fixed {
    flags: u8,
    size: u64,
    seconds: u64,
    nanos: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    segment: u32,
    offset: u64,
    length: u64,
    link: Option<(u32, u64)>,
    digest: Option<[u8; 32]>,
}

#[derive(Debug, Default)]
struct Row {
    path: Vec<u8>,
    fixed: Fixed,
}

/// Goes through the rows of a block without allocating for each.
#[derive(Debug)]
pub(super) struct RowCursor<'a> {
    columns: [Cursor<'a>; COLUMNS],
    digests: Cursor<'a>,
    left: u32,
    base: Base,
    row: Row,
}

impl RowCursor<'_> {
    /// Goes to the next row; `false`: there is none, and nothing is left over.
    pub(super) fn advance(&mut self) -> Result<bool, Damage> {
        if self.left == 0 {
            let columns_end = self.columns.iter().all(Cursor::is_empty);
            return if columns_end && self.digests.is_empty() {
                Ok(false)
            } else {
                Err(Damage::Content("it has more than its rows"))
            };
        }
        self.left -= 1;
        self.next_path()?;
        self.next_fixed()?;
        Ok(true)
    }

    fn next_path(&mut self) -> Result<(), Damage> {
        let [shares, suffixes, paths, ..] = &mut self.columns;
        next_path(&mut self.row.path, shares, suffixes, paths)
    }

    fn next_fixed(&mut self) -> Result<(), Damage> {
        let [
            _,
            _,
            _,
            flags,
            sizes,
            seconds,
            nanos,
            modes,
            uids,
            gids,
            segments,
            offsets,
            lengths,
            links,
        ] = &mut self.columns;
        let flags = flags.u8()?;
        let size = sizes.varint()?;
        let segment = unzigzag(segments.varint()?, self.base.segment);
        let offset = unzigzag(offsets.varint()?, self.base.offset_base(segment));
        let fixed = Fixed {
            flags,
            size,
            seconds: unzigzag(seconds.varint()?, self.base.seconds),
            nanos: nanos.u32()?,
            mode: modes.varint_u32()?,
            uid: uids.varint_u32()?,
            gid: gids.varint_u32()?,
            segment: u32::try_from(segment)
                .map_err(|_| Damage::Content("a segment number is out of range"))?,
            offset,
            length: unzigzag(lengths.varint()?, padded(size)),
            link: if flags & HAS_LINK == 0 {
                None
            } else {
                Some((links.varint_u32()?, links.varint()?))
            },
            digest: if flags & HAS_DIGEST == 0 {
                None
            } else {
                Some(self.digests.array()?)
            },
        };
        self.base = Base {
            seconds: fixed.seconds,
            segment,
            end: fixed.offset.wrapping_add(fixed.length),
        };
        self.row.fixed = fixed;
        Ok(())
    }

    /// Path of the row it stands on.
    pub(super) fn path(&self) -> &[u8] {
        &self.row.path
    }

    /// Address of the row it stands on.
    pub(super) fn address(&self) -> MemberAddress {
        MemberAddress {
            segment: SegmentNumber(self.row.fixed.segment),
            offset: self.row.fixed.offset,
        }
    }

    /// The row it stands on.
    pub(super) fn entry(&self) -> Result<IndexEntry, Damage> {
        let row = &self.row.fixed;
        let (kind, state) = decode_flags(row.flags)?;
        Ok(IndexEntry {
            path: self.row.path.clone(),
            kind,
            size: row.size,
            modified: FileTime {
                seconds: row.seconds.cast_signed(),
                nanos: row.nanos,
            },
            mode: row.mode,
            uid: row.uid,
            gid: row.gid,
            address: self.address(),
            length: row.length,
            digest: row.digest,
            link: row.link.map(|(segment, offset)| MemberAddress {
                segment: SegmentNumber(segment),
                offset,
            }),
            state,
        })
    }
}
