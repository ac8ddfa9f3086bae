//! Whatever is in the bytes, the reader answers; what the writer says, the reader hears.

use proptest::collection::vec;
use proptest::prelude::*;

use super::header::{DeviceNumber, ExtendedAttribute, MemberHeader};
use super::member::{FileTime, MemberKind};
use super::problem::{ArchiveError, Malformation};
use super::reader::ArchiveReader;
use super::sparse::{Extent, SparseMap};

fn component() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b'a'..=b'z', 1 => Just(0xe9_u8), 1 => 1_u8..=255];
    let name = prop_oneof![
        8 => vec(byte, 1..20),
        1 => vec(Just(b'n'), 90..256),
        1 => vec(Just(0xff_u8), 90..256),
        1 => "[\u{e4}\u{4e00}]{1,80}".prop_map(String::into_bytes),
    ];
    name.prop_map(|mut name| {
        name.retain(|byte| *byte != b'/');
        if matches!(name.as_slice(), b"" | b"." | b"..") {
            name = b"plain".to_vec();
        }
        name
    })
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    vec(component(), 1..8).prop_map(|components| components.join(&b'/'))
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        vec(b'a'..=b'z', 1..31),
        vec(b'a'..=b'z', 32..60),
        "[\u{e4}-\u{fc}]{1,30}".prop_map(String::into_bytes),
    ]
}

fn time() -> impl Strategy<Value = FileTime> {
    let seconds = prop_oneof![
        0..0o77_777_777_777_i64,
        -100_000..100_000_i64,
        any::<i64>().prop_filter("the lowest has no opposite", |seconds| *seconds != i64::MIN),
    ];
    let nanos = prop_oneof![Just(0), 0..1_000_000_000_u32];
    (seconds, nanos).prop_map(|(seconds, nanos)| FileTime { seconds, nanos })
}

fn sparse() -> impl Strategy<Value = Option<(u64, SparseMap)>> {
    let runs = vec((1..100_000_u64, 1..3000_u64), 0..20);
    let map = (runs, 1..10_000_000_u64).prop_map(|(runs, hole)| {
        let mut at = 0;
        let extents: Vec<Extent> = runs
            .into_iter()
            .map(|(gap, length)| {
                let offset = at + gap;
                at = offset + length;
                Extent { offset, length }
            })
            .collect();
        let size = at + hole;
        SparseMap::new(extents, size).map(|map| (size, map))
    });
    prop_oneof![Just(None), map]
}

fn attributes() -> impl Strategy<Value = Vec<ExtendedAttribute>> {
    let attribute = ("user\\.[a-z%=253D]{1,12}", vec(any::<u8>(), 0..200));
    vec(attribute, 0..4).prop_map(|mut all| {
        all.sort();
        all.dedup_by(|a, b| a.0 == b.0);
        all.into_iter()
            .map(|(name, value)| ExtendedAttribute {
                name: name.into_bytes(),
                value,
            })
            .collect()
    })
}

prop_compose! {
    fn header()(
        path in path(),
        kind in prop_oneof![
            4 => Just(MemberKind::File),
            1 => Just(MemberKind::Directory),
            1 => Just(MemberKind::Symlink),
            1 => Just(MemberKind::HardLink),
            1 => Just(MemberKind::CharacterDevice),
            1 => Just(MemberKind::BlockDevice),
            1 => Just(MemberKind::Fifo),
        ],
        mode in 0..0o10_000_u32,
        ids in (any::<u32>(), any::<u32>()),
        names in (name(), name()),
        modified in time(),
        size in 0..5000_u64,
        sparse in sparse(),
        numbers in (0..4096_u32, 0..1_048_576_u32),
        link in path(),
        attributes in attributes(),
        acls in (proptest::option::of("[a-z:,]{1,40}"), proptest::option::of("[a-z:,]{1,40}")),
    ) -> MemberHeader {
        let file = kind == MemberKind::File;
        let device = matches!(kind, MemberKind::CharacterDevice | MemberKind::BlockDevice);
        let linked = matches!(kind, MemberKind::Symlink | MemberKind::HardLink);
        let (size, sparse) = match sparse {
            Some((size, map)) if file => (size, Some(map)),
            _ if file => (size, None),
            _ => (0, None),
        };
        MemberHeader {
            path,
            kind,
            mode,
            uid: ids.0,
            gid: ids.1,
            owner: names.0,
            group: names.1,
            modified,
            size,
            device: if device {
                DeviceNumber { major: numbers.0, minor: numbers.1 }
            } else {
                DeviceNumber { major: 0, minor: 0 }
            },
            link: if linked { link } else { Vec::new() },
            sparse,
            attributes,
            access_acl: acls.0.map(String::into_bytes),
            default_acl: acls.1.map(String::into_bytes),
        }
    }
}

