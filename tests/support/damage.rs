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

/// Damages blocks of a cartridge.
pub(crate) fn damage(world: &World, barcode: &str, blocks: &[(u64, Action)]) {
    let mut faults = Vec::new();
    world.shut_down();
    let folder = world.cartridge_folder(barcode);
    let mut data = fs::read(folder.join("data")).unwrap();
    let mut index = fs::read(folder.join("index")).unwrap();
    let row = |record: u64| HEADER + usize::try_from(record).unwrap() * ROW;
    for (record, action) in blocks {
        let at = row(*record);
        assert_eq!(index[at + 12], 1, "record {record} is no block");
        let offset = u64::from_be_bytes(index[at..at + 8].try_into().unwrap());
        let length = u32::from_be_bytes(index[at + 8..at + 12].try_into().unwrap());
        match action {
            Action::Corrupt => {
                let middle = offset + u64::from(length) / 2;
                data[usize::try_from(middle).unwrap()] ^= 0x40;
            }
            Action::Truncate => {
                index[at + 8..at + 12].copy_from_slice(&(length / 2).to_be_bytes());
            }
            Action::Unreadable => faults.extend(std::iter::repeat_n(
                PlannedFault {
                    at: Place::ReadRecord {
                        cartridge: barcode.to_owned(),
                        record: *record,
                    },
                    fault: Fault::MediumError,
                },
                1000,
            )),
            Action::Swap(other) => {
                let other = row(*other);
                assert_eq!(index[other + 12], 1, "it is no block");
                for byte in 0..ROW {
                    index.swap(at + byte, other + byte);
                }
            }
        }
    }
    fs::write(folder.join("data"), data).unwrap();
    fs::write(folder.join("index"), index).unwrap();
    if !faults.is_empty() {
        world.ok(["library", "status"]);
        let operator = Operator::connect(&world.virtual_folder()).unwrap();
        operator.ask(&Request::SetFaults { faults }).unwrap();
    }
}
