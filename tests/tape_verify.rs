//! Reading back, tape to tape, and reading without this program.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

#[path = "support/tape.rs"]
mod support;

#[path = "support/tape_members.rs"]
mod members;
#[path = "support/tape_transports.rs"]
mod transports;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use members::{stream_bytes, write_members, write_one};
use support::{MIB, Outcome, Room, Shelf, Stream, finish};
use tapeward::id::VolumeId;
use tapeward::key::Identities;
use tapeward::tape::codec::Codec;
use tapeward::tape::copy::{CopyError, SpooledSegment, copy_segment};
use tapeward::tape::error::VolumeError;
use tapeward::tape::layout::{FileKind, SegmentFiles};
use tapeward::tape::verify::{Depth, VerifyError, verify_next, verify_segment};
use tapeward::tape::volume::{Room as Space, VolumeReader};
use tapeward_drivers::ssc;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeId, CartridgeSpec};

const CAPACITY: u64 = 64 * MIB;
const MEMBER: u64 = 100_000;

struct Written {
    room: Arc<Room>,
    stream: Stream,
    outcome: Outcome,
    volume: VolumeId,
}

/// A stream on AAA001L8, which stays in the first drive.
fn written(codec: Codec, members: u64, others: &[&str]) -> Written {
    let barcodes: Vec<&str> = ["AAA001L8"].iter().chain(others).copied().collect();
    let room = Room::with(&barcodes, CAPACITY);
    let stream = Stream::new(&room, codec, CAPACITY);
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
    let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
    write_members(&mut segmenter, 0..members, MEMBER).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    let volume = outcome.committed[0].2;
    Written {
        room,
        stream,
        outcome,
        volume,
    }
}

impl Written {
    fn segments(&self) -> impl Iterator<Item = &SegmentFiles> {
        self.outcome.committed.iter().map(|(.., files)| files)
    }

    fn reader(&self) -> VolumeReader {
        self.room.reader(0, self.volume)
    }

    fn fault(&self, record: u64, fault: Fault) {
        let cartridge = "AAA001L8".to_owned();
        let at = match fault {
            Fault::MediumError => Place::ReadRecord { cartridge, record },
            _ => Place::WriteRecord { cartridge, record },
        };
        self.room
            .library
            .set_faults(vec![PlannedFault { at, fault }])
            .unwrap();
    }
}

#[test]
fn what_was_written_verifies_with_and_without_a_key() {
    for codec in [Codec::ZstdAge, Codec::None] {
        let written = written(codec, 40, &[]);
        let identities = written.stream.keys.identities();
        let mut reader = written.reader();
        for (number, files) in written.segments().enumerate() {
            let plain = verify_segment(&mut reader, files, Depth::Bytes).unwrap();
            assert_eq!(plain.facts, written.outcome.closed[number].facts);
            assert_eq!(plain.rows, None);
            let deep = verify_segment(&mut reader, files, Depth::Content(&identities)).unwrap();
            assert_eq!(deep.rows, Some(plain.facts.members));
        }
    }
}

/// Every frame, chunk, header and digest of a tape file is as it should be, and one file is not what
/// its row says.
#[test]
fn a_file_that_is_not_what_the_index_says_is_named() {
    for codec in [Codec::None, Codec::ZstdAge] {
        let room = Room::with(&["AAA001L8"], CAPACITY);
        let stream = Stream::new(&room, codec, CAPACITY);
        let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
        let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
        for number in 0..60 {
            write_one(&mut segmenter, number, MEMBER, |bytes| {
                if number == 41 {
                    bytes[70_000] ^= 1;
                }
            });
        }
        drop(finish(segmenter));
        let outcome = stream.outcome();
        let identities = stream.keys.identities();
        let depth = Depth::Content(&identities);
        let mut reader = room.reader(0, outcome.committed[0].2);
        let (mut cut, mut compared, mut apart, mut alone) = (None, 0, 0, 0);
        let mut bad = Vec::new();
        assert!(outcome.committed.len() > 1);
        for (.., files) in &outcome.committed {
            match verify_next(&mut reader, files, depth, &mut cut) {
                Ok(verified) => {
                    compared += verified.files;
                    apart += verified.apart;
                }
                Err(VerifyError::Files {
                    why: None,
                    names,
                    compared: others,
                    ..
                }) => {
                    bad.extend(names);
                    compared += others;
                }
                Err(error) => panic!("{codec}: {error}"),
            }
            // Without what was read before, what begins there cannot be compared.
            if let Ok(verified) = verify_segment(&mut reader, files, depth) {
                alone += verified.apart;
            }
        }
        assert_eq!(bad, ["00000041"], "{codec}");
        assert_eq!(apart, 0, "{codec}");
        let segments = outcome.committed.len() as u64;
        assert_eq!(compared, 59, "{codec}");
        assert!((1..segments).contains(&alone), "{codec}: {alone}");
    }
}

