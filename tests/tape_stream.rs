//! Streams to one and two copies: cut, fanned out, spanned, interrupted, read back.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_members.rs"]
mod members;
#[path = "support/tape_transports.rs"]
mod transports;

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use members::{member_bytes, stream_bytes, write_members};
use support::{MIB, Outcome, Room, Shelf, Stream, finish, joined, read_segment, volume_of};
use tapeward::index::IndexReader;
use tapeward::tape::codec::{Codec, FrameTable, PlaintextReader, decode};
use tapeward::tape::document::PartDocument;
use tapeward::tape::layout::SegmentFiles;
use tapeward::tape::volume::{Room as Space, VolumeReader, VolumeRecord};
use tapeward_drivers::{Drive, ssc};
use tapeward_sim::CartridgeSpec;
use transports::Counting;

const CAPACITY: u64 = 64 * MIB;
const MEMBER: u64 = 100_000;

#[test]
fn one_copy_of_every_codec_comes_back() {
    // What the drive encrypts takes a key of the session: see the whole-program tests.
    for codec in Codec::ALL.into_iter().filter(|codec| !codec.is_by_drive()) {
        let room = Room::with(&["ABC001L8"], CAPACITY);
        let stream = Stream::new(&room, codec, CAPACITY);
        let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["ABC001L8"])]);
        let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
        let addresses = write_members(&mut segmenter, 0..40, MEMBER).unwrap();
        let ends = finish(segmenter);
        let outcome = stream.outcome();
        let volume = volume_of(&ends, 1);
        drop(ends);
        assert!(
            outcome.closed.len() >= 3,
            "{codec}: {}",
            outcome.closed.len()
        );
        assert_eq!(outcome.closed.len(), outcome.committed.len());
        assert_eq!(outcome.filed.len(), 1);
        let mut reader = room.reader(0, volume);
        let bytes = joined(&mut reader, &outcome, volume, codec, &stream);
        assert!(bytes == stream_bytes(0..40, MEMBER), "{codec}");
        // Members are where their addresses say, and in the index parts.
        let mut starts = std::collections::BTreeMap::new();
        let mut before = 0;
        for closed in &outcome.closed {
            assert_eq!(closed.facts.stream_offset, before);
            starts.insert(closed.facts.segment, before);
            before += closed.facts.plaintext_length;
            assert!(closed.facts.length <= stream.geometry.segment_limit);
            assert!(closed.facts.index.length <= stream.geometry.index_limit);
        }
        for (number, address) in &addresses {
            assert_eq!(starts[&address.segment] + address.offset, number * MEMBER);
        }
        let mut rows = 0;
        for closed in &outcome.closed {
            let part = closed.index_part.to_vec();
            let index = IndexReader::from_bytes("part", part).unwrap();
            index.verify().unwrap();
            rows += index.totals().rows;
            assert_eq!(index.totals().rows, closed.facts.members);
            assert_eq!(index.frames().is_empty(), !codec.is_compressed());
        }
        assert_eq!(rows, 40);
    }
}

