//! EXCHANGE MEDIUM, POSITION TO ELEMENT, OPEN/CLOSE IMPORT/EXPORT ELEMENT, INITIALIZE ELEMENT
//! STATUS WITH RANGE, SEND VOLUME TAG and REQUEST VOLUME ELEMENT ADDRESS (SMC-3).
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use rstest::rstest;
use support::{Answer, BAY, CHANGER, DRIVE, MAIL, ONE, SLOT, TWO, Unit, World};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

const SECOND: u16 = SLOT + 1;
const EMPTY: u16 = SLOT + 9;

fn world() -> World {
    World::new(
        &LibrarySpec::new("generic", "TWTEST")
            .with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20))
            .with_cartridge(CartridgeSpec::labelled("TW0002L8").with_capacity(64 << 20))
            .with_cartridge(CartridgeSpec::labelled("TW0003L8").without_label()),
    )
}

/// A6h: transport, source, first and second destination, INV1 and INV2.
fn exchange(changer: &mut Unit, elements: [u16; 4], inverts: u8) -> Answer {
    let mut cdb = vec![0xa6, 0];
    cdb.extend(elements.iter().flat_map(|element| element.to_be_bytes()));
    cdb.extend([inverts, 0]);
    changer.send(&cdb)
}

fn holds(world: &World, address: u16) -> Option<String> {
    let all = world.library.elements();
    let found = all.into_iter().find(|element| element.address == address);
    found.unwrap().cartridge.map(|id| id.as_str().to_owned())
}

fn has(world: &World, expected: [(u16, Option<&str>); 3]) {
    for (address, cartridge) in expected {
        assert_eq!(holds(world, address).as_deref(), cartridge, "{address:x}");
    }
}

#[test]
fn the_loaded_cartridge_is_exchanged() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(b"first").good();
    let mut changer = world.unit(CHANGER, ONE);
    // To another slot, then back into the one that the coming cartridge leaves.
    exchange(&mut changer, [0, SECOND, BAY, EMPTY], 0).good();
    has(
        &world,
        [
            (SECOND, None),
            (BAY, Some("TW0002L8")),
            (EMPTY, Some("TW0001L8")),
        ],
    );
    assert_eq!(drive.ready().sense(), (6, 0x28, 0x00));
    assert_eq!(drive.read(5).sense(), (8, 0x00, 0x05));
    drive.write(b"second").good();
    exchange(&mut changer, [1, EMPTY, BAY, EMPTY], 0).good();
    has(
        &world,
        [
            (SECOND, None),
            (BAY, Some("TW0001L8")),
            (EMPTY, Some("TW0002L8")),
        ],
    );
    drive.drain_attentions();
    assert_eq!(drive.read(5).good(), b"first");
    // Both are where they are after a restart too.
    drop((drive, changer));
    let world = world.restart();
    has(
        &world,
        [
            (SECOND, None),
            (BAY, Some("TW0001L8")),
            (EMPTY, Some("TW0002L8")),
        ],
    );
    world.move_medium(BAY, SLOT).good();
    world.move_medium(EMPTY, BAY).good();
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    assert_eq!(drive.read(6).good(), b"second");
}

#[rstest]
#[case::source_empty([0, EMPTY, BAY, SLOT + 3], 0, (5, 0x3b, 0x0e))]
#[case::nothing_to_exchange_with([0, SECOND, EMPTY, SLOT + 3], 0, (5, 0x3b, 0x0e))]
#[case::second_destination_full([0, SECOND, BAY, SLOT + 2], 0, (5, 0x3b, 0x0d))]
#[case::to_itself([0, SECOND, SECOND, EMPTY], 0, (5, 0x24, 0))]
#[case::not_moved_on([0, SECOND, BAY, BAY], 0, (5, 0x24, 0))]
#[case::transport_is_no_destination([0, SECOND, 1, EMPTY], 0, (5, 0x21, 0x01))]
#[case::no_such_element([0, SECOND, BAY, 9], 0, (5, 0x21, 0x01))]
#[case::no_such_transport([2, SECOND, BAY, EMPTY], 0, (5, 0x21, 0x01))]
#[case::first_inverted([0, SECOND, BAY, EMPTY], 1, (5, 0x24, 0))]
#[case::second_inverted([0, SECOND, BAY, EMPTY], 2, (5, 0x24, 0))]
fn exchanges_are_checked_first(
    #[case] elements: [u16; 4],
    #[case] inverts: u8,
    #[case] sense: (u8, u8, u8),
) {
    let world = world();
    world.move_medium(SLOT, BAY).good();
    let before = world.library.elements();
    let mut changer = world.unit(CHANGER, ONE);
    assert_eq!(exchange(&mut changer, elements, inverts).sense(), sense);
    assert_eq!(world.library.elements(), before);
}

