//! The moment is bad: somebody else is at work, there is no room, the source is gone, somebody
//! presses Ctrl-C. Said in one line with the documented exit code, and it goes on from there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/running.rs"]
mod running;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use refusal::Refusal;
use running::Running;
use serde_json::Value;
use tapeward::library::lock::DeviceLock;
use world::{World, same_trees, texts};

/// When the locks of these tests were taken.
const SINCE: &str = "2026-03-01T05:00:00Z";

/// Takes a device as another process would: this one.
fn hold(world: &World, serial: &str) -> DeviceLock {
    let since: DateTime<Utc> = SINCE.parse().unwrap();
    DeviceLock::acquire(&world.path("locks"), serial, "", "nightly restore", since).unwrap()
}

fn drive_serials(world: &World) -> Vec<String> {
    let drives = world.json(["drive", "status"]);
    let serial = |drive: &Value| drive["serial"].as_str().unwrap().to_owned();
    drives.as_array().unwrap().iter().map(serial).collect()
}

/// The robot's serial number: the one lock in the folder that is no drive's.
fn robot_serial(world: &World) -> String {
    world.ok(["library", "transfer", "slot:1", "slot:24"]);
    world.ok(["library", "transfer", "slot:24", "slot:1"]);
    let drives = drive_serials(world);
    fs::read_dir(world.path("locks"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .find(|serial| !drives.contains(serial))
        .unwrap()
}

#[test]
fn a_busy_drive_is_left_alone_and_its_holder_named() {
    let world = World::with_set_on_tape();
    let serials = drive_serials(&world);
    let mut locks = vec![hold(&world, &serials[0])];
    let holder = format!(
        "process {} (nightly restore) since {SINCE}",
        std::process::id()
    );

    let drives = world.json(["drive", "status"]);
    let by = drives[0]["held_by"].as_str().unwrap();
    assert!(by.contains(&holder), "{drives}");
    assert!(drives[1]["held_by"].is_null(), "{drives}");
    world
        .refuses(11, ["library", "load", "TWV009L8", "--into", "drive:0"])
        .says(&["drive:0", &serials[0], &holder]);
    // The other drive will do.
    world.both_copies_restore();

    locks.push(hold(&world, &serials[1]));
    let back = world.path("back");
    for command in [
        &["job", "run"][..],
        &["restore", "data", "--to", back.to_str().unwrap()],
        &["verify", "data"],
        &["media", "label", "TWV009L8", "--pool", "onsite"],
    ] {
        world.refuses(11, command).says(&[&holder, "wait until"]);
    }
    assert!(!back.exists());
    // What was not begun is not unfinished.
    assert_eq!(world.json(["job", "list"]).as_array().unwrap().len(), 3);
    drop(locks);
    world.ok(["job", "run"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn a_second_job_is_told_who_runs_the_first_since_when() {
    let world = World::with_set_on_tape();
    // The first one waits for the robot and so stays where it is.
    let robot = hold(&world, &robot_serial(&world));
    let mut first = Running::start(&world, &["job", "run"]);
    first.read_until("set data: writing");
    let runs = world.json(["job", "list"]);
    let started = runs[0]["started_at"].as_str().unwrap()[..16].to_owned();
    for command in [["job", "run"], ["job", "resume"]] {
        let refusal = world.refuses(11, command);
        let process = format!("process {} (job) since ", first.id());
        refusal.says(&[
            "the job of this state folder",
            &process,
            &started,
            "wait until",
        ]);
    }
    // Looking is possible all the time.
    world.ok(["library", "status"]);
    let shown = world.ok(["job", "show", "last"]);
    assert!(shown.contains("running"), "{shown}");
    drop(robot);
    let output = first.end();
    assert!(output.status.success(), "{:?}", texts(&output));
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn with_all_mail_slots_full_it_waits_and_says_which_to_empty() {
    let world = World::with_library("64MiB");
    world.define_data(71, 1 << 18);
    let others = ["TWV017L8", "TWV018L8", "TWV019L8", "TWV020L8"];
    world.ok([&["library", "eject"][..], &others].concat());
    let refusal = world.refuses(20, ["job", "run"]);
    refusal.says(&[
        "mail:1 (TWV017L8)",
        "mail:4 (TWV020L8)",
        "empty them",
        "tapeward job resume",
    ]);
    let run = &world.json(["job", "list"])[0];
    assert_eq!(run["state"], "waiting", "{run}");

    // One slot is enough for one of two cartridges.
    world.ok(["sim", "remove", "TWV018L8"]);
    let refusal = world.refuses(20, ["job", "resume"]);
    refusal.says(&["mail:1 (TWV017L8)", "mail:2 (TWV001L8)"]);
    world.ok(["sim", "remove", "TWV001L8"]);
    let out = world.ok(["job", "resume"]);
    assert!(
        out.contains("TWV002L8 holds copy 2") && out.contains("mail:2"),
        "{out}"
    );
    for barcode in ["TWV017L8", "TWV019L8", "TWV020L8"] {
        world.ok(["sim", "remove", barcode]);
    }
    world.return_cartridges();
    world.both_copies_restore();
}

#[test]
fn a_full_library_keeps_the_cartridge_in_its_drive() {
    let world = World::with_library("16MiB");
    world.ok(["library", "load", "TWV001L8", "--into", "drive:0"]);
    // Five storage elements are free now.
    for (number, slot) in [1, 21, 22, 23, 24].into_iter().enumerate() {
        let barcode = format!("NEW00{number}L8");
        world.ok([
            "sim",
            "insert",
            &barcode,
            "--new",
            "--cartridge-size",
            "16MiB",
        ]);
        world.ok(["library", "transfer", &barcode, &format!("slot:{slot}")]);
    }
    let refusal = world.refuses(20, ["library", "unload", "drive:0"]);
    refusal.says(&[
        "no storage element is free",
        "TWV001L8",
        "drive:0",
        "tapeward library eject",
    ]);
    let status = world.ok(["library", "status"]);
    assert!(
        status
            .lines()
            .any(|line| line.starts_with("drive:0") && line.contains("TWV001L8")),
        "{status}"
    );

    world.ok(["library", "eject", "NEW001L8"]);
    world.ok(["library", "unload", "drive:0"]);
}

#[test]
fn interrupted_it_stops_at_a_safe_point_and_resumes() {
    let world = World::with_library("256MiB");
    world.configure("[stream]\nsegment-size = \"4MiB\"\n");
    let source = world.define_data(73, 48 << 20);
    let mut job = Running::start(&world, &["--json", "job", "run"]);
    job.read_until("\"task\":\"writing data\"");
    job.interrupt();
    let output = job.end();
    let (out, err) = texts(&output);
    assert_eq!(
        (output.status.code(), out.as_str()),
        (Some(130), ""),
        "{err}"
    );
    let events: Vec<Value> = err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let errors: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "error")
        .collect();
    assert_eq!(errors.len(), 1, "{err}");
    assert_eq!(errors[0], events.last().unwrap());
    assert_eq!(errors[0]["kind"], "interrupted");
    assert!(
        errors[0]["hint"]
            .as_str()
            .unwrap()
            .contains("tapeward job resume"),
        "{err}"
    );
    assert_eq!(world.json(["job", "list"])[0]["state"], "interrupted");

    world
        .refuses(2, ["job", "run"])
        .says(&["not finished", "tapeward job resume"]);
    world.ok(["job", "resume"]);
    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = world.path(copy);
        world.ok([
            "restore",
            "data",
            "--copy",
            copy,
            "--to",
            back.to_str().unwrap(),
        ]);
        same_trees(&source, &back);
    }

    // A restore stops too, and what is there can be completed.
    let back = world.path("back");
    let to = back.to_str().unwrap();
    let mut restore = Running::start(&world, &["--json", "restore", "data", "--to", to]);
    restore.read_until("\"event\":\"progress\"");
    restore.interrupt();
    let output = restore.end();
    assert_eq!(output.status.code(), Some(130), "{:?}", texts(&output));
    world.ok(["restore", "data", "--existing", "replace", "--to", to]);
    same_trees(&source, &back);
}

#[test]
fn a_source_that_vanishes_between_kill_and_resume_fails_its_set_alone() {
    let world = World::with_set_on_tape();
    let gone = world.path("gone");
    seeded::make_tree(&gone, 79, 24 << 20);
    world.configure("[stream]\nsegment-size = \"1MiB\"\n");
    world.ok(["set", "define", "another", gone.to_str().unwrap()]);
    world.ok([
        "set",
        "define",
        "zuletzt",
        world.path("source").to_str().unwrap(),
    ]);
    // Some segments are on tape by then, more are not.
    world.ok(["sim", "kill-host", "--at-command", "500"]);
    let killed = world.run(["job", "run", "--set", "another", "--set", "zuletzt"]);
    assert_eq!(killed.status.code(), None);
    fs::rename(&gone, world.path("elsewhere")).unwrap();

    // It may come back, so the run is kept until somebody gives it up.
    let run = world.json(["job", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..2 {
        world.refuses(1, ["job", "resume"]).says(&[
            "set another",
            gone.to_str().unwrap(),
            "tapeward job resume",
            &format!("tapeward job abandon {run}"),
        ]);
    }
    world.return_cartridges();
    world.both_copies_restore();
    world.ok(["job", "abandon", &run]);
    world
        .refuses(2, ["job", "resume"])
        .says(&["no run is unfinished"]);
    let sets = world.json(["set", "show", "another"]);
    assert_eq!(sets["sets"][0]["state"], "failed", "{sets}");
    world
        .refuses(2, ["restore", "another", "--to", "x"])
        .says(&["another", "complete"]);
    world.ok(["job", "run", "--set", "zuletzt"]);
    world.return_cartridges();
    fs::rename(world.path("elsewhere"), &gone).unwrap();
    world.ok(["job", "run"]);
    world.return_cartridges();
    let back = world.path("back");
    world.ok(["restore", "another", "--to", back.to_str().unwrap()]);
    same_trees(&gone, &back);
}

/// A file system of its own, gone with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where one may not mount.
    fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut command = Command::new("mount");
        command.args([
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size}"),
            "tapeward-test",
        ]);
        let output = command.arg(at).output().unwrap();
        output.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Takes all that is left of a disk but so much.
fn fill(path: &Path, less: u64) {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    let block = vec![0; 4096];
    while file.write_all(&block).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(less)).unwrap();
}

#[test]
fn a_full_disk_under_the_state_folder_loses_nothing() {
    let world = World::new();
    let Some(_disk) = SmallDisk::mount(&world.state(), "16m") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test must be able to mount"
        );
        println!("no disk of its own: mounting is not permitted");
        return;
    };
    let library = world.path("library");
    let dir = library.to_str().unwrap();
    world.ok(["sim", "create", dir, "--cartridge-size", "64MiB"]);
    world.ok(["init"]);
    world.configure(&format!(
        "[library.virtual]\nkind = \"virtual\"\npath = \"{dir}\"\n[stream]\nsegment-size = \"1MiB\"\n"
    ));
    world.ok(["key", "create", "site"]);
    world.ok(["media", "add", "--from-library"]);
    let source = world.define_data(83, 8 << 20);
    world.ok(["job", "run"]);
    world.return_cartridges();

    let filler = world.state().join("filler");
    for room in [0, 64 << 10, 200 << 10] {
        fs::write(source.join("new"), room.to_string()).unwrap();
        let unfinished = world.json(["job", "list"])[0]["state"] != "done";
        fill(&filler, room);
        let output = world.run(["job", if unfinished { "resume" } else { "run" }]);
        if output.status.success() {
            // There was room enough after all.
            assert!(room > 0, "{:?}", texts(&output));
        } else {
            let refusal = Refusal::of(&output, 1);
            assert!(
                refusal.line.contains("full") || refusal.line.contains("No space left"),
                "{refusal:#?}"
            );
            refusal.says(&[world.state().to_str().unwrap()]);
        }
        fs::remove_file(&filler).unwrap();
    }
    let runs = world.json(["job", "list"]);
    if runs[0]["state"] != "done" {
        world.ok(["job", "resume"]);
    }
    world.return_cartridges();
    fs::write(source.join("new"), "last").unwrap();
    world.ok(["job", "run"]);
    world.return_cartridges();
    world.both_copies_restore();
    let sets = world.json(["set", "show", "data"]);
    for set in sets["sets"].as_array().unwrap() {
        if set["state"] == "complete" {
            world.ok(["verify", set["id"].as_str().unwrap()]);
        }
    }
}
