//! RESERVE and RELEASE (SPC-2), persistent reservations (SPC-4), of drives and of the changer:
//! what is answered to whom.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use rstest::rstest;
use support::{Answer, BAY, CHANGER, DRIVE, ONE, SLOT, TWO, Unit, World};
use tapeward_drivers::socket::InitiatorId;
use tapeward_drivers::transport::Status;
use tapeward_sim::{CartridgeSpec, LibrarySpec};

const THREE: InitiatorId = InitiatorId([3; 16]);
const A: u64 = 0x0a0a;
const B: u64 = 0x0b0b;

const REGISTER: u8 = 0;
const RESERVE: u8 = 1;
const RELEASE: u8 = 2;
const CLEAR: u8 = 3;
const PREEMPT: u8 = 4;
const PREEMPT_AND_ABORT: u8 = 5;
const REGISTER_AND_IGNORE: u8 = 6;

const WRITE_EXCLUSIVE: u8 = 1;
const EXCLUSIVE: u8 = 3;
const WRITE_EXCLUSIVE_REGISTRANTS: u8 = 5;
const EXCLUSIVE_REGISTRANTS: u8 = 6;
const WRITE_EXCLUSIVE_ALL: u8 = 7;
const EXCLUSIVE_ALL: u8 = 8;

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

/// PERSISTENT RESERVE OUT: scope and type in byte 2, 24 bytes of parameters: key, service action
/// key, APTPL in bit 0 of byte 20.
fn out(unit: &mut Unit, action: u8, kind: u8, key: u64, other: u64, flags: u8) -> Answer {
    let mut list = key.to_be_bytes().to_vec();
    list.extend(other.to_be_bytes());
    list.extend([0, 0, 0, 0, flags, 0, 0, 0]);
    unit.send_out(&[0x5f, action, kind, 0, 0, 0, 0, 0, 24, 0], &list)
}

fn register(unit: &mut Unit, key: u64) {
    out(unit, REGISTER, 0, 0, key, 0).good();
}

/// PERSISTENT RESERVE IN.
fn read(unit: &mut Unit, action: u8) -> Vec<u8> {
    let cdb = [0x5e, action, 0, 0, 0, 0, 0, 2, 0, 0];
    unit.send_in(&cdb, 512).good()
}

fn conflicts(answer: &Answer) -> bool {
    answer.reply.status == Status::ReservationConflict
}

/// Pending unit attentions, ASC and ASCQ.
fn attentions(unit: &mut Unit) -> Vec<(u8, u8)> {
    let next = || {
        let (key, asc, ascq) = unit.ready().sense();
        (key == 6).then_some((asc, ascq))
    };
    std::iter::from_fn(next).collect()
}

const WRITE: [u8; 6] = [0x0a, 0, 0, 0, 4, 0];
const READ: [u8; 6] = [0x08, 0, 0, 0, 4, 0];
const MODE_SENSE: [u8; 6] = [0x1a, 0, 0x0f, 0, 64, 0];
const LOG_SENSE: [u8; 10] = [0x4d, 0, 0x40, 0, 0, 0, 0, 0, 64, 0];

