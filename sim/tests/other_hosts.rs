//! CDBs as programs nobody here wrote send them, and what a unit has to say to each.
//!
//! - mtx 1.3.12 with `strace -e ioctl`, sg3_utils 1.46 with `-vvv`: against tgt 1.0.85, whose
//!   elements have other addresses; those here are put in, nothing else is changed.
//! - LTFS: LinearTapeFileSystem/ltfs at 7c01479, src/tape_drivers/linux/sg/sg_tape.c.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{CHANGER, DRIVE, ONE, World};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

/// `mtx status`, `load 1 0`, `eepos 1 transfer ...`, `position 3`. mtx puts the logical unit's
/// number (here 3) into bits 7-5 of READ ELEMENT STATUS byte 1 as SCSI-2 had it, and what it does with the
/// import/export slot into bits 7-6 of the control byte.
#[test]
fn mtx() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let page = changer
        .send_in(&[0x1a, 0x08, 0x1d, 0x00, 0x88, 0x00], 136)
        .good();
    assert_eq!(page[..6], [23, 0, 0, 0, 0x1d, 0x12]);
    for (kind, high, low, count, length) in [
        (2, 0x04, 0x01, 24, 1300),
        (3, 0x03, 0x01, 4, 1300),
        (4, 0x01, 0x01, 2, 1300),
        (1, 0x00, 0x01, 1, 1300),
    ] {
        let cdb = [
            0xb8,
            0x70 | kind,
            high,
            low,
            0,
            count,
            0x00,
            0x00,
            0x05,
            0x14,
            0x00,
            0x00,
        ];
        let report = changer.send_in(&cdb, length).good();
        assert_eq!(report[..4], [high, low, 0, count]);
        assert_eq!(report[8..10], [kind, 0x80]);
    }
    let load = [
        0xa5, 0x00, 0x00, 0x01, 0x04, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00,
    ];
    changer.send(&load).good();
    let eepos = [
        0xa5, 0x00, 0x00, 0x01, 0x01, 0x01, 0x03, 0x01, 0x00, 0x00, 0x00, 0x40,
    ];
    changer.send(&eepos).good();
    let position = [0x2b, 0x00, 0x00, 0x01, 0x04, 0x03, 0x00, 0x00, 0x00, 0x00];
    changer.send(&position).good();
    changer.send(&[0x07, 0, 0, 0, 0, 0]).good(); // mtx inventory
}

/// `sg_turs`, `sg_vpd -p 0x83`, `sg_requests`, `sg_requests -d`, `sg_luns`, `sg_start --load`,
/// `sg_prevent`: requests with the lengths sg3_utils asks for.
#[test]
fn sg3_utils_for_every_device() {
    let world = world();
    let mut drive = world.loaded();
    drive.send(&[0x00, 0x00, 0x00, 0x00, 0x00, 0x00]).good();
    let page = drive
        .send_in(&[0x12, 0x01, 0x83, 0x00, 0xfc, 0x00], 252)
        .good();
    assert_eq!(usize::from(page[3]) + 4, page.len());
    let fixed = drive.send_in(&[0x03, 0, 0, 0, 0xfc, 0], 252).good();
    assert_eq!((fixed[0], fixed.len()), (0x70, 18));
    let descriptor = drive.send_in(&[0x03, 1, 0, 0, 0xfc, 0], 252).good();
    assert_eq!((descriptor[0], descriptor.len()), (0x72, 8));
    let luns = drive
        .send_in(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0], 8192)
        .good();
    assert_eq!(luns[..4], [0, 0, 0, 24]);
    drive.send(&[0x1b, 0x00, 0x00, 0x00, 0x03, 0x00]).good();
    drive.send(&[0x1e, 0x00, 0x00, 0x00, 0x01, 0x00]).good();
    drive.send(&[0x1e, 0x00, 0x00, 0x00, 0x00, 0x00]).good();
}

/// `sg_logs -p 0x2e` and `-p 0x31` ask for the header first; with `--paramp=3 --maxlen=252` from parameter
/// 0003h on; `-c 2` is page control 10b (threshold values), which is not kept here.
#[test]
fn sg_logs() {
    let world = world();
    let mut drive = world.loaded();
    let alerts = drive
        .send_in(&[0x4d, 0, 0x6e, 0, 0, 0, 0, 0, 4, 0], 4)
        .good();
    assert_eq!(alerts, [0x2e, 0, 0x01, 0x40]);
    let header = drive
        .send_in(&[0x4d, 0, 0x71, 0, 0, 0, 0, 0, 4, 0], 4)
        .good();
    assert_eq!(header, [0x31, 0, 0, 32]);
    let rest = drive
        .send_in(&[0x4d, 0, 0x71, 0, 0, 0, 3, 0, 0xfc, 0], 252)
        .good();
    assert_eq!(rest[..8], [0x31, 0, 0, 16, 0, 3, 3, 4]);
    let thresholds = drive.send_in(&[0x4d, 0, 0x97, 0, 0, 0, 0, 0, 4, 0], 4);
    assert_eq!(thresholds.sense(), (5, 0x24, 0x00));
}

/// `sg_modes -p 0x10`, `-p 0xf`, `-6 -p 0x10,1 --control=1`.
#[test]
fn sg_modes() {
    let world = world();
    let mut drive = world.loaded();
    let ten = drive
        .send_in(&[0x5a, 0, 0x10, 0, 0, 0, 0, 0x10, 0, 0], 4096)
        .good();
    assert_eq!(ten[..8], [0, 0x1e, 0, 0x10, 0, 0, 0, 8]);
    assert_eq!((ten[16..18].to_vec(), ten.len()), (vec![0x10, 14], 32));
    let compression = drive
        .send_in(&[0x5a, 0, 0x0f, 0, 0, 0, 0, 0x10, 0, 0], 4096)
        .good();
    assert_eq!(compression[16..19], [0x0f, 14, 0xc0]);
    let six = drive.send_in(&[0x1a, 0, 0x50, 1, 0xfc, 0], 252).good();
    assert_eq!(usize::from(six[0]) + 1, six.len());
    assert_eq!(six[12..16], [0x50, 1, 0, 28]);
}

