//! Writing and reading blocks: what was written, what was not, and what came back.

use rstest::rstest;
use tapeward_drivers::ScsiError;
use tapeward_drivers::sense::SenseKey;
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{
    BlockAddress, Drive, ReadOutcome, Synchronize, WriteError, WriteOutcome,
};
use tapeward_drivers::transport::Status;

use crate::script::{fixed, fixed_with_information, hex, on, script};

/// A WRITE(6) of three bytes.
const WRITE: &str = "0a 00 00 00 03 00";
/// A READ(6) of eight bytes.
const READ: &str = "08 00 00 00 08 00";

fn write(step: crate::script::Step) -> Result<WriteOutcome, WriteError> {
    let (device, rest) = script(vec![step]);
    let outcome = Drive::new(device).write_block(b"abc");
    rest.is_empty();
    outcome
}

fn deferred(mut sense: Vec<u8>) -> Vec<u8> {
    sense[0] |= 1;
    sense
}

#[test]
fn a_block_is_sent_whole() {
    assert_eq!(
        write(on(WRITE).sent(b"abc")).unwrap(),
        WriteOutcome::Written
    );
}

/// Quantum "DLT1/VS80 SCSI Interface Guide" (July 2004), table 4-72 (page 4-124): at early warning EOM
/// and NO SENSE, and what was sent is written; 00h/07h is the programmable one (mhvtl at fc22cc6,
/// include/common/mhvtl_scsi.h). These have the data on tape, or in the buffer.
#[rstest]
#[case::early_warning(fixed(0x40, 0x00, 0x02), WriteOutcome::EarlyWarning)]
#[case::with_information(
    fixed_with_information(0x40, 0x00, 0x02, 0),
    WriteOutcome::EarlyWarning
)]
#[case::without_code(fixed(0x40, 0x00, 0x00), WriteOutcome::EarlyWarning)]
#[case::programmable(fixed(0x40, 0x00, 0x07), WriteOutcome::ProgrammableEarlyWarning)]
#[case::programmable_without_eom(fixed(0x00, 0x00, 0x07), WriteOutcome::ProgrammableEarlyWarning)]
#[case::recovered(fixed(0x01, 0x0c, 0x00), WriteOutcome::Written)]
#[case::recovered_in_early_warning(fixed(0x41, 0x0c, 0x00), WriteOutcome::EarlyWarning)]
#[case::descriptor_format(hex("72 00 00 02 00 00 00 04 04 02 00 40"), WriteOutcome::EarlyWarning)]
#[case::descriptor_programmable(
    hex("72 00 00 07 00 00 00 04 04 02 00 40"),
    WriteOutcome::ProgrammableEarlyWarning
)]
fn written_with_a_remark(#[case] sense: Vec<u8>, #[case] outcome: WriteOutcome) {
    assert_eq!(write(on(WRITE).check(sense.clone())).unwrap(), outcome);
    let (device, _) = script(vec![on("10 00 00 00 01 00").check(sense)]);
    assert_eq!(
        Drive::new(device)
            .write_filemarks(1, Synchronize::Flush)
            .unwrap(),
        outcome
    );
}

#[test]
fn volume_overflow_has_not_written() {
    let error = write(on(WRITE).check(fixed_with_information(0x4d, 0x00, 0x02, 3))).unwrap_err();
    assert!(matches!(error, WriteError::NotWritten(_)), "{error:?}");
    assert_eq!(error.sense().unwrap().information, Some(3));
    assert!(error.to_string().contains("VOLUME OVERFLOW"), "{error}");
}

/// SPC-5, deferred errors: the command a deferred error comes with was not performed, whatever the
/// key.
#[rstest]
#[case(fixed(0x03, 0x0c, 0x00))]
#[case(fixed(0x4d, 0x00, 0x02))]
#[case(fixed(0x40, 0x00, 0x02))]
#[case(fixed(0x01, 0x0c, 0x00))]
fn deferred_errors_are_errors(#[case] sense: Vec<u8>) {
    let error = write(on(WRITE).check(deferred(sense))).unwrap_err();
    assert!(matches!(error, WriteError::Deferred(_)), "{error:?}");
    assert!(error.scsi().is_deferred());
}

