//! The host side of reservations, clocks, supported commands, pages and robots against the
//! library: each reads the other's bytes, which were laid out independently.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use std::time::Duration;

use support::{ONE, TWO, World};
use tapeward_drivers::smc::moves::{Door, Exchange, Look};
use tapeward_drivers::smc::{
    Changer, ElementAddress, ElementKind, ElementRange, InventoryOptions, NewTag, Removal,
    TagChange, TagSearch, TagSide, UnloadBeforeMove,
};
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::spc::mode::{self, PageCode, PageControl};
use tapeward_drivers::spc::opcodes::{command_support, supported_commands};
use tapeward_drivers::spc::reservation::{
    Abort, persistent_reserve_out, read_full_status, read_keys, read_reservation, release_unit,
    report_capabilities, reserve_unit,
};
use tapeward_drivers::spc::timestamp::{report_timestamp, set_timestamp};
use tapeward_drivers::spc::{
    CommandCode, Control, ControlExtension, InformationalExceptions, Milliseconds, ReservationKey,
    ReservationType, ReserveOut, Support, TimestampOrigin, vpd,
};
use tapeward_drivers::ssc::{
    DeviceActivity, Drive, PartitionUnit, ReadOutcome, Synchronize, TapeAlert, TapeAlertSeverity,
};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::personality::{PERSONALITIES, Unloading};
use tapeward_sim::{CartridgeSpec, InProcess, LibrarySpec};

const OWN: ReservationKey = ReservationKey(0xa1);
const OTHER: ReservationKey = ReservationKey(0xb2);

const SLOT: ElementAddress = ElementAddress(0x0401);
const MAIL: ElementAddress = ElementAddress(0x0301);
const BAY: ElementAddress = ElementAddress(0x0101);
const PICKER: ElementAddress = ElementAddress(0x0001);

fn world() -> World {
    let spec = LibrarySpec::new("generic", "TWHOST");
    World::new(&(1..=3).fold(spec, |spec, number| {
        let label = format!("TW{number:04}L8");
        spec.with_cartridge(CartridgeSpec::labelled(&label).with_capacity(64 << 20))
    }))
}

fn changer_of(world: &World, initiator: InitiatorId) -> Changer {
    let transport = InProcess::connect(&world.library, Lun::CHANGER, initiator);
    let mut changer = Changer::new(Box::new(transport));
    changer.consume_unit_attentions().unwrap();
    changer
}

fn drive_of(world: &World, initiator: InitiatorId) -> Drive {
    let transport = InProcess::connect(&world.library, Lun::drive(0), initiator);
    let mut drive = Drive::new(Box::new(transport));
    drive.consume_unit_attentions().unwrap();
    drive
}

fn loaded(world: &World) -> Drive {
    changer_of(world, ONE)
        .move_medium(PICKER, SLOT, BAY)
        .unwrap();
    drive_of(world, ONE)
}

fn register(drive: &mut Drive, new: ReservationKey) {
    let existing = ReservationKey::NONE;
    let what = ReserveOut::Register {
        existing,
        new,
        through_power_loss: false,
    };
    persistent_reserve_out(drive.transport_mut(), what).unwrap();
}

