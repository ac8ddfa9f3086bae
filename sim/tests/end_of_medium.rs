//! Programmable early warning, early warning, the physical end. Codes: mhvtl at fc22cc6,
//! include/common/mhvtl_scsi.h, `E_PROGRAMMABLE_EARLY_WARNING` (00h/07h) and `E_EOM` (00h/02h); EOM
//! with NO SENSE, and what was sent is written: Quantum "DLT1/VS80 SCSI Interface Guide" (July 2004),
//! table 4-72 (page 4-124). The page that sets the size: LTFS (other_hosts.rs).
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{SLOT, Unit, World};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

const BLOCK: usize = 100_000;

/// 8 MB, early warning 1 MB before the end.
fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8")
        .with_capacity(8_000_000)
        .with_early_warning(1_000_000);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

fn set_programmable_early_warning(drive: &mut Unit, megabytes: u8) {
    let mut list = vec![
        0, 0, 0, 0x10, 0, 0, 0, 0, 0x50, 1, 0, 28, 0, 2, 0, megabytes,
    ];
    list.resize(8 + 32, 0);
    drive
        .send_out(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0], &list)
        .good();
}

/// Writes blocks until nothing fits: how each write ended.
fn fill(drive: &mut Unit) -> Vec<(u8, u8, u8)> {
    let block = vec![7; BLOCK];
    let mut ends = Vec::new();
    loop {
        let answer = drive.write(&block);
        ends.push(answer.sense());
        if ends.last() == Some(&(0xd, 0x00, 0x02)) {
            assert_eq!(answer.stream_bits(), 0x40);
            assert_eq!(answer.information(), Some(100_000));
            return ends;
        }
        if answer.sense() == (0, 0x00, 0x02) || answer.sense() == (0, 0x00, 0x07) {
            assert_eq!(answer.stream_bits(), 0x40);
            assert_eq!(answer.reply.transferred, BLOCK);
        }
    }
}

fn count(ends: &[(u8, u8, u8)], qualifier: u8) -> usize {
    ends.iter()
        .filter(|end| end.0 == 0 && end.2 == qualifier)
        .count()
}

#[test]
fn without_programmable_early_warning() {
    let world = world();
    let mut drive = world.loaded();
    let ends = fill(&mut drive);
    // A block takes 100,016 bytes: 69 stay below 7,000,000, the 70th reaches it, 79 fit.
    assert_eq!(ends.len(), 80);
    assert!(ends[..69].iter().all(|end| *end == (0, 0, 0)));
    assert_eq!(count(&ends, 2), 10);
    // All that was not refused is there, in the buffer no more.
    assert_eq!(drive.buffered(), (0, 0));
    assert_eq!(drive.position().1, 79);
    drive.space(3, 0).good();
    assert_eq!(drive.position().1, 79);
    // The end of the partition: EOP and BPEW.
    assert_eq!(drive.position().0, 0x41);
    drive.locate(10).good();
    assert_eq!(drive.position().0, 0);
}

/// Reported once, when crossed, before early warning; the data is written.
#[test]
fn programmable_early_warning_is_reported_once() {
    let world = world();
    let mut drive = world.loaded();
    set_programmable_early_warning(&mut drive, 2);
    let ends = fill(&mut drive);
    let first = ends.iter().position(|end| end.2 == 7).unwrap();
    assert_eq!((first, count(&ends, 7)), (49, 1)); // 50 blocks reach 5,000,000
    assert_eq!(count(&ends, 2), 10);
    drive.locate(55).good();
    assert_eq!(drive.position().0, 0x01); // BPEW
    // Crossing it again is a new warning.
    drive.locate(30).good();
    assert_eq!(count(&fill(&mut drive), 7), 1);
}

#[test]
fn both_warnings_crossed_at_once_come_one_after_the_other() {
    let world = world();
    let mut drive = world.loaded();
    set_programmable_early_warning(&mut drive, 2);
    let most = vec![1; 4_900_000];
    drive.write(&most).good();
    assert_eq!(drive.write(&vec![1; 2_500_000]).sense(), (0, 0x00, 0x07));
    assert_eq!(drive.write(b"x").sense(), (0, 0x00, 0x02));
    assert_eq!(drive.filemarks(1, true).sense(), (0, 0x00, 0x02));
    // Writing the buffer out is no writing.
    assert_eq!(drive.filemarks(0, false).sense(), (0, 0, 0));
}

#[test]
fn a_zone_longer_than_the_tape_begins_with_the_first_block() {
    let world = world();
    let mut drive = world.loaded();
    set_programmable_early_warning(&mut drive, 200);
    assert_eq!(drive.write(b"first").sense(), (0, 0x00, 0x07));
    assert_eq!(drive.write(b"second").sense(), (0, 0, 0));
    drive.rewind().good();
    assert_eq!(drive.write(b"again").sense(), (0, 0x00, 0x07));
}

#[test]
fn filemarks_end_at_the_physical_end_too() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(&vec![1; 7_990_000]);
    // 9,984 bytes are left: nineteen filemarks of 512.
    let answer = drive.filemarks(25, false);
    assert_eq!(answer.sense(), (0xd, 0x00, 0x02));
    assert_eq!(answer.information(), Some(6));
    assert_eq!(drive.position().1, 20);
    // From the beginning there is room again.
    drive.rewind().good();
    drive.write(&vec![1; 4_000_000]).good();
}

#[test]
fn fixed_blocks_that_do_not_fit_are_counted() {
    let world = world();
    let mut drive = world.loaded();
    let list = [0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0x01, 0x86, 0xa0];
    drive.send_out(&[0x15, 0x10, 0, 0, 12, 0], &list).good();
    let data = vec![3; BLOCK * 82];
    let answer = drive.send_out(&[0x0a, 1, 0, 0, 82, 0], &data);
    assert_eq!(answer.sense(), (0xd, 0x00, 0x02));
    assert_eq!(answer.information(), Some(3));
    assert_eq!(drive.position().1, 79);
}

#[test]
fn the_default_distance_is_a_fiftieth_but_a_mebibyte_and_at_most_a_quarter() {
    for (capacity, expected) in [
        (100_000_000_000, 2_000_000_000),
        (20 << 20, 1 << 20),
        (1 << 20, 1 << 18),
    ] {
        let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(capacity);
        let world = World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge));
        let listing = world.library.elements();
        let slot = listing.iter().find(|found| found.address == SLOT).unwrap();
        let id = slot.cartridge.as_ref().unwrap();
        let record = world.library.cartridge(id).unwrap();
        assert_eq!(record.early_warning, expected);
    }
}
