//! What the extractor promises: nothing outside the target, nothing half-made, nothing silent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/tree_members.rs"]
mod tree_members;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tapeward::archive::extract::{DeviceNodes, Existing, Extractor, Outcome, Ownership, Parents};
use tapeward::archive::header::DeviceNumber;
use tapeward::archive::member::MemberKind;
use tapeward::archive::problem::{ArchiveError, Problem, ProblemKind};
use tapeward::archive::reader::ArchiveReader;

use tree::is_root;
use tree_members::{archive, directory, extract_with, file, link, options};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn names_that_lead_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("in/target");
    let absolute = folder.path().join("absolute");
    let bytes = archive(&[
        file(b"../up", b"1"),
        file(b"a/../../up", b"2"),
        file(absolute.as_os_str().as_encoded_bytes(), b"3"),
        file(b"a/..", b"4"),
        link(b"..", MemberKind::Symlink, b"x"),
        link(b"hard", MemberKind::HardLink, b"../../outside"),
        link(b".", MemberKind::Fifo, b""),
        directory(b"../beside"),
        file(b"fine", b"5"),
    ]);
    fs::write(folder.path().join("outside"), b"not yours").unwrap();
    let (outcomes, problems) = extract_with(&bytes, &target, options(Existing::Replace)).unwrap();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Restored)
            .count(),
        1
    );
    assert!(
        problems
            .iter()
            .all(|problem| matches!(problem.what, ProblemKind::UnsafeName))
    );
    assert_eq!(problems.len(), 8);
    assert_eq!(names(folder.path()), ["in", "outside"]);
    assert_eq!(names(&folder.path().join("in")), ["target"]);
    assert_eq!(names(&target), ["fine"]);
}

#[test]
fn a_symbolic_link_from_the_archive_leads_nobody_out() {
    for existing in [Existing::Refuse, Existing::Replace, Existing::Keep] {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), b"not yours").unwrap();
        let target = folder.path().join("target");
        let out = outside.as_os_str().as_encoded_bytes();
        let bytes = archive(&[
            link(b"door", MemberKind::Symlink, out),
            file(b"door/new", b"planted"),
            link(b"hard", MemberKind::HardLink, b"door/file"),
            link(b"window", MemberKind::Symlink, &[out, b"/file"].concat()),
            file(b"window", b"overwritten"),
            directory(b"door/made"),
        ]);
        let (_, problems) = extract_with(&bytes, &target, options(existing)).unwrap();
        assert!(!problems.is_empty());
        assert_eq!(names(&outside), ["file"]);
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"not yours");
        assert_eq!(fs::metadata(outside.join("file")).unwrap().nlink(), 1);
    }
}

#[test]
fn an_existing_symbolic_link_is_never_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs::write(&outside, b"not yours").unwrap();
    let target = folder.path().join("target");
    fs::create_dir(&target).unwrap();
    let bytes = archive(&[file(b"name", b"restored")]);

    symlink(&outside, target.join("name")).unwrap();
    let (outcomes, problems) = extract_with(&bytes, &target, options(Existing::Refuse)).unwrap();
    assert_eq!(outcomes, [Outcome::NotRestored]);
    assert!(matches!(problems[0].what, ProblemKind::Exists));
    let (outcomes, problems) = extract_with(&bytes, &target, options(Existing::Keep)).unwrap();
    assert_eq!((outcomes, problems.len()), (vec![Outcome::Kept], 0));
    assert!(
        fs::symlink_metadata(target.join("name"))
            .unwrap()
            .is_symlink()
    );

    extract_with(&bytes, &target, options(Existing::Replace)).unwrap();
    assert_eq!(fs::read(target.join("name")).unwrap(), b"restored");
    assert_eq!(fs::read(&outside).unwrap(), b"not yours");
    assert_eq!(names(&target), ["name"]);
}

