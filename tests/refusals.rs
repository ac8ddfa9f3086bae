//! Bad input gets one clear line and loses nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::PathBuf;

use chrono::DateTime;
use rstest::rstest;
use tapeward::library::lock::DeviceLock;
use tapeward_drivers::socket::{InitiatorId, Lun, SocketTransport};
use tapeward_drivers::ssc;
use tapeward_drivers::ssc::Synchronize;
use tapeward_sim::Operator;
use tapeward_sim::front::control::Request;
use tapeward_sim::library::{OpenOptions, Waiting};
use world::{World, same_trees};

/// A world with a defined set in one copy; nothing has run.
fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure("[monthly]\ncopies = [\"onsite\"]\n");
    seeded::make_tree(&world.path("source"), 9, 1 << 20);
    let source = world.path("source");
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world
}

fn library(world: &World) -> PathBuf {
    world.state().join("virtual")
}

/// The lines of an error: what is wrong, and at most one with what to do.
#[track_caller]
fn complaint(err: &str) -> String {
    let at = err
        .lines()
        .position(|line| line.starts_with("tapeward: "))
        .unwrap_or_else(|| panic!("no complaint in {err}"));
    let lines: Vec<&str> = err.lines().skip(at).collect();
    assert!(lines.len() <= 2, "{err}");
    assert!(
        lines.iter().skip(1).all(|line| line.starts_with("  ")),
        "{err}"
    );
    lines.join("\n")
}

#[track_caller]
fn refused(world: &World, code: i32, arguments: &[&str], words: &[&str]) {
    let (out, err) = world.exits(code, arguments);
    assert_eq!(out, "");
    let said = complaint(&err);
    for word in words {
        assert!(said.contains(word), "no \"{word}\" in {said}");
    }
}

fn restores(world: &World) {
    world.return_cartridges();
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("source"), &back);
    fs::remove_dir_all(back).unwrap();
}

/// Ends the virtual library's process, so that its files can be changed.
fn shut_down(world: &World) {
    if let Ok(operator) = Operator::connect(&library(world)) {
        operator.ask(&Request::ShutDown).unwrap();
    }
}

#[test]
fn a_typo_in_the_configuration_is_named_with_line_and_column() {
    let world = prepared();
    let path = world.state().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("verfy = true\n{text}")).unwrap();
    refused(&world, 2, &["set", "list"], &["config.toml:1:1", "verfy"]);
}

#[rstest]
#[case(&["set", "define", "x", "/no/such/folder"], 2, &["/no/such/folder"])]
#[case(&["set", "show", "nothing"], 2, &["nothing", "data"])]
#[case(&["restore", "data", "--to", "back"], 2, &["data", "job run"])]
#[case(&["job", "show", "last"], 2, &["no job"])]
#[case(&["job", "resume"], 2, &["unfinished"])]
#[case(&["job", "run", "--month", "2026-13"], 2, &["2026-13", "YYYY-MM"])]
#[case(&["job", "run", "--set", "nothing"], 2, &["nothing"])]
#[case(&["key", "create", "site"], 2, &["site"])]
#[case(&["media", "show", "NOPE01L8"], 2, &["NOPE01L8"])]
#[case(&["media", "add", "TWV001L8"], 2, &["TWV001L8"])]
#[case(&["media", "label", "NOPE01L8", "--pool", "onsite"], 2, &["NOPE01L8", "media add"])]
#[case(&["library", "load", "slot:99"], 2, &["slot:99"])]
#[case(&["library", "transfer", "slot:24", "slot:23"], 1, &["slot:24", "empty"])]
#[case(&["library", "transfer", "slot:1", "slot:2"], 1, &["slot:2", "TWV002L8"])]
#[case(&["library", "unload", "TWV001L8"], 2, &["TWV001L8", "drive"])]
#[case(&["sim", "remove", "TWV001L8"], 2, &["TWV001L8", "eject"])]
fn what_makes_no_sense_is_named(
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] words: &[&str],
) {
    refused(&prepared(), code, arguments, words);
}

