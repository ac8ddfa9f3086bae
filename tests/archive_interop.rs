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

use tree::{Tree, assert_same, build_everything, differences, read_tree, remove_tree};
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
    let before = read_tree(&source);

    let (stream, summary, problems) = write(&source);
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(summary.members, before.len() as u64);
    assert!(stream.entries.iter().all(|entry| entry.state == MemberState::Intact));
    assert_eq!(stream.bytes.len() % 10_240, 0);

    assert_eq!(extract(&stream, &target), Vec::<String>::new());
    assert_same(&before, &read_tree(&target));
    remove_tree(folder.path());
}

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
    read_by("tar", &arguments);
}

#[test]
fn bsdtar_reads_every_kind_of_entry() {
    read_by("bsdtar", &["-xpf", "-"]);
}

fn read_by(program: &str, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&target).unwrap();
    build_everything(&source);
    let before = read_tree(&source);
    let (stream, _, _) = write(&source);
    if let Some(output) = run(program, arguments, &target, &stream.bytes) {
        let after = read_tree(&target);
        println!("{}", differences(&before, &after).join("\n"));
        assert_quiet(program, &output);
        assert_same(&before, &after);
    }
    remove_tree(folder.path());
}
