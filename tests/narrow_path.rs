//! A host adapter whose longest transfer is one block: no room for block protection behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/narrow.rs"]
mod narrow;

use narrow::Narrow;
use rstest::rstest;
use tapeward::library::fitting;
use tapeward_drivers::Drive;
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::ssc::{self, ReadOutcome, Synchronize, WriteOutcome};
use tapeward_sim::{CartridgeSpec, Durability, InProcess, Library, LibrarySpec, create};

const BLOCK: usize = 256 * 1024;

#[rstest]
#[case(BLOCK, false)]
#[case(BLOCK + 4, true)]
fn blocks_go_without_protection_where_the_path_has_no_room_for_it(
    #[case] longest: usize,
    #[case] protected: bool,
) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library");
    let tape = CartridgeSpec::labelled("TWV001L8").with_capacity(16 << 20);
    create(
        &path,
        &LibrarySpec::new("generic", "TWNARR").with_cartridge(tape),
    )
    .unwrap();
    let library = Library::open(&path, Durability::Process).unwrap();
    let host = InitiatorId(*b"a narrow adapter");
    let connect = |lun| InProcess::connect(&library, lun, host);
    let mut changer = tapeward_drivers::smc::Changer::new(Box::new(connect(Lun::CHANGER)));
    changer.consume_unit_attentions().unwrap();
    let place = |address| tapeward_drivers::smc::ElementAddress(address);
    changer
        .move_medium(place(0), place(0x0401), place(0x0101))
        .unwrap();
    let inner = connect(Lun::drive(0));
    let mut drive: Drive = Box::new(ssc::Drive::new(Box::new(Narrow { inner, longest })));
    drive.consume_unit_attentions().unwrap();
    let why = fitting::protect(&mut drive, u32::try_from(BLOCK).unwrap());
    assert_eq!(why.is_none(), protected, "{why:?}");
    if let Some(why) = why {
        assert!(
            why.contains("host adapter takes no blocks of 262144 bytes"),
            "{why}"
        );
    }
    let on = drive.scsi().unwrap().block_protection().unwrap().unwrap();
    assert_eq!(on.on_write, protected);
    let block = vec![7; BLOCK];
    assert_eq!(drive.write_block(&block).unwrap(), WriteOutcome::Written);
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    drive.rewind().unwrap();
    let mut back = vec![0; BLOCK];
    let read = drive.read_block(&mut back).unwrap();
    assert!(read == ReadOutcome::Block(BLOCK) && back == block);
}
