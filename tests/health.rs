//! What the real path records at each dismount, and what follows from it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use serde_json::Value;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::World;

/// A world with a small set in one copy; nothing has run.
fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure("[monthly]\ncopies = [\"onsite\"]\neject = false\n");
    seeded::make_tree(&world.path("source"), 9, 1 << 20);
    let source = world.path("source");
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world
}

fn plan(world: &World, at: Place, fault: Fault) {
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.state().join("virtual")).unwrap();
    let faults = vec![PlannedFault { at, fault }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
}

#[track_caller]
fn row<'a>(report: &'a Value, kind: &str, name: &str) -> &'a Value {
    let rows = report[kind].as_array().unwrap();
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[test]
fn each_dismount_is_recorded_in_catalogue_and_journal() {
    let world = prepared();
    assert_eq!(world.json(["health"])["drives"], serde_json::json!([]));
    world.ok(["job", "run"]);
    let report = world.json(["health"]);
    assert_eq!(
        report["cartridges"].as_array().unwrap().len(),
        1,
        "{report}"
    );
    let cartridge = &report["cartridges"][0];
    assert_eq!(cartridge["failed"], 0);
    assert!(cartridge["mounts"].as_u64().unwrap() >= 1, "{cartridge}");
    assert_eq!(report["drives"][0]["mounts"], cartridge["mounts"]);
    let text = world.ok(["health"]);
    assert!(text.contains(cartridge["name"].as_str().unwrap()), "{text}");
}

#[test]
fn a_write_error_counts_against_the_mount_it_happened_in() {
    let world = prepared();
    plan(&world, Place::Write(6), Fault::MediumError);
    // Whether the run goes on with another cartridge is not what this is about.
    world.run(["job", "run"]);
    let report = world.json(["health"]);
    let failed: u64 = report["cartridges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["failed"].as_u64().unwrap())
        .sum();
    assert_eq!(failed, 1, "{report}");
    let drives = report["drives"].as_array().unwrap();
    assert!(drives.iter().any(|drive| drive["failed"] == 1), "{report}");
}

/// The simulated drive raises flag 04h with it, which the standard calls critical: the cartridge is
/// taken out of use in the same transaction, the drive is not.
#[test]
fn what_the_drive_calls_critical_takes_the_cartridge_out_of_use_at_once() {
    let world = prepared();
    plan(&world, Place::Write(6), Fault::MediumError);
    let output = world.run(["job", "run"]);
    let report = world.json(["health"]);
    let bad: Vec<&Value> = report["cartridges"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["state"] == "quarantined")
        .collect();
    let [bad] = bad.as_slice() else {
        panic!("{report:#}");
    };
    let name = bad["name"].as_str().unwrap();
    let codes = bad["reasons"].as_array().unwrap().iter();
    let codes: Vec<&Value> = codes.map(|reason| &reason["code"]).collect();
    assert!(codes.contains(&&Value::from("critical-alert")), "{bad}");
    let (_, said) = world::texts(&output);
    assert!(
        said.contains(&format!("{name} is out of use: TapeAlert 04h Media")),
        "{said}"
    );
    for drive in report["drives"].as_array().unwrap() {
        assert_ne!(drive["state"], "quarantined", "{report:#}");
    }
}

/// A request for cleaning is no fault.
#[test]
fn a_request_for_cleaning_is_held_against_nobody() {
    let world = prepared();
    plan(&world, Place::Write(6), Fault::NeedsCleaning);
    world.run(["job", "run"]);
    let report = world.json(["health"]);
    for row in ["drives", "cartridges"].map(|kind| report[kind].as_array().unwrap()) {
        for one in row {
            assert_eq!(one["failed"], 0, "{report:#}");
            assert_ne!(one["state"], "suspect", "{report:#}");
        }
    }
}

#[test]
fn a_quarantined_cartridge_is_not_written_and_a_quarantined_drive_not_used() {
    let world = prepared();
    world.ok(["job", "run"]);
    let report = world.json(["health"]);
    let first = report["cartridges"][0]["name"].as_str().unwrap().to_owned();
    let drive = report["drives"][0]["name"].as_str().unwrap().to_owned();
    let before = report["drives"][0]["mounts"].clone();
    // With one copy of everything there is no good one any more.
    let quarantine = ["health", "quarantine", &first, "--reason", "dropped"];
    let (_, err) = world.exits(20, quarantine);
    assert!(err.contains("LAST GOOD COPY"), "{err}");
    world.ok(["health", "quarantine", &drive]);
    let (_, err) = world.exits(2, ["health", "quarantine", &first]);
    assert!(err.contains("out of use already"), "{err}");
    world.ok(["job", "run", "--month", "2031-01"]);
    let report = world.json(["health"]);
    assert_eq!(row(&report, "cartridges", &first)["state"], "quarantined");
    assert_eq!(row(&report, "drives", &drive)["mounts"], before);
    let others = report["cartridges"].as_array().unwrap();
    assert!(others.len() > 1, "{report}");
    // What is on it can still be read.
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    world.ok(["health", "release", &first]);
    let report = world.json(["health"]);
    assert_eq!(row(&report, "cartridges", &first)["state"], "unproven");
    let (_, err) = world.exits(2, ["health", "release", "NOBODY"]);
    assert!(err.contains("NOBODY"), "{err}");
}

#[test]
fn with_every_drive_out_of_use_a_person_must_act() {
    let world = prepared();
    world.ok(["job", "run"]);
    let drives = world.json(["drive", "status"]);
    for drive in drives.as_array().unwrap() {
        let serial = drive["serial"].as_str().unwrap();
        world.ok(["health", "quarantine", serial]);
    }
    let (_, err) = world.exits(20, ["job", "run", "--month", "2031-01"]);
    assert!(err.contains("out of use for its health"), "{err}");
}
