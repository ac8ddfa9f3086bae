//! Cartridges that must not be written on, or are not what their barcode says: refused with
//! both named, and nothing on them or elsewhere is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;

use dump::{Dump, all_bytes};
use rstest::rstest;
use world::World;

/// A header of another program's labelled tape, as ISO 1001 has it: VOL1, and HDR1 with this
/// expiration date (columns 48-53: century as a blank or a digit, year, day of the year).
fn labelled(expires: &str) -> Vec<Vec<u8>> {
    let pad = |text: &str| format!("{text:<79}3").into_bytes();
    let volume = pad("VOL1ABC123                            SOMEBODY ELSE");
    let file = format!(
        "HDR1{:<17}{:<6}00010001000100 26001{expires} 000000OTHER",
        "PAYROLL", "ABC123"
    );
    vec![
        volume,
        pad(&file),
        Vec::new(),
        b"wages".repeat(100),
        Vec::new(),
    ]
}

fn tar() -> Vec<Vec<u8>> {
    let mut block = vec![0; 10_240];
    block[..5].copy_from_slice(b"notes");
    block[257..263].copy_from_slice(b"ustar\0");
    vec![block]
}

fn garbage() -> Vec<Vec<u8>> {
    vec![seeded::Seeded::new(9).bytes(4096), b"more of it".to_vec()]
}

/// The raw bytes on a cartridge.
fn bytes(world: &World, barcode: &str) -> Vec<u8> {
    all_bytes(&Dump::take(world, barcode).folder)
}

#[rstest]
#[case("a tar archive", tar())]
#[case("somebody else", labelled("026010"))]
#[case("unknown data", garbage())]
#[case("a filemark", vec![Vec::new(), b"behind a filemark".to_vec()])]
fn data_of_others_stays_unless_somebody_says_so(#[case] kind: &str, #[case] blocks: Vec<Vec<u8>>) {
    let world = World::with_library("64MiB");
    world.write_foreign("TWV001L8", &blocks);
    let before = bytes(&world, "TWV001L8");

    // The job names it and takes other cartridges.
    world.define_data(5, 1 << 18);
    let refusal = world.stops(3, ["job", "run"]);
    assert!(
        refusal.before.contains("problem: TWV001L8: ") && refusal.before.contains(kind),
        "{refusal:#?}"
    );
    refusal.says(&["1 cartridge was refused"]);
    assert!(
        refusal.out.contains("TWV002L8") && refusal.out.contains("TWV003L8"),
        "{refusal:#?}"
    );
    world.return_cartridges();
    world.both_copies_restore();

    let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
    let refusal = world.refuses(1, label);
    refusal.says(&[
        "TWV001L8",
        kind,
        "nothing was written",
        "--overwrite-foreign",
    ]);
    assert!(bytes(&world, "TWV001L8") == before, "it was written to");

    world.ok([&label[..], &["--overwrite-foreign"]].concat());
    assert_ne!(bytes(&world, "TWV001L8"), before);
    let shown = world.ok(["media", "show", "TWV001L8"]);
    assert!(shown.contains("pool onsite"), "{shown}");
}

#[test]
fn a_label_of_others_whose_date_has_not_come_is_never_overwritten() {
    let world = World::with_library("64MiB");
    // Day 10 of 2099.
    world.write_foreign("TWV001L8", &labelled(" 99010"));
    world.write_foreign("TWV002L8", &labelled("099010"));
    let before = bytes(&world, "TWV002L8");
    let label = [
        "media",
        "label",
        "TWV002L8",
        "--pool",
        "onsite",
        "--overwrite-foreign",
    ];
    let refusal = world.refuses(1, label);
    refusal.says(&["TWV002L8", "ABC123", "2099-01-10", "nothing was written"]);
    assert!(bytes(&world, "TWV002L8") == before, "it was written to");
    // A blank before the year means the twentieth century.
    world.ok([
        "media",
        "label",
        "TWV001L8",
        "--pool",
        "onsite",
        "--overwrite-foreign",
    ]);
}

