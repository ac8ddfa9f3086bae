//! Tapes of other programs: recognised, kept, copied block for block.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/damage.rs"]
mod damage;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::Command;

use damage::{Action, damage};
use rstest::rstest;
use seeded::Seeded;
use serde_json::Value;
use world::{World, same_trees};

/// Fills a block with zeros up to this length.
fn block(parts: &[(usize, &[u8])], length: usize) -> Vec<u8> {
    let mut block = vec![0; length];
    for (at, bytes) in parts {
        block[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    block
}

/// An 80-byte label: fields at their offsets, blanks elsewhere.
fn label(parts: &[(usize, &str)]) -> Vec<u8> {
    let mut label = vec![b' '; 80];
    for (at, text) in parts {
        label[*at..*at + text.len()].copy_from_slice(text.as_bytes());
    }
    label
}

/// VOL1 as LTFS writes it (ISO/IEC 20919, VOL1 label): volume identifier at 4, implementation
/// identifier at 24, standard version "4" at 79.
fn ltfs() -> Vec<u8> {
    label(&[
        (0, "VOL1"),
        (4, "OLD001"),
        (10, "L"),
        (24, "LTFS"),
        (79, "4"),
    ])
}

/// VOL1 of some other program (ISO 1001).
fn other() -> Vec<u8> {
    label(&[(0, "VOL1"), (4, "ABC123"), (37, "SOMEBODY"), (79, "3")])
}

/// Header of a Bacula block (Bacula developer's guide, "Block Header": checksum, length, number,
/// "BB02", session id and time).
fn bacula(id: [u8; 4]) -> Vec<u8> {
    block(&[(4, &[0, 0, 0xfc, 0]), (12, &id)], 64_512)
}

/// What amlabel writes (amanda(8), tape label: a block of 32 KiB).
fn amanda() -> Vec<u8> {
    let text = b"AMANDA: TAPESTART DATE X TAPE Daily-01\n\x0c\n";
    block(&[(0, text)], 32_768)
}

/// Media header of a NetBackup volume (Veritas support article 100025915).
fn netbackup() -> Vec<u8> {
    block(
        &[(0, b"VOL1ABC123"), (112, b"ThIs Is A BP tApE hEaDer")],
        1024,
    )
}

#[rstest]
#[case("ltfs", "LTFS", vec![ltfs()])]
#[case("other-label", "SOMEBODY", vec![other()])]
#[case("bacula", "Bacula", vec![bacula(*b"BB02")])]
#[case("bacula", "Bacula", vec![bacula(*b"BB01")])]
#[case("amanda", "Amanda", vec![amanda()])]
#[case("netbackup", "NetBackup", vec![netbackup()])]
#[case("unknown", "unknown data", vec![vec![b'x'; 10_240]])]
fn tapes_of_other_programs_are_recognised(
    #[case] kind: &str,
    #[case] words: &str,
    #[case] blocks: Vec<Vec<u8>>,
) {
    let world = World::with_library("8MiB");
    world.write_foreign("TWV003L8", &blocks);
    let found = world.json(["media", "identify", "TWV003L8"]);
    assert_eq!(found["kind"], kind, "{found:#}");
    assert!(
        found["found"].as_str().unwrap().contains(words),
        "{found:#}"
    );
}

#[test]
fn what_is_ours_or_nothing_is_said_so() {
    let world = World::with_set_on_tape();
    let found = world.json(["media", "identify", "TWV001L8"]);
    assert_eq!(found["kind"], "ours");
    assert!(
        found["record"].as_str().unwrap().contains("filling"),
        "{found:#}"
    );
    assert_eq!(
        world.json(["media", "identify", "TWV005L8"])["kind"],
        "blank"
    );
    let refusal = world.refuses(2, ["media", "register-foreign", "TWV005L8"]);
    refusal.says(&["nothing foreign"]);
    let clean = world.json(["media", "identify", "CLNU01CU"]);
    assert_eq!(clean["kind"], "cleaning");
    // A volume of another record.
    let stranger = World::with_library("8MiB");
    stranger.take_tape(&world, "TWV001L8", "TWV004L8");
    let found = stranger.json(["media", "identify", "TWV004L8"]);
    assert_eq!(found["kind"], "ours-not-on-record", "{found:#}");
}

/// What GNU tar writes of a tree, in the blocks in which it writes it to a tape, twice, with a
/// filemark behind each, and a file of one odd block.
fn tar_blocks(source: &Path) -> Vec<Vec<u8>> {
    let output = Command::new("tar")
        .args(["-b", "20", "-cf", "-", "-C"])
        .arg(source)
        .arg(".")
        .output()
        .unwrap();
    assert!(output.status.success());
    let blocks: Vec<Vec<u8>> = output.stdout.chunks(10_240).map(<[u8]>::to_vec).collect();
    let mark = vec![Vec::new()];
    [
        blocks.clone(),
        mark.clone(),
        blocks,
        mark,
        vec![b"the end".to_vec()],
    ]
    .concat()
}

fn with_tar() -> World {
    let world = World::with_library("16MiB");
    seeded::make_tree(&world.path("source"), 5, 1 << 20);
    world.write_foreign("TWV003L8", &tar_blocks(&world.path("source")));
    world
}

#[test]
fn a_foreign_cartridge_is_kept_and_never_written() {
    let world = with_tar();
    let register = [
        "media",
        "register-foreign",
        "TWV003L8",
        "--description",
        "old mail",
    ];
    assert!(world.ok(register).contains("a tar archive"));
    let shown = world.ok(["media", "show", "TWV003L8"]);
    assert!(
        shown.contains("foreign") && shown.contains("old mail"),
        "{shown}"
    );
    let label = ["media", "label", "TWV003L8", "--pool", "onsite"];
    let overwrite = [&label[..], &["--overwrite-foreign"]].concat();
    world
        .refuses(1, label)
        .says(&["kept as it is", "release-foreign"]);
    world.refuses(1, overwrite.clone()).says(&["kept as it is"]);
    // A job does not even try it.
    world.define_data(7, 1 << 20);
    let said = world.run_job();
    assert!(!said.contains("TWV003L8"), "{said}");
    world.return_cartridges();
    world.both_copies_restore();
    world.refuses(2, register).says(&["kept already"]);
    let release = [
        "media",
        "release-foreign",
        "TWV003L8",
        "--reason",
        "not needed",
    ];
    world.ok(release);
    world.refuses(2, release);
    world.ok(overwrite);
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn a_tape_is_copied_to_files_and_back_to_another() {
    let world = with_tar();
    let raw = world.path("raw");
    let to = raw.to_str().unwrap();
    world.ok(["media", "raw-copy", "TWV003L8", "--to", to]);
    let copy = manifest(&raw);
    assert_eq!(copy["kind"], "tar");
    assert_eq!(copy["end"]["at"], "end-of-data");
    let files = copy["files"].as_array().unwrap();
    assert_eq!(files.len(), 3, "{copy:#}");
    assert_eq!(files[0]["lengths"][0]["length"], 10_240);
    assert_eq!(
        files[2]["lengths"][0],
        serde_json::json!({ "length": 7, "count": 1 })
    );
    let blocks = files[0]["blocks"].as_u64().unwrap();
    assert_eq!(files[0]["filemark"], blocks);
    assert_eq!(files[1]["first_block"], blocks + 1);
    // Other programs read the files and agree about them.
    let back = world.path("back");
    fs::create_dir(&back).unwrap();
    let tar = Command::new("tar")
        .args(["-xf", raw.join("000001.raw").to_str().unwrap(), "-C"])
        .arg(&back)
        .status();
    assert!(tar.unwrap().success());
    same_trees(&world.path("source"), &back);
    let sums = Command::new("sha256sum")
        .arg(raw.join("000000.raw"))
        .output();
    let sums = String::from_utf8(sums.unwrap().stdout).unwrap();
    assert!(
        sums.starts_with(files[0]["sha256"].as_str().unwrap()),
        "{sums}"
    );

    let out = world.ok(["media", "raw-write", to, "TWV009L8"]);
    assert!(out.contains("copy of TWV003L8"), "{out}");
    let again = world.path("again");
    world.ok([
        "media",
        "raw-copy",
        "TWV009L8",
        "--to",
        again.to_str().unwrap(),
    ]);
    assert_eq!(manifest(&again)["files"], copy["files"]);
    let shown = world.ok(["media", "show", "TWV009L8"]);
    assert!(shown.contains("raw copy of TWV003L8"), "{shown}");
    // Neither it nor anything that is not blank is written over.
    world.refuses(1, ["media", "raw-write", to, "TWV009L8"]);
    world
        .refuses(1, ["media", "raw-write", to, "TWV003L8"])
        .says(&["TWV003L8"]);
}

/// Stopped before its first byte was written: the label that was to go is still there.
#[test]
fn a_cartridge_that_was_to_get_a_raw_copy_is_free_again() {
    let world = with_tar();
    let raw = world.path("raw");
    let to = raw.to_str().unwrap();
    world.ok(["media", "raw-copy", "TWV003L8", "--to", to]);
    let label = ["media", "label", "TWV009L8", "--pool", "onsite"];
    world.ok(label);
    world.ok(["sim", "power-cut", "--at-write", "1"]);
    let refusal = world.refuses(1, ["media", "raw-write", to, "TWV009L8"]);
    refusal.says(&["TWV009L8", "release-foreign"]);
    assert_eq!(
        world.json(["media", "identify", "TWV009L8"])["kind"],
        "ours"
    );
    world.refuses(1, label).says(&["kept as it is"]);
    let release = ["media", "release-foreign", "TWV009L8", "--reason", "again"];
    world.ok(release);
    world.ok(label);
    world.ok(["media", "raw-write", to, "TWV009L8"]);
}

#[test]
fn what_cannot_be_read_is_skipped_and_named() {
    let world = with_tar();
    damage(
        &world,
        "TWV003L8",
        &[(3, Action::Unreadable), (4, Action::Unreadable)],
    );
    let raw = world.path("raw");
    let to = raw.to_str().unwrap();
    let refusal = world.stops(3, ["media", "raw-copy", "TWV003L8", "--to", to]);
    refusal.says(&["2 places of TWV003L8", "manifest.json"]);
    let copy = manifest(&raw);
    let bad = copy["files"][0]["bad"].as_array().unwrap();
    let addresses: Vec<&Value> = bad.iter().map(|bad| &bad["address"]).collect();
    assert_eq!(addresses, [3, 4], "{copy:#}");
    assert_eq!(bad[0]["behind_blocks"], 3);
    // All the rest is there.
    assert_eq!(copy["files"].as_array().unwrap().len(), 3);
    assert_eq!(
        copy["files"][1]["bytes"],
        copy["files"][0]["bytes"].as_u64().unwrap() + 20_480
    );
    // The duplicate says that it is not whole.
    world.stops(3, ["media", "raw-write", to, "TWV009L8"]);
}

#[test]
fn a_killed_copy_goes_on() {
    let world = with_tar();
    let raw = world.path("raw");
    let command = [
        "media",
        "raw-copy",
        "TWV003L8",
        "--to",
        raw.to_str().unwrap(),
    ];
    world.ok(command);
    let expected = manifest(&raw);
    let bytes = |number: u32| fs::read(raw.join(format!("{number:06}.raw"))).unwrap();
    let whole = [bytes(0), bytes(1), bytes(2)];
    let is_whole = || {
        assert_eq!(manifest(&raw)["files"], expected["files"]);
        assert!(whole == [bytes(0), bytes(1), bytes(2)]);
    };
    let mut seeded = Seeded::new(3);
    for _ in 0..3 {
        fs::remove_dir_all(&raw).unwrap();
        let moment = (60 + seeded.below(150)).to_string();
        world.ok(["sim", "kill-host", "--at-command", &moment]);
        assert_eq!(world.run(command).status.code(), None);
        world.ok(command);
        is_whole();
    }
    // As it is when it was last saved in the middle of the second file: what came after that is
    // in the file and not in the manifest.
    let mut half = expected.clone();
    half["finished"] = Value::Null;
    half["end"] = Value::Null;
    let first = half["files"][1]["first_block"].as_u64().unwrap();
    half["next_block"] = (first + 7).into();
    let files = half["files"].as_array_mut().unwrap();
    files.truncate(2);
    let file = files[1].as_object_mut().unwrap();
    file.insert("blocks".to_owned(), 7.into());
    file.insert("bytes".to_owned(), 71_680.into());
    file.insert(
        "lengths".to_owned(),
        serde_json::json!([{ "length": 10_240, "count": 7 }]),
    );
    for unknown in ["filemark", "sha256", "xxh3_128"] {
        file.insert(unknown.to_owned(), Value::Null);
    }
    fs::write(raw.join("manifest.json"), half.to_string()).unwrap();
    fs::write(
        raw.join("000001.raw"),
        [&whole[1][..71_680], b"torn"].concat(),
    )
    .unwrap();
    world.ok(command);
    is_whole();
}

#[test]
fn a_long_block_is_read_whole() {
    let world = World::with_library("16MiB");
    let long = Seeded::new(8).bytes(3 << 20);
    let blocks = [long.clone(), vec![1; 512], Vec::new(), long.clone()];
    world.write_foreign("TWV003L8", &blocks);
    let raw = world.path("raw");
    world.ok([
        "media",
        "raw-copy",
        "TWV003L8",
        "--to",
        raw.to_str().unwrap(),
    ]);
    assert!(fs::read(raw.join("000000.raw")).unwrap() == [&long[..], &[1; 512]].concat());
    let lengths = &manifest(&raw)["files"][0]["lengths"];
    let run = |length: usize| serde_json::json!({ "length": length, "count": 1 });
    assert_eq!(*lengths, serde_json::json!([run(3 << 20), run(512)]));
}

#[test]
fn what_makes_no_sense_is_named() {
    let world = with_tar();
    let raw = world.path("raw");
    let to = raw.to_str().unwrap();
    world
        .refuses(2, ["media", "raw-write", to, "TWV009L8"])
        .says(&["no raw copy", "raw-copy"]);
    fs::create_dir_all(&raw).unwrap();
    fs::write(raw.join("mine"), "mine").unwrap();
    let copy = ["media", "raw-copy", "TWV003L8", "--to", to];
    world.refuses(2, copy).says(&["not empty"]);
    fs::remove_file(raw.join("mine")).unwrap();
    world.ok(copy);
    let other = ["media", "raw-copy", "TWV004L8", "--to", to];
    world.refuses(2, other).says(&["a copy of TWV003L8"]);
    // A file that was changed never gets onto a tape.
    let file = raw.join("000001.raw");
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(&file, bytes).unwrap();
    world
        .refuses(2, ["media", "raw-write", to, "TWV009L8"])
        .says(&["000001.raw"]);
    assert_eq!(
        world.json(["media", "identify", "TWV009L8"])["kind"],
        "blank"
    );
}
