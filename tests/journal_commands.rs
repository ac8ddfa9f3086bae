//! `journal` and `media history` as somebody uses them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use world::World;

fn small() -> World {
    let world = World::new();
    world.ok(["init", "--virtual", "--cartridge-size", "64MiB"]);
    world
}

fn key_files(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.state().join("journal-keys")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// The secret is nowhere but in its file, which others cannot read.
#[test]
fn the_key_is_made_when_it_is_needed_and_stays_in_its_file() {
    let world = small();
    let line = world.ok(["journal", "checkpoint"]);
    assert!(line.starts_with("TAPEWARD-CHECKPOINT-1:2:"), "{line}");
    let files = key_files(&world);
    let [file] = &files[..] else {
        panic!("{files:?}");
    };
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let pem = fs::read_to_string(file).unwrap();
    let secret = pem.lines().nth(1).unwrap();
    let mut folders = vec![world.state()];
    let mut searched = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() && path != *file {
                let content = fs::read(&path).unwrap();
                let found = content
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "{}", path.display());
                searched += 1;
            }
        }
    }
    assert!(searched > 2, "{searched}");
    // One that others could have read is not used, nor quietly replaced.
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    let (_, err) = world.exits(2, ["journal", "checkpoint"]);
    assert!(err.contains("chmod 600"), "{err}");
}

#[test]
fn an_export_is_checked_with_the_public_key_and_a_line_alone() {
    let world = small();
    world.ok(["media", "add", "TST001L8", "TST002L8"]);
    let line = world.ok(["journal", "checkpoint"]);
    let line = line.trim();
    world.ok(["media", "add", "TST003L8"]);
    world.ok(["journal", "export", "j.jsonl"]);
    let (_, err) = world.exits(2, ["journal", "export", "j.jsonl"]);
    assert!(err.contains("exists already"), "{err}");
    let keys = world.json(["journal", "key"]);
    let public = keys[0]["public"].as_str().unwrap();
    let page = format!("Manifest 12\n{}\n{}\n", &line[..80], &line[80..]);
    fs::write(world.path("manifest.txt"), page).unwrap();
    let shown = world.ok(["journal", "key"]);
    fs::write(world.path("key.txt"), shown).unwrap();
    // Nothing else of the state folder is there.
    fs::rename(world.state(), world.path("elsewhere")).unwrap();
    for (key, point) in [(public, line), ("key.txt", "manifest.txt")] {
        let given = ["--public-key", key, "--checkpoint", point];
        let out = world.ok([&["journal", "verify", "j.jsonl"], &given[..]].concat());
        assert!(out.contains("entries hold"), "{out}");
        assert!(out.contains("prove it up to entry 4"), "{out}");
    }
    // As a manifest has it, typed or as the text of its page.
    let mut fields = line.split(':').skip(1);
    let (number, hash) = (fields.next().unwrap(), fields.next().unwrap());
    let typed = format!("{number}:{hash}");
    let page = format!(
        "digest 1a2b   Journal entry {number}, hash {}\n\nend",
        hash.to_lowercase()
    );
    fs::write(world.path("page.txt"), page).unwrap();
    let wrong = format!("3:{hash}");
    for given in [typed.as_str(), "page.txt"] {
        let out = world.ok(["journal", "verify", "j.jsonl", "--checkpoint", given]);
        assert!(out.contains("prove it up to entry 4"), "{out}");
    }
    let (_, err) = world.exits(1, ["journal", "verify", "j.jsonl", "--checkpoint", &wrong]);
    assert!(err.contains("broken at entry 3"), "{err}");
    // As openssl sees it.
    let checked = openssl(&world, line);
    assert!(
        checked.contains("Signature Verified Successfully"),
        "{checked}"
    );
    let text = fs::read_to_string(world.path("j.jsonl")).unwrap();
    fs::write(
        world.path("bad.jsonl"),
        text.replacen("TST002L8", "TST009L8", 1),
    )
    .unwrap();
    let (_, err) = world.exits(1, ["journal", "verify", "bad.jsonl"]);
    assert!(err.contains("broken at entry 3"), "{err}");
    let cut: String = text.split_inclusive('\n').take(3).collect();
    fs::write(world.path("cut.jsonl"), cut).unwrap();
    world.ok(["journal", "verify", "cut.jsonl"]);
    let (_, err) = world.exits(1, ["journal", "verify", "cut.jsonl", "--checkpoint", line]);
    assert!(err.contains("broken at entry 4"), "{err}");
    let (_, err) = world.exits(1, ["journal", "verify", "cut.jsonl", "--entries", "7"]);
    assert!(err.contains("broken at entry 4"), "{err}");
    let (_, err) = world.exits(
        1,
        ["journal", "verify", "cut.jsonl", "--public-key", public],
    );
    assert!(err.contains("does not know key"), "{err}");
    // What makes no sense.
    let misread = line.replacen(":4:", ":3:", 1);
    let (_, err) = world.exits(
        1,
        [
            "journal",
            "verify",
            "j.jsonl",
            "--public-key",
            public,
            "--checkpoint",
            &misread,
        ],
    );
    assert!(err.contains("misread"), "{err}");
    for bad in ["nothing.txt", "TAPEWARD-CHECKPOINT-1:4:00", "key.txt"] {
        world.exits(2, ["journal", "verify", "j.jsonl", "--checkpoint", bad]);
    }
    world.exits(2, ["journal", "verify", "j.jsonl", "--public-key", "abcd"]);
    world.exits(2, ["journal", "verify", "missing.jsonl"]);
}

