//! Copies after the job: lost, replaced, taken out of use, joined. What counts is on tape twice
//! again before anything goes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/later.rs"]
mod later;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;

use chrono::{TimeDelta, Utc};
use later::Later;
use serde_json::Value;
use tapeward::catalogue::{Catalogue, CatalogueError, ContentState};
use tapeward::error::Error;
use world::{World, same_trees};

const LOST: [&str; 4] = ["--due", "2031-01-31", "--reason", "fell off the van"];

fn lose(barcode: &str) -> Vec<&str> {
    [&["copy", "lost", barcode][..], &LOST].concat()
}

fn catalogue(world: &World) -> Catalogue {
    Catalogue::open(&world.state().join("catalogue.db")).unwrap()
}

/// State and cartridges of each copy of the newest set of a definition.
fn copies(world: &World, set: &str) -> Vec<(String, Vec<String>)> {
    let shown = world.json(["set", "show", set]);
    let sets = shown["sets"].as_array().unwrap();
    let copies = sets[0]["copies"].as_array().unwrap();
    copies
        .iter()
        .map(|copy| {
            let cartridges = copy["cartridges"].as_array().unwrap().iter();
            let barcodes = cartridges.map(|one| one[0].as_str().unwrap().to_owned());
            (
                copy["state"].as_str().unwrap().to_owned(),
                barcodes.collect(),
            )
        })
        .collect()
}

fn content(world: &World, barcode: &str) -> String {
    let shown = world.json(["media", "show", barcode]);
    shown["content"].as_str().unwrap().to_owned()
}

fn tasks(world: &World) -> Vec<Value> {
    let listed = world.json(["copy", "list"]);
    listed.as_array().unwrap().clone()
}

#[test]
fn a_lost_cartridge_is_copied_again_from_the_other_copy() {
    let world = World::with_set_on_tape();
    world.ok(["library", "eject", "TWV002L8"]);
    world.ok(["sim", "remove", "TWV002L8"]);
    let out = world.ok(lose("TWV002L8"));
    assert!(out.contains("1 task is open"), "{out}");
    // It stops counting at once.
    assert_eq!(copies(&world, "data")[1], ("incomplete".to_owned(), vec![]));
    assert_eq!(content(&world, "TWV002L8"), "quarantined");
    assert!(world.ok(["media", "show", "TWV002L8"]).contains("missing"));
    let open = tasks(&world);
    assert_eq!(open[0]["reason"], "lost");
    assert_eq!(open[0]["due"], "2031-01-31");

    let plan = world.json(["copy", "plan"]);
    assert_eq!(plan["tasks"][0]["sources"][0]["barcode"], "TWV001L8");
    assert_eq!(plan["pools"][0]["pool"], "offsite");
    assert_eq!(plan["pools"][0]["cartridges"], 1);
    let out = world.ok(["copy", "run", "--all"]);
    assert!(out.contains("written and read back"), "{out}");
    assert_eq!(tasks(&world), Vec::<Value>::new());
    let now = copies(&world, "data");
    assert_eq!(now[1].0, "verified");
    assert_ne!(now[1].1, now[0].1);
    world.both_copies_restore();
    assert!(world.ok(["copy", "list", "--all"]).contains("done"));
    world.ok(["copy", "run", "--all"]);
}

#[test]
fn losing_the_last_copy_is_said_out_loud() {
    let world = World::with_set_on_tape();
    world.ok(lose("TWV002L8"));
    let refusal = world.stops(20, lose("TWV001L8"));
    refusal.says(&["LAST GOOD COPY", "data", "no copy"]);
    assert_eq!(tasks(&world).len(), 2);
    let refusal = world.stops(20, ["copy", "run", "--all"]);
    refusal.says(&["LAST GOOD COPY"]);
    assert_eq!(tasks(&world).len(), 2);
    // It turns up, is read back, and everything is made whole from it.
    world.ok(["verify", "data", "--copy", "1"]);
    assert_eq!(tasks(&world).len(), 1);
    world.ok(["copy", "run", "--all"]);
    world.both_copies_restore();
}

#[test]
fn the_last_copy_neither_expires_nor_is_written_over_while_a_task_is_open() {
    let world = World::with_set_on_tape();
    world.ok(lose("TWV002L8"));
    let later = Utc::now() + TimeDelta::days(4000);
    let catalogue = catalogue(&world);
    let (set, volume) = catalogue
        .read(|view| {
            let volume = view
                .volume_by_barcode(&"TWV001L8".parse().unwrap())?
                .unwrap();
            let sole = view.sole_copies()?;
            assert!(sole.iter().all(|copy| copy.volume == volume.id) && !sole.is_empty());
            Ok::<_, CatalogueError>((view.sets()?[0].id, volume.id))
        })
        .unwrap();
    let expire =
        || catalogue.write(|tx| tx.set_content(volume, ContentState::Expired, later, "late", None));
    assert!(matches!(expire(), Err(CatalogueError::LastCopy { .. })));
    let end = catalogue.write(|tx| tx.expire_set(set, later));
    assert!(matches!(end, Err(CatalogueError::TaskOpen { .. })));
    let open = tasks(&world);
    let id = open[0]["id"].as_str().unwrap();
    world.ok(["copy", "cancel", id, "--reason", "not worth it"]);
    let listed = world.ok(["copy", "list", "--all"]);
    assert!(listed.contains("cancelled by") && listed.contains("not worth it"));
    world.refuses(2, ["copy", "cancel", id, "--reason", "again"]);
    expire().unwrap();
    catalogue.write(|tx| tx.expire_set(set, later)).unwrap();
}

