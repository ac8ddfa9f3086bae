//! The record is gone: it is made anew from the cartridges.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use tree::{build_small, remove_tree};
use world::{World, same_trees, texts};

const SMALL: &str =
    "[stream]\nblock-size = \"16KiB\"\nsegment-size = \"64KiB\"\nring-size = \"64KiB\"\n";

/// Two sets on tape, one of them twice, in two copies.
fn on_tape() -> World {
    let world = World::with_library("64MiB");
    world.configure(SMALL);
    for (name, megabyte) in [("letters", 0), ("accounts", 1)] {
        let source = world.path(name);
        fs::create_dir(&source).unwrap();
        build_small(&source);
        // Several segments of what zstd cannot make smaller.
        let noise: Vec<u8> = (0..megabyte << 20_u32).map(|at: u32| noise(at)).collect();
        fs::write(source.join("noise"), noise).unwrap();
        let source = source.to_str().unwrap();
        world.ok(["set", "define", name, source, "--compression", "zstd"]);
    }
    world.run_job();
    world.return_cartridges();
    fs::write(world.path("letters").join("new"), "of the second month").unwrap();
    world.run_job();
    world.return_cartridges();
    world
}

fn noise(at: u32) -> u8 {
    blake3::hash(&at.to_le_bytes()).as_bytes()[0]
}

/// The rows of the record, without what tapes do not say: where a cartridge is, when something
/// was looked at again, and what came of that.
fn record(world: &World) -> BTreeSet<String> {
    let dump = world.ok(["catalogue", "dump"]);
    let rows = dump.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let fields = row.as_object_mut().unwrap();
        for unsaid in [
            "place",
            "place_since",
            "verified_at",
            "changed_at",
            "written_at",
        ] {
            fields.remove(unsaid);
        }
        // A volume that was being filled takes no more.
        if fields.get("content").and_then(Value::as_str) == Some("filling") {
            fields.insert("content".to_owned(), "full".into());
        }
        match fields.get("state").and_then(Value::as_str) {
            Some("verified") if fields["kind"] == "segment_copy" => {
                fields.insert("state".to_owned(), "committed".into());
            }
            Some("verified") => {
                fields.insert("state".to_owned(), "complete".into());
            }
            _ => {}
        }
        row.to_string()
    });
    rows.collect()
}

fn virtual_folder(world: &World) -> std::path::PathBuf {
    world.state().join("virtual")
}

/// The record and everything made from it.
fn lose_record(world: &World) {
    for name in ["catalogue.db", "catalogue.db-wal", "catalogue.db-shm"] {
        let _ = fs::remove_file(world.state().join(name));
    }
    fs::remove_dir_all(world.state().join("indexes")).unwrap();
}

fn restores(world: &World, name: &str, options: &[&str]) {
    let to = world.path("restored");
    let restore = ["restore", name, "--to", to.to_str().unwrap()];
    world.ok([&restore[..], options].concat());
    same_trees(&world.path(name), &to);
    remove_tree(&to);
}

#[track_caller]
fn same_records(before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let lost: Vec<_> = before.difference(after).collect();
    let new: Vec<_> = after.difference(before).collect();
    assert!(
        lost.is_empty() && new.is_empty(),
        "lost: {lost:#?}\nnew: {new:#?}"
    );
}

#[test]
fn the_record_comes_back_from_the_cartridges() {
    let world = on_tape();
    let before = record(&world);
    lose_record(&world);
    let report = world.json(["catalogue", "rebuild"]);
    assert!(report["snapshot"].is_string(), "{report:#}");
    assert_eq!(report["problems"], serde_json::json!([]), "{report:#}");
    same_records(&before, &record(&world));
    world.ok(["catalogue", "check"]);
    restores(&world, "letters", &[]);
    restores(&world, "accounts", &["--copy", "2"]);
    // Once more there is nothing left to find.
    let again = world.json(["catalogue", "rebuild"]);
    for what in ["volumes_added", "files_added", "sets_added", "indexes_read"] {
        assert_eq!(again[what], 0, "{again:#}");
    }
    // And work goes on, on other cartridges.
    world.run_job();
    world.return_cartridges();
    restores(&world, "letters", &[]);
}

