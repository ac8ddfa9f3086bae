//! READ ELEMENT STATUS of libraries that answer oddly: what can be had is had, the rest is an
//! anomaly.

use rstest::rstest;
use tapeward_drivers::smc::element_status::ElementStatus;
use tapeward_drivers::smc::{
    Anomaly, Changer, DeviceIdentifier, ElementAddress, ElementKind, Extra, Inventory,
    InventoryOptions,
};

use crate::inventory::{
    ASSIGNMENT, assignment, descriptor, identifier, page, report, tag, tags_of, who,
};
use crate::script::{Step, fixed, hex, invalid_field, on, script};

fn inventory(ranges: [(u16, u16); 4], steps: Vec<Step>) -> Inventory {
    let mut all = vec![who(), on(ASSIGNMENT).data(&assignment(ranges))];
    all.extend(steps);
    let (device, rest) = script(all);
    let inventory = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap();
    rest.is_empty();
    inventory
}

const TWO_DRIVES: [(u16, u16); 4] = [(0, 0), (0, 0), (0, 0), (1, 2)];
const BOTH: &str = "b8 14 00 01 00 02 01 00 01 c0 00 00";
const TAGS: &str = "b8 14 00 01 00 02 00 00 01 c0 00 00";
const DEVICES: &str = "b8 04 00 01 00 02 01 00 01 c0 00 00";
const PLAIN: &str = "b8 04 00 01 00 02 00 00 01 c0 00 00";

fn with_tags() -> Vec<u8> {
    let drives = [
        [descriptor(1, 0x09), tag("TWD001L8")].concat(),
        [descriptor(2, 0x08), tag("")].concat(),
    ];
    report(1, 2, &[page(4, 0x80, &drives)])
}

fn with_devices() -> Vec<u8> {
    let drives = [
        [descriptor(1, 0x09), identifier("SERIAL0001")].concat(),
        [descriptor(2, 0x08), identifier("SERIAL0002")].concat(),
    ];
    report(1, 2, &[page(4, 0x00, &drives)])
}

fn plain() -> Vec<u8> {
    report(
        1,
        2,
        &[page(4, 0, &[descriptor(1, 0x09), descriptor(2, 0x08)])],
    )
}

fn serials(inventory: &Inventory) -> Vec<Option<String>> {
    let name = |element: &tapeward_drivers::smc::Element| {
        element.device.as_ref().and_then(DeviceIdentifier::text)
    };
    inventory.elements.iter().map(name).collect()
}

/// Volume tags and device identifiers not together: one after the other.
#[test]
fn refused_together() {
    let inventory = inventory(
        TWO_DRIVES,
        vec![
            on(BOTH).check(invalid_field()),
            on(TAGS).data(&with_tags()),
            on(DEVICES).data(&with_devices()),
        ],
    );
    assert_eq!(tags_of(&inventory), [(1, Some("TWD001L8")), (2, None)]);
    let expected = ["SERIAL0001", "SERIAL0002"].map(|serial| Some(serial.to_owned()));
    assert_eq!(serials(&inventory), expected);
    assert_eq!(inventory.anomalies, []);
}

/// With DVCID set the tags are left out without a word.
#[test]
fn tags_dropped_silently() {
    let inventory = inventory(
        TWO_DRIVES,
        vec![on(BOTH).data(&with_devices()), on(TAGS).data(&with_tags())],
    );
    assert_eq!(tags_of(&inventory), [(1, Some("TWD001L8")), (2, None)]);
    assert!(serials(&inventory).iter().all(Option::is_some));
    assert_eq!(inventory.anomalies, []);
}

#[test]
fn device_identifiers_refused_altogether() {
    let inventory = inventory(
        TWO_DRIVES,
        vec![
            on(BOTH).check(invalid_field()),
            on(TAGS).data(&with_tags()),
            on(DEVICES).check(invalid_field()),
        ],
    );
    assert_eq!(tags_of(&inventory), [(1, Some("TWD001L8")), (2, None)]);
    let refused = Anomaly::Refused {
        kind: ElementKind::DataTransfer,
        what: Extra::DeviceIdentifiers,
    };
    assert_eq!(inventory.anomalies, [refused]);
}

