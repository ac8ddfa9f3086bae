//! Logical block protection: CRC32C behind each block; VERIFY.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{Unit, World, pattern};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

/// 32 bytes of zeros with their CRC32C (RFC 3720 B.4).
fn protected_zeros() -> Vec<u8> {
    let mut block = vec![0; 32];
    block.extend([0xaa, 0x36, 0x91, 0x8a]);
    block
}

fn world() -> World {
    let spec = LibrarySpec::new("generic", "TWTEST");
    World::new(&spec.with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20)))
}

fn flip(world: &World, at: Place) {
    let fault = Fault::FlippedBit;
    world
        .library
        .set_faults(vec![PlannedFault { at, fault }])
        .unwrap();
}

/// MODE SELECT(10) of page 0Ah/F0h: method, length of the information, LBP_W 80h and LBP_R 40h at
/// bytes 4, 5 and 6 of the page, PAGE LENGTH 001Ch, as LTFS sets it (sg_tape.c, _set_lbp: bytes
/// 20 to 22 behind a header of 8 and a block descriptor of 8).
fn protect(drive: &mut Unit, method: u8, length: u8, flags: u8) -> (u8, u8, u8) {
    let mut list = vec![0, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    list.extend([0x4a, 0xf0, 0x00, 0x1c, method, length, flags]);
    list.resize(48, 0);
    drive
        .send_out(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 48, 0], &list)
        .sense()
}

/// VERIFY(6) with these bits and this length.
fn verify(drive: &mut Unit, bits: u8, length: u8) -> (u8, u8, u8) {
    drive.send(&[0x13, bits, 0, 0, length, 0]).sense()
}

#[test]
fn the_page_takes_no_method_and_crc32c() {
    let world = world();
    let mut drive = world.loaded();
    let mode = [0x1a, 0x08, 0x0a, 0xf0, 255, 0];
    let page = drive.send_in(&mode, 255).good();
    assert_eq!(
        (page.len(), &page[4..11]),
        (36, &[0x4a, 0xf0, 0, 0x1c, 0, 0, 0][..])
    );
    for (method, length, flags, expected) in [
        (2, 4, 0xc0, (0, 0, 0)),
        (0, 0, 0x00, (0, 0, 0)),
        (0, 4, 0x00, (0, 0, 0)),
        (1, 4, 0xc0, (5, 0x26, 0)), // Reed-Solomon
        (2, 8, 0xc0, (5, 0x26, 0)),
        (0, 0, 0x80, (5, 0x26, 0)),
        (3, 4, 0xc0, (5, 0x26, 0)),
        (2, 4, 0x20, (5, 0x26, 0)), // RBDP
    ] {
        assert_eq!(
            protect(&mut drive, method, length, flags),
            expected,
            "{method}"
        );
    }
    let page = drive.send_in(&mode, 255).good();
    assert_eq!(page[8..11], [0, 4, 0]);
}

#[test]
fn information_is_checked_on_writing_and_comes_back_on_reading() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(b"before").good();
    assert_eq!(protect(&mut drive, 2, 4, 0xc0), (0, 0, 0));
    drive.write(&protected_zeros()).good();
    let mut wrong = protected_zeros();
    wrong[7] = 1;
    let refused = drive.write(&wrong);
    assert_eq!(refused.sense(), (4, 0x10, 0x01));
    assert_eq!(refused.information(), Some(36));
    assert_eq!(drive.position().1, 2);
    assert_eq!(drive.write(&[1, 2, 3, 4]).sense(), (5, 0x24, 0x00));
    drive.rewind().good();
    // What was written without gets its information from the drive.
    let before = drive.read(10).good();
    assert_eq!(before[..6], *b"before");
    assert_eq!(drive.read(36).good(), protected_zeros());
    drive.locate(1).good();
    let short = drive.read(32);
    assert_eq!((short.stream_bits(), short.information()), (0x20, Some(-4)));
    assert_eq!(protect(&mut drive, 0, 0, 0), (0, 0, 0));
    drive.locate(1).good();
    assert_eq!(drive.read(32).good(), [0; 32]);
}

#[test]
fn fixed_blocks_end_with_their_information() {
    let world = world();
    let mut drive = world.loaded();
    assert_eq!(protect(&mut drive, 2, 4, 0xc0), (0, 0, 0));
    let select = [0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, 36];
    drive.send_out(&[0x15, 0x10, 0, 0, 12, 0], &select).good();
    let two = [protected_zeros(), protected_zeros()].concat();
    drive.send_out(&[0x0a, 1, 0, 0, 2, 0], &two).good();
    let mut second_wrong = two.clone();
    second_wrong[40] ^= 1;
    let refused = drive.send_out(&[0x0a, 1, 0, 0, 2, 0], &second_wrong);
    assert_eq!(
        (refused.sense(), refused.information()),
        ((4, 0x10, 0x01), Some(1))
    );
    drive.rewind().good();
    assert_eq!(drive.send_in(&[0x08, 1, 0, 0, 2, 0], 72).good(), two);
}

