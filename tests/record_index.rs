//! The file index: what is written is found, and damage is named.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cmp::Ordering;

use proptest::prelude::*;
use tapeward::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberState, SegmentNumber,
};
use tapeward::archive::order::{is_below, walk_order};
use tapeward::id::SetId;
use tapeward::index::{
    Damage, FrameTable, IndexError, IndexHeader, IndexReader, IndexWriter, PartBuilder, Scope,
    merge,
};

fn set() -> SetId {
    "018bcfe5-6800-7000-8000-000000000001".parse().unwrap()
}

fn part(number: u32) -> IndexHeader {
    IndexHeader {
        set: set(),
        scope: Scope::Part(SegmentNumber(number)),
        origin: None,
    }
}

fn entry(path: &str, segment: u32, offset: u64) -> IndexEntry {
    IndexEntry {
        path: path.as_bytes().to_vec(),
        kind: MemberKind::File,
        size: 700,
        modified: FileTime {
            seconds: 1_700_000_000,
            nanos: 5,
        },
        mode: 0o640,
        uid: 10,
        gid: 20,
        address: MemberAddress {
            segment: SegmentNumber(segment),
            offset,
        },
        length: 2048,
        digest: Some([7; 32]),
        link: None,
        state: MemberState::Intact,
    }
}

fn write(entries: &[IndexEntry], frames: &[FrameTable]) -> Vec<u8> {
    let mut writer = IndexWriter::new(Vec::new(), &part(0)).unwrap();
    for entry in entries {
        writer.push(entry).unwrap();
    }
    writer.finish(frames).unwrap().1
}

fn open(bytes: Vec<u8>) -> IndexReader {
    IndexReader::from_bytes("test", bytes).unwrap()
}

fn all(reader: &IndexReader) -> Vec<IndexEntry> {
    reader.entries().map(Result::unwrap).collect()
}

fn order(a: &IndexEntry, b: &IndexEntry) -> Ordering {
    walk_order(&a.path, &b.path).then(a.address.cmp(&b.address))
}

fn many(count: u32) -> Vec<IndexEntry> {
    (0..count)
        .map(|number| {
            let path = format!("d{:02}/f{:06}", number / 1000, number);
            entry(&path, number / 5000, u64::from(number) * 2048)
        })
        .collect()
}

#[test]
fn an_empty_index_is_one() {
    let reader = open(write(&[], &[]));
    assert_eq!(all(&reader), []);
    assert_eq!(reader.lookup(b"a").unwrap(), None);
    assert_eq!(reader.prefix(b"a").count(), 0);
    reader.verify().unwrap();
}

