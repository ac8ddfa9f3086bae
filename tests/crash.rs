#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
//! The job is killed, or the power of the library is cut, at seeded moments. It resumes, and what
//! comes back is what was there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use rstest::rstest;
use seeded::Seeded;
use world::{World, same_trees, texts};

/// Blocks and segments small enough for cartridges of a few megabytes.
const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n";

fn prepared(seed: u64) -> World {
    let world = World::with_library("8MiB");
    world.configure(SMALL);
    let source = world.path("source");
    seeded::make_tree(&source, seed, 12 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world
}

/// Resumes until done; each try may be hit by what the world still has in store.
fn finish(world: &World) {
    for _ in 0..5 {
        let output = world.run(["job", "resume"]);
        let (out, err) = texts(&output);
        match output.status.code() {
            Some(0) => return,
            // A person must empty the mail slots.
            Some(20) => world.empty_mail_slots(),
            Some(1 | 11) => {}
            code => panic!("resume exits {code:?}\n{out}\n{err}"),
        }
    }
    panic!("five times resumed and still not done");
}

fn restored_equals_source(world: &World) {
    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = world.path(&format!("back{copy}"));
        world.ok([
            "restore",
            "data",
            "--copy",
            copy,
            "--to",
            back.to_str().unwrap(),
        ]);
        same_trees(&world.path("source"), &back);
        std::fs::remove_dir_all(back).unwrap();
    }
}

#[rstest]
fn killed_at_any_command_it_resumes(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)] seed: u64,
) {
    let world = prepared(seed);
    let moment = 1 + Seeded::new(seed).below(1200);
    world.ok(["sim", "kill-host", "--at-command", &moment.to_string()]);
    let output = world.run(["job", "run"]);
    match output.status.code() {
        // Killed by the signal.
        None => finish(&world),
        Some(20) => {
            world.empty_mail_slots();
            finish(&world);
        }
        Some(0) => {}
        code => panic!("job run exits {code:?}\n{:?}", texts(&output)),
    }
    restored_equals_source(&world);
}

#[rstest]
fn after_a_power_cut_at_any_write_it_resumes(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)] seed: u64,
) {
    let world = prepared(100 + seed);
    let moment = 1 + Seeded::new(seed).below(1500);
    world.ok(["sim", "power-cut", "--at-write", &moment.to_string()]);
    let output = world.run(["job", "run"]);
    match output.status.code() {
        Some(0) => {}
        Some(20) => {
            world.empty_mail_slots();
            finish(&world);
        }
        Some(1) => finish(&world),
        code => panic!("job run exits {code:?}\n{:?}", texts(&output)),
    }
    restored_equals_source(&world);
}
