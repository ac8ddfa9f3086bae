//! Commands every logical unit has, byte by byte against the tables of SPC-5, SMC-3 and SSC-4.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, CHANGER, DRIVE, MAIL, ONE, SLOT, TWO, World};
use tapeward_sim::{CartridgeSpec, Generation, LibrarySpec};

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

/// Standard INQUIRY data, laid out as tgt 1.0.85's (drivers/tests/scsi/other_devices.rs): type, RMB,
/// version, response data format, additional length, then vendor 8-15, product 16-31, revision 32-35.
#[test]
fn standard_inquiry_data() {
    let world = world();
    for (lun, device_type, product) in [
        (CHANGER, 0x08, b"LIBRARY-24      "),
        (DRIVE, 0x01, b"ULTRIUM-TD8     "),
    ] {
        let mut unit = world.fresh_unit(lun, ONE);
        let data = unit.send_in(&[0x12, 0, 0, 0, 0xff, 0], 255).good();
        assert_eq!(data[..5], [device_type, 0x80, 0x06, 0x02, 69]);
        assert_eq!(&data[8..16], b"TAPEWARD");
        assert_eq!(&data[16..32], product);
        assert_eq!(&data[32..36], b"0100");
        assert_eq!(data.len(), 74);
        // Cut to the allocation length; a page code needs EVPD.
        assert_eq!(unit.send_in(&[0x12, 0, 0, 0, 5, 0], 255).good().len(), 5);
        let refused = unit.send_in(&[0x12, 0, 0x80, 0, 0xff, 0], 255);
        assert_eq!(refused.sense(), (5, 0x24, 0x00));
        // It neither reports nor clears the unit attention (SAM-5).
        assert_eq!(unit.ready().sense(), (6, 0x29, 0x00));
    }
}

/// SPC-5, vital product data 00h 80h 83h; SSC-4, B0h B1h B3h B4h.
#[test]
fn vital_product_data() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let mut page = |code: u8| drive.send_in(&[0x12, 1, code, 0, 0xff, 0], 255);
    let supported = [1, 0, 0, 7, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb3, 0xb4];
    assert_eq!(page(0x00).good(), supported);
    assert_eq!(page(0x80).good(), b"\x01\x80\x00\x0aTWTEST0001");
    let identification = page(0x83).good();
    assert_eq!(identification[..8], [1, 0x83, 0, 50, 0x02, 0x01, 0, 34]);
    assert_eq!(
        &identification[8..42],
        b"TAPEWARDULTRIUM-TD8     TWTEST0001"
    );
    assert_eq!(identification[42..46], [0x01, 0x03, 0, 8]);
    assert_eq!(identification[46] >> 4, 3);
    assert_eq!(identification.len(), 54);
    assert_eq!(page(0xb0).good(), [1, 0xb0, 0, 2, 0x01, 0]);
    assert_eq!(page(0xb1).good(), b"\x01\xb1\x00\x0aTWTEST0001");
    assert_eq!(page(0xb3).good(), b"\x01\xb3\x00\x06TWTEST");
    assert_eq!(page(0xb4).good(), [1, 0xb4, 0, 2, 0x01, 0x01]);
    assert_eq!(page(0xc0).sense(), (5, 0x24, 0x00));
    let mut changer = world.unit(CHANGER, ONE);
    let serial = changer.send_in(&[0x12, 1, 0x80, 0, 0xff, 0], 255).good();
    assert_eq!(serial, b"\x08\x80\x00\x06TWTEST");
}

/// As tgt 1.0.85 answers `sg_luns` (drivers/tests/scsi/other_devices.rs): LUN list length, four
/// reserved bytes, eight bytes for each.
#[test]
fn report_luns() {
    let world = world();
    let mut unit = world.fresh_unit(DRIVE, ONE);
    let cdb = [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0];
    let mut expected = vec![0; 32];
    expected[3] = 24;
    expected[17] = 1;
    expected[25] = 2;
    assert_eq!(unit.send_in(&cdb, 64).good(), expected);
    let short = [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0];
    assert_eq!(unit.send_in(&short, 64).sense(), (5, 0x24, 0x00));
}

