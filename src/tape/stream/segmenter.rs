//! The producer's side: a tar stream in, segments out.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::Sender;

use super::blame::Blame;
use super::event::{SegmentClosed, StreamEvent};
use super::fan_out::{FanOut, LaneItem, SegmentEnd};
use super::flow::{FlowWatch, Stopwatch, Turns};
use super::geometry::{Geometry, StreamOptions};
use super::index_part::IndexPart;
use super::lane::{Lane, LaneEnd, LaneState};
use super::member_sink::Part;
use super::ring::{RingSize, ring};
use super::rings::{Idleness, Rings};
use super::shared::{Shared, StopFlag};
use super::supply::VolumeSupply;
use crate::archive::member::{
    Faith, IndexEntry, MemberAddress, MemberStart, MemberState, PartialMember, ResumePoint,
    SegmentNumber, SinkError, StreamPhase,
};
use crate::buffer::Stretch;
use crate::clock::SharedClock;
use crate::id::CopyNumber;
use crate::tape::codec::{Codec, CodecError, Encoder};
use crate::tape::document::{PartDocument, SetFacts};
use crate::tape::layout::FileKind;
use crate::tape::volume::{FileStart, VolumeWriter};

/// What a stream starts from.
pub struct SegmenterStart {
    /// The set.
    pub set: SetFacts,
    /// Block sizes, codec and recipients.
    pub options: StreamOptions,
    /// The sizes, for the smallest cartridge the supply may give.
    pub geometry: Geometry,
    /// Where the stream goes on; the default is a new stream.
    pub resume: ResumePoint,
    /// Number of the first segment to be written: one more than that of the resume point's.
    pub first_segment: SegmentNumber,
    /// A volume for each copy.
    pub lanes: Vec<(CopyNumber, VolumeWriter)>,
    /// Gives further volumes.
    pub supply: Arc<dyn VolumeSupply>,
    /// Takes the events. Lanes never wait for it: it must be unbounded, or somebody else must
    /// receive than the thread that writes to the segmenter.
    pub events: Sender<StreamEvent>,
    /// Asks for a stop at a safe point.
    pub stop: StopFlag,
    /// Tells how long lanes wait for each other.
    pub clock: SharedClock,
    /// How long a lane may stand still, or wait for its next volume, while another could go on.
    /// Then it is left behind, to be completed from tape to tape.
    pub patience: Duration,
}

impl std::fmt::Debug for SegmenterStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmenterStart")
            .field("set", &self.set)
            .field("geometry", &self.geometry)
            .field("first_segment", &self.first_segment)
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}

/// Cuts a tar stream into segments and has them written to every copy.
pub struct Segmenter {
    set: SetFacts,
    options: StreamOptions,
    geometry: Geometry,
    events: Sender<StreamEvent>,
    stop: StopFlag,
    shared: Arc<Shared>,
    threads: Vec<(CopyNumber, JoinHandle<LaneEnd>)>,
    output: Output,
    /// Number of the open segment, or of the next.
    segment: SegmentNumber,
    /// The stream so far; `partial` is the member being written.
    pub(super) stream: ResumePoint,
    turns: Turns,
}

/// The rings are either idle or in use by the open segment's encoder.
enum Output {
    Idle(FanOut),
    Open(Box<OpenSegment>),
    /// An error ended the stream; the rings are closed.
    Closed,
}

struct OpenSegment {
    encoder: Encoder<FanOut>,
    index: IndexPart,
    stream_offset: u64,
}

impl std::fmt::Debug for Segmenter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segmenter")
            .field("set", &self.set.set)
            .field("segment", &self.segment)
            .field("stream_offset", &self.stream.stream_offset)
            .finish_non_exhaustive()
    }
}

fn encoding(error: CodecError) -> SinkError {
    SinkError::Encode(match error {
        CodecError::Io(error) => error,
        other => io::Error::other(other),
    })
}

