//! Log pages 0Ch, 11h and 14h and mode page 11h of tape drives.

use std::time::Duration;

use rstest::rstest;
use tapeward_drivers::spc::log::LogPage;
use tapeward_drivers::spc::mode::ModePage;
use tapeward_drivers::ssc::{
    DeviceActivity, DeviceStatistics, DeviceStatus, Drive, MediumPartitions, PartitionUnit,
    SequentialAccessCounters,
};

use crate::script::{hex, invalid_field, on, script};

fn log(text: &str) -> LogPage {
    LogPage::parse(&hex(text)).unwrap()
}

/// Fujitsu "M2488 Product Guide" table 4-39 page 4-43: page length 3Ch, parameters 0000h to 0003h
/// of eight bytes each with control byte 60h, then cleaning.
#[test]
fn sequential_access_device() {
    let page = log("0c 00 003c
        0000 60 08 0000000100000000  0001 60 08 0000000080000000
        0002 60 08 0000000000001000  0003 60 08 ffffffffffffffff
        0100 60 08 0000000000000001");
    let counters = SequentialAccessCounters::from_log(&page);
    assert_eq!(counters.received, Some(1 << 32));
    assert_eq!(counters.written, Some(1 << 31));
    assert_eq!((counters.read, counters.sent), (Some(4096), None));
    assert_eq!(counters.cleaning_required, Some(true));
    assert_eq!(counters.to_position, None);
}

/// Megabytes in 0004h to 0007h: sg3_utils 1.49 src/sg_logs.c, show_sequential_access_page.
#[test]
fn native_capacity_of_the_partition() {
    let page = log("0c 00 0026
        0004 00 04 00000011  0005 00 04 00000022  0006 00 04 00000033  0007 00 04 00000044
        0100 03 02 0000");
    let counters = SequentialAccessCounters::from_log(&page);
    let told = [
        counters.to_end_of_data,
        counters.to_early_warning,
        counters.behind_early_warning,
        counters.to_position,
    ];
    assert_eq!(told, [0x11, 0x22, 0x33, 0x44].map(Some));
    assert_eq!(counters.cleaning_required, Some(false));
}

fn status(data: &str) -> DeviceStatus {
    let page = log(&format!("11 00 000e 0000 03 04 {data} 0001 03 02 01f4"));
    let delay = DeviceStatus::polling_delay(&page);
    assert_eq!(delay, Some(Duration::from_millis(500)));
    DeviceStatus::from_log(&page).unwrap()
}

/// Each bit by itself (mhvtl include/mhvtl_log.h, DeviceStatus_pg; sg3_utils 1.49 src/sg_logs.c,
/// show_dt_device_status_page).
#[rstest]
#[case("80 00 00 00", |told: &DeviceStatus| told.removal_prevented)]
#[case("40 00 00 00", |told: &DeviceStatus| told.host_initiated_unload)]
#[case("20 00 00 00", |told: &DeviceStatus| told.memory_accessible)]
#[case("10 00 00 00", |told: &DeviceStatus| told.compressing)]
#[case("08 00 00 00", |told: &DeviceStatus| told.write_protected)]
#[case("04 00 00 00", |told: &DeviceStatus| told.cleaning_requested)]
#[case("02 00 00 00", |told: &DeviceStatus| told.cleaning_required)]
#[case("01 00 00 00", |told: &DeviceStatus| told.initialized)]
#[case("00 80 00 00", |told: &DeviceStatus| told.in_transition)]
#[case("00 20 00 00", |told: &DeviceStatus| told.robot_access_allowed)]
#[case("00 10 00 00", |told: &DeviceStatus| told.medium_present)]
#[case("00 04 00 00", |told: &DeviceStatus| told.medium_seated)]
#[case("00 02 00 00", |told: &DeviceStatus| told.medium_threaded)]
#[case("00 01 00 00", |told: &DeviceStatus| told.mounted)]
#[case("00 00 00 20", |told: &DeviceStatus| told.diagnostic_data_created)]
#[case("00 00 00 10", |told: &DeviceStatus| told.encryption_parameters_present)]
#[case("00 00 00 08", |told: &DeviceStatus| told.encryption_service_requested)]
#[case("00 00 00 04", |told: &DeviceStatus| told.recovery_requested)]
#[case("00 00 00 02", |told: &DeviceStatus| told.interface_changed)]
#[case("00 00 00 01", |told: &DeviceStatus| told.tape_alert_changed)]
fn device_status(#[case] data: &str, #[case] told: fn(&DeviceStatus) -> bool) {
    let bytes = hex(data);
    let inverse: Vec<String> = bytes.iter().map(|byte| format!("{:02x}", !byte)).collect();
    assert!(told(&status(data)));
    assert!(!told(&status(&inverse.join(" "))));
}

#[test]
fn device_activity() {
    assert_eq!(status("01 00 06 00").activity, DeviceActivity::Writing);
    assert_eq!(status("01 00 0b 00").activity, DeviceActivity::Calibrating);
    assert_eq!(
        status("01 00 80 00").activity,
        DeviceActivity::Reserved(0x80)
    );
    let short = log("11 00 0007 0000 03 03 ffffff");
    assert_eq!(DeviceStatus::from_log(&short), None);
}

/// Quantum "LTO-4 SCSI Interface Guide" 3.9.10.2 page 59: counters of four bytes; codes as in
/// sg3_utils 1.49 src/sg_logs.c, show_device_stats_page.
#[test]
fn device_statistics() {
    let page = log("14 00 0058
        0000 00 04 0000002a  0001 00 04 00000003  0002 00 04 00001000  0003 00 04 00000200
        0004 00 04 ffffffff  0008 00 04 00000010  000c 00 04 00000007  000e 00 04 00000001
        000f 00 04 00000002
        0041 01 06 484531323334  0080 03 01 01");
    let told = DeviceStatistics::from_log(&page);
    assert_eq!((told.media_loads, told.cleanings), (Some(42), Some(3)));
    assert_eq!(
        (told.power_on_hours, told.motion_hours),
        (Some(4096), Some(512))
    );
    assert_eq!(
        (told.metres, told.motion_hours_since_cleaning),
        (None, Some(16))
    );
    assert_eq!(told.power_cycles, Some(7));
    assert_eq!(
        (told.hard_write_errors, told.hard_read_errors),
        (Some(1), Some(2))
    );
    assert_eq!(told.serial.as_deref(), Some("HE1234"));
    assert_eq!((told.removal_prevented, told.too_hot), (Some(true), None));
}

#[test]
fn each_page_is_asked_for_once_and_may_be_missing() {
    let ask = |page: &str| format!("4d 00 {page} 00 00 00 00 40 00 00");
    let pages = ["4c", "51", "54", "42", "43"];
    let steps = pages.map(|page| on(&ask(page)).check(invalid_field()));
    let (device, rest) = script(steps.to_vec());
    let mut drive = Drive::new(device);
    assert_eq!(drive.sequential_access_counters().unwrap(), None);
    assert_eq!(drive.device_status().unwrap(), None);
    assert_eq!(drive.device_statistics().unwrap(), None);
    assert_eq!(drive.write_errors().unwrap(), None);
    assert_eq!(drive.read_errors().unwrap(), None);
    rest.is_empty();
}

fn partitions(text: &str) -> Option<MediumPartitions> {
    MediumPartitions::parse(&ModePage::parse(&hex(text)).unwrap().0)
}

/// HP "LTO Ultrium SCSI reference" page 83: page length 08h, PSUM 11b, MEDIUM FORMAT RECOGNITION
/// 3, PARTITION UNITS 9, the partition's size in bytes 8-9.
#[test]
fn one_partition_of_an_lto_cartridge() {
    let told = partitions("11 08 00 00 18 03 09 00 0190").unwrap();
    assert_eq!((told.maximum_additional, told.additional), (0, 0));
    assert_eq!(told.unit, PartitionUnit::PowerOfTen(9));
    assert_eq!(
        (told.unit.bytes(), &told.sizes[..]),
        (1_000_000_000, &[400][..])
    );
    assert_eq!(told.recognition, 3);
    assert!(!told.fixed && !told.selected && !told.by_host && !told.on_format);
}

/// Quantum "DAT 24 Drive User's Guide" page 99: one additional partition in megabytes; Oracle
/// T10000 table 3-82 page 128: two sizes with IDP.
#[test]
fn two_partitions() {
    let told = partitions("11 08 01 01 10 03 00 00 0064").unwrap();
    assert_eq!((told.maximum_additional, told.additional), (1, 1));
    assert_eq!(
        (told.unit, &told.sizes[..]),
        (PartitionUnit::Megabytes, &[100][..])
    );
    let told = partitions("11 0a 03 01 3c 03 09 00 0025 ffff").unwrap();
    assert!(told.by_host && told.on_format);
    assert_eq!(told.sizes, [37, 0xffff]);
    // Drives before LTO-5: no sizes at all (Quantum DLT 7000, page 5-121).
    let told = partitions("11 06 00 00 00 01 00 00").unwrap();
    assert_eq!((told.unit, told.recognition), (PartitionUnit::Bytes, 1));
    assert_eq!(told.sizes, []);
    assert_eq!(partitions("11 02 00 00"), None);
}
