//! A file's data on its way into the stream.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::sys::stat::fstat;

use super::{Session, ZEROS, chunk};
use crate::archive::block::padding;
use crate::archive::gather::identity;
use crate::archive::hash_zeros;
use crate::archive::header::MemberHeader;
use crate::archive::member::{MemberStart, MemberState};
use crate::archive::problem::{ArchiveError, ProblemKind};
use crate::archive::sparse::Extent;

/// Reads the content of source files.
pub trait FileReader {
    /// Reads bytes at an offset; 0 at the end of the file, fewer than asked for at any time.
    fn read_at(&mut self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Reads files as they are (`pread(2)`).
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainFiles;

impl FileReader for PlainFiles {
    fn read_at(&mut self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }
}

/// What became of a file's data on its way into the stream.
pub(super) struct Copied {
    pub(super) state: MemberState,
    pub(super) digest: [u8; 32],
}

/// How reading a file went so far.
enum Reading {
    Whole,
    Short,
    Failed { offset: u64, source: io::Error },
}

impl Session<'_> {
    /// Writes the data its header promised, byte for byte, and the padding.
    pub(super) fn copy(
        &mut self,
        file: &File,
        header: &MemberHeader,
        start: &MemberStart,
    ) -> Result<Copied, ArchiveError> {
        let whole = [Extent {
            offset: 0,
            length: header.size,
        }];
        let extents = match &header.sparse {
            Some(map) => map.extents(),
            None => &whole,
        };
        let mut hasher = blake3::Hasher::new();
        let mut source = Reading::Whole;
        let mut logical = 0;
        for extent in extents {
            hash_zeros(&mut hasher, extent.offset - logical);
            let mut at = extent.offset;
            logical = extent.offset + extent.length;
            while at < logical {
                let wanted = chunk(logical - at);
                if matches!(source, Reading::Whole) {
                    source = self.fill(file, at, wanted);
                } else {
                    self.buffer[..wanted].fill(0);
                }
                let buffer = std::mem::take(&mut self.buffer);
                hasher.update(&buffer[..wanted]);
                let emitted = self.emit(&buffer[..wanted]);
                self.buffer = buffer;
                emitted?;
                at += wanted as u64;
                self.show_progress(&header.path);
            }
        }
        hash_zeros(&mut hasher, header.size - logical);
        self.emit(&ZEROS[..padding(header.stored_size())])?;
        Ok(Copied {
            state: self.judge(file, start, source),
            digest: *hasher.finalize().as_bytes(),
        })
    }

    /// Fills the buffer from the file, with zeros from where it ends or fails.
    fn fill(&mut self, file: &File, at: u64, wanted: usize) -> Reading {
        let mut got = 0;
        while got < wanted {
            let offset = at + got as u64;
            let read = self
                .writer
                .files
                .read_at(file, offset, &mut self.buffer[got..wanted]);
            match read {
                Ok(0) => {
                    self.buffer[got..wanted].fill(0);
                    return Reading::Short;
                }
                Ok(count) => got += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    self.buffer[got..wanted].fill(0);
                    return Reading::Failed { offset, source };
                }
            }
        }
        Reading::Whole
    }

    /// How faithful the bytes are, by what reading gave and by the status after it.
    fn judge(&mut self, file: &File, start: &MemberStart, source: Reading) -> MemberState {
        if let Reading::Failed { offset, source } = source {
            self.report_kind(&start.path, ProblemKind::ReadError { offset, source });
            return MemberState::Superseded;
        }
        let now = fstat(file).map(|status| identity(&status));
        if matches!(source, Reading::Whole) && now == Ok(start.source) {
            return MemberState::Intact;
        }
        let what = ProblemKind::Changed {
            before: start.source.size,
            after: now.map_or(0, |now| now.size),
        };
        self.report_kind(&start.path, what);
        MemberState::Changed
    }
}
