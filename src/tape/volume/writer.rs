//! Writing files behind what a volume holds already.

use chrono::{DateTime, Utc};
use tapeward_drivers::Drive;
use tapeward_drivers::ssc::{BlockAddress, DriveModes, Synchronize, WriteOutcome};

use super::encryption::{self, SessionKey};
use super::end::{End, describe, skip_uncommitted, verify_end};
use super::settings::{self, EarlyWarning, Prepared, WriterSettings};
use crate::archive::member::SegmentNumber;
use crate::id::{SetId, TapeFileNumber, VolumeId};
use crate::tape::codec::Codec;
use crate::tape::digest::{TapeDigest, TapeHasher};
use crate::tape::document::{Directory, DirectoryEntry, VolumeHeader};
use crate::tape::error::VolumeError;
use crate::tape::label::{
    FileLabel1, FileLabel2, HeaderGroup, LabelDate, UserLabel1, UserLabel2, VolumeLabel,
};
use crate::tape::layout::{FileKind, FileSequence, MAX_BLOCKS, TapeFile};

/// What is written next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStart {
    /// What it is.
    pub kind: FileKind,
    /// The set it belongs to; none for the volume's own files.
    pub set: Option<SetId>,
    /// The segment it is or describes.
    pub segment: Option<SegmentNumber>,
    /// How it is coded.
    pub codec: Codec,
    /// End of its retention.
    pub expires: Option<DateTime<Utc>>,
}

/// How much room a volume has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// For more data.
    Open,
    /// For what closes the segment and the volume, no more.
    ReserveOnly,
}

/// What a writer starts from.
pub(super) struct Opened {
    pub(super) header: VolumeHeader,
    pub(super) files: Vec<TapeFile>,
    /// Where the last committed file ends.
    pub(super) committed: End,
    /// Where the tape is and writing goes on.
    pub(super) at: End,
    pub(super) worm: bool,
    /// Bytes left on the cartridge, as well as it is known.
    pub(super) remaining: u64,
}

/// A volume that files are appended to. What it wrote counts only after [`VolumeWriter::commit`].
#[derive(Debug)]
pub struct VolumeWriter {
    pub(super) drive: Drive,
    /// What the drive encrypts segments with that are to be.
    pub(super) session_key: Option<SessionKey>,
    modes_before: DriveModes,
    early_warning: EarlyWarning,
    settings: WriterSettings,
    header: VolumeHeader,
    worm: bool,
    /// Committed files, those of earlier sessions included.
    files: Vec<TapeFile>,
    /// How many there were when it was opened.
    files_before: usize,
    /// Complete, not committed.
    pending: Vec<TapeFile>,
    open: Option<OpenFile>,
    /// Where the tape is.
    at: End,
    /// Where the last committed file ends.
    committed: End,
    /// The filemark behind the last trailer is still to be written: immediate if another file
    /// follows, synchronised if it is the last.
    closing_filemark: bool,
    room: Room,
    /// Bytes that may still be written before the reserve is touched, when they are counted.
    counted: Option<u64>,
}

#[derive(Debug)]
struct OpenFile {
    file: BegunFile,
    digest: DigestOf,
}

/// A file that is being written.
#[derive(Debug)]
struct BegunFile {
    start: FileStart,
    labels: HeaderGroup,
    tape_file: TapeFileNumber,
    first_block: BlockAddress,
    /// Bytes of a block that is not full yet.
    block: Vec<u8>,
    blocks: u64,
    length: u64,
}

/// Who computes the digest of what is written.
#[derive(Debug)]
enum DigestOf {
    /// This writer.
    Written(TapeHasher),
    /// Whoever makes the blocks, for all volumes they go to.
    Sent,
}

impl VolumeWriter {
    /// A writer for a prepared drive whose tape stands where `opened` says.
    pub(super) fn new(
        drive: Drive,
        prepared: &Prepared,
        settings: WriterSettings,
        opened: Opened,
        room: Room,
    ) -> Self {
        let counted = match prepared.early_warning {
            EarlyWarning::Programmable => None,
            EarlyWarning::Counted => {
                Some(opened.remaining.saturating_sub(settings.geometry.reserve()))
            }
        };
        Self {
            drive,
            session_key: None,
            modes_before: prepared.before,
            early_warning: prepared.early_warning,
            settings,
            header: opened.header,
            worm: opened.worm,
            files_before: opened.files.len(),
            files: opened.files,
            pending: Vec::new(),
            open: None,
            at: opened.at,
            committed: opened.committed,
            closing_filemark: false,
            room: match counted {
                Some(0) => Room::ReserveOnly,
                _ => room,
            },
            counted,
        }
    }

    /// The volume's header.
    #[must_use]
    pub fn header(&self) -> &VolumeHeader {
        &self.header
    }

