//! Blocks and filemarks: what is written is read, and every way to stop is told apart.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, DRIVE, ONE, SLOT, World, pattern};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

#[test]
fn blocks_of_any_length_come_back() {
    let world = world();
    let mut drive = world.loaded();
    let blocks: Vec<Vec<u8>> = [1_usize, 80, 70_000, 262_144, 3]
        .iter()
        .map(|length| pattern(3, *length))
        .collect();
    for block in &blocks {
        drive.write(block).good();
    }
    drive.filemarks(1, false).good();
    assert_eq!(drive.position(), (0, 6, 1));
    drive.rewind().good();
    for block in &blocks {
        assert_eq!(&drive.read(block.len()).good(), block);
    }
    let mark = drive.read(100);
    assert_eq!(mark.sense(), (0, 0x00, 0x01));
    assert_eq!(mark.stream_bits(), 0x80);
    assert_eq!(mark.information(), Some(100));
    let end = drive.read(100);
    assert_eq!(end.sense(), (8, 0x00, 0x05));
    assert_eq!(drive.position(), (0, 6, 1));
}

#[test]
fn an_empty_drive_is_not_ready_and_a_loaded_one_is() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    assert_eq!(drive.ready().sense(), (2, 0x3a, 0x00));
    world.move_medium(SLOT, BAY).good();
    assert_eq!(drive.ready().sense(), (6, 0x28, 0x00));
    drive.ready().good();
}

/// Quantum "DLT-S4 Interface Reference Guide", table 129 (page 234): short and long blocks with
/// and without SILI; INFORMATION is the length asked for less the actual one.
#[test]
fn incorrect_lengths_in_variable_mode() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(&pattern(1, 100)).good();
    for (flags, asked, ili) in [
        (0, 100, None),
        (0, 120, Some(20)),
        (0, 60, Some(-40)),
        (2, 120, None),
        (2, 60, None),
    ] {
        drive.rewind().good();
        let answer = drive.send_in(&[0x08, flags, 0, 0, asked, 0], usize::from(asked));
        let length = usize::from(asked).min(100);
        assert_eq!(answer.data, pattern(1, 100)[..length], "{flags} {asked}");
        match ili {
            None => assert_eq!(answer.sense(), (0, 0, 0)),
            Some(difference) => {
                assert_eq!(answer.sense(), (0, 0x00, 0x00));
                assert_eq!(answer.stream_bits(), 0x20);
                assert_eq!(answer.information(), Some(difference));
            }
        }
        assert_eq!(drive.position().1, 1);
    }
}

fn fixed_blocks(drive: &mut support::Unit, length: u8) {
    let list = [0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, length];
    drive.send_out(&[0x15, 0x10, 0, 0, 12, 0], &list).good();
}

#[test]
fn fixed_blocks_are_counted() {
    let world = world();
    let mut drive = world.loaded();
    assert_eq!(
        drive.send_out(&[0x0a, 1, 0, 0, 1, 0], &[0; 64]).sense(),
        (5, 0x24, 0x00) // no block length is set
    );
    fixed_blocks(&mut drive, 64);
    let data = pattern(9, 64 * 5);
    let answer = drive.send_out(&[0x0a, 1, 0, 0, 5, 0], &data);
    assert_eq!(answer.reply.transferred, 320);
    answer.good();
    assert_eq!(drive.position().1, 5);
    drive.filemarks(1, false).good();
    drive.rewind().good();
    assert_eq!(
        drive.send_in(&[0x08, 1, 0, 0, 2, 0], 128).good(),
        data[..128]
    );
    // Four asked for, three there: the data, a filemark, one block missing.
    let answer = drive.send_in(&[0x08, 1, 0, 0, 4, 0], 256);
    assert_eq!(answer.data, data[128..]);
    assert_eq!(answer.stream_bits(), 0x80);
    assert_eq!(answer.information(), Some(1));
    // SILI with FIXED is refused (table 129 too).
    let refused = drive.send_in(&[0x08, 3, 0, 0, 1, 0], 64);
    assert_eq!(refused.sense(), (5, 0x24, 0x00));
    // A block of another length.
    drive.rewind().good();
    fixed_blocks(&mut drive, 32);
    let answer = drive.send_in(&[0x08, 1, 0, 0, 3, 0], 96);
    assert_eq!(answer.stream_bits(), 0x20);
    assert_eq!(answer.information(), Some(3));
    assert_eq!(drive.position().1, 1);
    // With a block length set, a long block is told of in spite of SILI.
    let answer = drive.send_in(&[0x08, 2, 0, 0, 10, 0], 10);
    assert_eq!(
        (answer.stream_bits(), answer.information()),
        (0x20, Some(-54))
    );
}

