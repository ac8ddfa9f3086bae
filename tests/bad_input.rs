//! What people mistype, forget or ask for that cannot be: one clear line each, nothing lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use refusal::Refusal;
use rstest::rstest;
use serde_json::Value;
use world::{World, texts};

/// A well-formed id that nothing has.
const NOBODY: &str = "01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b";

#[test]
fn without_a_state_folder_it_says_how_to_make_one() {
    let world = World::new();
    for command in [
        &["library", "status"][..],
        &["media", "list"],
        &["set", "list"],
        &["job", "run"],
        &["job", "resume"],
        &["find", "x"],
        &["restore", "data", "--to", "back"],
        &["config", "check"],
        &["sim", "list"],
    ] {
        let refusal = world.refuses(2, command);
        refusal.says(&["config.toml", "tapeward init", "--state"]);
    }
    assert!(!world.state().exists());
    assert!(!world.path("back").exists());
}

#[test]
fn a_state_folder_is_not_made_twice() {
    let world = World::with_library("16MiB");
    let before = fs::read(world.state().join("config.toml")).unwrap();
    world
        .refuses(2, ["init", "--virtual"])
        .says(&["config.toml", "exists already", "--state"]);
    assert_eq!(fs::read(world.state().join("config.toml")).unwrap(), before);
    world.ok(["library", "status"]);
}

#[test]
fn a_typo_in_the_configuration_is_named_with_its_place() {
    let world = World::with_library("16MiB");
    let path = world.state().join("config.toml");
    let good = fs::read_to_string(&path).unwrap();
    let lines = good.lines().count();
    let name = path.to_str().unwrap();
    for (text, column, words) in [
        ("[monthly2]\n", 2, &["monthly2"][..]),
        ("[stream\n", 8, &[]),
        ("[library.b]\nkind = \"tape\"\npath = \"b\"\n", 8, &["tape"]),
    ] {
        let line = lines + 1 + usize::from(text.contains("kind"));
        fs::write(&path, format!("{}\n{text}", good.trim_end())).unwrap();
        for command in [["config", "check"], ["job", "run"], ["media", "list"]] {
            let refusal = world.refuses(2, command);
            refusal.says(&[name]).says(words);
            let place = format!("config.toml:{line}:");
            assert!(refusal.line.contains(&place), "{place}{column} {refusal:?}");
        }
    }
    fs::write(
        &path,
        good.replace("retention-days = 365", "retention-days = \"long\""),
    )
    .unwrap();
    world
        .refuses(2, ["config", "check"])
        .says(&["config.toml:", "\"long\""]);
    fs::write(&path, good).unwrap();
    world.ok(["config", "check"]);
}

#[test]
fn a_source_that_cannot_be_read_is_named() {
    let world = World::with_library("16MiB");
    world
        .refuses(2, ["set", "define", "data", "/no/such/folder"])
        .says(&["cannot find", "/no/such/folder"]);
    let file = world.path("file");
    fs::write(&file, "text").unwrap();
    world
        .refuses(2, ["set", "define", "data", file.to_str().unwrap()])
        .says(&[file.to_str().unwrap(), "directory"]);
    assert_eq!(world.json(["set", "list"]), Value::Array(Vec::new()));

    // It was there when the set was defined.
    let source = world.path("source");
    fs::create_dir(&source).unwrap();
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    fs::remove_dir(&source).unwrap();
    world
        .refuses(2, ["job", "run"])
        .says(&["cannot find", source.to_str().unwrap()]);
    assert_eq!(world.json(["job", "list"]), Value::Array(Vec::new()));
    fs::create_dir(&source).unwrap();
    world.ok(["job", "run"]);
}

#[test]
fn what_cannot_be_left_out_is_not_accepted() {
    let world = World::with_library("16MiB");
    let source = world.path("source");
    fs::create_dir(&source).unwrap();
    let define = [
        "set",
        "define",
        "data",
        source.to_str().unwrap(),
        "--exclude",
    ];
    for outside in ["../other", "/srv/other", "."] {
        let refusal = world.refuses(2, [&define[..], &[outside]].concat());
        refusal.says(&[outside, source.to_str().unwrap()]);
    }
    for name in ["", " data", "da\nta", NOBODY] {
        world.refuses(2, ["set", "define", name, source.to_str().unwrap()]);
    }
    assert_eq!(world.json(["set", "list"]), Value::Array(Vec::new()));
}

