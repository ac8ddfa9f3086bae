//! Power cuts at every kind of moment, several initiators, parallel drives.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, CHANGER, DRIVE, ONE, SECOND_DRIVE, SLOT, TWO, World, pattern};
use tapeward_drivers::transport::Data;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

fn world() -> World {
    let cartridge = |label| CartridgeSpec::labelled(label).with_capacity(256 << 20);
    World::new(
        &LibrarySpec::new("generic", "TWTEST")
            .with_cartridge(cartridge("TW0001L8"))
            .with_cartridge(cartridge("TW0002L8")),
    )
}

fn plan(world: &World, number: u64, fault: Fault) {
    let at = Place::Write(number);
    world
        .library
        .set_faults(vec![PlannedFault { at, fault }])
        .unwrap();
}

/// Each round writes a block and a synchronising filemark: commands 2n-1 and 2n.
#[test]
fn a_cut_at_any_write_leaves_what_was_synchronised() {
    for (fault, number) in [Fault::PowerCut, Fault::PowerCutAfter]
        .into_iter()
        .flat_map(|fault| (1..=12).map(move |number| (fault, number)))
    {
        let world = world();
        let mut drive = world.loaded();
        plan(&world, number, fault);
        let block = pattern(5, 100);
        let mut done = 0;
        for command in 1..=12 {
            let cdb: [u8; 6] = if command % 2 == 1 {
                [0x0a, 0, 0, 0, 100, 0]
            } else {
                [0x10, 0, 0, 0, 1, 0]
            };
            let data = if command % 2 == 1 {
                Data::Out(&block)
            } else {
                Data::None
            };
            if drive.try_command(&cdb, data).is_none() {
                break;
            }
            done = command;
        }
        assert_eq!(done + 1, number);
        // The filemark's answer was lost, not the filemark, when the cut came after it.
        let carried_out = if fault == Fault::PowerCut {
            done
        } else {
            number
        };
        let expected = carried_out / 2 * 2;
        let mut drive = world.fresh_unit(DRIVE, ONE);
        assert_eq!(drive.ready().sense(), (6, 0x29, 0x01));
        assert_eq!(drive.position().1, 0);
        drive.space(3, 0).good();
        assert_eq!(drive.position().1, expected, "{fault:?} at {number}");
    }
}

#[test]
fn after_a_cut_everything_is_as_after_power_on() {
    let world = world();
    let mut drive = world.loaded();
    let mut changer = world.unit(CHANGER, ONE);
    drive.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    changer.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    let list = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0];
    drive.send_out(&[0x15, 0x10, 0, 0, 12, 0], &list).good();
    world.library.power_cut();
    for lun in [CHANGER, DRIVE, SECOND_DRIVE] {
        for initiator in [ONE, TWO] {
            let mut unit = world.fresh_unit(lun, initiator);
            assert_eq!(unit.ready().sense(), (6, 0x29, 0x01));
            let after = unit.ready().sense();
            let empty = lun == SECOND_DRIVE;
            assert_eq!(after, if empty { (2, 0x3a, 0) } else { (0, 0, 0) });
        }
    }
    let mut drive = world.unit(DRIVE, ONE);
    let header = drive.send_in(&[0x1a, 0, 0x0f, 0, 12, 0], 12).good();
    assert_eq!((header[2], &header[9..12]), (0x10, &[0, 0, 0][..]));
    drive.send(&[0x1b, 0, 0, 0, 0, 0]).good();
    world.move_medium(BAY, SLOT).good();
}

#[test]
fn the_file_of_the_plan_is_read_and_used_up() {
    let world = world();
    let text = r#"[{"at":{"write":1},"fault":"power_cut"},
                   {"at":{"write_record":{"cartridge":"TW0001L8","record":0}},"fault":"medium_error"}]"#;
    std::fs::write(world.dir.path().join("faults.json"), text).unwrap();
    let world = world.restart();
    assert_eq!(world.library.faults().len(), 2);
    let mut drive = world.loaded();
    assert!(
        drive
            .try_command(&[0x10, 0, 0, 0, 1, 0], Data::None)
            .is_none()
    );
    drop(drive);
    let world = world.restart();
    assert_eq!(world.library.faults().len(), 1);
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    assert_eq!(drive.write(b"x").sense(), (3, 0x0c, 0x00));
    let left = std::fs::read(world.dir.path().join("faults.json")).unwrap();
    assert_eq!(left, b"[]");
}

#[test]
fn initiators_are_told_apart() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    world.move_medium(SLOT, BAY).good();
    assert_eq!(one.ready().sense(), (6, 0x28, 0x00));
    one.ready().good();
    one.write(b"x").good();
    // The other one's first command is refused and not carried out.
    assert_eq!(two.rewind().sense(), (6, 0x28, 0x00));
    assert_eq!(one.position().1, 1);
    two.rewind().good();
    assert_eq!(one.position().1, 0);
    // A second path of the same initiator has nothing left to learn.
    world.fresh_unit(DRIVE, ONE).ready().good();
}

#[test]
fn drives_work_side_by_side() {
    let world = world();
    world.move_medium(SLOT, BAY).good();
    world.move_medium(SLOT + 1, BAY + 1).good();
    std::thread::scope(|scope| {
        for (lun, seed) in [(DRIVE, 1_u8), (SECOND_DRIVE, 100)] {
            let world = &world;
            scope.spawn(move || {
                let mut drive = world.fresh_unit(lun, ONE);
                drive.drain_attentions();
                for number in 0..100 {
                    drive.write(&pattern(seed + number, 100_000)).good();
                }
                drive.filemarks(1, false).good();
                drive.rewind().good();
                for number in 0..100 {
                    assert_eq!(drive.read(100_000).good(), pattern(seed + number, 100_000));
                }
            });
        }
        let world = &world;
        scope.spawn(move || {
            let mut changer = world.unit(CHANGER, TWO);
            for _ in 0..50 {
                let cdb = [0xb8, 0x10, 0, 0, 0xff, 0xff, 1, 0, 0x10, 0, 0, 0];
                assert_eq!(changer.send_in(&cdb, 4096).good()[3], 31);
            }
        });
    });
}

#[test]
fn a_library_is_open_once() {
    let world = world();
    let again = tapeward_sim::Library::open(world.dir.path(), tapeward_sim::Durability::Process);
    let text = again.unwrap_err().to_string();
    let holder = format!("in use by process {}", std::process::id());
    assert!(text.ends_with(&holder), "{text}");
    let made = tapeward_sim::create(world.dir.path(), &LibrarySpec::new("generic", "X"));
    assert!(made.unwrap_err().to_string().contains("empty folder"));
}
