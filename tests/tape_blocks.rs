//! Blocks of any size: cut from whatever pieces come, copied to others, tried before they are
//! relied on, and limits found without a cartridge.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/narrow.rs"]
mod narrow;
#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_members.rs"]
mod members;

use members::write_members;
use narrow::Narrow;
use proptest::prelude::*;
use support::{MIB, Outcome, Room, Shelf, Stream, finish};
use tapeward::library::blocks::BlockLimits;
use tapeward::tape::codec::Codec;
use tapeward::tape::copy::{SpooledSegment, copy_segment};
use tapeward::tape::error::VolumeError;
use tapeward::tape::layout::{BlockSize, BlockSizes, FileKind, SegmentFiles};
use tapeward::tape::stream::Geometry;
use tapeward::tape::verify::{Depth, verify_segment};
use tapeward::tape::volume::{FileStart, Identified, LabelPolicy, Trial, VolumeWriter, identify};
use tapeward_drivers::{Drive, ssc};

const CAPACITY: u64 = 64 * MIB;

fn size(kibibytes: u64) -> BlockSize {
    BlockSize::new(kibibytes << 10).unwrap()
}

/// Labels a blank cartridge with blocks of this size, in a stream of these.
fn label(
    room: &Room,
    barcode: &str,
    bay: u16,
    block_size: BlockSize,
    geometry: Geometry,
) -> VolumeWriter {
    let mut header = room.header(barcode, geometry, CAPACITY);
    header.block_size = block_size;
    let drive = room.load(barcode, bay);
    let settings = room.settings(geometry);
    VolumeWriter::label_new(drive, header, LabelPolicy::BlankOnly, settings).unwrap()
}