#[test]
fn a_prevented_drive_gives_nothing_back() {
    let world = world();
    let mut drive = world.loaded();
    drive.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    let mut changer = world.unit(CHANGER, ONE);
    let refused = exchange(&mut changer, [0, SECOND, BAY, EMPTY], 0);
    assert_eq!(refused.sense(), (5, 0x53, 0x02));
    has(
        &world,
        [
            (SECOND, Some("TW0002L8")),
            (BAY, Some("TW0001L8")),
            (EMPTY, None),
        ],
    );
}

/// Half way: what was in the first destination is in the hand, the other has not moved.
#[test]
fn an_exchange_that_gets_stuck() {
    let world = world();
    world.move_medium(SLOT, BAY).good();
    let planned = PlannedFault {
        at: Place::Move(1),
        fault: Fault::MoveStuck,
    };
    world.library.set_faults(vec![planned]).unwrap();
    let mut changer = world.unit(CHANGER, ONE);
    let stuck = exchange(&mut changer, [0, SECOND, BAY, EMPTY], 0);
    assert_eq!(stuck.sense(), (4, 0x15, 0x01));
    has(
        &world,
        [
            (1, Some("TW0001L8")),
            (BAY, None),
            (SECOND, Some("TW0002L8")),
        ],
    );
    changer.move_medium(1, EMPTY).good();
}

#[test]
fn an_open_mail_slot_is_the_operators() {
    let world = world();
    let mut one = world.unit(CHANGER, ONE);
    let mut two = world.unit(CHANGER, TWO);
    let door = |address: u16, action: u8| {
        let [high, low] = address.to_be_bytes();
        [0x1b, 0, high, low, action, 0]
    };
    let access = |changer: &mut Unit| {
        let cdb = [0xb8, 3, 0x03, 0x01, 0, 1, 0, 0, 0, 64, 0, 0];
        changer.send_in(&cdb, 64).good()[16 + 2] & 0x08 != 0
    };
    one.move_medium(SLOT, MAIL).good();
    assert!(access(&mut one));
    one.send(&door(MAIL, 0)).good();
    one.send(&door(MAIL, 0)).good();
    assert!(!access(&mut one));
    // MEDIUM MAGAZINE NOT ACCESSIBLE.
    assert_eq!(one.move_medium(MAIL, SLOT).sense(), (5, 0x3b, 0x11));
    assert_eq!(one.move_medium(SECOND, MAIL).sense(), (5, 0x3b, 0x11));
    one.move_medium(SECOND, MAIL + 1).good();
    one.send(&door(MAIL, 1)).good();
    one.send(&door(MAIL, 1)).good();
    assert!(access(&mut one));
    one.move_medium(MAIL, SLOT).good();
    // The others learn once that somebody was at it.
    assert_eq!(two.ready().sense(), (6, 0x28, 0x01));
    two.ready().good();
    assert_eq!(one.send(&door(SLOT, 0)).sense(), (5, 0x21, 0x01));
    assert_eq!(one.send(&door(MAIL, 2)).sense(), (5, 0x24, 0));
    two.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    assert_eq!(one.send(&door(MAIL, 0)).sense(), (5, 0x53, 0x02));
}

#[test]
fn positions() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let position = |to: u16, invert: u8| {
        let [high, low] = to.to_be_bytes();
        [0x2b, 0, 0, 1, high, low, 0, 0, invert, 0]
    };
    changer.send(&position(SLOT, 0)).good();
    changer.send(&position(BAY, 0)).good();
    assert_eq!(changer.send(&position(1, 0)).sense(), (5, 0x21, 0x01));
    assert_eq!(changer.send(&position(9, 0)).sense(), (5, 0x21, 0x01));
    assert_eq!(changer.send(&position(SLOT, 1)).sense(), (5, 0x24, 0));
}

