//! Sets that the drive encrypts: the whole of a job, and what the tape says to those without a key.

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
use std::path::PathBuf;
use std::process::Command;

use dump::{Dump, all_bytes, column};
use rstest::rstest;
use tapeward::catalogue::Catalogue;
use tapeward_drivers::socket::{InitiatorId, Lun, SocketTransport};
use tapeward_drivers::ssc;
use tapeward_drivers::ssc::encryption::{EncryptionKey, Reservation};
use tapeward_drivers::ssc::{BlockAddress, ReadOutcome};
use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;
use world::{World, same_trees};
use zeroize::Zeroizing;

const SMALL: &str = "[stream]\nblock-size = \"16KiB\"\nsegment-size = \"128KiB\"\n\
                     ring-size = \"64KiB\"\n";

fn define(world: &World, seed: u64, size: u64, compression: &str) -> PathBuf {
    let source = world.path("source");
    seeded::make_tree(&source, seed, size);
    let define = ["set", "define", "data", source.to_str().unwrap()];
    let how = ["--encryption", "drive", "--compression", compression];
    world.ok([&define[..], &how].concat());
    source
}

fn prepared(cartridge_size: &str) -> World {
    let world = World::with_library(cartridge_size);
    world.configure(SMALL);
    world
}

fn identity(world: &World) -> PathBuf {
    world.state().join("keys/site.identity")
}

/// What a stranger finds on a cartridge: kinds and codecs of its files, in order.
fn files(dump: &Dump) -> Vec<(usize, String, String)> {
    let codec = |file: usize| {
        let labels = dump.labels(file);
        let user = labels.iter().find(|label| label.starts_with("UHL1"));
        column(user.unwrap(), 59, 60).to_owned()
    };
    let kinds = dump.kinds().into_iter();
    kinds
        .map(|(file, kind)| (file, kind, codec(file)))
        .collect()
}

