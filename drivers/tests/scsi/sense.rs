//! Sense data of both formats.

use rstest::rstest;
use tapeward_drivers::sense::{
    AdditionalSense, FieldPlace, FieldPointer, Progress, SenseClass, SenseData, SenseFormat,
    SenseKey,
};

use crate::script::{fixed, fixed_with_information, hex};

fn parse(text: &str) -> SenseData {
    SenseData::parse(&hex(text)).expect("sense data")
}

/// sg3_utils 1.49, inhex/fixed_sense.hex: medium error, information 1234h, unrecovered read
/// error, field replaceable unit 77h, actual retry count 198h.
#[test]
fn fixed_format_from_sg3_utils() {
    let sense = parse("f0 00 03 00 00 12 34 0a 00 00 00 00 11 00 77 80 01 98");
    assert_eq!(sense.format, SenseFormat::Fixed);
    assert!(!sense.deferred);
    assert_eq!(sense.key, SenseKey::MediumError);
    assert_eq!(sense.asc, AdditionalSense::new(0x11, 0x00));
    assert_eq!(sense.information, Some(0x1234));
    assert_eq!(sense.replaceable_unit, Some(0x77));
    assert_eq!((sense.field_pointer, sense.progress), (None, None));
    assert_eq!(sense.class(), SenseClass::MediumError);
}

/// sg3_utils 1.49, inhex/descriptor_sense.hex, as far as it is about any device type. Its
/// ADDITIONAL SENSE LENGTH of 4Ch is more than what follows.
#[test]
fn descriptor_format_from_sg3_utils() {
    let sense = parse(
        "72 01 03 02 80 00 00 4c
         00 0a 80 00 11 22 33 44 55 66 77 bb
         01 0a 00 00 33 44 55 66 77 bb cc ff
         02 06 00 00 80 01 01 00
         03 02 00 45
         0a 06 02 01 02 00 32 01
         05 02 00 20",
    );
    assert_eq!(sense.format, SenseFormat::Descriptor);
    assert_eq!(sense.key, SenseKey::RecoveredError);
    assert_eq!(sense.asc, AdditionalSense::new(0x03, 0x02));
    assert_eq!(sense.information, Some(0x1122_3344_5566_77bb));
    assert_eq!(sense.command_specific, Some(0x3344_5566_77bb_ccff));
    assert_eq!(sense.replaceable_unit, Some(0x45));
    assert_eq!(sense.class(), SenseClass::Recovered);
}

/// FreeBSD at 794ebe2, sys/cam/scsi/scsi_all.h, `scsi_sense_stream` (type 04h; filemark, EOM and ILI in bits 7 to 5
/// of byte 3) and `scsi_sense_info` (64 bits).
#[test]
fn descriptor_format_of_a_tape_drive() {
    let sense = parse(
        "73 00 00 00 00 00 00 10
         04 02 00 e0
         00 0a 80 00 ff ff ff ff ff ff ff f8",
    );
    assert!(sense.deferred);
    assert!(sense.filemark && sense.end_of_medium && sense.incorrect_length);
    assert_eq!(sense.information, Some(-8));
}

/// tgt 1.0.85: a block of 13 bytes read into 5, and 13 into 262,144 (drivers/tests/data/tgt.txt).
#[test]
fn incorrect_length_from_tgt() {
    let long = parse("f0 00 20 ff ff ff f8 0a 00 00 00 00 00 00 00 00 00 00");
    assert!(long.incorrect_length && !long.filemark && !long.end_of_medium);
    assert_eq!(long.information, Some(-8));
    let short = parse("f0 00 20 00 03 ff f3 0a 00 00 00 00 00 00 00 00 00 00");
    assert_eq!(short.information, Some(262_144 - 13));
    assert_eq!(short.class(), SenseClass::IncorrectLength);
}