#[test]
fn nothing_is_moved_by_length_zero() {
    let world = world();
    let mut drive = world.loaded();
    drive.send(&[0x0a, 0, 0, 0, 0, 0]).good();
    drive.write(b"x").good();
    drive.send(&[0x08, 0, 0, 0, 0, 0]).good();
    assert_eq!(drive.position().1, 1);
    // More than the longest block.
    let long = drive.send_in(&[0x08, 0, 0x80, 0, 1, 0], 10);
    assert_eq!(long.sense(), (5, 0x24, 0x00));
    // Less data than the CDB says.
    let short = drive.send_out(&[0x0a, 0, 0, 0, 9, 0], b"12345678");
    assert_eq!(short.sense(), (11, 0x4b, 0x00));
    assert_eq!(drive.position().1, 1);
}

/// Objects: 0 1 2 F 4 F F 7 8 (F: filemark).
fn marked() -> (World, support::Unit) {
    let world = world();
    let mut drive = world.loaded();
    for file in [3_u8, 1, 0, 2] {
        for block in 0..file {
            drive.write(&[block; 10]).good();
        }
        if file != 2 {
            drive.filemarks(1, true).good();
        }
    }
    (world, drive)
}

/// Sense, stream bits and residual of a command that was stopped.
type Stop = Option<((u8, u8, u8), u8, i32)>;

/// Where it ends, what stops it, and the residual: Sony "AIT-3Ex drive SDX-800V series" manual, SPACE
/// (page 6-103).
#[test]
fn space_over_blocks_and_filemarks() {
    let (_world, mut drive) = marked();
    let filemark = |residual| Some(((0, 0x00, 0x01), 0x80, residual));
    let end = |residual| Some(((8, 0x00, 0x05), 0, residual));
    let beginning = |residual| Some(((0, 0x00, 0x04), 0x40, residual));
    let cases: [(u32, u8, i32, u64, Stop); 20] = [
        (0, 0, 3, 3, None),
        (0, 0, 4, 4, filemark(1)),
        (1, 0, 9, 4, filemark(7)),
        (4, 0, 1, 5, None),
        (7, 0, 2, 9, None),
        (7, 0, 5, 9, end(3)),
        (9, 0, -2, 7, None),
        (9, 0, -3, 6, filemark(1)),
        (2, 0, -2, 0, None),
        (2, 0, -5, 0, beginning(3)),
        (4, 0, -1, 3, filemark(1)),
        (0, 1, 1, 4, None),
        (0, 1, 3, 7, None),
        (0, 1, 4, 9, end(1)),
        (4, 1, 1, 6, None),
        (9, 1, -1, 6, None),
        (9, 1, -3, 3, None),
        (9, 1, -4, 0, beginning(1)),
        (5, 1, 0, 5, None),
        (2, 3, 0, 9, None),
    ];
    for (from, code, count, to, stop) in cases {
        drive.locate(from).good();
        let answer = drive.space(code, count);
        let found = (answer.reply.status != tapeward_drivers::transport::Status::Good).then(|| {
            (
                answer.sense(),
                answer.stream_bits(),
                answer.information().unwrap(),
            )
        });
        assert_eq!(found, stop, "{from} {code} {count}");
        assert_eq!(drive.position().1, to, "{from} {code} {count}");
        // SPACE(16) does the same.
        drive.locate(from).good();
        let mut cdb = vec![0x91, code, 0, 0];
        cdb.extend(i64::from(count).to_be_bytes());
        cdb.extend([0; 4]);
        let long = drive.send(&cdb);
        assert_eq!(long.reply.sense, answer.reply.sense);
        assert_eq!(drive.position().1, to);
    }
    assert_eq!(drive.space(2, 1).sense(), (5, 0x24, 0x00));
}