/// A host that crashed left its reservation; the next one takes the drive over.
#[test]
fn a_drive_is_fenced_and_taken_over() {
    let world = world();
    let mut gone = loaded(&world);
    let mut next = drive_of(&world, TWO);
    let able = report_capabilities(next.transport_mut()).unwrap();
    assert!(able.through_power_loss && !able.through_power_loss_active);
    assert_eq!(able.types.unwrap(), ReservationType::ALL);
    register(&mut gone, OWN);
    let exclusive = ReservationType::ExclusiveAccess;
    persistent_reserve_out(gone.transport_mut(), ReserveOut::Reserve(OWN, exclusive)).unwrap();
    gone.prevent_removal(Removal::Prevent).unwrap();
    gone.write_block(b"kept").unwrap();
    let error = next.write_block(b"mine").unwrap_err().to_string();
    assert!(error.contains("RESERVATION CONFLICT"), "{error}");
    let held = read_reservation(next.transport_mut()).unwrap();
    let held = held.reservation.unwrap();
    assert_eq!((held.key, held.kind), (OWN, Some(exclusive)));
    register(&mut next, OTHER);
    assert_eq!(read_keys(next.transport_mut()).unwrap().keys, [OWN, OTHER]);
    let preempt = ReserveOut::Preempt {
        own: OTHER,
        other: OWN,
        kind: exclusive,
        abort: Abort::Commands,
    };
    persistent_reserve_out(next.transport_mut(), preempt).unwrap();
    let status = read_full_status(next.transport_mut()).unwrap();
    let [only] = &status.registrations[..] else {
        panic!("{status:?}")
    };
    assert!(only.holder && only.key == OTHER && only.kind == Some(exclusive));
    assert!(only.transport_id.ends_with(b"02020202\0\0\0\0"));
    // Neither the reservation nor the prevention is in the way any more.
    next.unload().unwrap();
    assert!(gone.test_unit_ready().unwrap_err().is_unit_attention());
    let late = gone.write_block(b"late").unwrap_err().to_string();
    assert!(late.contains("RESERVATION CONFLICT"), "{late}");
    persistent_reserve_out(next.transport_mut(), ReserveOut::Clear(OTHER)).unwrap();
    assert_eq!(read_keys(next.transport_mut()).unwrap().keys, []);
    reserve_unit(next.transport_mut()).unwrap();
    let conflict = reserve_unit(gone.transport_mut()).unwrap_err();
    assert!(conflict.is_reservation_conflict());
    release_unit(next.transport_mut()).unwrap();
}

#[test]
fn units_tell_their_commands_and_times() {
    let world = world();
    let mut drive = drive_of(&world, ONE);
    let all = supported_commands(drive.transport_mut()).unwrap().unwrap();
    for one in &all {
        let times = one.times.unwrap();
        assert!(times.recommended.unwrap() >= Duration::from_secs(60));
        let told = command_support(drive.transport_mut(), one.code)
            .unwrap()
            .unwrap();
        assert_eq!(told.support, Support::Standard);
        assert_eq!((told.times, told.usage[0]), (one.times, one.code.operation));
        assert_eq!(told.usage.len(), usize::from(one.cdb_length));
        if let Some(action) = one.code.action {
            assert!(told.uses(1, u8::try_from(action).unwrap()));
        }
    }
    let move_medium = CommandCode {
        operation: 0xa5,
        action: None,
    };
    let told = command_support(drive.transport_mut(), move_medium).unwrap();
    assert_eq!(told.unwrap().support, Support::No);
    let mut changer = changer_of(&world, ONE);
    let told = command_support(changer.transport_mut(), move_medium).unwrap();
    assert_eq!(told.unwrap().support, Support::Standard);
}

#[test]
fn the_clock_is_set_and_read() {
    let world = world();
    let mut drive = drive_of(&world, ONE);
    let shown = report_timestamp(drive.transport_mut()).unwrap().unwrap();
    assert_eq!(shown.origin, TimestampOrigin::PowerOn);
    let value = Milliseconds(1_795_262_400_000);
    set_timestamp(drive.transport_mut(), value).unwrap();
    let shown = report_timestamp(drive.transport_mut()).unwrap().unwrap();
    assert_eq!(shown.origin, TimestampOrigin::SetByHost);
    assert!(shown.value >= value && shown.value.0 < value.0 + 3_600_000);
    let late = set_timestamp(drive.transport_mut(), Milliseconds(0xf1 << 40));
    assert!(late.unwrap_err().is_unsupported());
}