/// FreeBSD at 794ebe2, sys/cam/scsi/scsi_all.h, `scsi_sense_sks_field`: SKSV, C/D and BPV are bits 7, 6 and 3 of the
/// first byte.
#[test]
fn field_pointer() {
    let mut bytes = fixed(0x05, 0x24, 0x00);
    bytes[15..18].copy_from_slice(&[0xcd, 0x00, 0x06]);
    let sense = SenseData::parse(&bytes).unwrap();
    let pointer = FieldPointer {
        place: FieldPlace::Cdb,
        byte: 6,
        bit: Some(5),
    };
    assert_eq!(sense.field_pointer, Some(pointer));
    bytes[15] = 0x80;
    let sense = SenseData::parse(&bytes).unwrap();
    let pointer = FieldPointer {
        place: FieldPlace::ParameterData,
        byte: 6,
        bit: None,
    };
    assert_eq!(sense.field_pointer, Some(pointer));
    // Without SKSV the bytes mean nothing.
    bytes[15] = 0x4d;
    assert_eq!(SenseData::parse(&bytes).unwrap().field_pointer, None);
}

/// FreeBSD at 794ebe2, sys/cam/scsi/scsi_all.h, `scsi_sense_sks_progress`: 65,536ths of the whole, with NOT READY
/// and NO SENSE.
#[test]
fn progress() {
    let mut bytes = fixed(0x02, 0x04, 0x01);
    bytes[15..18].copy_from_slice(&[0x80, 0x80, 0x00]);
    let sense = SenseData::parse(&bytes).unwrap();
    assert_eq!(sense.progress, Some(Progress(0x8000)));
    assert_eq!(sense.progress.unwrap().to_string(), "50 %");
    assert_eq!(sense.class(), SenseClass::NotReadyTransient);
}

#[test]
fn truncation_leaves_out_what_is_cut_off() {
    let whole = fixed_with_information(0x60, 0x00, 0x02, 7);
    for length in 0..3 {
        assert_eq!(SenseData::parse(&whole[..length]), None, "{length} bytes");
    }
    let three = SenseData::parse(&whole[..3]).unwrap();
    assert!(three.end_of_medium && three.incorrect_length);
    assert_eq!(
        (three.information, three.asc),
        (None, AdditionalSense::new(0, 0))
    );
    let eight = SenseData::parse(&whole[..8]).unwrap();
    assert_eq!(eight.information, Some(7));
    let thirteen = SenseData::parse(&whole[..13]).unwrap();
    assert_eq!(thirteen.asc, AdditionalSense::new(0, 0));
    assert_eq!(thirteen.raw, &whole[..13]);
}

/// What lies behind ADDITIONAL SENSE LENGTH is whatever was in the buffer before.
#[test]
fn bytes_behind_the_stated_length_are_not_sense_data() {
    let mut bytes = fixed(0x02, 0x3a, 0x00);
    bytes[7] = 4;
    let sense = SenseData::parse(&bytes).unwrap();
    assert_eq!(sense.asc, AdditionalSense::new(0, 0));
}

#[rstest]
#[case("")]
#[case("00")]
#[case("7f 00 03 00 00 00 00 0a 00 00 00 00 11 00")]
#[case("6f 00 03")]
#[case("72")]
fn other_bytes_are_no_sense_data(#[case] text: &str) {
    assert_eq!(SenseData::parse(&hex(text)), None);
}

