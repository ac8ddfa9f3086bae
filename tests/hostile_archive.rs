//! A set written by somebody who means harm: nothing lands outside of the target, nothing gives
//! anybody a right, whoever restores it and whatever is there already.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/planted.rs"]
mod planted;
#[path = "support/tree.rs"]
mod tree;
#[path = "support/tree_members.rs"]
mod tree_members;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use planted::{Planted, write_sets};
use tapeward::archive::header::{DeviceNumber, ExtendedAttribute, MemberHeader};
use tapeward::archive::member::MemberKind;
use tree::is_root;
use tree_members::{directory, file, header, link};
use world::{World, texts};

/// Everything below a folder: what it is, whose, how often linked, and its content.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u32, u64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let status = fs::symlink_metadata(&path).unwrap();
        let content = if status.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if status.is_file() {
            fs::read(&path).unwrap()
        } else if status.is_symlink() {
            fs::read_link(&path)
                .unwrap()
                .as_os_str()
                .as_bytes()
                .to_vec()
        } else {
            Vec::new()
        };
        all.insert(path, (status.mode(), status.nlink(), content));
    }
    all
}

fn planted(members: &[(MemberHeader, &[u8])]) -> Vec<Planted> {
    let planted = members
        .iter()
        .map(|(header, content)| Planted::new(header, content));
    planted.collect()
}

/// The same record again and again before a member: an extended header of this many bytes.
fn huge_pax(bytes: usize) -> Planted {
    let (mut header, _) = file(b"huge", b"x");
    header.attributes.push(ExtendedAttribute {
        name: b"user.huge".to_vec(),
        value: vec![b'v'; bytes],
    });
    Planted::new(&header, b"x")
}

/// A member whose path is in a pax record as it is.
fn raw_pax_path(path: &[u8]) -> Planted {
    let name = vec![b'n'; path.len().max(300)];
    let mut planted = Planted::new(&file(&name, b"x").0, b"x");
    planted.data = b"x".to_vec();
    planted.data.resize(512, 0);
    let at = planted
        .headers
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    let mut exact = path.to_vec();
    exact.resize(name.len(), b'/');
    planted.headers[at..at + name.len()].copy_from_slice(&exact);
    planted
}