/// `sg_read_attr`, `--sa=1`, `--sa=5`, `-F 0x401 -p 1`; formats of the replies: Oracle "T10000
/// Interface Reference Manual" (August 2016), tables 3-95, 3-103 and 3-104 (pages 146, 151, 152).
#[test]
fn sg_read_attr() {
    let world = world();
    let mut drive = world.loaded();
    let mut ask = |action: u8, partition: u8, first: [u8; 2]| {
        let [high, low] = first;
        let cdb = [
            0x8c, action, 0, 0, 0, 0, 0, partition, high, low, 0, 0, 0x20, 0, 0, 0,
        ];
        drive.send_in(&cdb, 8192)
    };
    let number = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    let values = ask(0, 0, [0, 0]).good();
    assert_eq!(number(&values[2..]) + 4, values.len());
    // The first attribute: identifier 0000h, READ ONLY and binary, eight bytes, 64 MiB remain.
    assert_eq!(values[4..17], [0, 0, 0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0, 64]);
    let mut found = Vec::new();
    let mut at = 4;
    while at < values.len() {
        found.push(number(&values[at..]));
        at += 5 + number(&values[at + 3..]);
    }
    assert_eq!(at, values.len());
    let list = ask(1, 0, [0, 0]).good();
    let listed: Vec<usize> = list[4..].chunks(2).map(number).collect();
    assert_eq!(listed, found);
    let supported = ask(5, 0, [0, 0]).good();
    let supported: Vec<usize> = supported[4..].chunks(2).map(number).collect();
    assert!(found.iter().all(|one| supported.contains(one)));
    assert!(supported.contains(&0x0806));
    assert_eq!(ask(0, 1, [4, 1]).sense(), (5, 0x24, 0x00));
    let serial = ask(0, 0, [4, 1]).good();
    assert_eq!(serial[4..9], [4, 1, 0x81, 0, 32]);
}

/// src/libltfs/tape.c, `tape_set_pews` and `tape_get_pews`, through `sg_modesense` and `sg_modeselect`:
/// 48 bytes of page 10h/01h are asked for and no other length is taken; the first two are cleared,
/// bit 7 of byte 16, and the size goes into 22 and 23.
#[test]
fn early_warning_of_ltfs() {
    let world = world();
    let mut drive = world.loaded();
    let sense = [0x5a, 0, 0x10, 0x01, 0, 0, 0, 0, 48, 0];
    let mut page = drive.send_in(&sense, 48).good();
    assert_eq!(page.len(), 48);
    assert_eq!(page[22..24], [0, 0]);
    page[..2].fill(0);
    page[16] &= 0x7f;
    page[22..24].copy_from_slice(&[0, 32]);
    drive
        .send_out(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 48, 0], &page)
        .good();
    assert_eq!(drive.send_in(&sense, 48).good()[22..24], [0, 32]);
    // Of 67.1 MB early warning takes the last 1.3 and this 32 before: 33.8 are left, 32 blocks.
    let ends: Vec<_> = (0..34)
        .map(|_| drive.write(&vec![0; 1 << 20]).sense())
        .collect();
    let first = ends.iter().position(|end| *end == (0, 0x00, 0x07));
    assert_eq!(first, Some(32));
}

/// `_cdb_read_block_limits`, `sg_write_attribute`, `_cdb_write`, `sg_writefm` with IMMED, `sg_locate`,
/// `sg_space`, `_cdb_read` with SILI, `sg_readpos`, `sg_erase` (long, immediate), `sg_rewind`.
#[test]
fn ltfs() {
    let world = world();
    let mut drive = world.loaded();
    let limits = drive.send_in(&[0x05, 0, 0, 0, 0, 0], 6).good();
    assert_eq!(limits, [0, 0x80, 0, 0, 0, 1]);
    let list = b"\x00\x00\x00\x0d\x08\x00\x01\x00\x08LTFS    ";
    let cdb = [0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0];
    drive.send_out(&cdb, list).good();
    let cdb = [0x8c, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 17, 0, 0];
    assert_eq!(drive.send_in(&cdb, 17).good(), list);
    for block in [&b"one"[..], b"two", b"three"] {
        drive.write(block).good();
        drive.filemarks(1, true).good();
    }
    let position = [0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0];
    let long = drive.send_in(&position, 32).good();
    assert_eq!((long[15], long[23]), (6, 3));
    let mut locate = [0; 16];
    (locate[0], locate[11]) = (0x92, 2);
    drive.send(&locate).good();
    let short = drive.send_in(&[0x08, 0x02, 0, 0, 100, 0], 100).good();
    assert_eq!(short, b"two");
    let mut space = [0; 16];
    (space[0], space[1]) = (0x91, 0x01);
    space[4..12].copy_from_slice(&(-1_i64).to_be_bytes());
    drive.send(&space).good();
    assert_eq!(drive.position().1, 1);
    drive
        .send(&[0x91, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        .good();
    assert_eq!(drive.position().1, 6);
    drive.send(&locate).good();
    drive.send(&[0x19, 0x03, 0, 0, 0, 0]).good();
    assert_eq!(drive.read(10).sense(), (8, 0x00, 0x05));
    assert_eq!(world.unit(DRIVE, ONE).position().1, 2);
    drive.send(&[0x01, 0, 0, 0, 0, 0]).good();
    assert_eq!(drive.position().1, 0);
}
