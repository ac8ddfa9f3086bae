//! Documents: what is written comes back, an entry keeps to its bound, and nothing panics.

use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use tapeward_drivers::ssc::BlockAddress;
use uuid::Uuid;

use super::codec::Codec;
use super::digest::TapeDigest;
use super::document::{Directory, DirectoryEntry, EntryLabels, PartDocument, VolumeHeader};
use super::label::LabelDate;
use super::layout::{BlockSize, FileKind, FileSequence};
use crate::archive::member::SegmentNumber;
use crate::id::{SetId, TapeFileNumber, VolumeId};

fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..1 << 37, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

fn block_size() -> impl Strategy<Value = BlockSize> {
    (1_u64..8193).prop_map(|kibibytes| BlockSize::new(kibibytes * 1024).unwrap())
}

fn volume() -> impl Strategy<Value = VolumeHeader> {
    (
        any::<u128>(),
        "[A-Z0-9]{6}",
        block_size(),
        any::<u64>(),
        moment(),
        prop::option::of(moment()),
    )
        .prop_map(
            |(volume, serial, block_size, native_capacity, labelled, retain_until)| VolumeHeader {
                volume: VolumeId::from_uuid(Uuid::from_u128(volume)),
                serial: serial.parse().unwrap(),
                barcode: None,
                block_size,
                native_capacity,
                labelled,
                retain_until,
            },
        )
}

fn entry() -> impl Strategy<Value = DirectoryEntry> {
    let kind = prop::sample::select(FileKind::ALL.to_vec());
    let numbers = any::<(u16, u32, u64, u64, u64)>();
    let of = any::<(Option<u128>, Option<u32>)>();
    (kind, numbers, of, block_size(), any::<[u8; 16]>()).prop_map(
        |(kind, (sequence, tape_file, first_block, blocks, length), of, block_size, digest)| {
            DirectoryEntry {
                sequence: FileSequence(sequence),
                kind,
                set: of.0.map(|set| SetId::from_uuid(Uuid::from_u128(set))),
                segment: of.1.map(SegmentNumber),
                tape_file: TapeFileNumber(tape_file),
                first_block: BlockAddress(first_block),
                block_size,
                blocks,
                length,
                xxh3_128: TapeDigest::from_bytes(digest),
                labels: Some(EntryLabels {
                    codec: Codec::ZstdAge,
                    created: LabelDate::of(DateTime::UNIX_EPOCH),
                    expires: LabelDate::NONE,
                }),
            }
        },
    )
}

proptest! {
    #[test]
    fn documents_come_back(header in volume(), files in vec(entry(), 0..5), written in moment()) {
        let bytes = header.to_bytes().unwrap();
        prop_assert_eq!(VolumeHeader::from_bytes(&bytes).unwrap(), header.clone());
        let directory = Directory { volume: header.volume, serial: header.serial, written, files };
        let bytes = directory.to_bytes().unwrap();
        prop_assert_eq!(&Directory::from_bytes(&bytes).unwrap(), &directory);
        let empty = Directory { files: Vec::new(), ..directory.clone() };
        let entries = (bytes.len() - empty.to_bytes().unwrap().len()) as u64;
        prop_assert!(entries <= directory.files.len() as u64 * Directory::ENTRY_BOUND);
    }

    #[test]
    fn no_damage_makes_a_parser_panic(
        header in volume(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        noise in vec(any::<u8>(), 0..100),
    ) {
        let mut bytes = header.to_bytes().unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for bytes in [&bytes, &noise] {
            let _ = VolumeHeader::from_bytes(bytes);
            let _ = PartDocument::from_bytes(bytes);
            let _ = Directory::from_bytes(bytes);
        }
    }
}
