//! One file of many takes few blocks of tape: counted at the transport, from an unknown cartridge in
//! the drive to the last byte of the file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/tape_members.rs"]
mod members;
#[path = "support/tape.rs"]
mod tape;
#[path = "support/tape_transports.rs"]
mod transports;

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use members::{member_bytes, member_path, write_members};
use tape::{MIB, Room, Shelf, Stream, finish, volume_of};
use tapeward::index::{IndexReader, Lookup};
use tapeward::tape::codec::{Codec, PlaintextReader};
use tapeward::tape::volume::VolumeReader;
use tapeward_drivers::ssc;
use transports::Counting;

const CAPACITY: u64 = 512 * MIB;
/// Bytes of every member: some blocks of 16 KiB.
const MEMBER: u64 = 40_000;
const BLOCK: u64 = 16 << 10;
/// Plaintext of an age chunk, and what its ciphertext is longer by.
const CHUNK: u64 = 64 << 10;
const TAG: u64 = 16;

#[test]
fn a_file_takes_three_blocks_more_than_its_own_at_most() {
    let room = Room::with(&["AAA001L8"], CAPACITY);
    let mut stream = Stream::new(&room, Codec::Age, CAPACITY);
    stream.options.segment_size = 8 * MIB;
    let shelf = Shelf::new(&room, stream.geometry, CAPACITY, &[(1, &["AAA001L8"])]);
    let mut segmenter = stream.start(vec![(1, shelf.first(1))], shelf.clone());
    write_members(&mut segmenter, 0..400, MEMBER).unwrap();
    let ends = finish(segmenter);
    let outcome = stream.outcome();
    let volume = volume_of(&ends, 1);
    drop(ends);
    let header = room.reader(0, volume).header().clone();

    for member in [3, 77, 150, 151, 290, 398] {
        let found = outcome.closed.iter().find_map(|closed| {
            let bytes = closed.index_part.to_vec();
            let index = IndexReader::from_bytes("part", bytes).unwrap();
            let entry = Lookup::new(&index)
                .find(&member_path(member))
                .unwrap()
                .cloned();
            entry.map(|entry| (entry, closed.facts.plaintext_length))
        });
        let (entry, length) = found.unwrap();
        if entry.address.offset + entry.length > length {
            // It goes on in the next segment.
            continue;
        }
        let files = outcome.committed.iter();
        let mut files = files.filter(|(_, segment, ..)| *segment == entry.address.segment);
        let data = &files.next().unwrap().3.data;
        let reads = Arc::new(AtomicU64::new(0));
        let counting = Counting {
            inner: Box::new(room.path(0)),
            reads: Arc::clone(&reads),
            locates: Arc::new(AtomicU64::new(0)),
        };
        let mut drive: tapeward_drivers::Drive = Box::new(ssc::Drive::new(Box::new(counting)));
        drive.consume_unit_attentions().unwrap();
        let mut reader = VolumeReader::open_at(drive, header.clone(), data).unwrap();
        let identities = stream.keys.identities();
        let payload = reader.payload(data);
        let mut plain =
            PlaintextReader::open(payload.unwrap(), Codec::Age, length, None, &identities).unwrap();
        plain.seek(SeekFrom::Start(entry.address.offset)).unwrap();
        let mut bytes = vec![0; usize::try_from(entry.length).unwrap()];
        plain.read_exact(&mut bytes).unwrap();
        assert!(bytes == member_bytes(member, MEMBER));

        // Its own: those that hold the chunks that hold it, wherever the header ends.
        let chunks =
            (entry.address.offset + entry.length - 1) / CHUNK - entry.address.offset / CHUNK + 1;
        let own = (chunks * (CHUNK + TAG)).div_ceil(BLOCK) + 1;
        let reads = reads.load(Ordering::Relaxed);
        assert!(
            reads <= own + 3,
            "{reads} blocks for {own} of member {member}"
        );
    }
}
