//! Logical block protection and VERIFY.

use proptest::prelude::*;
use rstest::rstest;
use tapeward_drivers::ScsiError;
use tapeward_drivers::spc::mode::{ModePage, PageCode};
use tapeward_drivers::ssc::protection::{checked, information};
use tapeward_drivers::ssc::{
    BlockProtection, Drive, ProtectionMethod, ReadOutcome, VerifyAgainst, VerifyExtent,
    WriteOutcome,
};

use crate::script::{Step, fixed, fixed_with_information, hex, invalid_field, on, script};

/// RFC 3720 B.4, CRC examples: what is sent behind 32 bytes of zeros, of ones, rising and falling.
/// LTFS writes the same CRC low byte first (crc32c_crc.c, crc32c_enc), which is that order.
#[rstest]
#[case::zeros(vec![0; 32], "aa 36 91 8a")]
#[case::ones(vec![0xff; 32], "43 ab a8 62")]
#[case::rising((0..32).collect(), "4e 79 dd 46")]
#[case::falling((0..32).rev().collect(), "5c db 3f 11")]
fn information_is_crc32c(#[case] block: Vec<u8>, #[case] expected: &str) {
    assert_eq!(information(&block).to_vec(), hex(expected));
}

const SENSE: &str = "1a 00 0a f0 ff 00";

/// Mode parameter header, block descriptor and page 0Ah/F0h: PAGE LENGTH 001Ch, method byte 4,
/// length byte 5, LBP_W bit 7 and LBP_R bit 6 of byte 6, as LTFS sets them (sg_tape.c, _set_lbp:
/// bytes 20 to 22 of a list with 16 bytes before the page) and mhvtl's test_lbp.sh sends them.
fn page(head: &str, method_length_flags: &str) -> Vec<u8> {
    let mut list = hex(&format!(
        "{head} 5e000000 00000000 4af0001c {method_length_flags}"
    ));
    list.resize(44, 0);
    list
}

fn current(method_length_flags: &str) -> Step {
    on(SENSE).data(&page("2b 00 10 08", method_length_flags))
}

fn select(method_length_flags: &str) -> Step {
    on("15 10 00 00 2c 00").sent(&page("00 00 10 08", method_length_flags))
}

fn protected() -> Vec<Step> {
    vec![current("00 00 00"), select("02 04 c0"), current("02 04 c0")]
}

#[test]
fn page_of_the_standard() {
    let (found, _) = ModePage::parse(&page("", "02 04 c0")[8..]).unwrap();
    assert_eq!(found.code, PageCode::CONTROL_DATA_PROTECTION);
    assert_eq!(
        BlockProtection::from_page(&found),
        Some(BlockProtection::CRC32C)
    );
    let (found, _) = ModePage::parse(&page("", "01 04 40")[8..]).unwrap();
    let reading = BlockProtection {
        method: ProtectionMethod::ReedSolomon,
        length: 4,
        on_write: false,
        on_read: true,
    };
    assert_eq!(BlockProtection::from_page(&found), Some(reading));
}

#[test]
fn blocks_go_with_their_information_once_it_is_on() {
    let guarded = [vec![0; 32], hex("aa 36 91 8a")].concat();
    let mut steps = protected();
    steps.extend([
        on("0a 00 00 00 24 00").sent(&guarded),
        on("08 00 00 00 24 00").data(&guarded),
        on("08 00 00 00 44 00")
            .check(fixed_with_information(0x20, 0, 0, 32))
            .data(&guarded),
        on("08 00 00 00 14 00")
            .check(fixed_with_information(0x20, 0, 0, -16))
            .data(&guarded[..20]),
        on("08 00 00 00 24 00").check(fixed(0x80, 0, 1)),
        current("02 04 c0"),
        select("00 00 00"),
        current("00 00 00"),
        on("0a 00 00 00 20 00").sent(&[0; 32]),
    ]);
    let (device, rest) = script(steps);
    let mut drive = Drive::new(device);
    let found = drive.protect_blocks(true).unwrap();
    assert_eq!(found, Some(BlockProtection::CRC32C));
    assert_eq!(drive.write_block(&[0; 32]).unwrap(), WriteOutcome::Written);
    let mut buffer = [0xee; 64];
    assert_eq!(
        drive.read_block(&mut buffer[..32]).unwrap(),
        ReadOutcome::Block(32)
    );
    assert_eq!(
        drive.read_block(&mut buffer).unwrap(),
        ReadOutcome::Block(32)
    );
    assert_eq!(buffer[..32], [0; 32]);
    let long = drive.read_block(&mut buffer[..16]).unwrap();
    assert_eq!(long, ReadOutcome::TooLong { actual: 32 });
    assert_eq!(
        drive.read_block(&mut buffer[..32]).unwrap(),
        ReadOutcome::Filemark
    );
    assert_eq!(
        drive.protect_blocks(false).unwrap(),
        Some(BlockProtection::OFF)
    );
    drive.write_block(&[0; 32]).unwrap();
    rest.is_empty();
}

