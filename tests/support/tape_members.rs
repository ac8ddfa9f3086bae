//! Members of the tests' streams: made of their number alone.
#![allow(dead_code, unreachable_pub)] // each test program uses its own part
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

use tapeward::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberSink, MemberStart, MemberState,
    ResumePoint, SegmentNumber, SinkError, SourceIdentity,
};

/// Bytes a member has in the tests' streams: repeatable, different for each member, and of a
/// kind that compresses to about half.
pub fn member_bytes(number: u64, length: u64) -> Vec<u8> {
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
    // As in a tar header.
    bytes[257..262].copy_from_slice(b"ustar");
    bytes
}

pub fn member_path(number: u64) -> Vec<u8> {
    format!("{number:08}").into_bytes()
}

fn entry(number: u64, length: u64, address: MemberAddress) -> IndexEntry {
    IndexEntry {
        path: member_path(number),
        kind: MemberKind::File,
        size: length,
        modified: FileTime {
            seconds: 1_700_000_000,
            nanos: 5,
        },
        mode: 0o644,
        uid: 1000,
        gid: 100,
        address,
        length,
        digest: Some([u8::try_from(number % 251).unwrap(); 32]),
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
        headers: vec![0; 512].into(),
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
