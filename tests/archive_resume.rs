//! A stream cut anywhere and gone on with is one archive, and every file in it is its old or its
//! new version.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/tree.rs"]
mod tree;
#[path = "support/tree_sink.rs"]
mod tree_sink;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use tapeward::archive::extract::{Existing, ExtractOptions, Extractor, Outcome};
use tapeward::archive::links::{EarlierMembers, NothingEarlier};
use tapeward::archive::member::{IndexEntry, MemberKind, MemberState, ResumePoint, SinkError};
use tapeward::archive::problem::{ArchiveError, Problem, ProblemKind};
use tapeward::archive::reader::ArchiveReader;
use tapeward::archive::scan::{MountBoundary, SourceTree};
use tapeward::archive::writer::{FileReader, PlainFiles, Summary, TreeWriter, write_tree};

use tree::{Tree, assert_same, build_small, pattern, read_tree};
use tree_sink::{Stream, position};

fn session(
    source: &Path,
    resume: &ResumePoint,
    earlier: &dyn EarlierMembers,
    stream: &mut Stream,
) -> (Result<Summary, ArchiveError>, Vec<Problem>) {
    let source = SourceTree::open(source, MountBoundary::Stay).unwrap();
    let mut problems = Vec::new();
    let mut report = |problem| problems.push(problem);
    let result = write_tree(&source, resume, earlier, stream, &mut report, &mut |_| {});
    (result, problems)
}

/// Writes up to a byte, lets something happen, and goes on to the end.
fn cut_at(source: &Path, length: usize, between: impl FnOnce()) -> (Stream, Vec<Problem>) {
    let mut stream = Stream::stopping_at(length);
    let (first, _) = session(
        source,
        &ResumePoint::default(),
        &NothingEarlier,
        &mut stream,
    );
    if first.is_ok() {
        assert_eq!(stream.bytes.len(), length);
        return (stream, Vec::new());
    }
    assert!(matches!(
        first,
        Err(ArchiveError::Sink(SinkError::Interrupted))
    ));
    assert_eq!(stream.bytes.len(), length);
    between();
    let resume = stream.next_session(None);
    assert_eq!(resume.stream_offset, length as u64);
    let index = stream.index();
    let (second, problems) = session(source, &resume, &index, &mut stream);
    assert_eq!(second.unwrap().stream_length, stream.bytes.len() as u64);
    (stream, problems)
}

/// Every length a small stream can be cut at that is worth trying: block boundaries and between.
fn lengths(whole: usize) -> impl Iterator<Item = usize> {
    (0..=whole / 512)
        .flat_map(move |block| [block * 512, block * 512 + 300])
        .filter(move |length| *length < whole)
}

fn whole_stream(source: &Path) -> Stream {
    let mut stream = Stream::default();
    session(
        source,
        &ResumePoint::default(),
        &NothingEarlier,
        &mut stream,
    )
    .0
    .unwrap();
    stream
}

fn extract(stream: &[u8], target: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |problem| problems.push(problem);
    let mut extractor =
        Extractor::new(target, ExtractOptions::with_everything(Existing::Refuse)).unwrap();
    let mut reader = ArchiveReader::new(stream);
    while let Some(header) = reader.next_member().unwrap() {
        let path = header.path.clone();
        let outcome = extractor
            .extract(&path, &header, &mut reader, None, &mut report)
            .unwrap();
        assert_eq!(outcome, Outcome::Restored, "{header:?}");
    }
    extractor.finish(&mut report);
    problems
}

fn gnu_tar_extracts(stream: &[u8], target: &Path) {
    let mut child = Command::new("tar")
        .args(["--xattrs", "--acls", "-xf", "-"])
        .current_dir(target)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("GNU tar is needed");
    child.stdin.take().unwrap().write_all(stream).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
}

