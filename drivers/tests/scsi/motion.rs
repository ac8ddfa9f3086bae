//! LOCATE, SPACE, ERASE, REWIND, LOAD UNLOAD, READ BLOCK LIMITS, REPORT DENSITY SUPPORT.

use tapeward_drivers::ssc::density::DensityScope;
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{BlockAddress, BlockLimits, Drive, Erase, Space};

use crate::script::{
    fixed, fixed_with_information, hex, invalid_field, invalid_opcode, on, script,
};

/// SSC-4, LOCATE(16): CP is bit 1 of byte 1, partition in byte 3, LOGICAL IDENTIFIER in 4 to 11, as
/// LTFS sends it (other_hosts.rs).
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

/// SSC-4, SPACE(6) and SPACE(16): the code in the low bits of byte 1, a signed count; the longer one
/// as LTFS sends it (other_hosts.rs).
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
