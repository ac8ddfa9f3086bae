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
use tapeward_sim::front::control::{Request, Response};
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
#[case("label", &["media", "label", "TWV005L8", "--pool", "onsite"], 55)]
#[case("verify", &["verify", "data", "--copy", "1"], 45)]
#[case("restore", &["restore", "data", "--to", "back"], 60)]
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
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let stalled = || match operator.ask(&Request::Faults).unwrap() {
        Response::Faults { faults, .. } => faults.is_empty(),
        other => panic!("{other:?}"),
    };
    // VOL1, three header labels, filemark, volume.json, filemark, four trailer labels: the last
    // filemark gets onto the tape after the process is gone.
    let cartridge = "TWV001L8".to_owned();
    let record = 11;
    plan(
        &world,
        Place::WriteRecord { cartridge, record },
        Fault::Stalls,
    );
    let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
    let mut child = world.command(label).spawn().unwrap();
    while !stalled() {
        assert!(child.try_wait().unwrap().is_none(), "it did not stall");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    operator
        .ask(&Request::SetFaults { faults: Vec::new() })
        .unwrap();
    let volume = || world.json(["media", "show", "TWV001L8"])["volume"].clone();
    assert!(volume().is_null());
    // Labelling another one settles it.
    world.ok(["media", "label", "TWV002L8", "--pool", "onsite"]);
    assert!(!volume().is_null());
    assert_eq!(journal(&world, &["run_changed", "settled"]), 1);
    let out = world.ok(["library", "status"]);
    assert!(!out.contains("drive:0  TWV001L8"), "{out}");
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
