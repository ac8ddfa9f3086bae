//! Damaging virtual cartridges in their files, and undoing it.
#![allow(dead_code)] // each test program uses a part of it

use std::fs;
use std::path::PathBuf;

use tapeward_sim::Operator;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::Request;

use crate::world::World;

/// Bytes of the header of a cartridge's record index, and of each of its rows: offset (8), length
/// (4), kind, flags, bytes behind the block (2), big-endian.
const HEADER: usize = 32;
const ROW: usize = 16;

/// What happens to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A byte in its middle changes.
    Corrupt,
    /// Its second half is gone.
    Truncate,
    /// MEDIUM ERROR, every time.
    Unreadable,
    /// Another block stands there, and it stands where that one was.
    Swap(u64),
}

/// The files of a cartridge as they were.
#[derive(Debug)]
pub(crate) struct Kept {
    folder: PathBuf,
    data: Vec<u8>,
    index: Vec<u8>,
}

impl Kept {
    pub(crate) fn take(world: &World, barcode: &str) -> Self {
        world.shut_down();
        let folder = world.cartridge_folder(barcode);
        Self {
            data: fs::read(folder.join("data")).unwrap(),
            index: fs::read(folder.join("index")).unwrap(),
            folder,
        }
    }

    pub(crate) fn put_back(&self, world: &World) {
        if let Ok(operator) = Operator::connect(&world.virtual_folder()) {
            let faults = Vec::new();
            operator.ask(&Request::SetFaults { faults }).unwrap();
        }
        world.shut_down();
        fs::write(self.folder.join("data"), &self.data).unwrap();
        fs::write(self.folder.join("index"), &self.index).unwrap();
    }
}

/// A record of a cartridge: its row but for the offset and the length, and its bytes.
#[derive(Debug, Clone)]
struct Record {
    rest: [u8; 4],
    block: Vec<u8>,
    behind: Vec<u8>,
}

fn records(data: &[u8], index: &[u8]) -> Vec<Record> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let rows = index[HEADER..].chunks_exact(ROW);
    rows.map(|row| {
        let (start, length) = (number(&row[..8]), number(&row[8..12]));
        let end = start + length;
        Record {
            rest: row[12..].try_into().unwrap(),
            block: data[start..end].to_vec(),
            behind: data[end..end + number(&row[14..])].to_vec(),
        }
    })
    .collect()
}

/// Damages blocks of a cartridge.
pub(crate) fn damage(world: &World, barcode: &str, blocks: &[(u64, Action)]) {
    let mut faults = Vec::new();
    world.shut_down();
    let folder = world.cartridge_folder(barcode);
    let old = fs::read(folder.join("index")).unwrap();
    let mut records = records(&fs::read(folder.join("data")).unwrap(), &old);
    for (number, action) in blocks {
        let place = usize::try_from(*number).unwrap();
        let record = &mut records[place];
        assert_eq!(record.rest[0], 1, "record {number} is no block");
        match action {
            Action::Corrupt => {
                let middle = record.block.len() / 2;
                record.block[middle] ^= 0x40;
            }
            Action::Truncate => record.block.truncate(record.block.len() / 2),
            Action::Unreadable => faults.extend(std::iter::repeat_n(
                PlannedFault {
                    at: Place::ReadRecord {
                        cartridge: barcode.to_owned(),
                        record: *number,
                    },
                    fault: Fault::MediumError,
                },
                1000,
            )),
            Action::Swap(other) => records.swap(place, usize::try_from(*other).unwrap()),
        }
    }
    let (mut data, mut index) = (Vec::new(), old[..HEADER].to_vec());
    for record in records {
        index.extend((data.len() as u64).to_be_bytes());
        index.extend(u32::try_from(record.block.len()).unwrap().to_be_bytes());
        index.extend(record.rest);
        data.extend(record.block);
        data.extend(record.behind);
    }
    fs::write(folder.join("data"), data).unwrap();
    fs::write(folder.join("index"), index).unwrap();
    if !faults.is_empty() {
        world.ok(["library", "status"]);
        let operator = Operator::connect(&world.virtual_folder()).unwrap();
        operator.ask(&Request::SetFaults { faults }).unwrap();
    }
}
