//! Raw commands to a library in the same process: bytes out, bytes in, no parsers of the host.
// Each test program uses its own part, and a failure here is a failed test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport};
use tapeward_sim::{Durability, InProcess, Library, LibrarySpec, create};
use tempfile::TempDir;

pub const ONE: InitiatorId = InitiatorId([1; 16]);
pub const TWO: InitiatorId = InitiatorId([2; 16]);
pub const CHANGER: Lun = Lun::CHANGER;
pub const DRIVE: Lun = Lun(1);
pub const SECOND_DRIVE: Lun = Lun(2);

/// Addresses of the generic model.
pub const SLOT: u16 = 0x0401;
pub const MAIL: u16 = 0x0301;
pub const BAY: u16 = 0x0101;

/// A library in a folder that goes away with it.
pub struct World {
    pub library: Arc<Library>,
    pub dir: TempDir,
}

impl World {
    pub fn new(spec: &LibrarySpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), spec).unwrap();
        let library = Library::open(dir.path(), Durability::Process).unwrap();
        Self { library, dir }
    }

    /// A path to a logical unit with the first unit attention taken.
    pub fn unit(&self, lun: Lun, initiator: InitiatorId) -> Unit {
        let mut unit = self.fresh_unit(lun, initiator);
        unit.send(&[0x00, 0, 0, 0, 0, 0]);
        unit
    }

    pub fn fresh_unit(&self, lun: Lun, initiator: InitiatorId) -> Unit {
        Unit(InProcess::connect(&self.library, lun, initiator))
    }

    /// Switches off without writing out, as the death of the process does, and on again.
    pub fn restart(self) -> Self {
        let Self { library, dir } = self;
        drop(library);
        let library = Library::open(dir.path(), Durability::Process).unwrap();
        Self { library, dir }
    }

    /// Moves between two elements as a host does.
    pub fn move_medium(&self, from: u16, to: u16) -> Answer {
        self.unit(CHANGER, InitiatorId([9; 16]))
            .move_medium(from, to)
    }

    /// The first slot's cartridge is loaded; the drive, its attentions taken.
    pub fn loaded(&self) -> Unit {
        self.move_medium(SLOT, BAY).good();
        let mut drive = self.fresh_unit(DRIVE, ONE);
        drive.drain_attentions();
        drive
    }
}

/// One path to a logical unit.
pub struct Unit(pub InProcess);

/// Bytes that differ by place and by seed.
pub fn pattern(seed: u8, length: usize) -> Vec<u8> {
    let bytes = (0_u8..=250).cycle().map(|byte| byte.wrapping_add(seed));
    bytes.take(length).collect()
}

/// Status, sense, data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub reply: Reply,
    pub data: Vec<u8>,
}

impl Answer {
    pub fn good(self) -> Vec<u8> {
        assert_eq!(self.reply.status, Status::Good, "{:02x?}", self.reply.sense);
        self.data
    }

    /// Key, ASC, ASCQ of fixed format sense, or zeros with GOOD.
    pub fn sense(&self) -> (u8, u8, u8) {
        if self.reply.status == Status::Good {
            return (0, 0, 0);
        }
        let sense = &self.reply.sense;
        (sense[2] & 0x0f, sense[12], sense[13])
    }

    /// FILEMARK 80h, EOM 40h, ILI 20h.
    pub fn stream_bits(&self) -> u8 {
        self.reply.sense[2] & 0xe0
    }

    /// INFORMATION, if valid.
    pub fn information(&self) -> Option<i32> {
        let sense = &self.reply.sense;
        (sense[0] & 0x80 != 0).then(|| i32::from_be_bytes(sense[3..7].try_into().unwrap()))
    }
}

fn cdb(bytes: &[u8]) -> Cdb {
    Cdb::from_slice(bytes).unwrap()
}

impl Unit {
    pub fn try_command(&mut self, bytes: &[u8], data: Data<'_>) -> Option<Reply> {
        self.0
            .execute(&cdb(bytes), data, Duration::from_secs(1))
            .ok()
    }

    pub fn send(&mut self, bytes: &[u8]) -> Answer {
        let reply = self.try_command(bytes, Data::None).unwrap();
        let data = Vec::new();
        Answer { reply, data }
    }

    pub fn send_out(&mut self, bytes: &[u8], out: &[u8]) -> Answer {
        let reply = self.try_command(bytes, Data::Out(out)).unwrap();
        let data = Vec::new();
        Answer { reply, data }
    }

    pub fn send_in(&mut self, bytes: &[u8], length: usize) -> Answer {
        let mut data = vec![0xee; length];
        let reply = self.try_command(bytes, Data::In(&mut data)).unwrap();
        data.truncate(reply.transferred);
        Answer { reply, data }
    }

    pub fn drain_attentions(&mut self) {
        while self.send(&[0, 0, 0, 0, 0, 0]).sense().0 == 6 {}
    }

    pub fn ready(&mut self) -> Answer {
        self.send(&[0, 0, 0, 0, 0, 0])
    }

    pub fn write(&mut self, block: &[u8]) -> Answer {
        let [_, a, b, c] = u32::try_from(block.len()).unwrap().to_be_bytes();
        self.send_out(&[0x0a, 0, a, b, c, 0], block)
    }

    pub fn read(&mut self, length: usize) -> Answer {
        let [_, a, b, c] = u32::try_from(length).unwrap().to_be_bytes();
        self.send_in(&[0x08, 0, a, b, c, 0], length)
    }

    pub fn filemarks(&mut self, count: u8, immediate: bool) -> Answer {
        self.send(&[0x10, u8::from(immediate), 0, 0, count, 0])
    }

    pub fn rewind(&mut self) -> Answer {
        self.send(&[0x01, 0, 0, 0, 0, 0])
    }

    pub fn locate(&mut self, object: u32) -> Answer {
        let [a, b, c, d] = object.to_be_bytes();
        self.send(&[0x2b, 0, 0, a, b, c, d, 0, 0, 0])
    }

    pub fn space(&mut self, code: u8, count: i32) -> Answer {
        let [_, a, b, c] = count.to_be_bytes();
        self.send(&[0x11, code, a, b, c, 0])
    }

    /// READ POSITION long form: flags, logical object, tape file.
    pub fn position(&mut self) -> (u8, u64, u64) {
        let data = self
            .send_in(&[0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0], 32)
            .good();
        let number = |at: usize| u64::from_be_bytes(data[at..at + 8].try_into().unwrap());
        (data[0], number(8), number(16))
    }

    /// Sense of READ POSITION.
    pub fn position_sense(&mut self) -> (u8, u8, u8) {
        let cdb = [0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0];
        self.send_in(&cdb, 32).sense()
    }

    /// Objects and bytes in the buffer, by READ POSITION extended form.
    pub fn buffered(&mut self) -> (u32, u64) {
        let data = self
            .send_in(&[0x34, 0x08, 0, 0, 0, 0, 0, 0, 32, 0], 32)
            .good();
        let objects = u32::from_be_bytes([0, data[5], data[6], data[7]]);
        (
            objects,
            u64::from_be_bytes(data[24..32].try_into().unwrap()),
        )
    }

    pub fn move_medium(&mut self, from: u16, to: u16) -> Answer {
        let ([a, b], [c, d]) = (from.to_be_bytes(), to.to_be_bytes());
        self.send(&[0xa5, 0, 0, 0, a, b, c, d, 0, 0, 0, 0])
    }
}
