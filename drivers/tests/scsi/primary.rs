//! Supported operation codes, the device clock, vital product data of drives, control and
//! exception pages, error counters.

use std::time::Duration;

use tapeward_drivers::spc::log::LogPage;
use tapeward_drivers::spc::mode::{ModePage, PageCode};
use tapeward_drivers::spc::opcodes::{command_support, parse_all, supported_commands};
use tapeward_drivers::spc::timestamp::{report_timestamp, set_timestamp};
use tapeward_drivers::spc::{
    CommandCode, CommandSupport, Control, ControlExtension, ErrorCounters, InformationalExceptions,
    Milliseconds, ReportMethod, Support, Timestamp, TimestampOrigin, vpd,
};

use crate::script::{hex, invalid_field, invalid_opcode, on, script};

/// The first lines of inhex/opcodes.hex of sg3_utils, whose COMMAND DATA LENGTH is 1A0h: it is
/// cut off here.
const OPCODES: &str = "
    00 00 01 a0 12 00 00 00  00 00 00 06 a0 00 00 00
    00 00 00 0c 03 00 00 00  00 00 00 06 00 00 00 00
    00 00 00 06 5a 00 00 00  00 00 00 0a 1a 00 00 00
    00 00 00 06 9e 00 00 10  00 01 00 10 a3 00 00 0c
    00 01 00 0c 7f 00 00 09  00 01";

#[test]
fn all_commands_of_another_device() {
    let all = parse_all(&hex(OPCODES));
    let codes: Vec<(u8, Option<u16>, u16)> = all
        .iter()
        .map(|one| (one.code.operation, one.code.action, one.cdb_length))
        .collect();
    let expected = [
        (0x12, None, 6),
        (0xa0, None, 12),
        (0x03, None, 6),
        (0x00, None, 6),
        (0x5a, None, 10),
        (0x1a, None, 6),
        (0x9e, Some(0x10), 16),
        (0xa3, Some(0x0c), 12),
    ];
    assert_eq!(codes, expected);
    assert!(all.iter().all(|one| one.times.is_none()));
}