#[test]
fn two_copies_span_small_cartridges_with_the_same_segments() {
    let small = 12 * MIB;
    let one: &[&str] = &["AAA001L8", "AAA002L8", "AAA003L8", "AAA004L8"];
    let two: &[&str] = &["BBB001L8", "BBB002L8", "BBB003L8", "BBB004L8"];
    let room = Room::with(&[one, two].concat(), small);
    let stream = Stream::new(&room, Codec::Age, small);
    let shelf = Shelf::new(&room, stream.geometry, small, &[(1, one), (2, two)]);
    let lanes = vec![(1, shelf.first(1)), (2, shelf.first(2))];
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..220, MEMBER).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert!(
        outcome.lost.is_empty() && outcome.dead.is_empty(),
        "{:?}",
        outcome.lost
    );
    for copy in [1, 2] {
        let opened = outcome.opened.iter().filter(|(of, _)| *of == copy).count();
        assert!(opened >= 2, "copy {copy} spans {} volumes", opened + 1);
        assert_eq!(outcome.segments_of(copy).len(), outcome.closed.len());
    }
    assert!(outcome.finished.iter().all(|(_, _, directory)| *directory));
    // Byte for byte the same in both copies, part.json and index part too.
    for closed in &outcome.closed {
        let copies: Vec<_> = outcome
            .committed
            .iter()
            .filter(|(_, segment, ..)| *segment == closed.facts.segment)
            .map(|(.., files)| {
                [&files.data, &files.part, &files.index].map(|file| (file.xxh3_128, file.length))
            })
            .collect();
        assert_eq!(copies.len(), 2);
        assert_eq!(copies[0], copies[1]);
        assert_eq!(copies[0][0], (closed.facts.xxh3_128, closed.facts.length));
    }
    // A volume that was filled once is full from the start when it is opened again.
    let (full, files) = {
        let volume = outcome.finished[0].1;
        (volume, outcome.record(&[], volume).files)
    };
    let bays = shelf.in_drive.lock().unwrap().clone();
    for (_, barcode) in &bays {
        room.unload(barcode);
    }
    let barcode = if outcome.finished[0].0 == 1 {
        one[0]
    } else {
        two[0]
    };
    drop(room.load(barcode, 0));
    let record = VolumeRecord {
        volume: full,
        files,
    };
    let writer = room.append(0, record, stream.geometry);
    assert_eq!(writer.room(), Space::ReserveOnly);
    drop(writer.into_drive());
    room.unload(barcode);
    for (bay, barcode) in &bays {
        drop(room.load(barcode, *bay));
    }
    // Read what is on the last volumes and on one that was swapped out.
    for (bay, barcode) in shelf.in_drive.lock().unwrap().clone() {
        let drive = room.drive(bay);
        check_volume(drive, &outcome, &stream);
        room.unload(&barcode);
    }
    check_volume(room.load("AAA001L8", 0), &outcome, &stream);
}

fn check_volume(mut drive: Drive, outcome: &Outcome, stream: &Stream) {
    let tapeward::tape::volume::Identified::Ours(header) =
        tapeward::tape::volume::identify(drive.as_mut()).unwrap()
    else {
        panic!("not a volume");
    };
    let mut reader = VolumeReader::of_identified(drive, *header);
    let (directory, _) = reader.directory().unwrap().unwrap();
    let volume = reader.header().volume;
    let all = stream_bytes(0..220, MEMBER);
    let mut found = 0;
    for (_, segment, of, files) in &outcome.committed {
        if *of != volume {
            continue;
        }
        found += 1;
        let facts = &outcome.closed[segment.0 as usize].facts;
        let bytes = read_segment(&mut reader, &files.data, Codec::Age, &stream.keys);
        let start = usize::try_from(facts.stream_offset).unwrap();
        assert!(bytes[..] == all[start..start + bytes.len()]);
        assert_eq!(&reader.read_part(&files.part).unwrap(), facts);
        for file in files.iter() {
            assert!(
                directory
                    .files
                    .iter()
                    .any(|entry| entry.first_block == file.first_block)
            );
        }
    }
    assert!(found > 0);
}

