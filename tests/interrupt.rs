//! SIGINT stops at a safe point, says how to go on, and going on works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use world::{World, same_trees};

/// Starts a command, interrupts it as soon as it says this on stderr, and returns its exit code
/// and all that it said there.
fn interrupted(mut command: Command, when: &str) -> (Option<i32>, String) {
    let mut child: Child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let mut said = String::new();
    let mut sent = false;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if !sent && line.contains(when) {
            kill(pid, Signal::SIGINT).unwrap();
            sent = true;
        }
        said = format!("{said}{line}\n");
    }
    assert!(sent, "\"{when}\" was never said\n{said}");
    (child.wait().unwrap().code(), said)
}

fn prepared() -> World {
    let world = World::in_memory();
    world.prepare_library("64MiB");
    world.configure("[stream]\nsegment-size = \"1MiB\"\nblock-size = \"16KiB\"\n");
    let source = world.path("source");
    seeded::make_tree(&source, 61, 24 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world
}

#[test]
fn a_job_stops_at_a_safe_point_and_goes_on() {
    let world = prepared();
    let (code, said) = interrupted(
        world.command(["--json", "job", "run"]),
        "\"task\":\"writing data\"",
    );
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("tapeward job resume"), "{said}");
    // Drives and cartridges are let go: a person may take one out.
    world.ok(["library", "unload", "TWV001L8"]);
    world.ok(["job", "resume"]);
    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = world.path(copy);
        let to = back.to_str().unwrap();
        world.ok(["restore", "data", "--copy", copy, "--to", to]);
        same_trees(&world.path("source"), &back);
    }
}

#[test]
fn a_restore_stops_and_can_be_begun_again() {
    let world = prepared();
    world.ok(["job", "run"]);
    world.return_cartridges();
    let back = world.path("back");
    let to = back.to_str().unwrap();
    let command = world.command(["--json", "restore", "data", "--to", to]);
    let (code, said) = interrupted(command, "\"progress\"");
    assert_eq!(code, Some(130), "{said}");
    world.ok(["restore", "data", "--existing", "keep", "--to", to]);
    same_trees(&world.path("source"), &back);
}
