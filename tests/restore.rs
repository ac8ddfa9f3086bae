//! What is restored is what was there: every kind of entry, whole trees and parts of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/world.rs"]
mod world;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rstest::rstest;
use tapeward::archive::problem::show;
use tree::{
    DeepEnd, assert_same, build_beyond_path_max, build_everything, build_small, is_root, raw,
    read_tree, remove_tree,
};
use world::{World, same_trees, texts};

/// A world whose set `data` is on tape, in two copies, back in the library.
fn on_tape(make: impl FnOnce(&Path), compression: &str) -> World {
    let world = World::with_library("256MiB");
    let source = world.path("source");
    fs::create_dir(&source).unwrap();
    make(&source);
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], &["--compression", compression]].concat());
    world.ok(["job", "run"]);
    world.return_cartridges();
    world
}

fn restore(world: &World, more: &[&str]) -> PathBuf {
    let back = world.path("back");
    let fixed = ["restore", "data", "--to", back.to_str().unwrap()];
    world.ok([&fixed[..], more].concat());
    back
}

#[rstest]
fn every_kind_of_entry_comes_back(#[values("none", "zstd")] compression: &str) {
    if !is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        println!("not root: owners, devices and trusted attributes are not compared");
        return;
    }
    let world = on_tape(
        |source| {
            build_everything(source);
            build_beyond_path_max(source, DeepEnd::Everything);
        },
        compression,
    );
    let before = read_tree(&world.path("source"));
    for copy in ["1", "2"] {
        let back = restore(&world, &["--copy", copy, "--devices", "--privileged-modes"]);
        assert_same(&before, &read_tree(&back));
        remove_tree(&back);
    }
    remove_tree(&world.path("source"));
}

/// Everything that an ordinary user cannot read or keep is named, and the exit code says so.
#[test]
fn an_ordinary_user_is_told_what_is_not_kept() {
    if !is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        println!("not root: nobody else to run as");
        return;
    }
    let world = World::for_ordinary_user();
    let source = world.path("source");
    fs::create_dir(&source).unwrap();
    build_everything(&source);
    fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).unwrap();
    let before = read_tree(&source);
    world.prepare_library("256MiB");
    world.ok(["set", "define", "data", source.to_str().unwrap()]);

    let (_, said) = world.exits(3, ["job", "run"]);
    let closed = ["modes/file-0", "modes/directory-700"];
    for path in closed {
        assert!(said.contains(path), "{path} is not named in\n{said}");
    }
    assert!(said.contains("could not be read"), "{said}");

    world.return_cartridges();
    let back = world.path("back");
    let output = world.run(["--json", "restore", "data", "--to", back.to_str().unwrap()]);
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{out}\n{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let named: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem.as_str().unwrap())
        .collect();
    let after = read_tree(&back);
    for (path, wanted) in &before {
        let mut wanted = wanted.clone();
        // Attributes that only root may see were never there to be read.
        wanted
            .attributes
            .retain(|name, _| !name.starts_with(b"trusted."));
        let mut found = after.get(path).cloned();
        if let Some(found) = &mut found {
            found.group.clone_from(&wanted.group);
        }
        if found.as_ref() == Some(&wanted) {
            continue;
        }
        // A directory that could not be entered is named for all that is in it.
        let unread = path
            .split(|byte| *byte == b'/')
            .scan(Vec::new(), |parent, name| {
                parent.push(name);
                Some(show(&parent.join(&b'/')))
            })
            .any(|parent| said.contains(&format!(" {parent}: ")));
        // Hard links are one file, named once.
        let listed = before
            .iter()
            .filter(|(_, other)| other.group == wanted.group)
            .map(|(name, _)| format!("{}: ", show(name)))
            .any(|start| named.iter().any(|problem| problem.starts_with(&start)));
        assert!(unread || listed, "not listed: {wanted:#?}\nis {found:#?}");
    }
    for what in ["owner 12345", "set-user-ID", "device node not made"] {
        assert!(
            named.iter().any(|problem| problem.contains(what)),
            "{what} is not in {named:#?}"
        );
    }
    remove_tree(&source);
    remove_tree(&back);
}

