//! The job is killed, or the power of the library is cut, at moments spread over the whole of a
//! run that writes two copies at once, compressed and encrypted, in two drives. It resumes, and what
//! comes back of either copy is what was there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rstest::rstest;
use seeded::Seeded;
use tapeward::catalogue::{Catalogue, CatalogueError};
use tapeward::tape::Codec;
use tapeward_sim::Operator;
use tapeward_sim::fault::Counts;
use tapeward_sim::front::control::{Request, Response};
use world::{World, same_trees, texts};

/// Blocks and segments small enough for cartridges of a few megabytes.
const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n";
/// Moments of each kind.
const MOMENTS: u64 = 20;
/// Seed of the tree; the same for all, so that all runs give about as many commands.
const TREE: u64 = 41;

/// What a run gives that nothing happens to.
static UNHARMED: LazyLock<Counts> = LazyLock::new(|| {
    let world = prepared();
    world.ok(["sim", "kill-host", "--at-command", "1000000000"]);
    run_until_done(&world, "run");
    is_as_planned(&world);
    let operator = Operator::connect(&world.state().join("virtual")).unwrap();
    let Response::Faults { counts, .. } = operator.ask(&Request::Faults).unwrap() else {
        panic!("no counts");
    };
    assert!(counts.writes > 10 * MOMENTS && counts.commands > counts.writes);
    counts
});

/// A world in which a set takes two cartridges for each copy.
fn prepared() -> World {
    let world = World::in_memory();
    world.prepare_library("4MiB");
    world.configure(SMALL);
    make_source(&world);
    world
}

fn make_source(world: &World) {
    let source = world.path("source");
    seeded::make_tree(&source, TREE, 4 << 20);
    seeded::make_texts(&source, TREE, 4 << 20);
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], &["--compression", "zstd"]].concat());
}

/// What these runs are about: both copies have every segment, on two cartridges, compressed and
/// encrypted, and both drives were at work.
fn is_as_planned(world: &World) {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let (segments, copies, drives) = catalogue
        .read(|view| {
            let set = view.sets()?[0].id;
            let run = view.sets()?[0].run;
            let moves = view.steps(run)?.into_iter();
            let moves = moves.filter(|step| step.kind.as_str() == "move");
            let to: BTreeSet<_> = moves.map(|step| step.intent["to"].to_string()).collect();
            let drives = to
                .into_iter()
                .filter(|to| ["257", "258"].contains(&to.as_str()));
            Ok::<_, CatalogueError>((
                view.segments(set)?,
                view.segment_copies(set)?,
                drives.count(),
            ))
        })
        .unwrap();
    assert!(
        segments
            .iter()
            .all(|segment| segment.codec == Codec::ZstdAge)
    );
    let shrunk = segments
        .iter()
        .filter(|segment| segment.coded_length * 2 < segment.plaintext_length);
    assert!(shrunk.count() > 2, "{segments:?}");
    for copy in [1, 2] {
        let of = || copies.iter().filter(|row| row.copy.0 == copy);
        let volumes: BTreeSet<_> = of().map(|row| row.volume).collect();
        let have: BTreeSet<_> = of().map(|row| row.segment).collect();
        assert_eq!(have.len(), segments.len(), "copy {copy}");
        assert!(volumes.len() >= 2, "copy {copy}");
    }
    assert_eq!(drives, 2);
}

/// The nth of all moments in so many commands: evenly spread, a little before the last one since
/// no two runs are quite the same.
fn moment(nth: u64, commands: u64) -> String {
    let share = commands * 19 / 20;
    (1 + (nth - 1) * share / MOMENTS + Seeded::new(nth).below(share / MOMENTS)).to_string()
}

/// Whether the fault that was planned has happened.
fn is_over(world: &World) -> bool {
    let plan = fs::read_to_string(world.state().join("virtual/faults.json")).unwrap();
    plan.trim() == "[]"
}

/// Resumes until done; each try may be hit by what the world still has in store. Returns what
/// was said and the last exit code.
fn run_until_done(world: &World, first: &str) -> (String, i32) {
    let mut command = ["job", first];
    let mut said = String::new();
    for _ in 0..6 {
        let output = world.run(command);
        let (out, err) = texts(&output);
        said = format!("{said}{err}{out}");
        match output.status.code() {
            Some(code @ (0 | 3)) => return (said, code),
            // A person must empty the mail slots.
            Some(20) => world.empty_mail_slots(),
            // Killed, or the power went.
            None | Some(1 | 11) => {}
            code => panic!("{command:?} exits {code:?}\n{said}"),
        }
        command = ["job", "resume"];
    }
    panic!("resumed again and again and still not done\n{said}");
}

fn restored(world: &World, copy: &str) -> PathBuf {
    let back = world.path(&format!("back{copy}"));
    let to = back.to_str().unwrap();
    world.ok(["restore", "data", "--copy", copy, "--to", to]);
    back
}

fn restored_equals_source(world: &World) {
    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = restored(world, copy);
        same_trees(&world.path("source"), &back);
        fs::remove_dir_all(back).unwrap();
    }
}

