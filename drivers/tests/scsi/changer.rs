//! What changers do beside the inventory and MOVE MEDIUM, what they can, how known ones differ.

use rstest::rstest;
use tapeward_drivers::smc::capabilities::parse_geometry;
use tapeward_drivers::smc::volume_tag::SearchedTags;
use tapeward_drivers::smc::{
    Anomaly, Changer, DeviceCapabilities, Door, ElementAddress, ElementKind, ElementRange,
    Exchange, InventoryOptions, Look, NewTag, Quirks, TagChange, TagSearch, TagSide,
    UnloadBeforeMove,
};
use tapeward_drivers::spc::mode::ModePage;

use crate::inventory::{
    ASSIGNMENT, assignment, descriptor, identifier, library, page, report, tag, tags_of, who,
};
use crate::script::{Step, fixed, hex, invalid_field, on, script};

const CAPABILITIES: &str = "1a 00 1f 00 ff 00";

fn mode_page(text: &str) -> ModePage {
    ModePage::parse(&hex(text)).unwrap().0
}

/// The page behind a header without block descriptor.
fn capabilities_step(text: &str) -> Step {
    let body = hex(text);
    let length = u8::try_from(3 + body.len()).unwrap();
    on(CAPABILITIES).data(&[&[length, 0, 0, 0], &body[..]].concat())
}

/// Quantum "DX-Series Software Interface Guide" table 35 page 47: no import/export, no exchange.
const DX_SERIES: &str = "1f 12 0b 00 0a 0b 00 0b 00000000 00 00 00 00 00000000";
/// All kinds but the transport, as Exabyte "Magnum 448 SCSI Reference" 1014826 page 10-8 has the
/// moves; bytes 12 to 15 as the same bits for exchanges.
const EVERYTHING: &str = "1f 12 0e 00 00 0e 0e 0e 00000000 00 0e 0e 0e 00000000";

#[test]
fn what_can_be_moved_where() {
    use ElementKind::{DataTransfer, ImportExport, MediumTransport, Storage};
    let dx = DeviceCapabilities::parse(&mode_page(DX_SERIES)).unwrap();
    assert!(dx.stores.contains(DataTransfer) && dx.stores.contains(Storage));
    assert!(dx.stores.contains(MediumTransport) && !dx.stores.contains(ImportExport));
    assert!(dx.can_move(MediumTransport, Storage) && !dx.can_move(MediumTransport, ImportExport));
    assert!(!dx.can_move(MediumTransport, MediumTransport));
    assert!(dx.can_move(Storage, DataTransfer) && dx.can_move(Storage, MediumTransport));
    assert!(!dx.can_move(ImportExport, Storage) && dx.can_move(DataTransfer, Storage));
    assert!(
        ElementKind::ALL
            .iter()
            .all(|to| !dx.can_exchange(Storage, *to))
    );
    let all = DeviceCapabilities::parse(&mode_page(EVERYTHING)).unwrap();
    assert!(all.can_exchange(Storage, DataTransfer) && all.can_exchange(ImportExport, Storage));
    assert!(!all.can_exchange(MediumTransport, Storage) && !all.is_blank());
    // DLT4700 (page 8-133): fourteen bytes, exchanges included.
    let old = mode_page("1f 0e 0a 00 00 08 00 02 00000000 00 00 00 00");
    let old = DeviceCapabilities::parse(&old).unwrap();
    assert!(old.can_move(Storage, DataTransfer) && old.can_move(DataTransfer, Storage));
    assert!(!old.can_move(Storage, Storage));
    // Cut off before the exchanges, and before the moves.
    let short = mode_page("1f 06 0a 00 00 08 00 02");
    assert!(DeviceCapabilities::parse(&short).is_some());
    assert_eq!(
        DeviceCapabilities::parse(&mode_page("1f 04 0a 00 00 08")),
        None
    );
}

/// DX-Series table 34 page 46: ROTATE bit 0, then the member number.
#[test]
fn transport_geometry() {
    let page = mode_page("1e 04 00 00 01 01");
    let told = parse_geometry(&page);
    assert_eq!(told.len(), 2);
    assert!(!told[0].rotates && told[1].rotates);
    assert_eq!((told[0].member, told[1].member), (0, 1));
}

