//! What a copy lacks is copied from tape to tape, never read from the source again.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::sync::Arc;

use serde_json::json;

use super::drives::Drives;
use super::plan::PlannedSet;
use super::recorder::record_copy;
use super::run::Job;
use super::step::COMPLETE;
use super::supply::Supply;
use super::volumes;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{BackupSet, ContentState, SegmentCopy, SetCopyState, SetState};
use crate::error::{Context, Error, Result};
use crate::files::free_space;
use crate::id::CopyNumber;
use crate::tape::document::PartDocument;
use crate::tape::stream::{FinishReason, FinishedVolume, LaneEnd, LaneState, VolumeSupply};
use crate::tape::volume::{FileStart, Room, VolumeWriter};
use crate::tape::{FileKind, SegmentFiles, TapeFile};

/// Of the free space of the state folder's disk, what segments on their way may take.
const SPOOL_SHARE: u64 = 2;

impl Job {
    /// Brings every copy of a complete set up to all its segments.
    pub(super) fn complete_copies(&mut self, planned: &PlannedSet) -> Result<()> {
        let app = Arc::clone(&self.context.app);
        let set = app.catalogue.read(|view| view.set(planned.id))?;
        if set.state != SetState::Complete {
            return Ok(());
        }
        for (copy, _) in &planned.copies {
            let missing = app
                .catalogue
                .read(|view| view.missing_segments(set.id, *copy))?;
            if missing.is_empty() {
                continue;
            }
            app.say(format!(
                "set {}: copying {} segments to copy {copy} from tape",
                planned.name,
                missing.len()
            ));
            let step = self.context.intend(
                COMPLETE,
                &json!({ "set": set.id, "copy": copy, "segments": missing.len() }),
            )?;
            if let Err(error) = self.complete_copy(&set, planned, *copy, &missing) {
                self.context.failed(step, &error)?;
                return Err(error);
            }
            self.context
                .observe(step, &json!({ "complete": true }), |tx, now| {
                    Ok(tx.set_copy_state(set.id, *copy, SetCopyState::Complete, now)?)
                })?;
        }
        Ok(())
    }

    fn complete_copy(
        &mut self,
        set: &BackupSet,
        planned: &PlannedSet,
        copy: CopyNumber,
        missing: &[SegmentNumber],
    ) -> Result<()> {
        let app = Arc::clone(&self.context.app);
        let definition = app.catalogue.read(|view| view.definition(set.definition))?;
        let options = self.stream_options(set, &definition)?;
        let mut left = missing;
        while !left.is_empty() {
            app.interrupt.check()?;
            let batch = self.spool(set, left)?;
            let drives = std::mem::replace(
                &mut self.drives,
                Drives::new(self.context.clone(), Vec::new()),
            );
            let supply = Supply::new(
                self.context.clone(),
                set.id,
                &planned.copies,
                options.clone(),
                drives,
            );
            let done = self.write_spooled(set, copy, &batch, &supply);
            let (drives, shortage, refused) = supply.finish(&self.context);
            self.drives = drives;
            self.refused += refused;
            done.map_err(|error| shortage.unwrap_or(error))?;
            left = &left[batch.segments.len()..];
        }
        Ok(())
    }

    /// Reads segments from another copy to disk: as many as half of the free space holds, at
    /// least one. With a spool one drive is enough, and the reading drive is not slowed down by
    /// the writing one.
    fn spool(&mut self, set: &BackupSet, wanted: &[SegmentNumber]) -> Result<Spool> {
        let app = Arc::clone(&self.context.app);
        let folder = app.state.join("spool");
        std::fs::create_dir_all(&folder).context(format!("cannot create {}", folder.display()))?;
        let room = free_space(&folder)? / SPOOL_SHARE;
        let file = tempfile_in(&folder)?;
        let mut spool = Spool {
            file,
            segments: Vec::new(),
        };
        let mut used = 0;
        for number in wanted {
            let length = app
                .catalogue
                .read(|view| view.segment(set.id, *number))?
                .coded_length;
            if !spool.segments.is_empty() && used + length > room {
                break;
            }
            used += length;
            let source = self.source_of(set, *number)?;
            let segment = self.read_segment(&source, &mut spool.file)?;
            spool.segments.push(segment);
        }
        Ok(spool)
    }

    /// A copy of the segment that can be read now.
    fn source_of(&self, set: &BackupSet, number: SegmentNumber) -> Result<SegmentCopy> {
        let app = &self.context.app;
        app.catalogue
            .read(|view| view.segment_copies(set.id))?
            .into_iter()
            .find(|copy| {
                copy.segment == number
                    && matches!(
                        copy.state,
                        crate::catalogue::SegmentCopyState::Committed
                            | crate::catalogue::SegmentCopyState::Verified
                    )
            })
            .ok_or_else(|| {
                Error::failed(format!(
                    "segment {} of set {} is on no tape",
                    number.0, set.id
                ))
            })
    }

    fn read_segment(&mut self, source: &SegmentCopy, spool: &mut File) -> Result<Spooled> {
        let app = Arc::clone(&self.context.app);
        let files = app
            .catalogue
            .read(|view| volumes::segment_files(view, source))?;
        self.drives.with_reader(source.volume, |reader| {
            let what = || format!("cannot read segment {}", source.segment.0);
            let part = reader.read_part(&files.part).context(what())?;
            let index = reader.read_small(&files.index).context(what())?;
            let mut failed = None;
            reader
                .payload(&files.data)
                .for_each_block(|block| {
                    if failed.is_none()
                        && let Err(error) = spool.write_all(block)
                    {
                        failed = Some(error);
                    }
                    Ok(())
                })
                .context(what())?;
            match failed {
                Some(error) => Err(Error::failed("cannot write to the spool file").because(error)),
                None => Ok(Spooled {
                    part,
                    index,
                    data: files.data.clone(),
                }),
            }
        })
    }

