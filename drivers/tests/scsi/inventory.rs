//! READ ELEMENT STATUS of well-behaved libraries.
//!
//! Vectors are built byte by byte after the tables of SMC-3, which Oracle's "StorageTek
//! SL150 Interface Reference Manual" repeats on pages 181 and following (tables 4-101 and 4-103;
//! import/export elements: table 4-106, page 195), and, for drives on a parallel bus, Quantum's
//! "Scalar Intelligent Libraries SCSI Reference Guide", table 71 (page 72).

use tapeward_drivers::sense::AdditionalSense;
use tapeward_drivers::smc::element::{BusAddress, MediumType};
use tapeward_drivers::smc::element_status::ElementStatus;
use tapeward_drivers::smc::{
    Changer, ElementAddress, ElementKind, ImportExport, Inventory, InventoryOptions, Removal,
    Wanted,
};
use tapeward_drivers::spc::designator::{CodeSet, DesignatorType};

use crate::script::{fixed, hex, invalid_field, on, script};

/// MODE SENSE of page 1Dh.
pub(crate) const ASSIGNMENT: &str = "1a 00 1d 00 ff 00";

/// Page 1Dh behind a header without block descriptor (SMC-3, element address assignment).
pub(crate) fn assignment(ranges: [(u16, u16); 4]) -> Vec<u8> {
    let mut data = hex("17 00 00 00 1d 12");
    for (first, count) in ranges {
        data.extend(first.to_be_bytes());
        data.extend(count.to_be_bytes());
    }
    data.extend([0, 0]);
    data
}

/// One page (SL150 table 4-103): type, PVOLTAG and AVOLTAG, descriptors.
pub(crate) fn page(kind: u8, flags: u8, descriptors: &[Vec<u8>]) -> Vec<u8> {
    let length = descriptors.first().map_or(0, Vec::len);
    let bytes: Vec<u8> = descriptors.concat();
    let mut page = vec![kind, flags];
    page.extend(u16::try_from(length).unwrap().to_be_bytes());
    page.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    page.extend(bytes);
    page
}

/// The whole report (SMC-3, element status data header).
pub(crate) fn report(first: u16, count: u16, pages: &[Vec<u8>]) -> Vec<u8> {
    let bytes: Vec<u8> = pages.concat();
    let mut report = first.to_be_bytes().to_vec();
    report.extend(count.to_be_bytes());
    report.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    report.extend(bytes);
    report
}

