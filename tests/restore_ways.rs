//! Planning, choosing, other destinations than a folder, several drives, and going on later.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::{World, same_trees, texts, write_files};

const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n";

/// Sets over three cartridges for each copy, all back in the library.
fn spanning() -> World {
    let world = World::with_library("8MiB");
    world.configure(SMALL);
    world.define_data(31, 18 << 20);
    world.run_job();
    world.return_cartridges();
    world
}

fn barcodes(plan: &Value, bring: bool) -> Vec<String> {
    let cartridges = plan["cartridges"].as_array().unwrap().iter();
    cartridges
        .filter(|cartridge| cartridge["bring"] == bring)
        .map(|cartridge| cartridge["barcode"].as_str().unwrap().to_owned())
        .collect()
}

/// Takes a cartridge out of the library.
fn take_out(world: &World, barcode: &str) {
    world.ok(["library", "eject", barcode]);
    world.ok(["sim", "remove", barcode]);
}

fn unpack(program: &str, archive: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    let output = Command::new(program)
        .args(["-x", "-f"])
        .arg(archive)
        .arg("-C")
        .arg(to)
        .output()
        .unwrap();
    let (out, err) = texts(&output);
    assert!(
        output.status.success() && out.is_empty() && err.is_empty(),
        "{program} {out} {err}"
    );
}

#[test]
fn a_set_over_three_cartridges_comes_back_in_every_way() {
    let world = spanning();
    let (source, back) = (world.path("source"), world.path("back"));
    let to = back.to_str().unwrap();

    // The plan moves nothing, and names the cartridges with their places in the order of reading.
    let before = world.json(["library", "status"]);
    let plan = world.json(["restore", "data", "--plan"]);
    assert_eq!(world.json(["library", "status"]), before);
    let cartridges = barcodes(&plan, false);
    assert!(cartridges.len() >= 3, "{plan}");
    assert_eq!(plan["drives"], 2, "{plan}");
    assert!(plan["bytes"].as_u64().unwrap() > 18 << 20, "{plan}");
    assert!(plan["seconds"].as_u64().unwrap() > 60, "{plan}");
    let first = &plan["cartridges"][0];
    assert!(
        first["place"].as_str().unwrap().starts_with("slot "),
        "{plan}"
    );
    let shown = world.ok(["restore", "data", "--plan"]);
    assert!(
        shown.contains("TO BRING") && shown.contains(&cartridges[2]),
        "{shown}"
    );

    // Both drives read at the same time.
    let (_, said) = world.exits(0, ["restore", "data", "--to", to]);
    let count = format!("from {} cartridges", cartridges.len());
    assert!(said.contains(&count), "{said}");
    let whole = said.split(" from ").next().unwrap().to_owned();
    same_trees(&source, &back);
    for entry in fs::read_dir(&source).unwrap() {
        let name = entry.unwrap().file_name();
        let time = |folder: &Path| {
            fs::metadata(folder.join(&name))
                .unwrap()
                .modified()
                .unwrap()
        };
        assert_eq!(time(&source), time(&back), "{name:?}");
    }
    fs::remove_dir_all(&back).unwrap();
    // And one alone.
    world.ok([
        "restore", "data", "--drives", "1", "--copy", "2", "--to", to,
    ]);
    same_trees(&source, &back);
    fs::remove_dir_all(&back).unwrap();

    // As a stream that others read.
    let archive = world.path("archive.tar");
    let out = world.ok(["restore", "data", "--tar", archive.to_str().unwrap()]);
    assert!(out.contains("archive.tar"), "{out}");
    for program in ["tar", "bsdtar"] {
        let unpacked = world.path(program);
        unpack(program, &archive, &unpacked);
        same_trees(&source, &unpacked);
    }
    let output = world.run(["restore", "data", "d00", "*/f0000*", "--to", "-"]);
    assert!(output.status.success(), "{:?}", texts(&output).1);
    assert!(
        texts(&output)
            .1
            .contains("members restored to standard output")
    );
    let part = world.path("part.tar");
    fs::write(&part, &output.stdout).unwrap();
    let list = Command::new("tar").arg("-tf").arg(&part).output().unwrap();
    let (names, err) = texts(&list);
    assert!(list.status.success() && err.is_empty(), "{err}");
    let chosen = |name: &str| name.starts_with("d00") || name.contains("/f0000");
    assert!(
        names.lines().count() > 10 && names.lines().all(chosen),
        "{names}"
    );

    // Nowhere: everything is read and compared.
    let out = world.ok(["restore", "data", "--verify-only"]);
    assert!(out.contains("members read from"), "{out}");
    assert!(!back.exists());

    // A cartridge is elsewhere: the rest comes, the plan says what to bring, and it goes on.
    for copy in ["1", "2"] {
        let plan = world.json(["restore", "data", "--plan", "--copy", copy]);
        take_out(&world, &barcodes(&plan, false)[1]);
    }
    let plan = world.json(["restore", "data", "--plan"]);
    let away = barcodes(&plan, true);
    assert_eq!(away.len(), 1, "{plan}");
    world
        .refuses(20, ["restore", "data", "--tar", archive.to_str().unwrap()])
        .says(&[&away[0], "outside"]);
    let refusal = world.stops(20, ["restore", "data", "--to", to]);
    refusal.says(&[&away[0], "outside", "tapeward restore --resume "]);
    let hint = refusal.hint.as_ref().unwrap();
    let run = hint
        .split("--resume ")
        .nth(1)
        .unwrap()
        .trim_end_matches('"');
    let left = fs::read_dir(&back).unwrap().count();
    assert!(left > 0, "nothing was restored");
    world
        .refuses(20, ["restore", "--resume", run])
        .says(&[&away[0]]);
    world.return_cartridges();
    let (out, said) = world.exits(0, ["restore", "--resume", run]);
    // What was done is not read again.
    assert!(
        !said.contains(&whole) && said.contains(&away[0]),
        "{out}{said}"
    );
    same_trees(&source, &back);
    world
        .refuses(2, ["restore", "--resume", run])
        .says(&["no restore", run]);
    let runs = world.json(["job", "list"]);
    let waits = |run: &Value| run["state"] == "waiting";
    assert!(!runs.as_array().unwrap().iter().any(waits), "{runs}");
}