    fn write_spooled(
        &self,
        set: &BackupSet,
        copy: CopyNumber,
        batch: &Spool,
        supply: &Supply,
    ) -> Result<()> {
        let mut writer = supply.open_next(copy)?;
        let mut file = BufReader::new(batch.file.try_clone().context("spool file")?);
        std::io::Seek::rewind(&mut file).context("spool file")?;
        for segment in &batch.segments {
            if writer.room() == Room::ReserveOnly {
                writer = self.next_volume(copy, writer, supply)?;
            }
            match write_one(&mut writer, set, segment, &mut file) {
                Ok(files) => self.context.app.write(|tx, now| {
                    let volume = writer.volume();
                    let number = segment.part.segment;
                    let reason = "written to";
                    super::recorder::set_content(
                        &self.context,
                        tx,
                        now,
                        volume,
                        ContentState::Filling,
                        reason,
                    )?;
                    record_copy(&self.context, tx, now, set.id, copy, number, volume, &files)?;
                    Ok(tx.extend_retention(volume, set.retain_until)?)
                })?,
                Err(error) => {
                    supply.take_back(vec![dead(copy, writer, &error.to_string())])?;
                    return Err(error);
                }
            }
        }
        let end = self.close(copy, writer)?;
        supply.take_back(vec![end])
    }

    /// A directory closes what was written.
    fn close(&self, copy: CopyNumber, mut writer: VolumeWriter) -> Result<LaneEnd> {
        match writer.write_directory() {
            Ok(file) => {
                let volume = writer.volume();
                self.context
                    .app
                    .write(|tx, now| volumes::add_files(tx, volume, &[file], now))?;
                Ok(LaneEnd {
                    copy,
                    state: LaneState::Open(Box::new(writer)),
                })
            }
            Err(error) => Ok(dead(copy, writer, &error.to_string())),
        }
    }

    fn next_volume(
        &self,
        copy: CopyNumber,
        writer: VolumeWriter,
        supply: &Supply,
    ) -> Result<VolumeWriter> {
        let volume = writer.volume();
        let end = self.close(copy, writer)?;
        let drive = match end.state {
            LaneState::Open(writer) => {
                self.context.app.write(|tx, now| {
                    let full = ContentState::Full;
                    super::recorder::set_content(&self.context, tx, now, volume, full, "full")
                })?;
                writer.into_drive()
            }
            LaneState::Finished(finished) => finished.drive,
            LaneState::Dead { drive, why } => match drive {
                Some(drive) => *drive,
                None => return Err(Error::failed(why)),
            },
        };
        supply
            .next(
                copy,
                FinishedVolume {
                    volume,
                    drive,
                    reason: FinishReason::Full,
                    files: Vec::new(),
                },
            )
            .context("cannot go on with another cartridge")
    }
}

/// Segments on their way from one tape to another.
struct Spool {
    file: File,
    segments: Vec<Spooled>,
}

struct Spooled {
    part: PartDocument,
    index: Vec<u8>,
    data: TapeFile,
}

fn dead(copy: CopyNumber, writer: VolumeWriter, why: &str) -> LaneEnd {
    LaneEnd {
        copy,
        state: LaneState::Dead {
            drive: Some(Box::new(writer.into_drive())),
            why: why.to_owned(),
        },
    }
}

fn write_one(
    writer: &mut VolumeWriter,
    set: &BackupSet,
    segment: &Spooled,
    spool: &mut dyn Read,
) -> Result<SegmentFiles> {
    let what = || format!("cannot write segment {}", segment.part.segment.0);
    let start = |kind, codec| FileStart {
        kind,
        set: Some(set.id),
        segment: Some(segment.part.segment),
        codec,
        block_size: segment.data.block_size,
        expires: Some(set.retain_until),
    };
    writer
        .begin_file(start(FileKind::Segment, segment.part.codec))
        .context(what())?;
    let mut left = segment.data.length;
    let mut block = vec![0; segment.data.block_size.bytes()];
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        spool
            .read_exact(&mut block[..now])
            .context("cannot read the spool file")?;
        writer.write_block(&block[..now]).context(what())?;
        left -= now as u64;
    }
    let written = writer.end_file().context(what())?.xxh3_128;
    if written != segment.data.xxh3_128 {
        return Err(Error::failed(format!(
            "segment {} changed on its way: {written} instead of {}",
            segment.part.segment.0, segment.data.xxh3_128
        )));
    }
    let part = segment.part.to_bytes().context(what())?;
    writer
        .write_file(
            start(FileKind::PartDescription, crate::tape::Codec::None),
            &part,
        )
        .context(what())?;
    writer
        .write_file(
            start(FileKind::IndexPart, segment.part.index.codec),
            &segment.index,
        )
        .context(what())?;
    let files = writer.commit().context(what())?;
    volumes::as_segment(files)
}

/// A file without a name, gone with the process.
fn tempfile_in(folder: &std::path::Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_TMPFILE)
        .mode(0o600)
        .open(folder)
        .context(format!("cannot make a spool file in {}", folder.display()))
}