impl Segmenter {
    /// Starts a thread for each copy.
    pub fn start(start: SegmenterStart) -> Result<Self, SinkError> {
        let shared = Shared::new(start.lanes.iter().map(|(copy, _)| *copy));
        let idleness = Idleness::new(Arc::clone(&start.clock));
        let size = RingSize {
            blocks: start.geometry.ring_blocks,
            high_water: start.geometry.high_water.min(start.geometry.ring_blocks),
        };
        let mut senders = Vec::new();
        let mut threads = Vec::new();
        for (copy, writer) in start.lanes {
            let starved = Arc::new(Stopwatch::new(Arc::clone(&start.clock)));
            let (sender, items) = ring(size, Arc::clone(&starved));
            let lane = Lane {
                copy,
                items,
                starved,
                written: Cell::new(0),
                shared: Arc::clone(&shared),
                idleness: Arc::clone(&idleness),
                events: start.events.clone(),
                supply: Arc::clone(&start.supply),
            };
            let thread = std::thread::Builder::new()
                .name(format!("copy {copy}"))
                .spawn(move || lane.run(writer))
                .map_err(SinkError::Encode)?;
            senders.push((copy, sender));
            threads.push((copy, thread));
        }
        let rings = Rings::new(
            senders,
            idleness,
            start.patience,
            Arc::clone(&shared),
            start.events.clone(),
        );
        let flow = FlowWatch::new(start.clock, rings.waiting());
        Ok(Self {
            turns: Turns::new(flow),
            output: Output::Idle(FanOut::new(rings, start.options.blocks.largest)),
            set: start.set,
            options: start.options,
            geometry: start.geometry,
            events: start.events,
            stop: start.stop,
            shared,
            threads,
            segment: start.first_segment,
            stream: start.resume,
        })
    }

    /// Number of the segment being written, or of the next.
    #[must_use]
    pub fn segment(&self) -> SegmentNumber {
        self.segment
    }

    /// Tells what holds the stream up.
    #[must_use]
    pub fn flow(&self) -> FlowWatch {
        self.turns.flow().clone()
    }

    /// Does something for the producer and measures how long it takes. From the beginning of a
    /// small member to its end counts as one: asking for the time costs as much as taking it.
    pub(super) fn timed<T>(&mut self, part: Part, work: impl FnOnce(&mut Self) -> T) -> T {
        self.turns.begin();
        let done = work(self);
        if part == Part::Last {
            self.turns.end();
        }
        done
    }

    /// Bytes of tar stream taken so far, those of earlier sessions included.
    #[must_use]
    pub fn stream_offset(&self) -> u64 {
        self.stream.stream_offset
    }

    /// Closes the open segment, if there is one, and waits until every lane has it on tape, has
    /// lost it or is left behind. All events of the segments so far have been sent then.
    pub fn close(&mut self) -> Result<(), SinkError> {
        self.close_segment()?;
        let Output::Idle(fan_out) = &mut self.output else {
            return Err(ended());
        };
        fan_out
            .wait_decided()
            .inspect_err(|_| self.output = Output::Closed)
    }

    /// When the source will give nothing for a long time: closes the open segment, waits until it is
    /// on tape, and lets the lanes give their drives away until there is more to write
    /// ([`VolumeSupply::give_way`]).
    pub fn pause(&mut self) -> Result<(), SinkError> {
        self.close()?;
        if let Output::Idle(fan_out) = &mut self.output {
            fan_out.send(&LaneItem::Pause);
        }
        Ok(())
    }