#[test]
fn a_volume_is_kept_while_its_retention_runs() {
    let world = World::with_set_on_tape();
    let before = bytes(&world, "TWV001L8");
    for more in [&[][..], &["--overwrite-foreign"]] {
        let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
        let refusal = world.refuses(1, [&label[..], more].concat());
        refusal.says(&["TWV001L8", "must be kept until 20", "nothing was written"]);
    }
    // Of several cartridges none is labelled when one may not be.
    let both = ["media", "label", "TWV005L8", "TWV001L8", "--pool", "onsite"];
    world.refuses(1, both).says(&["TWV001L8"]);
    let shown = world.json(["media", "show", "TWV005L8"]);
    assert!(shown["volume"].is_null(), "{shown}");
    assert!(bytes(&world, "TWV001L8") == before, "it was written to");
    world.both_copies_restore();
}

/// Another site's cartridge, or one that this record has forgotten.
#[test]
fn a_volume_that_the_record_does_not_know_is_never_overwritten() {
    let world = World::with_set_on_tape();
    world.exchange("TWV001L8", "TWV009L8");
    let before = bytes(&world, "TWV009L8");
    for more in [&[][..], &["--overwrite-foreign"]] {
        let label = ["media", "label", "TWV009L8", "--pool", "onsite"];
        let refusal = world.refuses(1, [&label[..], more].concat());
        refusal.says(&["TWV009L8", "TWV001L8", "nothing was written"]);
        let hint = refusal.hint.clone().unwrap_or_default();
        assert!(
            !hint.contains("--overwrite-foreign"),
            "it would not help: {hint}"
        );
    }
    assert!(bytes(&world, "TWV009L8") == before, "it was written to");
    world.exchange("TWV001L8", "TWV009L8");
    world.both_copies_restore();
}

/// Another site's tape under a barcode of ours: its own labels say how long it must be kept.
#[test]
fn a_volume_of_another_record_is_kept_as_its_labels_say() {
    let other = World::with_set_on_tape();
    let world = World::with_library("64MiB");
    world.take_tape(&other, "TWV001L8", "TWV009L8");
    let before = bytes(&world, "TWV009L8");
    for more in [&[][..], &["--overwrite-foreign"]] {
        let label = ["media", "label", "TWV009L8", "--pool", "onsite"];
        let refusal = world.refuses(1, [&label[..], more].concat());
        refusal.says(&["TWV009L8", "barcode TWV001L8", "nothing was written"]);
        assert_eq!(
            more.is_empty(),
            !refusal.line.contains("must be kept until")
        );
    }
    assert!(bytes(&world, "TWV009L8") == before, "it was written to");
}

/// Even when its header cannot be read any more, as long as the record knows its serial.
#[test]
fn a_damaged_header_does_not_make_a_volume_free() {
    let world = World::with_set_on_tape();
    // VOL1 of TWV001L8 as it is, then something else than volume.json.
    let label = Dump::take(&world, "TWV001L8").bytes(0)[..80].to_vec();
    world.write_foreign("TWV009L8", &[label, b"no header".to_vec()]);
    let before = bytes(&world, "TWV009L8");
    let overwrite = [
        "media",
        "label",
        "TWV009L8",
        "--pool",
        "onsite",
        "--overwrite-foreign",
    ];
    let refusal = world.refuses(1, overwrite);
    refusal.says(&["TWV009L8", "TWV001", "until", "nothing was written"]);
    assert!(bytes(&world, "TWV009L8") == before, "it was written to");
}

#[test]
fn what_was_ejected_for_the_courier_gets_no_more() {
    let world = World::with_library("64MiB");
    world.define_data(67, 1 << 20);
    world.ok(["job", "run"]);
    // Nobody has emptied the mail slots since.
    let before = bytes(&world, "TWV001L8");
    let report = world.ok(["job", "run"]);
    assert!(report.contains("TWV003L8"), "{report}");
    assert!(report.contains("TWV004L8"), "{report}");
    assert_eq!(bytes(&world, "TWV001L8"), before);
    world.both_copies_restore();
}

