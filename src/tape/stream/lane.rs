//! One copy's thread: takes blocks from its ring and writes them to its volume.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use tapeward_drivers::Drive;

use super::blame::{Blame, is_about_the_drive};
use super::event::{LaneEvent, StreamEvent};
use super::fan_out::{LaneItem, SegmentEnd, Sent};
use super::flow::{Feeding, Stopwatch};
use super::ring::{Next, RingReceiver};
use super::rings::Idleness;
use super::shared::{Decision, Shared};
use super::supply::{FinishReason, FinishedVolume, Leave, VolumeSupply};
use crate::archive::member::{SegmentNumber, SinkError};
use crate::id::{CopyNumber, VolumeId};
use crate::tape::error::VolumeError;
use crate::tape::layout::{FileKind, SegmentFiles, TapeFile};
use crate::tape::volume::{FileStart, Room, VolumeWriter};

/// How a lane ended.
#[derive(Debug)]
pub struct LaneEnd {
    /// Whose lane.
    pub copy: CopyNumber,
    /// What is left of it.
    pub state: LaneState,
}

/// What is left of a lane.
#[derive(Debug)]
pub enum LaneState {
    /// A volume with room, its directory written.
    Open(Box<VolumeWriter>),
    /// A volume that takes no more, and no other was needed.
    Finished(Box<FinishedVolume>),
    /// Nothing: it gave its drive away, and the stream ended before it could have one again; or the
    /// supply has what was left ([`VolumeSupply::ended`]).
    Away,
    /// It ended early.
    Dead {
        /// The drive, unless it was handed to the supply or lost with the thread.
        drive: Option<Box<Drive>>,
        /// Whether the drive is why.
        blame: Blame,
        /// Why, for people.
        why: String,
    },
}

pub(super) struct Lane {
    pub(super) copy: CopyNumber,
    pub(super) items: RingReceiver,
    /// How long the ring let the drive wait.
    pub(super) starved: Arc<Stopwatch>,
    /// Bytes that were written.
    pub(super) written: Cell<u64>,
    pub(super) shared: Arc<Shared>,
    pub(super) idleness: Arc<Idleness>,
    pub(super) events: Sender<StreamEvent>,
    pub(super) supply: Arc<dyn VolumeSupply>,
}

/// How often a lane that has nothing to do looks whether somebody wants its drive.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// The end of a lane before its time.
pub(super) struct Death {
    pub(super) drive: Option<Box<Drive>>,
    pub(super) why: String,
}

/// The volume a lane has, between two files.
pub(super) enum Volume {
    Open(Box<VolumeWriter>),
    Finished(Box<FinishedVolume>),
    /// None: the stream ended while others had the drive.
    Away,
}

/// What the lane is in the middle of.
enum Doing {
    Nothing,
    Segment(SegmentNumber),
    Index,
    /// Until the end of the file, blocks go nowhere.
    Discarding,
}

impl Lane {
    /// Runs until the ring is closed or the lane is left behind. A ring closed in the middle of a file means that the file
    /// is given up.
    pub(super) fn run(self, writer: VolumeWriter) -> LaneEnd {
        let copy = self.copy;
        let guard = Guard {
            shared: Arc::clone(&self.shared),
            copy,
            over: false,
        };
        let worked = self.work(writer);
        let left_behind = self.shared.is_detached(copy);
        let worked = match worked {
            // Its events tell the end of it before the supply has it.
            Ok(Volume::Open(writer)) if left_behind => {
                Ok(self.finished(*writer, FinishReason::GivenWay, HasDirectory::Yes))
            }
            other => other,
        };
        let state = match worked {
            Ok(Volume::Open(writer)) => LaneState::Open(writer),
            Ok(Volume::Finished(finished)) => LaneState::Finished(finished),
            Ok(Volume::Away) => LaneState::Away,
            Err(Death { drive, why }) => {
                self.tell(LaneEvent::Dead { why: why.clone() });
                self.shared.died(copy, &why);
                // What is not about the drive is about the supply, which has the drive.
                let blame = drive.as_ref().map_or(Blame::Other, |_| Blame::Drive);
                LaneState::Dead { drive, blame, why }
            }
        };
        self.tell(LaneEvent::Fed(Feeding {
            bytes: self.written.get(),
            stops: self.starved.times(),
            starved: self.starved.total(),
        }));
        guard.done();
        let end = LaneEnd { copy, state };
        if left_behind || matches!(end.state, LaneState::Dead { .. }) {
            return self.supply.ended(end);
        }
        end
    }