/// Nothing is lost when a target reports a deferred error beside GOOD.
#[test]
fn deferred_errors_beside_good_are_not_lost() {
    let mut step = on(WRITE).check(deferred(fixed(0x03, 0x0c, 0x00)));
    step = step.status(Status::Good);
    assert!(matches!(write(step).unwrap_err(), WriteError::Deferred(_)));
}

#[rstest]
#[case::write_protected(fixed(0x07, 0x27, 0x00), SenseKey::DataProtect)]
#[case::medium_error(fixed(0x43, 0x0c, 0x00), SenseKey::MediumError)]
#[case::no_reason(fixed(0x00, 0x00, 0x00), SenseKey::NoSense)]
#[case::filemark_flag_makes_no_sense(fixed(0x80, 0x00, 0x01), SenseKey::NoSense)]
#[case::unit_attention(fixed(0x06, 0x29, 0x00), SenseKey::UnitAttention)]
fn other_sense_data_is_an_error(#[case] sense: Vec<u8>, #[case] key: SenseKey) {
    match write(on(WRITE).check(sense)).unwrap_err() {
        WriteError::Scsi(error) => assert_eq!(error.sense().unwrap().key, key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn statuses_without_sense_data() {
    let error = write(on(WRITE).status(Status::ReservationConflict))
        .unwrap_err()
        .into_scsi();
    assert!(error.is_reservation_conflict());
    let error = write(on(WRITE).status(Status::CheckCondition))
        .unwrap_err()
        .into_scsi();
    assert!(matches!(error, ScsiError::NoSenseData { .. }) && error.is_outcome_unknown());
    let error = write(on(WRITE).lost()).unwrap_err().into_scsi();
    assert!(error.is_outcome_unknown());
}

#[test]
fn a_write_that_moved_less_is_not_good() {
    let error = write(on(WRITE).transferred(2)).unwrap_err();
    assert!(error.to_string().contains("2 of 3 bytes"), "{error}");
}

#[test]
fn lengths_no_cdb_can_say_are_not_sent() {
    let (device, _) = script(vec![]);
    let mut drive = Drive::new(device);
    let not_sent = |error: ScsiError| matches!(error, ScsiError::NotSent { .. });
    assert!(not_sent(drive.write_block(&[]).unwrap_err().into_scsi()));
    assert!(not_sent(
        drive
            .write_block(&vec![0; 1 << 24])
            .unwrap_err()
            .into_scsi()
    ));
    assert!(not_sent(drive.read_block(&mut []).unwrap_err()));
    let too_many = drive.write_filemarks(1 << 24, Synchronize::Flush);
    assert!(not_sent(too_many.unwrap_err().into_scsi()));
}

/// Quantum "DLT-S4 Interface Reference Guide", figure 173 (page 344): IMMED is bit 0 of byte 1, the
/// count is in bytes 2 to 4.
#[test]
fn filemarks_immediate_and_flushed() {
    let (device, rest) = script(vec![
        on("10 01 01 02 03 00"),
        on("10 00 00 00 00 00"),
        on("10 00 00 00 02 00").check(fixed(0x4d, 0x00, 0x02)),
    ]);
    let mut drive = Drive::new(device);
    let many = drive.write_filemarks(0x0001_0203, Synchronize::Immediate);
    assert_eq!(many.unwrap(), WriteOutcome::Written);
    let flush = drive.write_filemarks(0, Synchronize::Flush);
    assert_eq!(flush.unwrap(), WriteOutcome::Written);
    let full = drive.write_filemarks(2, Synchronize::Flush);
    assert!(matches!(full.unwrap_err(), WriteError::NotWritten(_)));
    rest.is_empty();
}

/// Wireshark at 055dd62, epan/dissectors/packet-scsi-ssc.c, `dissect_ssc_writefilemarks16`, whose fields begin
/// at byte 1: FCS, LCS and IMMED are bits 3, 2 and 0 there, the partition is byte 3, the address
/// bytes 4 to 11, the count 12 to 14, CONTROL the last one.
#[test]
fn filemarks_at_an_address() {
    let (device, rest) = script(vec![
        on("80 01 00 02 00 00 00 01 00 00 00 03 00 00 04 00"),
        on("80 00 00 00 00 00 00 00 00 00 00 03 00 00 01 00").check(fixed(0x05, 0x20, 0x07)),
    ]);
    let mut drive = Drive::new(device);
    let far = BlockAddress((1 << 32) + 3);
    let outcome = drive.write_filemarks_at(far, Partition(2), 4, Synchronize::Immediate);
    assert_eq!(outcome.unwrap(), WriteOutcome::Written);
    let near = BlockAddress(3);
    let outcome = drive.write_filemarks_at(near, Partition(0), 1, Synchronize::Flush);
    assert!(
        outcome
            .unwrap_err()
            .to_string()
            .contains("IMPLICIT ADDRESS MODE")
    );
    let outcome = drive.write_filemarks_at(near, Partition(256), 1, Synchronize::Flush);
    assert!(matches!(
        outcome.unwrap_err().scsi(),
        ScsiError::NotSent { .. }
    ));
    rest.is_empty();
}

fn read(step: crate::script::Step) -> (Result<ReadOutcome, ScsiError>, Vec<u8>) {
    let (device, rest) = script(vec![step]);
    let mut buffer = vec![0; 8];
    let outcome = Drive::new(device).read_block(&mut buffer);
    rest.is_empty();
    (outcome, buffer)
}

#[test]
fn a_block_of_the_length_asked_for() {
    let (outcome, buffer) = read(on(READ).data(b"12345678"));
    assert_eq!(outcome.unwrap(), ReadOutcome::Block(8));
    assert_eq!(buffer, b"12345678");
}

/// tgt 1.0.85 sends as many bytes of a short block as it is shorter than the buffer.
#[test]
fn a_block_that_came_in_part_is_read_again() {
    let (device, rest) = script(vec![
        on(READ)
            .check(fixed_with_information(0x20, 0x00, 0x00, 2))
            .data(b"abXXXXXX")
            .transferred(2),
        on("11 00 ff ff ff 00"),
        on("08 00 00 00 06 00").data(b"abcdef"),
    ]);
    let mut buffer = vec![0; 8];
    let outcome = Drive::new(device).read_block(&mut buffer);
    rest.is_empty();
    assert_eq!(outcome.unwrap(), ReadOutcome::Block(6));
    assert_eq!(&buffer[..6], b"abcdef");
}

#[test]
fn a_block_that_comes_in_part_twice_is_refused() {
    let part = |cdb: &str, information| {
        on(cdb)
            .check(fixed_with_information(0x20, 0x00, 0x00, information))
            .data(b"ab")
            .transferred(2)
    };
    let (device, rest) = script(vec![
        part(READ, 2),
        on("11 00 ff ff ff 00"),
        part("08 00 00 00 06 00", 1),
    ]);
    let outcome = Drive::new(device).read_block(&mut [0; 8]);
    rest.is_empty();
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("2 bytes came of a block of 6"), "{error}");
}

/// Quantum "DLT-S4 Interface Reference Guide", table 129 (page 234): ILI, and INFORMATION is the
/// requested less the actual length; negative for a longer block, as FreeBSD's `saerror` takes it
/// (sys/cam/scsi/scsi_sa.c).
#[rstest]
#[case::short(
    fixed_with_information(0x20, 0x00, 0x00, 5),
    "616263",
    None,
    ReadOutcome::Block(3)
)]
#[case::residual_unknown_to_the_adapter(
    fixed_with_information(0x20, 0x00, 0x00, 5),
    "616263",
    Some(8),
    ReadOutcome::Block(3)
)]
#[case::information_missing(fixed(0x20, 0x00, 0x00), "616263", None, ReadOutcome::Block(3))]
#[case::in_early_warning(
    fixed_with_information(0x60, 0x00, 0x02, 5),
    "616263",
    None,
    ReadOutcome::Block(3)
)]
#[case::long(
    fixed_with_information(0x20, 0x00, 0x00, -92), "6162636465666768", None,
    ReadOutcome::TooLong { actual: 100 })]
