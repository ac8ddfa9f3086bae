//! A record that an earlier version of the program wrote.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::fs;

use world::World;

/// Written by the program when the schema had version 1, then frozen.
const VERSION_1: &str = include_str!("data/catalogue_1.sql");

fn version(world: &World) -> i64 {
    let record = rusqlite::Connection::open(world.state().join("catalogue.db")).unwrap();
    record
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// A world whose record is this one.
fn with_record(sql: &str) -> World {
    let world = World::new();
    world.ok(["init"]);
    for end in ["", "-wal", "-shm"] {
        let path = world.state().join(format!("catalogue.db{end}"));
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    let record = rusqlite::Connection::open(world.state().join("catalogue.db")).unwrap();
    record.execute_batch(sql).unwrap();
    world
}

#[test]
fn a_record_of_version_1_is_brought_up_to_date_and_tells_the_same() {
    let world = with_record(VERSION_1);
    assert_eq!(version(&world), 1);

    let media = world.json(["media", "list"]);
    let media = media.as_array().unwrap();
    assert_eq!(media.len(), 20);
    let filling: Vec<_> = media
        .iter()
        .filter(|row| row["content"] == "filling")
        .map(|row| row["barcode"].as_str().unwrap())
        .collect();
    assert_eq!(filling, ["TWV001L8", "TWV002L8"]);
    assert!(version(&world) > 1);

    let shown = world.ok(["set", "show", "data"]);
    for words in [
        "complete: 4 members",
        "copy 1 (onsite), verified: TWV001L8 (outside)",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    // What the robot has not said since, only its address is known of.
    assert!(shown.contains("TWV002L8 (mail slot @770)"), "{shown}");
    let job = world.ok(["job", "show", "last"]);
    assert!(
        job.contains("barcode TWV001L8, from @1025, to @258"),
        "{job}"
    );
    assert_eq!(world.json(["job", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(world.json(["key", "list"]).as_array().unwrap().len(), 1);
    // And it can be written to.
    world.ok(["media", "add", "TWV021L8"]);
    world.ok(["key", "create", "second"]);
}