    pub(super) fn tell(&self, event: LaneEvent) {
        // Nobody listening is the caller's choice; what counts is on tape.
        let _ = self.events.send(StreamEvent::Lane {
            copy: self.copy,
            event,
        });
    }

    fn work(&self, writer: VolumeWriter) -> Result<Volume, Death> {
        let mut volume = Volume::Open(Box::new(writer));
        let mut doing = Doing::Nothing;
        let mut unfiled = false;
        loop {
            let item = match self.next_item(&doing) {
                Next::Item(item) => item,
                Next::Nothing => {
                    volume = self.give_way_if_wanted(volume, &mut unfiled)?;
                    continue;
                }
                Next::Closed => break,
            };
            (volume, doing) = match item {
                // The stream has ended with an error: a volume taken now would stay empty.
                LaneItem::SegmentBegin(..) if self.shared.check().is_err() => {
                    (volume, Doing::Discarding)
                }
                LaneItem::SegmentBegin(segment, start) => {
                    let writer = self.volume_with_room(volume)?;
                    if self.shared.is_detached(self.copy) {
                        // Getting the volume took too long; it stays for whoever comes next.
                        return Ok(Volume::Open(writer));
                    }
                    unfiled = true;
                    self.begin_segment(writer, segment, &start)?
                }
                LaneItem::Block(block) => self.block(volume, doing, &block)?,
                LaneItem::SegmentEnd(end) => {
                    let volume = match (volume, doing) {
                        (Volume::Open(writer), Doing::Segment(_)) => {
                            self.end_segment(writer, &end)?
                        }
                        (volume, _) => volume,
                    };
                    let volume = self.give_way_if_wanted(volume, &mut unfiled)?;
                    (volume, Doing::Nothing)
                }
                LaneItem::IndexBegin(start, length) => {
                    unfiled = true;
                    self.begin_index(volume, &start, length)?
                }
                LaneItem::IndexEnd(sent) => match (volume, doing) {
                    (Volume::Open(writer), Doing::Index) => {
                        (self.end_index(writer, sent)?, Doing::Nothing)
                    }
                    (volume, _) => (volume, Doing::Nothing),
                },
                LaneItem::Pause => {
                    let volume = self.give_way(volume, &mut unfiled, Leave::Paused)?;
                    (volume, Doing::Nothing)
                }
            };
        }
        self.last(volume, &doing, unfiled)
    }

    /// What comes next through the ring; it is closed for a lane without which the others have gone
    /// on: what is left in the ring is of no use then. Between files it waits for a while only.
    fn next_item(&self, doing: &Doing) -> Next {
        self.idleness.begin(self.copy);
        let next = match doing {
            Doing::Nothing => self.items.recv_timeout(LOOK_AROUND),
            _ => self.items.recv().map_or(Next::Closed, Next::Item),
        };
        match next {
            // It goes on having nothing to do.
            Next::Nothing => return next,
            Next::Item(_) | Next::Closed => self.idleness.end(self.copy),
        }
        if self.shared.is_detached(self.copy) {
            return Next::Closed;
        }
        next
    }

    /// The ring is closed: gives up an unfinished file and writes the directory.
    fn last(&self, volume: Volume, doing: &Doing, unfiled: bool) -> Result<Volume, Death> {
        let Volume::Open(mut writer) = volume else {
            return Ok(volume);
        };
        if matches!(doing, Doing::Segment(_) | Doing::Index)
            && let Err(error) = writer.rollback()
        {
            return self.give_up(writer, &error);
        }
        if !unfiled {
            return Ok(Volume::Open(writer));
        }
        match self.write_directory(&mut writer) {
            Ok(()) if writer.room() == Room::Open => Ok(Volume::Open(writer)),
            Ok(()) => Ok(self.finished(*writer, FinishReason::Full, HasDirectory::Yes)),
            Err(error) => self.give_up(writer, &error),
        }
    }

    /// The volume if it has room, else the next one.
    fn volume_with_room(&self, volume: Volume) -> Result<Box<VolumeWriter>, Death> {
        let finished = match volume {
            Volume::Open(writer) if writer.room() == Room::Open => return Ok(writer),
            Volume::Open(writer) => match self.close_volume(writer)? {
                Volume::Finished(finished) => finished,
                Volume::Open(writer) => return Ok(writer),
                Volume::Away => return Err(Death::without_volume()),
            },
            Volume::Finished(finished) => finished,
            Volume::Away => return Err(Death::without_volume()),
        };
        let writer = self
            .supply
            .next(self.copy, *finished)
            .map_err(|error| Death {
                drive: None,
                why: error.to_string(),
            })?;
        self.tell(LaneEvent::VolumeOpened {
            volume: writer.volume(),
        });
        Ok(Box::new(writer))
    }