#[case::long_without_data(
    fixed_with_information(0x20, 0x00, 0x00, -92), "", None, ReadOutcome::TooLong { actual: 100 })]
#[case::descriptor_format(
    hex("72 00 00 00 00 00 00 10 00 0a 80 00 00 00 00 00 00 00 00 05 04 02 00 20"),
    "616263",
    None,
    ReadOutcome::Block(3)
)]
// Seagate "SCSI Commands Reference Manual" Rev. J, 2.4.1.1.2 (page 49): a four-byte quantity, as
// this one is, has zeros before it in the eight bytes of the descriptor.
#[case::long_in_descriptor_format(
    hex("72 00 00 00 00 00 00 10 00 0a 80 00 00 00 00 00 ff ff ff a4 04 02 00 20"),
    "6162636465666768",
    None,
    ReadOutcome::TooLong { actual: 100 }
)]
#[case::long_in_descriptor_format_sign_extended(
    hex("72 00 00 00 00 00 00 10 00 0a 80 00 ff ff ff ff ff ff ff a4 04 02 00 20"),
    "6162636465666768",
    None,
    ReadOutcome::TooLong { actual: 100 }
)]
#[case::recovered(
    fixed_with_information(0x21, 0x17, 0x01, 5),
    "616263",
    None,
    ReadOutcome::Block(3)
)]
#[case::recovered_whole(
    fixed(0x01, 0x17, 0x01),
    "6162636465666768",
    None,
    ReadOutcome::Block(8)
)]
#[case::early_warning_while_reading(
    fixed(0x40, 0x00, 0x02),
    "6162636465666768",
    None,
    ReadOutcome::Block(8)
)]
#[case::filemark(
    fixed_with_information(0x80, 0x00, 0x01, 8),
    "",
    None,
    ReadOutcome::Filemark
)]
#[case::filemark_in_early_warning(fixed(0xc0, 0x00, 0x01), "", None, ReadOutcome::Filemark)]
#[case::end_of_data(fixed(0x08, 0x00, 0x05), "", None, ReadOutcome::EndOfData)]
#[case::end_of_data_without_code(fixed(0x48, 0x00, 0x00), "", None, ReadOutcome::EndOfData)]
#[case::end_of_partition(fixed(0x43, 0x00, 0x02), "", None, ReadOutcome::EndOfMedium)]
fn outcomes(
    #[case] sense: Vec<u8>,
    #[case] data: &str,
    #[case] transferred: Option<usize>,
    #[case] expected: ReadOutcome,
) {
    let data = hex(data);
    let mut step = on(READ).data(&data).check(sense);
    if let Some(count) = transferred {
        step = step.transferred(count);
    }
    let (outcome, buffer) = read(step);
    assert_eq!(outcome.unwrap(), expected);
    if let ReadOutcome::Block(length) = expected {
        assert_eq!(buffer[..length], data);
    }
}

#[rstest]
#[case::nothing_says_the_length(fixed(0x20, 0x00, 0x00), 8)]
#[case::shorter_than_nothing(fixed_with_information(0x20, 0x00, 0x00, 9), 8)]
fn contradictions_are_malformed(#[case] sense: Vec<u8>, #[case] transferred: usize) {
    let (outcome, _) = read(on(READ).check(sense).transferred(transferred));
    assert!(
        matches!(outcome, Err(ScsiError::Malformed { .. })),
        "{outcome:?}"
    );
}

#[rstest]
#[case::medium_error(fixed(0x03, 0x11, 0x00))]
#[case::blank_check_of_another_kind(fixed(0x08, 0x14, 0x00))]
#[case::deferred(deferred(fixed(0x80, 0x00, 0x01)))]
#[case::no_medium(fixed(0x02, 0x3a, 0x00))]
fn errors_keep_their_sense_data(#[case] sense: Vec<u8>) {
    let (outcome, _) = read(on(READ).check(sense.clone()));
    let error = outcome.unwrap_err();
    assert_eq!(error.sense().unwrap().raw, sense);
    assert!(
        error.to_string().starts_with("script: READ(6): "),
        "{error}"
    );
}