    /// After [`Segmenter::close`]: writes the set's index to every copy with room for it,
    /// encrypted as the segments are.
    pub fn write_set_index(&mut self, index: &mut dyn Read, length: u64) -> Result<(), SinkError> {
        self.close_segment()?;
        let Output::Idle(mut fan_out) = std::mem::replace(&mut self.output, Output::Closed) else {
            return Err(ended());
        };
        let codec = self.options.codec.for_index();
        // Encryption adds 16 bytes to every 64 KiB, and a header.
        let bound = length + length / 4096 + (16 << 10);
        let start = self.file_start(FileKind::SetIndex, None, codec);
        fan_out.send(&LaneItem::IndexBegin(Arc::new(start), bound));
        let frame_size = self.geometry.frame_size;
        let window = self.geometry.window;
        let mut encoder =
            Encoder::new(codec, &self.options.recipients, frame_size, window, fan_out)
                .map_err(encoding)?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = index.read(&mut buffer).map_err(SinkError::Encode)?;
            if read == 0 {
                break;
            }
            encoder.write(&buffer[..read]).map_err(encoding)?;
        }
        let mut fan_out = encoder.finish().map_err(encoding)?.output;
        let sent = fan_out.end_of_file();
        fan_out.send(&LaneItem::IndexEnd(sent));
        self.output = Output::Idle(fan_out);
        Ok(())
    }

    /// Ends the stream: every lane writes its volume's directory. Returns what is left of each.
    ///
    /// # Errors
    /// As [`Segmenter::close`]; then use [`Segmenter::abandon`] to get at the lanes.
    pub fn finish(mut self) -> Result<Vec<LaneEnd>, Box<(SinkError, Vec<LaneEnd>)>> {
        match self.close() {
            Ok(()) => Ok(self.abandon()),
            Err(error) => Err(Box::new((error, self.abandon()))),
        }
    }

    /// Ends the stream as it is: the open segment is given up, what was committed stays. Every
    /// lane writes its volume's directory. Returns what is left of each.
    pub fn abandon(mut self) -> Vec<LaneEnd> {
        self.output = Output::Closed;
        std::mem::take(&mut self.threads)
            .into_iter()
            .map(|(copy, thread)| {
                thread.join().unwrap_or_else(|_| LaneEnd {
                    copy,
                    state: LaneState::Dead {
                        drive: None,
                        blame: Blame::Other,
                        why: "its thread failed".to_owned(),
                    },
                })
            })
            .collect()
    }

    fn file_start(
        &self,
        kind: FileKind,
        segment: Option<SegmentNumber>,
        codec: Codec,
    ) -> FileStart {
        FileStart {
            kind,
            set: Some(self.set.set),
            segment,
            codec,
            expires: self.set.retain_until,
        }
    }

    /// The stream cannot go on after an error: closes the rings, so that the lanes end.
    fn guard(
        &mut self,
        check: impl FnOnce(&Shared) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        check(&self.shared).inspect_err(|_| self.output = Output::Closed)
    }

    /// The open segment; opens one if there is none.
    fn open(&mut self) -> Result<&mut OpenSegment, SinkError> {
        if let Output::Idle(_) = self.output {
            let Output::Idle(mut fan_out) = std::mem::replace(&mut self.output, Output::Closed)
            else {
                return Err(ended());
            };
            let codec = self.options.codec;
            let start = self.file_start(FileKind::Segment, Some(self.segment), codec);
            fan_out.let_in();
            self.shared.open_segment(self.segment);
            fan_out.send(&LaneItem::SegmentBegin(self.segment, Arc::new(start)));
            let recipients = &self.options.recipients;
            let frame_size = self.geometry.frame_size;
            let window = self.geometry.window;
            let index = IndexPart::new(self.set.set, self.segment)
                .map_err(|error| SinkError::Encode(io::Error::other(error)))?;
            self.output = Output::Open(Box::new(OpenSegment {
                encoder: Encoder::new(codec, recipients, frame_size, window, fan_out)
                    .map_err(encoding)?,
                index,
                stream_offset: self.stream.stream_offset,
            }));
        }
        match &mut self.output {
            Output::Open(open) => Ok(open),
            _ => Err(ended()),
        }
    }

    /// Whether the open segment must not take more.
    fn must_close(&mut self) -> Result<bool, SinkError> {
        let Output::Open(open) = &mut self.output else {
            return Ok(false);
        };
        let limit = self.geometry.segment_limit;
        // Near the end it matters how much frames shrink that are still being compressed.
        if open
            .encoder
            .coded_bound(self.geometry.frame_size.bytes() as u64)
            > limit
        {
            open.encoder.settle().map_err(encoding)?;
        }
        Ok(open.encoder.plaintext_length() > 0
            && (self.shared.close_requested(self.segment)
                || open.encoder.coded_bound(1) > limit
                || open.index.is_full(&self.geometry)))
    }

    /// How much of `wanted` bytes the open segment takes in one go: up to the end of a frame,
    /// or what is sure to fit.
    fn piece(&self, wanted: usize) -> usize {
        let frame = self.geometry.frame_size.bytes();
        let mut piece = wanted.min(frame);
        let Output::Open(open) = &self.output else {
            return piece;
        };
        while piece > 1 && open.encoder.coded_bound(piece as u64) > self.geometry.segment_limit {
            piece /= 2;
        }
        piece
    }

    fn close_segment(&mut self) -> Result<(), SinkError> {
        self.guard(Shared::check)?;
        let open = match std::mem::replace(&mut self.output, Output::Closed) {
            Output::Open(open) => *open,
            idle @ Output::Idle(_) => {
                self.output = idle;
                return Ok(());
            }
            Output::Closed => return Err(ended()),
        };
        let encoded = open.encoder.finish().map_err(encoding)?;
        let mut fan_out = encoded.output;
        let sent = fan_out.end_of_file();
        let codec = self.options.codec;
        let index = open
            .index
            .finish(
                encoded.frames.as_ref(),
                codec,
                &self.options.recipients,
                &self.geometry,
            )
            .map_err(encoding)?;
        let facts = PartDocument {
            set: self.set.clone(),
            segment: self.segment,
            codec,
            frame_size: encoded.frames.as_ref().map(|frames| frames.frame_size),
            stream_offset: open.stream_offset,
            plaintext_length: encoded.plaintext_length,
            length: sent.length,
            xxh3_128: sent.digest,
            members: index.members,
            index: index.facts,
        };
        let part = facts
            .to_bytes()
            .map_err(|error| SinkError::Encode(io::Error::other(error)))?;
        let end = SegmentEnd {
            facts: facts.clone(),
            part,
            part_start: self.file_start(FileKind::PartDescription, Some(self.segment), Codec::None),
            index: index.coded,
            index_start: self.file_start(
                FileKind::IndexPart,
                Some(self.segment),
                codec.for_index(),
            ),
        };
        // Nobody listening is the caller's choice.
        let _ = self
            .events
            .send(StreamEvent::SegmentClosed(Box::new(SegmentClosed {
                facts,
                resume: self.resume_point(),
                index_part: Arc::new(index.plaintext),
            })));
        fan_out.send(&LaneItem::SegmentEnd(Arc::new(end)));
        self.output = Output::Idle(fan_out);
        self.segment.0 += 1;
        Ok(())
    }

    fn resume_point(&self) -> ResumePoint {
        let mut resume = self.stream.clone();
        // A member that was announced and has no byte in the stream yet is not in it.
        resume.partial = resume.partial.filter(|partial| partial.written > 0);
        resume
    }

    /// Before anything more is taken: stops if asked to, closes a segment that is full.
    fn settle(&mut self) -> Result<(), SinkError> {
        self.guard(Shared::check)?;
        if self.stop.is_set() {
            self.close()?;
            self.output = Output::Closed;
            return Err(SinkError::Interrupted);
        }
        if self.must_close()? {
            self.close_segment()?;
        }
        Ok(())
    }

    /// How many of the `wanted` bytes the open segment takes next; opens or closes one first
    /// where that is due.
    fn next_piece(&mut self, wanted: usize) -> Result<usize, SinkError> {
        // Once announced, a member's first byte stays where it was said to be.
        let partial = self.stream.partial.as_ref();
        if partial.is_none_or(|partial| partial.written > 0) {
            self.settle()?;
        }
        self.open()?;
        Ok(self.piece(wanted))
    }

    pub(super) fn break_faith_of_partial(&mut self) {
        if let Some(partial) = &mut self.stream.partial {
            partial.faith = Faith::Broken;
        }
    }

    /// These bytes are in the stream.
    fn count(&mut self, bytes: usize) {
        self.stream.stream_offset += bytes as u64;
        match &mut self.stream.partial {
            Some(partial) => partial.written += bytes as u64,
            None => self.stream.phase = StreamPhase::Ending,
        }
    }
}

