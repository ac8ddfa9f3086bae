//! Pools with blocks of their own size: written at once, read back from each, appended to as they
//! are, and refused where a drive does not take them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::process::Command;

use dump::{Dump, column};
use serde_json::Value;
use tapeward::catalogue::Catalogue;
use world::{World, same_trees};

const SMALL: u64 = 64 << 10;
const LARGE: u64 = 1 << 20;

/// Small blocks on one copy, large ones on the other, a set of several segments.
fn prepared() -> World {
    let world = World::with_library("128MiB");
    world.configure(
        "[stream]\nsegment-size = \"3MiB\"\nring-size = \"4MiB\"\n\
         [pool.onsite]\nblock-size = \"64KiB\"\n[pool.offsite]\nblock-size = \"1MiB\"\n",
    );
    let source = world.path("source");
    seeded::make_tree(&source, 41, 8 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world
}

/// The cartridge of each copy of the newest set.
fn cartridges(world: &World) -> Vec<String> {
    let shown = world.json(["set", "show", "data"]);
    let sets = shown["sets"].as_array().unwrap();
    let copies = sets.last().unwrap()["copies"].as_array().unwrap();
    let first = |copy: &Value| copy["cartridges"][0][0].as_str().unwrap().to_owned();
    copies.iter().map(first).collect()
}

fn block_size(world: &World, barcode: &str) -> u64 {
    let shown = world.json(["media", "show", barcode]);
    shown["volume"]["block_size"].as_u64().unwrap()
}

#[track_caller]
fn restores(world: &World) {
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("source"), &back);
    fs::remove_dir_all(back).unwrap();
}

/// Every data file of a cartridge has blocks of this size but the last, and its labels say so.
fn check_blocks(dump: &Dump, size: u64) {
    for (file, kind) in dump.kinds() {
        let labels = dump.labels(file);
        let label = |name: &str| labels.iter().find(|label| label.starts_with(name)).unwrap();
        let told: u64 = column(label("UHL1"), 49, 58).parse().unwrap();
        assert_eq!(told, size, "{kind} in {file}");
        let length = if size > 99_999 { 0 } else { size };
        assert_eq!(column(label("HDR2"), 6, 10), format!("{length:05}"));
        let runs = dump.blocks[file + 1]["blocks"].as_array().unwrap();
        let number = |run: &Value, name: &str| run[name].as_u64().unwrap();
        let blocks: Vec<u64> = runs
            .iter()
            .flat_map(|run| (0..number(run, "count")).map(|_| number(run, "length")))
            .collect();
        let (last, full) = blocks.split_last().unwrap();
        let whole = full.iter().all(|length| *length == size);
        assert!(whole && *last <= size && *last > 0, "{kind} {blocks:?}");
        let trailer = dump.labels(file + 2);
        let counted: usize = column(&trailer[3], 57, 68).parse().unwrap();
        assert_eq!(counted, blocks.len(), "{kind}");
    }
}

