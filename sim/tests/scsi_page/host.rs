//! Everything our host can ask for, asked of the virtual library: the rows marked H are those it
//! carried out, and no others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tapeward_drivers::sense::SenseKey;
use tapeward_drivers::smc::moves::{Door, Exchange, Look};
use tapeward_drivers::smc::{
    Changer, ElementAddress, ElementKind, ElementRange, InventoryOptions, Removal, TagSearch,
};
use tapeward_drivers::socket::Lun;
use tapeward_drivers::spc::attribute::{Attribute, AttributeId};
use tapeward_drivers::spc::mode::{self, ModeForm, PageCode, PageControl};
use tapeward_drivers::spc::reservation::{self, ReserveOut};
use tapeward_drivers::spc::{Milliseconds, ReservationKey, luns, opcodes, timestamp, vpd};
use tapeward_drivers::ssc::density::DensityScope;
use tapeward_drivers::ssc::encryption::Reservation;
use tapeward_drivers::ssc::partition::{CapacityProportion, MediumFormat, Overwriting};
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{
    BlockAddress, Drive, EncryptionKey, Erase, Megabytes, ReadOutcome, Space, Synchronize,
    VerifyAgainst, VerifyExtent,
};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};
use tapeward_sim::{CartridgeSpec, InProcess, LibrarySpec};

use crate::rows::{Kind, names_of, rows};
use crate::support::{BAY, CHANGER, DRIVE, MAIL, ONE, SLOT, World};

type Carried = Arc<Mutex<BTreeSet<(Kind, String)>>>;

/// Notes what the unit carried out; refuses one operation code as one it does not know.
struct Noting {
    inner: InProcess,
    kind: Kind,
    without: Option<u8>,
    carried: Carried,
}

impl Transport for Noting {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        if self.without == Some(cdb.opcode()) {
            return Ok(Reply {
                status: Status::CheckCondition,
                sense: vec![0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0],
                transferred: 0,
            });
        }
        let reply = self.inner.execute(cdb, data, timeout)?;
        let refused = reply.status != Status::Good && reply.sense.get(2) == Some(&5);
        if !refused {
            let names = names_of(cdb.as_bytes()).into_iter();
            let names = names.map(|name| (self.kind, name));
            self.carried.lock().unwrap().extend(names);
        }
        Ok(reply)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

struct Tour {
    world: World,
    carried: Carried,
}

impl Tour {
    fn new() -> Self {
        let cartridge = |label| CartridgeSpec::labelled(label).with_capacity(64 << 20);
        let spec = LibrarySpec::new("generic", "TWTOUR")
            .with_cartridge(cartridge("TW0001L8"))
            .with_cartridge(cartridge("TW0002L8"));
        Self {
            world: World::new(&spec),
            carried: Carried::default(),
        }
    }

    fn path(&self, lun: Lun, without: Option<u8>) -> Box<dyn Transport> {
        Box::new(Noting {
            inner: InProcess::connect(&self.world.library, lun, ONE),
            kind: if lun == CHANGER {
                Kind::Changer
            } else {
                Kind::Drive
            },
            without,
            carried: Arc::clone(&self.carried),
        })
    }