#[test]
fn exchanged_cartridges_are_refused_with_both_named() {
    let world = World::with_set_on_tape();
    world.exchange("TWV001L8", "TWV002L8");
    let before = (bytes(&world, "TWV001L8"), bytes(&world, "TWV002L8"));

    // Reading.
    let back = world.path("back");
    let to = back.to_str().unwrap();
    let refusal = world.refuses(1, ["restore", "data", "--copy", "1", "--to", to]);
    refusal.says(&["cannot read TWV001L8", "barcode TWV002L8"]);
    assert_eq!(fs::read_dir(&back).unwrap().count(), 0);
    let refusal = world.stops(1, ["verify", "data", "--copy", "2"]);
    let all = format!("{}{}", refusal.before, refusal.line);
    assert!(
        all.contains("TWV002L8") && all.contains("barcode TWV001L8"),
        "{refusal:#?}"
    );

    // Appending.
    let refusal = world.stops(3, ["job", "run"]);
    for (outside, inside) in [("TWV001L8", "TWV002L8"), ("TWV002L8", "TWV001L8")] {
        let words = format!("barcode {inside}");
        let named = refusal.before.lines().any(|line| {
            line.starts_with(&format!("problem: {outside}: ")) && line.contains(&words)
        });
        assert!(named, "{outside} {inside} {refusal:#?}");
    }
    refusal.says(&["2 cartridges were refused"]);
    world.return_cartridges();
    assert!(
        before == (bytes(&world, "TWV001L8"), bytes(&world, "TWV002L8")),
        "written to"
    );
    world.both_copies_restore();

    // The set that was there before is there when the mistake is undone.
    world.exchange("TWV001L8", "TWV002L8");
    let sets = world.json(["set", "show", "data"]);
    for set in sets["sets"].as_array().unwrap() {
        let _ = fs::remove_dir_all(&back);
        world.ok(["restore", set["id"].as_str().unwrap(), "--to", to]);
        world::same_trees(&world.path("source"), &back);
    }
}

#[test]
fn a_label_goes_onto_no_cartridge_but_its_own() {
    let world = World::with_library("64MiB");
    world.ok(["media", "label", "TWV001L8", "TWV002L8", "--pool", "onsite"]);
    world.exchange("TWV001L8", "TWV002L8");
    for more in [&[][..], &["--overwrite-foreign"]] {
        let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
        let refusal = world.refuses(1, [&label[..], more].concat());
        refusal.says(&["TWV001L8", "barcode TWV002L8", "nothing was written"]);
    }
    world.exchange("TWV001L8", "TWV002L8");
    world.ok(["media", "label", "TWV001L8", "--pool", "offsite"]);
}

#[test]
fn a_write_protected_cartridge_is_named_and_passed_over() {
    let world = World::with_set_on_tape();
    world.set_write_protection("TWV001L8", true);
    world.set_write_protection("TWV003L8", true);
    let label = ["media", "label", "TWV003L8", "--pool", "onsite"];
    let refusal = world.refuses(1, label);
    refusal.says(&["TWV003L8", "write-protected"]);

    let refusal = world.stops(3, ["job", "run"]);
    for barcode in ["TWV001L8", "TWV003L8"] {
        let start = format!("problem: {barcode}: ");
        let named = refusal
            .before
            .lines()
            .any(|line| line.starts_with(&start) && line.contains("write-protected"));
        assert!(named, "{barcode} {refusal:#?}");
    }
    assert!(refusal.out.contains("TWV004L8"), "{refusal:#?}");
    world.return_cartridges();
    world.both_copies_restore();

    // It is not quarantined: with the tab moved back it is appended to again.
    world.set_write_protection("TWV001L8", false);
    let out = world.ok(["job", "run"]);
    assert!(out.contains("TWV001L8"), "{out}");
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn what_can_be_written_once_is_labelled_once_and_appended_to() {
    let world = World::with_library("64MiB");
    world.configure("[monthly]\ncopies = [\"archive\"]\n");
    world.ok([
        "sim",
        "insert",
        "WRM001LY",
        "--new",
        "--cartridge-size",
        "64MiB",
    ]);
    world.return_cartridges();
    world.ok(["media", "add", "--from-library"]);
    let label = ["media", "label", "WRM001LY", "--pool", "archive"];
    world.ok(label);
    let before = bytes(&world, "WRM001LY");
    for more in [&[][..], &["--overwrite-foreign"]] {
        let refusal = world.refuses(1, [&label[..], more].concat());
        refusal.says(&["WRM001LY", "written only once"]);
    }
    assert!(bytes(&world, "WRM001LY") == before, "it was written to");

    let source = world.define_data(7, 1 << 18);
    for file in ["first", "second"] {
        fs::write(source.join(file), file).unwrap();
        let out = world.ok(["job", "run"]);
        assert!(out.contains("WRM001LY"), "{out}");
        world.return_cartridges();
    }
    let sets = world.json(["set", "show", "data"]);
    let ids: Vec<&str> = sets["sets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| set["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    for id in ids {
        let to = world.path(id);
        world.ok(["restore", id, "--to", to.to_str().unwrap()]);
        assert_eq!(fs::read(to.join("first")).unwrap(), b"first");
    }
}
