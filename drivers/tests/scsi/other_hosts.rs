//! CDBs as programs nobody here wrote send them, beside ours.
//!
//! - mtx 1.3.12 with `strace -e ioctl`, sg3_utils 1.46 with `-vvv`: against tgt 1.0.85.
//! - LTFS: LinearTapeFileSystem/ltfs at 7c01479, src/tape_drivers/linux/sg/sg_tape.c, the function named.

use tapeward_drivers::smc::{Changer, ElementAddress};
use tapeward_drivers::spc::attribute::{Attribute, AttributeId, read_attribute, write_attributes};
use tapeward_drivers::spc::{luns, unit};
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{BlockAddress, Drive, Erase, Space, Synchronize};

use crate::script::{fixed, hex, invalid_field, on, script};

/// mtx: `mtx inventory`; `load 1 0`, `unload 1 0`, `transfer 2 10` where slots begin at 400h,
/// drives at 100h, and the picker is 1.
#[test]
fn moves_of_mtx() {
    let (device, rest) = script(vec![
        on("07 00 00 00 00 00"),
        on("a5 00 00 01 04 00 01 00 00 00 00 00"),
        on("a5 00 00 01 01 00 04 00 00 00 00 00"),
        on("a5 00 00 01 04 01 04 09 00 00 00 00"),
    ]);
    let mut changer = Changer::new(device);
    changer.initialize_element_status().unwrap();
    for (from, to) in [(0x400, 0x100), (0x100, 0x400), (0x401, 0x409)] {
        changer
            .move_medium(ElementAddress(1), ElementAddress(from), ElementAddress(to))
            .unwrap();
    }
    rest.is_empty();
}

/// sg3_utils: `sg_turs`, `sg_prevent`, `sg_prevent --allow`, `sg_requests`.
#[test]
fn commands_of_sg3_utils_for_every_device() {
    let (mut device, rest) = script(vec![
        on("00 00 00 00 00 00"),
        on("1e 00 00 00 01 00"),
        on("1e 00 00 00 00 00"),
        on("03 00 00 00 fc 00").data(&fixed(0x00, 0x00, 0x00)),
    ]);
    unit::test_unit_ready(&mut *device).unwrap();
    unit::prevent_removal(&mut *device, unit::Removal::Prevent).unwrap();
    unit::prevent_removal(&mut *device, unit::Removal::Allow).unwrap();
    unit::request_sense(&mut *device).unwrap();
    rest.is_empty();
}

/// sg3_utils: `sg_read_attr -F 0x401 -p 1` sends 8c 00 00 00 00 00 00 01 04 01 00 00 20 00 00 00,
/// `sg_logs -p 0x2e` 4d 00 6e 00 00 00 00 00 04 00, `sg_modes -p 0xf` 5a 00 0f 00 00 00 00 10 00 00,
/// `sg_luns` a0 00 00 00 00 00 00 00 20 00 00 00: ours but for the allocation lengths, as here.
#[test]
fn commands_of_sg3_utils_with_other_lengths() {
    let opcode = fixed(0x05, 0x20, 0x00);
    let (mut device, rest) = script(vec![
        on("8c 00 00 00 00 00 00 01 04 01 00 00 40 00 00 00").check(invalid_field()),
        on("a0 00 00 00 00 00 00 00 02 08 00 00").data(&hex("00 00 00 00 00 00 00 00")),
    ]);
    let none = read_attribute(&mut *device, 1, AttributeId::SERIAL_NUMBER).unwrap();
    assert_eq!(none, None);
    assert_eq!(luns::report_luns(&mut *device).unwrap(), []);
    rest.is_empty();
    let (device, rest) = script(vec![
        on("4d 00 6e 00 00 00 00 40 00 00").check(opcode.clone()),
        on("1a 00 00 00 ff 00").check(opcode.clone()),
        on("5a 00 00 00 00 00 00 10 00 00").data(&hex("00 06 00 10 00 00 00 00")),
        on("1a 00 0f 00 ff 00").check(opcode),
        on("5a 00 0f 00 00 00 00 10 00 00").check(fixed(0x02, 0x3a, 0x00)),
    ]);
    let mut drive = Drive::new(device);
    assert_eq!(drive.tape_alerts().unwrap(), None);
    assert!(drive.modes().unwrap_err().is_no_medium());
    rest.is_empty();
}

