//! A file's data on its way into the stream.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::stat::fstat;

use super::{Session, ZEROS};
use crate::archive::ahead::{PieceDigests, Pieces, Reading, Subtree, failed};
use crate::archive::block::padding;
use crate::archive::gather::identity;
use crate::archive::hash_zeros;
use crate::archive::member::{MemberStart, MemberState, SourceIdentity};
use crate::archive::problem::{ArchiveError, ProblemKind};
use crate::archive::sparse::SparseMap;
use crate::buffer::Buffer;

/// Reads the content of source files, on any of several threads.
pub trait FileReader: Sync {
    /// Reads bytes at an offset; 0 at the end of the file, fewer than asked for at any time.
    fn read_at(&self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Reads files as they are (`pread(2)`).
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainFiles;

impl FileReader for PlainFiles {
    fn read_at(&self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }
}

/// What became of a file's data on its way into the stream.
pub(super) struct Copied {
    pub(super) state: MemberState,
    pub(super) digest: [u8; 32],
}

impl Session<'_> {
    /// Writes the data its header promised, byte for byte, and the padding.
    pub(super) fn copy(
        &mut self,
        file: &Arc<File>,
        sparse: Option<&SparseMap>,
        start: &MemberStart,
    ) -> Result<Copied, ArchiveError> {
        let size = start.entry.size;
        let (digest, reading) = match sparse {
            Some(map) => self.copy_sparse(file, map, size, start)?,
            None => self.copy_pieces(file, size, start)?,
        };
        let stored = sparse.map_or(size, SparseMap::stored);
        self.emit(&ZEROS[..padding(stored)])?;
        let after = fstat(file).map(|status| identity(&status));
        Ok(Copied {
            state: self.judge(start, reading, after),
            digest,
        })
    }

    /// Writes a large file, several pieces of which are read and hashed at a time.
    fn copy_pieces(
        &mut self,
        file: &Arc<File>,
        size: u64,
        start: &MemberStart,
    ) -> Result<([u8; 32], Reading), ArchiveError> {
        let mut digests = PieceDigests::default();
        let mut source = Reading::Whole;
        let mut pieces = self.readers.pieces(file, size);
        let mut offset = 0;
        while let Some((bytes, digest)) = self.next_piece(&mut pieces, &mut source)? {
            let length = bytes.as_ref().len();
            digests.push(digest.unwrap_or_else(|| PieceDigests::of_zeros(offset, length, size)));
            self.emit_shared(bytes.freeze())?;
            offset += length as u64;
            self.show_progress(&start.path);
        }
        Ok((digests.finish(), source))
    }

    /// The next piece of a file, and its digest unless zeros took its place: once the file ended or
    /// failed, nothing behind that place is taken.
    fn next_piece(
        &mut self,
        pieces: &mut Pieces,
        source: &mut Reading,
    ) -> Result<Option<(Buffer, Option<Subtree>)>, ArchiveError> {
        let Some(coming) = pieces.next().map_err(|error| self.writer.stopped(error))? else {
            return Ok(None);
        };
        let piece = self.wait_for(&coming)?;
        let mut piece = piece.ok_or_else(|| self.writer.stopped(failed()))?;
        if !matches!(source, Reading::Whole) {
            piece.bytes.as_mut().fill(0);
            return Ok(Some((piece.bytes, None)));
        }
        *source = piece.reading;
        if matches!(source, Reading::Failed { .. }) {
            self.writer.sink.break_faith();
        }
        Ok(Some((piece.bytes, piece.digest)))
    }

    /// Writes the data of a file with holes.
    fn copy_sparse(
        &mut self,
        file: &Arc<File>,
        map: &SparseMap,
        size: u64,
        start: &MemberStart,
    ) -> Result<([u8; 32], Reading), ArchiveError> {
        let mut hasher = blake3::Hasher::new();
        let mut source = Reading::Whole;
        let mut logical = 0;
        let mut pieces = self.readers.pieces_of_sparse(file, map);
        for extent in map.extents() {
            hash_zeros(&mut hasher, extent.offset - logical);
            let mut at = extent.offset;
            logical = extent.offset + extent.length;
            // No piece reaches from one run of data into the next.
            while at < logical {
                let piece = self.next_piece(&mut pieces, &mut source)?;
                let (bytes, _) = piece.ok_or_else(|| self.writer.stopped(failed()))?;
                hasher.update(bytes.as_ref());
                at += bytes.as_ref().len() as u64;
                self.emit_shared(bytes.freeze())?;
                self.show_progress(&start.path);
            }
        }
        hash_zeros(&mut hasher, size - logical);
        Ok((*hasher.finalize().as_bytes(), source))
    }

    /// How faithful the bytes are, by what reading gave and by what the file was after it.
    pub(super) fn judge(
        &mut self,
        start: &MemberStart,
        source: Reading,
        after: Result<SourceIdentity, Errno>,
    ) -> MemberState {
        if let Reading::Failed { offset, source } = source {
            self.report_kind(&start.path, ProblemKind::ReadError { offset, source });
            return MemberState::Superseded;
        }
        if matches!(source, Reading::Whole) && after == Ok(start.source) {
            return MemberState::Intact;
        }
        let what = ProblemKind::Changed {
            before: start.source.size,
            after: after.map_or(0, |after| after.size),
        };
        self.report_kind(&start.path, what);
        MemberState::Changed
    }
}
