//! The README's first command, as a newcomer runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use world::World;

#[test]
fn from_nothing_to_a_restored_file_and_again() {
    let world = World::new();
    let source = world.path("source");
    seeded::make_tree(&source, 7, 3 << 20);
    let first = world.ok(["quickstart", source.to_str().unwrap()]);
    for word in [
        "restore quickstart --to",
        "copy 1 is verified",
        "copy 2 is verified",
        "mail:1",
        "mail:2",
    ] {
        assert!(first.contains(word), "no \"{word}\" in\n{first}");
    }

    // The commands it prints at the end work.
    let back = world.path("back");
    world.ok(["restore", "quickstart", "--to", back.to_str().unwrap()]);
    world::same_trees(&source, &back);

    // Again: another set on the same cartridges, nothing lost.
    std::fs::write(source.join("new file"), "new").unwrap();
    world.ok(["quickstart", source.to_str().unwrap()]);
    let sets = world.json(["set", "show", "quickstart"]);
    assert_eq!(sets["sets"].as_array().unwrap().len(), 2, "{sets}");
    for (number, set) in sets["sets"].as_array().unwrap().iter().enumerate() {
        let back = world.path(&format!("back{number}"));
        world.ok([
            "restore",
            set["id"].as_str().unwrap(),
            "--to",
            back.to_str().unwrap(),
        ]);
    }
}

#[test]
fn the_restored_file_may_be_a_large_one_or_there_may_be_none() {
    let world = World::new();
    let source = world.path("source");
    std::fs::create_dir_all(source.join("only a folder")).unwrap();
    let none = world.ok(["quickstart", source.to_str().unwrap()]);
    assert!(none.contains("No file was restored"), "{none}");

    let large = std::fs::File::create(source.join("large")).unwrap();
    large.set_len(300 << 20).unwrap();
    let one = world.ok(["quickstart", source.to_str().unwrap()]);
    assert!(one.contains("Restored large from "), "{one}");
    assert!(one.contains("the same as the source"), "{one}");
}

#[test]
fn what_a_killed_quickstart_left_is_no_obstacle() {
    let world = World::new();
    let source = world.path("source");
    seeded::make_tree(&source, 8, 1 << 20);
    // Killed while it made the virtual library.
    let half = world.state().join("virtual.partial/cartridges/TWV001L8");
    std::fs::create_dir_all(&half).unwrap();
    world.ok(["quickstart", source.to_str().unwrap()]);
    world.ok(["job", "list"]);
}

#[test]
fn a_quickstart_killed_just_before_the_configuration_can_be_repeated() {
    let world = World::new();
    let source = world.path("source");
    seeded::make_tree(&source, 8, 1 << 20);
    let folder = world.state().join("virtual");
    world.ok(["sim", "create", folder.to_str().unwrap()]);
    world.ok(["quickstart", source.to_str().unwrap()]);
}

#[test]
fn a_missing_source_is_one_clear_line() {
    let world = World::new();
    let (out, err) = world.exits(2, ["quickstart", "/no/such/folder"]);
    assert_eq!(out, "");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains("/no/such/folder"), "{err}");
    assert!(!world.state().exists());
}
