//! Drives that do not know their position, or can't go to one: the host counts, reads on, spaces.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use std::time::Duration;

use support::{BAY, ONE, SLOT, World, pattern};
use tapeward_drivers::TapeDrive;
use tapeward_drivers::counted::Counted;
use tapeward_drivers::socket::Lun;
use tapeward_drivers::ssc::{
    BlockAddress, Drive, ReadOutcome, Space, Synchronize, position::READ_POSITION,
};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};
use tapeward_sim::{CartridgeSpec, InProcess, LibrarySpec};

/// What the drive is made to lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacks {
    /// LOCATE(10) and (16).
    Locate,
    /// LOCATE, and any idea of where it is: READ POSITION answers as tgt 1.0.85 does.
    Positions,
}

struct Poor(InProcess, Lacks);

impl Transport for Poor {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        match (cdb.opcode(), data) {
            (0x2b | 0x92, _) => Ok(Reply {
                status: Status::CheckCondition,
                sense: vec![0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0],
                transferred: 0,
            }),
            (READ_POSITION, Data::In(buffer)) if self.1 == Lacks::Positions => {
                buffer.fill(0);
                buffer[0] = if cdb.as_bytes()[1] == 6 { 0x20 } else { 0x14 };
                Ok(Reply {
                    status: Status::Good,
                    sense: Vec::new(),
                    transferred: buffer.len(),
                })
            }
            (_, data) => self.0.execute(cdb, data, timeout),
        }
    }

    fn path(&self) -> &str {
        self.0.path()
    }
}

/// Blocks 0 to 2, a filemark (3), block 4, two filemarks (5, 6), the end of data (7).
fn written(lacks: Lacks) -> (World, Counted<Drive>) {
    let cartridge = CartridgeSpec::labelled("TWV001L8").with_capacity(64 << 20);
    let world = World::new(&LibrarySpec::new("generic", "TWPOS").with_cartridge(cartridge));
    world.move_medium(SLOT, BAY).good();
    let transport = InProcess::connect(&world.library, Lun::drive(0), ONE);
    let mut drive = Counted::new(Drive::new(Box::new(Poor(transport, lacks))));
    drive.consume_unit_attentions().unwrap();
    drive.rewind().unwrap();
    for seed in 0..3 {
        drive.write_block(&pattern(seed, 500)).unwrap();
    }
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    drive.write_block(&pattern(4, 700)).unwrap();
    drive.write_filemarks(2, Synchronize::Flush).unwrap();
    assert_eq!(at(&mut drive), Some(7));
    (world, drive)
}

fn at(drive: &mut dyn TapeDrive) -> Option<u64> {
    let position = drive.position().unwrap();
    (!position.position_unknown).then_some(position.block.0)
}

fn read(drive: &mut dyn TapeDrive) -> Result<Vec<u8>, ReadOutcome> {
    let mut buffer = vec![0; 1000];
    match drive.read_block(&mut buffer).unwrap() {
        ReadOutcome::Block(length) => Ok(buffer[..length].to_vec()),
        other => Err(other),
    }
}

#[test]
fn blocks_are_found_forwards_and_backwards() {
    for lacks in [Lacks::Locate, Lacks::Positions] {
        let (_world, mut drive) = written(lacks);
        for (block, seed, length) in [(4, 4, 700), (1, 1, 500), (2, 2, 500), (4, 4, 700)] {
            drive.locate(BlockAddress(block)).unwrap();
            assert_eq!(at(&mut drive), Some(block), "{lacks:?}");
            assert_eq!(read(&mut drive), Ok(pattern(seed, length)), "{lacks:?}");
        }
        drive.locate(BlockAddress(5)).unwrap();
        assert_eq!(read(&mut drive), Err(ReadOutcome::Filemark));
        drive.locate(BlockAddress(7)).unwrap();
        assert_eq!(read(&mut drive), Err(ReadOutcome::EndOfData));
        let error = drive.locate(BlockAddress(8)).unwrap_err();
        assert!(error.is_end_of_data(), "{lacks:?}: {error}");
    }
}

#[test]
fn spaces_are_counted() {
    let (_world, mut drive) = written(Lacks::Positions);
    drive.rewind().unwrap();
    drive.space(Space::Filemarks(1)).unwrap();
    assert_eq!(at(&mut drive), Some(4));
    drive.space(Space::Filemarks(2)).unwrap();
    assert_eq!(at(&mut drive), Some(7));
    assert!(
        drive
            .space(Space::Filemarks(1))
            .unwrap_err()
            .is_end_of_data()
    );
    drive.rewind().unwrap();
    drive.space(Space::Blocks(2)).unwrap();
    assert_eq!(read(&mut drive), Ok(pattern(2, 500)));
    // A filemark ends it, as it does when a drive spaces itself.
    let error = drive.space(Space::Blocks(2)).unwrap_err();
    assert!(!error.is_end_of_data(), "{error}");
    assert_eq!(at(&mut drive), Some(4));
    drive.space(Space::Blocks(-2)).unwrap();
    assert_eq!(read(&mut drive), Ok(pattern(2, 500)));
    drive.space(Space::EndOfData).unwrap();
    assert_eq!(at(&mut drive), Some(7));
    drive.write_block(&pattern(7, 100)).unwrap();
    assert_eq!(at(&mut drive), Some(8));
}

#[test]
fn what_may_have_happened_unseen_makes_the_count_unknown() {
    let (world, mut drive) = written(Lacks::Positions);
    drive.unload().unwrap();
    assert_eq!(at(&mut drive), None);
    world.move_medium(BAY, SLOT).good();
    world.move_medium(SLOT, BAY).good();
    assert!(!drive.consume_unit_attentions().unwrap().is_empty());
    assert_eq!(at(&mut drive), None);
    drive.locate(BlockAddress(4)).unwrap();
    assert_eq!(read(&mut drive), Ok(pattern(4, 700)));
    assert_eq!(at(&mut drive), Some(5));
}

#[test]
fn a_drive_that_tells_its_position_is_believed() {
    let (_world, mut drive) = written(Lacks::Locate);
    // Behind the counter's back.
    drive.scsi().unwrap().rewind().unwrap();
    assert_eq!(at(&mut drive), Some(0));
}
