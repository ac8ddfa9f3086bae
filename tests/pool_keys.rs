//! Which keys a set is encrypted to follows from its definition and from the pools of its copies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;

use serde_json::Value;
use world::{World, write_files};

/// A world with the keys "site", "escrow" and "other", and two pools.
fn prepared(pools: &str) -> World {
    let world = World::with_library("64MiB");
    world.configure(&format!(
        "[monthly]\neject = false\nverify = false\n{pools}"
    ));
    for name in ["escrow", "other"] {
        world.ok(["key", "create", name]);
    }
    write_files(&world.path("source"), &[("a", b"content")]);
    world
}

fn define(world: &World, more: &[&str]) {
    let source = world.path("source");
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], more].concat());
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// Runs the job; names of the keys of the newest set.
fn keys_of_new_set(world: &World) -> BTreeSet<String> {
    world.ok(["job", "run"]);
    let all = world.json(["key", "list"]);
    let shown = world.json(["set", "show", "data"]);
    let newest = shown["sets"].as_array().unwrap().last().unwrap().clone();
    let name = |id: &Value| {
        let mut keys = all.as_array().unwrap().iter();
        let key = keys.find(|key| key["id"] == *id).unwrap();
        text(key, "name").to_owned()
    };
    let ids = newest["recipients"].as_array().unwrap();
    ids.iter().map(name).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_set_has_the_keys_of_all_its_pools() {
    let world = prepared("[pool.offsite]\nkeys = [\"escrow\"]\n");
    define(&world, &[]);
    // "onsite" has no section: those for all pools.
    assert_eq!(keys_of_new_set(&world), names(&["escrow", "other", "site"]));
    define(&world, &["--copy", "offsite"]);
    assert_eq!(keys_of_new_set(&world), names(&["escrow"]));
    world.configure("[pool.offsite]\nkeys = [\"escrow\"]\n[pool.onsite]\nkeys = [\"site\"]\n");
    define(&world, &[]);
    assert_eq!(keys_of_new_set(&world), names(&["escrow", "site"]));
    define(&world, &["--key", "other"]);
    assert_eq!(keys_of_new_set(&world), names(&["other"]));
    let (out, _) = world.exits(0, ["set", "show", "data"]);
    assert!(out.contains("Keys       other"), "{out}");
}

#[test]
fn a_named_key_that_was_replaced_gives_way_and_one_that_is_not_known_is_named() {
    let world = prepared("[pool.offsite]\nkeys = [\"escrow\"]\n");
    define(&world, &["--copy", "offsite"]);
    world.ok(["key", "rotate", "escrow", "--to", "escrow-2027"]);
    assert_eq!(keys_of_new_set(&world), names(&["escrow-2027"]));
    world.configure("[pool.offsite]\nkeys = [\"nobody\"]\n");
    let (_, err) = world.exits(2, ["job", "run"]);
    for word in ["[pool.offsite]", "nobody", "not known", "key list"] {
        assert!(err.contains(word), "no {word} in {err}");
    }
    let (_, err) = world.exits(2, {
        let source = world.path("source").to_str().unwrap().to_owned();
        ["set", "define", "data", &source, "--key", "nobody"].map(str::to_owned)
    });
    assert!(err.contains("nobody") && err.contains("key list"), "{err}");
}

#[test]
fn a_key_that_was_retired_for_good_is_refused_not_left_out() {
    let world = prepared("");
    define(&world, &["--key", "site", "--key", "other"]);
    world.ok(["key", "retire", "other"]);
    let (_, err) = world.exits(2, ["job", "run"]);
    assert!(
        err.contains("\"other\"") && err.contains("out of use"),
        "{err}"
    );
    define(&world, &["--key", "site"]);
    assert_eq!(keys_of_new_set(&world), names(&["site"]));
}

#[test]
fn what_a_definition_cannot_be_is_refused() {
    let world = prepared("");
    let source = world.path("source").to_str().unwrap().to_owned();
    let twice = ["--copy", "a", "--copy", "a"];
    let refused: [(&[&str], &str); 5] = [
        (&twice, "one pool"),
        (&["--retention-days", "0"], "0"),
        (&["--agency", " tax"], "agency"),
        (&["--hold", " "], "reason"),
        (&["--copy", ""], "name of a pool"),
    ];
    for (arguments, word) in refused {
        let define = ["set", "define", "data", &source];
        let (_, err) = world.exits(2, [&define[..], arguments].concat());
        assert!(err.contains(word), "no {word} in {err}");
    }
    assert_eq!(world.json(["set", "list"]).as_array().unwrap().len(), 0);
}