#[rstest]
fn parts_of_a_set_come_back_alone(#[values("none", "zstd")] compression: &str) {
    let world = on_tape(build_small, compression);
    let source = world.path("source");
    let names = |back: &Path| {
        let tree = read_tree(back);
        tree.into_keys()
            .map(|name| String::from_utf8_lossy(&name).into_owned())
            .collect::<Vec<_>>()
    };

    let back = restore(&world, &["a/two"]);
    assert_eq!(names(&back), [".", "a", "a/two"]);
    let (before, after) = (read_tree(&source), read_tree(&back));
    assert_eq!(before[b"a/two".as_slice()], after[b"a/two".as_slice()]);
    remove_tree(&back);

    let back = restore(&world, &["a", "./empty/"]);
    assert_eq!(
        names(&back),
        [".", "a", "a/one", "a/two", "a/zero", "empty"]
    );
    let after = read_tree(&back);
    for name in ["a", "a/one", "a/two", "a/zero", "empty"] {
        assert_eq!(before[name.as_bytes()], after[name.as_bytes()], "{name}");
    }
    remove_tree(&back);

    // A name that is not UTF-8, as the shell hands it over.
    let back = world.path("back");
    let mut command = world.command(["restore", "data", "--copy", "2", "--to"]);
    command.arg(&back).arg(OsStr::from_bytes(b"caf\xe9"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{:?}", texts(&output));
    let name = raw(b"caf\xe9");
    assert_eq!(
        fs::read(back.join(&name)).unwrap(),
        fs::read(source.join(&name)).unwrap()
    );
    remove_tree(&back);

    for (pattern, code) in [(b"caf\xe9".as_slice(), 0), (b"ca*\xe9", 2), (b"ca?\x3f", 0)] {
        let mut command = world.command(["--json", "find"]);
        let output = command.arg(OsStr::from_bytes(pattern)).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{pattern:?} {out} {err}");
        if code == 0 {
            let found: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(found.as_array().unwrap().len(), 1, "{pattern:?} {out}");
        }
    }

    // The later name of a hard link brings the data with it.
    let back = restore(&world, &["z-linked"]);
    assert_eq!(names(&back), [".", "z-linked"]);
    let alone = back.join("z-linked");
    assert_eq!(
        fs::read(&alone).unwrap(),
        fs::read(source.join("linked")).unwrap()
    );
    assert_eq!(fs::metadata(&alone).unwrap().nlink(), 1);
    remove_tree(&back);

    // Both names are one file again.
    let back = restore(&world, &["z-linked", "linked"]);
    assert_eq!(fs::metadata(back.join("linked")).unwrap().nlink(), 2);
    remove_tree(&back);

    let (_, said) = world.exits(2, ["restore", "data", "a/three", "--to", "back"]);
    assert!(said.contains("a/three is not in the set"), "{said}");
    let (_, said) = world.exits(2, ["restore", "data", "../a", "--to", "back"]);
    assert!(said.contains("../a is not a path below"), "{said}");
}

#[test]
fn what_is_there_already_is_treated_as_asked() {
    let world = on_tape(build_small, "none");
    let back = restore(&world, &[]);
    let to = back.to_str().unwrap();
    same_trees(&world.path("source"), &back);
    let spoil = || {
        fs::write(back.join("a/one"), "mine").unwrap();
        fs::remove_file(back.join("a/two")).unwrap();
    };

    spoil();
    let (_, said) = world.exits(3, ["restore", "data", "--to", to]);
    assert!(said.contains("a/one: it exists already"), "{said}");
    assert!(!said.contains("a/two"), "{said}");
    assert_eq!(fs::read(back.join("a/one")).unwrap(), b"mine");
    assert!(back.join("a/two").exists());

    spoil();
    let out = world.ok(["restore", "data", "--existing", "keep", "--to", to]);
    assert!(out.contains("were there already and were kept"), "{out}");
    assert_eq!(fs::read(back.join("a/one")).unwrap(), b"mine");
    assert!(back.join("a/two").exists());

    spoil();
    restore(&world, &["--existing", "replace"]);
    assert_same(&read_tree(&world.path("source")), &read_tree(&back));
}

#[test]
fn a_restore_that_was_interrupted_between_two_names_goes_on() {
    let world = on_tape(
        |source| {
            fs::write(source.join("a"), "data").unwrap();
            fs::hard_link(source.join("a"), source.join("b")).unwrap();
            fs::hard_link(source.join("a"), source.join("c")).unwrap();
        },
        "none",
    );
    let paths = ["b", "c", "--existing", "keep"];
    let back = restore(&world, &paths);
    fs::remove_file(back.join("c")).unwrap();
    restore(&world, &paths);
    assert_eq!(fs::metadata(back.join("c")).unwrap().nlink(), 2);
    // What is not that file is no name of it.
    fs::remove_file(back.join("c")).unwrap();
    fs::write(back.join("b"), "mine").unwrap();
    let to = back.to_str().unwrap();
    let (_, said) = world.exits(3, [&["restore", "data", "--to", to], &paths[..]].concat());
    assert!(said.contains("c: its data was not restored"), "{said}");
    assert!(!back.join("c").exists());
}
