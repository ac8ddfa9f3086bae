//! Labelling, appending, the end of a volume on record and on tape.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

use support::{MIB, Room, Stream};
use tapeward::clock::Clock;
use tapeward::tape::codec::Codec;
use tapeward::tape::document::Directory;
use tapeward::tape::error::VolumeError;
use tapeward::tape::layout::{FileKind, TapeFile};
use tapeward::tape::volume::{
    EarlyWarning, FileStart, ForeignKind, Identified, LabelPolicy, Room as Space, VolumeRecord,
    VolumeWriter, identify,
};
use tapeward_drivers::ssc::{ReadOutcome, Synchronize};
use tapeward_sim::CartridgeSpec;

const CAPACITY: u64 = 64 * MIB;

fn start(kind: FileKind, stream: &Stream) -> FileStart {
    FileStart {
        kind,
        set: Some(stream.set.set),
        segment: None,
        codec: Codec::None,
        expires: stream.set.retain_until,
    }
}

fn record(writer: &VolumeWriter) -> VolumeRecord {
    VolumeRecord {
        volume: writer.volume(),
        files: writer.files().to_vec(),
    }
}

/// The blocks of a tape file: each block's length, then a filemark.
fn block_lengths(drive: &mut tapeward_drivers::Drive) -> Vec<Vec<usize>> {
    drive.rewind().unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut files = vec![Vec::new()];
    loop {
        match drive.read_block(&mut buffer).unwrap() {
            ReadOutcome::Block(length) => files.last_mut().unwrap().push(length),
            ReadOutcome::Filemark => files.push(Vec::new()),
            ReadOutcome::EndOfData => return files,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_label_is_laid_out_as_published_and_recognised() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut drive = room.load("ABC001L8", 0);
    assert_eq!(identify(drive.as_mut()).unwrap(), Identified::Blank);
    let header = room.header("ABC001L8", stream.geometry, CAPACITY);
    let writer = VolumeWriter::label_new(
        drive,
        header.clone(),
        LabelPolicy::BlankOnly,
        room.settings(stream.geometry),
    )
    .unwrap();
    assert_eq!(writer.files().len(), 1);
    assert_eq!(writer.files()[0].tape_file.0, 1);
    let mut drive = writer.into_drive();
    assert_eq!(
        identify(drive.as_mut()).unwrap(),
        Identified::Ours(Box::new(header.clone()))
    );
    let document = header.to_bytes().unwrap().len();
    assert_eq!(
        block_lengths(&mut drive),
        [vec![80; 4], vec![document], vec![80; 4], vec![]]
    );
}

#[test]
fn appending_goes_on_where_the_record_ends() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut writer = room.label("ABC001L8", 0, stream.geometry, CAPACITY);
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![1; 50_000])
        .unwrap();
    writer.commit().unwrap();
    let on_record = record(&writer);
    drop(writer.into_drive());
    let mut writer = room.append(0, on_record, stream.geometry);
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![2; 70_000])
        .unwrap();
    let done = writer.commit().unwrap();
    assert_eq!((done[0].sequence.0, done[0].tape_file.0), (3, 7));
    writer.write_directory().unwrap();
    let files = writer.files().to_vec();
    drop(writer.into_drive());

    let mut reader = room.reader(0, on_volume(&room));
    assert_eq!(reader.scan().unwrap(), files);
    let (directory, file) = reader.directory().unwrap().unwrap();
    assert_eq!(file, files[3]);
    assert_eq!(directory.files.len(), 3);
    assert_eq!(reader.read_small(&files[2]).unwrap(), vec![2; 70_000]);
    for file in &files {
        reader.check_labels(file).unwrap();
        let again = TapeFile::from_trailer(
            reader.header().volume,
            file.tape_file,
            file.first_block,
            file.trailer.clone(),
        );
        assert_eq!(again.as_ref(), Ok(file));
    }
}

fn on_volume(room: &Room) -> tapeward::id::VolumeId {
    match identify(room.drive(0).as_mut()).unwrap() {
        Identified::Ours(header) => header.volume,
        other => panic!("{other}"),
    }
}