    fn begin_segment(
        &self,
        mut writer: Box<VolumeWriter>,
        segment: SegmentNumber,
        start: &FileStart,
    ) -> Result<(Volume, Doing), Death> {
        match writer.begin_sent_file(start.clone()) {
            Ok(()) => Ok((Volume::Open(writer), Doing::Segment(segment))),
            Err(error) => Ok((self.lose(writer, segment, &error)?, Doing::Discarding)),
        }
    }

    fn block(&self, volume: Volume, doing: Doing, block: &[u8]) -> Result<(Volume, Doing), Death> {
        let (mut writer, doing) = match (volume, doing) {
            (Volume::Open(writer), doing @ (Doing::Segment(_) | Doing::Index)) => (writer, doing),
            other => return Ok(other),
        };
        self.written.set(self.written.get() + block.len() as u64);
        match (writer.write(block), doing) {
            (Ok(()), Doing::Segment(segment)) => {
                if writer.room() == Room::ReserveOnly {
                    self.shared.request_close(segment);
                }
                Ok((Volume::Open(writer), Doing::Segment(segment)))
            }
            (Ok(()), doing) => Ok((Volume::Open(writer), doing)),
            (Err(error), Doing::Segment(segment)) => {
                Ok((self.lose(writer, segment, &error)?, Doing::Discarding))
            }
            (Err(error), _) => Ok((self.skip_index(writer, &error)?, Doing::Discarding)),
        }
    }

    fn end_segment(
        &self,
        mut writer: Box<VolumeWriter>,
        end: &SegmentEnd,
    ) -> Result<Volume, Death> {
        let segment = end.facts.segment;
        if let Err(error) = self.shared.wait_for_earlier(segment) {
            return self.take_back(writer, segment, &error);
        }
        let files = match write_segment_end(&mut writer, end) {
            Ok(files) => files,
            Err(error) => return self.lose(writer, segment, &error),
        };
        self.tell(LaneEvent::Committed {
            segment,
            volume: writer.volume(),
            files: Box::new(files),
        });
        self.shared.decide(self.copy, segment, Decision::Committed);
        match writer.room() {
            Room::Open => Ok(Volume::Open(writer)),
            Room::ReserveOnly => self.close_volume(writer),
        }
    }

    fn begin_index(
        &self,
        volume: Volume,
        start: &FileStart,
        length: u64,
    ) -> Result<(Volume, Doing), Death> {
        let mut writer = match volume {
            Volume::Open(writer) => writer,
            without @ (Volume::Finished(_) | Volume::Away) => {
                self.tell(LaneEvent::SetIndexSkipped {
                    why: "the volume takes no more".to_owned(),
                });
                return Ok((without, Doing::Discarding));
            }
        };
        let begun = writer.remaining().and_then(|remaining| {
            if remaining < length {
                return Ok(Err(format!(
                    "{remaining} bytes are left, it takes {length}"
                )));
            }
            writer.begin_sent_file(start.clone()).map(Ok)
        });
        match begun {
            Ok(Ok(())) => Ok((Volume::Open(writer), Doing::Index)),
            Ok(Err(why)) => {
                self.tell(LaneEvent::SetIndexSkipped { why });
                Ok((Volume::Open(writer), Doing::Discarding))
            }
            Err(error) => Ok((self.skip_index(writer, &error)?, Doing::Discarding)),
        }
    }

    fn end_index(&self, mut writer: Box<VolumeWriter>, sent: Sent) -> Result<Volume, Death> {
        let done = writer
            .end_sent_file(sent.length, sent.digest)
            .map(drop)
            .and_then(|()| writer.commit());
        match done {
            Ok(files) => {
                self.filed(writer.volume(), files);
                Ok(Volume::Open(writer))
            }
            Err(error) => self.skip_index(writer, &error),
        }
    }

    /// The set index could not be written: without it the volume is as good as before.
    fn skip_index(
        &self,
        mut writer: Box<VolumeWriter>,
        error: &VolumeError,
    ) -> Result<Volume, Death> {
        self.tell(LaneEvent::SetIndexSkipped {
            why: error.to_string(),
        });
        match writer.rollback() {
            Ok(()) => Ok(Volume::Open(writer)),
            Err(error) => self.give_up(writer, &error),
        }
    }

    fn filed(&self, volume: VolumeId, files: Vec<TapeFile>) {
        for file in files {
            self.tell(LaneEvent::Filed {
                volume,
                file: Box::new(file),
            });
        }
    }