#[test]
fn locate_by_object_file_and_end() {
    let (_world, mut drive) = marked();
    let mut long = |kind: u8, to: u64| {
        let mut cdb = vec![0x92, kind << 3, 0, 0];
        cdb.extend(to.to_be_bytes());
        cdb.extend([0; 4]);
        let sense = drive.send(&cdb).sense();
        (sense, drive.position())
    };
    assert_eq!(long(0, 5), ((0, 0, 0), (0, 5, 1)));
    assert_eq!(long(1, 0), ((0, 0, 0), (0x80, 0, 0)));
    assert_eq!(long(1, 1), ((0, 0, 0), (0, 4, 1)));
    assert_eq!(long(1, 3), ((0, 0, 0), (0, 7, 3)));
    assert_eq!(long(1, 4), ((8, 0x00, 0x05), (0, 9, 3)));
    assert_eq!(long(0, 2), ((0, 0, 0), (0, 2, 0)));
    assert_eq!(long(3, 0), ((0, 0, 0), (0, 9, 3)));
    assert_eq!(long(2, 0).0, (5, 0x24, 0x00));
    assert_eq!(drive.locate(9).sense(), (0, 0, 0));
    assert_eq!(drive.locate(10).sense(), (8, 0x00, 0x05));
    // CP: another partition.
    let other = [0x2b, 2, 0, 0, 0, 0, 0, 0, 1, 0];
    assert_eq!(drive.send(&other).sense(), (5, 0x24, 0x00));
}

/// Short and long form: Oracle "T10000 Interface Reference Manual" (August 2016), tables 3-115 and 3-116
/// (pages 160 and 162). Extended form: FreeBSD at 0162500, sys/cam/scsi/scsi_sa.h,
/// `scsi_tape_position_ext_data`.
#[test]
fn positions_in_all_forms() {
    let world = world();
    let mut drive = world.loaded();
    let form = |drive: &mut support::Unit, action| {
        drive
            .send_in(&[0x34, action, 0, 0, 0, 0, 0, 0, 32, 0], 32)
            .good()
    };
    let mut start = vec![0; 20];
    start[0] = 0x80;
    assert_eq!(form(&mut drive, 0), start);
    drive.write(&[1; 300]).good();
    drive.filemarks(1, false).good();
    drive.write(&[1; 1000]).good();
    drive.write(&[1; 1000]).good();
    // First: next to be written; last: first that is still in the buffer; then objects, bytes.
    let short = [
        0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0x07, 0xd0,
    ];
    assert_eq!(form(&mut drive, 0), short);
    assert_eq!(form(&mut drive, 1), short);
    let mut long = vec![0; 32];
    (long[15], long[23]) = (4, 1);
    assert_eq!(form(&mut drive, 6), long);
    let mut extended = vec![0, 0, 0, 28, 0, 0, 0, 2];
    extended.extend(4_u64.to_be_bytes());
    extended.extend(2_u64.to_be_bytes());
    extended.extend(2000_u64.to_be_bytes());
    assert_eq!(form(&mut drive, 8), extended);
    // WRITE FILEMARKS of none writes the buffer out.
    drive.filemarks(0, false).good();
    assert_eq!(drive.buffered(), (0, 0));
    let refused = drive.send_in(&[0x34, 2, 0, 0, 0, 0, 0, 0, 32, 0], 32);
    assert_eq!(refused.sense(), (5, 0x24, 0x00));
}

/// Buffered mode: Seagate "LTO SCSI Interface Manual" (Viper 200), page 54; what writes the buffer out.
#[test]
fn the_buffer_is_written_out_by_motion_and_reading() {
    let world = world();
    let mut drive = world.loaded();
    let fill = |drive: &mut support::Unit| {
        drive.space(3, 0).good();
        drive.write(&[1; 100]).good();
        drive.filemarks(1, true).good();
        assert_eq!(drive.buffered(), (2, 100));
    };
    fill(&mut drive);
    drive.filemarks(1, false).good();
    assert_eq!(drive.buffered().0, 0);
    fill(&mut drive);
    drive.rewind().good();
    assert_eq!(drive.buffered().0, 0);
    fill(&mut drive);
    drive.locate(1).good();
    assert_eq!(drive.buffered().0, 0);
    fill(&mut drive);
    assert_eq!(drive.read(10).sense().0, 8);
    assert_eq!(drive.buffered().0, 0);
    // Unbuffered mode (0h): every write is on the medium when it returns; IMMED is refused.
    fill(&mut drive);
    drive
        .send_out(&[0x15, 0x10, 0, 0, 4, 0], &[0, 0, 0, 0])
        .good();
    assert_eq!(drive.buffered().0, 0);
    drive.write(&[1; 100]).good();
    assert_eq!(drive.buffered().0, 0);
    assert_eq!(drive.filemarks(1, true).sense(), (5, 0x24, 0x00));
}

