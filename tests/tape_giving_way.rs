//! A lane that lets others have its drive between two segments, and has it again later.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_members.rs"]
mod members;
#[path = "support/tape_transports.rs"]
mod transports;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use members::{stream_bytes, write_members};
use support::{MIB, Room, Shelf, Stream, finish, joined};
use tapeward::archive::member::SegmentNumber;
use tapeward::id::CopyNumber;
use tapeward::tape::codec::Codec;
use tapeward::tape::stream::{
    Awaited, FinishReason, FinishedVolume, LaneState, Leave, SupplyError, VolumeSupply,
};
use tapeward::tape::volume::VolumeWriter;

const CAPACITY: u64 = 64 * MIB;
const MEMBER: u64 = 100_000;

/// Somebody wants a copy's drive once, until told otherwise.
struct Giving {
    shelf: Arc<Shelf>,
    wanted: Mutex<Option<CopyNumber>>,
    is_free: AtomicBool,
    given: Mutex<Vec<(CopyNumber, Leave, FinishReason)>>,
    looks: AtomicU64,
}

impl Giving {
    fn of(shelf: &Arc<Shelf>) -> Arc<Self> {
        Arc::new(Self {
            shelf: Arc::clone(shelf),
            wanted: Mutex::new(None),
            is_free: AtomicBool::new(false),
            given: Mutex::new(Vec::new()),
            looks: AtomicU64::new(0),
        })
    }

    fn want(&self, copy: u8) {
        *self.wanted.lock().unwrap() = Some(CopyNumber(copy));
    }

    fn given(&self) -> usize {
        self.given.lock().unwrap().len()
    }
}

impl VolumeSupply for Giving {
    fn next(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
    ) -> Result<VolumeWriter, SupplyError> {
        self.shelf.next(copy, finished)
    }

    fn is_wanted(&self, copy: CopyNumber) -> bool {
        self.wanted
            .lock()
            .unwrap()
            .take_if(|it| *it == copy)
            .is_some()
    }

    fn give_way(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
        why: Leave,
        awaited: &dyn Fn() -> Awaited,
    ) -> Result<Option<VolumeWriter>, SupplyError> {
        let given = (copy, why, finished.reason.clone());
        self.given.lock().unwrap().push(given);
        loop {
            match (awaited(), why) {
                (Awaited::Never, _) => return Ok(None),
                (Awaited::Now, Leave::Paused) => break,
                (_, Leave::Wanted) if self.is_free.load(Ordering::SeqCst) => break,
                _ => {}
            }
            self.looks.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
        }
        self.shelf.next(copy, finished).map(Some)
    }
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn the_others_go_on_and_it_comes_back_with_the_next_segment() {
    let room = Room::with(&["AAA001L8", "BBB001L8", "BBB002L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let blanks: &[(u8, &[_])] = &[(1, &["AAA001L8"]), (2, &["BBB001L8", "BBB002L8"])];
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, blanks);
    let lanes = vec![(1, shelf.first(1)), (2, shelf.first(2))];
    let giving = Giving::of(&shelf);
    let mut segmenter = stream.start(lanes, Arc::clone(&giving) as _);
    write_members(&mut segmenter, 0..25, MEMBER).unwrap();
    giving.want(2);
    write_members(&mut segmenter, 25..80, MEMBER).unwrap();
    wait_until(|| giving.given() == 1);
    write_members(&mut segmenter, 80..120, MEMBER).unwrap();
    segmenter.close().unwrap();
    let before = segmenter.segment();
    giving.is_free.store(true, Ordering::SeqCst);
    // It comes back between two segments: one of the next ones has it.
    let mut opened = 0;
    let mut number = 120;
    while opened == 0 {
        write_members(&mut segmenter, number..number + 12, MEMBER).unwrap();
        segmenter.close().unwrap();
        number += 12;
        opened = shelf
            .in_drive
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, it)| it == "BBB002L8")
            .count();
    }
    write_members(&mut segmenter, number..number + 40, MEMBER).unwrap();
    let ends = finish(segmenter);
    let volume = match &ends[0].state {
        LaneState::Open(writer) => writer.volume(),
        other => panic!("{other:?}"),
    };
    drop(ends);
    let outcome = stream.outcome();
    assert!(outcome.left_behind.is_empty() && outcome.dead.is_empty() && outcome.lost.is_empty());
    assert_eq!(outcome.segments_of(1).len(), outcome.closed.len());
    let second = outcome.segments_of(2);
    assert!(
        second.iter().any(|segment| *segment >= before),
        "{second:?}"
    );
    assert!(!second.contains(&SegmentNumber(before.0 - 1)), "{second:?}");
    assert_eq!(second.first(), Some(&SegmentNumber(0)));
    let given = giving.given.lock().unwrap().clone();
    assert_eq!(
        given,
        [(CopyNumber(2), Leave::Wanted, FinishReason::GivenWay)]
    );
    // The volume it let go of ends with a directory.
    assert!(
        outcome
            .finished
            .iter()
            .any(|(copy, _, directory)| *copy == 2 && *directory)
    );

