use super::*;
use std::path::Path;

fn section(drives: &[(&str, u16)]) -> Section {
    Section {
        changer: "ROBOT1".to_owned(),
        drives: drives
            .iter()
            .map(|(serial, element)| {
                (
                    (*serial).to_owned(),
                    ElementAddress(*element),
                    Evidence::Identifier,
                )
            })
            .collect(),
        path: None,
    }
}

fn parsed(text: &str, name: &str) -> LibraryConfig {
    let config = Config::parse(text, Path::new("config.toml")).unwrap();
    config.library(Some(name)).unwrap().1.clone()
}

#[test]
fn a_section_is_added_and_everything_else_stays() {
    let before = "# Our tape room\n[monthly]\nverify = false # for now\n";
    let wanted = section(&[("D1", 256), ("D2", 257)]);
    let text = put(before, "main", &wanted, HandMade::Keep)
        .unwrap()
        .unwrap();
    assert!(text.starts_with(before), "{text}");
    assert!(
        text.contains("element = 256 # identifier of the library"),
        "{text}"
    );
    assert_eq!(parsed(&text, "main"), wanted.config());
    // Found again, there is nothing to do.
    assert_eq!(put(&text, "main", &wanted, HandMade::Keep).unwrap(), None);
}

#[test]
fn an_own_section_is_renewed() {
    let first = section(&[("D1", 256)]);
    let text = put("", "main", &first, HandMade::Keep).unwrap().unwrap();
    let text = format!("{text}\n# below\n[monthly]\neject = false\n");
    let second = section(&[("D1", 257), ("D2", 256)]);
    let text = put(&text, "main", &second, HandMade::Keep)
        .unwrap()
        .unwrap();
    assert_eq!(parsed(&text, "main"), second.config());
    assert!(text.contains("# below\n[monthly]"), "{text}");
    assert_eq!(text.matches("Written by").count(), 1, "{text}");
}

#[test]
fn a_hand_made_section_is_replaced_only_when_told_to() {
    let before = "[library.main]\nkind = \"scsi\"\nchanger = { serial = \"ROBOT1\" }\n\
                  drive = [{ serial = \"D9\", element = 256 }]\n";
    let wanted = section(&[("D1", 256)]);
    let error = put(before, "main", &wanted, HandMade::Keep)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(
            "configured is drive serial D9 in element 256; found was drive serial D1 in element 256"
        ),
        "{error}"
    );
    let text = put(before, "main", &wanted, HandMade::Replace)
        .unwrap()
        .unwrap();
    assert_eq!(parsed(&text, "main"), wanted.config());
    // The same found as somebody has written is no reason to touch the file.
    let same = section(&[("D9", 256)]);
    assert_eq!(put(before, "main", &same, HandMade::Keep).unwrap(), None);
}

#[test]
fn an_own_section_changed_by_hand_is_a_hand_made_one() {
    let first = section(&[("D1", 256)]);
    let text = put("", "main", &first, HandMade::Keep).unwrap().unwrap();
    let changed = text.replace("element = 256", "element = 300");
    assert!(put(&changed, "main", &first, HandMade::Keep).is_err());
}

#[test]
fn an_own_section_of_another_changer_is_not_renewed() {
    let first = section(&[("D1", 256)]);
    let text = put("", "main", &first, HandMade::Keep).unwrap().unwrap();
    let other = Section {
        changer: "ROBOT2".to_owned(),
        ..section(&[("D7", 256)])
    };
    assert!(put(&text, "main", &other, HandMade::Keep).is_err());
    let config = Config::parse(&text, Path::new("config.toml")).unwrap();
    assert_eq!(name_of(&config, &first).as_deref(), Some("main"));
    assert_eq!(name_of(&config, &other), None);
}

#[test]
fn another_library_is_left_alone() {
    let before = "[library.old]\nkind = \"virtual\"\npath = \"lib\"\n";
    let wanted = section(&[("D1", 256)]);
    let text = put(before, "new", &wanted, HandMade::Keep)
        .unwrap()
        .unwrap();
    assert_eq!(parsed(&text, "new"), wanted.config());
    assert!(matches!(
        parsed(&text, "old"),
        LibraryConfig::Virtual { .. }
    ));
}
