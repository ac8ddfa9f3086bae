//! Supported operation codes, the device clock, informational exceptions, what drives count.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{BAY, CHANGER, DRIVE, ONE, SLOT, TWO, Unit, World};
use tapeward_drivers::socket::Lun;
use tapeward_sim::clock::HostClock;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::library::OpenOptions;
use tapeward_sim::{CartridgeSpec, Durability, Library, LibrarySpec, create};

fn spec() -> LibrarySpec {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    let cleaning = CartridgeSpec::labelled("CLN001L1");
    LibrarySpec::new("generic", "TWTEST")
        .with_cartridge(cartridge)
        .with_cartridge(cleaning)
}

fn world() -> World {
    World::new(&spec())
}

/// REPORT SUPPORTED OPERATION CODES: options, operation code, service action.
fn support(unit: &mut Unit, options: u8, code: u8, action: u8) -> support::Answer {
    let cdb = [0xa3, 0x0c, options, code, 0, action, 0, 0, 0x10, 0, 0, 0];
    unit.send_in(&cdb, 4096)
}

/// Whatever is listed is carried out or refused for its fields, never as an unknown operation
/// code, and the other way round.
#[test]
fn the_list_is_what_the_unit_has() {
    let world = world();
    for lun in [CHANGER, DRIVE] {
        let mut unit = world.unit(lun, ONE);
        let list = support(&mut unit, 0, 0, 0).good();
        let length = u32::from_be_bytes(list[..4].try_into().unwrap()) as usize;
        assert_eq!(list.len(), 4 + length);
        let codes: Vec<u8> = list[4..].chunks(8).map(|one| one[0]).collect();
        for code in 0..=0xff {
            let answer = unit.send(&[code, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            let known = answer.reply.sense.is_empty() || answer.sense() != (5, 0x20, 0);
            assert_eq!(known, codes.contains(&code), "{code:02x}");
        }
        // With times each is twelve bytes longer, and none promises more than it recommends.
        let timed = support(&mut unit, 0x80, 0, 0).good();
        assert_eq!(timed.len(), 4 + length / 8 * 20);
        for one in timed[4..].chunks(20) {
            let seconds = |at: usize| u32::from_be_bytes(one[at..at + 4].try_into().unwrap());
            assert_eq!((one[5] & 0x02, &one[8..10]), (0x02, &[0, 10][..]));
            assert!(seconds(16) >= 60 && seconds(12) < seconds(16));
        }
    }
}

/// SPC-4, one_command parameter data, and when REPORTING OPTIONS do not fit.
#[test]
fn one_command() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let write = support(&mut drive, 1, 0x0a, 0).good();
    assert_eq!(write, [0, 3, 0, 6, 0x0a, 0x01, 0xff, 0xff, 0xff, 0]);
    let missing = support(&mut drive, 1, 0x28, 0).good();
    assert_eq!(missing, [0, 1, 0, 0]);
    let clock = support(&mut drive, 0x82, 0xa4, 0x0f).good();
    assert_eq!(clock[..6], [0, 0x83, 0, 12, 0xa4, 0x0f]);
    assert_eq!(clock[16..20], [0, 10, 0, 0]);
    assert_eq!(clock.len(), 4 + 12 + 12);
    assert_eq!(support(&mut drive, 2, 0xa4, 0x0e).good(), [0, 1, 0, 0]);
    // Without a service action where there are some, and the other way round.
    assert_eq!(support(&mut drive, 1, 0xa3, 0).sense(), (5, 0x24, 0));
    assert_eq!(support(&mut drive, 2, 0x0a, 0).sense(), (5, 0x24, 0));
    assert_eq!(support(&mut drive, 3, 0x0a, 0).good(), write);
    assert_eq!(support(&mut drive, 3, 0x0a, 1).good(), [0, 1, 0, 0]);
    assert_eq!(support(&mut drive, 3, 0xa3, 0x0c).good()[..2], [0, 3]);
    assert_eq!(support(&mut drive, 4, 0, 0).sense(), (5, 0x24, 0));
    // The same operation code is another command of the changer.
    let mut changer = world.unit(CHANGER, ONE);
    assert_eq!(
        support(&mut changer, 1, 0x1b, 0).good()[5..9],
        [0, 0xff, 0xff, 0x1f]
    );
    assert_eq!(support(&mut changer, 1, 0x0a, 0).good(), [0, 1, 0, 0]);
}

/// Stands where it is put.
#[derive(Debug, Default)]
struct Standing(Mutex<Duration>);

impl HostClock for Standing {
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

fn clock_of(unit: &mut Unit) -> (u8, u64) {
    let cdb = [0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0];
    let data = unit.send_in(&cdb, 12).good();
    assert_eq!((&data[..2], &data[10..]), (&[0, 10][..], &[0, 0][..]));
    let mut value = [0; 8];
    value[2..].copy_from_slice(&data[4..10]);
    (data[2], u64::from_be_bytes(value))
}

fn set_clock(unit: &mut Unit, value: u64) -> support::Answer {
    let mut list = vec![0; 4];
    list.extend(&value.to_be_bytes()[2..]);
    list.extend([0, 0]);
    unit.send_out(&[0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0], &list)
}

#[test]
fn the_device_clock() {
    let host = Arc::new(Standing::default());
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), &spec()).unwrap();
    let options = OpenOptions {
        durability: Durability::Process,
        host_clock: Arc::clone(&host) as Arc<dyn HostClock>,
        ..OpenOptions::default()
    };
    let library = Library::open_with(dir.path(), &options).unwrap();
    let world = World { library, dir };
    let mut one = world.unit(DRIVE, ONE);
    let mut two = world.unit(DRIVE, TWO);
    *host.0.lock().unwrap() = Duration::from_millis(1500);
    assert_eq!(clock_of(&mut one), (0, 1500));
    set_clock(&mut one, 0x0199_d7a3_c4e5).good();
    *host.0.lock().unwrap() += Duration::from_millis(250);
    assert_eq!(clock_of(&mut one), (2, 0x0199_d7a3_c4e5 + 250));
    // TIMESTAMP CHANGED for others.
    assert_eq!(two.ready().sense(), (6, 0x2a, 0x10));
    assert_eq!(one.ready().sense(), (2, 0x3a, 0x00));
    let late = set_clock(&mut one, 0xf1 << 40);
    assert_eq!(late.sense(), (5, 0x26, 0));
    let none = one.send_out(&[0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    none.good();
    let short = one.send_out(&[0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], &[0; 8]);
    assert_eq!(short.sense(), (5, 0x1a, 0));
    assert_eq!(clock_of(&mut two), (2, 0x0199_d7a3_c4e5 + 250));
    world.library.power_cut();
    assert_eq!(clock_of(&mut world.unit(DRIVE, ONE)), (0, 0));
    for (code, action) in [(0xa3, 0x0a), (0xa4, 0x0a)] {
        let mut unit = world.unit(DRIVE, ONE);
        let cdb = [code, action, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0];
        assert_eq!(unit.send(&cdb).sense(), (5, 0x24, 0));
    }
}

/// MODE SELECT(6) of page 1Ch: DEXCPT and TEST, MRIE, TEST FLAG NUMBER.
fn exceptions(unit: &mut Unit, flags: u8, method: u8, number: i32) -> support::Answer {
    let mut list = vec![0, 0, 0x10, 0, 0x1c, 0x0a, flags, method, 0, 0, 0, 0];
    list.extend(number.to_be_bytes());
    unit.send_out(&[0x15, 0x10, 0, 0, 16, 0], &list)
}

/// The flags of the TapeAlert log page that are set.
fn alerts(unit: &mut Unit) -> Vec<u16> {
    let page = unit
        .send_in(&[0x4d, 0, 0x6e, 0, 0, 0, 0, 2, 0, 0], 512)
        .good();
    let set = page[4..].chunks(5).filter(|one| one[4] & 1 == 1);
    set.map(|one| u16::from_be_bytes([one[0], one[1]]))
        .collect()
}

#[test]
fn tape_alert_flags_are_raised_by_a_test() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let page =
        |drive: &mut Unit| drive.send_in(&[0x1a, 8, 0x1c, 0, 64, 0], 64).good()[4..].to_vec();
    let before = page(&mut drive);
    assert_eq!(before, [0x1c, 0x0a, 0x08, 0x03, 0, 0, 0, 0, 0, 0, 0, 0]);
    exceptions(&mut drive, 0x0c, 3, 61).good();
    // The test does not stay in the page.
    assert_eq!(page(&mut drive), before);
    assert_eq!(alerts(&mut drive), [61]);
    assert!(alerts(&mut drive).is_empty());
    exceptions(&mut drive, 0x0c, 3, 20).good();
    exceptions(&mut drive, 0x0c, 3, -20).good();
    assert!(alerts(&mut drive).is_empty());
    exceptions(&mut drive, 0x0c, 3, 32_767).good();
    assert_eq!(alerts(&mut drive), (1..=64).collect::<Vec<u16>>());
    // Flags that are not there, a report that is disabled, an unknown method.
    for (flags, method, number) in [(0x0c, 3, 65), (0x0c, 3, -65), (0x0c, 3, 0), (0x08, 7, 0)] {
        let refused = exceptions(&mut drive, flags, method, number);
        assert_eq!(refused.sense(), (5, 0x26, 0), "{flags} {method} {number}");
    }
    assert_eq!(page(&mut drive), before);
    let supported = drive.send_in(&[0x12, 1, 0xb2, 0, 64, 0], 64).good();
    assert_eq!(
        supported,
        [1, 0xb2, 0, 8, 255, 255, 255, 255, 255, 255, 255, 255]
    );
}

/// MRIE: the command after the exception reports it once and was carried out nevertheless.
#[test]
fn exceptions_are_reported_as_asked() {
    let world = world();
    let mut drive = world.loaded();
    exceptions(&mut drive, 0x04, 4, 20);
    let answer = drive.write(b"kept");
    // The MODE SELECT itself may have reported it already: one of both does.
    drive.rewind().good();
    assert_eq!(drive.read(4).good(), b"kept");
    assert!([(0, 0, 0), (1, 0x5d, 0x00)].contains(&answer.sense()));
    // By NO SENSE.
    assert_eq!(exceptions(&mut drive, 0x04, 5, 21).sense(), (0, 0x5d, 0x00));
    drive.ready().good();
    // To REQUEST SENSE only.
    exceptions(&mut drive, 0x04, 6, 22).good();
    drive.ready().good();
    let sense = drive.send_in(&[0x03, 0, 0, 0, 18, 0], 18).good();
    assert_eq!((sense[2], sense[12], sense[13]), (0, 0x5d, 0x00));
    let sense = drive.send_in(&[0x03, 0, 0, 0, 18, 0], 18).good();
    assert_eq!((sense[2], sense[12]), (0, 0x00));
    // A test without a flag, when no flag is set, is told as one.
    for number in [20, 21, 22] {
        exceptions(&mut drive, 0x0c, 3, -number).good();
    }
    assert_eq!(exceptions(&mut drive, 0x04, 4, 0).sense(), (1, 0x5d, 0xff));
    // Disabled again, nothing is reported.
    exceptions(&mut drive, 0x0c, 4, 20).good();
    drive.ready().good();
}

/// A log page's parameters.
fn log(unit: &mut Unit, page: u8) -> Vec<(u16, Vec<u8>)> {
    let cdb = [0x4d, 0, 0x40 | page, 0, 0, 0, 0, 4, 0, 0];
    let data = unit.send_in(&cdb, 1024).good();
    assert_eq!(data[0], page);
    let length = usize::from(u16::from_be_bytes([data[2], data[3]]));
    assert_eq!(data.len(), 4 + length);
    let mut rest = &data[4..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(rest[3]);
        let code = u16::from_be_bytes([rest[0], rest[1]]);
        all.push((code, rest[4..4 + length].to_vec()));
        rest = &rest[4 + length..];
    }
    all
}

fn number(page: &[(u16, Vec<u8>)], code: u16) -> u64 {
    let (_, value) = page.iter().find(|(found, _)| *found == code).unwrap();
    value
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn fault(world: &World, place: Place, fault: Fault) {
    let planned = PlannedFault { at: place, fault };
    world.library.set_faults(vec![planned]).unwrap();
}

#[test]
fn errors_are_counted_for_the_cartridge_and_for_the_drive() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(&[1; 1000]).good();
    fault(&world, Place::Write(1), Fault::Retried);
    drive.write(&[1; 1000]).good();
    fault(&world, Place::Write(1), Fault::MediumError);
    assert_eq!(drive.write(&[1; 1000]).sense(), (3, 0x0c, 0));
    let write = log(&mut drive, 0x02);
    let codes: Vec<u16> = write.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!((number(&write, 2), number(&write, 3)), (1, 1));
    assert_eq!((number(&write, 5), number(&write, 6)), (2000, 1));
    drive.rewind().good();
    let cartridge = || "TW0001L8".to_owned();
    let record = |record| Place::ReadRecord {
        cartridge: cartridge(),
        record,
    };
    fault(&world, record(0), Fault::Retried);
    assert_eq!(drive.read(1000).good().len(), 1000);
    fault(&world, record(1), Fault::MediumError);
    assert_eq!(drive.read(1000).sense(), (3, 0x11, 0));
    let read = log(&mut drive, 0x03);
    assert_eq!(
        (number(&read, 2), number(&read, 5), number(&read, 6)),
        (1, 1000, 1)
    );
    let device = log(&mut drive, 0x14);
    assert_eq!((number(&device, 0x0e), number(&device, 0x0f)), (1, 1));
    assert_eq!((number(&device, 0), number(&device, 0x0c)), (1, 1));
    // Another load begins anew, the drive's life goes on, also after its process ended.
    drive.send(&[0x1b, 0, 0, 0, 0, 0]).good();
    drive.send(&[0x1b, 0, 0, 0, 1, 0]).good();
    assert_eq!(number(&log(&mut drive, 0x02), 6), 0);
    drop(drive);
    world.library.shut_down().unwrap();
    let world = world.restart();
    let mut drive = world.unit(DRIVE, ONE);
    let device = log(&mut drive, 0x14);
    assert_eq!((number(&device, 0x0e), number(&device, 0x0f)), (1, 1));
    // Loaded twice before, and once at power on; switched on twice.
    assert_eq!((number(&device, 0), number(&device, 0x0c)), (3, 2));
}

#[test]
fn the_drive_tells_how_it_is() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let state = |drive: &mut Unit| {
        let page = log(drive, 0x11);
        assert_eq!(page[1], (1, vec![0x01, 0xf4]));
        page[0].1.clone()
    };
    // Empty: HIU, CMPR and DINIT; the robot may come.
    assert_eq!(state(&mut drive), [0x51, 0x20, 0, 0]);
    world.move_medium(SLOT, BAY).good();
    drive.drain_attentions();
    // MACC; present, seated, threaded, mounted.
    assert_eq!(state(&mut drive), [0x71, 0x17, 0, 0]);
    drive.send(&[0x1e, 0, 0, 0, 1, 0]).good();
    assert_eq!(state(&mut drive)[0], 0xf1);
    drive.send(&[0x1e, 0, 0, 0, 0, 0]).good();
    drive.send(&[0x1b, 0, 0, 0, 0, 0]).good();
    assert_eq!(state(&mut drive), [0x71, 0x34, 0, 0]);
    world.move_medium(BAY, SLOT).good();
    drive.drain_attentions();
    fault(&world, Place::Write(1), Fault::NeedsCleaning);
    world.move_medium(SLOT, BAY).good();
    drive.drain_attentions();
    drive.write(b"dirty").good();
    // CRQST and CRQRD, and TAFC until somebody has read the flags.
    assert_eq!(state(&mut drive), [0x77, 0x17, 0, 1]);
    assert_eq!(alerts(&mut drive), [20]);
    assert_eq!(state(&mut drive)[3], 0);
    assert_eq!(number(&log(&mut drive, 0x0c), 0x0100), 1);
    world.move_medium(BAY, SLOT).good();
    world.move_medium(0x0402, BAY).good();
    drive.drain_attentions();
    // The cleaning cartridge is threaded and not for hosts.
    assert_eq!(state(&mut drive)[..2], [0x71, 0x16]);
    assert_eq!(number(&log(&mut drive, 0x14), 1), 1);
}