#[test]
fn moves_are_checked_against_what_the_library_says() {
    let (device, rest) = script(vec![
        capabilities_step(DX_SERIES),
        capabilities_step(DX_SERIES),
        on(CAPABILITIES).check(invalid_field()),
        capabilities_step("1f 12 00 00 00 00 00 00 00000000 00 00 00 00 00000000"),
    ]);
    let mut changer = Changer::new(device);
    let (slot, mail) = (ElementKind::Storage, ElementKind::ImportExport);
    let error = changer.check_move(slot, mail).unwrap_err().to_string();
    assert_eq!(
        error,
        "script: MOVE MEDIUM not sent: the library says it has no way from storage element to \
         import/export element"
    );
    changer.check_move(slot, ElementKind::DataTransfer).unwrap();
    // No page, or one without any bit: the library is taken at its acts.
    changer.check_move(slot, mail).unwrap();
    changer.check_move(slot, mail).unwrap();
    rest.is_empty();
}

const fn at(address: u16) -> ElementAddress {
    ElementAddress(address)
}

/// CDBs: SCSI-2 table 328 (EXCHANGE MEDIUM); Dell "TL2000 and TL4000 SCSI Reference" page 3-47
/// (OPEN/CLOSE IMPORT/EXPORT ELEMENT); SMC-3, the commands' names (the other two).
#[test]
fn the_robot_does_other_things() {
    let (device, rest) = script(vec![
        capabilities_step(EVERYTHING),
        on("a6 00 00 01 10 02 01 00 10 02 00 00"),
        on("2b 00 00 01 10 02 00 00 00 00"),
        on("1b 00 00 10 00 00"),
        on("1b 00 00 10 01 00"),
        on("37 00 00 00 00 00 00 00 00 00"),
        on("37 03 10 02 00 00 00 14 00 00"),
    ]);
    let mut changer = Changer::new(device);
    let swap = Exchange {
        source: at(0x1002),
        first_destination: at(0x0100),
        second_destination: at(0x1002),
    };
    let kinds = (ElementKind::Storage, ElementKind::DataTransfer);
    changer.exchange_medium(at(1), swap, kinds).unwrap();
    changer.position_to_element(at(1), at(0x1002)).unwrap();
    changer.open_close(at(0x10), Door::Open).unwrap();
    changer.open_close(at(0x10), Door::Close).unwrap();
    changer.initialize_range(None, Look::Whole).unwrap();
    let range = ElementRange {
        first: at(0x1002),
        count: 20,
    };
    changer.initialize_range(Some(range), Look::Fast).unwrap();
    rest.is_empty();
}

#[rstest]
#[case(1, 1, 2)]
#[case(1, 2, 2)]
fn exchanges_that_are_none(#[case] source: u16, #[case] first: u16, #[case] second: u16) {
    let (device, _) = script(vec![capabilities_step(EVERYTHING)]);
    let exchange = Exchange {
        source: at(source),
        first_destination: at(first),
        second_destination: at(second),
    };
    let kinds = (ElementKind::Storage, ElementKind::Storage);
    let error = Changer::new(device).exchange_medium(at(0), exchange, kinds);
    assert!(error.unwrap_err().to_string().contains("not sent"));
}

/// The list of SEND VOLUME TAG (Dell TL2000 page 3-74): template 0-31, minimum 34-35, maximum
/// 38-39.
fn template(text: &str, minimum: u16, maximum: u16) -> Vec<u8> {
    let mut list = text.as_bytes().to_vec();
    list.resize(34, 0);
    list.extend(minimum.to_be_bytes());
    list.extend([0, 0]);
    list.extend(maximum.to_be_bytes());
    list
}

