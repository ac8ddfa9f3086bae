//! The month: shown, waived, closed, with the virtual library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use chrono::{Months, Utc};
use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest, Sha256};
use world::World;

const ONSITE: &str = "TWV001L8";
const OFFSITE: &str = "TWV002L8";

/// A set that was not written yet.
fn defined(configuration: &str) -> World {
    let world = World::with_library("64MiB");
    world.configure(configuration);
    let source = world.path("source");
    seeded::make_tree(&source, 12, 1 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world
}

/// This month by the record.
fn this(world: &World) -> String {
    world.json(["month"])["month"].as_str().unwrap().to_owned()
}

fn the_one_before() -> String {
    let before = Utc::now().checked_sub_months(Months::new(1)).unwrap();
    before.format("%Y-%m").to_string()
}

/// The gaps that `month close` says, a line each.
#[track_caller]
fn refused(world: &World, month: &str) -> Vec<String> {
    let (out, err) = world.exits(20, ["month", "close", month]);
    assert!(err.contains("cannot be closed"), "{err}");
    let gaps: Vec<String> = out.lines().map(str::to_owned).collect();
    let shown = world.json(["month", "show", month]);
    let listed: Vec<_> = shown["gaps"].as_array().unwrap().iter().collect();
    assert_eq!(
        gaps,
        listed
            .iter()
            .map(|gap| gap.as_str().unwrap())
            .collect::<Vec<_>>()
    );
    assert!(err.contains(&format!("{} gap", gaps.len())), "{err}");
    gaps
}

fn entries(world: &World, kind: &str) -> Value {
    world.json(["journal", "list", "--kind", kind, "--all"])
}

#[test]
fn a_month_is_closed_when_every_copy_was_read_back_and_seen() {
    let world = defined("[monthly]\neject = false\n");
    let month = this(&world);
    let shown = world.json(["month"]);
    assert_eq!(shown["lines"][0]["standing"], "due", "{shown}");
    assert_eq!(refused(&world, &month), ["data: it is not on tape yet"]);
    world.ok(["job", "run"]);
    let shown = world.json(["month", &month]);
    let line = &shown["lines"][0];
    assert_eq!(
        (&line["standing"], &line["made_up"]),
        (&"done".into(), &false.into())
    );
    for (copy, barcode) in [(0, ONSITE), (1, OFFSITE)] {
        let copy = &line["copies"][copy];
        assert_eq!(copy["state"], "verified");
        let cartridge = &copy["cartridges"][0];
        assert_eq!(cartridge["barcode"], barcode);
        assert!(
            cartridge["place"].as_str().unwrap().starts_with("slot"),
            "{shown}"
        );
        assert!(cartridge["seen_at"].is_string() && cartridge["seen_by"] == "robot");
    }
    let text = world.ok(["month"]);
    assert!(text.contains("nothing is lacking"), "{text}");
    let out = world.ok(["month", "close", &month]);
    assert!(
        out.contains("is closed: 1 set, 0 waived, 0 made up"),
        "{out}"
    );
    // For good, and on record with what was seen.
    let (_, err) = world.exits(2, ["month", "close", &month]);
    assert!(err.contains("was closed by"), "{err}");
    let waive = [
        "month", "waive", "data", "--month", &month, "--by", "Ann", "--reason", "x",
    ];
    world.exits(2, waive);
    let told = entries(&world, "month_closed");
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    let details = &told[0]["details"];
    assert_eq!(
        (&details["sets"], &details["copies"]),
        (&1.into(), &2.into())
    );
    let record = Connection::open(world.state().join("catalogue.db")).unwrap();
    let lines: String = record
        .query_row("SELECT lines FROM month_closed", [], |row| row.get(0))
        .unwrap();
    let digest = Sha256::digest(&lines);
    let told = details["sha256"].as_str().unwrap();
    assert_eq!(told.len(), 64);
    for (byte, digits) in digest.iter().zip(told.as_bytes().chunks(2)) {
        assert_eq!(format!("{byte:02x}").as_bytes(), digits);
    }
    let listed = world.json(["month", "list"]);
    assert_eq!(listed[0]["lines"], shown["lines"]);
    record.execute("DELETE FROM month_closed", []).unwrap_err();
    assert!(world.ok(["month", "list"]).contains(&month));
    assert!(world.ok(["month"]).contains("was closed by"));
}

#[test]
fn a_cartridge_that_nobody_has_seen_in_its_place_keeps_the_month_open() {
    let world = defined("[pool.onsite]\nplace = \"library\"\n");
    let month = this(&world);
    let (_, err) = world.exits(0, ["job", "run"]);
    assert!(!err.contains("error"), "{err}");
    // Ejected to the mail slots: still in the library, and seen there.
    world.ok(["library", "inventory"]);
    let shown = world.json(["month"]);
    assert_eq!(shown["gaps"].as_array().unwrap().len(), 0, "{shown}");
    world.empty_mail_slots();
    world.ok(["library", "inventory"]);
    let gaps = refused(&world, &month);
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0].starts_with(&format!(
        "data: copy 1 (pool onsite) is on {ONSITE}, which belongs in library and is: outside, last seen"
    )), "{gaps:?}");
    assert!(
        gaps[1].contains(&format!(
            "{OFFSITE}, which is not where media are kept: outside"
        )),
        "{gaps:?}"
    );
    world.return_cartridges();
    world.ok(["library", "inventory"]);
    // Out of use is no copy, wherever it is.
    world.ok(["health", "quarantine", OFFSITE, "--reason", "dropped"]);
    let gaps = refused(&world, &month);
    assert!(
        gaps.len() == 1 && gaps[0].contains("out of use"),
        "{gaps:?}"
    );
    world.ok(["health", "release", OFFSITE]);
    world.ok(["month", "close", &month]);
}

