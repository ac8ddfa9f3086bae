//! Index parts and progress of a set that is being written: lost, damaged, left over, told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::World;

/// A world in which writing the set takes some segments.
fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure(
        "[stream]\nsegment-size = \"512KiB\"\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n",
    );
    world.define_data(81, 6 << 20);
    world
}

/// Kills the job when it writes this record of the first cartridge, and some segments are on record.
fn killed(world: &World, record: u64) {
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let cartridge = "TWV001L8".to_owned();
    let at = Place::WriteRecord { cartridge, record };
    let fault = Fault::Stalls;
    let faults = vec![PlannedFault { at, fault }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
    let mut child = world
        .command(["job", "run"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stalled = || {
        let tapeward_sim::front::control::Response::Faults { faults, .. } =
            operator.ask(&Request::Faults).unwrap()
        else {
            panic!("no faults");
        };
        faults.is_empty()
    };
    // What is on tape is on record a little later.
    while !stalled() || parts(world).len() < 4 {
        assert!(child.try_wait().unwrap().is_none(), "it was never killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    operator
        .ask(&Request::SetFaults { faults: Vec::new() })
        .unwrap();
}

/// The stored index parts of the set that is being written.
fn parts(world: &World) -> Vec<PathBuf> {
    let indexes = world.state().join("indexes");
    let folders = fs::read_dir(indexes)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut parts: Vec<PathBuf> = folders
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "index"))
        .collect();
    parts.sort();
    parts
}

#[test]
fn lost_and_damaged_index_parts_are_read_back_from_tape() {
    let world = prepared();
    killed(&world, 400);
    let stored = parts(&world);
    fs::remove_file(&stored[0]).unwrap();
    let mut bytes = fs::read(&stored[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&stored[1], bytes).unwrap();
    let (_, said) = world.exits(0, ["job", "resume"]);
    assert_eq!(
        said.matches("reading it back from tape").count(),
        2,
        "{said}"
    );
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn without_an_identity_a_lost_index_part_is_named() {
    let world = prepared();
    killed(&world, 400);
    let stored = parts(&world);
    fs::remove_file(&stored[0]).unwrap();
    let keys = world.state().join("keys");
    let aside = world.path("aside");
    fs::rename(&keys, &aside).unwrap();
    let refusal = world.stops(20, ["job", "resume"]);
    refusal.says(&["000000.index", "\"site\"", "no identity"]);
    fs::rename(&aside, &keys).unwrap();
    world.ok(["job", "resume"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn what_is_left_of_a_complete_set_is_swept() {
    let world = World::with_set_on_tape();
    let set = world.json(["set", "show", "data"])["sets"][0]["id"].clone();
    let folder = world
        .state()
        .join(format!("indexes/{}.parts", set.as_str().unwrap()));
    assert!(!folder.exists());
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("000000.index"), "left over").unwrap();
    let unknown = world
        .state()
        .join("indexes/01a1fe35-9027-759b-b619-bbdd542abc06.parts");
    fs::create_dir(&unknown).unwrap();
    world.ok(["job", "run"]);
    assert!(!folder.exists());
    assert!(unknown.exists(), "nobody knows what it is");
}

#[test]
fn measuring_is_told_and_can_be_interrupted() {
    let world = prepared();
    let mut child = world
        .command(["--json", "job", "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("measuring data") && line.contains("\"progress\"") {
            kill(pid, Signal::SIGINT).unwrap();
        }
        said = format!("{said}{line}\n");
    }
    assert!(said.contains("measuring data"), "{said}");
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    world.ok(["job", "resume"]);
}