#[test]
fn everything_optional_refused() {
    let inventory = inventory(
        TWO_DRIVES,
        vec![
            on(BOTH).check(invalid_field()),
            on(TAGS).check(invalid_field()),
            on(DEVICES).check(invalid_field()),
            on(PLAIN).data(&plain()),
        ],
    );
    assert_eq!(tags_of(&inventory), [(1, None), (2, None)]);
    assert_eq!(inventory.anomalies.len(), 2);
}

/// Other errors are errors: a robot that is moving has not refused a field.
#[test]
fn not_ready_is_an_error() {
    let (device, rest) = script(vec![
        who(),
        on(ASSIGNMENT).data(&assignment(TWO_DRIVES)),
        on(BOTH).check(fixed(0x02, 0x04, 0x01)),
    ]);
    let error = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap_err();
    assert_eq!(error.sense().unwrap().asc.code, 0x04);
    rest.is_empty();
}

/// The buffer grows to what BYTE COUNT OF REPORT AVAILABLE says, where a device sends whole
/// descriptors only, and where it fills the buffer.
#[rstest]
#[case(0x1b8)]
#[case(0x1c0)]
fn a_longer_report_is_asked_for_again(#[case] sent: usize) {
    let drives: Vec<Vec<u8>> = (1..3)
        .map(|address| {
            let mut bytes = [descriptor(address, 0x09), tag("TWD001L8"), identifier("S")].concat();
            bytes.resize(424, 0);
            bytes
        })
        .collect();
    let whole = report(1, 2, &[page(4, 0x80, &drives)]);
    assert_eq!(whole.len(), 8 + 8 + 2 * 424);
    let inventory = inventory(
        TWO_DRIVES,
        vec![
            on(BOTH).data(&whole[..sent]),
            on("b8 14 00 01 00 02 01 00 03 98 00 00").data(&whole),
        ],
    );
    assert_eq!(
        tags_of(&inventory),
        [(1, Some("TWD001L8")), (2, Some("TWD001L8"))]
    );
    assert_eq!(inventory.anomalies, []);
}

/// A device that ignores the count asked for and has more to say than any adapter moves: what
/// the full buffer cuts off comes with the next part.
#[rstest]
#[case::fills_the_buffer(true)]
#[case::sends_whole_descriptors(false)]
fn counts_ignored_by_a_large_library(#[case] fills: bool) {
    const LARGEST: usize = 256 << 10;
    let slots: Vec<Vec<u8>> = (0..9000_u16)
        .map(|address| [descriptor(address, 0x09), tag(&format!("T{address:05}"))].concat())
        .collect();
    let answer = |from: usize| {
        let count = u16::try_from(9000 - from).unwrap();
        let whole = report(
            u16::try_from(from).unwrap(),
            count,
            &[page(2, 0x80, &slots[from..])],
        );
        let room = if fills {
            LARGEST
        } else {
            16 + (LARGEST - 16) / 48 * 48
        };
        whole[..whole.len().min(room)].to_vec()
    };
    let in_one = (LARGEST - 16) / 48;
    let (device, rest) = script(vec![
        who(),
        on(ASSIGNMENT).data(&assignment([(0, 0), (0, 9000), (0, 0), (0, 0)])),
        on("b8 12 00 00 04 00 00 01 81 00 00 00").data(&answer(0)[..0x18100]),
        on("b8 12 00 00 04 00 00 04 00 00 00 00").data(&answer(0)),
        on(&format!("b8 12 {in_one:04x} 04 00 00 01 81 00 00 00")).data(&answer(in_one)[..0x18100]),
        on(&format!(
            "b8 12 {in_one:04x} 04 00 00 {:06x} 00 00",
            (9000 - in_one) * 48 + 8 + 64
        ))
        .data(&answer(in_one)),
    ]);
    let inventory = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap();
    assert_eq!(
        (inventory.elements.len(), &inventory.anomalies[..]),
        (9000, &[][..])
    );
    rest.is_empty();
}

