//! A tape to files.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tapeward_drivers::TapeDrive;
use tapeward_drivers::error::ScsiError;
use tapeward_drivers::ssc::{BlockAddress, ReadOutcome, Space};

use super::manifest::{BadPlace, RawEnd, RawFile, RawManifest, Run, file_name};
use super::{LARGEST_BLOCK, RawError};
use crate::clock::SharedClock;
use crate::progress::Interrupt;
use crate::tape::{TapeDigest, TapeHasher};

/// Bytes asked for until a block turns out to be longer: what any path to a drive takes.
const USUAL_BLOCK: usize = 1 << 20;
/// After so many bytes what was read is made to outlast a power cut.
const SAVE_EVERY: u64 = 1 << 30;
/// So many blocks in a row that cannot be read, and the rest of the tape file is skipped: each try
/// takes a drive minutes.
const MOST_BAD: u32 = 32;

/// Bytes of a tape file while they are written to a file.
struct Open {
    path: PathBuf,
    out: File,
    fast: TapeHasher,
    strong: Sha256,
}

impl Open {
    /// The file of a tape file, cut to what the manifest says of it.
    fn new(folder: &Path, file: &RawFile) -> Result<Self, RawError> {
        let path = folder.join(&file.name);
        let failed = RawError::file(&path);
        let mut out = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(&failed)?;
        let mut open = Self {
            fast: TapeHasher::new(),
            strong: Sha256::new(),
            path: path.clone(),
            out: out.try_clone().map_err(&failed)?,
        };
        let mut left = file.bytes;
        let mut buffer = vec![0; 1 << 20];
        while left > 0 {
            // At most the buffer, which fits.
            let now = usize::try_from(left.min(buffer.len() as u64)).unwrap_or(buffer.len());
            out.read_exact(&mut buffer[..now]).map_err(&failed)?;
            open.hash(&buffer[..now]);
            left -= now as u64;
        }
        out.set_len(file.bytes).map_err(&failed)?;
        Ok(open)
    }

    fn hash(&mut self, bytes: &[u8]) {
        self.fast.update(bytes);
        self.strong.update(bytes);
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), RawError> {
        self.hash(bytes);
        self.out
            .write_all(bytes)
            .map_err(RawError::file(&self.path))
    }

    fn synchronise(&self) -> Result<(), RawError> {
        self.out.sync_data().map_err(RawError::file(&self.path))
    }

    fn digests(self) -> Result<(TapeDigest, String), RawError> {
        self.synchronise()?;
        let mut strong = String::new();
        for byte in self.strong.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(strong, "{byte:02x}");
        }
        Ok((self.fast.digest(), strong))
    }
}

/// What reading is told and tells.
pub struct RawReader<'a> {
    /// The folder of files and manifest.
    pub folder: &'a Path,
    /// The time.
    pub clock: &'a SharedClock,
    /// Whether somebody asked to stop.
    pub interrupt: &'a Interrupt,
    /// Bytes read so far, and what could not be read.
    pub progress: &'a dyn Fn(u64, Option<&BadPlace>),
}

impl std::fmt::Debug for RawReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawReader")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Reads the tape from where the manifest ends; both are up to date whenever this returns, and
/// every [`SAVE_EVERY`] bytes.
///
/// # Errors
/// [`RawError::Drive`] for what is not the tape's fault, [`RawError::Interrupted`].
pub fn read(
    drive: &mut dyn TapeDrive,
    manifest: &mut RawManifest,
    reader: &RawReader<'_>,
) -> Result<(), RawError> {
    if manifest.finished.is_some() {
        return Ok(());
    }
    // From here on the folder says what it holds.
    manifest.save(reader.folder)?;
    drive.rewind().map_err(RawError::drive("rewinding"))?;
    if manifest.next_block > 0 {
        drive
            .locate(BlockAddress(manifest.next_block))
            .map_err(RawError::drive("going on where reading stopped"))?;
    }
    let mut copy = Copy {
        manifest,
        reader,
        open: None,
        unsaved: 0,
        bad_in_a_row: 0,
    };
    let outcome = copy.run(drive);
    copy.save().and(outcome)
}

/// Whether a block that was too long for the buffer fits into one that a drive fills.
fn fits(actual: u64, buffer: usize) -> bool {
    actual > buffer as u64 && actual <= LARGEST_BLOCK as u64
}

struct Copy<'a> {
    manifest: &'a mut RawManifest,
    reader: &'a RawReader<'a>,
    open: Option<Open>,
    unsaved: u64,
    bad_in_a_row: u32,
}