#[test]
fn a_copy_that_was_not_read_back_is_a_gap_until_it_is() {
    let world = defined("[monthly]\neject = false\nverify = false\n");
    let month = this(&world);
    world.ok(["job", "run"]);
    let gaps = refused(&world, &month);
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(
        gaps.iter().all(|gap| gap.contains("was not read back")),
        "{gaps:?}"
    );
    world.ok(["verify", "data", "--copy", "1"]);
    assert_eq!(refused(&world, &month).len(), 1);
    world.ok(["verify", "data"]);
    world.ok(["month", "close", &month]);
}

#[test]
fn a_full_of_last_month_that_is_made_now_says_so() {
    let world = defined("[monthly]\neject = false\n");
    let before = the_one_before();
    let out = world.ok(["month", &before]);
    assert!(out.contains("No full is expected"), "{out}");
    world.exits(2, ["month", "close", &before]);
    world.ok(["job", "run", "--month", &before]);
    let shown = world.json(["month", &before]);
    assert_eq!(shown["lines"][0]["made_up"], true, "{shown}");
    assert_eq!(shown["over"], true);
    let out = world.ok(["month", &before]);
    assert!(out.contains("data was made up later, on "), "{out}");
    let out = world.ok(["month", "close", &before]);
    assert!(out.contains("1 made up later"), "{out}");
    assert_eq!(entries(&world, "month_closed")[0]["details"]["made_up"], 1);
    // This month is another matter.
    assert_eq!(
        refused(&world, &this(&world)),
        ["data: it is not on tape yet"]
    );
}

#[test]
fn a_waiver_has_a_name_and_a_reason_and_is_on_record() {
    let world = defined("[monthly]\neject = false\n");
    let month = this(&world);
    let more = world.path("more");
    seeded::make_tree(&more, 5, 1 << 16);
    world.ok(["set", "define", "old", more.to_str().unwrap()]);
    world.ok(["job", "run", "--set", "data"]);
    assert_eq!(refused(&world, &month), ["old: it is not on tape yet"]);
    let waive = |set: &str, month: &str, by: &str, reason: &str| {
        let all = [
            "month", "waive", set, "--month", month, "--by", by, "--reason", reason,
        ];
        world.run(all)
    };
    for (set, when, by, reason, says) in [
        (
            "nothing",
            month.as_str(),
            "Ann",
            "x",
            "no full of \"nothing\" is expected",
        ),
        ("old", month.as_str(), " ", "x", "--by"),
        ("old", month.as_str(), "Ann", "", "--reason"),
        ("data", month.as_str(), "Ann", "x", "nothing to waive"),
        ("old", "2999-01", "Ann", "x", "has not begun"),
        ("old", "2026-13", "Ann", "x", "a month (YYYY-MM)"),
    ] {
        let output = waive(set, when, by, reason);
        let (_, err) = world::texts(&output);
        assert_eq!(output.status.code(), Some(2), "{set} {when}: {err}");
        assert!(err.contains(says), "{err}");
    }
    assert!(
        entries(&world, "month_waived")
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(
        waive("old", &month, "Ann Lee", "server was replaced")
            .status
            .success()
    );
    let (_, err) = world::texts(&waive("old", &month, "Ann Lee", "again"));
    assert!(err.contains("was waived for"), "{err}");
    let told = entries(&world, "month_waived");
    assert_eq!(told[0]["details"]["waived_by"], "Ann Lee");
    assert_eq!(told[0]["details"]["reason"], "server was replaced");
    assert!(told[0]["subjects"]["definition"].is_string());
    let shown = world.json(["month"]);
    assert_eq!(shown["lines"][1]["standing"], "waived", "{shown}");
    let out = world.ok(["month", "close", &month]);
    assert!(out.contains("2 sets, 1 waived"), "{out}");
}

/// Only what was seen in the very place counts.
#[test]
fn a_copy_that_belongs_in_a_safe_is_in_its_place_when_somebody_has_put_it_there() {
    let world = defined(
        "[monthly]\neject = false\n[site.HQ]\nname = \"Town hall\"\n\
         [place.SAFE1]\nkind = \"safe\"\n[place.SAFE2]\nkind = \"safe\"\n\
         [pool.offsite]\nplace = \"SAFE1\"\n",
    );
    let month = this(&world);
    world.ok(["job", "run"]);
    let gaps = refused(&world, &month);
    let belongs = format!("{OFFSITE}, which belongs in SAFE1 and is: slot");
    assert!(gaps.len() == 1 && gaps[0].contains(&belongs), "{gaps:?}");
    world.ok(["library", "eject", OFFSITE]);
    world.empty_mail_slots();
    world.ok(["library", "inventory"]);
    world.ok(["media", "check-in", OFFSITE, "--place", "SAFE2"]);
    let gaps = refused(&world, &month);
    assert!(
        gaps[0].contains("belongs in SAFE1 and is: safe SAFE2"),
        "{gaps:?}"
    );
    world.ok(["media", "check-out", OFFSITE, "--to", "SAFE1"]);
    let shown = world.json(["month"]);
    let cartridge = &shown["lines"][0]["copies"][1]["cartridges"][0];
    assert_eq!(cartridge["place"], "safe SAFE1", "{shown}");
    assert_eq!(cartridge["in_place"], true, "{shown}");
    world.ok(["month", "close", &month]);
    // And the story of it has all of that.
    let told = world.json(["media", "history", OFFSITE]);
    let placed = told.as_array().unwrap().iter();
    let placed = placed.filter(|entry| entry["details"].to_string().contains("SAFE"));
    assert!(placed.count() >= 2, "{told}");
}
