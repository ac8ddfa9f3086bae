use super::*;
use rstest::rstest;
use tapeward_drivers::spc::designator::{Association, CodeSet, DesignatorType};

fn bay(library: usize, element: u16) -> Bay {
    Bay {
        library: LibraryIndex(library),
        element: ElementAddress(element),
    }
}

fn t10(text: &str) -> DeviceIdentifier {
    DeviceIdentifier {
        code_set: CodeSet::Ascii,
        association: Association::LogicalUnit,
        kind: DesignatorType::T10VendorId,
        bytes: text.as_bytes().to_vec(),
    }
}

fn naa(bytes: [u8; 8]) -> DeviceIdentifier {
    DeviceIdentifier {
        code_set: CodeSet::Binary,
        association: Association::LogicalUnit,
        kind: DesignatorType::Naa,
        bytes: bytes.to_vec(),
    }
}

/// `SERIAL`, `SERIAL b4=256`, `SERIAL config=256`, `SERIAL naa=7`, `SERIAL t10=HP...` without its
/// serial number.
fn drive(text: &str) -> DriveSeen {
    let mut words = text.split(' ');
    let mut seen = DriveSeen {
        serial: words.next().filter(|one| *one != "-").map(str::to_owned),
        ..DriveSeen::default()
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        if key == "t10" {
            let serial = seen.serial.as_deref().unwrap();
            seen.designators.push(t10(&format!("{value:24}{serial}")));
            continue;
        }
        let number = value.parse::<u16>().unwrap();
        match key {
            "b4" => seen.element = Some(ElementAddress(number)),
            "config" => seen.configured = Some(bay(0, number)),
            "naa" => seen.designators.push(naa(u64::from(number).to_be_bytes())),
            other => panic!("no such word: {other}"),
        }
    }
    seen
}

/// `0:256`, `0:256 id=IBM     ULT3580-TD8     00078A`, `0:256 naa=7`, `0:256 disabled`.
fn seen(text: &str) -> BaySeen {
    let (place, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (library, element) = place.split_once(':').unwrap();
    BaySeen {
        bay: bay(library.parse().unwrap(), element.parse().unwrap()),
        device: rest.strip_prefix("id=").map(t10).or_else(|| {
            rest.strip_prefix("naa=")
                .map(|number| naa(number.parse::<u64>().unwrap().to_be_bytes()))
        }),
        disabled: rest == "disabled",
    }
}

/// `drive@library:element by evidence`, then drives and elements left.
fn shown(drives: &[&str], bays: &[&str]) -> Vec<String> {
    let drives: Vec<_> = drives.iter().map(|text| drive(text)).collect();
    let bays: Vec<_> = bays.iter().map(|text| seen(text)).collect();
    let matching = match_drives(&drives, &bays);
    let mut lines = Vec::new();
    for one in &matching.matches {
        lines.push(format!(
            "{}@{}:{} {:?}",
            one.drive.0, one.bay.library.0, one.bay.element, one.evidence
        ));
    }
    let left = matching
        .drives_left
        .iter()
        .map(|one| format!("left {}", one.0));
    lines.extend(left);
    lines
}

#[rstest]
#[case::the_library_names_serial_numbers(
    &["A1234567", "B1234567"],
    &["0:256 id=HP      Ultrium 8-SCSI  B1234567", "0:257 id=HP      Ultrium 8-SCSI  A1234567"],
    &["1@0:256 Identifier", "0@0:257 Identifier"],
)]
#[case::or_bare_serial_numbers(
    &["A1234567", "B1234567"],
    &["0:256 id=B1234567", "0:257 id=A1234567  "],
    &["1@0:256 Identifier", "0@0:257 Identifier"],
)]
#[case::or_world_wide_names(
    &["A naa=11", "B naa=12"],
    &["0:1 naa=12", "0:2 naa=11"],
    &["1@0:1 Identifier", "0@0:2 Identifier"],
)]
#[case::the_longer_serial_number_wins(
    &["0001", "10001"],
    &["0:1 id=V       P               10001", "0:2 id=V       P               0001"],
    &["1@0:1 Identifier", "0@0:2 Identifier"],
)]
#[case::drives_give_their_addresses(
    &["A b4=257", "B b4=256"],
    &["0:256", "0:257"],
    &["1@0:256 DrivePage", "0@0:257 DrivePage"],
)]
#[case::an_address_in_two_libraries_says_nothing(
    &["A b4=256", "B b4=256"],
    &["0:256", "1:256"],
    &["left 0", "left 1"],
)]
#[case::unless_the_other_library_names_its_drive(
    &["A1234567 b4=256", "B1234567 b4=256"],
    &["0:256", "1:256 id=B1234567"],
    &["0@0:256 DrivePage", "1@1:256 Identifier"],
)]
#[case::a_drive_that_is_not_attached_is_not_another_one(
    &["A1234567 b4=256"],
    &["0:256 id=V       P               X9999999"],
    &["left 0"],
)]
#[case::the_configuration_comes_first(
    &["A config=257", "B"],
    &["0:256", "0:257"],
    &["1@0:256 Elimination", "0@0:257 Configured"],
)]
#[case::a_cut_off_identifier(
    &["DRIVE00001", "DRIVX00002", "OTHER"],
    &["0:256 id=TGT     VDRIVE          DRIVX", "0:257 id=TGT     VDRIVE          DRIVE00001", "0:258 id=TGT     VDRIVE          ????"],
    &["1@0:256 IdentifierBeginning", "0@0:257 Identifier", "left 2"],
)]
#[case::a_beginning_that_two_drives_share_says_nothing(
    &["DRIVE00001", "DRIVE00002", "DRIVE00003"],
    &["0:256 id=DRIVE00001", "0:257 id=TGT     VDRIVE          DRIVE", "0:258"],
    &["0@0:256 Identifier", "left 1", "left 2"],
)]
#[case::the_last_one_left(
    &["DRIVE00001", "DRIVE00002"],
    &["0:256 id=TGT     VDRIVE          DRIVE00001", "0:257"],
    &["0@0:256 Identifier", "1@0:257 Elimination"],
)]
#[case::not_if_two_are_left(
    &["A", "B"],
    &["0:256", "0:257"],
    &["left 0", "left 1"],
)]
#[case::nor_for_an_element_out_of_use(
    &["A"],
    &["0:256 disabled"],
    &["left 0"],
)]
#[case::nor_for_one_that_names_another(
    &["AAAAAAAA"],
    &["0:256 id=BBBBBBBB"],
    &["left 0"],
)]
fn drives_are_matched(#[case] drives: &[&str], #[case] bays: &[&str], #[case] expected: &[&str]) {
    assert_eq!(shown(drives, bays), expected);
}

