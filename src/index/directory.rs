//! Where the blocks are.

use super::column::Cursor;
use super::error::Damage;

/// The directory as it stands in the file, and where in it each block's row begins: opening an index
/// should cost little more than checking these bytes.
#[derive(Debug)]
pub(super) struct Directory {
    bytes: Vec<u8>,
    rows: Vec<usize>,
}

/// Where a block is.
#[derive(Debug)]
pub(super) struct BlockPlace<'a> {
    /// Of its payload in the file.
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) rows: u32,
    /// BLAKE3 of the payload.
    pub(super) digest: [u8; 32],
    pub(super) first_path: &'a [u8],
}

impl<'a> BlockPlace<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Damage> {
        Ok(Self {
            offset: cursor.u64()?,
            length: cursor.u32()?,
            rows: cursor.u32()?,
            digest: cursor.array()?,
            first_path: {
                let length = cursor.u32()? as usize;
                cursor.bytes(length)?
            },
        })
    }
}

/// Bytes of a row that are not path.
const FIXED: usize = 52;
/// What most paths are longer than.
const SHORT_PATH: usize = 20;

impl Directory {
    /// Takes a directory whose digest was right.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, Damage> {
        let mut rows = Vec::with_capacity(bytes.len() / (FIXED + SHORT_PATH));
        let mut cursor = Cursor::new(&bytes);
        while !cursor.is_empty() {
            rows.push(bytes.len() - cursor.rest().len());
            BlockPlace::read(&mut cursor)?;
        }
        Ok(Self { bytes, rows })
    }

    /// How many blocks there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Where a block is; `None` when there are not so many.
    pub(super) fn place(&self, number: usize) -> Option<BlockPlace<'_>> {
        self.at(*self.rows.get(number)?)
    }

    fn at(&self, row: usize) -> Option<BlockPlace<'_>> {
        // Every row was read once.
        BlockPlace::read(&mut Cursor::new(self.bytes.get(row..)?)).ok()
    }

    /// How many blocks come first whose first paths are so; those of the others are not.
    pub(super) fn partition_point(&self, is_so: impl Fn(&[u8]) -> bool) -> usize {
        let is_so = |row: &usize| self.at(*row).is_some_and(|place| is_so(place.first_path));
        self.rows.partition_point(is_so)
    }
}