#[test]
fn a_bit_that_turns_is_found_with_protection_and_not_without() {
    let world = world();
    let mut drive = world.loaded();
    let cartridge = || "TW0001L8".to_owned();
    flip(
        &world,
        Place::WriteRecord {
            cartridge: cartridge(),
            record: 0,
        },
    );
    drive.write(&[0; 32]).good();
    drive.rewind().good();
    assert_ne!(drive.read(32).good(), [0; 32]);
    assert_eq!(protect(&mut drive, 2, 4, 0xc0), (0, 0, 0));
    flip(
        &world,
        Place::WriteRecord {
            cartridge: cartridge(),
            record: 1,
        },
    );
    assert_eq!(drive.write(&protected_zeros()).sense(), (4, 0x10, 0x01));
    drive.write(&protected_zeros()).good();
    // Between tape and host: the host sees it by the information it gets.
    flip(
        &world,
        Place::ReadRecord {
            cartridge: cartridge(),
            record: 1,
        },
    );
    drive.locate(1).good();
    let read = drive.read(36).good();
    assert_ne!(read[..32], [0; 32]);
    assert_eq!(read[32..], protected_zeros()[32..]);
}

#[test]
fn encrypted_blocks_are_protected_too() {
    let world = world();
    let mut drive = world.loaded();
    let mut key = vec![
        0, 0x10, 0, 0x30, 0x40, 0x40, 2, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20,
    ];
    key.extend([9; 32]);
    drive
        .send_out(&[0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0], &key)
        .good();
    assert_eq!(protect(&mut drive, 2, 4, 0xc0), (0, 0, 0));
    drive.write(&protected_zeros()).good();
    drive.rewind().good();
    assert_eq!(verify(&mut drive, 0x30, 0), (0, 0, 0));
    drive.rewind().good();
    assert_eq!(drive.read(36).good(), protected_zeros());
    assert_eq!(protect(&mut drive, 0, 0, 0), (0, 0, 0));
    drive.rewind().good();
    assert_eq!(drive.read(32).good(), [0; 32]);
}

#[test]
fn verify_goes_over_what_it_was_told() {
    let world = world();
    let mut drive = world.loaded();
    for file in 0..2 {
        drive.write(&pattern(file, 100)).good();
        drive.write(&pattern(file, 100)).good();
        drive.filemarks(1, false).good();
    }
    drive.rewind().good();
    assert_eq!(verify(&mut drive, 0, 100), (0, 0, 0));
    assert_eq!(drive.position().1, 1);
    assert_eq!(verify(&mut drive, 0, 0), (0, 0, 0));
    let long = drive.send(&[0x13, 0, 0, 0, 120, 0]);
    assert_eq!((long.stream_bits(), long.information()), (0x20, Some(20)));
    assert_eq!(verify(&mut drive, 0, 100), (0, 0, 1));
    assert_eq!(drive.position().1, 3);
    assert_eq!(verify(&mut drive, 0x08, 1), (0, 0, 0)); // VBF
    assert_eq!(drive.position().1, 6);
    assert_eq!(verify(&mut drive, 0x08, 1), (8, 0, 5));
    drive.rewind().good();
    assert_eq!(verify(&mut drive, 0x20, 0), (0, 0, 0)); // VTE
    assert_eq!(drive.position().1, 6);
    for (bits, length) in [(0x02, 1), (0x01, 1), (0x28, 0), (0x20, 1), (0x30, 0)] {
        assert_eq!(
            verify(&mut drive, bits, length),
            (5, 0x24, 0x00),
            "{bits:02x}"
        );
    }
    assert_eq!(drive.position().1, 6);
}

#[test]
fn verify_finds_what_protection_would() {
    let world = world();
    let mut drive = world.loaded();
    assert_eq!(protect(&mut drive, 2, 4, 0xc0), (0, 0, 0));
    for _ in 0..3 {
        drive.write(&protected_zeros()).good();
    }
    let place = || Place::ReadRecord {
        cartridge: "TW0001L8".to_owned(),
        record: 1,
    };
    drive.rewind().good();
    flip(&world, place());
    assert_eq!(verify(&mut drive, 0x30, 0), (4, 0x10, 0x01));
    assert_eq!(drive.position().1, 1);
    // IMMED: the next command is told.
    drive.rewind().good();
    flip(&world, place());
    assert_eq!(verify(&mut drive, 0x34, 0), (0, 0, 0));
    let told = drive.ready();
    assert_eq!(
        (told.reply.sense[0] & 0x7f, told.sense()),
        (0x71, (4, 0x10, 0x01))
    );
    assert_eq!(verify(&mut drive, 0x30, 0), (0, 0, 0));
}