/// CDBs: Dell TL2000 page 3-73 (SEND VOLUME TAG), StorageTek SL500 table 6-91 page 219 (REQUEST
/// VOLUME ELEMENT ADDRESS); header of the reply with the action: Dell TL2000 page 3-80.
#[test]
fn cartridges_are_found_by_their_tags() {
    let slots = [[descriptor(0x1003, 0x09), tag("TWD003L8")].concat()];
    let mut found = report(0x1003, 1, &[page(2, 0x80, &slots)]);
    found[4] = 0x05;
    let (device, rest) = script(vec![
        on("b6 00 00 00 00 05 00 00 00 28 00 00").sent(&template("TWD003*", 0, 0)),
        on("b5 10 00 00 ff ff 00 00 40 00 00 00").data(&found),
        on("b6 02 10 00 00 00 00 00 00 28 00 00").sent(&template("?", 3, 7)),
        on("b5 12 10 00 ff ff 00 00 40 00 00 00").data(&report(0, 0, &[])),
        on("b6 04 00 00 00 06 00 00 00 28 00 00").sent(&template("X", 0, 0)),
        on("b5 14 00 00 ff ff 00 00 40 00 00 00").check(fixed(0x05, 0x2c, 0x00)),
    ]);
    let mut changer = Changer::new(device);
    let status = changer.search_tags(&TagSearch::primary("TWD003*")).unwrap();
    assert_eq!(status.elements.len(), 1);
    assert_eq!(status.elements[0].address, at(0x1003));
    let everything = TagSearch {
        tags: SearchedTags::All,
        sequence: Some(3..=7),
        kind: Some(ElementKind::Storage),
        from: at(0x1000),
        ..TagSearch::primary("?")
    };
    assert_eq!(changer.search_tags(&everything).unwrap().elements, []);
    let alternate = TagSearch {
        tags: SearchedTags::Only(TagSide::Alternate),
        kind: Some(ElementKind::DataTransfer),
        ..TagSearch::primary("X")
    };
    assert!(changer.search_tags(&alternate).is_err());
    rest.is_empty();
}

/// Send action codes 8h to Dh: SCSI-2 table 346.
#[test]
fn tags_are_given_and_taken() {
    let new = |text: &str| NewTag {
        identification: text.to_owned(),
        sequence: 2,
    };
    let (device, rest) = script(vec![
        on("b6 00 10 03 00 08 00 00 00 28 00 00").sent(&template("NEW001", 2, 0)),
        on("b6 00 10 03 00 0b 00 00 00 28 00 00").sent(&template("NEW002", 2, 0)),
        on("b6 00 10 03 00 0c 00 00 00 00 00 00"),
        on("b6 00 10 03 00 0d 00 00 00 00 00 00"),
    ]);
    let mut changer = Changer::new(device);
    let slot = at(0x1003);
    let assert_new = TagChange::Assert(new("NEW001"));
    changer
        .change_tag(slot, TagSide::Primary, &assert_new)
        .unwrap();
    let replace = TagChange::Replace(new("NEW002"));
    changer
        .change_tag(slot, TagSide::Alternate, &replace)
        .unwrap();
    for side in [TagSide::Primary, TagSide::Alternate] {
        changer
            .change_tag(slot, side, &TagChange::Undefine)
            .unwrap();
    }
    for (text, why) in [
        ("NEW00*", "wildcards"),
        ("  ", "blank"),
        ("ÄÖ", "ASCII"),
        ("123456789012345678901234567890123", "32"),
    ] {
        let change = TagChange::Replace(new(text));
        let error = changer.change_tag(slot, TagSide::Primary, &change);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("not sent") && error.contains(why), "{error}");
    }
    rest.is_empty();
}

/// INQUIRY data of the Magnum 1x7 as its SCSI reference has it on page 6-6.
#[test]
fn a_model_that_is_known() {
    let (device, rest) = script(vec![library("EXABYTE", "LTO 1x7 2U"), who()]);
    let mut changer = Changer::new(device);
    let quirks = changer.quirks().unwrap();
    assert_eq!(quirks.unload, UnloadBeforeMove::ByHost);
    // Asked once only; another object asks again.
    assert_eq!(changer.quirks().unwrap(), quirks);
    let data = changer.inquiry().unwrap();
    assert_eq!(Quirks::of(&data), Quirks::NONE);
    rest.is_empty();
}