/// Half-written files of a process that was killed go, also from a directory that was there before
/// and whose own member is not read again.
#[test]
fn what_a_killed_restore_left_half_written_goes() {
    let world = World::with_library("8MiB");
    world.configure(SMALL);
    let source = world.path("source");
    fs::create_dir_all(source.join("d")).unwrap();
    let mut random = seeded::Seeded::new(33);
    for number in 0..18 {
        let name = source.join(format!("d/f{number:02}"));
        fs::write(name, random.bytes(1 << 20)).unwrap();
    }
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.run_job();
    world.return_cartridges();
    let back = world.path("back");
    let to = back.to_str().unwrap();
    for copy in ["1", "2"] {
        let plan = world.json(["restore", "data", "--plan", "--copy", copy]);
        take_out(&world, barcodes(&plan, false).last().unwrap());
    }
    let folder = back.join("d");
    fs::create_dir_all(&folder).unwrap();
    let refusal = world.stops(20, ["restore", "data", "--existing", "keep", "--to", to]);
    let hint = refusal.hint.as_ref().unwrap();
    let run = hint.split("--resume ").nth(1).unwrap();
    let run = run.trim_end_matches('"');
    // A process that is no more.
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    // Something is still to come there, and this is how a kill in the middle of it leaves it.
    let there = fs::read_dir(&folder).unwrap().count();
    assert!((1..18).contains(&there), "{there}");
    let partial = folder.join(format!(".tapeward-{:x}-0.partial", gone.id()));
    fs::write(&partial, b"half").unwrap();
    let own = folder.join(format!(".tapeward-{:x}-0.partial", std::process::id()));
    fs::write(&own, b"somebody else's").unwrap();
    world.return_cartridges();
    world.ok(["restore", "--resume", run]);
    assert!(!partial.exists(), "{} is there", partial.display());
    // What a process that lives is at work on stays.
    fs::remove_file(own).unwrap();
    same_trees(&source, &back);
}