#[test]
fn files_and_bytes_read_alike_and_the_summary_is_of_the_file() {
    let entries = many(1500);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = IndexWriter::new(file, &part(3)).unwrap();
    for entry in &entries {
        writer.push(entry).unwrap();
    }
    let (summary, _) = writer.finish(&[]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(summary.length, bytes.len() as u64);
    assert_eq!(summary.digest, blake3::hash(&bytes));
    assert_eq!(summary.totals.files, 1500);
    assert_eq!(summary.totals.bytes, 1500 * 700);
    let reader = IndexReader::open(&path).unwrap();
    assert_eq!(reader.header(), &part(3));
    assert_eq!(reader.totals(), summary.totals);
    assert_eq!(all(&reader), entries);
    reader.verify().unwrap();
    assert_eq!(all(&open(bytes)), entries);
}

#[test]
fn the_last_row_of_a_path_wins_even_across_blocks() {
    let mut entries = vec![entry("a", 0, 0)];
    entries.extend((0..1200).map(|number| entry("b", 1, number * 512)));
    entries.push(entry("b/c", 2, 0));
    let reader = open(write(&entries, &[]));
    let found = reader.lookup(b"b").unwrap().unwrap();
    assert_eq!(found.address.offset, 1199 * 512);
    assert_eq!(reader.lookup(b"a").unwrap().unwrap().address.offset, 0);
    assert_eq!(reader.lookup(b"b/").unwrap(), None);
    assert_eq!(reader.prefix(b"b").count(), 1201);
    assert_eq!(reader.prefix(b"b/c").count(), 1);
}

#[test]
fn rows_out_of_order_are_refused_and_the_index_goes_on() {
    let mut writer = IndexWriter::new(Vec::new(), &part(0)).unwrap();
    writer.push(&entry("a!", 0, 0)).unwrap();
    for wrong in [entry("a/b", 0, 512), entry("a!", 0, 0), entry(".", 9, 9)] {
        let error = writer.push(&wrong).unwrap_err();
        assert!(matches!(error, IndexError::OutOfOrder { .. }), "{error}");
    }
    writer.push(&entry("a!", 0, 512)).unwrap();
    let (summary, bytes) = writer.finish(&[]).unwrap();
    assert_eq!(summary.totals.rows, 2);
    open(bytes).verify().unwrap();
}

#[test]
fn a_path_without_end_is_refused_and_a_very_long_one_is_not() {
    let mut writer = IndexWriter::new(Vec::new(), &part(0)).unwrap();
    let long = "x".repeat(3 << 20);
    writer.push(&entry(&long, 0, 0)).unwrap();
    let error = writer.push(&entry(&"y".repeat(9 << 20), 0, 512));
    assert!(matches!(error, Err(IndexError::PathTooLong { .. })));
    writer.push(&entry("z", 0, 1024)).unwrap();
    let reader = open(writer.finish(&[]).unwrap().1);
    assert!(reader.lookup(long.as_bytes()).unwrap().is_some());
    assert!(reader.lookup(b"z").unwrap().is_some());
    reader.verify().unwrap();
}

#[test]
fn frame_tables_come_back_and_locate() {
    let table = |segment, lengths: &[u64]| FrameTable {
        segment: SegmentNumber(segment),
        frame_plaintext: 1000,
        coded_lengths: lengths.to_vec(),
    };
    let first = [table(0, &[10, 300, 7])];
    let second = [table(1, &[u64::MAX])];
    let parts = [
        open(write(&[entry("a", 0, 0)], &first)),
        open(write(&[entry("b", 1, 0)], &second)),
    ];
    let (_, bytes) = merge(&parts, &part(0), Vec::new()).unwrap();
    let reader = open(bytes);
    assert_eq!(reader.frames(), [first, second].concat());
    let frames = reader.frames_of(SegmentNumber(0)).unwrap();
    assert_eq!(frames.locate(0), Some((0, 0)));
    assert_eq!(frames.locate(1999), Some((1, 10)));
    assert_eq!(frames.locate(2000), Some((2, 310)));
    assert_eq!(frames.locate(3000), None);
    assert_eq!(reader.frames_of(SegmentNumber(5)), None);
}

#[test]
fn merging_refuses_other_sets_and_rows_that_are_there_twice() {
    let bytes = write(&[entry("a", 0, 0)], &[]);
    let parts = [open(bytes.clone()), open(bytes.clone())];
    let twice = merge(&parts, &part(0), Vec::new()).unwrap_err();
    assert!(matches!(twice, IndexError::OutOfOrder { .. }), "{twice}");
    let other = IndexHeader {
        set: SetId::generate(chrono::DateTime::UNIX_EPOCH),
        scope: Scope::Set { segments: 1 },
        origin: None,
    };
    let error = merge(&[open(bytes)], &other, Vec::new()).unwrap_err();
    assert!(matches!(error, IndexError::WrongSet { .. }), "{error}");
}

#[test]
fn a_part_takes_rows_in_any_order_and_bounds_its_size() {
    let mut entries = many(3000);
    let mut builder = PartBuilder::new(set(), SegmentNumber(4)).unwrap();
    let mut shuffled = entries.clone();
    shuffled.rotate_left(1000);
    shuffled.swap(5, 2500);
    for entry in &shuffled {
        builder.push(entry).unwrap();
    }
    assert_eq!(builder.rows(), 3000);
    let frames = FrameTable {
        segment: SegmentNumber(4),
        frame_plaintext: 4 << 20,
        coded_lengths: vec![u64::MAX; 100],
    };
    let bound = builder.size_bound(100);
    let (summary, bytes) = builder.finish(Some(&frames)).unwrap();
    assert!(summary.length <= bound, "{} > {bound}", summary.length);
    let reader = open(bytes);
    entries.sort_by(order);
    assert_eq!(all(&reader), entries);
    assert_eq!(reader.frames(), [frames]);
    reader.verify().unwrap();
}

#[test]
fn every_changed_byte_is_found() {
    let bytes = write(&many(100), &[]);
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        let result =
            IndexReader::from_bytes("changed.index", changed).and_then(|reader| reader.verify());
        let Err(error) = result else {
            panic!("a change of byte {place} of {} is not found", bytes.len());
        };
        assert!(error.to_string().contains("changed.index"), "{error}");
    }
}

#[test]
fn every_truncation_is_found() {
    let bytes = write(&many(200), &[]);
    for length in 0..bytes.len() {
        let result = IndexReader::from_bytes("cut", bytes[..length].to_vec());
        assert!(result.is_err(), "cut to {length}");
    }
}