    pub(super) fn write_directory(&self, writer: &mut VolumeWriter) -> Result<(), VolumeError> {
        let file = writer.write_directory()?;
        self.filed(writer.volume(), vec![file]);
        Ok(())
    }

    /// The volume is full: its directory, and no more.
    fn close_volume(&self, mut writer: Box<VolumeWriter>) -> Result<Volume, Death> {
        match self.write_directory(&mut writer) {
            Ok(()) => Ok(self.finished(*writer, FinishReason::Full, HasDirectory::Yes)),
            Err(error) => self.give_up(writer, &error),
        }
    }

    pub(super) fn finished(
        &self,
        writer: VolumeWriter,
        reason: FinishReason,
        directory: HasDirectory,
    ) -> Volume {
        let volume = writer.volume();
        self.tell(LaneEvent::VolumeFinished {
            volume,
            reason: reason.clone(),
            has_directory: directory == HasDirectory::Yes,
        });
        let files = writer.files().to_vec();
        Volume::Finished(Box::new(FinishedVolume {
            volume,
            drive: writer.into_drive(),
            reason,
            files,
        }))
    }

    /// The stream has ended with an error before this segment: it must not count.
    fn take_back(
        &self,
        mut writer: Box<VolumeWriter>,
        segment: SegmentNumber,
        ended: &SinkError,
    ) -> Result<Volume, Death> {
        self.tell(LaneEvent::SegmentLost {
            segment,
            volume: Some(writer.volume()),
            why: ended.to_string(),
        });
        self.shared.decide(self.copy, segment, Decision::Lost);
        match writer.rollback() {
            Ok(()) => Ok(Volume::Open(writer)),
            Err(error) => self.give_up(writer, &error),
        }
    }

    /// A segment did not get onto this copy.
    fn lose(
        &self,
        mut writer: Box<VolumeWriter>,
        segment: SegmentNumber,
        error: &VolumeError,
    ) -> Result<Volume, Death> {
        self.tell(LaneEvent::SegmentLost {
            segment,
            volume: Some(writer.volume()),
            why: error.to_string(),
        });
        if is_about_the_drive(error) {
            // The lane's end decides on the segment too: nobody sees one without the other.
            return self.give_up(writer, error);
        }
        self.shared.decide(self.copy, segment, Decision::Lost);
        // What was committed stays; a directory behind it, where it can be put.
        let filed = writer
            .rollback()
            .and_then(|()| self.write_directory(&mut writer));
        let directory = match filed {
            Ok(()) => HasDirectory::Yes,
            Err(error) => {
                tracing::warn!(
                    drive = writer.drive_path(), volume = %writer.volume(), %error,
                    "the volume is left without a directory at its end"
                );
                HasDirectory::No
            }
        };
        let reason = FinishReason::Failed(error.to_string());
        Ok(self.finished(*writer, reason, directory))
    }

    /// Nothing more can be written to this volume, not even a directory. Ends the lane if the
    /// drive is to blame.
    pub(super) fn give_up(
        &self,
        writer: Box<VolumeWriter>,
        error: &VolumeError,
    ) -> Result<Volume, Death> {
        let why = error.to_string();
        let reason = FinishReason::Failed(why.clone());
        match self.finished(*writer, reason, HasDirectory::No) {
            Volume::Finished(finished) if is_about_the_drive(error) => Err(Death {
                drive: Some(Box::new(finished.drive)),
                why,
            }),
            other => Ok(other),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HasDirectory {
    Yes,
    No,
}

/// Trailer labels, `part.json`, index part, commit.
fn write_segment_end(
    writer: &mut VolumeWriter,
    end: &SegmentEnd,
) -> Result<SegmentFiles, VolumeError> {
    writer.end_sent_file(end.facts.length, end.facts.xxh3_128)?;
    writer.write_file(end.part_start.clone(), &end.part)?;
    writer.write_file(end.index_start.clone(), &end.index)?;
    let files = writer.commit()?;
    let of = |kind: FileKind| {
        files
            .iter()
            .find(|file| file.kind == kind)
            .cloned()
            .ok_or(VolumeError::NothingOnRecord(writer.volume()))
    };
    Ok(SegmentFiles {
        data: of(FileKind::Segment)?,
        part: of(FileKind::PartDescription)?,
        index: of(FileKind::IndexPart)?,
    })
}

/// Tells the producer when the thread dies of a panic.
struct Guard {
    shared: Arc<Shared>,
    copy: CopyNumber,
    over: bool,
}

impl Guard {
    fn done(mut self) {
        self.over = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.over {
            self.shared.died(self.copy, "its thread failed");
        }
    }
}
