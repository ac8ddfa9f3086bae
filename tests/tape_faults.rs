//! Streams that meet bad tapes, dead drives, interrupts and power cuts.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_members.rs"]
mod members;
#[path = "support/tape_transports.rs"]
mod transports;

use members::{member_bytes, resume_members, stream_bytes, write_members};
use std::sync::{Arc, Condvar, Mutex};
use support::{MIB, Room, Shelf, Stream, finish, joined, volume_of};

use tapeward::archive::member::{MemberSink, SegmentNumber, SinkError};
use tapeward::tape::codec::Codec;
use tapeward::tape::stream::LaneState;
use tapeward::tape::volume::{LabelPolicy, VolumeReader, VolumeWriter};
use tapeward_drivers::ssc;
use tapeward_drivers::transport::Transport;
use tapeward_sim::CartridgeSpec;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use transports::{Deaf, Dying, Gated, Told};

const CAPACITY: u64 = 64 * MIB;
const MEMBER: u64 = 100_000;

/// A volume in a drive behind a transport of the test's making.
fn label_through(
    room: &Room,
    stream: &Stream,
    barcode: &str,
    bay: u16,
    capacity: u64,
    wrap: impl FnOnce(Box<dyn Transport>) -> Box<dyn Transport>,
) -> VolumeWriter {
    drop(room.load(barcode, bay));
    let drive = Box::new(ssc::Drive::new(wrap(Box::new(room.path(bay)))));
    let header = room.header(barcode, stream.geometry, capacity);
    let settings = room.settings(stream.geometry);
    VolumeWriter::label_new(drive, header, LabelPolicy::BlankOnly, settings).unwrap()
}

#[test]
fn overflow_without_a_warning_loses_one_copys_segment_only() {
    let room = Room::new([
        CartridgeSpec::labelled("AAA001L8").with_capacity(8 * MIB),
        CartridgeSpec::labelled("AAA002L8").with_capacity(CAPACITY),
        CartridgeSpec::labelled("BBB001L8").with_capacity(CAPACITY),
    ]);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(
        &room,
        stream.geometry,
        CAPACITY,
        &[(1, &["AAA002L8"]), (2, &["BBB001L8"])],
    );
    shelf
        .in_drive
        .lock()
        .unwrap()
        .push((0, "AAA001L8".to_owned()));
    let deaf = label_through(&room, &stream, "AAA001L8", 0, 8 * MIB, |inner| {
        Box::new(Deaf(inner))
    });
    let short = deaf.volume();
    let lanes = vec![(1, deaf), (2, shelf.first(2))];
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..200, MEMBER).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert_eq!(outcome.lost.len(), 1, "{:?}", outcome.lost);
    let (copy, lost, why) = &outcome.lost[0];
    assert_eq!(*copy, 1);
    assert!(why.contains("the tape is full"), "{why}");
    assert_eq!(outcome.segments_of(2).len(), outcome.closed.len());
    let mut expected = outcome.segments_of(2);
    expected.retain(|segment| segment != lost);
    assert_eq!(outcome.segments_of(1), expected);
    // The volume that was too short has its directory where the lost segment had begun.
    assert!(
        outcome.finished.contains(&(1, short, true)),
        "{:?}",
        outcome.finished
    );
    room.unload("AAA002L8");
    let mut reader = VolumeReader::open(room.load("AAA001L8", 0), short).unwrap();
    let (directory, _) = reader.directory().unwrap().unwrap();
    let on_it = outcome
        .committed
        .iter()
        .filter(|(_, _, volume, _)| *volume == short)
        .count();
    assert_eq!(directory.files.len(), 1 + 3 * on_it);
}

