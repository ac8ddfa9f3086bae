//! Backing up and restoring without root's rights.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/tree_members.rs"]
mod tree_members;
#[path = "support/tree_sink.rs"]
mod tree_sink;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use tapeward::archive::extract::{DeviceNodes, Existing, Outcome};
use tapeward::archive::header::{DeviceNumber, ExtendedAttribute};
use tapeward::archive::links::NothingEarlier;
use tapeward::archive::member::{MemberKind, ResumePoint};
use tapeward::archive::problem::{Problem, ProblemKind, Property};
use tapeward::archive::scan::{MountBoundary, SourceTree};
use tapeward::archive::writer::write_tree;

use tree::{is_root, remove_tree};
use tree_members::{archive, directory, extract_with, file, header, options};
use tree_sink::Stream;

/// As an ordinary user, whatever cannot be kept is listed and all else comes back.
#[test]
fn an_ordinary_user_is_told_what_cannot_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let all = fs::Permissions::from_mode(0o777);
    fs::set_permissions(folder.path(), all).unwrap();
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    command
        .args(["--exact", "as_an_ordinary_user", "--ignored", "--nocapture"])
        .env("ORDINARY_FOLDER", folder.path());
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{errors}"
    );
    remove_tree(folder.path());
}

#[test]
#[ignore = "run by an_ordinary_user_is_told_what_cannot_be_kept, as another user"]
fn as_an_ordinary_user() {
    let folder = std::env::var_os("ORDINARY_FOLDER").unwrap();
    let target = Path::new(&folder).join("target");
    let (mut owned, content) = file(b"owned", b"owned by root");
    (owned.uid, owned.gid, owned.mode) = (0, 0, 0o4755);
    owned.attributes = vec![
        ExtendedAttribute {
            name: b"trusted.note".to_vec(),
            value: b"x".to_vec(),
        },
        ExtendedAttribute {
            name: b"user.note".to_vec(),
            value: b"y".to_vec(),
        },
    ];
    let mut null = header(b"null", MemberKind::CharacterDevice);
    null.device = DeviceNumber { major: 1, minor: 3 };
    let (mut inaccessible, _) = directory(b"shut");
    inaccessible.mode = 0o000;
    let bytes = archive(&[
        (null, b""),
        (owned, content),
        (inaccessible, b""),
        file(b"shut/in", b"in"),
    ]);
    let mut wanted = options(Existing::Refuse);
    wanted.devices = DeviceNodes::Make;
    let (outcomes, problems) = extract_with(&bytes, &target, wanted).unwrap();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Restored)
            .count(),
        3
    );
    let not_kept: Vec<&Property> = problems
        .iter()
        .filter_map(|problem| match &problem.what {
            ProblemKind::NotKept { property, .. } => Some(property),
            _ => None,
        })
        .collect();
    let expected = [
        Property::Owner { uid: 0, gid: 0 },
        Property::SetId,
        Property::Attribute(b"trusted.note".to_vec()),
    ];
    assert_eq!(not_kept, expected.iter().collect::<Vec<_>>());
    assert!(matches!(
        problems[0].what,
        ProblemKind::DeviceNotMade { .. }
    ));
    assert_eq!(problems.len(), 4, "{problems:?}");
    let restored = fs::metadata(target.join("owned")).unwrap();
    assert_eq!(restored.mode() & 0o7777, 0o755);
    assert_eq!(
        xattr::get(target.join("owned"), "user.note")
            .unwrap()
            .unwrap(),
        b"y"
    );
    assert_eq!(
        fs::metadata(target.join("shut")).unwrap().mode() & 0o7777,
        0
    );
    fs::set_permissions(target.join("shut"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(fs::read(target.join("shut/in")).unwrap(), b"in");

    // A source with something unreadable: reported, the rest is written.
    let source = Path::new(&folder).join("source");
    fs::create_dir_all(source.join("closed")).unwrap();
    fs::write(source.join("secret"), b"secret").unwrap();
    fs::write(source.join("plain"), b"plain").unwrap();
    for (name, mode) in [("secret", 0), ("closed", 0)] {
        fs::set_permissions(source.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let opened = SourceTree::open(&source, MountBoundary::Stay).unwrap();
    let mut stream = Stream::default();
    let mut problems = Vec::new();
    let mut report = |problem: Problem| problems.push(problem);
    let resume = ResumePoint::default();
    let summary = write_tree(
        &opened,
        &resume,
        &NothingEarlier,
        &mut stream,
        &mut report,
        &mut |_| {},
    );
    assert_eq!(summary.unwrap().losses, 2);
    let paths: Vec<_> = problems
        .iter()
        .map(|problem| problem.path.as_slice())
        .collect();
    assert_eq!(paths, [b"closed".as_slice(), b"secret"]);
    let written: Vec<_> = stream
        .entries
        .iter()
        .map(|entry| entry.path.as_slice())
        .collect();
    assert_eq!(written, [b".".as_slice(), b"closed", b"plain"]);
}
