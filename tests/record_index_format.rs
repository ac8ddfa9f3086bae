//! The file index as a format: what an old file means stays, what a new one adds is handled.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use tapeward::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberState, SegmentNumber,
};
use tapeward::archive::order::walk_order;
use tapeward::index::{FrameTable, IndexError, IndexHeader, IndexReader, IndexWriter, Scope};

fn header() -> IndexHeader {
    IndexHeader {
        set: "018bcfe5-6800-7000-8000-000000000001".parse().unwrap(),
        scope: Scope::Part(SegmentNumber(2)),
        origin: None,
    }
}

fn frames() -> FrameTable {
    FrameTable {
        segment: SegmentNumber(2),
        frame_plaintext: 4 << 20,
        coded_lengths: vec![1, 128, 1 << 40],
    }
}

/// Rows with every kind, state and limit, as the file under `tests/data` holds them.
fn rows() -> Vec<IndexEntry> {
    const KINDS: [MemberKind; 7] = [
        MemberKind::File,
        MemberKind::Directory,
        MemberKind::Symlink,
        MemberKind::HardLink,
        MemberKind::CharacterDevice,
        MemberKind::BlockDevice,
        MemberKind::Fifo,
    ];
    const STATES: [MemberState; 3] = [
        MemberState::Intact,
        MemberState::Changed,
        MemberState::Superseded,
    ];
    let row = |number: u8| {
        let place = usize::from(number);
        let big = u64::from(number) << (number % 50);
        let name = [b'a' + number % 26, number | 0x80];
        IndexEntry {
            path: [b"data/\xff-".as_slice(), &name].concat(),
            kind: KINDS[place % KINDS.len()],
            size: big,
            modified: FileTime {
                seconds: if number.is_multiple_of(2) {
                    i64::MIN
                } else {
                    i64::MAX
                },
                nanos: 999_999_999 - u32::from(number),
            },
            mode: 0o7777 - u32::from(number),
            uid: u32::MAX - u32::from(number),
            gid: u32::from(number),
            address: MemberAddress {
                segment: SegmentNumber(u32::from(number / 20)),
                offset: big,
            },
            length: big + 512,
            digest: (!number.is_multiple_of(3)).then_some([number; 32]),
            link: (place % 7 == 3).then_some(MemberAddress {
                segment: SegmentNumber(u32::MAX),
                offset: u64::MAX,
            }),
            state: STATES[place % STATES.len()],
        }
    };
    let mut rows: Vec<_> = (0..60).map(row).collect();
    rows.sort_by(|a, b| walk_order(&a.path, &b.path).then(a.address.cmp(&b.address)));
    rows
}

fn written() -> Vec<u8> {
    let mut writer = IndexWriter::new(Vec::new(), &header()).unwrap();
    for row in &rows() {
        writer.push(row).unwrap();
    }
    writer.finish(&[frames()]).unwrap().1
}

fn check(bytes: Vec<u8>) {
    let reader = IndexReader::from_bytes("format 1", bytes).unwrap();
    assert_eq!(reader.header(), &header());
    assert_eq!(
        reader.entries().map(Result::unwrap).collect::<Vec<_>>(),
        rows()
    );
    assert_eq!(reader.frames(), [frames()]);
    reader.verify().unwrap();
}

/// The file was written by the first version of the program; it is never written anew.
#[test]
fn a_file_of_format_1_reads_for_ever() {
    check(include_bytes!("data/index-format-1").to_vec());
}

#[test]
fn what_is_written_today_is_format_1_but_for_compression() {
    let bytes = written();
    let old = include_bytes!("data/index-format-1");
    assert_eq!(bytes[..100], old[..100]);
    check(bytes);
}

/// Adds a section, as the description of the format says.
fn with_section(tag: [u8; 4]) -> Vec<u8> {
    let bytes = written();
    let trailer = bytes.len() - 88;
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let start = usize::try_from(number(trailer)).unwrap();
    let length = usize::try_from(number(trailer + 8)).unwrap();
    let mut contents = bytes[start..start + length].to_vec();
    let mut out = bytes[..start - 12].to_vec();
    let payload = b"later";
    out.extend_from_slice(&tag);
    out.extend_from_slice(&5_u64.to_le_bytes());
    contents.extend_from_slice(&tag);
    contents.extend_from_slice(&(out.len() as u64).to_le_bytes());
    contents.extend_from_slice(&5_u64.to_le_bytes());
    contents.extend_from_slice(blake3::hash(payload).as_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"TOCS");
    out.extend_from_slice(&(contents.len() as u64).to_le_bytes());
    let offset = out.len() as u64;
    out.extend_from_slice(&contents);
    let digest = *blake3::hash(&out).as_bytes();
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(&(contents.len() as u64).to_le_bytes());
    out.extend_from_slice(blake3::hash(&contents).as_bytes());
    out.extend_from_slice(&digest);
    out.extend_from_slice(b"XIWT\r\n\x1a\x89");
    out
}

#[test]
fn a_later_section_is_skipped_or_refused_by_its_tag() {
    check(with_section(*b"xtra"));
    let error = IndexReader::from_bytes("later", with_section(*b"XTRA")).unwrap_err();
    let IndexError::UnknownSection { tag, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(tag, "XTRA");
}

#[test]
fn a_later_version_and_another_format_are_refused_by_name() {
    let mut bytes = written();
    bytes[8] = 2;
    let error = IndexReader::from_bytes("later", bytes).unwrap_err();
    assert!(
        matches!(error, IndexError::Version { found: 2, .. }),
        "{error}"
    );
    let error = IndexReader::from_bytes("a tar", vec![0; 1000]).unwrap_err();
    assert!(matches!(error, IndexError::NotAnIndex { .. }), "{error}");
}