#[test]
fn another_trailer_is_refused_with_both_values() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut writer = room.label("ABC001L8", 0, stream.geometry, CAPACITY);
    let before = record(&writer);
    writer
        .write_file(start(FileKind::SetIndex, &stream), b"not on record")
        .unwrap();
    let extra = writer.commit().unwrap().remove(0);
    drop(writer.into_drive());
    let on_tape = room.drive(0).capacity().unwrap();

    let error = VolumeWriter::open_append(
        room.drive(0),
        before.clone(),
        room.settings(stream.geometry),
    )
    .unwrap_err();
    let VolumeError::TrailerMismatch { expected, found } = &error.error else {
        panic!("{error}");
    };
    assert_eq!(**expected, before.files[0].trailer);
    assert_eq!(found.to_string(), extra.trailer.to_string());
    let text = error.to_string();
    assert!(
        text.contains(&expected.to_string()) && text.contains(&found.to_string()),
        "{text}"
    );
    assert_eq!(room.drive(0).capacity().unwrap(), on_tape);

    // The other way round: the record knows more than the tape has.
    let mut record = before.clone();
    let mut later = extra.clone();
    later.first_block.0 += 40;
    record.files.push(later);
    let error = VolumeWriter::open_append(room.drive(0), record, room.settings(stream.geometry))
        .unwrap_err();
    assert!(
        matches!(error.error, VolumeError::Position { .. }),
        "{error}"
    );
}

#[test]
fn another_volume_is_refused() {
    let room = Room::with(&["ABC001L8", "ABC002L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let one = room.label("ABC001L8", 0, stream.geometry, CAPACITY);
    let record = record(&one);
    drop(one.into_drive());
    drop(room.label("ABC002L8", 1, stream.geometry, CAPACITY));
    let error = VolumeWriter::open_append(room.drive(1), record, room.settings(stream.geometry))
        .unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error.error, VolumeError::WrongVolume { .. }) && text.contains("ABC002L8"),
        "{text}"
    );
}

#[test]
fn foreign_data_stays_unless_told_otherwise() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut drive = room.load("ABC001L8", 0);
    let mut block = vec![0; 10_240];
    block[..5].copy_from_slice(b"file\0");
    block[257..263].copy_from_slice(b"ustar\0");
    drive.write_block(&block).unwrap();
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    let header = room.header("ABC001L8", stream.geometry, CAPACITY);
    for policy in [LabelPolicy::BlankOnly, LabelPolicy::Reuse(header.volume)] {
        let refused = VolumeWriter::label_new(
            drive,
            header.clone(),
            policy,
            room.settings(stream.geometry),
        )
        .unwrap_err();
        let VolumeError::NotBlank { found } = &refused.error else {
            panic!("{refused}");
        };
        assert!(matches!(
            **found,
            Identified::Foreign {
                kind: ForeignKind::Tar,
                ..
            }
        ));
        drive = refused.drive;
    }
    let mut again = vec![0; 10_240];
    drive.rewind().unwrap();
    assert_eq!(
        drive.read_block(&mut again).unwrap(),
        ReadOutcome::Block(10_240)
    );
    assert_eq!(again, block);
    VolumeWriter::label_new(
        drive,
        header,
        LabelPolicy::OverwriteForeign,
        room.settings(stream.geometry),
    )
    .unwrap();
}

#[test]
fn our_own_volume_is_reused_only_by_name_and_after_its_retention() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let drive = room.load("ABC001L8", 0);
    let settings = room.settings(stream.geometry);
    let mut old = room.header("ABC001L8", stream.geometry, CAPACITY);
    old.retain_until = Some(room.clock.now() + chrono::TimeDelta::days(1));
    let writer =
        VolumeWriter::label_new(drive, old.clone(), LabelPolicy::BlankOnly, settings.clone())
            .unwrap();
    let new = room.header("ABC001L8", stream.geometry, CAPACITY);
    let mut drive = writer.into_drive();
    for (policy, retention) in [
        (LabelPolicy::OverwriteForeign, false),
        (LabelPolicy::Reuse(new.volume), false),
        (LabelPolicy::Reuse(old.volume), true),
    ] {
        let refused =
            VolumeWriter::label_new(drive, new.clone(), policy, settings.clone()).unwrap_err();
        let runs = matches!(refused.error, VolumeError::RetentionRuns { .. });
        assert_eq!(runs, retention, "{refused}");
        drive = refused.drive;
    }
    room.clock.pause(std::time::Duration::from_secs(2 * 86_400));
    VolumeWriter::label_new(drive, new.clone(), LabelPolicy::Reuse(old.volume), settings).unwrap();
    assert_eq!(on_volume(&room), new.volume);
}

