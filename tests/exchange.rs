//! Two cartridges exchanged by the robot, and the robot sent before an element.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use world::World;

fn at(world: &World, element: &str) -> Option<String> {
    let status = world.json(["library", "status", "--all"]);
    let places = status["places"].as_array().unwrap();
    let place = places.iter().find(|place| place["name"] == element);
    place.unwrap()["barcode"].as_str().map(str::to_owned)
}

#[test]
fn two_cartridges_change_places_or_move_on() {
    let world = World::with_library("16MiB");
    world.ok(["library", "exchange", "slot:1", "TWV002L8"]);
    assert_eq!(at(&world, "slot:1").as_deref(), Some("TWV002L8"));
    assert_eq!(at(&world, "slot:2").as_deref(), Some("TWV001L8"));

    let moves = world.json(["library", "exchange", "TWV002L8", "slot:3", "slot:22"]);
    assert_eq!(moves[0]["content"], "TWV002L8");
    assert_eq!(moves[1]["to"], "slot:22");
    assert_eq!(at(&world, "slot:1"), None);
    assert_eq!(at(&world, "slot:3").as_deref(), Some("TWV002L8"));
    assert_eq!(at(&world, "slot:22").as_deref(), Some("TWV003L8"));

    // Into a drive, for the next of two cartridges.
    world.ok(["library", "load", "TWV001L8", "--into", "drive:0"]);
    world.ok(["library", "exchange", "TWV002L8", "drive:0", "slot:2"]);
    assert_eq!(at(&world, "drive:0").as_deref(), Some("TWV002L8"));
    assert_eq!(at(&world, "slot:2").as_deref(), Some("TWV001L8"));
    world.ok(["library", "position", "slot:9"]);
}

#[test]
fn an_exchange_that_cannot_be_is_refused_and_nothing_moves() {
    let world = World::with_library("16MiB");
    let before = world.json(["library", "status", "--all"]);
    let refused = |code: i32, command: &[&str], words: &[&str]| {
        world
            .refuses(code, [&["library"], command].concat())
            .says(words);
    };
    refused(
        1,
        &["exchange", "slot:1", "slot:22"],
        &["slot:22", "empty", "transfer"],
    );
    refused(1, &["exchange", "slot:22", "slot:1"], &["slot:22", "empty"]);
    refused(
        1,
        &["exchange", "slot:1", "slot:2", "slot:3"],
        &["slot:3", "TWV003L8"],
    );
    refused(2, &["exchange", "slot:1", "TWV001L8"], &["slot:1"]);
    refused(2, &["exchange", "slot:1", "slot:2", "slot:2"], &["slot:2"]);
    refused(2, &["position", "slot:99"], &["slot:99", "library status"]);
    assert_eq!(world.json(["library", "status", "--all"]), before);
}
