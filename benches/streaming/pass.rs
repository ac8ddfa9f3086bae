//! One measured stream in a process of its own, so that its memory and processor time are its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tapeward::archive::links::NothingEarlier;
use tapeward::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberSink, MemberStart, MemberState,
    ResumePoint, SegmentNumber, SetForm, SourceIdentity,
};
use tapeward::archive::scan::{MountBoundary, SourceTree};
use tapeward::archive::writer::write_tree;
use tapeward::clock::{SharedClock, SystemClock};
use tapeward::files::write_atomically;
use tapeward::id::{CopyNumber, RunId, SetDefinitionId, SetId, VolumeId, VolumeSerial};
use tapeward::key::Recipient;
use tapeward::tape::codec::Codec;
use tapeward::tape::document::{SetFacts, VolumeHeader};
use tapeward::tape::layout::{BlockSize, BlockSizes};
use tapeward::tape::stream::{
    Feeding, FinishedVolume, Geometry, LaneEvent, Segmenter, SegmenterStart, StopFlag, StreamEvent,
    StreamOptions, SupplyError, VolumeSupply,
};
use tapeward::tape::volume::{DriveCompression, LabelPolicy, VolumeWriter, WriterSettings};

use super::Failure;
use super::drives::{KeepsNothing, Pace};

/// Native capacity of an LTO-9 cartridge.
const CAPACITY: u64 = 18_000_000_000_000;

/// What a pass is asked for on its command line, after `--pass`.
pub struct Order {
    pub source: Source,
    pub codec: Codec,
    pub copies: u8,
    pub paced: bool,
    /// Public key; needed when the codec encrypts.
    pub recipient: String,
    /// For index parts.
    pub folder: PathBuf,
}

/// Where the data comes from.
pub enum Source {
    Tree(PathBuf),
    /// This many small files, made up behind the scanner.
    Members(u64),
    /// One file, made up, that comes with stops.
    Stalling {
        /// Seconds in all.
        seconds: u64,
        /// Bytes a second while it comes.
        rate: u64,
        /// Of every ten seconds, how many nothing comes.
        stall: u64,
    },
}

/// What a pass found out about itself.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Peak memory in KiB.
    pub memory: u64,
    /// Of the emulated drive, if there was one.
    pub stops: u64,
    /// Times the ring ran empty within a file.
    pub ring_stops: u64,
    pub stream: u64,
    pub slowest: String,
}

struct NoMore;

impl VolumeSupply for NoMore {
    fn next(&self, _: CopyNumber, _: FinishedVolume) -> Result<VolumeWriter, SupplyError> {
        Err(SupplyError {
            why: "one volume has to do".to_owned(),
        })
    }
}

