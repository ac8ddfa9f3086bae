//! Partitions, FORMAT MEDIUM, SET CAPACITY, append-only mode.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, SLOT, Unit, World, pattern};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

const CAPACITY: u64 = 64_000_000;

fn world(label: &str) -> World {
    let spec = LibrarySpec::new("generic", "TWTEST");
    let cartridge = CartridgeSpec::labelled(label).with_capacity(CAPACITY);
    World::new(&spec.with_cartridge(cartridge))
}

/// MODE SENSE(6) of page 11h without block descriptors, behind the header.
fn page(drive: &mut Unit) -> Vec<u8> {
    drive.send_in(&[0x1a, 0x08, 0x11, 0, 255, 0], 255).good()[4..].to_vec()
}

/// MODE SELECT(6) of page 11h as LTFS sets it (tape.c, tape_format): ADDITIONAL PARTITIONS byte 3,
/// IDP in byte 4 beside what is there, the unit byte 6, sizes from byte 8 on.
fn divide(drive: &mut Unit, unit: u8, sizes: [u16; 2]) -> (u8, u8, u8) {
    let mut list = vec![0, 0, 0x10, 0];
    list.extend(page(drive));
    (list[7], list[8], list[10]) = (1, 0x20 | list[8] & 0x1f, unit);
    list[12..14].copy_from_slice(&sizes[0].to_be_bytes());
    list[14..16].copy_from_slice(&sizes[1].to_be_bytes());
    let length = u8::try_from(list.len()).unwrap();
    drive
        .send_out(&[0x15, 0x10, 0, 0, length, 0], &list)
        .sense()
}

fn format(drive: &mut Unit, how: u8) -> (u8, u8, u8) {
    drive.send(&[0x04, 0, how, 0, 0, 0]).sense()
}

/// LOCATE(16) with CP.
fn go(drive: &mut Unit, partition: u8, object: u8) -> (u8, u8, u8) {
    drive
        .send(&[
            0x92, 0x02, 0, partition, 0, 0, 0, 0, 0, 0, 0, object, 0, 0, 0, 0,
        ])
        .sense()
}

/// PARTITION NUMBER of the short, the long and the extended form.
fn partition(drive: &mut Unit) -> [u8; 3] {
    let mut form = |action, length: u8| {
        let cdb = [0x34, action, 0, 0, 0, 0, 0, 0, length, 0];
        drive.send_in(&cdb, 32).good()
    };
    [form(0x00, 0)[1], form(0x06, 0)[7], form(0x08, 32)[1]]
}

/// Remaining of both partitions and maximum of both in MiB, log page 31h.
fn capacities(drive: &mut Unit) -> Vec<u32> {
    let page = drive
        .send_in(&[0x4d, 0, 0x71, 0, 0, 0, 0, 1, 0, 0], 256)
        .good();
    let values = page[4..].chunks(8);
    values
        .map(|one| u32::from_be_bytes(one[4..8].try_into().unwrap()))
        .collect()
}

fn two_partitions() -> (World, Unit) {
    let world = world("TW0001L8");
    let mut drive = world.loaded();
    drive.write(&pattern(1, 1000)).good();
    drive.filemarks(1, false).good();
    drive.rewind().good();
    assert_eq!(divide(&mut drive, 6, [2, 0xffff]), (0, 0, 0));
    assert_eq!(format(&mut drive, 1), (0, 0, 0));
    (world, drive)
}