/// What the [`crate::archive::member::MemberSink`] does.
impl Segmenter {
    pub(super) fn take_start(&mut self, start: &MemberStart) -> Result<MemberAddress, SinkError> {
        self.settle()?;
        let offset = match &self.output {
            Output::Open(open) => open.encoder.plaintext_length(),
            _ => 0,
        };
        let address = MemberAddress {
            segment: self.segment,
            offset,
        };
        self.stream.partial = Some(PartialMember {
            start: start.clone(),
            address,
            written: 0,
            faith: Faith::Kept,
        });
        Ok(address)
    }

    pub(super) fn take_bytes(&mut self, mut bytes: &[u8]) -> Result<(), SinkError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(self.next_piece(bytes.len())?);
            self.open()?.encoder.write(now).map_err(encoding)?;
            self.count(now.len());
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn take_shared(&mut self, mut bytes: Bytes) -> Result<(), SinkError> {
        while !bytes.is_empty() {
            let now = bytes.split_to(self.next_piece(bytes.len())?);
            let length = now.len();
            self.open()?.encoder.write_shared(now).map_err(encoding)?;
            self.count(length);
        }
        Ok(())
    }

    pub(super) fn take_stretch(&mut self, mut stretch: Stretch) -> Result<(), SinkError> {
        while !stretch.is_empty() {
            let now = stretch.split_to(self.next_piece(stretch.len())?);
            let length = now.len();
            self.open()?.encoder.write_stretch(now).map_err(encoding)?;
            self.count(length);
        }
        Ok(())
    }

    pub(super) fn take_end(&mut self, entry: IndexEntry) -> Result<(), SinkError> {
        self.stream.partial = None;
        let pushed = self.open()?.index.push(&entry);
        // Of a superseded member a whole copy follows; until then its path is not done.
        if entry.state != MemberState::Superseded {
            self.stream.last_path = Some(entry.path);
        }
        pushed.map_err(|error| SinkError::Encode(io::Error::other(error)))
    }
}

fn ended() -> SinkError {
    SinkError::Encode(io::Error::other("the stream has ended"))
}