#[test]
fn bytes_and_places_of_the_cartridge() {
    let world = world();
    let mut drive = world.loaded();
    for _ in 0..4 {
        drive.write(&vec![7; 1_000_000]).good();
    }
    drive.rewind().good();
    drive.read(1_000_000).good();
    let page = log(&mut drive, 0x0c);
    assert_eq!((number(&page, 0), number(&page, 1)), (4_000_000, 4_000_000));
    assert_eq!((number(&page, 2), number(&page, 3)), (1_000_000, 1_000_000));
    // Megabytes to the end of data, to early warning, behind it, to here.
    assert_eq!((number(&page, 4), number(&page, 7)), (4, 1));
    assert_eq!(
        number(&page, 5) + number(&page, 6),
        (64 << 20) / 1_000_000 - 1
    );
    assert_eq!(number(&page, 0x0100), 0);
    // Mode page 11h: one partition of 67 megabytes, room for the size of a second; POFM.
    let partitions = [0x1a, 8, 0x11, 0, 64, 0];
    let page = drive.send_in(&partitions, 64).good();
    assert_eq!(page[4..], [0x11, 10, 1, 0, 0x1c, 3, 6, 0, 0, 67, 0, 0]);
    let mut empty = world.unit(Lun(2), ONE);
    let page = empty.send_in(&partitions, 64).good();
    assert_eq!(page[4..], [0x11, 10, 1, 0, 0x1c, 3, 6, 0, 0, 0, 0, 0]);
}