    fn drive(&self) -> Drive {
        let mut drive = Drive::new(self.path(DRIVE, None));
        drive.consume_unit_attentions().unwrap();
        drive
    }
}

/// Pages and commands that every unit has.
fn every_device(unit: &mut dyn Transport) {
    assert!(vpd::supported_pages(unit).unwrap().contains(&0x83));
    assert!(vpd::serial(unit).unwrap().unwrap().starts_with("TWTOUR"));
    assert_eq!(vpd::designators(unit).unwrap().len(), 2);
    assert_eq!(luns::report_luns(unit).unwrap().len(), 3);
    assert!(opcodes::supported_commands(unit).unwrap().unwrap().len() > 25);
    let value = Milliseconds(1_795_262_400_000);
    timestamp::set_timestamp(unit, value).unwrap();
    assert!(timestamp::report_timestamp(unit).unwrap().unwrap().value >= value);
    reservation::reserve_unit(unit).unwrap();
    reservation::release_unit(unit).unwrap();
    let new = ReservationKey(0xa1);
    let register = ReserveOut::RegisterAndIgnore {
        new,
        through_power_loss: false,
    };
    reservation::persistent_reserve_out(unit, register).unwrap();
    assert_eq!(reservation::read_keys(unit).unwrap().keys, [new]);
    reservation::persistent_reserve_out(unit, ReserveOut::Clear(new)).unwrap();
    for code in [PageCode::CONTROL, PageCode::CONTROL_EXTENSION] {
        assert!(mode::current_page(unit, code).unwrap().is_some());
    }
}

fn robot(tour: &Tour) {
    let mut robot = Changer::new(tour.path(CHANGER, None));
    robot.consume_unit_attentions().unwrap();
    assert_eq!(robot.inquiry().unwrap().product, "LIBRARY-24");
    every_device(robot.transport_mut());
    let (slot, bay, mail) = (
        ElementAddress(SLOT),
        ElementAddress(BAY),
        ElementAddress(MAIL),
    );
    let second = ElementAddress(SLOT + 1);
    let picker = ElementAddress(1);
    assert!(robot.device_capabilities().unwrap().is_some());
    assert_eq!(robot.transport_geometry().unwrap().unwrap().len(), 1);
    robot.initialize_element_status().unwrap();
    let range = ElementRange {
        first: slot,
        count: 2,
    };
    robot.initialize_range(Some(range), Look::Whole).unwrap();
    robot.open_close(mail, Door::Open).unwrap();
    robot.open_close(mail, Door::Close).unwrap();
    robot.prevent_removal(Removal::Prevent).unwrap();
    robot.prevent_removal(Removal::Allow).unwrap();
    robot.position_to_element(picker, slot).unwrap();
    robot.move_medium(picker, second, bay).unwrap();
    let exchange = Exchange {
        source: slot,
        first_destination: bay,
        second_destination: second,
    };
    let kinds = (ElementKind::Storage, ElementKind::DataTransfer);
    robot.exchange_medium(picker, exchange, kinds).unwrap();
    let found = robot.search_tags(&TagSearch::primary("TW0001L8")).unwrap();
    assert_eq!(found.elements[0].address, bay);
    let inventory = robot.inventory(&InventoryOptions::default()).unwrap();
    assert_eq!(inventory.with_tag("TW0001L8").unwrap().address, bay);
}

/// What a drive tells of itself and of its cartridge.
fn identity_and_logs(drive: &mut Drive) {
    assert_eq!(drive.inquiry().unwrap().product, "ULTRIUM-TD8");
    let told = drive.request_sense().unwrap();
    assert_eq!(told.key, SenseKey::NoSense);
    let unit = drive.transport_mut();
    assert!(vpd::sequential_capabilities(unit).unwrap().unwrap().worm);
    assert!(vpd::manufacturer_serial(unit).unwrap().is_some());
    assert_eq!(vpd::automation_serial(unit).unwrap().unwrap(), "TWTOUR");
    assert_eq!(vpd::element_address(unit).unwrap().unwrap().0, BAY);
    assert_eq!(
        vpd::logical_block_protection(unit).unwrap().unwrap().len(),
        1
    );
    assert!(drive.write_errors().unwrap().is_some());
    assert!(drive.read_errors().unwrap().is_some());
    assert!(drive.sequential_access_counters().unwrap().is_some());
    assert!(drive.device_status().unwrap().unwrap().mounted);
    assert!(drive.device_statistics().unwrap().is_some());
    assert!(drive.volume_statistics().unwrap().is_some());
    assert!(drive.tape_alerts().unwrap().unwrap().is_empty());
    assert!(drive.capacity().unwrap().is_some());
    assert_eq!(drive.read_block_limits().unwrap().minimum, 1);
    let densities = drive.report_density_support(DensityScope::Cartridge);
    assert_eq!(densities.unwrap().len(), 1);
    let barcode = Attribute::ascii(AttributeId::BARCODE, "TW0001L8", 32).unwrap();
    drive.write_attribute(&barcode).unwrap();
    let read = drive.attribute(AttributeId::BARCODE).unwrap().unwrap();
    assert_eq!(read.text(), "TW0001L8");
    drive.prevent_removal(Removal::Prevent).unwrap();
    drive.prevent_removal(Removal::Allow).unwrap();
}

/// Modes by the short commands and by the long ones, protection, keys.
fn settings(drive: &mut Drive) {
    let before = drive.modes().unwrap();
    let mut wanted = before;
    wanted.programmable_early_warning = Some(Megabytes(8));
    assert_eq!(drive.set_modes(&wanted).unwrap().shortfalls, []);
    drive.set_modes(&before).unwrap();
    let unit = drive.transport_mut();
    // Where the data compression page is missing, this one tells of compression.
    let configuration = mode::current_page(unit, PageCode::DEVICE_CONFIGURATION).unwrap();
    assert_eq!(configuration.unwrap().byte(14), Some(1));
    let code = PageCode::INFORMATIONAL_EXCEPTIONS;
    let long = mode::mode_sense_form(unit, ModeForm::Ten, code, PageControl::Current).unwrap();
    mode::mode_select(unit, &long).unwrap();
    assert!(drive.protect_blocks(true).unwrap().unwrap().on_write);
    drive.protect_blocks(false).unwrap();
    assert_eq!(drive.security_protocols().unwrap().len(), 2);
    let key = EncryptionKey::new(vec![7; 32].into());
    drive.encrypt_with(&key, b"", Reservation::None).unwrap();
    drive.forget_key().unwrap();
}

/// Blocks, positions, motion.
fn tape(tour: &Tour, drive: &mut Drive) {
    for _ in 0..2 {
        drive.write_block(&[1; 100]).unwrap();
    }
    drive.write_filemarks(1, Synchronize::Flush).unwrap();
    let end = drive.position().unwrap();
    assert_eq!(end.block, BlockAddress(3));
    let here = drive.write_filemarks_at(end.block, Partition(0), 1, Synchronize::Flush);
    here.unwrap();
    let at = drive.extended_position().unwrap().unwrap();
    assert_eq!(at.block, BlockAddress(4));
    // More than SPACE(6) can say: back to the beginning, which it tells of.
    drive.space(Space::Blocks(-1)).unwrap_err();
    drive.space(Space::Filemarks(-0x0100_0000)).unwrap_err();
    assert!(drive.position().unwrap().beginning_of_partition);
    let against = VerifyAgainst::ErrorCorrection;
    drive.verify(VerifyExtent::Block(100), against).unwrap();
    let read = drive.read_block(&mut [0; 100]).unwrap();
    assert_eq!(read, ReadOutcome::Block(100));
    drive.locate(BlockAddress(1)).unwrap();
    let mut older = Drive::new(tour.path(DRIVE, Some(0x92)));
    older.locate(BlockAddress(2)).unwrap();
    assert_eq!(older.position().unwrap().block, BlockAddress(2));
    assert!(drive.access_order_limits().unwrap().is_some());
    let segment = |block| tapeward_drivers::ssc::access_order::UserDataSegment {
        partition: Partition(0),
        first: BlockAddress(block),
        last: BlockAddress(block),
    };
    let order = drive.access_order(&[segment(1), segment(0)]).unwrap();
    assert_eq!(order.len(), 2);
    drive.rewind().unwrap();
    drive.erase(Erase::Short).unwrap();
    assert_eq!(
        drive.read_block(&mut [0; 100]).unwrap(),
        ReadOutcome::EndOfData
    );
}

/// Partitions and back, less capacity and back, then written once only.
fn formats(drive: &mut Drive) {
    drive.rewind().unwrap();
    let page = PageCode::MEDIUM_PARTITION;
    let unit = drive.transport_mut();
    let mut data = mode::mode_sense(unit, page, PageControl::Current).unwrap();
    let divided = &mut data.pages[0];
    // One more, IDP, sizes in units of 10^6 bytes: 2, and what is left.
    let flags = 0x20 | divided.byte(4).unwrap() & 0x1f;
    for (at, byte) in [
        (3, 1),
        (4, flags),
        (6, 6),
        (8, 0),
        (9, 2),
        (10, 0xff),
        (11, 0xff),
    ] {
        assert!(divided.set_byte(at, byte), "{at}");
    }
    mode::mode_select(unit, &data).unwrap();
    drive.format_medium(MediumFormat::Partitions).unwrap();
    let partitions = drive.partitions().unwrap().unwrap();
    assert_eq!((partitions.additional, partitions.sizes[0]), (1, 2));
    drive
        .locate_in_partition(BlockAddress(0), Partition(1))
        .unwrap();
    assert_eq!(drive.position().unwrap().partition, Partition(1));
    drive
        .locate_in_partition(BlockAddress(0), Partition(0))
        .unwrap();
    drive.format_medium(MediumFormat::OnePartition).unwrap();
    assert_eq!(drive.partitions().unwrap().unwrap().additional, 0);

    let whole = drive.capacity().unwrap().unwrap().maximum;
    drive.set_capacity(CapacityProportion(0x4000)).unwrap();
    assert!(drive.capacity().unwrap().unwrap().maximum.0 < whole.0 / 2);
    drive.set_capacity(CapacityProportion::WHOLE).unwrap();
    assert_eq!(drive.capacity().unwrap().unwrap().maximum, whole);

    drive.write_block(b"once").unwrap();
    assert!(drive.append_only().unwrap());
    drive.rewind().unwrap();
    drive.write_block(b"twice").unwrap_err();
    let beginning = Overwriting::At(Partition(0), BlockAddress(0));
    drive.allow_overwrite(beginning).unwrap();
    drive.write_block(b"twice").unwrap();
    drive.unload().unwrap();
    drive.load().unwrap();
}

#[test]
fn rows_marked_h_are_what_our_host_and_the_library_do_together() {
    let tour = Tour::new();
    robot(&tour);
    let mut drive = tour.drive();
    every_device(drive.transport_mut());
    identity_and_logs(&mut drive);
    settings(&mut drive);
    tape(&tour, &mut drive);
    formats(&mut drive);

    let carried = tour.carried.lock().unwrap();
    let mut rowless = carried.clone();
    for row in rows() {
        for name in &row.names {
            let by = |kind: &Kind| carried.contains(&(*kind, name.clone()));
            let tried = row.kinds().iter().any(by);
            assert_eq!(tried, row.marks.contains("H"), "{name}: {}", row.text);
            for kind in row.kinds() {
                rowless.remove(&(*kind, name.clone()));
            }
        }
    }
    assert!(
        rowless.is_empty(),
        "docs/scsi.md has no row for {rowless:?}"
    );
}
