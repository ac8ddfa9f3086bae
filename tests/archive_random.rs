//! Random trees, written in random sessions, come back equal.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/tree_sink.rs"]
mod tree_sink;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use tapeward::archive::extract::{Existing, ExtractOptions, Extractor, Outcome};
use tapeward::archive::member::{MemberState, ResumePoint, SinkError};
use tapeward::archive::problem::{ArchiveError, Problem};
use tapeward::archive::reader::ArchiveReader;
use tapeward::archive::scan::{MountBoundary, SourceTree};
use tapeward::archive::writer::write_tree;

use tree::{differences, open_directory, pattern, raw, read_tree, utimens};
use tree_sink::Stream;

/// What to make at a path; whatever cannot be made there is left out.
#[derive(Debug, Clone)]
enum Entry {
    File(usize),
    Sparse(Vec<(u64, usize)>, u64),
    Directory,
    Symlink(Vec<u8>),
    LinkTo(prop::sample::Index),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'.'), Just(b'-')], 1..3),
        1 => vec(Just(b'n'), 95..256),
        1 => vec(Just(0xe9_u8), 1..256),
        1 => "[\u{4e00}-\u{4e10}]{1,85}".prop_map(String::into_bytes),
    ]
    .prop_filter("not a name", |name| name != b"." && name != b"..")
}

fn entry() -> impl Strategy<Value = Entry> {
    let sparse = (vec((0..200_u64, 1..5000_usize), 0..5), 1..200_u64).prop_map(|(runs, end)| {
        let runs = runs.into_iter().map(|(at, length)| (at * 4096, length));
        Entry::Sparse(runs.collect(), end * 4096)
    });
    prop_oneof![
        4 => (0..3000_usize).prop_map(Entry::File),
        1 => (250_000..600_000_usize).prop_map(Entry::File),
        1 => sparse,
        2 => Just(Entry::Directory),
        1 => vec(1..=255_u8, 1..300).prop_map(Entry::Symlink),
        2 => any::<prop::sample::Index>().prop_map(Entry::LinkTo),
    ]
}

fn build(root: &Path, entries: &[(Vec<Vec<u8>>, Entry, i64, i64)]) {
    let mut made = Vec::new();
    for (seed, (components, entry, seconds, nanos)) in entries.iter().enumerate() {
        let path = root.join(raw(&components.join(&b'/')));
        let parent = path.parent().unwrap();
        if fs::create_dir_all(parent).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match entry {
            Entry::File(size) => fs::write(&path, pattern(seed, *size)).unwrap(),
            Entry::Sparse(runs, size) => {
                let file = File::create(&path).unwrap();
                file.set_len(*size).unwrap();
                for (at, length) in runs {
                    file.write_all_at(&pattern(seed, *length), *at).unwrap();
                }
            }
            Entry::Directory => fs::create_dir(&path).unwrap(),
            Entry::Symlink(target) => symlink(raw(target), &path).unwrap(),
            Entry::LinkTo(index) => {
                if made.is_empty() {
                    continue;
                }
                let first: &std::path::PathBuf = index.get(&made);
                fs::hard_link(first, &path).unwrap();
            }
        }
        let last = components.last().unwrap();
        utimens(open_directory(parent).as_fd(), last, *seconds, *nanos);
        if !matches!(entry, Entry::Directory) {
            made.push(path);
        }
    }
}

/// Writes the tree in as many sessions as there are cuts, and one more.
fn write(source: &Path, cuts: &[usize]) -> Stream {
    let mut stream = Stream::default();
    let mut resume = ResumePoint::default();
    let mut cuts = cuts.iter();
    loop {
        stream.stop_at = cuts.next().map(|more| stream.bytes.len() + more);
        let index = stream.index();
        let source = SourceTree::open(source, MountBoundary::Stay).unwrap();
        let mut report = |problem: Problem| panic!("{problem}");
        let result = write_tree(
            &source,
            &resume,
            &index,
            &mut stream,
            &mut report,
            &mut |_| {},
        );
        match result {
            Ok(_) => return stream,
            Err(ArchiveError::Sink(SinkError::Interrupted)) => {}
            Err(error) => panic!("{error}"),
        }
        resume = stream.next_session(None);
    }
}

fn extract(stream: &Stream, target: &Path) {
    let mut report = |problem: Problem| panic!("{problem}");
    let mut extractor =
        Extractor::new(target, ExtractOptions::with_everything(Existing::Refuse)).unwrap();
    let mut reader = ArchiveReader::new(stream.bytes.as_slice());
    let mut entries = stream.entries.iter();
    while let Some(header) = reader.next_member().unwrap() {
        let entry = entries.next().unwrap();
        assert_eq!(entry.path, header.path);
        assert_eq!(entry.state, MemberState::Intact);
        let path = header.path.clone();
        let digest = entry.digest;
        let outcome = extractor
            .extract(&path, &header, &mut reader, digest, &mut report)
            .unwrap();
        assert_eq!(outcome, Outcome::Restored);
    }
    assert!(entries.next().is_none());
    extractor.finish(&mut report);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_random_tree_comes_back(
        entries in vec(
            (vec(name(), 1..5), entry(), -3_000_000_000..9_000_000_000_i64, 0..1_000_000_000_i64),
            0..40,
        ),
        cuts in vec(0..300_000_usize, 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("source"), folder.path().join("target"));
        fs::create_dir(&source).unwrap();
        build(&source, &entries);
        let stream = write(&source, &cuts);
        extract(&stream, &target);
        let lines = differences(&read_tree(&source), &read_tree(&target));
        prop_assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}
