//! What is written is read by GNU tar, by bsdtar and by ourselves, with nothing on stderr.

#[path = "support/tree.rs"]
mod tree;
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
    DeepEnd, Tree, assert_same, build_beyond_path_max, build_everything, read_tree, remove_tree,
};
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
    let mut extractor = Extractor::new(target, ExtractOptions::new(Existing::Refuse)).unwrap();
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
        "-xf",
        "-",
    ];
    read_by("tar", &arguments, build_everything, |_| {});
}

/// The form of the printed recovery instructions: attributes other than `user.` need a pattern.
#[test]
fn gnu_tar_is_quiet_with_plain_options() {
    let arguments = ["--xattrs", "--acls", "--warning=no-timestamp", "-xf", "-"];
    let only_user = |tree: &mut Tree| {
        for facts in tree.values_mut() {
            facts.attributes.retain(|name, _| {
                name.starts_with(b"user.") || name.starts_with(b"system.posix_acl")
            });
        }
    };
    read_by("tar", &arguments, build_everything, only_user);
}

/// bsdtar reads the decimals of a time before 1970 as counting forward (libarchive, `pax_time`),
/// where POSIX has one decimal number and GNU tar reads it so.
#[test]
fn bsdtar_reads_every_kind_of_entry() {
    let forward = |tree: &mut Tree| {
        for facts in tree.values_mut() {
            if facts.modified.0 < 0 && facts.modified.1 != 0 {
                facts.modified = libarchive_time(facts.modified);
            }
        }
    };
    read_by("bsdtar", &["-xpf", "-"], build_everything, forward);
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

/// What libarchive makes of a time before 1970 that is not a whole second.
fn libarchive_time((seconds, nanos): (i64, i64)) -> (i64, i64) {
    (seconds + 1, 1_000_000_000 - nanos)
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
        known_limits(&mut before);
        assert_same(&before, &read_tree(&target));
    }
    remove_tree(folder.path());
}