#[test]
fn a_damaged_block_costs_its_own_rows_only() {
    let entries = many(512 * 4);
    let mut bytes = write(&entries, &[]);
    let blocks: Vec<_> = (0..bytes.len() - 4)
        .filter(|place| &bytes[*place..place + 4] == b"BLOK")
        .collect();
    assert_eq!(blocks.len(), 4);
    bytes[blocks[1] + 40] ^= 0xff;
    let reader = open(bytes);
    let (good, bad): (Vec<_>, Vec<_>) = reader.entries().partition(Result::is_ok);
    assert_eq!(good.len(), 512 * 3);
    let [
        Err(IndexError::Block {
            block: 1,
            blocks: 4,
            damage: Damage::Digest,
            ..
        }),
    ] = &bad[..]
    else {
        panic!("{bad:?}");
    };
    assert!(reader.lookup(&entries[0].path).unwrap().is_some());
    assert!(reader.lookup(&entries[600].path).is_err());
    assert!(reader.lookup(&entries[2000].path).unwrap().is_some());
    assert!(reader.verify().is_err());
}

fn any_entry() -> impl Strategy<Value = IndexEntry> {
    let kind = prop::sample::select(vec![
        MemberKind::File,
        MemberKind::Directory,
        MemberKind::Symlink,
        MemberKind::HardLink,
    ]);
    let state = prop::sample::select(vec![
        MemberState::Intact,
        MemberState::Changed,
        MemberState::Superseded,
    ]);
    let address = || {
        (any::<u32>(), any::<u64>()).prop_map(|(segment, offset)| MemberAddress {
            segment: SegmentNumber(segment),
            offset,
        })
    };
    let name = prop::collection::vec(prop::sample::select(b"ab!\xff".to_vec()), 1..4);
    let path = prop::collection::vec(name, 1..5).prop_map(|names| names.join(&b'/'));
    let numbers = (any::<u64>(), any::<i64>(), any::<u32>(), any::<u64>());
    let owner = (any::<u32>(), any::<u32>(), any::<u32>());
    let rest = (address(), prop::option::of(any::<[u8; 32]>()));
    (
        path,
        kind,
        state,
        numbers,
        owner,
        rest,
        prop::option::of(address()),
    )
        .prop_map(
            |(path, kind, state, numbers, owner, (address, digest), link)| IndexEntry {
                path,
                kind,
                size: numbers.0,
                modified: FileTime {
                    seconds: numbers.1,
                    nanos: numbers.2,
                },
                mode: owner.0,
                uid: owner.1,
                gid: owner.2,
                address,
                length: numbers.3,
                digest,
                link,
                state,
            },
        )
}

fn any_sorted() -> impl Strategy<Value = Vec<IndexEntry>> {
    prop::collection::vec(any_entry(), 0..80).prop_map(|mut entries| {
        entries.sort_by(order);
        entries.dedup_by(|a, b| order(a, b) == Ordering::Equal);
        entries
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_found(entries in any_sorted()) {
        let reader = open(write(&entries, &[]));
        prop_assert_eq!(&all(&reader), &entries);
        for wanted in &entries {
            let last = entries.iter().rfind(|entry| entry.path == wanted.path);
            let found = reader.lookup(&wanted.path).unwrap();
            prop_assert_eq!(found.as_ref(), last);
            let below: Vec<_> = reader.prefix(&wanted.path).map(Result::unwrap).collect();
            let expected: Vec<_> = entries
                .iter()
                .filter(|entry| is_below(&entry.path, &wanted.path))
                .cloned()
                .collect();
            prop_assert_eq!(below, expected);
        }
        reader.verify().unwrap();
    }

    #[test]
    fn parts_merge_to_what_one_index_would_be(
        entries in any_sorted(),
        places in prop::collection::vec(0_usize..4, 80),
    ) {
        let mut parts = vec![Vec::new(); 4];
        for (entry, place) in entries.iter().zip(&places) {
            parts[*place].push(entry.clone());
        }
        let parts: Vec<_> = parts.iter().map(|part| open(write(part, &[]))).collect();
        let (summary, merged) = merge(&parts, &part(0), Vec::new()).unwrap();
        prop_assert_eq!(summary.digest, blake3::hash(&write(&entries, &[])));
        prop_assert_eq!(all(&open(merged)), entries);
    }

    #[test]
    fn a_part_is_never_longer_than_its_bound(sorted in any_sorted()) {
        let mut builder = PartBuilder::new(set(), SegmentNumber(0)).unwrap();
        for entry in &sorted {
            builder.push(entry).unwrap();
        }
        let bound = builder.size_bound(0);
        prop_assert!(builder.finish(None).unwrap().0.length <= bound);
    }

    #[test]
    fn damage_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = write(&many(30), &[]);
        for (place, byte) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *byte;
        }
        if let Ok(reader) = IndexReader::from_bytes("damaged", bytes) {
            let _ = reader.verify();
            let _ = reader.lookup(b"d00/f000003");
            let _ = reader.prefix(b"d00").count();
        }
    }
}
