//! Jobs and restores that run at the same time, stopped and let go where a test wants them.
#![allow(dead_code)] // each test program uses a part of it

use std::fs;

use nix::sys::signal::Signal;
use tapeward::catalogue::{Catalogue, CatalogueError};
use tapeward_sim::Operator;
use tapeward_sim::fault::{Counts, PlannedFault};
use tapeward_sim::front::control::{Request, Response};

use crate::running::Running;
use crate::seeded;
use crate::world::{World, same_trees, texts};

pub(crate) const SMALL: &str = "[stream]\nsegment-size = \"128KiB\"\nblock-size = \"16KiB\"\n\
                     ring-size = \"64KiB\"\n";
/// A WRITE in the middle of a job.
pub(crate) const MIDDLE: u64 = 150;

/// A library with a set on TWV001L8 and TWV002L8, and a larger source for the next job.
pub(crate) fn prepared() -> World {
    prepare(World::with_library("64MiB"))
}

/// As [`prepared`], with four drives: a job needs two of them.
pub(crate) fn prepared_with_four_drives() -> World {
    let world = World::new();
    world.ok(["init"]);
    let folder = world.virtual_folder();
    let create = ["sim", "create", folder.to_str().unwrap()];
    let of = [
        "--model",
        "midrange",
        "--cartridges",
        "5",
        "--cartridge-size",
    ];
    world.ok([&create[..], &of, &["64MiB"]].concat());
    world.configure("[library.virtual]\nkind = \"virtual\"\npath = \"virtual\"\n");
    world.ok(["key", "create", "site"]);
    world.ok(["media", "add", "--from-library"]);
    prepare(world)
}

fn prepare(world: World) -> World {
    world.configure(SMALL);
    let old = world.path("old");
    seeded::make_tree(&old, 91, 1 << 20);
    world.ok(["set", "define", "old", old.to_str().unwrap()]);
    world.ok(["job", "run"]);
    world.return_cartridges();
    world.define_data(92, 4 << 20);
    world
}

/// Commands since the plan of faults was set.
pub(crate) fn counts(operator: &Operator) -> Counts {
    let Response::Faults { counts, .. } = operator.ask(&Request::Faults).unwrap() else {
        panic!("no counts");
    };
    counts
}

/// What goes wrong from now on.
pub(crate) fn with_faults(world: &World, faults: Vec<PlannedFault>) {
    world.ok(["library", "status"]);
    set_faults(world, faults);
}

/// As [`with_faults`], while the library is at work.
pub(crate) fn set_faults(world: &World, faults: Vec<PlannedFault>) {
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    operator.ask(&Request::SetFaults { faults }).unwrap();
}

/// Starts a job and stops its process in the middle of writing.
pub(crate) fn stopped_job(world: &World) -> Running {
    let is_there = |counts: Counts| counts.writes >= MIDDLE;
    stopped(world, &["job", "run", "--set", "data"], is_there)
}

/// Starts a program and stops its process when it gave so many commands, where it holds no lock that
/// others wait for but those of drives.
pub(crate) fn stopped(
    world: &World,
    arguments: &[&str],
    is_there: impl Fn(Counts) -> bool,
) -> Running {
    with_faults(world, Vec::new());
    let job = Running::start(world, arguments);
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    while !is_there(counts(&operator)) {
        std::thread::yield_now();
    }
    stop(world, &job);
    job
}

/// Stops a process while nobody writes to the record.
pub(crate) fn stop(world: &World, process: &Running) {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let stopped = catalogue.write(|_| {
        process.signal(Signal::SIGSTOP);
        while !process.is_stopped() {
            std::thread::yield_now();
        }
        Ok::<_, CatalogueError>(())
    });
    stopped.unwrap();
}

/// Whether a process holds a drive.
pub(crate) fn holds_a_drive(world: &World, process: &Running) -> bool {
    let by = format!("\"pid\":{},", process.id());
    let mut locks = fs::read_dir(world.path("locks")).unwrap();
    locks.any(|entry| {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        text.contains(&by) && !text.contains("\"modes\":null")
    })
}

pub(crate) fn restore(world: &World, to: &str) -> Running {
    let to = world.path(to);
    Running::start(world, &["restore", "old", "--to", to.to_str().unwrap()])
}

pub(crate) fn journal(world: &World, kind: &str) -> usize {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let rows = catalogue
        .read(|view| view.journal_after(0, 100_000))
        .unwrap();
    rows.iter().filter(|row| row.body.contains(kind)).count()
}

/// The job is done or waits for its mail slots to be emptied; both copies are what the source is.
pub(crate) fn done(world: &World, job: Running) -> String {
    let output = job.end();
    let (out, err) = texts(&output);
    match output.status.code() {
        Some(0) => {}
        Some(20) => {
            world.empty_mail_slots();
            world.ok(["job", "resume"]);
        }
        code => panic!("the job exits {code:?}\n{out}\n{err}"),
    }
    world.return_cartridges();
    world.both_copies_restore();
    err
}

pub(crate) fn restored(world: &World, restore: Running, to: &str) -> String {
    let output = restore.end();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    same_trees(&world.path("old"), &world.path(to));
    err
}