/// The newest entry of each path says what the stream holds: its digest is that of the content,
/// and a hard link's address is where its first name's member starts.
fn check_index(stream: &Stream, starts: &[usize]) {
    let newest: BTreeMap<&[u8], &IndexEntry> = stream
        .entries
        .iter()
        .map(|entry| (entry.path.as_slice(), entry))
        .collect();
    for entry in newest.values() {
        let start = position(entry.address, starts);
        let length = usize::try_from(entry.length).unwrap();
        let mut reader = ArchiveReader::new(&stream.bytes[start..start + length]);
        let header = reader.next_member().unwrap().unwrap();
        assert_eq!(header.path, entry.path);
        assert_eq!(header.kind, entry.kind);
        let mut content = vec![0; usize::try_from(header.size).unwrap()];
        while let Some(chunk) = reader.next_data().unwrap() {
            let at = usize::try_from(chunk.offset).unwrap();
            content[at..at + chunk.bytes.len()].copy_from_slice(chunk.bytes);
        }
        let digest = (entry.kind == MemberKind::File).then(|| *blake3::hash(&content).as_bytes());
        assert_eq!(entry.digest, digest, "{:?}", entry.path);
        assert_eq!(reader.offset(), entry.length);
        if let Some(link) = entry.link {
            let first = position(link, starts);
            let mut reader = ArchiveReader::new(&stream.bytes[first..]);
            assert_eq!(reader.next_member().unwrap().unwrap().path, header.link);
        }
    }
}

#[test]
fn an_unchanged_tree_gives_the_same_stream_wherever_it_is_cut() {
    let source = tempfile::tempdir().unwrap();
    build_small(source.path());
    let whole = whole_stream(source.path());
    for length in lengths(whole.bytes.len()) {
        let (stream, problems) = cut_at(source.path(), length, || {});
        assert!(problems.is_empty(), "cut at {length}: {problems:?}");
        let end = whole.entries.iter().map(|entry| entry.length).sum::<u64>();
        let end = usize::try_from(end).unwrap();
        assert_eq!(stream.bytes[..end], whole.bytes[..end], "cut at {length}");
        assert!(stream.bytes[end..].iter().all(|byte| *byte == 0));
        assert!(stream.bytes.len() >= end + 1024 && stream.bytes.len() % 10_240 == 0);
        let states = stream.entries.iter().map(|entry| entry.state);
        assert!(states.into_iter().all(|state| state == MemberState::Intact));
        check_index(&stream, &[0, length]);
    }
}

#[test]
fn many_cuts_in_one_stream() {
    let source = tempfile::tempdir().unwrap();
    build_small(source.path());
    let whole = whole_stream(source.path());
    let mut stream = Stream::stopping_at(777);
    let mut resume = ResumePoint::default();
    let mut starts = vec![0];
    loop {
        let index = stream.index();
        match session(source.path(), &resume, &index, &mut stream).0 {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, ArchiveError::Sink(SinkError::Interrupted))),
        }
        starts.push(stream.bytes.len());
        let stop = stream.bytes.len() + 777;
        resume = stream.next_session(Some(stop));
        if stream.bytes.len() + 777 >= whole.bytes.len() {
            stream.stop_at = None;
        }
    }
    let end = whole.entries.iter().map(|entry| entry.length).sum::<u64>();
    let end = usize::try_from(end).unwrap();
    assert!(stream.bytes[..end] == whole.bytes[..end]);
    assert!(stream.bytes[end..].iter().all(|byte| *byte == 0));
    check_index(&stream, &starts);
}

/// What may happen between two sessions.
type Change = fn(&Path);

