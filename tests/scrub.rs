//! Scrubbing: the longest unread first; what is damaged is copied again from the other copy.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/damage.rs"]
mod damage;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use damage::{Action, damage};
use tapeward::catalogue::{Catalogue, CatalogueError, TapeFileKind};
use world::World;

fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure(
        "[stream]\nsegment-size = \"256KiB\"\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n\
         [monthly]\nverify = false\n",
    );
    world.define_data(62, 1 << 20);
    world.ok(["job", "run"]);
    world.return_cartridges();
    world
}

/// Address of the second block of a segment on a cartridge.
fn a_block(world: &World, barcode: &str) -> u64 {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    catalogue
        .read(|view| {
            let volume = view.volume_by_barcode(&barcode.parse().unwrap())?.unwrap();
            let files = view.tape_files(volume.id)?;
            let data = files
                .iter()
                .find(|file| file.kind == TapeFileKind::SegmentData);
            Ok::<_, CatalogueError>(data.unwrap().first_block + 1)
        })
        .unwrap()
}

#[test]
fn volumes_are_read_back_in_turn_and_what_is_damaged_is_copied_again() {
    let world = prepared();
    let plan = world.json(["scrub", "plan"]);
    let volumes = plan["volumes"].as_array().unwrap();
    assert_eq!(volumes.len(), 2, "{plan:#}");
    assert_eq!(volumes[0]["due"], false);
    assert!(
        volumes[0]["reason"]
            .as_str()
            .unwrap()
            .contains("never read back")
    );
    // By plan nothing is due yet.
    assert!(
        world
            .ok(["scrub", "run"])
            .contains("Nothing was to be read back")
    );
    let first = volumes[0]["barcode"].as_str().unwrap().to_owned();
    world.ok(["scrub", "run", "--volumes", "1"]);
    let plan = world.json(["scrub", "plan"]);
    // The other one waits longer now.
    assert_eq!(plan["volumes"][1]["barcode"], first.as_str());
    assert!(
        plan["volumes"][1]["reason"]
            .as_str()
            .unwrap()
            .starts_with("read back 20")
    );

    let other = plan["volumes"][0]["barcode"].as_str().unwrap().to_owned();
    let block = a_block(&world, &other);
    damage(&world, &other, &[(block, Action::Corrupt)]);
    let refusal = world.stops(1, ["scrub", "run", "--volumes", "1"]);
    refusal.says(&["1 segment is not", "copy list"]);
    let tasks = world.json(["copy", "list"]);
    assert_eq!(tasks[0]["reason"], "damaged", "{tasks:#}");
    assert!(tasks[0]["note"].as_str().unwrap().contains(&other));
    world.ok(["copy", "run", "--all"]);
    assert_eq!(world.json(["copy", "list"]), serde_json::json!([]));
    world.both_copies_restore();
    world.ok(["scrub", "run", "--hours", "1"]);
}

#[test]
fn what_is_elsewhere_is_named_and_the_configuration_says_what_is_due() {
    let world = prepared();
    world.configure("[scrub]\nevery-days = 0\nhours-per-month = 1\n");
    world.ok(["library", "eject", "TWV002L8"]);
    world.ok(["sim", "remove", "TWV002L8"]);
    let out = world.ok(["scrub", "run", "--files"]);
    assert!(out.contains("TWV001L8: as they were written"), "{out}");
    assert!(
        out.contains("TWV002L8 (outside) is due and not in the library"),
        "{out}"
    );
}
