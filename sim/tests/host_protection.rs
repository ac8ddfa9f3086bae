//! The project's own host against the library's drives: block protection and VERIFY.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, DRIVE, ONE, SLOT, World, pattern};
use tapeward_drivers::ScsiError;
use tapeward_drivers::ssc::{
    BlockProtection, Drive, EncryptionKey, ReadOutcome, Synchronize, VerifyAgainst, VerifyExtent,
    encryption::Reservation,
};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeSpec, InProcess, LibrarySpec};

fn world() -> (World, Drive) {
    let spec = LibrarySpec::new("generic", "TWTEST");
    let world = World::new(
        &spec.with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20)),
    );
    world.move_medium(SLOT, BAY).good();
    let mut drive = Drive::new(Box::new(InProcess::connect(&world.library, DRIVE, ONE)));
    drive.consume_unit_attentions().unwrap();
    (world, drive)
}

fn flip(world: &World, at: Place) {
    let fault = Fault::FlippedBit;
    world
        .library
        .set_faults(vec![PlannedFault { at, fault }])
        .unwrap();
}

#[test]
fn a_bit_that_turns_anywhere_is_found() {
    let (world, mut drive) = world();
    let cartridge = || "TW0001L8".to_owned();
    let protection = drive.protect_blocks(true).unwrap();
    assert_eq!(protection, Some(BlockProtection::CRC32C));
    drive
        .encrypt_with(
            &EncryptionKey::new(vec![3; 32].into()),
            b"",
            Reservation::None,
        )
        .unwrap();
    let block = pattern(1, 300_000);
    for _ in 0..4 {
        drive.write_block(&block).unwrap();
    }
    flip(
        &world,
        Place::WriteRecord {
            cartridge: cartridge(),
            record: 4,
        },
    );
    let refused = drive.write_block(&block).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("LOGICAL BLOCK GUARD CHECK FAILED"),
        "{refused}"
    );
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    drive.rewind().unwrap();
    drive
        .verify(VerifyExtent::Filemarks(1), VerifyAgainst::BlockProtection)
        .unwrap();
    drive.rewind().unwrap();
    let at = Place::ReadRecord {
        cartridge: cartridge(),
        record: 2,
    };
    flip(&world, at.clone());
    drive
        .verify(VerifyExtent::EndOfData, VerifyAgainst::BlockProtection)
        .unwrap_err();
    assert_eq!(drive.position().unwrap().block.0, 2);
    flip(&world, at);
    let mut buffer = vec![0; 300_000];
    let error = drive.read_block(&mut buffer).unwrap_err();
    assert!(
        matches!(
            error,
            ScsiError::BlockCorrupted {
                length: 300_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        drive.read_block(&mut buffer).unwrap(),
        ReadOutcome::Block(300_000)
    );
    assert_eq!(buffer, block);
    assert_eq!(
        drive.protect_blocks(false).unwrap(),
        Some(BlockProtection::OFF)
    );
    drive.rewind().unwrap();
    assert_eq!(
        drive.read_block(&mut buffer).unwrap(),
        ReadOutcome::Block(300_000)
    );
}
