//! A lane that keeps the others waiting.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_members.rs"]
mod members;
#[path = "support/tape_transports.rs"]
mod transports;

use std::sync::Arc;
use std::time::Duration;

use members::{stream_bytes, write_members};
use rstest::rstest;
use support::{MIB, Room, Shelf, Stream, finish, joined, volume_of};
use tapeward::clock::Clock as _;
use tapeward::tape::codec::Codec;
use tapeward::tape::volume::{LabelPolicy, VolumeReader, VolumeWriter};
use tapeward_drivers::ssc::Drive;
use transports::{Gate, Standing};

const CAPACITY: u64 = 64 * MIB;
const MEMBER: u64 = 100_000;

/// In the middle of a segment, or among its last blocks, when nothing more comes.
#[rstest]
#[case::the_ring_fills(20, 250)]
#[case::the_stream_ends_first(20, 12)]
fn a_lane_that_stands_still_does_not_stop_the_others(#[case] at_write: u64, #[case] members: u64) {
    let room = Room::with(&["AAA001L8", "BBB001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
    let gate = Arc::new(Gate::default());
    drop(room.load("BBB001L8", 1));
    let standing = Standing {
        inner: Box::new(room.path(1)),
        writes_left: at_write,
        gate: Arc::clone(&gate),
    };
    let slow = VolumeWriter::label_new(
        Box::new(Drive::new(Box::new(standing))),
        room.header("BBB001L8", stream.geometry, CAPACITY),
        LabelPolicy::BlankOnly,
        room.settings(stream.geometry),
    )
    .unwrap();
    let header = slow.files().to_vec();
    let mut segmenter = stream.start(vec![(1, shelf.first(1)), (2, slow)], shelf.clone());
    let ends = std::thread::scope(|scope| {
        scope.spawn(|| gate.meanwhile(|| room.clock.pause(Duration::from_secs(20))));
        write_members(&mut segmenter, 0..members, MEMBER).unwrap();
        segmenter.close().unwrap();
        gate.open();
        finish(segmenter)
    });
    let (whole, slow) = (volume_of(&ends, 1), volume_of(&ends, 2));
    drop(ends);
    let outcome = stream.outcome();
    assert_eq!(outcome.left_behind.len(), 1, "{:?}", outcome.left_behind);
    assert_eq!(outcome.left_behind[0].0, 2);
    assert!(room.clock.monotonic() > support::PATIENCE);
    assert_eq!(outcome.segments_of(1).len(), outcome.closed.len());
    assert!(outcome.segments_of(2).len() < outcome.closed.len());

    let mut reader = VolumeReader::open(room.drive(0), whole).unwrap();
    let bytes = joined(&mut reader, &outcome, whole, Codec::None, &stream);
    assert!(bytes == stream_bytes(0..members, MEMBER));
    // The one left behind ends with a directory of what it committed: it can be appended to.
    let record = outcome.record(&header, slow);
    let mut reader = VolumeReader::open(room.drive(1), slow).unwrap();
    let (directory, _) = reader.directory().unwrap().unwrap();
    assert_eq!(directory.files.len() + 1, record.files.len());
    drop(reader);
    drop(room.append(1, record, stream.geometry));
}
