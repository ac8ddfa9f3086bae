//! Sets that are what a command writes: as it comes and spooled, spanning cartridges, in two copies,
//! failing late, killed, rebuilt, and read without Tapeward.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dump::Dump;
use rstest::rstest;
use seeded::Seeded;
use serde_json::Value;
use world::{World, same_trees, texts};

/// Blocks and segments small enough for cartridges of a few megabytes.
const SMALL: &str =
    "[stream]\nblock-size = \"16KiB\"\nsegment-size = \"256KiB\"\nring-size = \"64KiB\"\n";

fn small(cartridges: &str) -> World {
    let world = World::in_memory();
    world.prepare_library(cartridges);
    world.configure(SMALL);
    world.configure("[source]\nspool-reserve = \"1MiB\"\n");
    world
}

/// A file with bytes that do not compress, for a command to write.
fn database(world: &World, length: usize) -> (PathBuf, Vec<u8>) {
    let path = world.path("database");
    let bytes = Seeded::new(5).bytes(length);
    fs::write(&path, &bytes).unwrap();
    (path, bytes)
}

fn define(world: &World, command: &str, more: &[&str]) {
    world.ok([&["set", "define", "db", "--command", command][..], more].concat());
}

/// What comes back of a copy, on standard output.
#[track_caller]
fn dumped(world: &World, copy: &str) -> Vec<u8> {
    let output = world.run(["restore", "db", "--copy", copy, "--to", "-"]);
    assert!(output.status.success(), "{:?}", texts(&output).1);
    output.stdout
}

fn sets(world: &World) -> Vec<Value> {
    let shown = world.json(["set", "show", "db"]);
    shown["sets"].as_array().unwrap().clone()
}

#[rstest]
#[case::as_it_comes("none", false)]
#[case::compressed_and_spooled("zstd", true)]
fn what_a_command_writes_comes_back_from_every_copy(
    #[case] compression: &str,
    #[case] spool: bool,
) {
    let world = small("4MiB");
    let (path, bytes) = database(&world, 5 << 20);
    let folder = world.path("spool");
    fs::create_dir(&folder).unwrap();
    let mut more = vec!["--compression", compression];
    if spool {
        more.extend(["--spool", folder.to_str().unwrap()]);
    }
    define(&world, &format!("cat {}", path.display()), &more);
    let said = world.run_job();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{said}");
    let set = sets(&world).remove(0);
    assert_eq!(set["form"], "stream");
    assert_eq!(set["totals"]["bytes"].as_u64(), Some(5 << 20));
    world.return_cartridges();
    for copy in ["1", "2"] {
        let cartridges = set["copies"][copy.parse::<usize>().unwrap() - 1]["cartridges"].clone();
        assert!(cartridges.as_array().unwrap().len() >= 2, "{cartridges}");
        assert!(
            dumped(&world, copy) == bytes,
            "copy {copy} is something else"
        );
    }
    // As a file of a folder, and by its name.
    let back = world.path("back");
    world.ok(["restore", "db", "--to", back.to_str().unwrap()]);
    assert!(fs::read(back.join("db")).unwrap() == bytes);
    let found = world.json(["find", "--path", "db"]);
    assert_eq!(found[0]["path"], "db", "{found}");
    world.ok(["verify", "db", "--content"]);
}

#[test]
fn a_tar_that_a_command_makes_is_not_taken_for_ours() {
    let world = small("16MiB");
    let source = world.path("source");
    seeded::make_tree(&source, 3, 1 << 20);
    define(&world, &format!("tar -C {} -c .", source.display()), &[]);
    world.ok(["job", "run"]);
    world.return_cartridges();
    let back = world.path("back");
    fs::create_dir(&back).unwrap();
    let archive = world.path("archive");
    fs::write(&archive, dumped(&world, "2")).unwrap();
    let untar = Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&back)
        .status();
    assert!(untar.unwrap().success());
    same_trees(&source, &back);
    world.ok(["verify", "db", "--content"]);
}