#[test]
fn the_only_copys_lost_segment_is_written_again_from_the_last_committed_one() {
    let room = Room::new([
        CartridgeSpec::labelled("AAA001L8").with_capacity(8 * MIB),
        CartridgeSpec::labelled("AAA002L8").with_capacity(CAPACITY),
    ]);
    let mut stream = Stream::new(&room, Codec::Zstd, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA002L8"])]);
    let deaf = label_through(&room, &stream, "AAA001L8", 0, 8 * MIB, |inner| {
        Box::new(Deaf(inner))
    });
    let mut segmenter = stream.start(vec![(1, deaf)], shelf.clone());
    let error = write_members(&mut segmenter, 0..200, MEMBER)
        .err()
        .or_else(|| segmenter.close().err())
        .unwrap();
    let SinkError::SegmentLost(lost) = error else {
        panic!("{error}");
    };
    drop(segmenter.abandon());
    let first = stream.outcome();
    assert_eq!(first.lost.len(), 1);
    assert_eq!(
        first.segments_of(1).last().map(|last| last.0 + 1),
        Some(lost.0)
    );

    let (resume, before) = match lost.0.checked_sub(1) {
        Some(last) => {
            let closed = &first.closed[last as usize];
            (closed.resume.clone(), closed.facts.clone())
        }
        None => panic!("the first segment should have fitted"),
    };
    assert_eq!(
        resume.stream_offset,
        before.stream_offset + before.plaintext_length
    );
    stream.resume = resume.clone();
    stream.first_segment = lost;
    room.unload("AAA001L8");
    let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
    resume_members(&mut segmenter, &resume, 200, MEMBER).unwrap();
    drop(finish(segmenter));
    let second = stream.outcome();
    assert_eq!(second.closed[0].facts.segment, lost);
    let mut reader = room.reader(0, second.committed[0].2);
    let mut bytes = joined(
        &mut reader,
        &second,
        second.committed[0].2,
        Codec::Zstd,
        &stream,
    );
    drop(reader);
    room.unload("AAA002L8");
    let mut reader = VolumeReader::open(room.load("AAA001L8", 0), first.committed[0].2).unwrap();
    let mut whole = joined(
        &mut reader,
        &first,
        first.committed[0].2,
        Codec::Zstd,
        &stream,
    );
    whole.append(&mut bytes);
    assert!(whole == stream_bytes(0..200, MEMBER));
}

#[test]
fn a_dead_drive_ends_its_lane_and_the_other_goes_on() {
    let room = Room::with(&["AAA001L8", "BBB001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(2, &["BBB001L8"])]);
    let dying = label_through(&room, &stream, "AAA001L8", 0, CAPACITY, |inner| {
        Box::new(Dying {
            inner,
            writes_left: 200,
        })
    });
    let lanes = vec![(1, dying), (2, shelf.first(2))];
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..100, MEMBER).unwrap();
    let ends = finish(segmenter);
    let outcome = stream.outcome();
    assert_eq!(outcome.dead.len(), 1);
    assert_eq!(outcome.dead[0].0, 1);
    assert_eq!(outcome.lost.len(), 1);
    assert!(matches!(
        &ends[0].state,
        LaneState::Dead { drive: Some(_), .. }
    ));
    assert_eq!(outcome.segments_of(2).len(), outcome.closed.len());
    let volume = volume_of(&ends, 2);
    drop(ends);
    let mut reader = room.reader(1, volume);
    let bytes = joined(&mut reader, &outcome, volume, Codec::None, &stream);
    assert!(bytes == stream_bytes(0..100, MEMBER));
}

#[test]
fn no_copy_left_is_an_error_with_the_reasons() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[]);
    let dying = label_through(&room, &stream, "AAA001L8", 0, CAPACITY, |inner| {
        Box::new(Dying {
            inner,
            writes_left: 200,
        })
    });
    let mut segmenter = stream.start(vec![(1, dying)], shelf);
    let error = write_members(&mut segmenter, 0..100, MEMBER)
        .err()
        .or_else(|| segmenter.close().err())
        .unwrap();
    let text = error.to_string();
    assert!(
        matches!(error, SinkError::NoCopyLeft(_)) && text.contains("the device is gone"),
        "{text}"
    );
    assert!(segmenter.begin(&members::member_start(100, 512)).is_err());
    drop(segmenter.abandon());
}

#[test]
fn no_further_volume_ends_the_lane() {
    let small = 24 * MIB;
    let room = Room::with(&["AAA001L8"], small);
    let stream = Stream::new(&room, Codec::None, small);
    let shelf = Shelf::new(&room, stream.geometry, small, &[(1, &["AAA001L8"])]);
    let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
    let error = write_members(&mut segmenter, 0..400, MEMBER)
        .err()
        .or_else(|| segmenter.close().err())
        .unwrap();
    assert!(
        error.to_string().contains("no blank cartridge is left"),
        "{error}"
    );
    drop(segmenter.abandon());
    let outcome = stream.outcome();
    assert!(outcome.finished[0].2, "the full volume has its directory");
    assert_eq!(outcome.dead.len(), 1);
}

