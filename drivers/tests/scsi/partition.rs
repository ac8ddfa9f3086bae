//! FORMAT MEDIUM, SET CAPACITY, append-only mode, access order.

use proptest::prelude::*;
use rstest::rstest;
use tapeward_drivers::ScsiError;
use tapeward_drivers::spc::mode::ModePage;
use tapeward_drivers::ssc::access_order::{
    SegmentLimits, UserDataSegment, by_position, encode, parse_order,
};
use tapeward_drivers::ssc::partition::{
    CapacityProportion, MediumFormat, MediumPartitions, Overwriting,
};
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{BlockAddress, Drive};

use crate::script::{Step, hex, invalid_field, on, script};

/// FORMAT in bits 3-0 of byte 2, as LTFS numbers it (TC_FORMAT_DEFAULT, _PARTITION, _DEST_PART) and
/// mhvtl reads it (ssc.c, ssc_format_medium).
#[rstest]
#[case(MediumFormat::OnePartition, "04 00 00 00 00 00")]
#[case(MediumFormat::Partitions, "04 00 01 00 00 00")]
#[case(MediumFormat::OneThenPartitions, "04 00 02 00 00 00")]
fn format_medium(#[case] format: MediumFormat, #[case] cdb: &str) {
    let (device, rest) = script(vec![on(cdb)]);
    Drive::new(device).format_medium(format).unwrap();
    rest.is_empty();
}

/// mhvtl, ssc.c: the proportion of SET CAPACITY is in bytes 3 and 4; of ALLOW OVERWRITE the field is
/// bits 3-0 of byte 2, the partition byte 3, the object bytes 4 to 11.
#[test]
fn set_capacity_and_allow_overwrite() {
    let (device, rest) = script(vec![
        on("0b 00 00 ff ff 00"),
        on("82 00 01 01 00 00 00 01 02 03 04 05 00 00 00 00"),
        on("82 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00"),
        on("82 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"),
    ]);
    let mut drive = Drive::new(device);
    drive.set_capacity(CapacityProportion::WHOLE).unwrap();
    let at = |partition| Overwriting::At(Partition(partition), BlockAddress(0x01_0203_0405));
    drive.allow_overwrite(at(1)).unwrap();
    drive.allow_overwrite(Overwriting::Format).unwrap();
    drive.allow_overwrite(Overwriting::Nothing).unwrap();
    rest.is_empty();
    let error = drive.allow_overwrite(at(256)).unwrap_err();
    assert!(matches!(error, ScsiError::NotSent { .. }));
}

/// WRITE MODE 1h in bits 7-4 of byte 5 of page 10h/01h (mhvtl, mode.c), the rest as it was.
#[test]
fn append_only() {
    let page = |byte: &str| format!("50 01 00 1c 00 {byte} 00 64{}", "00".repeat(24));
    let sense = hex(&format!("23 00 10 00 {}", page("02")));
    let select = hex(&format!("00 00 10 00 {}", page("12")));
    let (device, rest) = script(vec![
        on("1a 00 10 01 ff 00").data(&sense),
        on("15 10 00 00 24 00").sent(&select),
        on("1a 00 10 01 ff 00").check(invalid_field()),
    ]);
    let mut drive = Drive::new(device);
    assert!(drive.append_only().unwrap());
    assert!(!drive.append_only().unwrap());
    rest.is_empty();
}

/// LTFS reads a page with room for two sizes whether there are two partitions or one (tape.c,
/// tape_format: bytes 24 to 27 behind a header of 16).
#[test]
fn sizes_of_partitions_that_are_there() {
    for (defined, expected) in [("00", &[67][..]), ("01", &[67, 2])] {
        let page = hex(&format!("11 0a 01 {defined} 1c 03 06 00 0043 0002"));
        let (page, _) = ModePage::parse(&page).unwrap();
        assert_eq!(MediumPartitions::parse(&page).unwrap().sizes, expected);
    }
}

fn segment(first: u64, last: u64) -> UserDataSegment {
    UserDataSegment {
        partition: Partition(0),
        first: BlockAddress(first),
        last: BlockAddress(last),
    }
}

const LIMITS: &str = "a3 9d 00 00 00 00 00 00 00 04 00 00";

/// CTA, SCSI/Structures.hpp, namespace RAO: descriptors of 32 bytes with length 001Eh, name in
/// bytes 5 to 14, partition 15, first object 16 to 23, last 24 to 31.
const FIRST: &str = "001e 000000 30303030303030303030 00 0000000000000100 00000000000001ff";
const SECOND: &str = "001e 000000 30303030303030303031 00 0000000000000010 000000000000001f";

fn segments() -> [UserDataSegment; 2] {
    [segment(0x100, 0x1ff), segment(0x10, 0x1f)]
}

fn generate() -> Step {
    on("a4 1d 02 00 00 00 00 00 00 48 00 00")
        .sent(&hex(&format!("00000000 00000040 {FIRST} {SECOND}")))
}

fn receive(descriptors: &str) -> Step {
    on("a3 1d 00 00 00 00 00 00 00 48 00 00")
        .data(&hex(&format!("02000000 00000040 {descriptors}")))
}

#[test]
fn the_drive_says_in_which_order() {
    let limits = || on(LIMITS).data(&hex("0aaa 0020"));
    let (device, rest) = script(vec![
        limits(),
        generate(),
        receive(&format!("{FIRST} {SECOND}")),
        limits(),
        generate(),
        receive(&format!("{SECOND} {FIRST}")),
        // One twice, the other not at all: of no use.
        limits(),
        generate(),
        receive(&format!("{FIRST} {FIRST}")),
    ]);
    let mut drive = Drive::new(device);
    assert_eq!(drive.access_order(&segments()).unwrap(), [0, 1]);
    assert_eq!(drive.access_order(&segments()).unwrap(), [1, 0]);
    assert_eq!(drive.access_order(&segments()).unwrap(), [1, 0]);
    rest.is_empty();
}

#[test]
fn drives_without_it_are_read_by_position() {
    let (device, rest) = script(vec![
        on(LIMITS).check(invalid_field()),
        on(LIMITS).data(&hex("0001 0020")),
        on(LIMITS).data(&hex("0aaa 0020")),
        generate().check(invalid_field()),
    ]);
    let mut drive = Drive::new(device);
    for _ in 0..3 {
        assert_eq!(drive.access_order(&segments()).unwrap(), [1, 0]);
    }
    assert_eq!(drive.access_order(&segments()[..1]).unwrap(), [0]);
    assert_eq!(drive.access_order(&[]).unwrap(), [0_usize; 0]);
    rest.is_empty();
    assert_eq!(SegmentLimits::parse(&[0, 1, 0]), None);
}

proptest! {
    #[test]
    fn any_list_is_taken(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_order(&raw);
        let _ = SegmentLimits::parse(&raw);
    }

    /// A drive that answers the list unchanged recommends the order given.
    #[test]
    fn lists_round_trip(numbers in proptest::collection::vec(any::<(u32, u8)>(), 0..20)) {
        let segments: Vec<UserDataSegment> = numbers
            .iter()
            .map(|(first, length)| segment(u64::from(*first), u64::from(*first) + u64::from(*length)))
            .collect();
        let list = encode(&segments).unwrap();
        let expected: Vec<usize> = (0..segments.len()).collect();
        prop_assert_eq!(parse_order(&list), Some(expected));
        let order = by_position(&segments);
        prop_assert!(order.windows(2).all(|pair| segments[pair[0]].first <= segments[pair[1]].first));
    }
}
