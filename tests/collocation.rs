//! Sets of one agency, one retention month and one hold state share cartridges, others do not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;

use world::{World, texts, write_files};

fn prepared(collocate: &str) -> World {
    let world = World::with_library("64MiB");
    world.configure(&format!(
        "[monthly]\ncopies = [\"onsite\"]\neject = false\nverify = false\n\
         [pool.onsite]\ncollocate = [{collocate}]\n"
    ));
    world
}

fn define(world: &World, name: &str, more: &[&str]) {
    let source = world.path(name);
    write_files(
        &source,
        &[("a", name.as_bytes()), ("b", b"the same in all")],
    );
    let define = ["set", "define", name, source.to_str().unwrap()];
    world.ok([&define[..], more].concat());
}

/// The cartridges of the newest set of a definition.
fn cartridges(world: &World, name: &str) -> BTreeSet<String> {
    let shown = world.json(["set", "show", name]);
    let sets = shown["sets"].as_array().unwrap();
    let copies = sets.last().unwrap()["copies"].as_array().unwrap();
    let all = copies
        .iter()
        .flat_map(|copy| copy["cartridges"].as_array().unwrap());
    all.map(|one| one[0].as_str().unwrap().to_owned()).collect()
}

#[test]
fn agencies_do_not_share_cartridges() {
    let world = prepared("\"agency\"");
    define(&world, "tax-1", &["--agency", "tax"]);
    define(&world, "courts-1", &["--agency", "courts"]);
    define(&world, "tax-2", &["--agency", "tax"]);
    define(&world, "nobody", &[]);
    let output = world.run(["job", "run"]);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}\n{err}");
    let of = |name: &str| cartridges(&world, name);
    assert_eq!(of("tax-1"), of("tax-2"));
    assert_eq!(of("tax-1").len(), 1);
    assert!(of("tax-1").is_disjoint(&of("courts-1")));
    assert!(of("nobody").is_disjoint(&of("courts-1")));
    assert!(of("nobody").is_disjoint(&of("tax-1")));
    let told = "is not appended to: it holds data of";
    assert!(
        err.contains(told) && err.contains("this is data of"),
        "{err}"
    );
    // The next month goes on where each of them was.
    let before = (of("tax-1"), of("courts-1"), of("nobody"));
    world.ok(["job", "run", "--month", "2031-01"]);
    assert_eq!((of("tax-1"), of("courts-1"), of("nobody")), before);
}

#[test]
fn what_is_kept_longer_or_held_is_put_elsewhere() {
    let world = prepared("\"retention\", \"hold\"");
    define(&world, "short", &["--retention-days", "30"]);
    define(&world, "long", &["--retention-days", "3000"]);
    define(
        &world,
        "held",
        &["--retention-days", "30", "--hold", "case 7"],
    );
    define(
        &world,
        "short-too",
        &["--retention-days", "30", "--agency", "tax"],
    );
    world.ok(["job", "run"]);
    let of = |name: &str| cartridges(&world, name);
    assert_eq!(of("short"), of("short-too"));
    assert!(of("short").is_disjoint(&of("long")));
    assert!(of("short").is_disjoint(&of("held")));
    assert!(of("long").is_disjoint(&of("held")));
    let plan = world.json(["job", "run", "--plan"]);
    let rows = plan["cartridges"].as_array().unwrap();
    for row in rows {
        let expected = of(row["set"].as_str().unwrap());
        assert!(
            expected.contains(row["first_cartridge"].as_str().unwrap()),
            "{row}"
        );
    }
}

#[test]
fn without_it_sets_share_a_cartridge() {
    let world = prepared("");
    define(&world, "a", &["--agency", "tax"]);
    define(&world, "b", &["--agency", "courts"]);
    world.ok(["job", "run"]);
    assert_eq!(cartridges(&world, "a"), cartridges(&world, "b"));
}