const CHANGES: [(&str, Change); 8] = [
    ("rewritten", |root| {
        let file = OpenOptions::new()
            .write(true)
            .open(root.join("a/one"))
            .unwrap();
        file.write_all_at(&pattern(70, 1300), 0).unwrap();
        set_new_time(&file);
    }),
    ("shrunk", |root| {
        let file = OpenOptions::new()
            .write(true)
            .open(root.join("a/one"))
            .unwrap();
        file.set_len(10).unwrap();
        set_new_time(&file);
    }),
    ("grown", |root| {
        let mut file = OpenOptions::new()
            .append(true)
            .open(root.join("a/two"))
            .unwrap();
        file.write_all(b"and more").unwrap();
        set_new_time(&file);
    }),
    ("deleted", |root| {
        fs::remove_file(root.join("a/one")).unwrap();
    }),
    ("replaced by a directory", |root| {
        fs::remove_file(root.join("a/one")).unwrap();
        fs::create_dir(root.join("a/one")).unwrap();
        fs::write(root.join("a/one/inner"), b"inner").unwrap();
    }),
    ("added before and after", |root| {
        fs::write(root.join("a/oo"), b"between").unwrap();
        fs::write(root.join("0-before"), b"before").unwrap();
        fs::write(root.join("zz-after"), b"after").unwrap();
    }),
    ("linked file rewritten", |root| {
        let file = OpenOptions::new()
            .write(true)
            .open(root.join("linked"))
            .unwrap();
        file.write_all_at(&pattern(71, 900), 0).unwrap();
        set_new_time(&file);
    }),
    ("sparse file filled and a link turned", |root| {
        let file = OpenOptions::new()
            .write(true)
            .open(root.join("sparse"))
            .unwrap();
        file.write_all_at(&pattern(72, 5000), 100_000).unwrap();
        set_new_time(&file);
        fs::remove_file(root.join("soft")).unwrap();
        symlink("elsewhere", root.join("soft")).unwrap();
    }),
];

/// Two writes in one tick of the file system's clock would leave equal times.
fn set_new_time(file: &File) {
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    file.set_modified(later).unwrap();
}

#[test]
fn each_file_is_its_old_or_its_new_version_or_marked() {
    for (name, change) in CHANGES {
        let template = tempfile::tempdir().unwrap();
        build_small(template.path());
        let length = whole_stream(template.path()).bytes.len();
        for cut in lengths(length) {
            let source = tempfile::tempdir().unwrap();
            build_small(source.path());
            let old = read_tree(source.path());
            let (stream, problems) = cut_at(source.path(), cut, || change(source.path()));
            let new = read_tree(source.path());
            let target = tempfile::tempdir().unwrap();
            extract(&stream.bytes, target.path());
            let found = read_tree(target.path());
            check_versions(
                &format!("{name}, cut at {cut}"),
                &old,
                &new,
                &found,
                &stream,
            );
            for problem in problems {
                assert!(matches!(problem.what, ProblemKind::Superseded), "{problem}");
            }
            if cut % 512 == 300 {
                let by_tar = tempfile::tempdir().unwrap();
                gnu_tar_extracts(&stream.bytes, by_tar.path());
                check_versions(name, &old, &new, &read_tree(by_tar.path()), &stream);
            }
        }
    }
}

fn check_versions(case: &str, old: &Tree, new: &Tree, found: &Tree, stream: &Stream) {
    for (path, have) in found {
        let versions = [old.get(path), new.get(path)].map(|version| {
            version.map(|facts| (&facts.content, &facts.target, facts.kind, facts.runs.0))
        });
        let have = (&have.content, &have.target, have.kind, have.runs.0);
        let newest = stream
            .entries
            .iter()
            .rfind(|entry| entry.path == *path)
            .unwrap();
        let marked = newest.state == MemberState::Superseded;
        // Only a file that is gone may stay as the zeros that filled it up.
        let acceptable = versions.contains(&Some(have)) || (marked && !new.contains_key(path));
        assert!(acceptable, "{case}: {:?}", String::from_utf8_lossy(path));
        assert_eq!(
            versions.contains(&Some(have)),
            !marked || versions[0] == Some(have),
            "{case}"
        );
    }
    for path in new.keys().filter(|path| old.contains_key(*path)) {
        assert!(
            found.contains_key(path),
            "{case}: {:?} missing",
            String::from_utf8_lossy(path)
        );
    }
}