/// What each archive tries.
fn cases(outside: &Path) -> Vec<(&'static str, Vec<Planted>)> {
    let out = outside.as_os_str().as_bytes();
    let below = |name: &[u8]| [out, b"/", name].concat();
    let symlink = |path: &[u8], target: &[u8]| link(path, MemberKind::Symlink, target);
    let hard = |path: &[u8], target: &[u8]| link(path, MemberKind::HardLink, target);
    let mut set_id = file(b"setuid", b"#!/bin/sh\n");
    set_id.0.mode = 0o6755;
    let mut capable = file(b"capable", b"x");
    capable.0.attributes.push(ExtendedAttribute {
        name: b"security.capability".to_vec(),
        // CAP_SETUID, permitted and effective (linux/capability.h, revision 2).
        value: [&[1, 0, 0, 2, 0x80][..], &[0; 15]].concat(),
    });
    let mut device = header(b"disk", MemberKind::BlockDevice);
    device.device = DeviceNumber { major: 8, minor: 0 };
    let mut memory = header(b"memory", MemberKind::CharacterDevice);
    memory.device = DeviceNumber { major: 1, minor: 1 };
    let long = vec![b'l'; 300];
    let deep = b"d/".repeat(1500);
    vec![
        (
            "dots",
            planted(&[
                file(b"../escape", b"1"),
                file(b"a/../../escape", b"2"),
                file(b"a/b/..", b"3"),
                directory(b"../made"),
                symlink(b"..", b"x"),
            ]),
        ),
        (
            "absolute",
            planted(&[
                file(&below(b"escape"), b"1"),
                directory(&below(b"made")),
                symlink(&below(b"link"), b"/"),
            ]),
        ),
        (
            "through",
            planted(&[
                symlink(b"door", out),
                file(b"door/new", b"planted"),
                directory(b"door/made"),
                symlink(b"window", &below(b"secret")),
                file(b"window", b"overwritten"),
                symlink(b"up", b".."),
                file(b"up/outside/new", b"planted"),
                symlink(b"proc", b"/proc/self/cwd"),
                file(b"proc/outside/new", b"planted"),
            ]),
        ),
        (
            "swapped",
            planted(&[
                directory(b"d"),
                file(b"d/first", b"1"),
                symlink(b"d", out),
                file(b"d/new", b"planted"),
            ]),
        ),
        (
            "hard",
            planted(&[
                hard(b"h1", b"../outside/secret"),
                hard(b"h2", &below(b"secret")),
                symlink(b"door", out),
                hard(b"h3", b"door/secret"),
                symlink(b"window", &below(b"secret")),
                hard(b"h4", b"window"),
                file(b"h4", b"overwritten"),
            ]),
        ),
        (
            "twice",
            planted(&[
                file(b"twice", b"first"),
                file(b"twice", b"last"),
                file(b"TWICE", b"case"),
            ]),
        ),
        (
            "huge",
            vec![
                huge_pax(60_000),
                Planted::new(&file(b"fine", b"fine").0, b"fine"),
                huge_pax(17 << 20),
                Planted::new(&file(b"behind", b"behind").0, b"behind"),
            ],
        ),
        (
            "names",
            [
                planted(&[
                    file(&long, b"1"),
                    file(&[deep.as_slice(), b"file"].concat(), b"2"),
                    file(b"./././x/.//y", b"3"),
                    file(b".tapeward-1-0.partial", b"4"),
                    file(b"new\nline\x1b[31m", b"5"),
                ]),
                vec![
                    raw_pax_path(b"nul\0/../../escape"),
                    raw_pax_path(b"../escape"),
                ],
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
        (
            "rights",
            planted(&[
                set_id,
                capable,
                (device, b""),
                (memory, b""),
                (header(b"pipe", MemberKind::Fifo), b""),
            ]),
        ),
    ]
}

fn check(world: &World) {
    let outside = world.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "not yours").unwrap();
    fs::set_permissions(outside.join("secret"), fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o777)).unwrap();
    let cases = cases(&outside);
    write_sets(world, &cases);
    let before = snapshot(&outside);
    let names = || {
        let entries = fs::read_dir(world.path(".")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| !name.to_string_lossy().starts_with("back"));
        names.sort();
        names
    };
    let around = names();
    for (name, _) in &cases {
        for existing in ["refuse", "keep", "replace", "rename"] {
            let back = world.path(&format!("back-{name}-{existing}"));
            fs::create_dir(&back).unwrap();
            fs::set_permissions(&back, fs::Permissions::from_mode(0o777)).unwrap();
            if existing != "refuse" {
                // Somebody has prepared the target.
                symlink(&outside, back.join("d")).unwrap();
                symlink(outside.join("secret"), back.join("twice")).unwrap();
            }
            let to = back.to_str().unwrap();
            let output = world.run(["restore", name, "*", "--existing", existing, "--to", to]);
            let (out, err) = texts(&output);
            let what = format!("{name}, {existing}\n{out}\n{err}");
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{what}");
            assert!(!err.contains("panicked") && !err.contains('\x1b'), "{what}");
            assert_eq!(snapshot(&outside), before, "{what}");
            assert_eq!(names(), around, "{what}");
            for (path, (mode, ..)) in snapshot(&back) {
                let shown = path.display();
                let status = fs::symlink_metadata(&path).unwrap();
                let kind = status.file_type();
                assert!(
                    !kind.is_block_device() && !kind.is_char_device(),
                    "{shown} {what}"
                );
                let rights = if kind.is_file() { mode & 0o6000 } else { 0 };
                assert_eq!(rights, 0, "{shown} {what}");
                if kind.is_file() {
                    let capability = xattr::get(&path, "security.capability").unwrap();
                    assert_eq!(capability, None, "{shown} {what}");
                }
            }
            let read = |path: &str| fs::read(back.join(path)).ok();
            match (*name, existing) {
                ("twice", "refuse" | "replace" | "rename") => {
                    assert_eq!(read("twice").unwrap(), b"last", "{what}");
                    assert_eq!(read("TWICE").unwrap(), b"case", "{what}");
                }
                ("huge", _) => {
                    assert_eq!(read("fine").unwrap(), b"fine", "{what}");
                    assert_eq!(read("behind").unwrap(), b"behind", "{what}");
                }
                ("names", _) => assert_eq!(read("x/y").unwrap(), b"3", "{what}"),
                ("rights", _) => {
                    assert_eq!(output.status.code(), Some(3), "{what}");
                    for said in [
                        "setuid: set-user-ID",
                        "disk: device node",
                        "capable: extended",
                    ] {
                        assert!(err.contains(said), "{said} is not said: {what}");
                    }
                }
                _ => {}
            }
        }
    }
    // A stream is no way out either.
    for name in ["dots", "absolute", "hard"] {
        let output = world.run(["restore", name, "*", "--to", "-"]);
        let list = tar_names(&output.stdout);
        let bad = |name: &String| name.starts_with('/') || name.split('/').any(|part| part == "..");
        assert!(!list.iter().any(bad), "{list:?}");
    }
}

fn tar_names(bytes: &[u8]) -> Vec<String> {
    let mut reader = tapeward::archive::reader::ArchiveReader::new(bytes);
    let mut names = Vec::new();
    while let Some(header) = reader.next_member().unwrap() {
        names.push(String::from_utf8_lossy(&header.path).into_owned());
        if header.kind == MemberKind::HardLink {
            names.push(String::from_utf8_lossy(&header.link).into_owned());
        }
    }
    names
}

#[test]
fn nothing_lands_outside() {
    check(&World::with_library("256MiB"));
}

#[test]
fn nothing_lands_outside_as_an_ordinary_user() {
    if !is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        println!("not root: nobody else to run as");
        return;
    }
    let world = World::for_ordinary_user();
    world.prepare_library("256MiB");
    check(&world);
}
