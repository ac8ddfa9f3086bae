//! A restore goes before a job: at its next commit point the job gives a drive away, and takes it
//! again when the restore is done.

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

use meanwhile::{
    done, holds_a_drive, journal, prepared, restore, restored, stop, stopped, stopped_job,
};
use nix::sys::signal::Signal;
use rstest::rstest;
use running::Running;
use tapeward::catalogue::{Catalogue, CatalogueError};
use world::{World, same_trees, texts};

/// What is wanted is in one of the job's drives, or somewhere else.
#[rstest]
#[case::from_a_cartridge_being_written(&["onsite", "offsite"], true)]
#[case::from_another_cartridge(&["one", "two"], false)]
fn a_restore_gets_a_drive_at_the_next_commit_point(#[case] pools: &[&str], #[case] handed: bool) {
    let world = prepared();
    world.configure(&format!("[monthly]\ncopies = {pools:?}\n"));
    let mut job = stopped_job(&world);
    let back = world.path("no");
    let refused = [
        "restore",
        "old",
        "--no-wait",
        "--to",
        back.to_str().unwrap(),
    ];
    world.refuses(11, refused).says(&["drive:", "monthly job"]);
    assert!(!back.exists());
    let mut reads = restore(&world, "first");
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    job.read_until("is given away");
    assert_eq!(job.said.contains("in it: process"), handed, "{}", job.said);
    restored(&world, reads, "first");
    let said = done(&world, job);
    assert!(said.contains("is back"), "{said}");
    assert!(!said.contains("problem"), "{said}");
    assert_eq!(journal(&world, "drive_given_away"), 1);
    assert_eq!(journal(&world, "drive_taken_again"), 1);
}

/// With one copy nothing else can go on: the whole write waits, and goes on with the next segment.
#[test]
fn with_one_copy_the_job_waits_for_the_restore() {
    let world = prepared();
    world.configure("[monthly]\ncopies = [\"onsite\"]\n");
    let mut job = stopped_job(&world);
    // The other drive is free; the cartridge is not.
    let mut reads = Running::start(&world, &["restore", "old", "--copy", "1", "--to", "first"]);
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    job.read_until("is given away");
    restored(&world, reads, "first");
    let output = job.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert!(err.contains("is back") && !err.contains("problem"), "{err}");
    world.return_cartridges();
    let set = world.json(["set", "show", "data"]);
    assert_eq!(set["sets"][0]["copies"][0]["state"], "verified", "{set}");
    world.ok(["restore", "data", "--to", "back"]);
    same_trees(&world.path("source"), &world.path("back"));
}

/// Nobody is left who needs the drive: the job has it again, whatever the restore was doing.
#[rstest]
#[case::while_it_waits(false)]
#[case::while_it_reads(true)]
fn a_restore_that_dies_is_not_waited_for(#[case] given: bool) {
    let world = prepared();
    let mut job = stopped_job(&world);
    let mut reads = restore(&world, "first");
    reads.read_until("waiting for the job's next commit point");
    if given {
        job.signal(Signal::SIGCONT);
        job.read_until("is given away");
    }
    reads.kill();
    assert_eq!(reads.end().status.code(), None);
    job.signal(Signal::SIGCONT);
    let said = done(&world, job);
    assert_eq!(said.contains("is back"), given, "{said}");
    // What it asked for is not asked for any more, and the next one gets it.
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let library = catalogue.read(|view| Ok::<_, CatalogueError>(view.libraries()?[0].id));
    let left = catalogue.read(|view| view.drive_requests(library.unwrap()));
    assert_eq!(left.unwrap(), []);
    let reads = Running::start(&world, &["restore", "old", "--to", "second"]);
    restored(&world, reads, "second");
}

/// A job that gave a drive to a restore, and the restore.
fn given_away(world: &World) -> (Running, Running) {
    let mut job = stopped_job(world);
    let mut reads = restore(world, "first");
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    job.read_until("is given away");
    (job, reads)
}

/// The job dies while others have its drive: they are not disturbed, and it resumes.
#[test]
fn a_job_that_dies_while_a_restore_has_its_drive_resumes() {
    let world = prepared();
    let (mut job, reads) = given_away(&world);
    job.kill();
    assert_eq!(job.end().status.code(), None);
    restored(&world, reads, "first");
    done(&world, Running::start(&world, &["job", "resume"]));
}

