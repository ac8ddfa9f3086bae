//! Commands before and after a source is read, and folders that a pattern finds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tapeward::catalogue::{Catalogue, JournalRow};
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::{World, same_trees, texts, write_files};

/// A world with a snapshot that is made before and removed after, and a log of both.
fn with_snapshot() -> (World, PathBuf, PathBuf) {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    let live = world.path("live");
    write_files(&live, &[("a/file", b"text"), ("b", b"more")]);
    let snapshot = world.path("snapshot");
    let log = world.path("log");
    let before = format!(
        "cp -a {} {} && echo before $TAPEWARD_SET >>{}",
        live.display(),
        snapshot.display(),
        log.display()
    );
    let after = format!(
        "rm -r {}; echo after $TAPEWARD_RESULT $TAPEWARD_SOURCE >>{}",
        snapshot.display(),
        log.display()
    );
    let define = [
        "set",
        "define",
        "data",
        snapshot.to_str().unwrap(),
        "--shell",
    ];
    world.ok([&define[..], &["--before", &before, "--after", &after]].concat());
    (world, snapshot, log)
}

fn lines(log: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_snapshot_is_made_before_and_removed_after() {
    let (world, snapshot, log) = with_snapshot();
    world.ok(["job", "run"]);
    let source = snapshot.display();
    assert_eq!(
        lines(&log),
        ["before data".to_owned(), format!("after ok {source}")]
    );
    assert!(!snapshot.exists());
    world.return_cartridges();
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("live"), &back);
    let shown = world.json(["job", "show", "last"]);
    let is_source = |step: &&Value| step["kind"] == "source";
    let step = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(is_source)
        .unwrap();
    assert_eq!(step["observation"]["complete"], true, "{step}");
    let run = shown["run"]["id"].as_str().unwrap().parse().unwrap();
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let journal = catalogue.read(|view| view.journal_of_run(run)).unwrap();
    let ended = |row: &&JournalRow| format!("{row:?}").contains("command_ended");
    assert_eq!(journal.iter().filter(ended).count(), 2);
}

#[test]
fn when_before_fails_nothing_is_read_and_after_runs() {
    let (world, _, log) = with_snapshot();
    fs::remove_dir_all(world.path("live")).unwrap();
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&["data", "ended with status 1"]);
    let lines = lines(&log);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("after failed "), "{lines:?}");
    let set = world.json(["set", "show", "data"])["sets"][0].clone();
    assert_eq!(
        (set["state"].as_str(), set["segments"].as_u64()),
        (Some("failed"), Some(0))
    );
}

/// A snapshot that cannot be made when a job is resumed costs nothing of what is on tape, and the other
/// sets are written.
#[test]
fn when_before_fails_in_a_resumed_job_the_set_stays_to_be_gone_on_with() {
    let world = World::in_memory();
    world.prepare_library("64MiB");
    world.configure("[stream]\nsegment-size = \"128KiB\"\nblock-size = \"16KiB\"\n");
    let live = world.path("live");
    seeded::make_tree(&live, 7, 2 << 20);
    let broken = world.path("broken");
    let before = format!("test ! -e {}", broken.display());
    let define = ["set", "define", "data", live.to_str().unwrap(), "--shell"];
    world.ok([&define[..], &["--before", &before]].concat());
    let other = world.path("other");
    write_files(&other, &[("a", b"text")]);
    world.ok(["set", "define", "other", other.to_str().unwrap()]);
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let faults = vec![PlannedFault {
        at: Place::Command(450),
        fault: Fault::KillHost,
    }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
    let killed = world.run(["job", "run"]);
    assert_eq!(killed.status.code(), None, "{:?}", texts(&killed));
    let set = |name: &str| world.json(["set", "show", name])["sets"][0].clone();
    let written = set("data")["segments"].as_u64().unwrap();
    assert!(written > 0);

    fs::write(&broken, "").unwrap();
    let refusal = world.stops(1, ["job", "resume"]);
    refusal.says(&["set data stays", "ended with status 1", "job resume"]);
    let left = set("data");
    assert_eq!(
        (&left["state"], left["segments"].as_u64()),
        (&"open".into(), Some(written))
    );
    assert_eq!(set("other")["state"], "complete");

    fs::remove_file(&broken).unwrap();
    world.ok(["job", "resume"]);
    assert_eq!(set("data")["id"], left["id"]);
    world.return_cartridges();
    world.ok(["restore", "data", "--to", "back"]);
    same_trees(&live, &world.path("back"));
}

#[test]
fn when_after_fails_the_set_is_good_and_somebody_is_told() {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    let live = world.path("live");
    write_files(&live, &[("a", b"text")]);
    let define = ["set", "define", "data", live.to_str().unwrap(), "--shell"];
    world.ok([&define[..], &["--after", "echo busy >&2; exit 7"]].concat());
    let refusal = world.stops(3, ["job", "run"]);
    refusal.says(&["ended with status 7", "busy"]);
    assert_eq!(
        world.json(["set", "show", "data"])["sets"][0]["state"],
        "complete"
    );
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    world.configure("[source]\ncommand-seconds = 1\n");
    let live = world.path("live");
    write_files(&live, &[("a", b"text")]);
    let define = ["set", "define", "data", live.to_str().unwrap()];
    world.ok([&define[..], &["--before", "sleep 1000"]].concat());
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&["took more than 1 s"]);
}