#[test]
fn labels_and_indexes_are_enough() {
    let world = on_tape();
    lose_record(&world);
    let report = world.json(["catalogue", "rebuild", "--ignore-snapshots"]);
    assert_eq!(report["snapshot"], Value::Null);
    assert_eq!(report["sets_added"], 4, "{report:#}");
    assert_eq!(report["incomplete"], serde_json::json!([]), "{report:#}");
    restores(&world, "letters", &[]);
    restores(&world, "accounts", &["--copy", "2"]);
    let rows = record(&world);
    let rows = rows
        .iter()
        .map(|row| serde_json::from_str::<Value>(row).unwrap());
    let names: BTreeSet<String> = rows
        .filter(|row| row["kind"] == "definition")
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["accounts", "letters"]
    );
    let keys = world.json(["key", "list"]);
    assert_eq!(keys[0]["name"], "site", "{keys:#}");
}

#[test]
fn without_an_identity_sets_are_sealed_until_there_is_one() {
    let world = on_tape();
    lose_record(&world);
    let identity = world.path("envelope");
    fs::rename(world.state().join("keys/site.identity"), &identity).unwrap();
    let report = world.json(["catalogue", "rebuild"]);
    assert_eq!(report["sealed"], 4, "{report:#}");
    assert_eq!(report["indexes_read"], 0);
    let dump = world.ok(["catalogue", "dump"]);
    assert!(!dump.contains("letters"), "{dump}");
    let report = world.json([
        "catalogue",
        "rebuild",
        "--identity",
        identity.to_str().unwrap(),
    ]);
    assert_eq!(report["sealed"], 0, "{report:#}");
    assert_eq!(report["indexes_read"], 4, "{report:#}");
    let options = ["--identity", identity.to_str().unwrap()];
    restores(&world, "letters", &options);
    restores(&world, "accounts", &options);
}

#[test]
fn what_lies_before_an_unreadable_end_is_found() {
    let world = on_tape();
    let before = record(&world);
    let of_kind = |record: &BTreeSet<String>, kind: &str| -> Vec<Value> {
        let rows = record.iter().map(|row| serde_json::from_str(row).unwrap());
        rows.filter(|row: &Value| row["kind"] == kind).collect()
    };
    // Only the cartridges of copy 1 are here, and their last twentieth cannot be read.
    let onsite: Vec<Value> = of_kind(&before, "volume")
        .into_iter()
        .filter(|volume| volume["pool"] == "onsite")
        .collect();
    let cartridges = of_kind(&before, "cartridge");
    let mut faults = Vec::new();
    let mut barcodes = Vec::new();
    let mut committed = BTreeSet::new();
    for volume in &onsite {
        let cartridge = cartridges
            .iter()
            .find(|cartridge| cartridge["id"] == volume["cartridge"])
            .unwrap();
        let barcode = cartridge["barcode"].as_str().unwrap().to_owned();
        let files: Vec<Value> = of_kind(&before, "tape_file")
            .into_iter()
            .filter(|file| file["volume"] == volume["id"])
            .collect();
        let end = |file: &Value| {
            file["first_block"].as_u64().unwrap() + file["blocks"].as_u64().unwrap() + 6
        };
        let last = files.iter().map(end).max().unwrap();
        let bad = last * 95 / 100;
        for record in bad..last {
            for _ in 0..20 {
                faults.push(PlannedFault {
                    at: Place::ReadRecord {
                        cartridge: barcode.clone(),
                        record,
                    },
                    fault: Fault::MediumError,
                });
            }
        }
        // A segment counts with its index part.
        for segment in of_kind(&before, "segment_copy") {
            if segment["volume"] == volume["id"] {
                let number = segment["tape_file"].as_u64().unwrap() + 6;
                let index = files
                    .iter()
                    .find(|file| file["number"].as_u64() == Some(number))
                    .unwrap();
                if end(index) <= bad {
                    committed.insert((
                        segment["set"].as_str().unwrap().to_owned(),
                        segment["segment"].as_u64().unwrap(),
                    ));
                }
            }
        }
        barcodes.push(barcode);
    }
    assert!(committed.len() > 4, "{committed:?}");
    lose_record(&world);
    let operator = Operator::connect(&virtual_folder(&world)).unwrap();
    operator.ask(&Request::SetFaults { faults }).unwrap();
    let mut rebuild = vec![
        "--json".to_owned(),
        "catalogue".to_owned(),
        "rebuild".to_owned(),
    ];
    rebuild.extend(barcodes);
    let output = world.run(rebuild);
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{out}\n{err}");
    let after = record(&world);
    let found: BTreeSet<_> = of_kind(&after, "segment_copy")
        .iter()
        .map(|segment| {
            (
                segment["set"].as_str().unwrap().to_owned(),
                segment["segment"].as_u64().unwrap(),
            )
        })
        .collect();
    let lost: Vec<_> = committed.difference(&found).collect();
    assert!(lost.is_empty(), "{lost:?}\n{out}");
}