/// SPC-4, READ KEYS, READ RESERVATION, READ FULL STATUS: header, then eight, sixteen, 24 and more
/// bytes for each.
#[test]
fn what_is_registered_and_reserved_is_told() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    assert_eq!(read(&mut one, 0), [0; 8]);
    register(&mut one, A);
    register(&mut two, B);
    out(&mut two, RESERVE, EXCLUSIVE, B, 0, 0).good();
    let keys = read(&mut one, 0);
    assert_eq!(keys[..8], [0, 0, 0, 2, 0, 0, 0, 16]);
    assert_eq!(keys[8..], [A.to_be_bytes(), B.to_be_bytes()].concat());
    let held = read(&mut one, 1);
    assert_eq!(held[..8], [0, 0, 0, 2, 0, 0, 0, 16]);
    assert_eq!(held[8..16], B.to_be_bytes());
    assert_eq!(held[16..], [0, 0, 0, 0, 0, EXCLUSIVE, 0, 0]);
    let full = read(&mut one, 3);
    // Two of 24 bytes and a TransportID of four bytes and a name of forty.
    assert_eq!(full[..8], [0, 0, 0, 2, 0, 0, 0, 2 * (24 + 44)]);
    let second = &full[8 + 68..];
    assert_eq!(second[..8], B.to_be_bytes());
    assert_eq!(
        second[8..24],
        [0, 0, 0, 0, 1, EXCLUSIVE, 0, 0, 0, 0, 0, 1, 0, 0, 0, 44]
    );
    assert_eq!(second[24..28], [0x05, 0, 0, 40]);
    assert_eq!(&second[28..64], b"naa.02020202020202020202020202020202");
    assert_eq!(full[8 + 12], 0); // the first is no holder
    let capabilities = read(&mut one, 2);
    assert_eq!(capabilities, [0, 8, 0x01, 0x90, 0xea, 0x01, 0, 0]);
    // Cut to the allocation length, the lengths stay.
    let cdb = [0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0];
    assert_eq!(one.send_in(&cdb, 8).good(), keys[..8]);
    let reserved = [0x5e, 4, 0, 0, 0, 0, 0, 0, 8, 0];
    assert_eq!(one.send_in(&reserved, 8).sense(), (5, 0x24, 0));
}

#[test]
fn keys_must_fit() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    for (action, kind) in [
        (RESERVE, EXCLUSIVE),
        (RELEASE, EXCLUSIVE),
        (CLEAR, 0),
        (PREEMPT, 1),
    ] {
        assert!(conflicts(&out(&mut one, action, kind, 0, A, 0)), "{action}");
    }
    // A first registration has no key before it.
    assert!(conflicts(&out(&mut one, REGISTER, 0, B, A, 0)));
    register(&mut one, A);
    assert!(conflicts(&out(&mut one, REGISTER, 0, 0, B, 0)));
    assert!(conflicts(&out(&mut one, RESERVE, EXCLUSIVE, B, 0, 0)));
    out(&mut one, REGISTER_AND_IGNORE, 0, 0x77, B, 0).good();
    out(&mut one, REGISTER, 0, B, A, 0).good();
    assert_eq!(read(&mut one, 0)[8..], A.to_be_bytes());
    out(&mut one, REGISTER, 0, A, 0, 0).good();
    assert_eq!(read(&mut one, 0), [0, 0, 0, 4, 0, 0, 0, 0]);
}

#[test]
fn malformed_commands_change_nothing() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    register(&mut one, A);
    let before = read(&mut one, 0);
    assert_eq!(out(&mut one, 7, 0, A, B, 0).sense(), (5, 0x24, 0));
    assert_eq!(
        out(&mut one, RESERVE, 0x10 | EXCLUSIVE, A, 0, 0).sense(),
        (5, 0x24, 0)
    );
    assert_eq!(out(&mut one, RESERVE, 2, A, 0, 0).sense(), (5, 0x24, 0));
    // SPEC_I_PT, ALL_TG_PT.
    for flags in [0x08, 0x04] {
        assert_eq!(
            out(&mut one, REGISTER, 0, A, B, flags).sense(),
            (5, 0x26, 0)
        );
    }
    let short = one.send_out(&[0x5f, 0, 0, 0, 0, 0, 0, 0, 23, 0], &[0; 23]);
    assert_eq!(short.sense(), (5, 0x1a, 0));
    // A key of zero preempts nobody but all registrants.
    assert_eq!(
        out(&mut one, PREEMPT, EXCLUSIVE, A, 0, 0).sense(),
        (5, 0x26, 0)
    );
    assert_eq!(read(&mut one, 0), before);
    assert_eq!(read(&mut one, 1)[4..], [0; 4]);
}

