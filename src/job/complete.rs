//! What a copy lacks is copied from tape to tape, never read from the source again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::complete_index::SetIndex;
use super::plan::PlannedSet;
use super::recorder::{record_copy, set_content};
use super::run::Job;
use super::step::COMPLETE;
use super::supply::{Record, Supply};
use super::volumes;
use crate::app::App;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{
    BackupSet, ContentState, PoolName, SegmentCopy, SegmentCopyState, SetCopyState, SetState, View,
};
use crate::copies::source;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::files::free_space;
use crate::id::{Barcode, CopyNumber, VolumeId};
use crate::progress::Event;
use crate::tape::SegmentFiles;
use crate::tape::VolumeError;
use crate::tape::copy::{CopyError, SpooledSegment, copy_segment};
use crate::tape::stream::{
    Blame, FinishReason, FinishedVolume, LaneEnd, LaneState, VolumeSupply, is_about_the_drive,
};
use crate::tape::volume::{Room, VolumeReader, VolumeWriter};

/// Of the free space of the state folder's disk, one part in so many may hold segments on their
/// way from one cartridge to another in a single drive.
const SPOOL_SHARE: u64 = 2;
/// Blocks between a reading and a writing drive.
const RING_BLOCKS: usize = 64;

/// What a copy of a set is to get, and where not.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) set: BackupSet,
    /// Name of its definition.
    pub(super) name: String,
    pub(super) copy: CopyNumber,
    /// The pool of each copy.
    pub(super) pools: Vec<(CopyNumber, PoolName)>,
    /// The volume that is to hold none of it any more; it is read only where no other can be.
    pub(super) leaving: Option<VolumeId>,
    /// Cartridges that are not written on.
    pub(super) without: BTreeSet<Barcode>,
}

impl Order {
    /// Segments the copy does not have, or has where they are not to stay.
    pub(super) fn lacking(&self, view: &View<'_>) -> Result<Vec<SegmentNumber>> {
        source::lacking(view, self.set.id, self.copy, self.leaving)
    }

    /// Whether it has all it is to get but for the set's index.
    fn is_written(&self, view: &View<'_>) -> Result<bool> {
        Ok(self.lacking(view)?.is_empty() && self.lacks_index(view)?)
    }
}

