//! LOCATE, SPACE, ERASE, REWIND, LOAD UNLOAD, READ BLOCK LIMITS, REPORT DENSITY SUPPORT.

use tapeward_drivers::ssc::density::DensityScope;
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{BlockAddress, BlockLimits, Drive, Erase, Space};

use crate::script::{
    fixed, fixed_with_information, hex, invalid_field, invalid_opcode, on, script,
};

/// FreeBSD at 0162500, sys/cam/scsi/scsi_sa.h, `scsi_locate_16`: CP is bit 1 of byte 1, partition in
/// byte 3, LOGICAL IDENTIFIER in 4 to 11, as LTFS sends it (other_hosts.rs).
#[test]
fn locate_16() {
    let (device, rest) = script(vec![
        on("92 00 00 00 01 02 03 04 05 06 07 08 00 00 00 00"),
        on("92 02 00 01 00 00 00 00 00 00 00 09 00 00 00 00"),
    ]);
    let mut drive = Drive::new(device);
    drive.locate(BlockAddress(0x0102_0304_0506_0708)).unwrap();
    drive
        .locate_in_partition(BlockAddress(9), Partition(1))
        .unwrap();
    rest.is_empty();
}

/// Oracle "T10000 Interface Reference Manual" (August 2016), table 3-23 (page 61): the address in bytes 3 to 6, the partition in byte 8. A drive that lacks
/// LOCATE(16) is not asked for it again.
#[test]
fn locate_10_where_16_is_missing() {
    let (device, rest) = script(vec![
        on("92 00 00 00 00 00 00 00 00 00 00 05 00 00 00 00").check(invalid_opcode()),
        on("2b 00 00 00 00 00 05 00 00 00"),
        on("2b 02 00 01 02 03 04 00 01 00"),
    ]);
    let mut drive = Drive::new(device);
    drive.locate(BlockAddress(5)).unwrap();
    drive
        .locate_in_partition(BlockAddress(0x0102_0304), Partition(1))
        .unwrap();
    let error = drive.locate(BlockAddress(1 << 32)).unwrap_err();
    assert!(error.to_string().contains("4294967296"), "{error}");
    rest.is_empty();
}

/// An address that is refused is not tried in another way.
#[test]
fn locate_is_not_repeated() {
    let (device, rest) = script(vec![
        on("92 00 00 00 00 00 00 00 00 00 00 05 00 00 00 00").check(invalid_field()),
        on("92 00 00 00 00 00 00 00 00 00 00 05 00 00 00 00").check(fixed(0x08, 0x00, 0x05)),
    ]);
    let mut drive = Drive::new(device);
    assert!(drive.locate(BlockAddress(5)).is_err());
    assert!(drive.locate(BlockAddress(5)).is_err());
    rest.is_empty();
}

/// Quantum "DLT 4000 Tape Drive Product Manual", figure 5-75 (page 5-152): the code in the low bits of
/// byte 1, the count in bytes 2 to 4. SPACE(16) has it in 4 to 11, signed: Wireshark 1.8,
/// epan/dissectors/packet-scsi-ssc.c, `dissect_ssc_space16`, and LTFS (other_hosts.rs).
#[test]
fn space() {
    let (device, rest) = script(vec![
        on("11 00 00 00 05 00"),
        on("11 01 ff ff fe 00"),
        on("11 03 00 00 00 00"),
        on("11 00 7f ff ff 00"),
        on("91 00 00 00 00 00 00 00 00 80 00 00 00 00 00 00"),
        on("11 01 80 00 00 00"),
        on("91 01 00 00 ff ff ff ff ff 7f ff ff 00 00 00 00"),
        on("11 00 00 00 05 00").check(fixed_with_information(0x80, 0x00, 0x01, 2)),
    ]);
    let mut drive = Drive::new(device);
    drive.space(Space::Blocks(5)).unwrap();
    drive.space(Space::Filemarks(-2)).unwrap();
    drive.space(Space::EndOfData).unwrap();
    drive.space(Space::Blocks(0x007f_ffff)).unwrap();
    drive.space(Space::Blocks(0x0080_0000)).unwrap();
    drive.space(Space::Filemarks(-0x0080_0000)).unwrap();
    drive.space(Space::Filemarks(-0x0080_0001)).unwrap();
    let error = drive.space(Space::Blocks(5)).unwrap_err();
    let sense = error.sense().unwrap();
    assert!(sense.filemark);
    assert_eq!(sense.information, Some(2));
    rest.is_empty();
}