    /// The volume.
    #[must_use]
    pub fn volume(&self) -> VolumeId {
        self.header.volume
    }

    /// Committed files, those of earlier sessions included.
    #[must_use]
    pub fn files(&self) -> &[TapeFile] {
        &self.files
    }

    /// Whether segments were committed since it was opened.
    #[must_use]
    pub fn has_new_segments(&self) -> bool {
        let new = self.files.iter().skip(self.files_before);
        new.into_iter().any(|file| file.kind == FileKind::Segment)
    }

    /// How the end of the tape is noticed.
    #[must_use]
    pub fn early_warning(&self) -> EarlyWarning {
        self.early_warning
    }

    /// Whether more data may be begun: neither the reserve was touched nor are the numbers for
    /// files running out.
    #[must_use]
    pub fn room(&self) -> Room {
        // A segment takes three, the set index and the directory one each.
        let numbers_run_out = self.next_sequence().is_none_or(|next| next.remaining() < 5);
        let files = self.files.len() as u64 + 5;
        let directory_is_long =
            files * Directory::ENTRY_BOUND > self.settings.geometry.directory_limit;
        if numbers_run_out || directory_is_long {
            Room::ReserveOnly
        } else {
            self.room
        }
    }

    /// Bytes that may still be written before the reserve is touched, as well as it is known.
    pub fn remaining(&mut self) -> Result<u64, VolumeError> {
        if self.room() == Room::ReserveOnly {
            return Ok(0);
        }
        if let Some(counted) = self.counted {
            return Ok(counted);
        }
        let capacity = self
            .drive
            .capacity()
            .map_err(VolumeError::scsi("asking for the remaining capacity"))?;
        let used = || self.files.iter().map(|file| file.length).sum();
        let remaining = match capacity {
            Some(capacity) => capacity.remaining.bytes(),
            None => self.header.native_capacity.saturating_sub(used()),
        };
        Ok(remaining.saturating_sub(self.settings.geometry.reserve()))
    }

