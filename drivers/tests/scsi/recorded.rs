//! Conversations recorded with devices nobody here wrote (`tests/kernel/run`), replayed.

use std::collections::VecDeque;
use std::time::Duration;

use tapeward_drivers::smc::{
    Anomaly, Changer, ElementAddress, ElementKind, Inventory, InventoryOptions,
};
use tapeward_drivers::ssc::{BlockLimits, Buffering, Drive, ReadOutcome, Space};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};

use crate::script::hex;

const TGT: &str = include_str!("../data/tgt.txt");

/// Answers each command as the recorded device did, in the order of the record; commands
/// between that nobody asks for now are passed over.
struct Recorded {
    path: &'static str,
    left: VecDeque<(Vec<u8>, Reply, Vec<u8>)>,
}

impl Recorded {
    fn open(record: &'static str, path: &'static str) -> Self {
        let mut lines = record.lines().filter(|line| !line.starts_with('#'));
        let mut left = VecDeque::new();
        while let (Some(asked), Some(answered)) = (lines.next(), lines.next()) {
            let mut words = asked.strip_prefix("> ").expect("a command").split(' ');
            let device = words.next();
            let cdb = hex(words.next().expect("a CDB"));
            let (reply, data) = parse_reply(answered);
            if device == Some(path) {
                left.push_back((cdb, reply, data));
            }
        }
        Self { path, left }
    }
}

fn parse_reply(line: &str) -> (Reply, Vec<u8>) {
    let mut words = line.strip_prefix("< ").expect("a reply").split(' ');
    let status = Status::from(hex(words.next().expect("a status"))[0]);
    let transferred = words.next().expect("a count").parse().expect("a number");
    let field = |name: &str| {
        let mut rest = words.clone();
        hex(rest
            .find_map(|word| word.strip_prefix(name))
            .unwrap_or_default())
    };
    let (sense, data) = (field("sense:"), field("data:"));
    (
        Reply {
            status,
            sense,
            transferred,
        },
        data,
    )
}

impl Transport for Recorded {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Reply, TransportError> {
        loop {
            let (asked, reply, bytes) = self
                .left
                .pop_front()
                .unwrap_or_else(|| panic!("not in the record: {cdb:?}"));
            if asked != cdb.as_bytes() {
                continue;
            }
            if let Data::In(buffer) = data {
                buffer[..bytes.len()].copy_from_slice(&bytes);
            }
            return Ok(reply);
        }
    }

    fn path(&self) -> &str {
        self.path
    }
}

fn full(inventory: &Inventory, kind: ElementKind) -> Vec<(u16, String)> {
    let tag = |element: &tapeward_drivers::smc::Element| {
        element
            .primary_tag
            .as_ref()
            .map_or(String::new(), ToString::to_string)
    };
    let full = inventory.of_kind(kind).filter(|element| element.full);
    full.map(|element| (element.address.0, tag(element)))
        .collect()
}

#[test]
fn the_robot_of_tgt() {
    let mut changer = Changer::new(Box::new(Recorded::open(TGT, "/dev/sg3")));
    let data = changer.inquiry().unwrap();
    assert_eq!((&*data.vendor, &*data.product), ("TGT", "VCHANGER"));
    assert_eq!(changer.serial().unwrap().as_deref(), Some("ROBOT00001"));

    let before = changer.inventory(&InventoryOptions::default()).unwrap();
    assert_eq!(before.elements.len(), 15);
    let slots = full(&before, ElementKind::Storage);
    assert_eq!(slots.len(), 9);
    assert_eq!(slots[0], (1024, "TWD001L5".to_owned()));
    assert_eq!(slots[8], (1032, "CLNU01L1".to_owned()));
    // It never sets ACCESS: that is known and says nothing.
    assert!(before.elements.iter().all(|element| element.access));
    // Its replies are eight bytes short: the last descriptor of each page is cut off.
    let cut: Vec<_> = before
        .anomalies
        .iter()
        .map(|anomaly| match anomaly {
            Anomaly::TruncatedDescriptor { address, .. } => *address,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        cut,
        [1, 1033, 17, 257].map(|address| Some(ElementAddress(address)))
    );
    let name = before
        .element(ElementAddress(256))
        .unwrap()
        .device
        .as_ref()
        .unwrap();
    assert!(name.names_serial("DRIVE00001"));

    let picker = ElementAddress(1);
    changer
        .move_medium(picker, ElementAddress(1024), ElementAddress(256))
        .unwrap();
    let loaded = changer.inventory(&InventoryOptions::default()).unwrap();
    assert_eq!(
        full(&loaded, ElementKind::DataTransfer),
        [(256, "TWD001L5".to_owned())]
    );
    let drive = loaded.element(ElementAddress(256)).unwrap();
    assert_eq!(drive.source, Some(ElementAddress(1024)));
    changer
        .move_medium(picker, ElementAddress(256), ElementAddress(1024))
        .unwrap();
    let after = changer.inventory(&InventoryOptions::default()).unwrap();
    assert_eq!(full(&after, ElementKind::Storage), slots);
}

#[test]
fn a_drive_of_tgt() {
    let mut drive = Drive::new(Box::new(Recorded::open(TGT, "/dev/sg1")));
    assert_eq!(drive.inquiry().unwrap().product, "VDRIVE");
    assert_eq!(drive.consume_unit_attentions().unwrap().len(), 1);
    let limits = BlockLimits {
        granularity: 9,
        maximum: 1 << 20,
        minimum: 4,
    };
    assert_eq!(drive.read_block_limits().unwrap(), limits);
    let modes = drive.modes().unwrap();
    assert_eq!(
        (modes.buffering, modes.block_length),
        (Buffering::Buffered, 0)
    );
    assert_eq!(modes.programmable_early_warning, None);
    assert_eq!(drive.capacity().unwrap(), None);
    assert_eq!(drive.tape_alerts().unwrap(), None);
    drive.rewind().unwrap();
    assert!(drive.position().unwrap().position_unknown);

    let mut buffer = vec![0; 256 << 10];
    let mut outcomes = (0..6).map(|_| drive.read_block(&mut buffer).unwrap());
    assert_eq!(outcomes.next(), Some(ReadOutcome::Block(256 << 10)));
    assert_eq!(outcomes.next(), Some(ReadOutcome::Filemark));
    // The residual beside this incorrect length is 13, what came, not what did not.
    assert_eq!(outcomes.next(), Some(ReadOutcome::Block(13)));
    assert_eq!(outcomes.next(), Some(ReadOutcome::Filemark));
    assert_eq!(outcomes.next(), Some(ReadOutcome::Filemark));
    assert_eq!(outcomes.next(), Some(ReadOutcome::EndOfData));
    drop(outcomes);
    drive.rewind().unwrap();
    drive.space(Space::Filemarks(1)).unwrap();
    let outcome = drive.read_block(&mut [0; 5]).unwrap();
    assert_eq!(outcome, ReadOutcome::TooLong { actual: 13 });
    drive.unload().unwrap();
}