/// ERASE: Quantum "DLT-S4 Interface Reference Guide", figure 5 (page 33), LONG is bit 0 of byte 1;
/// the others as LTFS sends them (other_hosts.rs).
#[test]
fn erase_rewind_load_and_unload() {
    let (device, rest) = script(vec![
        on("19 00 00 00 00 00"),
        on("19 01 00 00 00 00"),
        on("01 00 00 00 00 00"),
        on("1b 00 00 00 01 00"),
        on("1b 00 00 00 00 00").check(fixed(0x05, 0x53, 0x02)),
    ]);
    let mut drive = Drive::new(device);
    drive.erase(Erase::Short).unwrap();
    drive.erase(Erase::Long).unwrap();
    drive.rewind().unwrap();
    drive.load().unwrap();
    assert!(
        drive
            .unload()
            .unwrap_err()
            .to_string()
            .contains("MEDIUM REMOVAL PREVENTED")
    );
    rest.is_empty();
}

/// tgt 1.0.85 (drivers/tests/data/tgt.txt), and a reply that is cut off.
#[test]
fn block_limits() {
    let (device, _) = script(vec![
        on("05 00 00 00 00 00").data(&hex("09 10 00 00 00 04")),
        on("05 00 00 00 00 00").data(&hex("09 10 00 00")),
    ]);
    let mut drive = Drive::new(device);
    let limits = BlockLimits {
        granularity: 9,
        maximum: 1 << 20,
        minimum: 4,
    };
    assert_eq!(drive.read_block_limits().unwrap(), limits);
    assert!(
        drive
            .read_block_limits()
            .unwrap_err()
            .to_string()
            .contains("4 bytes, 6 are needed")
    );
}

/// sg3_utils 1.49, inhex/rep_density.hex and inhex/rep_density_media.hex: an LTO-4 drive, and
/// the cartridge in it.
#[test]
fn densities_of_an_lto_4_drive() {
    let drive_reply = hex(
        "00 9e 00 00 44 44 00 00  00 00 25 a6 00 7f 02 c0 00 06 1a 80 4c 54 4f 2d  43 56 45 20
         55 2d 33 31 36 20 20 20 55 6c 74 72  69 75 6d 20 33 2f 31 36 54 20 20 20 20 20 20 20
         46 46 80 00 00 00 31 b5 00 7f 03 80 00 0c 35 00  4c 54 4f 2d 43 56 45 20
         55 2d 34 31 36 20 20 20  55 6c 74 72 69 75 6d 20 34 2f 31 36 54 20 20 20 20 20 20 20
         58 58 a0 00 00 00 3b 26 00 7f 05 00  00 16 e3 60 4c 54 4f 2d 43 56 45 20
         55 2d 35 31  36 20 20 20 55 6c 74 72 69 75 6d 20 35 2f 31 36  54 20 20 20 20 20 20 20",
    );
    let cartridge_reply = hex(
        "00 36 00 00 58 58 a0 00  00 00 3b 26 00 7f 05 00 00 17 85 3e 4c 54 4f 2d  43 56 45 20
         55 2d 35 31 36 20 20 20 55 6c 74 72  69 75 6d 20 35 2f 31 36 54 20 20 20 20 20 20 20",
    );
    let (device, _) = script(vec![
        on("44 00 00 00 00 00 00 10 00 00").data(&drive_reply),
        on("44 01 00 00 00 00 00 10 00 00").data(&cartridge_reply),
        on("44 01 00 00 00 00 00 10 00 00").data(&cartridge_reply[..40]),
    ]);
    let mut drive = Drive::new(device);
    let all = drive.report_density_support(DensityScope::Drive).unwrap();
    let codes: Vec<(u8, bool, bool)> = all
        .iter()
        .map(|one| (one.primary_code, one.writable, one.default))
        .collect();
    assert_eq!(
        codes,
        [
            (0x44, false, false),
            (0x46, true, false),
            (0x58, true, true)
        ]
    );
    assert_eq!(
        (&*all[2].name, &*all[2].description),
        ("U-516", "Ultrium 5/16T")
    );
    assert_eq!(&*all[2].organization, "LTO-CVE");
    assert_eq!(
        (all[2].width, all[2].tracks, all[2].capacity),
        (127, 1280, 1_500_000)
    );
    assert_eq!(all[2].bits_per_millimetre, 15_142);
    let cartridge = drive
        .report_density_support(DensityScope::Cartridge)
        .unwrap();
    assert_eq!((cartridge.len(), cartridge[0].capacity), (1, 1_541_438));
    let cut_off = drive
        .report_density_support(DensityScope::Cartridge)
        .unwrap();
    assert!(cut_off.is_empty());
}