/// Puts one segment on a volume.
type Copier<'a> = dyn FnMut(usize, &mut VolumeWriter) -> Result<SegmentFiles, CopyError> + 'a;

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
                self.correct_state(&set, *copy)?;
                continue;
            }
            self.must_open_keys(&set, &planned.name)?;
            app.say(format!(
                "set {}: copying {} segments to copy {copy} from tape",
                planned.name,
                missing.len()
            ));
            let step = self.context.intend(
                COMPLETE,
                &json!({ "set": set.id, "copy": copy, "segments": missing.len() }),
            )?;
            let order = Order {
                set: set.clone(),
                name: planned.name.clone(),
                copy: *copy,
                pools: planned.copies.clone(),
                leaving: None,
                without: BTreeSet::new(),
            };
            let completed = self.with_other_drives(|job| job.complete_copy(&order));
            if let Err(error) = completed {
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

    /// The last copies may be recorded after the set was.
    fn correct_state(&self, set: &BackupSet, copy: CopyNumber) -> Result<()> {
        self.context.app.write(|tx, now| {
            let behind = tx.set_copies(set.id)?.into_iter().any(|row| {
                row.copy == copy
                    && matches!(row.state, SetCopyState::Writing | SetCopyState::Incomplete)
            });
            if behind {
                tx.set_copy_state(set.id, copy, SetCopyState::Complete, now)?;
            }
            Ok(())
        })
    }

    /// Writes what the copy lacks, each segment from whichever tape it can be read.
    pub(super) fn complete_copy(&mut self, order: &Order) -> Result<()> {
        let app = Arc::clone(&self.context.app);
        let lacking = app.catalogue.read(|view| order.lacking(view))?;
        let mut bad = BTreeSet::new();
        let mut sources = self.sources(order, &lacking, &bad)?;
        let mut index = self.index_for(order)?;
        while let Some(first) = sources.first() {
            app.interrupt.check()?;
            self.drives.give_way()?;
            let volume = first.volume;
            let same = sources.iter().take_while(|next| next.volume == volume);
            let batch: Vec<SegmentCopy> = same.cloned().collect();
            let done = if self.reads_while_writing(order, volume)? {
                self.copy_directly(order, &batch, index.as_mut())
            } else {
                self.copy_by_spool(order, &batch, index.as_mut())
            };
            match done {
                Ok(done) => {
                    sources.drain(..done);
                }
                // Another copy may be read where this one cannot.
                Err(error) if error.kind() == ErrorKind::Failed => {
                    bad.insert(volume);
                    let left = app.catalogue.read(|view| order.lacking(view))?;
                    let Ok(others) = self.sources(order, &left, &bad) else {
                        return Err(error);
                    };
                    app.watcher.event(Event::Problem {
                        subject: format!("set {}", order.name),
                        what: format!("another copy is read: {error}"),
                    });
                    sources = others;
                }
                Err(error) => return Err(error),
            }
        }
        self.write_index(order, index)
    }

    /// Where the index had no room behind the segments, or these were written earlier.
    fn write_index(&mut self, order: &Order, index: Option<SetIndex>) -> Result<()> {
        let app = Arc::clone(&self.context.app);
        let Some(mut index) = index else {
            return Ok(());
        };
        if !app.catalogue.read(|view| order.lacks_index(view))? {
            return Ok(());
        }
        let written = self.write_copies(order, &[], Some(&mut index), &mut |_, writer| {
            let volume = writer.volume();
            Err(CopyError::Target(VolumeError::NothingOnRecord(volume)))
        });
        match written {
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.no_index(order, &error);
                Ok(())
            }
            Ok(_) => {
                if app.catalogue.read(|view| order.lacks_index(view))? {
                    self.no_index(order, &Error::failed("no cartridge had room for it"));
                }
                Ok(())
            }
        }
    }

    /// For each segment a copy that can be read now: one in the library if there is one, and none
    /// on a `bad` volume.
    fn sources(
        &self,
        order: &Order,
        numbers: &[SegmentNumber],
        bad: &BTreeSet<VolumeId>,
    ) -> Result<Vec<SegmentCopy>> {
        let here = self.context.library_id;
        self.context.app.catalogue.read(|view| {
            let mut best = source::best(view, Some(here), order.set.id, order.leaving, bad)?;
            numbers
                .iter()
                .map(|number| {
                    best.remove(number).ok_or_else(|| {
                        Error::failed(format!(
                            "segment {} of set {} is on no tape that can be read",
                            number.0, order.set.id
                        ))
                    })
                })
                .collect()
        })
    }

    /// Reads in one drive while writing in another. All segments are on one volume.
    fn copy_directly(
        &mut self,
        order: &Order,
        batch: &[SegmentCopy],
        index: Option<&mut SetIndex>,
    ) -> Result<usize> {
        let app = Arc::clone(&self.context.app);
        let Some(volume) = batch.first().map(|first| first.volume) else {
            return Ok(0);
        };
        let files = self.files_of(batch)?;
        let barcode = app.catalogue.read(|view| {
            let cartridge = view.volume(volume)?.cartridge;
            view.cartridge(cartridge)
        })?;
        let keys = self.drives.keys_of(volume)?;
        let (seat, drive) = self.drives.take_in_turn(&barcode.barcode)?;
        if self.drives.available() == 0 {
            // A restore got the other one meanwhile.
            self.drives.put(seat, drive);
            return Ok(0);
        }
        let mut reader = match VolumeReader::open(drive, volume) {
            Ok(reader) => reader.with_drive_keys(keys),
            Err(failed) => {
                self.drives.put_checked(seat, failed.drive);
                return Err(
                    Error::failed(format!("cannot read {}", barcode.barcode)).because(failed.error)
                );
            }
        };
        let written = self.write_copies(order, batch, index, &mut |number, writer| {
            copy_segment(&mut reader, &files[number], writer, RING_BLOCKS)
        });
        self.drives.put_checked(seat, reader.into_drive());
        written
    }

    /// Reads to disk, changes the cartridge, writes: for one drive. As many segments at a time
    /// as half of the free space holds, at least one.
    fn copy_by_spool(
        &mut self,
        order: &Order,
        batch: &[SegmentCopy],
        index: Option<&mut SetIndex>,
    ) -> Result<usize> {
        let app = Arc::clone(&self.context.app);
        let folder = app.state.join("spool");
        empty(&folder)?;
        let free = free_space(&folder)?;
        let room = free / SPOOL_SHARE;
        let mut spooled = Vec::new();
        let mut used = 0;
        for (segment, files) in batch.iter().zip(self.files_of(batch)?) {
            let length: u64 = files.iter().map(|file| file.length).sum();
            if !spooled.is_empty() && used + length > room {
                break;
            }
            if length > free {
                return Err(no_room(&folder, length, free));
            }
            used += length;
            spooled.push(self.drives.with_reader(segment.volume, |reader| {
                SpooledSegment::read(reader, &files, &folder)
                    .context(format!("segment {}", segment.segment.0))
            })?);
        }
        let batch = &batch[..spooled.len()];
        self.write_copies(order, batch, index, &mut |number, writer| {
            spooled[number].write(writer)
        })
    }

    fn files_of(&self, batch: &[SegmentCopy]) -> Result<Vec<SegmentFiles>> {
        self.context.app.catalogue.read(|view| {
            batch
                .iter()
                .map(|segment| volumes::segment_files(view, segment))
                .collect()
        })
    }

    /// Writes segments to a copy's volumes, one after the other, and records each; returns how many
    /// before somebody asked for a drive. The index goes behind the last of all.
    fn write_copies(
        &mut self,
        order: &Order,
        batch: &[SegmentCopy],
        index: Option<&mut SetIndex>,
        copier: &mut Copier<'_>,
    ) -> Result<usize> {
        let app = Arc::clone(&self.context.app);
        let set = &order.set;
        let definition = app.catalogue.read(|view| view.definition(set.definition))?;
        let options = self.copy_options(set, &definition)?;
        let drives = self.drives.hand_over();
        let set_aside = std::mem::take(&mut self.set_aside);
        let context = self.context.clone();
        let supply = Supply::new(context, set.id, &order.pools, options, drives, set_aside)
            .without(order.without.iter().cloned());
        let written = self.write_batch(order, batch, index, &supply, copier);
        let supplied = supply.finish();
        self.drives = supplied.drives;
        self.set_aside = supplied.set_aside;
        written.map_err(|error| supplied.shortage.unwrap_or(error))
    }

    fn write_batch(
        &self,
        order: &Order,
        batch: &[SegmentCopy],
        set_index: Option<&mut SetIndex>,
        supply: &Supply,
        copier: &mut Copier<'_>,
    ) -> Result<usize> {
        let copy = order.copy;
        let mut progress = Progress::of(&self.context.app, order, batch)?;
        let mut writer = supply.open_next(copy)?;
        let mut done = 0;
        for (index, segment) in batch.iter().enumerate() {
            if done > 0 && supply.is_asked()? {
                break;
            }
            if let Err(asked) = self.context.app.interrupt.check() {
                let end = self.close(copy, writer)?;
                supply.take_back(vec![end], Record::Complete)?;
                return Err(asked);
            }
            if writer.room() == Room::ReserveOnly {
                writer = self.next_volume(copy, writer, supply)?;
            }
            let mut copied = copier(index, &mut writer);
            if matches!(&copied, Err(CopyError::Target(_))) && !writer.files().is_empty() {
                // The cartridge ended early: the next one takes the segment.
                writer = self.next_volume(copy, writer, supply)?;
                copied = copier(index, &mut writer);
            }
            match copied {
                Ok(files) => {
                    self.record(order, segment.segment, writer.volume(), &files)?;
                    progress.add(files.data.length);
                    done += 1;
                }
                Err(error) => {
                    let culprit = culprit(&error);
                    let error = Error::failed(format!("cannot copy segment {}", segment.segment.0))
                        .because(error);
                    let end = match culprit {
                        Some(blame) => dead(copy, writer, blame, &error.to_string()),
                        None => self.close(copy, writer)?,
                    };
                    supply.take_back(vec![end], Record::Complete)?;
                    return Err(error);
                }
            }
        }
        if let Some(set_index) = set_index
            && self
                .context
                .app
                .catalogue
                .read(|view| order.is_written(view))?
        {
            // With segments it is tried where they are.
            if batch.is_empty() && !set_index.fits(&mut writer)? {
                writer = self.next_volume(copy, writer, supply)?;
            }
            if let Err(error) = self.append_index(order, set_index, &mut writer)? {
                let end = dead(copy, writer, blame_of(&error), &error.to_string());
                supply.take_back(vec![end], Record::Complete)?;
                return Ok(done);
            }
        }
        let end = self.close(copy, writer)?;
        supply.take_back(vec![end], Record::Complete)?;
        Ok(done)
    }

    fn record(
        &self,
        order: &Order,
        segment: SegmentNumber,
        volume: VolumeId,
        files: &SegmentFiles,
    ) -> Result<()> {
        let context = &self.context;
        let (set, copy) = (order.set.id, order.copy);
        context.app.write(|tx, now| {
            let filling = ContentState::Filling;
            set_content(context, tx, now, volume, filling, "written to")?;
            // The old one counts until this one was read back.
            let state = match tx.live_copy(set, copy, segment)? {
                Some(_) => SegmentCopyState::Replacing,
                None => SegmentCopyState::Committed,
            };
            record_copy(context, tx, now, set, copy, segment, volume, files, state)?;
            Ok(tx.extend_retention(volume, tx.set_copy(set, copy)?.retain_until)?)
        })
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
            Err(error) => {
                let blame = blame_of(&error);
                Ok(dead(copy, writer, blame, &error.to_string()))
            }
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
        self.context.app.write(|tx, now| {
            set_content(&self.context, tx, now, volume, ContentState::Full, "full")
        })?;
        let drive = match end.state {
            LaneState::Open(writer) => writer.into_drive(),
            LaneState::Finished(finished) => finished.drive,
            LaneState::Dead { drive, why, .. } => match drive {
                Some(drive) => *drive,
                None => return Err(Error::failed(why)),
            },
            LaneState::Away => return Err(Error::failed("its drive was given away")),
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

/// How far a batch is; tells so until it goes.
struct Progress<'a> {
    app: &'a App,
    task: String,
    bytes: u64,
    total: u64,
    segments: u64,
}

impl<'a> Progress<'a> {
    fn of(app: &'a App, order: &Order, batch: &[SegmentCopy]) -> Result<Self> {
        let total = app.catalogue.read(|view| {
            let lengths = batch
                .iter()
                .map(|copy| Ok(view.segment(copy.set, copy.segment)?.coded_length));
            lengths.sum::<Result<u64>>()
        })?;
        Ok(Self {
            app,
            task: format!("copying {} to copy {}", order.name, order.copy),
            bytes: 0,
            total,
            segments: 0,
        })
    }

    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.segments += 1;
        self.app.watcher.event(Event::Progress {
            task: self.task.clone(),
            bytes: self.bytes,
            total: Some(self.total),
            files: self.segments,
        });
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        let task = std::mem::take(&mut self.task);
        self.app.watcher.event(Event::ProgressEnd { task });
    }
}