/// Who may do what under each type: the holder, another registered initiator, one that is not.
#[rstest]
#[case(WRITE_EXCLUSIVE, [true, false], [true, false])]
#[case(EXCLUSIVE, [false, false], [false, false])]
#[case(WRITE_EXCLUSIVE_REGISTRANTS, [true, true], [true, false])]
#[case(EXCLUSIVE_REGISTRANTS, [true, true], [false, false])]
#[case(WRITE_EXCLUSIVE_ALL, [true, true], [true, false])]
#[case(EXCLUSIVE_ALL, [true, true], [false, false])]
fn types(#[case] kind: u8, #[case] registered: [bool; 2], #[case] stranger: [bool; 2]) {
    let world = world();
    let mut holder = world.loaded();
    let mut other = world.unit(DRIVE, TWO);
    let mut third = world.unit(DRIVE, THREE);
    holder.write(b"data").good();
    register(&mut holder, A);
    register(&mut other, B);
    out(&mut holder, RESERVE, kind, A, 0, 0).good();
    holder.rewind().good();
    assert_eq!(holder.read(4).good(), b"data");
    holder.write(b"more").good();
    for (unit, [reads, writes]) in [(&mut other, registered), (&mut third, stranger)] {
        holder.rewind().good();
        assert_eq!(!conflicts(&unit.send_in(&READ, 4)), reads, "read {kind}");
        assert_eq!(
            !conflicts(&unit.send_out(&WRITE, b"what")),
            writes,
            "write {kind}"
        );
        assert_eq!(
            !conflicts(&unit.send_in(&MODE_SENSE, 64)),
            writes,
            "mode {kind}"
        );
        // Allowed under any: TEST UNIT READY, LOG SENSE, INQUIRY, READ BLOCK LIMITS, what
        // reservations there are, REPORT TIMESTAMP, PREVENT ALLOW MEDIUM REMOVAL that allows.
        unit.ready().good();
        unit.send_in(&LOG_SENSE, 64).good();
        unit.send_in(&[0x12, 0, 0, 0, 36, 0], 36).good();
        unit.send_in(&[0x05, 0, 0, 0, 0, 0], 6).good();
        read(unit, 0);
        unit.send_in(&[0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0], 12)
            .good();
        unit.send(&[0x1e, 0, 0, 0, 0, 0]).good();
        assert_eq!(!conflicts(&unit.send(&[0x1e, 0, 0, 0, 1, 0])), writes);
        unit.send(&[0x1e, 0, 0, 0, 0, 0]);
    }
    // The changer is another logical unit.
    world
        .unit(CHANGER, THREE)
        .move_medium(0x0402, 0x0403)
        .sense();
    let taken = world.move_medium(BAY, SLOT);
    assert!(!conflicts(&taken));
}

#[test]
fn a_reservation_is_the_holders() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    register(&mut one, A);
    register(&mut two, B);
    out(&mut one, RESERVE, EXCLUSIVE_REGISTRANTS, A, 0, 0).good();
    // The same again is no error; another type is, and so is another initiator.
    out(&mut one, RESERVE, EXCLUSIVE_REGISTRANTS, A, 0, 0).good();
    assert!(conflicts(&out(&mut one, RESERVE, EXCLUSIVE, A, 0, 0)));
    assert!(conflicts(&out(
        &mut two,
        RESERVE,
        EXCLUSIVE_REGISTRANTS,
        B,
        0,
        0
    )));
    // A release that is not the holder's does nothing.
    out(&mut two, RELEASE, EXCLUSIVE_REGISTRANTS, B, 0, 0).good();
    assert_eq!(read(&mut one, 1)[21], EXCLUSIVE_REGISTRANTS);
    assert_eq!(
        out(&mut one, RELEASE, EXCLUSIVE, A, 0, 0).sense(),
        (5, 0x26, 0x04)
    );
    out(&mut one, RELEASE, EXCLUSIVE_REGISTRANTS, A, 0, 0).good();
    assert_eq!(read(&mut one, 1)[4..], [0; 4]);
    // RESERVATIONS RELEASED for the other registrants.
    assert_eq!(attentions(&mut two), [(0x2a, 0x04)]);
    assert_eq!(attentions(&mut one), []);
    // Nobody is told of a type that admits the holder only.
    out(&mut one, RESERVE, EXCLUSIVE, A, 0, 0).good();
    out(&mut one, RELEASE, EXCLUSIVE, A, 0, 0).good();
    assert_eq!(attentions(&mut two), []);
}