#[test]
fn a_refreshed_cartridge_counts_until_the_new_one_was_read_back() {
    let world = World::with_set_on_tape();
    let out = world.ok(["copy", "refresh", "TWV001L8", "--pool", "new"]);
    assert!(out.contains("refresh"), "{out}");
    assert_eq!(copies(&world, "data")[0].1, ["TWV001L8"]);
    world.both_copies_restore();
    world.ok(["copy", "run", "--all"]);
    let now = copies(&world, "data");
    assert_eq!(now[0].0, "verified");
    assert_ne!(now[0].1, ["TWV001L8"]);
    let shown = world.json(["media", "show", &now[0].1[0]]);
    assert_eq!(shown["volume"]["pool"], "new");
    assert_eq!(content(&world, "TWV001L8"), "retired");
    let label = ["media", "label", "TWV001L8", "--pool", "onsite"];
    world.refuses(1, label).says(&["retired"]);
    world.both_copies_restore();
    let refusal = world.refuses(2, ["copy", "refresh", "TWV001L8"]);
    refusal.says(&["nothing that must be kept"]);
}

#[test]
fn a_volume_that_was_held_retires_when_what_was_held_is_elsewhere() {
    let world = World::with_set_on_tape();
    catalogue(&world)
        .write(|tx| {
            let volume = tx.volume_by_barcode(&"TWV001L8".parse().unwrap())?.unwrap();
            tx.set_content(volume.id, ContentState::Full, Utc::now(), "full", None)
        })
        .unwrap();
    world.ok(["set", "hold", "data", "--reason", "case 7"]);
    assert_eq!(content(&world, "TWV001L8"), "held");
    world.ok(["copy", "refresh", "TWV001L8"]);
    world.ok(["copy", "run", "--all"]);
    assert_eq!(content(&world, "TWV001L8"), "retired");
    world.both_copies_restore();
}

#[test]
fn with_one_drive_copies_go_by_way_of_the_disk() {
    let world = World::with_model("autoloader", "16MiB");
    world.configure(
        "[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n[monthly]\neject = false\n",
    );
    world.define_data(33, 3 << 20);
    world.ok(["job", "run"]);
    let old = copies(&world, "data")[1].1[0].clone();
    world.ok(["copy", "refresh", &old]);
    world.ok(["copy", "run", "--all"]);
    assert_ne!(copies(&world, "data")[1].1[0], old);
    assert_eq!(content(&world, &old), "retired");
    world.both_copies_restore();
    let spool = world.state().join("spool");
    assert_eq!(fs::read_dir(spool).unwrap().count(), 0);
}

#[test]
fn what_is_on_a_quarantined_cartridge_is_to_be_copied() {
    let world = World::with_set_on_tape();
    let quarantine = |barcode| ["health", "quarantine", barcode, "--reason", "dropped"];
    let out = world.ok(quarantine("TWV001L8"));
    assert!(out.contains("a task"), "{out}");
    assert_eq!(tasks(&world)[0]["reason"], "quarantined");
    // In use again: nothing is to be done.
    world.ok(["health", "release", "TWV001L8"]);
    assert_eq!(tasks(&world).len(), 0);
    world.ok(quarantine("TWV001L8"));
    // Now both copies are doubtful.
    let refusal = world.stops(20, quarantine("TWV002L8"));
    refusal.says(&["LAST GOOD COPY", "doubtful"]);
    world.ok(["copy", "run", "--all"]);
    let now = copies(&world, "data");
    assert!(
        now.iter().all(|(state, barcodes)| {
            state == "verified" && barcodes != &["TWV001L8"] && barcodes != &["TWV002L8"]
        }),
        "{now:?}"
    );
    assert_eq!(content(&world, "TWV001L8"), "retired");
    world.both_copies_restore();
}

