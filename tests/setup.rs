//! State folders: how they come to be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::os::unix::fs::PermissionsExt;

use world::World;

#[test]
fn only_the_user_can_look_into_the_state_folder() {
    let world = World::new();
    world.ok(["init", "--virtual"]);
    let mode = std::fs::metadata(world.state())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_configuration_put_there_by_hand_is_enough() {
    let world = World::new();
    let folder = world.state().join("library");
    world.ok(["sim", "create", folder.to_str().unwrap()]);
    let config = "[library.hand]\nkind = \"virtual\"\npath = \"library\"\n";
    std::fs::write(world.state().join("config.toml"), config).unwrap();
    world.ok(["key", "create", "site"]);
    world.ok(["media", "add", "--from-library"]);
    let source = world.path("source");
    seeded::make_tree(&source, 9, 1 << 20);
    world.ok(["set", "define", "all", source.to_str().unwrap()]);
    world.ok(["job", "run"]);
}
