//! Choosing from an index of any length in little memory.

use super::select::{Found, Range, Selection, Targets};
use crate::archive::header::{DeviceNumber, MemberHeader};
use crate::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberState, ResumePoint, SegmentNumber,
};
use crate::archive::order::walk_order;
use crate::archive::problem::show;
use crate::catalogue::Segment;
use crate::id::SetId;
use crate::index::{IndexHeader, IndexReader, IndexWriter, Scope};
use crate::tape::{Codec, TapeDigest};

/// Bytes of every member.
const MEMBER: u64 = 1024;
/// Members of a segment.
const PER_SEGMENT: u64 = 1000;

/// The paths of a set in the order of the stream; of each, the place of the member it is a later
/// name of.
struct Tree {
    members: Vec<(String, Option<u64>)>,
}

fn address(place: u64) -> MemberAddress {
    MemberAddress {
        segment: SegmentNumber(u32::try_from(place / PER_SEGMENT).unwrap()),
        offset: place % PER_SEGMENT * MEMBER,
    }
}

impl Tree {
    /// `day` folders of `count` files; those of the second day are hard links to those of the
    /// first, and the third day's too.
    fn of_days(count: u64) -> Self {
        let mut members = Vec::new();
        for day in 0..3 {
            members.push((format!("day{day}"), None));
            for file in 0..count {
                members.push((format!("day{day}/{file:08}"), (day > 0).then_some(file + 1)));
            }
        }
        Self { members }
    }

    fn entry(&self, place: usize) -> IndexEntry {
        let (path, link) = &self.members[place];
        IndexEntry {
            path: path.clone().into_bytes(),
            kind: match (link, path.contains('/')) {
                (Some(_), _) => MemberKind::HardLink,
                (None, true) => MemberKind::File,
                (None, false) => MemberKind::Directory,
            },
            size: 0,
            modified: FileTime {
                seconds: 0,
                nanos: 0,
            },
            mode: 0o644,
            uid: 0,
            gid: 0,
            address: address(place as u64),
            length: MEMBER,
            digest: None,
            link: link.map(address),
            state: MemberState::Intact,
        }
    }

    fn index(&self) -> (IndexReader, Vec<Segment>) {
        let rows: Vec<_> = (0..self.members.len())
            .map(|place| self.entry(place))
            .collect();
        index_of(&rows)
    }
}

fn index_of(rows: &[IndexEntry]) -> (IndexReader, Vec<Segment>) {
    let count = (rows.len() as u64).div_ceil(PER_SEGMENT);
    let set: SetId = "018bcfe5-6800-7000-8000-000000000001".parse().unwrap();
    let header = IndexHeader {
        set,
        scope: Scope::Set {
            segments: u32::try_from(count).unwrap(),
        },
        origin: None,
    };
    let mut writer = IndexWriter::new(Vec::new(), &header).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    let (_, bytes) = writer.finish(&[]).unwrap();
    let segments = (0..count).map(|number| segment(set, number)).collect();
    (IndexReader::from_bytes("test", bytes).unwrap(), segments)
}