#[test]
fn copies_in_blocks_of_other_sizes_are_the_same_bytes_and_each_restores_alone() {
    let world = prepared();
    world.ok(["job", "run"]);
    let both = cartridges(&world);
    assert_eq!(block_size(&world, &both[0]), SMALL);
    assert_eq!(block_size(&world, &both[1]), LARGE);
    let (small, large) = (Dump::take(&world, &both[0]), Dump::take(&world, &both[1]));
    check_blocks(&small, SMALL);
    check_blocks(&large, LARGE);
    let pairs = || small.segments().into_iter().zip(large.segments());
    assert!(small.segments().len() > 2);
    assert_eq!(small.segments().len(), large.segments().len());
    for (one, other) in pairs() {
        assert_eq!(one.part, other.part);
        assert!(fs::read(&one.path).unwrap() == fs::read(&other.path).unwrap());
        assert!(one.part.get("block_size").is_none());
    }
    world.return_cartridges();
    for (without, other) in both.iter().zip(["2", "1"]) {
        world.ok(["library", "eject", without]);
        world.ok(["sim", "remove", without]);
        restores(&world);
        world.ok(["verify", "data", "--content", "--copy", other]);
        world.return_cartridges();
    }
    // By hand: the kit says which blocks to read.
    let kit = world.path("kit");
    world.ok(["kit", "export", kit.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&dump::all_bytes(&kit)).into_owned();
    for size in [SMALL, LARGE] {
        assert!(text.contains(&size.to_string()), "no {size} in the kit");
    }
}

#[test]
fn the_kits_script_reads_either_copy() {
    let world = prepared();
    world.ok(["job", "run"]);
    let kit = world.path("kit");
    world.ok(["kit", "export", kit.to_str().unwrap()]);
    let installed = |program: &str| {
        let found = Command::new("which").arg(program).output().unwrap();
        found.status.success()
    };
    if !(installed("age") && installed("xxhsum")) {
        assert!(
            std::env::var_os("CI").is_none(),
            "age and xxhsum are needed"
        );
        println!("age or xxhsum is not installed: the kit was not tried");
        return;
    }
    for barcode in cartridges(&world) {
        let tapes = world.path(&format!("tapes-{barcode}"));
        fs::create_dir(&tapes).unwrap();
        fs::rename(Dump::take(&world, &barcode).folder, tapes.join(&barcode)).unwrap();
        let back = world.path(&format!("back-{barcode}"));
        let output = Command::new("sh")
            .arg(kit.join("restore.sh"))
            .args(["get", "data", back.to_str().unwrap()])
            .env("TAPES", &tapes)
            .env("IDENTITY", world.state().join("keys/site.identity"))
            .env("WORK", &kit)
            .output()
            .unwrap();
        let (out, err) = world::texts(&output);
        assert!(output.status.success(), "{out}\n{err}");
        same_trees(&world.path("source"), &back);
    }
}

#[test]
fn a_volume_keeps_its_block_size_and_new_ones_get_the_new_one() {
    let world = prepared();
    world.configure("[monthly]\ncopies = [\"onsite\"]\neject = false\n");
    world.ok(["job", "run"]);
    let first = cartridges(&world).remove(0);
    world.configure("[pool.onsite]\nblock-size = \"128KiB\"\n");
    world.ok(["job", "run"]);
    assert_eq!(cartridges(&world), std::slice::from_ref(&first));
    assert_eq!(block_size(&world, &first), SMALL);
    check_blocks(&Dump::take(&world, &first), SMALL);
    restores(&world);
    world.ok(["media", "label", "TWV009L8", "--pool", "onsite"]);
    assert_eq!(block_size(&world, "TWV009L8"), 128 << 10);
}

#[test]
fn what_one_drive_could_not_write_is_copied_to_blocks_of_another_size() {
    let world = prepared();
    // The second copy has no cartridge of its own yet when the first is complete.
    world.configure("[monthly]\ncopies = [\"onsite\", \"offsite\"]\neject = false\n");
    let drives = world.json(["drive", "status"]);
    let serial = drives[1]["serial"].as_str().unwrap().to_owned();
    world.ok(["health", "quarantine", &serial]);
    world.ok(["job", "run"]);
    let both = cartridges(&world);
    assert_eq!(block_size(&world, &both[0]), SMALL);
    assert_eq!(block_size(&world, &both[1]), LARGE);
    check_blocks(&Dump::take(&world, &both[1]), LARGE);
    world.ok(["library", "eject", &both[0]]);
    world.ok(["sim", "remove", &both[0]]);
    restores(&world);
}

#[test]
fn the_record_comes_back_from_tapes_with_other_block_sizes() {
    let world = prepared();
    world.ok(["job", "run"]);
    world.return_cartridges();
    for name in ["catalogue.db", "catalogue.db-wal", "catalogue.db-shm"] {
        let _ = fs::remove_file(world.state().join(name));
    }
    world.ok(["catalogue", "rebuild"]);
    let both = cartridges(&world);
    assert_eq!(block_size(&world, &both[0]), SMALL);
    assert_eq!(block_size(&world, &both[1]), LARGE);
    restores(&world);
}

/// A library whose drives take blocks of 512 KiB at most.
fn limited() -> World {
    let world = World::new();
    let library = world.path("library");
    let dir = library.to_str().unwrap();
    let create = [
        "sim",
        "create",
        dir,
        "--cartridges",
        "4",
        "--cartridge-size",
        "64MiB",
    ];
    world.ok([&create[..], &["--longest-block", "512KiB"]].concat());
    world.ok(["init"]);
    world.configure(&format!(
        "[library.main]\nkind = \"virtual\"\npath = \"{dir}\"\n\
         [monthly]\ncopies = [\"onsite\"]\n[pool.films]\nblock-size = \"1MiB\"\n\
         [pool.onsite]\nblock-size = \"512KiB\"\n"
    ));
    world.ok(["key", "create", "site"]);
    world.ok(["media", "add", "--from-library"]);
    let source = world.path("source");
    seeded::make_tree(&source, 3, 1 << 20);
    world
}

#[test]
fn a_pool_with_longer_blocks_than_a_drive_takes_is_refused_before_anything_moves() {
    let world = limited();
    let source = world.path("source");
    let define = ["set", "define", "films", source.to_str().unwrap()];
    world.ok([&define[..], &["--copy", "films"]].concat());
    let before = world.json(["library", "status"]);
    for command in [
        &["job", "run"][..],
        &["media", "label", "TWV001L8", "--pool", "films"],
    ] {
        let (_, err) = world.exits(2, command);
        for word in [
            "pool films",
            "1 MiB",
            "serial",
            "at most 512 KiB",
            "[pool.films]",
        ] {
            assert!(err.contains(word), "no {word} in {err}");
        }
    }
    assert_eq!(world.json(["library", "status"]), before);
    assert_eq!(world.json(["job", "list"]).as_array().unwrap().len(), 0);
    // What the drive takes just so is written, after one trial, which is on record.
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok(define);
    world.ok(["job", "run", "--set", "data"]);
    let record = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let limits = record.read(|view| view.block_limits()).unwrap();
    assert_eq!(limits.len(), 1, "{limits:?}");
    assert_eq!(limits[0].device, Some(512 << 10));
    assert_eq!(limits[0].tried, Some(512 << 10));
    assert_eq!(limits[0].refused, None);
    world.return_cartridges();
    restores(&world);
}

#[test]
fn the_doctor_tells_the_longest_block() {
    let world = limited();
    let (out, err) = world.exits(0, ["doctor", "--scratch", "TWV004L8", "--yes"]);
    assert!(
        out.contains("through this path up to 512 KiB"),
        "{out}\n{err}"
    );
}