#[test]
fn a_changed_block_is_an_error() {
    let mut steps = protected();
    let mut changed = [vec![0; 32], hex("aa 36 91 8a")].concat();
    changed[5] = 1;
    steps.push(on("08 00 00 00 24 00").data(&changed));
    steps.push(on("08 00 00 00 24 00").data(&[1, 2]));
    let (device, _) = script(steps);
    let mut drive = Drive::new(device);
    drive.protect_blocks(true).unwrap();
    let mut buffer = [0xee; 32];
    let error = drive.read_block(&mut buffer).unwrap_err();
    assert!(
        matches!(error, ScsiError::BlockCorrupted { length: 32, .. }),
        "{error}"
    );
    assert_eq!(buffer, [0xee; 32]);
    let error = drive.read_block(&mut buffer).unwrap_err();
    assert!(
        matches!(error, ScsiError::BlockCorrupted { length: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_drive_without_it_is_written_without() {
    let (device, rest) = script(vec![
        on(SENSE).check(invalid_field()),
        on(SENSE).check(invalid_field()),
        on("0a 00 00 00 04 00").sent(&[7; 4]),
    ]);
    let mut drive = Drive::new(device);
    assert_eq!(drive.protect_blocks(true).unwrap(), None);
    drive.write_block(&[7; 4]).unwrap();
    rest.is_empty();
}

/// The drive has Reed-Solomon only and refuses; nothing is protected, and it is told.
#[test]
fn a_refusal_leaves_no_protection() {
    let (device, rest) = script(vec![
        current("00 00 00"),
        select("02 04 c0").check(fixed(0x05, 0x26, 0x00)),
        current("00 00 00"),
        on("0a 00 00 00 04 00").sent(&[7; 4]),
    ]);
    let mut drive = Drive::new(device);
    assert_eq!(
        drive.protect_blocks(true).unwrap(),
        Some(BlockProtection::OFF)
    );
    drive.write_block(&[7; 4]).unwrap();
    rest.is_empty();
}

#[test]
fn protection_that_stays_on_is_an_error() {
    let (device, _) = script(vec![
        current("01 04 c0"),
        select("00 00 00").check(fixed(0x05, 0x26, 0x00)),
        current("01 04 c0"),
    ]);
    let error = Drive::new(device).protect_blocks(false).unwrap_err();
    assert!(error.to_string().contains("ReedSolomon"), "{error}");
}

/// VERIFY(6) with VTE bit 5, VLBPM bit 4, VBF bit 3 of byte 1, the places mhvtl takes them from
/// (ssc.h, verify_6_bits).
#[rstest]
#[case(
    VerifyExtent::Block(0x0001_0203),
    VerifyAgainst::ErrorCorrection,
    "13 00 01 02 03 00"
)]
#[case(
    VerifyExtent::Filemarks(2),
    VerifyAgainst::ErrorCorrection,
    "13 08 00 00 02 00"
)]
#[case(
    VerifyExtent::EndOfData,
    VerifyAgainst::BlockProtection,
    "13 30 00 00 00 00"
)]
fn verify(#[case] extent: VerifyExtent, #[case] against: VerifyAgainst, #[case] cdb: &str) {
    let (device, rest) = script(vec![on(cdb), on(cdb).check(fixed(0x04, 0x10, 0x01))]);
    let mut drive = Drive::new(device);
    drive.verify(extent, against).unwrap();
    let error = drive.verify(extent, against).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("LOGICAL BLOCK GUARD CHECK FAILED"),
        "{error}"
    );
    rest.is_empty();
    let error = drive
        .verify(VerifyExtent::Block(1 << 24), against)
        .unwrap_err();
    assert!(matches!(error, ScsiError::NotSent { .. }));
}

proptest! {
    #[test]
    fn any_changed_bit_is_found(
        block in proptest::collection::vec(any::<u8>(), 1..300),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut bytes = [&block[..], &information(&block)].concat();
        prop_assert_eq!(checked(&bytes), Some(&block[..]));
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(checked(&bytes), None);
    }

    #[test]
    fn any_page_is_taken(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some((page, _)) = ModePage::parse(&raw) {
            let _ = BlockProtection::from_page(&page);
        }
        let _ = checked(&raw);
    }
}