#[test]
fn write_protection_is_told_before_anything_else() {
    let cartridge = CartridgeSpec::labelled("ABC001L8")
        .with_capacity(CAPACITY)
        .with_write_protection();
    let room = Room::new([cartridge]);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let drive = room.load("ABC001L8", 0);
    let header = room.header("ABC001L8", stream.geometry, CAPACITY);
    let refused = VolumeWriter::label_new(
        drive,
        header,
        LabelPolicy::BlankOnly,
        room.settings(stream.geometry),
    )
    .unwrap_err();
    assert!(
        matches!(refused.error, VolumeError::WriteProtected),
        "{refused}"
    );
}

#[test]
fn modes_are_set_for_writing_and_put_back() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut drive = room.load("ABC001L8", 0);
    let before = drive.modes().unwrap();
    let header = room.header("ABC001L8", stream.geometry, CAPACITY);
    let settings = room.settings(stream.geometry);
    let writer = VolumeWriter::label_new(drive, header, LabelPolicy::BlankOnly, settings).unwrap();
    assert_eq!(writer.early_warning(), EarlyWarning::Programmable);
    let during = room.drive(0).modes().unwrap();
    let size = during.programmable_early_warning.unwrap();
    assert!(u64::from(size.0) * 1_000_000 >= stream.geometry.reserve());
    assert_eq!((during.block_length, during.compression), (0, Some(false)));
    let mut drive = writer.into_drive();
    assert_eq!(drive.modes().unwrap(), before);
}

#[test]
fn after_a_power_cut_the_committed_end_is_found_and_the_rest_overwritten() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut writer = room.label("ABC001L8", 0, stream.geometry, CAPACITY);
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![1; 50_000])
        .unwrap();
    writer.commit().unwrap();
    let on_record = record(&writer);
    // More is on tape than on record, and some of that only in the drive's buffer.
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![2; 50_000])
        .unwrap();
    writer.commit().unwrap();
    writer
        .begin_file(start(FileKind::SetIndex, &stream))
        .unwrap();
    writer.write(&[3; 16 << 10]).unwrap();
    room.library.power_cut();
    drop(writer);

    let refused = VolumeWriter::open_append(
        room.drive(0),
        on_record.clone(),
        room.settings(stream.geometry),
    )
    .unwrap_err();
    assert!(
        matches!(refused.error, VolumeError::TrailerMismatch { .. }),
        "{refused}"
    );
    let mut writer = VolumeWriter::open_after_crash(
        room.drive(0),
        on_record.clone(),
        room.settings(stream.geometry),
    )
    .unwrap();
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![4; 20_000])
        .unwrap();
    writer.commit().unwrap();
    writer.write_directory().unwrap();
    let files = writer.files().to_vec();
    drop(writer.into_drive());
    assert_eq!(files[..2], on_record.files);
    let mut reader = room.reader(0, on_record.volume);
    assert_eq!(reader.scan().unwrap(), files);
    assert_eq!(reader.read_small(&files[2]).unwrap(), vec![4; 20_000]);
}

