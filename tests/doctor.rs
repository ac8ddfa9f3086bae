//! The acceptance test on the embedded virtual library.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::World;

/// A world with a virtual library whose cartridges are registered and blank.
fn prepared() -> World {
    World::with_library("64MiB")
}

fn examine(world: &World) -> Value {
    world.json(["doctor", "--scratch", "TWV003L8", "--yes"])
}

/// Subject, check, outcome of each finding.
fn findings(certificate: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    certificate["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let subject = text(&one["subject"]);
            let element = subject.split(' ').next().unwrap();
            format!(
                "{element} {} {}",
                text(&one["check"]),
                text(&one["outcome"])
            )
        })
        .collect()
}

#[track_caller]
fn finding<'a>(certificate: &'a Value, subject: &str, check: &str) -> &'a Value {
    let found = certificate["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["check"] == check && one["subject"].as_str().unwrap().starts_with(subject));
    found.unwrap_or_else(|| panic!("no {check} of {subject} in {certificate:#}"))
}

/// What is in which element.
fn places(world: &World) -> Value {
    let status = world.json(["library", "status", "--all"]);
    let places = status["places"].as_array().unwrap().iter();
    places
        .map(|place| serde_json::json!([place["address"], place["barcode"]]))
        .collect()
}

fn plan(world: &World, at: Place, fault: Fault) {
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.state().join("virtual")).unwrap();
    let faults = vec![PlannedFault { at, fault }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
}

#[test]
fn the_virtual_library_passes_and_is_left_as_it_was() {
    let world = prepared();
    let before = places(&world);
    let first = examine(&world);
    let failed: Vec<&Value> = first["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["outcome"] == "failed")
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(places(&world), before);
    for drive in ["drive:0", "drive:1"] {
        for check in [
            "load",
            "write-read",
            "position",
            "space",
            "locate",
            "encryption",
            "block-protection",
            "early-warning",
            "erase",
        ] {
            assert_eq!(
                finding(&first, drive, check)["outcome"],
                "passed",
                "{check}"
            );
        }
    }
    for slot in ["mail:1", "mail:2", "mail:3", "mail:4"] {
        assert_eq!(finding(&first, slot, "mail-slot")["outcome"], "passed");
    }
    // The cartridge ended blank, so it all can be done again, with the same result.
    let second = examine(&world);
    assert_eq!(findings(&first), findings(&second));
}

#[test]
fn the_certificate_is_kept_as_text_and_json_with_a_line_to_sign() {
    let world = prepared();
    let folder = world.path("certificates");
    let path = folder.to_str().unwrap();
    let text = world.ok(["doctor", "--certificate", path]);
    let names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let with = |ending: &str| {
        let found = names
            .iter()
            .find(|name| name.extension().unwrap() == ending);
        std::fs::read_to_string(found.unwrap()).unwrap()
    };
    assert_eq!(with("txt"), text);
    assert!(text.contains("Accepted by ____"), "{text}");
    let json: Value = serde_json::from_str(&with("json")).unwrap();
    assert_eq!(json["format"], 1);
    assert_eq!(json["devices"].as_array().unwrap().len(), 3);
    // Without a cartridge nothing is moved, and that is said.
    assert_eq!(finding(&json, "drive:0", "load")["outcome"], "skipped");
    assert_eq!(finding(&json, "library", "put-back")["outcome"], "passed");
}

#[test]
fn a_cartridge_with_anything_on_it_is_refused() {
    let world = prepared();
    world.ok(["media", "label", "TWV003L8", "--pool", "onsite"]);
    let (_, err) = world.exits(1, ["doctor", "--scratch", "TWV003L8", "--yes"]);
    assert!(err.contains("TWV003L8 holds the volume"), "{err}");
    let (_, err) = world.exits(2, ["doctor", "--scratch", "NOBODY", "--yes"]);
    assert!(err.contains("NOBODY is not in the library"), "{err}");
    let (_, err) = world.exits(2, ["doctor", "--scratch", "TWV004L8"]);
    assert!(err.contains("--yes"), "{err}");
}

#[test]
fn foreign_data_is_found_on_the_tape_itself_and_not_touched() {
    let world = prepared();
    // Labelled by another record: this one knows nothing about it.
    let other = World::new();
    let path = world.state().join("virtual");
    other.ok(["init"]);
    other.configure(&format!(
        "[library.same]\nkind = \"virtual\"\npath = \"{}\"\n",
        path.display()
    ));
    other.ok(["media", "add", "TWV003L8"]);
    other.ok(["media", "label", "TWV003L8", "--pool", "theirs"]);
    let (out, _) = world.exits(1, ["--json", "doctor", "--scratch", "TWV003L8", "--yes"]);
    let certificate: Value = serde_json::from_str(&out).unwrap();
    let blank = finding(&certificate, "drive:0", "blank");
    assert_eq!(blank["outcome"], "failed");
    assert_eq!(
        finding(&certificate, "drive:0", "write-read")["outcome"],
        "skipped"
    );
    let none = certificate["findings"].as_array().unwrap().iter();
    assert!(none.into_iter().all(|one| one["check"] != "erase"));
    // It still is what it was.
    let label = other.json(["media", "show", "TWV003L8"]);
    let set = other.run(["media", "label", "TWV003L8", "--pool", "theirs"]);
    assert!(set.status.success(), "{label} {set:?}");
}

#[test]
fn a_bad_block_is_named_and_the_rest_goes_on() {
    let world = prepared();
    let bad = Place::ReadRecord {
        cartridge: "TWV003L8".to_owned(),
        record: 3,
    };
    plan(&world, bad, Fault::MediumError);
    let (out, _) = world.exits(1, ["--json", "doctor", "--scratch", "TWV003L8", "--yes"]);
    let certificate: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        finding(&certificate, "drive:0", "write-read")["outcome"],
        "failed"
    );
    assert_eq!(
        finding(&certificate, "drive:0", "locate")["outcome"],
        "skipped"
    );
    assert_eq!(
        finding(&certificate, "drive:1", "write-read")["outcome"],
        "passed"
    );
    assert_eq!(
        finding(&certificate, "library", "put-back")["outcome"],
        "passed"
    );
    // The mount it happened in counts against the drive.
    let health = world.json(["health"]);
    assert_eq!(health["drives"][0]["failed"], 1, "{health}");
}

#[test]
fn other_models_pass_too() {
    for model in ["autoloader", "midrange"] {
        let world = World::with_model(model, "64MiB");
        let listed = world.json(["media", "list"]);
        let barcode = listed[0]["barcode"].as_str().unwrap();
        let before = places(&world);
        let output = world.run(["--json", "doctor", "--scratch", barcode, "--yes"]);
        let certificate: Value = serde_json::from_slice(&output.stdout).unwrap();
        let failed: Vec<&Value> = certificate["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["outcome"] == "failed")
            .collect();
        assert!(failed.is_empty(), "{model}: {failed:#?}");
        assert_eq!(places(&world), before);
    }
}

#[test]
fn stopped_in_the_middle_it_puts_everything_back_and_says_so() {
    let world = prepared();
    let before = places(&world);
    let mut child = world
        .command(["--json", "doctor", "--scratch", "TWV003L8", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in lines {
        if line.unwrap().contains("write and read back") {
            break;
        }
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let certificate: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(certificate["interrupted"], true);
    assert_eq!(
        finding(&certificate, "library", "put-back")["outcome"],
        "passed"
    );
    assert_eq!(places(&world), before);
    // What it had written is gone, so it can begin anew.
    let again = examine(&world);
    assert_eq!(finding(&again, "drive:0", "blank")["outcome"], "passed");
}