/// The tape is bad where the key is to stand: another cartridge is taken, and nothing is left open.
#[test]
fn a_cartridge_that_takes_no_key_is_set_aside_and_closed() {
    let world = prepared("64MiB");
    define(&world, 91, 1 << 20, "none");
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    // Behind the label: HDR1, HDR2, UHL1, UHL2, a filemark, the key.
    let faults = vec![PlannedFault {
        at: Place::WriteRecord {
            cartridge: "TWV001L8".to_owned(),
            record: 14,
        },
        fault: Fault::MediumError,
    }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
    let (_, said) = world.exits(3, ["job", "run"]);
    assert!(said.contains("cannot encrypt on TWV001L8"), "{said}");
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let open = catalogue.read(|view| {
        let run = view.runs()?.remove(0);
        view.open_intents(run.id)
    });
    assert_eq!(open.unwrap(), []);
    drop(catalogue);
    world.return_cartridges();
    world.both_copies_restore();
    // It ends as the record says: who takes it into use again can write it.
    world.ok(["health", "release", "TWV001L8"]);
    world.ok(["media", "label", "TWV001L8", "--pool", "onsite"]);
}

#[rstest]
fn the_drive_encrypts_and_both_copies_come_back(#[values("none", "zstd")] compression: &str) {
    let world = prepared("64MiB");
    let source = define(&world, 91, 1 << 20, compression);
    fs::create_dir(source.join("Kreditakten")).unwrap();
    fs::write(
        source.join("Kreditakten/Vertrag.odt"),
        "Sehr geehrter".repeat(5000),
    )
    .unwrap();
    world.ok(["job", "run"]);
    assert_eq!(
        world.json(["set", "show", "data"])["sets"][0]["copies"][1]["state"],
        "verified"
    );
    assert_eq!(world.json(["set", "list"])[0]["encryption"], "drive");

    let mut raw = Vec::new();
    let mut parts = Vec::new();
    for barcode in ["TWV001L8", "TWV002L8"] {
        let dump = Dump::take(&world, barcode);
        let files = files(&dump);
        let by = |kind: &'static str| files.iter().filter(move |file| file.1 == kind);
        let segment_codec = if compression == "none" { "-D" } else { "ZD" };
        assert!(
            by("SG").count() > 2 && by("SG").all(|file| file.2 == segment_codec),
            "{files:?}"
        );
        assert!(
            by("IP").chain(by("SI")).all(|file| file.2 == "-A"),
            "{files:?}"
        );
        // One key for the session, before the first segment.
        let key = by("DK").collect::<Vec<_>>();
        assert!(
            matches!(key[..], [(3, _, codec)] if codec == "-A"),
            "{files:?}"
        );
        for (file, kind, _) in &files {
            let encrypted = |run: &serde_json::Value| run["encrypted"] == true;
            let runs = |at: usize| dump.blocks[at]["blocks"].as_array().unwrap().clone();
            assert!(!runs(*file).iter().any(encrypted) && !runs(file + 2).iter().any(encrypted));
            assert_eq!(runs(file + 1).iter().all(encrypted), kind == "SG", "{kind}");
        }
        // The same bytes for the host, others on the tape.
        let segments = dump.segments();
        for segment in &segments {
            let bytes = fs::read(&segment.path).unwrap();
            let length = segment.part["length"].as_u64().unwrap();
            assert_eq!(bytes.len() as u64, length);
        }
        let on_tape: Vec<_> = segments
            .iter()
            .map(|one| fs::read(&one.path).unwrap())
            .collect();
        let stated: Vec<_> = segments.iter().map(|one| one.part.clone()).collect();
        parts.push((stated, on_tape));
        raw.extend(all_bytes(&dump.folder));
    }
    assert!(parts[0].0 == parts[1].0 && parts[0].1 != parts[1].1);
    raw.extend(all_bytes(&world.state().join("virtual/cartridges")));
    let contains = |word: &str| {
        raw.windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    assert!(
        contains("TWV001") && contains("DRIVEKEY"),
        "this must be able to find something"
    );
    for word in ["Kreditakten", "Vertrag", "geehrter", "ustar"] {
        assert!(!contains(word), "{word} can be read on tape");
    }

    world.return_cartridges();
    for copy in ["1", "2"] {
        let back = world.path("back");
        let to = back.to_str().unwrap();
        world.ok(["restore", "data", "--copy", copy, "--to", to]);
        same_trees(&source, &back);
        fs::remove_dir_all(&back).unwrap();
        let one = [
            "restore",
            "data",
            "Kreditakten/Vertrag.odt",
            "--copy",
            copy,
            "--to",
            to,
        ];
        world.ok(one);
        assert_eq!(
            fs::read(back.join("Kreditakten/Vertrag.odt")).unwrap(),
            fs::read(source.join("Kreditakten/Vertrag.odt")).unwrap()
        );
        fs::remove_dir_all(&back).unwrap();
    }
}

/// The way of the printed instructions: the key file by `age`, the key into the drive by somebody
/// else, the segments as they come from the tape.
#[test]
fn the_tape_is_read_without_tapeward() {
    let world = prepared("64MiB");
    define(&world, 92, 1 << 20, "none");
    world.ok(["job", "run"]);
    let dump = Dump::take(&world, "TWV001L8");
    let found = Command::new("which").arg("age").output().unwrap();
    if !found.status.success() {
        assert!(std::env::var_os("CI").is_none(), "age is needed");
        println!("age is not installed: not compared with it");
        return;
    }
    let opened = Command::new("age")
        .args(["-d", "-i", identity(&world).to_str().unwrap()])
        .arg(dump.path(4))
        .output()
        .unwrap();
    let text = String::from_utf8(opened.stdout).unwrap();
    assert!(
        text.len() == 65 && text.ends_with('\n'),
        "{} characters",
        text.len()
    );
    let digits = text.trim().as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let key = EncryptionKey::new(Zeroizing::new(digits.map(byte).collect()));

    world.return_cartridges();
    world.ok(["library", "load", "TWV001L8", "--into", "drive:0"]);
    let folder = world.state().join("virtual");
    let initiator = InitiatorId(*b"somebody else's.");
    let transport = SocketTransport::connect(&folder, Lun(1), initiator).unwrap();
    let mut drive = ssc::Drive::new(Box::new(transport));
    drive.consume_unit_attentions().unwrap();
    let mut stream = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    let mut refused = false;
    for (file, kind, _) in files(&dump) {
        if kind != "SG" {
            continue;
        }
        if !refused {
            // Behind the labels of the first segment: three tape files for each before it.
            go_to(&mut drive, file + 1);
            drive.read_block(&mut buffer).unwrap_err();
            drive.decrypt_with(&key, Reservation::None).unwrap();
            refused = true;
        }
        go_to(&mut drive, file + 1);
        while let ReadOutcome::Block(length) = drive.read_block(&mut buffer).unwrap() {
            stream.extend_from_slice(&buffer[..length]);
        }
    }
    drive.forget_key().unwrap();
    let tar = world.path("stream.tar");
    fs::write(&tar, &stream).unwrap();
    let back = world.path("back");
    fs::create_dir(&back).unwrap();
    let line = format!("tar -xf {} -C {}", tar.display(), back.display());
    assert!(
        Command::new("sh")
            .args(["-c", &line])
            .status()
            .unwrap()
            .success()
    );
    same_trees(&world.path("source"), &back);
}

fn go_to(drive: &mut ssc::Drive, tape_file: usize) {
    drive.locate(BlockAddress(0)).unwrap();
    let count = i64::try_from(tape_file).unwrap();
    drive.space(ssc::Space::Filemarks(count)).unwrap();
}

/// Every session has a key of its own; appending and closing after a kill take public keys only.
#[test]
fn without_an_identity_writing_goes_on_and_reading_waits_for_a_person() {
    let world = prepared("64MiB");
    define(&world, 93, 1 << 20, "zstd");
    world.ok(["job", "run"]);
    world.return_cartridges();
    let kept = world.path("kept");
    fs::rename(identity(&world), &kept).unwrap();

    let waits = world.stops(20, ["job", "run", "--month", "2031-01"]);
    waits.says(&["set data cannot be read back", "key \"site\"", "--identity"]);
    let verify = world.stops(20, ["verify", "data"]);
    verify.says(&["set data cannot be read back", "key \"site\""]);
    let back = world.path("back");
    let restore = ["restore", "data", "--to", back.to_str().unwrap()];
    world
        .stops(20, restore)
        .says(&["encrypted to key \"site\""]);
    // Somebody else's identity is no better.
    let other = World::with_library("64MiB");
    let wrong = identity(&other);
    let wrong = wrong.to_str().unwrap();
    let with_wrong = ["verify", "data", "--identity", wrong];
    world
        .stops(20, with_wrong)
        .says(&["no identity at hand opens it"]);

    let right = ["verify", "data", "--identity", kept.to_str().unwrap()];
    world.ok(right);
    fs::rename(&kept, identity(&world)).unwrap();
    world.ok(["job", "resume"]);
    world.return_cartridges();
    world.both_copies_restore();
    let dump = Dump::take(&world, "TWV001L8");
    let keys: Vec<_> = files(&dump)
        .into_iter()
        .filter(|file| file.1 == "DK")
        .collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_ne!(dump.bytes(keys[0].0 + 1), dump.bytes(keys[1].0 + 1));
    let directory = files(&dump).into_iter().next_back().unwrap();
    let text = String::from_utf8(dump.bytes(directory.0 + 1)).unwrap();
    assert_eq!(text.matches("\"drive_key\"").count(), 2, "{text}");
}

#[test]
fn a_set_spans_cartridges_and_with_one_drive_the_second_copy_comes_from_the_first() {
    let world = World::with_model("autoloader", "8MiB");
    world.configure("[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n");
    define(&world, 94, 8 << 20, "none");
    let said = world.run_job();
    assert!(said.contains("to copy 2 from tape"), "{said}");
    world.return_cartridges();
    world.both_copies_restore();
    let shown = world.json(["set", "show", "data"]);
    for copy in shown["sets"][0]["copies"].as_array().unwrap() {
        assert!(copy["cartridges"].as_array().unwrap().len() >= 2, "{copy}");
    }
}

/// Killed at moments spread over a run, it resumes, and nobody finds the key of the dead process.
#[rstest]
fn killed_in_the_middle_it_resumes(#[values(150, 300, 450, 600)] moment: u32) {
    let world = World::in_memory();
    world.prepare_library("64MiB");
    world.configure(SMALL);
    define(&world, 95, 1 << 20, "none");
    world.ok(["sim", "kill-host", "--at-command", &moment.to_string()]);
    let killed = world.run(["job", "run"]);
    assert_eq!(killed.status.code(), None, "{:?}", world::texts(&killed));
    world.ok(["job", "resume"]);
    world.return_cartridges();
    world.both_copies_restore();
}

#[rstest]
#[case("none", "does not encrypt")]
#[case("library", "managed by the library")]
fn what_cannot_be_encrypted_is_refused_before_a_run_is_begun(
    #[case] who: &str,
    #[case] says: &str,
) {
    let world = World::new();
    let library = world.path("library");
    let dir = library.to_str().unwrap();
    world.ok([
        "sim",
        "create",
        dir,
        "--cartridges",
        "8",
        "--drive-encryption",
        who,
    ]);
    world.ok(["init"]);
    world.configure(&format!(
        "[library.main]\nkind = \"virtual\"\npath = \"{dir}\"\n"
    ));
    world.ok(["key", "create", "site"]);
    world.ok(["media", "add", "--from-library"]);
    define(&world, 96, 1 << 16, "none");
    let refusal = world.refuses(1, ["job", "run"]);
    refusal.says(&["set data cannot be encrypted by drive:0", says]);
    assert_eq!(world.json(["job", "list"]), serde_json::json!([]));
    let status = world.json(["drive", "status"]);
    let shown = if who == "none" { "nobody" } else { who };
    assert_eq!(status[0]["encryption"], shown);
    assert_eq!(status[0]["revision"], "0100");
    // The host itself can still do it.
    let source = world.path("source");
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.ok(["job", "run"]);
}

/// The library was set to give the keys itself while a run waited to be resumed.
#[test]
fn a_run_is_not_resumed_with_drives_that_take_no_key_any_more() {
    let world = World::in_memory();
    let (hosts, own) = (world.path("hosts"), world.path("own"));
    let (by_hosts, by_itself) = (hosts.to_str().unwrap(), own.to_str().unwrap());
    world.ok(["sim", "create", by_hosts, "--cartridges", "8"]);
    world.ok(["init"]);
    let config = |dir: &str| format!("[library.main]\nkind = \"virtual\"\npath = \"{dir}\"\n");
    world.configure(&format!("{SMALL}{}", config(by_hosts)));
    world.ok(["key", "create", "site"]);
    world.ok(["media", "add", "--from-library"]);
    define(&world, 97, 1 << 20, "none");
    world.ok(["sim", "kill-host", "--at-command", "300"]);
    assert_eq!(world.run(["job", "run"]).status.code(), None);

    // The same library as its operator's panel leaves it.
    let copied = Command::new("cp")
        .args(["-a", by_hosts, by_itself])
        .status();
    assert!(copied.unwrap().success());
    let panel = own.join("library.json");
    let text = fs::read_to_string(&panel).unwrap();
    let changed = text.replace("\"hosts\"", "\"library\"");
    assert_ne!(changed, text);
    fs::write(&panel, changed).unwrap();
    let file = world.state().join("config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(by_hosts, by_itself)).unwrap();

    let before = world.json(["library", "status", "--all"]);
    let refusal = world.refuses(1, ["job", "resume"]);
    refusal.says(&[
        "set data cannot be encrypted by drive:",
        "managed by the library",
    ]);
    assert_eq!(world.json(["library", "status", "--all"]), before);
}
