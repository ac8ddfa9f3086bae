//! Blocks and filemarks: what is written is read, and every way to stop is told apart.

mod support;

use support::{BAY, DRIVE, ONE, SLOT, World, pattern};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

#[test]
fn blocks_of_any_length_come_back() {
    let world = world();
    let mut drive = world.loaded();
    let blocks: Vec<Vec<u8>> = [1_usize, 80, 70_000, 262_144, 3]
        .iter()
        .map(|length| pattern(3, *length))
        .collect();
    for block in &blocks {
        drive.write(block).good();
    }
    drive.filemarks(1, false).good();
    assert_eq!(drive.position(), (0, 6, 1));
    drive.rewind().good();
    for block in &blocks {
        assert_eq!(&drive.read(block.len()).good(), block);
    }
    let mark = drive.read(100);
    assert_eq!(mark.sense(), (0, 0x00, 0x01));
    assert_eq!(mark.stream_bits(), 0x80);
    assert_eq!(mark.information(), Some(100));
    let end = drive.read(100);
    assert_eq!(end.sense(), (8, 0x00, 0x05));
    assert_eq!(drive.position(), (0, 6, 1));
}

#[test]
fn an_empty_drive_is_not_ready_and_a_loaded_one_is() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    assert_eq!(drive.ready().sense(), (2, 0x3a, 0x00));
    world.move_medium(SLOT, BAY).good();
    assert_eq!(drive.ready().sense(), (6, 0x28, 0x00));
    drive.ready().good();
}