#[test]
fn replacing_takes_files_links_and_empty_directories_but_no_full_one() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path();
    fs::write(target.join("file"), b"old").unwrap();
    fs::create_dir(target.join("empty")).unwrap();
    fs::create_dir(target.join("full")).unwrap();
    fs::write(target.join("full/kept"), b"kept").unwrap();
    symlink("full", target.join("turns")).unwrap();
    let bytes = archive(&[
        file(b"empty", b"now a file"),
        file(b"file", b"new"),
        file(b"full", b"never"),
        directory(b"turns"),
        file(b"turns/in", b"in"),
    ]);
    let (outcomes, problems) = extract_with(&bytes, target, options(Existing::Replace)).unwrap();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Restored)
            .count(),
        4
    );
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, b"full");
    assert_eq!(fs::read(target.join("file")).unwrap(), b"new");
    assert_eq!(fs::read(target.join("empty")).unwrap(), b"now a file");
    assert_eq!(names(target), ["empty", "file", "full", "turns"]);
    assert_eq!(names(&target.join("full")), ["kept"]);
    assert!(fs::symlink_metadata(target.join("turns")).unwrap().is_dir());
}

#[test]
fn content_that_differs_from_its_digest_does_not_appear() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[file(b"file", b"content")]);
    let mut reader = ArchiveReader::new(bytes.as_slice());
    let header = reader.next_member().unwrap().unwrap();
    let mut problems = Vec::new();
    let mut report = |problem: Problem| problems.push(problem);
    let mut extractor = Extractor::new(folder.path(), options(Existing::Refuse)).unwrap();
    let other = Some(*blake3::hash(b"something else").as_bytes());
    let outcome = extractor
        .extract(b"file", &header, &mut reader, other, &mut report)
        .unwrap();
    extractor.finish(&mut report);
    assert_eq!(outcome, Outcome::NotRestored);
    assert!(matches!(problems[0].what, ProblemKind::DigestMismatch));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn an_archive_that_ends_inside_a_file_leaves_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[file(b"first", b"whole"), file(b"second", &[7; 5000])]);
    let cut = &bytes[..512 + 512 + 512 + 3000];
    let error = extract_with(cut, folder.path(), options(Existing::Refuse)).unwrap_err();
    assert!(matches!(error, ArchiveError::Malformed { .. }), "{error}");
    assert_eq!(names(folder.path()), ["first"]);
}

#[test]
fn a_later_hard_link_restored_alone_carries_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[
        file(b"first", b"data"),
        link(b"second", MemberKind::HardLink, b"first"),
        link(b"third", MemberKind::HardLink, b"first"),
    ]);
    let mut problems = Vec::new();
    let mut report = |problem: Problem| problems.push(problem);
    let mut extractor = Extractor::new(folder.path(), options(Existing::Refuse)).unwrap();
    // Only the second and third names were asked for.
    let mut reader = ArchiveReader::new(&bytes[1024..]);
    let second = reader.next_member().unwrap().unwrap();
    let outcome = extractor
        .extract(b"second", &second, &mut reader, None, &mut report)
        .unwrap();
    assert_eq!(
        outcome,
        Outcome::NeedsData {
            first: b"first".to_vec()
        }
    );
    let mut from_first = ArchiveReader::new(bytes.as_slice());
    let first = from_first.next_member().unwrap().unwrap();
    let outcome = extractor
        .extract(b"second", &first, &mut from_first, None, &mut report)
        .unwrap();
    assert_eq!(outcome, Outcome::Restored);
    let mut third = reader.next_member().unwrap().unwrap();
    third.link = b"second".to_vec();
    let outcome = extractor
        .extract(b"third", &third, &mut reader, None, &mut report)
        .unwrap();
    assert_eq!(outcome, Outcome::Restored);
    extractor.finish(&mut report);
    assert!(problems.is_empty());
    assert_eq!(names(folder.path()), ["second", "third"]);
    let [a, b] = ["second", "third"].map(|name| fs::metadata(folder.path().join(name)).unwrap());
    assert_eq!((a.ino(), a.nlink()), (b.ino(), 2));
    assert_eq!(fs::read(folder.path().join("third")).unwrap(), b"data");
}