#[rstest]
fn killed_at_any_command_it_resumes(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)] nth: u64,
) {
    let commands = UNHARMED.commands;
    let world = prepared();
    let plan = |moment: &str| {
        println!("seed {TREE}, killed at command {moment} of {commands}");
        world.ok(["sim", "kill-host", "--at-command", moment])
    };
    plan(&moment(nth, commands));
    let output = world.run(["job", "run"]);
    if output.status.code() == Some(20) {
        // The last moments come after the mail slots were emptied.
        world.empty_mail_slots();
    } else {
        assert_eq!(output.status.code(), None, "{:?}", texts(&output));
        // Every other one is killed again while it resumes.
        if nth.is_multiple_of(2) {
            plan(&moment(nth, commands / nth));
            assert_eq!(world.run(["job", "resume"]).status.code(), None);
        }
    }
    run_until_done(&world, "resume");
    assert!(is_over(&world), "it was never killed");
    restored_equals_source(&world);
}

#[rstest]
fn after_a_power_cut_at_any_write_it_resumes(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)] nth: u64,
) {
    let writes = UNHARMED.writes;
    let world = prepared();
    let moment = moment(nth, writes);
    println!("seed {TREE}, power cut at write {moment} of {writes}");
    world.ok(["sim", "power-cut", "--at-write", &moment]);
    run_until_done(&world, "run");
    assert!(is_over(&world), "the power never went");
    restored_equals_source(&world);
}

/// Content and modification time of every file.
fn files(root: &Path) -> BTreeMap<PathBuf, (blake3::Hash, i64, i64)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let status = fs::symlink_metadata(&path).unwrap();
            if status.is_dir() {
                folders.push(path);
            } else if status.is_file() {
                let content = blake3::hash(&fs::read(&path).unwrap());
                let name = path.strip_prefix(root).unwrap().to_owned();
                files.insert(name, (content, status.mtime(), status.mtime_nsec()));
            }
        }
    }
    files
}

/// Rewrites, grows, shrinks, deletes and adds files.
fn change(source: &Path, seeded: &mut Seeded) {
    for (number, path) in files(source).into_keys().enumerate() {
        let path = source.join(path);
        let length = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
        match seeded.below(6) {
            0 => fs::write(&path, seeded.bytes(length)).unwrap(),
            1 => fs::write(&path, seeded.bytes(length / 2)).unwrap(),
            2 => fs::write(&path, seeded.bytes(length + 30_000)).unwrap(),
            3 => fs::remove_file(&path).unwrap(),
            4 => fs::write(path.with_file_name(format!("new{number}")), "new").unwrap(),
            _ => {}
        }
    }
}

#[rstest]
fn what_changes_before_it_resumes_is_old_or_new_or_named(#[values(1, 2, 3, 4, 5, 6)] nth: u64) {
    let world = prepared();
    let source = world.path("source");
    let old = files(&source);
    // The first moments are while it writes.
    let moment = moment(nth, UNHARMED.commands);
    world.ok(["sim", "kill-host", "--at-command", &moment]);
    assert_eq!(world.run(["job", "run"]).status.code(), None);
    change(&source, &mut Seeded::new(nth));
    let new = files(&source);
    let (said, code) = run_until_done(&world, "resume");
    // What was named in a session is not forgotten in the next one.
    assert_eq!(
        code == 3,
        said.contains("problem: d"),
        "exits {code}\n{said}"
    );
    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = world.path("back");
        let output = world.run([
            "restore",
            "data",
            "--copy",
            copy,
            "--to",
            back.to_str().unwrap(),
        ]);
        let (_, named) = texts(&output);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{named}");
        let found = files(&back);
        for (path, file) in &found {
            let marked = named.contains(&format!("{}: ", path.display()));
            assert!(
                old.get(path) == Some(file) || new.get(path) == Some(file) || marked,
                "{} is neither old nor new\n{said}\n{named}",
                path.display()
            );
        }
        for path in old.keys().filter(|path| new.contains_key(*path)) {
            assert!(
                found.contains_key(path),
                "{} is lost\n{said}",
                path.display()
            );
        }
        fs::remove_dir_all(back).unwrap();
    }
}

/// What could not be read before a kill is not forgotten, and not counted twice where the run that
/// resumes meets it again.
#[rstest]
fn problems_outlive_a_kill(#[values(1, 2, 3)] quarter: u64) {
    if !nix::unistd::Uid::effective().is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        println!("not root: nobody else to run as");
        return;
    }
    let world = World::for_ordinary_user();
    world.prepare_library("4MiB");
    world.configure(SMALL);
    make_source(&world);
    let source = world.path("source");
    let closed = fs::Permissions::from_mode(0o000);
    for number in 0..12 {
        for folder in ["", "d00/", "d05/", "d11/"] {
            let path = source.join(format!("{folder}closed{number}"));
            fs::write(&path, "closed").unwrap();
            fs::set_permissions(&path, closed.clone()).unwrap();
        }
    }
    let moment = (UNHARMED.commands * quarter / 8).to_string();
    world.ok(["sim", "kill-host", "--at-command", &moment]);
    let output = world.run(["job", "run"]);
    let (_, before) = texts(&output);
    assert_eq!(output.status.code(), None, "{before}");
    assert!(before.contains("cannot open it"), "{before}");
    let (said, code) = run_until_done(&world, "resume");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("48 things could not be read"), "{said}");
}