/// Whether the drive that writes is to blame; `None` where the target is as good as before.
fn culprit(error: &CopyError) -> Option<Blame> {
    match error {
        CopyError::Target(error) => Some(blame_of(error)),
        CopyError::Stuck { rollback, .. } => Some(blame_of(rollback)),
        CopyError::Source(_) | CopyError::Spool { .. } => None,
    }
}

fn blame_of(error: &VolumeError) -> Blame {
    if is_about_the_drive(error) {
        Blame::Drive
    } else {
        Blame::Other
    }
}

fn dead(copy: CopyNumber, writer: VolumeWriter, blame: Blame, why: &str) -> LaneEnd {
    LaneEnd {
        copy,
        state: LaneState::Dead {
            drive: Some(Box::new(writer.into_drive())),
            blame,
            why: why.to_owned(),
        },
    }
}

/// With one drive a segment must fit on the disk while the cartridge is changed.
fn no_room(folder: &Path, needed: u64, free: u64) -> Error {
    let size = |bytes| bytesize::ByteSize::b(bytes).display().iec().to_string();
    Error::new(
        ErrorKind::OperatorNeeded,
        format!(
            "a segment of {} is copied by way of {}, which has {} free",
            size(needed),
            folder.display(),
            size(free)
        ),
    )
    .hint("free some space, or use a second drive")
}

/// What a process that died left in the spool is of no use.
fn empty(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::failed(format!("cannot empty {}", folder.display())).because(error));
        }
        _ => {}
    }
    std::fs::create_dir_all(folder).context(format!("cannot create {}", folder.display()))
}
