//! Members of the tests' streams: made of their number alone.
#![allow(dead_code, unreachable_pub)] // each test program uses its own part
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

use tapeward::archive::header::{DeviceNumber, MemberHeader};
use tapeward::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberSink, MemberStart, MemberState,
    ResumePoint, SegmentNumber, SinkError, SourceIdentity,
};

/// Bytes of its file: whole tar blocks, as many as have room behind a header.
fn file_length(length: u64) -> u64 {
    (length - 512) / 512 * 512
}

/// Bytes of a file: repeatable, different for each, and of a kind that compresses to about half.
fn file_bytes(number: u64, length: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes()[..4]);
        bytes.extend_from_slice(b"....");
    }
    bytes.truncate(usize::try_from(length).unwrap());
    bytes
}

/// The header of a member.
fn header(number: u64, length: u64) -> Vec<u8> {
    let header = MemberHeader {
        path: member_path(number),
        kind: MemberKind::File,
        mode: 0o644,
        uid: 1000,
        gid: 100,
        owner: Vec::new(),
        group: Vec::new(),
        modified: FileTime {
            seconds: 1_700_000_000,
            nanos: 0,
        },
        size: file_length(length),
        device: DeviceNumber { major: 0, minor: 0 },
        link: Vec::new(),
        sparse: None,
        attributes: Vec::new(),
        access_acl: None,
        default_acl: None,
    };
    let bytes = header.to_bytes();
    assert_eq!(bytes.len(), 512);
    bytes
}

/// Bytes a member has in the tests' streams: a header, a file, and zeros up to its length.
pub fn member_bytes(number: u64, length: u64) -> Vec<u8> {
    let mut bytes = header(number, length);
    bytes.extend(file_bytes(number, file_length(length)));
    bytes.resize(usize::try_from(length).unwrap(), 0);
    bytes
}

pub fn member_path(number: u64) -> Vec<u8> {
    format!("{number:08}").into_bytes()
}

fn entry(number: u64, length: u64, address: MemberAddress) -> IndexEntry {
    IndexEntry {
        path: member_path(number),
        kind: MemberKind::File,
        size: file_length(length),
        modified: FileTime {
            seconds: 1_700_000_000,
            nanos: 0,
        },
        mode: 0o644,
        uid: 1000,
        gid: 100,
        address,
        length,
        digest: Some(*blake3::hash(&file_bytes(number, file_length(length))).as_bytes()),
        link: None,
        state: MemberState::Intact,
    }
}

pub fn member_start(number: u64, length: u64) -> MemberStart {
    let nowhere = MemberAddress {
        segment: SegmentNumber(0),
        offset: 0,
    };
    MemberStart {
        path: member_path(number),
        kind: MemberKind::File,
        length,
        header_length: 512,
        headers: header(number, length).into(),
        source: SourceIdentity {
            device: 1,
            inode: number,
            size: length,
            modified: FileTime {
                seconds: 0,
                nanos: 0,
            },
            changed: FileTime {
                seconds: 0,
                nanos: 0,
            },
        },
        entry: entry(number, length, nowhere),
    }
}

/// Writes members with these numbers; each is `length` bytes.
pub fn write_members(
    sink: &mut dyn MemberSink,
    numbers: std::ops::Range<u64>,
    length: u64,
) -> Result<Vec<(u64, MemberAddress)>, SinkError> {
    let mut addresses = Vec::new();
    for number in numbers {
        let address = sink.begin(&member_start(number, length))?;
        for piece in member_bytes(number, length).chunks(48_000) {
            sink.write(piece)?;
        }
        sink.end(entry(number, length, address))?;
        addresses.push((number, address));
    }
    Ok(addresses)
}

/// Writes one member, whose bytes are not quite what its row says.
pub fn write_one(
    sink: &mut dyn MemberSink,
    number: u64,
    length: u64,
    change: impl FnOnce(&mut Vec<u8>),
) {
    let address = sink.begin(&member_start(number, length)).unwrap();
    let mut bytes = member_bytes(number, length);
    change(&mut bytes);
    sink.write(&bytes).unwrap();
    sink.end(entry(number, length, address)).unwrap();
}

/// The rest of a stream that was cut: what comes after a resume point.
pub fn resume_members(
    sink: &mut dyn MemberSink,
    resume: &ResumePoint,
    end: u64,
    length: u64,
) -> Result<(), SinkError> {
    let number = |path: &[u8]| -> u64 { std::str::from_utf8(path).unwrap().parse().unwrap() };
    let mut next = resume
        .last_path
        .as_deref()
        .map_or(0, |path| number(path) + 1);
    if let Some(partial) = &resume.partial {
        let of = number(&partial.start.path);
        let written = usize::try_from(partial.written).unwrap();
        sink.write(&member_bytes(of, length)[written..])?;
        sink.end(entry(of, length, partial.address))?;
        next = of + 1;
    }
    write_members(sink, next..end, length).map(drop)
}

/// The stream those members make.
pub fn stream_bytes(numbers: std::ops::Range<u64>, length: u64) -> Vec<u8> {
    numbers
        .flat_map(|number| member_bytes(number, length))
        .collect()
}
