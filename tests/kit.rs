//! The recovery kit restores sets from raw tape files on a machine that has no Tapeward, and says
//! when it is out of date.

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
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dump::Dump;
use world::{World, same_trees, texts, write_files};

/// Programs of a machine for recovery; no Tapeward among them.
const PROGRAMS: &[&str] = &[
    "sh", "age", "zstd", "tar", "xxhsum", "cat", "cut", "dd", "dirname", "grep", "head", "mkdir",
    "mktemp", "mt", "rm", "sed", "tr", "wc",
];

/// A folder with links to these programs, for a PATH of its own; `None` where one is lacking, which
/// only a machine outside continuous integration may get away with.
fn bare_machine(world: &World) -> Option<PathBuf> {
    let folder = world.path("bin");
    fs::create_dir(&folder).unwrap();
    for program in PROGRAMS {
        let found = Command::new("which").arg(program).output().unwrap();
        if !found.status.success() {
            // The drive's own program is of use with a drive only.
            if *program == "mt" {
                continue;
            }
            assert!(std::env::var_os("CI").is_none(), "{program} is needed");
            println!("{program} is not installed: the kit was not tried");
            return None;
        }
        let path = texts(&found).0;
        std::os::unix::fs::symlink(path.trim(), folder.join(program)).unwrap();
    }
    Some(folder)
}

/// Small segments on small cartridges: sets span them.
const SMALL: &str =
    "[stream]\nblock-size = \"16KiB\"\nsegment-size = \"256KiB\"\nring-size = \"64KiB\"\n";

/// A set of several cartridges in two copies, encrypted to two keys.
fn spanning(compression: &str) -> World {
    let world = World::with_library("8MiB");
    world.configure(SMALL);
    let escrow = world.path("escrow.identity");
    let create = [
        "key",
        "create",
        "escrow",
        "--role",
        "escrow",
        "--identity-file",
    ];
    world.ok([&create[..], &[escrow.to_str().unwrap()]].concat());
    let source = world.path("source");
    seeded::make_tree(&source, 77, 12 << 20);
    write_files(&source, &[("a name with blanks/\u{fc}ml\u{e4}ut", b"text")]);
    let define = ["set", "define", "books", source.to_str().unwrap()];
    world.ok([&define[..], &["--compression", compression]].concat());
    world.run_job();
    world
}

/// Every cartridge with anything on it, as raw tape files in a folder by barcode.
fn dump_all(world: &World) -> (PathBuf, Vec<String>) {
    let all = world.path("tapes");
    fs::create_dir(&all).unwrap();
    let mut barcodes = Vec::new();
    for cartridge in world.json(["media", "list"]).as_array().unwrap() {
        let barcode = cartridge["barcode"].as_str().unwrap();
        let dump = Dump::take(world, barcode);
        if dump.len() > 0 {
            fs::rename(&dump.folder, all.join(barcode)).unwrap();
            barcodes.push(barcode.to_owned());
        }
    }
    (all, barcodes)
}

fn export(world: &World, name: &str) -> PathBuf {
    let kit = world.path(name);
    world.ok(["kit", "export", kit.to_str().unwrap()]);
    kit
}

/// Runs the kit's script with dash on the bare machine.
fn script(bin: &Path, kit: &Path, tapes: &Path, identity: &Path, arguments: &[&str]) -> Output {
    Command::new(bin.join("sh"))
        .arg(kit.join("restore.sh"))
        .args(arguments)
        .env_clear()
        .env("PATH", bin)
        .env("LC_ALL", "C.UTF-8")
        .env("TAPES", tapes)
        .env("IDENTITY", identity)
        .env("WORK", kit)
        .output()
        .unwrap()
}

#[track_caller]
fn restores(bin: &Path, kit: &Path, tapes: &Path, identity: &Path, to: &Path) -> String {
    let output = script(
        bin,
        kit,
        tapes,
        identity,
        &["get", "books", to.to_str().unwrap()],
    );
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}\n{err}");
    err
}