#[test]
fn a_directory_waits_for_data_that_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut locked, _) = directory(b"d");
    locked.mode = 0o500;
    let bytes = archive(&[
        (locked, b""),
        link(b"d/second", MemberKind::HardLink, b"first"),
        directory(b"e"),
        file(b"e/1", b"1"),
        file(b"e/2", b"2"),
    ]);
    let elsewhere = archive(&[file(b"first", b"data")]);
    let mut problems = Vec::new();
    let mut report = |problem: Problem| problems.push(problem);
    let mut extractor = Extractor::new(folder.path(), options(Existing::Refuse)).unwrap();
    let mut reader = ArchiveReader::new(bytes.as_slice());
    while let Some(header) = reader.next_member().unwrap() {
        let path = header.path.clone();
        extractor
            .extract(&path, &header, &mut reader, None, &mut report)
            .unwrap();
        if path == b"e/1" {
            let mut later = ArchiveReader::new(elsewhere.as_slice());
            let first = later.next_member().unwrap().unwrap();
            let outcome = extractor
                .extract(b"d/second", &first, &mut later, None, &mut report)
                .unwrap();
            assert_eq!(outcome, Outcome::Restored);
        }
    }
    extractor.finish(&mut report);
    assert!(problems.is_empty(), "{problems:?}");
    for (name, mode) in [("d", 0o500), ("e", 0o755)] {
        let status = fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(
            (status.mode() & 0o7777, status.mtime()),
            (mode, 1_000_000_000),
            "{name}"
        );
    }
    assert_eq!(fs::read(folder.path().join("d/second")).unwrap(), b"data");
}

#[test]
fn a_kept_file_is_not_linked_to() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("first"), b"someone else's").unwrap();
    let bytes = archive(&[
        file(b"first", b"data"),
        link(b"second", MemberKind::HardLink, b"first"),
    ]);
    let (outcomes, _) = extract_with(&bytes, folder.path(), options(Existing::Keep)).unwrap();
    let needs = Outcome::NeedsData {
        first: b"first".to_vec(),
    };
    assert_eq!(outcomes, [Outcome::Kept, needs]);
    assert_eq!(names(folder.path()), ["first"]);
}

/// What an earlier, interrupted restore left is linked to by the one that goes on.
#[test]
fn a_kept_file_of_the_same_time_is_linked_to() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[
        file(b"first", b"data"),
        link(b"second", MemberKind::HardLink, b"first"),
    ]);
    extract_with(&bytes[..1024], folder.path(), options(Existing::Keep)).unwrap();
    let (outcomes, _) = extract_with(&bytes, folder.path(), options(Existing::Keep)).unwrap();
    assert_eq!(outcomes, [Outcome::Kept, Outcome::Restored]);
    assert_eq!(
        fs::metadata(folder.path().join("second")).unwrap().nlink(),
        2
    );
}

#[test]
fn directories_get_mode_and_time_after_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let (mut locked, _) = directory(b"locked");
    locked.mode = 0o555;
    let bytes = archive(&[
        directory(b"."),
        (locked, b""),
        file(b"locked/in", b"in"),
        directory(b"locked/inner"),
        file(b"locked/inner/in", b"in"),
        file(b"z", b"z"),
    ]);
    for _ in 0..2 {
        let (outcomes, problems) =
            extract_with(&bytes, &target, options(Existing::Replace)).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Restored));
        for name in [".", "locked", "locked/inner"] {
            assert_eq!(
                fs::metadata(target.join(name)).unwrap().mtime(),
                1_000_000_000,
                "{name}"
            );
        }
        assert_eq!(
            fs::metadata(target.join("locked")).unwrap().mode() & 0o7777,
            0o555
        );
    }
}

#[test]
fn an_acl_of_the_target_directory_is_not_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    fs::create_dir(&target).unwrap();
    let status = Command::new("setfacl")
        .args(["-d", "-m", "u:4242:rwx"])
        .arg(&target)
        .status();
    assert!(status.unwrap().success());
    let bytes = archive(&[
        directory(b"d"),
        file(b"d/in", b"in"),
        file(b"file", b"x"),
        link(b"fifo", MemberKind::Fifo, b""),
    ]);
    extract_with(&bytes, &target, options(Existing::Refuse)).unwrap();
    for name in ["d", "d/in", "file", "fifo"] {
        let listed: Vec<_> = xattr::list(target.join(name)).unwrap().collect();
        assert!(listed.is_empty(), "{name}: {listed:?}");
    }
    assert_eq!(
        fs::metadata(target.join("file")).unwrap().mode() & 0o7777,
        0o644
    );
}