#[test]
fn a_wrong_key_is_told_and_not_taken_for_damage() {
    let written = written(Codec::Age, 3, &[]);
    let files = written.segments().next().unwrap();
    let none = Identities::default();
    let error = verify_segment(&mut written.reader(), files, Depth::Content(&none)).unwrap_err();
    assert!(
        error.to_string().contains("none of the 0 identities"),
        "{error}"
    );
}

#[test]
fn a_bad_spot_and_a_wrong_record_are_found() {
    let written = written(Codec::Age, 20, &[]);
    let files = written.segments().next().unwrap().clone();
    written.fault(files.data.first_block.0 + 5, Fault::MediumError);
    let error = verify_segment(&mut written.reader(), &files, Depth::Bytes).unwrap_err();
    assert!(
        matches!(&error, VerifyError::Volume(VolumeError::Scsi { source, .. }) if source.sense().is_some()),
        "{error}"
    );
    // The same through the decoder keeps the sense data too.
    written.fault(files.data.first_block.0 + 5, Fault::MediumError);
    let identities = written.stream.keys.identities();
    let error =
        verify_segment(&mut written.reader(), &files, Depth::Content(&identities)).unwrap_err();
    let VerifyError::Files { why, names, .. } = &error else {
        panic!("{error}");
    };
    assert!(
        matches!(why.as_deref(), Some(VerifyError::Volume(VolumeError::Scsi { source, .. })) if source.sense().is_some()),
        "{error}"
    );
    assert!(!names.is_empty(), "{error}");

    let mut other = files.clone();
    other.data.xxh3_128 = tapeward::tape::TapeDigest::of(b"else");
    let error = verify_segment(&mut written.reader(), &other, Depth::Bytes).unwrap_err();
    assert!(matches!(error, VerifyError::Part { .. }), "{error}");
    let mut other = files;
    other.index.trailer = other.part.trailer.clone();
    let error = verify_segment(&mut written.reader(), &other, Depth::Bytes).unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Volume(VolumeError::LabelDisagrees { .. })
        ),
        "{error}"
    );
}

#[test]
fn tape_to_tape_gives_the_same_segments() {
    let written = written(Codec::ZstdAge, 40, &["BBB001L8", "CCC001L8"]);
    let geometry = written.stream.geometry;
    let spool = tempfile::tempdir().unwrap();
    let mut spooled = Vec::new();
    let mut reader = written.reader();
    let mut target = written.room.label("BBB001L8", 1, geometry, CAPACITY);
    let mut copies = Vec::new();
    for files in written.segments() {
        copies.push(copy_segment(&mut reader, files, &mut target, 8).unwrap());
        spooled.push(SpooledSegment::read(&mut reader, files, spool.path()).unwrap());
    }
    target.write_directory().unwrap();
    assert_eq!(target.room(), Space::Open);
    let volume = target.volume();
    drop(target.into_drive());
    drop(reader);
    check_copies(&written, written.room.reader(1, volume), &copies);

    written.room.unload("AAA001L8");
    let mut target = written.room.label("CCC001L8", 0, geometry, CAPACITY);
    let copies: Vec<_> = spooled
        .iter()
        .map(|segment| segment.write(&mut target).unwrap())
        .collect();
    let volume = target.volume();
    drop(target.into_drive());
    check_copies(&written, written.room.reader(0, volume), &copies);
    assert!(std::fs::read_dir(spool.path()).unwrap().count() > 0);
    drop(spooled);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
}

fn check_copies(written: &Written, mut reader: VolumeReader, copies: &[SegmentFiles]) {
    let identities = written.stream.keys.identities();
    assert_eq!(copies.len(), written.outcome.closed.len());
    for (closed, copy) in written.outcome.closed.iter().zip(copies) {
        let depth = Depth::Content(&identities);
        let verified = verify_segment(&mut reader, copy, depth).unwrap();
        assert_eq!(verified.facts, closed.facts);
    }
    for (files, copy) in written.segments().zip(copies) {
        for (one, other) in files.iter().zip(copy.iter()) {
            assert_eq!(one.xxh3_128, other.xxh3_128);
            // The labels differ in serial and numbers only: retention is kept.
            let expires =
                |file: &tapeward::tape::TapeFile| file.trailer.as_str()[47..53].to_owned();
            assert_eq!(expires(one), expires(other));
        }
    }
}

