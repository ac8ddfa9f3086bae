//! Structures of every device type.

use rstest::rstest;
use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::spc::attribute::{
    Attribute, AttributeFormat, AttributeId, parse_attributes, read_attribute, write_attributes,
};
use tapeward_drivers::spc::designator::{Association, CodeSet, Designator, DesignatorType};
use tapeward_drivers::spc::inquiry::{Inquiry, PeripheralType};
use tapeward_drivers::spc::luns::{LogicalUnit, parse as parse_luns, report_luns};
use tapeward_drivers::spc::{unit, vpd};

use crate::script::{fixed, hex, invalid_field, on, script};

/// sg3_utils 1.49, inhex/inq_standard.hex.
#[test]
fn standard_inquiry_from_sg3_utils() {
    let data = Inquiry::parse(&hex("00 00 07 02 5b 00 10 0a  4c 69 6e 75 78 20 20 20
         73 63 73 69 5f 64 65 62  75 67 20 20 20 20 20 20
         30 31 39 31 32 30 32 31  30 35 32 30 00 00 00 00
         00 00 00 00 00 00 00 00  00 00 00 c0 05 c0 06 00
         21 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
         00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00"))
    .unwrap();
    assert_eq!(data.peripheral, PeripheralType::DirectAccess);
    assert_eq!((data.version, data.removable), (7, false));
    assert_eq!(
        (&*data.vendor, &*data.product, &*data.revision),
        ("Linux", "scsi_debug", "0191")
    );
}

#[test]
fn inquiry_cut_off_or_with_a_short_stated_length() {
    assert_eq!(Inquiry::parse(&[0x08, 0x80, 0x05, 0x12]), None);
    // ADDITIONAL LENGTH 10h ends the data inside the product.
    let mut bytes = hex("08 80 05 12 10 00 00 00 41 43 4d 45 20 20 20 20 52 4f 42 4f 54");
    bytes.extend([0x58; 15]);
    let data = Inquiry::parse(&bytes).unwrap();
    assert_eq!(data.peripheral, PeripheralType::MediumChanger);
    assert_eq!(
        (&*data.vendor, &*data.product, &*data.revision),
        ("ACME", "ROBOT", "")
    );
}

#[rstest]
#[case(0x01, PeripheralType::SequentialAccess)]
#[case(0x08, PeripheralType::MediumChanger)]
#[case(0x7f, PeripheralType::NotConnected)]
#[case(0x28, PeripheralType::NotConnected)]
#[case(0x05, PeripheralType::Other(5))]
fn peripheral_types(#[case] byte: u8, #[case] kind: PeripheralType) {
    assert_eq!(PeripheralType::from(byte), kind);
}

/// sg3_utils 1.49, inhex/vpd_di_all.hex: one designator of each type of SPC-5.
#[test]
fn designators_of_all_types() {
    let body = hex(
        "01 00 00 16 11 22 33 44  55 66 77 88 99 aa bb cc dd ee ff ed cb a9 87 65  43 21
         02 01 00 14 41 42 43 20 20 20 20 20 58 59 5a 31 32 33 34 35  36 37 38 39
         01 02 00 08 11 22 33 44  55 66 77 88
         01 02 00 0c 11 22 33 44  55 66 77 88 00 00 01 23
         01 02 00 10 01 23 45 67  89 ab cd ef 11 22 33 44  55 66 77 88
         01 03 00 08 51 22 33 44  55 66 77 88
         01 03 00 10 61 22 33 44  55 66 77 88 aa bb cc dd  ee ff ee dd
         01 14 00 04 00 00 00 02
         01 15 00 04 00 00 00 03
         01 06 00 04 00 00 00 04
         01 07 00 10 ff ee dd cc  bb aa 99 88 77 66 55 44  33 22 11 00
         03 28 00 28 69 71 6e 2e 35 38 38 36  2e 63 6f 6d 2e 61 63 6d
         65 2e 64 69 73 6b 61 72  72 61 79 73 2d 73 6e 2d 61 38 36 37 35 33 30 39
         91 99 00 04 04 00 02 00
         a1 99 00 08 01 23 00 00  00 00 00 00
         01 0a 00 12 10 00 11 22  33 44 55 66 77 88 99 aa bb cc dd ee fe dc",
    );
    let all = vpd::parse_designators(&body);
    let kinds: Vec<DesignatorType> = all.iter().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [
            DesignatorType::VendorSpecific,
            DesignatorType::T10VendorId,
            DesignatorType::Eui64,
            DesignatorType::Eui64,
            DesignatorType::Eui64,
            DesignatorType::Naa,
            DesignatorType::Naa,
            DesignatorType::RelativeTargetPort,
            DesignatorType::TargetPortGroup,
            DesignatorType::LogicalUnitGroup,
            DesignatorType::Md5LogicalUnit,
            DesignatorType::ScsiName,
            DesignatorType::ProtocolSpecificPort,
            DesignatorType::ProtocolSpecificPort,
            DesignatorType::Uuid,
        ]
    );
    let t10 = &all[1];
    assert_eq!(t10.code_set, CodeSet::Ascii);
    assert_eq!(
        t10.vendor_and_rest(),
        Some(("ABC".to_owned(), "XYZ123456789".to_owned()))
    );
    assert!(t10.names_serial("123456789") && !t10.names_serial("12345678"));
    assert!(!t10.names_serial(" "));
    assert_eq!(all[5].to_string(), "naa.5122334455667788");
    assert_eq!(all[7].association, Association::TargetPort);
    assert_eq!(all[7].to_string(), "2");
    assert_eq!(all[11].association, Association::TargetDevice);
    assert_eq!(
        all[11].to_string(),
        "iqn.5886.com.acme.diskarrays-sn-a8675309"
    );
    // A name that is cut off ends the list.
    assert_eq!(
        vpd::parse_designators(&body[..body.len() - 1]).len(),
        all.len() - 1
    );
    assert_eq!(Designator::parse(&body[..3]), None);
}

/// sg3_utils 1.49, inhex/vpd_dev_id.hex, through INQUIRY with EVPD.
#[test]
fn device_identification_page() {
    let page = hex(
        "00 83 00 48 01 03 00 08  50 00 c5 00 30 11 cb 2b 61 93 00 08 50 00 c5 00  30 11 cb 29
         61 94 00 04 00 00 00 01 61 a3 00 08  50 00 c5 00 30 11 cb 28 03 28 00 18 6e 61 61 2e
         35 30 30 30 43 35 30 30 33 30 31 31 43 42 32 38  00 00 00 00",
    );
    let (mut device, rest) = script(vec![on("12 01 83 00 ff 00").data(&page)]);
    let names: Vec<String> = vpd::designators(&mut *device)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "naa.5000c5003011cb2b",
        "naa.5000c5003011cb29",
        "1",
        "naa.5000c5003011cb28",
    ];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4], "naa.5000C5003011CB28");
    rest.is_empty();
}