/// SPC-4, control extension: SCSIP and the longest sense data.
#[test]
fn the_control_extension_page() {
    let world = world();
    for lun in [CHANGER, DRIVE] {
        let mut unit = world.unit(lun, ONE);
        let page = unit.send_in(&[0x1a, 8, 0x0a, 1, 64, 0], 64).good();
        assert_eq!(page[4..12], [0x4a, 1, 0, 28, 0x02, 0, 252, 0]);
        assert_eq!(page.len(), 4 + 32);
    }
}

/// What `sg_opcodes -v` and `sg_timestamp -vvv --milliseconds=1700000000000` of sg3_utils send (Debian
/// 1.46-3), captured.
#[test]
fn what_sg_opcodes_and_sg_timestamp_send() {
    let world = world();
    let mut changer = world.unit(CHANGER, ONE);
    let all = changer
        .send_in(&[0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0x20, 0, 0, 0], 8192)
        .good();
    assert_eq!(all.len() % 20, 4);
    let one = [0xa3, 0x0c, 0x81, 0xa5, 0, 0, 0, 0, 0x20, 0, 0, 0];
    assert_eq!(
        changer.send_in(&one, 8192).good()[..5],
        [0, 0x83, 0, 12, 0xa5]
    );
    let with_action = [0xa3, 0x0c, 0x02, 0xa3, 0, 0x0c, 0, 0, 0x20, 0, 0, 0];
    assert_eq!(
        changer.send_in(&with_action, 8192).good()[..6],
        [0, 3, 0, 12, 0xa3, 0x0c]
    );
    let list = [0, 0, 0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0, 0, 0];
    let set = [0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0];
    changer.send_out(&set, &list).good();
    let (origin, value) = clock_of(&mut changer);
    assert_eq!(
        (origin, value / 3_600_000),
        (2, 1_700_000_000_000 / 3_600_000)
    );
}