/// tgt 1.0.85 leaves its page header out of the length it sends, so that the last descriptor
/// is cut off (drivers/tests/data/tgt.txt).
#[test]
fn the_last_identifier_cut_off() {
    let drives: Vec<Vec<u8>> = [1, 2]
        .map(|address| [descriptor(address, 0x08), tag(""), identifier("SERIAL0001")].concat())
        .to_vec();
    let whole = report(1, 2, &[page(4, 0x80, &drives)]);
    let inventory = inventory(TWO_DRIVES, vec![on(BOTH).data(&whole[..whole.len() - 8])]);
    assert_eq!(serials(&inventory), [Some("SERIAL0001".to_owned()), None]);
    let [Anomaly::TruncatedDescriptor { address, bytes }] = &inventory.anomalies[..] else {
        panic!("{:?}", inventory.anomalies)
    };
    assert_eq!((*address, bytes.len()), (Some(ElementAddress(2)), 62 - 8));
}

/// The same of the last mail slot: its tag lacks the sequence number, but not the identification.
#[test]
fn the_last_volume_tag_cut_off() {
    let slots: Vec<Vec<u8>> = [1, 2]
        .map(|address| [descriptor(address, 0x09), tag("TWD001L5")].concat())
        .to_vec();
    let raw = report(1, 2, &[page(3, 0x80, &slots)]);
    let tags = |bytes: &[u8]| -> Vec<Option<String>> {
        let elements = ElementStatus::parse(bytes).elements;
        let tags = elements.into_iter().map(|one| one.primary_tag);
        tags.map(|tag| Some(tag?.identification)).collect()
    };
    let whole = Some("TWD001L5".to_owned());
    assert_eq!(tags(&raw[..raw.len() - 4]), [whole.clone(), whole.clone()]);
    assert_eq!(tags(&raw[..raw.len() - 5]), [whole, None]);
}

fn anomalies(raw: &[u8]) -> (usize, Vec<Anomaly>) {
    let status = ElementStatus::parse(raw);
    (status.elements.len(), status.anomalies)
}

/// A descriptor without its fixed part can't be decoded; the others are.
#[test]
fn a_descriptor_of_a_few_bytes() {
    let mut raw = report(1, 2, &[page(2, 0, &[descriptor(1, 9), descriptor(2, 9)])]);
    raw.truncate(raw.len() - 7);
    let (elements, anomalies) = anomalies(&raw);
    assert_eq!(elements, 1);
    let cut = Anomaly::TruncatedDescriptor {
        address: Some(ElementAddress(2)),
        bytes: hex("00 02 09 00 00"),
    };
    assert_eq!(anomalies, [cut]);
}

#[test]
fn unknown_types_short_descriptors_and_cut_off_pages() {
    let unknown = report(
        1,
        1,
        &[
            page(9, 0, &[descriptor(1, 9)]),
            page(2, 0, &[descriptor(2, 9)]),
        ],
    );
    assert_eq!(
        anomalies(&unknown),
        (1, vec![Anomaly::UnknownElementType { code: 9 }])
    );
    let short = report(
        1,
        1,
        &[page(2, 0, &[vec![0; 4]]), page(2, 0, &[descriptor(2, 9)])],
    );
    let length = Anomaly::DescriptorLength {
        kind: ElementKind::Storage,
        length: 4,
    };
    assert_eq!(anomalies(&short), (1, vec![length]));
    let mut cut = report(1, 1, &[page(2, 0, &[descriptor(2, 9)])]);
    cut.extend([0x04, 0x80, 0x00]);
    let page = Anomaly::TruncatedPage {
        bytes: hex("04 80 00"),
    };
    assert_eq!(anomalies(&cut), (1, vec![page]));
    // Zeros behind the last page are padding; a page without descriptors is none at all.
    let mut padded = report(1, 1, &[page_of_nothing(), page_of_one()]);
    padded.extend([0; 21]);
    assert_eq!(anomalies(&padded), (1, vec![]));
}