    let mut reader = room.reader(0, volume);
    let bytes = joined(&mut reader, &outcome, volume, Codec::None, &stream);
    assert!(bytes == stream_bytes(0..number + 40, MEMBER));
}

#[test]
fn the_last_one_keeps_the_stream_waiting_and_loses_nothing() {
    let room = Room::with(&["AAA001L8", "AAA002L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let blanks: &[(u8, &[_])] = &[(1, &["AAA001L8", "AAA002L8"])];
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, blanks);
    let giving = Giving::of(&shelf);
    let lanes = vec![(1, shelf.first(1))];
    let mut segmenter = stream.start(lanes, Arc::clone(&giving) as _);
    giving.want(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until(|| giving.given() == 1 && giving.looks.load(Ordering::SeqCst) > 100);
            giving.is_free.store(true, Ordering::SeqCst);
        });
        write_members(&mut segmenter, 0..100, MEMBER).unwrap();
        segmenter.close().unwrap();
    });
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert_eq!(outcome.segments_of(1).len(), outcome.closed.len());
    assert!(outcome.lost.is_empty() && outcome.dead.is_empty());
}

/// Where nothing comes for long, no drive is kept; it is taken again when something does.
#[test]
fn a_paused_stream_keeps_no_drive() {
    let room = Room::with(&["AAA001L8", "AAA002L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let blanks: &[(u8, &[_])] = &[(1, &["AAA001L8", "AAA002L8"])];
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, blanks);
    let giving = Giving::of(&shelf);
    let lanes = vec![(1, shelf.first(1))];
    let mut segmenter = stream.start(lanes, Arc::clone(&giving) as _);
    write_members(&mut segmenter, 0..15, MEMBER).unwrap();
    segmenter.pause().unwrap();
    wait_until(|| giving.looks.load(Ordering::SeqCst) > 100);
    assert_eq!(shelf.in_drive.lock().unwrap()[0].1, "AAA001L8");
    write_members(&mut segmenter, 15..40, MEMBER).unwrap();
    let ends = finish(segmenter);
    assert!(matches!(ends[0].state, LaneState::Open(_)), "{ends:?}");
    drop(ends);
    let outcome = stream.outcome();
    assert_eq!(outcome.segments_of(1).len(), outcome.closed.len());
    assert_eq!(giving.given.lock().unwrap()[0].1, Leave::Paused);

    // A stream that ends while it is paused does not ask for a drive again.
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let room = Room::with(&["CCC001L8"], CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["CCC001L8"])]);
    let giving = Giving::of(&shelf);
    let lanes = vec![(1, shelf.first(1))];
    let mut segmenter = stream.start(lanes, Arc::clone(&giving) as _);
    write_members(&mut segmenter, 0..15, MEMBER).unwrap();
    segmenter.pause().unwrap();
    wait_until(|| giving.given() == 1);
    let ends = finish(segmenter);
    assert!(matches!(ends[0].state, LaneState::Away), "{ends:?}");
}