/// Whatever moment it is killed at, it goes on, and what was done is not read again.
#[test]
fn a_restore_that_was_killed_goes_on() {
    let world = spanning();
    let (source, back) = (world.path("source"), world.path("back"));
    for commands in [120_u64, 400, 900] {
        let mut child = world
            .command(["restore", "data", "--to", back.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let command = commands.to_string();
        world.ok(["sim", "kill-host", "--at-command", &command]);
        let status = child.wait().unwrap();
        println!("{commands}: {status}");
        if status.success() {
            println!("done before command {commands}");
        } else {
            let runs = world.json(["job", "list"]);
            let runs = runs.as_array().unwrap();
            let run = runs
                .iter()
                .find(|run| run["kind"] == "restore" && run["state"] != "done");
            let folder = world.state().join("restores");
            let begun = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
            match run.filter(|_| begun) {
                Some(run) => {
                    let id = run["id"].as_str().unwrap();
                    world.ok(["restore", "--resume", id]);
                }
                None => {
                    world.ok([
                        "restore",
                        "data",
                        "--existing",
                        "keep",
                        "--to",
                        back.to_str().unwrap(),
                    ]);
                }
            }
        }
        same_trees(&source, &back);
        fs::remove_dir_all(&back).unwrap();
        let _ = fs::remove_dir_all(world.state().join("restores"));
    }
}

/// The other drive goes on, with the other copy of what stays in the broken one.
#[test]
fn a_drive_that_breaks_while_it_reads_is_put_apart() {
    let world = spanning();
    let (source, back) = (world.path("source"), world.path("back"));
    let to = back.to_str().unwrap();
    for drives in ["1", "2"] {
        let plan = world.json(["restore", "data", "--plan"]);
        let cartridge = barcodes(&plan, false)[1].clone();
        let operator = Operator::connect(&world.virtual_folder()).unwrap();
        let faults = vec![PlannedFault {
            at: Place::ReadRecord {
                cartridge: cartridge.clone(),
                record: 60,
            },
            fault: Fault::DriveBreaks,
        }];
        operator.ask(&Request::SetFaults { faults }).unwrap();
        let refusal = world.stops(20, ["restore", "data", "--drives", drives, "--to", to]);
        refusal.says(&[&cartridge, "drive:"]);
        let apart = refusal.before.lines().any(|line| {
            line.starts_with("problem: drive:") && line.contains("not used any more in this run")
        });
        assert!(apart, "{refusal:#?}");
        same_trees(&source, &back);
        fs::remove_dir_all(&back).unwrap();
        // The person turns the drive off and on.
        world.ok(["sim", "power-cut"]);
        world.return_cartridges();
    }
}

#[test]
fn sets_of_any_age_and_several_at_once() {
    let world = World::with_library("64MiB");
    for (name, content) in [("one", "first"), ("two", "other")] {
        let source = world.path(name);
        write_files(
            &source,
            &[("a/file", content.as_bytes()), ("b/x[1]", b"odd")],
        );
        world.ok(["set", "define", name, source.to_str().unwrap()]);
    }
    world.ok(["job", "run"]);
    world.return_cartridges();
    fs::write(world.path("one/a/file"), "second").unwrap();
    world.ok(["job", "run", "--set", "one"]);
    world.return_cartridges();
    let sets = world.json(["set", "show", "one"]);
    let made = sets["sets"][0]["started_at"].as_str().unwrap();
    let (back, read) = (world.path("back"), |path: &str| {
        fs::read_to_string(world.path("back").join(path)).unwrap()
    });
    let to = back.to_str().unwrap();
    world.ok(["restore", "one", "--at", made, "--to", to]);
    assert_eq!(read("a/file"), "first");
    world.ok([
        "restore",
        "one",
        "--at",
        "2999-12-31",
        "a",
        "--existing",
        "rename",
        "--to",
        to,
    ]);
    assert_eq!(
        (read("a/file"), read("a/file.kept-1")),
        ("second".into(), "first".into())
    );
    world
        .refuses(2, ["restore", "one", "--at", "2001-01-01", "--to", to])
        .says(&["2001-01-01", "one"]);
    fs::remove_dir_all(&back).unwrap();

    // A name that looks like a pattern is a name where it is one.
    world.ok([
        "restore", "one", "--set", "two", "b/x[1]", "a/f*", "--to", to,
    ]);
    assert_eq!(
        (read("one/a/file"), read("two/a/file")),
        ("second".into(), "other".into())
    );
    assert_eq!(read("two/b/x[1]"), "odd");
    let archive = world.path("both.tar");
    world.ok([
        "restore",
        "one",
        "--set",
        "two",
        "--tar",
        archive.to_str().unwrap(),
    ]);
    let list = Command::new("tar")
        .arg("-tf")
        .arg(&archive)
        .output()
        .unwrap();
    assert!(texts(&list).0.contains("two/b/x[1]"), "{:?}", texts(&list));
    world
        .refuses(2, ["restore", "one", "--set", "two", "no*", "--to", to])
        .says(&["no*", "any of the sets"]);
}

#[test]
fn all_problems_go_to_a_file_and_the_first_are_told() {
    let world = World::with_library("64MiB");
    let source = world.path("source");
    fs::create_dir(&source).unwrap();
    for number in 0..1200 {
        fs::write(source.join(format!("f{number}")), "x").unwrap();
    }
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.ok(["job", "run"]);
    world.return_cartridges();
    let (back, list) = (world.path("back"), world.path("list"));
    let command = ["restore", "data", "--to", back.to_str().unwrap()];
    world.ok(command);
    let all = [&command[..], &["--problems", list.to_str().unwrap()]].concat();
    let refusal = world.stops(3, all);
    refusal.says(&["1200 things", "--problems"]);
    let named = refusal.before.matches("it exists already").count();
    assert_eq!(named, 1000);
    assert!(
        refusal.out.contains("and 200 more problems"),
        "{refusal:#?}"
    );
    let text = fs::read_to_string(list).unwrap();
    assert_eq!(text.matches("it exists already").count(), 1200);
}