#[test]
fn unregistering_the_holder_ends_the_reservation() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    register(&mut one, A);
    register(&mut two, B);
    out(&mut one, RESERVE, WRITE_EXCLUSIVE_REGISTRANTS, A, 0, 0).good();
    out(&mut one, REGISTER, 0, A, 0, 0).good();
    assert_eq!(read(&mut one, 1)[4..], [0; 4]);
    assert_eq!(attentions(&mut two), [(0x2a, 0x04)]);
    // With all registrants holding it, it ends with the last of them.
    register(&mut one, A);
    out(&mut one, RESERVE, EXCLUSIVE_ALL, A, 0, 0).good();
    assert_eq!(read(&mut two, 1)[8..16], [0; 8]);
    assert_eq!(read(&mut two, 3)[8 + 12], 1);
    out(&mut one, REGISTER, 0, A, 0, 0).good();
    assert_eq!(read(&mut two, 1)[21], EXCLUSIVE_ALL);
    // Who made it is nobody any more.
    assert!(conflicts(&one.send_in(&MODE_SENSE, 64)));
    out(&mut two, REGISTER, 0, B, 0, 0).good();
    assert_eq!(read(&mut two, 1)[4..], [0; 4]);
}

#[test]
fn clear_takes_everything() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    register(&mut one, A);
    register(&mut two, B);
    out(&mut one, RESERVE, EXCLUSIVE, A, 0, 0).good();
    out(&mut two, CLEAR, 0, B, 0, 0).good();
    assert_eq!(attentions(&mut one), [(0x2a, 0x03)]);
    assert_eq!(read(&mut one, 0).len(), 8);
    assert_eq!(attentions(&mut two), []);
    assert!(conflicts(&out(&mut one, CLEAR, 0, A, 0, 0)));
}

/// The crashed host's drive is taken over: its reservation, its registration, and with PREEMPT AND
/// ABORT its prevention of medium removal.
#[rstest]
#[case(PREEMPT, true)]
#[case(PREEMPT_AND_ABORT, false)]
fn preempt(#[case] action: u8, #[case] still_prevented: bool) {
    let world = world();
    let mut gone = world.loaded();
    let mut next = world.unit(DRIVE, TWO);
    let mut third = world.unit(DRIVE, THREE);
    register(&mut gone, A);
    register(&mut next, B);
    register(&mut third, 0x0c0c);
    out(&mut gone, RESERVE, EXCLUSIVE_REGISTRANTS, A, 0, 0).good();
    gone.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    assert!(conflicts(&out(&mut next, action, EXCLUSIVE, B, 0x0d0d, 0)));
    out(&mut next, action, EXCLUSIVE, B, A, 0).good();
    let held = read(&mut next, 1);
    assert_eq!((&held[8..16], held[21]), (&B.to_be_bytes()[..], EXCLUSIVE));
    assert_eq!(read(&mut next, 0).len(), 8 + 16);
    assert_eq!(attentions(&mut gone), [(0x2a, 0x05)]);
    // The type has changed: who stayed registered learns of the end of the old reservation.
    assert_eq!(attentions(&mut third), [(0x2a, 0x04)]);
    assert_eq!(attentions(&mut next), []);
    assert!(conflicts(&gone.send_out(&WRITE, b"late")));
    let unload = next.send(&[0x1b, 0, 0, 0, 0, 0]);
    assert_eq!(unload.sense() == (5, 0x53, 0x02), still_prevented);
}