#[test]
fn serial_numbers_and_control_pages() {
    let world = world();
    let mut drive = drive_of(&world, ONE);
    let serial = drive.serial().unwrap();
    let unit = drive.transport_mut();
    assert_eq!(vpd::manufacturer_serial(unit).unwrap(), serial);
    let library = vpd::automation_serial(unit).unwrap();
    assert_eq!(library.as_deref(), Some("TWHOST"));
    let methods = vpd::logical_block_protection(unit).unwrap().unwrap();
    let [crc] = methods[..] else {
        panic!("{methods:?}")
    };
    assert_eq!((crc.method, crc.length), (2, 4));
    assert!(crc.on_write && crc.on_read && !crc.on_recover);
    let page = mode::current_page(unit, PageCode::CONTROL)
        .unwrap()
        .unwrap();
    assert!(!Control::parse(&page).unwrap().descriptor_sense);
    let page = mode::current_page(unit, PageCode::CONTROL_EXTENSION).unwrap();
    let page = ControlExtension::parse(&page.unwrap()).unwrap();
    assert!(page.clock_set_by_host && page.maximum_sense_length == 252);
}

/// A flag raised by the test of mode page 1Ch is read once, and only once.
#[test]
fn a_tape_alert_test() {
    let world = world();
    let mut drive = drive_of(&world, ONE);
    let code = PageCode::INFORMATIONAL_EXCEPTIONS;
    let mut data = mode::mode_sense(drive.transport_mut(), code, PageControl::Current).unwrap();
    let page = &mut data.pages[0];
    let shown = InformationalExceptions::parse(page).unwrap();
    assert!(shown.disabled && !shown.test);
    let wanted = InformationalExceptions {
        test: true,
        report_count: 53,
        ..shown
    };
    assert!(wanted.apply(page));
    mode::mode_select(drive.transport_mut(), &data).unwrap();
    assert!(drive.device_status().unwrap().unwrap().tape_alert_changed);
    let flags = drive.tape_alerts().unwrap().unwrap();
    let [flag] = flags.iter().collect::<Vec<TapeAlert>>()[..] else {
        panic!("{flags:?}")
    };
    assert_eq!(
        (flag.number(), flag.severity()),
        (53, TapeAlertSeverity::Critical)
    );
    assert_eq!(flags.worst(), Some(TapeAlertSeverity::Critical));
    assert!(drive.tape_alerts().unwrap().unwrap().is_empty());
    assert_eq!(
        drive.device_status().unwrap().unwrap().activity,
        DeviceActivity::None
    );
}

#[test]
fn what_a_drive_counts() {
    let world = world();
    let mut drive = loaded(&world);
    drive.write_block(&[1; 5000]).unwrap();
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    let fault = PlannedFault {
        at: Place::ReadRecord {
            cartridge: "TW0001L8".to_owned(),
            record: 0,
        },
        fault: Fault::Retried,
    };
    world.library.set_faults(vec![fault]).unwrap();
    drive.rewind().unwrap();
    let mut block = [0; 8192];
    let read = drive.read_block(&mut block).unwrap();
    assert_eq!(read, ReadOutcome::Block(5000));
    let (write, read) = (drive.write_errors(), drive.read_errors());
    let (write, read) = (write.unwrap().unwrap(), read.unwrap().unwrap());
    assert_eq!((write.bytes, write.retries), (Some(5000), Some(0)));
    assert_eq!(
        (read.bytes, read.retries, read.uncorrected),
        (Some(5000), Some(1), Some(0))
    );
    let access = drive.sequential_access_counters().unwrap().unwrap();
    assert_eq!((access.received, access.sent), (Some(5000), Some(5000)));
    assert_eq!(access.cleaning_required, Some(false));
    let life = drive.device_statistics().unwrap().unwrap();
    assert_eq!((life.media_loads, life.power_cycles), (Some(1), Some(1)));
    assert_eq!(life.serial, drive.serial().unwrap());
    let status = drive.device_status().unwrap().unwrap();
    assert!(status.mounted && status.medium_threaded && !status.cleaning_required);
    let partitions = drive.partitions().unwrap().unwrap();
    assert_eq!(
        (partitions.additional, &partitions.sizes[..]),
        (0, &[67][..])
    );
    assert_eq!(partitions.unit, PartitionUnit::PowerOfTen(6));
}

