//! READ ELEMENT STATUS and MOVE MEDIUM (SMC-3).
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, CHANGER, DRIVE, MAIL, ONE, SLOT, TWO, Unit, World};
use tapeward_sim::{CartridgeSpec, Destination, LibrarySpec};

fn world() -> World {
    World::new(
        &LibrarySpec::new("generic", "TWTEST")
            .with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20))
            .with_cartridge(CartridgeSpec::labelled("TW0002LY").with_capacity(64 << 20))
            .with_cartridge(CartridgeSpec::labelled("CLN001L1"))
            .with_cartridge(CartridgeSpec::labelled("TW0004L8").without_label()),
    )
}

/// B8h with VOLTAG and type in byte 1, start, count, flags (CURDATA 2, DVCID 1), allocation: Quantum
/// "SuperLoader 3 Software Interface Guide", figure 58 (page 100).
fn status(kind: u8, start: u16, count: u16, flags: u8, allocation: u32) -> [u8; 12] {
    let mut cdb = [0xb8, kind, 0, 0, 0, 0, flags, 0, 0, 0, 0, 0];
    cdb[2..4].copy_from_slice(&start.to_be_bytes());
    cdb[4..6].copy_from_slice(&count.to_be_bytes());
    cdb[7..10].copy_from_slice(&allocation.to_be_bytes()[1..]);
    cdb
}

fn report(changer: &mut Unit, kind: u8, flags: u8) -> Vec<u8> {
    changer
        .send_in(&status(kind, 0, 0xffff, flags, 1 << 20), 1 << 20)
        .good()
}

/// Header and page header: Oracle "SL150 Interface Reference Manual" (July 2017), tables 4-101 and
/// 4-103; FULL, ACCESS, SVALID and MEDIUM TYPE of a descriptor: table 4-106 (page 195).
#[test]
fn storage_elements_with_tags() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let report = changer
        .send_in(&status(0x12, SLOT, 5, 0, 4096), 4096)
        .good();
    // Header: first element, number of elements, byte count; page header: type, PVOLTAG,
    // descriptor length 52 (12 + 36 + 4), byte count 260.
    assert_eq!(report[..8], [0x04, 0x01, 0, 5, 0, 0, 1, 12]);
    assert_eq!(report[8..16], [2, 0x80, 0, 52, 0, 0, 1, 4]);
    let element = |at: usize| &report[16 + 52 * at..16 + 52 * (at + 1)];
    // Address, ACCESS and FULL, no exception, medium type 1 (data).
    assert_eq!(
        element(0)[..12],
        [0x04, 0x01, 0x09, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    );
    assert_eq!(&element(0)[12..44], b"TW0001L8                        ");
    assert_eq!(element(0)[44..], [0; 8]);
    assert_eq!((element(1)[9], element(2)[9]), (4, 2)); // WORM, cleaning
    assert_eq!(element(3)[2], 0x09);
    assert_eq!(element(3)[12..44], [b' '; 32]); // full, unlabelled
    assert_eq!(element(4)[2..12], [0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(element(4)[12..], [0; 40]);
}

#[test]
fn all_types_are_pages_in_the_order_of_addresses() {
    let world = world();
    world.move_medium(SLOT, BAY).good();
    let mut changer = world.unit(CHANGER, ONE);
    let report = report(&mut changer, 0x10, 0x01);
    assert_eq!(report[..4], [0, 1, 0, 31]);
    let mut at = 8;
    let mut pages = Vec::new();
    while at < report.len() {
        let length = usize::from(u16::from_be_bytes([report[at + 2], report[at + 3]]));
        let bytes = u32::from_be_bytes([0, report[at + 5], report[at + 6], report[at + 7]]);
        pages.push((report[at], length, bytes as usize / length));
        if report[at] == 4 {
            // The loaded drive: source valid, and its NAA designator.
            let drive = &report[at + 8..at + 8 + length];
            assert_eq!(
                drive[..12],
                [1, 1, 0x09, 0, 0, 0, 0, 0, 0, 0x81, 0x04, 0x01]
            );
            assert_eq!(drive[48..52], [1, 3, 0, 8]);
            assert_eq!(drive[52] >> 4, 3);
        }
        at += 8 + bytes as usize;
    }
    assert_eq!(at, report.len());
    assert_eq!(pages, [(1, 52, 1), (4, 60, 2), (3, 52, 4), (2, 52, 24)]);
    assert_eq!(report.len() - 8, u24(&report[5..8]));
}

fn u24(bytes: &[u8]) -> usize {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize
}

/// Quantum "SuperLoader 3 Software Interface Guide", page 101: whatever the allocation length, the header tells of the whole report, and no
/// descriptor is cut.
#[test]
fn every_allocation_length_gives_a_whole_number_of_descriptors() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let whole = report(&mut changer, 0x10, 0x01);
    let mut ends = vec![0, 8];
    let mut at = 8;
    while at < whole.len() {
        let length = usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
        let end = at + 8 + u24(&whole[at + 5..at + 8]);
        at += 8;
        ends.push(at);
        while at < end {
            at += length;
            ends.push(at);
        }
    }
    for allocation in 0..=whole.len() + 3 {
        let cdb = status(0x10, 0, 0xffff, 1, u32::try_from(allocation).unwrap());
        let part = changer.send_in(&cdb, whole.len() + 3).good();
        assert!(whole.starts_with(&part), "at {allocation}");
        let fitting = ends.iter().rfind(|end| **end <= allocation).unwrap();
        assert_eq!(
            part.len(),
            if allocation < 8 { allocation } else { *fitting }
        );
    }
}

#[test]
fn start_and_count_choose() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let mut asked = |kind, start, count| {
        let answer = changer.send_in(&status(kind, start, count, 0, 4096), 4096);
        (answer.sense(), answer.data.get(..4).map(<[u8]>::to_vec))
    };
    assert_eq!(asked(2, 0, 1), ((0, 0, 0), Some(vec![4, 1, 0, 1])));
    assert_eq!(asked(2, 0x410, 99), ((0, 0, 0), Some(vec![4, 0x10, 0, 9])));
    assert_eq!(asked(0, 0x102, 3), ((0, 0, 0), Some(vec![1, 2, 0, 3])));
    assert_eq!(asked(2, 0x419, 1), ((5, 0x21, 0x01), None));
    assert_eq!(asked(5, 0, 1), ((5, 0x24, 0x00), None));
    assert_eq!(asked(2, 0, 0), ((0, 0, 0), Some(vec![0, 0, 0, 0])));
}

