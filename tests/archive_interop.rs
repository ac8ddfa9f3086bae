//! What is written is read by GNU tar, by bsdtar and by ourselves, with nothing on stderr.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/tree_members.rs"]
mod tree_members;
#[path = "support/tree_sink.rs"]
mod tree_sink;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tapeward::archive::extract::{Existing, ExtractOptions, Extractor, Outcome};
use tapeward::archive::links::NothingEarlier;
use tapeward::archive::member::{MemberKind, MemberState, ResumePoint};
use tapeward::archive::problem::Problem;
use tapeward::archive::reader::ArchiveReader;
use tapeward::archive::scan::{MountBoundary, SourceTree};
use tapeward::archive::writer::{Summary, write_tree};

use tree::{
    DeepEnd, Tree, assert_same, build_beyond_path_max, build_everything, build_small, read_tree,
    remove_tree,
};
use tree_members::{extract_with, options};
use tree_sink::Stream;

fn write(source: &Path) -> (Stream, Summary, Vec<Problem>) {
    let source = SourceTree::open(source, MountBoundary::Stay).unwrap();
    let mut stream = Stream::default();
    let mut problems = Vec::new();
    let summary = write_tree(
        &source,
        &ResumePoint::default(),
        &NothingEarlier,
        &mut stream,
        &mut |problem| problems.push(problem),
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(summary.stream_length, stream.bytes.len() as u64);
    (stream, summary, problems)
}

fn extract(stream: &Stream, target: &Path) -> Vec<String> {
    let digests: BTreeMap<_, _> = stream
        .entries
        .iter()
        .map(|entry| (entry.path.clone(), entry.digest))
        .collect();
    let mut problems = Vec::new();
    let mut report = |problem: Problem| problems.push(problem.to_string());
    let mut extractor =
        Extractor::new(target, ExtractOptions::with_everything(Existing::Refuse)).unwrap();
    let mut reader = ArchiveReader::new(stream.bytes.as_slice());
    while let Some(header) = reader.next_member().unwrap() {
        let digest = digests[&header.path];
        assert_eq!(digest.is_some(), header.kind == MemberKind::File);
        let path = header.path.clone();
        let outcome = extractor
            .extract(&path, &header, &mut reader, digest, &mut report)
            .unwrap();
        assert!(!matches!(outcome, Outcome::NeedsData { .. }), "{header:?}");
    }
    extractor.finish(&mut report).sync().unwrap();
    problems
}

/// Runs a program with the stream on its standard input; `None` if it is not installed, which
/// only a machine outside continuous integration may get away with.
fn run(program: &str, arguments: &[&str], target: &Path, stream: &[u8]) -> Option<Output> {
    let child = Command::new(program)
        .args(arguments)
        .current_dir(target)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{program}: {error}");
            println!("{program} is not installed ({error}): not compared with it");
            return None;
        }
    };
    let mut input = child.stdin.take().unwrap();
    let bytes = stream.to_vec();
    let feeder = std::thread::spawn(move || {
        // A program that stops early says why itself.
        let _ = input.write_all(&bytes);
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Some(output)
}

fn assert_quiet(program: &str, output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{program}: {:?}\n{errors}",
        output.status
    );
}

#[test]
fn every_kind_of_entry_comes_back_by_our_own_hand() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir(&source).unwrap();
    build_everything(&source);
    build_beyond_path_max(&source, DeepEnd::Everything);
    let before = read_tree(&source);

    let (stream, summary, problems) = write(&source);
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    assert_eq!(summary.members, before.len() as u64);
    assert!(
        stream
            .entries
            .iter()
            .all(|entry| entry.state == MemberState::Intact)
    );
    assert_eq!(stream.bytes.len() % 10_240, 0);

    assert_eq!(extract(&stream, &target), Vec::<String>::new());
    assert_same(&before, &read_tree(&target));
    remove_tree(folder.path());
}

/// GNU tar hands whole paths to the kernel, so none may be longer than `PATH_MAX`; and it warns
/// of any time before 1970 or after now unless told not to.
#[test]
fn gnu_tar_reads_every_kind_of_entry() {
    let arguments = [
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "--warning=no-timestamp",
        "-xpf",
        "-",
    ];
    read_by("tar", &arguments, build_everything, |_| {});
}