#[test]
fn preempting_registrations_and_oneself() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    let mut three = world.unit(DRIVE, THREE);
    register(&mut one, A);
    register(&mut two, B);
    register(&mut three, B);
    out(&mut one, RESERVE, EXCLUSIVE, A, 0, 0).good();
    // Without the reservation: all registrations with that key.
    out(&mut one, PREEMPT, EXCLUSIVE, A, B, 0).good();
    assert_eq!(read(&mut one, 0)[8..], A.to_be_bytes());
    assert_eq!(attentions(&mut two), [(0x2a, 0x05)]);
    assert_eq!(attentions(&mut three), [(0x2a, 0x05)]);
    // Of itself: another type, the registration stays.
    out(&mut one, PREEMPT, WRITE_EXCLUSIVE, A, A, 0).good();
    assert_eq!(read(&mut one, 1)[21], WRITE_EXCLUSIVE);
    assert_eq!(read(&mut one, 0)[8..], A.to_be_bytes());
    // Where all registrants hold it, key 0 means all of them.
    out(&mut one, RELEASE, WRITE_EXCLUSIVE, A, 0, 0).good();
    register(&mut two, B);
    out(&mut one, RESERVE, EXCLUSIVE_ALL, A, 0, 0).good();
    out(&mut two, PREEMPT, EXCLUSIVE, B, 0, 0).good();
    assert_eq!(read(&mut two, 0)[8..], B.to_be_bytes());
    assert_eq!(attentions(&mut one), [(0x2a, 0x05)]);
}

/// APTPL: without it nothing is left after a loss of power, with it everything but PRGENERATION.
#[test]
fn reservations_through_a_loss_of_power() {
    for persists in [false, true] {
        let world = world();
        let mut one = world.unit(DRIVE, ONE);
        out(&mut one, REGISTER, 0, 0, A, u8::from(persists)).good();
        out(&mut one, RESERVE, EXCLUSIVE, A, 0, 0).good();
        assert_eq!(read(&mut one, 2)[3] & 0x01, u8::from(persists));
        world.library.power_cut();
        let check = |world: &World| {
            let mut two = world.unit(DRIVE, TWO);
            let keys = read(&mut two, 0);
            assert_eq!(keys[..4], [0; 4]);
            assert_eq!(keys.len() == 16, persists);
            assert_eq!(conflicts(&two.send_in(&MODE_SENSE, 64)), persists);
            let mut changer = world.unit(CHANGER, TWO);
            assert_eq!(read(&mut changer, 0).len(), 8);
        };
        check(&world);
        drop(one);
        let world = world.restart();
        check(&world);
        if persists {
            let mut one = world.unit(DRIVE, ONE);
            // Registering without APTPL ends it.
            out(&mut one, REGISTER, 0, A, A, 0).good();
            drop(one);
            let world = world.restart();
            let mut after = world.unit(DRIVE, TWO);
            assert_eq!(read(&mut after, 0).len(), 8);
        }
    }
}

/// StorageTek SL500 Interface Reference table 3-6 page 30: what others may do to a unit that is
/// reserved by RESERVE.
#[test]
fn reserve_and_release() {
    let world = world();
    let mut one = world.unit(CHANGER, ONE);
    let mut two = world.unit(CHANGER, TWO);
    let (reserve, release) = ([0x16, 0, 0, 0, 0, 0], [0x17, 0, 0, 0, 0, 0]);
    one.send(&reserve).good();
    one.send(&reserve).good();
    assert!(conflicts(&two.send(&reserve)));
    // Allowed, and without effect.
    two.send(&release).good();
    one.move_medium(SLOT, BAY).good();
    assert!(conflicts(&two.move_medium(BAY, SLOT)));
    assert!(conflicts(&two.ready()));
    assert!(conflicts(&two.send_in(&[0x1a, 0, 0x1d, 0, 64, 0], 64)));
    for initiator in [&mut one, &mut two] {
        let keys = initiator.send_in(&[0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0], 8);
        assert!(conflicts(&keys));
        assert!(conflicts(&out(initiator, REGISTER, 0, 0, A, 0)));
    }
    two.send_in(&LOG_SENSE, 64).good();
    two.send_in(&[0x12, 0, 0, 0, 36, 0], 36).good();
    two.send_in(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0], 64)
        .good();
    two.send_in(&[0x03, 0, 0, 0, 18, 0], 18).good();
    two.send(&[0x1e, 0, 0, 0, 0, 0]).good();
    assert!(conflicts(&two.send(&[0x1e, 0, 0, 0, 1, 0])));
    // READ ELEMENT STATUS with CURDATA needs no motion.
    let status = |flags| [0xb8, 2, 0, 0, 0, 1, flags, 0, 0, 64, 0, 0];
    assert!(conflicts(&two.send_in(&status(0), 64)));
    two.send_in(&status(2), 64).good();
    one.send(&release).good();
    two.move_medium(BAY, SLOT).good();
    // Third parties and elements are not reserved for.
    for flags in [0x10, 0x01] {
        assert_eq!(one.send(&[0x16, flags, 0, 0, 0, 0]).sense(), (5, 0x24, 0));
    }
    // It ends with the power.
    one.send(&reserve).good();
    world.library.power_cut();
    world.unit(CHANGER, TWO).ready().good();
}

