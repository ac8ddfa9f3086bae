//! `verify`: what is in the library is read back, what is not is named with where it is.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;

use world::World;

/// Changes a byte in the middle of what is on a tape.
fn damage(world: &World, barcode: &str) {
    world.shut_down();
    let path = world.cartridge_folder(barcode).join("data");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn copies_that_are_here_are_verified_and_the_others_named() {
    let world = World::with_set_on_tape();
    world.ok(["verify", "data"]);
    world.ok(["library", "eject", "TWV001L8"]);
    world.ok(["sim", "remove", "TWV001L8"]);

    let refusal = world.stops(20, ["verify", "data"]);
    refusal.says(&["TWV001L8 of copy 1", "outside", "mail slots"]);
    assert!(
        refusal
            .out
            .contains("copy 2: segments as they were written: 2"),
        "{refusal:#?}"
    );
    assert!(refusal.out.contains("TWV001L8"), "{refusal:#?}");
    world.ok(["verify", "data", "--copy", "2"]);
    world.stops(20, ["verify", "data", "--copy", "1"]);
    // Nobody has found anything wrong with the copy that is away.
    let shown = world.json(["set", "show", "data"]);
    for copy in shown["sets"][0]["copies"].as_array().unwrap() {
        assert_eq!(copy["state"], "verified", "{shown:#}");
    }

    // A bad copy weighs more than one that is away.
    damage(&world, "TWV002L8");
    let refusal = world.stops(1, ["verify", "data"]);
    refusal.says(&["1 segment is not as it was written"]);
    assert!(refusal.out.contains("TWV001L8"), "{refusal:#?}");
}