/// sg3_utils at fb3d289, inhex/rep_density_typem.hex and inhex/rep_density_media_typem.hex: media an
/// HP drive takes (its densities are LTO-5's), and the cartridge in it. Fields: Quantum "DLT-S4 Interface Reference
/// Guide", figure 145 and table 159 (pages 287 and 288).
#[test]
fn medium_types_of_an_lto_5_drive() {
    let of_drive = hex(
        "01 52 00 00 00 00 00 34 01 44 00 00 00 00 00 00 00 00 00 7f 02 a8 00 00
         48 50 20 20 20 20 20 20 4c 54 4f 33 44 61 74 61
         55 6c 74 72 69 75 6d 20 33 20 44 61 74 61 20 54 61 70 65 20
         00 00 00 34 01 46 00 00 00 00 00 00 00 00 00 7f 03 34 00 00
         48 50 20 20 20 20 20 20 4c 54 4f 34 44 61 74 61
         55 6c 74 72 69 75 6d 20 34 20 44 61 74 61 20 54 61 70 65 20
         00 00 00 34 01 58 00 00 00 00 00 00 00 00 00 7f 03 4e 00 00
         48 50 20 20 20 20 20 20 4c 54 4f 35 44 61 74 61
         55 6c 74 72 69 75 6d 20 35 20 44 61 74 61 20 54 61 70 65 20
         01 00 00 34 01 44 00 00 00 00 00 00 00 00 00 7f 02 a8 00 00
         48 50 20 20 20 20 20 20 4c 54 4f 33 57 4f 52 4d
         55 6c 74 72 69 75 6d 20 33 20 57 4f 52 4d 20 54 61 70 65 20
         01 00 00 34 01 46 00 00 00 00 00 00 00 00 00 7f 03 34 00 00
         48 50 20 20 20 20 20 20 4c 54 4f 34 57 4f 52 4d
         55 6c 74 72 69 75 6d 20 34 20 57 4f 52 4d 20 54 61 70 65 20
         01 00 00 34 01 58 00 00 00 00 00 00 00 00 00 7f 03 4e 00 00
         48 50 20 20 20 20 20 20 4c 54 4f 35 57 4f 52 4d
         55 6c 74 72 69 75 6d 20 35 20 57 4f 52 4d 20 54 61 70 65 20",
    );
    let mut of_cartridge = hex("00 3a 00 00");
    of_cartridge.extend(&of_drive[4 + 2 * 56..4 + 3 * 56]);
    let (device, rest) = script(vec![
        on("44 02 00 00 00 00 00 10 00 00").data(&of_drive),
        on("44 03 00 00 00 00 00 10 00 00").data(&of_cartridge),
        on("44 03 00 00 00 00 00 10 00 00").data(&of_cartridge[..59]),
        on("44 03 00 00 00 00 00 10 00 00").check(invalid_field()),
    ]);
    let mut drive = Drive::new(device);
    let all = drive.report_medium_types(DensityScope::Drive).unwrap();
    let seen: Vec<(u8, &[u8], u16, &str)> = all
        .iter()
        .map(|one| (one.code, &*one.densities, one.length, &*one.name))
        .collect();
    assert_eq!(
        seen,
        [
            (0x00, &[0x44][..], 680, "LTO3Data"),
            (0x00, &[0x46], 820, "LTO4Data"),
            (0x00, &[0x58], 846, "LTO5Data"),
            (0x01, &[0x44], 680, "LTO3WORM"),
            (0x01, &[0x46], 820, "LTO4WORM"),
            (0x01, &[0x58], 846, "LTO5WORM"),
        ]
    );
    assert_eq!((all[5].width, &*all[5].organization), (127, "HP"));
    assert_eq!(all[5].description, "Ultrium 5 WORM Tape");
    let mut cartridge = || drive.report_medium_types(DensityScope::Cartridge);
    assert_eq!(cartridge().unwrap(), [all[2].clone()]);
    assert_eq!(cartridge().unwrap(), [], "cut off");
    assert!(cartridge().unwrap_err().is_unsupported());
    rest.is_empty();
}
