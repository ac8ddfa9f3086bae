//! Modes, log pages, capacity, TapeAlert, volume statistics.

use rstest::rstest;
use tapeward_drivers::smc::{Changer, ElementAddress, ElementKind};
use tapeward_drivers::spc::mode::{ModeData, ModeForm, ModePage, PageCode};
use tapeward_drivers::ssc::{
    Buffering, Capacity, Drive, DriveModes, Mebibytes, Megabytes, ModeShortfall, TapeAlert,
    TapeAlertSeverity,
};

use crate::script::{Step, fixed, hex, invalid_field, invalid_opcode, on, script};

/// sg3_utils 1.49, inhex/modes_mm_sdeb.hex: header, descriptor and current pages of a disk
/// that scsi_debug simulates; the formats are those of every device type.
#[test]
fn mode_data_of_ten_byte_form() {
    let raw = hex("00 2a 00 10 00 00 00 08  00 80 00 00 00 00 02 00
         01 0a c0 0b f0 00 00 00  05 00 ff ff
         02 0e 80 80 00 0a 00 00  00 00 00 00 00 00 00 00");
    let data = ModeData::parse(ModeForm::Ten, &raw).unwrap();
    assert_eq!((data.medium_type, data.device_specific), (0, 0x10));
    let descriptor = data.block_descriptor.unwrap();
    assert_eq!(
        (descriptor.blocks, descriptor.block_length),
        (0x80_0000, 512)
    );
    assert_eq!(data.pages.len(), 2);
    assert_eq!(data.page(PageCode::new(2, 0)).unwrap().byte(5), Some(0x0a));
    // What goes back is what came, but for MODE DATA LENGTH.
    let mut back = raw.clone();
    back[..2].fill(0);
    assert_eq!(data.encode(), back);
    // A page that is cut off is left out.
    assert_eq!(
        ModeData::parse(ModeForm::Ten, &raw[..raw.len() - 1])
            .unwrap()
            .pages
            .len(),
        1
    );
}

/// Seagate "SCSI Commands Reference Manual" Rev. J, 5.3.3 and 5.3.4.3 (pages 379 and 382): with
/// LONGLBA block descriptors have sixteen bytes, whose fields are not those of the short ones.
#[test]
fn long_block_descriptors_are_not_taken_for_short_ones() {
    let raw = hex(
        "00 1a 00 10 01 00 00 10  00 00 00 00 00 80 00 00 00 00 00 00 00 00 02 00
         10 02 00 00",
    );
    let data = ModeData::parse(ModeForm::Ten, &raw).unwrap();
    assert_eq!(data.block_descriptor, None);
    assert_eq!(data.page(PageCode::new(0x10, 0)).unwrap().body, [0, 0]);
}

/// tgt 1.0.85's library (drivers/tests/data/tgt.txt): page 1Dh behind a block descriptor.
#[test]
fn element_address_assignment() {
    let raw = hex("1f0000080000000000000000 1d12 0001 0001 0400 000a 0010 0002 0100 0002 0000");
    let (device, _) = script(vec![
        on("1a 00 1d 00 ff 00").data(&raw),
        on("1a 00 1d 00 ff 00").check(invalid_field()),
        // A page that is cut off says nothing.
        on("1a 00 1d 00 ff 00").data(&raw[..30]),
    ]);
    let mut changer = Changer::new(device);
    let all = changer.element_assignment().unwrap().unwrap();
    let ranges = ElementKind::ALL.map(|kind| (all.range(kind).first.0, all.range(kind).count));
    assert_eq!(ranges, [(1, 1), (1024, 10), (16, 2), (256, 2)]);
    assert_eq!(
        all.kind_of(ElementAddress(1033)),
        Some(ElementKind::Storage)
    );
    assert_eq!(all.kind_of(ElementAddress(1034)), None);
    assert_eq!(all.kind_of(ElementAddress(15)), None);
    assert_eq!(changer.element_assignment().unwrap(), None);
    assert_eq!(changer.element_assignment().unwrap(), None);
}

const NO_PAGE: &str = "1a 00 00 00 ff 00";
const COMPRESSION: &str = "1a 00 0f 00 ff 00";
const CONFIGURATION: &str = "1a 00 10 00 ff 00";
const EXTENSION: &str = "1a 00 10 01 ff 00";

/// Quantum "DLT4000/DLT4500/DLT4700 Cartridge Tape Subsystem" manual, figure 8-45 (page 8-74): length,
/// medium type; WP, BUFFERED MODE and SPEED in byte 2; length of the block descriptor.
fn header(device_specific: u8, block_length: u8) -> Vec<u8> {
    vec![
        0x0b,
        0x00,
        device_specific,
        0x08,
        0x58,
        0,
        0,
        0,
        0,
        0,
        block_length,
        0x00,
    ]
}

fn with_page(device_specific: u8, page: &str) -> Vec<u8> {
    let mut data = header(device_specific, 0);
    data.extend(hex(page));
    data[0] = u8::try_from(data.len() - 1).unwrap();
    data
}

/// Quantum "DLT-S4 Interface Reference Guide", figure 62 (page 116): DCE and DCC in byte 2, DDE in
/// byte 3, algorithms in 4 to 7 and 8 to 11; PS as a drive that can save it has it.
const COMPRESSION_ON: &str = "8f 0e c0 80 00 00 00 01 00 00 00 01 00 00 00 00";
/// Device configuration extension, 32 bytes with PEWS in 6 and 7: LTFS at 7c01479, src/libltfs/tape.c,
/// `tape_set_pews`, and mhvtl, usr/mode.c, `set_device_configuration_extension`.
const NO_EARLY_WARNING: &str = "d0 01 00 1c 00 00 00 00 00 00 00 00 00 00 00 00
                                00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";

fn modes_of(
    device_specific: u8,
    block_length: u8,
    compression: &str,
    extension: &str,
) -> Vec<Step> {
    vec![
        on(NO_PAGE).data(&header(device_specific, block_length)),
        on(COMPRESSION).data(&with_page(device_specific, compression)),
        on(EXTENSION).data(&with_page(device_specific, extension)),
    ]
}

#[test]
fn modes_are_read() {
    let (device, rest) = script(modes_of(0x90, 2, COMPRESSION_ON, NO_EARLY_WARNING));
    let modes = Drive::new(device).modes().unwrap();
    assert_eq!(
        modes,
        DriveModes {
            buffering: Buffering::Buffered,
            block_length: 512,
            compression: Some(true),
            programmable_early_warning: Some(Megabytes(0)),
            write_protected: true,
        }
    );
    rest.is_empty();
}

fn wanted() -> DriveModes {
    DriveModes {
        buffering: Buffering::Buffered,
        block_length: 0,
        compression: Some(false),
        programmable_early_warning: Some(Megabytes(0x1234)),
        write_protected: false,
    }
}

/// Each page is read, changed in the one place, and sent back without PS, WP and the length.
#[test]
fn modes_are_set_one_page_at_a_time() {
    let after_compression = COMPRESSION_ON.replacen("8f 0e c0", "8f 0e 40", 1);
    let after_extension = NO_EARLY_WARNING.replacen("00 00 00 00", "00 00 12 34", 1);
    let mut steps = modes_of(0x80, 2, COMPRESSION_ON, NO_EARLY_WARNING);
    steps.extend([
        on(NO_PAGE).data(&header(0x80, 2)),
        on("15 10 00 00 0c 00").sent(&hex("00 00 10 08 58 00 00 00 00 00 00 00")),
        on(COMPRESSION).data(&with_page(0x90, COMPRESSION_ON)),
        on("15 10 00 00 1c 00").sent(&hex(
            "00 00 10 08 58 00 00 00 00 00 00 00 0f 0e 40 80 00 00 00 01 00 00 00 01 00 00 00 00",
        )),
        on(EXTENSION).data(&with_page(0x90, NO_EARLY_WARNING)),
        on("15 10 00 00 2c 00").sent(&hex(
            "00 00 10 08 58 00 00 00 00 00 00 00 50 01 00 1c 00 00 12 34
             00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        )),
    ]);
    steps.extend(modes_of(0x90, 0, &after_compression, &after_extension));
    let (device, rest) = script(steps);
    let set = Drive::new(device).set_modes(&wanted()).unwrap();
    assert_eq!(set.shortfalls, []);
    assert_eq!(
        set.modes,
        DriveModes {
            write_protected: true,
            ..wanted()
        }
    );
    rest.is_empty();
}

/// With a WORM cartridge in an HP drive the medium type is 01h. Hosts clear it, as it is reserved in
/// MODE SELECT: Linux, drivers/scsi/st.c, `write_mode_page`; FreeBSD, sys/cam/scsi/scsi_sa.c,
/// `sasetparams`.
#[test]
fn the_medium_type_is_not_sent_back() {
    let of_worm = |mut data: Vec<u8>| {
        data[1] = 0x01;
        data
    };
    let (device, rest) = script(vec![
        on(NO_PAGE).data(&of_worm(header(0x10, 2))),
        on(COMPRESSION).check(invalid_field()),
        on(CONFIGURATION).check(invalid_field()),
        on(EXTENSION).data(&of_worm(with_page(0x10, NO_EARLY_WARNING))),
        on(NO_PAGE).data(&of_worm(header(0x10, 2))),
        on("15 10 00 00 0c 00").sent(&hex("00 00 10 08 58 00 00 00 00 00 00 00")),
        on(EXTENSION).data(&of_worm(with_page(0x10, NO_EARLY_WARNING))),
        on("15 10 00 00 2c 00").sent(&hex(
            "00 00 10 08 58 00 00 00 00 00 00 00 50 01 00 1c 00 00 12 34
             00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        )),
        on(NO_PAGE).data(&of_worm(header(0x10, 0))),
        on(COMPRESSION).check(invalid_field()),
        on(CONFIGURATION).check(invalid_field()),
        on(EXTENSION).check(fixed(0x02, 0x3a, 0x00)),
    ]);
    let wanted = DriveModes {
        compression: None,
        ..wanted()
    };
    let removed = Drive::new(device).set_modes(&wanted).unwrap_err();
    assert!(removed.is_no_medium());
    rest.is_empty();
}

#[test]
fn modes_that_are_so_already_are_not_set() {
    let mut steps = modes_of(0x10, 0, COMPRESSION_ON, NO_EARLY_WARNING);
    steps.extend(steps.clone());
    let (device, rest) = script(steps);
    let as_it_is = DriveModes {
        compression: None,
        programmable_early_warning: None,
        ..wanted()
    };
    let set = Drive::new(device).set_modes(&as_it_is).unwrap();
    assert_eq!(set.shortfalls, []);
    rest.is_empty();
}

/// What the drive lacks or refuses is told: no extension page, compression in page 10h (byte
/// 14: Quantum "DLT-S4 Interface Reference Guide", figure 91, page 176) that MODE SELECT does not
/// take.
#[test]
fn shortfalls_are_reported() {
    let configuration = "10 0e 00 00 00 00 00 00 00 00 00 00 00 00 01 00";
    let modes = || {
        vec![
            on(NO_PAGE).data(&header(0x10, 0)),
            on(COMPRESSION).check(invalid_field()),
            on(CONFIGURATION).data(&with_page(0x10, configuration)),
            on(EXTENSION).check(invalid_field()),
        ]
    };
    let mut steps = modes();
    steps.extend([
        on(COMPRESSION).check(invalid_field()),
        on(CONFIGURATION).data(&with_page(0x10, configuration)),
        on("15 10 00 00 1c 00").check(fixed(0x05, 0x26, 0x00)),
        on(EXTENSION).check(invalid_field()),
    ]);
    steps.extend(modes());
    let (device, rest) = script(steps);
    let set = Drive::new(device).set_modes(&wanted()).unwrap();
    assert_eq!(
        set.shortfalls,
        [
            ModeShortfall::Compression(Some(true)),
            ModeShortfall::ProgrammableEarlyWarning(None)
        ]
    );
    rest.is_empty();
}

#[test]
fn the_ten_byte_form_is_used_where_the_six_byte_one_is_missing() {
    let ten = hex("00 0e 00 10 00 00 00 08 58 00 00 00 00 00 00 00");
    let (device, rest) = script(vec![
        on(NO_PAGE).check(invalid_opcode()),
        on("5a 00 00 00 00 00 00 10 00 00").data(&ten),
        on(COMPRESSION).check(fixed(0x02, 0x3a, 0x00)),
    ]);
    // A drive that is not ready is an error, not one without compression.
    assert!(Drive::new(device).modes().unwrap_err().is_no_medium());
    rest.is_empty();
}

const ALERTS: &str = "4d 00 6e 00 00 00 00 40 00 00";
const CAPACITY: &str = "4d 00 71 00 00 00 00 40 00 00";
const STATISTICS: &str = "4d 00 57 00 00 00 00 40 00 00";

/// IBM documentation, "Log Page X'2E': TapeAlert" (ibm.com/docs/en/dtl/2.9.4), table 1: page length 0140h, 64
/// parameters of one byte, of whose control byte DS is set.
fn alert_page(set: &[u8]) -> Vec<u8> {
    let mut page = hex("2e 00 01 40");
    for flag in 1..=64_u8 {
        page.extend([0x00, flag, 0x40, 0x01, u8::from(set.contains(&flag))]);
    }
    page
}

#[test]
fn tape_alerts() {
    let (device, _) = script(vec![
        on(ALERTS).data(&alert_page(&[4, 20, 64])),
        on(ALERTS).data(&alert_page(&[])),
        on(ALERTS).check(invalid_opcode()),
        on(ALERTS).data(&hex("2f 00 00 00")),
    ]);
    let mut drive = Drive::new(device);
    let alerts = drive.tape_alerts().unwrap().unwrap();
    assert_eq!(
        alerts.iter().map(TapeAlert::number).collect::<Vec<_>>(),
        [4, 20, 64]
    );
    assert!(alerts.contains(TapeAlert::CLEAN_NOW));
    assert_eq!(TapeAlert::CLEAN_NOW.severity(), TapeAlertSeverity::Critical);
    assert_eq!(TapeAlert::MEDIA.to_string(), "TapeAlert 04h Media");
    assert!(drive.tape_alerts().unwrap().unwrap().is_empty());
    assert_eq!(drive.tape_alerts().unwrap(), None);
    assert!(
        drive
            .tape_alerts()
            .unwrap_err()
            .to_string()
            .contains("log page 2Eh, 2Fh came")
    );
}

/// Names as sg3_utils 1.49 has them in lib/sg_lib_data.c, where the standards did not rename
/// them; numbers outside 1 to 64 are no flags.
#[rstest]
#[case(1, "Read warning")]
#[case(9, "Write protect")]
#[case(22, "Expired cleaning media")]
#[case(24, "Retension requested")]
#[case(33, "Eject media")]
#[case(49, "Diminished native capacity")]
#[case(56, "Unrecoverable unload failure")]
#[case(60, "WORM medium - overwrite attempted")]
fn tape_alert_names(#[case] number: u8, #[case] name: &str) {
    assert_eq!(TapeAlert::try_from(number).unwrap().name(), name);
}

#[test]
fn tape_alert_numbers() {
    assert!(TapeAlert::try_from(0).is_err());
    assert!(TapeAlert::try_from(65).is_err());
}

/// HP Ultrium technical reference C7379-90900, page 69: page length 20h, four parameters of
/// four bytes, in units of 1,048,576 bytes: remaining, alternate, maximum, alternate.
#[test]
fn capacity_from_the_log() {
    let page = hex("31 00 00 20 00 01 40 04 00 00 5b 8d 00 02 40 04 00 00 00 00
         00 03 40 04 00 01 0b 76 00 04 40 04 00 00 00 00");
    let (device, rest) = script(vec![on(CAPACITY).data(&page)]);
    let capacity = Drive::new(device).capacity().unwrap();
    let expected = Capacity {
        remaining: Mebibytes(0x5b8d),
        maximum: Mebibytes(0x10b76),
    };
    assert_eq!(capacity, Some(expected));
    rest.is_empty();
}

#[test]
fn capacity_from_the_chip() {
    let attribute = |id: &str| {
        hex(&format!(
            "00 00 00 0d {id} 80 00 08 00 00 00 00 00 b4 e0 00"
        ))
    };
    let (device, rest) = script(vec![
        on(CAPACITY).check(invalid_field()),
        on("8c 00 00 00 00 00 00 00 00 00 00 00 40 00 00 00").data(&attribute("00 00")),
        on("8c 00 00 00 00 00 00 00 00 01 00 00 40 00 00 00").data(&attribute("00 01")),
        on(CAPACITY).check(invalid_opcode()),
        on("8c 00 00 00 00 00 00 00 00 00 00 00 40 00 00 00").check(invalid_opcode()),
        on("8c 00 00 00 00 00 00 00 00 01 00 00 40 00 00 00").check(invalid_opcode()),
    ]);
    let mut drive = Drive::new(device);
    let capacity = drive.capacity().unwrap().unwrap();
    assert_eq!(capacity.remaining.bytes(), 0xb4_e000 << 20);
    assert_eq!(drive.capacity().unwrap(), None);
    rest.is_empty();
}

/// Oracle "T10000 Interface Reference Manual" (August 2016), tables 3-44 and 3-45 (pages 88 and 89):
/// page header and parameter format. Codes of the parameters: sg3_utils at fb3d289, src/sg_logs.c,
/// `show_volume_stats_pages`, and LTFS at 7c01479, src/tape_drivers/ibm_tape.h, `VOLSTATS_`.
#[test]
fn volume_statistics() {
    let mut page = hex("17 00 00 00 00 01 03 04 00 00 00 2a 00 10 03 04 ff ff ff ff");
    page.extend(hex("00 40 03 20"));
    page.extend(b"HP-XYZ1234                      ");
    page.extend(hex(
        "00 81 03 01 01 01 01 03 04 00 00 01 00 00 02 03 08 00 00",
    ));
    let length = u16::try_from(page.len() - 4).unwrap();
    page[2..4].copy_from_slice(&length.to_be_bytes());
    let (device, _) = script(vec![on(STATISTICS).data(&page)]);
    let life = Drive::new(device).volume_statistics().unwrap().unwrap();
    assert_eq!(life.mounts, Some(42));
    assert_eq!(
        life.lifetime_megabytes_written, None,
        "all ones are no number"
    );
    assert_eq!(life.volume_serial.as_deref(), Some("HP-XYZ1234"));
    assert_eq!((life.worm, life.write_protected), (Some(true), None));
    assert_eq!(life.beginning_passes, Some(256));
    assert_eq!(life.data_sets_written, None, "cut off");
}

/// MAM 0408h: 80h is WORM (SPC-5, MEDIUM TYPE).
#[test]
fn worm_cartridges() {
    let cdb = "8c 00 00 00 00 00 00 00 04 08 00 00 40 00 00 00";
    let (device, _) = script(vec![
        on(cdb).data(&hex("00 00 00 06 04 08 80 00 01 80")),
        on(cdb).data(&hex("00 00 00 06 04 08 80 00 01 00")),
        on(cdb).check(invalid_opcode()),
    ]);
    let mut drive = Drive::new(device);
    assert_eq!(drive.is_worm().unwrap(), Some(true));
    assert_eq!(drive.is_worm().unwrap(), Some(false));
    assert_eq!(drive.is_worm().unwrap(), None);
}

/// Every flag has its words, and no two the same name.
#[test]
fn every_flag_has_its_words() {
    let all: Vec<TapeAlert> = (1..=64)
        .map(|flag| TapeAlert::try_from(flag).unwrap())
        .collect();
    let names: std::collections::BTreeSet<_> = all.iter().map(|flag| flag.name()).collect();
    assert_eq!(names.len(), 64);
    for flag in all {
        assert!(
            flag.meaning().len() > 10 && flag.advice().len() > 10,
            "{flag}"
        );
    }
    let severity = |flag: u8| TapeAlert::try_from(flag).unwrap().severity();
    assert_eq!(severity(1), TapeAlertSeverity::Warning);
    assert_eq!(severity(11), TapeAlertSeverity::Information);
    assert_eq!(severity(55), TapeAlertSeverity::Critical);
    assert!(TapeAlert::try_from(65).is_err() && TapeAlert::try_from(0).is_err());
}

/// A page that came in the form with a subpage code, though it has none, and is longer than the
/// other form can say: it goes back as it came. Found by fuzzing.
#[test]
fn a_long_page_without_subpage_code_goes_back_in_the_long_form() {
    let mut raw = vec![0x7d, 0x00, 0x01, 0x2c];
    raw.extend([7; 300]);
    let (page, used) = ModePage::parse(&raw).unwrap();
    assert_eq!((used, page.body.len()), (304, 300));
    assert_eq!(page.encode(), raw);
}