/// The power of the library goes while a restore has the job's drive.
#[test]
fn after_a_power_cut_both_go_on() {
    let world = prepared();
    let (job, reads) = given_away(&world);
    world.ok(["sim", "power-cut"]);
    // Either may have been between two commands then.
    let job = job.end();
    let reads = reads.end();
    for output in [&job, &reads] {
        let (out, err) = texts(output);
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 1 | 3 | 20)),
            "{code:?}\n{out}\n{err}"
        );
    }
    if matches!(job.status.code(), Some(0 | 3)) {
        world.return_cartridges();
        world.both_copies_restore();
    } else {
        world.empty_mail_slots();
        done(&world, Running::start(&world, &["job", "resume"]));
    }
    let reads = Running::start(&world, &["restore", "old", "--to", "second"]);
    restored(&world, reads, "second");
}

/// Two restores want the cartridges of both copies: both drives are given away, one after the other,
/// and everybody comes to the end.
#[test]
fn two_restores_and_a_job_do_not_wait_for_each_other() {
    let world = prepared();
    let job = stopped_job(&world);
    let mut ways: Vec<(Running, String)> = ["1", "2"]
        .map(|copy| {
            let to = format!("first{copy}");
            let restore = ["restore", "old", "--copy", copy, "--to", &to];
            (Running::start(&world, &restore), to)
        })
        .into();
    for (reads, _) in &mut ways {
        reads.read_until("waiting for the job's next commit point");
    }
    job.signal(Signal::SIGCONT);
    for (reads, to) in ways {
        restored(&world, reads, &to);
    }
    done(&world, job);
    assert_eq!(journal(&world, "drive_requested"), 2);
}

/// A drive that jobs leave to restores is free at any time; the job does with the other one.
#[test]
fn a_drive_can_be_left_to_restores() {
    let world = prepared();
    world.configure(
        "[library.virtual]\nkind = \"virtual\"\npath = \"virtual\"\nrestore-drives = 1\n\
         [monthly]\ncopies = [\"one\", \"two\"]\n",
    );
    let job = stopped_job(&world);
    world.ok(["restore", "old", "--no-wait", "--to", "first"]);
    same_trees(&world.path("old"), &world.path("first"));
    job.signal(Signal::SIGCONT);
    done(&world, job);
    // As many as there are do not leave the job without.
    world.configure(
        "[library.virtual]\nkind = \"virtual\"\npath = \"virtual\"\nrestore-drives = 9\n",
    );
    done(
        &world,
        Running::start(&world, &["job", "run", "--set", "data"]),
    );
}

/// Verifying gives way between two segments.
#[test]
fn a_verification_gives_way() {
    let world = prepared();
    world.run_job();
    world.return_cartridges();
    let verify = ["verify", "data", "--copy", "1"];
    // Enough to be among the segments.
    let mut verify = stopped(&world, &verify, |counts| counts.commands >= 400);
    let restore = ["restore", "old", "--copy", "1", "--to", "first"];
    let mut reads = Running::start(&world, &restore);
    reads.read_until("waiting until it has read the segment it is at");
    verify.signal(Signal::SIGCONT);
    verify.read_until("is given away");
    restored(&world, reads, "first");
    let output = verify.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert!(err.contains("is back"), "{err}");
}

/// What a restore has in its drive is verified when it is done, and nobody calls it damaged.
#[test]
fn a_job_verifies_a_cartridge_when_the_restore_is_done_with_it() {
    let world = prepared();
    let mut job = stopped_job(&world);
    let mut reads = restore(&world, "first");
    reads.read_until("waiting for the job's next commit point");
    job.signal(Signal::SIGCONT);
    while !holds_a_drive(&world, &reads) {
        std::thread::yield_now();
    }
    stop(&world, &reads);
    // The other copy is written to its end; then the cartridge in the restore's drive is needed.
    job.read_until("set data: copying");
    job.read_until("a restore reads it");
    reads.signal(Signal::SIGCONT);
    restored(&world, reads, "first");
    let said = done(&world, job);
    assert!(!said.contains("problem"), "{said}");
}
