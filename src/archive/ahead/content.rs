//! Bytes of a file.

use std::fs::File;
use std::io;

use crate::archive::writer::FileReader;
use crate::buffer::Buffer;

/// Bytes asked for at a time: they are hashed while they are still in a core's cache.
const READ: usize = 256 << 10;

/// How reading a file went so far.
#[derive(Debug)]
pub(in crate::archive) enum Reading {
    Whole,
    Short,
    Failed { offset: u64, source: io::Error },
}

/// A piece of a large file.
pub(in crate::archive) struct Piece {
    /// As many bytes as were asked for, with zeros from where the file ended or failed.
    pub(in crate::archive) bytes: Buffer,
    pub(in crate::archive) reading: Reading,
    /// Of these bytes at their place; none of a file with holes.
    pub(in crate::archive) digest: Option<super::digest::Subtree>,
}

/// Appends `wanted` bytes of the file from `offset` on, with zeros from where it ends or fails,
/// and shows them to `seen` as they come.
pub(in crate::archive) fn fill(
    files: &dyn FileReader,
    file: &File,
    offset: u64,
    wanted: usize,
    buffer: &mut Buffer,
    mut seen: impl FnMut(&[u8]),
) -> Reading {
    let mut reading = Reading::Whole;
    let mut done = 0;
    while done < wanted {
        let now = (wanted - done).min(READ);
        let part = buffer.grow(now);
        if matches!(reading, Reading::Whole) {
            reading = read(files, file, offset + done as u64, part);
        } else {
            part.fill(0);
        }
        seen(part);
        done += now;
    }
    reading
}

fn read(files: &dyn FileReader, file: &File, at: u64, buffer: &mut [u8]) -> Reading {
    let mut got = 0;
    while got < buffer.len() {
        let offset = at + got as u64;
        match files.read_at(file, offset, &mut buffer[got..]) {
            Ok(0) => {
                buffer[got..].fill(0);
                return Reading::Short;
            }
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                buffer[got..].fill(0);
                return Reading::Failed { offset, source };
            }
        }
    }
    Reading::Whole
}
