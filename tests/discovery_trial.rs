//! Finding out which drive is in which element by loading a cartridge, on the virtual library.
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

use std::sync::Arc;

use tapeward::clock::{ManualClock, SharedClock};
use tapeward::error::ErrorKind;
use tapeward::library::discovery::trial::{TrialCartridge, find_drives};
use tapeward_drivers::smc::{self, ElementAddress, ElementKind, InventoryOptions};
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::{Changer, Drive, ssc};
use tapeward_sim::{CartridgeSpec, Durability, InProcess, Library, LibrarySpec, create};

const HOST: InitiatorId = InitiatorId([7; 16]);
const SLOT: ElementAddress = ElementAddress(0x0401);
const BAYS: [ElementAddress; 2] = [ElementAddress(0x0101), ElementAddress(0x0102)];
const CARTRIDGE: TrialCartridge = TrialCartridge {
    home: SLOT,
    picker: ElementAddress(0),
};

struct Room {
    library: Arc<Library>,
    changer: Changer,
    _folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = LibrarySpec::new("generic", "TWTRIAL")
            .with_cartridge(CartridgeSpec::labelled("TWV001L8").with_capacity(16 << 20))
            .with_cartridge(CartridgeSpec::labelled("TWV002L8").with_capacity(16 << 20));
        let path = folder.path().join("library");
        create(&path, &spec).unwrap();
        let library = Library::open(&path, Durability::Process).unwrap();
        let transport = InProcess::connect(&library, Lun::CHANGER, HOST);
        let mut changer: Changer = Box::new(smc::Changer::new(Box::new(transport)));
        changer.consume_unit_attentions().unwrap();
        Self {
            library,
            changer,
            _folder: folder,
        }
    }

    fn drive(&self, index: u16) -> Drive {
        let transport = InProcess::connect(&self.library, Lun::drive(index), HOST);
        Box::new(ssc::Drive::new(Box::new(transport)))
    }

    fn is_at(&mut self, barcode: &str) -> ElementAddress {
        let inventory = self
            .changer
            .inventory(&InventoryOptions::default())
            .unwrap();
        inventory.with_tag(barcode).unwrap().address
    }
}

fn clock() -> SharedClock {
    ManualClock::shared("2026-11-21T09:00:00Z".parse().unwrap())
}

#[test]
fn each_element_tells_its_drive_and_the_cartridge_goes_home() {
    let mut room = Room::new();
    // In the other order than the elements.
    let mut drives = [room.drive(1), room.drive(0)];
    let found = find_drives(&mut room.changer, &mut drives, CARTRIDGE, &BAYS, &clock()).unwrap();
    assert_eq!(found, [Some(1), Some(0)]);
    assert_eq!(room.is_at("TWV001L8"), SLOT);
}

#[test]
fn an_element_whose_drive_is_not_here_tells_nothing() {
    let mut room = Room::new();
    let mut drives = [room.drive(1)];
    let found = find_drives(&mut room.changer, &mut drives, CARTRIDGE, &BAYS, &clock()).unwrap();
    assert_eq!(found, [None, Some(0)]);
    assert_eq!(room.is_at("TWV001L8"), SLOT);
}

#[test]
fn a_drive_with_a_cartridge_is_not_tried() {
    let mut room = Room::new();
    room.changer
        .move_medium(ElementAddress(0), ElementAddress(0x0402), BAYS[0])
        .unwrap();
    let mut drives = [room.drive(0), room.drive(1)];
    let error = find_drives(
        &mut room.changer,
        &mut drives,
        CARTRIDGE,
        &BAYS[1..],
        &clock(),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(room.is_at("TWV001L8"), SLOT);
    let drives = room
        .changer
        .inventory(&InventoryOptions::default())
        .unwrap();
    let full = drives
        .of_kind(ElementKind::DataTransfer)
        .filter(|one| one.full);
    assert_eq!(full.count(), 1);
}