#[test]
fn worm_media_are_appended_to_behind_what_was_never_finished() {
    let room = Room::with(&["ABC001LY"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let mut writer = room.label("ABC001LY", 0, stream.geometry, CAPACITY);
    assert!(writer.is_worm());
    let on_record = record(&writer);
    writer
        .begin_file(start(FileKind::SetIndex, &stream))
        .unwrap();
    writer.write(&[3; 16 << 10]).unwrap();
    // Given up: on tape it stays.
    writer.rollback().unwrap();
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![4; 20_000])
        .unwrap();
    let good = writer.commit().unwrap().remove(0);
    assert_eq!((good.sequence.0, good.tape_file.0), (2, 6));
    let after = record(&writer);
    // Again, found by a later session whose record lacks what is on tape.
    drop(writer.into_drive());
    let mut writer = VolumeWriter::open_after_crash(
        room.drive(0),
        on_record.clone(),
        room.settings(stream.geometry),
    )
    .unwrap();
    writer
        .write_file(start(FileKind::SetIndex, &stream), &vec![5; 20_000])
        .unwrap();
    writer.commit().unwrap();
    writer.write_directory().unwrap();
    let files = writer.files().to_vec();
    drop(writer.into_drive());

    let mut reader = room.reader(0, on_record.volume);
    assert_eq!(reader.read_small(&good).unwrap(), vec![4; 20_000]);
    for file in &files {
        reader.check_labels(file).unwrap();
    }
    let scanned = reader.scan().unwrap();
    assert!(
        files.iter().all(|file| scanned.contains(file)),
        "{scanned:#?}"
    );
    assert!(scanned.contains(&after.files[1]));
    let (directory, _) = reader.directory().unwrap().unwrap();
    assert_eq!(directory.files.len(), 2);
    drop(reader);

    let header = room.header("ABC001LY", stream.geometry, CAPACITY);
    let refused = VolumeWriter::label_new(
        room.drive(0),
        header,
        LabelPolicy::Reuse(on_record.volume),
        room.settings(stream.geometry),
    )
    .unwrap_err();
    assert!(
        matches!(refused.error, VolumeError::WormNotBlank { .. }),
        "{refused}"
    );
}

#[test]
fn a_volume_is_full_before_its_directory_is_too_long() {
    let room = Room::with(&["ABC001L8"], CAPACITY);
    let stream = Stream::new(&room, Codec::None, CAPACITY);
    let limit = stream.geometry.directory_limit;
    let mut writer = room.label("ABC001L8", 0, stream.geometry, CAPACITY);
    while writer.room() == Space::Open {
        for _ in 0..3 {
            let start = start(FileKind::SetIndex, &stream);
            writer.write_file(start, b"{}").unwrap();
        }
        writer.commit().unwrap();
    }
    let files = writer.files().len() as u64;
    assert!(files > limit / Directory::ENTRY_BOUND - 10, "{files} files");
    writer
        .write_file(start(FileKind::SetIndex, &stream), b"{}")
        .unwrap();
    writer.commit().unwrap();
    let directory = writer.write_directory().unwrap();
    assert!(directory.length <= limit, "{}", directory.length);
}

#[test]
fn file_numbers_end_with_the_last_one_for_the_directory() {
    let room = Room::with(&["ABC001L8"], 4096 * MIB);
    let mut stream = Stream::new(&room, Codec::None, CAPACITY);
    stream.geometry.directory_limit = 10_000 * Directory::ENTRY_BOUND;
    let mut writer = room.label("ABC001L8", 0, stream.geometry, 4096 * MIB);
    while writer.room() == Space::Open {
        for _ in 0..3 {
            let start = start(FileKind::SetIndex, &stream);
            writer.write_file(start, b"{}").unwrap();
        }
        writer.commit().unwrap();
    }
    let last = writer.files().last().unwrap().sequence.0;
    assert!((9_990..9_998).contains(&last), "{last}");
    writer
        .write_file(start(FileKind::SetIndex, &stream), b"{}")
        .unwrap();
    writer.commit().unwrap();
    writer.write_directory().unwrap();
    while writer.files().last().unwrap().sequence.0 < 9_999 {
        writer
            .write_file(start(FileKind::SetIndex, &stream), b"{}")
            .unwrap();
        writer.commit().unwrap();
    }
    let error = writer
        .write_file(start(FileKind::SetIndex, &stream), b"{}")
        .unwrap_err();
    assert!(matches!(error, VolumeError::NoSequenceLeft), "{error}");
}
