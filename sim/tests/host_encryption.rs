//! The project's own host against the library's drives: encryption.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, DRIVE, ONE, SLOT, TWO, World};
use tapeward_drivers::sense::SenseClass;
use tapeward_drivers::ssc::encryption::{BlockEncryption, EncryptionScope, Reservation};
use tapeward_drivers::ssc::{BlockAddress, Drive, EncryptionKey, ReadOutcome, Synchronize};
use tapeward_sim::{CartridgeSpec, InProcess, LibrarySpec};

fn world() -> World {
    let spec = LibrarySpec::new("generic", "TWTEST");
    let world = World::new(
        &spec.with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20)),
    );
    world.move_medium(SLOT, BAY).good();
    world
}

fn drive(world: &World, initiator: tapeward_drivers::socket::InitiatorId) -> Drive {
    let mut drive = Drive::new(Box::new(InProcess::connect(
        &world.library,
        DRIVE,
        initiator,
    )));
    drive.consume_unit_attentions().unwrap();
    drive
}

fn key(byte: u8) -> EncryptionKey {
    EncryptionKey::new(vec![byte; 32].into())
}

#[test]
fn a_label_stays_clear_and_data_needs_the_key() {
    let world = world();
    let mut drive = drive(&world, ONE);
    drive.write_block(b"label").unwrap();
    let status = drive
        .encrypt_with(&key(1), b"volume 1", Reservation::None)
        .unwrap();
    assert_eq!(status.own_scope, EncryptionScope::Local);
    assert_eq!(status.key_associated[0].data, b"volume 1");
    drive.write_block(b"secret").unwrap();
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    drive.unload().unwrap();
    drive.load().unwrap();
    drive.consume_unit_attentions().unwrap();
    assert!(drive.encryption_status().unwrap().unwrap().is_off());
    let mut buffer = [0; 16];
    assert_eq!(
        drive.read_block(&mut buffer[..5]).unwrap(),
        ReadOutcome::Block(5)
    );
    let next = drive.next_block_encryption().unwrap().unwrap();
    assert_eq!(next.encryption, BlockEncryption::KeyMissing);
    assert_eq!(next.key_associated[0].data, b"volume 1");
    let refused = drive.read_block(&mut buffer[..6]).unwrap_err();
    assert_eq!(refused.class(), Some(SenseClass::Encryption));
    drive.encrypt_with(&key(2), b"", Reservation::None).unwrap();
    let refused = drive.read_block(&mut buffer[..6]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("INCORRECT DATA ENCRYPTION KEY"),
        "{refused}"
    );
    drive.encrypt_with(&key(1), b"", Reservation::None).unwrap();
    assert_eq!(
        drive.read_block(&mut buffer[..6]).unwrap(),
        ReadOutcome::Block(6)
    );
    assert_eq!(&buffer[..6], b"secret");
    drive.locate(BlockAddress(0)).unwrap();
    assert_eq!(
        drive.read_block(&mut buffer[..5]).unwrap(),
        ReadOutcome::Block(5)
    );
    drive.forget_key().unwrap();
    assert!(drive.encryption_status().unwrap().unwrap().is_off());
}

#[test]
fn another_host_has_nothing_of_the_key() {
    let world = world();
    let mut one = drive(&world, ONE);
    let mut two = drive(&world, TWO);
    one.encrypt_with(&key(1), b"", Reservation::None).unwrap();
    one.write_block(b"secret").unwrap();
    two.rewind().unwrap();
    let mut buffer = [0; 6];
    let refused = two.read_block(&mut buffer).unwrap_err();
    assert_eq!(refused.class(), Some(SenseClass::Encryption));
    assert_eq!(
        two.encryption_status().unwrap().unwrap().key_scope,
        EncryptionScope::Public
    );
}

#[test]
fn a_host_that_dies_leaves_no_key_behind_the_next_demount() {
    let world = world();
    let mut one = drive(&world, ONE);
    one.encrypt_with(&key(1), b"", Reservation::None).unwrap();
    drop(one);
    world.move_medium(BAY, SLOT).good();
    world.move_medium(SLOT, BAY).good();
    let mut one = drive(&world, ONE);
    assert!(one.encryption_status().unwrap().unwrap().is_off());
}