/// B6h, with a list of 40 bytes or none.
fn send_tag(changer: &mut Unit, kind: u8, at: u16, action: u8, tag: Option<&str>) -> Answer {
    let [high, low] = at.to_be_bytes();
    let Some(tag) = tag else {
        return changer.send(&[0xb6, kind, high, low, 0, action, 0, 0, 0, 0, 0, 0]);
    };
    let mut list = tag.as_bytes().to_vec();
    list.resize(40, 0);
    list[35] = 1; // least sequence number, or the new one
    list[39] = 9; // greatest
    let cdb = [0xb6, kind, high, low, 0, action, 0, 0, 0, 40, 0, 0];
    changer.send_out(&cdb, &list)
}

/// B5h with volume tags: the action, and the addresses of the descriptors (each 52 bytes).
fn found(changer: &mut Unit) -> (u8, Vec<u16>) {
    let cdb = [0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0x10, 0, 0, 0];
    let data = changer.send_in(&cdb, 4096).good();
    let mut addresses = Vec::new();
    let mut rest = &data[8..];
    while !rest.is_empty() {
        let bytes = usize::from(u16::from_be_bytes([rest[6], rest[7]]));
        for one in rest[8..8 + bytes].chunks(52) {
            addresses.push(u16::from_be_bytes([one[0], one[1]]));
        }
        rest = &rest[8 + bytes..];
    }
    (data[4], addresses)
}

#[test]
fn cartridges_are_found_by_templates() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let asked = [0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0x10, 0, 0, 0];
    // COMMAND SEQUENCE ERROR without a search of this initiator's before.
    assert_eq!(changer.send_in(&asked, 64).sense(), (5, 0x2c, 0x00));
    changer.move_medium(SECOND, BAY).good();
    for (kind, from, action, template, expected) in [
        (0, 0, 5, "TW*", vec![BAY, SLOT]),
        (0, 0, 5, "TW000?L8", vec![BAY, SLOT]),
        (2, 0, 5, "TW*", vec![SLOT]),
        (0, SLOT, 5, "TW*", vec![SLOT]),
        (4, 0, 5, "TW0002L8", vec![BAY]),
        (0, 0, 5, "TW0002", vec![]),
        // Sequence numbers 1 to 9: a bar code has 0.
        (0, 0, 1, "TW*", vec![]),
        (0, 0, 6, "*", vec![]),
        (0, 0, 4, "*", vec![BAY, SLOT]),
    ] {
        send_tag(&mut changer, kind, from, action, Some(template)).good();
        assert_eq!(
            found(&mut changer),
            (action, expected),
            "{template} {action}"
        );
    }
    // Another initiator has its own results.
    let mut other = world.unit(CHANGER, TWO);
    assert_eq!(other.send_in(&asked, 64).sense(), (5, 0x2c, 0x00));
    // What is found by then is gone if it has left.
    send_tag(&mut changer, 0, 0, 5, Some("TW0002L8")).good();
    changer.move_medium(BAY, EMPTY).good();
    assert_eq!(found(&mut changer), (5, vec![]));
    for (kind, action, template) in [(5, 5, "TW*"), (0, 3, "TW*"), (0, 7, "TW*"), (0, 0xe, "TW*")] {
        let refused = send_tag(&mut changer, kind, 0, action, Some(template));
        assert_eq!(refused.sense(), (5, 0x24, 0), "{kind} {action}");
    }
    assert_eq!(send_tag(&mut changer, 0, 0, 5, None).sense(), (5, 0x24, 0));
    assert_eq!(
        send_tag(&mut changer, 0, 0, 5, Some("T\u{1}")).sense(),
        (5, 0x26, 0)
    );
}

