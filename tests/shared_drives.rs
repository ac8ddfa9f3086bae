//! Drives that other hosts use too, and what a process that died has left in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;

use tapeward::catalogue::Catalogue;
use tapeward_drivers::socket::{InitiatorId, Lun, SocketTransport};
use tapeward_drivers::spc::reservation::{
    ReservationKey, ReservationType, ReserveOut, persistent_reserve_out, read_keys,
    read_reservation,
};
use tapeward_drivers::ssc;
use tapeward_drivers::ssc::encryption::{EncryptionKey, Reservation};
use tapeward_drivers::ssc::{DriveModes, Megabytes};
use tapeward_drivers::transport::Transport;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::{World, texts};
use zeroize::Zeroizing;

const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nsegment-size = \"128KiB\"\n\
                     ring-size = \"64KiB\"\n";
const OTHER: ReservationKey = ReservationKey(0x0abc_def0);

fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure(SMALL);
    world.define_data(81, 1 << 19);
    world.ok(["library", "status"]);
    world
}

/// Another host's path to a drive, unit attentions taken.
fn elsewhere(world: &World, drive: u16) -> ssc::Drive {
    let initiator = InitiatorId(*b"somebody else's.");
    let path = SocketTransport::connect(&world.virtual_folder(), Lun(drive), initiator);
    let mut drive = ssc::Drive::new(Box::new(path.unwrap()));
    let _ = drive.consume_unit_attentions();
    drive
}

fn reserve(transport: &mut dyn Transport) {
    let register = ReserveOut::RegisterAndIgnore {
        new: OTHER,
        through_power_loss: false,
    };
    persistent_reserve_out(transport, register).unwrap();
    let reserve = ReserveOut::Reserve(OTHER, ReservationType::ExclusiveAccess);
    persistent_reserve_out(transport, reserve).unwrap();
}

fn journal(world: &World, kind: &str) -> usize {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let rows = catalogue
        .read(|view| view.journal_after(0, 10_000))
        .unwrap();
    rows.iter().filter(|row| row.body.contains(kind)).count()
}

/// Kills the job at this record of copy 1, in the middle of a segment.
fn killed_while_writing(world: &World) {
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let faults = vec![PlannedFault {
        at: Place::Command(450),
        fault: Fault::KillHost,
    }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
    let killed = world.run(["job", "run"]);
    assert_eq!(killed.status.code(), None, "{:?}", texts(&killed));
}

#[test]
fn a_drive_another_host_has_reserved_is_left_alone() {
    let world = prepared();
    let mut first = elsewhere(&world, 1);
    let mut second = elsewhere(&world, 2);
    reserve(first.transport_mut());
    // The other drive is used.
    world.ok(["job", "run"]);
    world.return_cartridges();
    let _ = second.consume_unit_attentions();
    reserve(second.transport_mut());
    let refusal = world.refuses(11, ["job", "run", "--month", "2031-01"]);
    refusal.says(&["drive:", "reserved by another host", "000000000abcdef0"]);
    let held = read_reservation(first.transport_mut()).unwrap().reservation;
    assert_eq!(held.unwrap().key, OTHER);
    let keys = read_keys(second.transport_mut()).unwrap().keys;
    assert_eq!(keys, [OTHER]);
}

/// While a job works nobody else does; what it leaves when it dies is taken over, and nothing is
/// left at the end: no reservation, no key, no block protection, no early warning.
#[test]
fn what_a_process_that_died_has_left_is_taken_over() {
    let world = prepared();
    let source = world.path("source");
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], &["--encryption", "drive"]].concat());
    let usual = elsewhere(&world, 1).modes().unwrap();
    killed_while_writing(&world);
    let mut other = elsewhere(&world, 1);
    assert!(other.rewind().unwrap_err().is_reservation_conflict());
    let dead = read_reservation(other.transport_mut()).unwrap().reservation;
    let key = fs::read_to_string(world.state().join("reservation-key")).unwrap();
    assert_eq!(format!("{:016x}", dead.unwrap().key.0), key.trim());

    // A look at the drives takes nothing away from who comes next.
    world.ok(["drive", "status"]);
    world.ok(["job", "resume"]);
    for number in [1, 2] {
        let mut drive = elsewhere(&world, number);
        let held = read_reservation(drive.transport_mut()).unwrap();
        assert_eq!(held.reservation, None);
        assert_eq!(read_keys(drive.transport_mut()).unwrap().keys, []);
        let protection = drive.block_protection().unwrap().unwrap();
        assert!(!protection.on_write && !protection.on_read);
        let modes = drive.modes().unwrap();
        assert_eq!(
            modes.programmable_early_warning,
            usual.programmable_early_warning
        );
        assert_eq!(modes.block_length, usual.block_length);
        assert!(drive.encryption_status().unwrap().unwrap().is_off());
    }
    world.return_cartridges();
    world.both_copies_restore();
}

/// The key of another host that the drive uses for all would encrypt labels and more.
#[test]
fn a_key_of_somebody_else_is_not_written_with() {
    let world = prepared();
    for number in [1, 2] {
        world.ok([
            "library",
            "load",
            &format!("TWV00{number}L8"),
            "--into",
            &format!("drive:{}", number - 1),
        ]);
        let mut other = elsewhere(&world, number);
        let key = EncryptionKey::new(Zeroizing::new(vec![7; 32]));
        let algorithm = other.usable_encryption().unwrap().index;
        let shared = ssc::encryption::SetDataEncryption::on(
            ssc::encryption::EncryptionScope::AllNexuses,
            algorithm,
            &key,
        );
        other.set_data_encryption(&shared).unwrap();
        assert_eq!(other.reservation(), Reservation::None);
    }
    let refusal = world.refuses(1, ["job", "run"]);
    refusal.says(&["encrypts with a key that is not of this job"]);
}

#[test]
fn reservations_can_be_turned_off() {
    let world = prepared();
    world.configure(
        "[library.virtual]\nkind = \"virtual\"\npath = \"virtual\"\nreservations = \"off\"\n",
    );
    let mut other = elsewhere(&world, 1);
    killed_while_writing(&world);
    let _ = other.consume_unit_attentions();
    assert_eq!(read_keys(other.transport_mut()).unwrap().keys, []);
    world.ok(["job", "resume"]);
    assert!(journal(&world, "drive_not_reserved") >= 2);
    assert!(!world.state().join("reservation-key").exists());
}

/// Modes that were set by hand are there again afterwards.
#[test]
fn the_modes_are_those_that_were_found() {
    let world = prepared();
    let mine = |drive: &mut ssc::Drive| {
        let now = drive.modes().unwrap();
        DriveModes {
            programmable_early_warning: Some(Megabytes(7)),
            ..now
        }
    };
    for number in [1, 2] {
        let mut drive = elsewhere(&world, number);
        let wanted = mine(&mut drive);
        drive.set_modes(&wanted).unwrap();
    }
    killed_while_writing(&world);
    world.ok(["job", "resume"]);
    for number in [1, 2] {
        let mut drive = elsewhere(&world, number);
        let modes = drive.modes().unwrap();
        assert_eq!(
            modes.programmable_early_warning,
            Some(Megabytes(7)),
            "drive {number}"
        );
    }
}

/// A cartridge that is taken out by hand is an observation like any other.
#[test]
fn unloading_by_hand_keeps_what_the_drive_says() {
    let world = prepared();
    world.ok(["library", "load", "TWV003L8", "--into", "drive:0"]);
    let before = journal(&world, "mount_observed");
    world.ok(["library", "unload", "drive:0"]);
    assert_eq!(journal(&world, "mount_observed"), before + 1);
}