#[test]
fn what_a_job_needs_and_lacks_is_named() {
    let world = World::new();
    world.ok(["init", "--virtual", "--cartridge-size", "16MiB"]);
    world
        .refuses(2, ["job", "run"])
        .says(&["no key", "tapeward key create"]);
    world.ok(["key", "create", "site"]);
    world
        .refuses(2, ["job", "run"])
        .says(&["no set", "tapeward set define"]);
    world.define_data(3, 1 << 16);
    world
        .refuses(2, ["job", "resume"])
        .says(&["no run is unfinished"]);
    world
        .refuses(2, ["job", "show", "last"])
        .says(&["no job has run"]);
    let refusal = world.stops(20, ["job", "run"]);
    refusal.says(&["pool onsite", "tapeward media add", "tapeward job resume"]);

    // That run is unfinished now; another one does not begin.
    let run = world.json(["job", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .refuses(2, ["job", "run"])
        .says(&[&run, "not finished", "tapeward job resume"]);
    world.ok(["media", "add", "--from-library"]);
    world.ok(["job", "resume"]);
    world
        .refuses(2, ["job", "resume", &run])
        .says(&[&run, "is done"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn unknown_names_are_repeated_with_what_there_is() {
    let world = World::with_set_on_tape();
    let refused = |code: i32, command: &[&str], words: &[&str]| {
        world.refuses(code, command).says(words);
    };
    refused(2, &["set", "show", "dtaa"], &["dtaa", "data"]);
    refused(2, &["job", "run", "--set", "dtaa"], &["dtaa", "data"]);
    refused(2, &["find", "--set", "dtaa", "x"], &["dtaa", "data"]);
    refused(2, &["verify", "dtaa"], &["dtaa", "data"]);
    refused(2, &["verify", "data", "--copy", "3"], &["copy 3", "data"]);
    refused(2, &["restore", "dtaa", "--to", "back"], &["dtaa", "data"]);
    refused(2, &["restore", NOBODY, "--to", "back"], &[NOBODY, "data"]);
    refused(
        2,
        &["restore", "data", "no/such", "--to", "back"],
        &["no/such", "tapeward find"],
    );
    refused(
        2,
        &["restore", "data", "--copy", "3", "--to", "back"],
        &["copy 3"],
    );
    refused(2, &["job", "show", NOBODY], &[NOBODY, "tapeward job list"]);
    refused(
        2,
        &["job", "show", "first"],
        &["first", "tapeward job list"],
    );
    refused(
        2,
        &["job", "resume", NOBODY],
        &[NOBODY, "tapeward job list"],
    );
    refused(
        2,
        &["media", "show", "NOBODYL8"],
        &["NOBODYL8", "tapeward media list"],
    );
    refused(
        2,
        &["media", "label", "NOBODYL8", "--pool", "onsite"],
        &["NOBODYL8", "media add"],
    );
    refused(2, &["media", "add", "TWV003L8"], &["TWV003L8", "already"]);
    refused(
        2,
        &["library", "status", "--library", "east"],
        &["east", "virtual"],
    );
    refused(
        2,
        &["job", "run", "--library", "east"],
        &["east", "virtual"],
    );
    refused(
        2,
        &["sim", "remove", "NOBODYL8"],
        &["NOBODYL8", "tapeward sim list"],
    );
    refused(
        2,
        &["job", "run", "--month", "2026-13"],
        &["2026-13", "YYYY-MM"],
    );
    refused(2, &["job", "run", "--month", "May"], &["May", "YYYY-MM"]);
    refused(2, &["find", "[a"], &["[a"]);
    assert!(
        !world.path("back").exists(),
        "a refused restore makes no folder"
    );
    assert_eq!(world.json(["job", "list"]).as_array().unwrap().len(), 1);
    world.both_copies_restore();
}

#[rstest]
#[case(&["media", "show"], &["BARCODE"])]
#[case(&["media", "show", "a\tb"], &["barcode"])]
#[case(&["restore", "data"], &["--to"])]
#[case(&["restore", "data", "--to", "x", "--copy", "0"], &["0", "1 to 9"])]
#[case(&["job", "rum"], &["rum", "run"])]
#[case(&["job", "resume", "x"], &["UUID"])]
#[case(&["library", "status", "--al"], &["--al", "--all"])]
#[case(&["init", "--virtual", "--cartridge-size", "big"], &["big"])]
#[case(&["init", "--virtual", "--changer", "/dev/sg1"], &["--virtual", "--changer"])]
fn arguments_that_make_no_sense_are_one_line(#[case] command: &[&str], #[case] words: &[&str]) {
    let world = World::new();
    world.refuses(2, command).says(words);
    assert!(!world.state().exists());

    // For programs it is one line of JSON.
    let output = world.run([&["--json"], command].concat());
    let (out, err) = texts(&output);
    assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{err}");
    let error: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(
        (&error["event"], &error["kind"]),
        (&"error".into(), &"usage".into())
    );
}

#[test]
fn moves_that_cannot_be_are_refused_and_nothing_moves() {
    let world = World::with_library("16MiB");
    world.ok(["library", "load", "TWV001L8", "--into", "drive:1"]);
    let before = world.json(["library", "status", "--all"]);
    let refused = |code: i32, command: &[&str], words: &[&str]| {
        world
            .refuses(code, [&["library"], command].concat())
            .says(words);
    };
    refused(
        1,
        &["transfer", "slot:22", "slot:23"],
        &["slot:22", "empty"],
    );
    refused(
        1,
        &["transfer", "slot:3", "slot:4"],
        &["slot:4", "TWV004L8"],
    );
    refused(
        2,
        &["transfer", "slot:99", "slot:4"],
        &["slot:99", "library status"],
    );
    refused(
        2,
        &["transfer", "TWV002L8", "slot:x"],
        &["slot:x", "slot:1"],
    );
    refused(2, &["transfer", "TWV002L8", "@70000"], &["@70000", "65535"]);
    refused(2, &["transfer", "TWV002L8", "@9"], &["9", "library status"]);
    refused(
        2,
        &["transfer", "NOBODYL8", "slot:24"],
        &["NOBODYL8", "library status"],
    );
    refused(1, &["load", "slot:22"], &["slot:22", "empty"]);
    refused(
        1,
        &["load", "TWV002L8", "--into", "drive:1"],
        &["drive:1", "TWV001L8"],
    );
    refused(
        2,
        &["load", "TWV002L8", "--into", "slot:24"],
        &["slot:24", "drive"],
    );
    refused(
        2,
        &["load", "TWV002L8", "--into", "drive:7"],
        &["drive:7", "library status"],
    );
    refused(2, &["unload", "TWV002L8"], &["TWV002L8", "not in a drive"]);
    refused(2, &["unload", "drive:0"], &["drive:0", "empty"]);
    refused(
        1,
        &["unload", "drive:1", "--to", "slot:2"],
        &["slot:2", "TWV002L8"],
    );
    refused(2, &["eject", "slot:22"], &["slot:22", "empty"]);
    refused(
        2,
        &["eject", "TWV002L8", "TWV001L8"],
        &["TWV001L8", "drive:1", "unload"],
    );
    assert_eq!(world.json(["library", "status", "--all"]), before);

    world.ok(["library", "load", "TWV002L8"]);
    refused(
        1,
        &["load", "TWV003L8"],
        &["no drive is free", "TWV001L8", "TWV002L8"],
    );
    for barcode in ["TWV001L8", "TWV002L8"] {
        world.ok(["library", "unload", barcode]);
    }
    // Four import/export elements.
    world.ok(["library", "eject", "TWV001L8", "TWV002L8", "TWV003L8"]);
    let refusal = world.stops(20, ["library", "eject", "TWV004L8", "TWV005L8"]);
    refusal.says(&["mail:1 (TWV001L8)", "mail:4 (TWV004L8)", "empty"]);
}

#[test]
fn keys_and_identities_are_never_overwritten() {
    let world = World::with_library("16MiB");
    let path = world.state().join("keys/site.identity");
    let identity = fs::read(&path).unwrap();
    world
        .refuses(2, ["key", "create", "site"])
        .says(&["site", "already"]);
    world
        .refuses(2, ["key", "create", "a/b"])
        .says(&["a/b", "letters"]);
    let escrow = world.path("escrow");
    fs::write(&escrow, "mine").unwrap();
    let make = [
        "key",
        "create",
        "safe",
        "--role",
        "escrow",
        "--identity-file",
    ];
    let refusal = world.refuses(1, [&make[..], &[escrow.to_str().unwrap()]].concat());
    refusal.says(&[escrow.to_str().unwrap(), "never overwritten"]);
    world.refuses(2, &make[..5]).says(&["--identity-file"]);
    assert_eq!(fs::read(&path).unwrap(), identity);
    assert_eq!(fs::read(&escrow).unwrap(), b"mine");
    assert_eq!(world.json(["key", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_wrong_key_opens_nothing_and_says_which_is_needed() {
    let world = World::with_set_on_tape();
    let other = world.path("other.identity");
    let make = [
        "key",
        "create",
        "other",
        "--role",
        "escrow",
        "--identity-file",
    ];
    world.ok([&make[..], &[other.to_str().unwrap()]].concat());
    let back = world.path("back");
    let restore = ["restore", "data", "--to", back.to_str().unwrap()];
    let with = |file: &str| world.refuses(2, [&restore[..], &["--identity", file]].concat());
    with(other.to_str().unwrap()).says(&["\"site\"", "no identity at hand", "--identity"]);
    let runs = world.json(["job", "list"]);
    assert_eq!(
        runs.as_array().unwrap().len(),
        1,
        "no tape was touched: {runs}"
    );

    let garbage = world.path("garbage");
    fs::write(&garbage, "AGE-SECRET-KEY-1NOTREALLY\n").unwrap();
    fs::set_permissions(&garbage, fs::Permissions::from_mode(0o600)).unwrap();
    let refusal = with(garbage.to_str().unwrap());
    refusal.says(&["garbage"]);
    assert!(
        !format!("{refusal:?}").contains("NOTREALLY"),
        "a secret is shown"
    );
    with("/no/such/file").says(&["/no/such/file"]);

    // The host's own identity is gone.
    let site = world.state().join("keys/site.identity");
    let kept = world.path("kept.identity");
    fs::rename(&site, &kept).unwrap();
    let refusal = world.refuses(20, restore);
    refusal.says(&["site.identity", "--identity"]);
    assert!(!back.exists());
    world.ok([&restore[..], &["--identity", kept.to_str().unwrap()]].concat());
    world::same_trees(&world.path("source"), &back);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::with_library("16MiB");
    for arguments in [
        &["library", "status", "--all"][..],
        &["media", "list", "--json"],
    ] {
        let mut command = world.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let (_, err) = texts(&output);
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""));
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let world = World::with_library("16MiB");
    for (variable, value) in [
        ("NO_COLOR", "1"),
        ("TERM", "dumb"),
        ("TERM", "xterm-256color"),
    ] {
        for (code, arguments) in [
            (0, &["library", "status"][..]),
            (2, &["job", "run"]),
            (0, &["help"]),
        ] {
            let output = world
                .command(arguments)
                .env(variable, value)
                .output()
                .unwrap();
            let (out, err) = texts(&output);
            assert_eq!(output.status.code(), Some(code), "{err}");
            assert!(!out.contains('\x1b') && !err.contains('\x1b'), "{out}{err}");
        }
    }
}

#[test]
fn lists_for_programs_have_fields_one_can_rely_on() {
    let world = World::with_set_on_tape();
    let fields = |command: &[&str], at: &str, names: &[&str]| {
        let value = world.json(command);
        let list = value.pointer(at).unwrap().as_array().unwrap();
        assert!(!list.is_empty(), "{command:?}");
        for row in list {
            for name in names {
                assert!(row.get(name).is_some(), "no {name} in {command:?}: {row:#}");
            }
        }
    };
    fields(
        &["set", "list"],
        "",
        &["id", "name", "source", "excludes", "compression", "newest"],
    );
    let volume = [
        "id",
        "barcode",
        "generation",
        "content",
        "place",
        "volume",
        "bytes",
    ];
    fields(&["media", "list"], "", &volume);
    fields(
        &["key", "list"],
        "",
        &["id", "name", "role", "recipient", "created_at"],
    );
    fields(
        &["job", "list"],
        "",
        &["id", "kind", "month", "state", "started_at", "finished_at"],
    );
    fields(
        &["job", "show", "last"],
        "/steps",
        &["ordinal", "kind", "state", "intent"],
    );
    fields(
        &["library", "status"],
        "/places",
        &["name", "address", "full", "barcode"],
    );
    fields(
        &["drive", "status"],
        "",
        &["name", "serial", "product", "cartridge", "held_by"],
    );
    fields(
        &["sim", "list"],
        "",
        &["barcode", "place", "capacity", "write_protected"],
    );
    fields(
        &["find", "f0"],
        "",
        &["set", "set_name", "path", "size", "cartridges"],
    );
    fields(
        &["set", "show", "data"],
        "/sets",
        &["id", "state", "month", "segments", "copies"],
    );
    let plan = ["job", "run", "--plan"];
    fields(
        &plan,
        "/cartridges",
        &["set", "copy", "pool", "first_cartridge"],
    );
    let refusal = Refusal::of(&world.run(["restore", "x", "--to", "y"]), 2);
    refusal.says(&["x"]);
}