#[test]
fn a_copy_that_cannot_be_read_leaves_the_target_as_it_was() {
    let written = written(Codec::Age, 20, &["BBB001L8"]);
    let geometry = written.stream.geometry;
    let files: Vec<_> = written.segments().cloned().collect();
    let mut reader = written.reader();
    let mut target = written.room.label("BBB001L8", 1, geometry, CAPACITY);
    copy_segment(&mut reader, &files[0], &mut target, 4).unwrap();
    let before = target.files().to_vec();
    written.fault(files[1].data.first_block.0 + 9, Fault::MediumError);
    let error = copy_segment(&mut reader, &files[1], &mut target, 4).unwrap_err();
    assert!(matches!(error, CopyError::Source(_)), "{error}");
    assert_eq!(target.files(), before);
    // The fault fires once: the second try goes where the first had begun.
    let copy = copy_segment(&mut reader, &files[1], &mut target, 4).unwrap();
    assert_eq!(copy.data.first_block.0, before.last().unwrap().end().0 + 4);
    drop(target.into_drive());
}

fn run(program: &str, arguments: &[&str], input: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(input) = input {
        command.stdin(std::fs::File::open(input).unwrap());
    }
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.trim().is_empty(),
        "{program}: {errors}"
    );
    output.stdout
}

#[test]
fn age_zstd_and_xxhsum_read_the_dumped_tape_files() {
    let written = written(Codec::ZstdAge, 40, &[]);
    written.room.unload("AAA001L8");
    let folder = tempfile::tempdir().unwrap();
    let id = CartridgeId::new("AAA001L8").unwrap();
    tapeward_sim::dump(written.room.library.dir(), &id, folder.path()).unwrap();
    let identity = written.stream.keys.folder.path().join("site");
    let mut joined = Vec::new();
    for files in written.segments() {
        let path = folder
            .path()
            .join(format!("file{:04}", files.data.tape_file.0));
        let name = path.to_str().unwrap();
        let sum = run("xxhsum", &["-q", "-H2", name], None);
        assert!(sum.starts_with(files.data.xxh3_128.to_string().as_bytes()));
        let decrypted = run("age", &["-d", "-i", identity.to_str().unwrap(), name], None);
        let compressed = folder.path().join("compressed");
        std::fs::write(&compressed, decrypted).unwrap();
        joined.extend(run("zstd", &["-d", "-q"], Some(&compressed)));
        // The labels around it are text, and part.json is JSON.
        let labels = folder
            .path()
            .join(format!("file{:04}", files.data.tape_file.0 - 1));
        let labels = std::fs::read_to_string(labels).unwrap();
        assert_eq!(labels.len(), 240);
        assert!(labels.starts_with("HDR1SEG."));
        let part = folder
            .path()
            .join(format!("file{:04}", files.part.tape_file.0));
        let part: serde_json::Value =
            serde_json::from_slice(&std::fs::read(part).unwrap()).unwrap();
        assert_eq!(part["xxh3_128"], files.data.xxh3_128.to_string());
    }
    assert!(joined == stream_bytes(0..40, MEMBER));
}

#[test]
fn without_programmable_early_warning_bytes_are_counted() {
    // A reserve too large for PEWS (65,535 MB at most) is not granted.
    let room = Room::new([
        CartridgeSpec::labelled("AAA001L8").with_capacity(12 * MIB),
        CartridgeSpec::labelled("AAA002L8").with_capacity(12 * MIB),
    ]);
    let small = 12 * MIB;
    let stream = Stream::new(&room, Codec::None, small);
    let shelf = Shelf::new(&room, stream.geometry, small, &[(1, &["AAA002L8"])]);
    shelf
        .in_drive
        .lock()
        .unwrap()
        .push((0, "AAA001L8".to_owned()));
    drop(room.load("AAA001L8", 0));
    let drive = Box::new(ssc::Drive::new(Box::new(transports::NoPews(Box::new(
        room.path(0),
    )))));
    let header = room.header("AAA001L8", stream.geometry, small);
    let writer = tapeward::tape::volume::VolumeWriter::label_new(
        drive,
        header,
        tapeward::tape::volume::LabelPolicy::BlankOnly,
        room.settings(stream.geometry),
    )
    .unwrap();
    assert_eq!(
        writer.early_warning(),
        tapeward::tape::volume::EarlyWarning::Counted
    );
    let first = writer.volume();
    let mut segmenter = stream.start(vec![(1, writer)], shelf.clone());
    write_members(&mut segmenter, 0..150, MEMBER).unwrap();
    drop(finish(segmenter));
    let outcome = stream.outcome();
    assert!(outcome.lost.is_empty(), "{:?}", outcome.lost);
    assert!(outcome.finished.contains(&(1, first, true)));
    let directory = outcome
        .filed
        .iter()
        .find(|(_, volume, file)| *volume == first && file.kind == FileKind::Directory);
    assert!(directory.is_some());
}