#[test]
fn an_inode_number_used_again_is_not_taken_for_the_earlier_file() {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("a"), b"old content").unwrap();
    fs::hard_link(source.path().join("a"), source.path().join("b")).unwrap();
    let mut stream = Stream::stopping_at(1 << 20);
    // The first name is written; before the second comes, both become another file.
    let end_of_a = usize::try_from(
        whole_stream(source.path()).entries[..2]
            .iter()
            .map(|entry| entry.length)
            .sum::<u64>(),
    )
    .unwrap();
    stream.stop_at = Some(end_of_a);
    let (first, _) = session(
        source.path(),
        &ResumePoint::default(),
        &NothingEarlier,
        &mut stream,
    );
    assert!(first.is_err());
    fs::remove_file(source.path().join("a")).unwrap();
    fs::remove_file(source.path().join("b")).unwrap();
    fs::write(source.path().join("a"), b"new").unwrap();
    fs::hard_link(source.path().join("a"), source.path().join("b")).unwrap();
    let resume = stream.next_session(None);
    let index = stream.index();
    session(source.path(), &resume, &index, &mut stream)
        .0
        .unwrap();
    let target = tempfile::tempdir().unwrap();
    extract(&stream.bytes, target.path());
    assert_eq!(fs::read(target.path().join("a")).unwrap(), b"old content");
    assert_eq!(fs::read(target.path().join("b")).unwrap(), b"new");
}

/// Does something to the file when a given byte of it is about to be read.
struct Meddling<F> {
    at: u64,
    act: Mutex<Option<F>>,
}

impl<F: FnOnce(&File) -> io::Result<()> + Send> FileReader for Meddling<F> {
    fn read_at(&self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if offset >= self.at
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act(file)?;
        }
        PlainFiles.read_at(file, offset, buffer)
    }
}

fn write_while(
    source: &Path,
    at: u64,
    act: impl FnOnce(&File) -> io::Result<()> + Send,
) -> (Stream, Summary, Vec<Problem>) {
    let tree = SourceTree::open(source, MountBoundary::Stay).unwrap();
    let mut stream = Stream::default();
    let mut problems = Vec::new();
    let summary = TreeWriter {
        source: &tree,
        earlier: &NothingEarlier,
        files: &Meddling {
            at,
            act: Mutex::new(Some(act)),
        },
        patience: None,
        sink: &mut stream,
        problems: &mut |problem| problems.push(problem),
        progress: &mut |_| {},
    }
    .run(&ResumePoint::default())
    .unwrap();
    (stream, summary, problems)
}

/// Read in pieces.
const LARGE: usize = 1_000_000;
/// Read whole, ahead of the stream.
const SMALL: usize = 5_000;

#[test]
fn a_file_that_shrinks_while_read_is_padded_with_zeros_and_marked() {
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("file");
    fs::write(&file, pattern(1, LARGE)).unwrap();
    fs::write(source.path().join("next"), b"next").unwrap();
    let (stream, summary, problems) = write_while(source.path(), 500_000, |_| {
        OpenOptions::new().write(true).open(&file)?.set_len(600_000)
    });
    assert_eq!(
        (summary.changed, summary.superseded, summary.losses),
        (1, 0, 1)
    );
    let after = ProblemKind::Changed {
        before: LARGE as u64,
        after: 600_000,
    };
    assert_eq!(problems[0].what.to_string(), after.to_string());
    let mut expected = pattern(1, 600_000);
    expected.resize(LARGE, 0);
    assert_content(&stream, &expected, MemberState::Changed);
}

#[test]
fn a_file_that_grows_while_read_is_cut_and_marked() {
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("file");
    fs::write(&file, pattern(1, LARGE)).unwrap();
    fs::write(source.path().join("next"), b"next").unwrap();
    let (stream, summary, _) = write_while(source.path(), 500_000, |_| {
        OpenOptions::new()
            .append(true)
            .open(&file)?
            .write_all(b"more")
    });
    assert_eq!(summary.changed, 1);
    assert_content(&stream, &pattern(1, LARGE), MemberState::Changed);
}

#[test]
fn a_file_that_vanishes_before_it_is_read_is_named_and_the_rest_goes_on() {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("file"), pattern(1, SMALL)).unwrap();
    fs::write(source.path().join("gone"), b"gone").unwrap();
    fs::write(source.path().join("next"), b"next").unwrap();
    let (stream, summary, problems) = write_while(source.path(), 0, |_| {
        fs::remove_file(source.path().join("gone"))
    });
    assert_eq!((summary.changed, summary.superseded), (0, 0));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].path, b"gone");
    assert!(
        matches!(problems[0].what, ProblemKind::Vanished),
        "{problems:?}"
    );
    assert_content(&stream, &pattern(1, SMALL), MemberState::Intact);
    assert!(stream.entries.iter().all(|entry| entry.path != b"gone"));
}

