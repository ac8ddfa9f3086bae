//! From one generation of cartridges to another, with one drive of each: what is read and what is
//! written may need different drives, or the same one.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;

use rstest::rstest;
use tapeward_sim::Generation::{self, Lto8, Lto9};
use tapeward_sim::{LibrarySpec, create};
use world::{World, same_trees};

/// A library with these drives, and a set on a cartridge of the first label.
fn prepared(drives: [Generation; 2], old: &str) -> World {
    let world = World::new();
    let library = world.path("library");
    let spec = LibrarySpec::new("generic", "MIXED001").with_first_drives(drives.to_vec());
    create(&library, &spec).unwrap();
    world.ok(["init"]);
    world.configure(&format!(
        "[library.mixed]\nkind = \"virtual\"\npath = \"{}\"\n\
         [monthly]\ncopies = [\"onsite\"]\neject = false\n\
         [stream]\nsegment-size = \"256KiB\"\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n",
        library.display()
    ));
    world.ok(["key", "create", "site"]);
    bring(&world, old);
    world.define_data(17, 1 << 20);
    world.ok(["job", "run"]);
    world
}

fn bring(world: &World, barcode: &str) {
    world.ok([
        "sim",
        "insert",
        barcode,
        "--new",
        "--cartridge-size",
        "64MiB",
    ]);
    world.return_cartridges();
    world.ok(["media", "add", "--from-library"]);
}

#[rstest]
#[case::newest_drive_last([Lto8, Lto9], "TWV001L8", "TWV002L9")]
#[case::newest_drive_first([Lto9, Lto8], "TWV001L8", "TWV002L9")]
#[case::read_only_by_the_old_one([Lto8, Lto9], "TWV001L7", "TWV002L9")]
#[case::read_and_written_by_the_new_one([Lto8, Lto9], "TWV001L9", "TWV002L9")]
#[case::written_only_by_the_old_one([Lto9, Lto8], "TWV001L8", "TWV002L7")]
fn a_cartridge_is_replaced_by_one_of_another_generation(
    #[case] drives: [Generation; 2],
    #[case] old: &str,
    #[case] new: &str,
) {
    let world = prepared(drives, old);
    bring(&world, new);
    world.ok(["copy", "refresh", old]);
    world.ok(["copy", "run", "--all"]);
    let shown = world.json(["set", "show", "data"]);
    let copy = &shown["sets"][0]["copies"][0];
    assert_eq!(copy["state"], "verified", "{copy}");
    assert_eq!(copy["cartridges"][0][0], new, "{copy}");
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("source"), &back);
    fs::remove_dir_all(back).unwrap();
}