/// SPC-5, VPD pages: PAGE LENGTH, two bytes, above what one byte of allocation length fetched.
#[test]
fn a_long_page_is_fetched_whole() {
    let mut page = hex("01 83 01 2c");
    page.extend(hex("02 00 01 28").iter().take(3));
    page.push(0xff);
    page.resize(4 + 0x12c, b'x');
    let (mut device, rest) = script(vec![
        on("12 01 83 00 ff 00").data(&page[..255]),
        on("12 01 83 01 30 00").data(&page),
    ]);
    assert_eq!(vpd::page(&mut *device, 0x83).unwrap().unwrap().len(), 0x12c);
    rest.is_empty();
}

/// tgt 1.0.85 (drivers/tests/data/tgt.txt), and devices that have no such page or send
/// another one, as SCSI-2 devices do that ignore EVPD.
#[test]
fn serial_numbers() {
    let tgt =
        hex("0180002420202020202020202020202020202020202020202020202020204452495645303030303100");
    let (mut device, _) = script(vec![on("12 01 80 00 ff 00").data(&tgt[..40])]);
    assert_eq!(
        vpd::serial(&mut *device).unwrap().as_deref(),
        Some("DRIVE00001")
    );
    let (mut device, _) = script(vec![on("12 01 80 00 ff 00").check(invalid_field())]);
    assert_eq!(vpd::serial(&mut *device).unwrap(), None);
    let (mut device, _) = script(vec![on("12 01 80 00 ff 00").data(&hex("08800512"))]);
    assert_eq!(vpd::serial(&mut *device).unwrap(), None);
    let (mut device, _) = script(vec![
        on("12 01 80 00 ff 00").data(&hex("01800004 20202020")),
    ]);
    assert_eq!(vpd::serial(&mut *device).unwrap(), None);
}