fn segment(set: SetId, number: u64) -> Segment {
    let length = PER_SEGMENT * MEMBER;
    Segment {
        set,
        number: SegmentNumber(u32::try_from(number).unwrap()),
        stream_offset: number * length,
        plaintext_length: length,
        coded_length: length,
        codec: Codec::None,
        digest: TapeDigest::from_bytes([0; 16]),
        entries: PER_SEGMENT,
        resume_point: ResumePoint::default(),
        part: None,
        closed_at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn select(index: &IndexReader, segments: &[Segment], paths: &[&str], limit: usize) -> Selection {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    Selection::with_limit(index, segments, &paths, folder.path(), limit).unwrap()
}

/// What a restore would do: path of the member, where it goes, what it is linked to.
fn plan(tree: &Tree, index: &IndexReader, selection: &Selection) -> Vec<[String; 3]> {
    let mut targets = Targets::new(selection, index);
    let mut plan = Vec::new();
    for range in selection.ranges() {
        let range = range.unwrap();
        assert!(range.start < range.end && range.start.is_multiple_of(MEMBER));
        for at in (range.start..range.end).step_by(1024) {
            let mut header = header(&tree.entry(usize::try_from(at / MEMBER).unwrap()));
            let Found::Wanted(target) = targets.find(&mut header, at).unwrap() else {
                continue;
            };
            plan.push(
                [header.path, target.path, header.link].map(|it| String::from_utf8(it).unwrap()),
            );
        }
    }
    plan
}

fn header(entry: &IndexEntry) -> MemberHeader {
    MemberHeader {
        path: entry.path.clone(),
        kind: entry.kind,
        mode: entry.mode,
        uid: 0,
        gid: 0,
        owner: Vec::new(),
        group: Vec::new(),
        modified: entry.modified,
        size: 0,
        device: DeviceNumber { major: 0, minor: 0 },
        link: entry.link.map_or_else(Vec::new, |_| b"day0/first".to_vec()),
        sparse: None,
        attributes: Vec::new(),
        access_acl: None,
        default_acl: None,
    }
}

#[test]
fn links_to_data_that_was_not_asked_for_bring_it_along() {
    let tree = Tree::of_days(2);
    let (index, segments) = tree.index();
    let rows = |paths: &[&str]| -> Vec<String> {
        let selection = select(&index, &segments, paths, 1 << 20);
        let plan = plan(&tree, &index, &selection);
        plan.into_iter()
            .map(|row| row.join(" ").trim_end().to_owned())
            .collect()
    };
    assert_eq!(
        rows(&["day1", "day2/00000001", "day2"]),
        [
            "day0/00000000 day1/00000000",
            "day0/00000001 day1/00000001",
            "day1 day1",
            "day2 day2",
            "day2/00000000 day2/00000000 day1/00000000",
            "day2/00000001 day2/00000001 day1/00000001",
        ]
    );
    // With the first names everything goes where it was.
    assert_eq!(
        rows(&["day2/00000001", "day0/00000001"]),
        [
            "day0/00000001 day0/00000001",
            "day2/00000001 day2/00000001 day0/first",
        ]
    );
}

#[test]
fn patterns_choose_whatever_matches_and_all_below() {
    let tree = Tree::of_days(12);
    let (index, segments) = tree.index();
    let rows = |asked: &[&str]| {
        let selection = select(&index, &segments, asked, 1 << 20);
        let unmatched: Vec<String> = selection
            .unmatched()
            .iter()
            .map(|text| show(text))
            .collect();
        let paths: Vec<String> = plan(&tree, &index, &selection)
            .into_iter()
            .map(|[_, target, _]| target)
            .collect();
        (paths, unmatched)
    };
    let none = Vec::<String>::new;
    assert_eq!(
        rows(&["*00000011", "day0/00000001"]).0,
        [
            "day0/00000001",
            "day0/00000011",
            "day1/00000011",
            "day2/00000011"
        ]
    );
    let (all_of_a_day, unmatched) = rows(&["d?y0"]);
    assert_eq!((all_of_a_day.len(), unmatched), (13, none()));
    let (paths, unmatched) = rows(&["*11", "x*", "nobody"]);
    assert_eq!(
        (paths.len(), unmatched),
        (3, vec!["x*".to_owned(), "nobody".to_owned()])
    );
    assert_eq!(rows(&["x*"]).0, none());
}

#[test]
fn a_member_that_the_index_does_not_have_is_told_apart() {
    let tree = Tree::of_days(1);
    let (index, segments) = tree.index();
    let selection = select(&index, &segments, &[], 1 << 20);
    let mut targets = Targets::new(&selection, &index);
    let mut odd = header(&tree.entry(1));
    odd.path = b"day0/0000000?".to_vec();
    assert!(matches!(
        targets.find(&mut odd, MEMBER).unwrap(),
        Found::Unknown
    ));
}

#[test]
fn the_members_after_some_offsets_are_found_in_one_pass() {
    let tree = Tree::of_days(1500);
    let (index, segments) = tree.index();
    let selection = select(&index, &segments, &[], 1 << 20);
    let last = (tree.members.len() as u64 - 1) * MEMBER;
    let offsets = [0, 1, MEMBER, MEMBER + 1, 2_000_000, last, last + 1];
    let found = selection.members_after(&index, &offsets).unwrap();
    let wanted = offsets.map(|offset| {
        let next = offset.next_multiple_of(MEMBER);
        (next <= last).then_some(next)
    });
    assert_eq!(found, wanted);
}

#[test]
fn a_member_that_was_written_again_goes_back_once_and_in_its_last_form() {
    let mut tree = Tree {
        members: ["a", "a/c", "a/b", "a/c", "d"]
            .map(|path| (path.to_owned(), None))
            .to_vec(),
    };
    let stream: Vec<_> = (0..5).map(|place| tree.entry(place)).collect();
    let mut rows = stream.clone();
    rows.sort_by(|a, b| walk_order(&a.path, &b.path).then(a.address.cmp(&b.address)));
    let (index, segments) = index_of(&rows);
    let selection = select(&index, &segments, &["a"], 1 << 20);
    tree.members.truncate(4);
    let plan = plan(&tree, &index, &selection);
    let paths: Vec<_> = plan.iter().map(|[_, target, _]| target.as_str()).collect();
    assert_eq!(paths, ["a", "a/b", "a/c"]);
    let ranges: Vec<_> = selection.ranges().map(Result::unwrap).collect();
    let whole = Range {
        start: 0,
        end: 4 * MEMBER,
    };
    assert_eq!(ranges, [whole]);
}

/// What is held in memory does not grow with what is asked for.
#[test]
fn ten_times_the_members_take_no_more_memory() {
    let held = |count: u64, paths: &[&str]| {
        let tree = Tree::of_days(count);
        let (index, segments) = tree.index();
        let selection = select(&index, &segments, paths, 64 << 10);
        let members = selection
            .ranges()
            .map(|range| range.unwrap())
            .map(|range| (range.end - range.start) / MEMBER)
            .sum::<u64>();
        (selection.held() as u64, members)
    };
    for paths in [&[][..], &["day0"], &["day0", "day1"], &["."]] {
        let (few, small) = held(1000, paths);
        let (many, large) = held(10_000, paths);
        assert_eq!(few, many, "{paths:?}");
        assert!(few <= 4 && large > 7 * small, "{few} for {large}");
    }
    // Every member's data is elsewhere: a mark for each stretch of the list on disk.
    let (marks, members) = held(30_000, &["day1"]);
    assert_eq!(members, 60_001);
    assert!(marks < 60, "{marks}");
}

#[test]
fn segments_without_anything_asked_for_are_not_needed() {
    let tree = Tree::of_days(1000);
    let (index, segments) = tree.index();
    assert_eq!(segments.len(), 4);
    for (paths, wanted) in [
        (&[][..], &[0, 1, 2, 3][..]),
        (&["day2"], &[0, 1, 2, 3]),
        (&["day0/00000003"], &[0]),
        (&["day2/00000998"], &[0, 3]),
    ] {
        let selection = select(&index, &segments, paths, 1 << 20);
        let touches = |segment: &&Segment| {
            let end = segment.stream_offset + segment.plaintext_length;
            let mut ranges = selection.ranges().map(Result::unwrap);
            ranges.any(|range| range.start < end && segment.stream_offset < range.end)
        };
        let numbers: Vec<u32> = segments
            .iter()
            .filter(touches)
            .map(|segment| segment.number.0)
            .collect();
        assert_eq!(numbers, wanted, "{paths:?}");
    }
}
