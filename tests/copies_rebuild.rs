//! Cartridges that were made from tape are as good as those the job made: with nothing else the record
//! of their sets comes back, and what is in them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;

use seeded::Seeded;
use world::{World, same_trees};

/// The record and everything made from it.
fn lose_record(world: &World) {
    for name in ["catalogue.db", "catalogue.db-wal", "catalogue.db-shm"] {
        let _ = fs::remove_file(world.state().join(name));
    }
    fs::remove_dir_all(world.state().join("indexes")).unwrap();
}

/// The cartridges of a copy of the newest set `data`.
fn cartridges(world: &World, copy: usize) -> Vec<String> {
    let shown = world.json(["set", "show", "data"]);
    let all = shown["sets"][0]["copies"][copy - 1]["cartridges"]
        .as_array()
        .unwrap();
    let barcodes = all.iter().map(|one| one[0].as_str().unwrap().to_owned());
    barcodes.collect()
}

/// With these cartridges and nothing else the set is known and can be restored.
#[track_caller]
fn are_enough(world: &World, barcodes: &[String], options: &[&str]) {
    lose_record(world);
    let mut rebuild = vec!["catalogue", "rebuild", "--ignore-snapshots"];
    rebuild.extend(barcodes.iter().map(String::as_str));
    rebuild.extend(options);
    let report = world.json(rebuild);
    assert_eq!(report["incomplete"], serde_json::json!([]), "{report:#}");
    assert_eq!(
        (&report["sealed"], &report["sets_added"]),
        (&0.into(), &1.into()),
        "{report:#}"
    );
    let back = world.path("back");
    let restore = ["restore", "data", "--to", back.to_str().unwrap()];
    world.ok([&restore[..], options].concat());
    same_trees(&world.path("source"), &back);
    fs::remove_dir_all(back).unwrap();
}

fn refresh(world: &World, barcode: &str) -> Vec<String> {
    world.ok(["copy", "refresh", barcode]);
    world.ok(["copy", "run", "--all"]);
    let new = cartridges(world, 1);
    assert!(!new.contains(&barcode.to_owned()), "{new:?}");
    new
}

#[test]
fn a_cartridge_that_replaces_another_is_enough() {
    let world = World::with_set_on_tape();
    let new = refresh(&world, "TWV001L8");
    are_enough(&world, &new, &[]);
}

#[test]
fn one_that_was_made_with_one_drive_is_enough() {
    let world = World::with_model("autoloader", "16MiB");
    world.configure(
        "[stream]\nsegment-size = \"512KiB\"\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n\
         [monthly]\neject = false\n",
    );
    world.define_data(33, 3 << 20);
    world.ok(["job", "run"]);
    let old = cartridges(&world, 1);
    assert_eq!(old.len(), 1);
    let new = refresh(&world, &old[0]);
    are_enough(&world, &new, &[]);
}

/// Nobody here can read the index: it is copied as it is.
#[test]
fn one_of_a_sealed_set_is_enough_for_whoever_has_an_identity() {
    let world = World::with_set_on_tape();
    let envelope = world.path("envelope");
    fs::rename(world.state().join("keys/site.identity"), &envelope).unwrap();
    lose_record(&world);
    let report = world.json(["catalogue", "rebuild", "--ignore-snapshots"]);
    assert_eq!(report["sealed"], 1, "{report:#}");
    world.ok(["copy", "refresh", "TWV001L8"]);
    world.ok(["copy", "run", "--all"]);
    let volumes = world.json(["media", "list"]);
    let volumes = volumes.as_array().unwrap().iter();
    let new = volumes
        .filter(|one| one["content"] == "filling")
        .map(|one| one["barcode"].as_str().unwrap().to_owned());
    let new: Vec<String> = new.collect();
    assert_eq!(new.len(), 1, "{new:?}");
    are_enough(&world, &new, &["--identity", envelope.to_str().unwrap()]);
}

#[test]
fn a_stream_comes_back_from_labels_and_its_index() {
    let world = World::with_library("64MiB");
    let database = world.path("database");
    let bytes = Seeded::new(5).bytes(2 << 20);
    fs::write(&database, &bytes).unwrap();
    let command = format!("cat {}", database.display());
    world.ok(["set", "define", "data", "--command", &command]);
    world.run_job();
    world.return_cartridges();
    let new = refresh(&world, "TWV001L8");
    for cartridges in [vec!["TWV002L8".to_owned()], new] {
        lose_record(&world);
        let mut rebuild = vec!["catalogue", "rebuild", "--ignore-snapshots"];
        rebuild.extend(cartridges.iter().map(String::as_str));
        let report = world.json(rebuild);
        assert_eq!(report["incomplete"], serde_json::json!([]), "{report:#}");
        assert_eq!(report["sets_added"], 1, "{report:#}");
        let output = world.run(["restore", "data", "--to", "-"]);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout == bytes);
    }
}