#[test]
fn a_small_file_that_changes_while_read_is_marked() {
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("file");
    fs::write(source.path().join("next"), b"next").unwrap();
    let changed_by = |act: &(dyn Fn() -> io::Result<()> + Sync), expected: &[u8]| {
        fs::write(&file, pattern(1, SMALL)).unwrap();
        let (stream, summary, problems) = write_while(source.path(), 0, |_| act());
        assert_eq!((summary.changed, summary.losses), (1, 1));
        assert_eq!(problems[0].path, b"file");
        assert_content(&stream, expected, MemberState::Changed);
    };
    let mut cut = pattern(1, 600);
    cut.resize(SMALL, 0);
    let open = || OpenOptions::new().append(true).open(&file);
    changed_by(&|| open()?.set_len(600), &cut);
    changed_by(&|| open()?.write_all(b"more"), &pattern(1, SMALL));
}

#[test]
fn a_read_error_leaves_zeros_a_mark_and_the_rest_of_the_tree() {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("file"), pattern(1, LARGE)).unwrap();
    fs::write(source.path().join("next"), b"next").unwrap();
    let (stream, summary, problems) = write_while(source.path(), 500_000, |_| {
        Err(io::Error::from_raw_os_error(5))
    });
    assert_eq!((summary.superseded, summary.losses), (1, 1));
    let ProblemKind::ReadError { offset, .. } = problems[0].what else {
        panic!("{:?}", problems[0]);
    };
    let mut expected = pattern(1, usize::try_from(offset).unwrap());
    expected.resize(LARGE, 0);
    assert_content(&stream, &expected, MemberState::Superseded);
}

#[test]
fn what_was_cut_behind_a_read_error_is_written_whole_again() {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("file"), pattern(1, LARGE)).unwrap();
    fs::write(source.path().join("next"), b"next").unwrap();
    let tree = SourceTree::open(source.path(), MountBoundary::Stay).unwrap();
    let mut stream = Stream::default();
    stream.stop_at = Some(900_000);
    let stopped = TreeWriter {
        source: &tree,
        earlier: &NothingEarlier,
        files: &Meddling {
            at: 500_000,
            act: Mutex::new(Some(|_: &File| Err(io::Error::from_raw_os_error(5)))),
        },
        patience: None,
        sink: &mut stream,
        problems: &mut |_| {},
        progress: &mut |_| {},
    }
    .run(&ResumePoint::default());
    assert!(stopped.is_err());
    // Now it can be read, and nothing else tells that it could not.
    let resume = stream.next_session(None);
    let index = stream.index();
    session(source.path(), &resume, &index, &mut stream)
        .0
        .unwrap();
    let states: Vec<MemberState> = stream
        .entries
        .iter()
        .filter(|entry| entry.path == b"file")
        .map(|entry| entry.state)
        .collect();
    assert_eq!(states, [MemberState::Superseded, MemberState::Intact]);
    let target = tempfile::tempdir().unwrap();
    extract(&stream.bytes, target.path());
    assert!(fs::read(target.path().join("file")).unwrap() == pattern(1, LARGE));
}

fn assert_content(stream: &Stream, expected: &[u8], state: MemberState) {
    let entry = stream
        .entries
        .iter()
        .find(|entry| entry.path == b"file")
        .unwrap();
    assert_eq!(entry.state, state);
    assert_eq!(entry.digest, Some(*blake3::hash(expected).as_bytes()));
    let target = tempfile::tempdir().unwrap();
    assert!(extract(&stream.bytes, target.path()).is_empty());
    assert!(fs::read(target.path().join("file")).unwrap() == expected);
    assert_eq!(fs::read(target.path().join("next")).unwrap(), b"next");
    let by_tar = tempfile::tempdir().unwrap();
    gnu_tar_extracts(&stream.bytes, by_tar.path());
    assert_same(&read_tree(target.path()), &read_tree(by_tar.path()));
}
