//! The host side of the project against the library, for every model: each reads the other's
//! bytes, which were laid out independently.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use std::collections::BTreeMap;

use support::{ONE, World, pattern};
use tapeward_drivers::sense::SenseKey;
use tapeward_drivers::smc::{Anomaly, Changer, ElementAddress, ElementKind, InventoryOptions};
use tapeward_drivers::smc::{Inventory, Removal};
use tapeward_drivers::socket::Lun;
use tapeward_drivers::spc::attribute::{Attribute, AttributeId};
use tapeward_drivers::spc::vpd;
use tapeward_drivers::ssc::density::DensityScope;
use tapeward_drivers::ssc::{
    BlockAddress, Buffering, Drive, DriveModes, Erase, Megabytes, ReadOutcome, Readiness, Space,
    Synchronize, TapeAlert, WriteError, WriteOutcome,
};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::personality::{
    DeviceIdentification, DriveAddress, PERSONALITIES, Personality, Unloading,
};
use tapeward_sim::{CartridgeSpec, InProcess, LibrarySpec};

fn label(model: &Personality, number: u16) -> String {
    format!("TW{number:04}L{}", model.drive_generation.number())
}

fn world(model: &Personality) -> World {
    let spec = LibrarySpec::new(model.name, "TWHOST");
    World::new(&(1..=3).fold(spec, |spec, number| {
        spec.with_cartridge(CartridgeSpec::labelled(&label(model, number)).with_capacity(64 << 20))
    }))
}

fn changer(world: &World) -> Changer {
    let transport = InProcess::connect(&world.library, Lun::CHANGER, ONE);
    let mut changer = Changer::new(Box::new(transport));
    changer.consume_unit_attentions().unwrap();
    changer
}

fn drive(world: &World, index: u16) -> Drive {
    let transport = InProcess::connect(&world.library, Lun::drive(index), ONE);
    let mut drive = Drive::new(Box::new(transport));
    drive.consume_unit_attentions().unwrap();
    drive
}

/// Address 0 does for most, but not for all.
fn picker(model: &Personality) -> ElementAddress {
    ElementAddress(model.transports.first)
}

/// A drive with the first cartridge in it.
fn loaded(world: &World, model: &Personality) -> Drive {
    let (from, to) = (model.storage.first, model.drives.first);
    changer(world)
        .move_medium(picker(model), ElementAddress(from), ElementAddress(to))
        .unwrap();
    drive(world, 0)
}

fn generic() -> (World, Drive) {
    let model = &PERSONALITIES[0];
    let world = world(model);
    let drive = loaded(&world, model);
    (world, drive)
}

fn inventory(world: &World) -> Inventory {
    changer(world)
        .inventory(&InventoryOptions::default())
        .unwrap()
}

#[test]
fn every_model_is_inventoried() {
    for model in PERSONALITIES {
        let world = world(model);
        let inventory = inventory(&world);
        let counted = |kind| inventory.of_kind(kind).count();
        assert_eq!(
            counted(ElementKind::MediumTransport),
            usize::from(model.transports.count)
        );
        assert_eq!(
            counted(ElementKind::Storage),
            usize::from(model.storage.count)
        );
        assert_eq!(
            counted(ElementKind::ImportExport),
            usize::from(model.import_export.count)
        );
        assert_eq!(
            counted(ElementKind::DataTransfer),
            usize::from(model.drives.count)
        );
        for number in 1..=3 {
            let whole = label(model, number);
            let shown = &whole[..whole.len().min(model.tag.characters)];
            // The whole bar code does where it is known that a part is shown.
            let wanted = match inventory.tag_characters {
                Some(_) => &whole,
                None => shown,
            };
            let Some(element) = inventory.with_tag(wanted) else {
                assert_eq!(shown, "");
                continue;
            };
            assert_eq!(element.address.0, model.storage.first + number - 1);
            assert!(element.full && element.access);
        }
        assert_eq!(
            inventory
                .elements
                .iter()
                .filter(|element| element.full)
                .count(),
            3
        );
        match (model.name, &inventory.anomalies[..]) {
            // Nothing is known of it but what it answers.
            ("odd", [Anomaly::ShortReplies { kind }, Anomaly::NoAccess]) => {
                assert_eq!(*kind, ElementKind::Storage);
            }
            (_, [Anomaly::Refused { .. }]) => {
                assert_eq!(model.identification, DeviceIdentification::Refused);
            }
            (_, anomalies) => assert_eq!(anomalies, [], "{}", model.name),
        }
    }
}