#[test]
fn a_robot_exchanges_finds_and_opens() {
    let world = world();
    let mut drive = loaded(&world);
    let mut robot = changer_of(&world, ONE);
    let second = ElementAddress(SLOT.0 + 1);
    let swap = Exchange {
        source: second,
        first_destination: BAY,
        second_destination: second,
    };
    let kinds = (ElementKind::Storage, ElementKind::DataTransfer);
    robot.exchange_medium(PICKER, swap, kinds).unwrap();
    drive.consume_unit_attentions().unwrap();
    let search = robot.search_tags(&TagSearch::primary("TW000?L8")).unwrap();
    let found: Vec<(ElementAddress, String)> = search
        .elements
        .iter()
        .map(|element| {
            (
                element.address,
                element.primary_tag.as_ref().unwrap().to_string(),
            )
        })
        .collect();
    let third = ElementAddress(SLOT.0 + 2);
    let expected = [(BAY, "TW0002L8"), (second, "TW0001L8"), (third, "TW0003L8")];
    assert_eq!(
        found,
        expected.map(|(address, tag)| (address, tag.to_owned()))
    );
    let tag = NewTag {
        identification: "VAULT7".to_owned(),
        sequence: 7,
    };
    robot
        .change_tag(third, TagSide::Alternate, &TagChange::Assert(tag))
        .unwrap();
    let inventory = robot.inventory(&InventoryOptions::default()).unwrap();
    let tag = inventory
        .element(third)
        .unwrap()
        .alternate_tag
        .clone()
        .unwrap();
    assert_eq!((&*tag.identification, tag.sequence), ("VAULT7", 7));
    assert_eq!(inventory.anomalies, []);
    robot
        .change_tag(third, TagSide::Alternate, &TagChange::Undefine)
        .unwrap();
    robot.position_to_element(PICKER, third).unwrap();
    robot.open_close(MAIL, Door::Open).unwrap();
    let inventory = robot.inventory(&InventoryOptions::default()).unwrap();
    assert!(!inventory.element(MAIL).unwrap().access);
    assert!(robot.move_medium(PICKER, third, MAIL).is_err());
    robot.open_close(MAIL, Door::Close).unwrap();
    robot.move_medium(PICKER, third, MAIL).unwrap();
    let range = ElementRange {
        first: SLOT,
        count: 3,
    };
    robot.initialize_range(Some(range), Look::Whole).unwrap();
    robot.initialize_range(None, Look::Fast).unwrap();
}

#[test]
fn what_libraries_can_is_what_they_do() {
    for model in PERSONALITIES {
        let spec = LibrarySpec::new(model.name, "TWHOST");
        let world = World::new(&spec.with_cartridge(CartridgeSpec::labelled("TW0001L6")));
        let mut robot = changer_of(&world, ONE);
        let able = robot.device_capabilities().unwrap().unwrap();
        let (slot, drive) = (ElementKind::Storage, ElementKind::DataTransfer);
        assert!(able.can_move(slot, drive) && able.can_move(drive, slot));
        assert_eq!(
            able.can_move(slot, ElementKind::ImportExport),
            model.import_export.count > 0
        );
        assert!(!able.can_move(slot, ElementKind::MediumTransport));
        let geometry = robot.transport_geometry().unwrap().unwrap();
        assert_eq!(geometry.len(), usize::from(model.transports.count));
        assert!(geometry.iter().all(|transport| !transport.rotates));
        // Unloading first is known of all models that need it but the one without a row.
        let by_host = robot.quirks().unwrap().unload == UnloadBeforeMove::ByHost;
        let needed = model.unloading == Unloading::ByHost;
        assert_eq!(
            by_host,
            needed && model.name != "dat-autochanger",
            "{}",
            model.name
        );
    }
}
