//! A drive that breaks or stands still while the job runs: the other one goes on, and both copies
//! end complete.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use tapeward::catalogue::Catalogue;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::World;

const SMALL: &str = "[stream]\nsegment-size = \"256KiB\"\nblock-size = \"16KiB\"\n\
                     ring-size = \"64KiB\"\nslow-copy-seconds = 2\n";

fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure(SMALL);
    world.define_data(71, 4 << 20);
    world
}

fn plan(world: &World, faults: Vec<PlannedFault>) {
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    operator.ask(&Request::SetFaults { faults }).unwrap();
}

fn at_record(cartridge: &str, record: u64, fault: Fault) -> Vec<PlannedFault> {
    let cartridge = cartridge.to_owned();
    vec![PlannedFault {
        at: Place::WriteRecord { cartridge, record },
        fault,
    }]
}

/// Every copy of every set, as the record has it.
fn copies(world: &World) -> Vec<String> {
    let sets = world.json(["set", "show", "data"]);
    let set = &sets["sets"][0];
    let copies = set["copies"].as_array().unwrap();
    copies
        .iter()
        .map(|copy| copy["state"].as_str().unwrap().to_owned())
        .collect()
}

/// Entries of this kind in the journal.
fn journal(world: &World, kind: &str) -> Vec<String> {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let rows = catalogue
        .read(|view| view.journal_after(0, 10_000))
        .unwrap();
    let bodies = rows.into_iter().map(|row| row.body);
    bodies.filter(|body| body.contains(kind)).collect()
}

#[test]
fn a_drive_that_stands_still_is_left_behind_and_its_copy_completed_from_tape() {
    let world = prepared();
    world.ok(["library", "status"]);
    plan(&world, at_record("TWV002L8", 60, Fault::Stalls));
    let mut child = world
        .command(["job", "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("copy 2: too slow") {
            // What held the drive up goes away when it is too late.
            plan(&world, Vec::new());
        }
        said = format!("{said}{line}\n");
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.contains("copy 2: too slow"), "{said}");
    assert!(said.contains("segments to copy 2 from tape"), "{said}");
    assert_eq!(copies(&world), ["verified", "verified"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn a_broken_drive_is_named_with_its_cartridge_and_the_run_goes_on() {
    let world = prepared();
    world.ok(["library", "status"]);
    plan(&world, at_record("TWV002L8", 60, Fault::DriveBreaks));
    let refusal = world.stops(20, ["job", "run"]);
    refusal.says(&["TWV002L8", "drive:", "off and on"]);
    let broken = refusal.before.lines().any(|line| {
        line.starts_with("problem: drive:") && line.contains("not used any more in this run")
    });
    assert!(broken, "{refusal:#?}");
    // With the one drive that is left both copies were made, and what can be had of them read.
    assert_eq!(copies(&world), ["verified", "complete"]);

    // The person turns the drive off and on.
    world.ok(["sim", "power-cut"]);
    let output = world.run(["job", "resume"]);
    let (out, err) = world::texts(&output);
    assert!(matches!(output.status.code(), Some(0 | 20)), "{out}\n{err}");
    if output.status.code() == Some(20) {
        world.empty_mail_slots();
        world.ok(["job", "resume"]);
    }
    assert_eq!(copies(&world), ["verified", "verified"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn with_one_drive_broken_before_the_run_the_other_does_it_all() {
    let world = prepared();
    world.ok(["library", "status"]);
    plan(&world, at_record("TWV001L8", 0, Fault::DriveBreaks));
    let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
    let refusal = world.refuses(20, label);
    refusal.says(&["TWV001L8"]);
    let refusal = world.stops(3, ["job", "run"]);
    assert!(
        refusal.before.contains("TWV001L8 is in drive:0"),
        "{refusal:#?}"
    );
    assert_eq!(copies(&world), ["verified", "verified"]);
}

#[test]
fn a_cartridge_that_cannot_be_mounted_is_passed_over() {
    let world = prepared();
    world.ok(["library", "status"]);
    let fault = Fault::MoveFailed;
    plan(
        &world,
        vec![PlannedFault {
            at: Place::Move(1),
            fault,
        }],
    );
    let refusal = world.stops(3, ["job", "run"]);
    assert!(
        refusal.before.contains("problem: TWV001L8: "),
        "{refusal:#?}"
    );
    refusal.says(&["1 cartridge"]);
    assert_eq!(journal(&world, "cartridge_set_aside").len(), 1);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn a_robot_that_moves_nothing_ends_the_run_soon() {
    let world = prepared();
    world.ok(["library", "status"]);
    let faults = (1..20).map(|nth| PlannedFault {
        at: Place::Move(nth),
        fault: Fault::MoveFailed,
    });
    plan(&world, faults.collect());
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&[
        "3 cartridges could not be used",
        "TWV003L8",
        "tapeward job resume",
    ]);
    plan(&world, Vec::new());
    world.ok(["job", "resume"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn a_refused_cartridge_is_named_once_for_all_sets_of_a_run() {
    let world = prepared();
    let more = world.path("more");
    seeded::make_tree(&more, 72, 1 << 20);
    world.ok(["set", "define", "more", more.to_str().unwrap()]);
    world.set_write_protection("TWV001L8", true);
    let refusal = world.stops(3, ["job", "run"]);
    let named = refusal.before.matches("problem: TWV001L8: ").count();
    assert_eq!(named, 1, "{refusal:#?}");
    refusal.says(&["1 cartridge was refused"]);
    assert_eq!(journal(&world, "cartridge_set_aside").len(), 1);
}

#[test]
fn cartridges_that_hold_nothing_are_named_and_not_asked_for_again() {
    let world = World::with_library("4MiB");
    // Blocks so large that closing a volume takes more than there is.
    world.configure("[stream]\nblock-size = \"512KiB\"\n");
    world.define_data(73, 1 << 18);
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&["TWV003L8", "too small", "configured sizes"]);
    assert!(
        refusal.before.contains("problem: TWV001L8: "),
        "{refusal:#?}"
    );
    // They are as blank as they were.
    assert!(world.json(["media", "show", "TWV001L8"])["volume"].is_null());
}