#[test]
fn drives_are_found_by_what_their_element_says() {
    for model in PERSONALITIES {
        let world = world(model);
        let inventory = inventory(&world);
        let mut serials = BTreeMap::new();
        for (index, element) in (0..).zip(inventory.of_kind(ElementKind::DataTransfer)) {
            let mut drive = drive(&world, index);
            let serial = drive.serial().unwrap().unwrap();
            let told = drive.designators().unwrap();
            let address = vpd::element_address(drive.transport_mut()).unwrap();
            let told_address = model.oddities.drive_address == DriveAddress::Told;
            assert_eq!(address, told_address.then_some(element.address));
            match (&element.device, model.identification) {
                (None, DeviceIdentification::Refused) => {}
                (Some(device), DeviceIdentification::Naa) => assert!(told.contains(device)),
                (Some(device), DeviceIdentification::T10Vendor) => {
                    assert!(told.contains(device) && device.names_serial(&serial));
                }
                (device, _) => panic!("{device:?} in {}", model.name),
            }
            serials.insert(serial, element.address);
        }
        assert_eq!(serials.len(), usize::from(model.drives.count));
    }
}

#[test]
fn a_cartridge_goes_round_in_every_model() {
    for model in PERSONALITIES {
        let world = world(model);
        let mut drive = loaded(&world, model);
        assert!(matches!(drive.readiness(), Readiness::Ready));
        let block = pattern(1, 4096);
        assert_eq!(drive.write_block(&block).unwrap(), WriteOutcome::Written);
        drive.write_filemarks(1, Synchronize::Flush).unwrap();
        // Where there are no mail slots a slot does.
        let mail = match model.import_export.count {
            0 => model.storage.first,
            _ => model.import_export.first,
        };
        let bay = model.drives.first;
        let element = inventory(&world);
        let element = element.element(ElementAddress(bay)).unwrap();
        assert_eq!(element.source, Some(ElementAddress(model.storage.first)));
        let mut robot = changer(&world);
        let mut out =
            || robot.move_medium(picker(model), ElementAddress(bay), ElementAddress(mail));
        if model.unloading == Unloading::ByHost {
            let error = out().unwrap_err();
            assert_eq!(error.sense().unwrap().key, SenseKey::IllegalRequest);
            drive.unload().unwrap();
        }
        out().unwrap();
        assert!(matches!(drive.readiness(), Readiness::NoMedium));
        let element = inventory(&world);
        let element = element.element(ElementAddress(mail)).unwrap();
        assert!(
            element.full
                && element
                    .import_export
                    .is_none_or(|at| !at.placed_by_operator)
        );
        changer(&world)
            .move_medium(picker(model), ElementAddress(mail), ElementAddress(bay))
            .unwrap();
        drive.consume_unit_attentions().unwrap();
        let mut read = vec![0; 8192];
        assert_eq!(
            drive.read_block(&mut read).unwrap(),
            ReadOutcome::Block(4096)
        );
        assert_eq!(read[..4096], block);
        assert_eq!(drive.read_block(&mut read).unwrap(), ReadOutcome::Filemark);
        assert_eq!(drive.read_block(&mut read).unwrap(), ReadOutcome::EndOfData);
    }
}

#[test]
fn positions_and_motion() {
    let (_world, mut drive) = generic();
    assert!(drive.position().unwrap().beginning_of_partition);
    for file in 0..3 {
        for block in 0..5 {
            drive.write_block(&pattern(file * 5 + block, 1000)).unwrap();
        }
        drive.write_filemarks(1, Synchronize::Immediate).unwrap();
    }
    let position = drive.position().unwrap();
    assert_eq!((position.block.0, position.file.unwrap().0), (18, 3));
    assert_eq!(position.buffered_blocks, Some(18));
    drive.write_filemarks(0, Synchronize::Flush).unwrap();
    assert_eq!(drive.position().unwrap().buffered_blocks, Some(0));
    drive.locate(BlockAddress(7)).unwrap();
    let mut block = vec![0; 600];
    let read = drive.read_block(&mut block).unwrap();
    assert_eq!(read, ReadOutcome::TooLong { actual: 1000 });
    drive.space(Space::Filemarks(1)).unwrap();
    assert_eq!(drive.position().unwrap().block, BlockAddress(12));
    drive.space(Space::Blocks(3)).unwrap();
    drive.space(Space::Filemarks(-2)).unwrap();
    assert_eq!(drive.position().unwrap().block, BlockAddress(5));
    drive.space(Space::EndOfData).unwrap();
    assert_eq!(drive.position().unwrap().block, BlockAddress(18));
    let error = drive.locate(BlockAddress(19)).unwrap_err();
    assert_eq!(error.sense().unwrap().key, SenseKey::BlankCheck);
    let error = drive.space(Space::Blocks(-9)).unwrap_err();
    let sense = error.sense().unwrap();
    assert!(sense.filemark);
    assert_eq!(sense.information, Some(9));
    drive.rewind().unwrap();
    drive.erase(Erase::Long).unwrap();
    assert_eq!(
        drive.read_block(&mut block).unwrap(),
        ReadOutcome::EndOfData
    );
    let extended = drive.extended_position().unwrap().unwrap();
    assert_eq!(
        (extended.block, extended.buffered_blocks),
        (BlockAddress(0), Some(0))
    );
}

