//! A restore is killed, goes on, loses the power of the library, goes on: what comes back is what was
//! there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rstest::rstest;
use seeded::Seeded;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::{Request, Response};
use world::{World, same_trees, texts};

const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n";
const TREE: u64 = 43;
/// Campaigns.
const CAMPAIGNS: u64 = 12;

/// Commands a restore gives that nothing happens to.
static UNHARMED: LazyLock<u64> = LazyLock::new(|| {
    let world = prepared();
    plan(&world, Vec::new());
    world.ok(["restore", "data", "--to", "back"]);
    let operator = Operator::connect(&world.state().join("virtual")).unwrap();
    let Response::Faults { counts, .. } = operator.ask(&Request::Faults).unwrap() else {
        panic!("no counts");
    };
    counts.commands
});

/// A set of two cartridges for each copy, compressed and encrypted, on tape and here.
fn prepared() -> World {
    let world = World::in_memory();
    world.prepare_library("4MiB");
    world.configure(SMALL);
    let source = world.path("source");
    seeded::make_tree(&source, TREE, 4 << 20);
    seeded::make_texts(&source, TREE, 4 << 20);
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], &["--compression", "zstd"]].concat());
    world.run_job();
    world.return_cartridges();
    world
}

fn plan(world: &World, faults: Vec<PlannedFault>) {
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.state().join("virtual")).unwrap();
    operator.ask(&Request::SetFaults { faults }).unwrap();
}

fn at_command(number: u64, fault: Fault) -> Vec<PlannedFault> {
    let at = Place::Command(number);
    vec![PlannedFault { at, fault }]
}

/// The unfinished restore, if it came so far.
fn unfinished(world: &World) -> Option<String> {
    let entries = fs::read_dir(world.state().join("restores")).ok()?;
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.next()
}

/// Mode and modification time of every directory.
fn modes(root: &Path) -> BTreeMap<PathBuf, (u32, i64)> {
    let mut modes = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let status = fs::metadata(&folder).unwrap();
        let name = folder.strip_prefix(root).unwrap().to_owned();
        modes.insert(name, (status.mode(), status.mtime()));
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
        let below = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        folders.extend(below.map(|entry| entry.path()));
    }
    modes
}

/// One try; whether it came to the end, and what it said.
fn go_on(world: &World, back: &Path) -> (Option<i32>, String) {
    let output = match unfinished(world) {
        Some(run) => world.run(["restore", "--resume", &run]),
        None => {
            let to = back.to_str().unwrap();
            world.run(["restore", "data", "--to", to])
        }
    };
    let (out, err) = texts(&output);
    (output.status.code(), format!("{err}{out}"))
}

#[rstest]
fn a_restore_that_is_killed_and_loses_power_comes_to_its_end(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)] nth: u64,
) {
    let commands = *UNHARMED;
    let world = prepared();
    let back = world.path("back");
    let mut seeded = Seeded::new(nth);
    let killed = 1 + (nth - 1) * commands / CAMPAIGNS + seeded.below(commands / CAMPAIGNS);
    let cut = 1 + seeded.below(commands * 3 / 4);
    println!(
        "seed {TREE}, killed at command {killed} of {commands}, power cut at {cut} of the next"
    );
    plan(&world, at_command(killed, Fault::KillHost));
    let (code, mut said) = go_on(&world, &back);
    if killed < commands * 9 / 10 {
        assert_eq!(code, None, "it was never killed\n{said}");
    }
    plan(&world, at_command(cut, Fault::PowerCut));
    let mut done = code == Some(0);
    for _ in 0..5 {
        if done {
            break;
        }
        let (code, more) = go_on(&world, &back);
        said += &more;
        match code {
            Some(0) => done = true,
            // It could not go on, or a cartridge waits for a drive that was just turned on.
            Some(1 | 3 | 20) => {}
            code => panic!("exits {code:?}\n{said}"),
        }
    }
    assert!(done, "resumed again and again and still not done\n{said}");
    same_trees(&world.path("source"), &back);
    assert_eq!(modes(&back), modes(&world.path("source")));
    assert_eq!(unfinished(&world), None);
}

/// Everything is there, and the host dies while the cartridges are put back or just after.
#[rstest]
fn a_restore_that_is_killed_at_its_very_end_goes_on(
    #[values(1, 3, 5, 7, 9, 11, 13, 15)] before: u64,
) {
    let world = prepared();
    let back = world.path("back");
    plan(&world, at_command(*UNHARMED - before, Fault::KillHost));
    let (code, mut said) = go_on(&world, &back);
    if code.is_none() {
        assert!(
            unfinished(&world).is_some(),
            "nothing to go on with\n{said}"
        );
        let (code, more) = go_on(&world, &back);
        said += &more;
        assert_eq!(code, Some(0), "{said}");
    }
    same_trees(&world.path("source"), &back);
    assert_eq!(unfinished(&world), None);
}
