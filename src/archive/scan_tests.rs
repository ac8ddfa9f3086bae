//! Order, exclusions and surprises of the walk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::SFlag;
use rstest::rstest;

use super::order::walk_order;
use super::problem::{ProblemKind, Severity};
use super::scan::{MountBoundary, SourceTree, Step, Totals, file_type};

fn paths(tree: &SourceTree) -> Vec<String> {
    let mut walk = tree.walk().unwrap();
    let mut paths = Vec::new();
    while let Some(step) = walk.step() {
        match step {
            Step::Entry(_) => paths.push(String::from_utf8_lossy(walk.path()).into_owned()),
            Step::File => panic!("asked for here"),
            Step::Problem(problem) => panic!("{problem}"),
        }
    }
    paths
}

fn open(root: &Path) -> SourceTree {
    SourceTree::open(root, MountBoundary::Stay).unwrap()
}

#[test]
fn a_directory_comes_before_its_contents_and_names_by_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["a/b", "a/.hidden", "a.b/c", "a-b/c", "B/x/y"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    symlink("a", folder.path().join("to-a")).unwrap();
    let found = paths(&open(folder.path()));
    let expected = [
        ".",
        "B",
        "B/x",
        "B/x/y",
        "a",
        "a/.hidden",
        "a/b",
        "a-b",
        "a-b/c",
        "a.b",
        "a.b/c",
        "to-a",
    ];
    assert_eq!(found, expected);
    assert!(found.is_sorted_by(|a, b| walk_order(a.as_bytes(), b.as_bytes()).is_lt()));
}

#[rstest]
#[case("a", "a/b")]
#[case("a/b", "a-b")]
#[case("a/z", "a.b")]
#[case(".", "a")]
#[case("a/b/c", "a/c")]
#[case("a", "aa")]
fn the_order_is_by_components(#[case] first: &str, #[case] second: &str) {
    assert!(walk_order(first.as_bytes(), second.as_bytes()).is_lt());
    assert!(walk_order(second.as_bytes(), first.as_bytes()).is_gt());
    assert!(walk_order(first.as_bytes(), first.as_bytes()).is_eq());
}

#[test]
fn what_is_excluded_is_not_met() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["keep/file", "state/db", "keep/cache/x", "cache/x"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"12").unwrap();
    }
    symlink("state", folder.path().join("by-link")).unwrap();
    let tree = open(folder.path())
        .without_path(b"keep/cache/")
        .without_directory(&folder.path().join("by-link"))
        .unwrap()
        .without_directory(&folder.path().join("absent"))
        .unwrap();
    let expected = [".", "by-link", "cache", "cache/x", "keep", "keep/file"];
    assert_eq!(paths(&tree), expected);
    let totals = Totals {
        entries: 6,
        bytes: 4,
    };
    assert_eq!(tree.measure().unwrap(), totals);
    let half = totals.entries / 2;
    let stopped = tree.measure_while(&mut |so_far| so_far.entries < half);
    assert_eq!(stopped.unwrap(), None);
}

#[test]
fn a_socket_is_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let tree = open(folder.path());
    let mut walk = tree.walk().unwrap();
    assert!(matches!(walk.step(), Some(Step::Entry(_))));
    let Some(Step::Problem(problem)) = walk.step() else {
        panic!("no problem reported");
    };
    assert_eq!(problem.path, b"socket");
    assert_eq!(problem.what.severity(), Severity::Note);
    assert!(walk.step().is_none());
}

#[test]
fn what_changes_under_the_walk_is_reported_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in ["a/1", "b/1", "b/2", "b/3/deep", "c/1", "d/1"] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    let tree = open(root);
    let mut walk = tree.walk().unwrap();
    let mut met = Vec::new();
    let mut problems = Vec::new();
    while let Some(step) = walk.step() {
        match step {
            Step::Entry(status) => {
                let path = String::from_utf8_lossy(walk.path()).into_owned();
                match path.as_str() {
                    // Gone before its contents are listed.
                    "a" => fs::remove_dir_all(root.join("a")).unwrap(),
                    // Gone after its directory was listed.
                    "b/1" => fs::remove_file(root.join("b/2")).unwrap(),
                    // Replaced by another of the same name while what is in it is read.
                    "b/3" => {
                        fs::rename(root.join("b"), root.join("moved")).unwrap();
                        fs::create_dir_all(root.join("b/3")).unwrap();
                    }
                    // A symbolic link in the place of a directory is not followed.
                    "c" => {
                        fs::rename(root.join("c"), root.join("c-moved")).unwrap();
                        symlink("/", root.join("c")).unwrap();
                    }
                    _ => {}
                }
                if file_type(&status) == SFlag::S_IFREG {
                    met.push(path);
                }
            }
            Step::File => panic!("asked for here"),
            Step::Problem(problem) => problems.push(problem),
        }
    }
    // The open directory still leads to what was in `b`.
    assert_eq!(met, ["b/1", "b/3/deep", "d/1"]);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        matches!(problems[0].what, ProblemKind::Vanished),
        "{told:?}"
    );
    assert_eq!(problems[0].path, b"a");
    assert!(
        matches!(problems[1].what, ProblemKind::Vanished),
        "{told:?}"
    );
    assert_eq!(problems[1].path, b"b/2");
    assert!(
        matches!(problems[2].what, ProblemKind::DirectoryMoved),
        "{told:?}"
    );
    assert_eq!(problems[2].path, b"c");
    assert_eq!(problems.len(), 3, "{told:?}");
}

#[test]
fn a_root_that_is_no_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    for path in [file.as_path(), &folder.path().join("absent")] {
        let error = SourceTree::open(path, MountBoundary::Stay).unwrap_err();
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
    }
}
