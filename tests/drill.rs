//! Drills: drawn by lot, restored to nowhere, on record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/damage.rs"]
mod damage;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fmt::Write;
use std::fs;

use damage::{Action, damage};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tapeward::catalogue::{Catalogue, CatalogueError, RunState, TapeFileKind};
use tapeward::id::RunId;
use tapeward::index::IndexReader;
use world::{World, texts};

const SEED: &str = "4 8 15 16 23 42";

/// A set of some files on two cartridges.
fn prepared() -> World {
    let world = World::with_library("64MiB");
    let source = world.path("source");
    let mut random = seeded::Seeded::new(7);
    for number in 0..20 {
        let folder = source.join(format!("d{}", number % 3));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("f{number:02}")), random.bytes(50_000)).unwrap();
    }
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.ok(["job", "run"]);
    world.return_cartridges();
    world
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The draw computed by the rule as it is published.
fn computed(world: &World, volume: &str, set: &str) -> Vec<String> {
    let indexes = fs::read_dir(world.state().join("indexes")).unwrap();
    let mut lots = Vec::new();
    for entry in indexes {
        let index = IndexReader::open(&entry.unwrap().path()).unwrap();
        for entry in index.entries() {
            let entry = entry.unwrap();
            if entry.digest.is_some() {
                let path = String::from_utf8(entry.path).unwrap();
                let text = format!("{SEED}\n{volume}\n{set}\n{path}");
                lots.push((hex(&Sha256::digest(text)), path));
            }
        }
    }
    lots.sort();
    lots.into_iter().map(|(_, path)| path).take(3).collect()
}

fn barcodes(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["barcode"].as_str().unwrap()).collect()
}

/// What the journal says of a run, by kind.
fn journal(world: &World, run: &str) -> Vec<String> {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let run: RunId = run.parse().unwrap();
    let rows = catalogue.read(|view| view.journal_of_run(run)).unwrap();
    rows.iter().map(|row| format!("{row:?}")).collect()
}

fn count(rows: &[String], text: &str) -> usize {
    rows.iter().filter(|row| row.contains(text)).count()
}