/// Killed with the snapshot there: whoever comes next removes it before anything else.
#[test]
fn after_a_kill_the_snapshot_is_removed_first() {
    let (world, snapshot, log) = with_snapshot();
    world.ok(["sim", "kill-host", "--at-command", "120"]);
    let output = world.run(["job", "run"]);
    assert_eq!(output.status.code(), None, "{:?}", texts(&output));
    assert!(snapshot.exists());
    assert_eq!(lines(&log), ["before data"]);
    // A new run is refused while there is one to go on with; the snapshot goes all the same.
    world.refuses(2, ["job", "run"]).says(&["not finished"]);
    assert!(!snapshot.exists());
    assert!(lines(&log)[1].starts_with("after failed "));
    world.ok(["job", "resume"]);
    let log = lines(&log);
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(log[3].starts_with("after ok "), "{log:?}");
}

/// Folders of an appliance, all of this month.
fn appliance(world: &World, folders: &[&str]) -> String {
    let month = chrono::Utc::now().format("%Y-%m").to_string();
    let top = world.path("appliance");
    for folder in folders {
        let path = top.join(folder.replace("MONTH", &month));
        write_files(&path, &[("name", folder.as_bytes())]);
    }
    format!("{}/{{system}}/{{date:%Y-%m-%d}}/{{kind}}", top.display())
}

