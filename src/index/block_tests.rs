//! Blocks that no digest protects: the decoder must stand on its own.

use proptest::prelude::*;

use super::block::{Block, BlockBuilder};
use super::error::Damage;
use crate::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberState, SegmentNumber,
};

fn entry(number: u32) -> IndexEntry {
    IndexEntry {
        path: format!("folder/file-{number:04}").into_bytes(),
        kind: MemberKind::File,
        size: u64::from(number) * 1000,
        modified: FileTime {
            seconds: -i64::from(number),
            nanos: number,
        },
        mode: 0o644,
        uid: number,
        gid: 7,
        address: MemberAddress {
            segment: SegmentNumber(number / 10),
            offset: u64::from(number) * 2048,
        },
        length: u64::from(number) * 1024,
        digest: (!number.is_multiple_of(3)).then_some([number.to_le_bytes()[0]; 32]),
        link: number.is_multiple_of(5).then_some(MemberAddress {
            segment: SegmentNumber(1),
            offset: u64::MAX,
        }),
        state: MemberState::Changed,
    }
}

fn payload(rows: u32) -> Vec<u8> {
    let mut builder = BlockBuilder::new().unwrap();
    (0..rows).for_each(|number| builder.push(&entry(number)));
    let mut payload = Vec::new();
    builder.encode(&mut payload).unwrap();
    payload
}

fn read(payload: &[u8]) -> Result<Vec<IndexEntry>, Damage> {
    let block = Block::decode(payload.to_vec())?;
    let mut cursor = block.rows()?;
    let mut rows = Vec::new();
    while cursor.advance()? {
        rows.push(cursor.entry()?);
    }
    Ok(rows)
}

/// Takes a payload apart, has its columns changed and puts it together again.
fn with_columns(payload: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let length =
        |place: usize| u32::from_le_bytes(payload[place..place + 4].try_into().unwrap()) as usize;
    let (raw, coded) = (length(4), length(8));
    let mut columns = zstd::bulk::decompress(&payload[12..12 + coded], raw).unwrap();
    change(&mut columns);
    let packed = zstd::bulk::compress(&columns, 3).unwrap();
    let mut changed = payload[..4].to_vec();
    for length in [columns.len(), packed.len()] {
        changed.extend_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
    }
    changed.extend_from_slice(&packed);
    changed.extend_from_slice(&payload[12 + coded..]);
    changed
}

#[test]
fn rows_read_back() {
    let rows: Vec<_> = (0..512).map(entry).collect();
    assert_eq!(read(&payload(512)).unwrap(), rows);
}

#[test]
fn a_later_columns_number_says_whether_it_may_be_skipped() {
    let add = |id: u8| {
        with_columns(&payload(5), |columns| {
            columns.extend_from_slice(&[id, 2, 0, 0, 0, 0xaa, 0xbb]);
        })
    };
    assert_eq!(read(&add(128)).unwrap().len(), 5);
    assert_eq!(read(&add(15)), Err(Damage::UnknownColumn(15)));
    assert_eq!(read(&add(3)), Err(Damage::Content("it has a column twice")));
}

#[test]
fn rows_missing_or_left_over_are_damage() {
    let mut fewer = payload(5);
    fewer[0] = 4;
    assert_eq!(
        read(&fewer),
        Err(Damage::Content("it has more than its rows"))
    );
    let mut more = payload(5);
    more[0] = 6;
    assert_eq!(read(&more), Err(Damage::CutOff));
}

#[test]
fn a_length_that_would_fill_memory_is_refused() {
    let mut huge = payload(5);
    huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        read(&huge),
        Err(Damage::Content("its columns are too long"))
    );
}

proptest! {
    #[test]
    fn changed_columns_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let changed = with_columns(&payload(40), |columns| {
            for (place, byte) in &changes {
                let place = place.index(columns.len());
                columns[place] = *byte;
            }
            if let Some(cut) = cut {
                columns.truncate(cut.index(columns.len()));
            }
        });
        if let Ok(rows) = read(&changed) {
            prop_assert_eq!(rows.len(), 40);
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }
}