#[test]
fn a_command_that_fails_late_fails_its_set_and_keeps_no_cartridge() {
    let world = small("16MiB");
    let line = "head -c 1500000 /dev/urandom; echo disk full >&2; exit 3";
    define(&world, line, &["--shell"]);
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&["db", "ended with status 3", "disk full"]);
    let failed = sets(&world).remove(0);
    assert_eq!(failed["state"], "failed");
    assert!(failed["segments"].as_u64().unwrap() > 0, "{failed}");
    // Nothing of it is given out.
    world
        .refuses(2, ["restore", "db", "--to", "-"])
        .says(&["complete"]);
    let id = failed["id"].as_str().unwrap();
    world
        .refuses(2, ["restore", id, "--to", "-"])
        .says(&["not complete"]);
    // Its cartridges are free from the next run on.
    define(&world, "head -c 100000 /dev/zero", &[]);
    world.return_cartridges();
    world.ok(["job", "run"]);
    let media = world.json(["media", "list"]);
    for copy in failed["copies"].as_array().unwrap() {
        let barcode = &copy["cartridges"][0][0];
        let mut all = media.as_array().unwrap().iter();
        let cartridge = all.find(|one| one["barcode"] == *barcode).unwrap();
        assert!(cartridge.to_string().contains("\"expired\""), "{cartridge}");
    }
    world.return_cartridges();
    assert_eq!(dumped(&world, "1"), vec![0; 100_000]);
}

#[test]
fn nothing_at_all_is_no_backup() {
    let world = small("16MiB");
    define(&world, "true", &[]);
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&["nothing was written"]);
    assert_eq!(sets(&world)[0]["state"], "failed");
}

/// The limit comes while the drives are let go: the next set has them again.
#[rstest]
fn a_command_that_stalls_is_ended(#[values(1, 60)] release: u32) {
    let world = small("16MiB");
    world.configure(&format!(
        "[source]\nstall-seconds = 3\nrelease-seconds = {release}\n"
    ));
    // What it started goes with it: nothing holds the fifo open any more.
    let fifo = world.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let line = format!(
        "head -c 600000 /dev/zero; (exec 3<>{}; sleep 1000) & sleep 1000",
        fifo.display()
    );
    define(&world, &line, &["--shell"]);
    world.ok([
        "set",
        "define",
        "next",
        "--command",
        "head -c 5000 /dev/zero",
    ]);
    let refusal = world.stops(1, ["job", "run"]);
    refusal.says(&["wrote nothing for 3 s"]);
    nobody_has(&fifo);
    assert_eq!(sets(&world)[0]["state"], "failed");
    world.return_cartridges();
    let output = world.run(["restore", "next", "--to", "-"]);
    assert_eq!(output.stdout, vec![0; 5000], "{:?}", texts(&output));
}