/// The primary tag of an element as READ ELEMENT STATUS has it, with the sequence number.
fn tag(changer: &mut Unit, address: u16) -> (String, u8) {
    let [high, low] = address.to_be_bytes();
    let cdb = [0xb8, 0x10, high, low, 0, 1, 0, 0, 1, 0, 0, 0];
    let data = changer.send_in(&cdb, 256).good();
    let text = String::from_utf8_lossy(&data[28..60]).trim_end().to_owned();
    (text, data[63])
}

#[test]
fn tags_are_asserted_replaced_and_undefined() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let unlabelled = SLOT + 2;
    assert_eq!(tag(&mut changer, unlabelled).0, "");
    send_tag(&mut changer, 0, unlabelled, 8, Some("GIVEN1")).good();
    assert_eq!(tag(&mut changer, unlabelled), ("GIVEN1".to_owned(), 1));
    // It goes with the cartridge, and is there after a restart.
    changer.move_medium(unlabelled, EMPTY).good();
    drop(changer);
    let world = world.restart();
    let mut changer = world.unit(CHANGER, ONE);
    assert_eq!(tag(&mut changer, EMPTY).0, "GIVEN1");
    send_tag(&mut changer, 0, 0, 1, Some("GIVEN*")).good();
    assert_eq!(found(&mut changer), (1, vec![EMPTY]));
    // Defined tags are replaced, not asserted.
    let again = send_tag(&mut changer, 0, EMPTY, 8, Some("GIVEN2"));
    assert_eq!(again.sense(), (5, 0x24, 0));
    send_tag(&mut changer, 0, EMPTY, 10, Some("GIVEN2")).good();
    send_tag(&mut changer, 0, SLOT, 10, Some("OTHER")).good();
    assert_eq!(tag(&mut changer, SLOT).0, "OTHER");
    send_tag(&mut changer, 0, EMPTY, 12, None).good();
    send_tag(&mut changer, 0, EMPTY, 12, None).good();
    assert_eq!(tag(&mut changer, EMPTY).0, "");
    // Alternate tags, a field of their own behind the primary one.
    send_tag(&mut changer, 0, SLOT, 9, Some("BACK")).good();
    let [high, low] = SLOT.to_be_bytes();
    let both = [0xb8, 0x12, high, low, 0, 2, 0, 0, 1, 0, 0, 0];
    let data = changer.send_in(&both, 256).good();
    assert_eq!(data[8..12], [2, 0xc0, 0, 12 + 36 + 36 + 4]);
    assert_eq!(&data[28..33], b"OTHER");
    assert_eq!(&data[64..68], b"BACK");
    assert_eq!(data[16 + 88 + 48..16 + 88 + 84], [0; 36]);
    send_tag(&mut changer, 0, 0, 2, Some("BACK")).good();
    let found_alternate = [0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    assert_eq!(
        changer.send_in(&found_alternate, 256).good()[2..5],
        [0, 1, 2]
    );
    send_tag(&mut changer, 0, SLOT, 13, None).good();
    // The bar code reader has the last word where there is a label.
    changer
        .send(&[0x37, 0x01, 0x04, 0x02, 0, 0, 0, 20, 0, 0])
        .good();
    assert_eq!(tag(&mut changer, SLOT).0, "OTHER");
    changer
        .send(&[0x37, 0x03, 0x04, 0x01, 0, 0, 0, 1, 0, 0])
        .good();
    assert_eq!(tag(&mut changer, SLOT).0, "OTHER");
    changer
        .send(&[0x37, 0x01, 0x04, 0x01, 0, 0, 0, 1, 0, 0])
        .good();
    assert_eq!(tag(&mut changer, SLOT).0, "TW0001L8");
    for (at, action, text, sense) in [
        (SLOT + 5, 10, Some("NOBODY"), (5, 0x3b, 0x0e)),
        (9, 10, Some("NOBODY"), (5, 0x21, 0x01)),
        (SLOT, 10, Some("WILD*"), (5, 0x26, 0)),
        (SLOT, 10, Some(""), (5, 0x26, 0)),
        (SLOT, 12, Some("LIST"), (5, 0x24, 0)),
    ] {
        let refused = send_tag(&mut changer, 0, at, action, text);
        assert_eq!(refused.sense(), sense, "{at} {action}");
    }
}