#[test]
fn models_differ_in_addresses_tags_and_identifiers() {
    for (model, kind, flags, expected) in [
        // Descriptor length of drives without and with DVCID; identifier code set and type.
        ("generic", 4, 0, (16, None)),
        ("generic", 4, 1, (24, Some([1, 3, 0, 8]))),
        ("enterprise", 4, 1, (50, Some([2, 1, 0, 34]))),
        ("midrange", 4, 0, (12, None)),
        ("midrange", 4, 1, (50, Some([2, 1, 0, 34]))),
        ("autoloader", 4, 0, (12, None)),
    ] {
        let world = World::new(&LibrarySpec::new(model, "TWTEST"));
        let mut changer = world.unit(CHANGER, ONE);
        let report = report(&mut changer, kind, flags);
        let length = u16::from_be_bytes([report[10], report[11]]);
        let identifier = (length > 16).then(|| report[28..32].try_into().unwrap());
        assert_eq!((length, identifier), expected, "{model} {flags}");
    }
    let world = World::new(&LibrarySpec::new("autoloader", "TWTEST"));
    let mut changer = world.unit(CHANGER, ONE);
    let refused = changer.send_in(&status(4, 0, 9, 1, 4096), 4096);
    assert_eq!(refused.sense(), (5, 0x24, 0x00));
    let cartridge = CartridgeSpec::labelled("TW0001L7");
    world
        .library
        .insert_new(&cartridge, Destination::Storage)
        .unwrap();
    changer.drain_attentions();
    let report = report(&mut changer, 0x12, 0);
    assert_eq!(report[16..18], [0, 1]);
    let mut tag = [0; 36];
    tag[..6].copy_from_slice(b"TW0001");
    assert_eq!(report[28..64], tag);
}

#[test]
fn ten_thousand_slots_are_reported() {
    let world = World::new(&LibrarySpec::new("enterprise", "TWTEST"));
    let mut changer = world.unit(CHANGER, ONE);
    let report = report(&mut changer, 0x12, 0);
    assert_eq!(report[2..4], 10_000_u16.to_be_bytes());
    assert_eq!(report.len(), 8 + 8 + 10_000 * 52);
}

