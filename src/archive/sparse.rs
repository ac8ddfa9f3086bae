//! Where the data of a sparse file lies.
//!
//! Written in GNU sparse format 1.0 (GNU tar manual, "PAX Format, Version 1.0"): the map stands as
//! decimal lines before the data, filled to whole blocks.

use std::fs::File;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

use super::block::{BLOCK, padding};

/// Most runs of data a map keeps; what follows is kept as data with its zeros. Bounds the
/// headers of a hopelessly fragmented file to about two MiB.
const MAX_EXTENTS: usize = 65_536;

/// A run of data in a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// First byte in the file.
    pub offset: u64,
    /// Bytes of data.
    pub length: u64,
}

/// Runs of data in ascending order, not touching each other; all else is holes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SparseMap {
    extents: Vec<Extent>,
}

impl SparseMap {
    /// A map of these runs within a file of `size` bytes: empty runs are dropped and touching ones
    /// joined. `None` if they overlap, are out of order or reach beyond the file.
    #[must_use]
    pub fn new(runs: impl IntoIterator<Item = Extent>, size: u64) -> Option<Self> {
        let mut extents: Vec<Extent> = Vec::new();
        let mut end = 0;
        for run in runs {
            let after = run.offset.checked_add(run.length)?;
            if run.offset < end || after > size {
                return None;
            }
            match extents.last_mut() {
                _ if run.length == 0 => {}
                Some(last) if last.offset + last.length == run.offset => last.length += run.length,
                _ => extents.push(run),
            }
            end = after;
        }
        Some(Self { extents })
    }

    /// The runs of data.
    #[must_use]
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Bytes of data in all.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.extents.iter().map(|extent| extent.length).sum()
    }

    /// Asks the file system for the holes of a file of `size` bytes; `None` if it has none or the
    /// file system cannot say (`lseek(2)`, `SEEK_DATA` and `SEEK_HOLE`).
    pub(super) fn of(file: &File, size: u64) -> Option<Self> {
        let end = i64::try_from(size).ok()?;
        let mut runs = Vec::new();
        let mut at = 0;
        while at < end {
            let start = match lseek(file, at, Whence::SeekData) {
                Ok(start) => start.min(end),
                Err(Errno::ENXIO) => break,
                Err(_) => return None,
            };
            let stop = if runs.len() + 1 == MAX_EXTENTS {
                end
            } else {
                lseek(file, start, Whence::SeekHole).ok()?.min(end)
            };
            if stop <= start {
                break;
            }
            runs.push(Extent {
                offset: start.unsigned_abs(),
                length: (stop - start).unsigned_abs(),
            });
            at = stop;
        }
        let map = Self::new(runs, size)?;
        (map.stored() < size).then_some(map)
    }

    /// The map as it stands before the data. A hole at the end is told by an empty run there.
    pub(super) fn to_bytes(&self, size: u64) -> Vec<u8> {
        let end = self
            .extents
            .last()
            .map_or(0, |last| last.offset + last.length);
        let closing = (end < size).then_some(Extent {
            offset: size,
            length: 0,
        });
        let count = self.extents.len() + usize::from(closing.is_some());
        let mut text = format!("{count}\n").into_bytes();
        for extent in self.extents.iter().chain(closing.as_ref()) {
            text.extend_from_slice(format!("{}\n{}\n", extent.offset, extent.length).as_bytes());
        }
        text.resize(text.len() + padding(text.len() as u64), 0);
        debug_assert_eq!(text.len() % BLOCK, 0);
        text
    }
}
