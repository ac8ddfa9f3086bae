//! A copy that waits for its drive, was left behind or lost its drive keeps nothing that a restore
//! waits for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/meanwhile.rs"]
mod meanwhile;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/running.rs"]
mod running;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::sync::Arc;

use meanwhile::{
    done, prepared, prepared_with_four_drives, restore, restored, set_faults, stop, stopped,
    with_faults,
};
use nix::sys::signal::Signal;
use running::Running;
use tapeward::app::{App, Surroundings};
use tapeward::catalogue::{Catalogue, DriveNeed};
use tapeward::clock::SystemClock;
use tapeward::job::requests::Asking;
use tapeward::progress::{Interrupt, Unwatched};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use world::{World, same_trees, texts, write_files};

/// A WRITE in the middle of the second of two sets, the first of which is small.
const SECOND_SET: u64 = 450;

/// At one of the next blocks that are written on a cartridge behind what it holds.
fn at_next_blocks(cartridge: &str, fault: Fault) -> Vec<PlannedFault> {
    let faults = (700..740).map(|record| {
        let cartridge = cartridge.to_owned();
        let at = Place::WriteRecord { cartridge, record };
        PlannedFault { at, fault }
    });
    faults.collect()
}

/// Entries of these kinds, but for the restores at the end.
fn journal_order(world: &World, kinds: &[&str]) -> Vec<String> {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let rows = catalogue
        .read(|view| view.journal_after(0, 100_000))
        .unwrap();
    let of = rows.iter().filter_map(|row| {
        let entry: serde_json::Value = serde_json::from_str(&row.body).unwrap();
        let kind = entry["kind"].as_str()?.to_owned();
        kinds.contains(&kind.as_str()).then_some(kind)
    });
    let mut kinds: Vec<String> = of.collect();
    while kinds.len() > 3 && kinds.last().is_some_and(|kind| kind == "restored") {
        kinds.pop();
    }
    kinds
}

fn restore_copy(world: &World, copy: &str, to: &str) -> Running {
    Running::start(world, &["restore", "old", "--copy", copy, "--to", to])
}

/// The first set leaves a cartridge in a drive; the second set has one copy, whose cartridge a restore
/// gets. It has drives enough, and so has the one that wants the other cartridge.
#[test]
fn a_cartridge_in_another_drive_is_given_while_the_only_copy_waits() {
    let world = prepared_with_four_drives();
    let both = world.path("both");
    write_files(&both, &[("small", b"in both copies")]);
    world.ok(["set", "define", "both", both.to_str().unwrap()]);
    let source = world.path("source");
    let source = source.to_str().unwrap();
    world.ok(["set", "define", "data", source, "--copy", "onsite"]);
    let job = ["job", "run", "--set", "both", "--set", "data"];
    let mut job = stopped(&world, &job, |counts| counts.writes >= SECOND_SET);
    let mut first = restore_copy(&world, "1", "first");
    first.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    job.read_until("is given away");
    stop(&world, &first);
    let mut second = restore_copy(&world, "2", "second");
    second.read_until("waiting for the job's next commit point");
    restored(&world, second, "second");
    first.signal(Signal::SIGCONT);
    restored(&world, first, "first");
    let output = job.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert!(err.contains("is back") && !err.contains("problem"), "{err}");
    world.return_cartridges();
    world.ok(["restore", "data", "--to", "back"]);
    same_trees(&world.path("source"), &world.path("back"));
}

/// As the last one, but the cartridge was brought into the drive by somebody else.
#[test]
fn a_cartridge_that_was_found_in_a_drive_of_the_job_is_given() {
    let world = prepared_with_four_drives();
    let source = world.path("source");
    let source = source.to_str().unwrap();
    world.ok(["set", "define", "data", source, "--copy", "onsite"]);
    let later = world.path("later");
    write_files(&later, &[("small", b"in both copies")]);
    world.ok(["set", "define", "later", later.to_str().unwrap()]);
    // The job has the first two drives, and writes in the second.
    for number in 2..6 {
        let (barcode, drive) = (format!("TWV00{number}L6"), format!("drive:{}", number - 2));
        world.ok(["library", "load", &barcode, "--into", &drive]);
    }
    let job = ["job", "run", "--set", "data", "--set", "later"];
    let mut job = stopped(&world, &job, |counts| counts.writes >= SECOND_SET);
    let mut reads = restore_copy(&world, "2", "first");
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    job.read_until("is given away");
    assert!(!job.said.contains("set later"), "{}", job.said);
    restored(&world, reads, "first");
    let output = job.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
}

/// What holds a drive up makes the others go on without its copy; when the drive answers again, it
/// and the cartridge are free before the set is written.
#[test]
fn a_copy_that_was_left_behind_keeps_no_cartridge() {
    let world = prepared();
    world.configure(&format!("{}slow-copy-seconds = 1\n", meanwhile::SMALL));
    seeded::make_tree(&world.path("source").join("more"), 94, 8 << 20);
    with_faults(&world, at_next_blocks("TWV002L8", Fault::Stalls));
    let mut job = Running::start(&world, &["job", "run", "--set", "data"]);
    job.read_until("copy 2: too slow");
    stop(&world, &job);
    set_faults(&world, Vec::new());
    let mut reads = restore_copy(&world, "2", "first");
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    restored(&world, reads, "first");
    done(&world, job);
    // The old set, and before the new one is written.
    let order = journal_order(&world, &["restored", "set_completed"]);
    assert_eq!(order, ["set_completed", "restored", "set_completed"]);
}

/// The restore is told which cartridge is in which drive and what to do, while the job goes on.
#[test]
fn who_wants_a_cartridge_that_is_stuck_in_a_drive_of_the_job_is_told() {
    let world = prepared();
    with_faults(&world, at_next_blocks("TWV002L8", Fault::DriveBreaks));
    let mut job = Running::start(&world, &["job", "run", "--set", "data"]);
    job.read_until("not used any more in this run");
    stop(&world, &job);
    let mut reads = restore_copy(&world, "2", "first");
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    let output = reads.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(20), "{out}\n{err}");
    assert!(err.contains("TWV002L8 is in drive:"), "{err}");
    assert!(err.contains("off and on"), "{err}");
    // The other copy is as good as it was.
    let other = restore(&world, "second");
    restored(&world, other, "second");
    let output = job.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(20), "{out}\n{err}");
    world.ok(["sim", "power-cut"]);
    done(&world, Running::start(&world, &["job", "resume"]));
}

/// Who asks for what no drive of the job reads is not waited for in vain: at the end the job lets go of
/// all drives, and whoever asks sees for himself.
#[test]
fn a_job_that_needs_no_drive_any_more_keeps_none_while_somebody_asks() {
    let world = prepared();
    let around = Surroundings {
        clock: SystemClock::shared(),
        watcher: Arc::new(Unwatched),
        interrupt: Interrupt::default(),
        secrets: Arc::default(),
    };
    let app = Arc::new(App::open(&world.state(), around).unwrap());
    let libraries = app.catalogue.read(|view| view.libraries()).unwrap();
    let old = vec!["OLD001L5".parse().unwrap()];
    let asking = Asking::begin(&app, libraries[0].id, "test", DriveNeed::Drive, old).unwrap();
    let mut job = Running::start(&world, &["job", "run", "--set", "data"]);
    job.read_until("waiting until the restore is done");
    world.ok(["media", "label", "TWV005L8", "--pool", "onsite"]);
    drop(asking);
    done(&world, job);
}