pub fn run(order: &Order) -> Result<Found, Failure> {
    let clock = SystemClock::shared();
    let now = clock.now();
    let options = StreamOptions {
        blocks: BlockSizes::all(BlockSize::DEFAULT),
        segment_size: 32 << 30,
        ring_size: 1 << 30,
        codec: order.codec,
        recipients: if order.codec.is_age() {
            vec![order.recipient.parse::<Recipient>()?]
        } else {
            Vec::new()
        },
    };
    let mut geometry = Geometry::new(&options, CAPACITY);
    if !order.paced {
        // A drive that never stops needs no run-up.
        geometry.high_water = 1;
    }
    let stops = Arc::new(AtomicU64::new(0));
    let lanes = (1..=order.copies)
        .map(|copy| {
            let pace = order.paced.then(|| Pace::lto9(Arc::clone(&stops)));
            let writer = label(KeepsNothing::new(pace), copy, geometry, &clock)?;
            Ok((CopyNumber(copy), writer))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let (sender, events) = crossbeam_channel::unbounded();
    let mut segmenter = Segmenter::start(SegmenterStart {
        set: SetFacts {
            set: SetId::generate(now),
            definition: SetDefinitionId::generate(now),
            run: RunId::generate(now),
            created: now,
            retain_until: None,
            keys: Vec::new(),
            form: SetForm::Tree,
        },
        options,
        geometry,
        resume: ResumePoint::default(),
        first_segment: SegmentNumber(0),
        lanes,
        supply: Arc::new(NoMore),
        events: sender,
        stop: StopFlag::new(),
        clock: Arc::clone(&clock),
        patience: Duration::from_secs(600),
    })?;
    let flow = segmenter.flow();
    let folder = order.folder.clone();
    let recorder = std::thread::spawn(move || {
        let mut fed = Feeding::default();
        for event in events {
            match event {
                StreamEvent::SegmentClosed(closed) => {
                    let name = format!("part-{}", closed.facts.segment.0);
                    let _ = write_atomically(&folder.join(name), &closed.index_part);
                }
                StreamEvent::Lane {
                    event: LaneEvent::Fed(feeding),
                    ..
                } => fed = feeding,
                StreamEvent::Lane { .. } => {}
            }
        }
        fed
    });
    match &order.source {
        Source::Tree(folder) => write_folder(folder, &mut segmenter)?,
        Source::Members(count) => made_up(*count, &mut segmenter)?,
        Source::Stalling {
            seconds,
            rate,
            stall,
        } => stalling(*seconds, *rate, *stall, &mut segmenter)?,
    }
    segmenter.close()?;
    let stream = segmenter.stream_offset();
    segmenter.finish().map_err(|failed| failed.0)?;
    let fed = recorder.join().map_err(|_| "recording failed")?;
    Ok(Found {
        memory: peak_memory()?,
        stops: stops.load(Ordering::Relaxed),
        ring_stops: fed.stops,
        stream,
        slowest: flow
            .read()
            .slowest()
            .map(|(stage, share)| format!("{stage} {share} %"))
            .unwrap_or_default(),
    })
}

fn label(
    drive: KeepsNothing,
    copy: u8,
    geometry: Geometry,
    clock: &SharedClock,
) -> Result<VolumeWriter, Failure> {
    let serial: VolumeSerial = format!("BENCH{copy}").parse()?;
    let header = VolumeHeader {
        volume: VolumeId::generate(clock.now()),
        serial,
        barcode: None,
        block_size: geometry.blocks.largest,
        native_capacity: CAPACITY,
        labelled: clock.now(),
        retain_until: None,
    };
    let settings = WriterSettings {
        clock: Arc::clone(clock),
        geometry,
        compression: DriveCompression::Off,
    };
    Ok(VolumeWriter::label_new(
        Box::new(drive),
        header,
        LabelPolicy::BlankOnly,
        settings,
    )?)
}

fn write_folder(folder: &Path, segmenter: &mut Segmenter) -> Result<(), Failure> {
    let tree = SourceTree::open(folder, MountBoundary::Cross)?;
    let mut problems = 0;
    write_tree(
        &tree,
        &ResumePoint::default(),
        &NothingEarlier,
        segmenter,
        &mut |_| problems += 1,
        &mut |_| {},
    )?;
    if problems > 0 {
        return Err(format!("{problems} problems with {}", folder.display()).into());
    }
    Ok(())
}

fn member(path: String, size: u64) -> MemberStart {
    let length = 512 + size.next_multiple_of(512);
    let path = path.into_bytes();
    MemberStart {
        path: path.clone(),
        kind: MemberKind::File,
        length,
        header_length: 512,
        headers: vec![0; 512].into(),
        source: SourceIdentity {
            device: 1,
            inode: 1,
            size,
            modified: TIME,
            changed: TIME,
        },
        entry: IndexEntry {
            path,
            kind: MemberKind::File,
            size,
            modified: TIME,
            mode: 0o644,
            uid: 1000,
            gid: 1000,
            address: MemberAddress {
                segment: SegmentNumber(0),
                offset: 0,
            },
            length,
            digest: None,
            link: None,
            state: MemberState::Intact,
        },
    }
}

const TIME: FileTime = FileTime {
    seconds: 1_700_000_000,
    nanos: 5,
};

fn made_up(count: u64, segmenter: &mut Segmenter) -> Result<(), Failure> {
    let data = [7; 512];
    for number in 0..count {
        let folder = number / 1000;
        let start = member(format!("folder-{folder:07}/file-{number:09}"), 512);
        let mut entry = start.entry.clone();
        entry.address = segmenter.begin(&start)?;
        segmenter.write(&start.headers)?;
        segmenter.write(&data)?;
        entry.digest = Some(*blake3::hash(&number.to_le_bytes()).as_bytes());
        segmenter.end(entry)?;
    }
    Ok(())
}

fn stalling(seconds: u64, rate: u64, stall: u64, segmenter: &mut Segmenter) -> Result<(), Failure> {
    let piece = Bytes::from(vec![0x5a; 1 << 20]);
    // It comes for 10 s less the stall, then stalls.
    let pieces = seconds * rate * (10 - stall) / 10 / piece.len() as u64;
    let size = pieces * piece.len() as u64;
    let start = member("stream".to_owned(), size);
    let mut entry = start.entry.clone();
    entry.address = segmenter.begin(&start)?;
    segmenter.write(&start.headers)?;
    let begun = Instant::now();
    for number in 0..pieces {
        let busy = (number * piece.len() as u64) as f64 / rate as f64;
        let cycles = (busy / (10 - stall) as f64).floor();
        let due = Duration::from_secs_f64(busy + cycles * stall as f64);
        let early = due.saturating_sub(begun.elapsed());
        std::thread::sleep(early);
        segmenter.write_shared(piece.clone())?;
    }
    segmenter.end(entry)?;
    Ok(())
}

fn peak_memory() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmHWM")?.parse()?)
}
