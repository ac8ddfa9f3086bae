//! What a cartridge is: WORM, protected, cleaning; its memory; what the drive says of it.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, DRIVE, ONE, SLOT, TWO, Unit, World};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeKind, CartridgeSpec, LibrarySpec};

fn world(cartridge: CartridgeSpec) -> World {
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

fn small(label: &str) -> CartridgeSpec {
    CartridgeSpec::labelled(label).with_capacity(64 << 20)
}

/// Numbers of the TapeAlert flags that are set.
fn alerts(drive: &mut Unit) -> Vec<u16> {
    let page = drive
        .send_in(&[0x4d, 0, 0x6e, 0, 0, 0, 0, 1, 68, 0], 324)
        .good();
    assert_eq!(page[..4], [0x2e, 0, 1, 64]);
    page[4..]
        .chunks(5)
        .filter(|parameter| parameter[4] != 0)
        .map(|parameter| u16::from_be_bytes([parameter[0], parameter[1]]))
        .collect()
}

fn plan(world: &World, at: Place, fault: Fault) {
    world
        .library
        .set_faults(vec![PlannedFault { at, fault }])
        .unwrap();
}

#[test]
fn worm_is_appended_to_and_nothing_else() {
    let world = world(small("TW0001LY"));
    let mut drive = world.loaded();
    drive.write(b"for good").good();
    drive.filemarks(1, false).good();
    drive.rewind().good();
    assert_eq!(drive.write(b"over it").sense(), (7, 0x30, 0x0c));
    assert_eq!(drive.filemarks(1, false).sense(), (7, 0x30, 0x0c));
    assert_eq!(drive.send(&[0x19, 1, 0, 0, 0, 0]).sense(), (7, 0x30, 0x0c));
    assert_eq!(drive.read(8).good(), b"for good");
    drive.space(3, 0).good();
    drive.write(b"more").good();
    assert_eq!(drive.position().1, 3);
}

#[test]
fn a_protected_cartridge_is_read_only() {
    let world = world(small("TW0001L8").with_write_protection());
    let mut drive = world.loaded();
    assert_eq!(drive.write(b"no").sense(), (7, 0x27, 0x00));
    assert_eq!(drive.filemarks(1, false).sense(), (7, 0x27, 0x00));
    assert_eq!(drive.send(&[0x19, 1, 0, 0, 0, 0]).sense(), (7, 0x27, 0x00));
    drive.filemarks(0, false).good();
    let header = drive.send_in(&[0x1a, 8, 0x0f, 0, 4, 0], 4).good();
    assert_eq!(header[2], 0x90); // WP and buffered mode 1h
    assert_eq!(alerts(&mut drive), [9]);
}

#[test]
fn a_cleaning_cartridge_cleans_until_it_is_used_up() {
    let mut spec = CartridgeSpec::labelled("CLN001L1");
    spec.kind = CartridgeKind::Cleaning { uses: 1 };
    let spec = LibrarySpec::new("generic", "TWTEST")
        .with_cartridge(spec)
        .with_cartridge(small("TW0001L8"));
    let world = World::new(&spec);
    let mut drive = world.unit(DRIVE, ONE);
    world.move_medium(0x0402, BAY).good();
    drive.drain_attentions();
    plan(&world, Place::Write(1), Fault::NeedsCleaning);
    drive.write(b"written all the same").good();
    assert_eq!(alerts(&mut drive), [20]);
    world.move_medium(BAY, 0x0402).good();
    for (sense, flags) in [((2, 0x30, 0x03), vec![11]), ((2, 0x30, 0x07), vec![22])] {
        world.move_medium(SLOT, BAY).good();
        drive.drain_attentions();
        assert_eq!(drive.ready().sense(), sense);
        assert_eq!(alerts(&mut drive), flags);
        assert!(alerts(&mut drive).is_empty());
        world.move_medium(BAY, SLOT).good();
    }
}

#[test]
fn an_incompatible_cartridge_raises_its_flag_and_comes_out_again() {
    let world = world(small("TW0001L6"));
    let mut drive = world.loaded();
    assert_eq!(drive.read(1).sense(), (3, 0x30, 0x00));
    assert_eq!(alerts(&mut drive), [12]);
    drive.send(&[0x1b, 0, 0, 0, 0, 0]).good();
    world.move_medium(BAY, SLOT).good();
}

fn attribute(first: u16, action: u8) -> [u8; 16] {
    let [a, b] = first.to_be_bytes();
    [0x8c, action, 0, 0, 0, 0, 0, 0, a, b, 0, 0, 4, 0, 0, 0]
}

fn write_attributes(drive: &mut Unit, list: &[u8]) -> (u8, u8, u8) {
    let length = u8::try_from(list.len()).unwrap();
    let cdb = [0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, length, 0, 0];
    drive.send_out(&cdb, list).sense()
}

/// HP Ultrium technical reference Q1530-90901, page 115: behind the available data identifier, READ ONLY
/// and FORMAT, length, value.
#[test]
fn attributes_of_the_cartridge() {
    let world = world(small("TW0001L8"));
    let mut drive = world.loaded();
    drive.write(&vec![1; 1 << 20]).good();
    let values = drive.send_in(&attribute(0, 0), 1024).good();
    assert_eq!(
        values.len() - 4,
        usize::from(u16::from_be_bytes([values[2], values[3]]))
    );
    assert_eq!(values[4..17], [0, 0, 0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0, 62]);
    assert_eq!(values[17..30], [0, 1, 0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0, 64]);
    let medium = drive.send_in(&attribute(0x0400, 0), 1024).good();
    assert_eq!(medium[4..9], [4, 0, 0x81, 0, 8]);
    assert_eq!(&medium[9..17], b"TAPEWARD");
    assert_eq!(medium[17..22], [4, 1, 0x81, 0, 32]);
    let list = drive.send_in(&attribute(0x0400, 1), 1024).good();
    assert_eq!(list[..8], [0, 0, 0, 20, 4, 0, 4, 1]);
    assert_eq!(drive.send_in(&attribute(0x0401, 2), 9).good(), [0, 2, 0, 1]);
    let missing = drive.send_in(&attribute(0x0800, 0), 1024);
    assert_eq!(missing.sense(), (5, 0x24, 0x00));
    let supported = drive.send_in(&attribute(0, 5), 1024).good();
    assert!(supported[4..].chunks(2).any(|found| found == [8, 6]));
}

#[test]
fn host_attributes_stay_with_the_cartridge() {
    let world = world(small("TW0001L8"));
    let mut drive = world.loaded();
    let mut list = vec![0, 0, 0, 20, 8, 0, 1, 0, 8];
    list.extend(b"TAPEWARD");
    list.extend([8, 5, 0, 0, 1, 0x81]);
    assert_eq!(write_attributes(&mut drive, &list), (0, 0, 0));
    world.move_medium(BAY, SLOT).good();
    drop(drive); // it holds the library open
    let world = world.restart();
    let mut drive = world.loaded();
    let values = drive.send_in(&attribute(0x0800, 0), 1024).good();
    assert_eq!(values[4..], list[4..]);
    // Length 0 deletes.
    assert_eq!(
        write_attributes(&mut drive, &[0, 0, 0, 5, 8, 0, 1, 0, 0]),
        (0, 0, 0)
    );
    let values = drive.send_in(&attribute(0x0805, 0), 1024).good();
    assert_eq!(values[4..], [8, 5, 0, 0, 1, 0x81]);
}

#[test]
fn a_list_with_one_wrong_attribute_changes_none() {
    let world = world(small("TW0001L8"));
    let mut drive = world.loaded();
    let good = [8, 5, 0, 0, 1, 0x81];
    for (wrong, expected) in [
        (vec![4, 1, 1, 0, 1, 65], (5, 0x26, 0x00)),   // read only
        (vec![8, 0, 0, 0, 1, 65], (5, 0x26, 0x00)),   // wrong format
        (vec![8, 5, 0, 0, 2, 1, 2], (5, 0x26, 0x00)), // too long
        (vec![8, 0, 1, 0, 8, 65, 65], (5, 0x1a, 0x00)), // cut short
    ] {
        let list = [&[0, 0, 0, 0][..], &good, &wrong].concat();
        assert_eq!(write_attributes(&mut drive, &list), expected, "{wrong:?}");
        let kept = drive.send_in(&attribute(0x0805, 0), 1024);
        assert_eq!(kept.sense(), (5, 0x24, 0x00));
    }
}

#[test]
fn a_bad_place_is_a_medium_error_once() {
    let world = world(small("TW0001L8"));
    let mut drive = world.loaded();
    let mut other = world.unit(DRIVE, TWO);
    assert!(alerts(&mut other).is_empty());
    let cartridge = "TW0001L8".to_owned();
    plan(
        &world,
        Place::WriteRecord {
            cartridge,
            record: 1,
        },
        Fault::MediumError,
    );
    drive.write(b"one").good();
    let failed = drive.write(b"two");
    assert_eq!(failed.sense(), (3, 0x0c, 0x00));
    assert_eq!(failed.information(), Some(3));
    assert_eq!(drive.position().1, 1);
    assert_eq!(alerts(&mut drive), [3, 4, 6]);
    assert!(alerts(&mut drive).is_empty());
    assert_eq!(alerts(&mut other), [3, 4, 6]);
    drive.write(b"two").good();
    let cartridge = "TW0001L8".to_owned();
    plan(
        &world,
        Place::ReadRecord {
            cartridge,
            record: 1,
        },
        Fault::MediumError,
    );
    drive.rewind().good();
    assert_eq!(drive.read(3).good(), b"one");
    assert_eq!(drive.read(3).sense(), (3, 0x11, 0x00));
    assert_eq!(drive.read(3).good(), b"two");
    assert_eq!(world.library.faults(), []);
}

/// SPC-5, deferred errors: response code 71h, by the next command, which is not carried out.
#[test]
fn a_deferred_error_comes_with_the_next_command() {
    let world = world(small("TW0001L8"));
    let mut drive = world.loaded();
    drive.write(b"kept").good();
    drive.filemarks(0, false).good();
    plan(&world, Place::Write(1), Fault::DeferredWriteError);
    drive.write(b"lost").good();
    let told = drive.write(b"not carried out");
    assert_eq!(told.sense(), (3, 0x0c, 0x00));
    assert_eq!(told.reply.sense[0], 0x71);
    assert_eq!(drive.position().1, 1);
    drive.write(b"next").good();
    drive.rewind().good();
    assert_eq!(drive.read(4).good(), b"kept");
    assert_eq!(drive.read(4).good(), b"next");
}

#[test]
fn a_robot_that_drops_out_has_moved_nothing() {
    let world = world(small("TW0001L8"));
    plan(&world, Place::Move(2), Fault::MoveFailed);
    world.move_medium(SLOT, 0x0410).good();
    let before = world.library.elements();
    assert_eq!(world.move_medium(0x0410, BAY).sense(), (4, 0x15, 0x01));
    assert_eq!(world.library.elements(), before);
    world.move_medium(0x0410, BAY).good();
}

#[test]
fn a_robot_that_gets_stuck_has_the_cartridge_in_its_hand() {
    let world = world(small("TW0001L8"));
    plan(&world, Place::Move(1), Fault::MoveStuck);
    assert_eq!(world.move_medium(SLOT, BAY).sense(), (4, 0x15, 0x01));
    let mut changer = world.unit(support::CHANGER, ONE);
    let cdb = [0xb8, 0x01, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0];
    // The transport is full, its cartridge from the first slot.
    let report = changer.send_in(&cdb, 256).good();
    assert_eq!(report[16..28], [0, 1, 1, 0, 0, 0, 0, 0, 0, 0x81, 4, 1]);
    assert_eq!(world.move_medium(SLOT, BAY).sense(), (5, 0x3b, 0x0e));
    world.move_medium(0x0001, BAY).good();
    assert_eq!(world.move_medium(0x0001, SLOT).sense(), (5, 0x3b, 0x0e));
}

#[test]
fn a_fault_that_cannot_happen_is_refused() {
    let world = world(small("TW0001L8"));
    let (at, fault) = (Place::Move(1), Fault::DeferredWriteError);
    let refusal = world.library.set_faults(vec![PlannedFault { at, fault }]);
    let text = refusal.unwrap_err().to_string();
    assert!(
        text.ends_with("DeferredWriteError cannot happen at Move(1)"),
        "{text}"
    );
    assert_eq!(world.library.faults(), []);
}

#[test]
fn time_passes_when_it_is_asked_for() {
    let spec = LibrarySpec::new("generic", "TWTEST")
        .with_cartridge(small("TW0001L8"))
        .with_timing();
    let world = World::new(&spec);
    let mut drive = world.loaded();
    drive.write(&vec![1; 1 << 20]).good();
    drive.rewind().good();
    let accounts = world.library.accounts();
    assert_eq!(
        (accounts[0].mechanical, accounts[0].busy.as_secs()),
        (1, 12)
    );
    assert_eq!((accounts[1].mechanical, accounts[1].locates), (1, 1));
    assert_eq!(accounts[1].streamed, 1 << 20);
    assert!(accounts[1].busy > std::time::Duration::from_secs(18));
    assert_eq!(accounts[2].busy, std::time::Duration::ZERO);
}
