//! Sets larger than a cartridge, in two copies with the same segments; two drives or one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;

use dump::Dump;
use rstest::rstest;
use tapeward::catalogue::Catalogue;
use world::{World, same_trees};

const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n";

/// Cartridges of each copy, in the order they were written.
fn cartridges(world: &World) -> BTreeMap<u64, Vec<String>> {
    let shown = world.json(["set", "show", "data"]);
    let copies = shown["sets"][0]["copies"].as_array().unwrap();
    let barcodes = |copy: &serde_json::Value| {
        let cartridges = copy["cartridges"].as_array().unwrap();
        let barcodes = cartridges.iter().map(|pair| pair[0].as_str().unwrap());
        barcodes.map(str::to_owned).collect()
    };
    copies
        .iter()
        .map(|copy| (copy["copy"].as_u64().unwrap(), barcodes(copy)))
        .collect()
}

/// Digest of every segment of a copy, by number, from the raw tape files.
fn segments(
    world: &World,
    barcodes: &[String],
) -> BTreeMap<u64, (blake3::Hash, serde_json::Value)> {
    let mut all = BTreeMap::new();
    for barcode in barcodes {
        let dump = Dump::take(world, barcode);
        for segment in dump.segments() {
            let bytes = fs::read(&segment.path).unwrap();
            assert_eq!(bytes.len() as u64, segment.part["length"].as_u64().unwrap());
            let fact = (blake3::hash(&bytes), segment.part.clone());
            let twice = all.insert(segment.number(), fact);
            assert!(twice.is_none(), "segment {} twice", segment.number());
        }
    }
    all
}

fn both_copies_are_the_same_and_restore(world: &World, at_least: usize) {
    let cartridges = cartridges(world);
    assert_eq!(cartridges.len(), 2);
    for barcodes in cartridges.values() {
        assert!(barcodes.len() >= at_least, "{cartridges:?}");
        assert!(
            barcodes
                .iter()
                .all(|one| !cartridges[&1].contains(one) || barcodes == &cartridges[&1])
        );
    }
    let first = segments(world, &cartridges[&1]);
    let second = segments(world, &cartridges[&2]);
    assert!(first.len() > 2 * at_least);
    assert!(first.keys().copied().eq(0..first.len() as u64));
    assert!(first == second, "{:?}\n{:?}", first.keys(), second.keys());

    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = world.path("back");
        let to = back.to_str().unwrap();
        world.ok(["restore", "data", "--copy", copy, "--to", to]);
        same_trees(&world.path("source"), &back);
        fs::remove_dir_all(back).unwrap();
    }
}

#[rstest]
fn a_set_spans_three_cartridges_in_two_copies(#[values("none", "zstd")] compression: &str) {
    let world = World::with_library("8MiB");
    world.configure(SMALL);
    let source = world.path("source");
    seeded::make_tree(&source, 31, 18 << 20);
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], &["--compression", compression]].concat());
    world.run_job();
    put_away_when_recorded(&world);
    both_copies_are_the_same_and_restore(&world, 3);

    // A file from the last cartridge takes that cartridge only.
    let last = cartridges(&world)[&2].last().unwrap().clone();
    let found = world.json(["find", "--set", "data", "f0*"]);
    let found = found.as_array().unwrap();
    let there = found.iter().find(|row| {
        let cartridges = row["cartridges"].as_array().unwrap();
        cartridges
            .iter()
            .any(|held| held["barcode"] == last.as_str())
    });
    let report = restored_alone(&world, there.unwrap());
    assert_eq!(report["cartridges"], serde_json::json!([last]));

    // A file of many segments comes back alone too.
    let largest = found.iter().max_by_key(|row| row["size"].as_u64()).unwrap();
    assert!(largest["size"].as_u64().unwrap() > 1 << 20);
    restored_alone(&world, largest);
}

/// A cartridge is put away when the record knows all of it: else a kill in between would leave it with
/// more than is on record and without a step that says so, and the next job would not append to it.
fn put_away_when_recorded(world: &World) {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let rows = catalogue.read(|view| view.journal_after(0, 100_000));
    let mut volumes = HashMap::new();
    let mut full = HashSet::new();
    let mut put_away = 0;
    for row in rows.unwrap() {
        let entry: serde_json::Value = serde_json::from_str(&row.body).unwrap();
        let (details, subjects) = (&entry["details"], &entry["subjects"]);
        let step = subjects["step"].to_string();
        match entry["kind"].as_str().unwrap() {
            "step_intended" if details["step_kind"] == "write" => {
                volumes.insert(step, details["intent"]["volume"].to_string());
            }
            "volume_content" if details["content"] == "full" => {
                full.insert(subjects["volume"].to_string());
            }
            "step_observed" if details["observation"]["full"] == true => {
                assert!(full.contains(&volumes[&step]), "{entry:#}");
                put_away += 1;
            }
            _ => {}
        }
    }
    assert!(put_away >= 4, "{put_away}");
}

/// Restores one file from copy 2 and compares it; returns the report.
fn restored_alone(world: &World, found: &serde_json::Value) -> serde_json::Value {
    let path = found["path"].as_str().unwrap();
    let back = world.path("one");
    let to = back.to_str().unwrap();
    let report = world.json(["restore", "data", path, "--copy", "2", "--to", to]);
    assert_eq!(
        fs::read(back.join(path)).unwrap(),
        fs::read(world.path("source").join(path)).unwrap()
    );
    fs::remove_dir_all(back).unwrap();
    report
}

#[test]
fn with_one_drive_the_second_copy_is_made_from_the_first() {
    let world = World::with_model("autoloader", "16MiB");
    world.configure(SMALL);
    let source = world.path("source");
    seeded::make_tree(&source, 32, 5 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    let said = world.run_job();
    assert!(said.contains("to copy 2 from tape"), "{said}");
    both_copies_are_the_same_and_restore(&world, 1);
}

#[test]
fn with_one_drive_a_set_spans_cartridges_too() {
    let world = World::with_model("autoloader", "8MiB");
    world.configure(SMALL);
    let source = world.path("source");
    seeded::make_tree(&source, 33, 8 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.run_job();
    both_copies_are_the_same_and_restore(&world, 2);
}
