//! A folder that gives nothing for long: no drive waits for it, and nothing of it is lost.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_transports.rs"]
mod transports;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use rstest::rstest;
use support::{MIB, Room, Shelf, Stream, finish, joined};
use tapeward::archive::links::NothingEarlier;
use tapeward::archive::member::{
    IndexEntry, MemberAddress, MemberSink, MemberStart, ResumePoint, SinkError,
};
use tapeward::archive::scan::{MountBoundary, SourceTree};
use tapeward::archive::writer::{
    FileReader, Patience, PlainFiles, Summary, TreeWriter, write_tree,
};
use tapeward::clock::{Clock as _, ManualClock};
use tapeward::id::CopyNumber;
use tapeward::tape::codec::Codec;
use tapeward::tape::stream::{Awaited, FinishedVolume, Leave, SupplyError, VolumeSupply};
use tapeward::tape::volume::VolumeWriter;

const CAPACITY: u64 = 64 * MIB;
const MINUTE: Duration = Duration::from_secs(60);

/// Lets drives go until there is something to write again.
struct Giving {
    shelf: Arc<Shelf>,
    given: Mutex<Vec<Leave>>,
    looks: AtomicU64,
}

impl VolumeSupply for Giving {
    fn next(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
    ) -> Result<VolumeWriter, SupplyError> {
        self.shelf.next(copy, finished)
    }

    fn give_way(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
        why: Leave,
        awaited: &dyn Fn() -> Awaited,
    ) -> Result<Option<VolumeWriter>, SupplyError> {
        self.given.lock().unwrap().push(why);
        while awaited() == Awaited::Later {
            self.looks.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
        }
        match awaited() {
            Awaited::Never => Ok(None),
            _ => self.shelf.next(copy, finished).map(Some),
        }
    }
}

/// A share that hangs once where a file of this size is read from here on, for so long or until no
/// drive waits any more.
struct Hanging {
    size: u64,
    at: u64,
    long: Duration,
    clock: Arc<ManualClock>,
    giving: Arc<Giving>,
    hung: AtomicBool,
}

impl FileReader for Hanging {
    fn read_at(&self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let is_there = file.metadata()?.len() == self.size && offset >= self.at;
        if is_there && !self.hung.swap(true, Ordering::SeqCst) {
            self.clock.pause(Duration::from_secs(1));
            while self.long >= MINUTE && self.giving.looks.load(Ordering::SeqCst) < 100 {
                // The writer begins to wait at some time.
                self.clock.pause(self.long);
                std::thread::yield_now();
            }
        }
        PlainFiles.read_at(file, offset, buffer)
    }
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl MemberSink for Bytes {
    fn begin(&mut self, start: &MemberStart) -> Result<MemberAddress, SinkError> {
        Ok(start.entry.address)
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn end(&mut self, _: IndexEntry) -> Result<(), SinkError> {
        Ok(())
    }
}

fn tree(folder: &Path) -> SourceTree {
    SourceTree::open(folder, MountBoundary::Stay).unwrap()
}

/// As tar, without tapes.
fn plain(folder: &Path) -> Vec<u8> {
    let mut bytes = Bytes::default();
    write_tree(
        &tree(folder),
        &ResumePoint::default(),
        &NothingEarlier,
        &mut bytes,
        &mut |problem| panic!("{problem:?}"),
        &mut |_| {},
    )
    .unwrap();
    bytes.0
}

/// Small files, and one of `size` bytes behind a hole.
fn make_source(folder: &Path, size: u64, hole: u64) {
    for number in 0..20 {
        std::fs::write(folder.join(format!("a{number:02}")), vec![number; 30_000]).unwrap();
    }
    let content: Vec<u8> = (0..size).map(|at| (at / 1000).to_le_bytes()[0]).collect();
    let file = File::create(folder.join("b")).unwrap();
    file.write_all_at(&content, hole).unwrap();
    std::fs::write(folder.join("c"), b"after it").unwrap();
}

/// In the middle of a large file, of one with holes, and in a small one; a short time is nothing.
#[rstest]
#[case::large(3_000_000, 0, 2_000_000, 60, 1)]
#[case::sparse(3_000_000, MIB, 2_000_000, 60, 1)]
#[case::small(70_000, 0, 0, 60, 1)]
#[case::not_for_long(3_000_000, 0, 2_000_000, 1, 0)]
fn a_tree_that_gives_nothing_keeps_no_drive(
    #[case] size: u64,
    #[case] hole: u64,
    #[case] at: u64,
    #[case] seconds: u64,
    #[case] given: usize,
) {
    let source = tempfile::tempdir().unwrap();
    make_source(source.path(), size, hole);
    let barcodes = ["AAA001L8", "AAA002L8"];
    let room = Room::with(&barcodes, CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &barcodes)]);
    let giving = Arc::new(Giving {
        shelf: Arc::clone(&shelf),
        given: Mutex::default(),
        looks: AtomicU64::new(0),
    });
    let lanes = vec![(1, shelf.first(1))];
    let mut segmenter = stream.start(lanes, Arc::clone(&giving) as _);
    let clock = ManualClock::shared(DateTime::UNIX_EPOCH);
    let summary: Summary = TreeWriter {
        source: &tree(source.path()),
        earlier: &NothingEarlier,
        files: &Hanging {
            size: size + hole,
            at,
            long: Duration::from_secs(seconds),
            clock: Arc::clone(&clock),
            giving: Arc::clone(&giving),
            hung: AtomicBool::new(false),
        },
        patience: Some(&Patience {
            clock,
            longest: MINUTE,
        }),
        sink: &mut segmenter,
        problems: &mut |problem| panic!("{problem:?}"),
        progress: &mut |_| {},
    }
    .run(&ResumePoint::default())
    .unwrap();
    let intact = (summary.files, summary.changed, summary.superseded);
    assert_eq!(intact, (22, 0, 0));
    drop(finish(segmenter));
    assert_eq!(*giving.given.lock().unwrap(), vec![Leave::Paused; given]);

    let outcome = stream.outcome();
    assert_eq!(outcome.segments_of(1).len(), outcome.closed.len());
    let mut bytes = Vec::new();
    let mut volumes: Vec<_> = outcome.committed.iter().map(|(_, _, it, _)| *it).collect();
    volumes.dedup();
    // The small one is read with those before it: nothing was written when it hung.
    let first = given + 1 - volumes.len();
    assert_eq!(first, usize::from(at == 0));
    room.unload(barcodes[given]);
    for (volume, barcode) in volumes.into_iter().zip(&barcodes[first..]) {
        drop(room.load(barcode, 0));
        let mut reader = room.reader(0, volume);
        bytes.extend(joined(&mut reader, &outcome, volume, Codec::None, &stream));
        drop(reader);
        room.unload(barcode);
    }
    assert!(bytes == plain(source.path()));
}