/// Writes to a cartridge behind everybody's back, as another program would.
fn write_foreign(world: &World, barcode: &str, blocks: &[&[u8]]) {
    world.ok(["library", "load", barcode, "--into", "drive:0"]);
    let units = [Lun::drive(0), Lun::drive(1)];
    let mut written = false;
    for unit in units {
        let initiator = InitiatorId([7; 16]);
        let transport = SocketTransport::connect(&library(world), unit, initiator).unwrap();
        let mut drive = ssc::Drive::new(Box::new(transport));
        drive.consume_unit_attentions().unwrap();
        if drive.test_unit_ready().is_ok() {
            for block in blocks {
                drive.write_block(block).unwrap();
            }
            drive.write_filemarks(1, Synchronize::Flush).unwrap();
            written = true;
        }
    }
    assert!(written);
    world.ok(["library", "unload", "drive:0"]);
}

#[test]
fn data_of_another_program_is_refused_unless_it_may_go() {
    let world = prepared();
    write_foreign(&world, "TWV001L8", &[&[b'x'; 10240], &[b'y'; 10240]]);
    refused(
        &world,
        1,
        &["media", "label", "TWV001L8", "--pool", "onsite"],
        &["TWV001L8", "not blank", "--overwrite-foreign"],
    );
    // The job takes another cartridge and says so.
    let (_, err) = world.exits(3, ["job", "run"]);
    assert!(err.contains("TWV001L8"), "{err}");
    restores(&world);
    world.ok([
        "media",
        "label",
        "TWV001L8",
        "--pool",
        "onsite",
        "--overwrite-foreign",
    ]);
}

#[test]
fn what_must_be_kept_is_not_labelled_even_if_foreign_data_may_go() {
    let world = prepared();
    world.ok(["job", "run"]);
    world.return_cartridges();
    for extra in [&[][..], &["--overwrite-foreign"][..]] {
        let mut arguments = vec!["media", "label", "TWV001L8", "--pool", "onsite"];
        arguments.extend(extra);
        refused(&world, 1, &arguments, &["TWV001L8", "kept until"]);
    }
    restores(&world);
}

#[test]
fn a_cartridge_with_another_label_than_its_barcode_is_refused() {
    let world = prepared();
    world.ok(["job", "run"]);
    world.return_cartridges();
    // Somebody swaps the stickers of a written and a blank cartridge.
    shut_down(&world);
    // Not before its process is through with its files.
    let patient = OpenOptions {
        waiting: Waiting::UntilFree,
        ..OpenOptions::default()
    };
    drop(tapeward_sim::Library::open_with(&library(&world), &patient).unwrap());
    let cartridge = |name: &str| library(&world).join("cartridges").join(name);
    fs::rename(cartridge("TWV001L8"), cartridge("aside")).unwrap();
    fs::rename(cartridge("TWV002L8"), cartridge("TWV001L8")).unwrap();
    fs::rename(cartridge("aside"), cartridge("TWV002L8")).unwrap();
    let back = world.path("back");
    let (_, err) = world.exits(1, ["restore", "data", "--to", back.to_str().unwrap()]);
    assert!(err.contains("cannot read TWV001L8"), "{err}");
    assert!(!back.join("d00").exists());
    // Appending: the wrong cartridge is passed over, nothing is written to it.
    let (_, err) = world.exits(3, ["job", "run"]);
    assert!(err.contains("TWV001L8"), "{err}");
}

#[test]
fn a_write_once_cartridge_is_appended_to_and_never_labelled_again() {
    let world = World::with_library("64MiB");
    world.configure("[monthly]\ncopies = [\"onsite\"]\neject = false\n");
    seeded::make_tree(&world.path("source"), 9, 1 << 20);
    let source = world.path("source");
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.ok([
        "sim",
        "insert",
        "AAA001LY",
        "--new",
        "--worm",
        "--cartridge-size",
        "64MiB",
    ]);
    world.ok(["library", "transfer", "mail:1", "slot:24"]);
    world.ok(["media", "add", "AAA001LY"]);
    world.ok(["library", "inventory"]);
    world.ok(["media", "label", "AAA001LY", "--pool", "onsite"]);
    for _ in 0..2 {
        world.ok(["job", "run"]);
    }
    let sets = world.json(["set", "show", "data"]);
    for set in sets["sets"].as_array().unwrap() {
        assert_eq!(set["copies"][0]["cartridges"][0][0], "AAA001LY");
    }
    refused(
        &world,
        1,
        &["media", "label", "AAA001LY", "--pool", "onsite"],
        &["AAA001LY"],
    );
    restores(&world);
}

