//! The manifest as files for programs: CSV, a vendor's columns, JSON; and the lists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/lists.rs"]
mod lists;
#[path = "support/manifest.rs"]
mod manifest;
#[path = "support/scan.rs"]
mod scan;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tapeward::print::Paper;
use tapeward::report::list;
use tapeward::report::manifest::profile::Profile;
use tapeward::report::manifest::{
    Audience, ListDigest, Manifest, Ordered, Protection, Return, Revision, csv, csv_by, json,
};

use manifest::{LONG_SYSTEM, manifest};

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn digest(manifest: &Manifest) -> ListDigest {
    ListDigest::of(manifest, &Ordered::of(manifest).unwrap()).unwrap()
}

#[test]
fn the_standard_csv_has_every_line_in_order_and_quotes_what_must_be() {
    let mut manifest = manifest(2);
    manifest.lines[1].remark = "a \"quoted\", divided\nremark".to_owned();
    let digest = digest(&manifest).short();
    let out = text(|out| csv(&manifest, Audience::Outsiders, out).unwrap());
    let rows = [
        "manifest,revision,direction,run_date,customer_number,line,barcode,kind,media_type,case,seals,\
         encrypted,exception,return_date,return,reason,urgent,remark,digest"
            .to_owned(),
        format!(
            "CM-2026-0014,B,OUT,2026-11-30,77-41022,1,ENV-0012,other,sealed envelope,C01,S471101 \
             IH00201 (vendor's),,,,until recalled,ESCROW,no,,{digest}"
        ),
        format!(
            "CM-2026-0014,B,OUT,2026-11-30,77-41022,2,TWA000L8,cartridge,LTO-9 WORM,C01,S471101 \
             IH00201 (vendor's),yes,,,until recalled,MONTHLY,no,,{digest}"
        ),
        format!(
            "CM-2026-0014,B,OUT,2026-11-30,77-41022,3,TWA001L8,cartridge,LTO-8,C01,S471101 IH00201 \
             (vendor's),yes,,2027-11-30,2027-11-30,MONTHLY,no,\"a \"\"quoted\"\", divided\nremark\",{digest}"
        ),
        format!(
            "CM-2026-0014,B,OUT,2026-11-30,77-41022,4,Drive 7 (portable),other,disk cartridge,,,,,,until \
             recalled,ESCROW,no,,{digest}"
        ),
        String::new(),
    ];
    assert_eq!(out, rows.join("\r\n"));
}

#[test]
fn what_is_in_house_is_in_no_file_for_outsiders() {
    let manifest = manifest(50);
    for (audience, there) in [(Audience::Outsiders, false), (Audience::InHouse, true)] {
        let files = [
            text(|out| csv(&manifest, audience, out).unwrap()),
            text(|out| json(&manifest, audience, out).unwrap()),
        ];
        for file in files {
            for secret in [LONG_SYSTEM, "school board", "segments 7 to 8", "grades"] {
                assert_eq!(file.contains(secret), there, "{secret}");
            }
        }
    }
    let mut spying = Profile::in_house().unwrap();
    spying.name = "vault".to_owned();
    let error = csv_by(&spying, &manifest, Audience::Outsiders, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("\"system\""), "{error}");
}

const VENDOR: &str = r#"
name = "iron-hill"
header = false
line-end = "lf"
date = "%d%m%y"
yes = "Y"
no = "N"
[[column]]
title = "record type"
field = "constant"
value = "OUT1"
width = 5
[[column]]
title = "customer"
field = "customer-number"
width = 10
[[column]]
title = "volume"
field = "volume-serial"
width = 8
[[column]]
title = "line"
field = "line"
width = 4
align = "right"
[[column]]
title = "return"
field = "return-date"
width = 7
align = "right"
[[column]]
title = "enc"
field = "encrypted"
width = 2
align = "right"
"#;

#[test]
fn a_vendor_gets_fixed_columns_in_its_form_and_nothing_is_cut_off() {
    let mut manifest = manifest(2);
    let profile = Profile::parse(VENDOR).unwrap();
    let out = text(|out| csv_by(&profile, &manifest, Audience::Outsiders, out).unwrap());
    assert_eq!(
        out,
        "OUT1 77-41022  ENV-00     1         \n\
         OUT1 77-41022  TWA000     2        Y\n\
         OUT1 77-41022  TWA001     3 301127 Y\n\
         OUT1 77-41022  Drive      4         \n"
    );
    manifest.to.customer_number = Some("77-41022-LONG".to_owned());
    let error = csv_by(&profile, &manifest, Audience::Outsiders, &mut Vec::new()).unwrap_err();
    let said = error.to_string();
    for words in [
        "iron-hill",
        "line 1",
        "\"customer\"",
        "\"77-41022-LONG\"",
        "13",
        "10",
    ] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

#[test]
fn json_has_the_list_and_its_digest() {
    let manifest = manifest(300);
    let out = text(|out| json(&manifest, Audience::Outsiders, out).unwrap());
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["number"], "CM-2026-0014");
    assert_eq!(
        (&value["direction"], &value["revision"]),
        (&"OUT".into(), &"B".into())
    );
    assert_eq!(value["replaces"], "A");
    assert_eq!(value["totals"]["cartridges"], 300);
    assert_eq!(value["totals"]["empty_cases"], 1);
    assert_eq!(value["list_digest"], digest(&manifest).to_string());
    assert_eq!(value["imprint"]["checkpoint"]["sequence"], 18_234);
    let lines = value["lines"].as_array().unwrap();
    let ordered = Ordered::of(&manifest).unwrap();
    let printed: Vec<String> = ordered
        .lines()
        .map(|(_, one)| one.line.barcode.to_string())
        .collect();
    let listed: Vec<&str> = lines
        .iter()
        .map(|line| line["barcode"].as_str().unwrap())
        .collect();
    assert_eq!(listed, printed);
    assert_eq!(lines[0]["urgency"], "urgent");
    assert!(lines.iter().all(|line| line.get("in_house").is_none()));
}