#[test]
fn a_cartridge_is_divided_as_ltfs_does_it_and_made_whole_again() {
    let (world, mut drive) = two_partitions();
    let body = page(&mut drive);
    assert_eq!(body[..8], [0x11, 10, 1, 1, 0x3c, 3, 6, 0]);
    assert_eq!(body[8..], [0, 2, 0, 62]);
    assert_eq!(capacities(&mut drive), [1, 59, 1, 59]);
    let partitions = [0x8c, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0];
    assert_eq!(drive.send_in(&partitions, 4).good(), [0, 2, 0, 2]);
    // What was on it is gone.
    assert_eq!(drive.read(1000).sense(), (8, 0, 5));
    drive.write(b"index").good();
    assert_eq!(go(&mut drive, 1, 0), (0, 0, 0));
    assert_eq!(partition(&mut drive), [1, 1, 1]);
    drive.write(b"data 0").good();
    drive.write(b"data 1").good();
    assert_eq!(drive.position(), (0, 2, 0));
    drive.rewind().good(); // of this partition
    assert_eq!(drive.read(6).good(), b"data 0");
    assert_eq!(go(&mut drive, 0, 0), (0, 0, 0));
    assert_eq!(drive.read(5).good(), b"index");
    assert_eq!(go(&mut drive, 1, 1), (0, 0, 0));
    assert_eq!(drive.read(6).good(), b"data 1");
    assert_eq!(go(&mut drive, 2, 0), (5, 0x24, 0x00));
    assert_eq!(partition(&mut drive), [1, 1, 1]);
    // It is so after another load, which begins in partition 0.
    world.move_medium(BAY, SLOT).good();
    drop(drive); // it holds the library open
    let world = world.restart();
    let mut drive = world.loaded();
    assert_eq!(partition(&mut drive), [0, 0, 0]);
    assert_eq!(drive.read(5).good(), b"index");
    assert_eq!(go(&mut drive, 1, 1), (0, 0, 0));
    assert_eq!(drive.read(6).good(), b"data 1");
    // A former LTFS cartridge becomes one of one partition, at its beginning only.
    assert_eq!(format(&mut drive, 0), (5, 0x3b, 0x0c));
    assert_eq!(go(&mut drive, 0, 0), (0, 0, 0));
    assert_eq!(format(&mut drive, 0), (0, 0, 0));
    assert_eq!(page(&mut drive)[3], 0);
    assert_eq!(capacities(&mut drive), [61, 0, 61, 0]);
    assert_eq!(go(&mut drive, 1, 0), (5, 0x24, 0x00));
    assert_eq!(drive.read(5).sense(), (8, 0, 5));
}

#[test]
fn a_partition_has_an_end_of_its_own() {
    let (_world, mut drive) = two_partitions();
    let block = pattern(0, 500_000);
    let mut written = 0;
    while drive.write(&block).sense().0 == 0 {
        written += 1;
    }
    assert!((1..=3).contains(&written), "{written}");
    assert_eq!(go(&mut drive, 1, 0), (0, 0, 0));
    for _ in 0..6 {
        drive.write(&block).good();
    }
}

#[test]
fn a_power_cut_keeps_both_partitions_and_starts_in_the_first() {
    let (world, mut drive) = two_partitions();
    assert_eq!(go(&mut drive, 1, 0), (0, 0, 0));
    drive.write(b"kept").good();
    drive.filemarks(1, false).good();
    drive.write(b"lost").good();
    world.library.power_cut();
    let mut drive = world.fresh_unit(support::DRIVE, support::ONE);
    drive.drain_attentions();
    assert_eq!(partition(&mut drive), [0, 0, 0]);
    assert_eq!(go(&mut drive, 1, 0), (0, 0, 0));
    assert_eq!(drive.read(4).good(), b"kept");
    drive.space(3, 0).good();
    assert_eq!(drive.position().1, 2);
}

#[test]
fn what_cannot_be_formatted_is_refused_and_stays() {
    let world = world("TW0001LY");
    let mut drive = world.loaded();
    drive.write(b"for good").good();
    drive.rewind().good();
    assert_eq!(format(&mut drive, 0), (7, 0x30, 0x0c));
    assert_eq!(
        drive.send(&[0x0b, 0, 0, 0x80, 0, 0]).sense(),
        (7, 0x30, 0x0c)
    );
    assert_eq!(drive.read(8).good(), b"for good");
    let (_world, mut drive) = two_partitions();
    assert_eq!(format(&mut drive, 3), (5, 0x24, 0x00));
    assert_eq!(drive.send(&[0x04, 2, 0, 0, 0, 0]).sense(), (5, 0x24, 0x00));
    assert_eq!(divide(&mut drive, 6, [40, 40]), (0, 0, 0));
    assert_eq!(format(&mut drive, 1), (5, 0x26, 0x02));
    assert_eq!(divide(&mut drive, 6, [0xffff, 0xffff]), (0, 0, 0));
    assert_eq!(format(&mut drive, 2), (5, 0x26, 0x02));
}