fn names(expansion: &Value) -> Vec<&str> {
    let taken = expansion["taken"].as_array().unwrap();
    taken
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_pattern_is_a_set_for_each_system_and_kind() {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    let pattern = appliance(
        &world,
        &["db/MONTH-01/full", "db/MONTH-01/log", "web/MONTH-01/full"],
    );
    world.ok(["set", "define", "all", "--pattern", &pattern, "--newest"]);
    let expansion = world.json(["set", "expand", "all"]);
    assert_eq!(
        names(&expansion),
        ["all/db/full", "all/db/log", "all/web/full"]
    );
    world.ok(["job", "run", "--plan"]);
    // Planning records nothing.
    assert_eq!(world.json(["set", "list"]).as_array().unwrap().len(), 1);
    world.ok(["job", "run"]);
    world.return_cartridges();
    let back = world.path("back");
    world.ok(["restore", "all/web/full", "--to", back.to_str().unwrap()]);
    assert_eq!(
        fs::read_to_string(back.join("name")).unwrap(),
        "web/MONTH-01/full"
    );
    // One of them alone, again.
    let report = world.json(["job", "run", "--set", "all/db"]);
    assert_eq!(report["sets"].as_array().unwrap().len(), 2, "{report}");
    world
        .refuses(2, ["job", "run", "--set", "all/mail"])
        .says(&["all/mail", "set expand"]);
    world
        .refuses(2, ["set", "expand", "all/db/full"])
        .says(&["no pattern"]);
}

#[test]
fn a_system_that_was_there_last_month_and_is_not_now_is_named() {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    let pattern = appliance(&world, &["db/MONTH-01/full", "web/MONTH-01/full"]);
    world.ok(["set", "define", "all", "--pattern", &pattern]);
    world.ok(["job", "run"]);
    let now = chrono::Utc::now().date_naive();
    let next = now.checked_add_months(chrono::Months::new(1)).unwrap();
    let next = next.format("%Y-%m").to_string();
    let top = world.path("appliance");
    write_files(
        &top.join(format!("db/{next}-01/full")),
        &[("name", b"next")],
    );
    let (out, said) = world.exits(3, ["set", "expand", "all", "--month", &next]);
    assert!(out.contains("all/web/full was there"), "{out}{said}");
    assert!(!out.contains("all/db/full was there"), "{out}{said}");
    world.return_cartridges();
    let refusal = world.stops(3, ["job", "run", "--month", &next]);
    refusal.says(&["all/web/full"]);
    // It is still there to be restored.
    world.return_cartridges();
    let month = now.format("%Y-%m-01").to_string();
    let back = world.path("back");
    world.ok([
        "restore",
        &format!("all/web/full/{month}"),
        "--to",
        back.to_str().unwrap(),
    ]);
}

/// A folder that comes after the month's run goes with the next one, and only with that.
#[test]
fn what_comes_after_the_run_is_taken_by_the_next() {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    let pattern = appliance(&world, &["db/MONTH-01/full"]);
    world.ok(["set", "define", "all", "--pattern", &pattern]);
    world.ok(["job", "run"]);
    appliance(&world, &["db/MONTH-28/full", "web/MONTH-28/full"]);
    let now = chrono::Utc::now().date_naive();
    let next = now.checked_add_months(chrono::Months::new(1)).unwrap();
    let after = next.checked_add_months(chrono::Months::new(1)).unwrap();
    let month = |day: chrono::NaiveDate| day.format("%Y-%m").to_string();
    write_files(
        &world
            .path("appliance")
            .join(format!("db/{}-05/full", month(next))),
        &[("name", b"next")],
    );
    let all = |day: &str| format!("all/{day}");
    let wanted = [
        all(&format!("db/full/{}-28", month(now))),
        all(&format!("db/full/{}-05", month(next))),
        all(&format!("web/full/{}-28", month(now))),
    ];
    let expansion = world.json(["set", "expand", "all", "--month", &month(next)]);
    assert_eq!(names(&expansion), wanted);
    world.return_cartridges();
    world.ok(["job", "run", "--month", &month(next)]);
    let (out, _) = world.exits(3, ["set", "expand", "all", "--month", &month(after)]);
    assert!(out.contains("The pattern finds nothing."), "{out}");
    assert!(out.contains("all/db/full was there"), "{out}");
    assert!(!out.contains("all/web"), "{out}");
}

#[test]
fn a_set_that_the_month_has_already_is_remarked_and_written_once_more() {
    let world = World::in_memory();
    world.prepare_library("16MiB");
    write_files(&world.path("live"), &[("file", b"text")]);
    let live = world.path("live");
    world.ok(["set", "define", "data", live.to_str().unwrap()]);
    let first = world.run_job();
    assert!(!first.contains("has it already"), "{first}");
    world.return_cartridges();
    let (plan, _) = texts(&world.run(["job", "run", "--plan"]));
    assert!(
        plan.contains("Note: set data: ") && plan.contains("has it already"),
        "{plan}"
    );
    let again = world.run_job();
    assert!(again.contains("it is written once more"), "{again}");
    // Another month has none.
    let (plan, _) = texts(&world.run(["job", "run", "--plan", "--month", "2019-03"]));
    assert!(!plan.contains("has it already"), "{plan}");
}