#[test]
fn a_wrong_key_opens_nothing() {
    let world = prepared();
    world.ok(["job", "run"]);
    world.return_cartridges();
    let other = world.path("other.identity");
    let made = std::process::Command::new("age-keygen")
        .arg("-o")
        .arg(&other)
        .output();
    match made {
        Ok(output) => assert!(output.status.success()),
        Err(error) if std::env::var_os("CI").is_none() => {
            // Without Debian's age there is no other key to try.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            return;
        }
        Err(error) => panic!("age-keygen: {error}"),
    }
    let back = world.path("back");
    let (_, err) = world.exits(
        2,
        [
            "restore",
            "data",
            "--to",
            back.to_str().unwrap(),
            "--identity",
            other.to_str().unwrap(),
        ],
    );
    assert!(complaint(&err).contains("identit"), "{err}");
    assert!(!err.contains("AGE-SECRET-KEY"), "{err}");
    restores(&world);
}

#[test]
fn full_mail_slots_are_named_and_the_run_goes_on_when_they_are_empty() {
    let world = prepared();
    for barcode in ["TWV010L8", "TWV011L8", "TWV012L8", "TWV013L8"] {
        world.ok(["library", "eject", barcode]);
    }
    let (_, err) = world.exits(20, ["job", "run"]);
    let said = complaint(&err);
    for word in ["mail:1", "TWV010L8", "mail:4", "TWV013L8", "job resume"] {
        assert!(said.contains(word), "{said}");
    }
    refused(&world, 2, &["job", "run"], &["not finished", "job resume"]);
    let runs = world.json(["job", "list"]);
    assert_eq!(runs[0]["state"], "waiting", "{runs}");
    world.ok(["job", "abandon", runs[0]["id"].as_str().unwrap()]);
    world.exits(20, ["job", "run"]);
    world.ok(["sim", "remove", "TWV010L8"]);
    world.ok(["job", "resume"]);
    restores(&world);
}

#[test]
fn whoever_holds_a_drive_is_named() {
    let world = prepared();
    let drives = world.json(["drive", "status"]);
    let locks: Vec<DeviceLock> = drives
        .as_array()
        .unwrap()
        .iter()
        .map(|drive| {
            DeviceLock::acquire(
                &world.path("locks"),
                drive["serial"].as_str().unwrap(),
                "drive",
                "a test of the robot",
                DateTime::UNIX_EPOCH,
            )
            .unwrap()
        })
        .collect();
    let pid = std::process::id().to_string();
    refused(
        &world,
        11,
        &["job", "run"],
        &["a test of the robot", "1970-01-01T00:00:00Z", &pid],
    );
    drop(locks);
    world.ok(["job", "run"]);
    restores(&world);
}

#[test]
fn a_second_job_is_told_about_the_first() {
    let world = prepared();
    let first = DeviceLock::acquire(
        &world.state().join("locks"),
        "job",
        "job",
        "job",
        DateTime::UNIX_EPOCH,
    )
    .unwrap();
    let pid = std::process::id().to_string();
    refused(
        &world,
        11,
        &["job", "run"],
        &["the job of this state folder", &pid, "1970-01-01T00:00:00Z"],
    );
    drop(first);
    world.ok(["job", "run"]);
}

#[test]
fn a_source_that_is_gone_does_not_hold_up_the_run() {
    let world = prepared();
    world.ok(["sim", "kill-host", "--at-command", "160"]);
    assert_eq!(world.run(["job", "run"]).status.code(), None);
    fs::rename(world.path("source"), world.path("elsewhere")).unwrap();
    let (_, err) = world.exits(1, ["job", "resume"]);
    assert!(complaint(&err).contains("source"), "{err}");
    let runs = world.json(["job", "list"]);
    assert_eq!(runs[0]["state"], "failed", "{runs}");
    fs::rename(world.path("elsewhere"), world.path("source")).unwrap();
    world.ok(["job", "run"]);
    restores(&world);
}