#[test]
fn an_interrupt_commits_what_there_is_and_another_session_goes_on() {
    let room = Room::with(&["AAA001L8", "BBB001L8"], CAPACITY);
    let mut stream = Stream::new(&room, Codec::ZstdAge, CAPACITY);
    let shelf = Shelf::new(
        &room,
        stream.geometry,
        CAPACITY,
        &[(1, &["AAA001L8"]), (2, &["BBB001L8"])],
    );
    let lanes = vec![(1, shelf.first(1)), (2, shelf.first(2))];
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..25, MEMBER).unwrap();
    segmenter.begin(&members::member_start(25, MEMBER)).unwrap();
    segmenter
        .write(&member_bytes(25, MEMBER)[..50_000])
        .unwrap();
    stream.stop.set();
    let error = segmenter
        .write(&member_bytes(25, MEMBER)[50_000..])
        .unwrap_err();
    assert!(matches!(error, SinkError::Interrupted), "{error}");
    let ends = segmenter.abandon();
    let first = stream.outcome();
    let last = first.closed.last().unwrap();
    assert_eq!(last.resume.stream_offset, 25 * MEMBER + 50_000);
    assert_eq!(
        last.resume.partial.as_ref().map(|partial| partial.written),
        Some(50_000)
    );
    assert_eq!(first.segments_of(1).len(), first.closed.len());
    assert_eq!(first.segments_of(2).len(), first.closed.len());
    let volumes = [volume_of(&ends, 1), volume_of(&ends, 2)];
    let writers: Vec<_> = ends
        .into_iter()
        .map(|end| match end.state {
            LaneState::Open(writer) => writer,
            other => panic!("{other:?}"),
        })
        .collect();
    let records: Vec<_> = writers
        .iter()
        .zip(volumes)
        .map(|(writer, volume)| {
            let record = first.record(&writer.files()[..1], volume);
            assert_eq!(record.files, writer.files(), "events tell every file");
            record
        })
        .collect();
    drop(writers);

    stream.resume = last.resume.clone();
    stream.first_segment = SegmentNumber(last.facts.segment.0 + 1);
    stream.stop = tapeward::tape::stream::StopFlag::new();
    let lanes = records
        .into_iter()
        .zip([(1, 0), (2, 1)])
        .map(|(record, (copy, bay))| (copy, room.append(bay, record, stream.geometry)))
        .collect();
    let mut segmenter = stream.start(lanes, shelf.clone());
    resume_members(&mut segmenter, &stream.resume, 60, MEMBER).unwrap();
    drop(finish(segmenter));
    let second = stream.outcome();
    let mut reader = room.reader(1, volumes[1]);
    let mut bytes = joined(&mut reader, &first, volumes[1], Codec::ZstdAge, &stream);
    bytes.extend(joined(
        &mut reader,
        &second,
        volumes[1],
        Codec::ZstdAge,
        &stream,
    ));
    assert!(bytes == stream_bytes(0..60, MEMBER));
}

#[test]
fn a_power_cut_in_mid_segment_loses_nothing_committed() {
    // At seeded writes; the last ones hit closing a segment and the commit itself.
    for cut in [30, 150, 200, 207, 208, 209, 210, 211, 212, 213, 214, 290] {
        let room = Room::with(&["AAA001L8"], CAPACITY);
        let mut stream = Stream::new(&room, Codec::Age, CAPACITY);
        let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
        let writer = shelf.first(1);
        let header = writer.files().to_vec();
        let volume = writer.volume();
        room.library
            .set_faults(vec![PlannedFault {
                at: Place::Write(cut),
                fault: Fault::PowerCut,
            }])
            .unwrap();
        let mut segmenter = stream.start(vec![(1, writer)], shelf.clone());
        let error = write_members(&mut segmenter, 0..60, MEMBER)
            .err()
            .or_else(|| segmenter.close().err())
            .unwrap();
        assert!(matches!(error, SinkError::NoCopyLeft(_)), "{error}");
        drop(segmenter.abandon());
        let first = stream.outcome();
        let record = first.record(&header, volume);
        let done = first.segments_of(1);
        if let Some(last) = done.last() {
            stream.resume = first.closed[last.0 as usize].resume.clone();
            stream.first_segment = SegmentNumber(last.0 + 1);
        }
        let writer =
            VolumeWriter::open_after_crash(room.drive(0), record, room.settings(stream.geometry))
                .unwrap();
        let mut segmenter = stream.start(vec![(1, writer)], shelf.clone());
        resume_members(&mut segmenter, &stream.resume, 60, MEMBER).unwrap();
        drop(finish(segmenter));
        let second = stream.outcome();
        let mut reader = room.reader(0, volume);
        let mut bytes = joined(&mut reader, &first, volume, Codec::Age, &stream);
        bytes.extend(joined(&mut reader, &second, volume, Codec::Age, &stream));
        assert!(bytes == stream_bytes(0..60, MEMBER), "cut at write {cut}");
        let listed = reader.directory().unwrap().unwrap().0.files.len();
        assert_eq!(listed, reader.scan().unwrap().len() - 1);
    }
}