fn conflicts(drives: &[&str], bays: &[&str]) -> Vec<Conflict> {
    let drives: Vec<_> = drives.iter().map(|text| drive(text)).collect();
    let bays: Vec<_> = bays.iter().map(|text| seen(text)).collect();
    let matching = match_drives(&drives, &bays);
    for one in &matching.matches {
        assert_eq!(matching.conflict_of(one.drive), None);
    }
    matching.conflicts
}

#[test]
fn two_drives_with_one_serial_number_are_not_matched() {
    let found = conflicts(
        &["A1234", "A1234", "B1234"],
        &["0:1 id=A1234", "0:2 id=B1234"],
    );
    assert_eq!(
        found,
        [Conflict::SameSerial {
            serial: "A1234".to_owned(),
            drives: vec![DriveIndex(0), DriveIndex(1)],
        }]
    );
}

#[test]
fn drive_and_library_that_disagree_are_not_matched() {
    let found = conflicts(&["A1234 b4=2"], &["0:1 id=A1234", "0:2"]);
    assert_eq!(
        found,
        [Conflict::Contradiction {
            drive: DriveIndex(0),
            claims: vec![
                (bay(0, 1), Evidence::Identifier),
                (bay(0, 2), Evidence::DrivePage)
            ],
        }]
    );
    assert_eq!(
        claims_text(&[(bay(0, 1), Evidence::Identifier)]),
        "1 (identifier of the library)"
    );
}

#[test]
fn a_configuration_that_the_library_contradicts_is_not_followed() {
    let found = conflicts(&["A1234 config=2"], &["0:1 id=A1234", "0:2"]);
    assert!(matches!(
        &found[..],
        [Conflict::Contradiction { drive: DriveIndex(0), claims }] if claims.len() == 2
    ));
}

#[test]
fn two_drives_for_one_element_are_not_matched() {
    let found = conflicts(&["A b4=1", "B b4=1"], &["0:1", "0:2"]);
    assert_eq!(
        found,
        [Conflict::SameElement {
            bay: bay(0, 1),
            drives: vec![DriveIndex(0), DriveIndex(1)],
        }]
    );
}

#[test]
fn a_configured_element_must_be_there() {
    let found = conflicts(&["A config=9"], &["0:1"]);
    assert_eq!(
        found,
        [Conflict::NoSuchElement {
            drive: DriveIndex(0),
            bay: bay(0, 9),
        }]
    );
}

#[rstest]
#[case::by_the_same_kind_of_text(
    "A1234567 config=1 t10=HP",
    "0:1 id=HP                      X7654321",
    true
)]
#[case::by_another_world_wide_name("A1234567 config=1 naa=11", "0:1 naa=12", true)]
#[case::but_not_by_what_is_not_alike("A1234567 config=1 naa=11", "0:1 id=X7654321", false)]
#[case::nor_by_what_has_no_serial_number(
    "A1234567 config=1 t10=HP",
    "0:1 id=HP      Ultrium 8-SCSI",
    false
)]
#[case::nor_by_what_is_cut_off(
    "A1234567 config=1 t10=HP",
    "0:1 id=HP                      A123",
    false
)]
#[case::nor_by_another_product_with_its_serial_number(
    "A1234567 config=1 t10=HP",
    "0:1 id=HPE     Ultrium 8-SCSI  A1234567",
    false
)]
fn a_configured_element_has_another_drive(
    #[case] of_drive: &str,
    #[case] of_bay: &str,
    #[case] other: bool,
) {
    let found = conflicts(&[of_drive], &[of_bay]);
    let named = seen(of_bay).device.unwrap();
    let expected = Conflict::OtherDrive {
        drive: DriveIndex(0),
        bay: bay(0, 1),
        named,
    };
    assert_eq!(found, if other { vec![expected] } else { Vec::new() });
}