/// What openssl says of the line, by the page that describes it.
fn openssl(world: &World, line: &str) -> String {
    let page = include_str!("../docs/journal.md");
    let script = page.split("```sh\n").nth(2).unwrap();
    let script = script.split("```").next().unwrap();
    fs::write(world.path("line.txt"), line).unwrap();
    let shown = fs::read_to_string(world.path("key.txt")).unwrap();
    let begin = shown.find("-----BEGIN").unwrap();
    let end = shown.find("-----END PUBLIC KEY-----\n").unwrap() + 25;
    fs::write(world.path("key.pem"), &shown[begin..end]).unwrap();
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(world.path(""))
        .output()
        .unwrap();
    let (out, err) = world::texts(&output);
    format!("{out}{err}")
}

#[test]
fn a_key_is_replaced_and_whoever_has_the_old_one_goes_on() {
    let world = small();
    let (_, err) = world.exits(2, ["journal", "key", "--rotate", "--reason", "x"]);
    assert!(err.contains("makes the first one"), "{err}");
    let first = world.json(["journal", "key"]);
    let first = first[0]["public"].as_str().unwrap().to_owned();
    world.exits(2, ["journal", "key", "--rotate"]);
    world.exits(2, ["journal", "key", "--rotate", "--reason", " "]);
    world.ok(["journal", "checkpoint"]);
    let old = key_files(&world);
    world.ok(["journal", "key", "--rotate", "--reason", "Otto left"]);
    let new = key_files(&world);
    assert!(new.len() == 1 && new != old, "{new:?}");
    let line = world.ok(["journal", "checkpoint"]);
    let verify = [
        "journal",
        "verify",
        "--public-key",
        &first,
        "--checkpoint",
        line.trim(),
    ];
    let audited = world.json(verify);
    assert_eq!(audited["keys"].as_array().unwrap().len(), 2);
    assert!(
        audited["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["trusted"] == true)
    );
    // One whose file is gone is replaced when a line is needed; nobody vouches for the new one.
    fs::remove_file(&new[0]).unwrap();
    let (line, err) = world.exits(0, ["journal", "checkpoint"]);
    assert!(err.contains("whoever keeps the old one"), "{err}");
    let verify = [
        "journal",
        "verify",
        "--public-key",
        &first,
        "--checkpoint",
        line.trim(),
    ];
    let (_, err) = world.exits(1, verify);
    assert!(err.contains("neither given nor endorsed"), "{err}");
    let keys = world.json(["journal", "key"]);
    let keys = keys.as_array().unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys[1]["endorsement"].is_string() && keys[2]["endorsement"].is_null());
    assert_eq!(keys[1]["reason"], "Otto left");
}