#[test]
fn a_bare_host_recovers_from_one_cartridge_and_an_identity() {
    let world = on_tape();
    world.configure("[monthly]\ncopies = [\"onsite\", \"offsite\"]\nretention-days = 400\n");
    world.run_job();
    world.return_cartridges();
    let before = record(&world);
    let dump = world.ok(["catalogue", "dump"]);
    let identity = world.path("envelope");
    fs::copy(world.state().join("keys/site.identity"), &identity).unwrap();
    let library = world.path("library");
    let folder = virtual_folder(&world);
    let operator = Operator::connect(&folder).unwrap();
    operator.ask(&Request::ShutDown).unwrap();
    drop(operator);
    fs::rename(folder, &library).unwrap();
    fs::remove_dir_all(world.state()).unwrap();
    // The cartridge written last, of either copy.
    let volumes: Vec<Value> = dump
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let newest = volumes
        .iter()
        .filter(|row| row["kind"] == "tape_file" && row["kind"] != "directory")
        .max_by_key(|row| row["written_at"].as_str().unwrap().to_owned())
        .unwrap();
    let volume = volumes
        .iter()
        .find(|row| row["kind"] == "volume" && row["id"] == newest["volume"])
        .unwrap();
    let cartridge = volumes
        .iter()
        .find(|row| row["kind"] == "cartridge" && row["id"] == volume["cartridge"])
        .unwrap();
    let recovered = world.json([
        "recover",
        cartridge["barcode"].as_str().unwrap(),
        "--identity",
        identity.to_str().unwrap(),
        "--keep-identity",
        "--virtual",
        library.to_str().unwrap(),
    ]);
    assert_eq!(
        recovered["newest"].as_array().unwrap().len(),
        2,
        "{recovered:#}"
    );
    assert!(recovered["seconds"].is_i64());
    let config = fs::read_to_string(world.state().join("config.toml")).unwrap();
    assert!(config.contains("retention-days = 400"), "{config}");
    assert!(config.contains(library.to_str().unwrap()), "{config}");
    let after = record(&world);
    // What was written after the snapshot on the other cartridge nobody can know yet.
    let sets = ["set", "definition", "key", "segment", "set_copy", "volume"];
    let lost: Vec<_> = before
        .difference(&after)
        .filter(|row| {
            let row: Value = serde_json::from_str(row).unwrap();
            sets.contains(&row["kind"].as_str().unwrap())
        })
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
    // The indexes of the other cartridges come with them.
    world.ok(["catalogue", "rebuild"]);
    restores(&world, "letters", &[]);
    restores(&world, "accounts", &[]);
    world.refuses_to_recover_twice(&identity);
}

/// A set on two cartridges, of which the second, with its index, is here.
#[test]
fn what_is_on_no_cartridge_on_record_is_not_verified() {
    let world = World::with_library("6MiB");
    world.configure(SMALL);
    world.configure("[monthly]\ncopies = [\"onsite\"]\n");
    let source = world.path("letters");
    fs::create_dir(&source).unwrap();
    let noise: Vec<u8> = (0..6 << 20_u32).map(noise).collect();
    fs::write(source.join("noise"), noise).unwrap();
    world.ok(["set", "define", "letters", source.to_str().unwrap()]);
    world.run_job();
    world.return_cartridges();
    let shown = world.json(["set", "show", "letters"]);
    let cartridges = shown["sets"][0]["copies"][0]["cartridges"]
        .as_array()
        .unwrap();
    assert!(cartridges.len() > 1, "{shown:#}");
    let last = cartridges.iter().map(|one| one[0].as_str().unwrap()).max();
    let rebuild = ["catalogue", "rebuild", "--ignore-snapshots", last.unwrap()];
    lose_record(&world);
    let (out, _) = world.exits(3, rebuild);
    assert!(out.contains("on no cartridge that was read"), "{out}");
    let (out, err) = world.exits(1, ["verify", "letters"]);
    assert!(
        err.contains("no cartridge on record") && err.contains("rebuild"),
        "{out}{err}"
    );
    let shown = world.json(["set", "show", "letters"]);
    assert_eq!(shown["sets"][0]["copies"][0]["state"], "incomplete");
}

impl World {
    fn refuses_to_recover_twice(&self, identity: &Path) {
        let (_, err) = self.exits(2, ["recover", "--identity", identity.to_str().unwrap()]);
        assert!(err.contains("has a record already"), "{err}");
    }
}