#[test]
fn the_nearly_full_copy_closes_the_segment_for_both() {
    let room = Room::new([
        CartridgeSpec::labelled("AAA001L8").with_capacity(24 * MIB),
        CartridgeSpec::labelled("AAA002L8").with_capacity(CAPACITY),
        CartridgeSpec::labelled("BBB001L8").with_capacity(CAPACITY),
    ]);
    let mut stream = Stream::new(&room, Codec::None, 24 * MIB);
    // A short ring, so that little more than what is asked for is in the segment.
    stream.geometry.ring_blocks = 4;
    let shelf = Shelf::new(
        &room,
        stream.geometry,
        CAPACITY,
        &[(1, &["AAA001L8", "AAA002L8"]), (2, &["BBB001L8"])],
    );
    let lanes = vec![(1, shelf.first(1)), (2, shelf.first(2))];
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..500, MEMBER).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert!(outcome.lost.is_empty(), "{:?}", outcome.lost);
    assert_eq!(outcome.opened.len(), 1, "only copy 1 changed volumes");
    assert_eq!(outcome.segments_of(1), outcome.segments_of(2));
    let first = outcome.committed[0].2;
    let last_on_first = outcome
        .committed
        .iter()
        .filter(|(_, _, volume, _)| *volume == first || outcome.finished[0].1 == *volume)
        .filter(|(copy, ..)| *copy == 1)
        .map(|(_, segment, ..)| *segment)
        .max()
        .unwrap();
    let facts = &outcome.closed[last_on_first.0 as usize].facts;
    let usual = &outcome.closed[0].facts;
    assert!(
        facts.length < usual.length,
        "{} and {}",
        facts.length,
        usual.length
    );
}

#[test]
fn one_member_of_many_takes_few_reads() {
    let room = Room::with(&["AAA001L8"], CAPACITY * 16);
    let mut stream = Stream::new(&room, Codec::ZstdAge, CAPACITY * 16);
    stream.options.segment_size = 16 * MIB;
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY * 16, &[(1, &["AAA001L8"])]);
    let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
    write_members(&mut segmenter, 0..200, MEMBER).unwrap();
    let ends = finish(segmenter);
    let outcome = stream.outcome();
    let volume = volume_of(&ends, 1);
    drop(ends);
    let entry = outcome
        .closed
        .iter()
        .find_map(|closed| {
            let index = IndexReader::from_bytes("part", closed.index_part.to_vec()).unwrap();
            index.lookup(&members::member_path(77)).unwrap()
        })
        .unwrap();
    let (.., files) = outcome
        .committed
        .iter()
        .find(|(_, segment, ..)| *segment == entry.address.segment)
        .unwrap();
    let (reads, locates) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counting = Counting {
        inner: Box::new(room.path(0)),
        reads: Arc::clone(&reads),
        locates: Arc::clone(&locates),
    };
    let mut reader =
        VolumeReader::open(Box::new(ssc::Drive::new(Box::new(counting))), volume).unwrap();
    let index = read_index(&mut reader, files, &stream);
    let closed = &outcome.closed[entry.address.segment.0 as usize];
    let length = closed.facts.plaintext_length;
    let frames = index.frames_of(entry.address.segment).unwrap();
    let frames = FrameTable::try_from((frames, length)).unwrap();
    reads.store(0, Ordering::Relaxed);
    locates.store(0, Ordering::Relaxed);
    let mut plaintext = PlaintextReader::open(
        reader.payload(&files.data).unwrap(),
        Codec::ZstdAge,
        length,
        Some(frames),
        &stream.keys.identities(),
    )
    .unwrap();
    plaintext
        .seek(SeekFrom::Start(entry.address.offset))
        .unwrap();
    let mut bytes = vec![0; usize::try_from(entry.length).unwrap()];
    plaintext.read_exact(&mut bytes).unwrap();
    assert!(bytes == member_bytes(77, MEMBER));
    assert!(locates.load(Ordering::Relaxed) <= 2, "{locates:?} locates");
    // The header's block, then the compressed frame (or two) around the member.
    let frame_blocks = u64::try_from(stream.geometry.frame_size.bytes()).unwrap() / (16 << 10);
    assert!(
        reads.load(Ordering::Relaxed) <= 2 * frame_blocks + 10,
        "{reads:?} reads"
    );
    assert!(reads.load(Ordering::Relaxed) < files.data.blocks / 2);
}

fn read_index(reader: &mut VolumeReader, files: &SegmentFiles, stream: &Stream) -> IndexReader {
    let coded = reader.read_small(&files.index).unwrap();
    let mut plaintext = Vec::new();
    decode(&coded[..], Codec::Age, &stream.keys.identities())
        .unwrap()
        .read_to_end(&mut plaintext)
        .unwrap();
    IndexReader::from_bytes("index part", plaintext).unwrap()
}