fn append(bytes: &mut Vec<u8>, header: &MemberHeader) {
    bytes.extend_from_slice(&header.to_bytes());
    let stored = usize::try_from(header.stored_size()).unwrap();
    bytes.resize(bytes.len() + stored, b'd');
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}

/// Reads to the end or the first error, counting bytes of data.
fn drain(bytes: &[u8]) -> Result<u64, ArchiveError> {
    let mut reader = ArchiveReader::new(bytes);
    let mut total = 0;
    while let Some(header) = reader.next_member()? {
        let mut end = 0;
        while let Some(chunk) = reader.next_data()? {
            assert!(chunk.offset >= end);
            end = chunk.offset + chunk.bytes.len() as u64;
            assert!(end <= header.size);
            total += chunk.bytes.len() as u64;
        }
    }
    Ok(total)
}

proptest! {
    #[test]
    fn headers_come_back_as_they_were(headers in vec(header(), 1..5)) {
        let mut bytes = Vec::new();
        for header in &headers {
            append(&mut bytes, header);
        }
        bytes.resize(bytes.len() + 1024, 0);
        let mut reader = ArchiveReader::new(bytes.as_slice());
        for header in &headers {
            let read = reader.next_member().unwrap().unwrap();
            prop_assert_eq!(&read, header);
            let mut stored = 0;
            while let Some(chunk) = reader.next_data().unwrap() {
                prop_assert!(chunk.bytes.iter().all(|byte| *byte == b'd'));
                stored += chunk.bytes.len() as u64;
            }
            prop_assert_eq!(stored, header.stored_size());
        }
        prop_assert!(reader.next_member().unwrap().is_none());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..3000)) {
        let _ = drain(&bytes);
    }

    #[test]
    fn no_change_to_an_archive_makes_it_panic(
        headers in vec(header(), 1..4),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        mend in any::<bool>(),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        for header in &headers {
            append(&mut bytes, header);
        }
        bytes.resize(bytes.len() + 1024, 0);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
            if mend {
                mend_sum(&mut bytes, at / 512 * 512);
            }
        }
        let _ = drain(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = drain(&bytes);
    }
}

/// Makes a changed header block pass its checksum, so that what is behind that is reached.
fn mend_sum(bytes: &mut [u8], start: usize) {
    let block = &mut bytes[start..start + 512];
    if &block[257..262] != b"ustar" {
        return;
    }
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block[154] = 0;
}

fn malformation(bytes: &[u8]) -> Option<Malformation> {
    match drain(bytes) {
        Err(ArchiveError::Malformed { what, .. }) => Some(what),
        _ => None,
    }
}

fn with_size(flag: u8, size: &[u8; 12]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[0] = b'n';
    bytes[124..136].copy_from_slice(size);
    bytes[156] = flag;
    bytes[257..265].copy_from_slice(b"ustar\x0000");
    mend_sum(&mut bytes, 0);
    bytes
}

#[test]
fn a_false_size_costs_nothing() {
    let huge = b"77777777777\0";
    assert_eq!(
        malformation(&with_size(b'x', huge)),
        Some(Malformation::TooLarge)
    );
    assert_eq!(
        malformation(&with_size(b'L', huge)),
        Some(Malformation::TooLarge)
    );
    assert_eq!(
        malformation(&with_size(b'0', huge)),
        Some(Malformation::UnexpectedEnd)
    );
    let below = b"00077777777\0";
    assert_eq!(
        malformation(&with_size(b'x', below)),
        Some(Malformation::UnexpectedEnd)
    );
    assert_eq!(
        malformation(&with_size(b'V', b"00000000000\0")),
        Some(Malformation::UnknownType)
    );
}

#[test]
fn endless_special_headers_end() {
    let one = with_size(b'x', b"00000000000\0");
    assert_eq!(
        malformation(&one.repeat(1000)),
        Some(Malformation::TooLarge)
    );
}

#[test]
fn the_end_of_the_input_between_members_is_an_end() {
    assert_eq!(drain(b"").unwrap(), 0);
    let bytes = with_size(b'5', b"00000000000\0");
    assert_eq!(drain(&bytes).unwrap(), 0);
    assert_eq!(
        malformation(&bytes[..300]),
        Some(Malformation::UnexpectedEnd)
    );
}