/// The form of the printed recovery instructions: attributes other than `user.` need a pattern.
#[test]
fn gnu_tar_is_quiet_with_plain_options() {
    let arguments = ["--xattrs", "--acls", "--warning=no-timestamp", "-xpf", "-"];
    let only_user = |tree: &mut Tree| {
        for facts in tree.values_mut() {
            facts.attributes.retain(|name, _| {
                name.starts_with(b"user.") || name.starts_with(b"system.posix_acl")
            });
        }
    };
    read_by("tar", &arguments, build_small, only_user);
}

/// bsdtar reads the decimals of a time before 1970 as counting forward (libarchive, `pax_time`),
/// where POSIX has one decimal number and GNU tar reads it so. The directory it extracts into keeps
/// its own time.
#[test]
fn bsdtar_reads_every_kind_of_entry() {
    let whole_seconds = |tree: &mut Tree| {
        tree.get_mut(b".".as_slice()).unwrap().modified = (0, 0);
        for (path, facts) in tree {
            if path.starts_with(b"times/before-1970-") {
                facts.modified = (0, 0);
            }
        }
    };
    read_by("bsdtar", &["-xpf", "-"], build_everything, whole_seconds);
}

/// bsdtar restores files beyond `PATH_MAX`, but not hard links to them nor times of symbolic links
/// there, and directories lose their times on the way.
#[test]
fn bsdtar_reads_paths_of_any_length() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&target).unwrap();
    build_beyond_path_max(&source, DeepEnd::File);
    let (stream, _, _) = write(&source);
    if let Some(output) = run("bsdtar", &["-xpf", "-"], &target, &stream.bytes) {
        assert_quiet("bsdtar", &output);
        let [before, after] = [&source, &target].map(|root| {
            let mut tree = read_tree(root);
            let directories = tree.values_mut().filter(|facts| facts.is_directory());
            directories.for_each(|facts| facts.modified = (0, 0));
            tree
        });
        assert_same(&before, &after);
    }
    remove_tree(folder.path());
}

fn read_by(
    program: &str,
    arguments: &[&str],
    build: impl Fn(&Path),
    known_limits: impl Fn(&mut Tree),
) {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&target).unwrap();
    build(&source);
    let mut before = read_tree(&source);
    let (stream, _, _) = write(&source);
    if let Some(output) = run(program, arguments, &target, &stream.bytes) {
        assert_quiet(program, &output);
        let mut after = read_tree(&target);
        known_limits(&mut before);
        known_limits(&mut after);
        assert_same(&before, &after);
    }
    remove_tree(folder.path());
}

/// Archives of other programs, in every format they have that keeps most.
#[test]
fn archives_of_other_programs_are_read() {
    let gnu: &[&str] = &["--format=gnu", "--sparse", "-cf", "-", "."];
    let posix: &[&str] = &[
        "--format=posix",
        "--sparse",
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "-cf",
        "-",
        ".",
    ];
    let libarchive: &[&str] = &["--format=pax", "--xattrs", "--acls", "-cf", "-", "."];
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    build_everything(&source);
    // Neither program links later names of fifos and devices to the first. bsdtar's archives come
    // with libarchive's decimals before 1970, do not follow the walk's order (so directories are
    // entered again after they were finished) and cut the longest name of a sparse file.
    for (program, arguments) in [("tar", gnu), ("tar", posix), ("bsdtar", libarchive)] {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&source)
            .env("LC_ALL", "C.UTF-8")
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "{program}: {error}");
                println!("{program} is not installed ({error}): not compared with it");
                continue;
            }
        };
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let target = folder.path().join("target");
        let (_, problems) =
            extract_with(&output.stdout, &target, options(Existing::Refuse)).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let [mut before, mut after] = [&source, &target].map(|root| read_tree(root));
        for tree in [&mut before, &mut after] {
            if program == "bsdtar" {
                tree.retain(|path, _| !path.starts_with(b"sparse/\xf8"));
            }
            for (path, facts) in tree.iter_mut() {
                let early = path.starts_with(b"times/before-1970-");
                if program == "bsdtar" && (early || facts.is_directory()) {
                    facts.modified = (0, 0);
                }
                if facts.is_node() {
                    facts.group.clear();
                }
                if arguments == gnu {
                    facts.modified.1 = 0;
                    facts.attributes.clear();
                }
            }
        }
        assert_same(&before, &after);
        remove_tree(&target);
    }
    remove_tree(folder.path());
}
