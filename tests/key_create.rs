//! `key create` killed, and other people's files.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use world::World;

/// Kills `key create` while it waits to record the key: its identity is whole by then.
fn killed(world: &World, arguments: &[&str], identity: &Path) {
    let record = rusqlite::Connection::open(world.state().join("catalogue.db")).unwrap();
    record.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut child = world
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !identity.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_a_killed_one_left_is_taken_over() {
    let world = World::new();
    world.ok(["init"]);
    let create = ["key", "create", "site"];
    let identity = world.state().join("keys/site.identity");
    killed(&world, &create, &identity);
    assert_eq!(world.json(["key", "list"]).as_array().unwrap().len(), 0);
    let before = fs::read(&identity).unwrap();

    let (out, err) = world.exits(0, create);
    assert!(err.contains("taking over"), "{err}");
    assert_eq!(fs::read(&identity).unwrap(), before);
    let recipient = world.json(["key", "list"])[0]["recipient"].clone();
    let recipient = recipient.as_str().unwrap();
    assert!(out.contains(recipient), "{out}");
    assert!(String::from_utf8(before).unwrap().contains(recipient));
    // Nothing else is left of it.
    let names: Vec<_> = fs::read_dir(world.state().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["site.identity"]);
    world.exits(2, create);
}

#[test]
fn an_escrow_identity_is_taken_over_where_it_was_written() {
    let world = World::new();
    world.ok(["init"]);
    let file = world.path("escrow.identity");
    let named = [
        "--role",
        "escrow",
        "--identity-file",
        file.to_str().unwrap(),
    ];
    let create = [&["key", "create", "escrow"][..], &named].concat();
    killed(&world, &create, &file);
    let before = fs::read(&file).unwrap();
    world.ok(&create);
    assert_eq!(fs::read(&file).unwrap(), before);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn somebody_elses_file_is_never_touched() {
    let world = World::new();
    world.ok(["init"]);
    let create = ["key", "create", "site"];
    let identity = world.state().join("keys/site.identity");
    // Left by a killed one, then replaced by another key's.
    killed(&world, &create, &identity);
    world.ok(["key", "create", "other"]);
    let others = fs::read(world.state().join("keys/other.identity")).unwrap();
    for content in [others.as_slice(), b"mine", b""] {
        fs::write(&identity, content).unwrap();
        let (_, err) = world.exits(1, create);
        assert!(err.contains("never overwritten"), "{err}");
        assert_eq!(fs::read(&identity).unwrap(), content);
    }
    fs::remove_file(&identity).unwrap();
    world.ok(create);
}
