//! Labelling, verifying and restoring killed on the way: the record says so, and what was begun
//! is settled by looking.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use rstest::rstest;
use tapeward::catalogue::Catalogue;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::World;

fn plan(world: &World, at: Place, fault: Fault) {
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let faults = vec![PlannedFault { at, fault }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
}

/// State of the newest run of this kind.
fn state(world: &World, kind: &str) -> String {
    let runs = world.json(["job", "list"]);
    let mut runs = runs.as_array().unwrap().iter();
    let run = runs.find(|run| run["kind"] == kind).unwrap();
    run["state"].as_str().unwrap().to_owned()
}

/// Bodies of journal entries that hold all of these words.
fn journal(world: &World, words: &[&str]) -> usize {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let rows = catalogue
        .read(|view| view.journal_after(0, 10_000))
        .unwrap();
    let has = |body: &str| words.iter().all(|word| body.contains(word));
    rows.iter().filter(|row| has(&row.body)).count()
}

#[rstest]
#[case("label", &["media", "label", "TWV005L8", "--pool", "onsite"], 20)]
#[case("verify", &["verify", "data", "--copy", "1"], 30)]
#[case("restore", &["restore", "data", "--to", "back"], 30)]
fn a_killed_run_does_not_look_as_if_it_went_on(
    #[case] kind: &str,
    #[case] command: &[&str],
    #[case] at: u64,
) {
    let world = World::with_set_on_tape();
    plan(&world, Place::Command(at), Fault::KillHost);
    assert_eq!(world.run(command).status.code(), None);
    assert_eq!(state(&world, kind), "interrupted");
    assert_eq!(journal(&world, &["run_planned", &format!("\"{kind}\"")]), 1);
    assert_eq!(journal(&world, &["run_changed", "its process ended"]), 1);
    // The next one has nothing to fear from it.
    world.ok(["verify", "data"]);
    assert_eq!(state(&world, "verify"), "done");
    world.ok(command);
}

#[test]
fn a_label_that_a_killed_run_wrote_is_found() {
    let world = World::with_library("64MiB");
    let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
    // The write of a filemark behind volume.json's trailer is the last of a label.
    let mut found = false;
    for at in (20..200).step_by(3) {
        plan(&world, Place::Command(at), Fault::KillHost);
        if world.run(label).status.code().is_some() {
            break;
        }
        let shown = world.json(["media", "show", "TWV001L8"]);
        assert!(shown["volume"].is_null(), "{shown}");
        // Labelling another one settles it.
        world.ok(["media", "label", "TWV002L8", "--pool", "onsite"]);
        let shown = world.json(["media", "show", "TWV001L8"]);
        if !shown["volume"].is_null() {
            found = true;
            break;
        }
    }
    assert!(
        found,
        "the label was never on the tape when the process was killed"
    );
    assert_eq!(state(&world, "label"), "done");
}

#[test]
fn a_run_that_goes_on_is_left_alone() {
    let world = World::with_set_on_tape();
    let cartridge = "TWV005L8".to_owned();
    plan(
        &world,
        Place::WriteRecord {
            cartridge,
            record: 2,
        },
        Fault::Stalls,
    );
    let label = ["media", "label", "TWV005L8", "--pool", "onsite"];
    let mut child = world.command(label).spawn().unwrap();
    let seen = (0..500).any(|_| {
        let runs = world.json(["job", "list"]);
        let mut runs = runs.as_array().unwrap().iter();
        runs.any(|run| run["kind"] == "label" && run["state"] == "running")
    });
    assert!(seen, "it never ran");
    assert_eq!(state(&world, "label"), "running");
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    operator
        .ask(&Request::SetFaults { faults: Vec::new() })
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(state(&world, "label"), "done");
}
