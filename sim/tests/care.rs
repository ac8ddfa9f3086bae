//! Calibration of LTO-9 cartridges, cleaning, recommended access order.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{BAY, DRIVE, ONE, SLOT, Unit, World, pattern};
use tapeward_drivers::TapeDrive;
use tapeward_drivers::sense::Progress;
use tapeward_drivers::ssc::access_order::{UserDataSegment, by_position};
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{BlockAddress, Drive, Pause, Synchronize, WaitError};
use tapeward_sim::clock::HostClock;
use tapeward_sim::library::OpenOptions;
use tapeward_sim::{
    CartridgeKind, CartridgeSpec, Durability, Generation, InProcess, Library, LibrarySpec, create,
};

/// Stands where it is put.
#[derive(Debug, Default)]
struct Standing(Mutex<Duration>);

impl HostClock for Standing {
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

impl Standing {
    fn advance(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn timed_world(cartridge: &str) -> (World, Arc<Standing>) {
    let dir = tempfile::tempdir().unwrap();
    let spec = LibrarySpec::new("generic", "TWTEST")
        .with_drives(Generation::Lto9)
        .with_timing()
        .with_cartridge(CartridgeSpec::labelled(cartridge).with_capacity(64 << 20));
    create(dir.path(), &spec).unwrap();
    let clock = Arc::new(Standing::default());
    let options = OpenOptions {
        durability: Durability::Process,
        host_clock: Arc::clone(&clock) as Arc<dyn HostClock>,
        ..OpenOptions::default()
    };
    let library = Library::open_with(dir.path(), &options).unwrap();
    (World { library, dir }, clock)
}

/// Key, code and SENSE KEY SPECIFIC of fixed format sense data (SPC-4, progress indication: SKSV
/// bit 7 of byte 15, the progress in bytes 16 and 17).
fn not_ready(unit: &mut Unit) -> ((u8, u8, u8), u16) {
    let answer = unit.ready();
    let sense = &answer.reply.sense;
    if sense.is_empty() {
        return (answer.sense(), 0);
    }
    assert_eq!(sense[15], 0x80);
    (answer.sense(), u16::from_be_bytes([sense[16], sense[17]]))
}

#[test]
fn a_new_lto_9_cartridge_is_calibrated_once() {
    let (world, clock) = timed_world("TW0001L9");
    world.move_medium(SLOT, BAY).good();
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    assert_eq!(not_ready(&mut drive), ((2, 0x04, 0x01), 0));
    assert_eq!(drive.write(b"no").sense(), (2, 0x04, 0x01));
    clock.advance(10 * MINUTE);
    assert_eq!(not_ready(&mut drive), ((2, 0x04, 0x01), 16_384));
    let asked = drive.send_in(&[0x03, 0, 0, 0, 18, 0], 18).good();
    assert_eq!(
        (asked[2], asked[12], asked[13], asked[16]),
        (2, 0x04, 0x01, 0x40)
    );
    // A power cut, and it begins anew.
    world.library.power_cut();
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    assert_eq!(not_ready(&mut drive), ((2, 0x04, 0x01), 0));
    clock.advance(40 * MINUTE);
    drive.ready().good();
    drive.write(b"written").good();
    world.move_medium(BAY, SLOT).good();
    world.move_medium(SLOT, BAY).good();
    drive.drain_attentions();
    drive.ready().good();
}

#[test]
fn an_lto_8_cartridge_needs_no_calibration() {
    let (world, _clock) = timed_world("TW0001L8");
    world.loaded().ready().good();
}

/// Waits by moving the library's clock.
struct Waiting(Arc<Standing>, Vec<Progress>);

impl Pause for Waiting {
    fn pause(&mut self, duration: Duration) {
        self.0.advance(duration);
    }

    fn elapsed(&self) -> Duration {
        self.0.monotonic()
    }

    fn progress(&mut self, progress: Progress) {
        self.1.push(progress);
    }
}

#[test]
fn the_host_waits_as_long_as_there_is_progress() {
    let (world, clock) = timed_world("TW0001L9");
    world.move_medium(SLOT, BAY).good();
    let mut drive = Drive::new(Box::new(InProcess::connect(&world.library, DRIVE, ONE)));
    let mut waiting = Waiting(clock, Vec::new());
    drive.wait_ready(&mut waiting, MINUTE, 5 * MINUTE).unwrap();
    assert_eq!(waiting.elapsed(), 40 * MINUTE);
    assert_eq!(waiting.1.len(), 40);
    assert!(waiting.1.is_sorted());
    drive.write_block(b"ready").unwrap();
    drive.write_filemarks(0, Synchronize::Flush).unwrap();
}

/// Waits by another clock than the library's.
struct Elsewhere(Waiting, Duration);
impl Pause for Elsewhere {
    fn pause(&mut self, duration: Duration) {
        self.1 += duration;
    }

    fn elapsed(&self) -> Duration {
        self.1
    }
}

#[test]
fn the_host_gives_up_without_progress() {
    let (world, clock) = timed_world("TW0001L9");
    world.move_medium(SLOT, BAY).good();
    let mut drive = Drive::new(Box::new(InProcess::connect(&world.library, DRIVE, ONE)));
    let mut waiting = Elsewhere(Waiting(clock, Vec::new()), Duration::ZERO);
    let error = drive
        .wait_ready(&mut waiting, MINUTE, 5 * MINUTE)
        .unwrap_err();
    assert!(matches!(error, WaitError::TooLong { .. }), "{error}");
    assert!(waiting.1 <= 6 * MINUTE);
    assert!(waiting.0.1.is_empty());
}

/// MAM 0408h MEDIUM TYPE 01h is a cleaning cartridge, 0409h how often it may be used, 0003h how
/// often it was loaded.
#[test]
fn uses_of_a_cleaning_cartridge_stand_in_its_memory() {
    let mut cartridge = CartridgeSpec::labelled("CLN001L1");
    cartridge.kind = CartridgeKind::Cleaning { uses: 2 };
    let world = World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge));
    for (loads, sense) in [
        (1, (2, 0x30, 0x03)),
        (2, (2, 0x30, 0x03)),
        (3, (2, 0x30, 0x07)),
    ] {
        let mut drive = world.loaded();
        assert_eq!(drive.ready().sense(), sense);
        let attribute = |id: [u8; 2]| [0x8c, 0, 0, 0, 0, 0, 0, 0, id[0], id[1], 0, 0, 1, 0, 0, 0];
        let kind = drive.send_in(&attribute([0x04, 0x08]), 256).good();
        assert_eq!(kind[4..16], [4, 8, 0x80, 0, 1, 1, 4, 9, 0x80, 0, 2, 0]);
        assert_eq!(kind[16], 2);
        let count = drive.send_in(&attribute([0x00, 0x03]), 256).good();
        assert_eq!(count[4..17], [0, 3, 0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0, loads]);
        world.move_medium(BAY, SLOT).good();
    }
}

fn segment(first: u64, last: u64) -> UserDataSegment {
    UserDataSegment {
        partition: Partition(0),
        first: BlockAddress(first),
        last: BlockAddress(last),
    }
}

/// The tape goes there and back, so that what was written a wrap later may be nearer.
#[test]
fn access_is_ordered_along_the_tape() {
    let spec = LibrarySpec::new("generic", "TWTEST");
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(28_000_000);
    let world = World::new(&spec.with_cartridge(cartridge));
    world.move_medium(SLOT, BAY).good();
    let mut drive = Drive::new(Box::new(InProcess::connect(&world.library, DRIVE, ONE)));
    drive.consume_unit_attentions().unwrap();
    // A wrap is 100,000 bytes: blocks 0 to 9 lie on the first, 10 to 19 backwards on the second.
    for number in 0..40 {
        drive.write_block(&pattern(number, 9_984)).unwrap();
    }
    drive.rewind().unwrap();
    let segments = [segment(9, 9), segment(1, 1), segment(18, 18), segment(5, 5)];
    let order = drive.access_order(&segments).unwrap();
    assert_eq!(order, [1, 2, 3, 0]);
    assert_eq!(by_position(&segments), [1, 3, 0, 2]);
    let limits = drive.access_order_limits().unwrap().unwrap();
    assert_eq!((limits.segments, limits.descriptor), (2730, 32));
}

/// GENERATE as LTFS sends it (sg_tape.c, sg_grao): PROCESS 2h, UDS_TYPE 0h.
#[test]
fn lists_that_are_wrong_are_refused() {
    let world = World::new(
        &LibrarySpec::new("generic", "TWTEST")
            .with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20)),
    );
    let mut drive = world.loaded();
    let mut generate = |process: u8, kind: u8, list: &[u8]| {
        let length = u8::try_from(list.len()).unwrap();
        let cdb = [0xa4, 0x1d, process, kind, 0, 0, 0, 0, 0, length, 0, 0];
        drive.send_out(&cdb, list).sense()
    };
    let mut list = vec![0, 0, 0, 0, 0, 0, 0, 32, 0, 30, 0, 0, 0];
    list.extend(b"0000000000");
    list.extend([0; 17]);
    assert_eq!(generate(2, 0, &list), (0, 0, 0));
    assert_eq!(generate(1, 0, &list), (5, 0x24, 0x00));
    assert_eq!(generate(2, 1, &list), (5, 0x24, 0x00));
    assert_eq!(generate(2, 0, &list[..39]), (5, 0x1a, 0x00));
    for (at, value) in [(9, 31), (23, 1), (31, 1)] {
        let mut wrong = list.clone();
        wrong[at] = value;
        assert_eq!(generate(2, 0, &wrong), (5, 0x26, 0x00), "{at}");
    }
    let received = drive
        .send_in(&[0xa3, 0x1d, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256)
        .good();
    assert_eq!(received[..8], [2, 0, 0, 0, 0, 0, 0, 32]);
    assert_eq!(received[8..], list[8..]);
}
