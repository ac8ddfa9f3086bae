//! Tapes are read by `age`, `zstd`, GNU tar and bsdtar alone, and say nothing in clear.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/tree.rs"]
mod tree;
#[path = "support/world.rs"]
mod world;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dump::{Dump, all_bytes, column};
use rstest::rstest;
use tree::{Tree, assert_same, build_everything, build_small, is_root, read_tree, remove_tree};
use world::World;

/// Several segments per set.
const SMALL: &str =
    "[stream]\nblock-size = \"16KiB\"\nsegment-size = \"64KiB\"\nring-size = \"64KiB\"\n";

fn on_tape(make: impl FnOnce(&Path), name: &str, compression: &str) -> World {
    let world = World::with_library("256MiB");
    world.configure(SMALL);
    let source = world.path("source");
    fs::create_dir(&source).unwrap();
    make(&source);
    let define = ["set", "define", name, source.to_str().unwrap()];
    world.ok([&define[..], &["--compression", compression]].concat());
    world.ok(["job", "run"]);
    world
}

/// Runs a shell line as the printed instructions have it; `None` where a program is not
/// installed, which only a machine outside continuous integration may get away with.
fn shell(line: &str, programs: &[&str], folder: &Path) -> Option<()> {
    for program in programs {
        let found = Command::new("which").arg(program).output().unwrap();
        if !found.status.success() {
            assert!(std::env::var_os("CI").is_none(), "{program} is needed");
            println!("{program} is not installed: not compared with it");
            return None;
        }
    }
    let output = Command::new("sh")
        .args(["-c", &format!("set -e; {line}")])
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{line}: {:?}\n{errors}",
        output.status
    );
    Some(())
}

/// Decrypts every segment by itself, one after the other, and decompresses the whole.
fn decode(world: &World, dump: &Dump, compression: &str) -> Option<PathBuf> {
    let segments = dump.segments();
    assert!(segments.len() > 2, "{} segments", segments.len());
    let identity = world.state().join("keys/site.identity");
    let coded = world.path("coded");
    File::create(&coded).unwrap();
    for (at, segment) in segments.iter().enumerate() {
        assert_eq!(segment.number(), at as u64);
        let file = segment.path.display();
        let decrypt = format!("age -d -i {} {file} >> coded", identity.display());
        shell(&decrypt, &["age"], &world.path("."))?;
        let digest = segment.part["xxh3_128"].as_str().unwrap();
        let check = format!("test \"$(xxhsum -q -H2 {file} | cut -c1-32)\" = {digest}");
        shell(&check, &["xxhsum"], &world.path("."))?;
    }
    if compression == "none" {
        return Some(coded);
    }
    shell(
        "zstd -q -d coded -o stream.tar",
        &["zstd"],
        &world.path("."),
    )?;
    Some(world.path("stream.tar"))
}

#[rstest]
fn gnu_tar_and_bsdtar_read_every_kind_of_entry(#[values("none", "zstd")] compression: &str) {
    if !is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        println!("not root: owners and devices are not compared");
        return;
    }
    let world = on_tape(build_everything, "everything", compression);
    let before = read_tree(&world.path("source"));
    let dump = Dump::take(&world, "TWV001L8");
    let Some(stream) = decode(&world, &dump, compression) else {
        return;
    };
    let stream = stream.display();

    // Attributes other than those of users take a pattern of their own.
    let mut wanted = before.clone();
    for facts in wanted.values_mut() {
        facts
            .attributes
            .retain(|name, _| name.starts_with(b"user.") || name.starts_with(b"system.posix_acl"));
    }
    let line = format!("tar --xattrs --acls --warning=no-timestamp -xf {stream}");
    reads(&world, &line, "tar", &wanted, |_| {});

    // bsdtar counts decimals of times before 1970 forward; the folder it is in keeps its time.
    let inexact = |tree: &mut Tree| {
        tree.get_mut(b".".as_slice()).unwrap().modified = (0, 0);
        for (path, facts) in tree {
            if path.starts_with(b"times/before-1970-") {
                facts.modified = (0, 0);
            }
        }
    };
    let line = format!("bsdtar -xpf {stream}");
    reads(&world, &line, "bsdtar", &before, inexact);
    remove_tree(&world.path("source"));
}

fn reads(world: &World, line: &str, program: &str, wanted: &Tree, blur: impl Fn(&mut Tree)) {
    let to = world.path("to");
    fs::create_dir(&to).unwrap();
    if shell(line, &[program], &to).is_some() {
        let mut found = read_tree(&to);
        let mut wanted = wanted.clone();
        blur(&mut found);
        blur(&mut wanted);
        assert_same(&wanted, &found);
    }
    remove_tree(&to);
}