#[test]
fn capacity_is_taken_away_and_given_back() {
    let world = world("TW0001L8");
    let mut drive = world.loaded();
    drive.write(b"gone").good();
    assert_eq!(
        drive.send(&[0x0b, 0, 0, 0x40, 0, 0]).sense(),
        (5, 0x3b, 0x0c)
    );
    drive.rewind().good();
    drive.send(&[0x0b, 0, 0, 0x40, 0, 0]).good();
    assert_eq!(capacities(&mut drive), [15, 0, 15, 0]);
    assert_eq!(drive.read(4).sense(), (8, 0, 5));
    drive.send(&[0x0b, 0, 0, 0xff, 0xff, 0]).good();
    assert_eq!(capacities(&mut drive), [61, 0, 61, 0]);
}

/// WRITE MODE in bits 7-4 of byte 5 of page 10h/01h, as mhvtl has it (mode.c).
fn write_mode(drive: &mut Unit, mode: u8) -> (u8, u8, u8) {
    let mut list = vec![0, 0, 0x10, 0];
    list.extend(&drive.send_in(&[0x1a, 0x08, 0x10, 1, 255, 0], 255).good()[4..]);
    list[9] = mode << 4 | list[9] & 0x0f;
    let length = u8::try_from(list.len()).unwrap();
    drive
        .send_out(&[0x15, 0x10, 0, 0, length, 0], &list)
        .sense()
}

fn allow(drive: &mut Unit, how: u8, object: u8) -> (u8, u8, u8) {
    drive
        .send(&[0x82, 0, how, 0, 0, 0, 0, 0, 0, 0, 0, object, 0, 0, 0, 0])
        .sense()
}

#[test]
fn append_only_mode_overwrites_what_was_allowed_and_nothing_else() {
    let world = world("TW0001L8");
    let mut drive = world.loaded();
    for block in [b"one", b"two"] {
        drive.write(block).good();
    }
    drive.locate(1).good();
    assert_eq!(allow(&mut drive, 1, 1), (5, 0x20, 0x0c));
    assert_eq!(write_mode(&mut drive, 2), (5, 0x26, 0x00));
    assert_eq!(write_mode(&mut drive, 1), (0, 0, 0));
    assert_eq!(write_mode(&mut drive, 0), (5, 0x26, 0x00));
    assert_eq!(drive.write(b"no").sense(), (7, 0x50, 0x01));
    assert_eq!(drive.filemarks(1, false).sense(), (7, 0x50, 0x01));
    assert_eq!(drive.send(&[0x19, 0, 0, 0, 0, 0]).sense(), (7, 0x50, 0x01));
    assert_eq!(allow(&mut drive, 1, 0), (5, 0x3b, 0x00));
    assert_eq!(allow(&mut drive, 3, 0), (5, 0x24, 0x00));
    assert_eq!(allow(&mut drive, 1, 1), (0, 0, 0));
    drive.write(b"TWO").good();
    drive.write(b"three").good();
    drive.rewind().good();
    assert_eq!(drive.write(b"no").sense(), (7, 0x50, 0x01));
    assert_eq!(format(&mut drive, 0), (7, 0x50, 0x01));
    assert_eq!(drive.read(3).good(), b"one");
    assert_eq!(drive.read(3).good(), b"TWO");
    drive.rewind().good();
    assert_eq!(allow(&mut drive, 2, 0), (0, 0, 0));
    assert_eq!(format(&mut drive, 0), (0, 0, 0));
    drive.write(b"again").good();
    // The next load is in the other mode again.
    world.move_medium(BAY, SLOT).good();
    world.move_medium(SLOT, BAY).good();
    drive.drain_attentions();
    drive.write(b"over it").good();
}