#[test]
fn modes_are_set_as_asked() {
    let (_world, mut drive) = generic();
    let before = drive.modes().unwrap();
    assert_eq!(before.buffering, Buffering::Buffered);
    assert_eq!((before.block_length, before.compression), (0, Some(true)));
    assert_eq!(before.programmable_early_warning, Some(Megabytes(0)));
    let wanted = DriveModes {
        buffering: Buffering::Unbuffered,
        block_length: 4096,
        compression: Some(false),
        programmable_early_warning: Some(Megabytes(300)),
        write_protected: false,
    };
    let set = drive.set_modes(&wanted).unwrap();
    assert_eq!((set.modes, set.shortfalls), (wanted, Vec::new()));
    let restored = drive.set_modes(&before).unwrap();
    assert_eq!(restored.modes, before);
}

#[test]
fn the_end_of_the_tape_is_told_apart() {
    let (_world, mut drive) = generic();
    let mut modes = drive.modes().unwrap();
    modes.programmable_early_warning = Some(Megabytes(8));
    assert_eq!(drive.set_modes(&modes).unwrap().shortfalls, []);
    let block = vec![1; 1 << 20];
    let mut outcomes = Vec::new();
    let error = loop {
        match drive.write_block(&block) {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WriteError::NotWritten(_)), "{error}");
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| **outcome == wanted)
            .count()
    };
    assert_eq!(outcomes.len(), 63);
    assert_eq!(count(WriteOutcome::ProgrammableEarlyWarning), 1);
    assert_eq!(count(WriteOutcome::EarlyWarning), 1);
    let position = drive.position().unwrap();
    assert_eq!(position.block, BlockAddress(63));
    assert!(position.end_of_partition && position.beyond_programmable_early_warning);
    let capacity = drive.capacity().unwrap().unwrap();
    assert_eq!((capacity.maximum.0, capacity.remaining.0), (64, 0));
}

#[test]
fn the_cartridge_and_the_drive_tell_of_themselves() {
    let (_world, mut drive) = generic();
    assert_eq!(drive.inquiry().unwrap().product, "ULTRIUM-TD8");
    assert!(drive.capabilities().unwrap().unwrap().worm);
    assert_eq!(drive.is_worm().unwrap(), Some(false));
    assert_eq!(drive.read_block_limits().unwrap().maximum, 8 << 20);
    let densities = drive.report_density_support(DensityScope::Drive).unwrap();
    let names: Vec<&str> = densities
        .iter()
        .map(|density| density.name.as_str())
        .collect();
    assert_eq!(names, ["U-732", "U-832"]);
    let loads = drive.attribute(AttributeId::LOAD_COUNT).unwrap().unwrap();
    assert_eq!(loads.number(), Some(1));
    let absent = drive.attribute(AttributeId::BARCODE).unwrap();
    assert_eq!(absent, None);
    let vendor = Attribute::ascii(AttributeId::APPLICATION_VENDOR, "TAPEWARD", 8).unwrap();
    let barcode = Attribute::ascii(AttributeId::BARCODE, "TW0001L8", 32).unwrap();
    drive.write_attributes(&[vendor, barcode]).unwrap();
    let found = drive.attribute(AttributeId::BARCODE).unwrap().unwrap();
    assert_eq!(found.text(), "TW0001L8");
    let all = drive.attributes().unwrap();
    assert!(
        all.iter()
            .any(|attribute| attribute.id == AttributeId::APPLICATION_VENDOR)
    );
    let statistics = drive.volume_statistics().unwrap().unwrap();
    assert_eq!(statistics.barcode.as_deref(), Some("TW0001L8"));
    assert_eq!((statistics.mounts, statistics.worm), (Some(1), Some(false)));
}

#[test]
fn errors_reach_the_host_whole() {
    let (world, mut drive) = generic();
    let plan = |at, fault| {
        let planned = vec![PlannedFault { at, fault }];
        world.library.set_faults(planned).unwrap();
    };
    let cartridge = || "TW0001L8".to_owned();
    plan(
        Place::WriteRecord {
            cartridge: cartridge(),
            record: 1,
        },
        Fault::MediumError,
    );
    drive.write_block(b"one").unwrap();
    let error = drive.write_block(b"two").unwrap_err();
    assert_eq!(error.sense().unwrap().key, SenseKey::MediumError);
    let alerts = drive.tape_alerts().unwrap().unwrap();
    assert!(alerts.contains(TapeAlert::HARD_ERROR) && alerts.contains(TapeAlert::MEDIA));
    assert!(drive.tape_alerts().unwrap().unwrap().is_empty());
    plan(
        Place::WriteRecord {
            cartridge: cartridge(),
            record: 1,
        },
        Fault::DeferredWriteError,
    );
    drive.write_block(b"two").unwrap();
    let error = drive.write_filemarks(1, Synchronize::Flush).unwrap_err();
    assert!(matches!(error, WriteError::Deferred(_)), "{error}");
    assert_eq!(drive.position().unwrap().block, BlockAddress(1));
    drive.prevent_removal(Removal::Prevent).unwrap();
    let error = drive.unload().unwrap_err();
    assert_eq!(error.sense().unwrap().asc.code, 0x53);
    drive.prevent_removal(Removal::Allow).unwrap();
    drive.unload().unwrap();
}