#[test]
fn the_script_restores_a_spanning_set_and_goes_on_with_the_other_copy() {
    let world = spanning("zstd");
    let Some(bin) = bare_machine(&world) else {
        return;
    };
    let kit = export(&world, "kit");
    let (tapes, barcodes) = dump_all(&world);
    assert!(barcodes.len() >= 4, "{barcodes:?}");
    let escrow = world.path("escrow.identity");
    let source = world.path("source");

    let to = world.path("to");
    let said = restores(&bin, &kit, &tapes, &escrow, &to);
    assert!(!said.contains("copy 2"), "{said}");
    same_trees(&source, &to);
    fs::remove_dir_all(&to).unwrap();
    restores(
        &bin,
        &kit,
        &tapes,
        &world.state().join("keys/site.identity"),
        &to,
    );
    same_trees(&source, &to);
    fs::remove_dir_all(&to).unwrap();

    // A file alone.
    let name = "a name with blanks";
    let output = script(
        &bin,
        &kit,
        &tapes,
        &escrow,
        &["get", "books", to.to_str().unwrap(), name],
    );
    assert!(output.status.success(), "{:?}", texts(&output));
    let only: Vec<_> = fs::read_dir(&to).unwrap().collect();
    assert_eq!(only.len(), 1);
    same_trees(&source.join(name), &to.join(name));
    fs::remove_dir_all(&to).unwrap();

    // One cartridge is lost, another one is damaged: the second copy has it all.
    let of_copy = |copy: &str| -> Vec<(String, usize)> {
        let table = fs::read_to_string(kit.join("tapes.txt")).unwrap();
        table
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(|row| row[1] == copy)
            .map(|row| (row[3].to_owned(), row[4].parse().unwrap()))
            .collect()
    };
    let first = of_copy("1");
    fs::remove_dir_all(tapes.join(&first[0].0)).unwrap();
    let (barcode, file) = first.iter().rfind(|row| row.0 != first[0].0).unwrap();
    let path = tapes.join(barcode).join(format!("file{file:04}"));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let said = restores(&bin, &kit, &tapes, &escrow, &to);
    assert!(
        said.contains("is damaged") && said.contains("copy 2"),
        "{said}"
    );
    same_trees(&source, &to);
    fs::remove_dir_all(&to).unwrap();

    // The other copy lost too: it fails and says so, and a wrong key is called that.
    let second = of_copy("2");
    let away = world.path("away");
    fs::rename(tapes.join(&second[0].0), &away).unwrap();
    let get = ["get", "books", to.to_str().unwrap()];
    let output = script(&bin, &kit, &tapes, &escrow, &get);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("could not be read from any copy"));
    fs::rename(&away, tapes.join(&second[0].0)).unwrap();
    world.ok(["key", "create", "stranger"]);
    let stranger = world.state().join("keys/stranger.identity");
    let output = script(&bin, &kit, &tapes, &stranger, &get);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        texts(&output).1.contains("is it the right key?"),
        "{output:?}"
    );
    // Nothing secret is left behind.
    let left: Vec<_> = fs::read_dir(&kit)
        .unwrap()
        .map(|one| one.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 7, "{left:?}");
}

#[test]
fn the_commands_on_paper_restore_a_set_without_compression() {
    let world = spanning("none");
    let Some(bin) = bare_machine(&world) else {
        return;
    };
    let kit = export(&world, "kit");
    let (tapes, _) = dump_all(&world);
    let to = world.path("to");
    restores(&bin, &kit, &tapes, &world.path("escrow.identity"), &to);
    same_trees(&world.path("source"), &to);
    let output = script(&bin, &kit, &tapes, Path::new(""), &["stream", "books"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("set IDENTITY"), "{output:?}");
    let listed = script(&bin, &kit, &tapes, Path::new(""), &["list"]);
    assert!(texts(&listed).0.contains(" books\n"), "{listed:?}");
    let unknown = script(&bin, &kit, &tapes, Path::new(""), &["get", "nothing", "x"]);
    assert!(texts(&unknown).1.contains("no set is called nothing"));
}

/// Shell programs that look for mistakes agree that there are none.
#[test]
fn the_script_is_portable() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kit/restore.sh");
    for (program, arguments) in [("dash", &["-n"][..]), ("shellcheck", &[][..])] {
        let Ok(output) = Command::new(program).args(arguments).arg(path).output() else {
            assert!(std::env::var_os("CI").is_none(), "{program} is needed");
            println!("{program} is not installed: not asked");
            continue;
        };
        assert!(output.status.success(), "{:?}", texts(&output));
    }
}

#[test]
fn a_kit_is_private_and_says_when_it_is_out_of_date() {
    let world = World::with_set_on_tape();
    world
        .stops(20, ["kit", "status"])
        .says(&["no kit was ever made", "kit print"]);
    let pdf = world.path("kit.pdf");
    let print = ["kit", "print", "--output", pdf.to_str().unwrap()];
    world.ok(print);
    let mode = fs::metadata(&pdf).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    world.refuses(1, print).says(&["kit.pdf", "another name"]);
    world.ok(["kit", "status"]);
    world.configure("[kit]\nvalid-days = 0\n");
    // What was promised when it was printed counts.
    world.ok(["kit", "status"]);
    let folder = export(&world, "kit");
    world
        .refuses(2, ["kit", "export", folder.to_str().unwrap()])
        .says(&["is not empty"]);
    world.stops(20, ["kit", "status"]).says(&["it expired on"]);
    world.configure("[kit]\nvalid-days = 10\ncontacts = [\"Tape room: extension 4711\"]\n");
    fs::remove_file(&pdf).unwrap();
    world.ok(print);

    world.ok(["library", "eject", "TWV001L8"]);
    world.ok(["sim", "remove", "TWV001L8"]);
    world.ok(["library", "inventory"]);
    let refusal = world.stops(20, ["kit", "status"]);
    refusal.says(&["cartridge TWV001L8: outside the library, in the kit library virtual"]);
    world.return_cartridges();
    world.ok(["library", "inventory"]);
    world.ok(["kit", "status"]);
    world.ok(["key", "rotate", "site", "--to", "site-2"]);
    world
        .stops(20, ["kit", "status"])
        .says(&["key site: ", "retired"]);
    fs::remove_file(&pdf).unwrap();
    world.ok(print);
    world.run_job();
    world
        .stops(20, ["kit", "status"])
        .says(&["set data of ", "is not in it", "key site-2"]);

    // No private half is in any of it.
    let identity = fs::read_to_string(world.state().join("keys/site.identity")).unwrap();
    let secret = identity.lines().last().unwrap().as_bytes().to_vec();
    for file in fs::read_dir(&folder).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