#[test]
fn labels_are_those_of_the_standard() {
    let world = on_tape(build_small, "small", "none");
    let dump = Dump::take(&world, "TWV001L8");
    let volume = &dump.labels(0)[0];
    assert_eq!(column(volume, 1, 10), "VOL1TWV001");
    assert_eq!(column(volume, 80, 80), "4");

    for (sequence, (file, _)) in dump.kinds().into_iter().enumerate() {
        let header = dump.labels(file);
        let trailer = dump.labels(file + 2);
        let first = usize::from(file == 0);
        let (header1, trailer1) = (&header[first], &trailer[0]);
        assert_eq!(column(header1, 1, 4), "HDR1");
        assert_eq!(column(&header[first + 1], 1, 5), "HDR2F");
        assert_eq!(column(trailer1, 1, 4), "EOF1");
        assert_eq!(column(&trailer[1], 1, 5), "EOF2F");
        // Set identifier, section, sequence number, block count.
        assert_eq!(column(header1, 22, 27), "TWV001");
        assert_eq!(column(header1, 28, 31), "0001");
        assert_eq!(column(header1, 32, 35), format!("{:04}", sequence + 1));
        assert_eq!(column(header1, 55, 60), "000000");
        let blocks: u64 = dump.blocks[file + 1]["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["count"].as_u64().unwrap())
            .sum();
        assert_eq!(column(trailer1, 55, 60), format!("{blocks:06}"));
        // All else is the same before and after.
        assert_eq!(column(header1, 5, 54), column(trailer1, 5, 54));
        assert_eq!(column(header1, 61, 80), column(trailer1, 61, 80));
        assert_eq!(header[first + 1][4..], trailer[1][4..]);
        for file in [file, file + 2] {
            assert_eq!(dump.blocks[file]["filemark"], true);
            let lengths = dump.blocks[file]["blocks"].as_array().unwrap();
            assert!(lengths.iter().all(|run| run["length"] == 80), "{lengths:?}");
        }
    }
}

/// A cartridge found in the street says nothing about whose it is: no name of a file, of the
/// set, of the source's folder, of the host, of a key, and no content.
#[rstest]
fn nothing_in_clear_names_anything(#[values("none", "zstd")] compression: &str) {
    let world = on_tape(
        |source| {
            fs::create_dir(source.join("Kreditakten")).unwrap();
            fs::write(source.join("Kreditakten/Vertrag.odt"), "Sehr geehrter").unwrap();
            std::os::unix::fs::symlink("Kreditakten/Zielordner", source.join("Verweis")).unwrap();
            xattr::set(source.join("Kreditakten"), "user.Vermerk", b"Wert").unwrap();
        },
        "Sparkasse",
        compression,
    );
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let folder = world.path(".").canonicalize().unwrap();
    let folder = folder.file_name().unwrap().to_str().unwrap();
    let mut said = Vec::new();
    let mut clear = Vec::new();
    for barcode in ["TWV001L8", "TWV002L8"] {
        let dump = Dump::take(&world, barcode);
        assert!(dump.len() > 9);
        said.extend(all_bytes(&dump.folder));
        for (file, kind) in dump.kinds() {
            clear.extend([dump.bytes(file), dump.bytes(file + 2)].concat());
            if ["VH", "PD", "DR"].contains(&kind.as_str()) {
                clear.extend(dump.bytes(file + 1));
            }
        }
    }
    // The cartridges' own folders hold the medium auxiliary memory too.
    let cartridges = all_bytes(&world.state().join("virtual/cartridges"));
    assert!(cartridges.len() > 2000);
    said.extend(cartridges);
    let contains = |word: &str| {
        let word = word.trim().as_bytes();
        said.windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word))
    };
    assert!(contains("TWV001"), "this must be able to find something");
    // Words of six letters and more: shorter ones turn up in what is encrypted by chance.
    for word in [
        "Kreditakten",
        "Vertrag",
        "geehrter",
        "Verweis",
        "Zielordner",
        "Vermerk",
        "Sparkasse",
        "onsite",
        "offsite",
        folder,
    ] {
        assert!(!contains(word), "{word} can be read on tape");
    }
    // A host's name may be shorter.
    let clear = String::from_utf8(clear).unwrap();
    let mut words = clear.split(|character: char| !character.is_alphanumeric());
    assert!(!words.any(|word| word.eq_ignore_ascii_case(host.trim())));
}