fn page_of_nothing() -> Vec<u8> {
    page(3, 0x80, &[])
}

fn page_of_one() -> Vec<u8> {
    page(2, 0, &[descriptor(2, 9)])
}

/// Counts in the headers that are too high or too low do not matter.
#[rstest]
#[case(0, 0)]
#[case(0xffff, 0x00ff_ffff)]
fn header_counts_that_lie(#[case] count: u16, #[case] bytes: u32) {
    let mut raw = report(1, 1, &[page_of_one()]);
    raw[2..4].copy_from_slice(&count.to_be_bytes());
    raw[4..8].copy_from_slice(&bytes.to_be_bytes());
    assert_eq!(anomalies(&raw), (1, vec![]));
}

#[test]
fn fewer_elements_than_assigned() {
    let raw = report(
        1,
        1,
        &[page(4, 0x80, &[[descriptor(1, 0x08), tag("")].concat()])],
    );
    let inventory = inventory(
        TWO_DRIVES,
        vec![
            on(BOTH).data(&raw),
            on("b8 14 00 02 00 01 01 00 01 60 00 00").data(&report(0, 0, &[])),
        ],
    );
    let count = Anomaly::Count {
        kind: ElementKind::DataTransfer,
        assigned: 2,
        described: 1,
    };
    assert_eq!(inventory.anomalies, [count]);
}

#[test]
fn an_element_described_twice() {
    let drives = [
        [descriptor(1, 0x09), tag("TWD001L8")].concat(),
        [descriptor(1, 0x08), tag("")].concat(),
        [descriptor(2, 0x08), tag("")].concat(),
    ];
    let raw = report(1, 3, &[page(4, 0x80, &drives)]);
    let inventory = inventory(TWO_DRIVES, vec![on(BOTH).data(&raw)]);
    assert_eq!(tags_of(&inventory), [(1, Some("TWD001L8")), (2, None)]);
    assert_eq!(
        inventory.anomalies,
        [Anomaly::Contradiction {
            address: ElementAddress(1)
        }]
    );
}

/// A library that reports all kinds whatever was asked for.
#[test]
fn other_kinds_than_asked_for() {
    let raw = report(
        1,
        3,
        &[
            page(2, 0x80, &[[descriptor(50, 0x09), tag("TWD001L8")].concat()]),
            page(
                4,
                0x80,
                &[
                    [descriptor(1, 0x08), tag("")].concat(),
                    [descriptor(2, 0x08), tag("")].concat(),
                ],
            ),
        ],
    );
    let inventory = inventory(TWO_DRIVES, vec![on(BOTH).data(&raw)]);
    assert_eq!(
        tags_of(&inventory),
        [(1, None), (2, None), (50, Some("TWD001L8"))]
    );
    assert_eq!(inventory.anomalies, []);
}

/// Volume tags that are not what a label can hold.
#[test]
fn tags_that_are_not_ascii() {
    let mut slot = [descriptor(2, 0x09), tag("AB12")].concat();
    slot[12] = 0xff;
    slot[12 + 31] = 0x00;
    let status = ElementStatus::parse(&report(2, 1, &[page(2, 0x80, &[slot])]));
    let tag = status.elements[0].primary_tag.as_ref().unwrap();
    assert_eq!(tag.identification, "?B12");
    assert_eq!(tag.raw[0], 0xff);
}

#[test]
fn a_reply_without_a_header() {
    let (device, _) = script(vec![
        who(),
        on(ASSIGNMENT).data(&assignment(TWO_DRIVES)),
        on(BOTH).data(&[0; 7]),
    ]);
    let error = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap_err();
    assert!(
        error.to_string().contains("7 bytes, 8 are needed"),
        "{error}"
    );
}