/// sg3_utils 1.49 src/sg_opcodes.c: with CTDP (bit 1 of byte 5) twelve bytes more, the nominal
/// time at byte 12 of the descriptor, the recommended one at 16, both in seconds, 0 for none.
#[test]
fn times_of_commands() {
    let raw = hex("00000028
        1b 00 0000 00 02 0006 000a 00 00 00000014 00002328
        a3 00 000f 00 03 000c 000a 00 00 00000000 0000003c");
    let all = parse_all(&raw);
    assert_eq!(all.len(), 2);
    let times = all[0].times.unwrap();
    assert_eq!(times.nominal, Some(Duration::from_secs(20)));
    assert_eq!(times.recommended, Some(Duration::from_secs(9000)));
    let times = all[1].times.unwrap();
    assert_eq!(times.nominal, None);
    assert_eq!(times.recommended, Some(Duration::from_secs(60)));
    assert_eq!(all[1].code.action, Some(0x0f));
    assert_eq!(parse_all(&raw[..raw.len() - 1]).len(), 1);
}

/// Quantum "DLT-S4 Interface Reference Guide" table 166 page 300: SUPPORT, CDB SIZE, usage data
/// with a service action as its value.
#[test]
fn one_command() {
    let raw = hex("00 83 000c a3 0f 00 00 00 00 ff ff ff ff 00 00 000a 00 00 00000001 0000003c");
    let support = CommandSupport::parse(&raw).unwrap();
    assert_eq!(support.support, Support::Standard);
    assert_eq!(support.usage, raw[4..16]);
    assert!(support.uses(6, 0xff) && !support.uses(2, 0x01) && !support.uses(40, 0x01));
    let recommended = support.times.unwrap().recommended;
    assert_eq!(recommended, Some(Duration::from_secs(60)));
    let missing = CommandSupport::parse(&hex("00 01 00 00")).unwrap();
    assert_eq!((missing.support, missing.usage.len()), (Support::No, 0));
    let vendor = CommandSupport::parse(&hex("00 05 0006 c1 ff ff ff ff 00")).unwrap();
    assert_eq!(vendor.support, Support::VendorSpecific);
    assert_eq!(CommandSupport::parse(&raw[..10]), None);
}

/// CDB: Oracle "StorageTek T10000 Interface Reference" table 3-131 page 177: RCTD bit 7 of byte
/// 2, reporting options, operation code byte 3, service action 4-5, allocation length 6-9.
/// Devices before SPC-4 refuse RCTD.
#[test]
fn support_is_asked_for_with_times_first() {
    let (mut device, rest) = script(vec![
        on("a3 0c 80 00 00 00 00 00 40 00 00 00").check(invalid_field()),
        on("a3 0c 00 00 00 00 00 00 40 00 00 00").data(&hex(OPCODES)),
        on("a3 0c 82 a4 00 0f 00 00 00 40 00 00").check(invalid_field()),
        on("a3 0c 02 a4 00 0f 00 00 00 40 00 00").data(&hex("00 01 0000")),
        on("a3 0c 81 08 00 00 00 00 00 40 00 00").data(&hex("00 03 0006 08 03 ff ff ff 00")),
        on("a3 0c 81 08 00 00 00 00 00 40 00 00").check(invalid_opcode()),
        on("a3 0c 80 00 00 00 00 00 40 00 00 00").check(invalid_opcode()),
    ]);
    let device = &mut *device;
    assert_eq!(supported_commands(device).unwrap().unwrap().len(), 8);
    let mut ask = |operation, action| {
        let code = CommandCode { operation, action };
        command_support(device, code)
            .unwrap()
            .map(|one| one.support)
    };
    assert_eq!(ask(0xa4, Some(0x0f)), Some(Support::No));
    assert_eq!(ask(0x08, None), Some(Support::Standard));
    assert_eq!(ask(0x08, None), None);
    assert_eq!(supported_commands(device).unwrap(), None);
    rest.is_empty();
}

/// DLT-S4 figure 157 page 304: length 0Ah, origin in byte 2, timestamp bytes 4-9; figure 166 page
/// 329 and Dell "TL2000 and TL4000 SCSI Reference" page 3-75: SET TIMESTAMP likewise.
#[test]
fn the_clock() {
    let list = hex("00000000 0199d7a3c4e5 0000");
    let (mut device, rest) = script(vec![
        on("a3 0f 00 00 00 00 00 00 00 0c 00 00").data(&hex("000a 02 00 0199d7a3c4e5 0000")),
        on("a3 0f 00 00 00 00 00 00 00 0c 00 00").check(invalid_field()),
        on("a4 0f 00 00 00 00 00 00 00 0c 00 00").sent(&list),
    ]);
    let device = &mut *device;
    let value = Milliseconds(0x0199_d7a3_c4e5);
    let origin = TimestampOrigin::SetByHost;
    let shown = report_timestamp(device).unwrap();
    assert_eq!(shown, Some(Timestamp { origin, value }));
    assert_eq!(report_timestamp(device).unwrap(), None);
    set_timestamp(device, value).unwrap();
    let error = set_timestamp(device, Milliseconds(1 << 48)).unwrap_err();
    assert!(error.to_string().contains("48 bits"), "{error}");
    rest.is_empty();
}

/// inhex/vpd_lbpro.hex of sg3_utils: two methods, the second descriptor longer than its fields.
#[test]
fn logical_block_protection() {
    let raw = hex("01 b5 00 10 00 00 00 00 03 01 20 e0 07 02 10 80 00 00 00 00");
    let (mut device, _) = script(vec![on("12 01 b5 00 ff 00").data(&raw)]);
    let methods = vpd::logical_block_protection(&mut *device)
        .unwrap()
        .unwrap();
    assert_eq!(methods.len(), 2);
    assert_eq!((methods[0].method, methods[0].length), (1, 0x20));
    assert!(methods[0].on_write && methods[0].on_read && methods[0].on_recover);
    assert_eq!((methods[1].method, methods[1].length), (2, 0x10));
    assert!(methods[1].on_write && !methods[1].on_read && !methods[1].on_recover);
}

/// SSC-4, VPD pages B1h and B3h: text from byte 4 on.
#[test]
fn serial_numbers_of_maker_and_library() {
    let (mut device, _) = script(vec![
        on("12 01 b1 00 ff 00").data(b"\x01\xb1\x00\x0c1013000123  "),
        on("12 01 b3 00 ff 00").data(b"\x01\xb3\x00\x0a0000078ABC"),
        on("12 01 b3 00 ff 00").check(invalid_field()),
    ]);
    let device = &mut *device;
    let maker = vpd::manufacturer_serial(device).unwrap();
    assert_eq!(maker.as_deref(), Some("1013000123"));
    let library = vpd::automation_serial(device).unwrap();
    assert_eq!(library.as_deref(), Some("0000078ABC"));
    assert_eq!(vpd::automation_serial(device).unwrap(), None);
}

fn page(bytes: &str) -> ModePage {
    ModePage::parse(&hex(bytes)).unwrap().0
}

/// SL150 table 4-80 page 155: DEXCPT bit 3 and TEST bit 2 of byte 2, MRIE byte 3, interval timer
/// 4-7, report count 8-11.
#[test]
fn informational_exceptions() {
    let raw = "1c 0a 08 03 00000000 00000000";
    let shown = InformationalExceptions::parse(&page(raw)).unwrap();
    assert!(shown.disabled && !shown.test && !shown.warnings);
    assert_eq!(shown.method, ReportMethod::RecoveredErrorIfAllowed);
    // TapeAlert flag 20 is to be raised, and exceptions to be told to REQUEST SENSE.
    let wanted = InformationalExceptions {
        disabled: false,
        test: true,
        method: ReportMethod::OnRequest,
        report_count: 20,
        ..shown
    };
    let mut changed = page("1c 0a 48 03 00000000 00000000");
    assert!(wanted.apply(&mut changed));
    assert_eq!(changed.encode(), hex("1c 0a 44 06 00000000 00000014"));
    assert_eq!(InformationalExceptions::parse(&changed), Some(wanted));
    let cut = page("1c 02 08 03");
    assert_eq!(InformationalExceptions::parse(&cut), None);
    assert!(!wanted.apply(&mut cut.clone()));
    assert_eq!(changed.code, PageCode::INFORMATIONAL_EXCEPTIONS);
}

/// Dell TL2000 page 3-75 for SCSIP and TCMOS; sg3_utils, sdparm's tables of the control and
/// control extension pages for the places of the other fields.
#[test]
fn control() {
    let shown = Control::parse(&page("0a 0a 24 00 08 40 0000 ffff 0000")).unwrap();
    assert!(shown.descriptor_sense && shown.task_set_per_initiator);
    assert!(shown.software_write_protect && shown.task_aborted_status);
    assert_eq!(shown.busy_timeout, 0xffff);
    let mut bytes = hex("4a 01 001c 06 05 fc");
    bytes.resize(32, 0);
    let page = ModePage::parse(&bytes).unwrap().0;
    assert_eq!(page.code, PageCode::CONTROL_EXTENSION);
    let shown = ControlExtension::parse(&page).unwrap();
    assert!(shown.clock_set_by_host && shown.clock_set_otherwise);
    assert_eq!(
        (shown.initial_priority, shown.maximum_sense_length),
        (5, 252)
    );
}

/// Parameter codes as in sg3_utils 1.49 src/sg_logs.c, show_error_counter_page.
#[test]
fn error_counters() {
    let raw = hex("02 00 0024
        0000 00 04 00000001  0001 00 04 00000002  0002 00 02 0003
        0003 00 04 00000005  0006 00 01 07");
    let page = LogPage::parse(&raw).unwrap();
    let counters = ErrorCounters::from_log(&page);
    assert_eq!(counters.corrected_at_once, Some(1));
    assert_eq!(counters.corrected_with_delay, Some(2));
    assert_eq!((counters.retries, counters.corrected), (Some(3), Some(5)));
    assert_eq!((counters.corrections, counters.bytes), (None, None));
    assert_eq!(counters.uncorrected, Some(7));
}