/// The row of the virtual library's model ODDER-20: one extra at a time, counts not believed, few
/// elements at once, ACCESS of no meaning.
#[test]
fn a_row_saves_attempts() {
    let drives = |text: Vec<u8>| report(1, 1, &[page(4, 0x80, &[text])]);
    let empty = report(0, 0, &[]);
    let (device, rest) = script(vec![
        library("TAPEWARD", "ODDER-20"),
        on(ASSIGNMENT).data(&assignment([(0, 0), (0, 0), (0, 0), (1, 3)])),
        on("b8 14 00 01 00 08 00 00 04 00 00 00")
            .data(&drives([descriptor(1, 0x01), tag("TWD001L8")].concat())),
        on("b8 14 00 02 00 08 00 00 04 00 00 00").data(&empty),
        on("b8 04 00 01 00 08 01 00 04 00 00 00").data(&report(
            1,
            1,
            &[page(
                4,
                0,
                &[[descriptor(1, 0x01), identifier("S1")].concat()],
            )],
        )),
        on("b8 04 00 02 00 08 01 00 04 00 00 00").data(&empty),
    ]);
    let mut changer = Changer::new(device);
    let inventory = changer.inventory(&InventoryOptions::default()).unwrap();
    assert_eq!(tags_of(&inventory), [(1, Some("TWD001L8"))]);
    assert!(inventory.elements[0].access);
    assert!(inventory.elements[0].device.is_some());
    assert_eq!(inventory.anomalies, []);
    rest.is_empty();
}

/// Without a row: replies that end early are gone on with from where they ended, and slots that
/// cannot be reached at all can.
#[test]
fn short_replies_and_access_bits() {
    let slot = |address: u16| [descriptor(address, 0x01), tag("TWD001L8")].concat();
    let whole = report(
        1,
        4,
        &[page(2, 0x80, &[slot(1), slot(2), slot(3), slot(4)])],
    );
    let rest_of_it = report(3, 2, &[page(2, 0x80, &[slot(3), slot(4)])]);
    let (device, rest) = script(vec![
        who(),
        on(ASSIGNMENT).data(&assignment([(0, 0), (1, 4), (0, 0), (0, 0)])),
        // Two descriptors and a part of the third.
        on("b8 12 00 01 00 04 00 00 02 80 00 00").data(&whole[..16 + 2 * 48 + 20]),
        on("b8 12 00 03 00 02 00 00 01 c0 00 00").data(&rest_of_it),
    ]);
    let mut changer = Changer::new(device);
    let inventory = changer.inventory(&InventoryOptions::default()).unwrap();
    let tags: Vec<_> = tags_of(&inventory)
        .into_iter()
        .map(|(_, tag)| tag)
        .collect();
    assert_eq!(tags, [Some("TWD001L8"); 4]);
    assert!(inventory.elements.iter().all(|element| element.access));
    let kind = ElementKind::Storage;
    let expected = [Anomaly::ShortReplies { kind }, Anomaly::NoAccess];
    assert_eq!(inventory.anomalies, expected);
    for anomaly in &inventory.anomalies {
        assert!(!anomaly.to_string().is_empty());
    }
    rest.is_empty();
}

/// The row of the virtual library's model AUTOLOADER-8: six characters of a bar code are enough,
/// but not for two.
#[test]
fn parts_of_bar_codes() {
    let slot = |address: u16, text: &str| [descriptor(address, 0x09), tag(text)].concat();
    let slots = [slot(1, "TWD001"), slot(2, "TWD002"), slot(3, "TWD002")];
    let (device, _) = script(vec![
        library("TAPEWARD", "AUTOLOADER-8"),
        on(ASSIGNMENT).data(&assignment([(0, 0), (1, 3), (0, 0), (0, 0)])),
        on("b8 12 00 01 00 03 00 00 02 20 00 00").data(&report(1, 3, &[page(2, 0x80, &slots)])),
    ]);
    let inventory = Changer::new(device)
        .inventory(&InventoryOptions::default())
        .unwrap();
    let address = |label: &str| inventory.with_tag(label).map(|element| element.address);
    assert_eq!(address("TWD001L6"), Some(at(1)));
    assert_eq!(address("TWD001"), Some(at(1)));
    assert_eq!(address("TWD002L6"), None);
    assert_eq!(address("TWD0"), None);
    assert_eq!(address("ÄÄÄÄ"), None);
}