/// The segments of a copy, in order.
fn of_copy(outcome: &Outcome, copy: u8) -> Vec<SegmentFiles> {
    let of = outcome.committed.iter().filter(|one| one.0 == copy);
    of.map(|(.., files)| files.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_pieces_data_comes_in_the_blocks_are_the_same(
        pieces in prop::collection::vec(0_usize..9000, 1..12), kibibytes in 1_u64..6
    ) {
        let room = Room::with(&["AAA001L8"], CAPACITY);
        let stream = Stream::new(&room, Codec::None, CAPACITY);
        let block = size(kibibytes);
        let mut writer = label(&room, "AAA001L8", 0, block, stream.geometry);
        let total: usize = pieces.iter().sum::<usize>() + 1;
        let data: Vec<u8> = (0..total).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
        let start = FileStart {
            kind: FileKind::SetIndex,
            set: Some(stream.set.set),
            segment: None,
            codec: Codec::None,
            expires: None,
        };
        writer.begin_file(start).unwrap();
        let mut rest = &data[..];
        for piece in pieces {
            let (now, later) = rest.split_at(piece);
            writer.write(now).unwrap();
            rest = later;
        }
        writer.write(rest).unwrap();
        writer.end_file().unwrap();
        let file = writer.commit().unwrap().remove(0);
        prop_assert_eq!(file.blocks, block.blocks_for(total as u64));
        prop_assert_eq!((file.length, file.block_size), (total as u64, block));
        let volume = writer.volume();
        drop(writer.into_drive());
        // The reader refuses a block that is neither full nor the last.
        prop_assert_eq!(room.reader(0, volume).read_small(&file).unwrap(), data);
    }
}

#[test]
fn lanes_with_blocks_of_their_own_write_the_same_segments() {
    let room = Room::with(&["AAA001L8", "BBB001L8", "CCC001L8"], CAPACITY);
    let mut stream = Stream::new(&room, Codec::ZstdAge, CAPACITY);
    stream.options.blocks = BlockSizes::all(size(16)).with(size(48)).with(size(5));
    stream.geometry = Geometry::new(&stream.options, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[]);
    let sizes = [(1, "AAA001L8", size(16)), (2, "BBB001L8", size(48))];
    let lanes: Vec<_> = sizes
        .iter()
        .map(|(copy, barcode, block)| {
            let bay = u16::from(*copy) - 1;
            (*copy, label(&room, barcode, bay, *block, stream.geometry))
        })
        .collect();
    let volumes: Vec<_> = lanes.iter().map(|(_, writer)| writer.volume()).collect();
    let mut segmenter = stream.start(lanes, shelf);
    write_members(&mut segmenter, 0..40, 60_000).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    let facts: Vec<_> = outcome.closed.iter().map(|closed| &closed.facts).collect();
    assert!(facts.len() > 1, "{}", facts.len());
    for facts in &facts {
        assert!(facts.length <= stream.geometry.segment_limit);
    }
    for ((copy, _, block), volume) in sizes.iter().zip(&volumes) {
        let mut reader = room.reader(u16::from(*copy) - 1, *volume);
        let scanned = reader.scan().unwrap();
        let segments = scanned.iter().filter(|file| file.kind == FileKind::Segment);
        let digests: Vec<_> = segments.clone().map(|file| file.xxh3_128).collect();
        let told: Vec<_> = facts.iter().map(|facts| facts.xxh3_128).collect();
        assert_eq!(digests, told);
        for file in &scanned {
            assert_eq!(file.block_size, *block);
            assert_eq!(file.blocks, block.blocks_for(file.length));
        }
        for files in of_copy(&outcome, *copy) {
            verify_segment(&mut reader, &files, Depth::Bytes).unwrap();
        }
    }
}

#[test]
fn a_segment_is_copied_to_blocks_of_another_size() {
    let room = Room::with(&["AAA001L8", "BBB001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::Age, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
    let first = shelf.first(1);
    let volume = first.volume();
    let mut segmenter = stream.start(vec![(1, first)], shelf);
    write_members(&mut segmenter, 0..20, 60_000).unwrap();
    drop(finish(segmenter));
    let all = of_copy(&stream.outcome(), 1);
    let mut reader = room.reader(0, volume);
    let mut target = label(&room, "BBB001L8", 1, size(40), stream.geometry);
    let spool = tempfile::tempdir().unwrap();
    let mut copies = vec![copy_segment(&mut reader, &all[0], &mut target, 4).unwrap()];
    let spooled = SpooledSegment::read(&mut reader, &all[1], spool.path()).unwrap();
    copies.push(spooled.write(&mut target).unwrap());
    let volume = target.volume();
    drop(target.into_drive());
    let mut reader = room.reader(1, volume);
    for (copy, original) in copies.iter().zip(&all) {
        for (new, old) in copy.iter().zip(original.iter()) {
            assert_eq!((new.length, new.xxh3_128), (old.length, old.xxh3_128));
            assert_eq!(new.block_size, size(40));
        }
        verify_segment(&mut reader, copy, Depth::Bytes).unwrap();
    }
}

/// A drive behind a path that moves so many bytes at once.
fn narrow(room: &Room, longest: usize) -> Drive {
    let inner = room.path(0);
    let mut drive: Drive = Box::new(ssc::Drive::new(Box::new(Narrow { inner, longest })));
    drive.consume_unit_attentions().unwrap();
    drive
}

#[test]
fn limits_are_found_without_a_cartridge() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let limits = BlockLimits::probe(&mut narrow(&room, (300 << 10) + 17));
    assert_eq!(limits.path, Some(300 << 10));
    assert_eq!(limits.device, Some(8 << 20));
    assert_eq!(limits.objection(size(300)), None);
    assert!(limits.objection(size(301)).is_some());
    assert_eq!(BlockLimits::probe(&mut room.drive(0)).path, Some(8 << 20));
}

#[test]
fn a_block_that_does_not_come_through_is_told_and_the_tape_can_be_labelled_still() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    drop(room.load("AAA001L8", 0));
    let mut header = room.header("AAA001L8", stream.geometry, CAPACITY);
    header.block_size = size(256);
    let settings = room.settings(stream.geometry);
    let try_with = |longest, header, trial| {
        let drive = narrow(&room, longest);
        VolumeWriter::label(
            drive,
            header,
            &LabelPolicy::BlankOnly,
            settings.clone(),
            trial,
        )
    };
    let refused = try_with(128 << 10, header.clone(), Trial::Block).unwrap_err();
    assert!(
        matches!(refused.error, VolumeError::BlockRefused { size: told, .. } if told == size(256)),
        "{}",
        refused.error
    );
    let mut drive = refused.drive;
    assert_eq!(identify(drive.as_mut()).unwrap(), Identified::Trial);
    drop(drive);
    // Nobody takes what the trial has left for data.
    header.block_size = size(64);
    let writer = try_with(128 << 10, header.clone(), Trial::Block).unwrap();
    let volume = writer.volume();
    drop(writer.into_drive());
    let mut reader = room.reader(0, volume);
    assert_eq!(reader.scan().unwrap().len(), 1);
    assert_eq!(reader.header().block_size, size(64));
}

#[test]
fn a_volume_on_record_is_labelled_again_only_where_it_ends_as_recorded() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut writer = room.label("AAA001L8", 0, stream.geometry, CAPACITY);
    let volume = writer.volume();
    let at_first = writer.files()[0].trailer.clone();
    let newer = writer.write_directory().unwrap();
    drop(writer.into_drive());
    let new = room.header("AAA001L8", stream.geometry, CAPACITY);
    let label = |policy: LabelPolicy| {
        let settings = room.settings(stream.geometry);
        VolumeWriter::label(room.drive(0), new.clone(), &policy, settings, Trial::Block)
    };
    let recorded = |trailer: &tapeward::tape::label::Trailer| {
        LabelPolicy::Recorded(volume, Box::new(trailer.clone()))
    };
    let refused = label(recorded(&at_first)).unwrap_err();
    assert!(
        matches!(refused.error, VolumeError::TrailerMismatch { .. }),
        "{refused}"
    );
    let refused = label(LabelPolicy::Unfinished(volume)).unwrap_err();
    assert!(
        matches!(refused.error, VolumeError::WrittenBehindLabel(_)),
        "{refused}"
    );
    let mut reader = room.reader(0, volume);
    reader.check_labels(&newer).unwrap();
    drop(reader.into_drive());
    drop(label(recorded(&newer.trailer)).unwrap().into_drive());
    assert_eq!(room.reader(0, new.volume).scan().unwrap().len(), 1);
    // A label alone may be written again by whoever had begun with it.
    drop(
        label(LabelPolicy::Unfinished(new.volume))
            .unwrap()
            .into_drive(),
    );
}