fn sequences(told: &Value) -> Vec<u64> {
    let told = told.as_array().unwrap().iter();
    told.map(|entry| entry["sequence"].as_u64().unwrap())
        .collect()
}

#[test]
fn the_story_of_a_cartridge_is_every_entry_about_it_or_what_was_on_it() {
    let world = World::with_library("64MiB");
    let source = world.path("source");
    seeded::make_tree(&source, 3, 1 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.run_job();
    let shown = world.json(["media", "show", "TWV001L8"]);
    let ids = [&shown["id"], &shown["volume"]["id"]].map(|id| id.as_str().unwrap().to_owned());
    let all = world.json(["journal", "list", "--all"]);
    // By another way: whatever names it anywhere, and what came of the steps among that.
    let all_entries = all.as_array().unwrap();
    let names_it = |entry: &&Value| {
        let text = format!("{}{}", entry["subjects"], entry["details"]);
        text.contains("TWV001L8") || ids.iter().any(|id| text.contains(id))
    };
    let steps: Vec<&Value> = all_entries
        .iter()
        .filter(names_it)
        .filter(|entry| entry["kind"] == "step_intended")
        .map(|entry| &entry["subjects"]["step"])
        .collect();
    assert!(steps.len() > 3, "{steps:?}");
    let expected: Vec<u64> = all_entries
        .iter()
        .filter(|entry| names_it(entry) || steps.contains(&&entry["subjects"]["step"]))
        .map(|entry| entry["sequence"].as_u64().unwrap())
        .collect();
    let told = world.json(["media", "history", "TWV001L8"]);
    let found = sequences(&told);
    let missing: Vec<_> = expected.iter().filter(|one| !found.contains(one)).collect();
    let lost = |number: &&u64| &all[usize::try_from(**number).unwrap() - 1];
    assert!(
        missing.is_empty(),
        "{:#?}",
        missing.iter().map(lost).collect::<Vec<_>>()
    );
    assert_eq!(found, expected);
    let kinds: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kind"])
        .collect();
    for kind in [
        "cartridge_added",
        "cartridge_placed",
        "volume_labelled",
        "segment_committed",
        "segment_verified",
    ] {
        assert!(kinds.iter().any(|one| **one == kind), "{kind} in {kinds:?}");
    }
    for entry in told.as_array().unwrap() {
        assert!(entry["actor"]["person"].is_string() && entry["actor"]["station"].is_string());
    }
    let text = world.ok(["media", "history", "TWV001L8"]);
    assert!(
        text.contains("volume TWV001")
            && text.contains("set data of")
            && text.contains("place slot 1 (@"),
        "{text}"
    );
    let (_, err) = world.exits(2, ["media", "history", "NIX001L8"]);
    assert!(err.contains("media list"), "{err}");
    // The journal by what it is about, by kind and by time.
    let about = world.json(["journal", "list", "--about", "TWV001L8", "--all"]);
    assert_eq!(sequences(&about), expected);
    let added = world.json(["journal", "list", "--kind", "cartridge_added", "--all"]);
    assert!(added.as_array().unwrap().len() > 2);
    assert!(
        added
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["kind"] == "cartridge_added")
    );
    let of_set = world.json([
        "journal",
        "list",
        "--about",
        "data",
        "--kind",
        "set_completed",
    ]);
    assert_eq!(of_set.as_array().unwrap().len(), 1);
    assert_eq!(
        sequences(&world.json(["journal", "list", "--limit", "3"])).len(),
        3
    );
    let none = world.json(["journal", "list", "--until", "2020-01-01"]);
    assert_eq!(none.as_array().unwrap().len(), 0);
    let since = world.json(["journal", "list", "--since", "2020-01-01", "--all"]);
    assert_eq!(since, all);
    world.exits(2, ["journal", "list", "--since", "yesterday"]);
    world.exits(2, ["journal", "list", "--about", "nothing"]);
    let out = world.ok(["journal", "verify"]);
    assert!(out.contains("cannot be seen"), "{out}");
}