/// The default of the tables of operation codes (SPC-5).
#[test]
fn every_other_operation_code_is_refused() {
    let world = world();
    let known_to = |lun| -> &[u8] {
        if lun == DRIVE {
            &[
                0x00, 0x01, 0x03, 0x05, 0x08, 0x0a, 0x10, 0x11, 0x12, 0x15, 0x19, 0x1a, 0x1b, 0x1e,
                0x2b, 0x34, 0x44, 0x4d, 0x55, 0x5a, 0x80, 0x8c, 0x8d, 0x91, 0x92, 0x93, 0xa0,
            ]
        } else {
            &[
                0x00, 0x03, 0x07, 0x12, 0x15, 0x1a, 0x1e, 0x2b, 0x37, 0x4d, 0x55, 0x5a, 0xa0, 0xa5,
                0xb8,
            ]
        }
    };
    for lun in [CHANGER, DRIVE] {
        let mut unit = world.unit(lun, ONE);
        for opcode in 0..=0xff {
            let answer = unit.send(&[opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            let refused = answer.sense() == (5, 0x20, 0x00);
            assert_eq!(refused, !known_to(lun).contains(&opcode), "{opcode:02x}");
        }
    }
}

/// SPC-5, REQUEST SENSE: pending sense is returned with GOOD and is gone; DESC gives the other format.
#[test]
fn request_sense_takes_the_unit_attention() {
    let world = world();
    let mut unit = world.fresh_unit(DRIVE, ONE);
    let sense = unit.send_in(&[0x03, 0, 0, 0, 252, 0], 252).good();
    assert_eq!(
        sense,
        [0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0, 0, 0, 0, 0]
    );
    let none = unit.send_in(&[0x03, 1, 0, 0, 252, 0], 252).good();
    assert_eq!(none, [0x72, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(unit.ready().sense(), (2, 0x3a, 0x00));
}

/// Page 1Dh is laid out as tgt 1.0.85's (drivers/tests/scsi/mode_and_log.rs): transport, storage,
/// import/export, data transfer elements. Page 1Fh: Oracle "SL150 Interface Reference Manual" (July
/// 2017), table 4-65 (page 128).
#[test]
fn mode_pages_of_the_changer() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let assignment = changer.send_in(&[0x1a, 0x08, 0x1d, 0, 255, 0], 255).good();
    let mut expected = vec![23, 0, 0, 0, 0x1d, 18];
    expected.extend([0x00, 0x01, 0, 1, 0x04, 0x01, 0, 24]);
    expected.extend([0x03, 0x01, 0, 4, 0x01, 0x01, 0, 2, 0, 0]);
    assert_eq!(assignment, expected);
    let capabilities = changer
        .send_in(&[0x5a, 0x08, 0x1f, 0, 0, 0, 0, 0, 255, 0], 255)
        .good();
    assert_eq!(capabilities[..8], [0, 26, 0, 0, 0, 0, 0, 0]);
    assert_eq!(capabilities[8..10], [0x1f, 18]);
    assert_eq!(capabilities[10] & 0x0f, 0x0e);
    let all = changer.send_in(&[0x1a, 0x08, 0x3f, 0, 255, 0], 255).good();
    assert_eq!(usize::from(all[0]) + 1, all.len());
    let missing = changer.send_in(&[0x1a, 0x08, 0x10, 0, 255, 0], 255);
    assert_eq!(missing.sense(), (5, 0x24, 0x00));
}

/// Buffered mode 1h in byte 2, block descriptor with density and block length (as tgt 1.0.85 has
/// them); Quantum "DLT-S4 Interface Reference Guide", figure 62 (page 116) for page 0Fh; SSC-4,
/// device configuration extension: PEWS in bytes 6-7 of page 10h/01h.
#[test]
fn mode_pages_of_a_drive() {
    let world = world();
    let mut drive = world.loaded();
    let header = drive.send_in(&[0x1a, 0, 0x0f, 0, 255, 0], 255).good();
    let mut expected = vec![
        27, 0, 0x10, 8, 0x5e, 0, 0, 0, 0, 0, 0, 0, 0x0f, 14, 0xc0, 0x80,
    ];
    expected.extend([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(header, expected);
    // Page 00h: the header and the block descriptor.
    let plain = drive.send_in(&[0x1a, 0, 0x00, 0, 255, 0], 255).good();
    assert_eq!(plain, [11, 0, 0x10, 8, 0x5e, 0, 0, 0, 0, 0, 0, 0]);
    let extension = drive
        .send_in(&[0x5a, 0x08, 0x10, 0x01, 0, 0, 0, 0, 255, 0], 255)
        .good();
    assert_eq!(
        extension[..14],
        [0, 38, 0, 0x10, 0, 0, 0, 0, 0x50, 1, 0, 28, 0, 2]
    );
    // Changeable values (PC 01b): PEWS only.
    let mask = drive
        .send_in(&[0x5a, 0x08, 0x50, 0x01, 0, 0, 0, 0, 255, 0], 255)
        .good();
    let mut changeable = vec![0; 28];
    changeable[2..4].fill(0xff);
    assert_eq!(mask[12..], changeable);
    // Saved values (PC 11b) are not kept.
    let saved = drive.send_in(&[0x1a, 0, 0xcf, 0, 255, 0], 255);
    assert_eq!(saved.sense(), (5, 0x39, 0x00));
}

#[test]
fn mode_select_is_checked_as_a_whole() {
    let world = world();
    let mut drive = world.loaded();
    let mut other = world.unit(DRIVE, TWO);
    // Fixed blocks of 512 with a good header, then a page that has a bit it must not have.
    let mut list = vec![0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 2, 0];
    list.extend([0x10, 14, 1, 0, 0, 0, 0, 0, 0x40, 0, 0x18, 0, 0, 0, 1, 0]);
    let length = u8::try_from(list.len()).unwrap();
    let cdb = [0x15, 0x10, 0, 0, length, 0];
    let refused = drive.send_out(&cdb, &list);
    assert_eq!(refused.sense(), (5, 0x26, 0x00));
    assert_eq!(refused.reply.sense[15..18], [0x80, 0, 14]);
    let descriptor = drive.send_in(&[0x1a, 0, 0x0f, 0, 12, 0], 12).good();
    assert_eq!(descriptor[9..12], [0, 0, 0]);
    assert_eq!(other.ready().sense(), (0, 0, 0));
    // The same without that bit.
    list[14] = 0;
    drive.send_out(&cdb, &list).good();
    let descriptor = drive.send_in(&[0x1a, 0, 0x0f, 0, 12, 0], 12).good();
    assert_eq!(descriptor[9..12], [0, 2, 0]);
    assert_eq!(other.ready().sense(), (6, 0x2a, 0x01));
    drive.ready().good();
    // A list cut short.
    let cut = drive.send_out(&[0x15, 0x10, 0, 0, 20, 0], &list[..20]);
    assert_eq!(cut.sense(), (5, 0x1a, 0x00));
}

/// D_SENSE of the control mode page (SPC-5); the information descriptor as in Seagate "SCSI Commands
/// Reference Manual" Rev. J, table 15 (page 49).
#[test]
fn descriptor_sense_when_asked_for() {
    let world = world();
    let mut drive = world.loaded();
    let list = [0, 0, 0x10, 0, 0x0a, 10, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    drive.send_out(&[0x15, 0x10, 0, 0, 16, 0], &list).good();
    let answer = drive.read(10);
    let mut expected = vec![0x72, 8, 0, 5, 0, 0, 0, 12];
    expected.extend([0x00, 0x0a, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 10]);
    assert_eq!(answer.reply.sense, expected);
}

/// Quantum "DLT-S4 Interface Reference Guide", figure 127 (page 262): maximum in bytes 1-3, minimum
/// in 4-5.
#[test]
fn read_block_limits() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let limits = drive.send_in(&[0x05, 0, 0, 0, 0, 0], 6).good();
    assert_eq!(limits, [0, 0x80, 0, 0, 0, 1]);
}

/// HP Ultrium technical reference Q1530-90901, page 138: 52 bytes for each density, the drive's own marked as default (DEFLT).
#[test]
fn report_density_support() {
    let world = world();
    let mut drive = world.loaded();
    let all = drive
        .send_in(&[0x44, 0, 0, 0, 0, 0, 0, 1, 0, 0], 256)
        .good();
    assert_eq!(all[..4], [0, 106, 0, 0]);
    assert_eq!(all.len(), 4 + 2 * 52);
    assert_eq!(all[4..7], [0x5c, 0x5c, 0x80]);
    assert_eq!(all[56..59], [0x5e, 0x5e, 0xa0]);
    assert_eq!(all[68..72], 12_000_000_u32.to_be_bytes());
    assert_eq!(&all[72..88], b"LTO-CVE U-832   ");
    let medium = drive
        .send_in(&[0x44, 1, 0, 0, 0, 0, 0, 1, 0, 0], 256)
        .good();
    assert_eq!(medium[4..], all[56..]);
}

#[test]
fn removal_is_prevented_per_initiator() {
    let world = world();
    let mut one = world.loaded();
    let mut two = world.unit(DRIVE, TWO);
    let (prevent, allow) = ([0x1e, 0, 0, 0, 1, 0], [0x1e, 0, 0, 0, 0, 0]);
    let unload = [0x1b, 0, 0, 0, 0, 0];
    one.send(&prevent).good();
    two.send(&prevent).good();
    one.send(&allow).good();
    assert_eq!(one.send(&unload).sense(), (5, 0x53, 0x02));
    assert_eq!(world.move_medium(BAY, SLOT).sense(), (5, 0x53, 0x02));
    two.send(&allow).good();
    one.send(&unload).good();
    assert_eq!(one.ready().sense(), (2, 0x3a, 0x00));
    world.move_medium(BAY, MAIL).good();
}

#[test]
fn an_unloaded_cartridge_can_be_loaded_again() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(b"kept").good();
    drive.send(&[0x1b, 0, 0, 0, 0, 0]).good();
    assert_eq!(drive.position_sense(), (2, 0x3a, 0x00));
    drive.send(&[0x1b, 0, 0, 0, 1, 0]).good();
    assert_eq!(drive.read(4).good(), b"kept");
    assert_eq!(
        world
            .unit(support::SECOND_DRIVE, ONE)
            .send(&[0x1b, 0, 0, 0, 1, 0])
            .sense(),
        (2, 0x3a, 0x00)
    );
}

#[test]
fn log_pages() {
    let world = world();
    let mut drive = world.loaded();
    let supported = drive
        .send_in(&[0x4d, 0, 0x40, 0, 0, 0, 0, 0, 255, 0], 255)
        .good();
    assert_eq!(supported, [0, 0, 0, 4, 0x00, 0x17, 0x2e, 0x31]);
    // HP Ultrium technical reference C7379-90900, page 69: remaining and maximum capacity of a 64 MiB cartridge with one MiB on it.
    drive.write(&vec![1; 1 << 20]).good();
    let capacity = drive
        .send_in(&[0x4d, 0, 0x71, 0, 0, 0, 0, 0, 255, 0], 255)
        .good();
    assert_eq!(capacity[..12], [0x31, 0, 0, 32, 0, 1, 3, 4, 0, 0, 0, 62]);
    assert_eq!(capacity[20..28], [0, 3, 3, 4, 0, 0, 0, 64]);
    // From a parameter pointer on.
    let rest = drive
        .send_in(&[0x4d, 0, 0x71, 0, 0, 0, 3, 0, 255, 0], 255)
        .good();
    assert_eq!(rest[4..], capacity[20..]);
    let behind = drive.send_in(&[0x4d, 0, 0x71, 0, 0, 0, 5, 0, 255, 0], 255);
    assert_eq!(behind.sense(), (5, 0x24, 0x00));
    let statistics = drive
        .send_in(&[0x4d, 0, 0x57, 0, 0, 0, 0, 1, 255, 0], 511)
        .good();
    assert_eq!(statistics[..9], [0x17, 0, 0, statistics[3], 0, 0, 3, 1, 1]);
    let text = String::from_utf8_lossy(&statistics).into_owned();
    assert!(text.contains("TW0001L8"));
    let missing = drive.send_in(&[0x4d, 0, 0x7f, 0, 0, 0, 0, 0, 255, 0], 255);
    assert_eq!(missing.sense(), (5, 0x24, 0x00));
}

#[test]
fn drives_of_each_generation_take_their_own_and_the_one_before() {
    let labels = ["TW0006L6", "TW0007L7", "TW0008L8", "TW0009L9"];
    let generations = [
        Generation::Lto6,
        Generation::Lto7,
        Generation::Lto8,
        Generation::Lto9,
    ];
    for (number, generation) in generations.into_iter().enumerate() {
        let spec = LibrarySpec::new("generic", "TWTEST").with_drives(generation);
        let spec = labels.iter().fold(spec, |spec, label| {
            spec.with_cartridge(CartridgeSpec::labelled(label))
        });
        let world = World::new(&spec);
        let mut drive = world.unit(DRIVE, ONE);
        for (at, slot) in (SLOT..).take(4).enumerate() {
            world.move_medium(slot, BAY).good();
            drive.drain_attentions();
            let expected = if at == number || at + 1 == number {
                (0, 0, 0)
            } else {
                (3, 0x30, 0x00)
            };
            assert_eq!(
                drive.ready().sense(),
                expected,
                "{} in {generation:?}",
                labels[at]
            );
            world.move_medium(BAY, slot).good();
        }
    }
}