/// Quantum "DLT-S4 Interface Reference Guide", figure 16 (page 49): VPD page B0h, WORM is bit 0 of
/// byte 4. SSC-4, VPD page B4h: the element address follows PAGE LENGTH.
#[test]
fn tape_drive_pages() {
    let (mut device, _) = script(vec![
        on("12 01 b0 00 ff 00").data(&hex("01 b0 00 04 01 00 00 00")),
        on("12 01 b4 00 ff 00").data(&hex("01 b4 00 02 01 01")),
        on("12 01 b4 00 ff 00").data(&hex("01 b4 00 00")),
    ]);
    let capabilities = vpd::sequential_capabilities(&mut *device).unwrap().unwrap();
    assert!(capabilities.worm && !capabilities.tape_stream_mirroring);
    assert_eq!(
        vpd::element_address(&mut *device).unwrap(),
        Some(ElementAddress(0x101))
    );
    assert_eq!(vpd::element_address(&mut *device).unwrap(), None);
}

/// sg3_utils 1.49, inhex/luns_lu_cong.hex, and the well-known unit of inhex/luns_wlun.hex.
#[test]
fn logical_units() {
    let raw = hex("00 00 00 10 00 00 00 00  00 01 00 00 00 00 00 00  00 01 00 02 00 00 00 00");
    let units = parse_luns(&raw);
    assert_eq!(
        units.iter().map(|unit| unit.number()).collect::<Vec<_>>(),
        [Some(1), None]
    );
    let well_known = LogicalUnit([0xc1, 0x01, 0, 0, 0, 0, 0, 0]);
    assert_eq!(well_known.number(), None);
    let flat = LogicalUnit([0x52, 0x34, 0, 0, 0, 0, 0, 0]);
    assert_eq!(flat.number(), Some(0x1234));
    let (mut device, rest) = script(vec![on("a0 00 00 00 00 00 00 00 02 08 00 00").data(&raw)]);
    assert_eq!(report_luns(&mut *device).unwrap(), units);
    rest.is_empty();
}

#[test]
fn a_long_list_of_units_is_asked_for_again() {
    let mut raw = (8 * 100_u32).to_be_bytes().to_vec();
    raw.resize(8 + 8 * 100, 0);
    let (mut device, rest) = script(vec![
        on("a0 00 00 00 00 00 00 00 02 08 00 00").data(&raw),
        on("a0 00 00 00 00 00 00 00 03 28 00 00").data(&raw),
    ]);
    assert_eq!(report_luns(&mut *device).unwrap().len(), 100);
    rest.is_empty();
}

/// Oracle "T10000 Interface Reference Manual" (August 2016), table 3-103 (page 151), and HP
/// Q1530-90901, page 115: behind AVAILABLE DATA identifier, READ ONLY and FORMAT, length, value.
fn barcode_attributes() -> Vec<u8> {
    let mut raw = hex("00 00 00 3a");
    raw.extend(hex("00 00 80 00 08 00 00 00 00 00 b4 e0 00"));
    raw.extend(hex("08 06 01 00 20"));
    raw.extend(b"TWD001L8                        ");
    raw.extend(hex("08 03 02 00 03 c3 bc 20"));
    raw
}

#[test]
fn attributes_of_a_cartridge() {
    let all = parse_attributes(&barcode_attributes());
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].id, AttributeId::REMAINING_CAPACITY);
    assert!(all[0].read_only);
    assert_eq!(
        (all[0].format, all[0].number()),
        (AttributeFormat::Binary, Some(0x00b4_e000))
    );
    assert_eq!(
        (all[1].format, &*all[1].text()),
        (AttributeFormat::Ascii, "TWD001L8")
    );
    assert_eq!(
        (all[2].format, &*all[2].text()),
        (AttributeFormat::Text, "ü")
    );
    // AVAILABLE DATA of less than what was sent ends the list.
    let mut short = barcode_attributes();
    short[3] = 0x0d;
    assert_eq!(parse_attributes(&short).len(), 1);
}

