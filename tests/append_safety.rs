//! Nothing is appended to a cartridge that is not as the record has it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::Command;

use dump::Dump;
use tapeward_sim::Operator;
use tapeward_sim::front::control::Request;
use world::{World, same_trees, texts};

const CARTRIDGE: &str = "TWV001L8";

/// A world with one set in one copy on [`CARTRIDGE`].
fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure("[monthly]\ncopies = [\"onsite\"]\n");
    let source = world.path("source");
    seeded::make_tree(&source, 51, 1 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    run(&world);
    world
}

fn run(world: &World) {
    world.ok(["job", "run"]);
    world.return_cartridges();
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

/// Ends the virtual library's process, so that its files can be changed.
fn shut_down(world: &World) {
    if let Ok(operator) = Operator::connect(&world.state().join("virtual")) {
        operator.ask(&Request::ShutDown).unwrap();
    }
}

/// EOF1 of the last trailer of the cartridge.
fn last_trailer(dump: &Dump) -> String {
    let labels = dump.labels(dump.len() - 1);
    let trailer = labels.iter().find(|label| label.starts_with("EOF1"));
    trailer.unwrap().trim_end().to_owned()
}

/// The next run refuses the cartridge, shows both values, writes nothing to it, and takes
/// another one.
fn is_refused(world: &World, on_tape: &str, recorded: &str) {
    assert_ne!(on_tape, recorded);
    let before = Dump::take(world, CARTRIDGE);
    let bytes = dump::all_bytes(&before.folder);
    let output = world.run(["job", "run"]);
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{out}\n{err}");
    for (value, words) in [(on_tape, "on tape: "), (recorded, "on record: ")] {
        let line = err.lines().find(|line| line.contains(words));
        assert!(
            line.is_some_and(|line| line.contains(value)),
            "{value}\n{err}"
        );
    }
    assert!(
        err.contains(CARTRIDGE) && out.contains("TWV002L8"),
        "{out}\n{err}"
    );
    let after = Dump::take(world, CARTRIDGE);
    assert!(dump::all_bytes(&after.folder) == bytes, "it was written to");
    world.return_cartridges();
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("source"), &back);
}

#[test]
fn a_tape_that_somebody_else_wrote_on_is_refused() {
    let world = prepared();
    let state = world.state();
    let keep = world.path("keep");
    fs::create_dir(&keep).unwrap();
    let recorded = last_trailer(&Dump::take(&world, CARTRIDGE));
    // Another host appends, of which this record never learns.
    for name in ["catalogue.db", "indexes"] {
        copy(&state.join(name), &keep.join(name));
    }
    run(&world);
    for name in ["catalogue.db", "indexes"] {
        copy(&keep.join(name), &state.join(name));
    }
    let on_tape = last_trailer(&Dump::take(&world, CARTRIDGE));
    is_refused(&world, &on_tape, &recorded);
}

#[test]
fn a_tape_that_lacks_what_is_recorded_is_refused() {
    let world = prepared();
    let cartridges = world.state().join("virtual/cartridges");
    let keep = world.path("keep");
    let on_tape = last_trailer(&Dump::take(&world, CARTRIDGE));
    shut_down(&world);
    copy(&cartridges, &keep);
    run(&world);
    let recorded = last_trailer(&Dump::take(&world, CARTRIDGE));
    shut_down(&world);
    copy(&keep, &cartridges);
    is_refused(&world, &on_tape, &recorded);
}