#[test]
fn the_set_index_goes_where_it_fits() {
    let room = Room::with(&["AAA001L8", "BBB001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::Age, CAPACITY);
    let shelf = Shelf::new(
        &room,
        stream.geometry,
        CAPACITY,
        &[(1, &["AAA001L8"]), (2, &["BBB001L8"])],
    );
    let lanes = vec![(1, shelf.first(1)), (2, shelf.first(2))];
    let mut segmenter = stream.start(lanes, shelf.clone());
    write_members(&mut segmenter, 0..20, MEMBER).unwrap();
    segmenter.close().unwrap();
    let index = vec![0x5a; 300_000];
    segmenter.write_set_index(&mut &index[..], 300_000).unwrap();
    // One that never fits is skipped, and the directory is there all the same.
    segmenter.write_set_index(&mut &index[..], 1 << 40).unwrap();
    let ends = finish(segmenter);
    let outcome = stream.outcome();
    assert_eq!(
        outcome.filed.len(),
        4,
        "an index and a directory for each copy"
    );
    assert_eq!(outcome.skipped.len(), 2);
    let volume = volume_of(&ends, 1);
    drop(ends);
    let (.., file) = outcome.filed.iter().find(|(copy, ..)| *copy == 1).unwrap();
    let mut reader = room.reader(0, volume);
    assert!(read_segment(&mut reader, file, Codec::Age, &stream.keys) == index);
    assert_eq!(
        reader.directory().unwrap().unwrap().0.files.len() as u64,
        1 + 3 * outcome.segments_of(1).len() as u64 + 1
    );
}

#[test]
fn many_small_members_close_a_segment_before_its_index_is_too_long() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
    let mut stream_options = stream.geometry;
    stream_options.index_limit = 64 << 10;
    let segmenter =
        tapeward::tape::stream::Segmenter::start(tapeward::tape::stream::SegmenterStart {
            set: stream.set.clone(),
            options: stream.options.clone(),
            geometry: stream_options,
            resume: stream.resume.clone(),
            first_segment: stream.first_segment,
            lanes: vec![(tapeward::id::CopyNumber(1), shelf.first(1))],
            supply: shelf.clone(),
            events: stream.sender.clone(),
            stop: stream.stop.clone(),
            clock: stream.clock.clone(),
            patience: support::PATIENCE,
        });
    let mut segmenter = segmenter.unwrap();
    write_members(&mut segmenter, 0..3000, 512).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert!(outcome.closed.len() > 1);
    for closed in &outcome.closed {
        assert!(
            closed.facts.index.length <= 64 << 10,
            "{}",
            closed.facts.index.length
        );
    }
}

#[test]
fn part_json_holds_ids_numbers_and_digests_only() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::Age, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
    let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
    write_members(&mut segmenter, 0..3, MEMBER).unwrap();
    drop(finish(segmenter));
    let facts = &stream.outcome().closed[0].facts;
    let bytes = facts.to_bytes().unwrap();
    assert_eq!(&PartDocument::from_bytes(&bytes).unwrap(), facts);
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let fields: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let known = [
        "codec",
        "created",
        "definition",
        "format",
        "frame_size",
        "index",
        "keys",
        "length",
        "members",
        "plaintext_length",
        "retain_until",
        "run",
        "segment",
        "set",
        "stream_offset",
        "xxh3_128",
    ];
    assert!(
        fields.iter().all(|field| known.contains(field)),
        "{fields:?}"
    );
    assert_eq!(fields.len(), known.len());
    // A field of a later version is skipped, a later version is not.
    let text = String::from_utf8(bytes).unwrap();
    let added = text.replacen("\"set\"", "\"later\": [1], \"set\"", 1);
    assert_eq!(&PartDocument::from_bytes(added.as_bytes()).unwrap(), facts);
    let newer = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(PartDocument::from_bytes(newer.as_bytes()).is_err());
}