/// What `sg_decode_sense` of sg3_utils 1.46 prints for the code, in upper case, and the class.
#[rstest]
#[case(
    0x06,
    0x28,
    0x00,
    "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED",
    SenseClass::MediumChanged
)]
#[case(
    0x06,
    0x28,
    0x01,
    "IMPORT OR EXPORT ELEMENT ACCESSED",
    SenseClass::ElementsChanged
)]
#[case(0x06, 0x29, 0x01, "POWER ON OCCURRED", SenseClass::Reset)]
#[case(0x06, 0x2a, 0x01, "MODE PARAMETERS CHANGED", SenseClass::UnitAttention)]
#[case(
    0x06,
    0x3b,
    0x12,
    "MEDIUM MAGAZINE REMOVED",
    SenseClass::ElementsChanged
)]
#[case(
    0x02,
    0x04,
    0x01,
    "LOGICAL UNIT IS IN PROCESS OF BECOMING READY",
    SenseClass::NotReadyTransient
)]
#[case(
    0x02,
    0x04,
    0x03,
    "LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED",
    SenseClass::NotReadyManual
)]
#[case(0x02, 0x3a, 0x00, "MEDIUM NOT PRESENT", SenseClass::NotReadyNoMedium)]
#[case(
    0x02,
    0x30,
    0x03,
    "CLEANING CARTRIDGE INSTALLED",
    SenseClass::NotReadyCleaning
)]
#[case(
    0x00,
    0x00,
    0x07,
    "PROGRAMMABLE EARLY WARNING DETECTED",
    SenseClass::ProgrammableEarlyWarning
)]
#[case(
    0x40,
    0x00,
    0x02,
    "END-OF-PARTITION/MEDIUM DETECTED",
    SenseClass::EarlyWarning
)]
#[case(0x80, 0x00, 0x01, "FILEMARK DETECTED", SenseClass::Filemark)]
#[case(0x00, 0x00, 0x17, "CLEANING REQUESTED", SenseClass::CleaningRequired)]
#[case(
    0x43,
    0x00,
    0x02,
    "END-OF-PARTITION/MEDIUM DETECTED",
    SenseClass::EndOfMedium
)]
#[case(0x08, 0x00, 0x05, "END-OF-DATA DETECTED", SenseClass::EndOfData)]
#[case(0x08, 0x14, 0x00, "RECORDED ENTITY NOT FOUND", SenseClass::BlankCheck)]
#[case(
    0x4d,
    0x00,
    0x02,
    "END-OF-PARTITION/MEDIUM DETECTED",
    SenseClass::VolumeOverflow
)]
#[case(
    0x05,
    0x20,
    0x00,
    "INVALID COMMAND OPERATION CODE",
    SenseClass::Unsupported
)]
#[case(
    0x05,
    0x21,
    0x01,
    "INVALID ELEMENT ADDRESS",
    SenseClass::InvalidElement
)]
#[case(
    0x05,
    0x3b,
    0x0d,
    "MEDIUM DESTINATION ELEMENT FULL",
    SenseClass::DestinationFull
)]
#[case(
    0x05,
    0x3b,
    0x0e,
    "MEDIUM SOURCE ELEMENT EMPTY",
    SenseClass::SourceEmpty
)]
#[case(
    0x05,
    0x53,
    0x02,
    "MEDIUM REMOVAL PREVENTED",
    SenseClass::RemovalPrevented
)]
#[case(0x07, 0x27, 0x00, "WRITE PROTECTED", SenseClass::WriteProtected)]
#[case(
    0x07,
    0x30,
    0x0c,
    "WORM MEDIUM - OVERWRITE ATTEMPTED",
    SenseClass::WormOverwrite
)]
#[case(
    0x07,
    0x74,
    0x03,
    "INCORRECT DATA ENCRYPTION KEY",
    SenseClass::Encryption
)]
#[case(0x03, 0x11, 0x00, "UNRECOVERED READ ERROR", SenseClass::MediumError)]
#[case(
    0x04,
    0x15,
    0x01,
    "MECHANICAL POSITIONING ERROR",
    SenseClass::HardwareError
)]
#[case(
    0x0b,
    0x08,
    0x00,
    "LOGICAL UNIT COMMUNICATION FAILURE",
    SenseClass::Aborted
)]
#[case(
    0x04,
    0x40,
    0x81,
    "DIAGNOSTIC FAILURE ON COMPONENT (80h-FFh)",
    SenseClass::HardwareError
)]
fn texts_and_classes(
    #[case] key: u8,
    #[case] asc: u8,
    #[case] ascq: u8,
    #[case] text: &str,
    #[case] class: SenseClass,
) {
    let sense = SenseData::parse(&fixed(key, asc, ascq)).unwrap();
    assert_eq!(sense.asc.text(), Some(text));
    assert_eq!(sense.class(), class);
}

#[test]
fn display_says_everything_that_is_set() {
    let sense = SenseData::parse(&fixed(0x06, 0x28, 0x00)).unwrap();
    assert_eq!(
        sense.to_string(),
        "UNIT ATTENTION 28h/00h NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED (28 00)"
    );
    let mut bytes = fixed_with_information(0x4d, 0x00, 0x02, 3);
    bytes[0] |= 1;
    let sense = SenseData::parse(&bytes).unwrap();
    assert_eq!(
        sense.to_string(),
        "deferred VOLUME OVERFLOW 00h/02h END-OF-PARTITION/MEDIUM DETECTED, EOM, \
         information 3 (00 02)"
    );
    assert_eq!(
        AdditionalSense::new(0x82, 0x93).to_string(),
        "82h/93h (vendor specific)"
    );
    assert_eq!(AdditionalSense::new(0x01, 0x33).to_string(), "01h/33h");
}