#[test]
fn a_write_ends_the_tape_where_it_is() {
    let (_world, mut drive) = marked();
    drive.locate(1).good();
    drive.write(b"new").good();
    assert_eq!(drive.read(10).sense(), (8, 0x00, 0x05));
    drive.rewind().good();
    assert_eq!(drive.read(10).good(), [0; 10]);
    assert_eq!(drive.read(3).good(), b"new");
    drive.rewind().good();
    drive.send(&[0x19, 0, 0, 0, 0, 0]).good();
    assert_eq!(drive.read(10).sense(), (8, 0x00, 0x05));
}

/// Wireshark at 055dd62, epan/dissectors/packet-scsi-ssc.c, `dissect_ssc_writefilemarks16` and
/// `dissect_ssc_erase16`: partition in byte 3, address in 4 to 11; count in 12 to 14. Of byte 1, IMMED
/// is bit 0 of the one and bit 1 of the other, whose bit 0 is LONG.
#[test]
fn explicit_address_commands_must_name_the_position() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(b"x").good();
    let filemarks = |flags, at| [0x80, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, at, 0, 0, 2, 0];
    assert_eq!(drive.send(&filemarks(0, 0)).sense(), (5, 0x24, 0x00));
    let mut elsewhere = filemarks(0, 1);
    elsewhere[3] = 1;
    assert_eq!(drive.send(&elsewhere).sense(), (5, 0x24, 0x00));
    drive.send(&filemarks(0, 1)).good();
    assert_eq!(drive.position(), (0, 3, 2));
    assert_eq!(drive.buffered().0, 0);
    drive.send(&filemarks(1, 3)).good();
    assert_eq!(drive.buffered().0, 2);
    // 4 is the second of these two filemarks; the address is that of the current position only.
    drive.locate(4).good();
    let erase = |flags, at| [0x93, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, at, 0, 0, 0, 0];
    assert_eq!(drive.send(&erase(0, 3)).sense(), (5, 0x24, 0x00));
    assert_eq!(drive.send(&erase(0, 5)).sense(), (5, 0x24, 0x00));
    drive.space(3, 0).good();
    assert_eq!(drive.position(), (0, 5, 4));
    for (flags, at) in [(0x00, 4), (0x01, 3), (0x03, 2)] {
        drive.locate(u32::from(at)).good();
        drive.send(&erase(flags, at)).good();
        assert_eq!(drive.read(1).sense(), (8, 0x00, 0x05));
        assert_eq!(drive.position().1, u64::from(at));
    }
}

#[test]
fn tape_files_are_dumped() {
    let (world, mut drive) = marked();
    drive.rewind().good();
    let id = tapeward_sim::CartridgeId::new("TW0001L8").unwrap();
    let to = world.dir.path().join("out");
    let files = tapeward_sim::dump(world.dir.path(), &id, &to).unwrap();
    let found: Vec<(&str, u64, u64, bool)> = files
        .iter()
        .map(|file| {
            let blocks = file.blocks.iter().map(|run| run.count).sum();
            (file.name.as_str(), file.length, blocks, file.filemark)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("file0000", 30, 3, true),
            ("file0001", 10, 1, true),
            ("file0002", 0, 0, true),
            ("file0003", 20, 2, false),
        ]
    );
    let mut expected = vec![0; 10];
    expected.extend([1; 10]);
    assert_eq!(std::fs::read(to.join("file0003")).unwrap(), expected);
    let text = std::fs::read(to.join("blocks.json")).unwrap();
    let listed: Vec<tapeward_sim::DumpedFile> = serde_json::from_slice(&text).unwrap();
    assert_eq!(listed, files);
    let missing = tapeward_sim::CartridgeId::new("NONE").unwrap();
    assert!(tapeward_sim::dump(world.dir.path(), &missing, &to).is_err());
}