/// LTFS: `sg_rewind`, `sg_locate` with and without a change of partition, `sg_space` to the end
/// of data, `_cdb_load_unload`, `sg_erase` (short), `_cdb_read_block_limits`.
#[test]
fn motion_of_ltfs() {
    let (device, rest) = script(vec![
        on("01 00 00 00 00 00"),
        on("92 00 00 00 00 00 00 00 00 01 02 03 00 00 00 00"),
        on("92 02 00 01 00 00 00 00 00 00 00 04 00 00 00 00"),
        on("1b 00 00 00 01 00"),
        on("1b 00 00 00 00 00"),
        on("19 00 00 00 00 00"),
        on("05 00 00 00 00 00").data(&hex("00 80 00 00 00 01")),
    ]);
    let mut drive = Drive::new(device);
    drive.rewind().unwrap();
    drive.locate(BlockAddress(0x01_0203)).unwrap();
    drive
        .locate_in_partition(BlockAddress(4), Partition(1))
        .unwrap();
    drive.load().unwrap();
    drive.unload().unwrap();
    drive.erase(Erase::Short).unwrap();
    assert_eq!(drive.read_block_limits().unwrap().maximum, 0x80_0000);
    rest.is_empty();
}

/// LTFS, `sg_space`: SPACE(16) with the code in byte 1 and a signed count in bytes 4 to 11.
#[test]
fn space_of_ltfs() {
    let far = 0x0080_0000;
    let (device, rest) = script(vec![
        on("91 01 00 00 00 00 00 00 00 80 00 00 00 00 00 00"),
        on("91 00 00 00 ff ff ff ff ff 7f ff ff 00 00 00 00"),
    ]);
    let mut drive = Drive::new(device);
    drive.space(Space::Filemarks(far)).unwrap();
    drive.space(Space::Blocks(-far - 1)).unwrap();
    rest.is_empty();
}

/// LTFS: `_cdb_write`, `_cdb_read` (SILI differs: a length other than asked for is told here),
/// `sg_writefm` with and without IMMED, `sg_readpos`.
#[test]
fn data_of_ltfs() {
    let (device, rest) = script(vec![
        on("0a 00 00 00 03 00").sent(b"abc"),
        on("10 01 00 00 01 00"),
        on("10 00 00 00 02 00"),
        on("08 00 00 00 03 00").data(b"abc"),
        on("34 06 00 00 00 00 00 00 00 00").check(fixed(0x02, 0x3a, 0x00)),
    ]);
    let mut drive = Drive::new(device);
    drive.write_block(b"abc").unwrap();
    drive.write_filemarks(1, Synchronize::Immediate).unwrap();
    drive.write_filemarks(2, Synchronize::Flush).unwrap();
    drive.read_block(&mut [0; 3]).unwrap();
    assert!(drive.position().unwrap_err().is_no_medium());
    rest.is_empty();
}

/// LTFS: `sg_write_attribute` with the list its callers build (length, identifier, format,
/// length, value); here the application vendor of partition 1.
#[test]
fn attributes_of_ltfs() {
    let (mut device, rest) = script(vec![
        on("8d 01 00 00 00 00 00 01 00 00 00 00 00 11 00 00")
            .sent(&hex("00 00 00 0d 08 00 01 00 08 54 41 50 45 57 41 52 44")),
    ]);
    let vendor = Attribute::ascii(AttributeId::APPLICATION_VENDOR, "TAPEWARD", 8).unwrap();
    write_attributes(&mut *device, 1, &[vendor]).unwrap();
    rest.is_empty();
}