impl Copy<'_> {
    fn run(&mut self, drive: &mut dyn TapeDrive) -> Result<(), RawError> {
        let mut buffer = vec![0; USUAL_BLOCK];
        while self.manifest.end.is_none() {
            if self.reader.interrupt.requested() {
                return Err(RawError::Interrupted);
            }
            match drive.read_block(&mut buffer) {
                Ok(ReadOutcome::Block(length)) => self.block(&buffer[..length])?,
                Ok(ReadOutcome::Filemark) => self.filemark()?,
                Ok(ReadOutcome::EndOfData) => self.end(RawEnd::EndOfData)?,
                Ok(ReadOutcome::EndOfMedium) => self.end(RawEnd::EndOfMedium)?,
                Ok(ReadOutcome::TooLong { actual }) if fits(actual, buffer.len()) => {
                    buffer.resize(usize::try_from(actual).unwrap_or(LARGEST_BLOCK), 0);
                    drive
                        .locate(BlockAddress(self.manifest.next_block))
                        .map_err(RawError::drive("going back before a long block"))?;
                }
                Ok(ReadOutcome::TooLong { actual }) => {
                    let why = format!("a block of {actual} bytes is longer than a drive gives");
                    self.bad(Some(1), why)?;
                    self.manifest.next_block += 1;
                }
                Err(error) if error.is_about_medium() => self.skip(drive, &error)?,
                Err(source) => {
                    let doing = "reading a block";
                    return Err(RawError::Drive { doing, source });
                }
            }
        }
        Ok(())
    }

    /// The tape file that is being read.
    fn current(&mut self) -> Result<&mut RawFile, RawError> {
        let files = &mut self.manifest.files;
        if files.last().is_none_or(|file| file.filemark.is_some()) {
            let number = u32::try_from(files.len()).unwrap_or(u32::MAX);
            files.push(RawFile {
                number,
                name: file_name(number),
                first_block: self.manifest.next_block,
                blocks: 0,
                bytes: 0,
                lengths: Vec::new(),
                filemark: None,
                xxh3_128: None,
                sha256: None,
                bad: Vec::new(),
            });
        }
        let last = files.len() - 1;
        let file = &mut files[last];
        if self.open.is_none() {
            self.open = Some(Open::new(self.reader.folder, file)?);
        }
        Ok(file)
    }

    fn block(&mut self, bytes: &[u8]) -> Result<(), RawError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let file = self.current()?;
        file.blocks += 1;
        file.bytes += bytes.len() as u64;
        match file.lengths.last_mut() {
            Some(run) if run.length == length => run.count += 1,
            _ => file.lengths.push(Run { length, count: 1 }),
        }
        if let Some(open) = &mut self.open {
            open.add(bytes)?;
        }
        self.manifest.next_block += 1;
        self.bad_in_a_row = 0;
        self.unsaved += bytes.len() as u64;
        if self.unsaved >= SAVE_EVERY {
            self.save()?;
        }
        (self.reader.progress)(self.manifest.bytes(), None);
        Ok(())
    }

    fn filemark(&mut self) -> Result<(), RawError> {
        let at = self.manifest.next_block;
        self.close(Some(at))?;
        self.manifest.next_block += 1;
        self.bad_in_a_row = 0;
        Ok(())
    }

    fn close(&mut self, filemark: Option<u64>) -> Result<(), RawError> {
        self.current()?;
        let digests = self.open.take().map(Open::digests).transpose()?;
        let file = self.current_closed();
        file.filemark = filemark;
        if let Some((fast, strong)) = digests {
            file.xxh3_128 = Some(fast);
            file.sha256 = Some(strong);
        }
        Ok(())
    }

    /// As [`Copy::current`] after its file was closed.
    fn current_closed(&mut self) -> &mut RawFile {
        let last = self.manifest.files.len() - 1;
        &mut self.manifest.files[last]
    }

    fn end(&mut self, end: RawEnd) -> Result<(), RawError> {
        let under_way = self.manifest.files.last();
        if under_way.is_some_and(|file| file.filemark.is_none()) {
            self.close(None)?;
        }
        self.manifest.end = Some(end);
        self.manifest.finished = Some(self.reader.clock.now());
        Ok(())
    }

    /// Goes behind a block that cannot be read; after too many in a row, behind the next filemark;
    /// if that cannot be found, the copy ends here.
    fn skip(&mut self, drive: &mut dyn TapeDrive, error: &ScsiError) -> Result<(), RawError> {
        let why = error.to_string();
        self.bad_in_a_row += 1;
        let next = self.manifest.next_block + 1;
        if self.bad_in_a_row < MOST_BAD && drive.locate(BlockAddress(next)).is_ok() {
            self.bad(Some(1), why)?;
            self.manifest.next_block = next;
            return Ok(());
        }
        let behind = drive
            .space(Space::Filemarks(1))
            .and_then(|()| drive.position());
        match behind {
            Ok(position) if !position.position_unknown && position.block.0 >= next => {
                self.bad(None, why)?;
                self.close(Some(position.block.0 - 1))?;
                self.manifest.next_block = position.block.0;
                self.bad_in_a_row = 0;
                Ok(())
            }
            _ => self.end(RawEnd::Unreadable { why }),
        }
    }

    fn bad(&mut self, blocks: Option<u64>, why: String) -> Result<(), RawError> {
        let address = self.manifest.next_block;
        let file = self.current()?;
        let place = BadPlace {
            address,
            behind_blocks: file.blocks,
            blocks,
            why,
        };
        file.bad.push(place.clone());
        (self.reader.progress)(self.manifest.bytes(), Some(&place));
        Ok(())
    }

    fn save(&mut self) -> Result<(), RawError> {
        if let Some(open) = &self.open {
            open.synchronise()?;
        }
        self.unsaved = 0;
        self.manifest.save(self.reader.folder)
    }
}