#[test]
fn attributes_are_asked_for_one_by_one() {
    let from_barcode = &barcode_attributes()[17..];
    let mut raw = u32::try_from(from_barcode.len())
        .unwrap()
        .to_be_bytes()
        .to_vec();
    raw.extend(from_barcode);
    let (mut device, _) = script(vec![
        on("8c 00 00 00 00 00 00 00 08 06 00 00 40 00 00 00").data(&raw),
        // The next higher attribute is not the one asked for.
        on("8c 00 00 00 00 00 00 00 08 05 00 00 40 00 00 00").data(&raw),
        on("8c 00 00 00 00 00 00 00 08 20 00 00 40 00 00 00").check(invalid_field()),
        on("8c 00 00 00 00 00 00 00 08 20 00 00 40 00 00 00").check(fixed(0x02, 0x3a, 0x00)),
    ]);
    let one = read_attribute(&mut *device, 0, AttributeId::BARCODE)
        .unwrap()
        .unwrap();
    assert_eq!(one.text(), "TWD001L8");
    assert_eq!(
        read_attribute(&mut *device, 0, AttributeId::TEXT_LOCALIZATION).unwrap(),
        None
    );
    let unique = AttributeId::MEDIUM_UNIQUE_IDENTIFIER;
    assert_eq!(read_attribute(&mut *device, 0, unique).unwrap(), None);
    assert!(
        read_attribute(&mut *device, 0, unique)
            .unwrap_err()
            .is_no_medium()
    );
}

/// As LTFS sends it (other_hosts.rs): WTC, partition, parameter list length; the list begins with
/// its length.
#[test]
fn attributes_are_written() {
    let vendor = Attribute::ascii(AttributeId::APPLICATION_VENDOR, "TAPEWARD", 8).unwrap();
    let list = hex("00 00 00 0d 08 00 01 00 08 54 41 50 45 57 41 52 44");
    let (mut device, rest) = script(vec![
        on("8d 01 00 00 00 00 00 00 00 00 00 00 00 11 00 00").sent(&list),
    ]);
    write_attributes(&mut *device, 0, &[vendor]).unwrap();
    rest.is_empty();
    assert_eq!(
        Attribute::ascii(AttributeId::APPLICATION_VENDOR, "TOO LONG A", 8),
        None
    );
    assert_eq!(
        Attribute::ascii(AttributeId::APPLICATION_VENDOR, "ü", 8),
        None
    );
}

#[test]
fn removal_is_prevented_and_allowed() {
    let (mut device, rest) = script(vec![on("1e 00 00 00 01 00"), on("1e 00 00 00 00 00")]);
    unit::prevent_removal(&mut *device, unit::Removal::Prevent).unwrap();
    unit::prevent_removal(&mut *device, unit::Removal::Allow).unwrap();
    rest.is_empty();
}

#[test]
fn requested_sense_is_parsed_or_refused() {
    let (mut device, _) = script(vec![
        on("03 00 00 00 fc 00").data(&fixed(0x02, 0x04, 0x01)),
        on("03 00 00 00 fc 00").data(&[0; 18]),
    ]);
    assert_eq!(unit::request_sense(&mut *device).unwrap().asc.code, 0x04);
    assert!(unit::request_sense(&mut *device).is_err());
}

#[test]
fn unit_attentions_are_taken_and_nothing_else() {
    let (mut device, rest) = script(vec![
        on("00 00 00 00 00 00").check(fixed(0x06, 0x29, 0x00)),
        on("00 00 00 00 00 00").check(fixed(0x06, 0x28, 0x00)),
        on("00 00 00 00 00 00").check(fixed(0x02, 0x3a, 0x00)),
    ]);
    let codes: Vec<u8> = unit::consume_unit_attentions(&mut *device)
        .unwrap()
        .iter()
        .map(|one| one.asc.code)
        .collect();
    assert_eq!(codes, [0x29, 0x28]);
    rest.is_empty();
    let mut deferred = fixed(0x03, 0x0c, 0x00);
    deferred[0] = 0x71;
    let (mut device, _) = script(vec![on("00 00 00 00 00 00").check(deferred)]);
    assert!(
        unit::consume_unit_attentions(&mut *device)
            .unwrap_err()
            .is_deferred()
    );
    let endless = vec![on("00 00 00 00 00 00").check(fixed(0x06, 0x29, 0x00)); 8];
    let (mut device, rest) = script(endless);
    assert_eq!(
        unit::consume_unit_attentions(&mut *device).unwrap().len(),
        8
    );
    rest.is_empty();
}