/// While nothing comes, the drives are free for others; the same volumes take what comes then.
#[test]
fn drives_are_let_go_while_a_command_writes_nothing() {
    let world = small("16MiB");
    world.configure("[source]\nrelease-seconds = 1\n");
    let go = world.path("go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let line = format!(
        "head -c 600000 /dev/zero; cat {}; head -c 600000 /dev/zero",
        go.display()
    );
    define(&world, &line, &["--shell"]);
    let job = world
        .command(["job", "run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let job = job.unwrap();
    let loaded = || {
        let status = world.json(["library", "status", "--all"]);
        let places = status["places"].as_array().unwrap().iter();
        let is_drive = |place: &&Value| place["name"].as_str().unwrap().starts_with("drive:");
        places
            .filter(is_drive)
            .filter(|place| place["full"] == true)
            .count()
    };
    // Each look takes the time of a process.
    let looks = 600;
    assert!(
        (0..looks).any(|_| loaded() == 2),
        "no drive was ever loaded"
    );
    assert!(
        (0..looks).any(|_| loaded() == 0),
        "the drives were not let go"
    );
    fs::write(&go, "and then").unwrap();
    let output = job.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", texts(&output));
    let set = sets(&world).remove(0);
    for copy in set["copies"].as_array().unwrap() {
        assert_eq!(copy["cartridges"].as_array().unwrap().len(), 1, "{copy}");
    }
    world.return_cartridges();
    let mut wanted = vec![0; 600_000];
    wanted.extend_from_slice(b"and then");
    wanted.resize(wanted.len() + 600_000, 0);
    for copy in ["1", "2"] {
        assert!(
            dumped(&world, copy) == wanted,
            "copy {copy} is something else"
        );
    }
}

/// Resumes until done; each time it may be killed once more.
fn finish(world: &World) {
    for _ in 0..6 {
        let output = world.run(["job", "resume"]);
        match output.status.code() {
            Some(0) => return,
            Some(20) => world.empty_mail_slots(),
            code => panic!("exits {code:?}\n{:?}", texts(&output)),
        }
    }
    panic!("still not done");
}

#[rstest]
fn killed_at_any_command_it_goes_on_or_begins_anew(
    #[values(1, 2, 3, 4, 5, 6)] nth: u64,
    #[values(false, true)] spooled: bool,
) {
    let world = small("4MiB");
    let (path, bytes) = database(&world, 3 << 20);
    let folder = world.path("spool");
    fs::create_dir(&folder).unwrap();
    let more = ["--spool", folder.to_str().unwrap()];
    let more = if spooled { &more[..] } else { &[] };
    let count = world.path("count");
    let line = format!("echo x >>{}; cat {}", count.display(), path.display());
    define(&world, &line, &[&["--shell"][..], more].concat());
    world.ok(["sim", "kill-host", "--at-command", &(150 * nth).to_string()]);
    let output = world.run(["job", "run"]);
    assert_eq!(output.status.signal(), Some(9), "{:?}", texts(&output));
    finish(&world);
    let all = sets(&world);
    let complete = all.iter().filter(|set| set["state"] == "complete").count();
    assert_eq!(complete, 1, "{all:?}");
    let times = fs::read_to_string(&count).unwrap().lines().count();
    if spooled {
        assert_eq!((all.len(), times), (1, 1), "it was read once");
    } else {
        assert_eq!(
            all.len() - 1,
            all.iter().filter(|set| set["state"] == "failed").count()
        );
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    world.return_cartridges();
    for copy in ["1", "2"] {
        assert!(
            dumped(&world, copy) == bytes,
            "copy {copy} is something else"
        );
    }
}

#[test]
fn the_record_is_rebuilt_with_streams_and_without_what_failed() {
    let world = small("16MiB");
    let (path, bytes) = database(&world, 1 << 20);
    define(&world, &format!("cat {}", path.display()), &[]);
    world.ok([
        "set",
        "define",
        "late",
        "--shell",
        "--command",
        "head -c 900000 /dev/zero; exit 1",
    ]);
    world.stops(1, ["job", "run"]).says(&["late"]);
    world.return_cartridges();
    for name in ["catalogue.db", "catalogue.db-wal", "catalogue.db-shm"] {
        let _ = fs::remove_file(world.state().join(name));
    }
    fs::remove_dir_all(world.state().join("indexes")).unwrap();
    let output = world.run(["catalogue", "rebuild"]);
    let (out, said) = texts(&output);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{out}\n{said}");
    let set = sets(&world).remove(0);
    assert_eq!(
        (set["form"].as_str(), set["state"].as_str()),
        (Some("stream"), Some("complete"))
    );
    assert!(dumped(&world, "1") == bytes);
    world.refuses(2, ["restore", "late", "--to", "-"]);
}

#[test]
fn the_kit_brings_a_stream_back() {
    let world = small("4MiB");
    let (path, bytes) = database(&world, 5 << 20);
    define(
        &world,
        &format!("cat {}", path.display()),
        &["--compression", "zstd"],
    );
    world.run_job();
    let kit = world.path("kit");
    world.ok(["kit", "export", kit.to_str().unwrap()]);
    let tapes = world.path("tapes");
    fs::create_dir(&tapes).unwrap();
    for cartridge in world.json(["media", "list"]).as_array().unwrap() {
        let barcode = cartridge["barcode"].as_str().unwrap();
        let dump = Dump::take(&world, barcode);
        if dump.len() > 0 {
            let part = &dump.segments()[0].part;
            assert_eq!(part["form"], "stream");
            fs::rename(&dump.folder, tapes.join(barcode)).unwrap();
        }
    }
    let script = |arguments: &[&str]| {
        Command::new("sh")
            .arg(kit.join("restore.sh"))
            .args(arguments)
            .env("TAPES", &tapes)
            .env("IDENTITY", world.state().join("keys/site.identity"))
            .env("WORK", world.path(""))
            .output()
            .unwrap()
    };
    let output = script(&["stream", "db"]);
    assert!(output.stdout == bytes, "{:?}", texts(&output).1);
    let to = world.path("to");
    let output = script(&["get", "db", to.to_str().unwrap()]);
    assert!(output.status.success(), "{:?}", texts(&output));
    assert!(fs::read(to.join("db")).unwrap() == bytes);
    // It is not written over.
    assert!(
        !script(&["get", "db", to.to_str().unwrap()])
            .status
            .success()
    );
    // Without the last segment there is nothing rather than something.
    for copy in fs::read_dir(&tapes).unwrap() {
        for file in fs::read_dir(copy.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            if fs::metadata(&file).unwrap().len() > 20_000 {
                fs::remove_file(file).unwrap();
            }
        }
    }
    let other = world.path("other");
    assert!(
        !script(&["get", "db", other.to_str().unwrap()])
            .status
            .success()
    );
    assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
}

#[test]
fn a_stop_ends_the_command_and_what_it_started() {
    let world = small("16MiB");
    let ready = world.path("ready");
    let fifo = world.path("fifo");
    for path in [&ready, &fifo] {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    let line = format!(
        "head -c 600000 /dev/zero; sleep 1000 <>{} & echo up >{}; sleep 1000",
        fifo.display(),
        ready.display()
    );
    define(&world, &line, &["--shell"]);
    let job = world.command(["job", "run"]).spawn().unwrap();
    // Opens when the command has come that far.
    assert_eq!(fs::read_to_string(&ready).unwrap(), "up\n");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(job.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let status = job.wait_with_output().unwrap().status;
    assert_eq!(status.code(), Some(130));
    nobody_has(&fifo);
    world.ok([
        "set",
        "define",
        "db",
        "--command",
        "head -c 70000 /dev/zero",
    ]);
    finish(&world);
    world.return_cartridges();
    assert_eq!(dumped(&world, "1"), vec![0; 70_000]);
}

/// Nobody has the fifo open for reading.
#[track_caller]
fn nobody_has(fifo: &Path) {
    let open = nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_NONBLOCK;
    let opened = nix::fcntl::open(fifo, open, nix::sys::stat::Mode::empty());
    assert_eq!(opened.unwrap_err(), nix::errno::Errno::ENXIO);
}

#[test]
fn what_cannot_be_a_source_is_refused() {
    let world = small("16MiB");
    let define = ["set", "define", "db"];
    let folder = world.path("");
    let folder = folder.to_str().unwrap();
    for (more, words) in [
        (
            &["--command", "no-such-program -x"][..],
            &["no-such-program"][..],
        ),
        (&["--command", "cat 'x"], &["quote"]),
        (&["--command", ""], &["empty"]),
        (&["--command", "cat", "--exclude", "x"], &["left out"]),
        (&["--command", "cat", "--spool", "/no/such"], &["/no/such"]),
        (&["--command", "cat", "--env", "A B"], &["A B"]),
        (
            &[folder, "--before", "no-such-program"],
            &["no-such-program"],
        ),
        (&["--pattern", "appliance/{system}"], &["absolute"]),
        (&[folder, "--command", "cat"], &[]),
        (&[folder, "--spool", "/tmp"], &["--command"]),
        (&[], &[]),
    ] {
        let output = world.run([&define[..], more].concat());
        let said = texts(&output).1;
        assert_eq!(output.status.code(), Some(2), "{more:?}\n{said}");
        for word in words {
            assert!(said.contains(word), "{more:?}\n{said}");
        }
    }
    assert_eq!(world.json(["set", "list"]), Value::Array(Vec::new()));
}