/// The twelve bytes every descriptor begins with.
pub(crate) fn descriptor(address: u16, flags: u8) -> Vec<u8> {
    let mut bytes = address.to_be_bytes().to_vec();
    bytes.extend([flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A volume tag (SMC-3).
pub(crate) fn tag(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(32, b' ');
    bytes.extend([0; 4]);
    bytes
}

/// An identification descriptor, as long as drives' names here are.
pub(crate) fn identifier(serial: &str) -> Vec<u8> {
    let mut bytes = vec![0x02, 0x00, 0x00, u8::try_from(serial.len()).unwrap()];
    bytes.extend(serial.as_bytes());
    bytes
}

pub(crate) fn tags_of(inventory: &Inventory) -> Vec<(u16, Option<&str>)> {
    let one = |element: &tapeward_drivers::smc::Element| element.address.0;
    inventory
        .elements
        .iter()
        .map(|element| {
            (
                one(element),
                element.primary_tag.as_ref().map(|tag| &*tag.identification),
            )
        })
        .collect()
}

/// Every field of each kind of descriptor, in one report of four pages.
#[test]
fn four_kinds_in_one_report() {
    let picker = [descriptor(1, 0x01), tag("")].concat();
    // Slot: ACCESS, EXCEPT with 83h/00h, FULL; SVALID, INVERT, source 2001h, data medium.
    let mut slot = [descriptor(0x1001, 0x0d), tag("TWD001L8"), tag("OTHER")].concat();
    slot[4] = 0x83;
    slot[9] = 0xc1;
    slot[10..12].copy_from_slice(&[0x20, 0x01]);
    slot[12 + 35] = 7;
    // Mail slot: all of OIR, INENAB, EXENAB, ACCESS, IMPEXP, FULL; cleaning medium.
    let mut mail = [descriptor(0x10, 0xbb), tag("CLNU01L1")].concat();
    mail[9] = 0x02;
    // Drive: ACCESS; LU VALID with LUN 3, ID VALID with target 5; ED; a T10 name.
    let mut drive = [descriptor(0x100, 0x08), tag("")].concat();
    drive[6] = 0x33;
    drive[7] = 0x05;
    drive[9] = 0x08;
    drive.extend(hex("02 01 00 1c"));
    drive.extend(b"IBM     ULT3580-TD8 0123456789".iter().take(28));
    let raw = report(
        1,
        4,
        &[
            page(1, 0x80, &[picker]),
            page(2, 0xc0, &[slot]),
            page(3, 0x80, &[mail]),
            page(4, 0x80, &[drive]),
        ],
    );
    let status = ElementStatus::parse(&raw);
    assert_eq!((status.first, status.available), (1, 4));
    assert_eq!(usize::try_from(status.byte_count).unwrap(), raw.len() - 8);
    assert_eq!(status.anomalies, []);
    let [picker, slot, mail, drive] = &status.elements[..] else {
        panic!("{status:?}")
    };

    assert_eq!(
        (picker.address, picker.kind),
        (ElementAddress(1), ElementKind::MediumTransport)
    );
    assert!(picker.full && picker.access);
    assert_eq!((&picker.primary_tag, &picker.import_export), (&None, &None));

    assert_eq!(
        (slot.address, slot.kind),
        (ElementAddress(0x1001), ElementKind::Storage)
    );
    assert!(slot.full && slot.access && slot.inverted && !slot.disabled);
    assert_eq!(slot.exception, Some(AdditionalSense::new(0x83, 0x00)));
    assert_eq!(slot.source, Some(ElementAddress(0x2001)));
    assert_eq!(slot.medium_type, MediumType::Data);
    let primary = slot.primary_tag.as_ref().unwrap();
    assert_eq!(
        (&*primary.identification, primary.sequence),
        ("TWD001L8", 7)
    );
    assert_eq!(slot.alternate_tag.as_ref().unwrap().identification, "OTHER");

    assert_eq!(mail.medium_type, MediumType::Cleaning);
    let all = ImportExport {
        placed_by_operator: true,
        import_enabled: true,
        export_enabled: true,
        operator_intervention: true,
    };
    assert_eq!(
        (mail.import_export, mail.source, mail.inverted),
        (Some(all), None, false)
    );

    assert!(drive.access && drive.disabled && !drive.full);
    let bus = BusAddress {
        target: Some(5),
        logical_unit: Some(3),
        other_bus: false,
    };
    assert_eq!(drive.bus, Some(bus));
    let name = drive.device.as_ref().unwrap();
    assert_eq!(
        (name.code_set, name.kind),
        (CodeSet::Ascii, DesignatorType::T10VendorId)
    );
    assert!(name.names_serial("01234567"));
}

/// Each kind is asked for by itself with the addresses of page 1Dh; DVCID only for drives.
#[test]
fn one_command_for_each_kind() {
    let slots = [
        [descriptor(20, 0x09), tag("TWD001L8")].concat(),
        [descriptor(21, 0x08), tag("")].concat(),
    ];
    let drive = [descriptor(100, 0x08), tag(""), identifier("SERIAL0001")].concat();
    let (device, rest) = script(vec![
        on(ASSIGNMENT).data(&assignment([(0, 1), (20, 2), (0, 0), (100, 1)])),
        on("b8 11 00 00 00 01 00 00 01 60 00 00").data(&report(
            0,
            1,
            &[page(1, 0, &[descriptor(0, 0)])],
        )),
        on("b8 12 00 14 00 02 00 00 01 c0 00 00").data(&report(20, 2, &[page(2, 0x80, &slots)])),
        on("b8 14 00 64 00 01 01 00 01 60 00 00").data(&report(100, 1, &[page(4, 0x80, &[drive])])),
    ]);
    let mut changer = Changer::new(device);
    let inventory = changer.inventory(&InventoryOptions::default()).unwrap();
    assert_eq!(inventory.anomalies, []);
    assert_eq!(
        tags_of(&inventory),
        [(0, None), (20, Some("TWD001L8")), (21, None), (100, None)]
    );
    let drive = inventory.element(ElementAddress(100)).unwrap();
    assert!(drive.device.as_ref().unwrap().names_serial("SERIAL0001"));
    assert_eq!(
        inventory.with_tag("TWD001L8").unwrap().address,
        ElementAddress(20)
    );
    assert_eq!(inventory.element(ElementAddress(22)), None);
    rest.is_empty();
}

#[test]
fn only_what_is_wanted_is_asked_for() {
    let (device, rest) = script(vec![
        on(ASSIGNMENT).data(&assignment([(0, 1), (20, 1), (0, 0), (100, 1)])),
        on("b8 04 00 64 00 01 00 00 01 60 00 00").data(&report(
            100,
            1,
            &[page(4, 0, &[descriptor(100, 8)])],
        )),
    ]);
    let options = InventoryOptions {
        kinds: vec![ElementKind::DataTransfer],
        volume_tags: Wanted::No,
        device_identifiers: Wanted::No,
    };
    let inventory = Changer::new(device).inventory(&options).unwrap();
    assert_eq!(
        (inventory.elements.len(), inventory.anomalies.len()),
        (1, 0)
    );
    rest.is_empty();
}

/// Without page 1Dh all addresses are asked for until nothing more comes; kinds the library
/// does not have may be refused.
#[test]
fn a_library_without_the_assignment_page() {
    let slot = |address| [descriptor(address, 0x09), tag("TWD001L8")].concat();
    let empty = report(0, 0, &[]);
    let first = |kind: &str, id: &str| format!("b8 {kind} 00 00 04 00 {id} 01 81 00 00 00");
    let (device, rest) = script(vec![
        on(ASSIGNMENT).check(invalid_field()),
        on(&first("11", "00")).check(fixed(0x05, 0x21, 0x01)),
        on(&first("12", "00")).data(&report(5, 2, &[page(2, 0x80, &[slot(5), slot(6)])])),
        on("b8 12 00 07 04 00 00 01 81 00 00 00").check(fixed(0x05, 0x21, 0x01)),
        on(&first("13", "00")).data(&empty),
        on(&first("14", "01")).data(&empty),
    ]);
    let inventory = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap();
    assert_eq!(
        tags_of(&inventory),
        [(5, Some("TWD001L8")), (6, Some("TWD001L8"))]
    );
    assert_eq!(inventory.anomalies, []);
    rest.is_empty();
}

#[test]
fn other_commands() {
    let (device, rest) = script(vec![
        on("07 00 00 00 00 00"),
        on("a5 00 00 01 10 02 20 03 00 00 00 00"),
        on("1e 00 00 00 01 00"),
        on("00 00 00 00 00 00").check(fixed(0x02, 0x04, 0x12)),
        on("a5 00 00 00 00 05 00 06 00 00 00 00").check(fixed(0x05, 0x3b, 0x0d)),
    ]);
    let mut changer = Changer::new(device);
    changer.initialize_element_status().unwrap();
    changer
        .move_medium(
            ElementAddress(1),
            ElementAddress(0x1002),
            ElementAddress(0x2003),
        )
        .unwrap();
    changer.prevent_removal(Removal::Prevent).unwrap();
    assert!(changer.test_unit_ready().is_err());
    let error = changer.move_medium(ElementAddress(0), ElementAddress(5), ElementAddress(6));
    assert_eq!(
        error.unwrap_err().to_string(),
        "script: MOVE MEDIUM: ILLEGAL REQUEST 3Bh/0Dh MEDIUM DESTINATION ELEMENT FULL (3b 0d)"
    );
    rest.is_empty();
}

/// A library of 10,000 slots that sends whole descriptors only, as many as there is room for.
#[test]
fn ten_thousand_slots_come_in_parts() {
    let mut steps =
        vec![on(ASSIGNMENT).data(&assignment([(0, 0), (1000, 10_000), (0, 0), (0, 0)]))];
    for first in (1000..11_000).step_by(1024) {
        let count = u16::try_from((11_000 - usize::from(first)).min(1024)).unwrap();
        let slots: Vec<Vec<u8>> = (first..first + count)
            .map(|address| [descriptor(address, 0x09), tag(&format!("T{address:05}L9"))].concat())
            .collect();
        let allocation = 256 + u32::from(count) * 96;
        steps.push(
            on(&format!(
                "b8 12 {first:04x} {count:04x} 00 {allocation:06x} 00 00"
            ))
            .data(&report(first, count, &[page(2, 0x80, &slots)])),
        );
    }
    let (device, rest) = script(steps);
    let inventory = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap();
    assert_eq!(
        (inventory.elements.len(), inventory.anomalies.len()),
        (10_000, 0)
    );
    assert_eq!(
        inventory.with_tag("T10999L9").unwrap().address,
        ElementAddress(10_999)
    );
    rest.is_empty();
}