#[test]
fn moves_that_cannot_be_are_refused_and_change_nothing() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let before = report(&mut changer, 0x10, 1);
    for (from, to, expected) in [
        (0x0410, BAY, (5, 0x3b, 0x0e)),  // source empty
        (SLOT, 0x0402, (5, 0x3b, 0x0d)), // destination full
        (SLOT, SLOT, (5, 0x3b, 0x0d)),
        (0x0999, BAY, (5, 0x21, 0x01)),
        (SLOT, 0x0999, (5, 0x21, 0x01)),
        (SLOT, 0x0001, (5, 0x21, 0x01)), // the transport itself
    ] {
        let answer = changer.move_medium(from, to);
        assert_eq!(answer.sense(), expected, "{from:04x} {to:04x}");
    }
    let [a, b] = SLOT.to_be_bytes();
    let wrong_transport = [0xa5, 0, 0, 2, a, b, 4, 0x10, 0, 0, 0, 0];
    assert_eq!(changer.send(&wrong_transport).sense(), (5, 0x21, 0x01));
    let inverted = [0xa5, 0, 0, 1, a, b, 4, 0x10, 0, 0, 1, 0];
    assert_eq!(changer.send(&inverted).sense(), (5, 0x24, 0x00));
    assert_eq!(report(&mut changer, 0x10, 1), before);
}

#[test]
fn a_cartridge_keeps_its_last_slot_as_source() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    changer.move_medium(0x0402, BAY).good();
    changer.move_medium(BAY, MAIL).good();
    let report = report(&mut changer, 3, 0);
    // Full, accessible, importing and exporting, not by an operator; from slot 0402h (SL150
    // manual, table 4-106, page 195).
    assert_eq!(report[16..28], [3, 1, 0x39, 0, 0, 0, 0, 0, 0, 0x84, 4, 2]);
}

#[test]
fn an_operator_at_the_mail_slots_is_reported() {
    let world = world();
    let mut one = world.unit(CHANGER, ONE);
    let mut two = world.unit(CHANGER, TWO);
    let cartridge = CartridgeSpec::labelled("TW0009L8");
    let (id, address) = world
        .library
        .insert_new(&cartridge, Destination::ImportExport)
        .unwrap();
    assert_eq!(address, MAIL);
    for changer in [&mut one, &mut two] {
        assert_eq!(changer.ready().sense(), (6, 0x28, 0x01));
        changer.ready().good();
    }
    assert_eq!(report(&mut one, 3, 0)[18], 0x3b); // IMPEXP
    one.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    let locked = world.library.remove(&id).unwrap_err().to_string();
    assert_eq!(locked, "a host keeps the import/export elements locked");
    one.send(&[0x1e, 0, 0, 0, 0, 0]).good();
    one.move_medium(MAIL, BAY).good();
    let inside = world.library.remove(&id).unwrap_err().to_string();
    assert!(inside.contains("in the drive at element 257"), "{inside}");
    one.move_medium(BAY, MAIL).good();
    world.library.remove(&id).unwrap();
    assert_eq!(world.library.outside().unwrap(), std::slice::from_ref(&id));
    world
        .library
        .insert(&id, Destination::Element(MAIL + 2))
        .unwrap();
    assert!(
        world
            .library
            .insert(&id, Destination::ImportExport)
            .is_err()
    );
}

#[test]
fn some_libraries_want_the_drive_unloaded_first() {
    let spec = LibrarySpec::new("autoloader", "TWTEST")
        .with_cartridge(CartridgeSpec::labelled("TW0001L7").with_capacity(64 << 20));
    let world = World::new(&spec);
    let bay = 0x01e0;
    world.move_medium(1, bay).good();
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    drive.write(b"kept").good();
    let mut changer = world.unit(CHANGER, ONE);
    assert_eq!(report(&mut changer, 4, 0)[18], 0x01); // full, not accessible
    assert_eq!(changer.move_medium(bay, 1).sense(), (5, 0x53, 0x02));
    assert_eq!(drive.position().1, 1);
    drive.send(&[0x1b, 0, 0, 0, 0, 0]).good();
    assert_eq!(report(&mut changer, 4, 0)[18], 0x09);
    changer.move_medium(bay, 1).good();
}

#[test]
fn elements_are_as_they_were_after_a_restart() {
    let world = world();
    world.move_medium(SLOT, BAY).good();
    world.move_medium(0x0402, MAIL).good();
    let before = world.library.elements();
    let world = world.restart();
    assert_eq!(world.library.elements(), before);
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    drive.ready().good();
}

#[test]
fn initialize_element_status_is_known() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    changer.send(&[0x07, 0, 0, 0, 0, 0]).good();
    let range = |high, low| [0x37, 1, high, low, 0, 0, 0, 1, 0, 0];
    changer.send(&range(4, 1)).good();
    assert_eq!(changer.send(&range(9, 9)).sense(), (5, 0x21, 0x01));
    changer.send(&[0x2b, 0, 0, 1, 4, 1, 0, 0, 0, 0]).good();
}