#[test]
fn a_deferred_error_uncommits_the_segment() {
    let room = Room::with(&["AAA001L8", "AAA002L8", "BBB001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(
        &room,
        stream.geometry,
        CAPACITY,
        &[(1, &["AAA001L8", "AAA002L8"]), (2, &["BBB001L8"])],
    );
    let lanes = vec![(1, shelf.first(1)), (2, shelf.first(2))];
    // Header: 14 objects. Segment 0: four labels and marks, data; the fault hits its data.
    room.library
        .set_faults(vec![PlannedFault {
            at: Place::WriteRecord {
                cartridge: "AAA001L8".to_owned(),
                record: 40,
            },
            fault: Fault::DeferredWriteError,
        }])
        .unwrap();
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..60, MEMBER).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert_eq!(outcome.lost.len(), 1, "{:?}", outcome.lost);
    assert_eq!(
        (outcome.lost[0].0, outcome.lost[0].1),
        (1, SegmentNumber(0))
    );
    assert!(
        outcome.lost[0].2.contains("deferred"),
        "{}",
        outcome.lost[0].2
    );
    assert_eq!(outcome.segments_of(2).len(), outcome.closed.len());
    assert_eq!(outcome.segments_of(1).len() + 1, outcome.closed.len());
}

#[test]
fn no_segment_counts_before_one_that_every_copy_lost() {
    let room = Room::with(&["AAA001L8", "AAA002L8", "BBB001L8"], CAPACITY);
    let mut stream = Stream::new(&room, Codec::None, CAPACITY);
    // Long enough that the slow copy does not hold the other up.
    stream.geometry.ring_blocks = 1000;
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA002L8"])]);
    let in_drive = (0, "AAA001L8".to_owned());
    shelf.in_drive.lock().unwrap().push(in_drive);
    let count = Arc::new((Mutex::new(0), Condvar::new()));
    let told = |inner| -> Box<dyn Transport> {
        Box::new(Told {
            inner,
            fails_at: 20,
            count: Arc::clone(&count),
        })
    };
    // Copy 1 loses segment 0 at its 20th WRITE, a data block. Its directory takes 8 more, the
    // label of its next volume 9, labels and data of segment 1 another 3 and 64. Only then does
    // copy 2 lose segment 0 too.
    let counted = Arc::clone(&count);
    *shelf.wrap.lock().unwrap() = Some(Box::new(move |inner| {
        Box::new(Told {
            inner,
            fails_at: 20,
            count: Arc::clone(&counted),
        })
    }));
    let told = label_through(&room, &stream, "AAA001L8", 0, CAPACITY, told);
    let gated = label_through(&room, &stream, "BBB001L8", 1, CAPACITY, |inner| {
        Box::new(Gated {
            inner,
            own: 0,
            fails_at: 40,
            other: Arc::clone(&count),
            until: 20 + 8 + 9 + 3 + 64,
        })
    });
    let mut segmenter = stream.start(vec![(1, told), (2, gated)], shelf.clone());
    let error = write_members(&mut segmenter, 0..100, MEMBER)
        .err()
        .or_else(|| segmenter.close().err())
        .unwrap();
    assert!(
        matches!(error, SinkError::SegmentLost(SegmentNumber(0))),
        "{error}"
    );
    drop(segmenter.abandon());
    let outcome = stream.outcome();
    assert!(outcome.committed.is_empty(), "{:?}", outcome.segments_of(1));
    let lost = |copy| {
        let zero = SegmentNumber(0);
        outcome
            .lost
            .iter()
            .any(|(of, segment, _)| (*of, *segment) == (copy, zero))
    };
    assert!(lost(1) && lost(2), "{:?}", outcome.lost);
}