#[test]
fn a_draw_can_be_computed_again_and_its_proof_is_on_record() {
    let world = prepared();
    let plan = ["drill", "plan", "--seed", SEED, "--files", "3"];
    let draw = world.json(plan);
    assert_eq!(world.json(plan), draw);
    let lines = draw["volumes"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "{draw:#}");
    for line in lines {
        assert_eq!(line["proved_at"], Value::Null);
        let files = line["files"].as_array().unwrap();
        let paths: Vec<&str> = files
            .iter()
            .map(|file| file["path"].as_str().unwrap())
            .collect();
        let set = files[0]["set"].as_str().unwrap();
        let volume = line["volume"].as_str().unwrap();
        assert_eq!(paths, computed(&world, volume, set), "{line:#}");
    }
    // Planning records nothing.
    assert_eq!(world.json(["drill", "list"]), serde_json::json!([]));

    let run = [
        "drill",
        "run",
        "--seed",
        SEED,
        "--files",
        "3",
        "--volumes",
        "1",
    ];
    let report = world.json(run);
    assert_eq!(report["tested"][0]["restored"], 3, "{report:#}");
    assert_eq!(report["tested"][0]["problems"], serde_json::json!([]));
    let first = lines[0]["barcode"].as_str().unwrap();
    assert_eq!(barcodes(&report["tested"]), [first]);
    let entries = journal(&world, report["run"].as_str().unwrap());
    assert_eq!(count(&entries, "drill_drawn"), 1, "{entries:?}");
    assert_eq!(count(&entries, "drill_read"), 1, "{entries:?}");
    let audit = world.run(["--json", "key", "audit"]);
    let audit: Value = serde_json::from_str(&texts(&audit).0).unwrap();
    for volume in audit["volumes"].as_array().unwrap() {
        let proved = if volume["barcode"] == first {
            "drill".into()
        } else {
            Value::Null
        };
        assert_eq!(volume["keys"][0]["proved_by"], proved, "{audit:#}");
    }
    // The other one waits longer now.
    let again = world.json(run);
    assert_ne!(barcodes(&again["tested"]), [first]);
    let list = world.json(["drill", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[1]["draw"]["seed"], SEED);
    assert_eq!(list[1]["tested"][0]["restored"], 3, "{list:#}");
    assert!(world.ok(["drill", "list"]).contains(SEED));
}

#[test]
fn what_a_person_must_bring_is_on_record_and_then_it_goes_on() {
    let world = prepared();
    world.ok(["library", "eject", "TWV001L8"]);
    world.ok(["sim", "remove", "TWV001L8"]);
    let refusal = world.stops(20, ["drill", "run", "--seed", SEED]);
    refusal.says(&["TWV001L8", "outside", "drill run --resume"]);
    assert!(
        refusal.out.contains("TWV002L8: 5 of 5 files"),
        "{refusal:#?}"
    );
    let list = world.json(["drill", "list"]);
    assert_eq!(list[0]["state"], "waiting", "{list:#}");
    let note = list[0]["note"].as_str().unwrap();
    assert!(note.contains("TWV001L8 (outside): bring it"), "{note}");
    let run = list[0]["run"].as_str().unwrap().to_owned();
    // It keeps nobody from anything.
    let here = ["drill", "run", "--here", "--seed", "else"];
    assert_eq!(barcodes(&world.json(here)["tested"]), ["TWV002L8"]);
    let refusal = world.stops(20, ["drill", "run", "--resume", &run]);
    refusal.says(&["TWV001L8"]);
    let again = world.json(["drill", "list"])[0]["run"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .refuses(2, ["drill", "run", "--resume", &run])
        .says(&["waits for"]);
    world.return_cartridges();
    let report = world.json(["drill", "run", "--resume", &again]);
    assert_eq!(barcodes(&report["tested"]), ["TWV001L8"]);
    assert_eq!(report["tested"][0]["restored"], 5, "{report:#}");
    // The same draw, whatever else was drilled meanwhile.
    let list = world.json(["drill", "list"]);
    let drawn = |drill: &Value| {
        let lines = drill["draw"]["volumes"].as_array().unwrap();
        lines
            .iter()
            .find(|line| line["barcode"] == "TWV001L8")
            .cloned()
    };
    let of = |id: &str| {
        let all = list.as_array().unwrap().iter();
        all.clone()
            .find(|drill| drill["run"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(drawn(&list[0]), drawn(&of(&run)));
    let all = list.as_array().unwrap();
    assert!(
        all.iter()
            .all(|drill| drill["state"] == RunState::Done.to_string()),
        "{list:#}"
    );
}

#[test]
fn without_an_identity_it_is_a_task_for_whoever_has_one() {
    let world = prepared();
    let kept = world.state().join("keys/site.identity");
    let taken = world.path("taken");
    fs::rename(&kept, &taken).unwrap();
    let refusal = world.stops(20, ["drill", "run", "--volumes", "1"]);
    refusal.says(&["TWV00", "encrypted to", "drill run --resume", "--identity"]);
    let list = world.json(["drill", "list"]);
    assert_eq!(list[0]["state"], "waiting", "{list:#}");
    let run = list[0]["run"].as_str().unwrap();
    let identity = taken.to_str().unwrap();
    let report = world.json(["drill", "run", "--resume", run, "--identity", identity]);
    assert_eq!(report["tested"][0]["restored"], 5, "{report:#}");
}

/// The other copy has it, and that does not help: what is asked is whether this tape can be read.
#[test]
fn what_does_not_come_back_is_named() {
    let world = prepared();
    let draw = world.json(["drill", "plan", "--volumes", "1"]);
    let barcode = draw["volumes"][0]["barcode"].as_str().unwrap();
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let blocks = catalogue
        .read(|view| {
            let volume = view.volume_by_barcode(&barcode.parse().unwrap())?.unwrap();
            let files = view.tape_files(volume.id)?.into_iter();
            let data = files.filter(|file| file.kind == TapeFileKind::SegmentData);
            let blocks = data.flat_map(|file| file.first_block + 1..file.first_block + file.blocks);
            Ok::<_, CatalogueError>(blocks.collect::<Vec<u64>>())
        })
        .unwrap();
    drop(catalogue);
    let actions: Vec<_> = blocks
        .into_iter()
        .map(|block| (block, Action::Corrupt))
        .collect();
    damage(&world, barcode, &actions);
    let refusal = world.stops(1, ["drill", "run", "--files", "200", "--volumes", "1"]);
    refusal.says(&["did not come back"]);
    assert!(refusal.out.contains("problem: "), "{refusal:#?}");
    let list = world.json(["drill", "list"]);
    let tested = &list[0]["tested"][0];
    assert!(
        tested["restored"].as_u64() < tested["files"].as_u64(),
        "{list:#}"
    );
}