/// Both kinds exclude each other (SPC-3, without CRH).
#[test]
fn reserve_is_refused_while_someone_is_registered() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    register(&mut one, A);
    assert!(conflicts(&one.send(&[0x16, 0, 0, 0, 0, 0])));
    assert!(conflicts(&one.send(&[0x17, 0, 0, 0, 0, 0])));
    out(&mut one, REGISTER, 0, A, 0, 0).good();
    one.send(&[0x16, 0, 0, 0, 0, 0]).good();
}

/// A unit attention comes before a conflict, and is told once.
#[test]
fn a_new_initiator_learns_of_the_reset_first() {
    let world = world();
    let mut one = world.unit(DRIVE, ONE);
    register(&mut one, A);
    out(&mut one, RESERVE, EXCLUSIVE, A, 0, 0).good();
    let mut fresh = world.fresh_unit(DRIVE, THREE);
    assert_eq!(fresh.send_in(&MODE_SENSE, 64).sense(), (6, 0x29, 0));
    assert!(conflicts(&fresh.send_in(&MODE_SENSE, 64)));
}

/// What `sg_persist -vvv` of sg3_utils sends (Debian 1.46-3), captured: `--out --register
/// --param-sark=0x1234 --param-aptpl`, `--out --reserve --param-rk=0x1234 --prout-type=3`, `--out
/// --preempt-abort --param-rk=0x1234 --param-sark=0x5678 --prout-type=6`, `--in -k`, `-r`, `-c`, `-s`.
#[test]
fn what_sg_persist_sends() {
    let world = world();
    let mut one = world.unit(CHANGER, ONE);
    let mut two = world.unit(CHANGER, TWO);
    out(&mut two, REGISTER, 0, 0, 0x5678, 0).good();
    let list = |text: &str| -> Vec<u8> {
        let bytes = text.split_whitespace();
        bytes
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    };
    for (cdb, parameters) in [
        (
            "5f 00 00 00 00 00 00 00 18 00",
            "00 00 00 00 00 00 00 00  00 00 00 00 00 00 12 34 00 00 00 00 01 00 00 00",
        ),
        (
            "5f 01 03 00 00 00 00 00 18 00",
            "00 00 00 00 00 00 12 34  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        ),
    ] {
        one.send_out(&list(cdb), &list(parameters)).good();
    }
    let held = one
        .send_in(&list("5e 01 00 00 00 00 00 20 00 00"), 8192)
        .good();
    assert_eq!(held[..8], [0, 0, 0, 2, 0, 0, 0, 16]);
    assert_eq!((held[15], held[21]), (0x34, EXCLUSIVE));
    let preempt = list("5f 05 06 00 00 00 00 00 18 00");
    let keys = "00 00 00 00 00 00 12 34  00 00 00 00 00 00 56 78 00 00 00 00 00 00 00 00";
    one.send_out(&preempt, &list(keys)).good();
    let keys = one
        .send_in(&list("5e 00 00 00 00 00 00 20 00 00"), 8192)
        .good();
    assert_eq!(keys, [0, 0, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x12, 0x34]);
    let capabilities = one
        .send_in(&list("5e 02 00 00 00 00 00 20 00 00"), 8192)
        .good();
    assert_eq!(capabilities[3], 0x91);
    let status = one
        .send_in(&list("5e 03 00 00 00 00 00 20 00 00"), 8192)
        .good();
    assert_eq!(status.len(), 8 + 24 + 44);
}