#[test]
fn missing_parents_are_made_for_the_restoring_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(&[file(b"a/b/c", b"x")]);
    extract_with(&bytes, folder.path(), options(Existing::Refuse)).unwrap();
    for name in ["a", "a/b"] {
        let mode = fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o700);
    }
}

/// Which drive comes to a directory's own member first is nobody's choice.
#[test]
fn a_directory_made_for_what_is_in_it_is_not_taken_for_one_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    fs::create_dir_all(target.join("theirs")).unwrap();
    let mode = |name: &str| fs::metadata(target.join(name)).unwrap().mode() & 0o7777;
    fs::set_permissions(target.join("theirs"), fs::Permissions::from_mode(0o711)).unwrap();
    let list = folder.path().join("list");
    let extract = |bytes: &[u8]| {
        let parents = Arc::new(Parents::listed(&list).unwrap());
        let extractor = Extractor::in_any_order(&target, options(Existing::Keep)).unwrap();
        let mut extractor = extractor.with_parents(parents);
        let mut reader = ArchiveReader::new(bytes);
        let mut outcomes = Vec::new();
        while let Some(header) = reader.next_member().unwrap() {
            let path = header.path.clone();
            let outcome = extractor
                .extract(&path, &header, &mut reader, None, &mut |_| {})
                .unwrap();
            if header.kind == MemberKind::Directory && outcome == Outcome::Restored {
                extractor.close_directory(&header, &mut |_| {});
            }
            outcomes.push(outcome);
        }
        outcomes
    };
    let files = [file(b"ours/in/file", b"1"), file(b"theirs/in/file", b"2")];
    assert_eq!(
        extract(&archive(&files)),
        [Outcome::Restored, Outcome::Restored]
    );
    // Another thread, or another process.
    let (kept, restored) = (Outcome::Kept, Outcome::Restored);
    let directories = ["ours", "ours/in", "theirs", "theirs/in"];
    let members = directories.map(|path| directory(path.as_bytes()));
    assert_eq!(
        extract(&archive(&members)),
        [restored.clone(), restored.clone(), kept, restored]
    );
    assert_eq!(directories.map(mode), [0o755, 0o755, 0o711, 0o755]);
}

#[test]
fn device_nodes_are_made_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut null, _) = link(b"null", MemberKind::CharacterDevice, b"");
    null.device = DeviceNumber { major: 1, minor: 3 };
    let bytes = archive(&[(null, b"")]);
    let mut skip = options(Existing::Refuse);
    skip.devices = DeviceNodes::Skip;
    let (outcomes, problems) = extract_with(&bytes, folder.path(), skip).unwrap();
    assert_eq!(outcomes, [Outcome::NotRestored]);
    assert!(matches!(
        problems[0].what,
        ProblemKind::DeviceNotMade { .. }
    ));
    if is_root() {
        let mut make = skip;
        make.devices = DeviceNodes::Make;
        let (outcomes, _) = extract_with(&bytes, folder.path(), make).unwrap();
        assert_eq!(outcomes, [Outcome::Restored]);
    }
}

#[test]
fn owners_by_name_where_this_host_knows_them() {
    if !is_root() {
        println!("giving files away takes root: not tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let named = |path: &[u8], name: &[u8]| {
        let (mut header, content) = file(path, b"x");
        (header.uid, header.gid) = (4711, 4712);
        header.owner = name.to_vec();
        header.group = name.to_vec();
        (header, content)
    };
    let bytes = archive(&[
        named(b"known", b"daemon"),
        named(b"unknown", b"no-such-name"),
    ]);
    let mut by_name = options(Existing::Refuse);
    by_name.ownership = Ownership::Names;
    extract_with(&bytes, folder.path(), by_name).unwrap();
    let owner = |name: &str| {
        let status = fs::metadata(folder.path().join(name)).unwrap();
        (status.uid(), status.gid())
    };
    assert_eq!(owner("known"), (1, 1));
    assert_eq!(owner("unknown"), (4711, 4712));
}