/// A change somebody makes to a manifest.
type Change = fn(&mut Manifest);

#[test]
fn the_digest_changes_with_the_list_and_with_nothing_else() {
    let first = manifest(60);
    let same: [(&str, Change); 5] = [
        ("the order of lines", |one| one.lines.reverse()),
        ("the revision", |one| one.revision = one.revision.next()),
        ("who prints", |one| one.imprint.by = "Bert Ozols".to_owned()),
        ("what is in-house", |one| one.lines[3].in_house = None),
        ("replaces", |one| {
            one.replaces = Some(Revision::FIRST.next());
        }),
    ];
    for (what, change) in same {
        let mut changed = manifest(60);
        change(&mut changed);
        assert_eq!(digest(&changed), digest(&first), "{what}");
    }
    let other: [(&str, Change); 8] = [
        ("a line less", |one| drop(one.lines.remove(5))),
        ("another barcode", |one| {
            one.lines[5].barcode = "TWZ999L8".parse().unwrap();
        }),
        ("another case", |one| {
            one.lines[5].case = Some("C02".parse().unwrap());
        }),
        ("not encrypted", |one| {
            one.lines[5].protection = Protection::NotNeeded;
        }),
        ("another return", |one| one.lines[5].returns = Return::Home),
        ("another remark", |one| {
            one.lines[5].remark = "wet".to_owned();
        }),
        ("a seal", |one| {
            one.cases[0].seals[0].number = "S1".to_owned();
        }),
        ("another number", |one| {
            one.number = "CM-2026-0015".parse().unwrap();
        }),
    ];
    for (what, change) in other {
        let mut changed = manifest(60);
        change(&mut changed);
        assert_ne!(digest(&changed), digest(&first), "{what}");
    }
    assert_eq!(digest(&first).short().len(), 12);
}

#[test]
fn lists_are_the_same_on_paper_and_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let expected: BTreeSet<String> = (0..30).map(manifest::barcode).collect();
    for (name, one) in lists::lists(30) {
        let csv = text(|out| list::csv(one.as_ref(), out).unwrap());
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let heads = reader.headers().unwrap().clone();
        let barcode = heads.iter().position(|head| head == "barcode").unwrap();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let listed: Vec<&str> = rows.iter().map(|row| &row[barcode]).collect();
        let set: BTreeSet<String> = listed.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!((listed.len(), &set), (30, &expected), "{name}");
        assert!(heads.iter().all(|head| !head.is_empty()), "{heads:?}");

        let json = text(|out| list::json(one.as_ref(), out).unwrap());
        let json: Value = serde_json::from_str(&json).unwrap();
        let objects = json["rows"].as_array().unwrap();
        assert_eq!(objects.len(), 30);
        for (row, object) in rows.iter().zip(objects) {
            for (head, cell) in heads.iter().zip(row) {
                assert_eq!(object[head], *cell, "{name} {head}");
            }
        }

        for paper in [Paper::A4, Paper::Letter] {
            let file = folder.path().join(format!("{name}-{paper:?}.pdf"));
            fs::write(&file, list::pdf(one.as_ref(), paper).unwrap()).unwrap();
            let Some(()) = scan::assert_legible(&file) else {
                continue;
            };
            let pages = scan::text(&file).unwrap();
            let printed: Vec<&str> = pages
                .iter()
                .flat_map(|page| page.lines())
                .filter(|line| expected.contains(*line))
                .collect();
            assert_eq!(printed, listed, "{name}");
            assert!(
                pages
                    .last()
                    .unwrap()
                    .contains("END OF LIST. Thirty (30) rows")
            );
            if paper == Paper::Letter {
                continue;
            }
            let mut seen = BTreeSet::new();
            for page in scan::pictures(&file, "200", &folder.path().join(name)).unwrap() {
                let codes = scan::codes(&page).unwrap();
                seen.extend(codes.into_iter().filter(|(kind, _)| kind == "CODE-39"));
            }
            let seen: BTreeSet<String> = seen.into_iter().map(|(_, text)| text).collect();
            assert_eq!(seen, expected, "{name}");
        }
    }
}

#[test]
fn lists_say_what_whoever_holds_them_must_know() {
    let folder = tempfile::tempdir().unwrap();
    for (name, one) in lists::lists(20) {
        let says: &[&str] = match name {
            "pick" => &[
                "Batch 1 of 3: 8 cartridges",
                "Batch 3 of 3: 4 cartridges",
                "slot 12",
                "URGENT",
            ],
            "distribution" => &["To safe 1: 7 things", "To library main: 13 things"],
            "call-out" => &[
                "+44 20 7946 0999, day and night",
                "77-41022",
                "Bert Ozols",
                "State of 2026-11-29",
                "Their reference",
            ],
            "recall" => &["URGENT", "server room flooded", "Authorised by", "Spoke to"],
            _ => &[
                "20 things of 120",
                "2026-11-02",
                "Shelf A: 7 things",
                "No shelf: 7 things",
            ],
        };
        let file = folder.path().join(name);
        fs::write(&file, list::pdf(one.as_ref(), Paper::A4).unwrap()).unwrap();
        let Some(pages) = scan::text(&file) else {
            return;
        };
        for words in says {
            assert!(
                pages.concat().contains(words),
                "{name}: {words}\n{}",
                pages.concat()
            );
        }
        if name == "pick" {
            let first = pages[0]
                .lines()
                .find(|line| line.starts_with("TW"))
                .unwrap();
            assert_eq!(first, "TWA011L8", "what is urgent is first");
        }
    }
}