#[test]
fn what_is_left_on_a_volume_is_joined_with_others() {
    let world = World::with_library("6MiB");
    world.configure(
        "[monthly]\ncopies = [\"onsite\"]\n[stream]\nsegment-size = \"512KiB\"\n\
         block-size = \"16KiB\"\nring-size = \"64KiB\"\n",
    );
    for (name, seed) in [("gone", 1), ("kept", 2)] {
        let source = world.path(name);
        seeded::make_tree(&source, seed, 4 << 20);
        world.ok(["set", "define", name, source.to_str().unwrap()]);
    }
    world.run_job();
    world.return_cartridges();
    let before = copies(&world, "kept")[0].1.clone();
    let shared = copies(&world, "gone")[0].1.last().unwrap().clone();
    assert!(before.contains(&shared), "{before:?} {shared}");
    assert!(before.len() > 1, "{before:?}");
    let nothing = world.ok(["copy", "consolidate", "--plan"]);
    assert!(nothing.contains("would free no cartridge"), "{nothing}");
    // Nothing of the first set must be kept any more.
    let later = Utc::now() + TimeDelta::days(4000);
    catalogue(&world)
        .write(|tx| {
            let set = tx.sets()?;
            let old = tx.definition_by_name("gone")?.unwrap().id;
            let set = set.iter().find(|set| set.definition == old).unwrap();
            tx.expire_set(set.id, later)?;
            Ok::<_, Error>(())
        })
        .unwrap();
    let plan = world.json(["copy", "consolidate", "--below", "90", "--plan"]);
    assert_eq!(
        plan[0]["emptied"][0]["barcode"],
        shared.as_str(),
        "{plan:#}"
    );
    world.ok(["copy", "consolidate", "--below", "90"]);
    world.ok(["copy", "run", "--all"]);
    let after = copies(&world, "kept")[0].1.clone();
    assert!(!after.contains(&shared), "{after:?}");
    let back = world.path("back");
    world.ok(["restore", "kept", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("kept"), &back);
    // What may go may be written over.
    Later::days(&world, 4000).label(&shared).unwrap();
}

#[test]
fn a_copy_without_cartridges_is_made_when_there_are_some() {
    // With one drive the second copy comes after the first, from tape.
    let world = World::new();
    let library = world.path("library");
    let dir = library.to_str().unwrap();
    let create = [
        "sim",
        "create",
        dir,
        "--model",
        "autoloader",
        "--cartridges",
        "3",
    ];
    world.ok([&create[..], &["--cartridge-size", "64MiB"]].concat());
    world.ok(["init"]);
    world.configure(&format!(
        "[library.small]\nkind = \"virtual\"\npath = \"{dir}\"\n[monthly]\neject = false\n"
    ));
    world.ok(["key", "create", "site"]);
    let status = world.json(["library", "status"]);
    let places = status["places"].as_array().unwrap().iter();
    let mut barcodes = places.filter_map(|place| place["barcode"].as_str());
    world.ok(["media", "add", barcodes.next().unwrap()]);
    world.define_data(9, 1 << 20);
    world
        .stops(20, ["job", "run"])
        .says(&["cartridge that copy 2"]);
    let runs = world.json(["job", "list"]);
    let id = runs[0]["id"].as_str().unwrap();
    world
        .refuses(2, ["copy", "run", "--all"])
        .says(&["not finished"]);
    world.ok(["job", "abandon", id]);
    assert_eq!(tasks(&world)[0]["reason"], "behind");
    world
        .stops(20, ["copy", "run", "--all"])
        .says(&["1 task is not done"]);
    world.ok(["media", "add", "--from-library"]);
    world.ok(["copy", "run", "--all"]);
    world.both_copies_restore();
}

/// The newest snapshot on tape is from before the new copies were read back.
#[test]
fn a_record_rebuilt_after_a_refresh_knows_all_of_it() {
    let world = World::with_set_on_tape();
    world.ok(["copy", "refresh", "TWV001L8"]);
    world.ok(["copy", "run", "--all"]);
    for name in ["catalogue.db", "catalogue.db-wal", "catalogue.db-shm"] {
        let _ = fs::remove_file(world.state().join(name));
    }
    fs::remove_dir_all(world.state().join("indexes")).unwrap();
    world.ok(["catalogue", "rebuild"]);
    world.both_copies_restore();
    world.ok(["copy", "run", "--all"]);
    assert_eq!(tasks(&world), Vec::<Value>::new());
    world.ok(["verify", "data"]);
    world.both_copies_restore();
}

#[test]
fn what_is_elsewhere_is_asked_for() {
    let world = World::with_set_on_tape();
    for barcode in ["TWV001L8", "TWV002L8"] {
        world.ok(["library", "eject", barcode]);
        world.ok(["sim", "remove", barcode]);
    }
    world.ok(["copy", "refresh", "TWV002L8"]);
    let refusal = world.stops(20, ["copy", "run", "--all"]);
    assert!(
        refusal.before.contains("not in the library: TWV001L8"),
        "{refusal:#?}"
    );
    world.return_cartridges();
    world.ok(["copy", "run", "--all"]);
    world.both_copies_restore();
}

#[test]
fn what_makes_no_sense_is_named() {
    let world = World::with_set_on_tape();
    world
        .refuses(2, lose("NOPE01L8"))
        .says(&["NOPE01L8", "media list"]);
    world
        .refuses(2, lose("TWV005L8"))
        .says(&["TWV005L8", "no volume"]);
    let run = ["copy", "run", "01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b"];
    world.refuses(2, run).says(&["no re-copy task"]);
    world
        .refuses(2, ["copy", "consolidate", "--below", "0"])
        .says(&["1 to 100"]);
    let out = world.ok(["copy", "run", "--all"]);
    assert!(out.contains("Nothing is to be copied"), "{out}");
}