    /// Bytes kept free for closing the volume.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        self.settings.geometry.reserve()
    }

    /// Whether the cartridge can be written only once.
    #[must_use]
    pub fn is_worm(&self) -> bool {
        self.worm
    }

    fn next_sequence(&self) -> Option<FileSequence> {
        match self.pending.last().or(self.files.last()) {
            None => Some(FileSequence::FIRST),
            Some(last) => last.sequence.next(),
        }
    }

    /// VOL1, at the beginning of the tape.
    pub(super) fn write_volume_label(&mut self) -> Result<(), VolumeError> {
        let label = VolumeLabel::new(&self.header.serial).encode();
        self.put(&label, "writing the volume label")
    }

    /// Writes the labels before a file.
    pub fn begin_file(&mut self, start: FileStart) -> Result<(), VolumeError> {
        self.begin(start, DigestOf::Written(TapeHasher::new()))
    }

    /// As [`VolumeWriter::begin_file`], for a file whose digest is told at its end.
    pub fn begin_sent_file(&mut self, start: FileStart) -> Result<(), VolumeError> {
        self.begin(start, DigestOf::Sent)
    }

    fn begin(&mut self, start: FileStart, digest: DigestOf) -> Result<(), VolumeError> {
        self.write_closing_filemark(Synchronize::Immediate)?;
        let sequence = self.next_sequence().ok_or(VolumeError::NoSequenceLeft)?;
        let subject = match start.set {
            Some(set) => *set.as_uuid(),
            None => *self.header.volume.as_uuid(),
        };
        let labels = HeaderGroup {
            file1: FileLabel1::header(
                start.kind,
                start.segment,
                &self.header.serial,
                sequence,
                LabelDate::of(self.settings.clock.now()),
                start.expires.map_or(LabelDate::NONE, LabelDate::of),
            ),
            file2: FileLabel2 {
                block_length: self.header.block_size.into(),
            },
            user1: UserLabel1 {
                subject,
                kind: start.kind,
                segment: start.segment,
                block_size: self.header.block_size,
                codec: start.codec,
            },
        };
        for label in labels.encode() {
            self.put(&label, "writing header labels")?;
        }
        self.put_filemark(Synchronize::Immediate, "writing header labels")?;
        if start.codec.is_by_drive() {
            match &mut self.session_key {
                Some(key) => key.put_in_force(&mut self.drive)?,
                None => {
                    return Err(
                        self.out_of_order("a file to be encrypted by the drive, which has no key")
                    );
                }
            }
        }
        let file = BegunFile {
            start,
            labels,
            tape_file: self.at.tape_file,
            first_block: self.at.block,
            block: Vec::new(),
            blocks: 0,
            length: 0,
        };
        self.open = Some(OpenFile { file, digest });
        Ok(())
    }

    /// Writes bytes of the file that was begun, in blocks of the volume's size, whatever pieces
    /// they come in. What does not fill a block waits for more of the file, or for its end.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), VolumeError> {
        let size = self.header.block_size.bytes();
        let Some(OpenFile { file: open, .. }) = &mut self.open else {
            return Err(self.out_of_order("data without a file"));
        };
        if !open.block.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(size - open.block.len()));
            open.block.extend_from_slice(now);
            bytes = later;
            if open.block.len() < size {
                return Ok(());
            }
            self.write_collected()?;
        }
        // Whole blocks go on as they are.
        let mut blocks = bytes.chunks_exact(size);
        for block in &mut blocks {
            self.write_block(block)?;
        }
        if let Some(OpenFile { file: open, .. }) = &mut self.open {
            open.block.extend_from_slice(blocks.remainder());
        }
        Ok(())
    }

    /// Writes what was collected for a block, if anything.
    fn write_collected(&mut self) -> Result<(), VolumeError> {
        let open = self.open.as_mut();
        let mut block = open.map_or_else(Vec::new, |open| std::mem::take(&mut open.file.block));
        if block.is_empty() {
            return Ok(());
        }
        self.write_block(&block)?;
        block.clear();
        if let Some(OpenFile { file: open, .. }) = &mut self.open {
            open.block = block;
        }
        Ok(())
    }

    /// One block: a full one, or a shorter one if it is the last.
    fn write_block(&mut self, block: &[u8]) -> Result<(), VolumeError> {
        let Some(OpenFile { file: open, digest }) = &mut self.open else {
            return Err(self.out_of_order("a block without a file"));
        };
        if open.blocks == MAX_BLOCKS {
            return Err(VolumeError::TooManyBlocks);
        }
        if let DigestOf::Written(hasher) = digest {
            hasher.update(block);
        }
        open.blocks += 1;
        open.length += block.len() as u64;
        self.put(block, "writing data")
    }

    /// Writes the labels behind the file. The filemark behind them follows with the next file or
    /// with [`VolumeWriter::commit`].
    pub fn end_file(&mut self) -> Result<&TapeFile, VolumeError> {
        self.write_collected()?;
        match self.open.take() {
            Some(OpenFile {
                digest: DigestOf::Written(hasher),
                file,
            }) => self.end(&file, hasher.digest()),
            _ => Err(self.out_of_order("the end of no file whose digest was computed here")),
        }
    }

    /// As [`VolumeWriter::end_file`], for a file of this length and digest that was begun by
    /// [`VolumeWriter::begin_sent_file`].
    ///
    /// # Errors
    /// [`VolumeError::Damaged`] when another number of bytes was written.
    pub fn end_sent_file(
        &mut self,
        length: u64,
        digest: TapeDigest,
    ) -> Result<&TapeFile, VolumeError> {
        self.write_collected()?;
        let Some(OpenFile {
            digest: DigestOf::Sent,
            file,
        }) = self.open.take()
        else {
            return Err(self.out_of_order("the end of no file whose digest was to come"));
        };
        if file.length != length {
            return Err(VolumeError::Damaged {
                kind: file.start.kind,
                tape_file: file.tape_file,
                length: file.length,
                found: digest,
                expected_length: length,
                expected: digest,
            });
        }
        self.end(&file, digest)
    }

    fn end(&mut self, open: &BegunFile, digest: TapeDigest) -> Result<&TapeFile, VolumeError> {
        if open.start.codec.is_by_drive()
            && let Some(key) = &mut self.session_key
        {
            key.end(&mut self.drive)?;
        }
        self.put_filemark(Synchronize::Immediate, "writing trailer labels")?;
        let trailer = open
            .labels
            .trailer(UserLabel2 {
                xxh3_128: digest,
                length: open.length,
                blocks: open.blocks,
            })
            .encode();
        for label in trailer.blocks() {
            self.put(label, "writing trailer labels")?;
        }
        self.closing_filemark = true;
        self.pending.push(TapeFile {
            sequence: open.labels.file1.sequence,
            kind: open.start.kind,
            set: open.start.set,
            segment: open.start.segment,
            tape_file: open.tape_file,
            first_block: open.first_block,
            block_size: self.header.block_size,
            blocks: open.blocks,
            length: open.length,
            xxh3_128: digest,
            trailer,
        });
        Ok(&self.pending[self.pending.len() - 1])
    }

    /// Writes a whole file from memory.
    pub fn write_file(&mut self, start: FileStart, bytes: &[u8]) -> Result<(), VolumeError> {
        self.begin_file(start)?;
        self.write(bytes)?;
        self.end_file()?;
        Ok(())
    }

    /// The commit point: writes the last filemark and waits until everything is on tape (WRITE
    /// FILEMARKS with IMMED=0, SSC-4), then asks where the tape is. Returns the files that
    /// count from now on.
    ///
    /// # Errors
    /// Any, a deferred one too, means that nothing since the last commit counts:
    /// [`VolumeWriter::rollback`].
    pub fn commit(&mut self) -> Result<Vec<TapeFile>, VolumeError> {
        self.write_closing_filemark(Synchronize::Flush)?;
        self.check_position()?;
        let done = std::mem::take(&mut self.pending);
        self.files.extend_from_slice(&done);
        self.committed = self.at;
        Ok(done)
    }

    /// Compares the drive's position with the counted one, and that nothing is buffered.
    fn check_position(&mut self) -> Result<(), VolumeError> {
        let doing = "asking for the position";
        let position = self.drive.position().map_err(VolumeError::scsi(doing))?;
        let counts_files = position
            .file
            .is_none_or(|file| file.0 == u64::from(self.at.tape_file.0));
        let empty = position.buffered_blocks.is_none_or(|blocks| blocks == 0);
        if !position.position_unknown && position.block == self.at.block && counts_files && empty {
            return Ok(());
        }
        Err(VolumeError::Position {
            expected: self.at.block,
            found: describe(&position),
        })
    }

    /// Goes back to the end of the last committed file and checks that its trailer stands there.
    /// On rewritable media the next file overwrites what was not committed. On WORM media it
    /// goes behind it.
    pub fn rollback(&mut self) -> Result<(), VolumeError> {
        encryption::forget(&mut self.drive);
        self.open = None;
        self.pending.clear();
        self.closing_filemark = false;
        let end = verify_end(&mut self.drive, self.files.last(), self.header.volume)?;
        self.at = end;
        self.committed = end;
        if self.worm {
            self.at = skip_uncommitted(&mut self.drive, end)?;
        }
        Ok(())
    }

    /// Writes `directory.json` with every committed file, and commits it.
    pub fn write_directory(&mut self) -> Result<TapeFile, VolumeError> {
        let directory = Directory {
            volume: self.header.volume,
            serial: self.header.serial,
            written: self.settings.clock.now(),
            files: self.files.iter().map(DirectoryEntry::from).collect(),
        };
        let start = FileStart {
            kind: FileKind::Directory,
            set: None,
            segment: None,
            codec: Codec::None,
            expires: None,
        };
        self.write_file(start, &directory.to_bytes()?)?;
        let files = self.commit()?;
        files
            .into_iter()
            .next_back()
            .ok_or_else(|| self.out_of_order("a directory that was not committed"))
    }

    /// Takes the key out of the drive, restores the drive's modes and hands the drive back. What was not committed is lost.
    #[must_use]
    pub fn into_drive(mut self) -> Drive {
        encryption::forget(&mut self.drive);
        settings::restore(&mut self.drive, &self.modes_before);
        self.drive
    }

    /// The drive's name in messages.
    #[must_use]
    pub fn drive_path(&self) -> &str {
        self.drive.path()
    }

    fn write_closing_filemark(&mut self, synchronize: Synchronize) -> Result<(), VolumeError> {
        match (self.closing_filemark, synchronize) {
            (true, _) => self.put_filemark(synchronize, "closing a file")?,
            // Nothing is to be closed, yet buffered data may be waiting.
            (false, Synchronize::Flush) => {
                let outcome = self.drive.write_filemarks(0, synchronize);
                self.warn(outcome.map_err(VolumeError::write("synchronising"))?);
            }
            (false, Synchronize::Immediate) => {}
        }
        self.closing_filemark = false;
        Ok(())
    }

    fn put(&mut self, block: &[u8], doing: &'static str) -> Result<(), VolumeError> {
        let outcome = self
            .drive
            .write_block(block)
            .map_err(VolumeError::write(doing))?;
        self.at.block.0 += 1;
        self.warn(outcome);
        if let Some(counted) = &mut self.counted {
            *counted = counted.saturating_sub(block.len() as u64);
            if *counted == 0 {
                self.room = Room::ReserveOnly;
            }
        }
        Ok(())
    }

    fn put_filemark(
        &mut self,
        synchronize: Synchronize,
        doing: &'static str,
    ) -> Result<(), VolumeError> {
        let outcome = self
            .drive
            .write_filemarks(1, synchronize)
            .map_err(VolumeError::write(doing))?;
        self.at.block.0 += 1;
        self.at.tape_file.0 += 1;
        self.warn(outcome);
        Ok(())
    }

    fn warn(&mut self, outcome: WriteOutcome) {
        if outcome != WriteOutcome::Written {
            self.room = Room::ReserveOnly;
        }
    }

    fn out_of_order(&self, what: &str) -> VolumeError {
        VolumeError::Layout {
            tape_file: self.at.tape_file,
            at: self.at.block,
            what: what.to_owned(),
        }
    }
}
