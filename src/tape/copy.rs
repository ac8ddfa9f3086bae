//! A committed segment from one tape to another, without the source it came from.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use thiserror::Error;

use super::error::VolumeError;
use super::label::{LabelError, TrailerGroup};
use super::layout::{MAX_BLOCKS, SegmentFiles, TapeFile};
use super::volume::{FileStart, VolumeReader, VolumeWriter};

/// A segment was not copied. The target stands again where it was committed last.
#[derive(Debug, Error)]
pub enum CopyError {
    /// Reading the tape that has it, or its bytes are damaged.
    #[error("reading the segment: {0}")]
    Source(#[source] VolumeError),
    /// Writing the other tape.
    #[error("writing the copy: {0}")]
    Target(#[source] VolumeError),
    /// The file in between.
    #[error("{}: {source}", .path.display())]
    Spool {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The copy failed, and so did going back: nothing more can be written to the target.
    #[error("{error}; going back to the last committed file failed too: {rollback}")]
    Stuck {
        /// Why the copy failed.
        error: Box<CopyError>,
        /// Why going back failed.
        rollback: VolumeError,
    },
}

/// Copies a segment's three files from one drive to another and commits them. Reading and
/// writing go on at the same time, with up to `ring_blocks` blocks in between.
pub fn copy_segment(
    source: &mut VolumeReader,
    files: &SegmentFiles,
    target: &mut VolumeWriter,
    ring_blocks: usize,
) -> Result<SegmentFiles, CopyError> {
    let (sender, blocks) = bounded(ring_blocks.max(1));
    let copied = std::thread::scope(|scope| {
        // Owned here, so that an error of the writer ends the reader.
        let blocks = blocks;
        scope.spawn(move || read_blocks(source, files, &sender));
        write_segment(files, target, |file, write| {
            let mut left = file.blocks;
            while left > 0 {
                write(&receive(&blocks)?)?;
                left -= 1;
            }
            // The digest of the whole file is known after its last block.
            receive_end(&blocks)
        })
    });
    settle(copied, target)
}

enum Message {
    Block(Vec<u8>),
    EndOfFile,
    Failed(VolumeError),
}

fn read_blocks(source: &mut VolumeReader, files: &SegmentFiles, sender: &Sender<Message>) {
    for file in files.iter() {
        let mut closed = false;
        let read = source.payload(file).and_then(|payload| {
            payload.for_each_block(|block| {
                if sender.send(Message::Block(block.to_vec())).is_err() {
                    closed = true;
                    return Err(VolumeError::Layout {
                        tape_file: file.tape_file,
                        at: file.first_block,
                        what: "nobody takes its blocks".to_owned(),
                    });
                }
                Ok(())
            })
        });
        let message = match read {
            _ if closed => return,
            Ok(()) => Message::EndOfFile,
            Err(error) => Message::Failed(error),
        };
        let failed = matches!(message, Message::Failed(_));
        if sender.send(message).is_err() || failed {
            return;
        }
    }
}

fn receive(blocks: &Receiver<Message>) -> Result<Vec<u8>, CopyError> {
    match blocks.recv() {
        Ok(Message::Block(block)) => Ok(block),
        Ok(Message::Failed(error)) => Err(CopyError::Source(error)),
        Ok(Message::EndOfFile) | Err(_) => Err(reader_ended()),
    }
}

fn receive_end(blocks: &Receiver<Message>) -> Result<(), CopyError> {
    match blocks.recv() {
        Ok(Message::EndOfFile) => Ok(()),
        Ok(Message::Failed(error)) => Err(CopyError::Source(error)),
        Ok(Message::Block(_)) | Err(_) => Err(reader_ended()),
    }
}

fn reader_ended() -> CopyError {
    CopyError::Source(VolumeError::File {
        path: "the reading thread".to_owned(),
        source: io::ErrorKind::UnexpectedEof.into(),
    })
}

/// Writes the three files with the same labels but for the volume's serial, its block size and
/// the numbers.
fn write_segment(
    files: &SegmentFiles,
    target: &mut VolumeWriter,
    mut feed: impl FnMut(
        &TapeFile,
        &mut dyn FnMut(&[u8]) -> Result<(), CopyError>,
    ) -> Result<(), CopyError>,
) -> Result<SegmentFiles, CopyError> {
    let blocks = target.header().block_size.blocks_for(files.data.length);
    if blocks > MAX_BLOCKS {
        // Told before hours of writing, not after.
        return Err(CopyError::Target(VolumeError::TooManyBlocks));
    }
    for file in files.iter() {
        let start = start_of(file).map_err(|source| {
            CopyError::Source(VolumeError::Label {
                at: file.trailer_block(),
                source,
            })
        })?;
        target.begin_file(start).map_err(CopyError::Target)?;
        feed(file, &mut |block| {
            target.write(block).map_err(CopyError::Target)
        })?;
        let written = target.end_file().map_err(CopyError::Target)?;
        if written.xxh3_128 != file.xxh3_128 {
            return Err(CopyError::Target(VolumeError::Damaged {
                kind: written.kind,
                tape_file: written.tape_file,
                length: written.length,
                found: written.xxh3_128,
                expected_length: file.length,
                expected: file.xxh3_128,
            }));
        }
    }
    let volume = target.volume();
    let done = target.commit().map_err(CopyError::Target)?;
    match <[TapeFile; 3]>::try_from(done) {
        Ok([data, part, index]) => Ok(SegmentFiles { data, part, index }),
        Err(_) => Err(CopyError::Target(VolumeError::NothingOnRecord(volume))),
    }
}

/// How the file was begun, from its trailer.
pub fn start_of(file: &TapeFile) -> Result<FileStart, LabelError> {
    let labels = TrailerGroup::parse(&file.trailer)?;
    Ok(FileStart {
        kind: file.kind,
        set: file.set,
        segment: file.segment,
        codec: labels.user1.codec,
        expires: labels
            .file1
            .expires
            .day()
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .map(|midnight| midnight.and_utc()),
    })
}

fn settle(
    copied: Result<SegmentFiles, CopyError>,
    target: &mut VolumeWriter,
) -> Result<SegmentFiles, CopyError> {
    copied.map_err(|error| match target.rollback() {
        Ok(()) => error,
        Err(rollback) => CopyError::Stuck {
            error: Box::new(error),
            rollback,
        },
    })
}

/// A segment on its way through files of the host, when only one drive is free. The files are
/// removed when it is dropped.
#[derive(Debug)]
pub struct SpooledSegment {
    files: SegmentFiles,
    paths: Vec<PathBuf>,
}

impl SpooledSegment {
    /// Reads a segment's three files into a folder; lengths and digests are checked.
    pub fn read(
        source: &mut VolumeReader,
        files: &SegmentFiles,
        folder: &Path,
    ) -> Result<Self, CopyError> {
        let mut spooled = Self {
            files: files.clone(),
            paths: Vec::new(),
        };
        for file in files.iter() {
            let path = folder.join(format!("{}.spool", file.xxh3_128));
            let failed = |source| CopyError::Spool {
                path: path.clone(),
                source,
            };
            let mut out = File::create(&path).map_err(failed)?;
            spooled.paths.push(path.clone());
            let mut written = Ok(());
            let read = source.payload(file).and_then(|payload| {
                payload.for_each_block(|block| {
                    written = out.write_all(block);
                    match &written {
                        Ok(()) => Ok(()),
                        Err(error) => Err(VolumeError::File {
                            path: path.display().to_string(),
                            source: io::Error::from(error.kind()),
                        }),
                    }
                })
            });
            written.map_err(failed)?;
            read.map_err(CopyError::Source)?;
        }
        Ok(spooled)
    }

    /// Writes the segment to a volume and commits it.
    pub fn write(&self, target: &mut VolumeWriter) -> Result<SegmentFiles, CopyError> {
        let mut paths = self.paths.iter();
        let copied = write_segment(&self.files, target, |file, write| {
            let Some(path) = paths.next() else {
                return Err(reader_ended());
            };
            let failed = |source| CopyError::Spool {
                path: path.clone(),
                source,
            };
            let mut spool = File::open(path).map_err(failed)?;
            let size = file.block_size.as_u64();
            let mut left = file.length;
            let mut block = vec![0; file.block_size.bytes()];
            while left > 0 {
                // At most a block, which fits.
                let now = usize::try_from(left.min(size)).unwrap_or(block.len());
                spool.read_exact(&mut block[..now]).map_err(failed)?;
                write(&block[..now])?;
                left -= now as u64;
            }
            Ok(())
        });
        settle(copied, target)
    }
}

impl Drop for SpooledSegment {
    fn drop(&mut self) {
        for path in &self.paths {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!(path = %path.display(), %error, "a spool file stays behind");
            }
        }
    }
}
